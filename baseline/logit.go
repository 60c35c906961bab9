package baseline

import "math"

// Logit is a logistic regression: P = 1/(1+e^−(Bias + Σ weight × x)).
type Logit struct {
	Bias    float64
	Weights []float64
}

// P is the probability at x, whose members beyond those that were fitted are ignored.
func (l *Logit) P(x []float64) float64 {
	z := l.Bias
	for i, w := range l.Weights {
		z += float64(w * x[i])
	}
	return 1 / (1 + math.Exp(-z))
}

// FitLogit fits by Newton's method (iteratively reweighted least squares), with a penalty of half the sum of squared weights
// that keeps them finite where evidence tells thefts apart without a mistake. All x are of one length.
func FitLogit(x [][]float64, theft []bool) *Logit {
	l := &Logit{}
	if len(x) == 0 {
		return l
	}
	n := len(x[0])
	l.Weights = make([]float64, n)
	for range 30 {
		// h is the Hessian, g the gradient; the last row and column are of the bias.
		h, g := make([][]float64, n+1), make([]float64, n+1)
		for i := range h {
			h[i] = make([]float64, n+1)
			h[i][i] = 1e-6
			if i < n {
				h[i][i] = 1
				g[i] = -l.Weights[i]
			}
		}
		for k, row := range x {
			p := l.P(row)
			d := -p
			if theft[k] {
				d++
			}
			at := func(i int) float64 {
				if i == n {
					return 1
				}
				return row[i]
			}
			for i := range n + 1 {
				if at(i) == 0 {
					continue
				}
				g[i] += float64(d * at(i))
				for j := range n + 1 {
					h[i][j] += float64(p * (1 - p) * at(i) * at(j))
				}
			}
		}
		step := solve(h, g)
		most := 0.0
		for i, s := range step {
			if i < n {
				l.Weights[i] += s
			} else {
				l.Bias += s
			}
			most = max(most, math.Abs(s))
		}
		if most < 1e-8 {
			break
		}
	}
	return l
}

// solve solves h·s = g by elimination with pivots; h and g are used up.
func solve(h [][]float64, g []float64) []float64 {
	n := len(g)
	for i := range n {
		best := i
		for k := i + 1; k < n; k++ {
			if math.Abs(h[k][i]) > math.Abs(h[best][i]) {
				best = k
			}
		}
		h[i], h[best], g[i], g[best] = h[best], h[i], g[best], g[i]
		for k := i + 1; k < n; k++ {
			f := h[k][i] / h[i][i]
			for j := i; j < n; j++ {
				h[k][j] -= float64(f * h[i][j])
			}
			g[k] -= float64(f * g[i])
		}
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			g[i] -= float64(h[i][j] * g[j])
		}
		g[i] /= h[i][i]
	}
	return g
}
