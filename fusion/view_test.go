package fusion

import (
	"math"
	"testing"
)

// TestRestOfRounding: what rounding leaves of goods that were put back is nobody's goods, and says nothing of who has them.
func TestRestOfRounding(t *testing.T) {
	n := 0.1 + 0.0
	n += 0.2
	n -= 0.2
	n -= 0.1
	if n == 0 {
		t.Fatal("nothing is left: this shows nothing")
	}
	for _, owner := range []float64{0, 0.9} {
		v := View{World: NewWorld(&Store{Products: []Product{{}}}), Visit: &Visit{Basket: []Item{{Product: 0, N: n, Owner: owner}}}}
		if p, o := v.Person(), v.OwnerConf(); p != 1 || o != 1 {
			t.Errorf("owner %v: person %v, owner_conf %v; want 1, as without goods", owner, p, o)
		}
	}
}

// TestRang: a gate rings for each of those at it with his share, and of nobody's goods that share is how sure it is that the alarm was his, whatever tags moved there.
func TestRang(t *testing.T) {
	store := &Store{Zones: []Zone{{ID: "a", Kind: Exit}, {ID: "b", Kind: Aisle}}}
	v := &Visit{stays: make([]stay, 2), tags: []carriedTag{{epc: "E1", zone: 0, moved: 0.3, share: 0.02}}}
	view := View{World: NewWorld(store), Visit: v}
	if r := view.Rang(Place{true, true}); r != 0 || view.Person() != 0.02 {
		t.Errorf("before it rings: %v, person %v", r, view.Person())
	}
	v.Facts = FactsOf(Fact{Kind: FactGate, Zone: 0, N: 0.4, P: 1})
	if a, b := view.Rang(Place{true, false}), view.Rang(Place{false, true}); a != 0.4 || b != 0 || view.Person() != 0.4 {
		t.Errorf("it rings: %v at the door, %v in the aisle, person %v; want 0.4, 0, 0.4", a, b, view.Person())
	}
}

// TestOneTagAtTwoDoors: one tag that the readers of two doors heard moving is one.
func TestOneTagAtTwoDoors(t *testing.T) {
	store := &Store{Zones: []Zone{{ID: "a", Kind: Exit}, {ID: "b", Kind: Exit}, {ID: "c", Kind: Exit}}, Products: []Product{{}}}
	v := &Visit{stays: make([]stay, 3), tags: []carriedTag{
		{epc: "E1", zone: 0, moved: 0.9, share: 1}, {epc: "E2", zone: 1, moved: 0.8, share: 1}, {epc: "E1", zone: 1, moved: 0.95, share: 1},
		{epc: "E1", zone: 2, moved: 0.6, share: 1}, {epc: "E3", zone: 2, moved: 0.4, share: 1}}}
	view := View{World: NewWorld(store), Visit: v}
	if n := view.MovedCount(Place{true, true, true}); math.Abs(n-1.75) > 1e-9 {
		t.Errorf("%v tags; want 1.75: E1 is 0.95 and E2 0.8", n)
	}
}

// TestWorth: a thing that is not known counts as the catalogue's median price, of products that have one.
func TestWorth(t *testing.T) {
	for _, c := range []struct {
		name   string
		prices []int64
		want   float64
	}{
		{"no prices", []int64{0, 0}, 0},
		{"the median", []int64{200, 10000, 0, 300}, 3 + 0.5*2},
	} {
		s := &Store{}
		for i, p := range c.prices {
			s.Products = append(s.Products, Product{SKU: string(rune('a' + i)), Price: p})
		}
		s.Index()
		v := View{World: NewWorld(s), Visit: &Visit{Basket: []Item{{Product: -1, N: 1}, {Product: 0, N: 0.5}}}}
		if u, c2 := v.UnpaidValue(), v.CarriedValue(); u != c.want || c2 != c.want {
			t.Errorf("%s: unpaid %v, carried %v; want %v", c.name, u, c2, c.want)
		}
	}
}
