package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"magpie/alerts"
	"magpie/journal"
	"magpie/rules"
	"magpie/sensors"
	"magpie/site"
)

// runReplay is `magpie replay`: a recording in, alert lines out.
func runReplay(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "replay", "magpie replay --site site.yaml [--policies DIR] RECORDING.jsonl[.gz|.zst] (or a journal's directory, or -)")
	sitePath := fs.String("site", "site.yaml", "the site file")
	dir := fs.String("policies", "", "judge everything by the policies of this directory (default: the site's, else the built-in ones)")
	recorded := fs.String("as-recorded", "", "take each policy set from this folder's subfolder named by its hash")
	final := fs.Bool("final", false, "only final lines, ordered by (at, id), without rev and raised_at")
	scores := fs.String("scores", "", "write one line per visit to this file")
	noClock := fs.Bool("no-clock", false, "take every source's clock as right (clock offsets fixed at 0)")
	if err := parse(fs, args); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		fs.Usage()
		return errors.New("name one recording, a journal's directory, or - for standard input")
	}
	s, err := site.Load(*sitePath)
	if err != nil {
		return err
	}
	if *dir == "" {
		*dir = s.Policies.Dir
	}
	var first *rules.Set
	if *recorded == "" {
		if first, err = loadPolicies(*dir, s); err != nil {
			return err
		}
	}
	r, err := openSegments(fs.Arg(0))
	if err != nil {
		return err
	}
	defer r.Close()

	w := bufio.NewWriter(out)
	defer w.Flush()
	var finals []*alerts.Alert
	emit := func(a *alerts.Alert) {
		if *final {
			if a.Final > 0 {
				finals = append(finals, a)
			}
			return
		}
		w.Write(append(a.AppendJSON(nil, false), '\n'))
	}
	var stats replayStats
	var loadErr error
	named := 0 // lines that say which policies judge
	hooks := pipelineHooks{rejected: stats.reject}
	if *recorded != "" {
		hooks.policies = func(l *journal.Line) *rules.Set {
			named++
			dir := filepath.Join(*recorded, l.Control.Hash)
			if _, err := os.Stat(dir); err != nil && loadErr == nil {
				loadErr = fmt.Errorf("--as-recorded: there is no folder %s, with the policies that judged from then on; give that of the journal's sets, such as DATA/policies", dir)
				return nil
			}
			set, err := loadPolicies(dir, s)
			if err != nil && loadErr == nil {
				loadErr = err
			}
			return set
		}
	}
	build := func() (*pipeline, error) {
		p, err := newPipeline(s, first, emit, hooks)
		if err == nil {
			p.final = *final
		}
		return p, err
	}
	p, err := build()
	if err != nil {
		return err
	}
	p.core.NoClock = *noClock
	hash := "as recorded"
	if first != nil {
		hash = first.Hash
	}
	fmt.Fprintf(errw, "site %s policies %s build %s\n", s.Hash, hash, buildHash())
	if first != nil {
		if asleep := first.NoneLive(s.Store); asleep != "" {
			fmt.Fprintln(errw, asleep)
		}
	}
	last, resumed := int64(0), false
	for {
		l, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		stats.lines++
		last = max(last, l.Received)
		if stats.lines == 1 && begins(&l) {
			if p, err = goOn(build, r.dir, &l, first, errw); err != nil {
				return err
			}
			resumed = true
			p.core.NoClock = *noClock
			continue
		}
		p.line(&l)
		if loadErr != nil {
			return loadErr
		}
	}
	p.finish(last)
	if *final {
		sortFinals(finals)
		for _, a := range finals {
			w.Write(append(a.AppendJSON(nil, true), '\n'))
		}
	}
	if *scores != "" {
		if err := writeScores(*scores, p.log.Scores()); err != nil {
			return err
		}
	}
	r.tell(errw)
	stats.print(errw)
	if *recorded != "" && named == 0 && !resumed {
		fmt.Fprintln(errw, "no line names the policies that judged, as a journal's do: nothing was judged; replay it with --policies")
	}
	return w.Flush()
}

// goOn makes the pipeline that judges what comes after the first line of a recording whose head was removed. Where the state
// that the line names cannot be had, it begins empty, and that is told: what began before then reads differently.
func goOn(build func() (*pipeline, error), dir string, l *journal.Line, first *rules.Set, errw io.Writer) (*pipeline, error) {
	p, err := build()
	if err != nil {
		return nil, err
	}
	if err := p.resumeFrom(dir, l); err != nil {
		fmt.Fprintf(errw, "begins EMPTY, so that what began before the first line is judged differently than it was: the state before it cannot be restored: %v\n", err)
		return build()
	}
	if first != nil {
		p.desk.Install(l.Received, first)
	}
	fmt.Fprintf(errw, "goes on from the state %s\n", l.Control.State)
	return p, nil
}

// sortFinals puts final lines in the order of replay --final: by (at, id).
func sortFinals(list []*alerts.Alert) {
	slices.SortStableFunc(list, func(a, b *alerts.Alert) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	})
}

// replayStats says on standard error what became of the lines.
type replayStats struct {
	lines    int
	rejected map[string]int
	example  map[string]string
}

func (s *replayStats) reject(_ *journal.Line, r *sensors.Rejection) {
	if s.rejected == nil {
		s.rejected, s.example = map[string]int{}, map[string]string{}
	}
	k := r.Code
	if s.rejected[k]++; s.rejected[k] == 1 {
		s.example[k] = r.Error()
	}
}

func (s *replayStats) print(w io.Writer) {
	n := 0
	var codes []string
	for k, c := range s.rejected {
		n += c
		codes = append(codes, k)
	}
	sort.Strings(codes)
	fmt.Fprintf(w, "%d lines, %d rejected\n", s.lines, n)
	for _, k := range codes {
		fmt.Fprintf(w, "  %s: %d, e.g. %s\n", k, s.rejected[k], s.example[k])
	}
}

func writeScores(path string, list []*alerts.VisitScore) error {
	var b []byte
	for _, s := range list {
		b = append(s.AppendJSON(b), '\n')
	}
	return os.WriteFile(path, b, 0o644)
}
