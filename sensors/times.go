package sensors

import (
	"errors"
	"strings"
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

// since1970 reads an integer of units since 1970, which may stand in quotes.
func (c *cursor) since1970(into *message.Time, unit time.Duration, want string) *Rejection {
	var n integer
	var r *Rejection
	if c.text[c.at] == '"' {
		r = c.quotedInteger(&n, 0, maxSeq, want)
	} else {
		r = c.integer(&n, 0, 1<<62, want)
	}
	if r != nil || !n.set {
		return r
	}
	t, err := message.Since1970(n.v, unit)
	if err != nil {
		return c.reject(CodeRange, "is %d, which is no time near ours: send %s, and set the device's clock", n.v, want)
	}
	*into = t
	return nil
}

// instant takes a time that was read, or rejects the value for what was wrong with it.
func (c *cursor) instant(into *message.Time, t message.Time, err error) *Rejection {
	if err == nil {
		*into = t
		return nil
	}
	reason := err.Error()
	if of, ok := strings.CutPrefix(reason, "ts "); ok {
		reason = c.here() + " " + of // as the payload calls it
	}
	r := &Rejection{Code: CodeType, Path: c.pointer(""), Reason: reason}
	if bad, ok := errors.AsType[*message.TimeError](err); ok && bad.Range {
		r.Code = CodeRange
	}
	return r
}
