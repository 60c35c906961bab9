package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"
	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/journal"
	"magpie/site"
)

// TestRunSigned runs the program in a store that names who signs its policies: what nobody of them signed does not start and is
// not taken over, it is said why, and every alert names who signed.
func TestRunSigned(t *testing.T) {
	dir := t.TempDir()
	policies := filepath.Join(dir, "policies")
	must(t, os.Mkdir(policies, 0o755))
	write := func(name, text string) {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	public, secret, err := minisign.GenerateKey(nil)
	must(t, err)
	id := fmt.Sprintf("%016X", public.ID())
	write("site.yaml", `store: s042
timezone: UTC
currency: GBP
zones: [{id: door, kind: exit, polygon: [[0,0],[2,0],[2,2],[0,2]]}]
gates: [{id: eas-1, zone: door}]
broker: {listen: "127.0.0.1:0"}
policies: {dir: policies, signers: [`+public.String()+`]}
`)
	policy := func(score string) string {
		return "policy: p\ntitle: t\nscore: 'seen(\"gate\", \"exit\") ? " + score + " : 0.1'\nalert: {tiers: {log: 0.2}}\n"
	}
	sign := func(text string) {
		t.Helper()
		sums := []byte(fmt.Sprintf("%x  p.yaml\n", sha256.Sum256([]byte(text))))
		write("policies/policies.sha256", string(sums))
		write("policies/policies.sha256.minisig", string(minisign.SignWithComments(secret, sums, "version 7", "any")))
	}
	args := []string{"run", "--no-cameras", "--site", filepath.Join(dir, "site.yaml"), "--data", filepath.Join(dir, "data"), "--http", "127.0.0.1:0"}
	write("policies/p.yaml", policy("0.5"))
	term := &terminal{more: make(chan struct{}, 1)}
	if code := run(t.Context(), args, io.Discard, term); code != 2 {
		t.Errorf("a set that nobody signed: exit code %d, want %d", code, 2)
	}
	store, err := site.Load(filepath.Join(dir, "site.yaml"))
	must(t, err)
	if _, err := loadSigned("", store); err == nil || !strings.Contains(err.Error(), "the built-in set is signed by nobody") {
		t.Errorf("the built-in set: %v", err)
	}
	term.await(t, `policies.sha256:1:1: it is missing: the set is not signed; .*minisign -Sm policies.sha256`)

	sign(policy("0.5"))
	ctx, stop := context.WithCancel(t.Context())
	out, code := &terminal{more: make(chan struct{}, 1)}, make(chan int, 1)
	go func() { code <- run(ctx, args, out, term) }()
	first := term.await(t, `policies judge from now on.* hash=(\S+) policies=1 signer=`+id+` signed_with="version 7"`)[1]
	at := term.await(t, "page=(http://[^/]+).* broker=(\\S+)")
	term.await(t, "subscribed at")
	page := func(path string) string {
		t.Helper()
		r, err := http.Get(at[1] + path)
		must(t, err)
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		must(t, err)
		return string(b)
	}
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(at[2]).SetClientID("vendor"))
	must(t, soon(ctx, client.Connect()))
	defer client.Disconnect(0)
	must(t, soon(ctx, client.Publish("magpie/v1/s042/gate/eas-1", 1, false, fmt.Sprintf(`{"ts":%d,"alarm":true,"direction":"out"}`, time.Now().UnixMilli()))))
	out.await(t, `"policies":\[\{"policy":"p","hash":"[^"]+","score":0.5\}\],"signer":"`+id+`",`)

	write("policies/p.yaml", policy("0.7"))
	term.await(t, `policies are not taken over(.|\n)*policies.sha256:1:1: p.yaml is another than the one that was signed`)
	if got := page("/api/policies"); !strings.Contains(got, `"hash":"`+first+`","signer":"`+id+`"`) || !strings.Contains(got, "is another than the one that was signed") {
		t.Errorf("policies are %s", got)
	}
	if got := page("/metrics"); !regexp.MustCompile(`(?m)^magpie_policy_reload_success(\{.*\})? 0$`).MatchString(got) {
		t.Errorf("the metric does not say that the reload was refused:\n%s", got)
	}
	sign(policy("0.7"))
	second := term.await(t, `policies judge from now on.* hash=(\S+)`)[1]
	if got := page("/api/policies"); !strings.Contains(got, `"hash":"`+second+`"`) || strings.Contains(got, `"error"`) {
		t.Errorf("signed anew, policies are %s", got)
	}
	stop()
	ends(t, code)
	r, err := openSegments(filepath.Join(dir, "data", "journal"))
	must(t, err)
	defer r.Close()
	var noted []string
	for {
		l, err := r.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		if l.Control != nil && l.Control.Kind == journal.ControlPolicies {
			noted = append(noted, l.Control.Hash)
		}
	}
	if len(noted) < 3 || noted[0] != first || noted[1] != first || noted[len(noted)-1] != second {
		t.Errorf("the journal notes %v: want %s, again where a set was refused, and then %s", noted, first, second)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "policies", first, "policies.sha256.minisig")); err != nil {
		t.Errorf("the signature was not kept with the set: %v", err)
	}
}
