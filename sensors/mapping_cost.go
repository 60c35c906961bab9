package sensors

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/vm/runtime"
)

// What grows with a payload is charged to the message before an expression makes it, so that none costs more than its bytes
// allow whatever the expression is: strings that are put together, ranges, and what filter, map and their like take for each
// element, once more for each time that they run in one another. What an expression takes once, whatever comes, is not.

// The functions that charged puts into an expression. No name of the site file's is theirs, since they have a space.
const (
	plusFunction  = "of two"
	rangeFunction = "from to"
	eachFunction  = "each of"
	inFunction    = "is in"
)

// charged puts charges into an expression.
type charged struct{}

// Visit implements ast.Visitor; the nodes within a node come first.
func (charged) Visit(node *ast.Node) {
	call := func(at ast.Node, name string, arguments ...ast.Node) ast.Node {
		callee := &ast.IdentifierNode{Value: name}
		c := &ast.CallNode{Callee: callee, Arguments: arguments}
		callee.SetLocation(at.Location())
		c.SetLocation(at.Location())
		return c
	}
	each := func(list *ast.Node, bytes int) {
		if k := (*list).Type().Kind(); k == reflect.Interface || k == reflect.Slice || k == reflect.Array { // else it is refused
			*list = call(*list, eachFunction, *list, &ast.IntegerNode{Value: bytes})
		}
	}
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		switch l, r := n.Left.Type().Kind(), n.Right.Type().Kind(); n.Operator {
		case "+":
			if text := func(k reflect.Kind) bool { return k == reflect.Interface || k == reflect.String }; text(l) && text(r) {
				ast.Patch(node, call(n, plusFunction, n.Left, n.Right))
			}
		case "..":
			if whole := func(k reflect.Kind) bool { return k == reflect.Interface || k == reflect.Int }; whole(l) && whole(r) {
				ast.Patch(node, call(n, rangeFunction, n.Left, n.Right))
			}
		case "in":
			if c, ok := n.Right.(*ast.CallNode); ok && c.Callee.String() == rangeFunction && constant(c.Arguments[0]) && constant(c.Arguments[1]) {
				n.Right = &ast.BinaryNode{Operator: "..", Left: c.Arguments[0], Right: c.Arguments[1]} // of which nothing is made
			} else if r == reflect.Interface || r == reflect.Slice {
				ast.Patch(node, call(n, inFunction, n.Left, n.Right))
			}
		}
	case *ast.BuiltinNode:
		if made, ok := perElement(n.Name); ok && len(n.Arguments) > 0 {
			b := &bodyBytes{}
			for i := range n.Arguments[1:] {
				ast.Walk(&n.Arguments[i+1], b)
			}
			each(&n.Arguments[0], made+b.n)
		}
	}
}

// constant reports whether a node is a whole number as it is written.
func constant(n ast.Node) bool {
	_, ok := n.(*ast.IntegerNode)
	return ok
}

// perElement is what a function that has an expression for each element makes of one, beside what that makes.
func perElement(name string) (bytes int, ok bool) {
	switch name {
	case "filter", "map":
		return 16, true
	case "sortBy":
		return 48, true
	case "groupBy":
		return 200, true
	case "all", "none", "any", "one", "find", "findIndex", "findLast", "findLastIndex", "count", "sum", "reduce":
		return 1, true
	}
	return 0, false
}

// compareBytes is what it takes to compare two lists or objects.
const compareBytes = 256

// scalar reports whether a node surely is no list and no object.
func scalar(n ast.Node) bool {
	switch n.Type().Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Float64:
		return true
	}
	_, null := n.(*ast.NilNode)
	return null
}

// bodyBytes adds up what an expression may take each time that it runs, beside what is charged when it does.
type bodyBytes struct{ n int }

// Visit implements ast.Visitor.
func (b *bodyBytes) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		switch n.Operator {
		case "+", "-", "*", "/", "%", "**", "^":
			b.n += 16
		case "==", "!=":
			if !scalar(n.Left) && !scalar(n.Right) {
				b.n += compareBytes
			}
		}
	case *ast.UnaryNode:
		b.n += 8
	case *ast.PointerNode:
		b.n += 8
	case *ast.IdentifierNode, *ast.MemberNode:
		b.n += 16
	case *ast.SliceNode:
		b.n += 48
	case *ast.CallNode:
		b.n += 64
	case *ast.BuiltinNode:
		b.n += 64
		if n.Name == "date" || n.Name == "timezone" {
			b.n += 8 << 10 // a time zone is a file
		}
	case *ast.ArrayNode:
		b.n += 32 + 16*len(n.Nodes)
	case *ast.MapNode:
		b.n += 64 + 2*memberBytes*len(n.Pairs)
	}
}

// chargedFunctions are what charged puts in, and those of expr's own functions whose results grow with what they are given.
func (g *mapping) chargedFunctions(c *conf.Config) {
	add := func(f builtin.Function, bytes func(args []any) int) {
		run := f
		f.Fast, f.Safe = nil, nil
		f.Func = func(args ...any) (any, error) {
			if err := g.charge(bytes(args)); err != nil {
				return nil, err
			}
			switch {
			case run.Func != nil:
				return run.Func(args...)
			case run.Safe != nil:
				v, _, err := run.Safe(args...)
				return v, err
			}
			return run.Fast(args[0]), nil
		}
		c.Disabled[f.Name] = true
		c.Functions[f.Name] = &f
	}
	add(builtin.Function{Name: plusFunction, Func: func(args ...any) (any, error) { return runtime.Add(args[0], args[1]), nil },
		Validate: func(args []reflect.Type) (reflect.Type, error) {
			if args[0].Kind() == reflect.String && args[1].Kind() == reflect.String {
				return args[0], nil
			}
			return reflect.TypeFor[any](), nil
		}}, func(args []any) int { return length(args[0]) + length(args[1]) })
	add(builtin.Function{Name: rangeFunction, Func: func(args ...any) (any, error) {
		return runtime.MakeRange(runtime.ToInt(args[0]), runtime.ToInt(args[1])), nil
	},
		Types: []reflect.Type{reflect.TypeFor[func(int, int) []int]()}},
		func(args []any) int { return 8 * min(max(0, runtime.ToInt(args[1])-runtime.ToInt(args[0])+1), 1<<40) })
	add(builtin.Function{Name: eachFunction, Func: func(args ...any) (any, error) { return args[0], nil },
		Validate: func(args []reflect.Type) (reflect.Type, error) { return args[0], nil }},
		func(args []any) int {
			n := elements(args[0]) + length(args[0]) // a string counts as a list of its bytes, and an object's members count too
			if object, ok := args[0].(map[string]any); ok {
				n = len(object)
			}
			return n*args[1].(int) + placeBytes*max(0, n-freePlaces)
		})
	add(builtin.Function{Name: inFunction, Func: func(args ...any) (any, error) { return runtime.In(args[0], args[1]), nil },
		Types: []reflect.Type{reflect.TypeFor[func(any, any) bool]()}},
		func(args []any) int { return elements(args[1]) * compared(args[0]) })
	times := func(bytes int) func(args []any) int {
		return func(args []any) (n int) {
			for _, a := range args {
				n += bytes * (length(a) + elements(a))
			}
			return n
		}
	}
	first := func(args []any) (s, second string) {
		if len(args) > 1 {
			second, _ = args[1].(string)
		}
		s, _ = args[0].(string)
		return s, second
	}
	parts := func(args []any) int {
		s, by := first(args)
		return 32 * (strings.Count(s, by) + 1)
	}
	costs := map[string]func(args []any) int{
		"upper": times(4), "lower": times(4), "toBase64": times(4), "fromBase64": times(4), "int": times(4), "float": times(4), "duration": times(4),
		"date": times(64), "timezone": times(4), "reverse": times(16), "sort": times(24), "concat": times(48), "fromPairs": times(2 * memberBytes),
		"split": parts, "splitAfter": parts,
		"median":  func(args []any) int { return all(args, 24) },
		"flatten": func(args []any) int { return all(args, 48) },
		"string": func(args []any) int {
			switch args[0].(type) {
			case string:
				return 0
			case float64, int, bool, nil:
				return 48
			}
			return 3 * all(args, 24)
		},
		"uniq": func(args []any) int {
			list, _ := args[0].([]any)
			n, deep := elements(args[0]), 0
			for i, one := range list {
				if x := compared(one); x > 1 {
					deep += i * x
				}
			}
			return 48*n + n*n/64 + deep // each is looked for among those before
		},
		"join": func(args []any) int {
			_, glue := first(args)
			return all(args[:1], 1) + elements(args[0])*(len(glue)+48)
		},
		"replace": func(args []any) int {
			s, old := first(args)
			by := 0
			if len(args) > 2 {
				by = length(args[2])
			}
			return len(s) + by*strings.Count(s, old)
		},
		"repeat": func(args []any) int { return length(args[0]) * min(max(0, runtime.ToInt(args[1])), 1e6) },
	}
	for name, bytes := range costs {
		add(*builtin.Builtins[builtin.Index[name]], bytes)
	}
	free := func([]any) int { return 0 } // they charge by themselves
	add(builtin.Function{Name: "toJSON", Types: builtin.Builtins[builtin.Index["toJSON"]].Types, Func: func(args ...any) (any, error) {
		b, err := appendJSON(g.room[:0], args[0], g.values.left)
		g.room = b
		if err == nil {
			err = g.charge(len(b))
		}
		return string(b), err
	}}, free)
	add(builtin.Function{Name: "fromJSON", Types: builtin.Builtins[builtin.Index["fromJSON"]].Types, Func: func(args ...any) (any, error) {
		return g.values.within(args[0].(string))
	}}, free)
}

// length is how long a string is; nothing else is.
func length(v any) int {
	s, _ := v.(string)
	return len(s)
}

// compared is what it takes to compare a value with another.
func compared(v any) int {
	switch v.(type) {
	case nil, string, float64, int, bool:
		return 1
	}
	return compareBytes
}

// elements is how many a list has.
func elements(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case nil, string, float64, int, bool, map[string]any:
		return 0
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice || r.Kind() == reflect.Array {
		return r.Len()
	}
	return 0
}

// all counts the bytes of a value's strings, and each for everything in it; of what holds itself many times it stops when that
// is more than any message may cost.
func all(v any, each int) (n int) {
	var add func(v any)
	add = func(v any) {
		if n += each; n > allowance(maxPayload) {
			return
		}
		switch v := v.(type) {
		case string:
			n += len(v)
		case []any:
			for _, one := range v {
				add(one)
			}
		case map[string]any:
			for name, one := range v {
				n += len(name)
				add(one)
			}
		case []string:
			for _, one := range v {
				n += each + len(one)
			}
		default:
			n += elements(v) * each
		}
	}
	add(v)
	return n
}

// within is the value of a JSON text that stood in a string of the payload.
func (v *values) within(text string) (any, error) {
	if r := v.spend(len(text)); r != nil {
		return nil, r
	}
	b := []byte(text)
	if bad := valid(b); bad != nil {
		return nil, fmt.Errorf("fromJSON: the text holds no JSON: %s", bad.Reason)
	}
	outer := v.text
	v.text = text
	v.c.reset(b)
	one, r := v.value(false)
	v.text = outer
	if r != nil {
		return nil, r
	}
	return one, nil
}
