package fusion

import (
	"math"
	"slices"
)

// Limits of taking two tracks for one person's (science §3.3). What is marked so is an assumption, to be fitted.
const (
	gate99     = 9.21              // χ² of two degrees of freedom, 99 %
	sameFrames = 5                 // frames in a row that must agree
	joinGap    = 44 * second       // longest time unseen
	walkGap    = 12 * second       // after which only who is seen about where he was lost may be the same: two in three of the others were not (foreign simulators)
	lingers    = 0.5               // metres: about where he was lost (assumption)
	together   = 600 * int64(1e6)  // two cameras' points of one moment, ns: those of two frames a second, and some delay
	parted     = second            // a track unseen for so long has ended, whether or not its camera said so
	footSD     = 0.16              // metres, each way, of a foot point whose camera does not say (assumption)
	bothFeet   = 2 * 0.3 * 0.3     // m² of two foot points' variance that more frames lessen; the rest is feet that are hidden in all of them (assumption)
	leastSD    = 0.02              // metres: no foot point is surer than that
	surveySD   = 0.1               // metres by which the floor plans of two cameras differ (assumption)
	walkSD     = 0.65              // metres a second, each way: nobody is farther than 2 m after a second (assumption)
	clockPrior = 0.3               // seconds by which a camera's clock is off that nothing is known of (science §6.1, assumption)
	frameLag   = 0.1               // seconds between two cameras' frames that are compared (assumption)
	walkFor    = 2.0               // seconds for which one walks straight on (assumption)
	paceSD     = 0.3               // metres a second by which one who walks straight on does not keep his velocity (assumption)
	leastPace  = 0.4               // metres a second: who is slower stands about (assumption)
	standSD    = 0.25              // metres each way by which one who stands moves (assumption)
	standFor   = 15 * second       // after which of those who stand one of e still does (assumption)
	eachOne    = int64(800_000)    // micro-nats: by which it is unlikelier that two cameras each see but one of two than that they see one (assumption)
	oneOfTwo   = int64(693147)     // ln 2, in micro-nats: he walks or stands on or he does not, which is equally likely (assumption)
	glimpse    = 2.5               // seconds: who was seen for so long is with one half nobody, or a piece of somebody else's way (assumption)
	glimpseGap = 5 * second        // of who is lost for less that does not matter: he was there
	goneSD     = 0.07              // metres a second, of one who has gone out (assumption)
	comers     = 0.1               // strangers a square metre among new tracks where they come in (assumption)
	comeReach  = 0.5               // metres from there, over which they become fewer by e (assumption)
	strangers  = 0.001             // the same elsewhere: who is there came in (assumption)
	unknowns   = 0.003             // the same at the edge of a room, out of which those come whose way in there was lost (simulated stores)
	oneUnknown = 0.1               // but no more of them at the whole edge of a room (assumption)
	sureSame   = 0.8               // share of what is likely from which a new track is somebody who is known,
	sureLate   = 0.95              // and from which a visit is somebody who was lost before it began, which its first frame did not say (measured, decision 007)
	joinReach  = 20.0              // metres that nobody walks in joinGap, within the gate
	seenReach  = 3.0               // metres between two cameras' points of one person, however far off they are (assumption)
	maxLike    = 8                 // visits with which one is compared
	anyOffset  = int64(50_000_000) // micro-nats: keeps costs of densities above 0
)

// variance is one each way in m², axis by axis: two axes are enough for foot points.
type variance struct{ x, y float64 }

// of is the squared Mahalanobis distance of a displacement.
func (s variance) of(d Point) float64 { return float64(d.X*d.X/s.x) + float64(d.Y*d.Y/s.y) }

// cost is minus the log of the density of a displacement, in micro-nats above anyOffset.
func (s variance) cost(d Point) int64 {
	l := float64(s.of(d)/2) + round9(math.Log(2*math.Pi)) + float64(round9(math.Log(float64(s.x*s.y)))/2)
	return anyOffset + int64(math.Round(l*1e6))
}

func (s variance) plus(o variance) variance { return variance{s.x + o.x, s.y + o.y} }

// footNoise is the variance of a foot point whose camera gives its standard deviation, or does not.
func footNoise(sd Point) variance {
	if sd.X <= 0 || sd.Y <= 0 {
		return variance{float64(footSD * footSD), float64(footSD * footSD)}
	}
	x, y := max(sd.X, leastSD), max(sd.Y, leastSD)
	return variance{float64(x * x), float64(y * y)}
}

// walked is the variance of where a visit's person went in a time, from one camera to another: at first as far as one walks,
// then as a random walk; two cameras' floor plans and clocks differ as well.
func (w *World) walked(v *Visit, gap int64, speed float64, a, b int) variance {
	s := wandered(gap, speed)
	if a == b {
		return variance{s, s}
	}
	return w.walkedOn(v.walks(), s, a, b)
}

// walkedOn is walked for somebody who walks with a velocity, given the variance of how far on one camera's plan.
func (w *World) walkedOn(walks Point, s float64, a, b int) variance {
	s += float64(surveySD * surveySD)
	return w.clockBlur(walks, a, b).plus(variance{s, s})
}

// wandered is the variance of how far somebody went in a time, each way, in m².
func wandered(gap int64, speed float64) float64 {
	t := float64(max(0, gap)) / 1e9
	return float64(float64(speed*speed) * float64(t*min(t, walkFor)))
}

// clockBlur is the variance of where a person seems to be to another camera whose clock differs: along the way that they
// walk, given as m/s.
func (w *World) clockBlur(p Point, a, b int) variance {
	x, y := max(clockPrior, w.clockSD(a)), max(clockPrior, w.clockSD(b))
	s := float64(x*x) + float64(y*y)
	return variance{float64(float64(p.X*p.X) * s), float64(float64(p.Y*p.Y) * s)}
}

// walks is the velocity with which a visit's person was last seen to walk by one camera, over about a second, in m/s; that
// of a stroll each way where that is not known.
func (v *Visit) walks() Point {
	n := len(v.trail)
	if n > 1 {
		last := &v.trail[n-1]
		for i := n - 2; i >= 0 && last.at-v.trail[i].at <= 2*second; i-- {
			if p := &v.trail[i]; last.at-p.at >= second*8/10 && p.source == last.source {
				t := float64(last.at-p.at) / 1e9
				d := last.p.minus(p.p)
				return Point{d.X / t, d.Y / t}
			}
		}
	}
	return Point{walkSD, walkSD}
}

// pairing is a new track or visit, and who of those known it may be.
type pairing struct {
	nobody int64 // cost of a stranger, micro-nats
	who    []doer
	is     int     // number of the visit that it surely is; 0: none
	sure   float64 // its share, 0–1
}

// newcomer is the cost of a stranger at a point.
func (w *World) newcomer(p Point) int64 {
	s := w.Store
	density := strangers
	switch c := s.rooms.cell(p); {
	case c < 0:
	case s.rooms.street[c]:
		density = comers
	default:
		for _, room := range s.rooms.near[c] {
			density = max(density, min(unknowns, round9(oneUnknown/s.rooms.area[room])))
		}
	}
	for z := range s.Zones {
		if d, ok := s.comeFrom(z, p); ok {
			density = max(density, float64(comers*round9(math.Exp(-d/comeReach))))
		}
	}
	return anyOffset + nats(density)
}

// comeFrom is how far a point is from where strangers come out of a zone, metres: the edge of the street, and a stockroom into which
// cameras do not look; false where none come.
func (s *Store) comeFrom(z int, p Point) (float64, bool) {
	zone := &s.Zones[z]
	_, past := zone.beyond(p)
	switch {
	case past:
		return 0, true
	case s.wayOut(z) && len(zone.Out) == 2:
		return segmentDistance(zone.Out[0], zone.Out[1], p), true
	case s.wayOut(z), zone.Kind == Stockroom && !s.rooms.open[z]:
		return Distance(zone.Polygon, p), true
	}
	return 0, false
}

// whoIs decides jointly who each of several is: those that may be the same one compete for him. What is beyond the bounds of a
// joint assignment stays undecided.
func whoIs(list []pairing) {
	done := make([]bool, len(list))
	for first := range list {
		if !done[first] {
			decide(list, first, done)
		}
	}
}

// decide decides who the first of several is, and those who compete with it.
func decide(list []pairing, first int, done []bool) {
	rows, owners := []int{first}, []doer(nil)
	for k := 0; k < len(rows); k++ {
		done[rows[k]] = true
		for _, d := range list[rows[k]].who {
			i := slices.IndexFunc(owners, func(o doer) bool { return o.visit == d.visit })
			if i >= 0 {
				owners[i].cost = min(owners[i].cost, d.cost)
				continue
			}
			owners = append(owners, d)
			for j := range list {
				if !done[j] && len(rows) < maxEvents && !slices.Contains(rows, j) &&
					slices.ContainsFunc(list[j].who, func(o doer) bool { return o.visit == d.visit }) {
					rows = append(rows, j)
				}
			}
		}
	}
	if len(owners) > maxOwners {
		slices.SortStableFunc(owners, func(a, b doer) int { return cmp(a.cost, b.cost) })
		owners = owners[:maxOwners]
	}
	if len(owners) == 0 {
		return
	}
	slices.SortFunc(owners, func(a, b doer) int { return a.visit - b.visit })
	p := problem{events: len(rows), owners: len(owners)}
	for e, r := range rows {
		p.nobody[e] = list[r].nobody
		for o := range owners {
			p.cost[e][o] = impossible
			for _, d := range list[r].who {
				if d.visit == owners[o].visit {
					p.cost[e][o] = d.cost
				}
			}
		}
	}
	q := p.shares()
	for e, r := range rows {
		for o := range owners {
			for k := range list[r].who {
				if d := &list[r].who[k]; d.visit == owners[o].visit {
					d.share = q[e][o]
				}
			}
			if q[e][o] >= sureSame {
				list[r].is, list[r].sure = owners[o].visit, q[e][o]
			}
		}
	}
}

// wait keeps the first observation of a track until its frame is complete.
func (w *World) wait(e *Event) {
	if len(w.fresh) == 0 {
		w.timers.push(timer{e.TS + 1, timerFrame, 0})
	}
	w.fresh = append(w.fresh, *e)
}

// joinFrames gives the tracks that began at one moment to visits, camera by camera.
func (w *World) joinFrames() {
	fresh := w.fresh
	w.fresh = nil
	for len(fresh) > 0 {
		n := 1
		for n < len(fresh) && fresh[n].Source == fresh[0].Source {
			n++
		}
		w.joinFrame(fresh[:n])
		fresh = fresh[n:]
	}
}

// joinFrame gives the tracks that began in one frame of a camera to visits. One of whom the camera has lost sight, and who
// surely goes on in a track, takes it over at once. Any other track begins a visit of its own, which is merged with another
// when further frames agree (see compare).
func (w *World) joinFrame(frame []Event) {
	list := make([]pairing, len(frame))
	like := make([][]likeness, len(frame))
	for i := range frame {
		e := &frame[i]
		list[i].nobody = w.newcomer(e.Floor)
		var lost []bool
		for _, v := range w.near(e.Floor, joinReach) {
			if l, free, ok := w.mayBe(v, e); ok {
				like[i], lost = append(like[i], l), append(lost, free)
			}
		}
		older(like[i])
		for k := range like[i] {
			l := &like[i][k]
			if lost[k] {
				list[i].who = append(list[i].who, doer{visit: l.visit, cost: l.cost() + w.asTall(e, l.visit)})
			} else {
				list[i].nobody = min(list[i].nobody, l.cost()+w.asTall(e, l.visit)) // it may yet be this one
			}
		}
	}
	whoIs(list)
	for i := range frame {
		e := &frame[i]
		key := trackKey{e.Source, e.ID}
		if t := w.tracks[key]; t != nil { // twice in a frame
			w.foldTrack(e)
			continue
		}
		v := w.visit(list[i].is)
		if v == nil {
			v = w.open(e.Source, e.ID, e.TS)
			w.watch(v, e.TS)
			if len(like[i]) > maxLike {
				slices.SortStableFunc(like[i], func(a, b likeness) int { return cmp(a.cost(), b.cost()) })
				like[i] = like[i][:maxLike]
			}
			for _, l := range like[i] {
				if !l.gone { // this frame is the first of those that will be compared
					l = likeness{visit: l.visit}
				}
				v.like = append(v.like, l)
			}
			v.from = e.Floor
			w.begins(v)
		} else {
			w.doubtGoods(v, e.TS, list[i].sure)
			if v.PosAt+lostAfter <= e.TS {
				w.watch(v, e.TS)
			}
		}
		w.tracks[key] = &track{key: key, visit: v, first: e.TS, at: e.TS, placed: true, pos: e.Floor, sd: e.SD}
		if e.Tall != 0 {
			w.tracks[key].stood = e.Floor
		}
		w.follow(v, key)
		w.seen(v, e)
		w.begun(v, e)
	}
}

// mayBe compares a new track with a visit: where another camera sees it, or where it was last seen. lost says that it may
// take the track over at once: it is not seen any more, and no track of the same camera may still turn out to go on.
func (w *World) mayBe(v *Visit, e *Event) (l likeness, lost, ok bool) {
	gap := e.TS - v.PosAt
	room := w.Store.rooms.through(v.Pos, e.Floor, gap)
	if gap > joinGap && room < 0 {
		return l, false, false
	}
	speed := walkSD
	if v.pastOut >= 0 && w.gone(v) {
		if gap > second {
			return l, false, false // who is seen out there now is sooner somebody else
		}
		speed = goneSD
	}
	feet := footNoise(e.SD).plus(footNoise(v.posSD))
	s := feet.plus(w.walked(v, gap, speed, v.camera, e.Source))
	d, rare := e.Floor.minus(v.Pos), int64(0)
	if room >= 0 {
		out, went := w.Store.rooms.outOf(room), w.wentIn(v, room, e.Floor)
		if gap > joinGap || out.cost(Point{})+went < s.cost(d) {
			s, d, rare = out, Point{}, went
		} else {
			room = -1
		}
	}
	if !(s.of(d) <= gate99) || room < 0 && gap > walkGap && e.Floor.distance(v.Pos) > lingers {
		return l, false, false
	}
	l = likeness{visit: v.number, gone: gap > together || v.camera == e.Source, until: v.PosAt, apart: d, noise: s, gap: gap, went: e.Floor.minus(v.Pos),
		room: room >= 0, rare: rare}
	if l.gone && gap > glimpseGap {
		l.rare += v.glimpsed()
	}
	if l.gone && room < 0 {
		l.pace, l.stood = v.pace()
		l.seen = feet.plus(w.walked(v, 0, 0, v.camera, e.Source))
	}
	lost = l.gone
	for _, k := range v.keys {
		t := w.tracks[k]
		if t == nil || k.source != e.Source {
			continue
		}
		if t.at >= e.TS {
			return l, false, false // it is in the same frame
		}
		lost = lost && (t.lost || e.TS-t.at >= parted)
	}
	return l, lost, true
}
