package fusion

import (
	"math"
	"slices"
	"time"
)

// Modality is a way of perceiving, as coverage("track", …) names it.
type Modality uint8

// The modalities; those of Modalities are what policies may write.
const (
	ByTrack Modality = iota
	ByRFID
	ByWeight
	ByTill
	ByGate
	ByRegion
	ByCount
	BySignal
)

// Modalities gives the word of each Modality as policies write it.
var Modalities = [...]string{"track", "rfid", "weight", "till", "gate", "region", "count", "signal"}

func (m Modality) String() string { return Modalities[m] }

// Place is a set of zones: one bool for each of Store.Zones.
type Place []bool

// Goods is a set of products, one bool for each of Store.Products; nil stands for any, also goods unknown to the catalogue.
type Goods []bool

// Has reports whether the product with index i (-1: unknown) is among the goods.
func (g Goods) Has(i int) bool { return g == nil || i >= 0 && g[i] }

// View is one subject at one moment, as a policy sees it. Its methods are the functions of contract §4 that need more
// than the subject's own facts; they read and never change anything.
type View struct {
	World *World
	Visit *Visit
	Now   int64 // event time, ns
}

// Seen reports whether the modality has perceived the subject in the place, ever in its stay.
func (v View) Seen(m Modality, p Place) bool {
	for f := range v.Visit.Facts.All() {
		if f.Source >= 0 && f.Zone >= 0 && p[f.Zone] && v.World.Store.Sources[f.Source].Kind == modalityKind[m] {
			return true
		}
	}
	return m == ByTrack && v.Entered(p)
}

// Rang is the share with which it was the visit, and nobody beside it, for which a gate in the place rang, not inwards; of several times the surest.
func (v View) Rang(p Place) float64 {
	return v.rangIn(func(zone int) bool { return p[zone] })
}

// rangIn is Rang for gates of some zones.
func (v View) rangIn(some func(zone int) bool) float64 {
	share := 0.0
	for f := range v.Visit.Facts.All() {
		if f.Kind == FactGate && f.Zone >= 0 && some(f.Zone) {
			share = max(share, float64(f.N*min(1, 2*f.P)))
		}
	}
	return share
}

// Entered reports whether the visit has been in the place.
func (v View) Entered(p Place) bool {
	for z := range v.Visit.stays {
		if p[z] && v.Visit.stays[z].ever {
			return true
		}
	}
	return false
}

// Exited reports whether the visit has gone out through an entrance or exit of the place, or left another place, and was
// not seen inside since.
func (v View) Exited(p Place) bool {
	for z := range v.Visit.stays {
		if s := &v.Visit.stays[z]; p[z] && (s.gone || s.ever && !s.in && !v.World.Store.wayOut(z)) {
			return true
		}
	}
	return false
}

// nearBy is the distance within which near() holds, in metres.
const nearBy = 1.0

// Near reports whether the visit is in the place or within a metre of it now.
func (v View) Near(p Place) bool {
	for z := range v.Visit.stays {
		if !p[z] {
			continue
		}
		if v.Visit.stays[z].in || v.current() && Distance(v.World.Store.Zones[z].Polygon, v.Visit.Pos) <= nearBy {
			return true
		}
	}
	return false
}

// Zone is where the visit is: the zone that it is in, else the nearest within a metre, else the last one that it was in; -1
// when it was in none. It is an index into Store.Zones.
func (v View) Zone() int {
	last := v.Visit.Zone
	if v.Visit.PosAt == 0 || last >= 0 && Contains(v.World.Store.Zones[last].Polygon, v.Visit.Pos) {
		return last
	}
	zone, near := last, nearBy
	for z := range v.World.Store.Zones {
		if d := Distance(v.World.Store.Zones[z].Polygon, v.Visit.Pos); d < near {
			zone, near = z, d
		}
	}
	return zone
}

// Model names the detector of the camera that saw the visit last, as the camera's status says; "" when it does not.
func (v View) Model() string {
	if v.Visit.PosAt == 0 {
		return ""
	}
	return v.World.live[v.Visit.camera].model
}

func (v View) current() bool { return v.Visit.PosAt != 0 && v.Now-v.Visit.PosAt <= dwellUnseen }

// outward is how far somebody must have come nearer to a way out over about the last second to walk there, in metres.
const outward = 0.3

// Heading reports whether the visit walks out of the store: on towards the edge of a way out, or where that has none nearer to it by more
// than outward over about the last second; who passes by a door does not. With out false it has moved away from all of them so far.
func (v View) Heading(out bool) bool {
	switch {
	case !v.current():
		return false
	case !out:
		return v.Visit.heading < -outward
	}
	z := v.World.Store.nearestWayOut(v.Visit.Pos)
	pace, stands := v.Visit.pace()
	if z < 0 || len(v.World.Store.Zones[z].Out) != 2 || pace == (Point{}) && !stands {
		return v.Visit.heading > outward
	}
	for z := range v.World.Store.Zones {
		if v.World.Store.wayOut(z) && v.World.Store.Zones[z].leads(v.Visit.Pos, pace) {
			return true
		}
	}
	return false
}

// Dwell is how long the visit was in the place, all stays together, in seconds; who is not seen for five seconds is not
// dwelling any more.
func (v View) Dwell(p Place) float64 {
	return float64(v.dwelt(p)) / 1e9
}

// dwelt is Dwell in ns.
func (v View) dwelt(p Place) int64 {
	var ns int64
	for z := range v.Visit.stays {
		if p[z] {
			ns += v.dwell(z)
		}
	}
	return ns
}

func (v View) dwell(z int) int64 {
	s := &v.Visit.stays[z]
	if !s.in {
		return s.dwell
	}
	until := v.Now
	if v.Visit.PosAt != 0 {
		until = min(until, v.Visit.PosAt+dwellUnseen)
	}
	return s.dwell + max(0, until-s.entered)
}

// DwellDue is the event time in ns at which Dwell(p) reaches secs if the visit stays where it is; math.MaxInt64 when it is
// not there, is not seen, or has dwelt that long already.
func (v View) DwellDue(p Place, secs float64) int64 {
	n := 0
	for z := range v.Visit.stays {
		if p[z] && v.Visit.stays[z].in {
			n++
		}
	}
	left := int64(math.Ceil(secs*1e9)) - v.dwelt(p)
	if n == 0 || left <= 0 || v.Visit.PosAt != 0 && !v.current() {
		return math.MaxInt64
	}
	return v.Now + (left+int64(n)-1)/int64(n)
}

// With is the probability that an object of the class is with the visit.
func (v View) With(class string) float64 {
	if class == person && len(v.Visit.Tracks) > 0 {
		return 1
	}
	for _, o := range v.Visit.with {
		if o.class == class {
			return o.p
		}
	}
	return 0
}

// Carried is the expected number of units of the goods that the visit holds, paid or not.
func (v View) Carried(g Goods) float64 { return v.sum(g, (*Item).Held) }

// Unpaid is the expected number of units of the goods that no till has seen.
func (v View) Unpaid(g Goods) float64 { return v.sum(g, (*Item).Unpaid) }

// CarriedValue is the expected value of what the visit holds, in the site's currency. A thing that is not known counts as the catalogue's
// median price.
func (v View) CarriedValue() float64 {
	return v.sum(nil, func(i *Item) float64 { return float64(i.Held() * v.worth(i)) })
}

// UnpaidValue is the expected value of what no till has seen, as CarriedValue.
func (v View) UnpaidValue() float64 {
	return v.sum(nil, func(i *Item) float64 { return float64(i.Unpaid() * v.worth(i)) })
}

func (v View) worth(i *Item) float64 {
	if i.Product < 0 {
		return float64(v.World.Store.median) / 100
	}
	return v.price(i)
}

func (v View) price(i *Item) float64 {
	if i.Product < 0 {
		return 0
	}
	return float64(v.World.Store.Products[i.Product].Price) / 100
}

func (v View) sum(g Goods, f func(*Item) float64) float64 {
	n := 0.0
	for i := range v.Visit.Basket {
		if it := &v.Visit.Basket[i]; g.Has(it.Product) {
			n += f(it)
		}
	}
	return round9(n)
}

// PUnpaid is the probability that the visit holds anything that no till has seen: noisy-or over its items (science §5).
func (v View) PUnpaid() float64 {
	none := 1.0
	for i := range v.Visit.Basket {
		none = float64(none * (1 - v.Visit.Basket[i].PUnpaid()))
	}
	return round9(1 - none)
}

// OwnerConf is how sure it is that the visit holds what it is thought to hold: the mean share over its unpaid items; for
// none, its share in the tag that moved most, and 1 where there is no such tag either.
func (v View) OwnerConf() float64 {
	sum, n := 0.0, 0.0
	for i := range v.Visit.Basket {
		it := &v.Visit.Basket[i]
		u := it.Unpaid()
		if u <= tiny { // what rounding left of goods put back
			continue
		}
		n += u
		sum += float64(u * it.Owner)
	}
	if n > 0 {
		return round9(sum / n)
	}
	conf, most := 1.0, 0.0
	for i := range v.Visit.tags {
		if t := &v.Visit.tags[i]; t.moved > most {
			conf, most = t.share, t.moved
		}
	}
	return round9(conf)
}

// Person is how sure it is that the visit's person, and not a neighbour, has goods that are not paid for. To have one of them is
// enough: it lies half way (sameHand) between all being one person's, when it is as sure as of the goods that are the likeliest to
// be unpaid, and each being somebody's by itself, when it is the share of those worlds with unpaid goods in which he has some.
// A gate that rings for him makes it surer that he, and not the neighbour, has the goods that have a tag; of nobody's goods, it is how sure it is that it rang for him.
func (v View) Person() float64 {
	conf, most := 1.0, 0.0
	tagged := false
	none, paid := 1.0, 1.0 // that he has nothing unpaid; that nothing that he may have is
	for i := range v.Visit.Basket {
		it := &v.Visit.Basket[i]
		p := it.PUnpaid()
		if p <= tiny {
			continue
		}
		owner := max(p, it.Owner, it.among, v.amongTag(it))
		if p > most || p == most && owner > conf {
			conf, most = owner, p
		}
		tagged = tagged || it.Product < 0 || v.World.Store.Products[it.Product].Tagged
		none = float64(none * (1 - p))
		paid = float64(paid * (1 - p/owner))
	}
	if most == 0 {
		if share := v.rangIn(v.World.Store.wayOut); share > 0 {
			return round9(share)
		}
		return v.OwnerConf()
	}
	apart := (1 - none) / (1 - paid)
	p := max(conf, float64(sameHand*conf)+float64((1-sameHand)*apart))
	if tagged && !v.Visit.Paid {
		p = posterior(p, v.rung())
	}
	return round9(p)
}

// mayHave is the share in a tag from which a visit is named as one that may have it.
const mayHave = 0.1

// amongTag is how surely the visit, of all whom cameras saw, has the tag of a line: what somebody unseen may have of it leaves no doubt
// between them, up to unseenPart.
func (v View) amongTag(it *Item) float64 {
	if it.EPC == "" || it.tag <= tiny {
		return 0
	}
	all := it.tag
	v.sharing(it, func(_ *Visit, share float64) { all += share })
	return min(1, it.tag/(all+max(0, 1-all-unseenPart)))
}

// sharing calls f with each other visit that a camera saw near the tag of a line as it moved at the door, and its share in that.
func (v View) sharing(it *Item, f func(o *Visit, share float64)) {
	mine := v.Visit.tagAtDoor(v.World.Store, it.EPC)
	if mine == nil {
		return
	}
	for _, o := range v.World.visits {
		if o == v.Visit || o.Unowned {
			continue
		}
		if t := o.tagAtDoor(v.World.Store, it.EPC); t != nil && t.zone == mine.zone && t.share > 0 && abs(t.at-mine.at) <= passTime {
			f(o, t.share)
		}
	}
}

// tagAtDoor is what the visit knows of a tag at the way out at which it was heard last, nil if nothing.
func (v *Visit) tagAtDoor(s *Store, epc string) (last *carriedTag) {
	for i := range v.tags {
		if t := &v.tags[i]; t.epc == epc && s.wayOut(t.zone) && (last == nil || t.at > last.at) {
			last = t
		}
	}
	return last
}

// Others are the visits that may have what this one is thought to hold, the ids in order.
func (v View) Others() []string {
	var ids []string
	for _, o := range v.Visit.Others {
		ids = append(ids, o.Visit)
	}
	for i := range v.Visit.Basket {
		if it := &v.Visit.Basket[i]; it.EPC != "" && it.tag > 0 && it.Unpaid() > tiny {
			v.sharing(it, func(o *Visit, share float64) {
				if share >= mayHave && o.ID != "" {
					ids = append(ids, o.ID)
				}
			})
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// ringTells is how much likelier a gate rings for who carries unpaid goods with a tag past it than for who does not: 0.85 against one
// false ring in some thirty passes (assumed; science §5 has 0.2 false rings an hour, but a gate rings for whoever is near, too).
const ringTells = 25.0

// rung is how much likelier it is that a gate rings as it did if the visit has goods unpaid than if it has none, at least 1. Who
// has paid most often has a tag on that the till did not take off: for them it tells nothing.
func (v View) rung() float64 { return 1 + float64(v.rangIn(v.World.Store.wayOut)*(ringTells-1)) }

// posterior is a probability after evidence whose likelihood ratio is lr.
func posterior(p, lr float64) float64 { return float64(p*lr) / (float64(p*lr) + 1 - p) }

// IsStaff is the probability that the visit is staff.
func (v View) IsStaff() float64 { return v.Visit.Staff }

// GroupPaid is the probability that somebody of the visit's group has paid.
func (v View) GroupPaid() float64 {
	p := 0.0
	for i := range v.Visit.mates {
		for _, n := range v.Visit.paidBy {
			if n == v.Visit.mates[i].visit {
				p = max(p, v.Visit.mates[i].p())
			}
		}
	}
	return p
}

// Coverage is the share of the last minute, or of the time since the recording began if that is less, in which the
// modality could perceive the place, 0–1.
func (v View) Coverage(m Modality, p Place) float64 {
	return round9(v.World.coverage(m, p, max(v.Now-coverageWindow, v.World.began), v.Now))
}

// Watched is Coverage of the one zone of the place by which the visit went out, else in which it was last; 0 where it was in none. What
// other zones of the place have says nothing about somebody who was not there.
func (v View) Watched(m Modality, p Place) float64 {
	last := -1
	stays := v.Visit.stays
	for z := range stays {
		if !p[z] || !stays[z].ever {
			continue
		}
		if last < 0 || stays[z].gone && !stays[last].gone || stays[z].gone == stays[last].gone && stays[z].entered > stays[last].entered {
			last = z
		}
	}
	if last < 0 {
		return 0
	}
	only := make(Place, len(p))
	only[last] = true
	return v.Coverage(m, only)
}

// Unheard is how long, in seconds, the visit was in the place while whatever of the modality is there was off: what it would have said of the visit then, nobody
// knows. It is no longer than Dwell.
func (v View) Unheard(m Modality, p Place) float64 {
	until, ns := v.Now, int64(0)
	if v.Visit.PosAt != 0 {
		until = min(until, v.Visit.PosAt+dwellUnseen)
	}
	for z := range v.Visit.stays {
		if !p[z] || !v.Visit.stays[z].ever || v.World.dark(m, z, v.Visit.First, until) == 0 {
			continue
		}
		dark := int64(0)
		for _, s := range v.World.staysIn(v.Visit, z) {
			dark += v.World.dark(m, z, s.from, min(s.to, until))
		}
		ns += min(dark, v.dwell(z))
	}
	return float64(ns) / 1e9
}

// CoverageSince is the least coverage of any moment in (from, Now], in steps of a second; p nil is everywhere.
func (v View) CoverageSince(m Modality, p Place, from int64) float64 {
	least := 1.0
	from = max(from, v.World.began)
	for t := from; t < v.Now; t += second {
		least = min(least, v.World.coverage(m, p, t, min(t+second, v.Now)))
	}
	return round9(least)
}

// Local is the moment in the store's time zone.
func (v View) Local() time.Time {
	l := v.World.Store.Location
	if l == nil {
		l = time.UTC
	}
	return time.Unix(0, v.Now).In(l)
}

// OpenHours reports whether the store is open, by the site's hours; a site without hours is always open.
func (v View) OpenHours() bool {
	if v.World.Store.Hours == [7]Hours{} {
		return true
	}
	t := v.Local()
	h := v.World.Store.Hours[t.Weekday()]
	m := t.Hour()*60 + t.Minute()
	return m >= h.From && m < h.To
}
