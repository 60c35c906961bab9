package fusion

import (
	"math"
	"slices"
)

// Pairs: two sources that tell of one moment, a device that feels or hears somebody and a camera that sees him. Only those
// are paired that say when to a fraction of a second:
//
//   - a step of a plate, and the middle of the time in which a hand was at it;
//   - the moment at which a gate's reader hears a tag best, or at which the gate rings, and the middle of the time in which
//     somebody goes past the middle of its zone.
//
// One is taken only where its camera shows one visit alone that can be meant. A person who stands before a plate or a till
// says nothing of when, and tills have no other pair: their clocks are known by their floor alone.
const (
	pairReach   = 4 * second         // how far two clocks may be apart, and pairs be found
	pairWait    = pairReach + second // from the moment until all cameras have told of it
	pairKeep    = 2 * minuteNS       // beyond the lag, until a cut takes them
	maxAnchors  = 64
	minutePairs = 256               // of a minute of event time, beside eyesPairs; what is beyond is left out
	handBox     = 0.1               // metres from the box over a plate
	handGone    = 600 * int64(1e6)  // without the hand there: it has left
	handStay    = 2500 * int64(1e6) // a hand that is there for longer does not say when
	touchStep   = 100 * int64(1e6)
	maxTouches  = 64
	wayNear     = 1.2 // metres from the middle of the zone: who goes past it
	wayMore     = 0.5 // metres further away on either side
	wayRoom     = 2.0 // metres: nobody else so near
	pairWalk    = 2.0 // metres a second, a brisk walk
	wayStay     = 3 * second
	oneBag      = 2 * second // several tags are one person's
	peakDrop    = 400        // hundredths of a dB by which a tag rises to its peak and falls again
	peakHalf    = 3          // epochs on either side of it
)

// anchor is a moment of which a source without eyes has told, until cameras have.
type anchor struct {
	due, at     int64
	shift       int64 // what was added to its ts, ns
	source      int32
	scale, zone int32 // one of them; else -1
}

// pair is what an anchor and a camera say of one moment.
type pair struct {
	made int64 // event time at which it was; nothing later is in it
	at   int64 // of the anchor
	gap  int64 // the anchor's own ts less the camera's, before any correction, ns
	a, b int32 // the anchor's source and the camera
	door bool
}

// contact is a hand at a plate.
type contact struct {
	at     int64
	shift  int32 // ms
	scale  int16
	source int16
}

// anchor waits for cameras to tell of a moment of a source.
func (w *World) anchor(source, scale, zone int, at int64) {
	if w.clocks == nil || len(w.anchors) == maxAnchors {
		return
	}
	for i := range w.anchors {
		a := &w.anchors[i]
		if int(a.source) == source && abs(a.at-at) < oneBag && zone >= 0 {
			return
		}
	}
	n := anchor{due: align(max(at+pairWait, w.now+1)), at: at, shift: int64(w.shifts[source]) * 1e6, source: int32(source), scale: int32(scale), zone: int32(zone)}
	i := len(w.anchors)
	for i > 0 && w.anchors[i-1].due > n.due {
		i--
	}
	w.anchors = slices.Insert(w.anchors, i, n)
}

// before is how long before the sample that showed it a change is to be supposed: half of the time since the sample before.
// Of samples that come faster than bins are filled the bin itself tells.
func (p *plate) before() int64 {
	if p.count < 2 {
		return 0 // a scale that sends changes tells of them when they are
	}
	if d := p.at(p.count-1).ts - p.at(p.count-2).ts; d > 3*binNS/2 && d < holeNS {
		return d / 2
	}
	return 0
}

// anchorDue is when the next anchor is paired.
func (w *World) anchorDue() int64 {
	if len(w.anchors) == 0 {
		return math.MaxInt64
	}
	return w.anchors[0].due
}

// pairUp pairs the anchors that are due.
func (w *World) pairUp(now int64) {
	for len(w.anchors) > 0 && w.anchors[0].due <= now {
		a := w.anchors[0]
		w.anchors = slices.Delete(w.anchors, 0, 1)
		var p Point
		if a.scale >= 0 {
			p = Point{w.Store.Scales[a.scale].At[0], w.Store.Scales[a.scale].At[1]}
		} else {
			p = centroid(w.Store.Zones[a.zone].Polygon)
		}
		walked := float64(pairWalk * float64(now-a.at+pairReach) / 1e9) // since who may be meant was there
		visits := w.near(p, wayRoom+walked)
		for _, camera := range w.clocks.cameras {
			var at, shift int64
			ok := false
			if a.scale >= 0 {
				at, shift, ok = handled(visits, &a, int32(camera))
			} else {
				at, shift, ok = wentBy(visits, p, &a, int32(camera))
			}
			if ok {
				w.pair(pair{made: a.due, at: a.at, gap: a.at - a.shift - (at - shift), a: a.source, b: int32(camera), door: a.zone >= 0})
			}
		}
	}
}

func (w *World) pair(p pair) {
	if n := len(w.pairs) - minutePairs - eyesPairs; n >= 0 && w.pairs[n].made/minuteNS == p.made/minuteNS {
		return
	}
	old := 0
	for old < len(w.pairs) && w.pairs[old].made < p.made-w.clocks.lag-pairKeep {
		old++
	}
	w.pairs = append(w.pairs[old:], p)
}

// handAt remembers that a camera saw a hand of the visit at a plate.
func (w *World) handAt(v *Visit, e *Event) {
	if w.clocks == nil {
		return
	}
	for _, h := range e.Hands {
		p := [3]float32{float32(h[0]), float32(h[1]), float32(h[2])}
		for i := range w.Store.Scales {
			sc := &w.Store.Scales[i]
			if math.Abs(h[0]-sc.At[0]) > float64(sc.Size[0]/2)+handBox || sc.apart(p) > handBox {
				continue
			}
			if n := len(v.touches); n > 0 && v.touches[n-1].scale == int16(i) && v.touches[n-1].source == int16(e.Source) && e.TS-v.touches[n-1].at < touchStep {
				continue
			}
			v.touches, _ = newest(v.touches, contact{e.TS, e.Shift, int16(i), int16(e.Source)}, maxTouches)
		}
	}
}

// handled is when a camera saw a hand at the plate of an anchor, if one visit alone had one there, once and not for long.
func handled(visits []*Visit, a *anchor, camera int32) (at, shift int64, ok bool) {
	var first, last int64
	found := false
	for _, v := range visits {
		mine := false
		for i := range v.touches {
			c := &v.touches[i]
			if int32(c.scale) != a.scale || int32(c.source) != camera || abs(c.at-a.at) > pairReach {
				continue
			}
			if !mine {
				if found {
					return 0, 0, false // somebody else too
				}
				found, mine = true, true
				first, last, shift = c.at, c.at, int64(c.shift)*1e6
			}
			if c.at-last > handGone {
				return 0, 0, false // more than once
			}
			last = c.at
		}
	}
	whole := first > a.at-pairReach+handGone && last < a.at+pairReach-handGone
	return first + (last-first)/2, shift, found && whole && last-first >= touchStep && last-first <= handStay
}

// wentBy is when a camera saw somebody go past the middle of the zone of an anchor, if it was one alone and once.
func wentBy(visits []*Visit, centre Point, a *anchor, camera int32) (at, shift int64, ok bool) {
	found := false
	for _, v := range visits {
		t, s, near, once := v.pass(camera, centre, a.at-pairReach, a.at+pairReach)
		switch {
		case !near:
		case found || !once:
			return 0, 0, false
		default:
			at, shift, found = t, s, true
		}
	}
	return at, shift, found
}

// pass is when a camera saw the visit go past a point: the middle of the time in which it was no more than wayMore further
// from it than at the nearest. near says that it came near; once, that it came from further away, went on, and did not stay.
func (v *Visit) pass(camera int32, p Point, from, until int64) (at, shift int64, near, once bool) {
	var room [maxTrail]trailPoint
	way := room[:0]
	least, nearest := math.Inf(1), 0
	for _, t := range v.trail {
		if t.source != camera || t.at < from || t.at > until {
			continue
		}
		if d := t.p.distance(p); d < least {
			least, nearest = d, len(way)
		}
		way = append(way, t)
	}
	if least > wayRoom {
		return 0, 0, false, false
	}
	if least > wayNear {
		return 0, 0, true, false
	}
	edge := least + wayMore
	begin, end := int64(0), int64(0)
	i := nearest
	for ; i > 0 && begin == 0; i-- {
		begin = crossed(way[i], way[i-1], p, edge)
	}
	k := nearest
	for ; k+1 < len(way) && end == 0; k++ {
		end = crossed(way[k], way[k+1], p, edge)
	}
	once = begin != 0 && end != 0 && end-begin <= wayStay
	for j, t := range way { // and never again
		if (j < i || j > k) && t.p.distance(p) <= edge {
			once = false
		}
	}
	return begin + (end-begin)/2, int64(way[nearest].shift) * 1e6, true, once
}

// crossed is when the way from one point to the next leaves the circle; 0: it does not, or nobody saw it for a second.
func crossed(in, out trailPoint, p Point, radius float64) int64 {
	a, b := in.p.distance(p), out.p.distance(p)
	if a > radius || b <= radius || abs(out.at-in.at) > second {
		return 0
	}
	return in.at + int64(math.Round(float64(float64(out.at-in.at)*max(0, radius-a)/(b-a))))
}

func centroid(polygon []Point) (c Point) {
	for _, p := range polygon {
		c.X += p.X / float64(len(polygon))
		c.Y += p.Y / float64(len(polygon))
	}
	return c
}

// peak is when a reader heard a tag best.
type peak struct {
	at     int64
	source int16
	zone   int16
	epc    string
}

// peak finds when one antenna heard the tag best as it went past, from the cells of its run up to epoch: the vertex of the
// parabola through its levels, over as much time before it as after it.
func (h *heard) peak(zone int, epoch int64) (at int64, ok bool) {
	var best course
	most := 0
	var room [8]course
	courses := h.courses(room[:0], zone, epoch)
	for i := range courses {
		reads := 0
		for _, n := range courses[i].n {
			reads += n
		}
		if reads > most {
			best, most = courses[i], reads
		}
	}
	from, to := 0, spanEpochs-1
	for from < to && best.n[from] == 0 {
		from++
	}
	for to > from && best.n[to] == 0 {
		to--
	}
	top, drop := 0.0, 0.0
	for range 4 {
		var bend bool
		if top, drop, bend = best.vertex(from, to); !bend {
			return 0, false
		}
		half := min(top-float64(from), float64(to)-top)
		if half < peakHalf-0.5 {
			return 0, false
		}
		from, to = int(math.Ceil(float64(top-half)-1e-6)), int(math.Floor(float64(top+half)+1e-6))
	}
	if drop < peakDrop {
		return 0, false
	}
	return (epoch-spanEpochs+1)*epochNS + int64(math.Round(float64((top+0.5)*float64(epochNS)))), true
}

// vertex is where the parabola through a course's levels from one epoch to another is highest, and by how much it is lower
// at the ends, in hundredths of a dB. False: it has no top between.
func (c *course) vertex(from, to int) (top, drop float64, ok bool) {
	var n, centre, mean float64
	for i := from; i <= to; i++ {
		n += float64(c.n[i])
		centre += float64(i * c.n[i])
		mean += float64(c.sum[i])
	}
	if n < 6 {
		return 0, 0, false
	}
	centre, mean = centre/n, mean/n
	var s2, s3, s4, y1, y2 float64
	for i := from; i <= to; i++ {
		k, x := float64(c.n[i]), float64(i)-centre
		y := float64(c.sum[i]) - float64(k*mean)
		xx := float64(x * x)
		s2 += float64(k * xx)
		s3 += float64(k * float64(xx*x))
		s4 += float64(k * float64(xx*xx))
		y1 += float64(y * x)
		y2 += float64(y * xx)
	}
	// y ≈ p + q·x + r·x²; the normal equations, x and y centred.
	det := float64(s2*(s4-float64(s2*s2)/n)) - float64(s3*s3)
	if !(det > 1e-9) {
		return 0, 0, false
	}
	r := (float64(s2*y2) - float64(s3*y1)) / det
	q := (y1 - float64(r*s3)) / s2
	if !(r < 0) {
		return 0, 0, false
	}
	x := -q / (2 * r)
	top = x + centre
	if top <= float64(from) || top >= float64(to) {
		return 0, 0, false
	}
	half := min(top-float64(from), float64(to)-top)
	return top, -float64(r * float64(half*half)), true
}
