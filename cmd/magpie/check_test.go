package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck runs `magpie check` as its user does.
func TestCheck(t *testing.T) {
	f := func(code int, wantOut, wantErr string, args ...string) {
		t.Helper()
		var out, errw bytes.Buffer
		if got := run(context.Background(), append([]string{"check"}, args...), &out, &errw); got != code {
			t.Errorf("check %q: exit code %d, want %d\n%s%s", args, got, code, out.String(), errw.String())
		}
		if !strings.Contains(out.String(), wantOut) || !strings.Contains(errw.String(), wantErr) {
			t.Errorf("check %q: got\n%s%s\nwant %q and %q", args, out.String(), errw.String(), wantOut, wantErr)
		}
	}
	const shop = "../../policies/testdata/shop.yaml"
	f(0, "review 0.6671  goods not paid for + leaves the store", "", "--site", shop)
	f(2, "", "name the site file")
	f(2, "", "shop.yaml: what is this? A site file is named by --site", shop)
	f(2, "", "policies: what is this? A site file is named by --site and a directory of policies by --policies", "--site", shop, "policies")
	f(2, "", "no such file", "--site", "none.yaml")

	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("p.yaml", "policy: p\ntitle: t\nscore: 'p_unpayd()'\nalert: {tiers: {log: 0.1}}\n")
	write("p_test.yaml", "site: x\ntests: 3\n")
	f(1, "", "p.yaml:3:9: unknown function p_unpayd; did you mean p_unpaid?\n  | score: 'p_unpayd()'\n  |         ^", "--site", shop, "--policies", dir)
	f(1, "", "p_test.yaml:2:8: tests wants a list", "--site", shop, "--policies", dir)
	write("p_test.yaml", "site: x\ntests:\n  - name: n\n    events: |\n      0s..2s wlak A 1,1\n    expect: [{at: end}]\n")
	f(1, "", "p_test.yaml:5:14: \"wlak\" is not a verb; did you mean walk?", "--site", shop, "--policies", dir)
	write("site.yaml", "store: a\nzoness: []\n")
	f(1, "", "site.yaml:2:1: ", "--site", filepath.Join(dir, "site.yaml"))

	// What run would trip over.
	write("own.yaml", `store: a
timezone: UTC
currency: GBP
zones: [{id: door, kind: exit, polygon: [[0,0],[2,0],[2,2],[0,2]]}]
sources: [{topic: "x/+", decoder: zebra, id: "{1}"}]
broker: {listen: "127.0.0.1:1883", users: users.txt}
`)
	f(1, "", `own.yaml:5:11: there is no decoder "zebra"`, "--site", filepath.Join(dir, "own.yaml"))
	write("own.yaml", `store: a
timezone: UTC
currency: GBP
zones: [{id: door, kind: exit, polygon: [[0,0],[2,0],[2,2],[0,2]]}]
broker: {listen: "127.0.0.1:1883", users: users.txt}
`)
	f(0, "users.txt: no such file or directory; magpie run does not start without it", "", "--site", filepath.Join(dir, "own.yaml"))
	f(1, "", "holds no policy", "--site", shop, "--policies", t.TempDir())
}

// TestCheckRefuses: what can run and cannot have been meant is refused, in every format, and what is doubtful is told apart from it.
func TestCheckRefuses(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "p.yaml"), []byte(`policy: p
title: t
prior: 0.01
when: 'hour() > 23'
evidence:
  - {name: a, if: 'staff() > 1', weight: very strong}
  - {name: b, if: 'clamp(picked("any"), 0, 0.5)', weight: strong}
  - {name: c, if: 'read("fitting")', weight: weak}
alert: {tiers: {log: 0.05, review: 0.3, gate: 0.9}}
`), 0o644))
	const shop = "../../policies/testdata/shop.yaml"
	code, out, errw := magpie(t, "check", "--site", shop, "--policies", dir)
	for _, want := range []string{`p.yaml:4:8: when can never be true: the policy is never judged`,
		`p.yaml:9:47: nothing reaches the tier gate: the score is at most 0.2325`,
		`p.yaml:9:36: nothing reaches the tier review`} {
		if code != 1 || !strings.Contains(errw, want) {
			t.Errorf("%d\n%s\nwant %s", code, errw, want)
		}
	}
	for _, want := range []string{`warning: p.yaml:6:28: this is never true: the number at column 20 lies between 0 and 1`,
		`warning: p.yaml:6:20: the evidence "a" never adds anything`, `blind: no source of the site is there for rfid at fitting`, `log    0.0917  b`} {
		if !strings.Contains(out, want) {
			t.Errorf("got\n%s\nwant %s", out, want)
		}
	}
	code, out, _ = magpie(t, "check", "--site", shop, "--policies", dir, "--format", "github")
	if want := "::error file=" + dir + "/p.yaml,line=9,col=47::nothing reaches the tier gate"; code != 1 || !strings.Contains(out, want) ||
		!strings.Contains(out, "::warning file="+dir+"/p.yaml,line=6,col=28::this is never true") {
		t.Errorf("%d\n%s\nwant %s", code, out, want)
	}
	code, out, _ = magpie(t, "check", "--site", shop, "--policies", dir, "--format", "json")
	var report struct {
		Errors, Warnings []finding
		Policies         []policyReport
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || len(report.Errors) != 3 || len(report.Warnings) < 3 ||
		report.Errors[0].Line != 4 || len(report.Policies) != 1 || len(report.Policies[0].Blind) != 1 || len(report.Policies[0].Reach) == 0 {
		t.Errorf("%d %v\n%s", code, err, out)
	}
	must(t, os.WriteFile(filepath.Join(dir, "p.yaml"), []byte("policy: p\ntitle: t\nscore: 'p_unpayd()'\nalert: {tiers: {log: 0.1}}\n"), 0o644))
	if code, out, _ = magpie(t, "check", "--site", shop, "--policies", dir, "--format", "github"); code != 1 ||
		!strings.HasPrefix(out, "::error file="+dir+"/p.yaml,line=3,col=9::unknown function p_unpayd; did you mean p_unpaid?") {
		t.Errorf("%d\n%s", code, out)
	}
	if code, _, errw = magpie(t, "check", "--site", shop, "--format", "xml"); code != 2 || !strings.Contains(errw, "unknown format") {
		t.Errorf("%d\n%s", code, errw)
	}
}
