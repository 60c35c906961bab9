package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"magpie/policies"
	"magpie/rules"
	"magpie/site"
	"magpie/strict"
)

// runNew is `magpie new`: it writes a policy of the catalogue and its test, to begin one's own with.
func runNew(_ context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "new", "magpie new POLICY [-o DIR]; `magpie policies` lists them")
	dir := fs.String("o", "policies", "the `directory` to write into")
	id, err := positional(fs, args)
	if err != nil {
		return err
	}
	lines, err := listPolicies("", "")
	if err != nil {
		return err
	}
	var ids []string
	for _, l := range lines {
		ids = append(ids, l.Policy)
	}
	switch {
	case id == "":
		return errors.New("name a policy of the catalogue, such as booster-bag; `magpie policies` lists them")
	case !slices.Contains(ids, id):
		return fmt.Errorf("the catalogue has no policy %q; %s; `magpie policies` lists them", id, strict.Suggest(id, ids))
	}
	files, err := kitOf(id)
	if err != nil {
		return err
	}
	if err := fits(files, id, *dir); err != nil {
		return err
	}
	return write(files, *dir, out)
}

// kit is what a policy of the catalogue wants beside it: files by their names in a folder, in the order in which they are told.
type kit struct {
	site  string // of its test
	names []string
	data  map[string][]byte
}

func (k *kit) add(name string) error {
	b, err := policies.Files.ReadFile(name)
	if err == nil && !slices.Contains(k.names, name) {
		k.names = append(k.names, name)
		k.data[name] = b
	}
	return err
}

// kitOf gathers the policy, its test, the shop that the test is played in with its tables, and what policies share.
func kitOf(id string) (*kit, error) {
	k := &kit{data: map[string][]byte{}}
	if err := errors.Join(k.add(id+".yaml"), k.add(id+"_test.yaml"), k.add("common.yaml")); err != nil {
		return nil, err
	}
	test, err := rules.ParseTest(id+"_test.yaml", k.data[id+"_test.yaml"])
	if err != nil {
		return nil, err
	}
	k.site = test.Site
	if err := k.add(k.site); err != nil {
		return nil, err
	}
	_, err = site.Parse(k.site, k.data[k.site], func(file string) ([]byte, error) {
		file = path.Clean(file)
		err := k.add(file)
		return k.data[file], err
	})
	return k, err
}

// fits reports why the kit of a policy cannot be written into a folder: nothing is written over, and what is there must go
// together with it. What the folder has already is left out of the kit.
func fits(k *kit, id, dir string) error {
	for _, name := range slices.Clone(k.names) {
		on := filepath.Join(dir, filepath.FromSlash(name))
		had, err := os.ReadFile(on)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return err
		case name == "common.yaml":
			if missing := lacking(k.data[id+".yaml"], k.data[name], had); missing != "" {
				return fmt.Errorf("%s lacks what %s uses; add to it:\n%s", on, id, missing)
			}
		case name == id+".yaml" || name == id+"_test.yaml" || !bytes.Equal(had, k.data[name]):
			return fmt.Errorf("%s is there already, and nothing is written over; move it, or name another directory with -o", on)
		}
		k.names = slices.DeleteFunc(k.names, func(n string) bool { return n == name })
	}
	var all []rules.File
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() && rules.IsSetFile(e.Name()) {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			all = append(all, rules.File{Name: e.Name(), Data: b})
		}
	}
	for _, name := range k.names {
		if !strings.Contains(name, "/") && rules.IsSetFile(name) {
			all = append(all, rules.File{Name: name, Data: k.data[name]})
		}
	}
	s, err := shopOf(k.site)
	if err != nil {
		return err
	}
	if _, err := rules.Build(all, ruleOptions(s)); err != nil {
		return fmt.Errorf("with what %s holds, its test could not run; name another directory with -o:\n%w", dir, err)
	}
	return nil
}

// lacking gives the lines of the catalogue's common.yaml that a policy uses and another common.yaml has not; "" if it has all.
func lacking(policy, ours, theirs []byte) string {
	var has, from map[string]map[string]yaml.Node
	if yaml.Unmarshal(theirs, &has) != nil || yaml.Unmarshal(ours, &from) != nil {
		return "" // reading the folder tells of it
	}
	text, lines := string(policy), map[string]string{}
	for changed := true; changed; {
		changed = false
		for _, section := range []string{"lists", "macros"} {
			for name := range from[section] {
				word := `\b` + regexp.QuoteMeta(name) + `\b`
				if section == "lists" {
					word = `"` + regexp.QuoteMeta(name) + `"`
				}
				if _, known := has[section][name]; known || lines[section+name] != "" || !regexp.MustCompile(word).MatchString(text) {
					continue
				}
				line := regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(name) + `:.*$`).FindString(string(ours))
				lines[section+name], changed = line, true
				text += "\n" + line // a macro may use others
			}
		}
	}
	var b strings.Builder
	for _, section := range []string{"lists", "macros"} {
		head := section + ":\n"
		for l := range strings.Lines(string(ours)) {
			name, _, _ := strings.Cut(strings.TrimSpace(l), ":")
			if lines[section+name] != "" && strings.HasPrefix(l, "  ") {
				b.WriteString(head + l)
				head = ""
			}
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// write puts the files of a kit into a folder and tells of each; none stays if one cannot be written.
func write(k *kit, dir string, out io.Writer) (err error) {
	var done []string
	defer func() {
		if err != nil {
			for _, f := range done {
				os.Remove(f)
			}
		}
	}()
	for _, name := range k.names {
		on := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(on), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(on, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		done = append(done, on)
		_, err = f.Write(k.data[name])
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	for _, f := range done {
		fmt.Fprintln(out, f)
	}
	return nil
}
