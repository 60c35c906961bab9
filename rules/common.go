package rules

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

// commonFile holds what policies share; it is no policy.
const commonFile = "common.yaml"

// readCommon reads the lists and macros.
func (l *language) readCommon(f *file, root *yaml.Node) {
	o := f.Mapping(root, "common.yaml", keys(CommonMembers)...)
	lists := f.Mapping(o.Get("lists"), "lists")
	for _, k := range lists.Keys {
		if k.Value == "any" || isSKU(k.Value) {
			f.Fail(k, "a list cannot be named %s, which stands for itself; choose another name", quote(k.Value))
			continue
		}
		l.lists[k.Value] = l.list(f, lists.Get(k.Value), k.Value)
	}
	macros := f.Mapping(o.Get("macros"), "macros")
	var order []*source
	for _, k := range macros.Keys {
		name, n := k.Value, macros.Get(k.Value)
		if _, taken := functions[name]; taken {
			f.Fail(k, "the macro %s has the name of a function; choose another", name)
			continue
		}
		if !isName(name) {
			f.Fail(k, "the macro %s must be a word of letters, digits and _, and none of the language, so that an expression can name it", quote(name))
			continue
		}
		s := &source{language: l, f: f, node: n, macro: true, table: &operands{}}
		if tree := s.parse(); tree != nil {
			l.macros[name] = &macro{tree: tree}
			order = append(order, s)
		} else {
			l.macros[name] = &macro{bad: true}
		}
		s.name = name
	}
	// Each is checked where it stands, once all are known, so that its uses need not repeat what is wrong with it.
	for _, s := range order {
		s.compile(number)
	}
	for _, s := range order {
		if s.bad {
			l.macros[s.name].bad = true
		}
	}
}

// isName reports whether an expression can name something so.
func isName(s string) bool { return isWord(s) && !slices.Contains(reserved, s) }

// reserved are the words of expressions, those of expr that policies may not use too.
var reserved = []string{"and", "or", "not", "in", "true", "false", "nil", "let", "if", "else", "matches", "contains", "startsWith", "endsWith"}

func isWord(s string) bool {
	for i, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// list reads one list: every product to which all of its members apply.
func (l *language) list(f *file, n *yaml.Node, name string) fusion.Goods {
	what := "the list " + strict.Clip(name)
	o := f.Mapping(n, what, keys(listMembers)...)
	if o.Node == nil || len(o.Keys) == 0 {
		if n != nil && len(n.Content) == 0 && (n.Kind == yaml.MappingNode || strict.IsNull(n)) {
			f.Fail(n, "%s is empty; give it a category, min_price, max_price, style, tagged or skus", what)
		}
		return make(fusion.Goods, len(l.store.Products))
	}
	var tests []func(p *fusion.Product) bool
	for key, of := range map[string]func(p *fusion.Product) string{
		"category": func(p *fusion.Product) string { return p.Category },
		"style":    func(p *fusion.Product) string { return p.Style },
	} {
		if words := f.oneOrMore(o.Get(key), what+": "+key); words != nil {
			tests = append(tests, func(p *fusion.Product) bool { return slices.Contains(words, of(p)) })
		}
	}
	if v, ok := f.Number(o.Get("min_price"), what+": min_price", 0, 1e9); ok {
		tests = append(tests, func(p *fusion.Product) bool { return float64(p.Price) >= round9(v*100) })
	}
	if v, ok := f.Number(o.Get("max_price"), what+": max_price", 0, 1e9); ok {
		tests = append(tests, func(p *fusion.Product) bool { return float64(p.Price) <= round9(v*100) })
	}
	if t := o.Get("tagged"); t != nil {
		want := t.Value == "true"
		if t.ShortTag() != "!!bool" {
			f.Fail(t, "%s: tagged must be true or false, not %s", what, strict.Shape(t))
		}
		tests = append(tests, func(p *fusion.Product) bool { return p.Tagged == want })
	}
	if skus := o.Get("skus"); skus != nil {
		of := l.skus(f, skus, what)
		tests = append(tests, func(p *fusion.Product) bool { return of[p.SKU] })
	}
	goods, some := make(fusion.Goods, len(l.store.Products)), false
	for i := range l.store.Products {
		goods[i] = true
		for _, t := range tests {
			goods[i] = goods[i] && t(&l.store.Products[i])
		}
		some = some || goods[i]
	}
	if !some && len(tests) > 0 {
		f.Warn(n.Line, n.Column, "%s holds no product of the site", what)
	}
	return goods
}

func (f *file) oneOrMore(n *yaml.Node, what string) []string {
	if n != nil && n.Kind == yaml.SequenceNode {
		if len(n.Content) == 0 {
			f.Fail(n, "%s is empty, so that nothing could be in the list; leave it out to ask for any", what)
		}
		return f.Texts(n, what)
	}
	if t := f.Text(n, what); t != "" {
		return []string{t}
	}
	return nil
}

func (l *language) skus(f *file, n *yaml.Node, what string) map[string]bool {
	all := map[string]bool{}
	for _, c := range f.List(n, what+": skus") {
		switch {
		case c.Kind == yaml.ScalarNode && c.ShortTag() != "!!str":
			f.Fail(c, `a SKU must be in quotes, or YAML reads it as a number; write "%s"`, strict.Clip(c.Value))
		case c.Kind != yaml.ScalarNode || !isSKU(c.Value):
			f.Fail(c, "%s: skus wants SKUs of up to 14 digits, not %s", what, strict.Shape(c))
		default:
			i := l.store.ProductIndex(fusion.GTIN14(c.Value))
			if i < 0 {
				f.Warn(c.Line, c.Column, "no product of the site has the SKU %s", c.Value)
				continue
			}
			all[l.store.Products[i].SKU] = true
		}
	}
	return all
}
