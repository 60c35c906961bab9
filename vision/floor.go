package vision

import (
	"math"

	"magpie/fusion"
)

// Noise of a foot point as shares of the box's height, measured on a Faster
// R-CNN's boxes against ground truth: across and along the picture.
const (
	footAcross = 0.04
	footAlong  = 0.07
)

// Floor takes boxes of a camera to the floor plan.
type Floor struct {
	h        fusion.Homography
	sx, sy   float64 // frame pixels to the pixels that the homography is in
	w, lower float64 // size of the frames
}

// NewFloor makes a Floor for frames of w×h pixels. The homography, which must
// be oriented ([fusion.Homography.Oriented]), is in pixels of a frame of the
// given size; a camera that now sends another size of the same picture is
// scaled.
func NewFloor(hom fusion.Homography, frame [2]int, w, h int) *Floor {
	f := &Floor{h: hom, sx: 1, sy: 1, w: float64(w), lower: float64(h)}
	if frame[0] > 0 && frame[1] > 0 && w > 0 && h > 0 {
		f.sx, f.sy = float64(frame[0])/float64(w), float64(frame[1])/float64(h)
	}
	return f
}

// Point is the floor point in metres below the foot of a box (the middle of its
// lower edge) with its standard deviation: the pixel noise Σ of the foot through
// the homography's Jacobian J, J Σ Jᵀ. ok is false beyond the horizon. A box cut
// off by the frame's lower edge hides its foot, which is then thrice as vague.
func (f *Floor) Point(box [4]float32) (at, sd [2]float64, ok bool) {
	px := (float64(box[0]) + float64(box[2])/2) * f.sx
	py := (float64(box[1]) + float64(box[3])) * f.sy
	x, y, ok := f.h.Apply(px, py)
	if !ok {
		return at, sd, false
	}
	h := f.h
	w := float64(h[6]*px) + float64(h[7]*py) + h[8]
	// d(n/w) = (dn − (n/w)·dw)/w
	jxx, jxy := (h[0]-float64(x*h[6]))/w, (h[1]-float64(x*h[7]))/w
	jyx, jyy := (h[3]-float64(y*h[6]))/w, (h[4]-float64(y*h[7]))/w
	across := footAcross * float64(box[3]) * f.sx
	along := footAlong * float64(box[3]) * f.sy
	if float64(box[1]+box[3]) >= f.lower-2 {
		along *= 3
	}
	sd = [2]float64{math.Hypot(jxx*across, jxy*along), math.Hypot(jyx*across, jyy*along)}
	return [2]float64{x, y}, sd, true
}
