package opencv

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"magpie/vision"
)

// latest hands the newest frame from the goroutine that decodes to the one that
// asks. Two buffers change places, so that neither waits for the other's work.
type latest struct {
	mu       sync.Mutex
	back     vision.Frame // newest, if ready
	ready    bool
	front    vision.Frame // lent by take
	news     error        // an outage not told yet
	end      error        // set once: nothing comes after it
	frames   uint64
	dropped  uint64
	wake     chan struct{}
	reported bool // that the camera is silent
}

func newLatest() *latest { return &latest{wake: make(chan struct{}, 1)} }

func (l *latest) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// put copies a frame in; one that nobody took is dropped.
func (l *latest) put(f vision.Frame) {
	l.mu.Lock()
	if l.ready {
		l.dropped++
	}
	l.frames++
	f.Pix = append(l.back.Pix[:0], f.Pix...)
	l.back, l.ready, l.news = f, true, nil
	l.mu.Unlock()
	l.nudge()
}

// away tells the reader of an outage, once.
func (l *latest) away(err *vision.Outage) {
	l.mu.Lock()
	l.news = err
	l.mu.Unlock()
	l.nudge()
}

// finish makes err the answer after the frames there are.
func (l *latest) finish(err error) {
	l.mu.Lock()
	if l.end == nil {
		l.end = err
	}
	l.mu.Unlock()
	l.nudge()
}

// take waits for the newest frame, an outage or the end. A silent camera is an
// outage too, reported once until a frame comes; silent 0 waits for ever.
func (l *latest) take(ctx context.Context, silent time.Duration) (vision.Frame, error) {
	var timeout <-chan time.Time
	for {
		l.mu.Lock()
		switch {
		case l.ready:
			l.front, l.back = l.back, l.front
			l.ready, l.reported = false, false
			f := l.front
			l.mu.Unlock()
			return f, nil
		case l.news != nil:
			err := l.news
			l.news, l.reported = nil, true
			l.mu.Unlock()
			return vision.Frame{}, err
		case l.end != nil:
			err := l.end
			l.mu.Unlock()
			return vision.Frame{}, err
		}
		if timeout == nil && silent > 0 && !l.reported {
			t := time.NewTimer(silent)
			defer t.Stop()
			timeout = t.C
		}
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return vision.Frame{}, ctx.Err()
		case <-l.wake:
		case <-timeout:
			l.mu.Lock()
			l.reported = true
			l.mu.Unlock()
			return vision.Frame{}, &vision.Outage{Reason: "no frame for " + silent.String()}
		}
	}
}

func (l *latest) counts() (frames, dropped uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frames, l.dropped
}

// backoff gives growing waits, each up to a fifth longer or shorter so that
// cameras that died together do not come back together.
type backoff struct{ first, most, next time.Duration }

func (b *backoff) wait() time.Duration {
	if b.next == 0 {
		b.next = b.first
	}
	d := b.next
	b.next = min(2*d, b.most)
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

func (b *backoff) reset() { b.next = 0 }
