package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magpie/fusion"
	"magpie/journal"
	"magpie/metrics"
	"magpie/sensors"
	"magpie/site"
)

// Whoever may publish chooses the words of a topic, but not the tags of the database: neither someone's name, nor so
// many values that the words of the contract find no room.
func TestRejectedKindsAreClosed(t *testing.T) {
	s := &site.Site{Store: &fusion.Store{ID: "s042"}}
	n := newNumbers(s, metrics.NewPrometheus("s042", "0", ""), nil, time.Now, slog.New(slog.DiscardHandler))
	at := time.Unix(1795341600, 0).UnixNano()
	reject := func(kind, source string) {
		n.rejected(&journal.Line{Received: at}, &sensors.Rejection{Code: sensors.CodeUnknownKind, Kind: kind, Source: source})
	}
	for i := range 250 {
		reject(fmt.Sprint("john-smith-", i), "eas-1")
	}
	reject("unmapped", "0123456789abcdef")
	reject("gate", "eas-1")
	got := string(n.agg.Flush(at + 200e9))
	for _, want := range []string{"kind=unknown,source=unknown rejected=250i", "kind=unmapped,source=unknown rejected=1i",
		"kind=gate,source=unknown rejected=1i"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "john") || strings.Contains(got, "_other") {
		t.Errorf("a sender's own words are tags:\n%s", got)
	}
}

// TestShrinkByCause: what stock messages explain goes into the database by its cause, and the page's API has the ledger.
func TestShrinkByCause(t *testing.T) {
	dir, from := t.TempDir(), "../../rules/testdata/contract/testdata/"
	for name, more := range map[string]string{"corner-shop.yaml": "\ndevices: [{id: erp-1, kind: stock}]\n", "products.csv": ""} {
		b, err := os.ReadFile(from + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(b, more...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := site.Load(filepath.Join(dir, "corner-shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixNano()
	n := newNumbers(s, metrics.NewPrometheus("s042", "0", ""), nil, time.Now, slog.New(slog.DiscardHandler))
	l, err := newLive(&live{site: s, numbers: n, health: newSourceHealth(s.Store), log: slog.New(slog.DiscardHandler),
		now: time.Now, place: &place{}, rejections: &rejections{}})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range []string{`"units":20,"reason":"inventory"`, `"units":18,"reason":"damaged"`, `"units":17,"reason":"admin"`, `"units":13`} {
		ts := at + int64(i)*1e9
		payload := fmt.Sprintf(`{"ts":%d,"sku":"071142008582",%s}`, ts/1e6, m)
		l.pipeline.line(&journal.Line{Received: ts, Topic: "magpie/v1/s042/stock/erp-1", Payload: []byte(payload)})
	}
	l.pipeline.line(&journal.Line{Received: at + 20e9, Control: &journal.Control{Kind: journal.ControlTick}})
	got := string(n.agg.Flush(at + 100e9))
	for _, want := range []string{"cause=damaged units=2i,value=3.98", "cause=admin units=1i,value=1.99", "cause=unknown units=4i,value=7.96"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	rows := l.shownShrink()
	if len(rows) != 1 || rows[0].Day != "2026-11-22" || rows[0].SKU != "071142008582" || rows[0].Damaged != 2 || rows[0].Admin != 1 || rows[0].Unknown != 4 {
		t.Errorf("ledger %+v; want one row: damaged 2, admin 1, unknown 4", rows)
	}
}
