package sensors

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"magpie/fusion"
)

// little is what any message may allocate, beside ten times its bytes.
const little = 4 << 10

// spent decodes messages that differ, and tells the least that one of the last three allocated.
func spent(d *Decoder, topic string, warm int, payload func(i int) []byte) (n uint64, size int, err error) {
	n = math.MaxUint64
	var before, after runtime.MemStats
	var m fusion.Message
	for i := range warm + 3 {
		p := payload(i)
		runtime.ReadMemStats(&before)
		err = d.DecodeInto(&m, received, topic, false, p)
		runtime.ReadMemStats(&after)
		if i >= warm && after.TotalAlloc-before.TotalAlloc < n {
			n, size = after.TotalAlloc-before.TotalAlloc, len(p)
		}
	}
	if room := cap(m.Events) * int(unsafe.Sizeof(fusion.Event{})); room > 4<<20 {
		err = errors.Join(err, fmt.Errorf("a message has room for %d bytes of events", room))
	}
	return n, size, err
}

// repeated is as many of one as fit between before and after, each with a number of its own where it has a verb for it.
func repeated(before, one, after string, most int) func(i int) []byte {
	return func(i int) []byte {
		b, n := []byte(before), 0
		for at := len(b); n < most; n++ {
			next := one
			if strings.Contains(one, "%") {
				next = fmt.Sprintf(one, i*most+n)
			}
			if at += len(next) + 1; at+len(after) > maxPayload {
				break
			}
			if n > 0 {
				b = append(b, ',')
			}
			b = append(b, next...)
		}
		return append(b, after...)
	}
}

// TestNoMessageCostsMuch sends what is short in bytes and long in memory, in every kind of the contract and through maps: a
// decoder that has its room allocates no more than ten times a message, and 4 KiB. What would cost more is rejected.
func TestNoMessageCostsMuch(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates of its own, and pools forget at random")
	}
	const object = `{"track":"%[1]d","class":"p","conf":1,"box":[1,1,1,1]}`
	type test struct {
		name, topic, code string
		warm              int
		payload           func(i int) []byte
	}
	tests := []test{
		{"samples", "magpie/v1/s042/weight/g1", "", 2, repeated(`{"ts":"arrival","rate":100000,"grams":[`, "1", "]}", maxSamples)},
		{"a few samples", "magpie/v1/s042/weight/g1", "", 2, repeated(`{"ts":"arrival","rate":60,"grams":[`, "1", "]}", 15)},
		{"lost ids", "magpie/v1/s042/track/cam-1", "", 70, repeated(`{"ts":"arrival","tracks":[],"lost":[`, `"%d"`, "]}", maxSamples)},
		{"tracks", "magpie/v1/s042/track/cam-1", "", 30, repeated(`{"ts":"arrival","tracks":[`, object, "]}", 1e6)},
		{"null tracks", "magpie/v1/s042/track/cam-1", CodeType, 2, repeated(`{"ts":"arrival","tracks":[`, "null", "]}", 1e6)},
		{"one hand", "magpie/v1/s042/track/cam-1", "", 30, repeated(`{"ts":"arrival","tracks":[`, object[:len(object)-1]+`,"hands":[[1,1,1]]}`, "]}", 1e6)},
		{"reads", "magpie/v1/s042/rfid/r-door", "", 30, repeated(`{"reads":[`, `{"ts":"arrival","epc":"%X","antenna":1,"rssi":1}`, "]}", 1e6)},
		{"escapes", "magpie/v1/s042/till/sco-1", "", 2, repeated(`{"ts":"arrival","action":"open","session":"1",`, `"of":"\u0062"`, "}", 1e6)},
		{"a short rejection", "magpie/v1/s042/till/sco-1", CodeMissing, 2, repeated(`{"ts":"arrival","a":[`, "", "]}", 1)},
	}
	named := decoder(t)
	run := func(d *Decoder, test test) {
		t.Helper()
		n, size, err := spent(d, test.topic, test.warm, test.payload)
		var r *Rejection
		if errors.As(err, &r); err != nil && (r == nil || r.Code != test.code) || err == nil && test.code != "" {
			t.Errorf("%s: %.200v; want %q", test.name, err, test.code)
		}
		t.Logf("%-44s %7d bytes, %8d allocated, %.2f times", test.name, size, n, float64(n)/float64(size))
		if n > uint64(10*size+little) {
			t.Errorf("%s: %d bytes allocated for a payload of %d", test.name, n, size)
		}
		if err != nil && len(err.Error()) > 2000 {
			t.Errorf("%s: a reason of %d bytes", test.name, len(err.Error()))
		}
	}
	for _, test := range tests {
		run(named, test)
	}
	plug, err := mapSite(t, `{topic: "spBv1.0/s/+/e/#", decoder: sparkplug, kind: weight, id: g1, map: {grams: 'kg(payload.W)', mode: '"change"'}}`)
	if err != nil {
		t.Fatal(err)
	}
	metric := func(times int, fields string) func(int) []byte {
		one := string([]byte{spMetrics<<3 | 2, byte(3 + len(fields)), spName<<3 | 2, 1, 'W'}) + fields
		return func(int) []byte { return []byte(strings.Repeat(one, times)) }
	}
	number, null := string([]byte{spInt << 3, 1}), string([]byte{spNull << 3, 1})
	const data = "spBv1.0/s/NDATA/e"
	run(plug, test{"a thousand metrics", data, CodeTooBig, 2, metric(1000, number)})
	run(plug, test{"twenty metrics", data, "", 2, metric(20, number)})
	run(plug, test{"a thousand metrics of a time", data, "", 2, metric(1000, string(appendVarint([]byte{spMetricTime << 3}, 1795341600123))+number+
		string(appendVarint([]byte{spDatatype << 3}, 3)))})
	run(plug, test{"a thousand null metrics", data, CodeTooBig, 2, metric(1000, null)})
	run(plug, test{"three null metrics", data, "", 2, metric(3, null)})
	if plug, err = mapSite(t, `{topic: "spBv1.0/s/+/e/#", decoder: sparkplug, kind: weight, id: g1, map: {grams: 'payload.W * 1000', mode: '"change"'}}`); err != nil {
		t.Fatal(err)
	}
	run(plug, test{"a thousand metrics that no number is made of", data, CodeTooBig, 2, metric(1000, null)})
	for name, entry := range map[string]string{
		"named": `{topic: a, kind: weight, id: g1, map: {ts: '"arrival"', grams: 'payload.g'}}`,
		"text":  `{topic: a, kind: weight, id: g1, map: {ts: '"arrival"', grams: 'float(payload)'}}`,
		"zoned": `{topic: a, kind: weight, id: g1, map: {ts: 'zoned(payload)', grams: '1'}}`,
		"list":  `{topic: a, kind: weight, id: g1, map: {ts: '"arrival"', rate: '100000', grams: 'payload'}}`,
		"whole": `{topic: a, kind: weight, id: g1, map: {ts: '"arrival"', grams: 'len(payload)'}}`,
		"reads": `{topic: a, kind: rfid, id: r-door, each: 'payload', map: {ts: 'seconds(item.t)', epc: 'item.e', antenna: 'item.a', rssi: 'cdbm(item.r)'}}`,
		"local": `{topic: a, kind: rfid, id: r-door, each: 'payload.reads', map: {ts: 'local(item.t)', epc: 'item.e', antenna: '1', rssi: '-50'}}`,
		"some":  `{topic: a, kind: rfid, id: r-door, each: 'filter(payload, .a == 1)', map: {ts: 'item.t', epc: 'upper(item.e)', antenna: 'item.a', rssi: '-50.5'}}`,
		"items": `{topic: a, kind: rfid, id: r-door, each: 'payload', map: {ts: '"arrival"', epc: '"E2"', antenna: '1', rssi: '-50'}}`,
		"stock": `{topic: a, kind: stock, id: erp-1, each: 'toPairs(payload.units)', map: {ts: 'payload.at', sku: 'item[0]', units: 'item[1]'}}`,
		"names": `{topic: a, kind: stock, id: erp-1, each: 'keys(payload)', map: {ts: '"arrival"', sku: 'item', units: 'payload[item]'}}`,
		"cross": `{topic: a, kind: rfid, id: r-door, each: 'payload', map: {ts: '"arrival"', epc: 'payload[0].e + "E2"', antenna: 'len(payload)', rssi: '-50'}}`,
	} {
		d, err := mapSite(t, entry)
		if err != nil {
			t.Fatal(err)
		}
		for _, shape := range []struct {
			name    string
			payload func(int) []byte
		}{
			{"ones", repeated("[", "1", "]", 1e6)},
			{"a thousand ones", repeated("[", "1", "]", 1000)},
			{"large numbers", repeated("[", "12345678901234567890", "]", 1e6)},
			{"strings", repeated("[", `"a"`, "]", 1e6)},
			{"empty strings", repeated("[", `""`, "]", 1e6)},
			{"escapes", repeated("[", `"\n"`, "]", 1e6)},
			{"lists", repeated("[", "[]", "]", 1e6)},
			{"a thousand lists", repeated("[", "[]", "]", 1000)},
			{"objects", repeated("[", "{}", "]", 1e6)},
			{"a thousand objects", repeated("[", "{}", "]", 1000)},
			{"small objects", repeated("[", `{"a":1}`, "]", 1000)},
			{"many small objects", repeated("[", `{"a":1}`, "]", 1e6)},
			{"nested objects", repeated("[", `{"a":{"a":[{}]}}`, "]", 1e6)},
			{"members", repeated("{", `"%d":1`, "}", 1e6)},
			{"a thousand members", repeated("{", `"%d":1`, "}", 1000)},
			{"members with escapes", repeated("{", `"\u0061%d":1`, "}", 1e6)},
			{"one member", repeated("{", `"g":1`, "}", 1e6)},
			{"objects of nine", repeated("[", `{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1}`, "]", 1000)},
			{"deep lists", func(int) []byte { return []byte(strings.Repeat("[", 9999) + strings.Repeat("]", 9999)) }},
			{"deep objects", func(int) []byte { return []byte(strings.Repeat(`{"g":`, 9999) + "1" + strings.Repeat("}", 9999)) }},
			{"a long string", func(int) []byte { return []byte(`{"g":"` + strings.Repeat("x", 200_000) + `"}`) }},
			{"a long text", func(int) []byte { return []byte(strings.Repeat("x", 200_000)) }},
			{"bad text", func(int) []byte { return []byte(strings.Repeat("x\xff", 100_000)) }},
			{"short reads", repeated("[", `{"t":1795341600,"e":"E2","a":1,"r":-5000}`, "]", 1e6)},
			{"a hundred short reads", repeated("[", `{"t":1795341600,"e":"E%X","a":1,"r":-5000}`, "]", 100)},
			{"local reads", repeated(`{"reads":[`, `{"t":"2026-11-22T10:00:00","e":"E2"}`, "]}", 1e6)},
			{"a hundred local reads", repeated(`{"reads":[`, `{"t":"2026-11-22T10:00:00","e":"E2"}`, "]}", 100)},
			{"a stock list", repeated(`{"at":1795341600123,"units":{`, `"%012d":20`, "}}", 1000)},
			{"a short stock list", repeated(`{"at":1795341600123,"units":{`, `"%d":1`, "}}", 4000)},
			{"one short", repeated("{", `"a":{"b":1}`, "}", 1)},
		} {
			n, size, err := spent(d, "a", 1, shape.payload)
			var r *Rejection
			if errors.As(err, &r); err != nil && r == nil {
				t.Errorf("%s of %s: %.200v", name, shape.name, err)
			}
			said := "taken"
			if r != nil {
				said = r.Code
			}
			t.Logf("%-6s %-24s %7d bytes, %8d allocated, %6.2f times %s", name, shape.name, size, n, float64(n)/float64(size), said)
			if taken := name + " of " + shape.name; r != nil && slices.Contains([]string{"reads of a hundred short reads", "local of a hundred local reads", "stock of a stock list"}, taken) {
				t.Errorf("%s: %v", taken, err)
			}
			if n > uint64(10*size+little) {
				t.Errorf("%s of %s: %d bytes allocated for a payload of %d", name, shape.name, n, size)
			}
			if r != nil && len(r.Reason) > 2000 {
				t.Errorf("%s of %s: a reason of %d bytes", name, shape.name, len(r.Reason))
			}
		}
	}
}
