package journal

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// clocks are the members that hold a time in Magpie's own payloads, and in most of others.
var clocks = [...]string{"ts", "timestamp", "lastSeenTime", "firstSeenTime"}

// nearby is how far a value may be from the arrival to be a time, whatever its member is called: makers have a dozen names, and site
// files map any. A number that is none would have to hit these two days by chance.
const nearby = 24 * time.Hour

// Shift moves every time in a JSON payload by d and keeps every other byte: members named ts, timestamp, lastSeenTime or firstSeenTime,
// and others that are within a day of the arrival (received, ns), at any depth. A time is RFC 3339, the same without a zone, or a
// number of seconds, milliseconds, microseconds or nanoseconds since 1970, as its size tells. It is what lets an old recording be
// played as if it were now.
func Shift(payload []byte, received int64, d time.Duration) []byte {
	if d == 0 {
		return payload
	}
	shifted, _ := eachValue(payload, func(value []byte) ([]byte, bool) {
		var out []byte
		from, named := 0, false
		take := func(name string, first byte) bool {
			named = slices.Contains(clocks[:], name)
			return first == '"' || first >= '0' && first <= '9'
		}
		members(value, take, func(m member) {
			if at, moved, ok := shiftTime(value[m.value:m.end], d); ok && (named || time.Duration(received-at).Abs() <= nearby) {
				out = append(append(out, value[from:m.value]...), moved...)
				from = m.end
			}
		})
		if from == 0 {
			return value, false
		}
		return append(out, value[from:]...), true
	})
	return shifted
}

// shiftTime reads a time, in ns since 1970, and writes it later by d in the same form.
func shiftTime(value []byte, d time.Duration) (at int64, moved []byte, ok bool) {
	if value[0] != '"' {
		return shiftNumber(string(value), d)
	}
	var text string
	if len(value) > 64 || json.Unmarshal(value, &text) != nil {
		return 0, nil, false
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UnixNano(), strconv.AppendQuote(nil, t.Add(d).UTC().Format("2006-01-02T15:04:05.000000000Z")), true
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			_, fraction, _ := strings.Cut(text, ".")
			if fraction != "" {
				layout += "." + strings.Repeat("0", len(fraction))
			}
			return t.UnixNano(), strconv.AppendQuote(nil, t.Add(d).Format(layout)), true
		}
	}
	return 0, nil, false
}

func shiftNumber(text string, d time.Duration) (at int64, moved []byte, ok bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		unit := unitOf(float64(n))
		if n > math.MaxInt64/unit {
			return 0, nil, false
		}
		return n * unit, strconv.AppendInt(nil, n+int64(d)/unit, 10), true
	}
	v, err := strconv.ParseFloat(text, 64)
	whole, fraction, ok := strings.Cut(text, ".")
	if err != nil || !ok || v >= 1e18 {
		return 0, nil, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(fraction) > 9 || strings.Trim(fraction, "0123456789") != "" {
		return 0, nil, false
	}
	unit := unitOf(v)
	part, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	at = n*unit + part*unit/1e9
	later := at + int64(d)
	digits := strconv.FormatInt(1e9+later%unit*(1e9/unit), 10)[1:]
	return at, []byte(strconv.FormatInt(later/unit, 10) + "." + digits[:len(fraction)]), true
}

// unitOf is what a number of seconds, milliseconds, microseconds or nanoseconds since 1970 counts in, in ns: seconds of our time have
// ten digits.
func unitOf(v float64) int64 {
	switch {
	case v < 1e11:
		return 1e9
	case v < 1e14:
		return 1e6
	case v < 1e17:
		return 1e3
	}
	return 1
}
