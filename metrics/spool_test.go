package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"magpie/metrics"
)

func open(t testing.TB, dir string, bound int64, h metrics.SpoolHooks) *metrics.Spool {
	t.Helper()
	s, err := metrics.OpenSpool(dir, bound, h)
	check(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func lines(from, to int) []byte {
	var b []byte
	for i := from; i < to; i++ {
		b = fmt.Appendf(b, "m v=%di %d\n", i, i)
	}
	return b
}

// drain reads all there is and marks it done when asked to.
func drain(t testing.TB, s *metrics.Spool, done bool) string {
	t.Helper()
	var all strings.Builder
	for {
		b, err := s.Next(7, 100)
		check(t, err)
		all.Write(b.Lines)
		if b.Count == 0 || !done {
			return all.String()
		}
		check(t, s.Done(b))
	}
}

// After a crash at any byte of the tail every line whose Append returned is there, and no torn one.
func TestSpoolTornTail(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 1<<20, metrics.SpoolHooks{})
	check(t, s.Append(lines(0, 20)))
	names, _ := filepath.Glob(filepath.Join(dir, "0*.lp"))
	whole, err := os.ReadFile(names[0])
	check(t, err)
	torn := lines(20, 21)
	for cut := range torn {
		check(t, os.WriteFile(names[0], append(slices.Clone(whole), torn[:cut]...), 0o600))
		s, err := metrics.OpenSpool(dir, 1<<20, metrics.SpoolHooks{})
		check(t, err)
		check(t, s.Append(lines(30, 31)))
		if got, want := drain(t, s, true), string(lines(0, 20))+string(lines(30, 31)); got != want {
			t.Fatalf("cut at %d: got %q", cut, got)
		}
		check(t, s.Close())
		check(t, os.Remove(filepath.Join(dir, "cursor.json")))
	}
}

func TestSpoolResumes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 64<<10, metrics.SpoolHooks{})
	next := 0
	for i := range 40 { // several segments
		check(t, s.Append(lines(i*100, i*100+100)))
		if i%3 == 0 {
			b, err := s.Next(150, 1<<20)
			check(t, err)
			if want := string(lines(next, next+b.Count)); string(b.Lines) != want {
				t.Fatalf("round %d: got %.60q, want %.60q", i, b.Lines, want)
			}
			next += b.Count
			check(t, s.Done(b))
		}
		if i%5 == 0 {
			check(t, s.Close())
			s = open(t, dir, 64<<10, metrics.SpoolHooks{})
		}
	}
	if got := drain(t, s, true); got != string(lines(next, 4000)) {
		t.Fatalf("after restarts got %d bytes, want lines %d to 4000", len(got), next)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "0*.lp")); len(names) != 1 {
		t.Errorf("read segments stay on disk: %v", names)
	}
}

// At the bound the oldest lines go, are counted, and nothing else is lost.
func TestSpoolBound(t *testing.T) {
	lost, held := 0, int64(0)
	dir := t.TempDir()
	s := open(t, dir, 64<<10, metrics.SpoolHooks{Lost: func(n int) { lost += n }, Bytes: func(h, _ int64) { held = h }})
	check(t, s.Append(lines(0, 10)))
	read, err := s.Next(5, 1<<20)
	check(t, err)
	check(t, s.Done(read)) // read lines are not lost when their segment goes
	old, err := s.Next(10, 1<<20)
	check(t, err)
	for i := 10; i < 10_000; i += 10 {
		check(t, s.Append(lines(i, i+10)))
		if held > 64<<10 {
			t.Fatalf("%d bytes held, over the bound", held)
		}
	}
	check(t, s.Done(old)) // its segment is gone: must not mark anything else
	if got := drain(t, s, true); got != string(lines(lost+5, 10_000)) || lost == 0 {
		t.Fatalf("lost %d, left %.40q", lost, got)
	}
	if err := s.Append([]byte(strings.Repeat("x", 64<<10) + "\n")); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("more at once than the bound: %v", err)
	}
	if err := s.Append([]byte("no end")); err == nil {
		t.Error("half a line was taken")
	}
}

// A new segment whose file is there already is begun all the same.
func TestSpoolAfterAFailedSegment(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 800, metrics.SpoolHooks{})
	check(t, s.Append(lines(0, 5)))
	// What an attempt has left that could not sync the directory.
	check(t, os.WriteFile(filepath.Join(dir, "0000000000000002.lp"), nil, 0o600))
	check(t, s.Append(lines(5, 12)))
	if got := drain(t, s, true); got != string(lines(0, 12)) {
		t.Errorf("%s", got)
	}
}

// The database is away for 30 s, then refuses one line, then throttles: all other lines arrive, in order.
func TestWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, bad := t.TempDir(), 0
		s := open(t, dir, 1<<20, metrics.SpoolHooks{Bad: func(n int) { bad += n }})
		start := time.Now()
		var got []string
		down, refused := 0, 0
		write := func(_ context.Context, batch string) error {
			if at := time.Since(start); at > 5*time.Second && at < 35*time.Second {
				down++
				return metrics.WriteError{Err: errors.New("connection refused")}
			}
			if strings.Contains(batch, "v=1234i") {
				refused++
				return metrics.WriteError{Err: errors.New("field type conflict"), Refused: true}
			}
			got = append(got, strings.Split(batch, "\n")...)
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			metrics.RunWriter(ctx, s, write, metrics.WriterOptions{FirstWait: time.Second, LongestWait: 4 * time.Second, BatchLines: 100, Jitter: func() float64 { return 1 }})
			close(done)
		}()
		for i := range 200 {
			check(t, s.Append(lines(i*10, i*10+10)))
			<-time.After(200 * time.Millisecond)
		}
		<-time.After(10 * time.Second)
		cancel()
		<-done
		want := strings.Fields(strings.ReplaceAll(string(lines(0, 1234))+string(lines(1235, 2000)), " ", "_"))
		if g := strings.Fields(strings.ReplaceAll(strings.Join(got, "\n"), " ", "_")); !slices.Equal(g, want) {
			t.Errorf("got %d lines, want %d", len(g), len(want))
		}
		b, err := os.ReadFile(filepath.Join(dir, "bad.lp"))
		if err != nil || string(b) != "# field type conflict\nm v=1234i 1234\n" || bad != 1 {
			t.Errorf("bad file %q (%v), counted %d", b, err, bad)
		}
		if down < 8 || down > 10 { // after 1, 2, 4, 4 … s
			t.Errorf("%d tries in 30 s", down)
		}
		if refused > 20 {
			t.Errorf("%d tries to find one bad line", refused)
		}
	})
}

// What each answer of a database means, through the real client.
func TestInfluxAnswers(t *testing.T) {
	var status int
	var header string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if header != "" {
			w.Header().Set("Retry-After", header)
		}
		if r.URL.Query().Get("bucket") != "magpie" || r.URL.Query().Get("precision") != "ns" || r.Header.Get("Authorization") != "Token secret" {
			t.Errorf("request %s %s", r.URL, r.Header)
		}
		w.WriteHeader(status)
	}))
	x := metrics.NewInflux(srv.URL, "shop", "magpie", "secret")
	defer x.Close()
	for _, c := range []struct {
		status  int
		header  string
		ok      bool
		refused bool
		after   time.Duration
	}{{204, "", true, false, 0}, {400, "", false, true, 0}, {413, "", false, true, 0}, {422, "", false, true, 0}, {401, "", false, false, 0},
		{403, "", false, false, 0}, {404, "", false, false, 0}, {429, "7", false, false, 7 * time.Second}, {503, "", false, false, 0}, {500, "", false, false, 0}} {
		status, header = c.status, c.header
		err := x.Write(t.Context(), "m v=1i 1")
		var we metrics.WriteError
		if c.ok != (err == nil) || err != nil && (!errors.As(err, &we) || we.Refused != c.refused || we.After != c.after || !strings.Contains(err.Error(), srv.URL)) {
			t.Errorf("%d: %#v", c.status, err)
		}
	}
	srv.Close()
	var we metrics.WriteError
	if err := x.Write(t.Context(), "m v=1i 1"); !errors.As(err, &we) || we.Refused {
		t.Errorf("a database that is away: %v", err)
	}
	if err := x.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), srv.URL) {
		t.Errorf("Ready: %v", err)
	}
}

func BenchmarkSpoolAppend(b *testing.B) {
	s := open(b, b.TempDir(), 1<<30, metrics.SpoolHooks{})
	batch := lines(0, 1000)
	b.SetBytes(int64(len(batch)))
	for b.Loop() {
		check(b, s.Append(batch))
	}
}
