package fusion

import "slices"

// stray is what was put on a plate beyond what was taken of it since: goods of other plates that somebody left there, and
// the planogram's own. It is what the planogram is now: where a product lies beside its place, a pick of it is recognised.
type stray struct {
	scale   int
	product int
	n       float64 // expected units
	at      int64   // when it was last changed
}

// maxStrays bounds what is remembered of a store; the oldest go first.
const maxStrays = 1 << 12

// straysOf is what lies on a plate beside or beyond its planogram, by product. The caller may not keep it.
func (w *World) straysOf(scale int) []stray {
	from, _ := slices.BinarySearchFunc(w.strays, stray{scale: scale, product: -1}, stray.compare)
	to := from
	for to < len(w.strays) && w.strays[to].scale == scale {
		to++
	}
	return w.strays[from:to]
}

func (s stray) compare(o stray) int {
	if s.scale != o.scale {
		return s.scale - o.scale
	}
	return s.product - o.product
}

// lay notes that n units of a product were put on a plate, or below 0 taken off it.
func (w *World) lay(scale, product int, n float64) {
	i, found := slices.BinarySearchFunc(w.strays, stray{scale: scale, product: product}, stray.compare)
	switch {
	case product < 0:
	case found:
		s := &w.strays[i]
		if s.n, s.at = s.n+n, w.now; s.n < minShare {
			w.strays = slices.Delete(w.strays, i, i+1)
		}
	case n >= minShare:
		w.strays = slices.Insert(w.strays, i, stray{scale, product, n, w.now})
		if len(w.strays) > maxStrays {
			oldest := 0
			for k := range w.strays {
				if w.strays[k].at < w.strays[oldest].at {
					oldest = k
				}
			}
			w.strays = slices.Delete(w.strays, oldest, oldest+1)
			w.evicted++
		}
	}
}
