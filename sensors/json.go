package sensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// cursor reads a payload that valid has accepted, so that it need not look at the grammar again. It knows where it is,
// for errors, and interns strings: ids repeat from message to message.
type cursor struct {
	text   []byte
	at     int
	path   []step
	intern map[string]string
	room   []byte // for what is written otherwise than in the payload
}

// step is one level of the path to where a cursor is: a member's name, or a place in an array where name is nil.
type step struct {
	name  []byte
	index int
}

// valid reports whether payload is UTF-8 and JSON.
func valid(payload []byte) *Rejection {
	if !utf8.Valid(payload) {
		return &Rejection{Code: CodeBadJSON, Reason: "the payload is not UTF-8: send JSON in UTF-8"}
	}
	if bytes.HasPrefix(payload, []byte("\ufeff")) {
		return &Rejection{Code: CodeBadJSON, Reason: "the payload begins with a byte order mark: send UTF-8 without one"}
	}
	if grammatical(payload) || json.Valid(payload) {
		return nil
	}
	var v json.RawMessage
	var syntax *json.SyntaxError
	err := json.Unmarshal(payload, &v)
	if !errors.As(err, &syntax) {
		return &Rejection{Code: CodeBadJSON, Reason: "the payload is not JSON"}
	}
	return &Rejection{Code: CodeBadJSON, Reason: fmt.Sprintf("the payload is not JSON: %v at byte %d", syntax, syntax.Offset)}
}

func (c *cursor) reset(text []byte) {
	c.text, c.at, c.path = text, 0, c.path[:0]
	c.space()
}

func (c *cursor) space() { c.at = blank(c.text, c.at) }

// pointer is the path to where the cursor is, and to a member name of it where that is not empty.
func (c *cursor) pointer(name string) string {
	var b []byte
	for _, s := range c.path {
		b = append(b, '/')
		if s.name == nil {
			b = strconv.AppendInt(b, int64(s.index), 10)
			continue
		}
		escaped := bytes.ReplaceAll(s.name, []byte("~"), []byte("~0"))
		b = append(b, bytes.ReplaceAll(escaped, []byte("/"), []byte("~1"))...)
		if len(b) > maxString {
			return string(bytes.ToValidUTF8(b[:maxString], nil)) + "…"
		}
	}
	if name != "" {
		b = append(append(b, '/'), name...)
	}
	return string(b)
}

// here names the value that the cursor is at in a reason.
func (c *cursor) here() string {
	for i := len(c.path) - 1; i >= 0; i-- {
		if c.path[i].name == nil {
			continue
		}
		name := string(clip(c.path[i].name))
		for _, s := range c.path[i+1:] {
			name += "[" + strconv.Itoa(s.index) + "]"
		}
		return name
	}
	if len(c.path) > 0 {
		return "element " + strconv.Itoa(c.path[0].index)
	}
	return "the payload"
}

func (c *cursor) reject(code, format string, args ...any) *Rejection {
	return &Rejection{Code: code, Path: c.pointer(""), Reason: c.here() + " " + fmt.Sprintf(format, args...)}
}

// missing rejects the object that the cursor is in for want of a member.
func (c *cursor) missing(name, why string) *Rejection {
	return &Rejection{Code: CodeMissing, Path: c.pointer(name), Reason: name + " is missing: " + why}
}

// wrong rejects the value at the cursor for its type.
func (c *cursor) wrong(want string) *Rejection {
	var what string
	switch c.text[c.at] {
	case '{':
		what = "an object"
	case '[':
		what = "an array"
	case '"':
		from := c.at
		c.skip()
		return c.reject(CodeType, "is the string %s: %s is wanted", clip(c.text[from:c.at]), want)
	case 't', 'f':
		what = "a bool"
	case 'n':
		what = "null"
	default:
		what = "a number"
	}
	return c.reject(CodeType, "is %s: %s is wanted", what, want)
}

// clip keeps what is quoted in a reason short.
func clip(b []byte) []byte {
	if len(b) <= 48 {
		return b
	}
	return append(bytes.ToValidUTF8(b[:48:48], nil), "…"...)
}

// skip passes over the value at the cursor.
func (c *cursor) skip() {
	depth := 0
	for c.at < len(c.text) {
		switch c.text[c.at] {
		case '"':
			c.at++
			for c.text[c.at] != '"' {
				if c.text[c.at] == '\\' {
					c.at++
				}
				c.at++
			}
			c.at++
		case '{', '[':
			depth++
			c.at++
			continue
		case '}', ']':
			depth--
			c.at++
		case ',', ':', ' ', '\t', '\r', '\n':
			c.at++
			continue
		default:
			for c.at < len(c.text) && !ends(c.text[c.at]) {
				c.at++
			}
		}
		if depth == 0 {
			return
		}
	}
}

// ends reports whether a character stands behind a number or a word and is no part of it.
func ends(b byte) bool {
	switch b {
	case ',', ']', '}', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// object calls member for every member of the object at the cursor. member reads the value, or leaves it where it is.
func (c *cursor) object(member func(name []byte) *Rejection) *Rejection {
	if c.text[c.at] != '{' {
		return c.wrong("an object")
	}
	c.at++
	c.space()
	for c.text[c.at] != '}' {
		name := c.name()
		c.space()
		c.at++ // the colon
		c.space()
		c.path = append(c.path, step{name: name})
		from := c.at
		if r := member(name); r != nil {
			return r
		}
		c.next(from)
	}
	c.at++
	return nil
}

// array calls element for every element of the array at the cursor.
func (c *cursor) array(element func(i int) *Rejection) *Rejection {
	if c.text[c.at] != '[' {
		return c.wrong("an array")
	}
	c.at++
	c.space()
	for i := 0; c.text[c.at] != ']'; i++ {
		c.path = append(c.path, step{index: i})
		from := c.at
		if r := element(i); r != nil {
			return r
		}
		c.next(from)
	}
	c.at++
	return nil
}

// next leaves the value that began at from, or passes over it where nobody read it, and the comma behind it.
func (c *cursor) next(from int) {
	if c.at == from {
		c.skip()
	}
	c.path = c.path[:len(c.path)-1]
	c.space()
	if c.text[c.at] == ',' {
		c.at++
		c.space()
	}
}

// later reads a member that was passed over, since it needs what stood behind it, of the object that the cursor has read.
func (c *cursor) later(at int, name string, read func() *Rejection) *Rejection {
	behind := c.at
	c.at, c.path = at, append(c.path, step{name: []byte(name)})
	if r := read(); r != nil {
		return r
	}
	c.at, c.path = behind, c.path[:len(c.path)-1]
	return nil
}

// name reads a string, such as a member's name.
func (c *cursor) name() []byte {
	from, plain := c.at, true
	for c.at++; c.text[c.at] != '"'; c.at++ {
		if c.text[c.at] == '\\' {
			c.at++
			plain = false
		}
	}
	c.at++
	raw := c.text[from+1 : c.at-1]
	if plain {
		return raw
	}
	return unescaped(raw)
}

// unescaped is the text of a JSON string without its quotes, as encoding/json reads it; it costs no more than the string is long.
func unescaped(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := unit(raw[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				if pair := utf16.DecodeRune(r, unit(bytes.TrimPrefix(raw[i+1:], []byte(`\u`)))); pair != utf8.RuneError && bytes.HasPrefix(raw[i+1:], []byte(`\u`)) {
					r, i = pair, i+6
				} else {
					r = utf8.RuneError
				}
			}
			out = utf8.AppendRune(out, r)
		default: // quote, backslash and slash stand for themselves
			out = append(out, raw[i])
		}
	}
	return out
}

// unit reads the four hex digits of a \u; -1 where they are not there.
func unit(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
