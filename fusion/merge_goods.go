package fusion

import (
	"math"
	"slices"
)

// mergeBasket moves what a visit has, and where that comes from, to the one that it is merged into.
func (w *World) mergeBasket(v, o *Visit) {
	for _, from := range o.Basket {
		to := w.mergePaid(v, &from, from.Shown)
		to.N = min(from.most(), to.N+from.N)
		to.Doubt += from.Doubt
		to.known += from.known
		to.tag = min(1, to.tag+from.tag)
		to.found = to.found || from.found
		to.bagged, to.absent, to.odd = to.bagged+from.bagged, to.absent+from.absent, to.odd+from.odd
		to.filmed, to.share, to.left = to.filmed+from.filmed, max(to.share, from.share), to.left+from.left
	}
	lots := slices.Clone(v.lots)
	for _, id := range o.lots {
		if !slices.Contains(lots, id) {
			lots = append(lots, id)
		}
	}
	slices.Sort(lots)
	if n := len(lots) - maxLots; n > 0 {
		lots = lots[n:]
		w.evicted += n
	}
	v.lots = lots
	for i := range v.Basket {
		if it := &v.Basket[i]; it.EPC != "" && it.known > 1 {
			product, epc := it.Product, it.EPC
			w.unlabel(v, product, epc, it.known-1)
			if it := v.line(product, epc); it != nil { // what was beyond the one unit is not taken off it
				it.N = max(it.N, it.known)
			}
		}
	}
	o.Basket, o.lots, o.Others = nil, nil, nil
	w.collapse(v)
	w.settleOwed(v, o)
	for i := range v.Basket { // of a tag that each of the two may have carried, the one now does
		if it := v.Basket[i]; it.EPC != "" {
			w.paidBeside(v, it.Product, it.EPC)
		}
	}
}

// mergeSale gives what a till has seen of one visit to another, whose sale it turned out to be. What is shown there now will be
// shown again.
func (w *World) mergeSale(v, o *Visit) {
	for i := range o.Basket {
		w.mergePaid(v, &o.Basket[i], o.Basket[i].kept)
	}
	v.Paid = v.Paid || o.Paid
	o.Basket, o.Session, o.Paid = nil, "", false
}

// mergePaid adds what a till has seen of goods, and shown, to a visit's line of them.
func (w *World) mergePaid(v *Visit, from *Item, shown float64) *Item {
	to := w.lineOf(v, from.ware())
	to.Paid += from.Paid - from.lent - max(0, to.named+from.named-1) // what either lent or named is the same piece
	to.kept = min(from.most(), to.kept+from.kept)
	to.Shown, to.named = min(from.most(), to.Shown+shown), min(1, to.named+from.named)
	to.At = max(to.At, from.At)
	return to
}

// most is how many units a line can be of: one tag is one unit.
func (i *Item) most() float64 {
	if i.EPC != "" {
		return 1
	}
	return math.Inf(1)
}

// renamed is a lot with one visit in another's place: what each had of it, that one has.
func (l *lot) renamed(from, to *Visit) *lot {
	n := *l
	n.parts = nil
	for _, p := range l.parts {
		if p.visit == from.number {
			p.visit, p.id = to.number, to.ID
		}
		if q := n.of(p.visit, p.epc); q != nil {
			q.n += p.n
			q.sure = min(q.n, q.sure+p.sure)
		} else {
			n.parts = append(n.parts, p)
		}
	}
	return &n
}

// settleOwed puts back what one of two visits put back while the other had it: they are one.
func (w *World) settleOwed(v, o *Visit) {
	all := merged(v.owed, o.owed, maxOwed, func(a, b owed) int { return cmp(a.at, b.at) })
	v.owed, o.owed = nil, nil
	for _, d := range all {
		done := w.putDown(v, d.product, d.n, d.at)
		v.unshow(d.product, done)
		if d.n -= done; d.n >= minShare {
			v.owed = append(v.owed, d)
		}
	}
	w.reckon(v)
}

// unlabel says that units of a product do not carry a tag after all, of the oldest lots first.
func (w *World) unlabel(v *Visit, product int, epc string, n float64) {
	for _, id := range slices.Clone(v.lots) {
		i := w.lotIndex(id)
		if i < 0 || w.lots[i].product != product || n <= tiny || !w.lots[i].room(v.number, "") {
			continue
		}
		p := w.lots[i].of(v.number, epc)
		if p == nil || p.n <= 0 {
			continue
		}
		x := min(n, p.n)
		l := w.change(i)
		w.give(l, v, epc, -x)
		w.give(l, v, "", x)
		n -= x
	}
}
