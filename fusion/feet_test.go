package fusion

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestHiddenFeet: whoever stands behind a shelf is followed where his head is, and not where the sight of him ends; who bends down or is a child is
// where the feet are.
func TestHiddenFeet(t *testing.T) {
	const eye, tall = 3.0, 1.75
	// shown is a person of whom a box shows what is from one height to another.
	shown := func(e *Event, from, to float64) {
		far := eye / (eye - from)
		e.Floor = Point{e.Floor.X * far, e.Floor.Y * far}
		e.Tall = float32(eye - float64((eye-to)*far))
	}
	// behind is a person 0.8 m behind a shelf of 1.5 m, as seen from the camera.
	behind := func(e *Event, _ float64) {
		far := e.Floor.distance(Point{})
		shown(e, eye-float64((eye-1.5)*far/(far-0.8)), tall)
	}
	whole := func(e *Event, _ float64) { e.Tall = tall }
	for _, c := range []struct {
		name string
		show func(e *Event, sec float64)
		from float64 // when it is right
		off  float64 // metres
	}{
		{"whole", whole, 0, 0.01},
		{"behind a shelf", func(e *Event, sec float64) {
			if sec > 5 && sec < 9 {
				shown(e, 1.2, tall)
			} else {
				whole(e, sec)
			}
		}, 0, 0.25},
		{"behind a shelf from the first", behind, 3, 0.4},
		{"behind higher and higher shelves", func(e *Event, sec float64) { shown(e, min(1.3, 0.4*sec), tall) }, 0, 1.4},
		{"a shadow", func(e *Event, sec float64) {
			if sec > 5 && sec < 9 {
				shown(e, -1.5, tall)
			} else {
				whole(e, sec)
			}
		}, 0, 0.25},
		{"beyond what was measured", func(e *Event, sec float64) { // too far away, and too tall by as much
			if e.Tall = tall; sec > 5 {
				e.Floor, e.Tall = Point{e.Floor.X * 1.35, e.Floor.Y * 1.35}, tall*1.35
			}
		}, 0, 1.2},
		{"bends down", func(e *Event, sec float64) {
			if e.Tall = tall; sec > 5.4 && sec < 6.5 {
				e.Tall = 0.9
			}
		}, 0, 0.01},
		{"a child", func(e *Event, _ float64) { e.Tall = 1.15 }, 7, 0.01},
		{"the camera does not say", func(e *Event, _ float64) { e.Tall = 0 }, 0, 0.01},
	} {
		for _, until := range []float64{2, 4, 6, 8, 10} {
			s := newStory(t)
			s.store.Cameras[0].Eye = [3]float64{0, 0, eye}
			s.walk("cam-1", "a", 0, 10, Point{1.5, 1}, Point{6, 4})
			var is Point
			for i := range s.events {
				if e := &s.events[i]; float64(e.TS-monday)/1e9 <= until+0.01 {
					is = e.Floor
					c.show(e, float64(e.TS-monday)/1e9)
				}
			}
			s.tell(until)
			if len(s.w.visits) != 1 {
				t.Errorf("%s: %d visits after %g s", c.name, len(s.w.visits), until)
			}
			if d := s.w.visits[0].Pos.distance(is); until >= c.from && d > c.off {
				t.Errorf("%s: after %g s %.2f m off", c.name, until, d)
			}
		}
	}
}

// TestMostFeetHidden: a camera of which most boxes end at a counter does not take people for small, nor its boxes for unsteady.
func TestMostFeetHidden(t *testing.T) {
	const eye = 3.0
	r := rand.New(rand.NewPCG(4, 1))
	s := newStory(t)
	s.store.Cameras[0].Eye = [3]float64{0, 0, eye}
	var off []float64
	for n := range 80 {
		from, tall, hidden := 12*float64(n), 1.7+0.08*r.NormFloat64(), n%4 != 0
		began := len(s.events)
		s.walk("cam-1", string(rune('A'+n)), from, from+10, Point{2 + r.Float64(), 1}, Point{4, 3 + r.Float64()})
		var is Point
		counter := 0.6 + 0.8*r.Float64()
		for i := range s.events[began:] {
			e := &s.events[began+i]
			if e.ID == "" || !e.HasFloor {
				continue
			}
			cut := 0.0
			if is = e.Floor; hidden {
				cut = counter + 0.2*math.Sin(float64(i)/9)
			}
			far := eye / (eye - cut)
			e.Floor = Point{e.Floor.X * far, e.Floor.Y * far}
			e.Tall = float32(eye - float64((eye-tall-0.03*r.NormFloat64())*far))
		}
		s.tell(from + 10)
		if hidden && n >= 40 {
			off = append(off, s.w.visits[len(s.w.visits)-1].Pos.distance(is))
		}
	}
	slices.Sort(off)
	if half, most := off[len(off)/2], off[len(off)*9/10]; half > 0.4 || most > 1.6 {
		t.Errorf("half of those behind the counter are more than %.2f m off, a tenth more than %.2f", half, most)
	}
	sight := &s.w.statures[s.store.SourceIndex("cam-1")]
	if people, noise := sight.people.with(meanTall), math.Sqrt(sight.noise.with(blockSD*blockSD)); people < 1.62 || noise > blockSD {
		t.Errorf("the camera has people %.2f m tall, and off by %.2f m", people, noise)
	}
}

// TestLongHidden: somebody whom a counter hides for an hour does not make a camera disbelieve a box that fits, nor does a camera that hangs low make one unsure
// that is a little short.
func TestLongHidden(t *testing.T) {
	s := newStory(t)
	s.store.Cameras[0].Eye = [3]float64{0, 0, 3}
	w, cam := NewWorld(s.store), s.store.SourceIndex("cam-1")
	see := func(x *track, tall float32) *Event {
		return w.footed(x, &Event{Source: cam, HasFloor: true, Floor: Point{4, 0}, Tall: tall})
	}
	if e := see(nil, 1.4); e.Tall == 0 {
		t.Error("one box that is a little short does not fit, of a camera that nothing is known of")
	}
	stands := &track{key: trackKey{source: cam}, visit: &Visit{}}
	for range 3600 * 5 {
		if e := see(stands, 1.1); e.Tall != 0 || e.Floor.X > 3 {
			t.Fatalf("the cashier is at %v", e.Floor)
		}
	}
	if e := see(nil, 1.4); e.Tall != 0 {
		t.Error("one that is a little short fits, of a camera that has long shown few people whole")
	}
	if e := see(nil, meanTall); e.Tall == 0 || (e.Floor != Point{4, 0}) {
		t.Errorf("somebody whole is at %v, and %.2f m tall", e.Floor, e.Tall)
	}
	for feet, off := range map[float64]float64{4.3: 0.01, 5: 2.5} { // he bends down, or stands farther away behind something
		bends := &track{key: trackKey{source: cam}, visit: &Visit{}, placed: true, pos: Point{4, 0}, stood: Point{4, 0}}
		if e := w.footed(bends, &Event{Source: cam, HasFloor: true, Floor: Point{feet, 0}, Tall: 0.9}); feet-e.Floor.X > off || feet-e.Floor.X < off/2-0.01 {
			t.Errorf("whose box ends at %.1f m is at %v", feet, e.Floor)
		}
	}
	w.Store.Cameras[0].Eye[2] = leastEye
	long := &track{key: trackKey{source: cam}, visit: &Visit{tall: []stature{{cam, 1.9, 50}}}}
	if e := see(long, 1.8); e.SD.X > 0.3 {
		t.Errorf("seen by a camera that hangs low he is off by %.2f m", e.SD.X)
	}
}

// TestEye: the map of its pixels tells where a camera is.
func TestEye(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 300 {
		f, high, turn, mirror := 400+1500*r.Float64(), 2.3+2*r.Float64(), 6*r.Float64(), r.IntN(2) == 0
		h, _ := pinhole(f, high, 0.15+0.5*r.Float64(), turn, mirror, [2]int{1280, 720})
		u, ok := h.Upright([2]int{1280, 720})
		if !ok {
			t.Fatal("nothing is known of what stands upright")
		}
		x, y := -8*math.Sin(turn), -8*math.Cos(turn)
		if mirror {
			x = -x
		}
		if eye := u.Eye(); !(math.Abs(eye[0]-x) < 0.1 && math.Abs(eye[1]-y) < 0.1 && math.Abs(eye[2]-high) < 0.05) {
			t.Fatalf("a camera at (%.2f, %.2f, %.2f) is at %.2f", x, y, high, eye)
		}
	}
	if eye := (*Upright)(nil).Eye(); eye != [3]float64{} {
		t.Errorf("one that is not known is at %v", eye)
	}
}
