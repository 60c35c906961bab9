package vision

import (
	"cmp"
	"math"
	"slices"

	"magpie/fusion"
)

// Mask blacks out polygons of a frame before anything else sees it.
type Mask struct{ spans []span }

type span struct{ y, from, to int }

// NewMask prepares the polygons, in pixels of a frame of the given size (of
// w×h where it is zero), for frames of w×h. A pixel that a polygon as much as
// touches is blacked out.
func NewMask(polygons [][]fusion.Point, frame [2]int, w, h int) *Mask {
	sx, sy := 1.0, 1.0
	if frame[0] > 0 && frame[1] > 0 {
		sx, sy = float64(w)/float64(frame[0]), float64(h)/float64(frame[1])
	}
	m := &Mask{}
	for _, poly := range polygons {
		pts := make([]fusion.Point, len(poly))
		top, bottom := math.Inf(1), math.Inf(-1)
		for i, p := range poly {
			pts[i] = fusion.Point{X: p.X * sx, Y: p.Y * sy}
			top, bottom = min(top, pts[i].Y), max(bottom, pts[i].Y)
		}
		for y := max(0, int(top)-1); y < min(h, int(bottom)+2); y++ {
			for _, at := range []float64{0.01, 0.5, 0.99} {
				m.row(pts, y, float64(y)+at, w)
			}
		}
		m.edges(pts, w, h)
	}
	return m
}

// row adds what lies inside on the line at.
func (m *Mask) row(pts []fusion.Point, y int, at float64, w int) {
	var cuts []float64
	for i, a := range pts {
		b := pts[(i+1)%len(pts)]
		if (a.Y <= at) != (b.Y <= at) {
			cuts = append(cuts, a.X+(b.X-a.X)*(at-a.Y)/(b.Y-a.Y))
		}
	}
	slices.SortFunc(cuts, cmp.Compare[float64])
	for i := 0; i+1 < len(cuts); i += 2 {
		m.add(y, cuts[i], cuts[i+1], w)
	}
}

// edges adds the pixels under the outline, which thin polygons have no others of.
func (m *Mask) edges(pts []fusion.Point, w, h int) {
	for i, a := range pts {
		b := pts[(i+1)%len(pts)]
		if a.Y > b.Y {
			a, b = b, a
		}
		for y := max(0, int(math.Floor(a.Y))); y <= min(h-1, int(math.Floor(b.Y))); y++ {
			from, to := a.X, b.X
			if b.Y > a.Y {
				at := func(v float64) float64 { return a.X + (b.X-a.X)*(max(a.Y, min(v, b.Y))-a.Y)/(b.Y-a.Y) }
				from, to = at(float64(y)), at(float64(y+1))
			}
			m.add(y, min(from, to), max(from, to), w)
		}
	}
}

func (m *Mask) add(y int, from, to float64, w int) {
	s := span{y, max(0, int(math.Floor(from))), min(w, int(math.Floor(to))+1)}
	if s.from < s.to {
		m.spans = append(m.spans, s)
	}
}

// Apply blacks out the frame's own pixels. The frame must have the size that
// the mask was made for.
func (m *Mask) Apply(f Frame) {
	for _, s := range m.spans {
		clear(f.Pix[(s.y*f.W+s.from)*3 : (s.y*f.W+s.to)*3])
	}
}
