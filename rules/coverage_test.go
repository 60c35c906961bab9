package rules

import (
	"fmt"
	"strings"
	"testing"

	"magpie/fusion"
)

// TestCoverage: each operand tells which sides of it were seen, at its place, and a whole expression what it came to.
func TestCoverage(t *testing.T) {
	told := func(c *Coverage) string {
		var b strings.Builder
		for _, p := range c.Points() {
			fmt.Fprintf(&b, "%s %s:%d:%d %s:", p.Policy, p.File, p.Line, p.Col, p.Text)
			for _, s := range p.Sides {
				if s.Seen {
					fmt.Fprintf(&b, " %s", s.Name)
				}
			}
			b.WriteString("\n")
		}
		return b.String()
	}
	var c Coverage
	set := load(t, Options{Coverage: &c},
		"common.yaml", "macros: {some: 'picked(\"any\") > 0'}\n",
		"p.yaml", `policy: p
title: A policy
params: {least: 2}
when: 'some and not (scanned("any") >= 3)'
prior: 0.1
evidence:
  - {name: a, if: 'scanned("any") > 0 or picked("any") > least ? min(picked("any") / 10, 1) : 0.0', weight: weak}
  - {name: b, if: 'entered("exit")', weight: weak}
  - {name: c, if: 'true', weight: weak}
alert: {tiers: {log: 0.01}}
`, "q.yaml", strings.Replace(strings.Replace(scoring("p_unpaid()"), "policy: p", "policy: q", 1), "title", "mode: off\ntitle", 1))
	want := func(want string) {
		t.Helper()
		if got := told(&c); got != strings.TrimLeft(want, "\n") {
			t.Errorf("got:\n%swant:%s", got, want)
		}
	}
	want(`
p p.yaml:4:8 picked("any") > 0:
p p.yaml:4:8 picked("any") > 0 and not (scanned("any") >= 3):
p p.yaml:4:22 scanned("any") >= 3:
p p.yaml:7:20 scanned("any") > 0:
p p.yaml:7:20 scanned("any") > 0 or picked("any") > 2:
p p.yaml:7:20 scanned("any") > 0 or picked("any") > 2 ? min(picked("any") / 10, 1) : 0:
p p.yaml:7:42 picked("any") > 2:
p p.yaml:8:20 entered("exit"):
`)
	s := newSubject(t, set, shop())
	s.fact(1, picked(1))
	s.fact(2, fusion.Fact{Kind: fusion.FactScanned, Zone: 2, Product: 0, N: 3, P: 1})
	want(`
p p.yaml:4:8 picked("any") > 0: true
p p.yaml:4:8 picked("any") > 0 and not (scanned("any") >= 3): false true
p p.yaml:4:22 scanned("any") >= 3: false true
p p.yaml:7:20 scanned("any") > 0: false
p p.yaml:7:20 scanned("any") > 0 or picked("any") > 2: false
p p.yaml:7:20 scanned("any") > 0 or picked("any") > 2 ? min(picked("any") / 10, 1) : 0: under 0.1
p p.yaml:7:42 picked("any") > 2: false
p p.yaml:8:20 entered("exit"): false
`)
}

// TestCoverageCostsNothing: a set that is not to be covered has no more closures than it needs, so that it judges as quickly,
// and with the same result as one that is.
func TestCoverageCostsNothing(t *testing.T) {
	text := scoring(`(picked("any") > 0 and scanned("any") == 0 ? 0.9 : 0.1) + (seen("gate", "exit") or near("exit") ? 0.05 : 0.0)`)
	allocations := func(o Options) (float64, Result) {
		set := load(t, o, "p.yaml", text)
		s := newSubject(t, set, shop())
		s.fact(1, picked(1))
		v := []float64{1, 0, 1, 0}
		p := set.Policies[0]
		return testing.AllocsPerRun(100, func() { p.score.num(v) }), s.result()
	}
	n, plain := allocations(Options{})
	m, covered := allocations(Options{Coverage: new(Coverage)})
	if n != 0 || m != 0 || plain.Score != covered.Score || plain.Score == 0 {
		t.Errorf("without: %v allocations, score %v; with: %v, %v", n, plain.Score, m, covered.Score)
	}
	l := newLanguage(shop())
	if (&source{language: l, policy: new(Policy)}).covers() {
		t.Error("an expression is covered though nobody asked")
	}
}
