package rules

import (
	"math"
	"os"
	"strings"
	"testing"

	"magpie/fusion"
)

// TestTheContractsPolicyLoads loads contract §4's files verbatim.
func TestTheContractsPolicyLoads(t *testing.T) {
	set, err := Load(os.DirFS("testdata/contract"), Options{Store: shop()})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Policies) != 1 || set.Policies[0].ID != "unpaid-exit" || set.Policies[0].Mode != Live {
		t.Fatalf("got %v", set.Policies)
	}
	p := set.Policies[0]
	if len(p.Tiers) != 4 || p.Cooldown != 120*second || p.Action != "offer help" || len(p.To["staff"]) != 1 {
		t.Errorf("got tiers %v, cooldown %d, action %s, to %v", p.Tiers, p.Cooldown, p.Action, p.To)
	}
	if want := []string{
		`common.yaml:4:9: the list high-value holds`, // the corner shop sells one sauce
	}; len(set.Warnings) > 1 {
		t.Errorf("warnings %q, want %q", set.Warnings, want)
	}
	data, err := os.ReadFile("testdata/contract/unpaid-exit_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := ParseTest("unpaid-exit_test.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	c := tests.Tests[0]
	if tests.Site != "testdata/corner-shop.yaml" || c.Start != "2026-11-20T22:30:00" || len(c.Expect) != 3 ||
		!strings.HasPrefix(c.Events, "0s..4s   walk   A  1,1") || c.EventsLine != 7 || c.EventsCol != 6 {
		t.Errorf("got %+v", tests)
	}
	if e := c.Expect[1]; !e.Provisional || e.Offset != 21e9 || e.Person != "A" || e.Alert != "true" || !e.score.holds(0.6) || e.score.holds(0.59) {
		t.Errorf("got %+v", e)
	}
}

// exampleLike has the contract's weights on facts that a test can make.
const exampleLike = `
policy: unpaid-exit
title: Leaves with goods that no till has seen
prior: 0.002
when: 'lost("exit") > 0'
evidence:
  - {name: goods not paid for, if: 'min(p_unpaid(), 1)', weight: very strong, group: basket}
  - {name: tag moved through the gate, if: 'read("exit")', weight: moderate, group: rfid, half_life: 20s}
  - {name: one of us, if: 'staff()', clears: very strong}
require: 'coverage("track", "exit") >= 0.5'
alert:
  tiers: {log: 0.1, review: 0.3, staff: 0.6, gate: 0.9}
`

// example makes the subject of contract §5: 0.93 of the goods unpaid, a tag of 0.85, staff 0.01.
func example(t testing.TB, set *Set, covered bool) *subject {
	store := shop()
	s := newSubject(t, set, store)
	if covered {
		s.v.World.Fold(&fusion.Event{TS: monday - 10*second, Kind: fusion.Status, Action: fusion.Online, Source: store.SourceIndex("cam-1"), Every: 60 * second, Zone: -1})
		s.v.World.Fold(&fusion.Event{TS: monday, Kind: fusion.Status, Action: fusion.Online, Source: store.SourceIndex("cam-1"), Every: 60 * second, Zone: -1})
	}
	s.v.Visit.Staff = 0.01
	s.v.Visit.Basket = []fusion.Item{{Product: 0, N: 0.93, Owner: 0.93}}
	s.fact(0, fusion.Fact{Kind: fusion.FactPicked, Zone: 1, Product: 0, N: 0.93, P: 1})
	s.fact(1, fusion.Fact{Kind: fusion.FactRead, Zone: 3, Product: 0, N: 0.85, P: 1, Name: "30"})
	return s
}

// TestTheContractsScore computes contract §5's example: prior .002, .93 × ln 800 + .85 × ln 10 − .01 × ln 800 is .8693.
func TestTheContractsScore(t *testing.T) {
	s := example(t, load(t, Options{}, "unpaid-exit.yaml", exampleLike), true)
	if len(s.m.Results()) != 0 {
		t.Fatalf("judged before its when was true: %+v", s.m.Results())
	}
	if !s.fact(1, fusion.Fact{Kind: fusion.FactLost, Zone: 3, Product: -1, N: 1, P: 1}) {
		t.Fatal("not judged when the person was lost in the exit")
	}
	r := s.result()
	if math.Round(r.Score*1e4) != 8693 || r.Tier != "staff" || r.CappedBy != "" || r.Best != r.Score {
		t.Errorf("got score %v, tier %s, capped by %q, best %v; want 0.8693, staff", r.Score, r.Tier, r.CappedBy, r.Best)
	}
	want := []struct {
		name    string
		logOdds float64
		facts   int
	}{{"goods not paid for", 6.217, 1}, {"tag moved through the gate", 1.957, 1}, {"one of us", -0.067, 0}}
	for i, e := range r.Evidence {
		if e.Name != want[i].name || math.Round(e.LogOdds*1e3) != math.Round(want[i].logOdds*1e3) || len(e.Facts) != want[i].facts {
			t.Errorf("evidence %d: got %s %.3f with %d facts, want %+v", i, e.Name, e.LogOdds, len(e.Facts), want[i])
		}
	}
	if len(r.Evidence) != 3 {
		t.Errorf("got %d pieces of evidence, want 3", len(r.Evidence))
	}
	if math.Abs(r.ValueAtRisk-0.93*1.99) > 1e-9 {
		t.Errorf("value at risk %v, want %v", r.ValueAtRisk, 0.93*1.99)
	}
	if got := strings.Join(r.Missing, "; "); got != `rfid coverage at exit; till coverage; weight coverage` {
		t.Errorf("missing %q", got)
	}
}

// TestRequireCapsTheTier takes the camera away: the score stays, the tier falls to review.
func TestRequireCapsTheTier(t *testing.T) {
	s := example(t, load(t, Options{}, "unpaid-exit.yaml", exampleLike), false)
	s.fact(1, fusion.Fact{Kind: fusion.FactLost, Zone: 3, Product: -1, N: 1, P: 1})
	if r := s.result(); math.Round(r.Score*1e4) != 8693 || r.Tier != "review" || r.CappedBy != "require" {
		t.Errorf("got score %v, tier %s, capped by %q; want 0.8693, review, require", r.Score, r.Tier, r.CappedBy)
	}
}

// TestHalfLifeCountsFromTheNewestFact lets the tag grow old: at a later judgement it adds half for every 20 s.
func TestHalfLifeCountsFromTheNewestFact(t *testing.T) {
	s := example(t, load(t, Options{}, "unpaid-exit.yaml", exampleLike), true)
	lost := fusion.Fact{Kind: fusion.FactLost, Zone: 3, Product: -1, N: 1, P: 1}
	s.fact(1, lost)
	tag := func() (float64, float64) {
		for _, e := range s.result().Evidence {
			if e.Name == "tag moved through the gate" {
				return math.Round(e.LogOdds*1e3) / 1e3, float64(e.At-monday) / 1e9
			}
		}
		return 0, 0
	}
	for _, want := range []struct{ at, logOdds, newest float64 }{{21, 0.979, 1}, {41, 0.489, 1}} {
		s.fact(want.at, lost)
		if got, at := tag(); got != want.logOdds || at != want.newest {
			t.Errorf("after %vs: got %v of %v s, want %v of %v s", want.at, got, at, want.logOdds, want.newest)
		}
	}
	// A weak new read does not lower what the peak still adds; a strong one replaces it.
	s.v.Visit.Facts, s.m.tapes = fusion.Facts{}, table[tape]{}
	s.fact(41, fusion.Fact{Kind: fusion.FactRead, Zone: 3, Product: 0, N: 0.1, P: 1, Name: "30"})
	s.fact(41, lost)
	if got, _ := tag(); got != 0.489 {
		t.Errorf("after a weak read: got %v, want 0.489", got)
	}
	s.fact(42, fusion.Fact{Kind: fusion.FactRead, Zone: 3, Product: 0, N: 0.5, P: 1, Name: "30"})
	s.fact(42, lost)
	if got, at := tag(); got != 1.382 || at != 42 {
		t.Errorf("after a strong read: got %v of %v s, want 1.382 of 42 s", got, at)
	}
}
