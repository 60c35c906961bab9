package fusion

import (
	"math"
	"slices"
)

// Hand-overs: two people less than 0.7 m apart for more than half a second; each item may have changed hands with a prior of
// 0.05 (science §4). Where cameras show hands they say more; those two numbers are assumptions, to be fitted.
const (
	meetRadius  = 0.7 // metres
	meetTime    = second / 2
	meetApart   = second // after so long apart it was another meeting
	handsNear   = 0.3    // metres between two hands that meet
	handsWithin = 200 * int64(1e6)
	handsSince  = 300 * int64(1e6) // hands that have not met for so long have parted
	passAfter   = 3 * second       // a newer pick may still turn out to be somebody else's
	passNear    = 0.05
	passWalking = 0.01 // of two who both walk on: most only pass each other, in a door or between shelves (assumption)
	walking     = 0.5  // metres a second
	passHands   = 0.3
	passSeen    = 0.9 // one hand held something before and not after, the other the other way round

	maxMeetings = 8
)

// meeting is somebody who stands near a visit that has goods.
type meeting struct {
	visit     int
	since, at int64
	hands     int64 // until when hands that met are accounted for
}

// meet follows who stands near a visit that has goods, and lets goods change hands. What changes hands by standing near
// alone is at most passNear of a pick, whoever passes: a crowd makes it no surer that somebody took it on. But each of them
// may be shown to have it later, by a till or a gate, and then has it.
func (w *World) meet(v *Visit) {
	if len(v.lots) == 0 {
		v.met = nil
		return
	}
	v.met = slices.DeleteFunc(v.met, func(m meeting) bool { return w.now-m.at > meetApart || w.visit(m.visit) == nil })
	for _, o := range w.near(v.Pos, meetRadius) {
		if o == v || w.now-o.PosAt > meetTime || o.Pos.distance(v.Pos) >= meetRadius {
			continue
		}
		i := slices.IndexFunc(v.met, func(m meeting) bool { return m.visit == o.number })
		if i < 0 {
			if len(v.met) == maxMeetings {
				continue
			}
			i = len(v.met)
			v.met = append(v.met, meeting{visit: o.number, since: w.now})
		}
		v.met[i].at = w.now
	}
	for i := range v.met {
		m, o := &v.met[i], w.visit(v.met[i].visit)
		if w.now-m.since < meetTime {
			continue
		}
		if p, last := w.handsMet(v, o, m.hands); p > 0 && w.now-last >= handsSince {
			m.hands = last + meetApart
			w.pass(v, o, p)
		}
		p := passNear
		if v.walkedSince(m.since) && o.walkedSince(m.since) {
			p = passWalking
		}
		w.passNear(v, o, p)
	}
}

// walkedSince reports whether the visit has walked on since a moment shortly before.
func (v *Visit) walkedSince(ts int64) bool {
	p, _, ok := v.stood(ts)
	return ok && p.distance(v.Pos)*1e9 > float64(walking*float64(v.PosAt-ts))
}

// handsMet finds where hands of two visits met after a time: the probability that something passed from v to o, and when
// they met last; 0 when they did not.
func (w *World) handsMet(v, o *Visit, after int64) (p float64, last int64) {
	var first, end [2]*handPoint
	for i := range v.hands {
		h := &v.hands[i]
		for j := range o.hands {
			g := &o.hands[j]
			if h.at <= after || abs(h.at-g.at) > handsWithin || apart(h.p, g.p) > handsNear || w.atPlate(h) {
				continue
			}
			if first[0] == nil {
				first = [2]*handPoint{h, g}
			}
			end = [2]*handPoint{h, g}
		}
	}
	if first[0] == nil {
		return 0, 0
	}
	gave := first[0].holding >= 0.5 && end[0].holding < 0.5
	took := first[1].holding < 0.5 && end[1].holding >= 0.5
	got := first[0].holding < 0.5 && end[0].holding >= 0.5
	switch {
	case gave && took:
		return passSeen, end[0].at
	case got: // it is v who was given something
		return tiny, end[0].at
	}
	return passHands, end[0].at
}

// atPlate reports whether a hand is where it takes goods: hands that meet there do not hand over.
func (w *World) atPlate(h *handPoint) bool {
	return slices.ContainsFunc(w.Store.Scales, func(sc Scale) bool { return sc.apart(h.p) < sigmaHand })
}

// apart is how far two points are from each other in metres.
func apart(p, q [3]float32) float64 {
	sum := 0.0
	for i := range p {
		d := float64(p[i]) - float64(q[i])
		sum += float64(d * d)
	}
	return math.Sqrt(sum)
}

// pass hands one unit from one visit to another with probability p: each unit that the first may have unpaid alike.
func (w *World) pass(v, o *Visit, p float64) {
	all := 0.0
	for i := range v.Basket {
		if it := &v.Basket[i]; it.EPC == "" {
			all += it.Unpaid()
		}
	}
	for k := range v.lots {
		i := w.lotIndex(v.lots[k])
		if i < 0 {
			continue
		}
		if mine := w.lots[i].of(v.number, ""); mine != nil && w.lots[i].room(o.number, "") {
			w.passed(i, v, o, float64(p*w.claimed(w.lots[i], mine))/max(1, all))
		}
	}
	w.reckon(v)
	w.reckon(o)
}

// passNear lets what a visit has had for long enough pass to one who is near it, with probability p.
func (w *World) passNear(v, o *Visit, p float64) {
	some := false
	for k := range v.lots {
		i := w.lotIndex(v.lots[k])
		if i < 0 || w.now-w.lots[i].at < passAfter {
			continue
		}
		l := w.lots[i]
		mine := l.of(v.number, "")
		if mine == nil || l.of(o.number, "") != nil || !l.room(o.number, "") {
			continue
		}
		n := min(float64(p*w.claimed(l, mine)), max(0, float64(p*l.units)-l.passed))
		if n <= tiny && len(l.parts) == maxParts { // nobody has to make room for nothing: he would come back at the next frame
			continue
		}
		w.passed(i, v, o, n)
		w.lots[i].passed += n // the lot is new since passed
		some = true
	}
	if some {
		w.reckon(v)
		w.reckon(o)
	}
}

// passed moves n units of a lot, maybe none, from one visit to another, which both are to be reckoned anew.
func (w *World) passed(i int, v, o *Visit, n float64) {
	l := w.change(i)
	w.give(l, v, "", -n)
	w.give(l, o, "", n)
	w.tellSettled(v, l, -n)
	w.tellSettled(o, l, n)
}
