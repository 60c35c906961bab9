package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/sensors"
	"magpie/sim"
	"magpie/site"
)

// Intel's checkout reference (RTSF) tells of POS events, a bagging scale in pounds, and goods that a camera and a reader see
// enter and leave regions of a lane. Its scripts and its catalogue are not shipped; its messages come in by their decoders.
const rtsfSite = `
store: rtsf
timezone: UTC
currency: USD
zones:
%s  - {id: Departure, kind: exit, polygon: [[0,-4],[40,-4],[40,-3],[0,-3]], out: [[0,-4],[40,-4]]}
tills:
  - {id: pos-1, zone: Scanner-1, kind: self}
  - {id: pos-2, zone: Scanner-2, kind: self}
scales: # without goods of their own they are bagging scales
  - {id: scale-1, zone: Bagging-1, at: [6.5, 0.5, 0.9], skus: []}
  - {id: scale-2, zone: Bagging-2, at: [26.5, 0.5, 0.9], skus: []}
devices:
  - {id: cv-1, kind: region}
  - {id: cv-2, kind: region}
  - {id: rfid-1, kind: region}
  - {id: rfid-2, kind: region}
products: products.csv
privacy: {foreign_tags: show}
sources:
  - {topic: incoming/data/pos/+, decoder: rtsf-till, id: "pos-{payload.lane_id}"}
  - {topic: incoming/data/+/weight, decoder: rtsf-weight, id: "scale-{payload.lane_id}"}
  - {topic: incoming/data/+/cv-roi-event, decoder: rtsf-region, id: "cv-{payload.lane_id}"}
  - {topic: incoming/data/+/rfid-roi-event, decoder: rtsf-rfid, id: "rfid-{payload.lane_id}"}
`

// rtsfPolicy is what such a store would judge by: goods that go out unpaid, and goods that are not scanned when it comes to
// paying.
const rtsfPolicy = `policy: %s
title: Goods that no till has seen
judge: visit
mode: live
prior: 0.01
when: '%s'
evidence:
  - {name: goods not paid for, if: 'unpaid_value() >= 0.5 ? p_unpaid() : 0.0', weight: very strong, group: basket}
  - {name: cheaper goods scanned in their place, if: 'substituted()', weight: strong, group: till}
alert: {tiers: {review: 0.3}, action: ask to rescan}
`

// rtsfEvent is one event of a script.
type rtsfEvent struct {
	Device string
	Event  string
	Data   map[string]any
	Wait   string `json:"wait_time"`
}

// rtsf is a store with two lanes and the catalogue of the reference.
type rtsf struct {
	lawWorld
	dir string
	epc map[string]string // by product name
}

func newRTSF(t *testing.T) *rtsf {
	t.Helper()
	root := cmp.Or(os.Getenv("MAGPIE_DATA"), filepath.Join("..", "..", "..", "shared", "data"))
	if !filepath.IsAbs(root) && os.Getenv("MAGPIE_DATA") != "" {
		root = filepath.Join("..", "..", root)
	}
	r := &rtsf{dir: filepath.Join(root, "rtsf-checkout"), epc: map[string]string{}}
	if _, err := os.Stat(r.dir); err != nil {
		t.Skipf("the scripts of rtsf-checkout are not here (%v); point MAGPIE_DATA at the folder that holds them", err)
	}
	tmp := t.TempDir()
	var zones strings.Builder
	for lane, x := range []float64{0, 20} {
		for i, z := range []struct{ name, kind string }{{"Entrance", "entrance"}, {"Staging", "checkout"}, {"Scanner", "checkout"}, {"Bagging", "checkout"},
			{"Cart", "checkout"}, {"GoBack", "aisle"}} {
			a := x + 2*float64(i)
			fmt.Fprintf(&zones, "  - {id: %s-%d, kind: %s, polygon: [[%g,0],[%g,0],[%g,1],[%g,1]]}\n", z.name, lane+1, z.kind, a, a+2, a+2, a)
		}
	}
	must(t, os.WriteFile(filepath.Join(tmp, "site.yaml"), fmt.Appendf(nil, rtsfSite, zones.String()), 0o600))
	must(t, os.WriteFile(filepath.Join(tmp, "products.csv"), r.products(t), 0o600))
	for name, when := range map[string]string{"till": `scanned("any") > 0`, "exit": `exited("exit")`} {
		must(t, os.MkdirAll(filepath.Join(tmp, "policies"), 0o700))
		must(t, os.WriteFile(filepath.Join(tmp, "policies", name+".yaml"), fmt.Appendf(nil, rtsfPolicy, name, when), 0o600))
	}
	s, err := site.Load(filepath.Join(tmp, "site.yaml"))
	must(t, err)
	set, err := loadPolicies(filepath.Join(tmp, "policies"), s)
	must(t, err)
	r.lawWorld = lawWorld{site: s, set: set}
	return r
}

// products makes a catalogue of the reference's two files: the middle of a weight's range, half of the range as its
// deviation, and as prefix of the tags what stands before the serial number.
func (r *rtsf) products(t *testing.T) []byte {
	t.Helper()
	tags, err := os.Open(filepath.Join(r.dir, "upc-to-epc.txt"))
	must(t, err)
	defer tags.Close()
	prefix := map[string]string{}
	for lines := bufio.NewScanner(tags); lines.Scan(); {
		product, epc, _ := strings.Cut(lines.Text(), ":")
		upc, name, _ := strings.Cut(product, ",")
		if epc = strings.TrimSpace(epc); len(epc) == 24 {
			r.epc[strings.TrimSpace(name)] = epc
			prefix[upc] = epc[:14]
		}
	}
	text, err := os.ReadFile(filepath.Join(r.dir, "products.json"))
	must(t, err)
	var all []struct {
		Barcode, Name string
		Min           float64 `json:"min_weight"`
		Max           float64 `json:"max_weight"`
		RFID          bool    `json:"rfid_eligible"`
	}
	must(t, json.Unmarshal(text, &all))
	const gram = 453.59237
	price := map[string]string{"Red Wine": "10.99", "Steak": "8.99", "Trail Mix": "5.99", "Quaker Oats": "3.99", "Salsa": "3.00", "Cheez It": "2.50", "Red Apples": "0.99"}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"sku", "name", "category", "price", "grams", "grams_sd", "tagged", "epc_prefix"})
	for _, p := range all {
		_ = w.Write([]string{p.Barcode, p.Name, "food", price[p.Name], fmt.Sprintf("%.2f", (p.Min+p.Max)/2*gram),
			fmt.Sprintf("%.2f", (p.Max-p.Min)/2*gram), fmt.Sprint(p.RFID), prefix[p.Barcode]})
	}
	w.Flush()
	must(t, w.Error())
	return []byte(b.String())
}

// script reads one of the reference's scripts.
func (r *rtsf) script(t *testing.T, name string) []rtsfEvent {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "scripts", name+".json"))
	must(t, err)
	var s struct {
		Events []rtsfEvent `json:"checkout_events"`
	}
	must(t, json.Unmarshal(text, &s))
	return s.Events
}

// rtsfStart is when every script begins.
var rtsfStart = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// lines makes messages of events, as the reference's simulator would send them: it stamps what has no lane or time.
func (r *rtsf) lines(t *testing.T, events []rtsfEvent) []sim.Line {
	t.Helper()
	var lines []sim.Line
	at := rtsfStart
	for _, e := range events {
		wait, err := time.ParseDuration(e.Wait)
		must(t, err)
		at = at.Add(wait)
		data := map[string]any{"lane_id": "1", "event_time": at.UnixMilli()}
		for k, v := range e.Data {
			data[k] = v
		}
		topic := map[string]string{"POS": "pos", "Scale": "scale", "CV-ROI": "cv-roi-mqtt", "RFID-ROI": "rfid-roi-mqtt"}[e.Device]
		b, err := json.Marshal(data)
		must(t, err)
		lines = append(lines, sim.Line{Received: at.UnixNano(), Topic: "incoming/data/" + topic + "/" + e.Event, Payload: b})
	}
	return lines
}

// rtsfRun is what Magpie makes of messages.
type rtsfRun struct {
	t      *testing.T
	r      *rtsf
	p      *pipeline
	list   []*alerts.Alert
	newest int64
}

func (r *rtsf) run(t *testing.T) *rtsfRun {
	t.Helper()
	x := &rtsfRun{t: t, r: r}
	p, err := newPipeline(r.site, r.set, func(a *alerts.Alert) { x.list = append(x.list, a) }, pipelineHooks{
		rejected: func(l *journal.Line, j *sensors.Rejection) { t.Errorf("%s rejected: %+v", l.Topic, j) }})
	must(t, err)
	x.p = p
	return x
}

func (x *rtsfRun) feed(lines ...sim.Line) {
	x.t.Helper()
	for _, l := range journalLines(x.t, lines) {
		x.newest = max(x.newest, l.Received)
		x.p.line(&l)
	}
}

// says is what the reconciliation of every visit says as things stand: what is likelier than not, a line a row.
func (x *rtsfRun) says() string {
	w, _ := x.p.core.Provisional()
	var all []string
	for _, v := range w.Visits() {
		for _, row := range (fusion.View{World: w, Visit: v, Now: w.Now()}).Reconcile() {
			if row.P > 0.5 {
				all = append(all, x.row(&row))
			}
		}
	}
	return strings.Join(all, ", ")
}

func (x *rtsfRun) name(product int) string {
	if product < 0 {
		return "unknown"
	}
	return x.r.site.Store.Products[product].Name
}

func (x *rtsfRun) row(row *fusion.Row) string {
	name := x.name(row.Product)
	if row.Product < 0 {
		name = cmp.Or(row.Name, row.EPC, name)
	}
	s := fmt.Sprintf("%s %.0f %s", row.Class, row.Units, name)
	if row.Scanned >= 0 {
		s += " as " + x.name(row.Scanned)
	}
	return s
}

// TestRTSF replays the scripts of the reference. What is said at payment-start, and at the end, is the right answer, which
// is not always the reference's own.
func TestRTSF(t *testing.T) {
	r := newRTSF(t)
	for _, c := range []struct{ script, pay, end string }{
		{script: "DemoTestCase_1", pay: "confirmed 3 Red Apples"},
		{script: "DemoTestCase_2", pay: "confirmed 3 Red Wine, confirmed 3 Trail Mix"},
		{script: "DemoTestCase_3", pay: "confirmed 3 Steak"},
		{script: "DemoTestCase_4", pay: "confirmed 3 Cheez It"},
		{script: "DemoTestCases_All", pay: "confirmed 3 Red Wine, confirmed 3 Steak, confirmed 3 Trail Mix, confirmed 3 Cheez It, confirmed 3 Red Apples"},
		{script: "checkoutEventsSuspect", pay: "not scanned 1 Red Apples, confirmed 1 Red Wine, confirmed 1 Steak, confirmed 1 Trail Mix"},
		{script: "missed_scan_then_rescan", pay: "confirmed 1 Red Wine, confirmed 1 Trail Mix"},
		{script: "all_events", end: "not scanned 1 Trail Mix, confirmed 1 Salsa, confirmed 1 Red Apples"},
		{script: "all_events_all_suspect", pay: "not scanned 1 Trail Mix, not scanned 1 unknown, confirmed 1 Red Apples"},
		{script: "checkoutEvents", pay: "confirmed 1 Red Wine, confirmed 1 Steak, confirmed 1 Trail Mix, confirmed 1 Red Apples"},
		{script: "cv_roi_events", end: "not scanned 1 abcde11"},
		{script: "rfid_roi_events", end: "not scanned 1 Trail Mix, not scanned 1 Salsa, not scanned 1 301400000009974000003039"},
	} {
		t.Run(c.script, func(t *testing.T) {
			x := r.run(t)
			events := r.script(t, c.script)
			pay := ""
			for i, l := range r.lines(t, events) {
				x.feed(l)
				if events[i].Event == "payment-start" {
					pay = x.says()
				}
			}
			if end := x.says(); pay != c.pay || end != cmp.Or(c.end, c.pay) {
				t.Errorf("at payment-start:\n%s\nwant\n%s\nat the end:\n%s\nwant\n%s", pay, c.pay, end, cmp.Or(c.end, c.pay))
			}
			r.anyOrder(t, c.script)
		})
	}
}

// anyOrder is law 3: messages that come as much later as each may say the same in the end.
func (r *rtsf) anyOrder(t *testing.T, script string) {
	t.Helper()
	lines := r.lines(t, r.script(t, script))
	tick := sim.Line{Received: lines[len(lines)-1].Received + int64(10*time.Second), Control: "tick"}
	final := func(lines []sim.Line) (says string, finals []byte) {
		x := r.run(t)
		x.feed(append(lines, tick)...)
		says = x.says()
		x.p.finish(x.newest)
		for _, a := range x.list {
			if a.Final > 0 {
				finals = append(a.AppendJSON(finals, true), '\n')
			}
		}
		return says, finals
	}
	wantSays, want := final(slices.Clone(lines))
	for seed := range uint64(5) {
		rng, late := rand.New(rand.NewPCG(seed, 7)), slices.Clone(lines)
		for i := range late {
			most := 2 * time.Second
			if strings.HasSuffix(late[i].Topic, "weight") {
				most = 500 * time.Millisecond
			}
			late[i].Received += rng.Int64N(int64(most))
		}
		slices.SortStableFunc(late, func(a, b sim.Line) int { return cmp.Compare(a.Received, b.Received) })
		if says, got := final(late); says != wantSays || !bytes.Equal(got, want) {
			t.Errorf("order %d says %s, not %s; %s", seed, says, wantSays, firstDifference(want, got))
		}
	}
}
