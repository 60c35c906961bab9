package main

import (
	"os"
	"strings"
	"testing"
)

// Every function of the language, as an analyst tries it: in the test notation, true from when it should be and not before.
func TestLanguage(t *testing.T) {
	const dir = "../../rules/testdata/language"
	for _, d := range []string{dir, "../../rules/testdata/scoring"} {
		if code, out, errw := magpie(t, "test", d); code != 0 {
			t.Errorf("%d\n%s%s", code, out, errw)
		}
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	var text strings.Builder
	for _, e := range entries {
		if !e.IsDir() {
			b, err := os.ReadFile(dir + "/" + e.Name())
			must(t, err)
			text.Write(b)
		}
	}
	readme, err := os.ReadFile("../../policies/README.md")
	must(t, err)
	tried := 0
	for _, line := range strings.Split(string(readme), "\n") {
		if !strings.HasPrefix(line, "| `") || !strings.Contains(line, "(") {
			continue
		}
		calls, _, _ := strings.Cut(line[2:], " | ")
		for _, call := range strings.Split(calls, "` `") {
			name, _, ok := strings.Cut(strings.Trim(call, "` "), "(")
			if !ok {
				continue
			}
			if tried++; !strings.Contains(text.String(), name+"(") {
				t.Errorf("no policy of %s calls %s", dir, name)
			}
		}
	}
	if tried < 45 {
		t.Errorf("only %d functions are in the table", tried)
	}
}
