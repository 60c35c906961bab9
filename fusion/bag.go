package fusion

import (
	"math"
	"slices"
)

// Numbers of scales at a till. All are assumptions.
const (
	bagNoise   = 2.0  // grams, of a scale that says it has none
	bagSettled = 0.9  // probability from which the load is what was scanned
	tillNoise  = 5.0  // grams, of the scale in a till
	oddSigmas  = 3.0  // a load differs from here on
	lies       = 12.0 // grams from which something lies on a scale
	maxLifted  = 8
)

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
	rung     []units   // what the till's own scale says lay there when goods were scanned, expected
	missing  []units   // what was scanned and, by that scale, was something else, expected
	odd      []units   // of that, what nothing explains
}

// shows is how many units of a product the scales of a lane show, and how many were scanned and are not there.
func (b *bag) shows(product int) (there, absent float64) {
	return max(amount(b.present, product), amount(b.rung, product)), max(amount(b.absent, product), amount(b.missing, product))
}

// vacate ends what the scale says of a sale; what still lies there is somebody's who has paid.
func (b *bag) vacate() {
	*b = bag{source: b.source, left: max(0, b.left+b.grams)}
}

// unring takes back what the till's scale has said of goods that are voided.
func (b *bag) unring(product int, n float64) {
	for _, list := range [...][]units{b.rung, b.missing, b.odd} {
		for i := range list {
			if list[i].product == product {
				list[i].n = max(0, list[i].n-n)
			}
		}
	}
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

// bagging is the lane in which a scale weighs what was scanned, manyTills where that may be one of several, −1 for a shelf: a
// bagging scale stands in a checkout zone and holds no goods of its own.
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
	if s.Grams < 0 && (b.closed || b.left >= lies) { // those who have paid take theirs away
		taken := min(b.left, -s.Grams)
		b.left -= taken
		if b.closed {
			return
		}
		s.Grams += taken
		if s.Grams > -lies {
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
	before, noise, scans := w.difference(l)
	b.grams += s.Grams
	b.variance += float64(s.SD * s.SD)
	limit := float64(oddSigmas * math.Sqrt(noise+b.variance))
	if s.Grams < 0 && before > limit && math.Abs(before+s.Grams) <= limit && len(b.hands) < maxLifted && !w.liftsVoided(l, before, limit) {
		b.hands = append(b.hands, before)
	}
	if s.Grams > 0 {
		b.putBack(s.Grams, limit)
	}
	if s.Grams > 0 && math.IsInf(scans, 1) {
		w.agree(l, 0) // that is what it weighs
	}
	w.touch(v)
	w.weighBag(k)
	w.show(k, source, s.At)
}

// liftsVoided reports whether what lies on a lane's bagging scale beside what was scanned, and is lifted off, weighs as much as goods that were
// voided and not lifted before: who does so does as he should, and voided says where they are then.
func (w *World) liftsVoided(l *lane, grams, within float64) bool {
	s := l.sale(w)
	if s == nil {
		return false
	}
	for i := range s.lines {
		line := &s.lines[i]
		for n := 1.0; n <= line.void-line.lifted; n++ {
			g, sd := w.mass(line.product, n)
			if line.grams > 0 {
				g, sd = line.grams*n/line.n, tillNoise
			}
			if g > 0 && math.Abs(grams-g) <= within+float64(oddSigmas*sd) {
				line.lifted += n
				return true
			}
		}
	}
	return false
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
	return float64(n * p.Grams), float64(n * p.sd())
}

// difference is the load on a lane's bagging scale less that of what was scanned since they last agreed, in grams, the
// variance of what was scanned, and how many units were: math.Inf(1) when nobody knows the weight of one, and the scale can
// tell nothing.
func (w *World) difference(l *lane) (grams, variance, scans float64) {
	b := &l.plate
	grams, variance = b.grams-b.balance, float64(bagNoise*bagNoise)
	s := l.sale(w)
	if s == nil {
		return grams, variance, 0
	}
	open := map[int]float64{} // read by key alone
	for i := range s.lines {
		line := &s.lines[i]
		n := line.sold() - line.bagged
		switch {
		case n == 0:
			continue
		case line.grams > 0 && line.n > 0:
			grams -= float64(line.grams * n / line.n)
			variance += float64(tillNoise * tillNoise)
		default:
			if g, _ := w.mass(line.product, 1); g == 0 {
				return 0, variance, math.Inf(1)
			}
			open[line.product] += n
		}
		scans += math.Abs(n)
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

// weighBag explains the load on a lane's bagging scale anew.
func (w *World) weighBag(k int) {
	l := &w.lanes[k]
	b := &l.plate
	if !w.weighs(k) {
		return
	}
	b.used = true
	r, variance, scans := w.difference(l)
	if math.IsInf(scans, 1) {
		b.causes, b.present, b.absent = nil, nil, nil
		return
	}
	limit := float64(oddSigmas * math.Sqrt(variance+b.variance))
	switch {
	case scans == 0 && r > limit:
		b.excess = r
	case scans == 0:
		b.excess = 0
	case b.excess > 0 && math.Abs(r-b.excess) <= limit: // what was scanned since has come, and what lay there still does
		w.agree(l, b.excess)
		r, variance = b.excess, float64(bagNoise*bagNoise)
	}
	scanned := l.scanned(w)
	held := w.heldAt(l)
	b.causes = w.explain(r, variance+b.variance, scanned, held, false)
	b.present, b.absent = b.present[:0:0], b.absent[:0:0]
	same, odd := 1.0, 0.0
	for _, c := range b.causes {
		same -= c.p
		if c.in == -1 || c.out == -1 {
			odd += c.p
		}
	}
	for _, u := range scanned {
		if g, _ := w.mass(u.product, 1); g == 0 {
			continue
		}
		n := float64((u.n - amount(b.missing, u.product)) * (1 - odd/2)) // where nothing explains the load it confirms nothing
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
		extra(w.explain(h, float64(bagNoise*bagNoise), nil, held, false))
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
			s.lines[i].bagged = s.lines[i].sold()
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
		if n := line.sold(); n > 0 && line.product >= 0 {
			l.plate.add(&all, line.product, n)
		}
	}
	return all
}

// onTillScale takes what a till's own scale says of goods that it has just scanned: whether they are what was scanned, and
// what else they may be.
func (w *World) onTillScale(l *lane, product int, n, grams float64) {
	g, sd := w.mass(product, n)
	if g == 0 || !(grams > 0 && grams < fullScale) {
		return
	}
	b := &l.plate
	r, variance := grams-g, float64(sd*sd)+float64(tillNoise*tillNoise)
	same := 1.0
	for _, c := range w.explain(r, variance, []units{{product, n}}, w.heldAt(l), true) {
		same -= c.p
		switch {
		case c.in >= 0:
			b.add(&b.rung, c.in, float64(c.p*c.n))
		case c.in == -1 || c.out == -1: // something else, whatever it is
			b.add(&b.rung, -1, float64(c.p*ownGoods))
		}
		switch {
		case c.out == product:
			b.add(&b.missing, product, float64(c.p*c.n))
		case c.out == -1 || c.in == -1:
			b.add(&b.missing, product, float64(c.p*ownGoods))
			b.add(&b.odd, product, float64(c.p*ownGoods))
		}
	}
	b.add(&b.rung, product, float64(n*max(0, same)))
}
