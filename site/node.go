package site

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
)

// parser reads YAML nodes strictly and keeps every error, so that one run names all of them. Its readers take a nil
// node as a member left out and give the zero value.
type parser struct {
	file string
	errs Errors
}

func (p *parser) at(n *yaml.Node) Pos { return Pos{p.file, max(1, n.Line), max(1, n.Column)} }

func (p *parser) failf(n *yaml.Node, format string, args ...any) {
	p.errs = append(p.errs, Error{p.at(n), fmt.Sprintf(format, args...)})
}

// object is a mapping whose keys were checked.
type object struct {
	p      *parser
	node   *yaml.Node
	what   string
	keys   []*yaml.Node
	values map[string]*yaml.Node
}

func resolve(n *yaml.Node) *yaml.Node {
	for range 8 {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// shape is what a node is, in the words of someone who writes YAML.
func shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!str":
			return fmt.Sprintf("the text %q", clip(n.Value))
		case "!!null":
			return "nothing"
		case "!!bool", "!!int", "!!float":
			return "the value " + clip(n.Value)
		}
		return fmt.Sprintf("%q", clip(n.Value))
	}
	return "nothing"
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// mapping reads a mapping with any keys.
func (p *parser) mapping(n *yaml.Node, what string) *object {
	o := &object{p: p, node: n, what: what, values: map[string]*yaml.Node{}}
	if n = resolve(n); n == nil || isNull(n) {
		return o
	}
	if n.Kind != yaml.MappingNode {
		p.failf(n, "%s wants a mapping (key: value), not %s", what, shape(n))
		return o
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			p.failf(k, "%s: a key must be a word, not %s", what, shape(k))
			continue
		}
		if _, twice := o.values[k.Value]; twice {
			p.failf(k, "%s: %q is given twice; keep one", what, k.Value)
			continue
		}
		o.keys = append(o.keys, k)
		o.values[k.Value] = v
	}
	return o
}

// object reads a mapping that may have only these keys.
func (p *parser) object(n *yaml.Node, what string, keys ...string) *object {
	o := p.mapping(n, what)
	for _, k := range o.keys {
		if !has(keys, k.Value) {
			p.failf(k, "%s: unknown key %q; %s", what, clip(k.Value), choice(k.Value, keys))
		}
	}
	return o
}

func has(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

// get returns the value of a key, nil when it was left out.
func (o *object) get(key string) *yaml.Node { return resolve(o.values[key]) }

// need returns the value of a key that must be there.
func (o *object) need(key string) *yaml.Node {
	n := o.get(key)
	if n == nil && o.node != nil && resolve(o.node).Kind == yaml.MappingNode {
		o.p.failf(o.node, "%s: %s is missing", o.what, key)
	}
	return n
}

func (p *parser) list(n *yaml.Node, what string) []*yaml.Node {
	if n = resolve(n); n == nil || isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		p.failf(n, "%s wants a list [ … ], not %s", what, shape(n))
		return nil
	}
	all := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		all[i] = resolve(c)
	}
	return all
}

// text reads a string. A bare 0711 or 2026-01-05 is not one: YAML would read it as a number or a date.
func (p *parser) text(n *yaml.Node, what string) string {
	if n = resolve(n); n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		p.failf(n, "%s wants text, not %s", what, shape(n))
		return ""
	}
	if n.ShortTag() != "!!str" {
		p.failf(n, "%s wants text; put %s in quotes: \"%s\"", what, clip(n.Value), clip(n.Value))
		return ""
	}
	if n.Value == "" {
		p.failf(n, "%s is empty; give it a value or leave it out", what)
	}
	return n.Value
}

func (p *parser) texts(n *yaml.Node, what string) []string {
	var all []string
	for _, c := range p.list(n, what) {
		all = append(all, p.text(c, what))
	}
	return all
}

// word reads one of a few words and returns its place among them; -1 when left out or wrong.
func (p *parser) word(n *yaml.Node, what string, words ...string) int {
	w := p.text(n, what)
	if w == "" {
		return -1
	}
	for i, o := range words {
		if w == o {
			return i
		}
	}
	p.failf(resolve(n), "%s: unknown word %q; %s", what, clip(w), choice(w, words))
	return -1
}

func (p *parser) number(n *yaml.Node, what string) float64 {
	if n = resolve(n); n == nil {
		return 0
	}
	if tag := n.ShortTag(); n.Kind != yaml.ScalarNode || tag != "!!int" && tag != "!!float" {
		p.failf(n, "%s wants a number, not %s", what, shape(n))
		return 0
	}
	var v float64
	if err := n.Decode(&v); err != nil || math.IsNaN(v) || math.Abs(v) > 1e9 {
		p.failf(n, "%s wants a number between -1e9 and 1e9, not %s", what, clip(n.Value))
		return 0
	}
	return v
}

// positive reads a number that must not be below zero.
func (p *parser) positive(n *yaml.Node, what string) float64 {
	v := p.number(n, what)
	if v < 0 {
		p.failf(resolve(n), "%s must not be negative, it is %g", what, v)
		return 0
	}
	return v
}

func (p *parser) integer(n *yaml.Node, what string) int {
	v := p.positive(n, what)
	if v != math.Trunc(v) {
		p.failf(resolve(n), "%s wants a whole number, not %g", what, v)
		return 0
	}
	return int(v)
}

var longDuration = regexp.MustCompile(`^([0-9]{1,5})([dwy])$`)

// duration reads 500ms, 2s, 72h, 7d, 2w or 1y (365 days), or the bare number 0.
func (p *parser) duration(n *yaml.Node, what string) time.Duration {
	if n = resolve(n); n == nil {
		return 0
	}
	if n.Kind == yaml.ScalarNode && n.Value == "0" {
		return 0
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		if m := longDuration.FindStringSubmatch(n.Value); m != nil {
			v, _ := strconv.Atoi(m[1]) // five digits always fit
			return time.Duration(v) * map[string]time.Duration{"d": 24, "w": 7 * 24, "y": 365 * 24}[m[2]] * time.Hour
		}
		if d, err := time.ParseDuration(n.Value); err == nil && d >= 0 {
			return d
		}
	}
	p.failf(n, "%s wants a duration such as 500ms, 2s, 72h, 7d or 1y, not %s", what, shape(n))
	return 0
}

// numbers reads a list of so many numbers.
func (p *parser) numbers(n *yaml.Node, what string, count int) []float64 {
	if n = resolve(n); n == nil {
		return nil
	}
	items, before := p.list(n, what), len(p.errs)
	if n.Kind == yaml.SequenceNode && len(items) != count {
		p.failf(n, "%s wants %d numbers, there are %d", what, count, len(items))
	}
	var all []float64
	for _, c := range items {
		all = append(all, p.number(c, what))
	}
	if len(p.errs) > before {
		return nil
	}
	return all
}

// id reads the id of a zone or a source, which must fit one level of an MQTT topic.
func (p *parser) id(n *yaml.Node, what string) string {
	before := len(p.errs)
	id := p.text(n, what)
	if len(p.errs) > before || n == nil {
		return ""
	}
	if len(id) > 64 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/+#\\\"'", r) }) {
		p.failf(resolve(n), "%s %q must be at most 64 characters without spaces, quotes, / + or #", what, clip(id))
		return ""
	}
	return id
}

// points reads a list of [x, y].
func (p *parser) points(n *yaml.Node, what string) ([]fusion.Point, []*yaml.Node) {
	var all []fusion.Point
	before, items := len(p.errs), p.list(n, what)
	for _, c := range items {
		if v := p.numbers(c, what+" point", 2); v != nil {
			all = append(all, fusion.Point{X: v[0], Y: v[1]})
		}
	}
	if len(p.errs) > before {
		return nil, nil
	}
	return all, items
}

// polygon reads a simple polygon: at least three points, no side crosses another, some area.
func (p *parser) polygon(n *yaml.Node, what string) []fusion.Point {
	if n = resolve(n); n == nil {
		return nil
	}
	before := len(p.errs)
	poly, nodes := p.points(n, what)
	if len(p.errs) > before {
		return nil
	}
	if len(poly) < 3 {
		p.failf(n, "%s wants at least 3 points [x, y], there are %d", what, len(poly))
		return nil
	}
	if flat(poly) {
		p.failf(n, "%s has no area; its points lie in a line", what)
		return nil
	}
	if i, j, bad := crossing(poly); bad {
		p.failf(nodes[j], "%s crosses itself: side %d (from point %d) meets side %d; give its corners in order around it", what, j+1, j+1, i+1)
		return nil
	}
	return poly
}
