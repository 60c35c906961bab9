package sensors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/fusion"
	"magpie/sensors/message"
)

// load publishes at QoS 1 until stop is closed, over as many connections as it takes, and returns what was acknowledged.
// Where beat is free it hears of an acknowledgement.
func load(t *testing.T, url string, stop <-chan struct{}, beat chan<- struct{}) map[string]bool {
	acked := map[string]bool{}
	for n := 0; ; {
		select {
		case <-stop:
			return acked
		default:
		}
		client, err := connect(t, url, "", "")
		for err == nil {
			payload := strconv.Itoa(n)
			n++
			during, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if err = wait(during, client.Publish("magpie/v1/s042/gate/g", 1, false, payload)); err == nil {
				acked["magpie/v1/s042/gate/g "+payload] = true
				select {
				case beat <- struct{}{}:
				default:
				}
			}
			cancel()
			select {
			case <-stop:
				return acked
			default:
			}
		}
	}
}

// counted is a journal, decoder and core in small: it counts how often a number came, and how often it counted. As the journal
// does it takes lines together every few milliseconds; a crash loses those that it has not taken yet, and what was said to
// be taken must not be among them.
type counted struct {
	mu      sync.Mutex
	waiting []taking
	more    sync.Cond // more waits
	down    bool
	d       *Decoder
	core    *fusion.Core[struct{}]
	came    map[string]int
	counts  map[string]int
	errs    []error
	changed chan struct{}
}

func newCounted(t *testing.T) *counted {
	none := fusion.Judge[struct{}]{New: func() struct{} { return struct{}{} }, Clone: func(s struct{}) struct{} { return s },
		Facts: func(struct{}, *fusion.World, []fusion.Change) {}, Due: func(struct{}) int64 { return math.MaxInt64 }, Fire: func(struct{}, *fusion.World, int64) {}}
	d := decoder(t)
	c := &counted{d: d, core: fusion.NewCore(d.store, none), came: map[string]int{}, counts: map[string]int{}, changed: make(chan struct{}, 1)}
	c.more.L = &c.mu
	commit := time.NewTicker(20 * time.Millisecond)
	go func() {
		defer commit.Stop()
		for t.Context().Err() == nil {
			select {
			case <-commit.C:
				c.commit()
			case <-t.Context().Done():
			}
		}
	}()
	return c
}

// taking is a line on its way into the journal.
type taking struct {
	topic   string
	retain  bool
	payload []byte
	done    func(error)
}

var errCrashed = errors.New("it crashed")

func (c *counted) append(topic string, retain bool, payload []byte, done func(error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		done(errCrashed)
		return
	}
	c.waiting = append(c.waiting, taking{topic, retain, payload, done})
	c.more.Signal()
}

// crash loses what waits, when something does, and takes nothing until up.
func (c *counted) crash() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) < 3 {
		c.more.Wait()
	}
	for _, w := range c.waiting {
		w.done(errCrashed)
	}
	c.waiting, c.down = nil, true
}

func (c *counted) up() {
	c.mu.Lock()
	c.down = false
	c.mu.Unlock()
}

func (c *counted) commit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.waiting {
		c.take(w.topic, w.retain, w.payload)
		w.done(nil)
	}
	c.waiting = nil
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *counted) take(topic string, retain bool, payload []byte) {
	now := time.Now().UnixNano()
	c.core.Arrive(now)
	m, err := c.d.Decode(now, topic, retain, payload)
	if err != nil {
		c.errs = append(c.errs, err)
	} else {
		n, _, _ := c.d.Sequence()
		key := fmt.Sprint(topic, " ", n)
		c.came[key]++
		switch c.core.Add(&m) {
		case fusion.Duplicate:
		case fusion.TooLate:
			c.errs = append(c.errs, fmt.Errorf("%s is too late", key))
		default:
			c.counts[key]++
		}
		c.core.Advance()
	}
}

func (c *counted) total() (came, counts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.came {
		came += n
	}
	return came, len(c.counts)
}

// await waits until so many messages have counted.
func (c *counted) await(t *testing.T, want int) {
	t.Helper()
	for end := time.After(30 * time.Second); ; {
		_, n := c.total()
		if n >= want {
			return
		}
		select {
		case <-c.changed:
		case <-end:
			t.Fatalf("%d of %d messages have come after 30 s", n, want)
		}
	}
}

// vendorLoad publishes at QoS 1 as a vendor does, at most a hundred a second: the next message when the one before is acknowledged, and until then the same
// one again over as many connections as it takes. It returns how many were acknowledged.
func vendorLoad(t *testing.T, url, topic, members string, stop <-chan struct{}) (acknowledged int) {
	var client mqtt.Client
	connections := 0
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for ; ; acknowledged++ {
		<-pace.C
		payload := fmt.Sprintf(`{"ts":%d,"seq":%d,%s}`, time.Now().UnixMilli(), acknowledged, members)
		for sent := false; !sent; {
			select {
			case <-stop:
				if client != nil {
					client.Disconnect(0)
				}
				return acknowledged
			default:
			}
			during, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if client == nil {
				client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprintf("vendor-%s-%d", topic[len(message.Prefix):], connections)).
					SetAutoReconnect(false).SetConnectTimeout(2 * time.Second))
				connections++
				if wait(during, client.Connect()) != nil {
					client = nil
					<-time.After(5 * time.Millisecond) // the broker starts anew
				}
			}
			if client != nil {
				if sent = wait(during, client.Publish(topic, 1, false, payload)) == nil; !sent {
					client.Disconnect(0)
					client = nil
				}
			}
			cancel()
		}
	}
}

// restarts restarts a broker while four vendors publish and Magpie listens, and once listens only afterwards: whatever was
// acknowledged counts once.
func restarts(t *testing.T, url, user, password string, restart func(), own func() (string, string)) {
	times := 100
	if testing.Short() {
		times = 3
	}
	in := newCounted(t)
	o := SubscriberOptions{URL: url, User: user, Password: password, Topics: []string{"magpie/v1/s042/+/+"}, Append: in.append}
	_, end := subscribe(t, o)
	vendors := map[string]string{"magpie/v1/s042/gate/eas-1": `"alarm":false`, "magpie/v1/s042/count/c-1": `"in":1,"out":0`,
		"magpie/v1/s042/signal/line-1": `"name":"line"`, "magpie/v1/s042/stock/erp-1": `"sku":"1","units":3`}
	type result struct {
		topic string
		n     int
	}
	stop, results := make(chan struct{}), make(chan result)
	for topic, members := range vendors {
		go func() { results <- result{topic, vendorLoad(t, url, topic, members, stop)} }()
	}
	for range times {
		_, n := in.total()
		in.await(t, n+20)
		in.crash()
		restart()
		end()
		if own != nil { // the embedded broker's password changes
			o.User, o.Password = own()
		}
		in.up()
		_, end = subscribe(t, o)
	}
	_, n := in.total()
	in.await(t, n+20)
	in.crash()
	end() // we are away while more is published, and the broker restarts once more
	restart()
	in.up()
	if own != nil {
		o.User, o.Password = own()
	}
	close(stop)
	acknowledged := map[string]int{}
	all := 0
	for range vendors {
		r := <-results
		acknowledged[r.topic] = r.n
		all += r.n
	}
	subscribe(t, o)
	in.await(t, all)
	came, counts := in.total()
	in.mu.Lock()
	defer in.mu.Unlock()
	for topic, n := range acknowledged {
		for i := range n {
			if key := fmt.Sprint(topic, " ", i); in.counts[key] != 1 {
				t.Errorf("%s was acknowledged and counted %d times", key, in.counts[key])
			}
		}
	}
	for key, n := range in.counts {
		if n != 1 {
			t.Errorf("%s counted %d times", key, n)
		}
	}
	if len(in.errs) > 0 {
		t.Errorf("%d errors, such as %v", len(in.errs), in.errs[0])
	}
	t.Logf("%d restarts: %d messages acknowledged, each counted once; %d came, of which %d were repeats", times+1, all, came, came-counts)
}

func TestEmbeddedRestarts(t *testing.T) {
	o := BrokerOptions{Dir: t.TempDir(), Listen: "127.0.0.1:" + freePort(t), Sync: time.Minute}
	b := embedded(t, o)
	user, password := b.Own()
	restarts(t, b.URL(), user, password, func() {
		b.Close()
		b = embedded(t, o)
	}, func() (string, string) { return b.Own() })
}

// TestKill kills a process that is broker and subscriber with SIGKILL, thrice, and finds everything that its broker
// acknowledged where its subscriber put it.
func TestKill(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), "SENSORS_CHILD="+dir+"|127.0.0.1:"+port)
		cmd.Stderr = os.Stderr
		if _, err := cmd.StdinPipe(); err != nil { // the child ends with it, however this test does
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
		})
		return cmd
	}
	child := start()
	stop, beat, result := make(chan struct{}), make(chan struct{}), make(chan map[string]bool)
	go func() { result <- load(t, "mqtt://127.0.0.1:"+port, stop, beat) }()
	for n := range 3 {
		for range 100 {
			select {
			case <-beat:
			case <-time.After(20 * time.Second):
				t.Fatalf("nothing is acknowledged after %d kills", n)
			}
		}
		child.Process.Kill()
		child.Wait()
		child = start()
	}
	<-beat
	close(stop)
	acked := <-result
	if len(acked) < 300 {
		t.Errorf("only %d messages were acknowledged", len(acked))
	}
	deadline := time.After(20 * time.Second)
	for missing := len(acked); missing > 0; {
		text, err := os.ReadFile(filepath.Join(dir, "inbox"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		missing = len(acked)
		var lost string
		for line := range strings.Lines(string(text)) {
			if acked[strings.TrimSpace(line)] {
				acked[strings.TrimSpace(line)] = false
			}
		}
		for message, not := range acked {
			if not {
				lost = message
			} else {
				missing--
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%d of %d acknowledged messages are lost, such as %s", missing, len(acked), lost)
		}
	}
}

// TestMain is the child process of TestKill.
func TestMain(m *testing.M) {
	dir, listen, ok := strings.Cut(os.Getenv("SENSORS_CHILD"), "|")
	if !ok {
		os.Exit(m.Run())
	}
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	b, err := NewBroker(BrokerOptions{Store: "s042", Listen: listen, Dir: filepath.Join(dir, "broker"), Again: 500 * time.Millisecond, Keep: true})
	fail(err)
	inbox, err := os.OpenFile(filepath.Join(dir, "inbox"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	fail(err)
	user, password := b.Own()
	fail(NewSubscriber(SubscriberOptions{URL: b.URL(), ClientID: b.Client(), User: user, Password: password, Topics: []string{"#"},
		Append: func(topic string, _ bool, payload []byte, done func(error)) {
			_, err := fmt.Fprintln(inbox, topic, string(payload))
			done(err)
		}}).Run(context.Background()))
}

// TestKeep publishes on a new broker before anybody has subscribed: what it acknowledges comes once the client is there
// for whom it keeps everything, also over a restart.
func TestKeep(t *testing.T) {
	o := BrokerOptions{Dir: t.TempDir(), Keep: true}
	want := map[string]bool{}
	var b *Broker
	for n := range 2 {
		b = embedded(t, o)
		client, err := connect(t, b.URL(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		payload := strconv.Itoa(n)
		if err := wait(t.Context(), client.Publish("magpie/v1/s042/gate/g", 1, false, payload)); err != nil {
			t.Fatal(err)
		}
		want["magpie/v1/s042/gate/g "+payload] = true
		if n == 0 {
			b.Close()
		}
	}
	in := newInbox()
	user, password := b.Own()
	subscribe(t, SubscriberOptions{URL: b.URL(), ClientID: b.Client(), User: user, Password: password, Topics: []string{"#"}, Append: in.append})
	in.await(t, want)
	in.mu.Lock()
	defer in.mu.Unlock()
	for message := range want {
		if in.got[message] != 1 {
			t.Errorf("%s came %d times", message, in.got[message])
		}
	}
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// mosquitto starts a Mosquitto with more lines of configuration, and returns how to start it again; it skips where none is
// installed (scripts/setup.sh test-tools).
func mosquitto(t *testing.T, dir string, config ...string) (restart func()) {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if _, err = os.Stat("/usr/sbin/mosquitto"); err != nil {
			t.Skip("mosquitto is not installed")
		}
		path = "/usr/sbin/mosquitto"
	}
	file := filepath.Join(dir, "mosquitto.conf")
	config = append(config, "persistence true", "persistence_location "+dir+"/", "max_queued_messages 0", "user "+currentUser(), "")
	if err := os.WriteFile(file, []byte(strings.Join(config, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command(path, "-c", file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	broker := start()
	t.Cleanup(func() {
		broker.Process.Kill()
		broker.Wait()
	})
	return func() {
		broker.Process.Signal(os.Interrupt) // it saves what it holds; killed it would lose what it alone has
		broker.Wait()
		broker = start()
	}
}

func TestMosquittoRestarts(t *testing.T) {
	port := freePort(t)
	restart := mosquitto(t, t.TempDir(), "listener "+port+" 127.0.0.1", "allow_anonymous true")
	restarts(t, "mqtt://127.0.0.1:"+port, "", "", restart, nil)
}

func currentUser() string {
	if os.Getuid() == 0 {
		return "root"
	}
	return os.Getenv("USER")
}
