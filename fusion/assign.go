package fusion

import "math"

// Bounds of a joint assignment; what is beyond them is left out by the caller.
const (
	maxEvents = 6 // assigned together
	maxOwners = 8 // who may have done them
)

// problem is a joint assignment of events to those who may have done them, each cost being minus the log-likelihood in
// micro-nats.
type problem struct {
	events, owners int
	cost           [maxEvents][maxOwners]int64 // of at least impossible: it cannot be
	nobody         [maxEvents]int64
	both           func(e, f, owner int) int64 // what it costs besides that one owner did two events; nil: none can do two
}

// impossible is a cost that no assignment has.
const impossible = int64(1e12)

// eventSets is how many sets of events there are; a set has a bit for each.
const eventSets = 1 << maxEvents

// shares is the probability that each owner did each event; the rest to 1 is nobody's. They are the marginals of all assignments, by their
// weights exp(−cost): of k best ones they are too sure where there are many of about the same cost. The sum over all is taken owner by owner, each
// doing some of the events that are left (as for a permanent), which takes owners × 3^events steps.
func (p *problem) shares() (q [maxEvents][maxOwners]float64) {
	all := 1<<p.events - 1
	var none, least [maxEvents]float64
	for e := range p.events {
		lowest := p.nobody[e]
		for o := range p.owners {
			lowest = min(lowest, p.cost[e][o])
		}
		least[e], none[e] = float64(lowest), weight(float64(p.nobody[e]-lowest))
	}
	// did is the weight of an owner doing just a set of events; after of what is left being done by the owners from one on, or by nobody;
	// before of a set having been done by those before one.
	var did, after [maxOwners + 1][eventSets]float64
	var before [eventSets]float64
	for set := range all + 1 {
		w := 1.0
		for e := range p.events {
			if set&(1<<e) != 0 {
				w = float64(w * none[e])
			}
		}
		after[p.owners][set] = w
	}
	for o := p.owners - 1; o >= 0; o-- {
		for set := range all + 1 {
			did[o][set] = p.does(o, set, &least)
		}
		for set := range all + 1 {
			sum := 0.0
			for part := set; ; part = (part - 1) & set {
				sum += float64(did[o][part] * after[o+1][set&^part])
				if part == 0 {
					break
				}
			}
			after[o][set] = sum
		}
	}
	before[0] = 1
	for o := range p.owners {
		var next [eventSets]float64
		for set := range all + 1 {
			left := all &^ set
			part := 0.0
			for done := left; ; done = (done - 1) & left {
				part += float64(before[done] * after[o+1][left&^done])
				next[done|set] += float64(before[done] * did[o][set])
				if done == 0 {
					break
				}
			}
			for e := range p.events {
				if set&(1<<e) != 0 {
					q[e][o] += float64(did[o][set] * part)
				}
			}
		}
		before = next
	}
	for e := range p.events {
		for o := range p.owners {
			q[e][o] = round9(q[e][o] / after[0][all])
		}
	}
	return q
}

// does is the weight of an owner doing just a set of events.
func (p *problem) does(o, set int, least *[maxEvents]float64) float64 {
	cost, n := 0.0, 0
	for e := range p.events {
		if set&(1<<e) == 0 {
			continue
		}
		if p.cost[e][o] >= impossible || n > 0 && p.both == nil {
			return 0
		}
		for f := range e {
			if set&(1<<f) != 0 {
				cost += float64(p.both(e, f, o))
			}
		}
		cost += float64(p.cost[e][o]) - least[e]
		n++
	}
	return weight(cost)
}

// weight is exp(−cost), cost in micro-nats; rounded, so that every machine gets the same, and never so small that a product of some is 0.
func weight(cost float64) float64 {
	m, e := math.Frexp(math.Exp(-min(cost, 100e6) / 1e6))
	return math.Ldexp(round9(m), e)
}
