package fusion

const second = int64(1e9)

// coverageWindow is how far back coverage() looks (contract §4).
const coverageWindow = 60 * second

// maxHoles bounds the silences remembered per source; the oldest go first.
const maxHoles = 32

// hole is a time in which a source could not report, ns since 1970: it is idle from exclusive, as the contract counts.
type hole struct {
	since    int64 // the last sign of life before it
	told     int64 // when it was told that it is off, by its will; 0: it was not
	from, to int64
}

// regular is how many signs of life by status, each due after the one before, a source gives before its silence says that it is off: many send a status
// once, when they begin.
const regular = 3

// defaultEvery is the time between signs of life of a source that names none (contract §1).
const defaultEvery = 10 * second

// liveness is what is known of one source's signs of life (contract §1): it is idle after three times every without one,
// or from its will on.
type liveness struct {
	first, last int64
	every       int64
	beats       int // signs of life by status, up to regular
	beatAt      int64
	off         bool
	away        hole   // that goes on, while it is off
	model       string // of its detector, as its status says
	blind       int64  // since when a scale has no baseline, though it speaks; 0: it has one
	holes       []hole
}

func (l *liveness) sign(ts, every int64) {
	if l.off && ts <= l.away.from {
		l.last = max(l.last, ts) // what it said before its will
		return
	}
	if l.first == 0 {
		l.first = ts
	}
	if h, idle := l.idle(ts); idle {
		h.to = ts
		l.hole(h)
	}
	l.off = false
	l.last = max(l.last, ts)
	if every > 0 {
		l.every = every
	}
}

// beat notes a sign of life by status.
func (l *liveness) beat(ts int64) {
	if l.beats < regular {
		if l.beats++; ts-l.beatAt > 3*l.every {
			l.beats = 1
		}
	}
	l.beatAt = ts
}

// hole remembers a time in which the source could not report, but for what of it is in the last one.
func (l *liveness) hole(h hole) {
	if n := len(l.holes); n > 0 {
		before := l.holes[n-1].to
		h.since, h.from = max(h.since, before), max(h.from, before)
		if h.told > 0 {
			h.told = max(h.told, before)
		}
	}
	if h.from >= h.to {
		return
	}
	l.holes = append(l.holes, h)
	if len(l.holes) > maxHoles {
		l.holes = l.holes[1:]
	}
}

func (l *liveness) offline(ts int64) {
	if l.first == 0 || l.off {
		return
	}
	h, idle := l.idle(ts)
	if !idle {
		h = hole{since: l.last, from: ts}
	}
	h.told = ts
	l.off, l.away = true, h
}

// idle is the hole that goes on at ts; false where there is none.
func (l *liveness) idle(ts int64) (hole, bool) {
	switch {
	case l.off:
		return l.away, true
	case l.last > 0 && ts > l.last+3*l.every:
		return hole{since: l.last, from: l.last + 3*l.every}, true
	}
	return hole{}, false
}

// alive is the share of (from, to] in which the source could report, 0–1.
func (l *liveness) alive(from, to int64) float64 {
	if l.first == 0 || to <= from {
		if l.first == 0 || l.first > to {
			return 0
		}
		if _, idle := l.idle(to); idle {
			return 0
		}
		return 1
	}
	dead := overlap(from, to, from, l.first)
	for _, h := range l.holes {
		dead += overlap(from, to, h.from, h.to)
	}
	until := to
	if h, idle := l.idle(to); idle {
		dead += overlap(from, to, h.from, to)
		until = min(to, h.from)
	}
	if l.blind > 0 {
		dead += overlap(from, until, l.blind, until)
	}
	return 1 - float64(min(dead, to-from))/float64(to-from)
}

// dark is how much of (from, to] in ns the source is known to have reported nothing, whatever happened: it was told that it is off, or gives signs of
// life regularly and gave none until now. Of such a silence all is dark since the last of them.
func (l *liveness) dark(from, to, now int64) int64 {
	dead, until := int64(0), to
	count := func(h hole) {
		switch {
		case l.beats == regular:
			dead += overlap(from, to, h.since, h.to)
		case h.told > 0:
			dead += overlap(from, to, h.told, h.to)
		}
	}
	if l.beats == regular {
		dead += overlap(from, to, from, l.first)
	}
	for _, h := range l.holes {
		count(h)
	}
	if h, idle := l.idle(now); idle {
		h.to = now
		count(h)
		until = max(from, min(to, h.since))
	}
	if l.blind > 0 {
		dead += overlap(from, until, l.blind, until)
	}
	return min(dead, to-from)
}

// dark is how much of (from, to] in ns what of the modality is in a zone is known to have reported nothing: the mean over its sources, of which one that
// never spoke, as a till that is not used, counts only where none did. It is 0 where there are none.
func (w *World) dark(m Modality, zone int, from, to int64) int64 {
	list := w.watchers[m][zone]
	if len(list) == 0 || to <= from {
		return 0
	}
	sum, n := int64(0), int64(0)
	for _, i := range list {
		if l := &w.live[i]; l.first > 0 {
			sum, n = sum+l.dark(from, to, w.now), n+1
		}
	}
	if n == 0 {
		return to - from
	}
	return sum / n
}

func overlap(a, b, c, d int64) int64 { return max(0, min(b, d)-max(a, c)) }

var modalityKind = [...]Kind{ByTrack: Tracks, ByRFID: RFID, ByWeight: Weight, ByTill: TillKind, ByGate: Gate,
	ByRegion: Region, ByCount: Count, BySignal: Signal}

// coverage is the share of (from, to] in which the zones of place that have a source of the modality at all were really
// watched by it: the mean over those zones of the mean over their sources. A place none of whose zones has such a source
// has coverage 0. place nil stands for every zone.
func (w *World) coverage(m Modality, place Place, from, to int64) float64 {
	var sum float64
	zones := 0
	for z := range w.Store.Zones {
		if place != nil && !place[z] {
			continue
		}
		n, alive := 0, 0.0
		for _, i := range w.watchers[m][z] {
			n++
			alive += w.live[i].alive(from, to)
		}
		if n > 0 {
			zones++
			sum += alive / float64(n)
		}
	}
	if zones == 0 {
		return 0
	}
	return sum / float64(zones)
}

// watchers lists, by modality and zone, the sources that perceive the zone.
func watchers(s *Store) [][][]int {
	t := make([][][]int, len(modalityKind))
	for m, k := range modalityKind {
		t[m] = make([][]int, len(s.Zones))
		for i := range s.Sources {
			if s.Sources[i].Kind != k {
				continue
			}
			for _, z := range s.Sources[i].Zones {
				t[m][z] = append(t[m][z], i)
			}
		}
	}
	return t
}

// SourceState says how a source stands at ts (ns): up, idle, or never when it has given no sign of life yet.
func (w *World) SourceState(i int, ts int64) string {
	l := &w.live[i]
	if l.first == 0 {
		return "never"
	}
	if _, idle := l.idle(ts); idle {
		return "idle"
	}
	return "up"
}

// HasSource reports whether the zone has a source of the modality.
func (w *World) HasSource(m Modality, zone int) bool { return len(w.watchers[m][zone]) > 0 }
