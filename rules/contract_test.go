package rules

import (
	"os"
	"testing"
)

func TestTheContractsExampleLoads(t *testing.T) {
	set, err := Load(os.DirFS("testdata/contract"), Options{Store: shop()})
	if err != nil {
		t.Fatal(err)
	}
	p := set.Policies[0]
	t.Log(p, p.Tiers, p.To, p.Hash, set.Warnings)
}
