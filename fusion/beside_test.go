package fusion

import "testing"

// TestPaidBeside: goods that one of two at a till has paid for are paid when the other carries them out, and nobody owes for
// them; who was not at the till has not paid.
func TestPaidBeside(t *testing.T) {
	for name, c := range map[string]struct {
		place  Point // of B during the sale
		scans  bool
		unpaid float64
	}{
		"beside the one who pays": {atTill, true, 0},
		"at the shelf meanwhile":  {Point{1, 3}, true, 0.9},
		"beside one who does not": {atTill, false, 0.9},
	} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 8, atShelf)
		s.walk("cam-1", "A", 8.2, 12, atShelf, Point{7.6, 1.6})
		s.walk("cam-1", "A", 12.2, 40, Point{7.6, 1.6})
		s.weigh(40, 5, -621)
		s.walk("cam-1", "B", 9, 14, Point{1, 3}, c.place)
		s.walk("cam-1", "B", 14.2, 24, c.place)
		s.walk("cam-1", "B", 24.2, 30, c.place, atDoor, Point{4, -0.6})
		if c.scans {
			s.till(18, "1", Scan, "071142008582")
			s.till(20, "1", Tender, "")
		}
		s.carry("r-door", sauceTag, 27)
		s.tell(32)
		a, b := s.view(s.of("cam-1/A")).Unpaid(nil), s.view(s.of("cam-1/B")).Unpaid(nil)
		if !near(b, c.unpaid, 0.15) {
			t.Errorf("%s: B has %.2f unpaid, want %.1f", name, b, c.unpaid)
		}
		if a > 0.15 && c.scans {
			t.Errorf("%s: A, who paid, has %.2f unpaid", name, a)
		}
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
