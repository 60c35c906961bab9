package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// antenna names one of a reader.
type antenna struct{ reader, port int }

// ear is a reader.
type ear struct {
	id     string
	index  int
	ports  []port
	strays []stray
	reads  []message.TimedRead // not yet reported
	oldest time.Duration
	gather bool
}

// port is one antenna and where it hangs.
type port struct {
	number int
	at     fusion.Point
}

// stray is a tag that lies near an antenna for good.
type stray struct {
	epc  string
	port int
	rate float64 // reads/s
	rssi float64
	at   fusion.Point
}

// loose is a tag that somebody left.
type loose struct {
	epc  string
	at   fusion.Point
	fade map[antenna]*fade
}

// fade is how a tag comes in at an antenna.
type fade struct {
	heard bool // in this pass
	last  time.Duration
	path  float64 // of the air, in standard deviations
}

const (
	hearing = 2.5 // metres
	passes  = 5 * time.Second
)

func (w *world) openEars() {
	for i := range w.store.Readers {
		r := &w.store.Readers[i]
		e := &ear{id: r.ID, index: i, gather: w.noise.chance(0.5)}
		var numbers []int
		for n := range r.Antennas {
			numbers = append(numbers, n)
		}
		slices.Sort(numbers)
		for k, n := range numbers {
			z := &w.store.Zones[r.Antennas[n]]
			at := middle(z.Polygon)
			if len(numbers) > 1 && len(z.Out) == 2 { // one behind the other on the way out
				out := beyond(z, 0)
				share := float64(k)/float64(len(numbers)-1) - 0.3
				at = fusion.Point{X: at.X + float64((out.X-at.X)*share), Y: at.Y + float64((out.Y-at.Y)*share)}
			}
			e.ports = append(e.ports, port{n, at})
		}
		exit := slices.ContainsFunc(numbers, func(n int) bool { return w.store.Zones[r.Antennas[n]].Kind == fusion.Exit })
		for k := 0; exit && k < int(w.m.strays*w.noise.between(0.5, 1.5)); k++ {
			p := w.noise.IntN(len(e.ports))
			s := stray{port: p, rate: min(2, float64(w.m.strayRate*math.Exp2(w.noise.between(-2, 2)))), rssi: w.noise.between(-70, -60),
				at: fusion.Point{X: e.ports[p].at.X + w.noise.between(-2, 2), Y: e.ports[p].at.Y + w.noise.between(-2, 2)}}
			s.epc = fmt.Sprintf("E28011%018X", w.noise.Uint64())
			if product := w.noise.IntN(len(w.store.Products)); w.store.Products[product].Tagged && w.noise.chance(0.7) {
				s.epc, _ = sgtin96(w.store.Products[product].SKU, w.noise.Uint64N(1<<38))
			}
			e.strays = append(e.strays, s)
		}
		w.ears = append(w.ears, e)
	}
}

// tagNear is a tag in the field of an antenna.
type tagNear struct {
	epc   string
	d     float64
	fade  *fade
	cover cover
	still bool
}

// listen makes the reads of this tick.
func (w *world) listen() {
	for _, e := range w.ears {
		for k := range e.ports {
			w.inventory(e, k)
		}
		if len(e.reads) > 0 && (!e.gather || w.now-e.oldest >= 200*time.Millisecond) {
			w.report(e)
		}
	}
}

func (w *world) inventory(e *ear, k int) {
	p := e.ports[k]
	key := antenna{e.index, k}
	var near []tagNear
	someone := false
	for _, s := range w.inside {
		d := apart(s.here, p.at)
		if d > hearing {
			continue
		}
		someone = someone || d < 1.2
		for _, u := range s.held {
			if u.epc == "" {
				continue
			}
			if u.fade == nil {
				u.fade = map[antenna]*fade{}
			}
			near = append(near, tagNear{u.epc, d, w.passing(u.fade, key, u.cover), u.cover, false})
		}
	}
	for i := range w.loose {
		if l := &w.loose[i]; apart(l.at, p.at) < hearing {
			near = append(near, tagNear{l.epc, apart(l.at, p.at), w.passing(l.fade, key, openly), openly, true})
		}
	}
	rate := min(w.m.readRate, w.m.readBudget/float64(max(1, len(near))))
	for _, t := range near {
		if !t.fade.heard || !w.noise.chance(rate*tick.Seconds()*max(0, 1-t.d/(hearing+0.5))) {
			continue
		}
		sd := w.m.moving
		if t.still {
			sd = 0.5
		}
		t.fade.path = float64(0.8*t.fade.path) + float64(0.6*w.noise.normal())
		rssi := -44 - float64(8*t.d) + float64(sd*t.fade.path)
		if t.cover != openly {
			rssi -= 5
		}
		w.hears(e, p.number, t.epc, rssi)
	}
	for _, s := range e.strays {
		if s.port != k || !w.noise.chance(s.rate*tick.Seconds()) {
			continue
		}
		sd := w.m.still
		if someone {
			sd *= 2
		}
		w.hears(e, p.number, s.epc, s.rssi+float64(sd*w.noise.normal()))
	}
}

// passing is how a tag comes in: whether it is heard at all is drawn once for each pass.
func (w *world) passing(all map[antenna]*fade, key antenna, c cover) *fade {
	f := all[key]
	if f == nil || w.now-f.last > passes {
		p := 1 - w.m.never
		switch c {
		case underClothes:
			p = w.m.cloth
		case inBag:
			p = w.m.inBag
		case inFoil:
			p = w.m.foil
		}
		f = &fade{heard: w.noise.chance(p), path: w.noise.normal()}
		all[key] = f
	}
	f.last = w.now
	return f
}

// hears adds a read, on one of sixteen channels, each of which the air carries in its own way.
func (w *world) hears(e *ear, number int, epc string, rssi float64) {
	channel := w.noise.IntN(16)
	rssi += float64(w.m.channel * (float64(channel*7%16)/7.5 - 1))
	mhz := centimetres(865.7 + float64(float64(channel)*0.15))
	at := w.now + time.Duration(w.noise.IntN(100))*time.Millisecond
	if len(e.reads) == 0 {
		e.oldest = w.now
	}
	e.reads = append(e.reads, message.TimedRead{TS: message.At(w.start + int64(at)),
		Read: message.Read{EPC: epc, Antenna: number, RSSI: math.Round(rssi*2) / 2, Channel: &mhz}})
}

// report sends what a reader has read: in one message, or one for each.
func (w *world) report(e *ear) {
	reads := e.reads
	e.reads = nil
	slices.SortStableFunc(reads, func(x, y message.TimedRead) int { return int(x.TS.NS() - y.TS.NS()) })
	for len(reads) > 0 {
		n := 1
		if e.gather {
			n = len(reads)
		}
		some := reads[:n:n]
		reads = reads[n:]
		w.says(time.Duration(some[0].TS.NS()-w.start), fusion.RFID, e.id, func(h message.Head) any {
			if n == 1 {
				return message.RFID{Head: h, Read: &some[0].Read}
			}
			shift := h.TS.NS() - some[0].TS.NS() // by the reader's own clock
			own := make([]message.TimedRead, n)
			for i, r := range some {
				r.TS = message.At(r.TS.NS() + shift)
				own[i] = r
			}
			return message.RFID{Head: h, Reads: own}
		})
	}
}
