package metrics_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"magpie/metrics"
)

// everything calls each method once and serves the page.
func everything(t *testing.T, store string) string {
	t.Helper()
	m := metrics.NewPrometheus(store, "v1.2.3", "abc")
	for _, what := range []string{"received", "late", "duplicate", "gap"} {
		m.Event("rfid", "r-1", what, 2)
	}
	m.Rejected("r-1", "bad_json")
	m.SourceUp("r-1", true)
	m.SourceClock("r-1", -2*time.Second, 20*time.Millisecond, 50)
	m.WatermarkLag(3 * time.Second)
	m.Folded(20 * time.Microsecond)
	m.Provisional(120 * time.Millisecond)
	m.VisitsOpen(4)
	m.Checkpoint()
	m.Evicted("visit", 2)
	m.Snapshot(5*time.Millisecond, 200000)
	m.SnapshotFailed()
	m.SnapshotRefused()
	m.Alert("staff", "confirmed", []string{"unpaid-exit"})
	m.PolicyReload(true, "sha256:a", time.Unix(1795341600, 0))
	m.PolicyReload(true, "sha256:b", time.Unix(1795341601, 0))
	m.PolicyReload(false, "sha256:b", time.Unix(1795341700, 0))
	m.Frame("cam-1", 5*time.Millisecond, 40*time.Millisecond, 3)
	m.OutboxQueue("floor", 2, 1)
	m.OutboxBytes(1000, 5000)
	m.OutboxSent("floor", 30*time.Millisecond)
	m.OutboxRetry("floor", errors.New("x"))
	m.OutboxDisabled("floor", true)
	m.OutboxConflict("a", 1)
	m.OutboxDropped("a", 1)
	h := m.SpoolHooks()
	h.Bytes(10, 20)
	h.Lost(7)
	h.Bad(1)
	m.InfluxWritten(9)
	m.InfluxFailed(errors.New("x"))
	m.JournalAppended(5, 500)
	m.JournalSynced(2 * time.Millisecond)
	m.JournalFailed(1, errors.New("x"))
	m.JournalDamaged(3, errors.New("x"))
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	return rec.Body.String()
}

func TestPrometheus(t *testing.T) {
	page := everything(t, "")
	for _, want := range []string{
		`magpie_events_received_total{kind="rfid",source="r-1"} 2`, `magpie_events_rejected_total{code="bad_json",source="r-1"} 1`,
		`magpie_watermark_lag_seconds 3`, `magpie_provisional_latency_seconds_bucket{le="0.15"} 1`, `magpie_provisional_latency_seconds_bucket{le="0.1"} 0`,
		`magpie_alerts_total{policy="_all",state="confirmed",tier="staff"} 1`, `magpie_alerts_total{policy="unpaid-exit",state="confirmed",tier="staff"} 1`,
		`magpie_policy_reload_success 0`, `magpie_policy_reload_success_timestamp_seconds 1.795341601e+09`, `magpie_policy_set_info{hash="sha256:b"} 1`,
		`magpie_outbox_waiting{output="floor"} 2`, `magpie_outbox_dead{output="floor"} 1`, `magpie_influx_lost_points_total 7`, `magpie_journal_bytes_total 500`,
		`magpie_vision_dropped_frames_total{camera="cam-1"} 3`, `magpie_build_info{revision="abc",version="v1.2.3"} 1`, "go_goroutines",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, "sha256:a") {
		t.Error("an old policy set is still shown")
	}
	if page := everything(t, "s042"); !strings.Contains(page, `magpie_watermark_lag_seconds{store="s042"} 3`) {
		t.Error("no store label")
	}
	problems, err := promlint.New(strings.NewReader(page)).Lint()
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "magpie_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	check(t, err)
}

func TestPrometheusLabelsAreCapped(t *testing.T) {
	m := metrics.NewPrometheus("", "", "")
	for i := range 500 {
		m.Rejected(fmt.Sprint("made-up-", i), "unknown_source")
	}
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if n := strings.Count(rec.Body.String(), "\nmagpie_events_rejected_total{"); n != 201 {
		t.Errorf("%d series for 500 sources", n)
	}
}

// docs/prometheus.md lists every metric with its labels and meaning, and no other.
func TestPrometheusDocs(t *testing.T) {
	page := everything(t, "")
	types := regexp.MustCompile(`(?m)^# HELP (magpie_\S+) (.*)\n# TYPE \S+ (\S+)`)
	label := regexp.MustCompile(`[{,]([a-z]+)=`)
	var rows []string
	for _, m := range types.FindAllStringSubmatch(page, -1) {
		series := regexp.MustCompile(`(?m)^` + m[1] + `(_count)?(\{[^}]*\})? `).FindString(page)
		var labels []string
		for _, l := range label.FindAllStringSubmatch(series, -1) {
			labels = append(labels, l[1])
		}
		slices.Sort(labels)
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |", m[1], m[3], strings.Join(labels, ", "), m[2]))
	}
	want := "| metric | type | labels | what |\n|---|---|---|---|\n" + strings.Join(rows, "\n") + "\n"
	b, err := os.ReadFile("../docs/prometheus.md")
	check(t, err)
	if !strings.Contains(string(b), want) {
		t.Errorf("docs/prometheus.md is not true to the code; its table should be\n%s", want)
	}
}
