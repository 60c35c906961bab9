package fusion

import "math"

// The correction of clocks: what is added to the ts of a source, for each whole minute of arrival, so that the times of
// all sources are those of the clock that stamps arrivals. Docs: docs/decisions/005-clocks.md.
const (
	minuteNS  = 60 * second
	slewNS    = 100 * int64(1e6)   // a correction moves at most so much a minute,
	jumpNS    = 500 * int64(1e6)   // unless it is off by more than this: then at once, and again when pairs first tell by how much
	farthest  = 24 * 3600 * second // what is further off is no clock
	deadNS    = 50 * int64(1e6)    // what a floor must be beyond its bounds to prove a clock wrong: arrival's clock is disciplined too
	aheadNS   = 5 * second         // no message is dated later than so much after its arrival (contract §3: future)
	marginNS  = 1 * second         // and some
	steadyMin = 6                  // slots, a minute
)

// Clock is what is known of one source's clock.
type Clock struct {
	Offset int64   // ns by which it is ahead of the clock that stamps arrivals, as it is taken off its ts; below 0: behind
	SD     int64   // ns, the standard deviation of that; 0 while the clock is taken as right
	Drift  float64 // parts per million by which it runs fast; 0 too while nothing is known
}

// clock is what the cuts have made of what was heard of one source.
type clock struct {
	since     int64 // number of the slot in which it last jumped
	dots      []dot // the least delay of each minute since, oldest first
	drift     int64 // parts per thousand million by which it runs fast
	low, high int64 // what its floor allows to be added to its ts, ns
	heard     bool  // in the window of the newest cut
	fresh     bool  // pairs have just told of it for the first time
	paired    bool  // pairs have told of it since it jumped
	held      bool  // known by pairs or by a jump; else it is taken as right as far as its floor allows
	add       int64 // what should be added to its ts, ns
	sd        int64 // of that, ns
	asOf      int64 // moment for which that is, ns
	shift     int64 // what is added, whole ms, in ns
}

// applied is what is added to the ts of one source, and its standard deviation, ns.
type applied struct{ shift, sd int64 }

// cut is the correction of all sources for what arrives from a moment on. It is never changed.
type cut struct {
	from int64
	by   []applied // by source
}

// clocks estimates the corrections. A cut for the minute M uses what arrived, and what was folded of event time, before
// M − lag, which no line can change any more once one that arrived at M or later is read:
//
// A line with the arrival r and the corrected time t, late by no more than MaxBehind, is read while A ≤ t + L + MaxBehind
// (L the largest lateness of the site). t ≤ r + 5 s: a raw ts is no later (future guard), and a correction moves none
// beyond its arrival. So it is read while A ≤ r + L + 65 s, and one with r or t before M − lag, lag being more than that,
// is read, and folded, before A reaches M. So every order of the lines gives the same cuts; and since a line's correction
// follows from its arrival alone, which it keeps, every order gives it the same corrected time.
type clocks struct {
	store   *Store
	lag     int64 // ns, whole slots
	begun   bool
	minute  int64    // number of the newest minute that was cut
	floors  [][]slot // by source, rings
	known   []clock  // by source
	pairs   [][]pair // by the source that is no camera: the newest maxPairs before the newest cut
	taken   int64    // pairs made before this are in pairs
	cuts    []cut    // newest last; the first holds since ever
	number  int64    // of the slot at hand
	place   int      // of that slot in the rings
	from    int64    // arrivals of that slot
	until   int64
	cameras []int // sources that tell of people's floor positions
}

func newClocks(s *Store) *clocks {
	k := &clocks{store: s, known: make([]clock, len(s.Sources)), pairs: make([][]pair, len(s.Sources)), taken: math.MinInt64,
		floors: make([][]slot, len(s.Sources)), cuts: []cut{{math.MinInt64, make([]applied, len(s.Sources))}}}
	need := MaxBehind + s.MaxLateness() + aheadNS + marginNS
	k.lag = (need + slotNS - 1) / slotNS * slotNS
	slots := windowSlots + int(k.lag/slotNS) + 2
	for i := range k.floors {
		k.floors[i] = make([]slot, slots)
		if s.Sources[i].Kind == Tracks {
			k.cameras = append(k.cameras, i)
		}
	}
	return k
}

// at is the correction of what arrives from a source then.
func (k *clocks) at(source int, received int64) applied {
	i := len(k.cuts) - 1
	for i > 0 && k.cuts[i].from > received {
		i--
	}
	return k.cuts[i].by[source]
}

// due reports whether an arrival begins a minute that was not cut.
func (k *clocks) due(received int64) bool { return !k.begun || received >= (k.minute+1)*minuteNS }

// cut fixes the corrections of the minutes up to that of an arrival. before is the newest arrival before it: a minute in
// whose window nothing arrived changes nothing, so a long silence is passed over. Nobody asks any more for corrections before
// oldest. w holds what is folded of event time up to the lag before.
func (k *clocks) cut(received, before, oldest int64, w *World) {
	to := floorDiv(received, minuteNS)
	if !k.begun {
		k.begun, k.minute = true, to
		return
	}
	for m := k.minute + 1; m <= to; m++ {
		if m*minuteNS-k.lag-windowSlots*slotNS > before {
			m = to
		}
		k.cutMinute(m, w)
		k.minute = m
	}
	old := 0
	for old+1 < len(k.cuts) && k.cuts[old+1].from <= oldest {
		old++
	}
	k.cuts = k.cuts[old:]
}

func (k *clocks) cutMinute(m int64, w *World) {
	h := m*minuteNS - k.lag
	k.take(w, h)
	for i := range k.known {
		c := &k.known[i]
		var room [windowSlots]slot
		if slots := k.window(room[:0], i, h); len(slots) > 0 {
			c.observe(slots, k.store.Sources[i].Lateness, h)
		} else {
			c.heard = false
		}
	}
	k.solve(h)
	next := cut{m * minuteNS, make([]applied, len(k.known))}
	changed := false
	for i := range k.known {
		c := &k.known[i]
		if c.heard {
			c.move()
		}
		next.by[i] = c.applied()
		changed = changed || next.by[i] != k.cuts[len(k.cuts)-1].by[i]
	}
	if changed {
		k.cuts = append(k.cuts, next)
	}
}

// move brings what is added nearer to what should be.
func (c *clock) move() {
	to := (c.add + sign(c.add)*int64(5e5)) / 1e6 * 1e6
	if d := to - c.shift; abs(d) <= jumpNS && !c.fresh {
		to = c.shift + max(-slewNS, min(slewNS, d))
	}
	c.shift, c.fresh = to, false
}

// applied is what is added, with the uncertainty of what should be and of what is still missing of it.
func (c *clock) applied() applied {
	a := applied{shift: c.shift}
	if c.shift != 0 || c.held || c.sd != 0 {
		sd, short := float64(c.sd), float64(c.add-c.shift)
		a.sd = int64(math.Sqrt(float64(sd*sd)+float64(short*short))) / 1e6 * 1e6
	}
	return a
}

// Clock is what is known of a source's clock now.
func (c *Core[J]) Clock(source int) Clock {
	k := c.clocks
	a := k.cuts[len(k.cuts)-1].by[source]
	return Clock{Offset: -a.shift, SD: a.sd, Drift: float64(k.known[source].drift) / 1000}
}

// cutClocks fixes the corrections for the minute that an arrival begins. What is before the watermark is folded first, what
// is late too: the pairs that are used must be those of all lines that were read.
func (c *Core[J]) cutClocks(received, before int64) {
	if len(c.late) > 0 {
		c.rewind()
		c.refolded = true
	}
	c.advance(c.watermark)
	oldest := int64(math.MinInt64) // what is folded again, and what is late, needs the corrections of its time
	if len(c.checkpoints) > 0 {
		oldest = min(c.checkpoints[0].at, received-c.clocks.lag)
	}
	c.clocks.cut(received, before, oldest, c.state.world)
}

// setClock sets the times of a message right. What it tells of the source's clock is remembered.
func (c *Core[J]) setClock(m *Message) {
	newest := m.TS
	for i := range m.Events {
		newest = max(newest, m.Events[i].TS)
	}
	if !m.Retained {
		c.clocks.hear(m.Source, m.Received, m.Received-newest)
	}
	shift := c.clocks.at(m.Source, m.Received).shift
	if shift > 0 { // nothing is seen after it is told
		shift = max(0, min(shift, m.Received-newest))
	}
	if shift == 0 {
		return
	}
	m.TS += shift
	for i := range m.Events {
		m.Events[i].TS += shift
		m.Events[i].Shift = int32(shift / 1e6)
	}
}

// blur widens a standard deviation in seconds by what is not known of two clocks.
func (w *World) blur(sigma float64, a, b int) float64 {
	x, y := w.clockSD(a), w.clockSD(b)
	if x == 0 && y == 0 {
		return sigma
	}
	return math.Sqrt(float64(sigma*sigma) + float64(x*x) + float64(y*y))
}

// clockSD is the standard deviation of what is known of a source's clock, in seconds.
func (w *World) clockSD(source int) float64 {
	if w.clocks == nil || source < 0 {
		return 0
	}
	return float64(w.clocks.at(source, w.now).sd) / 1e9
}

func sign(n int64) int64 { return int64(cmp(n, 0)) }
