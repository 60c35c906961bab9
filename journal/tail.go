package journal

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
)

// Entry is a line of a journal with its place.
type Entry struct {
	Offset int64 // of its first byte
	Next   int64 // of the line after it: what to keep as consumed
	First  bool  // of its segment: retention may make it the oldest line
	Line   Line
}

// Tail reads a journal from an offset on, and follows it. It is not safe for use by several goroutines at once.
type Tail struct {
	j    *Journal
	at   int64 // of the next line
	base int64 // of the segment read last
	file *os.File
	buf  []byte // what was read and not yet returned; starts at offset at
}

// TrimmedError says that an offset lies before everything that is kept.
type TrimmedError struct{ From, Oldest int64 }

// Error implements error.
func (e *TrimmedError) Error() string {
	return fmt.Sprintf("the journal no longer has offset %d, its oldest line is at %d: start from a newer snapshot, or keep the journal longer", e.From, e.Oldest)
}

// Read returns a Tail that starts at offset from: 0, or an Entry's Next. The error is a *TrimmedError where retention has
// removed that place.
func (j *Journal) Read(from int64) (*Tail, error) {
	oldest, end := j.Span()
	if from < oldest {
		return nil, &TrimmedError{from, oldest}
	}
	if from > end {
		return nil, fmt.Errorf("the journal ends at offset %d, before %d: it is not the one that the offset came from", end, from)
	}
	return &Tail{j: j, at: from}, nil
}

// Next returns the next durable line, and waits for one until ctx ends. A line that was damaged on disk is passed over;
// Hooks.Damaged hears of it. After the journal is closed and read to its end the error is io.EOF.
func (t *Tail) Next(ctx context.Context) (Entry, error) {
	for {
		e, ok, err := t.TryNext()
		if ok || err != nil {
			return e, err
		}
		t.j.mu.Lock()
		grown, more := t.j.grown, t.j.committed > t.at
		t.j.mu.Unlock()
		if more {
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return Entry{}, ctx.Err()
		case <-t.j.done:
			if _, end := t.j.Span(); t.at >= end {
				return Entry{}, io.EOF
			}
		}
	}
}

// TryNext is Next without waiting: ok is false when everything durable has been read.
func (t *Tail) TryNext() (e Entry, ok bool, err error) {
	for {
		end := bytes.IndexByte(t.buf, '\n')
		if end < 0 {
			more, err := t.fill()
			if !more || err != nil {
				return Entry{}, false, err
			}
			continue
		}
		l, err := Parse(t.buf[:end])
		e := Entry{Offset: t.at, Next: t.at + int64(end) + 1, First: t.at == t.base, Line: l}
		t.buf, t.at = t.buf[end+1:], e.Next
		if err == nil {
			return e, true, nil
		}
		if t.j.o.Hooks.Damaged != nil {
			t.j.o.Hooks.Damaged(e.Offset, err)
		}
	}
}

// fill reads on, never beyond what is durable: what lies behind may yet be cut off and written anew.
func (t *Tail) fill() (more bool, err error) {
	from := t.at + int64(len(t.buf))
	t.j.mu.Lock()
	committed := t.j.committed
	var path string
	var base, end int64
	for _, s := range t.j.segments {
		if s.base <= from && from < s.end() {
			path, base, end = s.path, s.base, s.end()
		}
	}
	oldest := t.j.segments[0].base
	t.j.mu.Unlock()
	if path == "" {
		if from < oldest && from < committed {
			return false, &TrimmedError{from, oldest}
		}
		return false, nil
	}
	if t.file == nil || t.file.Name() != path {
		if err := t.Close(); err != nil {
			return false, err
		}
		if t.file, err = os.Open(path); err != nil {
			return false, fmt.Errorf("journal: %w", err)
		}
	}
	t.base = base
	chunk := min(max(64<<10, int64(len(t.buf))), end-from)
	buf := make([]byte, len(t.buf)+int(chunk))
	copy(buf, t.buf)
	if _, err := t.file.ReadAt(buf[len(t.buf):], from-base); err != nil {
		return false, fmt.Errorf("journal %s at %d: %w", path, from-base, err)
	}
	t.buf = buf
	return true, nil
}

// Close closes the file that the Tail reads.
func (t *Tail) Close() error {
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	return err
}
