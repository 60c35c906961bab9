package fusion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// hall is a shop floor of 12 m by 9 m with its doors at y = 0, and cameras of which each sees all of it.
func hall(cameras int) *Store {
	square := func(x, y, w, h float64) []Point {
		return []Point{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}
	}
	s := &Store{ID: "hall", Zones: []Zone{
		{ID: "in", Kind: Entrance, Polygon: square(1, 0, 3, 2), Out: []Point{{1, 0}, {4, 0}}},
		{ID: "out", Kind: Exit, Polygon: square(8, 0, 3, 2), Out: []Point{{8, 0}, {11, 0}}},
		{ID: "floor", Kind: Aisle, Polygon: square(0, 2, 12, 7)},
	}}
	for i := range cameras {
		id := fmt.Sprint("cam-", i+1)
		s.Cameras = append(s.Cameras, Camera{ID: id})
		s.Sources = append(s.Sources, Source{ID: id, Kind: Tracks, Lateness: 3 * second, Zones: []int{0, 1, 2}})
	}
	s.Index()
	return s
}

// shoppers shape a crowd whose tracks are followed as real ones are.
type shoppers struct {
	people, cameras int
	seconds         float64
	switches        float64 // track ids that change, a minute of a track
}

// tracksOf are the tracks that cameras at 3 m height make of a crowd, at 5 frames a second, in the order of Compare. A
// track's id begins with the number of its person. Foot points are off by 4 % of a height of 1.7 m sideways and by 7 % of
// it towards the camera, which the view from above stretches (science §3.3), and by a bias of each camera; one frame in
// twenty misses a person, and one hides who stands behind another. A track that was hidden for long has another id then.
func tracksOf(r *rand.Rand, s *Store, o shoppers) []Event {
	type walker struct {
		from, until float64
		way         []Point
		at          []float64 // when at each
	}
	var all []walker
	for i := range o.people {
		if i%5 == 4 { // comes with the one before, beside him
			p := all[i-1]
			p.way = slices.Clone(p.way)
			for k := range p.way {
				p.way[k].X += 0.6
			}
			all = append(all, p)
			continue
		}
		p := walker{from: r.Float64() * o.seconds * 0.7}
		t := p.from
		here := Point{1.5 + 2*r.Float64(), -0.8}
		to := func(q Point, wait float64) {
			if len(p.way) > 0 {
				t += here.distance(q) / (0.7 + 0.6*r.Float64())
			}
			p.way, p.at = append(p.way, q), append(p.at, t)
			if wait > 0 {
				t += wait
				p.way, p.at = append(p.way, q), append(p.at, t)
			}
			here = q
		}
		to(here, 0)
		to(Point{1.5 + 2*r.Float64(), 1}, 0)
		for range 4 + r.IntN(5) {
			to(Point{0.5 + 11*r.Float64(), 2.5 + 6*r.Float64()}, 8*r.Float64())
		}
		to(Point{8.5 + 2*r.Float64(), 1}, 0)
		to(Point{8.5 + 2*r.Float64(), -0.9}, 0)
		p.until = t
		all = append(all, p)
	}
	where := func(p *walker, t float64) (Point, bool) {
		if t < p.from || t > p.until {
			return Point{}, false
		}
		i := sort.SearchFloat64s(p.at, t)
		if i == 0 {
			return p.way[0], true
		}
		f := (t - p.at[i-1]) / max(1e-9, p.at[i]-p.at[i-1])
		a, b := p.way[i-1], p.way[i]
		return Point{a.X + f*(b.X-a.X), a.Y + f*(b.Y-a.Y)}, true
	}
	stands := []Point{{0, 10}, {12, 10}, {6, -1.5}}
	var events []Event
	hash := uint64(0)
	for c := range o.cameras {
		eye := stands[c]
		type followed struct {
			id     string
			hidden int // frames since it was seen
		}
		ids := make([]followed, len(all))
		bias := Point{0.06 * r.NormFloat64(), 0.06 * r.NormFloat64()}
		born := 0
		phase := 0.2 * r.Float64()
		for n := 0; float64(n)*0.2 < o.seconds; n++ {
			t := phase + float64(n)*0.2
			ts := at(t)
			tell := func(e Event) {
				hash++
				e.Source, e.TS, e.Kind, e.Hash, e.Zone = s.SourceIndex(s.Cameras[c].ID), ts, Tracks, hash*0x9E3779B97F4A7C15, -1
				events = append(events, e)
			}
			tell(Event{})
			for i := range all {
				p, here := where(&all[i], t)
				f := &ids[i]
				if !here {
					if f.id != "" {
						tell(Event{ID: f.id, Action: Lost})
						f.id = ""
					}
					continue
				}
				hides := r.Float64() < 0.05
				far := p.distance(eye)
				for j := range all {
					q, there := where(&all[j], t)
					if j == i || !there || q.distance(eye) >= far-0.3 {
						continue
					}
					// How far the line of sight passes the one before.
					u := p.minus(eye)
					d := q.minus(eye)
					if along := (u.X*d.X + u.Y*d.Y) / far; along > 0 && math.Abs(u.X*d.Y-u.Y*d.X)/far < 0.25 && far-along < 2 {
						hides = true
					}
				}
				if hides {
					if f.hidden++; f.id != "" && f.hidden > 10 {
						tell(Event{ID: f.id, Action: Lost})
						f.id = ""
					}
					continue
				}
				if f.id == "" || r.Float64() < o.switches/300 {
					if f.id != "" && r.IntN(2) == 0 {
						tell(Event{ID: f.id, Action: Lost})
					}
					born++
					f.id = fmt.Sprintf("%d.%d", i, born)
				}
				f.hidden = 0
				side, deep := 0.04*1.7, 0.07*1.7*max(1, far/3)
				u := Point{(p.X - eye.X) / far, (p.Y - eye.Y) / far}
				a, b := side*r.NormFloat64(), deep*r.NormFloat64()
				q := Point{p.X + u.X*b - u.Y*a + bias.X, p.Y + u.Y*b + u.X*a + bias.Y}
				tell(Event{ID: f.id, Name: person, Conf: 0.9, HasFloor: true, Floor: q,
					SD: Point{math.Hypot(u.X*deep, u.Y*side), math.Hypot(u.Y*deep, u.X*side)}})
			}
		}
	}
	slices.SortFunc(events, func(a, b Event) int { return a.Compare(&b) })
	return events
}

// joined is what became of a crowd's tracks.
type joined struct {
	people, visits int // visits that were not merged into others
	mixed          int // visits of which more than 5 s were seen of more than one person
	wrong          float64
}

func (j joined) add(o joined) joined {
	return joined{j.people + o.people, j.visits + o.visits, j.mixed + o.mixed, j.wrong + o.wrong}
}

func (j joined) String() string {
	return fmt.Sprintf("%d people, %.2f visits a person, %.3f of visits mixed, %.4f of what was seen with another's visit", j.people,
		float64(j.visits)/float64(j.people), float64(j.mixed)/float64(j.visits), j.wrong/float64(j.people))
}

func follow(s *Store, events []Event, people int) joined {
	w := NewWorld(s)
	frames := map[string]int{}
	var ended []*Visit
	take := func() {
		for _, c := range w.Changes() {
			if c.Fact.Kind == FactEnded {
				ended = append(ended, c.Visit)
			}
		}
	}
	for i := range events {
		e := &events[i]
		for w.Due() <= e.TS {
			w.Fire(w.Due())
			take()
		}
		w.Fold(e)
		take()
		if e.HasFloor {
			frames[s.Sources[e.Source].ID+"/"+e.ID]++
		}
	}
	w.Close(events[len(events)-1].TS)
	take()
	j := joined{people: people, visits: len(ended)}
	all, bad := 0, 0
	for _, v := range ended {
		of := map[string]int{}
		sum, most := 0, 0
		for _, t := range v.Tracks {
			var who, n int
			var cam string
			fmt.Sscanf(t, "cam-%1s/%d.%d", &cam, &who, &n)
			of[fmt.Sprint(who)] += frames[t]
			sum += frames[t]
			most = max(most, of[fmt.Sprint(who)])
		}
		long := 0
		for _, n := range of {
			if n > 25 {
				long++
			}
		}
		if long > 1 {
			j.mixed++
		}
		all, bad = all+sum, bad+sum-most
	}
	j.wrong = float64(bad) / float64(max(1, all)) * float64(people)
	return j
}

// TestVisitsAPerson: the tracks of a crowd, of whom some walk in pairs, make hardly more visits than there are people, and
// hardly any visit is of two. Joining each new track to the nearest visit, as was done before, made 1.6 visits a person with
// one camera and 2.0 with three, and one visit in six, or four, was of two people.
func TestVisitsAPerson(t *testing.T) {
	for _, c := range []struct {
		cameras       int
		visits, mixed float64 // at most, a person and of the visits
	}{
		{1, 1.55, 0.05}, // one camera often cannot see the one behind the other
		{3, 1.15, 0.05},
	} {
		for _, switches := range []float64{0.3, 1} {
			var sum joined
			for seed := range uint64(4) {
				s := hall(c.cameras)
				o := shoppers{people: 25, cameras: c.cameras, seconds: 240, switches: switches}
				sum = sum.add(follow(s, tracksOf(rand.New(rand.NewPCG(seed, 7)), s, o), o.people))
			}
			t.Logf("%d cameras, %.1f switches a minute: %v", c.cameras, switches, sum)
			if n := float64(sum.visits) / float64(sum.people); n > c.visits || n < 0.98 {
				t.Errorf("%d cameras, %.1f switches a minute: %.2f visits a person; want at most %.2f", c.cameras, switches, n, c.visits)
			}
			if n := float64(sum.mixed) / float64(sum.visits); n > c.mixed {
				t.Errorf("%d cameras, %.1f switches a minute: %.3f of the visits are of two people; want at most %.3f", c.cameras, switches, n, c.mixed)
			}
		}
	}
}

// TestOneOfSome: who is surely one of two is the likelier of them where frames say that those may be one, and nobody's where they may not.
func TestOneOfSome(t *testing.T) {
	for _, frames := range []int{0, 3} {
		s := newStory(t)
		s.walk("cam-1", "a", 0, 2, Point{1, 3})
		s.walk("cam-1", "b", 0.1, 2, Point{6, 3})
		s.tell(2)
		a, b := s.of("cam-1/a"), s.of("cam-1/b")
		b.like = []likeness{{visit: a.number, frames: frames}}
		p := pairing{who: []doer{{visit: a.number, share: 0.4}, {visit: b.number, share: 0.5}}}
		if s.w.oneOfSome(&p); (p.is == b.number) != (frames > 0) || frames > 0 && p.sure != 0.9 {
			t.Errorf("%d frames: it is %d with %g", frames, p.is, p.sure)
		}
	}
}
