package rules

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

var messageWords = names(MessageWords)

// template checks that a message names only what it can be filled with.
func (r *reader) template(n *yaml.Node) {
	rest, at := n.Value, 0
	for {
		i := strings.Index(rest, "{{")
		if i < 0 {
			if j := strings.Index(rest, "}}"); j >= 0 {
				r.failIn(n, at+j, "}} without a {{ before it")
			}
			return
		}
		j := strings.Index(rest[i:], "}}")
		if j < 0 {
			r.failIn(n, at+i, "{{ without its }}")
			return
		}
		if word := strings.TrimSpace(rest[i+2 : i+j]); !slices.Contains(messageWords, word) {
			r.failIn(n, at+i, "unknown word %s in a message; %s", quote(word), strict.Suggest(word, messageWords))
		}
		at += i + j + 2
		rest = rest[i+j+2:]
	}
}

// failIn keeps an error at a byte of a scalar's value.
func (f *file) failIn(n *yaml.Node, at int, format string, args ...any) {
	line, col := f.place(n, len([]rune(n.Value[:at])))
	f.FailAt(line, col, format, args...)
}

// Text fills the policy's message for a result: count, item, items and value tell the unpaid goods of the visit, zone is
// where the caller says it happened, till the till that last had to do with the subject. Goods that are not in the
// catalogue are "unknown goods", never a tag.
func (p *Policy) Text(v fusion.View, r *Result, zone string) string {
	var b strings.Builder
	rest := p.Message
	for {
		i := strings.Index(rest, "{{")
		j := strings.Index(rest, "}}")
		if i < 0 || j < i {
			b.WriteString(rest)
			return b.String()
		}
		b.WriteString(rest[:i])
		b.WriteString(p.fill(v, r, zone, strings.TrimSpace(rest[i+2:j])))
		rest = rest[j+2:]
	}
}

func (p *Policy) fill(v fusion.View, r *Result, zone, word string) string {
	goods := unpaidGoods(v)
	switch word {
	case "count":
		n := 0
		for _, g := range goods {
			n += g.n
		}
		return strconv.Itoa(n)
	case "item":
		if len(goods) == 0 {
			return "goods"
		}
		return goods[0].name
	case "items":
		var all []string
		for _, g := range goods {
			all = append(all, strconv.Itoa(g.n)+" × "+g.name)
		}
		if len(all) == 0 {
			return "goods"
		}
		return strings.Join(all, ", ")
	case "value":
		return strings.TrimSpace(strconv.FormatFloat(r.ValueAtRisk, 'f', 2, 64) + " " + v.World.Store.Currency)
	case "zone":
		if zone == "" {
			return "store"
		}
		return zone
	case "till":
		return tillOf(v)
	case "action":
		return p.Action
	}
	return ""
}

// goods is one line of what a message tells.
type goods struct {
	product int
	name    string
	n       int
	cost    int64
}

// unpaidGoods are the products that the visit likely holds unpaid, dearest first; where none is likely, the likeliest.
func unpaidGoods(v fusion.View) []goods {
	store := v.World.Store
	units := map[int]float64{}
	best, most := 0, 0.0
	for i := range v.Visit.Basket {
		it := &v.Visit.Basket[i]
		if units[it.Product] += it.Unpaid(); units[it.Product] > most {
			best, most = it.Product, units[it.Product]
		}
	}
	var all []goods
	for product, n := range units {
		if n < 0.5 && (product != best || most == 0) {
			continue
		}
		g := goods{product: product, name: "unknown goods", n: max(1, int(math.Round(n)))}
		if product >= 0 {
			g.name, g.cost = store.Products[product].Name, store.Products[product].Price
			if g.name == "" {
				g.name = store.Products[product].Written
			}
		}
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b goods) int {
		return cmp.Or(cmp.Compare(b.cost, a.cost), cmp.Compare(a.name, b.name), cmp.Compare(a.product, b.product))
	})
	return all
}

// tillOf is the till of the newest till fact; for a till's own ledger, the till.
func tillOf(v fusion.View) string {
	if v.Visit.Subject == fusion.SubjectTill {
		return v.Visit.ID
	}
	for f := range v.Visit.Facts.Backward() {
		if paying.has(f.Kind) && f.Source >= 0 && v.World.Store.Sources[f.Source].Kind == fusion.TillKind {
			return v.World.Store.Sources[f.Source].ID
		}
	}
	return "till"
}
