package fusion

import (
	"math"
	"slices"
	"testing"
)

// grow makes the people of a story's tracks as tall as their frames are told: give a track's height from a second on. Frames are off by 6 cm.
func (s *story) grow(tall func(track string, sec float64) float64) {
	for i := range s.events {
		if e := &s.events[i]; e.Name == person {
			off := 0.06 * math.Sin(float64(7*i)) // neither the same twice nor on one side
			e.Tall = float32(tall(e.ID, float64(e.TS-monday)/1e9) + off)
		}
	}
}

// meet is A, who takes a sauce, and B: they stand together from 14 to 20 s, when cam-1 exchanges their ids, and part.
func meet(t *testing.T) *story {
	s := newStory(t)
	s.weigh(40, 9, -621)
	aisle, together, apart := Point{2.1, 4.2}, Point{4, 3.4}, Point{4.5, 3.4}
	s.walk("cam-1", "a", 0, 7, Point{1, 1}, aisle)
	s.walk("cam-1", "a", 7.2, 11, aisle, aisle)
	s.walk("cam-1", "a", 11.2, 14, aisle, together)
	s.walk("cam-1", "a", 14.2, 20, together, together)
	s.walk("cam-1", "b", 0, 14, Point{2, 1}, Point{6, 2.5}, apart)
	s.walk("cam-1", "b", 14.2, 20, apart, apart)
	s.walk("cam-1", "b", 20.2, 30, together, Point{1.5, 2.5}) // A goes on
	s.walk("cam-1", "a", 20.2, 30, apart, Point{7, 3})        // and B
	return s
}

// sauceOf is how many sauces the visit has to which a camera's track belongs at the end.
func (s *story) sauceOf(cam, track string) float64 {
	s.Helper()
	t := s.w.tracks[trackKey{s.store.SourceIndex(cam), track}]
	if t == nil {
		s.Fatalf("%s is not followed", track)
	}
	return s.view(t.visit).Carried(nil)
}

// TestExchangedIDs: who took something has it still when a camera calls him by the other's id, where the two differ in height or another camera
// shows it, and not where nothing does.
func TestExchangedIDs(t *testing.T) {
	const a, b = 1.84, 1.62
	change := func(track string, sec float64) float64 {
		if track == "a" == (sec < 20.1) {
			return a
		}
		return b
	}
	for _, c := range []struct {
		name  string
		tell  func(s *story)
		taker string // by whose id cam-1 calls A at the end
	}{
		{"a tall and a short one", func(s *story) { s.grow(change) }, "b"},
		{"two of a height", func(s *story) { s.grow(func(string, float64) float64 { return a }) }, "a"},
		{"boxes without a height", func(s *story) {}, "a"},
		{"one bends down, and the other is as tall as that", func(s *story) {
			s.grow(func(track string, sec float64) float64 {
				if track == "b" || sec > 15 && sec < 25 {
					return b
				}
				return a
			})
		}, "a"},
		{"another camera sees who goes where", func(s *story) {
			s.walk("cam-2", "p", 14.3, 20.1, Point{4, 3.4}, Point{4, 3.4})
			s.walk("cam-2", "p", 20.3, 30.1, Point{4, 3.4}, Point{1.5, 2.5})
			s.walk("cam-2", "q", 14.3, 20.1, Point{4.5, 3.4}, Point{4.5, 3.4})
			s.walk("cam-2", "q", 20.3, 30.1, Point{4.5, 3.4}, Point{7, 3})
		}, "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := meet(t)
			c.tell(s)
			s.tell(30)
			other := map[string]string{"a": "b", "b": "a"}[c.taker]
			has, none := s.sauceOf("cam-1", c.taker), s.sauceOf("cam-1", other)
			if has < 0.7 || none > 0.3 {
				t.Errorf("%.2f sauces are with %s, %.2f with %s; want them with the first", has, c.taker, none, other)
			}
			if v := s.of("cam-1/" + c.taker); slices.Contains(v.Tracks, "cam-1/"+other) {
				t.Errorf("who has it is %v", v.Tracks)
			}
		})
	}
}

// TestMistaken: what another camera sees where somebody is seen for seconds is not somebody else, though it was once taken for one whom a camera saw
// beside him; that one is where he was seen last.
func TestMistaken(t *testing.T) {
	for _, c := range []struct {
		name  string
		still bool // cam-1 sees the two apart at this moment
		by    Point
		want  bool
	}{
		{"as one", false, Point{0.1, 0}, true},
		{"seen apart", true, Point{0.1, 0}, false},
		{"beside him", false, Point{2.5, 0}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWorld(cornerShop())
			w.now = at(20)
			follow := func(v *Visit, source int, id string, from, to float64, p Point) *track {
				k := &track{key: trackKey{source, id}, visit: v, first: at(from), at: at(to), placed: true, pos: p}
				w.tracks[k.key] = k
				w.follow(v, k.key)
				w.moveTo(v, p, Point{}, source, k.at)
				return k
			}
			a, b := w.open(0, "a", at(0)), w.open(0, "b", at(1))
			last := 10.0
			if c.still {
				last = 20
			}
			follow(a, 0, "a", 0, last, Point{2, 3})
			follow(b, 0, "b", 1, 20, Point{5, 3})
			x := follow(a, 1, "x", 12, 20, Point{5 + c.by.X, 3 + c.by.Y})
			for range mistakenFor {
				w.mistaken(a, &Event{TS: w.now, Source: 1, Floor: x.pos, Name: person, ID: "x", HasFloor: true})
			}
			if got := x.visit != a; got != c.want {
				t.Fatalf("what cam-2 sees is another's: %t", got)
			}
			if c.want && (a.Pos != Point{2, 3} || a.PosAt != at(10) || x.visit == b) {
				t.Errorf("the first is at %v, since %d", a.Pos, a.PosAt)
			}
		})
	}
}
