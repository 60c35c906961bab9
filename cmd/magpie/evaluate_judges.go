package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"magpie/baseline"
	"magpie/fusion"
	"magpie/journal"
	"magpie/rules"
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
	logit      bool                                 // a logistic regression on the evidence of Magpie's policies
	without    string                               // Magpie whose policies lack something
}

// judge is a contestant and what it was fitted to.
type judge struct {
	contestant
	index     int
	steps     []baseline.Step
	logit     *baseline.Logit
	keys      []string // of evidence, in the order of the regression
	threshold float64  // of a probability: from it on a baseline alerts
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
	all = append(all, contestant{name: "B5 logistic regression", what: "the evidence of Magpie's policies at their highest, with fitted weights", logit: true})
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

// fits reports whether a judge is fitted before it judges.
func (j *judge) fits() bool { return j.start != nil || j.or || j.contestant.logit }

// regress fits the regression to what evidence was seen.
func (j *judge) regress(tuned []playedRun) {
	keys := map[string]bool{}
	for i := range tuned {
		for _, seen := range tuned[i].evidence {
			for policy, e := range seen.of {
				for _, part := range e.parts {
					keys[policy+" "+part.Name] = true
				}
			}
		}
	}
	j.keys = slices.Sorted(maps.Keys(keys))
	var x [][]float64
	var thefts []bool
	for i := range tuned {
		own := sim.NewWhose(tuned[i].visits)
		for _, seen := range tuned[i].evidence {
			if v := own.Of(seen.tracks, seen.from, seen.to); v != nil && v.Kind != sim.Mistake {
				x, thefts = append(x, j.row(seen)), append(thefts, v.Kind == sim.Theft)
			}
		}
	}
	j.logit = baseline.FitLogit(x, thefts)
}

func (j *judge) row(seen *evidenceSeen) []float64 {
	x := make([]float64, len(j.keys))
	for policy, e := range seen.of {
		for _, part := range e.parts {
			if k, ok := slices.BinarySearch(j.keys, policy+" "+part.Name); ok {
				x[k] = part.Quality
			}
		}
	}
	return x
}

func (j *judge) weighed(r *playedRun) (all []baseline.Said) {
	for i, seen := range r.evidence {
		all = append(all, baseline.Said{Tracks: seen.tracks, Person: i, At: seen.at, Score: j.logit.P(j.row(seen))})
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
	if !j.fits() {
		return r.judged[j.index]
	}
	out := sim.Judged{Hours: r.hours, Visits: r.visits}
	alerted := map[int]bool{}
	for _, s := range j.said(judges, r) {
		p := baseline.P(j.steps, s.Score)
		out.Scores = append(out.Scores, sim.Scored{Tracks: s.Tracks, From: s.At - 5e9, To: s.At, P: p})
		if p >= j.threshold && !alerted[s.Person] {
			alerted[s.Person] = true
			out.Raised = append(out.Raised, sim.Raised{Tracks: s.Tracks, At: s.At, SKUs: s.SKUs, Stands: true})
		}
	}
	return out
}

// said is what a baseline said of a run. All number people alike, so that OR takes for each the surest.
func (j *judge) said(judges []judge, r *playedRun) []baseline.Said {
	if j.contestant.logit {
		return j.weighed(r)
	}
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
			if j.or != or || !j.fits() {
				continue
			}
			if j.contestant.logit {
				j.regress(tuned)
			}
			var seen []baseline.Seen
			for i := range tuned {
				raw := sim.Judged{Visits: tuned[i].visits}
				for _, s := range j.said(judges, &tuned[i]) {
					raw.Scores = append(raw.Scores, sim.Scored{Tracks: s.Tracks, From: s.At - 5e9, To: s.At, P: s.Score})
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
	d, err := newDecoder(s)
	if err != nil {
		return err
	}
	seen := map[uint64]bool{}
	var m fusion.Message // watchers keep nothing of it
	for i := range lines {
		l := &lines[i]
		err := d.DecodeInto(&m, l.Received, l.Topic, l.Retain, l.Payload)
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
