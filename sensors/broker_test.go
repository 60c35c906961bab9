package sensors

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/bcrypt"

	"magpie/site"
)

func TestBrokerPermissions(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.txt")
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(users, []byte("# vendors\nacme:pw:r-door,g1\n\nall:pw2\nhashed:"+string(hash)+":eas-1\n"), 0o600); err != nil {
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
	try("hashed", "secret", "magpie/v1/s042/gate/eas-1", true)
	try("hashed", "secret", "magpie/v1/s042/rfid/r-door", false)
	try("all", "pw2", "magpie/v1/s042/gate/eas-1", true)
	try("all", "pw2", "magpie/v1/s042/rejected/gate/eas-1", false)
}

// TestBrokerItsOwnTopics tries to reach the server behind the broker through its topics, as somebody without a name, as
// a user and as a vendor, while a session waits for messages of QoS 1 and 2 that it can only get from there.
func TestBrokerItsOwnTopics(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.txt")
	if err := os.WriteFile(users, []byte("acme:pw:r-door\nall:pw2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, as := range map[string]struct{ file, user, password string }{
		"anyone": {}, "user": {users, "all", "pw2"}, "vendor": {users, "acme", "pw"},
	} {
		t.Run(name, func(t *testing.T) {
			b := embedded(t, BrokerOptions{Users: as.file})
			client, err := connect(t, b.URL(), as.user, as.password)
			if err != nil {
				t.Fatal(err)
			}
			streams := func() (all []string) {
				z, err := b.nats.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range z.AccountDetails[0].Streams {
					all = append(all, s.Name)
				}
				slices.Sort(all)
				return all
			}
			before := streams()
			if len(before) < 4 {
				t.Fatalf("the broker keeps only %v", before)
			}
			// Its own deliveries, of both qualities and retained, must go on: a reader of its own rejections.
			got := make(chan string, 10)
			topic := "magpie/v1/s042/rejected/rfid/r-door"
			read := func(c mqtt.Client, filter string, qos byte) error {
				token := c.Subscribe(filter, qos, func(_ mqtt.Client, m mqtt.Message) { got <- string(m.Payload()) })
				if err := wait(t.Context(), token); err != nil {
					return err
				}
				if code := token.(*mqtt.SubscribeToken).Result()[filter]; code > 2 {
					return fmt.Errorf("refused with %#x", code)
				}
				return nil
			}
			for _, filter := range []string{"$JS/#", "$JS/EVENT/#", "$SYS/#", "$MQTT/#", "$MQTT/msgs/#", "$MQTT/+/x"} {
				if read(client, filter, 0) == nil {
					t.Errorf("%s subscribed to %s", name, filter)
				}
			}
			if err := read(client, topic, 2); err != nil {
				t.Fatal(err)
			}
			if as.user != "acme" {
				if err := read(client, "#", 1); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range before {
				for _, verb := range []string{"PURGE", "DELETE"} {
					for qos := range byte(3) {
						if err := wait(t.Context(), client.Publish("$JS/API/STREAM/"+verb+"/"+s, qos, false, "")); err != nil {
							t.Errorf("a refused message is answered all the same: %v", err)
						}
					}
				}
			}
			client.Publish("$MQTT/msgs/"+strings.ReplaceAll(topic, "/", "."), 1, false, "forged")
			if after := streams(); !slices.Equal(after, before) {
				t.Fatalf("%s deleted streams: %v are left of %v", name, after, before)
			}
			user, password := b.Own()
			own, err := connect(t, b.URL(), user, password)
			if err != nil {
				t.Fatal(err)
			}
			for qos, want := range []string{"at most once", "at least once", "once"} {
				if err := wait(t.Context(), own.Publish(topic, byte(qos), true, want)); err != nil {
					t.Fatal(err)
				}
			}
			seen := map[string]bool{}
			for end := time.After(10 * time.Second); len(seen) < 3; {
				select {
				case m := <-got:
					seen[m] = true
				case <-end:
					t.Fatalf("only %v came", seen)
				}
			}
			late, err := connect(t, b.URL(), as.user, as.password)
			if err != nil {
				t.Fatal(err)
			}
			kept := make(chan string, 1)
			if err := wait(t.Context(), late.Subscribe(topic, 1, func(_ mqtt.Client, m mqtt.Message) { kept <- string(m.Payload()) })); err != nil {
				t.Fatal(err)
			}
			select {
			case m := <-kept:
				if m != "once" {
					t.Errorf("retained is %q", m)
				}
			case <-time.After(10 * time.Second):
				t.Error("no retained message came")
			}
			if seen["forged"] {
				t.Errorf("%s forged a stored message", name)
			}
		})
	}
}

func TestBrokerErrors(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.txt")
	if err := os.WriteFile(users, []byte("a:b\na:c\nnobody\nmagpie:x\nacme:pw:\nace:pw:r-1,,r-2\n wide:pw:g+\nstar:pw:>\nodd:pw:g1:a/#/b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]BrokerOptions{
		"is open to the network and there are no users": {Listen: "0.0.0.0:0"},
		"give host:port":                                          {Listen: "1883"},
		"no number from 0 to 65535":                               {Listen: "127.0.0.1:mqtt"},
		users + `:2:1: the name "a"`:                              {Listen: "127.0.0.1:0", Users: users},
		users + ":3:1: want user:pas":                             {Listen: "127.0.0.1:0", Users: users},
		users + `:4:1: the name "mag`:                             {Listen: "127.0.0.1:0", Users: users},
		users + `:5:9: user "acme": an empty source id: name the`: {Listen: "127.0.0.1:0", Users: users},
		users + `:6:8: user "ace": an empty source id`:            {Listen: "127.0.0.1:0", Users: users},
		users + `:7:10: user "wide": the source id "g+" must`:     {Listen: "127.0.0.1:0", Users: users},
		users + `:9:11: user "odd": "a/#/b" is no MQTT filter`:    {Listen: "127.0.0.1:0", Users: users},
		users + `:8:9: user "star": the source id ">" must`:       {Listen: "127.0.0.1:0", Users: users},
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

// BenchmarkBroker is the way of a message from a sensor to the subscriber's acknowledgement, a hundred on their way at
// once, with the broker's files synced always and in the background.
func BenchmarkBroker(b *testing.B) {
	for name, sync := range map[string]time.Duration{"always": 0, "minute": time.Minute} {
		b.Run("sync="+name, func(b *testing.B) {
			broker, err := NewBroker(BrokerOptions{Store: "s042", Listen: "127.0.0.1:0", Dir: b.TempDir(), Sync: sync})
			if err != nil {
				b.Fatal(err)
			}
			defer broker.Close()
			user, password := broker.Own()
			up, got := make(chan struct{}), make(chan struct{}, 1000)
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan error)
			go func() {
				ended <- NewSubscriber(SubscriberOptions{URL: broker.URL(), ClientID: "bench", User: user, Password: password, Topics: []string{"magpie/v1/s042/+/+"},
					Connected: func(is bool, _ error) {
						if is {
							close(up)
						}
					},
					Append: func(_ string, _ bool, _ []byte, done func(error)) { done(nil); got <- struct{}{} }}).Run(ctx)
			}()
			<-up
			client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker.URL()).SetClientID("load"))
			if err := wait(ctx, client.Connect()); err != nil {
				b.Fatal(err)
			}
			payload := []byte(`{"ts":"2026-11-22T10:00:00.123Z","seq":881,"epc":"303404579800D6800004CB2F","antenna":1,"rssi":-54.5}`)
			under := make(chan struct{}, 100)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range b.N {
					<-got
					<-under
				}
			}()
			b.ResetTimer()
			for range b.N {
				under <- struct{}{}
				client.Publish("magpie/v1/s042/rfid/r-door", 1, false, payload)
			}
			<-done
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			client.Disconnect(0)
			stop()
			if err := <-ended; err != nil {
				b.Error(err)
			}
		})
	}
}
