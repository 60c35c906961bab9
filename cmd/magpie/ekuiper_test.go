package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/sensors"
	"magpie/sim"
	"magpie/site"
)

// The faults that running eKuiper showed, a test each: what a stream engine beside Magpie gets wrong on the same events.
// Those of sinks, brokers and kills are shown at full length, with real processes, by TestCrash, TestEndToEnd and TestRunGoesOn here,
// by TestKill of sensors, journal and alerts, and by TestHangingReceiver and TestBound of alerts.

// kuiperPolicy counts scans of a till in a sliding window.
const kuiperPolicy = `policy: %s
title: Many scans within half a minute
judge: till
prior: 0.01
evidence:
  - {name: many scans, if: 'count(scanned("any"), "%s") >= %d', weight: very strong}
alert: {tiers: {review: 0.3}, cooldown: 1s}
`

// kuiper is a store with some tills, each with a device that sends signals, and policies.
func kuiper(t *testing.T, tills int, policies ...string) lawWorld {
	t.Helper()
	dir := t.TempDir()
	var zones, list, signals strings.Builder
	for i := range tills {
		fmt.Fprintf(&zones, "  - {id: lane-%d, kind: checkout, polygon: [[%d,0],[%d,0],[%d,1],[%d,1]]}\n", i, 10*i, 10*i+2, 10*i+2, 10*i)
		fmt.Fprintf(&list, "  - {id: till-%d, zone: lane-%d, kind: self}\n", i, i)
		fmt.Fprintf(&signals, "  - {id: line-%d, zone: lane-%d}\n", i, i)
	}
	text := "store: s1\ntimezone: UTC\ncurrency: GBP\nzones:\n" + zones.String() + "tills:\n" + list.String() + "signals:\n" + signals.String() + "products: products.csv\n"
	must(t, os.WriteFile(filepath.Join(dir, "site.yaml"), []byte(text), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "products.csv"), []byte("sku,name,price\n071142008582,sauce,1.99\n"), 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "policies"), 0o700))
	for i, p := range policies {
		must(t, os.WriteFile(filepath.Join(dir, "policies", fmt.Sprintf("p%d.yaml", i)), []byte(p), 0o600))
	}
	s, err := site.Load(filepath.Join(dir, "site.yaml"))
	must(t, err)
	set, err := loadPolicies(filepath.Join(dir, "policies"), s)
	must(t, err)
	return lawWorld{site: s, set: set}
}

var kuiperStart = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// sec is a moment of these tests in ns.
func sec(s float64) int64 { return kuiperStart.UnixNano() + int64(s*1e9) }

// signalAt is a signal of the device at a till; seq tells those of one moment apart.
func signalAt(s float64, till, seq int) sim.Line {
	return sim.Line{Received: sec(s), Topic: fmt.Sprintf("magpie/v1/s1/signal/line-%d", till), Payload: fmt.Appendf(nil, `{"ts":%d,"seq":%d,"name":"line"}`, sec(s)/1e6, seq)}
}

// scanAt is a scan at a till, sent when it happened; extra are more members.
func scanAt(s float64, till int, extra string) sim.Line {
	return sim.Line{Received: sec(s), Topic: fmt.Sprintf("magpie/v1/s1/till/till-%d", till),
		Payload: fmt.Appendf(nil, `{"ts":%d,"session":"a","action":"scan","sku":"071142008582"%s}`, sec(s)/1e6, extra)}
}

func tickAt(s float64) sim.Line { return sim.Line{Received: sec(s), Control: "tick"} }

// kuiperRun is a pipeline and what it says.
type kuiperRun struct {
	t        testing.TB
	p        *pipeline
	all      []string // alert lines
	rejected []*sensors.Rejection
	facts    int                // scans and signals that the store has, confirmed
	judged   []alerts.Judgement // confirmed
}

func (w lawWorld) kuiper(t testing.TB) *kuiperRun {
	t.Helper()
	x := &kuiperRun{t: t}
	p, err := newPipeline(w.site, w.set, func(a *alerts.Alert) { x.all = append(x.all, string(a.AppendJSON(nil, false))) },
		pipelineHooks{rejected: func(_ *journal.Line, r *sensors.Rejection) { x.rejected = append(x.rejected, r) }})
	if err != nil {
		t.Fatal(err)
	}
	p.log.Facts = func(changes []fusion.Change) {
		for _, c := range changes {
			if k := c.Fact.Kind; c.Visit.Subject == fusion.SubjectStore && (k == fusion.FactScanned || k == fusion.FactSignal) {
				x.facts++
			}
		}
	}
	p.log.Judged = func(list []alerts.Judgement) { x.judged = append(x.judged, list...) }
	x.p = p
	return x
}

func (x *kuiperRun) feed(lines ...sim.Line) *kuiperRun {
	for _, l := range journalLines(x.t, lines) {
		x.p.line(&l)
	}
	return x
}

// ids are the alerts that were raised, in order.
func (x *kuiperRun) ids() (all []string) {
	for _, line := range x.all {
		id := line[strings.Index(line, "alr_"):][:20]
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

func three(name string) string { return fmt.Sprintf(kuiperPolicy, name, "30s", 3) }

// The window never fired until a later event came: it fires by the watermark, which arrivals of anything move.
func TestKuiperStreamGoesQuiet(t *testing.T) {
	w := kuiper(t, 1, strings.Replace(three("p"), `count(scanned("any"), "30s") >= 3`, `absent(voided("any"), scanned("any"), "10s")`, 1))
	x := w.kuiper(t).feed(scanAt(0, 0, ""), scanAt(1, 0, ""))
	if len(x.all) > 0 {
		t.Fatalf("nothing is missing yet: %s", x.all)
	}
	x.feed(tickAt(8), tickAt(15))
	if len(x.all) == 0 {
		t.Error("no void came within ten seconds, and nobody says so while the stream is quiet")
	}
}

// A late event was dropped in silence: it is counted, and revises.
func TestKuiperLateEvent(t *testing.T) {
	w := kuiper(t, 1, three("p"))
	x := w.kuiper(t).feed(scanAt(0, 0, ""), scanAt(1, 0, ""), tickAt(10))
	if len(x.all) > 0 {
		t.Fatal("two scans are not three")
	}
	late := scanAt(2, 0, "")
	late.Received = sec(20)
	x.feed(late, tickAt(21))
	if n := x.p.core.Counters[w.site.Store.SourceIndex("till-0")].Late; n != 1 || len(x.all) == 0 {
		t.Errorf("late: %d counted, %d lines; want it counted and an alert", n, len(x.all))
	}
}

// One event dated a year ahead stopped the engine for good: it is rejected, and nothing else changes.
func TestKuiperEventOfNextYear(t *testing.T) {
	w := kuiper(t, 1, three("p"))
	lines := []sim.Line{scanAt(0, 0, ""), scanAt(1, 0, ""), scanAt(2, 0, ""), tickAt(10)}
	want := w.kuiper(t).feed(lines...)
	ahead := scanAt(365*86400, 0, "")
	ahead.Received = sec(1)
	x := w.kuiper(t).feed(slices.Insert(slices.Clone(lines), 2, ahead)...)
	if len(x.rejected) != 1 || x.rejected[0].Code != sensors.CodeFuture || len(want.all) == 0 || !slices.Equal(x.all, want.all) {
		t.Errorf("rejected %v, and says\n%s\nwant\n%s", x.rejected, x.all, want.all)
	}
}

// Event time that jumped forward in a burst overflowed a buffer: what is not due is held, and nothing is lost.
func TestKuiperBurst(t *testing.T) {
	w := kuiper(t, 1, three("p"))
	const n = 20000
	x := w.kuiper(t).feed(scanAt(0, 0, ""), tickAt(3600))
	var burst []sim.Line
	for i := range n {
		l := signalAt(3600.001+float64(i)*1e-4, 0, i)
		l.Received = sec(3602.1)
		burst = append(burst, l)
	}
	x.feed(burst...)
	if held := x.p.core.Pending(); held < n {
		t.Errorf("%d events wait, of %d whose time has not come", held, n)
	}
	x.feed(tickAt(3610))
	if x.facts != n+1 || x.p.core.Pending() != 0 || len(x.rejected) > 0 {
		t.Errorf("%d facts, %d waiting, %d rejected; want all %d", x.facts, x.p.core.Pending(), len(x.rejected), n+1)
	}
}

// One mistyped value in one key took all other keys' results with it: that message alone is rejected, with a reason.
func TestKuiperMistypedValue(t *testing.T) {
	w := kuiper(t, 2, three("p"))
	lines := []sim.Line{scanAt(0, 0, ""), scanAt(0.5, 1, ""), scanAt(1, 0, ""), scanAt(1.5, 1, ""), scanAt(2, 0, ""), tickAt(10)}
	want := w.kuiper(t).feed(lines...)
	x := w.kuiper(t).feed(slices.Insert(slices.Clone(lines), 4, scanAt(1.8, 1, `,"qty":"three"`))...)
	if len(x.rejected) != 1 {
		t.Fatalf("%d rejected", len(x.rejected))
	}
	if r := x.rejected[0]; r.Code != sensors.CodeType || r.Path != "/qty" || !strings.Contains(r.Reason, "qty") || r.Source != "till-1" {
		t.Errorf("rejected %+v", r)
	}
	if len(want.all) == 0 || !slices.Equal(x.all, want.all) {
		t.Errorf("says\n%s\nwant\n%s", x.all, want.all)
	}
}

// A thousand rules on one stream lost a third of the events each: every policy judges every event.
func TestKuiperThousandRules(t *testing.T) {
	var policies []string
	for i := range 1000 {
		policies = append(policies, three(fmt.Sprintf("p%03d", i)))
	}
	x := kuiper(t, 1, policies...).kuiper(t)
	const n = 20
	for i := range n {
		x.feed(scanAt(float64(i)*60, 0, ""))
	}
	x.feed(tickAt(n * 60))
	times := map[string]int{}
	for _, j := range x.judged {
		times[j.Policy]++
	}
	if len(times) != 1000 {
		t.Fatalf("%d policies judged", len(times))
	}
	for p, k := range times {
		if k != times["p000"] || k < n {
			t.Fatalf("%s judged %d times, p000 %d times; %d events came", p, k, times["p000"], n)
		}
	}
}

// deafSink is a receiver that may be down.
type deafSink struct {
	mu   sync.Mutex
	down bool
	got  []string
}

func (s *deafSink) Name() string { return "lp" }

func (s *deafSink) Send(_ context.Context, d alerts.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errors.New("connection refused")
	}
	s.got = append(s.got, d.Key())
	return nil
}

func (s *deafSink) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *deafSink) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// A broker out of reach accepted results and lost them, and so did a sink under load: what is said waits where everybody can
// see it, over a restart too, and is delivered once the receiver is back, each line once.
func TestKuiperSinkOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &deafSink{down: true}
		path := filepath.Join(t.TempDir(), "outbox.db")
		start := func() (*alerts.Outbox, func()) {
			o, err := alerts.OpenOutbox(path, []alerts.Sink{sink}, alerts.OutboxOptions{})
			must(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); _ = o.Run(ctx) }()
			return o, func() { cancel(); <-done; must(t, o.Close()) }
		}
		const n = 200
		var all []alerts.OutboxEntry
		var want []string
		for i := range n {
			e := alerts.OutboxEntry{ID: fmt.Sprintf("alr_%d", i), Rev: 1, State: alerts.Provisional, Tier: "review", Body: []byte("{}"),
				To: []alerts.Target{{Output: "lp"}}}
			all, want = append(all, e), append(want, e.ID+".1")
		}
		o, stop := start()
		must(t, o.Put(all...))
		<-time.After(time.Minute)
		synctest.Wait()
		if s := o.Outputs(); len(s) != 1 || s[0].Waiting != n || len(sink.taken()) > 0 {
			t.Errorf("out of reach: %+v; want %d waiting", s, n)
		}
		stop()
		o, stop = start()
		defer stop()
		sink.set(false)
		<-time.After(5 * time.Minute)
		synctest.Wait()
		got := sink.taken()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || o.Outputs()[0].Waiting != 0 {
			t.Errorf("%d delivered, %d waiting; want all %d, each once", len(got), o.Outputs()[0].Waiting, n)
		}
	})
}

// A rule that was updated in the middle of a window began anew: a new set goes on with what its policies have seen.
func TestKuiperRuleUpdatedInAWindow(t *testing.T) {
	w := kuiper(t, 1, three("p"))
	changed := kuiper(t, 1, strings.Replace(three("p"), "Many scans", "Very many scans", 1), fmt.Sprintf(kuiperPolicy, "q", "30s", 99))
	x := w.kuiper(t).feed(scanAt(0, 0, ""), scanAt(5, 0, ""), tickAt(9))
	if len(x.all) > 0 {
		t.Fatal("two scans are not three")
	}
	x.p.desk.Install(sec(9.5), changed.set)
	x.feed(tickAt(9.5), scanAt(10, 0, ""), tickAt(20))
	if len(x.all) == 0 {
		t.Error("the third scan of the window came after the update, and nobody counted the two before")
	}
}

// After a restart state was lost, or what came after the last checkpoint: the journal has everything that was acknowledged.
func TestKuiperRestart(t *testing.T) {
	w := kuiper(t, 1, three("p"))
	lines := []sim.Line{scanAt(0, 0, ""), scanAt(1, 0, ""), scanAt(2, 0, ""), tickAt(10)}
	want := w.kuiper(t).feed(lines...)
	dir := t.TempDir()
	said := 0
	var last []string
	for _, l := range journalLines(t, lines) { // the process ends after every line
		now := l.Received
		j, err := journal.Open(dir, journal.Options{Now: func() time.Time { return time.Unix(0, now) }})
		must(t, err)
		_, err = j.Write(t.Context(), l) // acknowledged
		must(t, err)
		must(t, j.Close())
		from, err := openSegments(dir)
		must(t, err)
		x := w.kuiper(t)
		for {
			l, err := from.Next()
			if err == io.EOF {
				break
			}
			must(t, err)
			x.p.line(&l)
		}
		must(t, from.Close())
		if len(x.all) < said || !slices.Equal(x.all[:said], last) {
			t.Fatalf("after a restart it says\n%s\nbefore it said\n%s", x.all, last)
		}
		said, last = len(x.all), x.all
	}
	if len(want.all) == 0 || !slices.Equal(last, want.all) {
		t.Errorf("says\n%s\nwithout restarts\n%s", last, want.all)
	}
}

// The first window after a start, an update or a restore had another identity: an alert's follows from the facts alone.
func TestKuiperIdentity(t *testing.T) {
	w := kuiper(t, 2, strings.Replace(strings.Replace(three("p"), "judge: till", "judge: visit", 1), `count(scanned("any"), "30s") >= 3`, `scanned("any") >= 3`, 1))
	before := []sim.Line{scanAt(-200, 1, ""), scanAt(-120.3, 1, ""), tickAt(-60)}
	lines := []sim.Line{scanAt(0, 0, ""), scanAt(1, 0, ""), scanAt(2, 0, ""), tickAt(10)}
	want := w.kuiper(t).feed(append(slices.Clone(before), lines...)...).ids()
	if len(want) != 1 {
		t.Fatalf("alerts %v; want one", want)
	}
	if got := w.kuiper(t).feed(lines...).ids(); !slices.Equal(got, want) {
		t.Errorf("begun later: %v, not %v", got, want)
	}
	x := w.kuiper(t).feed(before...)
	x.feed(lines[:2]...)
	visits := strings.Replace(strings.Replace(three("p"), "judge: till", "judge: visit", 1), `count(scanned("any"), "30s") >= 3`, `scanned("any") > 2`, 1)
	x.p.desk.Install(sec(1.5), kuiper(t, 2, visits).set)
	if got := x.feed(lines[2:]...).ids(); !slices.Equal(got, want) {
		t.Errorf("after an update: %v, not %v", got, want)
	}
}

// A sliding window was evaluated for all keys at each event, at forty times the cost of a tumbling one: an event costs what
// concerns its own key, whatever the window.
func TestKuiperSlidingWindows(t *testing.T) {
	cost := func(tills int, window string) (allocs, judged float64) {
		policy := strings.Replace(fmt.Sprintf(kuiperPolicy, "p", window, 100_000), "judge: till", "judge: zone", 1)
		x := kuiper(t, tills, strings.Replace(policy, `scanned("any")`, `signal("line")`, 1)).kuiper(t)
		const n = 2000
		lines := make([]sim.Line, n)
		for i := range lines {
			lines[i] = signalAt(float64(i)/10, i%tills, i)
		}
		parsed := journalLines(t, lines)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range parsed {
			x.p.line(&parsed[i])
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / n, float64(len(x.judged)) / n
	}
	short, one := cost(1, "10s")
	long, same := cost(1, "20m")
	keyed, many := cost(50, "20m")
	t.Logf("allocations an event: %.0f in a window of 10 s, %.0f in one of 20 min, %.0f with 50 keys; judgements %.2f, %.2f, %.2f", short, long, keyed, one, same, many)
	// What fifty keys add are the copies that checkpoints make of each, a tenth of an allocation an event and key at most.
	if long > 1.2*short || keyed > long+0.1*50 || one > 1.01 || same > 1.01 || many > 1.01 {
		t.Error("an event costs more than its own key's share")
	}
}
