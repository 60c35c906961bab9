package fusion

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestExits(t *testing.T) {
	in, out := Point{4, 0.9}, Point{4, -0.6}
	for _, c := range []struct {
		name string
		tell func(s *story)
		want string // exits of A
		gone bool   // at 12 s
	}{
		{"walks out: the first of two points beyond the edge", func(s *story) {
			s.walk("cam-1", "A", 0, 3, Point{4, 3}, in, out)
		}, "exited door 2.6", true},
		{"one point beyond the edge is noise", func(s *story) {
			s.walk("cam-1", "A", 0, 2, Point{4, 3}, in)
			s.walk("cam-1", "A", 2.2, 2.2, Point{4, -0.1})
			s.walk("cam-1", "A", 2.4, 12, Point{4, 0.5})
		}, "", false},
		{"comes in from the street", func(s *story) {
			s.walk("cam-1", "A", 0, 3, out, in, Point{4, 3})
			s.walk("cam-1", "A", 3.2, 12, Point{4, 3})
		}, "", false},
		{"passes by outside, from far away", func(s *story) {
			s.walk("cam-1", "A", 0, 10, Point{-12, -1}, Point{16, -1})
		}, "", false},
		{"far down the street is not back inside", func(s *story) {
			s.walk("cam-1", "A", 0, 12, Point{4, 3}, Point{4, -12})
		}, "exited door 2.6", true},
		{"lost in the exit while the camera still reports", func(s *story) {
			s.walk("cam-1", "A", 0, 3, Point{4, 3}, Point{4, 0.4})
			s.empty("cam-1", 3.2, 12)
		}, "exited door 3.0", true},
		{"lost at the first point beyond the edge while the camera still reports", func(s *story) {
			s.walk("cam-1", "A", 0, 3, Point{4, 3}, in)
			s.walk("cam-1", "A", 3.4, 3.4, Point{4, -0.5})
			s.empty("cam-1", 3.6, 12)
		}, "exited door 3.4", true},
		{"lost outside, and never seen inside", func(s *story) {
			s.walk("cam-1", "A", 0, 3, Point{1, -1}, out)
			s.empty("cam-1", 3.2, 12)
		}, "", false},
		{"a camera that died is no exit", func(s *story) {
			s.walk("cam-1", "A", 0, 3, Point{4, 3}, Point{4, 0.4})
		}, "", false},
		{"lost as it comes into the exit, near its side", func(s *story) { // 0.2 m and 0.2 s are within the hysteresis
			s.walk("cam-1", "A", 0, 3, Point{4, 3}, Point{4, 0.85})
			s.empty("cam-1", 3.2, 12)
		}, "exited door 3.0", true},
		{"lost in an aisle is no exit", func(s *story) {
			s.walk("cam-1", "A", 0, 3, Point{4, 2.5}, Point{4, 4})
			s.empty("cam-1", 3.2, 12)
		}, "", false},
		{"seen inside again undoes it", func(s *story) {
			s.walk("cam-1", "A", 0, 6, Point{4, 3}, out, Point{4, 3})
			s.walk("cam-1", "A", 6.2, 12, Point{4, 3})
		}, "exited door 2.6", false},
		{"lost in the exit and seen inside again", func(s *story) {
			s.walk("cam-1", "A", 0, 3, Point{4, 3}, Point{4, 0.6})
			s.empty("cam-1", 3.2, 5.4)
			s.walk("cam-1", "A", 5.6, 12, Point{4, 0.7}, Point{4, 3})
		}, "exited door 3.0", false},
		{"over the line of a device that knows zones only", func(s *story) {
			s.event("axis-1", 1, Event{ID: "A", Name: person, Action: Enter, Zone: aisleZone})
			s.event("axis-1", 2, Event{ID: "A", Name: person, Action: Leave, Zone: aisleZone})
			s.event("axis-1", 3, Event{ID: "A", Name: person, Action: Cross, Zone: doorZone})
		}, "exited door 3.0", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			c.tell(s)
			s.tell(12)
			track := "cam-1/A"
			if strings.Contains(c.name, "device") {
				track = "axis-1/A"
			}
			v := s.of(track)
			if got := s.facts(v, FactExited); got != c.want {
				t.Errorf("exits %q; want %q", got, c.want)
			}
			if got := s.view(v).Exited(s.place(Exit)); got != c.gone {
				t.Errorf("exited(\"exit\") = %v at the end; want %v", got, c.gone)
			}
		})
	}
}

// TestBackIsTold: what undoes an exit is a fact, so that policies are judged by it at once.
func TestBackIsTold(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 6, Point{4, 3}, Point{4, -0.6}, Point{4, 3})
	s.tell(10)
	v := s.of("cam-1/A")
	exits, seen := 0, 0
	for _, c := range s.told {
		switch {
		case c.Visit != v:
		case c.Fact.Kind == FactExited:
			exits++
		case c.Fact.Kind == FactSeen && exits > 0:
			seen++
		}
	}
	if exits != 1 || seen != 1 {
		t.Errorf("%d exits, then seen %d times: want one each", exits, seen)
	}
}

func TestZonesHaveHysteresis(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 4, Point{1, 3}, Point{4, 3})
	for i := range 20 { // trembles over the border between aisle and door room, 0.1 m either side
		s.walk("cam-1", "A", 4.2+float64(i)*0.2, 4.2+float64(i)*0.2, Point{5.5, 2.1 - float64(i%2)*0.2})
	}
	s.walk("cam-1", "A", 8.4, 12, Point{5.5, 1.9}, Point{5.5, 1}) // then goes to the till
	s.tell(12)
	got := s.facts(s.of("cam-1/A"), FactEntered, FactLeft)
	if want := "entered aisle-1 0.0, left aisle-1 8.0, entered till-1 8.0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDwell(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 10, Point{4, 3})
	s.walk("cam-1", "A", 10.2, 12, Point{4, 3}, Point{4, 0.5})
	s.walk("cam-1", "A", 12.2, 14, Point{4, 0.5}, Point{4, 3})
	aisle := s.place(Aisle)
	s.tell(8)
	v := s.view(s.of("cam-1/A"))
	if got := v.Dwell(aisle); !near(got, 8, 1e-9) {
		t.Errorf("dwell %v after 8 s", got)
	}
	if due := v.DwellDue(aisle, 9.5); due != at(9.5) {
		t.Errorf("9.5 s are due at %.3f s", float64(due-monday)/1e9)
	}
	w := v
	w.Now = v.DwellDue(aisle, 9.5)
	if got := w.Dwell(aisle); got < 9.5 {
		t.Errorf("dwell %v when 9.5 were due", got)
	}
	s.tell(14)
	v = s.view(s.of("cam-1/A"))
	if got := v.Dwell(aisle); got < 10.5 || got > 12 {
		t.Errorf("dwell %v: both stays count and the time between does not", got)
	}
	if due := v.DwellDue(s.place(Exit), 60); due < at(1000) {
		t.Errorf("dwell in the exit is due at %v, though nobody is there", due)
	}
	s.tell(30)
	v = s.view(s.of("cam-1/A"))
	if got := v.Dwell(aisle); got > 18 {
		t.Errorf("dwell %v: who is not seen for 5 s is not dwelling", got)
	}
}

func TestOnePersonOneVisit(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func(s *story)
		want int
	}{
		{"the track changes its id", func(s *story) {
			s.walk("cam-1", "1", 0, 3, Point{1, 3}, Point{4, 3})
			s.event("cam-1", 3.2, Event{ID: "1", Action: Lost, Zone: -1})
			s.walk("cam-1", "2", 4, 6, Point{4.8, 3}, Point{7, 3})
		}, 1},
		{"two cameras see the same place", func(s *story) {
			s.walk("cam-1", "1", 0, 4, Point{1, 3}, Point{5, 3})
			s.walk("cam-2", "1", 2.05, 4.05, Point{3.1, 3.2}, Point{5.1, 3.2})
		}, 1},
		{"two people side by side before one camera", func(s *story) {
			s.walk("cam-1", "1", 0, 4, Point{1, 3}, Point{5, 3})
			s.walk("cam-1", "2", 0.2, 4, Point{1, 3.5}, Point{5, 3.5})
		}, 2},
		{"too far to have walked", func(s *story) {
			s.walk("cam-1", "1", 0, 1, Point{1, 3})
			s.walk("cam-1", "2", 2.5, 4, Point{7, 3})
		}, 2},
		{"one goes out, another comes in", func(s *story) {
			s.walk("cam-1", "1", 0, 3, Point{4, 3}, Point{4, -0.6})
			s.walk("cam-1", "2", 5, 8, Point{3.5, -0.4}, Point{4, 3})
		}, 2},
		{"after 45 s it is another visit", func(s *story) {
			s.walk("cam-1", "1", 0, 3, Point{4, 3})
			s.walk("cam-1", "1", 60, 63, Point{4, 3})
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			c.tell(s)
			s.tell(200)
			ended := 0
			for _, f := range s.told {
				if f.Fact.Kind == FactEnded {
					ended++
				}
			}
			if ended != c.want {
				t.Errorf("%d visits; want %d", ended, c.want)
			}
		})
	}
}

func TestVisitEnds(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 5, Point{4, 3})
	s.tell(49)
	v := s.of("cam-1/A")
	if v.Ended != 0 {
		t.Errorf("ended after %.1f s", float64(v.Ended-monday)/1e9)
	}
	w := s.tell(51)
	v = s.of("cam-1/A")
	if v.Ended != at(50) || len(w.Visits()) != 0 || len(w.tracks) != 0 {
		t.Errorf("ended at %.1f s, %d visits open, %d tracks; want 50 s and none", float64(v.Ended-monday)/1e9, len(w.Visits()), len(w.tracks))
	}
	if v.First != at(0) || v.Last != at(5) || v.ID != VisitID("s042", "cam-1", "A", at(0)) {
		t.Errorf("visit %s from %d to %d", v.ID, v.First, v.Last)
	}

	s = newStory(t)
	s.film("cam-1", "A", 0, 3*3600+100, 0.5, Point{4, 3})
	s.tell(3*3600 + 100)
	ends := 0
	for _, c := range s.told {
		if c.Fact.Kind == FactEnded {
			ends++
			if c.Fact.At != at(3*3600) {
				t.Errorf("ended at %.1f s; want three hours", float64(c.Fact.At-monday)/1e9)
			}
		}
	}
	if ends != 1 || s.w.born != 2 {
		t.Errorf("%d visits ended of %d; want one of two", ends, s.w.born)
	}
}

// staffSeenInStock is a shop whose staff begin in a stockroom that a camera says it sees.
func staffSeenInStock(s *story) {
	s.store.Cameras[0].Sees = []Point{{0, -1}, {10, -1}, {10, 5}, {0, 5}}
	s.store.Staff.StartsIn = []int{stockZone}
	s.store.Index()
}

// closedStock is a shop into whose stockroom, from 8 m on, no camera looks.
func closedStock(s *story) {
	s.store.Cameras[0].Sees = []Point{{0, -1}, {7.8, -1}, {7.8, 5}, {0, 5}}
	s.store.Index()
}

func TestStaff(t *testing.T) {
	for _, c := range []struct {
		name  string
		setUp func(s *story)
		want  float64
	}{
		{"nobody says so", func(s *story) { s.walk("cam-1", "A", 0, 4, Point{1, 3}, Point{4, 3}) }, 0.01},
		{"comes out of the stockroom", func(s *story) {
			s.store.Staff.StartsIn = []int{stockZone}
			s.walk("cam-1", "A", 0, 4, Point{9, 3}, Point{4, 3})
		}, 0.95},
		{"goes into the stockroom and is lost there", func(s *story) {
			s.walk("cam-1", "A", 0, 3, Point{4, 3}, Point{9, 3})
			s.walk("cam-1", "B", 0, 6, Point{2, 2}, Point{2, 1})
		}, 0.9},
		{"looks into the stockroom", func(s *story) { s.walk("cam-1", "A", 0, 6, Point{6, 3}, Point{8.6, 3}, Point{6, 3}) }, 0.01},
		{"begins in a stockroom that cameras see, and leaves it", func(s *story) {
			staffSeenInStock(s)
			s.walk("cam-1", "A", 0, 4, Point{9, 3}, Point{4, 3})
		}, 0.95},
		{"begins in a stockroom that cameras see, where they lost somebody", func(s *story) {
			s.walk("cam-2", "B", -3, -1, Point{7.2, 3}, Point{7.8, 3})
			staffSeenInStock(s)
			s.walk("cam-1", "A", 0, 4, Point{9, 3}, Point{4, 3})
		}, 0.01},
		{"works in a stockroom that cameras see", func(s *story) {
			staffSeenInStock(s)
			s.store.Staff.StartsIn = nil
			s.walk("cam-1", "A", -12, 6, Point{7, 3}, Point{9, 3}, Point{9, 3.2})
		}, 0.9},
		{"begins and works in a stockroom that cameras see", func(s *story) {
			staffSeenInStock(s)
			s.walk("cam-1", "A", -6, 6, Point{9, 3}, Point{9, 3.2})
		}, 0.95},
		{"comes out of a stockroom into which no camera looks, and nobody was lost there", func(s *story) {
			closedStock(s)
			s.walk("cam-1", "A", 0, 4, Point{8.1, 3}, Point{4, 3})
		}, 0.9},
		{"is first seen just outside of a stockroom into which no camera looks", func(s *story) {
			closedStock(s)
			s.walk("cam-1", "A", 0, 4, Point{7.5, 3}, Point{4, 3})
		}, 0.9},
		{"is first seen a metre from a stockroom into which no camera looks", func(s *story) {
			closedStock(s)
			s.walk("cam-1", "A", 0, 4, Point{7, 3}, Point{4, 3})
		}, 0.01},
		{"walks past a stockroom into which no camera looks", func(s *story) {
			closedStock(s)
			s.walk("cam-1", "A", -2, 4, Point{4, 3}, Point{8.1, 3}, Point{4, 3})
		}, 0.01},
		{"walks by where a task is planned", func(s *story) {
			s.store.Staff.Tasks = []Task{{From: at(0), To: at(60), Zone: aisleZone}}
			s.walk("cam-1", "A", 0, 6, Point{1, 3}, Point{4, 3})
		}, 0.01},
		{"works where a task is planned, for half of it", func(s *story) {
			s.store.Staff.Tasks = []Task{{From: at(-18), To: at(4), Zone: aisleZone}}
			s.walk("cam-1", "A", -20, 6, Point{1, 3}, Point{4, 3})
		}, 0.5},
		{"works where a long task is planned, for a minute", func(s *story) {
			s.store.Staff.Tasks = []Task{{From: at(-7200), To: at(7200), Zone: aisleZone}}
			s.walk("cam-1", "A", -60, 6, Point{1, 3}, Point{4, 3})
		}, 0.5},
		{"somebody known as staff is there: it is his task", func(s *story) {
			s.store.Staff.Tasks = []Task{{From: at(0), To: at(8), Zone: aisleZone}}
			s.store.Staff.Tracks = []string{"S"}
			s.walk("cam-1", "S", -4, 6, Point{4, 3})
			s.walk("cam-1", "A", -3, 6, Point{1, 1}, Point{1, 4})
		}, 0.01},
		{"a device without positions says that he is there", func(s *story) {
			s.store.Staff.Tasks = []Task{{From: at(-6), To: at(8), Zone: aisleZone}}
			s.store.Staff.Tracks = []string{"S"}
			s.event("axis-1", -20, Event{ID: "S", Name: person, Zone: aisleZone, Action: Enter, Conf: 1})
			s.walk("cam-1", "A", -6, 6, Point{1, 3}, Point{4, 3})
		}, 0.01},
		{"he was there long ago, when the camera lost him", func(s *story) {
			s.store.Staff.Tasks = []Task{{From: at(-6), To: at(8), Zone: aisleZone}}
			s.store.Staff.Tracks = []string{"S"}
			s.walk("cam-1", "S", -22, -20, Point{4, 3})
			s.walk("cam-1", "A", -6, 6, Point{1, 3}, Point{4, 3})
		}, 0.5},
		{"the task is over", func(s *story) {
			s.store.Staff.Tasks = []Task{{From: at(-60), To: at(-8), Zone: aisleZone}}
			s.walk("cam-1", "A", -20, 6, Point{1, 3}, Point{4, 3})
		}, 0.01},
		{"a test names the track", func(s *story) {
			s.store.Staff.Tracks = []string{"A"}
			s.walk("cam-1", "A", 0, 4, Point{1, 3}, Point{4, 3})
		}, 0.98},
		{"wears a badge", func(s *story) {
			s.store.Staff.Badges = []string{EPCURI(staffBadge)}
			s.walk("cam-1", "A", 0, 4, Point{4, 3}, Point{4, 0.5})
			s.event("r-door", 3.5, Event{ID: staffBadge, Antenna: 1, RSSI: -50, Zone: -1})
		}, 0.93},
		{"walks past the badge of a cashier whom the reader hears all the while", func(s *story) {
			s.store.Staff.Badges = []string{EPCURI(staffBadge)}
			s.walk("cam-1", "A", 0, 4, Point{4, 3}, Point{4, 0.5})
			for i := range 40 {
				s.event("r-door", -35+float64(i), Event{ID: staffBadge, Antenna: 1, RSSI: -60, Zone: -1})
			}
		}, 0.01},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			c.setUp(s)
			s.tell(6)
			v := s.of("cam-1/A")
			if !near(v.Staff, c.want, 0.021) {
				t.Errorf("staff %.3f; want %.2f", v.Staff, c.want)
			}
			if told := s.facts(v, FactStaff) != ""; told != (c.want > 0.01) {
				t.Errorf("told: %v", told)
			}
		})
	}
}

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []Point
		from float64
		want float64
	}{
		{"come in together, stay together", []Point{{1, 1.4}, {6, 3.5}}, 0.4, 0.6},
		{"come in together, part at once", []Point{{1, 1.4}, {1, 4.9}}, 0.4, 0},
		{"come in apart", []Point{{1, 1.4}, {6, 3.5}}, 10, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.walk("cam-1", "A", 0, 10, Point{1, 1}, Point{6, 3})
			s.walk("cam-1", "A", 10.2, 20, Point{6, 3}, Point{6, 1})
			s.walk("cam-1", "B", c.from, c.from+10, c.b...)
			s.walk("cam-1", "B", c.from+10.2, 22, c.b[1])
			s.till(17, "1", Open, "")
			s.till(18, "1", Scan, "071142008582")
			s.till(19, "1", Tender, "")
			s.till(19.5, "1", Close, "")
			s.tell(22)
			b := s.of("cam-1/B")
			if got := s.view(b).GroupPaid(); got < c.want || c.want == 0 && got > 0 {
				t.Errorf("group_paid() = %.3f; want %v", got, c.want)
			}
			if n := len(b.paidBy); n > 1 {
				t.Errorf("one payment counts %d times", n)
			}
			if paid := s.of("cam-1/A").Paid; !paid {
				t.Error("A has not paid")
			}
		})
	}
}

func TestBounds(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 60, Point{4, 0.5})
	for i := range 200 {
		s.event("line-1", 1+float64(i)*0.25, Event{ID: "x", Name: fmt.Sprint("input ", i), On: true, Zone: -1})
	}
	for i := range 40 { // forty tags lie about, one is carried out
		epc := fmt.Sprintf("AABB1%019d", i)
		for k := range 200 {
			s.event("r-door", 1+float64(k)*0.25, Event{ID: epc, Antenna: 1, RSSI: -60, Zone: -1})
		}
	}
	s.carry("r-door", jacketTag, 52)
	w := s.tell(60)
	v := s.of("cam-1/A")
	if v.Facts.Len() > maxFacts || len(v.tags) > maxBasket || len(v.Basket) > maxBasket {
		t.Errorf("%d facts, %d tags, %d items", v.Facts.Len(), len(v.tags), len(v.Basket))
	}
	if w.Evictions() == 0 {
		t.Error("nothing was counted as dropped")
	}
	if m := s.view(v).Moved(s.place(Exit)); m < 0.5 {
		t.Errorf("moved %.2f: the tag that was carried out was forgotten for those that lie about", m)
	}
	for i := range 40 {
		w.item(v, 100+i, "").N = 1
	}
	if len(v.Basket) != maxBasket || slices.ContainsFunc(v.Basket, func(it Item) bool { return it.Product == 100 }) {
		t.Errorf("%d lines; want the newest %d", len(v.Basket), maxBasket)
	}
}

// TestMates: companions are near each other for half of their time or so, strangers who came in together are not.
func TestMates(t *testing.T) {
	for _, c := range []struct {
		name         string
		beside, seen int32
		want         float64
	}{
		{"just came in", 2, 2, 0.53},
		{"stays together", 100, 110, groupMost},
		{"half of the time", 60, 120, groupMost},
		{"two fifths", 48, 116, 0.8},
		{"a fifth", 24, 116, 0},
		{"parted at once", 4, 100, 0},
		{"never seen together", 0, 0, 0},
	} {
		m := mate{beside: c.beside, seen: c.seen}
		if p := m.p(); !near(p, c.want, 0.01) {
			t.Errorf("%s: %.3f; want %.2f", c.name, p, c.want)
		}
	}
}
