package fusion

import "slices"

// zoneReach is how far from a zone somebody may be who has a share in what its readers and gates see, in metres.
const zoneReach = 3 * gateReach

// folk lists, by zone, the visits that may have a share in what happens there, in the order in which they began, so that what
// happens in a zone needs no look at all visits: all that were within zoneReach of it as far as their trail tells, that are in
// it, or that nobody but its devices has seen there; and maybe some more, until somebody asks. It follows from the marks in
// the visits' stays, so that a copy of the world makes its own when it first needs one.
type folk [][]*Visit

// about lists the visits that may have a share in what happens in a zone, in the order in which they began, and maybe some
// more. The list holds until a visit comes or goes.
func (w *World) about(zone int) []*Visit {
	if w.folk == nil {
		w.folk = make(folk, len(w.Store.Zones))
		for _, v := range w.visits {
			for z := range v.stays {
				if v.stays[z].listed {
					w.folk[z] = append(w.folk[z], v)
				}
			}
		}
	}
	return w.folk[zone]
}

// list says that the visit may have a share in what happens in a zone from now on.
func (w *World) list(v *Visit, zone int) {
	if zone < 0 || v.stays[zone].listed {
		return
	}
	v.stays[zone].listed = true
	if w.folk != nil {
		i, _ := slices.BinarySearchFunc(w.folk[zone], v.number, byNumber)
		w.folk[zone] = slices.Insert(w.folk[zone], i, v)
	}
}

// unlist takes the visit, which is over, from all lists.
func (w *World) unlist(v *Visit) {
	for z := range v.stays {
		if !v.stays[z].listed {
			continue
		}
		v.stays[z].listed = false
		if w.folk != nil {
			if i, found := slices.BinarySearchFunc(w.folk[z], v.number, byNumber); found {
				w.folk[z] = slices.Delete(w.folk[z], i, i+1)
			}
		}
	}
}

// prune takes from the list of a zone those that have no share any more in what happens there.
func (w *World) prune(zone int) {
	w.folk[zone] = slices.DeleteFunc(w.folk[zone], func(v *Visit) bool {
		s := &v.stays[zone]
		s.listed = s.in || v.Unowned && v.Zone == zone || w.wasNear(v, zone)
		return !s.listed
	})
}

// wasNear reports whether the visit was within zoneReach of the box around a zone, as far as its trail tells.
func (w *World) wasNear(v *Visit, zone int) bool {
	b := &w.Store.boxes[zone]
	if v.PosAt != 0 && b.within(v.Pos, zoneReach) {
		return true
	}
	for i := len(v.trail) - 1; i >= 0; i-- {
		if b.within(v.trail[i].p, zoneReach) {
			return true
		}
	}
	return false
}

// appears puts a visit that nobody but devices has seen where these have, at ns.
func (w *World) appears(v *Visit, zone int, at int64) {
	v.Zone, v.ZoneAt = zone, at
	w.list(v, zone)
}

func byNumber(v *Visit, number int) int { return v.number - number }
