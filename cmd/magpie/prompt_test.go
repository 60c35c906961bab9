package main

import (
	"testing"
	"time"

	"magpie/alerts"
	"magpie/sensors/message"
)

// TestProvisionalIsPrompt: what the contract promises at once (goods past a gate or a till, people who go in or out) is said within
// 300 ms, by the journal's stamps, of the arrival of the message that makes it so. That is the one at which somebody who looks
// at everything again with every message would say it for the first time. Some may take longer: that somebody comes near a zone, and
// heads for it, without entering it, is not promised, and may pass.
func TestProvisionalIsPrompt(t *testing.T) {
	tried, slow := 0, 0
	for _, c := range lawCases(t) {
		if c.name == "language" {
			continue // its policies ask for much that is not promised
		}
		first := func(every bool) (raised map[string]int64) {
			raised = map[string]int64{}
			p, err := newPipeline(c.site, c.set, func(a *alerts.Alert) {
				if _, known := raised[a.ID]; !known {
					raised[a.ID] = a.RaisedAt
				}
			}, pipelineHooks{})
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range journalLines(t, c.lines) {
				p.line(&l)
				if !every || l.Control != nil {
					continue
				}
				switch _, kind, _, _ := message.SplitTopic(l.Topic); kind {
				case message.KindGate, message.KindTill, message.KindRFID, message.KindTrack:
					w, b := p.core.Provisional()
					p.log.Suppose(w, b, l.Received)
				}
			}
			return raised
		}
		soonest, said := first(true), first(false)
		for id, at := range said {
			earliest, known := soonest[id]
			if !known {
				continue // the other one named a visit by what it saw before: nobody promised that
			}
			tried++
			if late := time.Duration(at - earliest); late > 300*time.Millisecond {
				slow++
				t.Logf("%s: %s was said %v after it could have been", c.name, id, late)
			}
		}
	}
	if slow*100 > 15*tried {
		t.Errorf("%d of %d alerts were said more than 300 ms after they could have been", slow, tried)
	}
	if tried < 20 {
		t.Errorf("%d alerts were tried; want 20 at least", tried)
	}
	t.Logf("%d alerts, %d of them after more than 300 ms", tried, slow)
}
