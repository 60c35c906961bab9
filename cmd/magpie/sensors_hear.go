package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"sync"
	"time"

	"magpie/journal"
	"magpie/site"
)

// hearing is where the lines come from that check and watch look at: a recording, or a live broker.
type hearing struct {
	broker brokerFlags
	topics string
	during time.Duration
}

func (h *hearing) register(fs *flag.FlagSet) {
	h.broker.register(fs)
	fs.StringVar(&h.topics, "topics", "#", "topic `filters` to listen to, separated by commas")
	fs.DurationVar(&h.during, "for", 0, "listen for so long (default: until interrupted)")
}

// bySite takes the site's broker where no other was named.
func (h *hearing) bySite(fs *flag.FlagSet, b site.Broker) {
	named := false
	fs.Visit(func(f *flag.Flag) { named = named || f.Name == "broker" })
	switch {
	case named:
		return
	case b.URL != "":
		h.broker.url = b.URL
		h.broker.user = cmp.Or(h.broker.user, b.User)
		h.broker.passwordFile = cmp.Or(h.broker.passwordFile, b.PasswordFile)
		h.broker.caFile = cmp.Or(h.broker.caFile, b.CAFile)
		if h.broker.certFile == "" && h.broker.keyFile == "" {
			h.broker.certFile, h.broker.keyFile = b.CertFile, b.KeyFile
		}
	case b.Listen != "" && b.CertFile != "":
		h.broker.url = "mqtts://" + b.Listen
		h.broker.caFile = cmp.Or(h.broker.caFile, b.CertFile) // not ours, but the one to know it by
	case b.Listen != "":
		h.broker.url = "mqtt://" + b.Listen
	}
}

// lines gives every line of the recording at path to line, or where path is empty every line of the broker until ctx ends or
// the time is over. Line is never called at once with itself or lost, which hears when the connection comes back.
func (h *hearing) lines(ctx context.Context, path string, errw io.Writer, line func(*journal.Line), resumed func(at int64)) error {
	if path == "" {
		return h.live(ctx, errw, line, resumed)
	}
	r, err := openSegments(path)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		l, err := r.Next()
		switch {
		case err == io.EOF:
			r.tell(errw)
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return nil // interrupted: what was read so far counts
		}
		line(&l)
	}
}

func (h *hearing) live(ctx context.Context, errw io.Writer, line func(*journal.Line), resumed func(at int64)) error {
	o, err := h.broker.options()
	if err != nil {
		return err
	}
	// A look from outside: the broker keeps nothing for this client, and it takes nobody's place.
	o.ClientID, o.Clean, o.Topics = "magpie-sensors-"+rand.Text(), true, split(h.topics)
	ctx, end := context.WithCancel(ctx)
	defer end()
	tick := func(at int64) journal.Line {
		return journal.Line{Received: at, Control: &journal.Control{Kind: journal.ControlTick}}
	}
	var mu sync.Mutex
	var refused error
	ever, down := false, false
	begin := func(at int64) { // the first message may come before the word that we are connected
		if ever {
			return
		}
		ever = true
		fmt.Fprintf(errw, "listening to %s\n", o.URL)
		first := tick(at)
		line(&first)
		if h.during > 0 {
			time.AfterFunc(h.during, end)
		}
	}
	o.Connected = func(up bool, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case up && down:
			fmt.Fprintf(errw, "listening to %s again\n", o.URL)
			resumed(time.Now().UnixNano())
			down = false
		case up:
			begin(time.Now().UnixNano())
		case !ever: // the first attempt tells whether this broker can be had at all
			refused = fmt.Errorf("broker %s: %w", o.URL, err)
			end()
		case !down:
			fmt.Fprintf(errw, "the connection to %s was lost (%v): trying again\n", o.URL, err)
			down = true
		}
	}
	take := func(l journal.Line) error {
		mu.Lock()
		defer mu.Unlock()
		if l.Control == nil {
			begin(l.Received)
		}
		if ever {
			line(&l)
		}
		return nil
	}
	_, err = record(ctx, o, take, func() error { return nil }, nil, time.Now)
	switch {
	case refused != nil:
		return refused
	case !ever && err == nil:
		return fmt.Errorf("broker %s: interrupted before it answered", o.URL)
	case err == nil: // silence reaches until now
		err = take(tick(time.Now().UnixNano()))
	}
	return err
}
