package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"magpie/sensors/message"
	"magpie/site"
	"magpie/strict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// example is the events of the contract's unpaid-exit_test.yaml.
const example = `0s..4s   walk   A  1,1 > 2.1,4.2
5s       weight g1-s5-p11 -621g
6s..20s  walk   A  2.1,4.2 > 4,1.5 > 4,-0.5
17.5s..20s  rfid   r-door 303404579800D6800004CB2F antenna=1 rssi=-62..-46..-60 x20
`

func shop(t testing.TB) *site.Site {
	t.Helper()
	s, err := site.Load("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expand parses and expands a script in the test shop, with two lists.
func expand(t testing.TB, text string) []Line {
	t.Helper()
	script, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := script.Lines(shop(t), Options{Goods: lists})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func lists(name string) []string {
	switch name {
	case "sauces":
		return []string{"071142008582"}
	case "blades":
		return []string{"4902430698085", "4902430698092"}
	}
	return nil
}

// of decodes the messages of one kind and source.
func of[T any](t testing.TB, lines []Line, kind, source string) (all []T, at []time.Duration, late []time.Duration) {
	t.Helper()
	start, _ := Start("", shop(t).Store.Location)
	for _, l := range lines {
		if l.Topic != message.Topic("s042", kind, source) {
			continue
		}
		var m T
		var head message.Head
		if err := json.Unmarshal(l.Payload, &m); err != nil {
			t.Fatalf("%s: %v", l.Payload, err)
		}
		if err := json.Unmarshal(l.Payload, &head); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
		at = append(at, time.Duration(head.TS.NS()-start.UnixNano()))
		late = append(late, time.Duration(l.Received-head.TS.NS()))
	}
	return all, at, late
}

func TestContractExample(t *testing.T) {
	s, err := site.Load("../rules/testdata/contract/testdata/corner-shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	script, err := Parse(example)
	if err != nil {
		t.Fatal(err)
	}
	start, err := Start("2026-11-20T22:30:00", s.Store.Location)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := script.Lines(s, Options{Start: start})
	if err != nil {
		t.Fatal(err)
	}
	got := Recording(lines)
	const golden = "testdata/contract.jsonl"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the contract's example expands otherwise than %s; if that is meant, run go test ./sim -update\n%s", golden,
			cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")))
	}
	if end := script.End(); end != 20200*time.Millisecond {
		t.Errorf("it ends at %s", end)
	}
	if people := script.People(); !cmp.Equal(people, []string{"A"}) {
		t.Errorf("people are %v", people)
	}
}

// The golden file shows everything; these are the points that matter about it.
func TestExampleSaysWhatItMeans(t *testing.T) {
	lines := expand(t, example)
	weights, at, _ := of[message.Weight](t, lines, "weight", "g1-s5-p11")
	if len(weights) != 41 || at[0] != 3*time.Second || at[40] != 7*time.Second {
		t.Errorf("%d samples from %s to %s", len(weights), at[0], at[len(at)-1])
	}
	for i, w := range weights {
		want := 12433.4
		if at[i] >= 5*time.Second {
			want = 11812.4
		}
		if w.Grams[0] != want || *w.Seq != uint64(i+1) {
			t.Errorf("at %s the plate says %v with seq %d", at[i], w.Grams, *w.Seq)
		}
	}
	frames, at, _ := of[message.Track](t, lines, "track", "cam-1")
	for i, f := range frames {
		switch {
		case i == 101:
			if len(f.Tracks) != 0 || !cmp.Equal(f.Lost, []string{"A"}) {
				t.Errorf("the last frame is %+v", f)
			}
		case at[i] != time.Duration(i)*200*time.Millisecond || len(f.Tracks) != 1 || f.Lost != nil:
			t.Errorf("frame %d at %s is %+v", i, at[i], f)
		case at[i] >= 4*time.Second && at[i] <= 6*time.Second && *f.Tracks[0].Floor != [2]float64{2.1, 4.2}:
			t.Errorf("at %s A stands at %v", at[i], *f.Tracks[0].Floor)
		}
	}
	if len(frames) != 102 || *frames[100].Tracks[0].Floor != [2]float64{4, -0.5} {
		t.Errorf("%d frames, the last of A at %v", len(frames), frames[100].Tracks[0].Floor)
	}
	reads, at, _ := of[message.RFID](t, lines, "rfid", "r-door")
	if len(reads) != 20 || at[0] != 17500*time.Millisecond || at[19] != 20*time.Second ||
		reads[0].RSSI != -62 || reads[19].RSSI != -60 || reads[9].RSSI < -48 || reads[10].RSSI < -48 {
		t.Errorf("reads at %v", at)
	}
}

func TestStepsOfOnePlateShareAStream(t *testing.T) {
	lines := expand(t, `
		5s     weight g1-s5-p11 -621g
		6.05s  weight g1-s5-p11 +100g
		6.5s   weight g1-s5-p11 5g       # one sample between
		20s    weight g1-s5-p11 7g
	`)
	weights, at, _ := of[message.Weight](t, lines, "weight", "g1-s5-p11")
	for i := 1; i < len(at); i++ {
		if at[i] <= at[i-1] {
			t.Errorf("two samples at %s and %s", at[i-1], at[i])
		}
	}
	said := map[time.Duration]float64{}
	for i := range weights {
		said[at[i]] = weights[i].Grams[0]
	}
	want := map[time.Duration]float64{3000: 12433.4, 5000: 11812.4, 6000: 11812.4, 6100: 11912.4, 6500: 5, 6600: 11912.4, 8000: 11912.4, 20000: 7}
	for ms, grams := range want {
		if said[ms*time.Millisecond] != grams {
			t.Errorf("at %d ms the plate says %v, not %v", ms, said[ms*time.Millisecond], grams)
		}
	}
	if len(weights) != 52 { // 3.0 to 8.0 and one
		t.Errorf("%d samples", len(weights))
	}
}

func TestPickAndPut(t *testing.T) {
	lines := expand(t, `
		0s..10s walk A 2,4 > 2.1,4.3
		3s      pick A sauces x2 +1s
		8s      put  A 071142008582
	`)
	weights, at, late := of[message.Weight](t, lines, "weight", "g1-s5-p11")
	for i, w := range weights {
		want := 12433.4
		switch {
		case at[i] >= 8*time.Second:
			want = 11811.73
		case at[i] >= 3*time.Second:
			want = 11190.06
		}
		wantLate := time.Duration(0)
		if at[i] <= 5*time.Second {
			wantLate = time.Second
		}
		if w.Grams[0] != want || late[i] != wantLate {
			t.Errorf("at %s the plate says %v, %s late", at[i], w.Grams, late[i])
		}
	}
	frames, at, _ := of[message.Track](t, lines, "track", "cam-1")
	for i, f := range frames {
		shows := at[i] >= 2500*time.Millisecond && at[i] <= 3500*time.Millisecond || at[i] >= 7500*time.Millisecond && at[i] <= 8500*time.Millisecond
		if len(f.Tracks) == 0 {
			continue
		}
		if o := f.Tracks[0]; (o.Hands != nil) != shows || shows && o.Hands[0] != [3]float64{2.1, 4.7, 1.2} {
			t.Errorf("at %s the hands are %v", at[i], o.Hands)
		} else if shows && (*o.Holding == 1) != (at[i] >= 3*time.Second && at[i] < 8*time.Second) {
			t.Errorf("at %s holding is %v", at[i], *o.Holding)
		}
	}
}

func TestPeopleOfOneFrame(t *testing.T) {
	lines := expand(t, `
		0s..2s  walk A 1,1 > 1,3
		1s..2s  walk B 1.5,3 > 1.2,3 +700ms
		1.6s    give A B sauces
		2s..5s  walk B 1.2,3
	`)
	frames, at, late := of[message.Track](t, lines, "track", "cam-1")
	var lost []string
	for i, f := range frames {
		if i > 0 && at[i] == at[i-1] {
			t.Errorf("two frames at %s", at[i])
		}
		want := 0
		if at[i] <= 2*time.Second {
			want++
		}
		if at[i] >= time.Second && at[i] <= 5*time.Second {
			want++
		}
		if len(f.Tracks) != want {
			t.Errorf("%d people at %s", len(f.Tracks), at[i])
		}
		if wantLate := at[i] >= time.Second && at[i] < 2*time.Second; (late[i] == 700*time.Millisecond) != wantLate {
			t.Errorf("the frame of %s is %s late", at[i], late[i])
		}
		lost = append(lost, f.Lost...)
	}
	if !cmp.Equal(lost, []string{"A", "B"}) {
		t.Errorf("lost %v", lost)
	}
}

// cam-2 sees the right half of the floor: A walks out of it, back and out again.
func TestLostWhereNoLongerSeen(t *testing.T) {
	lines := expand(t, `
		0s..4s   walk A 5,3 > 3,3
		6s..10s  walk A 3,3 > 5,3 > 3,3
		15s..16s walk A 3,3
	`)
	lostAt := func(camera string) (all []time.Duration) {
		frames, at, _ := of[message.Track](t, lines, "track", camera)
		for i, f := range frames {
			if f.Lost != nil {
				all = append(all, at[i])
			}
		}
		return all
	}
	if got := lostAt("cam-1"); !cmp.Equal(got, []time.Duration{16200 * time.Millisecond}) {
		t.Errorf("cam-1 lost A at %v", got)
	}
	if got := lostAt("cam-2"); !cmp.Equal(got, []time.Duration{9200 * time.Millisecond}) {
		t.Errorf("cam-2 lost A at %v", got)
	}
}

func TestEveryOtherVerb(t *testing.T) {
	lines := expand(t, `
		1s    scan   sco-1 t1-0042 071142008582   # a comment
		2s    till   sco-1 t1-0042 tender amount=1.99 line=3
		3s    gate   eas-1 alarm out
		4s    count  c-1 in=2 out=0
		5s    region axis-3 77 person enter in-1
		6s    signal cam-1-line line on
		7s    stock  erp-1 071142008582 12
		8s    send   till sco-1 {"session": "t # 1", "action": "open"} +2s # late
		9s    send   rfid nobody [1, 2]
	`)
	var got []string
	for _, l := range lines {
		if _, kind, source, _ := message.SplitTopic(l.Topic); kind != "status" {
			got = append(got, kind+" "+source+" "+string(l.Payload))
		}
	}
	want := []string{
		`till sco-1 {"ts":"2026-01-05T10:00:01.000Z","seq":1,"session":"t1-0042","action":"scan","sku":"071142008582","price":1.99}`,
		`till sco-1 {"ts":"2026-01-05T10:00:02.000Z","seq":2,"session":"t1-0042","action":"tender","line":"3","amount":1.99}`,
		`gate eas-1 {"ts":"2026-01-05T10:00:03.000Z","seq":1,"alarm":true,"direction":"out"}`,
		`count c-1 {"ts":"2026-01-05T10:00:04.000Z","seq":1,"in":2,"out":0}`,
		`region axis-3 {"ts":"2026-01-05T10:00:05.000Z","seq":1,"object":"77","class":"person","action":"enter","zone":"in-1"}`,
		`signal cam-1-line {"ts":"2026-01-05T10:00:06.000Z","seq":1,"name":"line","state":true}`,
		`stock erp-1 {"ts":"2026-01-05T10:00:07.000Z","seq":1,"sku":"071142008582","units":12}`,
		`rfid nobody [1, 2]`,
		`till sco-1 {"ts":"2026-01-05T10:00:08.000Z","session": "t # 1", "action": "open"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOffAndOn(t *testing.T) {
	lines := expand(t, `
		0s..40s walk A 1,1 > 2,4.2
		4s      off cam-1
		33s     on  cam-1
		5s      off g1-s5-p11
		40s     pick A sauces
	`)
	_, at, _ := of[message.Track](t, lines, "track", "cam-1")
	for _, x := range at {
		if x >= 4*time.Second && x < 33*time.Second {
			t.Errorf("a frame at %s", x)
		}
	}
	if w, _, _ := of[message.Weight](t, lines, "weight", "g1-s5-p11"); len(w) != 0 {
		t.Errorf("%d samples of a scale that is off", len(w))
	}
	states, at, _ := of[message.Status](t, lines, "status", "cam-1")
	var got []string
	for i := range states {
		got = append(got, at[i].String()+" "+states[i].State)
	}
	if want := []string{"-1s online", "4s offline", "33s online"}; !cmp.Equal(got, want) {
		t.Errorf("signs of life are %v", got)
	}
	if _, at, _ := of[message.Status](t, lines, "status", "sco-1"); len(at) != 5 || at[4] != 39*time.Second {
		t.Errorf("the till says online at %v", at)
	}
}

func TestLineAsRecorded(t *testing.T) {
	for want, l := range map[string]Line{
		`{"received":"1970-01-01T00:00:00.000000007Z","control":"tick"}`:                            {Received: 7, Control: "tick"},
		`{"received":"1970-01-01T00:00:00.000000000Z","control":"state","state":"empty"}`:           {Control: "state", Payload: []byte(`{"state":"empty"}`)},
		`{"received":"1970-01-01T00:00:00.000000000Z","topic":"a\u0007","retain":true,"payload":1}`: {Topic: "a\a", Retain: true, Payload: []byte("1")},
	} {
		if got := string(l.AppendJSON(nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestStart(t *testing.T) {
	london := shop(t).Store.Location
	for text, want := range map[string]string{
		"": "2026-01-05T10:00:00Z", "2026-07-05T09:30": "2026-07-05T09:30:00+01:00", "2026-11-20T22:30:00": "2026-11-20T22:30:00Z",
	} {
		if got, err := Start(text, london); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q is %s, %v", text, got.Format(time.RFC3339), err)
		}
	}
	if _, err := Start("noon", london); err == nil || err.Error() != `start "noon" is not a local time such as 2026-01-05T10:00:00` {
		t.Errorf("noon: %v", err)
	}
}

func TestUntil(t *testing.T) {
	script, err := Parse("1s gate eas-1 alarm out\n2s off cam-1")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := script.Lines(shop(t), Options{Until: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, at, _ := of[message.Status](t, lines, "status", "sco-1"); at[len(at)-1] != 59*time.Second {
		t.Errorf("the till is alive at %v", at)
	}
	if _, at, _ := of[message.Status](t, lines, "status", "cam-1"); at[len(at)-1] != 2*time.Second {
		t.Errorf("the camera is alive at %v", at)
	}
}

func TestErrors(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		script, err := Parse(text)
		if err == nil {
			_, err = script.Lines(shop(t), Options{Goods: lists})
		}
		if err == nil {
			t.Errorf("%q is taken", text)
		} else if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), err.Error()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	for _, c := range errorCases {
		f(c[0], c[1])
	}
}

func TestErrorsInAFile(t *testing.T) {
	_, err := Parse("0s off cam-1\n5 on cam-1")
	var errs strict.Errors
	if !errors.As(err, &errs) {
		t.Fatal(err)
	}
	const want = `a_test.yaml:12:7: "5" is not a time: write it with its unit, as 5s, 17.5s or 1m30s
  |       5 on cam-1
  |       ^`
	if got := Placed(errs, "a_test.yaml", 11, 7).Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example)
	for _, c := range errorCases {
		f.Add(c[0])
	}
	f.Add("1s send till sco-1 {\"a\": \"ü # \"} +2s # c\n2s..3s walk Ä 1,1>2,2 > 3,3\n1s put A any x3\n1s give A B any\n2s on axis-3")
	s := shop(f)
	f.Fuzz(func(t *testing.T, text string) {
		script, err := Parse(text)
		if err == nil && script.End() < time.Minute && len(script.statements) < 20 {
			var lines []Line
			if lines, err = script.Lines(s, Options{Goods: lists}); err == nil {
				for i, l := range lines {
					if !json.Valid(l.Payload) || !json.Valid(l.AppendJSON(nil)) || i > 0 && l.Received < lines[i-1].Received {
						t.Errorf("line %d is %s", i, l.AppendJSON(nil))
					}
				}
			}
		}
		if err == nil {
			return
		}
		var errs strict.Errors
		if !errors.As(err, &errs) {
			t.Fatalf("%T is no strict.Errors: %v", err, err)
		}
		for _, e := range errs {
			if e.Line < 1 || e.Col < 1 || e.Text == "" {
				t.Errorf("an error without a place or reason: %+v", e)
			}
		}
	})
}
