package fusion

import (
	"fmt"
	"reflect"
	"testing"
)

// TestGoodsAfterTheSale: who has paid packs what he has paid for: nobody has it unpaid, and nobody else has it at all. What
// he had not paid for is seen none the less.
func TestGoodsAfterTheSale(t *testing.T) {
	s := newBagStory(t)
	s.till(1, "1", Open, "")
	s.shows(1.5, "goods", "salt", 0)
	s.till(2, "1", Scan, saltSKU)
	s.till(3, "1", Tender, "")
	s.till(4, "1", Close, "")
	s.shows(6, "goods", "salt", 0)
	w := s.tell(8)
	if len(w.Visits()) != 1 || s.view(w.Visits()[0]).Unpaid(nil) > 0.2 {
		t.Fatalf("%d visits, %s", len(w.Visits()), s.rows(w.Visits()[0]))
	}
	s.shows(9, "tag", jacketTag, 0)
	w = s.tell(10)
	if n := len(w.Visits()); n != 2 || s.rows(w.Visits()[1]) != "not scanned 1.0 jacket p 1.00 worth 99.00" {
		t.Errorf("%d visits: a jacket that was not paid for came after the sale", n)
	}
}

// TestGoodsGoOut: goods that a device sees in an exit leave with whose they are, and are moved through it if they have a tag;
// seen elsewhere in the shop they have been put back.
func TestGoodsGoOut(t *testing.T) {
	at := func(s *story, sec float64, class, object string, zone int) {
		s.event("axis-1", sec, Event{ID: object, Name: class, Action: Enter, Zone: zone, Conf: 1})
	}
	for _, c := range []struct {
		class, object string
		zone          int
		moved         float64
		exited        string
		rows          string
	}{
		{"tag", jacketTag, doorZone, 1, "exited door 5.0", "not scanned 1.0 jacket p 1.00 worth 99.00"},
		{"goods", "jacket", doorZone, 0, "exited door 5.0", "not scanned 0.9 jacket p 0.90 worth 89.10"},
		{"tag", jacketTag, aisleZone, 0, "", ""},
		{"goods", "jacket", aisleZone, 0, "", ""},
		{"goods", "jacket", inZone, 0, "exited in-1 5.0", "not scanned 0.9 jacket p 0.90 worth 89.10"}, // it has an out edge
	} {
		t.Run(c.class+" "+c.object, func(t *testing.T) {
			s := newBagStory(t)
			s.shows(1, c.class, c.object, 0)
			at(s, 5, c.class, c.object, c.zone)
			w := s.tell(6)
			if len(w.Visits()) != 1 {
				t.Fatalf("%d visits", len(w.Visits()))
			}
			v := w.Visits()[0]
			if got := s.rows(v); got != c.rows {
				t.Errorf("%s; want %s", got, c.rows)
			}
			if got := s.facts(v, FactExited); got != c.exited {
				t.Errorf("%q; want %q", got, c.exited)
			}
			if got := s.view(v).Moved(s.place(Exit)); !near(got, c.moved, 0.05) {
				t.Errorf("moved through the exit %.2f; want %.2f", got, c.moved)
			}
		})
	}
}

// TestBag: what a bagging scale says while goods come and go.
func TestBag(t *testing.T) {
	bagged := func(s *story) { // a bottle, scanned and bagged
		s.load(15, 0)
		s.till(16, "1", Scan, sauceSKU)
		s.load(17, 621)
	}
	putBy := func(s *story, from, until float64) {
		s.till(from, "1", Suspend, "")
		s.till(until, "1", Resume, "")
	}
	const fine = "confirmed 1.0 sauce p 1.00 worth 1.99"
	for _, c := range []struct {
		name string
		tell func(s *story)
		want string
	}{
		{"lifted off unscanned, and in the hand", func(s *story) {
			bagged(s)
			s.load(19, 1121)
			s.load(21, 621)
		}, "not scanned 1.0 salt p 0.98 worth 0.88; " + fine},
		{"lifted off unscanned, scanned and bagged", func(s *story) {
			bagged(s)
			s.load(19, 1121)
			s.load(21, 621)
			s.till(23, "1", Scan, saltSKU)
			s.load(25, 1121)
		}, fine + "; confirmed 1.0 salt p 1.00 worth 0.90"},
		{"lifted off unscanned, scanned and kept in the hand", func(s *story) {
			bagged(s)
			s.load(19, 1121)
			s.load(21, 621)
			s.till(23, "1", Scan, saltSKU)
		}, "not carried 1.0 salt p 1.00 worth 0.90; " + fine},
		{"taken home once it is paid", func(s *story) {
			bagged(s)
			s.till(19, "1", Tender, "")
			s.load(21, 0)
		}, fine},
		{"taken back before it is paid", func(s *story) {
			bagged(s)
			s.load(21, 0)
			s.till(23, "1", Tender, "")
		}, fine}, // a shelf has seen it go, and no shelf has seen it come back
		{"voided and lifted off", func(s *story) { // it is left at the till, as far as that is known
			bagged(s)
			s.till(19, "1", Void, sauceSKU)
			s.load(21, 0)
			s.till(23, "1", Tender, "")
		}, "voided 0.3 sauce p 0.30 worth 0.60"},
		{"voided and lifted off, and so is another that was never scanned", func(s *story) { // one void is no cover for two
			bagged(s)
			s.till(19, "1", Void, sauceSKU)
			s.load(21, 0)
			s.load(22, 621)
			s.load(24, 0)
			s.till(25, "1", Tender, "")
		}, "voided 1.0 sauce p 1.00 worth 1.99"},
		{"voided, and in the bag when the rest is paid", func(s *story) {
			bagged(s)
			s.till(18, "1", Scan, saltSKU)
			s.load(19, 1121)
			s.till(20, "1", Void, sauceSKU)
			s.till(23, "1", Tender, "")
			s.load(25, 0)
		}, "voided 1.0 sauce p 1.00 worth 1.99; confirmed 1.0 salt p 1.00 worth 0.90"},
		{"an earlier customer takes his away", func(s *story) {
			s.load(1, 0)
			s.load(2, 3000)
			bag := s.till
			bag(20, "1", Scan, sauceSKU)
			s.load(22, 3621)
			s.load(24, 621)
		}, fine},
		{"put by, taken up again, and another is scanned", func(s *story) {
			bagged(s)
			putBy(s, 18, 24)
			s.till(25, "1", Scan, saltSKU)
			s.load(27, 1121)
			s.till(28, "1", Tender, "")
		}, fine + "; confirmed 1.0 salt p 1.00 worth 0.90"},
		{"put by, and another that is never scanned is there when it is taken up again", func(s *story) {
			bagged(s)
			s.load(17.5, 1121)
			putBy(s, 18, 24)
			s.till(28, "1", Tender, "")
		}, "not scanned 1.0 salt p 0.97 worth 0.87; " + fine},
		{"put by twice", func(s *story) {
			bagged(s)
			putBy(s, 18, 20)
			s.till(21, "1", Suspend, "")
			s.till(24, "1", Scan, saltSKU) // without being taken up
			s.load(27, 1121)
			s.till(28, "1", Tender, "")
		}, fine + "; confirmed 1.0 salt p 1.00 worth 0.90"},
		{"put by before the second is bagged", func(s *story) {
			s.load(15, 0)
			s.till(16, "1", Scan, sauceSKU)
			s.till(16.5, "1", Scan, saltSKU)
			s.load(17, 621)
			putBy(s, 19, 20)
			s.load(22, 1121)
			s.till(24, "1", Tender, "")
		}, fine + "; confirmed 1.0 salt p 1.00 worth 0.90"},
		{"put by with another in the bag that came with the first", func(s *story) {
			s.load(15, 0)
			s.till(16, "1", Scan, sauceSKU)
			s.load(17, 1121)
			putBy(s, 19, 21)
			s.till(24, "1", Tender, "")
		}, "not scanned 1.0 salt p 0.97 worth 0.87; " + fine},
		{"put by, and the next is served meanwhile", func(s *story) {
			bagged(s)
			s.till(18, "1", Suspend, "")
			s.load(19, 0)
			s.till(20, "2", Scan, saltSKU)
			s.load(22, 500)
			s.till(23, "2", Close, "")
			s.till(24, "1", Resume, "")
			s.load(26, 0)
			s.till(28, "1", Tender, "")
		}, "not carried 1.0 salt p 0.50 worth 0.90; " + fine},
		{"put by, taken up again, voided and lifted off", func(s *story) {
			bagged(s)
			putBy(s, 18, 19)
			s.till(20, "1", Void, sauceSKU)
			s.load(22, 0)
			s.till(24, "1", Tender, "")
		}, "voided 0.3 sauce p 0.30 worth 0.60"},
		{"put by, taken away and taken up again", func(s *story) {
			bagged(s)
			s.till(18, "1", Suspend, "")
			s.load(20, 0)
			s.till(24, "1", Resume, "")
			s.till(28, "1", Tender, "")
		}, fine},
		{"goods of no known weight", func(s *story) {
			s.load(15, 0)
			s.till(16, "1", Scan, "24")
			s.load(17, 900)
			s.till(18, "1", Scan, sauceSKU)
		}, "not carried 1.0 jacket p 0.50 worth 99.00; " + fine},
		{"the scale goes away", func(s *story) {
			s.load(15, 0)
			s.event("bag-1", 15.5, Event{Kind: Status, Action: Offline, Zone: -1})
			s.till(16, "1", Scan, saltSKU)
		}, "substituted 1.0 sauce as salt p 0.98 worth 1.07"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := taker(t)
			c.tell(s)
			s.tell(30)
			if got := s.rows(s.of("cam-1/A")); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// TestTwin: dearer goods of the same weight, seen where the scale is, are likely there in the place of scanned ones, unless the
// scanned ones are seen too.
func TestTwin(t *testing.T) {
	s := cornerShop()
	s.Products[jacket].Grams = 500
	w := NewWorld(s)
	for _, c := range []struct {
		twin bool
		want float64
	}{{false, 0.75}, {true, 0.13}} {
		held := []heldUnits{{units: units{jacket, 1}, there: true}, {units: units{product: salt}, twin: c.twin}}
		got := 0.0
		for _, x := range w.explain(0, 29, []units{{salt, 1}}, held, false) {
			if x.in == jacket && x.out == salt {
				got += x.p
			}
		}
		if !near(got, c.want, 0.02) {
			t.Errorf("with its twin seen %v: %.3f; want %.2f", c.twin, got, c.want)
		}
	}
}

// TestPutBackAfterTheSale: goods that a till has shown and that are on a shelf again are no longer with who showed them, but
// what the sale at hand shows is.
func TestPutBackAfterTheSale(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	v := w.open(0, "A", monday)
	*w.item(v, sauce, "") = Item{Product: sauce, Shown: 3, kept: 2}
	*w.item(v, salt, "") = Item{Product: salt, Shown: 1, kept: 1}
	w.putBack(Fact{At: w.now, Kind: FactPutBack, Source: w.Store.SourceIndex("g1"), Product: sauce, N: 1.5, P: 1}, []claim{{v, 1}})
	if it := v.line(sauce, ""); it.Shown != 1.5 || it.kept != 0.5 {
		t.Errorf("%+v; want 1.5 of it shown, 0.5 of them before", *it)
	}
	w.putBack(Fact{At: w.now, Kind: FactPutBack, Source: w.Store.SourceIndex("g1"), Product: sauce, N: 1, P: 1}, []claim{{v, 1}})
	if it := v.line(sauce, ""); it.Shown != 1 || it.kept != 0 {
		t.Errorf("%+v; what the sale at hand shows stays", *it)
	}
	if it := v.line(salt, ""); it.Shown != 1 || it.kept != 1 {
		t.Errorf("%+v; nobody has put it back", *it)
	}
}

// TestLanes: a checkout zone is in the lane of the till that is nearest, if one is near.
func TestLanes(t *testing.T) {
	square := func(x float64) []Point { return []Point{{x, 0}, {x + 1, 0}, {x + 1, 1}, {x, 1}} }
	s := &Store{Zones: []Zone{{ID: "b", Kind: Checkout, Polygon: square(4)}, {ID: "a", Kind: Checkout, Polygon: square(0)},
		{ID: "beside a", Kind: Checkout, Polygon: square(1)}, {ID: "beside b", Kind: Checkout, Polygon: square(3)},
		{ID: "far", Kind: Checkout, Polygon: square(9)}, {ID: "aisle", Kind: Aisle, Polygon: square(2)}},
		Tills: []Till{{ID: "t1", Zone: 1}, {ID: "t2", Zone: 0}, {ID: "t3", Zone: 1}, {ID: "t4", Zone: -1}}}
	s.Index()
	if all, of := lanes(s); len(all) != 1 || fmt.Sprint(of) != "[0 -2 -2 0 -1 -1]" {
		t.Errorf("%d lanes, %v; want none of the zone with two tills and what is beside it", len(all), of)
	}
	s.Tills[2].Zone = -1
	if all, of := lanes(s); len(all) != 2 || fmt.Sprint(of) != "[1 0 0 1 -1 -1]" {
		t.Errorf("%d lanes, %v", len(all), of)
	}
	wide := []Point{{1, -9}, {3.5, -9}, {3.5, 10}, {1, 10}} // touches one, is half a metre from the other, and no corner of it is near either
	s.Zones[2].Polygon, s.Zones[3].Polygon = wide, []Point{{2, 0}, {2.5, 0}, {2.5, 1}, {2, 1}}
	if _, of := lanes(s); fmt.Sprint(of[2:4]) != "[0 0]" {
		t.Errorf("%v", of)
	}
	s.Zones[3].Polygon = []Point{{1, 2}, {4, 2}, {4, 3}, {1, 3}} // as near to both, and its middle to neither
	s.Zones[0].Polygon = []Point{{4, 0}, {4.5, 0}, {4.5, 1}, {4, 1}}
	if _, of := lanes(s); of[3] != 1 {
		t.Errorf("%v; want the till whose middle is nearer", of)
	}
}

// TestLaneGuards: a till without a zone has no lane, and the end of a sale that has been forgotten ends what its lane shows.
func TestLaneGuards(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	if w.pending(-1) != nil {
		t.Error("a till without a zone shows somebody's goods")
	}
	v := w.open(0, "A", monday)
	w.lanes[0] = lane{session: sessionKey{0, "forgotten"}, visit: v.number, goods: []sight{{ware: ware{product: salt}}}}
	w.lineOf(v, ware{product: salt}).Shown = 1
	w.endSale(0, w.now)
	if l := &w.lanes[0]; l.visit != 0 || l.goods != nil || l.session.id != "" || v.line(salt, "").kept != 1 {
		t.Errorf("%+v, kept %+v", l, v.line(salt, ""))
	}
}

// TestLaneOfACloneIsItsOwn: no list of a lane's is shared with its copy.
func TestLaneOfACloneIsItsOwn(t *testing.T) {
	l := &lane{goods: make([]sight, 1)}
	var lists func(v reflect.Value, at string, each func(at string, list reflect.Value))
	lists = func(v reflect.Value, at string, each func(string, reflect.Value)) {
		for i := range v.NumField() {
			switch f, name := v.Field(i), at+"."+v.Type().Field(i).Name; f.Kind() {
			case reflect.Slice:
				each(name, f)
			case reflect.Struct:
				lists(f, name, each)
			}
		}
	}
	lists(reflect.ValueOf(l).Elem(), "lane", func(_ string, list reflect.Value) {
		p := (reflect.NewAt(list.Type(), list.Addr().UnsafePointer())).Elem()
		p.Set(reflect.MakeSlice(list.Type(), 1, 1))
	})
	own := map[string]uintptr{}
	lists(reflect.ValueOf(l).Elem(), "lane", func(at string, list reflect.Value) { own[at] = list.Pointer() })
	c := l.clone()
	lists(reflect.ValueOf(&c).Elem(), "lane", func(at string, list reflect.Value) {
		if list.Len() != 1 || list.Pointer() == own[at] {
			t.Errorf("%s is shared", at)
		}
	})
	if len(own) < 6 {
		t.Errorf("%d lists", len(own))
	}
}

// TestLanesOfAClone: what is folded into a world after it was cloned is not in the clone, and a clone goes on alike.
func TestLanesOfAClone(t *testing.T) {
	s := taker(t)
	s.load(14, 0)
	s.till(15, "1", Open, "")
	s.shows(15.5, "goods", "salt", 0)
	s.event("sco-1", 16, Event{ID: "1", Action: Scan, SKU: GTIN14(saltSKU), Line: "1", Qty: 1, Grams: 620, Zone: -1})
	s.load(17, 1121)
	w := s.tell(19)
	v := s.of("cam-1/A")
	text := func(w *World) string {
		k := sessionKey{s.store.SourceIndex("sco-1"), "1"}
		return fmt.Sprintf("%+v %+v %+v", w.lanes, w.sessions[k].lines, View{World: w, Visit: w.visit(v.number), Now: w.now}.Reconcile())
	}
	copy := w.Clone()
	before := text(copy)
	more := []Event{
		{Kind: TillKind, Source: s.store.SourceIndex("sco-1"), TS: at(20), ID: "1", Action: Void, Of: "1", Qty: 1, Zone: -1},
		{Kind: Region, Source: s.store.SourceIndex("axis-1"), TS: at(21), ID: "salt", Name: "goods", Action: Enter, Zone: tillZone, Conf: 1},
		{Kind: TillKind, Source: s.store.SourceIndex("sco-1"), TS: at(22), ID: "1", Action: Scan, SKU: GTIN14(sauceSKU), Qty: 1, Zone: -1},
	}
	fold := func(w *World) string {
		for i := range more {
			w.Fold(&more[i])
		}
		return text(w)
	}
	after := fold(w)
	if got := text(copy); got != before {
		t.Errorf("the clone was\n%s\nand is\n%s", before, got)
	}
	if got := fold(copy); got != after || got == before {
		t.Errorf("the clone goes on to\n%s\nnot\n%s", got, after)
	}
}

// TestBagAlone: what a bagging scale and the till's own say where nothing else has seen the goods; jackets weigh as much as
// salt here.
func TestBagAlone(t *testing.T) {
	bagged := func(s *story, more ...func(s *story)) {
		s.load(1, 0)
		s.till(2, "1", Scan, saltSKU)
		s.load(4, 500)
		for _, m := range more {
			m(s)
		}
	}
	const fine = "confirmed 1.0 salt p 1.00 worth 0.90"
	jacketShown := func(s *story) { s.shows(6, "tag", jacketTag, 0) }
	for _, c := range []struct {
		name string
		tell func(s *story)
		want string
	}{
		{"bagged", func(s *story) { bagged(s) }, fine},
		{"taken home once it is paid", func(s *story) {
			bagged(s)
			s.till(7, "1", Tender, "")
			s.load(8, 0)
		}, fine},
		{"taken back before it is paid", func(s *story) {
			bagged(s)
			s.load(8, 0)
			s.till(10, "1", Tender, "")
		}, "not carried 1.0 salt p 1.00 worth 0.90"},
		{"dearer goods of the same weight", func(s *story) { bagged(s, jacketShown) }, "not scanned 0.2 jacket p 0.25 worth 24.75; substituted 0.8 jacket as salt p 0.75 worth 73.58; not carried 0.2 salt p 0.50 worth 0.23"},
		{"dearer goods of the same weight beside them", func(s *story) {
			s.shows(1.5, "goods", "salt", 0)
			bagged(s, jacketShown)
		}, "not scanned 1.0 jacket p 1.00 worth 99.00; confirmed 0.9 salt p 0.90 worth 0.81"},
		{"the till's scale alone shows that they are dearer", func(s *story) {
			s.event("sco-1", 2, Event{ID: "1", Action: Scan, SKU: GTIN14(saltSKU), Qty: 1, Grams: 620, Zone: -1})
		}, "substituted 1.0 sauce as salt p 0.97 worth 1.06"},
		{"a void takes back what the till's scale has shown", func(s *story) {
			s.event("sco-1", 2, Event{ID: "1", Action: Scan, SKU: GTIN14(saltSKU), Qty: 1, Grams: 500, Zone: -1})
			s.till(3, "1", Void, saltSKU)
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newBagStory(t)
			s.store.Products[jacket].Grams = 500
			c.tell(s)
			w := s.tell(14)
			if got := s.rows(w.Visits()[0]); len(w.Visits()) != 1 || got != c.want {
				t.Errorf("%d visits: %s\nwant %s", len(w.Visits()), got, c.want)
			}
		})
	}
}

// TestWhoseLane: goods in a lane without a sale are with who stands there, not with who stood there long ago, nor with who is
// hardly near; and what comes long after a sale is not what its customer packs.
func TestWhoseLane(t *testing.T) {
	t.Run("another stands there now", func(t *testing.T) {
		s := newBagStory(t)
		s.walk("cam-1", "A", 0, 10, atTill)
		s.walk("cam-1", "A", 10.2, 70, atTill, Point{1, 4.5})
		s.walk("cam-1", "B", 54, 70, atTill)
		s.shows(5, "goods", "salt", 0)
		s.shows(60, "tag", jacketTag, 0)
		s.tell(65)
		if a, b := s.rows(s.of("cam-1/A")), s.rows(s.of("cam-1/B")); a != "not scanned 0.9 salt p 0.90 worth 0.81" || b != "not scanned 1.0 jacket p 1.00 worth 99.00" {
			t.Errorf("A: %s\nB: %s", a, b)
		}
	})
	t.Run("somebody is hardly near", func(t *testing.T) {
		s := newBagStory(t)
		s.walk("cam-1", "A", 0, 10, Point{2.8, 1})
		s.shows(5, "goods", "salt", 0)
		w := s.tell(8)
		if n := len(w.Visits()); n != 2 || s.rows(s.of("cam-1/A")) != "" {
			t.Errorf("%d visits, A: %s", n, s.rows(s.of("cam-1/A")))
		}
	})
	t.Run("long after the sale", func(t *testing.T) {
		s := newBagStory(t)
		s.walk("cam-1", "A", 0, 60, atTill)
		s.shows(5, "goods", "salt", 0)
		s.till(6, "1", Scan, saltSKU)
		s.till(7, "1", Tender, "")
		s.till(8, "1", Close, "")
		s.shows(20, "goods", "salt", 0)
		s.tell(30)
		if got := s.view(s.of("cam-1/A")).Unpaid(nil); got > 0.2 {
			t.Errorf("unpaid %.2f of what he packs", got)
		}
		s.shows(50, "goods", "salt", 0)
		s.tell(55)
		if got := s.view(s.of("cam-1/A")).Unpaid(nil); got < 0.7 {
			t.Errorf("unpaid %.2f of what comes long after he has paid", got)
		}
	})
}

// TestLaneShows: what a lane shows of goods, by what its devices say.
func TestLaneShows(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	l := &w.lanes[0]
	a, b := w.open(0, "A", monday), w.open(0, "B", monday)
	show := func(source, zone int, object string) {
		w.now += second
		w.showGoods(0, sight{ware: ware{product: salt}, source: source, zone: zone, object: object, conf: 1}, 1, w.now)
	}
	l.visit, l.at = a.number, w.now
	show(0, tillZone, "x")
	show(0, tillZone, "y")
	show(1, tillZone, "x")
	if n := l.seen(ware{product: salt}); n != 2 {
		t.Errorf("%v units; one device sees two, and another one of these", n)
	}
	x := &l.goods[l.find(&sight{source: 0, zone: tillZone, object: "x"})]
	x.here = 0 // it was taken away, and comes again
	if show(0, tillZone, "x"); l.seen(ware{product: salt}) != 2 {
		t.Errorf("%v units; the same came twice", l.seen(ware{product: salt}))
	}
	if got := a.line(salt, "").Shown; got != 2 {
		t.Errorf("%v shown", got)
	}
	w.served(0, &session{visit: b, share: 1, known: true}, 0)
	if a.line(salt, "").Shown != 0 || b.line(salt, "").Shown != 2 {
		t.Errorf("shown of who stood there %+v, of the customer %+v", a.line(salt, ""), b.line(salt, ""))
	}
	w.picked(Fact{At: w.now, Kind: FactPicked, Product: sauce, N: 1, P: 1}, []claim{{a, 0.5}, {b, 0.45}}, 1)
	w.showGoods(0, sight{ware: ware{product: sauce}, zone: tillZone, object: "z", conf: 1}, 1, w.now)
	if a.line(sauce, "").N > 0.1 || b.line(sauce, "").N < 0.9 {
		t.Errorf("%.2f with who has not shown the goods, %.2f with who has", a.line(sauce, "").N, b.line(sauce, "").N)
	}
	before := w.evicted
	for i := range maxGoods + 5 {
		show(2, tillZone, fmt.Sprint("o", i))
	}
	if len(l.goods) != maxGoods || w.evicted-before < 5 {
		t.Errorf("%d goods, %d dropped", len(l.goods), w.evicted-before)
	}
}
