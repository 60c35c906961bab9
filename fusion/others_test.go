package fusion

import "testing"

// TestPutBackByAnother: what nobody near is known to have had comes back from whom is thought to have it, wherever that one is
// by the cameras, by its plate or by its mass alone; not what staff bring, and not more than was taken.
func TestPutBackByAnother(t *testing.T) {
	for name, c := range map[string]struct {
		units, staff float64
		want         float64
	}{
		"a customer":              {1, 0, 1 - backOnce},
		"one of us fills up":      {1, 1, 1},
		"a box of it":             {6, 0, 1},
		"perhaps one of us":       {1, 0.5, 1 - backOnce/2},
		"two, where one was held": {2, 0, 1},
	} {
		w := NewWorld(cornerShop())
		w.now = monday
		a, b := w.open(0, "A", monday), w.open(0, "B", monday+5*second)
		b.Staff = c.staff
		w.now = monday + 10*second
		w.picked(Fact{At: w.now, Kind: FactPicked, Zone: aisleZone, Product: sauce, N: 1, P: 1}, []claim{{a, 1}}, 1)
		w.reckon(a)
		w.now = monday + 20*second
		w.putBack(Fact{At: w.now, Kind: FactPutBack, Zone: aisleZone, Product: sauce, N: c.units, P: 1}, []claim{{b, 1}})
		if n := a.units(sauce); !near(n, c.want, 0.02) {
			t.Errorf("%s: %.2f held, want %.2f", name, n, c.want)
		}
	}
}

// TestPutOnAnotherPlate: goods that lie on the plate of others are known by their mass among what is in anybody's hands.
func TestPutOnAnotherPlate(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 12, Point{1, 1}, Point{2.1, 4.2}, Point{2.1, 4.2}, Point{2.1, 4.2}, Point{4, 3})
	s.walk("cam-1", "B", 13, 30, Point{5, 1}, Point{6, 4.2}, Point{6, 4.2}, Point{6, 4.2})
	s.weigh(30, 6, -621)
	for i := range 300 {
		load := 10 * 500.0
		if i > 220 {
			load += 621
		}
		s.event("g2", float64(i)/10, Event{Grams: load, Zone: -1})
	}
	s.tell(30)
	held := 0.0
	for _, v := range s.w.Visits() {
		held += v.units(sauce)
	}
	if held > 0.35 {
		t.Errorf("%.2f held by somebody, and it lies on the other plate: %s", held, s.facts(s.w.Visits()[1], FactPutBack))
	}
}
