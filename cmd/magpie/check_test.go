package main

import (
	"bytes"
	"context"
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
