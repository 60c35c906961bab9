// Package baseline finds thefts in the simple ways that Magpie is measured against (architecture: evaluation). Each reads
// the decoded messages in the order of their arrival, as such programs do, and knows nothing of fusion: no watermark, no
// joined tracks, no clocks, no probabilities.
package baseline

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"magpie/fusion"
)

// Said is that somebody, a camera's track, may be stealing.
type Said struct {
	Tracks []string // camera/track
	Person int      // of those whom the baseline took to be one, by tracks that follow one another
	At     int64    // arrival, ns
	Score  float64
	SKUs   []string
}

// A Watcher is a baseline at work in one store.
type Watcher interface {
	// Add takes the next message, in the order of arrival.
	Add(m *fusion.Message)
	// Said is what it has said so far, in the order of arrival.
	Said() []Said
}

// A Baseline is one simple way to find thefts.
type Baseline struct {
	Name string // as tables show it
	What string
	New  func(s *fusion.Store) Watcher
}

// All are the baselines, in the order of tables.
func All() []Baseline {
	return []Baseline{
		{"B0 seed's rule", "somebody near the way in with unsold goods within reach", newSeed},
		{"B1 gate", "an unsold tag is read at the way out; whoever is nearest", newGate},
		{"camera alone", "stood at shelves and leaves without having stood at a till", newLooker},
		{"plates alone", "the most that was taken within half a minute; whoever was nearest", newSweeper},
		{"tills alone", "goods voided, refunded or left open in one session; whoever was there", newCashier},
		{"B3 AND in 5 s", "goods taken or tag read, and somebody at the way out, in one window of arrival", newWindow},
		{"B4 plate, nearest, exit", "what the nearest person took and no till scanned while they were there, at the way out", newBasket},
	}
}

// floor is where everybody was seen last.
type floor struct {
	store  *fusion.Store
	walk   map[string]*walker
	people int
	said   []Said
	best   map[int]float64 // what was said of each person
	sold   map[int]int     // units by product
	paid   map[string]bool // EPCs
}

// walker is a track.
type walker struct {
	*person
	track string
	at    fusion.Point
	seen  int64 // of arrival
	zone  int   // −1: none
}

// person is who the tracks that follow one another closely are taken to be.
type person struct {
	number int
	ts     int64       // of a camera
	held   map[int]int // units by product that they took
	shelf  int64       // ns at shelves
	till   int64       // ns at tills
}

func newFloor(s *fusion.Store) floor {
	return floor{store: s, walk: map[string]*walker{}, best: map[int]float64{}, sold: map[int]int{}, paid: map[string]bool{}}
}

func (f *floor) Said() []Said { return f.said }

// say says what is more than was said of that person before.
func (f *floor) say(w *walker, at int64, score float64, skus ...string) {
	if score > f.best[w.number] {
		f.best[w.number] = score
		f.said = append(f.said, Said{[]string{w.track}, w.number, at, score, skus})
	}
}

// see takes positions, and returns who moved.
func (f *floor) see(m *fusion.Message) (moved []*walker) {
	if m.Kind != fusion.Tracks {
		return nil
	}
	for i := range m.Events {
		e := &m.Events[i]
		if !e.HasFloor || e.Action == fusion.Lost {
			continue
		}
		track := f.store.Sources[e.Source].ID + "/" + e.ID
		w := f.walk[track]
		if w == nil {
			w = &walker{track: track, zone: -1, person: f.before(m.Received, e)}
			f.walk[track] = w
		}
		if d := e.TS - w.ts; d > 0 && d < 2e9 && w.zone >= 0 {
			switch f.store.Zones[w.zone].Kind {
			case fusion.Aisle, fusion.HighValue:
				w.shelf += d
			case fusion.Checkout:
				w.till += d
			}
		}
		w.at, w.seen, w.zone = e.Floor, m.Received, f.zone(e.Floor)
		w.ts = max(w.ts, e.TS)
		moved = append(moved, w)
	}
	if len(f.walk) > 2000 {
		maps.DeleteFunc(f.walk, func(_ string, w *walker) bool { return m.Received-w.seen > 120e9 })
	}
	return moved
}

// before is whom a new track goes on with: another camera's nearest, or one of the same camera that broke off, within a metre.
func (f *floor) before(received int64, e *fusion.Event) *person {
	camera := f.store.Sources[e.Source].ID + "/"
	w := f.nearest(received, 1, func(p fusion.Point) float64 { return math.Hypot(p.X-e.Floor.X, p.Y-e.Floor.Y) }, func(w *walker) bool {
		return !strings.HasPrefix(w.track, camera) || received-w.seen > 3e8
	})
	if w == nil {
		f.people++
		return &person{number: f.people, ts: e.TS, held: map[int]int{}}
	}
	return w.person
}

func (f *floor) zone(p fusion.Point) int {
	for i := range f.store.Zones {
		if fusion.Contains(f.store.Zones[i].Polygon, p) {
			return i
		}
	}
	return -1
}

// scans counts what tills sold.
func (f *floor) scans(m *fusion.Message) {
	if m.Kind != fusion.TillKind {
		return
	}
	for i := range m.Events {
		e := &m.Events[i]
		n := int(math.Round(max(1, e.Qty)))
		switch e.Action {
		case fusion.Scan:
			f.sold[f.product(e.SKU, e.EPC)] += n
			f.paid[e.EPC] = true
		case fusion.Void:
			f.sold[f.product(e.SKU, e.EPC)] -= n
			delete(f.paid, e.EPC)
		}
	}
}

// product is that of a SKU or a tag, −1 for none.
func (f *floor) product(sku, epc string) int {
	if p := f.store.ProductIndex(fusion.GTIN14(sku)); p >= 0 {
		return p
	}
	if gtin, _, _, ok := fusion.DecodeEPC(epc); ok {
		return f.store.ProductIndex(gtin)
	}
	return -1
}

// nearest is who was seen nearest to a place within some metres and the last three seconds, nil for nobody.
func (f *floor) nearest(received int64, within float64, distance func(p fusion.Point) float64, fits ...func(w *walker) bool) (best *walker) {
	least := math.Inf(1)
	for _, w := range f.walk {
		if received-w.seen > 3e9 || len(fits) > 0 && !fits[0](w) {
			continue
		}
		if d := distance(w.at); d <= within && (d < least || d == least && w.track < best.track) {
			best, least = w, d
		}
	}
	return best
}

func (f *floor) inZone(z int) func(p fusion.Point) float64 {
	return func(p fusion.Point) float64 { return fusion.Distance(f.store.Zones[z].Polygon, p) }
}

func (f *floor) sku(product int) []string {
	if product < 0 {
		return nil
	}
	return []string{f.store.Products[product].Written}
}

// steps finds what was taken from and put on a plate: the load rests, and differs from where it rested before.
type steps struct {
	store  *fusion.Store
	plates map[int]*plate
}

type plate struct {
	last   []float64
	rested float64
	known  bool
}

// taken is how many units of what product a message says were taken, less than zero for put down, and where.
func (s *steps) taken(m *fusion.Message, each func(units, product int, at fusion.Point)) {
	if m.Kind != fusion.Weight {
		return
	}
	for i := range m.Events {
		e := &m.Events[i]
		k := slices.IndexFunc(s.store.Scales, func(p fusion.Scale) bool { return p.ID == s.store.Sources[e.Source].ID })
		if k < 0 || len(s.store.Scales[k].Products) == 0 {
			continue
		}
		scale := &s.store.Scales[k]
		change := e.Grams
		if !e.Change {
			p := s.plates[e.Source]
			if p == nil {
				p = &plate{}
				s.plates[e.Source] = p
			}
			if p.last = append(p.last, e.Grams); len(p.last) > 5 {
				p.last = p.last[1:]
			}
			low, high := slices.Min(p.last), slices.Max(p.last)
			if len(p.last) < 5 || high-low > 8 {
				continue
			}
			middle := (low + high) / 2
			if !p.known {
				p.known, p.rested = true, middle
			}
			change = middle - p.rested
			if math.Abs(change) < 12 {
				continue
			}
			p.rested = middle
		}
		product, units, off := -1, 0, math.Inf(1)
		for _, g := range scale.Products { // the whole number of one product that fits best
			if grams := s.store.Products[g].Grams; grams > 0 {
				n := math.Round(-change / grams)
				if d := math.Abs(change + float64(n*grams)); n != 0 && d < off {
					product, units, off = g, int(n), d
				}
			}
		}
		if units != 0 {
			each(units, product, fusion.Point{X: scale.At[0], Y: scale.At[1]})
		}
	}
}

func near(at fusion.Point) func(p fusion.Point) float64 {
	return func(p fusion.Point) float64 { return math.Hypot(p.X-at.X, p.Y-at.Y) }
}

func sorted(held map[int]int) []int {
	return slices.SortedFunc(maps.Keys(held), func(a, b int) int { return cmp.Compare(a, b) })
}
