package main

import (
	"os"
	"strings"
	"testing"

	"magpie/rules"
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
	tried := 0
	for _, f := range rules.Functions() {
		if tried++; !strings.Contains(text.String(), f.Name+"(") {
			t.Errorf("no policy of %s calls %s", dir, f.Name)
		}
	}
	if tried < 45 {
		t.Errorf("there are only %d functions", tried)
	}
}
