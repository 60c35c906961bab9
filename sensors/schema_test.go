package sensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"magpie/journal"
	"magpie/sensors/message"
	"magpie/site"
)

// compiled are the published schemas, as any vendor's validator reads them.
func compiled(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	all := map[string]*jsonschema.Schema{}
	for _, kind := range SchemaKinds() {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(KindSchema(kind)))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		url := "urn:magpie:v1:" + kind
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
		if all[kind], err = c.Compile(url); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// tree parses a payload into what a validator takes; numbers are doubles, as everywhere in JSON, unless they do not fit.
func tree(payload []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return doubles(v), nil
}

func doubles(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil && !math.IsInf(f, 0) {
			return f
		}
	case []any:
		for i := range v {
			v[i] = doubles(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = doubles(v[k])
		}
	}
	return v
}

// fixtures of the contract: the topic, and a payload that is accepted there.
type sample struct{ kind, topic, payload string }

var fenced = regexp.MustCompile("(?ms)^```json ([^\n]+)\n(.*?)^```$")

// samples are the payloads of docs/messages.md, those of the fuzz test and some with every member that a kind has, for the
// contract's example of a site.
func samples(t testing.TB) (d *Decoder, all []sample) {
	t.Helper()
	s, err := site.Load("../site/testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if d, err = NewDecoder(s.Store, Options{Foreign: s.Sources, Cameras: s.Cameras}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../docs/messages.md")
	if err != nil {
		t.Fatal(err)
	}
	add := func(topic, payload string) {
		all = append(all, sample{strings.Split(topic, "/")[3], topic, payload})
	}
	for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "rejected" {
			continue
		}
		for line := range strings.Lines(m[2]) {
			add(m[1], strings.TrimSpace(line))
		}
	}
	const head = `{"ts":1795341600123,"seq":7,"boot":"b",`
	add("magpie/v1/s042/rfid/r-door", head+`"epc":"e2","antenna":1,"rssi":-61.5,"phase":1.5,"channel":866.9,"tid":"E200"}`)
	add("magpie/v1/s042/rfid/r-door", head+`"reads":[]}`)
	add("magpie/v1/s042/rfid/r-door", head+`"reads":[{"ts":1795341600123,"epc":"E2","antenna":1,"rssi":-5e1}]}`)
	add("magpie/v1/s042/track/cam-1", head+`"tracks":[{"track":"17","class":"p","conf":0.91,"box":[410,120,90,260],"hands":[[1,2,3]],"acts":[{"name":"\u0061","p":1}]}]}`)
	add("magpie/v1/s042/rfid/r-door", head+`"reads":[{"ts":1795341600123,"epc":"e2","antenna":1,"rssi":-61.5,"phase":null,"channel":866.9,"tid":""}]}`)
	add("magpie/v1/s042/weight/g1-s5-p11", head+`"rate":10,"grams":[1],"mode":"change"}`)
	add("magpie/v1/s042/track/cam-1", head+`"frame":null,"tracks":[{"track":"1","class":"person","conf":1,"box":[0,0,0,0],"hands":[[1,2,3],null],"holding":0,`+
		`"acts":[{"name":"reach","p":0.5}]}],"lost":["1",null,""]}`)
	add("magpie/v1/s042/till/sco-1", head+`"session":"a","action":"refund","epc":"e2","receipt":"r","qty":2,"price":1.5,"amount":3,"grams":100,"cashier":"c","line":"1","of":"2"}`)
	add("magpie/v1/s042/till/sco-1", head+`"session":"a","action":"coupon"}`)
	add("magpie/v1/s042/count/c-1", head+`"in":0,"out":0,"total_in":1,"total_out":2}`)
	add("magpie/v1/s042/region/axis-3", head+`"object":"1","class":"person","action":"cross","zone":"door","conf":1,"count":3}`)
	add("magpie/v1/s042/gate/eas-1", head+`"alarm":false,"direction":""}`)
	add("magpie/v1/s042/signal/cam-1-line", head+`"name":"line","state":null,"object":"1"}`)
	add("magpie/v1/s042/stock/erp-1", head+`"sku":"1","units":0.5,"reason":null}`)
	add("magpie/v1/s042/status/r-door", head+`"state":"online","detail":{"cell":3},"every":0.5,"model":"m"}`)
	return d, all
}

const schemaArrival = received + 3600e9 // later than any ts of the samples

// TestSchemasTakeWhatIsAccepted holds every accepted payload that the project has to its kind's schema.
func TestSchemasTakeWhatIsAccepted(t *testing.T) {
	schemas := compiled(t)
	d, all := samples(t)
	for _, k := range contractKinds() {
		if k.name != "rejected" {
			all = append(all, sample{k.name, "", k.example})
		}
	}
	seen := map[string]int{}
	for _, s := range all {
		if s.topic != "" {
			if _, err := d.Decode(schemaArrival, s.topic, false, []byte(s.payload)); err != nil {
				t.Errorf("%v: %s", err, s.payload)
			}
		}
		validates(t, schemas[s.kind], s.payload)
		seen[s.kind]++
	}
	for kind, n := range recorded(t, "../examples/sensors.jsonl", "../examples/site.yaml", schemas) {
		seen[kind] += n
	}
	for _, kind := range SchemaKinds() {
		if seen[kind] < 2 && kind != "rejected" {
			t.Errorf("%d payloads of kind %s", seen[kind], kind)
		}
	}
	text, err := os.ReadFile("../docs/messages.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "rejected" {
			for line := range strings.Lines(m[2]) {
				validates(t, schemas["rejected"], line)
			}
		}
	}
	validates(t, schemas["rejected"], string((&Rejection{Code: CodeBadJSON}).Payload([]byte{0xff})))
}

func validates(t *testing.T, s *jsonschema.Schema, payload string) {
	t.Helper()
	v, err := tree([]byte(payload))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, payload)
	}
}

// recorded validates what is accepted of a recording, and counts it by kind.
func recorded(t *testing.T, path, sitePath string, schemas map[string]*jsonschema.Schema) map[string]int {
	t.Helper()
	s, err := site.Load(sitePath)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(s.Store, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := journal.OpenRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := map[string]int{}
	for {
		l, err := r.Next()
		if err != nil {
			return n
		}
		if l.Control != nil {
			continue
		}
		if _, err := d.Decode(l.Received, l.Topic, l.Retain, l.Payload); err == nil {
			_, kind, _, _ := message.SplitTopic(l.Topic)
			validates(t, schemas[kind], string(l.Payload))
			n[kind]++
		}
	}
}

// TestSchemaViolationsAreRejected changes accepted payloads at random. What violates the schema is rejected; and what does not
// is accepted, but for what a schema cannot tell.
func TestSchemaViolationsAreRejected(t *testing.T) {
	schemas := compiled(t)
	d, all := samples(t)
	random := rand.New(rand.NewPCG(1, 2))
	violations, kept := map[string]int{}, map[string]int{}
	rounds := 2000
	if testing.Short() {
		rounds = 500
	}
	for _, s := range all {
		for range rounds {
			v, err := tree([]byte(s.payload))
			if err != nil {
				t.Fatal(err)
			}
			for range 1 + random.IntN(2) {
				v = mutate(random, v, random.IntN(nodes(v)))
			}
			payload, err := message.Encode(v)
			if err != nil {
				t.Fatal(err)
			}
			if v, err = tree(payload); err != nil {
				t.Fatal(err)
			}
			broken := schemas[s.kind].Validate(v)
			_, err = d.Decode(schemaArrival, s.topic, false, payload)
			var r *Rejection
			errors.As(err, &r)
			switch {
			case broken != nil && err == nil:
				t.Fatalf("accepted, though %v\n%s", broken, payload)
			case broken != nil:
				violations[s.kind]++
			case r != nil && !beyondSchema(r):
				t.Fatalf("%v, though it is valid\n%s", r, payload)
			default:
				kept[s.kind]++
			}
		}
	}
	for _, kind := range SchemaKinds() {
		if kind != "rejected" && (violations[kind] < rounds/4 || kept[kind] < rounds/50) {
			t.Errorf("%s: %d violations, %d valid payloads: the changes prove too little", kind, violations[kind], kept[kind])
		}
	}
}

// TestSchemaBounds sets every number of every sample to the ends of its range, and a little beyond.
func TestSchemaBounds(t *testing.T) {
	schemas := compiled(t)
	d, all := samples(t)
	tried := map[string]bool{}
	for _, s := range all {
		for _, k := range contractKinds() {
			if k.name != s.kind {
				continue
			}
			whole, err := tree([]byte(s.payload))
			if err != nil {
				t.Fatal(err)
			}
			numbersOf(k.schema(), k.name, whole, nil, func(of *jsonSchema, path string, was any, set func(any)) {
				tried[path] = true
				step := 1.0
				if slices.Contains(of.Type, "number") {
					step = 1e-3
				}
				for _, x := range []struct {
					v  float64
					in bool
				}{{*of.Minimum, true}, {*of.Minimum - step, false}, {*of.Maximum, true}, {*of.Maximum + step, false}} {
					set(x.v)
					payload, err := message.Encode(whole)
					if err != nil {
						t.Fatal(err)
					}
					_, err = d.Decode(schemaArrival, s.topic, false, payload)
					var r *Rejection
					errors.As(err, &r)
					if accepted := r == nil || x.in && beyondSchema(r); accepted != x.in || (schemas[s.kind].Validate(whole) == nil) != x.in {
						t.Errorf("%v (in range: %v): decoder says %v, schema says %v: %s", x.v, x.in, err, schemas[s.kind].Validate(whole), payload)
					}
				}
				set(was)
			})
		}
	}
	for _, k := range contractKinds() {
		for _, path := range bounded(k.schema(), k.name) {
			if !tried[path] {
				t.Errorf("no sample has a number at %s", path)
			}
		}
	}
}

// bounded lists where in a schema a number has bounds.
func bounded(s *jsonSchema, path string) (all []string) {
	if s.Minimum != nil && slices.ContainsFunc(s.Type, func(t string) bool { return t == "number" || t == "integer" }) {
		all = append(all, path)
	}
	if s.Items != nil {
		all = append(all, bounded(s.Items, path+"/*")...)
	}
	for _, m := range s.Properties {
		all = append(all, bounded(m.schema.(*jsonSchema), path+"/"+m.name)...)
	}
	return all
}

// numbersOf calls do for every number in a value that a schema bounds; set puts another in its place.
func numbersOf(s *jsonSchema, path string, v any, set func(any), do func(of *jsonSchema, path string, was any, set func(any))) {
	switch v := v.(type) {
	case float64:
		if s.Minimum != nil {
			do(s, path, v, set)
		}
	case []any:
		for i := range v {
			numbersOf(s.Items, path+"/*", v[i], func(x any) { v[i] = x }, do)
		}
	case map[string]any:
		for _, m := range s.Properties {
			if e, ok := v[m.name]; ok {
				numbersOf(m.schema.(*jsonSchema), path+"/"+m.name, e, func(x any) { v[m.name] = x }, do)
			}
		}
	}
}

// beyondSchema reports whether only the site file, the clock or arithmetic can tell.
func beyondSchema(r *Rejection) bool {
	return r.Code == CodeUnknownAntenna || r.Code == CodeFuture || r.Code == CodeRange && r.Path == "/zone" ||
		r.Code == CodeRange && r.Path == "/grams" && strings.Contains(r.Reason, "spans") || // rate × samples
		r.Code == CodeTooBig && strings.Contains(r.Reason, "readings or more") || // against the bytes of the whole
		r.Code == CodeRange && strings.Contains(r.Reason, "negative width") || // draft 7 and 2020-12 write tuples differently
		strings.HasPrefix(r.Reason, "ts is") // a date that the calendar does not have
}

// nodes counts the values in a tree.
func nodes(v any) int {
	n := 1
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += nodes(e)
		}
	case map[string]any:
		for _, e := range v {
			n += nodes(e)
		}
	}
	return n
}

// mutate changes the n-th value of a tree.
func mutate(random *rand.Rand, v any, n int) any {
	if n == 0 {
		return another(random, v)
	}
	n--
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			if size := nodes(e); n >= size {
				n -= size
				continue
			}
			v[i] = mutate(random, e, n)
			return v
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			e := v[name]
			if size := nodes(e); n >= size {
				n -= size
				continue
			}
			if n == 0 && random.IntN(4) == 0 {
				delete(v, name)
			} else {
				v[name] = mutate(random, e, n)
			}
			return v
		}
	}
	return v
}

// bounds are numbers at which some member's range ends.
var bounds = []float64{0, 0.01, 0.1, 1, 7, 30, -7, -150, 1000, 10_000, 65536, 86400, 100_000, 1e5, 1e6, -1e6, 1e7, -1e7, 1e9, 1e11, 9e12, 9007199254740991}

func another(random *rand.Rand, v any) any {
	if list, ok := v.([]any); ok && random.IntN(2) == 0 && len(list) > 0 {
		if random.IntN(2) == 0 {
			return list[:len(list)-1]
		}
		return append(list, list[0])
	}
	b := bounds[random.IntN(len(bounds))]
	choice := []any{nil, "", "x", "E2", "ß", strings.Repeat("A", 124), strings.Repeat("A", 125), strings.Repeat("A", 256), strings.Repeat("A", 257), true, false, b, b, b - 1, b + 1, b - 0.5, b + 0.001, 1e300, -5.0,
		[]any{}, []any{nil}, []any{1.0}, []any{1.0, 2.0}, []any{"a"}, []any{map[string]any{}}, map[string]any{}, "arrival", "2026-11-22T10:00:00Z",
		"2026-13-40T10:00:00Z", "2026-11-22 10:00:00", "2026-11-22T10:00:00+0000", 1795341600123.0, "scan", "refund", "exit", "in", "offline", "change"}
	return choice[random.IntN(len(choice))]
}

// FuzzSchema looks for an accepted payload that its schema refuses.
func FuzzSchema(f *testing.F) {
	schemas := compiled(f)
	d, all := samples(f)
	for _, s := range all {
		f.Add(s.topic, []byte(s.payload))
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		_, kind, _, ok := message.SplitTopic(topic)
		if _, err := d.Decode(schemaArrival, topic, false, payload); !ok || err != nil || doubled(payload) {
			return
		}
		if v, err := tree(payload); err == nil {
			if err := schemas[kind].Validate(v); err != nil {
				t.Fatalf("%v\n%s", err, payload)
			}
		}
	})
}

// doubled reports whether an object of a payload has a member twice, of which no schema can speak.
func doubled(payload []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(payload))
	var names []map[string]bool // nil: an array
	key := true
	for {
		tok, err := dec.Token()
		if err != nil {
			return false
		}
		top := len(names) - 1
		switch tok := tok.(type) {
		case json.Delim:
			switch tok {
			case '{':
				names, key = append(names, map[string]bool{}), true
				continue
			case '[':
				names = append(names, nil)
			default:
				names = names[:top]
			}
			key = true
			continue
		case string:
			if top >= 0 && names[top] != nil && key {
				if names[top][tok] {
					return true
				}
				names[top][tok], key = true, false
				continue
			}
		}
		key = true
	}
}

// TestAsyncAPIIsCommitted holds docs/asyncapi.json to what is generated.
func TestAsyncAPIIsCommitted(t *testing.T) {
	got, err := os.ReadFile("../docs/asyncapi.json")
	if err != nil || !bytes.Equal(got, AsyncAPI()) {
		t.Errorf("docs/asyncapi.json is not what is generated (%v): write it anew with go run ./cmd/magpie sensors schema > docs/asyncapi.json", err)
	}
}

// TestAsyncAPI follows every reference of the document, and compiles its schemas as the draft 7 that AsyncAPI's tools read.
func TestAsyncAPI(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(AsyncAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	var follow func(v any)
	follow = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				follow(e)
			}
		case map[string]any:
			for _, e := range v {
				follow(e)
			}
			ref, ok := v["$ref"].(string)
			if !ok {
				return
			}
			n++
			at := any(doc)
			for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				at = at.(map[string]any)[name]
			}
			if at == nil {
				t.Errorf("%s leads nowhere", ref)
			}
		}
	}
	follow(doc)
	if want := 6 * len(SchemaKinds()); n != want {
		t.Errorf("%d references, not %d", n, want)
	}
	for kind, s := range doc["components"].(map[string]any)["schemas"].(map[string]any) {
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft7)
		if err := c.AddResource("urn:"+kind, s); err != nil {
			t.Fatal(err)
		}
		compiled, err := c.Compile("urn:" + kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range contractKinds() {
			if k.name == kind {
				validates(t, compiled, k.example)
				if compiled.Validate([]any{}) == nil {
					t.Errorf("%s takes an array", kind)
				}
			}
		}
	}
}
