package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// film makes the frames of every camera: about five a second, each camera in its own phase, with jitter, missed people,
// positions off by some centimetres and tracks that now and then change their id.
func (c *crowd) film() {
	for i := range c.store.Cameras {
		camera := newCamera(c.site, i)
		ids := map[string]string{} // person to track
		tracks := c.IntN(1000)
		phase := time.Duration(c.IntN(200)) * time.Millisecond
		for at := phase; at <= c.end; at += frameEvery {
			body := message.Track{Frame: &camera.frame}
			t := at + time.Duration(5000*c.noise*c.normal())*time.Microsecond
			for _, p := range c.people {
				where, _, ok := p.at(t)
				if !ok || !camera.covers(where) {
					if ids[p.name] != "" {
						body.Lost = append(body.Lost, ids[p.name])
						delete(ids, p.name)
					}
					continue
				}
				if c.chance(0.05 * c.noise) {
					continue
				}
				if ids[p.name] == "" || c.chance(c.switches()) {
					tracks++
					if ids[p.name] != "" && (c.renames == 0 || c.chance(0.5)) {
						body.Lost = append(body.Lost, ids[p.name])
					}
					ids[p.name] = fmt.Sprint(tracks)
				}
				where.X += float64(0.05 * c.noise * c.normal())
				where.Y += float64(0.05 * c.noise * c.normal())
				o := p.object(t, where, camera)
				o.Track = ids[p.name]
				body.Tracks = append(body.Tracks, o)
			}
			if body.Tracks != nil || body.Lost != nil {
				c.out = append(c.out, emission{ts: max(0, t), kind: fusion.Tracks, source: camera.id,
					message: func(h message.Head) any { m := body; m.Head = h; return m }})
			}
		}
	}
}

// switches is the chance that a track has another id in the next frame.
func (c *crowd) switches() float64 {
	if c.renames == 0 {
		return 0.002 * c.noise
	}
	return c.renames * frameEvery.Minutes()
}

// weighAll makes the samples of every plate. A plate that is handled speaks at 10 Hz, or in arrays at 20 Hz; one that is
// not speaks on change, that is every ten seconds.
func (c *crowd) weighAll() {
	for i := range c.shelf {
		sc, steps := &c.store.Scales[i], c.shelf[i].steps
		slices.SortStableFunc(steps, func(x, y step) int { return int(x.st.from - y.st.from) })
		load := c.load(sc)
		say := func(t time.Duration, w message.Weight) {
			c.out = append(c.out, emission{ts: t, kind: fusion.Weight, source: sc.ID,
				message: func(h message.Head) any { w.Head = h; return w }})
		}
		if len(steps) == 0 {
			for t := time.Duration(c.IntN(10000)) * time.Millisecond; t <= c.end; t += 10 * time.Second {
				say(t, message.Weight{Grams: message.Grams{c.grams(load)}, Mode: "change"})
			}
			continue
		}
		every, batch, rate := sampleEvery, 1, 0.0
		if c.chance(0.5) {
			every, batch, rate = 50*time.Millisecond, 4, 20
		}
		var grams message.Grams
		next := 0
		for t := time.Duration(c.IntN(100)) * time.Millisecond; t <= c.end; t += every {
			for ; next < len(steps) && steps[next].st.from <= t; next++ {
				load += steps[next].grams
			}
			touch := 0.0
			if next < len(steps) && steps[next].st.from-t < 300*time.Millisecond {
				touch = c.between(-50, 50) * min(1, c.noise)
			}
			grams = append(grams, c.grams(load+touch))
			if len(grams) == batch {
				say(t-time.Duration(batch-1)*every, message.Weight{Rate: rate, Grams: grams})
				grams = nil
			}
		}
	}
}

// grams is what a plate says of a load.
func (c *crowd) grams(load float64) float64 {
	return centimetres(load + float64(0.7*c.noise*c.normal()))
}

// readAll makes the reads of every antenna: tags that are carried through its zone, and two that lie near it.
func (c *crowd) readAll() {
	for i := range c.store.Readers {
		reader := &c.store.Readers[i]
		antennas := make([]int, 0, len(reader.Antennas))
		for a := range reader.Antennas {
			antennas = append(antennas, a)
		}
		slices.Sort(antennas)
		var reads []message.TimedRead
		hear := func(t time.Duration, epc string, antenna int, rssi float64) {
			reads = append(reads, message.TimedRead{TS: message.At(c.start + int64(t)),
				Read: message.Read{EPC: epc, Antenna: antenna, RSSI: math.Round(rssi*10) / 10}})
		}
		for _, a := range antennas {
			centre := middle(c.store.Zones[reader.Antennas[a]].Polygon)
			for _, bag := range c.bags {
				for _, epc := range bag.tags {
					c.pass(bag.who, centre, func(t time.Duration, rssi float64) { hear(t, epc, a, rssi) })
				}
			}
			for _, epc := range c.strays() {
				for t := c.pause(0, 3000); t <= c.end; t += c.pause(500, 5000) {
					hear(t, epc, a, -66+float64(1.1*c.noise*c.normal()))
				}
			}
		}
		slices.SortStableFunc(reads, func(x, y message.TimedRead) int { return int(x.TS.NS() - y.TS.NS()) })
		c.report(reader.ID, reads)
	}
}

// pass reads a tag about eight times a second while it is within 2 m of an antenna, stronger the nearer it is. One pass in
// eight is not heard at all.
func (c *crowd) pass(p *person, centre fusion.Point, hear func(time.Duration, float64)) {
	if c.chance(0.12 * min(1, c.noise)) {
		return
	}
	last := p.walks[len(p.walks)-1].to
	for t := p.walks[0].from; t <= min(last, c.end); t += c.pause(60, 190) {
		if where, _, ok := p.at(t); ok && apart(where, centre) < 2 {
			hear(t, -46-float64(8*apart(where, centre))+float64(1.5*c.noise*c.normal()))
		}
	}
}

func (c *crowd) pause(low, high int) time.Duration {
	return time.Duration(low+c.IntN(high-low)) * time.Millisecond
}

// strays are tags that lie near an antenna: one of the store's goods, if any is tagged, and a foreign one.
func (c *crowd) strays() []string {
	all := []string{fmt.Sprintf("E28011%018X", c.Uint64())}
	for i := range c.store.Products {
		if g := &c.store.Products[i]; g.Tagged {
			if epc, ok := sgtin96(g.SKU, c.Uint64N(1<<38)); ok {
				return append(all, epc)
			}
		}
	}
	return all
}

// report sends a reader's reads one by one, or gathered over at most 200 ms.
func (c *crowd) report(reader string, reads []message.TimedRead) {
	gather := c.chance(0.5)
	for len(reads) > 0 {
		n := 1
		for gather && n < len(reads) && reads[n].TS.NS()-reads[0].TS.NS() < 200e6 {
			n++
		}
		some := reads[:n:n]
		reads = reads[n:]
		c.out = append(c.out, emission{ts: time.Duration(some[0].TS.NS() - c.start), kind: fusion.RFID, source: reader,
			message: func(h message.Head) any {
				if n == 1 {
					return message.RFID{Head: h, Read: &some[0].Read}
				}
				return message.RFID{Head: h, Reads: some}
			}})
	}
}

// sgtin96 is the tag of one unit in hex: SGTIN-96 with filter 1 and a company prefix of seven digits (GS1 EPC Tag Data
// Standard 2.0, 14.6.1). serial is below 2^38.
func sgtin96(gtin14 string, serial uint64) (string, bool) {
	if len(gtin14) != 14 {
		return "", false
	}
	digits := func(s string) (n uint64) {
		for _, d := range s {
			if d < '0' || d > '9' {
				return math.MaxUint64
			}
			n = 10*n + uint64(d-'0')
		}
		return n
	}
	company, item := digits(gtin14[1:8]), digits(gtin14[:1]+gtin14[8:13])
	if company == math.MaxUint64 || item == math.MaxUint64 {
		return "", false
	}
	// Header 8, filter 3, partition 3, company 24, item 20, serial 38 bits.
	high := 0x30<<56 | 1<<53 | 5<<50 | company<<26 | item<<6 | serial>>32
	return fmt.Sprintf("%016X%08X", high, serial&0xFFFFFFFF), true
}
