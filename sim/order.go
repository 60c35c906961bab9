package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// Reading is what the laws of contract section 3 need to know of a line.
type Reading struct {
	Oldest   int64 // its oldest reading, ns since 1970; Received where it sends no time
	Span     int64 // from its oldest reading to its newest, ns
	Lateness int64 // its source's, ns: the longest delay from ts to arrival
	Fixed    bool  // law 3 leaves its arrival alone: a control line, a status, a device without a clock, what no source sent
}

// Readings gives the Reading of a line.
type Readings func(Line) Reading

// ReadingsOf reads the canonical topics of a store. Lines on foreign topics come out fixed.
func ReadingsOf(store *fusion.Store) Readings {
	return func(l Line) Reading {
		r := Reading{Oldest: l.Received, Fixed: true}
		_, kind, source, ok := message.SplitTopic(l.Topic)
		i := store.SourceIndex(source)
		if !ok || i < 0 || l.Control != "" {
			return r
		}
		var m struct {
			TS    message.Time  `json:"ts"`
			Rate  float64       `json:"rate"`
			Grams message.Grams `json:"grams"`
			Reads []struct {
				TS message.Time `json:"ts"`
			} `json:"reads"`
		}
		if json.Unmarshal(l.Payload, &m) != nil || m.TS.NS() == 0 && len(m.Reads) == 0 || m.TS.IsArrival() {
			return r
		}
		oldest, newest := m.TS.NS(), m.TS.NS()
		if m.Rate > 0 && len(m.Grams) > 1 {
			newest += int64(float64(len(m.Grams)-1) * 1e9 / m.Rate)
		}
		for i, read := range m.Reads {
			at := read.TS.NS()
			if at == 0 {
				return r
			}
			if i == 0 {
				oldest, newest = at, at
			}
			oldest, newest = min(oldest, at), max(newest, at)
		}
		return Reading{Oldest: oldest, Span: newest - oldest, Lateness: store.Sources[i].Lateness, Fixed: kind == message.KindStatus}
	}
}

// Settle appends a tick a second later than anything that Redraw can make of the lines, unless such a tick is there, so
// that a recording and its redrawn copies end at the same moment, as law 3 wants.
func Settle(lines []Line, of Readings) []Line {
	newest, tick := int64(math.MinInt64), int64(math.MinInt64)
	for _, l := range lines {
		if l.Control == "tick" {
			tick = max(tick, l.Received)
			continue
		}
		newest = max(newest, l.Received)
		if r := of(l); !r.Fixed {
			newest = max(newest, r.Oldest+max(r.Span, r.Lateness))
		}
	}
	if len(lines) == 0 || tick > newest {
		return lines
	}
	return append(slices.Clone(lines), Line{Received: max(newest, tick) + int64(time.Second), Control: "tick"})
}

// Redraw is law 3: every line with a ts arrives anew, its oldest reading plus a delay drawn between its span and its
// source's lateness; lines that are Fixed keep their arrival; a tick comes later than all (see Settle); the whole is sorted
// by arrival.
func Redraw(lines []Line, of Readings, seed uint64) []Line {
	rng := rand.New(rand.NewPCG(seed, 3))
	drawn := slices.Clone(Settle(lines, of))
	for i := range drawn {
		if r := of(drawn[i]); !r.Fixed {
			drawn[i].Received = r.Oldest + r.Span + rng.Int64N(max(1, r.Lateness-r.Span+1))
		}
	}
	byArrival(drawn)
	return drawn
}

// ShuffleOnTime gives another order of the same lines, each with its arrival, in which every message is on time: when it
// is read, its oldest reading is not before A - lateness, with A the newest arrival so far, its own too. A lateness larger
// than the site's gives orders in which messages are late by no more than the difference. Control lines but ticks keep
// their place, and no line crosses them. It is an error when a message is late in any order.
func ShuffleOnTime(lines []Line, of Readings, seed uint64, lateness time.Duration) ([]Line, error) {
	rng := rand.New(rand.NewPCG(seed, 2))
	shuffled := make([]Line, 0, len(lines))
	var part []Line
	newest := int64(math.MinInt64)
	flush := func() error {
		order, err := shufflePart(part, of, rng, int64(lateness), newest)
		if err != nil {
			return err
		}
		for _, l := range part {
			newest = max(newest, l.Received)
		}
		shuffled, part = append(shuffled, order...), part[:0]
		return nil
	}
	for _, l := range lines {
		if l.Control == "" || l.Control == "tick" {
			part = append(part, l)
			continue
		}
		if err := flush(); err != nil {
			return nil, err
		}
		newest = max(newest, l.Received)
		shuffled = append(shuffled, l)
	}
	return shuffled, flush()
}

// shufflePart draws each next line among those whose arrival does not make any unread line late. newest is the newest
// arrival of what was read before.
func shufflePart(part []Line, of Readings, rng *rand.Rand, lateness, newest int64) ([]Line, error) {
	type entry struct {
		line   Line
		oldest int64
		read   bool
	}
	entries := make([]entry, len(part))
	for i, l := range part {
		entries[i] = entry{line: l, oldest: of(l).Oldest}
		if l.Control == "tick" {
			entries[i].oldest = math.MaxInt64 - lateness // no reading, so never late
		}
		if o := entries[i].oldest; max(newest, l.Received)-lateness > o {
			return nil, fmt.Errorf("a message of %s on %s is late in any order: its oldest reading lies %s behind the watermark",
				time.Unix(0, l.Received).UTC().Format(time.RFC3339Nano), l.Topic, time.Duration(max(newest, l.Received)-lateness-o))
		}
	}
	byReceived, byOldest := make([]*entry, len(entries)), make([]*entry, len(entries))
	for i := range entries {
		byReceived[i], byOldest[i] = &entries[i], &entries[i]
	}
	slices.SortStableFunc(byReceived, func(a, b *entry) int { return cmp.Compare(a.line.Received, b.line.Received) })
	slices.SortStableFunc(byOldest, func(a, b *entry) int { return cmp.Compare(a.oldest, b.oldest) })
	var ready []*entry
	order := make([]Line, 0, len(part))
	for len(order) < len(part) {
		for byOldest[0].read {
			byOldest = byOldest[1:]
		}
		for len(byReceived) > 0 && byReceived[0].line.Received <= byOldest[0].oldest+lateness {
			ready, byReceived = append(ready, byReceived[0]), byReceived[1:]
		}
		i := rng.IntN(len(ready))
		e := ready[i]
		ready[i] = ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		e.read = true
		order = append(order, e.line)
	}
	return order, nil
}
