package fusion

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// Point is a place on the floor plan in metres.
type Point struct{ X, Y float64 }

// ZoneKind is what a zone is for.
type ZoneKind uint8

// The kinds of zone that a site file may name, in the order of the contract.
const (
	Entrance ZoneKind = iota
	Exit
	Aisle
	Checkout
	Fitting
	Stockroom
	Restricted
	HighValue
)

// ZoneKinds gives the word of each ZoneKind as site files and policies write it.
var ZoneKinds = [...]string{"entrance", "exit", "aisle", "checkout", "fitting", "stockroom", "restricted", "high-value"}

func (k ZoneKind) String() string { return ZoneKinds[k] }

// Zone is a named polygon on the floor plan. Out, when given, is the edge beyond which is outside the store.
type Zone struct {
	ID      string
	Kind    ZoneKind
	Polygon []Point
	Out     []Point // none, or the two ends of one edge
}

// Camera says what part of the floor a camera sees. Sees nil means every zone.
type Camera struct {
	ID   string
	Sees []Point
	Eye  [3]float64 // where it hangs: x, y and height in metres; zero: not known
}

// Reader is an RFID reader; Antennas gives each antenna's zone as an index into Store.Zones.
type Reader struct {
	ID       string
	Antennas map[int]int
}

// Scale is one plate of a weighing shelf. At is the middle of the plate in metres (x, y, height); Size its extent.
// Products are indexes into Store.Products, the planogram of that plate, the first one first.
type Scale struct {
	ID       string
	Zone     int
	At       [3]float64
	Size     [2]float64
	Products []int
}

// Till is a checkout; Self means that customers scan.
type Till struct {
	ID   string
	Zone int
	Self bool
}

// Device is any other source with its place: a gate, a counter, a signal (Rule is the maker's name for it). Zone is -1
// where the device names none.
type Device struct {
	ID   string
	Kind Kind
	Zone int
	Rule string
}

// Product is one line of the catalogue. Price is in hundredths of the site's currency, weights in grams.
type Product struct {
	SKU       string // GTIN-14, zeros on the left
	Written   string // the SKU as the catalogue writes it; what outputs show
	Name      string
	Category  string
	Style     string
	Price     int64
	Grams     float64
	GramsSD   float64
	Tagged    bool
	EPCPrefix string // EPCs (hex, upper case) that begin so are this product, beside those whose SGTIN says so
}

// sd is the standard deviation of what one unit weighs, in grams; where the catalogue tells none a hundredth of it, and 2 at least (assumption).
func (p *Product) sd() float64 {
	if p.GramsSD > 0 {
		return p.GramsSD
	}
	return max(p.Grams/100, 2)
}

// Numbers are what a product goes by, each a GTIN-14 or as long as one: its SKU, and the shop's own number where a GTIN stands in for that.
func (p *Product) Numbers() []string {
	if own := GTIN14(p.Written); p.Written != "" && own != p.SKU {
		return []string{p.SKU, own}
	}
	return []string{p.SKU}
}

// Task is planned work of staff: between From and To (ns) in Zone.
type Task struct {
	From, To int64
	Zone     int
	What     string
}

// Staff says how staff are told from customers: badge EPCs (tag URIs, a trailing * matches any rest), zones they start
// in, planned tasks.
type Staff struct {
	Badges   []string
	StartsIn []int
	Tasks    []Task
	Tracks   []string // tracks, of any camera, that are known to be staff: how a test names them
}

// Hours is one day's opening time in minutes after local midnight; From == To means closed all day.
type Hours struct{ From, To int }

// Source is one device that emits events.
type Source struct {
	ID       string
	Kind     Kind
	Lateness int64 // longest delay from ts to arrival, ns
	Every    int64 // expected time between signs of life, ns; a status message may change it
	Zones    []int // the zones it can perceive, ascending; empty: none known
}

// Store is the description of one store: plain values that nothing changes after Index.
type Store struct {
	ID       string
	Currency string
	Location *time.Location
	Hours    [7]Hours // by time.Weekday; all zero values mean always open
	Zones    []Zone
	Cameras  []Camera
	Readers  []Reader
	Scales   []Scale
	Tills    []Till
	Devices  []Device
	Products []Product
	Staff    Staff

	// HideForeign keeps tags that are not in Products out of every output.
	HideForeign bool

	// Sources lists every device, sorted by ID; an Event names one by its index. Index fills the rest.
	Sources []Source

	source  map[string]int
	zone    map[string]int
	sku     map[string]int
	name    map[string]int // of products, in lower case; -1: several have it
	scale   []int          // by source: index into Scales, -1
	reader  []int
	till    []int
	device  []int
	camera  []int
	boxes   []box // by zone
	rooms   rooms
	maxLate int64
	median  int64 // of the prices of products that have one, in hundredths
}

// Index sorts the sources and builds the look-ups. Call it once, after every field is set.
func (s *Store) Index() {
	sort.Slice(s.Sources, func(i, j int) bool { return s.Sources[i].ID < s.Sources[j].ID })
	s.source, s.zone, s.sku = map[string]int{}, map[string]int{}, map[string]int{}
	s.maxLate = 0
	none := func() []int {
		t := make([]int, len(s.Sources))
		for i := range t {
			t[i] = -1
		}
		return t
	}
	s.scale, s.reader, s.till, s.device, s.camera = none(), none(), none(), none(), none()
	for i, c := range s.Sources {
		s.source[c.ID] = i
		s.maxLate = max(s.maxLate, c.Lateness)
	}
	s.boxes = make([]box, len(s.Zones))
	for i, z := range s.Zones {
		s.zone[z.ID] = i
		s.boxes[i] = boxOf(z.Polygon)
	}
	s.findRooms()
	s.name = map[string]int{}
	var prices []int64
	for i, p := range s.Products {
		if p.Price > 0 {
			prices = append(prices, p.Price)
		}
		for _, n := range p.Numbers() {
			s.sku[n] = i
		}
		if n := strings.ToLower(p.Name); n != "" {
			if _, twice := s.name[n]; twice {
				i = -1
			}
			s.name[n] = i
		}
	}
	s.median = 0
	if slices.Sort(prices); len(prices) > 0 {
		s.median = prices[len(prices)/2]
	}
	mark := func(table []int, id string, i int) {
		if n, ok := s.source[id]; ok {
			table[n] = i
		}
	}
	for i, d := range s.Scales {
		mark(s.scale, d.ID, i)
	}
	for i, d := range s.Readers {
		mark(s.reader, d.ID, i)
	}
	for i, d := range s.Tills {
		mark(s.till, d.ID, i)
	}
	for i, d := range s.Devices {
		mark(s.device, d.ID, i)
	}
	for i, d := range s.Cameras {
		mark(s.camera, d.ID, i)
	}
}

// SourceIndex returns the index of a source by its id, or -1.
func (s *Store) SourceIndex(id string) int { return find(s.source, id) }

// ZoneIndex returns the index of a zone by its id, or -1.
func (s *Store) ZoneIndex(id string) int { return find(s.zone, id) }

// ProductIndex returns the index of a product by one of its numbers, as GTIN-14, or -1.
func (s *Store) ProductIndex(gtin14 string) int { return find(s.sku, gtin14) }

// named is the product that a word names by its SKU, or by its name in any case; -1 if none or several have it.
func (s *Store) named(word string) int {
	if i := find(s.sku, GTIN14(word)); i >= 0 {
		return i
	}
	return find(s.name, strings.ToLower(word))
}

// MaxLateness is the largest lateness of any source, in ns: what the watermark stays behind the newest arrival.
func (s *Store) MaxLateness() int64 { return s.maxLate }

func find(m map[string]int, id string) int {
	if i, ok := m[id]; ok {
		return i
	}
	return -1
}

// GTIN14 pads a SKU with zeros on the left to the 14 digits in which SKUs are compared; anything that is not all digits
// or is longer stays as it is.
func GTIN14(sku string) string {
	if len(sku) >= 14 || sku == "" {
		return sku
	}
	for _, c := range []byte(sku) {
		if c < '0' || c > '9' {
			return sku
		}
	}
	return "00000000000000"[len(sku):] + sku
}
