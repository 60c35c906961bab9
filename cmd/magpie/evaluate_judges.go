package main

import (
	"cmp"
	"maps"
	"slices"

	"magpie/baseline"
	"magpie/fusion"
	"magpie/journal"
	"magpie/sim"
	"magpie/site"
)

// judge is one way to judge recordings: Magpie, a part of it, or a baseline, whose scores are fitted before it judges.
type judge struct {
	name, what string
	part       *part                                // of Magpie; nil: a baseline
	watch      func(*fusion.Store) baseline.Watcher // a baseline that reads the messages
	fit        func(tuned []playedRun)              // what else a baseline fits, before its scores are; may be nil
	said       func(*playedRun) []baseline.Said     // what a baseline said of a run

	steps     []baseline.Step // probabilities of the scores
	threshold float64         // of a probability: from it on a baseline alerts
}

// Names of judges by which others find them.
const (
	nameMagpie = "Magpie"
	nameFinal  = "Magpie, final lines"
	nameOR     = "B2 OR"
	nameGate   = "B1 gate"
	nameCamera = "camera alone"
	namePlates = "plates alone"
	nameTills  = "tills alone"
	nameLogit  = "B5 logistic regression"
)

// judgesOf are Magpie, and, where it is held against others, those: baselines first, in the order in which they are fitted.
func judgesOf(against, final bool) []*judge {
	all := []*judge{{name: nameMagpie, what: "the policies, with all sensors", part: &part{final: final}}}
	if !against {
		return all
	}
	var single []*judge
	for _, b := range baseline.All() {
		j := &judge{name: b.Name, what: b.What, watch: b.New, said: func(r *playedRun) []baseline.Said { return r.said[b.Name] }}
		if all = append(all, j); slices.Contains(singles, b.Name) {
			single = append(single, j)
		}
	}
	all = append(all, &judge{name: nameOR, what: "gate, camera, plates or tills alone, whichever is surest",
		said: func(r *playedRun) []baseline.Said { return surest(single, r) }})
	w := &regression{}
	all = append(all, &judge{name: nameLogit, what: "the evidence of Magpie's policies at their highest, with fitted weights", fit: w.fit, said: w.said})
	all = append(all, &judge{name: nameFinal, what: "without what is said before the watermark; the parts below are judged by final lines too",
		part: &part{final: true}})
	return append(all, partsOfMagpie()...)
}

// surest is what any of some judges said. All number people alike, so that each person's alert is of whoever is surest.
func surest(judges []*judge, r *playedRun) (all []baseline.Said) {
	for _, j := range judges {
		for _, s := range j.said(r) {
			s.Score = baseline.P(j.steps, s.Score)
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b baseline.Said) int { return cmp.Compare(a.At, b.At) })
	return all
}

// regression is a logistic regression on evidence.
type regression struct {
	keys  []string // of evidence, in the order of the row
	logit *baseline.Logit
}

// fit fits it to what evidence was seen.
func (w *regression) fit(tuned []playedRun) {
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
	w.keys = slices.Sorted(maps.Keys(keys))
	var x [][]float64
	var thefts []bool
	for i := range tuned {
		own := sim.NewWhose(tuned[i].visits)
		for _, seen := range tuned[i].evidence {
			if v := own.At(seen.tracks, seen.to); v != nil && !v.Aside() {
				x, thefts = append(x, w.row(seen)), append(thefts, v.Kind == sim.Theft)
			}
		}
	}
	w.logit = baseline.FitLogit(x, thefts)
}

func (w *regression) row(seen *evidenceSeen) []float64 {
	x := make([]float64, len(w.keys))
	for policy, e := range seen.of {
		for _, part := range e.parts {
			if k, ok := slices.BinarySearch(w.keys, policy+" "+part.Name); ok {
				x[k] = part.Quality
			}
		}
	}
	return x
}

func (w *regression) said(r *playedRun) (all []baseline.Said) {
	for i, seen := range r.evidence {
		all = append(all, baseline.Said{Tracks: seen.tracks, Person: i, At: seen.at, Score: w.logit.P(w.row(seen))})
	}
	return all
}

// of is what the judge said of a run, as Evaluate takes it.
func (j *judge) of(r *playedRun) sim.Judged {
	if j.part != nil {
		return r.judged[j.name]
	}
	out := sim.Judged{Hours: r.hours, Visits: r.visits}
	alerted := map[int]bool{}
	for _, s := range j.said(r) {
		p := baseline.P(j.steps, s.Score)
		out.Scores = append(out.Scores, sim.Scored{Tracks: s.Tracks, From: s.At - 5e9, To: s.At, P: p})
		if p >= j.threshold && !alerted[s.Person] {
			alerted[s.Person] = true
			out.Raised = append(out.Raised, sim.Raised{Tracks: s.Tracks, At: s.At, SKUs: s.SKUs, Stands: true})
		}
	}
	return out
}

func (j *judge) ofAll(played []playedRun) (all []sim.Judged) {
	for i := range played {
		all = append(all, j.of(&played[i]))
	}
	return all
}

// tune makes probabilities of the scores of a baseline, and finds from which one on alerts give the best F1.
func (j *judge) tune(tuned []playedRun) {
	if j.fit != nil {
		j.fit(tuned)
	}
	var seen []baseline.Seen
	for i := range tuned {
		raw := sim.Judged{Visits: tuned[i].visits}
		for _, s := range j.said(&tuned[i]) {
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
		if f1 := sim.F1(try.ofAll(tuned)); f1 > best {
			best, j.threshold = f1, s.P
		}
	}
}

// decodeFor decodes lines for who judges without a pipeline, each message once.
func decodeFor(s *site.Site, lines []journal.Line, watchers map[string]baseline.Watcher) error {
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
			w.Add(&m)
		}
	}
	return nil
}
