package fusion

import "slices"

// another is how likely somebody who is not the one that he was taken for is a given one of those who may have had something. It is
// assumed: there are some three whom he may be.
const another = 1.0 / 3

// doubted notes that a visit goes on, from a moment on, as somebody with the probability q, 0–1: what it had before may be another's.
func (v *Visit) doubted(at int64, q float64) {
	if q >= surely {
		return
	}
	if v.joinAt == 0 {
		v.joinQ = 1
	}
	v.joinAt, v.joinQ = max(v.joinAt, at), v.joinQ*float32(q)
}

// tellsWho weighs whether somebody is the one that he was taken for by what he scans: goods that he took before cameras lost him, or such as
// only others took. What he had before then is the surer his, or the less (Bayes; a product tells once). Call it before the scan is folded.
func (w *World) tellsWho(v *Visit, product int) {
	if v.joinAt == 0 || product < 0 || v.scanned(product, 0) {
		return
	}
	mine, others := 0.0, 0.0
	for i := max(0, len(w.lots)-maxFound); i < len(w.lots); i++ {
		l := w.lots[i]
		if l.product != product {
			continue
		}
		held := l.held(v.number)
		if l.at >= v.joinAt && held > minShare {
			return // he took some since, and scans that
		}
		mine += held
		others += l.astray(w.now)
		for k := range l.parts {
			if p := &l.parts[k]; p.visit != v.number && w.visit(p.visit) != nil {
				others += w.claimed(l, p)
			}
		}
	}
	scans := func(has float64) float64 { return strange + float64((1-strange)*min(1, has)) }
	q := float64(v.joinQ)
	had := mine / q // if he is the one: what was taken away for the doubt is with somebody unseen now
	right, wrong := float64(q*scans(had)), float64((1-q)*scans(float64(another*max(0, others-(had-mine)))))
	p := min(surely, round9(right/(right+wrong)))
	w.reclaim(v, p/q)
	v.joinQ = float32(p)
}

// reclaim makes what a visit had before it was last taken for somebody so many times as much its own, as far as nobody seen has it.
func (w *World) reclaim(v *Visit, times float64) {
	for _, id := range slices.Clone(v.lots) {
		i := w.lotIndex(id)
		if i < 0 || w.lots[i].at >= v.joinAt || w.lots[i].held(v.number) <= tiny {
			continue
		}
		l := w.change(i)
		for k := range l.parts {
			if p := &l.parts[k]; p.visit == v.number && p.epc == "" {
				n := min(float64(p.n*(times-1)), l.unseen())
				p.sure = float64(p.sure * min(1, times))
				w.give(l, v, p.epc, n)
				w.tellSettled(v, l, n)
			}
		}
	}
	w.reckon(v)
}
