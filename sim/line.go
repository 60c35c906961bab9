package sim

import (
	"cmp"
	"slices"
	"time"

	"magpie/sensors/message"
)

// Line is one line of a recording: a message as it arrived, or a control line.
type Line struct {
	Received int64  // arrival, ns since 1970
	Topic    string // "" in a control line
	Retain   bool   // a retained delivery
	Payload  []byte // the message's bytes; of a control line its further members as a JSON object, or nil
	Control  string // the word of a control line: state, policies, tick; "" in a message
}

// AppendJSON appends the line as recordings write it (contract section 3), without a line break. The payload must be
// JSON without a line break.
func (l Line) AppendJSON(b []byte) []byte {
	b = append(b, `{"received":"`...)
	b = time.Unix(0, l.Received).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000000Z")
	b = append(b, '"')
	if l.Control != "" {
		b = append(b, `,"control":`...)
		b = appendString(b, l.Control)
		if len(l.Payload) > 2 { // more than {}
			b = append(b, ',')
			return append(b, l.Payload[1:]...)
		}
		return append(b, '}')
	}
	b = append(b, `,"topic":`...)
	b = appendString(b, l.Topic)
	if l.Retain {
		b = append(b, `,"retain":true`...)
	}
	b = append(b, `,"payload":`...)
	b = append(b, l.Payload...)
	return append(b, '}')
}

func appendString(b []byte, s string) []byte {
	text, err := message.Encode(s)
	if err != nil {
		text = []byte(`""`) // a string always encodes
	}
	return append(b, text...)
}

// Recording writes the lines as a recording, one a line.
func Recording(lines []Line) []byte {
	var b []byte
	for _, l := range lines {
		b = append(l.AppendJSON(b), '\n')
	}
	return b
}

// byArrival sorts by received and leaves the order of what arrived at the same moment.
func byArrival(lines []Line) {
	slices.SortStableFunc(lines, func(a, b Line) int { return cmp.Compare(a.Received, b.Received) })
}
