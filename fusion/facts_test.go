package fusion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// anyFact is a fact of which every member may be anything, and mostly is what it usually is.
func anyFact(r *rand.Rand, now int64) Fact {
	number := func(usual, most int) int {
		if r.IntN(4) > 0 {
			return usual
		}
		return r.IntN(most) - 1
	}
	share := func() float64 {
		switch r.IntN(8) {
		case 0:
			return round9(r.Float64())
		case 1:
			return r.Float64()
		case 2:
			return []float64{0, math.Copysign(0, -1), -1, -0.3, 1e300, math.Inf(1), 12345.6, 5e-324, 0.1 + 0.2}[r.IntN(9)]
		}
		return 1
	}
	f := Fact{TS: now, At: now, Kind: FactKind(r.IntN(len(FactKinds))), Source: number(-1, 1<<20), Zone: number(2, 1<<10), Product: number(-1, 1<<30), N: share(), P: share()}
	if r.IntN(3) == 0 {
		f.At -= r.Int64N(3*3600*1000) * milli
		f.At -= int64(r.IntN(3) / 2)
	}
	if r.IntN(3) == 0 {
		f.Name = fmt.Sprintf("AABB%020d", r.IntN(1+r.IntN(200)))
	}
	if r.IntN(10) == 0 {
		f.Grams = float32(1000 * r.NormFloat64())
	}
	return f
}

// TestFacts holds a list of facts to a slice, forwards and backwards, to the bit, while the oldest go; copies that were taken on the
// way stay what they were while both they and the list go on.
func TestFacts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	check := func(what string, got Facts, want []Fact) {
		t.Helper()
		var back []Fact
		for f := range got.Backward() {
			back = append(back, f)
		}
		slices.Reverse(back)
		same := func(a, b Fact) bool {
			if math.Float64bits(a.N) != math.Float64bits(b.N) || math.Float64bits(a.P) != math.Float64bits(b.P) {
				return false
			}
			a.N, a.P, b.N, b.P = 0, 0, 0, 0
			return a == b
		}
		if list := got.List(); got.Len() != len(want) || !slices.EqualFunc(list, want, same) || !slices.EqualFunc(back, want, same) {
			t.Fatalf("%s: got\n%v\nand backwards\n%v\nwant\n%v", what, list, back, want)
		}
		if len(want) > 0 && got.Oldest().TS != want[0].TS {
			t.Fatalf("%s: the oldest is %v", what, got.Oldest())
		}
	}
	for _, most := range []int{1, 2, 30, maxFacts} {
		var list, copied Facts
		var want, then []Fact
		now := monday
		for i := range 2000 {
			now += r.Int64N(1+r.Int64N(60*second)) * int64(r.IntN(2)) / milli * milli
			now += int64(r.IntN(20) / 19)
			f := anyFact(r, now)
			if full := list.push(f, most); full != (i >= most) {
				t.Fatalf("%d of %d: full %v", i, most, full)
			}
			if want = append(want, f); len(want) > most {
				want = want[1:]
			}
			switch r.IntN(20) {
			case 0:
				copied, then = list.Clip(), slices.Clone(want)
			case 1, 2:
				f.At--
				copied.Append(f)
				then = append(then, f)
			}
			check("the list", list, want)
			check("the copy", copied, then)
			if cap(list.log) > mostBytes*most+64 || cap(list.names) > 2*most+16 {
				t.Fatalf("%d bytes and %d names of %d facts", cap(list.log), cap(list.names), most)
			}
		}
	}
	one := FactsOf(Fact{TS: monday}, Fact{TS: monday - second}) // in any order
	check("against time", one, []Fact{{TS: monday}, {TS: monday - second}})
}
