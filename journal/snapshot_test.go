package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func snapshotAt(t testing.TB, j *Journal, offset int64, text string) SnapshotFile {
	t.Helper()
	n, err := j.WriteSnapshot(&Snapshot{Offset: offset, Received: at + offset, Version: 3, Layout: "sha256:l", Site: "sha256:s",
		Policies: []string{"sha256:p"}, Parts: [][]byte{[]byte(text), nil, {0, '\n', 255}}})
	if err != nil || n == 0 {
		t.Fatalf("%d bytes: %v", n, err)
	}
	all, err := j.Snapshots()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.Offset == offset {
			return f
		}
	}
	t.Fatalf("the snapshot of %d is not among %v", offset, all)
	return SnapshotFile{}
}

func offsets(t testing.TB, dir string) (all []int64) {
	t.Helper()
	files, err := ListSnapshots(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		all = append(all, f.Offset)
	}
	return all
}

// TestSnapshotFile: a snapshot is read as it was written; a byte that was changed or cut anywhere is told.
func TestSnapshotFile(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	write(t, j, "1")
	f := snapshotAt(t, j, 40, "what is known")
	s, err := f.Read()
	if err != nil || s.Offset != 40 || s.Received != at+40 || s.Version != 3 || s.Layout != "sha256:l" || s.Site != "sha256:s" ||
		fmt.Sprint(s.Policies) != "[sha256:p]" || len(s.Parts) != 3 || string(s.Parts[0]) != "what is known" || len(s.Parts[1]) != 0 || string(s.Parts[2]) != "\x00\n\xff" {
		t.Fatalf("read %+v: %v", s, err)
	}
	if found, err := FindSnapshot(dir, f.Hash); err != nil || found != f {
		t.Errorf("by its hash it is %v: %v", found, err)
	}
	if _, err := FindSnapshot(dir, "sha256:00"); err == nil || !strings.Contains(err.Error(), ".00.state") {
		t.Errorf("an unknown hash: %v", err)
	}
	whole, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		for _, b := range [][]byte{damaged, whole[:i]} {
			if err := os.WriteFile(f.Path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Read(); err == nil || !strings.Contains(err.Error(), "is damaged") {
				t.Fatalf("byte %d changed or cut: %v", i, err)
			}
		}
	}
}

func FuzzParseSnapshot(f *testing.F) {
	s := Snapshot{Offset: 7, Received: at, Parts: [][]byte{[]byte("abc"), nil}}
	f.Add(s.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSnapshot(b)
		if err != nil {
			return
		}
		again, err := ParseSnapshot(s.Append(nil))
		if err != nil || again.Offset != s.Offset || again.Received != s.Received || len(again.Parts) != len(s.Parts) {
			t.Errorf("%+v is read as %+v: %v", s, again, err)
		}
	})
}

// TestSnapshotsKept: the newest two stay, and those at the beginning of a segment; one takes the place of another there.
func TestSnapshotsKept(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{SegmentSize: 200})
	var begins []int64
	for i := range 12 {
		write(t, j, fmt.Sprint(i))
	}
	tail, err := j.Read(0)
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
			break
		}
		if e.First {
			begins = append(begins, e.Offset)
		}
	}
	if len(begins) < 4 || begins[0] != 0 {
		t.Fatalf("segments begin at %v", begins)
	}
	snapshotAt(t, j, begins[1], "old")
	snapshotAt(t, j, begins[1], "new")
	snapshotAt(t, j, begins[1]+1, "x")
	snapshotAt(t, j, begins[1]+2, "x")
	snapshotAt(t, j, begins[2], "x")
	snapshotAt(t, j, begins[2]+1, "x")
	snapshotAt(t, j, begins[2]+2, "x")
	if got, want := fmt.Sprint(offsets(t, dir)), fmt.Sprint([]int64{begins[1], begins[2], begins[2] + 1, begins[2] + 2}); got != want {
		t.Errorf("kept are %s, want %s", got, want)
	}
	f, err := ListSnapshots(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := f[0].Read(); err != nil || string(s.Parts[0]) != "new" {
		t.Errorf("at %d stands %q: %v", f[0].Offset, s.Parts[0], err)
	}
}

// TestHead: what retention leaves begins with the control line that names the state before it, whatever crash comes between;
// it goes with the segment behind it, offsets stay as they are, and snapshots of what was removed go.
func TestHead(t *testing.T) {
	dir := t.TempDir()
	o := Options{SegmentSize: 200, MaxBytes: 450}
	j := open(t, dir, o)
	for i := range 20 {
		write(t, j, fmt.Sprint(i))
	}
	var bases []int64
	for _, s := range j.segments {
		bases = append(bases, s.base)
	}
	files := map[int64]SnapshotFile{}
	for _, b := range bases[1:] {
		files[b] = snapshotAt(t, j, b, fmt.Sprint(b))
	}
	first := func(j *Journal, base int64) {
		t.Helper()
		oldest, end := j.Span()
		at, state := j.Head()
		if at != base || state != files[base].Hash || oldest >= base {
			t.Fatalf("the journal begins at %d, its lines at %d with the state %q; want them at %d with %q", oldest, at, state, base, files[base].Hash)
		}
		tail, err := j.Read(oldest)
		if err != nil {
			t.Fatal(err)
		}
		defer tail.Close()
		e, _, err := tail.TryNext()
		if err != nil || e.Line.Control == nil || e.Line.Control.State != files[base].Hash || e.Next != base || !e.First {
			t.Fatalf("it begins with %+v: %v", e, err)
		}
		e, _, err = tail.TryNext()
		if err != nil || e.Offset != base || !e.First {
			t.Fatalf("and goes on with %+v: %v", e, err)
		}
		for {
			e, ok, err := tail.TryNext()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if e.Next > end {
				t.Fatalf("a line goes on to %d, behind the end %d", e.Next, end)
			}
		}
	}
	if n, err := j.Trim(bases[2]); err != nil || n != bases[2] {
		t.Fatalf("%d bytes removed of %d: %v", n, bases[2], err)
	}
	first(j, bases[2])
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, o)
	first(j, bases[2])
	if n, err := j.Trim(bases[4]); err != nil || n < bases[4]-bases[2] {
		t.Fatalf("%d bytes removed from %d to %d: %v", n, bases[2], bases[4], err)
	}
	first(j, bases[4])
	if got := offsets(t, dir); got[0] != bases[4] {
		t.Errorf("snapshots of what was removed are kept: %v", got)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	// A crash after the removal and before the line is there.
	head, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(head[0]); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, o)
	first(j, bases[4])
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	// Without a snapshot, or with a damaged one, it begins as it did before there were any.
	if err := os.WriteFile(files[bases[5]].Path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, o)
	o.MaxBytes = 100
	j.o.MaxBytes = 100
	if _, err := j.Trim(bases[5]); err != nil {
		t.Fatal(err)
	}
	if oldest, _ := j.Span(); oldest != bases[5] {
		t.Errorf("it begins at %d, want %d", oldest, bases[5])
	}
	if _, state := j.Head(); state != "" {
		t.Errorf("it names the state %s", state)
	}
}

// TestSnapshotIsNoSegment: a snapshot beside the segments, also one that a crash has left half, does not keep the journal from opening.
func TestSnapshotIsNoSegment(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	write(t, j, "1")
	snapshotAt(t, j, 10, "x")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "snapshot.part"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, Options{Now: func() time.Time { return time.Unix(0, at+1) }})
	if got := payloads(t, j, 0); len(got) != 1 {
		t.Errorf("read %v", got)
	}
	snapshotAt(t, j, 20, "y")
	if got := fmt.Sprint(offsets(t, dir)); got != "[10 20]" {
		t.Errorf("snapshots of %s", got)
	}
}
