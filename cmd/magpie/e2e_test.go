package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/dashboard"
	"magpie/journal"
)

// What the sensors say in the end-to-end test while the people of the example's footage walk by: a man takes a jar from
// shelf-1 and leaves to the right; somebody buys coffee at the till; a tag lies near the door all the time.
const endToEndScript = `
8.3s        weight shelf-1 -621g
12.3s..14.6s rfid r-east 303404579800D6800004CB2F antenna=1 rssi=-63..-45..-57 x30
0s..19s     rfid r-east 303404579800D6800004CB30 antenna=1 rssi=-68 x39
3s          till till-a a-0001 open
5s          scan till-a a-0001 5000169005361
6s          till till-a a-0001 tender amount=4.25
7s          till till-a a-0001 close
`

// endToEnd is a whole station as a user runs it: the built program with everything around it.
type endToEnd struct {
	bin, site, policies, data, http string
	args                            []string
	magpie                          *child
	outer                           *outerBroker
	influx                          *database
	floor, pos                      *receiverEnd
	device                          mqttClient
	printed                         string // by runs that are over

	mu       sync.Mutex
	sent     map[string]int    // messages by kind/source
	said     map[string]string // alert lines on MQTT by id.rev
	rejected []string          // topic and code
}

func startEndToEnd(t *testing.T) *endToEnd {
	t.Helper()
	e := &endToEnd{bin: builtWithCamera(t), sent: map[string]int{}, said: map[string]string{}, data: t.TempDir(), http: freeAddr(t)}
	film, model, ort := footageOf(t, 20), cached(t, "models", "nanodet.onnx"), cached(t, "onnxruntime", "libonnxruntime.so")
	e.outer, e.influx, e.floor, e.pos = startMosquitto(t), startInflux(t), startReceiver(t), startReceiver(t)
	e.site, e.policies = laySite(t, film, map[string]any{
		"broker": map[string]any{"url": "mqtt://" + e.outer.addr},
		"influx": map[string]any{"url": e.influx.url, "bucket": "magpie/autogen"},
		"outputs": map[string]any{"floor": map[string]any{"webhook": "http://" + e.floor.addr + "/alerts", "secret_file": "secret"},
			"pos": map[string]any{"pos": "http://" + e.pos.addr + "/flag", "secret_file": "secret"}},
		"sources": []any{map[string]any{"topic": "impinj/+/events", "decoder": "impinj", "id": "{1}"}}})
	e.device = dialMQTT(t, "mqtt://"+e.outer.addr, "device")
	listen := func(filter string, take func(topic string, payload []byte)) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		must(t, within(ctx, e.device.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) {
			e.mu.Lock()
			defer e.mu.Unlock()
			take(m.Topic(), m.Payload())
		})))
	}
	listen("magpie/v1/street/alert/+", func(topic string, payload []byte) {
		a := alertOf(t, string(payload))
		if old, twice := e.said[a.key()]; twice && old != string(payload) || topic != "magpie/v1/street/alert/"+a.ID {
			t.Errorf("%s on %s with other content", a.key(), topic)
		}
		e.said[a.key()] = string(payload)
	})
	listen("magpie/v1/street/rejected/#", func(topic string, payload []byte) {
		var r struct{ Code, Reason string }
		if err := json.Unmarshal(payload, &r); err != nil || r.Reason == "" {
			t.Errorf("%s: %s", topic, payload)
		}
		e.rejected = append(e.rejected, strings.TrimPrefix(topic, "magpie/v1/street/rejected/")+" "+r.Code)
	})
	e.args = []string{"run", "--site", e.site, "--data", e.data, "--http", e.http, "--model", model, "--ort", ort}
	return e
}

// start starts the program and waits for its page.
func (e *endToEnd) start(t *testing.T, more ...string) {
	t.Helper()
	e.magpie = startChild(t, e.bin, append(slices.Clone(e.args), more...)...)
	await(t, 20*time.Second, "a page at "+e.http, func() bool { return fetch(e.http, "/api/sources", nil) == nil })
}

func (e *endToEnd) lines() []string { return linesOf(e.printed + e.magpie.out.String()) }

// publish sends what a device says and counts it once it is acknowledged.
func (e *endToEnd) publish(ctx context.Context, kind, source, topic string, payload []byte) error {
	err := e.device.publish(ctx, topic, payload)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		e.sent[kind+"/"+source]++
	}
	return err
}

// sensors plays what the script says, in step with the footage: the exit's reader in the words of its maker.
func (e *endToEnd) sensors(t *testing.T, recording string, start time.Time) error {
	_, err := play(t.Context(), recording, playOptions{speed: 1, shift: true, start: start, now: time.Now},
		func(ctx context.Context, topic string, _ bool, payload []byte) error {
			level := strings.Split(topic, "/")
			kind, source := level[3], level[4]
			if kind == "rfid" {
				topic, payload = "impinj/"+source+"/events", impinjEvent(t, payload)
			}
			return e.publish(ctx, kind, source, topic, payload)
		})
	return err
}

func (e *endToEnd) rejections() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.rejected)
}

// TestEndToEnd drives the built program: mosquitto as the outer broker, footage as the camera, canonical and Impinj
// messages, signed webhooks, a till, InfluxDB asked in Flux, a browser; then a reload, a kill and the replay.
func TestEndToEnd(t *testing.T) {
	e := startEndToEnd(t)
	page := openBrowser(t)
	e.start(t)
	first := firstFrame(t, e.data)
	recording := authored(t, e.site, endToEndScript, 19*time.Second)
	played := make(chan error, 1)
	go func() { played <- e.sensors(t, recording, first) }()
	page.open(t, "http://"+e.http+"/dashboard")

	await(t, 40*time.Second, "an alert of tier gate at the webhook", func() bool {
		return slices.ContainsFunc(e.floor.all(), func(p posted) bool { return alertOf(t, string(p.body)).Tier == "gate" })
	})
	t.Logf("%v after the first frame: an alert of tier gate", time.Since(first).Round(time.Millisecond))
	alert := alertOf(t, string(e.floor.all()[0].body))
	page.alert(t, alert)
	e.reload(t)
	must(t, <-played)
	for _, bad := range []struct{ kind, source, payload string }{
		{"weight", "shelf-2", `{"ts":`},
		{"gate", "g-9", `{"ts":"arrival","alarm":true}`},
	} {
		must(t, e.publish(t.Context(), "", "", "magpie/v1/street/"+bad.kind+"/"+bad.source, []byte(bad.payload)))
	}
	must(t, e.publish(t.Context(), "", "", "impinj/r-east/events", []byte(`{"eventType":"tagInventory","tagInventoryEvent":{"antennaPort":1}}`)))
	want := []string{"weight/shelf-2 bad_json", "gate/g-9 unknown_source", "rfid/r-east missing"}
	await(t, 10*time.Second, "three rejections: "+fmt.Sprint(want), func() bool { return slices.Equal(e.rejections(), want) })
	e.numbers(t)
	e.restart(t, want)
	if code := e.magpie.stop(t); code != 0 {
		t.Errorf("asked to end it exits with %d", code)
	}
	e.outputs(t)
	e.replayed(t)
}

// reload edits a policy while the program runs, well and badly.
func (e *endToEnd) reload(t *testing.T) {
	t.Helper()
	file := filepath.Join(e.policies, "loiter-high-value.yaml")
	good, err := os.ReadFile(file)
	must(t, err)
	sets := func() (hashes []journal.Line) {
		for _, l := range messagesIn(t, filepath.Join(e.data, "journal")) {
			if l.Control != nil {
				hashes = append(hashes, l)
			}
		}
		return hashes
	}
	before := sets()
	at := time.Now()
	must(t, os.WriteFile(file, append(slices.Clone(good), "# edited\n"...), 0o644))
	await(t, 10*time.Second, "the new set in the journal", func() bool { return len(sets()) > len(before) })
	adopted := sets()[len(before)]
	if took := time.Duration(adopted.Received - at.UnixNano()); took > time.Second {
		t.Errorf("an edited policy judges after %v; a second is promised", took)
	} else {
		t.Logf("an edited policy judges after %v", took.Round(time.Millisecond))
	}
	if adopted.Control.Hash == before[len(before)-1].Control.Hash {
		t.Error("an edited policy leaves the set's hash as it was")
	}
	must(t, os.WriteFile(file, bytes.Replace(good, []byte("dwell("), []byte("dwel("), 1), 0o644))
	var shown dashboard.PolicySet
	await(t, 10*time.Second, "an error at /api/policies", func() bool {
		return fetch(e.http, "/api/policies", &shown) == nil && shown.Error != ""
	})
	await(t, 10*time.Second, "the last line of the error on standard error", func() bool { return strings.Contains(e.magpie.err.String(), "^\n") })
	for where, text := range map[string]string{"/api/policies": shown.Error, "standard error": e.magpie.err.String()} {
		if !strings.Contains(text, "loiter-high-value.yaml:") || !strings.Contains(text, "unknown function dwel; did you mean dwell?") || !strings.Contains(text, "^\n") && !strings.HasSuffix(text, "^") {
			t.Errorf("%s does not say what is wrong with the policy, with a caret:\n%s", where, tailOf(text, 2000))
		}
	}
	after := sets()[len(before):] // the journal says that the set goes on
	if shown.Hash != adopted.Control.Hash || slices.ContainsFunc(after, func(l journal.Line) bool { return l.Control.Hash != adopted.Control.Hash }) {
		t.Errorf("after a broken edit %s judges, want %s; the journal has %v", shown.Hash, adopted.Control.Hash, after)
	}
	must(t, os.WriteFile(file, good, 0o644))
	await(t, 10*time.Second, "the mended set in the journal", func() bool { return len(sets()) == len(before)+2 })
}
