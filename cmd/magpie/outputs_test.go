package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
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
