// Command magpie watches a store: it fuses what cameras, RFID readers, scales and tills publish into visits, scores them by
// policies and says who should look where, and why.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// command is one word after magpie. Results go to out, everything else to errw.
type command struct {
	name, short string
	run         func(ctx context.Context, args []string, out, errw io.Writer) error
}

func commands() []command {
	return []command{
		{"run", "run everything on this machine", runRun},
		{"vision", "run a camera worker alone and publish its tracks", runVision},
		{"record", "write the messages of a broker to a recording", runRecord},
		{"play", "publish a recording to a broker", runPlay},
		{"replay", "print the alerts that a recording gives", runReplay},
		{"backtest", "judge recordings by two policy sets and tell how the alerts differ", runBacktest},
		{"check", "check a site file and its policies", runCheck},
		{"policies", "list policies, and what they would be blind to in a site", runPolicies},
		{"new", "begin a policy and its test from the catalogue", runNew},
		{"test", "run policy tests", runTest},
		{"explain", "tell how an alert, or the score of a visit in a recording, came about", runExplain},
		{"sensors", "try, check and watch what sensors send", runSensors},
		{"simulate", "play a store and write a recording and what truly happened", runSimulate},
		{"evaluate", "play many stores and hold what policies say against what was so", runEvaluate},
		{"fit", "what each piece of evidence was worth in recordings with their truth", runFit},
		{"model", "convert and describe detector models", runModel},
		{"lsp", "help an editor with policy files", runLSP},
		{"version", "print what was built", runVersion},
	}
}

// Exit codes (contract §6).
const (
	exitFailed = 1 // a check or test failed
	exitUsage  = 2 // wrong use or bad input
)

// exitError ends the program with a code; its text has been, or will be, printed to standard error.
type exitError struct {
	Code int
	Err  error
}

func (e *exitError) Error() string { return e.Err.Error() }
func (e *exitError) Unwrap() error { return e.Err }

// failed says that a check or test found something wrong.
func failed(format string, args ...any) error {
	return &exitError{exitFailed, fmt.Errorf(format, args...)}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, out, errw io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(errw)
		if len(args) == 0 {
			return exitUsage
		}
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], out, errw)
		var coded *exitError
		switch {
		case err == nil:
			return 0
		case errors.Is(err, flag.ErrHelp):
			return 0
		case errors.As(err, &coded):
			fmt.Fprintln(errw, err)
			return coded.Code
		}
		fmt.Fprintf(errw, "magpie %s: %v\n", c.name, err)
		return exitUsage
	}
	fmt.Fprintf(errw, "magpie: no command %q; `magpie help` lists them\n", args[0])
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: magpie COMMAND [flags]; `magpie COMMAND -h` lists a command's flags")
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.short)
	}
}

func runVersion(_ context.Context, args []string, out, _ io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	fmt.Fprintln(out, "magpie", buildHash())
	return nil
}

// buildHash names the build: the commit where the tool chain knows it, else the Go version.
func buildHash() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			rev = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+modified"
			}
		}
	}
	if rev == "" {
		return info.GoVersion
	}
	return rev + dirty
}
