package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/alerts"
	"magpie/metrics"
	"magpie/vision/opencv"
)

// await waits for something that another program does.
func await(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(limit); !is(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v: not %s", limit, what)
		case <-t.Context().Done():
			t.Fatal("interrupted")
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// cached is a file of the set-up, or the test is skipped.
func cached(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{cmp.Or(os.Getenv("MAGPIE_CACHE"), filepath.Join("..", "..", ".cache"))}, parts...)...)
	path, err := filepath.Abs(path)
	must(t, err)
	if !exists(path) {
		t.Skipf("%s is not set up (scripts/setup.sh ort model footage test-tools)", filepath.Join(parts...))
	}
	return path
}

// footageOf is the beginning of the example's footage.
func footageOf(t *testing.T, seconds int) string {
	t.Helper()
	film := cached(t, "footage", "vtest.avi")
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	short := filepath.Join(t.TempDir(), "short.avi")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", film, "-t", fmt.Sprint(seconds), "-c", "copy", short).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return short
}

// builtWithCamera builds the program as its users have it; the test is skipped in a build of its own without OpenCV.
func builtWithCamera(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: left out by -short")
	}
	src, err := openCamera(t.Context(), opencv.Config{URL: cached(t, "footage", "vtest.avi"), Fast: true, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil && strings.Contains(err.Error(), "built without OpenCV") {
		t.Skip(err)
	}
	must(t, err)
	must(t, src.Close())
	return built(t, []string{"-tags", "gocv,onnx"})
}

func built(t *testing.T, flags []string, env ...string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "magpie")
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", bin, ".")...)
	scripts, err := filepath.Abs("../../scripts")
	must(t, err)
	cmd.Env = append(append(os.Environ(), "PKG_CONFIG_PATH="+scripts), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", strings.Join(flags, " "), err, out)
	}
	return bin
}

// gathered is what a program writes.
type gathered struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (g *gathered) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.buf.Write(b)
}

func (g *gathered) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.buf.String()
}

// child is a program that a test starts, and kills.
type child struct {
	cmd      *exec.Cmd
	out, err gathered
	done     chan struct{}
}

func startChild(t *testing.T, bin string, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(bin, args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.err
	must(t, c.cmd.Start())
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait() // how it ended is asked of ProcessState
	}()
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("%s %s said\n%s", filepath.Base(bin), strings.Join(args, " "), tailOf(c.err.String(), 6000))
		}
	})
	return c
}

func tailOf(s string, n int) string { return s[max(0, len(s)-n):] }

// kill is kill -9.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	<-c.done
}

// stop ends it as a supervisor does and returns its exit code.
func (c *child) stop(t *testing.T) int {
	t.Helper()
	must(t, c.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s does not end when asked to", c.cmd.Path)
	}
	return c.cmd.ProcessState.ExitCode()
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// database is a real InfluxDB 1.8.
type database struct {
	bin, config, url string
	client           *metrics.Influx
	child            *child
}

func startInflux(t *testing.T) *database {
	t.Helper()
	bin := os.Getenv("MAGPIE_INFLUXD")
	if bin == "" {
		bin = cached(t, "bin", "influxd")
	}
	dir, addr := t.TempDir(), freeAddr(t)
	d := &database{bin: bin, config: filepath.Join(dir, "influxdb.conf"), url: "http://" + addr}
	text := fmt.Sprintf(`reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = %[1]q
[data]
dir = %[1]q
wal-dir = %[2]q
[http]
bind-address = %[3]q
flux-enabled = true
log-enabled = false
[logging]
level = "error"
`, filepath.Join(dir, "data"), filepath.Join(dir, "wal"), addr)
	must(t, os.WriteFile(d.config, []byte(text), 0o600))
	d.client = metrics.NewInflux(d.url, "", "magpie/autogen", "")
	t.Cleanup(d.client.Close)
	d.start(t)
	reply, err := http.PostForm(d.url+"/query", url.Values{"q": {"CREATE DATABASE magpie"}})
	must(t, err)
	must(t, reply.Body.Close())
	return d
}

func (d *database) start(t *testing.T) {
	t.Helper()
	d.child = startChild(t, d.bin, "run", "-config", d.config)
	// After a kill it takes 20 s and more where it has to share one core.
	await(t, 2*time.Minute, "an influxd that is ready", func() bool { return d.client.Ready(t.Context()) == nil })
}

// total asks in Flux for one number of the last hour: what remains of a measurement's field after the calls, such as
// `filter(fn: (r) => r.zone == "east") |> sum()`. None is nil; several rows are an error.
func (d *database) total(t *testing.T, measurement, field, calls string) any {
	t.Helper()
	rows, err := d.client.Query(t.Context(), fmt.Sprintf(`from(bucket: "magpie/autogen") |> range(start: -1h, stop: 1h)
		|> filter(fn: (r) => r._measurement == %q and r._field == %q) |> %s`, measurement, field, calls))
	if err != nil || len(rows) == 0 {
		return nil // it is away, or has nothing yet
	}
	if len(rows) > 1 {
		t.Fatalf("%s.%s: %d rows: %v", measurement, field, len(rows), rows)
	}
	return rows[0]["_value"]
}

// posted is one request that a receiver accepted.
type posted struct {
	id   string // webhook-id
	body []byte
}

// receiverEnd is the far end of a webhook or POS output: it checks every signature, and can be killed.
type receiverEnd struct {
	t    *testing.T
	keys alerts.WebhookKeys
	addr string

	mu     sync.Mutex
	got    []posted
	deaf   bool // reads what comes and dies before it answers
	server *http.Server
}

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

func startReceiver(t *testing.T) *receiverEnd {
	t.Helper()
	keys, err := alerts.ParseWebhookKeys(hookSecret)
	must(t, err)
	r := &receiverEnd{t: t, keys: keys, addr: freeAddr(t)}
	r.start()
	t.Cleanup(r.kill)
	return r
}

func (r *receiverEnd) start() {
	l, err := net.Listen("tcp", r.addr)
	must(r.t, err)
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.server.Serve(l) }() // ErrServerClosed
}

func (r *receiverEnd) kill() { _ = r.server.Close() }

func (r *receiverEnd) setDeaf(is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deaf = is
}

func (r *receiverEnd) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // killed
	}
	id, err := r.keys.Verify(req.Header, body, time.Now())
	if err != nil {
		r.t.Errorf("a request to %s: %v", req.URL.Path, err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, posted{id, body})
	if r.deaf {
		panic(http.ErrAbortHandler)
	}
}

func (r *receiverEnd) all() []posted {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]posted(nil), r.got...)
}

// alertLine is what the tests read of an alert.
type alertLine struct {
	ID       string
	Rev      int
	State    string
	Tier     string
	Zone     string
	Message  string
	RaisedAt time.Time `json:"raised_at"`
	Evidence []struct {
		Name   string
		Events []string
	}
}

func (a alertLine) key() string { return fmt.Sprintf("%s.%d", a.ID, a.Rev) }

func alertOf(t *testing.T, line string) (a alertLine) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &a); err != nil || a.ID == "" {
		t.Fatalf("%v: no alert: %s", err, line)
	}
	return a
}

// linesOf are the whole lines of a text; what a kill cut off is left out.
func linesOf(text string) (all []string) {
	for line := range strings.Lines(text) {
		if rest, whole := strings.CutSuffix(line, "\n"); whole {
			all = append(all, rest)
		}
	}
	return all
}

// mqttClient is a device of the tests: what it publishes is acknowledged before it goes on.
type mqttClient struct{ mqtt.Client }

func dialMQTT(t *testing.T, broker, id string) mqttClient {
	t.Helper()
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker).SetClientID(id).SetOrderMatters(true).SetConnectTimeout(5 * time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, within(ctx, c.Connect()))
	t.Cleanup(func() { c.Disconnect(0) })
	return mqttClient{c}
}

func (c mqttClient) publish(ctx context.Context, topic string, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return within(ctx, c.Publish(topic, 1, false, payload))
}

// fetch asks the program's API for JSON, or for the text itself where into is a *string.
func fetch(addr, path string, into any) error {
	reply, err := http.Get("http://" + addr + path)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(reply.Body)
	switch {
	case err != nil:
		return err
	case reply.StatusCode != http.StatusOK:
		return errors.New(reply.Status)
	case into == nil:
		return nil
	}
	if text, is := into.(*string); is {
		*text = string(b)
		return nil
	}
	return json.Unmarshal(b, into)
}

// output runs a program to its end.
func output(t *testing.T, ctx context.Context, bin string, args ...string) string {
	t.Helper()
	var out, errw bytes.Buffer
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Stdout, cmd.Stderr = &out, &errw
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(bin), strings.Join(args, " "), err, errw.String())
	}
	return out.String()
}
