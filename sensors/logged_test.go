package sensors

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// logged is a log that a test can wait for.
type logged struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newLogged() *logged { return &logged{changed: make(chan struct{}, 1)} }

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

// has reports whether the log holds a text so far.
func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

func (l *logged) await(t *testing.T, want string) {
	t.Helper()
	for end := time.After(10 * time.Second); ; {
		if l.has(want) {
			return
		}
		select {
		case <-l.changed:
		case <-end:
			l.mu.Lock()
			defer l.mu.Unlock()
			t.Fatalf("the log lacks %q:\n%s", want, l.text.String())
		}
	}
}
