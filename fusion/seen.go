package fusion

// ident is the identity of a message: duplicates have the same, whose ts is in the hash if the device sent one.
type ident struct {
	hash   uint64
	source int
}

// sighting is when a message was.
type sighting struct {
	ident
	ts int64
}

// numbered is a message of a source that numbers its messages, in the place that its number has in the source's ring.
type numbered struct {
	hash, seq uint64
	ts        int64
}

// maxRing bounds a source's ring. Numbers that meet in it, because a source wraps, restarts or is faster than this, go
// to the table instead, so that nothing is forgotten early.
const maxRing = 1 << 17

// seen knows the messages of the last while, so that a repeat is told from a new one. Messages with a number are found
// by it in a ring of their source, the others in a table.
type seen struct {
	rings [][]numbered // by source; the length is a power of two
	table map[ident]struct{}
	order []sighting // of the table, as they came, for forgetting
}

func newSeen(sources int) seen {
	return seen{rings: make([][]numbered, sources), table: map[ident]struct{}{}}
}

// again reports whether the message was there before, and remembers it. What is older than oldest may be forgotten.
func (s *seen) again(m *Message, main bool, oldest int64) bool {
	if len(s.table) > 0 {
		if _, ok := s.table[ident{m.Ident, m.Source}]; ok {
			return true
		}
	}
	if m.Seq == 0 || !main {
		s.remember(ident{m.Ident, m.Source}, m.TS)
		return false
	}
	for {
		ring := s.rings[m.Source]
		if len(ring) == 0 {
			ring = make([]numbered, 64)
			s.rings[m.Source] = ring
		}
		place := &ring[m.Seq&uint64(len(ring)-1)]
		if place.hash == m.Ident {
			return true
		}
		if place.hash != 0 && place.ts >= oldest {
			if len(ring) < maxRing {
				s.grow(m.Source, oldest)
				continue
			}
			s.remember(ident{place.hash, m.Source}, place.ts)
		}
		*place = numbered{m.Ident, m.Seq, m.TS}
		return false
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

func (s *seen) remember(id ident, ts int64) {
	s.table[id] = struct{}{}
	s.order = append(s.order, sighting{id, ts})
}

// forget drops what is older than oldest.
func (s *seen) forget(oldest int64) {
	n := 0
	for n < len(s.order) && s.order[n].ts < oldest {
		delete(s.table, s.order[n].ident)
		n++
	}
	s.order = s.order[n:]
}
