//go:build gocv

package opencv

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magpie/vision"
)

func config(url string) Config {
	return Config{URL: url, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

func open(t testing.TB, cfg Config) *Source {
	t.Helper()
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// film is ten frames a second for a second, the n-th of brightness 20·n.
func film10(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	path := filepath.Join(t.TempDir(), "film.avi")
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=black:size=64x48:rate=10",
		"-vf", "format=gray,geq=lum='20*N'", "-t", "1", "-c:v", "ffv1", "-pix_fmt", "gray", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return path
}

func TestFastFileGivesEveryFrame(t *testing.T) {
	cfg := config(film10(t))
	cfg.Fast, cfg.Start = true, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := open(t, cfg)
	for n := range 10 {
		f, err := s.Next(t.Context())
		if err != nil {
			t.Fatalf("frame %d: %v", n, err)
		}
		if want := cfg.Start.Add(time.Duration(n) * 100 * time.Millisecond); f.Time != want.UnixNano() {
			t.Errorf("frame %d at %v, want %v", n, time.Unix(0, f.Time).UTC(), want)
		}
		if d := int(f.Pix[3*(24*64+32)]) - 20*n; f.W != 64 || f.H != 48 || d < -4 || d > 4 {
			t.Errorf("frame %d is %d×%d, off by %d", n, f.W, f.H, d)
		}
	}
	if _, err := s.Next(t.Context()); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	if st := s.Stats(); st.Frames != 10 || st.Dropped != 0 {
		t.Errorf("%+v", st)
	}
}

func TestLoopGoesOnInTime(t *testing.T) {
	cfg := config(film10(t))
	cfg.Fast, cfg.Loop, cfg.Start = true, true, time.Unix(1000, 0)
	s := open(t, cfg)
	for n := range 25 {
		f, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := cfg.Start.UnixNano() + int64(n)*1e8; f.Time != want {
			t.Fatalf("frame %d at %d, want %d", n, f.Time, want)
		}
	}
}

func TestPacedFileDropsWhatNobodyTakes(t *testing.T) {
	s := open(t, config(film10(t)))
	began := time.Now()
	if _, err := s.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-s.done // the whole film was played
	if d := time.Since(began); d < 800*time.Millisecond || d > 3*time.Second {
		t.Errorf("a second of film took %v", d)
	}
	f, err := s.Next(t.Context())
	if d := int(f.Pix[0]) - 180; err != nil || d < -4 || d > 4 {
		t.Errorf("not the newest frame: %v %v", f.Pix[0], err)
	}
	if _, err := s.Next(t.Context()); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	if st := s.Stats(); st.Frames != 10 || st.Dropped != 8 {
		t.Errorf("%+v", st)
	}
}

func TestBadFiles(t *testing.T) {
	if _, err := Open(t.Context(), config("nowhere.avi")); err == nil || !strings.Contains(err.Error(), "nowhere.avi") {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "text.avi")
	if err := os.WriteFile(path, []byte("this is no film"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), config(path)); err == nil || !strings.Contains(err.Error(), "no film") {
		t.Errorf("got %v", err)
	}
}

// A camera gives frames, falls silent, dies, comes back: each is told within
// three seconds, and frames flow again.
func TestCameraThatDiesAndComesBack(t *testing.T) {
	c := newCamera(t)
	cfg := config(c.url())
	cfg.Retry = 100 * time.Millisecond
	s := open(t, cfg)
	frames := func(what string, n int) {
		t.Helper()
		for k := 0; k < n; {
			f, err := s.Next(t.Context())
			var out *vision.Outage
			switch {
			case errors.As(err, &out):
				continue // may be told while it comes up
			case err != nil:
				t.Fatalf("%s: %v", what, err)
			case f.W != 320 || f.H != 240 || time.Since(time.Unix(0, f.Time)) > 3*time.Second:
				t.Fatalf("%s: frame of %d×%d at %v", what, f.W, f.H, time.Unix(0, f.Time))
			}
			k++
		}
	}
	outage := func(what string) {
		t.Helper()
		began := time.Now()
		for {
			_, err := s.Next(t.Context())
			var out *vision.Outage
			if errors.As(err, &out) {
				t.Logf("%s: told after %v: %v", what, time.Since(began).Round(10*time.Millisecond), err)
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if d := time.Since(began); d > 3500*time.Millisecond {
			t.Errorf("%s: told after %v", what, d)
		}
	}
	frames("at first", 10)
	c.die()
	outage("dead")
	c.live(t)
	frames("back", 10)
	c.hush()
	outage("silent")
	c.die()
	c.live(t)
	frames("back again", 10)
	if st := s.Stats(); st.Attempts < 3 || st.Frames < 30 {
		t.Errorf("%+v", st)
	}
}

func TestCameraThatIsNotThere(t *testing.T) {
	cfg := config("rtsp://user:secret@127.0.0.1:1/1")
	s := open(t, cfg)
	_, err := s.Next(t.Context())
	var out *vision.Outage
	if !errors.As(err, &out) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestPipeline(t *testing.T) {
	cfg := config("videotestsrc num-buffers=50 ! video/x-raw,format=BGR,width=64,height=48,framerate=25/1 ! videoconvert ! appsink")
	s := open(t, cfg)
	f, err := s.Next(t.Context())
	var out *vision.Outage
	if errors.As(err, &out) {
		t.Skipf("OpenCV has no GStreamer here, or its plugins are not installed: %v", err)
	}
	if err != nil || f.W != 64 || f.H != 48 {
		t.Errorf("%d×%d %v", f.W, f.H, err)
	}
}
