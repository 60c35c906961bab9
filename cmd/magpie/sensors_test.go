package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/journal"
	"magpie/sensors"
	"magpie/site"
)

// vendor is a client as a vendor's device has it.
func vendor(t *testing.T, url string) func(topic string, retain bool, payload string) {
	t.Helper()
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("vendor").SetConnectTimeout(10 * time.Second))
	must(t, within(t.Context(), c.Connect()))
	t.Cleanup(func() { c.Disconnect(0) })
	return func(topic string, retain bool, payload string) {
		t.Helper()
		must(t, within(t.Context(), c.Publish(topic, 1, retain, payload)))
	}
}

func embeddedBroker(t *testing.T, listen, dir string) *sensors.Broker {
	t.Helper()
	b, err := sensors.NewBroker(sensors.BrokerOptions{Listen: listen, Dir: dir, Store: "s042"})
	must(t, err)
	t.Cleanup(b.Close)
	return b
}

const contractSitePath = "../../site/testdata/contract.yaml"

// TestSensorsCheckOfABroker listens to a broker as a vendor does, until Ctrl-C.
func TestSensorsCheckOfABroker(t *testing.T) {
	b := embeddedBroker(t, "127.0.0.1:0", t.TempDir())
	publish := vendor(t, b.URL())
	publish("magpie/v1/s042/status/r-door", true, `{"state":"online"}`)
	publish("magpie/v1/s042/rfid/r-door", true, `{"ts":"arrival","epc":"E2","antenna":2,"rssi":-60}`)

	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	term, out, code := &terminal{more: make(chan struct{}, 1)}, &bytes.Buffer{}, make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"sensors", "check", "--site", contractSitePath, "--broker", b.URL(), "--json"}, out, term)
	}()
	term.await(t, "heard r-door\n") // what is retained
	now := func() string { return time.Now().UTC().Format(time.RFC3339Nano) }
	for i := range 20 {
		publish("magpie/v1/s042/rfid/r-door", false, fmt.Sprintf(`{"ts":%q,"seq":%d,"epc":"E2","antenna":1,"rssi":-60}`, now(), i))
	}
	publish("magpie/v1/s042/rfid/r-door", false, fmt.Sprintf(`{"ts":%q,"epc":"E2","antenna":1}`, now()))
	publish("magpie/v1/s042/rfid/r-dor", false, `{}`)
	publish("magpie/v1/s042/gate/eas-1", false, fmt.Sprintf(`{"ts":%q,"seq":0,"alarm":false}`, now()))
	term.await(t, "heard eas-1\n")
	interrupt()
	if c := <-code; c != exitFailed {
		t.Fatalf("exit code %d", c)
	}
	term.await(t, "must change something")
	var r sensors.Report
	must(t, json.Unmarshal(out.Bytes(), &r))
	told := map[string]string{}
	for _, s := range r.Sources {
		told[s.Source] = strings.Join(s.Act, "|")
		switch s.Source {
		case "r-door":
			if s.Messages != 23 || s.Rejected != 2 || s.Retained != 1 || s.Clock.By != "none" || s.Delay == nil || s.Delay.Max > 60_000 {
				t.Errorf("%+v", s)
			}
		case "eas-1":
			if len(s.Act) != 0 || s.Messages != 1 {
				t.Errorf("%+v", s)
			}
		}
	}
	for _, want := range []string{"1 message rejected (missing at /rssi)", "1 message rejected (too_late at /ts): a broker had kept it", "1 message came retained"} {
		if !strings.Contains(told["r-door"], want) {
			t.Errorf("%q is not in %s", want, told["r-door"])
		}
	}
	if len(r.Unknown) != 1 || !strings.Contains(r.Unknown[0].Act, "did you mean r-door?") {
		t.Errorf("%+v", r.Unknown)
	}
}

// TestSensorsWatchOfABroker reads the words as they come.
func TestSensorsWatchOfABroker(t *testing.T) {
	b := embeddedBroker(t, "127.0.0.1:0", t.TempDir())
	publish := vendor(t, b.URL())
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, term, code := &terminal{more: make(chan struct{}, 1)}, &terminal{more: make(chan struct{}, 1)}, make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"sensors", "watch", "--site", contractSitePath, "--broker", b.URL(), "--kind", "gate,count"}, out, term)
	}()
	term.await(t, "listening to mqtt://")
	publish("magpie/v1/s042/signal/cam-1-line", false, `{"ts":"arrival","name":"line"}`)
	publish("magpie/v1/s042/gate/eas-1", false, `{"ts":"2026-01-05T10:00:00.123Z","alarm":true,"direction":"out"}`)
	publish("magpie/v1/s042/count/c-1", false, `{"ts":"arrival","in":1,"out":0}`)
	publish("magpie/v1/s042/gate/eas-1", false, `{"ts":"arrival"}`)
	out.await(t, `^10:00:00\.123 +[\d.]+s gate   eas-1 out alarm true\n`)
	out.await(t, `^\d\d:\d\d:\d\d\.\d{3}  arrival count  c-1 in 1 out 0\n`)
	out.await(t, `^\d\d:\d\d:\d\d\.\d{3}          gate   eas-1 REJECTED missing at /alarm: alarm is missing: give true or false\n`)
	interrupt()
	if c := <-code; c != 0 {
		t.Errorf("exit code %d", c)
	}
}

// TestHearingGoesOn loses the connection: what comes afterwards is heard again, and silence begins anew.
func TestHearingGoesOn(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	must(t, l.Close())
	b := embeddedBroker(t, address, dir)
	h := hearing{topics: "#", broker: brokerFlags{url: b.URL()}}
	term := &terminal{more: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	heard, resumed, ended := make(chan string, 10), make(chan int64, 10), make(chan error, 1)
	go func() {
		ended <- h.lines(ctx, "", term, func(l *journal.Line) {
			if l.Control == nil {
				heard <- l.Topic
			}
		}, func(at int64) { resumed <- at })
	}()
	term.await(t, "listening to ")
	b.Close()
	term.await(t, "the connection to .* was lost")
	b = embeddedBroker(t, address, dir)
	term.await(t, "listening to .* again")
	if at := <-resumed; at == 0 {
		t.Error("it resumed at no time")
	}
	vendor(t, b.URL())("magpie/v1/s042/gate/eas-1", false, `{}`)
	if topic := <-heard; topic != "magpie/v1/s042/gate/eas-1" {
		t.Error(topic)
	}
	stop()
	must(t, <-ended)
}

func TestHearingWithoutBroker(t *testing.T) {
	h := hearing{broker: brokerFlags{url: "mqtt://127.0.0.1:1"}}
	err := h.lines(t.Context(), "", &bytes.Buffer{}, func(*journal.Line) {}, func(int64) {})
	if err == nil || !strings.HasPrefix(err.Error(), "broker mqtt://127.0.0.1:1: connect: ") {
		t.Error(err)
	}
	if err := h.lines(t.Context(), filepath.Join(t.TempDir(), "none.jsonl"), &bytes.Buffer{}, nil, nil); err == nil || errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestTheSitesBroker: check and watch speak to the broker of the site file as the site does, but for what a flag says otherwise.
func TestTheSitesBroker(t *testing.T) {
	outer := site.Broker{URL: "mqtts://b:8883", User: "u", PasswordFile: "p", CAFile: "ca", CertFile: "c", KeyFile: "k"}
	for _, test := range []struct {
		broker site.Broker
		args   []string
		want   brokerFlags
	}{
		{outer, nil, brokerFlags{outer.URL, "u", "p", "ca", "c", "k"}},
		{outer, []string{"--user", "v", "--password-file", "q"}, brokerFlags{outer.URL, "v", "q", "ca", "c", "k"}},
		{outer, []string{"--cert", "d", "--key", "l"}, brokerFlags{outer.URL, "u", "p", "ca", "d", "l"}},
		{outer, []string{"--broker", "mqtt://other"}, brokerFlags{url: "mqtt://other"}},
		{site.Broker{Listen: "127.0.0.1:1884"}, nil, brokerFlags{url: "mqtt://127.0.0.1:1884"}},
		{site.Broker{Listen: "127.0.0.1:1884", CertFile: "c", KeyFile: "k"}, nil, brokerFlags{url: "mqtts://127.0.0.1:1884", caFile: "c"}},
		{site.Broker{Listen: "127.0.0.1:1884", CertFile: "c", KeyFile: "k"}, []string{"--ca", "x"}, brokerFlags{url: "mqtts://127.0.0.1:1884", caFile: "x"}},
	} {
		var h hearing
		fs := newFlags(io.Discard, "check", "")
		h.register(fs)
		if err := fs.Parse(test.args); err != nil {
			t.Fatal(err)
		}
		if h.bySite(fs, test.broker); h.broker != test.want {
			t.Errorf("%+v %v: %+v, want %+v", test.broker, test.args, h.broker, test.want)
		}
	}
}
