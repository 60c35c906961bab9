package fusion

import (
	"math"
	"sort"
)

// claim is a visit's part in an event that somebody did.
type claim struct {
	visit *Visit
	share float64
}

// Parameters of who did something at a place. Distances and times are those of science §4; what is marked so is an
// assumption, to be fitted.
const (
	sigmaReach = 0.4  // metres from the goods to the feet of who takes them (fitted on four foreign simulators, see decision 009),
	feetHidden = 0.1  // but for so many of them, who lean over or whose feet a shelf hides (fitted with it):
	sigmaFeet  = 1.0  // metres by which these are farther off (fitted with it)
	sigmaHand  = 0.25 // metres from the plate's box
	sigmaTime  = 0.4  // seconds between the event and when the hand was there
	sigmaSeen  = 1.0  // seconds between what a gate or a reader saw and when the person was seen: people leave the picture there
	minShare   = 0.02

	// Likelihoods are densities over the floor, relative to one person in 6.7 m² (assumption). A hand at a plate of 0.3 m by 0.4 m is spread over 1 m²,
	// and over three tenths of the heights at which hands are (assumption).
	floorHad   = 6.7
	handSpread = 0.3

	unseen    = 0.05 // somebody whom no camera saw (assumption: 1 − P_D, P_D 0.95)
	blind     = 2.0  // the same where no camera is awake (assumption)
	otherHand = 0.1  // that the hand that did it is not one of those that the camera shows (assumption)
	outOfView = 0.3  // of one whom the camera has just lost: that it did not see somebody who is there (assumption)
	strolling = 1.0  // metres a second by which he may have moved since
	onTheMove = 0.2  // how much seldomer somebody moves goods who walks on past them (assumption)
	brisk     = 0.7  // metres in a second from which somebody walks on (assumption)
	handsFull = 1.0  // how much likelier a hand makes it that holds goods after a pick, or before a put-back (assumption)

	staffAtWork = 4.0 // how much oftener staff move goods than a shopper beside them, beyond once (assumption)

	plateBelow, plateAbove = 0.1, 0.4 // metres: the box above a plate in which hands take goods (assumption)
	goodsHalf              = 0.15     // metres: half of the goods of a wide plate (assumption); reach is told from the middle of goods
	longStep               = 1500 * int64(1e6)
	longestStep            = 12 * second // what a trail remembers
)

// odds is how likely a visit did an event: the likelihood relative to that of one person in floorHad.
type odds struct {
	visit *Visit
	l     float64
	grip
}

// grip is what cameras show of a visit's hands while something was done.
type grip struct {
	shown bool
	hand  [3]float32 // where the likeliest of them was, metres
	other float64    // likelihood that it was done by a hand that they do not show
	took  float64    // that a hand at the plate was empty before and held something afterwards, 0–1
}

// candidates lists the visits that can have moved goods on a plate in a step, in the order in which they began, and the
// likelihood of a person whom no camera saw. Staff are candidates, and likelier ones: what they take must not fall
// on the customer beside them, and that they are staff is for policies to weigh.
func (w *World) candidates(to []odds, sc *Scale, s step) ([]odds, float64) {
	from, until := s.At, s.At
	if s.TS-s.At > longStep { // held, or too slow to say when: at any moment since
		from, until = max(s.At, s.TS-longestStep), s.TS-settleNS
	}
	p := Point{sc.At[0], sc.At[1]}
	source := w.Store.source[sc.ID]
	away := float64(float64(w.now-from) / 1e9 * 3) // nobody runs faster through a shop
	far := 3*sigmaFeet + away + float64(max(sc.Size[0], sc.Size[1])/2)
	rooms := w.Store.rooms.shelf(p)
	if sc.Zone >= 0 && len(rooms) == 0 && w.Store.rooms.zone[sc.Zone] >= 0 {
		rooms = []int16{int16(w.Store.rooms.zone[sc.Zone])}
	}
	for _, r := range rooms {
		far = max(far, w.Store.rooms.reach[r])
	}
	for _, v := range w.near(p, far) {
		if v.Pos.distance(p) > far {
			continue
		}
		l, g := w.didStep(v, sc, rooms, source, from, until, s.Grams > 0)
		work := 1 + float64(staffAtWork*max(0, v.Staff-staffPrior))
		l, g.other = float64(l*work), float64(g.other*work)
		if l >= unseen*minShare {
			to = append(to, odds{v, l, g})
		}
	}
	if w.cameraAwake(sc.Zone, s.At) {
		return to, unseen
	}
	return to, blind
}

// cameraAwake reports whether a camera of the zone is awake at ts, or the zone has none that could sleep.
func (w *World) cameraAwake(zone int, ts int64) bool {
	if zone < 0 || len(w.watchers[ByTrack][zone]) == 0 {
		return true
	}
	for _, i := range w.watchers[ByTrack][zone] {
		if w.live[i].first == 0 {
			continue
		}
		if _, idle := w.live[i].idle(ts); !idle {
			return true
		}
	}
	return false
}

// didStep is the likelihood that a visit did what a plate felt in [from, until]: by its hands where a camera shows them,
// else by where it stood.
func (w *World) didStep(v *Visit, sc *Scale, rooms []int16, source int, from, until int64, put bool) (float64, grip) {
	sigma := w.blur(sigmaTime, source, v.camera)
	feet, n := 0.0, 0
	for t := from; t <= until; t += second {
		stood := v.stoodAt(sc, t, sigma)
		if stood > 0 && v.walksOn(t) {
			stood = float64(onTheMove * stood)
		}
		for _, r := range rooms {
			if w.wasIn(v, int(r), t) {
				stood = max(stood, w.Store.rooms.anywhereIn(int(r)))
			}
		}
		feet += stood
		n++
	}
	feet /= float64(n)
	var g grip
	hand, before, empty, after := 0.0, 0.0, 0.0, 0.0
	for i := range v.hands {
		h := &v.hands[i]
		gap := max(from-h.at, h.at-until, 0)
		if gap > 2*second {
			continue
		}
		l := float64(likelihood(sc.apart(h.p), sigmaHand) * likelihood(float64(gap)/1e9, sigma))
		if !g.shown || l > hand {
			hand, g.hand = l, h.p
		}
		g.shown = true
		switch {
		case gap > longStep:
		case h.at > until:
			after = max(after, float64(h.holding))
		default:
			before = max(before, float64(h.holding))
			empty = max(empty, 1-float64(h.holding))
		}
	}
	if !g.shown {
		return feet, g
	}
	holds := after
	if put {
		holds = before
	} else {
		g.took = float64(hand * empty * after)
	}
	holds = 1 + float64(handsFull*holds)
	g.other = float64(otherHand * feet * holds)
	return float64((1-otherHand)*floorHad/handSpread*hand*holds) + g.other, g
}

// stoodAt is the likelihood of reaching a plate from where the visit stood at ts. A camera that has just lost somebody may not see
// him though he is there.
func (v *Visit) stoodAt(sc *Scale, ts int64, sigma float64) float64 {
	q, gap, ok := v.stood(ts)
	if !ok {
		return 0
	}
	d := q.distance(sc.nearest(q))
	if gap == 0 {
		return density(d, sigmaReach)
	}
	late := float64(gap) / 1e9
	walked := float64(strolling * late)
	wide := math.Sqrt(float64(sigmaReach*sigmaReach) + float64(walked*walked))
	return max(float64(density(d, sigmaReach)*likelihood(late, sigma)), float64(outOfView*density(d, wide)))
}

// density is that of the feet, over the floor, of who takes goods at a distance from them, in metres, relative to one person in floorHad.
func density(d, sigma float64) float64 {
	seen := normal(d, float64(sigma*sigma))
	hidden := normal(d, float64(sigma*sigma)+float64(sigmaFeet*sigmaFeet))
	return float64(floorHad * (float64((1-feetHidden)*seen) + float64(feetHidden*hidden)))
}

// normal is a normal density in two dimensions of a variance, at a distance from its middle.
func normal(d, variance float64) float64 {
	return likelihood(d, math.Sqrt(variance)) / float64(2*math.Pi*variance)
}

// stood is where the visit was at ts: between two sightings on the line between them, with gap 0, else where it was seen
// next before or after, by gap; false when that is more than two seconds.
func (v *Visit) stood(ts int64) (p Point, gap int64, ok bool) {
	if v.PosAt == 0 {
		return p, 0, false
	}
	trail := v.trail
	i := sort.Search(len(trail), func(k int) bool { return trail[k].at > ts })
	after := trailPoint{at: v.PosAt, p: v.Pos}
	if i < len(trail) {
		after = trail[i]
	}
	if i == 0 {
		gap = after.at - ts
		return after.p, gap, gap <= lostAfter
	}
	before := trail[i-1]
	switch {
	case after.at <= ts:
		gap = ts - after.at
		return after.p, gap, gap <= lostAfter
	case after.at-before.at <= lostAfter:
		share := float64(ts-before.at) / float64(after.at-before.at)
		d := after.p.minus(before.p)
		return Point{before.p.X + float64(share*d.X), before.p.Y + float64(share*d.Y)}, 0, true
	case ts-before.at <= after.at-ts:
		return before.p, ts - before.at, ts-before.at <= lostAfter
	}
	return after.p, after.at - ts, after.at-ts <= lostAfter
}

// walksOn reports whether the visit walked at ts and did not stop shortly before or after, as those do who reach for goods.
func (v *Visit) walksOn(ts int64) bool {
	known := false
	for from := ts - second; from <= ts; from += second / 2 {
		p, gap, ok := v.stood(from)
		q, late, there := v.stood(from + second)
		if !ok || !there || gap > 0 || late > 0 {
			continue
		}
		if p.distance(q) < brisk {
			return false
		}
		known = true
	}
	return known
}

// nearest is the place nearest to p at which goods may lie: the plate but for half of goods along its edge.
func (sc *Scale) nearest(p Point) Point {
	within := func(x, at, size float64) float64 {
		half := max(0, size/2-goodsHalf)
		return max(at-half, min(at+half, x))
	}
	return Point{within(p.X, sc.At[0], sc.Size[0]), within(p.Y, sc.At[1], sc.Size[1])}
}

// apart is how far a point is from the box over the plate from which goods are taken, in metres.
func (sc *Scale) apart(p [3]float32) float64 {
	dx := max(0, math.Abs(float64(p[0])-sc.At[0])-sc.Size[0]/2)
	dy := max(0, math.Abs(float64(p[1])-sc.At[1])-sc.Size[1]/2)
	dz := max(0, sc.At[2]-plateBelow-float64(p[2]), float64(p[2])-sc.At[2]-plateAbove)
	return math.Sqrt(float64(dx*dx) + float64(dy*dy) + float64(dz*dz))
}

// maxHands bounds the hands remembered of one visit: three seconds of two, every trailStep.
const maxHands = 32

// handPoint is where a hand was, and with what probability the person held something.
type handPoint struct {
	at      int64
	p       [3]float32 // metres
	holding float32
}

// reachOut remembers where a camera saw the hands of a visit.
func (v *Visit) reachOut(e *Event) {
	if n := len(v.hands); n > 0 && e.TS-v.hands[n-1].at < trailStep {
		return
	}
	for i, h := range e.Hands {
		if i == 2 {
			break
		}
		v.hands, _ = newest(v.hands, handPoint{e.TS, [3]float32{float32(h[0]), float32(h[1]), float32(h[2])}, float32(e.Holding)}, maxHands)
	}
}

// shares turns likelihoods into parts of 1, sum being the likelihood of all and of nobody; the largest first, and among
// equals the older visit.
func (w *World) shares(c []claim, sum float64) []claim {
	if w.oneOwner {
		return likeliest(c, sum)
	}
	kept := c[:0]
	for _, x := range c {
		x.share /= sum
		if x.share >= minShare {
			kept = append(kept, x)
		}
	}
	sort.SliceStable(kept, func(i, j int) bool { return kept[i].share > kept[j].share })
	return kept
}

// likeliest gives all to the likeliest, or to nobody where that is likelier than any.
func likeliest(c []claim, sum float64) []claim {
	best := -1
	for i := range c {
		if sum -= c[i].share; best < 0 || c[i].share > c[best].share {
			best = i
		}
	}
	if best < 0 || sum > c[best].share {
		return c[:0]
	}
	c[0] = claim{c[best].visit, 1}
	return c[:1]
}

// likelihood is exp(−d²/2σ²), rounded so that every machine gets the same.
func likelihood(d, sigma float64) float64 {
	if d == 0 {
		return 1
	}
	z := d / sigma
	return round9(math.Exp(-float64(z*z) / 2))
}

func round9(x float64) float64 { return math.Round(x*1e9) / 1e9 }
