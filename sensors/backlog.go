package sensors

// backlog is what a source kept while its line was down and sends at once when it is back, the oldest first: messages that come late after a silence, and ever less
// so. It says nothing of the lateness that the source needs.
type backlog struct {
	delays
	first, last int64 // the delays of the first and the newest, ns
	down        gap   // before the first
}

// is reports whether late messages were one: the newest took less than half as long as the first.
func (b *backlog) is() bool { return b.n > 1 && b.last < b.first/2 }

// arrived takes the delays of the oldest and the newest reading of a message, ns, once it is known to be alive.
func (s *sourceCheck) arrived(oldest, newest, lateness int64) {
	after := s.newest.ns > 3*s.every // the contract's silence
	if s.kept.n > 0 && (after || oldest <= lateness) {
		*s = s.settled()
	}
	if oldest > lateness && (after || s.kept.n > 0) {
		if s.kept.n == 0 {
			s.kept.first, s.kept.down = oldest, s.newest
		}
		s.kept.last = oldest
		s.kept.add(oldest, newest)
		return
	}
	s.delays.add(oldest, newest)
	if oldest > lateness {
		s.late++
	}
}

// settled is what is known when no more is to come of what came late after a silence.
func (s sourceCheck) settled() sourceCheck {
	if s.kept.n == 0 {
		return s
	}
	if s.kept.is() {
		s.backlogs++
		s.backlogged += s.kept.n
		if s.kept.down.ns > s.longest.ns {
			s.longest = s.kept.down
		}
	} else {
		s.delays = s.delays.with(s.kept.delays)
		s.late += s.kept.n
	}
	s.kept = backlog{}
	return s
}
