package sensors

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

// mapping makes canonical payloads out of another maker's, each member by an expression over payload (what the message
// holds: JSON, else its text), topic (its levels) and, where each gives an array, item (an element of it: a reading).
type mapping struct {
	each    *vm.Program
	members []mapped // by name
	cost    int      // bytes that one evaluation of all of them takes, about
	values  *values  // of the message in work, nil before the first
	names   []string // the constant names by which the expressions read payload, sorted
	whole   bool     // an expression reads payload in another way too
	room    []byte   // of what toJSON writes
}

type mapped struct {
	name    string
	program *vm.Program
}

// mapEnv is what expressions see, beside the units (mapping_funcs.go). The functions read the forms of time that ts does not
// take, and give RFC 3339.
type mapEnv struct {
	Payload    any                          `expr:"payload"`
	Item       any                          `expr:"item"`
	Topic      []string                     `expr:"topic"`
	Local      func(string) (string, error) `expr:"local"`      // 2026-11-22T10:00:00: the store's time, without a zone
	DayFirst   func(string) (string, error) `expr:"dayfirst"`   // 22/11/2026 10:00:00: the store's
	MonthFirst func(string) (string, error) `expr:"monthfirst"` // 11/22/2026 10:00:00: the store's
	Zoned      func(string) (string, error) `expr:"zoned"`      // 2026-11-22T10:00:00.123+0000, and RFC 3339
	Seconds    func(any) (string, error)    `expr:"seconds"`    // since 1970, with a fraction
	Millis     func(any) (string, error)    `expr:"millis"`     // since 1970
	Micros     func(any) (string, error)    `expr:"micros"`
	Nanos      func(any) (string, error)    `expr:"nanos"`
	received   int64
	vm         vm.VM
	values     values // of payload
	canon      []byte // the canonical payload
	readings   []sparkplugReading
}

// maxReadings bounds what one message may be cut into: each of its readings costs as much as a message.
const maxReadings = 4096

// shape says what a kind's members are: their names, and which of them an expression must give. An rfid message may have
// reads in place of them, an array of objects that each have what one read needs.
type shape struct{ needed, optional []string }

func shapes(k fusion.Kind) shape {
	return [...]shape{
		fusion.RFID:     {[]string{"ts", "epc", "antenna", "rssi"}, []string{"phase", "channel", "tid", "reads"}},
		fusion.Weight:   {[]string{"ts", "grams"}, []string{"rate", "mode"}},
		fusion.Tracks:   {[]string{"ts", "tracks"}, []string{"frame", "lost"}},
		fusion.TillKind: {[]string{"ts", "session", "action"}, []string{"sku", "epc", "line", "of", "receipt", "qty", "price", "amount", "grams", "cashier"}},
		fusion.Region:   {[]string{"ts", "object", "class", "action", "zone"}, []string{"conf", "count"}},
		fusion.Gate:     {[]string{"ts", "alarm"}, []string{"direction"}},
		fusion.Count:    {[]string{"ts"}, []string{"in", "out", "total_in", "total_out"}},
		fusion.Signal:   {[]string{"ts", "name"}, []string{"state", "object"}},
		fusion.Stock:    {[]string{"ts", "sku", "units"}, []string{"reason"}},
		fusion.Status:   {[]string{"state"}, []string{"ts", "detail", "every", "model"}},
	}[k]
}

// The types that the expression of a member may have.
const (
	aNumber = 1 << iota
	aText
	aBool
	anArray
)

// wants are the types of a kind's member.
func wants(k fusion.Kind, member string) int {
	switch member {
	case "ts":
		return aText | aNumber
	case "seq", "rssi", "phase", "channel", "rate", "qty", "price", "amount", "conf", "units", "every", "antenna", "count", "in", "out",
		"total_in", "total_out":
		return aNumber
	case "grams":
		if k == fusion.Weight {
			return aNumber | anArray
		}
		return aNumber
	case "alarm":
		return aBool
	case "state":
		if k == fusion.Signal {
			return aBool
		}
	case "tracks", "frame", "lost", "reads":
		return anArray
	}
	return aText
}

// wrongType says what an expression gives where that can be none of the wanted types. What depends on the payload is known
// only when one comes.
func wrongType(program *vm.Program, want int) (reason string, wrong bool) {
	t := program.Node().Type()
	gives, what := 0, ""
	switch t.Kind() {
	case reflect.Interface:
		return "", false
	case reflect.Int, reflect.Int64, reflect.Float64:
		gives, what = aNumber, "a number"
	case reflect.String:
		gives, what = aText, "a string"
	case reflect.Bool:
		gives, what = aBool, "a bool"
	case reflect.Slice, reflect.Array:
		gives, what = anArray, "an array"
	case reflect.Map, reflect.Struct:
		what = "an object"
	default:
		what = "a " + t.String()
	}
	if gives&want != 0 {
		return "", false
	}
	var words []string
	for i, word := range []string{"a number", "a string", "true or false", "an array"} {
		if want&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, " or ") + " is wanted, and this gives " + what, true
}

// newMapping compiles an entry's map. preset are the members that its decoder fills in.
func newMapping(store *fusion.Store, s site.Source, preset ...string) (*mapping, error) {
	var errs []error
	m := &mapping{}
	of := shapes(s.Kind)
	all := append(append([]string{"seq", "boot"}, of.needed...), of.optional...)
	beside := ""
	if slices.ContainsFunc(s.Map, func(g site.Mapping) bool { return g.Member == "reads" }) && slices.Contains(all, "reads") {
		beside, of.needed, all = " beside reads", nil, []string{"seq", "boot", "reads"}
	}
	for _, need := range of.needed {
		if !slices.Contains(preset, need) && !slices.ContainsFunc(s.Map, func(g site.Mapping) bool { return g.Member == need }) {
			errs = append(errs, fmt.Errorf("%v: map has no %s, which a %s message needs", s.At, need, s.Kind))
		}
	}
	compile := func(g site.Mapping, want int) *vm.Program {
		fail := func(format string, args ...any) *vm.Program {
			errs = append(errs, fmt.Errorf("%v: "+format, append([]any{g.At}, args...)...))
			return nil
		}
		what := "map: " + g.Member
		if g.Member == "each" {
			what = "each"
		}
		options := append(unitFunctions(), sortedFunctions(m.charge)...)
		options = append(options, m.chargedFunctions, expr.Patch(charged{}), expr.Env(mapEnv{}), expr.AsAny(), expr.DisableBuiltin("now"), expr.MaxNodes(200))
		program, err := expr.Compile(g.Expr, options...)
		if err != nil {
			return fail("%s: %w", what, err)
		}
		if reason, wrong := wrongType(program, want); wrong {
			return fail("%s: %s", what, reason)
		}
		u := &uses{}
		node := program.Node()
		ast.Walk(&node, u)
		if u.item && (s.Each == nil || what == "each") {
			return fail("%s: item is an element of each: write each, the array in the payload, such as 'payload.reads'", what)
		}
		if u.pattern {
			return fail("%s: matches wants a pattern that is written here, in quotes, and not one of the payload", what)
		}
		m.names, m.whole = append(m.names, u.names...), m.whole || u.payload > 0
		return program
	}
	if s.Each != nil {
		m.each = compile(*s.Each, anArray)
	}
	for _, given := range s.Map {
		if !slices.Contains(all, given.Member) {
			errs = append(errs, fmt.Errorf("%v: map: %s messages have no %q%s; they have %s", given.At, s.Kind, given.Member, beside, strings.Join(all, ", ")))
			continue
		}
		if program := compile(given, wants(s.Kind, given.Member)); program != nil {
			m.members = append(m.members, mapped{given.Member, program})
			m.cost += cost(program)
		}
	}
	slices.SortFunc(m.members, func(a, b mapped) int { return strings.Compare(a.name, b.name) })
	slices.Sort(m.names)
	m.names = slices.Compact(m.names)
	return m, errors.Join(errs...)
}

// cost is how many bytes a program takes for what it reads, and for the functions that it calls, about.
func cost(program *vm.Program) int {
	n := 0
	for _, op := range program.Bytecode {
		switch op {
		case vm.OpFetch, vm.OpLoadFunc:
			n += 16
		case vm.OpCall, vm.OpCall0, vm.OpCall1, vm.OpCall2, vm.OpCall3, vm.OpCallN, vm.OpCallFast, vm.OpCallTyped, vm.OpCallBuiltin1:
			n += 64
		}
	}
	return n
}

// uses is what an expression reads.
type uses struct {
	item    bool
	payload int      // how often payload stands in it
	names   []string // the constant names that are read of payload
	pattern bool     // it matches a pattern that is not written in it: what it takes to make that ready has no bound
}

// Visit implements ast.Visitor.
func (u *uses) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		switch n.Value {
		case "item":
			u.item = true
		case "payload":
			u.payload++
		}
	case *ast.MemberNode:
		base, ok := n.Node.(*ast.IdentifierNode)
		if name, constant := n.Property.(*ast.StringNode); ok && constant && base.Value == "payload" {
			u.names = append(u.names, name.Value)
			u.payload--
		}
	case *ast.BinaryNode:
		if n.Operator == "matches" {
			_, written := n.Right.(*ast.StringNode)
			u.pattern = u.pattern || !written
		}
	}
}

// read makes the canonical payload and reads that.
func (g *mapping) read(d *Decoder, m *draft, payload []byte) *Rejection {
	env := d.mapEnv(m)
	g.begin(d, m)
	if bad := valid(payload); bad == nil {
		only := g.names
		if g.whole {
			only = nil
		}
		var r *Rejection
		if env.Payload, r = env.values.read(payload, only); r != nil {
			return r
		}
	} else {
		text, r := text(payload)
		if r == nil {
			r = env.values.spend(len(text))
		}
		if r != nil {
			return r
		}
		env.Payload = text
	}
	if g.each == nil {
		canonical, r := d.made(g, message.Time{})
		if r != nil {
			return r
		}
		return d.canonical(m, canonical)
	}
	v, err := d.evaluate(g.each)
	if err != nil {
		return unfit("", "each", err)
	}
	items := reflect.ValueOf(v)
	if k := items.Kind(); k != reflect.Slice && k != reflect.Array {
		return reject(CodeType, "", "the site file's each gives %s for this payload: an array is wanted", jsonKind(v))
	}
	if items.Len() > maxReadings {
		return reject(CodeTooBig, "", "the site file's each gives %d readings: at most %d are allowed, send fewer in a message", items.Len(), maxReadings)
	}
	for i := range items.Len() {
		env.Item = items.Index(i).Interface()
		r := env.values.spend(g.cost)
		if r != nil {
			return r
		}
		canonical, r := d.made(g, message.Time{})
		if r == nil {
			r = d.row(m, canonical)
		}
		if r != nil {
			r.Path = "/" + strconv.Itoa(i) + r.Path
			r.Reason = fmt.Sprintf("item %d of each: %s", i, r.Reason)
			return r
		}
	}
	return nil
}

// maxGarbled bounds a payload that is neither JSON nor UTF-8: what expressions make of it can be several times as long.
const maxGarbled = 512

// text is a payload that is no JSON as a string, with a mark in place of what is no UTF-8.
func text(payload []byte) (string, *Rejection) {
	if utf8.Valid(payload) {
		return string(payload), nil
	}
	if len(payload) > maxGarbled {
		return "", &Rejection{Code: CodeBadJSON, Reason: fmt.Sprintf("the payload is neither JSON nor UTF-8, of which at most %d bytes are read: send UTF-8", maxGarbled)}
	}
	return strings.ToValidUTF8(string(payload), "\ufffd"), nil
}

// begin begins a message.
func (g *mapping) begin(d *Decoder, m *draft) {
	g.values = &d.env.values
	g.values.begin(m.size)
}

// charge charges the message in work for what a function makes.
func (g *mapping) charge(bytes int) error {
	if g.values == nil {
		return nil
	}
	if r := g.values.spend(bytes); r != nil {
		return r
	}
	return nil
}

// unfit says that an expression cannot be used on a payload, for the member at path.
func unfit(path, what string, err error) *Rejection {
	if r, ok := errors.AsType[*Rejection](err); ok {
		return r // it would cost too much
	}
	return &Rejection{Code: CodeType, Path: path, Reason: "the site file's " + what + " does not fit this payload: " + firstLine(err)}
}

// row reads one of several canonical payloads of a message, which has the ts, seq and boot of the first.
func (d *Decoder) row(m *draft, canonical []byte) *Rejection {
	one := *m
	one.ts, one.seq, one.boot = message.Time{}, integer{}, word{}
	if r := d.canonical(&one, canonical); r != nil {
		return r
	}
	if m.ts.IsZero() {
		m.ts, m.seq, m.boot = one.ts, one.seq, one.boot
	}
	m.Clocked, m.Events = m.Clocked || one.Clocked, one.Events
	return nil
}

// evaluate runs an expression on the message in work. Of lists it makes at most what the payload can need.
func (d *Decoder) evaluate(program *vm.Program) (any, error) {
	d.env.vm.MemoryBudget = uint(freePlaces + d.m.size)
	return d.env.vm.Run(program, d.env)
}

// made is a payload of the members that the expressions give of the message in work, and of ts where that is not zero. It is
// good until the next.
func (d *Decoder) made(g *mapping, ts message.Time) ([]byte, *Rejection) {
	b := append(d.env.canon[:0], '{')
	for _, member := range g.members {
		v, err := d.evaluate(member.program)
		if err != nil {
			return nil, unfit("/"+member.name, "map for "+member.name, err)
		}
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return nil, &Rejection{Code: CodeRange, Path: "/" + member.name,
				Reason: "the site file's map for " + member.name + " gives no number for this payload"}
		}
		if v == nil {
			continue
		}
		if member.name == "ts" {
			ts = message.Time{} // this one is meant
		}
		b = append(append(append(b, '"'), member.name...), `":`...)
		b, err = appendJSON(b, v, len(b)+allowance(d.m.size))
		if d.env.canon = b; err != nil {
			if r, ok := errors.AsType[*Rejection](err); ok {
				return nil, r
			}
			return nil, &Rejection{Code: CodeType, Path: "/" + member.name, Reason: "the site file's map for " + member.name + " gives what JSON has not: " + err.Error()}
		}
		b = append(b, ',')
	}
	if !ts.IsZero() {
		b = append(append(b, `"ts":`...), '"')
		if ts.IsArrival() {
			b = append(b, "arrival"...)
		} else {
			b = message.AppendTime(b, ts.NS())
		}
		b = append(b, '"', ',')
	}
	b = append(bytes.TrimSuffix(b, []byte(",")), '}')
	d.env.canon = b
	return b, nil
}

// mapEnv is what the expressions see of a message, but for its payload. There is one, for the message in work.
func (d *Decoder) mapEnv(m *draft) *mapEnv {
	e := d.env
	if e == nil {
		e = &mapEnv{Seconds: since("seconds", 1e9), Millis: since("millis", 1e6), Micros: since("micros", 1e3), Nanos: since("nanos", 1)}
		e.Local = written("local", "2026-11-22T10:00:00", func(b []byte) (int64, bool) { return d.wall(b, e.received) })
		e.DayFirst = written("dayfirst", "22/11/2026 10:00:00", func(b []byte) (int64, bool) { return d.slashed(b, false, e.received) })
		e.MonthFirst = written("monthfirst", "11/22/2026 10:00:00", func(b []byte) (int64, bool) { return d.slashed(b, true, e.received) })
		e.Zoned = written("zoned", "2026-11-22T10:00:00+0000", zoned)
		d.env = e
	}
	e.Payload, e.Item, e.Topic, e.received = nil, nil, append(e.Topic[:0], strings.Split(m.topic, "/")...), m.Received
	return e
}

// firstLine is what an expression says of a payload, which it may quote in full.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if len(line) > maxString {
		line = strings.ToValidUTF8(line[:maxString], "") + "…"
	}
	return line
}

// jsonKind is what a value is in JSON's words.
func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "a string"
	case bool:
		return "a bool"
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	}
	return "a number"
}
