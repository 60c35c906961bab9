package fusion

import "slices"

// passTime is how lately a visit must have shared a tag for a new owner to take it over: one pass through a gate.
const passTime = 10 * second

// passingBy is the probability of having moved with a visit below which a tag was near as it came by (assumption).
const passingBy = 0.1

// holdsSuch is how many times sooner a tag that is heard inside is with who holds such goods (assumption).
const holdsSuch = 8.0

// gateReach is how far outside a zone a person may stand to own what its reader or gate saw, in metres.
const gateReach = 1.5

// foldRead takes one read outside of an epoch's, and those of badges.
func (w *World) foldRead(e *Event) {
	r, _ := w.tags.names.read(e)
	if r.zone < 0 {
		return
	}
	if !w.tags.names.all[r.tag].badge {
		w.tags.gather(&r)
		return
	}
	w.readBadge(&r, e.Source)
}

// lingers is how far a visit that went into a zone may still be there at ts: a device without positions says so until it says
// otherwise; whom a camera has lost there fades, 0–1.
func (v *Visit) lingers(zone int, ts int64) float64 {
	s := &v.stays[zone]
	switch {
	case !s.in:
		return 0
	case v.PosAt < s.entered && !s.gone:
		return 1
	}
	return likelihood(float64(max(0, abs(ts-max(v.PosAt, s.entered))-lostAfter))/1e9, sigmaSeen)
}

// inside shares what happened in a zone among the visits in or near it at ts; the rest is a person whom no camera saw.
func (w *World) inside(zone int, ts int64) []claim { return w.seenBy(-1, zone, ts, 1) }

// throng is the sum of likelihoods from which nobody can have minShare of it: each is at most 1.
const throng = 1 + 1/minShare

// seenBy is inside for what a source saw, whose clock may not be known well, and that may be so many times further off than usual.
func (w *World) seenBy(source, zone int, ts int64, off float64) []claim {
	c := w.claims[:0]
	sum := unseen
	far := 0
	for _, v := range w.about(zone) {
		l := 0.0
		if p, gap, ok := v.at(ts); ok {
			d := Distance(w.Store.Zones[zone].Polygon, p)
			if d > zoneReach {
				far++
				continue
			}
			l = float64(likelihood(d, float64(off*gateReach/2)) * likelihood(float64(gap)/1e9, w.blur(sigmaSeen, source, v.camera)))
		} else if v.Unowned && v.Zone == zone { // nothing but readers has it here: it fades as one whom no camera sees any more
			l = float64(0.5 * likelihood(float64(ts-v.ZoneAt)/1e9, sigmaSeen))
		} else {
			l = float64(0.5 * v.lingers(zone, ts))
		}
		l = max(l, w.isAtUnseen(v, zone, ts))
		if l > 0 {
			c = append(c, claim{v, l})
			if sum += l; sum > throng {
				w.claims = c[:0]
				return nil
			}
		} else {
			far++
		}
	}
	if far > 8 && far > len(c) {
		w.prune(zone)
	}
	w.claims = c[:0]
	return slices.Clone(w.shares(c, sum))
}

// tagFact gives what the tag conditioner found to the ledgers and to those who may carry the tag.
func (w *World) tagFact(f Fact) {
	f.TS = w.now
	if f.Product < 0 && w.Store.HideForeign {
		return // a person's own clothes are nobody's business
	}
	w.note(f)
	if f.Product < 0 {
		return
	}
	out := w.Store.wayOut(f.Zone)
	near := w.carriers(f, out)
	if out && f.Kind == FactMoved {
		w.dropped(f, near)
	}
	if f.Kind == FactReadEnd {
		w.fallsSilent(f, near)
	}
	guests := 0.0 // the share of those who brought it; staff bring what is sold
	for _, c := range near {
		if w.hears(c, f, out) {
			guests += float64(c.share * (1 - c.visit.Staff))
		}
	}
	w.watchDoor(f, near)
	if f.Kind == FactRead && !w.Store.wayOut(f.Zone) {
		w.tags.setOut(f.Name, 0) // it is in the store
	}
	if guests >= surelyHis || w.cameIn(f) {
		w.tags.bring(f.Name, f.At)
	}
}

// carriers are those who may carry the tag of a fact, each with his share. At a way out a tag that moves has somebody, be it nobody whom a
// camera sees.
func (w *World) carriers(f Fact, out bool) []claim {
	near := w.seenBy(f.Source, f.Zone, f.At, w.tags.off(f))
	if !out {
		for i := range near {
			if near[i].visit.holds(f.Product, f.Name) {
				near[i].share *= holdsSuch
			}
		}
		near = w.bound(near)
		w.readAtTill(f, near)
		return near
	}
	if near = w.passes(near, f); len(near) > 0 || f.Kind != FactMoved || f.P < 0.5 {
		return near
	}
	v := w.nobody(f)
	if w.Store.reader[f.Source] < 0 { // a device of zones alone: what it sees at a way out goes out
		w.exit(v, f.Zone, f.At)
	}
	return []claim{{v, 1}}
}

// hears gives the fact of a tag to one who may carry it, and reports whether he brought the tag along.
func (w *World) hears(c claim, f Fact, out bool) (brought bool) {
	t := w.tag(c.visit, f)
	brought = out && w.settleBrought(c.visit, f, t)
	switch f.Kind {
	case FactMoved:
		if !brought {
			p := f.P
			if w.gone(c.visit) { // it grows weaker as he walks off, and has moved all the same
				p = max(p, t.moved)
			}
			t.moved, t.share = p, c.share
			t.follows(f.At)
		}
	case FactReadEnd:
		t.ended = true
	case FactRead:
		t.near = c.share
	}
	t.at = max(t.at, f.At)
	if kind := w.Store.Zones[f.Zone].Kind; kind != Aisle && kind != HighValue && f.Kind != FactReadEnd {
		w.touch(c.visit)
	}
	if out && !brought {
		switch way := w.carries(c.visit, f); {
		case f.Kind == FactMoved && way != undecided, f.Kind == FactReadEnd && way == goesOut:
			w.bind(c.visit, f, c.share)
		}
	}
	w.add(c.visit, f, c.share)
	return brought
}

// bound makes raised shares sum to at most 1 again.
func (w *World) bound(c []claim) []claim {
	sum := 0.0
	for _, x := range c {
		sum += x.share
	}
	if sum <= 1 {
		return c
	}
	return w.shares(c, sum+unseen)
}

// holds reports whether the visit may hold goods of the product, or the tag itself.
func (v *Visit) holds(product int, epc string) bool {
	for i := range v.Basket {
		if it := &v.Basket[i]; (it.EPC == epc || it.Product == product) && it.Held() > 0.2 {
			return true
		}
	}
	return false
}

// tag returns what the visit knows of a tag in a zone.
func (w *World) tag(v *Visit, f Fact) *carriedTag {
	had := v.had(f)
	if t := v.knows(f); t != nil {
		t.had = had
		if f.Kind != FactReadEnd { // he may have been out of reach as its run began
			t.ended = false
		}
		return t
	}
	if v.learn(carriedTag{epc: f.Name, product: f.Product, zone: f.Zone, first: f.At, at: f.At, had: had}) {
		w.evicted++
	}
	return &v.tags[len(v.tags)-1]
}

// learn adds a tag to those of which the visit knows. A visit that knows of too many forgets, full says, the one that is least likely its
// own: people walk past shelves full of tags, each of which is theirs a little, and what they carry out comes last.
func (v *Visit) learn(t carriedTag) (full bool) {
	if full = len(v.tags) == maxBasket; full {
		least := 0
		for i := range v.tags {
			a, b := v.tags[i].worth(), v.tags[least].worth()
			if a < b || a == b && v.tags[i].at < v.tags[least].at {
				least = i
			}
		}
		v.tags = slices.Delete(v.tags, least, least+1)
	}
	v.tags = append(v.tags, t)
	return full
}

// with is how likely the tag moved with the visit, 0–1.
func (t *carriedTag) with() float64 { return float64(t.moved * t.share) }

// worth says how much a visit would lose that forgot the tag, 0–1: what is hardly its own, or did not move, is nothing.
func (t *carriedTag) worth() float64 {
	switch p := t.with(); {
	case p >= passingBy:
		return p
	case t.brought, t.took():
		return passingBy
	}
	return 0
}

// bind ties a tag seen moving at a gate to the basket: it is one of the units of that product already there, or one more.
func (w *World) bind(v *Visit, f Fact, share float64) {
	p := float64(f.P * share)
	it := v.line(f.Product, f.Name)
	if it == nil {
		if p < 0.3 {
			return
		}
		it = w.item(v, f.Product, f.Name)
	}
	if p >= 0.3 && p > it.known {
		w.label(v, f.Product, f.Name, 1-it.known)
		it = w.item(v, f.Product, f.Name)
	}
	if p >= 0.5 && p > it.known { // who had the goods as well has them no more
		if !it.found {
			w.draw(v, f.Product, f.Name, p-it.known)
			it = w.item(v, f.Product, f.Name)
		}
		if n := float64(found*p) - it.known; n > tiny && w.shrink.lies(f.Product) >= 0 { // or some lie where no scale is
			it.found = true
			w.turnsUp(v, f.Product, f.Name, n)
		}
		it = w.item(v, f.Product, f.Name)
	}
	it.N, it.tag, it.left, it.At = max(it.known, p), share, 0, w.now
	w.allot(v)
	w.paidBeside(v, f.Product, f.Name)
	w.reckon(v)
}

// label says that up to n of the units of a product that the visit may have carry a tag: of the newest lots first.
func (w *World) label(v *Visit, product int, epc string, n float64) {
	for k := len(v.lots) - 1; k >= 0 && n > tiny; k-- {
		i := w.lotIndex(v.lots[k])
		if i < 0 || w.lots[i].product != product {
			continue
		}
		p := w.lots[i].of(v.number, "")
		if p == nil || p.n <= 0 || !w.lots[i].room(v.number, epc) {
			continue
		}
		x := min(n, p.n)
		l := w.change(i)
		w.give(l, v, "", -x)
		w.give(l, v, epc, x)
		n -= x
	}
}
