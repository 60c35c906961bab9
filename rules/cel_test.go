package rules

import (
	"strconv"
	"testing"

	"cel.dev/cel-go/cel"
)

// BenchmarkEveryPolicyByCEL is what BenchmarkEveryPolicyByExpr does, by cel-go.
func BenchmarkEveryPolicyByCEL(b *testing.B) {
	var vars []cel.EnvOption
	values := map[string]any{"sum": 3.0, "count": 2.0, "unpaid": 1.0, "scanned": 0.0, "staff": 0.01}
	for name := range values {
		vars = append(vars, cel.Variable(name, cel.DoubleType))
	}
	env, err := cel.NewEnv(vars...)
	if err != nil {
		b.Fatal(err)
	}
	var programs []cel.Program
	for _, text := range []string{"sum > 60.0 && count > 50.0 ? 1.0 : 0.0", "unpaid > 70.0 ? 1.0 : 0.0", "scanned < 1.0 ? scanned : 1.0", "staff"} {
		tree, issues := env.Compile(text)
		if issues.Err() != nil {
			b.Fatal(issues.Err())
		}
		p, err := env.Program(tree, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			b.Fatal(err)
		}
		programs = append(programs, p)
	}
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for i := range n {
					for _, p := range []cel.Program{programs[i%2], programs[2], programs[3]} {
						if _, _, err := p.Eval(values); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
	}
}
