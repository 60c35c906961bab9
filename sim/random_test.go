package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/sensors/message"
	"magpie/site"
)

func random(t testing.TB, seed uint64, o RandomOptions) []Line {
	t.Helper()
	lines, err := Random(seed, shop(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestRandom(t *testing.T) {
	s := shop(t)
	of := ReadingsOf(s.Store)
	for seed := range uint64(5) {
		lines := random(t, seed, RandomOptions{Minutes: 3, People: 6, Noise: 1})
		if again := random(t, seed, RandomOptions{Minutes: 3, People: 6, Noise: 1}); !bytes.Equal(Recording(lines), Recording(again)) {
			t.Fatalf("seed %d gives two recordings", seed)
		}
		kinds, last := map[string]int{}, int64(0)
		for i, l := range lines {
			if l.Received < last {
				t.Errorf("line %d arrives before line %d", i, i-1)
			}
			if last = l.Received; l.Control != "" {
				if i != len(lines)-1 {
					t.Errorf("a control line at %d", i)
				}
				continue
			}
			_, kind, _, _ := message.SplitTopic(l.Topic)
			kinds[kind]++
			r := of(l)
			if delay := l.Received - r.Oldest; delay < 0 || !r.Fixed && (delay < r.Span || delay > r.Lateness) {
				t.Errorf("%s is delayed by %d, its span is %d, its lateness %d", l.Topic, delay, r.Span, r.Lateness)
			}
		}
		for _, kind := range []string{"status", "track", "weight", "rfid", "till", "count"} {
			if kinds[kind] == 0 {
				t.Errorf("seed %d has no %s", seed, kind)
			}
		}
	}
}

// TestRandomSwitches: tracks change their id as often as is asked for, and half of those that end so are said to.
func TestRandomSwitches(t *testing.T) {
	frames, began, lost := 0, 0, 0
	for seed := range uint64(4) {
		seen := map[string]bool{}
		for _, l := range random(t, seed, RandomOptions{Minutes: 3, People: 6, Switches: 6}) {
			if _, kind, source, _ := message.SplitTopic(l.Topic); kind == "track" {
				var m message.Track
				if err := json.Unmarshal(l.Payload, &m); err != nil {
					t.Fatal(err)
				}
				for _, o := range m.Tracks {
					if frames++; !seen[source+o.Track] {
						seen[source+o.Track] = true
						began++
					}
				}
				lost += len(m.Lost)
			}
		}
	}
	want := float64(frames) / (5 * 60) * 6
	if switches := float64(began - 24); switches < want/2 || switches > 2*want {
		t.Errorf("%.0f tracks more than people in %d frames; want about %.0f", switches, frames, want)
	}
	if silent := began - lost; silent < (began-24)/4 {
		t.Errorf("%d of %d tracks end without a word", silent, began)
	}
}

func TestRandomWithoutNoise(t *testing.T) {
	lines := random(t, 1, RandomOptions{Minutes: 1, People: 3})
	seen := map[string]bool{}
	for _, l := range lines {
		if key := l.Topic + string(l.Payload); seen[key] {
			t.Errorf("%s twice", key)
		} else {
			seen[key] = true
		}
	}
}

// Whatever a site lacks, there is a recording of what it has.
func TestRandomOfABareSite(t *testing.T) {
	const zones = "zones: [{id: a, kind: aisle, polygon: [[0,0],[4,0],[4,4],[0,4]]}]\n"
	f := func(text string, kinds ...string) {
		t.Helper()
		s, err := site.Parse("site.yaml", []byte("store: s1\ntimezone: UTC\ncurrency: GBP\n"+text), os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := Random(1, s, RandomOptions{Minutes: 1, People: 4, Noise: 1})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, l := range lines {
			if _, kind, _, ok := message.SplitTopic(l.Topic); ok {
				seen[kind] = true
			}
		}
		for _, kind := range kinds {
			if !seen[kind] {
				t.Errorf("no %s of %s", kind, text)
			}
		}
	}
	f(zones)
	f(zones+"cameras: [{id: c}]", "track", "status")
	f(zones+"scales: [{id: s, zone: a, at: [1, 1, 1], size: [1, 1], skus: []}]", "weight", "status")
	f(zones+"readers: [{id: r, antennas: {1: {zone: a}}}]", "rfid", "status")
}

func TestRandomRefuses(t *testing.T) {
	_, err := Random(1, shop(t), RandomOptions{People: -1})
	const want = "a random recording of 3 minutes, -1 people and noise 0: give 0 to 1440 minutes, people from 0, noise 0 to 10"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if _, err := Random(1, shop(t), RandomOptions{Switches: -1}); err == nil || !strings.Contains(err.Error(), "change their id -1 times a minute: give 0 to 60") {
		t.Errorf("got %v", err)
	}
}

// The tag is the one of contract section 1.
func TestSGTIN96(t *testing.T) {
	if epc, ok := sgtin96("00071142008582", 0x4CB2F); !ok || epc != "303404579800D6800004CB2F" {
		t.Errorf("the tag is %s", epc)
	}
	if epc, ok := sgtin96("sku-1", 1); ok {
		t.Errorf("sku-1 has the tag %s", epc)
	}
}

func TestReadings(t *testing.T) {
	at := func(ms int64) int64 { return 1_767_607_200_000_000_000 + ms*1e6 }
	f := func(kind, source, payload string, want Reading) {
		t.Helper()
		l := Line{Received: at(900), Topic: message.Topic("s042", kind, source), Payload: []byte(payload)}
		if got := ReadingsOf(shop(t).Store)(l); got != want {
			t.Errorf("%s: %+v, want %+v", payload, got, want)
		}
	}
	late := func(d time.Duration) int64 { return int64(d) }
	still := Reading{Oldest: at(900), Fixed: true}
	f("gate", "eas-1", `{"ts":1767607200000,"alarm":true}`, Reading{Oldest: at(0), Lateness: late(2 * time.Second)})
	f("weight", "g1-s5-p11", `{"ts":1767607200000,"rate":20,"grams":[1,2,3]}`, Reading{Oldest: at(0), Span: 100e6, Lateness: 500e6})
	f("rfid", "r-door", `{"ts":1767607200700,"reads":[{"ts":1767607200500},{"ts":1767607200200},{"ts":1767607200600}]}`,
		Reading{Oldest: at(200), Span: 400e6, Lateness: late(2 * time.Second)})
	f("status", "eas-1", `{"ts":1767607200000,"state":"online"}`, Reading{Oldest: at(0), Lateness: late(2 * time.Second), Fixed: true})
	f("status", "eas-1", `{"state":"online"}`, still)
	f("gate", "eas-1", `{"ts":"arrival","alarm":true}`, still)
	f("gate", "eas-9", `{"ts":1767607200000,"alarm":true}`, still)
	f("gate", "eas-1", `{"ts":`, still)
	f("rfid", "r-door", `{"reads":[{"ts":1767607200500},{}]}`, still)
}

func TestRedraw(t *testing.T) {
	s := shop(t)
	of := ReadingsOf(s.Store)
	lines := append(random(t, 7, RandomOptions{Minutes: 1, People: 4, Noise: 1}),
		Line{Received: random(t, 7, RandomOptions{Minutes: 1})[0].Received, Control: "state", Payload: []byte(`{"state":"empty"}`)})
	byArrival(lines)
	end := lines[len(lines)-1]
	drawn := Redraw(lines, of, 1)
	if bytes.Equal(Recording(drawn), Recording(Redraw(lines, of, 2))) {
		t.Error("two seeds give the same arrivals")
	}
	if len(drawn) != len(lines) || drawn[len(drawn)-1].Control != "tick" || drawn[len(drawn)-1].Received != end.Received {
		t.Errorf("%d lines of %d, the last is %s", len(drawn), len(lines), drawn[len(drawn)-1].AppendJSON(nil))
	}
	moved, fixed := 0, map[string]int{}
	for i, l := range drawn {
		if i > 0 && l.Received < drawn[i-1].Received {
			t.Errorf("line %d arrives before line %d", i, i-1)
		}
		r := of(l)
		if r.Fixed {
			fixed[string(l.AppendJSON(nil))]++
			continue
		}
		moved++
		if d := l.Received - r.Oldest; d < r.Span || d > r.Lateness {
			t.Errorf("%s is delayed by %d, its span is %d, its lateness %d", l.Topic, d, r.Span, r.Lateness)
		}
	}
	for _, l := range lines {
		if of(l).Fixed {
			fixed[string(l.AppendJSON(nil))]--
		}
	}
	for l, n := range fixed {
		if n != 0 {
			t.Errorf("%s was moved", l)
		}
	}
	if moved < 100 || len(fixed) < 10 {
		t.Errorf("%d lines moved, %d stayed", moved, len(fixed))
	}
	if a, b := payloads(lines), payloads(drawn); !slices.Equal(a, b) {
		t.Error("the messages are not the same")
	}
}

func TestShuffleOnTime(t *testing.T) {
	s := shop(t)
	of := ReadingsOf(s.Store)
	lines := random(t, 7, RandomOptions{Minutes: 1, People: 4, Noise: 1})
	late := time.Duration(s.Store.MaxLateness())
	for _, more := range []time.Duration{0, time.Minute} {
		shuffled, err := ShuffleOnTime(lines, of, 1, late+more)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := ShuffleOnTime(lines, of, 1, late+more)
		if other, _ := ShuffleOnTime(lines, of, 2, late+more); !bytes.Equal(Recording(shuffled), Recording(again)) ||
			bytes.Equal(Recording(shuffled), Recording(other)) {
			t.Error("a seed gives not one order of its own")
		}
		newest, worst, moved := int64(math.MinInt64), int64(0), 0
		for i, l := range shuffled {
			newest = max(newest, l.Received)
			if l.Control == "" {
				worst = max(worst, newest-of(l).Oldest)
			}
			if !bytes.Equal(l.Payload, lines[i].Payload) {
				moved++
			}
		}
		if worst > int64(late+more) || worst < int64(late+more)*9/10 {
			t.Errorf("the oldest reading when read was %s, it may be up to %s", time.Duration(worst), late+more)
		}
		if moved < len(lines)*9/10 {
			t.Errorf("%d of %d lines moved", moved, len(lines))
		}
		a, b := records(lines), records(shuffled)
		if !slices.Equal(a, b) {
			t.Error("the lines are not the same")
		}
	}
}

func TestShuffleKeepsControlLines(t *testing.T) {
	s := shop(t)
	of := ReadingsOf(s.Store)
	lines := random(t, 7, RandomOptions{Minutes: 1, People: 2, Noise: 1})
	half := len(lines) / 2
	lines = slices.Insert(lines, half, Line{Received: lines[half].Received, Control: "policies", Payload: []byte(`{"hash":"sha256:0"}`)})
	lines = slices.Insert(lines, 0, Line{Received: lines[0].Received, Control: "state", Payload: []byte(`{"state":"empty"}`)})
	shuffled, err := ShuffleOnTime(lines, of, 1, 4*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if shuffled[0].Control != "state" || shuffled[half+1].Control != "policies" {
		t.Error("a control line has moved")
	}
	if !slices.Equal(records(lines[:half+1]), records(shuffled[:half+1])) {
		t.Error("a line crossed the control line")
	}
	lines[5].Received += int64(time.Hour)
	if _, err = ShuffleOnTime(lines, of, 1, 4*time.Second); err == nil || !strings.Contains(err.Error(), "is late in any order: its oldest reading lies") {
		t.Errorf("a late message is shuffled: %v", err)
	}
}

func records(lines []Line) []string {
	all := strings.SplitAfter(string(Recording(lines)), "\n")
	slices.Sort(all)
	return all
}

func payloads(lines []Line) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Topic+string(l.Payload))
	}
	slices.Sort(all)
	return all
}

func BenchmarkRandom(b *testing.B) {
	s := shop(b)
	for b.Loop() {
		if _, err := Random(1, s, RandomOptions{Minutes: 3, People: 6, Noise: 1}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkShuffleOnTime(b *testing.B) {
	s := shop(b)
	lines := random(b, 1, RandomOptions{Minutes: 3, People: 6, Noise: 1})
	b.ReportMetric(float64(len(lines)), "lines")
	for b.Loop() {
		if _, err := ShuffleOnTime(lines, ReadingsOf(s.Store), 1, 3*time.Second); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleParse() {
	_, err := Parse("0s..4s wakl A 1,1 > 2,2")
	fmt.Println(err)
	// Output:
	// 1:8: "wakl" is not a verb; did you mean walk?
	//   | 0s..4s wakl A 1,1 > 2,2
	//   |        ^
}
