package fusion

const second = int64(1e9)

// coverageWindow is how far back coverage() looks (contract §4).
const coverageWindow = 60 * second

// maxHoles bounds the silences remembered per source; the oldest go first.
const maxHoles = 32

// hole is a time in which a source could not report, from exclusive; of one that is not sharp it began with the last sign of life before.
type hole struct {
	from, to int64
	sharp    bool
}

// regular is how many signs of life by status a source gives before its silence is one: many send a status once, when they begin.
const regular = 3

// defaultEvery is the time between signs of life of a source that names none (contract §1).
const defaultEvery = 10 * second

// liveness is what is known of one source's signs of life (contract §1): it is idle after three times every without one,
// or from its will on.
type liveness struct {
	first, last int64
	every       int64
	beats       int // signs of life by status, up to regular
	off         bool
	offAt       int64
	model       string // of its detector, as its status says
	blind       int64  // since when a scale has no baseline, though it speaks; 0: it has one
	holes       []hole
}

func (l *liveness) sign(ts, every int64) {
	if l.off && ts <= l.offAt {
		l.last = max(l.last, ts) // what it said before its will
		return
	}
	if l.first == 0 {
		l.first = ts
	}
	if from, idle := l.idleSince(ts); idle {
		l.hole(from, ts, l.off)
	}
	l.off = false
	l.last = max(l.last, ts)
	if every > 0 {
		l.every = every
	}
}

// hole remembers a time in which the source could not report, but for what of it is in the last one.
func (l *liveness) hole(from, to int64, sharp bool) {
	if n := len(l.holes); n > 0 {
		from = max(from, l.holes[n-1].to)
	}
	if from >= to {
		return
	}
	l.holes = append(l.holes, hole{from, to, sharp})
	if len(l.holes) > maxHoles {
		l.holes = l.holes[1:]
	}
}

func (l *liveness) offline(ts int64) {
	if l.first == 0 || l.off {
		return
	}
	if from, idle := l.idleSince(ts); idle {
		ts = from
	}
	l.off, l.offAt = true, ts
}

// idleSince says from when on the source was silent at ts.
func (l *liveness) idleSince(ts int64) (int64, bool) {
	switch {
	case l.off:
		return l.offAt, true
	case l.last > 0 && ts > l.last+3*l.every:
		return l.last + 3*l.every, true
	}
	return 0, false
}

// alive is the share of (from, to] in which the source could report, 0–1.
func (l *liveness) alive(from, to int64) float64 {
	if l.first == 0 || to <= from {
		if l.first == 0 || l.first > to {
			return 0
		}
		if _, idle := l.idleSince(to); idle {
			return 0
		}
		return 1
	}
	dead := overlap(from, to, from, l.first)
	for _, h := range l.holes {
		dead += overlap(from, to, h.from, h.to)
	}
	until := to
	if at, idle := l.idleSince(to); idle {
		dead += overlap(from, to, at, to)
		until = at
	}
	if l.blind > 0 {
		dead += overlap(from, until, l.blind, until)
	}
	return 1 - float64(dead)/float64(to-from)
}

// beat notes a sign of life by status.
func (l *liveness) beat() { l.beats = min(l.beats+1, regular) }

// dark is how much of (from, to] in ns the source is known to have reported nothing, whatever happened: it said that it goes offline, or gives
// signs of life regularly and gave none. Of such a silence all is dark since the last of them.
func (l *liveness) dark(from, to int64) int64 {
	dead := int64(0)
	if l.beats == regular {
		dead += overlap(from, to, from, l.first)
	}
	since := func(from int64, sharp bool) int64 {
		if sharp {
			return from
		}
		return from - 3*l.every
	}
	for _, h := range l.holes {
		if h.sharp || l.beats == regular {
			dead += overlap(from, to, since(h.from, h.sharp), h.to)
		}
	}
	if at, idle := l.idleSince(to); idle && (l.off || l.beats == regular) {
		dead += overlap(from, to, since(at, l.off), to)
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
		if l := &w.live[i]; l.first > 0 && l.first <= to {
			sum, n = sum+l.dark(from, to), n+1
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
	if _, idle := l.idleSince(ts); idle {
		return "idle"
	}
	return "up"
}

// HasSource reports whether the zone has a source of the modality.
func (w *World) HasSource(m Modality, zone int) bool { return len(w.watchers[m][zone]) > 0 }
