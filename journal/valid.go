package journal

import "encoding/json"

// valid is json.Valid, which takes most of the time of reading a recording; what is quickly seen to be JSON need not be asked
// about.
func valid(text []byte) bool {
	q := quick{text: text}
	q.space()
	if q.value(0) {
		if q.space(); q.at == len(text) {
			return true
		}
	}
	return json.Valid(text)
}

// quick looks whether text is JSON. It may not see that it is.
type quick struct {
	text []byte
	at   int
}

// quickDepth bounds how deep it looks.
const quickDepth = 64

func (q *quick) space() {
	for q.at < len(q.text) {
		switch q.text[q.at] {
		case ' ', '\t', '\r', '\n':
			q.at++
		default:
			return
		}
	}
}

// is takes a character, if it is next.
func (q *quick) is(c byte) bool {
	if q.at < len(q.text) && q.text[q.at] == c {
		q.at++
		return true
	}
	return false
}

func (q *quick) value(depth int) bool {
	if q.at == len(q.text) || depth > quickDepth {
		return false
	}
	switch c := q.text[q.at]; {
	case c == '"':
		return q.string()
	case c == '{':
		return q.list('}', depth, true)
	case c == '[':
		return q.list(']', depth, false)
	case c == 't':
		return q.word("true")
	case c == 'f':
		return q.word("false")
	case c == 'n':
		return q.word("null")
	}
	return q.number()
}

func (q *quick) word(w string) bool {
	if len(q.text)-q.at < len(w) || string(q.text[q.at:q.at+len(w)]) != w {
		return false
	}
	q.at += len(w)
	return true
}

// list takes an object or an array.
func (q *quick) list(end byte, depth int, named bool) bool {
	q.at++
	if q.space(); q.is(end) {
		return true
	}
	for {
		if named {
			if q.space(); !q.string() {
				return false
			}
			if q.space(); !q.is(':') {
				return false
			}
		}
		if q.space(); !q.value(depth + 1) {
			return false
		}
		if q.space(); q.is(end) {
			return true
		}
		if !q.is(',') {
			return false
		}
	}
}

// string takes a string without escapes but those of one character.
func (q *quick) string() bool {
	if !q.is('"') {
		return false
	}
	for q.at < len(q.text) {
		c := q.text[q.at]
		q.at++
		switch {
		case c == '"':
			return true
		case c == '\\':
			if q.at == len(q.text) {
				return false
			}
			switch q.text[q.at] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				q.at++
			default:
				return false
			}
		case c < ' ':
			return false
		}
	}
	return false
}

func (q *quick) digits() bool {
	from := q.at
	for q.at < len(q.text) && q.text[q.at]-'0' <= 9 {
		q.at++
	}
	return q.at > from
}

func (q *quick) number() bool {
	q.is('-')
	if !q.is('0') && !q.digits() {
		return false
	}
	if q.is('.') && !q.digits() {
		return false
	}
	if q.is('e') || q.is('E') {
		if !q.is('-') {
			q.is('+')
		}
		return q.digits()
	}
	return true
}
