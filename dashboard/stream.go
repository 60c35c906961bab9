package dashboard

import (
	"fmt"
	"net/http"
	"time"
)

// heartbeat keeps proxies from closing a quiet stream, and tells the page that the line is alive: silence for longer
// means a dead one, which a browser does not notice by itself.
const heartbeat = 15 * time.Second

// writeWait bounds how long one client may block its stream.
const writeWait = 10 * time.Second

// stream answers GET /api/alerts/stream with server-sent events: "alert" carries an alert line with id <id>.<rev>,
// "mark" what a person did with an alert, "beat" nothing, "reset" says that lines were missed which are no longer at hand, so that the
// client reads GET /api/alerts anew.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	c, missed, known := s.Hub.subscribe(r.Header.Get("Last-Event-ID"))
	defer s.Hub.unsubscribe(c)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	rc := http.NewResponseController(w)
	write := func(format string, args ...any) bool {
		// Not every server supports deadlines, the flush below tells of a broken one.
		_ = rc.SetWriteDeadline(time.Now().Add(writeWait))
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && rc.Flush() == nil
	}
	if !write("retry: 2000\n: magpie\n\n") || !known && !write("event: reset\ndata: {}\n\n") {
		return
	}
	send := func(m message) bool {
		if m.id == "" {
			return write("event: %s\ndata: %s\n\n", m.event, m.data)
		}
		return write("event: %s\nid: %s\ndata: %s\n\n", m.event, m.id, m.data)
	}
	for _, m := range missed {
		if !send(m) {
			return
		}
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case m, open := <-c:
			if !open || !send(m) {
				return
			}
		case <-beat.C:
			if !write("event: beat\ndata: {}\n\n") {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
