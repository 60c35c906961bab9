package rules

import (
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"magpie/strict"
)

// walk checks and compiles an expanded tree.
func (s *source) walk(n ast.Node) term {
	switch n := n.(type) {
	case *ast.FloatNode:
		return constant(n.Value)
	case *ast.BoolNode:
		v := n.Value
		return term{typ: truth, is: func([]float64) bool { return v }, never: !v, always: v}
	case *ast.StringNode:
		return term{typ: text, lit: true, word: n.Value}
	case *ast.IdentifierNode:
		s.unknown(n)
	case *ast.CallNode:
		return s.call(n)
	case *ast.UnaryNode:
		return s.unary(n)
	case *ast.BinaryNode:
		return s.binary(n)
	case *ast.ConditionalNode:
		return s.choose(n)
	case *ast.ArrayNode:
		s.fail(n.Location().From, "a list stands only behind in, as in weekday() in [6, 7]")
	default:
		s.fail(n.Location().From, "%s", foreign(n))
	}
	return term{}
}

func constant(v float64) term {
	return term{typ: number, lit: true, val: v, num: func([]float64) float64 { return v }, span: span{v, v}}
}

func (s *source) unknown(n *ast.IdentifierNode) {
	if _, ok := functions[n.Value]; ok {
		s.fail(n.Location().From, "%s is a function; write %s", n.Value, functions[n.Value].usage(n.Value))
		return
	}
	var names []string
	for p := range s.params {
		names = append(names, p)
	}
	for m := range s.macros {
		names = append(names, m)
	}
	names = append(names, functionNames...)
	advice := suggestName(n.Value, names)
	if !s.common && len(s.macros) == 0 && !strings.HasPrefix(advice, "write ") {
		advice += "; the folder has no " + commonFile + ", where macros stand"
	}
	s.fail(n.Location().From, "unknown name %s; %s", n.Value, advice)
}

// suggestName is suggest without a list of everything that there is.
func suggestName(word string, options []string) string {
	ordered := sorted(options)
	if t := strict.Suggest(word, ordered); strings.HasPrefix(t, "did you mean") {
		return t
	}
	switch lower := strings.ToLower(word); lower {
	case "and", "or", "not", "in", "true", "false":
		return "write " + lower
	}
	if word == "now" {
		return "a policy has no clock; since(…), hour(), weekday() and between(…) tell the time"
	}
	return "there is no function, param or macro of that name"
}

// bound gives an operand its slot.
func (s *source) bound(t term) term {
	if t.op == nil {
		return t
	}
	slot := s.table.slot(t.op)
	if !slices.Contains(s.used, slot) {
		s.used = append(s.used, slot)
	}
	s.binds = append(s.binds, slot)
	t.slot = slot + 1
	t.num = func(v []float64) float64 { return v[slot] }
	if t.typ == truth {
		t.num, t.is = nil, func(v []float64) bool { return v[slot] != 0 }
	}
	t.op = nil
	return t
}

// want walks a part that must be of a type.
func (s *source) want(n ast.Node, want typ, what string) (term, bool) {
	t := s.walk(n)
	if t.typ == wrong {
		return t, false
	}
	if t.typ != want {
		s.fail(start(n), "%s wants %s, this is %s", what, want, t.typ)
		return t, false
	}
	t = s.bound(t)
	if want == truth && leaf(n) {
		t = s.telling(n, t)
	}
	return t, true
}

func (s *source) unary(n *ast.UnaryNode) term {
	switch n.Operator {
	case "not", "!":
		a, ok := s.want(n.Node, truth, n.Operator)
		if !ok {
			return term{}
		}
		return term{typ: truth, is: func(v []float64) bool { return !a.is(v) }, never: a.always, always: a.never}
	}
	a, ok := s.want(n.Node, number, n.Operator)
	switch {
	case !ok:
		return term{}
	case n.Operator == "+":
		return a
	case a.lit:
		return constant(-a.val)
	}
	return term{typ: number, unit: a.unit, num: func(v []float64) float64 { return -a.num(v) }, span: span{-a.span.hi, -a.span.lo}}
}

func (s *source) binary(n *ast.BinaryNode) term {
	at := n.Location().From
	switch n.Operator {
	case "and", "&&", "or", "||":
		a, okA := s.want(n.Left, truth, n.Operator)
		b, okB := s.want(n.Right, truth, n.Operator)
		if !okA || !okB {
			return term{}
		}
		if n.Operator == "and" || n.Operator == "&&" {
			return term{typ: truth, is: func(v []float64) bool { return a.is(v) && b.is(v) }, never: a.never || b.never, always: a.always && b.always}
		}
		return term{typ: truth, is: func(v []float64) bool { return a.is(v) || b.is(v) }, never: a.never && b.never, always: a.always || b.always}
	case "in":
		return s.within(n)
	case "+", "-", "*", "/":
		return s.arithmetic(n)
	case "<", "<=", ">", ">=", "==", "!=":
		return s.compare(n)
	}
	s.fail(at, "%s is not part of the language; there are and or not in, comparison, + - * / and ? :", n.Operator)
	return term{}
}

// units checks that two numbers count the same and gives what that is.
func (s *source) units(at int, doing string, a, b term) (unit, bool) {
	switch {
	case a.unit == anyUnit:
		return b.unit, true
	case b.unit == anyUnit || a.unit == b.unit:
		return a.unit, true
	}
	s.fail(at, "%s cannot be %s %s", a.unit, doing, b.unit)
	return anyUnit, false
}

func (s *source) arithmetic(n *ast.BinaryNode) term {
	a, okA := s.want(n.Left, number, n.Operator)
	b, okB := s.want(n.Right, number, n.Operator)
	if !okA || !okB {
		return term{}
	}
	t := term{typ: number}
	x, y := a.num, b.num
	switch n.Operator {
	case "+", "-":
		if t.unit, okA = s.units(n.Location().From, "added to", a, b); !okA {
			return term{}
		}
		t.num = func(v []float64) float64 { return x(v) + y(v) }
		if n.Operator == "-" {
			t.num = func(v []float64) float64 { return x(v) - y(v) }
		}
	case "*":
		t.unit = scaled(a.unit, b.unit)
		t.num = func(v []float64) float64 { return float64(x(v) * y(v)) }
	case "/":
		if b.unit <= counted {
			t.unit = a.unit
		}
		t.num = func(v []float64) float64 { return divide(x(v), y(v)) }
	}
	if a.lit && b.lit {
		return constant(t.num(nil))
	}
	t.num = direct(n.Operator, a, b, t.num)
	t.span = a.span.combine(n.Operator, b.span)
	return t
}

// scaled is the unit of a product: money times a count is money.
func scaled(a, b unit) unit {
	switch {
	case a <= counted:
		return max(b, a)
	case b <= counted:
		return a
	}
	return anyUnit
}

// divide is x/y, where x/0 is 0.
func divide(x, y float64) float64 {
	if y == 0 {
		return 0
	}
	return x / y
}

func (s *source) compare(n *ast.BinaryNode) term {
	a, b := s.walk(n.Left), s.walk(n.Right)
	if a.typ == wrong || b.typ == wrong {
		return term{}
	}
	at, o := n.Location().From, n.Operator
	if a.typ != b.typ || a.typ == text || a.typ == truth && o != "==" && o != "!=" {
		hint := ""
		if a.typ == number && b.typ == text && a.unit == seconds {
			hint = "; write seconds as a number"
		}
		s.fail(at, "%s compares two numbers, not %s with %s%s", o, a.typ, b.typ, hint)
		return term{}
	}
	if a.typ == truth {
		a, b = s.bound(a), s.bound(b)
		return term{typ: truth, is: func(v []float64) bool { return (a.is(v) == b.is(v)) == (o == "==") }}
	}
	if _, ok := s.units(at, "compared with", a, b); !ok {
		return term{}
	}
	t, ok := s.reached(a, o, b)
	if !ok {
		t, ok = s.reached(b, mirrored[o], a)
	}
	if !ok {
		x, y := s.bound(a), s.bound(b)
		t = term{typ: truth, is: comparison(o, x.num, y.num)}
		switch {
		case x.slot > 0 && y.lit:
			t.is = against(o, x.slot-1, y.val)
		case x.lit && y.slot > 0:
			t.is = against(mirrored[o], y.slot-1, x.val)
		}
	}
	s.doubt(n, a, b, &t)
	return t
}

var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

// reached turns dwell(place) against a constant into an operand of its own, which has a timer.
func (s *source) reached(a term, o string, b term) (term, bool) {
	if a.op == nil || a.op.reached == nil || !b.lit || o == "==" || o == "!=" {
		return term{}, false
	}
	strict := o == ">" || o == "<="
	t := s.bound(term{typ: truth, op: a.op.reached(b.val, strict)})
	if is := t.is; o == "<" || o == "<=" {
		t.is = func(v []float64) bool { return !is(v) }
	}
	return t, true
}

func comparison(o string, x, y func([]float64) float64) func([]float64) bool {
	switch o {
	case "<":
		return func(v []float64) bool { return x(v) < y(v) }
	case "<=":
		return func(v []float64) bool { return x(v) <= y(v) }
	case ">":
		return func(v []float64) bool { return x(v) > y(v) }
	case ">=":
		return func(v []float64) bool { return x(v) >= y(v) }
	case "==":
		return func(v []float64) bool { return x(v) == y(v) }
	}
	return func(v []float64) bool { return x(v) != y(v) }
}

// against is comparison of an operand with a constant, read without a call: most comparisons are one.
func against(o string, slot int, c float64) func([]float64) bool {
	switch o {
	case "<":
		return func(v []float64) bool { return v[slot] < c }
	case "<=":
		return func(v []float64) bool { return v[slot] <= c }
	case ">":
		return func(v []float64) bool { return v[slot] > c }
	case ">=":
		return func(v []float64) bool { return v[slot] >= c }
	case "==":
		return func(v []float64) bool { return v[slot] == c }
	}
	return func(v []float64) bool { return v[slot] != c }
}

// direct is arithmetic in which operands and constants are read without a call, where it is a product with an operand or a line
// through one; else it is num.
func direct(o string, a, b term, num func([]float64) float64) func([]float64) float64 {
	line := func(slot int, by, add float64) func([]float64) float64 {
		return func(v []float64) float64 { return float64(v[slot]*by) + add }
	}
	x, y, s, z := a.num, b.num, a.slot-1, b.slot-1
	switch {
	case o == "+" && a.slot > 0 && b.lit:
		return line(s, 1, b.val)
	case o == "+" && a.lit && b.slot > 0:
		return line(z, 1, a.val)
	case o == "-" && a.slot > 0 && b.lit:
		return line(s, 1, -b.val)
	case o == "-" && a.lit && b.slot > 0:
		return line(z, -1, a.val)
	case o == "*" && a.slot > 0 && b.lit:
		return line(s, b.val, 0)
	case o == "*" && a.lit && b.slot > 0:
		return line(z, a.val, 0)
	case o == "*" && a.slot > 0:
		return func(v []float64) float64 { return float64(v[s] * y(v)) }
	case o == "*" && b.slot > 0:
		return func(v []float64) float64 { return float64(x(v) * v[z]) }
	}
	return num
}

// within compiles x in [1, 2, 3].
func (s *source) within(n *ast.BinaryNode) term {
	a, ok := s.want(n.Left, number, "in")
	list, isList := n.Right.(*ast.ArrayNode)
	if !isList {
		s.fail(start(n.Right), "in wants a list of numbers behind it, as in weekday() in [6, 7]")
		return term{}
	}
	if len(list.Nodes) == 0 {
		s.fail(start(n.Right), "the list behind in is empty, so that nothing is in it; name the numbers, as in weekday() in [6, 7]")
		return term{}
	}
	var of []float64
	never := ok && !a.lit
	for _, c := range list.Nodes {
		switch t := s.walk(c); {
		case t.typ == wrong:
			ok = false
		case t.typ != number || !t.lit:
			s.fail(start(c), "a list behind in holds only constant numbers")
			ok = false
		default:
			of = append(of, t.val)
			out, _ := a.span.decided("==", t.span)
			if never = never && out; out && ok && !a.lit && !s.macro {
				s.warn(start(c), "this is never so: the number before in lies between %s and %s", number9(a.span.lo), number9(a.span.hi))
			}
		}
	}
	if !ok {
		return term{}
	}
	return term{typ: truth, never: never, is: func(v []float64) bool {
		x := a.num(v)
		for _, y := range of {
			if x == y {
				return true
			}
		}
		return false
	}}
}

func (s *source) choose(n *ast.ConditionalNode) term {
	c, ok := s.want(n.Cond, truth, "?")
	a, b := s.walk(n.Exp1), s.walk(n.Exp2)
	if !ok || a.typ == wrong || b.typ == wrong {
		return term{}
	}
	if a.typ != b.typ || a.typ == text {
		s.fail(start(n.Exp2), "both sides of : must be numbers or both true or false, they are %s and %s", a.typ, b.typ)
		return term{}
	}
	a, b = s.bound(a), s.bound(b)
	if compound(n.Cond) {
		c = s.telling(n.Cond, c)
	}
	if a.typ == truth {
		if leaf(n.Exp1) {
			a = s.telling(n.Exp1, a)
		}
		if leaf(n.Exp2) {
			b = s.telling(n.Exp2, b)
		}
		t := term{typ: truth, never: a.never && b.never, always: a.always && b.always, is: func(v []float64) bool {
			if c.is(v) {
				return a.is(v)
			}
			return b.is(v)
		}}
		switch {
		case c.never:
			t.never, t.always = b.never, b.always
		case c.always:
			t.never, t.always = a.never, a.always
		}
		return t
	}
	u, ok := s.units(start(n.Exp2), "given beside", a, b)
	if !ok {
		return term{}
	}
	t := term{typ: number, unit: u, span: a.span.hull(b.span), num: func(v []float64) float64 {
		if c.is(v) {
			return a.num(v)
		}
		return b.num(v)
	}}
	switch {
	case c.never:
		t.span = b.span
	case c.always:
		t.span = a.span
	}
	return t
}

// arithmeticCall compiles min, max, abs and clamp.
func (s *source) arithmeticCall(n *ast.CallNode, name string) term {
	var nums []func([]float64) float64
	var spans []span
	var u unit
	ok := true
	for i, c := range n.Arguments {
		t, fine := s.want(c, number, name)
		if ok = ok && fine; !ok {
			continue
		}
		if i == 0 {
			u = t.unit
		} else if u, ok = s.units(start(c), "given beside", term{unit: u}, t); !ok {
			continue
		}
		nums, spans = append(nums, t.num), append(spans, t.span)
	}
	if !ok {
		return term{}
	}
	t := term{typ: number, unit: u}
	switch name {
	case "abs":
		t.num = func(v []float64) float64 { return math.Abs(nums[0](v)) }
		t.span = span{max(0, spans[0].lo, -spans[0].hi), max(-spans[0].lo, spans[0].hi)}
	case "clamp":
		t.num = func(v []float64) float64 { return min(max(nums[0](v), nums[1](v)), nums[2](v)) }
		t.span = span{min(max(spans[0].lo, spans[1].lo), spans[2].lo), min(max(spans[0].hi, spans[1].hi), spans[2].hi)}
	default:
		least := name == "min"
		t.span = spans[0]
		for _, o := range spans[1:] {
			if least {
				t.span = span{min(t.span.lo, o.lo), min(t.span.hi, o.hi)}
			} else {
				t.span = span{max(t.span.lo, o.lo), max(t.span.hi, o.hi)}
			}
		}
		t.num = func(v []float64) float64 {
			x := nums[0](v)
			for _, f := range nums[1:] {
				if y := f(v); least && y < x || !least && y > x {
					x = y
				}
			}
			return x
		}
	}
	return t
}
