package fusion

import "testing"

// TestTellsWho: somebody was taken, with 0.8, for a visit that had taken a sauce. What he scans tells whether he is the one: what that visit, or who
// came with it, took makes the sauce surer his, what only others took makes it less his, and what nobody was seen to take tells nothing.
func TestTellsWho(t *testing.T) {
	const soap = sauce + 1
	for name, c := range map[string]struct {
		scans    int  // of soap
		soapBy   byte // who took the soap: A, the visit that he was taken for, before that, or he since (S); B, another; M, who came with him; 0: nobody
		q, share float64
		want     float64
	}{
		"nothing":                         {0, 0, 0.8, 1, 0.8},
		"what the visit took":             {1, 'A', 0.8, 1, 0.975},
		"what another took":               {1, 'B', 0.8, 1, 0.5},
		"what nobody took":                {1, 0, 0.8, 1, 0.8},
		"what he took since":              {1, 'S', 0.8, 1, 0.8},
		"what who came with him took":     {1, 'M', 0.8, 1, 0.971},
		"twice what another took":         {2, 'B', 0.8, 1, 0.5},
		"what another took, if he scans":  {1, 'B', 0.8, 0.5, 0.759},
		"what another took, as who he is": {1, 'B', 1, 1, 1},
		"what another took, once more":    {1, 'B', 1e-12, 1, 0},
		"what another took, as another":   {1, 'B', 0, 1, 0},
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
		case 'B', 'M':
			take(b, soap, 20*second)
		}
		if c.soapBy == 'M' {
			a.mates, b.mates = []mate{{b.number, 40, 40}}, []mate{{a.number, 40, 40}}
		}
		w.now = monday + 60*second
		w.doubtGoods(a, w.now, c.q)
		if c.soapBy == 'S' {
			take(a, soap, 70*second)
		}
		for i := range c.scans {
			w.now = monday + int64(90+i)*second
			f := Fact{At: w.now, Kind: FactScanned, Product: soap, N: 1, P: 1}
			w.tellsWho(a, soap, c.share)
			w.scanned(a, f, "")
			w.add(a, f, 1)
		}
		if n := a.units(sauce); !near(n, c.want, 0.006) {
			t.Errorf("%s: %.3f of the sauce is his, want %.3f", name, n, c.want)
		}
		if q := float64(a.joinQ); !(q >= 0 && q <= 1) {
			t.Errorf("%s: he is the one with %g", name, q)
		}
		for _, l := range w.lots {
			all := l.back + l.unseen()
			for _, p := range l.parts {
				all += p.n
			}
			if !near(all, l.units, 1e-9) {
				t.Errorf("%s: %.3f of %.3f units", name, all, l.units)
			}
		}
	}
}

// TestTellsWhoByLines: lines of a till tell, and what was scanned for it is not put in doubt again.
func TestTellsWhoByLines(t *testing.T) {
	const soap = sauce + 1
	s := newStory(t)
	s.walk("cam-1", "A", 0, 30, Point{2, 2}, Point{6, 1}, Point{6, 1}, Point{6, 1}, Point{6, 1})
	s.tell(20)
	w, a, b := s.w, s.of("cam-1/A"), s.w.open(0, "B", at(20))
	for v, product := range map[*Visit]int{a: sauce, b: soap} {
		w.picked(Fact{At: at(10), Kind: FactPicked, Zone: aisleZone, Product: product, N: 1, P: 1}, []claim{{v, 1}}, product)
	}
	w.doubtGoods(a, at(15), 0.8)
	w.foldTill(&Event{TS: at(20), Source: w.Store.SourceIndex("sco-1"), ID: "s1", Action: Scan, SKU: w.Store.Products[soap].SKU, Qty: 1, Zone: -1})
	if n := a.units(sauce); n < 0.5 || n > 0.65 { // the scan is his with 0.8
		t.Errorf("%.3f of the sauce is his once a scan has told, want 0.5 to 0.65", n)
	}
	had := a.units(soap)
	w.rescale(a, 0.5)
	if n := a.units(soap); !near(n, had, 1e-9) {
		t.Errorf("%.3f of the soap, which is paid, where there was %.3f", n, had)
	}
}
