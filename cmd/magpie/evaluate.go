package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/rules"
	"magpie/sim"
	"magpie/site"
)

// runEvaluate is `magpie evaluate`: stores are drawn and played, policies judge them, and what they say is held against what
// was so.
func runEvaluate(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	fs.SetOutput(errw)
	dir := fs.String("policies", "", "the policies that judge, a `directory` (default: the built-in ones)")
	runs := fs.Int("runs", 12, "how many stores are drawn and played")
	seed := fs.Uint64("seed", 1, "of the first store; each further one has the next")
	aisles := fs.Int("aisles", 5, "how many aisles each store has")
	asJSON := fs.Bool("json", false, "print one JSON object in place of the table")
	flags := newShopFlags(fs, sim.ShopOptions{Hours: 0.5, Thefts: 0.12, Twins: 0.6, Noise: 1, Spread: true})
	fs.Usage = func() {
		fmt.Fprintln(errw, "usage: magpie evaluate [--policies DIR] [--runs N] [--seed N] [--off KIND,…] [--json]")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 || *runs < 1 || *runs > 1000 {
		fs.Usage()
		return errors.New("give 1 to 1000 runs, and nothing beside the flags")
	}
	o := flags.options()
	judged := make([]sim.Judged, *runs)
	errs := make([]error, *runs)
	var wg sync.WaitGroup
	next := make(chan int)
	done := make(chan int)
	for range min(runtime.GOMAXPROCS(0), *runs) {
		wg.Go(func() {
			for i := range next {
				judged[i], errs[i] = playAndJudge(*seed+uint64(i), *aisles, *dir, o)
				done <- i
			}
		})
	}
	go func() {
		defer close(next)
		for i := range *runs {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() { wg.Wait(); close(done) }()
	finished := 0
	for range done {
		finished++
		fmt.Fprintf(errw, "\r%d of %d runs", finished, *runs)
	}
	fmt.Fprintln(errw)
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return err
	}
	e := sim.Evaluate(judged)
	if *asJSON {
		return writeEvaluation(out, e)
	}
	printEvaluation(out, e)
	return nil
}

// playAndJudge draws a store, plays it, and replays the recording with the policies.
func playAndJudge(seed uint64, aisles int, policies string, o sim.ShopOptions) (j sim.Judged, err error) {
	dir, err := os.MkdirTemp("", "magpie-evaluate")
	if err != nil {
		return j, err
	}
	defer os.RemoveAll(dir)
	path, err := drawSite(dir, seed, aisles)
	if err != nil {
		return j, err
	}
	s, err := site.Load(path)
	if err != nil {
		return j, err
	}
	set, err := loadPolicies(policies, s)
	if err != nil {
		return j, err
	}
	played, err := sim.Simulate(seed, s, o)
	if err != nil {
		return j, err
	}
	j, err = judge(s, set, played.Lines)
	j.Hours, j.Visits = o.Hours, played.Visits
	return j, err
}

// judge replays lines, as magpie replay does, and gathers the scores of all visits and the alerts that reached the tier staff.
func judge(s *site.Site, set *rules.Set, lines []sim.Line) (j sim.Judged, err error) {
	raised := map[string]int{}
	p, err := newPipeline(s, set, func(a *alerts.Alert) {
		k, known := raised[a.ID]
		if slices.Index(alerts.Tiers[:], a.Tier) >= 2 && a.State != alerts.Retracted && !known {
			k, known = len(j.Raised), true
			raised[a.ID] = k
			j.Raised = append(j.Raised, sim.Raised{At: a.RaisedAt})
		}
		if !known {
			return
		}
		r := &j.Raised[k]
		r.Stands = a.State != alerts.Retracted
		r.Tracks = a.Tracks
		r.SKUs = r.SKUs[:0]
		for _, item := range a.Items {
			r.SKUs = append(r.SKUs, item.SKU)
		}
	}, pipelineHooks{})
	if err != nil {
		return j, err
	}
	told, modes := spoken(p.desk, set)
	j.Policies = modes
	last := int64(0)
	for i := range lines {
		l, err := journal.Parse(lines[i].AppendJSON(nil))
		if err != nil {
			return j, err
		}
		last = max(last, l.Received)
		p.line(&l)
	}
	p.finish(last)
	for _, v := range p.log.Scores() {
		j.Scores = append(j.Scores, sim.Scored{Tracks: v.Tracks, From: v.From, To: v.To, P: v.Score, Told: told[v.Visit]})
	}
	return j, nil
}

// spoken gathers, while lines are replayed, which policies give a visit the tier review or a higher one, live and in shadow
// alike, by visit; modes are those of the policies that may.
func spoken(desk *alerts.Desk, set *rules.Set) (told map[string][]string, modes map[string]string) {
	told, modes = map[string][]string{}, map[string]string{}
	for _, p := range set.Policies {
		if p.Judge == fusion.SubjectVisit && p.Mode != rules.Off {
			modes[p.ID] = string(p.Mode)
		}
	}
	var results []rules.Result
	desk.Watch = func(_ *rules.Set, m *rules.Memory, v fusion.View) {
		if v.Visit.Subject != fusion.SubjectVisit {
			return
		}
		results = m.AppendResults(results[:0])
		for i := range results {
			r := &results[i]
			if r.Tier != "" && r.Tier != rules.Tiers[0] && !slices.Contains(told[v.Visit.ID], r.Policy.ID) {
				told[v.Visit.ID] = append(told[v.Visit.ID], r.Policy.ID)
			}
		}
	}
	return told, modes
}

// printEvaluation writes the table, with what each number means.
func printEvaluation(out io.Writer, e *sim.Evaluation) {
	fmt.Fprintf(out, "SIMULATED: %d runs, %.1f store hours; %d thefts among %d honest visits; %d by mistake unpaid are left out\n\n",
		e.Runs, e.Hours, e.Thefts, e.Honest, e.Mistakes)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, value, meaning string) { fmt.Fprintf(w, "%s\t%s\t%s\n", name, value, meaning) }
	of := func(i sim.Interval) string { return fmt.Sprintf("%.3f [%.3f %.3f]", i.Value, i.Low, i.High) }
	row("PR-AUC", of(e.PRAUC), "average precision of visits' scores, at the simulated share of thefts; 95 % by runs")
	for _, x := range e.At {
		row(fmt.Sprintf("  at %.1f %% thefts", x.At*100), fmt.Sprintf("%.3f", x.Value), "the same, re-weighted to that share of visits")
	}
	row("F1 of alerts", of(e.F1), "of alerts at the tiers staff and gate, by person and time")
	row("  precision, recall", fmt.Sprintf("%.3f, %.3f", e.Precision, e.Recall), "")
	row("  false an hour", fmt.Sprintf("%.2f", e.FalsePerHour), "alerts about people who stole nothing")
	row("  wrong person", fmt.Sprintf("%.3f", e.WrongPerson), "share of alerts whose goods somebody else has")
	row("  before the exit", fmt.Sprintf("%.3f", e.Before), "share of right alerts that came before the way out was crossed")
	row("  told again", fmt.Sprint(e.Again), "further alerts about the same theft")
	for _, x := range e.RecallAt {
		row(fmt.Sprintf("recall at %.1f a day", x.At), fmt.Sprintf("%.3f", x.Value), "at so many false alerts a day of 1,500 visits, by score")
	}
	row("Brier skill", fmt.Sprintf("%.3f", e.Skill), "against always saying the base rate; 1 is perfect, 0 no better")
	row("ECE", fmt.Sprintf("%.3f", e.ECE), "expected calibration error, 15 bins of equal mass")
	row("unseen thieves", fmt.Sprint(e.Unseen), "of whom no visit was scored")
	w.Flush()
	fmt.Fprintln(out)
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "score\tvisits\tsaid\tobserved\t")
	for _, b := range e.Bands {
		fmt.Fprintf(w, "%.1f to %.1f\t%d\t%.2f\t%.2f\t\n", b.From, b.To, b.Visits, b.Said, b.Observed)
	}
	w.Flush()
	fmt.Fprintln(out)
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "no.\ttheft\tfound\tof")
	for _, t := range e.Types {
		fmt.Fprintf(w, "%d\t%s\t%d\t%d\n", t.Theft, t.Type, t.Found, t.Count)
	}
	w.Flush()
	fmt.Fprintln(out)
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "honest visit\twrong alerts\tof")
	for _, t := range e.False {
		fmt.Fprintf(w, "%s\t%d\t%d\n", cmp.Or(t.Type, "(nobody)"), t.Found, t.Count)
	}
	w.Flush()
	fmt.Fprintln(out)
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "policy, at review\tmode\tthefts\tof\thonest\tof\tfound, by no. of theft")
	for _, p := range e.Policies {
		var found []string
		for _, t := range p.Types {
			found = append(found, fmt.Sprintf("%d: %d of %d", t.Theft, t.Found, t.Count))
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\n", p.Policy, p.Mode, p.Right, e.Thefts, p.Wrong, e.Honest, strings.Join(found, ", "))
	}
	w.Flush()
}

// writeEvaluation writes the same for machines.
func writeEvaluation(out io.Writer, e *sim.Evaluation) error {
	b, err := json.MarshalIndent(e, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", b)
	}
	return err
}
