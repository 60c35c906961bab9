package sensors

import (
	"context"
	"errors"
	"fmt"
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

	"magpie/site"
)

// inbox is a journal that a test can look into, and make fail.
type inbox struct {
	mu      sync.Mutex
	got     map[string]int
	changed chan struct{}
	fail    int // so many messages are refused
}

func newInbox() *inbox { return &inbox{got: map[string]int{}, changed: make(chan struct{}, 1)} }

func (b *inbox) append(topic string, retain bool, payload []byte, done func(error)) {
	b.mu.Lock()
	refused := b.fail > 0
	if refused {
		b.fail--
	} else {
		b.got[topic+" "+string(payload)]++
	}
	b.mu.Unlock()
	select {
	case b.changed <- struct{}{}:
	default:
	}
	if refused {
		done(errors.New("no space left on device"))
		return
	}
	done(nil)
}

// await waits until all are in the inbox.
func (b *inbox) await(t *testing.T, all map[string]bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		var missing []string
		b.mu.Lock()
		for k := range all {
			if b.got[k] == 0 {
				missing = append(missing, k)
			}
		}
		b.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		select {
		case <-b.changed:
		case <-deadline:
			t.Fatalf("%d of %d acknowledged messages never came, such as %s", len(missing), len(all), missing[0])
		}
	}
}

// subscribe runs a Subscriber until the test ends and returns when it is connected.
func subscribe(t *testing.T, o SubscriberOptions) (s *Subscriber, stop func()) {
	t.Helper()
	up := make(chan struct{}, 100)
	o.Connected = func(is bool, err error) {
		if is {
			up <- struct{}{}
		}
	}
	o.Retry = 200 * time.Millisecond
	if o.ClientID == "" {
		o.ClientID = "magpie-test"
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s = NewSubscriber(o)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the subscriber ended with %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-up:
	case <-time.After(20 * time.Second):
		t.Fatal("not connected")
	}
	return s, stop
}

func embedded(t *testing.T, o BrokerOptions) *Broker {
	t.Helper()
	o.Store, o.Again = "s042", 500*time.Millisecond
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	b, err := NewBroker(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// connect makes a plain client, as a vendor would.
func connect(t *testing.T, url, user, password string) (mqtt.Client, error) {
	t.Helper()
	id := "vendor-" + user + strconv.FormatInt(time.Now().UnixNano(), 36)
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID(id).SetUsername(user).SetPassword(password).
		SetAutoReconnect(false).SetConnectTimeout(5 * time.Second))
	err := wait(t.Context(), c.Connect())
	t.Cleanup(func() { c.Disconnect(0) })
	return c, err
}

func TestEmbeddedRoundTrip(t *testing.T) {
	b := embedded(t, BrokerOptions{})
	user, password := b.Own()
	in := newInbox()
	d := decoder(t)
	own, _ := subscribe(t, SubscriberOptions{URL: b.URL(), User: user, Password: password, Topics: d.Filters(), Append: in.append})
	client, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, topic := range []string{"magpie/v1/s042/gate/eas-1", "impinj/r-door/events", "tele/g1/SENSOR", "esphome/sensor/load/state"} {
		want[topic+` {"a":1}`] = true
		if err := wait(t.Context(), client.Publish(topic, 1, false, `{"a":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	in.await(t, want)

	rejections := make(chan string, 10)
	if err := wait(t.Context(), client.Subscribe("magpie/v1/s042/rejected/#", 1, func(_ mqtt.Client, m mqtt.Message) {
		rejections <- m.Topic() + " " + string(m.Payload())
	})); err != nil {
		t.Fatal(err)
	}
	payload := []byte(`{"alarm":1}`)
	_, err = d.Decode(received, "magpie/v1/s042/gate/eas-1", false, payload)
	var r *Rejection
	if !errors.As(err, &r) {
		t.Fatal(err)
	}
	if err := own.Publish(t.Context(), r.PublishTopic("s042"), false, r.Payload(payload)); err != nil {
		t.Fatal(err)
	}
	if got := <-rejections; got != `magpie/v1/s042/rejected/gate/eas-1 {"code":"type","reason":"alarm is a number: true or false is wanted","path":"/alarm","topic":"magpie/v1/s042/gate/eas-1","payload":"{\"alarm\":1}"}` {
		t.Error(got)
	}
	// Anyone may publish, but not as Magpie. What is allowed and sent afterwards arrives alone.
	client.Publish("magpie/v1/s042/rejected/gate/eas-1", 1, false, "forged")
	if err := own.Publish(t.Context(), "magpie/v1/s042/rejected/gate/eas-1", false, []byte("true")); err != nil {
		t.Fatal(err)
	}
	if got := <-rejections; !strings.HasSuffix(got, " true") {
		t.Errorf("somebody else published %s", got)
	}
}

func TestBrokerPermissions(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.txt")
	// The second password is "secret" in bcrypt, at the lowest cost.
	const hash = "$2a$04$lS9F/LYf6XvZk0yyrqL2tO3VpZuDvSGzBl0wkXXMGy0XU2mO3e2Zm"
	if err := os.WriteFile(users, []byte("# vendors\nacme:pw:r-door,g1\n\nall:pw2\nhashed:"+hash+":eas-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := embedded(t, BrokerOptions{Users: users, Foreign: []site.Source{{Topic: "impinj/+/events", ID: "{1}", Decoder: "impinj"}}})
	if _, err := connect(t, b.URL(), "", ""); err == nil {
		t.Error("connected without a user")
	}
	if _, err := connect(t, b.URL(), "acme", "wrong"); err == nil {
		t.Error("connected with a wrong password")
	}
	user, password := b.Own()
	in := newInbox()
	subscribe(t, SubscriberOptions{URL: b.URL(), User: user, Password: password, Append: in.append,
		Topics: []string{"magpie/v1/s042/+/+", "magpie/v1/s042/rejected/#", "impinj/#"}})
	try := func(user, password, topic string, may bool) {
		t.Helper()
		client, err := connect(t, b.URL(), user, password)
		if err != nil {
			t.Fatal(err)
		}
		client.Publish(topic, 1, false, user) // refused ones are answered by silence or the end of the connection
		last, err := connect(t, b.URL(), "all", "pw2")
		if err != nil {
			t.Fatal(err)
		}
		mark := fmt.Sprintf("mark-%s-%s", user, topic)
		if may {
			in.await(t, map[string]bool{topic + " " + user: true})
			return
		}
		if err := wait(t.Context(), last.Publish("magpie/v1/s042/gate/mark", 1, false, mark)); err != nil {
			t.Fatal(err)
		}
		in.await(t, map[string]bool{"magpie/v1/s042/gate/mark " + mark: true})
		in.mu.Lock()
		defer in.mu.Unlock()
		if in.got[topic+" "+user] > 0 {
			t.Errorf("%s published on %s", user, topic)
		}
	}
	try("acme", "pw", "magpie/v1/s042/rfid/r-door", true)
	try("acme", "pw", "magpie/v1/s042/status/g1", true)
	try("acme", "pw", "impinj/r-door/events", true)
	try("acme", "pw", "impinj/r-9/events", false)
	try("acme", "pw", "magpie/v1/s042/gate/eas-1", false)
	try("acme", "pw", "magpie/v1/s042/alert/r-door", false)
	try("all", "pw2", "magpie/v1/s042/gate/eas-1", true)
	try("all", "pw2", "magpie/v1/s042/rejected/gate/eas-1", false)
}

func TestBrokerErrors(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.txt")
	if err := os.WriteFile(users, []byte("a:b\na:c\nnobody\nmagpie:x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]BrokerOptions{
		"is open to the network and there are no users": {Listen: "0.0.0.0:0"},
		"give host:port":              {Listen: "1883"},
		"no number from 0 to 65535":   {Listen: "127.0.0.1:mqtt"},
		users + `:2:1: the name "a"`:  {Listen: "127.0.0.1:0", Users: users},
		users + ":3:1: want user:pas": {Listen: "127.0.0.1:0", Users: users},
		users + `:4:1: the name "mag`: {Listen: "127.0.0.1:0", Users: users},
	} {
		o.Store, o.Dir = "s042", t.TempDir()
		if b, err := NewBroker(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %s", err, want)
			if b != nil {
				b.Close()
			}
		}
	}
}

// TestRefusedComesAgain: what the journal could not take is delivered again, without a message of its own to wait for.
func TestRefusedComesAgain(t *testing.T) {
	b := embedded(t, BrokerOptions{})
	in := newInbox()
	in.fail = 3
	user, password := b.Own()
	subscribe(t, SubscriberOptions{URL: b.URL(), User: user, Password: password, Topics: []string{"magpie/v1/s042/+/+"}, Append: in.append})
	client, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for i := range 20 {
		payload := strconv.Itoa(i)
		if err := wait(t.Context(), client.Publish("magpie/v1/s042/gate/g", 1, false, payload)); err != nil {
			t.Fatal(err)
		}
		want["magpie/v1/s042/gate/g "+payload] = true
	}
	in.await(t, want)
}

// load publishes at QoS 1 until stop is closed, over as many connections as it takes, and returns what was acknowledged.
func load(t *testing.T, url string, stop <-chan struct{}) map[string]bool {
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

// restarts runs load while a subscriber is connected, restarts the broker thrice, and finds everything acknowledged.
func restarts(t *testing.T, url, user, password string, restart func(), own func() (string, string)) {
	in := newInbox()
	o := SubscriberOptions{URL: url, User: user, Password: password, Topics: []string{"magpie/v1/s042/+/+"}, Append: in.append}
	_, end := subscribe(t, o)
	stop, result := make(chan struct{}), make(chan map[string]bool)
	go func() { result <- load(t, url, stop) }()
	more := func() {
		in.mu.Lock()
		want := len(in.got) + 200
		in.mu.Unlock()
		deadline := time.After(20 * time.Second)
		for {
			in.mu.Lock()
			n := len(in.got)
			in.mu.Unlock()
			if n >= want {
				return
			}
			select {
			case <-in.changed:
			case <-deadline:
				t.Errorf("only %d messages came in 20 s", n)
				return
			}
		}
	}
	for range 2 {
		more()
		restart()
		if own != nil { // the embedded broker's password changes
			end()
			o.User, o.Password = own()
			_, end = subscribe(t, o)
		}
	}
	more()
	end() // we are away while more is published
	<-time.After(100 * time.Millisecond)
	close(stop)
	acked := <-result
	subscribe(t, o)
	in.await(t, acked)
	t.Logf("%d acknowledged messages", len(acked))
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

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestMosquittoRestarts(t *testing.T) {
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if _, err = os.Stat("/usr/sbin/mosquitto"); err != nil {
			t.Skip("mosquitto is not installed")
		}
		path = "/usr/sbin/mosquitto"
	}
	dir, port := t.TempDir(), freePort(t)
	config := filepath.Join(dir, "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location " + dir +
		"/\nmax_queued_messages 0\nuser " + currentUser() + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command(path, "-c", config)
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
	restarts(t, "mqtt://127.0.0.1:"+port, "", "", func() {
		broker.Process.Signal(os.Interrupt) // it saves what it holds; killed it would lose what it alone has
		broker.Wait()
		broker = start()
	}, nil)
}

func currentUser() string {
	if os.Getuid() == 0 {
		return "root"
	}
	return os.Getenv("USER")
}
