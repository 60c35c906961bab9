package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/sim"
)

// The faults that running the reference showed, each as a story that Magpie tells right. Times are seconds since the start.

// rtsfStory is messages of the reference's devices.
type rtsfStory struct {
	t     *testing.T
	r     *rtsf
	lane  string
	lines []sim.Line
}

func (r *rtsf) story(t *testing.T) *rtsfStory { return &rtsfStory{t: t, r: r, lane: "1"} }

func (s *rtsfStory) send(at float64, device, event string, data map[string]any) {
	s.t.Helper()
	data["lane_id"] = s.lane
	l := s.r.lines(s.t, []rtsfEvent{{Device: device, Event: event, Data: data, Wait: fmt.Sprintf("%dms", int(at*1000))}})
	s.lines = append(s.lines, l...)
}

func (s *rtsfStory) pos(at float64, event string) {
	s.send(at, "POS", event, map[string]any{"basket_id": "b-" + s.lane})
}

func (s *rtsfStory) scan(at float64, name string, quantity float64) {
	s.send(at, "POS", "scanned-item", map[string]any{"basket_id": "b-" + s.lane, "product_id": s.r.upc(name), "quantity": quantity, "quantity_unit": "EA"})
}

func (s *rtsfStory) weight(at, total float64) {
	s.send(at, "Scale", "weight", map[string]any{"total": total, "units": "lbs"})
}

func (s *rtsfStory) camera(at float64, name, region string, count int) {
	s.send(at, "CV-ROI", "cv-roi-event", map[string]any{"product_name": name, "roi_name": region, "roi_action": "ENTERED", "object_count": count})
}

func (s *rtsfStory) tag(at float64, name, region string) {
	s.send(at, "RFID-ROI", "rfid-roi-event", map[string]any{"epc": s.r.epc[name], "roi_name": region, "roi_action": "ENTERED"})
}

func (r *rtsf) upc(name string) string {
	for _, p := range r.site.Store.Products {
		if p.Name == name {
			return p.Written
		}
	}
	return ""
}

// tell replays the story.
func (s *rtsfStory) tell() *rtsfRun {
	s.t.Helper()
	x := s.r.run(s.t)
	x.feed(s.lines...)
	return x
}

// ends is a run after its end, of which the last line of each alert is told: state and goods.
func (x *rtsfRun) ends() string {
	x.p.finish(x.newest)
	last := map[string]*alerts.Alert{}
	var order []string
	for _, a := range x.list {
		if last[a.ID] == nil {
			order = append(order, a.ID)
		}
		last[a.ID] = a
	}
	var all []string
	for _, id := range order {
		a := last[id]
		text := string(a.State)
		for _, it := range a.Items {
			text += " " + x.name(x.r.site.Store.ProductIndex(fusion.GTIN14(it.SKU)))
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func (x *rtsfRun) want(says string) {
	x.t.Helper()
	if got := x.says(); got != says {
		x.t.Errorf("says %q\nwant %q", got, says)
	}
}

func TestRTSFStaleSightingDoesNotConfirm(t *testing.T) {
	r := newRTSF(t)
	for _, c := range []struct {
		name string
		gap  time.Duration
		says string
	}{
		{"4 s", 4 * time.Second, "confirmed 1 Red Apples"},
		{"6 s", 6 * time.Second, ""},
		{"1 h", time.Hour, ""},
		{"30 days", 30 * 24 * time.Hour, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := r.story(t)
			s.pos(0, "basket-open")
			s.camera(1, "Red Apples", "Scanner", 1)
			s.scan(1+c.gap.Seconds(), "Red Apples", 1)
			s.pos(2+c.gap.Seconds(), "payment-start")
			s.tell().want(c.says)
		})
	}
}

func TestRTSFEdgeOfAWeightRange(t *testing.T) {
	s := newRTSF(t).story(t)
	s.pos(0, "basket-open")
	s.scan(2, "Trail Mix", 1)
	s.weight(4, 2.1)
	s.scan(6, "Red Wine", 1)
	s.weight(8, 5.1) // less 2.1 is 2.9999999999999996, and wine weighs 3.0 to 3.1
	s.pos(10, "payment-start")
	s.tell().want("confirmed 1 Red Wine, confirmed 1 Trail Mix")
}

func TestRTSFTwoLanesInOneProcess(t *testing.T) {
	s := newRTSF(t).story(t)
	for i, lane := range []string{"1", "2"} {
		off := float64(i) / 2
		goods := []string{"Trail Mix", "Red Wine"}[i]
		s.lane = lane
		s.pos(off, "basket-open")
		s.scan(2+off, goods, 1)
		s.weight(4+off, []float64{2.05, 3.05}[i])
		s.pos(6+off, "payment-start")
	}
	lines := s.lines
	s.lines = nil
	for i := range 4 {
		s.lines = append(s.lines, lines[i], lines[i+4])
	}
	x := s.tell()
	x.want("confirmed 1 Trail Mix, confirmed 1 Red Wine") // a visit each, in the order in which they began
	if w, _ := x.p.core.Provisional(); len(w.Visits()) != 2 {
		t.Errorf("%d visits", len(w.Visits()))
	}
}

func TestRTSFLiftedOffAfterItWasConfirmed(t *testing.T) {
	s := newRTSF(t).story(t)
	s.pos(0, "basket-open")
	s.scan(2, "Trail Mix", 1)
	s.weight(4, 2.05)
	s.pos(6, "other")
	x := s.tell()
	x.want("confirmed 1 Trail Mix")
	s.weight(8, 0)
	s.pos(10, "payment-start")
	x = s.tell()
	x.want("not carried 1 Trail Mix")
}

func TestRTSFTwoSeenOneScanned(t *testing.T) {
	s := newRTSF(t).story(t)
	s.pos(0, "basket-open")
	s.camera(1, "Red Apples", "Scanner", 2)
	s.scan(2, "Red Apples", 1)
	s.pos(4, "payment-start")
	s.tell().want("not scanned 1 Red Apples, confirmed 1 Red Apples")
}

func TestRTSFTwoSeenTwoScanned(t *testing.T) {
	s := newRTSF(t).story(t)
	s.pos(0, "basket-open")
	s.camera(1, "Red Apples", "Scanner", 1)
	s.camera(1.5, "Red Apples", "Scanner", 1)
	s.scan(2, "Red Apples", 2)
	s.pos(4, "payment-start")
	s.tell().want("confirmed 2 Red Apples")
}

func TestRTSFScanDeliveredTwice(t *testing.T) {
	s := newRTSF(t).story(t)
	s.pos(0, "basket-open")
	s.scan(2, "Trail Mix", 1)
	s.lines = append(s.lines, s.lines[1])
	s.weight(4, 2.05)
	s.pos(6, "payment-start")
	x := s.tell()
	x.want("confirmed 1 Trail Mix")
	if n := x.p.core.Counters[x.r.site.Store.SourceIndex("pos-1")].Duplicates; n != 1 {
		t.Errorf("%d duplicates were counted", n)
	}
}

func TestRTSFWeightBeforeTheBasketOpens(t *testing.T) {
	s := newRTSF(t).story(t)
	s.weight(0, 2.05)
	s.pos(0.2, "basket-open") // the load has not even settled
	s.scan(2, "Trail Mix", 1)
	s.pos(4, "payment-start")
	s.tell().want("confirmed 1 Trail Mix")

	s = s.r.story(t)
	s.weight(0, 2.05)
	s.pos(8, "basket-open")
	s.scan(10, "Trail Mix", 1)
	s.pos(12, "payment-start")
	s.tell().want("confirmed 1 Trail Mix")

	s = s.r.story(t) // what has lain there for long is not this customer's
	s.weight(0, 2.05)
	s.pos(40, "basket-open")
	s.scan(42, "Trail Mix", 1)
	s.weight(44, 4.1)
	s.pos(46, "payment-start")
	s.tell().want("confirmed 1 Trail Mix")
}

func TestRTSFScanAfterPaymentStart(t *testing.T) {
	bagged := func(r *rtsf) *rtsfStory {
		s := r.story(t)
		s.pos(0, "basket-open")
		s.scan(2, "Red Apples", 1)
		s.weight(3, 1.05)
		s.tag(4, "Trail Mix", "Bagging")
		s.weight(5, 3.1)
		s.pos(7, "payment-start")
		return s
	}
	r := newRTSF(t)
	s := bagged(r)
	s.pos(60, "basket-close")
	if got := s.tell().ends(); got != "closed Trail Mix" {
		t.Errorf("without the scan: %q; want an alert that stands", got)
	}

	s = bagged(r)
	s.scan(9, "Trail Mix", 1)
	s.pos(12, "payment-success")
	x := s.tell()
	x.want("confirmed 1 Trail Mix, confirmed 1 Red Apples")
	if got := x.ends(); got != "retracted Trail Mix" {
		t.Errorf("scanned after payment-start: %q; want the alert retracted", got)
	}

	s = bagged(r)
	s.pos(20, "payment-success")
	s.scan(5.5, "Trail Mix", 1) // it was scanned in time, and told too late for the watermark
	s.lines[len(s.lines)-1].Received = rtsfStart.Add(21 * time.Second).UnixNano()
	s.pos(25, "basket-close")
	x = s.tell()
	if got := x.ends(); got != "retracted Trail Mix" {
		t.Errorf("told late: %q; want the alert retracted", got)
	}
}

// TestRTSFSaidAtOnce: the reference says what it has found at payment-start; here it is said when it is seen.
func TestRTSFSaidAtOnce(t *testing.T) {
	s := newRTSF(t).story(t)
	s.pos(0, "basket-open")
	s.scan(2, "Red Apples", 1)
	x := s.tell()
	if len(x.list) > 0 {
		t.Fatalf("an alert of nothing: %+v", x.list[0])
	}
	s.tag(4, "Red Wine", "Bagging")
	x = s.tell()
	if len(x.list) != 1 || x.list[0].State != alerts.Provisional || x.list[0].RaisedAt != s.lines[2].Received {
		t.Errorf("%d lines when a tag that was not scanned lies in the bag; want one, provisional, at its arrival", len(x.list))
	}
}

func TestRTSFUnknownTag(t *testing.T) {
	s := newRTSF(t).story(t)
	s.pos(0, "basket-open")
	s.tag(2, "Stapler", "Bagging")
	s.pos(4, "payment-start")
	s.tell().want("not scanned 1 " + s.r.epc["Stapler"])
}

func TestRTSFWalksOutWithoutPaying(t *testing.T) {
	r := newRTSF(t)
	for _, c := range []struct {
		name string
		seen func(s *rtsfStory, at float64, region string)
	}{
		{"tag", func(s *rtsfStory, at float64, region string) { s.tag(at, "Trail Mix", region) }},
		{"camera", func(s *rtsfStory, at float64, region string) { s.camera(at, "Trail Mix", region, 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := r.story(t)
			c.seen(s, 0, "Bagging")
			s.weight(1, 2.05)
			s.weight(8, 0)
			x := s.tell()
			if len(x.list) > 0 {
				t.Errorf("an alert before anybody leaves: %+v", x.list[0])
			}
			c.seen(s, 15, "Departure")
			if got := s.tell().ends(); got != "closed Trail Mix" {
				t.Errorf("%q; want an alert of the goods that left", got)
			}
		})
	}
}

func TestRTSFOtherGoodsOfTheSameWeight(t *testing.T) {
	swap := func(s *rtsfStory) {
		s.pos(0, "basket-open")
		s.scan(2, "Quaker Oats", 1)
		s.weight(5, 3.05)
		s.pos(8, "payment-start")
	}
	r := newRTSF(t)
	s := r.story(t)
	swap(s)
	s.tell().want("confirmed 1 Quaker Oats") // a scale alone cannot tell

	s = r.story(t)
	swap(s)
	s.lines = s.lines[:3]
	s.tag(6, "Red Wine", "Bagging")
	s.camera(6.5, "Red Wine", "Bagging", 1)
	s.pos(8, "payment-start")
	x := s.tell()
	x.want("substituted 1 Red Wine as Quaker Oats")
	if got := x.ends(); got != "closed Red Wine" {
		t.Errorf("%q; want an alert", got)
	}
}
