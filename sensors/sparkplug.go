package sensors

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

// Sparkplug B: topic spBv1.0/<group>/<type>/<edge node>[/<device>], a protobuf (sparkplug_b.proto of Eclipse Tahu) whose metrics
// have names that the maker chose. So the site file's entry says the kind and how a message is made of the metrics, which payload
// holds by their names:
//
//	{topic: "spBv1.0/store/+/edge-1/#", decoder: sparkplug, kind: weight, id: g1,
//	 map: {grams: 'kg(payload["Scale/Gross"])', mode: '"change"'}}
//
// In the specification's own view a message is
//
//	{"timestamp":1486144502122,"seq":2,
//	 "metrics":[{"name":"Supply Voltage","timestamp":1486144502122,"dataType":"Float","value":12.3}]}
//
// NDATA, DDATA: a reading, of the message's timestamp unless map has ts. Metrics are sent when they change: a message that has
// none of those that map reads is a sign of life. Where a metric comes several times, or is historical (kept while the line
// was down), every value is a reading of its own, of the metric's own timestamp. A metric that has only an alias is rejected:
// aliases mean nothing without the birth before them, which may have come before Magpie did.
//
// NBIRTH, DBIRTH: with values of what map reads it is a reading and a beginning (boot), from which the next is told; else
// status online. The birth of what map reads must name it, so that a name that is misspelt is told at once. NDEATH, DDEATH:
// status offline; NDEATH counts from its arrival, since it is the will, which was written when the node connected. It speaks
// for one source: where a node has several devices, each falls silent by itself, or sends DDEATH.
//
// seq goes from 0 to 255 and round, over all messages of a node: it is used where the entry takes the whole node (no device
// in its id) and the message has a timestamp, without which a number that comes again would be a duplicate.

// sparkplug makes an entry with the decoder sparkplug ready.
func (f *foreign) sparkplug(store *fusion.Store, s site.Source) (err error) {
	switch {
	case s.Map == nil:
		return fmt.Errorf("%v: decoder sparkplug needs kind and map, such as kind: weight, map: {grams: 'kg(payload[\"Scale/Gross\"])'}", s.At)
	case s.Each != nil:
		return fmt.Errorf("%v: decoder sparkplug takes no each: metrics that come several times are readings of their own", s.At)
	}
	f.kind = s.Kind
	if f.made, err = newMapping(store, s, "ts", "seq", "boot"); err != nil {
		return err
	}
	if f.made.whole {
		return fmt.Errorf("%v: map: payload is to be read by the name of a metric, such as payload[\"Scale/Gross\"]", s.At)
	}
	if len(f.made.names) == 0 {
		return fmt.Errorf("%v: map: no expression reads a metric, such as payload[\"Scale/Gross\"]", s.At)
	}
	return nil
}

// sparkplugReading are the metrics of one moment, those that the map reads.
type sparkplugReading struct {
	ts     message.Time
	values map[string]any
}

// sparkplugPayload is what a message says.
type sparkplugPayload struct {
	ts       message.Time
	seq      integer
	readings []sparkplugReading
	room     *values  // for the readings
	named    []string // the first metrics that have a name, for the words of an error
}

func (d *Decoder) sparkplug(m *draft, payload []byte) *Rejection {
	levels := strings.Split(m.topic, "/")
	if len(levels) < 4 || len(levels) > 5 || levels[0] != "spBv1.0" {
		return &Rejection{Code: CodeUnknownKind,
			Reason: "a topic of Sparkplug B is spBv1.0/<group>/<type>/<edge node>[/<device>]; correct the site file"}
	}
	birth, death := false, false
	switch levels[2] {
	case "NBIRTH", "DBIRTH":
		birth = true
	case "NDEATH", "DDEATH":
		death = true
	case "NDATA", "DDATA":
	default:
		return reject(CodeUnknownKind, "", "the topic's type is %q: NBIRTH, DBIRTH, NDATA, DDATA, NDEATH or DDEATH is wanted, "+
			"a command is nothing that a sensor tells; narrow the topic in the site file", clip([]byte(levels[2])))
	}
	env := d.mapEnv(m)
	m.made.begin(d, m)
	p := sparkplugPayload{readings: env.readings[:0], room: &env.values}
	r := p.read(payload, m.made.names)
	env.readings = p.readings
	if r != nil {
		return r
	}
	m.ts = p.ts
	if levels[2] == "NDEATH" || p.ts.IsZero() {
		m.ts = message.Arrival()
	}
	if p.seq.set && m.ts.NS() != 0 && wholeNode(m.entry) {
		m.seq = p.seq
	}
	if death {
		m.liveness(m.ts, fusion.Offline)
		return nil
	}
	if birth {
		began := m.ts.NS()
		if began == 0 {
			began = m.Received
		}
		m.boot = word{"birth " + message.At(began).String(), true}
		missing := p.unnamed(m.made.names)
		// A node's own birth may have none of them where a device of the node has.
		elsewhere := len(levels) == 4 && len(missing) == len(m.made.names) && strings.Count(m.entry.Topic, "/") == 4
		if len(missing) > 0 && !elsewhere {
			return reject(CodeMissing, "/metrics", "the birth has no metric %q, which the site file's map reads; it has %s",
				missing[0], p.has())
		}
	}
	for i := range p.readings {
		if r := d.sparkplugReading(m, &p.readings[i]); r != nil {
			return r
		}
	}
	if birth && len(m.Events) == 0 {
		m.liveness(m.ts, fusion.Online)
	}
	return nil
}

// sparkplugReading makes a reading of metrics, unless one that it needs is not among them.
func (d *Decoder) sparkplugReading(m *draft, reading *sparkplugReading) *Rejection {
	d.env.Payload = reading.values
	if r := d.env.values.spend(m.made.cost); r != nil {
		return r
	}
	ts := reading.ts
	if ts.IsZero() {
		ts = m.ts
	}
	canonical, r := d.made(m.made, ts)
	if r != nil {
		if anyNil(reading.values, m.made.names) {
			return d.env.values.spend(reasonBytes) // the expression could do nothing with a metric that did not change
		}
		return r
	}
	if r = d.row(m, canonical); r != nil && r.Code == CodeMissing && anyNil(reading.values, m.made.names) {
		return d.env.values.spend(reasonBytes)
	}
	return r
}

// reasonBytes is what it takes to find out that an expression can do nothing.
const reasonBytes = 512

// anyNil reports whether one of the names has no value.
func anyNil(values map[string]any, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return values[name] == nil })
}

// wholeNode reports whether an entry takes all messages of an edge node as those of one source.
func wholeNode(entry *site.Source) bool {
	levels := strings.Split(entry.Topic, "/")
	device := fmt.Sprintf("{%d}", strings.Count(entry.Topic, "+")+1)
	return len(levels) == 4 && levels[3] != "#" || len(levels) == 5 && levels[4] == "#" && !strings.Contains(entry.ID, device)
}

// unnamed are those of the names that no metric has.
func (p *sparkplugPayload) unnamed(names []string) (missing []string) {
	for _, name := range names {
		if !slices.ContainsFunc(p.readings, func(r sparkplugReading) bool { _, ok := r.values[name]; return ok }) {
			missing = append(missing, name)
		}
	}
	return missing
}

// has names the metrics for a rejection.
func (p *sparkplugPayload) has() string {
	if len(p.named) == 0 {
		return "none with a name"
	}
	return strings.Join(p.named, ", ")
}

// The fields of a payload and of a metric, as sparkplug_b.proto numbers them.
const (
	spTimestamp = 1
	spMetrics   = 2
	spSeq       = 3

	spName       = 1
	spAlias      = 2
	spMetricTime = 3
	spDatatype   = 4
	spHistorical = 5
	spNull       = 7
	spInt        = 10
	spLong       = 11
	spFloat      = 12
	spDouble     = 13
	spBool       = 14
	spString     = 15
)

// read reads a payload; of its metrics it keeps those that have one of the names.
func (p *sparkplugPayload) read(payload []byte, names []string) *Rejection {
	if len(payload) > 0 && payload[0] == '{' {
		return &Rejection{Code: CodeBadJSON,
			Reason: "the payload is JSON: Sparkplug B is a protobuf, send that, or write kind and map without a decoder"}
	}
	n := 0
	return protoFields(payload, func(field protowire.Number, v protoValue) *Rejection {
		switch field {
		case spTimestamp:
			ts, err := message.Since1970(int64(min(v.n, math.MaxInt64)), time.Millisecond)
			if err != nil {
				return reject(CodeRange, "/timestamp",
					"timestamp is %d, which is no time near ours: send milliseconds since 1970, and set the clock", v.n)
			}
			p.ts = ts
		case spSeq:
			if v.n > 255 {
				return reject(CodeRange, "/seq", "seq is %d: 0 to 255 is wanted", v.n)
			}
			p.seq = integer{int64(v.n), true}
		case spMetrics:
			n++
			return p.metric(v.b, names, n-1)
		}
		return nil
	})
}

// metric is one metric before its value is taken.
type metric struct {
	name       []byte
	alias      bool
	ts         uint64
	datatype   uint64
	historical bool
	null       bool
	field      protowire.Number // of the value, 0: none
	value      protoValue
}

func (p *sparkplugPayload) metric(b []byte, names []string, index int) *Rejection {
	var mt metric
	at := func(member string) string { return "/metrics/" + strconv.Itoa(index) + member }
	r := protoFields(b, func(field protowire.Number, v protoValue) *Rejection {
		switch field {
		case spName:
			mt.name = v.b
		case spAlias:
			mt.alias = true
		case spMetricTime:
			mt.ts = v.n
		case spDatatype:
			mt.datatype = v.n
		case spHistorical:
			mt.historical = v.n != 0
		case spNull:
			mt.null = v.n != 0
		case spInt, spLong, spFloat, spDouble, spBool, spString:
			mt.field, mt.value = field, v
		}
		return nil
	})
	switch {
	case r != nil:
		r.Path = at(r.Path)
		return r
	case len(mt.name) == 0 && mt.alias:
		return &Rejection{Code: CodeMissing, Path: at("/name"),
			Reason: "the metric has an alias and no name: aliases are known only from a birth that may be long ago; " +
				"switch aliases off in the edge node, so that every message has the names"}
	case len(mt.name) == 0:
		return &Rejection{Code: CodeMissing, Path: at("/name"), Reason: "name is missing: give the metric's name"}
	case len(mt.name) > maxString:
		return reject(CodeRange, at("/name"), "name has %d bytes: %d are allowed", len(mt.name), maxString)
	}
	if len(p.named) < 10 {
		p.named = append(p.named, string(mt.name))
	}
	k, ok := slices.BinarySearchFunc(names, mt.name, func(name string, want []byte) int { return strings.Compare(name, string(want)) })
	if !ok {
		return nil
	}
	v, reason := mt.number()
	if reason != "" {
		return reject(CodeType, at(""), "metric %q %s", names[k], reason)
	}
	var ts message.Time
	if mt.ts != 0 {
		var err error
		if ts, err = message.Since1970(int64(min(mt.ts, math.MaxInt64)), time.Millisecond); err != nil {
			return reject(CodeRange, at("/timestamp"),
				"timestamp is %d, which is no time near ours: send milliseconds since 1970, and set the clock", mt.ts)
		}
	}
	return p.keep(names[k], v, ts, mt.historical)
}

// keep adds a value to the last reading, or where that has the metric already, or either is historical and of another time,
// begins the next.
func (p *sparkplugPayload) keep(name string, v any, ts message.Time, historical bool) *Rejection {
	last := len(p.readings) - 1
	begin := last < 0
	if !begin {
		_, again := p.readings[last].values[name]
		begin = again || historical && p.readings[last].ts != ts
	}
	if begin {
		if last+1 >= maxReadings {
			return reject(CodeTooBig, "/metrics", "the message has more than %d readings: send fewer in a message", maxReadings)
		}
		empty, r := p.room.make(1)
		if r != nil {
			return r
		}
		p.readings = append(p.readings, sparkplugReading{values: empty})
		last++
		if historical || last > 0 {
			p.readings[last].ts = ts
		}
	}
	p.readings[last].values[name] = v
	if text, ok := v.(string); ok {
		return p.room.spend(stringBytes + len(text))
	}
	return p.room.spend(8)
}

// The data types that tell what an integer's bits mean.
const (
	spInt8   = 1
	spInt16  = 2
	spInt32  = 3
	spInt64  = 4
	spUInt8  = 5
	spUInt64 = 8
)

// number is a metric's value: a float64, string or bool, nil for one that is null. Integers are two's complement, and only
// the data type tells whether: one that may be either is rejected with the reason.
func (mt *metric) number() (v any, reason string) {
	n := mt.value.n
	switch {
	case mt.null:
		return nil, ""
	case mt.field == spFloat:
		v = float64(math.Float32frombits(uint32(n)))
	case mt.field == spDouble:
		v = math.Float64frombits(n)
	case mt.field == spBool:
		return n != 0, ""
	case mt.field == spString:
		if len(mt.value.b) > maxString {
			return nil, fmt.Sprintf("has %d bytes: %d are allowed", len(mt.value.b), maxString)
		}
		return strings.ToValidUTF8(string(mt.value.b), "\ufffd"), ""
	case mt.field == 0:
		return nil, "has no value that can be read: a number, a bool or a string is wanted"
	case mt.datatype == spInt8:
		v = float64(int8(n))
	case mt.datatype == spInt16:
		v = float64(int16(n))
	case mt.datatype == spInt32:
		v = float64(int32(n))
	case mt.datatype == spInt64:
		v = float64(int64(n))
	case mt.datatype >= spUInt8 && mt.datatype <= spUInt64:
		v = float64(n)
	case mt.field == spInt && n >= 1<<31 || mt.field == spLong && n >= 1<<63:
		return nil, fmt.Sprintf("is %d without a data type, and may be negative: send its data type, or a Double", n)
	default:
		v = float64(n)
	}
	if f := v.(float64); math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, "" // no number: as one that is null
	}
	return v, ""
}

// protoValue is the value of a protobuf field: a number as it is on the wire, or bytes.
type protoValue struct {
	n uint64
	b []byte
}

// protoFields calls field for every field of a protobuf message.
func protoFields(b []byte, field func(n protowire.Number, v protoValue) *Rejection) *Rejection {
	broken := func(n int) *Rejection {
		return reject(CodeBadJSON, "", "the payload is no protobuf of Sparkplug B: %v", protowire.ParseError(n))
	}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return broken(n)
		}
		b = b[n:]
		var v protoValue
		switch kind {
		case protowire.VarintType:
			v.n, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var small uint32
			small, n = protowire.ConsumeFixed32(b)
			v.n = uint64(small)
		case protowire.Fixed64Type:
			v.n, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			v.b, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return broken(n)
		}
		b = b[n:]
		if r := field(number, v); r != nil {
			return r
		}
	}
	return nil
}
