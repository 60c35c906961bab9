package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxWebhookBody is what Standard Webhooks asks bodies to stay under.
const maxWebhookBody = 20_000

// headerShortened names what was cut to keep a body under the limit.
const headerShortened = "magpie-shortened"

// Webhook is the sink of a `webhook:` output: a signed POST of the alert as Standard Webhooks has it.
type Webhook struct {
	name, url string
	keys      WebhookKeys
	client    *http.Client
	now       func() time.Time
}

// NewWebhook makes the sink. client nil is a client that follows no redirect: a redirect is an answer other than 2xx.
func NewWebhook(name, url string, keys WebhookKeys, client *http.Client, now func() time.Time) *Webhook {
	return &Webhook{name: name, url: url, keys: keys, client: orPlainClient(client), now: now}
}

// Name is the output's name.
func (w *Webhook) Name() string { return w.name }

// Send posts the alert. A body of 20 kB or more is shortened: first the events of its evidence, then its evidence, both
// from the last one back, and the header magpie-shortened says which; what is still too long is Permanent.
func (w *Webhook) Send(ctx context.Context, d Delivery) error {
	body, cut, err := shortenAlert(d.Body, maxWebhookBody)
	if err != nil {
		return Permanent{fmt.Errorf("alert %s: %w", d.Key(), err)}
	}
	h := http.Header{}
	if cut != "" {
		h.Set(headerShortened, cut)
	}
	w.keys.SetHeaders(h, d.Key(), w.now(), body)
	return post(ctx, w.client, w.url, h, body, w.now)
}

// orPlainClient gives a client of our own: no redirects, and connections that do not outlive a broken receiver.
func orPlainClient(c *http.Client) *http.Client {
	if c != nil {
		return c
	}
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post sends JSON and turns every outcome into Send's error.
func post(ctx context.Context, client *http.Client, url string, h http.Header, body []byte, now func() time.Time) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return Permanent{fmt.Errorf("%s is no URL to post to: %w", url, err)}
	}
	req.Header = h
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "magpie")
	resp, err := client.Do(req)
	if err != nil {
		return Throttle{Unsent: unsent(err), Err: fmt.Errorf("not reached: %w", err)} // the error names method and URL
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again; the answer has nothing for us
	return replyError(resp, url, now())
}

// member is one member of a JSON object, its value as it came.
type member struct {
	key   string
	value json.RawMessage
}

// members reads an object in its own order.
func members(object []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("not a JSON object (%v)", err)
	}
	var all []member
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{key: t.(string)} // a token in key's place is a string
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	_, err := dec.Token()
	return all, err
}

// object writes members in order.
func object(all []member) []byte {
	b := []byte{'{'}
	for i, m := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, m.key)
		b = append(b, ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}

func find(all []member, key string) *member {
	for i := range all {
		if all[i].key == key {
			return &all[i]
		}
	}
	return nil
}

// shortenAlert cuts an alert's line below limit bytes, and says what was cut: "" nothing, "events" or "evidence". The
// other bytes stay as they are, so that the same line is always cut to the same bytes.
func shortenAlert(line []byte, limit int) (short []byte, cut string, err error) {
	if len(line) < limit {
		return line, "", nil
	}
	all, err := members(line)
	if err != nil {
		return nil, "", err
	}
	ev := find(all, "evidence")
	if ev == nil {
		return nil, "", fmt.Errorf("its line has %d bytes, the limit is %d, and it has no evidence to shorten", len(line), limit)
	}
	var pieces []json.RawMessage
	if err := json.Unmarshal(ev.value, &pieces); err != nil {
		return nil, "", fmt.Errorf("evidence: %w", err)
	}
	over := len(line) - limit + 1
	for i := len(pieces) - 1; i >= 0 && over > 0; i-- {
		piece, err := members(pieces[i])
		if err != nil {
			return nil, "", fmt.Errorf("evidence %d: %w", i, err)
		}
		if m := find(piece, "events"); m != nil && len(m.value) > 2 {
			over -= len(m.value) - 2
			m.value, cut = json.RawMessage("[]"), "events"
			pieces[i] = object(piece)
		}
	}
	for ; over > 0 && len(pieces) > 0; cut = "evidence" {
		last := pieces[len(pieces)-1]
		over -= len(last) + 1
		pieces = pieces[:len(pieces)-1]
	}
	ev.value = json.RawMessage{'['}
	for i, p := range pieces {
		if i > 0 {
			ev.value = append(ev.value, ',')
		}
		ev.value = append(ev.value, p...)
	}
	ev.value = append(ev.value, ']')
	if short = object(all); len(short) >= limit {
		return nil, "", fmt.Errorf("its line has %d bytes, the limit is %d, and without any evidence it is still too long", len(line), limit)
	}
	return short, cut, nil
}
