package fusion

// gap is how long the run lasts without a read: a window that adapts to the tag (SMURF, Jeffery et al., VLDB 2006). Heard in
// one of n epochs, a tag that is still there is missed 3n times in a row in 5 of 100 (ln 20 = 3): one that is read seldom is
// not gone so soon. Reads of one epoch count once, so that a burst makes no tag fast.
func (g *tag) gap() int64 {
	return min(max(gapNS, 3*g.pace()), maxGapNS)
}

// pace is the mean time between two epochs of the run in which the tag was read, in ns; of a new run that of the last, if that
// ended lately; 0: not known.
func (g *tag) pace() int64 {
	if g.epochs < 2 {
		return g.told.pace
	}
	return (g.last - g.first) / int64(g.epochs-1)
}
