package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/journal"
	"magpie/sim"
	"magpie/site"
)

// laySite writes the site of testdata/street into a folder of its own: with film as its camera, its policies copied so that a test
// may edit them, their staff tier sent to the till too, and more set as a user would.
func laySite(t *testing.T, film string, more map[string]any) (path, policies string) {
	t.Helper()
	dir := t.TempDir()
	policies = filepath.Join(dir, "policies")
	must(t, os.Mkdir(policies, 0o755))
	files, err := filepath.Glob("../../policies/*.yaml")
	must(t, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		text = []byte(strings.ReplaceAll(string(text), "staff: [floor]", "staff: [floor, pos]"))
		must(t, os.WriteFile(filepath.Join(policies, filepath.Base(f)), text, 0o644))
	}
	text, err := os.ReadFile("testdata/street/site.yaml")
	must(t, err)
	var s map[string]any
	must(t, yaml.Unmarshal(text, &s))
	s["cameras"].([]any)[0].(map[string]any)["url"] = film
	s["policies"] = map[string]any{"dir": "policies"}
	for k, v := range more {
		s[k] = v
	}
	text, err = yaml.Marshal(s)
	must(t, err)
	path = filepath.Join(dir, "site.yaml")
	must(t, os.WriteFile(path, text, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte(hookSecret+"\n"), 0o600))
	products, err := os.ReadFile("testdata/street/products.csv")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "products.csv"), products, 0o644))
	return path, policies
}

// authored is a recording of what the sensors of a site say: all but the camera, which is real. It lasts so long.
func authored(t *testing.T, sitePath, script string, long time.Duration) string {
	t.Helper()
	s, err := site.Load(sitePath)
	must(t, err)
	parsed, err := sim.Parse(script)
	must(t, err)
	start, err := sim.Start("", s.Store.Location)
	must(t, err)
	all, err := parsed.Lines(s, sim.Options{Start: start})
	must(t, err)
	lines := []sim.Line{{Received: start.UnixNano(), Control: "tick"}}
	for _, l := range all {
		l.Received = max(l.Received, start.UnixNano())
		if !strings.HasSuffix(l.Topic, "/cam-1") && l.Received < start.Add(long).UnixNano() {
			lines = append(lines, l)
		}
	}
	path := filepath.Join(t.TempDir(), "sensors.jsonl")
	must(t, os.WriteFile(path, sim.Recording(lines), 0o644))
	return path
}

// impinjEvent is what a reader of that make would have sent in place of a canonical read.
func impinjEvent(t *testing.T, payload []byte) []byte {
	t.Helper()
	var m struct {
		TS      string
		EPC     string
		Antenna int
		RSSI    float64
	}
	must(t, json.Unmarshal(payload, &m))
	b, err := json.Marshal(map[string]any{"timestamp": m.TS, "hostname": "r-east", "eventType": "tagInventory",
		"tagInventoryEvent": map[string]any{"epcHex": m.EPC, "antennaPort": m.Antenna, "peakRssiCdbm": int(100 * m.RSSI)}})
	must(t, err)
	return b
}

// messagesIn are the messages of a journal, whatever was killed while it wrote.
func messagesIn(t *testing.T, dir string) (all []journal.Line) {
	t.Helper()
	r, err := openSegments(dir)
	must(t, err)
	defer r.Close()
	for {
		l, err := r.Next()
		if err != nil {
			return all // the end, or a line that is being written
		}
		if l.Control == nil || l.Control.Kind == journal.ControlPolicies {
			all = append(all, l)
		}
	}
}

// firstFrame waits for the camera's first frame, and gives its time: what happens is in step with the footage.
func firstFrame(t *testing.T, data string) (at time.Time) {
	t.Helper()
	await(t, 30*time.Second, "a first frame of the camera in the journal", func() bool {
		if !exists(filepath.Join(data, "journal")) {
			return false
		}
		for _, l := range messagesIn(t, filepath.Join(data, "journal")) {
			var m struct{ TS time.Time }
			if strings.HasSuffix(l.Topic, "/track/cam-1") && json.Unmarshal(l.Payload, &m) == nil {
				at = m.TS
				return true
			}
		}
		return false
	})
	return at
}

// replayOf is what `magpie replay` prints for a journal as it was judged.
func replayOf(t *testing.T, bin, sitePath, data string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return output(t, ctx, bin, "replay", "--site", sitePath, "--as-recorded", filepath.Join(data, "policies"), filepath.Join(data, "journal"))
}
