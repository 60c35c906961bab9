package sensors

import (
	"encoding/base64"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// edgexLLRP reads LLRP reports as EdgeX's device service device-rfid-llrp-go publishes them. The shape is from its
// repository, internal/llrp/testdata/roAccessReports/*.json for the report and internal/driver/device.go for the resources
// ROAccessReport and ReaderEventNotification; around it from go-mod-core-contracts (dtos/event.go, dtos/reading.go,
// dtos/requests/event.go) and go-mod-messaging (pkg/types/message_envelope.go):
//
//	{"TagReportData":[{"EPCData":{"EPCNumBits":0,"EPC":null},"EPC96":{"EPC":"MBQwpVwKxAAAAAAB"},"AntennaID":1,"PeakRSSI":-63,
//	  "FirstSeenUTC":1594100642101870,"LastSeenUTC":null, …}],"RFSurveyReportData":null,"Custom":null}
//
// bare, or as objectValue (in old versions as text in value) of a reading in an event's readings, the event in an add-event
// request (event), that in a message envelope (payload, as JSON or in base64). EPCs are base64, times microseconds since
// 1970, PeakRSSI dBm. The time of a read is LastSeenUTC, else FirstSeenUTC, else the reading's origin, which is when the
// device service had the report; ChannelIndex is a place in a table that the report does not have, and is left out. A
// reader's events are statuses (connected, closed, an antenna lost or back) or signs of life.
func (d *Decoder) edgexLLRP(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	d.c.reset(payload)
	return d.edgex(m, message.Time{}, inEnvelope)
}

// How deep in EdgeX's wrappings a value is; each holds the next, any may be left out.
const (
	inEnvelope = iota
	inRequest
	inEvent
	inReading
	inReport
)

func (d *Decoder) edgex(m *draft, origin message.Time, level int) *Rejection {
	c := &d.c
	known := false
	within := func(next int) *Rejection {
		if c.null() || level >= next {
			return nil
		}
		known = true
		return d.edgexValue(m, origin, next)
	}
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "payload":
			return within(inRequest)
		case "event":
			return within(inEvent)
		case "readings":
			if c.null() || level > inEvent {
				return nil
			}
			known = true
			return c.array(func(int) *Rejection { return d.edgexReading(m) })
		case "TagReportData":
			known = true
			if c.null() {
				return nil
			}
			return c.array(func(int) *Rejection { return d.edgexTag(m, origin) })
		case "ReaderEventNotificationData":
			known = true
			if c.null() {
				return nil
			}
			return d.edgexNotice(m, origin)
		}
		return nil
	})
	if r == nil && !known {
		return c.missing("TagReportData", "this is no ROAccessReport of EdgeX's LLRP device service")
	}
	return r
}

// edgexValue reads what is wrapped: an object, or a string that holds one, in base64 or as it is.
func (d *Decoder) edgexValue(m *draft, origin message.Time, level int) *Rejection {
	c := &d.c
	if c.text[c.at] != '"' {
		return d.edgex(m, origin, level)
	}
	inside := c.name()
	if level == inRequest {
		raw := make([]byte, base64.StdEncoding.DecodedLen(len(inside)))
		n, err := base64.StdEncoding.Decode(raw, inside)
		if err != nil {
			return c.reject(CodeType, "is no base64: %v", err)
		}
		inside = raw[:n]
	}
	if r := valid(inside); r != nil {
		r.Path = c.pointer("")
		r.Reason = "what is in " + c.here() + " is not JSON; let EdgeX publish application/json"
		return r
	}
	text, at := c.text, c.at
	c.text, c.at = inside, 0
	c.space()
	if r := d.edgex(m, origin, level); r != nil {
		return r
	}
	c.text, c.at = text, at
	return nil
}

func (d *Decoder) edgexReading(m *draft) *Rejection {
	c := &d.c
	var resource word
	var origin message.Time
	object, text := 0, 0
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "resourceName":
			return c.word(&resource, wantText)
		case "origin":
			return c.since1970(&origin, time.Nanosecond, "nanoseconds since 1970")
		case "objectValue":
			if c.text[c.at] == '{' {
				object = c.at
			}
		case "value":
			if c.text[c.at] == '"' {
				text = c.at
			}
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case resource.set && resource.v != "ROAccessReport" && resource.v != "ReaderEventNotification":
		m.ts = origin // an answer to a command: a sign of life
		return nil
	case object > 0:
		return c.later(object, "objectValue", func() *Rejection { return d.edgexValue(m, origin, inReport) })
	case text > 0:
		return c.later(text, "value", func() *Rejection { return d.edgexValue(m, origin, inReport) })
	}
	return c.missing("objectValue", "a reading of EdgeX's LLRP device service has the report there")
}

func (d *Decoder) edgexTag(m *draft, origin message.Time) *Rejection {
	c := &d.c
	var t tag
	var long word
	var first, last message.Time
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "EPC96":
			return d.edgexEPC(&t.epc)
		case "EPCData":
			return d.edgexEPC(&long)
		case "AntennaID":
			return c.integer(&t.antenna, 0, 1<<16, "the number of an antenna")
		case "PeakRSSI":
			return c.within(&t.rssi, -150, 30, wantRSSI)
		case "FirstSeenUTC":
			return c.microsOrNone(&first)
		case "LastSeenUTC":
			return c.microsOrNone(&last)
		}
		return nil
	})
	if r != nil {
		return r
	}
	if !t.epc.set {
		t.epc = long
	}
	for _, ts := range []message.Time{last, first, origin} {
		if t.ts.IsZero() {
			t.ts = ts
		}
	}
	return d.addTag(m, &t, tagWords{"LastSeenUTC", "EPC96", "AntennaID", "PeakRSSI", "switch it on in the ROSpec's TagReportContentSelector"})
}

// microsOrNone reads microseconds since 1970; 0 is a reader without a clock.
func (c *cursor) microsOrNone(into *message.Time) *Rejection {
	if c.text[c.at] == '0' {
		return nil
	}
	return c.since1970(into, time.Microsecond, wantMicros)
}

// edgexEPC reads {"EPC":"MBQwpVwKxAAAAAAB"}, or {"EPCNumBits":128,"EPC":…}.
func (d *Decoder) edgexEPC(into *word) *Rejection {
	c := &d.c
	if c.null() {
		return nil
	}
	return c.object(func(name []byte) *Rejection {
		if string(name) != "EPC" {
			return nil
		}
		b, r := c.bytes("an EPC's bytes in base64")
		if r != nil || len(b) == 0 {
			return r
		}
		return d.decoded(into, b, base64.RawStdEncoding, "base64")
	})
}

// edgexNotice reads a ReaderEventNotification: a closed connection, or an antenna that went or came, is a status.
func (d *Decoder) edgexNotice(m *draft, origin message.Time) *Rejection {
	c := &d.c
	var ts message.Time
	var attempt, antenna integer
	closed := false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "UTCTimestamp":
			return c.microsOrNone(&ts)
		case "ConnectionCloseEvent":
			closed = !c.null()
		case "ConnectionAttemptEvent":
			return c.integer(&attempt, 0, 1<<16, "a status of LLRP")
		case "AntennaEvent":
			if c.null() {
				return nil
			}
			return c.object(func(name []byte) *Rejection {
				if string(name) == "EventType" {
					return c.integer(&antenna, 0, 255, "0 for disconnected or 1 for connected")
				}
				return nil
			})
		}
		return nil
	})
	if r != nil {
		return r
	}
	if m.ts = ts; ts.IsZero() {
		m.ts = origin
	}
	switch {
	case closed:
		m.state = fusion.Offline
	case antenna.set && antenna.v == 0:
		m.state = fusion.Degraded
	case antenna.set, attempt.set && attempt.v == 0:
		m.state = fusion.Online
	}
	return nil
}
