package sensors

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// counts is what a broker said that it forgot.
type counts struct {
	mu      sync.Mutex
	n       map[string]int
	changed chan struct{}
}

func (c *counts) forgot(what string, n int) {
	c.mu.Lock()
	c.n[what] += n
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *counts) await(t *testing.T, what string, want int) {
	t.Helper()
	for end := time.After(20 * time.Second); ; {
		c.mu.Lock()
		n := c.n[what]
		c.mu.Unlock()
		if n >= want {
			if n > want {
				t.Fatalf("%d of %s were forgotten: %d too many", n, what, n-want)
			}
			return
		}
		select {
		case <-c.changed:
		case <-end:
			t.Fatalf("%d of %s were forgotten after 20 s, %d too few", n, what, want-n)
		}
	}
}

// keeping is a broker that runs within bounds.
func keeping(t *testing.T, bounds Bounds) (b *Broker, c *counts, logs *logged, run func()) {
	logs, c = newLogged(), &counts{n: map[string]int{}, changed: make(chan struct{}, 1)}
	bounds.Every = 20 * time.Millisecond
	b = embedded(t, BrokerOptions{Sync: time.Minute, Keep: true, Log: logs.logger(), Bounds: bounds, Known: decoder(t).Known, Forgot: c.forgot})
	return b, c, logs, func() {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); b.Run(ctx, func(error) {}) }()
		t.Cleanup(func() { cancel(); <-ended })
	}
}

// TestRetainedMessagesAreBounded makes a broker keep more messages than it may: the oldest on names that nobody knows go, those of the
// store's own sources stay, and whoever subscribes gets what is left.
func TestRetainedMessagesAreBounded(t *testing.T) {
	b, forgotten, logs, run := keeping(t, Bounds{Retained: 20})
	vendor, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	say := func(topic string) {
		t.Helper()
		if err := wait(t.Context(), vendor.Publish(topic, 1, true, `{"state":"online"}`)); err != nil {
			t.Fatal(err)
		}
	}
	say("magpie/v1/s042/status/r-door")
	say("tele/g1/SENSOR")
	for i := range 60 {
		say(fmt.Sprintf("my.device//%d/état", i))
	}
	run()
	forgotten.await(t, "retained", 42)
	logs.await(t, "such_as=my.device//41/état")

	got := make(chan string, 200)
	late, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(t.Context(), late.Subscribe("#", 1, func(_ mqtt.Client, m mqtt.Message) { got <- m.Topic() })); err != nil {
		t.Fatal(err)
	}
	say("the/end")
	left := map[string]bool{}
	for topic := range got {
		if topic == "the/end" {
			break
		}
		left[topic] = true
	}
	if len(left) != 20 || !left["magpie/v1/s042/status/r-door"] || !left["tele/g1/SENSOR"] || !left["my.device//42/état"] || !left["my.device//59/état"] {
		t.Errorf("%d are left: %v", len(left), left)
	}
}

// TestRetainedBytesAreBounded: a few large messages are too many as well, also where the site knows their names.
func TestRetainedBytesAreBounded(t *testing.T) {
	b, forgotten, _, run := keeping(t, Bounds{Bytes: 300_000})
	vendor, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"status", "rfid", "gate", "till"} {
		if err := wait(t.Context(), vendor.Publish("magpie/v1/s042/"+kind+"/r-door", 1, true, strings.Repeat("x", 100_000))); err != nil {
			t.Fatal(err)
		}
	}
	run()
	forgotten.await(t, "retained", 2)
}

// TestSessionsAreBounded leaves more sessions than a broker keeps: those go that are away for the longest, the connected ones and Magpie's own
// stay; later those go that are away for too long.
func TestSessionsAreBounded(t *testing.T) {
	b, forgotten, logs, run := keeping(t, Bounds{Sessions: 5})
	session := func(id string) (c mqtt.Client, present bool) {
		t.Helper()
		c = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(b.URL()).SetClientID(id).SetCleanSession(false).SetAutoReconnect(false))
		token := c.Connect().(*mqtt.ConnectToken)
		if err := wait(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if err := wait(t.Context(), c.Subscribe("tele/#", 1, func(mqtt.Client, mqtt.Message) {})); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Disconnect(0) })
		return c, token.SessionPresent()
	}
	session("stays")
	for i := range 8 {
		c, _ := session(fmt.Sprintf("away-%d", i))
		c.Disconnect(100)
	}
	vendor, err := connect(t, b.URL(), "", "") // a session that is not kept counts while it is there
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(t.Context(), vendor.Publish("tele/g1/SENSOR", 1, false, `{"Time":1}`)); err != nil {
		t.Fatal(err)
	}
	run()
	forgotten.await(t, "session", 11-5)
	logs.await(t, "client=away-5")
	for _, id := range []string{"stays", "away-6", "away-7", "away-5"} { // the last one is one too many, but here
		if _, present := session(id); present != (id != "away-5") {
			t.Errorf("%s: there is a session: %v", id, present)
		}
	}
	in := newInbox()
	user, password := b.Own()
	subscribe(t, SubscriberOptions{URL: b.OwnURL(), ClientID: b.Client(), User: user, Password: password, Topics: []string{"#"}, Append: in.append})
	in.await(t, map[string]bool{`tele/g1/SENSOR {"Time":1}`: true})
}

// TestSessionsThatNeverComeBackEnd: what waits for a client that is gone takes room for good, so its session ends after a time.
func TestSessionsThatNeverComeBackEnd(t *testing.T) {
	b, forgotten, logs, run := keeping(t, Bounds{Away: 100 * time.Millisecond})
	for _, id := range []string{"gone", "here"} {
		c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(b.URL()).SetClientID(id).SetCleanSession(false))
		if err := wait(t.Context(), c.Connect()); err != nil {
			t.Fatal(err)
		}
		if id == "gone" {
			c.Disconnect(100)
		} else {
			t.Cleanup(func() { c.Disconnect(0) })
		}
	}
	run()
	forgotten.await(t, "session", 1)
	logs.await(t, "client=gone")
}
