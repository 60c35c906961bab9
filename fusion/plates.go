package fusion

import "math"

// plates are the conditioners of all scales of a store. A plate is copied when it is first written after a clone, so that
// a clone costs two small slices.
type plates struct {
	all   []*plate // by scale
	mine  []bool   // may be written in place
	next  int64    // the least due, math.MaxInt64: none
	first int      // the first plate with that due
}

func newPlates(s *Store) plates {
	p := plates{all: make([]*plate, len(s.Scales)), mine: make([]bool, len(s.Scales)), next: math.MaxInt64}
	for i := range s.Scales {
		p.all[i], p.mine[i] = newPlate(&s.Scales[i], s.Products), true
	}
	return p
}

func (p *plates) clone() plates {
	c := *p
	clear(p.mine) // from here on neither may write what both hold
	c.all, c.mine = append([]*plate(nil), p.all...), make([]bool, len(p.mine))
	return c
}

// own returns a plate for writing; tell scheduled afterwards.
func (p *plates) own(i int) *plate {
	if !p.mine[i] {
		n := *p.all[i]
		p.all[i], p.mine[i] = &n, true
	}
	return p.all[i]
}

func (p *plates) add(i int, ts int64, grams float64, change bool, boot uint16) (step, bool) {
	o := p.own(i)
	if boot != 0 && boot != o.boot {
		if o.boot != 0 { // what it weighs after a start is no step
			o.hole()
		}
		o.boot = boot
	}
	s, ok := o.add(ts, grams, change)
	p.scheduled(i)
	return s, ok
}

func (p *plates) fire(i int, now int64) (step, bool) {
	s, ok := p.own(i).fire(now)
	p.scheduled(i)
	return s, ok
}

func (p *plates) hole(i int) {
	p.own(i).hole()
	p.scheduled(i)
}

// scheduled keeps the least due after a plate's own may have changed.
func (p *plates) scheduled(i int) {
	due := p.all[i].due()
	switch {
	case due < p.next || due == p.next && i < p.first && due != math.MaxInt64:
		p.next, p.first = due, i
	case i == p.first && due > p.next:
		p.next = math.MaxInt64
		for k, o := range p.all {
			if d := o.due(); d < p.next {
				p.next, p.first = d, k
			}
		}
	}
}
