package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"magpie/rules"
	"magpie/sensors"
	"magpie/sim"
	"magpie/site"
)

// runCheck is `magpie check`: it reads a site file and its policies as run would, says everything that is wrong with them,
// and what each policy does.
func runCheck(_ context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "check", "magpie check --site site.yaml [--policies DIR] [--format text|json|github]\n"+
		"       magpie check --schema", signHelp)
	sitePath := fs.String("site", "", "the site file")
	dir := fs.String("policies", "", "the policy `directory` (default: the site's, else the built-in policies)")
	format := fs.String("format", "text", "how to print: `text`, json (one object) or github (annotations of a workflow run)")
	schema := fs.Bool("schema", false, "print the JSON Schema of policy files, common.yaml and policy tests, and check nothing")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *schema && fs.NFlag() == 1 && fs.NArg() == 0 {
		_, err := out.Write(rules.Schema())
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%s: what is this? A site file is named by --site and a directory of policies by --policies", fs.Arg(0))
	}
	if *sitePath == "" || *schema {
		return errors.New("name the site file: magpie check --site site.yaml [--policies DIR]")
	}
	if !slices.Contains([]string{"text", "json", "github"}, *format) {
		return fmt.Errorf("--format: unknown format %q; possible are text, json, github", *format)
	}
	c, err := check(*sitePath, dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return err
	case *format == "json":
		err = c.json(out, err, *sitePath, *dir)
	case *format == "github":
		err = c.github(out, err, *sitePath, *dir)
	case err == nil:
		c.text(out)
		if refused := c.set.Refused(); len(refused) > 0 {
			err = refused.Err()
		}
	}
	if err != nil {
		return &exitError{exitFailed, err}
	}
	return nil
}

const signHelp = `
Signed sets: with policies.signers in the site file, run takes over only sets that one of these keys has signed.
  minisign -G                                   once: the public key, the line that begins with RW, goes into policies.signers
  sha256sum *.yaml > policies.sha256            in the set's folder, after the last change
  minisign -Sm policies.sha256 -t "version 7"   asks for the password, writes policies.sha256.minisig
`

// checked is what check found in a site and its policies, when nothing is wrong with them.
type checked struct {
	site *site.Site
	set  *rules.Set
}

// check reads a site and its policies as run would; the error is everything that is wrong with them.
func check(sitePath string, dir *string) (*checked, error) {
	s, err := site.Load(sitePath)
	if err != nil {
		return nil, err
	}
	if *dir == "" {
		*dir = s.Policies.Dir
	}
	_, mappings := sensors.NewDecoder(s.Store, sensors.Options{Foreign: s.Sources})
	set, err := loadPolicies(*dir, s)
	err = errors.Join(mappings, err)
	if tests := checkTests(*dir); tests != nil {
		err = errors.Join(err, tests)
	}
	return &checked{s, set}, err
}

// text prints what the site and the policies are, and what is doubtful.
func (c *checked) text(out io.Writer) {
	s, set := c.site, c.set
	fmt.Fprintf(out, "site %s: %d zones, %d sources, %d products, %s\n", s.Store.ID, len(s.Store.Zones), len(s.Store.Sources), len(s.Store.Products), s.Hash)
	for _, n := range s.Notes {
		fmt.Fprintln(out, "note:", n)
	}
	for _, err := range missingFiles(s) {
		fmt.Fprintf(out, "note: %v; magpie run does not start without it\n", err)
	}
	fmt.Fprintf(out, "policies: %d, %s\n", len(set.Policies), set.Hash)
	if set.Signer != "" {
		fmt.Fprintf(out, "signed by %s: %s\n", set.Signer, set.SignedWith)
	}
	for _, w := range saidOnce(c.warnings()) {
		fmt.Fprintln(out, "warning:", w)
	}
	if asleep := set.NoneLive(s.Store); asleep != "" {
		fmt.Fprintln(out, "note:", asleep)
	}
	for _, p := range set.Policies {
		describe(out, p, s)
	}
}

// saidOnce is what a person reads of warnings: one that stands at several places, as that a site has no way in, is said once, at the first.
func saidOnce(warnings []string) (once []string) {
	more := map[string]int{} // by what is said, the places beyond the first
	what := func(w string) string {
		at, text, _ := strings.Cut(w, ": ")
		if strings.Count(at, ":") != 2 { // file:line:column
			return w
		}
		return text
	}
	for _, w := range warnings {
		if _, again := more[what(w)]; again {
			more[what(w)]++
			continue
		}
		more[what(w)] = 0
		once = append(once, w)
	}
	for i, w := range once {
		if n := more[what(w)]; n > 0 {
			once[i] = fmt.Sprintf("%s (places like this: %d)", w, n+1)
		}
	}
	return once
}

// warnings are those of the set but for what check refuses.
func (c *checked) warnings() []string {
	all := slices.Clone(c.set.Warnings)
	for _, e := range c.set.Refused() {
		all = slices.DeleteFunc(all, func(w string) bool { return w == rules.Warning(e) })
	}
	return all
}

// checkTests reads the test files beside the policies; running them is `magpie test`.
func checkTests(dir string) error {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // loading the policies says so
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), "_test.yaml") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err == nil {
			err = checkTest(e.Name(), text)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkTest reads a test file and the events of its tests.
func checkTest(name string, text []byte) error {
	f, err := rules.ParseTest(name, text)
	errs := []error{err}
	for i := range f.Tests {
		if _, err := sim.Parse(f.Tests[i].Events); err != nil {
			errs = append(errs, placed(err, f, &f.Tests[i]))
		}
	}
	return errors.Join(errs...)
}

// missingFiles says which files that the site names, secrets mostly, cannot be used here. They may well be absent where
// policies are written, so for check this is no error; run does not start without them.
func missingFiles(s *site.Site) (missing []error) {
	note := func(err error) {
		if err != nil {
			missing = append(missing, err)
		}
	}
	for _, path := range []string{s.Broker.Users, s.Influx.TokenFile} {
		if path != "" {
			_, err := os.ReadFile(path)
			note(err)
		}
	}
	b := s.Broker
	if b.URL == "" { // its certificates are read as an outer one's
		b.CAFile = b.ClientCAFile
	}
	note(brokerSecrets(b, &sensors.SubscriberOptions{}))
	_, err := openSinks(s, io.Discard, nil, time.Now)
	note(err)
	_, err = devicePeers(s)
	note(err)
	_, err = pseudonymKey(s)
	note(err)
	return missing
}

// describe prints what a policy does: its tiers, where they go, and which combinations of evidence reach them.
func describe(out io.Writer, p *rules.Policy, s *site.Site) {
	fmt.Fprintf(out, "\n%s (%s, judge: %s): %s\n", p.ID, p.Mode, p.Judge, p.Title)
	if p.Shadowed != "" {
		fmt.Fprintf(out, "  in shadow: %s\n", p.Shadowed)
	}
	for _, b := range p.Blind(s.Store) {
		fmt.Fprintf(out, "  blind: no source of the site is there for %s; what reads it stays as if nothing happened\n", b)
	}
	for _, t := range p.Tiers {
		at := fmt.Sprintf("%g", t.At)
		if t.Cost {
			at = fmt.Sprintf("cost: %.4g at a value of 10, %.4g at 50, %.4g at 200", p.Threshold(t, 10), p.Threshold(t, 50), p.Threshold(t, 200))
		}
		fmt.Fprintf(out, "  %-6s from %s", t.Name, at)
		if to := p.To[t.Name]; len(to) > 0 {
			fmt.Fprintf(out, ", to %s", strings.Join(to, ", "))
		}
		fmt.Fprintln(out)
		for _, name := range p.To[t.Name] {
			if !slices.ContainsFunc(s.Outputs, func(o site.Output) bool { return o.Name == name }) {
				fmt.Fprintf(out, "         warning: the site has no output %s: nothing is sent there\n", name)
			}
		}
	}
	reaches, ok := p.Reaches()
	if !ok {
		return
	}
	for _, r := range reaches {
		what := strings.Join(r.Evidence, " + ")
		if what == "" {
			what = "no evidence at all"
		}
		value := ""
		if r.Value > 0 {
			value = fmt.Sprintf(" from a value of %.2f on", r.Value)
		}
		fmt.Fprintf(out, "  %-6s %.4f  %s%s\n", r.Tier, r.Score, what, value)
	}
}
