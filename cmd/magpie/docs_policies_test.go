package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/testscript"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/rules"
	"magpie/sim"
	"magpie/site"
)

const policiesPage = "../../docs/policies.md"

// TestPoliciesPage does what docs/policies.md says, from top to bottom: it writes the files where the page shows them, types the
// commands, and holds what they print to what the page shows, hashes aside. Blocks titled backtest wait for the command.
func TestPoliciesPage(t *testing.T) {
	text, err := os.ReadFile(policiesPage)
	must(t, err)
	script, files := "", ""
	has := func(name string) bool {
		return slices.ContainsFunc(commands(), func(c command) bool { return c.name == name })
	}
	commanded, laid := 0, 0
	for i, b := range blocks(policiesPage, string(text)) {
		name := fmt.Sprintf("block-%d", i)
		switch {
		case b.language == "console" && b.title != "" && !has(b.title):
			t.Logf("%s: magpie %s is not there yet: its block is not tried", policiesPage, b.title)
		case b.language == "console":
			for k, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
				commanded++
				command, output, _ := strings.Cut(part, "\n")
				if output != "" && !strings.HasSuffix(output, "\n") {
					output += "\n"
				}
				out := fmt.Sprintf("%s-%d", name, k)
				files += "-- " + out + " --\n" + output
				script += strings.Join([]string{"as-shown 0", out, command}, " ") + "\n"
			}
		case strings.Contains(b.title, "."):
			laid++
			files += "-- " + name + " --\n" + b.text
			script += fmt.Sprintf("mkdir %s\ncp %s %s\n", filepath.Dir(b.title), name, b.title)
		}
	}
	if commanded < 9 || laid < 14 {
		t.Fatalf("%s has %d commands and %d files", policiesPage, commanded, laid)
	}
	path := filepath.Join(t.TempDir(), "page.txtar")
	must(t, os.WriteFile(path, []byte(script+files), 0o644))
	hash := regexp.MustCompile(`sha256:[0-9a-f]+…?`)
	testscript.Run(t, testscript.Params{Files: []string{path}, RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"as-shown": func(ts *testscript.TestScript, _ bool, args []string) {
				shown(ts, args, func(s string) string { return hash.ReplaceAllString(s, "sha256:…") })
			},
		}})
}

var referenceOfPage = regexp.MustCompile(`(?s)(<!-- reference: [^\n]*-->\n).*?(<!-- end -->\n)`)

// TestPoliciesReference: the reference of docs/policies.md is what the language says of itself. With -update it is written anew.
func TestPoliciesReference(t *testing.T) {
	text, err := os.ReadFile(policiesPage)
	must(t, err)
	if !referenceOfPage.Match(text) {
		t.Fatalf("%s has no place for the reference", policiesPage)
	}
	want := referenceOfPage.ReplaceAllFunc(text, func(b []byte) []byte {
		m := referenceOfPage.FindSubmatch(b)
		return slices.Concat(m[1], []byte(policiesReference()), m[2])
	})
	if *update {
		must(t, os.WriteFile(policiesPage, want, 0o644))
		return
	}
	if string(want) != string(text) {
		t.Errorf("%s is stale; run go test ./cmd/magpie -run PoliciesReference -update\n%s", policiesPage, firstDifference(want, text))
	}
}

// policiesReference is the reference as the page shows it.
func policiesReference() string {
	var b strings.Builder
	b.WriteString(`
### Members of a policy file

`)
	membersTable(&b, "", rules.PolicyMembers)
	b.WriteString(`### Members of common.yaml

`)
	membersTable(&b, "", rules.CommonMembers)
	b.WriteString(`### Members of a test file

`)
	membersTable(&b, "", rules.TestMembers)
	b.WriteString(`### What happens in a test

A line is ` + "`TIME[..TIME] VERB REST [+late]`" + `: a time or a span since the start, as ` + "`17.5s` or `1m30s`" + `; ` + "`+2s`" + ` at the end lets the message arrive so much later.
` + "`#`" + ` begins a comment. Sources say that they are alive, unless they are off.

| verb | what happens | example |
|---|---|---|
`)
	for _, v := range sim.Verbs() {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", escaped(v.Usage), escaped(v.Doc), escaped(v.Example))
	}
	b.WriteString(`
### The language of expressions

An expression stands in single quotes. It is made of numbers, ` + "`\"texts\"`" + ` as arguments, params, macros, the functions below, comparison
(` + "`< <= > >= == !=`" + `), arithmetic (` + "`+ - * /`" + `, where x/0 is 0), ` + "`condition ? value : other`" + ` and the words

| word | means |
|---|---|
`)
	wordsTable(&b, rules.OperatorWords)
	b.WriteString(`
Numbers of different units (money, seconds, counts and probabilities) neither add nor compare; a plain number fits all. Arguments are written out, none
is computed. At most 500 nodes and 32 operands make an expression. What an argument may be:

| argument | is |
|---|---|
| place | a kind of zone: any zone of that kind; or ` + "`\"id:door\"`" + `, one zone of one store |
| goods | a list of common.yaml, ` + "`\"any\"`" + `, or a SKU in quotes |
| window | a duration from ` + "`\"1ms\"` to `\"24h\"`" + `: the newest so long, as ` + "`\"30s\"` or `\"10m\"`" + ` |
| event | a call of an event function, which then stands for its events |
| modality, tier, … | one of the words below |

| modality | is |
|---|---|
`)
	wordsTable(&b, rules.ModalityWords)
	b.WriteString("\n| zone kind | is |\n|---|---|\n")
	wordsTable(&b, rules.ZoneWords)
	b.WriteString("\n| word of a message | is replaced by |\n|---|---|\n")
	wordsTable(&b, rules.MessageWords)
	b.WriteString(`
### Functions

A probability is 0–1. Functions of a visit need ` + "`judge: visit`" + `; tills, cashiers, zones and the store have events, functions of events, coverage and time.
`)
	about := ""
	for _, f := range rules.Functions() {
		if f.About != about {
			about = f.About
			fmt.Fprintf(&b, "\n#### %s\n\n| function | gives | meaning | judges | example |\n|---|---|---|---|---|\n", about)
		}
		judge := f.Judge
		if judge == "" {
			judge = "any"
		}
		doc := f.Doc
		if f.Event {
			doc = "*Event.* " + doc
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | `%s` |\n", escaped(f.Usage), f.Result, escaped(doc), judge, escaped(f.Example))
	}
	b.WriteByte('\n')
	return b.String()
}

// membersTable tells of members, and below them of what is in them.
func membersTable(b *strings.Builder, of string, members []rules.Member) {
	if of != "" {
		fmt.Fprintf(b, "#### %s\n\n", of)
	}
	b.WriteString("| member | holds | meaning | example |\n|---|---|---|---|\n")
	for _, m := range members {
		name := "`" + m.Name + "`"
		if m.Need {
			name = "**" + name + "**"
		}
		doc := m.Doc
		if m.Default != "" {
			doc += " Left out: " + m.Default + "."
		}
		if len(m.Instead) > 0 {
			doc += " Not beside `" + strings.Join(m.Instead, "`, `") + "`."
		}
		fmt.Fprintf(b, "| %s | %s | %s | `%s` |\n", name, holds(&m), escaped(doc), escaped(m.Example))
	}
	b.WriteByte('\n')
	for _, m := range members {
		if len(m.Words) > 0 {
			fmt.Fprintf(b, "| `%s` | means |\n|---|---|\n", m.Name)
			wordsTable(b, m.Words)
			b.WriteByte('\n')
		}
	}
	for _, m := range members {
		switch {
		case m.Form == rules.Mapping:
			membersTable(b, "In `"+m.Name+"`", m.Of)
		case (m.Form == rules.List || m.Form == rules.Free) && m.Of[0].Form == rules.Mapping:
			membersTable(b, "In each of `"+m.Name+"`", m.Of[0].Of)
		}
	}
}

func holds(m *rules.Member) string {
	switch m.Form {
	case rules.Number:
		return fmt.Sprintf("number, %g to %g", m.Least, m.Most)
	case rules.List, rules.Free:
		if m.Of[0].Form == rules.Mapping {
			return m.Form.String()
		}
		return m.Form.String() + ", each " + m.Of[0].Form.String()
	}
	return m.Form.String()
}

func wordsTable(b *strings.Builder, words []rules.Word) {
	for _, w := range words {
		fmt.Fprintf(b, "| `%s` | %s |\n", w.Name, escaped(w.Doc))
	}
}

// escaped is a text in a cell of a table.
func escaped(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// TestFunctionExamples: the example of every function is a condition that the language's own tests make true at one time and
// false at another.
func TestFunctionExamples(t *testing.T) {
	const dir = "../../rules/testdata/language"
	files := fstest.MapFS{"common.yaml": {Data: []byte("lists: {razors: {category: razor-blades}, high-value: {min_price: 20}}\n")}}
	add := func(id, judge, score string) {
		files[id+".yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil, "policy: %s\ntitle: t\njudge: %s\nscore: '%s'\nalert: {tiers: {log: 0.3, review: 0.5}}\n", id, judge, score)}
	}
	add("unpaid-exit", "visit", "min(picked(\"high-value\"), 1)")
	seen := map[string]map[bool]bool{}
	for _, f := range rules.Functions() {
		judge := "visit"
		switch {
		case f.Name == "zscore":
			judge = "zone"
		case f.Judge != "":
			judge = f.Judge
		}
		id, often := "x-"+strings.ReplaceAll(f.Name, "_", "-"), `picked("any") + signal("loiter") >= 0` // so that it is judged often
		if judge == "visit" {
			often += ` and (entered("entrance") or entered("aisle") or exited("exit"))`
		}
		add(id, judge, "("+f.Example+") ? 0.2 : ("+often+" ? 0.1 : 0.05)")
		seen[id] = map[bool]bool{}
	}
	s, err := site.Load(dir + "/testdata/shop.yaml")
	must(t, err)
	set, err := rules.Load(files, ruleOptions(s))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"visit_test.yaml", "ledger_test.yaml"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		f, err := rules.ParseTest(name, text)
		must(t, err)
		for i := range f.Tests {
			script, err := sim.Parse(f.Tests[i].Events)
			must(t, err)
			start, err := sim.Start(f.Tests[i].Start, s.Store.Location)
			must(t, err)
			lines, err := script.Lines(s, sim.Options{Start: start})
			must(t, err)
			p, err := newPipeline(s, set, func(*alerts.Alert) {}, pipelineHooks{})
			must(t, err)
			p.desk.Watch = func(_ *rules.Set, m *rules.Memory, _ fusion.View) {
				for _, r := range m.AppendResults(nil) {
					if of := seen[r.Policy.ID]; of != nil {
						of[r.Score > 0.15] = true
					}
				}
			}
			for _, l := range lines {
				line, err := journal.Parse(l.AppendJSON(nil))
				must(t, err)
				p.line(&line)
			}
			p.finish(lines[len(lines)-1].Received)
		}
	}
	for id, of := range seen {
		if !of[true] || !of[false] {
			t.Errorf("%s was true: %t, false: %t", id, of[true], of[false])
		}
	}
	for _, v := range sim.Verbs() {
		if _, err := sim.Parse(v.Example); err != nil || !strings.Contains(v.Example, " "+v.Name+" ") {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}
