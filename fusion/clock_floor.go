package fusion

import (
	"math"
	"slices"
)

// The transport floor (science §2.3): the least delay of a source, which is its least transport time less what its clock is
// ahead. Since a delay lies between nothing and the source's lateness, a floor beyond these proves a clock wrong; within
// them it says nothing: a camera that is slow by nature is no camera whose clock is behind.
const (
	slotNS      = 10 * second
	windowSlots = 60 // ten minutes
	floorOf     = 3  // the third least of the slots' least delays: one or two odd messages prove nothing
	hullDots    = 60 // minutes over which drift is told
	driftSpan   = 5 * minuteNS
	driftFit    = 20 * int64(1e6) // three in four of the dots lie so near to the line, and within 20 ppm of its length, or there is no telling
	fastest     = 500_000         // parts per thousand million: what runs faster is no clock
	setRight    = 300 * int64(1e6)
	jumpSD      = 50 * int64(1e6)
)

// slot is what arrived from a source in ten seconds.
type slot struct {
	number int64 // of the ten seconds since 1970; 0: nothing arrived yet
	delay  int64 // the least of arrival less ts, ns
	at     int64 // the first arrival that had it
}

// dot is the least delay of a minute.
type dot struct{ at, delay int64 }

// hear takes the delay of a message. Which of two came first makes no difference.
func (k *clocks) hear(source int, received, delay int64) {
	if received < k.from || received >= k.until {
		k.number = floorDiv(received, slotNS)
		k.from, k.until = k.number*slotNS, (k.number+1)*slotNS
		k.place = int(uint64(k.number) % uint64(len(k.floors[source])))
	}
	s := &k.floors[source][k.place]
	switch {
	case s.number < k.number:
		*s = slot{k.number, delay, received}
	case s.number > k.number: // it came too late to count
	case delay < s.delay || delay == s.delay && received < s.at:
		s.delay, s.at = delay, received
	}
}

// window lists the slots of the ten minutes before h in which something arrived since the source's clock last jumped.
func (k *clocks) window(to []slot, source int, h int64) []slot {
	end := h / slotNS
	ring := k.floors[source]
	for n := max(end-windowSlots, k.known[source].since, 1); n < end; n++ {
		if s := &ring[uint64(n)%uint64(len(ring))]; s.number == n {
			to = append(to, *s)
		}
	}
	return to
}

// observe takes what arrived in the ten minutes before h.
func (c *clock) observe(slots []slot, lateness, h int64) {
	c.heard = true
	i, by, jump := jumped(slots)
	if jump {
		slots = slots[i:]
		c.since, c.dots, c.paired = slots[0].number, nil, false
	}
	c.draw(slots, h)
	c.bound(slots, lateness, h)
	right := c.low <= 0 && c.high >= 0
	switch at := c.project(h); {
	case !c.held && (!jump || right):
		c.add = max(c.low, min(c.high, 0))
		c.sd = 0
		if c.add != 0 {
			c.sd = lateness * 289 / 1000 // anywhere in what the floor allows: lateness/√12
		}
	case !jump:
		c.add = max(c.low, min(c.high, at))
	case right && abs(at+by) < setRight: // somebody has set it right
		c.held, c.add, c.sd = false, 0, 0
	case at >= c.low && at <= c.high: // it need not be the clock: what is sent may be slower
		c.add = at
	default:
		c.held, c.paired, c.add, c.sd = true, false, max(c.low, min(c.high, at+by)), max(c.sd, jumpSD)
	}
	c.asOf = h
}

// project is what should be added at h if the clock has gone on as it did.
func (c *clock) project(h int64) int64 {
	if c.asOf == 0 || h-c.asOf > windowSlots*slotNS {
		return c.add
	}
	return c.add - c.gain(h-c.asOf)
}

// gain is by how much the clock gets ahead in so many ns.
func (c *clock) gain(ns int64) int64 { return c.drift * (ns / 1000) / 1e6 }

// jumped looks for the slot from which on the delay is another by more than jumpNS: three slots that are all below the floor
// before them, or a minute of them that are all above, and steadily so.
func jumped(slots []slot) (from int, by int64, ok bool) {
	for _, few := range [...]int{floorOf, steadyMin} {
		n := len(slots) - few
		if n < floorOf {
			break
		}
		old := third(slots[:n])
		low, high := slots[n].delay, slots[n].delay
		for _, s := range slots[n:] {
			low, high = min(low, s.delay), max(high, s.delay)
		}
		down := high <= old-jumpNS
		if !down && (few == floorOf || low < old+jumpNS || high-low > (low-old)/2) {
			continue
		}
		for n > floorOf && (slots[n-1].delay <= old-jumpNS) == down && abs(slots[n-1].delay-old) >= jumpNS {
			n--
		}
		return n, third(slots[n:]) - third(slots[:n]), true
	}
	return 0, 0, false
}

// third is the floorOf-th least delay.
func third(slots []slot) int64 {
	var least [floorOf]int64
	for i := range least {
		least[i] = math.MaxInt64
	}
	for _, s := range slots {
		d := s.delay
		for i := range least {
			if d < least[i] {
				d, least[i] = least[i], d
			}
		}
	}
	return least[floorOf-1]
}

// bound says what the floor allows to be added.
func (c *clock) bound(slots []slot, lateness, h int64) {
	c.low, c.high = -farthest, farthest
	if len(slots) < floorOf {
		return
	}
	now := make([]slot, len(slots)) // as they would be at h
	for i, s := range slots {
		s.delay -= c.gain(h - s.at)
		now[i] = s
	}
	floor := third(now)
	if abs(floor) > farthest {
		return
	}
	c.high = floor
	if floor >= -deadNS {
		c.high = max(floor, 0)
	}
	if len(now) < steadyMin {
		return
	}
	for _, s := range now[len(now)-steadyMin:] {
		if s.delay > floor+lateness+deadNS {
			return // delays that differ so much are not for the clock to explain
		}
	}
	if c.low = floor - lateness; c.low <= deadNS {
		c.low = min(c.low, 0)
	}
}

// draw adds the minute before h to the dots and tells the drift: the slope of the line below all dots that is nearest to
// them in sum (Moon, Skelly and Towsley, INFOCOM 1999), the edge of their lower hull above which their mean lies.
func (c *clock) draw(slots []slot, h int64) {
	low := dot{delay: math.MaxInt64}
	for _, s := range slots {
		if s.number >= (h-minuteNS)/slotNS && s.delay < low.delay {
			low = dot{s.at, s.delay}
		}
	}
	if low.at == 0 {
		return
	}
	for len(c.dots) > 0 && (len(c.dots) == hullDots || c.dots[0].at < h-hullDots*minuteNS) {
		c.dots = slices.Delete(c.dots, 0, 1)
	}
	c.dots = append(c.dots, low)
	first, span := c.dots[0].at, low.at-c.dots[0].at
	if span < driftSpan || len(c.dots) < 5 {
		return
	}
	var room [hullDots]dot
	hull := room[:0]
	mean := int64(0)
	for _, d := range c.dots { // in µs, so that products fit
		p := dot{(d.at - first) / 1000, (d.delay - c.dots[0].delay) / 1000}
		mean += p.at / int64(len(c.dots))
		for len(hull) > 1 {
			a, b := hull[len(hull)-2], hull[len(hull)-1]
			if (b.at-a.at)*(p.delay-a.delay) > (b.delay-a.delay)*(p.at-a.at) {
				break
			}
			hull = hull[:len(hull)-1]
		}
		hull = append(hull, p)
	}
	i := 1
	for i+1 < len(hull) && hull[i].at < mean {
		i++
	}
	a, b := hull[i-1], hull[i]
	slope := float64(b.delay-a.delay) / float64(b.at-a.at)
	var above [hullDots]int64
	for j, d := range c.dots {
		above[j] = d.delay/1000 - c.dots[0].delay/1000 - a.delay - int64(math.Round(float64(slope*float64((d.at-first)/1000-a.at))))
	}
	rest := above[:len(c.dots)]
	slices.Sort(rest)
	drift := -int64(math.Round(float64(slope * 1e9)))
	if c.drift = drift; 1000*rest[3*len(rest)/4] > min(driftFit, span/50_000) || abs(drift) > fastest {
		c.drift = 0
	}
}
