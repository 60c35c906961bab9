package main

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/dashboard"
	"magpie/journal"
	"magpie/journal/state"
	"magpie/metrics"
	"magpie/sim"
	"magpie/site"
)

// shopSite is the corner shop that the policies are tried on.
const shopSite = "../../rules/testdata/contract/testdata/corner-shop.yaml"

// lone is a data directory, and what `magpie run` keeps and does there without broker and page.
type lone struct {
	t    *testing.T
	dir  string
	site *site.Site
	log  bytes.Buffer
	prom *metrics.Prometheus
}

// journalAt opens the journal with segments of 64 KiB. It takes lines for received when they say.
func (s *lone) journalAt(at *int64, most int64) *journal.Journal {
	s.t.Helper()
	j, err := journal.Open(filepath.Join(s.dir, "journal"), journal.Options{Now: func() time.Time { return time.Unix(0, *at) },
		Sync: time.Nanosecond, SegmentSize: 64 << 10, MaxBytes: most, Log: slog.New(slog.NewTextHandler(&s.log, nil))})
	must(s.t, err)
	return j
}

// write appends lines to the journal.
func (s *lone) write(lines []journal.Line) {
	s.t.Helper()
	var at int64
	j := s.journalAt(&at, 0)
	if _, end := j.Span(); end == 0 {
		at = lines[0].Received
		_, err := j.Write(s.t.Context(), journal.Line{Control: &journal.Control{Kind: journal.ControlState, State: journal.StateEmpty}})
		must(s.t, err)
	}
	for i := range lines {
		at = lines[i].Received
		_, err := j.Write(s.t.Context(), lines[i])
		must(s.t, err)
	}
	must(s.t, j.Close())
}

// later is after all that any of these journals has received.
func later() *int64 {
	at := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	return &at
}

// follow is one process that reads the journal to its end. It gives what it knew in the end, without and with the numbers
// for the database, and from where it read.
func (s *lone) follow(every time.Duration) (known, numbers []byte, l *live) {
	s.t.Helper()
	j := s.journalAt(later(), 0)
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	now := func() time.Time { return time.Unix(0, 0) } // no line is older than the process
	o, err := alerts.OpenOutbox(filepath.Join(s.dir, "outbox.db"), nil, alerts.OutboxOptions{Now: now})
	must(s.t, err)
	defer o.Close()
	_, end := j.Span()
	p := openPlace(s.dir, end, log)
	r := newRejections(nil, p, log)
	s.prom = metrics.NewPrometheus("", "0", "0")
	l, err = newLive(&live{site: s.site, log: log, journal: j, sets: newSetStore(filepath.Join(s.dir, "policies"), s.site), outbox: o,
		hub: dashboard.NewHub(1), recent: newRecent(), health: newSourceHealth(s.site.Store), place: p, now: now, errw: io.Discard,
		trouble: &trouble{}, numbers: newNumbers(s.site, s.prom, nil, now, log), rejections: r,
		snapshots: newSnapshots(j, p, r, s.prom, log), every: every})
	must(s.t, err)
	must(s.t, l.restore())
	must(s.t, j.Close())
	if err := l.follow(s.t.Context()); !errors.Is(err, io.EOF) {
		s.t.Fatal(err)
	}
	all := l.state()
	numbers, err = new(state.Codec).Append(nil, all)
	must(s.t, err)
	all.numbers = nil // what a line that is read again makes of them is thrown away
	known, err = new(state.Codec).Append(nil, all)
	must(s.t, err)
	return known, numbers, l
}

// shopJournal is a journal's worth of a busy corner shop, and what is in it.
func shopJournal(t *testing.T, s *site.Site, minutes float64) []journal.Line {
	t.Helper()
	lines, err := sim.Random(4, s, sim.RandomOptions{Minutes: minutes, People: int(4 * minutes), Noise: 1})
	must(t, err)
	all := journalLines(t, lines)
	set, err := loadPolicies("", s)
	must(t, err)
	first := journal.Line{Received: all[0].Received, Control: &journal.Control{Kind: journal.ControlPolicies, Hash: set.Hash}}
	return append([]journal.Line{first}, all...)
}

func newLone(t *testing.T) *lone {
	t.Helper()
	s, err := site.Load(shopSite)
	must(t, err)
	st := &lone{t: t, dir: t.TempDir(), site: s}
	_, err = newSetStore(filepath.Join(st.dir, "policies"), s).load("")
	must(t, err)
	return st
}

func replayText(t *testing.T, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	must(t, runReplay(t.Context(), append([]string{"--site", shopSite}, args...), &o, &e))
	return o.String(), e.String()
}

// TestGoesOn: processes that one after another go on from a snapshot know in the end what one knows that has read it all:
// alerts, numbers for the database, gaps, what the page shows. Each reads only what is new to it.
func TestGoesOn(t *testing.T) {
	one, some := newLone(t), newLone(t)
	lines := shopJournal(t, one.site, 2)
	one.write(lines)
	_, want, whole := one.follow(time.Hour)
	for k := range 4 {
		some.write(lines[k*len(lines)/4 : (k+1)*len(lines)/4])
		_, got, l := some.follow(20 * time.Second)
		files, err := l.journal.Snapshots()
		must(t, err)
		if newest := files[len(files)-1]; newest.Offset != l.place.read() || k > 0 && (l.from == 0 || l.from >= newest.Offset) {
			t.Fatalf("process %d read from %d to %d; the newest snapshot is of %d", k+1, l.from, l.place.read(), newest.Offset)
		}
		if k == 3 && !bytes.Equal(got, want) {
			t.Errorf("what the last of four processes knows differs: %d and %d bytes; alerts %d and %d, gaps %v and %v",
				len(got), len(want), len(l.recent.order), len(whole.recent.order), l.gaps, whole.gaps)
		}
	}
	known := whole.recent.since(0)
	if len(known) < 2 {
		t.Fatalf("there were %d alerts", len(known))
	}
	oldest, kept := known[0].last.At, 0
	for _, k := range known {
		oldest = min(oldest, k.last.At)
	}
	for _, k := range known {
		if k.last.At > oldest {
			kept++
		}
	}
	whole.received = oldest + int64(one.site.Privacy.Keep.Recordings) + 1
	if got := whole.state().recent; kept == 0 || len(got) != kept {
		t.Errorf("of %d alerts of which %d are older than the journal goes back %d are kept", len(known), len(known)-kept, len(got))
	}
}

// TestGoesOnWithout: a snapshot that is damaged, of another site or another build, or ahead of what was carried out is not
// used: the one before it is, or the journal is read from its oldest line, and that is told.
func TestGoesOnWithout(t *testing.T) {
	st := newLone(t)
	st.write(shopJournal(t, st.site, 0.7))
	want, _, _ := st.follow(20 * time.Second)
	newest := func() []journal.SnapshotFile {
		files, err := journal.ListSnapshots(filepath.Join(st.dir, "journal"))
		must(t, err)
		if len(files) < 2 {
			t.Fatalf("only %d snapshots", len(files))
		}
		return files
	}
	again := func(why string, from int64) {
		t.Helper()
		st.log.Reset()
		got, _, l := st.follow(time.Hour)
		if l.from != from || !bytes.Equal(got, want) || !strings.Contains(st.log.String(), why) {
			t.Errorf("%s: read from %d, want %d; the same is known: %v; told:\n%s", why, l.from, from, bytes.Equal(got, want), st.log.String())
		}
	}
	files := newest()
	last, before := files[len(files)-1], files[len(files)-2]
	again("goes on from a snapshot", last.Offset)

	whole, err := os.ReadFile(last.Path)
	must(t, err)
	must(t, os.WriteFile(last.Path, append([]byte("{"), whole[1:len(whole)-1]...), 0o644))
	again("is damaged", before.Offset)
	must(t, os.WriteFile(last.Path, whole, 0o644))

	place, err := os.ReadFile(filepath.Join(st.dir, "place"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(st.dir, "place"), []byte("17\n"), 0o644)) // a rejection waits there
	again("", 0)
	must(t, os.WriteFile(filepath.Join(st.dir, "place"), place, 0o644))

	for _, x := range []struct {
		why    string
		change func(s *journal.Snapshot)
	}{
		{"a table that it names, was changed since", func(s *journal.Snapshot) { s.Site = "sha256:other" }},
		{"another layout", func(s *journal.Snapshot) { s.Layout = "sha256:other" }},
		{"another layout", func(s *journal.Snapshot) { s.Parts[partLayout] = []byte("sha256:other") }},
		{"this build's are of", func(s *journal.Snapshot) { s.Version++ }},
		{"has the hash", func(s *journal.Snapshot) {
			s.Parts[partSets] = bytes.Replace(s.Parts[partSets], []byte(`"sha256:`), []byte(`"sha256:0`), 1)
		}},
		{"state: byte", func(s *journal.Snapshot) { s.Parts[partCore] = s.Parts[partCore][:len(s.Parts[partCore])/2] }},
		{"the journal is read from", func(s *journal.Snapshot) { s.Parts = nil }},
	} {
		for _, f := range newest() {
			s, err := f.Read()
			must(t, err)
			must(t, os.Remove(f.Path))
			x.change(s)
			j := st.journalAt(later(), 0)
			_, err = j.WriteSnapshot(s)
			must(t, err)
			must(t, j.Close())
		}
		again(x.why, 0)
	}
	if !strings.Contains(scrape(st.prom), "magpie_snapshots_refused_total ") || strings.Contains(scrape(st.prom), "magpie_snapshots_refused_total 0") {
		t.Error("refusals are not counted")
	}
}

// FuzzResume: whatever the bytes of a state, a pipeline goes on from it or says why it cannot; it takes little more memory
// than they are.
func FuzzResume(f *testing.F) {
	w := contractWorld(f)
	p, err := newPipeline(w.site, w.set, func(*alerts.Alert) {}, pipelineHooks{})
	if err != nil {
		f.Fatal(err)
	}
	lines, err := sim.Random(2, w.site, sim.RandomOptions{Minutes: 0.3, People: 3, Noise: 1})
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range journalLines(f, lines) {
		p.line(&l)
	}
	core, sets, err := p.freeze()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(core)
	f.Add(core[:len(core)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := newPipeline(w.site, nil, nil, pipelineHooks{})
		must(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = n.thaw(b, sets) // what is wrong with it is not the question here
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(100*len(b)+4<<20) {
			t.Errorf("%d bytes take %d of the heap", len(b), took)
		}
	})
}

// TestHeadless: when retention has removed the beginning of a journal, what is left begins with the state before it: a
// restart and a replay judge it as they would judge it all.
func TestHeadless(t *testing.T) {
	st := newLone(t)
	lines := shopJournal(t, st.site, 3)
	st.write(lines)
	want, _, _ := st.follow(30 * time.Second)
	dir, sets := filepath.Join(st.dir, "journal"), filepath.Join(st.dir, "policies")
	all, _ := replayText(t, "--as-recorded", sets, dir)
	allFinal, _ := replayText(t, "--final", dir)
	j := st.journalAt(later(), 150<<10)
	_, end := j.Span()
	if n, err := j.Trim(end); err != nil || n == 0 {
		t.Fatalf("%d bytes were removed: %v", n, err)
	}
	oldest, end2 := j.Span()
	must(t, j.Close())
	if end2 != end || oldest == 0 {
		t.Fatalf("the journal goes from %d to %d, it ended at %d", oldest, end2, end)
	}
	scores := filepath.Join(st.dir, "scores")
	left, told := replayText(t, "--as-recorded", sets, "--scores", scores, dir)
	if b, err := os.ReadFile(scores); err != nil || len(b) == 0 {
		t.Errorf("no visit is scored: %v", err)
	}
	if left == "" || len(left) >= len(all) || !strings.HasSuffix(all, left) || !strings.Contains(told, "goes on from the state sha256:") {
		t.Errorf("the journal without its head prints\n%s\nnot the end of\n%s\n%s", left, all, told)
	}
	if left, _ := replayText(t, "--final", dir); left == "" || !strings.HasSuffix(allFinal, left) {
		t.Errorf("without --as-recorded it prints\n%s\nnot the end of\n%s", left, allFinal)
	}

	// Without any other snapshot, a restart begins with that of the head.
	files, err := journal.ListSnapshots(dir)
	must(t, err)
	head, _ := journalHead(t, dir)
	for _, f := range files {
		if f.Hash != head {
			must(t, os.Remove(f.Path))
		}
	}
	if got, _, l := st.follow(time.Hour); l.from == 0 || !bytes.Equal(got, want) {
		t.Errorf("a restart read from %d; it knows the same: %v", l.from, bytes.Equal(got, want))
	}

	// And without that it says so, and a replay does.
	files, err = journal.ListSnapshots(dir)
	must(t, err)
	for _, f := range files {
		must(t, os.Remove(f.Path))
	}
	if _, told := replayText(t, dir); !strings.Contains(told, "begins EMPTY") || !strings.Contains(told, "has no snapshot "+head) {
		t.Errorf("a replay without the state says\n%s", told)
	}
	st.log.Reset()
	if _, _, l := st.follow(time.Hour); l.from != oldest || !strings.Contains(st.log.String(), "cannot be restored") {
		t.Errorf("a restart without the state reads from %d and says\n%s", l.from, st.log.String())
	}
}

// journalHead is the state that a journal's first line names.
func journalHead(t *testing.T, dir string) (string, journal.Line) {
	t.Helper()
	r, err := openSegments(dir)
	must(t, err)
	defer r.Close()
	l, err := r.Next()
	must(t, err)
	if !begins(&l) {
		t.Fatalf("the journal begins with %s", l.Append(nil))
	}
	return l.Control.State, l
}

func scrape(m *metrics.Prometheus) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// TestAlertPointsAfterAKill: an alert that was delivered, and whose point still waited for its interval to end, is in the numbers of a
// process that reads its line again, though that line was carried out.
func TestAlertPointsAfterAKill(t *testing.T) {
	one := newLone(t)
	lines := shopJournal(t, one.site, 2)
	one.write(lines)
	_, _, whole := one.follow(time.Hour)
	points := func(l *live) int { return strings.Count(string(l.numbers.agg.Flush(math.MaxInt64)), "alerts,") }
	for _, id := range whole.recent.order {
		two := newLone(t)
		until, _ := slices.BinarySearchFunc(lines, whole.recent.known[id].last.RaisedAt+1, func(l journal.Line, at int64) int { return cmp.Compare(l.Received, at) })
		two.write(lines[:until])
		_, _, l := two.follow(time.Hour)
		want := points(l)
		if want == 0 {
			continue
		}
		snapshots, err := l.journal.Snapshots()
		must(t, err)
		for _, s := range snapshots {
			must(t, os.Remove(s.Path))
		}
		must(t, os.WriteFile(filepath.Join(two.dir, "place"), []byte(strconv.FormatInt(l.place.read(), 10)), 0o600))
		_, _, l = two.follow(time.Hour)
		if got := points(l); got != want {
			t.Errorf("%d points of alerts wait in a process that reads the line again; %d waited in the one that was killed", got, want)
		}
		return
	}
	t.Error("no point waited")
}
