package fusion

import "slices"

// leastShare is how likely it must be that somebody is one of those who went into a room for goods to be taken to have come along in part,
// and how likely at least everybody who is lost is still where he was (assumption).
const leastShare = 0.1

// undecided remembers with which share a visit is each of those whom it may be, where nobody is sure, and gives it that part of what
// those had who may have come out of a room as it.
func (w *World) undecided(v *Visit, who []doer) {
	for k := range v.like {
		l := &v.like[k]
		i := slices.IndexFunc(who, func(d doer) bool { return d.visit == l.visit })
		if i < 0 {
			continue
		}
		l.share = who[i].share
		if o := w.visit(l.visit); l.room && l.told() == sameFrames && l.share >= leastShare {
			w.shareGoods(o, v, min(1, l.share/(1-o.shared)))
			o.shared = min(1, o.shared+l.share)
		}
	}
}

// elsewhere is the cost of a visit's being one who is lost and whom others may have been, micro-nats: those who have left, and those who began before
// the visit and of whom it is not decided at the same time. Who goes on as another is this one as that other, and not besides.
func (w *World) elsewhere(l *likeness, v *Visit, others []*Visit) int64 {
	o := w.visit(l.visit)
	if !l.gone || o == nil || o.PosAt != l.until {
		return 0
	}
	still := 1 - o.out
	for _, x := range others {
		if x == v || !x.begunBefore(v) {
			continue
		}
		for k := range x.like {
			if m := &x.like[k]; m.visit == l.visit && m.gone && m.until == l.until {
				still *= 1 - m.share
			}
		}
	}
	return nats(max(leastShare, still))
}

// wasOut remembers of those whom a visit that ends may have been that they may have left with it.
func (w *World) wasOut(v *Visit) {
	for i := range v.like {
		l := &v.like[i]
		if o := w.visit(l.visit); o != nil && l.gone && o.PosAt == l.until {
			o.out = 1 - float64((1-o.out)*(1-l.share))
		}
	}
}
