package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"magpie/alerts"
	"magpie/dashboard"
	"magpie/fusion"
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
