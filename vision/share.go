package vision

import (
	"context"
	"errors"
	"sync"
)

// Shared lets several cameras use one detector: one goroutine owns it and
// batches whatever frames wait, so that a busy accelerator makes cameras skip
// frames and never queue them.
type Shared struct {
	det  Detector
	most int
	ask  chan request
	quit chan struct{}
	done chan struct{}
	once sync.Once
	err  error
}

type request struct {
	frames []Frame
	answer chan<- answer
}

type answer struct {
	found [][]Detection
	err   error
}

// ErrClosed is what a detector or source answers after Close.
var ErrClosed = errors.New("vision: closed")

// Share starts sharing det among callers, in batches of about most frames (at
// least 1). Close closes det too.
func Share(det Detector, most int) *Shared {
	s := &Shared{det: det, most: max(1, most), ask: make(chan request), quit: make(chan struct{}), done: make(chan struct{})}
	go s.serve()
	return s
}

func (s *Shared) serve() {
	defer close(s.done)
	var batch []request
	var frames []Frame
	for {
		batch, frames = batch[:0], frames[:0]
		select {
		case <-s.quit:
			s.err = s.det.Close()
			return
		case r := <-s.ask:
			batch, frames = append(batch, r), append(frames, r.frames...)
		}
	more:
		for len(frames) < s.most {
			select {
			case r := <-s.ask:
				batch, frames = append(batch, r), append(frames, r.frames...)
			default:
				break more
			}
		}
		// The frames of several callers have no context in common: a started
		// batch is finished.
		found, err := s.det.Detect(context.Background(), frames)
		for _, r := range batch {
			if err != nil {
				r.answer <- answer{err: err}
				continue
			}
			r.answer <- answer{found: keep(found[:len(r.frames)])}
			found = found[len(r.frames):]
		}
	}
}

// keep copies detections out of the detector's memory.
func keep(found [][]Detection) [][]Detection {
	out := make([][]Detection, len(found))
	for i, d := range found {
		out[i] = append([]Detection(nil), d...)
	}
	return out
}

// Detect is [Detector]'s, for any number of goroutines. Once a batch has begun
// it waits for its end even if ctx is done, since the detector reads the frames.
func (s *Shared) Detect(ctx context.Context, frames []Frame) ([][]Detection, error) {
	reply := make(chan answer, 1)
	select {
	case s.ask <- request{frames, reply}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.quit:
		return nil, ErrClosed
	}
	a := <-reply
	return a.found, a.err
}

// Close ends the sharing after the batch in work and closes the detector.
func (s *Shared) Close() error {
	s.once.Do(func() { close(s.quit) })
	<-s.done
	return s.err
}
