package fusion

import (
	"maps"
	"math"
	"slices"
)

// Change is a fact that was just added to a subject.
type Change struct {
	Visit *Visit
	Fact  Fact
}

// World is everything that folding events in order has made of them: conditioned sensors, visits with their baskets, till
// sessions, coverage. It is a function of the events folded so far and of nothing else.
type World struct {
	Store *Store

	now      int64 // newest event or timer folded, ns
	began    int64 // the first event, ns
	watchers [][][]int
	live     []liveness // by source
	plates   plates
	tags     *tagTable
	tracks   map[trackKey]*track
	visits   []*Visit   // open, in the order in which they began
	heads    []head     // of them, as they stand there
	grid     *grid      // of them, by where they are; nil until it is needed
	folk     folk       // of them, by the zones that they may have to do with; nil until it is needed
	nearby   []*Visit   // scratch
	found    []standing // scratch
	claims   []claim    // scratch
	sessions map[sessionKey]*session
	rungTags []rungTag // by tills, the newest last
	lanes    []lane
	laneOf   []int    // by zone: its lane, -1
	tills    []*Visit // ledgers, by till, zone, and one for the store
	zones    []*Visit
	counters []counter // by till
	cashiers []*Visit  // ledgers, by id
	store    *Visit
	shrink   shrink
	timers   timers
	born     int     // visits begun so far
	fresh    []Event // tracks that began in the frames of this moment, until these are complete
	changes  []Change
	evicted  int    // facts and items dropped at a bound
	heard    []span // by source, of the readings being folded; scratch

	oneOwner bool // see Core.OneOwner

	clocks  *clocks  // of all copies; what it says of a moment never changes
	shifts  []int32  // by source: ms that were added to the newest ts folded
	anchors []anchor // moments that cameras have not told of yet, by due
	pairs   []pair   // made lately
	eyed    eyed     // those of two cameras in this minute

	lots     []*lot // where goods in baskets come from, by id
	lotID    int    // of the newest
	deeds    []deed // the newest steps, oldest first
	deedID   int
	stirs    []stir   // the newest steps of plates, goods or not, oldest first
	badges   []badge  // of staff that were heard, and who wears them
	statures statures // how cameras see how tall people are
	strays   []stray  // what lies on plates beside or beyond the planogram, by scale and product
}

// span is from when to when a source was heard, ns; zero: it was not. shift was added to the newest ts, ms.
type span struct {
	from, to int64
	shift    int32
}

// NewWorld returns the state of a store before any event.
func NewWorld(s *Store) *World {
	w := &World{Store: s, watchers: watchers(s), live: make([]liveness, len(s.Sources)), tags: newTagTable(s),
		tracks: map[trackKey]*track{}, sessions: map[sessionKey]*session{}, shifts: make([]int32, len(s.Sources))}
	for i := range w.live {
		if w.live[i].every = s.Sources[i].Every; w.live[i].every <= 0 {
			w.live[i].every = defaultEvery
		}
	}
	w.plates = newPlates(s)
	w.statures = make(statures, len(s.Sources))
	w.shrink = newShrink(s)
	w.lanes, w.laneOf = lanes(s)
	w.counters = make([]counter, len(s.Tills))
	for i := range s.Scales {
		bags := w.bagging(i) != -1
		w.plates.all[i].bags, w.plates.all[i].zero = bags, bags
	}
	for i := range s.Tills {
		w.tills = append(w.tills, &Visit{Subject: SubjectTill, ID: s.Tills[i].ID, Zone: s.Tills[i].Zone})
	}
	for i := range s.Zones {
		w.zones = append(w.zones, &Visit{Subject: SubjectZone, ID: s.Zones[i].ID, Zone: i})
	}
	w.store = &Visit{Subject: SubjectStore, ID: s.ID, Zone: -1}
	return w
}

// Clone copies the world; the copy and the original share nothing that changes.
func (w *World) Clone() *World {
	c := *w
	c.live = slices.Clone(w.live)
	for i := range c.live {
		c.live[i].holes = slices.Clip(c.live[i].holes) // only ever appended to
	}
	c.plates = w.plates.clone()
	c.shrink = w.shrink.clone()
	c.tags = w.tags.clone()
	moved := make(map[*Visit]*Visit, len(w.visits))
	c.visits, c.heads = make([]*Visit, len(w.visits)), slices.Clone(w.heads)
	for i, v := range w.visits {
		c.visits[i] = v.clone()
		moved[v] = c.visits[i]
	}
	c.tracks = make(map[trackKey]*track, len(w.tracks))
	for k, t := range w.tracks {
		n := *t
		n.visit, n.way = moved[t.visit], slices.Clip(t.way)
		c.tracks[k] = &n
	}
	c.rungTags = slices.Clip(w.rungTags) // only ever appended to and cut at the front
	c.sessions = make(map[sessionKey]*session, len(w.sessions))
	for k, s := range w.sessions {
		n := *s
		n.visit = moved[s.visit]
		n.waits = maps.Clone(s.waits)
		n.lines, n.fits = slices.Clone(s.lines), slices.Clone(s.fits)
		c.sessions[k] = &n
	}
	c.lanes = make([]lane, len(w.lanes))
	for i := range w.lanes {
		c.lanes[i] = w.lanes[i].clone()
	}
	ledgers := func(from []*Visit) []*Visit {
		to := make([]*Visit, len(from))
		for i, v := range from {
			to[i] = v.clone()
		}
		return to
	}
	c.tills, c.zones, c.store = ledgers(w.tills), ledgers(w.zones), w.store.clone()
	c.counters = slices.Clone(w.counters) // what they hold is replaced, never changed
	c.cashiers = ledgers(w.cashiers)
	c.timers = slices.Clone(w.timers)
	c.shifts, c.anchors = slices.Clone(w.shifts), slices.Clone(w.anchors)
	c.pairs = slices.Clip(w.pairs) // only ever appended to and cut at the front
	c.changes, c.heard, c.grid, c.folk, c.nearby, c.found, c.claims = nil, nil, nil, nil, nil, nil, nil
	c.fresh = slices.Clip(w.fresh)
	c.lots, c.deeds = slices.Clone(w.lots), slices.Clone(w.deeds) // what they hold is replaced, never changed
	c.strays = slices.Clone(w.strays)
	c.statures = slices.Clone(w.statures)
	c.badges = slices.Clone(w.badges)
	for i := range c.badges {
		c.badges[i] = c.badges[i].clone()
	}
	c.stirs = slices.Clip(w.stirs) // only ever appended to and cut at the front
	return &c
}

// Now is the newest event time folded, ns.
func (w *World) Now() int64 { return w.now }

// Visits lists the open visits in the order in which they began. They belong to the world.
func (w *World) Visits() []*Visit { return w.visits }

// Fold takes the next event; events must come in the order of Compare. Timers due by then must have been fired. The facts
// that it made are in Changes until the next call.
func (w *World) Fold(e *Event) {
	w.changes = w.changes[:0]
	if w.began == 0 {
		w.began = e.TS
	}
	w.now = max(w.now, e.TS)
	w.shifts[e.Source] = e.Shift
	live := &w.live[e.Source]
	if e.Kind == Status && e.Action == Offline {
		live.offline(e.TS)
		if i := w.Store.scale[e.Source]; i >= 0 {
			before := w.plates.all[i].ready
			w.plates.hole(i) // what it weighs when it is back is no step
			w.sight(i, e.Source, before, e.TS)
		}
		return
	}
	if !e.Retained {
		live.sign(e.TS, e.Every)
		if e.Kind == Status {
			live.beat(e.TS)
		}
	}
	switch e.Kind {
	case Status:
		if e.Name != "" {
			live.model = e.Name
		}
	case Tracks:
		w.foldTrack(e)
	case Region:
		w.foldRegion(e)
	case Weight:
		w.foldWeight(e)
	case RFID:
		w.foldRead(e)
	case TillKind:
		w.foldTill(e)
	case Gate:
		w.foldGate(e)
	case Signal:
		w.foldSignal(e)
	case Stock:
		w.foldStock(e)
	}
}

// Evictions is how many facts, items and tags were dropped at a bound.
func (w *World) Evictions() int { return w.evicted + w.tags.evicted }

// Changes lists the facts of the last Fold or Fire, in order.
func (w *World) Changes() []Change { return w.changes }

// Due is the event time of the next timer, math.MaxInt64 if there is none.
func (w *World) Due() int64 {
	due := int64(math.MaxInt64)
	if len(w.timers) > 0 {
		due = w.timers[0].due
	}
	if w.plates.next != math.MaxInt64 {
		due = min(due, align(w.plates.next)) // as its samples are
	}
	return min(due, w.tags.due(), w.anchorDue())
}

// Fire fires the timers that are due at now, which is what Due said.
func (w *World) Fire(now int64) {
	w.changes = w.changes[:0]
	w.now = max(w.now, now)
	for len(w.timers) > 0 && w.timers[0].due <= now {
		t := w.timers.pop()
		if t.kind == timerFrame {
			w.joinFrames()
			continue
		}
		if v := w.visit(t.visit); v != nil {
			w.fire(v, t)
		}
	}
	w.pairUp(now)
	w.settle(now, false)
}

// settle does what of the conditioners is due by now; closing says that the open epoch of the tags is over.
func (w *World) settle(now int64, closing bool) {
	for w.plates.next <= now {
		i := w.plates.first
		before := w.plates.all[i].ready
		s, ok := w.plates.fire(i, now)
		w.sight(i, w.Store.source[w.Store.Scales[i].ID], before, now)
		if ok {
			w.step(i, s)
		}
	}
	if closing || w.tags.due() <= now {
		w.tags.live = w.live
		facts := w.tags.fire(now, closing)
		w.tags.live = nil
		for _, f := range facts {
			w.tagFact(f)
		}
		for _, p := range w.tags.peaks {
			w.anchor(int(p.source), -1, int(p.zone), p.at)
		}
	}
}

// readings folds the readings of an epoch that ends now: the reads in any order, the samples in theirs. Reads by readers of
// no gate or till are left out unless their tag was read there since, so that a provisional view need not fold them.
func (w *World) readings(e *epoch, until, now int64) {
	w.changes = w.changes[:0]
	w.now = max(w.now, now)
	if w.heard == nil {
		w.heard = make([]span, len(w.live))
	}
	clear(w.heard)
	for i := range e.hot {
		if e.hot[i].ts < until {
			w.reading(&e.hot[i])
		}
	}
	for i := range e.shelf {
		if r := &e.shelf[i]; r.ts < until && (w.tags.since == math.MinInt64 || w.tags.names.all[r.tag].hot >= w.tags.since) {
			w.reading(r)
		}
	}
	for i := range e.samples {
		s := &e.samples[i]
		if s.ts >= until {
			continue
		}
		if !s.silent {
			w.hear(int(s.source), s.ts, s.shift)
		}
		w.shifts[s.source] = s.shift
		if k := w.Store.scale[s.source]; k >= 0 {
			w.weigh(k, int(s.source), s.ts, s.grams, s.change, s.boot)
		}
	}
	for i, h := range w.heard {
		if h.from != 0 {
			w.live[i].sign(h.from, 0)
			w.live[i].sign(h.to, 0)
			w.shifts[i] = h.shift
			if w.began == 0 || h.from < w.began {
				w.began = h.from
			}
		}
	}
	w.settle(now, true)
}

func (w *World) reading(r *read) {
	if !r.silent {
		w.hear(int(r.source), r.ts, r.shift)
	}
	if r.zone >= 0 {
		w.tags.gather(r)
	}
}

func (w *World) hear(source int, ts int64, shift int32) {
	h := &w.heard[source]
	if h.from == 0 || ts < h.from {
		h.from = ts
	}
	if ts > h.to || ts == h.to && shift > h.shift {
		h.to, h.shift = ts, shift
	}
}

// add gives a fact to a subject: share scales the expected count.
func (w *World) add(v *Visit, f Fact, share float64) {
	f.TS = w.now
	f.N = float64(f.N * share)
	if v.Facts.push(f, v.most()) {
		w.evicted++
	}
	w.changes = append(w.changes, Change{v, f})
}

// note gives a fact to the ledgers that it concerns: the store, its zone, and its till if it is a till's.
func (w *World) note(f Fact) {
	if f.Source >= 0 {
		if t := w.Store.till[f.Source]; t >= 0 {
			w.add(w.tills[t], f, 1)
		}
	}
	if f.Zone >= 0 {
		w.add(w.zones[f.Zone], f, 1)
	}
	w.add(w.store, f, 1)
	w.reckonShrink(&f)
}

// timer kinds, in the order in which they fire when due together.
const (
	timerLost  = iota // no camera has seen the visit for lostAfter
	timerEnd          // the visit has had no observation for endAfter
	timerFrame        // the frames of a moment are complete
	timerBegan        // the visit began where staff do
)

// timer is something that happens to a visit when nothing else does.
type timer struct {
	due   int64
	kind  int
	visit int // its number
}

func (t timer) before(o timer) bool {
	if t.due != o.due {
		return t.due < o.due
	}
	if t.visit != o.visit {
		return t.visit < o.visit
	}
	return t.kind < o.kind
}

// timers is a heap, earliest first.
type timers []timer

func (h *timers) push(t timer) {
	*h = append(*h, t)
	a := *h
	for i := len(a) - 1; i > 0; {
		p := (i - 1) / 2
		if !a[i].before(a[p]) {
			return
		}
		a[i], a[p] = a[p], a[i]
		i = p
	}
}

func (h *timers) pop() timer {
	a := *h
	t := a[0]
	n := len(a) - 1
	a[0] = a[n]
	a = a[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && a[c+1].before(a[c]) {
			c++
		}
		if !a[c].before(a[i]) {
			break
		}
		a[i], a[c] = a[c], a[i]
		i = c
	}
	*h = a
	return t
}
