package fusion

import (
	"math"
	"slices"
)

// Steps that are done together: within so much time and distance of another (science §4).
const (
	togetherTime = 1500 * int64(1e6)
	togetherNear = 1.5          // metres
	forgetDeed   = 600 * second // until then what a till or a gate shows of one may say who did another
	maxDeeds     = 256
)

// What one person can do with two steps at once. Sources: none; assumptions, to be fitted.
const (
	handSpeed = 2.0     // metres a second from one plate to the next
	handTime  = 0.3     // seconds to let go and take hold
	armSpan   = 1.6     // metres between two hands
	bothHands = 693_147 // micro-nats: of two steps that one person can only do with both hands, one in two is his
)

// deed is a step that somebody did, while others may still turn out to have been done together with it. It is not changed
// once the world has it.
type deed struct {
	id     int
	at     int64 // when it happened
	told   int64 // when it was known
	scale  int
	nobody int64 // cost of a person whom no camera saw, micro-nats
	who    []doer
	lots   []int // of a pick
}

// doer is a visit that may have done a deed.
type doer struct {
	visit int
	cost  int64   // minus the log-likelihood, micro-nats
	share float64 // as told last
	shown bool    // a camera shows a hand of his,
	hand  [3]float32
	other int64   // and this is the cost of his having done it by another
	took  float64 // that it was seen to take goods there, 0–1
}

// nats turns a likelihood into a cost in micro-nats.
func nats(l float64) int64 { return int64(math.Round(-math.Log(l) * 1e6)) }

// attribute shares a step among those who can have done it, together with the steps done at the same time near it: then
// the earlier ones are shared anew too. It returns the deed's claims, the largest first.
func (w *World) attribute(d *deed, can []odds, none float64) []claim {
	sum := none
	claims := make([]claim, 0, len(can))
	for _, o := range can {
		sum += o.l
		claims = append(claims, claim{o.visit, o.l})
		x := doer{visit: o.visit.number, cost: nats(o.l), shown: o.shown, hand: o.hand, took: o.took}
		if x.shown {
			x.other = min(nats(max(o.other, tiny)), impossible/4)
		}
		d.who = append(d.who, x)
	}
	d.nobody = nats(none)
	claims = w.shares(claims, sum)
	cluster := w.cluster(-1, d)
	if len(cluster) < 2 || len(can) == 0 {
		d.tell(claims)
		return claims
	}
	q, owners := w.together(cluster, d)
	for e, i := range cluster {
		if i < 0 {
			claims = w.claimants(owners, q[e])
			continue
		}
		w.revise(i, w.claimants(owners, q[e]))
	}
	d.tell(claims)
	return claims
}

// tell notes the shares that were told.
func (d *deed) tell(claims []claim) {
	for i := range d.who {
		s := &d.who[i]
		s.share = 0
		for _, c := range claims {
			if c.visit.number == s.visit {
				s.share = c.share
			}
		}
	}
}

// cluster lists the deeds done together with one, itself with them: those near it in time and place, and those near these,
// the newest maxEvents. The one is the first of the list and the others in order of their number; of −1, which the world does
// not have yet, d is the deed.
func (w *World) cluster(first int, d *deed) []int {
	in := []int{first}
	of := func(i int) *deed {
		if i < 0 {
			return d
		}
		return &w.deeds[i]
	}
	for k := 0; k < len(in); k++ {
		a := of(in[k])
		for i := len(w.deeds) - 1; i >= 0 && len(in) < maxEvents; i-- {
			b := &w.deeds[i]
			if !slices.Contains(in, i) && abs(a.at-b.at) <= togetherTime && w.span(a, b) <= togetherNear {
				in = append(in, i)
			}
		}
	}
	slices.Sort(in[1:])
	return in
}

// pin says that a visit did a deed, as what it has shown since tells: those done together with it are shared anew.
func (w *World) pin(id int, v *Visit) {
	i := slices.IndexFunc(w.deeds, func(d deed) bool { return d.id == id })
	if i < 0 {
		return
	}
	d := w.deeds[i]
	if x := d.by(v.number); x == nil || d.nobody >= impossible {
		return
	}
	d.who, d.nobody = slices.Clone(d.who), impossible
	for k := range d.who {
		if d.who[k].visit != v.number {
			d.who[k].cost = impossible
		}
	}
	w.deeds[i] = d
	cluster := w.cluster(i, nil)
	if len(cluster) < 2 {
		return
	}
	q, owners := w.together(cluster, nil)
	for e, k := range cluster[1:] {
		w.revise(k, w.claimants(owners, q[e+1]))
	}
}

// claimants makes claims of the probabilities of owners.
func (w *World) claimants(owners []int, q [maxOwners]float64) []claim {
	var all []claim
	for o, number := range owners {
		if v := w.visit(number); v != nil && q[o] >= minShare {
			all = append(all, claim{v, q[o]})
		}
	}
	return w.shares(all, 1)
}

// span is how far two deeds' plates are apart in metres.
func (w *World) span(a, b *deed) float64 {
	p, q := w.Store.Scales[a.scale].At, w.Store.Scales[b.scale].At
	return Point{p[0], p[1]}.distance(Point{q[0], q[1]})
}

// together solves a cluster: the probability that each owner (a visit's number) did each of its deeds.
func (w *World) together(cluster []int, newest *deed) ([maxEvents][maxOwners]float64, []int) {
	// Who did it most likely of all, the oldest visits first.
	var who []doer
	deeds := make([]*deed, len(cluster))
	for e, i := range cluster {
		if deeds[e] = newest; i >= 0 {
			deeds[e] = &w.deeds[i]
		}
		for _, s := range deeds[e].who {
			k := slices.IndexFunc(who, func(o doer) bool { return o.visit == s.visit })
			if k < 0 {
				who = append(who, s)
			} else {
				who[k].cost = min(who[k].cost, s.cost)
			}
		}
	}
	slices.SortFunc(who, func(a, b doer) int {
		if a.cost != b.cost {
			return cmp(a.cost, b.cost)
		}
		return a.visit - b.visit
	})
	who = who[:min(len(who), maxOwners)]
	slices.SortFunc(who, func(a, b doer) int { return a.visit - b.visit })
	p := problem{events: len(deeds), owners: len(who)}
	owners := make([]int, len(who))
	for o := range who {
		owners[o] = who[o].visit
	}
	for e, d := range deeds {
		p.nobody[e] = d.nobody
		for o := range owners {
			p.cost[e][o] = impossible
			for _, s := range d.who {
				if s.visit == owners[o] {
					p.cost[e][o] = s.cost
				}
			}
		}
	}
	p.both = func(e, f, o int) int64 { return w.bothBy(deeds[e], deeds[f], owners[o]) }
	return p.shares(), owners
}

// bothBy is what it costs a visit to do two deeds: nothing if there was time for one after the other, else the use of both
// hands. A hand that a camera shows at one of them is not at the other.
func (w *World) bothBy(a, b *deed, visit int) int64 {
	d := w.span(a, b)
	switch {
	case float64(abs(a.at-b.at))/1e9 >= float64(d/handSpeed)+handTime:
		return 0
	case d > armSpan:
		return 20e6
	}
	x, y := a.by(visit), b.by(visit)
	if x == nil || y == nil || !x.shown || !y.shown || apart(x.hand, y.hand) > handsNear {
		return bothHands
	}
	return bothHands + max(0, min(x.other-x.cost, y.other-y.cost))
}

// by finds who may have done a deed; nil if the visit may not.
func (d *deed) by(visit int) *doer {
	for i := range d.who {
		if d.who[i].visit == visit {
			return &d.who[i]
		}
	}
	return nil
}

// remember keeps a deed as long as another may turn out to have been done together with it.
func (w *World) remember(d deed) {
	for len(w.deeds) > 0 && (len(w.deeds) == maxDeeds || w.now-w.deeds[0].told > forgetDeed) {
		w.forgetLots(w.deeds[0].lots)
		w.deeds = slices.Delete(w.deeds, 0, 1)
	}
	w.deeds = append(w.deeds, d)
}

// revise shares an earlier pick anew. What has become of its goods since stays as it is: then it is too late.
func (w *World) revise(i int, claims []claim) {
	d := w.deeds[i]
	for _, id := range d.lots {
		if k := w.lotIndex(id); k < 0 || w.lots[k].touched {
			return
		}
	}
	share := func(visit int) float64 {
		for _, c := range claims {
			if c.visit.number == visit {
				return c.share
			}
		}
		return 0
	}
	d.who = slices.Clone(d.who)
	for k := range d.who {
		s := &d.who[k]
		v, q := w.visit(s.visit), share(s.visit)
		if v == nil || math.Abs(q-s.share) < 0.01 {
			continue
		}
		for _, id := range d.lots {
			at := w.lotIndex(id)
			l := *w.lots[at]
			l.parts = slices.Clone(l.parts)
			w.lots[at] = &l
			if w.give(&l, v, "", float64(l.units*(q-s.share))) {
				w.correct(v, &l, d.scale, float64(l.units*q))
			}
		}
		s.share = q
		w.reckon(v)
	}
	w.deeds[i] = d
}

// correct sets the expected units of the fact that told a visit of a pick, or tells it.
func (w *World) correct(v *Visit, l *lot, scale int, n float64) {
	sc := &w.Store.Scales[scale]
	source := w.Store.source[sc.ID]
	i := v.Facts.Len()
	for f := range v.Facts.Backward() {
		if i--; f.Kind == FactPicked && f.Source == source && f.At == l.at && f.Product == l.product {
			f.N = n
			w.changes = append(w.changes, Change{v, f})
			list := v.Facts.List()
			if list[i] = f; n < minShare {
				list = slices.Delete(list, i, i+1)
			}
			v.Facts = FactsOf(list...)
			return
		}
	}
	w.add(v, Fact{At: l.at, Kind: FactPicked, Source: source, Zone: sc.Zone, Product: l.product, N: n, P: 1}, 1)
}
