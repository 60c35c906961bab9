package fusion

import "testing"

// TestRefundedTaken: money back for goods that were taken before and that nobody sold; what was sold, what was taken only later, and other goods
// than those of the refund do not count.
func TestRefundedTaken(t *testing.T) {
	refund := Fact{At: at(10), Kind: FactRefunded, Product: sauce, N: 1, P: 0.9}
	pick := func(sec float64, product int) Fact {
		return Fact{At: at(sec), Kind: FactPicked, Product: product, N: 1, P: 1}
	}
	for name, c := range map[string]struct {
		facts []Fact
		items []Item
		want  float64
	}{
		"taken before":                     {[]Fact{pick(5, sauce), refund}, []Item{{Product: sauce, N: 0.8}}, 0.72},
		"and sold":                         {[]Fact{pick(5, sauce), refund}, []Item{{Product: sauce, N: 1, Paid: 1}}, 0},
		"and put back":                     {[]Fact{pick(5, sauce), refund}, []Item{{Product: sauce}}, 0},
		"taken only then":                  {[]Fact{refund, pick(15, sauce)}, []Item{{Product: sauce, N: 1}}, 0},
		"known by its tag":                 {[]Fact{refund}, []Item{{Product: sauce, EPC: sauceTag, N: 1}}, 0.9},
		"other goods":                      {[]Fact{pick(5, salt), refund}, []Item{{Product: salt, N: 1}}, 0},
		"taken, and no money was paid":     {[]Fact{pick(5, sauce)}, []Item{{Product: sauce, N: 1}}, 0},
		"taken before, and another sold":   {[]Fact{pick(4, sauce), pick(5, sauce), refund}, []Item{{Product: sauce, N: 2, Paid: 1}}, 0.9},
		"a refund of what is not known":    {[]Fact{pick(5, sauce), {At: at(10), Kind: FactRefunded, Product: -1, N: 1, P: 1}}, []Item{{Product: sauce, N: 1}}, 0},
		"half of it may be someone else's": {[]Fact{{At: at(5), Kind: FactPicked, Product: sauce, N: 1, P: 0.5}, refund}, []Item{{Product: sauce, N: 1}}, 0.45},
	} {
		w := NewWorld(cornerShop())
		v := &Visit{Basket: c.items}
		for _, f := range c.facts {
			v.Facts.Append(f)
		}
		if got := (View{World: w, Visit: v, Now: at(20)}).RefundedTaken(); !near(got, c.want, 1e-9) {
			t.Errorf("%s: %.3f; want %.3f", name, got, c.want)
		}
	}
}
