package sim

import (
	"fmt"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// clock is a source's own, and its line to the broker.
type clock struct {
	offset  time.Duration
	ppm     float64
	jump    time.Duration
	jumpAt  time.Duration
	gaps    []gap
	delay   time.Duration // of a camera's detector
	boot    string
	numbers bool
}

// gap is a time in which a source's messages were kept back.
type gap struct {
	from, to time.Duration
	n        int
}

func (c *clock) at(t time.Duration) time.Duration {
	shift := c.offset + time.Duration(float64(t)*c.ppm/1e6)
	if t >= c.jumpAt {
		shift += c.jump
	}
	return (t + shift).Truncate(time.Millisecond)
}

func (w *world) newClock(kind fusion.Kind) *clock {
	c := &clock{offset: time.Duration(w.noise.normal() * w.m.offset * float64(time.Second)), ppm: float64(w.noise.normal() * w.m.clockDrift),
		jumpAt: w.end + 1, boot: fmt.Sprintf("b%06x", w.noise.IntN(1<<24)), numbers: w.noise.chance(0.85)}
	if w.noise.chance(w.m.jumps * w.o.Hours / 24) {
		c.jumpAt = time.Duration(w.noise.between(0, w.end.Seconds()) * float64(time.Second))
		c.jump = time.Duration(w.noise.between(-2, 2) * float64(time.Second))
	}
	for range int(float64(w.m.gaps*w.o.Hours) + float64(w.noise.Float64())) {
		from := time.Duration(w.noise.between(0, w.end.Seconds()) * float64(time.Second))
		c.gaps = append(c.gaps, gap{from: from, to: from + time.Duration(w.noise.between(2, 60)*float64(time.Second))})
	}
	if kind == fusion.Tracks {
		c.delay = time.Duration(w.m.delayNear * float64(time.Second))
		if w.noise.chance(0.5) {
			c.delay = time.Duration(w.m.delayFar * float64(time.Second))
		}
	}
	return c
}

// delay is how long a message takes.
func (w *world) delay(kind fusion.Kind, c *clock) time.Duration {
	between := func(low, high float64) time.Duration {
		return time.Duration(w.noise.between(low, high) * float64(time.Second)).Truncate(time.Millisecond)
	}
	switch kind {
	case fusion.Tracks:
		return max(0, c.delay+time.Duration(w.noise.normal()*0.04*float64(time.Second))).Truncate(time.Millisecond)
	case fusion.Weight:
		return between(w.m.plateDelay, w.m.plateDelay+0.08)
	case fusion.RFID:
		if w.noise.chance(0.02) {
			return between(w.m.readDelay, min(1.9, 6*w.m.readDelay))
		}
		return between(0.2*w.m.readDelay, 1.8*w.m.readDelay)
	case fusion.TillKind:
		return between(0.1, 2*w.m.tillDelay+0.1)
	}
	return between(0.02, 0.3)
}

// send numbers the messages of each source, stamps them by its clock, and puts them in the order in which they arrive.
func (w *world) send() ([]Line, error) {
	slices.SortStableFunc(w.out, func(x, y emission) int { return int(x.ts - y.ts) })
	type stream struct {
		source string
		kind   fusion.Kind
	}
	clocks := map[string]*clock{}
	for _, s := range w.store.Sources {
		clocks[s.ID] = w.newClock(s.Kind)
	}
	seq := map[stream]uint64{}
	lines := make([]Line, 0, len(w.out)+len(w.out)/100)
	for _, e := range w.out {
		c := clocks[e.source]
		head := message.Head{TS: message.At(w.start + int64(c.at(e.ts)))}
		if c.numbers {
			key := stream{e.source, e.kind}
			n := seq[key]
			seq[key]++
			head.Seq, head.Boot = &n, c.boot
		}
		payload, err := message.Encode(e.message(head))
		if err != nil {
			return nil, fmt.Errorf("a %s message of %s: %w", e.kind, e.source, err)
		}
		at := e.ts + span(e) + w.delay(e.kind, c)
		for i := range c.gaps {
			if g := &c.gaps[i]; at >= g.from && at < g.to {
				g.n++
				at = g.to + time.Duration(g.n)*2*time.Millisecond
			}
		}
		l := Line{Received: w.start + int64(at), Topic: message.Topic(w.store.ID, e.kind.String(), e.source), Payload: payload}
		lost := w.lost(e.source, e.ts) // all that is drawn is the same, whether it is or not
		if !lost {
			lines = append(lines, l)
		}
		if w.noise.chance(w.m.repeats) {
			l.Received += int64(time.Duration(w.noise.between(0.05, 2) * float64(time.Second)))
			if !lost {
				lines = append(lines, l)
			}
		}
	}
	wills, err := w.wills()
	if err != nil {
		return nil, err
	}
	lines = append(lines, wills...)
	lines = append(lines, Line{Received: w.start + int64(w.end+10*time.Second), Control: "tick"})
	byArrival(lines)
	return lines, nil
}

// span is how long after its time a message can be sent at the earliest: what it holds must have been measured.
func span(e emission) time.Duration {
	switch e.kind {
	case fusion.Weight:
		return tick
	case fusion.RFID:
		return 200 * time.Millisecond
	}
	return 0
}
