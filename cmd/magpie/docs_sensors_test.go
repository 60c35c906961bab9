package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestSensorsPage does what docs/sensors.md says, block by block: it lays the files, types the commands, and holds what they
// print to what the page shows. Only the ports are others.
func TestSensorsPage(t *testing.T) {
	const page = "../../docs/sensors.md"
	text, err := os.ReadFile(page)
	must(t, err)
	script, files := "", ""
	broker, http := freeAddress(t), freeAddress(t)
	ports := strings.NewReplacer("127.0.0.1:1883", broker, "127.0.0.1:8080", http)
	n := 0
	for _, b := range blocks(page, ports.Replace(string(text))) {
		if b.language != "console" {
			if b.title != "" {
				files += "-- " + b.title + " --\n" + b.text
			}
			continue
		}
		for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
			command, output, _ := strings.Cut(part, "\n")
			if n++; b.title == "background" {
				script += "exec " + command + " &\n"
				if strings.HasPrefix(command, "magpie run") {
					script += "listening " + broker + "\n"
				}
				continue
			}
			if output != "" && !strings.HasSuffix(output, "\n") {
				output += "\n"
			}
			name := fmt.Sprintf("output-%d", n)
			files += "-- " + name + " --\n" + output
			how, code := "as-shown", "0"
			if b.title == "live" {
				how = "like-shown"
			}
			if c, ok := strings.CutPrefix(b.title, "exit "); ok {
				code = c
			}
			script += strings.Join([]string{how, code, name, command}, " ") + "\n"
		}
	}
	if n < 9 {
		t.Fatalf("%s has %d commands", page, n)
	}
	path := filepath.Join(t.TempDir(), "page.txtar")
	must(t, os.WriteFile(path, []byte(script+files), 0o644))
	testscript.Run(t, testscript.Params{Files: []string{path}, RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"listening": listening,
			"as-shown": func(ts *testscript.TestScript, _ bool, args []string) {
				shown(ts, args, func(s string) string { return s })
			},
			"like-shown": func(ts *testscript.TestScript, _ bool, args []string) { shown(ts, args, withoutNumbers) },
		}})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// listening waits until somebody takes connections.
func listening(ts *testscript.TestScript, _ bool, args []string) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for timeout := time.After(20 * time.Second); ; {
		if c, err := net.Dial("tcp", args[0]); err == nil {
			ts.Check(c.Close())
			return
		}
		select {
		case <-again.C:
		case <-timeout:
			ts.Fatalf("nobody listens on %s", args[0])
		}
	}
}

// shown is the command `as-shown CODE FILE program arguments…`: a run prints what the file holds, whichever way.
func shown(ts *testscript.TestScript, args []string, as func(string) string) {
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	exits(ts, false, append([]string{strconv.Itoa(code)}, args[2:]...))
	want := ts.ReadFile(args[1])
	if want == "…\n" {
		return
	}
	stderr, stdout := ts.ReadFile("stderr"), ts.ReadFile("stdout")
	got := stdout + stderr
	if strings.HasPrefix(stderr, "listening") { // said before anything else
		got = stderr + stdout
	}
	if as(got) != as(want) {
		ts.Fatalf("%s prints\n%s\nthe page shows\n%s", strings.Join(args[2:], " "), got, want)
	}
}

var (
	varying = regexp.MustCompile(`\d[-\d.:TZ]*(ms|s)?`)
	spaces  = regexp.MustCompile(` +`)
)

// withoutNumbers is a text without what is another each time.
func withoutNumbers(text string) string {
	return spaces.ReplaceAllString(varying.ReplaceAllString(text, "0"), " ")
}
