package journal

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Snapshot is what was known between two lines of a journal: who has it goes on with the line at Offset as if it had read
// all lines before. Its file lies beside the segments; one header line in JSON, then the parts.
type Snapshot struct {
	Offset   int64    // of the line after those that are in it
	Received int64    // of the newest of those, ns
	Version  int      // of what the parts mean, beside their layout
	Layout   string   // a hash of the types that the parts hold
	Site     string   // the hash of the site
	Policies []string // the hashes of the policy sets that the parts refer to
	Parts    [][]byte
}

// SnapshotFile is a snapshot on disk. Its name has the offset and the SHA-256 of its bytes.
type SnapshotFile struct {
	Offset int64
	Hash   string // sha256:…
	Path   string
}

// snapshotHeader is the first line of the file.
type snapshotHeader struct {
	Magpie   string   `json:"magpie"`
	Version  int      `json:"version"`
	Offset   int64    `json:"offset"`
	Received string   `json:"received"`
	Site     string   `json:"site"`
	Layout   string   `json:"layout"`
	Policies []string `json:"policies"`
	Parts    []int    `json:"parts"` // their lengths
}

const snapshotMagic, snapshotEnd = "state", ".state"

// Append appends the bytes of the snapshot's file.
func (s *Snapshot) Append(b []byte) []byte {
	h := snapshotHeader{snapshotMagic, s.Version, s.Offset, time.Unix(0, s.Received).UTC().Format(stampLayout), s.Site, s.Layout, s.Policies, nil}
	for _, p := range s.Parts {
		h.Parts = append(h.Parts, len(p))
	}
	text, err := json.Marshal(h)
	if err != nil {
		panic(err) // texts and numbers alone
	}
	b = append(append(b, text...), '\n')
	for _, p := range s.Parts {
		b = append(b, p...)
	}
	return b
}

// ParseSnapshot reads the bytes of a snapshot's file. The parts lie in b.
func ParseSnapshot(b []byte) (*Snapshot, error) {
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	var h snapshotHeader
	if !ok || json.Unmarshal(line, &h) != nil || h.Magpie != snapshotMagic {
		return nil, errors.New("it is no snapshot: it does not begin with a snapshot's header")
	}
	at, ok := int64(0), len(h.Received) == len(stampLayout)
	if ok {
		at, ok = parseStamp([]byte(h.Received))
	}
	if !ok {
		return nil, fmt.Errorf("its header has received %.40q, which is no time", h.Received)
	}
	s := &Snapshot{Offset: h.Offset, Received: at, Version: h.Version, Site: h.Site, Layout: h.Layout, Policies: h.Policies}
	for i, n := range h.Parts {
		if n < 0 || n > len(rest) {
			return nil, fmt.Errorf("part %d is cut off: it has %d bytes, and should have %d", i+1, len(rest), n)
		}
		s.Parts, rest = append(s.Parts, rest[:n:n]), rest[n:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes lie behind its last part", len(rest))
	}
	return s, nil
}

// ListSnapshots lists the snapshots in a journal's directory, oldest first.
func ListSnapshots(dir string) ([]SnapshotFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []SnapshotFile
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), snapshotEnd)
		digits, sum, two := strings.Cut(name, ".")
		at, err := strconv.ParseInt(digits, 10, 64)
		if ok && two && err == nil && len(sum) == 2*sha256.Size {
			all = append(all, SnapshotFile{at, "sha256:" + sum, filepath.Join(dir, e.Name())})
		}
	}
	slices.SortFunc(all, func(a, b SnapshotFile) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), strings.Compare(a.Hash, b.Hash))
	})
	return all, nil
}

// FindSnapshot finds the snapshot that a control line names, in the directory of its journal.
func FindSnapshot(dir, hash string) (SnapshotFile, error) {
	all, err := ListSnapshots(dir)
	if err != nil {
		return SnapshotFile{}, err
	}
	for _, f := range all {
		if f.Hash == hash {
			return f, nil
		}
	}
	return SnapshotFile{}, fmt.Errorf("%s has no snapshot %s: a file whose name ends in .%s%s", dir, hash, strings.TrimPrefix(hash, "sha256:"), snapshotEnd)
}

// Read reads the snapshot and checks that its bytes are those that its name says.
func (f SnapshotFile) Read() (*Snapshot, error) {
	b, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	if f.Hash != "sha256:"+hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%s is damaged: its bytes are not those that its name says", f.Path)
	}
	s, err := ParseSnapshot(b)
	if err == nil && s.Offset != f.Offset {
		err = fmt.Errorf("its header has offset %d, its name %d", s.Offset, f.Offset)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return s, nil
}

// keepSnapshots is how many of the newest snapshots are kept, beside those at the beginning of a segment.
const keepSnapshots = 2

// WriteSnapshot keeps a snapshot beside the segments, durable when it returns, and removes those that are not needed any
// more. It returns the bytes written.
func (j *Journal) WriteSnapshot(s *Snapshot) (int, error) {
	b := s.Append(nil)
	sum := sha256.Sum256(b)
	path := filepath.Join(j.dir, fmt.Sprintf("%020d.%s%s", s.Offset, hex.EncodeToString(sum[:]), snapshotEnd))
	j.files.Lock()
	defer j.files.Unlock()
	if err := replaceFile(path, b); err != nil {
		return 0, fmt.Errorf("snapshot: %w", err)
	}
	return len(b), j.pruneSnapshots(path)
}

// replaceFile puts a file into its place whole: after a crash it is there or not.
func replaceFile(path string, b []byte) error {
	part := filepath.Join(filepath.Dir(path), "snapshot.part")
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part)) // on a full disk it only takes room
	}
	return syncDir(filepath.Dir(path))
}

// pruneSnapshots removes the snapshots of what retention has removed, those that another at their place has replaced (given
// by its path), and of the others all but the newest ones and those at the beginning of a segment, with which a head that is
// removed later can be made good. The caller holds the lock of the files.
func (j *Journal) pruneSnapshots(newest string) error {
	all, err := ListSnapshots(j.dir)
	if err != nil {
		return err
	}
	j.mu.Lock()
	needed := map[int64]bool{}
	for _, s := range j.segments {
		needed[s.base] = true
	}
	oldest, head := j.segments[0].base, j.segments[0].state
	j.mu.Unlock()
	replaced := int64(-1)
	for _, f := range all {
		if f.Path == newest {
			replaced = f.Offset
		}
	}
	var errs []error
	for i, f := range all {
		if f.Hash == head || f.Path == newest || f.Offset >= oldest && f.Offset != replaced && (needed[f.Offset] || i >= len(all)-keepSnapshots) {
			continue
		}
		errs = append(errs, os.Remove(f.Path))
	}
	return errors.Join(errs...)
}

// Snapshots lists the snapshots that lie beside the segments, oldest first.
func (j *Journal) Snapshots() ([]SnapshotFile, error) {
	j.files.Lock()
	defer j.files.Unlock()
	return ListSnapshots(j.dir)
}

// Head is where the oldest line lies that was written, and the hash of the state before it, "" where the journal does not
// say it. A journal whose head was removed begins before that place with the control line that names that state.
func (j *Journal) Head() (offset int64, state string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.segments[0]
	if s.state != "" && len(j.segments) > 1 {
		return s.end(), s.state
	}
	return s.base, ""
}

// writeHead puts the control line that names the state before the oldest segment where retention has removed what was there
// before, in the place of the last bytes removed: offsets stay as they are. Without a snapshot of that place there is none.
// The caller holds both locks.
func (j *Journal) writeHead() error {
	oldest := j.segments[0]
	if oldest.base == 0 || oldest.state != "" {
		return nil
	}
	all, err := ListSnapshots(j.dir)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(f SnapshotFile) bool { return f.Offset == oldest.base })
	var s *Snapshot
	err = errors.New("there is none")
	if i >= 0 {
		s, err = all[i].Read()
	}
	if err != nil {
		j.o.Log.Warn("no snapshot says with what state the journal begins: what began before its oldest line reads differently",
			"offset", oldest.base, "error", err)
		return nil
	}
	text := Line{Received: s.Received, Control: &Control{Kind: ControlState, State: all[i].Hash}}.Append(nil)
	head := &segment{base: oldest.base - int64(len(text)), size: int64(len(text)), first: s.Received, state: all[i].Hash}
	if head.base < 0 {
		return nil // so little was removed that the line has no room: what was there is back after the next start
	}
	head.path = segmentPath(j.dir, head.base)
	if err := replaceFile(head.path, text); err != nil {
		return err
	}
	j.segments = slices.Insert(j.segments, 0, head)
	return nil
}
