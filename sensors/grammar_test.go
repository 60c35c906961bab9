package sensors

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzGrammatical holds the quick look at JSON to the library's: it takes nothing else, and leaves nothing but what nests deep.
func FuzzGrammatical(f *testing.F) {
	for _, seed := range []string{`"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0061"`, `"\ude00\ud83d"`, `"\u00e9\n\r\t\f\b\/\\\""`, `{}`, `[]`, ` [ ] `, `{"a":1}`, `{"a":[1,-0.5e+3,{"b":null}],"c":true,"d":false}`, `"\u00e9\"\\\/\b"`, `[1,]`, `{"a":1,}`, `{,}`,
		`{"a"}`, `{"a":}`, `[1 2]`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`, `-0`, `00`, `tru`, `nullx`, `"a`, "\"\x01\"", `"\x"`, `"\u12g4"`, `{"a":1]`, `[1}`, `]`, `}`,
		`[[]]]`, ``, ` `, `1 1`, `{"a":1}{}`, `[,1]`, `{"a" : [ ] , "b" : { } }`, `NaN`, `Infinity`, `'a'`, "\ufeff{}", `{"a":1,"a":2}`, `"\u123`, `"\`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65), strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		quick, slow := grammatical(text), json.Valid(text)
		if quick && !slow {
			t.Fatalf("%q is taken and is no JSON", text)
		}
		var want string
		if slow && utf8.Valid(text) && json.Unmarshal(text, &want) == nil && bytes.ContainsRune(text, '"') {
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
