package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"magpie/rules"
	"magpie/sim"
	"magpie/site"
	"magpie/strict"
)

// runTest is `magpie test`: every test of the files through the pipeline of replay, judged by what it expects.
func runTest(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "test", "magpie test [--site site.yaml] [--policies DIR] [--cover] [--min-coverage 80] [FILE_test.yaml | DIR]... (default: the directory policies)")
	sitePath := fs.String("site", "", "run every test on this site (default: the one that its file names)")
	dir := fs.String("policies", "", "judge by the policies of this directory (default: that of the test file)")
	pattern := fs.String("run", "", "only tests whose `file: name` matches this regular expression")
	cover := fs.Bool("cover", false, "tell which sides of each operand the tests have seen, by policy")
	floor := fs.Float64("min-coverage", 0, "end with 1 where the tests see less than this `share` of a policy, in percent; tells it, too")
	verbose := fs.Bool("v", false, "print the alert lines of every test")
	if err := parse(fs, args); err != nil {
		return err
	}
	run, err := regexp.Compile(*pattern)
	if err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	if *floor < 0 || *floor > 100 {
		return fmt.Errorf("--min-coverage wants a share between 0 and 100 percent, not %g", *floor)
	}
	names := fs.Args()
	if len(names) == 0 {
		names = []string{"policies"}
		if *dir != "" {
			names = []string{*dir}
		}
	}
	files, err := testFiles(names)
	if err != nil {
		return err
	}
	b := bench{sitePath: *sitePath, dir: *dir, sites: map[string]*site.Site{}, sets: map[string]*rules.Set{}}
	if *cover || *floor > 0 {
		b.covers = map[string][]*rules.Coverage{}
	}
	count, wrong := 0, 0
	for _, f := range files {
		for i := range f.Tests {
			t := &f.Tests[i]
			if ctx.Err() != nil {
				return ctx.Err()
			}
			title := f.File + ": " + t.Name
			if !run.MatchString(title) {
				continue
			}
			r, err := b.test(f, t)
			if err != nil {
				return err
			}
			if count++; len(r.wrong) == 0 {
				fmt.Fprintf(out, "ok    %s\n", title)
			} else {
				wrong++
				fmt.Fprintf(out, "FAIL  %s\n", title)
			}
			r.print(out, *verbose)
		}
	}
	low := b.coverage(out, files, names, *floor)
	switch {
	case wrong > 0:
		return failed("%d of %d tests failed", wrong, count)
	case count == 0:
		return fmt.Errorf("no test matches --run %q", *pattern)
	}
	if len(low) > 0 {
		return failed("--min-coverage %g: the tests see less of %s", *floor, strings.Join(low, ", "))
	}
	fmt.Fprintf(errw, "%d passed\n", count)
	return nil
}

// testFiles reads the test files that are named, and those of named directories; everything wrong with them at once.
func testFiles(names []string) ([]*rules.TestFile, error) {
	var files []*rules.TestFile
	var errs []error
	for _, name := range names {
		all := []string{name}
		if info, err := os.Stat(name); err != nil {
			errs = append(errs, fmt.Errorf("tests: %w", err))
			continue
		} else if info.IsDir() {
			entries, err := os.ReadDir(name) // and not Glob: the name may hold its special characters
			if err != nil {
				errs = append(errs, fmt.Errorf("tests: %w", err))
				continue
			}
			all = nil
			for _, e := range entries {
				if !e.IsDir() && strings.HasSuffix(e.Name(), "_test.yaml") && !strings.HasPrefix(e.Name(), ".") {
					all = append(all, filepath.Join(name, e.Name()))
				}
			}
			if len(all) == 0 {
				errs = append(errs, fmt.Errorf("%s holds no *_test.yaml; name a test file or a directory with some", name))
			}
		}
		for _, path := range all {
			if !strings.HasSuffix(path, "_test.yaml") {
				errs = append(errs, fmt.Errorf("%s is no test file; name %s, or its directory", path, strings.TrimSuffix(path, ".yaml")+"_test.yaml"))
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				errs = append(errs, fmt.Errorf("tests: %w", err))
				continue
			}
			f, err := rules.ParseTest(path, text)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			files = append(files, f)
		}
	}
	return files, errors.Join(errs...)
}

// bench is what tests share: sites and policy sets, each loaded once.
type bench struct {
	sitePath, dir string // what the flags say, "" for nothing
	sites         map[string]*site.Site
	sets          map[string]*rules.Set        // by site and directory
	covers        map[string][]*rules.Coverage // by directory, one for each site; nil: nobody asked
}

func (b *bench) load(f *rules.TestFile) (*site.Site, *rules.Set, error) {
	path, dir := b.sitePath, b.dir
	if path == "" {
		path = filepath.Join(filepath.Dir(f.File), filepath.FromSlash(f.Site))
	}
	if dir == "" {
		dir = filepath.Dir(f.File)
	}
	s := b.sites[path]
	if s == nil {
		var err error
		if s, err = site.Load(path); err != nil {
			return nil, nil, fmt.Errorf("the site of %s: %w", f.File, err)
		}
		b.sites[path] = s
	}
	s = awake(s, f.Live)
	key := path + "\x00" + dir + "\x00" + strings.Join(f.Live, "\x00")
	set := b.sets[key]
	if set == nil {
		var err error
		var cover *rules.Coverage
		if b.covers != nil {
			cover = new(rules.Coverage)
			b.covers[dir] = append(b.covers[dir], cover)
		}
		if set, err = loadCovered(dir, s, cover); err != nil {
			return nil, nil, err
		}
		if len(set.Policies) == 0 {
			return nil, nil, fmt.Errorf("%s holds no policies to test; name their directory with --policies", dir)
		}
		if err := isLive(set, f); err != nil {
			return nil, nil, err
		}
		b.sets[key] = set
	}
	return s, set, nil
}

// awake is the site with the named policies live: a test of one that is in shadow asks what it would say.
func awake(s *site.Site, live []string) *site.Site {
	if len(live) == 0 {
		return s
	}
	copied := *s
	copied.Policies.Dir = "" // a name that is not in the set is told by isLive
	copied.Policies.Overrides = maps.Clone(s.Policies.Overrides)
	if copied.Policies.Overrides == nil {
		copied.Policies.Overrides = map[string]site.Override{}
	}
	for _, id := range live {
		o := copied.Policies.Overrides[id]
		o.Mode = string(rules.Live)
		copied.Policies.Overrides[id] = o
	}
	return &copied
}

func idsOf(set *rules.Set) (ids []string) {
	for _, p := range set.Policies {
		ids = append(ids, p.ID)
	}
	return ids
}

// isLive says why a policy that a test file wants live is not.
func isLive(set *rules.Set, f *rules.TestFile) error {
	ids := idsOf(set)
	for _, id := range f.Live {
		i := slices.Index(ids, id)
		switch {
		case i < 0:
			return fmt.Errorf("%s:%d:%d: live: there is no policy %s; %s", f.File, f.LiveLine, f.LiveCol, id, strict.Suggest(id, ids))
		case set.Policies[i].Mode != rules.Live:
			return fmt.Errorf("%s:%d:%d: live: %s is in shadow on this site: %s", f.File, f.LiveLine, f.LiveCol, id, set.Policies[i].Shadowed)
		}
	}
	return nil
}

// test runs one test. What it finds wrong is in the rehearsal; the error is of what keeps any test of the file from running.
func (b *bench) test(f *rules.TestFile, t *rules.Test) (*rehearsal, error) {
	s, set, err := b.load(f)
	if err != nil {
		return nil, err
	}
	if len(t.Staff) > 0 { // its own copy of the site knows them
		copied, store := *s, *s.Store
		store.Staff.Tracks = t.Staff
		copied.Store, s = &store, &copied
	}
	r := &rehearsal{site: s, set: set, test: t}
	script, err := sim.Parse(t.Events)
	if err != nil {
		r.wrong = append(r.wrong, placed(err, f, t))
		return r, nil
	}
	people := script.People()
	for _, e := range t.Expect {
		if e.Person != "" && !slices.Contains(people, e.Person) {
			r.wrong = append(r.wrong, fmt.Errorf("%s:%d:%d: nobody called %s walks in the events; they name %s",
				e.File, e.Line, e.Col, e.Person, strings.Join(people, ", ")))
		}
		if ids := idsOf(set); e.Policy != "" && !slices.Contains(ids, e.Policy) {
			r.wrong = append(r.wrong, fmt.Errorf("%s:%d:%d: policy: there is no policy %s; %s", e.File, e.Line, e.Col, e.Policy, strict.Suggest(e.Policy, ids)))
		}
	}
	for _, name := range t.Staff {
		if !slices.Contains(people, name) {
			r.wrong = append(r.wrong, fmt.Errorf("%s:%d: staff names %s, who does not walk in the events; they name %s",
				f.File, t.Line, name, strings.Join(people, ", ")))
		}
	}
	if len(r.wrong) > 0 {
		return r, nil
	}
	if err := r.play(script); err != nil {
		r.wrong = append(r.wrong, placed(err, f, t))
	}
	return r, nil
}

// placed gives an error of the events its place in the test file.
func placed(err error, f *rules.TestFile, t *rules.Test) error {
	var errs strict.Errors
	if errors.As(err, &errs) {
		return sim.Placed(errs, f.File, t.EventsLine, t.EventsCol+1)
	}
	return fmt.Errorf("%s:%d: %w", f.File, t.Line, err)
}
