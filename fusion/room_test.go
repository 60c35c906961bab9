package fusion

import (
	"fmt"
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
		store := halls()
		store.Zones[aisleZone].Polygon = []Point{{3, 2}, {6, 2}, {6, 5}, {3, 5}}
		store.Index()
		s := &story{T: t, store: store}
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
		s.w.doubtGoods(v, q)
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

// TestPerson: it is enough to be the one who has one piece of goods, but not one that is likely paid.
func TestPerson(t *testing.T) {
	for name, c := range map[string]struct {
		basket []Item
		want   float64
	}{
		"shared and not":        {[]Item{{Product: sauce, N: 0.5, Owner: 0.5}, {Product: salt, N: 1, Owner: 0.98}}, 0.98},
		"the sure one was paid": {[]Item{{Product: sauce, N: 0.6, Owner: 0.6}, {Product: salt, N: 1, Paid: 0.9, Owner: 1}}, 0.6},
		"as likely":             {[]Item{{Product: sauce, N: 0.9, Owner: 0.9}, {Product: salt, N: 0.9, Owner: 0.95}}, 0.95},
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

// TestGoodsComeAlong: what somebody took comes along with the track that goes on his way, and the less surely the longer nobody saw him;
// it is all the same which camera sees him again.
func TestGoodsComeAlong(t *testing.T) {
	for _, cam := range []string{"cam-1", "cam-2"} {
		for _, c := range []struct{ unseen, from, to float64 }{{1.5, 1, 1}, {20, 0.95, 0.99}} {
			s := newStory(t)
			s.walk("cam-1", "A", 0, 8, Point{2, 4.2})
			s.weigh(8, 4, -621)
			s.empty("cam-1", 8.2, 8+c.unseen)
			s.walk(cam, "B", 8+c.unseen, 14+c.unseen, Point{2.3, 4.2}, Point{2.6, 4.2})
			s.tell(7.9)
			had := s.view(s.of("cam-1/A")).Unpaid(nil)
			s.tell(13 + c.unseen)
			a, b := s.of("cam-1/A"), s.of(cam+"/B")
			if a != b {
				t.Errorf("%s after %g s: another visit", cam, c.unseen)
				continue
			}
			if n := s.view(b).Unpaid(nil) / had; n < c.from-1e-6 || n > c.to+1e-6 {
				t.Errorf("%s after %g s: %.3f of what he had, and not %g to %g", cam, c.unseen, n, c.from, c.to)
			}
		}
	}
}
