package fusion

import (
	"fmt"
	"math"
	"testing"
)

// halls is the corner shop with an aisle of which the middle, from x 3 to 6, is seen by no camera.
func halls() *Store {
	s := cornerShop()
	s.Cameras[0].Sees = []Point{{0, -1}, {10, -1}, {10, 5}, {6, 5}, {6, 2}, {3, 2}, {3, 5}, {0, 5}}
	s.Cameras[1].Sees = s.Cameras[0].Sees
	s.Scales[1].At = [3]float64{4.5, 4.7, 1.2}
	s.Index()
	return s
}

// unseenAisle is a story in halls whose aisle is the part that no camera sees.
func unseenAisle(t *testing.T) *story {
	store := halls()
	store.Zones[aisleZone].Polygon = []Point{{3, 2}, {6, 2}, {6, 5}, {3, 5}}
	store.Index()
	return &story{T: t, store: store}
}

// TestRooms: what no camera sees is a room, and a zone of which most is so lies in it; a camera that does not say what it sees leaves none.
func TestRooms(t *testing.T) {
	s := halls()
	if n := len(s.rooms.area); n != 1 {
		t.Fatalf("%d rooms", n)
	}
	if a := s.rooms.inside[0]; !near(a, 9, 1) {
		t.Errorf("%.2f m² and not nine", a)
	}
	for _, c := range []struct {
		p, q Point
		room int
	}{
		{Point{2.6, 3}, Point{6.4, 4}, 0}, {Point{4, 3}, Point{4, 1.5}, 0}, {Point{1, 3}, Point{6.4, 4}, -1},
		{Point{-5, 3}, Point{6.4, 4}, -1}, {Point{4, 99}, Point{4, 3}, -1},
	} {
		if got := s.rooms.of(c.p, c.q); got != c.room {
			t.Errorf("of %v and %v: room %d, want %d", c.p, c.q, got, c.room)
		}
	}
	if z := s.rooms.zone[aisleZone]; z != -1 {
		t.Errorf("the aisle, most of which cameras see, lies in room %d", z)
	}
	s.Zones[aisleZone].Polygon = []Point{{3, 2}, {6, 2}, {6, 5}, {3, 5}}
	s.Index()
	if z := s.rooms.zone[aisleZone]; z != 0 {
		t.Errorf("the aisle lies in room %d", z)
	}
	s.Zones[aisleZone].Kind = Exit
	s.Index()
	if len(s.rooms.area) != 0 {
		t.Error("there is a room through which people come in and go out")
	}
	if s := cornerShop(); len(s.rooms.area) != 0 {
		t.Error("there is a room where cameras see all")
	}
	fitting := cornerShop()
	fitting.Zones[stockZone].Kind = Fitting
	fitting.Index()
	if fitting.rooms.zone[stockZone] != 0 {
		t.Error("no camera that does not say so looks into a fitting room")
	}
}

// TestOutOfARoom: who comes out of a room is whoever went in, however long that was, and took what was taken in there; of two who went in
// nobody knows which it is.
func TestOutOfARoom(t *testing.T) {
	for _, people := range []int{1, 2} {
		s := unseenAisle(t)
		for k := range people {
			s.walk("cam-1", fmt.Sprint("A", k), float64(2*k), 6+float64(2*k), Point{1, 0.5}, Point{2.8, 3.5})
		}
		s.plate("g2", 60, 18, -500)
		s.walk("cam-1", "B", 42, 50, Point{6.2, 4}, Point{7, 1.2})
		s.tell(51)
		a, b := s.of("cam-1/A0"), s.of("cam-1/B")
		if one := a == b; one != (people == 1) {
			t.Errorf("%d went in, and the first of them is who comes out: %v", people, one)
		}
		if n := s.view(b).Unpaid(nil); people == 1 && !near(n, 1, 0.3) {
			t.Errorf("he has %.2f of what was taken in there", n)
		}
	}
}

// TestAtAStrip: who stands at a till of which a part is seen by no camera, and is not seen, is its customer; and who was lost beside a plate
// that stands at such a place has taken what it felt.
func TestAtAStrip(t *testing.T) {
	store := halls()
	store.Zones[tillZone].Polygon = []Point{{5, 2.5}, {7.4, 2.5}, {7.4, 4}, {5, 4}}
	store.Scales[0].At, store.Scales[0].Zone = [3]float64{2.7, 4.7, 1.2}, aisleZone
	store.Index()
	if z := store.rooms.zone[tillZone]; z >= 0 {
		t.Fatalf("most of the till is in room %d", z)
	}
	s := &story{T: t, store: store}
	s.walk("cam-1", "A", 0, 4, Point{1, 3}, Point{2.6, 4})
	s.weigh(30, 10, -621)
	s.walk("cam-1", "B", 0, 6, Point{9, 1}, Point{9, 1.2})
	s.till(18, "1", Open, "")
	s.till(20, "1", Scan, "071142008582")
	s.till(22, "1", Tender, "")
	s.walk("cam-1", "C", 26, 30, Point{6.2, 3.2}, Point{7.8, 3})
	s.tell(17)
	if n := s.view(s.of("cam-1/A")).Unpaid(nil); !near(n, 1, 0.25) {
		t.Errorf("he has %.2f of what was taken beside him", n)
	}
	s.tell(31)
	a, c := s.of("cam-1/A"), s.of("cam-1/C")
	if a != c {
		t.Fatal("who comes out is another than who went in")
	}
	if !a.Paid || s.view(a).Unpaid(nil) > 0.1 {
		t.Errorf("he has paid: %v, and not for %.2f", a.Paid, s.view(a).Unpaid(nil))
	}
}

// TestBesideTheCashier: who was lost beside a till, at a strip that no camera sees, is its customer, and not who stands there in full view and
// has had the sale before.
func TestBesideTheCashier(t *testing.T) {
	store := halls()
	store.Zones[tillZone].Polygon = []Point{{5, 2.5}, {7.4, 2.5}, {7.4, 4}, {5, 4}}
	store.Index()
	s := &story{T: t, store: store}
	s.walk("cam-1", "B", 0, 40, Point{7, 3})
	s.till(2, "0", Open, "")
	s.till(4, "0", Scan, "17")
	s.till(5, "0", Tender, "")
	s.till(6, "0", Close, "")
	s.walk("cam-1", "A", 14, 20, Point{7.7, 1.5}, Point{7.7, 4.7}, Point{6.2, 4.7})
	s.till(26, "1", Open, "")
	s.till(28, "1", Scan, "071142008582")
	s.till(30, "1", Tender, "")
	s.walk("cam-1", "C", 34, 38, Point{6.3, 4.7}, Point{7.7, 4.7})
	s.tell(39)
	a, b := s.of("cam-1/C"), s.of("cam-1/B")
	if a != s.of("cam-1/A") || a.Session != "sco-1/1" || b.Session != "sco-1/0" {
		t.Errorf("who was beside it has the sale %q, and who stood there %q", a.Session, b.Session)
	}
}

// TestStraightOn: of two of whom the camera lost sight it is the one who walks that way who is seen again farther on.
func TestStraightOn(t *testing.T) {
	for _, c := range []struct{ name, other, from string }{{"A", "B", "left"}, {"B", "A", "right"}} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 3, Point{1, 4.2}, Point{3.4, 4.2})
		s.walk("cam-1", "B", 0, 3, Point{6.4, 3.4}, Point{4, 3.4})
		if c.from == "left" {
			s.walk("cam-1", "C", 6, 9, Point{5.8, 4}, Point{7, 4})
		} else {
			s.walk("cam-1", "C", 6, 9, Point{1.6, 3.6}, Point{0.4, 3.6})
		}
		s.empty("cam-1", 3.2, 6)
		s.tell(9)
		if v := s.of("cam-1/C"); v != s.of("cam-1/"+c.name) || v == s.of("cam-1/"+c.other) {
			t.Errorf("who goes on from the %s has %v", c.from, v.Tracks)
		}
	}
}

// TestStands: of two who stood when the camera lost them it is the one who stood there who is seen again; between them
// nobody knows.
func TestStands(t *testing.T) {
	for _, c := range []struct {
		lost, x float64
		one     bool
	}{{2, 2.1, true}, {20, 2.1, true}, {20, 2.45, false}} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 8, Point{2, 4.2}, Point{2.05, 4.2})
		s.walk("cam-1", "B", 0, 8, Point{2.9, 4.2}, Point{2.95, 4.2})
		s.empty("cam-1", 8.2, 8+c.lost)
		s.walk("cam-1", "C", 8+c.lost, 12+c.lost, Point{c.x, 4.2})
		s.tell(11 + c.lost)
		if a, b, v := s.of("cam-1/A"), s.of("cam-1/B"), s.of("cam-1/C"); v == b || (v == a) != c.one {
			t.Errorf("after %g s he who stands at %g has %v", c.lost, c.x, v.Tracks)
		}
	}
}

// TestNewcomer: strangers come in from the street, out of a stockroom into which no camera looks and out of what no camera sees of a way in,
// and fewer a step on.
func TestNewcomer(t *testing.T) {
	plain, seen, dark := cornerShop(), halls(), halls()
	seen.Zones[stockZone].Polygon = []Point{{7, 3}, {9, 3}, {9, 5}, {7, 5}}
	seen.Index()
	dark.Zones[aisleZone].Kind, dark.Zones[aisleZone].Polygon = Exit, []Point{{3, 2}, {6, 2}, {6, 5}, {3, 5}}
	dark.Index()
	for name, c := range map[string]struct {
		store   *Store
		at      Point
		density float64
	}{
		"the street":                 {plain, Point{4, -0.5}, comers},
		"an edge of it":              {plain, Point{4, 0}, comers},
		"a metre in":                 {plain, Point{4, 1}, comers * 0.135},
		"three metres in":            {plain, Point{2, 3.2}, strangers},
		"a stockroom":                {plain, Point{8.5, 4}, comers},
		"a stockroom that is seen":   {seen, Point{8, 4}, strangers},
		"the edge of an unseen exit": {dark, Point{2.6, 3}, comers},
		"past the edge of it":        {dark, Point{0.5, 4.5}, strangers},
	} {
		if n := NewWorld(c.store).newcomer(c.at) - anyOffset; max(n-nats(c.density), nats(c.density)-n) > 5_000 {
			t.Errorf("%s: %.5f a square metre, want %.5f", name, math.Exp(-float64(n)/1e6), c.density)
		}
	}
}

// TestHeardInRoom: who is in a fitting room with a tag that is heard there is not gone, and no longer than it is heard.
func TestHeardInRoom(t *testing.T) {
	store := cornerShop()
	store.Zones[stockZone].Kind = Fitting
	store.Readers[0].Antennas[1] = stockZone
	store.Index()
	s := &story{T: t, store: store}
	s.walk("cam-1", "A", 0, 8, Point{1, 3}, Point{7.6, 3})
	for i := range 400 { // until 108
		s.event("r-aisle", 8+float64(i)/4, Event{ID: sauceTag, Antenna: 1, RSSI: -50, Zone: -1})
	}
	s.empty("cam-1", 8, 200)
	s.tell(200)
	if v := s.of("cam-1/A"); v.Ended < at(108+44) || v.Ended > at(108+46) {
		t.Errorf("the visit ended at %.1f s, and the tag was heard until 107.8", float64(v.Ended-monday)/1e9)
	}
}

// TestDoubtGoods: whoever a track may be has what that one had as far as he is him, and the rest is with nobody.
func TestDoubtGoods(t *testing.T) {
	for _, q := range []float64{1, 0.995, 0.9, 0.5} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 8, atShelf)
		s.weigh(8, 4, -621)
		s.tell(8)
		v := s.of("cam-1/A")
		before, owner, nobody := s.view(v).Unpaid(nil), s.view(v).OwnerConf(), s.w.lots[0].unseen()
		s.w.doubtGoods(v, s.w.now, q)
		want := q
		if q >= surely {
			want = 1
		}
		if n := s.view(v).Unpaid(nil); !near(n, before*want, 1e-9) {
			t.Errorf("%g: %.3f of %.3f", q, n, before)
		}
		if p := s.view(v).OwnerConf(); !near(p, owner*want, 1e-6) {
			t.Errorf("%g: owner %.3f of %.3f", q, p, owner)
		}
		if l := s.w.lots[0]; !near(l.unseen(), nobody+before*(1-want), 1e-6) {
			t.Errorf("%g: %.3f with nobody", q, l.unseen())
		}
	}
}

// TestPerson: it is enough to be the one who has one piece of goods, but not one that is likely paid; who shares in several has
// more surely one of them, and as surely all as one only if they went together.
func TestPerson(t *testing.T) {
	for name, c := range map[string]struct {
		basket []Item
		want   float64
	}{
		"shared and not":        {[]Item{{Product: sauce, N: 0.5, Owner: 0.5}, {Product: salt, N: 1, Owner: 0.98}}, 1},
		"the sure one was paid": {[]Item{{Product: sauce, N: 0.6, Owner: 0.6}, {Product: salt, N: 1, Paid: 0.9, Owner: 1}}, 0.62},
		"one":                   {[]Item{{Product: sauce, N: 0.8, Owner: 0.8}}, 0.8},
		"two":                   {[]Item{{Product: sauce, N: 0.8, Owner: 0.8}, {Product: salt, N: 0.8, Owner: 0.8}}, 0.88},
		"two, likely paid":      {[]Item{{Product: sauce, N: 0.08, Owner: 0.8}, {Product: salt, N: 0.08, Owner: 0.8}}, 0.804210526},
		"one of several":        {[]Item{{Product: sauce, N: 1.5, Owner: 0.75, any: 0.94}}, 0.94},
		"and of a neighbour":    {[]Item{{Product: sauce, N: 0.5, Owner: 1}, {Product: salt, N: 0.1, Owner: 0.1}}, 1},
		"nothing":               {nil, 1},
	} {
		w := NewWorld(cornerShop())
		v := w.open(0, "A", at(0))
		v.Basket = c.basket
		if p := (View{World: w, Visit: v}).Person(); p != c.want {
			t.Errorf("%s: %g, want %g", name, p, c.want)
		}
	}
}

// TestRung: a gate that rings for somebody makes it surer that she has the goods with a tag that she may share with another; nothing of
// goods without one, and nothing where she has paid.
func TestRung(t *testing.T) {
	for name, c := range map[string]struct {
		product int
		paid    bool
		least   float64
		most    float64
	}{
		"with a tag":    {sauce, false, 0.9, 1},
		"without":       {salt, false, 0.5, 0.5},
		"but has paid":  {sauce, true, 0.5, 0.5},
		"what it knows": {-1, false, 0.9, 1},
	} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 6, atShelf, atDoor)
		s.walk("cam-1", "B", 0, 6, Point{7, 4})
		s.event("eas-1", 5.8, Event{On: true, Action: Out, Zone: -1})
		s.tell(6)
		for track, least := range map[string]float64{"cam-1/A": c.least, "cam-1/B": 0.5} {
			v := s.of(track)
			v.Basket, v.Paid = []Item{{Product: c.product, N: 0.5, Owner: 0.5}}, c.paid
			most := c.most
			if track == "cam-1/B" {
				most = 0.5
			}
			if p := s.view(v).Person(); p < least || p > most {
				t.Errorf("%s: %s has it with %g; want %g to %g", name, track, p, least, most)
			}
		}
	}
}

// TestAmong: what somebody whom no camera saw may have leaves no doubt between those whom cameras saw, unless it is much.
func TestAmong(t *testing.T) {
	for _, c := range []struct {
		name                string
		units, back, his, o float64 // taken, put back, what he and another may have
		want                float64
	}{
		{"all is his", 2, 0, 2, 0, 1},
		{"some may be with somebody unseen", 1, 0, 0.8, 0, 1},
		{"or with another", 1, 0, 0.8, 0.2, 0.8},
		{"with either", 1, 0, 0.6, 0.2, 0.75},
		{"half with somebody unseen", 1, 0, 0.5, 0, 0.5 / 0.7},
		{"one of two is on the shelf again", 2, 1, 1, 0, 1},
		{"nothing", 1, 1, 0, 0, 0},
	} {
		l := &lot{units: c.units, back: c.back, parts: []part{{visit: 1, n: c.his}, {visit: 2, n: c.o}}}
		if got := l.among(1); !near(got, c.want, 1e-9) {
			t.Errorf("%s: %.3f; want %.3f", c.name, got, c.want)
		}
	}
	s := newStory(t)
	s.walk("cam-1", "A", 0, 8, atShelf)
	s.weigh(8, 4, -621)
	s.tell(8)
	v := s.of("cam-1/A")
	if it := &v.Basket[0]; it.Owner > 0.99 || it.among != 1 || s.view(v).Person() != 1 {
		t.Errorf("alone at the shelf: owner %.3f, among %.3f, person %.3f", it.Owner, it.among, s.view(v).Person())
	}
}

// TestGoodsComeAlong: what somebody took comes along with the track that goes on his way, and the less surely the longer nobody saw him
// and the farther away he is then; it is all the same which camera sees him again.
func TestGoodsComeAlong(t *testing.T) {
	for _, cam := range []string{"cam-1", "cam-2"} {
		for _, c := range []struct{ unseen, on, from, to float64 }{{1.5, 0.3, 1, 1}, {20, 0.3, 0.98, 0.995}, {20, 0.45, 0.9, 0.995}, {10, 0.8, 0.9, 0.999}} {
			s := newStory(t)
			s.walk("cam-1", "A", 0, 8, Point{2, 4.2})
			s.weigh(8, 4, -621)
			s.empty("cam-1", 8.2, 8+c.unseen)
			s.walk(cam, "B", 8+c.unseen, 14+c.unseen, Point{2 + c.on, 4.2}, Point{2.3 + c.on, 4.2})
			s.tell(7.9)
			had := s.view(s.of("cam-1/A")).Unpaid(nil)
			s.tell(13 + c.unseen)
			a, b := s.of("cam-1/A"), s.of(cam+"/B")
			if a != b {
				t.Errorf("%s after %g s, %g m on: another visit", cam, c.unseen, c.on)
				continue
			}
			if n := s.view(b).Unpaid(nil) / had; n < c.from-1e-6 || n > c.to+1e-6 {
				t.Errorf("%s after %g s, %g m on: %.3f of what he had, and not %g to %g", cam, c.unseen, c.on, n, c.from, c.to)
			}
		}
	}
}

// TestWentIn: who comes out of a room is sooner who walked to where he comes out or, where there is one, to the fitting room.
func TestWentIn(t *testing.T) {
	store := halls()
	store.Zones[stockZone].Kind = Fitting
	store.Zones[stockZone].Polygon = []Point{{3, 4}, {4, 4}, {4, 5}, {3, 5}}
	store.Index()
	plain := halls()
	cost := func(s *Store, from, to, q Point) float64 {
		w := NewWorld(s)
		v := w.open(0, "A", at(0))
		v.trail = []trailPoint{{at: at(8), p: from}, {at: at(9), p: to}}
		v.Pos, v.PosAt = to, at(9)
		return float64(w.wentIn(v, 0, q)) / 1e6
	}
	in, out := Point{7, 4}, Point{6.4, 4}
	for name, c := range map[string]struct{ likely, unlikely, by float64 }{
		"the way":           {cost(plain, in, out, Point{2.6, 4}), cost(plain, out, in, Point{2.6, 4}), 2},
		"not far":           {cost(plain, in, out, Point{5.8, 4}), cost(plain, out, out, Point{5.8, 4}), 0.2 - 0.236},
		"standing":          {cost(plain, out, out, in), 0, 0},
		"the fitting room":  {cost(store, in, out, in), cost(store, out, in, in), 1.85},
		"and not the aisle": {cost(store, in, out, in), cost(store, in, out, Point{2.6, 4}), 0},
	} {
		if got := c.unlikely - c.likely; !near(got, c.by, 0.12) {
			t.Errorf("%s: %.3f nats, want %.3f", name, got, c.by)
		}
	}
}

// TestOlder: of several who may come out of a room it is sooner who went in later; who is alone in there may be as long as he likes, and
// who was lost elsewhere has no part in it.
func TestOlder(t *testing.T) {
	all := []likeness{{gap: 600 * second, room: true}, {gap: 60 * second, room: true}, {gap: 10 * second}}
	alone := []likeness{all[0]}
	older(all)
	for i, want := range []int64{nats(120.0 / 660), 0, 0} {
		if got := all[i].rare; got != want {
			t.Errorf("%d: %d, want %d", i, got, want)
		}
	}
	if older(alone); alone[0].rare != 0 {
		t.Errorf("alone: %d", alone[0].rare)
	}
}

// TestGlimpse: of two who were lost long ago it is the one who was seen for more than a moment.
func TestGlimpse(t *testing.T) {
	for _, seen := range []float64{0.2, 8} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 10, Point{2, 4.2}, Point{2, 4.3})
		s.walk("cam-1", "G", 10-seen, 10, Point{3.2, 4.2}, Point{3.2, 4.3})
		s.empty("cam-1", 10.2, 22)
		s.walk("cam-1", "B", 22, 26, Point{2.5, 4.3}, Point{2.6, 4.3})
		s.tell(26)
		if one := s.of("cam-1/A") == s.of("cam-1/B"); one != (seen < 1) {
			t.Errorf("of one seen for 10 s and one for %g s it is the first: %v", seen, one)
		}
	}
}

// TestSharedOutOfARoom: of two who went into a room nobody knows who comes out first: he has half of what they had, the second the
// rest.
func TestSharedOutOfARoom(t *testing.T) {
	s := unseenAisle(t)
	s.walk("cam-1", "A", 0, 6, Point{1, 0.5}, Point{2.8, 3.5})
	s.walk("cam-1", "B", 2, 8, Point{1, 0.5}, Point{2.8, 3.5})
	s.plate("g2", 30, 18, -500)
	s.walk("cam-1", "C", 32, 40, Point{6.2, 4}, Point{7, 1.2})
	s.walk("cam-1", "D", 40, 50, Point{6.2, 4}, Point{7, 2.2})
	s.tell(18.5)
	all := s.view(s.of("cam-1/A")).Unpaid(nil) + s.view(s.of("cam-1/B")).Unpaid(nil)
	s.tell(39)
	first := s.view(s.of("cam-1/C")).Unpaid(nil)
	if !near(first/all, 0.5, 0.1) {
		t.Errorf("the first has %.2f of %.2f", first, all)
	}
	s.tell(49)
	if n := s.view(s.of("cam-1/D")).Unpaid(nil); !near((first+n)/all, 1, 0.1) {
		t.Errorf("the second has %.2f beside %.2f of %.2f", n, first, all)
	}
}

// TestWasOut: whom those who left may have been is the less likely still in there, until he is seen.
func TestWasOut(t *testing.T) {
	w := NewWorld(halls())
	a, b := w.open(0, "A", at(0)), w.open(0, "B", at(0))
	for _, v := range []*Visit{a, b} {
		w.moveTo(v, Point{2.8, 3.5}, Point{}, 0, at(5))
	}
	l := likeness{visit: a.number, gone: true, until: at(5)}
	for i, c := range []struct {
		share, out float64
		cost       int64
	}{{0.6, 0.6, nats(0.4)}, {0.6, 0.84, nats(0.16)}, {1, 1, nats(leastShare)}} {
		v := w.open(0, fmt.Sprint("C", i), at(10))
		v.like = []likeness{{visit: a.number, gone: true, until: at(5), share: c.share}, {visit: b.number, gone: true, until: at(4), share: 1}, {visit: b.number, share: 1}}
		w.end(v)
		if got := w.elsewhere(&l, b, nil); !near(a.out, c.out, 1e-9) || got != c.cost {
			t.Errorf("%d: gone with %.2f, which costs %d; want %.2f and %d", i, a.out, got, c.out, c.cost)
		}
	}
	if b.out != 0 {
		t.Errorf("who was seen since, and who was not lost, are gone with %.2f", b.out)
	}
	if w.moveTo(a, Point{2.8, 3.5}, Point{}, 0, at(20)); w.elsewhere(&l, b, nil) != 0 {
		t.Error("who is seen is gone")
	}
}

// TestGoesOn: who is lost and likely goes on as somebody is the less likely somebody else who begins later, unless it is decided at once which of
// those he is.
func TestGoesOn(t *testing.T) {
	w := NewWorld(halls())
	a := w.open(0, "A", at(0))
	w.moveTo(a, Point{2.8, 3.5}, Point{}, 0, at(5))
	is := likeness{visit: a.number, gone: true, until: at(5), share: 0.7}
	x, v := w.open(1, "X", at(6)), w.open(0, "V", at(8))
	x.like, v.like = []likeness{is}, []likeness{{visit: a.number, gone: true, until: at(5)}}
	if got, want := w.elsewhere(&v.like[0], v, w.visits), nats(0.3); got < want-2 || got > want+2 {
		t.Errorf("costs %d, want %d", got, want)
	}
	if got := w.elsewhere(&x.like[0], x, w.visits); got != 0 {
		t.Errorf("for the one who began first it costs %d", got)
	}
	if got := w.elsewhere(&v.like[0], v, nil); got != 0 {
		t.Errorf("beside somebody of whom it is decided at once it costs %d", got)
	}
	if w.moveTo(a, Point{2.8, 3.5}, Point{}, 0, at(7)); w.elsewhere(&v.like[0], v, w.visits) != 0 {
		t.Error("who was seen since is still somebody")
	}
}

// TestWhoComesOut: of two who went into a room it is whom those who left since were not; who may come out of one does not walk straight
// on, and costs the more the longer he is in there; out of a room comes sooner somebody of whom nobody knows.
func TestWhoComesOut(t *testing.T) {
	for _, left := range []string{"", "A"} {
		s := unseenAisle(t)
		s.walk("cam-1", "A", 0, 6, Point{1, 0.5}, Point{2.8, 3.5})
		s.walk("cam-1", "B", 22, 28, Point{1, 0.5}, Point{2.8, 3.5})
		s.walk("cam-1", "C", 42, 50, Point{6.2, 4}, Point{7, 1.2})
		s.tell(42.3)
		a, b := s.of("cam-1/A"), s.of("cam-1/B")
		if left == "A" {
			a.out = 0.95
		}
		for i := range s.events {
			if e := &s.events[i]; e.TS > at(42.3) && e.TS <= at(45) {
				s.w.Fold(e)
			}
		}
		c := s.of("cam-1/C")
		if isB := c.Merged == b.ID; c.Merged == a.ID || isB != (left == "A") {
			t.Fatalf("A left: %q, and who comes out is %q; A is %q, B %q", left, c.Merged, a.ID, b.ID)
		}
		if left == "A" {
			continue
		}
		var x, y likeness
		for _, l := range c.like {
			switch l.visit {
			case a.number:
				x = l
			case b.number:
				y = l
			}
		}
		if !x.room || !y.room || x.pace != (Point{}) || x.rare-y.rare < nats(74.0/96)-20_000 || y.rare >= 0 {
			t.Errorf("A %+v\nB %+v", x, y)
		}
	}
	w := NewWorld(halls())
	if n := w.newcomer(Point{6.4, 4}) - anyOffset; n != nats(unknowns) {
		t.Errorf("somebody new at the edge of a room costs %d", n)
	}
	if n := w.newcomer(Point{1.4, 4}) - anyOffset; n != nats(strangers) {
		t.Errorf("somebody new elsewhere costs %d", n)
	}
	w.Store.rooms.area[0] = 2 * oneUnknown / unknowns
	if n := w.newcomer(Point{6.4, 4}) - anyOffset; n != nats(unknowns/2) {
		t.Errorf("somebody new at the edge of a large room costs %d", n)
	}
}

// TestShareGoods: goods that go along in part are there once, and what a hand was seen to take is in neither more surely than its part.
func TestShareGoods(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	a, b := w.open(0, "A", monday), w.open(0, "B", monday)
	l := w.newLot(Fact{At: w.now, Product: sauce, N: 2, P: 1}, 1)
	w.give(l, a, "", 1.6)
	l.parts[0].sure = 0.8
	w.shareGoods(a, b, 0.25)
	l = w.lots[0]
	had, has := l.of(a.number, ""), l.of(b.number, "")
	if !near(had.n, 1.2, 1e-9) || !near(has.n, 0.4, 1e-9) || !near(had.sure, 0.6, 1e-9) || !near(has.sure, 0.2, 1e-9) {
		t.Errorf("%+v and %+v", *had, *has)
	}
	if x, y := a.line(sauce, "").N, b.line(sauce, "").N; !near(x, 1.2, 1e-9) || !near(y, 0.4, 1e-9) {
		t.Errorf("baskets have %g and %g", x, y)
	}
}

// TestLongLost: who was lost for a moment may be seen again some steps on; after a long time only about where he was lost, for whoever
// is seen elsewhere was sooner somebody else (decision 007).
func TestLongLost(t *testing.T) {
	for _, c := range []struct {
		lost, on float64
		same     bool
	}{{5, 1.5, true}, {11, 1, true}, {13, 1, false}} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 4, Point{0.5, 3.2}, Point{2, 4.2})
		s.empty("cam-1", 4.2, 4+c.lost)
		s.walk("cam-1", "B", 4+c.lost, 10+c.lost, Point{2 + c.on, 4.2}, Point{2.3 + c.on, 4.2})
		s.tell(9 + c.lost)
		if same := s.of("cam-1/A") == s.of("cam-1/B"); same != c.same {
			t.Errorf("lost for %g s and seen %g m on: the same %v; want %v", c.lost, c.on, same, c.same)
		}
	}
}

// TestBehindTheWall: who works in a stockroom that juts out of the shop has no part in what is taken off a shelf at its outer wall, beside which there is no floor; who is in an
// aisle without a camera has, of a shelf at its end.
func TestBehindTheWall(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  ZoneKind
		joins bool // a further stockroom lies behind it
		least float64
		most  float64
	}{
		{"a stockroom", Stockroom, false, 0.9, 1},
		{"an aisle without a camera", Aisle, false, 0, 0.8},
		{"an aisle without a camera, and a stockroom behind it", Aisle, true, 0, 0.8},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.store.Zones[stockZone] = Zone{ID: "back", Kind: c.kind, Polygon: []Point{{7, 5}, {10, 5}, {10, 8}, {7, 8}}}
			if c.joins {
				s.store.Zones = append(s.store.Zones, Zone{ID: "far", Kind: Stockroom, Polygon: []Point{{7, 8}, {10, 8}, {10, 10}, {7, 10}}})
			}
			s.store.Cameras[0].Sees = []Point{{0, -1}, {10, -1}, {10, 5}, {0, 5}}
			s.store.Cameras[1].Sees = s.store.Cameras[0].Sees
			s.store.Index()
			s.store.Staff.Tracks = []string{"S"}
			s.walk("cam-1", "S", -12, -6, Point{7.5, 3}, Point{8, 4.9}, Point{8, 5.6})
			s.walk("cam-1", "A", -6, 6, Point{6, 4}, Point{6, 4.1})
			s.plate("g2", 6, 2, -500)
			s.tell(6)
			if n := s.of("cam-1/A").units(salt); n < c.least || n > c.most {
				t.Errorf("he has %.2f of what was taken before him", n)
			}
			if room := s.store.rooms.cells[s.store.rooms.cell(Point{3, 6})]; (room >= 0) != (c.kind == Aisle) {
				t.Errorf("beside it is room %d", room)
			}
		})
	}
}
