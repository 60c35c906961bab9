package fusion

import (
	"math"
	"slices"
)

// Priors of what explains a load on a bagging scale that differs from what was scanned. All are assumptions, to be fitted;
// science §4 asks for the classes, not for the numbers.
const (
	bagUnknown  = 0.05   // that something is there that no catalogue weight explains, or gone
	bagRange    = 5000.0 // grams over which that is spread evenly
	bagAbsent   = 0.05   // that goods which were scanned are not on the scale
	bagExtra    = 0.02   // that goods of the catalogue are there that were not scanned and that nothing else shows
	bagHeld     = 0.3    // the same of goods that the visit is known to hold unpaid,
	bagThere    = 0.7    // and of those that a device sees where the scale is
	bagSwap     = 0.1    // that held goods are there in the place of scanned ones,
	bagSwapSeen = 0.3    // and of those that a device sees where the scale is
	bagTwin     = 0.05   // that the goods which a device sees were scanned, and yet others lie there in their place
	bagBeside   = 0.1    // that what a device sees where the scale is does not lie on it
	bagMore     = 0.3    // of each further unit

	bagNoise   = 2.0  // grams, of a scale that says it has none
	bagSettled = 0.9  // probability from which the load is what was scanned
	tillNoise  = 5.0  // grams, of the scale in a till
	oddSigmas  = 3.0  // a load differs from here on
	present    = 12.0 // grams from which something lies on a scale that was left
	maxLifted  = 8
)

// none is what takes no part in a cause; goods unknown to the catalogue are −1.
const none = -2

// cause explains a difference between the load on a bagging scale and what was scanned: n units of in are there that were
// not scanned, n units of out were scanned and are not there, or one is there in the place of the other.
type cause struct {
	in, out int // indexes into Store.Products
	n, p    float64
}

// units is an amount of a product.
type units struct {
	product int
	n       float64
}

// bag is what the bagging scales of a lane say of the sale that goes on: their loads, less what lay there before, against
// the weights of what was scanned.
type bag struct {
	source   int     // the scale that spoke last
	grams    float64 // of the sale
	left     float64 // on the scale since before the sale
	balance  float64 // grams of what was scanned when the load was last explained
	excess   float64 // grams beside that, then
	variance float64 // g², of the steps since
	causes   []cause
	present  []units   // what lies there, expected
	absent   []units   // what was scanned and does not, expected
	hands    []float64 // grams of what was lifted off and had not been scanned
	closed   bool      // the sale is paid: what is lifted now is taken home
	used     bool      // it has said something of the sale
}

// vacate ends what the scale says of a sale; what still lies there is somebody's who has paid.
func (b *bag) vacate() {
	*b = bag{source: b.source, left: b.left + b.grams}
}

// amount is how many units of a product are among others.
func amount(of []units, product int) float64 {
	for _, u := range of {
		if u.product == product {
			return u.n
		}
	}
	return 0
}

// bagging is the lane in which a scale weighs what was scanned, −1 for a shelf: a bagging scale stands in a checkout zone
// and holds no goods of its own.
func (w *World) bagging(scale int) int {
	sc := &w.Store.Scales[scale]
	if sc.Zone < 0 || len(sc.Products) > 0 || w.Store.Zones[sc.Zone].Kind != Checkout {
		return -1
	}
	return w.laneOf[sc.Zone]
}

// bagged takes a settled step of a bagging scale.
func (w *World) bagged(k, scale int, s step) {
	l := &w.lanes[k]
	b := &l.plate
	source := w.Store.source[w.Store.Scales[scale].ID]
	if s.Grams < 0 && (b.closed || b.left >= present) { // those who have paid take theirs away
		taken := min(b.left, -s.Grams)
		b.left -= taken
		if b.closed {
			return
		}
		s.Grams += taken
		if s.Grams > -present {
			return
		}
	}
	if s.Grams < 0 && l.visit == 0 && l.sale(w) == nil {
		b.grams = max(0, b.grams+s.Grams)
		return
	}
	v := w.atLane(k, w.Store.Scales[scale].Zone, source, s.At)
	b = &w.lanes[k].plate
	l.at, b.source = s.At, source
	before, noise, _ := w.difference(l)
	b.grams += s.Grams
	b.variance += float64(s.SD * s.SD)
	limit := float64(oddSigmas * math.Sqrt(noise+b.variance))
	if s.Grams < 0 && before > limit && math.Abs(before+s.Grams) <= limit && len(b.hands) < maxLifted {
		b.hands = append(b.hands, before)
	}
	if s.Grams > 0 {
		b.putBack(s.Grams, limit)
	}
	w.touch(v)
	w.weigh(k)
	w.show(k, source, s.At)
}

// putBack forgets what was lifted off when as much comes back or is scanned.
func (b *bag) putBack(grams, within float64) {
	if i := slices.IndexFunc(b.hands, func(h float64) bool { return math.Abs(h-grams) <= within }); i >= 0 {
		b.hands = slices.Delete(b.hands, i, i+1)
	}
}

// mass is the weight of n units of a product in grams, and its standard deviation: units of a product differ from the
// catalogue together, since it is the catalogue that is off (assumption). 0: not known.
func (w *World) mass(product int, n float64) (grams, sd float64) {
	if product < 0 || w.Store.Products[product].Grams <= 0 {
		return 0, 0
	}
	p := &w.Store.Products[product]
	one := p.GramsSD
	if one <= 0 {
		one = max(p.Grams/100, 2)
	}
	return float64(n * p.Grams), float64(n * one)
}

// difference is the load on a lane's bagging scale less that of what was scanned since they last agreed, in grams, the
// variance of what was scanned, and whether anything was. Goods whose weight nobody knows make it 0: then the scale can tell
// nothing.
func (w *World) difference(l *lane) (grams, variance float64, scans bool) {
	b := &l.plate
	grams, variance = b.grams-b.balance, float64(bagNoise*bagNoise)
	s := l.sale(w)
	if s == nil {
		return grams, variance, false
	}
	open := map[int]float64{} // read by key alone
	for i := range s.lines {
		line := &s.lines[i]
		n := line.n - line.void - line.bagged
		switch {
		case n == 0:
			continue
		case line.grams > 0 && line.n > 0:
			grams -= float64(line.grams * n / line.n)
			variance += float64(tillNoise * tillNoise)
		default:
			if g, _ := w.mass(line.product, 1); g == 0 {
				return 0, variance, true
			}
			open[line.product] += n
		}
		scans = true
	}
	for i := range s.lines { // in the order of their lines, each product once
		product := s.lines[i].product
		if n, ok := open[product]; ok {
			g, sd := w.mass(product, n)
			grams, variance = grams-g, variance+float64(sd*sd)
			delete(open, product)
		}
	}
	return grams, variance, scans
}

// weighs reports whether a bagging scale of the lane is alive.
func (w *World) weighs(k int) bool {
	for i := range w.Store.Scales {
		if live := &w.live[w.Store.source[w.Store.Scales[i].ID]]; w.bagging(i) == k && live.first != 0 && !live.off {
			return true
		}
	}
	return false
}

// weigh explains the load on a lane's bagging scale anew.
func (w *World) weigh(k int) {
	l := &w.lanes[k]
	b := &l.plate
	if !w.weighs(k) {
		return
	}
	b.used = true
	r, variance, scans := w.difference(l)
	limit := float64(oddSigmas * math.Sqrt(variance+b.variance))
	switch {
	case !scans && r > limit:
		b.excess = r
	case !scans:
		b.excess = 0
	case b.excess > 0 && math.Abs(r-b.excess) <= limit: // what was scanned since has come, and what lay there still does
		w.agree(l, b.excess)
		r, variance = b.excess, float64(bagNoise*bagNoise)
	}
	scanned := l.scanned(w)
	held := w.heldAt(l)
	b.causes = w.explain(r, variance+b.variance, scanned, held)
	b.present, b.absent = b.present[:0:0], b.absent[:0:0]
	same, odd := 1.0, 0.0
	for _, c := range b.causes {
		same -= c.p
		if c.in == -1 || c.out == -1 {
			odd += c.p
		}
	}
	for _, u := range scanned {
		n := float64(u.n * (1 - odd/2)) // where nothing explains the load it confirms nothing
		gone := 0.0
		for _, c := range b.causes {
			if c.out == u.product {
				gone += float64(c.p * c.n)
			}
		}
		b.add(&b.present, u.product, max(0, n-gone))
		b.add(&b.absent, u.product, min(u.n, gone))
	}
	extra := func(causes []cause) {
		for _, c := range causes {
			switch {
			case c.in >= 0:
				b.add(&b.present, c.in, float64(c.p*c.n))
			case c.in == -1:
				b.add(&b.present, -1, float64(c.p*ownGoods))
			}
		}
	}
	extra(b.causes)
	for _, h := range b.hands {
		extra(w.explain(h, float64(bagNoise*bagNoise), nil, held))
	}
	if same < bagSettled {
		return
	}
	w.agree(l, 0)
}

// agree notes that all that was scanned lies on the scale, and so much beside it.
func (w *World) agree(l *lane, excess float64) {
	b := &l.plate
	b.balance, b.excess, b.variance = b.grams-excess, excess, 0
	if s := l.sale(w); s != nil {
		for i := range s.lines {
			s.lines[i].bagged = s.lines[i].n - s.lines[i].void
		}
	}
}

func (b *bag) add(to *[]units, product int, n float64) {
	if n < 0.02 {
		return
	}
	for i := range *to {
		if u := &(*to)[i]; u.product == product {
			u.n = round9(u.n + n)
			return
		}
	}
	*to = append(*to, units{product, round9(n)})
}

// scanned lists what the sale in a lane has scanned and not voided.
func (l *lane) scanned(w *World) []units {
	s := l.sale(w)
	if s == nil {
		return nil
	}
	var all []units
	for i := range s.lines {
		line := &s.lines[i]
		if n := line.n - line.void; n > 0 && line.product >= 0 {
			l.plate.add(&all, line.product, n)
		}
	}
	return all
}

// heldUnits is what a visit holds unpaid, by all but the bagging scale.
type heldUnits struct {
	units
	there bool // a device sees it in a zone of a bagging scale
	twin  bool // the same goods are scanned and seen: others in their place are unlikely
}

func (w *World) heldAt(l *lane) []heldUnits {
	var all []heldUnits
	v := w.visit(l.visit)
	if v == nil {
		return nil
	}
	add := func(product int) {
		if product < 0 || slices.ContainsFunc(all, func(h heldUnits) bool { return h.product == product }) {
			return
		}
		shown := max(l.seen(product, ""), l.tagged(product))
		n, paid := 0.0, 0.0
		for i := range v.Basket {
			if it := &v.Basket[i]; it.Product == product {
				n, paid = n+it.N, paid+it.Paid
			}
		}
		n = max(n, shown)
		h := heldUnits{units: units{product, max(0, n-paid)}, twin: shown >= 0.5 && paid > 0}
		for i := range l.goods {
			g := &l.goods[i]
			h.there = h.there || g.product == product && slices.ContainsFunc(w.Store.Scales, func(sc Scale) bool {
				return sc.Zone == g.zone && len(sc.Products) == 0
			})
		}
		if h.n > 0.02 || h.twin {
			all = append(all, h)
		}
	}
	for i := range v.Basket {
		add(v.Basket[i].Product)
	}
	for i := range l.goods {
		add(l.goods[i].product)
	}
	return all
}

// explain lists what may explain a difference of r grams with a variance, by probability; what is missing to 1 is that the
// load is what was scanned. The likelihood of each is normal in what it leaves unexplained; that of unknown goods is spread
// evenly over bagRange.
func (w *World) explain(r, variance float64, scanned []units, held []heldUnits) []cause {
	var all []cause
	total := 0.0
	try := func(c cause, prior, g, sd float64) {
		s := math.Sqrt(variance + float64(sd*sd))
		z := (r - g) / s
		if c.p = float64(prior*round9(math.Exp(-float64(z*z)/2))) / s; c.p > 0 {
			all = append(all, c)
			total += c.p
		}
	}
	beside := 1.0 // the load says nothing of what is seen there
	for _, h := range held {
		if h.there {
			beside = float64(beside * (1 - float64((1-bagBeside)*min(1, h.n))))
		}
	}
	try(cause{in: none, out: none}, beside, 0, 0)
	for _, u := range scanned {
		for n := 1.0; n <= min(u.n, maxEach); n++ {
			if g, sd := w.mass(u.product, n); g > 0 {
				try(cause{in: none, out: u.product, n: n}, float64(bagAbsent*beside), -g, sd)
			}
		}
	}
	for _, h := range held {
		extra, swap := bagHeld, bagSwap
		if h.there {
			extra, swap = bagThere, bagSwapSeen
		}
		more := float64(extra * min(1, h.n))
		for n := 1.0; n < h.n+1 && n <= maxEach; n++ {
			if g, sd := w.mass(h.product, n); g > 0 && more > 0 {
				try(cause{in: h.product, out: none, n: n}, more, g, sd)
			}
			if n+1 > h.n {
				more = float64(more * bagMore)
			}
		}
		for _, u := range scanned {
			prior := float64(swap * min(1, h.n))
			if slices.ContainsFunc(held, func(o heldUnits) bool { return o.product == u.product && o.twin }) {
				prior = float64(prior * bagTwin)
			}
			g, sd := w.mass(h.product, 1)
			if o, osd := w.mass(u.product, 1); g > 0 && o > 0 && u.product != h.product && prior > 0 {
				try(cause{in: h.product, out: u.product, n: 1}, prior, g-o, math.Sqrt(float64(sd*sd)+float64(osd*osd)))
			}
		}
	}
	if r > 0 {
		w.fromCatalogue(r, variance, held, try)
	}
	odd := cause{in: -1, out: none, n: 1, p: float64(bagUnknown * math.Sqrt(2*math.Pi) / bagRange)}
	if r < 0 {
		odd.in, odd.out = none, -1
	}
	if math.Abs(r) > float64(oddSigmas*math.Sqrt(variance)) {
		all, total = append(all, odd), total+odd.p
	}
	kept := all[:0]
	for _, c := range all {
		c.p = round9(c.p / total)
		if c.p >= minShare && (c.in != none || c.out != none) {
			kept = append(kept, c)
		}
	}
	return kept
}

// fromCatalogue tries goods of which nothing but their weight speaks.
func (w *World) fromCatalogue(r, variance float64, held []heldUnits, try func(cause, float64, float64, float64)) {
	prior := bagExtra / float64(max(1, len(w.Store.Products)))
	for i := range w.Store.Products {
		if slices.ContainsFunc(held, func(h heldUnits) bool { return h.product == i && h.n > 0.02 }) {
			continue
		}
		more := prior
		for n := 1.0; n <= 3; n++ {
			g, sd := w.mass(i, n)
			if d := r - g; g > 0 && float64(d*d) <= float64(25*(variance+float64(sd*sd))) {
				try(cause{in: i, out: none, n: n}, more, g, sd)
			}
			more = float64(more * bagMore)
		}
	}
}
