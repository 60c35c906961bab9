package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/policies"
	"magpie/rules"
	"magpie/sensors"
	"magpie/site"
)

// pipeline turns lines of the journal into alert lines: decode, fold, judge, say. One goroutine owns it; it knows no
// clock, so that a live run and the replay of its journal do the same.
type pipeline struct {
	site    *site.Site
	decoder *sensors.Decoder
	desk    *alerts.Desk
	core    *fusion.Core[*alerts.Book]
	log     *alerts.Log
	hooks   pipelineHooks
	final   bool // it is asked for final lines only: nothing is supposed
	frozen  int  // bytes of what was frozen last
}

// pipelineHooks are told what becomes of each line; any may be nil.
type pipelineHooks struct {
	decoded   func(l *journal.Line, m *fusion.Message, v fusion.Verdict)
	rejected  func(l *journal.Line, r *sensors.Rejection)
	policies  func(l *journal.Line) *rules.Set // the set that a control line names; nil: none, it is ignored
	confirmed func(w *fusion.World)            // after each line, with what the watermark has decided
}

// newPipeline returns a pipeline without history whose first set judges everything.
func newPipeline(s *site.Site, set *rules.Set, emit func(*alerts.Alert), hooks pipelineHooks) (*pipeline, error) {
	d, err := sensors.NewDecoder(s.Store, sensors.Options{Foreign: s.Sources, Cameras: s.Cameras, Cashier: s.Privacy.Cashier})
	if err != nil {
		return nil, err
	}
	desk := &alerts.Desk{Store: s.Store, SiteHash: s.Hash,
		Budget: alerts.Budget{Day: s.Budget.Day, Hour: s.Budget.Hour, Source: s.Budget.Source}}
	if set != nil {
		desk.Install(0, set)
	}
	return &pipeline{site: s, decoder: d, desk: desk, core: fusion.NewCore(s.Store, desk.Judge()), log: alerts.NewLog(emit),
		hooks: hooks}, nil
}

// line takes the next line, in the order of the journal.
func (p *pipeline) line(l *journal.Line) {
	p.core.Arrive(l.Received)
	urgent := false
	switch {
	case l.Control != nil:
		if l.Control.Kind == journal.ControlPolicies && p.hooks.policies != nil {
			if set := p.hooks.policies(l); set != nil {
				p.desk.Install(l.Received, set)
			}
		}
	default:
		urgent = p.message(l)
	}
	p.confirm(p.core.Advance(), l.Received)
	if urgent && !p.final {
		w, b := p.core.Provisional()
		p.log.Suppose(w, b, l.Received)
	}
}

func (p *pipeline) message(l *journal.Line) (urgent bool) {
	m, err := p.decoder.Decode(l.Received, l.Topic, l.Retain, l.Payload)
	if err != nil {
		var r *sensors.Rejection
		if errors.As(err, &r) && p.hooks.rejected != nil { // not for what Magpie said itself, which is no input
			p.hooks.rejected(l, r)
		}
		return false
	}
	v := p.core.Add(&m)
	if v == fusion.TooLate {
		if p.hooks.rejected != nil {
			p.hooks.rejected(l, p.tooLate(l, &m))
		}
		return false
	}
	if p.hooks.decoded != nil {
		p.hooks.decoded(l, &m, v)
	}
	return v != fusion.Duplicate && p.core.Urgent(&m)
}

// tooLate says why a message that is too far behind the watermark cannot count any more.
func (p *pipeline) tooLate(l *journal.Line, m *fusion.Message) *sensors.Rejection {
	behind := time.Duration(p.core.Watermark() - m.TS)
	return &sensors.Rejection{Code: sensors.CodeTooLate, Topic: l.Topic, Kind: m.Kind.String(), Source: p.site.Store.Sources[m.Source].ID,
		Path: "/ts", Reason: fmt.Sprintf("it came %v behind the watermark, more than %v: after an outage send the oldest first, and set the clock right",
			behind.Round(time.Millisecond), time.Duration(fusion.MaxBehind))}
}

func (p *pipeline) confirm(refolded bool, received int64) {
	w, b := p.core.Confirmed()
	p.log.Confirm(w, b, refolded, p.core.Watermark(), received)
	if p.hooks.confirmed != nil {
		p.hooks.confirmed(w)
	}
}

// finish is the end of a recording whose last line was received then.
func (p *pipeline) finish(received int64) { p.confirm(p.core.Finish(), received) }

// loadPolicies reads the policy set of a directory, or the built-in one when dir is empty.
func loadPolicies(dir string, s *site.Site) (*rules.Set, error) { return loadCovered(dir, s, nil) }

// loadCovered is loadPolicies for a set that tells what its expressions come to.
func loadCovered(dir string, s *site.Site, c *rules.Coverage) (*rules.Set, error) {
	var fsys fs.FS = policies.Files
	name := "the built-in policies"
	if dir != "" {
		switch info, err := os.Stat(dir); {
		case err != nil:
			return nil, fmt.Errorf("policies: %w; name their directory with --policies", err)
		case !info.IsDir():
			return nil, fmt.Errorf("policies: %s is not a directory; name one with --policies", dir)
		}
		fsys, name = os.DirFS(dir), dir
	}
	o := ruleOptions(s)
	o.Elsewhere, o.Coverage = dir != s.Policies.Dir, c
	set, err := rules.Load(fsys, o)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", name, err)
	}
	if len(set.Policies) == 0 {
		return nil, fmt.Errorf("%s holds no policy: put one there, such as unpaid-exit.yaml (mode: off switches one off)", name)
	}
	return set, nil
}

func ruleOptions(s *site.Site) rules.Options {
	o := rules.Options{Store: s.Store, FalseAlarm: s.Cost.FalseAlarm, Recover: s.Cost.Recover, Cashier: s.Privacy.Cashier,
		Overrides: map[string]rules.Override{}}
	for id, v := range s.Policies.Overrides {
		o.Overrides[id] = rules.Override{File: v.At.File, Line: v.At.Line, Col: v.At.Col, Code: v.At.Code, Mode: v.Mode, Params: v.Params}
	}
	return o
}
