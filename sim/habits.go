package sim

import (
	"time"

	"magpie/fusion"
)

// A habit is a way to spend a visit. Habits were written from what people do in stores (the catalogue of thefts and its
// benign twins), and know nothing of policies.
type habit struct {
	name   string
	theft  int     // its number in the catalogue, 0: honest
	twin   bool    // honest, and looks like a theft
	weight float64 // among those of its sort
	tagged bool    // it wants a store that tags goods
	zones  []fusion.ZoneKind
	staff  bool
	live   func(w *world, s *shopper)
}

func (w *world) seconds(low, high float64) time.Duration {
	return time.Duration(w.dice.between(low, high) * float64(time.Second)).Truncate(time.Millisecond)
}

// enters begins a visit at a door.
func (w *world) enters(s *shopper) {
	in := w.zone(fusion.Entrance)
	z := &w.store.Zones[in]
	s.here = beyond(z, 1.2)
	s.here.X += w.dice.between(-0.3, 0.3)
	s.here.Y += w.dice.between(-0.3, 0.3)
	s.plan(task{to: point(w.spot(in)), do: func() { w.tally(in, 1, 0) }})
}

func point(p fusion.Point) *fusion.Point { return &p }

// leaves ends a visit by a door of a kind.
func (w *world) leaves(s *shopper, kind fusion.ZoneKind) {
	out := w.zone(kind)
	if out < 0 {
		out = w.zone(fusion.Entrance)
	}
	z := &w.store.Zones[out]
	s.plan(task{to: point(w.spot(out)), do: func() {
		w.tally(out, 0, 1)
		w.gates(s, out)
	}})
	s.plan(task{to: point(beyond(z, 0.3)), routed: true, do: func() { w.crosses(s) }})
	s.plan(task{to: point(beyond(z, 2)), routed: true})
}

// crosses is the moment in which somebody is out of the store.
func (w *world) crosses(s *shopper) {
	if s.truth.Exit == 0 {
		s.truth.Exit = w.clock()
	}
	for _, u := range s.held {
		if !u.own && !u.scanned {
			s.truth.unpaid = append(s.truth.unpaid, u)
		}
	}
	s.held = nil
}

// reaches goes to a stand, looks for a while and does.
func (w *world) reaches(s *shopper, i int, do func()) {
	s.plan(task{to: point(w.before(i)), stay: w.seconds(2, 15), do: do})
	s.pause(w.seconds(0.6, 3))
}

// anyStand draws a stand with at least n units, of goods that fit; −1 when there is none.
func (w *world) anyStand(n int, fits func(*fusion.Product) bool) int {
	for range 60 {
		i := w.dice.IntN(len(w.stands))
		st := &w.stands[i]
		if len(st.units) >= n && (fits == nil || fits(&w.store.Products[st.units[0].product])) {
			return i
		}
	}
	return -1
}

func tagged(p *fusion.Product) bool { return p.Tagged }

// dear are goods worth stealing.
func dear(p *fusion.Product) bool { return p.Price >= 800 }

// shops goes to some stands and takes something from most.
func (w *world) shops(s *shopper, stands int, buys float64) {
	for range stands {
		i := w.anyStand(1, nil)
		if i < 0 {
			return
		}
		w.reaches(s, i, func() {
			if w.dice.chance(buys) {
				n := 1
				if w.dice.chance(0.2) {
					n = 2 + w.dice.IntN(2)
				}
				w.take(s, i, w.front(i), n)
			}
		})
		if w.dice.chance(0.12) { // looks at it and puts it back
			s.act(func() {
				if len(s.held) > 0 {
					w.put(s, i, s.held[len(s.held)-1])
				}
			})
		}
	}
}

// front is the product that lies first on a stand, −1 on an empty one.
func (w *world) front(i int) int {
	if len(w.stands[i].units) == 0 {
		return -1
	}
	return w.stands[i].units[w.dice.IntN(len(w.stands[i].units))].product
}

// shelves is how many stands a visit goes to.
func (w *world) shelves() int {
	n := 1
	for n < 12 && w.dice.chance(1-1/w.m.visitShelves) {
		n++
	}
	return n
}

// steals takes n units from a stand that fits and marks them as what is stolen.
func (w *world) steals(s *shopper, n int, fits func(*fusion.Product) bool, then func(got []*unit)) {
	i := w.anyStand(n, fits)
	if i < 0 {
		i = w.anyStand(n, nil)
	}
	if i < 0 {
		return
	}
	w.reaches(s, i, func() {
		got := w.take(s, i, w.front(i), n)
		if len(got) > 0 && s.truth.Took == 0 {
			s.truth.Took = w.clock()
		}
		if then != nil {
			then(got)
		}
	})
}

// drops leaves the tags of all goods where somebody stands, to be heard there from then on.
func (w *world) drops(s *shopper) {
	for _, u := range s.held {
		if u.epc != "" {
			w.loose = append(w.loose, loose{u.epc, s.here, map[antenna]*fade{}})
		}
	}
}

// hides covers goods a little after they were taken.
func (w *world) hides(s *shopper, got []*unit, how cover) {
	s.first(task{stay: w.seconds(1, 5), do: func() {
		for _, u := range got {
			u.cover = how
		}
		if s.truth.Concealed == 0 && len(got) > 0 {
			s.truth.Concealed = w.clock()
		}
	}})
}

// habits lists all ways to spend a visit.
func habits() []habit {
	return append(append(plain(), twins()...), thefts()...)
}

func plain() []habit {
	return []habit{
		{name: "shopping", weight: 8, live: func(w *world, s *shopper) {
			w.enters(s)
			w.shops(s, w.shelves(), 0.75)
			w.pays(s, honestly(w))
			w.leaves(s, fusion.Exit)
		}},
		{name: "looking around", weight: 2, live: func(w *world, s *shopper) {
			w.enters(s)
			w.shops(s, w.shelves(), 0)
			w.leaves(s, fusion.Exit)
		}},
	}
}

// honestly scans everything, but for the mistakes that honest people make: something is forgotten at the scanner, scanned
// twice and taken back, or waits for help.
func honestly(w *world) func(s *shopper, u *unit) scan {
	return func(s *shopper, u *unit) scan {
		switch {
		case w.dice.chance(w.m.mistakes / 3):
			s.truth.Kind = Mistake
			return scan{}
		case w.dice.chance(0.02):
			return scan{product: u.product, times: 2, voids: 1}
		}
		return scan{product: u.product, times: 1}
	}
}

func twins() []habit {
	pays := func(w *world, s *shopper) {
		w.pays(s, honestly(w))
		w.leaves(s, fusion.Exit)
	}
	return []habit{
		{name: "puts everything back", twin: true, weight: 2, live: func(w *world, s *shopper) {
			w.enters(s)
			i := w.anyStand(2, dear)
			if i >= 0 {
				w.reaches(s, i, func() { w.take(s, i, w.front(i), 1+w.dice.IntN(2)) })
				w.shops(s, 1+w.dice.IntN(3), 0)
				w.reaches(s, i, func() { w.put(s, i, append([]*unit(nil), s.held...)...) })
			}
			w.leaves(s, fusion.Exit)
		}},
		{name: "puts it back elsewhere", twin: true, weight: 2, live: func(w *world, s *shopper) {
			w.enters(s)
			w.shops(s, 1+w.dice.IntN(3), 0.8)
			if i := w.anyStand(1, nil); i >= 0 {
				w.reaches(s, i, func() {
					if n := len(s.held); n > 0 {
						w.put(s, i, s.held[n-1])
					}
				})
			}
			pays(w, s)
		}},
		{name: "puts the basket down", twin: true, weight: 0.5, live: func(w *world, s *shopper) {
			w.enters(s)
			w.shops(s, 1+w.dice.IntN(5), 0.9)
			if i := w.anyStand(0, nil); i >= 0 { // beside some shelf, on the floor
				s.plan(task{to: point(w.before(i)), stay: w.seconds(1, 6), do: func() {
					w.drops(s)
					s.held = nil
				}})
			}
			w.leaves(s, fusion.Exit)
		}},
		{name: "uses an own bag", twin: true, weight: 2, live: func(w *world, s *shopper) {
			w.enters(s)
			w.shops(s, w.shelves(), 0.8)
			s.act(func() {
				for _, u := range s.held {
					u.cover = inBag
				}
			})
			pays(w, s)
		}},
		{name: "buys much of one thing", twin: true, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			if i := w.anyStand(8, nil); i >= 0 {
				w.reaches(s, i, func() {
					w.take(s, i, w.front(i), 4)
					s.first(task{stay: w.seconds(2, 6), do: func() { w.take(s, i, w.front(i), 3) }})
				})
			}
			pays(w, s)
		}},
		{name: "one pays for all", twin: true, weight: 2, live: func(w *world, s *shopper) {
			g := &group{members: []*shopper{s}}
			s.group = g
			w.enters(s)
			other := w.joins(s, g)
			w.shops(s, 1+w.dice.IntN(4), 0.8)
			w.shops(other, 1+w.dice.IntN(4), 0.6)
			s.act(func() { w.meets(other, s) })
			w.payFor(s, other, honestly(w))
			w.leaves(s, fusion.Exit)
		}},
		{name: "leaves it at the till", twin: true, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			w.shops(s, w.shelves(), 0.8)
			w.pays(s, func(s *shopper, u *unit) scan {
				if len(s.held) > 1 && w.dice.chance(0.3) {
					return scan{product: u.product, times: 1, voids: 1, left: true}
				}
				return scan{product: u.product, times: 1}
			})
			w.leaves(s, fusion.Exit)
		}},
		{name: "swaps for another variant", twin: true, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			if i := w.anyStand(2, nil); i >= 0 {
				w.reaches(s, i, func() { w.take(s, i, w.front(i), 1) })
				w.reaches(s, i, func() {
					old := append([]*unit(nil), s.held...)
					w.take(s, i, w.front(i), 1)
					w.put(s, i, old...)
				})
			}
			pays(w, s)
		}},
		{name: "brings something back", twin: true, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			s.act(func() {
				u := w.unit(w.dice.IntN(len(w.store.Products)))
				u.own, u.cover = true, inBag
				s.held = append(s.held, u)
			})
			w.refunds(s, func() *unit {
				for _, u := range s.held {
					if u.own {
						return u
					}
				}
				return nil
			}, true)
			w.shops(s, 1, 0.5)
			pays(w, s)
		}},
		{name: "tries on and returns", twin: true, weight: 1, zones: []fusion.ZoneKind{fusion.Fitting}, live: func(w *world, s *shopper) {
			w.enters(s)
			i := w.anyStand(3, tagged)
			if i >= 0 {
				w.reaches(s, i, func() { w.take(s, i, w.front(i), 2+w.dice.IntN(2)) })
				s.plan(task{to: point(w.spot(w.zone(fusion.Fitting))), stay: w.seconds(40, 120)})
				w.reaches(s, i, func() {
					if len(s.held) > 1 {
						w.put(s, i, append([]*unit(nil), s.held[1:]...)...)
					}
				})
			}
			pays(w, s)
		}},
		{name: "comes in again", twin: true, weight: 1, live: func(w *world, s *shopper) {
			w.enters(s)
			w.shops(s, 1+w.dice.IntN(2), 0.8)
			w.pays(s, honestly(w))
			out := w.zone(fusion.Exit)
			if out < 0 {
				out = w.zone(fusion.Entrance)
			}
			s.walk(w.spot(out))
			w.shops(s, 1, 0.5)
			pays(w, s)
		}},
		{name: "cart in and out", twin: true, weight: 1, live: func(w *world, s *shopper) {
			s.cart = true
			w.enters(s)
			w.shops(s, 3+w.dice.IntN(6), 0.8)
			pays(w, s)
		}},
		{name: "restocks", twin: true, staff: true, weight: 2, live: func(w *world, s *shopper) {
			w.begins(s)
			for _, i := range w.emptiest(2 + w.dice.IntN(3)) {
				w.reaches(s, i, func() { w.restocks(s, i) })
			}
			w.retires(s)
		}},
		{name: "takes goods off the shelf for the stockroom", twin: true, staff: true, weight: 1, live: func(w *world, s *shopper) {
			w.begins(s)
			if i := w.anyStand(6, nil); i >= 0 {
				w.reaches(s, i, func() { w.take(s, i, w.front(i), 6) })
			}
			w.retires(s)
		}},
	}
}
