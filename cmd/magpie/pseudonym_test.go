package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPseudonymsHaveAKey replays a cashier's refunds: the alert names the cashier by a hash with the key of the site file, another
// key makes another of it, and the id itself is nowhere. A key that cannot be used is said before anything is judged.
func TestPseudonymsHaveAKey(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	site := file("site.yaml", `store: s1
zones: [{id: till-1, kind: checkout, polygon: [[5,0],[8,0],[8,2],[5,2]]}]
tills: [{id: t-1, zone: till-1, kind: staffed}]
privacy: {cashier: pseudonym, key_file: cashiers.key}
`)
	file("policies/refunds.yaml", `policy: refunds
title: Two refunds
judge: cashier
score: 'sum(refunded("any"), "10m") >= 2 ? 0.9 : 0.1'
alert: {tiers: {log: 0.5}, cooldown: 1s}
`)
	var b strings.Builder
	for i := range 3 {
		fmt.Fprintf(&b, `{"received":"2026-11-22T10:00:0%d.000000000Z","topic":"magpie/v1/s1/till/t-1","payload":{"ts":"2026-11-22T10:00:0%dZ","session":"a","action":"refund","sku":"071142008582","price":1,"cashier":"anna.b"}}`+"\n", i, i)
	}
	recording := file("day.jsonl", b.String())
	replay := func() (code int, out, said string) {
		var stdout, stderr bytes.Buffer
		code = run(t.Context(), []string{"replay", "--site", site, "--policies", filepath.Join(dir, "policies"), recording}, &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	if code, _, said := replay(); code != exitUsage || !strings.Contains(said, "privacy: key_file: open "+filepath.Join(dir, "cashiers.key")) {
		t.Errorf("without its key: %d %s", code, said)
	}
	file("cashiers.key", "short\n")
	if code, _, said := replay(); code != exitUsage || !strings.Contains(said, "holds 5 bytes: a key has at least 16") {
		t.Errorf("with a short key: %d %s", code, said)
	}
	for _, key := range []string{"0123456789abcdef", "fedcba9876543210"} {
		file("cashiers.key", key+"\n")
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte("s1\x00anna.b"))
		want := `"subject":{"kind":"cashier","id":"` + hex.EncodeToString(mac.Sum(nil)[:8]) + `"}`
		code, out, said := replay()
		if code != 0 || !strings.Contains(out, want) || strings.Contains(out+said, "anna") {
			t.Errorf("key %s: %d\n%s%s\nwant %s", key, code, out, said, want)
		}
	}
}
