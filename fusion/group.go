package fusion

import "slices"

// Who shops together: came in within a few seconds and near each other, and stays near. Science §4 asks for more than half of the visit at
// most 1.5 m apart; those who are for two fifths of it are no strangers either (decision 017).
const (
	groupEntry  = 4 * second
	groupRadius = 1.5 // metres
	groupSample = second
	groupDoubt  = 4.0  // seconds apart that are added to what was seen
	groupNone   = 0.2  // share of the common time: strangers
	groupSure   = 0.45 // and companions (assumptions)
	groupMost   = 0.95
	maxMates    = 8
)

// beside counts, once a second, whom the visit came in with and whether they are still near. Whoever is beside it while it
// has only just come in may be one of them.
func (w *World) beside(v *Visit) {
	if n := len(v.trail); n > 1 && v.trail[n-1].at/groupSample == v.trail[n-2].at/groupSample {
		return
	}
	if v.PosAt-v.First <= 2*groupEntry {
		for _, o := range w.near(v.Pos, groupRadius) {
			if o != v && abs(o.First-v.First) <= groupEntry && o.Pos.distance(v.Pos) <= groupRadius {
				v.mate(o)
			}
		}
	}
	for i := range v.mates {
		m := &v.mates[i]
		k := w.index(m.visit)
		if k < 0 {
			continue
		}
		o := &w.heads[k]
		if o.at == 0 || v.PosAt-o.at > groupSample {
			continue
		}
		m.seen++
		if o.pos.distance(v.Pos) <= groupRadius {
			m.beside++
		}
	}
}

// mate is what is known of another visit as company, from now on if need be; nil: there is too much.
func (v *Visit) mate(o *Visit) *mate {
	for i := range v.mates {
		if v.mates[i].visit == o.number {
			return &v.mates[i]
		}
	}
	if len(v.mates) == maxMates {
		return nil
	}
	v.mates = append(v.mates, mate{visit: o.number})
	return &v.mates[len(v.mates)-1]
}

// p is the probability that the two shop together, by the share of the time in which both are seen that they are near each other.
func (m *mate) p() float64 {
	share := float64(m.beside) / (float64(m.seen) + groupDoubt)
	return round9(min(groupMost, max(0, (share-groupNone)/(groupSure-groupNone))))
}

// goesWith is the probability that the visit shops together with another.
func (v *Visit) goesWith(o *Visit) float64 {
	if o == nil {
		return 0
	}
	for i := range v.mates {
		if v.mates[i].visit == o.number {
			return v.mates[i].p()
		}
	}
	return 0
}

// groupPaid tells those who shop with a visit that it has paid.
func (w *World) groupPaid(v *Visit, f Fact) {
	for _, o := range w.visits {
		for i := range o.mates {
			if o.mates[i].visit == v.number && o.mates[i].p() > 0 && !slices.Contains(o.paidBy, v.number) {
				g := f
				g.Kind, g.P = FactGroup, o.mates[i].p()
				o.paidBy = append(o.paidBy, v.number)
				w.add(o, g, 1)
			}
		}
	}
}
