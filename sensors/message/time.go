package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Time is the ts of a message: an instant, or the word "arrival" from a device that has no clock. The zero value is an
// absent ts.
type Time struct {
	ns      int64
	arrival bool
}

// At is the instant ns nanoseconds after 1970-01-01 UTC.
func At(ns int64) Time { return Time{ns: ns} }

// Arrival is the ts of a device without a clock: its messages count from their arrival.
func Arrival() Time { return Time{arrival: true} }

// NS is the instant in nanoseconds since 1970-01-01 UTC, 0 for an absent ts and for "arrival".
func (t Time) NS() int64 { return t.ns }

// IsArrival reports whether the device left its time to the arrival.
func (t Time) IsArrival() bool { return t.arrival }

// IsZero reports whether there is no ts.
func (t Time) IsZero() bool { return t == Time{} }

// String is the ts as MarshalJSON writes it, without quotes.
func (t Time) String() string {
	if t.arrival {
		return "arrival"
	}
	return string(AppendTime(nil, t.ns))
}

// AppendTime appends the instant as RFC 3339 in UTC with milliseconds, or as many digits more as it needs.
func AppendTime(b []byte, ns int64) []byte {
	layout := "2006-01-02T15:04:05.000Z"
	switch {
	case ns%1e3 != 0:
		layout = "2006-01-02T15:04:05.000000000Z"
	case ns%1e6 != 0:
		layout = "2006-01-02T15:04:05.000000Z"
	}
	return time.Unix(0, ns).UTC().AppendFormat(b, layout)
}

// MarshalJSON writes RFC 3339 in UTC, or "arrival". An absent ts is an error: leave it out with omitzero.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return nil, fmt.Errorf("ts is not set: give it message.At or message.Arrival")
	}
	return strconv.AppendQuote(nil, t.String()), nil
}

// UnmarshalJSON takes what [ParseTime] takes.
func (t *Time) UnmarshalJSON(b []byte) (err error) {
	*t, err = ParseTime(b)
	return err
}

// TimeError says why a ts could not be read. Range is true when it has the right form and an impossible value.
type TimeError struct {
	Range  bool
	Reason string
}

// Error implements error.
func (e *TimeError) Error() string { return e.Reason }

// Instants outside are an integer that is not in milliseconds, or a clock that was never set.
const (
	minMS = 100_000_000_000   // 1973-03-03; seconds since 1970 read as milliseconds lie before
	maxMS = 9_000_000_000_000 // 2255-03-13; the nanoseconds still fit an int64
)

// Since1970 is the instant n units after 1970-01-01 UTC. The error is a *TimeError for one that is no time near ours.
func Since1970(n int64, unit time.Duration) (Time, error) {
	if u := int64(unit); n >= minMS*1e6/u && n <= maxMS*1e6/u {
		return Time{ns: n * u}, nil
	}
	return Time{}, &TimeError{Range: true, Reason: fmt.Sprintf("the time is %d, which in units of %v since 1970 is no time near ours: set the device's clock", n, unit)}
}

// ParseTime reads a JSON value as ts: a string in RFC 3339 with offset (and, usually, a fraction), an integer of
// milliseconds since 1970, or "arrival". The error is a *TimeError.
func ParseTime(raw []byte) (Time, error) {
	if len(raw) > 2 && raw[0] == '"' && raw[len(raw)-1] == '"' {
		if ns, ok := utc(raw[1 : len(raw)-1]); ok {
			return Time{ns: ns}, nil
		}
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Time{}, &TimeError{Reason: "ts is empty"}
	}
	if raw[0] != '"' {
		ms, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return Time{}, &TimeError{Reason: "ts is " + clip(raw) +
				`: give RFC 3339 with an offset, integer milliseconds since 1970, or "arrival"`}
		}
		if ms < minMS || ms > maxMS {
			return Time{}, &TimeError{Range: true, Reason: "ts is " + clip(raw) +
				", which is no time near ours: give milliseconds since 1970, not seconds or microseconds, and set the device's clock"}
		}
		return Time{ns: ms * 1e6}, nil
	}
	text := bytes.Trim(raw, `"`)
	if bytes.IndexByte(text, '\\') >= 0 {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return Time{}, &TimeError{Reason: "ts is " + clip(raw) + ", not a JSON string"}
		}
		text = []byte(s)
	}
	if string(text) == "arrival" {
		return Time{arrival: true}, nil
	}
	var at time.Time
	if err := at.UnmarshalText(text); err != nil {
		return Time{}, &TimeError{Reason: "ts is " + clip(raw) +
			", which is not RFC 3339 with an offset, such as 2026-11-22T10:00:00.123Z"}
	}
	if ms := at.UnixMilli(); ms < minMS || ms > maxMS {
		return Time{}, &TimeError{Range: true, Reason: "ts is " + clip(raw) + ", which is no time near ours: set the device's clock"}
	}
	return Time{ns: at.UnixNano()}, nil
}

// clip keeps a value that is quoted in a message short.
func clip(raw []byte) string {
	if len(raw) > 48 {
		return string(raw[:48]) + "…"
	}
	return string(raw)
}

// utc reads the usual form of a time, 2026-11-22T10:00:00.123Z with up to nine digits of a second, in this century: several
// times as fast as package time, which reads all others and says what is wrong with them.
func utc(text []byte) (ns int64, ok bool) {
	const form = "20yy-mm-ddThh:mm:ss"
	if len(text) <= len(form) || len(text) > len(form)+len(".123456789Z") || text[len(text)-1] != 'Z' {
		return 0, false
	}
	if text[0] != '2' || text[1] != '0' || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return 0, false
	}
	year, month, day := two(text[2:]), two(text[5:]), two(text[8:])
	hour, minute, second := two(text[11:]), two(text[14:]), two(text[17:])
	if year > 99 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	leap := 0 // every fourth year of this century has a day more
	if year%4 == 0 {
		leap = 1
	}
	before := [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}
	days := 10957 + year*365 + (year+3)/4 + before[month-1] + day - 1 // from 1970
	switch most := before[month] - before[month-1]; {
	case month == 2 && day > most+leap, month != 2 && day > most:
		return 0, false
	case month > 2:
		days += leap
	}
	fraction := text[len(form) : len(text)-1]
	if len(fraction) == 1 || len(fraction) > 0 && fraction[0] != '.' {
		return 0, false
	}
	unit := int64(time.Second)
	for _, c := range fraction[min(1, len(fraction)):] {
		if c-'0' > 9 {
			return 0, false
		}
		unit /= 10
		ns += int64(c-'0') * unit
	}
	return int64(((days*24+hour)*60+minute)*60+second)*int64(time.Second) + ns, true
}

// two reads two digits, as a number beyond any that they can make where they are none.
func two(text []byte) int {
	tens, ones := text[0]-'0', text[1]-'0'
	if tens > 9 || ones > 9 {
		return 100
	}
	return int(tens)*10 + int(ones)
}
