package fusion

import (
	"math"
	"slices"
)

// spanEpochs is the stretch that the moved-likelihood looks at, in epochs: 4 s.
const spanEpochs = 16

// cell holds the reads of one tag by one antenna on one channel in one epoch, as whole numbers: their order does not
// matter. Levels are in hundredths of a dB.
type cell struct {
	epoch                 int64
	sum, squares          int64
	n, channel            int32 // channel in kHz; 0: not told
	source, antenna, zone int16
	low, high             int16
}

// before orders the cells of one epoch by what they are about.
func (c *cell) before(o *cell) bool {
	switch {
	case c.source != o.source:
		return c.source < o.source
	case c.antenna != o.antenna:
		return c.antenna < o.antenna
	case c.zone != o.zone:
		return c.zone < o.zone
	}
	return c.channel < o.channel
}

// count counts a read in its cell.
func (h *heard) count(r *read, epoch int64) {
	var c *cell
	for i := len(h.cells) - 1; i >= 0 && h.cells[i].epoch == epoch; i-- {
		if d := &h.cells[i]; d.channel == r.channel && d.antenna == r.antenna && d.source == r.source && d.zone == r.zone {
			c = d
			break
		}
	}
	if c == nil {
		if len(h.cells) > 0 && h.cells[0].epoch <= epoch-spanEpochs {
			h.trim(epoch)
		}
		n := cell{epoch: epoch, source: r.source, antenna: r.antenna, channel: r.channel, zone: r.zone, low: r.level, high: r.level}
		at := len(h.cells) // by content, so that bounds cut the same whatever came first
		for at > 0 && h.cells[at-1].epoch == epoch && n.before(&h.cells[at-1]) {
			at--
		}
		h.cells = slices.Insert(h.cells, at, n)
		c = &h.cells[at]
	}
	level := int64(r.level)
	c.n++
	c.sum += level
	c.squares += level * level
	c.low, c.high = min(c.low, r.level), max(c.high, r.level)
}

// levels is the range of the levels in its zone after an epoch.
func (h *heard) levels(zone int, after int64) (low, high int16) {
	low, high = math.MaxInt16, math.MinInt16
	for i := len(h.cells) - 1; i >= 0 && h.cells[i].epoch > after; i-- {
		if c := &h.cells[i]; int(c.zone) == zone {
			low, high = min(low, c.low), max(high, c.high)
		}
	}
	return low, high
}

// trim drops the cells that are too old to count in an epoch.
func (h *heard) trim(epoch int64) {
	old := 0
	for old < len(h.cells) && h.cells[old].epoch <= epoch-spanEpochs {
		old++
	}
	if old > 0 {
		h.cells = slices.Delete(h.cells, 0, old)
	}
}

// Weights of the moved-likelihood, in nats. They were set from the measured figures of science §3.1 (static σ 2.7 dB, 1.07
// within a channel; moving 4.1–5.5 and 2.1–3.2), not fitted: no labelled gate log is public.
const (
	movedPrior   = -1.1 // one read alone: 0.25
	movedStill   = -1.9 // many reads that show no motion
	movedShelf   = -1.0 // a zone that is no gate
	movedRange   = 1.4  // for each 8 dB of the fitted course, up to twice
	movedPass    = 1.6  // for each 8 dB that it rises and falls again, up to 1.5 times
	movedNoise   = 1.0  // for each 0.6 dB of noise within a channel over 1.6 dB
	movedOrder   = 0.8  // antennas pass it one after the other
	movedNearer  = 2.8  // it is as much louder than it was while it lay here as nothing but its coming nearer makes it (assumption)
	movedNothing = -3.2 // what cannot exceed 0.04 is nothing
	movedChat    = 0.9  // for each e-fold of 10 s that it has lain here before, or of times that it came without levels

	// Of a tag that has just come to a gate whose reader was awake and never heard it and tells no levels (assumptions).
	movedBare  = 2.3
	movedReads = 0.8 // many reads of such a one
	movedWith  = 0.5 // for each other that came with it, up to three
	movedStays = 1.5 // it is still there half a minute later

	// Of a tag that a gate hears seldom, and whose reader tells levels: how often it is heard tells more than how loud. Fitted to the runs of
	// tags at the doors of three simulators that know nothing of each other, each counting as much (decision 022).
	gatePrior  = -7.0 // one read
	gateNew    = 2.6  // it has just come
	gateMore   = 2.3  // for each e-fold of reads beyond those that it would give lying there
	gateWith   = 0.55 // for each other that came with it, up to three
	gateBoth   = 0.7  // more than one antenna hears it
	gateStays  = 0.7  // it is still there half a minute later
	gateCourse = 0.5  // of what the course of its levels says, unless it has just come
	gateReads  = 2.0  // what lies beside a gate gives so many reads an epoch

	noiseFloor = 1.0 // dB: no course is surer than this
	noiseChi   = 6.0 // the fit of pure noise stays below this in 95 of 100
)

// course is how one antenna heard a tag over the epochs of the window.
type course struct {
	source, antenna int16
	n               [spanEpochs]int
	sum             [spanEpochs]int64
	squares         int64
}

// moved returns the probability that the tag has been moved through its zone, from the cells of its run: the last epochs
// up to and with epoch. history is in how many epochs before it lay there unmoved. A tag that is far louder than it was while it lay
// there lies there no more: nearer, 0 to 1, says how surely it is. The evidence of the levels is never more than what their range allows:
// most tags of a shelf need no more than that.
func (h *heard) moved(zone int, epoch int64, history int, nearer float64, gate bool, n news) float64 {
	var r stretch
	for i := range h.cells {
		if c := &h.cells[i]; int(c.zone) == zone && c.epoch > epoch-spanEpochs {
			r.add(c)
		}
	}
	if r.reads == 0 {
		return 0
	}
	before := float64(max(0, history-r.heard))
	lay := max(min(1, before/max(1, float64(n.awake/epochNS))), float64(n.settled*min(1, before/max(1, float64(n.here/epochNS))))) // for this share of the time
	seldom := 0.0
	if gate && !n.bare {
		awake := float64(n.awake) / 1e9
		seldom = awake / (awake + awakeHalf) * (1 - lay)
	}
	l := float64(seldom*r.gate(lay, n)) + float64((1-seldom)*r.lies(before, nearer, gate, n))
	course := float64(seldom*gateCourse*(1-n.new)) + 1 - seldom
	near := float64(movedNearer * nearer)
	span := float64(int(r.high)-int(r.low)) / 100
	most := float64(movedRange*min(2, span/8)) + float64(movedPass*min(1.5, span/8)) + movedOrder
	if l+max(float64(course*most), near)+float64(movedNoise*max(0, min(2, (span/2-1.6)/0.6))) < movedNothing {
		return 0
	}
	l += max(float64(course*min(most, h.motion(zone, epoch))), near) + float64(movedNoise*channelNoise(h.cells, epoch, int16(zone)))
	return round9(1 / (1 + round9(math.Exp(-l))))
}

// A stretch is how a zone heard a tag in the newest epochs.
type stretch struct {
	reads, heard int // heard: in how many epochs
	last         int64
	low, high    int16 // levels, hundredths of a dB
	antenna      int32 // the first that heard it, with its source
	both         bool  // another did too
}

func (w *stretch) add(c *cell) {
	antenna := int32(c.source)<<16 | int32(c.antenna)
	if w.reads == 0 {
		w.low, w.high, w.antenna, w.last = c.low, c.high, antenna, -1
	}
	if c.epoch != w.last {
		w.last = c.epoch
		w.heard++
	}
	w.reads += int(c.n)
	w.low, w.high = min(w.low, c.low), max(w.high, c.high)
	w.both = w.both || antenna != w.antenna
}

// gate is the log-odds, before what levels say, that a tag that a gate hears so and has heard seldom has been moved; lay is the share of the
// time before in which it was heard, 0–1.
func (w *stretch) gate(lay float64, n news) float64 {
	l := gatePrior + float64(gateNew*n.new) + float64(gateMore*round9(math.Log((1+float64(w.reads))/(1+float64(gateReads*spanEpochs*lay)))))
	l += float64(gateWith*float64(n.new*n.with)) - float64(gateStays*n.stayed)
	if w.both {
		l += gateBoth
	}
	return l
}

// lies is gate where that cannot be asked: in a zone that is no gate, of a reader that tells no levels or has only just begun, and of what lies
// there. Many reads that show no motion say that it does.
func (w *stretch) lies(before, nearer float64, gate bool, n news) float64 {
	reads := float64(w.reads)
	l := movedPrior + float64((1-nearer)*movedStill*float64(reads-1)/float64(reads+7)*(1-n.new))
	if n.bare {
		fresh := movedBare + float64(movedReads*float64(reads-1)/float64(reads+2))
		l += float64(n.new*(fresh+float64(movedWith*n.with))) - float64(movedChat*round9(math.Log(1+float64(n.came)))) - float64(movedStays*n.stayed)
	}
	if !gate {
		l += movedShelf
	}
	return l - float64((1-nearer)*min(3, float64(movedChat*round9(math.Log(1+before/40)))))
}

// How much louder than before a tag must be, in hundredths of a dB, to have come nearer: what lies still goes up by less when somebody
// walks past (a standard deviation of 2.7 dB that doubles, science §3.1); and for how many epochs its level is known. Assumptions.
const (
	louderFrom = 600
	louderTo   = 1400
	lainFor    = 20
	lainMost   = 160
)

// louder says, from 0 to 1, how surely a tag that has lain in the zone for a while has come nearer, by how loud it was in the stretch up to
// an epoch. One that stays as loud lies there now.
func (s *spot) louder(epoch int64) float64 {
	now := 0.0
	if s.history >= lainFor && s.known {
		now = min(1, max(0, float64(s.level-s.lain-louderFrom)/(louderTo-louderFrom)))
	}
	switch {
	case now == 0:
		s.up = 0
	case s.up == 0:
		s.up = epoch
	case epoch-s.up >= lieNS/epochNS:
		s.lain, s.nearer, s.up, now = s.level, 0, 0, 0
	}
	if now >= s.nearer || epoch-s.nearest >= spanEpochs {
		s.nearer, s.nearest = now, epoch
	}
	return s.nearer
}

// lies notes the level at which a tag lay there for some epochs more, which follows it over the newest lainMost of them.
func (s *spot) lies(epochs int) {
	if !s.known || epochs <= 0 {
		return
	}
	n := min(s.history, lainMost)
	s.lain += (s.level - s.lain) * epochs / (n + epochs)
}

// motion is what the courses of the tag's levels, antenna by antenna, say for its having moved, in nats.
func (h *heard) motion(zone int, epoch int64) float64 {
	var room [8]course
	courses := h.courses(room[:0], zone, epoch)
	var motion, early, late float64
	passes := 0
	for i := range courses {
		span, pass, peak := courses[i].fit()
		motion = max(motion, float64(movedRange*min(2, span/8))+float64(movedPass*min(1.5, pass/8)))
		if pass >= 2 {
			if passes == 0 || peak < early {
				early = peak
			}
			if passes == 0 || peak > late {
				late = peak
			}
			passes++
		}
	}
	if passes > 1 {
		motion += float64(movedOrder * min(1, (late-early)/4)) // a second apart
	}
	return motion
}

// courses adds up the cells of a zone, antenna by antenna, up to epoch; of no more antennas than there is room for.
func (h *heard) courses(courses []course, zone int, epoch int64) []course {
	for i := range h.cells {
		c := &h.cells[i]
		at := int(c.epoch - (epoch - spanEpochs + 1))
		if int(c.zone) != zone || at < 0 {
			continue
		}
		k := slices.IndexFunc(courses, func(o course) bool { return o.source == c.source && o.antenna == c.antenna })
		if k < 0 {
			if len(courses) == cap(courses) {
				continue
			}
			courses = append(courses, course{source: c.source, antenna: c.antenna})
			k = len(courses) - 1
		}
		courses[k].n[at] += int(c.n)
		courses[k].sum[at] += c.sum
		courses[k].squares += c.squares
	}
	return courses
}

// fit lays a parabola through the course by least squares, every read counting once, and returns the dB over which it
// runs, the dB by which it rises and falls again, both less what noise would show, and when it is highest, in epochs.
func (c *course) fit() (span, pass, peak float64) {
	var n, mean, centre float64
	first, last := -1, 0
	for i, k := range c.n {
		if k == 0 {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
		n += float64(k)
		centre += float64(float64(i) * float64(k))
		mean += float64(c.sum[i]) / 100
	}
	if n < 4 || last-first < 2 {
		return 0, 0, 0
	}
	centre, mean = centre/n, mean/n
	var s2, s3 float64
	for i, k := range c.n {
		x := float64(i) - centre
		s2 += float64(float64(k) * x * x)
		s3 += float64(float64(k) * x * x * x)
	}
	a, b := s3/s2, s2/n
	square := func(x float64) float64 { return float64(x*x) - float64(a*x) - b } // orthogonal to 1 and x
	var xy, qy, qq float64
	for i, k := range c.n {
		x := float64(i) - centre
		y := float64(c.sum[i])/100 - float64(float64(k)*mean)
		q := square(x)
		xy += float64(x * y)
		qy += float64(q * y)
		qq += float64(float64(k) * q * q)
	}
	slope, bend := xy/s2, 0.0
	explained := float64(xy * slope)
	if qq > 1e-6 {
		bend = qy / qq
		explained += float64(qy * bend)
	}
	rest := float64(c.squares)/1e4 - float64(float64(n*mean)*mean) - explained
	noise := max(float64(noiseFloor*noiseFloor), rest/max(1, n-3))
	sure := max(0, 1-float64(noiseChi*noise)/max(explained, 1e-9))
	if sure == 0 {
		return 0, 0, 0
	}
	level := func(x float64) float64 { return float64(slope*x) + float64(bend*square(x)) }
	from, to := float64(first)-centre, float64(last)-centre
	begin, end := level(from), level(to)
	high, low := max(begin, end), min(begin, end)
	at := to
	if begin > end {
		at = from
	}
	if bend < 0 || bend > 0 {
		if x := (a - slope/bend) / 2; x > from && x < to {
			y := level(x)
			if y > high {
				high, at = y, x
				pass = float64(sure * (high - max(begin, end)))
			}
			low = min(low, y)
		}
	}
	return float64(sure * (high - low)), pass, at + centre
}

// channelNoise says how far the noise within one antenna and channel is above or below what parts lying from moving, in
// steps of 0.6 dB, less where few reads say so. Hopping between channels is most of what else looks like noise; without
// channels it says nothing.
func channelNoise(cells []cell, epoch int64, zone int16) float64 {
	var room [64]cell
	groups := room[:0]
	for i := range cells {
		c := &cells[i]
		if c.channel == 0 || c.zone != zone || c.epoch <= epoch-spanEpochs {
			continue
		}
		k := slices.IndexFunc(groups, func(o cell) bool {
			return o.source == c.source && o.antenna == c.antenna && o.channel == c.channel
		})
		if k < 0 {
			if len(groups) < cap(groups) {
				groups = append(groups, *c)
			}
			continue
		}
		groups[k].n += c.n
		groups[k].sum += c.sum
		groups[k].squares += c.squares
	}
	var spread, free float64
	for i := range groups {
		g := &groups[i]
		spread += float64(g.squares) - float64(g.sum)*float64(g.sum)/float64(g.n)
		free += float64(g.n - 1)
	}
	if free < 3 {
		return 0
	}
	sd := math.Sqrt(max(0, spread/free)) / 100
	return float64(max(-1.5, min(2, (sd-1.6)/0.6)) * (free / (free + 6)))
}
