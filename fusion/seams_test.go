package fusion

import "testing"

// TestGhostPays: who was last seen at a till half a minute ago is not the customer of the sale that another stands at.
func TestGhostPays(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "before", 0, 8, Point{4, 4}, Point{6, 1}) // lost at the till
	s.weigh(60, 30, -621)
	s.walk("cam-1", "payer", 20, 26, Point{1.5, 1}, Point{2.1, 4.1})
	s.walk("cam-1", "payer", 26.2, 34, Point{2.1, 4.1}, Point{2.1, 4.1})
	s.walk("cam-1", "payer", 34.2, 38, Point{2.1, 4.1}, Point{6.5, 1})
	s.walk("cam-1", "payer", 38.2, 48, Point{6.5, 1}, Point{6.5, 1})
	s.till(41, "s1", Open, "")
	s.till(42, "s1", Scan, "071142008582")
	s.till(45, "s1", Tender, "")
	s.tell(47)
	v := s.of("cam-1/payer")
	if !v.Paid || len(v.Basket) != 1 || v.Basket[0].Unpaid() > 0.1 {
		t.Errorf("who paid: paid %v, basket %+v", v.Paid, v.Basket)
	}
}

// TestGhostAtTheDoor: who went out long ago does not carry what somebody unseen carries out now.
func TestGhostAtTheDoor(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "good", 0, 8, Point{4, 4}, Point{4, 0.5})
	s.empty("cam-1", 8.2, 60)
	s.carry("r-door", jacketTag, 30)
	s.tell(38)
	if v := s.of("cam-1/good"); len(v.Basket) > 0 {
		t.Errorf("who left has %.2f of a jacket, owner %.2f", v.Basket[0].N, v.Basket[0].Owner)
	}
}

// TestExitBehindAStall: a camera that sends nothing for three seconds while somebody leaves tells of it when it is back.
func TestExitBehindAStall(t *testing.T) {
	s := newStory(t)
	s.weigh(40, 3, -621)
	s.walk("cam-1", "a", 0, 4, Point{2.1, 4.1}, Point{2.1, 4.1})
	s.walk("cam-1", "a", 4.2, 8, Point{2.1, 4.1}, Point{4, 0.4})
	s.empty("cam-1", 11, 40)
	s.tell(30)
	if !s.w.gone(s.of("cam-1/a")) {
		t.Error("still in the shop")
	}
}

// TestSplitFromStaff: who was taken for one with somebody of the staff is not staff once they part.
func TestSplitFromStaff(t *testing.T) {
	s := newStory(t)
	s.store.Staff.Tracks = []string{"1"}
	s.walk("cam-1", "1", 0, 4, Point{2.1, 4})
	s.walk("cam-2", "7", 1.1, 4.1, Point{2.1, 4})
	s.walk("cam-1", "1", 4.2, 20, Point{2.1, 4}, Point{7, 4})
	s.walk("cam-2", "7", 4.3, 20.1, Point{2.1, 4}, Point{0.5, 2.5})
	s.tell(20)
	if n := s.of("cam-2/7"); n.Staff > 0.5 {
		t.Errorf("P(staff) %.2f", n.Staff)
	}
}

// TestCellsInAnyOrder: which antenna was heard first says nothing, however many there are.
func TestCellsInAnyOrder(t *testing.T) {
	p := func(order []int) float64 {
		h := &heard{}
		for ep := range 16 {
			for _, a := range order {
				level := int16(-6000)
				if a == 8 { // the one antenna that it passes
					x := float64(ep) - 7.5
					level = int16(-4600 - 25*x*x)
				}
				for k := range 2 {
					h.count(&read{ts: int64(ep)*epochNS + int64(k), antenna: int16(a), level: level}, int64(ep))
				}
			}
		}
		return h.moved(0, 15, 0, 0, true, news{})
	}
	if a, b := p([]int{0, 1, 2, 3, 4, 5, 6, 7, 8}), p([]int{8, 7, 6, 5, 4, 3, 2, 1, 0}); a != b {
		t.Errorf("%v and %v", a, b)
	}
}

// TestMergeKeepsScans: two scans of the same goods in one tick are two.
func TestMergeKeepsScans(t *testing.T) {
	s := newStory(t)
	w := NewWorld(s.store)
	f := Fact{TS: at(5), At: at(5), Kind: FactScanned, Source: 6, Zone: tillZone, Product: sauce, N: 1, P: 1, Name: "s1"}
	n := 0.0
	all := w.mergeFacts(&Visit{Facts: FactsOf(f, f), stays: make([]stay, 5)}, &Visit{stays: make([]stay, 5)})
	for g := range all.All() {
		n += g.N
	}
	if n != 2 {
		t.Errorf("%v of two scans", n)
	}
}
