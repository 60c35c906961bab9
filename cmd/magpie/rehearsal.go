package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/rules"
	"magpie/sensors"
	"magpie/sim"
	"magpie/site"
)

// rehearsal is one run of a test: its script as a recording through the pipeline, and what was said at the moments that
// the test asks about.
type rehearsal struct {
	site  *site.Site
	set   *rules.Set
	test  *rules.Test
	lines []*alerts.Alert // every alert line, in order
	notes []string        // what was rejected, and why
	wrong []error
}

// probe is a moment at which expectations are checked: when a line received then has been read. For what was known on
// arrival that is the time asked about, for the final state the line that moves the watermark there.
type probe struct {
	received int64
	at       int64 // the time asked about
	expect   *rules.Expect
}

// play runs the script. A tick stands at every probe and wherever nothing arrives for a second, as a journal has them; the
// recording goes on until the last probe.
func (r *rehearsal) play(script *sim.Script) error {
	store := r.site.Store
	start, err := sim.Start(r.test.Start, store.Location)
	if err != nil {
		return err
	}
	from := start.UnixNano()
	var probes []probe
	last := int64(script.End())
	for i := range r.test.Expect {
		e := &r.test.Expect[i]
		if e.End() {
			continue
		}
		p := probe{received: from + int64(e.Offset), at: from + int64(e.Offset), expect: e}
		if !e.Provisional {
			p.received += store.MaxLateness()
		}
		last = max(last, p.received-from)
		probes = append(probes, p)
	}
	slices.SortStableFunc(probes, func(a, b probe) int { return cmp.Compare(a.received, b.received) })
	messages, err := script.Lines(r.site, sim.Options{Start: start, Until: time.Duration(last), Goods: r.goods})
	if err != nil {
		return err
	}
	hooks := pipelineHooks{rejected: func(_ *journal.Line, x *sensors.Rejection) { r.notes = append(r.notes, x.Error()) }}
	p, err := newPipeline(r.site, r.set, func(a *alerts.Alert) { r.lines = append(r.lines, a) }, hooks)
	if err != nil {
		return err
	}
	newest := int64(math.MinInt64)
	read := func(l journal.Line) {
		newest = l.Received
		p.line(&l)
	}
	tick := func(at int64) { read(journal.Line{Received: at, Control: &journal.Control{Kind: journal.ControlTick}}) }
	// until reads ticks, and stops at the probes, before the next message is received.
	until := func(received int64) {
		for newest != math.MinInt64 {
			next := newest + int64(time.Second)
			probed := len(probes) > 0 && probes[0].received <= next
			if probed {
				next = max(newest, probes[0].received)
			}
			if next >= received {
				return
			}
			tick(next)
			for probed && len(probes) > 0 && probes[0].received <= next {
				r.check(p, probes[0].expect, probes[0].at)
				probes = probes[1:]
			}
		}
	}
	for _, m := range messages {
		until(m.Received)
		read(journal.Line{Received: m.Received, Topic: m.Topic, Retain: m.Retain, Payload: m.Payload})
	}
	until(from + last + 1)
	p.finish(newest)
	for i := range r.test.Expect {
		if e := &r.test.Expect[i]; e.End() {
			r.check(p, e, math.MaxInt64)
		}
	}
	return nil
}

// goods are the SKUs of a list of common.yaml.
func (r *rehearsal) goods(list string) []string {
	var skus []string
	for i, has := range r.set.Lists[list] {
		if has {
			skus = append(skus, r.site.Store.Products[i].SKU)
		}
	}
	return skus
}

// check compares an expectation with what has been said by now.
func (r *rehearsal) check(p *pipeline, e *rules.Expect, at int64) {
	if err := e.Check(rules.Outcome{Alerts: r.seen(p, e, at), Scores: r.scores(p)}); err != nil {
		r.wrong = append(r.wrong, err)
	}
}

// seen is the newest line of each alert, for what was known on arrival the one that knew most. For the final state that is
// its newest final line; never and retracted ask about
// what was ever said, so that provisional lines count for them too, but those about a later time.
func (r *rehearsal) seen(p *pipeline, e *rules.Expect, at int64) []rules.SeenAlert {
	finalOnly := !e.Provisional && (e.Alert == "true" || e.Alert == "false")
	newest := map[string]*alerts.Alert{}
	var order []string
	for _, a := range r.lines {
		if finalOnly && a.Final == 0 || !e.Provisional && a.Final == 0 && a.EventTime > at {
			continue
		}
		if newest[a.ID] == nil {
			order = append(order, a.ID)
		}
		if was := newest[a.ID]; was == nil || !e.Provisional || alerts.Newer(a, was) {
			newest[a.ID] = a
		}
	}
	seen := make([]rules.SeenAlert, 0, len(order))
	for _, id := range order {
		a := newest[id]
		s := rules.SeenAlert{ID: a.ID, State: string(a.State), Persons: persons(a.Tracks), Policies: map[string]float64{},
			Score: a.Score, Tier: a.Tier, CappedBy: a.CappedBy}
		for _, p := range a.Policies {
			s.Policies[p.Policy] = p.Score
		}
		for _, i := range a.Items {
			s.Items = append(s.Items, rules.SeenItem{SKU: i.SKU, Count: i.Count})
		}
		for _, t := range p.desk.Targets(a) {
			s.To = append(s.To, t.Output)
		}
		for _, e := range a.Evidence {
			s.Evidence = append(s.Evidence, e.Name)
		}
		seen = append(seen, s)
	}
	return seen
}

// scores are the highest scores of visits so far: of those that are open, and of those that have ended.
func (r *rehearsal) scores(p *pipeline) []rules.SeenScore {
	var all []rules.SeenScore
	w, b := p.core.Confirmed()
	for _, v := range w.Visits() {
		if v.Subject != fusion.SubjectVisit || v.Ended != 0 {
			continue
		}
		if score, policy := b.Score(v.ID); policy != "" {
			all = append(all, rules.SeenScore{Persons: persons(v.Tracks), Policy: policy, Score: score})
		}
	}
	for _, s := range p.log.Scores() {
		if s.Policy != "" {
			all = append(all, rules.SeenScore{Persons: persons(s.Tracks), Policy: s.Policy, Score: s.Score})
		}
	}
	return all
}

// persons are the people of a script whose tracks, camera/person, these are.
func persons(tracks []string) []string {
	var all []string
	for _, t := range tracks {
		if _, name, ok := strings.Cut(t, "/"); ok && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// print tells what went wrong, below the line that names the test; what was rejected helps to see why.
func (r *rehearsal) print(out io.Writer, verbose bool) {
	for _, err := range r.wrong {
		fmt.Fprintf(out, "      %s\n", strings.ReplaceAll(err.Error(), "\n", "\n      "))
	}
	if verbose || len(r.wrong) > 0 {
		for _, n := range r.notes {
			fmt.Fprintf(out, "      rejected: %s\n", n)
		}
	}
	if verbose {
		for _, a := range r.lines {
			fmt.Fprintf(out, "      %s\n", a.AppendJSON(nil, false))
		}
	}
}
