package sensors

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"magpie/journal"
	"magpie/sensors/message"
	"magpie/site"
)

// tape is what a test lets arrive. Times are ms after its start.
type tape struct {
	lines []journal.Line
}

const tapeStart = int64(1795341600_000) // 2026-11-22T10:00:00Z

// say lets a message arrive on a topic below magpie/v1/s042/, or with a slash before it on any.
func (p *tape) say(at int64, topic, payload string) {
	if !strings.HasPrefix(topic, "/") {
		topic = "magpie/v1/s042/" + topic
	}
	p.lines = append(p.lines, journal.Line{Received: (tapeStart + at) * 1e6, Topic: strings.TrimPrefix(topic, "/"), Payload: []byte(payload)})
}

// reads lets a reader tell of a tag every ms, each message delay ms after its ts.
func (p *tape) reads(n int, every, delay int64) *tape {
	for i := range int64(n) {
		at := i * every
		p.say(at, "rfid/r-door", fmt.Sprintf(`{"ts":%d,"seq":%d,"epc":"303404579800D6800004CB2F","antenna":%d,"rssi":-54.5}`, tapeStart+at-delay, i, 1+i%2))
	}
	return p
}

// report checks a tape for the site of the contract's example.
func (p *tape) report(t testing.TB, only ...string) *Report {
	t.Helper()
	return p.check(t).Report(only...)
}

func (p *tape) check(t testing.TB) *Check {
	t.Helper()
	s, err := site.Load("../site/testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(s.Store, Options{Foreign: s.Sources, Cameras: s.Cameras})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(p.lines, func(a, b journal.Line) int { return int((a.Received - b.Received) / 1e6) })
	c := NewCheck(d)
	for i := range p.lines {
		c.Line(&p.lines[i])
	}
	return c
}

// told is what a report says of a source, a line a word of advice.
func (r *Report) told(source string) string {
	var all []string
	for _, s := range r.Sources {
		if s.Source == source {
			for _, a := range s.Act {
				all = append(all, "change: "+a)
			}
			for _, n := range s.Notes {
				all = append(all, "note: "+n)
			}
		}
	}
	return strings.Join(all, "\n")
}

// TestCheckTells plays one fault after the other.
func TestCheckTells(t *testing.T) {
	for _, test := range []struct {
		name, source string
		tape         func(p *tape)
		want         string
	}{
		{"all is well", "r-door", func(p *tape) { p.reads(500, 100, 40) }, ""},
		{"never heard", "eas-1", func(p *tape) { p.reads(500, 100, 40) },
			"change: nothing came in 49.9s: publish on magpie/v1/s042/gate/eas-1, and the state on magpie/v1/s042/status/eas-1 every 10s"},
		{"not heard yet", "eas-1", func(p *tape) { p.reads(50, 100, 40) },
			"change: nothing came in 4.9s, which is too short to tell: listen for longer, a sign of life is due every 10s"},
		{"silent for a while", "r-door", func(p *tape) {
			p.reads(200, 100, 40)
			p.say(75_000, "status/r-door", `{"seq":0,"state":"online"}`)
		}, "change: silent for 55.1s from 2026-11-22T10:00:19.900Z on, at most 30s are allowed: publish a status every 10s while nothing else happens"},
		{"away for a while, as its status said", "r-door", func(p *tape) {
			p.reads(200, 100, 40)
			p.say(20_000, "status/r-door", `{"seq":0,"state":"offline"}`)
			p.say(75_000, "status/r-door", `{"seq":0,"state":"online"}`)
		}, "change: it was away for 55s from 2026-11-22T10:00:20.000Z on, as its status said: see why it lost its connection\nnote: it said 1 time that it goes offline\nnote: it began anew 1 time"},
		{"away, and the will came late", "r-door", func(p *tape) {
			p.reads(200, 100, 40)
			p.say(60_000, "status/r-door", `{"seq":0,"state":"offline"}`)
		}, "change: it was away for 40.1s from 2026-11-22T10:00:19.900Z on, as its status said: see why it lost its connection\nnote: it said 1 time that it goes offline"},
		{"away, and silent before", "r-door", func(p *tape) {
			p.reads(200, 100, 40)
			p.say(60_000, "status/r-door", `{"seq":0,"state":"online"}`)
			p.say(61_000, "status/r-door", `{"seq":1,"state":"offline"}`)
			p.say(161_000, "status/r-door", `{"seq":2,"state":"online"}`)
		}, "change: it was away for 1m40s from 2026-11-22T10:01:01.000Z on, as its status said: see why it lost its connection\n" +
			"change: silent for 40.1s from 2026-11-22T10:00:19.900Z on, at most 30s are allowed: publish a status every 10s while nothing else happens\n" +
			"note: it said 1 time that it goes offline"},
		{"silent at the end, and slower signs of life", "r-door", func(p *tape) {
			p.reads(200, 100, 40)
			p.say(25_000, "status/r-door", `{"seq":0,"state":"online","every":60}`)
			p.say(200_000, "status/eas-1", `{"state":"online"}`)
		}, ""},
		{"a member is missing", "r-door", func(p *tape) {
			p.reads(500, 100, 40)
			p.say(60_000, "rfid/r-door", `{"ts":1795341600123,"epc":"E2","antenna":1}`)
			p.say(60_100, "rfid/r-door", `{"reads":[{"ts":1795341600123,"epc":"E2","antenna":1}]}`)
			p.say(60_200, "rfid/r-door", `{"reads":[{"ts":1795341600123,"epc":"E2","antenna":1,"rssi":-1},{"ts":1795341600123,"epc":"E2","antenna":1}]}`)
		}, `change: 2 messages rejected (missing at /reads/*/rssi): rssi is missing: without the strength nobody can tell where a tag is; switch it on in the reader's settings; for example {"reads":[{"ts":1795341600123,"epc":"E2","antenna":1}]} on magpie/v1/s042/rfid/r-door
change: 1 message rejected (missing at /rssi): rssi is missing: without the strength nobody can tell where a tag is; switch it on in the reader's settings; for example {"ts":1795341600123,"epc":"E2","antenna":1} on magpie/v1/s042/rfid/r-door`},
		{"antennas that the site does not have, and one that reads nothing", "r-door", func(p *tape) {
			for i := range int64(20) {
				p.say(i*1000, "rfid/r-door", fmt.Sprintf(`{"ts":%d,"seq":%d,"epc":"E2","antenna":%d,"rssi":-54}`, tapeStart+i*1000, i, []int{1, 7, 8, 8}[i%4]))
			}
		}, `change: 10 messages rejected (unknown_antenna at /antenna): the site file has no antenna 8 at reader "r-door": add it; for example {"ts":1795341602000,"seq":2,"epc":"E2","antenna":8,"rssi":-54} on magpie/v1/s042/rfid/r-door
change: 5 messages rejected (unknown_antenna at /antenna): the site file has no antenna 7 at reader "r-door": add it; for example {"ts":1795341601000,"seq":1,"epc":"E2","antenna":7,"rssi":-54} on magpie/v1/s042/rfid/r-door
note: antenna 2 of the site file has read no tag`},
		{"zones that the site does not have", "axis-3", func(p *tape) {
			for i, zone := range []string{"aisle-1", "aisle-9", "hall"} {
				p.say(int64(i)*1000, "region/axis-3", fmt.Sprintf(`{"ts":"arrival","seq":%d,"object":"1","class":"person","action":"enter","zone":%q}`, i, zone))
			}
		}, `change: 1 message rejected (range at /zone): the site file has no zone "aisle-9": add it, or name one of its zones in the device; for example {"ts":"arrival","seq":1,"object":"1","class":"person","action":"enter","zone":"aisle-9"} on magpie/v1/s042/region/axis-3
change: 1 message rejected (range at /zone): the site file has no zone "hall": add it, or name one of its zones in the device; for example {"ts":"arrival","seq":2,"object":"1","class":"person","action":"enter","zone":"hall"} on magpie/v1/s042/region/axis-3
note: it sends no ts of its own: what it says counts from its arrival`},
		{"a clock that is ahead", "r-door", func(p *tape) { p.reads(500, 100, -1200) }, "change: its clock is at least 1.2s ahead: set it, by NTP"},
		{"a clock a minute ahead", "r-door", func(p *tape) { p.reads(20, 1000, -60_000) },
			`change: 20 messages rejected (future at /ts): ts is 2026-11-22T10:01:00.000Z, 1m0s after its arrival: set the device's clock, or send "arrival"; for example {"ts":1795341660000,"seq":0,"epc":"303404579800D6800004CB2F","antenna":1,"rssi":-54.5} on magpie/v1/s042/rfid/r-door
change: its clock is at least 1m0s ahead: set it, by NTP
note: antenna 1 of the site file has read no tag
note: antenna 2 of the site file has read no tag`},
		{"a clock that is ahead, as fusion corrects it", "r-door", func(p *tape) { p.reads(6000, 100, -1200) }, "change: its clock is 1.2s ahead: set it, by NTP"},
		{"a clock that is behind", "r-door", func(p *tape) { p.reads(500, 100, 6000) },
			"change: all its messages come later than its lateness allows, by at least 4s: its clock is behind, set it by NTP; or give it a longer lateness in the site file if it is slow by nature"},
		{"some come late", "r-door", func(p *tape) {
			p.reads(500, 100, 40)
			for i := range p.lines[:50] {
				p.lines[i*10].Received += 2700e6
			}
		}, "change: 50 of 500 messages came later than its lateness of 2s: send without delay, or give it lateness: 5s in the site file\n" +
			"note: 50 messages came after a later one"},
		{"some come late, and none fast", "r-door", func(p *tape) {
			p.reads(500, 100, 1900)
			for i := range p.lines[:50] {
				p.lines[i*10].Received += 400e6
			}
		}, "change: 50 of 500 messages came later than its lateness of 2s: send without delay, or give it lateness: 4s in the site file; " +
			"hardly any took less than 1.9s: its clock may be behind, set it by NTP\nnote: 50 messages came after a later one"},
		{"its line was down, and it sends what it kept", "r-door", func(p *tape) {
			p.reads(1000, 100, 40)
			for i := range 350 { // of 35 s, within a tenth of a second
				p.lines[300+i].Received = p.lines[650].Received - int64(350-i)*28e4
			}
		}, "change: silent for 35s from 2026-11-22T10:00:29.900Z on, at most 30s are allowed: publish a status every 10s while nothing else happens\nnote: it sent 331 messages late, at once after 1 outage of up to 35s, as it should; what comes more than 1m0s behind the watermark is rejected"},
		{"after a silence it is slow for good", "r-door", func(p *tape) {
			p.reads(1000, 100, 40)
			for i := 500; i < 1000; i++ {
				p.lines[i].Received += 12e9
			}
		}, "change: 500 of 1000 messages came later than its lateness of 2s: send without delay, or give it lateness: 20s in the site file"},
		{"one comes late", "r-door", func(p *tape) {
			p.reads(500, 100, 40)
			p.lines[7].Received += 2700e6
		}, "note: 1 of 500 messages came later than its lateness of 2s\nnote: 1 message came after a later one"},
		{"too late for anything", "r-door", func(p *tape) {
			p.reads(1500, 100, 40)
			p.lines[7].Received += 120e9
		}, `change: 1 message rejected (too_late at /ts): it came 1m57.04s behind the watermark: after an outage send the oldest first, and set the clock right; for example {"ts":1795341600660,"seq":7,"epc":"303404579800D6800004CB2F","antenna":2,"rssi":-54.5} on magpie/v1/s042/rfid/r-door
note: 1 of 1500 messages came later than its lateness of 2s`},
		{"lost, twice, and a restart", "r-door", func(p *tape) {
			p.reads(500, 100, 40)
			p.lines[100].Payload = p.lines[99].Payload
			p.say(60_000, "rfid/r-door", `{"ts":1795341659990,"seq":0,"boot":"2","epc":"E2","antenna":1,"rssi":-54}`)
		}, "change: 1 number of seq missing: publish at QoS 1, and keep what the broker has not acknowledged\nnote: it began anew 1 time\n" +
			"note: 1 message came twice; the second is dropped"},
		{"a seq that never rises", "r-door", func(p *tape) {
			p.reads(500, 100, 40)
			for i := range p.lines {
				p.lines[i].Payload = []byte(strings.Replace(string(p.lines[i].Payload), fmt.Sprintf(`"seq":%d,`, i), `"seq":1,`, 1))
			}
		}, "change: seq began anew 499 times in 500 messages: it must rise by one from message to message"},
		{"retained", "r-door", func(p *tape) {
			p.reads(500, 100, 40)
			p.lines[0].Retain = true
		}, "change: 1 message came retained: publish only the status retained, else an old value comes again with each connection"},
		{"no seq, no clock, too few samples", "g1-s5-p11", func(p *tape) {
			for i := range int64(60) {
				p.say(i*500, "/tele/g1-s5-p11/SENSOR", `{"HX711":{"WeightRaw":4840}}`)
				p.say(i*500+10, "weight/g1-s5-p11", `{"ts":"arrival","grams":22}`)
			}
		}, "change: 4 samples a second: send at least 10, or send on a change and say \"mode\":\"change\"\n" +
			"note: it sends no ts of its own: what it says counts from its arrival\n" +
			"note: it sends no seq: what is lost on the way is not seen, and what is sent twice only when the bytes are the same"},
		{"a scale that sends changes", "g1-s5-p11", func(p *tape) {
			for i := range int64(60) {
				p.say(i*5000, "weight/g1-s5-p11", fmt.Sprintf(`{"ts":%d,"seq":%d,"grams":22,"mode":"change"}`, tapeStart+i*5000, i))
			}
		}, ""},
		{"SKUs that products does not have", "sco-1", func(p *tape) {
			for i := range int64(3) {
				p.say(i*5000, "till/sco-1", fmt.Sprintf(`{"ts":%d,"seq":%d,"session":"a","action":"scan","sku":"99"}`, tapeStart+i*5000, i))
			}
		}, "note: products has not all its SKUs, such as 00000000000099 (3 times)"},
		{"goes offline", "sco-1", func(p *tape) {
			p.say(0, "status/sco-1", `{"seq":0,"state":"online"}`)
			p.say(1000, "status/sco-1", `{"seq":1,"state":"offline"}`)
		}, "note: it said 1 time that it goes offline"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &tape{}
			test.tape(p)
			if got := p.report(t).told(test.source); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestClockAdvice: messages are called late only where they are: a clock that other sources show to be behind may well be in time.
func TestClockAdvice(t *testing.T) {
	for _, c := range []struct {
		off                int64
		byArrival, allLate bool
		want               string
	}{
		{146e6, false, false, "its clock is 146ms ahead: set it, by NTP"},
		{146e6, true, false, "its clock is at least 146ms ahead: set it, by NTP"},
		{-146e6, false, false, "its clock is 146ms behind: set it, by NTP"},
		{-4e9, true, true, "all its messages come later than its lateness allows, by at least 4s: its clock is behind, set it by NTP; " +
			"or give it a longer lateness in the site file if it is slow by nature"},
	} {
		if got := clockAdvice(c.off, c.byArrival, c.allLate); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// TestCheckNumbers holds what the report counts.
func TestCheckNumbers(t *testing.T) {
	p := (&tape{}).reads(6000, 100, -1200)
	r := p.report(t, "r-door")
	s := r.Sources[0]
	if len(r.Sources) != 1 || s.Messages != 6000 || s.Events != 6000 || s.Rate != 10.00167 || s.Clock.By != "fusion" || s.Clock.Offset != 1200 ||
		s.Delay == nil || s.Delay.Max != 0 || s.Delay.Bound != 2000 || s.Delay.Suggested != 100 || s.Silence != 0.1 || s.Allowed != 30 {
		b, _ := json.Marshal(r)
		t.Errorf("%s", b)
	}
	slow := (&tape{}).reads(1000, 100, 300).report(t, "r-door").Sources[0]
	if d := slow.Delay; d.P50 != 300 || d.P99 != 300 || d.Max != 300 || d.Suggested != 500 || slow.Clock.By != "none" {
		t.Errorf("%+v %+v", d, slow.Clock)
	}
	hours := &tape{}
	hours.reads(1000, 100, 300)
	for i := range hours.lines[:100] {
		hours.lines[i*10].Received += 70e9
	}
	if d := hours.report(t, "r-door").Sources[0].Delay; d == nil || d.Suggested != 0 {
		t.Errorf("a lateness that no source may have is proposed: %+v", d)
	}
	again, err := message.Encode(p.report(t))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := message.Encode(p.report(t)); err != nil || string(b) != string(again) {
		t.Errorf("two checks of one recording differ: %s\n%s", b, again)
	}
}

// TestCheckOfSilenceAfterLostConnection: what nobody could hear is nobody's silence.
func TestCheckOfSilenceAfterLostConnection(t *testing.T) {
	p := (&tape{}).reads(500, 100, 40)
	c := p.check(t)
	c.Resume((tapeStart + 500_000) * 1e6)
	for _, l := range (&tape{}).reads(5010, 100, 40).lines[5000:] {
		c.Line(&l)
	}
	r := c.Report()
	if got := r.told("r-door"); strings.Contains(got, "silent") || !strings.Contains(got, "numbers of seq missing") {
		t.Error(got)
	}
}

func TestCheckOfUnknownTopics(t *testing.T) {
	p := (&tape{}).reads(10, 100, 40)
	for i := range int64(5) {
		p.say(i, "rfid/r-dor", `{"ts":"arrival"}`)
	}
	p.say(10, "wieght/r-door", `{}`)
	p.say(11, "gate/r-door", `{}`)
	p.say(12, "/magpie/v1/s043/rfid/r-door", `{}`)
	p.say(13, "/magpie/v2/s042/rfid/r-door", `{}`)
	p.say(14, "/zigbee2mqtt/lamp\x1b[2J", `{}`)
	p.say(15, "/magpie/v1/s042/alert/alr_1", `{}`)
	r := p.report(t)
	var got []string
	for _, u := range r.Unknown {
		got = append(got, fmt.Sprintf("%d %s %s: %s", u.Messages, u.Code, u.Topic, u.Act))
	}
	want := `5 unknown_source magpie/v1/s042/rfid/r-dor: the site file has no source "r-dor": add it, or correct the topic; did you mean r-door?
1 unknown_kind magpie/v2/s042/rfid/r-door: a topic is magpie/v1/{store}/{kind}/{source}, and none of these has a / in it`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	want = "1 message came on topics that are not Magpie's and that sources in the site file does not have, such as zigbee2mqtt/lamp\ufffd[2J\n" +
		"1 message came for other stores (s043); this is s042"
	if s := strings.Join(r.Notes, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	want = `change: 1 message rejected (unknown_kind): kind "wieght" is none of rfid, weight, track, till, region, gate, count, signal, stock, status; for example {} on magpie/v1/s042/wieght/r-door
change: 1 message rejected (unknown_source): the site file has source "r-door" as rfid, not gate; for example {} on magpie/v1/s042/gate/r-door`
	if s := r.told("r-door"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	if only := p.report(t, "r-door"); len(only.Unknown) != 0 || len(only.Notes) != 0 || only.Act != 1 {
		t.Errorf("%+v", only)
	}
}

// TestCheckIsBounded lets names, reasons and antennas come without end.
func TestCheckIsBounded(t *testing.T) {
	feed := func(n int) (*Check, uint64) {
		p := &tape{}
		c := p.check(t)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range int64(n) {
			at := (tapeStart + i) * 1e6
			for _, l := range []journal.Line{
				{Topic: fmt.Sprintf("magpie/v1/s042/rfid/r-%d", i), Payload: []byte(`{}`)},
				{Topic: fmt.Sprintf("magpie/v1/s%d/rfid/r", i), Payload: []byte(`{}`)},
				{Topic: fmt.Sprintf("other/%d", i), Payload: []byte(`{}`)},
				{Topic: "magpie/v1/s042/rfid/r-door", Payload: fmt.Appendf(nil, `{"ts":"arrival","epc":"E2","antenna":%d,"rssi":-54}`, i+3)},
				{Topic: "magpie/v1/s042/region/axis-3", Payload: fmt.Appendf(nil, `{"ts":%d,"object":"1","class":"p","action":"enter","zone":"z%d"}`, tapeStart, i%50)},
			} {
				l.Received = at
				c.Line(&l)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		return c, max(after.HeapAlloc, before.HeapAlloc) - before.HeapAlloc
	}
	c, few := feed(1000)
	if _, many := feed(20_000); many > 2*few+1<<20 {
		t.Errorf("a thousand names take %d bytes, twenty thousand %d", few, many)
	}
	r := c.Report()
	if len(r.Unknown) != maxUnknown || r.More != 900 || len(r.Notes) != 2 {
		t.Errorf("%d unknown feeds, %d more messages, %q", len(r.Unknown), r.More, r.Notes)
	}
	for _, s := range r.Sources {
		if n := len(s.Reasons); n > maxReasons || s.Source == "r-door" && (n != maxReasons || s.Rejected != 1000 || !strings.Contains(s.Act[0], "and other reasons")) {
			t.Errorf("%s: %d reasons, %v", s.Source, n, s.Act)
		}
	}
}
