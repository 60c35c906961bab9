package sensors

import (
	"bytes"
	"math"
	"strconv"

	"magpie/fusion"
	"magpie/sensors/message"
)

// esphome reads a scale of ESPHome, one entry of the site file for each of its two topics:
//
//	<topic_prefix>/sensor/<object_id>/state   12.34     retained by default; nan while the sensor fails
//	<topic_prefix>/status                     online or offline, retained
//
// A state is plain text without time and unit: it counts from its arrival, and the entry says the unit. A retained delivery
// of it, which comes when Magpie connects, is of nobody knows when, and no reading: the next one is. nan, unavailable and
// unknown are a scale that lives and does not weigh. Send changes, and at least every 10 s (update_interval; a filter `or`
// of delta and throttle), since a plate that is silent for longer is a hole in what could be seen.
func (d *Decoder) esphome(m *draft, payload []byte) *Rejection {
	text := bytes.TrimSpace(payload)
	switch string(text) {
	case "online":
		m.liveness(message.Arrival(), fusion.Online)
		return nil
	case "offline":
		m.liveness(message.Arrival(), fusion.Offline)
		return nil
	case "nan", "NaN", "NAN", "unavailable", "unknown":
		m.liveness(message.Arrival(), fusion.Degraded)
		return nil
	}
	value, err := 0.0, strconv.ErrSyntax
	d.c.reset(text)
	if v, places, ok := d.c.decimal(); ok && d.c.at == len(text) {
		value, err = float64(v)/powers[places], nil
	} else if len(text) <= 64 {
		value, err = strconv.ParseFloat(string(text), 64)
	}
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return &Rejection{Code: CodeType, Reason: "the payload is " + strconv.Quote(string(bytes.ToValidUTF8(clip(text), nil))) +
			": a plain number is wanted, such as 12.34, or online and offline; name the topic of the sensor's state in the site file"}
	}
	if m.Retained {
		return nil
	}
	per, _ := gramsPer(m.entry.Unit)
	d.c.reset([]byte("0")) // for the words of an error
	m.ts = message.Arrival()
	return d.load(m, m.ts, value, per)
}
