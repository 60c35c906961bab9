package alerts_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
)

func TestPOS(t *testing.T) {
	var bodies []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.Header.Get("webhook-id")+" "+string(b))
	}))
	defer srv.Close()
	p := alerts.NewPOS("pos", srv.URL, nil, nil, time.Now)
	for _, d := range []alerts.Delivery{
		{ID: "a", Rev: 1, State: alerts.Provisional, Body: []byte(`{"id":"a","transaction":"t1-0042","x":"<&>"}`)},
		{ID: "b", Rev: 1, State: alerts.Confirmed, Body: []byte(`{"id":"b","transaction":null}`)},
		{ID: "a", Rev: 2, State: alerts.Retracted, Body: []byte(`{"id":"a","transaction":"t1-0042"}`)},
	} {
		if err := p.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	want := `a.1 {"transactionId":"t1-0042","reason":"potential_theft","details":{"id":"a","transaction":"t1-0042","x":"<&>"}}
b.1 {"transactionId":null,"reason":"potential_theft","details":{"id":"b","transaction":null}}
a.2 {"transactionId":"t1-0042","reason":"cleared","details":{"id":"a","transaction":"t1-0042"}}`
	if got := strings.Join(bodies, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := p.Send(t.Context(), alerts.Delivery{ID: "a", Rev: 3, Body: []byte(`no json`)}); !errors.As(err, new(alerts.Permanent)) {
		t.Errorf("a body that is no alert: %v", err)
	}
}

// One outbox feeds stdout and MQTT; the broker is away for a while.
func TestStdoutAndMQTT(t *testing.T) {
	out, in := io.Pipe()
	away := 3
	published := make(chan string, 10)
	m := alerts.NewMQTT("mqtt", "s042", func(topic string, payload []byte) error {
		if away--; away >= 0 {
			return errors.New("not connected")
		}
		published <- topic + " " + string(payload)
		return nil
	})
	opt := alerts.OutboxOptions{FirstWait: time.Millisecond, LongestWait: 2 * time.Millisecond}
	o, stop := running(t, filepath.Join(t.TempDir(), "o.db"), opt, m, alerts.NewStdout("stdout", in))
	defer stop()
	a := &alerts.Alert{ID: "alr_1", Rev: 1, State: alerts.Provisional, Tier: "staff", Store: "s042", EventTime: 1795341600e9}
	e := alerts.NewOutboxEntry(a, []alerts.Target{{Output: "mqtt"}, {Output: "stdout"}})
	if e.Expires != a.EventTime+int64(3*time.Minute) {
		t.Errorf("expires %d", e.Expires)
	}
	put(t, o, e)
	line := string(a.AppendJSON(nil, false))
	if got, err := bufio.NewReader(out).ReadString('\n'); got != line+"\n" {
		t.Errorf("stdout %q (%v), want %q", got, err, line)
	}
	if got, want := <-published, "magpie/v1/s042/alert/alr_1 "+line; got != want {
		t.Errorf("mqtt %q, want %q", got, want)
	}
}

// A mail server of the test's own takes two mails and refuses a third.
func TestSMTP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mails := make(chan string, 3)
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			no := ""
			if n == 2 {
				no = "RCPT"
			}
			serveMail(c, no, mails)
		}
	}()
	where := fmt.Sprintf("smtp://%s?from=magpie@shop.example&to=lp@shop.example,Duty%%20manager<duty@shop.example>", l.Addr())
	s, err := alerts.NewSMTP("lp-desk", where, "", func() time.Time { return time.Unix(1795341600, 0) })
	if err != nil {
		t.Fatal(err)
	}
	a := &alerts.Alert{ID: "alr_1", Rev: 1, State: alerts.Provisional, Store: "s042", Zone: "door", Message: "door: 1 × Taco sauce not paid?", Action: "offer help", Why: "the plate lost 621 g"}
	send := func(rev int, state alerts.State) error {
		a.Rev, a.State = rev, state
		return s.Send(t.Context(), alerts.Delivery{ID: a.ID, Rev: rev, State: state, Body: a.AppendJSON(nil, false)})
	}
	for rev, state := range []alerts.State{alerts.Provisional, alerts.Retracted} {
		if err := send(rev+1, state); err != nil {
			t.Fatal(err)
		}
		raw := <-mails
		m, err := mail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := m.Header.Get("Message-ID"), fmt.Sprintf("<alr_1.%d@shop.example>", rev+1); got != want {
			t.Errorf("Message-ID %s, want %s", got, want)
		}
		want := "Please: offer help"
		if state == alerts.Retracted {
			want = "This alert is withdrawn"
		}
		if !strings.Contains(raw, want) || strings.Contains(raw, "theft") {
			t.Errorf("mail without %q, or with a word that must not be shown:\n%s", want, raw)
		}
	}
	if err := send(3, alerts.Closed); !errors.As(err, new(alerts.Permanent)) {
		t.Errorf("a refused recipient: %v", err)
	}
	l.Close()
	if err := send(4, alerts.Closed); !errors.As(err, new(alerts.Throttle)) {
		t.Errorf("a server that is away: %v", err)
	}
	for _, bad := range []string{"mail.example", "smtp://h?from=a@b", "smtp://h?from=@&to=c@d", "http://h?from=a@b&to=c@d"} {
		if _, err := alerts.NewSMTP("lp-desk", bad, "", time.Now); err == nil || !strings.Contains(err.Error(), "lp-desk") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A server that refuses a mail has said its last word on it. One that refuses to talk, or the password, has not: the mail
// goes out when that is put right.
func TestSMTPRefusals(t *testing.T) {
	for no, permanent := range map[string]bool{"greeting": false, "EHLO": false, "AUTH": false, "MAIL": true, "RCPT": true, "DATA": true, ".": true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if c, err := l.Accept(); err == nil {
				serveMail(c, no, make(chan string, 1))
			}
		}()
		s, err := alerts.NewSMTP("lp-desk", fmt.Sprintf("smtp://kim@%s?from=a@b&to=c@d", l.Addr()), "wrong", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Send(t.Context(), alerts.Delivery{ID: "a", Rev: 1, State: alerts.Provisional, Body: []byte(`{"id":"a"}`)})
		var later alerts.Throttle
		if errors.As(err, new(alerts.Permanent)) != permanent || errors.As(err, &later) == permanent || !strings.Contains(err.Error(), "no, not so") {
			t.Errorf("%s refused: %T %v, permanent should be %v", no, err, err, permanent)
		}
		if !permanent && !later.Unsent {
			t.Errorf("%s refused: nothing of the alert was sent, so that no retraction need follow it", no)
		}
		l.Close()
	}
}

// serveMail is a mail server for one connection that says no to one command, to the greeting, or to a mail's end (".").
func serveMail(c net.Conn, no string, mails chan<- string) {
	defer c.Close()
	in := bufio.NewReader(c)
	say := func(s string) { fmt.Fprintf(c, "%s\r\n", s) }
	if no == "greeting" {
		say("554 no, not so")
		return
	}
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return
		case no == "EHLO" && strings.HasPrefix(line, "HELO"), no != "" && strings.HasPrefix(line, no):
			say("550 no, not so")
		case strings.HasPrefix(line, "EHLO"):
			say("250-test")
			say("250 AUTH PLAIN")
		case strings.HasPrefix(line, "AUTH"):
			say("235 come in")
		case strings.HasPrefix(line, "DATA"):
			say("354 go on")
			var b bytes.Buffer
			for line != ".\r\n" && err == nil {
				line, err = in.ReadString('\n')
				b.WriteString(line)
			}
			if no == "." {
				say("554 no, not so")
				continue
			}
			say("250 taken")
			mails <- b.String()
		case strings.HasPrefix(line, "QUIT"):
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}
