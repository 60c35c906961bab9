package main

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"magpie/alerts"
	"magpie/dashboard"
	"magpie/fusion"
)

// maxRecent bounds the alerts that the page and the API can show.
const maxRecent = 1000

// maxLines bounds the lines of one of them: of one that never ends, such as the store's, the oldest go.
const maxLines = 1000

// recent keeps the lines of the newest alerts for the page.
type recent struct {
	mu    sync.Mutex
	order []string // ids, oldest first
	known map[string]*knownAlert
}

// knownAlert is an alert that the page shows.
type knownAlert struct {
	lines []json.RawMessage // in order of rev
	last  *alerts.Alert     // what is known of it
	shown json.RawMessage   // its line
	set   string            // hash of the set that raised it, to which its numbers count
}

func newRecent() *recent { return &recent{known: map[string]*knownAlert{}} }

// add takes a line of an alert, and the set that judged when its score first crossed. It gives the set that raised the alert: of a
// later line that may be another.
func (r *recent) add(a *alerts.Alert, line []byte, set string) (raised string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.known[a.ID]
	if k == nil {
		r.order = append(r.order, a.ID)
		if len(r.order) > maxRecent {
			delete(r.known, r.order[0])
			r.order = r.order[1:]
		}
		k = &knownAlert{set: set}
		r.known[a.ID] = k
	}
	if k.lines = append(k.lines, line); len(k.lines) > maxLines {
		k.lines = k.lines[1:]
	}
	if k.last == nil || alerts.Newer(a, k.last) {
		k.last, k.shown = a, line
	}
	return k.set
}

// alert is what is known of an alert, and the set that raised it; nil: nothing.
func (r *recent) alert(id string) (a *alerts.Alert, set string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.known[id]; k != nil {
		return k.last, k.set
	}
	return nil, ""
}

// query gives the line of each alert that says what is known, newest first.
func (r *recent) query(q dashboard.Query) []json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []json.RawMessage{}
	for i := len(r.order) - 1; i >= 0 && len(out) < q.Limit; i-- {
		k := r.known[r.order[i]]
		if q.Since.IsZero() || k.last.At >= q.Since.UnixNano() {
			out = append(out, k.shown)
		}
	}
	return out
}

func (r *recent) revisions(id string) []json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.known[id]; k != nil {
		return slices.Clone(k.lines)
	}
	return nil
}

// sourceHealth is what is known of the feed of each source.
type sourceHealth struct {
	mu       sync.Mutex
	all      []dashboard.Source // by the store's order
	degraded []bool             // by its own last status
}

func newSourceHealth(s *fusion.Store) *sourceHealth {
	h := &sourceHealth{all: make([]dashboard.Source, len(s.Sources)), degraded: make([]bool, len(s.Sources))}
	for i, src := range s.Sources {
		h.all[i] = dashboard.Source{ID: src.ID, Kind: src.Kind.String(), State: "never"}
	}
	return h
}

func (h *sourceHealth) accepted(m *fusion.Message, v fusion.Verdict) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.all[m.Source]
	s.Messages++
	if v == fusion.Late {
		s.Late++
	}
	if m.Kind == fusion.Status && len(m.Events) > 0 {
		h.degraded[m.Source] = m.Events[0].Action == fusion.Degraded
	}
	if !m.Retained {
		at := time.Unix(0, m.TS).UTC()
		if s.Last == nil || at.After(*s.Last) {
			s.Last = &at
		}
	}
}

func (h *sourceHealth) rejected(i int, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i < 0 {
		return
	}
	h.all[i].Rejected++
	h.all[i].Reason = reason
}

// states takes over which sources are up, by what the core says.
func (h *sourceHealth) states(state func(i int) string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.all {
		h.all[i].State = state(i)
		if h.all[i].State == "up" && h.degraded[i] {
			h.all[i].State = "degraded"
		}
	}
}

func (h *sourceHealth) list() []dashboard.Source {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]dashboard.Source(nil), h.all...)
}
