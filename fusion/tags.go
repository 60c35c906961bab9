package fusion

import (
	"math"
	"slices"
	"strings"
)

// Numbers of the tag conditioner, after science §3.1; times in ns, levels in hundredths of a dB.
const (
	gapNS     = 1500 * int64(1e6) // a run ends after this long without a read, or three times the tag's own pace, at most
	maxGapNS  = 5 * second
	forgetNS  = 45 * second  // a hidden foreign tag is forgotten as a visit ends
	historyNS = 600 * second // in which what a tag did before counts half
	chatter   = 1 << 16

	stronger   = 300 // a zone takes a tag from another only if it hears it 3 dB louder,
	switchFor  = 2   // in so many epochs in a row
	fadeBy     = 200 // a zone that did not hear the tag in an epoch in which another did loses 2 dB
	maxTags    = 1 << 16
	tellChange = 0.05
	shelfPace  = 4 // epochs between two looks at whether a tag was moved where no gate is
)

// tagTable conditions the reads of one store into runs per tag and zone, and each run's likelihood of having been moved.
// Reads are gathered in any order while their epoch is open; what they say is told when it closes.
// Pages and tags are copied when they are first written after a clone, so that a clone costs a small slice.
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
}

type tagPage struct {
	mark *int
	tags [256]*tag
}

// tag is what is known of one EPC.
type tag struct {
	mark   *int
	number int32

	zone   int // of the run; -1 while there is none
	source int // of the newest read
	first  int64
	last   int64
	reads  int
	told   float64 // moved-likelihood of the last FactMoved of the run
	from   int64   // first read of the open epoch; with gathered
	fresh  int     // reads in it
	looked int64   // epoch in which its moved-likelihood was last looked at
	waited int     // epochs in which it was heard since
	cells  []cell  // of the newest epochs
	spots  []spot  // the zones that have heard it, ascending
	rival  int     // the zone that was louder in the last streak epochs
	streak int
}

// spot is how one zone hears a tag.
type spot struct {
	zone    int
	level   int // loudest read of an epoch, averaged over epochs
	peak    int // loudest read of the open epoch; with heard
	heard   bool
	known   bool  // level stands
	from    int64 // first read of the open epoch; with heard
	seen    int64
	history int // epochs in which it lay here unmoved
}

func newTagTable(s *Store) *tagTable {
	return &tagTable{names: newNames(s), mark: new(int), next: math.MaxInt64, since: math.MinInt64}
}

func (t *tagTable) clone() *tagTable {
	c := *t
	c.pages, c.heard, c.facts = slices.Clone(t.pages), slices.Clone(t.heard), nil
	// From here on neither may write what both hold.
	t.mark, c.mark = new(int), new(int)
	return &c
}

// find returns a tag for reading, nil if nothing is known of it.
func (t *tagTable) find(n int32) *tag {
	if p := int(n) / len(tagPage{}.tags); p < len(t.pages) && t.pages[p] != nil {
		return t.pages[p].tags[int(n)%len(tagPage{}.tags)]
	}
	return nil
}

// place is where a tag's pointer stands, for writing.
func (t *tagTable) place(n int32) **tag {
	p := int(n) / len(tagPage{}.tags)
	for p >= len(t.pages) {
		t.pages = append(t.pages, nil)
	}
	page := t.pages[p]
	switch {
	case page == nil:
		page = &tagPage{mark: t.mark}
		t.pages[p] = page
	case page.mark != t.mark:
		c := *page
		c.mark = t.mark
		page = &c
		t.pages[p] = page
	}
	return &page.tags[int(n)%len(page.tags)]
}

// own returns a tag for writing, made if need be.
func (t *tagTable) own(n int32) *tag {
	if g := t.find(n); g != nil && g.mark == t.mark {
		return g
	}
	place := t.place(n)
	if g := *place; g != nil {
		c := *g
		c.mark, c.cells, c.spots = t.mark, slices.Clone(g.cells), slices.Clone(g.spots)
		*place = &c
		return &c
	}
	t.known++
	*place = &tag{mark: t.mark, number: n, zone: -1}
	return *place
}

// each calls f with every tag that is known.
func (t *tagTable) each(f func(*tag)) {
	for _, page := range t.pages {
		if page == nil {
			continue
		}
		for _, g := range page.tags {
			if g != nil {
				f(g)
			}
		}
	}
}

func (t *tagTable) drop(n int32) {
	*t.place(n) = nil
	t.known--
}

// gather takes a read of the open epoch by an antenna of its zone. Reads of one epoch may come in any order.
func (t *tagTable) gather(r *read) {
	g := t.own(r.tag)
	if g.fresh == 0 {
		t.epoch = epochOf(r.ts)
		t.heard = append(t.heard, r.tag)
		g.from = r.ts
		g.trim(t.epoch)
	}
	g.fresh++
	g.from = min(g.from, r.ts)
	if r.ts > g.last || r.ts == g.last && int(r.source) > g.source {
		g.last, g.source = r.ts, int(r.source)
	}
	s := g.spot(int(r.zone))
	if !s.heard {
		s.heard, s.peak, s.from = true, int(r.level), r.ts
		s.history >>= min(uint(max(0, t.epoch*epochNS-s.seen)/historyNS), 32)
	}
	s.peak, s.from, s.seen = max(s.peak, int(r.level)), min(s.from, r.ts), max(s.seen, r.ts)
	g.count(r, t.epoch)
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
	t.facts = t.facts[:0]
	if len(t.heard) > 0 && (closing || now >= (t.epoch+1)*epochNS) {
		t.close(now)
	}
	if now >= t.next {
		t.sweep(now)
	}
	slices.SortStableFunc(t.facts, func(a, b Fact) int { return strings.Compare(a.Name, b.Name) })
	return t.facts
}

func (t *tagTable) emit(g *tag, kind FactKind, ts, at int64, p float64) {
	x := &t.names.all[g.number]
	t.facts = append(t.facts, Fact{TS: ts, At: at, Kind: kind, Source: g.source, Zone: g.zone, Product: x.product, N: 1, P: p, Name: x.epc})
}

// close ends the open epoch for the tags that were heard in it.
func (t *tagTable) close(now int64) {
	for _, n := range t.heard {
		g := t.own(n)
		t.closeTag(g, now)
		t.next = min(t.next, align(t.ends(g)))
	}
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
	case g.zone >= 0:
		return g.last + g.gap()
	case t.names.all[g.number].product < 0 && t.names.store.HideForeign:
		return g.last + forgetNS
	}
	return math.MaxInt64
}

// sweep ends the runs that are over and forgets the tags that are to be.
func (t *tagTable) sweep(now int64) {
	t.next = math.MaxInt64
	for _, page := range t.pages {
		if page == nil {
			continue
		}
		for _, g := range page.tags {
			if g == nil || t.names.all[g.number].hot < t.since {
				continue
			}
			ends := t.ends(g)
			if ends <= now {
				g = t.own(g.number)
				if g.zone < 0 {
					t.drop(g.number)
					continue
				}
				if g.waited > 0 {
					t.look(g, g.spot(g.zone), g.cells[len(g.cells)-1].epoch, now, true)
				}
				t.emit(g, FactReadEnd, now, g.last, g.told)
				g.zone, g.cells = -1, g.cells[:0]
				ends = t.ends(g)
			}
			t.next = min(t.next, align(ends))
		}
	}
}

// gap is how long the run lasts without a read: a tag that is read seldom is not gone so soon.
func (g *tag) gap() int64 {
	if g.reads < 2 {
		return gapNS
	}
	return min(max(gapNS, 3*(g.last-g.first)/int64(g.reads-1)), maxGapNS)
}

// begin starts a run in the zone that hears the tag best.
func (g *tag) begin() {
	best := -1
	for i := range g.spots {
		s := &g.spots[i]
		s.known = false
		if s.heard && (best < 0 || s.peak > g.spots[best].peak) {
			best = i
		}
	}
	g.zone, g.first, g.reads, g.told, g.streak, g.waited = g.spots[best].zone, g.from, 0, 0, 0, 0
}

// closeTag ends an epoch of a tag: which zone hears it best, and has it been moved through that?
func (t *tagTable) closeTag(g *tag, now int64) {
	if g.zone < 0 {
		g.begin()
		t.emit(g, FactRead, now, g.from, 1)
	}
	g.reads += g.fresh
	g.fresh = 0
	g.waited++
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
	}
	here := g.spot(g.zone)
	if best >= 0 && (!here.known || g.spots[best].level >= here.level+stronger) {
		rival := &g.spots[best]
		if g.rival != rival.zone {
			g.rival, g.streak = rival.zone, 0
		}
		if g.streak++; g.streak >= switchFor {
			t.emit(g, FactReadEnd, now, g.last, g.told)
			g.zone, g.first, g.reads, g.told, g.streak, g.waited = rival.zone, rival.from, 1, 0, 0, 1
			t.emit(g, FactRead, now, rival.from, 1)
			here = rival
		}
	} else {
		g.streak = 0
	}
	for i := range g.spots {
		g.spots[i].heard = false
	}
	t.look(g, here, t.epoch, now, false)
}

// look tells how likely the tag was moved if that has changed. Where no gate is it is asked once a second, and when the
// run ends.
func (t *tagTable) look(g *tag, here *spot, epoch, now int64, last bool) {
	k := t.names.store.Zones[g.zone].Kind
	gate := k == Exit || k == Entrance
	if !gate && !last && epoch-g.looked < shelfPace && epoch >= g.looked {
		return
	}
	p := g.moved(epoch, here.history, gate)
	if p < 0.5 {
		here.history = min(here.history+g.waited, chatter)
	}
	g.looked, g.waited = epoch, 0
	if math.Abs(p-g.told) >= tellChange {
		g.told = p
		t.emit(g, FactMoved, now, g.last, p)
	}
}

// evict forgets a sixteenth of the tags: those whose run has ended before those whose run has not, and the longest
// unread first. A run that is cut off so ends.
func (t *tagTable) evict(now int64) {
	all := make([]*tag, 0, t.known)
	t.each(func(g *tag) { all = append(all, g) })
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
		return strings.Compare(t.names.all[a.number].epc, t.names.all[b.number].epc)
	})
	for _, g := range all[:max(1, len(all)/16)] {
		if g.zone >= 0 {
			t.emit(g, FactReadEnd, now, g.last, g.told)
		}
		t.drop(g.number)
		t.evicted++
	}
}
