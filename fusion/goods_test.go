package fusion

import (
	"fmt"
	"strings"
	"testing"
)

// TestGoods: what devices without positions say of goods, at a till and elsewhere.
func TestGoods(t *testing.T) {
	see := func(s *story, sec float64, class, object string, zone int, more ...func(*Event)) {
		e := Event{ID: object, Name: class, Action: Enter, Zone: zone, Conf: 1}
		for _, m := range more {
			m(&e)
		}
		s.event("axis-1", sec, e)
	}
	qty := func(n float64) func(*Event) { return func(e *Event) { e.Qty = n } }
	conf := func(p float64) func(*Event) { return func(e *Event) { e.Conf = p } }
	leave, cross := func(e *Event) { e.Action = Leave }, func(e *Event) { e.Action = Cross }
	for _, c := range []struct {
		name string
		tell func(s *story)
		want string
	}{
		// At a way out, with nobody.
		{"nobody's goods go out", func(s *story) { see(s, 5, "goods", "jacket", doorZone) },
			"nobody: jacket shown 0.90 kept 0.90, exited door 5.0 +0.90 in door until 5"},
		{"three of them", func(s *story) { see(s, 5, "goods", "salt", doorZone, qty(3)) },
			"nobody: salt shown 2.70 kept 2.70, exited door 5.0 +2.70 in door until 5"},
		{"nobody's tag, of which a device that has just woken cannot say that it came", func(s *story) { see(s, 5, "tag", jacketTag, doorZone) }, ""},
		{"what the catalogue does not know goes out", func(s *story) { see(s, 5, "goods", "teddy", doorZone) },
			"nobody: teddy shown 0.90 kept 0.90, exited door 5.0 +0.90 in door until 5"},
		{"a foreign tag goes out", func(s *story) { see(s, 5, "tag", foreign, doorZone) },
			"nobody: E2801160600002054321ABCD shown 1.00 kept 1.00, exited door 5.0 +1.00 in door until 5"},
		{"a badge goes out", func(s *story) { see(s, 5, "tag", staffBadge, doorZone) }, ""},
		{"a foreign tag, which this store hides", func(s *story) { s.store.HideForeign = true; see(s, 5, "tag", foreign, tillZone) },
			""},
		{"a badge at the till", func(s *story) { see(s, 5, "tag", staffBadge, tillZone) }, ""},
		{"it is surer than sure", func(s *story) { see(s, 5, "tag", jacketTag, tillZone, conf(3)) },
			"nobody: jacket1 shown 1.00,  +1.00 in till-1 until 5"},
		{"seen nowhere", func(s *story) { see(s, 5, "goods", "salt", -1) }, ""},
		{"nobody's goods in the aisle", func(s *story) { see(s, 5, "goods", "salt", aisleZone) }, ""},
		{"another class", func(s *story) { see(s, 5, "pram", "salt", tillZone) }, ""},
		{"by its name as a class", func(s *story) { see(s, 5, "salt", "x", tillZone) },
			"nobody: salt shown 0.90,  +0.90 in till-1 until 5"},

		// At a till.
		{"two come, one leaves and comes again", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			see(s, 2, "goods", "salt", tillZone)
			see(s, 3, "goods", "salt", tillZone, leave)
			see(s, 4, "goods", "salt", tillZone)
		}, "nobody: salt shown 1.80,  +0.90 +0.90 in till-1 until 4"},
		{"more leave than came", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			see(s, 2, "goods", "salt", tillZone, qty(3), leave)
			see(s, 4, "goods", "salt", tillZone)
		}, "nobody: salt shown 0.90,  +0.90 in till-1 until 4"},
		{"a tag is seen there three times", func(s *story) {
			see(s, 1, "tag", jacketTag, tillZone)
			see(s, 2, "tag", jacketTag, tillZone, cross)
			see(s, 3, "tag", jacketTag, tillZone, cross)
		}, "nobody: jacket1 shown 1.00,  +1.00 in till-1 until 3"},
		{"what leaves was never seen", func(s *story) {
			see(s, 1, "goods", "jacket", tillZone)
			see(s, 2, "goods", "salt", tillZone, leave)
		}, "nobody: jacket shown 0.90,  +0.90 in till-1 until 1"},
		{"leaves the aisle", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			see(s, 2, "goods", "salt", aisleZone, leave)
		}, "nobody: salt shown 0.90,  +0.90 in till-1 until 1"},

		// Elsewhere in the shop.
		{"one of two is put away", func(s *story) {
			see(s, 1, "goods", "salt", tillZone, qty(2))
			see(s, 1.5, "goods", "jacket", tillZone)
			see(s, 1.7, "goods", "teddy", tillZone)
			see(s, 1.8, "tag", jacketTag, tillZone)
			see(s, 5, "goods", "salt", aisleZone)
		},
			"nobody: salt shown 0.90, jacket, teddy shown 0.90, jacket1 shown 1.00,  +1.80 +0.90 +0.90 -0.90 +1.00 -0.90 in till-1 until 2"},
		{"one of two is put away and comes again", func(s *story) {
			see(s, 1, "goods", "salt", tillZone, qty(2))
			see(s, 5, "goods", "salt", aisleZone)
			see(s, 6, "goods", "salt", tillZone)
		}, "nobody: salt shown 1.80,  +1.80 -0.90 +0.90 in till-1 until 6"},
		{"what the catalogue does not know is put away", func(s *story) {
			see(s, 1, "goods", "teddy", tillZone)
			see(s, 1.5, "goods", "hat", tillZone)
			see(s, 5, "goods", "hat", aisleZone)
		}, "nobody: teddy shown 0.90, hat,  +0.90 +0.90 -0.90 in till-1 until 2"},
		{"put away after the sale", func(s *story) {
			see(s, 1, "goods", "salt", tillZone, qty(2))
			s.till(2, "1", Open, "")
			s.till(3, "1", Close, "")
			see(s, 20, "goods", "salt", aisleZone)
		}, "nobody: salt shown 0.90 kept 0.90,  +1.80 -0.90 in till-1 until 3"},
		{"more put away after the sale than there was", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Open, "")
			s.till(3, "1", Close, "")
			see(s, 20, "goods", "salt", aisleZone, qty(5))
		}, "nobody: salt,  +0.90 -0.90 in till-1 until 3"},
		{"out by the door after the sale", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Open, "")
			s.till(3, "1", Close, "")
			see(s, 20, "goods", "salt", doorZone)
		}, "nobody: salt shown 0.90 kept 0.90, exited door 20.0 +0.90 in door until 20"},
		{"another has gone out with such goods", func(s *story) {
			see(s, 5, "goods", "salt", doorZone)
			see(s, 8, "goods", "salt", doorZone)
		},
			"nobody: salt shown 0.90 kept 0.90, exited door 5.0 +0.90 in door until 5 | nobody: salt shown 0.90 kept 0.90, exited door 8.0 +0.90 in door until 8"},
		{"hardly seen, and out", func(s *story) {
			see(s, 5, "goods", "salt", tillZone, conf(0.2))
			see(s, 8, "goods", "salt", doorZone)
		},
			"nobody: salt shown 0.18,  +0.18 in till-1 until 5 | nobody: salt shown 0.90 kept 0.90, exited door 8.0 +0.90 in door until 8"},

		// Tags that a reader at the till hears.
		{"a tag at the till, in a sale of nobody", func(s *story) {
			s.till(1, "1", Open, "")
			s.carry("r-till", jacketTag, 2)
			s.till(9, "1", Suspend, "")
		}, "nobody: jacket1 shown 0.81 kept 0.81,  +0.69 +0.12 in till-1 until 9"},
		{"a tag at the till, in the customer's sale", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.till(1, "1", Open, "")
			s.carry("r-till", jacketTag, 2)
		}, "jacket1 shown 0.80 share 0.97,  +0.65 +0.15 in till-1 until 12"},
		{"a tag that came with the customer a moment before", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.carry("r-till", jacketTag, 2)
			s.till(8, "1", Open, "")
			s.till(9, "1", Scan, saltSKU)
		}, "jacket1 shown 0.77 share 0.99, salt paid 1.00 share 0.99,  +0.77 in till-1 until 12"},
		{"a tag that came long before", func(s *story) {
			s.walk("cam-1", "A", 0, 40, atTill)
			s.carry("r-till", jacketTag, 2)
			s.till(35, "1", Open, "")
		}, " in till-1 until 40"},
		{"a tag of the aisle", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.carry("r-aisle", jacketTag, 2)
			s.till(8, "1", Open, "")
		}, " in till-1 until 12"},
		{"a tag with somebody else", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.till(1, "1", Open, "")
			s.walk("cam-1", "B", 0.1, 12, Point{6.6, 1.9})
			s.carry("r-till", jacketTag, 2)
		}, " in till-1 until 12 |  in till-1 until 12"},
		{"a known tag, where foreign ones are hidden", func(s *story) { s.store.HideForeign = true; see(s, 5, "tag", jacketTag, tillZone) },
			"nobody: jacket1 shown 1.00,  +1.00 in till-1 until 5"},
		{"more than anybody can carry", func(s *story) { see(s, 5, "goods", "salt", tillZone, qty(5000)) },
			"nobody: salt shown 0.90,  +0.90 in till-1 until 5"},
		{"more leave than came, and two come", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			see(s, 2, "goods", "salt", tillZone, qty(3), leave)
			see(s, 4, "goods", "salt", tillZone)
			see(s, 5, "goods", "salt", tillZone)
		}, "nobody: salt shown 1.80,  +0.90 +0.90 in till-1 until 5"},
		{"a tag that two devices see", func(s *story) {
			s.till(1, "1", Open, "")
			see(s, 1.5, "tag", jacketTag, tillZone)
			s.carry("r-till", jacketTag, 2)
		}, "nobody: jacket1 shown 1.00,  +1.00 in till-1 until 6"},
		{"a scan that the camera sees", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Scan, saltSKU)
		}, "nobody: salt shown 0.90 paid 1.00 filmed 1.00,  +0.90 in till-1 until 2"},
		{"the customer's goods are seen at the door", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.till(1, "1", Open, "")
			see(s, 2, "goods", "salt", tillZone)
			see(s, 6, "goods", "salt", doorZone)
		}, "salt shown 0.90 share 0.97,  +0.90 in till-1 until 12"},
		{"at an entrance that leads nowhere", func(s *story) {
			s.store.Zones[inZone].Out = nil
			see(s, 1, "goods", "salt", tillZone)
			see(s, 6, "goods", "salt", inZone)
		}, "nobody: salt,  +0.90 -0.90 in till-1 until 1"},
		{"a tag with somebody who is nearer than the customer", func(s *story) {
			s.walk("cam-1", "A", 0, 12, Point{4.2, 1})
			s.till(1, "1", Open, "")
			s.walk("cam-1", "B", 1.1, 12, atTill)
			s.carry("r-till", jacketTag, 2)
		}, " until 12 |  in till-1 until 12"},
		{"a tag with somebody, in a sale of nobody", func(s *story) {
			s.till(1, "1", Open, "")
			s.walk("cam-1", "B", 1.5, 12, atTill)
			s.carry("r-till", jacketTag, 2)
		}, "nobody:  in till-1 until 3 |  in till-1 until 12"},
		{"a tag that moved in the aisle a moment before", func(s *story) {
			s.walk("cam-1", "A", 0, 5, Point{6, 3})
			s.carry("r-aisle", jacketTag, 2)
			s.walk("cam-1", "A", 5.2, 8, Point{6, 3}, atTill)
			s.walk("cam-1", "A", 8.2, 12, atTill)
			s.till(9, "1", Open, "")
		}, " in till-1 until 12"},
		{"a sale that begins with its end is none", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Close, "")
			see(s, 3, "goods", "salt", tillZone)
		}, "nobody: salt shown 1.80,  +0.90 +0.90 in till-1 until 3"},
		{"a sale that begins by being put by is none", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Suspend, "")
			see(s, 3, "goods", "salt", tillZone)
		}, "nobody: salt shown 1.80,  +0.90 +0.90 in till-1 until 3"},

		// Packing.
		{"what was paid is packed", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Close, "")
			see(s, 5, "goods", "salt", tillZone)
		}, "nobody: salt paid 1.00,  in till-1 until 2"},
		{"another thing is not packed", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Close, "")
			see(s, 5, "goods", "jacket", tillZone)
		}, "nobody: salt paid 1.00,  in till-1 until 2 | nobody: jacket shown 0.90,  +0.90 in till-1 until 5"},
		{"what was not paid is not packed", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Void, saltSKU)
			s.till(2, "1", Close, "")
			see(s, 5, "goods", "salt", tillZone)
		}, "nobody: salt,  in till-1 until 2 | nobody: salt shown 0.90,  +0.90 in till-1 until 5"},
		{"packed half a minute later", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Close, "")
			see(s, 33, "goods", "salt", tillZone)
		}, "nobody: salt paid 1.00,  in till-1 until 2 | nobody: salt shown 0.90,  +0.90 in till-1 until 33"},
		{"in the next sale it is the next one's", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Close, "")
			s.till(3, "2", Open, "")
			see(s, 5, "goods", "salt", tillZone)
		}, "nobody: salt paid 1.00,  in till-1 until 2 | nobody: salt shown 0.90,  +0.90 in till-1 until 5"},
		{"a tag that was scanned is packed, and another is not", func(s *story) {
			s.event("sco-1", 1, Event{ID: "1", Action: Scan, EPC: jacketTag, Qty: 1, Zone: -1})
			see(s, 1.5, "tag", jacketTag, tillZone)
			s.till(2, "1", Close, "")
			see(s, 5, "tag", jacketTag, tillZone)
			see(s, 6, "tag", "AABB00000000000000000002", tillZone)
		},
			"nobody: jacket, jacket1 shown 1.00 kept 1.00 paid 1.00,  +1.00 in till-1 until 2 | nobody: jacket2 shown 1.00,  +1.00 in till-1 until 6"},
		{"what was scanned by its tag is packed, seen as goods", func(s *story) {
			see(s, 0.5, "tag", jacketTag, tillZone)
			s.event("sco-1", 1, Event{ID: "1", Action: Scan, EPC: jacketTag, Qty: 1, Zone: -1})
			s.till(2, "1", Close, "")
			see(s, 5, "goods", "jacket", tillZone)
		}, "nobody: jacket1 shown 1.00 kept 1.00 paid 1.00,  +1.00 in till-1 until 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newBagStory(t)
			s.store.Staff.Badges = []string{EPCURI(staffBadge)}
			c.tell(s)
			s.tell(54)
			var all []string
			for _, v := range s.visits() {
				text := ""
				if v.Unowned {
					text = "nobody: "
				}
				for _, it := range v.Basket {
					text += []string{it.Name, "sauce", "salt", "jacket"}[it.Product+1] + strings.TrimLeft(it.EPC, "AB0")
					for _, x := range []struct {
						name string
						n    float64
					}{{"N", it.N}, {"shown", it.Shown}, {"kept", it.kept}, {"paid", it.Paid}, {"filmed", it.filmed}} {
						if x.n > 0 {
							text += fmt.Sprintf(" %s %.2f", x.name, x.n)
						}
					}
					if it.share < 1 {
						text += fmt.Sprintf(" share %.2f", it.share)
					}
					text += ", "
				}
				text += s.facts(v, FactExited)
				for f := range v.Facts.All() {
					if f.Kind == FactShown {
						text += fmt.Sprintf(" %+.2f", f.N)
					}
				}
				if n := s.view(v).MovedCount(s.place(Exit)); n > 0.005 {
					text += fmt.Sprintf(" moved %.2f", n)
				}
				if v.Zone >= 0 {
					text += " in " + s.store.Zones[v.Zone].ID
				}
				text += fmt.Sprintf(" until %.0f", float64(v.Last-monday)/1e9)
				all = append(all, text)
			}
			if got := strings.Join(all, " | "); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// visits lists all visits that anything was told of, in that order.
func (s *story) visits() (all []*Visit) {
	known := map[*Visit]bool{}
	for _, c := range s.told {
		if v := c.Visit; v.Subject == SubjectVisit && !known[v] {
			known[v] = true
			all = append(all, v)
		}
	}
	return all
}

// TestWhose: a tag is with whoever has it, wherever he is; goods are with the newest who has not gone and has more than a trace.
func TestWhose(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	have := func(id string, at int64, g ware, n float64, gone bool) {
		v := w.open(0, id, monday)
		v.ID = id
		it := w.lineOf(v, g)
		it.Shown, it.At = n, at
		v.stays[doorZone].gone = gone
	}
	tag := ware{jacket, jacketTag, ""}
	have("tag, gone", 1, tag, 1, true)
	have("salt", 2, ware{product: salt}, 1, false)
	have("newest salt", 4, ware{product: salt}, 0.3, false)
	have("older salt", 3, ware{product: salt}, 1, false)
	have("trace of salt", 5, ware{product: salt}, 0.15, false)
	have("salt, gone", 6, ware{product: salt}, 1, true)
	for g, want := range map[ware]string{tag: "tag, gone", {product: salt}: "newest salt"} {
		if v := w.whose(g); v == nil || v.ID != want {
			t.Errorf("%+v: %+v; want %s", g, v, want)
		}
	}
	if v := w.whose(ware{product: sauce}); v != nil {
		t.Errorf("sauce is with %s", v.ID)
	}
}

// TestAllot: what a till saw without telling tags is of the pieces that are likeliest held, whenever their tags were heard; what its devices showed
// is not counted beside these again, and a piece that a till named is paid for whatever else is.
func TestAllot(t *testing.T) {
	const third = "303404579800D6800004CB31"
	for name, c := range map[string]struct {
		basket        []Item
		carried, owes float64
		unpaid        string // the tag that is not paid for
	}{
		"three shown, scanned, and heard before and after": {[]Item{
			{EPC: sauceTag, N: 0.9, Paid: 0.2}, {EPC: otherTag, N: 0.8, Paid: 0.3}, {EPC: third, N: 0.95}, {Shown: 3, Paid: 2.5}}, 3, 0, ""},
		"one of three was not scanned": {[]Item{
			{EPC: sauceTag, N: 1, Paid: 0.2}, {EPC: otherTag, N: 0.9}, {EPC: third, N: 1}, {Shown: 2, Paid: 1.8}}, 2.9, 0.9, otherTag},
		"the one that was named is not heard any more": {[]Item{
			{EPC: sauceTag, N: 0.1, Paid: 1, named: 1}, {EPC: otherTag, N: 0.9}}, 1, 0.9, otherTag},
		"scanned before he was known to have any": {[]Item{
			{EPC: sauceTag, N: 0.4, Paid: 1}, {EPC: otherTag, N: 0.5}}, 0.9, 0, ""},
	} {
		w := NewWorld(cornerShop())
		w.now = monday
		v := w.open(0, "A", monday)
		for _, it := range c.basket {
			it.Product = sauce
			v.Basket = append(v.Basket, it)
		}
		for range 2 { // nothing more becomes of it
			w.reckon(v)
			view := View{World: w, Visit: v, Now: w.now}
			if n, u := view.Carried(nil), view.Unpaid(nil); !near(n, c.carried, 1e-9) || !near(u, c.owes, 1e-9) {
				t.Errorf("%s: %.2f carried, %.2f of them unpaid; want %.2f and %.2f", name, n, u, c.carried, c.owes)
			}
		}
		for i := range v.Basket {
			if it := &v.Basket[i]; it.EPC != "" && (it.Unpaid() > 0.01) != (it.EPC == c.unpaid) {
				t.Errorf("%s: %.2f of %s unpaid", name, it.Unpaid(), it.EPC)
			}
		}
	}
}

// TestOwnPaymentFirst: a tag that is heard at the door is the piece that its carrier paid for, before it is one that somebody else has.
func TestOwnPaymentFirst(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	a, b := w.open(0, "A", monday), w.open(0, "B", monday)
	for _, v := range []*Visit{a, b} {
		w.picked(Fact{At: w.now, Kind: FactPicked, Zone: aisleZone, Product: sauce, N: 1, P: 1}, []claim{{v, 1}}, v.number)
		w.scanned(v, Fact{At: w.now, Kind: FactScanned, Product: sauce, N: 1, P: 1}, "")
	}
	if !w.maybeOne(b, a) {
		t.Fatal("the two are surely not one")
	}
	f := Fact{At: w.now, Kind: FactMoved, Zone: doorZone, Product: sauce, N: 1, P: 0.95, Name: sauceTag}
	for range 2 { // nor later
		w.bind(b, f, 1)
		for _, v := range []*Visit{a, b} {
			view := View{World: w, Visit: v, Now: w.now}
			if n, u := view.Carried(nil), view.Unpaid(nil); !near(n, 1, 1e-9) || u > 0.01 {
				t.Errorf("%s holds %.2f, %.2f of them unpaid", v.ID, n, u)
			}
		}
		if it := a.line(sauce, ""); !near(it.Paid, 1, 1e-9) {
			t.Errorf("the other's payment: %.2f", it.Paid)
		}
	}
}

// TestScannedByTagToo: of two pieces of which a till names one, a scan before that told none is of the other, and what was paid for elsewhere
// is no payment of its own.
func TestScannedByTagToo(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	f := Fact{At: w.now, Kind: FactScanned, Product: sauce, N: 1, P: 1}
	v := w.open(0, "A", monday)
	v.Basket = []Item{{Product: sauce, EPC: sauceTag, N: 1}, {Product: sauce, EPC: otherTag, N: 1}}
	w.scanned(v, f, "")
	w.scanned(v, f, sauceTag)
	if n := (View{World: w, Visit: v, Now: w.now}).Unpaid(nil); !near(n, 0, 1e-9) {
		t.Errorf("%.2f of two that were scanned are unpaid", n)
	}
	v.Basket = []Item{{Product: sauce, EPC: sauceTag, N: 1, Paid: 1, lent: 1}, {Product: sauce, EPC: otherTag, N: 1}}
	w.scanned(v, f, sauceTag)
	if a, b := v.Basket[0], v.Basket[1]; a.Paid != 1 || b.Paid != 0 {
		t.Errorf("the one that was scanned is paid %.2f times, the other %.2f", a.Paid, b.Paid)
	}
}

// TestUnpay: a payment that is taken back is that of a piece that no till named first, then a lent one, and never more than there is.
func TestUnpay(t *testing.T) {
	it := Item{Paid: 2, named: 1, lent: 0.5}
	for _, c := range []struct{ take, got, paid, named, lent float64 }{{0.5, 0.5, 1.5, 1, 0.5}, {0.3, 0.3, 1.2, 1, 0.2}, {0.7, 0.7, 0.5, 0.5, 0}, {2, 0.5, 0, 0, 0}, {-1, 0, 0, 0, 0}} {
		if got := it.unpay(c.take); !near(got, c.got, 1e-9) || !near(it.Paid, c.paid, 1e-9) || !near(it.named, c.named, 1e-9) || !near(it.lent, c.lent, 1e-9) {
			t.Errorf("%g taken back: %g, and %+v left", c.take, got, it)
		}
	}
}
