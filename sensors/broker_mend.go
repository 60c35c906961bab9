package sensors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// start starts the server and returns when it takes connections.
func (b *Broker) start() error {
	b.opts.MQTT.Port = server.RANDOM_PORT
	nats, err := server.NewServer(b.opts)
	if err != nil {
		return err
	}
	nats.SetLoggerV2(b.log, false, false, false)
	b.mu.Lock()
	b.nats = nats
	b.mu.Unlock()
	go nats.Start()
	if !nats.ReadyForConnections(20 * time.Second) {
		b.Close()
		return fmt.Errorf("its server does not start: is %s writable?", b.opts.StoreDir)
	}
	return nil
}

// open lets clients in.
func (b *Broker) open(l net.Listener) {
	b.address = l.Addr().String()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entrance = newEntrance(l, net.JoinHostPort(b.opts.MQTT.Host, strconv.Itoa(b.opts.MQTT.Port)), b.guard, b.identities, b.rate, b.log.log)
}

// Close stops the broker and waits until its files are closed.
func (b *Broker) Close() {
	b.mu.Lock()
	nats, entrance := b.nats, b.entrance
	b.entrance = nil
	b.mu.Unlock()
	if entrance != nil {
		entrance.close()
	}
	nats.Shutdown()
	nats.WaitForShutdown()
}

// Run keeps the broker serving, and what it keeps within its bounds, until ctx ends. A server that could not write once, since the disk was full, takes no
// message ever after, even when there is room again. Run tells broken of it, waits for room, starts the server anew and
// tells broken nil. Clients come back by themselves, and what was acknowledged is still there.
func (b *Broker) Run(ctx context.Context, broken func(error)) error {
	ctx, stop := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { b.within(ctx) })
	defer keeping.Wait()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.failed:
		}
		broken(fmt.Errorf("the broker cannot write to %s and takes no message: free space on its disk", b.opts.StoreDir))
		if !b.roomy(ctx) {
			return nil
		}
		b.Close()
		select { // what it said while it stopped is of the old server
		case <-b.failed:
		default:
		}
		err := b.start()
		if err == nil {
			var l net.Listener
			if l, err = net.Listen("tcp", b.address); err == nil {
				b.open(l)
			}
		}
		if err != nil {
			return fmt.Errorf("broker: it does not start again after its disk was full: %w", err)
		}
		broken(nil)
	}
}

// room is what must fit on the disk before the server is started anew: its files need more than a line.
const room = 1 << 20

// roomy waits until there is room; false when ctx ends first.
func (b *Broker) roomy(ctx context.Context) bool {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		probe := filepath.Join(b.opts.StoreDir, "probe")
		err := os.WriteFile(probe, make([]byte, room), 0o600)
		if err = errors.Join(err, os.Remove(probe)); err == nil {
			return true
		}
	}
}

// natsLog passes the server's log lines on and notices when it can no longer write.
type natsLog struct {
	log    *slog.Logger
	failed chan struct{}
}

func (l natsLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(text)
	if strings.Contains(strings.ToLower(text), "critical write error") {
		select {
		case l.failed <- struct{}{}:
		default:
		}
	}
}

func (l natsLog) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if strings.HasPrefix(text, "Plaintext passwords") {
		return // our own is one, for this start only; of the users' NewBroker tells
	}
	l.log.Warn(text)
}

func (l natsLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l natsLog) Fatalf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l natsLog) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l natsLog) Tracef(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
