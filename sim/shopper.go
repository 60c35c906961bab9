package sim

import (
	"math"
	"time"

	"magpie/fusion"
)

// tick is the step of the store's time: people are moved and tags are read ten times a second.
const tick = 100 * time.Millisecond

// shopper is somebody in the store, who does one task after the other.
type shopper struct {
	name  string // in the truth alone
	staff bool
	here  fusion.Point
	speed float64 // m/s
	tall  float64 // metres
	tasks []task
	stay  time.Duration // until when the task's place is not left
	there bool          // at the place of the first task

	held  []*unit
	cart  bool
	group *group
	hands []gesture
	sight map[int]*sighting // by camera
	gone  bool

	truth *Visit
}

// group are people who came together.
type group struct{ members []*shopper }

// task is a thing to do: walk to a place if there is one, stay for a while, then do.
type task struct {
	to     *fusion.Point
	stay   time.Duration
	do     func()
	routed bool // the way to it is among the tasks before it
}

// unit is one piece of goods.
type unit struct {
	product int
	grams   float64
	epc     string // "" when it has no tag, or no longer
	cover   cover
	scanned bool
	taken   time.Duration // when it left its shelf, or came in
	own     bool          // brought in
	fade    map[antenna]*fade
}

// cover is what hides a tag or its goods.
type cover uint8

const (
	openly cover = iota
	underClothes
	inBag
	inFoil
)

// plan appends tasks.
func (s *shopper) plan(tasks ...task) { s.tasks = append(s.tasks, tasks...) }

// first puts tasks before all others.
func (s *shopper) first(tasks ...task) { s.tasks = append(tasks, s.tasks...) }

func (s *shopper) walk(p fusion.Point) { s.plan(task{to: &p}) }

func (s *shopper) pause(t time.Duration) { s.plan(task{stay: t}) }

func (s *shopper) act(do func()) { s.plan(task{do: do}) }

// step moves a shopper by one tick and does what is due.
func (w *world) step(s *shopper) {
	for !s.gone {
		if len(s.tasks) == 0 {
			s.gone = true
			return
		}
		if t := &s.tasks[0]; t.to != nil && !t.routed {
			t.routed = true
			s.first(w.way(s.here, *t.to)...)
		}
		t := s.tasks[0]
		if !s.there {
			if t.to != nil && !w.approach(s, *t.to) {
				return
			}
			s.there, s.stay = true, w.now+t.stay
		}
		if w.now < s.stay {
			return
		}
		s.tasks, s.there = s.tasks[1:], false
		if t.do != nil {
			t.do()
		}
	}
}

// near is how close to a place somebody stops, metres.
const near = 0.25

// approach takes a step towards a place, around others who stand in the way, and reports whether it is reached.
func (w *world) approach(s *shopper, to fusion.Point) bool {
	dx, dy := to.X-s.here.X, to.Y-s.here.Y
	d := math.Hypot(dx, dy)
	if d < near {
		return true
	}
	vx, vy := dx/d, dy/d
	for _, o := range w.inside {
		if o == s || o.group != nil && o.group == s.group {
			continue
		}
		ox, oy := s.here.X-o.here.X, s.here.Y-o.here.Y
		if r := math.Hypot(ox, oy); r < 0.7 && r > 0.01 && d > 0.8 {
			push := (0.7 - r) / 0.7
			vx += float64(push * (ox - float64(0.7*oy)) / r) // and to one side, so that two who meet do not block each other
			vy += float64(push * (oy + float64(0.7*ox)) / r)
		}
	}
	v := max(0.3, math.Hypot(vx, vy))
	length := min(d, s.speed*tick.Seconds())
	s.here.X += float64(vx / v * length)
	s.here.Y += float64(vy / v * length)
	return math.Hypot(to.X-s.here.X, to.Y-s.here.Y) < near
}

// drop lets go of a unit.
func (s *shopper) drop(u *unit) {
	for i, h := range s.held {
		if h == u {
			s.held = append(s.held[:i], s.held[i+1:]...)
			return
		}
	}
}

// shows records that a camera could see a hand at a place; holding is 0 or 1 before, the other after.
func (w *world) shows(s *shopper, at [3]float64, before float64) {
	if w.dice.chance(w.m.hands) {
		s.hands = append(s.hands, gesture{w.now, at, before, 1 - before})
	}
}
