package fusion

import (
	"math"
	"slices"
)

// Bounds and priors of item inference (science §3.2; the priors are assumptions, to be fitted).
const (
	maxKinds   = 3  // different products in one step
	maxEach    = 4  // units of one product among several in a step
	maxAlone   = 12 // units of one product alone, of a plate with several
	maxUnits   = 30 // and of a plate with one
	candidates = 16 // products considered

	unknownPick = 0.01   // prior that what was taken is none of the plate's goods
	unknownPut  = 0.05   // prior that what was put there is neither the plate's nor held
	unknownMass = 2500.0 // mean of the exponential that unknown goods' mass is drawn from, g
	heldShare   = 0.95   // of a put-back's prior, for what he holds who did it
	facing      = 20.0   // units that the planogram counts for on a plate, against what was put there since
	kindCost    = 1.0    // nats for each further product
	swapCost    = 3.0    // nats for one product taken and another put in the same step, for each unit beyond the first
)

// guess is one explanation of a step: that N units of Product were among what was put on the plate (N > 0) or taken off
// (N < 0), with posterior probability P. Product -1 is goods that no product explains. The probabilities of a product sum
// to at most 1; those of different products need not, since a step may hold several.
type guess struct {
	Product int
	N       int
	P       float64
}

// candidateItem is a product that may be in the step.
type candidateItem struct {
	product  int
	grams    float64
	variance float64 // of one unit
	prior    float64
	max      int  // units
	weighed  bool // by the mass of the very unit, not the catalogue's
}

// multiset is one explanation of the whole step: n units each of the candidates k.
type multiset struct {
	kinds int
	k, n  [maxKinds]int
	log   float64 // of likelihood times prior
}

// inHand is what somebody who may have done a step holds: a line of the basket, and the mass of one unit as it was weighed
// when it was taken; 0: not known.
type inHand struct {
	Item
	grams, sd float64
}

// sameUnit is the standard deviation of what a unit weighs when it comes back, beside the scales' noise, in grams (assumption).
const sameUnit = 1.0

// infer explains a settled step of a plate: which goods, and how many. products is the catalogue that sc.Products, held and
// strays index; held is what those hold who may have done it, each line's units times the probability that they did, of which
// a put-back is most likely made, by the mass of that very unit where it is known; strays is what was put on the plate beyond what was taken of it, of whatever product (see
// stray). The likeliest comes first; what is less likely than 1 % is left out.
//
// For a multiset n the score is −½(ΔW − Σ n_k w_k)²/(σ_e² + Σ|n_k| σ_k²) and its normal density's factor, plus
// Σ ln P(k), less 2 ln Σ|n_k|, so that twenty units are unlikelier than one but not unthinkable.
func infer(sc *Scale, products []Product, grams, sd float64, held []inHand, strays []stray) []guess {
	if grams == 0 {
		return nil
	}
	c, unknown := consider(sc, products, grams > 0, held, strays)
	noise := max(sd, 1)
	noise = float64(noise * noise)
	e := explain{c: c, grams: grams, noise: noise}
	e.single()
	e.mixed()
	e.sets = append(e.sets, multiset{log: round9(math.Log(unknown/unknownMass)) - math.Abs(grams)/unknownMass})
	return e.marginals()
}

// consider lists the candidates of a step with their priors, and the prior of goods that are none of them.
func consider(sc *Scale, products []Product, put bool, held []inHand, strays []stray) (c []candidateItem, unknown float64) {
	limit := maxAlone
	if len(sc.Products) == 1 {
		limit = maxUnits
	}
	find := func(product int) *candidateItem {
		for i := range c {
			if c[i].product == product && !c[i].weighed {
				return &c[i]
			}
		}
		if product < 0 || products[product].Grams <= 0 || len(c) == candidates {
			return nil
		}
		p := &products[product]
		s := p.sd()
		c = append(c, candidateItem{product: product, grams: p.Grams, variance: float64(s * s), max: maxEach})
		return &c[len(c)-1]
	}
	total := 0.0
	if put {
		for i := range held {
			total += max(0, held[i].N)
		}
	}
	unknown = unknownPick
	having := 0.0
	if put {
		unknown = unknownPut
		having = float64(heldShare * min(1, total))
	}
	plate := 1 - having
	there := 0.0
	if len(sc.Products) > 0 {
		there = facing
	}
	for i := range strays {
		there += strays[i].n
	}
	for _, p := range sc.Products {
		if it := find(p); it != nil {
			it.prior += float64(plate * facing / (there * float64(len(sc.Products))))
			it.max = limit
		}
	}
	for i := range strays {
		s := &strays[i]
		if it := find(s.product); it != nil {
			it.prior += float64(plate * s.n / there)
			if !put && !slices.Contains(sc.Products, s.product) {
				it.max = min(maxEach, int(math.Ceil(s.n))) // no more than lie there
			}
		}
	}
	if total > 0 {
		for i := range held {
			h := &held[i]
			share := float64(having * max(0, h.N) / total)
			if h.grams > 0 && len(c) < candidates {
				c = append(c, candidateItem{product: h.Product, grams: h.grams, prior: share, max: maxEach, weighed: true,
					variance: float64(h.sd*h.sd) + float64(sameUnit*sameUnit)})
				continue
			}
			if it := find(h.Product); it != nil {
				it.prior += share
				if put && !slices.Contains(sc.Products, h.Product) {
					it.max = maxEach
				}
			} else {
				unknown += share
			}
		}
	}
	return c, unknown
}

// explain enumerates the multisets that a step may be.
type explain struct {
	c     []candidateItem
	grams float64
	noise float64 // σ_e²
	sets  []multiset
}

// single tries every number of units of one product.
func (e *explain) single() {
	for k := range e.c {
		for n := 1; n <= e.c[k].max; n++ {
			if e.grams < 0 {
				e.try(multiset{kinds: 1, k: [maxKinds]int{k}, n: [maxKinds]int{-n}})
			} else {
				e.try(multiset{kinds: 1, k: [maxKinds]int{k}, n: [maxKinds]int{n}})
			}
		}
	}
}

// mixed tries two products, one of which may go the other way (a swap), and three that go the same way.
func (e *explain) mixed() {
	sign := 1
	if e.grams < 0 {
		sign = -1
	}
	for a := range e.c {
		for b := a + 1; b < len(e.c); b++ {
			if e.c[a].product == e.c[b].product {
				continue // the same goods, by another mass
			}
			for i := -maxEach; i <= maxEach; i++ {
				for j := -maxEach; j <= maxEach; j++ {
					if i == 0 || j == 0 {
						continue
					}
					e.try(multiset{kinds: 2, k: [maxKinds]int{a, b}, n: [maxKinds]int{i, j}})
					if i < 0 || j < 0 {
						continue
					}
					for d := b + 1; d < len(e.c); d++ {
						if e.c[d].product == e.c[a].product || e.c[d].product == e.c[b].product {
							continue
						}
						for k := 1; k <= maxEach; k++ {
							e.try(multiset{kinds: 3, k: [maxKinds]int{a, b, d}, n: [maxKinds]int{sign * i, sign * j, sign * k}})
						}
					}
				}
			}
		}
	}
}

// try scores a multiset and keeps it when the step is within six standard deviations of it.
func (e *explain) try(m multiset) {
	rest, variance, units, swap := e.grams, e.noise, 0, false
	for i := range m.kinds {
		c, n := &e.c[m.k[i]], m.n[i]
		rest -= float64(float64(n) * c.grams)
		if n < 0 {
			n = -n
		}
		variance += float64(float64(n) * c.variance)
		units += n
		swap = swap || m.n[i] > 0 != (m.n[0] > 0)
	}
	if float64(rest*rest) > float64(36*variance) {
		return
	}
	m.log = -float64(rest*rest)/variance/2 - round9(math.Log(2*math.Pi*variance))/2 - float64(2*round9(math.Log(float64(units)))) -
		float64(kindCost*float64(m.kinds-1))
	for i := range m.kinds {
		m.log += round9(math.Log(e.c[m.k[i]].prior))
	}
	if swap {
		m.log -= float64(swapCost * float64(units-1))
	}
	e.sets = append(e.sets, m)
}

// marginals turns the scored multisets into the probability of each number of units of each product.
func (e *explain) marginals() []guess {
	best := math.Inf(-1)
	for i := range e.sets {
		best = max(best, e.sets[i].log)
	}
	sum := 0.0
	for i := range e.sets {
		m := &e.sets[i]
		m.log = round9(math.Exp(m.log - best)) // from here on a weight
		sum += m.log
	}
	var all []guess
	add := func(product, n int, p float64) {
		for i := range all {
			if all[i].Product == product && all[i].N == n {
				all[i].P += p
				return
			}
		}
		all = append(all, guess{product, n, p})
	}
	for i := range e.sets {
		m := &e.sets[i]
		p := m.log / sum
		if m.kinds == 0 {
			n := 1
			if e.grams < 0 {
				n = -1
			}
			add(-1, n, p)
		}
		for j := range m.kinds {
			add(e.c[m.k[j]].product, m.n[j], p)
		}
	}
	all = slices.DeleteFunc(all, func(g guess) bool { return g.P < 0.01 })
	for i := range all {
		all[i].P = round9(all[i].P)
	}
	slices.SortFunc(all, func(a, b guess) int {
		switch {
		case a.P > b.P:
			return -1
		case a.P < b.P:
			return 1
		case a.Product != b.Product:
			return a.Product - b.Product
		}
		return a.N - b.N
	})
	return all
}
