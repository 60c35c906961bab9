package fusion

import (
	"slices"
)

// merge lets two visits that are one person's go on as one: the one that began before the other, which is over. What
// either had or did is that one's; what both had a share in is its with both shares.
func (w *World) merge(v, o *Visit) *Visit {
	if o.begunBefore(v) {
		v, o = o, v
	}
	newer := v // whose cameras know more of where the person is
	if o.PosAt > v.PosAt {
		newer = o
	}
	watched := v.PosAt != 0 && v.PosAt+lostAfter > w.now // its timer runs
	w.rename(o, v)
	w.mergeStays(v, o, newer)
	for z := range o.stays {
		if o.stays[z].listed {
			w.list(v, z)
		}
	}
	w.unlist(o)
	v.Facts = w.mergeFacts(v, o)
	v.mergeTrack(w, o, newer)
	if !watched && v.PosAt != 0 && v.PosAt+lostAfter > w.now {
		w.watch(v, v.PosAt)
	}
	v.Last = max(v.Last, o.Last)
	v.Staff, v.signs = max(v.Staff, o.Staff), max(v.signs, o.signs)
	v.Unowned = v.Unowned && o.Unowned
	if o.joinAt != 0 {
		v.doubt(o.joinAt, float64(o.joinQ))
	}
	v.served += o.served
	v.mergeCompany(o)
	w.evicted += v.mergeThings(o)
	for _, s := range o.tall {
		v.grew(s.source, s.mean, s.blocks)
	}
	w.mergeBasket(v, o)
	w.drop(o)
	w.grid.remove(o)
	o.Ended, o.Merged = w.now, v.ID
	f := Fact{At: w.now, Kind: FactMerged, Source: v.camera, Zone: v.Zone, Product: -1, N: 1, P: 1, Name: v.ID}
	w.add(o, f, 1)
	w.add(v, f, 1)
	return v
}

// rename puts a visit in the place of another in all that refers to it.
func (w *World) rename(o, v *Visit) {
	for _, k := range o.keys {
		if t := w.tracks[k]; t != nil {
			t.visit = v
		}
	}
	for i := range w.counters {
		w.counters[i].rename(o.number, v.number)
	}
	for _, s := range w.sessions {
		if s.visit == o {
			s.visit = v
		}
		if n := s.waits[o.number]; n > 0 {
			s.waits[v.number] = max(n, s.waits[v.number])
		}
		if f, ok := without(&s.fits, o.number, func(f fit) int { return f.visit }); ok {
			if i := slices.IndexFunc(s.fits, func(f fit) bool { return f.visit == v.number }); i >= 0 {
				s.fits[i].l = max(s.fits[i].l, f.l)
				s.fits[i].stood += f.stood
			} else {
				f.visit = v.number
				s.fits = append(s.fits, f)
			}
		}
	}
	for i := range w.badges {
		w.badges[i].rename(o.number, v.number)
	}
	for k := range w.lanes {
		l := &w.lanes[k]
		if l.visit == o.number {
			l.visit = v.number
		}
		if l.paid == o.number {
			l.paid = v.number
		}
	}
	for i := range w.deeds {
		if slices.ContainsFunc(w.deeds[i].who, func(d doer) bool { return d.visit == o.number }) {
			w.deeds[i].who = renamed(w.deeds[i].who, o.number, v.number)
		}
	}
	for _, id := range o.lots {
		if i := w.lotIndex(id); i >= 0 {
			w.lots[i] = w.lots[i].renamed(o, v)
		}
	}
	for _, x := range w.visits {
		if x != o {
			x.renameIn(o, v)
		}
	}
}

// renamed is who may have done a deed, with one visit in another's place: what either may have done, it may have.
func renamed(who []doer, from, to int) []doer {
	var all []doer
	for _, d := range who {
		if d.visit == from {
			d.visit = to
		}
		if i := slices.IndexFunc(all, func(o doer) bool { return o.visit == d.visit }); i >= 0 {
			x := &all[i]
			share, took := x.share+d.share, max(x.took, d.took)
			if d.cost < x.cost || d.cost == x.cost && d.shown {
				*x = d
			}
			x.share, x.took = share, took
			continue
		}
		all = append(all, d)
	}
	return all
}

// without takes what a list says of a visit out of it; ok: it said something.
func without[T any](list *[]T, visit int, of func(T) int) (x T, ok bool) {
	i := slices.IndexFunc(*list, func(x T) bool { return of(x) == visit })
	if i < 0 {
		return x, false
	}
	x = (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return x, true
}

// renameIn puts a visit in the place of another in what this one knows of company, meetings and likeness.
func (v *Visit) renameIn(o, by *Visit) {
	if m, ok := without(&v.mates, o.number, func(m mate) int { return m.visit }); ok {
		m.visit = by.number
		v.addMate(m)
	}
	if m, ok := without(&v.met, o.number, func(m meeting) int { return m.visit }); ok {
		m.visit = by.number
		v.addMeeting(m)
	}
	if slices.Contains(v.paidBy, o.number) {
		v.paidBy = slices.Clone(v.paidBy) // copies of the visit share them
		without(&v.paidBy, o.number, func(n int) int { return n })
		v.addPaid(by.number)
	}
	if l, ok := without(&v.like, o.number, func(l likeness) int { return l.visit }); ok && by.begunBefore(v) {
		l.visit = by.number
		v.addLike(l)
	}
}

// mergeCompany takes over whom the person came with and met.
func (v *Visit) mergeCompany(o *Visit) {
	for _, m := range o.mates {
		v.addMate(m)
	}
	for _, m := range o.met {
		v.addMeeting(m)
	}
	for _, n := range o.paidBy {
		v.addPaid(n)
	}
	for _, l := range o.like {
		v.addLike(l)
	}
}

// addMate takes what is known of company, which is never oneself; of two accounts of one the longer.
func (v *Visit) addMate(m mate) {
	i := slices.IndexFunc(v.mates, func(n mate) bool { return n.visit == m.visit })
	switch {
	case m.visit == v.number:
	case i >= 0:
		if m.seen > v.mates[i].seen {
			v.mates[i] = m
		}
	case len(v.mates) < maxMates:
		v.mates = append(v.mates, m)
	}
}

func (v *Visit) addMeeting(m meeting) {
	i := slices.IndexFunc(v.met, func(n meeting) bool { return n.visit == m.visit })
	switch {
	case m.visit == v.number:
	case i >= 0:
		n := &v.met[i]
		*n = meeting{m.visit, min(n.since, m.since), max(n.at, m.at), max(n.hands, m.hands)}
	case len(v.met) < maxMeetings:
		v.met = append(v.met, m)
	}
}

func (v *Visit) addPaid(n int) {
	if n != v.number && !slices.Contains(v.paidBy, n) {
		v.paidBy = append(slices.Clip(v.paidBy), n)
	}
}

// addLike takes whom the visit may be; of two accounts of one the first.
func (v *Visit) addLike(l likeness) {
	if l.visit != v.number && len(v.like) < maxLike && !slices.ContainsFunc(v.like, func(x likeness) bool { return x.visit == l.visit }) {
		v.like = append(v.like, l)
	}
}

// mergeTrack takes over where the person was seen.
func (v *Visit) mergeTrack(w *World, o, newer *Visit) {
	v.keys, v.Tracks = w.mergeKeys(v, o)
	v.trail = merged(v.trail, o.trail, maxTrail, func(a, b trailPoint) int { return cmp(a.at, b.at) })
	v.hands = merged(v.hands, o.hands, maxHands, func(a, b handPoint) int { return cmp(a.at, b.at) })
	v.touches = merged(v.touches, o.touches, maxTouches, func(a, b contact) int { return cmp(a.at, b.at) })
	if o.ZoneAt > v.ZoneAt {
		v.Zone, v.ZoneAt = o.Zone, o.ZoneAt
	}
	if v.PosAt == 0 {
		v.from = o.from
	}
	v.inside = v.inside || o.inside
	v.camera = newer.camera
	if newer.PosAt != 0 { // its way may be another even where it stays
		w.moveTo(v, newer.Pos, newer.posSD, newer.camera, newer.PosAt)
	}
	if newer == v {
		return
	}
	v.out, v.shared = o.out, o.shared
	v.wayOut, v.heading = o.wayOut, o.heading
	v.within, v.past, v.pastAt, v.pastOut = o.within, o.past, o.pastAt, o.pastOut
}

// mergeKeys joins the tracks in the order of their first observation; those that are not followed any more come first.
func (w *World) mergeKeys(v, o *Visit) ([]trackKey, []string) {
	keys := append(slices.Clone(v.keys), o.keys...)
	first := func(k trackKey) int64 {
		if t := w.tracks[k]; t != nil {
			return t.first
		}
		return 0
	}
	slices.SortStableFunc(keys, func(a, b trackKey) int {
		if x, y := first(a), first(b); x != y {
			return cmp(x, y)
		}
		return a.source - b.source
	})
	for len(keys) > maxTracks {
		delete(w.tracks, keys[0])
		keys = keys[1:]
		w.evicted++
	}
	var names []string
	add := func(s string) {
		if !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	followed := make([]string, 0, len(keys))
	for _, k := range keys {
		followed = append(followed, w.Store.Sources[k.source].ID+"/"+k.id)
	}
	for _, s := range append(slices.Clone(v.Tracks), o.Tracks...) {
		if !slices.Contains(followed, s) {
			add(s)
		}
	}
	for _, s := range followed {
		add(s)
	}
	return keys, names[max(0, len(names)-maxTracks):]
}

// merged is two lists in order as one, of which it keeps the last.
func merged[T any](a, b []T, most int, compare func(a, b T) int) []T {
	all := append(slices.Clone(a), b...)
	slices.SortStableFunc(all, compare)
	return all[max(0, len(all)-most):]
}

// mergeThings takes over tags, objects and the till session; forgotten is how many tags there was no room for.
func (v *Visit) mergeThings(o *Visit) (forgotten int) {
	for _, t := range o.tags {
		i := slices.IndexFunc(v.tags, func(x carriedTag) bool { return x.epc == t.epc && x.zone == t.zone })
		if i < 0 {
			if v.learn(t) {
				forgotten++
			}
			continue
		}
		x := &v.tags[i]
		x.share, x.near = min(1, x.share+t.share), min(1, x.near+t.near)
		if x.looked == 0 || t.looked > 0 && float64(t.odds*x.looked) > float64(x.odds*t.looked) {
			x.look, x.looked, x.odds = t.look, t.looked, t.odds
		}
		x.moved = max(x.moved, t.moved)
		x.ended = x.ended && t.ended
		x.brought, x.left, x.had = x.brought || t.brought, x.left || t.left, min(1, x.had+t.had)
		if x.brought {
			x.moved, x.share = 0, 0
		}
		x.first, x.at = min(x.first, t.first), max(x.at, t.at)
		if x.since == 0 || t.since != 0 && t.since < x.since {
			x.since = t.since
		}
		x.follows(x.at)
	}
	for _, t := range o.with {
		i := slices.IndexFunc(v.with, func(x object) bool { return x.class == t.class })
		if i >= 0 {
			v.with[i].p = max(v.with[i].p, t.p)
		} else if len(v.with) < maxBasket {
			v.with = append(v.with, t)
		}
	}
	if v.Session == "" || o.Session != "" && !v.Paid {
		v.Session = o.Session
	}
	v.Paid = v.Paid || o.Paid
	return forgotten
}
