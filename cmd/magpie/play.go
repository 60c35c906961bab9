package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/journal"
	"magpie/sensors"
)

// runPlay is `magpie play`: a recording, to a broker.
func runPlay(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "play", "magpie play RECORDING.jsonl[.gz|.zst] --broker URL [--speed N] [--now] [--loop]")
	var broker brokerFlags
	broker.register(fs)
	o := playOptions{now: time.Now}
	fs.Float64Var(&o.speed, "speed", 1, "how many times as fast as it was recorded; 0: as fast as the broker takes it")
	fs.BoolVar(&o.shift, "now", false, "move every time in the messages, so that they happen as they are played")
	fs.BoolVar(&o.loop, "loop", false, "begin again at the end, until interrupted (with --now, or the messages repeat old times)")
	if err := parse(fs, args); err != nil {
		return err
	}
	path := fs.Arg(0)
	switch {
	case fs.NArg() != 1:
		fs.Usage()
		return errors.New("name one recording, or - for standard input")
	case o.speed < 0:
		return fmt.Errorf("--speed %g: not negative", o.speed)
	case o.loop && path == "-":
		return errors.New("--loop needs a file: standard input can be read once")
	}
	settings, err := broker.options()
	if err != nil {
		return err
	}
	settings.Log = slog.New(slog.NewTextHandler(errw, nil))
	to, err := newPlayBroker(ctx, settings)
	if err != nil {
		return err
	}
	n, err := play(ctx, path, o, to.publish)
	if finished := to.finish(ctx); err == nil {
		err = finished
	}
	fmt.Fprintf(errw, "played %d messages\n", n)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // interrupted: the way to end a loop
	}
	return err
}

// playOptions say how a recording is played.
type playOptions struct {
	speed float64          // times as fast as recorded; 0: without pauses
	shift bool             // move the times in the messages to when they are played
	loop  bool             // begin again at the end, until the context ends
	start time.Time        // when the first line is due; zero: at once
	now   func() time.Time // the wall clock
}

// play publishes the messages of a recording in their order, each when it is due, and returns how many. Control lines and
// Magpie's own topics are passed over. With shift each message's times move by what its arrival moved, so that its delay
// stays as it was recorded, whatever the speed.
func play(ctx context.Context, path string, o playOptions, publish func(ctx context.Context, topic string, retain bool, payload []byte) error) (n int, err error) {
	start := o.start
	if start.IsZero() {
		start = o.now()
	}
	for {
		played, end, err := playOnce(ctx, path, o, start, publish)
		n += played
		if err != nil || !o.loop {
			return n, err
		}
		if played == 0 {
			return n, fmt.Errorf("%s holds no message to play again and again", path)
		}
		start = end
		if t := o.now(); o.speed == 0 || t.After(start) {
			start = t
		}
	}
}

// playOnce plays a recording once, its first line at start, and returns when its last line was due.
func playOnce(ctx context.Context, path string, o playOptions, start time.Time, publish func(context.Context, string, bool, []byte) error) (n int, due time.Time, err error) {
	r, err := journal.OpenRecording(path)
	if err != nil {
		return 0, start, err
	}
	defer r.Close()
	due = start
	for first := int64(-1); ; {
		l, err := r.Next()
		if err == io.EOF {
			return n, due, nil
		}
		if err != nil {
			return n, due, err
		}
		if first < 0 {
			first = l.Received
		}
		if o.speed > 0 {
			due = start.Add(time.Duration(float64(l.Received-first) / o.speed))
			if err := until(ctx, due.Sub(o.now())); err != nil {
				return n, due, err
			}
		} else {
			due = o.now()
		}
		if l.Control != nil || sensors.OwnTopic(l.Topic) {
			continue
		}
		if o.shift {
			l.Payload = journal.Shift(l.Payload, l.Received, due.Sub(time.Unix(0, l.Received)))
		}
		if err := publish(ctx, l.Topic, l.Retain, l.Payload); err != nil {
			return n, due, err
		}
		n++
	}
}

// until waits for d, or for the end of ctx.
func until(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// playBroker is a connection that publishes at QoS 1 without waiting for each acknowledgement, so that a recording keeps
// its pace. Messages keep their order, and wait while the connection is away.
type playBroker struct {
	client mqtt.Client
	tokens chan mqtt.Token // what was not acknowledged, in order
	failed chan error
}

func newPlayBroker(ctx context.Context, s sensors.SubscriberOptions) (*playBroker, error) {
	// Sends again what was not acknowledged when the connection comes back; nobody else is to take its session.
	p := &playBroker{tokens: make(chan mqtt.Token, 1000), failed: make(chan error, 1), client: mqtt.NewClient(mqtt.NewClientOptions().
		AddBroker(s.URL).SetClientID("magpie-play-" + rand.Text()).
		SetCredentialsProvider(s.Credentials(s.Log)).SetTLSConfig(s.TLS).SetConnectionAttemptHandler(s.Files.Attempt(s.Log)).
		SetCleanSession(false).SetStore(newUnsent()).SetAutoReconnect(true).SetMaxReconnectInterval(5 * time.Second).SetConnectTimeout(10 * time.Second))}
	if err := within(ctx, p.client.Connect()); err != nil {
		return nil, fmt.Errorf("broker %s: %w", s.URL, err)
	}
	go func() {
		for t := range p.tokens {
			<-t.Done()
			if t.Error() != nil {
				p.failed <- t.Error()
				return
			}
		}
		p.failed <- nil
	}()
	return p, nil
}

func (p *playBroker) publish(ctx context.Context, topic string, retain bool, payload []byte) error {
	select {
	case p.tokens <- p.client.Publish(topic, 1, retain, payload):
		return nil
	case err := <-p.failed:
		p.failed <- err
		return fmt.Errorf("publish on %s: %w", topic, err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish waits for the acknowledgements that are missing and ends the connection.
func (p *playBroker) finish(ctx context.Context) error {
	defer p.client.Disconnect(250)
	close(p.tokens)
	select {
	case err := <-p.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(30 * time.Second):
		return errors.New("the broker did not acknowledge the last messages within 30 s: see whether it is up")
	}
}

func within(ctx context.Context, t mqtt.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}
