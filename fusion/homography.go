package fusion

import (
	"errors"
	"fmt"
	"math"
)

// Homography maps image pixels to floor metres, row by row (h11 … h33):
// x = (h11·px + h12·py + h13)/w and y = (h21·px + h22·py + h23)/w with
// w = h31·px + h32·py + h33.
type Homography [9]float64

// Match is one point known in both planes: pixels in the image and metres on
// the floor plan.
type Match struct{ PX, PY, X, Y float64 }

// Apply returns the floor point below the pixel (px, py). ok is false where
// the pixel lies on or beyond the horizon, which has no floor point. The sign
// of the matrix is chosen by Oriented.
func (h Homography) Apply(px, py float64) (x, y float64, ok bool) {
	w := float64(h[6]*px) + float64(h[7]*py) + h[8]
	if !(w > 1e-12) {
		return 0, 0, false
	}
	x = (float64(h[0]*px) + float64(h[1]*py) + h[2]) / w
	y = (float64(h[3]*px) + float64(h[4]*py) + h[5]) / w
	return x, y, true
}

// Noise of a foot point as shares of the box's height, measured on a Faster R-CNN's boxes against ground truth: across and along the
// picture. A box that the picture's lower edge cuts off hides its foot, which is then so many times as vague.
const (
	footAcross = 0.04
	footAlong  = 0.07
	footCut    = 3
)

// Foot is the floor point in metres below the foot of a box (x, y, width, height in the pixels of the homography): the middle of its
// lower edge. sd is its standard deviation each way, the pixel noise Σ of the foot through the homography's Jacobian J: J Σ Jᵀ. cut says
// that the lower edge of the picture cuts the box off. ok is false beyond the horizon.
func (h Homography) Foot(box [4]float64, cut bool) (at, sd Point, ok bool) {
	px, py := box[0]+float64(box[2]/2), box[1]+box[3]
	x, y, ok := h.Apply(px, py)
	if !ok {
		return at, sd, false
	}
	w := float64(h[6]*px) + float64(h[7]*py) + h[8]
	across, along := float64(footAcross*box[3]), float64(footAlong*box[3])
	if cut {
		along *= footCut
	}
	// d(n/w) = (dn − (n/w)·dw)/w
	noise := func(n, a, b float64) float64 {
		a, b = float64((a-float64(n*h[6]))*across)/w, float64((b-float64(n*h[7]))*along)/w
		return math.Sqrt(float64(a*a) + float64(b*b))
	}
	return Point{x, y}, Point{noise(x, h[0], h[1]), noise(y, h[3], h[4])}, true
}

// Oriented returns the same map with the sign and scale that make w = 1 at the
// pixel (px, py), so that Apply tells floor from horizon. The pixel must be one
// that surely shows floor, such as the middle of the frame's lower edge.
func (h Homography) Oriented(px, py float64) (Homography, error) {
	w := float64(h[6]*px) + float64(h[7]*py) + h[8]
	if math.Abs(h.det()) < 1e-15 {
		return h, errors.New("the homography maps the image to a line (its determinant is 0); measure its points again")
	}
	if math.Abs(w) < 1e-12 {
		return h, fmt.Errorf("pixel (%g, %g) lies on the horizon of the homography; measure its points again", px, py)
	}
	for i := range h {
		h[i] /= w
		if math.IsNaN(h[i]) || math.IsInf(h[i], 0) {
			return h, errors.New("the homography holds a number that is too large or not a number")
		}
	}
	return h, nil
}

func (h Homography) det() float64 {
	n := 0.0
	for _, v := range h {
		n = math.Max(n, math.Abs(v))
	}
	if n == 0 {
		return 0
	}
	for i := range h {
		h[i] /= n
	}
	a := float64(h[0] * (float64(h[4]*h[8]) - float64(h[5]*h[7])))
	b := float64(h[1] * (float64(h[3]*h[8]) - float64(h[5]*h[6])))
	c := float64(h[2] * (float64(h[3]*h[7]) - float64(h[4]*h[6])))
	return a - b + c
}

// FitHomography finds the homography of at least four matches by the
// normalised direct linear transform, least squares when there are more
// (Hartley and Zisserman, Multiple View Geometry, 2nd ed., algorithm 4.2). It
// returns the root mean square error on the floor in metres too. It is an error
// when no four of the points are in general position.
func FitHomography(points []Match) (h Homography, rms float64, err error) {
	if len(points) < 4 {
		return h, 0, fmt.Errorf("a homography needs at least 4 points, there are %d", len(points))
	}
	from := make([][2]float64, len(points))
	to := make([][2]float64, len(points))
	for i, p := range points {
		from[i], to[i] = [2]float64{p.PX, p.PY}, [2]float64{p.X, p.Y}
	}
	sf, okf := unitFrame(from)
	st, okt := unitFrame(to)
	if !okf || !okt {
		return h, 0, errors.New("the points of the homography all lie at one place; spread them over the floor")
	}
	var m [9][9]float64
	for i := range points {
		u, v := sf.shrink(from[i])
		x, y := st.shrink(to[i])
		accumulate(&m, [9]float64{u, v, 1, 0, 0, 0, -x * u, -x * v, -x})
		accumulate(&m, [9]float64{0, 0, 0, u, v, 1, -y * u, -y * v, -y})
	}
	n, values := smallestEigenvector(m)
	// One vanishing eigenvalue is the answer, a second means that the points
	// leave a choice: three or more of them in a line, with too few beside it.
	if values[1] < 1e-9*values[8] {
		return h, 0, errors.New("the points of the homography lie in a line or repeat; take four with no three in a line")
	}
	h = sf.unwind(st, n)
	at := points[0]
	for _, p := range points {
		if p.PY > at.PY {
			at = p
		}
	}
	if h, err = h.Oriented(at.PX, at.PY); err != nil {
		return h, 0, err
	}
	sum := 0.0
	for _, p := range points {
		x, y, ok := h.Apply(p.PX, p.PY)
		if !ok {
			return h, 0, fmt.Errorf("pixel (%g, %g) would lie beyond the horizon; check the order of px, py, x, y", p.PX, p.PY)
		}
		dx, dy := x-p.X, y-p.Y
		sum += float64(dx*dx) + float64(dy*dy)
	}
	return h, math.Sqrt(sum / float64(len(points))), nil
}

// frame is a similarity that moves points to a mean of 0 and a mean distance of
// √2, without which pixels and metres ruin the condition of the equations.
type frame struct{ cx, cy, scale float64 }

func unitFrame(points [][2]float64) (frame, bool) {
	var f frame
	for _, p := range points {
		f.cx += p[0] / float64(len(points))
		f.cy += p[1] / float64(len(points))
	}
	mean := 0.0
	for _, p := range points {
		mean += math.Hypot(p[0]-f.cx, p[1]-f.cy) / float64(len(points))
	}
	if !(mean > 1e-12) || math.IsInf(mean, 0) {
		return f, false
	}
	f.scale = math.Sqrt2 / mean
	return f, true
}

func (f frame) shrink(p [2]float64) (float64, float64) {
	return (p[0] - f.cx) * f.scale, (p[1] - f.cy) * f.scale
}

// unwind returns T⁻¹·N·S where S is f, T is to and N works on shrunk points.
func (f frame) unwind(to frame, n [9]float64) Homography {
	s := [9]float64{f.scale, 0, -f.scale * f.cx, 0, f.scale, -f.scale * f.cy, 0, 0, 1}
	t := [9]float64{1 / to.scale, 0, to.cx, 0, 1 / to.scale, to.cy, 0, 0, 1}
	return Homography(multiply(t, multiply(n, s)))
}

func multiply(a, b [9]float64) (c [9]float64) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				c[3*i+j] += float64(a[3*i+k] * b[3*k+j])
			}
		}
	}
	return c
}

func accumulate(m *[9][9]float64, row [9]float64) {
	for i := range row {
		for j := range row {
			m[i][j] += float64(row[i] * row[j])
		}
	}
}

// smallestEigenvector returns the eigenvector of the smallest eigenvalue of a
// symmetric matrix and all eigenvalues in rising order, by Jacobi's rotations
// (Golub and Van Loan, Matrix Computations, 4th ed., 8.5).
func smallestEigenvector(m [9][9]float64) (vector, values [9]float64) {
	var v [9][9]float64
	for i := range v {
		v[i][i] = 1
	}
	for range 60 {
		off := 0.0
		for p := range 9 {
			for q := p + 1; q < 9; q++ {
				off += float64(m[p][q] * m[p][q])
				rotate(&m, &v, p, q)
			}
		}
		if off < 1e-28 {
			break
		}
	}
	least := 0
	for i := range 9 {
		values[i] = m[i][i]
		if m[i][i] < m[least][least] {
			least = i
		}
	}
	for i := range 9 {
		vector[i] = v[i][least]
	}
	for i := 1; i < 9; i++ {
		for j := i; j > 0 && values[j] < values[j-1]; j-- {
			values[j], values[j-1] = values[j-1], values[j]
		}
	}
	return vector, values
}

// rotate makes m[p][q] zero and turns the columns of v the same way.
func rotate(m, v *[9][9]float64, p, q int) {
	if m[p][q] == 0 {
		return
	}
	theta := (m[q][q] - m[p][p]) / (2 * m[p][q])
	t := 1 / (math.Abs(theta) + math.Sqrt(float64(theta*theta)+1))
	if theta < 0 {
		t = -t
	}
	c := 1 / math.Sqrt(float64(t*t)+1)
	s := t * c
	for k := range 9 {
		a, b := m[k][p], m[k][q]
		m[k][p], m[k][q] = float64(c*a)-float64(s*b), float64(s*a)+float64(c*b)
	}
	for k := range 9 {
		a, b := m[p][k], m[q][k]
		m[p][k], m[q][k] = float64(c*a)-float64(s*b), float64(s*a)+float64(c*b)
	}
	for k := range 9 {
		a, b := v[k][p], v[k][q]
		v[k][p], v[k][q] = float64(c*a)-float64(s*b), float64(s*a)+float64(c*b)
	}
}
