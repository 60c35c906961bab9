package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"magpie/alerts"
)

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

// What was taken back is not raised again by hand.
func TestNoResendAfterRetraction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSink{name: "pos"}
		s.answer = func(d alerts.Delivery) error {
			if d.Rev == 2 {
				return alerts.Permanent{Err: errors.New("too long")}
			}
			return nil
		}
		o, stop := running(t, filepath.Join(t.TempDir(), "o.db"), alerts.OutboxOptions{}, s)
		defer stop()
		put(t, o, entry("a", 1, alerts.Provisional, "pos"), entry("a", 2, alerts.Confirmed, "pos"), entry("a", 3, alerts.Retracted))
		pass(time.Second)
		if _, err := o.Resend("a", 2); err == nil || !strings.Contains(err.Error(), "already has the retraction") || keys(s.taken()) != "a.1 a.3" {
			t.Fatalf("Resend: %v; got %s", err, keys(s.taken()))
		}
	})
}

// A receiver that never answers costs the send's time-out and is tried again.
func TestHangingReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hangingSink{}
		o, stop := running(t, filepath.Join(t.TempDir(), "o.db"), alerts.OutboxOptions{SendTimeout: 10 * time.Second}, h)
		defer stop()
		put(t, o, entry("a", 1, alerts.Provisional, "slow"))
		pass(time.Minute)
		if n := h.tries.Load(); n < 5 || n > 7 {
			t.Fatalf("%d tries in a minute, want one about every 10 s", n)
		}
	})
}

type hangingSink struct{ tries atomic.Int32 }

func (*hangingSink) Name() string { return "slow" }
func (h *hangingSink) Send(ctx context.Context, _ alerts.Delivery) error {
	h.tries.Add(1)
	<-ctx.Done()
	return ctx.Err()
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
		down := func(alerts.Delivery) error {
			return alerts.Throttle{Unsent: true, Err: errors.New("connection refused")}
		}
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
		put(t, o, late, entry("late", 2, alerts.Retracted, "floor"), entry("untold", 2, alerts.Retracted, "floor"), back)
		pass(time.Second)
		if got := keys(floor.taken()); got != "told.1 told.2" {
			t.Fatalf("floor got %q", got)
		}
	})
}

// An alert that may have been sent before a kill is taken back, though it has expired since.
func TestRetractionOfWhatMayHaveArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		floor := &fakeSink{name: "floor", answer: func(alerts.Delivery) error { return errors.New("reset in the middle of the answer") }}
		path := filepath.Join(t.TempDir(), "o.db")
		o, stop := running(t, path, alerts.OutboxOptions{}, floor)
		e := entry("a", 1, alerts.Provisional, "floor")
		e.Expires = time.Now().Add(3 * time.Minute).UnixNano()
		put(t, o, e)
		pass(time.Second)
		stop()
		pass(10 * time.Minute)
		floor.set(nil)
		o, stop = running(t, path, alerts.OutboxOptions{}, floor)
		defer stop()
		pass(time.Second)
		put(t, o, entry("a", 2, alerts.Retracted))
		pass(time.Second)
		if got := keys(floor.taken()); got != "a.2" {
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
