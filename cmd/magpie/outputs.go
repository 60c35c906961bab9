package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"magpie/alerts"
	"magpie/dashboard"
	"magpie/fusion"
	"magpie/journal"
	"magpie/sensors"
	"magpie/site"
)

// lines is where alert lines are printed: standard output, but not a terminal, whose reader the log tells in words.
func lines(out io.Writer) io.Writer {
	if f, ok := out.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return io.Discard
		}
	}
	return out
}

// openSinks makes every place where alerts go: standard output and MQTT always, and the site's outputs.
func openSinks(s *site.Site, out io.Writer, publish func(string, []byte) error, now func() time.Time) ([]alerts.Sink, error) {
	sinks := []alerts.Sink{alerts.NewStdout("stdout", lines(out)), alerts.NewMQTT("mqtt", s.Store.ID, publish)}
	for _, o := range s.Outputs {
		var keys alerts.WebhookKeys
		var err error
		if o.SecretFile != "" && o.SMTP == "" {
			if keys, err = alerts.ReadWebhookKeys(o.SecretFile); err != nil {
				return nil, fmt.Errorf("output %s: %w", o.Name, err)
			}
		}
		switch {
		case o.Webhook != "":
			sinks = append(sinks, alerts.NewWebhook(o.Name, o.Webhook, keys, nil, now))
		case o.POS != "":
			sinks = append(sinks, alerts.NewPOS(o.Name, o.POS, keys, nil, now))
		case o.SMTP != "":
			password := ""
			if o.SecretFile != "" {
				b, err := os.ReadFile(o.SecretFile)
				if err != nil {
					return nil, fmt.Errorf("output %s: %w", o.Name, err)
				}
				password = strings.TrimSpace(string(b))
			}
			mail, err := alerts.NewSMTP(o.Name, o.SMTP, password, now)
			if err != nil {
				return nil, fmt.Errorf("output %s: %w", o.Name, err)
			}
			sinks = append(sinks, mail)
		}
	}
	return sinks, nil
}

// passwordEnv may hold the password at an outer broker, in place of a file.
const passwordEnv = "MAGPIE_BROKER_PASSWORD"

// brokerSecrets fills in password, authorities and certificate for an outer broker.
func brokerSecrets(b site.Broker, o *sensors.SubscriberOptions) error {
	o.Password = os.Getenv(passwordEnv)
	var err error
	if o.PasswordFile = b.PasswordFile; o.PasswordFile != "" {
		if o.Password, err = sensors.ReadPassword(o.PasswordFile); err != nil {
			return fmt.Errorf("broker: %w", err)
		}
	}
	o.Files = sensors.Files{CA: b.CAFile, Cert: b.CertFile, Key: b.KeyFile}
	if o.TLS, err = o.Files.Client(); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	return nil
}

// devicePeers reads the keys with which edge scripts, and other stores, sign POST /api/alerts.
func devicePeers(s *site.Site) ([]alerts.WebhookPeer, error) {
	var peers []alerts.WebhookPeer
	for _, d := range s.Devices {
		if d.KeyFile == "" {
			continue
		}
		keys, err := alerts.ReadWebhookKeys(d.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("device %s: %w", d.ID, err)
		}
		peers = append(peers, alerts.WebhookPeer{Name: d.ID, Keys: keys})
	}
	return peers, nil
}

// receiver takes POST /api/alerts (contract §5): what is signed by a known device becomes a signal message in the
// journal, so that a replay has it.
type receiver struct {
	store   string
	peers   []alerts.WebhookPeer
	journal *journal.Journal
	now     func() time.Time
}

// edgeAlert is what an edge script posts, and the part of another store's alert that a signal keeps.
type edgeAlert struct {
	Type      string          `json:"type"`
	Timestamp json.RawMessage `json:"timestamp"`
	EventTime json.RawMessage `json:"event_time"`
	ID        string          `json:"id"`
}

func (r *receiver) receive(header http.Header, body []byte) (int, any) {
	refuse := func(status int, text string) (int, any) { return status, map[string]string{"error": text} }
	device, id, err := alerts.Identify(r.peers, header, body, r.now())
	if err != nil {
		return refuse(http.StatusUnauthorized, err.Error())
	}
	var a edgeAlert
	if err := json.Unmarshal(body, &a); err != nil {
		return refuse(http.StatusBadRequest, "the body is not a JSON object: "+err.Error())
	}
	if a.Type == "" {
		return refuse(http.StatusBadRequest, `the member "type" is missing: it names the signal`)
	}
	ts := a.Timestamp
	if ts == nil {
		ts = a.EventTime
	}
	if ts == nil {
		ts = json.RawMessage(`"arrival"`)
	}
	payload, err := json.Marshal(struct {
		TS     json.RawMessage `json:"ts"`
		Name   string          `json:"name"`
		State  bool            `json:"state"`
		Object string          `json:"object,omitempty"`
		Post   json.RawMessage `json:"post"` // what was sent, for who reads the journal
		Call   string          `json:"webhook_id,omitempty"`
	}{ts, a.Type, true, a.ID, body, id})
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	done := make(chan error, 1)
	r.journal.Append(journal.Line{Topic: "magpie/v1/" + r.store + "/signal/" + device, Payload: payload},
		func(_ int64, err error) { done <- err })
	if err := <-done; err != nil {
		return refuse(http.StatusServiceUnavailable, "it could not be kept; send it again: "+err.Error())
	}
	return http.StatusAccepted, map[string]string{"status": "queued"}
}

// outboxOf shows an outbox to the API.
func outboxOf(o *alerts.Outbox) func() (dashboard.Outbox, error) {
	return func() (dashboard.Outbox, error) {
		dead, err := o.Dead()
		return dashboard.Outbox{Outputs: o.Outputs(), Dead: dead}, err
	}
}

// goodsNames gives the name of goods by the SKU that alerts show.
func goodsNames(s *fusion.Store) func(sku string) string {
	names := map[string]string{}
	for i := range s.Products {
		names[s.Products[i].Written] = s.Products[i].Name
	}
	return func(sku string) string { return names[sku] }
}
