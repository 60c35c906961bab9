package sensors

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/expr-lang/expr"

	"magpie/sensors/message"
)

// unitFunctions are the functions with which expressions convert a number to the contract's units: lb oz kg g to grams,
// cm inch m to metres, cdbm (hundredths of dBm) to dBm. Of nothing they make nothing, so that a member may be absent.
func unitFunctions() []expr.Option {
	var all []expr.Option
	add := func(name string, per float64) {
		all = append(all, expr.Function(name, func(params ...any) (any, error) {
			switch v := params[0].(type) {
			case nil:
				return nil, nil
			case float64:
				return float64(v * per), nil
			case int:
				return float64(float64(v) * per), nil
			}
			return nil, fmt.Errorf("%s(%v): a number is wanted; float(…) reads one from a text", name, params[0])
		}, new(func(float64) float64)))
	}
	for _, unit := range []string{"lb", "oz", "kg", "g"} {
		per, _ := gramsPer(unit)
		add(unit, per)
	}
	add("cm", metresPer("cm"))
	add("inch", metresPer("in"))
	add("m", metresPer("m"))
	add("cdbm", 0.01)
	return all
}

// sortedFunctions are keys, values and toPairs of expr in the order of the names: the library's own have none, and the same
// line must give the same message. What they make of an object is charged to the message.
func sortedFunctions(charge func(bytes int) error) []expr.Option {
	var all []expr.Option
	add := func(name string, bytes int, each func(object map[string]any, key string) any) {
		all = append(all, expr.DisableBuiltin(name), expr.Function(name, func(params ...any) (any, error) {
			object, ok := params[0].(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s: an object is wanted, not %s", name, jsonKind(params[0]))
			}
			if err := charge(bytes * len(object)); err != nil {
				return nil, err
			}
			names := slices.AppendSeq(make([]string, 0, len(object)), maps.Keys(object))
			slices.Sort(names)
			list := make([]any, 0, len(object))
			for _, key := range names {
				list = append(list, each(object, key))
			}
			return list, nil
		}, new(func(map[string]any) []any)))
	}
	add("keys", 64, func(_ map[string]any, key string) any { return key })
	add("values", 48, func(object map[string]any, key string) any { return object[key] })
	add("toPairs", 80, func(object map[string]any, key string) any { return [2]any{key, object[key]} })
	return all
}

// written makes a function of expressions that reads a written time.
func written(name, like string, read func(text []byte) (ns int64, ok bool)) func(string) (string, error) {
	return func(text string) (string, error) {
		ns, ok := read([]byte(text))
		switch {
		case !ok:
			return "", fmt.Errorf("%s(%q): not a time such as %s", name, clip([]byte(text)), like)
		case ns == 0:
			return "", fmt.Errorf("%s(%q): no time near ours; set the device's clock", name, clip([]byte(text)))
		}
		return message.At(ns).String(), nil
	}
}

// since makes a function of expressions that reads a number of units, of so many ns each, since 1970.
func since(name string, unit float64) func(any) (string, error) {
	return func(v any) (string, error) {
		var whole, part float64
		switch v := v.(type) {
		case float64:
			whole, part = math.Modf(v)
		case int:
			whole = float64(v)
		default:
			return "", fmt.Errorf("%s(%v): a number is wanted", name, v)
		}
		at, err := message.Since1970(int64(max(-1e18, min(float64(whole*unit/1e6), 1e18))), time.Millisecond)
		if err != nil {
			return "", fmt.Errorf("%s(%v): no time near ours; set the device's clock, or take seconds, millis, micros or nanos", name, v)
		}
		// Numbers of a payload hold 53 bits: below a microsecond they are rounding.
		micros := math.Round((float64(whole*unit)-float64(at.NS()))/1e3) + math.Round(float64(part*unit)/1e3)
		return message.At(at.NS() + int64(micros)*1e3).String(), nil
	}
}
