package sensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

// mapping makes canonical payloads out of another maker's, each member by an expression over payload (what the message
// holds: JSON, else its text) and topic (its levels).
type mapping struct {
	members []mapped
}

type mapped struct {
	name    string
	program *vm.Program
}

// mapEnv is what expressions see. The two functions are for the forms of time that ts does not take.
type mapEnv struct {
	Payload any                       `expr:"payload"`
	Topic   []string                  `expr:"topic"`
	Local   func(string) (any, error) `expr:"local"`   // local time without a zone → ts
	Seconds func(any) (any, error)    `expr:"seconds"` // seconds since 1970, with a fraction → ts
}

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

// result makes the compiler hold an expression to its member's type, where the payload's types let it.
func result(member string) expr.Option {
	switch member {
	case "rssi", "phase", "channel", "rate", "qty", "price", "amount", "conf", "units", "every", "antenna", "count", "in", "out", "total_in", "total_out":
		return expr.AsFloat64()
	case "alarm":
		return expr.AsBool()
	case "epc", "tid", "mode", "session", "action", "sku", "line", "of", "receipt", "cashier", "object", "class", "zone", "direction", "name", "reason", "detail":
		return expr.AsKind(reflect.String)
	}
	return expr.AsAny() // ts, grams, tracks, frame, lost, state, reads
}

func newMapping(store *fusion.Store, s site.Source) (*mapping, error) {
	var errs []error
	m := &mapping{}
	of := shapes(s.Kind)
	all := append(append([]string{"seq", "boot"}, of.needed...), of.optional...)
	beside := ""
	if slices.ContainsFunc(s.Map, func(g site.Mapping) bool { return g.Member == "reads" }) && slices.Contains(all, "reads") {
		beside, of.needed, all = " beside reads", nil, []string{"seq", "boot", "reads"}
	}
	for _, need := range of.needed {
		if !slices.ContainsFunc(s.Map, func(g site.Mapping) bool { return g.Member == need }) {
			errs = append(errs, fmt.Errorf("%v: map has no %s, which a %s message needs", s.At, need, s.Kind))
		}
	}
	for _, given := range s.Map {
		if !slices.Contains(all, given.Member) {
			errs = append(errs, fmt.Errorf("%v: map: %s messages have no %q%s; they have %s", given.At, s.Kind, given.Member, beside, strings.Join(all, ", ")))
			continue
		}
		program, err := expr.Compile(given.Expr, expr.Env(mapEnv{}), result(given.Member), expr.DisableBuiltin("now"), expr.MaxNodes(200))
		if err != nil {
			errs = append(errs, fmt.Errorf("%v: map: %s: %w", given.At, given.Member, err))
			continue
		}
		m.members = append(m.members, mapped{given.Member, program})
	}
	return m, errors.Join(errs...)
}

// read makes the canonical payload and reads that.
func (g *mapping) read(d *Decoder, m *draft, payload []byte) *Rejection {
	env := mapEnv{Topic: strings.Split(m.topic, "/"), Local: d.local, Seconds: seconds}
	if bad := valid(payload); bad == nil {
		if err := json.Unmarshal(payload, &env.Payload); err != nil {
			return &Rejection{Code: CodeRange, Reason: "the payload has " + err.Error()}
		}
	} else {
		env.Payload = strings.ToValidUTF8(string(payload), "\ufffd")
	}
	made := make(map[string]any, len(g.members))
	for _, member := range g.members {
		v, err := expr.Run(member.program, env)
		if err != nil {
			reason, _, _ := strings.Cut(err.Error(), "\n")
			return &Rejection{Code: CodeType, Path: "/" + member.name,
				Reason: "the site file's map for " + member.name + " does not fit this payload: " + reason}
		}
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return &Rejection{Code: CodeRange, Path: "/" + member.name,
				Reason: "the site file's map for " + member.name + " gives no number for this payload"}
		}
		if v != nil {
			made[member.name] = v
		}
	}
	canonical, err := json.Marshal(made)
	if err != nil {
		return &Rejection{Code: CodeType, Reason: "the site file's map gives what JSON has not: " + err.Error()}
	}
	return d.canonical(m, canonical)
}

// local reads a time without a zone as the store's local time.
func (d *Decoder) local(text string) (any, error) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if at, err := time.ParseInLocation(layout, text, d.location()); err == nil {
			return message.At(at.UnixNano()).String(), nil
		}
	}
	return nil, fmt.Errorf("local(%q): not a time such as 2026-11-22T10:00:00", text)
}

// seconds reads seconds since 1970.
func seconds(v any) (any, error) {
	switch v := v.(type) {
	case float64:
		return int64(math.Round(float64(v * 1000))), nil
	case int:
		return int64(v) * 1000, nil
	}
	return nil, fmt.Errorf("seconds(%v): not a number", v)
}
