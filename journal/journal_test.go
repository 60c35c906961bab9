package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// open opens a journal that is closed with the test.
func open(t testing.TB, dir string, o Options) *Journal {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return time.Unix(0, at) }
	}
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func write(t testing.TB, j *Journal, payload string) int64 {
	t.Helper()
	offset, err := j.Write(t.Context(), Line{Topic: "t", Payload: []byte(payload)})
	if err != nil {
		t.Fatal(err)
	}
	return offset
}

// payloads reads everything durable from an offset on.
func payloads(t testing.TB, j *Journal, from int64) (all []string) {
	t.Helper()
	tail, err := j.Read(from)
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	for {
		e, ok, err := tail.TryNext()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, string(e.Line.Payload))
	}
}

func TestAppendReadFollow(t *testing.T) {
	dir := t.TempDir()
	var now atomic.Int64
	now.Store(at)
	o := Options{Now: func() time.Time { return time.Unix(0, now.Load()) }, SegmentSize: 200, Drop: []string{"member"}}
	j := open(t, dir, o)
	tail, err := j.Read(0)
	if err != nil {
		t.Fatal(err)
	}
	var offsets []int64
	for i := range 10 {
		if i == 5 {
			now.Add(-int64(time.Hour)) // the clock is set back
		}
		offsets = append(offsets, write(t, j, fmt.Sprintf(`{"n":%d,"member":"m"}`, i)))
	}
	var last int64
	for i := range 10 {
		e, err := tail.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e.Offset != offsets[i] || string(e.Line.Payload) != fmt.Sprintf(`{"n":%d}`, i) || !e.Line.Cut || e.Line.Received < last {
			t.Errorf("line %d: %+v", i, e)
		}
		last = e.Line.Received
	}
	if got := payloads(t, j, offsets[7]); len(got) != 3 || got[0] != `{"n":7}` {
		t.Errorf("from the eighth line: %q", got)
	}
	// A reader that waits is woken, and a closed journal ends it.
	next := make(chan string)
	go func() {
		for {
			e, err := tail.Next(context.Background())
			if err != nil {
				next <- err.Error()
				return
			}
			next <- string(e.Line.Payload)
		}
	}()
	write(t, j, `"later"`)
	if got := <-next; got != `"later"` {
		t.Errorf("the reader that waited got %s", got)
	}
	if _, err := Open(dir, o); err == nil || !strings.Contains(err.Error(), "another magpie writes here") {
		t.Errorf("opened twice: %v", err)
	}
	j.Close()
	if got := <-next; got != io.EOF.Error() {
		t.Errorf("after the end: %s", got)
	}
	if _, err := j.Write(t.Context(), Line{}); !errors.Is(err, ErrClosed) {
		t.Errorf("written after it was closed: %v", err)
	}
	// Received does not fall over a restart either, and offsets go on.
	j = open(t, dir, o)
	offset := write(t, j, `"restarted"`)
	again, err := j.Read(offset)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := again.Next(t.Context()); err != nil || e.Line.Received < last {
		t.Errorf("received fell from %d to %d, %v", last, e.Line.Received, err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if len(files) < 5 {
		t.Errorf("11 lines of about 90 bytes in segments of 200 made %d files", len(files))
	}
}

// TestCrashAnywhere cuts a journal's file at every byte, and writes rubbish there, as a crash or a power cut may: every
// line before stays, what is torn goes, and the journal writes on.
func TestCrashAnywhere(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	var offsets []int64
	for i := range 4 {
		offsets = append(offsets, write(t, j, `{"n":`+strconv.Itoa(i)+`}`))
	}
	_, end := j.Span()
	text, err := os.ReadFile(segmentPath(j.dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	offsets = append(offsets, end)
	for _, rubbish := range []string{"", "\x00\x00\x00", "{\"received\":\n\x00\n"} {
		for at := offsets[2]; at <= end; at++ {
			whole := 0
			for _, o := range offsets[1:] {
				if o <= at {
					whole++
				}
			}
			dir := t.TempDir()
			if err := os.WriteFile(segmentPath(dir, 0), []byte(string(text[:at])+rubbish), 0o600); err != nil {
				t.Fatal(err)
			}
			j := open(t, dir, Options{Sync: 1})
			write(t, j, `"on"`)
			got := payloads(t, j, 0)
			if len(got) != whole+1 || got[whole-1] != `{"n":`+strconv.Itoa(whole-1)+`}` || got[whole] != `"on"` {
				t.Fatalf("cut at %d of %d with %q behind: %q", at, end, rubbish, got)
			}
			j.Close()
		}
	}
}

func TestDamageIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	write(t, j, `1`)
	second := write(t, j, `2`)
	write(t, j, `3`)
	j.Close()
	text, _ := os.ReadFile(segmentPath(dir, 0))
	text[second+3] = 'X'
	if err := os.WriteFile(segmentPath(dir, 0), text, 0o600); err != nil {
		t.Fatal(err)
	}
	var damaged []int64
	j = open(t, dir, Options{Hooks: Hooks{Damaged: func(at int64, err error) { damaged = append(damaged, at) }}})
	if got := payloads(t, j, 0); len(got) != 2 || got[1] != "3" || len(damaged) != 1 || damaged[0] != second {
		t.Errorf("read %q, damaged %v", got, damaged)
	}
}

func TestTrim(t *testing.T) {
	var now atomic.Int64
	now.Store(at)
	dir := t.TempDir()
	j := open(t, dir, Options{Now: func() time.Time { return time.Unix(0, now.Load()) }, SegmentAge: time.Minute, MaxAge: time.Hour, MaxBytes: 1000})
	var offsets []int64
	for range 5 {
		offsets = append(offsets, write(t, j, `1`))
		now.Add(int64(2 * time.Minute))
	}
	trim := func(consumed int64, want int) {
		t.Helper()
		removed, err := j.Trim(consumed)
		files, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
		if err != nil || len(files) != want {
			t.Errorf("trimmed %d bytes, %d files left, wanted %d, %v", removed, len(files), want, err)
		}
	}
	_, end := j.Span()
	trim(end, 5) // neither old nor too big
	now.Store(at + int64(time.Hour+5*time.Minute))
	trim(offsets[1], 4) // two are old, one of them not consumed
	trim(end, 3)
	oldest, _ := j.Span()
	if oldest != offsets[2] {
		t.Errorf("the oldest line is at %d, not %d", oldest, offsets[2])
	}
	var trimmed *TrimmedError
	if _, err := j.Read(0); !errors.As(err, &trimmed) || trimmed.Oldest != oldest {
		t.Errorf("read from what is gone: %v", err)
	}
	now.Store(at + int64(20*time.Minute))
	write(t, j, `"`+strings.Repeat("x", 900)+`"`)
	_, end = j.Span()
	trim(end, 1) // by bytes
}

// TestClockBehind sets the clock an hour ahead and right again: received stands still for that hour, which is told when
// it begins, again after a restart, and when it ends.
func TestClockBehind(t *testing.T) {
	dir := t.TempDir()
	var now atomic.Int64
	now.Store(at)
	told := make(chan time.Duration, 10)
	var said strings.Builder // of the writer goroutine, until the journal is closed
	o := Options{Now: func() time.Time { return time.Unix(0, now.Load()) }, Hooks: Hooks{Clock: func(d time.Duration) { told <- d }},
		Log: slog.New(slog.NewTextHandler(&said, nil))}
	expect := func(want ...time.Duration) {
		t.Helper()
		for _, w := range want {
			select {
			case d := <-told:
				if d != w {
					t.Fatalf("told %v, want %v", d, w)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("not told %v", w)
			}
		}
		if len(told) > 0 {
			t.Fatalf("told %v too", <-told)
		}
	}
	j := open(t, dir, o)
	write(t, j, "1")
	now.Add(-int64(5 * time.Second)) // as a time server may
	write(t, j, "2")
	now.Add(int64(time.Hour))
	write(t, j, "3")
	now.Add(-int64(time.Hour - time.Second))
	write(t, j, "4")
	expect(time.Hour - time.Second)
	write(t, j, "5")
	j.Close()
	expect()
	if !strings.Contains(said.String(), "set the clock right") || !strings.Contains(said.String(), "behind=59m59s") {
		t.Errorf("the log says\n%s", said.String())
	}
	j = open(t, dir, o)
	expect(time.Hour - time.Second)
	now.Add(int64(time.Hour - 2*time.Second))
	write(t, j, "6") // a second short
	now.Add(int64(time.Second))
	write(t, j, "7")
	expect(0)
	j.Close()
	open(t, dir, o)
	expect()
}

func TestTick(t *testing.T) {
	j := open(t, t.TempDir(), Options{Tick: time.Millisecond, Sync: 1})
	tail, err := j.Read(0)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e, err := tail.Next(t.Context()); err != nil || e.Line.Control == nil || e.Line.Control.Kind != ControlTick {
			t.Errorf("%+v, %v", e, err)
		}
	}
}

func TestGroupCommit(t *testing.T) {
	var syncs, appended atomic.Int64
	j := open(t, t.TempDir(), Options{Sync: 20 * time.Millisecond, Hooks: Hooks{
		Synced:   func(time.Duration) { syncs.Add(1) },
		Appended: func(lines, bytes int) { appended.Add(int64(lines)) },
	}})
	var wait sync.WaitGroup
	var before int64 = -1
	for range 2000 {
		wait.Add(1)
		j.Append(Line{Topic: "t", Payload: []byte("1")}, func(offset int64, err error) {
			if err != nil || offset <= before {
				t.Errorf("offset %d after %d, %v", offset, before, err)
			}
			before = offset
			wait.Done()
		})
	}
	wait.Wait()
	if appended.Load() != 2000 || syncs.Load() > 200 {
		t.Errorf("%d lines took %d syncs", appended.Load(), syncs.Load())
	}
}

// TestKill ends a process that appends with SIGKILL and finds in its journal every line that it was told is durable.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]bool{}
	for run := range 3 {
		cmd := child(t, "append", dir, strconv.Itoa(run))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(out)
		for n := 0; n < 300 && in.Scan(); n++ {
			acked[in.Text()] = true
		}
		cmd.Process.Kill()
		for in.Scan() {
			acked[in.Text()] = true
		}
		cmd.Wait()
	}
	if len(acked) < 900 {
		t.Fatalf("only %d lines were acknowledged", len(acked))
	}
	j := open(t, dir, Options{})
	for _, p := range payloads(t, j, 0) {
		delete(acked, p)
	}
	if len(acked) > 0 {
		t.Errorf("%d acknowledged lines are lost: %v", len(acked), acked)
	}
}

// TestFull writes until a limit of the kernel refuses: the error reaches whoever appended, what was acknowledged stays,
// and with room again the journal goes on.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	out, err := child(t, "full", dir, "").CombinedOutput()
	if errors.Is(err, errors.ErrUnsupported) || strings.Contains(string(out), "SKIP") {
		t.Skipf("no file size limit here: %s", out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var acked, failed, hooked int
	if _, err := fmt.Sscanf(string(out), "acked %d failed %d hooked %d", &acked, &failed, &hooked); err != nil || acked < 10 || failed == 0 || hooked != failed {
		t.Fatalf("%s, %v", out, err)
	}
	j := open(t, dir, Options{})
	if got := payloads(t, j, 0); len(got) != acked {
		t.Errorf("%d lines acknowledged, %d found", acked, len(got))
	}
}

func child(t *testing.T, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "JOURNAL_CHILD="+strings.Join(args, "|"))
	return cmd
}

// TestMain runs the child processes of TestKill and TestFull.
func TestMain(m *testing.M) {
	args := strings.Split(os.Getenv("JOURNAL_CHILD"), "|")
	switch args[0] {
	case "append":
		j, err := Open(args[1], Options{Now: time.Now, Sync: time.Microsecond, SegmentSize: 20_000})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for i := 0; ; i++ {
			payload := fmt.Sprintf(`"%s-%d"`, args[2], i)
			j.Append(Line{Topic: "t", Payload: []byte(payload)}, func(_ int64, err error) {
				if err == nil {
					fmt.Println(payload)
				}
			})
		}
	case "full":
		os.Exit(fillUp(args[1]))
	default:
		os.Exit(m.Run())
	}
}

func BenchmarkAppend(b *testing.B) {
	j := open(b, b.TempDir(), Options{Now: time.Now})
	l := Line{Topic: "magpie/v1/s042/rfid/r-door", Payload: []byte(`{"ts":"2026-11-22T10:00:00.123Z","seq":881,"epc":"303404579800D6800004CB2F","antenna":1,"rssi":-54.5}`)}
	var wait sync.WaitGroup
	b.ReportAllocs()
	for b.Loop() {
		wait.Add(1)
		j.Append(l, func(int64, error) { wait.Done() })
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkRead(b *testing.B) {
	j := open(b, b.TempDir(), Options{Now: time.Now})
	for range 10_000 {
		j.Append(Line{Topic: "magpie/v1/s042/rfid/r-door", Payload: []byte(`{"ts":"2026-11-22T10:00:00.123Z","seq":881,"epc":"303404579800D6800004CB2F","antenna":1,"rssi":-54.5}`)}, nil)
	}
	if _, err := j.Write(b.Context(), Line{Topic: "t", Payload: []byte("1")}); err != nil {
		b.Fatal(err)
	}
	var tail *Tail
	for b.Loop() {
		if tail != nil {
			if _, ok, err := tail.TryNext(); err != nil {
				b.Fatal(err)
			} else if ok {
				continue
			}
			tail.Close()
		}
		var err error
		if tail, err = j.Read(0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
