package fusion

// Goods that turn up with somebody who took none came to him from one who did, with this probability (assumption), of the
// newest maxFound lots: handed over unseen, or put down where no plate is and found. Else their pick was not felt.
const (
	found    = 0.8
	maxFound = 1024

	astrayFor = 1800 * second // since they were taken, for which goods of somebody whom cameras lost are looked for (assumption)
	missing   = 0.2           // how likely it is that somebody is one of those, beside what he may have of others' (assumption)
	followed  = 0.2           // how much seldomer goods that turn up were with one whom cameras follow, or have seen leave, than with one whom they lost (assumption)
)

// astray is what of the lot is in the store with people whom no camera follows, as far as it is looked for.
func (l *lot) astray(now int64) float64 {
	if now-l.at > astrayFor {
		return 0
	}
	n := l.unseen()
	for i := range l.parts {
		if p := &l.parts[i]; p.lost && p.epc == "" {
			n += p.n
		}
	}
	return n
}

// sooner is how likely goods that a visit shows are of the lots of which it may have some, and not those of people whom no camera follows:
// whoever shows them may be one of these.
func (w *World) sooner(v *Visit, product int) float64 {
	mine, other := 0.0, 0.0
	for i := max(0, len(w.lots)-maxFound); i < len(w.lots); i++ {
		if l := w.lots[i]; l.product == product && l.units > tiny {
			if share := l.held(v.number) / l.units; share > tiny {
				mine += share
			} else {
				other += l.astray(w.now)
				for k := range l.parts {
					if o := w.visit(l.parts[k].visit); o != nil && w.mislaid(o) == 1 {
						other += w.claimed(l, &l.parts[k])
					}
				}
			}
		}
	}
	if mine <= tiny {
		return 1
	}
	return mine / (mine + float64(missing*min(1, other)))
}

// turnsUp is find for goods that may have been anybody's: those of people whom cameras have lost sooner, since who shows them may be one of those.
func (w *World) turnsUp(v *Visit, product int, epc string, n float64) {
	w.find(v, product, epc, n, w.mislaid)
}

// mislaid is how far goods that turn up elsewhere may have been those of a visit; nil is somebody whom no camera follows.
func (w *World) mislaid(o *Visit) float64 {
	if o == nil || w.now-o.PosAt > lostAfter && !w.gone(o) {
		return 1
	}
	return followed
}

// find gives a visit, which has shown goods that nothing explains, up to n units of what others have taken of the product: each
// of theirs is as likely the one, times the weight of who has it; nil is somebody whom no camera follows.
func (w *World) find(v *Visit, product int, epc string, n float64, weight func(*Visit) float64) {
	from := max(0, len(w.lots)-maxFound)
	of := func(l *lot, p *part) float64 {
		if p == nil || p.lost {
			if w.now-l.at > astrayFor {
				return 0
			}
			return weight(nil)
		}
		if o := w.visit(p.visit); o != nil {
			return weight(o)
		}
		return 0 // has left with it
	}
	free := func(l *lot) (units, weighted float64) {
		if l.product != product || !l.room(v.number, epc) {
			return 0, 0
		}
		add := func(q, n float64) {
			if q > 0 {
				units, weighted = units+n, weighted+float64(q*n)
			}
		}
		add(weight(nil), l.astray(w.now))
		for i := range l.parts {
			if p := &l.parts[i]; p.visit != v.number && p.n > tiny && w.visit(p.visit) != nil {
				add(of(l, p), w.claimed(l, p))
			}
		}
		return units, weighted
	}
	for range 2 { // of those who are likelier there may be little: then the rest is of all
		all := 0.0
		for _, l := range w.lots[from:] {
			_, x := free(l)
			all += x
		}
		if all <= tiny || n <= tiny {
			return
		}
		got := 0.0
		for i := from; i < len(w.lots); i++ {
			if units, x := free(w.lots[i]); x > tiny {
				got += w.drawFrom(i, v, epc, min(units, float64(n*x/all)), of)
			}
		}
		n -= got
	}
}
