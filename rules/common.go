package rules

import (
	"go.yaml.in/yaml/v3"

	"magpie/fusion"
)

// commonFile holds what policies share; it is no policy.
const commonFile = "common.yaml"

// readCommon reads the lists and macros.
func (l *language) readCommon(f *file, root *yaml.Node) {
	o := f.mapping(root, "common.yaml", "lists", "macros")
	lists := f.mapping(o.get("lists"), "lists")
	for _, k := range lists.keys {
		if k.Value == "any" || isSKU(k.Value) {
			f.fail(k, "a list cannot be named %s, which stands for itself; choose another name", quote(k.Value))
			continue
		}
		l.lists[k.Value] = l.list(f, lists.get(k.Value), k.Value)
	}
	macros := f.mapping(o.get("macros"), "macros")
	var order []*source
	for _, k := range macros.keys {
		name, n := k.Value, macros.get(k.Value)
		if _, taken := functions[name]; taken {
			f.fail(k, "the macro %s has the name of a function; choose another", name)
			continue
		}
		if !isWord(name) {
			f.fail(k, "the macro %s must be a word of letters, digits and _", quote(name))
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
	what := "the list " + clip(name)
	o := f.mapping(n, what, "category", "style", "min_price", "max_price", "tagged", "skus")
	if o.node == nil || len(o.keys) == 0 {
		if n != nil && len(n.Content) == 0 && (n.Kind == yaml.MappingNode || isNull(n)) {
			f.fail(n, "%s is empty; give it a category, min_price, max_price, style, tagged or skus", what)
		}
		return make(fusion.Goods, len(l.store.Products))
	}
	var tests []func(p *fusion.Product) bool
	for key, of := range map[string]func(p *fusion.Product) string{
		"category": func(p *fusion.Product) string { return p.Category },
		"style":    func(p *fusion.Product) string { return p.Style },
	} {
		if words := f.oneOrMore(o.get(key), what+": "+key); words != nil {
			tests = append(tests, func(p *fusion.Product) bool { return has(words, of(p)) })
		}
	}
	if v, ok := f.number(o.get("min_price"), what+": min_price", 0, 1e9); ok {
		tests = append(tests, func(p *fusion.Product) bool { return float64(p.Price) >= round9(v*100) })
	}
	if v, ok := f.number(o.get("max_price"), what+": max_price", 0, 1e9); ok {
		tests = append(tests, func(p *fusion.Product) bool { return float64(p.Price) <= round9(v*100) })
	}
	if t := o.get("tagged"); t != nil {
		want := t.Value == "true"
		if t.ShortTag() != "!!bool" {
			f.fail(t, "%s: tagged must be true or false, not %s", what, shape(t))
		}
		tests = append(tests, func(p *fusion.Product) bool { return p.Tagged == want })
	}
	if skus := o.get("skus"); skus != nil {
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
		f.warn(n.Line, n.Column, "%s holds no product of the site", what)
	}
	return goods
}

func (f *file) oneOrMore(n *yaml.Node, what string) []string {
	if n != nil && n.Kind == yaml.SequenceNode {
		return f.texts(n, what)
	}
	if t := f.text(n, what); t != "" {
		return []string{t}
	}
	return nil
}

func (l *language) skus(f *file, n *yaml.Node, what string) map[string]bool {
	all := map[string]bool{}
	for _, c := range f.list(n, what+": skus") {
		switch {
		case c.Kind == yaml.ScalarNode && c.ShortTag() != "!!str":
			f.fail(c, `a SKU must be in quotes, or YAML reads it as a number; write "%s"`, clip(c.Value))
		case c.Kind != yaml.ScalarNode || !isSKU(c.Value):
			f.fail(c, "%s: skus wants SKUs of up to 14 digits, not %s", what, shape(c))
		default:
			sku := fusion.GTIN14(c.Value)
			all[sku] = true
			if l.store.ProductIndex(sku) < 0 {
				f.warn(c.Line, c.Column, "no product of the site has the SKU %s", c.Value)
			}
		}
	}
	return all
}
