package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options are a journal's settings; only Now has no default.
type Options struct {
	Now         func() time.Time // stamps received
	Sync        time.Duration    // lines that arrive within it share an fsync; 10 ms
	SegmentSize int64            // bytes after which a new file begins; 64 MiB
	SegmentAge  time.Duration    // time after which a new file begins, the grain of retention by age; 1 h
	MaxAge      time.Duration    // Trim removes older segments; 0: keeps all
	MaxBytes    int64            // Trim removes the oldest segments beyond it; 0: keeps all
	Tick        time.Duration    // a tick line when nothing arrived for so long; 0: none, the contract's is 1 s
	Pending     int              // bytes that may wait to be written before Append blocks; 8 MiB
	Drop        []string         // JSON members cut where a message enters (privacy.drop)
	Log         *slog.Logger     // what was repaired, and failures as they begin and end; nil: nothing
	Hooks       Hooks
}

// Hooks are told what a journal does; any may be nil. They run on the journal's goroutines and must be quick.
type Hooks struct {
	Appended func(lines, bytes int)      // durable now
	Synced   func(took time.Duration)    // one fsync
	Failed   func(lines int, err error)  // lines refused because they could not be made durable
	Damaged  func(offset int64, e error) // a line that a reader passed over
	Clock    func(behind time.Duration)  // the clock is more than 5 s behind the newest line, also at Open; 0: it caught up
}

// Journal is a durable log of lines in a directory that it alone writes. All methods may be called by several goroutines.
type Journal struct {
	dir  string
	o    Options
	lock *os.File

	files     sync.Mutex // of snapshots and segments that come and go; taken before mu
	mu        sync.Mutex
	room      *sync.Cond // pending was taken
	pending   batch
	last      int64 // received of the newest line
	closed    bool
	segments  []*segment
	committed int64         // what is before it is durable
	grown     chan struct{} // closed when committed moves

	wake chan struct{} // pending is not empty, or closed
	done chan struct{} // the writer ended

	// Of the writer goroutine alone.
	newest  *segment
	file    *os.File
	spare   batch
	failing bool
	behind  bool // the clock is, and that was said
}

// batch is a run of lines that share an fsync.
type batch struct {
	text  []byte
	ends  []int // of each line, in text
	first int64 // received of the first line
	last  int64 // and of the newest
	clock int64 // by how many ns the clock was behind that
	dones []func(offset int64, err error)
}

// ErrClosed is what Append reports on a journal that was closed.
var ErrClosed = errors.New("the journal is closed")

// Open opens or begins the journal in dir. A torn end, which only a crash leaves and which was never acknowledged, is cut
// off.
func Open(dir string, o Options) (*Journal, error) {
	if o.Now == nil {
		return nil, errors.New("journal: Options.Now is not set: it stamps every line")
	}
	o.Sync = cmp.Or(o.Sync, 10*time.Millisecond)
	o.SegmentSize = cmp.Or(o.SegmentSize, 64<<20)
	o.SegmentAge = cmp.Or(o.SegmentAge, time.Hour)
	o.Pending = cmp.Or(o.Pending, 8<<20)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	lock, err := lockDir(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", dir, err)
	}
	j := &Journal{dir: dir, o: o, lock: lock, grown: make(chan struct{}), wake: make(chan struct{}, 1), done: make(chan struct{})}
	j.room = sync.NewCond(&j.mu)
	if err := j.load(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("journal: %w", err)
	}
	j.compareClock(j.last-o.Now().UnixNano(), j.last)
	go j.write()
	return j, nil
}

func (j *Journal) load() (err error) {
	if j.segments, err = listSegments(j.dir); err != nil {
		return err
	}
	// The newest segment may be empty, made just before a crash; then the one before it has the newest line.
	for i := len(j.segments) - 1; i >= 0 && j.last == 0; i-- {
		s := j.segments[i]
		last, whole, err := s.scan()
		if err != nil {
			return err
		}
		if torn := s.size - whole; torn > 0 && i == len(j.segments)-1 {
			j.o.Log.Warn("cut a torn end off the journal; none of it was acknowledged", "file", s.path, "bytes", torn)
			if err := s.cut(whole); err != nil {
				return err
			}
		}
		j.last = last
	}
	if len(j.segments) == 0 {
		return j.begin(0)
	}
	j.newest = j.segments[len(j.segments)-1]
	j.committed = j.newest.end()
	if err := j.writeHead(); err != nil { // a crash may have come between the removal and this
		return err
	}
	j.file, err = os.OpenFile(j.newest.path, os.O_WRONLY|os.O_APPEND, 0)
	return err
}

// Append stamps a line with its arrival and calls done once it is durable, with its offset, or with an error: then it is
// not in the journal and must not be acknowledged. done runs on the journal's goroutine, in the order of the calls of
// Append, and must be quick; it may be nil. Append itself waits only while too much is waiting to be written. The payload
// may be used again when it returns.
func (j *Journal) Append(l Line, done func(offset int64, err error)) {
	if l.Control == nil {
		var cut bool
		l.Payload, cut = Cut(l.Payload, j.o.Drop)
		l.Cut = l.Cut || cut
	}
	j.mu.Lock()
	for len(j.pending.text) >= j.o.Pending && !j.closed {
		j.room.Wait()
	}
	if j.closed {
		j.mu.Unlock()
		if done != nil {
			done(0, ErrClosed)
		}
		return
	}
	j.add(l, done)
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// add puts a line into the batch that waits. The caller holds the lock, so that stamps and offsets rise together.
func (j *Journal) add(l Line, done func(int64, error)) {
	now := j.o.Now().UnixNano()
	l.Received = max(now, j.last)
	j.last = l.Received
	p := &j.pending
	p.last, p.clock = l.Received, l.Received-now
	if len(p.ends) == 0 {
		p.first = l.Received
	}
	p.text = l.Append(p.text)
	p.ends = append(p.ends, len(p.text))
	p.dones = append(p.dones, done)
}

// Write appends a line and waits until it is durable. It returns the line's offset.
func (j *Journal) Write(ctx context.Context, l Line) (int64, error) {
	type result struct {
		offset int64
		err    error
	}
	durable := make(chan result, 1)
	j.Append(l, func(offset int64, err error) { durable <- result{offset, err} })
	select {
	case r := <-durable:
		return r.offset, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Span gives the offsets of the oldest line that is kept and of the end.
func (j *Journal) Span() (oldest, end int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.segments[0].base, j.committed
}

// Close makes durable what was appended and closes the files.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		<-j.done
		return nil
	}
	j.closed = true
	j.room.Broadcast()
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
	<-j.done
	return errors.Join(j.file.Close(), j.lock.Close())
}

// Trim removes whole segments that are older than MaxAge or beyond MaxBytes, oldest first, and never one with a line at or
// after consumed: the offset from which a restart would read. What is left begins with the control line of the state before
// it, if a snapshot holds that; snapshots of what was removed go too. It returns the bytes removed.
func (j *Journal) Trim(consumed int64) (removed int64, err error) {
	now := j.o.Now().UnixNano()
	j.files.Lock()
	defer j.files.Unlock()
	removed, err = j.trim(consumed, now)
	if removed > 0 {
		err = errors.Join(err, j.pruneSnapshots(""))
	}
	return removed, err
}

func (j *Journal) trim(consumed, now int64) (removed int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		head := 0 // lines that name the state before the oldest segment, and go with it
		if j.segments[0].state != "" {
			head = 1
		}
		if len(j.segments) <= head+1 {
			break
		}
		oldest, next := j.segments[head], j.segments[head+1]
		// Its newest line is no younger than the next segment's first.
		aged := j.o.MaxAge > 0 && next.first > 0 && next.first < now-int64(j.o.MaxAge)
		full := j.o.MaxBytes > 0 && j.committed-oldest.base > j.o.MaxBytes
		if oldest.end() > consumed || !(aged || full) {
			break
		}
		for _, s := range j.segments[:head+1] {
			if err := os.Remove(s.path); err != nil {
				return removed, fmt.Errorf("journal: %w", err)
			}
			removed += s.size
			j.segments = j.segments[1:]
		}
	}
	if removed == 0 {
		return 0, nil
	}
	if err := syncDir(j.dir); err != nil {
		return removed, err
	}
	return removed, j.writeHead()
}
