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

// What is given up is on the dead list over restarts and goes out again, with the same key and bytes, when asked.
func TestDeadAndResend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lp := &fakeSink{name: "lp", answer: func(alerts.Delivery) error { return errors.New("500 no") }}
		pos := &fakeSink{name: "pos", answer: func(alerts.Delivery) error { return alerts.Permanent{Err: errors.New("too long")} }}
		path := filepath.Join(t.TempDir(), "o.db")
		opt := alerts.OutboxOptions{GiveUp: 10 * time.Minute}
		o, stop := running(t, path, opt, lp, pos)
		put(t, o, entry("a", 1, alerts.Provisional, "lp", "pos", "nowhere"))
		pass(time.Hour)
		stop()
		lp.set(nil)
		o, stop = running(t, path, opt, lp, pos)
		defer stop()
		pass(time.Hour)
		dead, err := o.Dead()
		var got []string
		for _, d := range dead {
			got = append(got, fmt.Sprintf("%s.%d %s: %s", d.ID, d.Rev, d.Output, d.Error))
		}
		want := []string{"a.1 nowhere: no output of this name is configured", "a.1 pos: too long", "a.1 lp: 500 no"}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("dead %q (%v), want %q", got, err, want)
		}
		if len(lp.taken()) != 0 || len(pos.attempts()) != 1 {
			t.Fatal("a dead delivery was sent unasked")
		}
		if n, err := o.Resend("a", 1); n != 2 || err != nil {
			t.Fatalf("Resend: %d, %v", n, err)
		}
		pass(time.Second)
		if got := lp.taken(); len(got) != 1 || got[0] != `a.1 {"id":"a","rev":1,"state":"provisional"}` {
			t.Fatalf("resent %q", got)
		}
		if _, err := o.Resend("a", 7); err == nil {
			t.Fatal("Resend of an unknown revision must fail")
		}
	})
}

// A retraction reaches every output that got the alert, also one that its own line does not name, and no other; and it
// does not wait for back-off.
func TestRetraction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lp, floor, late := &fakeSink{name: "lp"}, &fakeSink{name: "floor"}, &fakeSink{name: "late"}
		late.answer = func(d alerts.Delivery) error { return alerts.Permanent{Err: errors.New("never sent")} }
		o, stop := running(t, filepath.Join(t.TempDir(), "o.db"), alerts.OutboxOptions{Jitter: func() float64 { return 1 }}, lp, floor, late)
		defer stop()
		put(t, o, entry("a", 1, alerts.Provisional, "lp", "floor", "late"))
		pass(time.Second)
		lp.set(func(alerts.Delivery) error { return alerts.Throttle{Err: errors.New("connection refused")} })
		put(t, o, entry("a", 2, alerts.Confirmed, "lp"))
		pass(30 * time.Minute)
		lp.set(nil)
		late.set(nil)
		put(t, o, entry("a", 3, alerts.Retracted))
		pass(2 * time.Second)
		for s, want := range map[*fakeSink]string{lp: "a.1 a.2 a.3", floor: "a.1 a.3", late: ""} {
			if got := keys(s.taken()); got != want {
				t.Errorf("%s got %q, want %q", s.name, got, want)
			}
		}
		if _, err := o.Resend("a", 1); err != nil {
			t.Fatal(err)
		}
	})
}

// After its expiry an alert is not pushed to the floor, unless it takes back what the floor was told.
func TestFloorExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		floor, lp := &fakeSink{name: "floor"}, &fakeSink{name: "lp"}
		down := func(alerts.Delivery) error { return alerts.Throttle{Err: errors.New("connection refused")} }
		o, stop := running(t, filepath.Join(t.TempDir(), "o.db"), alerts.OutboxOptions{}, floor, lp)
		defer stop()
		with := func(e alerts.OutboxEntry) alerts.OutboxEntry {
			e.Expires = time.Now().Add(3 * time.Minute).UnixNano()
			return e
		}
		told, untold := with(entry("told", 1, alerts.Provisional, "floor", "lp")), with(entry("untold", 1, alerts.Provisional, "floor", "lp"))
		put(t, o, told)
		pass(time.Second)
		floor.set(down)
		lp.set(down)
		put(t, o, untold)
		pass(10 * time.Minute)
		before := len(floor.attempts())
		floor.set(nil)
		lp.set(nil)
		pass(5 * time.Minute)
		if got := keys(floor.taken()); got != "told.1" {
			t.Fatalf("floor got %q after the expiry", got)
		}
		if got := keys(lp.taken()); got != "told.1 untold.1" {
			t.Fatalf("lp got %q", got)
		}
		if before < 2 {
			t.Fatal("the floor was not tried while the alert was fresh")
		}
		late := entry("late", 1, alerts.Provisional, "floor")
		late.Expires = time.Now().Add(-time.Second).UnixNano()
		back := entry("told", 2, alerts.Retracted, "floor")
		back.Expires = told.Expires
		put(t, o, late, entry("late", 2, alerts.Retracted, "floor"), back)
		pass(time.Second)
		if got := keys(floor.taken()); got != "told.1 told.2" {
			t.Fatalf("floor got %q", got)
		}
	})
}

// At the bound dead ones make room first, then Put says so and stores nothing.
func TestBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lp := &fakeSink{name: "lp", answer: func(alerts.Delivery) error { return alerts.Permanent{Err: errors.New("no")} }}
		var drops []string
		big := func(id string) alerts.OutboxEntry {
			e := entry(id, 1, alerts.Provisional, "lp")
			e.Body = []byte(`"` + strings.Repeat("x", 398) + `"`)
			return e
		}
		opt := alerts.OutboxOptions{MaxBytes: 1000, Hooks: alerts.OutboxHooks{Dropped: func(id string, rev int) { drops = append(drops, id) }}}
		path := filepath.Join(t.TempDir(), "o.db")
		o, stop := running(t, path, opt, lp)
		put(t, o, big("d1"), big("d2"))
		pass(time.Second)
		lp.set(func(alerts.Delivery) error { return errors.New("500") })
		put(t, o, big("a"))
		put(t, o, big("b"))
		if err := o.Put(big("c")); !errors.Is(err, alerts.ErrFull) {
			t.Fatalf("past the bound: %v", err)
		}
		if !slices.Equal(drops, []string{"d1", "d2"}) {
			t.Fatalf("dropped %v", drops)
		}
		stop()
		lp.set(nil)
		o, stop = running(t, path, opt, lp)
		defer stop()
		pass(time.Hour)
		if got := keys(lp.taken()); got != "a.1 b.1" {
			t.Fatalf("got %q", got)
		}
		if held, _ := o.Bytes(); held != 0 {
			t.Fatalf("%d bytes held", held)
		}
		put(t, o, big("c"))
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
