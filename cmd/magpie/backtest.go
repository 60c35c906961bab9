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
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"magpie/rules"
	"magpie/site"
)

// maxShown bounds the differences that the table lists; --json and --html have all.
const maxShown = 40

// runBacktest is `magpie backtest`: recordings judged by two policy sets, and how what they say differs.
func runBacktest(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := flag.NewFlagSet("backtest", flag.ContinueOnError)
	fs.SetOutput(errw)
	sitePath := fs.String("site", "", "the site `file` (default: site.yaml beside the recording, else here)")
	base := fs.String("base", "", "the policies as they were, a `directory` (default: the site's, else the built-in ones)")
	with := fs.String("with", "", "the policies to try, a `directory`")
	var files list
	fs.Var(&files, "verdicts", "`file` of what people said of alerts, or the truth of a simulation; may be given again\n"+
		"(default: verdicts.jsonl and truth.jsonl where the recording lies)")
	asJSON := fs.Bool("json", false, "print one JSON object in place of the table")
	page := fs.String("html", "", "write a page with plots to this `file`")
	failOn := fs.String("fail-on", "", "end with 1 on any of these `words`, separated by commas: "+strings.Join(failWords, ", "))
	fs.Usage = func() {
		fmt.Fprintln(errw, "usage: magpie backtest [--site site.yaml] [--base OLD] --with NEW [--json] [--html FILE] [--fail-on WORDS] RECORDING…")
		fs.PrintDefaults()
	}
	if err := parse(fs, args); err != nil {
		return err
	}
	if fs.NArg() == 0 || *with == "" {
		fs.Usage()
		return errors.New("name the policies to try (--with), and one or more recordings or directories of a journal")
	}
	for _, w := range words(*failOn) {
		if !slices.Contains(failWords, w) {
			return fmt.Errorf("--fail-on: unknown word %q; possible are %s", w, strings.Join(failWords, ", "))
		}
	}
	for _, set := range []struct{ flag, dir string }{{"--base", *base}, {"--with", *with}} {
		if set.dir == "" {
			continue
		}
		if _, err := os.Stat(set.dir); err != nil {
			return fmt.Errorf("policies: %w; give %s their directory", err, set.flag)
		}
	}
	done, err := openBacktest(fs.Args(), *sitePath, *base, *with)
	if err != nil {
		return err
	}
	verdicts, err := findVerdicts(files, fs.Args(), errw)
	if err != nil {
		return err
	}
	if err := playAll(ctx, done, errw); err != nil {
		return err
	}
	for _, x := range done {
		x.in.tell(errw)
	}
	r := compare(done, verdicts)
	r.Base = backtestSet{cmp.Or(*base, done[0].site.Policies.Dir, "built-in"), done[0].base.set.Hash}
	r.With = backtestSet{*with, done[0].with.set.Hash}
	r.warn(errw)
	if *page != "" {
		if err := r.writePage(*page); err != nil {
			return err
		}
	}
	if *asJSON {
		b, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", b)
	} else {
		r.print(out)
	}
	return r.fails(words(*failOn))
}

// list is a flag that may be given again.
type list []string

func (l *list) String() string     { return strings.Join(*l, ", ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// openBacktest loads the site and both sets for every recording; everything that is wrong with any at once.
func openBacktest(recordings []string, sitePath, base, with string) (all []*backtested, err error) {
	var errs []error
	for _, path := range recordings {
		r := &backtested{path: path, said: map[string]said{}, verdicts: map[string]string{}}
		file := sitePath
		if file == "" {
			file = "site.yaml"
			beside := filepath.Join(filepath.Dir(path), "site.yaml")
			if _, err := os.Stat(beside); err == nil && path != "-" {
				file = beside
			}
		}
		if r.site, err = site.Load(file); err != nil {
			errs = append(errs, err)
			continue
		}
		sets := [2]*rules.Set{}
		for i, dir := range []string{cmp.Or(base, r.site.Policies.Dir), with} {
			if sets[i], err = loadPolicies(dir, r.site); err != nil {
				errs = append(errs, err)
			}
		}
		r.base, r.with = newSide(sets[0]), newSide(sets[1])
		all = append(all, r)
	}
	for i := 1; i < len(all) && errs == nil; i++ {
		if all[i].base.set.Hash != all[0].base.set.Hash {
			errs = append(errs, fmt.Errorf("the sites of %s and %s have other policies; name one set with --base", all[0].path, all[i].path))
		}
	}
	return all, joinOnce(errs)
}

// joinOnce joins errors, each that says the same once.
func joinOnce(errs []error) error {
	var once []error
	for _, e := range errs {
		if !slices.ContainsFunc(once, func(o error) bool { return o.Error() == e.Error() }) {
			once = append(once, e)
		}
	}
	return errors.Join(once...)
}

// findVerdicts reads the files that were named, else those that lie where the recordings do.
func findVerdicts(files, recordings []string, errw io.Writer) (all []*verdictsOf, err error) {
	if len(files) == 0 {
		for _, r := range recordings {
			for _, f := range besides(r) {
				if !slices.Contains(files, f) {
					files = append(files, f)
				}
			}
		}
	}
	var errs []error
	for _, f := range files {
		v, err := readVerdicts(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(errw, "verdicts of %s: %d\n", f, len(v.marks)+len(v.truth))
		all = append(all, v)
	}
	return all, errors.Join(errs...)
}

// playAll plays the recordings, as many at once as there are cores.
func playAll(ctx context.Context, all []*backtested, errw io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &playProgress{out: errw, all: len(all), read: make([]int64, len(all)), sizes: make([]int64, len(all))}
	for i, r := range all {
		p.sizes[i] = sizeOf(r.path)
	}
	errs := make([]error, len(all))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		wg.Go(func() {
			for i := range next {
				if errs[i] = all[i].play(ctx, func(bytes int64) { p.at(i, bytes) }); errs[i] != nil {
					cancel()
				}
				p.finished()
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	wg.Wait()
	fmt.Fprintln(errw)
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(errs...)
}

// playProgress says on standard error how much of the recordings has been read.
type playProgress struct {
	mu          sync.Mutex
	out         io.Writer
	all, done   int
	read, sizes []int64
	said        int64
}

func (p *playProgress) at(i int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read[i] = bytes
	p.say()
}

func (p *playProgress) finished() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.said = -1
	p.say()
}

func (p *playProgress) say() {
	var read, size int64
	for i := range p.sizes {
		read, size = read+p.read[i], size+p.sizes[i]
	}
	if size == 0 { // standard input
		return
	}
	if share := 100 * read / size / 2 * 2; share != p.said {
		p.said = share
		fmt.Fprintf(p.out, "\r%3d %% of %s, %d of %d recordings done", share, bytesOf(size), p.done, p.all)
	}
}

func bytesOf(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}

// sizeOf is how many bytes a recording has on disk; 0 if that is not known, which who opens it will learn.
func sizeOf(path string) int64 {
	s, err := openSegments(path)
	if err != nil || path == "-" {
		return 0
	}
	defer s.Close()
	return s.size
}

// warn tells what limits the comparison.
func (r *backtestReport) warn(errw io.Writer) {
	for _, x := range r.Recordings {
		if x.Headless {
			fmt.Fprintf(errw, "%s goes on from a state before it, with which both sets do without: its first visits are judged as if they began there\n", x.File)
		}
		if x.Rejected > 0 {
			fmt.Fprintf(errw, "%s: %d of %d lines were rejected; magpie replay says why\n", x.File, x.Rejected, x.Lines)
		}
	}
	if n := len(r.Verdicts.Unknown); n > 0 {
		fmt.Fprintf(errw, "%s of none of these recordings, such as %s\n", counted(n, "verdict is about an alert", "verdicts are about alerts"), r.Verdicts.Unknown[0])
	}
}

// failWords are what --fail-on may ask for.
var failWords = []string{"false", "missed", "appear", "vanish", "change"}

// fails is the failure that --fail-on asks for: an alert with a verdict of a false one that the set base does not have, or has
// at a lower tier; a loss that base finds and with does not; or any alert that appears, vanishes or changes.
func (r *backtestReport) fails(on []string) error {
	count := map[string]int{}
	for _, c := range r.Changes {
		count[c.Change]++
		class := classes[c.Verdict]
		if class == falseAlert && c.With != nil && (c.Base == nil || rules.TierRank(c.With.Tier) > rules.TierRank(c.Base.Tier)) {
			count["false"]++
		}
		if class == trueAlert && c.With == nil {
			count["missed"]++
		}
	}
	means := map[string]string{"false": "new false alerts", "missed": "losses that are found no longer", "appear": "alerts that appear",
		"vanish": "alerts that vanish", "change": "alerts that change"}
	var all []string
	for _, w := range on {
		if count[w] > 0 {
			all = append(all, fmt.Sprintf("%s: %d", means[w], count[w]))
		}
	}
	if len(all) == 0 {
		return nil
	}
	return failed("--fail-on: %s", strings.Join(all, ", "))
}

// print writes the table.
func (r *backtestReport) print(out io.Writer) {
	fmt.Fprintf(out, "base  %s  %s\nwith  %s  %s\n", r.Base.Hash, r.Base.Name, r.With.Hash, r.With.Name)
	lines, visits, hours := r.sums()
	fmt.Fprintf(out, "%s, %.1f hours, %s, %s\n\n", counted(len(r.Recordings), "recording"), hours, counted(visits, "visit"), counted(lines, "line"))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "policy\tmode\talerts\tappear\tvanish\tchange\ttrue\tfalse\tneither\tno verdict\ttaken back")
	row := func(name, mode string, x *backtestRow) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", name, mode, step(x.Base.Alerts, x.With.Alerts), x.Appear, x.Vanish, x.Change,
			step(x.Base.True, x.With.True), step(x.Base.False, x.With.False), step(x.Base.Neither, x.With.Neither),
			step(x.Base.Unjudged, x.With.Unjudged), step(x.Base.Retracted, x.With.Retracted))
	}
	for i := range r.Policies {
		x := &r.Policies[i]
		row(x.Policy, modes(*x.Mode), x)
	}
	row("all", "", &r.Total)
	w.Flush()
	if r.Verdicts.Given > 0 {
		fmt.Fprintf(out, "\nlosses without an alert: %s; precision where there is a verdict: %s → %s\n",
			step(r.Verdicts.MissedBase, r.Verdicts.MissedWith), precision(&r.Total.Base), precision(&r.Total.With))
	}
	if len(r.Shadow) > 0 {
		fmt.Fprintln(out)
		w = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "in shadow\tmode\tgate\tstaff\treview\tlog\tof whom true\tfalse")
		for _, x := range r.Shadow {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n", x.Policy, modes(x.Mode), step(x.Base["gate"], x.With["gate"]),
				step(x.Base["staff"], x.With["staff"]), step(x.Base["review"], x.With["review"]), step(x.Base["log"], x.With["log"]), x.Of.True, x.Of.False)
		}
		w.Flush()
	}
	r.printChanges(out)
}

func (r *backtestReport) printChanges(out io.Writer) {
	if len(r.Changes) == 0 {
		fmt.Fprintln(out, "\nno alert differs")
		return
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, c := range r.Changes {
		if i == maxShown {
			break
		}
		a := c.With
		if a == nil {
			a = c.Base
		}
		what := a.Message
		if c.Change == "change" {
			what = strings.Join(c.What[:min(3, len(c.What))], ", ")
			if n := len(c.What) - 3; n > 0 {
				what += fmt.Sprintf(" and %d more", n)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s %.2f\t%s\t%s\n", c.Change, c.at.Format("2006-01-02 15:04:05"), c.Subject, a.Tier, a.Score,
			cmp.Or(c.Verdict, "-"), what)
	}
	w.Flush()
	if n := len(r.Changes) - maxShown; n > 0 {
		fmt.Fprintf(out, "and %d more; --json and --html have all\n", n)
	}
}

// step is a number as it was and as it is.
func step(base, with int) string {
	if base == with {
		return fmt.Sprint(base)
	}
	return fmt.Sprintf("%d → %d", base, with)
}

func modes(m [2]string) string {
	if m[0] == m[1] {
		return m[0]
	}
	return m[0] + " → " + m[1]
}

// precision is the share of true ones among the alerts with a verdict that says so or not.
func precision(c *backtestCounts) string {
	if c.True+c.False == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(c.True)/float64(c.True+c.False))
}
