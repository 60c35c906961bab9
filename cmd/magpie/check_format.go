package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"magpie/rules"
	"magpie/site"
	"magpie/strict"
)

// finding is one thing that check says of a file.
type finding struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
	Text string `json:"text"`
}

// policyReport is what check says of a policy.
type policyReport struct {
	Policy string        `json:"policy"`
	File   string        `json:"file"`
	Title  string        `json:"title"`
	Judge  string        `json:"judge"`
	Mode   string        `json:"mode"`
	Shadow string        `json:"shadow,omitempty"` // why the site runs it so
	Blind  []string      `json:"blind"`
	Tiers  []tierReport  `json:"tiers"`
	Reach  []reachReport `json:"reach"`
}

type tierReport struct {
	Tier string   `json:"tier"`
	At   float64  `json:"at"`
	Cost bool     `json:"cost"`
	To   []string `json:"to"`
}

type reachReport struct {
	Tier     string   `json:"tier"`
	Score    float64  `json:"score"`
	Evidence []string `json:"evidence"`
	Value    float64  `json:"value"` // at risk, from which it does; 0: any
}

// errFindings says that what was found was printed.
var errFindings = errors.New("something is wrong; see what was printed")

// findings puts what is wrong, and what is doubtful, in one form. Files of policies are named as they lie on disk.
func (c *checked) findings(err error, sitePath, dir string) (wrong, doubtful []finding) {
	var all []strict.Error
	flatten(err, &all, &wrong, sitePath)
	if err == nil {
		all = append(all, c.set.Refused()...)
		for _, w := range c.warnings() {
			doubtful = append(doubtful, placedWarning(w, dir, sitePath))
		}
		if asleep := c.set.NoneLive(c.site.Store); asleep != "" {
			doubtful = append(doubtful, finding{sitePath, 1, 1, asleep})
		}
		for _, p := range c.set.Policies {
			for _, t := range p.Tiers {
				for _, name := range p.To[t.Name] {
					if !slices.ContainsFunc(c.site.Outputs, func(o site.Output) bool { return o.Name == name }) {
						doubtful = append(doubtful, finding{onDisk(p.File, dir, sitePath), 1, 1, fmt.Sprintf("%s: the site has no output %s: nothing is sent there", p.ID, name)})
					}
				}
			}
		}
		for _, n := range c.site.Notes {
			doubtful = append(doubtful, finding{sitePath, 1, 1, n})
		}
	}
	for _, e := range all {
		wrong = append(wrong, finding{onDisk(e.File, dir, sitePath), e.Line, e.Col, e.Text})
	}
	slices.SortStableFunc(wrong, func(a, b finding) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return wrong, doubtful
}

// flatten collects the errors with a place out of a tree of errors; what has none is said of the site file.
func flatten(err error, placed *[]strict.Error, rest *[]finding, sitePath string) {
	var one strict.Error
	var many strict.Errors
	switch joined := err.(type) {
	case nil:
	case strict.Error:
		*placed = append(*placed, joined)
	case strict.Errors:
		*placed = append(*placed, joined...)
	case interface{ Unwrap() []error }:
		for _, e := range joined.Unwrap() {
			flatten(e, placed, rest, sitePath)
		}
	default:
		switch {
		case errors.As(err, &many):
			*placed = append(*placed, many...)
		case errors.As(err, &one):
			*placed = append(*placed, one)
		default:
			*rest = append(*rest, finding{sitePath, 1, 1, err.Error()})
		}
	}
}

var placeOfWarning = regexp.MustCompile(`^([^:]+):(?:(\d+):(\d+):)? ?(.*)$`)

func placedWarning(w, dir, sitePath string) finding {
	m := placeOfWarning.FindStringSubmatch(w)
	if m == nil {
		return finding{sitePath, 1, 1, w}
	}
	line, _ := strconv.Atoi(m[2])
	col, _ := strconv.Atoi(m[3])
	return finding{onDisk(m[1], dir, sitePath), max(1, line), max(1, col), m[4]}
}

func onDisk(file, dir, sitePath string) string {
	if rules.IsSetFile(file) && dir != "" && !strings.ContainsRune(file, '/') && file != filepath.Base(sitePath) ||
		strings.HasSuffix(file, "_test.yaml") && !strings.ContainsRune(file, '/') {
		return filepath.Join(dir, file)
	}
	return file
}

// json prints one object: errors and warnings apart, and what each policy does.
func (c *checked) json(out io.Writer, err error, sitePath, dir string) error {
	report := struct {
		Errors   []finding      `json:"errors"`
		Warnings []finding      `json:"warnings"`
		Site     string         `json:"site"`
		Set      string         `json:"set"`
		Signer   string         `json:"signer,omitempty"` // the id of the key by which it is signed
		Policies []policyReport `json:"policies"`
	}{Errors: []finding{}, Warnings: []finding{}, Policies: []policyReport{}}
	wrong, doubtful := c.findings(err, sitePath, dir)
	report.Errors, report.Warnings = append(report.Errors, wrong...), append(report.Warnings, doubtful...)
	if err == nil {
		report.Site, report.Set, report.Signer = c.site.Hash, c.set.Hash, c.set.Signer
		for _, p := range c.set.Policies {
			r := policyReport{Policy: p.ID, File: onDisk(p.File, dir, sitePath), Title: p.Title, Judge: p.Judge.String(), Mode: string(p.Mode), Shadow: p.Shadowed,
				Blind: append([]string{}, p.Blind(c.site.Store)...), Tiers: []tierReport{}, Reach: []reachReport{}}
			for _, t := range p.Tiers {
				r.Tiers = append(r.Tiers, tierReport{t.Name, t.At, t.Cost, append([]string{}, p.To[t.Name]...)})
			}
			reaches, _ := p.Reaches()
			for _, x := range reaches {
				r.Reach = append(r.Reach, reachReport{x.Tier, x.Score, append([]string{}, x.Evidence...), x.Value})
			}
			report.Policies = append(report.Policies, r)
		}
	}
	b, e := json.MarshalIndent(report, "", "  ")
	if e != nil {
		return e
	}
	fmt.Fprintf(out, "%s\n", b)
	if len(wrong) > 0 {
		return errFindings
	}
	return nil
}

// github prints annotations as a workflow run reads them.
func (c *checked) github(out io.Writer, err error, sitePath, dir string) error {
	wrong, doubtful := c.findings(err, sitePath, dir)
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	text := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	for _, l := range []struct {
		level string
		of    []finding
	}{{"error", wrong}, {"warning", doubtful}} {
		for _, f := range l.of {
			fmt.Fprintf(out, "::%s file=%s,line=%d,col=%d::%s\n", l.level, property.Replace(f.File), f.Line, f.Col, text.Replace(f.Text))
		}
	}
	if len(wrong) > 0 {
		return errFindings
	}
	return nil
}
