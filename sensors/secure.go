package sensors

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Files are what TLS needs of one side of a connection, each a file in PEM form.
type Files struct {
	Cert string // its own certificate, and those between it and its authority
	Key  string // the certificate's
	CA   string // authorities that may vouch for the other side
}

// Client makes the TLS settings with which to connect to a broker. Without CA the system's authorities vouch for it; without
// Cert it shows none of its own. nil for no files. What is renewed in the files later is for [Files.Renewed] to read.
func (f Files) Client() (*tls.Config, error) {
	if f == (Files{}) {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		var err error
		if c.RootCAs, err = authorities(f.CA); err != nil {
			return nil, err
		}
	}
	if f.Cert != "" || f.Key != "" {
		pair, err := f.pair()
		if err != nil {
			return nil, err
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	}
	return c, nil
}

// Renewed is what Client makes of the files as they are now. Where they cannot be used was stays in force, and the log says why.
func (f Files) Renewed(was *tls.Config, log *slog.Logger) *tls.Config {
	if f == (Files{}) {
		return was
	}
	c, err := f.Client()
	if err != nil {
		log.Error("the certificates in the files for the broker cannot be used, and those before stay", "error", err)
		return was
	}
	return c
}

// Attempt is a ConnectionAttemptHandler of a client that connects again by itself: every attempt has the files as they are then.
func (f Files) Attempt(log *slog.Logger) func(*url.URL, *tls.Config) *tls.Config {
	var last *tls.Config
	return func(_ *url.URL, first *tls.Config) *tls.Config {
		last = f.Renewed(cmp.Or(last, first), log)
		return last
	}
}

// ReadPassword reads a password from its file, without the white space around it.
func ReadPassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	password := strings.TrimSpace(string(text))
	if password == "" {
		return "", fmt.Errorf("%s is empty: write the password into it", path)
	}
	return password, nil
}

// renewPassword reads the password anew. Where it cannot be read the one before stays, and the log says why.
func (o *SubscriberOptions) renewPassword(log *slog.Logger) {
	if o.PasswordFile == "" {
		return
	}
	password, err := ReadPassword(o.PasswordFile)
	if err != nil {
		log.Error("the password for the broker cannot be read, and the one before stays", "error", err)
		return
	}
	o.Password = password
}

// Credentials is a CredentialsProvider of a client that connects again by itself: every attempt has the password as it is then.
func (o SubscriberOptions) Credentials(log *slog.Logger) func() (user, password string) {
	return func() (string, string) {
		o.renewPassword(log)
		return o.User, o.Password
	}
}

// pair reads certificate and key.
func (f Files) pair() (*tls.Certificate, error) {
	if f.Cert == "" || f.Key == "" {
		return nil, errors.New("a certificate needs its key and a key its certificate: give both cert_file and key_file")
	}
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s with the key %s: %w; both are files in PEM form that belong together", f.Cert, f.Key, err)
	}
	return &pair, nil
}

// authorities reads certificates of authorities.
func authorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form: name the file of the authority's certificate", path)
	}
	return pool, nil
}

// guard is the TLS of the embedded broker. It reads its files anew when they have changed; what cannot be read leaves what was
// there before in force. The server behind the entrance has a certificate of its own, made at start, and takes only who has
// that too: the entrance and Magpie itself.
type guard struct {
	files Files
	log   *slog.Logger
	own   tls.Certificate

	mu      sync.Mutex
	stamp   string // of the files that are in force, or that were found wrong
	current *tls.Config
}

func newGuard(f Files, log *slog.Logger) (*guard, error) {
	g := &guard{files: f, log: log}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: ownUser}, NotBefore: time.Unix(0, 0),
		NotAfter: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), // whatever this machine's clock says: it is gone with the process
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	g.own = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	g.stamp = g.stamps()
	g.current, err = g.read()
	return g, err
}

// stamps tells one state of the files from another.
func (g *guard) stamps() string {
	var b strings.Builder
	for _, path := range []string{g.files.Cert, g.files.Key, g.files.CA} {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(&b, info.ModTime().UnixNano(), info.Size())
		}
	}
	return b.String()
}

func (g *guard) read() (*tls.Config, error) {
	pair, err := g.files.pair()
	if err != nil {
		return nil, err
	}
	if leaf := pair.Leaf; leaf != nil && time.Now().After(leaf.NotAfter) {
		g.log.Error("the broker's certificate has expired, and clients will refuse it: renew it", "file", g.files.Cert, "expired", leaf.NotAfter)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*pair}}
	if g.files.CA != "" {
		if c.ClientCAs, err = authorities(g.files.CA); err != nil {
			return nil, err
		}
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c, nil
}

// config is the TLS in force.
func (g *guard) config() *tls.Config {
	g.mu.Lock()
	defer g.mu.Unlock()
	stamp := g.stamps()
	if stamp == g.stamp {
		return g.current
	}
	fresh, err := g.read()
	if err != nil {
		g.log.Error("the broker's new certificate cannot be used, and the one before stays", "error", err)
	} else {
		g.log.Info("the broker has a new certificate", "file", g.files.Cert)
		g.current = fresh
	}
	g.stamp = stamp
	return g.current
}

// server is for clients.
func (g *guard) server() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return g.config(), nil }}
}

// inside is for the server behind the entrance.
func (g *guard) inside() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{g.own}, ClientAuth: tls.RequireAnyClientCert, VerifyConnection: g.known}
}

// client is for who connects to the server behind the entrance.
func (g *guard) client() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{g.own}, InsecureSkipVerify: true, VerifyConnection: g.known}
}

// known takes the one certificate that there is inside; TLS has proved that its key is there too.
func (g *guard) known(s tls.ConnectionState) error {
	if !bytes.Equal(s.PeerCertificates[0].Raw, g.own.Certificate[0]) {
		return errors.New("somebody else is behind the broker's entrance")
	}
	return nil
}

// advice says what to do about a handshake that failed at the broker.
func (g *guard) advice(err error) error {
	var invalid *tls.CertificateVerificationError
	text := err.Error()
	switch {
	case strings.Contains(text, "didn't provide a certificate"):
		return fmt.Errorf("%w; give it one that an authority in %s vouches for (client_ca_file)", err, g.files.CA)
	case errors.As(err, &invalid):
		return fmt.Errorf("%w (certificate of %s); renew it, or have it made by an authority in %s (client_ca_file)", err, invalid.UnverifiedCertificates[0].Subject, g.files.CA)
	case strings.Contains(text, "unknown certificate authority"), strings.Contains(text, "bad certificate"), strings.Contains(text, "unknown certificate"):
		return fmt.Errorf("%w; it does not trust the broker's certificate: give it the certificate of the authority that made %s", err, g.files.Cert)
	case strings.Contains(text, "first record does not look like a TLS handshake"):
		return fmt.Errorf("%w; it speaks plain MQTT: set it to TLS (mqtts://)", err)
	}
	return err
}

// Explain adds to an error of connecting what to do about it. Where the broker hung up on TLS it asks once more why.
func (o *SubscriberOptions) Explain(ctx context.Context, err error) error {
	if o.overTLS() && hungUp(err) {
		if why := o.handshake(ctx); why != nil && !errors.Is(why, os.ErrDeadlineExceeded) {
			err = why
		}
	}
	if advice := o.advice(err); advice != "" {
		return fmt.Errorf("%w; %s", err, advice)
	}
	return err
}

// advice says what to do about an error of a connection, "" where it says all that there is.
func (o *SubscriberOptions) advice(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	text := err.Error()
	says := func(alert string) bool { return strings.Contains(text, "tls: "+alert) }
	switch {
	case errors.As(err, &unknown):
		return "no authority that we trust vouches for the broker's certificate: name the certificate of its authority (ca_file, --ca)"
	case errors.As(err, &host):
		return "the broker's certificate is for another name: connect by a name that is in it, or have one made for this name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return "the broker's certificate begins on " + day(invalid.Cert.NotBefore) + ": set this machine's clock right"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the broker's certificate ended on " + day(invalid.Cert.NotAfter) + ": renew it at the broker; if it did not, set this machine's clock right"
	case errors.As(err, &record):
		return "the broker speaks no TLS on this port: write mqtt://, or its port for TLS"
	case says("certificate required"), says("handshake failure") && (o.TLS == nil || o.TLS.GetClientCertificate == nil):
		return "the broker wants a certificate of this client: name it and its key (cert_file and key_file, --cert and --key)"
	case says("expired certificate"):
		return "this client's certificate has expired: renew it (cert_file, --cert)"
	case says("unknown certificate authority"), says("bad certificate"), says("unsupported certificate"), says("revoked certificate"):
		return "the broker does not take this client's certificate: have it made by an authority that the broker trusts (cert_file, --cert)"
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		if o.User == "" {
			return "the broker wants a user and a password (user and password_file, --user and --password-file)"
		}
		return fmt.Sprintf("the broker refuses user %q: check the name and the password (password_file, --password-file), and that the broker knows both", o.User)
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return fmt.Sprintf("the broker refuses the client %q: allow it there", o.ClientID)
	case hungUp(err) && (strings.HasPrefix(o.URL, "mqtt:") || strings.HasPrefix(o.URL, "tcp:")):
		return "the broker hung up at once: where it speaks TLS on this port, write mqtts://"
	case strings.Contains(text, "connection refused"):
		return "nobody listens there: check host and port, and that the broker runs"
	}
	return ""
}

// hungUp reports whether the other side ended the connection, or cut it off.
func hungUp(err error) bool {
	text := err.Error()
	return strings.HasSuffix(text, "EOF") || strings.HasSuffix(text, "connection reset by peer") || strings.HasSuffix(text, "broken pipe")
}

func (o *SubscriberOptions) overTLS() bool {
	scheme, _, _ := strings.Cut(o.URL, ":")
	return scheme == "mqtts" || scheme == "ssl"
}

// handshake asks a broker that hung up while we spoke why it did: it tells so before it hangs up, which is not heard where we
// were still writing.
func (o *SubscriberOptions) handshake(ctx context.Context) error {
	u, err := url.Parse(o.URL)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := (&tls.Dialer{Config: o.TLS}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		if hungUp(err) {
			return fmt.Errorf("%w; the broker hung up on TLS: where it speaks none on this port, write mqtt://", err)
		}
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil { // a broker that has no complaint waits for us
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
