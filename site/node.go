package site

import (
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

// farthest bounds every number of a site file, and longest every duration; nothing in a store is larger.
const (
	farthest = 1e9
	longest  = 100 * 365 * 24 * time.Hour
)

// choose reads one of a few words and returns its place among them; -1 when left out or wrong.
func (l *loader) choose(n *yaml.Node, what string, words ...string) int {
	return slices.Index(words, l.Word(n, what, words...))
}

func (l *loader) number(n *yaml.Node, what string) float64 {
	v, _ := l.Number(n, what, -farthest, farthest)
	return v
}

// positive reads a number that must not be below zero.
func (l *loader) positive(n *yaml.Node, what string) float64 {
	v := l.number(n, what)
	if v < 0 {
		l.Fail(n, "%s must not be negative, it is %g", what, v)
		return 0
	}
	return v
}

func (l *loader) integer(n *yaml.Node, what string) int {
	v := l.positive(n, what)
	if v != math.Trunc(v) {
		l.Fail(n, "%s wants a whole number, not %g", what, v)
		return 0
	}
	return int(v)
}

// numbers reads a list of so many numbers; nil after an error.
func (l *loader) numbers(n *yaml.Node, what string, count int) []float64 {
	if n == nil {
		return nil
	}
	before, items := len(l.Errors), l.List(n, what)
	if len(l.Errors) == before && len(items) != count {
		l.Fail(n, "%s wants %d numbers, there are %d", what, count, len(items))
	}
	var all []float64
	for _, c := range items {
		all = append(all, l.number(c, what))
	}
	if len(l.Errors) > before {
		return nil
	}
	return all
}

// id reads the id of a zone or a source, which must fit one level of an MQTT topic.
func (l *loader) id(n *yaml.Node, what string) string {
	id := l.Text(n, what)
	if len(id) > 64 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/+#\\\"'", r) }) {
		l.Fail(n, "%s %q must be at most 64 characters without spaces, quotes, / + or #", what, strict.Clip(id))
		return ""
	}
	return id
}

// points reads a list of [x, y]; nil after an error.
func (l *loader) points(n *yaml.Node, what string) ([]fusion.Point, []*yaml.Node) {
	var all []fusion.Point
	before, items := len(l.Errors), l.List(n, what)
	for _, c := range items {
		if v := l.numbers(c, what+" point", 2); v != nil {
			all = append(all, fusion.Point{X: v[0], Y: v[1]})
		}
	}
	if len(l.Errors) > before {
		return nil, nil
	}
	return all, items
}

// corners leaves out points that are where the one before them is, and last ones that are where the first is.
func corners(poly []fusion.Point, nodes []*yaml.Node) (to []fusion.Point, at []*yaml.Node) {
	for i, p := range poly {
		if i == 0 || p != poly[i-1] {
			to, at = append(to, p), append(at, nodes[i])
		}
	}
	for len(to) > 1 && to[len(to)-1] == to[0] {
		to, at = to[:len(to)-1], at[:len(at)-1]
	}
	return to, at
}

// polygon reads a simple polygon: at least three points, no side crosses another, some area. A point that is given twice in a row, or again at the end as
// some tools do, is one corner.
func (l *loader) polygon(n *yaml.Node, what string) []fusion.Point {
	if n == nil {
		return nil
	}
	before := len(l.Errors)
	poly, nodes := l.points(n, what)
	if len(l.Errors) > before {
		return nil
	}
	poly, nodes = corners(poly, nodes)
	if len(poly) < 3 {
		l.Fail(n, "%s wants at least 3 points [x, y], there are %d", what, len(poly))
		return nil
	}
	if flat(poly) {
		l.Fail(n, "%s has no area; its points lie in a line", what)
		return nil
	}
	if i, j, bad := crossing(poly); bad {
		l.Fail(nodes[j], "%s crosses itself: side %d (from point %d) meets side %d; give its corners in order around it", what, j+1, j+1, i+1)
		return nil
	}
	return poly
}
