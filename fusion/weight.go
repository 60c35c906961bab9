package fusion

import "math"

// Numbers of the plate conditioner, after science §3.2; times in ns, weights in grams.
const (
	binNS      = 50e6  // samples are averaged over this much time
	baseNS     = 2e9   // the baseline is the median of this much quiet
	warmNS     = 9e8   // quiet needed before the first baseline stands
	settleNS   = 4e8   // how long a new level must hold
	restNS     = 6e8   // and of one that sends changes, of which one may be lost, how long nothing more must come (assumption)
	holeNS     = 1e9   // a longer silence of a plate that samples is a hole
	changeNS   = 35e9  // of one that sends changes: three of its ten seconds, and some
	patienceNS = 10e9  // after so long open, a level settles in twice the noise
	lostNS     = 300e9 // after so long open, the baseline is given up
	pastNS     = 4e9   // settled levels are remembered at this distance

	minStep    = 12.0        // half the lightest product, or this
	strayStep  = 40.0        // goods of other plates that are put on one of heavier goods are seen from here on (assumption),
	strayNS    = 2e9         // when they have lain for so long: a hand may press as much, but not so long (assumption)
	handStep   = 20.0        // a hand on the shelf that is told from noise (assumption)
	minNoise   = 0.3         // σ of a plate is never believed to be less
	minHold    = 1.5         // a level holds within this, or 4.3σ
	driftPerNS = 20.0 / 60e9 // no plate drifts faster
	changeSD   = 2.0         // of a step of a scale that sends changes of 5 g: 5·√2/√12
	fullScale  = 200e3       // a load beyond is saturation
)

// step is a settled change of the load on a plate.
type step struct {
	TS, At int64   // when it was known to have settled, and when it began, ns
	Grams  float64 // negative: taken off
	SD     float64 // its standard deviation, from the noise of the plate
}

// bin is the mean of the samples of one stretch of time.
type bin struct {
	ts    int64 // of its first sample
	grams float64
}

// waiting is what a scale that sends changes waits for.
type waiting uint8

const (
	still    waiting = iota // nothing: the load is where it was
	toSettle                // no change for long enough to call it a step
	toHold                  // no change for as long as a baseline takes
)

// plate conditions the load on one scale into settled steps: a robust baseline, a two-sided CUSUM against it, and one
// open disturbance until the load has settled. Samples come in event-time order. It holds no pointer: a copy of the
// value is a copy of the state.
type plate struct {
	delta float64 // the smallest step that matters
	own   float64 // the smallest that may be the plate's own goods
	limit float64 // a larger step is a fault of the scale
	bags  bool    // a bagging scale: it is silent while nothing is put on it,
	zero  bool    // and what it says first it has weighed since it was empty

	last    int64  // ts of the last sample
	skipped int64  // ts of the last that came after a short silence, 0: none
	boot    uint16 // of the device's last start, as its messages say; 0: they do not
	any     bool   // there was one since the last hole

	// The bin being filled, in whole milligrams so that the order of equal samples does not matter.
	slot, first int64
	sum, n      int64

	bins  window // the newest closed bins, a ring; while quiet they are the baseline's
	head  int    // index of the next one
	count int

	ready    bool // base and sigma stand
	base     float64
	baseN    int // bins behind base
	sigma    float64
	up, down float64 // CUSUM
	upAt     int64   // where each left zero
	downAt   int64

	open  bool // disturbed: waiting for it to settle
	began int64
	since int // bins since it opened, at most len(bins)

	past  [16]bin // settled levels, a ring, to see what is too slow for the CUSUM
	pHead int
	pN    int

	wait  waiting // mode change: what is not yet known of level
	level float64
}

// newPlate returns the state of a scale before its first sample; products is the catalogue that sc.Products indexes.
func newPlate(sc *Scale, products []Product) *plate {
	light, heavy := 0.0, 0.0
	for _, i := range sc.Products {
		if g := products[i].Grams; g > 0 {
			heavy = max(heavy, g)
			if light == 0 || g < light {
				light = g
			}
		}
	}
	return &plate{delta: max(minStep, min(light/2, strayStep)), own: max(minStep, light/2), limit: max(20e3, 64*heavy), sigma: minNoise}
}

// hole forgets the baseline: what the load does until the next settled level is not seen. The world calls it when the
// scale went offline or started anew.
func (p *plate) hole() {
	*p = plate{delta: p.delta, own: p.own, limit: p.limit, bags: p.bags, sigma: minNoise, boot: p.boot}
}

// add takes the next sample: the load at ts, and whether it is one of a scale that sends only changes. It returns the
// step that this sample showed to have settled, if any.
func (p *plate) add(ts int64, grams float64, change bool) (step, bool) {
	if math.IsNaN(grams) || math.Abs(grams) > fullScale {
		p.hole()
		return step{}, false
	}
	if change {
		return p.addLevel(ts, grams)
	}
	if p.any && ts-p.last > holeNS {
		p.hole()
	}
	if p.any && ts-p.last >= skipNS {
		p.skipped = ts
	}
	p.any, p.last = true, ts
	mg := int64(math.Round(grams * 1000))
	slot := ts / binNS
	var s step
	var ok bool
	if p.n > 0 && slot != p.slot {
		s, ok = p.closeBin(ts)
	}
	if p.n == 0 {
		p.slot, p.first = slot, ts
	}
	p.sum += mg
	p.n++
	return s, ok
}

// due is when a level of a scale that sends changes is next looked at, math.MaxInt64 when nothing waits.
func (p *plate) due() int64 {
	switch p.wait {
	case toSettle:
		if p.ready && p.pressed(step{Grams: p.level - p.base}) {
			return p.last + strayNS
		}
		// A touch and a pick are over at once; what has moved for long is given as long to end.
		return p.last + min(max(p.last-p.began, restNS), baseNS)
	case toHold:
		return p.last + baseNS
	}
	return math.MaxInt64
}

// fire does what is due at now.
func (p *plate) fire(now int64) (step, bool) {
	if p.due() > now {
		return step{}, false
	}
	s := step{TS: now, At: p.began, Grams: p.level - p.base, SD: changeSD}
	switch {
	case !p.ready:
		p.ready, p.base, p.wait = true, p.level, still
		p.remember(now, p.level)
	case p.wait == toSettle && p.restarted(p.began, p.level):
		p.hole()
	case p.wait == toSettle && p.significant(s):
		p.base, p.wait = p.level, still
		return p.tell(s, p.base)
	case p.wait == toSettle:
		p.wait = toHold
	default:
		p.base, p.wait = p.level, still
		return p.slow(now, p.base)
	}
	return step{}, false
}

// addLevel takes a sample of a scale that sends changes: the last of a burst is the level.
func (p *plate) addLevel(ts int64, grams float64) (step, bool) {
	s, ok := p.fire(ts)
	if p.any && ts-p.last > changeNS && !p.bags {
		p.hole()
	}
	if p.zero && !p.ready { // assumption: it reads 0 when it is empty, as one in a till does
		p.ready, p.zero = true, false
	}
	if p.wait == still {
		p.began = ts
	}
	p.any, p.wait, p.last, p.level = true, toSettle, ts, grams
	return s, ok
}

// closeBin folds the filled bin; ts is the sample that closed it.
func (p *plate) closeBin(ts int64) (step, bool) {
	b := bin{p.first, float64(p.sum) / float64(p.n) / 1000}
	p.sum, p.n = 0, 0
	p.bins[p.head] = b
	p.head = (p.head + 1) % len(p.bins)
	p.count = min(p.count+1, len(p.bins))
	switch {
	case p.open:
		p.since = min(p.since+1, len(p.bins))
		return p.settle(ts)
	case !p.ready:
		p.warm()
	case p.alarm(b):
		p.open = true
	default:
		return p.quiet(ts)
	}
	return step{}, false
}

// warm takes the first baseline as soon as there is enough quiet.
func (p *plate) warm() {
	var room window
	w := p.window(&room, baseNS, p.count)
	if len(w) < 8 || w[len(w)-1].ts-w[0].ts < warmNS {
		return
	}
	m, mad := spread(w)
	if p.steady(w, max(float64(4.5*mad), p.delta/8)) {
		p.ready, p.base, p.baseN, p.sigma = true, m, len(w), max(minNoise, float64(1.4826*mad))
	}
}

// alarm moves the CUSUM by one bin and reports that the load has left its baseline. k = δ/2 and h = max(5σ, k).
func (p *plate) alarm(b bin) bool {
	k := p.delta / 2
	h := max(float64(5*p.sigma), k)
	x := b.grams - p.base
	sum := func(s *float64, at *int64, x float64) {
		if *s == 0 {
			*at = b.ts
		}
		*s = max(0, *s+x-k)
	}
	sum(&p.up, &p.upAt, x)
	sum(&p.down, &p.downAt, -x)
	if p.up <= h && p.down <= h {
		return false
	}
	p.began = p.downAt
	if p.up > p.down {
		p.began = p.upAt
	}
	p.since = 1
	for p.since < p.count && p.at(p.count-1-p.since).ts >= p.began {
		p.since++
	}
	return true
}

// quiet follows the load while nothing happens: baseline, noise, and the comparison with the past.
func (p *plate) quiet(ts int64) (step, bool) {
	if p.up > 0 || p.down > 0 || p.head%4 != 0 { // four bins change little
		return step{}, false
	}
	var room window
	w := p.window(&room, baseNS, p.count)
	m, mad := spread(w)
	p.base, p.baseN = m, len(w)
	if len(w) < 8 || w[len(w)-1].ts-w[0].ts < warmNS {
		return step{}, false
	}
	p.sigma = max(minNoise, p.sigma+float64(0.05*(float64(1.4826*mad)-p.sigma)))
	if !p.steady(w, max(p.sigma, 1)) {
		return step{}, false
	}
	return p.slow(ts, m)
}

// settle ends an open disturbance once its load holds: the step is the new level less the baseline from before it. A
// disturbance in which the load never holds, such as goods held on the shelf by hand, stays one.
func (p *plate) settle(ts int64) (step, bool) {
	open := ts - p.began
	if open > lostNS {
		p.hole()
		return step{}, false
	}
	var room window
	w := p.window(&room, settleNS, p.since)
	if len(w) < 5 || ts-w[0].ts < settleNS-binNS {
		return step{}, false
	}
	// Five to eight bins of noise span less than 4.3σ, and their halves lie within 2σ; the longer it has been open, the
	// less is asked.
	patience := 1 + float64(open)/patienceNS
	tol := float64(max(float64(4.3*p.sigma), minHold) * patience)
	slope := float64(max(float64(2*p.sigma), minNoise) * patience)
	low, high := w[0].grams, w[0].grams
	for _, b := range w {
		low, high = min(low, b.grams), max(high, b.grams)
	}
	if high-low > tol || !p.steady(w, slope) {
		return step{}, false
	}
	m := level(w)
	s := step{TS: ts, At: p.began, Grams: m - p.base,
		SD: round9(p.sigma * math.Sqrt(1.57/float64(max(1, p.baseN))+1.57/float64(len(w))))}
	if open < strayNS && p.pressed(s) {
		return step{}, false
	}
	if p.restarted(p.began, m) {
		p.hole()
		return step{}, false
	}
	p.open, p.up, p.down = false, 0, 0
	p.base, p.baseN, p.count = m, len(w), len(w)
	if p.significant(s) {
		return p.tell(s, m)
	}
	return step{}, false
}

// significant reports that a step is goods and neither noise nor a fault of the scale: nine tenths of δ leave room for the
// noise of a step of δ.
func (p *plate) significant(s step) bool {
	g := math.Abs(s.Grams)
	return g >= float64(0.9*p.delta) && g >= float64(4*p.sigma) && g <= p.limit
}

// pressed reports that a step may be a hand on the shelf, as heavy as it may be: what comes to lie there lies there for longer. On a bagging scale goods are
// put and no hand rests.
func (p *plate) pressed(s step) bool {
	return !p.bags && s.Grams >= handStep && p.significant(s) || p.foreign(s)
}

// foreign reports that a step is too small for the plate's own goods: other goods, or the hand that is about to take some, from whose
// weight on the shelf theirs must not be counted.
func (p *plate) foreign(s step) bool {
	g := math.Abs(s.Grams)
	return g < float64(0.9*p.own) && (p.significant(s) || g >= handStep)
}

// slow compares a settled level with those of 3, 10 and 60 s ago, for what crept below the CUSUM. Drift is forgiven.
func (p *plate) slow(ts int64, level float64) (step, bool) {
	for _, age := range [...]int64{3e9, 10e9, 60e9} {
		for i := range p.pN {
			old := p.past[(p.pHead+2*len(p.past)-1-i)%len(p.past)]
			if ts-old.ts < age {
				continue
			}
			s := step{TS: ts, At: old.ts, Grams: level - old.grams, SD: round9(p.sigma * 0.5)}
			room := float64(driftPerNS * float64(ts-old.ts))
			if p.significant(s) && math.Abs(s.Grams) >= p.delta+room {
				s.SD = max(s.SD, room/2)
				return p.tell(s, level)
			}
			break
		}
	}
	p.remember(ts, level)
	return step{}, false
}

// remember keeps a settled level for slow, one every pastNS.
func (p *plate) remember(ts int64, level float64) {
	if p.pN > 0 && ts-p.past[(p.pHead+len(p.past)-1)%len(p.past)].ts < pastNS {
		return
	}
	p.past[p.pHead] = bin{ts, level}
	p.pHead = (p.pHead + 1) % len(p.past)
	p.pN = min(p.pN+1, len(p.past))
}

// tell returns a step that has led to level; what was before is no longer compared.
func (p *plate) tell(s step, level float64) (step, bool) {
	p.pN = 0
	p.remember(s.TS, level)
	return s, true
}
