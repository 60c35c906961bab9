//go:build gocv && onnx && cgo

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"magpie/sensors"
	"magpie/sensors/message"
	"magpie/site"
)

// Real footage through OpenCV and the real detector becomes tracks that hold,
// in payloads that the sensors take.
func TestFootageBecomesTracks(t *testing.T) {
	cache := cmp.Or(os.Getenv("MAGPIE_CACHE"), filepath.Join("..", "..", ".cache"))
	film := filepath.Join(cache, "footage", "vtest.avi")
	model := filepath.Join(cache, "models", "nanodet.onnx")
	ort := filepath.Join(cache, "onnxruntime", "libonnxruntime.so")
	for _, p := range []string{film, model, ort} {
		if _, err := os.Stat(p); err != nil {
			t.Skipf("not set up (scripts/setup.sh ort model footage): %v", err)
		}
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	dir := t.TempDir()
	short := filepath.Join(dir, "short.avi")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-i", film, "-t", "4", "-c", "copy", short).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	path := filepath.Join(dir, "site.yaml")
	text := `store: s1
timezone: Europe/London
zones: [{id: a, kind: aisle, polygon: [[-20,-20],[40,-20],[40,60],[-20,60]]}]
cameras:
  - {id: cam-1, url: short.avi, frame: [768, 576], points: [[100,500,0,0],[660,500,6,0],[260,200,0,12],[500,200,6,12]]}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	args := []string{"--site", path, "--model", model, "--ort", ort, "--print", "--fast", "--start", "2026-11-22T10:00:00Z"}
	if err := runVision(t.Context(), args, &out, t.Output()); err != nil {
		t.Fatal(err)
	}
	s, err := site.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := sensors.NewDecoder(s.Store, sensors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	n := 0
	for line := range bytes.Lines(out.Bytes()) {
		var m message.Track
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		if _, err := dec.Decode(m.TS.NS()+1e6, message.Topic("s1", message.KindTrack, "cam-1"), false, bytes.TrimSpace(line)); err != nil {
			t.Errorf("the sensors refuse %s: %v", line, err)
		}
		n++
		for _, o := range m.Tracks {
			if o.Class == "person" && o.Floor != nil && o.SD != nil {
				seen[o.Track]++
			}
		}
	}
	long := 0
	for _, k := range seen {
		if k >= 20 {
			long++
		}
	}
	// Four people walk there; the detector sees all of them from the second second on.
	if n < 40 || long < 3 || len(seen) > 12 {
		t.Errorf("%d payloads, %d tracks of two seconds and more, %d in all: %v", n, long, len(seen), seen)
	}
}

// The log names the part that speaks once a line.
func TestDetectorsLogNamesItsPartOnce(t *testing.T) {
	var log bytes.Buffer
	s, err := site.Load(filepath.Join("..", "..", "examples", "site.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	st := &station{site: s, log: slog.New(slog.NewTextHandler(&log, nil)), set: runSettings{http: "127.0.0.1:0", vision: visionSettings{
		model: cached(t, "models", "nanodet.onnx"), library: cached(t, "onnxruntime", "libonnxruntime.so"), providers: "cpu"}}}
	s.Broker.Listen = "127.0.0.1:0"
	for i := range s.Cameras {
		s.Cameras[i].URL = cached(t, "footage", "vtest.avi")
	}
	defer st.close()
	if _, err := st.ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "component="); n != 1 || !strings.Contains(log.String(), "detector is ready") {
		t.Errorf("component stands %d times in\n%s", n, log.String())
	}
}
