package fusion

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestNothingIsLostOrDoubled: whatever is picked, put back, scanned, voided, carried through a gate and handed over, the
// units of a step are never with more people than they are, and a basket holds what its lots say.
func TestNothingIsLostOrDoubled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWorld(cornerShop())
		w.now = monday
		var all []*Visit
		for i := range rapid.IntRange(1, 12).Draw(t, "people") {
			all = append(all, w.open(0, fmt.Sprint(i), monday))
		}
		for i := 1; i < len(all); i += 2 { // two by two they came together
			all[i-1].mates = []mate{{visit: all[i].number, seen: 10, beside: 9}}
		}
		picked := map[int]float64{}
		who := func() *Visit { return rapid.SampledFrom(all).Draw(t, "who") }
		some := func() []claim {
			var c []claim
			left := 0.95
			for range rapid.IntRange(1, 3).Draw(t, "claims") {
				v := who()
				share := rapid.Float64Range(minShare, 0.9).Draw(t, "share")
				if share > left || v.Ended != 0 {
					continue
				}
				for _, o := range c {
					if o.visit == v {
						share = 0
					}
				}
				if share > 0 {
					c, left = append(c, claim{v, share}), left-share
				}
			}
			return c
		}
		for n := range rapid.IntRange(1, 60).Draw(t, "events") {
			w.now += second
			v := who()
			f := Fact{At: w.now, Zone: aisleZone, Source: -1, Product: rapid.IntRange(0, 2).Draw(t, "product"), N: float64(rapid.IntRange(1, 3).Draw(t, "units")), P: 1}
			epc := rapid.SampledFrom([]string{"", sauceTag, otherTag}).Draw(t, "epc")
			switch act := rapid.IntRange(0, 8).Draw(t, "act"); {
			case act <= 1:
				near := some()
				f.Kind, f.P = FactPicked, rapid.SampledFrom([]float64{1, 0.6}).Draw(t, "p")
				f.N *= f.P
				w.picked(f, near, n)
				if f.P < 1 { // or the other product of the plate
					f.Product, f.P, f.N = (f.Product+1)%3, 1-f.P, f.N/f.P*(1-f.P)
					w.picked(f, near, n)
				}
				for _, l := range w.lots {
					if l.step == n {
						picked[n] += l.units
					}
				}
			case v.Ended != 0:
			case act == 2:
				f.Kind = FactPutBack
				w.putBack(f, some())
			case act <= 4:
				w.scanned(v, f, epc)
			case act == 5:
				w.voided(v, f, epc)
			case act == 6:
				f.Name, f.P = sauceTag, rapid.Float64Range(0, 1).Draw(t, "moved")
				w.bind(v, f, rapid.Float64Range(0, 1).Draw(t, "share"))
			case act == 7:
				if o := who(); o != v && o.Ended == 0 {
					w.pass(v, o, rapid.SampledFrom([]float64{passHands, passSeen}).Draw(t, "passed"))
					w.passNear(v, o, passNear)
				}
			default:
				w.end(v)
			}
			conserved(t, w, picked)
		}
	})
}

// TestLotsBeyondTheBound: what a visit knows of no more is counted as dropped.
func TestLotsBeyondTheBound(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	a, b := w.open(0, "A", monday), w.open(0, "B", monday)
	take := func(v *Visit, n int) (dropped int) {
		before := w.evicted
		for range n {
			w.give(w.newLot(Fact{At: w.now, Product: sauce, N: 1, P: 1}, 1), v, "", 1)
		}
		return w.evicted - before
	}
	if n := take(a, maxLots-2); n != 0 {
		t.Errorf("%d dropped of %d", n, maxLots-2)
	}
	if n := take(b, maxLots+3); n != 3 || len(b.lots) != maxLots {
		t.Errorf("%d dropped of %d, %d known", n, maxLots+3, len(b.lots))
	}
	before := w.evicted
	if w.mergeBasket(a, b); w.evicted-before != maxLots-2 || len(a.lots) != maxLots {
		t.Errorf("%d dropped of the lots of two, %d known", w.evicted-before, len(a.lots))
	}
}

func conserved(t *rapid.T, w *World, picked map[int]float64) {
	t.Helper()
	const eps = 1e-6
	steps := map[int]float64{}
	for _, l := range w.lots {
		with := l.back
		for _, p := range l.parts {
			if p.n < 0 {
				t.Fatalf("lot %+v: a part below nothing", *l)
			}
			with += p.n
		}
		if with > l.units+eps {
			t.Fatalf("lot %+v: %.6f units are somewhere, of %.6f picked", *l, with, l.units)
		}
		steps[l.step] += l.units
	}
	for step, n := range steps {
		if n > picked[step]+eps {
			t.Fatalf("step %d: %.6f units of %.6f picked", step, n, picked[step])
		}
	}
	for _, v := range w.visits {
		held := map[[2]string]float64{}
		for _, l := range w.lots {
			for _, p := range l.parts {
				if p.visit == v.number {
					held[[2]string{fmt.Sprint(l.product), p.epc}] += p.n
				}
			}
		}
		for i := range v.Basket {
			it := &v.Basket[i]
			n := held[[2]string{fmt.Sprint(it.Product), it.EPC}]
			if it.EPC == "" && !near(it.N, n, eps) || it.EPC != "" && !near(it.known, n, eps) || it.N < n-eps {
				t.Fatalf("visit %d holds %+v, its lots say %.6f", v.number, *it, n)
			}
			if it.Owner < 0 || it.Owner > 1+eps || it.PUnpaid() < 0 || it.PUnpaid() > 1 {
				t.Fatalf("visit %d: %+v", v.number, *it)
			}
		}
	}
}

// TestMakeRoom: whoever shows goods has them of a lot of which many may have some: the least of it, which is next to nothing, makes room.
func TestMakeRoom(t *testing.T) {
	for _, c := range []struct{ least, want float64 }{{0.01, 0.8}, {0.1, 0}} {
		w := NewWorld(cornerShop())
		w.now = monday
		l := w.newLot(Fact{At: w.now, Product: sauce, N: 1, P: 1}, 1)
		var all []*Visit
		for i := range maxParts + 1 {
			v := w.open(0, fmt.Sprint(i), monday)
			if all = append(all, v); i < maxParts-1 {
				w.give(l, v, "", c.least)
			}
		}
		w.give(l, all[maxParts-1], "", 0.2)
		if v := all[maxParts]; !near(v.units(sauce), 0, tiny) {
			t.Fatalf("the last has %g", v.units(sauce))
		}
		w.turnsUp(all[maxParts], sauce, "", 0.8)
		if n := all[maxParts].units(sauce); !near(n, c.want, 0.01) || all[0].units(sauce) > c.least {
			t.Errorf("seven may have %g each: the last has %.3f, the first %.3f; want %.1f", c.least, n, all[0].units(sauce), c.want)
		}
	}
}

// TestLostBeforeFollowed: of two who may have a piece of one lot, the one whom cameras lost gives it up before the one whom they follow.
func TestLostBeforeFollowed(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	l := w.newLot(Fact{At: w.now, Product: sauce, N: 1, P: 1}, 1)
	gone, here, shows := w.open(0, "1", monday), w.open(0, "2", monday), w.open(0, "3", monday)
	w.give(l, gone, "", 0.5)
	w.give(l, here, "", 0.5)
	w.now += lostAfter + second
	here.PosAt, shows.PosAt = w.now, w.now
	w.turnsUp(shows, sauce, "", 0.3)
	if a, b := 0.5-gone.units(sauce), 0.5-here.units(sauce); !near(a*followed, b, 1e-6) || !near(a+b, 0.3, 1e-6) {
		t.Errorf("the one whom cameras lost gave up %.3f, the other %.3f", a, b)
	}
	w.turnsUp(shows, sauce, "", 0.7)
	if n := shows.units(sauce); !near(n, 1, 0.1) {
		t.Errorf("who has shown all of it has %.3f", n)
	}
}

// TestFullLotStands: who stands by in a crowd, and gets nothing, makes nobody give up his place: else each frame changed the lot anew.
func TestFullLotStands(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = at(100)
	open := func(name string) *Visit { return w.open(0, name, at(0)) }
	v := open("A")
	l := w.newLot(Fact{At: at(0), Product: sauce, N: 1, P: 1}, 1)
	w.give(l, v, "", 1)
	w.reckon(v)
	var crowd []*Visit
	for i := range maxParts + 2 {
		crowd = append(crowd, open(string(rune('B'+i))))
	}
	for _, o := range crowd {
		w.passNear(v, o, passNear)
	}
	full := w.lots[0]
	if len(full.parts) != maxParts {
		t.Fatalf("%d parts; want %d", len(full.parts), maxParts)
	}
	for _, o := range crowd {
		w.passNear(v, o, passNear)
	}
	if w.lots[0] != full {
		t.Error("the lot changed as nothing changed hands")
	}
	if len(v.lots) != 1 || v.Basket[0].N < 0.9 {
		t.Errorf("A has %v", v.Basket)
	}
}
