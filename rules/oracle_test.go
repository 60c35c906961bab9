package rules

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	exprfile "github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

// compiled compiles one expression on its own; nil after an error.
func compiled(text string) (*source, *expression, ast.Node) {
	l := newLanguage(shop())
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: 1, Column: 1, Style: yaml.SingleQuotedStyle}
	in := func() *source {
		return &source{language: l, f: &file{strict.NewFile("p.yaml", []byte("'"+strings.ReplaceAll(text, "'", "''")+"'"))}, node: n, table: &operands{}, macro: true}
	}
	s := in()
	e := s.compile(number)
	if e == nil {
		return s, nil, nil
	}
	again := in()
	return s, e, again.expand(again.parse(), nil, nil)
}

// oracle turns an expanded tree into one that expr's own machine runs: operands are read from a variable each, division
// is a function, since x/0 is 0, and min, max and clamp are ours.
type oracle struct{ s *source }

func (o oracle) Visit(n *ast.Node) {
	switch c := (*n).(type) {
	case *ast.BinaryNode:
		if c.Operator == "/" {
			ast.Patch(n, &ast.CallNode{Callee: &ast.IdentifierNode{Value: "divide"}, Arguments: []ast.Node{c.Left, c.Right}})
		}
	case *ast.CallNode:
		name := c.Callee.(*ast.IdentifierNode).Value
		f := functions[name]
		if f == nil || f.build == nil || len(name) == 0 {
			return
		}
		probe := &source{language: o.s.language, f: o.s.f, node: o.s.node, table: &operands{}, macro: true}
		t := probe.walk(c)
		if name == "dwell" {
			ast.Patch(n, &ast.IdentifierNode{Value: "dwelt"})
		} else if slot, ok := o.s.table.slots[t.op.key]; ok {
			ast.Patch(n, &ast.IdentifierNode{Value: "o" + strconv.Itoa(slot)})
		}
	}
}

// dwelt is what every dwell(…) gives.
func dwelt(values []float64) float64 { return values[len(values)-1] }

// run evaluates the text by expr's machine.
func run(s *source, tree ast.Node, values []float64) (any, error) {
	patched := tree
	// Outermost first: count(picked("any"), "1m") is one operand.
	patched = operandsFirst(s, patched)
	ast.Walk(&patched, oracle{s})
	env := map[string]any{"dwelt": dwelt(values)}
	for slot, o := range s.table.ops {
		env["o"+strconv.Itoa(slot)] = values[slot]
		if o.truth {
			env["o"+strconv.Itoa(slot)] = values[slot] != 0
		}
	}
	fold := func(pick func(a, b float64) float64) func(...any) (any, error) {
		return func(p ...any) (any, error) {
			x := p[0].(float64)
			for _, y := range p[1:] {
				x = pick(x, y.(float64))
			}
			return x, nil
		}
	}
	less := func(a, b float64) float64 {
		if b < a {
			return b
		}
		return a
	}
	more := func(a, b float64) float64 {
		if b > a {
			return b
		}
		return a
	}
	config := conf.CreateNew()
	config.Optimize = false
	config.WithEnv(env)
	for _, option := range []expr.Option{
		expr.Function("divide", func(p ...any) (any, error) { return divide(p[0].(float64), p[1].(float64)), nil }, new(func(float64, float64) float64)),
		expr.Function("min", fold(less), new(func(float64, ...float64) float64)),
		expr.Function("max", fold(more), new(func(float64, ...float64) float64)),
		expr.Function("abs", func(p ...any) (any, error) { return math.Abs(p[0].(float64)), nil }, new(func(float64) float64)),
		expr.Function("clamp", func(p ...any) (any, error) {
			return min(max(p[0].(float64), p[1].(float64)), p[2].(float64)), nil
		}, new(func(float64, float64, float64) float64)),
	} {
		option(config)
	}
	whole := &parser.Tree{Node: patched, Source: exprfile.NewSource(patched.String())}
	if _, err := checker.Check(whole, config); err != nil {
		return nil, err
	}
	program, err := compiler.Compile(whole, config)
	if err != nil {
		return nil, err
	}
	return vm.Run(program, env)
}

// operandsFirst replaces calls with an event for an argument before the walk reaches the event itself.
func operandsFirst(s *source, n ast.Node) ast.Node {
	ast.Walk(&n, outer{s})
	return n
}

type outer struct{ s *source }

func (o outer) Visit(n *ast.Node) {
	c, ok := (*n).(*ast.CallNode)
	if !ok {
		return
	}
	name := c.Callee.(*ast.IdentifierNode).Value
	if f := functions[name]; f != nil && len(f.args) > 0 && f.args[0] == anEvent {
		oracle(o).Visit(n)
	}
}

// same compares our value with expr's.
func same(t *testing.T, text string, values []float64) {
	t.Helper()
	s, e, tree := compiled(text)
	if e == nil {
		return
	}
	if tree == nil || len(s.table.ops) > len(values) {
		return
	}
	values = slices.Clone(values)
	for slot, o := range s.table.ops {
		call, limit, compared := strings.Cut(o.key, " >")
		switch {
		case !strings.HasPrefix(call, "dwell("):
		case compared: // a comparison that became an operand
			x, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimPrefix(limit, "="), " "), 64)
			if err != nil {
				t.Fatalf("%s: %v", o.key, err)
			}
			values[slot] = bit(dwelt(values) > x || limit[0] == '=' && dwelt(values) == x)
		default:
			values[slot] = dwelt(values)
		}
	}
	want, err := run(s, tree, values)
	if err != nil {
		t.Fatalf("%s loads, and expr says: %v", text, err)
	}
	got := e.num(values)
	x, ok := want.(float64)
	if b, is := want.(bool); is {
		x, ok = bit(b), true
	}
	if !ok || x != got && !(math.IsNaN(x) && math.IsNaN(got)) {
		t.Fatalf("%s with %v: got %v, expr says %v", text, values, got, want)
	}
}

// call writes a call of some function that gives a type, with arguments of the kinds that it takes.
func call(r *rand.Rand, want typ) string {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	for {
		name := pick(functionNames...)
		f := functions[name]
		if f.build == nil || f.truth != (want == truth) {
			continue
		}
		var args []string
		for i, a := range f.args {
			n := 1
			if i == 0 && f.more > 0 {
				n += r.IntN(f.more + 1)
			}
			for range n {
				args = append(args, argument(r, a))
			}
		}
		return name + "(" + strings.Join(args, ", ") + ")"
	}
}

// argument writes an argument of a kind.
func argument(r *rand.Rand, a param) string {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	switch a {
	case aModality:
		return strconv.Quote(pick(fusion.Modalities[:]...))
	case aPlace:
		return strconv.Quote(pick("entrance", "exit", "aisle", "id:door"))
	case aGoods:
		return strconv.Quote(pick("any", "17", "071142008582"))
	case aWindow:
		return strconv.Quote(pick("30s", "10m", "1h"))
	case anEvent:
		event := pick(eventNames...)
		var args []string
		for _, b := range functions[event].args {
			args = append(args, argument(r, b))
		}
		return event + "(" + strings.Join(args, ", ") + ")"
	case aWay:
		return strconv.Quote(pick("in", "out"))
	case aPath:
		return strconv.Quote(pick("entrance > exit", "aisle > checkout > exit"))
	case aClock:
		return strconv.Quote(pick("21:00", "06:00"))
	case aBasis:
		return strconv.Quote(pick("peers", "self"))
	case aTier:
		return strconv.Quote(pick(Tiers[:]...))
	case anAction:
		return strconv.Quote(pick(tillActions...))
	}
	return strconv.Quote(pick("cart", "bag"))
}

// random writes an expression of the language of a type.
func random(r *rand.Rand, depth int, want typ) string {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	if depth <= 0 {
		if r.IntN(2) == 0 {
			return call(r, want)
		}
		if want == truth {
			return pick("true", "false", `exited("exit")`, `entered("aisle")`)
		}
		return pick("0", "1", "2.5", "0.1", "7", `picked("any")`, `p_unpaid()`, `staff()`)
	}
	sub := func(w typ) string { return random(r, depth-1-r.IntN(2), w) }
	if want == truth {
		switch r.IntN(8) {
		case 4:
			return `(dwell("aisle")` + pick(" < ", " <= ", " > ", " >= ", " == ") + pick("0", "1", "2.5", "20") + ")"
		case 5:
			return "(" + sub(number) + pick(" < ", " <= ") + pick("1", "7") + pick(" < ", " <= ") + sub(number) + ")"
		case 0:
			return "(" + sub(truth) + pick(" and ", " or ", " && ", " || ", " == ", " != ") + sub(truth) + ")"
		case 1:
			return pick("not ", "!") + "(" + sub(truth) + ")"
		case 2:
			return "(" + sub(number) + pick(" in ", " not in ") + "[1, 2.5, -3])"
		case 3:
			return "(" + sub(truth) + " ? " + sub(truth) + " : " + sub(truth) + ")"
		}
		return "(" + sub(number) + pick(" < ", " <= ", " > ", " >= ", " == ", " != ") + sub(number) + ")"
	}
	switch r.IntN(7) {
	case 0:
		return "-(" + sub(number) + ")"
	case 1:
		return pick("min", "max") + "(" + sub(number) + ", " + sub(number) + ", 3)"
	case 2:
		return "abs(" + sub(number) + ")"
	case 3:
		return "clamp(" + sub(number) + ", 0, 1)"
	case 4:
		return "(" + sub(truth) + " ? " + sub(number) + " : " + sub(number) + ")"
	}
	return "(" + sub(number) + pick(" + ", " - ", " * ", " / ") + sub(number) + ")"
}

// TestClosuresAgreeWithExpr holds that a compiled expression has the value that expr's own machine gives it.
func TestClosuresAgreeWithExpr(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	loaded, used := 0, map[string]bool{}
	for range 4000 {
		text := random(r, 1+r.IntN(4), []typ{number, truth}[r.IntN(2)])
		values := make([]float64, maxOperands)
		for i := range values {
			values[i] = []float64{0, 1, 2.5, 0.1, -3, 1e300}[r.IntN(6)]
		}
		same(t, text, values)
		if _, e, _ := compiled(text); e != nil {
			loaded++
			for _, name := range functionNames {
				used[name] = used[name] || strings.Contains(text, name+"(")
			}
		}
	}
	if loaded < 1000 {
		t.Errorf("only %d of 4000 expressions loaded", loaded)
	}
	for _, name := range functionNames {
		if !used[name] {
			t.Errorf("%s was never tried", name)
		}
	}
}

// FuzzPolicies writes policies from a seed, with every form and function of the language: they load, and what their
// expressions give is what expr's machine gives.
func FuzzPolicies(f *testing.F) {
	f.Add(uint64(1), 0.5, 1.0)
	f.Fuzz(func(t *testing.T, seed uint64, a, b float64) {
		r := rand.New(rand.NewPCG(seed, 1))
		values := make([]float64, maxOperands)
		for i := range values {
			values[i] = []float64{a, b, 0, 1}[r.IntN(4)]
		}
		for range 4 {
			same(t, random(r, r.IntN(6), []typ{number, truth}[r.IntN(2)]), values)
		}
		text := "policy: p\ntitle: t\njudge: " + fusion.SubjectKinds[[]int{0, 1, 3, 4}[r.IntN(4)]] + "\nprior: 0.01\nwhen: '" + random(r, 2, truth) + "'\nevidence:\n"
		for i := range 1 + r.IntN(3) {
			text += fmt.Sprintf("  - {name: e%d, if: '%s', weight: strong, group: g%d}\n", i, random(r, 2, []typ{number, truth}[r.IntN(2)]), r.IntN(2))
		}
		set, err := tryLoad(Options{Store: fuzzShop}, "p.yaml", text+"alert: {tiers: {log: 0.001, staff: cost}}\n")
		if err != nil {
			return // units, or functions of another subject
		}
		s := newSubject(t, set, fuzzShop)
		s.v.Visit.Subject = set.Policies[0].Judge
		for i := range 40 {
			s.fact(float64(i), fusion.Fact{Kind: fusion.FactKind(r.IntN(len(fusion.FactKinds))), Zone: r.IntN(4), Product: r.IntN(3) - 1, N: a, P: b})
			if due := set.Due(&s.m, s.v); due <= s.v.Now {
				t.Fatalf("%s: a timer is due at %d, now is %d", text, due, s.v.Now)
			}
			set.Fire(s.m.Clone(), s.v)
			for _, x := range s.m.Results() {
				if !(x.Score >= 0 && x.Score <= 1) {
					t.Fatalf("%s: score %v", text, x.Score)
				}
			}
		}
	})
}

// FuzzExpression holds that no text panics, hangs or loads and then differs from expr.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{`unpaid_value() >= 3 ? p_unpaid() : 0.0`, `1 < 2 < 3 and not exited("exit")`, `count(picked("any"), "1m") / 0`,
		`picked("any") | count("30s")`, `sequence(picked("any"), refunded("any"), "60m")`, `hour() in [1, 2]`, `-+-1 ?: 2`, `a?.b ?? c`,
		`if 1 { 2 } else { 3 }`, `"a" contains "b"`, "`x`", `{a: 1}`, `[1][0]`, `#`, `::count([1], true)`, `dwell("aisle") >= 20`, `1e400`, `0x7fffffffffffffff`} {
		f.Add(text, 0.5, 1.0)
	}
	f.Fuzz(func(t *testing.T, text string, a, b float64) {
		values := make([]float64, maxOperands)
		for i := range values {
			values[i] = []float64{a, b}[i%2]
		}
		same(t, text, values)
	})
}

// FuzzLoad holds that no file panics, and that every error names a place in it.
func FuzzLoad(f *testing.F) {
	f.Add(exampleLike)
	f.Add(scoring(`count(picked("any"), "1m")`))
	f.Add("lists:\n  a: {category: x}\nmacros:\n  late: 'open()'\n")
	f.Add("policy: &a p\ntitle: *a\nscore: |\n  1 +\n  nope\nalert: {tiers: {log: 0.1}, message: '{{'}\n")
	f.Add("\"\r\r")
	f.Add("site: a\ntests: [{name: a, events: \"\", expect: [{at: end}]}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		check := func(err error) {
			var all strict.Errors
			if err == nil {
				return
			}
			if !errors.As(err, &all) {
				t.Fatalf("got %v, want strict.Errors", err)
			}
			for _, e := range all {
				if lines := len(breaks.Split(text, -1)); e.Line < 1 || e.Line > lines+1 || e.Col < 1 || e.Text == "" {
					t.Fatalf("no place: %+v", e)
				}
				_ = e.Error()
			}
		}
		_, err := tryLoad(Options{Store: fuzzShop}, "p.yaml", text)
		check(err)
		_, err = tryLoad(Options{Store: fuzzShop}, "common.yaml", text)
		check(err)
		_, err = ParseTest("p_test.yaml", []byte(text))
		check(err)
	})
}

// FuzzSigned holds that no list of hashes and no signature panics, and that none that was not made by the key counts.
func FuzzSigned(f *testing.F) {
	const key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
	f.Add("", "untrusted comment: signature from minisign secret key\nRUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n"+
		"trusted comment: a\nwLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==\n")
	f.Add(strings.Repeat("0", 64)+"  ./p.yaml\r\n"+strings.Repeat("f", 64)+" *q.yaml\nx", "a\nb\nc\nd")
	f.Fuzz(func(t *testing.T, sums, sig string) {
		_, err := tryLoad(Options{Store: fuzzShop, Signers: []string{key}, Signed: true}, "p.yaml", scoring("1"), sumsFile, sums, signatureFile, sig)
		var all strict.Errors
		if !errors.As(err, &all) {
			t.Fatalf("got %v, want strict.Errors", err)
		}
		for _, e := range all {
			if e.Line < 1 || e.Line > strings.Count(sums, "\n")+1 || e.Col < 1 || e.Text == "" || e.File == "" {
				t.Fatalf("no place: %+v", e)
			}
			_ = e.Error()
		}
	})
}

// breaks are the line breaks of YAML.
var breaks = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]")

var fuzzShop = shop()
