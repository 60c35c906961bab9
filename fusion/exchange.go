package fusion

import (
	"math"
	"slices"
)

// Trackers exchange the ids of people who are near each other. That shows where another camera sees them, or by how tall they are.
const (
	exchangeReach  = 4.0              // metres between two whose ids may have been exchanged lately (assumption)
	exchangeNear   = 1.5              // metres at which they were then (assumption)
	exchangeLately = 10 * second      // and how long ago
	exchangeOdds   = int64(2_500_000) // micro-nats: 0.5 a minute near each other (science §6.1), for ten seconds
	exchangeSure   = int64(1_386_294) // ln 4: surer than 0.8
	exchangeSeen   = 4 * second       // since when the other was seen as well
	leapLasts      = 3 * second       // for which a leap is remembered
	exchangeWorth  = 0.5              // blocks of the other that may tell
)

// changedIDs looks whether a track has exchanged its id with another of its camera: the newest block shows somebody of another stature
// than the visit's person, as whom the other track's visit fits better, and the other way round.
func (w *World) changedIDs(t *track) {
	s := w.statures
	mine := []stature{{source: t.key.source, mean: t.block, blocks: 1}}
	if s.same(mine, t.visit.tall) <= 0 {
		return
	}
	var with *track
	most := exchangeOdds + exchangeSure
	for _, u := range w.rivals(t, t.key.source, exchangeSeen) {
		r, ok := u.recent()
		if !ok || r.blocks < exchangeWorth {
			continue
		}
		gain := s.crossed(mine, t.visit.tall, []stature{r}, u.visit.tall)
		if gain > most && t.visit.nearLately(u.visit) {
			with, most = u, gain
		}
	}
	if with != nil {
		w.exchange(t, with)
	}
}

// rivals are the tracks by which a camera sees other people near a track, and has seen them within some time of it.
func (w *World) rivals(of *track, camera int, within int64) (all []*track) {
	for _, o := range w.near(of.pos, exchangeReach) {
		for _, k := range o.keys {
			if u := w.tracks[k]; o != of.visit && k.source == camera && u.beside(of, within) {
				all = append(all, u)
			}
		}
	}
	return all
}

// nearLately reports whether two visits' people were near each other lately.
func (v *Visit) nearLately(o *Visit) bool {
	for i := len(v.trail) - 1; i >= 0 && v.PosAt-v.trail[i].at <= exchangeLately; i-- {
		p := &v.trail[i]
		for j := len(o.trail) - 1; j >= 0 && o.trail[j].at >= p.at-together; j-- {
			if q := &o.trail[j]; q.at <= p.at+together && p.p.distance(q.p) <= exchangeNear {
				return true
			}
		}
	}
	return false
}

// exchange lets two tracks go on as each other's visit.
func (w *World) exchange(t, u *track) {
	a, b := t.visit, u.visit
	w.unname(a, t.key)
	w.unname(b, u.key)
	w.follow(a, u.key)
	w.follow(b, t.key)
	t.visit, u.visit = b, a
	t.own, u.own, t.short, u.short = stature{}, stature{}, short{}, short{}
	t.stood, u.stood, t.far, u.far = Point{}, Point{}, 0, 0
	w.place(a, u)
	w.place(b, t)
}

// crossed is by how much likelier two statures are each other's than their own, micro-nats.
func (s statures) crossed(mine, me, yours, you []stature) int64 {
	return s.same(mine, me) + s.same(yours, you) - s.same(mine, you) - s.same(yours, me)
}

// leaps remembers the oddest step of a track of late: ids are exchanged in one frame. Errors of neighbouring frames are half the same (MOT15).
func (t *track) leaps(e *Event) {
	if !t.placed {
		return
	}
	walk := wandered(e.TS-t.at, walkSD)
	odd := footNoise(e.SD).plus(variance{walk, walk}).of(e.Floor.minus(t.pos)) / 2
	if odd > t.leap || e.TS-t.leapAt > leapLasts {
		t.leap, t.leapAt = odd, e.TS
	}
}

// exchanged is which of two tracks of one visit that are too far apart for one person has exchanged its id, and with which; nil: neither has. If either
// may have, it is the one that leapt, or whose people's heights say so.
func (w *World) exchanged(t, other *track) (x, u *track) {
	most := math.Inf(-1)
	for _, c := range [...][2]*track{{t, other}, {other, t}} {
		with := w.otherOf(c[0], c[1])
		if with == nil {
			continue
		}
		says := c[0].leap + with.leap
		mine, ok := c[0].recent()
		if yours, both := with.recent(); ok && both {
			says += float64(w.statures.crossed([]stature{mine}, t.visit.tall, []stature{yours}, with.visit.tall)) / 1e6
		}
		if says > most {
			x, u, most = c[0], with, says
		}
	}
	return x, u
}

// otherOf is the track with which one of two that are too far apart for one person has exchanged its id: of the same camera, and where the other
// of the two is. Where other cameras see that one's own visit counts too. Nil: there is none that is likelier than not.
func (w *World) otherOf(exchanged, stays *track) *track {
	if exchanged.key.source == stays.key.source {
		return nil
	}
	var best *track
	most := exchangeOdds + exchangeSure
	for _, u := range w.rivals(stays, exchanged.key.source, lostAfter) {
		if w.apart(u, stays).of(u.pos.minus(stays.pos)) > 2*gate99 {
			continue
		}
		gain := w.farOff(exchanged, stays) - w.farOff(u, stays)
		for _, k := range u.visit.keys {
			if x := w.tracks[k]; k.source != u.key.source && x.beside(exchanged, together) {
				gain += w.farOff(x, u) - w.farOff(x, exchanged)
			}
		}
		if gain > most {
			best, most = u, gain
		}
	}
	return best
}

// beside reports whether a track has not ended and was seen within some time of another.
func (t *track) beside(o *track, within int64) bool {
	return t != nil && t.placed && !t.lost && abs(t.at-o.at) <= within
}

// mistakenFor is for how many seconds somebody is seen where another is before the two may be one (assumption).
const mistakenFor = 3

// mistaken looks, once a second, whether what shows a visit now is another's: other cameras see that one where a frame shows this one, though a camera once saw
// the two apart, by a track that has ended. Then what is seen now was taken for this visit by mistake. It goes on as one of its own, which the other may turn out to be.
func (w *World) mistaken(v *Visit, e *Event) {
	passes := func(o *place) bool {
		if e.TS-o.at > together || o.camera == e.Source {
			return false
		}
		_, _, near := w.seenAt(o, e)
		return near
	}
	var as *Visit
	for _, o := range w.nearIf(e.Floor, seenReach, passes) {
		if o != v && (as == nil || o.Pos.distance(e.Floor) < as.Pos.distance(e.Floor)) && w.bothSeen(v, o) {
			as = o
		}
	}
	if as == nil {
		v.as, v.asFor = 0, 0
		return
	}
	if v.as != int32(as.number) {
		v.as, v.asFor = int32(as.number), 0
	}
	if v.asFor++; v.asFor < mistakenFor {
		return
	}
	v.asFor = 0
	mine, ended := w.shownBy(v)
	others, _ := w.shownBy(as)
	if ended == nil || len(mine) == 0 || len(others) == 0 || begun(mine) < begun(others) {
		return // what shows the other now came later: that is the mistake, if there is one
	}
	for _, t := range mine {
		if t.key == v.origin || slices.ContainsFunc(others, func(u *track) bool {
			return u.key.source == t.key.source && t.first <= u.at && u.first <= t.at
		}) {
			return
		}
	}
	n := w.branch(v, mine)
	w.place(n, mine[0])
	w.moveTo(v, ended.pos, ended.sd, ended.key.source, ended.at)
}

// shownBy are the tracks that show a visit now, and the newest of the others.
func (w *World) shownBy(v *Visit) (now []*track, ended *track) {
	for _, k := range v.keys {
		switch t := w.tracks[k]; {
		case t == nil || !t.placed:
		case !t.lost && w.now-t.at <= together:
			now = append(now, t)
		case ended == nil || t.at > ended.at:
			ended = t
		}
	}
	return now, ended
}

// begun is when the first of some tracks began, ns.
func begun(tracks []*track) int64 {
	first := tracks[0].first
	for _, t := range tracks {
		first = min(first, t.first)
	}
	return first
}
