package rules

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/conf"
	exprfile "github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

// Bounds of one expression, so that its cost is known before it runs.
const (
	maxNodes    = 500
	maxOperands = 32
	maxText     = 16 << 10 // bytes
)

// unit is what a number counts; numbers of different units neither add nor compare.
type unit uint8

const (
	anyUnit unit = iota // a literal, or arithmetic over units: fits all
	counted             // an expected count, a probability or a share
	seconds
	money
)

func (u unit) String() string {
	return [...]string{"a plain number", "a count or probability", "seconds", "money"}[u]
}

// typ is the type of a term.
type typ uint8

const (
	wrong  typ = iota // an error was reported; whatever uses it stays quiet
	number            // float64
	truth             // bool
	text              // string literal, only an argument
)

func (s typ) String() string { return [...]string{"nothing", "a number", "true or false", "text"}[s] }

// term is one checked part of an expression. An operand is bound to a slot only when its value is used, so that
// count(picked("any"), "1m") reads one operand, not two.
type term struct {
	typ  typ
	unit unit
	num  func([]float64) float64
	is   func([]float64) bool
	op   *op // not yet bound
	slot int // from 1, of an operand and nothing else; 0: none
	span span
	// never and always say that a truth cannot be true, or cannot be false.
	never, always bool

	lit  bool
	val  float64
	word string
}

// language is what every expression of a set may use.
type language struct {
	store  *fusion.Store
	lists  map[string]fusion.Goods
	macros map[string]*macro
	config *conf.Config
	single map[int]fusion.Goods // of one product, which all that name it share
	asks   []asked
	codes  map[string]*code // by what they compute
	evals  map[string]func(*fusion.View, []*tape) float64
	cover  *Coverage // nil: nothing is counted
	common bool      // there is a common.yaml
}

// asked is a policy's tier that alerted(…) names; whether it is there is known when all are read.
type asked struct {
	by           *source
	at           int // offset
	policy, tier string
}

type macro struct {
	tree ast.Node
	bad  bool // an error in it was reported at its own place
}

// newLanguage declares the functions to expr.
func newLanguage(store *fusion.Store) *language {
	l := &language{store: store, lists: map[string]fusion.Goods{}, macros: map[string]*macro{}, single: map[int]fusion.Goods{},
		codes: map[string]*code{}, evals: map[string]func(*fusion.View, []*tape) float64{}}
	l.config = conf.CreateNew()
	l.config.Strict = true
	l.config.MaxNodes = 4 * maxNodes
	expr.DisableAllBuiltins()(l.config)
	l.config.WithEnv(struct{}{})
	never := func(...any) (any, error) { return nil, errors.New("policies run compiled") }
	for name, f := range functions {
		expr.Function(name, never, f.types()...)(l.config)
	}
	return l
}

// types gives the overloads of a function as expr wants them: pointers to func types.
func (f *function) types() []any {
	out := reflect.TypeFor[float64]()
	if f.truth {
		out = reflect.TypeFor[bool]()
	}
	var all []any
	for extra := 0; extra <= f.more; extra++ {
		var in []reflect.Type
		for i, a := range f.args {
			t := reflect.TypeFor[string]()
			if a == anEvent || a == aNumber {
				t = reflect.TypeFor[float64]()
			}
			in = append(in, t)
			if i == 0 {
				for range extra {
					in = append(in, t)
				}
			}
		}
		all = append(all, reflect.New(reflect.FuncOf(in, []reflect.Type{out}, false)).Interface())
	}
	return all
}

// source is where an expression was written and what it may name.
type source struct {
	*language
	f      *file
	node   *yaml.Node
	params map[string]ast.Node
	judge  fusion.SubjectKind
	macro  bool    // of common.yaml: the subject is checked at its uses
	unmet  bool    // the site lacks what the policy needs: that it lacks zones too goes without saying
	name   string  // of the macro
	policy *Policy // whose it is; nil: a macro's

	table *operands
	nodes int
	used  []int // slots that the expression reads
	binds []int // and each time that it reads one
	bad   bool
	quiet bool // a macro that it uses is wrong, which was said
}

// operands is what the expressions of one policy read: an operand has one slot, however often it is written.
type operands struct {
	ops   []*op
	slots map[string]int
}

func (t *operands) slot(o *op) int {
	n, ok := t.slots[o.key]
	if !ok {
		if t.slots == nil {
			t.slots = map[string]int{}
		}
		n = len(t.ops)
		t.slots[o.key] = n
		t.ops = append(t.ops, o)
	}
	return n
}

// expression is one compiled expression: a function of its operands' values.
type expression struct {
	*code
	slots []int  // that it reads
	span  span   // of num
	unit  unit   // of num
	text  string // as the policy wrote it
}

// code is what an expression computes. Those that differ only in what their operands are about share one.
type code struct {
	num func([]float64) float64
	is  func([]float64) bool // nil where it is a number
}

// coded is its code, nil for none.
func (e *expression) coded() *code {
	if e == nil {
		return nil
	}
	return e.code
}

// share gives the code that was made of the same tree over the same slots before, if there is one. Where coverage is counted,
// each policy has its own.
func (s *source) share(root ast.Node, c *code) *code {
	if s.cover != nil {
		return c
	}
	key := fmt.Append(nil, s.binds, " ")
	key = tree(key, root)
	if was := s.codes[string(key)]; was != nil {
		return was
	}
	s.codes[string(key)] = c
	return c
}

// tree writes a tree without what its operands are about.
func tree(to []byte, n ast.Node) []byte {
	nodes := func(nodes ...ast.Node) []byte {
		to = append(to, '(')
		for _, c := range nodes {
			to = append(tree(to, c), ' ')
		}
		return append(to, ')')
	}
	switch n := n.(type) {
	case *ast.FloatNode:
		return strconv.AppendFloat(to, n.Value, 'g', -1, 64)
	case *ast.BoolNode:
		return strconv.AppendBool(to, n.Value)
	case *ast.CallNode:
		name := n.Callee.(*ast.IdentifierNode).Value
		if to = append(to, name...); functions[name].build != nil {
			return to
		}
		return nodes(n.Arguments...)
	case *ast.UnaryNode:
		to = append(to, n.Operator...)
		return nodes(n.Node)
	case *ast.BinaryNode:
		to = append(to, n.Operator...)
		return nodes(n.Left, n.Right)
	case *ast.ConditionalNode:
		to = append(to, '?')
		return nodes(n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		return nodes(n.Nodes...)
	}
	return fmt.Appendf(to, "%p", n) // no other loads
}

// compile parses, checks and compiles one scalar; nil after an error, which is kept in the file's list. want is number or
// truth; a number may also be given as a truth, which counts as 0 or 1.
func (s *source) compile(want typ) *expression {
	tree := s.parse()
	if tree == nil {
		return nil
	}
	root := s.expand(tree, nil, nil)
	if s.bad || s.quiet {
		return nil
	}
	t := s.bound(s.walk(root))
	if s.bad || t.typ == wrong {
		return nil
	}
	if t.typ == text || want == truth && t.typ != truth {
		s.fail(start(root), "this must be %s, it is %s", want, t.typ)
		return nil
	}
	if len(s.used) > maxOperands {
		s.fail(0, "the expression reads %d operands; at most %d are allowed: split it", len(s.used), maxOperands)
		return nil
	}
	if _, err := checker.Check(&parser.Tree{Node: root, Source: exprfile.NewSource(s.node.Value)}, s.config); err != nil {
		s.exprError(err)
		return nil
	}
	t = s.tellingWhole(root, t)
	e := &expression{code: &code{num: t.num, is: t.is}, slots: s.used, span: t.span, unit: t.unit, text: s.node.Value}
	if is := t.is; is != nil {
		e.span = span{bit(t.always), bit(!t.never)}
		e.num = func(v []float64) float64 { return bit(is(v)) }
	}
	e.code = s.share(root, e.code)
	return e
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (s *source) fail(offset int, format string, args ...any) {
	s.bad = true
	line, col := s.f.place(s.node, offset)
	s.f.FailAt(line, col, format, args...)
}

func (s *source) exprError(err error) {
	var e *exprfile.Error
	if errors.As(err, &e) {
		s.fail(e.From, "%s", syntaxAdvice(e.Message, s.node.Value))
		return
	}
	s.fail(0, "%v", err)
}

// parse reads the scalar with expr's parser.
func (s *source) parse() ast.Node {
	if s.node.Kind != yaml.ScalarNode || strict.IsNull(s.node) {
		s.bad = true
		s.f.Fail(s.node, "this wants an expression in single quotes, not %s", strict.Shape(s.node))
		return nil
	}
	if len(s.node.Value) > maxText {
		s.fail(0, "the expression is %d bytes long; at most %d are allowed: split it", len(s.node.Value), maxText)
		return nil
	}
	tree, err := parser.ParseWithConfig(s.node.Value, s.config)
	if err != nil {
		var e *exprfile.Error
		if errors.As(err, &e) && e.Message == "compilation failed: expression exceeds maximum allowed nodes" {
			err = fmt.Errorf("the expression has more than %d nodes; split it", maxNodes)
		}
		s.exprError(err)
		return nil
	}
	return tree.Node
}

// expand copies a tree with macros and params put in their places. What came of a macro gets the place of its use. It
// counts what it copies, since a chained comparison shares nodes and a macro repeats them.
func (s *source) expand(n ast.Node, at *exprfile.Location, stack []string) (out ast.Node) {
	if s.nodes++; s.nodes > maxNodes {
		if !s.bad {
			s.fail(0, "the expression has more than %d nodes; split it", maxNodes)
		}
		return &ast.NilNode{}
	}
	defer func() {
		if at != nil {
			out.SetLocation(*at)
		} else if n != nil {
			out.SetLocation(n.Location())
		}
	}()
	each := func(nodes []ast.Node) []ast.Node {
		all := make([]ast.Node, len(nodes))
		for i, c := range nodes {
			all[i] = s.expand(c, at, stack)
		}
		return all
	}
	switch n := n.(type) {
	case *ast.IntegerNode:
		return &ast.FloatNode{Value: float64(n.Value)}
	case *ast.FloatNode:
		return &ast.FloatNode{Value: n.Value}
	case *ast.BoolNode:
		return &ast.BoolNode{Value: n.Value}
	case *ast.StringNode:
		return &ast.StringNode{Value: n.Value}
	case *ast.IdentifierNode:
		if p, ok := s.params[n.Value]; ok && at == nil {
			s.nodes--
			return s.expand(p, ptr(n.Location()), stack)
		}
		m, ok := s.macros[n.Value]
		if !ok || m == nil {
			return &ast.IdentifierNode{Value: n.Value}
		}
		if m.bad {
			s.quiet = true
			return &ast.NilNode{}
		}
		if slices.Contains(stack, n.Value) {
			s.fail(n.Location().From, "the macro %s uses itself", n.Value)
			return &ast.NilNode{}
		}
		if at == nil {
			at = ptr(n.Location())
		}
		s.nodes--
		return s.expand(m.tree, at, append(slices.Clone(stack), n.Value))
	case *ast.CallNode:
		callee, ok := n.Callee.(*ast.IdentifierNode)
		if !ok {
			s.fail(n.Location().From, "only the functions of the language can be called")
			return &ast.NilNode{}
		}
		name := &ast.IdentifierNode{Value: callee.Value}
		name.SetLocation(callee.Location())
		if at != nil {
			name.SetLocation(*at)
		}
		return &ast.CallNode{Callee: name, Arguments: each(n.Arguments)}
	case *ast.UnaryNode:
		return &ast.UnaryNode{Operator: n.Operator, Node: s.expand(n.Node, at, stack)}
	case *ast.BinaryNode:
		return &ast.BinaryNode{Operator: n.Operator, Left: s.expand(n.Left, at, stack), Right: s.expand(n.Right, at, stack)}
	case *ast.ConditionalNode:
		if !n.Ternary {
			s.fail(n.Cond.Location().From, "if … else is not part of the language; write a ? b : c")
			return &ast.NilNode{}
		}
		return &ast.ConditionalNode{Ternary: true, Cond: s.expand(n.Cond, at, stack), Exp1: s.expand(n.Exp1, at, stack), Exp2: s.expand(n.Exp2, at, stack)}
	case *ast.ArrayNode:
		return &ast.ArrayNode{Nodes: each(n.Nodes)}
	}
	s.fail(n.Location().From, "%s", foreign(n))
	return &ast.NilNode{}
}

func ptr[T any](v T) *T { return &v }

// foreign says what of expr is left out of the language.
func foreign(n ast.Node) string {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		return n.Name + "(…) over a list is not part of the language; there are no predicates"
	case *ast.PredicateNode, *ast.PointerNode:
		return "predicates are not part of the language"
	case *ast.MemberNode, *ast.ChainNode, *ast.SliceNode:
		return "member access is not part of the language; call a function"
	case *ast.VariableDeclaratorNode:
		return "let is not part of the language; write a macro in common.yaml"
	case *ast.SequenceNode:
		return "; is not part of the language; write one expression"
	case *ast.MapNode, *ast.PairNode:
		return "{ } is not part of the language; arguments are positional"
	case *ast.NilNode:
		return "nil is not part of the language"
	}
	return "this is not part of the language"
}

// start is the offset of the first character of an expanded tree; an operator's own place is behind its left side.
func start(n ast.Node) int {
	at := math.MaxInt
	ast.Walk(&n, visitor(func(c ast.Node) { at = min(at, c.Location().From) }))
	return at
}

type visitor func(ast.Node)

func (f visitor) Visit(n *ast.Node) { f(*n) }
