package alerts

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// POS is the sink of a `pos:` output: it flags a till transaction so that somebody offers help, and clears the flag
// when the alert is retracted. It never blocks a sale.
type POS struct {
	name, url string
	keys      WebhookKeys
	client    *http.Client
	now       func() time.Time
}

// NewPOS makes the sink. With keys the requests carry Standard Webhooks headers; nil keys leave them out. client as in
// NewWebhook.
func NewPOS(name, url string, keys WebhookKeys, client *http.Client, now func() time.Time) *POS {
	return &POS{name: name, url: url, keys: keys, client: orPlainClient(client), now: now}
}

// Name is the output's name.
func (p *POS) Name() string { return p.name }

// Send posts {"transactionId", "reason", "details"}: reason is potential_theft, or cleared for a retraction; details is
// the alert's own line.
func (p *POS) Send(ctx context.Context, d Delivery) error {
	var alert struct {
		Transaction json.RawMessage `json:"transaction"`
	}
	if err := json.Unmarshal(d.Body, &alert); err != nil {
		return Permanent{fmt.Errorf("alert %s: %w", d.Key(), err)}
	}
	if alert.Transaction == nil {
		alert.Transaction = json.RawMessage("null")
	}
	reason := "potential_theft"
	if d.State == Retracted {
		reason = "cleared"
	}
	body := object([]member{{"transactionId", alert.Transaction}, {"reason", json.RawMessage(`"` + reason + `"`)}, {"details", d.Body}})
	h := http.Header{}
	if p.keys != nil {
		p.keys.SetHeaders(h, d.Key(), p.now(), body)
	} else {
		h.Set(headerID, d.Key())
	}
	return post(ctx, p.client, p.url, h, body, p.now)
}
