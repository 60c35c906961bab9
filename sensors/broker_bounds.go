package sensors

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Bounds are those of what the broker keeps for others: anybody who may publish can make it keep a message for good, and anybody
// who may connect, all messages. Zero values are the defaults.
type Bounds struct {
	Retained int           // retained messages; beyond it the oldest go, those on names that nobody knows first; 10,000
	Bytes    int64         // likewise, of all of them; 256 MiB
	Sessions int           // sessions; beyond it those go that were away for the longest; 1,000
	Waiting  int64         // bytes that wait for sessions; beyond it those go that are away, the longest first; 1 GiB
	Away     time.Duration // after which a session that did not come back goes; 72 h
	Every    time.Duration // between looks; 5 s
}

func (b Bounds) filled() Bounds {
	return Bounds{cmp.Or(b.Retained, 10_000), cmp.Or(b.Bytes, 256<<20), cmp.Or(b.Sessions, 1000), cmp.Or(b.Waiting, 1<<30),
		cmp.Or(b.Away, 72*time.Hour), cmp.Or(b.Every, 5*time.Second)}
}

// The streams in which the server keeps what MQTT wants kept, and what their subjects begin with.
const (
	retainedStream = "$MQTT_rmsgs"
	retainedPrefix = "$MQTT.rmsgs."
	sessionStream  = "$MQTT_sess"
	waitingStream  = "$MQTT_msgs"
)

// keeper holds what the broker keeps to its bounds.
type keeper struct {
	b       *Broker
	bounds  Bounds
	nc      *nats.Conn
	js      nats.JetStreamContext
	began   time.Time            // no session is away for longer than it was looked at
	seen    map[string]time.Time // by client id, when it was last connected
	ended   map[string]time.Time // likewise, when its session was ended: the server takes a moment
	scanned time.Time            // when all sessions were last looked at
}

// within bounds what the broker keeps until ctx ends; a look that fails is told, and the next follows.
func (b *Broker) within(ctx context.Context) {
	k := &keeper{b: b, bounds: b.bounds, began: time.Now(), seen: map[string]time.Time{}, ended: map[string]time.Time{}}
	defer k.close()
	tick := time.NewTicker(k.bounds.Every)
	defer tick.Stop()
	told := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := k.look(ctx)
		if err != nil && ctx.Err() == nil {
			k.close()
			if !told {
				b.log.log.Warn("the broker cannot look what it keeps", "error", err)
			}
		}
		told = err != nil
	}
}

func (k *keeper) close() {
	if k.nc != nil {
		k.nc.Close()
		k.nc = nil
	}
}

// look holds all to the bounds once.
func (k *keeper) look(ctx context.Context) error {
	k.b.mu.Lock()
	s := k.b.nats
	k.b.mu.Unlock()
	if k.nc != nil && !k.nc.IsConnected() { // of a server that was started anew
		k.close()
	}
	if k.nc == nil {
		nc, err := nats.Connect("", nats.InProcessServer(s), nats.UserInfo(ownUser, k.b.password), nats.NoReconnect(),
			nats.CustomInboxPrefix("$MQTT.magpie")) // where no client may publish or subscribe
		if err != nil {
			return err
		}
		k.nc = nc
		if k.js, err = nc.JetStream(); err != nil {
			return err
		}
	}
	return errors.Join(k.retained(ctx), k.sessions(ctx, s))
}

// over reports whether retained messages are too many.
func (k *keeper) over(kept nats.StreamState) bool {
	return kept.Msgs > uint64(k.bounds.Retained) || kept.Bytes > uint64(k.bounds.Bytes)
}

// retained forgets the oldest retained messages beyond the bounds: first those on names that nobody knows.
func (k *keeper) retained(ctx context.Context) error {
	for _, unknown := range []bool{true, false} {
		info, err := k.js.StreamInfo(retainedStream, nats.Context(ctx))
		if errors.Is(err, nats.ErrStreamNotFound) {
			return nil // nobody connected yet
		}
		if err != nil || !k.over(info.State) {
			return err
		}
		n, topic := 0, ""
		kept := info.State
		for seq := kept.FirstSeq; k.over(kept); seq++ {
			m, err := next(ctx, k.nc, retainedStream, retainedPrefix+">", seq)
			if err != nil || m == nil {
				if err != nil {
					return err
				}
				break
			}
			seq = m.Seq
			name := topicOf(strings.TrimPrefix(m.Subject, retainedPrefix))
			if unknown && k.b.known != nil && k.b.known(name) {
				continue
			}
			if err := k.forget(ctx, m.Subject); err != nil {
				return err
			}
			kept.Msgs--
			kept.Bytes -= min(kept.Bytes, uint64(len(m.Data)+len(m.Subject)+len(m.Hdrs)))
			n, topic = n+1, name
		}
		if n > 0 {
			k.b.log.log.Warn("the broker keeps no more retained messages than its bound and forgot the oldest; publish retained only what must be",
				"forgotten", n, "such_as", topic, "bound", k.bounds.Retained, "bytes", k.bounds.Bytes)
			k.b.evicted("retained", n)
		}
	}
	return nil
}

// forget makes the server forget a retained message: an empty one in its place says so, as for a client that publishes one, and
// is not kept itself.
func (k *keeper) forget(ctx context.Context, subject string) error {
	m := nats.NewMsg(subject)
	m.Header.Set("Nmqtt-RFlags", "1")
	ack, err := k.js.PublishMsg(m, nats.Context(ctx))
	if err != nil {
		return err
	}
	return k.js.DeleteMsg(retainedStream, ack.Sequence, nats.Context(ctx))
}

// session is what the server writes down of one.
type session struct {
	ID   string `json:"id"`
	last time.Time
}

// settle is how long the server may take to end a session.
const settle = 10 * time.Second

// sessions ends sessions that did not come back: after a time, and beyond the bounds those that are away for the longest.
func (k *keeper) sessions(ctx context.Context, s *server.Server) error {
	now := time.Now()
	connected, err := connectedClients(s)
	if err != nil {
		return err
	}
	for id := range connected {
		k.seen[id] = now
	}
	list, err := k.js.StreamInfo(sessionStream, nats.Context(ctx))
	if errors.Is(err, nats.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if list.State.Msgs <= uint64(k.bounds.Sessions) && k.waiting(ctx) <= k.bounds.Waiting && now.Sub(k.scanned) < 12*k.bounds.Every {
		return nil
	}
	k.scanned = now
	all := map[string]session{} // by subject: who connects meanwhile is written down anew, further behind
	for seq := uint64(1); ; {
		m, err := next(ctx, k.nc, sessionStream, "$MQTT.sess.>", seq)
		if err != nil {
			return err
		}
		if m == nil {
			break
		}
		seq = m.Seq + 1
		one := session{last: latest(m.Time, k.began)}
		if json.Unmarshal(m.Data, &one) != nil {
			one.ID = "" // nobody can end it
		}
		all[m.Subject] = one
	}
	if connected, err = connectedClients(s); err != nil { // whoever came back meanwhile stays
		return err
	}
	var away []session
	total := 0
	for _, one := range all {
		if one.ID != "" && now.Sub(k.ended[one.ID]) < settle {
			continue
		}
		if total++; one.ID == "" || connected[one.ID] || one.ID == k.b.client {
			continue
		}
		one.last = latest(one.last, k.seen[one.ID])
		away = append(away, one)
	}
	maps.DeleteFunc(k.ended, func(_ string, at time.Time) bool { return now.Sub(at) >= settle })
	known := map[string]bool{}
	for _, one := range away {
		known[one.ID] = true
	}
	for id := range k.seen {
		if !known[id] && !connected[id] {
			delete(k.seen, id)
		}
	}
	slices.SortFunc(away, func(a, b session) int { return cmp.Or(a.last.Compare(b.last), strings.Compare(a.ID, b.ID)) })
	n := 0
	var why string
	for _, one := range away {
		switch {
		case now.Sub(one.last) > k.bounds.Away:
			why = "it was away for too long"
		case total > k.bounds.Sessions:
			why = "there are too many"
		case k.waiting(ctx) > k.bounds.Waiting:
			why = "too much waits"
		default:
			k.b.evicted("session", n)
			return nil
		}
		if err := k.b.end(ctx, one.ID); err != nil {
			return err
		}
		k.b.log.log.Warn("the broker forgot the session of a client that was away, and what waited for it", "client", one.ID, "since", one.last.UTC().Format(time.RFC3339), "why", why)
		k.ended[one.ID] = time.Now()
		total--
		n++
	}
	k.b.evicted("session", n)
	return nil
}

// connectedClients are the ids of the clients that are there now.
func connectedClients(s *server.Server) (map[string]bool, error) {
	ids := map[string]bool{}
	for offset := 0; ; {
		c, err := s.Connz(&server.ConnzOptions{Offset: offset, Limit: 1024})
		if err != nil {
			return nil, err
		}
		for _, one := range c.Conns {
			if one.MQTTClient != "" {
				ids[one.MQTTClient] = true
			}
		}
		if offset += len(c.Conns); len(c.Conns) == 0 || offset >= c.Total {
			return ids, nil
		}
	}
}

// waiting is how many bytes wait for sessions; 0 also where nobody knows.
func (k *keeper) waiting(ctx context.Context) int64 {
	info, err := k.js.StreamInfo(waitingStream, nats.Context(ctx))
	if err != nil {
		return 0
	}
	return int64(info.State.Bytes)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// evicted counts what was forgotten.
func (b *Broker) evicted(what string, n int) {
	if b.forgot != nil && n > 0 {
		b.forgot(what, n)
	}
}

// end ends a session as its client would: by connecting for a session that is not kept.
func (b *Broker) end(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	user, password := b.Own()
	client := NewSubscriber(SubscriberOptions{URL: b.OwnURL(), ClientID: id, Clean: true, User: user, Password: password, TLS: b.OwnTLS(),
		Append:    func(_ string, _ bool, _ []byte, done func(error)) { done(nil) },
		Connected: func(bool, error) { cancel() }})
	if err := client.session(ctx); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the session of client %q: %w", id, err)
	}
	return nil
}

// stored is a message of a stream.
type stored struct {
	Subject string    `json:"subject"`
	Seq     uint64    `json:"seq"`
	Hdrs    []byte    `json:"hdrs"`
	Data    []byte    `json:"data"`
	Time    time.Time `json:"time"`
}

// next is the first message of a stream from a number on; nil where there is none.
func next(ctx context.Context, nc *nats.Conn, stream, subject string, from uint64) (*stored, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ask, err := json.Marshal(map[string]any{"seq": from, "next_by_subj": subject})
	if err != nil {
		return nil, err
	}
	answer, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, ask)
	if err != nil {
		return nil, err
	}
	var got struct {
		Message *stored          `json:"message"`
		Error   *server.ApiError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &got); err != nil {
		return nil, err
	}
	if got.Error != nil && got.Error.Code == 404 {
		return nil, nil
	}
	if got.Error != nil {
		return nil, fmt.Errorf("%s: %w", stream, got.Error)
	}
	return got.Message, nil
}

// topicOf is the MQTT topic of a subject, as the server and subjects write them.
func topicOf(subject string) string {
	topic := make([]byte, 0, len(subject))
	for i := 0; i < len(subject); i++ {
		switch c := subject[i]; {
		case c == '.':
			topic = append(topic, '/')
		case c != '/':
			topic = append(topic, c)
		case strings.HasPrefix(subject[i:], "//"):
			topic = append(topic, '.')
			i++
		case strings.HasPrefix(subject[i:], "/."): // an empty level
			topic = append(topic, '/')
			i++
		}
	}
	return string(topic)
}
