package sensors

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/strict"
)

// Report is what a Check found. Delays and offsets are in milliseconds, times in RFC 3339.
type Report struct {
	Store    string         `json:"store"`
	From     string         `json:"from"` // received of the first line
	To       string         `json:"to"`
	Seconds  float64        `json:"seconds"`
	Messages int64          `json:"messages"`
	Sources  []SourceReport `json:"sources"` // as the site file has them, by id
	Unknown  []UnknownFeed  `json:"unknown"` // topics of this store that name no source of the site, the most frequent first
	More     int64          `json:"more"`    // messages of yet other ones
	Notes    []string       `json:"notes"`   // what else came
	Act      int            `json:"act"`     // how many sources and unknown feeds must change something
}

// SourceReport is what was heard of one source.
type SourceReport struct {
	Source     string    `json:"source"`
	Kind       string    `json:"kind"`
	Messages   int64     `json:"messages"`
	Rate       float64   `json:"rate"` // messages a second
	Events     int64     `json:"events"`
	Rejected   int64     `json:"rejected"`
	Reasons    []*Reason `json:"reasons"`
	Clock      Clock     `json:"clock"`
	Delay      *Delay    `json:"delay"` // null: it sends no ts
	Missing    int64     `json:"missing"`
	Restarts   int64     `json:"restarts"`
	OutOfOrder int64     `json:"out_of_order"`
	Duplicates int64     `json:"duplicates"`
	Retained   int64     `json:"retained"`
	Silence    float64   `json:"silence"`         // the longest, seconds
	Allowed    float64   `json:"silence_allowed"` // three times every
	Act        []string  `json:"act"`             // what its maker must change
	Notes      []string  `json:"notes"`           // what is good to know
}

// Reason is one reason for which messages were rejected, with an example. More: others are counted in it.
type Reason struct {
	Code    string `json:"code"`
	Path    string `json:"path"` // with * for a place in an array
	Reason  string `json:"reason"`
	Count   int64  `json:"count"`
	Topic   string `json:"topic"`
	Payload string `json:"payload"`
	More    bool   `json:"more,omitempty"`
}

// Clock is what is known of a source's clock: by how much it is ahead of the clock that stamps arrivals (below 0: behind).
// By says whence: none (as far as one can tell it is right, or it sends no ts), arrival (at least so much, from arrivals
// alone), fusion (as Magpie corrects it, after some minutes).
type Clock struct {
	By     string  `json:"by"`
	Offset float64 `json:"offset_ms"`
	SD     float64 `json:"sd_ms"`
	Drift  float64 `json:"drift_ppm"`
}

// Delay is how long the oldest reading of a message takes to arrive, once a clock that is ahead is set right.
type Delay struct {
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
	Bound     float64 `json:"bound_ms"`     // its lateness
	Late      int64   `json:"late"`         // messages beyond it
	Suggested float64 `json:"suggested_ms"` // the lateness that fits; 0: too few messages to tell, or longer than any may be
}

// UnknownFeed is a topic of this store that names no source of the site.
type UnknownFeed struct {
	Kind     string `json:"kind"`
	Source   string `json:"source"`
	Messages int64  `json:"messages"`
	Code     string `json:"code"`
	Reason   string `json:"reason"`
	Topic    string `json:"topic"`
	Payload  string `json:"payload"`
	Act      string `json:"act"`
}

// From when on what was seen is to be changed; below it is a note.
const (
	offClock   = int64(500 * time.Millisecond)
	offFloor   = int64(50 * time.Millisecond) // as fusion: nearer than this no arrival proves a clock wrong
	lateShare  = 100                          // one in so many messages
	lostShare  = 1000
	fewDelays  = 100
	samplesMin = 9.0 // a second; the contract has 10
)

// Report says what was found so far, of the sources named, or of all where none is.
func (c *Check) Report(only ...string) *Report {
	r := &Report{Store: c.store.ID, From: stamp(c.from), To: stamp(c.to), Seconds: seconds3(c.to - c.from), Messages: c.messages,
		Sources: []SourceReport{}, Unknown: []UnknownFeed{}, Notes: []string{}}
	for i := range c.sources {
		if len(only) > 0 && !slices.Contains(only, c.store.Sources[i].ID) {
			continue
		}
		s := c.source(i)
		if r.Sources = append(r.Sources, s); len(s.Act) > 0 {
			r.Act++
		}
	}
	if len(only) > 0 {
		return r
	}
	var ids []string
	for _, s := range c.store.Sources {
		ids = append(ids, s.ID)
	}
	for _, u := range c.unknown {
		x := *u
		x.Act = x.Reason
		if x.Code == CodeUnknownSource {
			if s := strict.Suggest(x.Source, ids); strings.HasPrefix(s, "did") {
				x.Act += "; " + s
			}
		}
		r.Unknown = append(r.Unknown, x)
	}
	slices.SortFunc(r.Unknown, func(a, b UnknownFeed) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Source, b.Source))
	})
	r.More = c.more
	r.Act += len(r.Unknown)
	c.beside(r)
	return r
}

// beside tells of what is nobody's fault here.
func (c *Check) beside(r *Report) {
	if c.unreadN > 0 {
		topics := slices.Sorted(maps.Keys(c.unread))
		few := topics[:min(len(topics), 3)]
		r.Notes = append(r.Notes, fmt.Sprintf("%s came on topics that are not Magpie's and that sources in the site file does not have, such as %s",
			messages(c.unreadN), strings.Join(few, ", ")))
	}
	if len(c.stores) > 0 {
		n := int64(0)
		for _, k := range c.stores {
			n += k
		}
		others := strings.Join(slices.Sorted(maps.Keys(c.stores)), ", ")
		r.Notes = append(r.Notes, fmt.Sprintf("%s came for other stores (%s); this is %s", messages(n), others, c.store.ID))
	}
}

func (c *Check) source(i int) SourceReport {
	settled, of := c.sources[i].settled(), &c.store.Sources[i]
	s := &settled
	// A message that is rejected leaves a gap in seq, which is no loss.
	r := SourceReport{Source: of.ID, Kind: of.Kind.String(), Messages: s.messages, Events: s.events, Rejected: s.rejected, Reasons: []*Reason{},
		Missing: max(0, s.missing-s.rejected), Restarts: s.restarts, OutOfOrder: s.behind, Duplicates: s.duplicates, Retained: s.retained,
		Allowed: seconds3(3 * s.every), Act: []string{}, Notes: []string{}}
	if span := float64(c.to-c.from) / 1e9; span > 0 {
		r.Rate = rounded(float64(s.messages) / span)
	}
	for _, x := range s.reasons {
		copied := *x
		r.Reasons = append(r.Reasons, &copied)
	}
	slices.SortStableFunc(r.Reasons, func(a, b *Reason) int { return cmp.Compare(b.Count, a.Count) })
	act := func(format string, args ...any) { r.Act = append(r.Act, fmt.Sprintf(format, args...)) }
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	c.silence(s, &r, act, note)
	for _, x := range r.Reasons {
		at := ""
		if x.Path != "" {
			at = " at " + x.Path
		}
		if x.More {
			at += ", and other reasons"
		}
		act("%s rejected (%s%s): %s; for example %s on %s", messages(x.Count), x.Code, at, x.Reason, x.Payload, x.Topic)
	}
	if s.messages > 0 {
		c.clock(i, s, &r, act, note)
		c.delay(i, s, &r, act, note)
		s.order(&r, act, note)
		c.content(i, s, &r, act, note)
	}
	return r
}

type say func(format string, args ...any)

func (c *Check) silence(s *sourceCheck, r *SourceReport, act, note say) {
	all := s.silence(c.to)
	quiet, away := all.quiet, all.away
	switch {
	case s.last == 0 && s.messages > 0: // what is retained
		quiet = gap{ns: c.to - c.from, at: c.from}
	case s.last == 0:
		r.Silence = seconds3(c.to - c.from)
		if c.to-c.from < s.every {
			act("nothing came in %v, which is too short to tell: listen for longer, a sign of life is due every %v",
				brief(c.to-c.from), brief(s.every))
		} else {
			act("nothing came in %v: publish on %s, and the state on %s every %v", brief(c.to-c.from),
				message.Topic(c.store.ID, r.Kind, r.Source), message.Topic(c.store.ID, message.KindStatus, r.Source), brief(s.every))
		}
		return
	}
	r.Silence = seconds3(max(quiet.ns, away.ns))
	if away.ns > 3*s.every {
		act("it was away for %v from %s on, as its status said: see why it lost its connection", brief(away.ns), stamp(away.at))
	}
	if quiet.ns > 3*s.every {
		act("silent for %v from %s on, at most %v are allowed: publish a status every %v while nothing else happens", brief(quiet.ns),
			stamp(quiet.at), brief(3*s.every), brief(s.every))
	}
	if s.offline > 0 {
		note("it said %s that it goes offline", many(s.offline, "time"))
	}
}

func (c *Check) clock(i int, s *sourceCheck, r *SourceReport, act, note say) {
	r.Clock.By = "none"
	if s.clocked+s.future.n == 0 {
		if s.unclocked > 0 {
			note("it sends no ts of its own: what it says counts from its arrival")
		}
		return
	}
	if k := c.core.Clock(i); k.Offset != 0 {
		r.Clock = Clock{"fusion", millis(k.Offset), millis(k.SD), rounded(k.Drift)}
	} else {
		r.Clock.Offset = millis(c.provenOffset(i, s))
		if r.Clock.Offset != 0 {
			r.Clock.By = "arrival"
		}
	}
	off := int64(math.Round(r.Clock.Offset * 1e6))
	if off < offFloor && off > -offFloor {
		return
	}
	tell := note
	if off >= offClock || off <= -offClock {
		tell = act
	}
	tell("%s", clockAdvice(off, r.Clock.By == "arrival", c.provenOffset(i, s) < 0))
	if d := r.Clock.Drift; math.Abs(d) >= 100 {
		note("its clock goes wrong by %v ms an hour", math.Round(math.Abs(d)*3.6))
	}
}

// clockAdvice says what to do about a clock that is off by so many ns, ahead where that is more than 0. Arrivals prove but the least of it; all late
// says that every message came later than its source's lateness.
func clockAdvice(off int64, byArrival, allLate bool) string {
	least := ""
	if byArrival {
		least = "at least "
	}
	switch {
	case off > 0:
		return fmt.Sprintf("its clock is %s%v ahead: set it, by NTP", least, brief(off))
	case allLate:
		return fmt.Sprintf("all its messages come later than its lateness allows, by %s%v: its clock is behind, set it by NTP; "+
			"or give it a longer lateness in the site file if it is slow by nature", least, brief(-off))
	}
	return fmt.Sprintf("its clock is %v behind: set it, by NTP", brief(-off)) // other sources saw the same sooner
}

// provenOffset is what arrivals alone prove, before fusion has had the minutes that it takes.
func (c *Check) provenOffset(i int, s *sourceCheck) int64 {
	d := &s.delays
	if s.future.n > s.clocked {
		d = &s.future
	}
	floor, ok := d.floor()
	switch late := c.store.Sources[i].Lateness; {
	case !ok:
	case floor < -offFloor:
		return -floor
	case floor > late+offFloor:
		return late - floor
	}
	return 0
}

func (c *Check) delay(i int, s *sourceCheck, r *SourceReport, act, note say) {
	if s.backlogs > 0 {
		note("it sent %s late, at once after %s of up to %v, as it should; what comes more than %v behind the watermark is rejected",
			messages(s.backlogged), many(s.backlogs, "outage"), brief(s.longest.ns), brief(fusion.MaxBehind))
	}
	if s.delays.n == 0 {
		return
	}
	bound, d := c.store.Sources[i].Lateness, &s.delays
	ahead := max(0, int64(r.Clock.Offset*1e6))
	if r.Clock.By == "arrival" && s.future.n > s.clocked {
		ahead = 0 // of what was rejected
	}
	x := &Delay{P50: millis(d.quantile(0.5) + ahead), P99: millis(d.quantile(0.99) + ahead), Max: millis(d.max + ahead),
		Bound: millis(bound), Late: s.late}
	if ahead > 0 {
		x.Late = d.over(bound - ahead)
	}
	r.Delay = x
	if d.n < fewDelays {
		if x.Late > 0 {
			note("%d of %s came later than its lateness of %v", x.Late, messages(d.n), brief(bound))
		}
		return
	}
	fits := fitting(d.quantile(0.999) + ahead)
	x.Suggested = millis(fits)
	hint := ""
	if least, ok := d.floor(); ok && ahead == 0 && least > bound/2 {
		hint = fmt.Sprintf("; hardly any took less than %v: its clock may be behind, set it by NTP", brief(least))
	}
	switch late := x.Late*lateShare > d.n; {
	case late && fits > bound && r.Clock.Offset >= 0:
		act("%d of %s came later than its lateness of %v: send without delay, or give it lateness: %v in the site file%s",
			x.Late, messages(d.n), brief(bound), brief(fits), hint)
	case late && r.Clock.Offset >= 0:
		act("%d of %s came later than its lateness of %v: send without delay%s", x.Late, messages(d.n), brief(bound), hint)
	case x.Late > 0 && r.Clock.Offset >= 0:
		note("%d of %s came later than its lateness of %v", x.Late, messages(d.n), brief(bound))
	case fits > 0 && fits < bound && bound == c.store.MaxLateness() && fits <= bound/2:
		note("lateness: %v would do; the store waits for the longest of all its sources", brief(fits))
	}
}

const maxFitting = int64(60 * time.Second)

// fitting is the lateness for what 999 in a thousand messages take: half as much again, as people write it; 0: longer than any may be.
func fitting(ns int64) int64 {
	for _, v := range []int64{100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 4000, 5000, 7500,
		10_000, 15_000, 20_000, 30_000, 45_000, 60_000} {
		if v *= 1e6; ns+ns/2 <= v {
			return v
		}
	}
	if ns <= maxFitting {
		return maxFitting
	}
	return 0
}

func (s *sourceCheck) order(r *SourceReport, act, note say) {
	if s.numbered == 0 && s.messages > s.rejected && s.foreign < s.messages {
		note("it sends no seq: what is lost on the way is not seen, and what is sent twice only when the bytes are the same")
	}
	if r.Missing > 0 {
		tell := note
		if r.Missing*lostShare > s.numbered+r.Missing {
			tell = act
		}
		tell("%s of seq missing: publish at QoS 1, and keep what the broker has not acknowledged", many(r.Missing, "number"))
	}
	if s.restarts > 0 {
		if s.restarts*10 > s.numbered && s.numbered > 10 {
			act("seq began anew %d times in %s: it must rise by one from message to message", s.restarts, messages(s.numbered))
		} else {
			note("it began anew %s", many(s.restarts, "time"))
		}
	}
	if s.behind > 0 {
		note("%s came after a later one", messages(s.behind))
	}
	if s.duplicates > 0 {
		note("%s came twice; the second is dropped", messages(s.duplicates))
	}
	switch {
	case s.retained > 0 && s.foreign == 0:
		act("%s came retained: publish only the status retained, else an old value comes again with each connection", messages(s.retained))
	case s.retained > 0:
		note("%s came retained: if the device can, switch it off; an old value comes again with each connection", messages(s.retained))
	}
}

// content looks at what the messages say.
func (c *Check) content(i int, s *sourceCheck, r *SourceReport, act, note say) {
	for _, reader := range c.store.Readers {
		if reader.ID != r.Source || s.messages == 0 {
			continue
		}
		for _, antenna := range slices.Sorted(maps.Keys(reader.Antennas)) {
			if s.antennas[antenna] == 0 {
				note("antenna %d of the site file has read no tag", antenna)
			}
		}
	}
	if span := float64(s.sampleTo-s.sampleFrom) / 1e9; !s.change && s.samples > 20 && span > 0 {
		if hz := float64(s.samples-1) / span; hz < samplesMin {
			act("%.2g samples a second: send at least 10, or send on a change and say \"mode\":\"change\"", hz)
		}
	}
	if s.unplaced > 10 && s.unplaced > s.placed {
		act("%d of %d people have no floor point: send floor, or give the camera a homography or points in the site file",
			s.unplaced, s.placed+s.unplaced)
	}
	if s.newSKU > 0 && len(c.store.Products) > 0 {
		note("products has not all its SKUs, such as %s (%s)", Printable(s.skuExample), many(s.newSKU, "time"))
	}
}

func messages(n int64) string { return many(n, "message") }

// many is "1 message", "2 messages".
func many(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// stamp is a time to the millisecond.
func stamp(ns int64) string { return message.At(ns - ns%1e6).String() }

func millis(ns int64) float64 { return math.Round(float64(ns)/1e5) / 10 }

func seconds3(ns int64) float64 { return math.Round(float64(ns)/1e6) / 1e3 }

// brief is a duration as people say it: three digits.
func brief(ns int64) time.Duration {
	d := time.Duration(ns)
	unit := time.Millisecond
	for _, u := range []time.Duration{time.Second, 10 * time.Second, 100 * time.Second, 1000 * time.Second} {
		if d >= u {
			unit = u / 100
		}
	}
	return d.Round(unit)
}
