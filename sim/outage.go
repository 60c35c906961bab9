package sim

import (
	"fmt"
	"math"
	"slices"
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
// beginning. Without a time it lasts from the beginning, and without an end, which is 0 then, for good.
func parseOutage(text string) (name string, o outage, err error) {
	name, times, timed := strings.Cut(text, "@")
	if !timed {
		return name, o, nil
	}
	from, to, ends := strings.Cut(times, "..")
	if o.from, err = time.ParseDuration(from); err == nil && ends {
		o.to, err = time.ParseDuration(to)
	}
	if err != nil || o.from < 0 || ends && o.to <= o.from {
		return "", o, fmt.Errorf("off %q: write %s@10m, or %s@10m..20m, times since the beginning", text, name, name)
	}
	return name, o, nil
}

// turnOff is what the option Off says, of one entry.
func (w *world) turnOff(text string) error {
	name, o, err := parseOutage(text)
	if err != nil {
		return err
	}
	if o.to == 0 {
		o.to = math.MaxInt64
	}
	found, kinds := false, []string{}
	for _, src := range w.store.Sources {
		kinds = append(kinds, src.Kind.String())
		if src.ID == name || src.Kind.String() == name {
			found = true
			w.outages[src.ID] = append(w.outages[src.ID], o)
		}
	}
	if !found {
		slices.Sort(kinds)
		return fmt.Errorf("off %q is neither a source nor a kind of the site, which has %s", name, strings.Join(slices.Compact(kinds), ", "))
	}
	return nil
}

// lost reports whether what a source says at a time reaches nobody.
func (w *world) lost(source string, at time.Duration) bool {
	return slices.ContainsFunc(w.outages[source], func(o outage) bool { return at >= o.from && at < o.to })
}

// wills are what the broker says in the place of sources that fell silent, of those that were off before at the beginning.
func (w *world) wills() (lines []Line, err error) {
	for _, s := range w.store.Sources {
		for _, o := range w.outages[s.ID] {
			after := o.from + willAfter
			if o.from == 0 {
				after = 0
			}
			if after >= min(o.to, w.end) {
				continue
			}
			at := w.start + int64(after)
			payload, err := message.Encode(message.Status{Head: message.Head{TS: message.At(at)}, State: "offline"})
			if err != nil {
				return nil, fmt.Errorf("the will of %s: %w", s.ID, err)
			}
			lines = append(lines, Line{Received: at, Topic: message.Topic(w.store.ID, fusion.Status.String(), s.ID), Payload: payload})
		}
	}
	return lines, nil
}
