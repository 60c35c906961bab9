package fusion

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// everyAssignment lists all solutions of a problem by trying them, in the order that best promises.
func everyAssignment(p *problem) []assignment {
	var all []assignment
	var try func(e int, a assignment, each [maxOwners]int64)
	try = func(e int, a assignment, each [maxOwners]int64) {
		if e == p.events {
			all = append(all, a)
			return
		}
		none := a
		none.owner[e], none.cost = nobody, a.cost+p.nobody[e]
		try(e+1, none, each)
		for o := range p.owners {
			if p.cost[e][o] >= impossible || each[o] > 0 && p.again >= impossible {
				continue
			}
			b, n := a, each
			b.owner[e], b.cost = int8(o), a.cost+p.cost[e][o]+each[o]*p.again
			n[o]++
			try(e+1, b, n)
		}
	}
	try(0, assignment{}, [maxOwners]int64{})
	slices.SortFunc(all, func(a, b assignment) int {
		if p.before(&a, &b) {
			return -1
		}
		return 1
	})
	return all
}

func drawProblem(t *rapid.T, events, owners int) *problem {
	p := &problem{events: rapid.IntRange(1, events).Draw(t, "events"), owners: rapid.IntRange(0, owners).Draw(t, "owners")}
	cost := rapid.OneOf(rapid.Int64Range(0, 9e6), rapid.Int64Range(0, 2)) // the second for ties
	p.again = rapid.SampledFrom([]int64{0, 1, 700_000, impossible}).Draw(t, "again")
	for e := range p.events {
		p.nobody[e] = cost.Draw(t, "nobody")
		for o := range p.owners {
			p.cost[e][o] = cost.Draw(t, "cost")
			if rapid.IntRange(0, 5).Draw(t, "impossible") == 0 {
				p.cost[e][o] = impossible
			}
		}
	}
	return p
}

// TestBestAssignments: the k best are those that trying everything finds, in the same order, ties included.
func TestBestAssignments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t, 4, 4)
		want := everyAssignment(p)
		for _, k := range []int{1, kBest, len(want) + 1} {
			if ranked := p.rank(k); !slices.Equal(ranked, p.best(k)) {
				t.Fatalf("ranked %v; tried %v", ranked, p.best(k))
			}
			got := p.best(k)
			if len(got) != min(k, len(want)) {
				t.Fatalf("%d of %d assignments for k = %d", len(got), len(want), k)
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("assignment %d of %d is %v; want %v", i, k, got[i], want[i])
				}
			}
		}
	})
}

// TestMarginals: over all assignments they are exact, and the owners of an event and nobody share it.
func TestMarginals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t, 3, 3)
		all := everyAssignment(p)
		q := p.marginals(p.best(1000))
		var want [maxEvents][maxOwners]float64
		sum := 0.0
		for _, a := range all {
			weight := math.Exp(-float64(a.cost-all[0].cost) / 1e6)
			sum += weight
			for e := range p.events {
				if a.owner[e] != nobody {
					want[e][a.owner[e]] += weight
				}
			}
		}
		for e := range p.events {
			total := 0.0
			for o := range p.owners {
				if !near(q[e][o], want[e][o]/sum, 1e-6) {
					t.Fatalf("event %d is owner %d's with %.7f; want %.7f", e, o, q[e][o], want[e][o]/sum)
				}
				total += q[e][o]
			}
			if total > 1+1e-6 {
				t.Fatalf("event %d is shared %.7f times", e, total)
			}
		}
		if few := p.marginals(p.best(kBest)); p.events == 1 && few != q {
			t.Fatalf("%v by the ten best of one event; want %v", few, q)
		}
	})
}

// TestAssignmentAtItsBounds: six events and eight people, and the hardest case of all, in which everything costs the same.
func TestAssignmentAtItsBounds(t *testing.T) {
	p := &problem{events: maxEvents, owners: maxOwners, again: impossible}
	list := p.best(kBest)
	if len(list) != kBest || list[0].cost != 0 || list[0].owner != [maxEvents]int8{nobody, nobody, nobody, nobody, nobody, nobody} {
		t.Fatalf("%v", list)
	}
	for e := range p.nobody {
		p.nobody[e] = 1
	}
	list = p.best(kBest)
	if len(list) != kBest || list[0].owner != [maxEvents]int8{0, 1, 2, 3, 4, 5} || list[1].owner != [maxEvents]int8{0, 1, 2, 3, 4, 6} {
		t.Fatalf("%v", list)
	}
}

func BenchmarkAssign(b *testing.B) {
	p := &problem{events: 3, owners: 4, again: 700_000}
	for e := range p.events {
		p.nobody[e] = 3e6
		for o := range p.owners {
			p.cost[e][o] = int64((e*7+o*5)%11) * 3e5
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		p.marginals(p.best(kBest))
	}
}
