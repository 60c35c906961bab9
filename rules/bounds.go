package rules

import (
	"math"

	"github.com/expr-lang/expr/ast"
)

// span is between what a number can lie, whatever happens in the store.
type span struct{ lo, hi float64 }

var (
	anything    = span{math.Inf(-1), math.Inf(1)}
	notNegative = span{0, math.Inf(1)}
	aShare      = span{0, 1}
)

// spanOf is what a function can give.
func (f *function) spanOf(name string) span {
	switch name {
	case "with", "p_unpaid", "owner_conf", "substituted", "refunded_taken", "staff", "group_paid", "stranded", "moved", "rang", "fresh", "coverage", "watched":
		return aShare
	case "hour":
		return span{0, 23}
	case "weekday":
		return span{1, 7}
	case "first", "last":
		return span{-1, long}
	case "since":
		return span{0, long}
	case "zscore":
		return anything
	}
	return notNegative
}

// hull is between what either can lie.
func (s span) hull(o span) span { return span{min(s.lo, o.lo), max(s.hi, o.hi)} }

// combine is what an operator can give; what may be anything, such as 0 times infinity, is anything.
func (s span) combine(op string, o span) span {
	var at []float64
	switch op {
	case "+":
		at = []float64{s.lo + o.lo, s.hi + o.hi}
	case "-":
		at = []float64{s.lo - o.hi, s.hi - o.lo}
	case "*":
		at = []float64{times(s.lo, o.lo), times(s.lo, o.hi), times(s.hi, o.lo), times(s.hi, o.hi)}
	case "/":
		if o.lo <= 0 && o.hi >= 0 && o.lo != o.hi { // near 0 it grows beyond all bounds, unless what is divided is 0
			out := span{0, 0}
			if s.hi > 0 && o.hi > 0 || s.lo < 0 && o.lo < 0 {
				out.hi = math.Inf(1)
			}
			if s.lo < 0 && o.hi > 0 || s.hi > 0 && o.lo < 0 {
				out.lo = math.Inf(-1)
			}
			return out
		}
		at = []float64{over(s.lo, o.lo), over(s.lo, o.hi), over(s.hi, o.lo), over(s.hi, o.hi)}
	}
	out := span{math.Inf(1), math.Inf(-1)}
	for _, x := range at {
		if math.IsNaN(x) {
			return anything
		}
		out = span{min(out.lo, x), max(out.hi, x)}
	}
	return out
}

func times(x, y float64) float64 {
	if x == 0 || y == 0 {
		return 0
	}
	return x * y
}

func over(x, y float64) float64 {
	if math.IsInf(y, 0) {
		return 0
	}
	return divide(x, y)
}

// decided reports whether a comparison of numbers within their spans has one outcome only.
func (s span) decided(op string, o span) (never, always bool) {
	switch op {
	case "<":
		return s.lo >= o.hi, s.hi < o.lo
	case "<=":
		return s.lo > o.hi, s.hi <= o.lo
	case ">":
		return s.hi <= o.lo, s.lo > o.hi
	case ">=":
		return s.hi < o.lo, s.lo >= o.hi
	case "==":
		return s.hi < o.lo || s.lo > o.hi, s.lo == s.hi && s == o
	case "!=":
		never, always = s.decided("==", o)
		return always, never
	}
	return false, false
}

// doubt warns of a comparison that has one outcome only, though something of the store is in it.
func (s *source) doubt(n *ast.BinaryNode, a, b term, t *term) {
	t.never, t.always = a.span.decided(n.Operator, b.span)
	if a.lit && b.lit || !t.never && !t.always || s.macro {
		return
	}
	word := "never"
	if t.always {
		word = "always"
	}
	of, operand := a.span, n.Left
	if a.lit {
		of, operand = b.span, n.Right
	}
	what := "this is " + word + " true"
	switch {
	case math.IsInf(of.hi, 1) && math.IsInf(of.lo, -1):
	case math.IsInf(of.hi, 1):
		what += ": the number at column " + column(s, operand) + " is at least " + number9(of.lo)
	case math.IsInf(of.lo, -1):
		what += ": the number at column " + column(s, operand) + " is at most " + number9(of.hi)
	default:
		what += ": the number at column " + column(s, operand) + " lies between " + number9(of.lo) + " and " + number9(of.hi)
	}
	s.warn(n.Location().From, "%s", what)
}

func column(s *source, n ast.Node) string {
	_, col := s.f.place(s.node, start(n))
	return number9(float64(col))
}
