package rules

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/expr-lang/expr/ast"
)

// Coverage counts what the expressions of a set have been seen to be. Give an empty one to Load in Options: the expressions are
// then compiled so that they tell it. Without one they are compiled as if there were no such thing.
type Coverage struct{ points []*point }

// Point is a part of an expression that can be two things: an operand of and, or, not and ?:, or the whole.
type Point struct {
	Policy    string
	File      string // its name in the folder
	Line, Col int
	Text      string // with macros and params put in their places
	Sides     [2]Side
}

// Side is one of the two.
type Side struct {
	Name string // false, true; of a number under 0.1, 0.1 or more
	Seen bool
}

type point struct {
	policy *Policy
	is     Point
	seen   [2]atomic.Bool
}

func (p *point) see(yes bool) bool {
	i := 0
	if yes {
		i = 1
	}
	if !p.seen[i].Load() { // a write would be shared by all cores each time
		p.seen[i].Store(true)
	}
	return yes
}

// Points lists everything that was to be seen of policies that are not off, by policy and place.
func (c *Coverage) Points() []Point {
	var all []Point
	for _, p := range c.points {
		if p.policy.Mode == Off {
			continue
		}
		x := p.is
		x.Policy = p.policy.ID
		for i := range x.Sides {
			x.Sides[i].Seen = p.seen[i].Load()
		}
		all = append(all, x)
	}
	slices.SortStableFunc(all, func(a, b Point) int {
		return cmp.Or(strings.Compare(a.Policy, b.Policy), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return all
}

func (c *Coverage) add(s *source, n ast.Node, no, yes string) *point {
	line, col := s.f.place(s.node, start(n))
	p := &point{policy: s.policy, is: Point{File: s.f.Name, Line: line, Col: col, Text: n.String(), Sides: [2]Side{{Name: no}, {Name: yes}}}}
	c.points = append(c.points, p)
	return p
}

// covers reports whether the expression tells a Coverage. A macro tells it where it is used.
func (s *source) covers() bool { return s.cover != nil && s.policy != nil }

// telling lets a truth tell what it is, unless it can be only one.
func (s *source) telling(n ast.Node, t term) term {
	if !s.covers() || t.typ != truth || t.never || t.always {
		return t
	}
	p, is := s.cover.add(s, n, "false", "true"), t.is
	t.is = func(v []float64) bool { return p.see(is(v)) }
	return t
}

// enough is the quality from which a number counts as seen to speak for something: a probability is seldom 0.
const enough = 0.1

// tellingWhole lets a whole expression tell what it is; a number tells whether it is enough.
func (s *source) tellingWhole(n ast.Node, t term) term {
	switch {
	case !s.covers():
	case t.typ == truth && !negation(n):
		return s.telling(n, t)
	case t.typ == number && t.span.lo < enough && t.span.hi >= enough:
		p, num := s.cover.add(s, n, "under 0.1", "0.1 or more"), t.num
		t.num = func(v []float64) float64 {
			x := num(v)
			p.see(x >= enough)
			return x
		}
	}
	return t
}

// leaf reports whether a truth is not made of others.
func leaf(n ast.Node) bool { return !negation(n) && !compound(n) }

func negation(n ast.Node) bool {
	u, ok := n.(*ast.UnaryNode)
	return ok && (u.Operator == "not" || u.Operator == "!")
}

func compound(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryNode:
		return slices.Contains([]string{"and", "&&", "or", "||"}, n.Operator)
	case *ast.ConditionalNode:
		return true
	}
	return false
}
