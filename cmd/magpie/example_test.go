package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"magpie/sim"
	"magpie/site"
)

var update = flag.Bool("update", false, "write examples/sensors.jsonl anew from sensors.txt")

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
