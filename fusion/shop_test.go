package fusion

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// monday is 2026-01-05T10:00:00Z in ns: second 0 of these tests.
var monday = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC).UnixNano()

func at(seconds float64) int64 { return monday + int64(math.Round(seconds*1000))*1e6 }

// Zones of the corner shop, as indexes: two doors to the street at y = 0.
const (
	inZone = iota
	aisleZone
	tillZone
	doorZone
	stockZone
)

// Its products: two that a scale knows, one that only tags know.
const (
	sauce = iota
	salt
	jacket
)

const (
	sauceTag   = "303404579800D6800004CB2F" // of GTIN 00071142008582
	otherTag   = "303404579800D6800004CB30"
	jacketTag  = "AABB00000000000000000001"
	foreign    = "E2801160600002054321ABCD"
	staffBadge = "341400C4B8000000000004D2" // urn:epc:id:giai:…
)

// cornerShop is the shop of the contract's example with a second camera and a stockroom.
func cornerShop() *Store {
	square := func(x, y, w, h float64) []Point {
		return []Point{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}
	}
	all := []int{inZone, aisleZone, tillZone, doorZone, stockZone}
	s := &Store{ID: "s042", Currency: "GBP", HideForeign: true,
		Zones: []Zone{
			inZone:    {ID: "in-1", Kind: Entrance, Polygon: square(0, 0, 3, 2), Out: []Point{{0, 0}, {3, 0}}},
			aisleZone: {ID: "aisle-1", Kind: Aisle, Polygon: square(0, 2, 8, 3)},
			tillZone:  {ID: "till-1", Kind: Checkout, Polygon: square(5, 0, 3, 2)},
			doorZone:  {ID: "door", Kind: Exit, Polygon: square(3, 0, 2, 1), Out: []Point{{3, 0}, {5, 0}}},
			stockZone: {ID: "stock", Kind: Stockroom, Polygon: square(8, 2, 2, 3)},
		},
		Cameras: []Camera{{ID: "cam-1"}, {ID: "cam-2"}},
		Readers: []Reader{{ID: "r-aisle", Antennas: map[int]int{1: aisleZone}}, {ID: "r-door", Antennas: map[int]int{1: doorZone}}},
		Scales: []Scale{{ID: "g1", Zone: aisleZone, At: [3]float64{2.1, 4.7, 1.2}, Products: []int{sauce}},
			{ID: "g2", Zone: aisleZone, At: [3]float64{6, 4.7, 1.2}, Products: []int{salt}}},
		Tills:   []Till{{ID: "sco-1", Zone: tillZone, Self: true}},
		Devices: []Device{{ID: "eas-1", Kind: Gate, Zone: doorZone}, {ID: "axis-1", Kind: Region, Zone: -1}, {ID: "line-1", Kind: Signal, Zone: doorZone}},
		Products: []Product{
			{SKU: "00071142008582", Written: "071142008582", Name: "Taco sauce", Price: 199, Grams: 621, Tagged: true},
			{SKU: "00000000000017", Written: "17", Name: "Salt", Price: 90, Grams: 500},
			{SKU: "00000000000024", Written: "24", Name: "Jacket", Price: 9900, Tagged: true, EPCPrefix: "AABB"},
		},
		Sources: []Source{
			{ID: "cam-1", Kind: Tracks, Lateness: 3 * second, Zones: all},
			{ID: "cam-2", Kind: Tracks, Lateness: 3 * second, Zones: []int{aisleZone}},
			{ID: "r-aisle", Kind: RFID, Lateness: 2 * second, Zones: []int{aisleZone}},
			{ID: "r-door", Kind: RFID, Lateness: 2 * second, Zones: []int{doorZone}},
			{ID: "g1", Kind: Weight, Lateness: second / 2, Zones: []int{aisleZone}},
			{ID: "g2", Kind: Weight, Lateness: second / 2, Zones: []int{aisleZone}},
			{ID: "sco-1", Kind: TillKind, Lateness: 3 * second, Zones: []int{tillZone}},
			{ID: "eas-1", Kind: Gate, Lateness: 2 * second, Zones: []int{doorZone}},
			{ID: "axis-1", Kind: Region, Lateness: 3 * second, Zones: all},
			{ID: "line-1", Kind: Signal, Lateness: 2 * second, Zones: []int{doorZone}},
		}}
	s.Index()
	for i := range s.Products {
		if s.Products[i].EPCPrefix == "" && i == sauce {
			s.Products[i].EPCPrefix = "303404579800D6800004"
		}
	}
	return s
}

// story collects events and folds them in order.
type story struct {
	*testing.T
	store  *Store
	events []Event
	w      *World
	told   []Change
}

func newStory(t *testing.T) *story { return &story{T: t, store: cornerShop()} }

func (s *story) event(source string, sec float64, e Event) {
	s.Helper()
	e.Source, e.TS = s.store.SourceIndex(source), at(sec)
	if e.Source < 0 {
		s.Fatalf("no source %s", source)
	}
	if e.Kind != Status {
		e.Kind = s.store.Sources[e.Source].Kind
	}
	e.Hash = uint64(len(s.events))
	s.events = append(s.events, e)
}

// walk is a person seen five times a second on the way from point to point, at a constant speed.
func (s *story) walk(cam, track string, from, to float64, way ...Point) {
	s.Helper()
	s.film(cam, track, from, to, 5, way...)
}

func (s *story) film(cam, track string, from, to, rate float64, way ...Point) {
	s.Helper()
	n := int(math.Round((to - from) * rate))
	for i := 0; i <= n; i++ {
		s.event(cam, from+float64(i)/rate, Event{ID: track, Name: person, Conf: 0.9, Zone: -1, HasFloor: true,
			Floor: along2(way, float64(i)/float64(max(1, n)))})
	}
}

// along2 is the point at a share of a polyline's length.
func along2(way []Point, share float64) Point {
	total := 0.0
	for i := 1; i < len(way); i++ {
		total += way[i].distance(way[i-1])
	}
	left := total * share
	for i := 1; i < len(way); i++ {
		d := way[i].distance(way[i-1])
		if left <= d && d > 0 {
			a, b := way[i-1], way[i]
			return Point{a.X + (b.X-a.X)*left/d, a.Y + (b.Y-a.Y)*left/d}
		}
		left -= d
	}
	return way[len(way)-1]
}

// empty is frames of a camera in which nobody is.
func (s *story) empty(cam string, from, to float64) {
	for sec := from; sec <= to; sec += 0.2 {
		s.event(cam, sec, Event{Zone: -1})
	}
}

// weigh is a plate's load at 10 Hz from 0 to the end, stepping by grams at each of the moments given as second, grams pairs.
func (s *story) weigh(until float64, steps ...float64) { s.plate("g1", until, steps...) }

func (s *story) plate(scale string, until float64, steps ...float64) {
	load := 20 * 621.0
	for i := 0; float64(i)/10 <= until; i++ {
		sec := float64(i) / 10
		for len(steps) > 0 && sec >= steps[0] {
			load += steps[1]
			steps = steps[2:]
		}
		s.event(scale, sec, Event{Grams: load, Zone: -1})
	}
}

func (s *story) till(sec float64, session string, a Action, sku string) {
	s.Helper()
	s.event("sco-1", sec, Event{ID: session, Action: a, SKU: GTIN14(sku), Qty: 1, Zone: -1})
}

// carry is a tag that comes near a reader and goes away again: 20 reads in 2.5 s.
func (s *story) carry(reader, epc string, from float64) {
	for i := range 20 {
		x := float64(i)/19*2 - 1
		s.event(reader, from+float64(i)*0.13, Event{ID: epc, Antenna: 1, RSSI: -46 - 16*x*x, Zone: -1})
	}
}

// tell folds everything up to a second.
func (s *story) tell(until float64) *World {
	sort.SliceStable(s.events, func(i, j int) bool { return s.events[i].Compare(&s.events[j]) < 0 })
	s.w, s.told = NewWorld(s.store), nil
	fire := func(to int64) {
		for s.w.Due() <= to {
			s.w.Fire(s.w.Due())
			s.told = append(s.told, s.w.Changes()...)
		}
	}
	for i := range s.events {
		e := &s.events[i]
		if e.TS > at(until) {
			break
		}
		fire(e.TS)
		s.w.Fold(e)
		s.told = append(s.told, s.w.Changes()...)
	}
	fire(at(until))
	s.w.now = max(s.w.now, at(until))
	return s.w
}

// of finds the visit that a track belongs to, ended or not; the newest.
func (s *story) of(track string) *Visit {
	s.Helper()
	for i := len(s.told) - 1; i >= 0; i-- {
		if v := s.told[i].Visit; slices.Contains(v.Tracks, track) {
			return v
		}
	}
	s.Fatalf("no visit has track %s", track)
	return nil
}

func (s *story) view(v *Visit) View { return View{World: s.w, Visit: v, Now: s.w.Now()} }

// place is the set of zones of a kind.
func (s *story) place(k ZoneKind) Place {
	p := make(Place, len(s.store.Zones))
	for i := range p {
		p[i] = s.store.Zones[i].Kind == k
	}
	return p
}

// facts are the kinds of what was told of a visit, with their zone and the second in which they happened.
func (s *story) facts(v *Visit, kinds ...FactKind) string {
	var all []string
	for _, c := range s.told {
		if c.Visit == v && slices.Contains(kinds, c.Fact.Kind) {
			zone := ""
			if c.Fact.Zone >= 0 {
				zone = " " + s.store.Zones[c.Fact.Zone].ID
			}
			all = append(all, fmt.Sprintf("%v%s %.1f", c.Fact.Kind, zone, float64(c.Fact.At-monday)/1e9))
		}
	}
	return strings.Join(all, ", ")
}

func near(x, want, by float64) bool { return math.Abs(x-want) <= by }
