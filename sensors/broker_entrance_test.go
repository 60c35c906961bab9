package sensors

import (
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// full is a listener that has no file left for a connection.
type full struct {
	net.Listener
	closed atomic.Bool
}

func (f *full) Accept() (net.Conn, error) {
	if f.closed.Load() {
		return nil, net.ErrClosed
	}
	return nil, errors.New("too many open files")
}

func (f *full) Close() error {
	f.closed.Store(true)
	return nil
}

// TestCloseDoesNotWait closes the entrance while it holds a client back for minutes, and while it waits for a file to be free:
// it is closed at once.
func TestCloseDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(&full{}, "", nil, nil, 1000, slog.New(slog.DiscardHandler))
		client, device := net.Pipe()
		server, inside := net.Pipe()
		if !e.hold(client) || !e.hold(server) {
			t.Fatal("it is closed")
		}
		e.all.Go(func() { e.pass(server, client) })
		if _, err := device.Write(make([]byte, 8<<10)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the one waits for its turn, the other for a file
		began := time.Now()
		e.close()
		if took := time.Since(began); took > 0 {
			t.Errorf("to close took %v", took)
		}
		if _, err := inside.Read(make([]byte, 1)); err == nil {
			t.Error("what was held back was passed on")
		}
	})
}
