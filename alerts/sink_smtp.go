package alerts

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// SMTP is the sink of an `smtp:` output: one mail a revision, those of one alert in one thread.
type SMTP struct {
	name, addr, host, user, password string
	tls                              bool // from the first byte (smtps); else STARTTLS where offered
	from                             *mail.Address
	to                               []*mail.Address
	now                              func() time.Time
}

// NewSMTP makes the sink from smtp[s]://[user@]host[:port]?from=a@b&to=c@d,e@f (port 587, 465 for smtps). The password
// comes from the output's secret_file and is sent only over TLS or to this machine.
func NewSMTP(name, where, password string, now func() time.Time) (*SMTP, error) {
	u, err := url.Parse(where)
	if err != nil {
		return nil, fmt.Errorf("output %s: %w", name, err)
	}
	port := map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]
	if port == "" || u.Hostname() == "" {
		return nil, fmt.Errorf("output %s: %q: want smtp://host or smtps://host", name, u.Redacted())
	}
	if u.Port() != "" {
		port = u.Port()
	}
	s := &SMTP{name: name, host: u.Hostname(), addr: net.JoinHostPort(u.Hostname(), port), user: u.User.Username(),
		password: password, tls: u.Scheme == "smtps", now: now}
	if s.from, err = mail.ParseAddress(u.Query().Get("from")); err != nil {
		return nil, fmt.Errorf("output %s: from=%s: %w", name, u.Query().Get("from"), err)
	}
	if s.to, err = mail.ParseAddressList(u.Query().Get("to")); err != nil {
		return nil, fmt.Errorf("output %s: to=%s: %w", name, u.Query().Get("to"), err)
	}
	return s, nil
}

// Name is the output's name.
func (s *SMTP) Name() string { return s.name }

// Send hands the mail to the server. An answer of 500 or more to the mail itself (MAIL, RCPT, DATA) is Permanent. All else
// throttles the output: a greeting or a login that is refused, as with a wrong password, says nothing of this mail.
func (s *SMTP) Send(ctx context.Context, d Delivery) error {
	msg, err := s.message(d)
	if err != nil {
		return Permanent{fmt.Errorf("alert %s: %w", d.Key(), err)}
	}
	offered, err := s.deliver(ctx, msg)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("mail server %s: %w", s.addr, err)
	if reply := new(textproto.Error); offered && errors.As(err, &reply) && reply.Code >= 500 {
		return Permanent{err}
	}
	return Throttle{Unsent: !offered, Err: err}
}

// deliver says with its error whether the server had let us in, so that the mail itself was offered.
func (s *SMTP) deliver(ctx context.Context, msg []byte) (offered bool, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // net/smtp knows no context
	defer stop()
	c, err := s.login(conn)
	if err != nil {
		return false, err
	}
	return true, s.offer(c, msg)
}

// login goes through greeting, TLS and password.
func (s *SMTP) login(conn net.Conn) (*smtp.Client, error) {
	if s.tls {
		conn = tls.Client(conn, &tls.Config{ServerName: s.host})
	}
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, err
	}
	if err := c.Hello("localhost"); err != nil { // else Mail would greet, and a refused greeting pass for a refused mail
		return nil, err
	}
	if ok, _ := c.Extension("STARTTLS"); ok && !s.tls {
		if err := c.StartTLS(&tls.Config{ServerName: s.host}); err != nil {
			return nil, err
		}
	}
	if s.user != "" {
		if err := c.Auth(smtp.PlainAuth("", s.user, s.password, s.host)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// offer hands over the mail.
func (s *SMTP) offer(c *smtp.Client, msg []byte) error {
	if err := c.Mail(s.from.Address); err != nil {
		return err
	}
	for _, to := range s.to {
		if err := c.Rcpt(to.Address); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(msg); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	c.Quit() // the mail is taken; how the server says goodbye changes nothing
	return nil
}

// message writes the mail: what, why and what to do, in plain words. The alert's line stays out: it is for machines.
func (s *SMTP) message(d Delivery) ([]byte, error) {
	var a struct{ Store, Message, Action, Why, Tier, Zone string }
	if err := json.Unmarshal(d.Body, &a); err != nil {
		return nil, err
	}
	subject := a.Message
	if d.State == Retracted {
		subject = "Withdrawn: " + subject
	}
	var to []string
	for _, t := range s.to {
		to = append(to, t.String())
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	id := func(rev string) string { return "<" + d.ID + "." + rev + "@" + domain + ">" }
	var b bytes.Buffer
	head := func(k, v string) { fmt.Fprintf(&b, "%s: %s\r\n", k, v) }
	head("From", s.from.String())
	head("To", strings.Join(to, ", "))
	head("Subject", mime.QEncoding.Encode("utf-8", subject))
	head("Date", s.now().Format(time.RFC1123Z))
	head("Message-ID", id(fmt.Sprint(d.Rev)))
	head("References", id("1"))
	head("MIME-Version", "1.0")
	head("Content-Type", "text/plain; charset=utf-8")
	head("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	what := a.Why + "\r\nPlease: " + a.Action
	if d.State == Retracted {
		what = "This alert is withdrawn: there is nothing to do."
	}
	fmt.Fprintf(q, "%s\r\n\r\n%s\r\n\r\nstore %s, zone %s, tier %s, state %s, alert %s revision %d\r\n",
		a.Message, what, a.Store, a.Zone, a.Tier, d.State, d.ID, d.Rev)
	return b.Bytes(), q.Close()
}
