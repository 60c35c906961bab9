package fusion

import (
	"math"
	"slices"
)

// What a policy sees of the tags that a visit carries.

// Moved is the probability that the visit has carried an unpaid tagged product through the place; 0 for a way out when it has
// gone out by another.
func (v View) Moved(p Place) float64 {
	m := 0.0
	for i := range v.Visit.tags {
		m = max(m, v.moved(i, p))
	}
	return m
}

// MovedCount is the expected number of unpaid tagged products that the visit has carried through the place, of those that sooner moved
// than not: whoever comes by a shelf beside a gate stirs all tags on it a little, and a dozen perhapses are no fact.
func (v View) MovedCount(p Place) float64 {
	n := 0.0
	tags := v.Visit.tags
	for i := range tags {
		same := func(t carriedTag) bool { return t.epc == tags[i].epc && t.moved >= 0.5 }
		if tags[i].moved < 0.5 || slices.ContainsFunc(tags[:i], same) {
			continue
		}
		most := 0.0 // that several zones heard is one
		for j := i; j < len(tags); j++ {
			if same(tags[j]) {
				most = max(most, v.moved(j, p))
			}
		}
		n += most
	}
	return round9(n)
}

func (v View) moved(i int, p Place) float64 {
	t := &v.Visit.tags[i]
	if !p[t.zone] || v.Visit.leftElsewhere(v.World.Store, t.zone) {
		return 0
	}
	unpaid := 1.0
	for j := range v.Visit.Basket {
		if it := &v.Visit.Basket[j]; it.EPC == t.epc {
			if unpaid = 1 - min(1, it.Paid); it.Held() > tiny {
				unpaid = min(unpaid, it.Unpaid()/it.Held())
			}
		}
	}
	return round9(t.moved * t.share * unpaid)
}

// doorReach is how far away from a door its readers and gates hear, in metres.
const doorReach = 6.0

// leftElsewhere reports whether a zone is a way out and the visit has gone out by others only, too far away for what it carried out
// to have been heard at that one: what was heard there was in its field as the visit came by.
func (v *Visit) leftElsewhere(s *Store, zone int) bool {
	left := false
	for z := range v.stays {
		if !v.stays[z].gone {
			continue
		}
		if s.polygonDistance(z, zone) <= doorReach {
			return false
		}
		left = true
	}
	return left && s.wayOut(zone)
}

// Stranded is the probability that a tag of goods that the visit holds lies still in the place, which the visit has left.
func (v View) Stranded(p Place) float64 {
	m := 0.0
	for i := range v.Visit.tags {
		t := &v.Visit.tags[i]
		if p[t.zone] && !t.ended && (t.left || v.Visit.holds(t.product, t.epc)) && !v.Visit.stays[t.zone].in {
			m = max(m, float64(t.share*(1-t.moved)))
		}
	}
	return round9(m)
}

// Silent reports whether the tags of the goods that the visit holds have not been read for the window (ns), though readers
// could have: coverage of at least 0.5 throughout.
func (v View) Silent(window int64) bool {
	newest := v.silentSince()
	return newest > 0 && v.Now-newest >= window && v.CoverageSince(ByRFID, nil, v.Now-window) >= 0.5
}

// silentSince is when the newest run of reads of a tag of goods that the visit holds ended, 0 if one goes on or there was none.
func (v View) silentSince() (newest int64) {
	for i := range v.Visit.tags {
		t := &v.Visit.tags[i]
		if !v.Visit.holds(t.product, t.epc) {
			continue
		}
		if !t.ended {
			return 0 // it is heard as it was when the run began
		}
		newest = max(newest, t.at)
	}
	return newest
}

// SilentDue is the next event time in ns at which time alone may make Silent true, math.MaxInt64 if it cannot or is. Where the window has
// passed and readers could not have heard the tags, they may have a window later.
func (v View) SilentDue(window int64) int64 {
	switch t := v.silentSince(); {
	case t == 0 || v.Silent(window):
		return math.MaxInt64
	case t > v.Now-window:
		return t + window
	}
	return v.Now + window
}

// MissingAfter reports whether a tag that the visit took into the place has not been read for the window (ns) since it left.
func (v View) MissingAfter(p Place, window int64) bool {
	for i := range v.Visit.tags {
		t := &v.Visit.tags[i]
		if v.took(t, p) && v.Now-t.at >= window && !v.readSince(t.epc, t.at) && v.CoverageSince(ByRFID, nil, v.Now-window) >= 0.5 {
			return true
		}
	}
	return false
}

// took reports whether a tag's run of reads in the place has ended, and the visit is there no more.
func (v View) took(t *carriedTag, p Place) bool {
	return t.ended && p[t.zone] && !v.Visit.stays[t.zone].in
}

// MissingDue is the next event time in ns at which time alone may make MissingAfter true, math.MaxInt64 if it cannot or is. As with
// SilentDue, what no reader could have heard is asked again a window later.
func (v View) MissingDue(p Place, window int64) int64 {
	due := int64(math.MaxInt64)
	if v.MissingAfter(p, window) {
		return due
	}
	for i := range v.Visit.tags {
		switch t := &v.Visit.tags[i]; {
		case !v.took(t, p) || v.readSince(t.epc, t.at):
		case t.at > v.Now-window:
			due = min(due, t.at+window)
		default:
			due = min(due, v.Now+window)
		}
	}
	return due
}

func (v View) readSince(epc string, at int64) bool {
	for i := range v.Visit.tags {
		if t := &v.Visit.tags[i]; t.epc == epc && t.at > at {
			return true
		}
	}
	return false
}
