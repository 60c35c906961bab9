package sensors

import (
	"time"

	"magpie/fusion"
)

// smartReader reads what the SmartReader app for Impinj's R700 sends:
//
//	{"readerName":"impinj00162513F90B","mac":"00:16:25:13:F9:0B","site":"Main Warehouse","tag_reads":[
//	 {"epc":"E28011606000020934D6FAF7","firstSeenTimestamp":1706119203123456,"antennaPort":1,"antennaZone":"TOPSHELF",
//	  "peakRssi":-51.25,"txPower":28.5,"frequency":920625,"rfPhase":37.5,"tid":"E2003412012345678900"}]}
//
// Times are microseconds since 1970, frequency kHz; rfPhase has no documented unit and is left out. A heartbeat is a read of
// the EPC "*****". Of the management events smartreader-mqtt-status (connected, disconnected: also the will) is a status; the
// others, which have smartreader-status, eventType or status, are signs of life.
func (d *Decoder) smartReader(m *draft, payload []byte) *Rejection {
	return d.elements(payload, func() *Rejection { return d.smartEvent(m) })
}

func (d *Decoder) smartEvent(m *draft) *Rejection {
	c := &d.c
	var connection word
	reads, known := false, false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "smartreader-mqtt-status":
			return c.word(&connection, wantText)
		case "smartreader-status", "eventType", "status":
			known = true
		case "timestamp":
			if b := c.text[c.at]; b >= '0' && b <= '9' { // management events; some have it as text in another form
				return c.since1970(&m.ts, time.Microsecond, wantMicros)
			}
		case "tag_reads":
			if c.null() {
				return nil
			}
			reads = true
			return c.each(func() *Rejection { return d.smartRead(m) })
		}
		return nil
	})
	switch {
	case r != nil || reads:
		return r
	case connection.v == "connected":
		m.state = fusion.Online
		return nil
	case connection.v == "disconnected":
		m.state = fusion.Offline
		return nil
	case connection.set || known:
		return nil
	}
	return c.missing("tag_reads", "this is no event of SmartReader")
}

func (d *Decoder) smartRead(m *draft) *Rejection {
	c := &d.c
	var t tag
	var khz number
	var tid word
	alive := false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "epc":
			if b := c.text[c.at:]; len(b) > 1 && b[0] == '"' && b[1] == '*' {
				alive = true
				return nil
			}
			return c.epc(&t.epc)
		case "tid":
			return c.hexadecimal(&tid, wantEPC) // checked, and not used yet
		case "firstSeenTimestamp":
			return c.since1970(&t.ts, time.Microsecond, wantMicros)
		case "antennaPort":
			return c.quotedInteger(&t.antenna, 0, 1<<16, "the number of an antenna")
		case "peakRssi":
			return c.quoted(&t.rssi, -150, 30, wantRSSI)
		case "frequency":
			return c.quoted(&khz, 0, 10_000_000, wantKHz)
		}
		return nil
	})
	if r != nil {
		return r
	}
	if alive {
		m.ts = t.ts
		return nil
	}
	t.channel = number{float64(khz.v / 1000), khz.set}
	return d.addTag(m, &t, tagWords{"firstSeenTimestamp", "epc", "antennaPort", "peakRssi", "switch it on in SmartReader's output settings"})
}

const wantMicros = "microseconds since 1970"
