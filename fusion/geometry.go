package fusion

import (
	"math"
	"slices"
)

func (p Point) minus(q Point) Point { return Point{p.X - q.X, p.Y - q.Y} }

// distance is in metres. math.Hypot differs between machines, a square root does not.
func (p Point) distance(q Point) float64 {
	dx, dy := p.X-q.X, p.Y-q.Y
	return math.Sqrt(float64(dx*dx) + float64(dy*dy))
}

// Contains reports whether p lies inside the polygon (even-odd rule; a point on the left or lower edge is inside).
func Contains(polygon []Point, p Point) bool {
	in := false
	for i, j := 0, len(polygon)-1; i < len(polygon); j, i = i, i+1 {
		a, b := polygon[i], polygon[j]
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < float64((b.X-a.X)*(p.Y-a.Y))/(b.Y-a.Y)+a.X {
			in = !in
		}
	}
	return in
}

// box is the least upright rectangle around a polygon, in metres; of none, one that holds nothing.
type box struct{ low, high Point }

func (b box) middle() Point { return Point{(b.low.X + b.high.X) / 2, (b.low.Y + b.high.Y) / 2} }

// boxMargin is more than what rounding makes of a point on an edge, in metres.
const boxMargin = 1e-6

func boxOf(polygon []Point) box {
	b := box{Point{math.Inf(1), math.Inf(1)}, Point{math.Inf(-1), math.Inf(-1)}}
	for _, p := range polygon {
		b.low = Point{min(b.low.X, p.X), min(b.low.Y, p.Y)}
		b.high = Point{max(b.high.X, p.X), max(b.high.Y, p.Y)}
	}
	return b
}

// and is the box around both.
func (b box) and(o box) box {
	return box{Point{min(b.low.X, o.low.X), min(b.low.Y, o.low.Y)}, Point{max(b.high.X, o.high.X), max(b.high.Y, o.high.Y)}}
}

// within reports whether p is in the box or so many metres beyond its sides. Who is farther away is farther from the polygon.
func (b *box) within(p Point, r float64) bool {
	r += boxMargin
	return p.X >= b.low.X-r && p.X <= b.high.X+r && p.Y >= b.low.Y-r && p.Y <= b.high.Y+r
}

// in reports whether p lies inside a zone.
func (s *Store) in(z int, p Point) bool {
	return s.boxes[z].within(p, 0) && Contains(s.Zones[z].Polygon, p)
}

// Distance is how far p is from the polygon in metres; 0 inside.
func Distance(polygon []Point, p Point) float64 {
	if Contains(polygon, p) {
		return 0
	}
	return edgeDistance(polygon, p)
}

// polygonDistance is how far two zones are from each other in metres; 0 for those that meet. Zones that cross without a corner of one
// in the other, like the arms of a plus sign, are told apart.
func (s *Store) polygonDistance(a, b int) float64 {
	d := math.Inf(1)
	for _, p := range s.Zones[a].Polygon {
		d = min(d, Distance(s.Zones[b].Polygon, p))
	}
	for _, p := range s.Zones[b].Polygon {
		d = min(d, Distance(s.Zones[a].Polygon, p))
	}
	return d
}

// edgeDistance is how far p is from the nearest edge of the polygon, inside or out.
func edgeDistance(polygon []Point, p Point) float64 {
	d := math.Inf(1)
	for i, j := 0, len(polygon)-1; i < len(polygon); j, i = i, i+1 {
		d = min(d, segmentDistance(polygon[j], polygon[i], p))
	}
	return d
}

func segmentDistance(a, b, p Point) float64 {
	t := along(a, b, p)
	t = max(0, min(1, t))
	return p.distance(Point{a.X + float64(t*(b.X-a.X)), a.Y + float64(t*(b.Y-a.Y))})
}

// along is where p projects on the line a–b: 0 at a, 1 at b.
func along(a, b, p Point) float64 {
	d, q := b.minus(a), p.minus(a)
	n := float64(d.X*d.X) + float64(d.Y*d.Y)
	if n == 0 {
		return 0
	}
	return (float64(q.X*d.X) + float64(q.Y*d.Y)) / n
}

// side is positive when p lies to the left of a→b, negative to the right.
func side(a, b, p Point) float64 {
	return float64((b.X-a.X)*(p.Y-a.Y)) - float64((b.Y-a.Y)*(p.X-a.X))
}

// centre is the mean of the polygon's corners.
func centre(polygon []Point) Point {
	var c Point
	for _, p := range polygon {
		c.X += p.X
		c.Y += p.Y
	}
	n := float64(max(1, len(polygon)))
	return Point{c.X / n, c.Y / n}
}

// Bounds of where a point past an out edge still belongs to that edge, in metres.
const (
	outMargin = 1.0 // to the left or right of it
	outDepth  = 5.0 // away from it
)

// beyond reports whether p is past the zone's out edge, on the side away from the zone, and how far from the edge it is.
func (z *Zone) beyond(p Point) (float64, bool) {
	if len(z.Out) != 2 {
		return 0, false
	}
	if !z.outward(p) {
		return 0, false
	}
	a, b := z.Out[0], z.Out[1]
	d := segmentDistance(a, b, p)
	length := a.distance(b)
	if length == 0 || d > outDepth {
		return d, false
	}
	t, margin := along(a, b, p), outMargin/length
	return d, t >= -margin && t <= 1+margin
}

// outward reports whether p lies on the outer side of the line through the zone's out edge.
func (z *Zone) outward(p Point) bool {
	if len(z.Out) != 2 {
		return false
	}
	s := side(z.Out[0], z.Out[1], p)
	if side(z.Out[0], z.Out[1], centre(z.Polygon)) > 0 {
		s = -s
	}
	return s > 0
}

// Kind is the place that a kind of zone names in policies: all zones of it. Many a store has one door, by which people come and go, and
// calls it its entrance: where there is no exit, or only such as are less well watched, as fire doors are, the entrances that lead outside
// are exits too.
func (s *Store) Kind(k ZoneKind) Place {
	place := make(Place, len(s.Zones))
	exits, entrances := -1, -1
	for z := range s.Zones {
		place[z] = s.Zones[z].Kind == k
		switch {
		case s.Zones[z].Kind == Exit:
			exits = max(exits, s.guard(z))
		case s.leadsOut(z):
			entrances = max(entrances, s.guard(z))
		}
	}
	if k == Exit && entrances > exits {
		for z := range s.Zones {
			place[z] = place[z] || s.leadsOut(z)
		}
	}
	return place
}

// guard is how well a way out is watched: 3 by a gate, 2 by a reader or a counter, 1 by a camera, 0 by nothing.
func (s *Store) guard(z int) int {
	best := 0
	for i := range s.Sources {
		if !slices.Contains(s.Sources[i].Zones, z) {
			continue
		}
		switch s.Sources[i].Kind {
		case Gate:
			best = max(best, 3)
		case RFID, Count:
			best = max(best, 2)
		case Tracks:
			best = max(best, 1)
		}
	}
	return best
}

// wayOut reports whether a zone is an entrance or an exit.
func (s *Store) wayOut(z int) bool { return s.Zones[z].Kind == Entrance || s.Zones[z].Kind == Exit }

// leadsOut reports whether what is in a zone is on its way out of the store: an exit, or an entrance that has a way outside.
func (s *Store) leadsOut(z int) bool {
	return s.Zones[z].Kind == Exit || s.Zones[z].Kind == Entrance && len(s.Zones[z].Out) > 0
}

// toWayOut is the distance in metres to the nearest entrance or exit, 0 in a store without any.
func (s *Store) toWayOut(p Point) float64 {
	if z := s.nearestWayOut(p); z >= 0 {
		return Distance(s.Zones[z].Polygon, p)
	}
	return 0
}

// nearestWayOut is the entrance or exit that is nearest to a point, -1: there is none.
func (s *Store) nearestWayOut(p Point) int {
	zone, near := -1, math.Inf(1)
	for z := range s.Zones {
		if s.wayOut(z) {
			if d := Distance(s.Zones[z].Polygon, p); d < near {
				zone, near = z, d
			}
		}
	}
	return zone
}

// Of whom it is said that he walks out by a door.
const (
	outSoon  = 5.0 // seconds before he is out (assumption)
	outSides = 0.2 // least part of his pace that leads straight out: he goes there, and not along it (assumption)
)

// leads reports whether somebody at p who walks on with a pace, m/s, soon crosses the zone's out edge.
func (z *Zone) leads(p, pace Point) bool {
	if len(z.Out) != 2 || z.outward(p) {
		return false
	}
	a, b := z.Out[0], z.Out[1]
	length, speed := a.distance(b), pace.distance(Point{})
	before, after := side(a, b, p), side(a, b, Point{p.X + pace.X, p.Y + pace.Y})
	out := max(before-after, after-before) / length // metres a second straight at its line, or away
	if !(length > 0 && speed > 0) || before*(before-after) <= 0 || out < outSides*speed {
		return false
	}
	t := max(before, -before) / length / out
	q := along(a, b, Point{p.X + float64(pace.X*t), p.Y + float64(pace.Y*t)})
	margin := 2 * outMargin / length
	return t <= outSoon && q >= -margin && q <= 1+margin
}

// inner reports whether p is inside the store for sure: in a zone, or on the inner side of every out edge's line.
func (s *Store) inner(p Point) bool {
	out := false
	for z := range s.Zones {
		if s.in(z, p) {
			return true
		}
		out = out || s.Zones[z].outward(p)
	}
	return !out
}

// outside finds the zone past whose out edge p lies, the nearest if there are several; -1 when p is inside the store.
func (s *Store) outside(p Point) int {
	zone, near := -1, math.Inf(1)
	for z := range s.Zones {
		if d, past := s.Zones[z].beyond(p); past && d < near {
			zone, near = z, d
		}
	}
	return zone
}
