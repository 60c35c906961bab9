package sensors

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"magpie/sensors/message"
)

// impinj reads what the R700 and R720 send from their IoT device interface: one event (MQTT), an array of them (webhook),
// or one a line (stream). A reader is set to send the members that it shall: epcHex or epc, antennaPort and peakRssiCdbm
// are needed. Other events, such as the start of an inventory, are signs of life. phaseAngle has no documented unit and is
// left out.
func (d *Decoder) impinj(m *draft, payload []byte) *Rejection {
	c := &d.c
	bad := valid(payload)
	if bad == nil {
		c.reset(payload)
		if c.text[c.at] == '[' {
			return c.array(func(int) *Rejection { return d.impinjEvent(m) })
		}
		return d.impinjEvent(m)
	}
	line := 0
	for text := range bytes.Lines(payload) {
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		if line == 0 && !json.Valid(text) {
			return bad // not a stream of lines, but one broken document
		}
		if r := valid(text); r != nil {
			return r
		}
		c.reset(text)
		c.path = append(c.path, step{index: line})
		if r := d.impinjEvent(m); r != nil {
			return r
		}
		line++
	}
	return nil
}

func (d *Decoder) impinjEvent(m *draft) *Rejection {
	c := &d.c
	var t tag
	var eventType word
	tagged := false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "timestamp":
			var at message.Time
			r := c.time(&at)
			if t.ts.IsZero() {
				t.ts = at
			}
			return r
		case "eventType":
			return c.word(&eventType, wantText)
		case "inventoryStatusEvent":
			eventType.set = true
		case "tagInventoryEvent":
			if c.null() {
				return nil
			}
			tagged = true
			return d.impinjTag(&t)
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case tagged:
		c.path = append(c.path, step{name: []byte("tagInventoryEvent")})
		r := d.addTag(m, &t, "epcHex", "antennaPort", "peakRssiCdbm")
		c.path = c.path[:len(c.path)-1]
		return r
	case !eventType.set:
		return c.missing("tagInventoryEvent", "this is no event of an Impinj reader")
	}
	m.ts = t.ts // without reads: a sign of life
	return nil
}

func (d *Decoder) impinjTag(t *tag) *Rejection {
	c := &d.c
	var plain word
	var cdbm, khz number
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "epcHex":
			return c.hexadecimal(&t.epc, wantEPC)
		case "epc":
			return d.base64url(&plain)
		case "antennaPort":
			return c.integer(&t.antenna, 0, 1<<16, "the number of an antenna")
		case "peakRssiCdbm":
			return c.within(&cdbm, -15_000, 3_000, "hundredths of dBm, a number from -15000 to 3000")
		case "frequency":
			return c.within(&khz, 1_000, 10_000_000, "kHz, a number from 1000 to 10000000")
		case "lastSeenTime": // when the tag was read; the event's own timestamp is when it was reported
			return c.time(&t.ts)
		}
		return nil
	})
	if !t.epc.set { // epcHex is preferred: an emulator's epc was seen to be another
		t.epc = plain
	}
	t.rssi = number{float64(cdbm.v / 100), cdbm.set}
	t.channel = number{float64(khz.v / 1000), khz.set}
	return r
}

// base64url reads an EPC's bytes, with or without padding.
func (d *Decoder) base64url(into *word) *Rejection {
	b, r := d.c.bytes("a string in base64url")
	if r != nil || len(b) == 0 {
		return r
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(string(b), "="))
	if err != nil || len(raw) == 0 {
		return d.c.reject(CodeType, "is %q: base64url is wanted", clip(b))
	}
	*into = word{d.c.keep(bytes.ToUpper(hex.AppendEncode(nil, raw))), true}
	return nil
}
