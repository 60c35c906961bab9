package sensors

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// keepWithin is how long the first subscription may take, also on a slow disk.
const keepWithin = time.Minute

// keep subscribes Client to everything before anybody can publish. The server keeps a message only for the sessions
// that it has: what is published on a new broker before its own subscriber is there would be acknowledged, and lost. So a
// server that listens on this machine only, for Magpie's own user, takes the client's subscription and stops again. A
// later start finds the session in the files.
func (b *Broker) keep() error {
	name, done := filepath.Join(b.opts.StoreDir, "client"), filepath.Join(b.opts.StoreDir, "subscribed")
	was, err := os.ReadFile(name)
	if b.client = string(was); err != nil || b.client == "" {
		b.client = "magpie-" + rand.Text()
		err := os.MkdirAll(b.opts.StoreDir, 0o700)
		if err == nil {
			err = os.WriteFile(name, []byte(b.client), 0o600) // before it subscribes: the server keeps what comes for it ever after
		}
		if err != nil {
			return fmt.Errorf("cannot write to %s: %w", b.opts.StoreDir, err)
		}
	}
	if was, err := os.ReadFile(done); err == nil && string(was) == b.client {
		return nil
	}
	opts := b.opts.Clone()
	opts.Users = []*server.User{{Username: ownUser, Password: b.password}}
	opts.MQTT.TLSConfig, opts.MQTT.NoAuthUser = nil, ""
	first := &Broker{opts: opts, log: b.log, scheme: "mqtt", password: b.password, failed: b.failed}
	if err := first.start(); err != nil {
		return err
	}
	defer first.Close()
	ctx, cancel := context.WithTimeout(context.Background(), keepWithin)
	defer cancel()
	up, ended := make(chan struct{}), make(chan error, 1)
	s := NewSubscriber(SubscriberOptions{URL: first.OwnURL(), ClientID: b.client, User: ownUser, Password: b.password, Topics: []string{"#"},
		Append: func(string, bool, []byte, func(error)) {}, // not acknowledged: it comes to the subscriber that journals
		Connected: func(is bool, _ error) {
			if is {
				close(up)
				cancel()
			}
		}})
	go func() { ended <- s.Run(ctx) }()
	<-ended
	select {
	case <-up:
	default:
		return fmt.Errorf("it did not take the subscription of Magpie's own client within %v", keepWithin)
	}
	if err := os.WriteFile(done, []byte(b.client), 0o600); err != nil {
		return fmt.Errorf("cannot write to %s: %w", b.opts.StoreDir, err)
	}
	return nil
}
