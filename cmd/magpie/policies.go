package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"magpie/policies"
	"magpie/rules"
	"magpie/site"
)

// policyLine is what `magpie policies` says of a policy.
type policyLine struct {
	Policy      string   `json:"policy"`
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	Judge       string   `json:"judge"`
	Mode        string   `json:"mode"`
	Tier        string   `json:"tier"` // the highest that it has
	Action      string   `json:"action"`
	Needs       []string `json:"needs"`
	Rationale   string   `json:"rationale"`
	FalseAlarms string   `json:"false_alarms"`
	Lacks       []string `json:"lacks"` // needs that the site does not meet; null where none was named
	Blind       []string `json:"blind"` // what it reads and no source of the site perceives; null where none was named
}

// runPolicies is `magpie policies`: the catalogue, or the policies of a site with what each would be blind to there.
func runPolicies(_ context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "policies", "magpie policies [--site site.yaml] [--policies DIR] [--json]")
	sitePath := fs.String("site", "", "the site `file`: what each policy would be blind to there is told too")
	dir := fs.String("policies", "", "the policy `directory` (default: the site's, else the built-in policies)")
	asJSON := fs.Bool("json", false, "print one JSON object in place of the table")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; name a directory with --policies", fs.Arg(0))
	}
	lines, err := listPolicies(*sitePath, *dir)
	if err != nil {
		return err
	}
	if *asJSON {
		b, err := json.MarshalIndent(map[string]any{"policies": lines}, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n", b)
		}
		return err
	}
	printPolicies(out, lines)
	return nil
}

// listPolicies reads the policies of a directory as a site has them, sorted by id; without a site as their files say.
func listPolicies(sitePath, dir string) ([]policyLine, error) {
	s, err := site.Load(sitePath)
	if sitePath == "" {
		s, err = shopOf("testdata/store.yaml")
	}
	if err != nil {
		return nil, err
	}
	if dir == "" && sitePath != "" {
		dir = s.Policies.Dir
	}
	set, err := loadPolicies(dir, s)
	if err != nil && sitePath == "" && dir != "" {
		err = errors.Join(err, errors.New("they may be a site's own: name it with --site"))
	}
	if err != nil {
		return nil, err
	}
	lines := make([]policyLine, len(set.Policies))
	for i, p := range set.Policies {
		l := policyLine{Policy: p.ID, Title: p.Title, Type: p.Type, Judge: p.Judge.String(), Mode: string(p.Mode), Action: p.Action,
			Needs: needWords(p.Needs), Rationale: p.Rationale, FalseAlarms: p.FalseAlarms}
		if n := len(p.Tiers); n > 0 {
			l.Tier = p.Tiers[n-1].Name
		}
		if sitePath != "" {
			l.Lacks, l.Blind = needWords(p.Lacks(s.Store)), append([]string{}, p.Blind(s.Store)...)
		}
		lines[i] = l
	}
	return lines, nil
}

func needWords(needs []rules.Need) []string {
	words := make([]string, len(needs))
	for i, n := range needs {
		words[i] = n.String()
	}
	return words
}

// printPolicies writes a row for each, and below it what a site lacks for it.
func printPolicies(out io.Writer, lines []policyLine) {
	rows := [][]string{{"policy", "mode", "tier", "needs", "type", "title"}}
	for _, l := range lines {
		rows = append(rows, []string{l.Policy, l.Mode, l.Tier, strings.Join(l.Needs, " "), l.Type, l.Title})
	}
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for i, r := range rows {
		line := ""
		for k, cell := range r {
			line += cell + strings.Repeat(" ", width[k]-len([]rune(cell))+2)
		}
		fmt.Fprintln(out, strings.TrimRight(line, " "))
		if i == 0 {
			continue
		}
		l := &lines[i-1]
		for _, need := range l.Lacks {
			fmt.Fprintf(out, "  lacks %s: it runs in shadow there\n", need)
		}
		for _, blind := range l.Blind {
			fmt.Fprintf(out, "  blind: no source of the site is there for %s\n", blind)
		}
	}
}

// shopOf reads a site of the catalogue's tests, by its path in policies.Files. It returns no error but for a broken build.
func shopOf(name string) (*site.Site, error) {
	text, err := policies.Files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return site.Parse(name, text, func(file string) ([]byte, error) { return policies.Files.ReadFile(path.Clean(file)) })
}
