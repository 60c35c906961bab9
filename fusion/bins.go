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
	a, _ := spread(w[:len(w)/2])
	b, _ := spread(w[len(w)/2:])
	return math.Abs(a-b) <= tol
}

// spread returns the median of some bins and the median of their distances from it.
func spread(w []bin) (median, mad float64) {
	var room [len(window{})]float64
	v := room[:len(w)]
	for i, b := range w {
		v[i] = b.grams
	}
	median = middle(v)
	for i, b := range w {
		v[i] = math.Abs(b.grams - median)
	}
	return median, middle(v)
}

// middle sorts v and returns its median.
func middle(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}
