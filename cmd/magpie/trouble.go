package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// trouble is what keeps this process from its work now, by the part that has it: /healthz says it.
type trouble struct {
	mu  sync.Mutex
	now map[string]error
}

// set notes that a part has trouble; nil: it has none any more.
func (t *trouble) set(part string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.now, part)
		return
	}
	if t.now == nil {
		t.now = map[string]error{}
	}
	t.now[part] = fmt.Errorf("%s: %w", part, err)
}

// err is all trouble, in the order of the parts' names; nil when there is none.
func (t *trouble) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var parts []string
	for p := range t.now {
		parts = append(parts, p)
	}
	slices.Sort(parts)
	var errs []error
	for _, p := range parts {
		errs = append(errs, t.now[p])
	}
	return errors.Join(errs...)
}
