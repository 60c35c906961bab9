package fusion

import "slices"

// Goods that people bring along: a tag that turns up with somebody who comes in is not taken from the store, and does not
// become so when it leaves with him. Which way he goes his foot points tell; a tag that the store has heard before he came is
// none that he brings, unless somebody went out with it before that. The numbers are assumptions.
const (
	arrival = 10 * second // a tag first heard so long after a person was first seen at a door may have come with him
	ahead   = 3 * second  // and before, where a reader hears further out than cameras see
	inward  = 0.5         // metres that he has gone in, or out

	cameAlong = 0.3 // that a tag moved, from which somebody who comes in has brought it: one read may be of what lies near the door

	indoors   = 60 * second   // after a new tag went through a door in which it is heard inside if it came in
	surelyHis = 0.8           // share in a tag from which it is with him, and not with one who goes out beside him
	staysFor  = 3600 * second // for which a tag that somebody brought is his

	surelyOut = 0.5          // that a tag moved out with somebody, from which one who comes in with it then has not taken it here
	stepsOut  = 900 * second // for so long it may come in again
)

// direction is where somebody who has just been seen first at a way out goes with a tag that turned up there with him.
type direction uint8

const (
	fromInside direction = iota // it has not just turned up with him
	undecided
	goesOut
	comesIn
)

// carries tells whether a visit brings the tag of a fact into the store.
func (w *World) carries(v *Visit, f Fact) direction {
	h := w.tags.of(f.Name)
	if h == nil || len(v.trail) == 0 || !w.tags.again(f, v.First) && (h.born < v.First-ahead || h.born > v.First+arrival) {
		return fromInside
	}
	z := &w.Store.Zones[f.Zone]
	switch d := z.inside(v.Pos) - z.inside(v.trail[0].p); {
	case d >= inward:
		return comesIn
	case d <= -inward:
		return goesOut
	}
	return undecided
}

// takesOut remembers which tags somebody surely has with him who is seen to go out through the zone.
func (w *World) takesOut(v *Visit, zone int, at int64) {
	if int(v.pastOut) != zone {
		return // cameras lost him there, and may find him anew inside
	}
	for i := range v.tags {
		if t := &v.tags[i]; t.zone == zone && at-t.at <= walksOff && t.with() >= surelyOut {
			w.tags.setOut(t.epc, at)
		}
	}
}

// takesBack forgets that somebody has gone out with tags who is seen inside again.
func (w *World) takesBack(v *Visit) {
	for i := range v.tags {
		if t := &v.tags[i]; t.with() >= surelyOut {
			w.tags.setOut(t.epc, 0)
		}
	}
}

// inside is how far a point is inside a zone's out edge, in metres, below 0 beyond it; of a zone without one, how far from its
// middle.
func (z *Zone) inside(p Point) float64 {
	if len(z.Out) != 2 {
		return p.distance(centre(z.Polygon))
	}
	d := segmentDistance(z.Out[0], z.Out[1], p)
	if z.outward(p) {
		return -d
	}
	return d
}

// settleBrought settles whether the visit brought the tag of a fact along, as was known before or is now, or because somebody surely did not
// long ago: he may be the one whom cameras have lost since. What was brought is not taken.
func (w *World) settleBrought(v *Visit, f Fact, t *carriedTag) bool {
	if !t.brought {
		h := w.tags.of(f.Name)
		t.brought = f.Kind == FactMoved && f.P >= cameAlong && w.carries(v, f) == comesIn || h != nil && h.guest != 0 && f.At-h.guest < staysFor ||
			slices.ContainsFunc(v.tags, func(o carriedTag) bool { return o.epc == t.epc && o.brought })
	}
	if t.brought {
		t.moved, t.share = 0, 0
		if it := v.line(t.product, t.epc); it != nil && it.N > 0 {
			it.N, it.tag = it.known, 0
			w.reckon(v)
		}
	}
	return t.brought
}

// watchDoor remembers of a new tag that moves through a door whether nobody whom a camera saw there has it.
func (w *World) watchDoor(f Fact, near []claim) {
	h := w.tags.of(f.Name)
	if h == nil || f.Kind != FactMoved || f.P < 0.5 || f.At-h.born > arrival || !w.Store.wayOut(f.Zone) {
		return
	}
	seen := 0.0
	for _, c := range near {
		if !c.visit.Unowned {
			seen += c.share
		}
	}
	if seen < 0.5 {
		w.tags.passed(f.Name, f.At)
	} else if h.door != 0 {
		w.tags.passed(f.Name, 0)
	}
}

// cameIn reports whether the tag of a fact, which is heard inside, has come in by a door with somebody whom no camera saw there.
func (w *World) cameIn(f Fact) bool {
	h := w.tags.of(f.Name)
	return h != nil && f.Kind == FactRead && !w.Store.wayOut(f.Zone) && h.door != 0 && f.At-h.door < indoors
}

// bring remembers that somebody brought a tag into the store.
func (t *tagTable) bring(epc string, at int64) {
	if h := t.of(epc); h != nil && (h.guest == 0 || at-h.guest >= staysFor) {
		n := t.names.numbers[epc]
		t.hearing(t.own(n), n).guest = at
	}
}

// passed remembers that a tag went through a door as it was heard first.
func (t *tagTable) passed(epc string, at int64) {
	n := t.names.numbers[epc]
	t.hearing(t.own(n), n).door = at
}

// setOut remembers when somebody went out with a tag; 0: nobody did.
func (t *tagTable) setOut(epc string, at int64) {
	if h := t.of(epc); h != nil && h.out != at {
		n := t.names.numbers[epc]
		t.hearing(t.own(n), n).out = at
	}
}

// again reports whether the tag of a fact has turned up with somebody who was seen first at a time, and had lately gone out before that: it
// is heard anew since.
func (t *tagTable) again(f Fact, came int64) bool {
	h := t.of(f.Name)
	return h != nil && h.out != 0 && h.out < came && f.At <= came+arrival && f.At-h.out < stepsOut && t.own(t.names.numbers[f.Name]).first > h.out
}
