package main

import (
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
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRunOverTLS runs the program with certificates and users: a device that has both is heard, through record and play as an
// operator would use them, and one without a certificate, or with a wrong password, is told what to do.
func TestRunOverTLS(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
