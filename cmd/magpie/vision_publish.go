package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/sensors"
	"magpie/sensors/message"
	"magpie/site"
)

// trackPublisher is the connection of one camera to the broker: a connection
// has one will, and the camera's will says that it is offline. Messages go one
// after the other, so that they arrive in order: the client library resends what
// it kept over an outage in any order. While the broker is away they wait; when
// a minute's worth waits the camera skips frames.
type trackPublisher struct {
	client mqtt.Client
	store  string
	camera string
	queue  chan outgoing
	quit   chan struct{} // closed when no more is waited for
	done   chan struct{} // closed when the queue is through
	acked  chan struct{} // one more message was
	log    *slog.Logger

	mu     sync.Mutex
	status []byte // newest
	frames int    // whose messages are not acknowledged
	url    string
	outage outage
}

// outage is a time without a broker. It is told when it begins and again as it
// goes on, each time after twice as long, at least once in tellOutage.
type outage struct {
	since, next time.Time // zero: there is a connection, or none was tried
	pause       time.Duration
	err         error
}

const tellOutage = time.Minute

// due reports whether an attempt that failed now is to be told.
func (o *outage) due(now time.Time, err error) bool {
	o.err = err
	if o.since.IsZero() {
		o.since, o.pause = now, time.Second
	} else if now.Before(o.next) {
		return false
	}
	o.pause = min(2*o.pause, tellOutage)
	o.next = now.Add(o.pause)
	return true
}

type outgoing struct {
	kind    string
	payload []byte
}

// What is later than the watermark by more than 60 s is rejected: ten frames a
// second for that long are worth keeping.
const waitingTracks = 600

func newTrackPublisher(s *site.Site, camera, url string, log *slog.Logger) (*trackPublisher, error) {
	b := s.Broker
	switch {
	case b.URL != "":
		url = cmp.Or(url, b.URL)
	case url != "":
		b = site.Broker{} // what is there is of the embedded one
	case b.ClientCAFile != "":
		return nil, errors.New("the site's embedded broker wants a certificate of its clients: give this worker a site file of its own with broker: {url: …, ca_file: …, cert_file: …, key_file: …}")
	case b.CertFile != "":
		url = "mqtts://" + b.Listen
		b = site.Broker{CAFile: b.CertFile} // not ours, but the one to know it by
	default:
		url = "mqtt://" + b.Listen
	}
	p := &trackPublisher{
		url: url, store: s.Store.ID, camera: camera, queue: make(chan outgoing, waitingTracks),
		quit: make(chan struct{}), done: make(chan struct{}), acked: make(chan struct{}, 1),
		log: log.With("component", "vision", "source", camera),
	}
	will, err := message.Encode(message.Status{State: "offline"})
	if err != nil {
		return nil, err
	}
	o := mqtt.NewClientOptions().AddBroker(url).
		SetClientID("magpie-vision-"+s.Store.ID+"-"+camera).
		SetCleanSession(false).SetStore(newUnsent()).
		SetOrderMatters(false).
		SetAutoReconnect(true).SetConnectRetry(true).
		SetConnectRetryInterval(time.Second).SetMaxReconnectInterval(5*time.Second).
		SetKeepAlive(10*time.Second).SetConnectTimeout(5*time.Second).SetWriteTimeout(5*time.Second).
		SetBinaryWill(message.Topic(p.store, message.KindStatus, camera), will, 1, true)
	say := sensors.SubscriberOptions{URL: url, User: b.User, ClientID: o.ClientID}
	if err := brokerSecrets(b, &say); err != nil {
		return nil, err
	}
	o.SetCredentialsProvider(say.Credentials(p.log)).SetTLSConfig(say.TLS).SetConnectionAttemptHandler(say.Files.Attempt(p.log))
	o.SetOnConnectHandler(func(mqtt.Client) {
		p.log.Info("connected to the broker", "broker", url)
		// The will may have said offline while we were away.
		p.mu.Lock()
		status := p.status
		p.outage = outage{}
		p.mu.Unlock()
		if status != nil {
			p.client.Publish(message.Topic(p.store, message.KindStatus, p.camera), 1, true, status)
		}
	})
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		p.away(err)
	})
	o.SetConnectionNotificationHandler(func(_ mqtt.Client, n mqtt.ConnectionNotification) {
		if f, ok := n.(mqtt.ConnectionNotificationFailed); ok {
			p.away(say.Explain(context.Background(), f.Reason))
		}
	})
	p.client = mqtt.NewClient(o)
	t := p.client.Connect()
	if t.WaitTimeout(time.Second) && t.Error() != nil {
		return nil, fmt.Errorf("broker %s: %w", url, t.Error())
	}
	go p.send()
	return p, nil
}

// away says that there is no broker, and how many frames wait for one.
func (p *trackPublisher) away(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.outage.due(now, err) {
		p.log.Warn("no connection to the broker: what the camera sees waits; trying again", "broker", p.url, "error", err,
			"for", now.Sub(p.outage.since).Round(time.Second), "frames", p.frames)
	}
}

// publish hands a payload over; it waits only while too many others do.
func (p *trackPublisher) publish(ctx context.Context, kind string, payload []byte) error {
	p.mu.Lock()
	if kind == message.KindStatus {
		p.status = payload
	} else {
		p.frames++
	}
	p.mu.Unlock()
	select {
	case p.queue <- outgoing{kind, payload}:
		return nil
	default:
	}
	select {
	case p.queue <- outgoing{kind, payload}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send publishes what is queued at QoS 1, each message until it is acknowledged.
func (p *trackPublisher) send() {
	defer close(p.done)
	for m := range p.queue {
		for !p.delivered(m) {
			select {
			case <-p.quit:
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
		if m.kind != message.KindStatus {
			p.mu.Lock()
			p.frames--
			p.mu.Unlock()
		}
		select {
		case p.acked <- struct{}{}:
		default:
		}
	}
}

func (p *trackPublisher) delivered(m outgoing) bool {
	t := p.client.Publish(message.Topic(p.store, m.kind, p.camera), 1, m.kind == message.KindStatus, m.payload)
	select {
	case <-t.Done():
		return t.Error() == nil
	case <-p.quit:
		return false
	}
}

// close waits while the broker still acknowledges the last messages, gives it a
// moment more and leaves. Nothing may be published any more. It is an error when
// messages of frames, which nobody can see again, were not acknowledged.
func (p *trackPublisher) close() error {
	close(p.queue)
	const moment = 2 * time.Second
	patience := time.NewTimer(moment)
	defer patience.Stop()
	for left := false; !left; {
		select {
		case <-p.done:
			left = true
		case <-p.acked:
			patience.Reset(moment)
		case <-patience.C:
			left = true
		}
	}
	close(p.quit)
	p.client.Disconnect(250)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frames == 0 {
		return nil
	}
	why := ""
	if p.outage.err != nil {
		why = fmt.Sprintf(" (%v)", p.outage.err)
	}
	return fmt.Errorf("camera %s: broker %s did not acknowledge the messages of %d frames%s: see that it runs, or name another with --broker",
		p.camera, p.url, p.frames, why)
}
