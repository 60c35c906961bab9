package fusion

import (
	"slices"
	"strings"
)

// mergeFacts is what two visits that are one person's were told, in the order in which it was known, the newest maxFacts. What
// both had a share in is one fact with both shares; that the one went into a zone in which the other was is nothing new.
func (w *World) mergeFacts(v, o *Visit) Facts {
	all := merged(v.Facts.List(), o.Facts.List(), v.Facts.Len()+o.Facts.Len(), compareFacts)
	out := all[:0:0]
	in := make([]int8, len(w.Store.Zones)) // 0: not known
	for i := range all {
		f := all[i]
		if n := len(out); n > 0 && compareFacts(out[n-1], f) == 0 {
			switch f.Kind {
			case FactPicked, FactPutBack, FactRead, FactMoved, FactReadEnd, FactGate, FactSignal, FactSettled, FactShown,
				FactScanned, FactVoided, FactRefunded:
				out[n-1].N += f.N
				out[n-1].P = max(out[n-1].P, f.P)
			}
			continue
		}
		if f.Kind == FactEntered || f.Kind == FactLeft {
			state := int8(1)
			if f.Kind == FactLeft {
				state = -1
			}
			if in[f.Zone] == state {
				continue
			}
			in[f.Zone] = state
		}
		out = append(out, f)
	}
	if n := len(out) - maxFacts; n > 0 {
		out = out[n:]
		w.evicted += n
	}
	return FactsOf(out...)
}

// compareFacts orders facts by when they were known, then by what they are about.
func compareFacts(a, b Fact) int {
	for _, c := range [...][2]int64{{a.TS, b.TS}, {a.At, b.At}, {int64(a.Kind), int64(b.Kind)}, {int64(a.Source), int64(b.Source)},
		{int64(a.Zone), int64(b.Zone)}, {int64(a.Product), int64(b.Product)}} {
		if c[0] != c[1] {
			return cmp(c[0], c[1])
		}
	}
	return strings.Compare(a.Name, b.Name)
}

// mergeStays joins how long the two were in each zone; the time in which both were there counts once.
func (w *World) mergeStays(v, o, newer *Visit) {
	older := v
	if newer == v {
		older = o
	}
	for z := range v.stays {
		a, b := v.stays[z], o.stays[z]
		s := stay{in: a.in || b.in, ever: a.ever || b.ever, listed: a.listed, pending: newer.stays[z].pending}
		switch {
		case a.in && b.in:
			s.entered = min(a.entered, b.entered)
		case a.in:
			s.entered = a.entered
		default:
			s.entered = b.entered
		}
		s.dwell = max(0, a.dwell+b.dwell-w.bothIn(v, o, z))
		s.gone = newer.stays[z].gone || older.stays[z].gone && newer.within == 0 && newer.PosAt != older.PosAt // else it is back
		v.stays[z] = s
	}
}

// bothIn is the time in ns in which both were in a zone, as far as their facts tell, but for the stays that last.
func (w *World) bothIn(v, o *Visit, z int) int64 {
	a, b := w.staysIn(v, z), w.staysIn(o, z)
	var ns int64
	for _, x := range a {
		for _, y := range b {
			if x.to < forever || y.to < forever {
				ns += max(0, min(x.to, y.to)-max(x.from, y.from))
			}
		}
	}
	return ns
}

const forever = int64(1) << 62

// staysIn are the stays of a visit in a zone by its facts; one that lasts ends at forever. One of which the facts no longer tell when it began
// began with the oldest of them.
func (w *World) staysIn(v *Visit, z int) []span {
	var all []span
	for f := range v.Facts.All() {
		switch {
		case f.Zone != z:
		case f.Kind == FactEntered:
			all = append(all, span{from: f.At, to: forever})
		case f.Kind == FactLeft && len(all) > 0 && all[len(all)-1].to == forever:
			all[len(all)-1].to = f.At
		case f.Kind == FactLeft && len(all) == 0 && v.Full():
			all = append(all, span{from: v.Facts.Oldest().At, to: f.At})
		}
	}
	if n := len(all); v.stays[z].in && (n == 0 || all[n-1].to != forever) {
		all = append(all, span{from: v.stays[z].entered, to: forever})
	}
	if n := len(all); n > 0 && all[n-1].to == forever && !v.stays[z].in {
		all = slices.Delete(all, n-1, n)
	}
	return all
}
