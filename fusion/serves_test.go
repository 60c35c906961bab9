package fusion

import (
	"fmt"
	"testing"
)

// TestCashier: at a staffed till a sale is his who comes for it as it begins, though one who serves there has stood there for long:
// whoever stands by at sale after sale serves.
func TestCashier(t *testing.T) {
	for _, self := range []bool{false, true} {
		s := newStory(t)
		s.store.Tills[0].Self = self
		s.walk("cam-1", "cashier", 0, 200, Point{8.5, 1})
		for i, who := range []string{"A", "B", "C"} {
			from, session, wait := float64(10+45*i), fmt.Sprint(i), 22.0
			if who == "C" {
				wait = 1
			}
			s.walk("cam-1", who, from, from+4, Point{6, 3}, Point{6.8, 1.4})
			s.walk("cam-1", who, from+4.2, from+wait+12, Point{6.8, 1.4})
			s.walk("cam-1", who, from+wait+12.2, from+wait+16, Point{6.8, 1.4}, Point{5, 0.8}, Point{4, -0.5})
			s.till(from+4+wait, session, Open, "")
			s.till(from+5+wait, session, Scan, "17")
			s.till(from+7+wait, session, Tender, "")
		}
		s.tell(116)
		cashier, last := s.of("cam-1/cashier"), s.of("cam-1/C")
		if n := cashier.served; (n >= 2) == self {
			t.Errorf("self %v: the one who stayed stood by %v sales", self, n)
		}
		if last.Session != "sco-1/2" {
			t.Errorf("self %v: who came for the last sale has %q, the one who stayed %q", self, last.Session, cashier.Session)
		}
		if turn := s.w.takesTurn(cashier, s.store.SourceIndex("sco-1"), tillZone); (turn < 0.25) == self {
			t.Errorf("self %v: it is the turn of the one who stayed with %.2f", self, turn)
		}
	}
}

// TestWhereCustomersStand: once it is known where the customers of a till stand, who waits behind one is not taken for him, though both
// are in the till's zone.
func TestWhereCustomersStand(t *testing.T) {
	s := newStory(t)
	w := NewWorld(s.store)
	source := s.store.SourceIndex("sco-1")
	at1 := func(p Point) float64 {
		v := w.open(0, fmt.Sprint(p), monday)
		v.Pos, v.PosAt = p, monday
		v.trail = []trailPoint{{at: monday, p: p}}
		return w.atSpot(v, source, monday)
	}
	if n := at1(Point{5.2, 1.9}); n != 1 {
		t.Errorf("%.2f before anybody has paid there; want 1", n)
	}
	w.counters[0] = counter{spot: Point{6.8, 1.4}, n: fewCustomers}
	if on, off := at1(Point{6.8, 1.3}), at1(Point{5.2, 1.9}); on < 0.9 || off > 0.1 {
		t.Errorf("where they stand %.2f, behind it %.2f", on, off)
	}
}

// TestMergeKnowsWhoStood: who stood at a till as a sale ended, or when one began, goes on by the name of the visit in which it goes on, and no copy
// of the world hears of it.
func TestMergeKnowsWhoStood(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	a, b := w.open(0, "A", monday), w.open(0, "B", monday+1)
	a.served, b.served = 1, 2
	w.counters[0].stood = []int{b.number}
	w.sessions[sessionKey{6, "1"}] = &session{visit: b, waits: map[int]float64{b.number: 3}}
	copied := w.Clone()
	m := w.merge(a, b)
	if got := w.counters[0].stood; len(got) != 1 || got[0] != m.number {
		t.Errorf("%v stood there; want %d", got, m.number)
	}
	if got := w.sessions[sessionKey{6, "1"}].waits[m.number]; got != 3 {
		t.Errorf("waited %v s; want 3", got)
	}
	if m.served != 3 {
		t.Errorf("stood by %v sales; want 3", m.served)
	}
	if got := copied.counters[0].stood; got[0] != b.number {
		t.Errorf("the copy has %v; want %d", got, b.number)
	}
}
