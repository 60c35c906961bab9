package sim

import (
	"fmt"
	"strings"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// outage is a time in which what a source says reaches nobody: its line or its power is gone.
type outage struct{ from, to time.Duration }

// willAfter is how long after a source fell silent the broker says so in its place: one and a half keep-alives of half a minute.
const willAfter = 45 * time.Second

// parseOutage reads NAME, NAME@FROM or NAME@FROM..TO, of which NAME is a source or a kind of source; from and to are times since the
// beginning. Without a time it lasts from the beginning, and without an end to the end, both of which all is 0.
func parseOutage(text string) (name string, o outage, all bool, err error) {
	name, span, timed := strings.Cut(text, "@")
	if !timed {
		return name, outage{}, true, nil
	}
	from, to, ends := strings.Cut(span, "..")
	if o.from, err = time.ParseDuration(from); err == nil && ends {
		o.to, err = time.ParseDuration(to)
	}
	if err != nil || o.from < 0 || ends && o.to <= o.from {
		return "", o, false, fmt.Errorf("off %q: write %s@10m, or %s@10m..20m, times since the beginning", text, name, name)
	}
	return name, o, false, nil
}

// turnOff is what the option Off says, of one entry.
func (w *world) turnOff(text string) error {
	name, o, all, err := parseOutage(text)
	if err != nil {
		return err
	}
	if o.to == 0 {
		o.to = w.end + 1
	}
	found := false
	for _, src := range w.store.Sources {
		if src.ID != name && src.Kind.String() != name {
			continue
		}
		if found = true; all {
			w.silent[src.ID] = true
		} else {
			w.outages[src.ID] = append(w.outages[src.ID], o)
		}
	}
	if !found {
		return fmt.Errorf("off %q is neither a source nor a kind of the site", name)
	}
	return nil
}

// lost reports whether a source's messages of a time reach nobody.
func (w *world) lost(source string, at time.Duration) bool {
	for _, o := range w.outages[source] {
		if at >= o.from && at < o.to {
			return true
		}
	}
	return false
}

// wills are what the broker says in the place of sources that fell silent.
func (w *world) wills() (lines []Line, err error) {
	for _, s := range w.store.Sources {
		for _, o := range w.outages[s.ID] {
			at := w.start + int64(o.from+willAfter)
			if o.from+willAfter >= o.to {
				continue
			}
			payload, err := message.Encode(message.Status{Head: message.Head{TS: message.At(at)}, State: "offline"})
			if err != nil {
				return nil, fmt.Errorf("the will of %s: %w", s.ID, err)
			}
			lines = append(lines, Line{Received: at, Topic: message.Topic(w.store.ID, fusion.Status.String(), s.ID), Payload: payload})
		}
	}
	return lines, nil
}
