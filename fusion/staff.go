package fusion

import (
	"math"
	"slices"
)

// staffPrior is the probability that a visit is staff when nothing says so.
const staffPrior = 0.01

// startsThere is the probability that a visit is staff that begins where the site says that staff does.
const startsThere = 0.95

// worksThere is the probability that a visit is staff that stays in a stockroom, or comes out of one into which no camera looks.
const worksThere = 0.9

// worksAfter is after how long somebody who is seen in a stockroom works there: of customers who lost their way nine in ten are out of it within 3 s, and
// of staff one in ten (foreign simulator; they bring goods from there for half a minute and more).
const worksAfter = 8 * second

// atItsDoor is how near, in metres, a stockroom into which no camera looks is to who is first seen as he comes out of it: of those 97 in 100 were staff, of those up to
// 0.4 m farther away seven in ten or fewer, where shelves stand at its wall (foreign simulators).
const atItsDoor = 0.6

// itself is after how long a visit is somebody who was not known: pieces of somebody's way are joined by then (assumption).
const itself = 5 * second

// doesTask is the probability that a visit is staff that stays where a task is planned, or handles goods there: atTaskFor is the longest that it takes to be taken to stay,
// atTaskGoods how many units are more than a customer's (assumptions).
const (
	doesTask    = 0.5
	atTaskFor   = 60 * second
	atTaskGoods = 3.5
)

// staff notes a sign, other than a badge, that a visit is staff.
func (w *World) staff(v *Visit, p float64, source int) {
	v.signs = max(v.signs, p)
	w.isStaff(v, max(v.Staff, v.signs), source)
}

// isStaff says how likely a visit is staff, where that is news.
func (w *World) isStaff(v *Visit, p float64, source int) {
	if math.Abs(p-v.Staff) < 0.04 {
		return
	}
	v.Staff = p
	w.add(v, Fact{At: w.now, Kind: FactStaff, Source: source, Zone: v.Zone, Product: -1, N: 1, P: p}, 1)
}

// entered takes what a device without positions says of a zone into which a person comes: a stockroom, or one where a task is planned. Cameras show customers there as well, for a
// moment, and feet that are taken to be there: who stays is staff (see worksIn, atTask).
func (w *World) entered(v *Visit, zone int) {
	if v.PosAt != 0 {
		return
	}
	if p := w.backstage(v, zone); p > 0 {
		w.staff(v, p, v.camera)
	}
	if w.task(zone, w.now) != nil {
		w.does(v, zone)
	}
}

// task is what is planned in a zone at a time; nil: nothing.
func (w *World) task(zone int, at int64) *Task {
	for i := range w.Store.Staff.Tasks {
		if t := &w.Store.Staff.Tasks[i]; t.Zone == zone && at >= t.From && at < t.To {
			return t
		}
	}
	return nil
}

// atTask takes who has been in a zone for half of a task there, or for long, for the one whose task it is.
func (w *World) atTask(v *Visit, zone int) {
	if t := w.task(zone, w.now); t != nil && w.now-max(v.stays[zone].entered, t.From) >= min((t.To-t.From)/2, atTaskFor) {
		w.does(v, zone)
	}
}

// handles takes who has handled more goods in a zone since a task there began than a customer does for the one whose task it is.
func (w *World) handles(v *Visit, zone int) {
	t := w.task(zone, w.now)
	if t == nil {
		return
	}
	n := 0.0
	for f := range v.Facts.All() {
		if (f.Kind == FactPicked || f.Kind == FactPutBack) && f.Zone == zone && f.At >= t.From {
			n += f.N
		}
	}
	if n >= atTaskGoods {
		w.does(v, zone)
	}
}

// does notes that a visit does what is planned in a zone, unless somebody is there who is known to be staff.
func (w *World) does(v *Visit, zone int) {
	if v.Staff < doesTask && !w.staffed(zone) {
		w.staff(v, doesTask, v.camera)
	}
}

// startsIn is the zone in which somebody begins as staff do who is first seen at a point, -1: none. Where nothing else is said that is a stockroom into which no camera
// looks. Cameras show who comes out of one at its edge only.
func (s *Store) startsIn(p Point) int {
	for _, z := range s.Staff.StartsIn {
		if s.in(z, p) {
			return z
		}
	}
	for z := range s.Zones {
		if s.closed(z) && s.boxes[z].within(p, atItsDoor) && Distance(s.Zones[z].Polygon, p) <= atItsDoor {
			return z
		}
	}
	return -1
}

// closed reports whether a zone is a stockroom into which no camera looks.
func (s *Store) closed(z int) bool { return s.Zones[z].Kind == Stockroom && !s.rooms.open[z] }

// begins asks in a while whether a new visit is somebody who was not known and began where staff do. Where cameras look, whoever they find may be somebody whom they lost:
// one who may says so.
func (w *World) begins(v *Visit) {
	if z := w.Store.startsIn(v.from); z >= 0 && (len(v.like) == 0 || !w.Store.rooms.open[z]) {
		w.timers.push(timer{v.First + itself, timerBegan, v.number})
	}
}

// beganIn takes where a visit began that is still nobody's who was known before.
func (w *World) beganIn(v *Visit) {
	z := w.Store.startsIn(v.from)
	if z < 0 || !w.Store.closed(z) && !v.stays[z].ever {
		return
	}
	p := worksThere
	if slices.Contains(w.Store.Staff.StartsIn, z) {
		p = startsThere
	}
	w.staff(v, p, v.camera)
}

// worksIn takes what a zone says of a person who stays in it, or whom no camera sees any more in there.
func (w *World) worksIn(v *Visit, zone int) {
	if p := w.backstage(v, zone); p > 0 {
		w.staff(v, p, v.camera)
	}
}

// backstage is how likely a visit in a zone is staff that stays there; 0: the zone says nothing.
func (w *World) backstage(v *Visit, zone int) float64 {
	switch {
	case v.stays[zone].ever && v.stays[zone].entered-v.First < 3*second && slices.Contains(w.Store.Staff.StartsIn, zone):
		return startsThere
	case w.Store.Zones[zone].Kind == Stockroom:
		return worksThere
	}
	return 0
}

// staffed reports whether somebody is in a zone who is known to be staff: then a task there is his.
func (w *World) staffed(zone int) bool {
	return slices.ContainsFunc(w.about(zone), func(v *Visit) bool { return v.Staff >= 0.9 && v.lingers(zone, w.now) >= 0.5 })
}
