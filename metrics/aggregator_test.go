package metrics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	protocol "github.com/influxdata/line-protocol"

	"magpie/metrics"
)

const t0 = 1795341600 * int64(time.Second) // 2026-11-22T10:00:00Z

func aggregator() *metrics.Aggregator {
	return metrics.NewAggregator(metrics.AggregatorOptions{Store: "s042",
		ZoneKinds: map[string]string{"door": "exit", "aisle 1": "aisle"},
		Closed:    map[string][]string{"zone": {"door", "aisle 1"}}})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantLines(t *testing.T, what string, got []byte, want ...string) {
	t.Helper()
	if w := strings.Join(append(want, ""), "\n"); string(got) != w {
		t.Errorf("%s: got\n%swant\n%s", what, got, w)
	}
}

// Sums and last values of 10 s of event time, stamped with the interval's end, once the watermark has passed it; what
// comes late writes the same point again, whole.
func TestIntervals(t *testing.T) {
	a, s := aggregator(), int64(time.Second)
	r1 := []string{"rfid", "r-1"}
	check(t, a.Add("events", r1, "received", 3, t0))
	check(t, a.Add("events", r1, "received", 4, t0+10*s-1))
	check(t, a.Add("events", r1, "late", 1, t0+5*s))
	check(t, a.Add("events", r1, "received", 100, t0+10*s))
	check(t, a.Set("visits", []string{"door"}, "occupancy", 2, t0+9*s))
	check(t, a.Set("visits", []string{"door"}, "occupancy", 1.5, t0+8*s)) // older: does not count
	check(t, a.Add("visits", []string{"door"}, "dwell_s_sum", 12_900, t0+8*s))
	check(t, a.Add("shrink", []string{"spirits", "unpaid"}, "value", 1999, t0+s))
	wantLines(t, "before the end", a.Flush(t0+10*s-1))
	wantLines(t, "at the end", a.Flush(t0+10*s),
		"events,store=s042,kind=rfid,source=r-1 received=7i,late=1i 1795341610000000000",
		"shrink,store=s042,category=spirits,cause=unpaid value=19.99 1795341610000000000",
		"visits,store=s042,zone=door,zone_kind=exit dwell_s_sum=12i,occupancy=2 1795341610000000000")
	wantLines(t, "again", a.Flush(t0+19*s))
	check(t, a.Add("events", r1, "received", 1, t0+9*s))
	wantLines(t, "a late one", a.Flush(t0+20*s),
		"events,store=s042,kind=rfid,source=r-1 received=8i,late=1i 1795341610000000000",
		"events,store=s042,kind=rfid,source=r-1 received=100i 1795341620000000000")
	check(t, a.Add("events", r1, "received", 1, t0)) // 80 s behind is still kept open at W = t0+80
	wantLines(t, "80 s behind", a.Flush(t0+85*s), "events,store=s042,kind=rfid,source=r-1 received=9i,late=1i 1795341610000000000")
	check(t, a.Add("events", r1, "received", 1, t0))
	wantLines(t, "too late", a.Flush(t0+95*s))
	if a.TooLate() != 1 {
		t.Errorf("TooLate %d", a.TooLate())
	}
}

func TestHistogram(t *testing.T) {
	a := aggregator()
	for _, v := range []float64{5, 10, 10.01, 89.5, 95} {
		check(t, a.Observe("scores", []string{"aisle 1", "unpaid-exit", "live"}, v, t0))
	}
	check(t, a.Observe("pipeline", []string{"fold"}, 0.4, t0))
	check(t, a.Observe("pipeline", []string{"fold"}, 2.7, t0))
	wantLines(t, "histograms", a.Flush(math.MaxInt64),
		"pipeline,store=s042,stage=fold le_1=1i,le_2=1i,le_5=2i,le_10=2i,le_20=2i,le_50=2i,le_100=2i,le_200=2i,le_500=2i,le_1000=2i,le_2000=2i,le_5000=2i,le_10000=2i,count=2i,sum_ms=3i 1795341610000000000",
		`scores,store=s042,zone=aisle\ 1,zone_kind=aisle,policy=unpaid-exit,mode=live le_10=2i,le_20=3i,le_30=3i,le_40=3i,le_50=3i,le_60=3i,le_70=3i,le_80=3i,le_90=4i,count=5i 1795341610000000000`)
}

// A tag with a closed set knows no other value, any other tag 200.
func TestTagsAreCapped(t *testing.T) {
	a := aggregator()
	for i := range 300 {
		check(t, a.Add("events", []string{"rfid", fmt.Sprint("r-", i)}, "received", 1, t0))
	}
	check(t, a.Add("visits", []string{"elsewhere"}, "entered", 1, t0))
	check(t, a.Add("visits", []string{""}, "entered", 1, t0))
	got := string(a.Flush(math.MaxInt64))
	if n := strings.Count(got, "events,"); n != 201 || !strings.Contains(got, "source=_other received=100i ") {
		t.Errorf("%d series of events:\n%s", n, got)
	}
	for _, want := range []string{"visits,store=s042,zone=_none,zone_kind=_none entered=1i ", "visits,store=s042,zone=_other,zone_kind=_other entered=1i "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestAlertPoints(t *testing.T) {
	a := aggregator()
	p := metrics.AlertPoint{ID: "alr_1", Rev: 1, EventTime: t0 + 123456789, Received: t0 + 400e6, Policies: []string{"unpaid-exit"},
		Zone: "door", Tier: "staff", Set: "sha256:aa", State: "provisional", Value: 1.85}
	a.Alert(p)
	first := string(a.Flush(math.MinInt64))
	var ns int64
	tags := "alerts,store=s042,zone=door,zone_kind=exit,policy=_all,tier=staff,set=sha256:aa"
	if _, err := fmt.Sscanf(first, tags+` opened=1i,state="provisional",value=1.85,latency_ms=276i %d`, &ns); err != nil {
		t.Fatalf("%v in %s", err, first)
	}
	if ns/1e6 != (t0+123456789)/1e6 {
		t.Errorf("stamped %d, not in the millisecond of the event time", ns)
	}
	p.Rev, p.State, p.Value = 2, `conf"irmed`, 2
	a.Alert(p)
	if got, want := string(a.Flush(math.MinInt64)), fmt.Sprintf("%s state=\"conf\\\"irmed\",value=2 %d\n", tags, ns); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 2 {
		t.Errorf("a revision must rewrite the same point: got %swant %s", got, want)
	}
	p.ID = "alr_2"
	a.Alert(p)
	if strings.Contains(string(a.Flush(math.MinInt64)), fmt.Sprint(ns)) {
		t.Error("two alerts of the same millisecond wrote the same point")
	}
	v := metrics.VerdictPoint{ID: "alr_1", EventTime: t0 + 123e6, Zone: "door", Tier: "staff", Set: "x", Verdict: "loss", Recovered: 1.85, Minutes: 3}
	const point = "verdicts,store=s042,zone=door,zone_kind=exit,policy=_all,tier=staff,verdict=%s,set=x count=%di,recovered=%v,minutes=%d %d"
	wantLines(t, "verdict", a.Verdict(v), fmt.Sprintf(point, "loss", 1, 1.85, 3, ns))
	v.Verdict, v.Was = "recovered", "loss"
	wantLines(t, "another verdict", a.Verdict(v), fmt.Sprintf(point, "loss", 0, 0, 0, ns), fmt.Sprintf(point, "recovered", 1, 1.85, 3, ns))
	v.Was = "recovered"
	wantLines(t, "the same verdict again", a.Verdict(v), fmt.Sprintf(point, "recovered", 1, 1.85, 3, ns))
}

func TestWrongCalls(t *testing.T) {
	a := aggregator()
	for want, err := range map[string]error{
		`no measurement "event"`:    a.Add("event", nil, "received", 1, t0),
		`has no field "receives"`:   a.Add("events", []string{"a", "b"}, "receives", 1, t0),
		"takes the tags [kind sour": a.Add("events", []string{"a"}, "received", 1, t0),
		"is not a sum":              a.Add("sources", []string{"a"}, "up", 1, t0),
		"is not a last value":       a.Set("events", []string{"a", "b"}, "received", 1, t0),
		"has no histogram":          a.Observe("events", []string{"a", "b"}, 1, t0),
		"is not a sum: use":         a.Add("alerts", []string{"", "", "", ""}, "opened", 1, t0),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if got := a.Flush(math.MaxInt64); len(got) != 0 {
		t.Errorf("wrong calls wrote %s", got)
	}
}

// The order of calls, the moments of Flush and a restart in the middle change nothing of what a database holds in the
// end.
func TestReplayWritesTheSamePoints(t *testing.T) {
	type call struct{ at, n int64 }
	run := func(seed uint64, restart bool) map[string]string {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var calls []call
		base := rand.New(rand.NewPCG(7, 7))
		for range 500 {
			calls = append(calls, call{t0 + base.Int64N(60e9), base.Int64N(100)})
		}
		rnd.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
		a, db := aggregator(), map[string]string{}
		write := func(b []byte) {
			for line := range strings.Lines(string(b)) {
				f := strings.Fields(line)
				db[f[0]+f[2]] = f[1]
			}
		}
		for i, c := range calls {
			check(t, a.Add("tills", []string{"self"}, "scans", c.n, c.at))
			if rnd.IntN(20) == 0 {
				write(a.Flush(t0 + int64(i)*1e8))
			}
			if restart && i == 250 {
				st := a.Freeze()
				check(t, a.Add("tills", []string{"self"}, "scans", 1000, t0)) // lost with the process
				a = aggregator()
				a.Thaw(st)
			}
		}
		write(a.Flush(t0 + 70e9))
		return db
	}
	want := fmt.Sprint(run(1, false))
	for seed := range uint64(20) {
		if got := fmt.Sprint(run(seed, seed%2 == 1)); got != want {
			t.Fatalf("seed %d: %s, want %s", seed, got, want)
		}
	}
	a, b := aggregator(), aggregator()
	check(t, a.Set("staffing", []string{"door"}, "people", 3, t0))
	a.Alert(metrics.AlertPoint{ID: "a", EventTime: t0, State: "closed"})
	b.Thaw(a.Freeze())
	if x, y := string(a.Flush(t0+10e9)), string(b.Flush(t0+10e9)); x != y || strings.Count(x, "\n") != 2 {
		t.Errorf("what was not flushed before a restart: %q, want %q", y, x)
	}
}

// Whatever the names are, the lines are valid line protocol and say what was meant.
func FuzzLine(f *testing.F) {
	f.Add("r 1,=\\", "sha256:x", "state\"\\")
	f.Add("", "\n", "ä\x00")
	f.Fuzz(func(t *testing.T, zone, set, state string) {
		a := metrics.NewAggregator(metrics.AggregatorOptions{Store: "s042"})
		a.Alert(metrics.AlertPoint{ID: "a", Rev: 1, EventTime: t0, Zone: zone, Set: set, State: state, Value: math.NaN()})
		b := a.Flush(math.MaxInt64)
		got, err := protocol.NewParser(protocol.NewMetricHandler()).Parse(b)
		if err != nil || len(got) != 1 || strings.Count(string(b), "\n") != 1 {
			t.Fatalf("%v: %d points in %q", err, len(got), b)
		}
		clean := !strings.ContainsFunc(state, func(r rune) bool { return r < 0x20 || r == 0x7f })
		for _, fl := range got[0].FieldList() {
			if fl.Key == "state" && clean && fl.Value != state {
				t.Fatalf("state %q came back as %q from %q", state, fl.Value, b)
			}
		}
	})
}

// docs/influxdb.md holds the schema as it is.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../docs/influxdb.md")
	check(t, err)
	if want := metrics.MarkdownTable(metrics.Schema()); !strings.Contains(string(b), want) {
		t.Errorf("docs/influxdb.md is not true to the code; its table should be\n%s", want)
	}
}

func BenchmarkAdd(b *testing.B) {
	a := aggregator()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := a.Add("events", []string{"rfid", "r-1"}, "received", 1, t0+int64(i)%metrics.Interval); err != nil {
			b.Fatal(err)
		}
	}
}
