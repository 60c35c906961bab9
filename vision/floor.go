package vision

import "magpie/fusion"

// Floor takes boxes of a camera to the floor plan.
type Floor struct {
	h      fusion.Homography
	sx, sy float64 // frame pixels to the pixels that the homography is in
	lower  float64 // height of the frames
}

// NewFloor makes a Floor for frames of w×h pixels. The homography, which must
// be oriented ([fusion.Homography.Oriented]), is in pixels of a frame of the
// given size; a camera that now sends another size of the same picture is
// scaled.
func NewFloor(hom fusion.Homography, frame [2]int, w, h int) *Floor {
	f := &Floor{h: hom, sx: 1, sy: 1, lower: float64(h)}
	if frame[0] > 0 && frame[1] > 0 && w > 0 && h > 0 {
		f.sx, f.sy = float64(frame[0])/float64(w), float64(frame[1])/float64(h)
	}
	return f
}

// Point is the floor point in metres below the foot of a box, with its standard deviation each way ([fusion.Homography.Foot]). ok is
// false beyond the horizon.
func (f *Floor) Point(box [4]float32) (at, sd [2]float64, ok bool) {
	p, s, ok := f.h.Foot([4]float64{float64(box[0]) * f.sx, float64(box[1]) * f.sy, float64(box[2]) * f.sx, float64(box[3]) * f.sy},
		float64(box[1]+box[3]) >= f.lower-2)
	return [2]float64{p.X, p.Y}, [2]float64{s.X, s.Y}, ok
}
