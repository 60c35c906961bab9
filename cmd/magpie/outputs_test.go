package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/dashboard"
	"magpie/fusion"
	"magpie/site"
)

// A receiver that has moved has not taken the alert: a redirect would become a GET without the alert, and its 200 no
// receipt.
func TestOutputsFollowNoRedirect(t *testing.T) {
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect} {
		followed := false
		mux := http.NewServeMux()
		mux.Handle("/moved", http.RedirectHandler("/new", status))
		mux.HandleFunc("/new", func(http.ResponseWriter, *http.Request) { followed = true })
		srv := httptest.NewServer(mux)
		s := &site.Site{Store: &fusion.Store{ID: "s042"}, Outputs: []site.Output{
			{Name: "floor", Webhook: srv.URL + "/moved"}, {Name: "pos", POS: srv.URL + "/moved"}}}
		sinks, err := openSinks(s, io.Discard, nil, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for _, sink := range sinks[2:] { // behind stdout and mqtt, which are always there
			err := sink.Send(t.Context(), alerts.Delivery{ID: "a", Rev: 1, State: alerts.Provisional, Body: []byte(`{"id":"a"}`)})
			if err == nil || !strings.Contains(err.Error(), "only 2xx counts as received") || followed {
				t.Errorf("%s, answered %d: %v, followed: %v", sink.Name(), status, err, followed)
			}
		}
		srv.Close()
	}
}

// refusing is an output that gives the first delivery up and takes the next.
type refusing struct{ tries chan string }

func (*refusing) Name() string { return "lp-desk" }

func (r *refusing) Send(_ context.Context, d alerts.Delivery) error {
	r.tries <- d.Key() + " " + string(d.Body)
	if len(r.tries) == 1 {
		return alerts.Permanent{Err: errors.New("550 no such user")}
	}
	return nil
}

// What was given up is seen over HTTP, and goes out again from there.
func TestDeadDeliveriesOverHTTP(t *testing.T) {
	sink := &refusing{make(chan string, 3)}
	settled := make(chan [2]int, 8) // waiting, dead
	o, err := alerts.OpenOutbox(filepath.Join(t.TempDir(), "outbox.db"), []alerts.Sink{sink}, alerts.OutboxOptions{Hooks: alerts.OutboxHooks{
		Queue: func(_ string, waiting, dead int) { settled <- [2]int{waiting, dead} }}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- o.Run(ctx) }()
	defer func() { stop(); <-stopped }()
	srv := httptest.NewServer(dashboard.New(dashboard.Options{Outbox: outboxOf(o), Resend: o.Resend}))
	defer srv.Close()
	await := func(waiting, dead int) {
		t.Helper()
		for got := [2]int{-1, -1}; got != [2]int{waiting, dead}; {
			select {
			case got = <-settled:
			case <-time.After(10 * time.Second):
				t.Fatalf("the outbox never had %d waiting and %d dead; last %v", waiting, dead, got)
			}
		}
	}
	call := func(method, path string, status int, want string) {
		t.Helper()
		req, _ := http.NewRequest(method, srv.URL+path, nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != status || !strings.Contains(string(b), want) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, resp.StatusCode, b, status, want)
		}
	}
	await(0, 0)
	body := []byte(`{"id":"alr_a"}`)
	if err := o.Put(alerts.OutboxEntry{ID: "alr_a", Rev: 1, State: alerts.Provisional, Tier: "review", Body: body, To: []alerts.Target{{Output: "lp-desk"}}}); err != nil {
		t.Fatal(err)
	}
	await(0, 1)
	call("GET", "/api/outbox", 200, `{"outputs":[{"name":"lp-desk","waiting":0,"dead":1}],"dead":[{"id":"alr_a","rev":1,"state":"provisional","tier":"review","output":"lp-desk","tries":1,`)
	call("POST", "/api/outbox/alr_a/2/resend", 409, "no such revision")
	call("POST", "/api/outbox/alr_a/1/resend", 202, `"outputs":1`)
	await(0, 0)
	call("GET", "/api/outbox", 200, `{"outputs":[{"name":"lp-desk","waiting":0,"dead":0}],"dead":[]}`)
	call("POST", "/api/outbox/alr_a/1/resend", 409, "nothing of it can be sent again")
	if first, second := <-sink.tries, <-sink.tries; first != second {
		t.Errorf("sent %q, then %q", first, second)
	}
}
