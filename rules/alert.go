package rules

import (
	"fmt"
	"sort"

	"github.com/expr-lang/expr/ast"
	"go.yaml.in/yaml/v3"
)

// defaultCooldown is how long an alert of a subject keeps the next one back.
const defaultCooldown = 120e9

// alert reads what a policy does with its score.
func (r *reader) alert(o *object) {
	p := r.p
	a := r.mapping(o.need("alert", "write alert: {tiers: {review: 0.3}}"), "alert", "tiers", "to", "action", "cooldown", "message")
	if a.node == nil {
		return
	}
	r.tiers(a)
	to := r.mapping(a.get("to"), "to", Tiers[:]...)
	for _, k := range to.keys {
		if !r.hasTier(k.Value) {
			r.fail(k, "to: the policy has no tier %s", k.Value)
		}
		if p.To == nil {
			p.To = map[string][]string{}
		}
		p.To[k.Value] = r.texts(to.get(k.Value), "to."+k.Value)
	}
	p.Action = r.word(a.get("action"), "action", Actions...)
	if p.Action == "" {
		p.Action = Actions[0]
	}
	p.Cooldown = r.duration(a.get("cooldown"), "cooldown")
	if a.get("cooldown") == nil {
		p.Cooldown = defaultCooldown
	}
	p.Message = p.Title
	if n := a.get("message"); n != nil {
		p.Message = r.text(n, "message")
		r.plain(n, p.Message)
		r.template(n)
	}
}

func (r *reader) hasTier(name string) bool {
	for _, t := range r.p.Tiers {
		if t.Name == name {
			return true
		}
	}
	return false
}

func (r *reader) tiers(a *object) {
	o := r.mapping(a.need("tiers", "write tiers: {review: 0.3, staff: 0.6}"), "tiers", Tiers[:]...)
	if o.node != nil && len(o.keys) == 0 {
		r.fail(o.node, "tiers: there is none; write tiers: {review: 0.3, staff: 0.6}")
	}
	before := Tier{}
	for _, name := range Tiers {
		n := o.get(name)
		if n == nil {
			continue
		}
		t := Tier{Name: name}
		if n.Kind == yaml.ScalarNode && n.Value == "cost" {
			if name != "staff" {
				r.fail(n, "only staff: may be cost; give %s a score between 0 and 1", name)
			}
			t.Cost = true
		} else if v, ok := r.number(n, "tiers."+name, 1e-9, 1); ok {
			if t.At = v; v <= before.At {
				r.fail(n, "tiers: %s must lie above %s, which is %g", name, before.Name, before.At)
			}
			before = t
		}
		r.p.Tiers = append(r.p.Tiers, t)
	}
}

// readParams reads the policy's params and what the site says of them.
func (r *reader) readParams(o *object) {
	params := r.mapping(o.get("params"), "params")
	given := map[string]any{}
	for name, v := range r.over.Params {
		given[name] = v
	}
	for _, k := range params.keys {
		n, name := params.get(k.Value), k.Value
		if _, taken := functions[name]; taken || r.l.macros[name] != nil {
			r.fail(k, "the param %s has the name of a function or macro; choose another", name)
			continue
		}
		v := scalarValue(n)
		if v == nil {
			r.fail(n, "the param %s must be a number, a text or true or false, not %s", name, shape(n))
			continue
		}
		if w, ok := given[name]; ok {
			delete(given, name)
			if fmt.Sprintf("%T", plainValue(w)) != fmt.Sprintf("%T", v) {
				r.fail(k, "the site gives the param %s the value %v; here it is %v", name, w, v)
				continue
			}
			v = plainValue(w)
		}
		r.params[name] = literal(v)
	}
	var left []string
	for name := range given {
		left = append(left, name)
	}
	sort.Strings(left)
	for _, name := range left {
		var names []string
		for _, k := range params.keys {
			names = append(names, k.Value)
		}
		*r.errs = append(*r.errs, r.over.err("the site overrides the param %s of %s, which has none of that name; %s", clip(name), r.p.ID, suggest(name, names)))
	}
}

// scalarValue is a float64, a bool or a string; nil for anything else.
func scalarValue(n *yaml.Node) any {
	var v any
	if n == nil || n.Kind != yaml.ScalarNode || n.Decode(&v) != nil {
		return nil
	}
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!str":
		return plainValue(v)
	}
	return nil
}

// plainValue turns every kind of number into float64.
func plainValue(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	}
	return v
}

func literal(v any) ast.Node {
	switch v := v.(type) {
	case float64:
		return &ast.FloatNode{Value: v}
	case bool:
		return &ast.BoolNode{Value: v}
	}
	return &ast.StringNode{Value: v.(string)}
}

// override puts the site's mode in the place of the file's, then the shadow that needs asks for.
func (r *reader) override() {
	p := r.p
	switch m := Mode(r.over.Mode); m {
	case "":
	case Live, Shadow, Off:
		p.Mode = m
	default:
		*r.errs = append(*r.errs, r.over.err("the site gives %s the mode %s; possible are live, shadow, off", p.ID, quote(r.over.Mode)))
	}
	if p.Shadowed != "" {
		if p.Mode == Live {
			p.Mode = Shadow
			*r.warns = append(*r.warns, fmt.Sprintf("%s: %s runs in shadow: %s", r.name, p.ID, p.Shadowed))
		} else {
			p.Shadowed = ""
		}
	}
}
