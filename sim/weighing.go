package sim

import (
	"math"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

func (w *world) newStand(sc *fusion.Scale) stand {
	return stand{scale: sc, sparse: w.noise.chance(0.85),
		sd:    w.m.plateLow * math.Exp2(w.noise.between(0, math.Log2(max(1, w.m.plateHigh/max(0.01, w.m.plateLow))))),
		drift: float64(w.m.drift * w.noise.between(-1, 1))}
}

// weighAll makes the samples of every plate. Most speak on change and every ten seconds, the others ten times a second.
func (w *world) weighAll() {
	for i := range w.stands {
		st := &w.stands[i]
		slices.SortStableFunc(st.forces, func(x, y force) int { return int(x.at - y.at) })
		load := 0.0
		for _, u := range st.units {
			load += u.grams
		}
		for _, f := range st.forces { // what lies there at the end, less what was done
			load -= f.grams
		}
		if st.sparse {
			w.speaks(st, load)
		} else {
			w.streams(st, load)
		}
	}
}

func (w *world) weigh(st *stand, at time.Duration, mode string, rate float64, grams ...float64) {
	for i := range grams {
		grams[i] = math.Round(grams[i]*10) / 10
	}
	w.says(at, fusion.Weight, st.scale.ID, func(h message.Head) any {
		return message.Weight{Head: h, Grams: grams, Mode: mode, Rate: rate}
	})
}

// drifted is how far a plate's zero is off after a time.
func (st *stand) drifted(at time.Duration) float64 {
	slow := float64(st.drift * 8 * math.Sin(at.Minutes()/13)) // back and forth, with the room's warmth
	return slow
}

func (w *world) speaks(st *stand, load float64) {
	next := time.Duration(w.noise.IntN(10000)) * time.Millisecond
	say := func(at time.Duration, grams float64) {
		w.weigh(st, at, "change", 0, grams+st.drifted(at)+float64(st.sd/2*w.noise.normal()))
	}
	said := math.Inf(1)
	for k := 0; ; k++ {
		until := w.end
		if k < len(st.forces) {
			until = st.forces[k].at
		}
		for ; next < until; next += 10 * time.Second {
			said = load + st.drifted(next)
			say(next, load)
		}
		if k == len(st.forces) {
			return
		}
		f := st.forces[k]
		if f.touch != 0 {
			say(max(0, f.at-200*time.Millisecond), load+f.touch)
		}
		load += f.grams
		if f.touch != 0 || math.Abs(load-said) > 5 {
			settled := f.at + 300*time.Millisecond
			said = load
			say(f.at+100*time.Millisecond, load+float64(f.touch*0.2))
			say(settled, load)
			next = settled + 10*time.Second
			if k+1 < len(st.forces) && st.forces[k+1].at < next {
				continue
			}
		}
	}
}

func (w *world) streams(st *stand, load float64) {
	next := 0
	for t := time.Duration(w.noise.IntN(100)) * time.Millisecond; t+tick < w.end; t += 2 * tick {
		var two [2]float64
		for k := range two {
			at := t + time.Duration(k)*tick
			for ; next < len(st.forces) && st.forces[next].at <= at; next++ {
				load += st.forces[next].grams
			}
			touch := 0.0
			if next < len(st.forces) && st.forces[next].at-at < 300*time.Millisecond {
				touch = st.forces[next].touch
			}
			two[k] = load + touch + st.drifted(at) + float64(st.sd*w.noise.normal())
		}
		w.weigh(st, t, "", 10, two[0], two[1])
	}
}

// ringAlone lets gates ring for nothing.
func (w *world) ringAlone() {
	for i := range w.store.Zones {
		for range int(float64(w.m.gateAlone*w.o.Hours) + float64(w.noise.Float64())) {
			if w.store.Zones[i].Kind == fusion.Exit {
				w.alarm(i, time.Duration(w.noise.between(0, w.end.Seconds())*float64(time.Second)).Truncate(time.Millisecond))
			}
		}
	}
}

// signsOfLife says every ten seconds that a source is there.
func (w *world) signsOfLife() {
	for _, s := range w.store.Sources {
		for t := time.Duration(w.noise.IntN(1000)) * time.Millisecond; t < w.end; t += aliveEvery {
			w.says(t, fusion.Status, s.ID, func(h message.Head) any {
				return message.Status{Head: h, State: "online", Every: aliveEvery.Seconds()}
			})
		}
	}
}
