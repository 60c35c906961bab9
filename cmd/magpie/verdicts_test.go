package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// verdictFile is a file of verdicts with text in it, opened.
func verdictFile(t *testing.T, text string) (path string, v *verdicts, err error) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "verdicts.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err = openVerdicts(path, func() time.Time { return time.Unix(1795341600, 0) })
	if err == nil {
		t.Cleanup(func() { v.file.Close() })
	}
	return path, v, err
}

func lineOf(id string) string {
	return `{"at":"2026-11-22T10:00:00Z","id":"` + id + `","who":"Kim","verdict":"loss"}`
}

// keepsOn adds a verdict of alert c, and wants the file to hold the lines of these alerts then, also for who opens it next.
func keepsOn(t *testing.T, path string, v *verdicts, want ...string) {
	t.Helper()
	if _, err := v.add(verdictLine{ID: "c", Who: "Kim", Verdict: "loss"}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, id := range want {
		lines = append(lines, lineOf(id)+"\n")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != strings.Join(lines, "") {
		t.Errorf("the file is\n%s(%v), want\n%s", b, err, strings.Join(lines, ""))
	}
	again, err := openVerdicts(path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer again.file.Close()
	if got := again.all(); len(got) != len(want) {
		t.Errorf("read again: %v, want alerts %v", got, want)
	}
}

// What a crash leaves at the end of the file is never glued to the next line.
func TestVerdictsAfterACrash(t *testing.T) {
	a, b := lineOf("a")+"\n", lineOf("b")
	for name, x := range map[string]struct {
		text string
		want []string
	}{
		"nothing":                 {"", []string{"c"}},
		"whole":                   {a, []string{"a", "c"}},
		"torn":                    {a + b[:len(b)-9], []string{"a", "c"}},
		"torn, the only line":     {b[:7], []string{"c"}},
		"blocks never written":    {a + strings.Repeat("\x00", 50), []string{"a", "c"}},
		"only its line break off": {a + b, []string{"a", "b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			path, v, err := verdictFile(t, x.text)
			if err != nil {
				t.Fatal(err)
			}
			keepsOn(t, path, v, x.want...)
		})
	}
	if _, _, err := verdictFile(t, a+"{\n"+a); err == nil || !strings.Contains(err.Error(), "verdicts.jsonl:2: ") {
		t.Errorf("a line in the middle that is no JSON: %v", err)
	}
}

// A disk that is full in the middle of a line takes the verdict not at all, and the next one when there is room again.
func TestVerdictsOnAFullDisk(t *testing.T) {
	path, v, err := verdictFile(t, lineOf("a")+"\n")
	if err != nil {
		t.Fatal(err)
	}
	v.write = func(b []byte) (int, error) {
		n, _ := v.file.Write(b[:len(b)/2])
		return n, errors.New("no space left on device")
	}
	if _, err := v.add(verdictLine{ID: "b", Who: "Kim", Verdict: "loss"}); err == nil || len(v.all()) != 1 {
		t.Fatalf("half a line: %v, %v", err, v.all())
	}
	v.write = v.file.Write
	keepsOn(t, path, v, "a", "c")
}
