package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"magpie/journal"
	"magpie/metrics"
	"magpie/sensors"
)

// snapshots writes what the core hands over beside the journal, on a goroutine of its own: the core stands still only while
// its state is copied.
type snapshots struct {
	journal    *journal.Journal
	place      *place
	rejections *rejections
	prom       *metrics.Prometheus
	log        *slog.Logger

	queue chan taken
	done  chan struct{}

	mu    sync.Mutex
	tried int64
}

// taken is a snapshot that waits to be written, and how long the core stood still for it.
type taken struct {
	snapshot *journal.Snapshot
	stall    time.Duration
}

func newSnapshots(j *journal.Journal, p *place, r *rejections, prom *metrics.Prometheus, log *slog.Logger) *snapshots {
	return &snapshots{journal: j, place: p, rejections: r, prom: prom, log: log, queue: make(chan taken, 1), done: make(chan struct{})}
}

// until is the place up to which every snapshot was tried that retention needs: what lies before may be removed.
func (s *snapshots) until() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tried
}

func (s *snapshots) try(offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried = max(s.tried, offset)
}

// run writes until the queue is closed. What was carried out is noted first: a restart goes on from no snapshot behind that.
func (s *snapshots) run() {
	defer close(s.done)
	for t := range s.queue {
		s.place.settle(s.rejections.oldest())
		n, err := s.journal.WriteSnapshot(t.snapshot)
		if err != nil {
			s.failed(err)
		} else {
			s.prom.Snapshot(t.stall, n)
			s.log.Debug("snapshot", "offset", t.snapshot.Offset, "bytes", n, "stall", t.stall)
		}
		s.try(t.snapshot.Offset)
	}
}

func (s *snapshots) failed(err error) {
	s.prom.SnapshotFailed()
	s.log.Error("no snapshot: a restart will read more of the journal, and what retention leaves of it may read differently", "error", err)
}

// liveState is what live knows beside the pipeline and a restart has to go on from.
type liveState struct {
	gaps                 sensors.Sequences
	visitsAt, flushed    int64
	evicted, checkpoints int
	numbers              *metrics.Frozen
	recent               []knownAlert // oldest first
	sources              []feedState
}

// feedState is what sourceHealth knows of a source and the core does not.
type feedState struct {
	last, messages, late, rejected int64
	reason                         string
	degraded                       bool
}

// state gathers what live knows; only the core's goroutine changes it.
func (l *live) state() *liveState {
	n, since := l.numbers, int64(0)
	if keep := l.site.Privacy.Keep.Recordings; keep > 0 {
		since = l.received - int64(keep)
	}
	return &liveState{gaps: l.gaps, visitsAt: l.visitsAt, flushed: n.flushed, evicted: n.evicted, checkpoints: n.checkpoints,
		numbers: n.agg.Freeze(), recent: l.recent.since(since), sources: l.health.feeds()}
}

func (l *live) takeOver(s *liveState) {
	n := l.numbers
	l.gaps, l.visitsAt, n.flushed, n.evicted, n.checkpoints = s.gaps, s.visitsAt, s.flushed, s.evicted, s.checkpoints
	n.agg.Thaw(s.numbers)
	l.recent.takeOver(s.recent)
	l.health.takeOver(s.sources)
}

// since lists the alerts of which something was said since then: no file keeps them longer than the journal goes back.
func (r *recent) since(at int64) (all []knownAlert) {
	for _, id := range r.order {
		if k := r.known[id]; k.last.At >= at {
			all = append(all, *k)
		}
	}
	return all
}

func (r *recent) takeOver(all []knownAlert) {
	for i := range all {
		id := all[i].last.ID
		r.order = append(r.order, id)
		r.known[id] = &all[i]
	}
}

func (h *sourceHealth) feeds() []feedState {
	all := make([]feedState, len(h.all))
	for i := range h.all {
		s := &h.all[i]
		all[i] = feedState{messages: s.Messages, late: s.Late, rejected: s.Rejected, reason: s.Reason, degraded: h.degraded[i]}
		if s.Last != nil {
			all[i].last = s.Last.UnixNano()
		}
	}
	return all
}

func (h *sourceHealth) takeOver(all []feedState) {
	for i := range min(len(all), len(h.all)) {
		f, s := &all[i], &h.all[i]
		s.Messages, s.Late, s.Rejected, s.Reason, h.degraded[i] = f.messages, f.late, f.rejected, f.reason, f.degraded
		if f.last != 0 {
			at := time.Unix(0, f.last).UTC()
			s.Last = &at
		}
	}
}

// restore makes a live that has read nothing go on from the newest snapshot that can be used. A snapshot
// behind the place is of no use: between them a rejection may not have been published yet. Where retention has removed what
// lies before the oldest line, the place does not matter, since nothing else is left to begin with.
func (l *live) restore() error {
	l.from, _ = l.journal.Span()
	head, named := l.journal.Head()
	files, err := l.journal.Snapshots()
	if err != nil {
		return fmt.Errorf("snapshots: %w", err)
	}
	refused := false
	for i := len(files) - 1; i >= 0; i-- {
		f := files[i]
		if f.Offset > max(l.place.before, head) || f.Offset < head || f.Offset == head && named != "" && f.Hash != named {
			continue
		}
		var more liveState
		s, err := f.Read()
		if err == nil {
			err = l.pipeline.resume(s, &more)
		}
		if err == nil {
			l.takeOver(&more)
			l.from, l.frozen, l.received, l.frozenAt = f.Offset, f.Offset, s.Received, s.Received
			l.log.Info("goes on from a snapshot", "of", time.Unix(0, s.Received).UTC(), "offset", f.Offset)
			return nil
		}
		refused = true
		l.numbers.prom.SnapshotRefused()
		l.log.Warn("cannot go on from a snapshot", "file", f.Path, "error", err)
		if l.pipeline, err = l.wire(); err != nil { // the other may be half of each
			return err
		}
	}
	switch {
	case named != "":
		l.log.Error("the journal is read from its oldest line as if nothing had been before it: its head was removed, and the state before it cannot be restored", "state", named)
	case refused:
		l.log.Warn("the journal is read from its oldest line")
	}
	return nil
}

// snapshotNow hands over what is known before the line at offset. Where the writer is busy it waits only if it must.
func (l *live) snapshotNow(ctx context.Context, offset int64, must bool) {
	if offset == l.frozen || !must && len(l.snapshots.queue) == cap(l.snapshots.queue) {
		return
	}
	l.frozen, l.frozenAt = offset, l.received
	began := l.now()
	s, err := l.pipeline.snapshot(offset, l.received, l.state())
	if err != nil {
		l.snapshots.failed(fmt.Errorf("offset %d: %w", offset, err))
		l.snapshots.try(offset)
		return
	}
	select {
	case l.snapshots.queue <- taken{s, l.now().Sub(began)}:
	case <-ctx.Done():
	}
}

// startSnapshots begins to write snapshots, and gives what ends it: with one of all that was carried out, so that the next
// start has nothing to read.
func (l *live) startSnapshots(from int64) (stop func()) {
	l.snapshots.try(from)
	go l.snapshots.run()
	return func() {
		if l.between {
			l.snapshotNow(context.Background(), l.place.read(), true)
		}
		close(l.snapshots.queue)
		<-l.snapshots.done
		l.place.settle(l.rejections.oldest())
	}
}
