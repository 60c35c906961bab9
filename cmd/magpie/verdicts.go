package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"magpie/dashboard"
)

// verdicts is the file of what people said of alerts: one JSON line each, synced before it is acknowledged.
type verdicts struct {
	mu    sync.Mutex
	file  *os.File
	write func([]byte) (int, error) // the file's own
	size  int64                     // up to the end of the last whole line
	torn  bool                      // there is more behind it, which could not be cut off
	marks map[string]dashboard.Mark
	now   func() time.Time
}

// verdictLine is one line of the file; Verdict is empty where somebody only took the alert on.
type verdictLine struct {
	At        time.Time `json:"at"`
	ID        string    `json:"id"`
	Who       string    `json:"who"`
	Verdict   string    `json:"verdict,omitempty"`
	Recovered float64   `json:"recovered,omitempty"`
	Minutes   float64   `json:"minutes,omitempty"`
	Why       string    `json:"why,omitempty"`
}

// openVerdicts reads the file, or makes it. A line at its end that a crash tore is cut off, since nobody was told that it
// was kept, and one that only lacks its line break gets it: the next line must stand on its own.
func openVerdicts(path string, now func() time.Time) (*verdicts, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	v := &verdicts{file: f, write: f.Write, marks: map[string]dashboard.Mark{}, now: now}
	if err := v.read(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return v, nil
}

func (v *verdicts) read(path string) error {
	in := bufio.NewReader(v.file)
	for n := 1; ; n++ {
		line, end := in.ReadBytes('\n')
		if end != nil && end != io.EOF {
			return end
		}
		if len(line) == 0 {
			return nil
		}
		var l verdictLine
		err := json.Unmarshal(line, &l)
		switch {
		case err == nil && end == io.EOF:
			v.mark(&l)
			return v.keep([]byte{'\n'})
		case end == io.EOF:
			return v.cut()
		case err != nil:
			return fmt.Errorf("%s:%d: %w; mend or remove the line", path, n, err)
		}
		v.size += int64(len(line))
		v.mark(&l)
	}
}

func (v *verdicts) mark(l *verdictLine) {
	m := v.marks[l.ID]
	if l.Verdict == "" {
		m.Acked = l.Who
	} else {
		m.Verdict, m.Who, m.Why = l.Verdict, l.Who, l.Why
	}
	v.marks[l.ID] = m
}

// add keeps a line for good. It gives what had been said of the alert before.
func (v *verdicts) add(l verdictLine) (was dashboard.Mark, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	was = v.marks[l.ID]
	l.At = v.now().UTC()
	b, err := json.Marshal(l)
	if err != nil {
		return was, err
	}
	if err := v.keep(append(b, '\n')); err != nil {
		return was, err
	}
	v.mark(&l)
	return was, nil
}

// keep appends b and syncs. Where that fails nothing of b stays in the file: half a line would be glued to the next one.
func (v *verdicts) keep(b []byte) error {
	if v.torn {
		if err := v.cut(); err != nil {
			return err
		}
	}
	info, err := v.file.Stat()
	if err != nil {
		return err
	}
	v.size = info.Size()
	if _, err = v.write(b); err == nil {
		err = v.file.Sync()
	}
	if err != nil {
		return errors.Join(err, v.cut())
	}
	return nil
}

// cut takes away what stands behind the last whole line.
func (v *verdicts) cut() error {
	err := v.file.Truncate(v.size)
	v.torn = err != nil
	return err
}

func (v *verdicts) all() map[string]dashboard.Mark {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := make(map[string]dashboard.Mark, len(v.marks))
	for k, x := range v.marks {
		m[k] = x
	}
	return m
}
