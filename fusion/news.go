package fusion

import "math"

// That a tag has just come to a gate tells that it is carried. What lies near a reader is heard again and again, 0.05 to 2
// reads a second at the edge of its reach; what a reader that was awake for minutes hears for the first time has just come, and
// what came with it makes it surer: one that lies there may be woken by somebody's body, several are not at once. What keeps
// coming and going lies there, and so does what stays. The numbers are assumptions.
const (
	occasionNS = 15 * second  // silent for so long, it comes anew
	awakeNS    = 600 * second // how far back the reader's being awake counts
	awakeHalf  = 60           // seconds awake after which half of what lies there was heard
	togetherNS = 2 * second
	company    = 3            // more that came with it say no more
	passNS     = 10 * second  // for so long what comes may be on its way through,
	lieNS      = 30 * second  // and now it lies there,
	usedNS     = 150 * second // or with somebody who waits to pay; and now how often it is heard is how often it is heard lying there
)

// news is what is known of a tag at a gate beside its levels.
type news struct {
	new     float64 // how far it has just come, 0–1
	with    float64 // others that came with it
	stayed  float64 // how far it has stayed, 0–1,
	settled float64 // and so long that how often it was heard since is how often it is heard lying there, 0–1
	came    int     // times before
	bare    bool    // its reader tells no levels
	awake   int64   // for how much of the last awakeNS its reader was awake, ns
	here    int64   // since it came, ns
}

// loudness is what levels a source has told.
type loudness struct {
	low, high int16
	any       bool
}

// coming is a tag that has come to a gate.
type coming struct {
	at   int64 // begin of its epoch, ns
	tag  int32
	news int32 // thousandths
	zone int16
}

func (t *tagTable) gate(zone int16) bool { return t.names.store.wayOut(int(zone)) }

// hears notes what levels a source tells: one that tells the same of every tag, since its maker's messages have none, tells
// nothing by it.
func (t *tagTable) hears(r *read) {
	if t.loudness == nil {
		t.loudness = make([]loudness, len(t.names.store.Sources))
	}
	s := &t.loudness[r.source]
	if !s.any {
		*s = loudness{r.level, r.level, true}
	}
	s.low, s.high = min(s.low, r.level), max(s.high, r.level)
}

// comes begins another time at which the tag is in the zone, in the epoch that begins at ts, if it is one. What it did long
// before counts half.
func (s *spot) comes(ts int64, held bool) {
	away := ts - s.seen
	switch {
	case s.seen == 0:
	case held || away <= occasionNS:
		return
	default:
		s.came = min(s.came+1, chatter) >> min(uint(away/historyNS), 32)
	}
	s.since, s.news, s.said = ts, -1, 0
}

// greet notes how new a tag is that has come to a gate: the longer its reader was awake and did not hear it.
func (t *tagTable) greet(g *tag, n int32, s *spot) {
	s.news = 0
	if t.live == nil {
		return
	}
	awake := float64(t.live[g.source].alive(s.since-awakeNS, s.since) * float64(awakeNS/second))
	times := float64(1 + s.came)
	s.news = int32(math.Round(1000 * awake / float64((awake+awakeHalf)*times*times)))
	if s.news > 0 {
		t.arrived = append(t.arrived, coming{s.since, n, s.news, int16(s.zone)})
	}
}

// news says what of a tag's coming still tells at ts.
func (t *tagTable) news(g *tag, s *spot, ts int64) news {
	if !t.gate(g.zone) || s.news < 0 {
		return news{}
	}
	n := news{came: s.came, bare: t.loudness[g.source].low == t.loudness[g.source].high}
	if t.live != nil {
		n.awake = int64(float64(t.live[g.source].alive(ts-awakeNS, ts) * float64(awakeNS)))
	}
	n.here = max(0, ts-s.since)
	n.stayed = min(1, float64(max(0, ts-s.since-passNS))/float64(lieNS-passNS))
	n.settled = min(1, float64(max(0, ts-s.since-passNS))/float64(usedNS-passNS))
	n.new = float64(float64(s.news) / 1000 * (1 - n.stayed))
	sum := int32(0)
	for _, a := range t.arrived {
		if a.tag != g.told.number && a.zone == g.zone && abs(a.at-s.since) <= togetherNS {
			if sum += a.news; sum >= 1000*company {
				sum = 1000 * company
				break
			}
		}
	}
	n.with = float64(sum) / 1000
	return n
}

// together looks again at those that came a moment before others.
func (t *tagTable) together(now int64) {
	begin := t.epoch * epochNS
	recent := t.arrived[:0]
	come := false
	for _, a := range t.arrived {
		if a.at >= begin-2*togetherNS {
			recent = append(recent, a)
			come = come || a.at == begin
		}
	}
	t.arrived = recent
	for i := 0; come && i < len(t.arrived); i++ {
		g := t.own(t.arrived[i].tag)
		if g.told != nil && g.zone == t.arrived[i].zone && g.told.looked != t.epoch {
			t.look(g, t.hearing(g, t.arrived[i].tag), t.epoch, now, true)
		}
	}
}

// enters takes what a device without levels says of a tag that comes into a zone, or crosses it.
func (t *tagTable) enters(s *sight, e *Event) {
	n := t.names.of(s.epc)
	t.names.all[n].hot = max(t.names.all[n].hot, e.TS)
	t.gather(&read{ts: e.TS, tag: n, source: int16(e.Source), zone: int16(e.Zone)})
	g := t.own(n)
	h := t.hearing(g, n)
	h.doubt = 1 - s.conf
	if e.Action == Enter {
		h.held = e.TS + lieNS
	}
}

// leaves takes that it has left the zone.
func (t *tagTable) leaves(epc string, zone int16, ts int64) {
	n, ok := t.names.numbers[epc]
	if !ok || t.own(n).told == nil || t.own(n).told.held == 0 {
		return
	}
	g := t.own(n)
	h := t.hearing(g, n)
	s := h.spot(int(zone))
	h.held, s.seen, g.last = 0, max(s.seen, ts), max(g.last, ts)
	t.next = min(t.next, align(t.ends(g)))
}

// stays looks again at a tag of which a device has not said that it left. After ten minutes it is not waited for: true.
func (t *tagTable) stays(g *tag, n int32, now int64) bool {
	h := t.hearing(g, n)
	if h.held >= g.last+historyNS {
		return true
	}
	h.held = g.last + historyNS
	t.look(g, h, epochOf(now)-1, now, true)
	return false
}

// How far off a tag is by how loud it is: what comes back from it falls by 40 dB for each tenfold of the distance (Friis, both ways).
// What a body or a bag takes off that is left out up to openSpan. Assumptions.
const (
	openSpan  = 1800  // hundredths of a dB below the loudest that a reader has heard in which a tag is as near as any
	leastLoud = -5000 // hundredths of a dBm: what a reader hears at least of a tag that goes by close to it
	mostOff   = 2.0   // times further off
)

// loudest is the level at which a reader hears a tag that is as near as any, in hundredths of a dBm.
func (t *tagTable) loudest(source int16) int { return max(int(t.loudness[source].high), leastLoud) }

// spotOf is how the zone of a fact hears its tag now, nil if it does not.
func (t *tagTable) spotOf(f Fact) *spot {
	h := t.of(f.Name)
	if h == nil || t.loudness == nil {
		return nil
	}
	for i := range h.spots {
		if s := &h.spots[i]; s.zone == f.Zone && s.known && t.loudness[s.by].any {
			return s
		}
	}
	return nil
}

// off is how many times further off than usual the tag of a fact is, by how its zone hears it.
func (t *tagTable) off(f Fact) float64 {
	s := t.spotOf(f)
	if s == nil || t.loudness[s.by].low == t.loudness[s.by].high {
		return 1
	}
	faint := t.loudest(s.by) - openSpan - max(s.level, s.peak)
	return min(mostOff, round9(math.Pow(10, float64(max(0, faint))/4000)))
}

// closeness is how near a tag is where a fact says, by how loud it is heard there beside the loudest that its reader has heard: 1 as near
// as any, 0.25 6 dB below that: it falls as the power does (assumption).
func (t *tagTable) closeness(f Fact) float64 {
	s := t.spotOf(f)
	if s == nil {
		return 1
	}
	return min(1, round9(math.Pow(10, float64(max(s.level, s.peak)-t.loudest(s.by))/1000)))
}
