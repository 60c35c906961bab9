package metrics_test

import (
	"strings"
	"testing"

	"magpie/metrics"
)

// TestFreeze: an aggregator that goes on from another's frozen state writes what that one would have: intervals that are
// open, those that a late message revises, alerts that wait, values that have become _other. Of what cameras of the process
// report it knows nothing.
func TestFreeze(t *testing.T) {
	opt := metrics.AggregatorOptions{Store: "s042", ZoneKinds: map[string]string{"door": "exit"}, Closed: map[string][]string{"kind": {"rfid"}}}
	const at = int64(1795341600e9)
	begin := func(a *metrics.Aggregator) {
		for i := range int64(40) {
			check(t, a.Add("events", []string{"rfid", "r-1"}, "received", 1, at+i*1e9))
		}
		check(t, a.Set("visits", []string{"door"}, "occupancy", 3, at+35e9))
		check(t, a.Add("vision", []string{"cam-1"}, "frames", 7, at+36e9))
		for i := range 250 {
			check(t, a.Add("events", []string{"rfid", "s" + strings.Repeat("x", i)}, "received", 1, at+37e9))
		}
		a.Flush(at + 30e9)
		a.Alert(metrics.AlertPoint{ID: "alr_1", Rev: 1, EventTime: at, Received: at, Policies: []string{"p"}, Tier: "log"})
	}
	end := func(a *metrics.Aggregator) string {
		check(t, a.Add("events", []string{"rfid", "r-1"}, "received", 1, at+5e9)) // late
		check(t, a.Add("events", []string{"rfid", "r-1"}, "received", 1, at+39e9))
		check(t, a.Add("events", []string{"rfid", "new"}, "received", 1, at+39e9))
		check(t, a.Add("events", []string{"rfid", "r-1"}, "received", 1, at-90e9)) // too late
		return string(a.Flush(at + 60e9))
	}
	whole, first, second := metrics.NewAggregator(opt), metrics.NewAggregator(opt), metrics.NewAggregator(opt)
	begin(whole)
	begin(first)
	f := first.Freeze()
	end(first) // changes nothing of what was frozen
	second.Thaw(f)
	var want []string
	vision := false
	for line := range strings.Lines(end(whole)) {
		if strings.HasPrefix(line, "vision") {
			vision = true
			continue
		}
		want = append(want, line)
	}
	if got := end(second); got != strings.Join(want, "") || !vision || len(want) < 5 {
		t.Errorf("it writes\n%s\nnot\n%s", got, strings.Join(want, ""))
	}
	if whole.TooLate() != second.TooLate() || whole.TooLate() == 0 {
		t.Errorf("too late were %d and %d", whole.TooLate(), second.TooLate())
	}
}
