package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"magpie/fusion"
)

// param is what one argument of a function must be.
type param uint8

const (
	aModality param = iota // "track"
	aPlace                 // a zone kind, or "id:door"
	aGoods                 // a list, "any" or a SKU
	aWindow                // "30s"
	anEvent                // a call of an event function
	aWay                   // "in", "out"
	aClass                 // a class of objects
	aName                  // a signal's name
	aPath                  // "A > B > C"
	aClock                 // "21:00"
	aBasis                 // "peers", "self"
	aPolicy                // a policy's id
	aTier                  // a tier
	anAction               // what a till does beside its lines
	aNumber
)

var paramNames = [...]string{"modality", "place", "goods", "window", "event", `"in"|"out"`, "class", "name", `"A > B > C"`,
	`"HH:MM"`, `"peers"|"self"`, "policy", "tier", "action", "number"}

// arg is one checked argument.
type arg struct {
	text     string
	modality fusion.Modality
	place    fusion.Place
	goods    fusion.Goods
	ns       int64
	event    *op
	route    []fusion.Place
	minutes  int
}

// function is one row of the language's table.
type function struct {
	args  []param
	more  int  // so many more of the first argument may stand
	truth bool // gives true or false
	unit  unit
	visit bool // needs a visit: its baskets, its tracks
	store bool // needs the store: what was said of other subjects
	tapes bool // what it gives follows from its windows and the tapes of its events
	build func(l *language, a []arg) op
}

// usage is how a function is written.
func (f *function) usage(name string) string {
	var words []string
	for i, a := range f.args {
		words = append(words, paramNames[a])
		if i == 0 && f.more > 0 {
			words = append(words, "…")
		}
	}
	return name + "(" + strings.Join(words, ", ") + ")"
}

var functionNames = func() []string {
	var all []string
	for name := range functions {
		all = append(all, name)
	}
	return sorted(all)
}()

func sorted(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

// call checks a call and gives its operand.
func (s *source) call(n *ast.CallNode) term {
	name, at := n.Callee.(*ast.IdentifierNode).Value, n.Location().From
	f, ok := functions[name]
	if !ok {
		s.fail(at, "unknown function %s; %s", name, suggestName(name, functionNames))
		return term{}
	}
	if len(n.Arguments) < len(f.args) || len(n.Arguments) > len(f.args)+f.more {
		s.fail(at, "%s takes %s, there are %d; write %s", name, howMany(len(f.args), f.more), len(n.Arguments), f.usage(name))
		return term{}
	}
	if f.visit && s.judge != fusion.SubjectVisit && !s.macro {
		s.fail(at, "%s needs a visit, and this policy judges a %s; write judge: visit", name, s.judge)
		return term{}
	}
	if f.store && s.judge != fusion.SubjectStore && !s.macro {
		s.fail(at, "%s is told to the store, and this policy judges a %s; write judge: store", name, s.judge)
		return term{}
	}
	if f.build == nil {
		return s.arithmeticCall(n, name)
	}
	args, key, fine := make([]arg, len(n.Arguments)), name+"(", true
	for i, node := range n.Arguments {
		want := f.args[0]
		if i > len(n.Arguments)-len(f.args) {
			want = f.args[i-(len(n.Arguments)-len(f.args))]
		}
		got, ok := s.arg(node, name, i, want)
		fine = fine && ok
		args[i] = got
		if i > 0 {
			key += ", "
		}
		key += got.text
	}
	if !fine {
		return term{}
	}
	if name == "between" && args[0].minutes == args[1].minutes {
		s.fail(at, "this is never true: it ends when it begins; for the whole day leave it out")
		return term{}
	}
	o := f.build(s.language, args)
	if o.unfit != "" {
		s.fail(at, "%s: %s", name, o.unfit)
		return term{}
	}
	o.key, o.truth = key+")", f.truth
	if f.tapes {
		o.eval = s.shareEval(name, args, o.eval)
	}
	if o.event != nil {
		o.event.key = o.key
	}
	if f.store {
		s.asks = append(s.asks, asked{s, n.Arguments[0].Location().From, unquote(args[0].text), unquote(args[1].text)})
	}
	if f.truth {
		return term{typ: truth, op: &o}
	}
	return term{typ: number, unit: f.unit, op: &o, span: f.spanOf(name)}
}

// shareEval gives the function that reads other events through the same windows, if there is one.
func (l *language) shareEval(name string, args []arg, eval func(*fusion.View, []*tape) float64) func(*fusion.View, []*tape) float64 {
	key := name
	for _, a := range args {
		if a.event == nil {
			key += a.text
		}
	}
	if was := l.evals[key]; was != nil {
		return was
	}
	l.evals[key] = eval
	return eval
}

func howMany(n, more int) string {
	switch {
	case more > 0:
		return fmt.Sprintf("%d to %d arguments", n, n+more)
	case n == 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// arg checks one argument; text is its canonical form in the operand's key.
func (s *source) arg(n ast.Node, name string, i int, want param) (arg, bool) {
	if want == anEvent {
		call, ok := n.(*ast.CallNode)
		if !ok {
			s.fail(start(n), `argument %d of %s must be an event such as picked("any")`, i+1, name)
			return arg{}, false
		}
		t := s.walk(call)
		if t.typ == wrong {
			return arg{}, false
		}
		if t.op == nil || t.op.event == nil {
			s.fail(start(n), `argument %d of %s must be an event such as picked("any"); events are %s`, i+1, name, strings.Join(eventNames, ", "))
			return arg{}, false
		}
		return arg{text: t.op.key, event: t.op.event}, true
	}
	str, ok := n.(*ast.StringNode)
	if !ok {
		hint := "write it in double quotes"
		if _, call := n.(*ast.CallNode); call {
			hint = "arguments are literal"
		}
		s.fail(start(n), "argument %d of %s must be a %s; %s", i+1, name, paramNames[want], hint)
		return arg{}, false
	}
	return s.literal(str, want)
}
