package sensors

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// authority makes certificates for a test.
type authority struct {
	dir  string
	file string // its own certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.file = a.make(t, "authority", x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}).Cert
	return a
}

// make makes a certificate, valid from an hour ago for a day where the template says nothing else.
func (a *authority) make(t *testing.T, name string, c x509.Certificate) Files {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	a.n++
	c.SerialNumber, c.BasicConstraintsValid = big.NewInt(a.n), true
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(24 * time.Hour)
	}
	parent, signer := a.cert, a.key
	if c.IsCA {
		parent, signer = &c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, &c, parent, key.Public(), signer)
	check(err)
	if c.IsCA {
		a.key = key
		a.cert, err = x509.ParseCertificate(der)
		check(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	f := Files{Cert: filepath.Join(a.dir, name+".crt"), Key: filepath.Join(a.dir, name+".key"), CA: a.file}
	check(os.WriteFile(f.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	check(os.WriteFile(f.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return f
}

func (a *authority) server(t *testing.T, name string, until time.Time, addresses ...string) Files {
	c := x509.Certificate{Subject: pkix.Name{CommonName: name}, NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature}
	if !until.IsZero() {
		c.NotBefore = until.Add(-24 * time.Hour)
	}
	for _, text := range addresses {
		if ip := net.ParseIP(text); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, text)
		}
	}
	return a.make(t, name, c)
}

func (a *authority) client(t *testing.T, name string, until time.Time) Files {
	c := x509.Certificate{Subject: pkix.Name{CommonName: name}, NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature}
	if !until.IsZero() {
		c.NotBefore = until.Add(-24 * time.Hour)
	}
	return a.make(t, name, c)
}

func (f Files) mustClient(t *testing.T) *tls.Config {
	t.Helper()
	c, err := f.Client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// secured starts a broker with TLS, client certificates, and the users acme (source r-door), globex (g1) and magpie.
type secured struct {
	url  string
	own  SubscriberOptions // Magpie's connection
	logs *logged
}

// secureBrokers are the two brokers that must behave alike.
func secureBrokers(t *testing.T, test func(t *testing.T, start func(t *testing.T, server, clients Files) secured)) {
	t.Run("embedded", func(t *testing.T) {
		test(t, func(t *testing.T, server, clients Files) secured {
			users := filepath.Join(t.TempDir(), "users.txt")
			if err := os.WriteFile(users, []byte("acme:pw-a:r-door\nglobex:pw-g:g1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			logs := newLogged()
			b := embedded(t, BrokerOptions{Users: users, TLS: Files{Cert: server.Cert, Key: server.Key, CA: clients.CA}, Log: logs.logger(), Keep: true, Sync: time.Minute})
			user, password := b.Own()
			return secured{b.URL(), SubscriberOptions{URL: b.OwnURL(), User: user, Password: password, TLS: b.OwnTLS(), ClientID: b.Client()}, logs}
		})
	})
	t.Run("mosquitto", func(t *testing.T) {
		test(t, func(t *testing.T, server, clients Files) secured {
			dir, port := t.TempDir(), freePort(t)
			passwords, acl := filepath.Join(dir, "passwords"), filepath.Join(dir, "acl")
			if _, err := exec.LookPath("mosquitto_passwd"); err != nil {
				t.Skip("mosquitto is not installed")
			}
			for i, u := range []string{"acme pw-a", "globex pw-g", "magpie pw-m"} {
				args := append([]string{"-b", passwords}, strings.Fields(u)...)
				if i == 0 {
					args = append([]string{"-c"}, args...)
				}
				if out, err := exec.Command("mosquitto_passwd", args...).CombinedOutput(); err != nil {
					t.Fatalf("mosquitto_passwd: %v: %s", err, out)
				}
			}
			if err := os.WriteFile(acl, []byte("user acme\ntopic write magpie/v1/s042/+/r-door\ntopic read magpie/v1/s042/rejected/+/r-door\n\n"+
				"user globex\ntopic write magpie/v1/s042/+/g1\ntopic read magpie/v1/s042/rejected/+/g1\n\nuser magpie\ntopic readwrite #\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			config := []string{"listener " + port + " 127.0.0.1", "allow_anonymous false", "password_file " + passwords, "acl_file " + acl,
				"certfile " + server.Cert, "keyfile " + server.Key}
			own := SubscriberOptions{URL: "mqtts://127.0.0.1:" + port, User: "magpie", Password: "pw-m"}
			if clients.CA != "" {
				config = append(config, "cafile "+clients.CA, "require_certificate true")
			}
			mosquitto(t, dir, config...)
			await(t, "127.0.0.1:"+port)
			return secured{own.URL, own, nil}
		})
	})
}

// await waits until somebody listens.
func await(t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(10 * time.Second); ; {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("nobody listens on %s", address)
		}
	}
}

// vendorOver connects a plain client over TLS.
func vendorOver(t *testing.T, url string, c *tls.Config, user, password string, more ...func(*mqtt.ClientOptions)) (mqtt.Client, error) {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker(url).SetClientID("vendor-" + user + rand.Text()).SetUsername(user).SetPassword(password).
		SetTLSConfig(c).SetAutoReconnect(false).SetConnectTimeout(5 * time.Second).SetProtocolVersion(4)
	for _, f := range more {
		f(o)
	}
	client := mqtt.NewClient(o)
	err := wait(t.Context(), client.Connect())
	t.Cleanup(func() { client.Disconnect(0) })
	return client, err
}

// TestTwoClientsOverTLS publishes from two vendors at once, each with a certificate and a password of its own, while Magpie
// listens: all comes once, and what neither may say does not.
func TestTwoClientsOverTLS(t *testing.T) {
	a := newAuthority(t)
	server := a.server(t, "server", time.Time{}, "127.0.0.1")
	secureBrokers(t, func(t *testing.T, start func(t *testing.T, server, clients Files) secured) {
		s := start(t, server, Files{CA: a.file})
		if s.own.TLS == nil {
			s.own.TLS = a.client(t, "magpie", time.Time{}).mustClient(t)
		}
		in := newInbox()
		s.own.Topics, s.own.Append = []string{"#"}, in.append
		subscribe(t, s.own)
		const each = 100
		vendors := map[string]string{"acme": "r-door", "globex": "g1"}
		type sent struct {
			all map[string]bool
			err error
		}
		done := make(chan sent)
		for user, source := range vendors {
			client, err := vendorOver(t, s.url, a.client(t, user, time.Time{}).mustClient(t), user, "pw-"+user[:1])
			if err != nil {
				t.Fatal(err)
			}
			for _, topic := range []string{"magpie/v1/s042/rfid/x", "impinj/" + source + "/events", "$SYS/x"} {
				bad, err := vendorOver(t, s.url, a.client(t, user, time.Time{}).mustClient(t), user, "pw-"+user[:1])
				if err != nil {
					t.Fatal(err)
				}
				_ = wait(t.Context(), bad.Publish(topic, 1, false, "forbidden")) // answered, or hung up on: either way it was seen
			}
			go func() {
				all := map[string]bool{}
				for i := range each {
					text := fmt.Sprintf("%s %d", user, i)
					topic := "magpie/v1/s042/status/" + source
					if err := wait(t.Context(), client.Publish(topic, 1, false, text)); err != nil {
						done <- sent{nil, fmt.Errorf("%s %s: %w", topic, text, err)}
						return
					}
					all[topic+" "+text] = true
				}
				done <- sent{all, nil}
			}()
		}
		want := map[string]bool{}
		for range vendors {
			s := <-done
			if s.err != nil {
				t.Fatal(s.err)
			}
			for k := range s.all {
				want[k] = true
			}
		}
		in.await(t, want)
		in.mu.Lock()
		defer in.mu.Unlock()
		for k, n := range in.got {
			if !want[k] || n != 1 {
				t.Errorf("%q came %d times", k, n)
			}
		}
	})
}

// TestTLSErrors connects in every wrong way: what is said names the cure.
func TestTLSErrors(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	past := time.Now().Add(-48 * time.Hour)
	server, elsewhere, old := a.server(t, "server", time.Time{}, "127.0.0.1"), a.server(t, "elsewhere", time.Time{}, "broker.example"), a.server(t, "old", past, "127.0.0.1")
	mine := a.client(t, "acme", time.Time{})
	secureBrokers(t, func(t *testing.T, start func(t *testing.T, server, clients Files) secured) {
		good := start(t, server, Files{CA: a.file})
		for _, test := range []struct {
			name           string
			s              *secured
			server         Files
			client         Files
			user, password string
			plain          bool
			want           string
		}{
			{name: "wrong CA", client: Files{CA: other.file}, want: "name the certificate of its authority (ca_file, --ca)"},
			{name: "system's CAs", client: Files{Cert: mine.Cert, Key: mine.Key}, want: "name the certificate of its authority (ca_file, --ca)"},
			{name: "another name", server: elsewhere, client: mine, want: "the broker's certificate is for another name"},
			{name: "expired", server: old, client: mine, want: "ended on " + past.UTC().Format(time.DateOnly) + ": renew it at the broker"},
			{name: "no certificate", client: Files{CA: a.file}, want: "the broker wants a certificate of this client: name it and its key (cert_file and key_file, --cert and --key)"},
			{name: "certificate of another authority", client: Files{CA: a.file, Cert: other.client(t, "acme", time.Time{}).Cert, Key: filepath.Join(other.dir, "acme.key")},
				want: "the broker does not take this client's certificate"},
			{name: "client expired", client: a.client(t, "late", past), want: "this client's certificate has expired: renew it"},
			{name: "wrong password", client: mine, user: "acme", password: "x", want: `the broker refuses user "acme": check the name and the password`},
			{name: "unknown user", client: mine, user: "nobody", password: "x", want: `the broker refuses user "nobody"`},
			{name: "no user", client: mine, want: "the broker wants a user and a password"},
			{name: "without TLS", plain: true, user: "acme", password: "pw-a", want: "where it speaks TLS on this port, write mqtts://"},
		} {
			t.Run(strings.ReplaceAll(test.name, " ", "-"), func(t *testing.T) {
				s := good
				if test.server != (Files{}) {
					s = start(t, test.server, Files{CA: a.file})
				}
				o := SubscriberOptions{URL: s.url, User: test.user, Password: test.password, ClientID: "c", Topics: []string{"a"}, TLS: test.client.mustClient(t)}
				if test.plain {
					o.URL = strings.Replace(s.url, "mqtts:", "mqtt:", 1)
				}
				if err := refusal(t, o); !strings.Contains(err, test.want) {
					t.Errorf("%s\nlacks %q", err, test.want)
				}
			})
		}
	})
	t.Run("TLS-to-a-plain-port", func(t *testing.T) {
		b := embedded(t, BrokerOptions{})
		o := SubscriberOptions{URL: strings.Replace(b.URL(), "mqtt:", "mqtts:", 1), ClientID: "c", Topics: []string{"a"}, TLS: mine.mustClient(t)}
		if err := refusal(t, o); !strings.Contains(err, "where it speaks none on this port, write mqtt://") {
			t.Error(err)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		o := SubscriberOptions{URL: "mqtt://127.0.0.1:" + freePort(t), ClientID: "c", Topics: []string{"a"}}
		if err := refusal(t, o); !strings.Contains(err, "nobody listens there: check host and port") {
			t.Error(err)
		}
	})
}

// refusal is what a Subscriber tells of its first attempt, which fails.
func refusal(t *testing.T, o SubscriberOptions) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	told, ended := make(chan error, 1), make(chan error)
	o.Append = func(string, bool, []byte, func(error)) {}
	o.Connected = func(up bool, err error) {
		if up {
			err = nil
		}
		select {
		case told <- err:
		default:
		}
	}
	go func() { ended <- NewSubscriber(o).Run(ctx) }()
	var err error
	select {
	case err = <-told:
	case <-time.After(20 * time.Second):
		t.Error("nothing was told in 20 s")
	}
	stop()
	<-ended
	if err == nil {
		return "connected"
	}
	return err.Error()
}

// TestCertificateFiles is what NewBroker and Client say of files that they cannot use.
func TestCertificateFiles(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	server, mine := a.server(t, "server", time.Time{}, "127.0.0.1"), other.client(t, "mine", time.Time{})
	junk := filepath.Join(a.dir, "junk")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		files Files
		want  string
	}{
		{Files{Cert: server.Cert, Key: mine.Key}, "both are files in PEM form that belong together"},
		{Files{Cert: server.Cert, Key: "nowhere"}, "nowhere: no such file"},
		{Files{Cert: junk, Key: server.Key}, junk},
		{Files{Cert: server.Cert}, "give both cert_file and key_file"},
		{Files{Cert: server.Cert, Key: server.Key, CA: junk}, junk + " holds no certificate in PEM form"},
		{Files{Cert: server.Cert, Key: server.Key, CA: "nowhere"}, "nowhere: no such file"},
	} {
		b, err := NewBroker(BrokerOptions{Store: "s042", Listen: "127.0.0.1:0", Dir: t.TempDir(), TLS: test.files})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v\nlacks %s", err, test.want)
			if b != nil {
				b.Close()
			}
		}
		if _, err := test.files.Client(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v\nlacks %s", err, test.want)
		}
	}
}

// TestRenewal puts another certificate in the files of a running broker and of a client: the next connection has it. What
// cannot be used leaves the one before in force.
func TestRenewal(t *testing.T) {
	a, next := newAuthority(t), newAuthority(t)
	server := a.server(t, "server", time.Time{}, "127.0.0.1")
	logs := newLogged()
	b := embedded(t, BrokerOptions{TLS: server, Log: logs.logger()})
	move := func(from Files) {
		t.Helper()
		for _, f := range [][2]string{{from.Cert, server.Cert}, {from.Key, server.Key}, {from.CA, server.CA}} {
			if err := os.Rename(f[0], f[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	mine := a.client(t, "mine", time.Time{}).mustClient(t)
	if _, err := vendorOver(t, b.URL(), mine, "", ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(server.Cert, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := vendorOver(t, b.URL(), mine, "", ""); err != nil {
		t.Fatal("with a broken file: ", err)
	}
	logs.await(t, "the one before stays")
	yours := next.client(t, "yours", time.Time{})
	yoursTLS := yours.mustClient(t)
	if _, err := vendorOver(t, b.URL(), yoursTLS, "", ""); err == nil {
		t.Fatal("the next authority counts before it is there")
	}
	move(next.server(t, "renewed", time.Time{}, "127.0.0.1"))
	if _, err := vendorOver(t, b.URL(), yoursTLS, "", ""); err != nil {
		t.Fatal("after the renewal: ", err)
	}
	if _, err := vendorOver(t, b.URL(), mine, "", ""); err == nil {
		t.Fatal("the old authority still counts")
	}
	user, password := b.Own()
	if _, err := vendorOver(t, b.OwnURL(), b.OwnTLS(), user, password); err != nil {
		t.Fatal("Magpie itself: ", err)
	}
}

// TestTheAuthorityIsRenewed changes the authority of a broker while Magpie is connected, and then the file that names it here:
// Magpie is back without a restart. A broken file leaves the old authority in force, and the log says so.
func TestTheAuthorityIsRenewed(t *testing.T) {
	a, next := newAuthority(t), newAuthority(t)
	server := a.server(t, "server", time.Time{}, "127.0.0.1")
	b := embedded(t, BrokerOptions{TLS: Files{Cert: server.Cert, Key: server.Key}})
	mine := Files{CA: filepath.Join(t.TempDir(), "ca.crt")}
	put(t, mine.CA, content(t, a.file))
	logs := newLogged()
	up := outer(t, SubscriberOptions{URL: b.URL(), TLS: mine.mustClient(t), Files: mine, Log: logs.logger()})
	up("")
	put(t, mine.CA, []byte("half a file"))
	cut(b)
	up(" ")
	up("")
	logs.await(t, "those before stay")

	renewed := next.server(t, "renewed", time.Time{}, "127.0.0.1")
	put(t, server.Key, content(t, renewed.Key))
	put(t, server.Cert, content(t, renewed.Cert))
	cut(b)
	up("unknown authority")
	put(t, mine.CA, content(t, next.file))
	up("")
}

// TestThePasswordIsRenewed changes a password at a broker, and then in the file that holds it here: Magpie is back without a
// restart. A file without one leaves the old password in force, and the log says so.
func TestThePasswordIsRenewed(t *testing.T) {
	users, file := filepath.Join(t.TempDir(), "users.txt"), filepath.Join(t.TempDir(), "password")
	o := BrokerOptions{Dir: t.TempDir(), Listen: "127.0.0.1:" + freePort(t), Users: users}
	put(t, users, []byte("acme:old\n"))
	put(t, file, []byte("old\n"))
	b := embedded(t, o)
	logs := newLogged()
	up := outer(t, SubscriberOptions{URL: b.URL(), User: "acme", PasswordFile: file, Log: logs.logger()})
	up("")
	put(t, file, []byte("\n"))
	cut(b)
	up(" ")
	up("")
	logs.await(t, file+" is empty: write the password into it")

	put(t, users, []byte("acme:new\n"))
	b.Close()
	embedded(t, o)
	up(`the broker refuses user "acme"`)
	put(t, file, []byte("new\n"))
	up("")
}

// put writes a file whole.
func put(t *testing.T, to string, text []byte) {
	t.Helper()
	err := os.WriteFile(to+".new", text, 0o600)
	if err == nil {
		err = os.Rename(to+".new", to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// outer runs a Subscriber until the test ends, and gives how to wait for a state of its connection: "" for connected, else what
// ails it.
func outer(t *testing.T, o SubscriberOptions) (up func(want string)) {
	states := make(chan error, 100)
	o.ClientID, o.Clean, o.Retry = "outer", true, 50*time.Millisecond
	o.Connected = func(is bool, err error) {
		if !is && err == nil {
			err = errors.New("it is down")
		}
		states <- err
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); NewSubscriber(o).Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return func(want string) {
		t.Helper()
		for end := time.After(20 * time.Second); ; {
			select {
			case err := <-states:
				if want == "" && err == nil || want != "" && err != nil && strings.Contains(err.Error(), want) {
					return
				}
			case <-end:
				t.Fatalf("the connection is never so: %q", want)
			}
		}
	}
}

// cut ends all connections of clients.
func cut(b *Broker) {
	e := b.entrance
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		c.Close()
	}
}
