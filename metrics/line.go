package metrics

import (
	"math"
	"strconv"
	"strings"
)

// point is one line of InfluxDB's line protocol. Its tags are written in the order given.
type point struct {
	measurement string
	tags        []string // key, value, key, value …
	fields      []field
	at          int64 // ns since 1970
}

// field holds one of an int, a float or a string.
type field struct {
	name string
	kind byte // 'i', 'f' or 's'
	i    int64
	f    float64
	s    string
}

// append writes the line with its line break, or nothing when no field is left: NaN and infinities have no place in the
// protocol.
func (p point) append(b []byte) []byte {
	start := len(b)
	b = escaped(b, p.measurement, ", ")
	for i := 0; i+1 < len(p.tags); i += 2 {
		b = append(b, ',')
		b = escaped(b, p.tags[i], ",= ")
		b = append(b, '=')
		b = escaped(b, p.tags[i+1], ",= ")
	}
	sep := byte(' ')
	for _, f := range p.fields {
		if f.kind == 'f' && (math.IsNaN(f.f) || math.IsInf(f.f, 0)) {
			continue
		}
		b = append(b, sep)
		sep = ','
		b = escaped(b, f.name, ",= ")
		b = append(b, '=')
		switch f.kind {
		case 'i':
			b = append(strconv.AppendInt(b, f.i, 10), 'i')
		case 'f':
			b = strconv.AppendFloat(b, f.f, 'f', -1, 64)
		default:
			b = append(b, '"')
			b = escaped(b, f.s, `"\`)
			b = append(b, '"')
		}
	}
	if sep == ' ' {
		return b[:start]
	}
	b = append(b, ' ')
	b = strconv.AppendInt(b, p.at, 10)
	return append(b, '\n')
}

// escaped appends s with a backslash before each of special. Control characters, and backslashes in names and tag
// values, which the protocol cannot escape there, become underscores; an empty name or tag value, which it forbids,
// becomes _none.
func escaped(b []byte, s, special string) []byte {
	quoted := strings.Contains(special, `"`)
	if s == "" && !quoted {
		return append(b, "_none"...)
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x20 || c == 0x7f || c == '\\' && !quoted:
			b = append(b, '_')
		case strings.IndexByte(special, c) >= 0:
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return b
}
