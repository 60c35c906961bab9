package fusion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// goods is a catalogue with products of the given masses and one plate that holds those at the given indexes.
func goods(on []int, grams ...float64) (*Scale, []Product) {
	var products []Product
	for _, g := range grams {
		products = append(products, Product{Grams: g})
	}
	return &Scale{Products: on}, products
}

func show(g []guess) string {
	var s []string
	for _, x := range g {
		s = append(s, fmt.Sprintf("%+d×%d p=%.2f", x.N, x.Product, x.P))
	}
	return strings.Join(s, ", ")
}

func TestInferOneProduct(t *testing.T) {
	sc, products := goods([]int{0}, 621.67)
	for _, n := range []int{1, 2, 3, 7, 12, 20, 30} {
		for _, sign := range []int{-1, 1} {
			g := infer(sc, products, float64(n*sign)*621.3, 0.5, nil, nil)
			if len(g) == 0 || g[0].Product != 0 || g[0].N != n*sign || g[0].P < 0.85 {
				t.Errorf("%d units: %s", n*sign, show(g))
			}
		}
	}
	if g := infer(sc, products, -621, 0.5, nil, nil); len(g) != 1 || g[0].P < 0.99 {
		t.Errorf("the step of the contract: %s; want one bottle, sure", show(g))
	}
	for _, grams := range []float64{-300, 40, -2100} {
		if g := infer(sc, products, grams, 0.5, nil, nil); len(g) != 1 || g[0].Product != -1 || g[0].P < 0.9 {
			t.Errorf("%v g: %s; want goods unknown", grams, show(g))
		}
	}
	if g := infer(sc, products, 0, 0.5, nil, nil); g != nil {
		t.Errorf("no step: %s", show(g))
	}
}

func TestInferMixedPlate(t *testing.T) {
	sc, products := goods([]int{0, 1, 2, 3}, 100, 230, 415, 680, 333)
	f := func(grams, p float64, want ...guess) {
		t.Helper()
		g := infer(sc, products, grams, 0.8, nil, nil)
		for _, w := range want {
			i := slices.IndexFunc(g, func(g guess) bool { return g.Product == w.Product && g.N == w.N })
			if i < 0 || i >= len(want) || g[i].P < p {
				t.Errorf("%v g: %s; want %+d×%d with p ≥ %v", grams, show(g), w.N, w.Product, p)
			}
		}
	}
	f(-101, 0.99, guess{Product: 0, N: -1})
	f(-229, 0.99, guess{Product: 1, N: -1})
	f(416, 0.99, guess{Product: 2, N: 1})
	f(-201, 0.95, guess{Product: 0, N: -2})
	f(-331, 0.95, guess{Product: 0, N: -1}, guess{Product: 1, N: -1})
	f(-744, 0.6, guess{Product: 0, N: -1}, guess{Product: 1, N: -1}, guess{Product: 2, N: -1})
	f(-265, 0.5, guess{Product: 3, N: -1}, guess{Product: 2, N: 1}) // a swap
	f(-160, 0.9, guess{Product: -1, N: -1})
	f(-7*415, 0.6, guess{Product: 2, N: -7}) // a shelf that is swept
}

// TestInferTies: products that weigh the same share the probability, and the margin says that it is a guess.
func TestInferTies(t *testing.T) {
	sc, products := goods([]int{0, 1}, 250, 250.5)
	g := infer(sc, products, -250.2, 0.5, nil, nil)
	if len(g) != 2 || math.Abs(g[0].P-0.5) > 0.05 || math.Abs(g[1].P-0.5) > 0.05 {
		t.Errorf("%s; want one half each", show(g))
	}
}

// TestInferHeld: what is put back is first what somebody near holds, and may be none of the plate's goods.
func TestInferHeld(t *testing.T) {
	sc, products := goods([]int{0, 1}, 250, 251, 402)
	held := []inHand{{Item: Item{Product: 1, N: 0.9}}, {Item: Item{Product: 2, N: 1}}}
	if g := infer(sc, products, 250.4, 0.5, held, nil); g[0].Product != 1 || g[0].P < 0.75 {
		t.Errorf("250 g put back by one who holds product 1: %s", show(g))
	}
	if g := infer(sc, products, 401, 0.5, held, nil); g[0].Product != 2 || g[0].N != 1 || g[0].P < 0.95 {
		t.Errorf("a misplaced product 2: %s", show(g))
	}
	if g := infer(sc, products, 60, 0.5, held, nil); len(g) != 1 || g[0].Product != -1 || g[0].N != 1 {
		t.Errorf("an empty box: %s; want goods unknown", show(g))
	}
	held[0].grams = 256 // that very unit is a heavy one
	if g := infer(sc, products, 256.3, 0.5, held, nil); g[0].Product != 1 || g[0].P < 0.95 {
		t.Errorf("the heavy product 1 put back: %s", show(g))
	}
	if g := infer(sc, products, 246, 0.5, held, nil); g[0].P > 0.8 {
		t.Errorf("10 g less than the unit of product 1 that was taken: %s; want doubt", show(g))
	}
	if g := infer(sc, products, -401, 0.5, held, nil); g[0].Product == 2 {
		t.Errorf("a pick of what the plate has not: %s", show(g))
	}
	if g := infer(sc, products, 61, 0.5, []inHand{{Item: Item{Product: -1, N: 1}}}, nil); g[0].Product != -1 {
		t.Errorf("unknown goods put back: %s", show(g))
	}
}

// TestInferStrays: what was put on a plate of other goods lies there now: a pick of it is known, of as many as lie there.
func TestInferStrays(t *testing.T) {
	sc, products := goods([]int{0}, 621, 92, 623)
	if g := infer(sc, products, -92, 0.5, nil, nil); len(g) != 1 || g[0].Product != -1 {
		t.Errorf("nothing else lies there: %s; want goods unknown", show(g))
	}
	there := []stray{{product: 1, n: 0.9}}
	if g := infer(sc, products, -92, 0.5, nil, there); g[0].Product != 1 || g[0].N != -1 || g[0].P < 0.95 {
		t.Errorf("one lies there and is taken: %s", show(g))
	}
	if g := infer(sc, products, -184, 0.5, nil, there); g[0].Product == 1 {
		t.Errorf("two are taken where one lies: %s", show(g))
	}
	// Of goods that weigh nearly the same the planogram's twenty are likelier than the one beside them.
	if g := infer(sc, products, -622, 0.5, nil, []stray{{product: 2, n: 1}}); g[0].Product != 0 || g[0].P > 0.98 || g[0].P < 0.8 {
		t.Errorf("622 g, one of 623 g among twenty of 621: %s", show(g))
	}
}

// TestInferIsAProbability over random plates: no product has more than 1, the truth is nearly always among the guesses.
func TestInferIsAProbability(t *testing.T) {
	hit, all := 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 3))
		var grams []float64
		var on []int
		for i := range 1 + r.IntN(6) {
			grams = append(grams, 30+900*r.Float64())
			on = append(on, i)
		}
		sc, products := goods(on, grams...)
		k, n := r.IntN(len(on)), 1+r.IntN(2)
		truth := -float64(n) * grams[k]
		for range n {
			truth += r.NormFloat64() * max(2, grams[k]/100)
		}
		sums := map[int]float64{}
		for _, g := range infer(sc, products, truth, 0.7, nil, nil) {
			sums[g.Product] += g.P
			if g.Product == k && g.N == -n && g.P > 0.2 {
				hit++
			}
			if g.P <= 0 {
				t.Errorf("seed %d: %+v", seed, g)
			}
		}
		for p, sum := range sums {
			if sum > 1+1e-6 {
				t.Errorf("seed %d: product %d has probability %v", seed, p, sum)
			}
		}
		all++
	}
	if hit < all*95/100 {
		t.Errorf("the truth was guessed in %d of %d steps; want 95 %%", hit, all)
	}
}

// TestInferWithoutWeights: a catalogue that says no weights can name no goods.
func TestInferWithoutWeights(t *testing.T) {
	sc, products := goods([]int{0, 1}, 0, 0)
	if g := infer(sc, products, -80, 0.5, []inHand{{Item: Item{Product: 0, N: 1}}}, nil); len(g) != 1 || g[0].Product != -1 {
		t.Errorf("%s; want goods unknown", show(g))
	}
}

func BenchmarkInferSingle(b *testing.B) {
	sc, products := goods([]int{0}, 621.67)
	b.ReportAllocs()
	for b.Loop() {
		infer(sc, products, -621, 0.5, nil, nil)
	}
}

func BenchmarkInferMixed(b *testing.B) {
	for _, n := range []int{4, 8, 16} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var on []int
			var grams []float64
			for i := range n {
				on, grams = append(on, i), append(grams, 90+61.7*float64(i))
			}
			sc, products := goods(on, grams...)
			b.ReportAllocs()
			for b.Loop() {
				infer(sc, products, -621, 0.5, nil, nil)
			}
		})
	}
}
