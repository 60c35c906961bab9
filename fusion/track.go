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
	key    trackKey
	visit  *Visit
	first  int64 // its first observation
	at     int64
	lost   bool
	pos    Point // at that moment, of a camera; and its standard deviation
	sd     Point
	placed bool       // it has a position
	odd    trailPoint // where a frame has shown it last that is too far to have walked
	odds   int        // such frames in a row
	far    int        // frames in a row in which another track of the visit was too far away
	way    []waypoint // its newest points, where several cameras see
	tall   float64    // sum of how tall the newest frames show its person, metres
	frames int        // which are so many, fewer than a block
	block  float64    // mean of the block before them, 0: none
	own    stature    // of all its blocks
	stood  Point      // where it was last seen from head to feet; none: it never was
	short  short      // of the frames whose boxes do not fit its person
	leap   float64    // its oddest step of late, nats
	leapAt int64
}

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
	e = w.footed(t, e)
	if t == nil {
		w.wait(e)
		return
	}
	if far, moved := t.jumped(e); far {
		w.touch(t.visit)
		if moved {
			w.unfollow(t.visit, key) // it stays there: it is another person's
			w.wait(e)
		}
		return
	}
	if v := t.visit; v.PosAt+lostAfter <= e.TS { // the timer has fired
		w.watch(v, e.TS)
		defer func() { w.begun(t.visit, e) }()
	}
	t.leaps(e)
	t.at, t.lost, t.pos, t.sd = e.TS, false, e.Floor, e.SD
	if e.Tall != 0 {
		t.stood = e.Floor
	}
	w.divided(t)
	w.seen(t.visit, e)
	w.walksOn(t, e)
	w.measure(t, float64(e.Tall))
}

func (w *World) follow(v *Visit, key trackKey) {
	if len(v.keys) == maxTracks {
		delete(w.tracks, v.keys[0])
		v.keys = v.keys[1:]
		w.evicted++
	}
	if len(v.Tracks) == maxTracks {
		v.Tracks = v.Tracks[1:]
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

// seen moves the visit to where a camera saw it.
func (w *World) seen(v *Visit, e *Event) {
	w.touch(v)
	way := w.Store.toWayOut(e.Floor)
	if v.PosAt != 0 {
		v.heading = float64(0.8*v.heading) + v.wayOut - way
		v.unseen(e.TS - v.PosAt - dwellUnseen)
	}
	v.wayOut = way
	remember := len(v.trail) == 0 || e.TS-v.trail[len(v.trail)-1].at >= trailStep
	if remember {
		v.trail, _ = newest(v.trail, trailPoint{e.TS, e.Floor, int32(e.Source), e.Shift}, maxTrail)
	}
	w.moveTo(v, e.Floor, e.SD, e.Source, e.TS)
	v.reachOut(e)
	w.handAt(v, e)
	w.cross(v, e)
	for z := range w.Store.Zones {
		w.inZone(v, z, e)
	}
	if remember {
		w.beside(v)
		w.meet(v)
	}
	w.compare(v, e)
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
	if int(v.pastOut) != zone {
		v.past, v.pastAt, v.pastOut = 0, e.TS, int32(zone)
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
		v.stays[z].gone = false
	}
	w.takesBack(v)
	w.add(v, Fact{At: e.TS, Kind: FactSeen, Source: e.Source, Zone: v.Zone, Product: -1, N: 1, P: 1}, 1)
}

// gone reports whether the visit has gone out and was not seen inside since.
func (w *World) gone(v *Visit) bool {
	for z := range v.stays {
		if v.stays[z].gone {
			return true
		}
	}
	return false
}

// inZone follows whether the visit is in a zone, with a hysteresis of 0.3 m or 0.5 s (science §3.3).
func (w *World) inZone(v *Visit, z int, e *Event) {
	zone, s := &w.Store.Zones[z], &v.stays[z]
	inside := w.Store.in(z, e.Floor)
	if inside {
		v.Zone, v.ZoneAt = z, e.TS
	}
	if inside == s.in {
		if s.pending = 0; inside && e.TS-s.entered >= worksAfter {
			w.worksIn(v, z)
			w.atTask(v, z)
		}
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
		if s := &v.stays[z]; s.in {
			s.entered += ns
			if s.pending != 0 {
				s.pending += ns // else it would have left before it came
			}
		}
	}
}

// setZone notes that the visit went into or out of a zone.
func (w *World) setZone(v *Visit, z int, in bool, at int64, source int) {
	s := &v.stays[z]
	s.in, s.pending = in, 0
	kind := FactLeft
	if in {
		w.list(v, z)
		kind = FactEntered
		s.entered, s.ever = at, true
		v.Zone, v.ZoneAt = z, at
		w.entered(v, z)
	} else {
		s.dwell += at - s.entered
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

// objectReach is how far from a person goods and bags are that are his, in metres.
const objectReach = 1.0

// foldObject notes goods and bags that a camera sees with the person nearest to them.
func (w *World) foldObject(e *Event) {
	var v *Visit
	least := objectReach
	for _, o := range w.near(e.Floor, objectReach) {
		if e.TS-o.PosAt > second {
			continue
		}
		if d := o.Pos.distance(e.Floor); d < least {
			v, least = o, d
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
		v := w.onlyOneIn(e)
		if v == nil {
			v = w.open(e.Source, e.ID, e.TS)
			v.inside, v.camera = true, e.Source
		}
		w.follow(v, key)
		t = &track{key: key, visit: v, first: e.TS}
		w.tracks[key] = t
		defer w.begun(v, e)
	}
	t.at = e.TS
	v := t.visit
	w.touch(v)
	if v.PosAt != 0 && e.TS-v.PosAt <= lostAfter {
		return // a camera knows better where the person is
	}
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

// onlyOneIn is the one visit that an object which a device sees in a zone can be: the only one that a camera sees in the zone or
// near it now, where the device follows nobody else and a camera is awake that would show others. Nil: there is none, or
// several.
func (w *World) onlyOneIn(e *Event) *Visit {
	if !w.cameraAwake(e.Zone, e.TS) {
		return nil
	}
	var only *Visit
	for _, v := range w.about(e.Zone) {
		switch {
		case v.PosAt == 0:
			if v.stays[e.Zone].in {
				return nil // a device without positions has somebody there
			}
			continue
		case e.TS-v.PosAt > second || Distance(w.Store.Zones[e.Zone].Polygon, v.Pos) > regionReach:
			continue
		case only != nil || w.follows(e.Source, v):
			return nil
		}
		only = v
	}
	return only
}

// regionReach is how far from a zone somebody may stand whom a device sees in it, in metres (assumption).
const regionReach = 0.5

// follows reports whether a source follows a visit now, by a track that has not ended.
func (w *World) follows(source int, v *Visit) bool {
	return slices.ContainsFunc(v.keys, func(k trackKey) bool {
		t := w.tracks[k]
		return k.source == source && t != nil && !t.lost
	})
}

// at is where the visit was at ts, and how long before or after that it was seen; false when no camera saw it within
// two seconds.
func (v *Visit) at(ts int64) (Point, int64, bool) {
	best, gap := Point{}, int64(math.MaxInt64)
	for i := len(v.trail) - 1; i >= 0; i-- { // which is in order: it comes nearer to ts, and then goes away
		t := &v.trail[i]
		d := abs(t.at - ts)
		if d > gap {
			break
		}
		best, gap = t.p, d
	}
	return best, gap, gap <= lostAfter
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
