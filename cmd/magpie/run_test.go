package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// terminal is what a person sees who runs magpie: it can be waited on.
type terminal struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (t *terminal) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case t.more <- struct{}{}:
	default:
	}
	return t.text.Write(b)
}

// ends holds that a program which was asked to stop does, without an error.
func ends(t *testing.T, code <-chan int) {
	t.Helper()
	select {
	case c := <-code:
		if c != 0 {
			t.Errorf("exit code %d, want 0", c)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not stop")
	}
}

// said is what no call of await has passed yet.
func (t *terminal) said() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// await waits until the pattern stands after what the last call found, and returns its submatches.
func (t *terminal) await(test *testing.T, pattern string) []string {
	test.Helper()
	re, timeout := regexp.MustCompile(pattern), time.After(20*time.Second)
	for {
		t.mu.Lock()
		at := re.FindSubmatchIndex(t.text.Bytes())
		var found []string
		if at != nil {
			for i := 0; i < len(at); i += 2 {
				found = append(found, string(t.text.Bytes()[at[i]:at[i+1]]))
			}
			t.text.Next(at[1])
		}
		rest := t.text.String()
		t.mu.Unlock()
		if found != nil {
			return found
		}
		select {
		case <-t.more:
		case <-timeout:
			test.Fatalf("waited for %q in\n%s", pattern, rest)
		}
	}
}

// TestRunGoesOn runs the program without cameras: what an analyst or an operator does to it while it runs does not stop
// it, and everything wrong is told.
func TestRunGoesOn(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("site.yaml", `store: s042
timezone: UTC
currency: GBP
zones: [{id: door, kind: exit, polygon: [[0,0],[2,0],[2,2],[0,2]]}]
gates: [{id: eas-1, zone: door}]
broker: {listen: "127.0.0.1:0"}
policies: {dir: policies}
`)
	const policy = "policy: p\ntitle: t\nscore: '0.5'\nalert: {tiers: {log: 0.1}}\n"
	write("policies/p.yaml", policy)
	write("policies/q.yaml", "policy: q\ntitle: t\nneeds: [rfid@fitting]\nscore: 'seen(\"rfid\", \"fitting\") ? 0.5 : 0.1'\nalert: {tiers: {log: 0.1}}\n")
	ctx, stop := context.WithCancel(t.Context())
	term := &terminal{more: make(chan struct{}, 1)}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"run", "--no-cameras", "--site", filepath.Join(dir, "site.yaml"), "--data", filepath.Join(dir, "data"), "--http", "127.0.0.1:0"}, io.Discard, term)
	}()
	term.await(t, "level=WARN msg=\"the policies have warnings: `magpie check --site .*site.yaml` says them in full\" warnings=[1-9] in_shadow=q\n")
	first := term.await(t, "policies judge from now on.* hash=(\\S+)")[1]
	at := term.await(t, "page=(http://[^/]+).* broker=(\\S+)")
	term.await(t, "subscribed at")
	api := func(path string, code int) string {
		t.Helper()
		r, err := http.Get(at[1] + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		if r.StatusCode != code {
			t.Errorf("%s: %d, want %d: %s", path, r.StatusCode, code, b)
		}
		return string(b)
	}
	api("/healthz", 200)
	if got, want := api("/api/outbox", 200), `{"outputs":[{"name":"mqtt","waiting":0,"dead":0},{"name":"stdout","waiting":0,"dead":0}],"dead":[]}`; strings.TrimSpace(got) != want {
		t.Errorf("the outbox is %s, want %s", got, want)
	}

	// A topic that nobody knows is told on the rejected topic.
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(at[2]).SetClientID("vendor"))
	if err := soon(ctx, client.Connect()); err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(0)
	said := make(chan string, 4)
	if err := soon(ctx, client.Subscribe("magpie/v1/s042/rejected/#", 1, func(_ mqtt.Client, m mqtt.Message) { said <- string(m.Payload()) })); err != nil {
		t.Fatal(err)
	}
	for topic, code := range map[string]string{"magpie/s042/gate/eas-1": "unknown_kind", "shop/gate": "unknown_source"} {
		if err := soon(ctx, client.Publish(topic, 1, false, "{}")); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-said:
			if !strings.Contains(got, `"code":"`+code+`"`) || !strings.Contains(got, topic) {
				t.Errorf("rejected %s with %s", topic, got)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("nobody heard of %s", topic)
		}
	}

	// The folder of policies goes away, as when a deployment replaces it, and comes back with another set.
	if err := os.Rename(filepath.Join(dir, "policies"), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	term.await(t, "the folder was removed; put it back")
	if got := api("/api/policies", 200); !strings.Contains(got, first) || !strings.Contains(got, "put it back") {
		t.Errorf("without its folder, policies are %s", got)
	}
	write("away/p.yaml", strings.Replace(policy, "0.5", "0.6", 1))
	if err := os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "policies")); err != nil {
		t.Fatal(err)
	}
	if second := term.await(t, "policies judge from now on.* hash=(\\S+)")[1]; second == first {
		t.Error("the set that came back was not taken")
	}
	if got := api("/api/policies", 200); strings.Contains(got, "put it back") {
		t.Errorf("the folder is back, policies are %s", got)
	}

	// The last live one goes off: nothing can be alerted any more.
	write("policies/p.yaml", policy+"mode: off\n")
	term.await(t, "level=WARN msg=\"no policy is live here: nothing will be alerted; the site has no zone of the kind fitting \\(for q\\); add to it what a policy needs\"\n")
	stop()
	ends(t, code)
	data := filepath.Join(dir, "data")
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == filepath.Join(data, "broker", "jetstream") {
			return cmp.Or(err, filepath.SkipDir) // the server's own, behind a folder that nobody else may enter
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v: others can read what people did", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRunIsReadyBeforeItOpens: what is wrong with flags, site and machine is said before anything is written, all at once,
// with what to do.
func TestRunIsReadyBeforeItOpens(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	in := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const site = `store: s042
timezone: UTC
currency: GBP
zones: [{id: door, kind: exit, polygon: [[0,0],[2,0],[2,2],[0,2]]}]
gates: [{id: eas-1, zone: door}]
`
	const free = "broker: {listen: \"127.0.0.1:0\"}\n"
	empty := in("empty.jsonl", `{"received":"2026-01-05T10:00:00.000000000Z","control":"tick"}`+"\n")
	f := func(site string, want []string, args ...string) {
		t.Helper()
		data := filepath.Join(dir, "data")
		err := runRun(t.Context(), append([]string{"--site", in("site.yaml", site), "--data", data, "--http", "127.0.0.1:0"}, args...), io.Discard, io.Discard)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%v: %v\nwant %s", args, err, w)
			}
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%v: something was written before it was refused", args)
		}
	}
	f(site+free, []string{"--play nowhere.jsonl: ", "no such file"}, "--play", "nowhere.jsonl")
	f(site+free, []string{"--play " + empty + ": it holds no message to play"}, "--play", empty)
	f(site+free, []string{"--http " + taken.Addr().String() + ": another program listens there; give another address, such as --http 127.0.0.1:8081"},
		"--http", taken.Addr().String())
	f(site+"broker: {listen: \""+taken.Addr().String()+"\"}\n", []string{"broker: another program listens on " + taken.Addr().String(),
		"give --broker mqtt://" + taken.Addr().String(), "set broker.listen"})
	f(site+"broker: {listen: \"127.0.0.1:0\", users: none.txt}\noutputs: {floor: {webhook: \"https://h/x\", secret_file: none.key}}\n",
		[]string{"none.txt", "output floor: ", "none.key", "policies: stat nowhere: no such file"}, "--policies", "nowhere")
	err = runRun(t.Context(), []string{"--data", filepath.Join(dir, "data"), "--site", in("site.yaml", site+free+"cameras: [{id: cam-1, url: film.avi}]\n"),
		"--http", "127.0.0.1:0", "--providers", "abacus"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), `unknown provider "abacus"`) && !strings.Contains(err.Error(), "built without ONNX Runtime") {
		t.Errorf("--providers abacus: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("something was written before the provider was refused")
	}
}
