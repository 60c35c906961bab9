package sensors

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"magpie/fusion"
	"magpie/journal"
	"magpie/sensors/message"
)

// Check follows the lines of a recording, or of a broker as they come, and reports of each source how well it does. Its only
// time is that of the lines. What it keeps is bounded by the site's sources, whatever arrives.
type Check struct {
	store    *fusion.Store
	d        *Decoder
	core     *fusion.Core[struct{}] // for duplicates, what is too late, and clocks: as a run would have them
	numbers  Sequences
	sources  []sourceCheck // by source
	unknown  map[string]*UnknownFeed
	more     int64 // messages of unknown feeds beyond maxUnknown
	stores   map[string]int64
	unread   map[string]int64
	unreadN  int64
	from, to int64 // received of the first and the last line
	lines    int64
	messages int64
	heard    []string
	m        fusion.Message // the one in work
}

// What a report holds at most.
const (
	maxUnknown = 100
	maxUnread  = 20
	maxReasons = 16  // of a source
	maxExample = 200 // bytes of a payload, and of a topic
)

// sourceCheck is what was heard of one source.
type sourceCheck struct {
	messages, events, duplicates, retained, foreign int64 // retained: but status
	numbered, clocked, unclocked                    int64
	missing, restarts, behind, late, offline        int64
	last                                            int64   // received of the newest that is not retained
	every                                           int64   // ns
	silent                                          silence // up to the message before the newest
	newest                                          gap     // before the newest message
	offlineNow, wasOffline                          bool    // it said so last, and before that
	delays                                          delays
	kept                                            backlog // that may still go on
	backlogs, backlogged                            int64   // how many there were, and of how many messages
	longest                                         gap     // before one
	future                                          delays  // of what was rejected for being dated later than its arrival
	rejected                                        int64
	reasons                                         []*Reason
	antennas                                        map[int]int64
	sampleFrom, sampleTo, samples                   int64
	change                                          bool
	placed, unplaced                                int64
	newSKU                                          int64
	skuExample                                      string
}

// NewCheck begins a check of a store with the decoder that a run would have.
func NewCheck(d *Decoder) *Check {
	c := &Check{store: d.store, d: d, numbers: Sequences{}, unknown: map[string]*UnknownFeed{}, stores: map[string]int64{},
		unread: map[string]int64{}, sources: make([]sourceCheck, len(d.store.Sources))}
	c.core = fusion.NewCore(d.store, fusion.Judge[struct{}]{
		New: func() (none struct{}) { return }, Clone: func(none struct{}) struct{} { return none },
		Facts: func(struct{}, *fusion.World, []fusion.Change) {}, Due: func(struct{}) int64 { return math.MaxInt64 },
		Fire: func(struct{}, *fusion.World, int64) {}})
	for i := range c.sources {
		s := &c.sources[i]
		s.every, s.antennas = d.store.Sources[i].Every, map[int]int64{}
	}
	return c
}

// Lines is how many lines were taken, Messages how many of them were messages.
func (c *Check) Lines() (lines, messages int64) { return c.lines, c.messages }

// Span is when the first line arrived, and the last.
func (c *Check) Span() (from, to int64) { return c.from, c.to }

// Heard are the sources of which something came, in the order in which they were first heard.
func (c *Check) Heard() []string { return c.heard }

// Rejected is how many messages could not be used.
func (c *Check) Rejected() (n int64) {
	for i := range c.sources {
		n += c.sources[i].rejected
	}
	for _, u := range c.unknown {
		n += u.Messages
	}
	return n + c.more
}

// Resume says that nothing could be heard before an arrival, since the connection was lost: that silence is nobody's.
func (c *Check) Resume(at int64) {
	for i := range c.sources {
		if s := &c.sources[i]; s.last != 0 {
			s.last = max(s.last, at)
		}
	}
}

// Line takes the next line.
func (c *Check) Line(l *journal.Line) {
	if c.lines == 0 {
		c.from = l.Received
	}
	c.lines++
	c.to = max(c.to, l.Received)
	c.core.Arrive(l.Received)
	if l.Control == nil {
		c.message(l)
	}
	c.core.Advance()
}

func (c *Check) message(l *journal.Line) {
	m := &c.m
	err := c.d.DecodeInto(m, l.Received, l.Topic, l.Retain, l.Payload)
	if errors.Is(err, ErrOwnTopic) {
		return
	}
	c.messages++
	var r *Rejection
	if errors.As(err, &r) {
		c.rejected(l, r)
		return
	}
	s := &c.sources[m.Source]
	c.alive(m.Source, l)
	newest := m.TS
	for i := range m.Events {
		newest = max(newest, m.Events[i].TS)
	}
	if m.Clocked && !l.Retain {
		s.clocked++
		delay := l.Received - m.TS // of its oldest reading
		s.arrived(delay, l.Received-newest, c.store.Sources[m.Source].Lateness)
	}
	seq, boot, numbered := c.d.Sequence()
	switch v := c.core.Add(m); v {
	case fusion.Duplicate:
		s.duplicates++
		s.offlineNow = s.wasOffline
		return
	case fusion.TooLate:
		behind := time.Duration(c.core.Watermark() - m.TS).Round(time.Millisecond)
		s.reject(l, &Rejection{Code: CodeTooLate, Path: TimePath(l.Topic),
			Reason: fmt.Sprintf("it came %v behind the watermark: after an outage send the oldest first, and set the clock right", behind)})
		return
	}
	if numbered {
		s.numbered++
		step := c.numbers.Add(m, seq, boot)
		s.missing += step.Missing
		if step.Restart {
			s.restarts++
		}
		if step.Behind {
			s.behind++
			s.missing = max(0, s.missing-1)
		}
	}
	if !m.Clocked && m.Kind != fusion.Status {
		s.unclocked++
	}
	c.events(s, m)
}

// alive notes a message of a source, whatever it holds.
func (c *Check) alive(source int, l *journal.Line) {
	s := &c.sources[source]
	if s.messages++; s.messages == 1 {
		c.heard = append(c.heard, c.store.Sources[source].ID)
	}
	if !strings.HasPrefix(l.Topic, message.Prefix) {
		s.foreign++
	}
	if l.Retain {
		if _, kind, _, _ := message.SplitTopic(l.Topic); kind != message.KindStatus {
			s.retained++
		}
		return
	}
	s.silent, s.newest = s.silent.with(s.newest), gap{}
	if s.last != 0 {
		s.newest = gap{l.Received - s.last, s.last, s.offlineNow}
	}
	s.wasOffline, s.offlineNow, s.last = s.offlineNow, false, max(s.last, l.Received)
}

// willLate is after how long a will comes at most when a connection has died: one and a half times what devices keep it alive for, a minute and more (assumption).
const willLate = int64(120 * time.Second)

// gap is a time in which nothing came.
type gap struct {
	ns, at int64 // how long, and from when on
	away   bool  // it said that it goes offline
}

// silence is the longest gap without word and the longest with.
type silence struct{ quiet, away gap }

// with counts another gap.
func (l silence) with(g gap) silence {
	of := &l.quiet
	if g.away {
		of = &l.away
	}
	if g.ns > of.ns {
		*of = g
	}
	return l
}

// silence is that of a source up to a moment.
func (s *sourceCheck) silence(until int64) silence {
	all := s.silent.with(s.newest)
	if s.last != 0 {
		all = all.with(gap{until - s.last, s.last, s.offlineNow})
	}
	return all
}

func (c *Check) events(s *sourceCheck, m *fusion.Message) {
	s.events += int64(len(m.Events))
	for i := range m.Events {
		e := &m.Events[i]
		switch e.Kind {
		case fusion.RFID:
			s.antennas[e.Antenna]++ // it is one of the site's
		case fusion.Weight:
			s.change = s.change || e.Change
			if s.samples++; s.samples == 1 {
				s.sampleFrom = e.TS
			}
			s.sampleTo = max(s.sampleTo, e.TS)
		case fusion.Tracks:
			switch {
			case e.Action == fusion.Lost || e.Name != "person":
			case e.HasFloor:
				s.placed++
			default:
				s.unplaced++
			}
		case fusion.TillKind, fusion.Stock:
			if e.SKU != "" && c.store.ProductIndex(e.SKU) < 0 {
				if s.newSKU++; s.newSKU == 1 {
					s.skuExample = e.SKU
				}
			}
		case fusion.Status:
			if e.Every > 0 {
				s.every = e.Every
			}
			if e.Action == fusion.Offline && !m.Retained {
				s.offline++
				s.offlineNow = true
				s.newest.away = s.newest.away || s.newest.ns <= willLate
			}
		}
	}
}

// rejected counts a message that cannot be used: of a source of the site, or else of whatever its topic names.
func (c *Check) rejected(l *journal.Line, r *Rejection) {
	store, _, _, ok := message.SplitTopic(l.Topic)
	i := c.store.SourceIndex(r.Source)
	switch {
	case !strings.HasPrefix(l.Topic, "magpie/") && i < 0 && r.Kind == "unmapped":
		c.unreadN++
		topic := example([]byte(l.Topic))
		if _, known := c.unread[topic]; known || len(c.unread) < maxUnread {
			c.unread[topic]++
		}
	case ok && store != c.store.ID:
		store = example([]byte(store))
		if _, known := c.stores[store]; known || len(c.stores) < maxUnread {
			c.stores[store]++
		}
	case i >= 0:
		s := &c.sources[i]
		c.alive(i, l)
		if r.Code == CodeFuture {
			s.future.add(-r.Ahead, -r.Ahead)
		}
		s.reject(l, r)
	default:
		key := r.Kind + "/" + r.Source
		u := c.unknown[key]
		if u == nil {
			if len(c.unknown) >= maxUnknown {
				c.more++
				return
			}
			u = &UnknownFeed{Kind: r.Kind, Source: r.Source, Code: r.Code, Reason: Printable(r.Reason),
				Topic: example([]byte(l.Topic)), Payload: exampleOf(l, r)}
			c.unknown[key] = u
		}
		u.Messages++
	}
}

// reject counts a reason. Places in an array are one: which element it was is in the example.
func (s *sourceCheck) reject(l *journal.Line, r *Rejection) {
	s.rejected++
	path := places(r.Path)
	for _, x := range s.reasons {
		// What the site file lacks is told one by one; else one example stands for all.
		if x.Code == r.Code && x.Path == path && (x.Reason == Printable(r.Reason) || r.Code != CodeUnknownAntenna && path != "/zone") {
			x.Count++
			return
		}
	}
	if len(s.reasons) == maxReasons {
		s.reasons[maxReasons-1].Count++
		s.reasons[maxReasons-1].More = true
		return
	}
	s.reasons = append(s.reasons, &Reason{Code: r.Code, Path: path, Reason: Printable(r.Reason), Count: 1,
		Topic: example([]byte(l.Topic)), Payload: exampleOf(l, r)})
}

// places writes a JSON pointer with a * for every number.
func places(path string) string {
	steps := strings.Split(path, "/")
	for i, s := range steps {
		if s != "" && strings.Trim(s, "0123456789") == "" {
			steps[i] = "*"
		}
	}
	return strings.Join(steps, "/")
}

// example is the beginning of what came, fit to be shown.
func example(b []byte) string {
	text := Printable(strings.ToValidUTF8(string(b[:min(len(b), maxExample)]), "\ufffd"))
	if len(b) > maxExample {
		text += "…"
	}
	return text
}

// exampleOf is an example of a payload that is rejected, unless it may tell who somebody is.
func exampleOf(l *journal.Line, r *Rejection) string {
	if r.Private {
		return "a payload that is not shown"
	}
	return example(l.Payload)
}

// delays is a histogram of delays in steps of 5 %, and the least three of them.
type delays struct {
	bins     map[int]int64
	n        int64
	min, max int64
	least    [3]int64 // of the newest readings, in order
}

const delayUnit = 1e6 // ns; what is less is the same

// add takes the delays of the oldest and the newest reading of a message, ns.
func (d *delays) add(oldest, newest int64) {
	if d.bins == nil {
		d.bins, d.min, d.max = map[int]int64{}, oldest, oldest
		d.least = [3]int64{math.MaxInt64, math.MaxInt64, math.MaxInt64}
	}
	d.n++
	d.bins[delayBin(oldest)]++
	d.min, d.max = min(d.min, oldest), max(d.max, oldest)
	d.least = insert(d.least, newest)
}

// with is both together; neither is changed.
func (d delays) with(o delays) delays {
	if d.n == 0 {
		return o
	}
	d.bins = maps.Clone(d.bins)
	for bin, n := range o.bins {
		d.bins[bin] += n
	}
	d.n, d.min, d.max = d.n+o.n, min(d.min, o.min), max(d.max, o.max)
	for _, newest := range o.least {
		if newest < math.MaxInt64 {
			d.least = insert(d.least, newest)
		}
	}
	return d
}

// insert puts a delay among the least three.
func insert(least [3]int64, ns int64) [3]int64 {
	for i := range least {
		if ns < least[i] {
			ns, least[i] = least[i], ns
		}
	}
	return least
}

func delayBin(ns int64) int {
	if ns < 0 {
		return -delayBin(-ns)
	}
	if ns < delayUnit {
		return 0
	}
	return 1 + int(math.Log(float64(ns)/delayUnit)/math.Log(1.05))
}

// edge is the greatest delay of a bin.
func delayEdge(bin int) int64 {
	switch {
	case bin < 0:
		return -int64(delayUnit * math.Pow(1.05, float64(-bin-1)))
	case bin == 0:
		return delayUnit
	}
	return int64(delayUnit * math.Pow(1.05, float64(bin)))
}

// quantile is the delay that a share of all do not exceed, to 5 %.
func (d *delays) quantile(share float64) int64 {
	need := int64(math.Ceil(share * float64(d.n)))
	for _, bin := range slices.Sorted(maps.Keys(d.bins)) {
		if need -= d.bins[bin]; need <= 0 {
			return max(d.min, min(d.max, delayEdge(bin)))
		}
	}
	return d.max
}

// over counts the delays above a bound, to 5 %.
func (d *delays) over(bound int64) (n int64) {
	for bin, count := range d.bins {
		if bin > delayBin(bound) {
			n += count
		}
	}
	return n
}

// floor is the third least delay, so that one or two odd messages prove nothing; ok is false with fewer.
func (d *delays) floor() (ns int64, ok bool) { return d.least[2], d.n >= 3 }
