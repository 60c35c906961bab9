package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPagesInABrowser opens the pages that backtest and evaluate write, as files, on a wide screen and on a telephone: all plots are there,
// nothing sticks out, and nothing is asked for elsewhere.
func TestPagesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("in short mode no browser is started")
	}
	p := openBrowser(t)
	dir := t.TempDir()
	day, few := filepath.Join(dir, "day"), filepath.Join(dir, "few")
	must(t, os.Mkdir(few, 0o755))
	for _, name := range []string{"unpaid-exit.yaml", "common.yaml"} {
		b, err := os.ReadFile(filepath.Join("../../policies", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(few, name), b, 0o644))
	}
	pages := map[string]string{"backtest": filepath.Join(dir, "backtest.html"), "evaluate": filepath.Join(dir, "evaluate.html")}
	must(t, runSimulate(t.Context(), []string{"-o", day, "--hours", "0.3", "--seed", "5", "--thefts", "0.5"}, io.Discard, io.Discard))
	must(t, runBacktest(t.Context(), []string{"--site", filepath.Join(day, "site.yaml"), "--base", "../../policies", "--with", few,
		"--html", pages["backtest"], filepath.Join(day, "recording.jsonl")}, io.Discard, io.Discard))
	must(t, runEvaluate(t.Context(), []string{"--runs", "2", "--hours", "0.1", "--aisles", "2", "--seed", "3", "--thefts", "0.6",
		"--html", pages["evaluate"]}, io.Discard, io.Discard))
	for name, path := range pages {
		for _, width := range []int{1440, 390} {
			must(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(int64(width), 900), chromedp.Navigate("file://"+path)))
			wrong, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`(() => {
				const wrong = [], say = (what, e) => wrong.push(what + ': ' + (e.outerHTML || e.name || '').slice(0, 120));
				const plots = [...document.querySelectorAll('svg')];
				if (plots.length < 2) wrong.push('plots: ' + plots.length);
				for (const e of plots) {
					const r = e.getBoundingClientRect();
					if (r.width < 120 || r.height < 20 || r.right > innerWidth + 1) say('a plot of ' + Math.round(r.width) + ' × ' + Math.round(r.height), e);
					if (!e.querySelector('path, rect, circle, line, polyline')) say('an empty plot', e);
				}
				if (document.documentElement.scrollWidth > innerWidth) wrong.push('it is ' + document.documentElement.scrollWidth + ' wide');
				for (const e of performance.getEntriesByType('resource')) say('asked for', e);
				return wrong;
			})()`))
			must(t, err)
			if len(wrong) > 0 {
				t.Errorf("%s, %d wide:\n%s", name, width, strings.Join(wrong, "\n"))
			}
			if shots := os.Getenv("MAGPIE_SHOTS"); shots != "" {
				png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
				must(t, err)
				must(t, os.WriteFile(filepath.Join(shots, fmt.Sprintf("%s-%d.png", name, width)), png, 0o644))
			}
		}
		text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		must(t, err)
		for _, want := range map[string][]string{"backtest": {"vanish", "skipped-scan", "unpaid-exit"}, "evaluate": {"simulated", "PR-AUC", "met"}}[name] {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", name, want, text)
			}
		}
	}
}
