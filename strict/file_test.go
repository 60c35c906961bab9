package strict

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// settings is what the readers make of a file of every kind of member.
type settings struct {
	Name   string
	Names  []string
	Word   string
	Number float64
	Keep   time.Duration
	Free   map[string]string
}

func read(text string) (settings, error) {
	f := NewFile("a.yaml", []byte(text))
	root := f.Root("name")
	if root == nil {
		return settings{}, f.Errors.Err()
	}
	o := f.Mapping(root, "the file", "name", "names", "word", "number", "keep", "free")
	s := settings{Name: f.Text(o.Need("name", "write name: x"), "name"), Names: f.Texts(o.Get("names"), "names"),
		Word: f.Word(o.Get("word"), "word", "red", "green"), Keep: f.Duration(o.Get("keep"), "keep", time.Second, 24*365*time.Hour)}
	s.Number, _ = f.Number(o.Get("number"), "number", 0, 10)
	free := f.Mapping(o.Get("free"), "free")
	for _, k := range free.Keys {
		if s.Free == nil {
			s.Free = map[string]string{}
		}
		s.Free[k.Value] = f.Text(free.Get(k.Value), k.Value)
	}
	return s, f.Errors.Err()
}

func TestReads(t *testing.T) {
	got, err := read("\xef\xbb\xbfname: &n a\nnames: [*n, b]\nword: green\nnumber: 2.5\nkeep: 2w\nfree: {x: y}\n")
	want := settings{Name: "a", Names: []string{"a", "b"}, Word: "green", Number: 2.5, Keep: 14 * 24 * time.Hour, Free: map[string]string{"x": "y"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if got, err := read("name: a\nkeep: 90s\nfree:\n"); err != nil || got.Keep != 90*time.Second {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestSyntaxErrorsPointAtTheLine: what is not YAML is said where it is, wherever in the file that is.
func TestSyntaxErrorsPointAtTheLine(t *testing.T) {
	f := func(line int, want, text string) {
		t.Helper()
		for _, before := range []string{"", "# what this is\n\n", "number: 1\n", "free:\n  x: y\n"} {
			_, err := read(before + text)
			want := fmt.Sprintf("a.yaml:%d:1: not YAML: %s", line+strings.Count(before, "\n"), strings.ReplaceAll(want, "LAST", fmt.Sprint(line+1+strings.Count(before, "\n"))))
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%q:\n%v\nwant %s", before+text, err, want)
			}
		}
	}
	f(2, "could not find expected ':'; write key: value", "name: a\nword green\nkeep: 1s\n")
	f(2, "a tab stands here; indent with spaces", "name: a\n\tword: green\n")
	f(3, "a tab stands here; indent with spaces", "name: a\nnames:\n\t- b\n")
	f(4, "a tab stands here; indent with spaces", "name: a\nnames:\n  - b\n\t- c\n")
	f(2, "did not find expected ',' or ']' before line LAST: close what opens here", "name: a\nnames: [a, b\nword: green\n")
	f(2, "did not find expected ',' or ']' before line LAST: close what opens here", "name: a\nnames: [a, b\n")
	f(1, "did not find expected ',' or '}' before line LAST: close what opens here", "free: {x: y\nword: green\nkeep: 1s\n")
	f(2, "did not find expected ',' or '}'", "name: a\nfree: {x: 'y' z', u: v}\nword: green\n")
	f(2, "found unexpected end of stream: close the quote that opens here", "name: a\nword: 'green\nkeep: 1s\n")
	f(1, "found unexpected end of stream: close the quote that opens here", "name: \"a\nword: green\nkeep: 1s\n")
	f(2, "did not find expected key; see whether", "name: a\nword: 'it's'\nkeep: 1s\n")
	f(3, "did not find expected key; see whether", "name: a\nword: green\n- b\nkeep: 1s\n")
	f(4, "did not find expected '-' indicator; see whether", "names:\n  - a\n  - b\n  word: green\n")
	f(2, "mapping values are not allowed in this context", "name: a\nword: green: red\n")
	f(2, "found character that cannot start any token", "name: a\nword: @green\n")
	f(3, "unknown anchor 'b' referenced; put text that begins with * in quotes", "name: a\nkeep: 1s\nword: *b\n")
	f(2, "control characters are not allowed; this line holds one", "name: a\nword: \x01\n")
}

// TestErrors holds the words for what may be wrong with any file.
func TestErrors(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, err := read(text)
		if err == nil {
			t.Errorf("%q is taken", text)
			return
		}
		if got := err.Error(); got != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	}
	for _, empty := range []string{"", "# nothing\n", "~", "---\n"} {
		_, err := read(empty)
		if err == nil || !strings.HasPrefix(err.Error(), "a.yaml:1:1: the file is empty; it needs at least name") {
			t.Errorf("%q: %v", empty, err)
		}
	}
	f("name: a\n  b: c\n", `a.yaml:2:1: not YAML: mapping values are not allowed in this context`, `  |   b: c`, `  | ^`)
	f("name: a\nword: \xff\n", `a.yaml:2:1: this line is not UTF-8; save the file as UTF-8`, "  | word: \ufffd", `  | ^`)
	f("name: a\n---\nname: b\n", `a.yaml:2:1: a second document begins here; write each in a file of its own`, `  | ---`, `  | ^`)
	f("name: a\rword: blue\u2028keep: 1s\r\n", `a.yaml:2:7: word: unknown word "blue"; possible are red, green`, `  | word: blue`, `  |       ^`)
	f("[a]\n", `a.yaml:1:1: the file wants a mapping (key: value), not a list`, `  | [a]`, `  | ^`)
	f("name:\nname: b\n? [x]\n: y\nnaem: c\n",
		`a.yaml:1:6: the file: name is missing; write name: x`, `  | name:`, `  |      ^`,
		`a.yaml:2:1: the file: "name" is given twice; keep one`, `  | name: b`, `  | ^`,
		`a.yaml:3:3: the file: a key must be a word, not a list`, `  | ? [x]`, `  |   ^`,
		`a.yaml:5:1: the file: unknown key "naem"; did you mean name?`, `  | naem: c`, `  | ^`)
	f("name: 2026-01-05\nnames: [~, ' ', [b]]\nword: blue\nnumber: 11\nkeep: 3y\nfree: 1\n",
		`a.yaml:1:7: name wants text; put 2026-01-05 in quotes: "2026-01-05"`, `  | name: 2026-01-05`, `  |       ^`,
		`a.yaml:2:9: names: this member of the list is empty; fill it or remove it`, `  | names: [~, ' ', [b]]`, `  |         ^`,
		`a.yaml:2:12: names is empty; give it a value or leave it out`, `  | names: [~, ' ', [b]]`, `  |            ^`,
		`a.yaml:2:17: names wants text, not a list`, `  | names: [~, ' ', [b]]`, `  |                 ^`,
		`a.yaml:3:7: word: unknown word "blue"; possible are red, green`, `  | word: blue`, `  |       ^`,
		`a.yaml:4:9: number must be between 0 and 10, it is 11`, `  | number: 11`, `  |         ^`,
		`a.yaml:5:7: keep must be between 1s and 8760h0m0s, it is 3y`, `  | keep: 3y`, `  |       ^`,
		`a.yaml:6:7: free wants a mapping (key: value), not the value 1`, `  | free: 1`, `  |       ^`)
	f("name: a\nnames: b\nnumber: x\nkeep: 99999y\n",
		`a.yaml:2:8: names wants a list [ … ], not the text "b"`, `  | names: b`, `  |        ^`,
		`a.yaml:3:9: number wants a number, not the text "x"`, `  | number: x`, `  |         ^`,
		`a.yaml:4:7: keep wants a duration such as 500ms, 2s, 72h, 7d or 1y, not the text "99999y"`, `  | keep: 99999y`, `  |       ^`)
}

func TestWarningsHaveAPlace(t *testing.T) {
	f := NewFile("a.yaml", nil)
	f.Warn(3, 4, "no %s", "zone")
	if diff := cmp.Diff([]string{"a.yaml:3:4: no zone"}, f.Warnings); diff != "" {
		t.Error(diff)
	}
}

// FuzzRead holds that no text panics, that every error has a place in it, and that a name taken is one that YAML reads too.
func FuzzRead(f *testing.F) {
	f.Add("name: &n a\nnames: [*n, b]\nword: green\nnumber: 2.5\nkeep: 2w\nfree: {x: y}\n")
	f.Add("\r\r0")
	f.Add("name: &a [*a]\n---\n\tx")
	f.Add("? {a: b}\n: *x\nname: ~\nkeep: 99999y\nnumber: .nan\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := read(text)
		if err == nil {
			var plain struct{ Name string }
			if e := yaml.Unmarshal([]byte(text), &plain); e != nil || s.Name == "" || plain.Name != s.Name {
				t.Fatalf("read the name %q, YAML reads %q (%v)", s.Name, plain.Name, e)
			}
			return
		}
		all, ok := err.(Errors)
		if !ok {
			t.Fatalf("%T: %v", err, err)
		}
		for _, e := range all {
			if e.Line < 1 || e.Line > len(yamlBreaks.Split(text, -1))+1 || e.Col < 1 || e.Text == "" || e.Error() == "" {
				t.Fatalf("no place: %+v", e)
			}
		}
	})
}
