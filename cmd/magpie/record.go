package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"magpie/journal"
	"magpie/sensors"
	"magpie/site"
)

// brokerFlags are the flags of commands that speak to a broker by themselves.
type brokerFlags struct{ url, user, passwordFile, caFile, certFile, keyFile string }

func (b *brokerFlags) register(fs *flag.FlagSet) {
	fs.StringVar(&b.url, "broker", "mqtt://127.0.0.1:1883", "the MQTT broker's `URL`, mqtt:// or mqtts://")
	fs.StringVar(&b.user, "user", "", "user `name` at the broker")
	fs.StringVar(&b.passwordFile, "password-file", "", "`file` that holds the user's password (or "+passwordEnv+" in the environment)")
	fs.StringVar(&b.caFile, "ca", "", "PEM `file` of the authorities that may vouch for an mqtts broker (default: the system's)")
	fs.StringVar(&b.certFile, "cert", "", "PEM `file` of this client's certificate, for a broker that wants one")
	fs.StringVar(&b.keyFile, "key", "", "PEM `file` of its key")
}

// options are the connection's part of a Subscriber's settings.
func (b *brokerFlags) options() (sensors.SubscriberOptions, error) {
	o := sensors.SubscriberOptions{URL: b.url, User: b.user}
	if err := site.CheckBroker(b.url); err != nil {
		return o, fmt.Errorf("--broker %w", err)
	}
	err := brokerSecrets(site.Broker{PasswordFile: b.passwordFile, CAFile: b.caFile, CertFile: b.certFile, KeyFile: b.keyFile}, &o)
	return o, err
}

// runRecord is `magpie record`: what a broker delivers, into a recording, until it is interrupted.
func runRecord(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "record", "magpie record --broker URL [--topics FILTER,…] -o FILE")
	var broker brokerFlags
	broker.register(fs)
	topics := fs.String("topics", "#", "topic `filters` to record, separated by commas")
	path := fs.String("o", "", "the recording's `file`, *.jsonl, *.jsonl.gz or *.jsonl.zst; - for standard output")
	during := fs.Duration("for", 0, "stop after this `time` (default: when interrupted)")
	drop := fs.String("drop", "", "JSON `members` to cut out of every message, separated by commas, as privacy.drop in the site file")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *path == "" || fs.NArg() > 0 {
		fs.Usage()
		return errors.New("name one file to record to with -o")
	}
	o, err := broker.options()
	if err != nil {
		return err
	}
	if *during > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *during)
		defer cancel()
	}
	file, err := journal.CreateRecording(*path, time.Now().UnixNano())
	if err != nil {
		return err
	}
	o.Log = slog.New(slog.NewTextHandler(errw, nil))
	// A look from outside: the broker keeps nothing for this client, and it takes nobody's place.
	o.ClientID, o.Clean, o.Topics = "magpie-record-"+rand.Text(), true, split(*topics)
	n, err := record(ctx, o, file.Write, file.Flush, split(*drop), time.Now)
	err = errors.Join(err, file.Close())
	fmt.Fprintf(errw, "recorded %d messages\n", n)
	return err
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// record writes what a broker delivers until ctx ends or a line cannot be written, with a tick where nothing arrives for a
// second. write and flush are never called at once.
func record(ctx context.Context, o sensors.SubscriberOptions, write func(journal.Line) error, flush func() error, drop []string,
	now func() time.Time) (n int, err error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var mu sync.Mutex
	fresh := false
	add := func(l journal.Line) error {
		mu.Lock()
		defer mu.Unlock()
		tick := l.Control != nil
		switch {
		case err != nil:
			return err
		case tick && fresh: // something arrived since the last one
			err = flush()
		default:
			l.Received = now().UnixNano()
			err = write(l)
		}
		if fresh = !tick; fresh && err == nil {
			n++
		}
		if err != nil {
			end()
		}
		return err
	}
	o.Append = func(topic string, retain bool, payload []byte, done func(error)) {
		if sensors.OwnTopic(topic) {
			done(nil)
			return
		}
		kept, cut := journal.Cut(payload, drop)
		done(add(journal.Line{Topic: topic, Retain: retain, Cut: cut, Payload: kept}))
	}
	ticks := make(chan struct{})
	go func() {
		defer close(ticks)
		every := time.NewTicker(time.Second)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				_ = add(journal.Line{Control: &journal.Control{Kind: journal.ControlTick}})
			case <-ctx.Done():
				return
			}
		}
	}()
	runErr := sensors.NewSubscriber(o).Run(ctx)
	<-ticks
	mu.Lock()
	defer mu.Unlock()
	return n, errors.Join(err, runErr)
}
