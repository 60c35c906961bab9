package site

import (
	"testing"

	"magpie/fusion"
)

func shapeOf(xy ...float64) (poly []fusion.Point) {
	for i := 0; i < len(xy); i += 2 {
		poly = append(poly, fusion.Point{X: xy[i], Y: xy[i+1]})
	}
	return poly
}

func TestOverlapIsSharedArea(t *testing.T) {
	square := shapeOf(0, 0, 4, 0, 4, 4, 0, 4)
	ell := shapeOf(0, 0, 6, 0, 6, 6, 5, 6, 5, 1, 0, 1)
	f := func(name string, a, b []fusion.Point, want bool) {
		t.Helper()
		if overlap(a, b) != want || overlap(b, a) != want {
			t.Errorf("%s: overlap is not %v", name, want)
		}
	}
	f("itself", square, square, true)
	f("half of it, sides in line", square, shapeOf(2, 0, 6, 0, 6, 4, 2, 4), true)
	f("inside", square, shapeOf(1, 1, 2, 1, 2, 2), true)
	f("inside at its border", square, shapeOf(0, 0, 4, 0, 4, 1, 0, 1), true)
	f("across it", square, shapeOf(-1, 1, 5, 1, 5, 2, -1, 2), true)
	f("a shared side", square, shapeOf(4, 0, 6, 0, 6, 4, 4, 4), false)
	f("part of a side", square, shapeOf(4, 1, 6, 1, 6, 9, 4, 9), false)
	f("a shared corner", square, shapeOf(4, 4, 6, 4, 6, 6), false)
	f("in the bay of an L", ell, shapeOf(1, 1, 5, 1, 5, 5, 1, 5), false)
	f("over the arm of an L", ell, shapeOf(1, 2, 5.5, 2, 5.5, 3, 1, 3), true)
	f("apart", square, shapeOf(9, 9, 10, 9, 10, 10), false)
}

func TestCrossingPolygons(t *testing.T) {
	f := func(name string, poly []fusion.Point, want bool) {
		t.Helper()
		if _, _, got := crossing(poly); got != want {
			t.Errorf("%s: crossing is %v", name, got)
		}
	}
	f("a triangle", shapeOf(0, 0, 1, 0, 1, 1), false)
	f("an L", shapeOf(0, 0, 2, 0, 2, 2, 1, 2, 1, 1, 0, 1), false)
	f("a corner of 180°", shapeOf(0, 0, 1, 0, 2, 0, 2, 2), false)
	f("a bow tie", shapeOf(0, 0, 2, 2, 2, 0, 0, 2), true)
	f("a spike that turns back", shapeOf(0, 0, 4, 0, 2, 0, 2, 2), true)
	f("a spike at the first corner", shapeOf(0, 0, 2, 2, 0, 2, 0, 4), true)
	f("a side through a corner", shapeOf(0, 0, 4, 0, 4, 4, 2, 0, 0, 4), true)
	f("a point twice", shapeOf(0, 0, 1, 0, 1, 0, 1, 1), true)
}
