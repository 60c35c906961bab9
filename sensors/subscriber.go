package sensors

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/sensors/message"
)

// SubscriberOptions are the settings of a Subscriber; URL, ClientID, Topics and Append have no default.
type SubscriberOptions struct {
	URL      string // mqtt://host:port or mqtts://host:port
	ClientID string // fixed, without a space: the broker keeps what arrives while we are away under it
	Clean    bool   // true: the broker keeps nothing for us, for a look from outside
	User     string
	Password string

	PasswordFile string      // read again with every attempt to connect; none: Password stays as it is
	TLS          *tls.Config // for mqtts, nil: the system's authorities
	Files        Files       // of TLS, read again with every attempt to connect; none: TLS stays as it is
	Topics       []string    // filters, subscribed at QoS 1

	// Append takes a message and calls done once it may be acknowledged, or with an error when it must come again. It may
	// block to hold the broker back. The payload may be kept.
	Append func(topic string, retain bool, payload []byte, done func(error))

	Inflight  int                    // messages that may wait for done; 4096
	Retry     time.Duration          // longest pause between attempts to connect; 10 s
	Log       *slog.Logger           // connections as they come and go; nil: nothing
	Connected func(up bool, e error) // hears of every change; may be nil
}

// Subscriber is one connection to a broker, made again whenever it is lost. A message of QoS 1 is acknowledged when Append
// says so, and not before: what the broker has acknowledged to its sender is not lost, whoever is restarted.
type Subscriber struct {
	o SubscriberOptions

	mu      sync.Mutex
	client  mqtt.Client   // nil while there is no connection
	changed chan struct{} // closed when client changes
}

// receipt is a message on its way to the acknowledgement.
type receipt struct {
	m   mqtt.Message
	err error
}

// NewSubscriber makes a Subscriber; Run connects it.
func NewSubscriber(o SubscriberOptions) *Subscriber {
	o.Inflight = cmp.Or(o.Inflight, 4096)
	o.Retry = cmp.Or(o.Retry, 10*time.Second)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Subscriber{o: o, changed: make(chan struct{})}
}

// Run subscribes until ctx ends, which is no error.
func (s *Subscriber) Run(ctx context.Context) error {
	const first = 100 * time.Millisecond
	for pause := first; ; pause = min(2*pause, s.o.Retry) {
		began := time.Now()
		err := s.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if s.o.Connected != nil {
			s.o.Connected(false, err)
		}
		if time.Since(began) > s.o.Retry {
			pause = first // it had worked
		}
		s.o.Log.Warn("no connection to the MQTT broker; the next attempt follows", "broker", s.o.URL, "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// session is one connection: it ends with ctx, when the connection is lost, or when a message could not be appended. Then
// a new connection makes the broker send again what was not acknowledged. Every session has a client of its own, so that a
// late acknowledgement cannot reach a connection that it does not belong to.
func (s *Subscriber) session(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	s.o.TLS = s.o.Files.Renewed(s.o.TLS, s.o.Log)
	s.o.renewPassword(s.o.Log)
	slots := make(chan struct{}, s.o.Inflight)
	receipts := make(chan receipt, s.o.Inflight) // a slot each: sending never blocks
	client := mqtt.NewClient(s.options(end).SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		if ctx.Err() != nil {
			return // not acknowledged: it comes again
		}
		select {
		case slots <- struct{}{}:
			s.o.Append(m.Topic(), m.Retained(), m.Payload(), func(err error) { receipts <- receipt{m, err} })
		case <-ctx.Done():
		}
	}))
	if err := wait(ctx, client.Connect()); err != nil {
		client.Disconnect(0)
		return fmt.Errorf("connect: %w", s.o.Explain(ctx, err))
	}
	defer client.Disconnect(250)
	acknowledged := make(chan struct{})
	go func() {
		defer close(acknowledged)
		s.acknowledge(ctx, end, receipts, slots)
	}()
	if err := s.subscribe(ctx, client); err != nil {
		return err
	}
	s.o.Log.Info("subscribed at the MQTT broker", "broker", s.o.URL, "topics", s.o.Topics)
	s.set(client)
	defer s.set(nil)
	if s.o.Connected != nil {
		s.o.Connected(true, nil)
	}
	<-ctx.Done()
	<-acknowledged
	return context.Cause(ctx)
}

// acknowledge acknowledges what was appended. When the session ends it gives what is under way a moment, which spares the
// broker sending it twice.
func (s *Subscriber) acknowledge(ctx context.Context, end context.CancelCauseFunc, receipts <-chan receipt, slots <-chan struct{}) {
	stop := ctx.Done()
	var grace <-chan time.Time
	for {
		if stop == nil && len(slots) == 0 {
			return
		}
		select {
		case r := <-receipts:
			if r.err != nil {
				end(fmt.Errorf("a message was not taken and must come again: %w", r.err))
			} else {
				r.m.Ack() // to nobody, where the connection is gone
			}
			<-slots
		case <-stop:
			stop, grace = nil, time.After(time.Second)
		case <-grace:
			return
		}
	}
}

func (s *Subscriber) options(end context.CancelCauseFunc) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().
		AddBroker(s.o.URL).
		SetClientID(s.o.ClientID).
		SetUsername(s.o.User).
		SetPassword(s.o.Password).
		SetTLSConfig(s.o.TLS).
		SetProtocolVersion(4).
		SetCleanSession(s.o.Clean).
		SetAutoAckDisabled(true).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetConnectTimeout(10 * time.Second).
		SetWriteTimeout(10 * time.Second).
		SetKeepAlive(20 * time.Second).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { end(fmt.Errorf("connection lost: %w", err)) })
}

func (s *Subscriber) subscribe(ctx context.Context, client mqtt.Client) error {
	if len(s.o.Topics) == 0 {
		return nil
	}
	filters := map[string]byte{}
	for _, t := range s.o.Topics {
		filters[t] = 1
	}
	token := client.SubscribeMultiple(filters, nil)
	if err := wait(ctx, token); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	for filter, code := range token.(*mqtt.SubscribeToken).Result() {
		if code == 0x80 {
			return fmt.Errorf("the broker refuses a subscription to %s: allow it for client %q", filter, s.o.ClientID)
		}
	}
	return nil
}

// Publish sends a message at QoS 1 and returns when the broker has acknowledged it. While there is no connection it waits
// for one, until ctx ends; a message may then arrive twice.
func (s *Subscriber) Publish(ctx context.Context, topic string, retain bool, payload []byte) error {
	for {
		s.mu.Lock()
		client, changed := s.client, s.changed
		s.mu.Unlock()
		if client != nil {
			during, stop := context.WithCancel(ctx)
			go func() { // a client that is gone never completes its tokens
				select {
				case <-changed:
					stop()
				case <-during.Done():
				}
			}()
			err := wait(during, client.Publish(topic, 1, retain, payload))
			stop()
			if err == nil {
				return nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("publish on %s: %w", topic, ctx.Err())
		}
	}
}

func (s *Subscriber) set(client mqtt.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = client
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait waits for a token, at most as long as a broker may reasonably take.
func wait(ctx context.Context, token mqtt.Token) error {
	timeout := time.NewTimer(30 * time.Second)
	defer timeout.Stop()
	select {
	case <-token.Done():
		return token.Error()
	case <-timeout.C:
		return errors.New("the broker does not answer")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Filters are the topics that a store's Magpie subscribes to: its own sources' and the foreign ones. Magpie's alerts are
// among them: see OwnTopic.
func (d *Decoder) Filters() []string {
	filters := []string{message.Topic(d.store.ID, "+", "+")}
	for _, f := range d.foreign {
		filters = append(filters, f.filter)
	}
	return filters
}

// OwnTopic reports whether Magpie itself publishes on a topic (alert, rejected). Such messages are acknowledged and not
// journalled.
func OwnTopic(topic string) bool {
	_, kind, _, ok := message.SplitTopic(topic)
	return ok && ours(kind)
}

func ours(kind string) bool { return kind == "alert" || kind == "rejected" }
