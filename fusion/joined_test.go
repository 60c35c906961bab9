package fusion

import "testing"

// TestTellsWho: somebody was taken, with 0.8, for a visit that had a sauce. What he scans tells whether he is the one: what that visit
// took makes the rest of its goods surer his, what only others took makes it less his, and what nobody was seen to take tells nothing.
func TestTellsWho(t *testing.T) {
	const soap = sauce + 1
	for name, c := range map[string]struct {
		scans    []int
		soapBy   byte // who took the soap: A, the visit that he was taken for, before that, or since (S); B, another; 0: nobody
		want     float64
		notTaken bool // he was not taken for anybody
	}{
		"nothing":                   {nil, 0, 0.8, false},
		"what the visit took":       {[]int{soap}, 'A', 0.975, false},
		"what another took":         {[]int{soap}, 'B', 0.5, false},
		"what nobody took":          {[]int{soap}, 0, 0.8, false},
		"what he took since":        {[]int{soap}, 'S', 0.8, false},
		"twice what another took":   {[]int{soap, soap}, 'B', 0.5, false},
		"as the same person as was": {[]int{soap}, 'B', 1, true},
	} {
		w := NewWorld(cornerShop())
		w.now = monday
		a, b := w.open(0, "A", monday), w.open(0, "B", monday)
		take := func(v *Visit, product int, after int64) {
			w.now = monday + after
			w.picked(Fact{At: w.now, Kind: FactPicked, Zone: aisleZone, Product: product, N: 1, P: 1}, []claim{{v, 1}}, 1)
		}
		take(a, sauce, 10*second)
		switch c.soapBy {
		case 'A':
			take(a, soap, 20*second)
		case 'B':
			take(b, soap, 20*second)
		}
		w.now = monday + 60*second
		if !c.notTaken {
			w.doubtGoods(a, 0.8)
			a.doubted(w.now, 0.8)
		}
		if c.soapBy == 'S' {
			take(a, soap, 70*second)
		}
		for i, product := range c.scans {
			w.now = monday + int64(90+i)*second
			f := Fact{At: w.now, Kind: FactScanned, Product: product, N: 1, P: 1}
			w.tellsWho(a, product)
			w.scanned(a, f, "")
			w.add(a, f, 1)
		}
		if n := a.units(sauce); !near(n, c.want, 0.02) {
			t.Errorf("%s: %.3f of the sauce is his, want %.3f", name, n, c.want)
		}
	}
}
