package rules

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"magpie/fusion"
)

// policiesOf is n policies, three for each product: a sweep, unpaid goods, a refund of what was picked.
func policiesOf(n int) (*fusion.Store, []string) {
	store := shop()
	store.Products = nil
	for i := range max(8, (n+2)/3) {
		store.Products = append(store.Products, fusion.Product{SKU: fmt.Sprintf("%014d", i+1), Written: strconv.Itoa(i + 1), Price: 199})
	}
	store.Index()
	var files []string
	for i := range n {
		id, sku := "p"+strconv.Itoa(i), store.Products[i/3].SKU
		evidence := []string{
			fmt.Sprintf(`  - {name: a, if: 'sum(picked("%s"), "30s") > 60 and count(picked("%s"), "10m") > 50', weight: strong}`, sku, sku),
			fmt.Sprintf(`  - {name: a, if: 'unpaid("%s") > 70 ? 1.0 : 0.0', weight: strong}`, sku),
			fmt.Sprintf(`  - {name: a, if: 'sequence(picked("%s"), refunded("%s"), "60m")', weight: weak}`, sku, sku),
		}[i%3]
		files = append(files, id+".yaml", "policy: "+id+"\ntitle: t\nprior: 0.002\nevidence:\n"+evidence+
			fmt.Sprintf("\n  - {name: b, if: 'min(scanned(\"%s\"), 1)', clears: weak}\n", sku)+
			"  - {name: c, if: 'staff()', clears: very strong}\nalert: {tiers: {review: 0.3}}\n")
	}
	return store, files
}

// visits is a hundred visits of 64 facts about 8 products each, for each of which there are three policies (of three products while
// there are but ten policies), and the 64 facts that each is told next.
type visits struct {
	set  *Set
	mem  []Memory
	view []fusion.View
	next []fusion.Fact
}

// before is how many facts a visit is told before the clock runs; it is told as many while it does.
const before = 64

func newVisits(b testing.TB, policies int) *visits {
	store, files := policiesOf(policies)
	x := &visits{set: load(b, Options{Store: store}, files...), mem: make([]Memory, 100)}
	w := fusion.NewWorld(store)
	for i := range 100 {
		v := &fusion.Visit{ID: strconv.Itoa(i), First: monday}
		for k := range before {
			f := picked(1)
			if k%8 == 7 {
				f.Kind = fusion.FactScanned
			}
			f.Product = (i*8 + k%8) % (policies / 3)
			f.Source, f.At = -1, monday+int64(k)*second
			f.TS = f.At
			v.Facts.Append(f)
			if k < 8 {
				v.Basket = append(v.Basket, fusion.Item{Product: f.Product, N: 1})
			}
		}
		x.view = append(x.view, fusion.View{World: w, Visit: v})
	}
	lists := make([][]fusion.Fact, len(x.view))
	for i := range lists {
		lists[i] = x.view[i].Visit.Facts.List()
	}
	for i := range 100 * before {
		x.next = append(x.next, lists[i%100][i/100])
	}
	x.warm()
	return x
}

// warm tells every visit, as if it were new, its facts.
func (x *visits) warm() {
	clear(x.mem)
	for i := range x.mem {
		v := *x.view[i].Visit
		facts := v.Facts.List()
		for k := range facts {
			then := v
			then.Facts = fusion.FactsOf(facts[:k+1]...)
			x.set.Judge(&x.mem[i], fusion.View{World: x.view[i].World, Visit: &then, Now: facts[k].At}, facts[k:k+1])
		}
	}
}

// tell gives the i-th of the facts that come next.
func (x *visits) tell(i int, one []fusion.Fact) {
	v := x.view[i%100]
	one[0] = x.next[i]
	v.Now = monday + before*second + int64(i)*second/100
	one[0].At, one[0].TS = v.Now, v.Now
	x.set.Judge(&x.mem[i%100], v, one)
}

// heap is what is in use, in bytes.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkPolicies is one fact of one of a hundred visits, by how many policies are loaded: cost follows change, and not their
// number. bytes/policy is what a loaded policy takes, bytes/visit what judging keeps of a visit after 64 facts.
func BenchmarkPolicies(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			store, files := policiesOf(n)
			none := heap()
			set := load(b, Options{Store: store}, files...)
			policies := heap() - none
			runtime.KeepAlive(set)
			x := newVisits(b, n)
			clear(x.mem)
			none = heap()
			x.warm()
			visits := heap() - none
			one := make([]fusion.Fact, 1)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i == len(x.next) { // the visits have twice as many facts now: others take their place
					b.StopTimer()
					x.warm()
					i = 0
					b.StartTimer()
				}
				x.tell(i, one)
				i++
			}
			b.ReportMetric(policies/float64(n), "bytes/policy")
			b.ReportMetric(visits/float64(len(x.mem)), "bytes/visit")
		})
	}
}

// TestNoAllocation holds that judging allocates nothing while no tier is reached, but for what longer histories need: less than
// once in a visit's every eight facts.
func TestNoAllocation(t *testing.T) {
	if underRace {
		t.Skip("under the race detector pools forget at random what they keep")
	}
	for _, n := range []int{10, 1000} {
		x := newVisits(t, n)
		one, i := make([]fusion.Fact, 1), 0
		if got := testing.AllocsPerRun(len(x.next)/8-1, func() {
			for range 8 {
				x.tell(i, one)
				i++
			}
		}); got > 1 {
			t.Errorf("%d policies: %v allocations for eight facts", n, got)
		}
	}
}

// BenchmarkEveryPolicyByExpr is what BenchmarkPolicies does by expr's machine over every policy, the operands being there already.
func BenchmarkEveryPolicyByExpr(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			env := map[string]any{"sum": 3.0, "count": 2.0, "unpaid": 1.0, "scanned": 0.0, "staff": 0.01}
			var programs []*vm.Program
			for _, text := range []string{"sum > 60 && count > 50 ? 1.0 : 0.0", "unpaid > 70 ? 1.0 : 0.0", "scanned < 1 ? scanned : 1.0", "staff"} {
				p, err := expr.Compile(text, expr.Env(env))
				if err != nil {
					b.Fatal(err)
				}
				programs = append(programs, p)
			}
			var machine vm.VM
			b.ReportAllocs()
			for b.Loop() {
				for i := range n {
					for _, p := range []*vm.Program{programs[i%2], programs[2], programs[3]} {
						if _, err := machine.Run(p, env); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
	}
}
