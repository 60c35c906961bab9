package main

import (
	"cmp"
	"slices"
	"strings"

	"magpie/baseline"
	"magpie/fusion"
	"magpie/journal"
	"magpie/rules"
	"magpie/sensors"
	"magpie/sensors/message"
	"magpie/sim"
	"magpie/site"
)

// contestant is one way to judge a recording: Magpie, a part of it, or a baseline.
type contestant struct {
	name, what string
	start      func(*fusion.Store) baseline.Watcher // a baseline
	or         bool                                 // the baselines of single sensors, any of them
	hears      func(topic string) bool              // Magpie that has only some sensors; nil: all
	without    string                               // Magpie whose policies lack something
}

// judge is a contestant and what it was fitted to.
type judge struct {
	contestant
	index     int
	steps     []baseline.Step
	threshold float64 // of a probability: from it on a baseline alerts
}

// contestants are Magpie, and, where it is held against others, those.
func contestants(against bool) []contestant {
	all := []contestant{{name: "Magpie", what: "the policies, with all sensors"}}
	if !against {
		return all
	}
	for _, b := range baseline.All() {
		all = append(all, contestant{name: b.Name, what: b.What, start: b.New})
	}
	all = append(all, contestant{name: "B2 OR", what: "gate, camera, plates or tills alone, whichever is surest", or: true})
	kinds := map[string][]string{
		"cameras": {message.KindTrack}, "tags": {message.KindRFID, message.KindGate}, "plates": {message.KindWeight},
	}
	for _, parts := range [][]string{{"cameras"}, {"cameras", "plates"}, {"cameras", "tags"}, {"plates", "tags"}} {
		silent := map[string]bool{}
		for name, of := range kinds {
			for _, k := range of {
				silent[k] = !slices.Contains(parts, name)
			}
		}
		all = append(all, contestant{name: "Magpie, " + strings.Join(parts, " + "), what: "the same policies; no other sensors beside tills and counters",
			hears: func(topic string) bool {
				_, kind, _, _ := message.SplitTopic(topic)
				return !silent[kind]
			}})
	}
	for _, w := range withouts() {
		all = append(all, contestant{name: "Magpie without " + w, what: "the same policies without that", without: w})
	}
	return all
}

// single are the baselines of which OR is made.
func (j *judge) single() bool {
	return j.name == "B1 gate" || strings.HasSuffix(j.name, " alone")
}

// load gives the policies that a judge goes by.
func (j *judge) load(dir string, s *site.Site) (*rules.Set, error) {
	if j.without != "" {
		return loadWithout(dir, s, j.without)
	}
	return loadPolicies(dir, s)
}

// runsOf are what judge k said of each run, as Evaluate takes it.
func runsOf(judges []judge, k int, played []playedRun) (all []sim.Judged) {
	for i := range played {
		all = append(all, judges[k].of(judges, &played[i]))
	}
	return all
}

func (j *judge) of(judges []judge, r *playedRun) sim.Judged {
	if j.start == nil && !j.or {
		return r.judged[j.index]
	}
	out := sim.Judged{Hours: r.hours, Visits: r.visits}
	alerted := map[int]bool{}
	for _, s := range j.said(judges, r) {
		p := baseline.P(j.steps, s.Score)
		out.Scores = append(out.Scores, sim.Scored{Tracks: []string{s.Track}, From: s.At - 5e9, To: s.At, P: p})
		if p >= j.threshold && !alerted[s.Person] {
			alerted[s.Person] = true
			out.Raised = append(out.Raised, sim.Raised{Tracks: []string{s.Track}, At: s.At, SKUs: s.SKUs, Stands: true})
		}
	}
	return out
}

// said is what a baseline said of a run. All number people alike, so that OR takes for each the surest.
func (j *judge) said(judges []judge, r *playedRun) []baseline.Said {
	if !j.or {
		return r.said[j.index]
	}
	var all []baseline.Said
	for k := range judges {
		if judges[k].single() {
			for _, s := range r.said[k] {
				s.Score = baseline.P(judges[k].steps, s.Score)
				all = append(all, s)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b baseline.Said) int { return cmp.Compare(a.At, b.At) })
	return all
}

// fit makes probabilities of the scores of baselines, and finds from which one on alerts give the best F1.
func fit(judges []judge, tuned []playedRun) {
	for _, or := range []bool{false, true} { // OR is made of the others
		for k := range judges {
			j := &judges[k]
			if j.or != or || j.start == nil && !j.or {
				continue
			}
			var seen []baseline.Seen
			for i := range tuned {
				raw := sim.Judged{Visits: tuned[i].visits}
				for _, s := range j.said(judges, &tuned[i]) {
					raw.Scores = append(raw.Scores, sim.Scored{Tracks: []string{s.Track}, From: s.At - 5e9, To: s.At, P: s.Score})
				}
				for _, v := range raw.Highest() {
					if v.P > 0 {
						seen = append(seen, baseline.Seen{Score: v.P, Theft: v.Theft})
					}
				}
			}
			j.steps = baseline.Calibrate(seen)
			best := -1.0
			for _, s := range j.steps {
				try := *j
				try.threshold = s.P
				var all []sim.Judged
				for i := range tuned {
					all = append(all, try.of(judges, &tuned[i]))
				}
				if f1 := sim.F1(all); f1 > best {
					best, j.threshold = f1, s.P
				}
			}
		}
	}
}

// decodeFor decodes lines for who judges without a pipeline, each message once.
func decodeFor(s *site.Site, lines []journal.Line, watchers []baseline.Watcher) error {
	d, err := sensors.NewDecoder(s.Store, sensors.Options{Foreign: s.Sources, Cameras: s.Cameras, Cashier: s.Privacy.Cashier})
	if err != nil {
		return err
	}
	seen := map[uint64]bool{}
	for i := range lines {
		l := &lines[i]
		m, err := d.Decode(l.Received, l.Topic, l.Retain, l.Payload)
		if err != nil || m.Ident != 0 && seen[m.Ident] {
			continue
		}
		seen[m.Ident] = true
		for _, w := range watchers {
			if w != nil {
				w.Add(&m)
			}
		}
	}
	return nil
}
