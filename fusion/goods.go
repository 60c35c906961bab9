package fusion

import (
	"slices"
	"strings"
)

// Classes of region objects that are goods. Any other class that is the SKU or the name of a product is goods too.
const (
	classGoods = "goods" // the object is a SKU, or the name of a product or of something that the catalogue does not know
	classTag   = "tag"   // the object is an EPC
)

// sight is what one device says of one object, or one kind of objects, in one zone of a lane.
type sight struct {
	ware
	source, zone     int
	object           string
	conf             float64
	here, most, came float64 // units there now, at most at once, and in all
	at               int64
}

// merchandise reads a region event of goods; false for anything else, and for tags that are nobody's business.
func (w *World) merchandise(e *Event) (sight, bool) {
	g := sight{ware: ware{product: -1}, source: e.Source, zone: e.Zone, object: e.ID, conf: min(1, max(0, e.Conf))}
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
	case k < 0 && w.tagAtDoor(&g, e):
	case e.Action == Leave && k >= 0:
		l := &w.lanes[k]
		if i := l.find(&g); i >= 0 {
			l.goods[i].here, l.goods[i].at = max(0, l.goods[i].here-units), e.TS
		}
	case e.Action == Leave, k == manyTills:
	case k >= 0:
		w.showGoods(k, g, units, e.TS)
	default:
		w.goodsElsewhere(g, units, e)
	}
}

func (l *lane) find(g *sight) int {
	return slices.IndexFunc(l.goods, func(o sight) bool { return o.source == g.source && o.zone == g.zone && o.object == g.object })
}

// showGoods takes goods that a device sees come into a zone of a lane.
func (w *World) showGoods(k int, g sight, units float64, ts int64) {
	l := &w.lanes[k]
	if w.packing(l, g.ware, ts) {
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
	w.weighBag(k)
	w.show(k, g.source, ts)
}

// readAtTill takes a tag that a reader's antenna heard come to a till, as far as it is with the customer of the sale there:
// readers hear the next in the queue too, and what lies nearby.
func (w *World) readAtTill(f Fact, near []claim) {
	k := w.laneOf[f.Zone]
	if k < 0 || f.Kind != FactMoved {
		return
	}
	s := w.lanes[k].sale(w)
	if s == nil || s.visit == nil {
		return
	}
	share, alone := 0.0, true
	for _, c := range near {
		if c.visit == s.visit {
			share = c.share
		} else {
			alone = false
		}
	}
	if s.visit.Unowned && alone {
		share = 1
	}
	if p := round9(f.P * share); p >= 0.5 {
		w.showGoods(k, sight{ware: ware{f.Product, f.Name, ""}, source: f.Source, zone: f.Zone, object: f.Name, conf: p}, 1, f.At)
	}
}

// tagsAtTill takes the tags that came to a till with the customer of a sale a moment before it began.
func (w *World) tagsAtTill(k int, s *session, source int) {
	if s.known {
		return
	}
	s.known = true
	for _, t := range s.visit.tags {
		if w.laneOf[t.zone] == k && w.now-t.at <= graceNS {
			w.readAtTill(Fact{At: t.at, Kind: FactMoved, Source: source, Zone: t.zone, Product: t.product, P: t.moved, Name: t.epc},
				[]claim{{s.visit, t.share}})
		}
	}
}

// tagAtDoor gives the tag of a product that a device sees at a way out to the conditioner of tags, which knows whether it has
// just come there or lies there. Not so what was shown at a till: that has come from there.
func (w *World) tagAtDoor(g *sight, e *Event) bool {
	if g.epc == "" || g.product < 0 || !w.Store.leadsOut(e.Zone) {
		return false
	}
	if v := w.whose(g.ware); v != nil && v.lineOf(g.ware).Shown > 0 {
		return false
	}
	if e.Action == Leave {
		w.tags.leaves(g.epc, int16(e.Zone), e.TS)
	} else {
		w.tags.enters(g, e)
	}
	return true
}

// goodsElsewhere takes goods that are seen outside of every lane: at a way out, they leave with whose they are; in the shop,
// they are no longer where they were paid for.
func (w *World) goodsElsewhere(g sight, units float64, e *Event) {
	v := w.whose(g.ware)
	if !w.Store.leadsOut(e.Zone) {
		if v == nil {
			return
		}
		for k := range w.lanes {
			l := &w.lanes[k]
			if w.visit(l.visit) != v {
				continue
			}
			for i := range l.goods {
				if o := &l.goods[i]; o.ware == g.ware && o.source == g.source {
					o.most = max(0, o.most-units)
					o.here = min(o.here, o.most)
				}
			}
			l.goods = slices.DeleteFunc(l.goods, func(o sight) bool { return o.most == 0 })
			w.weighBag(k)
			w.show(k, g.source, e.TS)
		}
		if it := v.lineOf(g.ware); it != nil && it.kept > 0 {
			n := min(float64(units*g.conf), it.kept)
			it.kept, it.Shown = it.kept-n, max(0, it.Shown-n)
			w.add(v, Fact{At: e.TS, Kind: FactShown, Source: g.source, Zone: e.Zone, Product: g.product, N: -n, P: 1, Name: g.epc}, 1)
		}
		return
	}
	if v == nil {
		v = w.open(e.Source, e.ID, e.TS)
		v.Unowned, v.camera = true, e.Source
		it := w.lineOf(v, g.ware)
		it.kept = float64(units * g.conf)
		it.Shown, it.share, it.At = it.kept, 1, w.now
		w.add(v, Fact{At: e.TS, Kind: FactShown, Source: g.source, Zone: e.Zone, Product: g.product, N: it.Shown, P: 1, Name: g.epc}, 1)
	}
	w.touch(v)
	if v.Unowned { // no camera will tell that they have left
		v.camera = e.Source
		w.appears(v, e.Zone, e.TS)
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
func (w *World) whose(g ware) *Visit {
	var best *Visit
	var of *Item
	for _, v := range w.visits {
		it := v.lineOf(g)
		if it == nil || it.Held() < 0.2 || of != nil && it.At < of.At {
			continue
		}
		if g.epc != "" || !w.gone(v) {
			best, of = v, it
		}
	}
	return best
}
