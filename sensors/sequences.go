package sensors

import "magpie/fusion"

// Sequences follows seq and boot (contract §1) from message to message of each source and kind. What comes a little behind
// another is out of order and fills no gap; what comes far behind, or with a newer time, is a restart or a wrap.
type Sequences map[feed]numbered

type feed struct {
	source int
	kind   fusion.Kind
}

type numbered struct {
	seq  int64
	boot string
	ts   int64
}

// Step is what the number of a message says of those before it.
type Step struct {
	Missing int64 // so many numbers were left out before it
	Restart bool  // its sender has begun anew
	Behind  bool  // a later number came before it
}

// outOfOrder is how far behind the newest number a message may come without being a restart.
const outOfOrder = 64

// Add takes the next message and its number.
func (s Sequences) Add(m *fusion.Message, seq int64, boot string) (step Step) {
	f := feed{m.Source, m.Kind}
	was, known := s[f]
	switch {
	case !known:
	case boot != was.boot || seq < was.seq-outOfOrder || seq <= was.seq && m.TS > was.ts:
		step.Restart = true
	case seq > was.seq:
		step.Missing = seq - was.seq - 1
	default:
		return Step{Behind: seq < was.seq}
	}
	s[f] = numbered{seq, boot, m.TS}
	return step
}
