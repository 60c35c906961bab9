package opencv

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"magpie/vision"
)

func pixel(v byte) vision.Frame {
	return vision.Frame{Pix: []byte{v, v, v}, W: 1, H: 1, Time: int64(v)}
}

func TestNewestFrameWins(t *testing.T) {
	l := newLatest()
	lent := pixel(0) // OpenCV's memory, used for every frame
	for v := range byte(5) {
		lent.Pix[0], lent.Time = v, int64(v)
		l.put(lent)
	}
	lent.Pix[0] = 99
	f, err := l.take(t.Context(), 0)
	if err != nil || f.Pix[0] != 4 || f.Time != 4 {
		t.Fatalf("%v %v", f, err)
	}
	// What was lent stays whole while newer frames come.
	l.put(pixel(7))
	l.put(pixel(8))
	if f.Pix[0] != 4 {
		t.Error("a lent frame was overwritten")
	}
	if n, dropped := l.counts(); n != 7 || dropped != 5 {
		t.Errorf("%d frames, %d dropped", n, dropped)
	}
	l.finish(io.EOF)
	if f, err := l.take(t.Context(), 0); err != nil || f.Pix[0] != 8 {
		t.Errorf("the last frame before the end: %v %v", f, err)
	}
	if _, err := l.take(t.Context(), 0); err != io.EOF {
		t.Errorf("then %v", err)
	}
}

func TestSilentCameraIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLatest()
		l.put(pixel(1))
		if _, err := l.take(t.Context(), 3*time.Second); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var out *vision.Outage
		if _, err := l.take(t.Context(), 3*time.Second); !errors.As(err, &out) {
			t.Fatalf("got %v", err)
		}
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("noticed after %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := l.take(ctx, 3*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("told twice: %v", err)
		}
		go l.put(pixel(2))
		if f, err := l.take(t.Context(), 3*time.Second); err != nil || f.Pix[0] != 2 {
			t.Errorf("after it came back: %v %v", f, err)
		}
		go l.away(&vision.Outage{Reason: "gone"})
		if _, err := l.take(t.Context(), 3*time.Second); err == nil || err.Error() != "gone" {
			t.Errorf("got %v", err)
		}
		ctx2, cancel2 := context.WithTimeout(t.Context(), time.Hour)
		defer cancel2()
		if _, err := l.take(ctx2, 3*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("told that it is silent after it was told that it is gone: %v", err)
		}
	})
}

func TestBackoff(t *testing.T) {
	b := backoff{first: time.Second, most: 30 * time.Second}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		if d := b.wait(); d < want*800*time.Millisecond || d > want*1200*time.Millisecond {
			t.Errorf("waits %v, want about %d s", d, want)
		}
	}
	b.reset()
	if d := b.wait(); d > 1200*time.Millisecond {
		t.Errorf("after a reset %v", d)
	}
}

func TestKind(t *testing.T) {
	f := func(url string, want Kind) {
		t.Helper()
		if got := (Config{URL: url}).Kind(); got != want {
			t.Errorf("%s: %d, want %d", url, got, want)
		}
	}
	f("vtest.avi", File)
	f("file:///films/a.mp4", File)
	f("rtsp://user:secret@camera/1", Camera)
	f("/dev/video0", Camera)
	f("videotestsrc ! videoconvert ! appsink", Pipeline)
}
