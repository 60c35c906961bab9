package fusion

import "testing"

// TestPaidBeside: goods that one of two at a till has paid for are paid when the other carries them out, and nobody owes for
// them; who was not at the till has not paid.
func TestPaidBeside(t *testing.T) {
	for name, c := range map[string]struct {
		place  Point // of B during the sale
		scans  bool
		hidden bool // B, while there
		unpaid float64
	}{
		"beside the one who pays":             {place: atTill, scans: true},
		"beside the one who pays, and hidden": {place: atTill, scans: true, hidden: true},
		"at the shelf meanwhile":              {place: Point{1, 3}, scans: true, unpaid: 0.9},
		"beside one who does not":             {place: atTill, unpaid: 0.9},
	} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 8, atShelf)
		s.walk("cam-1", "A", 8.2, 12, atShelf, Point{7.6, 1.6})
		s.walk("cam-1", "A", 12.2, 40, Point{7.6, 1.6})
		s.weigh(40, 5, -621)
		s.walk("cam-1", "B", 9, 14, Point{1, 3}, c.place)
		if !c.hidden {
			s.walk("cam-1", "B", 14.2, 24, c.place)
		}
		s.walk("cam-1", "B", 24.2, 30, c.place, atDoor, Point{4, -0.6})
		if c.scans {
			s.till(15, "1", Scan, "071142008582")
			s.till(16, "1", Tender, "")
		}
		s.carry("r-door", sauceTag, 27)
		s.tell(32)
		a, b := s.view(s.of("cam-1/A")).Unpaid(nil), s.view(s.of("cam-1/B")).Unpaid(nil)
		if n := s.view(s.of("cam-1/B")).Carried(nil); n > 1 {
			t.Errorf("%s: B has %.2f of one piece", name, n)
		}
		if !near(b, c.unpaid, 0.15) {
			t.Errorf("%s: B has %.2f unpaid, want %.1f", name, b, c.unpaid)
		}
		if a > 0.15 && c.scans {
			t.Errorf("%s: A, who paid, has %.2f unpaid", name, a)
		}
	}
}

// TestPaidBesideOnceOne: a tag that each of two may have carried is one that they have carried once they are one person, and is
// then settled with the sale of who that person may be.
func TestPaidBesideOnceOne(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 8, atShelf)
	s.walk("cam-1", "A", 8.2, 12, atShelf, Point{7.6, 1.6})
	s.walk("cam-1", "A", 12.2, 24, Point{7.6, 1.6})
	s.weigh(24, 5, -621)
	s.till(18, "1", Scan, "071142008582")
	s.till(20, "1", Tender, "")
	s.walk("cam-1", "B", 20, 24, Point{1, 3})
	s.walk("cam-1", "C", 20, 24, Point{1, 4})
	s.tell(24)
	a, b, c := s.of("cam-1/A"), s.of("cam-1/B"), s.of("cam-1/C")
	sauce := a.Basket[0].Product
	for _, v := range []*Visit{b, c} {
		v.like = append(v.like, likeness{visit: a.number})
	}
	s.w.bind(b, Fact{Kind: FactMoved, Product: sauce, Name: sauceTag, P: 1}, 0.45)
	if it := b.line(sauce, sauceTag); it.N < 0.4 || it.Unpaid() > tiny {
		t.Errorf("%+v; want as much of it paid as may be his", it)
	}
	it := s.w.item(c, sauce, sauceTag)
	it.N, it.tag = 0.45, 0.45
	one := s.w.merge(b, c)
	if it := one.line(sauce, sauceTag); it == nil || it.Unpaid() > tiny || it.N > 1 {
		t.Errorf("%+v; want all of it paid", it)
	}
	if it := a.line(sauce, ""); it.Unpaid() > tiny {
		t.Errorf("the payer's: %+v", it)
	}
}

// TestCustomerAgain: who was given money back at one till is the customer of the next, rather than somebody who only passes.
func TestCustomerAgain(t *testing.T) {
	store := cornerShop()
	store.Zones = append(store.Zones, Zone{ID: "till-2", Kind: Checkout, Polygon: []Point{{0, 1.2}, {2, 1.2}, {2, 2.6}, {0, 2.6}}})
	store.Tills = append(store.Tills, Till{ID: "sco-2", Zone: len(store.Zones) - 1})
	store.Sources = append(store.Sources, Source{ID: "sco-2", Kind: TillKind, Lateness: 3 * second, Zones: []int{len(store.Zones) - 1}})
	store.Index()
	s := &story{T: t, store: store}
	s.walk("cam-1", "A", 0, 14, atTill)
	s.walk("cam-1", "A", 14.2, 18, atTill, Point{1, 2})
	s.walk("cam-1", "A", 18.2, 30, Point{1, 2})
	s.walk("cam-1", "B", 21, 30, Point{2.6, 2}, Point{1.8, 2})
	s.till(8, "1", Refund, "17")
	s.till(9, "1", Tender, "")
	s.event("sco-2", 23, Event{ID: "2", Action: Open, Zone: -1})
	s.event("sco-2", 24, Event{ID: "2", Action: Scan, SKU: GTIN14("17"), Qty: 1, Zone: -1})
	s.tell(30)
	if a, b := s.of("cam-1/A"), s.of("cam-1/B"); a.Session != "sco-2/2" || b.Session != "" {
		t.Errorf("sessions %q of who stands there, %q of who comes by", a.Session, b.Session)
	}
}

// TestPaidUnseenBeside: whom cameras lost before a till, where they do not look, may be the customer of a sale that was taken for that of
// somebody who is seen there: the goods that he shows afterwards and the other has not are those.
func TestPaidUnseenBeside(t *testing.T) {
	for name, c := range map[string]struct {
		lost   Point
		unpaid float64
	}{
		"lost before the till": {Point{6.8, 2.5}, 0},
		"lost at the shelf":    {Point{1.5, 4}, 0.9},
	} {
		s := newStory(t)
		s.walk("cam-1", "B", 0, 8, atShelf)
		s.walk("cam-1", "B", 8.2, 12, atShelf, c.lost)
		s.weigh(40, 5, -621)
		s.walk("cam-1", "A", 1, 3, Point{9, 4})
		s.walk("cam-1", "A", 3.2, 40, Point{7.6, 1.6})
		s.till(14, "1", Scan, "071142008582")
		s.till(18, "1", Tender, "")
		s.walk("cam-1", "B", 24, 30, c.lost, atDoor, Point{4, -0.6})
		s.carry("r-door", sauceTag, 27)
		s.tell(32)
		if n := s.view(s.of("cam-1/B")).Unpaid(nil); !near(n, c.unpaid, 0.15) {
			t.Errorf("%s: B has %.2f unpaid, want %.1f", name, n, c.unpaid)
		}
	}
}

// TestRungUp: the piece whose tag a till rang up is paid for, whoever carries it out and however long ago its payer was last seen; one whose
// sale was voided or taken back is not, nor is another of the product.
func TestRungUp(t *testing.T) {
	for name, c := range map[string]struct {
		rang   string
		then   Action // at the till, of that tag
		late   int64  // after the sale, s
		unpaid float64
	}{
		"rung up":                      {rang: sauceTag},
		"rung up, its payer long gone": {rang: sauceTag, late: 600},
		"voided":                       {rang: sauceTag, then: Void, unpaid: 0.9},
		"taken back":                   {rang: sauceTag, then: Refund, unpaid: 0.9},
		"another of the product":       {rang: sauceTag[:20] + "CB30", unpaid: 0.9},
	} {
		s := newStory(t)
		if c.late > 0 {
			s.walk("cam-1", "A", 0, 12, Point{7.6, 1.6})
		} else { // whom B cannot be, since both are seen
			s.walk("cam-1", "A", 0, 45, Point{7.6, 1.6})
		}
		s.event("sco-1", 8, Event{ID: "1", Action: Scan, EPC: c.rang, Line: "1", Qty: 1, Zone: -1})
		if c.then == Void {
			s.event("sco-1", 9, Event{ID: "1", Action: Void, Of: "1", Zone: -1})
		}
		s.till(10, "1", Tender, "")
		if c.then == Refund {
			s.event("sco-1", 11, Event{ID: "2", Action: Refund, EPC: c.rang, Qty: 1, Zone: -1})
		}
		at := float64(30 + c.late)
		s.walk("cam-1", "B", at-15, at-0.2, Point{1, 3}) // longer than a piece of another's way
		s.walk("cam-1", "B", at, at+7, Point{1, 3}, Point{3, 2.8})
		s.walk("cam-1", "B", at+7.2, at+12, Point{3, 2.8}, atDoor, Point{4, -0.6})
		s.carry("r-door", sauceTag, at+9)
		s.tell(at + 15)
		v := s.of("cam-1/B")
		if v.line(s.of("cam-1/B").Basket[0].Product, sauceTag) == nil {
			t.Fatalf("%s: nobody carries it", name)
		}
		if n := s.view(v).Unpaid(nil); !near(n, c.unpaid, 0.2) {
			t.Errorf("%s: %.2f unpaid, want %.1f", name, n, c.unpaid)
		}
	}
}

// TestBoughtBy: a tag that goes out with somebody who was not seen to take such goods is of those that a till has just scanned, where their
// payer was lost since or goes out beside him; where he is still there, or the other took such goods himself, it is not.
func TestBoughtBy(t *testing.T) {
	stays, out := []Point{{7.6, 1.6}}, []Point{{7.6, 1.6}, {4.6, 0.4}, {4.6, -0.6}}
	for name, c := range map[string]struct {
		way    []Point // of the payer after the sale; nil: he is lost
		from   float64 // when he sets out
		to     float64
		sku    string
		took   bool // the other, at the shelf
		unpaid float64
	}{
		"its payer lost":              {sku: "071142008582"},
		"its payer goes out beside":   {sku: "071142008582", way: out, from: 46, to: 53},
		"its payer comes behind":      {sku: "071142008582", way: []Point{{7.6, 1.6}, {5.8, 1.2}}, from: 30, to: 56},
		"its payer went before":       {sku: "071142008582", way: out, from: 20, to: 28, unpaid: 0.9},
		"its payer still there":       {sku: "071142008582", way: stays, to: 52, unpaid: 0.9},
		"who took such goods himself": {sku: "071142008582", took: true, unpaid: 0.9},
		"the payer of something else": {sku: "17", unpaid: 0.9},
	} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 18, Point{7.6, 1.6})
		if c.way != nil {
			s.walk("cam-1", "A", 18.2, max(18.2, c.from), Point{7.6, 1.6})
			s.walk("cam-1", "A", max(18.4, c.from+0.2), c.to, c.way...)
		}
		s.till(14, "1", Scan, c.sku)
		s.till(16, "1", Tender, "")
		s.walk("cam-1", "B", 0, 44, atShelf)
		s.walk("cam-1", "B", 44.2, 52, atShelf, atDoor, Point{4, -0.6})
		if c.took {
			s.weigh(44, 30, -621)
		}
		s.carry("r-door", sauceTag, 50)
		s.tell(56)
		if n := s.view(s.of("cam-1/B")).Unpaid(nil); !near(n, c.unpaid, 0.2) {
			t.Errorf("%s: %.2f unpaid, want %.1f", name, n, c.unpaid)
		}
	}
}
