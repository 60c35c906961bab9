package sensors

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/site"
)

// TestVendorsAreApart lets a vendor with two sources try every topic that is not its own, over TLS: to publish there, at each
// QoS, retained and by its will, and to read there. A third user may read what it is given to read.
func TestVendorsAreApart(t *testing.T) {
	a := newAuthority(t)
	users := filepath.Join(t.TempDir(), "users.txt")
	if err := os.WriteFile(users, []byte("acme:pw:r-door,g1\nglobex:pw:axis-3\nfloor:pw:panel-1:magpie/v1/s042/gate/+,magpie/v1/s042/alert/#\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := embedded(t, BrokerOptions{Users: users, TLS: a.server(t, "server", time.Time{}, "127.0.0.1"), Sync: time.Minute, Foreign: []site.Source{
		{Topic: "impinj/+/events", ID: "{1}", Decoder: "impinj"},
		{Topic: "plant/+/line/+/scale", ID: "{2}"},
		{Topic: "tele/scale/SENSOR", ID: "g1"},
		{Topic: "many/#", ID: "g1"},
		{Topic: "lane/+/weight", ID: "scale-{1}"},
		{Topic: "in/+", ID: "{payload.id}"},
	}})
	mine := a.client(t, "acme", time.Time{}).mustClient(t)
	user, password := b.Own()
	in := newInbox()
	own, _ := subscribe(t, SubscriberOptions{URL: b.OwnURL(), User: user, Password: password, TLS: b.OwnTLS(), Topics: []string{"#"}, Append: in.append})
	connectAs := func(user string, more ...func(*mqtt.ClientOptions)) mqtt.Client {
		t.Helper()
		c, err := vendorOver(t, b.URL(), mine, user, "pw", more...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	allowed := []string{"magpie/v1/s042/rfid/r-door", "magpie/v1/s042/weight/g1", "magpie/v1/s042/status/g1", "impinj/r-door/events",
		"plant/north/line/g1/scale", "tele/scale/SENSOR", "many/a/b"}
	refused := []string{"magpie/v1/s042/gate/eas-1", "magpie/v1/s042/rfid/r-door2", "magpie/v1/s042/rfid", "magpie/v1/s042/rfid/r-door/more", "magpie/v1/other/rfid/r-door",
		"magpie/v1/s042/alert/r-door", "magpie/v1/s042/rejected/rfid/r-door", "impinj/axis-3/events", "impinj//events", "plant/g1/line/x/scale",
		"lane/g1/weight", "in/g1", "tele/other/SENSOR", "some", "$SYS/x", "$JS/API/INFO", "$MQTT/msgs/x"}

	vendor := connectAs("acme")
	want := map[string]bool{}
	for _, topic := range append(append([]string{}, allowed...), refused...) {
		for qos := range byte(3) {
			for _, retain := range []bool{false, true} {
				// The server answers a refused message or hangs up; QoS 0 has no answer, so that what follows shows that it was seen.
				if wait(t.Context(), vendor.Publish(topic, qos, retain, fmt.Sprintf("%d %v", qos, retain))) != nil || !vendor.IsConnected() {
					vendor = connectAs("acme")
				}
			}
		}
	}
	for _, topic := range append([]string{"magpie/v1/s042/status/r-door"}, refused...) { // a will, after the connection breaks
		c := connectAs("acme", func(o *mqtt.ClientOptions) { o.SetWill(topic, "will", 1, true) })
		breakOff(t, b, c)
	}
	for _, topic := range allowed {
		for qos := range byte(3) {
			want[fmt.Sprintf("%s %d false", topic, qos)], want[fmt.Sprintf("%s %d true", topic, qos)] = true, true
		}
	}
	want["magpie/v1/s042/status/r-door will"] = true
	in.await(t, want)
	if err := own.Publish(t.Context(), "mark", false, []byte("mark")); err != nil {
		t.Fatal(err)
	}
	in.await(t, map[string]bool{"mark mark": true})
	in.mu.Lock()
	for k := range in.got {
		if !want[k] && k != "mark mark" {
			t.Errorf("acme published %q", k)
		}
	}
	in.mu.Unlock()

	may := func(c mqtt.Client, filter string) bool {
		t.Helper()
		token := c.Subscribe(filter, 1, nil)
		if err := wait(t.Context(), token); err != nil {
			return false
		}
		return token.(*mqtt.SubscribeToken).Result()[filter] <= 2
	}
	for user, filters := range map[string][]string{
		"acme": {"#", "+/#", "magpie/#", "magpie/v1/s042/#", "magpie/v1/s042/+/+", "magpie/v1/s042/rfid/r-door", "magpie/v1/s042/region/axis-3", "magpie/v1/s042/+/g1",
			"magpie/v1/s042/rejected/#", "magpie/v1/s042/rejected/+/+", "magpie/v1/s042/rejected/region/axis-3", "magpie/v1/s042/rejected/+/axis-3", "magpie/v1/s042/alert/#",
			"impinj/+/events", "impinj/r-door/events", "many/#", "$SYS/#", "$JS/#", "$MQTT/#"},
		"floor": {"#", "magpie/v1/s042/+/+", "magpie/v1/s042/rfid/+", "$SYS/#"},
	} {
		for _, filter := range filters {
			if may(connectAs(user), filter) {
				t.Errorf("%s reads %s", user, filter)
			}
		}
	}
	for user, filters := range map[string][]string{
		"acme":  {"magpie/v1/s042/rejected/+/r-door", "magpie/v1/s042/rejected/rfid/r-door", "magpie/v1/s042/rejected/+/g1"},
		"floor": {"magpie/v1/s042/gate/+", "magpie/v1/s042/gate/eas-1", "magpie/v1/s042/alert/#", "magpie/v1/s042/alert/staff", "magpie/v1/s042/rejected/+/panel-1"},
	} {
		for _, filter := range filters {
			if !may(connectAs(user), filter) {
				t.Errorf("%s does not read %s", user, filter)
			}
		}
	}
}

// breakOff ends a client's connection without its goodbye.
func breakOff(t *testing.T, b *Broker, c mqtt.Client) {
	t.Helper()
	r := c.OptionsReader()
	id := r.ClientID()
	z, err := b.nats.Connz(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range z.Conns {
		if conn.MQTTClient == id {
			if err := b.nats.DisconnectClientByID(conn.Cid); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%s is not connected", id)
}

// TestClientIDs takes the client id of another, which by MQTT takes its place: Magpie's own cannot be guessed, and a vendor
// that takes another's is not told what the other may read.
func TestClientIDs(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.txt")
	if err := os.WriteFile(users, []byte("acme:pw:r-door\nglobex:pw:g1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := embedded(t, BrokerOptions{Users: users, Keep: true, Sync: time.Minute})
	if id := b.Client(); len(id) < 26 || strings.Contains(id, "s042") {
		t.Errorf("Magpie's client id is %q", id)
	}
	as := func(user string, got chan string) mqtt.Client {
		c, err := vendorOver(t, b.URL(), nil, user, "pw", func(o *mqtt.ClientOptions) {
			o.SetClientID("shared").SetCleanSession(false).SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { got <- string(m.Payload()) })
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const topic = "magpie/v1/s042/rejected/rfid/r-door"
	hers := as("acme", make(chan string, 10))
	if err := wait(t.Context(), hers.Subscribe(topic, 1, nil)); err != nil {
		t.Fatal(err)
	}
	hers.Disconnect(0)
	user, password := b.Own()
	own, err := connect(t, b.URL(), user, password)
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(t.Context(), own.Publish(topic, 1, false, "waiting")); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 10)
	his := as("globex", got)
	if err := wait(t.Context(), own.Publish(topic, 1, false, "fresh")); err != nil {
		t.Fatal(err)
	}
	const free = "magpie/v1/s042/rejected/weight/g1"
	if err := wait(t.Context(), his.Subscribe(free, 1, nil)); err != nil {
		t.Fatal(err)
	}
	if err := wait(t.Context(), own.Publish(free, 1, false, "his")); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-got:
		if m != "his" {
			t.Errorf("globex was told %q, which is for acme", m)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing came")
	}
}
