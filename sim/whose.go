package sim

import "math"

// Whose tells whom tracks belong to.
type Whose struct {
	tracks map[string][]ownSpan
	visits []*Visit
}

type ownSpan struct {
	visit    *Visit
	from, to int64
}

// NewWhose gathers the tracks of visits.
func NewWhose(visits []*Visit) Whose {
	w := Whose{map[string][]ownSpan{}, visits}
	for _, v := range visits {
		for _, s := range v.Tracks {
			w.tracks[s.Track] = append(w.tracks[s.Track], ownSpan{v, s.From, s.To})
		}
	}
	return w
}

// of is the person to whom most of the time of the tracks between two times (ns) belongs, nil for nobody.
func (w Whose) of(tracks []string, from, to int64) (best *Visit) {
	time := map[*Visit]int64{}
	for _, t := range tracks {
		for _, s := range w.tracks[t] {
			if n := min(s.to, to) - max(s.from, from) + 2e8; n > 0 {
				time[s.visit] += n
			}
		}
	}
	for v, n := range time {
		if best == nil || n > time[best] || n == time[best] && v.Person < best.Person {
			best = v
		}
	}
	return best
}

// shownFor is how long before a moment tracks tell whom they show then, ns.
const shownFor = 10e9

// At is the person whom tracks show at a time (ns), as who is sent then would see: of the last ten seconds in which they show anybody
// until then, most belong to him. nil for nobody.
func (w Whose) At(tracks []string, at int64) *Visit {
	last := int64(math.MinInt64)
	for _, t := range tracks {
		for _, s := range w.tracks[t] {
			if s.from <= at {
				last = max(last, min(s.to, at))
			}
		}
	}
	if last == math.MinInt64 {
		return w.of(tracks, 0, math.MaxInt64)
	}
	return w.of(tracks, last-shownFor, last)
}

// about is At, or where there are no tracks whoever crossed a way out nearest to another time, within ten seconds.
func (w Whose) about(tracks []string, at, crossed int64) (best *Visit) {
	if len(tracks) > 0 {
		return w.At(tracks, at)
	}
	least := int64(10e9)
	for _, v := range w.visits {
		if d := max(v.Exit-crossed, crossed-v.Exit); v.Exit != 0 && d <= least && (best == nil || d < least) {
			best, least = v, d
		}
	}
	return best
}
