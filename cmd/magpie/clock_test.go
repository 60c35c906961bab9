package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/metrics"
	"magpie/sensors/message"
	"magpie/sim"
)

// shifted gives the lines as they would be if the clocks of some sources were ahead by so many ns.
func shifted(lines []sim.Line, ahead map[string]int64) []sim.Line {
	out := slices.Clone(lines)
	for i := range out {
		_, _, source, ok := message.SplitTopic(out[i].Topic)
		if by := time.Duration(ahead[source]); ok && by != 0 {
			out[i].Payload = restamp(out[i].Payload, func(ts time.Time) time.Time { return ts.Add(by) })
		}
	}
	return out
}

// wrongClocks is a recording in which the scale's clock is two seconds ahead and the reader's one and a half.
func wrongClocks(t testing.TB, w lawWorld) lawCase {
	t.Helper()
	lines, err := sim.Random(41, w.site, sim.RandomOptions{Minutes: 5, People: 10, Noise: 1})
	if err != nil {
		t.Fatal(err)
	}
	ahead := map[string]int64{"g1-s5-p11": 2e9, "r-door": 1.5e9}
	return lawCase{lawWorld: w, name: "wrong clocks", lines: shifted(lines, ahead), ahead: ahead}
}

// TestClockOfScale: a scale whose clock is two seconds ahead is corrected, and the database, Prometheus and --no-clock say so.
func TestClockOfScale(t *testing.T) {
	c := wrongClocks(t, contractWorld(t))
	prom := metrics.NewPrometheus("s042", "0", "")
	n := newNumbers(c.site, prom, nil, time.Now, slog.New(slog.DiscardHandler))
	l, err := newLive(&live{site: c.site, numbers: n, health: newSourceHealth(c.site.Store), log: slog.New(slog.DiscardHandler),
		now: time.Now, place: &place{}, rejections: &rejections{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range journalLines(t, c.lines) {
		l.pipeline.line(&line)
	}
	scale, camera := c.site.Store.SourceIndex("g1-s5-p11"), c.site.Store.SourceIndex("cam-1")
	if k := l.pipeline.core.Clock(scale); k.Offset < 1.95e9 || k.Offset > 2.05e9 {
		t.Errorf("the scale's clock is taken to be %v ahead; want 2 s", time.Duration(k.Offset))
	}
	if k := l.pipeline.core.Clock(camera); k.Offset != 0 {
		t.Errorf("the camera's clock is taken to be %v ahead", time.Duration(k.Offset))
	}
	points := string(n.agg.Flush(l.pipeline.core.Watermark() + 100e9))
	rec := httptest.NewRecorder()
	prom.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, x := range []struct{ text, want string }{
		{points, `sources,store=s042,source=g1-s5-p11 up=1,offset_ms=(19[5-9]|20[0-4])`},
		{points, `sources,store=s042,source=cam-1 up=1,offset_ms=0,`},
		{rec.Body.String(), `magpie_source_clock_offset_seconds\{source="g1-s5-p11",store="s042"\} (1.9[5-9]|2)`},
	} {
		if !regexp.MustCompile(x.want).MatchString(x.text) {
			t.Errorf("no %s in %s", x.want, regexp.MustCompile(`(?m)^.*source="?g1-s5-p11.*$`).FindAllString(x.text, -1))
		}
	}
}

// TestNoClock: replay --no-clock takes the clocks as right, and differs only where they are not.
func TestNoClock(t *testing.T) {
	c := wrongClocks(t, contractWorld(t))
	right := shifted(c.lines, map[string]int64{"g1-s5-p11": -2e9, "r-door": -1.5e9})
	replay := func(lines []sim.Line, flags ...string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "r.jsonl")
		if err := os.WriteFile(path, sim.Recording(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		args := append(flags, "--final", "--site", "../../rules/testdata/contract/testdata/corner-shop.yaml", path)
		if err := runReplay(context.Background(), args, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if a, b := replay(right), replay(right, "--no-clock"); a != b || a == "" {
		t.Errorf("clocks that are right are corrected:\n%s", firstDifference([]byte(b), []byte(a)))
	}
	if a, b := replay(c.lines), replay(c.lines, "--no-clock"); a == b {
		t.Error("--no-clock changes nothing where two clocks are wrong")
	}
}

// raised are the alerts that stand at the end and began after a moment: whose, by which policies, of which tier. A policy that is
// less than 0.05 above the lowest tier, 0.1, is not told: what is known to a few milliseconds may fall on either side of it.
func raised(list []*alerts.Alert, after int64) map[string]bool {
	last := map[string]*alerts.Alert{}
	for _, a := range list {
		if a.Final > 0 {
			last[a.ID] = a
		}
	}
	all := map[string]bool{}
	for _, a := range last {
		if a.State == alerts.Retracted || a.EventTime < after {
			continue
		}
		names := slices.Clone(a.Tracks)
		for _, p := range a.Policies {
			if p.Score >= 0.15 {
				names = append(names, p.Policy)
			}
		}
		slices.Sort(names)
		all[fmt.Sprint(names, a.Tier)] = true
	}
	return all
}

// TestClockAlerts: once it is known that a clock is two seconds off, the same alerts are raised of the same people as if it
// were right. The seed is of a store in which each of the four clocks matters: uncorrected, other alerts are raised.
func TestClockAlerts(t *testing.T) {
	if testing.Short() {
		t.Skip("eight replays of most of an hour; run without -short")
	}
	w := contractWorld(t)
	lines, err := sim.Random(310, w.site, sim.RandomOptions{Minutes: 50, People: 170, Noise: 1})
	if err != nil {
		t.Fatal(err)
	}
	after := lines[0].Received + int64(5*time.Minute)
	_, _, list := w.replayed(t, lines)
	clean := raised(list, after)
	if len(clean) < 5 {
		t.Fatalf("%d alerts", len(clean))
	}
	f1 := func(noClock bool, ahead map[string]int64) float64 {
		w.noClock = noClock
		_, _, list := w.replayed(t, shifted(lines, ahead))
		got, both := raised(list, after), 0
		for k := range got {
			if clean[k] {
				both++
			}
		}
		return 2 * float64(both) / float64(len(got)+len(clean))
	}
	for _, ahead := range []map[string]int64{{"g1-s5-p11": 2e9}, {"g1-s5-p11": -2e9}, {"r-door": 2e9}, {"cam-1": 2e9}} {
		if got := f1(false, ahead); got < 0.98 {
			t.Errorf("%v: F1 %.3f", ahead, got)
		}
		if got := f1(true, ahead); got >= 0.98 {
			t.Errorf("%v, not corrected: F1 %.3f: this shows nothing", ahead, got)
		}
	}
}
