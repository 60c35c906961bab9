package rules

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"magpie/fusion"
)

// TestEventFunctions holds what each function makes of a visit's facts.
func TestEventFunctions(t *testing.T) {
	store := shop()
	f := func(text string, want float64) {
		t.Helper()
		s, e, _ := compiled(text)
		if e == nil {
			t.Errorf("%s: %v", text, s.f.Errors)
			return
		}
		v := fusion.View{World: fusion.NewWorld(store), Now: monday + 100*second, Visit: &fusion.Visit{First: monday, Facts: fusion.FactsOf(
			fusion.Fact{At: monday + 10*second, Kind: fusion.FactPicked, Product: 0, Zone: 1, N: 2},
			fusion.Fact{At: monday + 20*second, Kind: fusion.FactPicked, Product: 1, Zone: 1, N: 0.5},
			fusion.Fact{At: monday + 30*second, Kind: fusion.FactEntered, Product: -1, Zone: 2, N: 1},
			fusion.Fact{At: monday + 40*second, Kind: fusion.FactScanned, Product: 0, Zone: 2, N: 1, Name: "s1"},
			fusion.Fact{At: monday + 50*second, Kind: fusion.FactPicked, Product: 0, Zone: 1, N: 3},
			fusion.Fact{At: monday + 60*second, Kind: fusion.FactEntered, Product: -1, Zone: 3, N: 1},
			fusion.Fact{At: monday + 70*second, Kind: fusion.FactRead, Product: 0, Zone: 3, N: 1, Name: "E1"},
			fusion.Fact{At: monday + 71*second, Kind: fusion.FactRead, Product: 1, Zone: 3, N: 1, Name: "E2"},
			fusion.Fact{At: monday + 80*second, Kind: fusion.FactRead, Product: 0, Zone: 3, N: 1, Name: "E1"},
			fusion.Fact{At: monday + 90*second, Kind: fusion.FactSignal, Product: -1, Zone: 3, N: 1, P: 1, Name: "line"},
			fusion.Fact{At: monday + 91*second, Kind: fusion.FactSignal, Product: -1, Zone: 3, N: 1, P: 0, Name: "line"},
		)}}
		values := make([]float64, len(s.table.ops))
		for i, o := range s.table.ops {
			values[i] = o.eval(&v, tapesFrom(o, v.Visit.Facts.List()))
		}
		if got := e.num(values); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	f(`picked("any")`, 5.5)
	f(`picked("071142008582")`, 5)
	f(`picked("17")`, 0.5)
	f(`scanned("any") + voided("any") + opened()`, 1)
	f(`read("exit")`, 3)
	f(`read("aisle")`, 0)
	f(`signal("line")`, 1)
	f(`signal("panic")`, 0)
	f(`count(picked("any"), "24h")`, 2.5)
	f(`count(picked("any"), "60s")`, 1)
	f(`sum(picked("any"), "60s")`, 3)
	f(`count(picked("any"), "50s")`, 0) // what is exactly a window old is out
	f(`rate(picked("any"), "60s") * 60`, 3)
	f(`distinct(read("exit"), "1h")`, 2)
	f(`distinct(picked("any"), "1h")`, 2)
	f(`distinct(read("exit"), "25s")`, 1)
	f(`first(picked("any"))`, 10)
	f(`last(picked("any"))`, 50)
	f(`first(refunded("any"))`, -1)
	f(`since(picked("any"))`, 50)
	f(`since(refunded("any")) > 86400 ? 1 : 0`, 1)
	f(`sum_after(scanned("any"), picked("any"))`, 0)
	f(`sum_after(picked("any"), scanned("any"))`, 3)
	f(`sum_after(picked("any"), refunded("any"))`, 0)
	f(`sequence(picked("any"), scanned("any"), "30s") ? 1 : 0`, 1)
	f(`sequence(picked("any"), scanned("any"), "19s") ? 1 : 0`, 0)
	f(`sequence(scanned("any"), picked("any"), read("exit"), "30s") ? 1 : 0`, 1)
	f(`sequence(scanned("any"), read("exit"), picked("any"), "30m") ? 1 : 0`, 0)
	f(`sequence(scanned("any"), scanned("any"), "30m") ? 1 : 0`, 0)
	f(`sequence(read("exit"), read("exit"), read("exit"), "10s") ? 1 : 0`, 1)
	f(`path("checkout > exit", "30s") ? 1 : 0`, 1)
	f(`path("checkout > exit", "29s") ? 1 : 0`, 0)
	f(`path("exit > checkout", "1h") ? 1 : 0`, 0)
	f(`path("id:till-1 > id:door", "1h") ? 1 : 0`, 1)
	f(`zscore(picked("any"), "20s", "self", "100s")`, -0.991836598) // 0 against 0, 3, 0, 2.5: mean 1.375, deviation 1.3863
	f(`hour()`, 10)
	f(`weekday()`, 1)
	f(`weekday() in [6, 7] ? 1 : 0`, 0)
	f(`between("10:00", "10:02") ? 1 : 0`, 1)
	f(`between("10:02", "12:00") ? 1 : 0`, 0)
	f(`between("21:00", "06:00") ? 1 : 0`, 0)
	f(`between("22:00", "10:02") ? 1 : 0`, 1)
	f(`open() ? 1 : 0`, 1)
	f(`1 / 0 + 2 / (hour() - 10)`, 0)
	f(`clamp(hour(), 0, 1) + min(3, 2, 4) + max(1, 2) + abs(-2)`, 7)
	f(`7 / 2`, 3.5)
	f(`1 < 2 < 3 ? 1 : 0`, 1)
	f(`3 not in [1, 2] ? 1 : 0`, 1)
}

// tapesFrom tells an operand's events of facts.
func tapesFrom(o *op, facts []fusion.Fact) []*tape {
	var all []*tape
	for _, e := range o.events {
		t := &tape{first: math.MaxInt64, reach: math.MinInt64}
		for i := range facts {
			if e.is(&facts[i]) {
				t.add(&facts[i], int64(i))
			}
		}
		all = append(all, t)
	}
	return all
}

// TestMacrosAndLists holds that macros are put in their places and lists choose by every member.
func TestMacrosAndLists(t *testing.T) {
	set := load(t, Options{}, "common.yaml", "lists:\n  dear: {min_price: 20}\n  cheap-sauce: {category: sauces, max_price: 1.99, tagged: true}\n  two: {skus: [\"71142008582\", \"17\"]}\n"+
		"macros:\n  many: 'picked(\"dear\") > few'\n  few: '1 + 1'\n",
		"p.yaml", scoring(`many ? 1 : picked("cheap-sauce") / 10 + picked("two") / 100`))
	s := newSubject(t, set, shop())
	s.fact(1, fusion.Fact{Kind: fusion.FactPicked, Product: 0, Zone: 1, N: 1})
	if got := s.result().Score; got != 0.11 {
		t.Errorf("a sauce: got %v, want 0.11", got)
	}
	s.fact(2, fusion.Fact{Kind: fusion.FactPicked, Product: 1, Zone: 1, N: 2})
	if got := s.result().Score; got != 0.13 {
		t.Errorf("and two razors: got %v, want 0.13", got)
	}
	s.fact(3, fusion.Fact{Kind: fusion.FactPicked, Product: 1, Zone: 1, N: 0.5})
	if got := s.result().Score; got != 1 {
		t.Errorf("and more: got %v, want 1", got)
	}
}

// TestTheDefaultPoliciesLoad holds that the shipped files are right, each with a test file that is, and that every function
// of the language is in their README.
func TestTheDefaultPoliciesLoad(t *testing.T) {
	const dir = "../policies"
	set, err := Load(os.DirFS(dir), Options{Store: shop()})
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Policies {
		data, err := os.ReadFile(filepath.Join(dir, strings.TrimSuffix(p.File, ".yaml")+"_test.yaml"))
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := ParseTest(p.ID, data); err != nil {
			t.Error(err)
		}
		if _, ok := p.Reaches(); !ok {
			t.Errorf("%s: nobody can say what reaches its tiers", p.ID)
		}
		if !strings.Contains(string(readme), "`"+p.ID+"`") {
			t.Errorf("README.md does not name the policy %s", p.ID)
		}
	}
	page, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.ReplaceAll(string(page), `\|`, "|") // a table escapes it
	for name, f := range functions {
		if !strings.Contains(words, "`"+f.usage(name)+"`") {
			t.Errorf("docs/policies.md does not have `%s`", f.usage(name))
		}
	}
}

func TestReaches(t *testing.T) {
	set := load(t, Options{FalseAlarm: 25, Recover: 0.6}, "p.yaml", "policy: p\ntitle: t\nprior: 0.01\nevidence:\n"+
		"  - {name: a, if: 'staff()', weight: strong}\n  - {name: b, if: 'staff()', weight: moderate}\n  - {name: c, if: 'staff()', clears: weak}\n"+
		"alert: {tiers: {log: 0.05, review: 0.3, staff: cost}}\n")
	var got []string
	all, ok := set.Policies[0].Reaches()
	for _, r := range all {
		got = append(got, r.Tier+" "+strings.Join(r.Evidence, "+")+" "+number9(r.Value))
	}
	// a alone scores 0.5025: 25 × 0.4975 / (0.6 × 0.5025) = 41.25, rounded up beyond the last micro-nat.
	if want := "log a 0; log b 0; review a 0; staff a 41.26"; !ok || strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
}

// BenchmarkJudge judges one fact by a policy of five operands.
func BenchmarkJudge(b *testing.B) {
	set := load(b, Options{}, "p.yaml", policy("prior: 0.002", "evidence:",
		`  - {name: a, if: 'sum(picked("any"), "30s") > 3', weight: strong}`,
		`  - {name: b, if: 'unpaid_value() >= 1 ? p_unpaid() : 0.0', weight: moderate}`,
		`  - {name: c, if: 'scanned("any") > 0 ? 1.0 : 0.0', clears: weak}`,
		`  - {name: d, if: 'staff()', clears: very strong}`))
	s := newSubject(b, set, shop())
	s.v.Visit.Basket = []fusion.Item{{Product: 0, N: 0.9}}
	for i := range 20 {
		s.fact(float64(i), picked(1))
	}
	last := s.v.Visit.Facts.List()[19:]
	b.ReportAllocs()
	for b.Loop() {
		set.Judge(&s.m, s.v, last)
	}
}

// BenchmarkUntouched is a fact that no policy reads: the common case.
func BenchmarkUntouched(b *testing.B) {
	set := load(b, Options{}, "p.yaml", scoring(`sum(picked("any"), "30s") / 10`))
	s := newSubject(b, set, shop())
	s.fact(1, picked(1))
	other := []fusion.Fact{{Kind: fusion.FactGate, Zone: 3, Product: -1}}
	b.ReportAllocs()
	for b.Loop() {
		set.Judge(&s.m, s.v, other)
	}
}

// BenchmarkThousandPolicies judges a fact that one of a thousand policies reads.
func BenchmarkThousandPolicies(b *testing.B) {
	var files []string
	for i := range 1000 {
		event := "scanned"
		if i == 500 {
			event = "picked"
		}
		name := "p" + strconv.Itoa(i)
		files = append(files, name+".yaml", "policy: "+name+"\ntitle: t\nscore: 'sum("+event+"(\"any\"), \"30s\") / "+strconv.Itoa(i+1)+"'\nalert: {tiers: {log: 0.1}}\n")
	}
	s := newSubject(b, load(b, Options{}, files...), shop())
	s.fact(1, picked(1))
	facts := s.v.Visit.Facts.List()
	b.ReportAllocs()
	for b.Loop() {
		s.set.Judge(&s.m, s.v, facts)
	}
}

// BenchmarkExpression is the closure alone, over five operands.
func BenchmarkExpression(b *testing.B) {
	_, e, _ := compiled(`unpaid_value() >= 1 and count(picked("any"), "1m") > 2 ? p_unpaid() * (1 - staff()) : 0.1 * coverage("track", "exit")`)
	values := []float64{3, 4, 0.9, 0.1, 1}
	b.ReportAllocs()
	for b.Loop() {
		e.num(values)
	}
}

// BenchmarkLoad reads and compiles the contract's example.
func BenchmarkLoad(b *testing.B) {
	store := shop()
	for b.Loop() {
		if _, err := Load(os.DirFS("testdata/contract"), Options{Store: store}); err != nil {
			b.Fatal(err)
		}
	}
}
