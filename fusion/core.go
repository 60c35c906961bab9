// Package fusion holds the words of the domain and the deterministic core that folds events, in event time, into visits.
// It knows no clock, goroutine, lock, file or log: what it says is a function of what it was given.
package fusion

import "math"

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
	refoldEvery     = 250 * int64(1e6) // of arrival: what comes late in a burst is folded again together
	maxNames        = 2 * maxTags      // EPCs with a number; beyond it those of which nothing is known lose theirs
)

// Counters are running totals of one source.
type Counters struct {
	Received, Late, Duplicates, TooLate int64
}

// Core folds the messages of one store. Its watermark is the newest arrival less the largest lateness of the site; events
// before it are folded for good, in order; events behind it re-fold from a checkpoint.
type Core[J any] struct {
	Store       *Store
	NoClock     bool       // take every source's clock as right; set it before the first message
	Counters    []Counters // by source
	Refolds     int        // how often late messages made the core fold again
	Checkpoints int        // how many copies of the state were kept so far

	judge       Judge[J]
	newest      int64 // A: the newest arrival, ns
	watermark   int64 // W
	names       *names
	manyNames   int // twice as many as there were in use when last looked
	state       *state[J]
	epochs      epochs // what was received, back to the oldest checkpoint
	checkpoints []*state[J]
	late        []Event // what comes behind the state, until it is folded again
	oldest      int64   // ts of the oldest of them
	refoldAt    int64   // arrival at which the last was
	seen        seen
	urgency     urgency
	clocks      *clocks
	refolded    bool // when clocks were set, since Advance last said so
	oneOwner    bool
}

// state is what folding has made so far: all events before at are in it, and the timers due before at have fired. Readings
// are in it up to the last epoch that ended by then.
type state[J any] struct {
	at    int64
	next  int64 // number of the first epoch of which something may be left
	done  int   // events of that epoch that are in it
	world *World
	judge J
}

// NewCore returns a core without history.
func NewCore[J any](s *Store, j Judge[J]) *Core[J] {
	c := &Core[J]{Store: s, judge: j, Counters: make([]Counters, len(s.Sources)), names: newNames(s),
		seen: newSeen(len(s.Sources)), clocks: newClocks(s)}
	c.state = c.empty()
	return c
}

func (c *Core[J]) empty() *state[J] {
	s := &state[J]{at: math.MinInt64, next: math.MinInt64, world: NewWorld(c.Store), judge: c.judge.New()}
	s.world.tags.names = c.names
	s.world.clocks = c.clocks
	s.world.oneOwner = c.oneOwner
	return s
}

// OneOwner makes what somebody did wholly the likeliest one's, in place of sharing it among all who may have done it; call it
// before the first message. It serves to measure what sharing is worth.
func (c *Core[J]) OneOwner() {
	c.oneOwner = true
	c.state = c.empty()
}

// Watermark is the event time up to which everything on time has arrived, ns.
func (c *Core[J]) Watermark() int64 { return c.watermark }

// Pending is the number of events that wait to be folded.
func (c *Core[J]) Pending() int {
	n := len(c.late)
	for i := c.epochs.index(c.state.next); i < len(c.epochs.list); i++ {
		ep := c.epochs.list[i]
		n += ep.size()
		if ep.number == c.state.next {
			n -= c.state.done
		}
	}
	return n
}

// Confirmed gives what is folded for good. The caller may read it until the next call.
func (c *Core[J]) Confirmed() (*World, J) { return c.state.world, c.state.judge }

// Arrive says that a line was received, whatever it holds: arrivals move the watermark. Call Advance to fold.
func (c *Core[J]) Arrive(received int64) {
	before := c.newest
	c.newest = max(before, received)
	c.watermark = c.newest - c.Store.MaxLateness()
	if !c.NoClock && c.clocks.due(c.newest) {
		c.cutClocks(c.newest, before)
	}
}

// Add takes a message. Its line must have been given to Arrive before. Where the clock of its source is known to be wrong
// it sets the times of the message and its events right. Of copies the one that arrived first counts, whichever is read
// first.
func (c *Core[J]) Add(m *Message) Verdict {
	n := &c.Counters[m.Source]
	n.Received++
	if m.Clocked && !c.NoClock {
		c.setClock(m)
	}
	behind := c.watermark - m.TS
	if behind > MaxBehind {
		n.TooLate++
		return TooLate
	}
	if m.Ident != 0 {
		if was, again := c.seen.again(m, m.Kind == c.Store.Sources[m.Source].Kind, c.oldestCopy()); again {
			n.Duplicates++
			if m.taken().rank < was.rank {
				c.exchange(m, was)
			}
			return Duplicate
		}
	}
	for i := range m.Events {
		e := &m.Events[i]
		e.Retained = m.Retained
		c.put(e, c.folded(e), e.TS)
	}
	if behind > 0 {
		n.Late++
		return Late
	}
	return Accepted
}

// put puts an event among those that wait or, if it is late, among those with which all is folded again from some ts on.
func (c *Core[J]) put(e *Event, late bool, from int64) {
	if !late {
		c.insert(e)
		return
	}
	if len(c.late) == 0 || from < c.oldest {
		c.oldest = from
	}
	c.late = append(c.late, *e)
}

// folded reports whether the state is already past the moment at which an event would have been folded.
func (c *Core[J]) folded(e *Event) bool {
	if e.Kind == RFID || e.Kind == Weight {
		return epochOf(e.TS) < c.state.next
	}
	return e.TS < c.state.at
}

// Advance folds what the watermark has passed. It reports whether late events made it fold again: then the judge's state
// may differ from what it was about moments that had been confirmed. Late events that come within a quarter of a second of
// arrival are folded together, so that an outage that is made up for does not fold a minute again for every message.
func (c *Core[J]) Advance() (refolded bool) {
	refolded, c.refolded = c.refolded, false
	if len(c.late) > 0 && c.newest-c.refoldAt >= refoldEvery {
		c.rewind()
		refolded = true
	}
	c.advance(c.watermark)
	return refolded
}

// Finish is the end of a recording: the watermark moves to the newest arrival, timers due by then fire, open visits end.
// What is dated later than the newest arrival is not folded any more.
func (c *Core[J]) Finish() (refolded bool) {
	refolded, c.refolded = c.refolded, false
	if len(c.late) > 0 {
		c.rewind()
		refolded = true
	}
	c.advance(c.newest + 1)
	s := c.state
	if i := c.epochs.index(s.next); i < len(c.epochs.list) {
		ep := c.epochs.list[i]
		ep.tidySamples()
		s.world.readings(ep, c.newest+1, c.newest)
		c.tell(s)
	}
	c.watermark = c.newest + 1
	if n := len(c.epochs.list); n > 0 && c.epochs.list[n-1].end() > c.watermark {
		c.watermark = c.epochs.list[n-1].end() // nothing that was supposed of what is later can be confirmed
	}
	c.epochs.drop(math.MaxInt64)
	s.world.Close(c.newest)
	c.judge.Facts(s.judge, s.world, s.world.Changes())
	return refolded
}

func (c *Core[J]) advance(to int64) {
	s := c.state
	begun := s.at != math.MinInt64
	for i := c.epochs.index(s.next); i < len(c.epochs.list); i++ {
		ep := c.epochs.list[i]
		if ep.start() >= to {
			break
		}
		if c.foldEpoch(s, ep, to); s.next <= ep.number {
			begun = begun || s.done > 0
			break
		}
		begun = true
		c.checkpoint()
	}
	switch {
	case !begun:
		s.next, s.done = math.MinInt64, 0
	case to > s.at:
		c.fire(s, to)
		s.at = to
		if n := epochOf(to); n > s.next {
			s.next, s.done = n, 0
		}
	}
	c.forget()
}

// foldEpoch folds what of an epoch is before to, and its readings if it ends by then.
func (c *Core[J]) foldEpoch(s *state[J], ep *epoch, to int64) {
	if s.next != ep.number {
		s.next, s.done = ep.number, 0
	}
	ep.sort(s.done)
	for ; s.done < len(ep.order); s.done++ {
		e := &ep.events[ep.order[s.done]]
		if e.TS >= to {
			return
		}
		c.fire(s, e.TS+1)
		s.world.Fold(e)
		c.tell(s)
		s.at = max(s.at, e.TS)
	}
	if ep.end() > to {
		return
	}
	c.fire(s, ep.end())
	if len(ep.hot)+len(ep.shelf)+len(ep.samples) > 0 {
		ep.tidySamples()
		s.world.readings(ep, math.MaxInt64, ep.end())
		c.tell(s)
	}
	s.at = max(s.at, ep.end())
	s.next, s.done = ep.number+1, 0
}

// tell gives the judge the facts that the world has just made.
func (c *Core[J]) tell(s *state[J]) {
	if f := s.world.Changes(); len(f) > 0 {
		c.judge.Facts(s.judge, s.world, f)
	}
}

// rewind goes back to the newest checkpoint before the oldest late event, which then waits with what was folded since.
func (c *Core[J]) rewind() {
	i := len(c.checkpoints) - 1
	for i >= 0 && c.checkpoints[i].at > c.oldest {
		i--
	}
	if i >= 0 {
		c.state = c.clone(c.checkpoints[i])
	} else {
		c.state = c.empty()
	}
	c.checkpoints = c.checkpoints[:i+1]
	for i := range c.late {
		c.insert(&c.late[i])
	}
	clear(c.late)
	c.late = c.late[:0]
	for i := c.epochs.index(c.state.next); i < len(c.epochs.list); i++ {
		c.epochs.list[i].order = c.epochs.list[i].order[:0]
	}
	c.refoldAt = c.newest
	c.Refolds++
}

func (c *Core[J]) clone(s *state[J]) *state[J] {
	n := *s
	n.world, n.judge = s.world.Clone(), c.judge.Clone(s.judge)
	return &n
}

// checkpoint keeps a copy of the state, which stands at the end of an epoch, if the last is of another fifteen seconds.
func (c *Core[J]) checkpoint() {
	const every = checkpointEvery / epochNS
	if n := len(c.checkpoints); n > 0 && c.checkpoints[n-1].next/every == c.state.next/every {
		return
	}
	c.checkpoints = append(c.checkpoints, c.clone(c.state))
	c.Checkpoints++
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
			c.tell(s)
		} else {
			s.world.now = max(s.world.now, j)
			c.judge.Fire(s.judge, s.world, j)
		}
	}
}

// forget drops what no late message can reach any more.
func (c *Core[J]) forget() {
	if len(c.late) > 0 {
		return
	}
	oldest := c.watermark - keepFacts
	i := 0
	for i+1 < len(c.checkpoints) && c.checkpoints[i+1].at <= oldest+checkpointEvery {
		i++
	}
	if i > 0 {
		c.checkpoints = append(c.checkpoints[:0], c.checkpoints[i:]...)
	}
	if len(c.checkpoints) > 0 && c.checkpoints[0].at <= oldest+checkpointEvery {
		c.epochs.drop(c.checkpoints[0].next)
	}
	c.seen.forget(c.oldestCopy())
	if len(c.names.numbers) > max(maxNames, c.manyNames) {
		c.forgetNames()
		c.manyNames = 2 * len(c.names.numbers)
	}
}

// forgetNames takes their numbers from the tags of which neither a state nor a read that may be folded again knows.
func (c *Core[J]) forgetNames() {
	used := make([]bool, len(c.names.all))
	for _, s := range append(c.checkpoints, c.state) {
		s.world.tags.each(func(n int32, _ *tag) { used[n] = true })
		for i := range s.world.badges {
			used[s.world.badges[i].tag] = true
		}
	}
	for _, ep := range c.epochs.list {
		for i := range ep.hot {
			used[ep.hot[i].tag] = true
		}
		for i := range ep.shelf {
			used[ep.shelf[i].tag] = true
		}
	}
	c.names.forget(used)
}

// Provisional gives what would be if nothing came any more that belongs before what is here: a copy of the confirmed state
// with every waiting event folded. Nothing of it is kept.
func (c *Core[J]) Provisional() (*World, J) {
	s := c.clone(c.state)
	if s.next != math.MinInt64 {
		s.world.tags.since = s.next*epochNS - keepHot
	}
	for i := c.epochs.index(s.next); i < len(c.epochs.list); i++ {
		c.foldEpoch(s, c.epochs.list[i], math.MaxInt64)
	}
	return s.world, s.judge
}
