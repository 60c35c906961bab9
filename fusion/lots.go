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

// claimed is what may be drawn from a part: goods that its visit has paid for, or whose tag is known to be with it, stay.
func (w *World) claimed(l *lot, p *part) float64 {
	if p.epc != "" {
		return 0
	}
	v := w.visit(p.visit)
	if v == nil {
		return p.n // has left; whoever shows them now had them
	}
	if it := v.line(l.product, ""); it != nil {
		return min(p.n, it.Unpaid())
	}
	return 0
}

// draw gives a visit up to n units of a product more, since it has shown that it had them: of the lots of which it may have
// some, the newest first, and of those that are with it as an alternative. Others who may have had them have them no more,
// each in proportion; those of them who are still here are told. It returns the units drawn.
func (w *World) draw(v *Visit, product int, epc string, n float64) float64 {
	got := 0.0
	n *= w.sooner(v, product)
	for k := len(v.lots) - 1; k >= 0 && n-got > tiny; k-- {
		if i := w.lotIndex(v.lots[k]); i >= 0 && w.lots[i].product == product {
			got += w.drawFrom(i, v, epc, n-got, anyPart)
		}
	}
	for k := len(v.lots) - 1; k >= 0 && n-got > tiny; k-- {
		if i := w.lotIndex(v.lots[k]); i >= 0 && w.lots[i].product == product && w.lots[i].doubt {
			got += w.instead(i, v, epc, n-got)
		}
	}
	return got
}

// drawFrom draws up to n units from the others in one lot: from each part as much as it may have, times its weight; nil is what nobody
// saw taken. It returns the units drawn.
func (w *World) drawFrom(i int, v *Visit, epc string, n float64, weight func(*lot, *part) float64) float64 {
	l := w.lots[i]
	weights := make([]float64, len(l.parts), maxParts)
	unseen := weight(l, nil)
	all := float64(unseen * l.unseen())
	for k := range l.parts {
		if p := &l.parts[k]; p.visit != v.number {
			weights[k] = weight(l, p)
			all += float64(weights[k] * w.claimed(l, p))
		}
	}
	if all <= tiny || !l.room(v.number, epc) {
		return 0
	}
	l = w.change(i)
	portion := func(weight, has float64) float64 { return min(has, float64(n*weight*has/all)) }
	got := portion(unseen, l.unseen())
	for k, x := range weights {
		if x > 0 {
			p := l.parts[k]
			lost := portion(x, w.claimed(l, &p))
			w.loses(l, p, lost)
			got += lost
		}
	}
	w.give(l, v, epc, got)
	if l.held(v.number) >= float64(shown*l.units) {
		w.pin(l.step, v)
	}
	return got
}

// anyPart draws from everybody alike.
func anyPart(*lot, *part) float64 { return 1 }

// shown is the part of a lot from which whoever has shown it did the pick.
const shown = 0.8

// loses takes units of a lot from a part, since they turned out to be with somebody else.
func (w *World) loses(l *lot, p part, n float64) {
	if n <= 0 {
		return
	}
	v := w.visit(p.visit)
	if v == nil {
		q := l.of(p.visit, p.epc)
		q.n = max(0, q.n-n)
		return
	}
	w.give(l, v, p.epc, -n)
	w.settled(v, l, -n)
}

// settled tells a visit that goods are sooner or less soon with it than was thought.
func (w *World) settled(v *Visit, l *lot, n float64) {
	w.reckon(v)
	if n < worthTelling && n > -worthTelling {
		return
	}
	w.add(v, Fact{At: w.now, Kind: FactSettled, Source: -1, Zone: v.Zone, Product: l.product, N: n, P: 1}, 1)
}

// worthTelling is the expected units from which a change of what somebody has is a fact of its own.
const worthTelling = 0.1

// instead turns units of other lots of the same step, which the scale could not tell from this one, into units of it: those
// with the visit first, then those of others.
func (w *World) instead(i int, v *Visit, epc string, n float64) float64 {
	got := 0.0
	for k := i - maxStepKinds; k <= i+maxStepKinds && n-got > tiny; k++ {
		if k < 0 || k >= len(w.lots) || k == i || w.lots[k].step != w.lots[i].step || !w.lots[k].doubt ||
			!w.lots[i].room(v.number, epc) {
			continue
		}
		from, to := w.change(k), w.change(i)
		mine, free := 0.0, from.unseen()
		if p := from.of(v.number, ""); p != nil {
			mine = min(n-got, w.claimed(from, p))
		}
		if mine > 0 {
			w.give(from, v, "", -mine)
		}
		moved := min(n-got, mine+free)
		for q := range from.parts {
			if p := from.parts[q]; p.visit != v.number {
				x := min(n-got-moved, w.claimed(from, &from.parts[q]))
				w.loses(from, p, x)
				moved += x
			}
		}
		from.units -= moved
		to.units += moved
		w.give(to, v, epc, moved)
		got += moved
	}
	return got
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
	type sum struct{ n, own, none, least, doubt float64 }
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
			continue
		}
		it.Owner = round9(max(it.tag, s.own/s.n))
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

// doubtGoods takes from a visit what it has only if it is the same person's as a track that it takes over, which is so with the
// probability q: the rest is with somebody whom no camera saw.
func (w *World) doubtGoods(v *Visit, q float64) {
	if q >= surely {
		return
	}
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
