package vision

import "math"

// assigner solves assignment problems and keeps its scratch space between them.
type assigner struct {
	cost       []float64 // rows × cols, set by the caller through reset
	rows, cols int
	u, v, minv []float64
	p, way     []int
	used       []bool
	match      []int
}

// reset makes room for a problem; its cost matrix is all zero.
func (a *assigner) reset(rows, cols int) {
	a.rows, a.cols = rows, cols
	a.cost = zeroed(a.cost, rows*cols)
}

func (a *assigner) set(r, c int, cost float64) { a.cost[r*a.cols+c] = cost }

func zeroed[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, 2*n)
	}
	s = s[:n]
	clear(s)
	return s
}

// solve returns for each row the column assigned to it, or −1, such that the
// sum of costs is least. Only pairs of negative cost are assigned: a caller
// that allows pairs below a limit sets cost − limit. It is the Hungarian method
// with potentials (Jonker and Volgenant 1987), O(rows²·cols).
func (a *assigner) solve() []int {
	a.match = zeroed(a.match, a.rows)
	for i := range a.match {
		a.match[i] = -1
	}
	n, m, flip := a.rows, a.cols, false
	if n > m {
		n, m, flip = m, n, true
	}
	at := func(i, j int) float64 { // 1-based
		if flip {
			i, j = j, i
		}
		return min(a.cost[(i-1)*a.cols+j-1], 0)
	}
	a.u, a.v = zeroed(a.u, n+1), zeroed(a.v, m+1)
	a.p, a.way = zeroed(a.p, m+1), zeroed(a.way, m+1)
	for i := 1; i <= n; i++ {
		a.p[0] = i
		a.minv, a.used = zeroed(a.minv, m+1), zeroed(a.used, m+1)
		for j := range a.minv {
			a.minv[j] = math.Inf(1)
		}
		j0 := 0
		for a.p[j0] != 0 {
			a.used[j0] = true
			i0, delta, j1 := a.p[j0], math.Inf(1), 0
			for j := 1; j <= m; j++ {
				if a.used[j] {
					continue
				}
				if c := at(i0, j) - a.u[i0] - a.v[j]; c < a.minv[j] {
					a.minv[j], a.way[j] = c, j0
				}
				if a.minv[j] < delta {
					delta, j1 = a.minv[j], j
				}
			}
			for j := 0; j <= m; j++ {
				if a.used[j] {
					a.u[a.p[j]] += delta
					a.v[j] -= delta
				} else {
					a.minv[j] -= delta
				}
			}
			j0 = j1
		}
		for j0 != 0 {
			a.p[j0] = a.p[a.way[j0]]
			j0 = a.way[j0]
		}
	}
	for j := 1; j <= m; j++ {
		if i := a.p[j]; i != 0 && at(i, j) < 0 {
			if flip {
				a.match[j-1] = i - 1
			} else {
				a.match[i-1] = j - 1
			}
		}
	}
	return a.match
}
