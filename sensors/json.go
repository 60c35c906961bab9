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

// cursor reads a payload that valid has accepted, or one of which nothing is known yet (raw): then it holds what it reads to
// the grammar itself, and whatever it rejects must be looked at by valid first. It knows where it is, for errors, and interns
// strings: ids repeat from message to message.
//
// It is our own since no library that was measured is both as fast and as strict (go-json 0.12, sonic 1.15, fastjson 1.6,
// simdjson-go 0.4, encoding/json v2): the fastest, go-json, fills a struct with a read of a tag in 190 ns, and takes what is
// not UTF-8 and names in any case; this takes 215 ns with time, ranges, UTF-8 and the place of an error, the strict one 720 ns.
type cursor struct {
	text   []byte
	at     int // never behind the last byte where a value is about to be read
	raw    bool
	path   []step
	intern map[string]string
	recent [1 << 10]string // of intern: those that came last, each in the place that a glance at it gives
	room   []byte          // for what is written otherwise than in the payload
}

// step is one level of the path to where a cursor is: a member's name, or a place in an array where name is nil.
type step struct {
	name  []byte
	index int
}

// valid reports whether payload is UTF-8 and JSON.
func valid(payload []byte) *Rejection {
	if grammatical(payload) {
		return nil
	}
	if !utf8.Valid(payload) {
		return &Rejection{Code: CodeBadJSON, Reason: "the payload is not UTF-8: send JSON in UTF-8"}
	}
	if bytes.HasPrefix(payload, []byte("\ufeff")) {
		return &Rejection{Code: CodeBadJSON, Reason: "the payload begins with a byte order mark: send UTF-8 without one"}
	}
	if json.Valid(payload) { // it nests deep
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
	c.text, c.at, c.path, c.raw = text, 0, c.path[:0], false
	c.space()
}

// peek is the byte that the cursor is at, 0 behind the last.
func (c *cursor) peek() byte {
	if c.at < len(c.text) {
		return c.text[c.at]
	}
	return 0
}

// broken rejects a payload that is perhaps not JSON: valid says what is wrong with it.
func (c *cursor) broken() *Rejection { return c.reject(CodeBadJSON, "is not JSON") }

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

// skip passes over the value at the cursor; false where it is perhaps not JSON.
func (c *cursor) skip() bool {
	if c.raw {
		end := past(c.text, c.at)
		if end >= 0 {
			c.at = end
		}
		return end >= 0
	}
	text, at := c.text, c.at
	for depth := 0; at < len(text); {
		switch text[at] {
		case '"':
			at = quotes(text, at)
		case '{', '[':
			depth++
			at++
			continue
		case '}', ']':
			depth--
			at++
		case ',', ':', ' ', '\t', '\r', '\n':
			at++
			continue
		default:
			for at < len(text) && !ends(text[at]) {
				at++
			}
		}
		if depth == 0 {
			break
		}
	}
	c.at = at
	return true
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
	if c.at = blank(c.text, c.at+1); c.peek() == '}' {
		c.at++
		return nil
	}
	level := len(c.path)
	c.path = append(c.path, step{})
	for {
		name, ok := c.chars()
		if !ok {
			return c.broken()
		}
		text, at := c.text, c.at
		if at < len(text) && text[at] != ':' {
			at = blank(text, at)
		}
		if at >= len(text) || text[at] != ':' {
			return c.broken()
		}
		at++
		if at < len(text) && text[at] <= ' ' {
			at = blank(text, at)
		}
		if at >= len(text) {
			return c.broken()
		}
		c.at = at
		c.path[level].name = name
		if r := member(name); r != nil {
			return r
		}
		switch c.next(at, '}') {
		case ',':
		case '}':
			c.path = c.path[:level]
			return nil
		default:
			return c.broken()
		}
	}
}

// array calls element for every element of the array at the cursor.
func (c *cursor) array(element func(i int) *Rejection) *Rejection {
	if c.text[c.at] != '[' {
		return c.wrong("an array")
	}
	if c.at = blank(c.text, c.at+1); c.peek() == ']' {
		c.at++
		return nil
	}
	level := len(c.path)
	c.path = append(c.path, step{})
	for i := 0; c.at < len(c.text); i++ {
		c.path[level].index = i
		from := c.at
		if r := element(i); r != nil {
			return r
		}
		switch c.next(from, ']') {
		case ',':
		case ']':
			c.path = c.path[:level]
			return nil
		default:
			return c.broken()
		}
	}
	return c.broken()
}

// next leaves the value that began at from, or passes over it where nobody read it, and what stands behind it: a comma or
// the end, which it returns; 0 where it is neither.
func (c *cursor) next(from int, end byte) byte {
	if c.at == from && !c.skip() {
		return 0
	}
	text, at := c.text, c.at
	if at < len(text) && text[at] <= ' ' {
		at = blank(text, at)
	}
	if at >= len(text) {
		return 0
	}
	switch text[at] {
	case ',':
		if at++; at < len(text) && text[at] <= ' ' {
			at = blank(text, at)
		}
		c.at = at
		return ','
	case end:
		c.at = at + 1
		return end
	}
	return 0
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

// chars reads a string, such as a member's name; false where it is none.
func (c *cursor) chars() (s []byte, ok bool) {
	text, from := c.text, c.at+1
	if c.peek() != '"' {
		return nil, false
	}
	end := ordinary(text, from)
	if end < len(text) && text[end] == '"' {
		c.at = end + 1
		return text[from:end], true
	}
	if end = quotes(text, c.at); end < 0 {
		return nil, false
	}
	c.at = end
	if s = text[from : end-1]; bytes.IndexByte(s, '\\') >= 0 {
		s = unescaped(s)
	}
	return s, true
}

// name reads a string of a payload that is known to be JSON.
func (c *cursor) name() []byte {
	s, _ := c.chars()
	return s
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
