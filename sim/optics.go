package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// eye is a camera with its detector and tracker.
type eye struct {
	*camera
	at     fusion.Point // where it hangs, three metres high: over the first corner of what it sees
	phase  time.Duration
	dark   time.Duration // until when nothing is seen
	count  int           // of tracks
	ghosts []*ghost
	said   time.Duration
	index  int
}

const eyeHeight = 3.0 // metres

// sighting is what a camera holds of somebody.
type sighting struct {
	track  string
	missed bool // a run of missed frames
	at     time.Duration
	side   float64 // error of the foot point in standard deviations, across and along the line of sight
	along  float64
	head   float64 // of the head, in standard deviations
	hidden float64 // how much of the person is not seen, from the feet up, as a share of his height
	cart   string
}

// ghost is a detection of nobody.
type ghost struct {
	at    fusion.Point
	until time.Duration
	track string
}

func (w *world) openEyes() {
	for i := range w.store.Cameras {
		e := &eye{camera: newCamera(w.site, i), phase: time.Duration(w.noise.IntN(2)) * tick, count: w.noise.IntN(900), index: i}
		e.at = e.low
		if len(e.sees) > 0 {
			e.at = e.sees[0]
		}
		w.eyes = append(w.eyes, e)
	}
}

// Errors of feet and heads last for some frames: AR(1) with the same variance.
const keep, fresh = 0.8, 0.6

// forget is after how long without being seen a track ends.
const forget = 1500 * time.Millisecond

// film makes the frames of this tick: five a second of each camera.
func (w *world) film() {
	for _, e := range w.eyes {
		if (w.now-e.phase)%frameEvery != 0 {
			continue
		}
		if w.now < e.dark {
			for _, s := range w.inside {
				delete(s.sight, e.index)
			}
			continue
		}
		body := message.Track{Frame: &e.frame}
		for _, s := range w.inside {
			w.see(e, s, &body)
		}
		w.haunt(e, &body)
		if body.Tracks != nil || body.Lost != nil || w.now-e.said >= time.Second {
			e.said = w.now
			w.says(w.now, fusion.Tracks, e.id, func(h message.Head) any { m := body; m.Head = h; return m })
		}
	}
}

func (w *world) see(e *eye, s *shopper, body *message.Track) {
	v := s.sight[e.index]
	in := !s.gone && e.covers(s.here)
	if v != nil && (!in || v.track != "") && w.now-v.at > forget {
		if v.track != "" {
			body.Lost = append(body.Lost, v.track)
			v.track = ""
		}
		if !in {
			delete(s.sight, e.index)
			return
		}
	}
	if !in {
		return
	}
	if v == nil {
		v = &sighting{at: w.now}
		s.sight[e.index] = v
	}
	// Runs of missed frames, longer behind others (Gilbert-Elliott).
	leave := 1 / max(1, w.m.missRun)
	enter := leave * (1 - w.m.recall) / max(0.01, w.m.recall)
	if w.behind(e, s) {
		enter *= 5
		leave /= 2
	}
	if v.missed {
		v.missed = !w.noise.chance(leave)
	} else {
		v.missed = w.noise.chance(enter)
	}
	if v.missed {
		return
	}
	v.at = w.now
	if v.track == "" {
		e.count++
		v.track = fmt.Sprint(e.count)
	}
	w.swap(e, s, v)
	where := w.foot(e, s.here, v)
	w.hide(e, s, v)
	if v.hidden > 0 { // the sight of him ends on the floor behind him
		far := eyeHeight / (eyeHeight - float64(v.hidden*s.tall))
		where.at = fusion.Point{X: e.at.X + float64((where.at.X-e.at.X)*far), Y: e.at.Y + float64((where.at.Y-e.at.Y)*far)}
	}
	p := person{hands: s.hands}
	o := p.object(w.now, where.at, e.camera)
	v.head = float64(keep*v.head) + float64(fresh*w.bodies.normal())
	o.Box = e.box(where.at, s.here, s.tall*(1+float64(w.m.head*v.head)))
	o.Track, o.SD = v.track, &[2]float64{centimetres(max(0.03, where.sd.X)), centimetres(max(0.03, where.sd.Y))}
	o.Conf = centimetres(w.noise.between(0.6, 0.95))
	body.Tracks = append(body.Tracks, o)
	if !w.lost(e.id, w.now) {
		w.spans.see(e.id+"/"+v.track, s.name, w.clock())
	}
	if s.cart && w.noise.chance(0.8) {
		if v.cart == "" {
			e.count++
			v.cart = fmt.Sprint(e.count)
		}
		cart := message.Object{Track: v.cart, Class: "cart", Conf: o.Conf, Box: e.box(where.at, where.at, upright),
			Floor: &[2]float64{centimetres(where.at.X + 0.5), centimetres(where.at.Y)}, SD: o.SD}
		body.Tracks = append(body.Tracks, cart)
	}
}

// hide hides somebody's feet for a run of frames, sooner behind somebody else (Gilbert-Elliott).
func (w *world) hide(e *eye, s *shopper, v *sighting) {
	leave := 1 / max(1, w.m.feetRun)
	enter := leave * w.m.feetHidden / max(0.01, 1-w.m.feetHidden)
	if w.behind(e, s) {
		enter *= 5
	}
	switch {
	case v.hidden > 0 && w.bodies.chance(leave):
		v.hidden = 0
	case v.hidden == 0 && w.bodies.chance(enter):
		v.hidden = w.bodies.between(0.25, 0.6)
	}
}

// behind reports whether somebody stands between a camera and a shopper.
func (w *world) behind(e *eye, s *shopper) bool {
	d := apart(e.at, s.here)
	for _, o := range w.inside {
		if o == s {
			continue
		}
		r := apart(e.at, o.here)
		if r >= d || d < 0.5 {
			continue
		}
		share := r / d
		x, y := e.at.X+float64((s.here.X-e.at.X)*share), e.at.Y+float64((s.here.Y-e.at.Y)*share)
		if apart(fusion.Point{X: x, Y: y}, o.here) < 0.3 {
			return true
		}
	}
	return false
}

// swap changes ids as trackers do where people are close: two change theirs, or one goes on under a new one.
func (w *world) swap(e *eye, s *shopper, v *sighting) {
	for _, o := range w.inside {
		if o == s || apart(o.here, s.here) > 0.8 {
			continue
		}
		if !w.noise.chance(w.m.switches * frameEvery.Minutes()) {
			return
		}
		if other := o.sight[e.index]; other != nil && other.track != "" && w.noise.chance(0.5) {
			v.track, other.track = other.track, v.track
			return
		}
		e.count++
		v.track = fmt.Sprint(e.count)
		return
	}
}

type footed struct{ at, sd fusion.Point }

// foot is where a camera takes somebody to stand. A box's foot is off by a share of its height, across and along the line
// of sight; a pinhole camera at height H sees d metres away Δ along as Δ·d/H on the floor.
func (w *world) foot(e *eye, p fusion.Point, v *sighting) footed {
	v.side = float64(keep*v.side) + float64(fresh*w.noise.normal())
	v.along = float64(keep*v.along) + float64(fresh*w.noise.normal())
	d := max(0.5, apart(e.at, p))
	side := w.m.footSide * 1.7
	along := w.m.footAlong * 1.7 * max(1, d/eyeHeight)
	ux, uy := (p.X-e.at.X)/d, (p.Y-e.at.Y)/d
	return footed{
		at: fusion.Point{X: p.X + float64(ux*along*v.along) - float64(uy*side*v.side),
			Y: p.Y + float64(uy*along*v.along) + float64(ux*side*v.side)},
		sd: fusion.Point{X: math.Sqrt(float64(ux*ux*along*along) + float64(uy*uy*side*side)),
			Y: math.Sqrt(float64(uy*uy*along*along) + float64(ux*ux*side*side))},
	}
}

// haunt shows people who are not there.
func (w *world) haunt(e *eye, body *message.Track) {
	if w.noise.chance(w.m.ghosts * frameEvery.Minutes()) {
		e.count++
		at := fusion.Point{X: w.noise.between(e.low.X, e.high.X), Y: w.noise.between(e.low.Y, e.high.Y)}
		if e.covers(at) {
			e.ghosts = append(e.ghosts, &ghost{at, w.now + time.Duration(w.noise.between(0.3, 3)*float64(time.Second)), fmt.Sprint(e.count)})
		}
	}
	e.ghosts = slices.DeleteFunc(e.ghosts, func(g *ghost) bool {
		if w.now > g.until {
			body.Lost = append(body.Lost, g.track)
			return true
		}
		p := person{}
		o := p.object(w.now, fusion.Point{X: g.at.X + float64(0.1*w.noise.normal()), Y: g.at.Y + float64(0.1*w.noise.normal())}, e.camera)
		o.Track, o.Conf, o.SD = g.track, centimetres(w.noise.between(0.3, 0.65)), &[2]float64{0.3, 0.3}
		body.Tracks = append(body.Tracks, o)
		return false
	})
}
