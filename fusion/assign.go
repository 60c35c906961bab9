package fusion

import (
	"math"
	"slices"
)

// Bounds of a joint assignment; what is beyond them is left out by the caller.
const (
	maxEvents = 6  // assigned together
	maxOwners = 8  // who may have done them
	kBest     = 10 // assignments whose weights make the marginals (science §4)
)

// nobody is the owner of an event that none of the owners did.
const nobody = -1

// problem is a joint assignment of events to those who may have done them, each cost being minus the log-likelihood in
// micro-nats: whole numbers, so that no sum depends on its order.
type problem struct {
	events, owners int
	cost           [maxEvents][maxOwners]int64 // of at least impossible: it cannot be
	nobody         [maxEvents]int64
	again          int64 // for each pair of events of one owner, not negative; impossible: one event each
}

// impossible is a cost that no assignment has.
const impossible = int64(1e12)

// assignment is a solution of a problem: the owner of each event and what it costs together.
type assignment struct {
	owner [maxEvents]int8
	cost  int64
}

// allowed says by event which owners are left to it, as bits; the bit after the last owner is nobody.
type allowed [maxEvents]uint16

// best lists the up to k cheapest assignments, cheapest first and among equals by the first event's owner, then the
// second's and so on, nobody before all (Murty's ranking, Operations Research 16(3), 1968): each solution splits what is
// left into sets that exclude it, and the cheapest of the cheapest of those is the next. Problems that are small are tried.
func (p *problem) best(k int) []assignment {
	if list, ok := p.try(k); ok {
		return list
	}
	return p.rank(k)
}

// maxTries bounds trying to less than what ranking takes.
const maxTries = 1000

// search is how far trying has come.
type search struct {
	k, tries int
	order    [maxEvents][maxOwners + 1]int8 // the owners that each event may have, the cheapest first
	owners   [maxEvents]int
	rest     [maxEvents + 1]int64 // what all events from one on cost at least
	has      [maxOwners]int64
	now      assignment
	list     []assignment
}

// try finds what best is asked for by trying: event after event, the cheapest owner first, and nothing that costs more by then than
// the k-th of those found. Mostly few owners are likely at all, and that is quick; false: it is not.
func (p *problem) try(k int) ([]assignment, bool) {
	s := search{k: k, list: make([]assignment, 0, min(k, kBest)+1)}
	for e := p.events - 1; e >= 0; e-- {
		n := 0
		for o := int8(nobody); o < int8(p.owners); o++ {
			if p.of(e, o) >= impossible {
				continue
			}
			i := n
			for ; i > 0 && p.of(e, s.order[e][i-1]) > p.of(e, o); i-- {
				s.order[e][i] = s.order[e][i-1]
			}
			s.order[e][i] = o
			n++
		}
		if n == 0 {
			return nil, false
		}
		s.owners[e], s.rest[e] = n, s.rest[e+1]+p.of(e, s.order[e][0])
	}
	return s.list, p.tryFrom(&s, 0) && len(s.list) > 0
}

// of is what an event costs an owner who has no other.
func (p *problem) of(e int, owner int8) int64 {
	if owner == nobody {
		return p.nobody[e]
	}
	return p.cost[e][owner]
}

// tryFrom tries all owners of an event and those after it; false: it takes too long.
func (p *problem) tryFrom(s *search, e int) bool {
	if s.tries++; s.tries > maxTries {
		return false
	}
	if e == p.events {
		i := len(s.list)
		for i > 0 && p.before(&s.now, &s.list[i-1]) {
			i--
		}
		if i < s.k {
			s.list = slices.Insert(s.list, i, s.now)
			s.list = s.list[:min(len(s.list), s.k)]
		}
		return true
	}
	before := s.now.cost
	for _, o := range s.order[e][:s.owners[e]] {
		cost := before + p.of(e, o)
		if len(s.list) == s.k && cost+s.rest[e+1] > s.list[s.k-1].cost {
			break // as are all after it
		}
		if o != nobody {
			if s.has[o] > 0 && p.again >= impossible {
				continue
			}
			cost += s.has[o] * p.again
			s.has[o]++
		}
		s.now.owner[e], s.now.cost = o, cost
		ok := p.tryFrom(s, e+1)
		if o != nobody {
			s.has[o]--
		}
		if !ok {
			return false
		}
	}
	s.now.owner[e], s.now.cost = 0, before
	return true
}

// rank is best by Murty's ranking.
func (p *problem) rank(k int) []assignment {
	type node struct {
		allowed
		assignment
	}
	var all allowed
	for e := range p.events {
		for o := range p.owners {
			if p.cost[e][o] < impossible {
				all[e] |= 1 << o
			}
		}
		all[e] |= 1 << p.owners
	}
	open := []node{{all, p.solve(all)}}
	var list []assignment
	for len(open) > 0 && len(list) < k {
		next := 0
		for i := range open {
			if p.before(&open[i].assignment, &open[next].assignment) {
				next = i
			}
		}
		n := open[next]
		open = append(open[:next], open[next+1:]...)
		list = append(list, n.assignment)
		left := n.allowed
		for e := range p.events {
			bit := uint16(1) << p.column(n.owner[e])
			if without := left[e] &^ bit; without != 0 {
				child := left
				child[e] = without
				if a := p.solve(child); a.cost < impossible {
					open = append(open, node{child, a})
				}
			}
			left[e] = bit
		}
	}
	return list
}

// column is an owner's place among the columns and bits of a problem.
func (p *problem) column(owner int8) int {
	if owner == nobody {
		return p.owners
	}
	return int(owner)
}

func (p *problem) before(a, b *assignment) bool {
	if a.cost != b.cost {
		return a.cost < b.cost
	}
	for e := range p.events {
		if a.owner[e] != b.owner[e] {
			return a.owner[e] < b.owner[e]
		}
	}
	return false
}

// solve finds the cheapest assignment among what is allowed by the Hungarian method (shortest augmenting paths with
// potentials, O(events² × columns)). An owner has a column for each event that he may do, every further one dearer by
// again than the last, so that m events cost him again for each of their m(m−1)/2 pairs; nobody has one for each event.
// Costs are shifted by 20 bits, below which the owners are numbered: equal costs have one order, and one solution.
func (p *problem) solve(allow allowed) assignment {
	const (
		columns = maxOwners*maxEvents + maxEvents
		far     = math.MaxInt64 / 4
	)
	n, each := p.events, p.events // columns of an owner
	if p.again >= impossible {
		each = 1
	}
	owned := p.owners * each
	var price [maxEvents][columns]int64
	for e := range n {
		place := int64(1)
		for range n - 1 - e {
			place *= int64(p.owners + 1)
		}
		for c := range owned + n {
			owner, cost := p.owners, p.nobody[e]
			if c < owned {
				owner = c / each
				cost = p.cost[e][owner] + int64(c%each)*p.again
			}
			if allow[e]&(1<<owner) == 0 || cost >= impossible {
				price[e][c] = impossible << 20
				continue
			}
			rank := int64((owner + 1) % (p.owners + 1)) // nobody is 0
			price[e][c] = cost<<20 + rank*place
		}
	}
	// Events and columns count from 1; 0 is none.
	var row [maxEvents + 1]int64 // potentials
	var column [columns + 1]int64
	var taken, way [columns + 1]int // the event that has a column; the column before it on the path
	for e := 1; e <= n; e++ {
		taken[0] = e
		var least [columns + 1]int64
		var done [columns + 1]bool
		for c := range owned + n + 1 {
			least[c] = far
		}
		at := 0
		for {
			done[at] = true
			event, step, next := taken[at], int64(far), 0
			for c := 1; c <= owned+n; c++ {
				if done[c] {
					continue
				}
				if d := price[event-1][c-1] - row[event] - column[c]; d < least[c] {
					least[c], way[c] = d, at
				}
				if least[c] < step {
					step, next = least[c], c
				}
			}
			for c := 0; c <= owned+n; c++ {
				if done[c] {
					row[taken[c]] += step
					column[c] -= step
				} else {
					least[c] -= step
				}
			}
			if at = next; taken[at] == 0 {
				break
			}
		}
		for at != 0 {
			taken[at], at = taken[way[at]], way[at]
		}
	}
	var a assignment
	var has [maxOwners]int64
	for c := 1; c <= owned+n; c++ {
		e := taken[c] - 1
		switch {
		case e < 0:
		case c > owned:
			a.owner[e] = nobody
			a.cost += p.nobody[e]
		default:
			o := (c - 1) / each
			a.owner[e] = int8(o)
			a.cost += p.cost[e][o] + has[o]*p.again
			has[o]++
			if allow[e]&(1<<o) == 0 {
				a.cost = impossible
			}
		}
		if e >= 0 && c > owned && allow[e]&(1<<p.owners) == 0 {
			a.cost = impossible
		}
	}
	return a
}

// marginals turns assignments into the probability that each owner did each event, by their weights exp(−cost); the rest
// to 1 is nobody's.
func (p *problem) marginals(list []assignment) [maxEvents][maxOwners]float64 {
	var q [maxEvents][maxOwners]float64
	least := int64(math.MaxInt64)
	for i := range list {
		least = min(least, list[i].cost)
	}
	sum := 0.0
	for i := range list {
		a := &list[i]
		weight := round9(math.Exp(-float64(a.cost-least) / 1e6))
		sum += weight
		for e := range p.events {
			if a.owner[e] != nobody {
				q[e][a.owner[e]] += weight
			}
		}
	}
	for e := range p.events {
		for o := range p.owners {
			q[e][o] = round9(q[e][o] / sum)
		}
	}
	return q
}
