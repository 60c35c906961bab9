package main

import (
	"encoding/json"
	"sync"
	"time"

	"magpie/alerts"
	"magpie/dashboard"
	"magpie/fusion"
)

// maxRecent bounds the alerts that the page and the API can show.
const maxRecent = 1000

// recent keeps the lines of the newest alerts for the page.
type recent struct {
	mu    sync.Mutex
	order []string // ids, oldest first
	lines map[string][]json.RawMessage
	last  map[string]*alerts.Alert   // what is known of each
	shown map[string]json.RawMessage // its line
}

func newRecent() *recent {
	return &recent{lines: map[string][]json.RawMessage{}, last: map[string]*alerts.Alert{},
		shown: map[string]json.RawMessage{}}
}

func (r *recent) add(a *alerts.Alert, line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last[a.ID] == nil {
		r.order = append(r.order, a.ID)
		if len(r.order) > maxRecent {
			delete(r.lines, r.order[0])
			delete(r.last, r.order[0])
			delete(r.shown, r.order[0])
			r.order = r.order[1:]
		}
	}
	r.lines[a.ID] = append(r.lines[a.ID], json.RawMessage(line))
	if was := r.last[a.ID]; was == nil || alerts.Newer(a, was) {
		r.last[a.ID], r.shown[a.ID] = a, line
	}
}

func (r *recent) alert(id string) *alerts.Alert {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[id]
}

// query gives the line of each alert that says what is known, newest first.
func (r *recent) query(q dashboard.Query) []json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []json.RawMessage{}
	for i := len(r.order) - 1; i >= 0 && len(out) < q.Limit; i-- {
		id := r.order[i]
		if !q.Since.IsZero() && r.last[id].At < q.Since.UnixNano() {
			continue
		}
		out = append(out, r.shown[id])
	}
	return out
}

func (r *recent) revisions(id string) []json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]json.RawMessage(nil), r.lines[id]...)
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
