package fusion

import (
	"math"
	"slices"
	"strings"
)

// Times and trust at a till. All are assumptions, to be fitted.
const (
	graceNS   = 15 * second // what was shown so long before a sale began belongs to it
	packNS    = 30 * second // so long after a sale its goods may still be seen at the till
	alignNS   = 5 * second  // a camera confirms a scan within this
	laneNear  = 2.0         // metres from a till's zone to other checkout zones of its lane
	cameraSay = 0.9         // of what a camera takes for a product, what is one
	ownGoods  = 0.6         // of unknown loads on a bagging scale, those that are goods and not the customer's own bag

	maxGoods = 64
)

// Classes of region objects that are goods. Any other class that is the SKU or the name of a product is goods too.
const (
	classGoods = "goods" // the object is a SKU, or the name of a product or of something that the catalogue does not know
	classTag   = "tag"   // the object is an EPC
)

// lane is a till with the zones beside it and what their devices show of the goods of the sale that goes on there: cameras
// and readers that report goods by zone, and bagging scales.
type lane struct {
	session sessionKey // the sale that goes on; ID "": none
	visit   int        // number of the visit whose goods are shown, 0: nobody's
	at      int64      // when goods were last shown
	paid    int        // number of the visit of the sale before
	ended   int64      // when that ended, 0: there was none
	goods   []ware
	plate   bag
}

// ware is what one device says of one object, or one kind of objects, in one zone of a lane.
type ware struct {
	source, zone, product int
	object, epc, name     string // epc: of a tag; name: of what the catalogue does not know
	conf                  float64
	here, most, came      float64 // units there now, at most at once, and in all
	at                    int64
}

// lanes makes a lane for each zone of a till, and says for every checkout zone which lane it is in: the nearest's.
func lanes(s *Store) (all []lane, of []int) {
	of = make([]int, len(s.Zones))
	for z := range of {
		of[z] = -1
	}
	var tills []int // zone of each lane
	for _, t := range s.Tills {
		if t.Zone >= 0 && of[t.Zone] < 0 {
			of[t.Zone] = len(tills)
			tills = append(tills, t.Zone)
		}
	}
	for z := range s.Zones {
		if of[z] >= 0 || s.Zones[z].Kind != Checkout {
			continue
		}
		near, apart := laneNear, math.Inf(1)
		for k, t := range tills {
			d := gap(s.Zones[z].Polygon, s.Zones[t].Polygon)
			c := centre(s.Zones[z].Polygon).distance(centre(s.Zones[t].Polygon))
			if d < near || d == near && c < apart {
				of[z], near, apart = k, d, c
			}
		}
	}
	return make([]lane, len(tills)), of
}

// gap is how far two polygons are apart, 0 where one has a corner in the other.
func gap(a, b []Point) float64 {
	d := math.Inf(1)
	for _, p := range a {
		d = min(d, Distance(b, p))
	}
	for _, p := range b {
		d = min(d, Distance(a, p))
	}
	return d
}

func (l *lane) clone() lane {
	c := *l
	c.goods = slices.Clone(l.goods)
	c.plate.causes, c.plate.hands = slices.Clone(l.plate.causes), slices.Clone(l.plate.hands)
	c.plate.present = slices.Clone(l.plate.present)
	return c
}

// merchandise reads a region event of goods; false for anything else, and for tags that are nobody's business.
func (w *World) merchandise(e *Event) (ware, bool) {
	g := ware{source: e.Source, zone: e.Zone, product: -1, object: e.ID, conf: min(1, max(0, e.Conf))}
	switch e.Name {
	case classTag:
		g.epc = strings.ToUpper(e.ID)
		g.product = w.tags.names.product(g.epc)
		return g, g.product >= 0 || !w.Store.HideForeign && !w.tags.names.badge(g.epc)
	case classGoods:
		if g.product = w.Store.named(e.ID); g.product < 0 {
			g.name = e.ID
		}
	default:
		if g.product = w.Store.named(e.Name); g.product < 0 {
			return g, false
		}
	}
	g.conf = float64(g.conf * cameraSay)
	return g, true
}

// foldGoods takes what a device without positions says of goods in a zone.
func (w *World) foldGoods(e *Event) {
	g, ok := w.merchandise(e)
	if !ok || e.Zone < 0 {
		return
	}
	units := 1.0
	if e.Qty > 1 && e.Qty <= 1000 {
		units = e.Qty
	}
	k := w.laneOf[e.Zone]
	switch {
	case e.Action == Leave && k >= 0:
		l := &w.lanes[k]
		if i := l.find(&g); i >= 0 {
			l.goods[i].here, l.goods[i].at = max(0, l.goods[i].here-units), e.TS
		}
	case e.Action == Leave:
	case k >= 0:
		w.showGoods(k, g, units, e.TS)
	default:
		w.goodsElsewhere(g, units, e)
	}
}

func (l *lane) find(g *ware) int {
	return slices.IndexFunc(l.goods, func(o ware) bool { return o.source == g.source && o.zone == g.zone && o.object == g.object })
}

// showGoods takes goods that a device sees come into a zone of a lane.
func (w *World) showGoods(k int, g ware, units float64, ts int64) {
	l := &w.lanes[k]
	if w.packing(l, &g, ts) {
		return
	}
	v := w.atLane(k, g.zone, g.source, ts)
	l.at = ts
	i := l.find(&g)
	if i < 0 {
		if len(l.goods) == maxGoods {
			l.goods = slices.Delete(l.goods, 0, 1)
			w.evicted++
		}
		i = len(l.goods)
		l.goods = append(l.goods, g)
	}
	o := &l.goods[i]
	o.here, o.came, o.at, o.conf = o.here+units, o.came+units, ts, max(o.conf, g.conf)
	o.most = max(o.most, o.here)
	w.touch(v)
	if g.epc == "" {
		w.sighted(l, g.product, ts)
	}
	w.weigh(k)
	w.show(k, g.source, ts)
}

// packing reports whether goods are those of the sale that has just ended, which its customer packs.
func (w *World) packing(l *lane, g *ware, ts int64) bool {
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
	v := w.open(source, "", ts)
	v.Unowned, v.Zone, v.ZoneAt, v.camera = true, zone, ts, source
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
	if l.visit == s.visit.number {
		return
	}
	if was := w.visit(l.visit); was != nil {
		for i := range was.Basket {
			it := &was.Basket[i]
			it.Shown, it.bagged, it.absent = it.kept, 0, 0
		}
	}
	l.visit = s.visit.number
	w.show(k, source, w.now)
}

// shownGoods is how much of something a lane shows.
type shownGoods struct {
	product   int
	epc, name string
	n         float64
	source    int // that says so
}

// seen is what the cameras of a lane show of goods: of the devices and zones that see it the one that saw most at once.
func (l *lane) seen(product int, name string) float64 {
	most := 0.0
	for i := range l.goods {
		if l.goods[i].epc != "" || l.goods[i].product != product || l.goods[i].name != name {
			continue
		}
		n := 0.0
		for j := range l.goods {
			if a, b := &l.goods[i], &l.goods[j]; b.epc == "" && b.product == product && b.name == name && b.source == a.source && b.zone == a.zone {
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
		g := &l.goods[i]
		if g.epc != "" && g.product == product && !l.known(i, func(o *ware) bool { return o.epc == g.epc }) {
			n += g.conf
		}
	}
	return n
}

// known reports whether what was seen before goods[i] is the same.
func (l *lane) known(i int, same func(o *ware) bool) bool {
	for j := range i {
		if same(&l.goods[j]) {
			return true
		}
	}
	return false
}

// tally is what a lane shows in all: each tag, and of each product what no tag accounts for.
func (l *lane) tally() []shownGoods {
	var all []shownGoods
	for i := range l.goods {
		g := &l.goods[i]
		if g.epc != "" {
			if !l.known(i, func(o *ware) bool { return o.epc == g.epc }) {
				all = append(all, shownGoods{g.product, g.epc, "", g.conf, g.source})
			}
			continue
		}
		if l.known(i, func(o *ware) bool { return o.epc == "" && o.product == g.product && o.name == g.name }) {
			continue
		}
		n := l.seen(g.product, g.name)
		if g.product >= 0 {
			n = max(0, max(n, amount(l.plate.present, g.product))-l.tagged(g.product))
		}
		all = append(all, shownGoods{g.product, "", g.name, n, g.source})
	}
	for _, c := range l.plate.present {
		if !slices.ContainsFunc(all, func(s shownGoods) bool { return s.epc == "" && s.product == c.product && s.name == "" }) {
			n := c.n
			if c.product >= 0 {
				n = max(0, n-l.tagged(c.product))
			}
			all = append(all, shownGoods{c.product, "", "", n, l.plate.source})
		}
	}
	return all
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
		if g.n > tiny && v.called(g.product, g.epc, g.name) == nil {
			if g.epc != "" && g.product >= 0 {
				w.label(v, g.product, g.epc)
			}
			it := w.called(v, g.product, g.epc, g.name)
			it.kept = 0
		}
	}
	for i := 0; i < len(v.Basket); i++ {
		it := &v.Basket[i]
		n := 0.0
		for _, g := range all {
			if g.product == it.Product && g.epc == it.EPC && g.name == it.Name {
				n = g.n
			}
		}
		if it.EPC == "" && it.Product >= 0 && l.plate.used {
			it.bagged, it.absent = amount(l.plate.present, it.Product), amount(l.plate.absent, it.Product)
		}
		was := it.Shown
		it.Shown, it.share = round9(it.kept+n), share
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

// goodsElsewhere takes goods that are seen outside of every lane: at a way out, they leave with whose they are; in the shop,
// they are no longer where they were paid for.
func (w *World) goodsElsewhere(g ware, units float64, e *Event) {
	v, it := w.whose(&g)
	if z := &w.Store.Zones[e.Zone]; z.Kind != Exit && (z.Kind != Entrance || len(z.Out) == 0) {
		if v == nil {
			return
		}
		for k := range w.lanes {
			l := &w.lanes[k]
			if w.visit(l.visit) != v {
				continue
			}
			for i := range l.goods {
				if o := &l.goods[i]; o.epc == g.epc && o.product == g.product && o.name == g.name && o.source == g.source {
					o.most = max(0, o.most-units)
					o.here = min(o.here, o.most)
				}
			}
			l.goods = slices.DeleteFunc(l.goods, func(o ware) bool { return o.most == 0 })
			w.weigh(k)
			w.show(k, g.source, e.TS)
		}
		if it = v.called(g.product, g.epc, g.name); it != nil && it.kept > 0 {
			it.kept, it.Shown = max(0, it.kept-units), max(0, it.Shown-units)
			w.add(v, Fact{At: e.TS, Kind: FactShown, Source: g.source, Zone: e.Zone, Product: g.product, N: -units, P: 1, Name: g.epc}, 1)
		}
		return
	}
	if v == nil {
		v = w.open(e.Source, "", e.TS)
		v.Unowned, v.camera = true, e.Source
		it = w.called(v, g.product, g.epc, g.name)
		it.kept = float64(units * g.conf)
		it.Shown, it.share, it.At = it.kept, 1, w.now
		w.add(v, Fact{At: e.TS, Kind: FactShown, Source: g.source, Zone: e.Zone, Product: g.product, N: it.Shown, P: 1, Name: g.epc}, 1)
	}
	w.touch(v)
	if v.Unowned { // no camera will tell that they have left
		v.Zone, v.ZoneAt, v.camera = e.Zone, e.TS, e.Source
	}
	if g.epc != "" && g.product >= 0 {
		w.tagFact(Fact{At: e.TS, Kind: FactMoved, Source: e.Source, Zone: e.Zone, Product: g.product, N: 1, P: g.conf, Name: g.epc})
	}
	if v.Unowned {
		w.exit(v, e.Zone, e.TS)
	}
}

// whose finds the visit that goods were shown with: a tag's, else the newest that such goods were shown with and that has
// not gone.
func (w *World) whose(g *ware) (*Visit, *Item) {
	var best *Visit
	var of *Item
	for _, v := range w.visits {
		it := v.called(g.product, g.epc, g.name)
		if it == nil || it.Held() < 0.2 || of != nil && it.At < of.At {
			continue
		}
		if g.epc != "" || !w.gone(v) {
			best, of = v, it
		}
	}
	return best, of
}
