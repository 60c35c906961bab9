package policies

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"magpie/rules"
	"magpie/site"
)

// load reads the catalogue on the shop of its tests, in which nothing that a policy needs is lacking.
func load(t *testing.T) *rules.Set {
	t.Helper()
	s, err := site.Load("testdata/store.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(os.DirFS("."), rules.Options{Store: s.Store})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestReadme holds the table of README.md to the files, cell by cell, and to the seventeen types.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| (\\d*) ?\\| `([a-z-]+)` \\| (.*) \\|$")
	said, numbers := map[string]string{}, map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(readme), -1) {
		said[m[2]] = m[3]
		numbers[m[1]] = true
	}
	set := load(t)
	for _, p := range set.Policies {
		var needs []string
		for _, n := range p.Needs {
			needs = append(needs, "`"+n.String()+"`")
		}
		if is := strings.Join([]string{p.Type, p.Title, string(p.Mode), strings.Join(needs, " "), p.Action}, " | "); said[p.ID] != is {
			t.Errorf("%s says\n%s\nREADME.md says\n%s", p.File, is, said[p.ID])
		}
		delete(said, p.ID)
	}
	for id := range said {
		t.Errorf("README.md lists %s, which is not there", id)
	}
	for n := range 17 {
		if !numbers[strconv.Itoa(n+1)] {
			t.Errorf("no policy for type %d", n+1)
		}
	}
}

// TestCatalogue: every policy says what analysts need to know, and its test asks for an alert and for none; what is in shadow is
// asked about as if it were live.
func TestCatalogue(t *testing.T) {
	for _, p := range load(t).Policies {
		if p.Type == "" || p.Rationale == "" || p.FalseAlarms == "" || len(p.Needs) == 0 || p.File != p.ID+".yaml" || p.Shadowed != "" {
			t.Errorf("%s: wants type, rationale, false_alarms and needs, and a file of its name; %s", p.File, p.Shadowed)
		}
		text, err := os.ReadFile(p.ID + "_test.yaml")
		if err != nil {
			t.Error(err)
			continue
		}
		f, err := rules.ParseTest(p.ID+"_test.yaml", text)
		if err != nil {
			t.Error(err)
			continue
		}
		alert, none := false, false
		for _, c := range f.Tests {
			for _, e := range c.Expect {
				alert = alert || e.Alert == "true" && e.Policy == p.ID
				none = none || (e.Alert == "never" || e.Alert == "false") && e.End()
			}
		}
		if !alert || !none || (p.Mode == rules.Shadow) != slices.Contains(f.Live, p.ID) {
			t.Errorf("%s: wants an alert of %s, and a test that ends without one; live: names it if it is in shadow", f.File, p.ID)
		}
	}
}
