package fusion

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestPickIsShared: two people stand at the shelf; each is held to have taken it with a probability, and both know of the
// other.
func TestPickIsShared(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 12, Point{1.4, 4.2})
	s.walk("cam-1", "B", 0, 12, Point{2.8, 4.2})
	s.walk("cam-1", "C", 0, 12, Point{7, 2.5})
	s.weigh(12, 5, -621)
	s.tell(12)
	a, b, c := s.of("cam-1/A"), s.of("cam-1/B"), s.of("cam-1/C")
	na, nb := s.view(a).Carried(nil), s.view(b).Carried(nil)
	if !near(na, nb, 0.1) || na+nb < 0.9 || na+nb > 1 {
		t.Errorf("A holds %.3f and B %.3f; want about a half each, one together", na, nb)
	}
	if s.view(c).Carried(nil) != 0 {
		t.Error("C, five metres away, holds some")
	}
	if len(a.Others) != 1 || a.Others[0].Visit != b.ID || len(b.Others) != 1 || b.Others[0].Visit != a.ID {
		t.Errorf("others: %+v and %+v", a.Others, b.Others)
	}
	if conf := s.view(a).OwnerConf(); conf > 0.6 {
		t.Errorf("owner_conf() = %.2f of what another may have as well", conf)
	}
}

func TestPutBack(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 30, atShelf)
	s.weigh(30, 5, -621, 10, -621, 15, 621)
	s.tell(12)
	if n := s.view(s.of("cam-1/A")).Carried(nil); !near(n, 1.9, 0.15) {
		t.Errorf("holds %.2f after two picks", n)
	}
	s.tell(30)
	v := s.of("cam-1/A")
	if n := s.view(v).Carried(nil); !near(n, 0.95, 0.1) {
		t.Errorf("holds %.2f after two picks and one put-back", n)
	}
	if got := s.facts(v, FactPutBack); got == "" {
		t.Error("the put-back was not told")
	}
	if got := s.facts(s.w.Subject(SubjectZone, "aisle-1"), FactPicked, FactPutBack); got == "" {
		t.Error("the zone's ledger has none of it")
	}
}

// TestLongRummage: who stands there when the load began to move is still known ten seconds later.
func TestLongRummage(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 20, atShelf)
	load := 20 * 621.0
	for i := range 200 {
		g := load
		switch {
		case i >= 130:
			g = load - 621
		case i >= 50: // rummages for eight seconds
			g = load - 300 + 150*float64(i%3)
		}
		s.event("g1", float64(i)/10, Event{Grams: g, Zone: -1})
	}
	s.tell(20)
	if n := s.view(s.of("cam-1/A")).Carried(nil); n < 0.8 {
		t.Errorf("holds %.2f", n)
	}
}

// TestLearn: a visit that walks past shelves full of tags forgets those, and not the one with which it goes out, nor what it brought or had
// before; that holds for what a visit knew that turns out to be the same person's.
func TestLearn(t *testing.T) {
	fill := func(v *Visit, from, n int) {
		for i := range n {
			v.learn(carriedTag{epc: fmt.Sprint("shelf-", from+i), zone: aisleZone, moved: 0.9, share: 0.05, at: at(float64(from + i))})
		}
	}
	knows := func(v *Visit, epc string) bool {
		return slices.ContainsFunc(v.tags, func(t carriedTag) bool { return t.epc == epc })
	}
	v := &Visit{}
	v.learn(carriedTag{epc: "brought", zone: doorZone, brought: true, at: at(0)})
	v.learn(carriedTag{epc: "had", zone: doorZone, had: 1, at: at(0)})
	fill(v, 1, 2*maxBasket)
	v.learn(carriedTag{epc: "out", zone: doorZone, moved: 0.8, share: 0.5, at: at(90)})
	fill(v, 100, 2*maxBasket)
	young := &Visit{}
	young.learn(carriedTag{epc: "later", zone: doorZone, moved: 0.6, share: 0.9, at: at(200)})
	if n := v.mergeThings(young); n != 1 {
		t.Errorf("%d tags were forgotten for one more; want 1, which is counted", n)
	}
	for _, epc := range []string{"brought", "had", "out", "later", fmt.Sprint("shelf-", 100+2*maxBasket-1)} {
		if !knows(v, epc) {
			t.Errorf("forgot the tag %s", epc)
		}
	}
	if len(v.tags) != maxBasket {
		t.Errorf("knows %d tags; want %d", len(v.tags), maxBasket)
	}
}

// TestTagsAndGoods: a tag carried through the gate is the unit that was taken, and one whose goods were paid has not moved.
func TestTagsAndGoods(t *testing.T) {
	walk := func(s *story) {
		s.walk("cam-1", "A", 0, 8, atShelf)
		s.walk("cam-1", "A", 8.2, 12, atShelf, atTill)
		s.walk("cam-1", "A", 12.2, 20, atTill)
		s.walk("cam-1", "A", 20.2, 26, atTill, atDoor, Point{4, -0.6})
		s.carry("r-door", sauceTag, 22.8)
	}
	t.Run("taken and carried out", func(t *testing.T) {
		s := newStory(t)
		walk(s)
		s.weigh(26, 5, -621)
		s.tell(26)
		v := s.of("cam-1/A")
		if n := s.view(v).Unpaid(nil); !near(n, 0.97, 0.05) {
			t.Errorf("unpaid %.3f: the tag is the bottle that was taken, not another", n)
		}
		if m := s.view(v).Moved(s.place(Exit)); m < 0.5 {
			t.Errorf("moved %.2f", m)
		}
		if m := s.view(v).Moved(s.place(Aisle)); m != 0 {
			t.Errorf("moved %.2f through the aisle", m)
		}
	})
	t.Run("paid by its barcode", func(t *testing.T) {
		s := newStory(t)
		walk(s)
		s.weigh(26, 5, -621)
		s.till(16, "1", Scan, "071142008582")
		s.till(17, "1", Tender, "")
		s.tell(26)
		v := s.view(s.of("cam-1/A"))
		if m, n := v.Moved(s.place(Exit)), v.Unpaid(nil); m > 0.01 || n > 0.01 {
			t.Errorf("moved %.2f, unpaid %.2f of what was paid", m, n)
		}
	})
	t.Run("voided, and out all the same", func(t *testing.T) {
		s := newStory(t)
		walk(s)
		s.weigh(26, 5, -621)
		s.till(16, "1", Scan, "071142008582")
		s.till(17, "1", Void, "071142008582")
		s.tell(22)
		if n := s.view(s.of("cam-1/A")).Unpaid(nil); !near(n, takenAfterVoid, 0.1) {
			t.Errorf("unpaid %.3f before the gate, want %.1f", n, takenAfterVoid)
		}
		s.tell(26)
		if n := s.view(s.of("cam-1/A")).Unpaid(nil); !near(n, 0.97, 0.05) {
			t.Errorf("unpaid %.3f: the tag is the bottle that was voided", n)
		}
	})
	t.Run("paid by its tag", func(t *testing.T) {
		s := newStory(t)
		walk(s)
		s.event("sco-1", 16, Event{ID: "1", Action: Scan, EPC: sauceTag, Qty: 1, Zone: -1})
		s.tell(26)
		v := s.view(s.of("cam-1/A"))
		if m, n := v.Moved(s.place(Exit)), v.Unpaid(nil); m > 0.01 || n > 0.01 {
			t.Errorf("moved %.2f, unpaid %.2f of what was paid", m, n)
		}
	})
	t.Run("another unit's tag was paid", func(t *testing.T) {
		s := newStory(t)
		walk(s)
		s.carry("r-door", otherTag, 22.9)
		s.event("sco-1", 16, Event{ID: "1", Action: Scan, EPC: sauceTag, Qty: 1, Zone: -1})
		s.tell(26)
		v := s.view(s.of("cam-1/A"))
		if n := v.MovedCount(s.place(Exit)); !near(n, 0.85, 0.2) {
			t.Errorf("moved_count %.2f; want one of the two", n)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		s := newStory(t)
		s.carry("r-door", sauceTag, 5)
		w := s.tell(9)
		if len(w.Visits()) != 1 || !w.Visits()[0].Unowned || w.Visits()[0].Zone != doorZone {
			t.Fatalf("visits %+v; want one that nobody owns", w.Visits())
		}
		if n := s.view(w.Visits()[0]).Unpaid(nil); n < 0.5 {
			t.Errorf("unpaid %.2f", n)
		}
	})
}

// TestForeignTags: what is not in the catalogue is nobody's business.
func TestForeignTags(t *testing.T) {
	for _, hide := range []bool{true, false} {
		s := newStory(t)
		s.store.HideForeign = hide
		s.walk("cam-1", "A", 0, 10, Point{4, 3}, atDoor)
		s.carry("r-door", foreign, 7)
		s.tell(12)
		told := 0
		for _, c := range s.told {
			if c.Fact.Name == foreign {
				told++
				if c.Visit.Subject == SubjectVisit {
					t.Errorf("hide %v: a person's own tag became his fact %+v", hide, c.Fact)
				}
			}
		}
		if (told == 0) != hide {
			t.Errorf("hide %v: %d facts name the foreign tag", hide, told)
		}
		if v := s.of("cam-1/A"); len(v.tags) > 0 || len(v.Basket) > 0 {
			t.Errorf("hide %v: %+v %+v", hide, v.tags, v.Basket)
		}
	}
}

// TestGoesOutElsewhere: what was heard at a fire door as somebody came by does not count for who went out at the front; and does for
// who went out there.
func TestGoesOutElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		way       []Point
		low, high float64
	}{
		"by the front door": {[]Point{{7, 8.6}, {4, 4}, {4, 0.5}, {4, -0.6}}, 0, 0},
		"by the fire door":  {[]Point{{7, 8.6}, {7, 11.6}}, 0.4, 1},
	} {
		s := newStory(t)
		s.store.Zones[stockZone] = Zone{ID: "fire", Kind: Exit, Polygon: []Point{{6, 9}, {8, 9}, {8, 11}, {6, 11}}, Out: []Point{{6, 11}, {8, 11}}}
		s.store.Readers[0].Antennas = map[int]int{1: stockZone}
		s.store.Sources[2].Zones = []int{stockZone}
		s.store.Index()
		s.walk("cam-1", "A", 0, 15, Point{1, 1}, Point{7, 8.6})
		s.walk("cam-1", "A", 15.2, 24, c.way...)
		s.carry("r-aisle", sauceTag, 14)
		s.tell(30)
		v := s.view(s.of("cam-1/A"))
		if !v.Exited(s.place(Exit)) {
			t.Errorf("%s: is not out", name)
		}
		if m := v.Moved(s.place(Exit)); m < c.low || m > c.high {
			t.Errorf("%s: moved %.2f, want %.2f to %.2f", name, m, c.low, c.high)
		}
	}
}

// TestOneBehindTheOther: a tag that was heard while A went through the door is A's sooner than that of B, who is in the door when it
// is heard last; and neither's for sure.
func TestOneBehindTheOther(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 17, 21, Point{3.7, 4}, Point{3.7, 0.6})
	s.walk("cam-1", "A", 21.2, 22, Point{3.7, 0.5}, Point{3.7, -0.6})
	s.walk("cam-1", "B", 17, 22, Point{4.4, 4.5}, Point{4.4, 1.2})
	s.walk("cam-1", "B", 22.2, 26, Point{4.4, 1}, Point{4.4, -0.6})
	s.carry("r-door", sauceTag, 19.6)
	s.tell(30)
	a, b := s.view(s.of("cam-1/A")).Moved(s.place(Exit)), s.view(s.of("cam-1/B")).Moved(s.place(Exit))
	if a < 1.2*b || a > 0.9 || b < 0.05 {
		t.Errorf("A moved it with %.2f, B with %.2f", a, b)
	}
}

// TestOthersOfATag: those who were near a tag as it went out are each named beside the other, and who was not is not.
func TestOthersOfATag(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 17, 23, Point{3.7, 4.8}, Point{3.7, -1})
	s.walk("cam-1", "B", 17, 23, Point{4.3, 4.8}, Point{4.3, -1})
	s.walk("cam-1", "C", 17, 30, Point{8, 4.8})
	s.carry("r-door", sauceTag, 19.5)
	s.tell(23)
	a, b := s.of("cam-1/A"), s.of("cam-1/B")
	if got := s.view(a).Others(); !slices.Equal(got, []string{b.ID}) {
		t.Errorf("beside A: %q, want %q", got, b.ID)
	}
	if got := s.view(b).Others(); !slices.Equal(got, []string{a.ID}) {
		t.Errorf("beside B: %q, want %q", got, a.ID)
	}
	if p := s.view(a).Person(); p > 0.7 {
		t.Errorf("it is A with %.2f", p)
	}
}

// TestLostAsHeEnters: whom a camera sees last as he comes into the zone of a door is not there for ever; tags that are heard there do not
// keep his visit open.
func TestLostAsHeEnters(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 1.6, Point{4, 4}, Point{4, 0.65})
	for at := 0; at < 120; at += 4 {
		s.carry("r-door", sauceTag, float64(at))
	}
	s.tell(5)
	v := s.of("cam-1/A")
	if x := v.stays[doorZone]; !x.in || x.entered != v.PosAt {
		t.Fatalf("he was not lost as he came in: %+v", x)
	}
	w := s.tell(130)
	if o := w.visit(v.number); o != nil {
		t.Errorf("he is still here, of whom nothing was seen for two minutes: %+v", o.stays[doorZone])
	}
}

// TestFarLooks: look after look at somebody who is hardly near a tag makes it no more his.
func TestFarLooks(t *testing.T) {
	w := NewWorld(cornerShop())
	v := w.open(0, "B", monday)
	for sec := range int64(40) {
		w.now = monday + sec*second
		f := Fact{TS: w.now, At: w.now, Kind: FactMoved, Zone: doorZone, Product: sauce, N: 1, P: 0.5, Name: sauceTag}
		for _, c := range w.passes([]claim{{v, 0.05}}, f) {
			if !(c.share < 0.1) {
				t.Fatalf("after %d s %.2f of it is his", sec, c.share)
			}
		}
	}
}

// TestStaffBring: what a customer brings in is his for an hour, whoever cameras think he is; what one of us brings in is for sale.
func TestStaffBring(t *testing.T) {
	for _, staff := range []bool{false, true} {
		s := newStory(t)
		if staff {
			s.store.Staff.Tracks = []string{"A"}
			s.store.Index()
		}
		s.walk("cam-1", "A", 0, 6, Point{4, -0.8}, Point{4, 3})
		s.carry("r-door", sauceTag, 0.4)
		s.carry("r-aisle", sauceTag, 7)
		s.walk("cam-1", "B", 60, 66, Point{1, 3}, Point{4, 2})
		s.walk("cam-1", "B", 66.2, 70, Point{4, 2}, atDoor, Point{4, -0.6})
		s.carry("r-door", sauceTag, 67.5)
		s.tell(72)
		if m := s.view(s.of("cam-1/B")).Moved(s.place(Exit)); staff != (m > 0.5) {
			t.Errorf("one of us brought it %v: B has carried out %.2f", staff, m)
		}
	}
}

// TestHad: who may have taken such goods carries a tag out sooner by how many units he may have, and a whole one says the most.
func TestHad(t *testing.T) {
	sooner := func(units ...float64) float64 {
		v := &Visit{}
		for _, n := range units {
			v.Basket = append(v.Basket, Item{Product: 1, N: n})
		}
		tag := carriedTag{looked: 1, had: v.had(Fact{Product: 1, Name: "tag"})}
		return tag.likely() / (&carriedTag{looked: 1}).likely()
	}
	for _, c := range []struct {
		units []float64
		want  float64
	}{{nil, 1}, {[]float64{1}, tookIt}, {[]float64{2, 1}, tookIt}, {[]float64{0.5}, (1 + tookIt) / 2}, {[]float64{0.3, 0.2}, (1 + tookIt) / 2}, {[]float64{0.1}, 1 + (tookIt-1)/10}} {
		if got := sooner(c.units...); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%v units: %.3f times sooner, want %.3f", c.units, got, c.want)
		}
	}
}
