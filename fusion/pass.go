package fusion

import (
	"math"
	"slices"
)

// Of a tag that goes by (assumptions, but for what is said to be measured).
const (
	walksOff = 8 * second // for so long a tag may be heard of who has gone out with it
	tookIt   = 30.0       // who surely took such goods carries the tag out so many times sooner than who did not (measured in foreign simulators)
	looks    = 1.5        // as how many looks, independent of each other, those count at who was near it as it went by
	lookFor  = 5 * second // after which a look counts half
	nowhere  = -4         // log-odds, against somebody whom no camera sees, of who was not near it then
	stoodBy  = -2.5       // added to those of who stands there while others walk: what goes by is with who goes by
	anew     = -1.4       // added to those of who has only just come into view, for the looks that he missed
)

// passes shares the tag of a fact among those who were near as it went by: who was near while it was loud, and so close itself, carries
// it sooner than who stood there while it was heard from afar. Each look at who is near counts by how close the tag is,
// and the less the longer ago it was.
func (w *World) passes(near []claim, f Fact) []claim {
	nobody := 1.0
	for _, c := range near {
		nobody -= c.share
	}
	nobody = max(nobody, minShare)
	before := 0.0 // the weight of the looks up to now
	for _, v := range w.visits {
		t := v.knows(f)
		if t == nil || f.At-t.look >= passTime {
			continue
		}
		t.fade(f.At)
		before = max(before, t.looked)
		if !slices.ContainsFunc(near, func(c claim) bool { return c.visit == v }) {
			near = append(near, claim{v, 0})
		}
	}
	weight := max(tiny, w.tags.closeness(f))
	walks := slices.ContainsFunc(near, func(c claim) bool {
		p, _ := c.visit.pace()
		return c.share >= minShare && p != Point{}
	})
	odds, sum := make([]float64, len(near)), 1.0
	for i, c := range near {
		now := float64(nowhere)
		if c.share > 0 {
			now = max(nowhere, round9(math.Log(c.share/nobody)))
		}
		if _, stands := c.visit.pace(); stands && walks {
			now = max(nowhere, now+stoodBy)
		}
		t := w.tag(c.visit, f)
		if f.At-t.look >= passTime {
			t.looked, t.odds = 0, 0
		}
		if away := f.At - c.visit.PosAt; t.looked > 0 && away > second && away <= walksOff && w.gone(c.visit) {
			now = max(now, t.odds/t.looked) // he has gone out with it or without it: that he is not seen says neither
		}
		missed := float64(nowhere)
		if f.At-c.visit.First <= passTime { // who has only just come into view may be the one who had it before
			missed = now + anew
		}
		t.odds += float64(missed * max(0, before-t.looked))
		t.odds += float64(weight * now)
		t.looked, t.look = before+weight, max(t.look, f.At)
		odds[i] = t.likely()
		sum += odds[i]
	}
	if w.oneOwner {
		for i := range near {
			near[i].share = odds[i]
		}
		return likeliest(near, sum)
	}
	kept := near[:0]
	for i, c := range near {
		if c.share = round9(odds[i] / sum); c.share >= minShare {
			kept = append(kept, c)
		}
	}
	return kept
}

// fade lets the looks at who is near the tag count the less the longer ago they were.
func (t *carriedTag) fade(at int64) {
	fades := round9(math.Pow(0.5, float64(max(0, at-t.look))/float64(lookFor)))
	t.looked, t.odds, t.look = float64(t.looked*fades), float64(t.odds*fades), max(t.look, at)
}

// likely is how many times sooner the visit carries the tag, by all looks, than somebody whom no camera sees.
func (t *carriedTag) likely() float64 {
	odds := round9(math.Exp(looks * t.odds / t.looked))
	return float64(odds * (1 + float64((tookIt-1)*t.had)))
}

// knows is what the visit knows of the tag of a fact in its zone, nil if nothing.
func (v *Visit) knows(f Fact) *carriedTag {
	for i := range v.tags {
		if t := &v.tags[i]; t.epc == f.Name && t.zone == f.Zone {
			return t
		}
	}
	return nil
}

// had is how many units of such goods the visit took, at most one, as a pass of the tag through a way out begins: what its moving there, now or before, has put
// into a basket is no sign that it is his.
func (v *Visit) had(f Fact) float64 {
	t, n := v.knows(f), 0.0
	if t != nil {
		if n = t.had; f.At-t.at < passTime {
			return n
		}
	}
	took := 0.0
	for i := range v.Basket {
		if it := &v.Basket[i]; it.Product == f.Product && it.EPC == "" || t == nil && it.EPC == f.Name {
			took += it.Held()
		}
	}
	return round9(min(1, max(n, took)))
}

// took reports whether the visit may well have had such goods.
func (t *carriedTag) took() bool { return t.had > 0.2 }

// nobody is the visit, without tracks, that carries a tag past everybody whom a camera sees.
func (w *World) nobody(f Fact) *Visit {
	for _, v := range w.visits {
		if v.Unowned && v.knows(f) != nil {
			v.ZoneAt = f.At
			return v
		}
	}
	v := w.open(f.Source, "", f.At)
	v.Unowned = true
	w.appears(v, f.Zone, f.At)
	return v
}

// dropped takes a tag from the visits that no longer share it: who stood there before somebody else carried it out, and who has
// gone while it lies there still, or moves there again. What they took may be such a piece all the same. They are told, since they are
// judged by it.
func (w *World) dropped(f Fact, near []claim) {
	lies := slices.Contains(w.tags.lying, f.Name)
	for _, v := range w.visits {
		if slices.ContainsFunc(near, func(c claim) bool { return c.visit == v }) {
			continue
		}
		if t := v.knows(f); t != nil && (lies || f.P >= 0.5 || f.At-t.at < passTime) {
			shared := t.share > 0
			t.share, t.since = 0, 0
			if it := v.line(f.Product, f.Name); it != nil {
				w.unlabel(v, f.Product, f.Name, it.known)
			}
			w.bind(v, f, 0)
			if shared {
				w.add(v, f, 0)
			}
		}
	}
}

// fallsSilent tells all that know a tag, those too that have left it, that its run has ended: who is near is told of it anyhow.
func (w *World) fallsSilent(f Fact, near []claim) {
	for _, v := range w.visits {
		t := v.knows(f)
		if t == nil || t.ended && t.at >= f.At {
			continue
		}
		t.ended, t.at = true, max(t.at, f.At)
		if !slices.ContainsFunc(near, func(c claim) bool { return c.visit == v }) {
			w.add(v, f, 0)
		}
	}
}
