package journal

import (
	"encoding/json"
	"testing"
)

// FuzzValid: what is quickly seen to be JSON is JSON, and what is not seen at once is asked about.
func FuzzValid(f *testing.F) {
	for _, s := range []string{"", "1", "-0.5e+3", "01", "1.", "-", "1e", ".5", `"a\n"`, `"\u00e9"`, `"\x"`, "\"\t\"", `"`, `"\`, "true", "tru", "nullx", "{}",
		`{"a":1,"b":[1,2,{"c":null}]}`, `{"a":1,}`, `{"a"}`, `{a:1}`, `[1 2]`, `[1,]`, "[", "[]]", " [ ] ", `{"ts":"2026-11-22T10:00:00.123Z","grams":[1.5, 2]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := valid(text), json.Valid(text); got != want {
			t.Fatalf("%q is JSON: %v; want %v", text, got, want)
		}
	})
}

// TestValidInDepth: what lies deeper than is looked at is still JSON.
func TestValidInDepth(t *testing.T) {
	for _, deep := range []int{1, quickDepth, quickDepth + 2, 9999, 10001} {
		text := make([]byte, 0, 2*deep)
		for range deep {
			text = append(text, '[')
		}
		for range deep {
			text = append(text, ']')
		}
		if got, want := valid(text), json.Valid(text); got != want {
			t.Errorf("%d arrays in one another are JSON: %v; want %v", deep, got, want)
		}
	}
}
