//go:build onnx && cgo

package onnx

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"magpie/vision"
)

// cached is a file that scripts/setup.sh fetches; a test without it is skipped.
func cached(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("MAGPIE_CACHE")
	if dir == "" {
		dir = filepath.Join("..", "..", ".cache")
	}
	p := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("not set up (scripts/setup.sh ort model footage): %v", err)
	}
	return p
}

func config(t testing.TB, model string) Config {
	return Config{Model: model, Library: cached(t, "onnxruntime", "libonnxruntime.so"), Log: slog.New(slog.DiscardHandler)}
}

func open(t testing.TB, cfg Config) *Detector {
	t.Helper()
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// footage is the frame at a time of Debian's pedestrian footage.
func footage(t testing.TB, at string) vision.Frame {
	t.Helper()
	avi := cached(t, "footage", "vtest.avi")
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	out, err := exec.Command("ffmpeg", "-v", "error", "-ss", at, "-i", avi, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "bgr24", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	f := vision.Frame{Pix: out, W: 768, H: 576}
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFindsPeople(t *testing.T) {
	d := open(t, config(t, cached(t, "models", "nanodet.onnx")))
	if d.Provider() != CPU || !strings.HasPrefix(d.ModelHash(), "sha256:") || d.Batch() != 1 {
		t.Errorf("provider %q, hash %q, batch %d", d.Provider(), d.ModelHash(), d.Batch())
	}
	f := footage(t, "6")
	found, err := d.Detect(t.Context(), []vision.Frame{f, f})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(found[0], found[1]) {
		t.Error("the same frame twice gave two answers")
	}
	sure := 0
	for _, x := range found[0] {
		if x.Class == vision.Person && x.Conf >= 0.5 {
			sure++
			if x.Box[3] < 50 || x.Box[3] > 200 || x.Box[2] > x.Box[3] {
				t.Errorf("this is no person: %v", x)
			}
		}
	}
	if sure < 5 {
		t.Errorf("%d people from 0.5 on, want at least 5: %v", sure, found[0])
	}
}

func TestContextAndClose(t *testing.T) {
	d := open(t, config(t, cached(t, "models", "nanodet.onnx")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := vision.Frame{Pix: make([]byte, 12), W: 2, H: 2}
	if _, err := d.Detect(ctx, []vision.Frame{f}); err == nil {
		t.Error("ran although the context was done")
	}
	if _, err := d.Detect(t.Context(), []vision.Frame{{W: 5, H: 5}}); err == nil || !strings.Contains(err.Error(), "packed BGR") {
		t.Errorf("bad frame: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Detect(t.Context(), []vision.Frame{f}); err != vision.ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}

func TestProviders(t *testing.T) {
	cfg := config(t, cached(t, "models", "nanodet.onnx"))
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	cfg.Providers = []string{TensorRT, CUDA, CPU}
	d := open(t, cfg)
	if d.Provider() != CPU {
		t.Skipf("%s works here", d.Provider())
	}
	for _, want := range []string{"provider tensorrt", "provider cuda", "provider=cpu"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, &log)
		}
	}
	cfg.Require = CUDA
	if d, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "required provider cuda") {
		t.Errorf("started without what is required: %v %v", d, err)
	}
}

func TestRefusesWhatIsNoDetector(t *testing.T) {
	bad := func(cfg Config, want string) {
		t.Helper()
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	cfg := config(t, "nowhere.onnx")
	bad(cfg, "scripts/setup.sh model")
	text := filepath.Join(t.TempDir(), "text.onnx")
	if err := os.WriteFile(text, []byte("not a model"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Model = text
	bad(cfg, "not a model that ONNX Runtime can read")
	cfg.Providers = []string{"gpu"}
	bad(cfg, `unknown provider "gpu"`)
	cfg.Providers = []string{CPU}
	cfg.Require = CUDA
	bad(cfg, "required but not among")
}

// A model whose batch is free gives each frame what it gets alone.
func TestBatchIsTheSameAsOneByOne(t *testing.T) {
	cfg := config(t, yoloOfPixels(t))
	cfg.MaxBatch = 3
	cfg.Conf = 0.9
	d := open(t, cfg)
	r := rand.New(rand.NewPCG(1, 2))
	var frames []vision.Frame
	for range 5 {
		f := vision.Frame{Pix: make([]byte, 32*32*3), W: 32, H: 32}
		for i := range f.Pix {
			f.Pix[i] = byte(r.Uint32())
		}
		frames = append(frames, f)
	}
	var alone [][]vision.Detection
	boxes := 0
	for _, f := range frames {
		found, err := d.Detect(t.Context(), []vision.Frame{f})
		if err != nil {
			t.Fatal(err)
		}
		boxes += len(found[0])
		alone = append(alone, append([]vision.Detection{}, found[0]...))
	}
	together, err := d.Detect(t.Context(), frames)
	if err != nil {
		t.Fatal(err)
	}
	for i := range frames {
		if !reflect.DeepEqual(alone[i], append([]vision.Detection{}, together[i]...)) {
			t.Errorf("frame %d: alone %v, in a batch %v", i, alone[i], together[i])
		}
	}
	if boxes == 0 {
		t.Error("nothing was found: the test says nothing")
	}
}

// The whole of Detect over the bare run of the session; the aim is 1.10.
func BenchmarkDetector(b *testing.B) {
	d := open(b, config(b, cached(b, "models", "nanodet.onnx")))
	frames := []vision.Frame{footage(b, "6")}
	ctx := b.Context()
	t, err := d.tensors(1)
	if err != nil {
		b.Fatal(err)
	}
	var whole, bare time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := d.Detect(ctx, frames); err != nil {
			b.Fatal(err)
		}
		mid := time.Now()
		if err := d.session.Run(t.inV, t.outV); err != nil {
			b.Fatal(err)
		}
		whole, bare = whole+mid.Sub(began), bare+time.Since(mid)
	}
	b.ReportMetric(whole.Seconds()*1000/float64(b.N), "ms/frame")
	b.ReportMetric(whole.Seconds()/bare.Seconds(), "x/session")
}
