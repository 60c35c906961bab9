package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"magpie/alerts"
	"magpie/journal"
	"magpie/rules"
	"magpie/sensors"
	"magpie/site"
)

// pages are what people read, from this folder.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md", "../../policies/*.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(b)
		}
	}
	return texts
}

// block is a fenced block of a page.
type block struct {
	place, language, title string // title is what follows the language
	text                   string
}

var fence = regexp.MustCompile("(?ms)^```(\\w*) ?([^\n]*)\n(.*?)^```$")

func blocks(name, text string) (all []block) {
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		all = append(all, block{name, m[1], m[2], m[3]})
	}
	return all
}

// contractSite is the site of the contract's example, with the tables that it names.
func contractSite(t *testing.T) *site.Site {
	t.Helper()
	s, err := site.Load("../../site/testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLinksOfDocs(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for name, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			path, _, _ := strings.Cut(m[1], "#")
			if path == "" || strings.Contains(path, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), path)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
	}
}

// TestCommandsOfDocs holds every `magpie …` and `make …` of the pages to what there is, flags included.
func TestCommandsOfDocs(t *testing.T) {
	help := map[string]string{}
	for _, c := range commands() {
		var errw bytes.Buffer
		run(context.Background(), []string{c.name, "-h"}, &errw, &errw)
		if c.name == "sensors" {
			for _, sub := range sensorCommands() {
				run(context.Background(), []string{c.name, sub.name, "-h"}, &errw, &errw)
			}
		}
		help[c.name] = errw.String()
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	span := regexp.MustCompile("`([^`\n]+)`|(?m)^((?:magpie|make) [^\n#]*)")
	flags := regexp.MustCompile(`\s--?([a-z][-a-z]*)`)
	for name, text := range pages(t) {
		for _, m := range span.FindAllStringSubmatch(text, -1) {
			words := strings.Fields(m[1] + m[2])
			switch {
			case len(words) < 2:
			case words[0] == "make":
				if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(words[1]) + `:`).Match(makefile) {
					t.Errorf("%s: `make %s`: the Makefile has no such target", name, words[1])
				}
			case words[0] == "magpie":
				text, ok := help[words[1]]
				if !ok && words[1] != "help" && words[1] != "COMMAND" {
					t.Errorf("%s: `magpie %s`: there is no such command", name, words[1])
				}
				for _, f := range flags.FindAllStringSubmatch(m[1]+m[2], -1) {
					if ok && !strings.Contains(text, "\n  -"+f[1]) {
						t.Errorf("%s: `%s`: magpie %s has no flag --%s", name, m[1]+m[2], words[1], f[1])
					}
				}
			}
		}
	}
}

// docsArrival is when the examples of docs/messages.md arrive.
var docsArrival = time.Date(2026, 11, 22, 10, 0, 0, 163e6, time.UTC).UnixNano()

func TestMessagesOfDocs(t *testing.T) {
	const name = "../../docs/messages.md"
	s := contractSite(t)
	seen := map[string]bool{}
	for _, b := range blocks(name, pages(t)[name]) {
		if b.language != "json" {
			continue
		}
		for _, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
			if b.title == "rejected" {
				seen[docsRejected(t, s, line)] = true
				continue
			}
			d, err := sensors.NewDecoder(s.Store, sensors.Options{Foreign: s.Sources, Cameras: s.Cameras})
			if err != nil {
				t.Fatal(err)
			}
			// A till's or a track's later example has a later ts: it arrives then.
			m, err := d.Decode(docsArrival+int64(10*time.Second), b.title, false, []byte(line))
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, line)
			} else if len(m.Events) == 0 && !strings.Contains(line, `"tracks":[]`) {
				t.Errorf("%s: no event in %s", name, line)
			}
			seen[strings.Split(b.title, "/")[3]] = true
		}
	}
	for _, want := range []string{"rfid", "weight", "track", "till", "region", "gate", "count", "signal", "stock", "status",
		"bad_json", "missing", "type", "range", "unknown_kind", "unknown_source", "unknown_antenna", "future", "too_late"} {
		if !seen[want] {
			t.Errorf("%s has no example of %s", name, want)
		}
	}
}

// docsRejected holds a line of the rejected topic to what Magpie says of its payload, and returns its code.
func docsRejected(t *testing.T, s *site.Site, line string) string {
	t.Helper()
	var said struct{ Code, Topic, Payload string }
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		t.Errorf("%v in %s", err, line)
		return ""
	}
	got := "nothing"
	p, err := newPipeline(s, nil, func(*alerts.Alert) {}, pipelineHooks{
		rejected: func(l *journal.Line, r *sensors.Rejection) { got = string(r.Payload(l.Payload)) }})
	if err != nil {
		t.Fatal(err)
	}
	p.line(&journal.Line{Received: docsArrival, Topic: said.Topic, Payload: []byte(said.Payload)})
	if got != line {
		t.Errorf("docs/messages.md says\n%s\nMagpie says\n%s", line, got)
	}
	return said.Code
}

func TestRecordingsOfDocs(t *testing.T) {
	const name = "../../docs/recordings.md"
	for _, b := range blocks(name, pages(t)[name]) {
		switch b.title {
		case "lines":
			for _, line := range strings.SplitAfter(strings.TrimSpace(b.text)+"\n", "\n") {
				if line == "" {
					continue
				}
				l, err := journal.Parse([]byte(line))
				if err != nil {
					t.Errorf("%s: %v: %s", name, err, line)
				} else if got := string(l.Append(nil)); got != line {
					t.Errorf("%s says\n%sthe journal writes\n%s", name, line, got)
				}
			}
		case "newer":
			known, order := (*alerts.Alert)(nil), []int{}
			for _, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
				var x struct {
					Rev, Final  int
					State, Tier string
					Score       float64
					At          time.Time
				}
				if err := json.Unmarshal([]byte(line), &x); err != nil {
					t.Fatal(err)
				}
				a := &alerts.Alert{Rev: x.Rev, Final: x.Final, State: alerts.State(x.State), Tier: x.Tier, Score: x.Score, At: x.At.UnixNano()}
				if known == nil || alerts.Newer(a, known) {
					known = a
				}
				order = append(order, known.Rev)
			}
			if want := []int{2, 2, 4, 5}; !slices.Equal(order, want) {
				t.Errorf("%s: the lines that say what is known are %v, the page says %v", name, order, want)
			}
		}
	}
}

// TestYAMLOfDocs loads every block of YAML: a policy, or a part of a site file put to the least that a site needs.
func TestYAMLOfDocs(t *testing.T) {
	const least = "store: s042\ntimezone: Europe/London\ncurrency: GBP\n"
	n := 0
	for name, text := range pages(t) {
		for _, b := range blocks(name, text) {
			if b.language != "yaml" || name == policiesPage && strings.Contains(b.title, ".") { // which TestPoliciesPage runs
				continue
			}
			n++
			if strings.Contains(b.text, "policy:") {
				s := contractSite(t)
				fsys := fstest.MapFS{"common.yaml": {Data: []byte("lists: {high-value: {min_price: 20}}\n")}, "doc.yaml": {Data: []byte(b.text)}}
				if _, err := rules.Load(fsys, rules.Options{Store: s.Store}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			whole := b.text
			if !strings.Contains(whole, "store:") {
				whole = least + whole
			}
			if !strings.Contains(whole, "zones:") {
				whole += "\nzones: [{id: door, kind: exit, polygon: [[0,0],[2,0],[2,1],[0,1]]}]\n"
			}
			s, err := site.Parse(name, []byte(whole), os.ReadFile)
			if err == nil {
				_, err = sensors.NewDecoder(s.Store, sensors.Options{Foreign: s.Sources})
			}
			if err != nil {
				t.Errorf("%s: %v in\n%s", name, err, whole)
			}
		}
	}
	if n == 0 {
		t.Error("no block of YAML was found")
	}
}

// TestDocsTruth: the truth that a page shows is taken.
func TestDocsTruth(t *testing.T) {
	shown := 0
	for name, text := range pages(t) {
		for _, b := range blocks(name, text) {
			if b.language != "json" || b.title != "truth" {
				continue
			}
			shown++
			path := filepath.Join(t.TempDir(), "truth.jsonl")
			must(t, os.WriteFile(path, []byte(b.text), 0o644))
			if visits, err := readTruth(path); err != nil || len(visits) != strings.Count(b.text, "\n") {
				t.Errorf("%s: %d visits, %v", b.place, len(visits), err)
			}
		}
	}
	if shown == 0 {
		t.Error("no page shows a truth")
	}
}
