package rules

import (
	"fmt"
	"math"
	"sort"

	"github.com/expr-lang/expr/ast"
	"go.yaml.in/yaml/v3"

	"magpie/strict"
)

// defaultCooldown is how long an alert of a subject keeps the next one back.
const defaultCooldown = 120e9

// alert reads what a policy does with its score.
func (r *reader) alert(o *strict.Object) {
	p := r.p
	a := r.Mapping(o.Need("alert", "write alert: {tiers: {review: 0.3}}"), "alert", keys(alertMembers)...)
	if a.Node == nil {
		return
	}
	r.tiers(a)
	to := r.Mapping(a.Get("to"), "to", keys(toMembers)...)
	for _, k := range to.Keys {
		if !r.p.hasTier(k.Value) {
			r.Fail(k, "to: the policy has no tier %s", k.Value)
		}
		if p.To == nil {
			p.To = map[string][]string{}
		}
		p.To[k.Value] = r.Texts(to.Get(k.Value), "to."+k.Value)
	}
	p.Action = r.Word(a.Get("action"), "action", Actions...)
	if p.Action == "" {
		p.Action = Actions[0]
	}
	p.Cooldown = int64(r.Duration(a.Get("cooldown"), "cooldown", shortest, longest))
	if a.Get("cooldown") == nil {
		p.Cooldown = defaultCooldown
	}
	p.Message = p.Title
	if n := a.Get("message"); n != nil {
		p.Message = r.Text(n, "message")
		r.plain(n, p.Message)
		r.template(n)
	} else if n := o.Get("title"); n != nil {
		r.template(n) // which is the message
	}
}

func (p *Policy) hasTier(name string) bool {
	for _, t := range p.Tiers {
		if t.Name == name {
			return true
		}
	}
	return false
}

func (r *reader) tiers(a *strict.Object) {
	o := r.Mapping(a.Need("tiers", "write tiers: {review: 0.3, staff: 0.6}"), "tiers", keys(tierMembers)...)
	if o.Node != nil && len(o.Keys) == 0 {
		r.Fail(o.Node, "tiers: there is none; write tiers: {review: 0.3, staff: 0.6}")
	}
	before := Tier{}
	for _, name := range Tiers {
		n := o.Get(name)
		if n == nil {
			continue
		}
		t := Tier{Name: name}
		if n.Kind == yaml.ScalarNode && n.Value == "cost" {
			if name != "staff" {
				r.Fail(n, "only staff: may be cost; give %s a score between 0 and 1", name)
			}
			t.Cost = true
		} else if v, ok := r.Number(n, "tiers."+name, 1e-9, 1); ok {
			if t.At = v; v <= before.At {
				r.Fail(n, "tiers: %s must lie above %s, which is %g", name, before.Name, before.At)
			}
			before = t
		}
		r.p.Tiers = append(r.p.Tiers, t)
	}
}

// readParams reads the policy's params and what the site says of them.
func (r *reader) readParams(o *strict.Object) {
	params := r.Mapping(o.Get("params"), "params")
	given := map[string]any{}
	for name, v := range r.over.Params {
		given[name] = v
	}
	for _, k := range params.Keys {
		n, name := params.Get(k.Value), k.Value
		if _, taken := functions[name]; taken || r.l.macros[name] != nil {
			r.Fail(k, "the param %s has the name of a function or macro; choose another", name)
			continue
		}
		if !isName(name) {
			r.Fail(k, "the param %s must be a word of letters, digits and _, and none of the language, so that an expression can name it", quote(name))
			continue
		}
		v := scalarValue(n)
		if v == nil {
			r.Fail(n, "the param %s must be a number, a text or true or false, not %s", name, strict.Shape(n))
			continue
		}
		if w, ok := given[name]; ok {
			delete(given, name)
			if fmt.Sprintf("%T", plainValue(w)) != fmt.Sprintf("%T", v) {
				r.Fail(k, "the site gives the param %s the value %v; here it is %v", name, w, v)
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
		for _, k := range params.Keys {
			names = append(names, k.Value)
		}
		r.Errors = append(r.Errors, r.over.err("the site overrides the param %s of %s, which has none of that name; %s", strict.Clip(name), r.p.ID, strict.Suggest(name, names)))
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
		if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
			return nil
		}
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
		r.Errors = append(r.Errors, r.over.err("the site gives %s the mode %s; possible are live, shadow, off", p.ID, quote(r.over.Mode)))
	}
	if p.Shadowed != "" {
		if p.Mode == Live {
			p.Mode = Shadow
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %s runs in shadow: %s", r.Name, p.ID, p.Shadowed))
		} else {
			p.Shadowed = ""
		}
	}
}
