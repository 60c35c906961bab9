package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/journal"
	"magpie/rules"
	"magpie/sim"
	"magpie/site"
)

// world is what the laws of contract §3 are tried on: a site, a policy set and recordings.
type lawWorld struct {
	site *site.Site
	set  *rules.Set
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
	return lawWorld{s, set}
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

func lawRecordings(t *testing.T, w lawWorld) map[string][]sim.Line {
	t.Helper()
	m := map[string][]sim.Line{}
	n := uint64(12)
	if testing.Short() {
		n = 3
	}
	for seed := range n {
		lines, err := sim.Random(seed+1, w.site, sim.RandomOptions{Minutes: 4, People: 6, Noise: 1})
		if err != nil {
			t.Fatal(err)
		}
		m[fmt.Sprintf("random %d", seed+1)] = lines
	}
	return m
}

// TestLaw1: the same file gives the same bytes, provisional lines included.
func TestLaw1(t *testing.T) {
	w := contractWorld(t)
	alarms := 0
	for name, lines := range lawRecordings(t, w) {
		a, _, list := w.replayed(t, lines)
		b, _, _ := w.replayed(t, lines)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two runs differ:\n%s", name, firstDifference(a, b))
		}
		alarms += len(list)
	}
	if alarms == 0 {
		t.Error("no recording gave a single alert line: the laws are tried on nothing")
	}
}

// TestLaw2OnTime: any order of the same lines in which every message is on time gives the same final bytes.
func TestLaw2OnTime(t *testing.T) {
	w := contractWorld(t)
	readings := sim.ReadingsOf(w.site.Store)
	lateness := time.Duration(w.site.Store.MaxLateness())
	for name, lines := range lawRecordings(t, w) {
		_, want, _ := w.replayed(t, lines)
		for seed := range uint64(4) {
			shuffled, err := sim.ShuffleOnTime(lines, readings, seed, lateness)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, _ := w.replayed(t, shuffled); !bytes.Equal(got, want) {
				t.Fatalf("%s, order %d:\n%s", name, seed, firstDifference(want, got))
			}
		}
	}
}

// TestLaw2Late: orders in which messages are late by no more than 60 s leave the same alerts standing, with the same last
// final line but for final, state and at.
func TestLaw2Late(t *testing.T) {
	w := contractWorld(t)
	readings := sim.ReadingsOf(w.site.Store)
	late := time.Duration(w.site.Store.MaxLateness()) + 50*time.Second
	refolded := false
	for name, lines := range lawRecordings(t, w) {
		_, _, want := w.replayed(t, lines)
		for seed := range uint64(4) {
			shuffled, err := sim.ShuffleOnTime(lines, readings, seed, late)
			if err != nil {
				t.Fatal(err)
			}
			_, _, got := w.replayed(t, shuffled)
			refolded = refolded || len(got) != len(want)
			if a, b := standing(want), standing(got); a != b {
				t.Fatalf("%s, order %d:\n%s", name, seed, firstDifference([]byte(a), []byte(b)))
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

// TestLaw3: new arrivals within each source's lateness give the same final bytes.
func TestLaw3(t *testing.T) {
	w := contractWorld(t)
	readings := sim.ReadingsOf(w.site.Store)
	for name, lines := range lawRecordings(t, w) {
		lines = sim.Settle(lines, readings)
		_, want, _ := w.replayed(t, lines)
		for seed := range uint64(4) {
			if _, got, _ := w.replayed(t, sim.Redraw(lines, readings, seed)); !bytes.Equal(got, want) {
				t.Fatalf("%s, draw %d:\n%s", name, seed, firstDifference(want, got))
			}
		}
	}
}

// TestDuplicates: messages that come twice change nothing.
func TestDuplicates(t *testing.T) {
	w := contractWorld(t)
	for name, lines := range lawRecordings(t, w) {
		_, want, _ := w.replayed(t, lines)
		rng := rand.New(rand.NewPCG(7, 7))
		var twice []sim.Line
		for _, l := range lines {
			twice = append(twice, l)
			var m struct {
				Seq *int64 `json:"seq"`
				TS  any    `json:"ts"`
			}
			if json.Unmarshal(l.Payload, &m) == nil && m.Seq != nil && m.TS != "arrival" && rng.IntN(4) == 0 {
				twice = append(twice, l)
			}
		}
		if _, got, _ := w.replayed(t, twice); !bytes.Equal(got, want) {
			t.Errorf("%s: duplicates changed the result:\n%s", name, firstDifference(want, got))
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
