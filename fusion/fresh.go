package fusion

import "math"

// When a tag counts as moving with somebody, and no longer, by the probability that it does (assumptions).
const (
	fromFresh  = 0.3
	untilFresh = 0.2
)

// follows notes since when the tag seems to go with the visit.
func (t *carriedTag) follows(at int64) {
	switch p := t.with(); {
	case p < untilFresh:
		t.since = 0
	case p >= fromFresh && t.since == 0:
		t.since = at
	}
}

// Fresh is the part of PUnpaid that hangs on tags alone that have gone with the visit for less than the window (ns), and of whose goods nobody knows that it had them, 0–1:
// who of those at a door has a tag is seen when some are gone and it is still heard.
func (v View) Fresh(window int64) float64 {
	all, settled := 1.0, 1.0
	for i := range v.Visit.Basket {
		it := &v.Visit.Basket[i]
		p := it.PUnpaid()
		all = float64(all * (1 - p))
		if t := v.freshTag(it, window); t != nil {
			p = float64(p * min(1, max(it.known, t.had)))
		}
		settled = float64(settled * (1 - p))
	}
	if 1-all <= tiny {
		return 0
	}
	return round9(1 - (1-settled)/(1-all))
}

// FreshDue is the event time in ns at which time alone makes Fresh less, math.MaxInt64 if it does not.
func (v View) FreshDue(window int64) int64 {
	due := int64(math.MaxInt64)
	for i := range v.Visit.Basket {
		if t := v.freshTag(&v.Visit.Basket[i], window); t != nil {
			due = min(due, t.since+window)
		}
	}
	return due
}

// freshTag is what the visit knows of the tag of a line that goes with it for less than the window, nil if it is not so.
func (v View) freshTag(it *Item, window int64) *carriedTag {
	if it.EPC == "" || it.tag <= tiny {
		return nil
	}
	if t := v.Visit.tagAtDoor(v.World.Store, it.EPC); t != nil && t.since != 0 && v.Now < t.since+window {
		return t
	}
	return nil
}
