package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const contractDir = "../../rules/testdata/contract"

// magpie runs the program and returns its exit code and what it wrote.
func magpie(t *testing.T, args ...string) (code int, out, errw string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

// The contract's example policy and its test, verbatim.
func TestContractPolicyTest(t *testing.T) {
	for _, args := range [][]string{{contractDir}, {contractDir + "/unpaid-exit_test.yaml"}, {"--policies", contractDir}} {
		code, out, errw := magpie(t, append([]string{"test"}, args...)...)
		if want := "ok    " + contractDir + "/unpaid-exit_test.yaml: walks out with a bottle\n"; code != 0 || out != want || errw != "1 passed\n" {
			t.Errorf("magpie test %s: %d\n%s%s", args, code, out, errw)
		}
	}
}

func TestAlertLinesOfTests(t *testing.T) {
	code, out, _ := magpie(t, "test", "-v", contractDir)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) < 3 || !strings.HasPrefix(lines[1], `      {"id":"alr_`) {
		t.Errorf("%d\n%s", code, out)
	}
}

// testBeside writes a test file that is judged by the contract's policy in the contract's shop, and runs it.
func testBeside(t *testing.T, tests string, args ...string) (code int, out, errw string) {
	t.Helper()
	shop, err := filepath.Abs(contractDir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a_test.yaml")
	if err := os.WriteFile(path, []byte(tests), 0o644); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"test", "--policies", contractDir, "--site", shop + "/testdata/corner-shop.yaml"}, args...)
	code, out, errw = magpie(t, append(args, path)...)
	return code, strings.ReplaceAll(out, path, "a_test.yaml"), strings.ReplaceAll(errw, path, "a_test.yaml")
}

func TestFailedTests(t *testing.T) {
	code, out, errw := testBeside(t, `site: elsewhere.yaml
tests:
  - name: stays in the aisle
    events: |
      0s..5s  walk A 1,1 > 2.1,4.2
      6s      pick A 071142008582
      9s..12s walk A 2.1,4.2
    expect:
      - {at: 10s, alert: false}
      - {at: end, alert: never, score: "< 0.1"}
  - name: is thought to leave
    events: |
      0s..5s  walk A 1,1 > 2.1,4.2
      6s      pick A 071142008582
      9s..12s walk A 2.1,4.2
    expect:
      - {at: 12s, alert: true, person: A}
      - {at: end, alert: false, person: B}
      - {at: end, alert: never, policy: unpayed-exit}
  - name: walks backwards
    events: |
      0s..5s  walk A 1,1 > 2.1,4.2

      3s..4s  wlak A 1,1
    expect: [{at: end, alert: false}]
  - name: goes where nothing is
    events: |
      0s..5s  walk A 1,1 > 2.1,4.2
      5s      pick A wine
    expect: [{at: end, alert: false}]
`)
	want := `ok    a_test.yaml: stays in the aisle
FAIL  a_test.yaml: is thought to leave
      a_test.yaml:18:9: nobody called B walks in the events; they name A
      a_test.yaml:19:9: policy: there is no policy unpayed-exit; did you mean unpaid-exit?
FAIL  a_test.yaml: walks backwards
      a_test.yaml:24:15: "wlak" is not a verb; did you mean walk?
        |       3s..4s  wlak A 1,1
        |               ^
FAIL  a_test.yaml: goes where nothing is
      a_test.yaml:29:22: "wine" is neither a SKU of the site's products nor a list that names one
        |       5s      pick A wine
        |                      ^
`
	if code != 1 || out != want || errw != "3 of 4 tests failed\n" {
		t.Errorf("%d\n%s%s", code, out, errw)
	}
}

func TestWhatWasSeenInstead(t *testing.T) {
	code, out, _ := testBeside(t, `site: elsewhere.yaml
tests:
  - name: leaves with a bottle and may
    events: |
      0s..4s   walk   A  1,1 > 2.1,4.2
      5s       pick   A  071142008582
      6s..20s  walk   A  2.1,4.2 > 4,1.5 > 4,-0.5
      25s      send   gate eas-1 {"alarm": "loud"}
    expect:
      - {at: 4s, alert: true, person: A}
      - {at: 24s, alert: false}
      - {at: end, alert: true, person: A, items: {"071142008582": 1}, to: [lp-desk], evidence: [goods not paid for]}
`)
	want := regexp.MustCompile(`^FAIL  a_test.yaml: leaves with a bottle and may
      a_test.yaml:10:9: at 4s: wanted an alert for A, there was no alert
      a_test.yaml:11:9: at 24s: wanted no alert, there was (confirmed|updated) alr_[0-9a-f]{16}, score 0.\d{4}, tier review, of A, unpaid-exit 0.\d{4}, items \[1 × 00071142008582\], because of .*
      rejected: .*alarm.*
$`)
	if code != 1 || !want.MatchString(out) {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestRunSelectsTests(t *testing.T) {
	code, out, errw := magpie(t, "test", "--run", "bottle$", contractDir)
	if code != 0 || strings.Count(out, "\n") != 1 {
		t.Errorf("%d\n%s%s", code, out, errw)
	}
	if code, _, errw = magpie(t, "test", "--run", "nothing", contractDir); code != 2 || errw != "magpie test: no test matches --run \"nothing\"\n" {
		t.Errorf("%d %s", code, errw)
	}
	if code, _, errw = magpie(t, "test", "--run", "(", contractDir); code != 2 || !strings.HasPrefix(errw, "magpie test: --run: error parsing regexp") {
		t.Errorf("%d %s", code, errw)
	}
}

func TestBadInput(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		if code, _, errw := magpie(t, append([]string{"test"}, args...)...); code != 2 || !strings.Contains(errw, want) {
			t.Errorf("%s: %d %s", args, code, errw)
		}
	}
	empty := t.TempDir()
	f("holds no *_test.yaml; name a test file or a directory with some", empty)
	f("no such file or directory", filepath.Join(empty, "a_test.yaml"))
	f("holds no policy: put one there", "--policies", empty, contractDir)
	f("no such file or directory", "--site", filepath.Join(empty, "site.yaml"), contractDir)
}
