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
)

// none is what takes no part in a cause; goods unknown to the catalogue are −1.
const none = -2

// cause explains a difference between the load on a bagging scale and what was scanned: n units of in are there that were
// not scanned, n units of out were scanned and are not there, or one is there in the place of the other.
type cause struct {
	in, out int // indexes into Store.Products
	n, p    float64
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
		shown := max(l.seen(ware{product: product}), l.tagged(product))
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
// evenly over bagRange. With swaps, anything dearer of the catalogue may lie there in the place of what was scanned.
func (w *World) explain(r, variance float64, scanned []units, held []heldUnits, swaps bool) []cause {
	var all []cause
	total := 0.0
	weigh := func(c cause, prior, g, sd, wide float64) {
		z := (r - g) / math.Sqrt(variance+float64(sd*sd))
		if c.p = float64(prior*round9(math.Exp(-float64(z*z)/2))) / wide; c.p > 0 {
			all = append(all, c)
			total += c.p
		}
	}
	try := func(c cause, prior, g, sd float64) { weigh(c, prior, g, sd, math.Sqrt(variance+float64(sd*sd))) }
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
				// The load was right for the one when it came: it is as near for the other, as far as the catalogue tells them apart.
				weigh(cause{in: h.product, out: u.product, n: 1}, prior, g-o, math.Sqrt(float64(sd*sd)+float64(osd*osd)), math.Sqrt(variance))
			}
		}
	}
	if r > 0 {
		w.fromCatalogue(r, variance, held, try)
	}
	if swaps {
		w.swapped(r, variance, scanned, weigh)
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

// swapped tries goods of the catalogue in the place of what was scanned.
func (w *World) swapped(r, variance float64, scanned []units, weigh func(c cause, prior, g, sd, wide float64)) {
	prior := bagExtra / float64(max(1, len(w.Store.Products)))
	for _, u := range scanned {
		o, osd := w.mass(u.product, 1)
		for i := range w.Store.Products {
			g, sd := w.mass(i, 1)
			if g > 0 && o > 0 && w.Store.Products[i].Price > w.Store.Products[u.product].Price {
				weigh(cause{in: i, out: u.product, n: 1}, prior, g-o, math.Sqrt(float64(sd*sd)+float64(osd*osd)), math.Sqrt(variance))
			}
		}
	}
}
