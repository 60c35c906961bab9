package dashboard

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
)

func TestOutbox(t *testing.T) {
	broken := false
	var asked []string
	o := Options{
		Outbox: func() (Outbox, error) {
			if broken {
				return Outbox{}, errors.New("input/output error at /var/lib")
			}
			return Outbox{
				Outputs: []alerts.OutputStatus{{Name: "floor", Waiting: 2}, {Name: "lp-desk", Dead: 1, Disabled: "410"}},
				Dead: []alerts.DeadDelivery{{ID: "alr_a", Rev: 2, State: alerts.Confirmed, Tier: "review", Output: "lp-desk", Tries: 3,
					At: time.Unix(1795341600, 0).UTC(), Error: "550 no such user"}}}, nil
		},
		Resend: func(id string, rev int) (int, error) {
			asked = append(asked, fmt.Sprint(id, ".", rev))
			if id != "alr_a" {
				return 0, errors.New("resend alert " + id + ": the outbox has no such revision")
			}
			return 1, nil
		}}
	f := func(base, method, path string, status int, want string, header ...string) {
		t.Helper()
		if code, b := do(t, method, base+path, "", header...); code != status || !strings.Contains(b, want) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, code, b, status, want)
		}
	}
	base := serve(t, o)
	f(base, "GET", "/api/outbox", 200, `{"outputs":[{"name":"floor","waiting":2,"dead":0},{"name":"lp-desk","waiting":0,"dead":1,"disabled":"410"}],`+
		`"dead":[{"id":"alr_a","rev":2,"state":"confirmed","tier":"review","output":"lp-desk","tries":3,"at":"2026-11-22T10:00:00Z","error":"550 no such user"}]}`)
	f(base, "POST", "/api/outbox/alr_a/2/resend", 202, `{"outputs":1,"status":"queued"}`)
	f(base, "POST", "/api/outbox/alr_b/2/resend", 409, "no such revision")
	for _, rev := range []string{"0", "-1", "two", "99999999999999999999"} {
		f(base, "POST", "/api/outbox/alr_a/"+rev+"/resend", 400, "whole number from 1")
	}
	if got := strings.Join(asked, " "); got != "alr_a.2 alr_b.2" {
		t.Errorf("asked to send %s", got)
	}
	f(base, "POST", "/api/outbox/alr_a/2/resend", 403, "another origin", "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
	broken = true
	f(base, "GET", "/api/outbox", 500, `{"error":"the outbox cannot be read; see the log"}`)

	empty := serve(t, Options{})
	f(empty, "GET", "/api/outbox", 200, `{"outputs":[],"dead":[]}`)
	f(empty, "POST", "/api/outbox/alr_a/2/resend", 404, "no outbox")

	o.Token = "secret"
	locked := serve(t, o)
	f(locked, "GET", "/api/outbox", 401, "token")
	f(locked, "POST", "/api/outbox/alr_a/2/resend", 401, "token")
	f(locked, "POST", "/api/outbox/alr_a/2/resend", 202, "queued", "Authorization", "Bearer secret")
	if len(asked) != 3 {
		t.Errorf("asked without the token, or by another site: %s", asked)
	}
}
