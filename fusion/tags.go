package fusion

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// Numbers of the tag conditioner, after science §3.1; times in ns, levels in hundredths of a dB.
const (
	epochNS   = 250e6 // reads are gathered for this long
	epochs    = 16    // the newest that count for the moved-likelihood: 4 s
	gapNS     = 1.5e9 // a run ends after this long without a read, or three times the tag's own pace, at most
	maxGapNS  = 5e9
	forgetNS  = 45e9  // a hidden foreign tag is forgotten as a visit ends
	historyNS = 600e9 // in which what a tag did before counts half
	chatter   = 1 << 16

	stronger   = 300 // a zone takes a tag from another only if it hears it 3 dB louder,
	switchFor  = 2   // in so many epochs in a row
	fadeBy     = 200 // a zone that did not hear the tag in an epoch in which another did loses 2 dB
	maxTags    = 1 << 14
	tellChange = 0.05
)

// tagTable conditions the reads of one store into runs per tag and zone, and each run's likelihood of having been moved.
// Tags are copied when they are first written after a clone, so that a clone costs a copy of the map alone.
type tagTable struct {
	store    *Store
	prefixes map[string]int // product by EPC prefix; never changed
	lengths  []int          // of the prefixes, longest first

	tags  map[string]*tag
	mark  *int // whose tags may be written in place
	queue alarms

	evicted int // tags forgotten at the bound
}

// tag is what is known of one EPC.
type tag struct {
	mark    *int
	epc     string
	product int

	zone   int // of the run; -1 while there is none
	source int // of the newest read
	first  int64
	last   int64
	reads  int
	told   float64 // moved-likelihood of the last FactMoved of the run
	epoch  int64   // being gathered; with open
	open   bool
	cells  []cell // of the newest epochs
	spots  []spot // the zones that have heard it, ascending
	rival  int    // the zone that was louder in the last streak epochs
	streak int

	next int64 // when its alarm is due; 0: none
}

// spot is how one zone hears a tag.
type spot struct {
	zone    int
	gate    bool
	level   int // loudest read of an epoch, averaged over epochs
	peak    int // loudest read of the open epoch; with heard
	heard   bool
	known   bool // level stands
	seen    int64
	history int // epochs in which it lay here unmoved
}

func newTagTable(s *Store) *tagTable {
	t := &tagTable{store: s, prefixes: map[string]int{}, tags: map[string]*tag{}, mark: new(int)}
	for i := range s.Products {
		if p := strings.ToUpper(s.Products[i].EPCPrefix); p != "" {
			if _, ok := t.prefixes[p]; !ok {
				t.prefixes[p] = i
			}
			if !slices.Contains(t.lengths, len(p)) {
				t.lengths = append(t.lengths, len(p))
			}
		}
	}
	slices.Sort(t.lengths)
	slices.Reverse(t.lengths)
	return t
}

func (t *tagTable) clone() *tagTable {
	c := *t
	c.tags = maps.Clone(t.tags)
	c.queue = slices.Clone(t.queue)
	// From here on neither may write what both hold.
	t.mark, c.mark = new(int), new(int)
	return &c
}

// product returns the index of the product that an EPC (hex) is a unit of: the longest EPC prefix of the catalogue that
// it begins with, else the GTIN in it; -1 if the catalogue has neither.
func (t *tagTable) product(epc string) int {
	epc = strings.ToUpper(epc)
	for _, n := range t.lengths {
		if len(epc) >= n {
			if i, ok := t.prefixes[epc[:n]]; ok {
				return i
			}
		}
	}
	if gtin, _, _, ok := DecodeEPC(epc); ok && gtin != "" {
		return t.store.ProductIndex(gtin)
	}
	return -1
}

// read takes the next read of a tag by an antenna of the given zone; gate says that it is an exit or an entrance. A run's
// first read emits FactRead at once.
func (t *tagTable) read(e *Event, zone int, gate bool, emit func(Fact)) {
	t.fire(e.TS, emit)
	g := t.tag(e.ID)
	if g == nil {
		if len(t.tags) >= maxTags {
			t.evict(e.TS, emit)
		}
		g = &tag{mark: t.mark, epc: e.ID, product: t.product(e.ID), zone: -1}
		t.tags[e.ID] = g
	}
	g.source, g.last = e.Source, e.TS
	g.reads++
	if g.zone < 0 {
		g.begin(zone, e.TS)
		emit(g.fact(FactRead, e.TS, e.TS, 1))
	}
	level := int(math.Round(max(-200, min(100, e.RSSI)) * 100))
	s := g.spot(zone)
	if !s.heard || level > s.peak {
		s.peak = level
	}
	s.heard, s.gate, s.seen = true, gate, e.TS
	g.epoch, g.open = e.TS/epochNS, true
	g.gather(e, zone, level)
	t.schedule(g)
}

// begin starts a run.
func (g *tag) begin(zone int, ts int64) {
	g.zone, g.first, g.reads, g.told, g.streak = zone, ts, 1, 0, 0
	for i := range g.spots {
		s := &g.spots[i]
		s.known, s.heard = false, false
		if s.zone == zone {
			s.history >>= min(uint((ts-s.seen)/historyNS), 32)
		}
	}
}

// fact is a fact about the run.
func (g *tag) fact(kind FactKind, ts, at int64, p float64) Fact {
	return Fact{TS: ts, At: at, Kind: kind, Source: g.source, Zone: g.zone, Product: g.product, N: 1, P: p, Name: g.epc}
}

// spot returns how a zone hears the tag, for writing.
func (g *tag) spot(zone int) *spot {
	i := 0
	for i < len(g.spots) && g.spots[i].zone < zone {
		i++
	}
	if i == len(g.spots) || g.spots[i].zone != zone {
		g.spots = slices.Insert(g.spots, i, spot{zone: zone})
	}
	return &g.spots[i]
}

// tag returns a known tag for writing, nil if it is unknown.
func (t *tagTable) tag(epc string) *tag {
	g := t.tags[epc]
	if g == nil || g.mark == t.mark {
		return g
	}
	c := *g
	c.mark, c.cells, c.spots = t.mark, slices.Clone(g.cells), slices.Clone(g.spots)
	t.tags[epc] = &c
	return &c
}

// due is when something next happens without a read, math.MaxInt64 if nothing does.
func (t *tagTable) due() int64 {
	for len(t.queue) > 0 {
		a := t.queue[0]
		if g := t.tags[a.epc]; g != nil && g.next == a.due {
			return a.due
		}
		t.queue.pop() // put off, or of a tag forgotten since
	}
	return math.MaxInt64
}

// fire does what is due by now, in the order of (due, EPC).
func (t *tagTable) fire(now int64, emit func(Fact)) {
	for t.due() <= now {
		a := t.queue.pop()
		g := t.tag(a.epc)
		g.next = 0
		switch {
		case g.open:
			g.close(a.due, emit)
		case g.zone >= 0 && a.due >= g.last+g.gap():
			emit(g.fact(FactReadEnd, a.due, g.last, g.told))
			g.zone, g.cells = -1, nil
		case g.zone < 0:
			delete(t.tags, g.epc)
			continue
		}
		t.schedule(g)
	}
}

// gap is how long the run lasts without a read: a tag that is read seldom is not gone so soon.
func (g *tag) gap() int64 {
	if g.reads < 2 {
		return gapNS
	}
	return min(max(gapNS, 3*(g.last-g.first)/int64(g.reads-1)), maxGapNS)
}

// schedule sets the tag's alarm. One that is already set for no later stays: it looks again when it rings.
func (t *tagTable) schedule(g *tag) {
	var due int64
	switch {
	case g.open:
		due = (g.epoch + 1) * epochNS
	case g.zone >= 0:
		due = g.last + g.gap()
	case g.product < 0 && t.store.HideForeign:
		due = g.last + forgetNS
	default:
		return
	}
	if g.next != 0 && g.next <= due {
		return
	}
	g.next = due
	t.queue.push(alarm{due, g.epc})
}

// close ends an epoch: which zone hears the tag best, and has it been moved through it?
func (g *tag) close(now int64, emit func(Fact)) {
	g.open = false
	best := -1
	for i := range g.spots {
		s := &g.spots[i]
		switch {
		case s.heard && s.known:
			s.level += 3 * (s.peak - s.level) / 10
		case s.heard:
			s.level, s.known = s.peak, true
		case now-s.seen > gapNS:
			s.known = false
		default:
			s.level -= fadeBy
		}
		if s.heard && s.zone != g.zone && (best < 0 || s.level > g.spots[best].level) {
			best = i
		}
		s.heard = false
	}
	here := g.spot(g.zone)
	if best >= 0 && (!here.known || g.spots[best].level >= here.level+stronger) {
		rival := &g.spots[best]
		if g.rival != rival.zone {
			g.rival, g.streak = rival.zone, 0
		}
		if g.streak++; g.streak >= switchFor {
			emit(g.fact(FactReadEnd, now, g.last, g.told))
			g.zone, g.first, g.reads, g.told, g.streak = rival.zone, rival.seen, 1, 0, 0
			rival.history >>= min(uint((now-rival.seen)/historyNS), 32)
			emit(g.fact(FactRead, now, rival.seen, 1))
			here = rival
		}
	} else {
		g.streak = 0
	}
	p := moved(g.cells, g.epoch, g.zone, here.history, here.gate)
	if p < 0.5 {
		here.history = min(here.history+1, chatter)
	}
	if math.Abs(p-g.told) >= tellChange {
		g.told = p
		emit(g.fact(FactMoved, now, g.last, p))
	}
}

// evict forgets a sixteenth of the tags: those whose run has ended before those whose run has not, and the longest
// unread first. A run that is cut off so ends.
func (t *tagTable) evict(now int64, emit func(Fact)) {
	all := make([]*tag, 0, len(t.tags))
	for _, g := range t.tags {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *tag) int {
		switch {
		case (a.zone < 0) != (b.zone < 0):
			if a.zone < 0 {
				return -1
			}
			return 1
		case a.last != b.last:
			return cmp(a.last, b.last)
		}
		return strings.Compare(a.epc, b.epc)
	})
	for _, g := range all[:max(1, len(all)/16)] {
		if g.zone >= 0 {
			emit(g.fact(FactReadEnd, now, g.last, g.told))
		}
		delete(t.tags, g.epc)
		t.evicted++
	}
}

// alarm is when a tag wants to be looked at.
type alarm struct {
	due int64
	epc string
}

func (a alarm) before(o alarm) bool { return a.due < o.due || a.due == o.due && a.epc < o.epc }

// alarms is a heap, earliest first.
type alarms []alarm

func (h *alarms) push(a alarm) {
	*h = append(*h, a)
	s := *h
	for i := len(s) - 1; i > 0; {
		p := (i - 1) / 2
		if !s[i].before(s[p]) {
			return
		}
		s[i], s[p] = s[p], s[i]
		i = p
	}
}

func (h *alarms) pop() alarm {
	s := *h
	top, n := s[0], len(s)-1
	s[0] = s[n]
	s = s[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && s[c+1].before(s[c]) {
			c++
		}
		if !s[c].before(s[i]) {
			break
		}
		s[i], s[c] = s[c], s[i]
		i = c
	}
	*h = s
	return top
}
