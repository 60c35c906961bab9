package sensors

import (
	"time"

	"magpie/sensors/message"
)

// fields are the numbers of a written time: what they are, how many digits they have, and the character behind each.
type fields struct {
	n     [7]int
	width [7]int
	sep   [7]byte
	count int
}

// split takes a written time apart. ok is false for a text that is not numbers with one character between them.
func split(text []byte) (f fields, ok bool) {
	for i := 0; i < len(text); f.count++ {
		if f.count == len(f.n) {
			return f, false
		}
		k, from := f.count, i
		for ; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
			if i-from >= 9 {
				return f, false
			}
			f.n[k] = f.n[k]*10 + int(text[i]-'0')
		}
		if f.width[k] = i - from; f.width[k] == 0 {
			return f, false
		}
		if i < len(text) {
			if i++; i == len(text) {
				return f, false
			}
			f.sep[k] = text[i-1]
		}
	}
	return f, f.count > 0
}

// clock are the fields from the hour on: h:m:s, with a fraction behind a point or comma, or milliseconds behind a colon.
func (f *fields) clock(from int) (h, m, s, ns int, ok bool) {
	if f.count < from+3 || f.sep[from] != ':' || f.sep[from+1] != ':' {
		return 0, 0, 0, 0, false
	}
	h, m, s = f.n[from], f.n[from+1], f.n[from+2]
	if f.count == from+4 {
		k := from + 3
		switch sep := f.sep[k-1]; {
		case sep == ':' && f.n[k] < 1000:
			ns = f.n[k] * 1e6
		case sep == '.' || sep == ',':
			ns = f.n[k]
			for range 9 - f.width[k] {
				ns *= 10
			}
		default:
			return 0, 0, 0, 0, false
		}
	}
	return h, m, s, ns, h < 24 && m < 60 && s < 60
}

// wall reads a time that has no zone in the store's: 2026-11-22T10:00:00, with a fraction or a space in place of the T. One
// that is not near ours is 0.
func (d *Decoder) wall(text []byte, received int64) (ns int64, ok bool) {
	f, ok := split(text)
	if !ok || f.count < 6 || f.width[0] != 4 || f.sep[0] != '-' || f.sep[1] != '-' || f.sep[2] != 'T' && f.sep[2] != ' ' {
		return 0, false
	}
	return d.at(&f, f.n[0], f.n[1], f.n[2], received)
}

// slashed is wall for a day or a month first, as in 22/5/2020 22:4:0:111; months and days may have one digit, the last
// number is milliseconds or, behind a point, a fraction.
func (d *Decoder) slashed(text []byte, monthFirst bool, received int64) (ns int64, ok bool) {
	f, ok := split(text)
	if !ok || f.count < 6 || f.width[2] != 4 || f.sep[0] != f.sep[1] || f.sep[0] != '/' && f.sep[0] != '.' && f.sep[0] != '-' ||
		f.sep[2] != ' ' && f.sep[2] != 'T' {
		return 0, false
	}
	day, month := f.n[0], f.n[1]
	if monthFirst {
		day, month = month, day
	}
	return d.at(&f, f.n[2], month, day, received)
}

// at is the instant of a date and the clock in f, by the store's time zone. Where summer time ends an hour comes twice: the
// one that is nearer to the arrival is meant.
func (d *Decoder) at(f *fields, year, month, day int, received int64) (ns int64, ok bool) {
	h, m, s, frac, ok := f.clock(3)
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if !ok || date.Day() != day || int(date.Month()) != month {
		return 0, false // no such day, or no such clock
	}
	best := time.Date(year, time.Month(month), day, h, m, s, frac, d.location())
	for _, by := range [2]time.Duration{-time.Hour, time.Hour} {
		other := best.Add(by)
		oh, om, os := other.Clock()
		if oh == h && om == m && os == s && distance(other.UnixNano(), received) < distance(best.UnixNano(), received) {
			best = other
		}
	}
	return nanoseconds(best), true
}

// nanoseconds since 1970 of a time that is near ours, else 0.
func nanoseconds(at time.Time) int64 {
	if _, err := message.Since1970(at.UnixMilli(), time.Millisecond); err != nil {
		return 0
	}
	return at.UnixNano()
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// zoned reads RFC 3339, also with a space in place of the T, or an offset without a colon (+0000).
func zoned(text []byte) (ns int64, ok bool) {
	if len(text) > 64 {
		return 0, false // an error of package time would quote it
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05Z0700"} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			return nanoseconds(at), true
		}
	}
	return 0, false
}

// localTime reads a string as a time with or without a zone; without one it is the store's.
func (d *Decoder) localTime(into *message.Time, received int64) *Rejection {
	c := &d.c
	text, r := c.bytes("a time such as 2026-11-22T10:00:00")
	if r != nil || len(text) == 0 {
		return r
	}
	ns, ok := d.wall(text, received)
	if !ok {
		ns, ok = zoned(text)
	}
	if !ok {
		return c.reject(CodeType, "is %q: a time such as 2026-11-22T10:00:00 is wanted", clip(text))
	}
	return c.near(into, ns, text)
}

// near takes an instant that is not 0; text is how it was written.
func (c *cursor) near(into *message.Time, ns int64, text []byte) *Rejection {
	if ns == 0 {
		return c.reject(CodeRange, "is %s, which is no time near ours: set the device's clock", clip(text))
	}
	*into = message.At(ns)
	return nil
}
