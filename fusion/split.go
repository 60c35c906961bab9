package fusion

import "slices"

// What shows that a track is not the same person's any more, or that two tracks of a visit are two people's.
const (
	twoPeople = 0.3 // metres between two boxes of one frame that are not one person's (assumption)
	oddNoise  = 1.0 // metres by which a foot point may be off where a shelf hides the feet (assumption)
	oddSpeed  = 4.0 // metres a second that nobody runs in a shop (assumption)
)

// jumped reports whether a frame shows the track farther away than its person can have gone. That is noise and says nothing,
// until sameFrames frames in a row show it at the same place: then it is another person, and moved is true.
func (t *track) jumped(e *Event) (far, moved bool) {
	away := func(p trailPoint) bool {
		return p.p.distance(e.Floor) > oddNoise+float64(oddSpeed*float64(e.TS-p.at)/1e9)
	}
	if !t.placed || !away(trailPoint{at: t.at, p: t.pos}) {
		t.odd, t.odds = trailPoint{}, 0
		return false, false
	}
	if t.odds == 0 || away(t.odd) {
		t.odds = 0
	}
	t.odd = trailPoint{at: e.TS, p: e.Floor}
	t.odds++
	return true, t.odds == sameFrames
}

// unfollow lets a visit go on without a track; its name stays with what was seen of it.
func (w *World) unfollow(v *Visit, key trackKey) {
	delete(w.tracks, key)
	v.keys = slices.DeleteFunc(slices.Clone(v.keys), func(k trackKey) bool { return k == key })
}

// divided looks whether the tracks of a visit that are seen now are two people's: one camera sees both at once, or two see
// them farther apart than the gate, for sameFrames frames in a row. Then one of them has exchanged its id with a third, or the one that
// joined later goes on as a visit of its own, with those that are nearer to it.
func (w *World) divided(t *track) {
	v := t.visit
	if len(v.keys) < 2 {
		return
	}
	var other *track
	for _, k := range v.keys {
		u := w.tracks[k]
		if u == nil || u == t || u.lost || !u.placed || t.at-u.at > together || u.at < t.first || t.at < u.first {
			continue
		}
		if w.two(t, u) && (other == nil || t.pos.distance(u.pos) > t.pos.distance(other.pos)) {
			other = u
		}
	}
	if other == nil {
		t.far = 0
		return
	}
	if t.far++; t.far < sameFrames {
		return
	}
	if x, u := w.exchanged(t, other); u != nil {
		w.exchange(x, u)
		return
	}
	if t.begunBefore(other) {
		w.split(v, other, t)
	} else {
		w.split(v, t, other)
	}
}

func (t *track) begunBefore(u *track) bool {
	if t.first != u.first {
		return t.first < u.first
	}
	if t.key.source != u.key.source {
		return t.key.source < u.key.source
	}
	return t.key.id < u.key.id
}

// two reports whether two tracks of a visit that are seen at once are two people's.
func (w *World) two(t, u *track) bool {
	if t.key.source == u.key.source {
		return t.pos.distance(u.pos) >= twoPeople
	}
	return !(w.apart(t, u).of(t.pos.minus(u.pos)) <= gate99)
}

// apart is the variance of how far two cameras' tracks of one person are from each other.
func (w *World) apart(t, u *track) variance {
	return footNoise(t.sd).plus(footNoise(u.sd)).plus(w.walked(t.visit, abs(t.at-u.at), walkSD, t.key.source, u.key.source))
}

// farOff is the cost of two cameras' tracks being one person's by how far they are from each other, micro-nats.
func (w *World) farOff(t, u *track) int64 { return w.apart(t, u).cost(t.pos.minus(u.pos)) }

// split makes a visit of one of two tracks of a visit, which turned out to be two people, and of the other tracks seen now
// that are nearer to it. What the visit took since then is with either of them: each may have half of what is unpaid.
func (w *World) split(v *Visit, later, stays *track) *Visit {
	newest := max(later.at, stays.at)
	leaving := []*track{later}
	for _, k := range v.keys {
		u := w.tracks[k]
		if u != nil && u != later && u != stays && !u.lost && u.placed && newest-u.at <= together &&
			u.pos.distance(later.pos) < u.pos.distance(stays.pos) && !(u.key == v.origin && u.first == v.First) {
			leaving = append(leaving, u)
		}
	}
	n := w.branch(v, leaving)
	stays.far = 0
	w.place(n, later)
	w.place(v, stays)
	return n
}

// branch makes a visit of some tracks of another. What that one took since the first of them began is with either: each may have half of what
// is unpaid.
func (w *World) branch(v *Visit, leaving []*track) *Visit {
	first := leaving[0]
	for _, t := range leaving {
		if t.begunBefore(first) {
			first = t
		}
	}
	n := w.open(first.key.source, first.key.id, first.first)
	n.Last, n.inside, n.from = w.now, v.inside, first.pos // who of the two is staff nobody knows
	for _, t := range leaving {
		w.unname(v, t.key)
		w.follow(n, t.key)
		t.visit, t.far = n, 0
		if t.own.blocks > 0 {
			n.grew(t.key.source, t.own.mean, t.own.blocks)
		}
	}
	w.watch(n, w.now)
	w.begun(n, &Event{TS: w.now, Source: first.key.source, ID: first.key.id, Conf: 1})
	w.halve(v, n, first.first)
	return n
}

// unname takes a track from a visit altogether.
func (w *World) unname(v *Visit, key trackKey) {
	v.keys = slices.DeleteFunc(slices.Clone(v.keys), func(k trackKey) bool { return k == key })
	name := w.Store.Sources[key.source].ID + "/" + key.id
	v.Tracks = slices.DeleteFunc(slices.Clone(v.Tracks), func(s string) bool { return s == name })
}

// place says where a visit is by one of its tracks.
func (w *World) place(v *Visit, t *track) {
	w.moveTo(v, t.pos, t.sd, t.key.source, t.at)
	v.wayOut = w.Store.toWayOut(t.pos)
	for z := range w.Store.Zones {
		if w.Store.in(z, t.pos) && !v.stays[z].in {
			w.setZone(v, z, true, w.now, t.key.source)
		}
	}
}

// halve shares what a visit took since a time, and has not paid for, with the one that split off.
func (w *World) halve(v, n *Visit, since int64) {
	for _, id := range slices.Clone(v.lots) {
		i := w.lotIndex(id)
		if i < 0 || w.lots[i].at < since {
			continue
		}
		if mine := w.lots[i].of(v.number, ""); mine != nil && w.lots[i].room(n.number, "") {
			if half := w.claimed(w.lots[i], mine) / 2; half > tiny {
				w.passed(i, v, n, half)
			}
		}
	}
	w.reckon(v)
	w.reckon(n)
}
