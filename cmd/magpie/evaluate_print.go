package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"magpie/sim"
)

// judgedBy is how a judge did.
type judgedBy struct {
	Judge, What string
	Baseline    bool
	Final       bool // judged by final lines only
	*sim.Evaluation
}

// report is what came of an evaluation.
type report struct {
	command string
	judges  []judgedBy // Magpie first
	stores  []string   // by run: the seed of a store that was drawn, or the directory of one that was given
	given   bool
}

// where says where the recordings are from.
func (r *report) where() string {
	if r.given {
		return "AS THE TRUTH FILES SAY"
	}
	return "SIMULATED"
}

// printEvaluation writes the table of the first judge with what each number means, one row for each judge, and what is met.
func printEvaluation(out io.Writer, r *report, cases bool) {
	all, e := r.judges, r.judges[0]
	fmt.Fprintf(out, "%s: %d runs, %.1f store hours; %d thefts among %d honest visits; %d by mistake unpaid and %d accomplices are left out\n\n",
		r.where(), e.Runs, e.Hours, e.Thefts, e.Honest, e.Mistakes, e.Accomplices)
	if e.Thefts > 0 {
		printJudge(out, e.Evaluation)
	} else {
		printTheftFree(out, e.Evaluation)
	}
	printTold(out, e.Evaluation)
	if cases {
		printCases(out, e.Evaluation, r.stores)
	}
	if len(all) > 1 {
		w := table(out)
		fmt.Fprintln(w, "judge\tPR-AUC\tF1\tprecision\trecall\tfalse/h\tbefore exit\twhat it goes by")
		for _, j := range all {
			before := fmt.Sprintf("%.2f", j.Before)
			if j.Final {
				before = "—"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t%s\t%s\n", j.Judge, of(j.PRAUC), of(j.F1), j.Precision, j.Recall, j.FalsePerHour, before, j.What)
		}
		w.Flush()
	}
	done := criteria(all)
	w := table(out)
	fmt.Fprintln(w, "done when\taim\t\tvalue")
	for _, c := range done {
		if c.Verdict == notMeasured {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.What, c.Aim, c.Verdict, c.Value)
	}
	w.Flush()
	fmt.Fprintln(out, summary(done))
}

// table begins a table, an empty line before it.
func table(out io.Writer) *tabwriter.Writer {
	fmt.Fprintln(out)
	return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
}

// of writes a number and its interval, where there were runs enough to draw one from.
func of(i sim.Interval) string {
	if i.Low == i.High {
		return fmt.Sprintf("%.3f", i.Value)
	}
	return fmt.Sprintf("%.3f [%.3f %.3f]", i.Value, i.Low, i.High)
}

func printJudge(out io.Writer, e *sim.Evaluation) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, value, meaning string) { fmt.Fprintf(w, "%s\t%s\t%s\n", name, value, meaning) }
	row("PR-AUC", of(e.PRAUC), "average precision of visits' scores, at the simulated share of thefts; 95 % by runs")
	for _, x := range e.At {
		row(fmt.Sprintf("  at %.1f %% thefts", x.At*100), fmt.Sprintf("%.3f", x.Value), "the same, re-weighted to that share of visits")
	}
	row("F1 of alerts", of(e.F1), "of alerts at the tiers staff and gate, by person and time")
	row("  precision, recall", fmt.Sprintf("%.3f, %.3f", e.Precision, e.Recall), "")
	row("  with the goods", of(e.Strict), "F1 where half of the goods must be right too")
	row("  of the price", fmt.Sprintf("%.3f", e.Value), "of all that was stolen, by price")
	row("  false an hour", fmt.Sprintf("%.2f", e.FalsePerHour), "alerts about people who stole nothing")
	row("  wrong person", fmt.Sprintf("%.3f", e.WrongPerson), "share of alerts whose goods somebody else has")
	row("  before the exit", fmt.Sprintf("%.3f", e.Before), "share of right alerts that came before the way out was crossed")
	row("  after the taking", fmt.Sprintf("%.0f s", e.ToAlert), "median of right alerts")
	row("  lead", fmt.Sprintf("%.1f s, %.1f s", e.Lead, e.LeadTagged), "before the way out is crossed, median of right alerts; of those that gates can see")
	row("  taken back", fmt.Sprintf("%.3f", e.Retracted), "share of alerts that were retracted")
	row("  told again", fmt.Sprint(e.Again), "further alerts about the same theft")
	for _, x := range e.RecallAt {
		row(fmt.Sprintf("recall at %.1f a day", x.At), fmt.Sprintf("%.3f", x.Value), "at so many false alerts a day of 1,500 visits, by score")
	}
	row("Brier skill", fmt.Sprintf("%.3f", e.Skill), "against always saying the base rate; 1 is perfect, 0 no better")
	row("AUC", fmt.Sprintf("%.3f", e.AUC), fmt.Sprintf("of the ROC curve; labels dealt anew: %.3f", e.Permuted))
	row("blind", fmt.Sprintf("%.3f", e.Blind), "PR-AUC of the length of visits: the floor")
	row("ECE", fmt.Sprintf("%.3f", e.ECE), "expected calibration error, 15 bins of equal mass")
	row("unseen thieves", fmt.Sprint(e.Unseen), "of whom no visit was scored")
	if h := e.AsHonest; h != nil {
		row("accomplices honest", fmt.Sprintf("%.3f, %.3f, %.3f", h.PRAUC.Value, h.F1.Value, h.WrongPerson),
			"PR-AUC, F1 and wrong person, if who has none of the goods of a theft had no part in it")
	}
	w.Flush()
	fmt.Fprintln(out)
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "score\tvisits\tsaid\tobserved\t")
	for _, b := range e.Bands {
		fmt.Fprintf(w, "%.1f to %.1f\t%d\t%.2f\t%.2f\t\n", b.From, b.To, b.Visits, b.Said, b.Observed)
	}
	w.Flush()
	w = table(out)
	fmt.Fprintln(w, "no.\ttheft\tfound\tof\tothers")
	for _, t := range e.Types {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", catalogued(t.Theft), t.Type, t.Found, t.Count, e.WhyMissed(t.Type))
	}
	w.Flush()
	printFalse(out, e)
}

// printTheftFree writes what was said where nobody stole.
func printTheftFree(out io.Writer, e *sim.Evaluation) {
	found := func(list []sim.TypeRecall) (n int) {
		for _, t := range list {
			n += t.Found
		}
		return n
	}
	honest, mistakes := found(e.False), found(e.ByMistake)
	fmt.Fprintf(out, "staff or gate alerts  %d about honest visits, %d about visits by mistake unpaid\n", honest, mistakes)
	fmt.Fprintf(out, "an hour               %.3f; with 95 %% less than %.3f (exact Poisson bound, one-sided)\n", float64(honest+mistakes)/e.Hours, e.UpperPerHour)
	by := map[string]int{}
	for _, a := range e.Wrong {
		by[a.By]++
	}
	for _, policy := range slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(by[b]-by[a], cmp.Compare(a, b)) }) {
		fmt.Fprintf(out, "  by %-17s  %d\n", policy, by[policy])
	}
	printFalse(out, e)
}

func printFalse(out io.Writer, e *sim.Evaluation) {
	w := table(out)
	fmt.Fprintln(w, "honest visit\twrong alerts\tof")
	for _, t := range e.False {
		fmt.Fprintf(w, "%s\t%d\t%d\n", cmp.Or(t.Type, "(nobody)"), t.Found, t.Count)
	}
	for _, t := range e.ByMistake {
		fmt.Fprintf(w, "%s, by mistake unpaid\t%d\t%d\n", t.Type, t.Found, t.Count)
	}
	for _, t := range e.ByAccomplice {
		fmt.Fprintf(w, "%s, accomplice\t%d\t%d\n", t.Type, t.Found, t.Count)
	}
	w.Flush()
}

// printCases lists what went wrong or nearly did, so that each can be looked at: the store is its seed, or its directory.
func printCases(out io.Writer, e *sim.Evaluation, stores []string) {
	w := table(out)
	fmt.Fprintln(w, "missed: no.\ttheft\tstore\tperson\ttook\tout\tunits\ttagged\tprice\tscore\tcapped by\tpolicies at review")
	for _, m := range e.Missed {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%.2f\t%s\t%s\t%s\n", catalogued(m.Theft), m.Type, stores[m.Run], m.Person, clock(m.Took), clock(m.Exit),
			m.Units, m.Tagged, float64(m.Price)/100, score(&m), m.Capped, strings.Join(m.Told, ", "))
	}
	w.Flush()
	w = table(out)
	fmt.Fprintln(w, "wrong alert\tstore\tperson\tat\tby\tgoods\twhat else")
	for _, a := range e.Wrong {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", cmp.Or(a.Type, "(nobody)"), stores[a.Run], a.Person, clock(a.At), a.By, len(a.SKUs),
			remarks(a))
	}
	w.Flush()
	w = table(out)
	fmt.Fprintln(w, "honest, surest first\tstore\tperson\tout\tscore\tcapped by\tpolicies at review")
	for _, c := range e.Surest {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Type, stores[c.Run], c.Person, clock(c.Exit), score(&c), c.Capped, strings.Join(c.Told, ", "))
	}
	w.Flush()
}

// catalogued is the number of a theft in the catalogue, "" for one that the catalogue lacks.
func catalogued(theft int) string {
	if theft == 0 {
		return ""
	}
	return strconv.Itoa(theft)
}

func score(c *sim.Case) string {
	if !c.Seen {
		return "unseen"
	}
	return fmt.Sprintf("%.3f", c.Score)
}

// remarks says what else there is to know of a wrong alert.
func remarks(a sim.Wrong) string {
	var more []string
	if a.Kind == sim.Theft {
		more = append(more, "a theft, too soon or too late")
	}
	if a.Kind == sim.Mistake {
		more = append(more, "by mistake unpaid")
	}
	if a.Kind == sim.Accomplice {
		more = append(more, "an accomplice")
	}
	if a.Another {
		more = append(more, "somebody else stole such goods")
	}
	if !a.Stands {
		more = append(more, "taken back")
	}
	return strings.Join(more, ", ")
}

func clock(ns int64) string {
	if ns == 0 {
		return "—"
	}
	return time.Unix(0, ns).UTC().Format("15:04:05")
}

func printTold(out io.Writer, e *sim.Evaluation) {
	w := table(out)
	fmt.Fprintln(w, "policy, at review\tmode\tthefts\tof\thonest\tof\tfound, by no. of theft")
	for _, p := range e.Policies {
		var found []string
		for _, t := range p.Types {
			found = append(found, fmt.Sprintf("%s: %d of %d", cmp.Or(catalogued(t.Theft), t.Type), t.Found, t.Count))
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\n", p.Policy, p.Mode, p.Right, e.Thefts, p.Wrong, e.Honest, strings.Join(found, ", "))
	}
	w.Flush()
}

// writeEvaluation writes the same for machines: the first judge's numbers, and the others beside them.
func writeEvaluation(out io.Writer, r *report) error {
	b, err := json.MarshalIndent(struct {
		Where  string
		Stores []string // by run
		*sim.Evaluation
		Others []judgedBy `json:",omitempty"`
		Done   []criterion
	}{r.where(), r.stores, r.judges[0].Evaluation, r.judges[1:], criteria(r.judges)}, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", b)
	}
	return err
}
