package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/journal"
	"magpie/site"
)

// TestReceiver: an edge script learns at once what is wrong with its post, in any of the forms that its topic takes; what cannot be kept is
// asked for again, and what was kept is kept once.
func TestReceiver(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "site.yaml"), []byte(`
store: s042
timezone: Europe/Berlin
zones: [{id: door, kind: exit, polygon: [[0,0],[1,0],[1,1],[0,1]]}]
devices: [{id: edge-1, kind: signal, key_file: edge.key}]
`), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "edge.key"), []byte("whsec_"+strings.Repeat("MfKQ", 8)), 0o600))
	s, err := site.Load(filepath.Join(dir, "site.yaml"))
	must(t, err)
	at := time.Date(2026, 11, 28, 0, 10, 3, 0, time.UTC)
	r, err := newReceiver(s, nil, func() time.Time { return at })
	must(t, err)
	var kept []string
	var full error
	r.keep = func(l journal.Line) error {
		if full == nil {
			kept = append(kept, l.Topic+" "+string(l.Payload))
		}
		return full
	}
	post := func(id, body string) string {
		h := http.Header{}
		r.peers[0].Keys.SetHeaders(h, id, at, []byte(body))
		code, answer := r.receive(h, []byte(body))
		return fmt.Sprint(code, " ", answer)
	}
	const topic = "magpie/v1/s042/signal/edge-1 "
	for i, x := range []struct{ body, answer, line string }{
		{`{"type":"panic"}`, "202", topic + `{"ts":"arrival","name":"panic","state":true,`},
		{`{"type":"panic","timestamp":null}`, "202", topic + `{"ts":"arrival",`},
		{`{"type":"panic","timestamp":1795824603.248}`, "202", topic + `{"ts":"2026-11-28T00:10:03.248Z",`},
		{`{"type":"panic","timestamp":"2026-11-28T01:10:03"}`, "202", topic + `{"ts":"2026-11-28T00:10:03.000Z",`},
		{`{"type":"<b>","id":"alr_1","event_time":"2026-11-28T00:10:03Z"}`, "202", topic + `{"ts":"2026-11-28T00:10:03.000Z","name":"<b>","state":true,"object":"alr_1","post":{"type":"<b>",`},
		{`{"type":"panic","pad":"` + strings.Repeat("<", 60_000) + `"}`, "202", topic + `{"ts":"arrival",`},
		{`{"type":"panic","pad":"` + strings.Repeat("x", 300_000) + `"}`, "400 map[error:too_big: the payload has ", ""},
		{`{"type":"panic","timestamp":true}`, "400 map[error:the time: type", ""},
		{`{"type":"panic","timestamp":"2026-11-28T00:20:03Z"}`, "400 map[error:future", ""},
		{`{"type":"` + strings.Repeat("x", 3000) + `"}`, "400 map[error:range", ""},
		{`{}`, `400 map[error:the member "type" is missing`, ""},
		{`[]`, "400 map[error:the body is not a JSON object", ""},
	} {
		kept = nil
		for range 2 { // the second is a repeat
			if got := post(fmt.Sprint("msg_", i), x.body); !strings.HasPrefix(got, x.answer) {
				t.Errorf("%.80s: answered %.200s, want %s", x.body, got, x.answer)
			}
		}
		if got := strings.Join(kept, "\n"); !strings.HasPrefix(got, x.line) || x.line == "" && got != "" || len(kept) > 1 {
			t.Errorf("%.80s: kept %.300s, want %s", x.body, got, x.line)
		}
	}

	full, kept = errors.New("disk full"), nil
	if got := post("msg_x", `{"type":"panic"}`); !strings.HasPrefix(got, "503 map[error:it could not be kept; send it again: disk full") {
		t.Error(got)
	}
	full = nil
	if post("msg_x", `{"type":"panic"}`); len(kept) != 1 {
		t.Errorf("sent again: %q", kept)
	}
	at = at.Add(2*alerts.WebhookTolerance + time.Second)
	if post("msg_y", `{"type":"panic"}`); len(r.taken) != 1 {
		t.Errorf("%d calls are remembered for ever", len(r.taken))
	}
}
