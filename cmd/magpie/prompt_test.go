package main

import (
	"slices"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
)

// prompt is within how long of arrival a provisional line is promised (contract §5).
const prompt = 300 * time.Millisecond

// TestProvisionalIsPrompt: whatever stands when a message comes for which the contract promises an answer (§5: messages of gates
// and tills, reads in exit, entrance and checkout zones, any zone entered or left by a visit that may hold unpaid goods) is said
// within 300 ms, by the journal's stamps. What stands is what somebody would say who looks at everything again with every
// message; what he takes back within the 300 ms need not be said. Other messages, as those of somebody who comes near a zone,
// and heads for it, without entering it, promise nothing.
func TestProvisionalIsPrompt(t *testing.T) {
	tried := map[string]int{}
	for i, c := range lawCases(t) {
		if testing.Short() && i == 4 {
			break
		}
		if c.name == "language" {
			continue // its policies ask for much that is not promised
		}
		p := newPromises(t, c)
		said := map[string][]alerts.Alert{}
		pipe, err := newPipeline(c.site, c.set, func(a *alerts.Alert) { said[a.ID] = append(said[a.ID], *a) }, pipelineHooks{})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range journalLines(t, c.lines) {
			p.line(&l)
			pipe.line(&l)
		}
		late := map[string]bool{}
		for _, o := range p.owed {
			if o.takenBack {
				continue
			}
			tried[o.why]++
			until := o.made + int64(prompt)
			n, _ := slices.BinarySearchFunc(said[o.id], until+1, func(a alerts.Alert, at int64) int { return int(a.RaisedAt - at) })
			if n == 0 || gone(said[o.id][n-1].State) {
				if !late[o.id] {
					t.Errorf("%s: %s stood at %s, with %s, and was not said in time", c.name, o.id, time.Unix(0, o.made).UTC().Format("15:04:05.000"), o.why)
				}
				late[o.id] = true
			}
		}
	}
	t.Logf("%v", tried)
	for _, why := range []string{"a gate", "a till", "a read", "a zone"} {
		if tried[why] < 20 && !testing.Short() {
			t.Errorf("%d alerts stood with %s; want 20 at least", tried[why], why)
		}
	}
}

func gone(s alerts.State) bool { return s == alerts.Retracted || s == alerts.Closed }

// promises looks at everything again with every message, and notes what stands when one comes for which an answer is promised.
type promises struct {
	*pipeline
	stands map[string]bool
	zones  map[passage]int // how often
	event  fusion.Message  // of the line
	owed   []*promise
}

// passage is a zone that a visit has entered, left, or gone out by.
type passage struct {
	visit string
	kind  fusion.FactKind
	zone  int
}

// promise is an alert that stands when such a message comes.
type promise struct {
	id, why   string
	made      int64 // arrival of the message
	takenBack bool  // before it had to be said
}

func newPromises(t *testing.T, c lawCase) *promises {
	p := &promises{stands: map[string]bool{}}
	var err error
	p.pipeline, err = newPipeline(c.site, c.set, p.said, pipelineHooks{
		decoded: func(_ *journal.Line, m *fusion.Message, _ fusion.Verdict) { p.event = *m }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *promises) said(a *alerts.Alert) {
	p.stands[a.ID] = !gone(a.State)
	for _, o := range p.owed {
		if o.id == a.ID && !p.stands[a.ID] && a.RaisedAt <= o.made+int64(prompt) {
			o.takenBack = true
		}
	}
}

func (p *promises) line(l *journal.Line) {
	p.event = fusion.Message{}
	p.pipeline.line(l)
	if len(p.event.Events) == 0 || p.event.Kind == fusion.Weight {
		return
	}
	w, b := p.core.Provisional()
	p.log.Suppose(w, b, l.Received)
	why := p.why()
	if p.crossed(w) && why == "" {
		why = "a zone"
	}
	for id, stands := range p.stands {
		if stands && why != "" {
			p.owed = append(p.owed, &promise{id: id, why: why, made: l.Received})
		}
	}
}

// why says what of a message alone makes a promise.
func (p *promises) why() string {
	for _, e := range p.event.Events {
		switch e.Kind {
		case fusion.Gate:
			return "a gate"
		case fusion.TillKind:
			return "a till"
		case fusion.RFID:
			for _, r := range p.site.Store.Readers {
				if z, ok := r.Antennas[e.Antenna]; ok && r.ID == p.site.Store.Sources[e.Source].ID {
					switch p.site.Store.Zones[z].Kind {
					case fusion.Exit, fusion.Entrance, fusion.Checkout:
						return "a read"
					}
				}
			}
		}
	}
	return ""
}

// crossed reports whether somebody who may hold unpaid goods has entered or left a zone who had not when it was last asked.
func (p *promises) crossed(w *fusion.World) bool {
	now, crossed := map[passage]int{}, false
	for _, v := range w.Visits() {
		holds := slices.ContainsFunc(v.Basket, func(i fusion.Item) bool { return i.Unpaid() > 0 })
		for f := range v.Facts.All() {
			switch f.Kind {
			case fusion.FactEntered, fusion.FactLeft, fusion.FactExited:
				k := passage{v.ID, f.Kind, f.Zone}
				now[k]++
				crossed = crossed || holds && now[k] > p.zones[k]
			}
		}
	}
	p.zones = now
	return crossed
}
