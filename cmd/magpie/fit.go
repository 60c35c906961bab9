package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"magpie/alerts"
	"magpie/rules"
	"magpie/sim"
	"magpie/site"
)

// runFit is `magpie fit`: what each piece of evidence was worth in recordings of which it is known who stole.
func runFit(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "fit", "magpie fit [--policies DIR] [--site site.yaml] DIR…\n"+
		"Each DIR holds a recording.jsonl (or .zst, .gz) and its truth.jsonl, as magpie simulate writes them. Nothing is written: what is printed is for a person to accept.")
	dir := fs.String("policies", "", "the policies to fit, a `directory` (default: the built-in ones)")
	sitePath := fs.String("site", "", "the site `file` of the recordings (default: site.yaml beside each)")
	if err := parse(fs, args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		fs.Usage()
		return errors.New("name directories with a recording.jsonl and a truth.jsonl each, such as those of magpie simulate -o DIR")
	}
	f := fitted{policies: map[string]*fittedPolicy{}}
	for i, d := range fs.Args() {
		if err := f.take(ctx, d, cmp.Or(*sitePath, filepath.Join(d, "site.yaml")), *dir); err != nil {
			if i > 0 {
				fmt.Fprintln(errw)
			}
			return fmt.Errorf("%s: %w", d, err)
		}
		fmt.Fprintf(errw, "\r%d of %d recordings", i+1, fs.NArg())
	}
	fmt.Fprintln(errw)
	f.print(out, fs.NArg())
	return nil
}

// fitted counts, over visits that a policy judged, how often each piece of evidence held, by whether they were thefts.
type fitted struct {
	policies map[string]*fittedPolicy
}

type fittedPolicy struct {
	policy *rules.Policy
	visits [2]float64 // honest, thefts
	parts  []fittedPart
	groups map[string]*[2]float64 // in which two or more of a group held
}

type fittedPart struct {
	name, group string
	held        [2]float64 // the sum of its quality
	ln          float64    // what it is worth now, nats; NaN: it never held
}

// take replays a recording and counts.
func (f *fitted) take(ctx context.Context, dir, sitePath, policies string) error {
	s, err := site.Load(sitePath)
	if err != nil {
		return err
	}
	set, err := loadPolicies(policies, s)
	if err != nil {
		return err
	}
	truth, err := readTruth(filepath.Join(dir, "truth.jsonl"))
	if err != nil {
		return err
	}
	path, err := recordingIn(dir)
	if err != nil {
		return err
	}
	log := newEvidenceLog()
	x := explainer{ctx: ctx, site: s, set: set, path: path}
	if err := x.pass(func(*alerts.Alert) {}, log.watch); err != nil {
		return err
	}
	f.count(set, log, truth)
	return nil
}

// count adds what was seen of each true visit. One that cameras cut into several counts once in each policy, by the part that the policy
// gave the highest score.
func (f *fitted) count(set *rules.Set, log *evidenceLog, truth []*sim.Visit) {
	own, of := sim.NewWhose(truth), make(map[*sim.Visit]map[string]policyEvidence, len(truth))
	for _, id := range slices.Sorted(maps.Keys(log.visits)) {
		seen := log.visits[id]
		v := own.At(seen.tracks, seen.to)
		if v == nil {
			continue
		}
		if of[v] == nil {
			of[v] = map[string]policyEvidence{}
		}
		for policy, e := range seen.of {
			if was, ok := of[v][policy]; !ok || e.score > was.score {
				of[v][policy] = e
			}
		}
	}
	for _, v := range truth {
		if !v.Aside() {
			f.add(set, v.Kind == sim.Theft, of[v])
		}
	}
}

// add adds what the evidence of each policy came to in one visit.
func (f *fitted) add(set *rules.Set, theft bool, seen map[string]policyEvidence) {
	of := 0
	if theft {
		of = 1
	}
	for _, p := range set.Policies {
		e, ok := seen[p.ID]
		if !ok {
			continue
		}
		fp := f.policies[p.ID]
		if fp == nil {
			fp = &fittedPolicy{policy: p, groups: map[string]*[2]float64{}}
			for _, part := range e.parts {
				fp.parts = append(fp.parts, fittedPart{name: part.Name, group: part.Group, ln: math.NaN()})
			}
			f.policies[p.ID] = fp
		}
		fp.visits[of]++
		held := map[string]int{}
		for i, part := range e.parts {
			fp.parts[i].held[of] += part.Quality
			if part.Quality > 0 && part.Decays == 0 {
				fp.parts[i].ln = part.LogOdds / part.Quality
			}
			if part.Group != "" && part.Quality >= 0.5 {
				held[part.Group]++
			}
		}
		for g, n := range held {
			if n >= 2 {
				if fp.groups[g] == nil {
					fp.groups[g] = &[2]float64{}
				}
				fp.groups[g][of]++
			}
		}
	}
}

// ratioOf is the likelihood ratio of what held in a of n thefts and b of m honest visits, and where its 95 % lie: counts with
// half a visit more (Jeffreys' prior), and the logarithm taken as normal with the variance of the two shares.
func ratioOf(a, n, b, m float64) (lr, low, high float64) {
	p, q := (a+0.5)/(n+1), (b+0.5)/(m+1)
	ln := math.Log(p / q)
	sd := math.Sqrt((1-p)/(a+0.5) + (1-q)/(b+0.5))
	return math.Exp(ln), math.Exp(ln - float64(1.96*sd)), math.Exp(ln + float64(1.96*sd))
}

func (f *fitted) print(out io.Writer, recordings int) {
	fmt.Fprintf(out, "From %d recordings with their truth. lr: how much likelier evidence is in thefts than in honest visits, with its 95 %%.\n", recordings)
	fmt.Fprintln(out, "Nothing was changed. Accept a number where its range is narrow and the sensors are yours; what few visits showed says little.")
	for _, id := range slices.Sorted(maps.Keys(f.policies)) {
		p := f.policies[id]
		fmt.Fprintf(out, "\n%s: judged %.0f thefts and %.0f honest visits; share of thefts %.3f\n", id, p.visits[1], p.visits[0],
			(p.visits[1]+0.5)/(p.visits[0]+p.visits[1]+1))
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "  evidence\tthefts\thonest\tnow\tfitted lr\t95 %\t")
		for _, e := range p.parts {
			now := "—"
			if !math.IsNaN(e.ln) {
				now = number(math.Exp(e.ln))
			}
			lr, low, high := ratioOf(e.held[1], p.visits[1], e.held[0], p.visits[0])
			remark := ""
			switch {
			case e.held[0]+e.held[1] < 5:
				remark = "too few"
			case !math.IsNaN(e.ln) && (math.Exp(e.ln) < low || math.Exp(e.ln) > high):
				remark = "now is outside"
			}
			fmt.Fprintf(w, "  %s\t%.1f\t%.1f\t%s\t%s\t%s to %s\t%s\n", e.name, e.held[1], e.held[0], now, number(lr), number(low), number(high), remark)
		}
		for _, g := range slices.Sorted(maps.Keys(p.groups)) {
			n := p.groups[g]
			lr, low, high := ratioOf(n[1], p.visits[1], n[0], p.visits[0])
			remark := ""
			if n[0]+n[1] < 5 {
				remark = "too few"
			}
			fmt.Fprintf(w, "  group %s, two or more: its cap\t%.0f\t%.0f\t\t%s\t%s to %s\t%s\n", g, n[1], n[0], number(lr), number(low), number(high), remark)
		}
		w.Flush()
	}
}

func number(v float64) string {
	switch {
	case v >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case v < 0.095:
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.1f", v)
}
