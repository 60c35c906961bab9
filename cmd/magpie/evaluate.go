package main

import (
	"cmp"
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
	given    []string // directories with recordings, in place of stores that are drawn
	against  bool
	o        sim.ShopOptions
	errw     io.Writer
}

// runEvaluate is `magpie evaluate`: stores are drawn and played, or recordings with their truth given; policies judge them, and
// what they say is held against what was so.
func runEvaluate(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "evaluate", "magpie evaluate [--policies DIR] [--runs N] [--seed N] [--split NAME] [--against] [--thefts SHARE] [--off KIND,…] [--final] [--cases] [--html FILE] [--json]\n"+
		"       magpie evaluate [--policies DIR] [--against] [--final] [--cases] [--html FILE] [--json] DIR…\n"+
		"Each DIR holds a recording.jsonl, its truth.jsonl, site.yaml and what that names, as magpie simulate writes them.")
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
	if err := parse(fs, args); err != nil {
		return err
	}
	e.given = fs.Args()
	if err := e.check(fs, flags.o.Thefts); err != nil {
		return err
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
		tuned, err := e.play(ctx, drawn{e.o, e.aisles, "tune", tuneSeed}, max(e.runs, len(e.given)), judges, true)
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
	var from stores = drawn{e.o, e.aisles, e.split, e.seed}
	if len(e.given) > 0 {
		e.runs, from = len(e.given), given(e.given)
	}
	played, err := e.play(ctx, from, e.runs, judges, false)
	if err != nil {
		return err
	}
	r := report{command: "magpie evaluate " + strings.Join(args, " "), given: len(e.given) > 0}
	hours, took := 0.0, time.Since(began)
	for i := range played {
		hours += played[i].hours
		r.stores = append(r.stores, from.name(i))
	}
	fmt.Fprintf(errw, "%.1f store hours in %v: %.1f a minute\n", hours, took.Round(time.Second), hours/took.Minutes())
	for _, j := range judges {
		r.judges = append(r.judges, judgedBy{j.name, j.what, j.part == nil, j.part != nil && j.part.final, sim.Evaluate(j.ofAll(played))})
	}
	if *page != "" {
		if err := writeEvaluationPage(*page, &r); err != nil {
			return err
		}
	}
	if *asJSON {
		return writeEvaluation(out, &r)
	}
	printEvaluation(out, &r, *cases)
	return nil
}

// check reports what cannot be asked for together.
func (e *evaluation) check(fs *flag.FlagSet, thefts float64) (err error) {
	if len(e.given) > 0 {
		fs.Visit(func(f *flag.Flag) {
			switch f.Name {
			case "policies", "against", "final", "cases", "json", "html":
			default:
				err = cmp.Or(err, fmt.Errorf("--%s is for stores that are drawn, and %s is a recording: give one of them", f.Name, e.given[0]))
			}
		})
		return err
	}
	if e.runs < 1 || e.runs > 1000 {
		fs.Usage()
		return errors.New("give 1 to 1000 runs, or directories with recordings")
	}
	if e.split != "" && sim.FamiliesOf(e.split) == nil {
		return fmt.Errorf("there is no split %q: --split is one of %s", e.split, strings.Join(sim.Splits[:], ", "))
	}
	if e.against && thefts == 0 {
		return errors.New("baselines are fitted to thefts: give --against or --thefts 0, not both")
	}
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
	rejected replayStats     // of the first judge
}

// play lets all judge so many stores.
func (e *evaluation) play(ctx context.Context, from stores, runs int, judges []*judge, fitting bool) ([]playedRun, error) {
	played := make([]playedRun, runs)
	errs := make([]error, runs)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	next, done := make(chan int), make(chan int)
	for range min(runtime.GOMAXPROCS(0), runs) {
		wg.Go(func() {
			for i := range next {
				if played[i], errs[i] = e.playOne(from, i, judges, fitting); errs[i] != nil {
					stop() // the others would say the same
				}
				done <- i
			}
		})
	}
	go func() {
		defer close(next)
		for i := range runs {
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
			fmt.Fprintf(e.errw, "\r%d of %d runs", finished, runs)
		}
	}
	if finished > 0 {
		fmt.Fprintln(e.errw)
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	for i := range played {
		if rejected := &played[i].rejected; len(rejected.rejected) > 0 && len(e.given) > 0 {
			fmt.Fprintf(e.errw, "%s: ", from.name(i))
			rejected.print(e.errw)
		}
	}
	return played, ctx.Err()
}

// playOne lets all judge a store; when they are fitted, the baselines only, and Magpie for its evidence.
func (e *evaluation) playOne(from stores, i int, judges []*judge, fitting bool) (r playedRun, err error) {
	p, err := from.open(i, func(s *site.Site) error { // before the work
		_, err := loadPolicies(e.policies, s)
		return err
	})
	if err != nil {
		return r, err
	}
	r = playedRun{hours: p.hours, visits: p.visits, said: map[string][]baseline.Said{}, judged: map[string]sim.Judged{}}
	watchers := map[string]baseline.Watcher{}
	for k, j := range judges {
		switch {
		case j.watch != nil:
			watchers[j.name] = j.watch(p.site.Store)
		case j.name == nameFinal:
			log := newEvidenceLog()
			if r.judged[j.name], err = j.part.judge(p.site, e.policies, p.lines, log, nil); err != nil {
				return r, err
			}
			for _, id := range slices.Sorted(maps.Keys(log.visits)) {
				r.evidence = append(r.evidence, log.visits[id])
			}
		case j.part != nil && !fitting:
			var rejected *replayStats
			if k == 0 {
				rejected = &r.rejected
			}
			if r.judged[j.name], err = j.part.judge(p.site, e.policies, p.lines, nil, rejected); err != nil {
				return r, err
			}
		}
	}
	for name, judged := range r.judged {
		judged.Hours, judged.Visits = r.hours, r.visits
		r.judged[name] = judged
	}
	if !fitting && len(e.given) > 0 {
		if err := p.known(r.judged[judges[0].name].Scores); err != nil {
			return r, fmt.Errorf("%s: %w", from.name(i), err)
		}
	}
	if len(watchers) > 0 {
		if err := decodeFor(p.site, p.lines, watchers); err != nil {
			return r, err
		}
	}
	for name, w := range watchers {
		r.said[name] = w.Said()
	}
	return r, nil
}
