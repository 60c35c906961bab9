package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"magpie/fusion"
	"magpie/journal"
	"magpie/metrics"
	"magpie/sensors"
	"magpie/site"
)

// Whoever may publish chooses the words of a topic, but not the tags of the database: neither someone's name, nor so
// many values that the words of the contract find no room.
func TestRejectedKindsAreClosed(t *testing.T) {
	s := &site.Site{Store: &fusion.Store{ID: "s042"}}
	n := newNumbers(s, metrics.NewPrometheus("s042", "0", ""), nil, time.Now, slog.New(slog.DiscardHandler))
	at := time.Unix(1795341600, 0).UnixNano()
	reject := func(kind, source string) {
		n.rejected(&journal.Line{Received: at}, &sensors.Rejection{Code: sensors.CodeUnknownKind, Kind: kind, Source: source})
	}
	for i := range 250 {
		reject(fmt.Sprint("john-smith-", i), "eas-1")
	}
	reject("unmapped", "0123456789abcdef")
	reject("gate", "eas-1")
	got := string(n.agg.Flush(at + 200e9))
	for _, want := range []string{"kind=unknown,source=unknown rejected=250i", "kind=unmapped,source=unknown rejected=1i",
		"kind=gate,source=unknown rejected=1i"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "john") || strings.Contains(got, "_other") {
		t.Errorf("a sender's own words are tags:\n%s", got)
	}
}
