package fusion

import "math"

// How a scale that restarts with another zero, a knock and what a neighbour feels are told from goods. Nothing of it is
// measured but cross-talk (science §3.2: 6–10 g that stay, 20 g that pass); the rest are assumptions.
//
//   - status offline, then online: a hole (World.Fold)
//   - another boot in its messages: a hole (plates.add)
//   - silence for a second, no number, saturation: a hole (plate.add)
//   - a load below nothing by a unit, or of nothing after a short silence: a hole (plate.restarted)
//   - most plates of a shelf move at the same moment: no step (World.shaken)
//   - a small step at the very moment of a big one beside it: no step (World.shaken)
//
// After a hole the plate takes a new baseline, and coverage of its zone has the hole.
const (
	skipNS    = 300 * int64(1e6) // a scale that samples at 10 Hz or more, and is silent for so long, may have restarted
	crossTalk = 22.0             // grams, at most (20 and noise),
	crossFrom = 5.0              // by a load so many times as large
	crossLoad = 100.0            // grams, at least
	crossTime = 500 * int64(1e6)
	knockTime = 300 * int64(1e6)
	minKnock  = 3 // plates beside it that move at the same moment; and two of three of those within reach
)

// restarted reports that a scale has begun anew with another zero, as far as the load itself shows.
func (p *plate) restarted(began int64, level float64) bool {
	if p.base > p.own && level < -p.own {
		return true // there is no such load
	}
	silent := p.skipped > 0 && abs(p.skipped-began) <= int64(2*binNS)
	return silent && math.Abs(level) < p.own/2 && p.base > p.own
}

// swing is how far the load of a plate is from its baseline, in grams, while it is disturbed.
func (p *plate) swing() float64 {
	switch {
	case p.wait != still && p.ready:
		return math.Abs(p.level - p.base)
	case p.open && p.count > 0:
		return math.Abs(p.at(p.count-1).grams - p.base)
	}
	return 0
}

// stir is a settled step of a plate, whatever became of it.
type stir struct {
	scale int
	at    int64
	grams float64
}

// shaken reports that a step is no goods: a neighbour's cross-talk, or the whole shelf's jump.
func (w *World) shaken(scale int, s step) bool {
	for len(w.stirs) > 0 && w.now-w.stirs[0].at > longestStep {
		w.stirs = w.stirs[1:]
	}
	w.stirs = append(w.stirs, stir{scale, s.At, s.Grams})
	most, beside, knocked := 0.0, 0, 0
	at := w.Store.Scales[scale].At
	for k := range w.Store.Scales {
		q := w.Store.Scales[k].At
		if k == scale || (Point{at[0], at[1]}).distance(Point{q[0], q[1]}) > togetherNear {
			continue
		}
		beside++
		p := w.plates.all[k]
		grams, apart := p.swing(), abs(p.began-s.At)
		for i := range w.stirs {
			if t := &w.stirs[i]; t.scale == k && abs(t.at-s.At) <= crossTime && math.Abs(t.grams) > grams {
				grams, apart = math.Abs(t.grams), abs(t.at-s.At)
			}
		}
		if apart > crossTime {
			continue
		}
		most = max(most, grams)
		if apart <= knockTime && grams >= float64(0.9*p.delta) {
			knocked++
		}
	}
	small := math.Abs(s.Grams)
	return small <= crossTalk && most >= max(crossLoad, float64(crossFrom*small)) ||
		knocked >= minKnock && 3*knocked >= 2*beside
}

// weigh takes the next sample of a scale.
func (w *World) weigh(k, source int, ts int64, grams float64, change bool, boot uint16) {
	before := w.plates.all[k].ready
	s, ok := w.plates.add(k, ts, grams, change, boot)
	w.sight(k, source, before, ts)
	if ok {
		w.step(k, s)
	}
}

// sight keeps the time in which a plate has no baseline as a hole of its source.
func (w *World) sight(k, source int, before bool, ts int64) {
	l := &w.live[source]
	switch after := w.plates.all[k].ready; {
	case before && !after:
		l.blind = ts
	case after && l.blind > 0:
		l.hole(hole{since: l.blind, told: l.blind, from: l.blind, to: ts})
		l.blind = 0
	}
}

// bootOf makes a number of what a device calls its start; 0: it does not say (FNV-1a, folded).
func bootOf(name string) uint16 {
	if name == "" {
		return 0
	}
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return max(1, uint16(h>>16)^uint16(h))
}
