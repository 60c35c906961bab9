package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/journal"
	"magpie/rules"
	"magpie/sim"
	"magpie/site"
)

// TestBacktestJudgesAsReplay: each of two sets that are judged together says what it says when a replay judges by it alone, and
// so do sets that look at what the store is told of alerts, which cannot share a fold.
func TestBacktestJudgesAsReplay(t *testing.T) {
	dir := t.TempDir()
	path, err := drawSite(dir, 5, 2)
	must(t, err)
	s, err := site.Load(path)
	must(t, err)
	played, err := sim.Simulate(5, s, sim.ShopOptions{Hours: 0.1, Thefts: 0.6, Twins: 0.5, Noise: 1})
	must(t, err)
	recording := filepath.Join(dir, "recording.jsonl")
	must(t, os.WriteFile(recording, sim.Recording(played.Lines), 0o600))
	shy := changed(t, filepath.Join(dir, "shy"), func(name, text string) string {
		return strings.NewReplacer("very strong", "moderate", "5m", "1s", "2m", "1s", "log: 0.1", "log: 0.003").Replace(text)
	})
	patterns := changed(t, filepath.Join(dir, "patterns"), func(name, text string) string { return text })
	must(t, os.WriteFile(filepath.Join(patterns, "again.yaml"), []byte(`policy: again
title: Alerts come in a row
judge: store
score: 'min(count(alerted("unpaid-exit", "log", "any"), "2h") / 4, 1)'
alert: {tiers: {log: 0.2, review: 0.4, staff: 0.7}}
`), 0o600))
	for _, sets := range [][2]string{{"", shy}, {shy, patterns}} {
		done, err := openBacktest([]string{recording}, "", sets[0], sets[1])
		must(t, err)
		r := done[0]
		must(t, r.play(context.Background(), func(int64) {}))
		for i, got := range []*side{r.base, r.with} {
			want := replayed(t, s, sets[i], played.Lines)
			if len(want.raised) < 3 || len(got.raised) != len(want.raised) {
				t.Errorf("%q: %d alerts, a replay gives %d; at least 3 make a test", sets, len(got.raised), len(want.raised))
				continue
			}
			for k, a := range got.raised {
				b := want.raised[k]
				if a.first != b.first || a.until != b.until || a.stands != b.stands ||
					string(a.most.AppendJSON(nil, true)) != string(b.most.AppendJSON(nil, true)) {
					t.Errorf("%q: alert %d of set %d is\n%s\na replay gives\n%s", sets, k, i, a.most.AppendJSON(nil, true), b.most.AppendJSON(nil, true))
				}
			}
			if a, b := scoreLines(got.scores), scoreLines(want.scores); a != b {
				t.Errorf("%q: scores of set %d are\n%s\na replay gives\n%s", sets, i, a, b)
			}
		}
	}
}

// changed writes the built-in policies with other words to a directory.
func changed(t *testing.T, dir string, with func(name, text string) string) string {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o700))
	files, err := filepath.Glob("../../policies/*.yaml")
	must(t, err)
	for _, f := range files {
		if name := filepath.Base(f); rules.IsSetFile(name) {
			text, err := os.ReadFile(f)
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, name), []byte(with(name, string(text))), 0o600))
		}
	}
	return dir
}

// replayed is what a replay of the lines gives.
func replayed(t *testing.T, s *site.Site, policies string, lines []sim.Line) *side {
	t.Helper()
	set, err := loadPolicies(policies, s)
	must(t, err)
	x := newSide(set)
	p, err := newPipeline(s, set, x.alert, pipelineHooks{})
	must(t, err)
	p.final = true
	last := int64(0)
	for i := range lines {
		l, err := journal.Parse(lines[i].AppendJSON(nil))
		must(t, err)
		last = max(last, l.Received)
		p.line(&l)
	}
	p.finish(last)
	x.scores = p.log.Scores()
	return x
}

func scoreLines(list []*alerts.VisitScore) string {
	var b []byte
	for _, s := range list {
		b = append(s.AppendJSON(b), '\n')
	}
	return string(b)
}

// TestVerdictsFindTheirAlerts: by id; by subject where another set counts its alerts otherwise; by the lines of alerts that were
// recorded along, also where a visit has another id.
func TestVerdictsFindTheirAlerts(t *testing.T) {
	s, err := site.Load(contractDir + "/testdata/corner-shop.yaml")
	must(t, err)
	alert := func(subject string, n int, at int64, tracks ...string) *raisedAlert {
		return &raisedAlert{first: at, until: at + 50e9, stands: true, most: &alerts.Alert{ID: alerts.AlertID("s042", subject, n), SubjectKind: "visit",
			SubjectID: subject, Tracks: tracks, Tier: "staff", Score: 0.7}}
	}
	const second = int64(1e9)
	told := alert("v_e", 1, 50*second, "cam-1/9").most
	told.EventTime = 50 * second
	d := &backtested{site: s, said: map[string]said{}}
	d.note(&journal.Line{Topic: "magpie/v1/s042/alert/" + told.ID, Payload: told.AppendJSON(nil, false)})
	d.note(&journal.Line{Topic: "magpie/v1/s042/rejected/rfid/r-door", Payload: []byte(`{"id":"alr_2"}`)})
	if x := d.said[told.ID]; len(d.said) != 1 || x.subject != "v_e" || x.event != 50*second || len(x.tracks) != 1 || x.tracks[0] != "cam-1/9" {
		t.Errorf("the line of an alert that was recorded along reads %+v", d.said)
	}
	r := &backtested{site: s, base: newSide(nil), with: newSide(nil), said: map[string]said{}, verdicts: map[string]string{}}
	for _, v := range []string{"v_a", "v_b", "v_c", "v_d"} {
		r.base.scores = append(r.base.scores, &alerts.VisitScore{Visit: v})
	}
	r.base.raised = []*raisedAlert{alert("v_a", 1, 100*second, "cam-1/1"), alert("v_b", 1, 100*second, "cam-1/2"), alert("v_b", 2, 900*second, "cam-1/2")}
	r.with.raised = []*raisedAlert{alert("v_a", 1, 110*second, "cam-1/1"), alert("v_b", 1, 905*second, "cam-1/2"), alert("v_c", 1, 300*second, "cam-1/3")}
	pairs := r.pairs()
	if len(pairs) != 4 || pairs[0].with == nil || pairs[1].with != nil || pairs[2].base != nil || pairs[3].base.first != 900*second || pairs[3].with == nil {
		t.Fatalf("the alerts of one subject at one time are not together: %+v", pairs)
	}
	f := func(want string, m missed, recorded map[string]said, verdicts ...string) {
		t.Helper()
		v := &verdictsOf{marks: map[string]verdictLine{}}
		for i := 0; i < len(verdicts); i += 2 {
			v.marks[verdicts[i]] = verdictLine{At: time.Unix(int64(i), 0), ID: verdicts[i], Verdict: verdicts[i+1]}
		}
		r.said = recorded
		pairs := r.pairs()
		known, got := v.settle(r, pairs)
		var words []string
		for _, p := range pairs {
			words = append(words, p.verdict)
		}
		if text := strings.Join(words, ","); text != want || got != m || len(known) != len(verdicts)/2 {
			t.Errorf("verdicts %q: are about %s, and %+v have none; want %s, %+v; %d are known", verdicts, text, got, want, m, len(known))
		}
	}
	id := func(subject string, n int) string { return alerts.AlertID("s042", subject, n) }
	f("loss,,,", missed{}, nil, id("v_a", 1), "loss")
	f("no_loss,loss,,fault", missed{with: 1}, nil, id("v_a", 1), "no_loss", id("v_b", 1), "loss", id("v_b", 2), "fault")
	f(",,loss,", missed{base: 1}, nil, id("v_c", 2), "loss") // its second where it was recorded
	f(",,,", missed{base: 1, with: 1}, nil, id("v_d", 1), "recovered")
	f(",,,honest_error", missed{}, map[string]said{id("v_b", 1): {"v_b", nil, 890 * second}}, id("v_b", 1), "honest_error") // the first came later then
	f(",,no_loss,", missed{}, map[string]said{"alr_1": {"v_x", []string{"cam-1/3"}, 310 * second}}, "alr_1", "no_loss")
	f(",,,", missed{base: 1, with: 1}, map[string]said{"alr_1": {"v_x", []string{"cam-1/3"}, 3100 * second}}, "alr_1", "loss")
}
