package rules

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"magpie/fusion"
)

var update = flag.Bool("update", false, "write docs/policy.schema.json anew")

// TestReferenceIsWhole: what is told of the language is of what there is, all of it.
func TestReferenceIsWhole(t *testing.T) {
	var told []string
	for _, f := range Functions() {
		told = append(told, f.Name)
		if !strings.Contains(f.Example, f.Name+"(") || f.Doc == "" || f.Result == "" || f.About == "" {
			t.Errorf("%s: the example is %q, the doc %q", f.Name, f.Example, f.Doc)
		}
	}
	slices.Sort(told)
	if !slices.Equal(told, functionNames) {
		t.Errorf("told of are\n%v\nthere are\n%v", told, functionNames)
	}
	same := func(words []Word, want []string) {
		t.Helper()
		if got := names(words); !slices.Equal(got, want) {
			t.Errorf("told of are %v, there are %v", got, want)
		}
	}
	same(ModalityWords, fusion.Modalities[:])
	same(ZoneWords, fusion.ZoneKinds[:])
	same(JudgeWords, fusion.SubjectKinds[:])
	same(TierWords, Tiers[:])
	same(ModeWords, []string{string(Live), string(Shadow), string(Off)})
	for _, w := range StrengthWords {
		if w.Doc != fmt.Sprintf("likelihood ratio %g", strengths[w.Name]) || len(StrengthWords) != len(strengths) {
			t.Errorf("%s is a %s", w.Name, w.Doc)
		}
	}
	same(clearsWords, strengthNames)
	if !slices.Equal(keys(tierMembers), Tiers[:]) || !slices.Equal(keys(toMembers), Tiers[:]) {
		t.Errorf("the members of tiers are %v, those of to %v", keys(tierMembers), keys(toMembers))
	}
}

// The least that each kind of file holds.
const (
	leastPolicy = "policy: p\ntitle: t\nprior: 0.01\nevidence: [{name: n, if: '1', weight: weak, group: basket}]\nalert: {tiers: {log: 0.05, review: 0.2, staff: 0.5, gate: 0.8}}\n"
	leastCommon = "lists: {l: {min_price: 1}}\nmacros: {m: '1'}\n"
	leastTest   = "site: s.yaml\ntests: [{name: n, events: '0s..4s walk A 1,1 > 2,4', expect: [{at: end}]}]\n"
)

// TestMembersExamples: the example of every member is taken where the member stands, and no member has none.
func TestMembersExamples(t *testing.T) {
	n := 0
	try := func(least string, of []Member, taken func(text string) error) {
		var walk func(of []Member, at func(root *yaml.Node) *yaml.Node)
		walk = func(of []Member, at func(root *yaml.Node) *yaml.Node) {
			for _, m := range of {
				if m.Doc == "" || m.Example == "" && m.Name != "" {
					t.Errorf("%s has no doc or no example", m.Name)
					continue
				}
				n++
				var doc, example yaml.Node
				if err := yaml.Unmarshal([]byte(least), &doc); err != nil {
					t.Fatal(err)
				}
				if err := yaml.Unmarshal([]byte(m.Example), &example); err != nil {
					t.Errorf("%s: %v", m.Name, err)
					continue
				}
				set(at(doc.Content[0]), m, example.Content[0])
				b, err := yaml.Marshal(&doc)
				if err != nil {
					t.Fatal(err)
				}
				if err := taken(string(b)); err != nil {
					t.Errorf("the example of %s, %s, is refused: %v in\n%s", m.Name, m.Example, err, b)
				}
				if err := valid(t, string(b)); err != nil {
					t.Errorf("the example of %s is not valid by the schema: %v in\n%s", m.Name, err, b)
				}
				inside := func(root *yaml.Node) *yaml.Node { return child(at(root), m) }
				switch {
				case m.Form == Mapping:
					walk(m.Of, inside)
				case (m.Form == List || m.Form == Free) && m.Of[0].Form == Mapping:
					walk(m.Of[0].Of, func(root *yaml.Node) *yaml.Node {
						c := inside(root)
						return c.Content[len(c.Content)-1]
					})
				}
			}
		}
		walk(of, func(root *yaml.Node) *yaml.Node { return root })
	}
	try(leastPolicy, PolicyMembers, func(text string) error {
		_, err := tryLoad(Options{}, "p.yaml", text)
		return err
	})
	try(leastCommon, CommonMembers, func(text string) error {
		_, err := tryLoad(Options{}, "common.yaml", text, "p.yaml", leastPolicy)
		return err
	})
	try(leastTest, TestMembers, func(text string) error {
		_, err := ParseTest("p_test.yaml", []byte(text))
		return err
	})
	if n < 50 {
		t.Errorf("only %d members were tried", n)
	}
}

// set gives a mapping a member, and takes away what it excludes.
func set(n *yaml.Node, m Member, v *yaml.Node) {
	var content []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i].Value; k != m.Name && !slices.Contains(m.Instead, k) {
			content = append(content, n.Content[i], n.Content[i+1])
		}
	}
	n.Content = append(content, &yaml.Node{Kind: yaml.ScalarNode, Value: m.Name}, v)
}

// child is what a member of the least file holds; an empty mapping is put there where it holds nothing.
func child(n *yaml.Node, m Member) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == m.Name {
			return n.Content[i+1]
		}
	}
	var v yaml.Node
	if err := yaml.Unmarshal([]byte(m.Example), &v); err != nil {
		panic(err)
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: m.Name}, v.Content[0])
	return v.Content[0]
}

var compiledSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("policy.schema.json")
})

// valid holds a text of YAML to the schema, as an editor does: dates are texts.
func valid(t testing.TB, text string) error {
	t.Helper()
	s, err := compiledSchema()
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil || len(root.Content) == 0 {
		return fmt.Errorf("no YAML: %w", err)
	}
	return s.Validate(asJSON(t, root.Content[0]))
}

func asJSON(t testing.TB, n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = asJSON(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		all := []any{}
		for _, c := range n.Content {
			all = append(all, asJSON(t, c))
		}
		return all
	case yaml.AliasNode:
		return asJSON(t, n.Alias)
	}
	if n.ShortTag() == "!!timestamp" {
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchema: the schema on disk is the one that the tables give; every shipped file is valid by it, and what is broken is not.
func TestSchema(t *testing.T) {
	const path = "../docs/policy.schema.json"
	if *update {
		if err := os.WriteFile(path, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if on, err := os.ReadFile(path); err != nil || !bytes.Equal(on, Schema()) {
		t.Errorf("%s is not what the tables say (%v); run go test ./rules -run TestSchema -update", path, err)
	}
	n := 0
	for _, dir := range []string{"../policies", "testdata/language", "testdata/scoring", "testdata/contract"} {
		files, err := filepath.Glob(dir + "/*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if n++; valid(t, string(text)) != nil {
				t.Errorf("%s: %v", f, valid(t, string(text)))
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d files were held to the schema", n)
	}
	for name, text := range maps.Collect(broken) {
		if err := valid(t, text); err == nil {
			t.Errorf("%s: valid:\n%s", name, text)
		}
		var err error
		switch {
		case strings.Contains(text, "tests:"):
			_, err = ParseTest("p_test.yaml", []byte(text))
		case strings.Contains(text, "lists:"):
			_, err = tryLoad(Options{}, "common.yaml", text)
		default:
			_, err = tryLoad(Options{}, "p.yaml", text)
		}
		if err == nil {
			t.Errorf("%s: refused by the schema, and loaded:\n%s", name, text)
		}
	}
}

// broken yields files each of which is wrong in one way that a schema can see.
func broken(yield func(name, text string) bool) {
	for least, changes := range map[string][][2]string{
		leastPolicy: {{"policy: p\n", ""}, {"title: t\n", ""}, {"policy: p", "policy: 12"}, {"policy: p", "policy: 'a b'"}, {"prior: 0.01", "prior: 2"}, {"prior: 0.01", "prior: 0"},
			{"prior: 0.01\n", ""}, {"prior: 0.01", "prior: often"}, {"title: t", "titel: t"}, {"title: t", "title: t\njudge: person"}, {"title: t", "title: t\nmode: on"},
			{"title: t", "title: t\nneeds: [track@exits]"}, {"title: t", "title: t\nneeds: track"}, {"weight: weak", "weight: mighty"}, {"weight: weak, ", ""},
			{"weight: weak", "weight: weak, lr: 3"}, {"name: n, ", ""}, {"if: '1'", "iff: '1'"}, {"if: '1'", "if: [1]"}, {"group: basket", "half_life: soon"},
			{"{tiers: {", "{tierz: {"}, {"log: 0.05", "low: 0.05"}, {"log: 0.05", "log: cost"}, {"gate: 0.8", "gate: 1.5"}, {"alert: {", "alert: {action: arrest, "},
			{"alert: {", "alert: {to: {floor: [a]}, "}, {"alert: {", "alert: {to: {log: a}, "}, {"alert: {", "alert: {cooldown: 2, "}, {"title: t", "title: t\nscore: '1'"},
			{"title: t", "title: t\nparams: {a: [1]}"}, {"title: t", "title: t\ngroups: {basket: 3}"}, {"alert: {tiers", "alert: [tiers"}},
		leastCommon: {{"min_price: 1", "min_prize: 1"}, {"min_price: 1", "min_price: dear"}, {"min_price: 1", "skus: [71142008582]"}, {"min_price: 1", "tagged: 'true'"},
			{"{m: '1'}", "[m]"}, {"macros", "makros"}},
		leastTest: {{"site: s.yaml\n", ""}, {"name: n, ", ""}, {"at: end", "at: soon"}, {"at: end", "alert: true"}, {"at: end", "at: end, alert: yes"}, {"at: end", "at: end, score: 0.6"},
			{"at: end", "at: end, tier: high"}, {"at: end", "at: end, items: [71142008582]"}, {"at: end", "at: end, state: closed"}, {"[{at: end}]", "[]"}, {"name: n", "name: n, start: today"}},
	} {
		for _, c := range changes {
			if text := strings.Replace(least, c[0], c[1], 1); !yield(c[0]+" → "+c[1], text) {
				return
			}
		}
	}
}
