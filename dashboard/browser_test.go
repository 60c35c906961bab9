package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser starts a headless Chromium with a new profile. It fails the test on any script error, and on any request that
// leaves this machine.
func browser(t *testing.T) context.Context {
	t.Helper()
	binary := os.Getenv("MAGPIE_CHROMIUM")
	if binary == "" {
		binary = "/usr/bin/chromium"
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skipf("no Chromium at %s: the page is not looked at; set MAGPIE_CHROMIUM to one", binary)
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(binary), chromedp.UserDataDir(t.TempDir()), chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1440, 1000)}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	err := chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("script error: %s %+v", ev.ExceptionDetails.Text, ev.ExceptionDetails.Exception)
		case *log.EventEntryAdded:
			if ev.Entry.Source == log.EntrySourceSecurity {
				t.Errorf("the browser says: %s", ev.Entry.Text)
			}
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(ev.Request.URL, "http://127.0.0.1:") && !strings.HasPrefix(ev.Request.URL, "data:") {
				t.Errorf("the page asks for %s", ev.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatalf("cannot start Chromium: %v", err)
	}
	return ctx
}

// until waits for an expression to be true in the page.
func until(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(10*time.Second)))
	if err != nil {
		body, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`)) // only to say more
		t.Fatalf("never true: %s (%v); the page shows\n%s", expression, err, body)
	}
}

func script(t *testing.T, ctx context.Context, expression string) string {
	t.Helper()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return s
}

// shot writes a picture into the folder that MAGPIE_SHOTS names, for people to look at.
func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("MAGPIE_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// shop is a running dashboard with an example in it.
type shop struct {
	hub  *Hub
	addr string

	mu    sync.Mutex
	lines []json.RawMessage
	marks map[string]Mark
}

func (s *shop) say(t *testing.T, line string) {
	t.Helper()
	s.mu.Lock()
	s.lines = append([]json.RawMessage{json.RawMessage(line)}, s.lines...)
	s.mu.Unlock()
	publish(t, s.hub, line)
}

func (s *shop) options() Options {
	now := time.Now().UTC()
	past := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	var policies = PolicySet{Hash: "sha256:61b1c0ffee00", Loaded: past(3 * time.Minute), Error: "unpaid-exit.yaml:12:38: unknown function \"unpaid_valu\"; did you mean \"unpaid_value\"?\n  if: 'unpaid_valu() >= floor_value'\n       ^", ErrorAt: past(20 * time.Second),
		Policies: []Policy{{Policy: "unpaid-exit", Title: "Leaves with goods that no till has seen", Mode: "live"}, {Policy: "gate-tag", Title: "A tag that no till has seen moves through the gate", Mode: "live"},
			{Policy: "skipped-scan", Title: "Goods put in the bag without a scan", Mode: "shadow", Why: "needs till@checkout, and the site has no camera there"}}}
	return Options{Site: exampleSite, Hub: s.hub,
		Alerts: func(q Query) []json.RawMessage {
			s.mu.Lock()
			defer s.mu.Unlock()
			return append([]json.RawMessage{}, s.lines...)
		},
		Marks: func() map[string]Mark {
			s.mu.Lock()
			defer s.mu.Unlock()
			all := map[string]Mark{}
			for id, m := range s.marks {
				all[id] = m
			}
			return all
		},
		Goods: func(sku string) string { return map[string]string{"071142008582": "Taco sauce"}[sku] },
		Ack:   func(id, who string) error { return nil },
		Verdict: func(id string, v Verdict) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.marks[id] = Mark{Verdict: v.Verdict, Who: v.Who}
			return nil
		},
		Sources: func() []Source {
			return []Source{{ID: "cam-1", Kind: "track", State: "up", Last: past(time.Second), Messages: 18233, Late: 12},
				{ID: "r-door", Kind: "rfid", State: "up", Last: past(2 * time.Second), Messages: 9120}, {ID: "g1-s5-p11", Kind: "weight", State: "up", Last: past(time.Second), Messages: 40211},
				{ID: "sco-1", Kind: "till", State: "idle", Last: past(4 * time.Minute), Messages: 310, Rejected: 2, Reason: "missing: session is missing; send the session of the sale"},
				{ID: "eas-1", Kind: "gate", State: "up", Last: past(5 * time.Second), Messages: 88}, {ID: "c-1", Kind: "count", State: "never"}}
		},
		Visits: func() []Visit {
			return []Visit{{ID: "v_77d01c5e2a90b6f3", Tracks: []string{"cam-1/17"}, First: *past(2 * time.Minute), Last: *past(3 * time.Second), Zone: "door", Zones: []VisitZone{{"in-1", 6}, {"aisle-1", 71}, {"door", 3}},
				Items: []VisitItem{{SKU: "071142008582", Name: "Taco sauce", Count: 1, Unpaid: 0.93}}, Unpaid: 1.85, Score: 0.87, Policy: "unpaid-exit", Staff: 0.01},
				{ID: "v_0a0b0c0d0e0f1011", Tracks: []string{"cam-1/19"}, First: *past(time.Minute), Last: *past(time.Second), Zone: "aisle-1", Zones: []VisitZone{{"aisle-1", 44}}, Score: 0.002, Staff: 0.92}}
		},
		Policies: func() PolicySet { return policies },
	}
}

// start serves on an address; stop ends it, streams and all.
func (s *shop) start(t *testing.T, addr string) (stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s.addr, s.hub = l.Addr().String(), NewHub(64)
	server := &http.Server{Handler: New(s.options()), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ErrServerClosed
	}()
	return func() {
		s.hub.Close()
		server.Close()
		<-done
	}
}

func TestAnAlertAppearsAndOpensItsEvidence(t *testing.T) {
	ctx := browser(t)
	s := &shop{marks: map[string]Mark{}}
	stop := s.start(t, "127.0.0.1:0")
	defer func() { stop() }()
	s.say(t, alertLine("alr_0000000000000001", 1, "closed", "review", "aisle-1: someone stayed long at the razor blades"))
	s.say(t, alertLine("alr_0000000000000002", 2, "retracted", "log", "door: a tag of unknown goods moved"))
	if err := chromedp.Do(ctx, chromedp.Navigate("http://"+s.addr+"/dashboard")); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.getElementById('line').textContent === 'Live'`)
	until(t, ctx, `document.querySelectorAll('.entry').length === 2`)

	// An alert appears without a reload; a click opens it, and another its evidence.
	s.say(t, exampleAlert(1, "provisional"))
	until(t, ctx, `document.querySelectorAll('.entry').length === 3`)
	if err := chromedp.Do(ctx, chromedp.Click(`.entry[data-id="alr_5f0c1b7a99d2e431"]`), chromedp.WaitVisible(`#opened`)); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.getElementById('opened').textContent === 'door: 1 × Taco sauce not paid?'`)
	if err := chromedp.Do(ctx, chromedp.Click(`[data-fold="goods not paid for"] summary`)); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector('[data-fold="goods not paid for"]').open`)
	text := script(t, ctx, `document.getElementById('detail').innerText`)
	for _, want := range []string{
		"Took 1 × Taco sauce from g1-s5-p11", "Offer help", "Provisional", "87 %", "£1.85",
		"goods not paid for", "500 × likelier", "Speaks very strongly for it (+6.22 in log-odds), counted at 93 % of its weight, as of 22:30:19.4.",
		"g1-s5-p11", "weight", "tag moved through the gate", "7.1 × likelier", "one of us", "says almost nothing", "1 in 500",
		"till coverage", "071142008582", "94 % sure that these sensors saw one and the same person", "−14.3 s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the open alert does not say %q", want)
		}
	}
	// Bars: for it to the right of the middle, against it to the left.
	if got := script(t, ctx, `(() => { const f = document.querySelector('[data-fold="goods not paid for"] .fill'); const b = f.parentNode.getBoundingClientRect(); const r = f.getBoundingClientRect(); return String(r.left >= b.left + b.width / 2 - 1 && r.width > b.width / 3); })()`); got != "true" {
		t.Error("the bar of what speaks for it does not reach to the right")
	}
	shot(t, ctx, "alert-light.png")

	until(t, ctx, `document.querySelector('#detail .table td').textContent === 'Taco sauce 071142008582'`)

	// A revision changes it in place: the fold stays open, what was typed stays.
	if err := chromedp.Do(ctx, chromedp.SendKeys(`[name="why"]`, "in the left pocket")); err != nil {
		t.Fatal(err)
	}
	s.say(t, exampleAlert(2, "confirmed"))
	until(t, ctx, `document.querySelector('#detail .state').textContent === 'Confirmed'`)
	if got := script(t, ctx, `document.querySelector('[name="why"]').value + '|' + document.querySelector('[data-fold="goods not paid for"]').open + '|' + document.activeElement.name`); got != "in the left pocket|true|why" {
		t.Errorf("after a revision: %s", got)
	}

	// A verdict is recorded and shown.
	if err := chromedp.Do(ctx, chromedp.Click(`[data-verdict="recovered"]`)); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector('[data-verdict="recovered"]').getAttribute('aria-pressed') === 'true'`)
	until(t, ctx, `document.querySelector('.entry[data-id="alr_5f0c1b7a99d2e431"] .said').textContent === 'Recovered'`)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 1900)); err != nil {
		t.Fatal(err)
	}
	shot(t, ctx, "whole-light.png")

	// The panels.
	side := script(t, ctx, `document.querySelector('.side').innerText`)
	for _, want := range []string{"sco-1", "idle", "2 rejected", "4 of 6 up", "unpaid-exit.yaml:12:38", "skipped-scan", "shadow", "cam-1/17"} {
		if !strings.Contains(side, want) {
			t.Errorf("the panels do not say %q", want)
		}
	}
	all := strings.ToLower(script(t, ctx, `document.documentElement.outerHTML`))
	for _, word := range []string{"thief", "theft", "steal", "suspect"} {
		if strings.Contains(all, word) {
			t.Errorf("the page holds the word %q", word)
		}
	}

	// The keyboard: j goes to the next alert.
	if err := chromedp.Do(ctx, chromedp.Blur(`[name="why"]`), chromedp.KeyEvent("j")); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector('[aria-current="true"]').dataset.id !== 'alr_5f0c1b7a99d2e431'`)

	// The line breaks and comes back; what was said meanwhile is there.
	stop()
	until(t, ctx, `document.getElementById('line').textContent === 'Reconnecting…'`)
	s.mu.Lock()
	s.lines = append([]json.RawMessage{json.RawMessage(alertLine("alr_0000000000000003", 1, "confirmed", "gate", "door: 2 × Razor blades not paid?"))}, s.lines...)
	s.mu.Unlock()
	stop = s.start(t, s.addr)
	until(t, ctx, `document.getElementById('line').textContent === 'Live' && document.querySelectorAll('.entry').length === 4`)
}

func TestHostileWordsStayWords(t *testing.T) {
	ctx := browser(t)
	s := &shop{marks: map[string]Mark{}}
	stop := s.start(t, "127.0.0.1:0")
	defer stop()
	evil := `<img src=x onerror="window.evil=1"><script>window.evil=1</script>`
	line := strings.ReplaceAll(alertLine("alr_0000000000000004", 1, "confirmed", "gate", "EVIL"), "EVIL", strings.ReplaceAll(evil, `"`, `\"`))
	line = strings.ReplaceAll(line, "goods not paid for", strings.ReplaceAll(evil, `"`, `\"`))
	line = strings.ReplaceAll(line, "till coverage", strings.ReplaceAll(evil, `"`, `\"`))
	s.say(t, line)
	s.say(t, `{"id":"alr_bare","rev":1}`) // an alert with nothing in it must not break the page
	if err := chromedp.Do(ctx, chromedp.Navigate("http://"+s.addr+"/dashboard#alr_0000000000000004")); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.getElementById('opened') && document.querySelectorAll('.entry').length === 2`)
	if got := script(t, ctx, `document.getElementById('opened').textContent`); got != evil {
		t.Errorf("shown as %q", got)
	}
	if got := script(t, ctx, `String(window.evil) + document.querySelectorAll('main img, main script').length`); got != "undefined0" {
		t.Errorf("markup from a payload became part of the page: %s", got)
	}
}

func TestThePageFitsNarrowAndDark(t *testing.T) {
	ctx := browser(t)
	s := &shop{marks: map[string]Mark{"alr_5f0c1b7a99d2e431": {Acked: "Kim"}}}
	stop := s.start(t, "127.0.0.1:0")
	defer stop()
	s.say(t, exampleAlert(3, "updated"))
	for i, width := range []int64{1440, 1024, 390} {
		dark := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, dark); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 1000), chromedp.Navigate(fmt.Sprintf("http://%s/dashboard?%d", s.addr, i))); err != nil {
			t.Fatal(err)
		}
		until(t, ctx, `document.getElementById('opened') !== null && document.getElementById('n-sources').textContent !== ''`)
		if got := script(t, ctx, `String(document.documentElement.scrollWidth <= innerWidth)`); got != "true" {
			t.Errorf("at %d pixels the page is wider than the window", width)
		}
		shot(t, ctx, fmt.Sprintf("dark-%d.png", width))
	}
}
