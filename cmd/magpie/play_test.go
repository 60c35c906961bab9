package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"magpie/journal"
	"magpie/sensors"
)

// lay writes a recording whose messages arrive a second apart, and returns its path.
func lay(t *testing.T, name string, messages int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	r, err := journal.CreateRecording(path, at.UnixNano())
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		ts := at.Add(time.Duration(i)*time.Second - 40*time.Millisecond)
		for _, l := range []journal.Line{
			{Topic: "magpie/v1/s/gate/g", Payload: fmt.Appendf(nil, `{"ts":%q,"seq":%d,"alarm":true}`, ts.Format(time.RFC3339Nano), i)},
			{Topic: "magpie/v1/s/alert/alr_1", Payload: []byte(`{}`)},
			{Control: &journal.Control{Kind: journal.ControlTick}},
		} {
			l.Received = at.Add(time.Duration(i) * time.Second).UnixNano()
			if err := r.Write(l); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPlayKeepsPace(t *testing.T) {
	path := lay(t, "a.jsonl", 3)
	for _, test := range []struct {
		o    playOptions
		want string
	}{
		{playOptions{speed: 1}, `0s 2026-11-22T09:59:59.96Z|1s 2026-11-22T10:00:00.96Z|2s 2026-11-22T10:00:01.96Z`},
		{playOptions{speed: 4, shift: true}, `0s 1999-12-31T23:59:59.960000000Z|250ms 2000-01-01T00:00:00.210000000Z|500ms 2000-01-01T00:00:00.460000000Z`},
		{playOptions{speed: 0}, `0s 2026-11-22T09:59:59.96Z|0s 2026-11-22T10:00:00.96Z|0s 2026-11-22T10:00:01.96Z`},
		{playOptions{speed: 1, loop: true, shift: true}, `0s 1999-12-31T23:59:59.960000000Z|1s 2000-01-01T00:00:00.960000000Z|2s 2000-01-01T00:00:01.960000000Z|2s 2000-01-01T00:00:01.960000000Z|3s 2000-01-01T00:00:02.960000000Z`},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), 3500*time.Millisecond)
			defer stop()
			began := time.Now()
			test.o.now = time.Now
			var got []string
			n, err := play(ctx, path, test.o, func(_ context.Context, topic string, retain bool, payload []byte) error {
				_, ts, _ := strings.Cut(string(payload), `"ts":"`)
				ts, _, _ = strings.Cut(ts, `"`)
				got = append(got, time.Since(began).String()+" "+ts)
				return nil
			})
			if (err != nil) != test.o.loop || n != len(got) {
				t.Errorf("played %d messages, %v", n, err)
			}
			if s := strings.Join(got, "|"); s != test.want {
				t.Errorf("%+v\ngot  %s\nwant %s", test.o, s, test.want)
			}
		})
	}
}

// TestRecordWhatIsPlayed plays a recording to a broker and records it from there: the same messages in the same order.
func TestRecordWhatIsPlayed(t *testing.T) {
	b, err := sensors.NewBroker(sensors.BrokerOptions{Listen: "127.0.0.1:0", Dir: t.TempDir(), Store: "s"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	path := lay(t, "in.jsonl.zst", 500)
	outPath := filepath.Join(t.TempDir(), "out.jsonl.gz")
	file, err := journal.CreateRecording(outPath, time.Now().UnixNano())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	up, ended, all := make(chan struct{}), make(chan error), make(chan struct{})
	written := 0
	go func() {
		n, err := record(ctx, sensors.SubscriberOptions{URL: b.URL(), ClientID: "r", Clean: true, Topics: []string{"#"},
			Connected: func(is bool, _ error) {
				if is {
					close(up)
				}
			}}, func(l journal.Line) error {
			if l.Control == nil {
				if written++; written == 501 {
					defer close(all)
				}
			}
			return file.Write(l)
		}, file.Flush, []string{"seq"}, time.Now)
		if n != 501 {
			t.Errorf("recorded %d messages", n)
		}
		ended <- err
	}()
	<-up
	var log bytes.Buffer
	if err := runPlay(t.Context(), []string{path, "--broker", b.URL(), "--speed", "0"}, io.Discard, &log); err != nil {
		t.Fatal(err)
	}
	if log.String() != "played 500 messages\n" {
		t.Error(log.String())
	}
	last := lay(t, "last.jsonl", 1)
	if err := runPlay(t.Context(), []string{"--broker", b.URL(), last}, io.Discard, &log); err != nil {
		t.Fatal(err)
	}
	<-all
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	want, got := payloadsOf(t, path), payloadsOf(t, outPath)
	if len(got) != 501 {
		t.Fatalf("%d messages in the recording", len(got))
	}
	for i, w := range want {
		if w = strings.Replace(w, fmt.Sprintf(`"seq":%d,`, i), "", 1); got[i] != w {
			t.Fatalf("message %d is %s, not %s", i, got[i], w)
		}
	}
}

func payloadsOf(t *testing.T, path string) (all []string) {
	t.Helper()
	r, err := journal.OpenRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		l, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if l.Control == nil && !sensors.OwnTopic(l.Topic) {
			all = append(all, string(l.Payload))
		}
	}
}

func TestPlayErrors(t *testing.T) {
	for want, args := range map[string][]string{
		"name one recording":           {},
		"--speed -1: not negative":     {"--speed", "-1", "x.jsonl"},
		"--loop needs a file":          {"-", "--loop"},
		"broker mqtt://127.0.0.1:1":    {"x.jsonl", "--broker", "mqtt://127.0.0.1:1"},
		"no such file or directory":    {"x.jsonl", "--password-file", "/nonexistent/password"},
		"flag provided but not define": {"x.jsonl", "--sped", "1"},
	} {
		if err := runPlay(t.Context(), args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if err := runRecord(t.Context(), nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "name one file") {
		t.Error(err)
	}
}

// TestPlayWithANewPassword changes the password at the broker while a recording is played, and in its file: what was published
// meanwhile is still acknowledged.
func TestPlayWithANewPassword(t *testing.T) {
	dir := t.TempDir()
	users, file := filepath.Join(dir, "users.txt"), filepath.Join(dir, "password")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(users, "gates:old:g\n")
	write(file, "old\n")
	start := func(listen string) *sensors.Broker {
		t.Helper()
		b, err := sensors.NewBroker(sensors.BrokerOptions{Listen: listen, Dir: filepath.Join(dir, "broker"), Store: "s", Users: users})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	}
	b := start("127.0.0.1:0")
	flags := brokerFlags{url: b.URL(), user: "gates", passwordFile: file}
	settings, err := flags.options()
	if err != nil {
		t.Fatal(err)
	}
	settings.Log = slog.New(slog.DiscardHandler)
	to, err := newPlayBroker(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	write(users, "gates:new:g\n")
	write(file, "new\n")
	start(strings.TrimPrefix(b.URL(), "mqtt://"))
	err = to.publish(t.Context(), "magpie/v1/s/gate/g", false, []byte(`{"ts":"arrival","alarm":true}`))
	if err = errors.Join(err, to.finish(t.Context())); err != nil {
		t.Error(err)
	}
}
