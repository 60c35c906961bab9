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

	"magpie/alerts"
	"magpie/baseline"
	"magpie/fusion"
	"magpie/journal"
	"magpie/rules"
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
	asJSON := fs.Bool("json", false, "print one JSON object in place of the table")
	page := fs.String("html", "", "write a report with plots to a `file` as well")
	flags := newShopFlags(fs, sim.ShopOptions{Hours: 0.5, Thefts: 0.12, Twins: 0.6, Noise: 1, Spread: true})
	fs.Usage = func() {
		fmt.Fprintln(errw, "usage: magpie evaluate [--policies DIR] [--runs N] [--seed N] [--split NAME] [--against] [--off KIND,…] [--html FILE] [--json]")
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
	if *page != "" { // before the work, which takes minutes
		f, err := os.Create(*page)
		if err != nil {
			return fmt.Errorf("--html: %w", err)
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("--html: %w", err)
		}
	}
	e.o = flags.options()
	var judges []judge
	for k, c := range contestants(e.against) {
		judges = append(judges, judge{contestant: c, index: k})
	}
	if e.against {
		tuned, err := e.play(ctx, "tune", judges, tuneSeed, true)
		if err != nil {
			return err
		}
		fit(judges, tuned)
	}
	played, err := e.play(ctx, e.split, judges, e.seed, false)
	if err != nil {
		return err
	}
	all := make([]judgedBy, len(judges))
	for k := range judges {
		all[k] = judgedBy{judges[k].name, judges[k].what, judges[k].fits(), sim.Evaluate(runsOf(judges, k, played))}
	}
	if *page != "" {
		if err := writeEvaluationPage(*page, "magpie evaluate "+strings.Join(args, " "), all); err != nil {
			return err
		}
	}
	if *asJSON {
		return writeEvaluation(out, all)
	}
	printEvaluation(out, all)
	return nil
}

// tuneSeed is the first store on which baselines are fitted; nothing else uses it.
const tuneSeed = 9_000_000

// playedRun is a store that was played, and what each judge said of it.
type playedRun struct {
	hours  float64
	visits []*sim.Visit
	said   [][]baseline.Said // of judges that are baselines
	judged []sim.Judged      // of the others

	evidence []*evidenceSeen // what the policies saw of each visit
}

// play draws runs stores, in each the next family of a split, and lets all judge.
func (e *evaluation) play(ctx context.Context, split string, judges []judge, seed uint64, fitting bool) ([]playedRun, error) {
	played := make([]playedRun, e.runs)
	errs := make([]error, e.runs)
	families := sim.FamiliesOf(split)
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
				played[i], errs[i] = playAndJudge(seed+uint64(i), aisles, e.policies, o, judges, fitting)
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
	for range done {
		finished++
		fmt.Fprintf(e.errw, "\r%d of %d runs", finished, e.runs)
	}
	fmt.Fprintln(e.errw)
	return played, errors.Join(append(errs, ctx.Err())...)
}

// playAndJudge draws a store, plays it, and lets all judge the recording; when they are fitted,
// the baselines only, and Magpie for its evidence.
func playAndJudge(seed uint64, aisles int, policies string, o sim.ShopOptions, judges []judge, fitting bool) (r playedRun, err error) {
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
	r = playedRun{hours: o.Hours, visits: played.Visits, said: make([][]baseline.Said, len(judges)), judged: make([]sim.Judged, len(judges))}
	watchers := make([]baseline.Watcher, len(judges))
	for k := range judges {
		switch j := &judges[k]; {
		case j.start != nil:
			watchers[k] = j.start(s.Store)
		case k == 0 || !j.fits() && !fitting:
			set, err := j.load(policies, s)
			if err != nil {
				return r, err
			}
			var log *evidenceLog
			if k == 0 && len(judges) > 1 {
				log = newEvidenceLog()
			}
			if r.judged[k], err = replayFor(s, set, lines, j.hears, log); err != nil {
				return r, err
			}
			if log != nil {
				for _, id := range slices.Sorted(maps.Keys(log.visits)) {
					r.evidence = append(r.evidence, log.visits[id])
				}
			}
			r.judged[k].Hours, r.judged[k].Visits = o.Hours, played.Visits
		}
	}
	if err := decodeFor(s, lines, watchers); err != nil {
		return r, err
	}
	for k, w := range watchers {
		if w != nil {
			r.said[k] = w.Said()
		}
	}
	return r, nil
}

// replayFor replays the lines that are heard, as magpie replay does, and gathers the scores of all visits and the alerts that
// reached the tier staff.
func replayFor(s *site.Site, set *rules.Set, lines []journal.Line, hears func(topic string) bool, log *evidenceLog) (j sim.Judged, err error) {
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
			for range max(1, item.Count) {
				r.SKUs = append(r.SKUs, item.SKU)
			}
		}
	}, pipelineHooks{})
	if err != nil {
		return j, err
	}
	told, modes := spoken(p.desk, set)
	j.Policies = modes
	if log != nil {
		say := p.desk.Watch
		p.desk.Watch = func(set *rules.Set, m *rules.Memory, v fusion.View) {
			say(set, m, v)
			log.watch(set, m, v)
		}
	}
	last := int64(0)
	for i := range lines {
		l := &lines[i]
		if hears != nil && !hears(l.Topic) {
			continue
		}
		last = max(last, l.Received)
		p.line(l)
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
