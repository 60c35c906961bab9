package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
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

// folder is a new one, the path of a file in it, and what writes a file there for its owner only.
func folder(t *testing.T) (dir string, at func(name string) string, write func(name, text string)) {
	dir = t.TempDir()
	at = func(name string) string { return filepath.Join(dir, name) }
	return dir, at, func(name, text string) {
		t.Helper()
		must(t, os.WriteFile(at(name), []byte(text), 0o600))
	}
}

// TestRunOverTLS runs the program with certificates and users: a device that has both is heard, through record and play as an
// operator would use them, and one without a certificate, or with a wrong password, is told what to do.
func TestRunOverTLS(t *testing.T) {
	dir, at, write := folder(t)
	certificates(t, dir)
	write("users.txt", "gates:pw:eas-1:magpie/v1/s042/gate/+\n")
	write("password", "pw\n")
	write("site.yaml", `store: s042
timezone: UTC
currency: GBP
zones: [{id: door, kind: exit, polygon: [[0,0],[2,0],[2,2],[0,2]]}]
gates: [{id: eas-1, zone: door}]
broker: {listen: "127.0.0.1:0", users: users.txt, cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt}
`)
	write("gate.jsonl", `{"received":"2026-11-22T10:00:00.123456789Z","topic":"magpie/v1/s042/gate/eas-1","payload":{"ts":"arrival","alarm":"no"}}`+"\n")
	ctx, stop := context.WithCancel(t.Context())
	term := &terminal{more: make(chan struct{}, 1)}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"run", "--no-cameras", "--site", at("site.yaml"), "--data", at("data"), "--http", "127.0.0.1:0"}, io.Discard, term)
	}()
	defer func() {
		stop()
		<-code
	}()
	url := term.await(t, `msg=watching .*broker=(mqtts://\S+)`)[1]

	recording, end := context.WithCancel(ctx)
	heard := &terminal{more: make(chan struct{}, 1)}
	recorded := make(chan int, 1)
	device := []string{"--broker", url, "--user", "gates", "--password-file", at("password"), "--ca", at("ca.crt"), "--cert", at("client.crt"), "--key", at("client.key")}
	go func() {
		recorded <- run(recording, append([]string{"record", "--topics", "magpie/v1/s042/gate/+", "-o", at("heard.jsonl")}, device...), io.Discard, heard)
	}()
	heard.await(t, "subscribed at the MQTT broker")
	if code := run(ctx, append([]string{"play", at("gate.jsonl")}, device...), io.Discard, heard); code != 0 {
		t.Errorf("play ended with %d", code)
	}
	for end := time.After(10 * time.Second); ; {
		text, _ := os.ReadFile(at("heard.jsonl"))
		if strings.Contains(string(text), "eas-1") {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-end:
			t.Fatalf("nothing was recorded: %s", text)
		}
	}
	end()
	if code := <-recorded; code != 0 {
		t.Errorf("record ended with %d", code)
	}

	for want, args := range map[string][]string{
		"the broker wants a certificate of this client: name it and its key": {"--ca", at("ca.crt"), "--user", "gates", "--password-file", at("password")},
		`the broker refuses user .*gates.*: check the name and the password`: {"--ca", at("ca.crt"), "--user", "gates", "--password-file", at("users.txt"), "--cert", at("client.crt"), "--key", at("client.key")},
		"no authority that we trust vouches for the broker's certificate":    {"--cert", at("client.crt"), "--key", at("client.key")},
	} {
		trying, end := context.WithCancel(ctx)
		told := &terminal{more: make(chan struct{}, 1)}
		ended := make(chan int, 1)
		go func() {
			ended <- run(trying, append([]string{"record", "--broker", url, "-o", filepath.Join(t.TempDir(), "none.jsonl")}, args...), io.Discard, told)
		}()
		told.await(t, want)
		end()
		<-ended
	}
}

// TestRunAtMosquittoOverTLS runs the program at a mosquitto that wants certificates, and takes from each user what its access
// list says: a vendor is told what is rejected of it, in vain it speaks for another, and a check by the site file is let in.
func TestRunAtMosquittoOverTLS(t *testing.T) {
	dir, at, write := folder(t)
	certificates(t, dir)
	write("acl", "user gates\ntopic write magpie/v1/s042/gate/eas-1\ntopic read magpie/v1/s042/rejected/gate/eas-1\n\nuser magpie\ntopic readwrite #\n")
	write("password", "pw\n")
	write("passwords", "")
	for _, user := range []string{"gates", "magpie"} {
		passwd, err := exec.LookPath("mosquitto_passwd")
		if err != nil {
			t.Skip("mosquitto is not installed (scripts/setup.sh test-tools)")
		}
		if out, err := exec.Command(passwd, "-b", at("passwords"), user, "pw").CombinedOutput(); err != nil {
			t.Fatalf("mosquitto_passwd: %v: %s", err, out)
		}
	}
	broker := startMosquitto(t, "allow_anonymous false", "password_file "+at("passwords"), "acl_file "+at("acl"), "certfile "+at("server.crt"),
		"keyfile "+at("server.key"), "cafile "+at("ca.crt"), "require_certificate true")
	url := "mqtts://" + broker.addr
	write("site.yaml", `store: s042
timezone: UTC
currency: GBP
zones: [{id: door, kind: exit, polygon: [[0,0],[2,0],[2,2],[0,2]]}]
gates: [{id: eas-1, zone: door}, {id: eas-2, zone: door}]
broker: {url: "`+url+`", user: magpie, password_file: password, ca_file: ca.crt, cert_file: client.crt, key_file: client.key}
`)
	line := func(gate, alarm string) string {
		return `{"received":"2026-11-22T10:00:00.123456789Z","topic":"magpie/v1/s042/gate/` + gate + `","payload":{"ts":"arrival","alarm":` + alarm + "}}\n"
	}
	write("gate.jsonl", line("eas-2", `"forged"`)+line("eas-1", `"no"`)+line("eas-1", "false"))
	ctx, stop := context.WithCancel(t.Context())
	term := &terminal{more: make(chan struct{}, 1)}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"run", "--no-cameras", "--site", at("site.yaml"), "--data", at("data"), "--http", "127.0.0.1:0"}, io.Discard, term)
	}()
	defer func() {
		stop()
		<-code
	}()
	term.await(t, `subscribed at the MQTT broker`)

	var heard bytes.Buffer
	checked := &terminal{more: make(chan struct{}, 1)}
	device := []string{"--broker", url, "--user", "gates", "--password-file", at("password"), "--ca", at("ca.crt"), "--cert", at("client.crt"), "--key", at("client.key")}
	rejected := make(chan mqtt.Message, 10)
	flags := brokerFlags{url: url, user: "gates", passwordFile: at("password"), caFile: at("ca.crt"), certFile: at("client.crt"), keyFile: at("client.key")}
	o, err := flags.options()
	if err != nil {
		t.Fatal(err)
	}
	vendor := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetUsername(o.User).SetPassword(o.Password).SetTLSConfig(o.TLS))
	for _, token := range []func() mqtt.Token{vendor.Connect, func() mqtt.Token {
		return vendor.Subscribe("magpie/v1/s042/rejected/gate/+", 1, func(_ mqtt.Client, m mqtt.Message) { rejected <- m })
	}} {
		if err := within(ctx, token()); err != nil {
			t.Fatal(err)
		}
	}
	defer vendor.Disconnect(0)
	checks := make(chan int, 1)
	go func() {
		checks <- run(ctx, []string{"sensors", "check", "--site", at("site.yaml"), "--for", "2s"}, &heard, checked)
	}()
	checked.await(t, "listening to mqtts://")
	if code := run(ctx, append([]string{"play", at("gate.jsonl")}, device...), io.Discard, io.Discard); code != 0 {
		t.Errorf("play ended with %d", code)
	}
	select {
	case m := <-rejected:
		if m.Topic() != "magpie/v1/s042/rejected/gate/eas-1" || !strings.Contains(string(m.Payload()), `alarm is the string \"no\": true or false is wanted`) {
			t.Errorf("%s %s", m.Topic(), m.Payload())
		}
	case <-time.After(20 * time.Second):
		t.Error("the vendor hears nothing of what is rejected")
	}
	if code := <-checks; code != 1 {
		t.Errorf("check ended with %d", code)
	}
	for _, want := range []string{"!!  eas-1   gate  2 ", `1 message rejected (type at /alarm): alarm is the string "no": true or false is wanted`,
		"!!  eas-2   gate  0 "} { // what gates said for eas-2 did not come
		if !strings.Contains(heard.String(), want) {
			t.Errorf("lacks %q:\n%s", want, heard.String())
		}
	}
}

// certificates puts an authority, a server's and a client's certificate into dir.
func certificates(t *testing.T, dir string) {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	var authority *x509.Certificate
	var signer *ecdsa.PrivateKey
	for i, name := range []string{"ca", "server", "client"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(err)
		c := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true}
		switch name {
		case "ca":
			c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
			authority, signer = c, key
		case "server":
			c.IPAddresses, c.ExtKeyUsage = []net.IP{net.IPv4(127, 0, 0, 1)}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		case "client":
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}
		der, err := x509.CreateCertificate(rand.Reader, c, authority, key.Public(), signer)
		check(err)
		if name == "ca" {
			authority, err = x509.ParseCertificate(der)
			check(err)
		}
		secret, err := x509.MarshalPKCS8PrivateKey(key)
		check(err)
		check(os.WriteFile(filepath.Join(dir, name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
		check(os.WriteFile(filepath.Join(dir, name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	}
}
