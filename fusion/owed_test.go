package fusion

import "testing"

// TestPutBackByTheOther: a person whom another camera begins to see is another visit for a moment. What he puts back then is
// back when the two turn out to be one.
func TestPutBackByTheOther(t *testing.T) {
	for name, c := range map[string]struct {
		taken, back int64 // seconds
		want        float64
	}{
		"put back after it was taken":       {10, 20, 0},
		"put back before another was taken": {30, 20, 1},
	} {
		w := NewWorld(cornerShop())
		w.now = monday
		a, b := w.open(0, "A", monday), w.open(0, "B", monday+5*second)
		w.now = monday + c.taken*second
		take := func() {
			w.now = monday + c.taken*second
			w.picked(Fact{At: w.now, Kind: FactPicked, Zone: aisleZone, Product: sauce, N: 1, P: 1}, []claim{{a, 1}}, 1)
			w.reckon(a)
		}
		if c.taken < c.back {
			take()
		}
		w.now = monday + c.back*second
		w.putBack(Fact{At: w.now, Kind: FactPutBack, Zone: aisleZone, Product: sauce, N: 1, P: 1}, []claim{{b, 1}})
		if c.taken > c.back {
			take()
		}
		want := 1.0
		if c.taken < c.back {
			want = 1 - backOnce
		}
		if n := a.units(sauce); !near(n, want, 0.02) {
			t.Fatalf("%s: %.2f held before the merge, want %.1f", name, n, want)
		}
		w.now = monday + 40*second
		w.merge(a, b)
		if n := a.units(sauce); !near(n, c.want, 1e-9) {
			t.Errorf("%s: %.2f held, want %.0f", name, n, c.want)
		}
		if n := a.line(sauce, "").any; !near(n, c.want, 1e-9) {
			t.Errorf("%s: held with probability %.2f, want %.0f", name, n, c.want)
		}
	}
}
