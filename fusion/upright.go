package fusion

import "math"

// Upright tells how tall somebody is whom a picture shows from head to foot: it knows where in the picture a metre goes that stands upright
// on the floor. Its camera is taken to have square pixels and its optical axis in the middle of the frame (Hartley and Zisserman,
// Multiple View Geometry, 2nd ed., 8.8).
type Upright struct {
	floor  *Homography // the picture to the floor
	image  Homography  // the floor to the picture, in homogeneous coordinates from the middle of the frame
	up     [3]float64  // what a metre above the floor adds to them
	middle Point       // of the frame, pixels
	lens   float64     // focal length, pixels, times the scale of image
}

// What is believed of a camera and of a box; beyond it something else is wrong (assumptions).
const (
	widest   = 0.3 // focal length in widths of the frame: lenses of 118° and
	longest  = 4.0 // 14°
	shortest = 0.2 // metres of somebody of whom little more than the head is seen,
	tallest  = 2.6 // of anybody; who is taller by his box has a shadow below it,
	towering = 6.0 // or the homography has him too far away, where it was not measured
	steepest = 0.5 // a metre upright by one across: who is seen from nearly overhead shows no height
)

// Upright is how a camera sees what stands on its floor. ok is false for one that looks straight down, and where the homography of its
// frame, of that many pixels, is not a camera's.
func (h *Homography) Upright(frame [2]int) (u *Upright, ok bool) {
	w, high := float64(frame[0]), float64(frame[1])
	u = &Upright{floor: h, image: h.Inverse(), middle: Point{w / 2, high / 2}}
	p := &u.image
	for i := range 3 {
		p[i] -= float64(u.middle.X * p[6+i])
		p[3+i] -= float64(u.middle.Y * p[6+i])
	}
	// The first two columns are what a metre along x and y adds: the lens's matrix times two directions that are perpendicular and of one
	// length. With k = 1/f² either is k·a + b = 0; this is their least squares.
	a1, b1 := float64(p[0]*p[1])+float64(p[3]*p[4]), float64(p[6]*p[7])
	a2 := float64(p[0]*p[0]) + float64(p[3]*p[3]) - float64(p[1]*p[1]) - float64(p[4]*p[4])
	b2 := float64(p[6]*p[6]) - float64(p[7]*p[7])
	f := math.Sqrt(-(float64(a1*a1) + float64(a2*a2)) / (float64(a1*b1) + float64(a2*b2)))
	if !(f > widest*w && f < longest*w) {
		return nil, false
	}
	x, y := [3]float64{p[0] / f, p[3] / f, p[6]}, [3]float64{p[1] / f, p[4] / f, p[7]}
	length := math.Sqrt(math.Sqrt(square(x) * square(y)))
	u.lens = f * length
	u.up = [3]float64{
		f / length * (float64(x[1]*y[2]) - float64(x[2]*y[1])),
		f / length * (float64(x[2]*y[0]) - float64(x[0]*y[2])),
		1 / length * (float64(x[0]*y[1]) - float64(x[1]*y[0])),
	}
	// Plans have y upwards or downwards, but heads are above feet.
	q, ok := u.at(u.middle.X, high-1)
	if ok && float64(u.up[1]*q[2]) > float64(u.up[2]*q[1]) {
		u.up = [3]float64{-u.up[0], -u.up[1], -u.up[2]}
	}
	return u, ok
}

// at is the floor below a pixel in the homogeneous coordinates of the picture.
func (u *Upright) at(px, py float64) (q [3]float64, ok bool) {
	x, y, ok := u.floor.Apply(px, py)
	return u.seen(Point{x, y}), ok
}

// seen is a point of the floor in the homogeneous coordinates of the picture.
func (u *Upright) seen(p Point) (q [3]float64) {
	for i := range q {
		q[i] = float64(u.image[3*i]*p.X) + float64(u.image[3*i+1]*p.Y) + u.image[3*i+2]
	}
	return q
}

// Head is where in the picture something is that stands so many metres above the floor below a pixel.
func (u *Upright) Head(px, py, metres float64) (x, y float64, ok bool) {
	q, ok := u.at(px, py)
	for i := range q {
		q[i] += float64(metres * u.up[i])
	}
	return u.middle.X + q[0]/q[2], u.middle.Y + q[1]/q[2], ok && q[2] != 0
}

// Tall is how tall the person is whom a box (x, y, width, height in pixels of the frame) shows and who stands at a point of the floor, in metres, from
// there to the box's upper edge. ok is false where the box touches the frame's upper or lower edge, which may cut it off, where the camera looks down too
// steeply, and for what is nobody. Above tallest it says that the box or the homography is wrong.
func (u *Upright) Tall(box [4]float64, floor Point) (metres float64, ok bool) {
	top, foot := box[1], box[1]+box[3]
	if top < 2 || foot > 2*u.middle.Y-2 {
		return 0, false
	}
	q := u.seen(floor)
	top -= u.middle.Y
	metre := u.up[1] - float64(top*u.up[2])
	if !(math.Abs(metre) >= steepest*u.lens) {
		return 0, false
	}
	metres = (float64(top*q[2]) - q[1]) / metre
	return metres, metres >= shortest && metres <= towering
}

// Eye is where the camera is: x, y and its height above the floor, metres. It is all zero of a camera of which that is not known, and for nil.
func (u *Upright) Eye() (eye [3]float64) {
	if u == nil {
		return eye
	}
	// The point that is nowhere in the picture: x times the first column of image, y times the second, z times up and the third are 0.
	m := &u.image
	col := [4][3]float64{{m[0], m[3], m[6]}, {m[1], m[4], m[7]}, u.up, {-m[2], -m[5], -m[8]}}
	all := triple(col[0], col[1], col[2])
	return [3]float64{triple(col[3], col[1], col[2]) / all, triple(col[0], col[3], col[2]) / all, triple(col[0], col[1], col[3]) / all}
}

// triple is the scalar triple product of three vectors: Homography.det is of a matrix whose scale says nothing.
func triple(a, b, c [3]float64) float64 {
	return float64(a[0]*(float64(b[1]*c[2])-float64(b[2]*c[1]))) - float64(b[0]*(float64(a[1]*c[2])-float64(a[2]*c[1]))) +
		float64(c[0]*(float64(a[1]*b[2])-float64(a[2]*b[1])))
}

func square(v [3]float64) float64 {
	return float64(v[0]*v[0]) + float64(v[1]*v[1]) + float64(v[2]*v[2])
}

// Inverse maps the floor to the picture. Oriented gives it its scale.
func (h *Homography) Inverse() Homography {
	cofactor := func(a, b, c, d int) float64 { return float64(h[a]*h[d]) - float64(h[b]*h[c]) }
	return Homography{
		cofactor(4, 5, 7, 8), -cofactor(1, 2, 7, 8), cofactor(1, 2, 4, 5),
		-cofactor(3, 5, 6, 8), cofactor(0, 2, 6, 8), -cofactor(0, 2, 3, 5),
		cofactor(3, 4, 6, 7), -cofactor(0, 1, 6, 7), cofactor(0, 1, 3, 4),
	}
}
