package sensors

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"magpie/fusion"
	"magpie/sensors/message"
)

// impinj reads what the R700 and R720 send from their IoT device interface: one event (MQTT), an array of them (webhook),
// or one a line (stream):
//
//	{"timestamp":"2026-02-26T17:13:37.432087177Z","hostname":"impinj-14-46-36","eventType":"tagInventory",
//	 "tagInventoryEvent":{"epc":"ikUCJA==","antennaPort":3,"peakRssiCdbm":-7400,"frequency":866900,"transmitPowerCdbm":3150}}
//
// A reader is set to send the members that it shall: epcHex or epc (base64url), antennaPort and peakRssiCdbm are needed. The
// time of a read is its lastSeenTime, else the event's timestamp; phaseAngle has no documented unit and is left out. With
// hostname switched on, the id of the source may be "{payload.hostname}". An inventory that runs or stops is a status of the
// reader, every other event a sign of life.
func (d *Decoder) impinj(m *draft, payload []byte) *Rejection {
	return d.elements(payload, func() *Rejection { return d.impinjEvent(m) })
}

// elements calls read for the one value of a payload, for each element of its array, or for each of its lines.
func (d *Decoder) elements(payload []byte, read func() *Rejection) *Rejection {
	c := &d.c
	bad := valid(payload)
	if bad == nil {
		c.reset(payload)
		if c.text[c.at] == '[' {
			return c.array(func(int) *Rejection { return read() })
		}
		return read()
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
		if r := read(); r != nil {
			return r
		}
		line++
	}
	if line == 0 {
		return bad
	}
	return nil
}

func (d *Decoder) impinjEvent(m *draft) *Rejection {
	c := &d.c
	var t tag
	at, known := 0, false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "timestamp":
			return c.stamp(&t.ts)
		case "eventType":
			known = known || !c.null()
		case "tagInventoryEvent":
			if !c.null() {
				at = c.at
			}
		case "inventoryStatusEvent":
			known = true
			return d.impinjStatus(m)
		default:
			known = known || bytes.HasSuffix(name, []byte("Event"))
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case at > 0:
		return c.later(at, "tagInventoryEvent", func() *Rejection { return d.impinjTag(m, &t) })
	case !known:
		return c.missing("tagInventoryEvent", "this is no event of an Impinj reader")
	}
	m.ts = t.ts // without reads: a sign of life
	return nil
}

// impinjStatus reads {"inventoryStatus":"running"}; armed waits for a trigger, idle does not read.
func (d *Decoder) impinjStatus(m *draft) *Rejection {
	c := &d.c
	if c.null() {
		return nil
	}
	var status word
	r := c.object(func(name []byte) *Rejection {
		if string(name) == "inventoryStatus" {
			return c.word(&status, wantText)
		}
		return nil
	})
	switch status.v {
	case "running":
		m.state = fusion.Online
	case "armed", "idle":
		m.state = fusion.Degraded
	}
	return r
}

func (d *Decoder) impinjTag(m *draft, t *tag) *Rejection {
	c := &d.c
	var plain, tid word
	var cdbm, khz number
	var seen message.Time
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "epcHex":
			return c.epc(&t.epc)
		case "epc":
			return d.base64url(&plain)
		case "tidHex":
			return c.hexadecimal(&tid, wantEPC) // checked, and not used yet
		case "tid":
			return d.base64url(&tid)
		case "antennaPort":
			return c.quotedInteger(&t.antenna, 0, 1<<16, "the number of an antenna")
		case "peakRssiCdbm":
			return c.quoted(&cdbm, -15_000, 3_000, "hundredths of dBm, a number from -15000 to 3000")
		case "frequency":
			return c.quoted(&khz, 1_000, 10_000_000, wantKHz)
		case "lastSeenTime": // when the tag was read; the event's own timestamp is when it was reported
			return c.stamp(&seen)
		}
		return nil
	})
	if r != nil {
		return r
	}
	if !t.epc.set { // epcHex is preferred: an emulator's epc was seen to be another
		t.epc = plain
	}
	if !seen.IsZero() {
		t.ts = seen
	}
	t.rssi = number{float64(cdbm.v / 100), cdbm.set}
	t.channel = number{float64(khz.v / 1000), khz.set}
	return d.addTag(m, t, tagWords{"timestamp", "epcHex", "antennaPort", "peakRssiCdbm", "switch it on in the reader's settings"})
}

// base64url reads the bytes of an EPC or TID, with or without padding.
func (d *Decoder) base64url(into *word) *Rejection {
	b, r := d.c.bytes("a string in base64url")
	if r != nil || len(b) == 0 {
		return r
	}
	return d.decoded(into, b, base64.RawURLEncoding, "base64url")
}

// decoded makes hex of an EPC's bytes in base64.
func (d *Decoder) decoded(into *word, b []byte, encoding *base64.Encoding, name string) *Rejection {
	text := bytes.TrimRight(b, "=")
	var raw [maxString]byte
	n, err := encoding.Decode(raw[:], text)
	switch {
	case err != nil || n == 0:
		return d.c.reject(CodeType, "is %q: %s is wanted", clip(b), name)
	case 2*n > maxEPC:
		return d.c.reject(CodeRange, "has %d bytes: an EPC has at most %d", n, maxEPC/2)
	}
	const capitals = "0123456789ABCDEF"
	var hex [maxEPC]byte
	for i, x := range raw[:n] {
		hex[2*i], hex[2*i+1] = capitals[x>>4], capitals[x&15]
	}
	*into = word{d.c.keep(hex[:2*n]), true}
	return nil
}
