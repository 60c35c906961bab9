package sensors

import (
	"context"
	"testing"
	"time"
)

// TestBrokerServesAgainAfterItsDiskWasFull says to the broker what the NATS server logs when it cannot write, after which
// the server takes no message ever again.
func TestBrokerServesAgainAfterItsDiskWasFull(t *testing.T) {
	b := embedded(t, BrokerOptions{Listen: "127.0.0.1:" + freePort(t)})
	user, password := b.Own()
	in := newInbox()
	subscribe(t, SubscriberOptions{URL: b.URL(), User: user, Password: password, Append: in.append, Topics: []string{"#"}, ClientID: "in"})
	ctx, stop := context.WithCancel(t.Context())
	told, ended := make(chan error, 4), make(chan error, 1)
	go func() { ended <- b.Run(ctx, func(err error) { told <- err }) }()

	old := b.nats
	b.log.Errorf("JetStream stream '%s' critical write error: no space left on device", "$MQTT_msgs")
	if err := <-told; err == nil {
		t.Fatal("it did not tell that the broker cannot write")
	}
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if old.Running() {
		t.Error("the server that cannot write goes on")
	}
	vendor, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(t.Context(), vendor.Publish("magpie/v1/s042/gate/eas-1", 1, false, "x")); err != nil {
		t.Fatal(err)
	}
	in.await(t, map[string]bool{"magpie/v1/s042/gate/eas-1 x": true})
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Run does not end")
	}
}

func TestPortInUseIsSaidAtOnce(t *testing.T) {
	b := embedded(t, BrokerOptions{Listen: "127.0.0.1:" + freePort(t)})
	began := time.Now()
	_, err := NewBroker(BrokerOptions{Listen: b.URL()[len("mqtt://"):], Dir: t.TempDir(), Store: "s042"})
	if err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("a second broker on the port: %v after %v", err, time.Since(began))
	}
}
