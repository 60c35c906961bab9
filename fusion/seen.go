package fusion

// ident is the identity of a message: duplicates have the same, whose ts is in the hash if the device sent one.
type ident struct {
	hash   uint64
	source int
}

// taken is what is known of the copy of a message that counts.
type taken struct {
	ts   int64 // its oldest reading, by the corrected clock
	rank int64 // twice its arrival, and one more of a retained delivery: of copies the least counts, whichever is read first
}

func (m *Message) taken() taken {
	t := taken{m.TS, 2 * m.Received}
	if m.Retained {
		t.rank++
	}
	return t
}

// resent is how long after the first copy another may come of a message whose device has no clock: later it is the next one that
// bears the number, since numbers wrap, and begin anew when a device does (assumption).
const resent = 5 * second

// repeats reports whether a message of the same identity as another is a copy of it.
func (m *Message) repeats(was taken) bool { return m.Clocked || abs(m.Received-was.rank/2) <= resent }

// sighting is a message of the table.
type sighting struct {
	ident
	ts int64
}

// numbered is a message of a source that numbers its messages, in the place that its number has in the source's ring.
type numbered struct {
	hash, seq uint64
	taken
}

// maxRing bounds a source's ring. Numbers that meet in it, because a source wraps, restarts or is faster than this, go
// to the table instead, so that nothing is forgotten early.
const maxRing = 1 << 17

// seen knows the messages of the last while, so that a repeat is told from a new one. Messages with a number are found
// by it in a ring of their source, the others in a table.
type seen struct {
	rings [][]numbered // by source; the length is a power of two
	table map[ident]taken
	order []sighting // of the table, as they came, for forgetting
}

func newSeen(sources int) seen {
	return seen{rings: make([][]numbered, sources), table: map[ident]taken{}}
}

// again reports whether the message was there before, and which copy of it counted, and remembers which does now. What is
// older than oldest may be forgotten.
func (s *seen) again(m *Message, main bool, oldest int64) (was taken, again bool) {
	id, now := ident{m.Ident, m.Source}, m.taken()
	if len(s.table) > 0 {
		if was, ok := s.table[id]; ok && m.repeats(was) {
			if now.rank < was.rank {
				s.table[id] = now
			}
			return was, true
		}
	}
	if m.Seq == 0 || !main {
		s.remember(id, now)
		return taken{}, false
	}
	for {
		ring := s.rings[m.Source]
		if len(ring) == 0 {
			ring = make([]numbered, 64)
			s.rings[m.Source] = ring
		}
		place := &ring[m.Seq&uint64(len(ring)-1)]
		if place.hash == m.Ident && m.repeats(place.taken) {
			was := place.taken
			if now.rank < was.rank {
				place.taken = now
			}
			return was, true
		}
		if place.hash != 0 && place.hash != m.Ident && place.ts >= oldest {
			if len(ring) < maxRing {
				s.grow(m.Source, oldest)
				continue
			}
			s.remember(ident{place.hash, m.Source}, place.taken)
		}
		*place = numbered{m.Ident, m.Seq, now}
		return taken{}, false
	}
}

// grow doubles a source's ring.
func (s *seen) grow(source int, oldest int64) {
	old := s.rings[source]
	ring := make([]numbered, 2*len(old))
	for _, n := range old {
		if n.hash != 0 && n.ts >= oldest {
			ring[n.seq&uint64(len(ring)-1)] = n // two that differed in their old places differ in their new ones
		}
	}
	s.rings[source] = ring
}

func (s *seen) remember(id ident, t taken) {
	s.table[id] = t
	s.order = append(s.order, sighting{id, t.ts})
}

// forget drops what is older than oldest.
func (s *seen) forget(oldest int64) {
	n := 0
	for n < len(s.order) && s.order[n].ts < oldest {
		if id := s.order[n].ident; s.table[id].ts < oldest { // a later message may bear the same
			delete(s.table, id)
		}
		n++
	}
	s.order = s.order[n:]
}
