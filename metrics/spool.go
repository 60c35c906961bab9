package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// SpoolHooks are told of what the spool holds; any may be nil.
type SpoolHooks struct {
	Bytes func(held, bound int64) // on disk, after every change
	Lost  func(points int)        // dropped unread at the bound
	Bad   func(points int)        // moved to the bad file
}

// Spool keeps line protocol on disk until the database has taken it: segment files in one directory, each Append
// fsynced. At its bound the oldest segment goes, and what was unread of it is counted as lost. One process at a time.
type Spool struct {
	dir   string
	bound int64
	hooks SpoolHooks

	mu       sync.Mutex
	segments []segment // oldest first; the last one is written to
	tail     *os.File
	cursor   cursor
	more     chan struct{}
}

type segment struct {
	N    int64
	size int64
}

// cursor is how far the database has come. It is not fsynced: points that are sent again write the same again.
type cursor struct {
	Segment int64 `json:"segment"`
	Offset  int64 `json:"offset"`
}

// Batch is a piece of the spool: whole lines.
type Batch struct {
	Lines   []byte
	Count   int
	segment int64
	end     int64
}

const badFile, cursorFile, badBound = "bad.lp", "cursor.json", 16 << 20

// OpenSpool opens or creates the spool in dir with a bound of so many bytes (at least 64 KiB). A line torn by a crash is
// cut off.
func OpenSpool(dir string, bound int64, hooks SpoolHooks) (*Spool, error) {
	s := &Spool{dir: dir, bound: max(bound, 64<<10), hooks: hooks, more: make(chan struct{}, 1)}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("influx spool %s: %w", dir, err)
	}
	s.report()
	return s, nil
}

func (s *Spool) load() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(s.dir, "[0-9]*.lp"))
	if err != nil {
		return err
	}
	slices.Sort(names) // numbers have a fixed width
	for _, name := range names {
		var n int64
		if _, err := fmt.Sscanf(filepath.Base(name), "%d.lp", &n); err != nil {
			return fmt.Errorf("%s: not a segment's name; move it away", name)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		whole := int64(bytes.LastIndexByte(b, '\n') + 1)
		if whole < int64(len(b)) {
			if err := os.Truncate(name, whole); err != nil {
				return err
			}
		}
		s.segments = append(s.segments, segment{n, whole})
	}
	if len(s.segments) == 0 {
		return s.rotate()
	}
	last := s.segments[len(s.segments)-1]
	if s.tail, err = os.OpenFile(s.path(last.N), os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return err
	}
	s.cursor = cursor{Segment: s.segments[0].N}
	b, err := os.ReadFile(filepath.Join(s.dir, cursorFile))
	var c cursor
	if err != nil || json.Unmarshal(b, &c) != nil {
		return nil // all is sent again
	}
	i := slices.IndexFunc(s.segments, func(g segment) bool { return g.N == c.Segment })
	if i >= 0 && c.Offset >= 0 && c.Offset <= s.segments[i].size {
		s.cursor = c
	}
	return nil
}

func (s *Spool) path(n int64) string { return filepath.Join(s.dir, fmt.Sprintf("%016d.lp", n)) }

// Close closes the file that is written to.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tail.Close()
}

// Append stores lines, which end in a line break, and returns when they are on disk. Nothing is stored on an error.
func (s *Spool) Append(lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	if lines[len(lines)-1] != '\n' {
		return errors.New("influx spool: lines must end in a line break")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := &s.segments[len(s.segments)-1]
	if last.size > 0 && last.size+int64(len(lines)) > min(s.bound/8, 4<<20) {
		if err := s.rotate(); err != nil {
			return fmt.Errorf("influx spool %s: %w", s.dir, err)
		}
	}
	if err := s.makeRoom(int64(len(lines))); err != nil {
		return fmt.Errorf("influx spool %s: %w", s.dir, err)
	}
	last = &s.segments[len(s.segments)-1]
	_, err := s.tail.Write(lines)
	if err == nil {
		err = s.tail.Sync()
	}
	if err != nil {
		s.tail.Truncate(last.size) // no half a line under the next one
		return fmt.Errorf("influx spool %s: %w", s.dir, err)
	}
	last.size += int64(len(lines))
	s.report()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

// rotate starts a new segment. A file of its name is what an attempt that failed has left.
func (s *Spool) rotate() error {
	n := int64(1)
	if len(s.segments) > 0 {
		n = s.segments[len(s.segments)-1].N + 1
	} else {
		s.cursor = cursor{Segment: n}
	}
	f, err := os.OpenFile(s.path(n), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := syncDir(s.dir); err != nil {
		f.Close()
		return err
	}
	if s.tail != nil {
		s.tail.Close() // every Append was synced
	}
	s.tail = f
	s.segments = append(s.segments, segment{N: n})
	s.dropRead()
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// makeRoom drops the oldest segments until need more bytes fit.
func (s *Spool) makeRoom(need int64) error {
	if need > s.bound {
		return fmt.Errorf("%d bytes at once do not fit the bound of %d", need, s.bound)
	}
	for s.held()+need > s.bound {
		oldest := s.segments[0]
		if len(s.segments) == 1 {
			if err := s.rotate(); err != nil {
				return err
			}
			if s.segments[0].N != oldest.N { // it was read: nothing is lost
				continue
			}
		}
		b, err := os.ReadFile(s.path(oldest.N))
		if err != nil {
			return err
		}
		from := int64(0)
		if s.cursor.Segment == oldest.N {
			from = s.cursor.Offset
		}
		if err := os.Remove(s.path(oldest.N)); err != nil {
			return err
		}
		s.segments = s.segments[1:]
		s.cursor = cursor{Segment: s.segments[0].N}
		if s.hooks.Lost != nil {
			s.hooks.Lost(bytes.Count(b[from:], []byte{'\n'}))
		}
	}
	return nil
}

// dropRead removes segments that the database has taken, but the one that is written to.
func (s *Spool) dropRead() {
	for len(s.segments) > 1 && (s.cursor.Segment > s.segments[0].N || s.cursor.Offset >= s.segments[0].size) {
		if err := os.Remove(s.path(s.segments[0].N)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return // tried again with the next one; it is only disk
		}
		s.segments = s.segments[1:]
		if s.cursor.Segment < s.segments[0].N {
			s.cursor = cursor{Segment: s.segments[0].N}
		}
	}
}

func (s *Spool) held() (n int64) {
	for _, g := range s.segments {
		n += g.size
	}
	return n
}

func (s *Spool) report() {
	if s.hooks.Bytes != nil {
		s.hooks.Bytes(s.held(), s.bound)
	}
}

// Next gives the oldest lines that were not taken yet, at most so many and about so many bytes; an empty Batch when
// there are none. It gives the same again until Done.
func (s *Spool) Next(maxLines, maxBytes int) (Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropRead()
	head := s.segments[0]
	n := min(int64(maxBytes), head.size-s.cursor.Offset)
	if n <= 0 {
		return Batch{}, nil
	}
	f, err := os.Open(s.path(head.N))
	if err != nil {
		return Batch{}, fmt.Errorf("influx spool: %w", err)
	}
	defer f.Close()
	b := make([]byte, n)
	if _, err := f.ReadAt(b, s.cursor.Offset); err != nil {
		return Batch{}, fmt.Errorf("influx spool %s at %d: %w", f.Name(), s.cursor.Offset, err)
	}
	end, count := 0, 0
	for count < maxLines {
		i := bytes.IndexByte(b[end:], '\n')
		if i < 0 {
			break
		}
		end, count = end+i+1, count+1
	}
	if count == 0 { // one line longer than maxBytes
		b = make([]byte, head.size-s.cursor.Offset)
		if _, err := f.ReadAt(b, s.cursor.Offset); err != nil {
			return Batch{}, fmt.Errorf("influx spool %s at %d: %w", f.Name(), s.cursor.Offset, err)
		}
		end, count = bytes.IndexByte(b, '\n')+1, 1
		if end == 0 { // the file was damaged under us: the database will say so
			end = len(b)
		}
	}
	return Batch{Lines: b[:end], Count: count, segment: head.N, end: s.cursor.Offset + int64(end)}, nil
}

// Done says that the database has taken b, or never will.
func (s *Spool) Done(b Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.segment != s.cursor.Segment || b.end <= s.cursor.Offset {
		return nil // dropped at the bound meanwhile
	}
	s.cursor.Offset = b.end
	s.dropRead()
	s.report()
	c, err := json.Marshal(s.cursor)
	if err != nil {
		return err
	}
	tmp := filepath.Join(s.dir, cursorFile+".tmp")
	if err := os.WriteFile(tmp, c, 0o600); err != nil {
		return fmt.Errorf("influx spool: %w", err)
	}
	return os.Rename(tmp, filepath.Join(s.dir, cursorFile))
}

// Reject moves b to the file bad.lp, with the database's reason, so that the queue goes on. The file is kept to 16 MiB
// and one before it, bad.lp.1.
func (s *Spool) Reject(b Batch, reason string) error {
	path := filepath.Join(s.dir, badFile)
	if st, err := os.Stat(path); err == nil && st.Size() > badBound {
		if err := os.Rename(path, path+".1"); err != nil {
			return fmt.Errorf("influx spool: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("influx spool: %w", err)
	}
	_, err = fmt.Fprintf(f, "# %s\n%s", bytes.ReplaceAll([]byte(reason), []byte{'\n'}, []byte{' '}), b.Lines)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("influx spool: %w", err)
	}
	if s.hooks.Bad != nil {
		s.hooks.Bad(b.Count)
	}
	return s.Done(b)
}
