package fusion

import (
	"math"
	"slices"
)

// Times and trust at a till. All are assumptions, to be fitted.
const (
	graceNS   = 15 * second // what was shown so long before a sale began belongs to it
	packNS    = 30 * second // so long after a sale its goods may still be seen at the till
	alignNS   = 5 * second  // a camera confirms a scan within this
	laneNear  = 2.0         // metres from a till's zone to other checkout zones of its lane
	cameraSay = 0.9         // of what a camera takes for a product, what is one
	ownGoods  = 0.6         // of loads that nothing explains, those that are goods: not the customer's own bag, nor the catalogue's error

	maxGoods = 64
)

// lane is a till with the zones beside it and what their devices show of the goods of the sale that goes on there: cameras
// and readers that report goods by zone, and bagging scales.
type lane struct {
	session sessionKey // the sale that goes on; ID "": none
	visit   int        // number of the visit whose goods are shown, 0: nobody's
	at      int64      // when goods were last shown
	paid    int        // number of the visit of the sale before
	ended   int64      // when that ended, 0: there was none
	goods   []sight
	plate   bag
}

// manyTills is the lane of zones with two tills or more: sales go on there side by side, and nobody can say to which of them belongs
// what is shown.
const manyTills = -2

// lanes makes a lane for each zone of one till, and says for every checkout zone which lane it is in, the nearest's: -1 none,
// manyTills that of several.
func lanes(s *Store) (all []lane, of []int) {
	of = make([]int, len(s.Zones))
	for z := range of {
		of[z] = -1
	}
	n := 0
	var tills []int // their zones
	for i, t := range s.Tills {
		switch {
		case t.Zone < 0 || of[t.Zone] != -1:
		case slices.ContainsFunc(s.Tills[i+1:], func(o Till) bool { return o.Zone == t.Zone }):
			of[t.Zone], tills = manyTills, append(tills, t.Zone)
		default:
			of[t.Zone], tills = n, append(tills, t.Zone)
			n++
		}
	}
	for z := range s.Zones {
		if of[z] != -1 || s.Zones[z].Kind != Checkout {
			continue
		}
		near, apart := laneNear, math.Inf(1)
		for _, t := range tills {
			d := s.polygonDistance(z, t)
			c := centre(s.Zones[z].Polygon).distance(centre(s.Zones[t].Polygon))
			if d < near || d == near && c < apart {
				of[z], near, apart = of[t], d, c
			}
		}
	}
	return make([]lane, n), of
}

func (l *lane) clone() lane {
	c := *l
	c.goods = slices.Clone(l.goods)
	c.plate.causes, c.plate.hands = slices.Clone(l.plate.causes), slices.Clone(l.plate.hands)
	c.plate.present, c.plate.absent = slices.Clone(l.plate.present), slices.Clone(l.plate.absent)
	c.plate.rung, c.plate.missing, c.plate.odd = slices.Clone(l.plate.rung), slices.Clone(l.plate.missing), slices.Clone(l.plate.odd)
	return c
}

// packing reports whether goods are those of the sale that has just ended, which its customer packs.
func (w *World) packing(l *lane, g ware, ts int64) bool {
	if l.ended == 0 || ts-l.ended > packNS || l.sale(w) != nil {
		return false
	}
	v := w.visit(l.paid)
	return v != nil && slices.ContainsFunc(v.Basket, func(it Item) bool {
		return it.Product == g.product && it.Name == g.name && (it.EPC == g.epc || g.epc == "") && it.Paid >= 0.5
	})
}

// sale is the session that goes on in the lane, nil if there is none.
func (l *lane) sale(w *World) *session {
	if l.session.id == "" {
		return nil
	}
	return w.sessions[l.session]
}

// atLane is the visit whose goods are shown in a lane: the customer of the sale that goes on; without one who stands there,
// else somebody whom no camera sees.
func (w *World) atLane(k, zone, source int, ts int64) *Visit {
	l := &w.lanes[k]
	if s := l.sale(w); s != nil && s.visit != nil {
		l.visit = s.visit.number
		return s.visit
	}
	if ts-l.at > endAfter {
		w.vacate(l)
	}
	if v := w.visit(l.visit); v != nil {
		return v
	}
	w.vacate(l)
	for _, c := range w.inside(zone, ts) {
		if !c.visit.Unowned && c.share >= 0.3 {
			l.visit = c.visit.number
			return c.visit
		}
	}
	v := w.open(source, w.Store.Zones[zone].ID, ts) // it may see two lanes at once
	v.Unowned, v.camera = true, source
	w.appears(v, zone, ts)
	l.visit = v.number
	return v
}

// vacate ends what the lane shows: what was shown stays with its visit.
func (w *World) vacate(l *lane) {
	if v := w.visit(l.visit); v != nil {
		for i := range v.Basket {
			v.Basket[i].kept = v.Basket[i].Shown
		}
	}
	l.goods, l.visit, l.session = nil, 0, sessionKey{}
	l.plate.vacate()
}

// begin lets a sale begin in a lane with its first event: what was shown a moment before belongs to it.
func (w *World) begin(k int, key sessionKey, e *Event) {
	l := &w.lanes[k]
	if l.session == key || e.Action == Close || e.Action == Suspend {
		return
	}
	if l.session.id != "" {
		w.endSale(k, e.TS)
	}
	if l.at != 0 && e.TS-l.at > graceNS {
		w.vacate(l)
	}
	l.session = key
	if s := l.sale(w); s != nil && s.putBy {
		w.takeUp(k, s)
	}
}

// putBy ends what a lane shows of a sale that is suspended: what was shown stays with its customer.
func (w *World) putBy(l *lane, s *session) {
	s.putBy, s.bag, s.since = true, l.clone().plate, l.ended
	w.vacate(l)
}

// takeUp goes on with a sale that was put by, where the bagging scale weighs it: what of it lies there is of the sale again, unless another sale was between, and what the scale has
// shown of it the scale shows again, and not the customer's basket once more.
func (w *World) takeUp(k int, s *session) {
	l, was := &w.lanes[k], s.bag
	s.putBy, s.bag = false, bag{}
	if s.visit == nil || !w.weighs(k) {
		return
	}
	if b := &l.plate; l.ended == s.since {
		there := max(0, min(was.grams, b.left))
		b.left, b.grams = b.left-there, b.grams+there
		b.balance, b.excess, b.variance = was.balance, was.excess, was.variance
	}
	for _, u := range was.present {
		for _, tagged := range []bool{true, false} {
			for i := range s.visit.Basket {
				if it := &s.visit.Basket[i]; it.Product == u.product && it.Name == "" && (it.EPC != "") == tagged {
					x := min(it.kept, u.n)
					it.kept, u.n = it.kept-x, u.n-x
				}
			}
		}
	}
}

// endSale ends the sale in a lane.
func (w *World) endSale(k int, ts int64) {
	l := &w.lanes[k]
	if s := l.sale(w); s != nil && s.visit != nil {
		l.paid, l.ended = s.visit.number, ts
	}
	w.vacate(l)
}

// pending is the visit whose goods a lane shows while no sale has a customer yet; nil if there is none.
func (w *World) pending(k int) *Visit {
	if k < 0 {
		return nil
	}
	return w.visit(w.lanes[k].visit)
}

// served gives a lane's goods to the customer of its sale, who takes them over from who seemed to have them.
func (w *World) served(k int, s *session, source int) {
	l := &w.lanes[k]
	defer w.tagsAtTill(k, s, source)
	if l.visit == s.visit.number {
		return
	}
	if was := w.visit(l.visit); was != nil {
		for i := range was.Basket {
			it := &was.Basket[i]
			it.Shown, it.bagged, it.absent, it.odd = it.kept, 0, 0, 0
		}
	}
	l.visit = s.visit.number
	w.show(k, source, w.now)
}

// shownGoods is how much of something a lane shows.
type shownGoods struct {
	ware
	n      float64
	source int // that says so
}

// seen is what the cameras of a lane show of goods: of the devices and zones that see it the one that saw most at once.
func (l *lane) seen(g ware) float64 {
	most := 0.0
	for i := range l.goods {
		a, n := &l.goods[i], 0.0
		if a.ware != g {
			continue
		}
		for j := range l.goods {
			if b := &l.goods[j]; b.ware == g && b.source == a.source && b.zone == a.zone {
				n += float64(b.most * b.conf)
			}
		}
		most = max(most, n)
	}
	return most
}

// tagged is how many tags of a product a lane shows.
func (l *lane) tagged(product int) float64 {
	n := 0.0
	for i := range l.goods {
		if g := &l.goods[i]; g.epc != "" && g.product == product && !l.known(i) {
			n += g.conf
		}
	}
	return n
}

// known reports whether a sight before goods[i] is of the same goods.
func (l *lane) known(i int) bool {
	return slices.ContainsFunc(l.goods[:i], func(o sight) bool { return o.ware == l.goods[i].ware })
}

// tally is what a lane shows in all: each tag, and of each product what no tag accounts for.
func (l *lane) tally() []shownGoods {
	var all []shownGoods
	for i := range l.goods {
		g := &l.goods[i]
		switch {
		case l.known(i):
		case g.epc != "":
			all = append(all, shownGoods{g.ware, g.conf, g.source})
		default:
			n := l.seen(g.ware)
			if g.product >= 0 {
				there, _ := l.plate.shows(g.product)
				n = max(0, max(n, there)-l.tagged(g.product))
			}
			all = append(all, shownGoods{g.ware, n, g.source})
		}
	}
	for _, c := range append(slices.Clip(l.plate.present), l.plate.rung...) {
		g := ware{product: c.product}
		if !slices.ContainsFunc(all, func(s shownGoods) bool { return s.ware == g }) {
			n, _ := l.plate.shows(c.product)
			if c.product >= 0 {
				n = max(0, n-l.tagged(c.product))
			}
			all = append(all, shownGoods{g, n, l.plate.source})
		}
	}
	return all
}

// taggedBeside is how many units of a product the visit has by their tags that are not among what is shown: those that are shown without
// one are these first.
func (v *Visit) taggedBeside(product int, shown []shownGoods) (n float64) {
	for i := range v.Basket {
		it := &v.Basket[i]
		if it.Product == product && it.EPC != "" && !slices.ContainsFunc(shown, func(g shownGoods) bool { return g.epc == it.EPC }) {
			n += it.N
		}
	}
	return n
}

// show brings the basket of a lane's visit up to what the lane shows.
func (w *World) show(k, source int, at int64) {
	l := &w.lanes[k]
	v := w.visit(l.visit)
	if v == nil {
		return
	}
	share := 1.0
	if s := l.sale(w); s != nil {
		share = s.share
	}
	all := l.tally()
	for _, g := range all {
		if g.n > tiny && v.lineOf(g.ware) == nil {
			if g.epc != "" && g.product >= 0 {
				w.label(v, g.product, g.epc, 1)
			}
			it := w.lineOf(v, g.ware)
			it.kept = 0
		}
	}
	for i := 0; i < len(v.Basket); i++ {
		it := &v.Basket[i]
		n := 0.0
		for _, g := range all {
			if g.ware == it.ware() {
				n = g.n
			}
		}
		if it.EPC == "" && it.Product >= 0 && l.plate.used {
			it.bagged, it.absent = l.plate.shows(it.Product)
			it.odd = amount(l.plate.odd, it.Product)
		}
		was := it.Shown
		it.Shown, it.share = round9(it.kept+n), share
		if it.EPC == "" && it.Product >= 0 {
			n = max(0, n-v.taggedBeside(it.Product, all))
		}
		if d := it.Shown - was; d >= worthTelling || d <= -worthTelling {
			it.At = w.now
			w.add(v, Fact{At: at, Kind: FactShown, Source: source, Zone: v.Zone, Product: it.Product, N: d, P: 1, Name: it.EPC}, 1)
		}
		if more := n - it.N; n >= 0.5 && more > tiny && it.Product >= 0 {
			w.draw(v, it.Product, it.EPC, more) // others who may have had it have it no more
		}
	}
	w.reckon(v)
}
