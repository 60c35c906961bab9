package fusion

import (
	"math"
	"slices"
)

// oldestCopy is the ts from which on messages are remembered, so that their copies are known. A copy that is not too late may
// be dated up to MaxBehind and the largest lateness after another, where the correction of a clock has changed between their
// arrivals: by more than that, and the other was too late.
func (c *Core[J]) oldestCopy() int64 { return c.watermark - 2*MaxBehind - c.Store.MaxLateness() }

// exchange puts a copy of a message that arrived before the one that counts in its place. Either may have been folded: then it
// is folded again. What can be folded no more stands as it is, and so does a copy whose content is not the same.
func (c *Core[J]) exchange(m *Message, was taken) {
	if c.watermark-was.ts > MaxBehind {
		return
	}
	old := slices.Clone(m.Events)
	for i := range old {
		old[i].TS += was.ts - m.TS
		old[i].Retained = was.rank&1 != 0
		if !c.remove(&old[i], false) {
			return
		}
	}
	for i := range old {
		o, e := &old[i], &m.Events[i]
		c.remove(o, true)
		e.Retained = m.Retained
		c.put(e, c.folded(o) || c.folded(e), min(o.TS, e.TS))
	}
}

// remove finds an event that waits or may be folded again, and takes it out if it is asked to.
func (c *Core[J]) remove(e *Event, out bool) bool {
	if i := slices.IndexFunc(c.late, e.same); i >= 0 {
		if out {
			c.late = slices.Delete(c.late, i, i+1)
		}
		return true
	}
	i := c.epochs.index(epochOf(e.TS))
	if i == len(c.epochs.list) || c.epochs.list[i].number != epochOf(e.TS) {
		return false
	}
	ep := c.epochs.list[i]
	switch {
	case e.Kind == RFID && !c.names.badge(e.ID):
		r, hot := c.names.read(e)
		list := &ep.shelf
		if hot {
			list = &ep.hot
		}
		return drop(list, out, func(o read) bool { o.shift = r.shift; return o == r })
	case e.Kind == Weight:
		return drop(&ep.samples, out, func(o sample) bool {
			return o.ts == e.TS && o.source == int16(e.Source) && math.Float64bits(o.grams) == math.Float64bits(e.Grams) &&
				o.boot == bootOf(e.Name) && o.change == e.Change && o.silent == e.Retained
		})
	}
	k := slices.IndexFunc(ep.events, e.same)
	if k >= 0 && out {
		if place := ep.remove(k); place >= 0 && ep.number == c.state.next && place < c.state.done {
			c.state.done--
		}
	}
	return k >= 0
}

// same reports whether two events are the same reading of the same message, dated and delivered the same.
func (e *Event) same(o Event) bool { return e.Compare(&o) == 0 && e.Retained == o.Retained }

// drop takes the first of a list that is meant out of it, if it is asked to. It reports whether there is one.
func drop[T any](list *[]T, out bool, meant func(T) bool) bool {
	i := slices.IndexFunc(*list, meant)
	if i >= 0 && out {
		*list = slices.Delete(*list, i, i+1)
	}
	return i >= 0
}

// remove takes an event out, and says which place it had in the order; -1: none yet.
func (e *epoch) remove(i int) (place int) {
	e.events = slices.Delete(e.events, i, i+1)
	place = slices.Index(e.order, int32(i))
	if place >= 0 {
		e.order = slices.Delete(e.order, place, place+1)
	}
	for k := range e.order {
		if e.order[k] > int32(i) {
			e.order[k]--
		}
	}
	return place
}
