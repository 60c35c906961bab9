package main

import (
	"bytes"
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
	final   bool           // it is asked for final lines only: nothing is supposed
	frozen  int            // bytes of what was frozen last
	m       fusion.Message // the one in work
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
	d, err := newDecoder(s)
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

// newDecoder makes the decoder that a site file describes.
func newDecoder(s *site.Site) (*sensors.Decoder, error) {
	key, err := pseudonymKey(s)
	if err != nil {
		return nil, err
	}
	return sensors.NewDecoder(s.Store, decoderOptions(s, key))
}

func decoderOptions(s *site.Site, key []byte) sensors.Options {
	return sensors.Options{Foreign: s.Sources, Cameras: s.Cameras, Cashier: s.Privacy.Cashier, Key: key}
}

// pseudonymKey reads the key of pseudonyms; nil where the site has none. Without its line break, so that editors may add one.
func pseudonymKey(s *site.Site) ([]byte, error) {
	if s.Privacy.KeyFile == "" {
		return nil, nil
	}
	b, err := os.ReadFile(s.Privacy.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("privacy: key_file: %w; the pseudonyms are made with it: take the store's, or for a new store openssl rand -hex 32", err)
	}
	if b = bytes.TrimSpace(b); len(b) < 16 {
		return nil, fmt.Errorf("privacy: key_file: %s holds %d bytes: a key has at least 16, such as openssl rand -hex 32 makes", s.Privacy.KeyFile, len(b))
	}
	return b, nil
}

// line takes the next line, in the order of the journal.
func (p *pipeline) line(l *journal.Line) {
	p.core.Arrive(l.Received)
	var m *fusion.Message
	switch {
	case l.Control != nil:
		if l.Control.Kind == journal.ControlPolicies && p.hooks.policies != nil {
			if set := p.hooks.policies(l); set != nil {
				p.desk.Install(l.Received, set)
			}
		}
	default:
		m = p.message(l)
	}
	p.confirm(p.core.Advance(), l.Received)
	if p.core.Urgent(m) && !p.final {
		w, b := p.core.Provisional()
		p.log.Suppose(w, b, l.Received)
	}
}

// message takes a message; nil if it was of no use.
func (p *pipeline) message(l *journal.Line) *fusion.Message {
	m := &p.m
	err := p.decoder.DecodeInto(m, l.Received, l.Topic, l.Retain, l.Payload)
	if err != nil {
		var r *sensors.Rejection
		if errors.As(err, &r) && p.hooks.rejected != nil { // not for what Magpie said itself, which is no input
			p.hooks.rejected(l, r)
		}
		return nil
	}
	v := p.core.Add(m)
	if v == fusion.TooLate {
		if p.hooks.rejected != nil {
			p.hooks.rejected(l, p.tooLate(l, m))
		}
		return nil
	}
	if p.hooks.decoded != nil {
		p.hooks.decoded(l, m, v)
	}
	if v == fusion.Duplicate {
		return nil
	}
	return m
}

// tooLate says why a message that is too far behind the watermark cannot count any more.
func (p *pipeline) tooLate(l *journal.Line, m *fusion.Message) *sensors.Rejection {
	behind := time.Duration(p.core.Watermark() - m.TS)
	return &sensors.Rejection{Code: sensors.CodeTooLate, Topic: l.Topic, Kind: m.Kind.String(), Source: p.site.Store.Sources[m.Source].ID,
		Path: sensors.TimePath(l.Topic), Reason: fmt.Sprintf("it came %v behind the watermark, more than %v: after an outage send the oldest first, and set the clock right",
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

// loadPolicies reads the policy set of a directory, or the built-in one when dir is empty, signed or not.
func loadPolicies(dir string, s *site.Site) (*rules.Set, error) { return loadCovered(dir, s, nil) }

// loadCovered is loadPolicies for a set that tells what its expressions come to.
func loadCovered(dir string, s *site.Site, c *rules.Coverage) (*rules.Set, error) {
	o := ruleOptions(s)
	o.Coverage = c
	return readPolicies(dir, s, o)
}

// loadSigned is loadPolicies of a set that is to judge what happens: where the site names signers, one of them must have
// signed it.
func loadSigned(dir string, s *site.Site) (*rules.Set, error) {
	o := ruleOptions(s)
	o.Signed = true
	if dir == "" && len(o.Signers) > 0 {
		return nil, errors.New("policies: the built-in set is signed by nobody, and policies.signers of the site file asks for it; name the directory of a signed set in policies.dir")
	}
	return readPolicies(dir, s, o)
}

func readPolicies(dir string, s *site.Site, o rules.Options) (*rules.Set, error) {
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
	o.Elsewhere = dir != s.Policies.Dir
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
		Signers: s.Policies.Signers, Overrides: map[string]rules.Override{}}
	for id, v := range s.Policies.Overrides {
		o.Overrides[id] = rules.Override{File: v.At.File, Line: v.At.Line, Col: v.At.Col, Code: v.At.Code, Mode: v.Mode, Params: v.Params}
	}
	return o
}
