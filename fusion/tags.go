package fusion

import (
	"math"
	"slices"
	"strings"
)

// Numbers of the tag conditioner, after science §3.1; times in ns, levels in hundredths of a dB.
const (
	gapNS     = 1500 * int64(1e6) // a run ends after this long without a read,
	maxGapNS  = 5 * second        // or after the tag's own window, at most (see gap);
	paceNS    = 15 * second       // which what it did before still tells after so long
	forgetNS  = 45 * second       // a hidden foreign tag is forgotten as a visit ends
	historyNS = 600 * second      // in which what a tag did before counts half
	chatter   = 1 << 16

	stronger   = 300 // a zone takes a tag from another only if it hears it 3 dB louder,
	switchFor  = 2   // in so many epochs in a row
	fadeBy     = 200 // a zone that did not hear the tag in an epoch in which another did loses 2 dB
	maxTags    = 1 << 16
	tellChange = 0.05
	tellLouder = 300 // hundredths of a dB: who is near it while it is loudest has it
	usualAfter = 40  // epochs after which the levels at which a tag has lain still are its usual ones
	shelfPace  = 4   // epochs between two looks at whether a tag was moved where no gate is
)

// tagTable conditions the reads of one store into runs per tag and zone, and each run's likelihood of having been moved.
// Reads are gathered in any order while their epoch is open; what they say is told when it closes.
// Pages and what was heard are copied when they are first written after a clone, so that a clone costs a small slice.
type tagTable struct {
	names *names
	pages []*tagPage // by a tag's number / len(tagPage.tags)
	mark  *int       // whose pages and tags may be written in place

	heard []int32 // the tags of the open epoch
	epoch int64   // its number; with heard
	known int     // tags
	next  int64   // no run ends and no tag is forgotten before, ns; math.MaxInt64: never
	since int64   // in a provisional view: tags not read at a gate or till since are left as they are, ns

	evicted int // tags forgotten at the bound
	facts   []Fact
	peaks   []peak   // of the runs at gates that ended
	lying   []string // EPCs that were thought to have gone through a gate and lie there still, in facts

	live     []liveness // of the sources, while what is due is done
	loudness []loudness // by source
	arrived  []coming   // tags that have just come to a gate, of the newest epochs
}

type tagPage struct {
	mark *int
	tags [64]tag
}

// tag is what every read of an EPC touches: small, since a store has tens of thousands that only lie there.
type tag struct {
	told   *heard // nil: nothing is known of the tag
	first  int64  // reads of the run
	last   int64
	epochs int32 // of the run in which it was read
	fresh  int32 // reads of the open epoch
	usual  int32 // those of them that were as all before
	waited int32 // epochs in which it was heard since its moved-likelihood was last looked at
	zone   int16 // of the run; -1 while there is none
	source int16 // of the newest read
	low    int16 // while it lies still on a shelf, the levels that it has shown there; low > high: not known to
	high   int16
}

// heard is how a tag was heard where that matters: at gates, and on shelves when it is not as usual.
type heard struct {
	mark   *int
	number int32
	p      float64 // moved-likelihood of the last FactMoved of the run
	loud   int     // the loudest level at which one was told
	from   int64   // first read of the open epoch that was not as usual; 0: none
	looked int64   // epoch in which its moved-likelihood was last looked at
	stir   int64   // epoch in which it was last not as usual
	cells  []cell  // of the newest epochs
	spots  []spot  // the zones that have heard it, ascending
	rival  int     // the zone that was louder in the last streak epochs
	streak int
	held   int64   // while a device has said that it came and not that it left: when to look whether it still does, ns
	doubt  float64 // of the device
	born   int64   // when it was first heard, ns
	door   int64   // when it went through a door as it was heard first, ns; 0: it did not
	guest  int64   // when somebody brought it into the store, ns; 0: nobody is known to have
	out    int64   // when somebody went out with it, ns; 0: nobody is known to have
	pace   int64   // of the run before, as it was or as the time to this one shows; 0: not known
	ended  int64   // its last read
}

// spot is how one zone hears a tag.
type spot struct {
	zone      int
	level     int   // loudest read of an epoch, averaged over epochs
	peak      int   // loudest read of the open epoch; with heard
	by        int16 // and its source
	heard     bool
	known     bool  // level stands
	low, high int16 // the levels at which it has lain here unmoved, hundredths of a dBm; with usual
	usual     int   // epochs in which it did since the run began
	from      int64 // first read of the open epoch; with heard
	seen      int64
	history   int     // epochs in which it lay here unmoved
	lain      int     // the level at which it did, hundredths of a dB
	nearer    float64 // how surely it has come nearer since (see louder),
	nearest   int64   // in the epoch in which that was said
	up        int64   // epoch since which it is; 0: it is not

	since int64   // begin of the epoch in which it came this time, ns
	came  int     // times that it came before
	news  int32   // how new it was when it came, in thousandths; -1: not known yet
	said  float64 // the last moved-likelihood that was told of this time
}

func newTagTable(s *Store) *tagTable {
	return &tagTable{names: newNames(s), mark: new(int), next: math.MaxInt64, since: math.MinInt64}
}

func (t *tagTable) clone() *tagTable {
	c := *t
	c.pages, c.heard, c.facts, c.peaks, c.lying = slices.Clone(t.pages), slices.Clone(t.heard), nil, nil, nil
	c.loudness, c.arrived = slices.Clone(t.loudness), slices.Clone(t.arrived)
	// From here on neither may write what both hold.
	t.mark, c.mark = new(int), new(int)
	return &c
}

// own returns a tag's place for writing.
func (t *tagTable) own(n int32) *tag {
	const size = len(tagPage{}.tags)
	p := int(n) / size
	for p >= len(t.pages) {
		t.pages = append(t.pages, nil)
	}
	page := t.pages[p]
	if page == nil || page.mark != t.mark {
		c := &tagPage{}
		if page != nil {
			*c = *page
		}
		c.mark = t.mark
		page, t.pages[p] = c, c
	}
	return &page.tags[int(n)%size]
}

// hearing returns what was heard of a tag for writing, begun if need be.
func (t *tagTable) hearing(g *tag, n int32) *heard {
	h := g.told
	switch {
	case h == nil:
		t.known++
		h = &heard{mark: t.mark, number: n, born: t.epoch * epochNS}
		*g = tag{told: h, zone: -1, low: 1, fresh: g.fresh, last: g.last, source: g.source}
	case h.mark != t.mark:
		c := *h
		c.mark, c.cells, c.spots = t.mark, slices.Clone(h.cells), slices.Clone(h.spots)
		h = &c
		g.told = h
	}
	return h
}

func (t *tagTable) drop(n int32) {
	*t.own(n) = tag{}
	t.known--
}

// each calls f with every tag that is known.
func (t *tagTable) each(f func(n int32, g *tag)) {
	for p, page := range t.pages {
		if page == nil {
			continue
		}
		for i := range page.tags {
			if g := &page.tags[i]; g.told != nil {
				f(int32(p*len(page.tags)+i), g)
			}
		}
	}
}

// gather takes a read of the open epoch by an antenna of its zone. Reads of one epoch may come in any order.
func (t *tagTable) gather(r *read) {
	g := t.own(r.tag)
	if g.fresh == 0 {
		t.epoch = epochOf(r.ts)
		t.heard = append(t.heard, r.tag)
	}
	g.fresh++
	if r.ts > g.last || r.ts == g.last && r.source > g.source {
		g.last, g.source = r.ts, r.source
	}
	if g.told != nil && r.zone == g.zone && r.level >= g.low && r.level <= g.high {
		g.usual++
		return
	}
	h := t.hearing(g, r.tag)
	if h.from == 0 || r.ts < h.from {
		h.from = r.ts
	}
	s := h.spot(int(r.zone))
	if !s.heard {
		s.heard, s.peak, s.by, s.from = true, int(r.level), r.source, r.ts
		if r.zone != g.zone {
			s.history >>= min(uint(max(0, t.epoch*epochNS-s.seen)/historyNS), 32)
		}
		s.comes(t.epoch*epochNS, h.held > 0)
	}
	if int(r.level) > s.peak || int(r.level) == s.peak && r.source > s.by {
		s.peak, s.by = int(r.level), r.source
	}
	s.from, s.seen = min(s.from, r.ts), max(s.seen, r.ts)
	t.hears(r)
	h.count(r, t.epoch)
}

// of returns what was heard of a tag, nil if nothing is remembered.
func (t *tagTable) of(epc string) *heard {
	const size = len(tagPage{}.tags)
	n, ok := t.names.numbers[epc]
	if p := int(n) / size; ok && p < len(t.pages) && t.pages[p] != nil {
		return t.pages[p].tags[int(n)%size].told
	}
	return nil
}

// spot returns how a zone hears the tag, for writing.
func (h *heard) spot(zone int) *spot {
	i := 0
	for i < len(h.spots) && h.spots[i].zone < zone {
		i++
	}
	if i == len(h.spots) || h.spots[i].zone != zone {
		h.spots = slices.Insert(h.spots, i, spot{zone: zone})
	}
	return &h.spots[i]
}

// due is when the table next changes without a read, math.MaxInt64 if it does not.
func (t *tagTable) due() int64 {
	if len(t.heard) > 0 {
		return min(t.next, (t.epoch+1)*epochNS)
	}
	return t.next
}

// fire does what is due by now; closing says that the open epoch is over. The facts that it made, in the order of EPCs,
// hold until the next call.
func (t *tagTable) fire(now int64, closing bool) []Fact {
	t.facts, t.peaks, t.lying = t.facts[:0], t.peaks[:0], t.lying[:0]
	if len(t.heard) > 0 && (closing || now >= (t.epoch+1)*epochNS) {
		t.close(now)
	}
	if now >= t.next {
		t.sweep(now)
	}
	slices.SortStableFunc(t.facts, func(a, b Fact) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(t.peaks, func(a, b peak) int { return strings.Compare(a.epc, b.epc) })
	return t.facts
}

func (t *tagTable) emit(g *tag, kind FactKind, ts, at int64, p float64) {
	x := &t.names.all[g.told.number]
	t.facts = append(t.facts, Fact{TS: ts, At: at, Kind: kind, Source: int(g.source), Zone: int(g.zone), Product: x.product, N: 1, P: p, Name: x.epc})
}

// close ends the open epoch for the tags that were heard in it.
func (t *tagTable) close(now int64) {
	for _, n := range t.heard {
		g := t.own(n)
		g.waited++
		if g.usual != g.fresh {
			t.closeTag(g, n, now)
		} else { // it lies as it has lain
			g.epochs++
		}
	}
	for _, n := range t.heard { // only now is known what came with it
		g := t.own(n)
		if g.usual != g.fresh {
			t.look(g, t.hearing(g, n), t.epoch, now, false)
		}
		g.fresh, g.usual = 0, 0
		t.next = min(t.next, align(t.ends(g)))
	}
	t.together(now)
	t.heard = t.heard[:0]
	for t.known > maxTags {
		t.evict(now)
	}
}

// align is the first end of an epoch that is not before ts.
func align(ts int64) int64 {
	if ts > math.MaxInt64-epochNS {
		return math.MaxInt64
	}
	return -epochOf(-ts) * epochNS
}

// ends is when the tag's run ends or the tag is forgotten if it is not read again.
func (t *tagTable) ends(g *tag) int64 {
	switch {
	case g.zone >= 0 && g.told.held > 0:
		return g.told.held
	case g.zone >= 0:
		return g.last + g.gap()
	case t.names.all[g.told.number].product < 0 && t.names.store.HideForeign:
		return g.last + forgetNS
	}
	return math.MaxInt64
}

// sweep ends the runs that are over and forgets the tags that are to be.
func (t *tagTable) sweep(now int64) {
	t.next = math.MaxInt64
	t.each(func(n int32, g *tag) {
		if t.since > math.MinInt64 && t.names.all[n].hot < t.since {
			return
		}
		ends := t.ends(g)
		if ends <= now {
			g = t.own(n)
			if g.zone < 0 {
				t.drop(n)
				return
			}
			if g.told.held == 0 || t.stays(g, n, now) {
				t.endRun(g, n, now)
			}
			ends = t.ends(g)
		}
		t.next = min(t.next, align(ends))
	})
}

func (t *tagTable) endRun(g *tag, n int32, now int64) {
	h := t.hearing(g, n)
	if g.low > g.high && g.waited > 0 && len(h.cells) > 0 {
		t.look(g, h, h.cells[len(h.cells)-1].epoch, now, true)
	}
	if t.gate(g.zone) && len(h.cells) > 0 {
		if at, ok := h.peak(int(g.zone), h.cells[len(h.cells)-1].epoch); ok {
			t.peaks = append(t.peaks, peak{at, g.source, g.zone, t.names.all[n].epc})
		}
	}
	t.emit(g, FactReadEnd, now, g.last, h.p)
	h.pace, h.ended, h.held, h.doubt = g.pace(), g.last, 0, 0
	g.zone, g.low, g.high, h.cells = -1, 1, 0, h.cells[:0]
}

// begin starts a run in a zone.
func (g *tag) begin(s *spot, first int64, epochs int32) {
	g.zone, g.first, g.epochs, g.waited, g.low, g.high = int16(s.zone), first, epochs, 1, 1, 0
	g.told.p, g.told.loud, g.told.streak, s.usual = 0, math.MinInt16, 0, 0
}

// closeTag ends an epoch of a tag that was not as usual: which zone hears it best, and has it been moved through that?
func (t *tagTable) closeTag(g *tag, n int32, now int64) {
	h := t.hearing(g, n)
	if g.zone < 0 {
		best := -1
		for i := range h.spots {
			s := &h.spots[i]
			if s.known = false; s.heard && (best < 0 || s.peak > h.spots[best].peak) {
				best = i
			}
		}
		if since := h.from - h.ended; h.ended == 0 || since > paceNS {
			h.pace = 0
		} else {
			h.pace = max(h.pace, since)
		}
		g.begin(&h.spots[best], h.from, 0)
		t.emit(g, FactRead, now, h.from, 1)
	}
	g.epochs++
	if g.low <= g.high {
		h.stir, g.low, g.high = t.epoch, 1, 0
	}
	best := -1
	for i := range h.spots {
		s := &h.spots[i]
		switch {
		case s.heard && s.known:
			s.level += 3 * (s.peak - s.level) / 10
		case s.heard:
			s.level, s.known = s.peak, true
		case g.usual > 0 && s.zone == int(g.zone): // heard as loud as ever
		case now-s.seen > gapNS:
			s.known = false
		default:
			s.level -= fadeBy
		}
		if s.heard && s.zone != int(g.zone) && (best < 0 || s.level > h.spots[best].level) {
			best = i
		}
	}
	here := h.spot(int(g.zone))
	if best >= 0 && (!here.known || h.spots[best].level >= here.level+stronger) {
		rival := &h.spots[best]
		if h.rival != rival.zone {
			h.rival, h.streak = rival.zone, 0
		}
		if h.streak++; h.streak >= switchFor {
			t.emit(g, FactReadEnd, now, g.last, h.p)
			g.begin(rival, rival.from, 1)
			t.emit(g, FactRead, now, rival.from, 1)
			here = rival
		}
	} else {
		h.streak = 0
	}
	for i := range h.spots {
		h.spots[i].heard = false
	}
	h.from = 0
	if here.news < 0 && t.gate(g.zone) {
		t.greet(g, n, here)
	}
}

// look tells how likely the tag was moved if that has changed. Where no gate is it is asked once a second, and when the
// run ends; and a tag that has lain there unmoved is not asked about again until it is heard as it never was.
func (t *tagTable) look(g *tag, h *heard, epoch, now int64, last bool) {
	gate := t.gate(g.zone)
	if !gate && !last && epoch-h.looked < shelfPace && epoch >= h.looked {
		return
	}
	here := h.spot(int(g.zone))
	n := t.news(g, here, (epoch+1)*epochNS)
	p := h.moved(int(g.zone), epoch, here.history, here.louder(epoch), gate, n)
	if p = round9(p * (1 - h.doubt)); p < 0.5 {
		if here.seen >= epoch*epochNS {
			here.lies(min(int(g.waited), shelfPace))
		}
		low, high := h.levels(int(g.zone), h.looked)
		if here.usual == 0 {
			here.low, here.high = low, high
		}
		here.low, here.high = min(here.low, low), max(here.high, high)
		here.usual += int(g.waited)
		here.history = min(here.history+int(g.waited), chatter)
		if !gate && p < tellChange && here.usual >= usualAfter && epoch-h.stir >= spanEpochs {
			g.low, g.high = here.low, here.high
		}
	}
	h.looked, g.waited = epoch, 0
	louder := gate && here.known && here.level >= h.loud+tellLouder
	if math.Abs(p-h.p) >= tellChange || here.said-p >= tellChange || louder && p >= tellChange {
		if n.stayed == 1 && here.said >= 0.5 && p < 0.5 {
			t.lying = append(t.lying, t.names.all[h.number].epc)
		}
		h.p, here.said = p, p
		h.loud = max(h.loud, here.level)
		t.emit(g, FactMoved, now, g.last, p)
	}
}

// evict forgets a sixteenth of the tags: those whose run has ended before those whose run has not, and the longest
// unread first. A run that is cut off so ends.
func (t *tagTable) evict(now int64) {
	all := make([]*tag, 0, t.known)
	t.each(func(_ int32, g *tag) { all = append(all, g) })
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
		return strings.Compare(t.names.all[a.told.number].epc, t.names.all[b.told.number].epc)
	})
	for _, g := range all[:max(1, len(all)/16)] {
		if g.zone >= 0 {
			t.emit(g, FactReadEnd, now, g.last, g.told.p)
		}
		t.drop(g.told.number)
		t.evicted++
	}
}
