package alerts_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"magpie/alerts"
)

const killDir, killURL, killFrom = "MAGPIE_TEST_OUTBOX", "MAGPIE_TEST_URL", "MAGPIE_TEST_FROM"

var killKeys, _ = alerts.ParseWebhookKeys("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

// TestOutboxChild is the process that TestKill kills: it puts alert after alert and prints each when Put has returned.
func TestOutboxChild(t *testing.T) {
	path := os.Getenv(killDir)
	if path == "" {
		t.Skip("run by TestKill")
	}
	hook := alerts.NewWebhook("lp", os.Getenv(killURL), killKeys, nil, time.Now)
	o, err := alerts.OpenOutbox(path, []alerts.Sink{hook}, alerts.OutboxOptions{FirstWait: 5 * time.Millisecond, LongestWait: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	go o.Run(context.Background())
	from := 0
	fmt.Sscan(os.Getenv(killFrom), &from)
	for i := from; ; i++ {
		e := entry(fmt.Sprintf("alr_%d", i/3), i%3+1, alerts.Updated, "lp")
		if err := o.Put(e); err != nil {
			t.Fatal(err)
		}
		fmt.Println("stored", i)
	}
}

// TestKill kills the process at arbitrary points: every (id, rev) whose Put returned arrives, always with the same
// bytes, and a repeat carries the same webhook-id.
func TestKill(t *testing.T) {
	var mu sync.Mutex
	bodies, repeats, refused := map[string]string{}, 0, 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		id, err := killKeys.Verify(r.Header, body, time.Now())
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		if refused++; refused%7 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if old, ok := bodies[id]; ok {
			repeats++
			if old != string(body) {
				t.Errorf("%s came with other bytes", id)
			}
		}
		bodies[id] = string(body)
		if refused%11 == 0 {
			w.WriteHeader(http.StatusBadGateway) // taken, but the answer says otherwise
		}
	}))
	defer srv.Close()
	path := filepath.Join(t.TempDir(), "outbox.db")
	last := -1
	for round := range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestOutboxChild$")
		cmd.Env = append(os.Environ(), killDir+"="+path, killURL+"="+srv.URL, fmt.Sprintf("%s=%d", killFrom, last+1))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop, lines := last+20+13*round, bufio.NewScanner(out)
		for lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "stored %d", &last); err == nil && last >= stop {
				break
			}
		}
		if last < stop {
			t.Fatalf("the child ended early: %s", lines.Text())
		}
		cmd.Process.Kill()
		for lines.Scan() { // what it had still printed
			fmt.Sscanf(lines.Text(), "stored %d", &last)
		}
		cmd.Wait()
	}
	hook := alerts.NewWebhook("lp", srv.URL, killKeys, nil, time.Now)
	changed := make(chan int, 1000)
	opt := alerts.OutboxOptions{FirstWait: 5 * time.Millisecond, LongestWait: 20 * time.Millisecond,
		Hooks: alerts.OutboxHooks{Queue: func(_ string, waiting, _ int) { changed <- waiting }}}
	o, stop := running(t, path, opt, hook)
	defer stop()
	limit := time.After(20 * time.Second)
	for left := 1; left > 0; {
		select {
		case left = <-changed:
		case <-limit:
			t.Fatalf("still waiting: %+v", o.Outputs())
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range last + 1 {
		key := fmt.Sprintf("alr_%d.%d", i/3, i%3+1)
		if want := string(entry(fmt.Sprintf("alr_%d", i/3), i%3+1, alerts.Updated).Body); bodies[key] != want {
			t.Errorf("%s: got %q, want %q", key, bodies[key], want)
		}
	}
	if repeats == 0 || !strings.HasPrefix(bodies["alr_0.1"], "{") {
		t.Errorf("no repeat was seen: the receiver's failures did not reach the outbox")
	}
	t.Logf("%d revisions over 4 kills, %d repeats", last+1, repeats)
}
