package rules

import (
	"fmt"
	"testing"
)

// TestCostIsMeasured holds that a policy's cost is told, about as much as it took, and that nothing follows from it.
func TestCostIsMeasured(t *testing.T) {
	files := []string{"p.yaml", scoring(`picked("any") / 100`), "q.yaml", "policy: q\ntitle: t\nscore: 'scanned(\"any\") / 100'\nalert: {tiers: {log: 0.1}}\n"}
	measured, plain := load(t, Options{}, files...), load(t, Options{}, files...)
	now := int64(0)
	measured.Measure(func() int64 { now += 100; return now })
	a, b := newSubject(t, measured, shop()), newSubject(t, plain, shop())
	for i := range 320 {
		a.fact(float64(i), picked(1))
		b.fact(float64(i), picked(1))
	}
	ra, rb := a.m.Results()[0], b.m.Results()[0]
	ra.Policy, rb.Policy = nil, nil
	if fmt.Sprintf("%+v", ra) != fmt.Sprintf("%+v", rb) {
		t.Errorf("measured %+v, not measured %+v", ra, rb)
	}
	// 320 times 100 ns.
	if got := measured.Policy("p").TakeCost(); got != 32_000 || measured.Policy("p").TakeCost() != 0 {
		t.Errorf("p took %d ns, want 32000", got)
	}
	if got := measured.Policy("q").TakeCost(); got != 0 {
		t.Errorf("q, which was never judged, took %d ns", got)
	}
	if measured.Policy("r") != nil || plain.Policy("p").TakeCost() != 0 {
		t.Error("a cost of what is not there")
	}
}
