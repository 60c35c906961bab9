package vision

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const ms = int64(time.Millisecond)

func person(x, y, conf float32) Detection {
	return Detection{Person, conf, [4]float32{x, y, 40, 100}}
}

func ids(live []Track) (out []uint64) {
	for _, t := range live {
		out = append(out, t.ID)
	}
	return out
}

func TestTrackLife(t *testing.T) {
	tr := NewTracker(DefaultTracker())
	step := func(at int64, want []uint64, wantLost []uint64, ds ...Detection) {
		t.Helper()
		live, lost := tr.Update(at*ms, ds)
		if !slices.Equal(ids(live), want) || !slices.Equal(lost, wantLost) {
			t.Errorf("%d ms: live %v lost %v, want %v %v", at, ids(live), lost, want, wantLost)
		}
	}
	step(1000, nil, nil, person(100, 100, .8))                // seen once
	step(1100, []uint64{1}, nil, person(104, 100, .8))        // twice: a track
	step(1200, []uint64{1}, nil, person(108, 100, .3))        // a weak sight keeps it
	step(1300, nil, nil)                                      // hidden
	step(1400, nil, nil, person(400, 100, .3))                // weak ones begin nothing
	step(1500, nil, nil, person(600, 100, .7))                // someone else, once
	step(1600, nil, nil)                                      // … who was a ghost
	step(1700, nil, nil, person(600, 100, .7))                // takes a number again
	step(1800, []uint64{3}, nil, person(600, 100, .7))        //
	step(2500, []uint64{1}, nil, person(156, 100, .8))        // back where it was expected
	step(4400, nil, []uint64{3}, person(20, 300, .9))         // too far off to be the first
	step(4600, []uint64{4}, []uint64{1}, person(20, 300, .9)) // the first unseen for over 2 s
	step(4700, []uint64{4}, nil, person(20, 300, .9))
	if got := tr.End(); !slices.Equal(got, []uint64{4}) {
		t.Errorf("ended %v", got)
	}
	if got := tr.End(); len(got) != 0 {
		t.Errorf("ended %v twice", got)
	}
}

// Someone hidden for less than Keep comes back under the same id, moved as
// expected, at any frame rate.
func TestTrackSurvivesHiding(t *testing.T) {
	for _, fps := range []float64{5, 10, 30} {
		tr := NewTracker(DefaultTracker())
		var first uint64
		for i := 0; float64(i) < 4*fps; i++ {
			s := float64(i) / fps
			var ds []Detection
			if s < 1.5 || s > 2.3 {
				ds = append(ds, person(float32(50+60*s), 100, .9))
			}
			live, lost := tr.Update(int64(s*1e9)+1, ds)
			if len(lost) != 0 {
				t.Errorf("%g fps, %.1f s: lost %v", fps, s, lost)
			}
			for _, l := range live {
				if first == 0 {
					first = l.ID
				}
				if l.ID != first {
					t.Fatalf("%g fps, %.1f s: id %d, was %d", fps, s, l.ID, first)
				}
			}
			if i > 2 && len(ds) != len(live) {
				t.Errorf("%g fps, %.1f s: %d tracks", fps, s, len(live))
			}
		}
	}
}

// Two people who cross keep their ids; a bottle at a person's place is another
// track.
func TestTracksCrossAndClassesStayApart(t *testing.T) {
	tr := NewTracker(DefaultTracker())
	where := map[uint64]float32{}
	for i := range 40 {
		x := float32(i * 8)
		live, _ := tr.Update(int64(i+1)*100*ms, []Detection{
			person(50+x, 100, .9), person(370-x, 130, .85), {"bottle", .8, [4]float32{50 + x, 100, 40, 100}},
		})
		for _, l := range live {
			if l.Class == "bottle" {
				continue
			}
			if was, ok := where[l.ID]; ok && math.Abs(float64(l.Box[0]-was)) > 20 {
				t.Fatalf("frame %d: track %d jumped from %g to %g", i, l.ID, was, l.Box[0])
			}
			where[l.ID] = l.Box[0]
		}
	}
	if len(where) != 2 {
		t.Errorf("%d people, want 2: %v", len(where), where)
	}
}

// What a bottle was is never a person.
func TestClassIsKept(t *testing.T) {
	tr := NewTracker(DefaultTracker())
	box := [4]float32{50, 100, 40, 100}
	for i := range 6 {
		d := Detection{"bottle", .9, box}
		if i >= 3 {
			d.Class = Person
		}
		live, _ := tr.Update(int64(i+1)*100*ms, []Detection{d})
		for _, l := range live {
			if want := map[string]uint64{"bottle": 1, Person: 2}[d.Class]; l.ID != want || l.Class != d.Class {
				t.Errorf("frame %d: %s is track %d, want %d", i, l.Class, l.ID, want)
			}
		}
	}
}

func TestTrackerForgivesTime(t *testing.T) {
	tr := NewTracker(DefaultTracker())
	tr.Update(1000*ms, []Detection{person(0, 0, .9)})
	tr.Update(900*ms, []Detection{person(0, 0, .9)})
	live, _ := tr.Update(900*ms, []Detection{person(0, 0, .9)})
	if len(live) != 1 || math.IsNaN(float64(live[0].Box[0])) {
		t.Errorf("%v", live)
	}
}

func TestTrackerConfig(t *testing.T) {
	if err := DefaultTracker().Validate(); err != nil {
		t.Error(err)
	}
	bad := func(f func(*TrackerConfig)) {
		t.Helper()
		c := DefaultTracker()
		if f(&c); c.Validate() == nil {
			t.Errorf("took %+v", c)
		}
	}
	bad(func(c *TrackerConfig) { c.Low = 0.9 })
	bad(func(c *TrackerConfig) { c.New = 0.3 })
	bad(func(c *TrackerConfig) { c.Match = float32(math.NaN()) })
	bad(func(c *TrackerConfig) { c.Keep = 0 })
	bad(func(c *TrackerConfig) { c.Confirm = 0 })
}

// The assignment is the best of all there are.
func TestAssignIsOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var a assigner
	for range 2000 {
		rows, cols := r.IntN(6), r.IntN(6)
		a.reset(rows, cols)
		for i := range rows {
			for j := range cols {
				a.set(i, j, r.Float64()-0.6)
			}
		}
		got := 0.0
		seen := map[int]bool{}
		for i, j := range a.solve() {
			if j < 0 {
				continue
			}
			if seen[j] {
				t.Fatal("a column was given twice")
			}
			seen[j] = true
			got += a.cost[i*cols+j]
		}
		if want := bestSum(&a, 0, 0); math.Abs(got-want) > 1e-9 {
			t.Fatalf("%d×%d: %g, best is %g", rows, cols, got, want)
		}
	}
}

func bestSum(a *assigner, row, taken int) float64 {
	if row == a.rows {
		return 0
	}
	best := bestSum(a, row+1, taken)
	for j := range a.cols {
		if c := a.cost[row*a.cols+j]; c < 0 && taken>>j&1 == 0 {
			best = min(best, c+bestSum(a, row+1, taken|1<<j))
		}
	}
	return best
}

// The four small filters are the eight-dimensional one, so that a coordinate
// measured exactly twice knows its speed.
func TestKalmanLearnsSpeed(t *testing.T) {
	m := newMotion([4]float32{0, 0, 40, 100})
	for i := 1; i <= 40; i++ {
		m.predict(0.1)
		m.update([4]float32{float32(i) * 5, 0, 40, 100})
	}
	if v := m.c[0].v; math.Abs(v-50) > 1 {
		t.Errorf("speed %g px/s, want 50", v)
	}
	p := m.c[0]
	if p.pxx <= 0 || p.pvv <= 0 || p.pxv*p.pxv > p.pxx*p.pvv {
		t.Errorf("covariance is not one: %+v", p)
	}
}

func BenchmarkTracker(b *testing.B) {
	for _, people := range []int{5, 20, 60} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			tr := NewTracker(DefaultTracker())
			ds := make([]Detection, people)
			for i := range ds {
				ds[i] = person(1900*r.Float32(), 1000*r.Float32(), .9)
			}
			ns := int64(1)
			b.ReportAllocs()
			for b.Loop() {
				ns += 100 * ms
				for i := range ds {
					ds[i].Box[0] += r.Float32()*4 - 2
				}
				tr.Update(ns, ds)
			}
		})
	}
}
