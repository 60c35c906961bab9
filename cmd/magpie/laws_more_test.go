package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"magpie/alerts"
	"magpie/journal"
	"magpie/policies"
	"magpie/rules"
	"magpie/sim"
	"magpie/site"
)

// lawRun is a pipeline of a world, and every line that it has printed, as replay and replay --final do.
type lawRun struct {
	lawWorld
	p      *pipeline
	list   []*alerts.Alert
	last   int64
	others map[string]*rules.Set // that a control line may name
}

func (w lawWorld) start(t *testing.T, set *rules.Set, others ...*rules.Set) *lawRun {
	t.Helper()
	r := &lawRun{lawWorld: w, others: map[string]*rules.Set{}}
	for _, s := range others {
		r.others[s.Hash] = s
	}
	var err error
	r.p, err = newPipeline(w.site, set, func(a *alerts.Alert) { r.list = append(r.list, a) },
		pipelineHooks{policies: func(l *journal.Line) *rules.Set { return r.others[l.Control.Hash] }})
	must(t, err)
	return r
}

func (r *lawRun) line(l *journal.Line) {
	r.last = max(r.last, l.Received)
	r.p.line(l)
}

func (r *lawRun) finish() (all, final []byte) {
	r.p.finish(r.last)
	var finals []*alerts.Alert
	for _, a := range r.list {
		all = append(a.AppendJSON(all, false), '\n')
		if a.Final > 0 {
			finals = append(finals, a)
		}
	}
	sortFinals(finals)
	for _, a := range finals {
		final = append(a.AppendJSON(final, true), '\n')
	}
	return all, final
}

// moved is the run in another process: what it has printed, and what comes of the bytes of its snapshot.
func (r *lawRun) moved(t *testing.T) *lawRun {
	t.Helper()
	s, err := r.p.snapshot(1, r.last)
	must(t, err)
	file := s.Append(nil)
	if s, err = journal.ParseSnapshot(bytes.Clone(file)); err != nil {
		t.Fatal(err)
	}
	n := r.lawWorld.start(t, nil)
	n.list, n.last, n.others = slices.Clone(r.list), s.Received, r.others
	must(t, n.p.resume(s))
	again, err := n.p.snapshot(1, n.last)
	must(t, err)
	if !bytes.Equal(again.Append(nil), file) {
		t.Fatal("the snapshot of what went on from a snapshot has other bytes")
	}
	return n
}

// twice repeats the messages of a recording, each at least once in a while and at most so much later; those that are no
// duplicates by the contract, since they have neither a number nor a time of their own, come once.
func twice(t *testing.T, w lawWorld, lines []journal.Line, most time.Duration, rng *rand.Rand) []journal.Line {
	t.Helper()
	p, err := newPipeline(w.site, w.set, nil, pipelineHooks{})
	must(t, err)
	end := lines[len(lines)-1].Received
	all := slices.Clone(lines)
	for _, l := range lines {
		if l.Control != nil {
			continue
		}
		m, err := p.decoder.Decode(l.Received, l.Topic, l.Retain, l.Payload)
		if err != nil || m.Ident == 0 || rng.IntN(8) == 0 {
			continue
		}
		l.Received = min(end, l.Received+rng.Int64N(int64(most)))
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b journal.Line) int {
		return int(min(1, max(-1, a.Received-b.Received)))
	})
	return all
}

// otherSet is the built-in set with another threshold, so that it judges otherwise.
func otherSet(t *testing.T, s *site.Site) *rules.Set {
	t.Helper()
	m := fstest.MapFS{}
	names, err := fs.Glob(policies.Files, "*.yaml")
	must(t, err)
	for _, name := range names {
		b, err := fs.ReadFile(policies.Files, name)
		must(t, err)
		m[name] = &fstest.MapFile{Data: bytes.ReplaceAll(b, []byte("review: 0.3"), []byte("review: 0.2"))}
	}
	set, err := rules.Load(m, ruleOptions(s))
	must(t, err)
	return set
}

// TestLawSnapshots: whoever goes on from a snapshot that was taken after any line prints the same bytes as if there had been
// none, provisional lines included; also while messages come late and twice and the policies change.
func TestLawSnapshots(t *testing.T) {
	often, cuts, printed := 40, 0, 0
	if testing.Short() {
		often = 10
	}
	for i, c := range lawCases(t) {
		rng := rand.New(rand.NewPCG(uint64(i), 5))
		other := otherSet(t, c.site)
		late, err := sim.ShuffleOnTime(c.lines, sim.ReadingsOf(c.site.Store), uint64(i), time.Duration(c.site.Store.MaxLateness())+50*time.Second)
		must(t, err)
		for _, kind := range []struct {
			name  string
			lines []journal.Line
		}{
			{"as recorded", journalLines(t, c.lines)},
			{"twice", twice(t, c.lawWorld, journalLines(t, c.lines), 70*time.Second, rng)},
			{"late", journalLines(t, late)},
		} {
			if testing.Short() && kind.name != []string{"as recorded", "twice", "late"}[i%3] {
				continue
			}
			lines := kind.lines
			for k, set := range []*rules.Set{other, c.set} {
				at := (k + 1) * len(lines) / 3
				lines = slices.Insert(slices.Clone(lines), at, journal.Line{Received: lines[at].Received,
					Control: &journal.Control{Kind: journal.ControlPolicies, Hash: set.Hash}})
			}
			whole, cut := c.start(t, c.set, other, c.set), c.start(t, c.set, other, c.set)
			for k := range lines {
				whole.line(&lines[k])
				if rng.IntN(len(lines)) < often {
					cut = cut.moved(t)
					cuts++
				}
				cut.line(&lines[k])
			}
			want, _ := whole.finish()
			got, _ := cut.moved(t).finish()
			printed += len(whole.list)
			if !bytes.Equal(got, want) {
				t.Fatalf("%s, %s:\n%s", c.name, kind.name, firstDifference(want, got))
			}
		}
	}
	if printed == 0 || cuts < often {
		t.Errorf("%d lines were printed and %d snapshots taken: the law is tried on nothing", printed, cuts)
	}
	t.Logf("%d snapshots, %d alert lines", cuts, printed)
}

// TestLawStores: stores in one process, in turn on one goroutine and each on its own, print the bytes that each prints alone.
func TestLawStores(t *testing.T) {
	cases := lawCases(t)[:orders()]
	runs, want, lines := make([]*lawRun, len(cases)), make([][]byte, len(cases)), make([][]journal.Line, len(cases))
	for i, c := range cases {
		want[i], _, _ = c.replayed(t, c.lines)
		lines[i] = journalLines(t, c.lines)
		runs[i] = c.start(t, c.set)
	}
	rng := rand.New(rand.NewPCG(1, 6))
	at := make([]int, len(cases))
	for left := len(cases); left > 0; {
		i := rng.IntN(len(cases))
		for n := rng.IntN(50); n > 0 && at[i] < len(lines[i]); n-- {
			runs[i].line(&lines[i][at[i]])
			if at[i]++; at[i] == len(lines[i]) {
				left--
			}
		}
	}
	var together sync.WaitGroup
	alone := make([]*lawRun, len(cases))
	for i, c := range cases {
		alone[i] = c.start(t, c.set)
		together.Go(func() {
			for k := range lines[i] {
				alone[i].line(&lines[i][k])
			}
		})
	}
	together.Wait()
	for i, c := range cases {
		for how, r := range map[string]*lawRun{"in turn": runs[i], "at once": alone[i]} {
			if got, _ := r.finish(); !bytes.Equal(got, want[i]) {
				t.Errorf("%s, %s with others:\n%s", c.name, how, firstDifference(want[i], got))
			}
		}
	}
}

// TestLawDuplicates: whichever messages come twice, at once or up to when they would be too late, the final lines are the
// same bytes.
func TestLawDuplicates(t *testing.T) {
	cases := lawCases(t)
	if testing.Short() {
		cases = cases[:3]
	}
	for i, c := range cases {
		_, want, _ := c.replayed(t, c.lines)
		lines := journalLines(t, c.lines)
		for seed := range orders() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			all := twice(t, c.lawWorld, lines, []time.Duration{90 * time.Second, time.Second, time.Millisecond}[seed%3], rng)
			if len(all) < len(lines)*5/4 {
				t.Fatalf("%s: only %d of %d lines come twice", c.name, len(all)-len(lines), len(lines))
			}
			r := c.start(t, c.set)
			for k := range all {
				r.line(&all[k])
			}
			if _, got := r.finish(); !bytes.Equal(got, want) {
				t.Errorf("%s, draw %d: duplicates changed the result:\n%s", c.name, seed, firstDifference(want, got))
			}
		}
	}
}

// TestLawsOften tries every law on many short recordings: thousands of cases without -short.
func TestLawsOften(t *testing.T) {
	recordings := uint64(400)
	if testing.Short() {
		recordings = 5
	}
	w := contractWorld(t)
	readings, lateness := sim.ReadingsOf(w.site.Store), time.Duration(w.site.Store.MaxLateness())
	var cases, printed atomic.Int64
	t.Run("recordings", func(t *testing.T) {
		for seed := range recordings {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(seed, 8))
				lines, err := sim.Random(1000+seed, w.site, sim.RandomOptions{Minutes: 0.3 + rng.Float64()/2, People: 1 + rng.IntN(3), Noise: 2 * rng.Float64()})
				must(t, err)
				all, final, list := w.replayed(t, lines)
				printed.Add(int64(len(list)))
				same := func(law string, want, got []byte) {
					cases.Add(1)
					if !bytes.Equal(want, got) {
						t.Errorf("%s:\n%s", law, firstDifference(want, got))
					}
				}
				r, parsed := w.start(t, w.set), journalLines(t, lines)
				for k := range parsed {
					if rng.IntN(len(parsed)) < 2 {
						r = r.moved(t)
					}
					r.line(&parsed[k])
				}
				got, _ := r.finish()
				same("law 1, over snapshots", all, got)
				shuffled, err := sim.ShuffleOnTime(lines, readings, seed, lateness)
				must(t, err)
				_, got, _ = w.replayed(t, shuffled)
				same("law 2, on time", final, got)
				late, err := sim.ShuffleOnTime(lines, readings, seed, lateness+50*time.Second)
				must(t, err)
				_, _, revised := w.replayed(t, late)
				same("law 2, late", []byte(standing(list)), []byte(standing(revised)))
				settled := sim.Settle(lines, readings)
				_, want, _ := w.replayed(t, settled)
				_, got, _ = w.replayed(t, sim.Redraw(settled, readings, seed))
				same("law 3", want, got)
				r = w.start(t, w.set)
				for _, l := range twice(t, w, parsed, time.Duration(1+rng.Int64N(int64(70*time.Second))), rng) {
					r.line(&l)
				}
				_, got = r.finish()
				same("duplicates", final, got)
			})
		}
	})
	if printed.Load() == 0 {
		t.Error("no recording gave a single alert line: the laws are tried on nothing")
	}
	t.Logf("%d cases, %d alert lines", cases.Load(), printed.Load())
}
