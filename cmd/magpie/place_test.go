package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPlace: what was carried out is known after a restart, and a file that is another journal's, or torn, is told and not
// believed.
func TestPlace(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	p := openPlace(dir, 0, log)
	if p.done(0) {
		t.Error("the first line of a new journal is done")
	}
	p.judged(500, math.MaxInt64)
	p.settle(math.MaxInt64)
	p.judged(900, 700)
	p.settle(700) // a rejection at 700 waits
	if p.read() != 900 {
		t.Errorf("the core has read to %d, want 900", p.read())
	}
	again := openPlace(dir, 1000, log)
	if !again.done(699) || again.done(700) {
		t.Errorf("after a restart the place is %d, want 700", again.before)
	}
	if p := openPlace(dir, 600, log); p.before != 0 {
		t.Errorf("a place behind the journal's end is believed: %d", p.before)
	}
	for _, torn := range []string{"", "12x\n"} {
		if err := os.WriteFile(filepath.Join(dir, "place"), []byte(torn), 0o644); err != nil {
			t.Fatal(err)
		}
		if p := openPlace(dir, 1000, log); p.before != 0 {
			t.Errorf("%q gives the place %d", torn, p.before)
		}
	}
}

// TestRejections: they are published in order beside the core; one that cannot be published waits, holds the place and is
// not lost.
func TestRejections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		var away atomic.Bool
		away.Store(true)
		p := openPlace(t.TempDir(), 0, slog.New(slog.DiscardHandler))
		r := newRejections(func(_ context.Context, topic string, _ []byte) error {
			if away.Load() {
				return errors.New("the broker is away")
			}
			sent = append(sent, topic)
			return nil
		}, p, p.log)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.run(ctx) }()
		for i, topic := range []string{"a", "b", "c"} {
			r.add(rejected{offset: int64(100 + i), topic: topic})
			p.judged(int64(101+i), r.oldest())
		}
		synctest.Wait()
		if len(sent) != 0 || r.oldest() != 100 {
			t.Errorf("sent %v, the oldest that waits is at %d; want none, and 100", sent, r.oldest())
		}
		away.Store(false)
		time.Sleep(2 * time.Second) // the bubble's clock
		synctest.Wait()
		if !slices.Equal(sent, []string{"a", "b", "c"}) || r.oldest() != math.MaxInt64 || p.saved != 103 {
			t.Errorf("sent %v, oldest %d, place %d; want a b c, none, 103", sent, r.oldest(), p.saved)
		}
		r.add(rejected{offset: 200, payload: make([]byte, maxRejected+1)})
		if r.oldest() != 200 {
			t.Errorf("one that does not fit holds the place at %d, want 200", r.oldest())
		}
		stop()
		<-done
	})
}
