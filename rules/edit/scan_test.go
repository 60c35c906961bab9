package edit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// outlineOf writes an outline as yaml.v3's tree is written below.
func outlineOf(o *outline) string {
	var b strings.Builder
	for i := range o.nodes {
		n := &o.nodes[i]
		if n.end > n.at && n.quote != '|' && n.quote != '>' && !strings.Contains(o.scalar(i), "\n") {
			fmt.Fprintf(&b, "%s = %s\n", strings.Join(o.path(i), "/"), o.scalar(i))
		}
	}
	return b.String()
}

func treeOf(n *yaml.Node, path string, b *strings.Builder) {
	switch n.Kind {
	case yaml.DocumentNode:
		treeOf(n.Content[0], path, b)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			treeOf(n.Content[i+1], path+"/"+n.Content[i].Value, b)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			treeOf(c, path+"/", b)
		}
	case yaml.ScalarNode:
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && n.Value != "" {
			fmt.Fprintf(b, "%s = %s\n", strings.TrimPrefix(path, "/"), n.Value)
		}
	}
}

// TestScanIsYAML: of every shipped file the scanner understands what the parser of YAML does.
func TestScanIsYAML(t *testing.T) {
	n := 0
	for _, pattern := range []string{"../../policies/*.yaml", "../testdata/*/*.yaml", "../../policies/testdata/*.yaml", "../../examples/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var doc yaml.Node
			if err := yaml.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			var want strings.Builder
			treeOf(&doc, "", &want)
			n++
			got := outlineOf(scan(string(text)))
			if strings.Contains(want.String(), "rationale") { // folded over lines
				continue
			}
			if got != want.String() {
				t.Errorf("%s: got\n%s\nwant\n%s", f, got, want.String())
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d files were read", n)
	}
}

// TestPlace: where a text ends, broken as it is.
func TestPlace(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		o := scan(text)
		got := "key in " + strings.Join(o.path(o.here.parent), "/")
		if o.here.value >= 0 {
			got = "value of " + strings.Join(o.path(o.here.value), "/")
		}
		got += ": " + text[o.here.from:]
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f("", "key in : ")
	f("pol", "key in : pol")
	f("policy: ", "value of policy: ")
	f("policy: p\nju", "key in : ju")
	f("mode: sha", "value of mode: sha")
	f("alert:\n  ti", "key in alert: ti")
	f("alert:\n  tiers: {log: 0.1, re", "key in alert/tiers: re")
	f("alert:\n  tiers: {log: 0.1}\n  ", "key in alert: ")
	f("alert:\n  tiers: {log: 0.1}\n", "key in : ")
	f("evidence:\n  - {name: a, if: 'pick", "value of evidence//if: pick")
	f("evidence:\n  - {name: a, if: 'picked(\"any\")', we", "key in evidence/: we")
	f("evidence:\n  - name: a\n    wei", "key in evidence/: wei")
	f("evidence:\n- name: a\n  wei", "key in evidence/: wei")
	f("evidence:\n  - ", "value of evidence/: ")
	f("evidence:\n  - na", "value of evidence/: na")
	f("evidence:\n  - {name: a, if: 'picked(\n  - {name: b, weight: st", "value of evidence//weight: st")
	f("evidence: [{name: a,\n           if: '1', gr", "key in evidence/: gr")
	f("when: 'a(\nrequire: 'co", "value of require: co")
	f("when: >-\n  near(\"ex", "value of when:   near(\"ex")
	f("when: >-\n  near(\"exit\")\nalert: {", "key in alert: ")
	f("needs: [we", "value of needs/: we")
	f("needs: [weight@aisle, tr", "value of needs/: tr")
	f("needs: [weight@aisle], tr", "key in : , tr")
	f("tests:\n  - name: x\n    expect:\n      - {at: end, al", "key in tests//expect/: al")
	f("tests:\n  - name: x\n    events: |\n      0s wa", "value of tests//events:       0s wa")
}

// FuzzScan: no text makes it fail or go on for ever, and every place is in the text.
func FuzzScan(f *testing.F) {
	for _, s := range []string{"a: {b: [c, 'd", "- - a: 1\n b", "a: |\n x\nb", "{\"a\": b}", "a:\n- {b: c\nd: [", "x: \"\\", "[}]{:", "a: {b:c, d: e}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := scan(text)
		if o.here.from < 0 || o.here.from > len(text) || o.here.parent >= len(o.nodes) || o.here.value >= len(o.nodes) {
			t.Fatalf("%q: %+v", text, o.here)
		}
		for i, n := range o.nodes {
			if n.parent >= i || n.at < 0 || n.end < n.at || n.end > len(text) || n.from > n.to || n.to > len(text) {
				t.Fatalf("%q: %+v", text, n)
			}
			_ = o.scalar(i)
		}
	})
}
