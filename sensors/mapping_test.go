package sensors

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magpie/fusion"
	"magpie/site"
)

// mapSite is a site with one entry of sources; it says what is wrong with it.
func mapSite(t *testing.T, entry string) (*Decoder, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.yaml")
	text := "store: s042\ntimezone: Europe/London\nzones: [{id: door, kind: exit, polygon: [[3, 0], [5, 0], [5, 1], [3, 1]]}]\n" +
		"readers: [{id: r-door, antennas: {1: {zone: door}}}]\nscales: [{id: g1, zone: door, at: [4, 0.5, 1.2], skus: []}]\n" +
		"signals: [{id: s-1, zone: door}]\nsources:\n  - " + entry + "\ndevices: [{id: erp-1, kind: stock}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := site.Load(path)
	if err != nil {
		return nil, err
	}
	return NewDecoder(s.Store, Options{Foreign: s.Sources})
}

// TestMappingsAreTypedAtLoad: an expression of the wrong type, or an entry that says too little or too much, is refused with
// its place before any message comes.
func TestMappingsAreTypedAtLoad(t *testing.T) {
	const weight = `{topic: a, kind: weight, id: g1, map: {ts: '"arrival"', grams: '%'}}`
	const rfid = `{topic: a, kind: rfid, id: r-door, map: {ts: '%', epc: 'payload.e', antenna: '1', rssi: 'cdbm(payload.r)'}}`
	for _, test := range []struct{ entry, expression, want string }{
		{weight, `kg(payload.a)`, ""},
		{weight, `payload.a`, ""},
		{weight, `[lb(payload.a), oz(1)]`, ""},
		{weight, `"5"`, `:8:68: map: grams: a number or an array is wanted, and this gives a string`},
		{weight, `kg("5")`, `map: grams: cannot use string as argument (type float64) to call kg`},
		{weight, `kg(1, 2)`, `map: grams: too many arguments to call kg`},
		{weight, `stone(1)`, `map: grams: unknown name stone`},
		{weight, `local(payload.t)`, `map: grams: a number or an array is wanted, and this gives a string`},
		{weight, `payload.a > 5`, `map: grams: a number or an array is wanted, and this gives a bool`},
		{weight, `{"a": 1}`, `map: grams: a number or an array is wanted, and this gives an object`},
		{weight, `item.g`, `map: grams: item is an element of each: write each, the array in the payload, such as 'payload.reads'`},
		{rfid, `seconds(payload.t)`, ""},
		{rfid, `payload.t * 1000`, ""},
		{rfid, `payload.t == 1`, `:8:50: map: ts: a number or a string is wanted, and this gives a bool`},
		{rfid, `local(5)`, `map: ts: cannot use int as argument (type string) to call local`},
		{`{topic: a, kind: signal, id: s-1, map: {ts: '"arrival"', name: '"line"', state: '%'}}`, `"on"`, `map: state: true or false is wanted, and this gives a string`},
		{`{topic: a, kind: rfid, id: r-door, each: '%', map: {ts: 'item.t', epc: 'item.e', antenna: '1', rssi: '-50'}}`, `payload.reads`, ""},
		{`{topic: a, kind: rfid, id: r-door, each: '%', map: {ts: 'item.t', epc: 'item.e', antenna: '1', rssi: '-50'}}`, `"x"`, `:8:46: each: an array is wanted, and this gives a string`},
		{`{topic: a, kind: rfid, id: r-door, each: '%', map: {ts: 'item.t', epc: 'item.e', antenna: '1', rssi: '-50'}}`, `[item]`, `each: item is an element of each`},
		{`{topic: a, kind: weight, id: g1, unit: kg, map: {ts: '"arrival"', grams: '%'}}`, `1`, `:8:5: unit belongs to a decoder; in map write kg(…)`},
		{`{topic: a, decoder: impinj, id: r-door, unit: kg}`, ``, `:8:5: decoder impinj takes no unit: its payload says it`},
		{`{topic: a, decoder: esphome, id: g1}`, ``, `:8:5: decoder esphome needs unit, since its payload does not say it: lb, oz, kg or g`},
		{`{topic: a, decoder: esphome, id: g1, unit: kg}`, ``, ``},
		{`{topic: a, decoder: tasmota, id: g1, kind: weight, map: {grams: '1'}}`, ``, `:8:5: decoder tasmota takes no kind, map or each: leave them out`},
		{`{topic: a, decoder: sparkplug, id: g1}`, ``, `:8:5: decoder sparkplug needs kind and map, such as kind: weight, map: {grams: 'kg(payload["Scale/Gross"])'}`},
		{`{topic: a, decoder: sparkplug, kind: weight, id: g1, map: {grams: '%'}}`, `kg(payload["Scale/Gross"])`, ``},
		{`{topic: a, decoder: sparkplug, kind: weight, id: g1, map: {grams: '%'}}`, `keys(payload)`, `:8:5: map: payload is to be read by the name of a metric, such as payload["Scale/Gross"]`},
		{`{topic: a, decoder: sparkplug, kind: weight, id: g1, map: {grams: '%'}}`, `5.0`, `:8:5: map: no expression reads a metric, such as payload["Scale/Gross"]`},
		{`{topic: a, decoder: sparkplug, kind: weight, id: g1, map: {mode: '%'}}`, `payload.x`, `:8:5: map has no grams, which a weight message needs`},
	} {
		_, err := mapSite(t, strings.Replace(test.entry, "%", test.expression, 1))
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.expression, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %s\n%v\nwant %s", test.entry, test.expression, err, test.want)
		}
	}
}

// TestMappingFunctions gives each function what payloads hold.
func TestMappingFunctions(t *testing.T) {
	for _, test := range []struct {
		expression, payload string
		grams               float64
		reason              string
	}{
		{"lb(payload)", "2.5", 1133.980925, ""},
		{"oz(payload)", "16", 453.59237, ""},
		{"kg(payload)", "1.5", 1500, ""},
		{"g(payload)", "7", 7, ""},
		{"cm(payload)", "320", 3.2, ""},
		{"inch(payload)", "100", 2.54, ""},
		{"m(payload)", "2", 2, ""},
		{"cdbm(payload)", "-5450", -54.5, ""},
		{"kg(2)", "0", 2000, ""},
		{"kg(float(payload))", `"1.5"`, 1500, ""},
		{"kg(payload)", `"1.5"`, 0, `kg(1.5): a number is wanted; float(…) reads one from a text`},
		{"kg(payload.x)", `{"y":1}`, 0, "grams is missing"},
		{"kg(payload)", "null", 0, "grams is missing"},
	} {
		d, err := mapSite(t, strings.Replace(`{topic: a, kind: weight, id: g1, map: {ts: '"arrival"', grams: '%'}}`, "%", test.expression, 1))
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Decode(received, "a", false, []byte(test.payload))
		switch {
		case test.reason != "":
			if err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%s of %s: %v; want %s", test.expression, test.payload, err, test.reason)
			}
		case err != nil:
			t.Errorf("%s of %s: %v", test.expression, test.payload, err)
		case math.Abs(m.Events[0].Grams-test.grams) > 1e-6:
			t.Errorf("%s of %s: %v, want %v", test.expression, test.payload, m.Events[0].Grams, test.grams)
		}
	}
	const at = ts - 123e6 // 2026-11-22T10:00:00Z
	for _, test := range []struct {
		expression, payload string
		ts                  int64
		reason              string
	}{
		{"local(payload)", `"2026-11-22T10:00:00"`, at, ""},
		{"dayfirst(payload)", `"22/11/2026 10:0:0:123"`, ts, ""},
		{"monthfirst(payload)", `"11/22/2026 10:00:00"`, at, ""},
		{"zoned(payload)", `"2026-11-22T11:00:00.123+0100"`, ts, ""},
		{"payload", `"2026-11-22T10:00:00.123456789Z"`, at + 123456789, ""},
		{"seconds(payload)", `1795341600`, at, ""},
		{"seconds(payload)", `1795341600.837752`, at + 837752000, ""},
		{"millis(payload)", `1795341600123`, ts, ""},
		{"micros(payload)", `1795341600123456`, at + 123456000, ""},
		{"nanos(payload)", `1795341600123000000`, ts, ""},
		{"payload", `1795341600123`, ts, ""},
		{"seconds(payload)", `1795341600123`, 0, "no time near ours; set the device's clock, or take seconds, millis, micros or nanos"},
		{"millis(payload)", `15736013940000`, 0, "no time near ours"},
		{"seconds(payload)", `"1795341600"`, 0, "a number is wanted"},
		{"local(payload)", `"1970-01-01T00:00:01"`, 0, "no time near ours; set the device's clock"},
		{"local(payload)", `"22/11/2026 10:00:00"`, 0, "not a time such as 2026-11-22T10:00:00"},
		{"local(payload.x)", `{}`, 0, "the site file's map for ts does not fit this payload"},
	} {
		d, err := mapSite(t, strings.Replace(`{topic: a, kind: weight, id: g1, map: {ts: '%', grams: '5.0'}}`, "%", test.expression, 1))
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Decode(received, "a", false, []byte(test.payload))
		switch {
		case test.reason != "":
			if err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%s of %s: %v; want %s", test.expression, test.payload, err, test.reason)
			}
		case err != nil:
			t.Errorf("%s of %s: %v", test.expression, test.payload, err)
		case m.TS != test.ts:
			t.Errorf("%s of %s: %d, want %d", test.expression, test.payload, m.TS, test.ts)
		}
	}
}

// TestRetainedState: what a broker kept of a device without a clock is of nobody knows when; its status counts.
func TestRetainedState(t *testing.T) {
	d, err := mapSite(t, `{topic: "+/#", decoder: esphome, unit: kg, id: g1}`)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Decode(received, "g1/sensor/load/state", true, []byte("12.34"))
	if err != nil || len(m.Events) != 0 || !m.Retained {
		t.Errorf("a retained load: %+v, %v", m, err)
	}
	m, err = d.Decode(received, "g1/status", true, []byte("offline"))
	if err != nil || len(m.Events) != 1 || m.Kind != fusion.Status || m.Events[0].Action != fusion.Offline {
		t.Errorf("a retained status: %+v, %v", m, err)
	}
}

// TestSparkplugWraps: seq begins again after 255, and no message is taken for one of the round before; one that is sent
// again is.
func TestSparkplugWraps(t *testing.T) {
	d, err := mapSite(t, `{topic: "spBv1.0/s/+/e/#", decoder: sparkplug, kind: weight, id: g1, map: {grams: 'kg(payload.W)', mode: '"change"'}}`)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]int{}
	payload := func(i int, clock bool) []byte {
		b := []byte{}
		if clock {
			b = appendVarint(append(b, spTimestamp<<3), uint64(int64(ts)/1e6)+uint64(i*100))
		}
		b = append(b, spMetrics<<3|2, 12, spName<<3|2, 1, 'W', spDouble<<3|1, 0, 0, 0, 0, 0, 0, 0x14, 0x40) // 5.0
		return appendVarint(append(b, spSeq<<3), uint64(i%256))
	}
	for i := range 600 {
		m, err := d.Decode(received+int64(i)*1e8, "spBv1.0/s/NDATA/e", false, payload(i, true))
		if err != nil {
			t.Fatal(err)
		}
		if seq, _, ok := d.Sequence(); !ok || seq != int64(i%256) || m.Events[0].Grams != 5000 {
			t.Fatalf("message %d: seq %d, %v, %+v", i, seq, ok, m.Events)
		}
		if before, again := seen[m.Ident]; again || m.Ident == 0 {
			t.Fatalf("message %d is taken for message %d", i, before)
		}
		seen[m.Ident] = i
	}
	again, err := d.Decode(received+1e9, "spBv1.0/s/NDATA/e", false, payload(7, true))
	if err != nil || seen[again.Ident] != 7 {
		t.Errorf("message 7 sent again: %v, taken for %d", err, seen[again.Ident])
	}
	m, err := d.Decode(received, "spBv1.0/s/NDATA/e", false, payload(7, false))
	if err != nil || m.Seq != 0 || m.Ident != 0 {
		t.Errorf("without a timestamp a number that comes again tells nothing: %+v, %v", m, err)
	}
	var r *Rejection
	if _, err := d.Decode(received, "spBv1.0/s/NDATA/e", false, []byte{spMetrics<<3 | 2, 2, spAlias << 3, 1}); !errors.As(err, &r) || r.Code != CodeMissing {
		t.Errorf("an alias alone: %v", err)
	}
}

func appendVarint(b []byte, n uint64) []byte {
	for ; n > 127; n >>= 7 {
		b = append(b, byte(n)|128)
	}
	return append(b, byte(n))
}

// TestSparkplugOfSeveralDevices: seq counts all messages of a node, so those of one device have holes in it that are none.
func TestSparkplugOfSeveralDevices(t *testing.T) {
	for filter, whole := range map[string]bool{
		"spBv1.0/s/+/e": true, "spBv1.0/s/+/+": true, "spBv1.0/s/+/e/#": true, "spBv1.0/s/+/e/+": false, "spBv1.0/s/#": false, "spBv1.0/s/+/#": false,
	} {
		if got := wholeNode(&site.Source{Topic: filter, ID: "g1"}); got != whole {
			t.Errorf("%s: %v", filter, got)
		}
	}
	if wholeNode(&site.Source{Topic: "spBv1.0/s/+/e/#", ID: "{2}"}) {
		t.Error("an entry whose id is the device's is not the whole node")
	}
}

// TestDocsShowSourcesThatLoad loads the entries that docs/site.md shows.
func TestDocsShowSourcesThatLoad(t *testing.T) {
	text, err := os.ReadFile("../docs/site.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(text), "```yaml sources\n")
	block, _, _ = strings.Cut(block, "```")
	if !ok {
		t.Fatal("docs/site.md shows no sources")
	}
	s, err := site.Parse("site.yaml", []byte("store: s042\nzones: [{id: door, kind: exit, polygon: [[3, 0], [5, 0], [5, 1], [3, 1]]}]\n"+
		"readers: [{id: r-door, antennas: {1: {zone: door}}}]\nscales: [{id: g1, zone: door, at: [4, 0.5, 1.2], skus: []}]\n"+
		"devices: [{id: erp-1, kind: stock}]\n"+block), nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(s.Store, Options{Foreign: s.Sources})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ topic, payload, want string }{
		{"g1/sensor/load/state", "12.34", "weight g1"},
		{"reader/r-door/reads", `{"reads":[{"t":1795341600.123,"EPC":"E2","ant":1,"rssi":-5450}]}`, "rfid r-door"},
		{"erp/erp-1/stock", `{"at":1795341600123,"units":{"071142008582":20}}`, "stock erp-1"},
	} {
		m, err := d.Decode(received, test.topic, false, []byte(test.payload))
		if err != nil || len(m.Events) != 1 || m.Kind.String()+" "+s.Store.Sources[m.Source].ID != test.want {
			t.Errorf("%s: %+v, %v", test.topic, m, err)
		}
	}
}

// TestAMessageIsNoFlood: what one message may be cut into is bounded, by a map and by Sparkplug's repeated metrics.
func TestAMessageIsNoFlood(t *testing.T) {
	d, err := mapSite(t, `{topic: a, kind: rfid, id: r-door, each: payload, map: {ts: '"arrival"', epc: 'item', antenna: '1', rssi: '-50'}}`)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, err error) {
		t.Helper()
		var r *Rejection
		if !errors.As(err, &r) || r.Code != CodeTooBig {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = d.Decode(received, "a", false, []byte("["+strings.Repeat(`"E2",`, maxReadings)+`"E2"]`))
	refused("elements", err)
	d, err = mapSite(t, `{topic: "spBv1.0/s/+/e/#", decoder: sparkplug, kind: weight, id: g1, map: {grams: 'kg(payload.W)', mode: '"change"'}}`)
	if err != nil {
		t.Fatal(err)
	}
	metric := string([]byte{spMetrics<<3 | 2, 5, spName<<3 | 2, 1, 'W', spInt << 3, 1})
	_, err = d.Decode(received, "spBv1.0/s/NDATA/e", false, []byte(strings.Repeat(metric, maxReadings+1)))
	refused("metrics", err)
}

// TestRowsThatNestDeep: a reading that only the careful way takes does not cost the message those before it.
func TestRowsThatNestDeep(t *testing.T) {
	d, err := mapSite(t, `{topic: a, kind: status, id: g1, each: payload, map: {ts: '"arrival"', state: 'item.s', detail: 'item.d'}}`)
	if err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat("[", 80) + strings.Repeat("]", 80)
	m, err := d.Decode(received, "a", false, []byte(`[{"s":"online"},{"s":"degraded","d":`+deep+`},{"s":"offline"}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []fusion.Action{fusion.Online, fusion.Degraded, fusion.Offline}
	if len(m.Events) != len(want) {
		t.Fatalf("%d events of %d readings", len(m.Events), len(want))
	}
	for i, e := range m.Events {
		if e.Action != want[i] {
			t.Errorf("reading %d: action %v, want %v", i, e.Action, want[i])
		}
	}
}

// TestMappedShortMessage: a vendor's message is short, and its expressions may still make dozens of objects of it, each with some arithmetic.
func TestMappedShortMessage(t *testing.T) {
	d, err := mapSite(t, `{topic: "vms/+/objects", kind: track, id: "{1}", map: {ts: 'seconds(payload.t)', `+
		`tracks: 'map(payload.o, {{"track": string(#.id), "class": #.c == "H" ? "person" : "cart", "conf": #.s / 100.0, "box": [#.b[0] * 1280, #.b[1] * 720, (#.b[2] - #.b[0]) * 1280, (#.b[3] - #.b[1]) * 720]}})'}}`+"\ncameras: [{id: cam-1, frame: [1280, 720]}]")
	if err != nil {
		t.Fatal(err)
	}
	objects := make([]string, 40)
	for i := range objects {
		objects[i] = fmt.Sprintf(`{"id":%d,"c":"H","s":91,"b":[0.1,0.2,0.3,0.4]}`, i)
	}
	m, err := d.Decode(received, "vms/cam-1/objects", false, []byte(`{"t":1795341600.5,"o":[`+strings.Join(objects, ",")+`]}`))
	if err != nil || len(m.Events) != len(objects) {
		t.Errorf("%d events of %d objects: %v", len(m.Events), len(objects), err)
	}
}
