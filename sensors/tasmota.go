package sensors

import (
	"bytes"
	"strings"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// tasmota reads a scale of Tasmota: an HX711 amplifier on its load cells.
//
//	tele/<topic>/SENSOR    {"Time":"2022-06-11T10:58:18","HX711":{"Weight":0,"WeightRaw":4782,"AbsRaw":110004}}
//	stat/<topic>/STATUS10  {"StatusSNS":{"Time":"2022-06-11T10:58:18","HX711":{…}}}
//	tele/<topic>/LWT       Online or Offline, retained
//	tele/<topic>/STATE     signs of life
//
// Time is local, without a zone (SetOption52 1 adds the offset), and cut to the second: a scale wants a lateness of 2 s. Of what is sent within
// one second the order is that of the arrivals; what says the very same twice within it counts once.
// WeightRaw, the whole load in grams by the calibration, is taken: it stays when the auto-tare sets Weight, in kg, to 0, and
// after a power loss, when Weight begins from a new zero. Firmware that has no WeightRaw (before 8.0) gives Weight. The
// entry's unit is for a scale that is calibrated in another unit.
//
// A new zero is passed on as it is, since only who knows what lay there before can tell it from a pick: Offline (the will)
// makes a hole in what the core knows of the plate, and so do silence and a load of nothing at once after it; what it weighs
// then is a new beginning. Set TelePeriod to 10, and Sensor34 8 1 for a message at each change.
func (d *Decoder) tasmota(m *draft, payload []byte) *Rejection {
	switch text := string(bytes.TrimSpace(payload)); text {
	case "Online":
		m.liveness(message.Arrival(), fusion.Online)
		return nil
	case "Offline":
		m.liveness(message.Arrival(), fusion.Offline)
		return nil
	}
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	var s tasmotaSensor
	r := c.object(func(name []byte) *Rejection {
		if string(name) == "StatusSNS" {
			return c.object(func(name []byte) *Rejection { return d.tasmotaMember(m, name, &s) })
		}
		return d.tasmotaMember(m, name, &s)
	})
	switch {
	case r != nil:
		return r
	case !s.scale:
		if level := m.topic[strings.LastIndexByte(m.topic, '/')+1:]; level == "SENSOR" || level == "STATUS10" {
			return c.missing("HX711", "this device has no scale that works: see to its wiring and its module, or name another topic")
		}
		return nil // STATE, INFO1, …
	case s.ts.IsZero():
		return c.missing("Time", "without the time nobody can tell what came first")
	}
	per, _ := gramsPer(m.entry.Unit)
	value, name := s.raw, "WeightRaw"
	if !value.set {
		value, name = s.weight, "Weight"
	}
	switch {
	case !value.set:
		return c.missing("HX711/WeightRaw", "give the load that no tare changes")
	case per == 0 && name == "WeightRaw":
		per = 1
	case per == 0:
		per = 1000
	}
	m.ts = withinSecond(s.ts, m.Received)
	c.path = append(c.path, step{name: []byte("HX711")}, step{name: []byte(name)})
	return d.load(m, m.ts, value.v, per)
}

// withinSecond places a time that is cut to the second within that second, by when its message arrived: what arrived later is later, and what arrived in that very second
// is there where it arrived, to a twentieth. What was sent in another second, since it took so long or the clock is off, is at that end of it.
func withinSecond(ts message.Time, received int64) message.Time {
	const end = 0.05 // of the second, for what arrived before it, or after
	ns, second := ts.NS(), int64(time.Second)
	if ns%second != 0 {
		return ts
	}
	x := float64(received-ns) / float64(second)
	switch {
	case x < 0:
		x = end / (1 - x)
	case x < 1:
		x = end + float64((1-2*end)*x)
	default:
		x = 1 - end/x
	}
	return message.At(ns + min(second-1, int64(x*float64(second))))
}

// tasmotaSensor is what the scale's own part of a message says.
type tasmotaSensor struct {
	ts          message.Time
	scale       bool
	raw, weight number
}

func (d *Decoder) tasmotaMember(m *draft, name []byte, s *tasmotaSensor) *Rejection {
	c := &d.c
	switch string(name) {
	case "Time":
		return d.localTime(&s.ts, m.Received)
	case "HX711":
		s.scale = true
		return c.object(func(name []byte) *Rejection {
			switch string(name) {
			case "WeightRaw":
				return c.number(&s.raw, "a number")
			case "Weight":
				return c.number(&s.weight, "a number")
			}
			return nil
		})
	}
	return nil
}
