package rules

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watch calls changed each time the set's files of a folder have other bytes than before, once nothing has happened to the
// folder for settle (about 100 ms: editors write in several steps, and some rename). hash is Set.Hash of what was loaded
// last, so that an edit made before the watch began is not missed. changed runs on Watch's goroutine; the edits made
// meanwhile are seen afterwards. Watch returns when ctx ends (nil) or the folder can no longer be watched.
func Watch(ctx context.Context, dir, hash string, settle time.Duration, changed func()) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching %s: %w", dir, err)
	}
	defer w.Close()
	if err := w.Add(dir); err != nil {
		return fmt.Errorf("watching %s: %w", dir, err)
	}
	settled := time.NewTimer(settle)
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Events:
			if !ok {
				return fmt.Errorf("watching %s: the watch has ended", dir)
			}
			if filepath.Clean(e.Name) == filepath.Clean(dir) && e.Has(fsnotify.Remove|fsnotify.Rename) {
				return fmt.Errorf("watching %s: the folder was removed", dir)
			}
			settled.Reset(settle)
		case err, ok := <-w.Errors:
			if !ok {
				return fmt.Errorf("watching %s: the watch has ended", dir)
			}
			if err != fsnotify.ErrEventOverflow {
				return fmt.Errorf("watching %s: %w", dir, err)
			}
			settled.Reset(settle)
		case <-settled.C:
			files, err := readFiles(os.DirFS(dir))
			if errors.Is(err, fs.ErrNotExist) {
				continue // a file vanished while it was read: another event follows
			}
			h := hashOf(files)
			if err != nil { // who loads the set says what is wrong
				h = err.Error()
			}
			if h != hash {
				hash = h
				changed()
			}
		}
	}
}
