package fusion

import (
	"math"
	"slices"
)

const (
	// elsewhere is the chance that goods are put back by one who, by the cameras, is somebody else: two that cross change
	// their numbers, and one of two has the other's goods.
	elsewhere = 0.1
	// backOnce is how sure it is that goods which nobody near had, put on a plate, are the ones that somebody else took.
	backOnce = 0.8
	// fits is how far the mass of goods may be off a step for them to be considered, of the step.
	fits = 0.02
)

// inOtherHands is what others than those near have that would explain a put-back by its mass.
func (w *World) inOtherHands(near []claim, grams float64) (held []inHand) {
	for _, o := range w.visits {
		if o.Unowned || len(o.Basket) == 0 || slices.ContainsFunc(near, func(c claim) bool { return c.visit == o }) {
			continue
		}
		for _, it := range o.Basket {
			if it.Product < 0 || it.EPC != "" || it.Unpaid() < 0.5 {
				continue
			}
			unit := w.Store.Products[it.Product].Grams
			if n := max(1, int(grams/max(unit, 1)+0.5)); unit <= 0 || n > 3 || math.Abs(grams-float64(float64(n)*unit)) > float64(fits*grams)+3 {
				continue
			}
			h := inHand{Item: it}
			h.N = float64(elsewhere * it.Unpaid())
			if held = append(held, h); len(held) == maxOthers {
				return held
			}
		}
	}
	return held
}

// backFromOthers takes goods that are back on a shelf, and that nobody near is known to have had, from whoever took such and
// has not paid for them. Staff who fill a shelf bring others.
func (w *World) backFromOthers(f Fact, near []claim) {
	p := 1.0
	for _, c := range near {
		p -= float64(c.share * c.visit.Staff)
	}
	p *= backOnce
	all := 0.0
	unpaid := func(o *Visit) float64 {
		n := 0.0
		for i := range o.Basket {
			if it := &o.Basket[i]; it.Product == f.Product && it.EPC == "" {
				n += it.Unpaid()
			}
		}
		return n
	}
	weighted := 0.0
	for _, o := range w.visits {
		n := unpaid(o)
		all += n
		weighted += float64(n * w.mislaid(o))
	}
	n := w.backAstray(f.Product, 0)
	all, weighted = all+n, weighted+n
	if all < 0.5 || f.N > all+0.5 || p < minShare {
		return
	}
	w.backAstray(f.Product, min(1, float64(f.N*p/weighted)))
	for _, o := range slices.Clone(w.visits) {
		if n := unpaid(o); n > tiny {
			x := float64(n * w.mislaid(o) / weighted)
			w.putDown(o, f.Product, min(n, float64(f.N*p*x)), f.At)
			w.reckon(o)
			w.add(o, f, float64(p*min(1, x)))
		}
	}
}

// backAstray takes the part q of what is in the store of a product with people whom no camera follows as back on a shelf. It is how many
// units those were.
func (w *World) backAstray(product int, q float64) float64 {
	all := 0.0
	for i := max(0, len(w.lots)-maxFound); i < len(w.lots); i++ {
		if w.lots[i].product != product {
			continue
		}
		n := w.lots[i].astray(w.now)
		all += n
		if x := float64(n * q); x > tiny {
			l := w.change(i)
			l.back += x
			for k := range l.parts {
				if p := &l.parts[k]; p.lost && p.epc == "" {
					p.n -= float64(p.n * q)
				}
			}
		}
	}
	return all
}
