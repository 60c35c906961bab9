package metrics_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"magpie/metrics"
)

// influxd finds a real InfluxDB 1.8: MAGPIE_INFLUXD, .cache/bin of the repository, or the PATH.
func influxd(t *testing.T) string {
	t.Helper()
	for _, p := range []string{os.Getenv("MAGPIE_INFLUXD"), "../.cache/bin/influxd"} {
		if p == "" {
			continue
		}
		if abs, err := filepath.Abs(p); err == nil {
			if st, err := os.Stat(abs); err == nil && !st.IsDir() {
				return abs
			}
		}
	}
	p, err := exec.LookPath("influxd")
	if err != nil {
		t.Skip("influxd 1.8 is not here: set MAGPIE_INFLUXD to its path")
	}
	return p
}

// server is a database that can be killed and started again on the same data and port.
type server struct {
	bin, dir, addr string
	cmd            *exec.Cmd
}

func (s *server) start(t *testing.T) {
	t.Helper()
	config := fmt.Sprintf(`reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = %[1]q
[data]
dir = %[2]q
wal-dir = %[3]q
[http]
bind-address = %[4]q
flux-enabled = true
log-enabled = false
[logging]
level = "error"
`, filepath.Join(s.dir, "meta"), filepath.Join(s.dir, "data"), filepath.Join(s.dir, "wal"), s.addr)
	path := filepath.Join(s.dir, "influxdb.conf")
	check(t, os.WriteFile(path, []byte(config), 0o600))
	s.cmd = exec.Command(s.bin, "run", "-config", path)
	check(t, s.cmd.Start())
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func (s *server) ready(t *testing.T, x *metrics.Influx) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for x.Ready(ctx) != nil {
		select {
		case <-ctx.Done():
			t.Fatalf("influxd at %s did not start in 30 s", s.addr)
		case <-tick.C:
		}
	}
}

// A real InfluxDB is killed while points are written, and so is our side; nothing is lost and what a Flux query sums up
// is what was measured.
func TestInfluxdKilled(t *testing.T) {
	bin := influxd(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	db := &server{bin: bin, dir: t.TempDir(), addr: l.Addr().String()}
	l.Close()
	db.start(t)
	defer func() { db.kill() }()
	url := "http://" + db.addr
	x := metrics.NewInflux(url, "", "magpie/autogen", "")
	defer x.Close()
	db.ready(t, x)
	reply, err := http.PostForm(url+"/query", neturl.Values{"q": {"CREATE DATABASE magpie"}})
	check(t, err)
	reply.Body.Close()

	bad, lost, written, failed := 0, 0, make(chan int, 1000), make(chan error, 1000)
	dir := t.TempDir()
	hooks := metrics.SpoolHooks{Bad: func(n int) { bad += n }, Lost: func(n int) { lost += n }}
	run := func() (*metrics.Spool, func()) {
		s := open(t, dir, 8<<20, hooks)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			metrics.RunWriter(ctx, s, x.Write, metrics.WriterOptions{FirstWait: 50 * time.Millisecond, LongestWait: 400 * time.Millisecond,
				BatchLines: 20, Written: func(n int) { written <- n }, Failed: func(err error) { failed <- err }})
			close(done)
		}()
		return s, func() { cancel(); <-done; s.Close() }
	}
	spool, stop := run()
	a := aggregator()
	want, alerts := int64(0), 0
	for i := range 240 { // 40 minutes of events, one every 10 s, flushed as the watermark goes
		at := t0 + int64(i)*metrics.Interval
		check(t, a.Add("events", []string{"rfid", "r-1"}, "received", int64(i), at))
		check(t, a.Set("sources", []string{"r-1"}, "up", float64(i%2), at))
		check(t, a.Add("shrink", []string{"spirits", "unpaid"}, "value", 125, at))
		want += int64(i)
		if i%10 == 0 {
			alerts++
			for rev, state := range []string{"provisional", "confirmed"} {
				a.Alert(metrics.AlertPoint{ID: fmt.Sprint("alr_", i%20, i), Rev: rev + 1, EventTime: t0, Received: t0 + 250e6, Zone: "door",
					Policies: []string{"unpaid-exit"}, Tier: "staff", Set: "sha256:a", State: state, Value: 1.85})
			}
		}
		check(t, spool.Append(a.Flush(at)))
		switch i {
		case 60:
			check(t, spool.Append([]byte("events,store=s042,kind=rfid,source=r-1 received=\"text\" 1795341610000000000\n"))) // a type that conflicts
			db.kill()
		case 120:
			stop() // our side stops while the database is away
			spool, stop = run()
		case 180:
			for range 12 { // with back-off: some seconds
				select {
				case <-failed:
				case <-time.After(30 * time.Second):
					t.Fatal("the writer does not try")
				}
			}
			db.start(t)
			db.ready(t, x)
		}
	}
	check(t, spool.Append(a.Flush(t0+int64(time.Hour))))
	for left := true; left; {
		select {
		case <-written:
			b, err := spool.Next(1, 100)
			check(t, err)
			left = b.Count > 0
		case err := <-failed: // it tries again: on a busy machine the database is slow
			t.Log(err)
		case <-time.After(30 * time.Second): // without any sign of life
			t.Fatal("points still wait in the spool")
		}
	}
	stop()
	sum := func(measurement, field, more string) any {
		t.Helper()
		rows, err := x.Query(t.Context(), fmt.Sprintf(`from(bucket: "magpie/autogen") |> range(start: 2026-11-22T09:00:00Z, stop: 2026-11-22T12:00:00Z)
			|> filter(fn: (r) => r._measurement == %q and r._field == %q %s)`, measurement, field, more))
		check(t, err)
		if len(rows) != 1 {
			t.Fatalf("%s.%s: %d rows: %v", measurement, field, len(rows), rows)
		}
		return rows[0]["_value"]
	}
	for name, c := range map[string][2]any{
		"events.received": {sum("events", "received", `) |> sum(`), want},
		"points":          {sum("sources", "up", `) |> count(`), int64(240)},
		"alerts.opened":   {sum("alerts", "opened", `and r.policy == "_all" and r.zone_kind == "exit") |> sum(`), int64(alerts)},
		"confirmed":       {sum("alerts", "state", `and r.policy == "unpaid-exit" and r._value == "confirmed") |> count(`), int64(alerts)},
		"shrink.value":    {sum("shrink", "value", `) |> sum(`), 300.0},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: Flux says %v, want %v", name, c[0], c[1])
		}
	}
	if bad != 1 || lost != 0 {
		t.Errorf("%d bad points, want the one with the wrong type; %d lost", bad, lost)
	}
}
