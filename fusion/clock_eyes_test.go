package fusion

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEyes: of two cameras that see the same floor, of which one's clock is off, the difference is known after a few minutes; two clocks
// that are right stay so, and so do those of cameras before which people only stand.
func TestEyes(t *testing.T) {
	for _, c := range []struct {
		ahead float64
		stand bool
	}{{0.6, false}, {-0.4, false}, {0, false}, {0.6, true}} {
		t.Run(fmt.Sprintf("%+g %v", c.ahead, c.stand), func(t *testing.T) {
			r := rand.New(rand.NewPCG(4, 4))
			s := cornerShop()
			var all []Message
			n := uint64(0)
			for k := range 60 { // one after the other, 12 s each
				from, way := float64(12*k), []Point{{1, 0.8}, {1.2, 3}, {7, 3.5}, {4, 0.5}}
				if k%2 == 1 {
					slices.Reverse(way)
				}
				if c.stand {
					way = []Point{{4, 3}, {4.1, 3}}
				}
				for i := range 50 {
					for cam, id := range []string{"cam-1", "cam-2"} {
						sec := from + float64(i)/5 + 0.07*float64(cam)
						p := along2(way, (sec-from)/10)
						p = Point{p.X + 0.12*r.NormFloat64(), p.Y + 0.12*r.NormFloat64()}
						ts := at(sec)
						if id == "cam-2" {
							ts += int64(c.ahead * 1e9)
						}
						n++
						e := Event{Source: s.SourceIndex(id), Kind: Tracks, TS: ts, ID: fmt.Sprint(id, k), Name: person, Conf: 0.9, Zone: -1, HasFloor: true, Floor: p, Hash: n}
						all = append(all, Message{TS: ts, Clocked: true, Source: e.Source, Kind: e.Kind, Received: at(sec) + int64((0.9+0.2*r.Float64())*1e9), Ident: n, Events: []Event{e}})
					}
				}
			}
			slices.SortStableFunc(all, func(a, b Message) int { return cmp(a.Received, b.Received) })
			core := NewCore(s, quiet())
			run(core, all, func(int64) {})
			a, b := core.Clock(s.SourceIndex("cam-1")), core.Clock(s.SourceIndex("cam-2"))
			want := int64(c.ahead * 1e9)
			if c.stand {
				want = 0
			}
			if d := b.Offset - a.Offset; abs(d-want) > 60*int64(1e6) {
				t.Errorf("the one is taken to be %v ahead of the other and is %v", ms(d), ms(want))
			}
		})
	}
}
