package fusion

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"
)

// Facts are the facts of a subject, oldest first. Visits are many, and most of what a fact could say it does not: so they are kept
// as bytes, a quarter of what a Fact takes, and read one after the other. The zero value has none. A copy of it is another list
// once either is added to, if Clip cut it off.
//
// A fact stands as its kind, its form, and what its form says stands there. Its TS is told from that of the one before, and its At
// from its TS; a text is the number of a name.
type Facts struct {
	log   []byte
	names []string
	n     int
	base  int64 // from which the TS of the oldest is told: that of the one before it
	last  int64 // TS of the newest
}

// What of a fact stands in its bytes: two bits each say how N and P stand.
const (
	formP     = 2 // shift
	formAt    = 1 << 4
	formName  = 1 << 5
	formGrams = 1 << 6
	formMS    = 1 << 7 // its times are apart by whole ms, as devices tell them
)

// How N and P stand: they are 1 or 0, or whole billionths in four bytes, or all of their bits.
const (
	isOne = iota
	isZero
	isBillionths
	isBits
)

const milli = int64(1e6) // ns

// mostBytes is what one fact takes at most.
const mostBytes = 1 + 1 + 6*binary.MaxVarintLen64 + 8 + 8 + 4

// FactsOf is a list of facts.
func FactsOf(list ...Fact) Facts {
	var f Facts
	for i := range list {
		f.Append(list[i])
	}
	return f
}

// Len is the number of facts.
func (f *Facts) Len() int { return f.n }

// Append adds the newest fact.
func (f *Facts) Append(x Fact) { f.push(x, math.MaxInt) }

// push adds the newest fact to a list of which the newest most are kept. full says that the oldest has gone. What copies of the
// list share is not changed.
func (f *Facts) push(x Fact, most int) (full bool) {
	if f.n == most {
		r := reader{log: f.log, ts: f.base}
		f.base = r.next(f.names).TS
		f.log, f.n, full = f.log[r.at:], f.n-1, true
	}
	if len(f.names) > f.n+f.n/4+8 {
		f.renumber()
	}
	if f.n == 0 {
		f.base, f.last = x.TS, x.TS
	}
	name := 0
	if x.Name != "" {
		name = f.number(x.Name)
	}
	var room [mostBytes]byte
	b := appendFact(room[:0], &x, f.last, name)
	if cap(f.log)-len(f.log) < len(b) {
		// It is never much larger than what it holds: append would double it.
		f.log = append(slices.Grow([]byte(nil), len(f.log)+max(64, len(f.log)/16)), f.log...)
	}
	f.log = append(f.log, b...)
	f.n++
	f.last = x.TS
	return full
}

// number is that of a name, beginning with 1. One that was not used lately may get another.
func (f *Facts) number(name string) int {
	for i := len(f.names) - 1; i >= max(0, len(f.names)-maxBasket); i-- {
		if f.names[i] == name {
			return i + 1
		}
	}
	if len(f.names) == cap(f.names) {
		f.names = append(slices.Grow([]string(nil), len(f.names)+max(4, len(f.names)/8)), f.names...)
	}
	f.names = append(f.names, name)
	return len(f.names)
}

// renumber forgets the names that no fact has any more.
func (f *Facts) renumber() { *f = FactsOf(f.List()...) }

// Clip is the list without room at its end, so that it and what it was may both be added to.
func (f *Facts) Clip() Facts {
	c := *f
	c.log, c.names = f.log[:len(f.log):len(f.log)], f.names[:len(f.names):len(f.names)]
	return c
}

// All gives the facts, oldest first.
func (f *Facts) All() iter.Seq[Fact] {
	return func(yield func(Fact) bool) {
		r := reader{log: f.log, ts: f.base}
		for range f.n {
			if !yield(r.next(f.names)) {
				return
			}
		}
	}
}

// Backward gives the facts, newest first.
func (f *Facts) Backward() iter.Seq[Fact] {
	return func(yield func(Fact) bool) {
		var room [maxFacts]uint32
		begin := room[:0] // where each stands
		r := reader{log: f.log}
		for range f.n {
			begin = append(begin, uint32(r.at))
			r.skip()
		}
		ts := f.last
		for i := f.n - 1; i >= 0; i-- {
			r = reader{log: f.log, at: int(begin[i])}
			x := r.next(f.names)
			step := x.TS // as if the one before were of 0
			x.TS, x.At = ts, x.At-step+ts
			if !yield(x) {
				return
			}
			ts -= step
		}
	}
}

// Oldest is the first fact of a list that has one.
func (f *Facts) Oldest() Fact {
	r := reader{log: f.log, ts: f.base}
	return r.next(f.names)
}

// List is a slice of the facts, oldest first.
func (f *Facts) List() []Fact {
	list := make([]Fact, 0, f.n)
	for x := range f.All() {
		list = append(list, x)
	}
	return list
}

// Has reports whether a fact is as asked.
func (f *Facts) Has(asked func(Fact) bool) bool {
	for x := range f.All() {
		if asked(x) {
			return true
		}
	}
	return false
}

// appendFact appends the bytes of a fact, given the TS of the one before and the number of its name.
func appendFact(b []byte, x *Fact, before int64, name int) []byte {
	n, whole := form(x.N)
	p, part := form(x.P)
	how := n | p<<formP
	if x.At != x.TS {
		how |= formAt
	}
	if name > 0 {
		how |= formName
	}
	if x.Grams != 0 {
		how |= formGrams
	}
	unit := int64(1)
	if (x.TS-before)%milli == 0 && (x.TS-x.At)%milli == 0 {
		how |= formMS
		unit = milli
	}
	b = append(b, byte(x.Kind), how)
	b = binary.AppendVarint(b, (x.TS-before)/unit)
	if how&formAt != 0 {
		b = binary.AppendVarint(b, (x.TS-x.At)/unit)
	}
	b = binary.AppendVarint(b, int64(x.Source))
	b = binary.AppendVarint(b, int64(x.Zone))
	b = binary.AppendVarint(b, int64(x.Product))
	if name > 0 {
		b = binary.AppendUvarint(b, uint64(name))
	}
	b = appendForm(b, n, whole)
	b = appendForm(b, p, part)
	if x.Grams != 0 {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x.Grams))
	}
	return b
}

// form is how a number stands, and what of it.
func form(x float64) (how byte, rest uint64) {
	all := math.Float64bits(x)
	switch all {
	case math.Float64bits(1):
		return isOne, 0
	case 0:
		return isZero, 0
	}
	if x > 0 && x < math.MaxUint32/1e9 {
		if n := math.Round(x * 1e9); n/1e9 == x {
			return isBillionths, uint64(n)
		}
	}
	return isBits, all
}

func appendForm(b []byte, how byte, rest uint64) []byte {
	switch how {
	case isBillionths:
		return binary.LittleEndian.AppendUint32(b, uint32(rest))
	case isBits:
		return binary.LittleEndian.AppendUint64(b, rest)
	}
	return b
}

// reader reads facts one after the other.
type reader struct {
	log []byte
	at  int
	ts  int64 // of the one before
}

func (r *reader) next(names []string) Fact {
	kind, how := r.log[r.at], r.log[r.at+1]
	r.at += 2
	unit := int64(1)
	if how&formMS != 0 {
		unit = milli
	}
	r.ts += r.number() * unit
	x := Fact{TS: r.ts, At: r.ts, Kind: FactKind(kind)}
	if how&formAt != 0 {
		x.At -= r.number() * unit
	}
	x.Source, x.Zone, x.Product = int(r.number()), int(r.number()), int(r.number())
	if how&formName != 0 {
		x.Name = names[r.count()-1]
	}
	x.N, x.P = r.form(how&3), r.form(how>>formP&3)
	if how&formGrams != 0 {
		x.Grams = math.Float32frombits(binary.LittleEndian.Uint32(r.log[r.at:]))
		r.at += 4
	}
	return x
}

// skip reads over a fact.
func (r *reader) skip() {
	how := r.log[r.at+1]
	r.at += 2
	numbers := 4
	if how&formAt != 0 {
		numbers++
	}
	if how&formName != 0 {
		numbers++
	}
	for ; numbers > 0; numbers-- {
		for r.log[r.at] >= 0x80 {
			r.at++
		}
		r.at++
	}
	sizes := [...]int{isBillionths: 4, isBits: 8}
	r.at += sizes[how&3] + sizes[how>>formP&3]
	if how&formGrams != 0 {
		r.at += 4
	}
}

func (r *reader) form(how byte) float64 {
	switch how {
	case isOne:
		return 1
	case isZero:
		return 0
	case isBillionths:
		x := binary.LittleEndian.Uint32(r.log[r.at:])
		r.at += 4
		return float64(x) / 1e9
	}
	x := math.Float64frombits(binary.LittleEndian.Uint64(r.log[r.at:]))
	r.at += 8
	return x
}

func (r *reader) count() uint64 {
	if b := r.log[r.at]; b < 0x80 {
		r.at++
		return uint64(b)
	}
	x, n := binary.Uvarint(r.log[r.at:])
	r.at += n
	return x
}

func (r *reader) number() int64 {
	u := r.count()
	return int64(u>>1) ^ -int64(u&1)
}
