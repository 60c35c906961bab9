package fusion

import "slices"

// Who wears a badge is told by many reads: those of several zones have but one person in common. Assumptions, all of them.
const (
	badgeGap   = 60 * second // how long a badge is silent in a zone before it comes there anew
	badgeEvery = 2 * second  // reads closer together than that say the same
	badgeStray = 0.05        // that a badge is heard where its wearer is not, relative to where he is
	badgeLost  = 0.3         // of one whom no camera sees now: that he is there
	badgeNew   = 0.5         // that one who was not thought of wears it, where it has just come and nobody is known to wear it
	badgePast  = 0.02        // where it has been for longer: it is somebody's who works nearby, and not that of whoever walks past
	badgeHid   = 0.9         // that someone whom no camera shows is there still, and not the one who is seen there at every read
	badgeDoubt = 0.01        // that nobody who is known wears it, at least: badges are lent and left
	badgeMost  = 0.98        // that who wears a badge is staff
)

// maxBadges is how many badges are thought of: the one that was heard first goes when there is another.
const maxBadges = 500

// badge is what reads tell of who wears a staff badge.
type badge struct {
	tag    int32
	asked  int64 // the last read that was weighed, ns
	zones  []heardIn
	who    []wearer // in the order in which they were thought of
	nobody float64  // that it is none of these: someone whom no camera shows, 0–1
}

// heardIn is when a badge was heard in a zone without a gap.
type heardIn struct {
	zone     int16
	known    bool  // its coming was weighed
	from, at int64 // its first read and its last, ns
}

type wearer struct {
	visit int     // its number
	p     float64 // 0–1
}

func (b *badge) clone() badge {
	c := *b
	c.zones, c.who = slices.Clone(b.zones), slices.Clone(b.who)
	return c
}

// readBadge weighs a read of a badge: who is in reach of the antennas is likelier its wearer, who is seen elsewhere less. It changes for whom
// it makes it likely that he is staff, and takes that back from whom it had held for the wearer before.
func (w *World) readBadge(r *read, source int) {
	i := slices.IndexFunc(w.badges, func(b badge) bool { return b.tag == r.tag })
	if i < 0 {
		if len(w.badges) == maxBadges {
			w.evicted++
			w.badges = slices.Delete(w.badges, 0, 1)
		}
		i = len(w.badges)
		w.badges = append(w.badges, badge{tag: r.tag, nobody: 1})
	}
	b := &w.badges[i]
	h := b.hear(r)
	came := !h.known && r.ts-h.from <= passTime
	if !came && r.ts-b.asked < badgeEvery {
		return
	}
	near := w.seenBy(source, int(r.zone), r.ts, 1)
	if len(near) == 0 && len(b.who) == 0 {
		return
	}
	h.known = h.known || len(near) > 0 // until then its wearer is still to come into view
	b.asked = r.ts
	before := slices.Clone(b.who)
	b.forget(w)
	b.weigh(w, near, came, r.ts)
	for _, x := range before {
		w.wears(x.visit, source)
	}
	for _, x := range b.who {
		w.wears(x.visit, source)
	}
}

// hear notes a read in its zone.
func (b *badge) hear(r *read) *heardIn {
	b.zones = slices.DeleteFunc(b.zones, func(h heardIn) bool { return r.ts-h.at > badgeGap })
	for i := range b.zones {
		if h := &b.zones[i]; h.zone == r.zone {
			h.at = max(h.at, r.ts)
			return h
		}
	}
	b.zones = append(b.zones, heardIn{zone: r.zone, from: r.ts, at: r.ts})
	return &b.zones[len(b.zones)-1]
}

// forget gives the part of who has gone to those whom nobody sees.
func (b *badge) forget(w *World) {
	b.who = slices.DeleteFunc(b.who, func(x wearer) bool {
		gone := w.visit(x.visit) == nil
		if gone {
			b.nobody += x.p
		}
		return gone
	})
}

// rename gives what one visit has of the badge to another.
func (b *badge) rename(from, to int) {
	x, ok := without(&b.who, from, func(x wearer) int { return x.visit })
	if !ok {
		return
	}
	if i := slices.IndexFunc(b.who, func(x wearer) bool { return x.visit == to }); i >= 0 {
		b.who[i].p += x.p
	} else {
		b.who = append(b.who, wearer{to, x.p})
	}
}

// weigh is one step of a Bayes filter over who wears the badge.
func (b *badge) weigh(w *World, near []claim, came bool, ts int64) {
	strange, rest := badgePast, badgeHid
	switch {
	case len(near) == 0:
		rest = 1
	case came:
		strange, rest = badgeNew, unseen
	}
	sum := 0.0
	for _, c := range near {
		if !b.knows(c.visit.number) {
			sum += c.share
		}
	}
	if sum > 0 {
		for _, c := range near {
			if !b.knows(c.visit.number) {
				b.who = append(b.who, wearer{c.visit.number, float64(float64(b.nobody*strange) * c.share / sum)})
			}
		}
		b.nobody = float64(b.nobody * (1 - strange))
	}
	b.nobody = float64(b.nobody * rest)
	most := 0.0
	for _, c := range near {
		most = max(most, c.share)
	}
	total := b.nobody
	for i := range b.who {
		x := &b.who[i]
		x.p = float64(x.p * b.likely(w.visit(x.visit), near, most, ts))
		total += x.p
	}
	for i := range b.who {
		b.who[i].p = round9(float64(b.who[i].p/total) * (1 - badgeDoubt))
	}
	b.nobody = round9(badgeDoubt + float64(b.nobody/total*(1-badgeDoubt)))
	b.who = slices.DeleteFunc(b.who, func(x wearer) bool { return x.p < 0.001 })
}

func (b *badge) knows(visit int) bool {
	return slices.ContainsFunc(b.who, func(x wearer) bool { return x.visit == visit })
}

// likely is how likely a badge is heard as it was if the visit wears it.
func (b *badge) likely(v *Visit, near []claim, most float64, ts int64) float64 {
	for _, c := range near {
		if c.visit == v {
			return max(badgeStray, c.share/most)
		}
	}
	if _, _, seen := v.at(ts); seen {
		return badgeStray
	}
	return badgeLost
}

// wears says anew how likely a visit is staff: by the badges that it may wear, or by anything else.
func (w *World) wears(visit, source int) {
	v := w.visit(visit)
	if v == nil {
		return
	}
	p := v.signs
	for i := range w.badges {
		for _, x := range w.badges[i].who {
			if x.visit == visit {
				p = max(p, float64(badgeMost*x.p))
			}
		}
	}
	w.isStaff(v, p, source)
}
