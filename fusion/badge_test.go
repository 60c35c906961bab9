package fusion

import (
	"math"
	"testing"
)

// TestBadge: who wears a badge is told by all the places in which it is heard, and what was held of another is taken back.
func TestBadge(t *testing.T) {
	const a, b = "cam-1/A", "cam-1/B"
	heard := func(s *story, reader string, from, to float64) {
		for x := from; x < to; x += 0.5 {
			s.event(reader, x, Event{ID: staffBadge, Antenna: 1, RSSI: -55, Zone: -1})
		}
	}
	for _, c := range []struct {
		name  string
		tell  func(s *story)
		staff map[string]float64 // P(staff) in the end, within 0.1
	}{
		{"two stand at the door: either", func(s *story) {
			s.walk("cam-1", "A", 0, 6, Point{4, 0.5})
			s.walk("cam-1", "B", 0, 6, Point{3.4, 0.5})
			heard(s, "r-door", 4, 5)
		}, map[string]float64{a: 0.46, b: 0.46}},
		{"one of them goes on to the aisle, and so does the badge", func(s *story) {
			s.walk("cam-1", "A", 0, 6, Point{4, 0.5})
			s.walk("cam-1", "B", 0, 20, Point{3.4, 0.5})
			s.walk("cam-1", "A", 6.2, 20, Point{4, 0.5}, Point{2, 4}, Point{2, 4}, Point{2, 4}, Point{2, 4})
			heard(s, "r-door", 4, 6)
			heard(s, "r-aisle", 12, 19)
		}, map[string]float64{a: 0.97, b: 0.01}},
		{"the badge is heard where he is not, once: an echo", func(s *story) {
			s.walk("cam-1", "A", 0, 30, Point{2, 4})
			s.walk("cam-1", "B", 0, 30, Point{4, 0.5})
			heard(s, "r-aisle", 1, 20)
			heard(s, "r-door", 21, 21.4)
			heard(s, "r-aisle", 23, 29)
		}, map[string]float64{a: 0.97, b: 0.01}},
		{"a badge lies in the aisle, and people come and go", func(s *story) {
			s.walk("cam-1", "A", 40, 50, Point{4, 0.5}, Point{2, 4}, Point{4, 0.5})
			s.walk("cam-1", "B", 60, 70, Point{4, 0.5}, Point{2, 4}, Point{4, 0.5})
			heard(s, "r-aisle", 0, 75)
		}, map[string]float64{a: 0.01, b: 0.01}},
		{"he stays with it for minutes", func(s *story) {
			s.walk("cam-1", "A", 40, 200, Point{4, 4})
			s.walk("cam-1", "B", 60, 70, Point{4, 0.5}, Point{2, 4}, Point{4, 0.5})
			heard(s, "r-aisle", 0, 199)
		}, map[string]float64{a: 0.85, b: 0.01}},
		{"his badge is heard before a camera sees him", func(s *story) {
			heard(s, "r-door", 1, 6)
			s.walk("cam-1", "A", 4, 8, Point{4, 0.5})
		}, map[string]float64{a: 0.93}},
		{"two pieces of one person become one", func(s *story) {
			s.walk("cam-1", "A", 0, 6, Point{4, 0.5}, Point{4, 2.5}, Point{3, 4})
			s.walk("cam-2", "B", 5, 12, Point{3, 4}, Point{2, 4})
			heard(s, "r-door", 1, 2)
			heard(s, "r-aisle", 4, 11)
		}, map[string]float64{a: 0.97}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.store.Staff.Badges = []string{EPCURI(staffBadge)}
			c.tell(s)
			s.tell(200)
			for track, want := range c.staff {
				if v := s.of(track); math.Abs(v.Staff-want) > 0.1 {
					t.Errorf("%s: staff %.3f; want %.2f", track, v.Staff, want)
				}
			}
		})
	}
}

// TestBadges: no more badges are thought of than there is room for, and a copy of the world has its own.
func TestBadges(t *testing.T) {
	w := NewWorld(cornerShop())
	v := w.open(0, "A", 1)
	for i := range maxBadges + 10 {
		w.now = int64(i+1) * second
		v.trail = []trailPoint{{at: w.now, p: Point{4, 0.5}}}
		w.readBadge(&read{tag: int32(i), zone: doorZone, ts: w.now}, w.Store.SourceIndex("r-door"))
	}
	if len(w.badges) != maxBadges || w.evicted != 10 {
		t.Errorf("%d badges, %d evicted", len(w.badges), w.evicted)
	}
	c := w.Clone()
	before := c.badges[0].nobody
	c.badges[0].nobody = 2
	c.badges[0].zones[0].at = 0
	if w.badges[0].nobody != before || w.badges[0].zones[0].at == 0 {
		t.Error("a copy changed the original")
	}
}
