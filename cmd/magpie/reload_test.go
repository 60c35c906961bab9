package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/rules"
	"magpie/sim"
	"magpie/site"
)

// reloads replays one recording of the language's tests with policy sets that are installed at some moment.
type reloads struct {
	*testing.T
	site  *site.Site
	lines []journal.Line
}

// judgements and what was said for good, with the times of all facts.
type told struct {
	judged []alerts.Judgement
	finals []string
	facts  []int64
}

func (r *reloads) play(first, then *rules.Set, at int64) *told {
	r.Helper()
	var x told
	p, err := newPipeline(r.site, first, func(a *alerts.Alert) {
		if a.Final > 0 {
			x.finals = append(x.finals, string(a.AppendJSON(nil, true)))
		}
	}, pipelineHooks{})
	must(r.T, err)
	p.log.Judged = func(j []alerts.Judgement) { x.judged = append(x.judged, j...) }
	p.log.Facts = func(c []fusion.Change) {
		for i := range c {
			if t := c[i].Fact.TS; len(x.facts) == 0 || x.facts[len(x.facts)-1] != t {
				x.facts = append(x.facts, t)
			}
		}
	}
	if then != nil {
		p.desk.Install(at, then)
	}
	for i := range r.lines {
		p.line(&r.lines[i])
	}
	p.finish(r.lines[len(r.lines)-1].Received)
	return &x
}

// newReloads reads the tests of a file whose names hold a word.
func newReloads(t *testing.T, file, word string) *reloads {
	t.Helper()
	const dir = "../../rules/testdata/language"
	s, err := site.Load(dir + "/testdata/shop.yaml")
	must(t, err)
	text, err := os.ReadFile(filepath.Join(dir, file))
	must(t, err)
	f, err := rules.ParseTest(file, text)
	must(t, err)
	for i := range f.Tests {
		c := &f.Tests[i]
		if !strings.Contains(c.Name, word) {
			continue
		}
		script, err := sim.Parse(c.Events)
		must(t, err)
		start, err := sim.Start(c.Start, s.Store.Location)
		must(t, err)
		lines, err := script.Lines(s, sim.Options{Start: start, Until: script.End() + 10*time.Second})
		must(t, err)
		return &reloads{t, s, journalLines(t, lines)}
	}
	t.Fatalf("%s has no test of %s", file, word)
	return nil
}

// set builds the language's policies but those named, and more.
func (r *reloads) set(more string, but ...string) *rules.Set {
	r.Helper()
	const dir = "../../rules/testdata/language"
	entries, err := os.ReadDir(dir)
	must(r.T, err)
	var files []rules.File
	for _, e := range entries {
		if e.IsDir() || !rules.IsSetFile(e.Name()) || slices.Contains(but, "all") && e.Name() != "common.yaml" || slices.Contains(but, e.Name()) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(r.T, err)
		files = append(files, rules.File{Name: e.Name(), Data: b})
	}
	files = append(files, rules.File{Name: "zz.yaml", Data: fmt.Appendf(nil,
		"policy: zz\ntitle: %s\nscore: 'opened() > 99 ? 0.9 : 0.1'\nalert: {tiers: {gate: 0.99}}\n", more)})
	set, err := rules.Build(files, ruleOptions(r.site))
	must(r.T, err)
	return set
}

// since is what was judged from a moment on, in order.
func (x *told) since(at int64) []string {
	var all []string
	for _, j := range x.judged {
		if j.At >= at && j.Policy != "zz" {
			b, _ := json.Marshal(j)
			all = append(all, string(b))
		}
	}
	return all
}

// TestReloadAtEveryFact loads another set at every fact of a recording, in mid-sequence and mid-absence too. What did not change
// goes on as if nothing had happened; what is new judges, from that fact on, as if it had always been there.
func TestReloadAtEveryFact(t *testing.T) {
	for _, c := range [][2]string{{"visit_test.yaml", "walks in"}, {"visit_test.yaml", "at the till"}, {"visit_test.yaml", "by the timer"},
		{"visit_test.yaml", "never read again"}, {"ledger_test.yaml", "three voids"}, {"ledger_test.yaml", "again and again"}} {
		r := newReloads(t, c[0], c[1])
		always, other := r.set("one"), r.set("another")
		none, fresh := r.set("one", "all"), r.set("one", "store-alerts.yaml")
		want := r.play(always, nil, 0)
		if len(want.finals) == 0 || len(want.facts) < 5 {
			t.Fatalf("%s: %d lines, %d facts", c[1], len(want.finals), len(want.facts))
		}
		wantFresh := r.play(fresh, nil, 0)
		judged := 0
		for _, at := range want.facts {
			if got := r.play(always, other, at); !slices.Equal(got.finals, want.finals) || !slices.Equal(got.since(0), want.since(0)) {
				t.Errorf("%s: another set at %s, in which all is the same, says %s%s", c[1], time.Unix(0, at).UTC(),
					cmp.Diff(want.since(0), got.since(0)), cmp.Diff(want.finals, got.finals))
				break
			}
			from := wantFresh.since(at)
			judged += len(from)
			for _, before := range []int64{1, 0} {
				got := slices.DeleteFunc(r.play(none, fresh, at-before).since(at), func(j string) bool {
					// It may judge once more what has not changed: where somebody was at the last fact is not known, and at the very
					// moment of a fact not what was before it.
					drifts := strings.Contains(j, `"near"`) || strings.Contains(j, `"heading"`)
					now := strings.HasPrefix(j, fmt.Sprintf(`{"At":%d,`, at))
					return (drifts || before == 0 && now) && !slices.Contains(from, j)
				})
				if !slices.Equal(got, from) {
					t.Fatalf("%s: new %d ns before %s: %s", c[1], before, time.Unix(0, at).UTC(), cmp.Diff(from, got))
				}
			}
		}
		if judged == 0 {
			t.Errorf("%s: nothing was judged after a reload", c[1])
		}
	}
}

// TestReloadTakesNothingBack: an alert stands through a reload that changes its policy's file, its common words, or what it says, until the
// policy as it is now judges; what another policy says then does not take it back.
func TestReloadTakesNothingBack(t *testing.T) {
	s, err := site.Load(shopSite)
	must(t, err)
	const a, b = `policy: a
title: Takes much
prior: 0.01
evidence: [{name: picks, if: 'min(picked("any"), 1)', weight: %s}]
alert: {tiers: {review: 0.3}}
%s`, `policy: b
title: Comes near
prior: 0.01
evidence: [{name: near, if: 'near("exit")', weight: weak}]
alert: {tiers: {review: 0.9}}
`
	script, err := sim.Parse(`
0s..5s   walk A 1.5,0.5 > 2,4.8
7s       pick A 071142008582 x2
20s..30s walk A 2,4.8 > 4,0.5
60s..65s walk A 4,0.5 > 2,4.8
64s      pick A 071142008582
`)
	must(t, err)
	start, err := sim.Start("", s.Store.Location)
	must(t, err)
	ls, err := script.Lines(s, sim.Options{Start: start, Until: script.End() + 10*time.Second})
	must(t, err)
	lines := journalLines(t, ls)
	build := func(weight, more, common string) *rules.Set {
		files := []rules.File{{Name: "a.yaml", Data: fmt.Appendf(nil, a, weight, more)}, {Name: "b.yaml", Data: []byte(b)}}
		if common != "" {
			files = append(files, rules.File{Name: "common.yaml", Data: []byte(common)})
		}
		set, err := rules.Build(files, ruleOptions(s))
		must(t, err)
		return set
	}
	play := func(first, then *rules.Set) (said []string) {
		p, err := newPipeline(s, first, func(a *alerts.Alert) {
			if a.Final > 0 {
				hash := "first"
				if a.Policies[0].Hash != first.Policy("a").Hash {
					hash = "then"
				}
				said = append(said, fmt.Sprintf("%s %.3f %s %.0f", a.State, a.Score, hash, float64(a.At-start.UnixNano())/1e9))
			}
		}, pipelineHooks{})
		must(t, err)
		p.desk.Install(start.UnixNano()+15e9, then)
		for i := range lines {
			p.line(&lines[i])
		}
		p.finish(lines[len(lines)-1].Received)
		return said
	}
	one := build("very strong", "", "")
	want := play(one, one)
	if len(want) < 2 || !strings.HasPrefix(want[0], "confirmed 0.890 first ") || strings.Contains(strings.Join(want, ";"), "retracted") {
		t.Fatalf("without a reload: %q", want)
	}
	for name, then := range map[string]*rules.Set{"a comment": build("very strong", "# a comment\n", ""),
		"a list": build("very strong", "", "lists: {razors: {category: razor-blades}}\n")} {
		if got := strings.ReplaceAll(strings.Join(play(one, then), ";"), "then", "first"); got != strings.Join(want, ";") {
			t.Errorf("%s: %s, want %s", name, got, strings.Join(want, ";"))
		}
	}
	// 0.09 where the weaker one judges anew, below all tiers: then, and not before.
	if got := strings.Join(play(one, build("moderate", "", "")), ";"); got != "confirmed 0.890 first 8;retracted 0.890 first 65" {
		t.Errorf("a weaker policy: %s", got)
	}
}
