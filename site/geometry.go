package site

import (
	"math"

	"magpie/fusion"
)

const nearly = 1e-9

// cross is twice the signed area of the triangle a, b, c: positive when c lies left of the line from a to b.
func cross(a, b, c fusion.Point) float64 {
	return float64((b.X-a.X)*(c.Y-a.Y)) - float64((b.Y-a.Y)*(c.X-a.X))
}

func side(a, b, c fusion.Point) int {
	switch v := cross(a, b, c); {
	case v > nearly:
		return 1
	case v < -nearly:
		return -1
	}
	return 0
}

// between is for c on the line through a and b: whether it lies on the part from a to b.
func between(a, b, c fusion.Point) bool {
	return math.Min(a.X, b.X)-nearly <= c.X && c.X <= math.Max(a.X, b.X)+nearly &&
		math.Min(a.Y, b.Y)-nearly <= c.Y && c.Y <= math.Max(a.Y, b.Y)+nearly
}

// meet tells whether two closed line segments share a point.
func meet(a, b, c, d fusion.Point) bool {
	s1, s2, s3, s4 := side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)
	if s1*s2 < 0 && s3*s4 < 0 {
		return true
	}
	return s1 == 0 && between(a, b, c) || s2 == 0 && between(a, b, d) || s3 == 0 && between(c, d, a) || s4 == 0 && between(c, d, b)
}

// crossing finds the first two sides of a polygon that meet anywhere but in the corner that neighbours share. Side i
// runs from point i to the next.
func crossing(poly []fusion.Point) (i, j int, found bool) {
	n := len(poly)
	for j := range n {
		c, d := poly[j], poly[(j+1)%n]
		if side(c, d, c) == 0 && math.Hypot(d.X-c.X, d.Y-c.Y) < nearly {
			return (j + 1) % n, j, true
		}
		for i := range j {
			a, b := poly[i], poly[(i+1)%n]
			switch {
			case i+1 == j: // b is c: they cross when the side turns back on the one before
				if side(a, b, d) == 0 && (between(a, b, d) || between(c, d, a)) {
					return i, j, true
				}
			case i == 0 && j == n-1: // d is a
				if side(c, d, b) == 0 && (between(c, d, b) || between(a, b, c)) {
					return i, j, true
				}
			case meet(a, b, c, d):
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// flat tells whether all points lie in one line.
func flat(poly []fusion.Point) bool {
	for _, a := range poly {
		for _, b := range poly {
			if side(poly[0], a, b) != 0 {
				return false
			}
		}
	}
	return true
}

func area(poly []fusion.Point) float64 {
	sum := 0.0
	for i, p := range poly {
		q := poly[(i+1)%len(poly)]
		sum += float64(p.X*q.Y) - float64(q.X*p.Y)
	}
	return math.Abs(sum) / 2
}

// within tells whether a point is strictly inside a polygon.
func within(poly []fusion.Point, p fusion.Point) bool {
	in := false
	for i, a := range poly {
		b := poly[(i+1)%len(poly)]
		if side(a, b, p) == 0 && between(a, b, p) {
			return false
		}
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < a.X+float64((p.Y-a.Y)/(b.Y-a.Y)*(b.X-a.X)) {
			in = !in
		}
	}
	return in
}

// overlap tells whether two simple polygons share area; a shared border is none. Each side is cut where it meets the
// other polygon: two polygons share area exactly when the middle of some piece lies inside the other one, or both have
// the same border, which an inner point tells.
func overlap(a, b []fusion.Point) bool {
	return pieceInside(a, b) || pieceInside(b, a) || within(b, inner(a)) && within(a, inner(b))
}

func pieceInside(a, b []fusion.Point) bool {
	for i, p := range a {
		q := a[(i+1)%len(a)]
		cuts := []float64{0, 1}
		for j, r := range b {
			s := b[(j+1)%len(b)]
			den := float64((q.X-p.X)*(s.Y-r.Y)) - float64((q.Y-p.Y)*(s.X-r.X))
			if math.Abs(den) > nearly {
				t := (float64((r.X-p.X)*(s.Y-r.Y)) - float64((r.Y-p.Y)*(s.X-r.X))) / den
				cuts = append(cuts, math.Min(1, math.Max(0, t)))
			}
		}
		for k, t := range cuts {
			next := 2.0
			for _, u := range cuts {
				if u > t && u < next {
					next = u
				}
			}
			if next > 1 || k > 0 && next == t {
				continue
			}
			m := (t + next) / 2
			if within(b, fusion.Point{X: p.X + float64(m*(q.X-p.X)), Y: p.Y + float64(m*(q.Y-p.Y))}) {
				return true
			}
		}
	}
	return false
}

// inner returns a point inside a simple polygon: the middle of the widest stretch inside it on a level between two of
// its corners.
func inner(poly []fusion.Point) fusion.Point {
	best, wide := poly[0], 0.0
	for _, a := range poly {
		above := math.Inf(1)
		for _, b := range poly {
			if b.Y > a.Y+nearly && b.Y < above {
				above = b.Y
			}
		}
		if math.IsInf(above, 1) {
			continue
		}
		y := (a.Y + above) / 2
		var xs []float64
		for i, p := range poly {
			q := poly[(i+1)%len(poly)]
			if (p.Y > y) != (q.Y > y) {
				xs = append(xs, p.X+float64((y-p.Y)/(q.Y-p.Y)*(q.X-p.X)))
			}
		}
		for _, x := range xs {
			next := math.Inf(1)
			for _, u := range xs {
				if u > x && u < next {
					next = u
				}
			}
			m := fusion.Point{X: (x + next) / 2, Y: y}
			if !math.IsInf(next, 1) && next-x > wide && within(poly, m) {
				best, wide = m, next-x
			}
		}
	}
	return best
}
