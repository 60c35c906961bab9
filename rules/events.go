package rules

import (
	"math"

	"magpie/fusion"
)

// long is what since(…) gives where there was no such event: longer than any comparison asks for.
const long = 1e9

// eventOp is an event function: as a value, the expected count in the visit.
func eventOp(k fusion.FactKind, match func(f *fusion.Fact) bool, r reliance) op {
	o := &op{touch: of(k), behind: of(k), match: match, relies: []reliance{r}}
	o.eval = func(v *fusion.View) float64 { return sumOf(v, o, math.MinInt64) }
	out := *o
	out.event = o
	return out
}

// is reports whether a fact is one of the event's.
func (o *op) is(f *fusion.Fact) bool { return o.behind.has(f.Kind) && (o.match == nil || o.match(f)) }

// sumOf is the expected number of units of the events after from.
func sumOf(v *fusion.View, e *op, from int64) float64 {
	n := 0.0
	for i := range v.Visit.Facts {
		if f := &v.Visit.Facts[i]; f.At > from && e.is(f) {
			n += f.N
		}
	}
	return n
}

// countOf is the expected number of events after from: one of three units counts once, a share as a share.
func countOf(v *fusion.View, e *op, from int64) float64 {
	n := 0.0
	for i := range v.Visit.Facts {
		if f := &v.Visit.Facts[i]; f.At > from && e.is(f) {
			n += min(1, f.N)
		}
	}
	return n
}

// rateOf is the expected number of units a second since from.
func rateOf(v *fusion.View, e *op, from int64) float64 {
	return divide(sumOf(v, e, from), float64(v.Now-from)/1e9)
}

// distinctOf is how many different things the events are about: products, tags, sessions or signals.
func distinctOf(v *fusion.View, e *op, from int64) float64 {
	n := 0
	facts := v.Visit.Facts
	for i := range facts {
		f := &facts[i]
		if f.At <= from || !e.is(f) {
			continue
		}
		first := true
		for j := 0; j < i && first; j++ {
			g := &facts[j]
			first = g.At <= from || !e.is(g) || !sameThing(f, g)
		}
		if first {
			n++
		}
	}
	return float64(n)
}

func sameThing(f, g *fusion.Fact) bool {
	switch f.Kind {
	case fusion.FactLost:
		return f.Zone == g.Zone
	case fusion.FactRead, fusion.FactOpened, fusion.FactSignal:
		return f.Name == g.Name
	}
	return f.Product == g.Product
}

// firstOf and lastOf are seconds from the beginning of the visit to the first and the last event, −1 without one.
func firstOf(v *fusion.View, e *op) float64 {
	at := int64(math.MaxInt64)
	for i := range v.Visit.Facts {
		if f := &v.Visit.Facts[i]; e.is(f) {
			at = min(at, f.At)
		}
	}
	if at == math.MaxInt64 {
		return -1
	}
	return float64(at-v.Visit.First) / 1e9
}

func lastOf(v *fusion.View, e *op) float64 {
	if at := newest(v, e); at != math.MinInt64 {
		return float64(at-v.Visit.First) / 1e9
	}
	return -1
}

// sinceOf is seconds since the last event, 1e9 without one.
func sinceOf(v *fusion.View, e *op) float64 {
	if at := newest(v, e); at != math.MinInt64 {
		return float64(v.Now-at) / 1e9
	}
	return long
}

func newest(v *fusion.View, e *op) int64 {
	at := int64(math.MinInt64)
	for i := range v.Visit.Facts {
		if f := &v.Visit.Facts[i]; e.is(f) {
			at = max(at, f.At)
		}
	}
	return at
}

// sequenceOp is true once the events came in this order, the last within the window of the first. No fact serves twice.
func sequenceOp(_ *language, a []arg) op {
	window := a[len(a)-1].ns
	var o op
	var steps []func(f *fusion.Fact) bool
	for _, e := range a[:len(a)-1] {
		steps = append(steps, e.event.is)
		o.touch |= e.event.touch
		o.relies = append(o.relies, e.event.relies...)
	}
	o.behind = o.touch
	o.match = func(f *fusion.Fact) bool {
		for _, is := range steps {
			if is(f) {
				return true
			}
		}
		return false
	}
	o.eval = func(v *fusion.View) float64 { return bit(inOrder(v.Visit.Facts, steps, window)) }
	return o
}

// inOrder reports whether facts that satisfy the steps happened one after the other, the last at most window after the
// first. For each fact that may begin, taking the earliest next one is enough.
func inOrder(facts []fusion.Fact, steps []func(f *fusion.Fact) bool, window int64) bool {
	for i := range facts {
		if !steps[0](&facts[i]) {
			continue
		}
		at, last := facts[i].At, i
		done := true
		for _, is := range steps[1:] {
			next := -1
			for j := range facts {
				g := &facts[j]
				if (g.At > at || g.At == at && j > last) && g.At-facts[i].At <= window && is(g) &&
					(next < 0 || g.At < facts[next].At) {
					next = j
				}
			}
			if next < 0 {
				done = false
				break
			}
			at, last = facts[next].At, next
		}
		if done {
			return true
		}
	}
	return false
}

// absentOp is true once a window has passed after the second event without the first, if the first could be perceived all
// the while. An event at the very end of the window still counts as in it.
func absentOp(_ *language, a []arg) op {
	event, after, window := a[0].event, a[1].event, a[2].ns
	r := event.relies[0]
	// scan calls each for every window that has passed without the event.
	scan := func(v *fusion.View, each func(covered bool) bool) {
		facts := v.Visit.Facts
		for i := range facts {
			f := &facts[i]
			end := f.At + window
			if !after.is(f) || end > v.Now {
				continue
			}
			came := false
			for j := range facts {
				if g := &facts[j]; j != i && g.At >= f.At && g.At <= end && event.is(g) {
					came = true
					break
				}
			}
			if came {
				continue
			}
			then := *v
			then.Now = end
			if each(then.CoverageSince(r.modality, r.place, f.At) >= 0.5) {
				return
			}
		}
	}
	return op{touch: event.touch | after.touch, behind: after.behind, match: after.match, relies: []reliance{r},
		due: sinceFacts(after.touch, window),
		eval: func(v *fusion.View) float64 {
			is := false
			scan(v, func(covered bool) bool { is = covered; return is })
			return bit(is)
		},
		lacking: func(v *fusion.View) string {
			blind := false
			scan(v, func(covered bool) bool { blind = blind || !covered; return false })
			if blind {
				return r.String()
			}
			return ""
		}}
}

// zscoreOp compares the units in the newest window with those in the windows before it, back to the beginning of history:
// (x − mean) / deviation, the deviation being at least 1 unit. With fewer than two earlier windows it is 0.
func zscoreOp(_ *language, a []arg) op {
	e, window, history := a[0].event, a[1].ns, a[3].ns
	if history < 3*window {
		return op{unfit: "the history must be at least three windows long"}
	}
	if history/window > 1000 {
		return op{unfit: "the history may hold at most 1000 windows"}
	}
	return op{touch: e.touch, behind: e.behind, match: e.match, window: window, relies: e.relies,
		eval: func(v *fusion.View) float64 {
			windows := min(history, v.Now-v.Visit.First)/window - 1
			if windows < 2 {
				return 0
			}
			sums := make([]float64, windows+1) // by age
			for i := range v.Visit.Facts {
				f := &v.Visit.Facts[i]
				if age := (v.Now - f.At) / window; age >= 0 && age <= windows && e.is(f) {
					sums[age] += f.N
				}
			}
			n, mean, spread := float64(windows), 0.0, 0.0
			for _, x := range sums[1:] {
				mean += x
			}
			mean /= n
			for _, x := range sums[1:] {
				spread += float64((x - mean) * (x - mean))
			}
			return round9((sums[0] - mean) / max(1, math.Sqrt(spread/n)))
		}}
}
