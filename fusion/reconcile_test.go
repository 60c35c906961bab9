package fusion

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// bagShop is the corner shop with a bagging scale and a reader at its till.
func bagShop() *Store {
	s := cornerShop()
	s.HideForeign = false
	s.Scales = append(s.Scales, Scale{ID: "bag-1", Zone: tillZone, At: [3]float64{7.5, 1, 0.9}})
	s.Readers = append(s.Readers, Reader{ID: "r-till", Antennas: map[int]int{1: tillZone}})
	s.Sources = append(s.Sources, Source{ID: "bag-1", Kind: Weight, Lateness: second / 2, Zones: []int{tillZone}},
		Source{ID: "r-till", Kind: RFID, Lateness: 2 * second, Zones: []int{tillZone}})
	s.Index()
	return s
}

func newBagStory(t *testing.T) *story { return &story{T: t, store: bagShop()} }

// load is what the bagging scale sends: on a change.
func (s *story) load(sec, grams float64) {
	s.Helper()
	s.event("bag-1", sec, Event{Grams: grams, Change: true, Zone: -1})
}

// shows is goods that the camera or reader at the till sees come into its zone.
func (s *story) shows(sec float64, class, object string, n float64) {
	s.Helper()
	s.event("axis-1", sec, Event{ID: object, Name: class, Action: Enter, Zone: tillZone, Conf: 1, Qty: n})
}

// taker is a person who takes a bottle of sauce at 5 s and is at the till from 12 s on.
func taker(t *testing.T) *story {
	s := newBagStory(t)
	s.walk("cam-1", "A", 0, 8, atShelf)
	s.walk("cam-1", "A", 8.2, 12, atShelf, atTill)
	s.walk("cam-1", "A", 12.2, 30, atTill)
	s.weigh(30, 5, -621)
	return s
}

// rows is a reconciliation in words, what is less likely than one in four left out.
func (s *story) rows(v *Visit) string {
	name := func(p int) string { return []string{"sauce", "salt", "jacket"}[p] }
	var all []string
	for _, r := range s.view(v).Reconcile() {
		if r.P < 0.25 {
			continue
		}
		text := fmt.Sprintf("%s %.1f ", r.Class, r.Units)
		switch {
		case r.Product >= 0:
			text += name(r.Product)
		case r.EPC+r.Name != "":
			text += r.EPC + r.Name
		default:
			text += "unknown"
		}
		if r.Scanned >= 0 {
			text += " as " + name(r.Scanned)
		}
		all = append(all, fmt.Sprintf("%s p %.2f worth %.2f", text, r.P, r.Value))
	}
	return strings.Join(all, "; ")
}

const sauceSKU, saltSKU = "071142008582", "17"

func TestReconcile(t *testing.T) {
	line := func(s *story, sec float64, a Action, e Event) {
		e.ID, e.Action, e.Qty, e.Zone = "1", a, max(1, e.Qty), -1
		s.event("sco-1", sec, e)
	}
	for _, c := range []struct {
		name string
		tell func(s *story)
		want string
	}{
		{"takes one and scans nothing", func(s *story) { s.till(20, "1", Open, "") },
			"not scanned 1.0 sauce p 0.98 worth 1.96"},
		{"scans it", func(s *story) { s.till(20, "1", Scan, sauceSKU) },
			"confirmed 1.0 sauce p 1.00 worth 1.99"},
		{"scans what nobody saw it take", func(s *story) {
			s.till(20, "1", Scan, sauceSKU)
			s.till(21, "1", Scan, saltSKU)
		}, "not carried 1.0 salt p 0.50 worth 0.90; confirmed 1.0 sauce p 1.00 worth 1.99"},
		{"scans something cheaper in its place", func(s *story) { s.till(20, "1", Scan, saltSKU) },
			"substituted 1.0 sauce as salt p 0.98 worth 1.07"},
		{"scans something dearer", func(s *story) { line(s, 20, Scan, Event{SKU: "00000000000024"}) },
			"not scanned 1.0 sauce p 0.98 worth 1.96; not carried 1.0 jacket p 0.50 worth 99.00"},
		{"voids it after the scan", func(s *story) {
			line(s, 20, Scan, Event{SKU: GTIN14(sauceSKU), Line: "1"})
			line(s, 21, Void, Event{Of: "1"})
		}, "voided 0.3 sauce p 0.30 worth 0.60"},
		{"voids one of three, and then the line", func(s *story) { // the other line stays paid
			line(s, 20, Scan, Event{SKU: GTIN14(sauceSKU), Line: "1"})
			line(s, 21, Scan, Event{SKU: GTIN14(saltSKU), Line: "2", Qty: 3})
			line(s, 22, Scan, Event{SKU: GTIN14(saltSKU), Line: "3"})
			line(s, 23, Void, Event{Of: "2", SKU: GTIN14(saltSKU), Qty: 1})
			line(s, 24, Void, Event{Of: "2"})
		}, "not carried 1.0 salt p 0.50 worth 0.90; confirmed 1.0 sauce p 1.00 worth 1.99"},
		{"a camera sees two, one is scanned, and the sale is put by and taken up again", func(s *story) {
			s.shows(18, "goods", "salt", 0)
			s.shows(19, "goods", "salt", 0)
			s.till(20, "1", Scan, saltSKU)
			s.till(22, "1", Suspend, "")
			s.till(24, "1", Resume, "")
		}, "not scanned 1.0 sauce p 0.98 worth 1.96; not scanned 0.8 salt p 0.80 worth 0.72; confirmed 1.0 salt p 1.00 worth 0.90"},
		{"the till's scale shows the cheaper goods", func(s *story) { line(s, 20, Scan, Event{SKU: GTIN14(saltSKU), Grams: 501}) },
			"not scanned 1.0 sauce p 0.98 worth 1.96; confirmed 1.0 salt p 1.00 worth 0.90"},
		{"the till's scale shows that it is the dearer", func(s *story) { line(s, 20, Scan, Event{SKU: GTIN14(saltSKU), Grams: 620}) },
			"substituted 1.0 sauce as salt p 1.00 worth 1.09"},
		{"the till's scale shows something else", func(s *story) { line(s, 20, Scan, Event{SKU: GTIN14(saltSKU), Grams: 90}) }, "not scanned 0.6 sauce p 0.58 worth 1.16; substituted 0.4 sauce as salt p 0.40 worth 0.44; substituted 0.6 unknown as salt p 0.60 worth 0.00"},
		{"bags what it scanned", func(s *story) {
			s.load(15, 0)
			s.till(20, "1", Scan, sauceSKU)
			s.load(22, 620)
		}, "confirmed 1.0 sauce p 1.00 worth 1.99"},
		{"bags more than it scanned", func(s *story) {
			s.load(15, 0)
			s.till(20, "1", Scan, sauceSKU)
			s.load(22, 620)
			s.load(24, 1121)
		}, "not scanned 1.0 salt p 0.98 worth 0.88; confirmed 1.0 sauce p 1.00 worth 1.99"},
		{"bags what it took, and something cheaper is scanned", func(s *story) {
			s.load(15, 0)
			s.till(20, "1", Scan, saltSKU)
			s.load(22, 620)
		}, "substituted 1.0 sauce as salt p 1.00 worth 1.09"},
		{"puts its own bag there", func(s *story) {
			s.load(15, 0)
			s.till(18, "1", Open, "")
			s.load(19, 3300)
			s.till(20, "1", Scan, sauceSKU)
			s.load(22, 3920)
		}, "not scanned 0.6 unknown p 0.60 worth 0.00; confirmed 1.0 sauce p 1.00 worth 1.99"},
		{"a camera sees another", func(s *story) {
			s.shows(19, "salt", "7", 0)
			s.till(20, "1", Scan, sauceSKU)
		}, "not scanned 0.9 salt p 0.90 worth 0.81; confirmed 1.0 sauce p 1.00 worth 1.99"},
		{"a camera sees the one that was taken", func(s *story) { s.shows(19, "goods", "taco SAUCE", 0) },
			"not scanned 1.0 sauce p 0.98 worth 1.96"},
		{"a reader sees its tag", func(s *story) {
			s.shows(19, "tag", strings.ToLower(sauceTag), 0)
			s.till(20, "1", Scan, sauceSKU)
		}, "confirmed 1.0 sauce p 1.00 worth 1.99"},
		{"a reader sees two tags, one is scanned", func(s *story) {
			s.shows(19, "tag", sauceTag, 0)
			s.till(20, "1", Scan, sauceSKU)
			s.shows(21, "tag", otherTag, 0)
		}, "not scanned 1.0 sauce p 1.00 worth 1.99; confirmed 1.0 sauce p 1.00 worth 1.99"},
		{"an antenna hears a tag come, something cheaper is scanned", func(s *story) {
			s.till(14, "1", Open, "")
			s.carry("r-till", jacketTag, 15)
			s.till(20, "1", Scan, saltSKU)
		}, "not scanned 0.8 sauce p 0.79 worth 1.56; substituted 0.8 jacket as salt p 0.80 worth 78.82"},
		{"an antenna hears a tag come before the sale", func(s *story) {
			s.carry("r-till", jacketTag, 13)
			s.till(20, "1", Scan, saltSKU)
		}, "not scanned 0.8 sauce p 0.75 worth 1.50; substituted 0.8 jacket as salt p 0.77 worth 75.55"},
		{"an antenna hears a tag that lies there", func(s *story) {
			s.till(14, "1", Open, "")
			for i := range 60 {
				s.event("r-till", 1+float64(i)*0.4, Event{ID: jacketTag, Antenna: 1, RSSI: -60, Zone: -1})
			}
		}, "not scanned 1.0 sauce p 0.98 worth 1.96"},
		{"an antenna hears the tag of the next in the queue", func(s *story) {
			s.walk("cam-1", "B", 0, 30, Point{6.5, 1.5})
			s.till(14, "1", Open, "")
			s.carry("r-till", jacketTag, 15)
		}, "not scanned 0.9 sauce p 0.93 worth 1.86"},
		{"a car is no goods", func(s *story) { s.shows(19, "car", "1", 0) }, "not scanned 1.0 sauce p 0.98 worth 1.96"},
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

// TestTransport: the cheapest way is found, against trying every way.
func TestTransport(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n, m := 1+r.IntN(3), 1+r.IntN(3)
		p := transport{supply: make([]int64, n), demand: make([]int64, m), cost: make([][]int64, n)}
		for i := range p.supply {
			p.supply[i] = int64(r.IntN(4))
			p.cost[i] = make([]int64, m)
			for j := range m {
				if p.cost[i][j] = int64(r.IntN(12)) * 100_000; r.IntN(5) == 0 {
					p.cost[i][j] = impossible
				}
			}
		}
		for j := range p.demand {
			p.demand[j] = int64(r.IntN(4))
		}
		want := cheapest(&p, 0, 0, slices.Clone(p.supply), slices.Clone(p.demand))
		supply, demand := slices.Clone(p.supply), slices.Clone(p.demand)
		got := int64(0)
		for _, n := range p.supply {
			got += n * unmatched
		}
		for i, row := range (&transport{slices.Clone(supply), slices.Clone(demand), p.cost}).solve() {
			for j, n := range row {
				supply[i], demand[j] = supply[i]-n, demand[j]-n
				if got += n * (p.cost[i][j] - unmatched); n < 0 || supply[i] < 0 || demand[j] < 0 {
					t.Fatalf("%+v: ships %d from %d to %d", p, n, i, j)
				}
			}
		}
		if got != want {
			t.Fatalf("%+v: costs %d; %d is possible", p, got, want)
		}
	}
}

// cheapest is the least cost of all ways to ship.
func cheapest(p *transport, i, j int, supply, demand []int64) int64 {
	if i == len(supply) {
		return 0
	}
	if j == len(demand) {
		return supply[i]*unmatched + cheapest(p, i+1, 0, supply, demand)
	}
	best := int64(1 << 60)
	for n := int64(0); n <= min(supply[i], demand[j]); n++ {
		s, d := slices.Clone(supply), slices.Clone(demand)
		s[i], d[j] = s[i]-n, d[j]-n
		cost := cheapest(p, i, j+1, s, d)
		if n > 0 {
			cost += n * p.cost[i][j]
		}
		best = min(best, cost)
	}
	return best
}

// TestReconcileSameGoods: units of a product account for each other, whichever of them has a tag that is known.
func TestReconcileSameGoods(t *testing.T) {
	s := newBagStory(t)
	s.tell(0)
	v := &Visit{Basket: []Item{{Product: sauce, EPC: sauceTag, Paid: 1}, {Product: sauce, N: 1}}}
	if got := s.rows(v); got != "" {
		t.Errorf("%s; the one that was paid is the one that is held", got)
	}
}

// TestCameraConfirmsOnce: one unit that a camera saw confirms one scan.
func TestCameraConfirmsOnce(t *testing.T) {
	s := newBagStory(t)
	s.shows(1.5, "goods", "salt", 0)
	for i := range 3 {
		s.till(2+float64(i)/2, "1", Scan, saltSKU)
	}
	w := s.tell(6)
	if it := w.Visits()[0].line(salt, ""); it.filmed != 1 {
		t.Errorf("%.1f of three scans are confirmed by one sighting", it.filmed)
	}
}

// TestBaggedAndTagged: what the bagging scale shows of a product, and a tag of it that is heard at the door or was heard before, are one unit.
func TestBaggedAndTagged(t *testing.T) {
	for name, heard := range map[string]float64{"at the door": 38, "in the shop": 13} {
		s := newBagStory(t)
		s.walk("cam-1", "A", 0, 8, atShelf)
		s.walk("cam-1", "A", 8.2, 12, atShelf, atTill)
		s.walk("cam-1", "A", 12.2, 38, atTill)
		s.weigh(30, 5, -621)
		s.load(11, 0)
		s.till(20, "1", Scan, sauceSKU)
		s.load(22, 620)
		s.till(25, "1", Tender, "")
		s.till(26, "1", Close, "")
		s.load(30, 0)
		s.tell(heard)
		s.w.bind(s.of("cam-1/A"), Fact{Kind: FactMoved, Product: sauce, Name: sauceTag, P: 0.9, At: s.w.now}, 1)
		for i := range s.events {
			if s.events[i].TS > at(heard) {
				s.w.Fold(&s.events[i])
			}
		}
		v := s.of("cam-1/A")
		if n := s.view(v).Unpaid(nil); n > 0.05 {
			t.Errorf("%s: %.2f unpaid, %+v", name, n, v.Basket)
		}
	}
}
