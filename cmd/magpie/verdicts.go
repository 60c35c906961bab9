package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"magpie/dashboard"
)

// verdicts is the file of what people said of alerts: one JSON line each, synced before it is acknowledged.
type verdicts struct {
	mu    sync.Mutex
	file  *os.File
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

func openVerdicts(path string, now func() time.Time) (*verdicts, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o640)
	if err != nil {
		return nil, err
	}
	v := &verdicts{file: f, marks: map[string]dashboard.Mark{}, now: now}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	end := int64(0)
	for n := 1; in.Scan(); n++ {
		var l verdictLine
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			if info, e := f.Stat(); e == nil && end+int64(len(in.Bytes())) >= info.Size() {
				// A crash tore the last line, which nobody was told was kept.
				return v, f.Truncate(end)
			}
			return nil, errors.Join(fmt.Errorf("%s:%d: %w; mend or remove the line", path, n, err), f.Close())
		}
		end += int64(len(in.Bytes())) + 1
		v.mark(&l)
	}
	if err := in.Err(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return v, nil
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

// add keeps a line for good.
func (v *verdicts) add(l verdictLine) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	l.At = v.now().UTC()
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err := v.file.Write(append(b, '\n')); err != nil {
		return err
	}
	if err := v.file.Sync(); err != nil {
		return err
	}
	v.mark(&l)
	return nil
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
