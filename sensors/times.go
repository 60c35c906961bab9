package sensors

import (
	"errors"
	"time"

	"magpie/sensors/message"
)

// stamp reads a ts, of which an RFC 3339 offset may lack its colon (+0000).
func (c *cursor) stamp(into *message.Time) *Rejection {
	if c.text[c.at] != '"' {
		return c.time(into)
	}
	from := c.at
	b, r := c.bytes("a time in RFC 3339")
	if r != nil {
		return r
	}
	raw := c.text[from:c.at]
	if n := len(b); n > 5 && n < 64 && (b[n-5] == '+' || b[n-5] == '-') {
		c.room = append(append(append(append(c.room[:0], '"'), b[:n-2]...), ':'), b[n-2:]...)
		c.room = append(c.room, '"')
		raw = c.room
	}
	return c.timed(into, raw)
}

// location is where a time without a zone is local.
func (d *Decoder) location() *time.Location {
	if d.store.Location == nil {
		return time.UTC
	}
	return d.store.Location
}

// timed is a JSON value as ts.
func (c *cursor) timed(into *message.Time, raw []byte) *Rejection {
	t, err := message.ParseTime(raw)
	return c.instant(into, t, err)
}

// since1970 reads an integer of units since 1970.
func (c *cursor) since1970(into *message.Time, unit time.Duration, want string) *Rejection {
	var n integer
	if r := c.integer(&n, 0, 1<<62, want); r != nil || !n.set {
		return r
	}
	t, err := message.Since1970(n.v, unit)
	return c.instant(into, t, err)
}

// instant takes a time that was read, or rejects the value for what was wrong with it.
func (c *cursor) instant(into *message.Time, t message.Time, err error) *Rejection {
	if err == nil {
		*into = t
		return nil
	}
	r := &Rejection{Code: CodeType, Path: c.pointer(""), Reason: err.Error()}
	if bad, ok := errors.AsType[*message.TimeError](err); ok && bad.Range {
		r.Code = CodeRange
	}
	return r
}
