package rules

import (
	"math"
	"time"

	"magpie/fusion"
)

// op is one operand: a call with constant arguments, shared by all policies of a set that read it.
type op struct {
	key   string // canonical text
	truth bool
	unfit string // why the arguments do not go together, "" if they do

	eval   func(v *fusion.View, t []*tape) float64 // a truth as 0 or 1; t are the tapes of its events
	events []*op                                   // the events that it reads; one of them may change it
	touch  kinds                                   // a fact of these kinds may change it, beside its events
	goods  fusion.Goods                            // not nil: of the basket, only what it holds of these may change it
	behind kinds                                   // a fact of these kinds stands behind it, if match agrees
	match  func(f *fusion.Fact) bool               // nil: all
	window int64                                   // facts count for so long; each then changes the value, whatever it was before
	drifts bool                                    // it changes between facts, too, and is judged by the next
	span   int64                                   // how far back it reaches, where that is not window; 0: not at all, or to the beginning

	due     func(v *fusion.View, t []*tape) int64 // the next time after v.Now at which time alone may change it; nil: never
	event   *op                                   // itself, where it is an event
	reached func(limit float64, strict bool) *op
	relies  []reliance
	lacking func(v *fusion.View, t []*tape) string // what was missing for it to be true, "" if nothing
}

// reliance is what an operand needs to be seen.
type reliance struct {
	modality fusion.Modality
	place    fusion.Place
	where    string // as the policy wrote it, "" for everywhere
}

// kinds is a set of fact kinds.
type kinds uint32

func of(all ...fusion.FactKind) kinds {
	var k kinds
	for _, f := range all {
		k |= 1 << f
	}
	return k
}

func (k kinds) has(f fusion.FactKind) bool { return k&(1<<f) != 0 }

// stands reports whether a fact stands behind the operand's value at now.
func (o *op) stands(f *fusion.Fact, now int64) bool {
	return o.behind.has(f.Kind) && (o.window == 0 || f.At > now-o.window) && (o.match == nil || o.match(f))
}

// What the functions read, by kind of fact.
var (
	walking  = of(fusion.FactSeen, fusion.FactEntered, fusion.FactLeft, fusion.FactExited, fusion.FactLost)
	handling = of(fusion.FactPicked, fusion.FactPutBack)
	tagged   = of(fusion.FactRead, fusion.FactMoved, fusion.FactReadEnd)
	paying   = of(fusion.FactOpened, fusion.FactScanned, fusion.FactVoided, fusion.FactRefunded, fusion.FactTill, fusion.FactPaid)
	basket   = handling | tagged | paying | of(fusion.FactGroup, fusion.FactSettled, fusion.FactShown)

	perceived = [...]kinds{
		fusion.ByTrack:  of(fusion.FactSeen, fusion.FactEntered),
		fusion.ByRFID:   tagged,
		fusion.ByWeight: of(fusion.FactPicked, fusion.FactPutBack),
		fusion.ByTill:   paying,
		fusion.ByGate:   of(fusion.FactGate),
		fusion.ByRegion: of(fusion.FactSeen, fusion.FactEntered, fusion.FactLeft),
		fusion.ByCount:  0,
		fusion.BySignal: of(fusion.FactSignal),
	}
)

func in(p fusion.Place) func(f *fusion.Fact) bool {
	return func(f *fusion.Fact) bool { return f.Zone >= 0 && p[f.Zone] }
}

func some(g fusion.Goods) func(f *fusion.Fact) bool {
	if g == nil {
		return nil
	}
	return func(f *fusion.Fact) bool { return g.Has(f.Product) }
}

// from is a value that needs no tape.
func from(eval func(v *fusion.View) float64) func(*fusion.View, []*tape) float64 {
	return func(v *fusion.View, _ []*tape) float64 { return eval(v) }
}

// basketOp reads the basket.
func basketOp(eval func(v *fusion.View) float64, goods fusion.Goods) op {
	return op{eval: from(eval), touch: basket, goods: goods, match: some(goods), behind: handling | of(fusion.FactMoved, fusion.FactScanned, fusion.FactVoided, fusion.FactShown),
		relies: []reliance{{modality: fusion.ByTill}, {modality: fusion.ByWeight}}}
}

func placeOp(a arg, touch, behind kinds, m fusion.Modality, eval func(v *fusion.View) float64) op {
	return op{eval: from(eval), touch: touch, behind: behind, match: in(a.place), relies: []reliance{{m, a.place, a.text}}}
}

// dwellOp counts seconds inside; compared with a constant it gets a timer.
func dwellOp(_ *language, a []arg) op {
	place := a[0].place
	base := placeOp(a[0], walking, walking, fusion.ByTrack, func(v *fusion.View) float64 { return v.Dwell(place) })
	base.reached = func(limit float64, strict bool) *op {
		o := base
		o.reached, o.truth = nil, true
		o.key = "dwell(" + a[0].text + ") >= " + number9(limit)
		if strict {
			o.key = "dwell(" + a[0].text + ") > " + number9(limit)
		}
		o.eval = func(v *fusion.View, _ []*tape) float64 {
			d := round9(v.Dwell(place))
			return bit(d > limit || !strict && d == limit)
		}
		o.due = func(v *fusion.View, _ []*tape) int64 {
			due := v.DwellDue(place, limit)
			if strict && due < math.MaxInt64 {
				due++
			}
			if due <= v.Now {
				return math.MaxInt64
			}
			return due
		}
		return &o
	}
	return base
}

// clockOp is about the time of day; no fact touches it.
func clockOp(read func(t time.Time) float64) op {
	return op{eval: func(v *fusion.View, _ []*tape) float64 { return read(v.Local()) }}
}

func betweenOp(_ *language, a []arg) op {
	from, to := a[0].minutes, a[1].minutes
	return clockOp(func(t time.Time) float64 {
		m := t.Hour()*60 + t.Minute()
		if from <= to {
			return bit(m >= from && m < to)
		}
		return bit(m >= from || m < to) // over midnight
	})
}

// pathOp is true once the places were entered in this order, the last within the window of the first.
func pathOp(_ *language, a []arg) op {
	var steps []*op
	for _, place := range a[0].route {
		e := eventOp(of(fusion.FactEntered, fusion.FactExited), in(place), reliance{modality: fusion.ByTrack})
		e.event.key = "entered " + placeKey(place)
		steps = append(steps, e.event)
	}
	o := ordered(steps, a[1].ns)
	o.relies = []reliance{{modality: fusion.ByTrack}}
	return o
}

// seenOp is true once the modality has perceived the subject in the place.
func seenOp(l *language, a []arg) op {
	m, p := a[0].modality, a[1].place
	e := eventOp(^kinds(0), func(f *fusion.Fact) bool {
		return f.Source >= 0 && f.Zone >= 0 && p[f.Zone] && l.store.Sources[f.Source].Kind == modalityKinds[m]
	}, reliance{m, p, a[1].text})
	e.event.key = "seen " + m.String() + " " + placeKey(p)
	return op{events: []*op{e.event}, behind: perceived[m], match: in(p), relies: e.relies, touch: walking,
		eval: func(v *fusion.View, t []*tape) float64 {
			return bit(t[0].earliest() != math.MaxInt64 || m == fusion.ByTrack && v.Entered(p))
		}}
}

// placeKey names a set of zones in the key of an operand.
func placeKey(p fusion.Place) string {
	b := make([]byte, len(p))
	for i, in := range p {
		if b[i] = '-'; in {
			b[i] = '+'
		}
	}
	return string(b)
}
