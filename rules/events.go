package rules

import (
	"math"

	"magpie/fusion"
)

// long is what since(…) gives where there was no such event: longer than any comparison asks for.
const long = 1e9

// eventOp is an event function: as a value, the expected count in the visit.
func eventOp(k kinds, match func(f *fusion.Fact) bool, r reliance) op {
	o := &op{behind: k, match: match, relies: []reliance{r}}
	o.events = []*op{o}
	o.eval = func(_ *fusion.View, t []*tape) float64 {
		units, _ := t[0].total()
		return float64(units) / billion
	}
	out := *o
	out.event = o
	return out
}

// is reports whether a fact is one of the event's.
func (o *op) is(f *fusion.Fact) bool { return o.behind.has(f.Kind) && (o.match == nil || o.match(f)) }

// sumOf is the expected number of units of the events after from.
func sumOf(_ *fusion.View, t *tape, from int64) float64 {
	all, _ := t.total()
	_, before, _ := t.upTo(from)
	return float64(all-before) / billion
}

// countOf is the expected number of events after from: one of three units counts once, a share as a share.
func countOf(_ *fusion.View, t *tape, from int64) float64 {
	_, all := t.total()
	_, _, before := t.upTo(from)
	return float64(all-before) / billion
}

// rateOf is the expected number of units a second since from.
func rateOf(v *fusion.View, t *tape, from int64) float64 {
	return divide(sumOf(v, t, from), float64(v.Now-from)/1e9)
}

// distinctOf is how many different things the events are about: products, tags, sessions or signals.
func distinctOf(_ *fusion.View, t *tape, from int64) float64 {
	type what struct {
		thing int
		name  string
	}
	first := t.after(from)
	seen := make(map[what]struct{}, min(t.len()-first, 64))
	for i := first; i < t.len(); i++ {
		m := t.mark(i)
		seen[what{m.thing, m.name}] = struct{}{}
	}
	return float64(len(seen))
}

// firstOf and lastOf are seconds from the beginning of the visit to the first and the last event, −1 without one.
func firstOf(v *fusion.View, t *tape) float64 {
	if at := t.earliest(); at != math.MaxInt64 {
		return float64(at-v.Began()) / 1e9
	}
	return -1
}

func lastOf(v *fusion.View, t *tape) float64 {
	if at := t.newest(); at != math.MinInt64 {
		return float64(at-v.Began()) / 1e9
	}
	return -1
}

// sinceOf is seconds since the last event, 1e9 without one.
func sinceOf(v *fusion.View, t *tape) float64 {
	if at := t.newest(); at != math.MinInt64 {
		return float64(v.Now-at) / 1e9
	}
	return long
}

// sumAfterOp is the expected number of units of one event that came after the last of another, 0 without one. By how much an event is the
// subject's counts: of a neighbour's pick there is little.
func sumAfterOp(_ *language, a []arg) op {
	steps := []*op{a[0].event, a[1].event}
	o := together(steps)
	o.window = forever
	o.eval = func(v *fusion.View, t []*tape) float64 {
		at := t[1].newest()
		if at == math.MinInt64 {
			return 0
		}
		return sumOf(v, t[0], at)
	}
	return o
}

// sequenceOp is true once the events came in this order, the last within the window of the first. No fact serves twice.
func sequenceOp(_ *language, a []arg) op {
	var steps []*op
	for _, e := range a[:len(a)-1] {
		steps = append(steps, e.event)
	}
	return ordered(steps, a[len(a)-1].ns)
}

// ordered is true once the steps were taken one after the other, the last at most window after the first.
func ordered(steps []*op, window int64) op {
	o := together(steps)
	o.span = window
	o.eval = func(_ *fusion.View, t []*tape) float64 { return bit(inOrder(t, window)) }
	return o
}

// together is an operand of several events: any of them is behind it.
func together(steps []*op) op {
	o := op{events: steps}
	for _, e := range steps {
		o.behind |= e.behind
		o.relies = append(o.relies, e.relies...)
	}
	o.match = func(f *fusion.Fact) bool {
		for _, e := range steps {
			if e.is(f) {
				return true
			}
		}
		return false
	}
	return o
}

// inOrder reports whether the tapes hold marks that follow each other, the last at most window after the first. For each
// that may begin, taking the earliest next one is enough. The newest beginnings are tried first.
func inOrder(t []*tape, window int64) bool {
	for _, step := range t[1:] {
		if step.len() == 0 {
			return false
		}
	}
	for i := t[0].len() - 1; i >= 0; i-- {
		begin := t[0].mark(i)
		at := begin
		for _, step := range t[1:] {
			if at = step.next(at); at == nil || at.at-begin.at > window {
				at = nil
				break
			}
		}
		if at != nil {
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
	scan := func(v *fusion.View, t []*tape, each func(covered bool) bool) {
		for i := range t[1].len() {
			f := t[1].mark(i)
			end := f.at + window
			if end > v.Now {
				break
			}
			came := false
			for k := t[0].after(f.at - 1); k < t[0].len(); k++ {
				g := t[0].mark(k)
				if g.at > end {
					break
				}
				if g.seq != f.seq {
					came = true
					break
				}
			}
			if came {
				continue
			}
			if r.modality == anyModality {
				if each(true) {
					return
				}
				continue
			}
			then := *v
			then.Now = end
			if each(then.CoverageSince(r.modality, r.place, f.at) >= 0.5) {
				return
			}
		}
	}
	return op{events: []*op{event, after}, behind: after.behind, match: after.match, relies: []reliance{r}, span: window,
		due: func(v *fusion.View, t []*tape) int64 {
			if next := t[1].after(v.Now - window); next < t[1].len() {
				return t[1].mark(next).at + window
			}
			return math.MaxInt64
		},
		eval: func(v *fusion.View, t []*tape) float64 {
			is := false
			scan(v, t, func(covered bool) bool { is = covered; return is })
			return bit(is)
		},
		lacking: func(v *fusion.View, t []*tape) string {
			blind := false
			scan(v, t, func(covered bool) bool { blind = blind || !covered; return blind })
			if blind {
				return r.String()
			}
			return ""
		}}
}

// zscoreOp compares the units in the newest window with the subject's own in the windows before it, or with those of all
// other open subjects of its kind in each window, back to the beginning of history: (x − mean) / deviation, the deviation being at
// least 1 unit. With fewer than two windows to compare with it is 0.
func zscoreOp(_ *language, a []arg) op {
	e, window, history := a[0].event, a[1].ns, a[3].ns
	if history < 3*window {
		return op{unfit: "the history must be at least three windows long"}
	}
	if history/window > 1000 {
		return op{unfit: "the history may hold at most 1000 windows"}
	}
	o := op{events: []*op{e}, behind: e.behind, match: e.match, window: window, relies: e.relies}
	if unquote(a[2].text) == "peers" {
		o.eval = func(v *fusion.View, t []*tape) float64 {
			var of []int64
			n := min(history, v.Now-v.WorldBegan()+window-1) / window // the first one may be short
			v.Peers(func(p *fusion.Visit) {
				from := len(of)
				of = append(of, make([]int64, min(n, (v.Now-max(p.First, v.WorldBegan())+window-1)/window))...)
				var f fusion.Fact
				for f = range p.Facts.All() {
					if age := (v.Now - f.At) / window; f.At <= v.Now && int(age) < len(of)-from && e.is(&f) {
						of[from+int(age)] += whole(f.N)
					}
				}
			})
			return deviation(whole(sumOf(v, t[0], v.Now-window)), of)
		}
		return o
	}
	o.span = history
	o.eval = func(v *fusion.View, t []*tape) float64 {
		windows := min(history, v.Now-v.Began())/window - 1
		if windows < 2 {
			return 0
		}
		of := make([]int64, windows)
		now, _ := t[0].total()
		_, later, _ := t[0].upTo(v.Now - window)
		x := now - later
		for age := range of {
			_, sum, _ := t[0].upTo(v.Now - int64(age+2)*window)
			of[age], later = later-sum, sum
		}
		return deviation(x, of)
	}
	return o
}

// deviation is how far x lies from the mean, in deviations of at least one unit; all in billionths.
func deviation(x int64, of []int64) float64 {
	if len(of) < 2 {
		return 0
	}
	n, sum, spread := float64(len(of)), int64(0), 0.0
	for _, y := range of {
		sum += y
	}
	mean := float64(sum) / billion / n
	for _, y := range of {
		d := float64(y)/billion - mean
		spread += float64(d * d)
	}
	return round9((float64(x)/billion - mean) / max(1, math.Sqrt(spread/n)))
}
