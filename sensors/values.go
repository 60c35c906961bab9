package sensors

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"time"

	"magpie/sensors/message"
)

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

// null passes over a null.
func (c *cursor) null() bool {
	if c.text[c.at] != 'n' {
		return false
	}
	end := literal(c.text, c.at, "null")
	if end >= 0 {
		c.at = end
	}
	return end >= 0
}

func (c *cursor) number(into *number, want string) *Rejection {
	if c.null() {
		return nil
	}
	if b := c.text[c.at]; b != '-' && (b < '0' || b > '9') {
		return c.wrong(want)
	}
	if v, places, ok := c.decimal(); ok {
		*into = number{float64(v) / powers[places], true}
		return nil
	}
	from, end := c.at, digits(c.text, c.at)
	if end < 0 {
		return c.broken()
	}
	c.at = end
	v, err := strconv.ParseFloat(string(c.text[from:end]), 64)
	if err != nil || math.IsInf(v, 0) {
		return c.reject(CodeRange, "is %s, beyond any number", clip(c.text[from:c.at]))
	}
	*into = number{v, true}
	return nil
}

// powers are those of ten that a decimal may be divided by.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// decimal reads a number of at most 15 digits without an exponent, as v and how many of its digits are behind the point;
// ok is false, and the cursor where it was, for any other and for what is no number. v and the power of ten are exact as
// floats, so their quotient is the float nearest to what was written, as strconv gives it.
func (c *cursor) decimal() (v int64, places int, ok bool) {
	text, at := c.text, c.at
	negative := at < len(text) && text[at] == '-'
	if negative {
		at++
	}
	from := at
	for at < len(text) && text[at]-'0' <= 9 {
		v = 10*v + int64(text[at]-'0')
		at++
	}
	whole := at - from
	if whole == 0 || whole > 1 && text[from] == '0' {
		return 0, 0, false
	}
	if at < len(text) && text[at] == '.' {
		at++
		from = at
		for at < len(text) && text[at]-'0' <= 9 {
			v = 10*v + int64(text[at]-'0')
			at++
		}
		if places = at - from; places == 0 {
			return 0, 0, false
		}
	}
	if whole+places > 15 || at < len(text) && text[at]|0x20 == 'e' || negative && v == 0 { // strconv has a zero below zero
		return 0, 0, false
	}
	if negative {
		v = -v
	}
	c.at = at
	return v, places, true
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
	if b := c.text[from]; b >= '0' && b <= '9' {
		if v, places, ok := c.decimal(); ok && places == 0 && v >= low && v <= high {
			*into = integer{v, true}
			return nil
		}
		c.at = from
	}
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
	s, ok := c.chars()
	if !ok {
		return nil, c.broken()
	}
	if len(s) > maxString {
		return nil, c.reject(CodeRange, "has %d bytes: %d are allowed", len(s), maxString)
	}
	return s, nil
}

// term reads a string that is only compared with others; nil is absent, and so is an empty one. It may be part of the payload.
func (c *cursor) term(into *[]byte, want string) *Rejection {
	b, r := c.bytes(want)
	if len(b) > 0 {
		*into = b
	}
	return r
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
	recent := &c.recent[glance(b)%uint64(len(c.recent))]
	if *recent == string(b) {
		return *recent
	}
	s, ok := c.intern[string(b)]
	if !ok {
		if len(c.intern) >= 1<<16 {
			clear(c.intern)
		}
		s = string(b)
		c.intern[s] = s
	}
	*recent = s
	return s
}

// gtin14 is fusion.GTIN14 of a SKU, kept.
func (c *cursor) gtin14(sku []byte) string {
	const zeros = "00000000000000"
	if n := len(sku); n > 0 && n < len(zeros) && decimals(sku, 0) == n {
		c.room = append(append(c.room[:0], zeros[n:]...), sku...)
		sku = c.room
	}
	return c.keep(sku)
}

// glance is a number that differs for most strings that differ, from their length and ends.
func glance(b []byte) uint64 {
	n := uint64(len(b))
	if len(b) < 8 {
		for _, x := range b {
			n = n<<8 | uint64(x)
		}
	} else {
		n ^= binary.LittleEndian.Uint64(b) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[len(b)-8:]), 23)
	}
	return n * 0x9e3779b97f4a7c15 >> 48
}

func (c *cursor) flag(into *flag) *Rejection {
	if c.null() {
		return nil
	}
	end, is := literal(c.text, c.at, "true"), true
	if end < 0 {
		end, is = literal(c.text, c.at, "false"), false
	}
	if end < 0 {
		return c.wrong("true or false")
	}
	c.at = end
	*into = flag{is, true}
	return nil
}

func (c *cursor) time(into *message.Time) *Rejection {
	if c.null() {
		return nil
	}
	from := c.at
	if ms, places, ok := c.decimal(); ok && places == 0 {
		if t, err := message.Since1970(ms, time.Millisecond); err == nil {
			*into = t
			return nil
		}
	}
	c.at = from
	if _, ok := c.chars(); !ok && !c.skip() {
		return c.broken()
	}
	return c.timed(into, c.text[from:c.at])
}

// epc reads an EPC in hex: at most the 496 bits that a tag can hold.
func (c *cursor) epc(into *word) *Rejection {
	from := c.at
	r := c.hexadecimal(into, wantEPC)
	if r == nil && len(into.v) > maxEPC {
		*into = word{}
		return c.reject(CodeRange, "is %s: an EPC has at most %d hex digits", clip(c.text[from:c.at]), maxEPC)
	}
	return r
}

// maxEPC is the longest EPC in hex digits: 31 words of 16 bits (Gen2 air interface, the length in the PC word).
const maxEPC = 124

// quoted reads a number that may stand in quotes, and holds it to a range.
func (c *cursor) quoted(into *number, low, high float64, want string) *Rejection {
	if c.text[c.at] != '"' {
		return c.within(into, low, high, want)
	}
	from := c.at
	b := bytes.TrimSpace(c.name())
	if len(b) == 0 {
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil || v != v {
		return c.reject(CodeType, "is the string %s: %s is wanted", clip(c.text[from:c.at]), want)
	}
	if v < low || v > high {
		return c.reject(CodeRange, "is %s: %s is wanted", clip(b), want)
	}
	*into = number{v, true}
	return nil
}

// quotedInteger reads an integer that may stand in quotes.
func (c *cursor) quotedInteger(into *integer, low, high float64, want string) *Rejection {
	from := c.at
	var n number
	if r := c.quoted(&n, low, high, want); r != nil || !n.set {
		return r
	}
	if n.v != math.Trunc(n.v) {
		return c.reject(CodeType, "is %s: %s is wanted", clip(c.text[from:c.at]), want)
	}
	*into = integer{int64(n.v), true}
	return nil
}

// hexadecimal reads a string of hex digits and returns it in capitals.
func (c *cursor) hexadecimal(into *word, want string) *Rejection {
	b, r := c.bytes(want)
	if r != nil || len(b) == 0 {
		return r
	}
	small := false
	for _, d := range b {
		switch {
		case d >= 'a' && d <= 'f':
			small = true
		case d >= '0' && d <= '9', d >= 'A' && d <= 'F':
		default:
			return c.reject(CodeType, "is %q: %s is wanted", clip(b), want)
		}
	}
	if small {
		b = bytes.ToUpper(b)
	}
	*into = word{c.keep(b), true}
	return nil
}
