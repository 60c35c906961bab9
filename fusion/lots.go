package fusion

import (
	"math"
	"slices"
	"sort"
)

// lot is where goods in baskets come from: the units of one product that one step took off a plate, and who may have them
// now. Over all of them, those who put some back and those who left, no unit is ever more than once. A lot is not changed
// once the world has it: another takes its place, so that copies of the world may share it.
type lot struct {
	id, step int // step: lots of one step that the scale could not tell apart are alternatives
	at       int64
	product  int
	units    float64 // expected units taken
	doubt    bool    // the scale may as well have meant another lot of the step
	grams    float64 // of one unit, as the step weighed it; 0: it does not say
	sd       float64
	all      float64 // grams of the whole step
	allSD    float64
	proper   bool    // the goods are the plate's by the planogram
	back     float64 // of units: on a plate again, or left behind
	passed   float64 // of units: handed over, as far as standing near tells
	touched  bool    // parts are no more as the step told
	parts    []part  // the rest to units is with people whom no camera saw
}

// part is what one visit may have of a lot. The visit may have ended: then the part has left with it.
type part struct {
	visit int    // its number
	id    string // its ID
	epc   string // the unit is known to have this tag; "": not known
	n     float64
	sure  float64 // of n: that the visit has one at all, as far as a camera has seen its hand take it
	lost  bool    // the visit has ended, and nobody saw it leave: the part is in the store
}

// Bounds of provenance: parts of a lot, lots that a visit knows of, and lots of a store; the oldest go first.
const (
	maxParts   = 8
	maxLots    = 64
	maxAllLots = 1 << 16
)

// tiny is an amount of goods that is not worth a word.
const tiny = 1e-9

// unseen is what of the lot is with people whom no camera saw.
func (l *lot) unseen() float64 {
	n := l.units - l.back
	for i := range l.parts {
		n -= l.parts[i].n
	}
	return max(0, n)
}

// of finds a visit's part by its tag.
func (l *lot) of(visit int, epc string) *part {
	for i := range l.parts {
		if p := &l.parts[i]; p.visit == visit && p.epc == epc {
			return p
		}
	}
	return nil
}

// room reports whether a visit has a part, or can have one.
func (l *lot) room(visit int, epc string) bool {
	return len(l.parts) < maxParts || l.of(visit, epc) != nil || slices.ContainsFunc(l.parts, func(p part) bool { return p.n < minShare })
}

// held is what a visit may have of the lot, with and without tags.
func (l *lot) held(visit int) float64 {
	n := 0.0
	for i := range l.parts {
		if l.parts[i].visit == visit {
			n += l.parts[i].n
		}
	}
	return n
}

// unseenPart is the part of goods that may be with somebody whom no camera saw, and yet leave no doubt between the people whom cameras did
// see: how likely it is that nobody seen has them is in what each may have (assumption).
const unseenPart = 0.3

// among is how surely the visit is the one, of all that may have what was taken, who has it, 0–1.
func (l *lot) among(visit int) float64 {
	mine, all := l.held(visit), 0.0
	for i := range l.parts {
		all += l.parts[i].n
	}
	left := max(all, l.units-l.back)
	return min(1, mine/max(tiny, all+max(0, left-all-float64(unseenPart*left))))
}

// sameHand is how far what was taken at once, or one after the other, is the same person's: between each unit's being somebody's by
// itself, 0, and all of one, 1 (assumption).
const sameHand = 0.5

// without is the probability that a part is no unit at all. With a tag it is that one unit; without, it is shared in what is neither
// back nor known by its tag.
func (l *lot) without(p *part) float64 {
	none := 1 - min(1, p.n)
	if units := l.nameless(); p.epc == "" && units > 1 {
		share := min(1, p.n/units)
		none = float64(sameHand*(1-share)) + float64((1-sameHand)*round9(math.Pow(1-share, units)))
	}
	return min(none, 1-p.sure)
}

// nameless is what of the lot is somewhere in the store, with no tag known.
func (l *lot) nameless() float64 {
	n := l.units - l.back
	for i := range l.parts {
		if l.parts[i].epc != "" {
			n -= l.parts[i].n
		}
	}
	return n
}

// lotIndex finds a lot by its id, −1 if it is forgotten.
func (w *World) lotIndex(id int) int {
	i := sort.Search(len(w.lots), func(k int) bool { return w.lots[k].id >= id })
	if i < len(w.lots) && w.lots[i].id == id {
		return i
	}
	return -1
}

// change puts a copy in the place of a lot, for writing.
func (w *World) change(i int) *lot {
	l := *w.lots[i]
	l.parts = slices.Clone(l.parts)
	l.touched = true
	w.lots[i] = &l
	return &l
}

// newLot adds a lot of picked goods, of which nobody has a part yet.
func (w *World) newLot(f Fact, step int) *lot {
	if len(w.lots) == maxAllLots {
		w.lots = slices.Delete(w.lots, 0, 1)
		w.evicted++
	}
	for len(w.lots) > 0 && f.At-w.lots[0].at > astrayFor && !slices.ContainsFunc(w.lots[0].parts, func(p part) bool { return p.n > tiny && w.visit(p.visit) != nil }) {
		w.lots = slices.Delete(w.lots, 0, 1)
	}
	w.lotID++
	l := &lot{id: w.lotID, step: step, at: f.At, product: f.Product, units: f.N, doubt: f.P < sure}
	w.lots = append(w.lots, l)
	return l
}

// give moves n units of the lot into a visit's part and basket; it must be a new lot or one from change. Below 0 takes them
// away. It reports false when the lot has no room for another part: they are with nobody then.
func (w *World) give(l *lot, v *Visit, epc string, n float64) bool {
	p := l.of(v.number, epc)
	if p == nil {
		if !l.room(v.number, epc) {
			return false
		}
		if len(l.parts) == maxParts && !w.makeRoom(l, n) {
			return false
		}
		l.parts = append(l.parts, part{visit: v.number, id: v.ID, epc: epc})
		p = &l.parts[len(l.parts)-1]
		if !slices.Contains(v.lots, l.id) {
			if len(v.lots) == maxLots {
				v.lots = v.lots[1:]
				w.evicted++
			}
			v.lots = append(v.lots, l.id)
		}
	}
	p.n = max(0, p.n+n)
	p.sure = min(p.sure, p.n)
	it := v.line(l.product, epc)
	if it == nil {
		if n <= 0 {
			return true
		}
		it = w.item(v, l.product, epc)
	}
	it.N, it.At = max(0, it.N+n), w.now
	if epc != "" {
		it.known = max(0, it.known+n)
	}
	return true
}

// makeRoom takes the least part out of a lot for one of n units, unless it is more than that: so little is with somebody whom no camera saw.
func (w *World) makeRoom(l *lot, n float64) bool {
	least := l.parts[0]
	for _, p := range l.parts {
		if p.n < least.n {
			least = p
		}
	}
	if least.n > n {
		return false
	}
	if v := w.visit(least.visit); v != nil && least.n > 0 {
		w.give(l, v, least.epc, -least.n)
	}
	l.parts = slices.DeleteFunc(l.parts, func(p part) bool { return p.visit == least.visit && p.epc == least.epc })
	return true
}

// putDown takes up to n units of a product out of a visit's basket and of the lots that they came from, the newest first:
// those without a tag before those with one; what was taken after until, ns, stays. It returns the units.
func (w *World) putDown(v *Visit, product int, n float64, until int64) float64 {
	done := 0.0
	for _, tagged := range [...]bool{false, true} {
		for k := len(v.lots) - 1; k >= 0 && n-done > tiny; k-- {
			i := w.lotIndex(v.lots[k])
			if i < 0 || w.lots[i].product != product || w.lots[i].at > until {
				continue
			}
			for j := range w.lots[i].parts {
				p := w.lots[i].parts[j]
				if p.visit != v.number || (p.epc != "") != tagged || p.n <= 0 {
					continue
				}
				x := min(n-done, p.n)
				l := w.change(i)
				w.give(l, v, p.epc, -x)
				l.back += x
				done += x
			}
		}
	}
	for i := range v.Basket { // what has no provenance any more
		if it := &v.Basket[i]; it.Product == product && n-done > tiny && it.N > 0 && it.At <= until {
			x := min(n-done, it.N)
			it.N, it.At, done = it.N-x, w.now, done+x
			it.known = min(it.known, it.N)
		}
	}
	return done
}

// reckon renews what a basket says of the lots behind its lines: how surely the visit is the one who has them, how likely
// there is one at all, what of them may be another product, and who else may have them.
func (w *World) reckon(v *Visit) {
	type sum struct{ n, own, among, none, least, doubt float64 }
	sums := make([]sum, len(v.Basket))
	for i := range sums {
		sums[i].none, sums[i].least = 1, 1
	}
	v.Others = v.Others[:0]
	for _, id := range v.lots {
		i := w.lotIndex(id)
		if i < 0 || w.lots[i].units <= 0 {
			continue
		}
		l := w.lots[i]
		held := min(1, l.held(v.number)/l.units)
		his := l.among(v.number)
		for j := range l.parts {
			p := &l.parts[j]
			if p.visit != v.number {
				if share := p.n / l.units; share >= 0.1 && held >= minShare {
					v.other(p.id, round9(share))
				}
				continue
			}
			for b := range v.Basket {
				if it := &v.Basket[b]; it.Product == l.product && it.EPC == p.epc {
					s := &sums[b]
					s.n += p.n
					s.own += float64(p.n * max(held, p.sure))
					s.among += float64(p.n * max(his, p.sure))
					none := l.without(p)
					s.none, s.least = float64(s.none*none), min(s.least, none)
					if l.doubt {
						s.doubt += p.n
					}
				}
			}
		}
	}
	for b := range v.Basket {
		it, s := &v.Basket[b], &sums[b]
		it.Doubt, it.any = s.doubt, 0
		if s.n <= tiny {
			it.Owner = it.tag
			if it.Shown > 0 {
				it.Owner = max(it.tag, round9(it.share))
			}
			it.among = it.Owner
			continue
		}
		it.Owner, it.among = round9(max(it.tag, s.own/s.n)), round9(max(it.tag, s.among/s.n))
		if it.N <= s.n+tiny {
			it.any = round9(1 - float64(sameHand*s.least) - float64((1-sameHand)*s.none))
		}
	}
	w.allot(v)
}

// forgetLots forgets those of lots of which nobody got a part: with their deed nobody can any more.
func (w *World) forgetLots(ids []int) {
	for _, id := range ids {
		if i := w.lotIndex(id); i >= 0 && len(w.lots[i].parts) == 0 {
			w.lots = slices.Delete(w.lots, i, i+1)
		}
	}
}

// leave forgets the lots of which only visits that have left may have some. What a visit had of whom nobody saw that he left is still in
// the store, with him.
func (w *World) leave(v *Visit) {
	gone := w.gone(v)
	lost := map[int]float64{} // units, by product
	for k := len(v.lots) - 1; k >= 0; k-- {
		i := w.lotIndex(v.lots[k])
		if i < 0 {
			continue
		}
		product := w.lots[i].product
		it, mine := v.line(product, ""), w.lots[i].of(v.number, "")
		if !gone && it != nil && mine != nil && mine.n > tiny && mine.n <= it.Unpaid()-lost[product]+tiny {
			lost[product] += mine.n
			l := *w.lots[i]
			l.parts = slices.Clone(l.parts)
			l.of(v.number, "").lost = true
			w.lots[i] = &l
		}
		here := func(p part) bool {
			return p.visit != v.number && w.visit(p.visit) != nil || p.lost && w.now-w.lots[i].at <= astrayFor
		}
		if !slices.ContainsFunc(w.lots[i].parts, here) {
			w.lots = slices.Delete(w.lots, i, i+1)
		}
	}
}

// surely is how sure it must be that two tracks are one person's for goods to be taken to have come along.
const surely = 0.99

// doubtGoods takes from a visit what it has only if it is the same person's as a track that it takes over from a moment on, which is so
// with the probability q: the rest is with somebody whom no camera saw.
func (w *World) doubtGoods(v *Visit, from int64, q float64) {
	if q >= surely {
		return
	}
	v.doubt(from, q)
	for _, id := range v.lots {
		i := w.lotIndex(id)
		if i < 0 || w.lots[i].held(v.number) <= tiny {
			continue
		}
		l := w.change(i)
		for k := range l.parts {
			if p := &l.parts[k]; p.visit == v.number && p.n > 0 {
				p.sure = float64(p.sure * q)
				w.give(l, v, p.epc, -float64(p.n*(1-q)))
			}
		}
	}
	w.reckon(v)
}

// shareGoods moves the part f of what a visit has to another, which may be the same person's: 0–1.
func (w *World) shareGoods(from, to *Visit, f float64) {
	for _, id := range slices.Clone(from.lots) {
		i := w.lotIndex(id)
		if i < 0 || w.lots[i].held(from.number) <= tiny {
			continue
		}
		l := w.change(i)
		for _, p := range slices.Clone(l.parts) {
			if p.visit != from.number || p.n <= 0 || !w.give(l, to, p.epc, float64(p.n*f)) {
				continue
			}
			has := l.of(to.number, p.epc)
			has.sure = max(has.sure, float64(p.sure*f))
			if had := l.of(p.visit, p.epc); had != nil { // else it made room
				had.sure = float64(p.sure * (1 - f))
				w.give(l, from, p.epc, -float64(p.n*f))
			}
			w.settled(to, l, float64(p.n*f))
			w.settled(from, l, -float64(p.n*f))
		}
	}
}
