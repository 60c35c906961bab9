// Package journal keeps MQTT messages on disk in the recording's format of contract section 3, one JSON line a message,
// in arrival order and before any decoding: as a durable log of segment files that is written before a message is
// acknowledged and read by offset (Journal), and as plain files that may be compressed (Reader, Recorder).
package journal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Line is one line of a recording: a message, or with Control set a note about the run that wrote it.
type Line struct {
	Received int64 // arrival in ns since 1970; the only arrival time that anything may use
	Topic    string
	Retain   bool   // the broker delivered it as a retained message
	Cut      bool   // members that the site does not keep were cut out of Payload
	Payload  []byte // the message's own bytes
	Control  *Control
}

// The kinds of control line.
const (
	ControlState    = "state"    // with what state the lines after it began
	ControlPolicies = "policies" // which policies judge from here
	ControlTick     = "tick"     // nothing arrived for a second
)

// StateEmpty is Control.State of a run that began with nothing.
const StateEmpty = "empty"

// Control is the content of a control line.
type Control struct {
	Kind      string
	State     string // of ControlState: StateEmpty or the hash of a core snapshot
	Baselines string // of ControlState with a snapshot: the hash of the baselines
	Hash      string // of ControlPolicies: the hash of the set
}

const stampLayout = "2006-01-02T15:04:05.000000000Z"

// Append appends the line's text with its line break to b and returns it.
func (l Line) Append(b []byte) []byte {
	b = append(b, `{"received":"`...)
	b = time.Unix(0, l.Received).UTC().AppendFormat(b, stampLayout)
	if c := l.Control; c != nil {
		b = append(b, `","control":`...)
		b = appendString(b, c.Kind)
		b = appendMember(b, "state", c.State)
		b = appendMember(b, "baselines", c.Baselines)
		b = appendMember(b, "hash", c.Hash)
		return append(b, "}\n"...)
	}
	b = append(b, `","topic":`...)
	b = appendString(b, l.Topic)
	if l.Retain {
		b = append(b, `,"retain":true`...)
	}
	if l.Cut {
		b = append(b, `,"cut":true`...)
	}
	if inline(l.Payload) {
		b = append(b, `,"payload":`...)
		b = append(b, l.Payload...)
		return append(b, "}\n"...)
	}
	b = append(b, `,"payload_base64":"`...)
	b = base64.StdEncoding.AppendEncode(b, l.Payload)
	return append(b, "\"}\n"...)
}

// inline reports whether a payload can stand in its line as it is.
func inline(payload []byte) bool {
	return bytes.IndexByte(payload, '\n') < 0 && bytes.IndexByte(payload, '\r') < 0 && utf8.Valid(payload) && json.Valid(payload)
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return appendString(b, value)
}

// appendString writes a JSON string and escapes no more than JSON asks for. Text that is not UTF-8, which MQTT forbids in
// topics, gets replacement characters.
func appendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, fmt.Sprintf(`\u%04x`, c)...)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// Parse reads one line, with or without its line break. Payload is a copy: text may be used again. The error is an
// *Error without a place of its own but the column.
func Parse(text []byte) (Line, error) {
	var l Line
	err := parseInto(&l, text, nil)
	return l, err
}

// parseInto is Parse into a line whose payload gives its room; topics are those that were met, by how they are written, nil: nobody
// remembers them.
func parseInto(l *Line, text []byte, topics map[string]string) (err error) {
	text = bytes.TrimRight(text, "\r\n")
	room := l.Payload[:0]
	var ok bool
	if *l, ok = parseOwn(text, room, topics); !ok {
		*l, err = parseAny(text)
	}
	return err
}

// maxTopics bounds the topics that are remembered.
const maxTopics = 1 << 12

// parseOwn reads a message in the form that Append writes; it is quick, and keeps spaces around the payload.
func parseOwn(text, room []byte, topics map[string]string) (l Line, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte(`{"received":"`))
	if !ok || len(rest) < len(stampLayout) {
		return l, false
	}
	if l.Received, ok = parseStamp(rest[:len(stampLayout)]); !ok {
		return l, false
	}
	rest, ok = bytes.CutPrefix(rest[len(stampLayout):], []byte(`","topic":"`))
	if !ok {
		return l, false
	}
	end := stringEnd(rest)
	if end < 0 {
		return l, false
	}
	if l.Topic, ok = topics[string(rest[:end])]; !ok {
		if l.Topic, ok = parseTopic(rest[:end]); !ok {
			return l, false
		}
		if topics != nil && len(topics) < maxTopics {
			topics[string(rest[:end])] = l.Topic
		}
	}
	rest, l.Retain = bytes.CutPrefix(rest[end+1:], []byte(`,"retain":true`))
	rest, l.Cut = bytes.CutPrefix(rest, []byte(`,"cut":true`))
	if rest, ok = bytes.CutPrefix(rest, []byte(`,"payload":`)); !ok {
		return l, false
	}
	if rest, ok = bytes.CutSuffix(rest, []byte(`}`)); !ok || !utf8.Valid(rest) || !json.Valid(rest) {
		return l, false
	}
	l.Payload = append(room, rest...)
	return l, true
}

// parseTopic reads what stands between the quotes of a JSON string.
func parseTopic(text []byte) (topic string, ok bool) {
	if !utf8.Valid(text) {
		return "", false
	}
	topic = string(text)
	if strings.IndexByte(topic, '\\') >= 0 && json.Unmarshal([]byte(`"`+topic+`"`), &topic) != nil {
		return "", false
	}
	return topic, true
}

// stringEnd is the place of the quote that ends a JSON string, given what follows the one that began it, or -1.
func stringEnd(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// parseStamp reads the one form in which received is written; time.Parse costs five times as much.
func parseStamp(b []byte) (int64, bool) {
	digits := func(from, to int) (n int) {
		for _, c := range b[from:to] {
			if c < '0' || c > '9' {
				return -1 << 32
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	if b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] != '.' || b[29] != 'Z' {
		return 0, false
	}
	year, month, day := digits(0, 4), digits(5, 7), digits(8, 10)
	hour, minute, second, ns := digits(11, 13), digits(14, 16), digits(17, 19), digits(20, 29)
	if year < minYear || year > maxYear || month < 1 || month > 12 || day < 1 || day > 31 ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || ns < 0 {
		return 0, false
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, ns, time.UTC)
	return at.UnixNano(), at.Day() == day
}

// Nanoseconds of these years fit an int64.
const minYear, maxYear = 1678, 2261

func parseAny(text []byte) (Line, error) {
	if !utf8.Valid(text) {
		return Line{}, &Error{Reason: "the line is not UTF-8: write the payload as payload_base64"}
	}
	var raw struct {
		Received  *string         `json:"received"`
		Topic     *string         `json:"topic"`
		Retain    bool            `json:"retain"`
		Cut       bool            `json:"cut"`
		Payload   json.RawMessage `json:"payload"`
		Base64    *string         `json:"payload_base64"`
		Control   *string         `json:"control"`
		State     string          `json:"state"`
		Baselines string          `json:"baselines"`
		Hash      string          `json:"hash"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return Line{}, jsonError(text, err)
	}
	if raw.Received == nil {
		return Line{}, &Error{Reason: "received is missing: every line begins with its arrival time"}
	}
	at, err := time.Parse(time.RFC3339Nano, *raw.Received)
	if err != nil || at.UTC().Year() < minYear || at.UTC().Year() > maxYear {
		return Line{}, &Error{Reason: "received is " + strconv.Quote(*raw.Received) +
			", not a time such as 2026-11-22T10:00:00.123456789Z"}
	}
	l := Line{Received: at.UnixNano(), Retain: raw.Retain, Cut: raw.Cut}
	switch {
	case raw.Control != nil:
		return parseControl(l, Control{*raw.Control, raw.State, raw.Baselines, raw.Hash})
	case raw.Topic == nil:
		return Line{}, &Error{Reason: "topic is missing (a line has topic and payload, or control)"}
	case raw.Payload != nil && raw.Base64 != nil:
		return Line{}, &Error{Reason: "payload and payload_base64 are both given: leave one out"}
	case raw.Payload != nil:
		l.Payload = raw.Payload
	case raw.Base64 != nil:
		if l.Payload, err = base64.StdEncoding.DecodeString(*raw.Base64); err != nil {
			return Line{}, &Error{Reason: "payload_base64: " + err.Error()}
		}
	default:
		return Line{}, &Error{Reason: "payload is missing (or payload_base64 where it is not JSON)"}
	}
	l.Topic = *raw.Topic
	return l, nil
}

func parseControl(l Line, c Control) (Line, error) {
	switch c.Kind {
	case ControlTick:
	case ControlState:
		if c.State == "" {
			return Line{}, &Error{Reason: `control "state" has no state: write "empty" or the hash of a snapshot`}
		}
	case ControlPolicies:
		if c.Hash == "" {
			return Line{}, &Error{Reason: `control "policies" has no hash: name the set that judges from here`}
		}
	default:
		return Line{}, &Error{Reason: "control " + strconv.Quote(c.Kind) + " is not known: state, policies or tick"}
	}
	l.Control = &c
	return l, nil
}

// Error is something wrong with a line of a recording.
type Error struct {
	File   string // as the caller named it; empty while unknown
	Line   int    // from 1
	Column int    // in bytes from 1; 0 where the whole line is meant
	Reason string
}

// Error gives file:line:column and what is wrong.
func (e *Error) Error() string {
	place := ""
	if e.File != "" {
		place = e.File + ":" + strconv.Itoa(e.Line) + ":"
		if e.Column > 0 {
			place += strconv.Itoa(e.Column) + ":"
		}
		place += " "
	}
	return place + e.Reason
}

func jsonError(text []byte, err error) *Error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		column := min(max(int(syntax.Offset), 1), len(text)+1)
		return &Error{Column: column, Reason: "not a JSON object: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return &Error{Column: max(int(wrong.Offset), 1), Reason: wrong.Field + " is a " + wrong.Value + ", which it may not be"}
	}
	return &Error{Column: 1, Reason: "not a JSON object"}
}
