package sensors

import (
	"math"
	"strings"
)

// zebraIoTC reads what Zebra's fixed readers (FX7500, FX9600, FXR90, ATR7000) send by the IoT Connector: one event, or an
// array of them as its HTTP POST has it:
//
//	{"data":{"idHex":"aa0004ef55555555aa21bf43","peakRssi":-34,"antenna":4},"timestamp":"2026-08-13T09:14:28.651+0000","type":"CUSTOM"}
//
// type is the operating mode; the payload is the same in all of them. ANTENNA and RSSI must be in the mode's tagMetaData; of
// the rest PHASE (degrees), CHANNEL (MHz) and TID are used; numbers may stand in quotes, as a script on the reader may write them. eventNum counts by no documented rule and is left out. What has no
// tag and no operating mode, such as a heartbeat, is a sign of life.
func (d *Decoder) zebraIoTC(m *draft, payload []byte) *Rejection {
	return d.elements(payload, func() *Rejection { return d.zebraEvent(m) })
}

func (d *Decoder) zebraEvent(m *draft) *Rejection {
	c := &d.c
	var t tag
	var mode word
	at := 0
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "timestamp":
			return c.stamp(&t.ts)
		case "type":
			return c.word(&mode, wantText)
		case "data":
			if !c.null() {
				at = c.at
			}
		}
		return nil
	})
	if r != nil {
		return r
	}
	reads := false
	switch strings.ToUpper(mode.v) {
	case "SIMPLE", "INVENTORY", "PORTAL", "CONVEYOR", "CUSTOM", "DIRECTIONALITY":
		reads = true
	}
	if at == 0 {
		if mode.set && !reads {
			m.ts = t.ts
			return nil
		}
		return c.missing("data", "this is no event of Zebra's IoT Connector")
	}
	return c.later(at, "data", func() *Rejection {
		if r := d.zebraTag(&t, "idHex"); r != nil {
			return r
		}
		if !t.epc.set && mode.set && !reads {
			m.ts = t.ts
			return nil
		}
		t.phase.v = float64(t.phase.v * math.Pi / 180)
		return d.addTag(m, &t, tagWords{"timestamp", "idHex", "antenna", "peakRssi", "add ANTENNA and RSSI to the operating mode's tagMetaData"})
	})
}

// zebraTag reads the members that the tags of Zebra's own payloads share; phase as it is written.
func (d *Decoder) zebraTag(t *tag, id string) *Rejection {
	c := &d.c
	var spare, tid word
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case id:
			return c.epc(&t.epc)
		case "EPC": // a handheld says the same twice; the IoT Connector means the memory bank, with more than the EPC
			if id == "EPCid" {
				return c.epc(&spare)
			}
		case "TID":
			return c.hexadecimal(&tid, wantEPC) // checked, and not used yet
		case "antenna":
			return c.quotedInteger(&t.antenna, 0, 1<<16, "the number of an antenna")
		case "peakRssi":
			return c.quoted(&t.rssi, -150, 30, wantRSSI)
		case "phase":
			return c.quoted(&t.phase, -360, 360, "degrees, a number from -360 to 360")
		case "channel":
			return c.quoted(&t.channel, 1, 10_000, wantMHz)
		}
		return nil
	})
	if !t.epc.set {
		t.epc = spare
	}
	return r
}

// onlyAntenna is the antenna of a reader that has one, for payloads that name none.
func (d *Decoder) onlyAntenna(source int) (antenna integer) {
	if of := d.antennas[source]; len(of) == 1 {
		for n := range of {
			return integer{int64(n), true}
		}
	}
	return antenna
}
