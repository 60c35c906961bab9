package alerts

import (
	"bytes"
	"encoding/json"
	"testing"
)

// Whatever is shortened is shorter, valid, cut only in its evidence, and cut to the same bytes again.
func FuzzShorten(f *testing.F) {
	a := Alert{ID: "alr_1", Rev: 1, Evidence: []Evidence{{Name: "a", Events: []string{"x@1-1", "x@2-2"}}, {Name: "b", Events: []string{"y@1-1"}}}}
	f.Add(a.AppendJSON(nil, false), 600)
	f.Add([]byte(`{"evidence":[{"events":[1,2]},{}],"x":{"evidence":3}}`), 40)
	f.Add([]byte(`{"evidence":{},"a":1,"a":2}`), 3)
	f.Fuzz(func(t *testing.T, line []byte, limit int) {
		if !json.Valid(line) || limit < 0 {
			return
		}
		short, cut, err := shortenAlert(line, limit)
		if err != nil {
			return
		}
		if len(short) >= limit || !json.Valid(short) || cut == "" && !bytes.Equal(short, line) {
			t.Fatalf("limit %d: cut %q to %q", limit, cut, short)
		}
		again, _, _ := shortenAlert(line, limit)
		if !bytes.Equal(short, again) {
			t.Fatalf("%q, then %q", short, again)
		}
		if cut == "" {
			return
		}
		before, _ := members(line)
		after, _ := members(short)
		for i, m := range before {
			if m.key != "evidence" && !bytes.Equal(m.value, after[i].value) {
				t.Fatalf("member %s became %s", m.key, after[i].value)
			}
		}
	})
}
