package fusion

import (
	"math"
	"slices"
)

// Item is one line of a basket: goods that the visit may hold, as expectations.
type Item struct {
	Product int     // index into Store.Products; -1: goods that the catalogue does not know
	EPC     string  // bound tag, "" for goods known by weight or scan alone
	Name    string  // of goods that the catalogue does not know, as a device calls them
	N       float64 // expected units held, by what was taken and what passed a gate
	Shown   float64 // expected units that cameras, readers and bagging scales at a till have shown
	Paid    float64 // expected units of those that a till has seen
	Doubt   float64 // of N, units that may as well be another product of the same plate
	Owner   float64 // how sure it is that the visit is the one who has them: its mean share in the facts behind them, 0–1
	At      int64   // newest fact behind it, ns

	known  float64 // units of a line with a tag that are known by more than the tag's moving
	tag    float64 // the visit's share in the tag's moving
	found  bool    // no pick of his explains them: others had them before
	among  float64 // Owner among those whom cameras saw: what somebody unseen may have leaves no doubt between them, up to unseenPart
	any    float64 // of units that come from several picks: the probability that there is one at all; 0: not known
	kept   float64 // of Shown, what a till showed whose sale is over
	bagged float64 // units on a bagging scale, expected
	absent float64 // units that were scanned and are not on it, expected
	odd    float64 // units that were scanned as this and are, by the till's scale, something that nobody knows, expected
	filmed float64 // units of which a camera confirmed the scan
	share  float64 // the visit's share in the sale at which they were shown
	left   float64 // of N, units that were voided and lie at the till, expected
	named  float64 // of Paid, the unit of a tag that a till named; else it saw any of the product
	lent   float64 // of Paid, the unit of a tag that is paid for in another visit's basket
	twice  float64 // of Shown, units that lines with a tag tell of as well
}

// Held is the expected number of units held: a till's devices show what was taken, so the two are not added.
func (i *Item) Held() float64 { return max(i.N-i.left, i.Shown-i.twice, 0) }

// Unpaid is the expected number of units that no till has seen.
func (i *Item) Unpaid() float64 { return max(0, i.Held()-i.Paid) }

// unpay takes back the payment of up to n units, that of a named or lent piece last, and returns the units.
func (i *Item) unpay(n float64) float64 {
	n = max(0, min(n, i.Paid))
	i.Paid -= n
	i.named = min(i.named, i.Paid)
	i.lent = min(i.lent, i.Paid-i.named)
	return n
}

// PUnpaid is the probability that at least one unit is held that no till has seen, 0–1: a tenth of a chance in each of ten
// units is not a unit.
func (i *Item) PUnpaid() float64 {
	p := min(1, i.Unpaid())
	if i.any > 0 && i.Shown-i.twice <= i.N {
		p = min(p, i.any)
	}
	return p
}

// ware says which goods: a product of the catalogue, one tag, or what a device calls what the catalogue does not know.
type ware struct {
	product   int // -1: none
	epc, name string
}

func (i *Item) ware() ware { return ware{i.Product, i.EPC, i.Name} }

// item returns the line of the basket for a product, or for one of its tags, making it if need be.
func (w *World) item(v *Visit, product int, epc string) *Item {
	return w.lineOf(v, ware{product, epc, ""})
}

// lineOf returns the line of the basket for goods, making it if need be: in a full basket in place of the line that matters
// least, the oldest of those with the fewest units.
func (w *World) lineOf(v *Visit, g ware) *Item {
	least := 0
	for i := range v.Basket {
		it, l := &v.Basket[i], &v.Basket[least]
		if it.ware() == g {
			return it
		}
		n, m := max(it.Held(), it.Paid), max(l.Held(), l.Paid)
		if n < m || n == m && it.At < l.At {
			least = i
		}
	}
	if len(v.Basket) == maxBasket {
		w.evicted++
		v.Basket = slices.Delete(v.Basket, least, least+1)
	}
	v.Basket = append(v.Basket, Item{Product: g.product, EPC: g.epc, Name: g.name})
	return &v.Basket[len(v.Basket)-1]
}

func (w *World) foldWeight(e *Event) {
	i := w.Store.scale[e.Source]
	if i < 0 {
		return
	}
	w.weigh(i, e.Source, e.TS, e.Grams, e.Change, bootOf(e.Name))
}

// maxStepKinds bounds the products of one step that are told: what is beyond is hardly likely.
const maxStepKinds = 4

// step makes a settled step of a plate somebody's pick or put-back: one fact for each product and direction, with the units
// expected over all that the step may have been.
func (w *World) step(scale int, s step) {
	switch k := w.bagging(scale); {
	case k >= 0:
		w.bagged(k, scale, s)
		return
	case k == manyTills:
		return
	}
	if w.shaken(scale, s) {
		return
	}
	sc := &w.Store.Scales[scale]
	var room [maxOwners]odds
	can, none := w.candidates(room[:0], sc, s)
	if s.TS-s.At <= longStep { // else it does not say when
		w.anchor(w.Store.source[sc.ID], scale, -1, s.At-w.plates.all[scale].before())
	}
	w.deedID++
	d := deed{id: w.deedID, at: s.At, told: w.now, scale: scale}
	near := w.attribute(&d, can, none)
	var held []inHand
	if s.Grams > 0 {
		held = append(w.inHands(near), w.inOtherHands(near, s.Grams)...)
	}
	facts := w.told(sc, s, infer(sc, w.Store.Products, s.Grams, s.SD, held, w.straysOf(scale)))
	for _, f := range facts {
		w.note(f)
		switch {
		case f.Kind == FactPicked && len(d.who) == 0: // nobody's goods are in no basket, and nobody can turn out to have them
			w.lay(scale, f.Product, -f.N)
		case f.Kind == FactPicked:
			d.lots = append(d.lots, w.picked(f, near, d.id))
			l := *w.lots[len(w.lots)-1]
			l.all, l.allSD, l.proper = -s.Grams, s.SD, slices.Contains(sc.Products, l.product)
			if n := math.Round(f.N); len(facts) == 1 && l.product >= 0 && n > 0 && f.P >= sure {
				l.grams, l.sd = -s.Grams/n, s.SD/n
			}
			l.doubt = l.doubt || slices.ContainsFunc(facts, f.orElse)
			w.seenTaking(&d, &l, f.P)
			w.lay(scale, f.Product, -f.N)
		default:
			w.putBack(f, near)
			w.lay(scale, f.Product, f.N)
		}
	}
	for _, c := range near {
		if c.share >= minShare {
			w.handles(c.visit, sc.Zone)
		}
	}
	w.remember(d)
}

// told makes facts of the guesses of a step, the likeliest first.
func (w *World) told(sc *Scale, s step, guesses []guess) []Fact {
	var facts []Fact
	for _, g := range guesses {
		f := Fact{At: s.At, Kind: FactPicked, Source: w.Store.source[sc.ID], Zone: sc.Zone, Product: g.Product, Grams: float32(s.Grams)}
		if g.N > 0 {
			f.Kind = FactPutBack
		}
		i := slices.IndexFunc(facts, func(o Fact) bool { return o.Product == f.Product && o.Kind == f.Kind })
		if i < 0 {
			if len(facts) == maxStepKinds {
				continue
			}
			i = len(facts)
			facts = append(facts, f)
		}
		facts[i].N += float64(float64(abs(int64(g.N))) * g.P)
		facts[i].P = min(1, round9(facts[i].P+g.P))
	}
	return facts
}

// picked makes a lot of picked goods and shares it. It returns the lot.
func (w *World) picked(f Fact, near []claim, step int) int {
	l := w.newLot(f, step)
	for _, c := range near {
		w.give(l, c.visit, "", float64(f.N*c.share))
	}
	for _, c := range near {
		if c.visit.scanned(f.Product, f.At) {
			w.collapse(c.visit)
		}
		w.reckon(c.visit)
		w.add(c.visit, f, c.share)
	}
	return l.id
}

// inHands is what those who may have done a step hold, as far as each may have done it.
func (w *World) inHands(near []claim) []inHand {
	var held []inHand
	for _, c := range near {
		for _, it := range c.visit.Basket {
			h := inHand{Item: it}
			h.N = float64(it.N * c.share)
			for k := len(c.visit.lots) - 1; k >= 0 && h.grams == 0; k-- {
				if i := w.lotIndex(c.visit.lots[k]); i >= 0 && w.lots[i].product == it.Product && w.lots[i].held(c.visit.number) > minShare {
					h.grams, h.sd = w.lots[i].grams, w.lots[i].sd
				}
			}
			held = append(held, h)
		}
	}
	return held
}

// seenTaking puts the newest lot in its place, with whose hands were seen to take it, p being the probability of its goods.
func (w *World) seenTaking(d *deed, l *lot, p float64) {
	l.parts = slices.Clone(l.parts)
	w.lots[len(w.lots)-1] = l
	for _, x := range d.who {
		if mine, v := l.of(x.visit, ""), w.visit(x.visit); mine != nil && v != nil && x.took > 0 {
			mine.sure = min(mine.n, round9(float64(x.took*p*(1-unseen))))
			w.reckon(v)
		}
	}
}

// scanned reports whether the visit has scanned such goods since they were taken.
func (v *Visit) scanned(product int, since int64) bool {
	return v.Facts.Has(func(f Fact) bool { return f.Kind == FactScanned && f.Product == product && f.At >= since })
}

// orElse reports that a step may have been of another product instead, if seldom: who then shows that one at a till is believed.
func (f Fact) orElse(o Fact) bool {
	return o.Kind == f.Kind && o.Product != f.Product && o.P >= minShare && o.P+f.P <= 1+tiny
}

// sure is the probability from which goods of a pick are taken to be what they seem.
const sure = 0.9

// collapse lets a till say what cameras and scales could not: who shows it more of a product than he was thought to have had
// it of those who may have it, or took it where the scale thought of another product of the same plate.
func (w *World) collapse(v *Visit) {
	for i := range v.Basket {
		it := &v.Basket[i]
		if n := min(it.Paid, it.most()) - it.N; n > tiny && it.Product >= 0 {
			product, epc := it.Product, it.EPC
			if n -= w.draw(v, product, epc, n); n > tiny {
				n -= w.named(v, product, epc, n)
			}
			if n > tiny {
				w.find(v, product, epc, n, v.goesWith) // one pays for all
			}
			if it = v.line(product, epc); it != nil && it.Paid-it.N >= surplus { // goods are handed over, and people taken for each other
				w.turnsUp(v, product, epc, float64(found*(it.Paid-it.N)))
			}
		}
	}
	w.reckon(v)
}

// putBack takes goods out of the baskets of those near, in proportion to what each holds of them and can have done it. Who
// puts back what another may have had as well had it.
func (w *World) putBack(f Fact, near []claim) {
	sum := 0.0
	part := make([]float64, len(near))
	for i, c := range near {
		part[i] = float64(c.share * c.visit.units(f.Product))
		sum += part[i]
	}
	rest := f
	for i, c := range near {
		share := c.share
		if sum > 0 {
			share = part[i] / sum
			n := float64(f.N * share)
			if more := n - c.visit.units(f.Product); more > tiny {
				w.draw(c.visit, f.Product, "", more)
			}
			rest.N -= w.putDown(c.visit, f.Product, n, math.MaxInt64)
			c.visit.unshow(f.Product, n)
			w.reckon(c.visit)
		} else if share >= minShare && f.Product >= 0 {
			c.visit.owed, _ = newest(c.visit.owed, owed{f.Product, float64(f.N * share), f.At}, maxOwed)
		}
		if share >= minShare {
			w.add(c.visit, f, share)
		}
	}
	if rest.N > worthTelling && f.Product >= 0 {
		w.backFromOthers(rest, near)
	}
}

// unshow takes goods that are back on a shelf from what a till has shown of them.
func (v *Visit) unshow(product int, n float64) {
	for i := range v.Basket {
		if it := &v.Basket[i]; it.Product == product && it.kept > 0 {
			x := min(n, it.kept)
			it.kept, it.Shown, n = it.kept-x, max(0, it.Shown-x), n-x
		}
	}
}

// allot says of which line of a product each unit is that a till saw without telling its tag: of those with a tag, the likeliest held first,
// and then of those without. What a till shows of these is not counted again where a tag tells of it.
func (w *World) allot(v *Visit) {
	for i := range v.Basket {
		v.Basket[i].twice = 0
	}
	for i := 0; i < len(v.Basket); i++ {
		product := v.Basket[i].Product
		tagged := func(o Item) bool { return o.EPC != "" && o.Product == product }
		if product < 0 || !tagged(v.Basket[i]) || slices.ContainsFunc(v.Basket[:i], tagged) {
			continue
		}
		paid, twice, need := 0.0, 0.0, 0.0
		for k := range v.Basket {
			if o := &v.Basket[k]; tagged(*o) {
				paid += o.Paid - o.named - o.lent
				o.Paid = o.named + o.lent
				twice += max(0, o.Held()-o.Shown)
				need += o.Unpaid()
			}
		}
		rest := v.line(product, "")
		paid = max(0, paid)
		if rest == nil && paid > need+tiny && len(v.Basket) < maxBasket { // he was not known to have so many
			rest = w.item(v, product, "")
		}
		if rest != nil {
			rest.Paid, rest.twice, paid = 0, twice, paid+rest.Paid
		}
		var all []*Item
		for k := range v.Basket {
			if o := &v.Basket[k]; tagged(*o) {
				all = append(all, o)
			}
		}
		slices.SortStableFunc(all, func(a, b *Item) int { return -cmp(int64(a.Held()*1e9), int64(b.Held()*1e9)) })
		for _, o := range all {
			n := min(paid, o.Unpaid())
			o.Paid, paid = o.Paid+n, paid-n
		}
		if rest != nil {
			rest.Paid = paid
		} else {
			all[0].Paid += paid
		}
	}
}

// units is what the visit holds of a product, paid or not.
func (v *Visit) units(product int) float64 {
	n := 0.0
	for i := range v.Basket {
		if v.Basket[i].Product == product {
			n += v.Basket[i].Held()
		}
	}
	return n
}

// line finds the line of the basket for a product, or for one of its tags, nil if there is none.
func (v *Visit) line(product int, epc string) *Item { return v.lineOf(ware{product, epc, ""}) }

func (v *Visit) lineOf(g ware) *Item {
	for i := range v.Basket {
		if it := &v.Basket[i]; it.ware() == g {
			return it
		}
	}
	return nil
}

// other notes that another visit has a share in what this one took; the smallest shares go first.
func (v *Visit) other(id string, share float64) {
	for i := range v.Others {
		if v.Others[i].Visit == id {
			v.Others[i].P = max(v.Others[i].P, share)
			return
		}
	}
	if len(v.Others) < maxOthers {
		v.Others = append(v.Others, Share{id, share})
		return
	}
	least := 0
	for i := range v.Others {
		if v.Others[i].P < v.Others[least].P {
			least = i
		}
	}
	if share > v.Others[least].P {
		v.Others[least] = Share{id, share}
	}
}
