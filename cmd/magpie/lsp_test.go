package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// client is an editor that speaks with the built program over its pipes.
type client struct {
	t    *testing.T
	in   io.WriteCloser
	out  *bufio.Reader
	cmd  *exec.Cmd
	errw *terminal
	dir  string

	id, version int

	told map[string][]lspDiagnostic // by file name: the diagnostics that were last sent
}

// startLSP starts `magpie lsp` in a folder: this test's own binary, which is the program when it is called as magpie.
func startLSP(t *testing.T, dir string, args ...string) *client {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	name := filepath.Join(t.TempDir(), "magpie")
	must(t, os.Symlink(self, name))
	c := &client{t: t, dir: dir, told: map[string][]lspDiagnostic{}, errw: &terminal{more: make(chan struct{}, 1)}}
	c.cmd = exec.Command(name, append([]string{"lsp"}, args...)...)
	c.cmd.Dir, c.cmd.Stderr = dir, c.errw
	in, err := c.cmd.StdinPipe()
	must(t, err)
	out, err := c.cmd.StdoutPipe()
	must(t, err)
	c.in, c.out = in, bufio.NewReader(out)
	must(t, c.cmd.Start())
	stuck := time.AfterFunc(time.Minute, func() { c.cmd.Process.Kill() })
	t.Cleanup(func() {
		stuck.Stop()
		c.cmd.Process.Kill()
		c.cmd.Wait()
	})
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	_, err := fmt.Fprintf(c.in, "Content-Length: %d\r\n\r\n%s", len(text), text)
	must(c.t, err)
}

func (c *client) notify(method string, params any) {
	c.t.Helper()
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
	must(c.t, err)
	c.send(string(b))
}

type answer struct {
	ID     *int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *lspError
}

// next reads one message; diagnostics are kept.
func (c *client) next() answer {
	c.t.Helper()
	body, err := readLSP(c.out)
	if err != nil {
		c.t.Fatalf("magpie lsp: %v\n%s\nlast told: %+v", err, c.errw.said(), c.told)
	}
	var a answer
	must(c.t, json.Unmarshal(body, &a))
	if a.Method == "textDocument/publishDiagnostics" {
		var p struct {
			URI         string
			Diagnostics []lspDiagnostic
		}
		must(c.t, json.Unmarshal(a.Params, &p))
		c.told[filepath.Base(pathOf(p.URI))] = p.Diagnostics
	}
	return a
}

// ask sends a request and waits for its answer.
func (c *client) ask(method string, params any) answer {
	c.t.Helper()
	c.id++
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.id, "method": method, "params": params})
	must(c.t, err)
	c.send(string(b))
	for {
		if a := c.next(); a.ID != nil && *a.ID == c.id {
			return a
		}
	}
}

func (c *client) uri(name string) string {
	return "file://" + filepath.ToSlash(filepath.Join(c.dir, name))
}

func (c *client) begin() {
	c.t.Helper()
	if a := c.ask("initialize", map[string]any{"rootUri": "file://" + c.dir, "capabilities": map[string]any{}}); a.Error != nil || !bytes.Contains(a.Result, []byte("completionProvider")) {
		c.t.Fatalf("%+v %s", a.Error, a.Result)
	}
	c.notify("initialized", map[string]any{})
}

func (c *client) opens(name, text string) {
	c.t.Helper()
	c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": c.uri(name), "languageId": "yaml", "version": 0, "text": text}})
}

func (c *client) changes(name, text string) {
	c.t.Helper()
	c.version++
	c.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": c.uri(name), "version": c.version}, "contentChanges": []any{map[string]any{"text": text}}})
}

// until reads until the diagnostics of a file are as wanted: each "line:character-line:character severity message".
func (c *client) until(name string, want ...string) {
	c.t.Helper()
	for {
		c.next()
		got := []string{}
		for _, d := range c.told[name] {
			got = append(got, fmt.Sprintf("%d:%d-%d:%d %d %s", d.Range.Start.Line, d.Range.Start.Character, d.Range.End.Line, d.Range.End.Character, d.Severity, d.Message))
		}
		if slices.EqualFunc(got, want, strings.HasPrefix) && c.told[name] != nil {
			return
		}
		if said := c.errw.said(); said != "" {
			c.t.Fatalf("%s\n%s", strings.Join(got, "\n"), said)
		}
	}
}

func (c *client) at(name, text string) map[string]any {
	c.t.Helper()
	i := strings.Index(text, "‸")
	p := positionOf(text, i)
	return map[string]any{"textDocument": map[string]any{"uri": c.uri(name)}, "position": p}
}

func (c *client) ends() {
	c.t.Helper()
	if a := c.ask("shutdown", nil); a.Error != nil {
		c.t.Errorf("shutdown: %+v", a.Error)
	}
	c.notify("exit", nil)
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("exit: %v\n%s", err, c.errw.said())
	}
}

const goodPolicy = "policy: p\ntitle: t\nparams: {floor: 1}\nscore: 'late and unpaid_value() > floor ? 0.9 : 0.1'\nalert: {tiers: {log: 0.5}}\n"

// lspFolder is a shop with a policy, and what the two share.
func lspFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(filepath.Join(dir, "shop"), os.DirFS("../../policies/testdata")))
	for name, text := range map[string]string{"p.yaml": goodPolicy, "common.yaml": "lists: {razors: {category: razor-blades}}\nmacros:\n  late: 'between(\"21:00\", \"06:00\")'\n"} {
		must(t, os.MkdirAll(filepath.Join(dir, "policies"), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "policies", name), []byte(text), 0o644))
	}
	return dir
}

// TestLSP is a session: open, mistakes and their mending, completion, hover, definition, shutdown.
func TestLSP(t *testing.T) {
	dir := lspFolder(t)
	c := startLSP(t, dir, "--site", "shop/shop.yaml")
	c.dir = filepath.Join(dir, "policies")
	c.begin()
	c.opens("p.yaml", goodPolicy)
	c.until("p.yaml")

	// What is not saved is checked; columns count UTF-16, of which the sign 🧴 is two.
	c.changes("p.yaml", strings.Replace(goodPolicy, "title: t", "title: '🧴é' # 🧴", 1)+"when: 'staff() > 0.5 and moved(\"door\") > 0' # é\n")
	c.until("p.yaml", `5:31-5:37 1 "door" is the id of one zone; write "exit" for every exit, or "id:door"`)
	c.changes("p.yaml", strings.Replace(goodPolicy, "title: t\n", "title: '🧴'\nevidence: [{name: '🧴 é', if: 'staf()', weight: weak}]\n", 1))
	c.until("p.yaml", `2:31-2:35 1 unknown function staf; did you mean staff?`, `4:7-4:52 1 score: stands instead of`)

	// A mistake in what is shared shows where it is, and its mending clears it.
	c.opens("common.yaml", "macros:\n  late: 'betwen(\"21:00\", \"06:00\")'\n")
	c.until("common.yaml", `1:9-1:15 1 unknown function betwen; did you mean between?`)
	c.changes("p.yaml", goodPolicy)
	c.until("p.yaml")
	c.changes("common.yaml", "macros:\n  dark: 'between(\"21:00\", \"06:00\")'\n")
	c.until("p.yaml", `3:8-3:12 1 unknown name late`)
	c.notify("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": c.uri("common.yaml")}})
	c.until("p.yaml")

	// Broken in the midst of writing, part by part: it answers after each.
	whole := goodPolicy + "evidence: [{name: \"a\\\"b\", if: 'picked(\"razors\") > 0', weight: [x, {y: z}]}]\nwhen: >-\n  a\n"
	for i := range len(whole) {
		c.changes("p.yaml", whole[:i])
		if i%7 == 0 {
			p := map[string]any{"textDocument": map[string]any{"uri": c.uri("p.yaml")}, "position": positionOf(whole[:i], i)}
			if a := c.ask("textDocument/completion", p); a.Error != nil {
				t.Fatalf("%q: %+v", whole[:i], a.Error)
			}
			if a := c.ask("textDocument/hover", p); a.Error != nil {
				t.Fatalf("%q: %+v", whole[:i], a.Error)
			}
		}
	}

	text := "policy: p\ntitle: '🧴'\nevidence:\n  - {name: '🧴', if: 'picked(\"r‸"
	c.changes("p.yaml", strings.Replace(text, "‸", "", 1))
	var list struct {
		Items []struct {
			Label, Detail string
			TextEdit      struct {
				Range   lspRange
				NewText string
			}
		}
	}
	must(t, json.Unmarshal(c.ask("textDocument/completion", c.at("p.yaml", text)).Result, &list))
	found := false
	for _, i := range list.Items {
		if i.Label == "razors" {
			found = i.TextEdit.NewText == "razors" && i.TextEdit.Range == lspRange{lspPosition{3, 30}, lspPosition{3, 31}} && strings.Contains(i.Detail, "razor-blades")
		}
	}
	if !found {
		t.Errorf("razors is not completed: %+v", list.Items)
	}

	text = strings.Replace(goodPolicy, "title: t", "title: t # 🧴", 1)
	c.changes("p.yaml", text)
	for _, x := range []struct{ text, hover, defined string }{
		{strings.Replace(text, "late and", "la‸te and", 1), "between", `{"start":{"line":2,"character":2},"end":{"line":2,"character":6}},"uri":"` + c.uri("common.yaml")},
		{strings.Replace(text, "> floor", "> fl‸oor", 1), "param `floor`: 1", `{"start":{"line":2,"character":9},"end":{"line":2,"character":14}},"uri":"` + c.uri("p.yaml")},
		{strings.Replace(text, "unpaid_value", "unpaid‸_value", 1), "money, in the site's currency", ""},
		{strings.Replace(text, "tiers", "ti‸ers", 1), "From which score on", ""},
	} {
		if a := c.ask("textDocument/hover", c.at("p.yaml", x.text)); !strings.Contains(string(a.Result), x.hover) {
			t.Errorf("hover over %q: %s, want %s", x.text, a.Result, x.hover)
		}
		if a := c.ask("textDocument/definition", c.at("p.yaml", x.text)); x.defined == "" && string(a.Result) != "null" || !strings.Contains(string(a.Result), x.defined) {
			t.Errorf("definition of %q: %s, want %s", x.text, a.Result, x.defined)
		}
	}

	// A change of a part, in UTF-16 too.
	c.changes("p.yaml", "policy: p\ntitle: '🧴x'\n"+strings.Join(strings.Split(goodPolicy, "\n")[2:], "\n"))
	c.until("p.yaml")
	c.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": c.uri("p.yaml"), "version": 999},
		"contentChanges": []any{map[string]any{"range": lspRange{lspPosition{1, 10}, lspPosition{1, 11}}, "text": " theft"}}})
	c.until("p.yaml", `1:7-1:17 1 nothing that is shown or sent may say theft`)

	// What is no request of ours is answered, and ends nothing.
	if a := c.ask("textDocument/rename", map[string]any{}); a.Error == nil || a.Error.Code != lspNoMethod {
		t.Errorf("%+v", a.Error)
	}
	c.send("{nonsense")
	for a := c.next(); ; a = c.next() {
		if a.Error != nil {
			if a.Error.Code != lspNotJSON {
				t.Errorf("%+v", a.Error)
			}
			break
		}
	}
	if a := c.ask("textDocument/hover", map[string]any{"textDocument": 3}); a.Error == nil || a.Error.Code != lspBadParams {
		t.Errorf("%+v", a.Error)
	}
	c.ends()
}

// TestLSPSaysWhatCheckSays: of whole folders, errors, warnings and what is refused, with tests and the site among them.
func TestLSPSaysWhatCheckSays(t *testing.T) {
	f := func(change map[string]string) {
		t.Helper()
		dir := lspFolder(t)
		site, folder := filepath.Join(dir, "shop", "shop.yaml"), filepath.Join(dir, "policies")
		for name, text := range change {
			must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
		_, out, _ := magpie(t, "check", "--site", site, "--policies", folder, "--format", "json")
		var report struct{ Errors, Warnings []finding }
		must(t, json.Unmarshal([]byte(out), &report))
		var want []string
		for severity, all := range map[int][]finding{1: report.Errors, 2: report.Warnings} {
			for _, x := range all {
				b, err := os.ReadFile(x.File)
				must(t, err)
				want = append(want, fmt.Sprintf("%s %v %d %s", filepath.Base(x.File), positionOf(string(b), placeOf(string(b), x.Line, x.Col)), severity, x.Text))
			}
		}
		c := startLSP(t, dir, "--site", site)
		c.dir = folder
		c.begin()
		b, err := os.ReadFile(filepath.Join(folder, "p.yaml"))
		must(t, err)
		c.opens("p.yaml", string(b))
		for c.told["p.yaml"] == nil {
			c.next()
		}
		c.ask("textDocument/hover", map[string]any{"textDocument": map[string]any{"uri": c.uri("p.yaml")}}) // behind all that was told
		c.ends()
		var got []string
		for name, all := range c.told {
			for _, d := range all {
				got = append(got, fmt.Sprintf("%s %v %d %s", name, d.Range.Start, d.Severity, d.Message))
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(slices.Compact(want), slices.Compact(got)) || len(want) == 0 && len(change) > 0 {
			t.Errorf("check says\n%s\nthe editor is told\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	}
	f(nil)
	f(map[string]string{"policies/p.yaml": strings.Replace(goodPolicy, "late", "latte", 1), "policies/q.yaml": "policy: p\ntitle: [\n", "policies/p_test.yaml": "site: x\ntests: 3\n"})
	f(map[string]string{"policies/p.yaml": strings.Replace(goodPolicy, "log: 0.5", "log: 0.95", 1), "policies/q.yaml": "policy: q\ntitle: t\nneeds: [rfid@fitting]\nprior: 0.1\nevidence:\n  - {name: a, if: 'staff() > 1 and picked(\"7\") > 0', weight: weak}\nalert: {tiers: {log: 0.2}, to: {log: [floor]}}\n"})
	f(map[string]string{"policies/p_test.yaml": "site: ../shop/shop.yaml\ntests:\n  - name: é\n    events: |\n      0s..2s wlak A 1,1\n      5s pick\n    expect: [{at: end, alert: nevr}]\n"})
	f(map[string]string{"shop/shop.yaml": "store: a\nzoness: []\n"})
}

// TestLSPWithoutASite: errors are told, what depends on a site is not, and files of other folders are left alone. A site that lies
// near is found.
func TestLSPWithoutASite(t *testing.T) {
	dir := lspFolder(t)
	c := startLSP(t, dir)
	c.dir = filepath.Join(dir, "policies")
	c.begin()
	c.opens("p.yaml", strings.Replace(goodPolicy, "title: t", "title: t\nneeds: [rfid@fitting]\ncolour: red", 1))
	c.until("p.yaml", `3:0-3:6 1 the policy: unknown key "colour"`)
	c.dir = dir
	c.opens("compose.yaml", "services: {a: b}\n")
	if a := c.ask("textDocument/completion", map[string]any{"textDocument": map[string]any{"uri": c.uri("compose.yaml")}}); string(a.Result) != "null" {
		t.Errorf("a file of another kind: %s", a.Result)
	}
	if len(c.told["compose.yaml"]) > 0 {
		t.Errorf("told of another file: %v", c.told)
	}
	b, err := os.ReadFile(filepath.Join(dir, "shop", "shop.yaml"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "site.yaml"), bytes.ReplaceAll(b, []byte("products: "), []byte("products: shop/")), 0o644))
	c.dir = filepath.Join(dir, "policies")
	c.changes("p.yaml", strings.Replace(goodPolicy, "title: t", "title: t\nneeds: [rfid@fitting]", 1))
	c.until("p.yaml", `0:0-0:6 2 p runs in shadow: it needs rfid@fitting, which the site has not`)
	c.ends()
}

// TestLSPEnds: however the editor goes away, the program ends and says how it was.
func TestLSPEnds(t *testing.T) {
	f := func(input string, code int, want string) {
		t.Helper()
		var errw bytes.Buffer
		err := newEditor("", io.Discard, &errw).serve(t.Context(), strings.NewReader(input))
		got := 0
		if err != nil {
			got = exitUsage
			if e, ok := err.(*exitError); ok {
				got = e.Code
			}
		} else {
			err = fmt.Errorf("nothing")
		}
		if got != code || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %d, %v; want %d, %s", input, got, err, code, want)
		}
	}
	message := func(s string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(s), s) }
	begin := message(`{"id":1,"method":"initialize","params":{}}`)
	f(begin+message(`{"id":2,"method":"shutdown"}`)+message(`{"method":"exit"}`), 0, "nothing")
	f(begin+message(`{"method":"exit"}`), 1, "without shutdown")
	f(begin, 1, "went away")
	f("Content-Length: 9\r\n\r\n{", 2, "unexpected EOF")
	f("nonsense\r\n\r\n", 2, `the header line "nonsense"`)
	f("Content-Length: -1\r\n\r\n", 2, "Content-Length")
	f("\r\n", 2, "without Content-Length")
	f("X: "+strings.Repeat("a", 5000)+"\r\n\r\n", 2, "a header of more than")
}

// TestLSPPositions: bytes, UTF-16 and what check counts, there and back.
func TestLSPPositions(t *testing.T) {
	f := func(text string, at int, want lspPosition) {
		t.Helper()
		if got := positionOf(text, at); got != want {
			t.Errorf("%q at %d: %v, want %v", text, at, got, want)
		}
		if got := offsetOf(text, want); got != at {
			t.Errorf("%q at %v: %d, want %d", text, want, got, at)
		}
	}
	f("a", 0, lspPosition{0, 0})
	f("é🧴x", 2, lspPosition{0, 1})
	f("é🧴x", 6, lspPosition{0, 3})
	f("a\r\nb\nc\rd", 3, lspPosition{1, 0})
	f("a\r\nb\nc\rd", 7, lspPosition{3, 0})
	f("a\u2028b", 4, lspPosition{0, 2})
	f("a\nb", 3, lspPosition{1, 1})
	for _, p := range []struct {
		pos  lspPosition
		want int
	}{{lspPosition{0, 99}, 1}, {lspPosition{9, 0}, 3}} {
		if got := offsetOf("a\nb", p.pos); got != p.want {
			t.Errorf("%v: %d", p.pos, got)
		}
	}
	if got := placeOf("a\u2028🧴b", 2, 2); got != 8 {
		t.Errorf("YAML's own end of a line: %d", got)
	}
}

// FuzzLSPFraming: whatever comes, a session ends without a fault, and what it writes are whole messages.
func FuzzLSPFraming(f *testing.F) {
	f.Add([]byte("Content-Length: 42\r\n\r\n{\"id\":1,\"method\":\"initialize\",\"params\":{}}"))
	f.Add([]byte("content-length:2\nX: y\n\n{}Content-Length: 4\r\n\r\nnull"))
	f.Add([]byte("Content-Length: 99999999999999999999\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out, errw bytes.Buffer
		if newEditor("", &out, &errw).serve(t.Context(), bytes.NewReader(in)); strings.Contains(errw.String(), "panic") {
			t.Fatal(errw.String())
		}
		for r := bufio.NewReader(&out); ; {
			body, err := readLSP(r)
			if err == io.EOF {
				return
			}
			if err != nil || !json.Valid(body) {
				t.Fatalf("%q is answered with %q, %v", in, out.String(), err)
			}
		}
	})
}
