package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/journal"
	"magpie/sensors"
	"magpie/strict"
)

// runSensorsWatch is `magpie sensors watch`: what comes, after decoding, a line an event.
func runSensorsWatch(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "sensors watch", "magpie sensors watch --site site.yaml [--broker URL] [--for DURATION]   listen to a broker (by default the site's), until Ctrl-C\n"+
		"       magpie sensors watch --site site.yaml RECORDING.jsonl[.gz|.zst]           read a recording (or a journal's directory, or -)")
	sitePath := fs.String("site", "site.yaml", "the site file")
	only := fs.String("source", "", "show these `sources` alone, separated by commas")
	kinds := fs.String("kind", "", "show these `kinds` alone, separated by commas")
	rejected := fs.Bool("rejected", false, "show only what is rejected")
	asJSON := fs.Bool("json", false, "print JSON lines: events in the contract's words, and rejections as they are published")
	var h hearing
	h.register(fs)
	path, err := positional(fs, args)
	if err != nil {
		return err
	}
	s, d, err := loadSensors(*sitePath)
	if err != nil {
		return err
	}
	h.bySite(fs, s.Broker)
	w := watch{out: out, store: s.Store, d: d, sources: split(*only), kinds: split(*kinds), rejected: *rejected, json: *asJSON}
	if err := knownSources(s.Store, w.sources); err != nil {
		return err
	}
	for _, k := range w.kinds {
		if !slices.Contains(fusion.Kinds[:], k) {
			return fmt.Errorf("--kind %s: there is no such kind; %s", k, strict.Suggest(k, fusion.Kinds[:]))
		}
	}
	if path == "" {
		return h.lines(ctx, path, errw, w.line, func(int64) {})
	}
	buffered := bufio.NewWriter(out)
	w.out = buffered
	return errors.Join(h.lines(ctx, path, errw, w.line, nil), buffered.Flush())
}

// watch shows lines as they come.
type watch struct {
	out            io.Writer
	store          *fusion.Store
	d              *sensors.Decoder
	sources, kinds []string
	rejected, json bool
}

func (w *watch) line(l *journal.Line) {
	if l.Control != nil {
		return
	}
	m, err := w.d.Decode(l.Received, l.Topic, l.Retain, l.Payload)
	var r *sensors.Rejection
	switch {
	case errors.As(err, &r):
		w.reject(l, r)
	case err == nil && !w.rejected && w.wanted(m.Kind.String(), w.store.Sources[m.Source].ID):
		w.message(l, &m)
	}
}

func (w *watch) wanted(kind, source string) bool {
	return (len(w.kinds) == 0 || slices.Contains(w.kinds, kind)) && (len(w.sources) == 0 || slices.Contains(w.sources, source))
}

func (w *watch) reject(l *journal.Line, r *sensors.Rejection) {
	switch {
	case !w.wanted(r.Kind, r.Source):
	case w.json:
		fmt.Fprintf(w.out, "%s\n", r.Payload(l.Payload))
	default:
		at := r.Code
		if r.Path != "" {
			at += " at " + r.Path
		}
		source := r.Source
		if r.Kind == "unmapped" {
			source = r.Topic
		}
		fmt.Fprintf(w.out, "%s %8s %-6s %s REJECTED %s: %s\n", w.clock(l.Received), "", r.Kind, sensors.Printable(source), at, sensors.Printable(r.Reason))
	}
}

func (w *watch) message(l *journal.Line, m *fusion.Message) {
	source := w.store.Sources[m.Source].ID
	for i := range m.Events {
		e := &m.Events[i]
		if sensors.Hidden(w.store, e) {
			e.ID = "hidden" // privacy.foreign_tags
		}
		if w.json {
			fmt.Fprintf(w.out, "%s\n", sensors.EventJSON(w.store, e))
			continue
		}
		delay := "arrival"
		if m.Clocked {
			delay = duration(float64(l.Received-e.TS) / 1e6)
		}
		words := sensors.Words(w.store, e)
		if l.Retain {
			words += " (retained)"
		}
		fmt.Fprintf(w.out, "%s %8s %-6s %s %s\n", w.clock(e.TS), delay, m.Kind, source, words)
	}
	if len(m.Events) == 0 && !w.json {
		fmt.Fprintf(w.out, "%s %8s %-6s %s a sign of life\n", w.clock(m.TS), "", m.Kind, source)
	}
}

// clock is a time in the store's zone.
func (w *watch) clock(ns int64) string {
	return time.Unix(0, ns).In(w.store.Location).Format("15:04:05.000")
}
