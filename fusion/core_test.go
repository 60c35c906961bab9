package fusion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// diary is a judge that writes down what it is told, and has a timer every ten seconds while somebody is there.
type diary struct {
	lines []entry
	due   int64
}

// entry is a fact that a visit or ledger was given, or without one a timer that found so many visits.
type entry struct {
	now    int64
	who    string
	fact   Fact
	visits int
}

func newDiary() Judge[*diary] {
	return Judge[*diary]{
		New:   func() *diary { return &diary{due: math.MaxInt64} },
		Clone: func(d *diary) *diary { return &diary{slices.Clip(d.lines), d.due} },
		Facts: func(d *diary, w *World, changes []Change) {
			for _, c := range changes {
				d.lines = append(d.lines, entry{w.Now(), c.Visit.ID, c.Fact, 0})
			}
			if d.due == math.MaxInt64 {
				d.due = w.Now() + 10*second
			}
		},
		Due: func(d *diary) int64 { return d.due },
		Fire: func(d *diary, w *World, now int64) {
			d.lines = append(d.lines, entry{now: now, visits: len(w.Visits())})
			d.due = now + 10*second
			if len(w.Visits()) == 0 {
				d.due = math.MaxInt64
			}
		},
	}
}

// deep prints everything that a world knows, without addresses and scratch.
func deep(w *World) string {
	var b strings.Builder
	p := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	p("shrink %+v", w.Shrink())
	p("now %d began %d born %d evicted %d live %+v", w.now, w.began, w.born, w.evicted, w.live)
	for _, list := range [][]*Visit{w.visits, w.tills, w.zones, {w.store}} {
		for _, v := range list {
			p("%+v", *v)
		}
	}
	for k, t := range w.tracks {
		p("track %v: %s %d %v", k, t.visit.ID, t.at, t.lost)
	}
	for k, s := range w.sessions {
		p("session %v: %s %v %d %+v", k, s.visit.ID, s.share, s.scans, s.lines)
	}
	for i, pl := range w.plates.all {
		p("plate %d: %+v", i, *pl)
	}
	w.tags.each(func(n int32, g *tag) {
		c, h := *g, *g.told
		c.told, h.mark, h.number = nil, nil, 0
		p("tag %s %+v %+v", w.tags.names.all[n].epc, c, h)
	})
	for _, l := range w.lots {
		p("lot %+v", *l)
	}
	for _, d := range w.deeds {
		p("deed %+v", d)
	}
	p("strays %+v stirs %+v", w.strays, w.stirs)
	p("shifts %v", w.shifts)
	for _, x := range w.anchors {
		p("anchor %+v", x)
	}
	for _, x := range w.pairs {
		p("pair %+v", x)
	}
	for _, t := range w.timers {
		p("timer %+v", t)
	}
	lines := strings.Split(b.String(), "\n")
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// deliver gives messages to a core in the order of a key, each received when it says, and then lets time pass until all
// that may be late has come.
func deliver(c *Core[*diary], all []Message, key []int64) {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return key[order[i]] < key[order[j]] })
	newest := int64(0)
	for _, i := range order {
		m := all[i]
		m.Events = slices.Clone(m.Events)
		c.Arrive(m.Received)
		c.Add(&m)
		c.Advance()
		newest = max(newest, m.TS)
	}
	c.Arrive(newest + MaxBehind + 20*second)
	c.Advance()
}

// TestOrder: the world and what was judged depend on the set of messages, not on their order (contract §3, law 2) nor on
// when they arrive (law 3) while all are on time; in the end not either if some are late by up to 60 s.
func TestOrder(t *testing.T) {
	for _, c := range []struct {
		name  string
		slack int64
		late  bool
	}{{"on time", 3 * second, false}, {"late", 3*second + MaxBehind, true}} {
		t.Run(c.name, func(t *testing.T) {
			refolds := 0
			rapid.Check(t, func(t *rapid.T) {
				r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				store := cornerShop()
				all := crowd(r, store, rapid.IntRange(5, 45).Draw(t, "seconds"), rapid.IntRange(0, 5).Draw(t, "people"))
				odd := rapid.SampledFrom([]int{100, 300}).Draw(t, "one in so many is late")
				// Received at most half the slack after ts and read at most half the slack after ts: never later than allowed.
				inOrder, shuffled := make([]int64, len(all)), make([]int64, len(all))
				redraw := !c.late && rapid.Bool().Draw(t, "other arrivals") // law 3
				again := slices.Clone(all)
				for i := range all {
					all[i].Received = all[i].TS + r.Int64N(c.slack/2)
					inOrder[i], shuffled[i] = all[i].TS, all[i].TS+r.Int64N(c.slack/2)
					if redraw {
						again[i].Received = all[i].TS + r.Int64N(3*second)
						shuffled[i] = again[i].Received
					}
					if c.late && r.IntN(odd) > 0 {
						all[i].Received, shuffled[i] = all[i].TS, all[i].TS+r.Int64N(3*second)
					}
				}
				a, b := NewCore(store, newDiary()), NewCore(store, newDiary())
				if c.late { // the reference gets everything on time
					punctual := slices.Clone(all)
					for i := range punctual {
						punctual[i].Received = punctual[i].TS
					}
					deliver(a, punctual, inOrder)
				} else {
					deliver(a, all, inOrder)
				}
				if redraw {
					all = again
				}
				deliver(b, all, shuffled)
				refolds += b.Refolds
				for i := range b.Counters {
					if n := b.Counters[i]; n.TooLate > 0 || n.Duplicates > 0 || n.Late > 0 && !c.late {
						t.Fatalf("source %d: %+v", i, n)
					}
				}
				wa, da := a.Confirmed()
				wb, db := b.Confirmed()
				differ(t, da.lines, db.lines)
				differ(t, strings.Split(deep(wa), "\n"), strings.Split(deep(wb), "\n"))
			})
			if c.late != (refolds > 0) {
				t.Errorf("%d refolds", refolds)
			}
		})
	}
}

// differ fails with the first line in which two lists differ.
func differ[T comparable](t rapid.TB, want, got []T) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		var x, y T
		if i < len(want) {
			x = want[i]
		}
		if i < len(got) {
			y = got[i]
		}
		if x != y {
			t.Fatalf("line %d of %d and %d\nwant %+v\ngot  %+v", i, len(want), len(got), x, y)
		}
	}
}

// TestClone: a copy and its original share nothing that changes, and a copy of either goes on as the original does.
func TestClone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		store := cornerShop()
		all := crowd(r, store, 60, rapid.IntRange(1, 6).Draw(t, "people"))
		sort.SliceStable(all, func(i, j int) bool { return all[i].Events[0].Compare(&all[j].Events[0]) < 0 })
		fold := func(w *World, all []Message) {
			for i := range all {
				for w.Due() <= all[i].TS {
					w.Fire(w.Due())
				}
				w.Fold(&all[i].Events[0])
			}
		}
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		a := NewWorld(store)
		fold(a, all[:cut])
		before := deep(a)
		b := a.Clone()
		c := b.Clone()
		var other []Message // another future
		for i := cut; i < len(all); i++ {
			if all[i].Kind != Tracks || r.IntN(3) > 0 {
				other = append(other, all[i])
			}
		}
		fold(b, other)
		same := func(want string, w *World) {
			t.Helper()
			differ(t, strings.Split(want, "\n"), strings.Split(deep(w), "\n"))
		}
		same(before, a)
		same(before, c)
		after := deep(b)
		fold(a, all[cut:])
		same(after, b)
		same(before, c)
		fold(c, all[cut:])
		same(after, b)
		same(deep(a), c)
	})
}

// TestProvisional: what is supposed is what would be confirmed if nothing more came, and leaves no trace.
func TestProvisional(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		store := cornerShop()
		all := crowd(r, store, 60, 4)
		slices.SortStableFunc(all, func(x, y Message) int { return cmp(x.TS, y.TS) })
		all = all[:rapid.IntRange(1, len(all)).Draw(t, "cut")]
		a, b := NewCore(store, newDiary()), NewCore(store, newDiary())
		for i := range all {
			m := all[i]
			m.Received = m.TS
			for _, c := range []*Core[*diary]{a, b} {
				c.Arrive(m.Received)
				c.Add(&m)
				c.Advance()
			}
			if i%97 == 0 {
				b.Provisional()
			}
		}
		for i := range b.names.all {
			b.names.all[i].hot = math.MaxInt64 // else tags that lie on shelves are left as they are
		}
		w, d := b.Provisional()
		supposed, told := deep(w), d.lines
		last := (epochOf(all[len(all)-1].TS) + 1) * epochNS // readings are told at the end of their epoch
		for _, c := range []*Core[*diary]{a, b} {
			c.advance(last)
		}
		wa, da := a.Confirmed()
		wb, db := b.Confirmed()
		differ(t, strings.Split(deep(wa), "\n"), strings.Split(deep(wb), "\n"))
		differ(t, da.lines, db.lines)
		differ(t, strings.Split(deep(wa), "\n"), strings.Split(supposed, "\n"))
		differ(t, da.lines, told)
	})
}

func TestVerdicts(t *testing.T) {
	for _, numbered := range []bool{false, true} { // numbers lie elsewhere
		verdicts(t, numbered)
	}
}

func verdicts(t *testing.T, numbered bool) {
	store := cornerShop()
	c := NewCore(store, newDiary())
	read := func(sec, received float64, ident uint64, clocked bool) Verdict {
		m := Message{TS: at(sec), Received: at(received), Clocked: clocked, Source: store.SourceIndex("r-door"), Kind: RFID, Ident: ident,
			Events: []Event{{TS: at(sec), Kind: RFID, Source: store.SourceIndex("r-door"), ID: jacketTag, Antenna: 1, RSSI: -50, Zone: -1}}}
		if numbered {
			m.Seq = ident
		}
		c.Arrive(m.Received)
		defer c.Advance()
		return c.Add(&m)
	}
	for i, x := range []struct {
		sec, received float64
		ident         uint64
		clocked       bool
		want          Verdict
	}{
		{0, 0, 1, true, Accepted},
		{1, 4, 2, true, Accepted}, // exactly at the watermark
		{1, 4.001, 3, true, Late},
		{1, 4.001, 3, true, Duplicate},
		{60, 60, 4, false, Accepted}, // a device without clock: the same number again
		{61, 61, 4, false, Duplicate},
		{62, 62, 0, false, Accepted}, // and one without number, never
		{62, 62, 0, false, Accepted},
		{1, 64, 5, true, Late}, // behind by sixty seconds
		{0.999, 64, 6, true, TooLate},
		{1, 64, 5, true, Duplicate},
		{65, 65, 4, false, Duplicate},
		{66, 66, 4, false, Accepted}, // six seconds after the first: its numbers have begun anew
		{70, 70, 4, false, Duplicate},
		{71.1, 71.1, 4, false, Accepted},
		{190, 190, 7, false, Accepted}, // the first of 4 is long forgotten
		{190, 190, 4, false, Accepted},
		{194.4, 194.4, 8, false, Accepted}, // that of 71.1 is forgotten now, that of 190 is not
		{194.5, 194.5, 4, false, Duplicate},
	} {
		if got := read(x.sec, x.received, x.ident, x.clocked); got != x.want {
			t.Errorf("message %d, numbered %v: verdict %v; want %v", i, numbered, got, x.want)
		}
	}
	if got, want := c.Counters[store.SourceIndex("r-door")], (Counters{Received: 19, Late: 2, Duplicates: 6, TooLate: 1}); got != want {
		t.Errorf("counted %+v; want %+v", got, want)
	}
}

// TestMemoryIsBounded: over an hour of events nothing grows but what is told.
func TestMemoryIsBounded(t *testing.T) {
	store := cornerShop()
	none := Judge[int]{New: func() int { return 0 }, Clone: func(n int) int { return n }, Facts: func(int, *World, []Change) {},
		Due: func(int) int64 { return math.MaxInt64 }, Fire: func(int, *World, int64) {}}
	c := NewCore(store, none)
	r := rand.New(rand.NewPCG(1, 1))
	all := crowd(r, store, 600, 60)
	slices.SortStableFunc(all, func(x, y Message) int { return cmp(x.TS, y.TS) })
	perSecond := len(all) / 600
	limit := 2 * perSecond * int((keepFacts+checkpointEvery)/second)
	for lap := range int64(6) {
		for i := range all {
			m := all[i]
			m.TS += lap * 600 * second
			m.Received = m.TS
			m.Ident += uint64(lap)
			e := m.Events[0]
			e.TS = m.TS
			m.Events = []Event{e}
			if i%1000 == 999 { // some come late
				m.TS, m.Events[0].TS = m.TS-40*second, m.TS-40*second
			}
			c.Arrive(m.Received)
			c.Add(&m)
			c.Advance()
			kept := 0
			for _, ep := range c.epochs.list {
				kept += ep.size()
			}
			if kept > limit || len(c.late) > limit || len(c.seen.table) > limit || len(c.seen.order) > limit ||
				len(c.checkpoints) > int(keepFacts/checkpointEvery)+2 || len(c.clocks.cuts) > 8 {
				t.Fatalf("lap %d, message %d: %d events kept, %d late, %d seen, %d checkpoints; limit %d", lap, i, kept,
					len(c.late), len(c.seen.table), len(c.checkpoints), limit)
			}
		}
	}
	w, _ := c.Confirmed()
	for _, list := range c.clocks.pairs {
		if len(list) > maxKept {
			t.Errorf("%d pairs", len(list))
		}
	}
	if len(w.pairs) > 6*minutePairs || len(w.anchors) > maxAnchors {
		t.Errorf("%d pairs, %d anchors", len(w.pairs), len(w.anchors))
	}
	if c.Refolds == 0 || len(w.timers) > 500 || w.tags.known > 200 || len(w.sessions) > 50 || len(w.tracks) > 200 {
		t.Errorf("%d refolds, %d timers, %d tags, %d sessions, %d tracks", c.Refolds, len(w.timers), w.tags.known, len(w.sessions), len(w.tracks))
	}
}

// TestFinish: the end of a recording folds what was waiting, fires what is due and ends every visit then.
func TestFinish(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "A", 0, 3, Point{4, 3}, Point{4, -0.6})
	c := NewCore(s.store, newDiary())
	for i := range s.events {
		e := s.events[i]
		c.Arrive(e.TS)
		c.Add(&Message{TS: e.TS, Received: e.TS, Clocked: true, Source: e.Source, Kind: e.Kind, Events: []Event{e}})
		c.Advance()
	}
	c.Arrive(at(4))
	c.Finish()
	w, d := c.Confirmed()
	if len(w.Visits()) != 0 || c.Pending() != 0 || c.Watermark() <= at(4) {
		t.Errorf("%d visits open, %d events waiting, watermark %d", len(w.Visits()), c.Pending(), c.Watermark())
	}
	exits := slices.ContainsFunc(d.lines, func(e entry) bool { return e.fact.Kind == FactExited })
	if last := d.lines[len(d.lines)-1]; !exits || last.fact.Kind != FactEnded || last.now != at(4) {
		t.Errorf("exited %v; the last fact is %+v", exits, last)
	}
}
