package fusion

import (
	"math"
	"slices"
)

// at returns the i-th of the closed bins, oldest first.
func (p *plate) at(i int) bin {
	return p.bins[(p.head+2*len(p.bins)-p.count+i)%len(p.bins)]
}

// window is room for the bins of a plate.
type window [40]bin

// window fills room with the closed bins of the last span ns (and at least five), of the newest n at most, oldest first.
func (p *plate) window(room *window, span int64, n int) []bin {
	w := room[:0]
	end := p.at(p.count - 1).ts
	for i := p.count - n; i < p.count; i++ {
		if b := p.at(i); end-b.ts < span || p.count-i <= 5 {
			w = append(w, b)
		}
	}
	return w
}

// steady reports that the two halves of a window lie no more than tol apart.
func (p *plate) steady(w []bin, tol float64) bool {
	return math.Abs(level(w[:len(w)/2])-level(w[len(w)/2:])) <= tol
}

// level returns the median of some bins.
func level(w []bin) float64 {
	var room [len(window{})]float64
	v := room[:len(w)]
	for i, b := range w {
		v[i] = b.grams
	}
	return middle(v)
}

// spread returns the median of some bins and the median of their distances from it.
func spread(w []bin) (median, mad float64) {
	var room [len(window{})]float64
	v := room[:len(w)]
	median = level(w)
	for i, b := range w {
		v[i] = math.Abs(b.grams - median)
	}
	return median, middle(v)
}

// middle returns the median of v, which it puts in another order. It sorts no more of it than it must: plates ask it five times
// a second each.
func middle(v []float64) float64 {
	n := len(v)
	k := n / 2
	for lo, hi := 0, n-1; lo < hi; {
		pivot := middleOf(v[lo], v[lo+(hi-lo)/2], v[hi])
		i, j := lo, hi
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			lo, hi = k, k
		}
	}
	if n%2 == 1 {
		return v[k]
	}
	return (slices.Max(v[:k]) + v[k]) / 2 // all before the k-th are no greater
}

// middleOf is the one between the least and the greatest of three.
func middleOf(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }
