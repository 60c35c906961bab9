package sim

import (
	"math"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// plate is what happens on one scale.
type plate struct {
	steps   []step
	samples []*statement // single ones
}

type step struct {
	st    *statement
	grams float64
}

// unknownLoad is what a plate carries whose first product has no weight, in grams.
const unknownLoad = 10000

// load is what a plate carries at the start: 20 units of its first product.
func (b *builder) load(sc *fusion.Scale) float64 {
	if len(sc.Products) == 0 || b.store.Products[sc.Products[0]].Grams <= 0 {
		return unknownLoad
	}
	return 20 * b.store.Products[sc.Products[0]].Grams
}

// weigh takes a weight statement; its source is known to be a scale.
func (b *builder) weigh(st *statement) {
	for i := range b.store.Scales {
		if b.store.Scales[i].ID != st.source.text {
			continue
		}
		if b.shelf == nil {
			b.shelf = make([]plate, len(b.store.Scales))
		}
		if p := &b.shelf[i]; st.signed {
			p.steps = append(p.steps, step{st, st.grams})
		} else {
			p.samples = append(p.samples, st)
		}
	}
}

// handle takes a pick or put: the plate within reach changes by so many units, and the hand shows.
func (b *builder) handle(st *statement) {
	who, where := b.find(st, st.person)
	all := b.products(st)
	if who == nil || len(all) == 0 {
		return
	}
	scale, product, nearest := -1, all[0], math.Inf(1)
	for _, i := range all {
		for j := range b.store.Scales {
			if sc := &b.store.Scales[j]; slices.Contains(sc.Products, i) {
				if d := distanceToPlate(sc, where); d < nearest {
					scale, product, nearest = j, i, d
				}
			}
		}
		if nearest <= reach {
			break
		}
	}
	goods := &b.store.Products[product]
	if nearest > reach && st.verb.text == "put" { // misplaced
		for j := range b.store.Scales {
			if d := distanceToPlate(&b.store.Scales[j], where); d < nearest {
				scale, nearest = j, d
			}
		}
	}
	switch {
	case scale < 0:
		b.fail(st, st.goods, "no plate of the site holds %s, so that no sensor would feel it: write what others sense, with rfid or send",
			goods.Written)
		return
	case nearest > reach:
		b.fail(st, st.person, "%s is at %.1f,%.1f at %s, %.1f m from plate %s: walk within %g m of it first",
			who.name, where.X, where.Y, st.from, nearest, b.store.Scales[scale].ID, reach)
		return
	case goods.Grams <= 0:
		b.fail(st, st.goods, "the products give no grams for %s: add them, or write weight lines", goods.Written)
		return
	}
	sign, before := 1.0, 1.0
	if st.verb.text == "pick" {
		sign, before = -1, 0
	}
	if b.shelf == nil {
		b.shelf = make([]plate, len(b.store.Scales))
	}
	b.shelf[scale].steps = append(b.shelf[scale].steps, step{st, sign * float64(st.n) * goods.Grams})
	who.hands = append(who.hands, gesture{st.from, b.store.Scales[scale].At, before, 1 - before})
}

// distanceToPlate is from a point of the floor to the outline of a plate, 0 above it, metres.
func distanceToPlate(sc *fusion.Scale, p fusion.Point) float64 {
	dx := max(0, math.Abs(p.X-sc.At[0])-sc.Size[0]/2)
	dy := max(0, math.Abs(p.Y-sc.At[1])-sc.Size[1]/2)
	return math.Hypot(dx, dy)
}

// plates makes the samples: one stream of 10 Hz a plate, on a grid that all windows share, where a step is near.
func (b *builder) plates() {
	for i := range b.shelf {
		p, sc := &b.shelf[i], &b.store.Scales[i]
		slices.SortStableFunc(p.steps, func(x, y step) int { return int(x.st.from - y.st.from) })
		load := b.load(sc)
		start := load
		late := map[time.Duration]time.Duration{} // by time of a sample
		note := func(t, l time.Duration) { late[t] = max(late[t], l) }
		for _, s := range p.steps {
			if load += s.grams; load < -1 {
				b.fail(s.st, s.st.verb, "plate %s would carry %.0f g: it holds no more than 20 units of its first product at the start",
					sc.ID, load)
			}
			for t := floor(s.st.from-settle+sampleEvery-1, sampleEvery); t <= s.st.from+settle; t += sampleEvery {
				note(t, s.st.late)
			}
		}
		says := map[time.Duration]float64{}
		for _, st := range p.samples {
			note(st.from, st.late)
			says[st.from] = st.grams
		}
		times := make([]time.Duration, 0, len(late))
		for t := range late {
			times = append(times, t)
		}
		slices.Sort(times)
		load = start
		next := 0
		for _, t := range times {
			for ; next < len(p.steps) && p.steps[next].st.from <= t; next++ {
				load += p.steps[next].grams
			}
			grams, single := says[t]
			if !single {
				grams = load
			}
			grams = centimetres(grams)
			if b.on(sc.ID, t) {
				b.out = append(b.out, emission{ts: t, late: late[t], kind: fusion.Weight, source: sc.ID,
					message: func(h message.Head) any { return message.Weight{Head: h, Grams: message.Grams{grams}} }})
			}
		}
	}
}

// floor is the multiple of step at or before t, before zero too.
func floor(t, step time.Duration) time.Duration {
	r := t % step
	if r < 0 {
		r += step
	}
	return t - r
}
