package fusion

import "testing"

// TestLostScan: two sauces are taken and one scan arrives. What is tendered says whether the other's was lost on its way.
func TestLostScan(t *testing.T) {
	for name, c := range map[string]struct {
		price     int64 // of the line, hundredths
		sums      []int64
		low, high float64 // unpaid
	}{
		"for both":                         {199, []int64{398}, 0, 0.1},
		"for both, half of it by a coupon": {199, []int64{199, 199}, 0, 0.1},
		"for the one":                      {199, []int64{199}, 0.8, 1},
		"a note of five":                   {199, []int64{500}, 0.8, 1},
		"the line says no price":           {0, []int64{398}, 0.8, 1},
	} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 8, atShelf)
		s.walk("cam-1", "A", 8.2, 12, atShelf, atTill)
		s.walk("cam-1", "A", 12.2, 30, atTill)
		s.weigh(30, 4, -621, 6, -621)
		s.event("sco-1", 16, Event{ID: "1", Action: Scan, SKU: GTIN14(sauceSKU), Qty: 1, Price: c.price, Zone: -1})
		for i, sum := range c.sums {
			s.event("sco-1", 20+float64(i), Event{ID: "1", Action: Tender, Qty: 1, Price: sum, Zone: -1})
		}
		s.tell(30)
		if n := s.view(s.of("cam-1/A")).Unpaid(nil); n < c.low || n > c.high {
			t.Errorf("%s: %.2f unpaid, want %.1f to %.1f", name, n, c.low, c.high)
		}
	}
}

// TestCosts: what of a basket costs just so much.
func TestCosts(t *testing.T) {
	w := NewWorld(cornerShop())
	v := w.open(0, "A", monday)
	v.Basket = []Item{{Product: sauce, N: 0.9}, {Product: salt, N: 2}, {Product: jacket, N: 0.6}, {Product: -1, N: 1}}
	for _, c := range []struct {
		sum  int64
		want []units
	}{
		{199, []units{{sauce, 1}}},
		{180, []units{{salt, 2}}},
		{199 + 90, []units{{sauce, 1}, {salt, 1}}},
		{9900 + 90, []units{{salt, 1}, {jacket, 1}}},
		{90 * 4, nil}, // more than are lost at once
		{123, nil},
	} {
		got := w.costs(v, c.sum)
		if len(got) != len(c.want) {
			t.Errorf("%d: %v, want %v", c.sum, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%d: %v, want %v", c.sum, got, c.want)
			}
		}
	}
}
