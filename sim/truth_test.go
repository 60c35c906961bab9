package sim

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// aVisit is a theft as somebody else would write it.
const aVisit = `{"person":"p4","kind":"theft","type":"walks out","from":"2026-01-05T10:00:14Z","to":"2026-01-05T10:01:11.2Z",` +
	`"took":"2026-01-05T10:00:32Z","exit":"2026-01-05T10:01:10Z","unpaid":[{"sku":"5012345000732","price":1494}],` +
	`"tracks":[{"track":"cam-1/65","from":"2026-01-05T10:00:14Z","to":"2026-01-05T10:00:25Z"}]}`

// TestTruthErrors: each thing that keeps a visit from being judged is named, with what to do.
func TestTruthErrors(t *testing.T) {
	if err := json.Unmarshal([]byte(aVisit), new(Visit)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ was, is, want string }{
		{`"unpaid":`, `"unpayed":`, `unknown field "unpayed"`},
		{`"type":"walks out",`, `"type":"walks out","theft":-1,`, `theft -1 is no number of the catalogue`},
		{`"theft"`, `"thief"`, `kind "thief" is not one of honest, mistake, theft, accomplice, work`},
		{`"type":"walks out",`, ``, `person and type are missing, or one of them`},
		{`"2026-01-05T10:00:32Z"`, `"10:00:32"`, `took: "10:00:32" is no time; write it as 2026-01-05T10:00:14.500Z`},
		{`"from":"2026-01-05T10:00:14Z","to"`, `"from":"2026-01-05T11:00:14Z","to"`, `give from and to`},
		{`"took":"2026-01-05T10:00:32Z",`, ``, `a theft has took`},
		{`[{"sku":"5012345000732","price":1494}]`, `[]`, `a theft has took`},
		{`cam-1/65`, `cam-1 65`, `track "cam-1 65": write camera/track as published`},
		{`"2026-01-05T10:00:25Z"`, `"2026-01-05T10:00:05Z"`, `from when to when`},
	} {
		err := json.Unmarshal([]byte(strings.Replace(aVisit, c.was, c.is, 1)), new(Visit))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v; want %q", c.is, c.was, err, c.want)
		}
	}
	if err := json.Unmarshal([]byte(strings.NewReplacer(`"theft"`, `"mistake"`, `[{"sku":"5012345000732","price":1494}]`, `[]`).Replace(aVisit)), new(Visit)); err == nil ||
		!strings.Contains(err.Error(), "a mistake has unpaid") {
		t.Errorf("a mistake with everything paid: %v", err)
	}
}

// FuzzTruth: a visit that is taken is written as it was read.
func FuzzTruth(f *testing.F) {
	f.Add([]byte(aVisit))
	f.Fuzz(func(t *testing.T, text []byte) {
		var v, back Visit
		if json.Unmarshal(text, &v) != nil {
			return
		}
		once, err := json.Marshal(&v)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(once, &back); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if again, _ := json.Marshal(&back); !bytes.Equal(once, again) {
			t.Errorf("%s\n%s", once, again)
		}
	})
}
