package main

import (
	"slices"

	"magpie/fusion"
	"magpie/rules"
)

// evidenceSeen is what the evidence of each policy came to for one visit, when that policy's score was highest.
type evidenceSeen struct {
	tracks []string
	to     int64 // when it was last seen, ns
	at     int64 // when the newest of those scores was given
	of     map[string]policyEvidence
}

type policyEvidence struct {
	score float64
	parts []rules.Part
}

// evidenceLog gathers evidenceSeen while a pipeline judges: its watch is the desk's.
type evidenceLog struct {
	visits  map[string]*evidenceSeen
	results []rules.Result // scratch
}

func newEvidenceLog() *evidenceLog { return &evidenceLog{visits: map[string]*evidenceSeen{}} }

func (l *evidenceLog) watch(set *rules.Set, m *rules.Memory, view fusion.View) {
	v := view.Visit
	if v.Subject != fusion.SubjectVisit {
		return
	}
	seen := l.visits[v.ID]
	if seen == nil {
		seen = &evidenceSeen{of: map[string]policyEvidence{}}
		l.visits[v.ID] = seen
	}
	seen.tracks, seen.to = append(seen.tracks[:0], v.Tracks...), v.Last
	l.results = m.AppendResults(l.results[:0])
	higher := func(r *rules.Result) bool {
		was, ok := seen.of[r.Policy.ID]
		return r.At == view.Now && (!ok || r.Score > was.score)
	}
	if !slices.ContainsFunc(l.results, func(r rules.Result) bool { return higher(&r) }) {
		return
	}
	for _, e := range set.Explain(m, view) {
		if r := e.Result; e.Judged && higher(&r) {
			for i := range e.Parts {
				e.Parts[i].Operands = nil
			}
			seen.of[r.Policy.ID], seen.at = policyEvidence{r.Score, e.Parts}, view.Now
		}
	}
}
