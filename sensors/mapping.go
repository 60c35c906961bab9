package sensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

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
	members []mapped
	names   []string // the constant names by which the expressions read payload, sorted
	whole   bool     // an expression reads payload in another way too
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
		options := append(unitFunctions(), sortedFunctions()...)
		options = append(options, expr.Env(mapEnv{}), expr.AsAny(), expr.DisableBuiltin("now"), expr.MaxNodes(200))
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
		}
	}
	slices.Sort(m.names)
	m.names = slices.Compact(m.names)
	return m, errors.Join(errs...)
}

// uses is what an expression reads.
type uses struct {
	item    bool
	payload int      // how often payload stands in it
	names   []string // the constant names that are read of payload
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
	}
}

// read makes the canonical payload and reads that.
func (g *mapping) read(d *Decoder, m *draft, payload []byte) *Rejection {
	env := d.mapEnv(m)
	if bad := valid(payload); bad == nil {
		if err := json.Unmarshal(payload, &env.Payload); err != nil {
			return &Rejection{Code: CodeRange, Reason: "the payload has " + err.Error()}
		}
	} else {
		env.Payload = strings.ToValidUTF8(string(payload), "\ufffd")
	}
	if g.each == nil {
		canonical, r := g.canonical(env, nil)
		if r != nil {
			return r
		}
		return d.canonical(m, canonical)
	}
	v, err := expr.Run(g.each, env)
	if err != nil {
		return &Rejection{Code: CodeType, Reason: "the site file's each does not fit this payload: " + firstLine(err)}
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
		canonical, r := g.canonical(env, nil)
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

// row reads one of several canonical payloads of a message, which has the ts, seq and boot of the first.
func (d *Decoder) row(m *draft, canonical []byte) *Rejection {
	one := *m
	one.Events, one.ts, one.seq, one.boot = nil, message.Time{}, integer{}, word{}
	if r := d.canonical(&one, canonical); r != nil {
		return r
	}
	if m.ts.IsZero() {
		m.ts, m.seq, m.boot = one.ts, one.seq, one.boot
	}
	m.Clocked = m.Clocked || one.Clocked
	m.Events = append(m.Events, one.Events...)
	return nil
}

// canonical makes a payload of the members that the expressions give; preset is what else it has.
func (g *mapping) canonical(env *mapEnv, preset map[string]any) ([]byte, *Rejection) {
	made := make(map[string]any, len(g.members)+len(preset))
	for name, v := range preset {
		made[name] = v
	}
	for _, member := range g.members {
		v, err := expr.Run(member.program, env)
		if err != nil {
			return nil, &Rejection{Code: CodeType, Path: "/" + member.name,
				Reason: "the site file's map for " + member.name + " does not fit this payload: " + firstLine(err)}
		}
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return nil, &Rejection{Code: CodeRange, Path: "/" + member.name,
				Reason: "the site file's map for " + member.name + " gives no number for this payload"}
		}
		if v != nil {
			made[member.name] = v
		}
	}
	canonical, err := json.Marshal(made)
	if err != nil {
		return nil, &Rejection{Code: CodeType, Reason: "the site file's map gives what JSON has not: " + err.Error()}
	}
	return canonical, nil
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
	e.Payload, e.Item, e.Topic, e.received = nil, nil, strings.Split(m.topic, "/"), m.Received
	return e
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
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
