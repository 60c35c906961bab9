package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/sim"
	"magpie/site"
)

// TestWorkedVisit plays the events of docs/fusion.md and holds the facts that the page shows to those that come out.
func TestWorkedVisit(t *testing.T) {
	const page = "../../docs/fusion.md"
	text, err := os.ReadFile(page)
	must(t, err)
	var script, want string
	for _, b := range blocks(page, string(text)) {
		switch b.language {
		case "events":
			script = b.text
		case "facts":
			want = b.text
		}
	}
	if script == "" || want == "" {
		t.Fatalf("%s shows no events or no facts", page)
	}
	s, err := site.Load("../../policies/testdata/shop.yaml")
	must(t, err)
	if got := factsOf(t, s, script); got != want {
		t.Errorf("%s shows other facts than come out:\n%s", page, got)
	}
}

// factsOf lists what becomes of a script's visits: a line a fact, what a person does not have to know left out.
func factsOf(t *testing.T, s *site.Site, script string) string {
	t.Helper()
	parsed, err := sim.Parse(script)
	must(t, err)
	start, err := sim.Start("", s.Store.Location)
	must(t, err)
	lines, err := parsed.Lines(s, sim.Options{Start: start})
	must(t, err)
	set, err := loadPolicies("../../policies", s)
	must(t, err)
	var out strings.Builder
	letters := map[string]string{}
	seen := map[string]int{}
	show := func(w *fusion.World) {
		for _, v := range w.Visits() {
			if letters[v.ID] == "" {
				letters[v.ID] = string(rune('A' + len(letters)))
			}
			for _, f := range v.Facts.List()[seen[v.ID]:] {
				fmt.Fprintf(&out, "%6.2fs  %s  %s\n", time.Duration(f.At-start.UnixNano()).Seconds(), letters[v.ID], worded(s.Store, &f))
			}
			seen[v.ID] = v.Facts.Len()
		}
	}
	p, err := newPipeline(s, set, func(*alerts.Alert) {}, pipelineHooks{confirmed: show})
	must(t, err)
	last := int64(0)
	for _, l := range lines {
		parsed, err := journal.Parse(l.AppendJSON(nil))
		must(t, err)
		p.line(&parsed)
		last = max(last, l.Received)
	}
	for tick := last + 1e9; tick <= last+10e9; tick += 1e9 {
		p.line(&journal.Line{Received: tick, Control: &journal.Control{Kind: journal.ControlTick}})
	}
	return out.String()
}

func worded(s *fusion.Store, f *fusion.Fact) string {
	text := f.Kind.String()
	if f.Product >= 0 {
		text += fmt.Sprintf(" %.2f × %s", f.N, s.Products[f.Product].Name)
	}
	if f.Zone >= 0 {
		text += ", " + s.Zones[f.Zone].ID
	}
	switch f.Kind {
	case fusion.FactMoved, fusion.FactWith, fusion.FactStaff, fusion.FactGroup:
		text += fmt.Sprintf(", p %.2f", f.P)
	}
	return text
}
