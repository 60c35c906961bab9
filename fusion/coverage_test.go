package fusion

import "testing"

func TestCoverage(t *testing.T) {
	sign := func(s *story, source string, from, to, every float64) {
		for sec := from; sec <= to; sec += every {
			s.event(source, sec, Event{Kind: Status, Action: Online, Zone: -1})
		}
	}
	off := func(s *story, source string, sec float64) {
		s.event(source, sec, Event{Kind: Status, Action: Offline, Zone: -1})
	}
	for _, c := range []struct {
		name string
		tell func(s *story)
		at   float64
		want float64
	}{
		{"reports all the while", func(s *story) { sign(s, "r-door", 0, 120, 10) }, 120, 1},
		{"never reported", func(s *story) { sign(s, "cam-1", 0, 120, 10) }, 120, 0},
		{"its will came half a minute ago", func(s *story) {
			sign(s, "r-door", 0, 90, 10)
			off(s, "r-door", 90)
		}, 120, 0.5},
		{"silent for three times every, then idle", func(s *story) {
			sign(s, "r-door", 0, 60, 10)
		}, 120, 0.5},
		{"a source that says so less often may be silent for longer", func(s *story) {
			s.event("r-door", 0, Event{Kind: Status, Action: Online, Every: 30 * second, Zone: -1})
			sign(s, "cam-1", 0, 120, 10)
			s.event("r-door", 60, Event{Kind: Status, Action: Online, Every: 30 * second, Zone: -1})
		}, 120, 1},
		{"a hole that is over counts for a minute", func(s *story) {
			sign(s, "r-door", 0, 70, 10)
			off(s, "r-door", 70)
			sign(s, "r-door", 85, 125, 10)
		}, 120, 0.75},
		{"and not longer", func(s *story) {
			sign(s, "r-door", 0, 70, 10)
			off(s, "r-door", 70)
			sign(s, "r-door", 85, 185, 10)
		}, 150, 1},
		{"the recording began less than a minute ago", func(s *story) { sign(s, "r-door", 0, 20, 10) }, 20, 1},
		{"and it was away for half of that", func(s *story) {
			sign(s, "r-door", 0, 0, 10)
			off(s, "r-door", 10)
		}, 20, 0.5},
		{"a retained message is no sign of life", func(s *story) {
			sign(s, "cam-1", 0, 120, 10)
			s.event("r-door", 60, Event{Kind: Status, Action: Online, Retained: true, Zone: -1})
		}, 120, 0},
		{"a read is", func(s *story) {
			sign(s, "cam-1", 0, 120, 10)
			for sec := 0.0; sec <= 120; sec += 10 {
				s.event("r-door", sec, Event{ID: foreign, Antenna: 1, RSSI: -60, Zone: -1})
			}
		}, 120, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			c.tell(s)
			w := s.tell(c.at)
			v := View{World: w, Visit: w.store, Now: at(c.at)}
			if got := v.Coverage(ByRFID, s.place(Exit)); !near(got, c.want, 1e-9) {
				t.Errorf("coverage %.3f; want %v", got, c.want)
			}
		})
	}
}

// TestSilence: tags count as silent only where they could have been read all the while.
func TestSilence(t *testing.T) {
	for _, alive := range []bool{true, false} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 2.8, Point{4, 3}, atDoor)
		s.walk("cam-1", "A", 3, 40, atDoor)
		s.carry("r-door", sauceTag, 3)
		for sec := 0.0; sec <= 40; sec += 10 {
			if alive || sec < 15 {
				s.event("r-door", sec, Event{Kind: Status, Action: Online, Zone: -1})
				s.event("r-aisle", sec, Event{Kind: Status, Action: Online, Zone: -1})
			}
		}
		if !alive {
			s.event("r-door", 15, Event{Kind: Status, Action: Offline, Zone: -1})
			s.event("r-aisle", 15, Event{Kind: Status, Action: Offline, Zone: -1})
		}
		s.tell(40)
		if got := s.view(s.of("cam-1/A")).Silent(20 * second); got != alive {
			t.Errorf("readers alive %v: silent %v", alive, got)
		}
	}
}

// TestDark: a source is known to have been off from its will on, or since the last sign of life that it gives regularly; one that speaks only when there is
// something to tell is never known to be.
func TestDark(t *testing.T) {
	at := func(sec float64) int64 { return int64(sec * float64(second)) }
	signs := func(l *liveness, from, to float64) {
		for sec := from; sec <= to; sec += 10 {
			l.sign(at(sec), 0)
			l.beat(at(sec))
		}
	}
	for _, c := range []struct {
		name     string
		tell     func(l *liveness)
		from, to float64
		want     float64 // s
	}{
		{"alive", func(l *liveness) { signs(l, 10, 200) }, 100, 130, 0},
		{"silent since the last sign", func(l *liveness) { signs(l, 10, 110) }, 100, 150, 40},
		{"not silent for long enough to be known", func(l *liveness) { signs(l, 10, 110) }, 100, 130, 0},
		{"back again", func(l *liveness) { signs(l, 10, 110); signs(l, 170, 200) }, 100, 200, 60},
		{"its will", func(l *liveness) { signs(l, 10, 110); l.offline(at(112)) }, 100, 130, 20},
		{"its will, long after it fell silent", func(l *liveness) { signs(l, 10, 110); l.offline(at(190)) }, 100, 200, 90},
		{"its will, and back again", func(l *liveness) { signs(l, 10, 110); l.offline(at(112)); signs(l, 120, 130) }, 100, 130, 10},
		{"a till that speaks of sales alone", func(l *liveness) { l.sign(at(20), 0); l.sign(at(210), 0) }, 100, 130, 0},
		{"and then says that it goes", func(l *liveness) { l.sign(at(20), 0); l.offline(at(110)) }, 100, 130, 20},
		{"one that says that it is there when it connects, three times in an hour", func(l *liveness) {
			for _, sec := range []float64{10, 1000, 2000} {
				signs(l, sec, sec)
			}
		}, 1100, 1500, 0},
		{"one that says from now on that it is there every minute", func(l *liveness) {
			l.sign(at(10), 0)
			for _, sec := range []float64{70, 130, 190, 250} {
				l.sign(at(sec), 60*second)
				l.beat(at(sec))
			}
		}, 0, 60, 60},
	} {
		l := liveness{every: defaultEvery}
		c.tell(&l)
		if got := l.alive(at(c.from), at(c.to)); got < 0 || got > 1 {
			t.Errorf("%s: alive %g", c.name, got)
		}
		if got := float64(l.dark(at(c.from), at(c.to), at(c.to))) / 1e9; got != c.want {
			t.Errorf("%s: %g s, want %g", c.name, got, c.want)
		}
	}
}

// TestDarkLater: what was dark while somebody was there shows when the silence has lasted long enough.
func TestDarkLater(t *testing.T) {
	l := liveness{every: defaultEvery}
	for sec := int64(10); sec <= 110; sec += 10 {
		l.sign(sec*second, 0)
		l.beat(sec * second)
	}
	for now, want := range map[int64]int64{130: 0, 140: 0, 141: 20, 200: 20} {
		if got := l.dark(100*second, 130*second, now*second) / second; got != want {
			t.Errorf("at %d s: %d s, want %d", now, got, want)
		}
	}
}

// TestUnheard: who stands at two tills of which one is off, or both, or neither; one that never spoke is not used, unless neither did.
func TestUnheard(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func(s *story)
		want float64 // s
	}{
		{"neither ever spoke", func(*story) {}, 20},
		{"one is not used", func(s *story) { s.event("sco-1", 5, Event{Kind: Status, Action: Online, Zone: -1}) }, 0},
		{"one is off", func(s *story) {
			s.event("sco-1", 5, Event{Kind: Status, Action: Online, Zone: -1})
			s.event("sco-2", 5, Event{Kind: Status, Action: Online, Zone: -1})
			s.event("sco-2", 6, Event{Kind: Status, Action: Offline, Zone: -1})
		}, 10},
		{"both are", func(s *story) {
			for _, till := range []string{"sco-1", "sco-2"} {
				s.event(till, 5, Event{Kind: Status, Action: Online, Zone: -1})
				s.event(till, 6, Event{Kind: Status, Action: Offline, Zone: -1})
			}
		}, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.store.Tills = append(s.store.Tills, Till{ID: "sco-2", Zone: tillZone, Self: true})
			s.store.Sources = append(s.store.Sources, Source{ID: "sco-2", Kind: TillKind, Lateness: 3 * second, Zones: []int{tillZone}})
			s.store.Index()
			s.walk("cam-1", "A", 0, 8, Point{4, 3})
			s.walk("cam-1", "A", 8.5, 10, Point{4, 3}, Point{6.5, 1})
			s.walk("cam-1", "A", 10.2, 30, Point{6.5, 1})
			c.tell(s)
			s.tell(30)
			v := s.view(s.of("cam-1/A"))
			if got := v.Unheard(ByTill, s.place(Checkout)); !near(got, c.want*v.Dwell(s.place(Checkout))/20, 0.01) {
				t.Errorf("%.2f s of %.2f; want %v of 20", got, v.Dwell(s.place(Checkout)), c.want)
			}
		})
	}
}
