package fusion

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNear holds the grid to a look at every visit, while visits come, walk and go.
func TestNear(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	w := NewWorld(cornerShop())
	somewhere := func() Point { return Point{float64(100*r.Float64()) - 20, float64(60*r.Float64()) - 20} }
	for step := range 4000 {
		switch n := r.IntN(20); {
		case n == 0 && len(w.visits) < 300:
			w.open(0, "", monday+int64(step))
		case n == 1 && len(w.visits) > 250:
			w.end(w.visits[r.IntN(len(w.visits))])
		case n == 2:
			w = w.Clone()
		case len(w.visits) > 0:
			w.moveTo(w.visits[r.IntN(len(w.visits))], somewhere(), Point{}, 0, monday+int64(step))
		}
		p, reach := somewhere(), float64(8*r.Float64())
		got := w.near(p, reach)
		if !slices.IsSortedFunc(got, func(a, b *Visit) int { return a.number - b.number }) {
			t.Fatalf("step %d: not in the order in which they began", step)
		}
		for _, v := range w.visits {
			if v.PosAt != 0 && v.Pos.distance(p) <= reach && !slices.Contains(got, v) {
				t.Fatalf("step %d: visit %d at %v is not near %v within %.2f m", step, v.number, v.Pos, p, reach)
			}
		}
		for _, v := range got {
			if v.PosAt == 0 || w.visit(v.number) != v {
				t.Fatalf("step %d: visit %d is not here", step, v.number)
			}
		}
		all := slices.Clone(got)
		since, begun := monday+int64(step/2), monday+int64(step/3)
		passes := func(o *place) bool {
			if o.visit.place() != *o {
				t.Fatalf("step %d: visit %d is thought to be at %+v", step, o.number, o)
			}
			return o.at >= since && o.first <= begun
		}
		if got := w.nearIf(p, reach, passes); !slices.Equal(got, slices.DeleteFunc(all, func(v *Visit) bool { return v.PosAt < since || v.First > begun })) {
			t.Fatalf("step %d: since %d, begun by %d: %v", step, since, begun, got)
		}
	}
}

// TestAt holds where a visit was to a look at all of its way, of two points as near the earlier.
func TestAt(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		v, now := &Visit{}, monday
		for range r.IntN(8) {
			now += r.Int64N(4) * second / 2
			v.trail = append(v.trail, trailPoint{at: now, p: Point{r.Float64(), 0}})
		}
		ts := monday + r.Int64N(30)*second/2
		want, gap := Point{}, int64(math.MaxInt64)
		for _, p := range v.trail {
			if d := abs(p.at - ts); d < gap {
				want, gap = p.p, d
			}
		}
		if got, by, ok := v.at(ts); got != want || by != gap || ok != (gap <= lostAfter) {
			t.Fatalf("at %d: %v, %d, %v; want %v, %d of %+v", ts, got, by, ok, want, gap, v.trail)
		}
	}
}

// TestEpochOrder: events that come while part of an epoch is folded are put in order among the rest, and what is in order is
// not looked at again.
func TestEpochOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	e, done := &epoch{}, 0
	for range 300 {
		if r.IntN(2) == 0 {
			floor := int64(0)
			if done > 0 {
				floor = e.events[e.order[done-1]].TS
			}
			e.events = append(e.events, Event{TS: floor + 1 + r.Int64N(50), Hash: r.Uint64()})
		}
		e.sort(done)
		if !slices.IsSortedFunc(e.order, func(a, b int32) int { return e.events[a].Compare(&e.events[b]) }) || len(e.order) != len(e.events) {
			t.Fatalf("%d events in the order %v", len(e.events), e.order)
		}
		done += r.IntN(2) * r.IntN(len(e.order)-done+1)
	}
	e.order[len(e.order)-1], e.order[0] = e.order[0], e.order[len(e.order)-1]
	if e.sort(0); e.events[e.order[0]].TS <= e.events[e.order[1]].TS {
		t.Error("a second look at events that are in order: that is what took most of the time with many people")
	}
}
