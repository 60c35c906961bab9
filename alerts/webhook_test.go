package alerts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
)

const vectorKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func vectorKeys(t testing.TB) alerts.WebhookKeys {
	t.Helper()
	k, err := alerts.ParseWebhookKeys(vectorKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The vector that the Standard Webhooks libraries publish.
func TestStandardWebhooksVector(t *testing.T) {
	keys := vectorKeys(t)
	const body, want = `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := keys.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(body)); got != want {
		t.Fatalf("Sign = %s, want %s", got, want)
	}
	now := time.Unix(1614265330, 0)
	h := func(id, stamp, sig string) http.Header {
		h := http.Header{}
		for k, v := range map[string]string{"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": sig} {
			if v != "" {
				h.Set(k, v)
			}
		}
		return h
	}
	const id, stamp = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
	for name, c := range map[string]struct {
		h    http.Header
		body string
		at   time.Time
		want error
	}{
		"good":              {h(id, stamp, want), body, now, nil},
		"another first":     {h(id, stamp, "v1,AAAA v2,xyz "+want), body, now, nil},
		"4m59s late":        {h(id, stamp, want), body, now.Add(299 * time.Second), nil},
		"too old":           {h(id, stamp, want), body, now.Add(301 * time.Second), alerts.ErrWebhookTime},
		"from the future":   {h(id, stamp, want), body, now.Add(-301 * time.Second), alerts.ErrWebhookTime},
		"other body":        {h(id, stamp, want), body + " ", now, alerts.ErrWebhookSignature},
		"other id":          {h("msg_2", stamp, want), body, now, alerts.ErrWebhookSignature},
		"no version prefix": {h(id, stamp, want[3:]), body, now, alerts.ErrWebhookSignature},
		"no headers":        {h("", "", ""), body, now, alerts.ErrWebhookHeaders},
	} {
		if got, err := keys.Verify(c.h, []byte(c.body), c.at); !errors.Is(err, c.want) || err == nil && got != id {
			t.Errorf("%s: %q, %v; want %v", name, got, err, c.want)
		}
	}
	peers := []alerts.WebhookPeer{{Name: "s041", Keys: alerts.WebhookKeys{make([]byte, 24)}}, {Name: "s043", Keys: keys}}
	if who, _, err := alerts.Identify(peers, h(id, stamp, want), []byte(body), now); who != "s043" || err != nil {
		t.Errorf("Identify = %q, %v", who, err)
	}
	if _, _, err := alerts.Identify(peers[:1], h(id, stamp, want), []byte(body), now); !errors.Is(err, alerts.ErrWebhookSignature) {
		t.Errorf("Identify of a stranger: %v", err)
	}
}

func TestWebhookKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	for text, want := range map[string]string{
		vectorKey + "\n": "",
		"# new\n" + vectorKey + "\r\n\n# old\nwhsec_" + strings.Repeat("AAAA", 8) + "\n": "",
		"": "0 keys found",
		vectorKey + "\n" + vectorKey + "\n" + vectorKey: "3 keys found",
		"secret":             "line 1: a webhook key starts with whsec_",
		"\nwhsec_AAA":        "line 2: after whsec_ comes standard base64 with padding",
		"whsec_QUJDREVGRw==": "24 to 64 bytes, this one has 7",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := alerts.ReadWebhookKeys(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseWebhookKeys(f *testing.F) {
	f.Add(vectorKey)
	f.Add("# a\nwhsec_\n\x00")
	f.Fuzz(func(t *testing.T, s string) {
		keys, err := alerts.ParseWebhookKeys(s)
		if err != nil {
			return
		}
		h := http.Header{}
		keys.SetHeaders(h, "a.1", time.Unix(5, 0), []byte(s))
		if _, err := keys.Verify(h, []byte(s), time.Unix(5, 0)); err != nil {
			t.Fatal(err)
		}
	})
}

// Every answer of a receiver leads to what Standard Webhooks asks of a sender.
func TestWebhookAnswers(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var status int
	var after string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		if status == 302 {
			w.Header().Set("Location", "/elsewhere")
		}
		if r.URL.Path == "/elsewhere" {
			t.Error("a redirect was followed")
		}
		w.WriteHeader(status)
	}))
	w := alerts.NewWebhook("floor", srv.URL, vectorKeys(t), nil, func() time.Time { return now })
	d := alerts.Delivery{ID: "alr_1", Rev: 2, Body: []byte(`{"id":"alr_1"}`)}
	for _, c := range []struct {
		status int
		after  string
		want   string
	}{
		{200, "", "ok"}, {204, "", "ok"}, {302, "", "retry"}, {400, "", "retry"}, {401, "", "retry"}, {500, "", "retry"},
		{410, "", "gone"}, {429, "", "throttle 0s"}, {429, "17", "throttle 17s"}, {502, "", "throttle 0s"}, {504, "", "throttle 0s"},
		{503, "Sun, 22 Nov 2026 10:01:30 GMT", "throttle 1m30s"}, {503, "soon", "retry"}, {429, "99999999999", "throttle 24h0m0s"},
	} {
		status, after = c.status, c.after
		err := w.Send(t.Context(), d)
		got := "retry"
		var th alerts.Throttle
		switch {
		case err == nil:
			got = "ok"
		case errors.As(err, new(alerts.Gone)):
			got = "gone"
		case errors.As(err, &th):
			got = "throttle " + th.After.String()
		}
		if got != c.want {
			t.Errorf("%d Retry-After %q: %s (%v), want %s", c.status, c.after, got, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), srv.URL) {
			t.Errorf("the error does not name the receiver: %v", err)
		}
	}
	srv.Close()
	w = alerts.NewWebhook("floor", srv.URL, vectorKeys(t), nil, time.Now) // no connection left over
	var th alerts.Throttle
	if err := w.Send(t.Context(), d); !errors.As(err, &th) || th.After != 0 || !th.Unsent || !strings.Contains(err.Error(), srv.URL) {
		t.Errorf("a receiver that is away: %v", err)
	}
}

// A long alert is cut below 20 kB by its evidence, signed as sent, and cut to the same bytes again.
func TestWebhookShortens(t *testing.T) {
	var bodies []string
	var cut string
	keys := append(vectorKeys(t), make([]byte, 24)) // in the middle of a rotation
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		for _, k := range keys {
			if id, err := (alerts.WebhookKeys{k}).Verify(r.Header, b, time.Now()); err != nil || id != "alr_1.3" {
				t.Errorf("%s: %v", id, err)
			}
		}
		bodies, cut = append(bodies, string(b)), r.Header.Get("magpie-shortened")
	}))
	defer srv.Close()
	w := alerts.NewWebhook("lp", srv.URL, keys, nil, time.Now)
	send := func(a *alerts.Alert) error {
		return w.Send(t.Context(), alerts.Delivery{ID: "alr_1", Rev: 3, Body: a.AppendJSON(nil, false)})
	}
	a := &alerts.Alert{ID: "alr_1", Rev: 3, Store: "s042", Message: "door: 1 × Taco <sauce> not paid?", Score: 0.5}
	for i := range 34 {
		e := alerts.Evidence{Name: fmt.Sprint("evidence ", i), LogOdds: 1}
		for j := range 8 {
			e.Events = append(e.Events, fmt.Sprintf("a-rather-long-source-name-that-somebody-chose-%d@1795341600123-%d", i, j))
		}
		a.Evidence = append(a.Evidence, e)
	}
	decode := func(s string) (out struct {
		ID, Message string
		Evidence    []struct {
			Name   string
			Events []string
		}
	}) {
		if err := json.Unmarshal([]byte(s), &out); err != nil {
			t.Fatalf("%v in %s", err, s)
		}
		return out
	}
	for range 2 {
		if err := send(a); err != nil {
			t.Fatal(err)
		}
	}
	got := decode(bodies[0])
	if bodies[0] != bodies[1] || len(bodies[0]) >= 20_000 || len(bodies[0]) < 19_000 || cut != "events" {
		t.Errorf("events: %d bytes, cut %q, same %v", len(bodies[0]), cut, bodies[0] == bodies[1])
	}
	if len(got.Evidence) != 34 || len(got.Evidence[0].Events) != 8 || len(got.Evidence[33].Events) != 0 || got.Message != a.Message {
		t.Errorf("events were not cut from the last evidence back: %.300s", bodies[0])
	}
	for i := range a.Evidence {
		a.Evidence[i].Name += strings.Repeat("!", 1000)
	}
	if err := send(a); err != nil {
		t.Fatal(err)
	}
	if got := decode(bodies[2]); len(bodies[2]) >= 20_000 || len(got.Evidence) < 10 || cut != "evidence" || got.ID != "alr_1" {
		t.Errorf("evidence: %d bytes, %d pieces, cut %q", len(bodies[2]), len(got.Evidence), cut)
	}
	a.Why = strings.Repeat("w", 20_000)
	if err := send(a); !errors.As(err, new(alerts.Permanent)) {
		t.Errorf("too long without evidence: %v", err)
	}
	a.Why, a.Evidence = "", nil
	if err := send(a); err != nil || bodies[3] != string(a.AppendJSON(nil, false)) || cut != "" {
		t.Errorf("a short alert must be sent as it is: %v", err)
	}
}

// A receiver that fails, throttles and is away, with the outbox in front: all arrives, in order.
func TestWebhookThroughOutbox(t *testing.T) {
	n := 0
	got := make(chan string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n++; n % 5 {
		case 1:
			w.WriteHeader(500)
		case 2:
			w.WriteHeader(502)
		case 3:
			panic(http.ErrAbortHandler) // the connection breaks
		default:
			got <- r.Header.Get("webhook-id")
		}
	}))
	defer srv.Close()
	w := alerts.NewWebhook("lp", srv.URL, vectorKeys(t), nil, time.Now)
	o, stop := running(t, filepath.Join(t.TempDir(), "o.db"), alerts.OutboxOptions{FirstWait: time.Millisecond, LongestWait: 4 * time.Millisecond}, w)
	defer stop()
	for rev := range 9 {
		put(t, o, entry("a", rev+1, alerts.Updated, "lp"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for rev := range 9 {
		select {
		case id := <-got:
			if want := fmt.Sprintf("a.%d", rev+1); id != want {
				t.Fatalf("got %s, want %s", id, want)
			}
		case <-ctx.Done():
			t.Fatalf("rev %d never came: %+v", rev+1, o.Outputs())
		}
	}
}
