package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// place is how far into the journal everything was carried out: alerts stored, points spooled, rejections published. It is
// kept in a file, so that a restart, which reads some of the journal again, does none of it again.
type place struct {
	path   string
	before int64 // what the file said at the start
	log    *slog.Logger

	mu    sync.Mutex
	next  int64 // the line after the last one that was judged
	saved int64
}

// placeEvery is how many bytes of journal may be carried out again after a crash, but for rejections.
const placeEvery = 64 << 10

// openPlace reads the place of a journal that ends at end. Without a file that can be read, no snapshot is of use and
// everything is carried out from the oldest line on: outputs pass over the alerts that they have, and rejections are published again.
func openPlace(dir string, end int64, log *slog.Logger) *place {
	p := &place{path: filepath.Join(dir, "place"), log: log}
	b, err := os.ReadFile(p.path)
	if errors.Is(err, os.ErrNotExist) {
		return p
	}
	if err == nil {
		p.before, err = strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	}
	if err == nil && p.before > end {
		err = errors.New("it lies behind the end of the journal: it is another journal's")
	}
	if err != nil {
		log.Warn("the place in the journal cannot be used; rejections since its oldest line are published again", "error", err, "file", p.path)
		p.before = 0
	}
	p.saved = p.before
	return p
}

// done reports whether the line at an offset was carried out before this process.
func (p *place) done(offset int64) bool { return offset < p.before }

// read is the line after the last one that was judged: what the journal must keep.
func (p *place) read() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next
}

// judged notes that all before next was judged, and saves the place now and then.
func (p *place) judged(next, unpublished int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = next
	if min(next, unpublished) >= p.saved+placeEvery {
		p.save(min(next, unpublished))
	}
}

// settle saves the place: all that was judged, but for what waits to be published.
func (p *place) settle(unpublished int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.save(min(p.next, unpublished))
}

func (p *place) save(offset int64) {
	if offset <= p.saved {
		return
	}
	err := writeSynced(p.path+".part", []byte(strconv.FormatInt(offset, 10)+"\n"))
	if err == nil {
		err = os.Rename(p.path+".part", p.path)
	}
	if err != nil {
		p.log.Error("cannot keep the place in the journal: a restart may publish rejections again", "error", err)
		return
	}
	p.saved = offset
}

// rejections publishes what was rejected, in order, beside the core, which waits for no broker.
type rejections struct {
	publish func(ctx context.Context, topic string, payload []byte) error
	place   *place
	log     *slog.Logger

	mu    sync.Mutex
	queue []rejected
	bytes int
	lost  int64 // offset of the first one that did not fit, math.MaxInt64: none; a restart publishes from there
	more  chan struct{}
}

type rejected struct {
	offset  int64
	topic   string
	payload []byte
}

// maxRejected bounds the bytes that wait for the broker.
const maxRejected = 64 << 20

func newRejections(publish func(context.Context, string, []byte) error, p *place, log *slog.Logger) *rejections {
	return &rejections{publish: publish, place: p, log: log, lost: math.MaxInt64, more: make(chan struct{}, 1)}
}

func (r *rejections) add(x rejected) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+len(x.payload) > maxRejected {
		if r.lost == math.MaxInt64 {
			r.log.Error("too many rejections wait for the broker: the rest is published after the next start", "waiting", len(r.queue))
		}
		r.lost = min(r.lost, x.offset)
		return
	}
	r.queue = append(r.queue, x)
	r.bytes += len(x.payload)
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// oldest is the offset of the oldest rejection that is not published, math.MaxInt64 if there is none.
func (r *rejections) oldest() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) > 0 {
		return min(r.lost, r.queue[0].offset)
	}
	return r.lost
}

// run publishes until ctx ends. What cannot be published waits, and holds the place.
func (r *rejections) run(ctx context.Context) error {
	failing := false
	for {
		r.mu.Lock()
		waiting := len(r.queue) > 0
		var x rejected
		if waiting {
			x = r.queue[0]
		}
		r.mu.Unlock()
		if !waiting {
			select {
			case <-r.more:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		if err := r.publish(ctx, x.topic, x.payload); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if !failing {
				r.log.Warn("cannot publish rejections; they wait", "error", err)
			}
			failing = true
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return nil
			}
			continue
		}
		failing = false
		r.mu.Lock()
		r.queue, r.bytes = r.queue[1:], r.bytes-len(x.payload)
		r.mu.Unlock()
		r.place.settle(r.oldest())
	}
}
