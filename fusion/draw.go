package fusion

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
	w.tellSettled(v, l, n)
}

// tellSettled is settled for a visit that is reckoned anew by the caller.
func (w *World) tellSettled(v *Visit, l *lot, n float64) {
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
