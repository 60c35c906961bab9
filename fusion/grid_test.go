package fusion

import (
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
			w.moveTo(w.visits[r.IntN(len(w.visits))], somewhere(), monday+int64(step))
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
	}
}
