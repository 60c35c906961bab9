package sensors

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// TestCertificatesAreUsers: where the site says so, a client is who its certificate says, as with mosquitto's setting of that name:
// whatever user and password it sends, it may do what that user may, and a name that nobody has is refused.
func TestCertificatesAreUsers(t *testing.T) {
	a := newAuthority(t)
	server := a.server(t, "server", time.Time{}, "127.0.0.1")
	users := filepath.Join(t.TempDir(), "users.txt")
	if err := os.WriteFile(users, []byte("acme::r-door\nglobex:pw-g:g1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	logs := newLogged()
	b := embedded(t, BrokerOptions{Users: users, Certain: true, TLS: server, Log: logs.logger(), Sync: time.Minute})
	user, password := b.Own()
	in := newInbox()
	subscribe(t, SubscriberOptions{URL: b.OwnURL(), User: user, Password: password, TLS: b.OwnTLS(), Topics: []string{"magpie/#"}, Append: in.append})
	want := map[string]bool{}
	say := func(c mqtt.Client, source, text string, allowed bool) {
		t.Helper()
		_ = wait(t.Context(), c.Publish("magpie/v1/s042/status/"+source, 1, false, text)) // acknowledged either way
		if allowed {
			want["magpie/v1/s042/status/"+source+" "+text] = true
		}
	}
	for user, password := range map[string]string{"": "", "globex": "pw-g", "nobody": "x"} {
		c, err := vendorOver(t, b.URL(), a.client(t, "acme", time.Time{}).mustClient(t), user, password)
		if err != nil {
			t.Fatalf("acme as %q: %v", user, err)
		}
		say(c, "g1", "acme as "+user, false)
		say(c, "r-door", "acme as "+user, true)
	}
	will, err := vendorOver(t, b.URL(), a.client(t, "globex", time.Time{}).mustClient(t), "", "", func(o *mqtt.ClientOptions) {
		o.SetWill("magpie/v1/s042/status/g1", "the will", 1, false)
	})
	if err != nil {
		t.Fatal(err)
	}
	say(will, "r-door", "globex", false)
	say(will, "g1", "globex", true)
	in.await(t, want)
	in.mu.Lock()
	defer in.mu.Unlock()
	for k, n := range in.got {
		if !want[k] || n != 1 {
			t.Errorf("%q came %d times", k, n)
		}
	}
	if _, err := vendorOver(t, b.URL(), a.client(t, "stranger", time.Time{}).mustClient(t), "acme", "pw-a"); !errors.Is(err, packets.ErrorRefusedNotAuthorised) {
		t.Errorf("a stranger with acme's password: %v", err)
	}
	logs.await(t, `its certificate names \"stranger\", and the users file has no such user`)
	if logs.has("passwords as they are") {
		t.Error("it warns of passwords that count for nothing")
	}
	named := a.make(t, "san", x509.Certificate{DNSNames: []string{"globex"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature})
	if _, err := vendorOver(t, b.URL(), named.mustClient(t), "", ""); err != nil {
		t.Errorf("a certificate without a common name: %v", err)
	}
	ours := a.make(t, "ours", x509.Certificate{Subject: pkix.Name{CommonName: ownUser}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature})
	if _, err := vendorOver(t, b.URL(), ours.mustClient(t), "", ""); err == nil {
		t.Error("a certificate with Magpie's own name is let in")
	}
	_, err = NewBroker(BrokerOptions{Store: "s042", Listen: "127.0.0.1:0", Dir: t.TempDir(), Certain: true})
	if err == nil || !strings.Contains(err.Error(), "use_identity_as_username needs users") {
		t.Errorf("without users: %v", err)
	}
}

// TestCertificatesAreUsersOfMosquitto: Magpie and a vendor that have certificates alone, at a mosquitto that takes their names for
// users and has an access list.
func TestCertificatesAreUsersOfMosquitto(t *testing.T) {
	a := newAuthority(t)
	server := a.server(t, "server", time.Time{}, "127.0.0.1")
	dir, port := t.TempDir(), freePort(t)
	acl := filepath.Join(dir, "acl")
	if err := os.WriteFile(acl, []byte("user acme\ntopic write magpie/v1/s042/+/r-door\n\nuser magpie\ntopic readwrite #\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mosquitto(t, dir, "listener "+port+" 127.0.0.1", "acl_file "+acl, "certfile "+server.Cert, "keyfile "+server.Key, "cafile "+a.file,
		"require_certificate true", "use_identity_as_username true")
	await(t, "127.0.0.1:"+port)
	in := newInbox()
	url := "mqtts://127.0.0.1:" + port
	own, _ := subscribe(t, SubscriberOptions{URL: url, TLS: a.client(t, "magpie", time.Time{}).mustClient(t), Topics: []string{"magpie/#"}, Append: in.append})
	vendor, err := vendorOver(t, url, a.client(t, "acme", time.Time{}).mustClient(t), "", "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, source := range []string{"r-door", "g1"} {
		_ = wait(t.Context(), vendor.Publish("magpie/v1/s042/status/"+source, 1, false, "acme")) // answered, or hung up on
	}
	want["magpie/v1/s042/status/r-door acme"] = true
	if err := own.Publish(t.Context(), "magpie/v1/s042/alert/a", false, []byte("last")); err != nil {
		t.Fatal(err)
	}
	want["magpie/v1/s042/alert/a last"] = true
	in.await(t, want)
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.got) != len(want) {
		t.Errorf("%v came, want %v", in.got, want)
	}
	o := SubscriberOptions{URL: url, ClientID: "c", Topics: []string{"magpie/#"}, TLS: Files{CA: a.file}.mustClient(t)}
	if err := refusal(t, o); !strings.Contains(err, "the broker wants a certificate of this client: name it and its key") {
		t.Error(err)
	}
}

// FuzzConnect writes users into packets: what comes out says who, and all else as before.
func FuzzConnect(f *testing.F) {
	p := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	p.ProtocolName, p.ProtocolVersion, p.ClientIdentifier, p.CleanSession, p.Keepalive = "MQTT", 4, "c-1", true, 30
	p.UsernameFlag, p.PasswordFlag, p.Username, p.Password = true, true, "acme", []byte("pw")
	p.WillFlag, p.WillQos, p.WillRetain, p.WillTopic, p.WillMessage = true, 1, true, "t/w", []byte("gone")
	for _, bare := range []bool{false, true} {
		if bare {
			p.UsernameFlag, p.PasswordFlag, p.WillFlag = false, false, false
		}
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		body, err := readConnect(bytes.NewReader(in))
		if err != nil {
			return
		}
		out, err := connectAs(bytes.Clone(body), "who", "secret")
		if err != nil {
			return
		}
		read := func(b []byte) *packets.ConnectPacket {
			p, err := packets.ReadPacket(bytes.NewReader(b))
			if err != nil {
				return nil
			}
			c, _ := p.(*packets.ConnectPacket)
			return c
		}
		before, after := read(in), read(out)
		if before == nil || before.Validate() != packets.Accepted {
			return // the server has the last word
		}
		if after == nil || after.Username != "who" || string(after.Password) != "secret" || !after.UsernameFlag || !after.PasswordFlag {
			t.Fatalf("%q became %q", in, out)
		}
		after.FixedHeader, after.Username, after.Password, after.UsernameFlag, after.PasswordFlag =
			before.FixedHeader, before.Username, before.Password, before.UsernameFlag, before.PasswordFlag
		if after.String() != before.String() {
			t.Fatalf("%q became %q", in, out)
		}
	})
}
