package fusion

import (
	"math"
	"slices"
)

// epochNS is the grain of what is conditioned: the readings of so much event time are folded together, at its end.
const epochNS = 250 * int64(1e6)

// keepHot is how long after it was read at a gate or till a tag is followed in provisional views.
const keepHot = 10 * second

// read is one read of a tag, small and without pointers: millions of them wait or may have to be folded again.
type read struct {
	ts      int64
	tag     int32 // its number among names
	channel int32 // kHz; 0: not told
	source  int16
	antenna int16
	level   int16 // hundredths of a dBm
	zone    int16 // index into Store.Zones; -1: of an antenna that has none, a sign of life only
	shift   int32 // ms that were added to its ts
	silent  bool  // of a retained delivery: no sign of life
}

// sample is one load of a scale, likewise.
type sample struct {
	ts     int64
	grams  float64
	shift  int32 // ms that were added to its ts
	source int16
	boot   uint16 // of the device's start; 0: not told
	change bool
	silent bool
}

// epoch is what was received of one stretch of event time. Reads are folded in any order, samples and other events in
// theirs, so that adding any of them costs no search.
type epoch struct {
	number  int64
	events  []Event
	order   []int32  // of events: those that a state has folded stay where they are
	hot     []read   // by readers of gates and tills, of which much is promised (contract §5)
	shelf   []read   // by all others
	samples []sample // in order when tidy
	tidy    bool
}

func epochOf(ts int64) int64 {
	n := ts / epochNS
	if ts < 0 && n*epochNS != ts {
		n--
	}
	return n
}

func (e *epoch) start() int64 { return e.number * epochNS }
func (e *epoch) end() int64   { return (e.number + 1) * epochNS }

func (e *epoch) size() int { return len(e.events) + len(e.hot) + len(e.shelf) + len(e.samples) }

// sort orders the events from the from-th on. What all is in order stays so until another comes.
func (e *epoch) sort(from int) {
	if len(e.order) == len(e.events) {
		return
	}
	for len(e.order) < len(e.events) {
		e.order = append(e.order, int32(len(e.order)))
	}
	less := func(a, b int32) int { return e.events[a].Compare(&e.events[b]) }
	if tail := e.order[from:]; !slices.IsSortedFunc(tail, less) {
		slices.SortStableFunc(tail, less)
	}
}

func (e *epoch) tidySamples() {
	if e.tidy {
		return
	}
	e.tidy = true
	less := func(a, b sample) int {
		switch {
		case a.ts != b.ts:
			return cmp(a.ts, b.ts)
		case a.source != b.source:
			return int(a.source - b.source)
		case a.grams < b.grams:
			return -1
		case a.grams > b.grams:
			return 1
		case a.boot != b.boot:
			return int(a.boot) - int(b.boot)
		}
		return cmp(int64(math.Float64bits(a.grams)), int64(math.Float64bits(b.grams))) // what is no number too
	}
	if !slices.IsSortedFunc(e.samples, less) {
		slices.SortFunc(e.samples, less)
	}
}

// epochs are those that hold anything, in order.
type epochs struct {
	list []*epoch
	free []*epoch // emptied, to be used again
}

// index is the place of the first epoch that is not before number.
func (l *epochs) index(number int64) int {
	i := len(l.list)
	for i > 0 && len(l.list)-i < 8 && l.list[i-1].number >= number {
		i--
	}
	if i > 0 && l.list[i-1].number >= number {
		i, _ = slices.BinarySearchFunc(l.list[:i], number, func(e *epoch, n int64) int { return cmp(e.number, n) })
	}
	return i
}

// at is the epoch that holds ts, made if need be.
func (l *epochs) at(ts int64) *epoch {
	n := epochOf(ts)
	i := l.index(n)
	if i < len(l.list) && l.list[i].number == n {
		return l.list[i]
	}
	e := &epoch{}
	if k := len(l.free); k > 0 {
		e, l.free = l.free[k-1], l.free[:k-1]
	}
	e.number = n
	l.list = slices.Insert(l.list, i, e)
	return e
}

// drop forgets the epochs before a number. Few emptied ones are kept for use again.
func (l *epochs) drop(before int64) {
	n := 0
	for n < len(l.list) && l.list[n].number < before {
		e := l.list[n]
		clear(e.events) // their strings
		*e = epoch{events: e.events[:0], order: e.order[:0], hot: e.hot[:0], shelf: e.shelf[:0], samples: e.samples[:0]}
		if len(l.free) < 64 {
			l.free = append(l.free, e)
		}
		n++
	}
	if n > 0 {
		l.list = slices.Delete(l.list, 0, n)
	}
}

// read makes a read of an event. hot says that its reader is one of a gate or till.
func (n *names) read(e *Event) (r read, hot bool) {
	tag := n.of(e.ID)
	r = read{ts: e.TS, tag: tag, source: int16(e.Source), antenna: int16(e.Antenna), zone: -1, silent: e.Retained, shift: e.Shift,
		level: int16(whole(e.RSSI, -200, 100, 100)), channel: int32(whole(e.Channel, 0, 1e6, 1000))}
	if k := n.store.reader[e.Source]; k >= 0 {
		if zone, ok := n.store.Readers[k].Antennas[e.Antenna]; ok {
			r.zone = int16(zone)
			switch n.store.Zones[zone].Kind {
			case Exit, Entrance, Checkout:
				hot = true
				n.all[tag].hot = max(n.all[tag].hot, e.TS)
			}
		}
	}
	return r, hot
}

// insert puts an event into its epoch.
func (c *Core[J]) insert(e *Event) {
	ep := c.epochs.at(e.TS)
	switch e.Kind {
	case RFID:
		r, hot := c.names.read(e)
		switch {
		case c.names.all[r.tag].badge: // of whom it says something, and not of goods
			ep.events = append(ep.events, *e)
		case hot:
			ep.hot = append(ep.hot, r)
		default:
			ep.shelf = append(ep.shelf, r)
		}
	case Weight:
		ep.tidy = false
		ep.samples = append(ep.samples, sample{e.TS, e.Grams, e.Shift, int16(e.Source), bootOf(e.Name), e.Change, e.Retained})
	default:
		ep.events = append(ep.events, *e)
	}
}

// whole is x, held to a range, in so many parts; what is no number is the least.
func whole(x, low, high, parts float64) float64 {
	if !(x > low) {
		x = low
	}
	return math.Round(float64(min(x, high) * parts))
}
