package baseline

import (
	"maps"
	"slices"

	"magpie/fusion"
)

// The rule of the program from which Magpie began: a person near the entrance with goods within 80 pixels, which is about a
// metre. A camera sees no goods here, so what a reader sees at the doors are the goods.
type seed struct {
	floor
	goods map[string]int64 // when a tag was read at a door
}

func newSeed(s *fusion.Store) Watcher { return &seed{newFloor(s), map[string]int64{}} }

func (s *seed) Add(m *fusion.Message) {
	s.see(m)
	s.scans(m)
	for _, r := range s.doorReads(m) {
		if w := s.nearest(m.Received, 1, s.inZone(r.zone)); w != nil {
			s.say(w, m.Received, 1, s.sku(s.product("", r.epc))...)
		}
	}
}

type read struct {
	epc  string
	zone int
}

// doorReads are the reads of unsold goods at doors.
func (f *floor) doorReads(m *fusion.Message) (all []read) {
	if m.Kind != fusion.RFID {
		return nil
	}
	for i := range m.Events {
		e := &m.Events[i]
		k := slices.IndexFunc(f.store.Readers, func(r fusion.Reader) bool { return r.ID == f.store.Sources[e.Source].ID })
		if k < 0 {
			continue
		}
		z, ok := f.store.Readers[k].Antennas[e.Antenna]
		if !ok {
			continue
		}
		if kind := f.store.Zones[z].Kind; kind != fusion.Exit && kind != fusion.Entrance {
			continue
		}
		if p := f.product("", e.ID); p >= 0 && !f.paid[e.ID] {
			all = append(all, read{e.ID, z})
		}
	}
	return all
}

// The gate alarms when a tag that was not sold is read often enough; goods that were scanned by their bar code are taken to
// be the tags that come by next.
type gate struct {
	floor
	reads map[string][]int64 // arrivals in the last two seconds, by EPC
	used  map[string]bool    // EPCs that stand for goods scanned by bar code
}

func newGate(s *fusion.Store) Watcher {
	return &gate{newFloor(s), map[string][]int64{}, map[string]bool{}}
}

func (g *gate) Add(m *fusion.Message) {
	g.see(m)
	g.scans(m)
	for _, r := range g.doorReads(m) {
		p := g.product("", r.epc)
		w := g.nearest(m.Received, 1.5, g.inZone(r.zone))
		if w == nil || g.used[r.epc] {
			continue
		}
		if len(g.reads[r.epc]) == 0 && g.sold[p] > 0 {
			g.sold[p]--
			g.used[r.epc] = true
			continue
		}
		times := append(g.reads[r.epc], m.Received)
		for len(times) > 0 && m.Received-times[0] > 2e9 {
			times = times[1:]
		}
		g.reads[r.epc] = times
		g.say(w, m.Received, float64(len(times)), g.sku(p)...)
	}
}

// A camera alone knows who stood at shelves and did not stand at a till.
type looker struct{ floor }

func newLooker(s *fusion.Store) Watcher { return &looker{newFloor(s)} }

func (l *looker) Add(m *fusion.Message) {
	for _, w := range l.see(m) {
		if w.zone >= 0 && l.store.Zones[w.zone].Kind == fusion.Exit && w.shelf > 0 {
			l.say(w, m.Received, float64(w.shelf)/1e9/(1+float64(w.till)/1e9))
		}
	}
}

// Plates alone know that much was taken at once.
type sweeper struct {
	floor
	steps
	taken map[int][]took
}

type took struct {
	at    int64
	units int
}

func newSweeper(s *fusion.Store) Watcher {
	return &sweeper{newFloor(s), steps{s, map[int]*plate{}}, map[int][]took{}}
}

func (s *sweeper) Add(m *fusion.Message) {
	s.see(m)
	s.steps.taken(m, func(units, product int, at fusion.Point) {
		list := append(s.taken[product], took{m.Received, units})
		n := 0
		for len(list) > 0 && m.Received-list[0].at > 30e9 {
			list = list[1:]
		}
		for _, t := range list {
			n += t.units
		}
		s.taken[product] = list
		if w := s.nearest(m.Received, 2, near(at)); w != nil && n > 0 {
			s.say(w, m.Received, float64(n)*float64(s.floor.store.Products[product].Price)/100, s.sku(product)...)
		}
	})
}

// Tills alone know of voids, refunds, overrides and sessions that were left.
type cashier struct {
	floor
	odd map[string]float64 // by session
}

func newCashier(s *fusion.Store) Watcher { return &cashier{newFloor(s), map[string]float64{}} }

func (c *cashier) Add(m *fusion.Message) {
	c.see(m)
	if m.Kind != fusion.TillKind {
		return
	}
	for i := range m.Events {
		e := &m.Events[i]
		k := slices.IndexFunc(c.store.Tills, func(t fusion.Till) bool { return t.ID == c.store.Sources[e.Source].ID })
		if k < 0 {
			continue
		}
		session := c.store.Tills[k].ID + " " + e.ID
		switch e.Action {
		case fusion.Void, fusion.Refund, fusion.Override, fusion.NoSale, fusion.Suspend:
			c.odd[session]++
		case fusion.Close:
			delete(c.odd, session)
			continue
		default:
			continue
		}
		if w := c.nearest(m.Received, 1, c.inZone(c.store.Tills[k].Zone)); w != nil {
			c.say(w, m.Received, c.odd[session], c.sku(c.product(e.SKU, e.EPC))...)
		}
	}
}

// Signs of several sensors in one window of five seconds of arrival, as stream processors join them.
type window struct {
	floor
	steps
	from  int64
	signs map[string]bool
	goods map[int]bool
}

const windowLength = int64(5e9)

func newWindow(s *fusion.Store) Watcher {
	return &window{newFloor(s), steps{s, map[int]*plate{}}, 0, map[string]bool{}, map[int]bool{}}
}

func (w *window) Add(m *fusion.Message) {
	if from := m.Received / windowLength * windowLength; from != w.from {
		w.from = from
		clear(w.signs)
		clear(w.goods)
	}
	w.see(m)
	w.scans(m)
	w.steps.taken(m, func(units, product int, _ fusion.Point) {
		if units > 0 {
			w.signs["taken"], w.goods[product] = true, true
		}
	})
	for _, r := range w.doorReads(m) {
		w.signs["read"], w.goods[w.product("", r.epc)] = true, true
	}
	if m.Kind == fusion.Gate {
		for i := range m.Events {
			if m.Events[i].On {
				w.signs["rang"] = true
			}
		}
	}
	if len(w.signs) == 0 {
		return
	}
	for z := range w.floor.store.Zones {
		if w.floor.store.Zones[z].Kind != fusion.Exit {
			continue
		}
		if who := w.nearest(m.Received, 0, w.inZone(z)); who != nil {
			var skus []string
			for _, p := range slices.Sorted(maps.Keys(w.goods)) {
				skus = append(skus, w.sku(p)...)
			}
			w.say(who, m.Received, float64(len(w.signs)), skus...)
		}
	}
}

// The way that won the AutoCheckout competition: a plate's step belongs to the nearest person, and who leaves with what no till
// scanned while they stood at it has not paid.
type basket struct {
	floor
	steps
}

func newBasket(s *fusion.Store) Watcher { return &basket{newFloor(s), steps{s, map[int]*plate{}}} }

func (b *basket) Add(m *fusion.Message) {
	for _, w := range b.see(m) {
		if w.zone < 0 || b.floor.store.Zones[w.zone].Kind != fusion.Exit {
			continue
		}
		score, skus := 0.0, []string(nil)
		for _, p := range sorted(w.held) {
			for range w.held[p] {
				score += float64(b.floor.store.Products[p].Price) / 100
				skus = append(skus, b.sku(p)...)
			}
		}
		if score > 0 {
			b.say(w, m.Received, score, skus...)
		}
	}
	b.steps.taken(m, func(units, product int, at fusion.Point) {
		if w := b.nearest(m.Received, 2, near(at)); w != nil {
			w.held[product] = max(0, w.held[product]+units)
		}
	})
	if m.Kind != fusion.TillKind {
		return
	}
	for i := range m.Events {
		e := &m.Events[i]
		k := slices.IndexFunc(b.floor.store.Tills, func(t fusion.Till) bool { return t.ID == b.floor.store.Sources[e.Source].ID })
		p := b.product(e.SKU, e.EPC)
		if k < 0 || p < 0 || e.Action != fusion.Scan {
			continue
		}
		if w := b.nearest(m.Received, 1, b.inZone(b.floor.store.Tills[k].Zone)); w != nil {
			w.held[p] = max(0, w.held[p]-int(max(1, e.Qty)))
		}
	}
}
