package rules

import (
	"math"
	"slices"

	"magpie/fusion"
)

// maxMarks bounds what a tape holds; the oldest go first.
const maxMarks = 4096

// recentMarks is how many of the newest marks lie by themselves, so that one which comes out of order, or is the first to a copy, moves but those.
const recentMarks = 64

// tape is what one event function has been told of one subject: when, how many and of what, with running totals, so that any
// window over it is the difference of two of them. All policies of a set share it. Copies share its marks: they are appended
// to and cut at the front; what changes one in the middle copies them first. A nil tape is empty.
type tape struct {
	old          []mark // by (at, seq); all before
	marks        []mark // these
	units, times int64  // of the marks that were cut off, in billionths
	first        int64  // the earliest that was cut off; math.MaxInt64: none
	reach        int64  // everything after it is here
}

// mark is one fact on a tape.
type mark struct {
	at, ts, seq  int64  // when it happened, when it was known, and the how manieth fact of the subject it was
	units, times int64  // running totals with this one: units, and events of which one of several units counts once
	thing        int    // a product or a zone
	name         string // or a tag, a session, a signal
}

const billion = 1e9

func whole(n float64) int64 { return int64(math.Round(float64(n * billion))) }

func (t *tape) len() int {
	if t == nil {
		return 0
	}
	return len(t.old) + len(t.marks)
}

// mark is the i-th, from 0.
func (t *tape) mark(i int) *mark {
	if i < len(t.old) {
		return &t.old[i]
	}
	return &t.marks[i-len(t.old)]
}

// total is the running totals of everything told.
func (t *tape) total() (units, times int64) {
	if t == nil {
		return 0, 0
	}
	return t.totals(t.len())
}

// totals is the running totals before the i-th mark.
func (t *tape) totals(i int) (units, times int64) {
	if i == 0 {
		return t.units, t.times
	}
	m := t.mark(i - 1)
	return m.units, m.times
}

// upTo is the index of the first mark after a moment, and the running totals before it.
func (t *tape) upTo(at int64) (i int, units, times int64) {
	if t == nil {
		return 0, 0, 0
	}
	i = t.find(func(m *mark) bool { return m.at > at })
	units, times = t.totals(i)
	return i, units, times
}

// find is the index of the first mark of which is holds, and of all that come after it.
func (t *tape) find(is func(*mark) bool) int {
	lo, hi := 0, t.len()
	for lo < hi {
		if m := (lo + hi) / 2; is(t.mark(m)) {
			hi = m
		} else {
			lo = m + 1
		}
	}
	return lo
}

// after is the index of the first mark after a moment.
func (t *tape) after(at int64) int {
	i, _, _ := t.upTo(at)
	return i
}

// next is the first mark that comes after one, by (at, seq); nil if there is none.
func (t *tape) next(m *mark) *mark {
	if i := t.find(func(o *mark) bool { return o.compare(m) > 0 }); i < t.len() {
		return t.mark(i)
	}
	return nil
}

func (m *mark) compare(o *mark) int {
	switch {
	case m.at < o.at || m.at == o.at && m.seq < o.seq:
		return -1
	case m.at == o.at && m.seq == o.seq:
		return 0
	}
	return 1
}

// newest is the time of the last mark, math.MinInt64 without one.
func (t *tape) newest() int64 {
	if t.len() == 0 {
		return math.MinInt64
	}
	return t.mark(t.len() - 1).at
}

// earliest is the time of the first event ever told, math.MaxInt64 without one.
func (t *tape) earliest() int64 {
	if t == nil {
		return math.MaxInt64
	}
	if t.len() > 0 {
		return min(t.first, t.mark(0).at)
	}
	return t.first
}

// add takes a fact, the seq-th of the subject.
func (t *tape) add(f *fusion.Fact, seq int64) {
	m := mark{at: f.At, ts: f.TS, seq: seq, thing: f.Product}
	switch f.Kind {
	case fusion.FactLost:
		m.thing = f.Zone
	case fusion.FactRead, fusion.FactOpened, fusion.FactSignal, fusion.FactAlerted:
		m.thing, m.name = -1, f.Name
	}
	units, times := whole(f.N), whole(min(1, f.N))
	i := t.after(m.at)
	if i < len(t.old) { // seldom: so late that all are moved
		t.old, t.marks = nil, slices.Concat(t.old, t.marks)
	}
	m.units, m.times = t.totals(i)
	if k := i - len(t.old); k < len(t.marks) {
		t.marks = slices.Insert(slices.Clone(t.marks), k, m)
	} else {
		t.marks = append(t.marks, m)
	}
	for k := i - len(t.old); k < len(t.marks); k++ {
		t.marks[k].units += units
		t.marks[k].times += times
	}
	if n := len(t.marks); n >= 2*recentMarks {
		t.old, t.marks = append(t.old, t.marks[:n-recentMarks]...), t.marks[n-recentMarks:]
	}
	for t.len() > maxMarks || t.mark(0).at <= f.TS-int64(longest) {
		t.cut()
	}
}

// cut takes the oldest mark off.
func (t *tape) cut() {
	m := t.mark(0)
	t.units, t.times = m.units, m.times
	t.first, t.reach = min(t.first, m.at), max(t.reach, m.at)
	if len(t.old) > 0 {
		t.old = t.old[1:]
	} else {
		t.marks = t.marks[1:]
	}
	if t.len() == 0 {
		t.old, t.marks = nil, nil
	}
}

// share makes what is appended to a copy of the tape leave the tape as it is.
func (t *tape) share() { t.old, t.marks = slices.Clip(t.old), slices.Clip(t.marks) }

// before forgets what was known from ts on, to be told again.
func (t *tape) before(ts int64) {
	kept := make([]mark, 0, t.len())
	units, times := t.units, t.times
	u, n := t.units, t.times
	for i := range t.len() {
		m := *t.mark(i)
		du, dn := m.units-u, m.times-n
		u, n = m.units, m.times
		if m.ts >= ts {
			continue
		}
		units, times = units+du, times+dn
		m.units, m.times = units, times
		kept = append(kept, m)
	}
	t.old, t.marks = nil, kept
}

// table is an array of which most is never used. What there is lies side by side, in the order in which it came.
type table[T any] struct {
	index []uint64 // its place in the array, and in all, ascending
	all   []T
}

// find is where something is in the index, or would be.
func (t *table[T]) find(i int) (at int, found bool) {
	lo, hi := 0, len(t.index)
	for lo < hi {
		if m := (lo + hi) / 2; t.index[m]>>32 < uint64(i) {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo, lo < len(t.index) && t.index[lo]>>32 == uint64(i)
}

// get gives what is there until the next put, nil if nothing is.
func (t *table[T]) get(i int) *T {
	at, found := t.find(i)
	if !found {
		return nil
	}
	return &t.all[uint32(t.index[at])]
}

// put puts something where nothing is, and gives it as get does.
func (t *table[T]) put(i int, x T) *T {
	at, _ := t.find(i)
	t.index = slices.Insert(t.index, at, uint64(i)<<32|uint64(len(t.all)))
	t.all = append(t.all, x)
	return &t.all[len(t.all)-1]
}

// each calls f for everything that is there, in order.
func (t *table[T]) each(f func(i int, x *T)) {
	for _, at := range t.index {
		f(int(at>>32), &t.all[uint32(at)])
	}
}

// clone is a copy; what is there is copied as it is.
func (t *table[T]) clone() table[T] { return table[T]{slices.Clone(t.index), slices.Clone(t.all)} }

// lists are many short lists of numbers, one behind the other.
type lists struct{ from, all []int32 }

// add adds the next list.
func (l *lists) add(list []int) {
	if l.from == nil {
		l.from = []int32{0}
	}
	for _, n := range list {
		l.all = append(l.all, int32(n))
	}
	l.from = append(l.from, int32(len(l.all)))
}

// listsOf makes them of a list each; without a single number it holds none.
func listsOf(all [][]int) (l lists) {
	for _, list := range all {
		l.add(list)
	}
	if len(l.all) == 0 {
		return lists{}
	}
	return l
}

// at is the i-th list; empty where there are fewer.
func (l *lists) at(i int) []int32 {
	if i < 0 || i+1 >= len(l.from) {
		return nil
	}
	return l.all[l.from[i]:l.from[i+1]]
}
