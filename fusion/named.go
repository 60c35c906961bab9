package fusion

import "math"

// namedFit is how far, in standard deviations, the mass of goods may be from what a plate felt for a scan to say that it was they
// (assumption).
const namedFit = 2.5

// named turns up to n units of what a visit has, and has not paid for, into goods that it had scanned and was not known to have, where
// the plate felt just their mass: they lay at another's place, or were taken for another's. Goods of another mass stay what they are: a
// cheaper thing may have been scanned in their place. It returns the units.
func (w *World) named(v *Visit, product int, epc string, n float64) float64 {
	got := 0.0
	for k := len(v.lots) - 1; k >= 0 && n-got > tiny; k-- {
		i := w.lotIndex(v.lots[k])
		if i < 0 || w.lots[i].product == product || w.lots[i].units <= tiny {
			continue
		}
		l := w.lots[i]
		p := l.of(v.number, "")
		units, own := w.unitsIn(l, product)
		if p == nil || units == 0 {
			continue
		}
		x := w.claimed(l, p)
		may := float64(units * x / l.units)
		take := min(n-got, may)
		if take <= tiny || own && take < 1.5 && math.Round(l.units) == units {
			continue // one of the same mass is no reason to think that the plate held another's goods
		}
		at, step, share := l.at, l.step, float64(take/may)*float64(x/p.n)
		for j := max(0, i-maxStepKinds); j <= i+maxStepKinds && j < len(w.lots); j++ { // the whole step was it
			p := w.lots[j].of(v.number, "")
			if w.lots[j].step != step || p == nil || w.lots[j].units <= tiny {
				continue
			}
			y := min(float64(p.n*share), w.claimed(w.lots[j], p))
			from := w.change(j)
			w.give(from, v, "", -y)
			from.all = float64(from.all * max(0, from.units-y) / from.units)
			from.units -= y
		}
		to := w.newLot(Fact{At: at, Product: product, N: take, P: 1}, step)
		to.touched = true
		w.give(to, v, epc, take)
		got += take
	}
	return got
}

// unitsIn is how many units of a product weigh what the step of a lot did, 0 where none do. own: the plate's own goods weigh it as well.
func (w *World) unitsIn(l *lot, product int) (n float64, own bool) {
	one, _ := w.mass(product, 1)
	if one <= 0 || l.all <= 0 {
		return 0, false
	}
	n = math.Round(l.all / one)
	if n < 1 || n > maxEach {
		return 0, false
	}
	off := w.off(l, product, n)
	if off > namedFit {
		return 0, false
	}
	return n, l.proper && w.off(l, l.product, max(1, math.Round(l.units))) < off+1
}

// off is how far the mass of units of a product is from that of a lot's step, in standard deviations.
func (w *World) off(l *lot, product int, n float64) float64 {
	g, sd := w.mass(product, n)
	return math.Abs(l.all-g) / math.Sqrt(float64(sd*sd)+float64(l.allSD*l.allSD)+1)
}
