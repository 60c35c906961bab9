package rules

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"magpie/fusion"
	"magpie/strict"
)

// shop is the corner shop of the contract's example, with some more goods.
func shop() *fusion.Store {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		london = time.UTC
	}
	square := func(x, y, w, h float64) []fusion.Point {
		return []fusion.Point{{X: x, Y: y}, {X: x + w, Y: y}, {X: x + w, Y: y + h}, {X: x, Y: y + h}}
	}
	s := &fusion.Store{ID: "s042", Currency: "GBP", Location: london,
		Zones: []fusion.Zone{
			{ID: "in-1", Kind: fusion.Entrance, Polygon: square(0, 0, 3, 2)},
			{ID: "aisle-1", Kind: fusion.Aisle, Polygon: square(0, 2, 8, 3)},
			{ID: "till-1", Kind: fusion.Checkout, Polygon: square(5, 0, 3, 2)},
			{ID: "door", Kind: fusion.Exit, Polygon: square(3, 0, 2, 1)},
		},
		Readers: []fusion.Reader{{ID: "r-door", Antennas: map[int]int{1: 3}}},
		Scales:  []fusion.Scale{{ID: "g1", Zone: 1, At: [3]float64{2.1, 4.7, 1.2}, Products: []int{0}}},
		Tills:   []fusion.Till{{ID: "sco-1", Zone: 2, Self: true}},
		Products: []fusion.Product{
			{SKU: "00071142008582", Written: "071142008582", Name: "Taco sauce", Category: "sauces", Price: 199, Grams: 621, Tagged: true},
			{SKU: "00000000000017", Written: "17", Name: "Razor", Category: "razor-blades", Price: 2450, Grams: 90},
		},
		Sources: []fusion.Source{
			{ID: "cam-1", Kind: fusion.Tracks, Zones: []int{0, 1, 2, 3}},
			{ID: "g1", Kind: fusion.Weight, Zones: []int{1}},
			{ID: "r-door", Kind: fusion.RFID, Zones: []int{3}},
			{ID: "sco-1", Kind: fusion.TillKind, Zones: []int{2}},
		}}
	s.Index()
	return s
}

// second is one, in ns.
const second = int64(time.Second)

// monday is 2026-01-05T10:00:00 in London, in ns.
var monday = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC).UnixNano()

// load builds a set of files given as name, text pairs; it fails the test on an error.
func load(t testing.TB, opts Options, nameAndText ...string) *Set {
	t.Helper()
	set, err := tryLoad(opts, nameAndText...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func tryLoad(opts Options, nameAndText ...string) (*Set, error) {
	if opts.Store == nil {
		opts.Store = shop()
	}
	fsys := fstest.MapFS{}
	for i := 0; i < len(nameAndText); i += 2 {
		fsys[nameAndText[i]] = &fstest.MapFile{Data: []byte(nameAndText[i+1])}
	}
	return Load(fsys, opts)
}

// policy is a policy with these lines behind its head.
func policy(lines ...string) string {
	return "policy: p\ntitle: A policy\n" + strings.Join(lines, "\n") + "\nalert: {tiers: {review: 0.3}}\n"
}

// scoring is a policy whose score is an expression.
func scoring(expr string) string {
	return policy("score: '" + strings.ReplaceAll(expr, "'", "''") + "'")
}

// subject is one visit that facts are given to by hand.
type subject struct {
	t   testing.TB
	set *Set
	m   Memory
	v   fusion.View
}

func newSubject(t testing.TB, set *Set, store *fusion.Store) *subject {
	return &subject{t: t, set: set, v: fusion.View{World: fusion.NewWorld(store), Visit: &fusion.Visit{ID: "v_1", First: monday}, Now: monday}}
}

// fact gives a fact at so many seconds after the start and judges by it.
func (s *subject) fact(at float64, f fusion.Fact) bool {
	f.At = monday + int64(at*1e9)
	f.TS, s.v.Now = f.At, f.At
	if f.Source == 0 {
		f.Source = -1
	}
	s.v.Visit.Facts.Append(f)
	return s.set.Judge(&s.m, s.v, []fusion.Fact{f})
}

// result is the only result.
func (s *subject) result() Result {
	s.t.Helper()
	all := s.m.Results()
	if len(all) != 1 {
		s.t.Fatalf("there are %d results, want 1", len(all))
	}
	return all[0]
}

func picked(n float64) fusion.Fact {
	return fusion.Fact{Kind: fusion.FactPicked, Zone: 1, Product: 0, N: n, P: 1}
}

func scanned(n float64) fusion.Fact {
	return fusion.Fact{Kind: fusion.FactScanned, Zone: 2, Product: 0, N: n, P: 1}
}

func wantErrors(t *testing.T, err error, want string) {
	t.Helper()
	var all strict.Errors
	if !errors.As(err, &all) {
		t.Fatalf("got %v, want strict.Errors", err)
	}
	if got := all.Error(); got != strings.Trim(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", got, strings.Trim(want, "\n"))
	}
}
