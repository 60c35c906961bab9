package alerts

import (
	"testing"

	"magpie/rules"
)

// TestInstall: facts keep the set that judged when they happened, and a reminder of the set that judges changes nothing.
func TestInstall(t *testing.T) {
	a, b := &rules.Set{Hash: "sha256:a"}, &rules.Set{Hash: "sha256:b"}
	var d Desk
	if d.SetAt(5) != "" {
		t.Error("a desk without a set names one")
	}
	for _, in := range []struct {
		from int64
		set  *rules.Set
	}{{10, a}, {20, a}, {30, b}, {40, b}, {50, a}} {
		d.Install(in.from, in.set)
	}
	for ts, want := range map[int64]string{5: "sha256:a", 29: "sha256:a", 30: "sha256:b", 49: "sha256:b", 50: "sha256:a"} {
		if got := d.SetAt(ts); got != want {
			t.Errorf("at %d: %s, want %s", ts, got, want)
		}
	}
	if len(d.sets) != 3 {
		t.Errorf("%d sets kept of three that differ", len(d.sets))
	}
	// What no late fact reaches any more goes; what judged until a moment ago stays.
	d.Install(60+keepSets, b)
	if len(d.sets) != 2 || d.SetAt(60) != "sha256:a" {
		t.Errorf("%d sets are kept, of which %s judged last", len(d.sets), d.SetAt(60))
	}
}
