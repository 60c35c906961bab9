package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/sensors/message"
	"magpie/sim"
	"magpie/site"
)

// TestBuildsAgree replays recordings with the program built for the oldest and for a newer amd64, which fuses
// multiply-add: the same bytes must come out. scripts/law-builds.sh runs it.
func TestBuildsAgree(t *testing.T) {
	if os.Getenv("MAGPIE_LAW_BUILDS") == "" {
		t.Skip("run by scripts/law-builds.sh")
	}
	old, fused := built(t, nil, "GOAMD64=v1"), built(t, nil, "GOAMD64=v3")
	if out, err := exec.Command(fused, "version").CombinedOutput(); err != nil {
		t.Skipf("this machine cannot run GOAMD64=v3: %s", out)
	}
	dir := t.TempDir()
	lines := 0
	agree := func(name, site, recording string) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		for _, flags := range [][]string{nil, {"--final"}} {
			var outs [2][]byte
			for i, bin := range []string{old, fused} {
				scores := filepath.Join(dir, "scores")
				out := output(t, ctx, bin, slices.Concat([]string{"replay", "--site", site, "--scores", scores}, flags, []string{recording})...)
				more, err := os.ReadFile(scores)
				must(t, err)
				if len(more) == 0 {
					t.Errorf("%s: no visit was scored", name)
				}
				outs[i] = append([]byte(out), more...)
				lines += strings.Count(out, "\n")
			}
			if !bytes.Equal(outs[0], outs[1]) {
				t.Errorf("%s %v: GOAMD64=v1 and v3 differ:\n%s", name, flags, firstDifference(outs[0], outs[1]))
			}
		}
	}
	w := contractWorld(t)
	const shop = "../../rules/testdata/contract/testdata/corner-shop.yaml"
	for seed := range uint64(20) {
		random, err := sim.Random(seed+1, w.site, sim.RandomOptions{Minutes: 6, People: 8, Noise: 1})
		must(t, err)
		path := filepath.Join(dir, fmt.Sprintf("random-%d.jsonl", seed+1))
		must(t, os.WriteFile(path, sim.Recording(random), 0o644))
		agree(filepath.Base(path), shop, path)
	}
	wrong := filepath.Join(dir, "wrong-clocks.jsonl")
	must(t, os.WriteFile(wrong, sim.Recording(wrongClocks(t, w).lines), 0o644))
	agree("wrong clocks", shop, wrong)
	agree("examples", "../../examples/site.yaml", exampleRecording(t, dir))
	if lines == 0 {
		t.Error("no recording gave a single alert line: the builds are compared on nothing")
	}
	t.Logf("%d alert lines are the same built with GOAMD64=v1 and v3", lines)
}

// TestNothingIsFused reads what the compiler makes for a newer amd64 of the packages that a replay goes through: a multiply
// and add in one instruction rounds once where two round twice, and the digits that differ need not be those that a
// recording brings to light. A product inside a sum is wrapped in float64() to keep them apart.
func TestNothingIsFused(t *testing.T) {
	if os.Getenv("MAGPIE_LAW_BUILDS") == "" {
		t.Skip("run by scripts/law-builds.sh")
	}
	cmd := exec.Command("go", "build", "-gcflags=-S", "../../fusion", "../../rules", "../../alerts", "../../sensors", "../../site", "../../journal", "../../sim", ".")
	cmd.Env = append(os.Environ(), "GOARCH=amd64", "GOAMD64=v3")
	text, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(text, []byte("magpie/fusion.")) {
		t.Fatalf("go build: %v\n%s", err, tailOf(string(text), 2000))
	}
	fused := regexp.MustCompile(`([^/(]+/[^/(]+\.go:\d+)\)\tVFN?M(ADD|SUB)`)
	for _, place := range fused.FindAllSubmatch(text, -1) {
		t.Errorf("%s: multiply and add become one instruction: wrap the product in float64()", place[1])
	}
}

// exampleRecording is the example as it would be recorded: what its sensors say, and the tracks that this build's camera
// makes of the footage. Without OpenCV it is the sensors alone.
func exampleRecording(t *testing.T, dir string) string {
	t.Helper()
	const sitePath = "../../examples/site.yaml"
	s, err := site.Load(sitePath)
	must(t, err)
	lines := exampleSensors(t, s)
	start := lines[0].Received
	var tracks bytes.Buffer
	err = runVision(t.Context(), []string{"--site", sitePath, "--print", "--fast", "--start", time.Unix(0, start).UTC().Format(time.RFC3339Nano),
		"--model", cached(t, "models", "nanodet.onnx"), "--ort", cached(t, "onnxruntime", "libonnxruntime.so")}, &tracks, t.Output())
	switch {
	case err != nil && strings.Contains(err.Error(), "built without"):
		t.Logf("the example is compared without its camera: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	for _, payload := range linesOf(tracks.String()) {
		var m message.Track
		must(t, json.Unmarshal([]byte(payload), &m))
		lines = append(lines, sim.Line{Received: m.TS.NS() + 120e6, Topic: message.Topic(s.Store.ID, message.KindTrack, "cam-1"), Payload: []byte(payload)})
	}
	slices.SortStableFunc(lines, func(a, b sim.Line) int { return cmp.Compare(a.Received, b.Received) })
	path := filepath.Join(dir, "example.jsonl")
	must(t, os.WriteFile(path, sim.Recording(lines), 0o644))
	return path
}
