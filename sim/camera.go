package sim

import (
	"math"

	"magpie/fusion"
	"magpie/site"
)

// camera is what a camera of the site sees, and where in its image.
type camera struct {
	id      string
	sees    []fusion.Point
	zones   []fusion.Zone
	frame   [2]int
	pixels  *fusion.Homography // floor to image, nil when the site gives no homography
	upright *fusion.Upright    // what stands on the floor; nil when that does not tell
	low     fusion.Point       // corners of the floor that it sees
	high    fusion.Point
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
			if c.pixels = inverse(*known.Homography, float64(c.frame[0])/2, float64(c.frame[1])-1); c.pixels != nil {
				c.upright = known.Upright
			}
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

// upright is how tall somebody is of whom nothing else is known, metres.
const upright = 1.7

// box is where somebody is in the image whose foot is seen at one point of the floor and whose head that many metres above another: through
// the homography, of one that tells nothing of what stands upright by the scale of the floor around the feet, and without one as if the camera
// looked down along y. What lies outside of the frame is cut off.
func (c *camera) box(foot, head fusion.Point, tall float64) [4]float64 {
	w, h := float64(c.frame[0]), float64(c.frame[1])
	x := w * (foot.X - c.low.X) / max(0.1, c.high.X-c.low.X)
	y := h * (0.4 + float64(0.6*(c.high.Y-foot.Y)/max(0.1, c.high.Y-c.low.Y)))
	top := y - float64(tall*h/4)
	if c.pixels != nil {
		x, y, top = c.through(foot, head, tall)
	}
	half := float64(0.25 / upright * max(0, y-top))
	round := func(x, limit float64) float64 { return math.Round(min(max(x, 0), limit)) }
	left, right := round(x-half, w-2), round(x+half, w)
	top, low := round(top, h-2), round(y, h)
	return [4]float64{left, top, max(2, right-left), max(2, low-top)}
}

// through is box through the homography: the foot, and where the head ends.
func (c *camera) through(foot, head fusion.Point, tall float64) (x, y, top float64) {
	x, y, ok := c.pixels.Apply(foot.X, foot.Y)
	if !ok {
		return float64(c.frame[0]) / 2, float64(c.frame[1]), 0 // below the frame
	}
	if c.upright == nil {
		side, low, _ := c.pixels.Apply(foot.X+0.1, foot.Y)
		return x, y, y - float64(tall*10*math.Hypot(side-x, low-y))
	}
	if px, py, ok := c.pixels.Apply(head.X, head.Y); ok {
		_, top, _ = c.upright.Head(px, py, tall)
	}
	return x, y, top
}

// hang is the map of the pixels of a camera to the floor that hangs at the first corner of what it sees, eyeHeight above it, and looks at the
// middle, with a lens of 71°.
func hang(sees []fusion.Point, frame [2]int) (fusion.Homography, error) {
	at, to := sees[0], fusion.Point{}
	for _, p := range sees {
		to.X += p.X / float64(len(sees))
		to.Y += p.Y / float64(len(sees))
	}
	x, y, z := to.X-at.X, to.Y-at.Y, 1-eyeHeight // at a metre above the floor
	level := math.Sqrt(float64(x*x) + float64(y*y))
	length := math.Sqrt(float64(level*level) + float64(z*z))
	ahead := [3]float64{x / length, y / length, z / length}
	right := [3]float64{y / level, -x / level, 0}
	down := [3]float64{float64(ahead[1]*right[2]) - float64(ahead[2]*right[1]), float64(ahead[2]*right[0]) - float64(ahead[0]*right[2]),
		float64(ahead[0]*right[1]) - float64(ahead[1]*right[0])}
	f, u, v := 0.7*float64(frame[0]), float64(frame[0])/2, float64(frame[1])/2
	row := func(axis [3]float64, f, middle float64) [3]float64 {
		var r [3]float64
		for i := range r {
			r[i] = float64(f*axis[i]) + float64(middle*ahead[i])
		}
		// The floor is at z = 0, eyeHeight below the camera.
		return [3]float64{r[0], r[1], -float64(r[0]*at.X) - float64(r[1]*at.Y) - float64(r[2]*eyeHeight)}
	}
	a, b, c := row(right, f, u), row(down, f, v), row([3]float64{}, 0, 1)
	image := fusion.Homography{a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2]}
	return image.Inverse().Oriented(u, float64(frame[1]))
}

// inverse maps floor to pixels; nil for a homography that has no inverse. (px, py) shows floor.
func inverse(h fusion.Homography, px, py float64) *fusion.Homography {
	x, y, ok := h.Apply(px, py)
	if !ok {
		return nil
	}
	inv, err := h.Inverse().Oriented(x, y)
	if err != nil {
		return nil
	}
	return &inv
}
