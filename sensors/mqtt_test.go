package sensors

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
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
