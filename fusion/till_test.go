package fusion

import "testing"

var (
	atTill  = Point{6.5, 1}
	atShelf = Point{2.1, 4.2}
	atDoor  = Point{4, 0.5}
)

// take is a person who takes a bottle of sauce at 5 s and stands at the till from 12 s on.
func take(t *testing.T) *story {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 8, atShelf)
	s.walk("cam-1", "A", 8.2, 12, atShelf, atTill)
	s.walk("cam-1", "A", 12.2, 30, atTill)
	s.weigh(30, 5, -621)
	return s
}

func TestTill(t *testing.T) {
	const sku = "071142008582"
	for _, c := range []struct {
		name         string
		tell         func(s *story)
		held, unpaid float64
		paid         bool
	}{
		{"takes one", func(s *story) {}, 0.95, 0.95, false},
		{"pays for it", func(s *story) {
			s.till(20, "1", Open, "")
			s.till(21, "1", Scan, sku)
			s.till(22, "1", Tender, "")
		}, 0.95, 0, true},
		{"a closed session with a scan is paid", func(s *story) {
			s.till(21, "1", Scan, sku)
			s.till(22, "1", Close, "")
		}, 0.95, 0, true},
		{"a closed session without a scan is not", func(s *story) {
			s.till(20, "1", Open, "")
			s.till(22, "1", Close, "")
		}, 0.95, 0.95, false},
		{"scans something else", func(s *story) {
			s.till(21, "1", Scan, "17")
			s.till(22, "1", Tender, "")
		}, 0.95, 0.95, true},
		{"the scan is voided by its goods", func(s *story) {
			s.till(21, "1", Scan, sku)
			s.till(22, "1", Void, sku)
			s.till(23, "1", Tender, "")
		}, 0.3, 0.3, true},
		{"what was voided is scanned again", func(s *story) {
			s.till(21, "1", Scan, sku)
			s.till(22, "1", Void, sku)
			s.till(23, "1", Scan, sku)
			s.till(24, "1", Tender, "")
		}, 0.95, 0, true},
		{"scans one thing twice, and voids that", func(s *story) {
			s.till(21, "1", Scan, sku)
			s.till(22, "1", Scan, sku)
			s.till(23, "1", Void, sku)
		}, 0.95, 0, false},
		{"the scan is voided by its line", func(s *story) {
			s.event("sco-1", 21, Event{ID: "1", Action: Scan, SKU: GTIN14(sku), Line: "7", Qty: 1, Zone: -1})
			s.event("sco-1", 21.5, Event{ID: "1", Action: Scan, SKU: GTIN14("17"), Line: "8", Qty: 1, Zone: -1})
			s.event("sco-1", 22, Event{ID: "1", Action: Void, Of: "7", Qty: 1, Zone: -1})
		}, 0.3, 0.3, false},
		{"another line is voided", func(s *story) {
			s.event("sco-1", 21, Event{ID: "1", Action: Scan, SKU: GTIN14(sku), Line: "7", Qty: 1, Zone: -1})
			s.event("sco-1", 21.5, Event{ID: "1", Action: Scan, SKU: GTIN14("17"), Line: "8", Qty: 1, Zone: -1})
			s.event("sco-1", 22, Event{ID: "1", Action: Void, Of: "8", Qty: 1, Zone: -1})
		}, 0.95, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := take(t)
			c.tell(s)
			s.tell(30)
			v := s.of("cam-1/A")
			g := Goods{sauce: true, salt: false, jacket: false}
			view := s.view(v)
			if got := view.Carried(g); !near(got, c.held, 0.06) {
				t.Errorf("carries %.3f; want %.2f", got, c.held)
			}
			if got := view.Unpaid(g); !near(got, c.unpaid, 0.06) {
				t.Errorf("unpaid %.3f; want %.2f", got, c.unpaid)
			}
			if v.Paid != c.paid {
				t.Errorf("paid %v", v.Paid)
			}
		})
	}
}

// TestOneOfTwoVoided: of two of a kind the one that was voided stays at the till as before when the other is scanned.
func TestOneOfTwoVoided(t *testing.T) {
	for name, actions := range map[string][]Action{
		"before the other is scanned": {Scan, Void, Scan},
		"after the other was scanned": {Scan, Scan, Void},
	} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 8, atShelf)
		s.walk("cam-1", "A", 8.2, 18, atShelf, atTill)
		s.walk("cam-1", "A", 18.2, 32, atTill)
		s.weigh(40, 5, -1243)
		for i, a := range actions {
			s.till(float64(21+i), "1", a, "071142008582")
		}
		s.tell(30)
		view := s.view(s.of("cam-1/A"))
		if held, unpaid := view.Carried(nil), view.Unpaid(nil); !near(held, 1+takenAfterVoid, 0.15) || !near(unpaid, takenAfterVoid, 0.15) {
			t.Errorf("%s: carries %.2f, %.2f of them unpaid; want 1.3 and 0.3", name, held, unpaid)
		}
	}
}

// TestScanBeforeThePick: a scan of goods that nobody was seen to take counts when it shows that somebody had.
func TestScanBeforeThePick(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 20, atTill)
	s.till(10, "1", Scan, "071142008582")
	s.tell(20)
	v := s.of("cam-1/A")
	s.w.picked(Fact{Product: sauce, N: 1, P: 1}, []claim{{v, 0.9}}, 1)
	if got := s.view(v).Unpaid(nil); got != 0 {
		t.Errorf("unpaid %.2f: the till has seen it", got)
	}
}

// TestCustomer: a session belongs to who stands at the till, longest and surest, whoever else is about.
func TestCustomer(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "far", 0, 30, Point{1, 4})
	s.walk("cam-1", "A", 0, 30, atTill)
	s.walk("cam-1", "late", 18, 30, Point{5.3, 1.8})
	s.till(20, "1", Open, "")
	s.till(21, "1", Tender, "")
	s.tell(30)
	if v := s.of("cam-1/A"); v.Session != "sco-1/1" || !v.Paid {
		t.Errorf("who stood at the till has session %q, paid %v", v.Session, v.Paid)
	}
	for _, track := range []string{"cam-1/far", "cam-1/late"} {
		if v := s.of(track); v.Session != "" || v.Paid {
			t.Errorf("%s has session %q, paid %v", track, v.Session, v.Paid)
		}
	}
}

// TestNobodyAtTheTill: a session without anybody there is a visit of its own until somebody turns up, who then has it all.
func TestNobodyAtTheTill(t *testing.T) {
	s := newStory(t)
	s.till(1, "1", Open, "")
	s.till(2, "1", Scan, "071142008582")
	s.till(3, "1", Tender, "")
	w := s.tell(4)
	if n := len(w.Visits()); n != 1 || !w.Visits()[0].Unowned || w.Visits()[0].Session != "sco-1/1" || !w.Visits()[0].Paid {
		t.Fatalf("%d visits: %+v", n, w.Visits())
	}
	s.walk("cam-1", "A", 5, 12, atTill)
	s.till(8, "1", Scan, "17")
	w = s.tell(12)
	v := s.of("cam-1/A")
	if v.Session != "sco-1/1" || !v.Paid {
		t.Errorf("session %q, paid %v", v.Session, v.Paid)
	}
	paid := map[int]float64{}
	for _, it := range v.Basket {
		paid[it.Product] += it.Paid
	}
	if paid[sauce] != 1 || paid[salt] != 1 {
		t.Errorf("paid for %v; want one each of 0 and 1", paid)
	}
	for _, o := range w.Visits() {
		if o.Unowned && (len(o.Basket) > 0 || o.Session != "" || o.Paid) {
			t.Errorf("the visit that nobody owned still has %+v", o)
		}
	}
}

// TestTwoAtOnce: what is seen of two at one moment, where nobody stands, is two visits with names of their own.
func TestTwoAtOnce(t *testing.T) {
	for name, tell := range map[string]func(s *story){
		"two sessions of a till": func(s *story) {
			s.till(1, "1", Open, "")
			s.till(1, "2", Open, "")
		},
		"goods that leave": func(s *story) {
			for _, id := range []string{"salt", "jacket"} {
				s.event("axis-1", 1, Event{ID: id, Name: classGoods, Zone: doorZone, Action: Enter, Conf: 1})
			}
		},
		"goods in two lanes": func(s *story) {
			s.store.Zones = append(s.store.Zones, Zone{ID: "till-2", Kind: Checkout, Polygon: []Point{{20, 0}, {21, 0}, {21, 1}, {20, 1}}})
			s.store.Tills = append(s.store.Tills, Till{ID: "sco-2", Zone: len(s.store.Zones) - 1})
			s.store.Index()
			for _, zone := range []int{tillZone, len(s.store.Zones) - 1} {
				s.event("axis-1", 1, Event{ID: "salt", Name: classGoods, Zone: zone, Action: Enter, Conf: 1})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			tell(s)
			v := s.tell(2).Visits()
			if len(v) != 2 || v[0].ID == v[1].ID {
				t.Fatalf("%d visits: %+v", len(v), v)
			}
			if v[0].begunBefore(v[1]) == v[1].begunBefore(v[0]) {
				t.Error("neither began before the other")
			}
		})
	}
}

func TestGateAlarm(t *testing.T) {
	alarm := func(s *story, sec float64, a Action) {
		s.event("eas-1", sec, Event{On: true, Action: a, Zone: -1})
	}
	s := newStory(t)
	alarm(s, 1, Out)
	alarm(s, 3, Out)
	w := s.tell(4)
	if len(w.Visits()) != 1 || !w.Visits()[0].Unowned || w.Visits()[0].Zone != doorZone ||
		w.Visits()[0].ID != VisitID("s042", "eas-1", "", at(1)) || w.Visits()[0].Facts.Len() != 2 {
		t.Errorf("two alarms without anybody near: %+v; want one visit that has both", w.Visits())
	}

	s = newStory(t)
	alarm(s, 1, In)
	if w := s.tell(4); len(w.Visits()) != 0 {
		t.Errorf("an alarm inwards that nobody owns opened %+v", w.Visits())
	}

	s = newStory(t)
	s.walk("cam-1", "A", 0, 6, atShelf, atDoor)
	s.walk("cam-1", "B", 0, 6, Point{7, 4})
	alarm(s, 5.8, Out)
	if w := s.tell(6); w.born != 2 {
		t.Errorf("%d visits; want A and B alone", w.born)
	}
	if s.facts(s.of("cam-1/A"), FactGate) == "" || s.facts(s.of("cam-1/B"), FactGate) != "" {
		t.Error("the alarm is not A's, who stands in the gate, alone")
	}
}
