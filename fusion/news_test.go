package fusion

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// awake is a run at a gate whose reader has been up since a time.
func awake(since float64) *tagRun {
	r := newRun()
	up := liveness{first: int64(since * 1e9), last: int64(since * 1e9), every: 3600 * second}
	r.t.live = []liveness{up, up}
	return r
}

// many reads a tag at the gate n times over some seconds, all at one level if sd is 0.
func (r *tagRun) many(from, span float64, n int, epc string, sd float64) {
	rnd := rand.New(rand.NewPCG(uint64(n), 9))
	for i := range n {
		r.read(from+span*float64(i)/float64(n), epc, 1, 1, -58+sd*rnd.NormFloat64(), 0)
	}
}

// TestMovedWithoutLevels: where a reader tells no levels, a tag that has just come is likely moved, one with a history is not, and
// one that stays has not gone.
func TestMovedWithoutLevels(t *testing.T) {
	for _, c := range []struct {
		name      string
		up        float64 // the reader
		before    []float64
		span      float64
		n         int
		at        float64 // when it is asked
		low, high float64
	}{
		{"new", 1, nil, 1.5, 5, 610, 0.7, 0.9},
		{"new, one read", 1, nil, 1, 1, 610, 0.6, 0.75},
		{"the reader has just woken", 590, nil, 1.5, 5, 610, 0, 0.35},
		{"it came once before", 1, []float64{400}, 1.5, 5, 610, 0.1, 0.35},
		{"it comes and goes", 1, []float64{100, 180, 260, 300, 420, 480, 540}, 1.5, 5, 610, 0, 0.1},
		{"it was there moments ago", 1, []float64{595}, 1.5, 5, 610, 0.5, 0.9},
		{"it stays", 1, nil, 40, 160, 610, 0.2, 0.8},
		{"it has stayed", 1, nil, 40, 160, 650, 0, 0.05},
		{"half an hour ago", -3600, []float64{-1800}, 1.5, 5, 610, 0.7, 0.9},
	} {
		r := awake(c.up + 10000)
		for _, at := range c.before {
			r.many(at+10000, 0.2, 1, taco, 0)
		}
		r.advance(10599e9)
		r.facts = nil
		r.many(10600, c.span, c.n, taco, 0)
		r.end()
		if p := r.moved(c.at + 10000); p < c.low || p > c.high {
			t.Errorf("%s: P %.3f; want %.2f to %.2f", c.name, p, c.low, c.high)
		}
	}
}

// TestMovedNew: with levels too, what has just come is moved sooner, and is not once it lies there.
func TestMovedNew(t *testing.T) {
	p := func(up float64, span float64, n int, at float64) float64 {
		r := awake(up)
		r.read(up, "E280AB00", 1, 1, -70, 0) // it tells levels
		r.many(600, span, n, taco, 1.5)
		r.end()
		return r.moved(at)
	}
	fresh, woken, lies := p(1, 1, 4, 610), p(599, 1, 4, 610), p(1, 40, 200, 641)
	if fresh < woken+0.04 || fresh > 0.5 {
		t.Errorf("P %.3f of what has just come, %.3f if the reader has", fresh, woken)
	}
	if lies > 0.1 {
		t.Errorf("P %.3f of what has lain there for 40 s", lies)
	}
}

// TestMovedOften: of a tag that a door has hardly heard before, how often it is heard tells, and not how loud: one read is nothing, twenty at one level have
// come nearer. What has given as many all the time lies there.
func TestMovedOften(t *testing.T) {
	p := func(before float64, n int) float64 { // reads a second before, and reads in two seconds
		r := awake(1)
		r.read(1, "E280AB00", 1, 1, -70, 0) // it tells levels
		for at := 2.0; before > 0 && at < 600; at += 1 / before {
			r.read(at, taco, 1, 1, -58, 0)
		}
		for i := range n {
			r.read(600+2*float64(i)/float64(n), taco, 1, 1, -58, 0)
		}
		r.end()
		return r.moved(602)
	}
	if one, many := p(0, 1), p(0, 20); one > 0.15 || many < 0.85 {
		t.Errorf("P %.3f of one read, %.3f of twenty; want at most 0.15 and 0.85 or more", one, many)
	}
	if stray, lies := p(0.05, 20), p(10, 20); stray < 5*lies || lies > 0.1 {
		t.Errorf("P %.3f of what was heard every 20 s before, %.3f of what was heard all the time; want much more, and at most 0.1", stray, lies)
	}
}

// TestMovedTogether: seven that were never heard there and come at once make each other likelier, whichever is read first; seven
// that lie there do not.
func TestMovedTogether(t *testing.T) {
	burst := func(n int, apart float64, up float64, backwards bool) ([]Fact, float64) {
		r := awake(up)
		r.read(up, "E280AB00", 1, 1, -70, 0)
		var order []int
		for k := range n {
			order = append(order, k)
		}
		if backwards {
			slices.Reverse(order)
		}
		for i := range 24 { // reads of one moment may come in any order
			for _, k := range order {
				if at := 10 * (float64(i)/10 - apart*float64(k)); at >= 0 && at < 10 {
					r.read(600+float64(i)/10, fmt.Sprintf("E280AB0%d", 1+k), 1, 1, -58+float64((i*i+k)%5), 0)
				}
			}
		}
		r.end()
		p := map[string]float64{}
		for _, f := range r.facts {
			if f.Kind == FactMoved {
				p[f.Name] = f.P
			}
		}
		least := 1.0
		for k := range n {
			least = min(least, p[fmt.Sprintf("E280AB0%d", 1+k)])
		}
		return r.facts, least
	}
	_, alone := burst(1, 0, 1, false)
	facts, seven := burst(7, 0.2, 1, false)
	_, woken := burst(7, 0.2, 599, false)
	if seven < alone+0.1 || seven < 0.8 {
		t.Errorf("P %.3f of the least of seven, %.3f alone; want much more", seven, alone)
	}
	if woken > alone {
		t.Errorf("P %.3f of seven when the reader wakes, %.3f of one that has just come", woken, alone)
	}
	if again, _ := burst(7, 0.2, 1, true); !slices.Equal(facts, again) {
		t.Error("the order of the reads shows")
	}
}

// TestTagsOfADevice: what a device that only tells of zones says of a tag at a way out: it goes out the first time. Later it lies
// there, and so does what never leaves.
func TestTagsOfADevice(t *testing.T) {
	door := func(s *story, sec float64, a Action) {
		s.event("axis-1", sec, Event{ID: jacketTag, Name: classTag, Action: a, Zone: doorZone, Conf: 1})
	}
	up := func(s *story, sec float64) {
		s.event("axis-1", sec, Event{Kind: Status, Action: Online, Every: 3600 * second})
	}
	outs := func(s *story, after float64) (n int) {
		for _, v := range s.visits() {
			for f := range v.Facts.All() {
				if f.Kind == FactExited && f.At > at(after) {
					n++
				}
			}
		}
		return n
	}

	s := newBagStory(t)
	up(s, 1)
	for _, sec := range []float64{400, 460, 520} {
		door(s, sec, Enter)
		door(s, sec+4, Leave)
	}
	s.tell(560)
	if first, later := outs(s, 0), outs(s, 450); first != 1 || later != 0 {
		t.Errorf("it went out %d times, %d of them later; want once and never again", first, later)
	}

	s = newBagStory(t)
	door(s, 400, Enter)
	s.tell(410)
	if n := outs(s, 0); n != 0 {
		t.Errorf("it went out %d times past a reader that has just woken", n)
	}

	moved := func(until float64) (m float64) { // A comes to the door with it and turns back
		s := newBagStory(t)
		up(s, 1)
		s.walk("cam-1", "A", 390, 399, Point{4, 3}, Point{4, 0.7})
		s.walk("cam-1", "A", 399.2, 402, Point{4, 0.7})
		s.walk("cam-1", "A", 402.2, 460, Point{4, 0.7}, Point{4, 4.5})
		door(s, 400, Enter)
		s.tell(until)
		return s.view(s.of("cam-1/A")).Moved(s.place(Exit))
	}
	if now, later := moved(402), moved(440); now < 0.5 || later > 0.05 {
		t.Errorf("A has carried it through: %.2f at once, %.2f while it is still there", now, later)
	}
}
