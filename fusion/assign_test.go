package fusion

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// everyAssignment calls each with all solutions of a problem, by trying them.
func everyAssignment(p *problem, each func(owner [maxEvents]int, cost int64)) {
	var try func(e int, owner [maxEvents]int, cost int64)
	try = func(e int, owner [maxEvents]int, cost int64) {
		if e == p.events {
			each(owner, cost)
			return
		}
		owner[e] = -1
		try(e+1, owner, cost+p.nobody[e])
	owners:
		for o := range p.owners {
			more := p.cost[e][o]
			for f := range e {
				if owner[f] != o {
					continue
				}
				if p.both == nil {
					continue owners
				}
				more += p.both(e, f, o)
			}
			if more < impossible {
				owner[e] = o
				try(e+1, owner, cost+more)
			}
		}
	}
	try(0, [maxEvents]int{}, 0)
}

func drawProblem(t *rapid.T, events, owners int) *problem {
	p := &problem{events: rapid.IntRange(1, events).Draw(t, "events"), owners: rapid.IntRange(0, owners).Draw(t, "owners")}
	cost := rapid.OneOf(rapid.Int64Range(0, 9e6), rapid.Int64Range(0, 60e6))
	for e := range p.events {
		p.nobody[e] = cost.Draw(t, "nobody")
		for o := range p.owners {
			p.cost[e][o] = cost.Draw(t, "cost")
			if rapid.IntRange(0, 5).Draw(t, "impossible") == 0 {
				p.cost[e][o] = impossible
			}
		}
	}
	if again := rapid.SampledFrom([]int64{0, 1, 700_000, impossible}).Draw(t, "again"); again < impossible {
		p.both = func(e, f, owner int) int64 { return again * int64(1+(e+f+owner)%3) }
	}
	return p
}

// TestSharesOfAll: they are those of all assignments, and the owners of an event and nobody share it.
func TestSharesOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t, 4, 4)
		least := int64(math.MaxInt64)
		everyAssignment(p, func(_ [maxEvents]int, cost int64) { least = min(least, cost) })
		var want [maxEvents][maxOwners]float64
		sum := 0.0
		everyAssignment(p, func(owner [maxEvents]int, cost int64) {
			w := math.Exp(-float64(cost-least) / 1e6)
			sum += w
			for e := range p.events {
				if owner[e] >= 0 {
					want[e][owner[e]] += w
				}
			}
		})
		q := p.shares()
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
	})
}

// TestManyAlike: six of whom each may be any of eight, or a stranger, are none of them for sure. By the ten likeliest of the 93,289 assignments
// each was somebody with 0.81 at least.
func TestManyAlike(t *testing.T) {
	p := &problem{events: maxEvents, owners: maxOwners}
	for e := range p.nobody {
		p.nobody[e] = 4e6
		p.cost[e][e] = -500_000
	}
	q := p.shares()
	for e := range p.nobody {
		if q[e][e] < 0.1 || q[e][e] > 0.3 {
			t.Errorf("event %d is owner %d's with %.3f", e, e, q[e][e])
		}
	}
}

func BenchmarkAssign(b *testing.B) {
	p := &problem{events: 3, owners: 4, both: func(_, _, _ int) int64 { return 700_000 }}
	for e := range p.events {
		p.nobody[e] = 3e6
		for o := range p.owners {
			p.cost[e][o] = int64((e*7+o*5)%11) * 3e5
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		p.shares()
	}
}
