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

	rejected int64 // messages since that were rejected: their numbers are not missing
}

// Step is what the number of a message says of those before it.
type Step struct {
	Missing int64 // so many numbers were left out before it
	Restart bool  // its sender has begun anew
	Behind  bool  // a later number came before it
}

// outOfOrder is how far behind the newest number a message of a sender that gives no boot may come without being a restart; of one that does, a number that
// is wraps behind has begun again from 0.
const (
	outOfOrder = 64
	wraps      = 1 << 15
)

// Rejected says that a message was rejected, whose number may not even have been read: one is not missing for it.
func (s Sequences) Rejected(source int, kind string) {
	for k, name := range fusion.Kinds {
		f := feed{source, fusion.Kind(k)}
		if n, known := s[f]; known && name == kind {
			n.rejected++
			s[f] = n
		}
	}
}

// Add takes the next message and its number. A duplicate is none: it is not to be given.
func (s Sequences) Add(m *fusion.Message, seq int64, boot string) (step Step) {
	f := feed{m.Source, m.Kind}
	was, known := s[f]
	switch {
	case !known:
	case boot != was.boot || seq < was.seq-outOfOrder && (boot == "" || seq < was.seq-wraps) || seq <= was.seq && m.TS > was.ts:
		step.Restart = true
	case seq > was.seq:
		step.Missing = max(0, seq-was.seq-1-was.rejected)
	default:
		return Step{Behind: seq < was.seq}
	}
	s[f] = numbered{seq: seq, boot: boot, ts: m.TS}
	return step
}
