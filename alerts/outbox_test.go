package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"magpie/alerts"
)

// fakeSink records what it is sent and answers as told.
type fakeSink struct {
	name   string
	answer func(d alerts.Delivery) error

	mu    sync.Mutex
	tries []string // "<key> <body>", every attempt
	got   []string // those it took
	at    []time.Time
}

func (s *fakeSink) Name() string { return s.name }

func (s *fakeSink) Send(_ context.Context, d alerts.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Now())
	line := d.Key() + " " + string(d.Body)
	s.tries = append(s.tries, line)
	if s.answer != nil {
		if err := s.answer(d); err != nil {
			return err
		}
	}
	s.got = append(s.got, line)
	return nil
}

func (s *fakeSink) set(f func(alerts.Delivery) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

func (s *fakeSink) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *fakeSink) attempts() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.at)
}

func entry(id string, rev int, state alerts.State, to ...string) alerts.OutboxEntry {
	e := alerts.OutboxEntry{ID: id, Rev: rev, State: state, Tier: "review", Body: fmt.Appendf(nil, `{"id":%q,"rev":%d,"state":%q}`, id, rev, state)}
	for _, o := range to {
		e.To = append(e.To, alerts.Target{Output: o, Floor: o == "floor"})
	}
	return e
}

// running opens an outbox and runs it until the test calls stop.
func running(t *testing.T, path string, opt alerts.OutboxOptions, sinks ...alerts.Sink) (*alerts.Outbox, func()) {
	t.Helper()
	o, err := alerts.OpenOutbox(path, sinks, opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { o.Run(ctx); close(done) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			<-done
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return o, stop
}

func put(t *testing.T, o *alerts.Outbox, e ...alerts.OutboxEntry) {
	t.Helper()
	if err := o.Put(e...); err != nil {
		t.Fatal(err)
	}
}

// pass lets d go by inside a synctest bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func keys(lines []string) string {
	var k []string
	for _, l := range lines {
		key, _, _ := strings.Cut(l, " ")
		k = append(k, key)
	}
	return strings.Join(k, " ")
}

// One alert that a receiver refuses holds back its own later revisions and no other alert.
func TestOrderWithinAnAlertOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSink{name: "lp"}
		s.answer = func(d alerts.Delivery) error {
			if d.ID == "a" && time.Since(s.at[0]) < 20*time.Second {
				return errors.New("500")
			}
			return nil
		}
		o, stop := running(t, filepath.Join(t.TempDir(), "o.db"), alerts.OutboxOptions{}, s)
		defer stop()
		put(t, o, entry("a", 1, alerts.Provisional, "lp"), entry("b", 1, alerts.Provisional, "lp"),
			entry("a", 2, alerts.Confirmed, "lp"), entry("b", 2, alerts.Confirmed, "lp"))
		pass(5 * time.Second)
		if got := keys(s.taken()); got != "b.1 b.2" {
			t.Fatalf("while a.1 is refused got %q", got)
		}
		pass(5 * time.Minute)
		if got := keys(s.taken()); got != "b.1 b.2 a.1 a.2" {
			t.Fatalf("got %q", got)
		}
	})
}

func TestPutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conflicts []string
		s := &fakeSink{name: "lp"}
		opt := alerts.OutboxOptions{Hooks: alerts.OutboxHooks{Conflict: func(id string, rev int) { conflicts = append(conflicts, fmt.Sprint(id, rev)) }}}
		path := filepath.Join(t.TempDir(), "o.db")
		o, stop := running(t, path, opt, s)
		put(t, o, entry("a", 1, alerts.Provisional, "lp"))
		pass(time.Second)
		stop()
		o, stop = running(t, path, opt, s) // what was delivered is still known after a restart
		defer stop()
		put(t, o, entry("a", 1, alerts.Provisional, "lp"))
		other := entry("a", 1, alerts.Provisional, "lp")
		other.Body = []byte(`{"id":"a","rev":1,"other":true}`)
		if err := o.Put(other, entry("b", 1, alerts.Provisional, "lp")); !errors.Is(err, alerts.ErrConflict) {
			t.Fatalf("other bytes: %v", err)
		}
		pass(time.Second)
		if got := keys(s.taken()); got != "a.1 b.1" || len(conflicts) != 1 {
			t.Fatalf("got %q, conflicts %v", got, conflicts)
		}
		if held, _ := o.Bytes(); held != 0 {
			t.Fatalf("%d bytes held after all was delivered", held)
		}
	})
}

// Retry-After holds the whole output for as long as it says; without it waits grow with full jitter.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSink{name: "lp"}
		s.answer = func(d alerts.Delivery) error {
			if len(s.tries) == 1 {
				return alerts.Throttle{After: 40 * time.Second, Err: errors.New("429")}
			}
			if len(s.tries) < 12 {
				return errors.New("500")
			}
			return nil
		}
		o, stop := running(t, filepath.Join(t.TempDir(), "o.db"), alerts.OutboxOptions{Jitter: func() float64 { return 1 }}, s)
		defer stop()
		put(t, o, entry("a", 1, alerts.Provisional, "lp"))
		pass(time.Second)
		if st := o.Outputs()[0]; st.Until.IsZero() || st.Waiting != 1 {
			t.Fatalf("a throttled output shows nothing: %+v", st)
		}
		pass(time.Hour)
		at := s.attempts()
		var gaps []time.Duration
		for i := range at[1:] {
			gaps = append(gaps, at[i+1].Sub(at[i]).Round(100*time.Millisecond))
		}
		ms := time.Millisecond
		want := []time.Duration{40000 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 8000 * ms, 16000 * ms, 32000 * ms, 64000 * ms, 120000 * ms, 120000 * ms}
		if !slices.Equal(gaps, want) {
			t.Fatalf("waits %v, want %v", gaps, want)
		}
	})
}

func TestGoneDisablesUntilRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSink{name: "lp", answer: func(alerts.Delivery) error { return alerts.Gone{Err: errors.New("410 Gone")} }}
		path := filepath.Join(t.TempDir(), "o.db")
		o, stop := running(t, path, alerts.OutboxOptions{}, s)
		put(t, o, entry("a", 1, alerts.Provisional, "lp"), entry("b", 1, alerts.Provisional, "lp"))
		pass(time.Hour)
		if n := len(s.attempts()); n != 1 {
			t.Fatalf("%d tries after 410, want 1", n)
		}
		if st := o.Outputs()[0]; st.Disabled != "410 Gone" || st.Waiting != 2 {
			t.Fatalf("status %+v", st)
		}
		stop()
		s.set(nil)
		_, stop = running(t, path, alerts.OutboxOptions{}, s)
		defer stop()
		pass(time.Second)
		if got := keys(s.taken()); got != "a.1 b.1" {
			t.Fatalf("after a restart got %q", got)
		}
	})
}

func BenchmarkPut(b *testing.B) {
	s := &fakeSink{name: "lp"}
	o, err := alerts.OpenOutbox(filepath.Join(b.TempDir(), "o.db"), []alerts.Sink{s}, alerts.OutboxOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer o.Close()
	for i := 0; b.Loop(); i++ {
		if err := o.Put(entry(fmt.Sprint(i), 1, alerts.Provisional, "lp")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDeliver measures one delivery, a backlog of 5000 alerts behind it.
func BenchmarkDeliver(b *testing.B) {
	const backlog = 5000
	got := make(chan struct{}, 1)
	s := &fakeSink{name: "lp", answer: func(alerts.Delivery) error { got <- struct{}{}; return nil }}
	o, err := alerts.OpenOutbox(filepath.Join(b.TempDir(), "o.db"), []alerts.Sink{s}, alerts.OutboxOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer o.Close()
	var all []alerts.OutboxEntry
	for i := range backlog + b.N {
		all = append(all, entry(fmt.Sprint(i), 1, alerts.Provisional, "lp"))
	}
	if err := o.Put(all...); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { o.Run(ctx); close(done) }()
	b.ResetTimer()
	for range b.N {
		<-got
	}
	b.StopTimer()
	cancel()
	select {
	case <-got: // the one in flight
	default:
	}
	<-done
}
