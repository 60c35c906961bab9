package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"magpie/journal"
	"magpie/journal/state"
	"magpie/rules"
)

// snapshotVersion changes when what a state means changes and the layout of its types does not.
const snapshotVersion = 1

// A snapshot has four parts: the policy sets that the state refers to, what the pipeline knows, and for who carries out what
// it says the layout of what that one knows beside it, and that.
const (
	partSets = iota
	partCore
	partLayout
	partMore
	parts
)

// keptSet is a policy set in a snapshot: with its files, so that whoever goes on from it needs nothing else.
type keptSet struct {
	Hash  string       `json:"hash"`
	Files []rules.File `json:"files"`
}

// snapshot is what the pipeline knows before the line at offset, and what more points to. The newest line was received then.
func (p *pipeline) snapshot(offset, received int64, more ...any) (*journal.Snapshot, error) {
	s := &journal.Snapshot{Offset: offset, Received: received, Version: snapshotVersion, Site: p.site.Hash, Parts: make([][]byte, parts)}
	core, sets, err := p.freeze()
	if err != nil {
		return nil, err
	}
	kept := make([]keptSet, len(sets))
	for i, x := range sets {
		kept[i] = keptSet{x.Hash, x.Files}
		s.Policies = append(s.Policies, x.Hash)
	}
	s.Parts[partCore] = core
	if s.Parts[partSets], err = json.Marshal(kept); err != nil {
		return nil, err
	}
	if s.Layout, err = p.codec(newPolicySets()).Layout(p.roots()...); err != nil || len(more) == 0 {
		return s, err
	}
	var beside state.Codec
	layout, err := beside.Layout(more...)
	if err != nil {
		return nil, err
	}
	s.Parts[partLayout] = []byte(layout)
	s.Parts[partMore], err = beside.Append(nil, more...)
	return s, err
}

// resume makes a new pipeline, and what more points to, go on from a snapshot. The error says why that cannot be; then
// neither may be used.
func (p *pipeline) resume(s *journal.Snapshot, more ...any) error {
	layout, err := p.codec(newPolicySets()).Layout(p.roots()...)
	var beside state.Codec
	var besideLayout string
	if err == nil && len(more) > 0 {
		besideLayout, err = beside.Layout(more...)
	}
	switch {
	case err != nil:
		return err
	case s.Version != snapshotVersion:
		return fmt.Errorf("it is of version %d, this build's are of version %d", s.Version, snapshotVersion)
	case s.Site != p.site.Hash:
		return fmt.Errorf("it is of the site %s, this is %s: the site file, or a table that it names, was changed since", s.Site, p.site.Hash)
	case s.Layout != layout || len(s.Parts) != parts || len(more) > 0 && string(s.Parts[partLayout]) != besideLayout:
		return errors.New("it was written by another build, whose state has another layout")
	}
	var kept []keptSet
	if err := json.Unmarshal(s.Parts[partSets], &kept); err != nil {
		return fmt.Errorf("its policy sets cannot be read: %w", err)
	}
	sets := make([]*rules.Set, len(kept))
	for i, k := range kept {
		o := ruleOptions(p.site)
		o.Elsewhere = true
		if sets[i], err = rules.Build(k.Files, o); err != nil {
			return fmt.Errorf("its policy set %s is not one for this build and site: %w", k.Hash, err)
		}
		if sets[i].Hash != k.Hash {
			return fmt.Errorf("its policy set %s has the hash %s", k.Hash, sets[i].Hash)
		}
	}
	if err := p.thaw(s.Parts[partCore], sets); err != nil || len(more) == 0 {
		return err
	}
	return beside.Read(s.Parts[partMore], more...)
}

// begins reports whether a line is the first of a journal whose head was removed: it names the state before it.
func begins(l *journal.Line) bool {
	return l.Control != nil && l.Control.Kind == journal.ControlState && l.Control.State != journal.StateEmpty
}

// resumeFrom makes a new pipeline go on from the state that the first line of a recording names, whose file lies in the
// recording's directory.
func (p *pipeline) resumeFrom(dir string, l *journal.Line) error {
	f, err := journal.FindSnapshot(dir, l.Control.State)
	if err != nil {
		return err
	}
	s, err := f.Read()
	if err != nil {
		return err
	}
	if err := p.resume(s); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return nil
}
