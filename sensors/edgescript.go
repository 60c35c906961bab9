package sensors

import (
	"math"

	"magpie/fusion"
	"magpie/sensors/message"
)

// edgeScript reads what a plain script on a camera sends when it has noticed something, the same that POST /api/alerts takes:
//
//	{"type":"potential_theft","timestamp":"2026-11-22T10:00:00","position":[4.0,0.5],"objects":["person","bottle"]}
//
// type names the signal, whose state is true. timestamp is RFC 3339, a time without a zone (the store's), milliseconds since 1970,
// or seconds with a fraction (Python's time.time()): numbers below 10^11 are seconds, which as milliseconds would lie in 1973.
// Nothing says what position is measured in or whose objects these are, so both are left to who reads the journal.
func (d *Decoder) edgeScript(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	var what word
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "type":
			return c.word(&what, wantText)
		case "timestamp":
			return d.scriptTime(&m.ts, m.Received)
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case !what.set:
		return c.missing("type", "it names the signal")
	case m.ts.IsZero():
		return c.missing("timestamp", `give RFC 3339, or "arrival" where the device has no clock`)
	}
	d.add(m, m.ts, fusion.Event{Zone: -1, Name: what.v, On: true})
	return nil
}

// ScriptTime reads the time that a post to /api/alerts gives, one JSON value as edge-script takes it: no value and null are the
// arrival. The error is a *Rejection.
func (d *Decoder) ScriptTime(value []byte, received int64) (message.Time, error) {
	var ts message.Time
	if len(value) > 0 {
		d.c.reset(value)
		if r := d.scriptTime(&ts, received); r != nil {
			return ts, r
		}
	}
	if ts.IsZero() {
		ts = message.Arrival()
	}
	return ts, nil
}

func (d *Decoder) scriptTime(into *message.Time, received int64) *Rejection {
	c := &d.c
	from := c.at
	switch c.text[c.at] {
	case '"':
		c.skip()
		if text := string(c.text[from:c.at]); text == `"arrival"` {
			*into = message.Arrival()
			return nil
		}
		c.at = from
		return d.localTime(into, received)
	case 'n':
		c.null()
		return nil
	}
	var n number
	if r := c.number(&n, "a time"); r != nil {
		return r
	}
	seconds := n.v
	if seconds >= 1e11 {
		seconds /= 1000
	}
	if seconds < 1e8 || seconds > 9e9 {
		return c.reject(CodeRange, "is %s, which is no time near ours: set the device's clock", clip(c.text[from:c.at]))
	}
	whole := math.Floor(seconds)
	*into = message.At(int64(whole)*1e9 + int64(math.Round(float64((seconds-whole)*1e6)))*1e3)
	return nil
}
