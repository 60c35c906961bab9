package fusion

import (
	"math"
	"slices"
	"sort"
)

// Item is one line of a basket: goods that the visit may hold, as expectations.
type Item struct {
	Product int     // index into Store.Products; -1: goods that the catalogue does not know
	EPC     string  // bound tag, "" for goods known by weight or scan alone
	N       float64 // expected units held
	Paid    float64 // expected units of those that a till has seen
	Doubt   float64 // of N, units that may as well be another product of the same plate
	Owner   float64 // the largest share of the visit in any fact behind it, 0–1
	At      int64   // newest fact behind it, ns

	known float64 // units of a line with a tag that are known by more than the tag's moving
}

// Unpaid is the expected number of units that no till has seen.
func (i *Item) Unpaid() float64 { return max(0, i.N-i.Paid) }

// PUnpaid is the probability that at least one unit is held that no till has seen, 0–1.
func (i *Item) PUnpaid() float64 { return min(1, i.Unpaid()) }

// item returns the line of the basket for goods, making it if need be: in a full basket in place of the line that matters
// least, the oldest of those with the fewest units.
func (w *World) item(v *Visit, product int, epc string) *Item {
	least := 0
	for i := range v.Basket {
		it, l := &v.Basket[i], &v.Basket[least]
		if it.Product == product && it.EPC == epc {
			return it
		}
		n, m := max(it.N, it.Paid), max(l.N, l.Paid)
		if n < m || n == m && it.At < l.At {
			least = i
		}
	}
	if len(v.Basket) == maxBasket {
		w.evicted++
		v.Basket = slices.Delete(v.Basket, least, least+1)
	}
	v.Basket = append(v.Basket, Item{Product: product, EPC: epc})
	return &v.Basket[len(v.Basket)-1]
}

// claim is a visit's part in an event that somebody did.
type claim struct {
	visit *Visit
	share float64
}

// Parameters of who did something at a place (science §4): reach of an arm from the foot point, its spread, the spread of
// a hand's position, the spread in time between the event and when the person was seen, and the weight of a person whom no
// camera saw.
const (
	reach      = 0.8 // metres
	sigmaReach = 0.5 // metres
	sigmaHand  = 0.25
	sigmaSeen  = 1.0 // seconds
	unseen     = 0.05
	minShare   = 0.02
)

// claims shares an event at a place and time among the visits that can have done it; what is missing to 1 is the person
// whom no camera saw. Order: largest share first, then the older visit.
func (w *World) claims(p Point, at int64) []claim {
	var c []claim
	sum := unseen
	for _, v := range w.visits {
		q, gap, ok := v.at(at)
		if !ok {
			continue
		}
		d := max(0, q.distance(p)-reach)
		if d > 4*sigmaReach {
			continue
		}
		l := float64(likelihood(d, sigmaReach) * likelihood(float64(gap)/1e9, sigmaSeen))
		c = append(c, claim{v, l})
		sum += l
	}
	return shares(c, sum)
}

func shares(c []claim, sum float64) []claim {
	kept := c[:0]
	for _, x := range c {
		x.share /= sum
		if x.share >= minShare {
			kept = append(kept, x)
		}
	}
	sort.SliceStable(kept, func(i, j int) bool { return kept[i].share > kept[j].share })
	return kept
}

// likelihood is exp(−d²/2σ²), rounded so that every machine gets the same.
func likelihood(d, sigma float64) float64 {
	z := d / sigma
	return round9(math.Exp(-float64(z*z) / 2))
}

func round9(x float64) float64 { return math.Round(x*1e9) / 1e9 }

func (w *World) foldWeight(e *Event) {
	i := w.Store.scale[e.Source]
	if i < 0 {
		return
	}
	if s, ok := w.plates.add(i, e.TS, e.Grams, e.Change); ok {
		w.step(i, s)
	}
}

// step makes a settled step of a plate somebody's pick or put-back.
func (w *World) step(scale int, s step) {
	sc := &w.Store.Scales[scale]
	source := w.Store.source[sc.ID]
	near := w.claims(Point{sc.At[0], sc.At[1]}, s.At)
	var held []Item
	for _, c := range near {
		held = append(held, c.visit.Basket...)
	}
	for _, g := range infer(sc, w.Store.Products, s.Grams, s.SD, held) {
		n := float64(abs(int64(g.N)))
		f := Fact{At: s.At, Kind: FactPicked, Source: source, Zone: sc.Zone, Product: g.Product, N: float64(n * g.P), P: g.P}
		if g.N > 0 {
			f.Kind = FactPutBack
		}
		w.note(f)
		if f.Kind == FactPicked {
			w.picked(f, near)
		} else {
			w.putBack(f, near)
		}
	}
}

func (w *World) picked(f Fact, near []claim) {
	for i, c := range near {
		w.take(c.visit, f, c.share)
		for j, o := range near {
			if i != j && o.share >= 0.1 {
				c.visit.other(o.visit.ID, o.share)
			}
		}
		w.add(c.visit, f, c.share)
	}
}

// sure is the probability from which goods of a pick are taken to be what they seem.
const sure = 0.9

// take adds a share of picked goods to a basket; goods that a till has already seen stay paid.
func (w *World) take(v *Visit, f Fact, share float64) {
	n := float64(f.N * share)
	it := w.item(v, f.Product, "")
	it.N += n
	it.Owner = max(it.Owner, share)
	it.At = w.now
	if f.P < sure {
		it.Doubt += n
	}
	w.collapse(v)
}

// collapse lets a till say what a scale could not: a scan beyond what is held of a product was of units that the scale may
// as well have taken for another product of the same plate.
func (w *World) collapse(v *Visit) {
	for i := range v.Basket {
		scanned := &v.Basket[i]
		for j := range v.Basket {
			it := &v.Basket[j]
			n := min(scanned.Paid-scanned.N, it.Unpaid(), it.Doubt)
			if i == j || n <= 0 || it.EPC != "" || scanned.EPC != "" || !w.Store.samePlate(it.Product, scanned.Product) {
				continue
			}
			it.N, it.Doubt, it.At = it.N-n, it.Doubt-n, w.now
			scanned.N, scanned.Owner = scanned.N+n, max(scanned.Owner, it.Owner)
		}
	}
}

// samePlate reports whether two products lie on one plate.
func (s *Store) samePlate(a, b int) bool {
	for i := range s.Scales {
		p := s.Scales[i].Products
		if slices.Contains(p, a) && slices.Contains(p, b) {
			return true
		}
	}
	return false
}

// putBack takes goods out of the baskets of those near, in proportion to what each holds of them and can have done it.
func (w *World) putBack(f Fact, near []claim) {
	sum := 0.0
	part := make([]float64, len(near))
	for i, c := range near {
		for _, it := range c.visit.Basket {
			if it.Product == f.Product {
				part[i] += float64(c.share * it.N)
			}
		}
		sum += part[i]
	}
	for i, c := range near {
		share := c.share
		if sum > 0 {
			share = part[i] / sum
		}
		left := float64(f.N * share)
		for j := range c.visit.Basket {
			it := &c.visit.Basket[j]
			if it.Product != f.Product || left <= 0 {
				continue
			}
			n := min(left, it.N)
			it.N, left, it.At = it.N-n, left-n, w.now
			it.known = min(it.known, it.N)
		}
		if share >= minShare {
			w.add(c.visit, f, share)
		}
	}
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
