package sim

import (
	"slices"
	"time"

	"magpie/fusion"
)

// stand is one plate of a shelf and what lies on it.
type stand struct {
	scale  *fusion.Scale
	units  []*unit
	forces []force
	sd     float64 // of a sample, grams
	drift  float64 // grams a minute
	sparse bool    // it speaks on change
}

// force is a change of the load; touch is a hand on the plate before it.
type force struct {
	at           time.Duration
	grams, touch float64
}

// take moves up to n units of a product from a stand into somebody's hands, in one movement. It takes from the front and
// gives back what was had.
func (w *world) take(s *shopper, i, product, n int) (got []*unit) {
	st := &w.stands[i]
	rest := st.units[:0:0]
	grams := 0.0
	for _, u := range st.units {
		if len(got) < n && (product < 0 || u.product == product) {
			got = append(got, u)
			grams += u.grams
			u.taken, u.cover = w.now, openly
			continue
		}
		rest = append(rest, u)
	}
	if st.units = rest; len(got) == 0 {
		return nil
	}
	s.held = append(s.held, got...)
	w.presses(i, -grams)
	w.shows(s, st.scale.At, 0)
	return got
}

// put lays units that somebody holds on a stand.
func (w *world) put(s *shopper, i int, units ...*unit) {
	grams := 0.0
	for _, u := range units {
		s.drop(u)
		w.stands[i].units = append(w.stands[i].units, u)
		u.cover = openly
		grams += u.grams
	}
	if len(units) > 0 {
		w.presses(i, grams)
		w.shows(s, w.stands[i].scale.At, 1)
	}
}

// lays puts something on a stand that is nobody's goods.
func (w *world) lays(s *shopper, i int, grams float64) {
	w.presses(i, grams)
	w.shows(s, w.stands[i].scale.At, 1)
}

// presses changes a plate's load, and its neighbours' a little.
func (w *world) presses(i int, grams float64) {
	touch := float64(w.m.touch * w.dice.between(-1, 1))
	w.stands[i].forces = append(w.stands[i].forces, force{w.now, grams, touch})
	at := w.stands[i].scale.At
	for j := range w.stands {
		o := w.stands[j].scale.At
		if dx, dy := o[0]-at[0], o[1]-at[1]; j != i && o[2] == at[2] && float64(dx*dx)+float64(dy*dy) < 0.5*0.5 {
			w.stands[j].forces = append(w.stands[j].forces, force{w.now, float64(grams * w.m.crossTalk * w.dice.between(0.5, 1.5)), 0})
		}
	}
}

// fill puts the store's goods on the stands, some facings with what belongs to another.
func (w *world) fill() {
	for i := range w.stands {
		sc := w.stands[i].scale
		for _, product := range sc.Products {
			if w.dice.chance(w.m.planogram) {
				product = w.dice.IntN(len(w.store.Products))
			}
			for range full / len(sc.Products) {
				w.stands[i].units = append(w.stands[i].units, w.unit(product))
			}
		}
	}
}

// unit makes a piece of goods as the catalogue says, with its own weight and tag.
func (w *world) unit(product int) *unit {
	g := &w.store.Products[product]
	u := &unit{product: product, grams: g.Grams + float64(max(1, g.GramsSD)*w.dice.normal())}
	if g.Tagged {
		u.epc, _ = sgtin96(g.SKU, w.dice.Uint64N(1<<38))
	}
	return u
}

const full = 20 // units on a plate

// restocks fills a stand up with fresh goods, by handfuls.
func (w *world) restocks(s *shopper, i int) {
	sc := w.stands[i].scale
	missing := full - len(w.stands[i].units)
	for missing > 0 {
		n := min(missing, 2+w.dice.IntN(4))
		missing -= n
		s.first(task{stay: w.seconds(1, 3), do: func() {
			var fresh []*unit
			for range n {
				fresh = append(fresh, w.unit(sc.Products[w.dice.IntN(len(sc.Products))]))
			}
			s.held = append(s.held, fresh...)
			w.put(s, i, fresh...)
		}})
	}
}

// emptiest are the n stands with the fewest units.
func (w *world) emptiest(n int) []int {
	all := make([]int, len(w.stands))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int { return len(w.stands[a].units) - len(w.stands[b].units) })
	return all[:min(n, len(all))]
}
