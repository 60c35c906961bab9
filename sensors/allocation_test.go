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
const little = 66 << 10

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
// decoder that has its room allocates no more than ten times a message, and 66 KiB. What would cost more is rejected.
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
	run(plug, test{"ten thousand metrics", data, CodeTooBig, 2, metric(10000, number)})
	run(plug, test{"twenty metrics", data, "", 2, metric(20, number)})
	run(plug, test{"a thousand metrics of a time", data, "", 2, metric(1000, string(appendVarint([]byte{spMetricTime << 3}, 1795341600123))+number+
		string(appendVarint([]byte{spDatatype << 3}, 3)))})
	run(plug, test{"ten thousand null metrics", data, CodeTooBig, 2, metric(10000, null)})
	run(plug, test{"three null metrics", data, "", 2, metric(3, null)})
	if plug, err = mapSite(t, `{topic: "spBv1.0/s/+/e/#", decoder: sparkplug, kind: weight, id: g1, map: {grams: 'payload.W * 1000', mode: '"change"'}}`); err != nil {
		t.Fatal(err)
	}
	run(plug, test{"ten thousand metrics that no number is made of", data, CodeTooBig, 2, metric(10000, null)})
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
		for _, shape := range costly() {
			r := costs(t, d, name, shape)
			if taken := name + " of " + shape.name; r != nil && slices.Contains([]string{"reads of a hundred short reads", "local of a hundred local reads", "stock of a stock list"}, taken) {
				t.Errorf("%s: %v", taken, r)
			}
		}
	}
}

// shaped makes payloads, the i-th like the others.
type shaped struct {
	name    string
	payload func(i int) []byte
}

func costly() []shaped {
	return []shaped{
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
	}
}

// costs holds what a message costs that has its topic to itself to ten times its bytes, and tells why it was rejected, if it was.
func costs(t *testing.T, d *Decoder, name string, shape shaped) *Rejection {
	t.Helper()
	n, size, err := spent(d, "a", 1, shape.payload)
	var r *Rejection
	if errors.As(err, &r); err != nil && r == nil {
		t.Errorf("%s of %s: %.200v", name, shape.name, err)
	}
	said := "taken"
	if r != nil {
		said = r.Code
	}
	t.Logf("%-16s %-24s %7d bytes, %8d allocated, %6.2f times %s", name, shape.name, size, n, float64(n)/float64(size), said)
	if n > uint64(10*size+little) {
		t.Errorf("%s of %s: %d bytes allocated for a payload of %d", name, shape.name, n, size)
	}
	if r != nil && len(r.Reason) > 2000 {
		t.Errorf("%s of %s: a reason of %d bytes", name, shape.name, len(r.Reason))
	}
	return r
}

// TestNoExpressionCostsMuch has expressions that are quadratic in themselves, or make much of little: they cost a message no more
// than others do.
func TestNoExpressionCostsMuch(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates of its own, and pools forget at random")
	}
	grams := func(expression string) string {
		return `{topic: a, kind: weight, id: g1, map: {ts: '"arrival"', rate: '100000', grams: '` + expression + `'}}`
	}
	some := []string{"ones", "strings", "small objects", "a thousand members", "a long text", "a hundred short reads", "one short"}
	for name, entry := range map[string]string{
		"count in count":   grams(`count(payload, count(payload, true) > 0)`),
		"map in map":       grams(`len(map(payload, map(payload, #)))`),
		"filter in filter": grams(`len(filter(payload, # in filter(payload, true)))`),
		"strings add up":   grams(`len(reduce(payload, #acc + string(#), ""))`),
		"texts add up":     grams(`len(payload + payload + payload + payload + payload + payload + payload + payload + payload + payload + payload + payload)`),
		"lists add up":     grams(`len(reduce(payload, concat(#acc, [#]), []))`),
		"concat":           grams(`len(concat(payload, payload, payload, payload))`),
		"doubled":          grams(`reduce(payload, [#acc, #acc], [1])`),
		"repeat":           grams(`len(repeat(string(payload), 100000))`),
		"repeat each":      grams(`len(map(payload, repeat("a", 10)))`),
		"range":            grams(`len(1..1000 * len(payload))`),
		"ranges":           grams(`len(map(payload, 1..len(payload)))`),
		"a range each":     grams(`len(map(payload, 1..100))`),
		"replace":          grams(`len(replace(string(payload), "1", "1111111111111111111111111111111111"))`),
		"to JSON":          grams(`len(toJSON(payload))`),
		"from JSON":        grams(`len(fromJSON(type(payload) == "string" ? payload : "[" + payload.g + "]"))`),
		"base64":           grams(`len(toBase64(toBase64(toBase64(toBase64(toBase64(string(payload)))))))`),
		"groups":           grams(`len(groupBy(payload, string(#)))`),
		"uniq":             grams(`len(uniq(payload))`),
		"flatten":          grams(`len(flatten([payload, payload, payload]))`),
		"sort":             grams(`len(sort(map(payload, len(string(#)))))`),
		"sort by":          grams(`len(sortBy(payload, string(#)))`),
		"split":            grams(`len(split(payload, ""))`),
		"split and join":   grams(`len(join(split(payload, ""), "----------------"))`),
		"upper":            grams(`len(upper(payload)) + len(lower(payload)) + len(upper(payload)) + len(lower(payload)) + len(upper(payload))`),
		"arithmetic":       grams(`len(map(payload, # * 2 + # * 3 + # * 4 + # * 5))`),
		"median":           grams(`median(payload) + median(payload) + median(payload)`),
		"dates":            grams(`len(map(payload, date(string(#), "2006-01-02", "Europe/London")))`),
		"pairs":            grams(`len(fromPairs(map(payload, [string(#), #])))`),
		"objects":          grams(`len(map(payload, {{"a": #, "b": #}}))`),
		"equal":            grams(`len(filter(payload, # == payload))`),
		"in":               grams(`len(filter(payload, # in payload))`),
		"index":            grams(`len(map(payload, #index))`),
	} {
		d, err := mapSite(t, entry)
		if err != nil {
			t.Fatal(err)
		}
		for _, shape := range costly() {
			if slices.Contains(some, shape.name) {
				costs(t, d, name, shape)
			}
		}
	}
}
