package sim

import (
	"math"

	"magpie/fusion"
	"magpie/site"
)

// camera is what a camera of the site sees, and where in its image.
type camera struct {
	id     string
	sees   []fusion.Point
	zones  []fusion.Zone
	frame  [2]int
	pixels *fusion.Homography // floor to image, nil when the site gives no homography
	low    fusion.Point       // corners of the floor that it sees
	high   fusion.Point
}

func newCamera(s *site.Site, i int) *camera {
	c := &camera{id: s.Store.Cameras[i].ID, sees: s.Store.Cameras[i].Sees, zones: s.Store.Zones, frame: [2]int{1280, 720}}
	for _, known := range s.Cameras {
		if known.ID != c.id {
			continue
		}
		if known.Frame[0] > 0 {
			c.frame = known.Frame
		}
		if known.Homography != nil {
			c.pixels = inverse(*known.Homography, float64(c.frame[0])/2, float64(c.frame[1])-1)
		}
	}
	c.low, c.high = fusion.Point{X: math.Inf(1), Y: math.Inf(1)}, fusion.Point{X: math.Inf(-1), Y: math.Inf(-1)}
	widen := func(polygon []fusion.Point) {
		for _, p := range polygon {
			c.low = fusion.Point{X: min(c.low.X, p.X), Y: min(c.low.Y, p.Y)}
			c.high = fusion.Point{X: max(c.high.X, p.X), Y: max(c.high.Y, p.Y)}
		}
	}
	if widen(c.sees); c.sees == nil {
		for _, z := range c.zones {
			widen(z.Polygon)
		}
	}
	return c
}

// covers reports whether the camera sees a point of the floor.
func (c *camera) covers(p fusion.Point) bool {
	if c.sees != nil {
		return fusion.Contains(c.sees, p)
	}
	for _, z := range c.zones {
		if fusion.Contains(z.Polygon, p) {
			return true
		}
	}
	return false
}

// box is where a person of 1.7 m by 0.5 m who stands at p would be in the image: through the homography, with the height
// taken from the scale of the floor around the feet; without one as if the camera looked down along y.
func (c *camera) box(p fusion.Point) [4]float64 {
	w, h := float64(c.frame[0]), float64(c.frame[1])
	x, y, metre := 0.0, 0.0, 0.0
	ok := false
	if c.pixels != nil {
		var side float64
		if x, y, ok = c.pixels.Apply(p.X, p.Y); ok {
			var right float64
			if side, right, ok = c.pixels.Apply(p.X+0.1, p.Y); ok {
				metre = 10 * math.Hypot(side-x, right-y)
			}
		}
	}
	if !ok {
		x = w * (p.X - c.low.X) / max(0.1, c.high.X-c.low.X)
		near := (c.high.Y - p.Y) / max(0.1, c.high.Y-c.low.Y)
		y = h * (0.4 + float64(0.6*near))
		metre = h / 4
	}
	round := func(x, limit float64) float64 { return math.Round(min(max(x, 0), limit)) }
	left, right := round(x-float64(0.25*metre), w-2), round(x+float64(0.25*metre), w)
	top, foot := round(y-float64(1.7*metre), h-2), round(y, h)
	return [4]float64{left, top, max(2, right-left), max(2, foot-top)}
}

// inverse maps floor to pixels; nil for a homography that has no inverse. (px, py) shows floor.
func inverse(h fusion.Homography, px, py float64) *fusion.Homography {
	cofactor := func(a, b, c, d int) float64 { return float64(h[a]*h[d]) - float64(h[b]*h[c]) }
	inv := fusion.Homography{
		cofactor(4, 5, 7, 8), -cofactor(1, 2, 7, 8), cofactor(1, 2, 4, 5),
		-cofactor(3, 5, 6, 8), cofactor(0, 2, 6, 8), -cofactor(0, 2, 3, 5),
		cofactor(3, 4, 6, 7), -cofactor(0, 1, 6, 7), cofactor(0, 1, 3, 4),
	}
	x, y, ok := h.Apply(px, py)
	if !ok {
		return nil
	}
	inv, err := inv.Oriented(x, y)
	if err != nil {
		return nil
	}
	return &inv
}
