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
		units := w.unitsIn(l, product)
		if p == nil || units == 0 {
			continue
		}
		x := w.claimed(l, p)
		may := float64(units * x / l.units)
		if may <= tiny {
			continue
		}
		take := min(n-got, may)
		x = float64(x * take / may)
		from := w.change(i)
		w.give(from, v, "", -x)
		from.units -= x
		to := w.newLot(Fact{At: from.at, Product: product, N: take, P: 1}, from.step)
		to.touched = true
		w.give(to, v, epc, take)
		got += take
	}
	return got
}

// unitsIn is how many units of a product weigh what the step of a lot did; 0: none do, or the plate's own goods do so as well.
func (w *World) unitsIn(l *lot, product int) float64 {
	one, _ := w.mass(product, 1)
	if one <= 0 || l.all <= 0 {
		return 0
	}
	n := math.Round(l.all / one)
	if n < 1 || n > maxEach {
		return 0
	}
	off := w.off(l, product, n)
	if off > namedFit || l.proper && w.off(l, l.product, max(1, math.Round(l.units))) < off+1 {
		return 0
	}
	return n
}

// off is how far the mass of units of a product is from that of a lot's step, in standard deviations.
func (w *World) off(l *lot, product int, n float64) float64 {
	g, sd := w.mass(product, n)
	return math.Abs(l.all-g) / math.Sqrt(float64(sd*sd)+float64(l.allSD*l.allSD)+1)
}
