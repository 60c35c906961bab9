package fusion

import (
	"slices"
	"sort"
	"strings"
)

// RowClass says how what a visit carries and what a till has scanned for it agree.
type RowClass uint8

// The classes of science §4, what matters most first.
const (
	NotScanned    RowClass = iota // carried, and not scanned
	Substituted                   // carried, and something cheaper scanned in its place
	VoidedCarried                 // scanned, voided, and still carried as far as that is known
	NotCarried                    // scanned, and nothing but the till shows it, or the bagging scale shows that it is not there
	Confirmed                     // scanned, and a shelf, a camera, a tag or the bagging scale shows it
)

// RowClasses gives a plain word for each RowClass.
var RowClasses = [...]string{"not scanned", "substituted", "voided", "not carried", "confirmed"}

func (c RowClass) String() string { return RowClasses[c] }

// Row is one line of a reconciliation.
type Row struct {
	Class   RowClass
	Product int     // what is carried, else what was scanned: index into Store.Products; -1: the catalogue does not know it
	Scanned int     // Substituted: the product scanned in its place; else -1
	EPC     string  // of a tag that is known
	Name    string  // of what the catalogue does not know, as a device calls it
	Units   float64 // expected
	P       float64 // probability of the class, 0–1
	Value   float64 // expected, in the site's currency: of the units; Substituted: of the difference in price
}

// unsure is the probability that scanned goods are not there where nothing could show them: nobody knows.
const unsure = 0.5

// surplus is the least of a product that was paid and is not held for something else to be taken in its place.
const surplus = 0.5

// Reconcile sets what the visit carries against what tills have scanned for it, as both are known now: the cheapest way to
// account for each unit (optimal transport, science §4), in which it costs nothing to match a unit with a scan of its
// product, something to match it with a scan of a cheaper product, the less the nearer their weights and the further their
// prices are, and more to leave it unmatched. What matters most comes first.
func (v View) Reconcile() []Row {
	b := v.Visit.Basket
	held, paid := make([]float64, len(b)), make([]float64, len(b)) // what of each line is not matched yet
	var rows []Row
	for i := range b {
		it := &b[i]
		m := min(it.Held(), it.Paid)
		held[i], paid[i] = it.Held()-m, it.Paid-m
		if m <= 0.01 {
			continue
		}
		r := v.row(Confirmed, it, m)
		if !it.confirmed() {
			r.Class, r.P = NotCarried, unsure
		}
		rows = append(rows, r)
	}
	for i := range b { // a tag that is known does not make it another product
		for j := range b {
			if b[i].Product == b[j].Product && b[i].Name == b[j].Name {
				m := min(held[i], paid[j])
				held[i], paid[j] = held[i]-m, paid[j]-m
			}
		}
	}
	for _, f := range v.substitutions(held, paid) {
		it := &b[f.held]
		r := v.row(Substituted, it, f.n)
		r.Scanned, r.P = b[f.paid].Product, round9(min(r.P, f.n))
		r.Value = round9(max(0, float64(f.n*(v.price(it)-v.price(&b[f.paid])))))
		held[f.held], paid[f.paid] = held[f.held]-f.n, paid[f.paid]-f.n
		rows = append(rows, r)
	}
	for _, u := range v.voided() {
		for i := range b {
			if n := min(u.n, held[i]); b[i].Product == u.product && n > 0.01 {
				rows = append(rows, v.row(VoidedCarried, &b[i], n))
				held[i], u.n = held[i]-n, u.n-n
			}
		}
	}
	for i := range b {
		if held[i] > 0.01 {
			rows = append(rows, v.row(NotScanned, &b[i], held[i]))
		}
		if paid[i] >= worthTelling {
			r := v.row(NotCarried, &b[i], paid[i])
			if r.P = unsure; b[i].absent > 0 {
				r.P = round9(min(1, b[i].absent))
			}
			rows = append(rows, r)
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return v.before(&rows[i], &rows[j]) })
	return rows
}

// row makes a row of units of a line of the basket. Units that are not paid are as likely as the line is.
func (v View) row(c RowClass, it *Item, n float64) Row {
	return Row{Class: c, Product: it.Product, Scanned: -1, EPC: it.EPC, Name: it.Name, Units: round9(n),
		P: round9(min(1, n, max(it.PUnpaid(), min(it.Held(), it.Paid)))), Value: round9(float64(n * v.price(it)))}
}

func (v View) before(a, b *Row) bool {
	switch {
	case a.Class != b.Class:
		return a.Class < b.Class
	case a.Value != b.Value:
		return a.Value > b.Value
	case a.Product != b.Product:
		return a.Product < b.Product
	case a.Scanned != b.Scanned:
		return a.Scanned < b.Scanned
	}
	return strings.Compare(a.EPC+"\x00"+a.Name, b.EPC+"\x00"+b.Name) < 0
}

// confirmed reports whether something but a till shows the goods of the line: a plate or gate that saw them go, a tag that
// was read, a camera that saw them when they were scanned, or a bagging scale.
func (i *Item) confirmed() bool {
	return i.N >= 0.5 || i.EPC != "" && i.Shown >= 0.5 || i.filmed > 0 || i.bagged >= 0.5
}

// Substituted is the probability that goods were scanned as something cheaper.
func (v View) Substituted() float64 {
	b := v.Visit.Basket
	if !slices.ContainsFunc(b, func(it Item) bool { return it.Paid-it.Held() >= surplus }) {
		return 0
	}
	p := 0.0
	for _, r := range v.Reconcile() {
		if r.Class == Substituted {
			p = max(p, r.P)
		}
	}
	return p
}

// voided is what the tills have voided of the visit's sales, by product in the order of their lines.
func (v View) voided() []units {
	var keys []sessionKey
	for k, s := range v.World.sessions {
		if s.visit == v.Visit {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b sessionKey) int {
		if a.source != b.source {
			return a.source - b.source
		}
		return strings.Compare(a.id, b.id)
	})
	var all []units
	for _, k := range keys {
		for _, l := range v.World.sessions[k].lines {
			if l.void <= 0 || l.product < 0 {
				continue
			}
			i := slices.IndexFunc(all, func(u units) bool { return u.product == l.product })
			if i < 0 {
				i = len(all)
				all = append(all, units{product: l.product})
			}
			all[i].n += l.void
		}
	}
	return all
}
