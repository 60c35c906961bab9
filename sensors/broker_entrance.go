package sensors

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

// entrance takes the clients' connections and passes each on to the server, no faster than rate: whoever sends more is slowed
// by its own connection, loses nothing, and takes nobody else's turn. The server itself reads as fast as anybody sends.
type entrance struct {
	listener   net.Listener
	server     string            // host:port
	guard      *guard            // nil: plain MQTT
	identities map[string]string // passwords inside of the users that certificates name; nil: clients name their users themselves
	rate       int               // bytes a second of one connection, where a packet counts for perPacket more than it has
	log        *slog.Logger

	mu     sync.Mutex
	conns  map[net.Conn]bool // nil when it is closed
	closed chan struct{}
	all    sync.WaitGroup
}

// perPacket is what a packet costs beside its bytes: small ones are as much work as large ones.
const perPacket = 512

// burst is how long a connection may be faster than the rate, such as after an outage.
const burst = time.Second / 4

func newEntrance(l net.Listener, server string, guard *guard, identities map[string]string, rate int, log *slog.Logger) *entrance {
	e := &entrance{listener: l, server: server, guard: guard, identities: identities, rate: rate, log: log,
		conns: map[net.Conn]bool{}, closed: make(chan struct{})}
	e.all.Go(e.accept)
	return e
}

func (e *entrance) accept() {
	for {
		client, err := e.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as no more files
			e.log.Error("the broker cannot take a connection", "error", err)
			if !e.wait(100 * time.Millisecond) {
				return
			}
			continue
		}
		if e.hold(client) {
			e.all.Go(func() { e.serve(client) })
		}
	}
}

// wait waits for d, and reports whether the entrance is still open then; false at once where it closes.
func (e *entrance) wait(d time.Duration) (open bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.closed:
		return false
	}
}

// hold notes a connection for close; false where that is too late.
func (e *entrance) hold(c net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conns == nil {
		c.Close()
		return false
	}
	e.conns[c] = true
	return true
}

func (e *entrance) drop(c net.Conn) {
	e.mu.Lock()
	delete(e.conns, c)
	e.mu.Unlock()
	c.Close()
}

func (e *entrance) serve(client net.Conn) {
	defer e.drop(client)
	server, err := net.Dial("tcp", e.server)
	if err != nil || !e.hold(server) {
		return // it stops, and the client comes again
	}
	defer e.drop(server)
	if e.guard != nil {
		secured := tls.Server(client, e.guard.server())
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := secured.HandshakeContext(ctx)
		cancel()
		if err != nil {
			if !errors.Is(err, io.EOF) { // who only looks whether somebody listens
				e.log.Warn("a client could not connect to the broker", "client", client.RemoteAddr(), "error", e.guard.advice(err))
			}
			return
		}
		client, server = secured, tls.Client(server, e.guard.client())
		if e.identities != nil {
			if err := e.identified(client, server, secured.ConnectionState().PeerCertificates[0]); err != nil {
				if !errors.Is(err, io.EOF) {
					e.log.Warn("a client was refused by the broker", "client", client.RemoteAddr(), "error", err)
				}
				return
			}
		}
	}
	e.log.Debug("a client connects", "client", client.RemoteAddr(), "as", server.LocalAddr())
	back := make(chan struct{})
	go func() {
		defer close(back)
		io.Copy(client, server)
		client.Close()
	}()
	e.pass(server, client)
	server.Close()
	<-back
}

// pass copies what a client sends until either side ends.
func (e *entrance) pass(server, client net.Conn) {
	room := make([]byte, 8<<10)
	var due time.Time // when all that was passed on would have come at the rate
	slowed := false
	var counted packetCount
	for {
		n, err := client.Read(room)
		if n > 0 {
			now := time.Now()
			if earliest := now.Add(-burst); due.Before(earliest) {
				due = earliest
			}
			cost := n + perPacket*counted.in(room[:n])
			due = due.Add(time.Duration(cost) * time.Second / time.Duration(e.rate))
			if ahead := due.Sub(now); ahead > 0 {
				if !slowed {
					e.log.Warn("a client sends more than it may and is slowed; nothing is lost", "client", client.RemoteAddr(), "bytes_per_second", e.rate)
				}
				slowed = true
				if !e.wait(ahead) {
					return
				}
			}
			if _, err := server.Write(room[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// packetCount counts the packets of an MQTT stream as it passes.
type packetCount struct {
	left   int  // of the packet at hand
	length bool // the next byte is of its length
	shift  uint
}

func (p *packetCount) in(b []byte) (n int) {
	for len(b) > 0 {
		switch c := b[0]; {
		case p.length:
			p.left |= int(c&0x7f) << p.shift
			p.shift += 7
			p.length = c >= 0x80 && p.shift < 28
			b = b[1:]
		case p.left > 0:
			skip := min(p.left, len(b))
			p.left -= skip
			b = b[skip:]
		default:
			n++
			p.length, p.shift = true, 0
			b = b[1:]
		}
	}
	return n
}

// close ends all connections, also those that are held back.
func (e *entrance) close() {
	close(e.closed)
	e.listener.Close()
	e.mu.Lock()
	for c := range e.conns {
		c.Close()
	}
	e.conns = nil
	e.mu.Unlock()
	e.all.Wait()
}
