// Package fusion holds the words of the domain and the deterministic core that folds events, in event time, into visits.
// It knows no clock, goroutine, lock, file or log: what it says is a function of what it was given.
package fusion

import (
	"math"
	"slices"
	"sort"
)

// Judge is what judges visits while they are folded: its state J is copied with the world, for checkpoints and for
// provisional views, so that it too is a function of the facts folded so far.
type Judge[J any] struct {
	New   func() J
	Clone func(J) J
	Facts func(J, *World, []Change) // after each event or timer that made facts, with those facts
	Due   func(J) int64             // its next timer, math.MaxInt64 if none
	Fire  func(J, *World, int64)    // its timers due by then
}

// Verdict says what became of a message.
type Verdict uint8

// What Add says of a message.
const (
	Accepted  Verdict = iota // on time
	Late                     // behind the watermark by no more than MaxBehind: it revises
	Duplicate                // dropped, the same was there before
	TooLate                  // further behind: to be rejected
)

// MaxBehind is how far behind the watermark a message may be and still count (contract §1).
const MaxBehind = 60 * second

const (
	checkpointEvery = 15 * second
	keepFacts       = MaxBehind + checkpointEvery
)

// Counters are running totals of one source.
type Counters struct {
	Received, Late, Duplicates, TooLate int64
}

// Core folds the messages of one store. Its watermark is the newest arrival less the largest lateness of the site; events
// before it are folded for good, in order; events behind it re-fold from a checkpoint.
type Core[J any] struct {
	Store    *Store
	Counters []Counters // by source
	Refolds  int        // how often late messages made the core fold again

	Checkpoints int // how many copies of the state were kept so far

	judge       Judge[J]
	newest      int64 // A: the newest arrival, ns
	watermark   int64 // W
	state       *state[J]
	pending     []Event // not yet folded, in order
	past        []Event // folded, back to the oldest checkpoint, in order
	checkpoints []*state[J]
	dirty       int64 // oldest late event since the last advance, math.MaxInt64: none
	seen        map[ident]struct{}
	seenAt      []sighting // in order of arrival, for forgetting
	urgency     urgency
}

// state is what folding has made so far: all events before at are in it, and the timers due before at have fired.
type state[J any] struct {
	at    int64
	world *World
	judge J
}

// ident is the identity of a message: duplicates have the same, whose ts is in the hash if the device sent one.
type ident struct {
	hash   uint64
	source int
}

// sighting is when a message was.
type sighting struct {
	ident
	ts int64
}

// NewCore returns a core without history.
func NewCore[J any](s *Store, j Judge[J]) *Core[J] {
	return &Core[J]{Store: s, judge: j, Counters: make([]Counters, len(s.Sources)), dirty: math.MaxInt64,
		state: &state[J]{at: math.MinInt64, world: NewWorld(s), judge: j.New()}, seen: map[ident]struct{}{}}
}

// Watermark is the event time up to which everything on time has arrived, ns.
func (c *Core[J]) Watermark() int64 { return c.watermark }

// Pending is the number of events that wait for the watermark.
func (c *Core[J]) Pending() int { return len(c.pending) }

// Confirmed gives what is folded for good. The caller may read it until the next call.
func (c *Core[J]) Confirmed() (*World, J) { return c.state.world, c.state.judge }

// Arrive says that a line was received, whatever it holds: arrivals move the watermark. Call Advance to fold.
func (c *Core[J]) Arrive(received int64) {
	c.newest = max(c.newest, received)
	c.watermark = c.newest - c.Store.MaxLateness()
}

// Add takes a message. Its line must have been given to Arrive before.
func (c *Core[J]) Add(m *Message) Verdict {
	n := &c.Counters[m.Source]
	n.Received++
	behind := c.watermark - m.TS
	if behind > MaxBehind {
		n.TooLate++
		return TooLate
	}
	if m.Ident != 0 {
		id := ident{m.Ident, m.Source}
		if _, again := c.seen[id]; again {
			n.Duplicates++
			return Duplicate
		}
		c.seen[id] = struct{}{}
		c.seenAt = append(c.seenAt, sighting{id, m.TS})
	}
	for i := range m.Events {
		m.Events[i].Retained = m.Retained
		c.insert(&m.Events[i])
	}
	if behind > 0 {
		n.Late++
		return Late
	}
	return Accepted
}

func (c *Core[J]) insert(e *Event) {
	to := &c.pending
	if e.TS < c.state.at {
		to = &c.past
		c.dirty = min(c.dirty, e.TS)
	}
	list := *to
	i := len(list)
	for i > 0 && list[i-1].Compare(e) > 0 && len(list)-i < 32 {
		i--
	}
	if i > 0 && list[i-1].Compare(e) > 0 {
		i = sort.Search(i, func(k int) bool { return list[k].Compare(e) > 0 })
	}
	list = append(list, Event{})
	copy(list[i+1:], list[i:])
	list[i] = *e
	*to = list
}

// Advance folds what the watermark has passed. It reports whether late events made it fold again: then the judge's state
// may differ from what it was about moments that had been confirmed.
func (c *Core[J]) Advance() (refolded bool) { return c.advance(c.watermark) }

// Finish is the end of a recording: the watermark moves to the newest arrival, timers due by then fire, open visits end.
// What is dated later than the newest arrival is not folded any more.
func (c *Core[J]) Finish() (refolded bool) {
	refolded = c.advance(c.newest + 1)
	c.watermark = c.newest + 1
	if n := len(c.pending); n > 0 {
		c.watermark = c.pending[n-1].TS + 1 // nothing that was supposed of it can be confirmed
		c.pending = nil
	}
	c.state.world.Close(c.newest)
	c.judge.Facts(c.state.judge, c.state.world, c.state.world.Changes())
	return refolded
}

func (c *Core[J]) advance(to int64) bool {
	refold := c.dirty < c.state.at
	if refold {
		c.rewind(c.dirty)
		c.Refolds++
	}
	c.dirty = math.MaxInt64
	n := 0
	for n < len(c.pending) && c.pending[n].TS < to {
		e := &c.pending[n]
		c.checkpoint(e.TS)
		c.fold(c.state, e)
		n++
	}
	if to > c.state.at && c.state.at != math.MinInt64 || n > 0 {
		c.fire(c.state, to)
		c.state.at = max(c.state.at, to)
	}
	if n > 0 {
		c.past = append(c.past, c.pending[:n]...)
		c.pending = c.pending[n:]
	}
	c.forget()
	return refold
}

// rewind goes back to the newest checkpoint that holds nothing at or after ts; what was folded since waits again.
func (c *Core[J]) rewind(ts int64) {
	i := len(c.checkpoints) - 1
	for i >= 0 && c.checkpoints[i].at > ts {
		i--
	}
	if i >= 0 {
		c.state = c.clone(c.checkpoints[i])
	} else {
		c.state = &state[J]{at: math.MinInt64, world: NewWorld(c.Store), judge: c.judge.New()}
	}
	c.checkpoints = c.checkpoints[:i+1]
	from := sort.Search(len(c.past), func(k int) bool { return c.past[k].TS >= c.state.at })
	c.pending = slices.Concat(c.past[from:], c.pending)
	c.past = c.past[:from]
}

func (c *Core[J]) clone(s *state[J]) *state[J] {
	return &state[J]{s.at, s.world.Clone(), c.judge.Clone(s.judge)}
}

// checkpoint keeps a copy of the state before the first event at ts, if the last copy is old enough.
func (c *Core[J]) checkpoint(ts int64) {
	s := c.state
	if ts <= s.at || s.at == math.MinInt64 {
		return
	}
	if n := len(c.checkpoints); n > 0 && ts-c.checkpoints[n-1].at < checkpointEvery {
		return
	}
	c.fire(s, ts)
	s.at = ts
	c.checkpoints = append(c.checkpoints, c.clone(s))
	c.Checkpoints++
}

// fold takes one event, after the timers that are due by then.
func (c *Core[J]) fold(s *state[J], e *Event) {
	c.fire(s, e.TS+1)
	s.world.Fold(e)
	if f := s.world.Changes(); len(f) > 0 {
		c.judge.Facts(s.judge, s.world, f)
	}
	s.at = max(s.at, e.TS)
}

// fire fires the timers due before ts, the world's before the judge's when due together.
func (c *Core[J]) fire(s *state[J], ts int64) {
	for {
		w, j := s.world.Due(), c.judge.Due(s.judge)
		due := min(w, j)
		if due >= ts {
			return
		}
		if w <= j {
			s.world.Fire(w)
			if f := s.world.Changes(); len(f) > 0 {
				c.judge.Facts(s.judge, s.world, f)
			}
		} else {
			s.world.now = max(s.world.now, j)
			c.judge.Fire(s.judge, s.world, j)
		}
	}
}

// forget drops what no late message can reach any more.
func (c *Core[J]) forget() {
	oldest := c.watermark - keepFacts
	i := 0
	for i+1 < len(c.checkpoints) && c.checkpoints[i+1].at <= oldest+checkpointEvery {
		i++
	}
	if i > 0 {
		c.checkpoints = append(c.checkpoints[:0], c.checkpoints[i:]...)
	}
	if len(c.checkpoints) > 0 && c.checkpoints[0].at <= oldest+checkpointEvery {
		at := c.checkpoints[0].at
		n := sort.Search(len(c.past), func(k int) bool { return c.past[k].TS >= at })
		if n > 256 {
			c.past = append(c.past[:0], c.past[n:]...)
		}
	}
	n := 0
	for n < len(c.seenAt) && c.seenAt[n].ts < oldest {
		delete(c.seen, c.seenAt[n].ident)
		n++
	}
	c.seenAt = c.seenAt[n:]
}

// Provisional gives what would be if nothing came any more that belongs before what is here: a copy of the confirmed state
// with every waiting event folded. Nothing of it is kept.
func (c *Core[J]) Provisional() (*World, J) {
	s := c.clone(c.state)
	for i := range c.pending {
		c.fold(s, &c.pending[i])
	}
	c.urgency.holding = holding(s.world)
	return s.world, s.judge
}
