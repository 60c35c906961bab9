package dashboard

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// do sends a request and returns status and body.
func do(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSuffix(string(b), "\n")
}

func serve(t *testing.T, o Options) string {
	t.Helper()
	s := httptest.NewServer(New(o))
	t.Cleanup(func() {
		if o.Hub != nil {
			o.Hub.Close()
		}
		s.Close()
	})
	return s.URL
}

func TestAlertsAreTheLinesAsTheyAre(t *testing.T) {
	var asked Query
	base := serve(t, Options{Alerts: func(q Query) []json.RawMessage {
		asked = q
		return []json.RawMessage{json.RawMessage(`{"id":"alr_b","score":0.5}`), json.RawMessage(`{"id":"alr_a","score":0.25}`)}
	}})
	f := func(path string, status int, want string) {
		t.Helper()
		if got, body := do(t, "GET", base+path, ""); got != status || body != want {
			t.Errorf("GET %s: %d %s, want %d %s", path, got, body, status, want)
		}
	}
	f("/api/alerts", 200, `[{"id":"alr_b","score":0.5},{"id":"alr_a","score":0.25}]`)
	f("/api/alerts?limit=1&since=2026-11-22T10:00:00Z", 200, `[{"id":"alr_b","score":0.5}]`)
	if asked.Limit != 1 || !asked.Since.Equal(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("asked for %+v", asked)
	}
	f("/api/alerts?limit=many", 400, `{"error":"limit wants a whole number from 1 to 1000, not \"many\""}`)
	f("/api/alerts?since=now", 400, `{"error":"since wants a time such as 2026-11-22T10:00:00Z, not \"now\""}`)
}

func TestNothingConfiguredIsEmptyAndNotAnError(t *testing.T) {
	base := serve(t, Options{})
	f := func(method, path, body string, status int, want string) {
		t.Helper()
		if got, b := do(t, method, base+path, body); got != status || b != want {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, got, b, status, want)
		}
	}
	f("GET", "/api/alerts", "", 200, `[]`)
	f("GET", "/api/sources", "", 200, `[]`)
	f("GET", "/api/visits", "", 200, `[]`)
	f("GET", "/api/shrink", "", 200, `[]`)
	f("GET", "/api/marks", "", 200, `{}`)
	f("GET", "/api/goods?sku=1", "", 200, `{}`)
	f("GET", "/api/policies", "", 200, `{"hash":"","loaded":null,"policies":[]}`)
	f("GET", "/healthz", "", 200, `{"status":"ok"}`)
	f("GET", "/api/alerts/alr_x", "", 404, `{"error":"no such alert: \"alr_x\""}`)
	f("GET", "/api/thing", "", 404, `{"error":"no such path: /api/thing; see /dashboard"}`)
	f("POST", "/api/alerts", "{}", 404, `{"error":"no device of the site file has a key_file, so nothing is taken here"}`)
}

func TestAcksAndVerdicts(t *testing.T) {
	var got []Verdict
	hub := NewHub(8)
	base := serve(t, Options{Hub: hub,
		Ack: func(id, who string) error {
			if id != "alr_a" {
				return ErrUnknownAlert
			}
			return nil
		},
		Verdict: func(id string, v Verdict) error {
			if id == "alr_full" {
				return errors.New("disk full at /var/lib")
			}
			got = append(got, v)
			return nil
		}})
	f := func(path, body string, status int, want string) {
		t.Helper()
		if code, b := do(t, "POST", base+path, body); code != status || b != want {
			t.Errorf("POST %s %s: %d %s, want %d %s", path, body, code, b, status, want)
		}
	}
	f("/api/alerts/alr_a/ack", `{"who":"Kim"}`, 200, `{"status":"acknowledged"}`)
	f("/api/alerts/alr_z/ack", `{"who":"Kim"}`, 404, `{"error":"no such alert"}`)
	f("/api/alerts/alr_a/ack", `{"who":" "}`, 400, `{"error":"who is missing: say who sees to it (at most 200 bytes)"}`)
	f("/api/alerts/alr_a/ack", `{"who":7}`, 400, `{"error":"who wants a string, not a number"}`)
	f("/api/alerts/alr_a/ack", `hello`, 400, `{"error":"the body is not a JSON object"}`)
	for word, kept := range map[string]string{"loss": "loss", "theft": "loss", "recovered": "recovered", "honest_error": "honest_error",
		"no_loss": "no_loss", "false_alarm": "no_loss", "fault": "fault", "unclear": "unclear"} {
		f("/api/alerts/alr_a/verdict", `{"verdict":"`+word+`","recovered":1.99,"minutes":4,"why":"tag in bag"}`, 200, `{"status":"recorded","verdict":"`+kept+`"}`)
		if v := got[len(got)-1]; v != (Verdict{Verdict: kept, Recovered: 1.99, Minutes: 4, Why: "tag in bag"}) {
			t.Errorf("%s is kept as %+v", word, v)
		}
	}
	f("/api/alerts/alr_a/verdict", `{"verdict":"guilty"}`, 400, `{"error":"verdict \"guilty\" is not one of loss, recovered, honest_error, no_loss, fault, unclear"}`)
	f("/api/alerts/alr_a/verdict", `{"verdict":"loss","minutes":-1}`, 400, `{"error":"recovered (a value) and minutes must be 0 or more"}`)
	f("/api/alerts/alr_full/verdict", `{"verdict":"loss"}`, 500, `{"error":"could not be recorded; try again, and see the log"}`)
	f("/api/alerts/alr_a/verdict", strings.Repeat(" ", maxBody+1), 413, `{"error":"the body is larger than 256 KiB"}`)
}

func TestReceivingASignedAlert(t *testing.T) {
	base := serve(t, Options{Token: "secret", Receive: func(h http.Header, body []byte) (int, any) {
		if h.Get("webhook-signature") != "v1,good" {
			return 401, map[string]string{"error": "no webhook-signature fits a key"}
		}
		return 202, map[string]any{"status": "queued"}
	}})
	if code, b := do(t, "POST", base+"/api/alerts", `{"type":"loitering"}`, "webhook-signature", "v1,good"); code != 202 || b != `{"status":"queued"}` {
		t.Errorf("signed: %d %s", code, b)
	}
	if code, b := do(t, "POST", base+"/api/alerts", `{"type":"loitering"}`); code != 401 || !strings.Contains(b, "signature") {
		t.Errorf("not signed: %d %s", code, b)
	}
}

func TestOnlyThisMachineWithoutAToken(t *testing.T) {
	h := New(Options{})
	f := func(host string, want int) {
		t.Helper()
		r := httptest.NewRequest("GET", "/api/alerts", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host %s: %d, want %d", host, w.Code, want)
		}
	}
	f("localhost:8080", 200)
	f("127.0.0.1", 200)
	f("[::1]:8080", 200)
	f("rebound.example.com:8080", 421)
	f("192.168.1.4:8080", 421)
	f("localhost.example.com", 421)
	check := func(address, token string, ok bool) {
		t.Helper()
		if err := CheckListen(address, token); (err == nil) != ok {
			t.Errorf("CheckListen(%q, %q): %v", address, token, err)
		}
	}
	check("127.0.0.1:8080", "", true)
	check("localhost:8080", "", true)
	check(":8080", "", false)
	check("0.0.0.0:8080", "", false)
	check("0.0.0.0:8080", "secret", true)
	check("8080", "secret", false)
}

func TestTokenAndLogin(t *testing.T) {
	base := serve(t, Options{Token: "secret", Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "up 1") })})
	f := func(path string, want int, header ...string) {
		t.Helper()
		if got, _ := do(t, "GET", base+path, "", header...); got != want {
			t.Errorf("GET %s %q: %d, want %d", path, header, got, want)
		}
	}
	f("/api/alerts", 401)
	f("/metrics", 401)
	f("/dashboard", 401)
	f("/dashboard/app.js", 401)
	f("/dashboard/style.css", 200) // the login needs it
	f("/healthz", 200)
	f("/api/alerts", 401, "Authorization", "Bearer wrong")
	f("/api/alerts", 200, "Authorization", "Bearer secret")
	f("/metrics", 200, "Authorization", "Bearer secret")
	if code, b := do(t, "GET", base+"/dashboard", ""); code != 401 || !strings.Contains(b, `action="/login"`) {
		t.Errorf("the page without a token: %d %s", code, b)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	login := func(token string) *http.Response {
		resp, err := client.PostForm(base+"/login", url.Values{"token": {token}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	if resp := login("wrong"); resp.StatusCode != 401 || len(resp.Cookies()) != 0 {
		t.Errorf("login with a wrong token: %d, cookies %v", resp.StatusCode, resp.Cookies())
	}
	resp := login("secret")
	if resp.StatusCode != 303 || len(resp.Cookies()) != 1 {
		t.Fatalf("login: %d, cookies %v", resp.StatusCode, resp.Cookies())
	}
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, "secret") {
		t.Errorf("cookie %+v", c)
	}
	f("/api/alerts", 200, "Cookie", c.Name+"="+c.Value)
	f("/api/alerts", 401, "Cookie", c.Name+"=secret")
}

func TestForeignPagesMayNotPost(t *testing.T) {
	base := serve(t, Options{Ack: func(string, string) error { return nil }})
	if code, _ := do(t, "POST", base+"/api/alerts/a/ack", `{"who":"x"}`, "Origin", "https://example.com"); code != 403 {
		t.Errorf("a post of another origin: %d, want 403", code)
	}
	if code, _ := do(t, "POST", base+"/api/alerts/a/ack", `{"who":"x"}`, "Sec-Fetch-Site", "cross-site"); code != 403 {
		t.Errorf("a post across sites: %d, want 403", code)
	}
	if code, _ := do(t, "POST", base+"/api/alerts/a/ack", `{"who":"x"}`, "Origin", base); code != 200 {
		t.Errorf("a post of the page itself: %d, want 200", code)
	}
}

func TestPageIsServedWithoutForeignThings(t *testing.T) {
	base := serve(t, Options{Health: func() error { return errors.New("journal: disk full") }})
	if code, _ := do(t, "GET", base+"/", ""); code != 302 {
		t.Errorf("GET /: %d, want a redirect", code)
	}
	resp, err := http.Get(base + "/dashboard")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'self';") {
		t.Errorf("policy %q", csp)
	}
	if code, b := do(t, "GET", base+"/healthz", ""); code != 503 || b != `{"error":"journal: disk full"}` {
		t.Errorf("unhealthy: %d %s", code, b)
	}
	entries, err := files.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text := string(mustPage(e.Name()))
		// The namespace of SVG is a name, not an address that anyone loads.
		text = strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "")
		for _, word := range []string{"://", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "style="} {
			if strings.Contains(text, word) {
				t.Errorf("page/%s holds %q", e.Name(), word)
			}
		}
		for _, word := range []string{"thief", "theft", "steal", "suspect", "shoplift", "detain"} {
			if strings.Contains(strings.ToLower(text), word) {
				t.Errorf("page/%s holds the word %q, which nobody may be shown", e.Name(), word)
			}
		}
	}
}

// events reads a stream of server-sent events: each is "event id data".
func events(t *testing.T, base, last string) (next func() string, stop func()) {
	t.Helper()
	r, err := http.NewRequest("GET", base+"/api/alerts/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/event-stream") {
		t.Fatalf("content type %q", ct)
	}
	lines := bufio.NewScanner(resp.Body)
	return func() string {
		var parts []string
		for lines.Scan() {
			text := lines.Text()
			if name, value, _ := strings.Cut(text, ": "); name == "event" || name == "id" || name == "data" {
				parts = append(parts, value)
			}
			if text == "" && len(parts) > 0 {
				return strings.Join(parts, " ")
			}
		}
		return "end"
	}, func() { resp.Body.Close() }
}

func publish(t *testing.T, h *Hub, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if err := h.Publish([]byte(l)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStreamSendsWhatIsPublished(t *testing.T) {
	hub := NewHub(4)
	base := serve(t, Options{Hub: hub, Ack: func(string, string) error { return nil }})
	next, stop := events(t, base, "")
	defer stop()
	publish(t, hub, `{"id":"alr_a","rev":1, "message":"a"}`)
	if got := next(); got != `alert alr_a.1 {"id":"alr_a","rev":1,"message":"a"}` {
		t.Errorf("got %s", got)
	}
	do(t, "POST", base+"/api/alerts/alr_a/ack", `{"who":"Kim"}`)
	if got := next(); got != `mark {"id":"alr_a","acked":"Kim"}` {
		t.Errorf("got %s", got)
	}
	hub.Close()
	if got := next(); got != "end" {
		t.Errorf("after Close: %s", got)
	}
	for _, bad := range []string{`{"id":"a"}`, `{"rev":1}`, `[]`, "{\"id\":\"a\\nb\",\"rev\":1}"} {
		if hub.Publish([]byte(bad)) == nil {
			t.Errorf("%q is published", bad)
		}
	}
}

func TestStreamResumes(t *testing.T) {
	hub := NewHub(3)
	base := serve(t, Options{Hub: hub})
	publish(t, hub, `{"id":"a","rev":1}`, `{"id":"a","rev":2}`, `{"id":"b","rev":1}`, `{"id":"a","rev":3}`)
	next, stop := events(t, base, "a.2")
	defer stop()
	for _, want := range []string{`alert b.1 {"id":"b","rev":1}`, `alert a.3 {"id":"a","rev":3}`} {
		if got := next(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	// a.1 has left the ring: the client must read everything anew, and then follows.
	again, stopAgain := events(t, base, "a.1")
	defer stopAgain()
	if got := again(); got != "reset {}" {
		t.Errorf("got %s, want a reset", got)
	}
	publish(t, hub, `{"id":"c","rev":1}`)
	if got := again(); got != `alert c.1 {"id":"c","rev":1}` {
		t.Errorf("got %s", got)
	}
}

func TestSlowClientIsDroppedAndNobodyWaits(t *testing.T) {
	hub := NewHub(4 * clientBuffer)
	slow, _, _ := hub.subscribe("")
	for i := range clientBuffer + 1 {
		publish(t, hub, `{"id":"a","rev":`+string(rune('1'+i%9))+`}`) // must not block
	}
	if n := hub.Clients(); n != 0 {
		t.Errorf("%d clients left", n)
	}
	n := 0
	for range slow {
		n++
	}
	if n != clientBuffer {
		t.Errorf("the slow client got %d events before the end, want %d", n, clientBuffer)
	}
}

func BenchmarkPublish(b *testing.B) {
	hub := NewHub(256)
	for range 20 {
		c, _, _ := hub.subscribe("")
		go func() {
			for range c {
			}
		}()
	}
	line := []byte(exampleAlert(1, "provisional"))
	for b.Loop() {
		if err := hub.Publish(line); err != nil {
			b.Fatal(err)
		}
	}
	hub.Close()
}
