package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserPage is a page in a headless Chromium.
type browserPage struct{ ctx context.Context }

func openBrowser(t *testing.T) *browserPage {
	t.Helper()
	binary := os.Getenv("MAGPIE_CHROMIUM")
	if binary == "" {
		binary = "/usr/bin/chromium"
	}
	if !exists(binary) {
		t.Skipf("no Chromium at %s (scripts/setup.sh test-tools, or set MAGPIE_CHROMIUM)", binary)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, chromedp.ExecPath(binary), chromedp.UserDataDir(t.TempDir()), chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1440, 1000),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	err := chromedp.Listen(ctx, func(ev any) {
		if ev, is := ev.(*runtime.EventExceptionThrown); is {
			t.Errorf("script error: %s %+v", ev.ExceptionDetails.Text, ev.ExceptionDetails.Exception)
		}
	})
	if err != nil {
		t.Fatalf("cannot start Chromium: %v", err)
	}
	return &browserPage{ctx}
}

// open opens the page and waits until it follows what happens.
func (p *browserPage) open(t *testing.T, url string) {
	t.Helper()
	must(t, chromedp.Do(p.ctx, chromedp.Navigate(url)))
	p.until(t, `document.getElementById('line').textContent === 'Live'`)
	if n, err := chromedp.Run(p.ctx, chromedp.Evaluate[int](`document.querySelectorAll('.entry').length`)); err != nil || n > 0 {
		t.Fatalf("the page was to be open before the first alert; it shows %d, %v", n, err)
	}
}

func (p *browserPage) until(t *testing.T, expression string) {
	t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(10*time.Second))); err != nil {
		body, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText`)) // only to say more
		t.Fatalf("never true: %s (%v); the page shows\n%s", expression, err, body)
	}
}

// alert sees the alert, that came while the page was open, and opens its evidence.
func (p *browserPage) alert(t *testing.T, a alertLine) {
	t.Helper()
	entry := fmt.Sprintf(`.entry[data-id=%q]`, a.ID)
	p.until(t, fmt.Sprintf(`document.querySelector('%s') !== null`, entry))
	must(t, chromedp.Do(p.ctx, chromedp.Click(entry), chromedp.WaitVisible(`#opened`)))
	const fold = `[data-fold="goods not paid for"]`
	must(t, chromedp.Do(p.ctx, chromedp.Click(fold+" summary")))
	p.until(t, fmt.Sprintf(`document.querySelector('%s').open`, fold))
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.getElementById('detail').innerText`))
	must(t, err)
	for _, want := range []string{"Taco sauce not paid?", "goods not paid for", "Speaks", "shelf-1", "tag moved through the gate", "r-east", "did not stop at a till"} {
		if !strings.Contains(text, want) {
			t.Errorf("the open alert does not say %q:\n%s", want, text)
		}
	}
	if dir := os.Getenv("MAGPIE_SHOTS"); dir != "" {
		png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "end-to-end.png"), png, 0o600))
	}
}

// numbers asks InfluxDB in Flux for what contract section 7 promises, and compares it with what was sent and printed.
func (e *endToEnd) numbers(t *testing.T) {
	t.Helper()
	flux := func(measurement, field, calls string) any { return e.influx.total(t, measurement, field, calls) }
	sum := func(tags string) string {
		return fmt.Sprintf(`filter(fn: (r) => %s) |> group() |> sum()`, tags)
	}
	// The camera's film ends after 20 s: it has said its last when it is offline.
	messages, frames := 0, map[string]bool{} // what ends the tracks is a message at the last frame's time
	await(t, 30*time.Second, "the end of the film in the journal", func() bool {
		messages = 0
		for _, l := range messagesIn(t, filepath.Join(e.data, "journal")) {
			switch {
			case strings.HasSuffix(l.Topic, "/track/cam-1"):
				messages++
				var m struct{ TS string }
				must(t, json.Unmarshal(l.Payload, &m))
				frames[m.TS] = true
			case strings.HasSuffix(l.Topic, "/status/cam-1") && strings.Contains(string(l.Payload), "offline"):
				return true
			}
		}
		return false
	})
	e.mu.Lock()
	want := maps.Clone(e.sent)
	e.mu.Unlock()
	delete(want, "/")
	want["track/cam-1"] = messages
	for _, name := range slices.Sorted(maps.Keys(want)) {
		kind, source, _ := strings.Cut(name, "/")
		await(t, 30*time.Second, fmt.Sprintf("%d messages of %s in the database", want[name], name), func() bool {
			return flux("events", "received", sum(fmt.Sprintf(`r.kind == %q and r.source == %q`, kind, source))) == int64(want[name])
		})
	}
	var scraped string
	must(t, fetch(e.http, "/metrics", &scraped))
	for name, n := range want {
		kind, source, _ := strings.Cut(name, "/")
		if line := fmt.Sprintf("magpie_events_received_total{kind=%q,source=%q,store=\"street\"} %d\n", kind, source, n); !strings.Contains(scraped, line) {
			t.Errorf("/metrics does not say %s", line)
		}
	}
	last := map[string]alertLine{}
	for _, line := range e.lines() {
		a := alertOf(t, line)
		last[a.ID] = a
	}
	one := last[slices.Sorted(maps.Keys(last))[0]]
	evaluations := flux("policy", "evaluations", sum("true"))
	if n, is := evaluations.(int64); !is || n == 0 {
		t.Errorf("policy.evaluations is %v", evaluations)
	}
	seen, dropped := flux("vision", "frames", sum(`r.camera == "cam-1"`)), flux("vision", "dropped", sum(`r.camera == "cam-1"`))
	if n, _ := dropped.(int64); seen != int64(len(frames)) || int64(len(frames))+n != 200 {
		t.Errorf("vision: %v frames seen and %v dropped; the journal has %d, the film 200", seen, dropped, len(frames))
	}
	for _, modality := range []string{"track", "rfid"} {
		ratio, _ := flux("coverage", "ratio", fmt.Sprintf(`filter(fn: (r) => r.zone == "east" and r.modality == %q) |> max()`, modality)).(float64)
		if ratio < 0.8 || ratio > 1 {
			t.Errorf("coverage of the exit by %s: Flux says %v of a minute in which it was seen all the time", modality, ratio)
		}
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"rejected weight", flux("events", "rejected", sum(`r.kind == "weight" and r.source == "shelf-2"`)), int64(1)},
		{"rejected rfid", flux("events", "rejected", sum(`r.kind == "rfid" and r.source == "r-east"`)), int64(1)},
		{"rejected of unknown sources", flux("events", "rejected", sum(`r.source == "unknown"`)), int64(1)},
		{"alerts", flux("alerts", "opened", sum(`r.policy == "_all"`)), int64(len(last))},
		{"state of the last revision", flux("alerts", "state", fmt.Sprintf(`filter(fn: (r) => r.policy == "_all" and r.zone == %q and r.tier == %q) |> group() |> last()`, one.Zone, one.Tier)), one.State},
		{"scores", flux("scores", "count", sum("true")), evaluations},
		{"sauces taken in aisle-1", flux("shelves", "picks", sum(`r.zone == "aisle-1" and r.zone_kind == "aisle" and r.category == "sauces"`)), int64(1)},
		{"units of it", flux("shelves", "units", sum(`r.category == "sauces"`)), int64(1)},
		{"till sessions", flux("tills", "sessions", sum(`r.till_kind == "self"`)), int64(1)},
		{"till scans", flux("tills", "scans", sum("true")), int64(1)},
		{"the reader's state", flux("sources", "up", `filter(fn: (r) => r.source == "r-east") |> max()`), 1.0},
	} {
		if c.got != c.want {
			t.Errorf("%s: Flux says %v, want %v", c.what, c.got, c.want)
		}
	}
	if n, _ := flux("visits", "entered", sum(`r.zone == "aisle-1"`)).(int64); n == 0 {
		t.Error("visits.entered: nobody entered aisle-1")
	}
}

// restart kills the program and starts it again: what was said is not said again.
func (e *endToEnd) restart(t *testing.T, rejected []string) {
	t.Helper()
	sent, flags := len(e.floor.all()), len(e.pos.all())
	e.magpie.kill()
	printed := e.lines()
	e.printed = strings.Join(append(slices.Clone(printed), ""), "\n")
	e.start(t, "--no-cameras")
	must(t, e.publish(t.Context(), "", "", "magpie/v1/street/gate/after", []byte(`{"ts":"arrival","alarm":true}`)))
	rejected = append(slices.Clone(rejected), "gate/after unknown_source")
	await(t, 20*time.Second, "a rejection after the restart", func() bool { return len(e.rejections()) >= len(rejected) })
	if got := e.rejections(); !slices.Equal(got, rejected) {
		t.Errorf("rejections %q, want %q: what was rejected before the restart is rejected once", got, rejected)
	}
	for _, line := range e.lines()[len(printed):] {
		if slices.Contains(printed, line) {
			t.Errorf("printed before the restart and after it: %s", line)
		}
	}
	for name, list := range map[string][]posted{"webhook": e.floor.all()[sent:], "till": e.pos.all()[flags:]} {
		for _, p := range list {
			if slices.ContainsFunc(e.floor.all()[:sent], func(q posted) bool { return q.id == p.id }) {
				t.Errorf("the %s got %s before the restart and after it", name, p.id)
			}
		}
	}
}

// outputs compares what each output got: the same bytes everywhere.
func (e *endToEnd) outputs(t *testing.T) {
	t.Helper()
	lines := map[string]string{}
	for _, line := range e.lines() {
		a := alertOf(t, line)
		if lines[a.key()] != "" {
			t.Errorf("%s was printed twice", a.key())
		}
		lines[a.key()] = line
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !maps.Equal(lines, e.said) {
		t.Errorf("MQTT got %d alert lines, standard output %d; or they differ", len(e.said), len(lines))
	}
	for _, p := range e.floor.all() {
		if lines[p.id] != string(p.body) {
			t.Errorf("the webhook got as %s\n%s\nwhich was printed as\n%s", p.id, p.body, lines[p.id])
		}
	}
	if len(e.pos.all()) == 0 {
		t.Error("the till was told of nothing")
	}
	for _, p := range e.pos.all() {
		var flag struct {
			Reason        string
			TransactionID *string `json:"transactionId"`
			Details       json.RawMessage
		}
		must(t, json.Unmarshal(p.body, &flag))
		if flag.Reason != "potential_theft" || lines[p.id] != string(flag.Details) {
			t.Errorf("the till got as %s: %s", p.id, p.body)
		}
	}
}

// replayed compares what was printed with what a replay of the journal prints: the same lines in the same order, and at
// its end those that close what is open.
func (e *endToEnd) replayed(t *testing.T) {
	t.Helper()
	all := messagesIn(t, filepath.Join(e.data, "journal"))
	end := time.Unix(0, all[len(all)-1].Received)
	live, again := e.lines(), linesOf(replayOf(t, e.bin, e.site, e.data))
	for i, line := range again {
		switch {
		case i < len(live) && live[i] != line:
			t.Fatalf("line %d: printed live\n%s\nby the replay\n%s", i+1, live[i], line)
		case i >= len(live) && end.Sub(alertOf(t, line).RaisedAt) > 2*time.Second:
			t.Errorf("only the replay prints %s", line)
		}
	}
	if len(live) > len(again) || len(live) == 0 {
		t.Errorf("live it printed %d lines, the replay %d", len(live), len(again))
	}
	t.Logf("%d alert lines live, the same and %d more at the end by the replay", len(live), len(again)-len(live))
}
