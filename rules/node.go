package rules

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a policy file; nobody writes one by hand that is longer.
const maxFile = 1 << 20

// file is one YAML file while it is read: strictly, keeping every error so that one run names all of them. Its readers
// take a nil node as a member left out and give the zero value.
type file struct {
	name  string
	lines []string
	errs  *Errors
	warns *[]string
}

func newFile(name string, data []byte, errs *Errors, warns *[]string) *file {
	return &file{name: name, lines: strings.Split(string(data), "\n"), errs: errs, warns: warns}
}

// parse gives the root mapping, nil after an error.
func (f *file) parse(data []byte) *yaml.Node {
	if len(data) > maxFile {
		f.failAt(1, 1, "the file has %d bytes; at most %d are read", len(data), maxFile)
		return nil
	}
	if !utf8.Valid(data) {
		f.failAt(1, 1, "the file is not UTF-8; save it as UTF-8")
		return nil
	}
	var root, more yaml.Node
	d := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := d.Decode(&root); err != nil {
		line := 1
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		if text == "EOF" {
			text = "the file is empty"
		}
		if n, _ := fmt.Sscanf(text, "line %d:", &line); n == 1 {
			text = strings.TrimSpace(text[strings.Index(text, ":")+1:])
		}
		f.failAt(max(1, line), 1, "not YAML: %s", text)
		return nil
	}
	if d.Decode(&more) == nil {
		f.fail(&more, "a second document begins here; write one policy a file")
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		f.failAt(1, 1, "the file is empty")
		return nil
	}
	return resolve(root.Content[0])
}

// failAt keeps an error at a place given by line and column, from 1.
func (f *file) failAt(line, col int, format string, args ...any) {
	e := &Error{File: f.name, Line: max(1, line), Col: max(1, col), Text: fmt.Sprintf(format, args...)}
	if e.Line <= len(f.lines) {
		e.Code = strings.TrimRight(f.lines[e.Line-1], "\r")
	}
	*f.errs = append(*f.errs, e)
}

func (f *file) fail(n *yaml.Node, format string, args ...any) {
	f.failAt(n.Line, n.Column, format, args...)
}

func (f *file) warn(line, col int, format string, args ...any) {
	*f.warns = append(*f.warns, fmt.Sprintf("%s:%d:%d: ", f.name, line, col)+fmt.Sprintf(format, args...))
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
		}
		return "the value " + clip(n.Value)
	}
	return "nothing"
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// object is a mapping whose keys were checked.
type object struct {
	f      *file
	node   *yaml.Node
	what   string
	keys   []*yaml.Node
	values map[string]*yaml.Node
}

// mapping reads a mapping; with keys given, any other key is an error.
func (f *file) mapping(n *yaml.Node, what string, keys ...string) *object {
	o := &object{f: f, what: what, values: map[string]*yaml.Node{}}
	if n = resolve(n); n == nil || isNull(n) {
		return o
	}
	if n.Kind != yaml.MappingNode {
		f.fail(n, "%s wants a mapping (key: value), not %s", what, shape(n))
		return o
	}
	o.node = n
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch _, twice := o.values[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			f.fail(k, "%s: a key must be a word, not %s", what, shape(k))
		case twice:
			f.fail(k, "%s: %s is given twice; keep one", what, clip(k.Value))
		case len(keys) > 0 && !has(keys, k.Value):
			f.fail(k, "%s: unknown key %s; %s", what, clip(k.Value), suggest(k.Value, keys))
		default:
			o.keys = append(o.keys, k)
			o.values[k.Value] = v
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
func (o *object) need(key, hint string) *yaml.Node {
	n := o.get(key)
	if n == nil && o.node != nil {
		o.f.fail(o.node, "%s: %s is missing; %s", o.what, key, hint)
	}
	return n
}

func (f *file) list(n *yaml.Node, what string) []*yaml.Node {
	if n = resolve(n); n == nil || isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		f.fail(n, "%s wants a list [ … ], not %s", what, shape(n))
		return nil
	}
	all := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		all[i] = resolve(c)
	}
	return all
}

// text reads a string; a bare 0711 is not one, since YAML would read it as a number.
func (f *file) text(n *yaml.Node, what string) string {
	if n = resolve(n); n == nil {
		return ""
	}
	switch {
	case n.Kind != yaml.ScalarNode || isNull(n):
		f.fail(n, "%s wants text, not %s", what, shape(n))
	case n.ShortTag() != "!!str":
		f.fail(n, "%s wants text; put %s in quotes", what, clip(n.Value))
	case strings.TrimSpace(n.Value) == "":
		f.fail(n, "%s is empty; give it a value or leave it out", what)
	default:
		return n.Value
	}
	return ""
}

func (f *file) texts(n *yaml.Node, what string) []string {
	var all []string
	for _, c := range f.list(n, what) {
		if t := f.text(c, what); t != "" {
			all = append(all, t)
		}
	}
	return all
}

// word reads one of a few words; "" when left out or wrong.
func (f *file) word(n *yaml.Node, what string, words ...string) string {
	w := f.text(n, what)
	if w != "" && !has(words, w) {
		f.fail(resolve(n), "%s: unknown word %s; %s", what, clip(w), suggest(w, words))
		return ""
	}
	return w
}

// number reads a number within bounds, both allowed.
func (f *file) number(n *yaml.Node, what string, least, most float64) (float64, bool) {
	if n = resolve(n); n == nil {
		return 0, false
	}
	var v float64
	if tag := n.ShortTag(); n.Kind != yaml.ScalarNode || tag != "!!int" && tag != "!!float" || n.Decode(&v) != nil || math.IsNaN(v) {
		f.fail(n, "%s wants a number, not %s", what, shape(n))
		return 0, false
	}
	if v < least || v > most {
		f.fail(n, "%s must be between %g and %g, it is %s", what, least, most, clip(n.Value))
		return 0, false
	}
	return v, true
}

// duration reads 500ms, 20s, 2m or 1h as nanoseconds.
func (f *file) duration(n *yaml.Node, what string) int64 {
	if n = resolve(n); n == nil {
		return 0
	}
	if n.Kind == yaml.ScalarNode {
		if d, err := time.ParseDuration(n.Value); err == nil && d > 0 && d <= longest {
			return int64(d)
		}
	}
	f.fail(n, "%s wants a duration such as 20s, 2m or 1h, at most 24h, not %s", what, shape(n))
	return 0
}
