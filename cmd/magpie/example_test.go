package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/journal"
	"magpie/metrics"
	"magpie/rules"
	"magpie/sensors/message"
	"magpie/sim"
	"magpie/site"
)

var update = flag.Bool("update", false, "write the recordings of the example anew")

// footage is how long the example's footage is: 795 frames at 10 a second.
const footage = 79500 * time.Millisecond

// exampleSensors expands the example's script to the recording that `make run` plays in step with the footage: everything
// but the camera, which is real.
func exampleSensors(t *testing.T, s *site.Site) []sim.Line {
	t.Helper()
	text, err := os.ReadFile("../../examples/sensors.txt")
	if err != nil {
		t.Fatal(err)
	}
	script, err := sim.Parse(string(text))
	if err != nil {
		t.Fatalf("examples/sensors.txt:\n%v", err)
	}
	start, err := sim.Start("", s.Store.Location)
	if err != nil {
		t.Fatal(err)
	}
	all, err := script.Lines(s, sim.Options{Start: start})
	if err != nil {
		t.Fatalf("examples/sensors.txt:\n%v", err)
	}
	lines := []sim.Line{{Received: start.UnixNano(), Control: "tick"}}
	for _, l := range all {
		camera := strings.HasSuffix(l.Topic, "/cam-1")
		l.Received = max(l.Received, start.UnixNano()) // the first signs of life come a second before
		if !camera && l.Received < start.Add(footage).UnixNano() {
			lines = append(lines, l)
		}
	}
	return append(lines, sim.Line{Received: start.Add(footage).UnixNano(), Control: "tick"})
}

// TestExampleSensors holds examples/sensors.jsonl against the script that it was made from.
func TestExampleSensors(t *testing.T) {
	s, err := site.Load("../../examples/site.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := sim.Recording(exampleSensors(t, s))
	const path = "../../examples/sensors.jsonl"
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what sensors.txt says; run `go test ./cmd/magpie -run ExampleSensors -update`\n%s", path, firstDifference(want, got))
	}
}

// streetRecording is the example as it is recorded: what its sensors say, and the tracks that the camera made of the footage.
const streetRecording = "../../examples/street.jsonl.gz"

// streetLines reads the recorded example, camera and all.
func streetLines(t testing.TB) []journal.Line {
	t.Helper()
	r, err := journal.OpenRecording(streetRecording)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var lines []journal.Line
	for {
		l, err := r.Next()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
}

// TestExampleRecording holds examples/street.jsonl.gz against the sensors that it was recorded with, and against what the
// example is there to show: one alert, of whom no till has seen, and none of who paid. With -update and a camera built in
// it is recorded anew.
func TestExampleRecording(t *testing.T) {
	s, err := site.Load("../../examples/site.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sensors := exampleSensors(t, s)
	if *update {
		writeStreet(t, s, sensors)
	}
	var theirs []sim.Line
	for _, l := range streetLines(t) {
		if strings.HasSuffix(l.Topic, "/cam-1") {
			continue
		}
		x := sim.Line{Received: l.Received, Topic: l.Topic, Payload: l.Payload}
		if l.Control != nil {
			x.Control = l.Control.Kind
		}
		theirs = append(theirs, x)
	}
	if want, got := sim.Recording(sensors), sim.Recording(theirs); !bytes.Equal(want, got) {
		t.Errorf("%s has other sensors than sensors.txt; run `go test -tags gocv,onnx ./cmd/magpie -run ExampleRecording -update`\n%s",
			streetRecording, firstDifference(want, got))
	}
	set, err := loadPolicies("../../policies", s)
	if err != nil {
		t.Fatal(err)
	}
	var list []*alerts.Alert
	p, err := newPipeline(s, set, func(a *alerts.Alert) { list = append(list, a) }, pipelineHooks{})
	if err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for _, l := range streetLines(t) {
		last = l.Received
		p.line(&l)
	}
	p.finish(last)
	closed, known := map[string]*alerts.Alert{}, map[string]*alerts.Alert{}
	for _, a := range list {
		if was := known[a.ID]; was == nil || alerts.Newer(a, was) {
			known[a.ID] = a
			if was != nil && slices.Index(rules.Tiers[:], a.Tier) < slices.Index(rules.Tiers[:], was.Tier) {
				t.Errorf("what is known of %s goes from %s to %s at rev %d", a.ID, was.Tier, a.Tier, a.Rev)
			}
		}
		if a.Final > 0 {
			closed[a.ID] = a
		}
	}
	for id, a := range closed {
		if a.State != alerts.Closed || a.Tier != "gate" || len(a.Items) != 1 || a.Items[0].SKU != "071142008582" {
			t.Errorf("%s: %s", id, a.AppendJSON(nil, false))
		}
	}
	if len(closed) != 1 {
		t.Errorf("%d alerts, want the one of the jar", len(closed))
	}
}

// TestExampleThinned: on a machine that is too slow for its camera, frames are left out, one by one or in stretches, and
// tracks break, half of them without a word. Nobody who has paid is alerted on for that, nor for what was paid.
func TestExampleThinned(t *testing.T) {
	s, err := site.Load("../../examples/site.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadPolicies("../../policies", s)
	if err != nil {
		t.Fatal(err)
	}
	runs := 10
	if testing.Short() {
		runs = 1
	}
	for seed := range runs {
		share := 0.3 + 0.4*float64(seed)/float64(max(1, runs-1))
		p, err := newPipeline(s, set, func(a *alerts.Alert) {
			for _, it := range a.Items {
				if it.SKU == "5000169005361" || a.Transaction != "" {
					t.Errorf("without %.0f %% of the frames, seed %d: %s", 100*share, seed, a.AppendJSON(nil, false))
				}
			}
		}, pipelineHooks{})
		if err != nil {
			t.Fatal(err)
		}
		last := int64(0)
		for _, l := range thinned(t, uint64(seed), share, 1+8*(seed%2), streetLines(t)) {
			last = l.Received
			p.line(&l)
		}
		p.finish(last)
	}
}

// thinned leaves out a share of the frames, in stretches of so many on average. After one that was left out every eighth
// track goes on under another id.
func thinned(t *testing.T, seed uint64, share float64, stretch int, lines []journal.Line) (out []journal.Line) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	names, left, gap := map[string]string{}, 0, false
	begin := share / (float64(stretch)*(1-share) + share)
	for _, l := range lines {
		if !strings.HasSuffix(l.Topic, "/track/cam-1") {
			out = append(out, l)
			continue
		}
		if left == 0 && rng.Float64() < begin {
			left = 1 + rng.IntN(2*stretch-1)
		}
		if left > 0 {
			left--
			gap = true
			continue
		}
		var m message.Track
		if err := json.Unmarshal(l.Payload, &m); err != nil {
			t.Fatal(err)
		}
		for i, lost := range m.Lost {
			m.Lost[i] = cmp.Or(names[lost], lost)
		}
		for i := range m.Tracks {
			id := m.Tracks[i].Track
			if gap && rng.IntN(8) == 0 {
				if rng.IntN(2) == 0 {
					m.Lost = append(m.Lost, cmp.Or(names[id], id))
				}
				names[id] = fmt.Sprintf("%s-%d", id, rng.IntN(1e6))
			}
			m.Tracks[i].Track = cmp.Or(names[id], id)
		}
		gap = false
		payload, err := message.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		l.Payload = payload
		out = append(out, l)
	}
	return out
}

// TestOpenVisits: the page knows where an open visit is, or near what, and where it was in the order in which it was there.
func TestOpenVisits(t *testing.T) {
	s, err := site.Load("../../examples/site.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadPolicies("../../policies", s)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	l, err := newLive(&live{site: s, numbers: newNumbers(s, metrics.NewPrometheus("street", "0", ""), nil, time.Now, log), health: newSourceHealth(s.Store),
		log: log, now: time.Now, place: &place{}, rejections: &rejections{}, old: true})
	if err != nil {
		t.Fatal(err)
	}
	l.pipeline.desk.Install(0, set)
	lines := streetLines(t)
	for _, line := range lines {
		if line.Received > lines[0].Received+43e9 {
			break
		}
		l.pipeline.line(&line)
	}
	near, path := 0, ""
	for _, v := range l.shownVisits() {
		var zones []string
		for _, z := range v.Zones {
			zones = append(zones, z.Zone)
		}
		if v.Zone != "" {
			near++
		} else if len(zones) > 0 {
			t.Errorf("%s was in %v and is said to be near no zone", v.ID, zones)
		}
		if slices.Contains(v.Tracks, "cam-1/street-23") {
			path = strings.Join(zones, " > ") + ", in " + v.Zone
		}
	}
	if near < 9 || path != "door > till-1 > aisle-1, in door" {
		t.Errorf("%d of %d visits are in or near a zone; the one with the jar went %q", near, len(l.shownVisits()), path)
	}
}

func writeStreet(t *testing.T, s *site.Site, lines []sim.Line) {
	t.Helper()
	var tracks bytes.Buffer
	start := time.Unix(0, lines[0].Received).UTC().Format(time.RFC3339Nano)
	err := runVision(t.Context(), []string{"--site", "../../examples/site.yaml", "--print", "--fast", "--start", start,
		"--model", "../../.cache/models/nanodet.onnx", "--ort", "../../.cache/onnxruntime/libonnxruntime.so"}, &tracks, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	boot := ""
	for payload := range bytes.Lines(tracks.Bytes()) {
		var m message.Track
		if err := json.Unmarshal(payload, &m); err != nil {
			t.Fatal(err)
		}
		boot = m.Boot
		payload = bytes.TrimSpace(bytes.ReplaceAll(payload, []byte(boot), []byte("street")))
		// Seen, detected and published: 120 ms after the frame.
		lines = append(lines, sim.Line{Received: m.TS.NS() + 120e6, Topic: message.Topic(s.Store.ID, message.KindTrack, "cam-1"), Payload: payload})
	}
	slices.SortStableFunc(lines, func(a, b sim.Line) int { return cmp.Compare(a.Received, b.Received) })
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(sim.Recording(lines)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(streetRecording, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
