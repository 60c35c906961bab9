package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/fusion"
	"magpie/sensors"
	"magpie/sensors/message"
	"magpie/site"
)

// outerBroker is a mosquitto that keeps what it owes its clients over a restart.
type outerBroker struct {
	addr, conf string
	cmd        *exec.Cmd
}

// startMosquitto starts one with these lines of configuration, without any one that takes everybody; it skips where none is installed.
func startMosquitto(t *testing.T, config ...string) *outerBroker {
	t.Helper()
	if config == nil {
		config = []string{"allow_anonymous true"}
	}
	bin, err := exec.LookPath("mosquitto")
	if err != nil {
		if bin = "/usr/sbin/mosquitto"; !exists(bin) {
			t.Skip("mosquitto is not installed (scripts/setup.sh test-tools)")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, port, _ := net.SplitHostPort(addr)
	conf := filepath.Join(dir, "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\n" + strings.Join(config, "\n") + "\npersistence true\npersistence_location " + dir + "/\nuser root\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &outerBroker{addr: addr, conf: conf}
	t.Cleanup(b.stop)
	b.start(t, bin)
	return b
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (b *outerBroker) start(t *testing.T, bin string) {
	t.Helper()
	b.cmd = exec.Command(bin, "-c", b.conf)
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for range 200 {
		if c, err := net.Dial("tcp", b.addr); err == nil {
			_ = c.Close()
			return
		}
		<-again.C // another program's start has no other sign
	}
	t.Fatal("mosquitto does not listen")
}

func (b *outerBroker) stop() {
	if b.cmd != nil && b.cmd.Process != nil {
		_ = b.cmd.Process.Signal(os.Interrupt)
		_ = b.cmd.Wait()
	}
}

// wire passes bytes on to a broker until it is cut.
type wire struct {
	l    net.Listener
	to   string
	mu   sync.Mutex
	ends []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{l: l, to: to}
	t.Cleanup(func() { _ = l.Close(); w.cut() })
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", w.to)
			if err != nil {
				_ = a.Close()
				continue
			}
			w.mu.Lock()
			w.ends = append(w.ends, a, b)
			w.mu.Unlock()
			go func() { _, _ = io.Copy(a, b); _ = a.Close() }()
			go func() { _, _ = io.Copy(b, a); _ = b.Close() }()
		}
	}()
	return w
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.ends {
		_ = c.Close()
	}
	w.ends = nil
}

// A camera's messages reach the broker in their order, also those of a time in
// which the broker was away; its will says that it is offline, and it says
// itself that it is back.
func TestTracksSurviveTheBroker(t *testing.T) {
	if underRace {
		t.Skip("paho 1.5.1 sets a packet's DUP flag in client.resume while its writer packs the same packet: a race of its own, which only repeats a message")
	}
	b := startMosquitto(t)
	bin := b.cmd.Path
	w := newWire(t, b.addr)
	got := make(chan string, 1000)
	o := mqtt.NewClientOptions().AddBroker("tcp://" + b.addr).SetClientID("watcher").SetCleanSession(false).
		SetMaxReconnectInterval(100 * time.Millisecond)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		got <- strings.TrimPrefix(m.Topic(), "magpie/v1/s1/") + " " + string(m.Payload())
	})
	watcher := mqtt.NewClient(o)
	for _, do := range []func() mqtt.Token{watcher.Connect, func() mqtt.Token { return watcher.Subscribe("magpie/v1/s1/#", 1, nil) }} {
		if tok := do(); !tok.WaitTimeout(5*time.Second) || tok.Error() != nil {
			t.Fatal("watcher:", tok.Error())
		}
	}
	defer watcher.Disconnect(0)
	// expect takes messages until the wanted one comes; what else comes must be among skip.
	expect := func(want string, skip ...string) {
		t.Helper()
		timeout := time.After(15 * time.Second)
		for {
			select {
			case m := <-got:
				if m == want {
					return
				}
				for _, s := range skip {
					if m == s {
						m = ""
					}
				}
				if m != "" {
					t.Fatalf("got %s, want %s", m, want)
				}
			case <-timeout:
				t.Fatalf("%s did not come", want)
			}
		}
	}
	s := &site.Site{Path: "site.yaml", Store: &fusion.Store{ID: "s1"}}
	p, err := newTrackPublisher(s, "cam-1", "mqtt://"+w.l.Addr().String(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}()
	say := func(kind, text string) {
		t.Helper()
		if err := p.publish(t.Context(), kind, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	const online, offline = `status/cam-1 {"state":"online"}`, `status/cam-1 {"state":"offline"}`
	say(message.KindStatus, `{"state":"online"}`)
	expect(online)
	say(message.KindTrack, "1")
	expect("track/cam-1 1", online)

	w.cut()                                  // as if the machine had lost its network
	expect(offline, online, "track/cam-1 1") // QoS 1: the last may come twice
	expect(online, "track/cam-1 1")

	b.stop()
	for i := 2; i <= 20; i++ {
		say(message.KindTrack, fmt.Sprint(i))
	}
	b.start(t, bin)
	// All come; who watches has to come back too, so that one may come before another, or twice.
	missing := map[string]bool{}
	for i := 2; i <= 20; i++ {
		missing[fmt.Sprintf("track/cam-1 %d", i)] = true
	}
	for timeout := time.After(15 * time.Second); len(missing) > 0; {
		select {
		case m := <-got:
			delete(missing, m)
		case <-timeout:
			t.Fatalf("%d frames did not come: %v", len(missing), missing)
		}
	}
}

// While there is no broker the log says so, at once and as it goes on, and who leaves then is told how much was lost. When
// the broker comes, everything reaches it.
func TestVisionSaysThatTheBrokerIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := &site.Site{Path: "site.yaml", Store: &fusion.Store{ID: "s1"}}
	term := &terminal{more: make(chan struct{}, 1)}
	open := func() *trackPublisher {
		t.Helper()
		p, err := newTrackPublisher(s, "cam-1", "mqtt://"+addr, slog.New(slog.NewTextHandler(term, nil)))
		if err != nil {
			t.Fatal(err)
		}
		term.await(t, "level=WARN msg=\"no connection to the broker.* source=cam-1 broker=mqtt://"+addr+" error=.*refused.*frames=0")
		for _, kind := range []string{message.KindStatus, message.KindTrack, message.KindTrack, message.KindStatus} {
			if err := p.publish(t.Context(), kind, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
		return p
	}
	p := open()
	term.await(t, "no connection to the broker.*for=[2-9]s frames=2")
	const want = "camera cam-1: broker mqtt://%s did not acknowledge the messages of 2 frames ("
	if err := p.close(); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf(want, addr)) {
		t.Errorf("left with %v, want "+want, err, addr)
	}

	p = open()
	broker, err := sensors.NewBroker(sensors.BrokerOptions{Listen: addr, Dir: t.TempDir(), Store: "s1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	term.await(t, "connected to the broker")
	if err := p.close(); err != nil {
		t.Error(err)
	}
}

// How long an outage was untold is bounded, and so is how often it is told.
func TestOutageIsToldInBounds(t *testing.T) {
	var o outage
	var told []time.Duration
	start := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	for d := time.Duration(0); d < 5*time.Minute; d += time.Second {
		if o.due(start.Add(d), io.EOF) {
			told = append(told, d/time.Second)
		}
	}
	if want := []time.Duration{0, 2, 6, 14, 30, 62, 122, 182, 242}; !slices.Equal(told, want) {
		t.Errorf("told after %v s, want %v", told, want)
	}
}

func TestVisionSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "site.yaml")
	text := `store: s1
timezone: Europe/London
zones: [{id: a, kind: aisle, polygon: [[0,0],[8,0],[8,5],[0,5]]}]
cameras: [{id: cam-1}, {id: cam-2, url: film.avi}]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want string, args ...string) {
		t.Helper()
		var out, errw bytes.Buffer
		err := runVision(context.Background(), append([]string{"--site", path}, args...), &out, &errw)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
	f(`camera cam-1 has no url`, "--camera", "cam-1")
	f(`has no camera "cam-9"`, "--camera", "cam-9")
	f("--source is for one camera", "--source", "film.avi", "--camera", "cam-1,cam-2")
	f(`unexpected argument "film.avi"`, "film.avi")
	f("detector", "--ort", filepath.Join(dir, "none.so"), "--model", filepath.Join(dir, "none.onnx"))
}
