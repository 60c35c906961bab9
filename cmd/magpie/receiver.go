package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"magpie/alerts"
	"magpie/journal"
	"magpie/sensors"
	"magpie/sensors/message"
	"magpie/site"
)

// devicePeers reads the keys with which edge scripts, and other stores, sign POST /api/alerts.
func devicePeers(s *site.Site) ([]alerts.WebhookPeer, error) {
	var peers []alerts.WebhookPeer
	for _, d := range s.Devices {
		if d.KeyFile == "" {
			continue
		}
		keys, err := alerts.ReadWebhookKeys(d.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("device %s: %w", d.ID, err)
		}
		peers = append(peers, alerts.WebhookPeer{Name: d.ID, Keys: keys})
	}
	return peers, nil
}

// receiver takes POST /api/alerts (contract §5): what is signed by a known device becomes a signal message in the
// journal, so that a replay has it. What is sent again with the same webhook-id is answered alike, and kept once.
type receiver struct {
	store string
	peers []alerts.WebhookPeer
	keep  func(journal.Line) error // until it is on disk
	now   func() time.Time

	mu      sync.Mutex
	decoder *sensors.Decoder
	taken   map[call]time.Time // what was kept, until its signature is too old to be sent again
}

// call is one request as its sender counts them.
type call struct{ device, id string }

func newReceiver(s *site.Site, j *journal.Journal, now func() time.Time) (*receiver, error) {
	peers, err := devicePeers(s)
	if err != nil {
		return nil, err
	}
	d, err := newDecoder(s)
	if err != nil {
		return nil, err
	}
	return &receiver{store: s.Store.ID, peers: peers, now: now, decoder: d, taken: map[call]time.Time{}, keep: func(l journal.Line) error {
		done := make(chan error, 1)
		j.Append(l, func(_ int64, err error) { done <- err })
		return <-done
	}}, nil
}

// edgeAlert is what an edge script posts, and the part of another store's alert that a signal keeps.
type edgeAlert struct {
	Type      string          `json:"type"`
	Timestamp json.RawMessage `json:"timestamp"`
	EventTime json.RawMessage `json:"event_time"`
	ID        string          `json:"id"`
}

// signalled is the signal that a post becomes.
type signalled struct {
	message.Signal
	Post json.RawMessage `json:"post"` // what was sent, for who reads the journal
	Call string          `json:"webhook_id,omitempty"`
}

func (r *receiver) receive(header http.Header, body []byte) (int, any) {
	refuse := func(status int, text string) (int, any) { return status, map[string]string{"error": text} }
	device, id, err := alerts.Identify(r.peers, header, body, r.now())
	if err != nil {
		return refuse(http.StatusUnauthorized, err.Error())
	}
	queued := map[string]string{"status": "queued"}
	one := call{device, id}
	if r.had(one) {
		return http.StatusAccepted, queued
	}
	line, err := r.line(device, id, body)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	if err := r.keep(line); err != nil {
		return refuse(http.StatusServiceUnavailable, "it could not be kept; send it again: "+err.Error())
	}
	r.mu.Lock()
	r.taken[one] = r.now()
	r.mu.Unlock()
	return http.StatusAccepted, queued
}

// had reports whether a request was kept before, and forgets those that nobody can send again.
func (r *receiver) had(one call) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c, at := range r.taken {
		if r.now().Sub(at) > 2*alerts.WebhookTolerance {
			delete(r.taken, c)
		}
	}
	_, ok := r.taken[one]
	return ok
}

// line makes a post a line of the journal. The error says why the store would reject it.
func (r *receiver) line(device, id string, body []byte) (journal.Line, error) {
	var a edgeAlert
	if err := json.Unmarshal(body, &a); err != nil {
		return journal.Line{}, fmt.Errorf("the body is not a JSON object: %w", err)
	}
	if a.Type == "" {
		return journal.Line{}, errors.New(`the member "type" is missing: it names the signal`)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	received, at := r.now().UnixNano(), a.Timestamp
	if at == nil {
		at = a.EventTime
	}
	ts, err := r.decoder.ScriptTime(at, received)
	if err != nil {
		return journal.Line{}, fmt.Errorf("the time: %w", plain(err))
	}
	on := true
	payload, err := message.Encode(signalled{message.Signal{Head: message.Head{TS: ts}, Name: a.Type, State: &on, Object: a.ID}, body, id})
	if err != nil {
		return journal.Line{}, err
	}
	topic := message.Topic(r.store, message.KindSignal, device)
	_, err = r.decoder.Decode(received, topic, false, payload)
	return journal.Line{Topic: topic, Payload: payload}, plain(err)
}

// plain is why a message was rejected, without the topic, which who posts has not chosen.
func plain(err error) error {
	var r *sensors.Rejection
	if errors.As(err, &r) {
		return errors.New(r.Code + ": " + r.Reason)
	}
	return err
}
