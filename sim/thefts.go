package sim

import (
	"math"
	"time"

	"magpie/fusion"
)

// thefts are the types of the catalogue, by their numbers there.
func thefts() []habit {
	out := func(w *world, s *shopper) { w.leaves(s, fusion.Exit) }
	return []habit{
		{name: "grab and walk out", theft: 1, weight: 2, live: func(w *world, s *shopper) {
			w.enters(s)
			w.shops(s, w.dice.IntN(3), 0)
			w.steals(s, 1+w.dice.IntN(3), dear, nil)
			out(w, s)
		}},
		{name: "conceals one, pays for the rest", theft: 2, weight: 2, live: func(w *world, s *shopper) {
			w.enters(s)
			how := underClothes
			if w.dice.chance(0.6) {
				how = inBag
			}
			w.steals(s, 1+w.dice.IntN(2), dear, func(got []*unit) { w.hides(s, got, how) })
			w.shops(s, 1+w.dice.IntN(3), 0.9)
			w.pays(s, openOnly)
			out(w, s)
		}},
		{name: "lined bag", theft: 3, weight: 1, tagged: true, live: func(w *world, s *shopper) {
			w.enters(s)
			for range 1 + w.dice.IntN(2) {
				w.steals(s, 1+w.dice.IntN(3), tagged, func(got []*unit) { w.hides(s, got, inFoil) })
			}
			out(w, s)
		}},
		{name: "takes the tag off", theft: 4, weight: 1, tagged: true, live: func(w *world, s *shopper) {
			w.enters(s)
			w.steals(s, 1+w.dice.IntN(2), tagged, nil)
			place := w.zone(fusion.Fitting)
			if place < 0 {
				place = w.zone(fusion.Aisle)
			}
			s.plan(task{to: point(w.spot(place)), stay: w.seconds(10, 40), do: func() {
				w.drops(s)
				for _, u := range s.held {
					if u.epc != "" {
						u.epc, u.cover = "", underClothes
					}
				}
				s.truth.Concealed = w.clock()
			}})
			out(w, s)
		}},
		{name: "sweeps a shelf", theft: 5, weight: 2, live: func(w *world, s *shopper) {
			w.enters(s)
			how := openly
			if w.dice.chance(0.6) {
				how = inBag
			}
			i := w.anyStand(10, dear)
			if i < 0 {
				i = w.anyStand(10, nil)
			}
			if i >= 0 {
				w.reaches(s, i, func() {
					for k := range 3 + w.dice.IntN(3) {
						s.first(task{stay: w.seconds(1, 3), do: func() {
							got := w.take(s, i, -1, 2+w.dice.IntN(2))
							for _, u := range got {
								u.cover = how
							}
							if k == 0 || s.truth.Took == 0 {
								s.truth.Took = w.clock()
							}
						}})
					}
				})
			}
			out(w, s)
		}},
		{name: "pushes a full cart out", theft: 6, weight: 1, live: func(w *world, s *shopper) {
			s.cart = true
			w.enters(s)
			for range 4 + w.dice.IntN(4) {
				w.steals(s, 2, nil, nil)
			}
			w.leaves(s, fusion.Entrance)
		}},
		{name: "scans a cheaper thing", theft: 7, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			cheap := w.cheapest()
			w.steals(s, 1, dear, nil)
			w.shops(s, 1+w.dice.IntN(2), 0.8)
			w.paysSelf(s, func(s *shopper, u *unit) scan {
				if dear(&w.store.Products[u.product]) {
					s.truth.Concealed = w.clock()
					return scan{product: cheap, times: 1, instead: true}
				}
				return scan{product: u.product, times: 1}
			})
			out(w, s)
		}},
		{name: "skips at self-checkout", theft: 8, weight: 2, live: func(w *world, s *shopper) {
			w.enters(s)
			w.steals(s, 1, dear, nil)
			w.shops(s, 2+w.dice.IntN(3), 0.9)
			skipped := 0
			w.paysSelf(s, func(s *shopper, u *unit) scan {
				if dear(&w.store.Products[u.product]) && skipped < 2 {
					skipped++
					return scan{}
				}
				return scan{product: u.product, times: 1}
			})
			out(w, s)
		}},
		{name: "a friend at the till", theft: 9, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			w.steals(s, 1+w.dice.IntN(2), dear, nil)
			w.shops(s, 1+w.dice.IntN(3), 0.9)
			w.paysStaffed(s, func(s *shopper, u *unit) scan {
				if dear(&w.store.Products[u.product]) {
					if w.dice.chance(0.4) {
						return scan{product: u.product, times: 1, voids: 1}
					}
					return scan{}
				}
				return scan{product: u.product, times: 1}
			})
			out(w, s)
		}},
		{name: "refunds what lay on the shelf", theft: 10, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			w.steals(s, 1, dear, nil)
			w.refunds(s, func() *unit {
				for _, u := range s.held {
					return u
				}
				return nil
			}, false)
			out(w, s)
		}},
		{name: "puts a decoy back", theft: 11, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			i := w.anyStand(2, dear)
			if i >= 0 {
				w.reaches(s, i, func() {
					got := w.take(s, i, w.front(i), 1)
					s.truth.Took = w.clock()
					s.first(task{stay: w.seconds(1, 5), do: func() {
						for _, u := range got {
							w.lays(s, i, float64(u.grams*w.dice.between(0.1, 0.7)))
							u.cover = inBag
						}
						s.truth.Concealed = w.clock()
					}})
				})
			}
			out(w, s)
		}},
		{name: "hands it over", theft: 12, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			mate := w.follows(s, 20*time.Second)
			w.shops(mate, 1, 0)
			w.steals(s, 1+w.dice.IntN(2), dear, nil)
			s.act(func() {
				place := w.spot(w.zone(fusion.Aisle))
				mate.tasks = nil
				mate.there = false
				mate.walk(place)
				mate.pause(30 * time.Second)
				w.leaves(mate, fusion.Exit)
				s.first(task{to: &place, stay: 2 * time.Second, do: func() {
					w.waits(s, func() bool { return apart(s.here, mate.here) < 1 || mate.gone }, func() { w.gives(s, mate) })
				}})
			})
			out(w, s)
		}},
		{name: "hides in the fitting room", theft: 13, weight: 1, tagged: true, zones: []fusion.ZoneKind{fusion.Fitting}, live: func(w *world, s *shopper) {
			w.enters(s)
			i := w.anyStand(3, tagged)
			if i >= 0 {
				w.reaches(s, i, func() {
					w.take(s, i, w.front(i), 3)
					s.truth.Took = w.clock()
				})
				s.plan(task{to: point(w.spot(w.zone(fusion.Fitting))), stay: w.seconds(40, 120), do: func() {
					if len(s.held) > 0 {
						s.held[0].cover = underClothes
						s.truth.Concealed = w.clock()
					}
				}})
				w.reaches(s, i, func() {
					if len(s.held) > 1 {
						w.put(s, i, append([]*unit(nil), s.held[1:]...)...)
					}
				})
			}
			out(w, s)
		}},
		{name: "leaves by the entrance", theft: 14, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			w.shops(s, w.dice.IntN(3), 0)
			w.steals(s, 1+w.dice.IntN(2), dear, nil)
			w.leaves(s, fusion.Entrance)
		}},
		{name: "eats it in the store", theft: 15, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			w.steals(s, 1, func(p *fusion.Product) bool { return p.Category == "snacks" || p.Category == "drinks" }, nil)
			w.shops(s, 2, 0)
			s.act(func() {
				if len(s.held) == 0 {
					return
				}
				u := s.held[0]
				s.truth.unpaid = append(s.truth.unpaid, u)
				s.truth.Concealed = w.clock()
				s.drop(u)
				if i := w.nearest(s.here, 1.2); i >= 0 && w.dice.chance(0.6) {
					w.lays(s, i, float64(u.grams*0.06)) // the wrapping
				}
			})
			out(w, s)
		}},
		{name: "blinds a camera first", theft: 16, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			if len(w.eyes) > 0 {
				e := w.eyes[w.dice.IntN(len(w.eyes))]
				s.plan(task{stay: w.seconds(3, 8), do: func() { e.dark = w.now + w.seconds(60, 150) }})
			}
			w.steals(s, 2+w.dice.IntN(2), dear, func(got []*unit) { w.hides(s, got, inBag) })
			out(w, s)
		}},
		{name: "takes stock out at the back", theft: 17, weight: 1, staff: true, tagged: true, zones: []fusion.ZoneKind{fusion.Stockroom}, live: func(w *world, s *shopper) {
			w.begins(s)
			s.act(func() {
				for range 2 + w.dice.IntN(3) {
					if i := w.anyStand(1, tagged); i >= 0 {
						u := w.unit(w.front(i))
						u.cover = inBag
						s.held = append(s.held, u)
					}
				}
				s.truth.Took = w.clock()
			})
			out(w, s)
		}},
	}
}

// openOnly scans what is not hidden.
func openOnly(_ *shopper, u *unit) scan {
	if u.cover != openly {
		return scan{}
	}
	return scan{product: u.product, times: 1}
}

// cheapest is the product with the lowest price.
func (w *world) cheapest() (best int) {
	for i := range w.store.Products {
		if w.store.Products[i].Price < w.store.Products[best].Price {
			best = i
		}
	}
	return best
}

// nearest is the stand next to a place, −1 when none is within so many metres.
func (w *world) nearest(p fusion.Point, within float64) (best int) {
	best, d := -1, within
	for i := range w.stands {
		if r := distanceToPlate(w.stands[i].scale, p); r < d {
			best, d = i, r
		}
	}
	return best
}

// joins lets somebody come in with a shopper.
func (w *world) joins(s *shopper, g *group) *shopper {
	o := w.newShopper("")
	o.here = fusion.Point{X: s.here.X + 0.6, Y: s.here.Y}
	o.group = g
	g.members = append(g.members, o)
	o.truth.Kind, o.truth.Type, o.truth.With = s.truth.Kind, s.truth.Type, s.truth.Person
	o.walk(w.spot(w.zone(fusion.Entrance)))
	w.due = append(w.due, arrival{w.now + w.seconds(0.2, 1.5), o})
	return o
}

// follows lets an accomplice come in later.
func (w *world) follows(s *shopper, after time.Duration) *shopper {
	o := w.newShopper("")
	o.truth.Kind, o.truth.Type, o.truth.Theft, o.truth.With = s.truth.Kind, s.truth.Type, s.truth.Theft, s.truth.Person
	w.enters(o)
	w.due = append(w.due, arrival{w.now + after, o})
	return o
}

// waits does something as soon as a condition holds.
func (w *world) waits(s *shopper, until func() bool, do func()) {
	if until() {
		do()
		return
	}
	s.first(task{stay: time.Second, do: func() { w.waits(s, until, do) }})
}

// meets makes one wait where the other is, and both go on together.
func (w *world) meets(o, s *shopper) {
	o.tasks, o.there = nil, false
	o.plan(task{to: point(fusion.Point{X: s.here.X + 0.5, Y: s.here.Y + 0.3})})
	w.waits(s, func() bool { return apart(o.here, s.here) < 1.2 || o.gone }, func() {
		if !o.gone {
			o.pause(0)
			w.trails(o, s)
		}
	})
}

// trails walks behind somebody until they are gone, and leaves with them.
func (w *world) trails(o, s *shopper) {
	if s.gone || s.truth.Exit != 0 {
		w.leaves(o, fusion.Exit)
		return
	}
	angle := w.dice.between(0, 2*math.Pi)
	o.first(task{to: point(fusion.Point{X: s.here.X + float64(0.6*math.Cos(angle)), Y: s.here.Y + float64(0.6*math.Sin(angle))}), routed: true,
		stay: time.Second / 2, do: func() { w.trails(o, s) }})
}

// gives hands everything over.
func (w *world) gives(s, o *shopper) {
	if o.gone {
		return
	}
	at := [3]float64{(s.here.X + o.here.X) / 2, (s.here.Y + o.here.Y) / 2, 1.1}
	w.shows(s, at, 1)
	w.shows(o, at, 0)
	o.held = append(o.held, s.held...)
	if o.truth.Took == 0 {
		o.truth.Took = s.truth.Took
	}
	s.held = nil
}
