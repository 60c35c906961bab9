package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"magpie/baseline"
	"magpie/journal"
	"magpie/sim"
	"magpie/site"
)

// evaluation is what `magpie evaluate` is asked for.
type evaluation struct {
	policies string
	runs     int
	seed     uint64
	aisles   int
	split    string
	against  bool
	o        sim.ShopOptions
	errw     io.Writer
}

// runEvaluate is `magpie evaluate`: stores are drawn and played, policies judge them, and what they say is held against what
// was so.
func runEvaluate(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	fs.SetOutput(errw)
	e := evaluation{errw: errw}
	fs.StringVar(&e.policies, "policies", "", "the policies that judge, a `directory` (default: the built-in ones)")
	fs.IntVar(&e.runs, "runs", 12, "how many stores are drawn and played")
	fs.Uint64Var(&e.seed, "seed", 1, "of the first store; each further one has the next")
	fs.IntVar(&e.aisles, "aisles", 5, "how many aisles each store has")
	fs.StringVar(&e.split, "split", "", "play the families of a `split` in turn: "+strings.Join(sim.Splits[:], ", ")+" (default: all there is)")
	fs.BoolVar(&e.against, "against", false, "judge by the baselines and by parts of Magpie as well; baselines are fitted on as many runs of the split tune")
	final := fs.Bool("final", false, "judge by final lines only: four times as fast, and alerts come some seconds later")
	cases := fs.Bool("cases", false, "list the thefts that led to no alert, and the alerts that were wrong")
	asJSON := fs.Bool("json", false, "print one JSON object in place of the table")
	page := fs.String("html", "", "write a report with plots to a `file` as well")
	flags := newShopFlags(fs, sim.ShopOptions{Hours: 0.5, Thefts: 0.12, Twins: 0.6, Noise: 1, Spread: true})
	fs.Usage = func() {
		fmt.Fprintln(errw, "usage: magpie evaluate [--policies DIR] [--runs N] [--seed N] [--split NAME] [--against] [--thefts SHARE] [--off KIND,…] [--final] [--cases] [--html FILE] [--json]")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 || e.runs < 1 || e.runs > 1000 {
		fs.Usage()
		return errors.New("give 1 to 1000 runs, and nothing beside the flags")
	}
	if e.split != "" && sim.FamiliesOf(e.split) == nil {
		return fmt.Errorf("there is no split %q: --split is one of %s", e.split, strings.Join(sim.Splits[:], ", "))
	}
	if e.against && flags.o.Thefts == 0 {
		return errors.New("baselines are fitted to thefts: give --against or --thefts 0, not both")
	}
	e.o = flags.options()
	if err := e.o.Check(); err != nil {
		return err
	}
	if *page != "" { // before the work, which takes minutes
		f, err := os.Create(*page)
		if err != nil {
			return fmt.Errorf("--html: %w", err)
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("--html: %w", err)
		}
	}
	judges := judgesOf(e.against, *final)
	if e.against {
		tuned, err := e.play(ctx, "tune", judges, tuneSeed, true)
		if err != nil {
			return err
		}
		for _, j := range judges {
			if j.part == nil {
				j.tune(tuned)
			}
		}
	}
	began := time.Now()
	played, err := e.play(ctx, e.split, judges, e.seed, false)
	if err != nil {
		return err
	}
	hours, took := float64(e.runs)*e.o.Hours, time.Since(began)
	fmt.Fprintf(errw, "%.1f store hours in %v: %.1f a minute\n", hours, took.Round(time.Second), hours/took.Minutes())
	all := make([]judgedBy, len(judges))
	for k, j := range judges {
		all[k] = judgedBy{j.name, j.what, j.part == nil, j.part != nil && j.part.final, sim.Evaluate(j.ofAll(played))}
	}
	if *page != "" {
		if err := writeEvaluationPage(*page, "magpie evaluate "+strings.Join(args, " "), all, e.seed); err != nil {
			return err
		}
	}
	if *asJSON {
		return writeEvaluation(out, all)
	}
	printEvaluation(out, all, e.seed, *cases)
	return nil
}

// tuneSeed is the first store on which baselines are fitted; nothing else uses it.
const tuneSeed = 9_000_000

// playedRun is a store that was played, and what each judge said of it.
type playedRun struct {
	hours  float64
	visits []*sim.Visit
	said   map[string][]baseline.Said // of baselines that read the messages, by the judge's name
	judged map[string]sim.Judged      // of Magpie and its parts

	evidence []*evidenceSeen // what the policies saw of each visit
}

// play draws runs stores, in each the next family of a split, and lets all judge.
func (e *evaluation) play(ctx context.Context, split string, judges []*judge, seed uint64, fitting bool) ([]playedRun, error) {
	played := make([]playedRun, e.runs)
	errs := make([]error, e.runs)
	families := sim.FamiliesOf(split)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	next, done := make(chan int), make(chan int)
	for range min(runtime.GOMAXPROCS(0), e.runs) {
		wg.Go(func() {
			for i := range next {
				o, aisles := e.o, e.aisles
				if families != nil {
					f := families[i%len(families)]
					if o.Only == nil {
						o.Only = f.Only
					}
					if f.Set != nil {
						f.Set(&o, &aisles)
					}
				}
				if played[i], errs[i] = playAndJudge(seed+uint64(i), aisles, e.policies, o, judges, fitting); errs[i] != nil {
					stop() // the others would say the same
				}
				done <- i
			}
		})
	}
	go func() {
		defer close(next)
		for i := range e.runs {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() { wg.Wait(); close(done) }()
	finished := 0
	for i := range done {
		if errs[i] == nil {
			finished++
			fmt.Fprintf(e.errw, "\r%d of %d runs", finished, e.runs)
		}
	}
	if finished > 0 {
		fmt.Fprintln(e.errw)
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	return played, ctx.Err()
}

// playAndJudge draws a store, plays it, and lets all judge the recording; when they are fitted,
// the baselines only, and Magpie for its evidence.
func playAndJudge(seed uint64, aisles int, policies string, o sim.ShopOptions, judges []*judge, fitting bool) (r playedRun, err error) {
	dir, err := os.MkdirTemp("", "magpie-evaluate")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	path, err := drawSite(dir, seed, aisles)
	if err != nil {
		return r, err
	}
	s, err := site.Load(path)
	if err != nil {
		return r, err
	}
	if _, err := loadPolicies(policies, s); err != nil { // before the work
		return r, err
	}
	played, err := sim.Simulate(seed, s, o)
	if err != nil {
		return r, err
	}
	lines := make([]journal.Line, len(played.Lines))
	for i := range lines {
		if lines[i], err = journal.Parse(played.Lines[i].AppendJSON(nil)); err != nil {
			return r, err
		}
	}
	r = playedRun{hours: o.Hours, visits: played.Visits, said: map[string][]baseline.Said{}, judged: map[string]sim.Judged{}}
	watchers := map[string]baseline.Watcher{}
	for _, j := range judges {
		switch {
		case j.watch != nil:
			watchers[j.name] = j.watch(s.Store)
		case j.name == nameFinal:
			log := newEvidenceLog()
			if r.judged[j.name], err = j.part.judge(s, policies, lines, log); err != nil {
				return r, err
			}
			for _, id := range slices.Sorted(maps.Keys(log.visits)) {
				r.evidence = append(r.evidence, log.visits[id])
			}
		case j.part != nil && !fitting:
			if r.judged[j.name], err = j.part.judge(s, policies, lines, nil); err != nil {
				return r, err
			}
		}
	}
	for name, judged := range r.judged {
		judged.Hours, judged.Visits = r.hours, r.visits
		r.judged[name] = judged
	}
	if len(watchers) > 0 {
		if err := decodeFor(s, lines, watchers); err != nil {
			return r, err
		}
	}
	for name, w := range watchers {
		r.said[name] = w.Said()
	}
	return r, nil
}
