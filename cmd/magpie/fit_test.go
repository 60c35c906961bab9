package main

import (
	"math"
	"testing"

	"magpie/rules"
	"magpie/sim"
)

// TestRatioOf: the likelihood ratio of counts, by hand: (8.5/11)/(2.5/101).
func TestRatioOf(t *testing.T) {
	lr, low, high := ratioOf(8, 10, 2, 100)
	if math.Abs(lr-31.218) > 0.01 || low > 12 || low < 6 || high < 80 || high > 160 {
		t.Errorf("8 of 10 and 2 of 100: %.3f, %.1f to %.1f", lr, low, high)
	}
	if lr, low, high := ratioOf(0, 0, 0, 0); lr != 1 || low > 0.2 || high < 5 {
		t.Errorf("of nothing: %.3f, %.3f to %.3f; want 1 and wide", lr, low, high)
	}
}

// TestFitCutVisit: a visit that cameras cut in two counts once, by the part with the higher score; a mistake counts in neither column.
func TestFitCutVisit(t *testing.T) {
	span := func(track string) []sim.Span { return []sim.Span{{Track: track, From: 0, To: 60e9}} }
	cut := append(span("cam-1/a"), span("cam-1/b")...)
	truth := []*sim.Visit{
		{Person: "P1", Kind: sim.Theft, Tracks: cut},
		{Person: "P2", Kind: sim.Honest, Tracks: span("cam-1/c")},
		{Person: "P3", Kind: sim.Mistake, Tracks: span("cam-1/d")},
	}
	seen := func(track string, score, quality float64) *evidenceSeen {
		return &evidenceSeen{tracks: []string{track}, to: 60e9, of: map[string]policyEvidence{
			"p": {score, []rules.Part{{Name: "goods", Quality: quality}}}}}
	}
	log := newEvidenceLog()
	log.visits["v1"], log.visits["v2"] = seen("cam-1/a", 0.8, 0.9), seen("cam-1/b", 0.1, 0)
	log.visits["v3"], log.visits["v4"] = seen("cam-1/c", 0.2, 0.3), seen("cam-1/d", 0.7, 1)
	f := fitted{policies: map[string]*fittedPolicy{}}
	f.count(&rules.Set{Policies: []*rules.Policy{{ID: "p"}}}, log, truth)
	got := f.policies["p"]
	if got.visits != [2]float64{1, 1} || got.parts[0].held != [2]float64{0.3, 0.9} {
		t.Errorf("judged %v (honest, thefts), goods held in %v of them; want one each, 0.3 and 0.9", got.visits, got.parts[0].held)
	}
}
