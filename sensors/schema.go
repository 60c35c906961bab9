package sensors

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"magpie/sensors/message"
)

// jsonSchema is a JSON Schema (2020-12). It keeps to words that mean the same in draft 7, which is what AsyncAPI's own tools read.
type jsonSchema struct {
	Schema      string        `json:"$schema,omitempty"`
	ID          string        `json:"$id,omitempty"`
	Title       string        `json:"title,omitempty"`
	Description string        `json:"description,omitempty"`
	Type        schemaTypes   `json:"type,omitempty"`
	Enum        []any         `json:"enum,omitempty"`
	Pattern     string        `json:"pattern,omitempty"`
	MinLength   int           `json:"minLength,omitempty"`
	MaxLength   int           `json:"maxLength,omitempty"`
	Minimum     *float64      `json:"minimum,omitempty"`
	Maximum     *float64      `json:"maximum,omitempty"`
	Items       *jsonSchema   `json:"items,omitempty"`
	MinItems    int           `json:"minItems,omitempty"`
	MaxItems    int           `json:"maxItems,omitempty"`
	Properties  schemaMembers `json:"properties,omitempty"`
	Required    []string      `json:"required,omitempty"`
	AnyOf       []*jsonSchema `json:"anyOf,omitempty"`
	If          *jsonSchema   `json:"if,omitempty"`
	Then        *jsonSchema   `json:"then,omitempty"`
	Examples    []any         `json:"examples,omitempty"`
}

// schemaTypes is written as a word when it is one.
type schemaTypes []string

// MarshalJSON implements json.Marshaler.
func (t schemaTypes) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// schemaMembers are an object's members in their order.
type schemaMembers []schemaMember

type schemaMember struct {
	name   string
	schema any
}

// MarshalJSON implements json.Marshaler.
func (all schemaMembers) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range all {
		if i > 0 {
			b = append(b, ',')
		}
		v, err := message.Encode(m.schema)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, quote(m.name)...), ':'), v...)
	}
	return append(b, '}'), nil
}

// contractKind is a kind of message, for its schema: what it is, which members it needs beside those that its type says, what
// its members must have in company, and an example.
type contractKind struct {
	name, doc string
	of        any
	needed    []string
	also      jsonSchema
	example   string
}

func contractKinds() []contractKind {
	ts := []string{"ts"}
	return []contractKind{
		{message.KindRFID, "a tag that was read, or reads: several, each with its own ts", message.RFID{}, nil,
			jsonSchema{AnyOf: []*jsonSchema{present("ts", "epc", "antenna", "rssi"), present("reads")}},
			`{"ts":"2026-11-22T10:00:00.123Z","seq":881,"epc":"303404579800D6800004CB2F","antenna":1,"rssi":-54.5}`},
		{message.KindWeight, "what lies on a plate: at least 10 samples a second, or in mode change", message.Weight{}, ts,
			jsonSchema{If: where("grams", &jsonSchema{Type: schemaTypes{"array"}, MinItems: 2}), Then: present("rate")},
			`{"ts":1795341600123,"rate":60,"grams":[5021.3,5021.1,4399.8]}`},
		{message.KindTrack, "one picture of a camera, also when it shows nothing", message.Track{}, ts, jsonSchema{},
			`{"ts":"2026-11-22T10:00:00.123Z","frame":[1280,720],"tracks":[{"track":"17","class":"person","conf":0.91,` +
				`"box":[410,120,90,260],"floor":[3.2,4.9]}],"lost":["12"]}`},
		{message.KindTill, "a step of a sale", message.Till{}, ts,
			jsonSchema{If: where("action", &jsonSchema{Enum: []any{"scan", "refund"}}),
				Then: &jsonSchema{AnyOf: []*jsonSchema{present("sku"), present("epc")}}},
			`{"ts":"2026-11-22T10:00:00.123Z","session":"t1-0042","action":"scan","sku":"071142008582","price":1.99}`},
		{message.KindRegion, "from a device that knows zones and no positions", message.Region{}, ts, jsonSchema{},
			`{"ts":"2026-11-22T10:00:00.123Z","object":"4711","class":"person","action":"enter","zone":"aisle-1","conf":0.8}`},
		{message.KindGate, "an anti-theft gate", message.Gate{}, ts, jsonSchema{},
			`{"ts":"2026-11-22T10:00:00.123Z","alarm":true,"direction":"out"}`},
		{message.KindCount, "a people counter: in and out, or total_in and total_out", message.Count{}, ts,
			jsonSchema{AnyOf: []*jsonSchema{present("in", "out"), present("total_in", "total_out")}},
			`{"ts":"2026-11-22T10:00:00.123Z","in":1,"out":0}`},
		{message.KindSignal, "what a device noticed by itself", message.Signal{}, ts, jsonSchema{},
			`{"ts":"2026-11-22T10:00:00.123Z","name":"line","state":true,"object":"4711"}`},
		{message.KindStock, "how many units of an article the store holds", message.Stock{}, ts, jsonSchema{},
			`{"ts":"2026-11-22T06:00:00.000+00:00","sku":"071142008582","units":20,"reason":"delivery"}`},
		{message.KindStatus, "a sign of life of any source, retained; also its will", message.Status{}, nil, jsonSchema{},
			`{"state":"online","every":10}`},
		{"rejected", "what Magpie says of a message that it cannot use", rejected{}, nil, jsonSchema{},
			`{"code":"missing","reason":"alarm is missing: give true or false","path":"/alarm","topic":"magpie/v1/s042/gate/eas-1","payload":"{}"}`},
	}
}

// present wants members that are there, not null and not empty, whatever else they must be.
func present(names ...string) *jsonSchema {
	s := &jsonSchema{Required: names}
	for _, n := range names {
		there := &jsonSchema{Type: schemaTypes{"string", "number", "boolean", "array", "object"}, MinLength: 1}
		s.Properties = append(s.Properties, schemaMember{n, there})
	}
	return s
}

// where is true of an object with a member that is so.
func where(name string, is *jsonSchema) *jsonSchema {
	return &jsonSchema{Required: []string{name}, Properties: schemaMembers{{name, is}}}
}

// SchemaKinds are the kinds that KindSchema knows: those of the contract, and rejected.
func SchemaKinds() (names []string) {
	for _, k := range contractKinds() {
		names = append(names, k.name)
	}
	return names
}

// KindSchema is the JSON Schema of a kind's payloads, indented; nil for a kind that is none of SchemaKinds. What the decoder
// accepts is valid by it. What is valid may still be rejected for what only the site file and the clock can tell.
func KindSchema(kind string) []byte {
	for _, k := range contractKinds() {
		if k.name == kind {
			s := k.schema()
			s.Schema, s.ID = "https://json-schema.org/draft/2020-12/schema", "urn:magpie:v1:"+kind
			return indented(s)
		}
	}
	return nil
}

func indented(v any) []byte {
	flat, err := message.Encode(v)
	if err != nil {
		panic(err) // of values that are made here alone
	}
	var b bytes.Buffer
	if err := json.Indent(&b, flat, "", "  "); err != nil {
		panic(err)
	}
	return append(b.Bytes(), '\n')
}

func (k contractKind) schema() *jsonSchema {
	s := k.also
	s.Title, s.Description, s.Type = k.name, k.doc, schemaTypes{"object"}
	s.Examples = []any{json.RawMessage(k.example)}
	s.object(reflect.TypeOf(k.of), k.needed, false)
	return &s
}

// object adds the members of a struct; all of an embedded pointer may be left out.
func (s *jsonSchema) object(t reflect.Type, needed []string, optional bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			s.object(inner, needed, optional || f.Type.Kind() == reflect.Pointer)
			continue
		}
		name, omit, _ := strings.Cut(f.Tag.Get("json"), ",")
		r := readRule(f.Tag.Get("schema"))
		r.optional = (optional || omit != "") && !r.needed && !slices.Contains(needed, name)
		m := r.value(f.Type)
		m.Description = f.Tag.Get("doc")
		s.Properties = append(s.Properties, schemaMember{name, m})
		if !r.optional {
			s.Required = append(s.Required, name)
		}
	}
}

// rule is what a schema tag says of a member.
type rule struct {
	min, max                                  *float64
	length                                    int
	enum                                      []any
	hex, needed, number, any, plain, optional bool
}

func readRule(tag string) (r rule) {
	for _, part := range strings.Split(tag, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "":
		case "min", "max":
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				panic(fmt.Sprintf("schema tag %q: %v", tag, err))
			}
			if name == "min" {
				r.min = &v
			} else {
				r.max = &v
			}
		case "length":
			n, err := strconv.Atoi(value)
			if err != nil {
				panic(fmt.Sprintf("schema tag %q: %v", tag, err))
			}
			r.length = n
		case "enum":
			for _, word := range strings.Split(value, "|") {
				r.enum = append(r.enum, word)
			}
		case "hex":
			r.hex = true
		case "needed":
			r.needed = true
		case "number":
			r.number = true
		case "any":
			r.any = true
		case "plain":
			r.plain = true
		default:
			panic(fmt.Sprintf("schema tag %q: there is no %s", tag, name))
		}
	}
	return r
}

// The forms of ts that message.ParseTime takes, which are a little more than those of RFC 3339, and its bounds.
const (
	timePattern = `^(arrival|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{1,2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))$`
	leastTime   = 100_000_000_000.0
	mostTime    = 9_000_000_000_000.0
)

// value is the schema of a member: null and the empty string count as absent, where it may be absent.
func (r rule) value(t reflect.Type) *jsonSchema {
	if r.any {
		return &jsonSchema{}
	}
	if r.plain {
		return &jsonSchema{Type: schemaTypes{"string"}}
	}
	s := &jsonSchema{}
	switch {
	case t == reflect.TypeFor[message.Time]():
		s.Type, s.Pattern, s.Minimum, s.Maximum = schemaTypes{"string", "integer"}, timePattern, new(leastTime), new(mostTime)
		s.Examples = []any{"2026-11-22T10:00:00.123Z", 1795341600123, "arrival"}
	case t == reflect.TypeFor[message.Grams]():
		s.Type, s.Minimum, s.Maximum, s.MinItems = schemaTypes{"number", "array"}, r.min, r.max, 1
		s.Items = &jsonSchema{Type: schemaTypes{"number"}, Minimum: r.min, Maximum: r.max}
	case t.Kind() == reflect.Pointer:
		return r.value(t.Elem())
	case t.Kind() == reflect.String:
		r.text(s)
	case t.Kind() == reflect.Bool:
		s.Type = schemaTypes{"boolean"}
	case t.Kind() == reflect.Struct:
		s.Type = schemaTypes{"object"}
		s.object(t, nil, false)
		return s // never null
	case t.Kind() == reflect.Array:
		n := rule{min: r.min, max: r.max, number: r.number}
		s.Type, s.Items, s.MinItems, s.MaxItems = schemaTypes{"array"}, n.value(t.Elem()), t.Len(), t.Len()
	case t.Kind() == reflect.Slice:
		n := rule{min: r.min, max: r.max, optional: true}
		s.Type, s.Items = schemaTypes{"array"}, n.value(t.Elem())
	default:
		s.Type, s.Minimum, s.Maximum = schemaTypes{"integer"}, r.min, r.max
		if r.number || t.Kind() == reflect.Float64 {
			s.Type = schemaTypes{"number"}
		}
	}
	if r.optional && s.Type != nil {
		s.Type = append(s.Type, "null")
	}
	return s
}

func (r rule) text(s *jsonSchema) {
	switch {
	case r.enum != nil && r.optional:
		s.Enum = append(slices.Clone(r.enum), "", nil)
		return
	case r.enum != nil:
		s.Enum = r.enum
		return
	}
	s.Type, s.MaxLength = schemaTypes{"string"}, cmp.Or(r.length, maxString)
	if r.hex {
		s.Pattern = "^[0-9A-Fa-f]*$"
	}
	if !r.optional {
		s.MinLength = 1
	}
}
