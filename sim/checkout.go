package sim

import (
	"fmt"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// scan is what becomes of a unit at a till: how often it is scanned, as which product, how many of these lines are taken
// back, whether it stays there, or another thing is scanned in its place.
type scan struct {
	product, times, voids int
	left, instead         bool
}

type scanning func(*shopper, *unit) scan

func (w *world) pays(s *shopper, how scanning) {
	w.atTill(s, how, func(t *fusion.Till) bool { return true })
}

func (w *world) paysSelf(s *shopper, how scanning) {
	w.atTill(s, how, func(t *fusion.Till) bool { return t.Self })
}

func (w *world) paysStaffed(s *shopper, how scanning) {
	w.atTill(s, how, func(t *fusion.Till) bool { return !t.Self })
}

// payFor pays what two hold.
func (w *world) payFor(s, other *shopper, how scanning) {
	s.act(func() {
		s.held = append(s.held, other.held...)
		other.held = nil
	})
	w.pays(s, how)
}

// atTill goes to a till, waits until it is free, and pays there. Who has nothing to pay goes by.
func (w *world) atTill(s *shopper, how scanning, fits func(*fusion.Till) bool) {
	var all []int
	for i := range w.store.Tills {
		if fits(&w.store.Tills[i]) {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		for i := range w.store.Tills {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return
	}
	s.act(func() {
		if len(s.held) == 0 {
			return
		}
		best := all[w.dice.IntN(len(all))]
		for _, i := range all { // one that is free, if there is
			if w.busy[best] && !w.busy[i] {
				best = i
			}
		}
		w.queues(s, best, func() { w.rings(s, best, how) })
	})
}

// queues waits near a till until it is free, steps up, and does.
func (w *world) queues(s *shopper, till int, do func()) {
	zone := w.store.Tills[till].Zone
	if w.busy[till] {
		s.first(task{to: point(w.line(zone)), stay: w.seconds(1, 2), do: func() { w.queues(s, till, do) }})
		return
	}
	w.busy[till] = true
	s.first(task{to: point(w.spot(zone)), stay: w.seconds(0.5, 3), do: do})
}

// line is where the next in the queue stands: two metres from the middle of a till's zone, towards the aisles.
func (w *world) line(zone int) fusion.Point {
	m := middle(w.store.Zones[zone].Polygon)
	to := m
	if a := w.zone(fusion.Aisle); a >= 0 {
		to = middle(w.store.Zones[a].Polygon)
	}
	d := max(0.1, apart(m, to))
	return fusion.Point{X: m.X + float64((to.X-m.X)*2/d), Y: m.Y + float64((to.Y-m.Y)*2/d)}
}

// rings runs a session, one line after the other.
func (w *world) rings(s *shopper, till int, how scanning) {
	t := &w.store.Tills[till]
	session := fmt.Sprintf("%08x", w.dice.Uint32())
	line, total := 0, 0.0
	say := func(m message.Till) {
		m.Session = session
		if !t.Self {
			m.Cashier = w.cashiers[till]
		}
		w.says(w.now, fusion.TillKind, t.ID, func(h message.Head) any { m.Head = h; return m })
	}
	tasks := []task{{do: func() { say(message.Till{Action: "open"}) }}}
	for _, u := range append([]*unit(nil), s.held...) {
		if u.scanned {
			continue // it was paid for before
		}
		tasks = append(tasks, task{stay: w.seconds(1, 3), do: func() {
			sc := how(s, u)
			for k := range sc.times {
				line++
				g := &w.store.Products[sc.product]
				price := float64(g.Price) / 100
				id := fmt.Sprint(line)
				say(message.Till{Action: "scan", SKU: g.Written, Line: id, Price: &price})
				total += price
				if k >= sc.times-sc.voids {
					total -= price
					say(message.Till{Action: "void", SKU: g.Written, Of: id})
				}
			}
			u.scanned = sc.times > sc.voids && !sc.instead
			if sc.left {
				s.drop(u)
			}
		}})
	}
	tasks = append(tasks, task{stay: w.seconds(2, 8), do: func() {
		if amount := centimetres(total); amount > 0 {
			say(message.Till{Action: "tender", Amount: &amount})
		}
		say(message.Till{Action: "close"})
		w.busy[till] = false
	}}, task{stay: w.seconds(1, 5)})
	s.first(tasks...)
}

// refunds goes to a staffed till and is given money for a unit, which stays there if it is left.
func (w *world) refunds(s *shopper, which func() *unit, left bool) {
	till := -1
	for i := range w.store.Tills {
		if !w.store.Tills[i].Self {
			till = i
		}
	}
	if till < 0 {
		return
	}
	s.act(func() {
		u := which()
		if u == nil {
			return
		}
		w.queues(s, till, func() {
			t, g := &w.store.Tills[till], &w.store.Products[u.product]
			session, price := fmt.Sprintf("%08x", w.dice.Uint32()), float64(g.Price)/100
			say := func(m message.Till) {
				m.Session, m.Cashier = session, w.cashiers[till]
				w.says(w.now, fusion.TillKind, t.ID, func(h message.Head) any { m.Head = h; return m })
			}
			say(message.Till{Action: "open"})
			s.first(task{stay: w.seconds(5, 15), do: func() {
				m := message.Till{Action: "refund", SKU: g.Written, Line: "1", Price: &price}
				if u.own {
					m.Receipt = fmt.Sprintf("%08x", w.dice.Uint32())
				}
				say(m)
				say(message.Till{Action: "close"})
				w.busy[till] = false
				if s.truth.Theft > 0 {
					s.truth.Concealed = w.clock()
				}
				if left {
					s.drop(u)
				} else if !u.own {
					s.truth.unpaid = append(s.truth.unpaid, u)
					s.drop(u)
				}
			}})
		})
	})
}

// gates lets the gates of a zone ring for unsold goods with a tag.
func (w *world) gates(s *shopper, zone int) {
	rings := false
	for _, u := range s.held {
		if u.epc != "" && !u.scanned && !u.own && u.cover != inFoil && w.dice.chance(w.m.gateDetects) {
			rings = true
		}
	}
	if rings {
		w.alarm(zone, w.now+w.seconds(0.2, 1))
	}
}

func (w *world) alarm(zone int, at time.Duration) {
	for _, d := range w.store.Devices {
		if d.Kind == fusion.Gate && d.Zone == zone {
			w.says(at, fusion.Gate, d.ID, func(h message.Head) any { return message.Gate{Head: h, Alarm: true, Direction: "out"} })
		}
	}
}

// tally lets the counters of a zone count.
func (w *world) tally(zone int, in, out int64) {
	for _, d := range w.store.Devices {
		if d.Kind == fusion.Count && d.Zone == zone {
			w.says(w.now, fusion.Count, d.ID, func(h message.Head) any { return message.Count{Head: h, In: &in, Out: &out} })
		}
	}
}

// begins brings staff from the stockroom, or by the door.
func (w *world) begins(s *shopper) {
	s.staff = true
	if z := w.zone(fusion.Stockroom); z >= 0 {
		s.here = w.spot(z)
		s.pause(w.seconds(1, 4))
		return
	}
	w.enters(s)
}

// retires is where staff go when they are done.
func (w *world) retires(s *shopper) {
	drop := func() { s.held = nil }
	if z := w.zone(fusion.Stockroom); z >= 0 {
		s.plan(task{to: point(w.spot(z)), stay: w.seconds(2, 5), do: drop})
		return
	}
	s.act(drop)
	w.leaves(s, fusion.Exit)
}
