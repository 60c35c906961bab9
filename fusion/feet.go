package fusion

import "math"

// Shelves, trolleys and other people hide feet. A box then ends where its person comes into sight, and the middle of its lower edge is a point of
// the floor metres farther from the camera than he stands; his head is where it is. A box too short for its person tells that, and so does one too
// long, whose lower edge is a shadow's or a trolley's. Limits are assumptions, but that heads are as steady as feet (MOT15).
const (
	hides    = 0.2        // share of a camera's boxes that do not end at feet, until more is known of it,
	mostHide = 0.75       // and at most: who is as tall as he should be is still seen whole
	anyTall  = 1.4        // metres: such a box is as tall with a density of one in so many, whoever it shows
	leastEye = 2.0        // metres at which a camera hangs from which heads tell where somebody stands,
	overHead = 0.3        // and by which it does above them
	bendsFor = 2 * second // between two frames of somebody who bends down,
	bendsAt  = 0.4        // and metres within which he keeps his feet
	asShort  = 25.0       // frames that show somebody as short,
	inDepth  = 1.6        // how many times as far from the camera,
	asFar    = 0.1        // and metres by which that may change it, until he is: a child, and nobody behind a shelf
)

// short is what the newest frames of a track showed, whose boxes do not fit its person.
type short struct {
	frames, tall, far float64 // sums: heights and distances along the floor from the camera, metres,
	far2, both, tall2 float64 // and their products
	nearest, farthest float64
}

// footed is a frame of a track, nil for a new one, with its person standing where the box does not show his feet. Its height is no stature then.
func (w *World) footed(t *track, e *Event) *Event {
	c := w.Store.camera[e.Source]
	tall := float64(e.Tall)
	if c < 0 || tall == 0 {
		return e
	}
	eye := w.Store.Cameras[c].Eye
	if !(eye[2] >= leastEye) && tall <= tallest {
		return e
	}
	n := *e
	n.Tall = 0
	if !(eye[2] >= leastEye) {
		return &n
	}
	should, noise := w.shouldBe(t, e.Source)
	frame := w.statures.frame(e.Source)
	noise += frame
	sight, fits := &w.statures[e.Source], 0.0
	if tall <= tallest {
		fits = sight.fits(tall-should, noise)
	}
	sight.hidden.add(1-fits, 1)
	switch {
	case fits >= 0.5:
		if t != nil {
			t.short = short{}
		}
		n.Tall = e.Tall
		n.unsure(eye, max(overHead, eye[2]-should)/max(overHead, eye[2]-tall), fits)
	case t != nil && tall <= tallest && t.shorter(e, e.Floor.distance(Point{eye[0], eye[1]}), frame):
		return e
	default:
		t.stands(&n, eye, tall, should, noise)
	}
	return &n
}

// fits is the probability that a box ends at its person's feet, by how much it has him taller than he is, metres, and the variance of that.
func (c *eyesight) fits(by, variance float64) float64 {
	hidden := min(mostHide, c.hidden.with(hides))
	whole := (1 - hidden) * round9(math.Exp(-float64(by*by)/variance/2)) / math.Sqrt(2*math.Pi*variance)
	return whole / (whole + hidden/anyTall)
}

// unsure makes the floor point of a box that may not end at its person's feet as unsure as that makes it: he is so many times as far from the camera,
// unless it fits.
func (e *Event) unsure(eye [3]float64, times, fits float64) {
	s, d := footNoise(e.SD), e.Floor.minus(Point{eye[0], eye[1]})
	off := float64((1-times)*(1-times)) * (1 - fits)
	e.SD = Point{math.Sqrt(s.x + float64(d.X*d.X*off)), math.Sqrt(s.y + float64(d.Y*d.Y*off))}
}

// stands puts the person of a frame, in which he is not as tall as he should be, below his head. Who bends down keeps his feet where they were. Who is
// too tall is too far away, where the homography was not measured, unless a moment ago he was below where his head is now: then the lower edge
// of his box is a shadow's.
func (t *track) stands(e *Event, eye [3]float64, tall, should, noise float64) {
	d := e.Floor.minus(Point{eye[0], eye[1]})
	if d == (Point{}) {
		return // below the camera
	}
	along := func(share float64) Point { return Point{eye[0] + float64(share*d.X), eye[1] + float64(share*d.Y)} }
	overhead := eye[2]-max(tall, should) < overHead
	lately := t != nil && t.placed && e.TS-t.at <= bendsFor
	nearer := (eye[2] - should) / max(overHead, eye[2]-tall) // the ray to his head, at his height and at the box's
	at := along(nearer)
	if tall > should {
		if half := along(math.Sqrt(should / tall)); overhead || !lately || half.distance(t.pos) <= at.distance(t.pos) {
			e.tooFar(half)
			return
		}
	}
	if overhead || lately && e.Floor.distance(t.pos) <= at.distance(t.pos) &&
		t.stood != (Point{}) && e.Floor.distance(t.stood) <= bendsAt {
		return
	}
	far := float64(d.X*d.X) + float64(d.Y*d.Y)
	across := footNoise(e.SD)
	depth := noise / float64((eye[2]-should)*(eye[2]-should)) // for each metre from the camera
	e.Floor = at
	e.SD = Point{
		float64(nearer * math.Sqrt(float64(across.x*d.Y*d.Y/far)+float64(depth*d.X*d.X))),
		float64(nearer * math.Sqrt(float64(across.y*d.X*d.X/far)+float64(depth*d.Y*d.Y))),
	}
}

// tooFar puts a person whom the homography has too far away, and too tall by as much or less, at a point on the way there: how far it is from there is
// how unsure that is.
func (e *Event) tooFar(at Point) {
	s, off := footNoise(e.SD), e.Floor.minus(at)
	e.Floor, e.SD = at, Point{math.Sqrt(s.x + float64(off.X*off.X)), math.Sqrt(s.y + float64(off.Y*off.Y))}
}

// shouldBe is how tall a camera should show the person of a track, metres, and the variance of that: as tall as people are, and as the surest of what is
// known of him says, each by how sure it is. What tells less of him than that people are alike is sooner what hides his feet.
func (w *World) shouldBe(t *track, camera int) (metres, variance float64) {
	people := w.statures[camera].people.with(meanTall)
	variance = tallSD * tallSD
	own, noise := people, variance
	take := func(x stature) {
		if x.blocks == 0 {
			return
		}
		other, n := 0.0, w.statures.noise(x)
		if x.source != camera {
			other, n = people-w.statures[x.source].people.with(meanTall), n+float64(plansApart*plansApart)
		}
		if n < noise {
			own, noise = x.mean+other, n
		}
	}
	if t != nil {
		take(t.own)
		for _, x := range t.visit.tall {
			take(x)
		}
	}
	if noise == variance { // nothing
		return people, variance
	}
	share := variance / (variance + noise)
	return people + float64((own-people)*share), float64(noise * share)
}

// shorter takes a frame that shows somebody too short or too tall, at a distance along the floor from the camera, and reports whether he is: near and far
// the same, but for the noise of a frame, m².
func (t *track) shorter(e *Event, far, noise float64) bool {
	s, tall := &t.short, float64(e.Tall)
	if s.frames == 0 {
		s.nearest, s.farthest = far, far
	}
	s.frames++
	s.tall += tall
	s.far += far
	s.far2 += float64(far * far)
	s.both += float64(far * tall)
	s.tall2 += float64(tall * tall)
	s.nearest, s.farthest = min(s.nearest, far), max(s.farthest, far)
	if s.frames < asShort || s.farthest < float64(inDepth*s.nearest) {
		return false
	}
	mean := s.tall / s.frames
	slope := (s.both - float64(s.far*mean)) / (s.far2 - float64(s.far*s.far)/s.frames) // least squares
	if math.Abs(slope)*(s.farthest-s.nearest) > asFar || s.tall2/s.frames-float64(mean*mean) > noise {
		return false
	}
	t.own, *s = stature{source: t.key.source}.with(mean, s.frames/blockOf), short{}
	return true
}
