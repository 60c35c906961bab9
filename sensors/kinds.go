package sensors

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"magpie/fusion"
	"magpie/sensors/message"
)

// What the values of members may be, in the words of a rejection.
const (
	wantText  = "a string in quotes"
	wantProb  = "a number from 0 to 1"
	wantEPC   = "a string of hex digits"
	wantRSSI  = "dBm, a number from -150 to 30"
	wantPhase = "radians, a number from -7 to 7"
	wantKHz   = "kHz, a number from 1000 to 10000000"
	wantMHz   = "MHz, a number from 1 to 10000"
	wantGrams = "grams, a number from -1000000 to 1000000"
	wantMoney = "an amount in the store's currency, at most 10000000"
	wantMetre = "metres, a number from -100000 to 100000"
)

// tag is a read before it is an event. Its EPC may be any that a tag can hold (496 bits), of whatever scheme.
type tag struct {
	ts                   message.Time
	epc                  word
	antenna              integer
	rssi, phase, channel number
}

func (d *Decoder) tagMember(name []byte, t *tag) *Rejection {
	c := &d.c
	switch string(name) {
	case "epc":
		return c.epc(&t.epc)
	case "antenna":
		return c.integer(&t.antenna, 0, 1<<16, "the number of an antenna")
	case "rssi":
		return c.within(&t.rssi, -150, 30, wantRSSI)
	case "phase":
		return c.within(&t.phase, -7, 7, wantPhase)
	case "channel":
		return c.within(&t.channel, 1, 10_000, wantMHz)
	case "tid":
		var tid word // checked, and not used yet
		return c.hexadecimal(&tid, wantEPC)
	}
	return nil
}

// tagWords are a payload's own names for what a read needs, and how a reader is made to send them.
type tagWords struct{ ts, epc, antenna, rssi, how string }

func canonicalWords() tagWords {
	return tagWords{"ts", "epc", "antenna", "rssi", "switch it on in the reader's settings"}
}

// addTag adds a read that has all it needs.
func (d *Decoder) addTag(m *draft, t *tag, say tagWords) *Rejection {
	c := &d.c
	switch {
	case t.ts.IsZero() && say.ts == "ts":
		return c.missing("ts", `give RFC 3339, milliseconds since 1970, or "arrival" where the reader has no clock`)
	case t.ts.IsZero():
		return c.missing(say.ts, "without the time nobody can tell what came first; "+say.how)
	case !t.epc.set:
		return c.missing(say.epc, "give the tag's EPC")
	case !t.antenna.set:
		return c.missing(say.antenna, "give the number of the antenna; "+say.how)
	case !t.rssi.set:
		return c.missing(say.rssi, "without the strength nobody can tell where a tag is; "+say.how)
	}
	if _, ok := d.antennas[m.Source][int(t.antenna.v)]; !ok {
		return &Rejection{Code: CodeUnknownAntenna, Path: c.pointer(say.antenna),
			Reason: fmt.Sprintf("the site file has no antenna %d at reader %q: add it", t.antenna.v, d.store.Sources[m.Source].ID)}
	}
	if r := crowded(m); r != nil {
		return r
	}
	d.add(m, t.ts, fusion.Event{Zone: -1, ID: t.epc.v, Antenna: int(t.antenna.v), RSSI: t.rssi.v, Phase: t.phase.v, Channel: t.channel.v})
	return nil
}

// crowded rejects a message that makes more of its bytes than its readings can need, so that no message costs more than ten
// times its size.
func crowded(m *draft) *Rejection {
	const size, spare = int(unsafe.Sizeof(fusion.Event{})), 2 << 10
	if n := len(m.Events) + 1; n*size > 9*m.size+spare {
		return &Rejection{Code: CodeTooBig, Reason: fmt.Sprintf("the payload makes %d readings or more out of %d bytes: send fewer in a message", n, m.size)}
	}
	return nil
}

func (d *Decoder) rfid(m *draft) *Rejection {
	var one tag
	reads := false
	r := d.c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "ts", "seq", "boot":
			return d.head(m, name)
		case "reads":
		default:
			return d.tagMember(name, &one)
		}
		if d.c.null() {
			return nil
		}
		reads = true
		return d.c.array(func(int) *Rejection {
			var t tag
			r := d.c.object(func(name []byte) *Rejection {
				if string(name) == "ts" {
					return d.c.time(&t.ts)
				}
				return d.tagMember(name, &t)
			})
			if r != nil {
				return r
			}
			return d.addTag(m, &t, canonicalWords())
		})
	})
	if r != nil || reads {
		return r
	}
	one.ts = m.ts
	return d.addTag(m, &one, canonicalWords())
}

// maxSamples bounds what one message may hold of what is short in bytes and long as an event: samples of a plate, tracks lost.
const maxSamples = 1000

func (d *Decoder) weight(m *draft) *Rejection {
	c := &d.c
	d.grams = d.grams[:0]
	var given, many bool
	var rate number
	var mode []byte
	sample := func() *Rejection {
		var g number
		if c.text[c.at] == 'n' {
			return c.wrong(wantGrams)
		}
		if r := c.within(&g, -1e6, 1e6, wantGrams); r != nil {
			return r
		}
		if len(d.grams) == maxSamples {
			return &Rejection{Code: CodeTooBig, Path: "/grams", Reason: fmt.Sprintf("grams has more than %d samples: send shorter arrays", maxSamples)}
		}
		d.grams, given = append(d.grams, g.v), true
		return nil
	}
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "grams":
			d.grams, many, given = d.grams[:0], false, false // of two members of one name the last counts
			switch c.text[c.at] {
			case 'n':
				c.null()
				return nil
			case '[':
				many, given = true, true
				return c.array(func(int) *Rejection { return sample() })
			}
			return sample()
		case "rate":
			return c.within(&rate, 0.01, 100_000, "samples a second, a number from 0.01 to 100000")
		case "mode":
			return c.term(&mode, wantText)
		}
		return d.head(m, name)
	})
	switch {
	case r != nil:
		return r
	case !given:
		return c.missing("grams", "give the absolute untared load")
	case m.ts.IsZero():
		return c.missing("ts", `give RFC 3339, milliseconds since 1970, or "arrival" where the scale has no clock`)
	case mode != nil && string(mode) != "change":
		return &Rejection{Code: CodeRange, Path: "/mode", Reason: fmt.Sprintf("mode is %q: leave it out, or write \"change\"", mode)}
	case many && len(d.grams) == 0:
		return &Rejection{Code: CodeRange, Path: "/grams", Reason: "grams is an empty array: give at least one sample"}
	case len(d.grams) > 1 && !rate.set:
		return c.missing("rate", "an array of samples needs the samples a second")
	}
	return d.samples(m, d.grams, rate.v, mode != nil)
}

// samples adds the samples of a plate, which lie 1/rate seconds apart from ts on.
func (d *Decoder) samples(m *draft, grams []float64, rate float64, change bool) *Rejection {
	place := func(i int) int64 {
		if i == 0 {
			return 0
		}
		return int64(math.Round(float64(i) * 1e9 / rate))
	}
	span, most := place(len(grams)-1), max(maxSpan, d.store.Sources[m.Source].Lateness)
	if span > most {
		return &Rejection{Code: CodeRange, Path: "/grams", Reason: fmt.Sprintf("grams spans %d ms: at most %d ms are allowed, send shorter arrays", span/1e6, most/1e6)}
	}
	start := m.ts.NS()
	if m.ts.IsArrival() {
		start = m.Received - span // the newest sample is the one that arrives now
	}
	m.Events = slices.Grow(m.Events, len(grams))
	for i, g := range grams {
		d.add(m, m.ts, fusion.Event{Zone: -1, Grams: g, Change: change})
		m.Events[len(m.Events)-1].TS = start + place(i)
	}
	return nil
}

func (d *Decoder) region(m *draft) *Rejection {
	c := &d.c
	var object, class, zone word
	var action []byte
	var conf number
	var count integer
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "object":
			return c.word(&object, wantText)
		case "class":
			return c.word(&class, wantText)
		case "action":
			return c.term(&action, wantText)
		case "zone":
			return c.word(&zone, wantText)
		case "conf":
			return c.within(&conf, 0, 1, wantProb)
		case "count":
			return c.integer(&count, 1, 1000, "how many of the object, 1 to 1000")
		}
		return d.head(m, name)
	})
	if r != nil {
		return r
	}
	e := fusion.Event{ID: object.v, Name: class.v, Zone: d.store.ZoneIndex(zone.v), Conf: 1, Qty: float64(count.v)}
	if conf.set {
		e.Conf = conf.v
	}
	switch string(action) {
	case "enter":
		e.Action = fusion.Enter
	case "exit":
		e.Action = fusion.Leave
	case "cross":
		e.Action = fusion.Cross
	}
	switch {
	case !object.set:
		return c.missing("object", "give the device's id of what it saw")
	case !class.set:
		return c.missing("class", "give what it saw, such as person")
	case action == nil:
		return c.missing("action", "give enter, exit or cross")
	case e.Action == fusion.NoAction:
		return &Rejection{Code: CodeRange, Path: "/action", Reason: fmt.Sprintf("action is %q: enter, exit or cross is wanted", action)}
	case !zone.set:
		return c.missing("zone", "give a zone's id of the site file")
	case e.Zone < 0:
		return &Rejection{Code: CodeRange, Path: "/zone", Reason: fmt.Sprintf("the site file has no zone %q: add it, or name one of its zones in the device", zone.v)}
	}
	return d.one(m, &e)
}

func (d *Decoder) gate(m *draft) *Rejection {
	c := &d.c
	var alarm flag
	var direction []byte
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "alarm":
			return c.flag(&alarm)
		case "direction":
			return c.term(&direction, wantText)
		}
		return d.head(m, name)
	})
	e := fusion.Event{Zone: -1, On: alarm.v}
	switch string(direction) {
	case "in":
		e.Action = fusion.In
	case "out":
		e.Action = fusion.Out
	}
	switch {
	case r != nil:
		return r
	case !alarm.set:
		return c.missing("alarm", "give true or false")
	case direction != nil && e.Action == fusion.NoAction:
		return &Rejection{Code: CodeRange, Path: "/direction", Reason: fmt.Sprintf("direction is %q: in or out is wanted", direction)}
	}
	return d.one(m, &e)
}

// count reads a people counter. Running totals make an event with Action Other: only who sees the ones before can tell
// how many people they are.
func (d *Decoder) count(m *draft) *Rejection {
	c := &d.c
	var in, out, totalIn, totalOut integer
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "in":
			return c.integer(&in, 0, 1e6, "a number of people from 0 to 1000000")
		case "out":
			return c.integer(&out, 0, 1e6, "a number of people from 0 to 1000000")
		case "total_in":
			return c.integer(&totalIn, 0, maxSeq, "a number of people, not negative")
		case "total_out":
			return c.integer(&totalOut, 0, maxSeq, "a number of people, not negative")
		}
		return d.head(m, name)
	})
	const both = "give in and out, or total_in and total_out"
	switch totals := totalIn.set || totalOut.set; {
	case r != nil:
		return r
	case in.set && out.set:
		return d.one(m, &fusion.Event{Zone: -1, Qty: float64(in.v), QtyOut: float64(out.v)})
	case totalIn.set && totalOut.set:
		return d.one(m, &fusion.Event{Zone: -1, Action: fusion.Other, Qty: float64(totalIn.v), QtyOut: float64(totalOut.v)})
	case totals && totalIn.set:
		return c.missing("total_out", both)
	case totals:
		return c.missing("total_in", both)
	case in.set:
		return c.missing("out", both)
	}
	return c.missing("in", both)
}

func (d *Decoder) signal(m *draft) *Rejection {
	c := &d.c
	var what, object word
	state := flag{v: true} // a device that says no state says that it happened
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "name":
			return c.word(&what, wantText)
		case "state":
			return c.flag(&state)
		case "object":
			return c.word(&object, wantText)
		}
		return d.head(m, name)
	})
	switch {
	case r != nil:
		return r
	case !what.set:
		return c.missing("name", "give what happened, such as line, tamper, loiter, panic or input")
	}
	return d.one(m, &fusion.Event{Zone: -1, ID: object.v, Name: what.v, On: state.v})
}

func (d *Decoder) stock(m *draft) *Rejection {
	c := &d.c
	var sku, reason []byte
	var units number
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "sku":
			return c.term(&sku, wantText)
		case "units":
			return c.within(&units, 0, 1e9, "the units on hand, from 0 to 1000000000")
		case "reason":
			return c.term(&reason, wantText)
		}
		return d.head(m, name)
	})
	switch {
	case r != nil:
		return r
	case sku == nil:
		return c.missing("sku", "give the article's number")
	case !units.set:
		return c.missing("units", "give the units on hand in the store")
	}
	return d.one(m, &fusion.Event{Zone: -1, SKU: c.gtin14(sku), Name: stockReason(string(reason)), Qty: units.v})
}

func (d *Decoder) status(m *draft) *Rejection {
	c := &d.c
	var state []byte
	var model word
	every := number{v: 10}
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "state":
			return c.term(&state, wantText)
		case "model":
			return c.word(&model, wantText)
		case "every":
			return c.within(&every, 0.1, 86400, "seconds, a number from 0.1 to 86400")
		}
		return d.head(m, name)
	})
	e := fusion.Event{Zone: -1, Every: int64(math.Round(float64(every.v * 1e9))), Name: model.v}
	switch string(state) {
	case "online":
		e.Action = fusion.Online
	case "offline":
		e.Action = fusion.Offline
	case "degraded":
		e.Action = fusion.Degraded
	}
	switch {
	case r != nil:
		return r
	case state == nil:
		return c.missing("state", "give online, offline or degraded")
	case e.Action == fusion.NoAction:
		return &Rejection{Code: CodeRange, Path: "/state", Reason: fmt.Sprintf("state is %q: online, offline or degraded is wanted", state)}
	}
	return d.one(m, &e)
}

// stockReason returns the reason of a stock message when it is one that Magpie knows; any other is a count.
func stockReason(reason string) string {
	switch reason {
	case "inventory", "delivery", "transfer", "damaged", "admin":
		return reason
	}
	return ""
}
