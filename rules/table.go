package rules

import (
	"math"
	"slices"
	"time"

	"magpie/fusion"
)

// functions is the table of contract §4.
var functions = map[string]*function{
	"seen": {args: []param{aModality, aPlace}, truth: true, visit: true, build: seenOp},
	"entered": {args: []param{aPlace}, truth: true, visit: true, build: func(_ *language, a []arg) op {
		return placeOp(a[0], walking, of(fusion.FactEntered), fusion.ByTrack, func(v *fusion.View) float64 { return bit(v.Entered(a[0].place)) })
	}},
	"exited": {args: []param{aPlace}, truth: true, visit: true, build: func(_ *language, a []arg) op {
		return placeOp(a[0], walking, of(fusion.FactExited, fusion.FactLeft), fusion.ByTrack, func(v *fusion.View) float64 { return bit(v.Exited(a[0].place)) })
	}},
	"near": {args: []param{aPlace}, truth: true, visit: true, build: func(_ *language, a []arg) op {
		o := placeOp(a[0], walking, of(fusion.FactEntered), fusion.ByTrack, func(v *fusion.View) float64 { return bit(v.Near(a[0].place)) })
		o.drifts = true
		return o
	}},
	"heading": {args: []param{aWay}, truth: true, visit: true, build: func(_ *language, a []arg) op {
		out := a[0].text == `"out"`
		return op{eval: from(func(v *fusion.View) float64 { return bit(v.Heading(out)) }), touch: walking, behind: walking, drifts: true}
	}},
	"dwell": {args: []param{aPlace}, unit: seconds, visit: true, build: dwellOp},
	"path":  {args: []param{aPath, aWindow}, truth: true, visit: true, build: pathOp},
	"with": {args: []param{aClass}, unit: counted, visit: true, build: func(_ *language, a []arg) op {
		class := unquote(a[0].text)
		return op{eval: from(func(v *fusion.View) float64 { return v.With(class) }), touch: of(fusion.FactWith), behind: of(fusion.FactWith),
			match: func(f *fusion.Fact) bool { return f.Name == class }}
	}},

	"picked":   goodsEvent(fusion.FactPicked, fusion.ByWeight),
	"putback":  goodsEvent(fusion.FactPutBack, fusion.ByWeight),
	"scanned":  goodsEvent(fusion.FactScanned, fusion.ByTill),
	"voided":   goodsEvent(fusion.FactVoided, fusion.ByTill),
	"refunded": goodsEvent(fusion.FactRefunded, fusion.ByTill),
	"read":     placeEvent(fusion.FactRead, fusion.ByRFID),
	"lost":     placeEvent(fusion.FactLost, fusion.ByTrack),
	"opened": {unit: counted, build: func(*language, []arg) op {
		return eventOp(of(fusion.FactOpened), nil, reliance{modality: fusion.ByTill})
	}},
	"till": {args: []param{anAction}, unit: counted, build: func(_ *language, a []arg) op {
		action := unquote(a[0].text)
		return eventOp(of(fusion.FactTill), func(f *fusion.Fact) bool { return f.Name == action }, reliance{modality: fusion.ByTill})
	}},
	"signal": {args: []param{aName}, unit: counted, build: func(_ *language, a []arg) op {
		name := unquote(a[0].text)
		return eventOp(of(fusion.FactSignal), func(f *fusion.Fact) bool { return f.Name == name && f.P > 0 }, reliance{modality: fusion.BySignal})
	}},

	"carried": {args: []param{aGoods}, unit: counted, visit: true, build: func(_ *language, a []arg) op {
		return basketOp(func(v *fusion.View) float64 { return v.Carried(a[0].goods) }, a[0].goods)
	}},
	"unpaid": {args: []param{aGoods}, unit: counted, visit: true, build: func(_ *language, a []arg) op {
		return basketOp(func(v *fusion.View) float64 { return v.Unpaid(a[0].goods) }, a[0].goods)
	}},
	"carried_value":  {unit: money, visit: true, build: ofBasket(fusion.View.CarriedValue)},
	"unpaid_value":   {unit: money, visit: true, build: ofBasket(fusion.View.UnpaidValue)},
	"p_unpaid":       {unit: counted, visit: true, build: ofBasket(fusion.View.PUnpaid)},
	"owner_conf":     {unit: counted, visit: true, build: ofBasket(fusion.View.OwnerConf)},
	"substituted":    {unit: counted, visit: true, build: ofBasket(fusion.View.Substituted)},
	"refunded_taken": {unit: counted, visit: true, build: ofBasket(fusion.View.RefundedTaken)},
	"staff": {unit: counted, visit: true, build: func(*language, []arg) op {
		return op{eval: from(func(v *fusion.View) float64 { return v.IsStaff() }), touch: of(fusion.FactStaff) | walking | tagged, behind: of(fusion.FactStaff)}
	}},
	"group_paid": {unit: counted, visit: true, build: func(*language, []arg) op {
		k := of(fusion.FactGroup, fusion.FactPaid)
		return op{eval: from(func(v *fusion.View) float64 { return v.GroupPaid() }), touch: k | paying | walking, behind: k}
	}},
	"stranded":    placed(fusion.View.Stranded, tagged|walking|handling, counted),
	"moved":       placed(fusion.View.Moved, tagged, counted),
	"moved_count": placed(fusion.View.MovedCount, tagged, counted),
	"rang": {args: []param{aPlace}, unit: counted, visit: true, build: func(_ *language, a []arg) op {
		k := of(fusion.FactGate)
		return placeOp(a[0], k, k, fusion.ByGate, func(v *fusion.View) float64 { return v.Rang(a[0].place) })
	}},
	"silent": {args: []param{aWindow}, truth: true, visit: true, build: func(_ *language, a []arg) op {
		k := tagged | handling | paying
		return op{eval: from(func(v *fusion.View) float64 { return bit(v.Silent(a[0].ns)) }), touch: k, behind: tagged | handling,
			due: func(v *fusion.View, _ []*tape) int64 { return v.SilentDue(a[0].ns) }, relies: []reliance{{modality: fusion.ByRFID}}}
	}},
	"fresh": {args: []param{aWindow}, unit: counted, visit: true, build: func(_ *language, a []arg) op {
		o := basketOp(func(v *fusion.View) float64 { return v.Fresh(a[0].ns) }, nil)
		o.due = func(v *fusion.View, _ []*tape) int64 { return v.FreshDue(a[0].ns) }
		return o
	}},
	"missing_after": {args: []param{aPlace, aWindow}, truth: true, visit: true, build: func(_ *language, a []arg) op {
		k := walking | tagged | handling
		o := placeOp(a[0], k, k, fusion.ByRFID, func(v *fusion.View) float64 { return bit(v.MissingAfter(a[0].place, a[1].ns)) })
		o.due = func(v *fusion.View, _ []*tape) int64 { return v.MissingDue(a[0].place, a[1].ns) }
		return o
	}},

	"count":     windowed(counted, countOf),
	"sum":       windowed(counted, sumOf),
	"rate":      windowed(anyUnit, rateOf),
	"distinct":  windowed(counted, distinctOf),
	"first":     moment(firstOf),
	"last":      moment(lastOf),
	"since":     moment(sinceOf),
	"sum_after": {args: []param{anEvent, anEvent}, unit: counted, tapes: true, build: sumAfterOp},
	"sequence":  {args: []param{anEvent, anEvent, aWindow}, more: 3, truth: true, tapes: true, build: sequenceOp},
	"absent":    {args: []param{anEvent, anEvent, aWindow}, truth: true, build: absentOp},
	"zscore":    {args: []param{anEvent, aWindow, aBasis, aWindow}, build: zscoreOp},
	"alerted":   {args: []param{aPolicy, aTier, aGoods}, unit: counted, store: true, build: alertedOp},

	"coverage": {args: []param{aModality, aPlace}, unit: counted, build: func(_ *language, a []arg) op {
		m, p := a[0].modality, a[1].place
		return op{eval: from(func(v *fusion.View) float64 { return v.Coverage(m, p) }), relies: []reliance{{m, p, a[1].text}}}
	}},
	"watched": {args: []param{aModality, aPlace}, unit: counted, visit: true, build: func(_ *language, a []arg) op {
		m, p := a[0].modality, a[1].place
		return placeOp(a[1], walking, walking, m, func(v *fusion.View) float64 { return v.Watched(m, p) })
	}},
	"unheard": {args: []param{aModality, aPlace}, unit: seconds, visit: true, build: func(_ *language, a []arg) op {
		m, p := a[0].modality, a[1].place
		return placeOp(a[1], walking, walking, fusion.ByTrack, func(v *fusion.View) float64 { return v.Unheard(m, p) })
	}},
	"between": {args: []param{aClock, aClock}, truth: true, build: betweenOp},
	"hour":    {build: func(*language, []arg) op { return clockOp(func(t time.Time) float64 { return float64(t.Hour()) }) }},
	"weekday": {build: func(*language, []arg) op {
		return clockOp(func(t time.Time) float64 { return float64((int(t.Weekday())+6)%7 + 1) }) // Monday is 1, Sunday 7
	}},
	"open": {truth: true, build: func(*language, []arg) op {
		return op{eval: from(func(v *fusion.View) float64 { return bit(v.OpenHours()) })}
	}},
	"min":   {args: []param{aNumber, aNumber}, more: 6},
	"max":   {args: []param{aNumber, aNumber}, more: 6},
	"abs":   {args: []param{aNumber}},
	"clamp": {args: []param{aNumber, aNumber, aNumber}},
}

// eventNames lists the functions that stand for their events.
var eventNames = []string{"picked", "putback", "scanned", "voided", "refunded", "read", "lost", "opened", "till", "signal", "alerted"}

// tillActions are those of a till that change no line and pay nothing.
var tillActions = []string{"override", "discount", "no_sale", "suspend", "resume", "assist", "other"}

func unquote(s string) string { return s[1 : len(s)-1] }

func ofBasket(read func(fusion.View) float64) func(*language, []arg) op {
	return func(*language, []arg) op { return basketOp(func(v *fusion.View) float64 { return read(*v) }, nil) }
}

// placed is a function of a place that tags tell.
func placed(read func(fusion.View, fusion.Place) float64, touch kinds, u unit) *function {
	return &function{args: []param{aPlace}, unit: u, visit: true, build: func(_ *language, a []arg) op {
		return placeOp(a[0], touch, of(fusion.FactMoved, fusion.FactRead), fusion.ByRFID, func(v *fusion.View) float64 { return read(*v, a[0].place) })
	}}
}

func goodsEvent(k fusion.FactKind, m fusion.Modality) *function {
	return &function{args: []param{aGoods}, unit: counted, build: func(_ *language, a []arg) op {
		o := eventOp(of(k), some(a[0].goods), reliance{modality: m})
		o.event.goods = a[0].goods
		return o
	}}
}

func placeEvent(k fusion.FactKind, m fusion.Modality) *function {
	return &function{args: []param{aPlace}, unit: counted, build: func(_ *language, a []arg) op {
		return eventOp(of(k), in(a[0].place), reliance{m, a[0].place, a[0].text})
	}}
}

// windowed is a function of an event and a window.
func windowed(u unit, fold func(v *fusion.View, t *tape, from int64) float64) *function {
	return &function{args: []param{anEvent, aWindow}, unit: u, tapes: true, build: func(_ *language, a []arg) op {
		e, window := a[0].event, a[1].ns
		return op{eval: func(v *fusion.View, t []*tape) float64 { return fold(v, t[0], v.Now-window) }, events: []*op{e}, behind: e.behind,
			match: e.match, window: window, relies: e.relies}
	}}
}

// moment is a function of an event that gives a time in seconds.
func moment(read func(v *fusion.View, t *tape) float64) *function {
	return &function{args: []param{anEvent}, unit: seconds, tapes: true, build: func(_ *language, a []arg) op {
		e := a[0].event
		return op{eval: func(v *fusion.View, t []*tape) float64 { return read(v, t[0]) }, events: []*op{e}, behind: e.behind, match: e.match,
			window: forever, relies: e.relies}
	}}
}

// forever is a window that reaches to the beginning.
const forever = math.MaxInt64 / 2

// alertedOp is the event that a policy's score first crossed a tier, for a subject other than the store.
func alertedOp(l *language, a []arg) op {
	policy, tier, goods := unquote(a[0].text), unquote(a[1].text), a[2].goods
	return eventOp(of(fusion.FactAlerted), func(f *fusion.Fact) bool {
		x := fusion.ParseAlerted(f.Name)
		return x.Policy == policy && x.Tier == tier && (goods == nil || slices.ContainsFunc(x.Products, goods.Has))
	}, reliance{modality: anyModality})
}
