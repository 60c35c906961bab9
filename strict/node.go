package strict

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// resolve gives what an alias stands for, any other node as it is.
func resolve(n *yaml.Node) *yaml.Node {
	for range 8 {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return n
}

// IsNull reports whether a node is written and says nothing: "key:", ~ or null.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// Shape is what a node is, in the words of someone who writes YAML.
func Shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!str":
			return fmt.Sprintf("the text %q", Clip(n.Value))
		case "!!null":
			return "nothing"
		}
		return "the value " + Clip(n.Value)
	}
	return "nothing"
}

// Object is a mapping whose keys were checked.
type Object struct {
	Node *yaml.Node   // nil when the mapping was left out or is none
	Keys []*yaml.Node // in the order of the file, without those that are wrong

	file   *File
	what   string
	values map[string]*yaml.Node
}

// Mapping reads a mapping, called what in its errors. With keys given, any other key is an error.
func (f *File) Mapping(n *yaml.Node, what string, keys ...string) *Object {
	o := &Object{file: f, what: what, values: map[string]*yaml.Node{}}
	if n = resolve(n); n == nil || IsNull(n) {
		return o
	}
	if n.Kind != yaml.MappingNode {
		f.Fail(n, "%s wants a mapping (key: value), not %s", what, Shape(n))
		return o
	}
	o.Node = n
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch _, twice := o.values[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			f.Fail(k, "%s: a key must be a word, not %s", what, Shape(k))
		case twice:
			f.Fail(k, "%s: %q is given twice; keep one", what, Clip(k.Value))
		case len(keys) > 0 && !slices.Contains(keys, k.Value):
			f.Fail(k, "%s: unknown key %q; %s", what, Clip(k.Value), Suggest(k.Value, keys))
		default:
			o.Keys = append(o.Keys, k)
			o.values[k.Value] = v
		}
	}
	return o
}

// Get returns the value of a key, nil when it was left out.
func (o *Object) Get(key string) *yaml.Node { return resolve(o.values[key]) }

// Need returns the value of a key that must be there and say something; nil after an error. hint says what to write, ""
// where the key says it.
func (o *Object) Need(key, hint string) *yaml.Node {
	n := o.Get(key)
	if o.Node == nil || n != nil && !IsNull(n) {
		return n
	}
	at := o.Node
	if n != nil {
		at = n
	}
	if hint != "" {
		hint = "; " + hint
	}
	o.file.Fail(at, "%s: %s is missing%s", o.what, key, hint)
	return nil
}

// List reads the members of a list. One that says nothing is an error.
func (f *File) List(n *yaml.Node, what string) []*yaml.Node {
	if n = resolve(n); n == nil || IsNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		f.Fail(n, "%s wants a list [ … ], not %s", what, Shape(n))
		return nil
	}
	var all []*yaml.Node
	for _, c := range n.Content {
		if c = resolve(c); IsNull(c) {
			f.Fail(c, "%s: this member of the list is empty; fill it or remove it", what)
			continue
		}
		all = append(all, c)
	}
	return all
}

// Text reads a string. A bare 0711 or 2026-01-05 is not one: YAML would read it as a number or a date.
func (f *File) Text(n *yaml.Node, what string) string {
	if n = resolve(n); n == nil {
		return ""
	}
	switch {
	case n.Kind != yaml.ScalarNode || IsNull(n):
		f.Fail(n, "%s wants text, not %s", what, Shape(n))
	case n.ShortTag() != "!!str":
		f.Fail(n, "%s wants text; put %s in quotes: \"%s\"", what, Clip(n.Value), Clip(n.Value))
	case strings.TrimSpace(n.Value) == "":
		f.Fail(n, "%s is empty; give it a value or leave it out", what)
	default:
		return n.Value
	}
	return ""
}

// Texts reads a list of strings.
func (f *File) Texts(n *yaml.Node, what string) []string {
	var all []string
	for _, c := range f.List(n, what) {
		if t := f.Text(c, what); t != "" {
			all = append(all, t)
		}
	}
	return all
}

// Word reads one of a few words; "" when left out or wrong.
func (f *File) Word(n *yaml.Node, what string, words ...string) string {
	w := f.Text(n, what)
	if w != "" && !slices.Contains(words, w) {
		f.Fail(resolve(n), "%s: unknown word %q; %s", what, Clip(w), Suggest(w, words))
		return ""
	}
	return w
}

// Number reads a number within bounds, both allowed.
func (f *File) Number(n *yaml.Node, what string, least, most float64) (v float64, ok bool) {
	if n = resolve(n); n == nil {
		return 0, false
	}
	if tag := n.ShortTag(); n.Kind != yaml.ScalarNode || tag != "!!int" && tag != "!!float" || n.Decode(&v) != nil || math.IsNaN(v) {
		f.Fail(n, "%s wants a number, not %s", what, Shape(n))
		return 0, false
	}
	if v < least || v > most {
		f.Fail(n, "%s must be between %g and %g, it is %s", what, least, most, Clip(n.Value))
		return 0, false
	}
	return v, true
}

// Duration reads 500ms, 20s, 2m, 72h, 7d, 2w or 1y (365 days), or the bare number 0, within bounds, both allowed.
func (f *File) Duration(n *yaml.Node, what string, least, most time.Duration) time.Duration {
	if n = resolve(n); n == nil {
		return 0
	}
	d, ok := duration(n.Value)
	if n.Kind != yaml.ScalarNode || !ok {
		f.Fail(n, "%s wants a duration such as 500ms, 2s, 72h, 7d or 1y, not %s", what, Shape(n))
		return 0
	}
	if d < least || d > most {
		f.Fail(n, "%s must be between %s and %s, it is %s", what, least, most, Clip(n.Value))
		return 0
	}
	return d
}

var (
	longForm = regexp.MustCompile(`^([0-9]{1,5})([dwy])$`)
	days     = map[string]time.Duration{"d": 1, "w": 7, "y": 365}
)

func duration(text string) (time.Duration, bool) {
	m := longForm.FindStringSubmatch(text)
	if m == nil {
		d, err := time.ParseDuration(text)
		return d, err == nil && d >= 0
	}
	v, _ := strconv.Atoi(m[1]) // five digits always fit
	unit := days[m[2]] * 24 * time.Hour
	return time.Duration(v) * unit, time.Duration(v) <= math.MaxInt64/unit
}
