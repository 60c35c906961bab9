package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// segment is one file of a journal. Its name is the offset of its first byte, so that an offset is a place in one long
// text that the segments hold in order.
type segment struct {
	path  string
	base  int64
	size  int64
	first int64  // received of its first line, 0 while it is empty
	state string // a line that names the state before the next segment is all of it: the hash of that state
}

func (s *segment) end() int64 { return s.base + s.size }

func segmentPath(dir string, base int64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d.jsonl", base))
}

// listSegments finds a journal's files in order and checks that none is missing between them.
func listSegments(dir string) ([]*segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []*segment
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), ".jsonl")
		if !ok {
			continue
		}
		base, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || len(digits) != 20 {
			return nil, fmt.Errorf("%s is no file of a journal: move it out of the folder", filepath.Join(dir, e.Name()))
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		s := &segment{path: filepath.Join(dir, e.Name()), base: base, size: info.Size()}
		first, err := firstLine(s.path)
		if err != nil {
			return nil, err
		}
		s.first = first.Received
		if c := first.Control; c != nil && c.Kind == ControlState && c.State != StateEmpty && int64(len(first.Append(nil))) == s.size {
			s.state = c.State
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *segment) int { return cmp.Compare(a.base, b.base) })
	for i := 1; i < len(all); i++ {
		if all[i-1].end() != all[i].base {
			return nil, fmt.Errorf("%s ends at offset %d and %s begins at %d: a file between them is missing or was changed; restore it, or move the older files away",
				all[i-1].path, all[i-1].end(), all[i].path, all[i].base)
		}
	}
	return all, nil
}

// firstLine is the first line of a file, the zero Line when there is none or it is torn.
func firstLine(path string) (Line, error) {
	f, err := os.Open(path)
	if err != nil {
		return Line{}, err
	}
	defer f.Close()
	r, err := NewReader(f, path)
	if err != nil {
		return Line{}, err
	}
	text, err := r.text()
	if errors.Is(err, io.EOF) {
		return Line{}, nil
	}
	if err != nil {
		return Line{}, err
	}
	l, err := Parse(text)
	if err != nil {
		return Line{}, nil // the newest segment's only line may be torn; whatever reads it will say so
	}
	return l, nil
}

// scan reads a whole segment: the received of its newest line, and where its last whole line ends.
func (s *segment) scan() (last, whole int64, err error) {
	f, err := os.Open(s.path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	var at int64
	in := &Reader{name: s.path, in: bufio.NewReaderSize(f, 64<<10)}
	for {
		text, err := in.text()
		if err == io.EOF {
			return last, whole, nil
		}
		if err != nil {
			return 0, 0, err
		}
		at += int64(len(text))
		if l, err := Parse(text); err == nil && bytes.HasSuffix(text, []byte("\n")) {
			whole, last = at, max(last, l.Received)
		}
	}
}

// cut takes a torn end off the newest segment. What was acknowledged had been synced, so that only unacknowledged lines
// can be torn: a line without its line break, or blocks that a power cut left unwritten. A damaged line with good ones
// after it stays; readers pass over it and say so.
func (s *segment) cut(whole int64) error {
	f, err := os.OpenFile(s.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(whole); err != nil {
		return fmt.Errorf("cut the torn end off %s: %w", s.path, err)
	}
	s.size = whole
	if whole == 0 {
		s.first = 0
	}
	return f.Sync()
}

// syncDir makes the creation or removal of files in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
