package sensors

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// appendJSON appends what an expression gives, as encoding/json writes it but for the escapes that only HTML needs. A list
// that holds itself many times would have no end: b gets no longer than most, and little more.
func appendJSON(b []byte, v any, most int) ([]byte, error) {
	if len(b) > most {
		return b, tooMuch()
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return b, fmt.Errorf("the number %v", v)
		}
		return appendFloat(b, v), nil
	case string:
		if asItIs(v) {
			return append(append(append(b, '"'), v...), '"'), nil
		}
	case []any:
		b = append(b, '[')
		for i, one := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendJSON(b, one, most); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		var room [16]string
		names := room[:0]
		if len(v) > len(room) {
			names = make([]string, 0, len(v))
		}
		names = slices.AppendSeq(names, maps.Keys(v))
		slices.Sort(names)
		b = append(b, '{')
		for i, name := range names {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendJSON(b, name, most); err != nil {
				return b, err
			}
			if b, err = appendJSON(append(b, ':'), v[name], most); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	}
	text, err := json.Marshal(v)
	return append(b, text...), err
}

// asItIs reports whether a string stands in JSON as it is.
func asItIs(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// appendFloat appends a number, large and small ones with an exponent.
func appendFloat(b []byte, f float64) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, 64)
}
