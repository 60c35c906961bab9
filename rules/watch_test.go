package rules

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWatch edits a folder as editors do and waits for each change to be told once, and for nothing else to be.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("p.yaml", scoring("1"))
	set, err := Load(os.DirFS(dir), Options{Store: shop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	told, done := make(chan string, 16), make(chan error, 1)
	write("p.yaml", scoring("0.5")) // before the watch begins
	go func() {
		done <- Watch(ctx, dir, set.Hash, 10*time.Millisecond, func() {
			text, _ := os.ReadFile(filepath.Join(dir, "p.yaml"))
			told <- string(text)
		})
	}()
	wait := func(want string) {
		t.Helper()
		select {
		case got := <-told:
			if got != want {
				t.Errorf("told when the file was %q, want %q", got, want)
			}
		case err := <-done:
			t.Fatalf("the watch ended: %v", err)
		case <-time.After(10 * time.Second):
			t.Fatal("not told of a change within 10 s")
		}
	}
	wait(scoring("0.5"))
	write("p.yaml", scoring("0.5")) // the same bytes
	write("notes.txt", "x")
	write("p_test.yaml", "x")
	write(".p.yaml.swp", "x")
	select {
	case text := <-told:
		t.Errorf("told of no change: %q", text)
	case <-time.After(100 * time.Millisecond): // ten times what it takes to settle
	}
	write("new", scoring("0.25"))
	if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "p.yaml")); err != nil {
		t.Fatal(err)
	}
	wait(scoring("0.25"))
	write("p.yaml", "broken: [")
	wait("broken: [")
	write("notes.yml", "x") // which no set takes: who loads it says so, and edits are still seen
	wait("broken: [")
	if err := os.Remove(filepath.Join(dir, "notes.yml")); err != nil {
		t.Fatal(err)
	}
	wait("broken: [")
	write("p.yaml", scoring("0.125"))
	wait(scoring("0.125"))
	stop()
	if err := <-done; err != nil {
		t.Errorf("ended with %v", err)
	}
	select {
	case text := <-told:
		t.Errorf("told of no change: %q", text)
	default:
	}
	if err := Watch(context.Background(), filepath.Join(dir, "none"), "", time.Millisecond, func() {}); err == nil {
		t.Error("watches a folder that is not there")
	}
}
