package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"magpie/alerts"
	"magpie/site"
)

// TestShadowSaysNothing: with and without the policies that are in shadow the example gives the same lines.
func TestShadowSaysNothing(t *testing.T) {
	s, err := site.Load("../../examples/site.yaml")
	must(t, err)
	live := t.TempDir()
	files, err := filepath.Glob("../../policies/*.yaml")
	must(t, err)
	left := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		if regexp.MustCompile(`(?m)^mode: shadow`).Match(text) {
			left++
			continue
		}
		must(t, os.WriteFile(filepath.Join(live, filepath.Base(f)), text, 0o644))
	}
	var said [2]bytes.Buffer
	for i, dir := range []string{"../../policies", live} {
		set, err := loadPolicies(dir, s)
		must(t, err)
		p, err := newPipeline(s, set, func(a *alerts.Alert) {
			said[i].Write(append(a.AppendJSON(nil, false), '\n'))
		}, pipelineHooks{})
		must(t, err)
		last := int64(0)
		for _, l := range streetLines(t) {
			last = l.Received
			p.line(&l)
		}
		p.finish(last)
	}
	if left == 0 || said[0].Len() == 0 || !bytes.Equal(said[0].Bytes(), said[1].Bytes()) {
		t.Errorf("with %d policies in shadow:\n%s\nwithout:\n%s", left, &said[0], &said[1])
	}
}

// TestLiveOfTests: a test file says which policies in shadow it asks about, and is told why one cannot be live.
func TestLiveOfTests(t *testing.T) {
	dir := t.TempDir()
	shop, err := filepath.Abs("../../policies/testdata/shop.yaml")
	must(t, err)
	policy := func(id, needs string) {
		must(t, os.WriteFile(filepath.Join(dir, id+".yaml"), []byte("policy: "+id+"\ntitle: t\nmode: shadow\nneeds: ["+needs+"]\nscore: 'min(1, picked(\"any\"))'\nalert: {tiers: {review: 0.3}}\n"), 0o644))
	}
	policy("takes", "weight@aisle")
	policy("rooms", "rfid@fitting")
	for live, want := range map[string]string{
		"":                "1 of 1 tests failed",
		"live: [takes]\n": "1 passed",
		"live: [takse]\n": "a_test.yaml:2:7: live: there is no policy takse; did you mean takes?",
		"live: [rooms]\n": "a_test.yaml:2:7: live: rooms is in shadow on this site: it needs rfid@fitting, which the site has not",
	} {
		path := filepath.Join(dir, "a_test.yaml")
		must(t, os.WriteFile(path, []byte("site: "+shop+"\n"+live+`tests:
  - name: takes a sauce
    events: |
      0s..5s walk A 1.5,0.5 > 2,4.8
      6s     pick A 071142008582
      9s     walk A 2,4.8
    expect: [{at: end, policy: takes, person: A}]
`), 0o644))
		if code, out, errw := magpie(t, "test", "--site", shop, path); !strings.Contains(errw, want) {
			t.Errorf("%q: %d\n%s%s\nwant %s", live, code, out, errw, want)
		}
	}
}

// TestNew: whatever of the catalogue is begun with, alone in a folder, passes check and its test.
func TestNew(t *testing.T) {
	lines, err := listPolicies("", "")
	must(t, err)
	if len(lines) < 20 {
		t.Errorf("the catalogue has %d policies", len(lines))
	}
	for _, l := range lines {
		dir := filepath.Join(t.TempDir(), "new")
		if code, out, errw := magpie(t, "new", l.Policy, "-o", dir); code != 0 || !strings.Contains(out, filepath.Join(dir, l.Policy+"_test.yaml")) {
			t.Errorf("magpie new %s: %d\n%s%s", l.Policy, code, out, errw)
			continue
		}
		shops, err := filepath.Glob(filepath.Join(dir, "testdata", "*.yaml"))
		must(t, err)
		if code, out, errw := magpie(t, "check", "--site", shops[0], "--policies", dir); code != 0 || len(shops) != 1 {
			t.Errorf("magpie check of %s: %d\n%s%s", l.Policy, code, out, errw)
		}
		if code, out, errw := magpie(t, "test", dir); code != 0 {
			t.Errorf("magpie test of %s: %d\n%s%s", l.Policy, code, out, errw)
		}
	}
}

// TestCatalogue: the stories of each policy hold beside all the others as well, whose alerts are then one person's.
func TestCatalogue(t *testing.T) {
	if code, out, errw := magpie(t, "test", filepath.Join("..", "..", "policies")); code != 0 {
		t.Errorf("magpie test policies: %d\n%s%s", code, out, errw)
	}
}
