package fusion

// another is how likely somebody who is not he for whom he was taken is a given one of those who may have had something: there are some three
// whom he may be (assumption).
const another = 1.0 / 3

// doubt notes that whom cameras took for a visit's person, from a moment on, is he with the probability q, 0–1: what the visit had before
// may be another's.
func (v *Visit) doubt(at int64, q float64) {
	if v.joinAt == 0 {
		v.joinQ = 1
	}
	v.joinAt, v.joinQ = max(v.joinAt, at), v.joinQ*float32(q)
}

// tellsWho weighs whether somebody is he for whom he was taken by what he scans: goods that he, or who came with him, took before cameras lost
// him, or such as only others took. What he had before then is the surer his, or the less (Bayes; a product tells once). The scan is his with
// the probability share, 0–1. Call it before the scan is folded.
func (w *World) tellsWho(v *Visit, product int, share float64) {
	if v.joinAt == 0 || product < 0 || v.scanned(product, v.joinAt) {
		return
	}
	q := min(surely, max(1-surely, float64(v.joinQ)))
	mine, his, others := 0.0, 0.0, 0.0 // his: if he is the one; what was taken away for the doubt is with somebody unseen now
	for i := max(0, len(w.lots)-maxFound); i < len(w.lots); i++ {
		l := w.lots[i]
		if l.product != product {
			continue
		}
		held := l.held(v.number)
		if l.at >= v.joinAt && held > minShare {
			return // he took some since, and scans that
		}
		had := min(held/q, held+l.unseen())
		mine, his = mine+held, his+had
		others += max(0, l.astray(w.now)-(had-held))
		for k := range l.parts {
			if p := &l.parts[k]; p.visit != v.number {
				if o := w.visit(p.visit); o != nil {
					n, with := w.claimed(l, p), v.goesWith(o)
					his += float64(n * with)
					others += float64(n * (1 - with))
				}
			}
		}
	}
	scans := func(has float64) float64 {
		return 1 - share + float64(share*(strange+float64((1-strange)*min(1, has))))
	}
	right, wrong := scans(his), scans(float64(another*min(1, others)))
	if right == wrong {
		return
	}
	right, wrong = float64(right*q), float64(wrong*(1-q))
	p := min(surely, max(1-surely, round9(right/(right+wrong))))
	w.rescale(v, p/q)
	v.joinQ = float32(p)
}

// rescale makes what a visit had before it was last taken for somebody, and has not paid for, so many times as much its own, as far as nobody
// seen has it. Of goods whose tag is known the tag tells.
func (w *World) rescale(v *Visit, times float64) {
	for _, id := range v.lots {
		i := w.lotIndex(id)
		if i < 0 || w.lots[i].at >= v.joinAt || w.lots[i].held(v.number) <= tiny {
			continue
		}
		l := w.change(i)
		if p := l.of(v.number, ""); p != nil {
			n := min(float64(w.claimed(l, p)*(times-1)), l.unseen())
			p.sure = float64(p.sure * times)
			w.give(l, v, "", n)
			w.tellSettled(v, l, n)
		}
	}
	w.reckon(v)
}
