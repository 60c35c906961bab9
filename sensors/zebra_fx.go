package sensors

import (
	"bytes"

	"magpie/sensors/message"
)

// zebraFX reads what the older firmware of Zebra's FX7500 and FX9600 posts, as a bridge brings it to MQTT:
//
//	{"reader_name":"FX9600F05EC9 FX9600 RFID Reader","mac_address":"84:24:8D:F0:5E:C9","tag_reads":[
//	 {"epc":"000000000000000000003442","pc":"3000","antennaPort":"3","peakRssi":"-72","seenCount":"1",
//	  "timeStamp":"22/5/2020 22:4:0:111","phase":"0.00","channelIndex":"34"}]}
//
// Every number is a string. timeStamp is the reader's local time, the day first, without zeros before a digit and with
// milliseconds last; it is taken in the store's time zone. channelIndex is a place in a table that the payload does not have,
// and phase has no documented unit: both are left out.
func (d *Decoder) zebraFX(m *draft, payload []byte) *Rejection {
	return d.elements(payload, func() *Rejection { return d.tagReads(m, d.fxRead) })
}

// tagReads reads an object with tag_reads, an array of what read reads, or a single one.
func (d *Decoder) tagReads(m *draft, read func(m *draft) *Rejection) *Rejection {
	c := &d.c
	given := false
	r := c.object(func(name []byte) *Rejection {
		if string(name) != "tag_reads" || c.null() {
			return nil
		}
		given = true
		return c.each(func() *Rejection { return read(m) })
	})
	if r == nil && !given {
		return c.missing("tag_reads", "give the tags that were read, an empty array where there are none")
	}
	return r
}

func (d *Decoder) fxRead(m *draft) *Rejection {
	c := &d.c
	var t tag
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "epc":
			return c.epc(&t.epc)
		case "antennaPort":
			return c.quotedInteger(&t.antenna, 0, 1<<16, "the number of an antenna")
		case "peakRssi":
			return c.quoted(&t.rssi, -150, 30, wantRSSI)
		case "timeStamp":
			return d.dayFirst(&t.ts, m.Received)
		}
		return nil
	})
	if r != nil {
		return r
	}
	return d.addTag(m, &t, tagWords{"timeStamp", "epc", "antennaPort", "peakRssi", "switch it on in the reader's tag report"})
}

// dayFirst reads a local time as 22/5/2020 22:4:0:111, the last the milliseconds.
func (d *Decoder) dayFirst(into *message.Time, received int64) *Rejection {
	c := &d.c
	text, r := c.bytes("a time such as 22/5/2020 22:4:0:111")
	if r != nil || len(text) == 0 {
		return r
	}
	ns, ok := d.slashed(text, false, received)
	if !ok {
		return c.reject(CodeType, "is %q: a local time such as 22/5/2020 22:4:0:111, the day first, is wanted", clip(bytes.ToValidUTF8(text, nil)))
	}
	return c.near(into, ns, text)
}
