package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Hub hands published lines to every open stream. The newest lines stay in a ring, so that a client that was away for a
// while gets what it missed. A client that does not keep up is dropped: its browser comes back and resumes.
type Hub struct {
	mu      sync.Mutex
	ring    []message // oldest first, at most size
	size    int
	clients map[chan message]struct{}
	closed  bool
}

// message is one server-sent event.
type message struct {
	event string // alert or mark
	id    string // "<alert>.<rev>", empty for a mark: nobody resumes from one
	data  []byte // JSON without a line break
}

// clientBuffer is how many events a client may lag before it is dropped.
const clientBuffer = 64

// NewHub makes a hub that can resume streams from the last size lines.
func NewHub(size int) *Hub {
	return &Hub{size: max(1, size), clients: map[chan message]struct{}{}}
}

// Publish sends one alert line (contract, §5) to all streams. It never waits for a client. The error, a line without id
// or rev, is a bug of the caller.
func (h *Hub) Publish(line []byte) error {
	var head struct {
		ID  string `json:"id"`
		Rev int    `json:"rev"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return fmt.Errorf("dashboard: published line is not JSON: %w", err)
	}
	if head.ID == "" || head.Rev < 1 || strings.ContainsAny(head.ID, "\r\n\x00") {
		return fmt.Errorf("dashboard: published line has no id and rev: %.80q", line)
	}
	h.send(message{event: "alert", id: head.ID + "." + strconv.Itoa(head.Rev), data: compact(line)})
	return nil
}

// mark tells all pages what a person did with an alert.
func (h *Hub) mark(id string, m Mark) {
	data, err := json.Marshal(struct {
		ID string `json:"id"`
		Mark
	}{id, m})
	if err == nil { // plain strings and numbers always marshal
		h.send(message{event: "mark", data: data})
	}
}

func compact(line []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, line) != nil {
		return bytes.Clone(line)
	}
	return b.Bytes()
}

func (h *Hub) send(m message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.id != "" {
		if len(h.ring) == h.size {
			h.ring = append(h.ring[:0], h.ring[1:]...)
		}
		h.ring = append(h.ring, m)
	}
	for c := range h.clients {
		select {
		case c <- m:
		default:
			delete(h.clients, c)
			close(c)
		}
	}
}

// subscribe opens a stream. missed is what came after the line named last; known is false when that line is no longer
// in the ring, so that the client must read everything anew. The channel is closed when the client is dropped or the hub
// closes; leave it with unsubscribe.
func (h *Hub) subscribe(last string) (c chan message, missed []message, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, known = make(chan message, clientBuffer), last == ""
	for i := len(h.ring) - 1; i >= 0 && !known; i-- {
		if h.ring[i].id == last {
			missed, known = append(missed, h.ring[i+1:]...), true
		}
	}
	if h.closed {
		close(c)
		return c, missed, known
	}
	h.clients[c] = struct{}{}
	return c, missed, known
}

func (h *Hub) unsubscribe(c chan message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, c)
}

// Clients is how many streams are open.
func (h *Hub) Clients() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}

// Close ends all streams and every later one, so that a server can shut down. Give it to http.Server.RegisterOnShutdown.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.clients {
		delete(h.clients, c)
		close(c)
	}
}
