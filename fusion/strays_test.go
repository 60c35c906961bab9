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
