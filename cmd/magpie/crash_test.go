package main

import (
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
)

// What the sensors say while the footage of the crash tests is played again and again.
const crashScript = `
8.3s        weight shelf-1 -621g
12.6s..15s  rfid r-east 303404579800D6800004CB2F antenna=1 rssi=-63..-45..-61 x22
0s..19s     rfid r-east 303404579800D6800004CB30 antenna=1 rssi=-68 x39
`

// beats is a device that publishes a numbered message every 20 ms, whatever is killed, and keeps the numbers that were
// acknowledged. A number that was not acknowledged is not sent again.
type beats struct {
	mu    sync.Mutex
	acked []int
	stop  context.CancelFunc
	done  chan struct{}
}

func startBeats(t *testing.T, broker string) *beats {
	b := &beats{done: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	b.stop = stop
	go func() {
		defer close(b.done)
		for n := 0; ctx.Err() == nil; {
			client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker).SetClientID("beats").SetAutoReconnect(false).SetConnectTimeout(2 * time.Second))
			err := soon(ctx, client.Connect())
			for err == nil {
				n++
				payload := fmt.Sprintf(`{"ts":%q,"seq":%d,"name":"input","state":true}`, time.Now().UTC().Format(time.RFC3339Nano), n)
				if err = soon(ctx, client.Publish("magpie/v1/street/signal/beat", 1, false, payload)); err == nil {
					b.mu.Lock()
					b.acked = append(b.acked, n)
					b.mu.Unlock()
					err = until(ctx, 20*time.Millisecond)
				}
			}
			client.Disconnect(0)
			_ = until(ctx, 100*time.Millisecond) // and try again
		}
	}()
	t.Cleanup(func() { stop(); <-b.done })
	return b
}

func soon(ctx context.Context, token mqtt.Token) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return within(ctx, token)
}

func (b *beats) numbers() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.acked)
}

// more waits until n more are acknowledged.
func (b *beats) more(t *testing.T, n int) {
	t.Helper()
	have := len(b.numbers())
	await(t, 60*time.Second, fmt.Sprintf("%d more messages acknowledged", n), func() bool { return len(b.numbers()) >= have+n })
}

// crash is a whole station that is killed part by part.
type crash struct {
	t                     *testing.T
	bin, site, data, http string
	args                  []string
	magpie                *child
	printed               string
	outer                 *outerBroker // nil: the embedded one
	influx                *database
	floor                 *receiverEnd
	began                 time.Time
}

func (c *crash) say(format string, args ...any) {
	c.t.Logf("%6.1f s  %s", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

func (c *crash) start() {
	c.t.Helper()
	if c.magpie != nil {
		c.printed += strings.Join(append(linesOf(c.magpie.out.String()), ""), "\n")
	}
	c.magpie = startChild(c.t, c.bin, c.args...)
	await(c.t, 30*time.Second, "a page at "+c.http, func() bool { return fetch(c.http, "/api/sources", nil) == nil })
}

func (c *crash) lines() []string { return linesOf(c.printed + c.magpie.out.String()) }

// alertAfter waits for a request at the webhook, beyond the first n, whose alert is of a tier.
func (c *crash) alertAfter(n int, tier string) {
	c.t.Helper()
	await(c.t, 60*time.Second, "an alert of tier "+tier, func() bool {
		return slices.ContainsFunc(c.floor.all()[n:], func(p posted) bool { return alertOf(c.t, string(p.body)).Tier == tier })
	})
}

func (c *crash) beatsIn(count map[int]int) (lines int) {
	for _, l := range messagesIn(c.t, filepath.Join(c.data, "journal")) {
		var m struct{ Seq int }
		if strings.HasSuffix(l.Topic, "/signal/beat") && json.Unmarshal(l.Payload, &m) == nil {
			count[m.Seq]++
			lines++
		}
	}
	return lines
}

// TestCrash kills broker, database, receiver and the program in turn while it runs on footage. Nothing that was
// acknowledged is lost, no (id, rev) is delivered with other content, and a repeat carries the same webhook-id.
// scripts/crash.sh runs it.
func TestCrash(t *testing.T) {
	if os.Getenv("MAGPIE_CRASH") == "" {
		t.Skip("run by scripts/crash.sh")
	}
	bin, film := builtWithCamera(t), footageOf(t, 20)
	t.Run("outer broker", func(t *testing.T) { crashes(t, bin, film, startMosquitto(t)) })
	t.Run("embedded broker", func(t *testing.T) { crashes(t, bin, film, nil) })
}

func crashes(t *testing.T, bin, film string, outer *outerBroker) {
	c := &crash{t: t, bin: bin, data: t.TempDir(), http: freeAddr(t), outer: outer, influx: startInflux(t), floor: startReceiver(t), began: time.Now()}
	addr := freeAddr(t)
	broker := map[string]any{"listen": addr}
	if outer != nil {
		addr = outer.addr
		broker = map[string]any{"url": "mqtt://" + addr}
	}
	c.site, _ = laySite(t, film, map[string]any{"broker": broker, "signals": []any{map[string]any{"id": "beat", "zone": "west"}},
		"influx":  map[string]any{"url": c.influx.url, "bucket": "magpie/autogen"},
		"outputs": map[string]any{"floor": map[string]any{"webhook": "http://" + c.floor.addr + "/alerts", "secret_file": "secret"}}})
	c.args = []string{"run", "--site", c.site, "--data", c.data, "--http", c.http, "--model", cached(t, "models", "nanodet.onnx"),
		"--ort", cached(t, "onnxruntime", "libonnxruntime.so"), "--play", authored(t, c.site, crashScript, 19*time.Second)}
	c.start()
	device := startBeats(t, "mqtt://"+addr)
	device.more(t, 50)
	c.alertAfter(0, "gate")
	c.say("an alert of tier gate was delivered; %d messages acknowledged", len(device.numbers()))

	c.magpie.kill()
	if c.outer != nil {
		device.more(t, 50) // the broker keeps them
	}
	c.start()
	c.say("killed the program (kill -9) and started it again")
	device.more(t, 50)

	c.influx.child.kill()
	device.more(t, 100)
	c.influx.start(t)
	c.say("killed influxd (kill -9) and started it again")

	if c.outer != nil {
		c.outer.stop()
		c.outer.start(t, c.outer.cmd.Path)
		device.more(t, 50)
		c.say("stopped mosquitto and started it again (killed, it would lose what it acknowledged and has not yet written)")
	}

	before := len(c.floor.all())
	c.floor.setDeaf(true)
	await(t, 60*time.Second, "a request to the webhook", func() bool { return len(c.floor.all()) > before })
	c.magpie.kill()
	c.floor.kill()
	c.say("killed the webhook's receiver after it took %s and before it answered, and with it the program", c.floor.all()[before].id)
	c.start()
	device.more(t, 50)
	c.floor.setDeaf(false)
	c.floor.start()
	await(t, 60*time.Second, "the same request again", func() bool {
		id := c.floor.all()[before].id
		return slices.ContainsFunc(c.floor.all()[before+1:], func(p posted) bool { return p.id == id })
	})
	c.say("started both again; the request came again")
	c.alertAfter(len(c.floor.all()), "gate")
	device.stop()
	<-device.done
	c.nothingLost(device.numbers())
	c.nothingChanged()
}

// nothingLost finds everything that was acknowledged in the journal, and in the database as many as in the journal.
func (c *crash) nothingLost(acked []int) {
	t := c.t
	t.Helper()
	count := map[int]int{}
	await(t, 30*time.Second, "every acknowledged message in the journal", func() bool {
		clear(count)
		c.beatsIn(count)
		return !slices.ContainsFunc(acked, func(n int) bool { return count[n] == 0 })
	})
	lines := c.beatsIn(map[int]int{})
	c.say("%d messages were acknowledged, all are in the journal; %d lines of %d messages", len(acked), lines, len(count))
	await(t, 60*time.Second, fmt.Sprintf("%d messages in the database", lines), func() bool {
		return c.influx.total(t, "events", "received", `filter(fn: (r) => r.source == "beat" and r.kind == "signal") |> group() |> sum()`) == int64(lines)
	})
	c.say("Flux counts as many")
}

// nothingChanged compares all that was ever delivered with a replay of the journal.
func (c *crash) nothingChanged() {
	t := c.t
	t.Helper()
	if code := c.magpie.stop(t); code != 0 {
		t.Errorf("asked to end it exits with %d", code)
	}
	said := map[string]string{}
	for _, line := range linesOf(replayOf(t, c.bin, c.site, c.data)) {
		said[alertOf(t, line).key()] = line
	}
	printed, repeated := map[string]bool{}, 0
	for _, line := range c.lines() {
		a := alertOf(t, line)
		if printed[a.key()] {
			repeated++
		}
		printed[a.key()] = true
		if said[a.key()] != line {
			t.Errorf("printed: %s\nby the replay: %s", line, said[a.key()])
		}
	}
	all := messagesIn(t, filepath.Join(c.data, "journal"))
	end := time.Unix(0, all[len(all)-1].Received)
	for key, line := range said {
		if !printed[key] && end.Sub(alertOf(t, line).RaisedAt) > 2*time.Second {
			t.Errorf("only the replay prints %s", line)
		}
	}
	c.say("%d alert lines printed (%d of them again), the same as in the replay", len(printed), repeated)
	got, again := map[string]bool{}, 0
	for _, p := range c.floor.all() {
		a := alertOf(t, string(p.body))
		if got[p.id] {
			again++
		}
		got[p.id] = true
		if p.id != a.key() || said[p.id] != string(p.body) {
			t.Errorf("the webhook got as %s\n%s\nthe replay says\n%s", p.id, p.body, said[p.id])
		}
	}
	for key := range printed {
		if a := alertOf(t, said[key]); !got[key] && (a.Tier == "gate" || a.Tier == "staff") {
			t.Errorf("the webhook never got %s", said[key])
		}
	}
	c.say("%d revisions delivered to the webhook (%d requests again, with the same webhook-id and bytes)", len(got), again)
}
