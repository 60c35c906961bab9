package fusion

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// SubjectKind says whose events a policy sees.
type SubjectKind uint8

// The subjects that policies judge.
const (
	SubjectVisit SubjectKind = iota
	SubjectTill
	SubjectCashier
	SubjectZone
	SubjectStore
)

// SubjectKinds gives the word of each SubjectKind as policies write it.
var SubjectKinds = [...]string{"visit", "till", "cashier", "zone", "store"}

func (k SubjectKind) String() string { return SubjectKinds[k] }

// Bounds of what one visit keeps; what is beyond is dropped oldest first and counted.
const (
	maxFacts  = 128
	maxLedger = 512 // facts of a till, a cashier, a zone or the store
	maxBasket = 32  // items, and tags, and classes of objects
	maxTrail  = 64
	maxTracks = 64
	maxOthers = 8
)

// maxVisits bounds the visits that are open at once; beyond it the one ends of whom nothing was heard for the longest time.
const maxVisits = 1 << 14

// Event times after which something is taken to be over (contract §4, §5).
const (
	lostAfter = 2 * second  // no camera has seen the person
	endAfter  = 45 * second // no track, tag, gate or till fact
	maxStay   = 3 * 3600 * second
)

// Visit is one person's stay in the store, or the ledger of another subject (a till, a zone, the store), of which only
// Subject, ID, Zone and Facts are used.
type Visit struct {
	// What others look at when they are near stands first: in one line of the processor's cache.
	number  int
	First   int64 // ts of the first and last observation, ns
	Pos     Point // last floor position
	PosAt   int64 // its ts; 0: never seen by a camera
	camera  int   // source that saw it last
	Last    int64
	Subject SubjectKind
	Paid    bool    // its till session was tendered, or closed with a scan
	Unowned bool    // opened by a gate, exit or till fact that nobody could own
	inside  bool    // it was once seen inside the store
	served  float32 // sales of staffed tills that it stood by as others stand by none (see serves)

	ID      string
	Ended   int64    // event time at which it ended, 0 while open
	Merged  string   // ID of the visit in which it goes on, "" when it ended by itself
	Tracks  []string // "source/track", in order of their first observation
	Zone    int      // last zone it was in, -1: none yet
	ZoneAt  int64
	Facts   Facts // the newest maxFacts, of a ledger maxLedger, oldest first
	Basket  []Item
	Staff   float64 // P(staff), 0–1
	signs   float64 // the same by anything but badges
	Session string  // "source/session" of the till session matched to it, "" when none
	Others  []Share // other visits that may be the ones, by their share in what this one took, at most maxOthers

	posSD   Point // standard deviation of Pos, metres; 0: not told
	trail   []trailPoint
	keys    []trackKey // of Tracks
	origin  trackKey   // its earliest observation's: a track, or what else tells two of one moment apart, as a till session
	from    Point      // where a camera saw it first
	like    []likeness
	out     float64 // since it was last seen: probability that it has left as somebody else,
	shared  float64 // and part of what it had that went to those who may be it
	within  int32   // floor points in a row inside, since the last one beyond
	past    int32   // floor points in a row beyond an out edge
	pastOut int32   // and the zone whose edge it is
	joinQ   float32 // the probability that whoever was taken for its person since is he,
	joinAt  int64   // by a track that began then, ns; 0: there is no doubt
	pastAt  int64   // when the first point beyond the edge was seen
	wayOut  float64 // metres from Pos to the nearest way out
	heading float64 // metres moved towards the nearest way out, smoothed
	stays   []stay
	mates   []mate
	tags    []carriedTag
	with    []object
	paidBy  []int // visits of its group that paid
	hands   []handPoint
	lots    []int // where its goods come from
	met     []meeting
	touches []contact // hands at plates
	owed    []owed    // put back, and not known to have been held
	tall    []stature // of its person, by camera; copies share it
	as      int32     // another visit that is seen where this one is, though the two were once seen apart,
	asFor   int32     // in so many looks in a row
}

// owed are goods that a visit put back and was not known to have: whoever it turns out to be had them.
type owed struct {
	product int
	n       float64 // expected units
	at      int64   // when they were put back, ns
}

// maxOwed bounds what a visit owes; the oldest go first.
const maxOwed = 8

// Share is another visit's share in the same goods.
type Share struct {
	Visit string
	P     float64
}

// stay is what a visit has done in one zone.
type stay struct {
	entered int64 // when it last went in
	pending int64 // since when it seems to have changed, 0: it does not
	dwell   int64 // ns of the stays that are over
	in      bool
	ever    bool
	gone    bool // out by it, which is a way out, and not seen inside since
	listed  bool // among the folk of the zone
}

type trailPoint struct {
	at     int64
	p      Point
	source int32
	shift  int32 // ms that were added to its ts
}

// mate is another visit that may belong to the same group: seconds in which both were seen, and those of them together.
type mate struct {
	visit        int
	seen, beside int32
}

// carriedTag is what the readers say of one tag of the catalogue near the visit.
type carriedTag struct {
	epc     string
	product int
	zone    int
	moved   float64
	share   float64
	near    float64 // the visit's share in it when the run began
	look    int64   // when it was looked last at who was near it as it went by, ns
	looked  float64 // the sum of the weights of those looks
	odds    float64 // and that of the log-odds that it was this visit, against somebody whom no camera sees, each times its weight
	first   int64
	since   int64 // from when on it seems to go with the visit, ns; 0: it does not
	at      int64
	ended   bool
	brought bool    // it came in with the visit
	had     float64 // units of such goods, or of the tag, that the visit had when it began to pass, at most 1
	left    bool    // the visit went out, and it lies there
}

type object struct {
	class string
	p     float64
}

func (v *Visit) clone() *Visit {
	c := *v
	// These are only appended to and cut at the front: what both hold never changes.
	c.Tracks, c.keys, c.Facts = slices.Clip(v.Tracks), slices.Clip(v.keys), v.Facts.Clip()
	c.trail, c.paidBy = slices.Clip(v.trail), slices.Clip(v.paidBy)
	c.hands, c.lots, c.touches = slices.Clip(v.hands), slices.Clip(v.lots), slices.Clip(v.touches)
	c.Basket = slices.Clone(v.Basket)
	c.Others = slices.Clone(v.Others)
	c.stays = slices.Clone(v.stays)
	c.mates = slices.Clone(v.mates)
	c.met = slices.Clone(v.met)
	c.like = slices.Clone(v.like)
	c.tags = slices.Clone(v.tags)
	c.with = slices.Clone(v.with)
	c.owed = slices.Clone(v.owed)
	return &c
}

// most is how many facts the visit keeps.
func (v *Visit) most() int {
	if v.Subject == SubjectVisit {
		return maxFacts
	}
	return maxLedger
}

// Full reports whether as many facts are kept as may be: older ones may have been dropped.
func (v *Visit) Full() bool { return v.Facts.Len() >= v.most() }

// Objects lists the classes seen with the visit, the person itself first.
func (v *Visit) Objects() []string {
	o := make([]string, 0, 1+len(v.with))
	if len(v.Tracks) > 0 {
		o = append(o, "person")
	}
	for _, x := range v.with {
		o = append(o, x.class)
	}
	return o
}

// VisitID names a visit by its earliest observation (contract §5).
func VisitID(store, source, track string, ts int64) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{store, source, track, itoa(ts / 1e6)}, "\x00")))
	return "v_" + hex.EncodeToString(sum[:8])
}

// open begins a visit with an observation by a source: of a track, or of what tells it from another of the same moment.
func (w *World) open(source int, track string, ts int64) *Visit {
	if len(w.visits) == maxVisits {
		longest := w.visits[0]
		for _, v := range w.visits {
			if v.Last < longest.Last {
				longest = v
			}
		}
		w.evicted++
		w.end(longest)
	}
	w.born++
	v := &Visit{ID: VisitID(w.Store.ID, w.Store.Sources[source].ID, track, ts), First: ts, Last: ts, Zone: -1,
		Staff: staffPrior, signs: staffPrior, number: w.born, origin: trackKey{source, track}, stays: make([]stay, len(w.Store.Zones)), pastOut: -1}
	w.visits, w.heads = append(w.visits, v), append(w.heads, head{number: v.number})
	w.timers.push(timer{ts + endAfter, timerEnd, v.number})
	return v
}

// head is what is asked of many visits at once: they lie side by side, the visits wherever memory was.
type head struct {
	number int
	at     int64 // as the visit's PosAt and Pos
	pos    Point
}

// visit finds an open visit by its number, nil if there is none.
func (w *World) visit(number int) *Visit {
	if i := w.index(number); i >= 0 {
		return w.visits[i]
	}
	return nil
}

// index is the place of an open visit, -1 if there is none of that number.
func (w *World) index(number int) int {
	n := len(w.heads)
	if n == 0 {
		return -1
	}
	// Numbers only grow, so that it is as far from either end as they say or nearer.
	lo := max(0, n-1-(w.heads[n-1].number-number))
	hi := min(n, number-w.heads[0].number+1)
	for lo < hi {
		if m := (lo + hi) / 2; w.heads[m].number < number {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < n && w.heads[lo].number == number {
		return lo
	}
	return -1
}

// drop takes a visit out of those that are open.
func (w *World) drop(v *Visit) {
	if i := w.index(v.number); i >= 0 {
		w.visits, w.heads = slices.Delete(w.visits, i, i+1), slices.Delete(w.heads, i, i+1)
	}
}

// touch says that the visit was observed now, and so goes on.
func (w *World) touch(v *Visit) { v.Last = max(v.Last, w.now) }

// watch asks lostAfter from then whether a camera has seen the visit since.
func (w *World) watch(v *Visit, from int64) {
	w.timers.push(timer{from + lostAfter, timerLost, v.number})
}

func (w *World) fire(v *Visit, t timer) {
	switch t.kind {
	case timerLost:
		if v.PosAt+lostAfter > t.due {
			w.watch(v, v.PosAt)
			return
		}
		w.lost(v)
	case timerBegan:
		w.beganIn(v)
	case timerEnd:
		due := min(w.lastHeard(v)+endAfter, v.First+maxStay)
		if due > t.due {
			w.timers.push(timer{due, timerEnd, v.number})
			return
		}
		w.end(v)
	}
}

// lost is the moment at which no camera has seen the visit for lostAfter: a person last seen in an entrance or exit or past its
// edge, by a camera that still reports, has gone out; and one last seen in a stockroom into which none looks works in there.
func (w *World) lost(v *Visit) {
	if w.live[v.camera].last <= v.PosAt { // it may come back, and not see him
		w.watch(v, w.now)
		return
	}
	if u := w.lastGuess(v); u != v {
		if u.PosAt+lostAfter > w.now {
			return // he is seen elsewhere
		}
		if v = u; w.live[v.camera].last <= v.PosAt {
			w.watch(v, w.now)
			return
		}
	}
	for z := range v.stays {
		if v.stays[z].in && !w.Store.rooms.open[z] || w.Store.closed(z) && w.Store.in(z, v.Pos) {
			w.worksIn(v, z)
		}
		if w.Store.wayOut(z) && (v.stays[z].in || w.Store.in(z, v.Pos)) || v.inside && z == int(v.pastOut) {
			w.exit(v, z, v.PosAt)
		}
	}
}

// exit notes that the visit has gone out through the zone.
func (w *World) exit(v *Visit, zone int, at int64) {
	if v.stays[zone].gone {
		return
	}
	v.stays[zone].gone = true
	v.within = 0
	w.leftBehind(v)
	w.takesOut(v, zone, at)
	f := Fact{At: at, Kind: FactExited, Source: v.camera, Zone: zone, Product: -1, N: 1, P: 1}
	w.add(v, f, 1)
	w.note(f)
}

// end closes the visit. Its facts stay with it until the world forgets it.
func (w *World) end(v *Visit) {
	v.Ended = w.now
	w.drop(v)
	w.grid.remove(v)
	w.unlist(v)
	for _, k := range v.keys {
		delete(w.tracks, k)
	}
	w.wasOut(v)
	w.leave(v)
	for k, s := range w.sessions {
		if s.visit == v {
			delete(w.sessions, k)
		}
	}
	w.wentOut(v)
	w.add(v, Fact{At: w.now, Kind: FactEnded, Source: -1, Zone: v.Zone, Product: -1}, 1)
}

// Close ends every open visit at the end of a recording, at ns.
func (w *World) Close(at int64) {
	w.changes = w.changes[:0]
	w.now = max(w.now, at)
	w.joinFrames()
	for len(w.visits) > 0 {
		w.end(w.visits[0])
	}
}

// Subject finds an open visit, or the ledger of a till, a cashier, a zone or the store; nil if there is none.
func (w *World) Subject(kind SubjectKind, id string) *Visit {
	list := w.visits
	switch kind {
	case SubjectTill:
		list = w.tills
	case SubjectCashier:
		list = w.cashiers
	case SubjectZone:
		list = w.zones
	case SubjectStore:
		return w.store
	}
	for _, v := range list {
		if v.ID == id {
			return v
		}
	}
	return nil
}
