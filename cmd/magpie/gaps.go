package main

import "magpie/fusion"

// gaps counts the numbers that are missing in seq (contract §1), from message to message of a source and kind. What
// comes a little behind another is out of order and fills no gap; what comes far behind is a restart or a wrap.
type gaps map[feed]sequence

type feed struct {
	source int
	kind   fusion.Kind
}

type sequence struct {
	seq  int64
	boot string
}

// outOfOrder is how far behind the newest number a message may come without being a restart.
const outOfOrder = 64

// add takes the next message's number and returns how many are missing before it.
func (g gaps) add(source int, kind fusion.Kind, seq int64, boot string) int64 {
	f := feed{source, kind}
	was, known := g[f]
	switch {
	case !known || boot != was.boot || seq < was.seq-outOfOrder:
		g[f] = sequence{seq, boot}
	case seq > was.seq:
		g[f] = sequence{seq, boot}
		return seq - was.seq - 1
	}
	return 0
}
