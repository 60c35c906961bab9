package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const at = 1795341600_123456789 // 2026-11-22T10:00:00.123456789Z

func TestLineText(t *testing.T) {
	const head = `{"received":"2026-11-22T10:00:00.123456789Z",`
	for _, test := range []struct {
		line Line
		want string
	}{
		{Line{Topic: "magpie/v1/s/rfid/r", Payload: []byte(`{"epc" : "E2","rssi":-5e1}`)}, `"topic":"magpie/v1/s/rfid/r","payload":{"epc" : "E2","rssi":-5e1}}`},
		{Line{Topic: "a\"b\\c\x01é", Retain: true, Payload: []byte(`12.34`)}, `"topic":"a\"b\\c\u0001é","retain":true,"payload":12.34}`},
		{Line{Topic: "t", Payload: []byte(` {} `)}, `"topic":"t","payload": {} }`},
		{Line{Topic: "t", Cut: true, Payload: []byte("{\n}")}, `"topic":"t","cut":true,"payload_base64":"ewp9"}`},
		{Line{Topic: "t", Payload: []byte("\xff")}, `"topic":"t","payload_base64":"/w=="}`},
		{Line{Topic: "t", Payload: []byte{}}, `"topic":"t","payload_base64":""}`},
		{Line{Control: &Control{Kind: ControlState, State: StateEmpty}}, `"control":"state","state":"empty"}`},
		{Line{Control: &Control{Kind: ControlState, State: "sha256:1", Baselines: "sha256:2"}}, `"control":"state","state":"sha256:1","baselines":"sha256:2"}`},
		{Line{Control: &Control{Kind: ControlPolicies, Hash: "sha256:3"}}, `"control":"policies","hash":"sha256:3"}`},
		{Line{Control: &Control{Kind: ControlTick}}, `"control":"tick"}`},
	} {
		test.line.Received = at
		got := string(test.line.Append(nil))
		if got != head+test.want+"\n" {
			t.Errorf("got  %swant %s\n", got, head+test.want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s is not JSON", got)
		}
		if back, err := Parse([]byte(got)); err != nil || !cmp.Equal(back, test.line) {
			t.Errorf("%s reads back as %+v, %v", got, back, err)
		}
	}
}

func lines() *rapid.Generator[Line] {
	return rapid.Custom(func(t *rapid.T) Line {
		return Line{
			Received: rapid.Int64Range(0, 4e18).Draw(t, "received"),
			Topic:    rapid.String().Draw(t, "topic"),
			Retain:   rapid.Bool().Draw(t, "retain"),
			Cut:      rapid.Bool().Draw(t, "cut"),
			Payload: rapid.OneOf(
				rapid.SliceOf(rapid.Byte()),
				rapid.Map(rapid.StringMatching(`[ \t\r\n]?(\{"a": ?[0-9]\.5e3\}|\["é\\n"\]|null|"x")[ \n]?`), func(s string) []byte { return []byte(s) }),
			).Draw(t, "payload"),
		}
	})
}

func TestLineProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := lines().Draw(t, "line")
		l.Payload = append([]byte{}, l.Payload...)
		text := l.Append(nil)
		if bytes.Count(text, []byte("\n")) != 1 || !json.Valid(text) || !utf8.Valid(text) {
			t.Fatalf("%q is not one line of JSON", text)
		}
		if back, err := Parse(text); err != nil || !cmp.Equal(back, l) {
			t.Fatalf("%q reads back as %+v, %v", text, back, err)
		}
		var any struct {
			Payload json.RawMessage
			Base64  []byte `json:"payload_base64"`
		}
		if err := json.Unmarshal(text, &any); err != nil {
			t.Fatal(err)
		}
		if inside := append(any.Base64, any.Payload...); !bytes.Equal(bytes.TrimSpace(inside), bytes.TrimSpace(l.Payload)) {
			t.Fatalf("another reader finds %q in %q", inside, text)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"received":"2026-11-22T10:00:00.123456789Z","topic":"t","retain":true,"payload":{"a":1}}`))
	f.Add([]byte(`{"received":"2026-11-22T10:00:00.123456789Z","control":"tick"}`))
	f.Add([]byte(`{ "topic":"t","payload_base64":"/w==", "received":"2026-11-22T10:00:00Z" }`))
	f.Add([]byte(`{"received":"2026-11-22T10:00:00.123456789Z","topic":"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without words")
			}
			return
		}
		back, err := Parse(l.Append(nil))
		if l.Payload == nil {
			back.Payload = nil
		}
		if err != nil || !cmp.Equal(back, l) {
			t.Fatalf("%q reads as %+v, written and read again as %+v, %v", text, l, back, err)
		}
	})
}

func TestReaderErrors(t *testing.T) {
	const head = `{"received":"2026-11-22T10:00:00.123456789Z",`
	for in, want := range map[string]string{
		`{"topic":"t"`:              `day.jsonl:2:12: not a JSON object: unexpected end of JSON input`,
		`[1]`:                       `day.jsonl:2:1: not a JSON object`,
		`{"topic":"t","payload":1}`: `day.jsonl:2: received is missing: every line begins with its arrival time`,
		`{"received":"noon","topic":"t","payload":1}`:              `day.jsonl:2: received is "noon", not a time such as 2026-11-22T10:00:00.123456789Z`,
		`{"received":"2026-02-30T10:00:00.000000000Z","topic":""}`: `day.jsonl:2: received is "2026-02-30T10:00:00.000000000Z", not a time such as 2026-11-22T10:00:00.123456789Z`,
		head + `"payload":1}`:                                      `day.jsonl:2: topic is missing (a line has topic and payload, or control)`,
		head + `"topic":"t"}`:                                      `day.jsonl:2: payload is missing (or payload_base64 where it is not JSON)`,
		head + `"topic":7,"payload":1}`:                            `day.jsonl:2:54: topic is a number, which it may not be`,
		head + `"topic":"t","payload_base64":"*"}`:                 `day.jsonl:2: payload_base64: illegal base64 data at input byte 0`,
		head + `"topic":"t","payload":1,"payload_base64":""}`:      `day.jsonl:2: payload and payload_base64 are both given: leave one out`,
		head + `"control":"stop"}`:                                 `day.jsonl:2: control "stop" is not known: state, policies or tick`,
		head + `"control":"state"}`:                                `day.jsonl:2: control "state" has no state: write "empty" or the hash of a snapshot`,
		head + `"control":"policies"}`:                             `day.jsonl:2: control "policies" has no hash: name the set that judges from here`,
		"{\"topic\":\"\xff\"}":                                     `day.jsonl:2: the line is not UTF-8: write the payload as payload_base64`,
	} {
		r, err := NewReader(strings.NewReader("\n"+in), "day.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err == nil || err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", in, err, want)
		}
	}
}

func TestRecordingFiles(t *testing.T) {
	for _, name := range []string{"a.jsonl", "a.jsonl.gz", "a.jsonl.zst"} {
		path := filepath.Join(t.TempDir(), name)
		rec, err := CreateRecording(path, at)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := rec.Write(Line{Received: at - int64(i), Topic: "t", Payload: []byte(strings.Repeat("1", 100_000))}); err != nil {
				t.Fatal(err)
			}
		}
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := CreateRecording(path, at); err == nil || !strings.Contains(err.Error(), "never written over") {
			t.Errorf("%s written over: %v", name, err)
		}
		r, err := OpenRecording(path)
		if err != nil {
			t.Fatal(err)
		}
		first, err := r.Next()
		if err != nil || first.Control == nil || first.Control.State != StateEmpty {
			t.Errorf("%s begins with %+v, %v", name, first, err)
		}
		for i := range 3 {
			if l, err := r.Next(); err != nil || l.Received != at || len(l.Payload) != 100_000 || r.Line() != i+2 {
				t.Errorf("%s line %d: %+v, %v", name, r.Line(), l.Received, err)
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s ends with %v", name, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCut(t *testing.T) {
	drop := []string{"member", "customer_id"}
	for in, want := range map[string]string{
		`{"ts":1,"member":"m7","sku":"1"}`:              `{"ts":1,"sku":"1"}`,
		`{"member":"m7","sku":"1"}`:                     `{"sku":"1"}`,
		`{"sku":"1" , "member" : {"deep":[1,{"a":2}]}}`: `{"sku":"1" }`,
		`{"member":1}`:                             `{}`,
		`{"member":1,"customer_id":2}`:             `{}`,
		`{"a":1, "member":1, "customer_id":2}`:     `{"a":1 }`,
		`{"a":1,"member":1,"b":3,"customer_id":2}`: `{"a":1,"b":3}`,
		`[{"a":{"member":1}},{"customer_id":[]}]`:  `[{"a":{}},{}]`,
		`{"m\u0065mber":"m7","a":"member"}`:        `{"a":"member"}`,
		`{"a":"member"}`:                           `{"a":"member"}`,
		`{"remember":1}`:                           `{"remember":1}`,
		`member`:                                   `member`,
		"{\"member\":1,\"a\":2}\n{\"b\":3}\n":      "{\"a\":2}\n{\"b\":3}\n",
		"{\"member\":1,\"a\":2}\n\n{\"b\":3}\n":    "{\"a\":2}\n\n{\"b\":3}\n",
		// What is no JSON is not kept when it may hold such a member.
		"{\"member\":\"m7\"}\x00":               "",
		`{"member":"m7"`:                        "",
		"\ufeff{\"a\":1,\"member\":\"m7\"}":     "",
		"{\"m\\u0065mber\":\"m7\"}\x00":         "",
		"{'member':'m7'}":                       "",
		"{\"a\":\n\"member\"\n:\"m7\"}\x00":     "",
		"{\"member\":1}\nnot JSON\n":            "{}\nnot JSON\n",
		"{\"a\":\"x\"}\x00 a member, no quotes": "{\"a\":\"x\"}\x00 a member, no quotes",
		`{"remember":1`:                         `{"remember":1`,
	} {
		got, cut := Cut([]byte(in), drop)
		if string(got) != want || cut != (want != in) {
			t.Errorf("%s\ngot  %s, %v\nwant %s", in, got, cut, want)
		}
	}
}

func FuzzCut(f *testing.F) {
	for _, seed := range []string{"{\"member\":1}\x00", "\"member\"\n:1", `{"a":1,"member":{"x":[1,2]},"b":"\"member\""}`, `[{"member":1 , "member":2}]`, `{"m\u0065mber":0}`, `{"":{"member":[]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, _ := Cut(in, []string{"member"})
		if !json.Valid(in) {
			all := true
			for line := range bytes.Lines(in) {
				all = all && (json.Valid(line) || len(bytes.TrimSpace(line)) == 0)
			}
			if !all && bytes.Contains(got, []byte(`"member"`)) {
				t.Fatalf("%q cut to %q", in, got)
			}
			return
		}
		var want, have any
		if err := json.Unmarshal(in, &want); err != nil {
			return
		}
		if err := json.Unmarshal(got, &have); err != nil {
			t.Fatalf("%s cut to %s: %v", in, got, err)
		}
		if !cmp.Equal(without(want), have) {
			t.Fatalf("%s cut to %s", in, got)
		}
		if again, cut := Cut(got, []string{"member"}); cut {
			t.Fatalf("%s cut twice: %s, %s", in, got, again)
		}
		Shift(in, at, time.Second)
	})
}

// without is the plain way to cut: through a decoded value, which does not keep the bytes.
func without(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "member")
		for k := range v {
			v[k] = without(v[k])
		}
	case []any:
		for i := range v {
			v[i] = without(v[i])
		}
	}
	return v
}

func TestShift(t *testing.T) {
	for in, want := range map[string]string{
		`{"ts":1795341600123, "a":1}`:                   `{"ts":1795341601623, "a":1}`,
		`{"reads":[{"ts":"2026-11-22T10:00:00.123Z"}]}`: `{"reads":[{"ts":"2026-11-22T10:00:01.623000000Z"}]}`,
		`{"ts":"arrival"}`:                              `{"ts":"arrival"}`,
		`{"timestamp":"2026-02-26T17:13:37.432087177Z","tagInventoryEvent":{"lastSeenTime":"2026-02-26T17:13:37Z"}}`: `{"timestamp":"2026-02-26T17:13:38.932087177Z","tagInventoryEvent":{"lastSeenTime":"2026-02-26T17:13:38.500000000Z"}}`,
		`{"name":"ts"}`: `{"name":"ts"}`,
		`ts`:            `ts`,
		// Other makers' names and forms, near the arrival.
		`{"UtcTime":"2026-11-22T10:00:00.000Z"}`:                                             `{"UtcTime":"2026-11-22T10:00:01.500000000Z"}`,
		`{"Time":"2026-11-22T10:00:00","HX711":{"Weight":12.5}}`:                             `{"Time":"2026-11-22T10:00:01","HX711":{"Weight":12.5}}`,
		`{"at":"2026-11-22 11:00:00.25"}`:                                                    `{"at":"2026-11-22 11:00:01.75"}`,
		`{"event_time":1795341600000,"basket_id":"b1"}`:                                      `{"event_time":1795341601500,"basket_id":"b1"}`,
		`{"frame_time":1795341600.5,"score":0.5}`:                                            `{"frame_time":1795341602.0,"score":0.5}`,
		`{"frame_time":1795341600.123456}`:                                                   `{"frame_time":1795341601.623456}`,
		`{"timestamp":1795341600123456}`:                                                     `{"timestamp":1795341601623456}`,
		`{"t":1795341600123456789}`:                                                          `{"t":1795341601623456789}`,
		`{"epc":"303404579800D6800004CB2F","sku":71142008582,"born":"1990-01-01T00:00:00Z"}`: `{"epc":"303404579800D6800004CB2F","sku":71142008582,"born":"1990-01-01T00:00:00Z"}`,
		`{"n":1e300,"m":9223372036854775807,"x":12.5e3,"y":-1795341600}`:                     `{"n":1e300,"m":9223372036854775807,"x":12.5e3,"y":-1795341600}`,
	} {
		if got := string(Shift([]byte(in), at, 1500*time.Millisecond)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := Line{Received: at, Topic: "magpie/v1/s042/rfid/r-door", Payload: []byte(`{"ts":"2026-11-22T10:00:00.123Z","seq":881,"epc":"303404579800D6800004CB2F","antenna":1,"rssi":-54.5}`)}.Append(nil)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
