package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/journal"
	"magpie/rules"
	"magpie/sensors/message"
	"magpie/sim"
	"magpie/site"
)

// lawWorld is what the laws of contract §3 are tried on: a site and its policies.
type lawWorld struct {
	site    *site.Site
	set     *rules.Set
	noClock bool
}

func contractWorld(t testing.TB) lawWorld {
	t.Helper()
	s, err := site.Load("../../rules/testdata/contract/testdata/corner-shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadPolicies("", s)
	if err != nil {
		t.Fatal(err)
	}
	return lawWorld{site: s, set: set}
}

// threeCameras is the contract's shop with three cameras, of which two see most of it each and one all of it.
func threeCameras(t testing.TB) lawWorld {
	t.Helper()
	const from = "../../rules/testdata/contract/testdata"
	text, err := os.ReadFile(filepath.Join(from, "corner-shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const one = "  - {id: cam-1, frame: [1280, 720], sees: [[0,-1],[8,-1],[8,5],[0,5]]}\n"
	more := one + "  - {id: cam-2, sees: [[0,-1],[5,-1],[5,5],[0,5]]}\n  - {id: cam-3, sees: [[3,-1],[8,-1],[8,5],[3,5]]}\n"
	if !bytes.Contains(text, []byte(one)) {
		t.Fatal("the contract's shop has another camera than cam-1")
	}
	dir := t.TempDir()
	products, err := os.ReadFile(filepath.Join(from, "products.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"site.yaml": bytes.Replace(text, []byte(one), []byte(more), 1), "products.csv": products} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := site.Load(filepath.Join(dir, "site.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadPolicies("", s)
	if err != nil {
		t.Fatal(err)
	}
	return lawWorld{site: s, set: set}
}

// journalLines parses what sim writes, as a file would be.
func journalLines(t testing.TB, lines []sim.Line) []journal.Line {
	t.Helper()
	out := make([]journal.Line, len(lines))
	for i, l := range lines {
		var err error
		if out[i], err = journal.Parse(l.AppendJSON(nil)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// replayed runs lines through a pipeline: every line as printed, and the final ones as replay --final prints them.
func (w lawWorld) replayed(t testing.TB, lines []sim.Line) (all, final []byte, list []*alerts.Alert) {
	t.Helper()
	p, err := newPipeline(w.site, w.set, func(a *alerts.Alert) { list = append(list, a) }, pipelineHooks{})
	if err != nil {
		t.Fatal(err)
	}
	p.core.NoClock = w.noClock
	last := int64(0)
	for _, l := range journalLines(t, lines) {
		last = max(last, l.Received)
		p.line(&l)
	}
	p.finish(last)
	var finals []*alerts.Alert
	for _, a := range list {
		all = append(a.AppendJSON(all, false), '\n')
		if a.Final > 0 {
			finals = append(finals, a)
		}
	}
	sortFinals(finals)
	for _, a := range finals {
		final = append(a.AppendJSON(final, true), '\n')
	}
	return all, final, list
}

// lawCase is one recording that the laws are tried on.
type lawCase struct {
	lawWorld
	name  string
	lines []sim.Line
	ahead map[string]int64 // by source: ns by which its clock is ahead
}

// readings are those of the lines in right time, in which orders are on time.
func (c lawCase) readings() sim.Readings {
	of := sim.ReadingsOf(c.site.Store)
	return func(l sim.Line) sim.Reading {
		r := of(l)
		if _, _, source, ok := message.SplitTopic(l.Topic); ok && r.Oldest != l.Received {
			r.Oldest -= c.ahead[source]
		}
		return r
	}
}

// lawCases are the recorded example, whose tracks are a real camera's, and random recordings.
func lawCases(t *testing.T) []lawCase {
	t.Helper()
	s, err := site.Load("../../examples/site.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadPolicies("../../policies", s)
	if err != nil {
		t.Fatal(err)
	}
	street := lawCase{lawWorld: lawWorld{site: s, set: set}, name: "example"}
	for _, l := range streetLines(t) {
		x := sim.Line{Received: l.Received, Topic: l.Topic, Payload: l.Payload}
		if l.Control != nil {
			x.Control = l.Control.Kind
		}
		street.lines = append(street.lines, x)
	}
	w := contractWorld(t)
	cases := []lawCase{street, wrongClocks(t, w)}
	n := uint64(12)
	if testing.Short() {
		n = 3
	}
	for seed := range n {
		lines, err := sim.Random(seed+1, w.site, sim.RandomOptions{Minutes: 3, People: 6, Noise: 1})
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, lawCase{lawWorld: w, name: fmt.Sprintf("random %d", seed+1), lines: lines})
		if seed == 0 {
			cases = append(cases, lawCase{lawWorld: w, name: "coarse clocks", lines: coarse(lines)})
		}
	}
	cases = append(cases, languageCase(t))
	for seed := range max(1, n/4) {
		w := threeCameras(t)
		o := sim.RandomOptions{Minutes: 2, People: 10, Noise: 1, Switches: 3}
		if seed == 0 { // a throng, in which alerts go on in another's visit
			o = sim.RandomOptions{Minutes: 2, People: 14, Noise: 2, Switches: 8}
		}
		lines, err := sim.Random(seed+324, w.site, o)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases[:1], append([]lawCase{{lawWorld: w, name: fmt.Sprintf("three cameras %d", seed+324), lines: lines}}, cases[1:]...)...)
	}
	return cases
}

// languageCase judges a random recording by a policy of each function of the language: visits, tills, cashiers, zones, the store.
func languageCase(t *testing.T) lawCase {
	t.Helper()
	const dir = "../../rules/testdata/language"
	s, err := site.Load(dir + "/testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadPolicies(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := sim.Random(77, s, sim.RandomOptions{Minutes: 2, People: 6, Noise: 1})
	if err != nil {
		t.Fatal(err)
	}
	return lawCase{lawWorld: lawWorld{site: s, set: set}, name: "language", lines: lines}
}

// coarse gives the lines as sources with clocks of a fifth of a second would have sent them: many readings have the same
// ts, so that only their content can order them. The clocks run ahead, never behind, so that nothing comes late.
func coarse(lines []sim.Line) []sim.Line {
	out := slices.Clone(lines)
	for i := range out {
		out[i].Payload = restamp(out[i].Payload, func(ts time.Time) time.Time {
			return ts.Add(200*time.Millisecond - 1).Truncate(200 * time.Millisecond)
		})
	}
	return out
}

// restamp changes every ts in a payload.
func restamp(payload []byte, f func(time.Time) time.Time) []byte {
	return stamp.ReplaceAllFunc(payload, func(m []byte) []byte {
		ts, err := time.Parse(time.RFC3339Nano, string(stamp.FindSubmatch(m)[1]))
		if err != nil {
			return m // "arrival"
		}
		return fmt.Appendf(nil, `"ts":%q`, f(ts).UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	})
}

var stamp = regexp.MustCompile(`"ts":"([^"]+)"`)

// orders is how many other orders, or draws, of each recording are tried.
func orders() uint64 {
	if testing.Short() {
		return 2
	}
	return 5
}

// TestLaw1: the same file gives the same bytes, provisional lines included.
func TestLaw1(t *testing.T) {
	alarms, merged := 0, 0
	for _, c := range lawCases(t) {
		a, _, list := c.replayed(t, c.lines)
		b, _, _ := c.replayed(t, c.lines)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two runs differ:\n%s", c.name, firstDifference(a, b))
		}
		alarms += len(list)
		for _, l := range list {
			if l.MergedInto != "" {
				merged++
			}
		}
		if c.name == "example" && len(list) == 0 {
			t.Error("the example gives no alert line")
		}
	}
	if alarms == 0 {
		t.Error("no recording gave a single alert line: the laws are tried on nothing")
	}
	if merged == 0 {
		t.Error("no alert was taken back since its visit was another one's")
	}
}

// TestLaw2OnTime: any order of the same lines in which every message is on time gives the same final bytes.
func TestLaw2OnTime(t *testing.T) {
	for _, c := range lawCases(t) {
		_, want, _ := c.replayed(t, c.lines)
		for seed := range orders() {
			lateness := time.Duration(c.site.Store.MaxLateness())
			shuffled, err := sim.ShuffleOnTime(c.lines, c.readings(), seed, lateness)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, _ := c.replayed(t, shuffled); !bytes.Equal(got, want) {
				t.Fatalf("%s, order %d:\n%s", c.name, seed, firstDifference(want, got))
			}
		}
	}
}

// TestLaw2Late: orders in which messages are late by no more than 60 s leave the same alerts standing, with the same last
// final line but for final, state and at.
func TestLaw2Late(t *testing.T) {
	refolded := false
	for _, c := range lawCases(t)[:orders()] { // each late line folds up to a minute again
		_, _, want := c.replayed(t, c.lines)
		for seed := range orders() / 2 {
			late := time.Duration(c.site.Store.MaxLateness()) + 50*time.Second
			shuffled, err := sim.ShuffleOnTime(c.lines, c.readings(), seed, late)
			if err != nil {
				t.Fatal(err)
			}
			_, _, got := c.replayed(t, shuffled)
			refolded = refolded || len(got) != len(want)
			if a, b := standing(want), standing(got); a != b {
				t.Fatalf("%s, order %d:\n%s", c.name, seed, firstDifference([]byte(a), []byte(b)))
			}
		}
	}
	if !refolded {
		t.Error("no order differed from the original in its lines: nothing was late")
	}
}

// standing writes the last final line of each alert that was not retracted, without what law 2 lets differ.
func standing(list []*alerts.Alert) string {
	last := map[string]*alerts.Alert{}
	for _, a := range list {
		if a.Final > 0 {
			last[a.ID] = a
		}
	}
	var lines []string
	for _, a := range last {
		if a.State == alerts.Retracted {
			continue
		}
		b := *a
		b.Final, b.State, b.At = 0, "", 0
		lines = append(lines, string(b.AppendJSON(nil, true))+"\n")
	}
	slices.Sort(lines)
	return fmt.Sprint(lines)
}

// TestLaw3: new arrivals within each source's lateness give the same final bytes when clocks are taken as right.
func TestLaw3(t *testing.T) {
	for _, c := range lawCases(t) {
		c.noClock = true
		readings := sim.ReadingsOf(c.site.Store)
		lines := sim.Settle(c.lines, readings)
		_, want, _ := c.replayed(t, lines)
		for seed := range orders() {
			if _, got, _ := c.replayed(t, sim.Redraw(lines, readings, seed)); !bytes.Equal(got, want) {
				t.Fatalf("%s, draw %d:\n%s", c.name, seed, firstDifference(want, got))
			}
		}
	}
}

// firstDifference shows the first line in which two outputs differ.
func firstDifference(want, got []byte) string {
	a, b := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range max(len(a), len(b)) {
		var x, y []byte
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if !bytes.Equal(x, y) {
			return fmt.Sprintf("line %d of %d and %d\nwant %s\ngot  %s", i+1, len(a), len(b), x, y)
		}
	}
	return "no difference"
}
