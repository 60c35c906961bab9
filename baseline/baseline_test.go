package baseline

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"magpie/fusion"
)

// shop is a store with one aisle, one till and a way out.
func shop() *fusion.Store {
	box := func(x, y float64) []fusion.Point {
		return []fusion.Point{{X: x, Y: y}, {X: x + 2, Y: y}, {X: x + 2, Y: y + 2}, {X: x, Y: y + 2}}
	}
	s := &fusion.Store{
		ID:       "s1",
		Zones:    []fusion.Zone{{ID: "aisle", Kind: fusion.Aisle, Polygon: box(0, 0)}, {ID: "till", Kind: fusion.Checkout, Polygon: box(3, 0)}, {ID: "out", Kind: fusion.Exit, Polygon: box(6, 0)}},
		Cameras:  []fusion.Camera{{ID: "cam"}},
		Readers:  []fusion.Reader{{ID: "r", Antennas: map[int]int{1: 2}}},
		Scales:   []fusion.Scale{{ID: "g", Zone: 0, At: [3]float64{1, 1, 1}, Products: []int{0}}},
		Tills:    []fusion.Till{{ID: "t", Zone: 1}},
		Products: []fusion.Product{{SKU: "80614141123458", Written: "80614141123458", Price: 1000, Grams: 100, Tagged: true}},
		Sources: []fusion.Source{{ID: "cam", Kind: fusion.Tracks}, {ID: "r", Kind: fusion.RFID}, {ID: "g", Kind: fusion.Weight},
			{ID: "t", Kind: fusion.TillKind}},
	}
	s.Index()
	return s
}

// tag is an SGTIN-96 of the product.
const tag = "3074257BF7194E4000001A85"

// story is A, who takes one, stands at the till, scans it or not, and leaves; B looks on from the aisle.
func story(s *fusion.Store, w Watcher, scans bool) {
	at := func(sec float64) int64 { return int64(sec * 1e9) }
	add := func(source string, sec float64, e fusion.Event) {
		e.Source, e.TS = s.SourceIndex(source), at(sec)
		e.Kind = s.Sources[e.Source].Kind
		w.Add(&fusion.Message{Received: at(sec + 0.1), TS: e.TS, Source: e.Source, Kind: e.Kind, Events: []fusion.Event{e}})
	}
	for i := range 260 {
		sec := float64(i) / 10
		x := map[bool]float64{true: 1, false: 4}[sec < 12]
		if sec >= 20 {
			x = 7
		}
		add("cam", sec, fusion.Event{ID: "A", HasFloor: true, Floor: fusion.Point{X: x, Y: 1}})
		if sec < 14 {
			add("cam", sec, fusion.Event{ID: "B", HasFloor: true, Floor: fusion.Point{X: 1.9, Y: 1.9}})
		}
		grams := 1000.0
		if sec > 8 {
			grams = 900
		}
		add("g", sec, fusion.Event{Grams: grams})
		if i == 150 && scans {
			add("t", sec, fusion.Event{ID: "1", Action: fusion.Scan, SKU: "80614141123458", Qty: 1})
		}
		if i == 160 {
			add("t", sec, fusion.Event{ID: "1", Action: fusion.Void, SKU: "17", Qty: 1})
		}
		if sec > 22 && sec < 24 {
			add("r", sec, fusion.Event{ID: tag, Antenna: 1})
		}
	}
}

// TestWays: each baseline says of A what its sensors can tell, and nothing of B.
func TestWays(t *testing.T) {
	for _, c := range []struct {
		name         string
		unpaid, paid float64 // what is said of A at most; 0: nothing
	}{
		{name: "B0 seed's rule", unpaid: 1, paid: 1},
		{name: "B1 gate", unpaid: 19, paid: 0},
		{name: "camera alone", unpaid: 11.9 / 9, paid: 11.9 / 9},
		{name: "plates alone", unpaid: 10, paid: 10},
		{name: "tills alone", unpaid: 1, paid: 1},
		{name: "B3 AND in 5 s", unpaid: 1, paid: 1},
		{name: "B4 plate, nearest, exit", unpaid: 10, paid: 0},
	} {
		k := slices.IndexFunc(All(), func(b Baseline) bool { return b.Name == c.name })
		for _, scans := range []bool{false, true} {
			s := shop()
			w := All()[k].New(s)
			story(s, w, scans)
			want, got := c.unpaid, 0.0
			if scans {
				want = c.paid
			}
			for _, said := range w.Said() {
				if !slices.Equal(said.Tracks, []string{"cam/A"}) {
					t.Errorf("%s, scans %v: said of %s", c.name, scans, said.Tracks)
				}
				got = max(got, said.Score)
			}
			if math.Abs(got-want) > 0.15*want {
				t.Errorf("%s, scans %v: says %.3f, want %.3f", c.name, scans, got, want)
			}
		}
	}
}

// TestTracksThatFollow: who goes on under another number is the same person, one that comes from elsewhere is not.
func TestTracksThatFollow(t *testing.T) {
	s := shop()
	w := newLooker(s).(*looker)
	see := func(track string, sec, x float64) int {
		e := fusion.Event{Source: s.SourceIndex("cam"), ID: track, HasFloor: true, Floor: fusion.Point{X: x, Y: 1}, TS: int64(sec * 1e9)}
		return w.see(&fusion.Message{Received: e.TS, Kind: fusion.Tracks, Events: []fusion.Event{e}})[0].number
	}
	one := see("1", 0, 1)
	if see("2", 0.1, 1.2) == one {
		t.Error("two tracks of one camera at one time are two people")
	}
	if see("3", 1, 0.9) != one {
		t.Error("a track that goes on where one broke off is the same person")
	}
	if see("4", 1, 4) == one {
		t.Error("a track three metres away is somebody else")
	}
}

// TestCalibrate: what is said of a score is its share of thefts, never less for a higher score, whatever was seen.
func TestCalibrate(t *testing.T) {
	steps := Calibrate([]Seen{{1, false}, {1, false}, {1, false}, {2, true}, {2, false}, {3, true}, {3, true}})
	if P(steps, 0.5) != 0 || P(steps, 1.5) != 0.125 || P(steps, 2) != 0.5 || math.Abs(P(steps, 9)-2.5/3) > 1e-12 {
		t.Errorf("steps %+v", steps)
	}
	rapid.Check(t, func(t *rapid.T) {
		seen := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Seen {
			return Seen{float64(rapid.IntRange(0, 9).Draw(t, "score")), rapid.Bool().Draw(t, "theft")}
		})).Draw(t, "seen")
		steps := Calibrate(seen)
		for i, s := range steps {
			if s.P <= 0 || s.P >= 1 || i > 0 && (s.P < steps[i-1].P || s.From <= steps[i-1].From) {
				t.Fatalf("steps %+v", steps)
			}
		}
	})
}

// TestFitLogit: from what a known regression drew the same weights come out, and what tells apart without a mistake stays finite.
func TestFitLogit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	truth := &Logit{Bias: -2, Weights: []float64{3, 0, -1}}
	var x [][]float64
	var y []bool
	for range 5000 {
		row := []float64{r.Float64(), r.Float64(), float64(r.IntN(2))}
		x, y = append(x, row), append(y, r.Float64() < truth.P(row))
	}
	got := FitLogit(x, y)
	for i, w := range truth.Weights {
		if math.Abs(got.Weights[i]-w) > 0.35 {
			t.Errorf("weight %d is %.2f, want %.2f", i, got.Weights[i], w)
		}
	}
	apart := FitLogit([][]float64{{0}, {0}, {1}, {1}}, []bool{false, false, true, true})
	if w := apart.Weights[0]; math.IsNaN(w) || w < 0.5 || w > 10 {
		t.Errorf("weight %.2f of what tells apart without a mistake", w)
	}
}
