package journal

import (
	"fmt"
	"os"
	"time"
)

// write is the goroutine that owns the newest file: it takes what is pending, writes it at once, syncs, and tells whoever
// waits. Fsyncs begin at least Options.Sync apart, so that a lone line is durable at once and many share one.
func (j *Journal) write() {
	defer close(j.done)
	var synced time.Time
	var quiet <-chan time.Time
	tick := time.NewTimer(max(j.o.Tick, time.Hour))
	defer tick.Stop()
	if j.o.Tick > 0 {
		tick.Reset(j.o.Tick)
		quiet = tick.C
	}
	for {
		select {
		case <-j.wake:
		case <-quiet:
			j.mu.Lock()
			if len(j.pending.ends) == 0 && !j.closed {
				j.add(Line{Control: &Control{Kind: ControlTick}}, nil)
			}
			j.mu.Unlock()
		}
		if wait := j.o.Sync - time.Since(synced); wait > 0 {
			time.Sleep(wait)
		}
		synced = time.Now()
		b, closed := j.take()
		if len(b.ends) > 0 {
			j.finish(b, j.commit(b))
			j.compareClock(b.clock, b.last)
		}
		if closed {
			return
		}
		if j.o.Tick > 0 {
			tick.Reset(j.o.Tick)
		}
	}
}

// take swaps the pending batch for the spare one.
func (j *Journal) take() (batch, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b := j.pending
	j.pending = batch{text: j.spare.text[:0], ends: j.spare.ends[:0], dones: j.spare.dones[:0]}
	j.spare = b
	j.room.Broadcast()
	return b, j.closed
}

// commit makes a batch durable in the newest segment, or in a new one where that is full or old.
func (j *Journal) commit(b batch) error {
	s := j.newest
	full := s.size+int64(len(b.text)) > j.o.SegmentSize
	old := b.first-s.first > int64(j.o.SegmentAge)
	if s.size > 0 && (full || old) {
		if err := j.begin(s.end()); err != nil {
			return err
		}
		s = j.newest
	}
	if j.failing { // a part of the batch before may be in the file
		if err := j.file.Truncate(s.size); err != nil {
			return err
		}
	}
	if _, err := j.file.Write(b.text); err != nil {
		return err
	}
	began := time.Now()
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", s.path, err)
	}
	if j.o.Hooks.Synced != nil {
		j.o.Hooks.Synced(time.Since(began))
	}
	j.mu.Lock()
	if s.size == 0 {
		s.first = b.first
	}
	s.size += int64(len(b.text))
	j.committed = s.end()
	close(j.grown)
	j.grown = make(chan struct{})
	j.mu.Unlock()
	return nil
}

// finish tells what became of a batch. After a failure the file is cut back at once, which on a full disk makes room.
func (j *Journal) finish(b batch, err error) {
	h := j.o.Hooks
	switch {
	case err != nil:
		if !j.failing {
			j.o.Log.Error("the journal cannot be written: nothing more is acknowledged until it can; make room on the disk", "error", err)
		}
		j.failing = true
		_ = j.file.Truncate(j.newest.size) // tried again before the next write
		if h.Failed != nil {
			h.Failed(len(b.ends), err)
		}
	default:
		if j.failing {
			j.o.Log.Info("the journal is written again")
		}
		j.failing = false
		if h.Appended != nil {
			h.Appended(len(b.ends), len(b.text))
		}
	}
	start := j.newest.end() - int64(len(b.text))
	for i, done := range b.dones {
		b.dones[i] = nil
		if done == nil {
			continue
		}
		if err != nil {
			done(0, fmt.Errorf("journal: %w", err))
			continue
		}
		offset := start
		if i > 0 {
			offset += int64(b.ends[i-1])
		}
		done(offset, nil)
	}
}

// clockBound is how far the clock may be set back with nothing said.
const clockBound = 5 * time.Second

// compareClock tells when the clock fell behind the newest line's stamp last by more than clockBound, which after a
// clock that was far ahead may take days to end, and when it caught up.
func (j *Journal) compareClock(behind, last int64) {
	far := behind > int64(clockBound)
	if far == j.behind || !far && behind > 0 {
		return
	}
	j.behind = far
	if far {
		j.o.Log.Error("the clock is behind the newest line of the journal: until it is there every message is stamped with that line's time, and most come too late; "+
			"set the clock right, or if it is right now, stop and move the journal away",
			"behind", time.Duration(behind).Round(time.Second), "until", time.Unix(0, last).UTC(), "journal", j.dir)
	} else {
		j.o.Log.Info("the clock is no longer behind the journal")
		behind = 0
	}
	if j.o.Hooks.Clock != nil {
		j.o.Hooks.Clock(time.Duration(behind))
	}
}

// begin makes the segment that starts at base and writes on there.
func (j *Journal) begin(base int64) error {
	path := segmentPath(j.dir, base)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := syncDir(j.dir); err != nil {
		f.Close()
		return err
	}
	if j.file != nil {
		if err := j.file.Close(); err != nil {
			f.Close()
			return err
		}
	}
	j.file, j.newest = f, &segment{path: path, base: base}
	j.mu.Lock()
	j.segments = append(j.segments, j.newest)
	j.mu.Unlock()
	return nil
}
