package fusion

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// seenByAll is seenBy by a look at every visit.
func seenByAll(w *World, source, zone int, ts int64) []claim {
	var c []claim
	sum := unseen
	for _, v := range w.visits {
		l := 0.0
		if p, gap, ok := v.at(ts); ok {
			d := Distance(w.Store.Zones[zone].Polygon, p)
			if d > zoneReach {
				continue
			}
			l = float64(likelihood(d, gateReach/2) * likelihood(float64(gap)/1e9, w.blur(sigmaSeen, source, v.camera)))
		} else if v.Unowned && v.Zone == zone {
			l = float64(0.5 * likelihood(float64(ts-v.ZoneAt)/1e9, sigmaSeen))
		} else {
			l = float64(0.5 * v.lingers(zone, ts))
		}
		if l > 0 {
			c = append(c, claim{v, l})
			sum += l
		}
	}
	return w.shares(c, sum)
}

// TestWhoIsAbout holds who has a share in what happens in a zone to a look at every visit, while people come, walk, jump, are told
// of by devices alone, turn out to be one or two, and go.
func TestWhoIsAbout(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	w := NewWorld(cornerShop())
	w.now = monday
	most, some, nobody := 0, 0, 0
	for step := range 6000 {
		w.now += r.Int64N(600) * milli
		w.changes = w.changes[:0]
		somebody := func() *Visit { return w.visits[r.IntN(len(w.visits))] }
		zone := r.IntN(len(w.Store.Zones))
		switch n := r.IntN(40); {
		case len(w.visits) < 2 || n == 0 && len(w.visits) < 150:
			for range 1 + r.IntN(30) {
				v := w.open(0, fmt.Sprint("p", step, len(w.visits)), w.now)
				w.follow(v, v.origin)
				w.tracks[v.origin] = &track{key: v.origin, visit: v, first: w.now, placed: true, pos: Point{float64(60*r.Float64()) - 25, float64(60*r.Float64()) - 25}}
			}
		case n == 1:
			w.end(somebody())
		case n == 2:
			v := w.open(2, "", w.now)
			v.Unowned = true
			w.appears(v, zone, w.now)
		case n == 3:
			if v := somebody(); v.Unowned {
				w.appears(v, zone, w.now)
			}
		case n == 4:
			v := somebody()
			w.setZone(v, zone, !v.stays[zone].in, w.now, 0)
		case n == 5:
			if v, o := somebody(), somebody(); v != o {
				w.merge(v, o)
			}
		case n == 6:
			if v := somebody(); len(v.keys) > 1 && w.tracks[v.keys[0]] != nil && w.tracks[v.keys[1]] != nil {
				w.split(v, w.tracks[v.keys[1]], w.tracks[v.keys[0]])
			}
		case n == 7:
			w = w.Clone()
		default:
			for range 10 {
				if v := somebody(); !v.Unowned {
					p := Point{v.Pos.X + r.NormFloat64(), v.Pos.Y + r.NormFloat64()}
					if v.PosAt == 0 || r.IntN(100) == 0 {
						p = Point{float64(60*r.Float64()) - 25, float64(60*r.Float64()) - 25}
					}
					w.seen(v, &Event{TS: w.now, Source: r.IntN(2), Floor: p, HasFloor: true})
				}
			}
		}
		ts := w.now - r.Int64N(16)*second
		got, want := w.seenBy(0, zone, ts, 1), seenByAll(w, 0, zone, ts)
		if !slices.Equal(got, want) {
			t.Fatalf("step %d: %d s ago in zone %d: got %v, want %v", step, (w.now-ts)/second, zone, got, want)
		}
		if most = max(most, len(want)); len(want) > 0 {
			some++
		} else {
			nobody++
		}
	}
	if most < 5 || some < 1000 || nobody < 200 {
		t.Errorf("%d at most; %d times somebody, %d times nobody", most, some, nobody)
	}
	total := 0
	for z := range w.Store.Zones {
		w.prune(z)
		total += len(w.about(z))
	}
	if all := len(w.Store.Zones) * len(w.visits); total >= all*3/4 {
		t.Errorf("%d of %d are listed: zones know no better than a look at all", total, all)
	}
}

// TestThrong: in a throng nobody has a share, and nothing is kept of it.
func TestThrong(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	for i := range 200 {
		v := w.open(0, fmt.Sprint(i), monday)
		w.seen(v, &Event{TS: monday, Floor: Point{1, 4}, HasFloor: true})
	}
	if got := w.seenBy(0, aisleZone, monday, 1); len(got) != 0 || len(seenByAll(w, 0, aisleZone, monday)) != 0 {
		t.Errorf("%v", got)
	}
	if n := testing.AllocsPerRun(100, func() { w.seenBy(0, aisleZone, monday, 1) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
