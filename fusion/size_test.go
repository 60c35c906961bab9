package fusion

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// TestNewest: the newest are kept in an array that is hardly larger, and a copy of the list does not change.
func TestNewest(t *testing.T) {
	var list []int
	for i := range 1000 {
		before := list[:len(list):len(list)]
		var full bool
		if list, full = newest(list, i, 16); full != (i >= 16) || len(list) != min(16, i+1) || list[0] != max(0, i-15) || list[len(list)-1] != i {
			t.Fatalf("after %d: %v, full %v", i, list, full)
		}
		if cap(list) > 20 {
			t.Fatalf("after %d: an array of %d", i, cap(list))
		}
		for k, x := range before {
			if x != max(0, i-16)+k {
				t.Fatalf("after %d the list before is %v", i, before)
			}
		}
	}
}

// aboutTheAisle lets people go about an aisle for a while, one metre apart, two of three with goods from a plate and one of three with a
// tag that a reader at the till heard, and gives the bytes of each that are kept. told are facts beyond these.
func aboutTheAisle(n, told int) (bytes, facts float64) {
	s := cornerShop()
	w := NewWorld(s)
	r := rand.New(rand.NewPCG(1, 1))
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	names := make([]string, maxBasket) // as many tags as a visit knows of
	for i := range names {
		names[i] = fmt.Sprintf("AABB%020d", i)
	}
	before := heap()
	w.now = monday
	for i := range n {
		id := fmt.Sprint("p", i)
		v := w.open(0, id, monday)
		w.follow(v, trackKey{0, id})
		w.tracks[trackKey{0, id}] = &track{key: trackKey{0, id}, visit: v, first: monday}
	}
	for k := range maxTrail + 10 {
		w.now = monday + int64(k)*trailStep
		for i, v := range w.visits {
			p := Point{1 + float64(i%100) + 0.1*r.Float64(), 2.5 + float64(i/100) + 0.02*float64(k)}
			w.seen(v, &Event{TS: w.now, Source: 0, Floor: p, HasFloor: true, Hands: [][3]float64{{p.X, p.Y, 1}}})
			if k == 20 && i%3 > 0 {
				w.picked(Fact{At: w.now, Kind: FactPicked, Zone: aisleZone, Product: sauce, N: 1, P: 1}, []claim{{v, 0.9}}, i)
			}
			if k == 40 && i%3 == 0 {
				f := Fact{At: w.now, Kind: FactMoved, Source: 3, Zone: doorZone, Product: sauce, N: 1, P: 0.9, Name: sauceTag}
				w.tag(v, f)
				w.add(v, f, 0.9)
			}
			for ; k == 60 && v.Facts.Len() < told; w.changes = w.changes[:0] {
				// As one who goes about with tags is told: into a zone, and of each tag with a share that no rounding makes short.
				f := Fact{At: w.now, Kind: FactEntered, Zone: aisleZone, Product: -1, N: 1, P: 1}
				share := 1.0
				if n := v.Facts.Len(); n%4 > 0 {
					f = Fact{At: w.now - r.Int64N(5000)*milli, Kind: FactReadEnd, Source: 3, Zone: doorZone, Product: sauce, N: 1,
						P: round9(r.Float64()), Name: names[r.IntN(len(names))]}
					share = r.Float64()
				}
				w.add(v, f, share)
			}
		}
		w.changes = w.changes[:0]
	}
	w.changes, w.nearby = nil, nil
	bytes = (heap() - before) / float64(n)
	for _, v := range w.visits {
		facts += float64(v.Facts.Len()) / float64(n)
	}
	runtime.KeepAlive(w)
	return bytes, facts
}

// TestVisitSize: an active visit, whose way is as long as is remembered, with goods and thirty facts or as many as are kept, takes less
// than 8 KiB.
func TestVisitSize(t *testing.T) {
	for _, told := range []int{30, maxFacts} {
		bytes, facts := aboutTheAisle(1000, told)
		t.Logf("%.0f bytes with %.0f facts", bytes, facts)
		if bytes > 8<<10 {
			t.Errorf("%.0f bytes a visit with %.0f facts; want 8 KiB at most", bytes, facts)
		}
	}
}

// BenchmarkVisitSize tells the bytes of an active visit.
func BenchmarkVisitSize(b *testing.B) {
	for _, told := range []int{30, maxFacts} {
		b.Run(fmt.Sprint("facts=", told), func(b *testing.B) {
			bytes := 0.0
			for b.Loop() {
				bytes, _ = aboutTheAisle(10000, told)
			}
			b.ReportMetric(bytes, "B/visit")
		})
	}
}
