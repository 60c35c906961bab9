package main

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"magpie/rules"
	"magpie/sim"
	"magpie/site"
)

// TestMain lets the scripts call this program as magpie.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"magpie": main}) }

// TestScripts runs testdata/script: the program as its users type it. A script finds the contract's example in shop, and
// what its test does as shop.jsonl; `exits N magpie …` runs a command that ends with the exit code N. With -update the
// texts that `cmp` compares are written anew.
func TestScripts(t *testing.T) {
	const contract = "../../rules/testdata/contract"
	s, err := site.Load(filepath.Join(contract, "testdata", "corner-shop.yaml"))
	must(t, err)
	text, err := os.ReadFile(filepath.Join(contract, "unpaid-exit_test.yaml"))
	must(t, err)
	f, err := rules.ParseTest("unpaid-exit_test.yaml", text)
	must(t, err)
	script, err := sim.Parse(f.Tests[0].Events)
	must(t, err)
	start, err := sim.Start(f.Tests[0].Start, s.Store.Location)
	must(t, err)
	lines, err := script.Lines(s, sim.Options{Start: start})
	must(t, err)
	detector, err := filepath.Abs(filepath.Join(cmp.Or(os.Getenv("MAGPIE_CACHE"), "../../.cache"), "models", "nanodet.onnx"))
	must(t, err)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("DETECTOR", detector)
			return errors.Join(os.CopyFS(filepath.Join(e.WorkDir, "shop"), os.DirFS(contract)),
				os.WriteFile(filepath.Join(e.WorkDir, "shop.jsonl"), sim.Recording(lines), 0o644))
		},
		Condition: func(cond string) (bool, error) {
			if cond != "detector" {
				return false, errors.New("no such condition")
			}
			return exists(detector), nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits},
	})
}

// exits is the command `exits N program arguments…`.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N program arguments…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
