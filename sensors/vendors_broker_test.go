package sensors

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestVendorsThroughABroker publishes every fixture to a real broker, the embedded one and Mosquitto, and holds what comes out of it to
// the golden file: topics and payloads come as they were sent, text, binary and empty ones alike. The embedded broker takes no
// topic with a space, and it is aware of Sparkplug: it sets the timestamp of a death to the moment at which it tells of it.
func TestVendorsThroughABroker(t *testing.T) {
	all := fixtures(t)
	t.Run("embedded", func(t *testing.T) {
		b := embedded(t, BrokerOptions{Sync: time.Minute})
		user, password := b.Own()
		some := slices.DeleteFunc(slices.Clone(all), func(f fixture) bool {
			return strings.Contains(f.topic, " ") || strings.HasPrefix(f.topic, "spBv1.0/") && strings.Contains(f.topic, "DEATH/")
		})
		if len(some) < len(all)-4 {
			t.Errorf("%d of %d fixtures are left out", len(all)-len(some), len(all))
		}
		through(t, SubscriberOptions{URL: b.URL(), User: user, Password: password}, some)
	})
	t.Run("mosquitto", func(t *testing.T) {
		port := freePort(t)
		mosquitto(t, t.TempDir(), "listener "+port+" 127.0.0.1", "allow_anonymous true")
		through(t, SubscriberOptions{URL: "mqtt://127.0.0.1:" + port}, all)
	})
}

// through sends fixtures through a broker, one after the other.
func through(t *testing.T, o SubscriberOptions, all []fixture) {
	type message struct {
		topic   string
		retain  bool
		payload []byte
	}
	came := make(chan message, 1)
	o.Topics = []string{"#"}
	o.Append = func(topic string, retain bool, payload []byte, done func(error)) {
		done(nil)
		came <- message{topic, retain, slices.Clone(payload)}
	}
	subscribe(t, o)
	device, err := connect(t, o.URL, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if err := wait(t.Context(), device.Publish(f.topic, 1, false, f.payload)); err != nil {
			t.Fatalf("%s/%s on %s: %v", f.vendor, f.shape, f.topic, err)
		}
		select {
		case m := <-came:
			got, err := f.d.Decode(received, m.topic, m.retain, m.payload)
			if diff := cmp.Diff(string(content(t, f.golden)), told(t, f.d.store, got, err)); diff != "" {
				t.Errorf("%s/%s on %s:\n%s", f.vendor, f.shape, m.topic, diff)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s/%s on %s never came", f.vendor, f.shape, f.topic)
		}
	}
}
