package fusion

import (
	"math"
	"slices"
)

// trackKey names one object followed by one source.
type trackKey struct {
	source int
	id     string
}

// track is one object followed by one camera, or one object of a device that reports zones.
type track struct {
	visit *Visit
	at    int64
	lost  bool
}

// Limits of joining a new track to a visit that exists: how near two cameras' points of one person lie, and how fast a
// person may have walked while no camera saw him (science §3.3 and §4; ground error of a foot point and a brisk walk).
const (
	joinRadius = 0.7           // metres
	joinSpeed  = 2.0           // metres a second
	joinGone   = 0.2           // metres a second, of one who has gone out
	joinGap    = 4 * second    // longest time unseen
	together   = 400 * 1000000 // two cameras' points of one moment, ns
)

const (
	hysteresis     = 0.3              // metres
	hysteresisTime = 500 * int64(1e6) // ns
	trailStep      = 200 * int64(1e6) // between two remembered positions
	dwellUnseen    = 5 * second       // a person not seen for so long is not dwelling any more
	person         = "person"
)

func (w *World) foldTrack(e *Event) {
	key := trackKey{e.Source, e.ID}
	t := w.tracks[key]
	if e.Action == Lost {
		if t != nil && !t.lost {
			t.lost = true
			w.trackLost(t.visit, e)
		}
		return
	}
	if e.ID == "" || !e.HasFloor {
		return // a frame without tracks is a sign of life; a box without floor position says nothing of where
	}
	if e.Name != person {
		w.foldObject(e)
		return
	}
	if t == nil || t.visit == nil {
		v := w.join(e)
		if v == nil {
			v = w.open(e.Source, e.ID, e.TS)
			w.timers.push(timer{e.TS + lostAfter, timerLost, v.number})
		} else if v.PosAt+lostAfter <= e.TS {
			w.timers.push(timer{e.TS + lostAfter, timerLost, v.number})
		}
		t = &track{visit: v}
		w.tracks[key] = t
		w.follow(v, key)
		defer w.begun(v, e)
	} else if t.visit.PosAt+lostAfter <= e.TS { // the timer has fired
		w.timers.push(timer{e.TS + lostAfter, timerLost, t.visit.number})
		defer w.begun(t.visit, e)
	}
	t.at, t.lost = e.TS, false
	w.seen(t.visit, e)
}

func (w *World) follow(v *Visit, key trackKey) {
	if len(v.keys) == maxTracks {
		delete(w.tracks, v.keys[0])
		v.keys, v.Tracks = v.keys[1:], v.Tracks[1:]
		w.evicted++
	}
	v.keys = append(v.keys, key)
	v.Tracks = append(v.Tracks, w.Store.Sources[key.source].ID+"/"+key.id)
}

func (w *World) begun(v *Visit, e *Event) {
	f := Fact{At: e.TS, Kind: FactSeen, Source: e.Source, Zone: v.Zone, Product: -1, N: 1, P: e.Conf}
	w.add(v, f, 1)
	w.note(f)
	if slices.Contains(w.Store.Staff.Tracks, e.ID) {
		w.staff(v, 0.98, e.Source)
	}
}

// join finds the visit that a new track continues: one that another camera sees at the same place now, or one that no
// camera has seen for a moment and that can have walked here. Nil: a new person.
func (w *World) join(e *Event) *Visit {
	var best *Visit
	bestCost := math.Inf(1)
	for _, v := range w.visits {
		gap := e.TS - v.PosAt
		if v.PosAt == 0 || gap > joinGap {
			continue
		}
		speed := joinSpeed
		switch {
		case gap <= together:
			speed = 0
		case !w.gone(v):
		case v.pastOut >= 0 && gap > second:
			continue // who is seen out there now is sooner somebody else
		default:
			speed = joinGone
		}
		reach := joinRadius + float64(speed*float64(gap)/1e9)
		d := v.Pos.distance(e.Floor)
		if d > reach || w.followed(v, e) {
			continue
		}
		if cost := d / reach; cost < bestCost {
			best, bestCost = v, cost
		}
	}
	return best
}

// followed reports whether the same camera already follows the visit by another track.
func (w *World) followed(v *Visit, e *Event) bool {
	for _, k := range v.keys {
		if t := w.tracks[k]; k.source == e.Source && t != nil && !t.lost && e.TS-t.at < second {
			return true
		}
	}
	return false
}

// seen moves the visit to where a camera saw it.
func (w *World) seen(v *Visit, e *Event) {
	w.touch(v)
	way := w.Store.toWayOut(e.Floor)
	if v.PosAt != 0 {
		v.heading = float64(0.8*v.heading) + v.wayOut - way
		v.unseen(e.TS - v.PosAt - dwellUnseen)
	}
	w.moveTo(v, e.Floor, e.TS)
	v.camera, v.wayOut = e.Source, way
	remember := len(v.trail) == 0 || e.TS-v.trail[len(v.trail)-1].at >= trailStep
	if remember {
		if len(v.trail) == maxTrail {
			v.trail = v.trail[1:]
		}
		v.trail = append(v.trail, trailPoint{e.TS, e.Floor})
	}
	v.reachOut(e)
	w.cross(v, e)
	for z := range w.Store.Zones {
		w.inZone(v, z, e)
	}
	if remember {
		w.beside(v)
		w.meet(v)
	}
}

// cross follows whether the visit is beyond an out edge: two floor points in a row beyond it are an exit, two in a row
// inside again undo it. A point out there that belongs to no edge, such as far down the street, is neither.
func (w *World) cross(v *Visit, e *Event) {
	zone := w.Store.outside(e.Floor)
	if zone < 0 {
		if !w.Store.inner(e.Floor) {
			return
		}
		v.past, v.pastOut = 0, -1
		v.within++
		v.inside = true
		if v.within == 2 {
			w.back(v, e)
		}
		return
	}
	v.within = 0
	if v.pastOut != zone {
		v.past, v.pastAt, v.pastOut = 0, e.TS, zone
	}
	v.past++
	if v.past == 2 && v.inside {
		w.exit(v, zone, v.pastAt)
	}
}

// back notes that a visit that had gone out is seen inside.
func (w *World) back(v *Visit, e *Event) {
	if !w.gone(v) {
		return
	}
	for z := range v.stays {
		if w.Store.wayOut(z) {
			v.stays[z].exited = false
		}
	}
	w.add(v, Fact{At: e.TS, Kind: FactSeen, Source: e.Source, Zone: v.Zone, Product: -1, N: 1, P: 1}, 1)
}

// gone reports whether the visit has gone out and was not seen inside since.
func (w *World) gone(v *Visit) bool {
	for z := range v.stays {
		if v.stays[z].exited && w.Store.wayOut(z) {
			return true
		}
	}
	return false
}

// inZone follows whether the visit is in a zone, with a hysteresis of 0.3 m or 0.5 s (science §3.3).
func (w *World) inZone(v *Visit, z int, e *Event) {
	zone, s := &w.Store.Zones[z], &v.stays[z]
	inside := Contains(zone.Polygon, e.Floor)
	if inside {
		v.Zone, v.ZoneAt = z, e.TS
	}
	if inside == s.in {
		s.pending = 0
		return
	}
	if s.pending == 0 {
		s.pending = e.TS
	}
	if edgeDistance(zone.Polygon, e.Floor) < hysteresis && e.TS-s.pending < hysteresisTime {
		return
	}
	w.setZone(v, z, inside, s.pending, e.Source)
}

// unseen leaves out of its dwell the time in which no camera saw the visit, beyond what dwellUnseen allows.
func (v *Visit) unseen(ns int64) {
	if ns <= 0 {
		return
	}
	for z := range v.stays {
		if v.stays[z].in {
			v.stays[z].entered += ns
		}
	}
}

// setZone notes that the visit went into or out of a zone.
func (w *World) setZone(v *Visit, z int, in bool, at int64, source int) {
	s := &v.stays[z]
	s.in, s.pending = in, 0
	kind := FactLeft
	if in {
		kind = FactEntered
		s.entered, s.ever = at, true
		v.Zone, v.ZoneAt = z, at
		w.entered(v, z)
	} else {
		s.dwell += at - s.entered
	}
	if !w.Store.wayOut(z) {
		s.exited = !in
	}
	f := Fact{At: at, Kind: kind, Source: source, Zone: z, Product: -1, N: 1, P: 1}
	w.add(v, f, 1)
	w.note(f)
}

func (w *World) trackLost(v *Visit, e *Event) {
	if v == nil {
		return
	}
	for _, k := range v.keys {
		if t := w.tracks[k]; t != nil && !t.lost {
			return // another camera still sees the person
		}
	}
	f := Fact{At: e.TS, Kind: FactLost, Source: e.Source, Zone: v.Zone, Product: -1, N: 1, P: 1}
	w.add(v, f, 1)
	w.note(f)
}

// foldObject notes goods and bags that a camera sees with the person nearest to them.
func (w *World) foldObject(e *Event) {
	var v *Visit
	near := 1.0 // metres
	for _, o := range w.visits {
		if o.PosAt == 0 || e.TS-o.PosAt > second {
			continue
		}
		if d := o.Pos.distance(e.Floor); d < near {
			v, near = o, d
		}
	}
	if v == nil {
		return
	}
	i := 0
	for i < len(v.with) && v.with[i].class != e.Name {
		i++
	}
	if i == len(v.with) {
		if i == maxBasket {
			w.evicted++
			return
		}
		v.with = append(v.with, object{class: e.Name})
	}
	if e.Conf < v.with[i].p+0.1 {
		return
	}
	v.with[i].p = e.Conf
	w.add(v, Fact{At: e.TS, Kind: FactWith, Source: e.Source, Zone: v.Zone, Product: -1, N: 1, P: e.Conf, Name: e.Name}, 1)
}

// foldRegion follows an object of a device that reports zones and no positions.
func (w *World) foldRegion(e *Event) {
	if e.Name != person {
		w.foldGoods(e)
		return
	}
	if e.Zone < 0 {
		return
	}
	key := trackKey{e.Source, e.ID}
	t := w.tracks[key]
	if t == nil {
		v := w.open(e.Source, e.ID, e.TS)
		w.follow(v, key)
		v.inside = true
		t = &track{visit: v}
		w.tracks[key] = t
		defer w.begun(v, e)
	}
	t.at = e.TS
	v := t.visit
	w.touch(v)
	v.camera = e.Source
	out := w.Store.wayOut(e.Zone)
	if e.Action == Enter && !out {
		w.back(v, e)
	}
	switch {
	case e.Action == Leave && v.stays[e.Zone].in:
		w.setZone(v, e.Zone, false, e.TS, e.Source)
	case e.Action == Enter && !v.stays[e.Zone].in:
		w.setZone(v, e.Zone, true, e.TS, e.Source)
	case e.Action == Cross && out:
		w.exit(v, e.Zone, e.TS)
	}
}

// at is where the visit was at ts, and how long before or after that it was seen; false when no camera saw it within
// two seconds.
func (v *Visit) at(ts int64) (Point, int64, bool) {
	best, gap := Point{}, int64(math.MaxInt64)
	for _, t := range v.trail {
		if d := abs(t.at - ts); d < gap {
			best, gap = t.p, d
		}
	}
	return best, gap, gap <= lostAfter
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
