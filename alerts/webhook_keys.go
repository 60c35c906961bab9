package alerts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// WebhookKeys are the secrets of one webhook, newest first: what is sent carries a signature by each, and what is
// received needs one that fits any, so that both ends can change keys one after the other.
type WebhookKeys [][]byte

// Header names of Standard Webhooks (https://www.standardwebhooks.com).
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// WebhookTolerance is how far a signed timestamp may be from the receiver's clock.
const WebhookTolerance = 5 * time.Minute

// Errors of Verify, to tell what to answer and to log.
var (
	ErrWebhookHeaders   = errors.New("webhook-id, webhook-timestamp and webhook-signature must be set")
	ErrWebhookTime      = errors.New("webhook-timestamp is more than 5 minutes from our clock: check both clocks")
	ErrWebhookSignature = errors.New("no webhook-signature fits a key: check that both ends hold the same secret and that the body is not re-encoded on the way")
)

// ParseWebhookKeys reads one key a line, "whsec_" and base64 of 24 to 64 bytes; empty lines and # comments are skipped.
// Two keys serve rotation, more are an error. Errors name the line, never the key.
func ParseWebhookKeys(text string) (WebhookKeys, error) {
	var keys WebhookKeys
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		b64, ok := strings.CutPrefix(line, "whsec_")
		if !ok {
			return nil, fmt.Errorf("line %d: a webhook key starts with whsec_", i+1)
		}
		key, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			return nil, fmt.Errorf("line %d: after whsec_ comes standard base64 with padding", i+1)
		}
		if len(key) < 24 || len(key) > 64 {
			return nil, fmt.Errorf("line %d: a webhook key has 24 to 64 bytes, this one has %d", i+1, len(key))
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > 2 {
		return nil, fmt.Errorf("%d keys found: one is wanted, or two during rotation, one a line", len(keys))
	}
	return keys, nil
}

// ReadWebhookKeys reads a secret_file.
func ReadWebhookKeys(path string) (WebhookKeys, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	keys, err := ParseWebhookKeys(string(b))
	if err != nil {
		return nil, fmt.Errorf("webhook secret %s: %w", path, err)
	}
	return keys, nil
}

// Sign gives the webhook-signature header: "v1," and base64 of HMAC-SHA256 over "id.timestamp.body", one for each key,
// separated by a space. seconds is the webhook-timestamp.
func (k WebhookKeys) Sign(id string, seconds int64, body []byte) string {
	var all []string
	for _, key := range k {
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(webhookMAC(key, id, seconds, body)))
	}
	return strings.Join(all, " ")
}

// SetHeaders signs body as sent at now and sets the three headers.
func (k WebhookKeys) SetHeaders(h http.Header, id string, now time.Time, body []byte) {
	h.Set(headerID, id)
	h.Set(headerTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(headerSignature, k.Sign(id, now.Unix(), body))
}

// Verify checks a received body against its headers and gives the webhook-id, by which a receiver drops repeats.
func (k WebhookKeys) Verify(h http.Header, body []byte, now time.Time) (id string, err error) {
	id, stamp, signatures := h.Get(headerID), h.Get(headerTimestamp), h.Get(headerSignature)
	if id == "" || stamp == "" || signatures == "" {
		return "", ErrWebhookHeaders
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "", fmt.Errorf("webhook-timestamp %.40q: want seconds since 1970", stamp)
	}
	if off := now.Unix() - seconds; off > int64(WebhookTolerance/time.Second) || off < -int64(WebhookTolerance/time.Second) {
		return "", ErrWebhookTime
	}
	for _, key := range k {
		want := webhookMAC(key, id, seconds, body)
		for s := range strings.FieldsSeq(signatures) {
			b64, ok := strings.CutPrefix(s, "v1,")
			got, err := base64.StdEncoding.DecodeString(b64)
			if ok && err == nil && hmac.Equal(got, want) {
				return id, nil
			}
		}
	}
	return "", ErrWebhookSignature
}

func webhookMAC(key []byte, id string, seconds int64, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%s.%d.", id, seconds)
	m.Write(body)
	return m.Sum(nil)
}

// WebhookPeer is one sender known to POST /api/alerts: another store's Magpie or a device with a key_file.
type WebhookPeer struct {
	Name string
	Keys WebhookKeys
}

// Identify finds the peer whose key signed body and gives its name and the webhook-id. With none the error is Verify's.
func Identify(peers []WebhookPeer, h http.Header, body []byte, now time.Time) (name, id string, err error) {
	err = ErrWebhookSignature
	for _, p := range peers {
		if id, err = p.Keys.Verify(h, body, now); err == nil {
			return p.Name, id, nil
		}
	}
	return "", "", err
}
