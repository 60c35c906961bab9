package rules

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"magpie/fusion"
)

// kept is how many facts a visit keeps.
const kept = 128

// give gives a fact as the world does: the oldest goes when there are too many.
func (s *subject) give(at float64, f fusion.Fact) bool {
	if s.v.Visit.Facts.Len() == kept {
		s.v.Visit.Facts = fusion.FactsOf(s.v.Visit.Facts.List()[1:]...)
	}
	return s.fact(at, f)
}

// TestEventsOutlastTheFacts holds that what a visit did counts for all of it, also when the facts are no longer kept; that a reload
// keeps what was counted, and that what is new says that it has not seen everything.
func TestEventsOutlastTheFacts(t *testing.T) {
	same := "policy: same\ntitle: t\nscore: 'picked(\"any\") / 1000'\nalert: {tiers: {log: 0.001}}\n"
	expr := `sum(picked("any"), "1h") / 1000 + count(scanned("any"), "1h")`
	set := load(t, Options{}, "same.yaml", same)
	s := newSubject(t, set, shop())
	for i := range 300 {
		s.give(float64(i), picked(1))
	}
	if r := s.result(); r.Score != 0.3 || slices.ContainsFunc(r.Missing, func(m string) bool { return m == partialWords }) {
		t.Errorf("300 picks: %+v", r)
	}
	s.set = load(t, Options{}, "same.yaml", same, "new.yaml", "policy: new\ntitle: t\nscore: '"+expr+"'\nalert: {tiers: {log: 0.001}}\n")
	s.give(300, picked(1))
	all := s.m.Results()
	if len(all) != 2 || all[0].Score != 0.301 || all[1].Score != 0.301 {
		t.Fatalf("after a reload: %+v", all)
	}
	// picked was known before, scanned was not.
	if !slices.Contains(all[0].Missing, partialWords) || slices.Contains(all[1].Missing, partialWords) {
		t.Errorf("new misses %q, same %q", all[0].Missing, all[1].Missing)
	}
	s.set = load(t, Options{}, "new.yaml", "policy: new\ntitle: t\nscore: 'count(scanned(\"any\"), \"1m\") + picked(\"any\") / 1000'\nalert: {tiers: {log: 0.001}}\n")
	s.give(301, picked(1))
	if r := s.result(); r.Score != 0.302 || slices.Contains(r.Missing, partialWords) {
		t.Errorf("a window that the facts cover: %+v", r)
	}
}

// TestTapeIsTheSumOfItsFacts compares every window with the facts that were told, in any order, with copies made in between.
func TestTapeIsTheSumOfItsFacts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		tp := &tape{first: math.MaxInt64, reach: math.MinInt64}
		var facts []fusion.Fact
		var copies []tape
		var sums [][2]int64
		for i := range 300 {
			f := fusion.Fact{TS: int64(i) * second, At: int64(i)*second - int64(r.IntN(5))*second, N: float64(r.IntN(400)) / 100, Product: r.IntN(3)}
			if r.IntN(20) == 0 { // among those that are old
				f.At -= int64(r.IntN(250)) * second
			}
			facts = append(facts, f)
			tp.add(&f, int64(i))
			if r.IntN(10) == 0 {
				c := *tp
				c.share()
				c.add(&fusion.Fact{TS: f.TS, At: f.TS + 1, N: 7}, int64(i)) // what only the copy is told
				u, n := c.total()
				copies, sums = append(copies, c), append(sums, [2]int64{u, n})
			}
			from := int64(i-r.IntN(30)) * second
			var units, times float64
			first := int64(math.MaxInt64)
			for _, g := range facts {
				if first = min(first, g.At); g.At > from {
					units, times = units+g.N, times+min(1, g.N)
				}
			}
			if got := sumOf(nil, tp, from); math.Abs(got-units) > 1e-9 {
				t.Fatalf("units after %d: %v, want %v", from, got, units)
			}
			if got := countOf(nil, tp, from); math.Abs(got-times) > 1e-9 {
				t.Fatalf("events after %d: %v, want %v", from, got, times)
			}
			if tp.earliest() != first {
				t.Fatalf("first %d, want %d", tp.earliest(), first)
			}
		}
		for i, c := range copies {
			if u, n := c.total(); u != sums[i][0] || n != sums[i][1] {
				t.Fatal("a copy changed")
			}
		}
	}
}

// TestCorrectedPicks holds that a pick whose share was corrected counts once, with its new share.
func TestCorrectedPicks(t *testing.T) {
	set := load(t, Options{}, "p.yaml", scoring(`picked("any") / 10 + count(picked("any"), "1m") / 100`))
	s := newSubject(t, set, shop())
	f := picked(1)
	f.Source = 1
	s.fact(1, f)
	facts := s.v.Visit.Facts.List()
	facts[0].N = 0.5
	s.v.Visit.Facts = fusion.FactsOf(facts...)
	s.v.Now = monday + 2*second
	if !set.Judge(&s.m, s.v, facts) || s.result().Score != 0.055 {
		t.Errorf("got %+v, want 0.055", s.result())
	}
}

// TestReloadCountsOnce: what was cut off a tape, being a day old, is told again after a reload, and counts once.
func TestReloadCountsOnce(t *testing.T) {
	const text = "policy: %s\ntitle: t\njudge: till\nscore: '%s / 100'\nalert: {tiers: {review: 0.3}}\n"
	p, q := fmt.Sprintf(text, "p", `voided("any")`), fmt.Sprintf(text, "q", "opened()")
	one, two := load(t, Options{}, "p.yaml", p), load(t, Options{}, "p.yaml", p, "q.yaml", q)
	s := &subject{t: t, set: one, v: fusion.View{World: fusion.NewWorld(shop()), Visit: &fusion.Visit{ID: "sco-1", Subject: fusion.SubjectTill, First: monday}, Now: monday}}
	for i, hour := range []float64{0, 1, 26, 27, 28, 53, 54} {
		if s.set = one; i%2 == 0 {
			s.set = two
		}
		s.fact(hour*3600, fusion.Fact{Kind: fusion.FactVoided, Zone: 2, Product: 0, N: 1, P: 1, Source: 3})
		if got := s.m.Results()[0].Score * 100; math.Round(got) != float64(i+1) {
			t.Errorf("after %d voids and as many reloads voided(\"any\") is %v", i+1, got)
		}
	}
}
