package main

import (
	"fmt"
	"testing"

	"magpie/alerts"
)

// TestRecent: an alert is the set's that raised it, whichever judges later; of one that never ends, and of very many, the newest lines are
// kept.
func TestRecent(t *testing.T) {
	r := newRecent()
	for rev := 1; rev <= maxLines+5; rev++ {
		r.add(&alerts.Alert{ID: "alr_0", Rev: rev}, []byte(fmt.Sprint(rev)), fmt.Sprint("set ", rev))
	}
	if a, set := r.alert("alr_0"); a == nil || a.Rev != maxLines+5 || set != "set 1" {
		t.Errorf("%+v of %s", a, set)
	}
	if got := r.revisions("alr_0"); len(got) != maxLines || string(got[0]) != "6" {
		t.Errorf("%d lines from %s", len(got), got[0])
	}
	for i := 1; i <= maxRecent; i++ {
		r.add(&alerts.Alert{ID: fmt.Sprint("alr_", i), Rev: 1}, []byte("1"), "")
	}
	if a, _ := r.alert("alr_0"); a != nil || len(r.known) != maxRecent || r.revisions("alr_0") != nil {
		t.Errorf("%d alerts are kept", len(r.known))
	}
}
