package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/journal"
	"magpie/sensors"
	"magpie/sim"
	"magpie/site"
)

// TestCrashOverSnapshots kills the program (kill -9) after snapshots while a busy shop publishes, and starts it again; the
// last time with so small a bound that the head of the journal is removed. What it printed over all of it is what an
// undisturbed replay of every line prints, and what is left of the journal prints the end of that.
func TestCrashOverSnapshots(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: left out by -short")
	}
	bin, dir := built(t, nil), t.TempDir()
	data, mqtt, http := filepath.Join(dir, "data"), freeAddr(t), freeAddr(t)
	text, err := os.ReadFile(shopSite)
	must(t, err)
	text = fmt.Appendf(text, "\nbroker: {listen: %q}\n", mqtt)
	sitePath := filepath.Join(dir, "site.yaml")
	must(t, os.WriteFile(sitePath, text, 0o644))
	products, err := os.ReadFile(filepath.Join(filepath.Dir(shopSite), "products.csv"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "products.csv"), products, 0o644))

	var magpie *child
	printed := ""
	start := func(keep int) {
		t.Helper()
		if magpie != nil {
			printed += strings.Join(append(linesOf(magpie.out.String()), ""), "\n")
		}
		magpie = startChild(t, bin, "run", "--no-cameras", "--site", sitePath, "--data", data, "--http", http, "--snapshot", "1s", "--keep-bytes", fmt.Sprint(keep))
		await(t, 30*time.Second, "a page at "+http, func() bool { return fetch(http, "/api/sources", nil) == nil })
	}
	snapshots := func() []journal.SnapshotFile {
		all, err := journal.ListSnapshots(filepath.Join(data, "journal"))
		must(t, err)
		return all
	}
	// beyond waits until there is a snapshot of what lies behind an offset, so that the kill comes after it.
	beyond := func(offset int64) int64 {
		t.Helper()
		await(t, 40*time.Second, fmt.Sprintf("a snapshot behind offset %d", offset), func() bool {
			all := snapshots()
			return len(all) > 0 && all[len(all)-1].Offset > offset
		})
		all := snapshots()
		return all[len(all)-1].Offset
	}
	goesOn := func() {
		t.Helper()
		await(t, 10*time.Second, "going on from a snapshot", func() bool { return strings.Contains(magpie.err.String(), "goes on from a snapshot") })
	}

	const plenty, few = 512 << 10, 66 << 10
	start(plenty)
	played := make(chan error, 1)
	go func() { played <- playShop(t, sitePath, "mqtt://"+mqtt) }()
	at := beyond(20 << 10)
	magpie.kill()
	start(plenty)
	goesOn()
	at = beyond(at + 140<<10) // two segments more, of which one can go
	magpie.kill()
	whole := wholeLines(t, filepath.Join(data, "journal"), 0)
	start(few)
	goesOn()
	if !strings.Contains(magpie.err.String(), "trimmed the journal") {
		t.Error("the head of the journal was not removed")
	}
	must(t, <-played)
	beyond(at)
	if code := magpie.stop(t); code != 0 {
		t.Errorf("asked to end it exits with %d", code)
	}
	printed += magpie.out.String()

	whole = append(whole, wholeLines(t, filepath.Join(data, "journal"), int64(len(whole)))...)
	full := filepath.Join(dir, "full.jsonl")
	must(t, os.WriteFile(full, whole, 0o644))
	replay := func(what string) string {
		return output(t, t.Context(), bin, "replay", "--site", sitePath, "--as-recorded", filepath.Join(data, "policies"), what)
	}
	said := map[string]string{}
	all, left := replay(full), replay(filepath.Join(data, "journal"))
	for _, line := range linesOf(all) {
		said[alertOf(t, line).key()] = line
	}
	seen := map[string]bool{}
	for _, line := range linesOf(printed) {
		k := alertOf(t, line).key()
		if seen[k] = true; said[k] != line {
			t.Errorf("printed: %s\nby the replay: %s", line, said[k])
		}
	}
	last, err := journal.Parse(whole[bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1:])
	must(t, err)
	for k, line := range said {
		if !seen[k] && time.Unix(0, last.Received).Sub(alertOf(t, line).RaisedAt) > 5*time.Second { // later ones may still wait in the outbox
			t.Errorf("only the replay prints %s", line)
		}
	}
	journalHead(t, filepath.Join(data, "journal"))
	if left == "" || !strings.HasSuffix(all, left) {
		t.Errorf("what is left of the journal prints\n%s\nnot the end of\n%s", left, all)
	}
	if len(seen) == 0 {
		t.Error("no alert line was printed")
	}
	t.Logf("%d alert lines printed over two kills, the same as by the replay of %d bytes; %d by that of what is left", len(seen), len(whole), len(linesOf(left)))
}

// playShop publishes a minute of a corner shop that is full of people.
func playShop(t *testing.T, sitePath, broker string) error {
	s, err := site.Load(sitePath)
	if err != nil {
		return err
	}
	lines, err := sim.Random(3, s, sim.RandomOptions{Minutes: 1, People: 40, Noise: 1})
	if err != nil {
		return err
	}
	recording := filepath.Join(t.TempDir(), "shop.jsonl")
	if err := os.WriteFile(recording, sim.Recording(lines), 0o644); err != nil {
		return err
	}
	to, err := newPlayBroker(t.Context(), sensors.SubscriberOptions{URL: broker})
	if err != nil {
		return err
	}
	_, err = play(t.Context(), recording, playOptions{speed: 1, shift: true, now: time.Now}, to.publish)
	if finished := to.finish(t.Context()); err == nil {
		err = finished
	}
	return err
}

// wholeLines is what a journal holds from an offset on, up to its last whole line.
func wholeLines(t *testing.T, dir string, from int64) (text []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	must(t, err)
	slices.Sort(files)
	for _, f := range files {
		var base int64
		_, err := fmt.Sscanf(filepath.Base(f), "%d.jsonl", &base)
		must(t, err)
		b, err := os.ReadFile(f)
		must(t, err)
		if skip := from - base; skip > 0 {
			b = b[min(skip, int64(len(b))):]
		}
		text = append(text, b...)
	}
	return text[:bytes.LastIndexByte(text, '\n')+1]
}
