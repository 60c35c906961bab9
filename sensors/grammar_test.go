package sensors

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// documents are JSON, what is nearly JSON, and where the two differ.
func documents() []string {
	return []string{`"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0061"`, `"\ude00\ud83d"`, `"\u00e9\n\r\t\f\b\/\\\""`, `{}`, `[]`, ` [ ] `, `{"a":1}`, `{"a":[1,-0.5e+3,{"b":null}],"c":true,"d":false}`, `"\u00e9\"\\\/\b"`, `[1,]`, `{"a":1,}`, `{,}`,
		`{"a"}`, `{"a":}`, `[1 2]`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`, `-0`, `00`, `tru`, `nullx`, `"a`, "\"\x01\"", `"\x"`, `"\u12g4"`, `{"a":1]`, `[1}`, `]`, `}`,
		`[[]]]`, ``, ` `, `1 1`, `{"a":1}{}`, `[,1]`, `{"a" : [ ] , "b" : { } }`, `NaN`, `Infinity`, `'a'`, "\ufeff{}", `{"a":1,"a":2}`, `"\u123`, `"\`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65), strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70),
		"\"\x80\"", "\"é😀\"", "\"\xed\xa0\x80\"", "\"\xf0\x9f\x98\"", "{\"\xc3\xa9\":1,\"\xc3\":2}", `"seven77"`, `"eight888"`, `"nine99999"`, "\"eight888\x1f\"", `"seven77\n"`, `"eight888\"9"`,
		`{"a":true,"a":null,"b":[{"c":"d"},{}],"":0}`, `[null,nullnull]`, `[truefalse]`, `[-]`, `[1.e1]`, `[1e400]`, `[-1e400]`, `[1e-400]`, `[-0.0]`, `[123456789012345]`,
		`[1234567890123456]`, `[0.1,0.12345678901234,0.123456789012345,12345678.12345678,9007199254740993]`, `[5e-324,1.7976931348623157e308]`, `[1]x`, `{}{`, "[1]\x00", `{"a":1 "b":2}`, `{"a":1,"b"}`,
		"\"one\x1fand many more\"", "\"one\\\"and many \\\\ more\"", `{"a" 1}`, `{"a",1}`, `{"a"x1}`, `["a":1]`, `[12345678901234.567,0.12345678901234567,90782541791057.33,100000000.0000003]`}
}

// FuzzGrammatical holds the quick look at JSON to the library's: it takes nothing else, and leaves nothing but what is not UTF-8
// and what nests deep.
func FuzzGrammatical(f *testing.F) {
	for _, seed := range documents() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		quick, slow := grammatical(text), json.Valid(text) && utf8.Valid(text)
		if quick && !slow {
			t.Fatalf("%q is taken and is no JSON", text)
		}
		var want string
		if slow && json.Unmarshal(text, &want) == nil && bytes.ContainsRune(text, '"') {
			c := &cursor{}
			c.reset(text)
			if got := string(c.name()); got != want {
				t.Fatalf("%q is read as %q and is %q", text, got, want)
			}
		}
		if slow && !quick && strings.Count(string(text), "[")+strings.Count(string(text), "{") <= 64 {
			t.Fatalf("%q is JSON and is not known", text)
		}
	})
}

// FuzzCursor holds the cursor, on a document of which nothing is known yet, to encoding/json: it takes the same documents and
// reads the same values, but that it takes no more than 64 levels, no name or string that is not UTF-8, and of a string no more
// than 256 bytes.
func FuzzCursor(f *testing.F) {
	for _, seed := range documents() {
		f.Add([]byte(seed))
	}
	c := &cursor{intern: map[string]string{}}
	f.Fuzz(func(t *testing.T, text []byte) {
		c.reset(text)
		c.raw = true
		var got any
		took := false
		if c.at < len(text) {
			var r *Rejection
			got, r = c.any()
			took = r == nil && blank(text, c.at) == len(text)
		}
		var want any
		if err := json.Unmarshal(text, &want); took && err != nil {
			t.Fatalf("%q is taken, and is no JSON: %v", text, err)
		} else if !took && err == nil && utf8.Valid(text) && !long(want) && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= 64 {
			t.Fatalf("%q is not taken, and is JSON", text)
		}
		if took && (!utf8.Valid(text) || !same(got, want)) {
			t.Fatalf("%q is read as %#v, and is %#v", text, got, want)
		}
		c.reset(text) // what is passed over is held to the grammar too
		c.raw = true
		if passed := c.at < len(text) && c.skip() && blank(text, c.at) == len(text); passed != grammatical(text) {
			t.Fatalf("%q is passed over: %v", text, passed)
		}
	})
}

// any reads whatever is at the cursor, with the readers of numbers, strings and bools that messages are read with.
func (c *cursor) any() (v any, r *Rejection) {
	switch c.text[c.at] {
	case '{':
		object := map[string]any{}
		return object, c.object(func(name []byte) (r *Rejection) {
			object[string(name)], r = c.any()
			return r
		})
	case '[':
		array := []any{}
		return array, c.array(func(int) *Rejection {
			v, r := c.any()
			array = append(array, v)
			return r
		})
	case '"':
		b, r := c.bytes("a string")
		return string(b), r
	case 't', 'f':
		var f flag
		r := c.flag(&f)
		return f.v, r
	case 'n':
		if !c.null() {
			return nil, c.broken()
		}
		return nil, nil
	}
	from, whole := c.at, integer{}
	if r := c.integer(&whole, -maxSeq, maxSeq, "an integer"); r == nil {
		at := c.at
		c.at = from
		var n number
		if r := c.number(&n, "a number"); r != nil || c.at != at || n.v != float64(whole.v) {
			return nil, c.reject(CodeRange, "is two numbers")
		}
		return n.v, nil
	}
	c.at = from
	var n number
	r = c.number(&n, "a number")
	return n.v, r
}

// same reports whether two values are, to the sign of a zero.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, same)
	}
	return a == b
}

// long reports whether a document holds a string that is longer than any that is kept.
func long(v any) bool {
	switch v := v.(type) {
	case string:
		return len(v) > maxString
	case []any:
		return slices.ContainsFunc(v, long)
	case map[string]any:
		for _, v := range v {
			if long(v) {
				return true
			}
		}
	}
	return false
}
