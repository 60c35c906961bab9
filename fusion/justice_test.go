package fusion

import "testing"

// What would put the blame on somebody who did nothing.

// TestTillSettlesDoubt: a scale that cannot tell two products apart leaves it to the till; who scans all that was taken
// owes nothing, whichever of the two it was.
func TestTillSettlesDoubt(t *testing.T) {
	s := newStory(t)
	s.store.Scales[0].Products = []int{sauce, salt}
	s.walk("cam-1", "A", 0, 20, atTill)
	s.tell(20)
	v := s.of("cam-1/A")
	for _, p := range []int{sauce, salt} {
		s.w.picked(Fact{Product: p, N: 1.5, P: 0.5}, []claim{{v, 0.95}}, 1)
	}
	if got := s.view(v).Unpaid(nil); !near(got, 2.85, 0.01) {
		t.Fatalf("unpaid %.2f before the till; want 2.85", got)
	}
	s.w.scanned(v, Fact{Product: sauce, N: 3}, "")
	view := s.view(v)
	if got := view.Unpaid(nil); got > 0.01 || view.Substituted() > 0.01 {
		t.Errorf("unpaid %.2f, substituted %.2f after all three were scanned; want none", got, view.Substituted())
	}
	s.w.picked(Fact{Product: salt, N: 1, P: 0.99}, []claim{{v, 0.95}}, 2) // no doubt about this one
	s.w.scanned(v, Fact{Product: sauce, N: 1}, "")
	if got := s.view(v).Unpaid(nil); !near(got, 0.95, 0.01) {
		t.Errorf("unpaid %.2f: a scan of something else pays for goods that were surely taken", got)
	}
}

// TestNextCustomer: who has paid and is still packing is not the customer of the next session.
func TestNextCustomer(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "packs", 0, 40, atTill)
	s.walk("cam-1", "next", 28, 40, Point{6, 1.4})
	s.till(20, "1", Scan, "071142008582")
	s.till(22, "1", Tender, "")
	s.till(31, "2", Scan, "17")
	s.tell(40)
	if v := s.of("cam-1/next"); v.Session != "sco-1/2" {
		t.Errorf("the next customer has session %q, want sco-1/2", v.Session)
	}
}

// TestLostAtTheVeryMoment: somebody seen again exactly when the timer fired is followed as before.
func TestLostAtTheVeryMoment(t *testing.T) {
	for _, gap := range []float64{1.999, 2, 2.001} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 6, Point{4, 3}, atDoor)
		s.walk("cam-1", "A", 6+gap, 6+gap, atDoor)
		s.empty("cam-1", 6.2+gap, 20)
		s.tell(20)
		if v := s.of("cam-1/A"); !s.view(v).Exited(s.place(Exit)) {
			t.Errorf("seen again after %.3f s and then lost in the door: not gone", gap)
		}
	}
}

// TestUnseenIsNoDwell: time in which no camera saw somebody does not make him linger, whether he is still there afterwards
// or leaves.
func TestUnseenIsNoDwell(t *testing.T) {
	for name, then := range map[string][]Point{"still there": {atShelf}, "leaves": {atShelf, atTill}} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 10, atShelf)
		s.walk("cam-1", "A", 40, 45, then...)
		s.tell(45)
		if got := s.view(s.of("cam-1/A")).Dwell(s.place(Aisle)); got < 15 || got > 21 {
			t.Errorf("%s: dwelt %.1f s of 10 s seen, 30 s unseen and 5 s seen; want 20 at most", name, got)
		}
	}
}
