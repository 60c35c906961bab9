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
	leave := func(e *Event) { e.Action = Leave }
	for _, c := range []struct {
		name string
		tell func(s *story)
		want string
	}{
		// At a way out, with nobody.
		{"nobody's goods go out", func(s *story) { see(s, 5, "goods", "jacket", doorZone) }, "nobody: 2 N 0.00 shown 0.90 kept 0.90 paid 0 share 1.00 filmed 0.0; exited door 5.0 +0.90 moved 0.00, by axis-1 in door, until 5"},
		{"three of them", func(s *story) { see(s, 5, "goods", "salt", doorZone, qty(3)) }, "nobody: 1 N 0.00 shown 2.70 kept 2.70 paid 0 share 1.00 filmed 0.0; exited door 5.0 +2.70 moved 0.00, by axis-1 in door, until 5"},
		{"nobody's tag goes out", func(s *story) { see(s, 5, "tag", jacketTag, doorZone) }, "nobody: 2AABB00000000000000000001 N 0.99 shown 1.00 kept 1.00 paid 0 share 1.00 filmed 0.0; moved door 5.0, exited door 5.0 +1.00 moved 0.99, by axis-1 in door, until 5"},
		{"what the catalogue does not know goes out", func(s *story) { see(s, 5, "goods", "teddy", doorZone) }, "nobody: -1teddy N 0.00 shown 0.90 kept 0.90 paid 0 share 1.00 filmed 0.0; exited door 5.0 +0.90 moved 0.00, by axis-1 in door, until 5"},
		{"a foreign tag goes out", func(s *story) { see(s, 5, "tag", foreign, doorZone) }, "nobody: -1E2801160600002054321ABCD N 0.00 shown 1.00 kept 1.00 paid 0 share 1.00 filmed 0.0; exited door 5.0 +1.00 moved 0.00, by axis-1 in door, until 5"},
		{"a badge goes out", func(s *story) { see(s, 5, "tag", badge, doorZone) }, ""},
		{"a foreign tag, which this store hides", func(s *story) { s.store.HideForeign = true; see(s, 5, "tag", foreign, tillZone) }, ""},
		{"a badge at the till", func(s *story) { see(s, 5, "tag", badge, tillZone) }, ""},
		{"it is surer than sure", func(s *story) { see(s, 5, "tag", jacketTag, tillZone, conf(3)) }, "nobody: 2AABB00000000000000000001 N 0.00 shown 1.00 kept 0.00 paid 0 share 1.00 filmed 0.0;  +1.00 moved 0.00, by axis-1 in till-1, until 5"},
		{"seen nowhere", func(s *story) { see(s, 5, "goods", "salt", -1) }, ""},
		{"nobody's goods in the aisle", func(s *story) { see(s, 5, "goods", "salt", aisleZone) }, ""},
		{"another class", func(s *story) { see(s, 5, "pram", "salt", tillZone) }, ""},
		{"by its name as a class", func(s *story) { see(s, 5, "salt", "x", tillZone) }, "nobody: 1 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 moved 0.00, by axis-1 in till-1, until 5"},

		// At a till.
		{"two come, one leaves and comes again", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			see(s, 2, "goods", "salt", tillZone)
			see(s, 3, "goods", "salt", tillZone, leave)
			see(s, 4, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 1.80 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 +0.90 moved 0.00, by axis-1 in till-1, until 4"},
		{"more leave than came", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			see(s, 2, "goods", "salt", tillZone, qty(3), leave)
			see(s, 4, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 moved 0.00, by axis-1 in till-1, until 4"},
		{"what leaves was never seen", func(s *story) {
			see(s, 1, "goods", "jacket", tillZone)
			see(s, 2, "goods", "salt", tillZone, leave)
		}, "nobody: 2 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 moved 0.00, by axis-1 in till-1, until 1"},
		{"leaves the aisle", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			see(s, 2, "goods", "salt", aisleZone, leave)
		}, "nobody: 1 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 moved 0.00, by axis-1 in till-1, until 1"},

		// Elsewhere in the shop.
		{"one of two is put away", func(s *story) {
			see(s, 1, "goods", "salt", tillZone, qty(2))
			see(s, 1.5, "goods", "jacket", tillZone)
			see(s, 1.7, "goods", "teddy", tillZone)
			see(s, 1.8, "tag", jacketTag, tillZone)
			see(s, 5, "goods", "salt", aisleZone)
		}, "nobody: 1 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0; 2 N 0.00 shown 0.00 kept 0.00 paid 0 share 1.00 filmed 0.0; -1teddy N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0; 2AABB00000000000000000001 N 0.00 shown 1.00 kept 0.00 paid 0 share 1.00 filmed 0.0;  +1.80 +0.90 +0.90 -0.90 +1.00 -0.90 moved 0.00, by axis-1 in till-1, until 2"},
		{"one of two is put away and comes again", func(s *story) {
			see(s, 1, "goods", "salt", tillZone, qty(2))
			see(s, 5, "goods", "salt", aisleZone)
			see(s, 6, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 1.80 kept 0.00 paid 0 share 1.00 filmed 0.0;  +1.80 -0.90 +0.90 moved 0.00, by axis-1 in till-1, until 6"},
		{"what the catalogue does not know is put away", func(s *story) {
			see(s, 1, "goods", "teddy", tillZone)
			see(s, 1.5, "goods", "hat", tillZone)
			see(s, 5, "goods", "hat", aisleZone)
		}, "nobody: -1teddy N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0; -1hat N 0.00 shown 0.00 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 +0.90 -0.90 moved 0.00, by axis-1 in till-1, until 2"},
		{"put away after the sale", func(s *story) {
			see(s, 1, "goods", "salt", tillZone, qty(2))
			s.till(2, "1", Open, "")
			s.till(3, "1", Close, "")
			see(s, 20, "goods", "salt", aisleZone)
		}, "nobody: 1 N 0.00 shown 0.90 kept 0.90 paid 0 share 1.00 filmed 0.0;  +1.80 -0.90 moved 0.00, by axis-1 in till-1, until 3"},
		{"more put away after the sale than there was", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Open, "")
			s.till(3, "1", Close, "")
			see(s, 20, "goods", "salt", aisleZone, qty(5))
		}, "nobody: 1 N 0.00 shown 0.00 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 -0.90 moved 0.00, by axis-1 in till-1, until 3"},
		{"out by the door after the sale", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Open, "")
			s.till(3, "1", Close, "")
			see(s, 20, "goods", "salt", doorZone)
		}, "nobody: 1 N 0.00 shown 0.90 kept 0.90 paid 0 share 1.00 filmed 0.0; exited door 20.0 +0.90 moved 0.00, by axis-1 in door, until 20"},
		{"another has gone out with such goods", func(s *story) {
			see(s, 5, "goods", "salt", doorZone)
			see(s, 8, "goods", "salt", doorZone)
		}, "nobody: 1 N 0.00 shown 0.90 kept 0.90 paid 0 share 1.00 filmed 0.0; exited door 5.0 +0.90 moved 0.00, by axis-1 in door, until 5 | nobody: 1 N 0.00 shown 0.90 kept 0.90 paid 0 share 1.00 filmed 0.0; exited door 8.0 +0.90 moved 0.00, by axis-1 in door, until 8"},
		{"another has gone out with such a tag", func(s *story) {
			see(s, 5, "tag", jacketTag, doorZone)
			see(s, 8, "tag", jacketTag, doorZone)
		}, "nobody: 2AABB00000000000000000001 N 0.99 shown 1.00 kept 1.00 paid 0 share 1.00 filmed 0.0; moved door 5.0, exited door 5.0, moved door 8.0 +1.00 moved 0.99, by axis-1 in door, until 8"},
		{"hardly seen, and out", func(s *story) {
			see(s, 5, "goods", "salt", tillZone, conf(0.2))
			see(s, 8, "goods", "salt", doorZone)
		}, "nobody: 1 N 0.00 shown 0.18 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.18 moved 0.00, by axis-1 in till-1, until 5 | nobody: 1 N 0.00 shown 0.90 kept 0.90 paid 0 share 1.00 filmed 0.0; exited door 8.0 +0.90 moved 0.00, by axis-1 in door, until 8"},

		// Tags that a reader at the till hears.
		{"a tag at the till, in a sale of nobody", func(s *story) {
			s.till(1, "1", Open, "")
			s.carry("r-till", jacketTag, 2)
			s.till(9, "1", Suspend, "")
		}, "nobody: 2AABB00000000000000000001 N 0.00 shown 0.81 kept 0.81 paid 0 share 1.00 filmed 0.0; moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 +0.69 +0.12 moved 0.00, by axis-1 in till-1, until 9"},
		{"a tag at the till, in the customer's sale", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.till(1, "1", Open, "")
			s.carry("r-till", jacketTag, 2)
		}, "2AABB00000000000000000001 N 0.00 shown 0.80 kept 0.00 paid 0 share 0.97 filmed 0.0; moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 +0.65 +0.14 moved 0.00, by cam-1 in till-1, until 12"},
		{"a tag that came with the customer a moment before", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.carry("r-till", jacketTag, 2)
			s.till(8, "1", Open, "")
			s.till(9, "1", Scan, saltSKU)
		}, "2AABB00000000000000000001 N 0.00 shown 0.77 kept 0.00 paid 0 share 0.99 filmed 0.0; 1 N 0.00 shown 0.00 kept 0.00 paid 1 share 0.99 filmed 0.0; moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 +0.77 moved 0.00, by cam-1 in till-1, until 12"},
		{"a tag that came long before", func(s *story) {
			s.walk("cam-1", "A", 0, 40, atTill)
			s.carry("r-till", jacketTag, 2)
			s.till(35, "1", Open, "")
		}, "moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 moved 0.00, by cam-1 in till-1, until 40"},
		{"a tag of the aisle", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.carry("r-aisle", jacketTag, 2)
			s.till(8, "1", Open, "")
		}, "moved aisle-1 2.1, moved aisle-1 3.2, moved aisle-1 4.2, moved aisle-1 4.5 moved 0.00, by cam-1 in till-1, until 12"},
		{"a tag with somebody else", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.till(1, "1", Open, "")
			s.walk("cam-1", "B", 0.1, 12, Point{6.6, 1.9})
			s.carry("r-till", jacketTag, 2)
		}, "moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 moved 0.00, by cam-1 in till-1, until 12 | moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 moved 0.00, by cam-1 in till-1, until 12"},
		{"a known tag, where foreign ones are hidden", func(s *story) { s.store.HideForeign = true; see(s, 5, "tag", jacketTag, tillZone) }, "nobody: 2AABB00000000000000000001 N 0.00 shown 1.00 kept 0.00 paid 0 share 1.00 filmed 0.0;  +1.00 moved 0.00, by axis-1 in till-1, until 5"},
		{"more than anybody can carry", func(s *story) { see(s, 5, "goods", "salt", tillZone, qty(5000)) }, "nobody: 1 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 moved 0.00, by axis-1 in till-1, until 5"},
		{"more leave than came, and two come", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			see(s, 2, "goods", "salt", tillZone, qty(3), leave)
			see(s, 4, "goods", "salt", tillZone)
			see(s, 5, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 1.80 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 +0.90 moved 0.00, by axis-1 in till-1, until 5"},
		{"a tag that two devices see", func(s *story) {
			s.till(1, "1", Open, "")
			see(s, 1.5, "tag", jacketTag, tillZone)
			s.carry("r-till", jacketTag, 2)
		}, "nobody: 2AABB00000000000000000001 N 0.00 shown 1.00 kept 0.00 paid 0 share 1.00 filmed 0.0; moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 +1.00 moved 0.00, by axis-1 in till-1, until 6"},
		{"a scan that the camera sees", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Scan, saltSKU)
		}, "nobody: 1 N 0.00 shown 0.90 kept 0.00 paid 1 share 1.00 filmed 1.0;  +0.90 moved 0.00, by axis-1 in till-1, until 2"},
		{"the customer's goods are seen at the door", func(s *story) {
			s.walk("cam-1", "A", 0, 12, atTill)
			s.till(1, "1", Open, "")
			see(s, 2, "goods", "salt", tillZone)
			see(s, 6, "goods", "salt", doorZone)
		}, "1 N 0.00 shown 0.90 kept 0.00 paid 0 share 0.97 filmed 0.0;  +0.90 moved 0.00, by cam-1 in till-1, until 12"},
		{"at an entrance that leads nowhere", func(s *story) {
			s.store.Zones[inZone].Out = nil
			see(s, 1, "goods", "salt", tillZone)
			see(s, 6, "goods", "salt", inZone)
		}, "nobody: 1 N 0.00 shown 0.00 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 -0.90 moved 0.00, by axis-1 in till-1, until 1"},
		{"a tag with somebody who is nearer than the customer", func(s *story) {
			s.walk("cam-1", "A", 0, 12, Point{4.2, 1})
			s.till(1, "1", Open, "")
			s.walk("cam-1", "B", 1.1, 12, atTill)
			s.carry("r-till", jacketTag, 2)
		}, "moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 moved 0.00, by cam-1 in nowhere, until 12 | moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 moved 0.00, by cam-1 in till-1, until 12"},
		{"a tag with somebody, in a sale of nobody", func(s *story) {
			s.till(1, "1", Open, "")
			s.walk("cam-1", "B", 1.5, 12, atTill)
			s.carry("r-till", jacketTag, 2)
		}, "nobody: moved till-1 2.1, moved till-1 3.2 moved 0.00, by axis-1 in till-1, until 3 | moved till-1 2.1, moved till-1 3.2, moved till-1 4.2, moved till-1 4.5 moved 0.00, by cam-1 in till-1, until 12"},
		{"a tag that moved in the aisle a moment before", func(s *story) {
			s.walk("cam-1", "A", 0, 5, Point{6, 3})
			s.carry("r-aisle", jacketTag, 2)
			s.walk("cam-1", "A", 5.2, 8, Point{6, 3}, atTill)
			s.walk("cam-1", "A", 8.2, 12, atTill)
			s.till(9, "1", Open, "")
		}, "moved aisle-1 2.1, moved aisle-1 3.2, moved aisle-1 4.2, moved aisle-1 4.5 moved 0.00, by cam-1 in till-1, until 12"},
		{"a sale that begins with its end is none", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Close, "")
			see(s, 3, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 1.80 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 +0.90 moved 0.00, by axis-1 in till-1, until 3"},
		{"a sale that begins by being put by is none", func(s *story) {
			see(s, 1, "goods", "salt", tillZone)
			s.till(2, "1", Suspend, "")
			see(s, 3, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 1.80 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 +0.90 moved 0.00, by axis-1 in till-1, until 3"},

		// Packing.
		{"what was paid is packed", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Close, "")
			see(s, 5, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 0.00 kept 0.00 paid 1 share 1.00 filmed 0.0;  moved 0.00, by axis-1 in till-1, until 2"},
		{"another thing is not packed", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Close, "")
			see(s, 5, "goods", "jacket", tillZone)
		}, "nobody: 1 N 0.00 shown 0.00 kept 0.00 paid 1 share 1.00 filmed 0.0;  moved 0.00, by axis-1 in till-1, until 2 | nobody: 2 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 moved 0.00, by axis-1 in till-1, until 5"},
		{"what was not paid is not packed", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Void, saltSKU)
			s.till(2, "1", Close, "")
			see(s, 5, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 0.00 kept 0.00 paid 0 share 1.00 filmed 0.0;  moved 0.00, by axis-1 in till-1, until 2 | nobody: 1 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 moved 0.00, by axis-1 in till-1, until 5"},
		{"packed half a minute later", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Close, "")
			see(s, 33, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 0.00 kept 0.00 paid 1 share 1.00 filmed 0.0;  moved 0.00, by axis-1 in till-1, until 2 | nobody: 1 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 moved 0.00, by axis-1 in till-1, until 33"},
		{"in the next sale it is the next one's", func(s *story) {
			s.till(1, "1", Scan, saltSKU)
			s.till(2, "1", Close, "")
			s.till(3, "2", Open, "")
			see(s, 5, "goods", "salt", tillZone)
		}, "nobody: 1 N 0.00 shown 0.00 kept 0.00 paid 1 share 1.00 filmed 0.0;  moved 0.00, by axis-1 in till-1, until 2 | nobody: 1 N 0.00 shown 0.90 kept 0.00 paid 0 share 1.00 filmed 0.0;  +0.90 moved 0.00, by axis-1 in till-1, until 5"},
		{"a tag that was scanned is packed, and another is not", func(s *story) {
			s.event("sco-1", 1, Event{ID: "1", Action: Scan, EPC: jacketTag, Qty: 1, Zone: -1})
			see(s, 1.5, "tag", jacketTag, tillZone)
			s.till(2, "1", Close, "")
			see(s, 5, "tag", jacketTag, tillZone)
			see(s, 6, "tag", "AABB00000000000000000002", tillZone)
		}, "nobody: 2 N 0.00 shown 0.00 kept 0.00 paid 0 share 1.00 filmed 0.0; 2AABB00000000000000000001 N 0.00 shown 1.00 kept 1.00 paid 1 share 1.00 filmed 0.0;  +1.00 moved 0.00, by axis-1 in till-1, until 2 | nobody: 2AABB00000000000000000002 N 0.00 shown 1.00 kept 0.00 paid 0 share 1.00 filmed 0.0;  +1.00 moved 0.00, by axis-1 in till-1, until 6"},
		{"what was scanned by its tag is packed, seen as goods", func(s *story) {
			see(s, 0.5, "tag", jacketTag, tillZone)
			s.event("sco-1", 1, Event{ID: "1", Action: Scan, EPC: jacketTag, Qty: 1, Zone: -1})
			s.till(2, "1", Close, "")
			see(s, 5, "goods", "jacket", tillZone)
		}, "nobody: 2AABB00000000000000000001 N 0.00 shown 1.00 kept 1.00 paid 1 share 1.00 filmed 0.0;  +1.00 moved 0.00, by axis-1 in till-1, until 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newBagStory(t)
			s.store.Staff.Badges = []string{EPCURI(badge)}
			c.tell(s)
			s.tell(54)
			var all []string
			for _, v := range s.visits() {
				text := ""
				if v.Unowned {
					text = "nobody: "
				}
				for _, it := range v.Basket {
					text += fmt.Sprintf("%d%s%s N %.2f shown %.2f kept %.2f paid %.0f share %.2f filmed %.1f; ", it.Product, it.EPC, it.Name, it.N, it.Shown, it.kept,
						it.Paid, it.share, it.filmed)
				}
				text += s.facts(v, FactExited, FactMoved)
				for _, f := range v.Facts {
					if f.Kind == FactShown {
						text += fmt.Sprintf(" %+.2f", f.N)
					}
				}
				where := "nowhere"
				if v.Zone >= 0 {
					where = s.store.Zones[v.Zone].ID
				}
				text += fmt.Sprintf(" moved %.2f, by %s in %s, until %.0f", s.view(v).MovedCount(s.place(Exit)), s.store.Sources[v.camera].ID, where, float64(v.Last-monday)/1e9)
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
