package fusion

import "slices"

// idleSale is how long somebody stands at a staffed till at which nothing is sold for it to say as much as a sale that goes on
// beside them, and idleMost how many such sales it says at most. Both are assumed.
const (
	idleSale = 60 * second
	idleMost = 2
)

// A customer comes to a staffed till for a sale, at most waits there for the one before, and goes. Who stands by at sale after
// sale, and between them, serves there. Badges or uniforms would say so at once; where there are none, this tells cashiers from
// those whom they serve.

// opens notes who stood at a staffed till while nothing was sold there: as the sale before ended, and as this one begins.
func (w *World) opens(s *session, key sessionKey, zone int) {
	t := w.counter(key.source)
	for _, v := range w.standAt(zone, s.began) {
		if slices.Contains(t.stood, v.number) {
			v.served += min(idleMost, float32(max(0, s.began-t.ended))/float32(idleSale))
		}
	}
}

// closes notes who stood at a staffed till for a whole sale, and where its customer stood.
func (w *World) closes(s *session, key sessionKey, zone int) {
	t := w.counter(key.source)
	if p, gap, ok := s.visit.at(s.at); ok && gap < second && s.share >= sureSame && s.visit.served < 2 {
		t.n = min(t.n+1, maxCustomers)
		t.spot.X += float64((p.X - t.spot.X) / t.n)
		t.spot.Y += float64((p.Y - t.spot.Y) / t.n)
	}
	t.stood, t.ended = nil, s.at
	for _, v := range w.standAt(zone, s.at) {
		t.stood = append(t.stood, v.number)
		if s.waits[v.number] > 0 {
			v.served++
		}
	}
	s.waits = nil
}

// standAt are those who are seen at a till.
func (w *World) standAt(zone int, ts int64) (all []*Visit) {
	for _, c := range w.inside(zone, ts) {
		if p, gap, ok := c.visit.at(ts); ok && gap <= second && Distance(w.Store.Zones[zone].Polygon, p) <= gateReach {
			all = append(all, c.visit)
		}
	}
	return all
}

// counter is what is known of a till.
func (w *World) counter(source int) *counter { return &w.counters[w.Store.till[source]] }

// serves weighs somebody at a staffed till as the customer of a sale by the sales that they have stood by: 1, 1/2, 1/5, 1/10.
func (v *Visit) serves() float64 { return 1 / (1 + float64(float64(v.served)*float64(v.served))) }

// staffedTill reports whether a till is served by staff.
func (w *World) staffedTill(source int) bool {
	t := w.Store.till[source]
	return t >= 0 && !w.Store.Tills[t].Self && w.Store.Tills[t].Zone >= 0
}

// counter is what is known of who stands at a till.
type counter struct {
	spot  Point   // where its customers stood
	n     float64 // how many that is the mean of, at most maxCustomers
	stood []int   // visits that stood there as the last sale ended
	ended int64   // when that was, ns
}

func (c *counter) rename(from, to int) {
	if i := slices.Index(c.stood, from); i >= 0 {
		c.stood = slices.Clone(c.stood)
		c.stood[i] = to
	}
}

const (
	fewCustomers = 3    // customers from whom it is known where they stand (assumption)
	maxCustomers = 20   // of whom the place is remembered (assumption)
	sigmaSpot    = 0.6  // metres: how far a customer is seen from there (assumption)
	offSpot      = 0.05 // of one who is far from there: others stood elsewhere, too (assumption)
)

// atSpot is how likely a customer is seen where a visit is, 0–1, as far as it is known where customers of the till stand.
func (w *World) atSpot(v *Visit, source int, ts int64) float64 {
	t := w.counter(source)
	p, _, ok := v.at(ts)
	if t.n < fewCustomers || !ok {
		return 1
	}
	return max(offSpot, likelihood(p.distance(t.spot), sigmaSpot))
}
