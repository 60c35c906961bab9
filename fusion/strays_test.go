package fusion

import "testing"

func TestStrays(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	w.lay(1, sauce, 1)
	w.lay(0, salt, 2)
	w.lay(1, jacket, 0.5)
	w.lay(0, -1, 1) // goods that no product explains have no place
	w.lay(1, sauce, -0.3)
	if got := w.straysOf(1); len(got) != 2 || got[0].product != sauce || !near(got[0].n, 0.7, 1e-9) || got[1].product != jacket {
		t.Errorf("on plate 1: %+v", got)
	}
	c := w.Clone()
	c.lay(1, sauce, -1)
	if len(c.straysOf(1)) != 1 || len(w.straysOf(1)) != 2 || len(w.straysOf(0)) != 1 || len(w.straysOf(2)) != 0 {
		t.Errorf("%+v, and a copy of which the sauce was taken: %+v", w.strays, c.strays)
	}
	for i := range maxStrays + 10 {
		w.now++
		w.lay(2+i, sauce, 1)
	}
	if len(w.strays) != maxStrays || w.Evictions() != 13 || len(w.straysOf(0)) != 0 {
		t.Errorf("%d strays, %d evicted; want the bound, the oldest gone", len(w.strays), w.Evictions())
	}
}

// TestPicksByNobody: what is taken where nobody can have taken it is told, and changes what lies there, but no memory of it stays.
func TestPicksByNobody(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	w.lay(0, salt, 300)
	for range 200 {
		w.now += 2 * second
		w.changes = w.changes[:0]
		w.step(0, step{TS: w.now, At: w.now, Grams: -500, SD: 1})
		if len(w.changes) == 0 || w.changes[0].Fact.Kind != FactPicked {
			t.Fatalf("told %+v", w.changes)
		}
	}
	if len(w.lots) != 0 {
		t.Errorf("%d lots are kept", len(w.lots))
	}
	if s := w.straysOf(0); len(s) != 1 || s[0].n > 150 {
		t.Errorf("on the plate: %+v", s)
	}
	v := w.open(0, "A", w.now) // far away: may have done it, but hardly
	w.moveTo(v, Point{2.1, 2.35}, Point{}, 0, w.now)
	v.trail = append(v.trail, trailPoint{at: w.now, p: v.Pos})
	w.step(0, step{TS: w.now, At: w.now, Grams: -500, SD: 1})
	if d := w.deeds[len(w.deeds)-1]; len(d.who) != 1 || len(w.lots) != 1 || len(w.lots[0].parts) != 0 {
		t.Fatalf("%+v, %d lots", d, len(w.lots))
	}
	w.now += 2 * forgetDeed
	w.remember(deed{told: w.now})
	if len(w.lots) != 0 {
		t.Errorf("%d lots that are nobody's stay when their deeds are forgotten", len(w.lots))
	}
}
