package sensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"magpie/sensors/message"
)

// cursor reads a payload that valid has accepted, so that it need not look at the grammar again. It knows where it is,
// for errors, and interns strings: ids repeat from message to message.
type cursor struct {
	text   []byte
	at     int
	path   []step
	intern map[string]string
}

// step is one level of the path to where a cursor is: a member's name, or a place in an array where name is nil.
type step struct {
	name  []byte
	index int
}

// Optional values: set is false for a member that is absent or null.
type (
	number struct {
		v   float64
		set bool
	}
	integer struct {
		v   int64
		set bool
	}
	word struct {
		v   string
		set bool
	}
	flag struct {
		v, set bool
	}
)

// maxString bounds ids and names; nothing that is shorter needs to be cut anywhere.
const maxString = 256

// valid reports whether payload is UTF-8 and JSON.
func valid(payload []byte) *Rejection {
	if !utf8.Valid(payload) {
		return &Rejection{Code: CodeBadJSON, Reason: "the payload is not UTF-8: send JSON in UTF-8"}
	}
	if json.Valid(payload) {
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

func (c *cursor) space() {
	for c.at < len(c.text) {
		switch c.text[c.at] {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return
		}
	}
}

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
			for c.at < len(c.text) && bytes.IndexByte([]byte(",]} \t\r\n"), c.text[c.at]) < 0 {
				c.at++
			}
		}
		if depth == 0 {
			return
		}
	}
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
		if r := c.value(func() *Rejection { return member(name) }); r != nil {
			return r
		}
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
		if r := c.value(func() *Rejection { return element(i) }); r != nil {
			return r
		}
	}
	c.at++
	return nil
}

// value reads one value with read, or passes over it where read did not, and the comma behind it.
func (c *cursor) value(read func() *Rejection) *Rejection {
	from := c.at
	if r := read(); r != nil {
		return r
	}
	if c.at == from {
		c.skip()
	}
	c.path = c.path[:len(c.path)-1]
	c.space()
	if c.text[c.at] == ',' {
		c.at++
		c.space()
	}
	return nil
}

// name reads a member's name.
func (c *cursor) name() []byte {
	from := c.at
	c.skip()
	raw := c.text[from+1 : c.at-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	var s string
	if json.Unmarshal(c.text[from:c.at], &s) != nil {
		return raw
	}
	return []byte(s)
}

// null passes over a null.
func (c *cursor) null() bool {
	if c.text[c.at] != 'n' {
		return false
	}
	c.at += len("null")
	return true
}

func (c *cursor) number(into *number, want string) *Rejection {
	if c.null() {
		return nil
	}
	if b := c.text[c.at]; b != '-' && (b < '0' || b > '9') {
		return c.wrong(want)
	}
	from := c.at
	c.skip()
	v, err := strconv.ParseFloat(string(c.text[from:c.at]), 64)
	if err != nil || math.IsInf(v, 0) {
		return c.reject(CodeRange, "is %s, beyond any number", clip(c.text[from:c.at]))
	}
	*into = number{v, true}
	return nil
}

// within reads a number and holds it to a range.
func (c *cursor) within(into *number, low, high float64, want string) *Rejection {
	if r := c.number(into, want); r != nil || !into.set {
		return r
	}
	if into.v < low || into.v > high {
		return c.reject(CodeRange, "is %s: %s is wanted", strconv.FormatFloat(into.v, 'g', -1, 64), want)
	}
	return nil
}

func (c *cursor) integer(into *integer, low, high int64, want string) *Rejection {
	from := c.at
	var n number
	if r := c.number(&n, want); r != nil || !n.set {
		return r
	}
	v, err := strconv.ParseInt(string(c.text[from:c.at]), 10, 64)
	if err != nil {
		if n.v != math.Trunc(n.v) {
			return c.reject(CodeType, "is %s: %s is wanted", clip(c.text[from:c.at]), want)
		}
		v = int64(max(-1<<62, min(n.v, 1<<62)))
	}
	if v < low || v > high {
		return c.reject(CodeRange, "is %s: %s is wanted", clip(c.text[from:c.at]), want)
	}
	*into = integer{v, true}
	return nil
}

// bytes reads a string; what it returns may be part of the payload and is nil for null.
func (c *cursor) bytes(want string) ([]byte, *Rejection) {
	if c.null() {
		return nil, nil
	}
	if c.text[c.at] != '"' {
		return nil, c.wrong(want)
	}
	s := c.name()
	if len(s) > maxString {
		return nil, c.reject(CodeRange, "has %d bytes: %d are allowed", len(s), maxString)
	}
	return s, nil
}

// word reads a string; an empty one counts as absent.
func (c *cursor) word(into *word, want string) *Rejection {
	b, r := c.bytes(want)
	if r != nil || len(b) == 0 {
		return r
	}
	*into = word{c.keep(b), true}
	return nil
}

// keep returns b as a string that is shared by all that are equal, within a bound.
func (c *cursor) keep(b []byte) string {
	if s, ok := c.intern[string(b)]; ok {
		return s
	}
	if len(c.intern) >= 1<<16 {
		clear(c.intern)
	}
	s := string(b)
	c.intern[s] = s
	return s
}

func (c *cursor) flag(into *flag) *Rejection {
	switch c.text[c.at] {
	case 'n':
		c.null()
	case 't':
		c.at += len("true")
		*into = flag{true, true}
	case 'f':
		c.at += len("false")
		*into = flag{false, true}
	default:
		return c.wrong("true or false")
	}
	return nil
}

func (c *cursor) time(into *message.Time) *Rejection {
	if c.null() {
		return nil
	}
	from := c.at
	c.skip()
	t, err := message.ParseTime(c.text[from:c.at])
	var bad *message.TimeError
	if errors.As(err, &bad) {
		code := CodeType
		if bad.Range {
			code = CodeRange
		}
		return &Rejection{Code: code, Path: c.pointer(""), Reason: bad.Reason}
	}
	*into = t
	return nil
}

// hexadecimal reads a string of hex digits and returns it in capitals.
func (c *cursor) hexadecimal(into *word, want string) *Rejection {
	b, r := c.bytes(want)
	if r != nil || len(b) == 0 {
		return r
	}
	var up [maxString]byte
	for i, d := range b {
		switch {
		case d >= 'a' && d <= 'f':
			d -= 'a' - 'A'
		case d >= '0' && d <= '9', d >= 'A' && d <= 'F':
		default:
			return c.reject(CodeType, "is %q: %s is wanted", clip(b), want)
		}
		up[i] = d
	}
	*into = word{c.keep(up[:len(b)]), true}
	return nil
}
