package fusion

import (
	"math"
	"slices"
)

// What pairs are believed (assumptions but for the count, the window and the gate, which are those of science §2.3).
const (
	maxPairs   = 200               // moments of a source, the newest
	maxKept    = 1000              // pairs of a source; several cameras may tell of one moment
	pairAge    = 2 * 3600 * second // older ones say little of a clock that drifts
	trusted    = 50                // moments from which on they move a clock alone
	rightWorth = 25                // pairs that the belief is worth that a clock is right
	pairGate   = 3                 // MADs beyond which a pair is none
	gateLeast  = 20 * int64(1e6)   // but not nearer than this
	scattered  = 400 * int64(1e6)  // MAD of what does not coincide
	handDead   = 100 * int64(1e6)  // by how much hand and plate may differ while both clocks are right,
	doorDead   = 300 * int64(1e6)  // and reader and foot point: an antenna need not hang over the middle of its zone
	maxMoves   = 64
)

// edge is what the pairs of two sources say.
type edge struct {
	a, b    int
	n       int64 // pairs
	moments int64 // of a that any camera told of
	gap     int64 // by which the clock of a is ahead of that of b, ns: their median
	mad     int64 // ns
	dead    int64 // ns
}

// take takes from the world the pairs that no line can change any more.
func (k *clocks) take(w *World, h int64) {
	for i := range w.pairs {
		if p := &w.pairs[i]; p.made >= k.taken && p.made < h {
			k.pairs[p.a] = append(k.pairs[p.a], *p)
		}
	}
	k.taken = h
	for a, list := range k.pairs {
		old, n := len(list), 0
		for old > 0 && len(list)-old < maxKept && n <= maxPairs {
			if old--; old == 0 || list[old].at != list[old-1].at {
				n++
			}
		}
		k.pairs[a] = slices.Delete(list, 0, old)
	}
}

// edges sums up the pairs, as they would be at h, in the order of their sources.
func (k *clocks) edges(h int64) []edge {
	var all []edge
	var gaps []int64
	for a := range k.pairs {
		first, last, moments := len(all), int64(0), int64(0)
		for i := range k.pairs[a] {
			if p := &k.pairs[a][i]; p.at != last && p.at >= k.known[a].since*slotNS && p.at >= h-pairAge {
				last, moments = p.at, moments+1
			}
		}
		for _, b := range k.cameras {
			for _, door := range [...]bool{false, true} {
				gaps = gaps[:0]
				ca, cb := &k.known[a], &k.known[b]
				since := max(ca.since, cb.since) * slotNS
				for i := range k.pairs[a] {
					p := &k.pairs[a][i]
					if int(p.b) == b && p.door == door && p.at >= since && p.at >= h-pairAge {
						gaps = append(gaps, p.gap+ca.gain(h-p.at)-cb.gain(h-p.at))
					}
				}
				if len(gaps) == 0 {
					continue
				}
				e := edge{a: a, b: b, dead: handDead}
				if door {
					e.dead = doorDead
				}
				mid, mad := deviation(gaps)
				kept := gaps[:0]
				for _, g := range gaps {
					if abs(g-mid) <= max(pairGate*mad, gateLeast) {
						kept = append(kept, g)
					}
				}
				e.gap, e.mad = deviation(kept)
				if e.n = int64(len(kept)); mad <= scattered {
					all = append(all, e)
				}
			}
		}
		n := int64(0)
		for _, e := range all[first:] {
			n += e.n
		}
		for i := first; i < len(all); i++ { // no more than there are pairs
			all[i].moments = min(k.worth(a, moments), n)
		}
	}
	return all
}

// worth is how many pairs those of a source count for: two foot points tell half as well when somebody was somewhere as a plate does.
func (k *clocks) worth(source int, pairs int64) int64 {
	if k.store.Sources[source].Kind == Tracks {
		return pairs / 2
	}
	return pairs
}

// deviation is the median of some times and the median of their distances from it.
func deviation(v []int64) (median, mad int64) {
	s := slices.Clone(v)
	slices.Sort(s)
	median = s[(len(s)-1)/2] + (s[len(s)/2]-s[(len(s)-1)/2])/2
	for i := range s {
		s[i] = abs(s[i] - median)
	}
	slices.Sort(s)
	return median, s[len(s)/2]
}

// solve makes of the pairs what should be added to each clock. It looks for corrections that leave the least of what the
// pairs say is between two clocks, pair by pair, beyond what two right clocks may differ, and costs rightWorth pairs for
// each clock that is not taken as right any more: sums of distances, not of squares, so that one clock that is wrong is
// moved alone and a majority of right ones is not. Clock by clock the one is moved that gains most. A clock that fewer than
// fifty pairs know stays where its floor has it.
func (k *clocks) solve(h int64) {
	edges := k.edges(h)
	if len(edges) == 0 {
		return
	}
	s := solver{clocks: k, of: make([][]int, len(k.known)), count: make([]int64, len(k.known)),
		trust: make([]int64, len(k.known)), add: make([]int64, len(k.known))}
	for _, e := range edges {
		s.trust[e.a] = max(s.trust[e.a], e.moments)
		s.trust[e.b] += k.worth(e.a, e.n)
	}
	wrong := make([]bool, len(k.known))
	for i := range k.known {
		c := &k.known[i]
		s.add[i] = c.add
		wrong[i] = c.held || abs(c.add) > handDead
	}
	for _, e := range edges {
		if wrong[e.a] && s.trust[e.a] < trusted || wrong[e.b] && s.trust[e.b] < trusted {
			continue // a clock that is wrong, and nobody knows by how much, says nothing of another
		}
		s.of[e.a], s.of[e.b] = append(s.of[e.a], len(s.edges)), append(s.of[e.b], len(s.edges))
		s.edges = append(s.edges, e)
		s.count[e.a] += e.n
		s.count[e.b] += e.n
	}
	for range maxMoves {
		best, gain, to := -1, int64(0), int64(0)
		for i := range k.known {
			if s.trust[i] < trusted || s.count[i] == 0 || !k.known[i].heard {
				continue
			}
			v := s.implied(i)
			if !wrong[i] && abs(v) <= handDead {
				continue
			}
			if g := s.cost(i, s.add[i]) - s.cost(i, v); g > gain {
				best, gain, to = i, g, v
			}
		}
		if best < 0 {
			break
		}
		s.add[best], wrong[best] = to, true
	}
	for range 3 { // what is wrong is set as well as pairs tell
		for i := range k.known {
			if wrong[i] && s.trust[i] >= trusted && s.count[i] > 0 && k.known[i].heard {
				s.add[i] = s.implied(i)
			}
		}
	}
	for i := range k.known {
		if c := &k.known[i]; wrong[i] && s.trust[i] >= trusted && s.count[i] > 0 && c.heard {
			c.fresh = !c.paired && abs(s.add[i]) > jumpNS
			c.held, c.paired, c.add, c.sd = true, true, s.add[i], s.sd(i)
		}
	}
}

// solver holds the corrections while they are sought.
type solver struct {
	*clocks
	edges []edge
	of    [][]int // the edges of a source
	count []int64 // its pairs
	trust []int64 // the moments that they tell of
	add   []int64
}

// other is the value of a source's correction at which an edge is satisfied, with the other's as it is: the gap between the
// corrected times, gap + add of a − add of b, is none.
func (s *solver) other(source int, e *edge) int64 {
	if e.a == source {
		return s.add[e.b] - e.gap
	}
	return s.add[e.a] + e.gap
}

// implied is the median of what the pairs of a source say of its correction, within what its floor allows.
func (s *solver) implied(source int) int64 {
	type said struct{ at, n int64 }
	all := make([]said, 0, len(s.of[source]))
	for _, i := range s.of[source] {
		all = append(all, said{s.other(source, &s.edges[i]), s.edges[i].n})
	}
	slices.SortFunc(all, func(x, y said) int {
		if x.at != y.at {
			return cmp(x.at, y.at)
		}
		return cmp(x.n, y.n)
	})
	sum, v := int64(0), int64(0)
	for i, x := range all {
		sum += x.n
		if 2*sum >= s.count[source] {
			if v = x.at; 2*sum == s.count[source] && i+1 < len(all) {
				v += (all[i+1].at - x.at) / 2
			}
			break
		}
	}
	c := &s.known[source]
	return max(c.low, min(c.high, v))
}

// cost is what a correction of a source leaves, in ns times pairs.
func (s *solver) cost(source int, add int64) int64 {
	sum := int64(0)
	for _, i := range s.of[source] {
		e := &s.edges[i]
		sum += e.n * max(0, abs(add-s.other(source, e))-e.dead)
	}
	if c := &s.known[source]; !c.held && c.add == 0 {
		sum += rightWorth * abs(add)
	}
	return sum
}

// sd is the standard deviation of the median of a source's pairs, ns: 1.2533·1.4826·MAD/√n.
func (s *solver) sd(source int) int64 {
	sum := int64(0)
	for _, i := range s.of[source] {
		sum += s.edges[i].n * s.edges[i].mad
	}
	return int64(math.Round(float64(1.858*float64(sum/s.count[source])) / math.Sqrt(float64(s.trust[source]))))
}
