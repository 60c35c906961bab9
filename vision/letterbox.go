package vision

import (
	"fmt"
	"math"
)

// Normalise says how a detector wants its input: each output value is
// (pixel − Mean) × Scale, the three planes in the order blue green red, or red
// green blue with RGB; Mean and Scale are in plane order.
type Normalise struct {
	RGB         bool
	Mean, Scale [3]float32
}

// Letterbox scales frames into a square of Size×Size without changing their
// shape, centred on grey (114), as detectors of the YOLO family are trained.
// It resizes bilinearly with pixel centres at half, as OpenCV's INTER_LINEAR.
// It keeps tables for the last frame size; it is for one goroutine.
type Letterbox struct {
	size           int
	w, h           int     // of the frame that the tables fit
	scale          float64 // square pixels a frame pixel
	padX, padY     int
	inW, inH       int // of the scaled frame
	x0, x1, y0, y1 []int
	fx, fy         []float32
}

const grey = 114

// NewLetterbox makes a letterbox into a square of size pixels.
func NewLetterbox(size int) *Letterbox { return &Letterbox{size: size} }

func (l *Letterbox) fit(w, h int) {
	if l.w == w && l.h == h {
		return
	}
	l.w, l.h = w, h
	l.scale = min(float64(l.size)/float64(w), float64(l.size)/float64(h))
	l.inW = max(1, int(math.Round(float64(w)*l.scale)))
	l.inH = max(1, int(math.Round(float64(h)*l.scale)))
	l.padX, l.padY = (l.size-l.inW)/2, (l.size-l.inH)/2
	l.x0, l.x1, l.fx = taps(w, l.inW, 3)
	l.y0, l.y1, l.fy = taps(h, l.inH, 3*w)
}

// taps are the two neighbours (times stride) and the weight of the second, for
// each of n output positions over m inputs.
func taps(m, n, stride int) (a, b []int, f []float32) {
	a, b, f = make([]int, n), make([]int, n), make([]float32, n)
	for i := range n {
		at := (float64(i)+0.5)*float64(m)/float64(n) - 0.5
		at = max(0, min(at, float64(m-1)))
		lo := int(at)
		a[i], b[i], f[i] = lo*stride, min(lo+1, m-1)*stride, float32(at-float64(lo))
	}
	return a, b, f
}

// Fill writes the frame, letterboxed and normalised, as three planes of
// Size×Size into dst. It allocates only when the frame's size changes.
func (l *Letterbox) Fill(dst []float32, f Frame, n Normalise) error {
	if err := f.Check(); err != nil {
		return err
	}
	plane := l.size * l.size
	if len(dst) != 3*plane {
		return fmt.Errorf("letterbox of %d needs %d values, got %d", l.size, 3*plane, len(dst))
	}
	l.fit(f.W, f.H)
	// Pixels are b g r; plane p holds channel c(p).
	p0, p1, p2 := dst[:plane], dst[plane:2*plane], dst[2*plane:]
	m, s := n.Mean, n.Scale
	if n.RGB {
		p0, p2 = p2, p0
		m[0], m[2], s[0], s[2] = m[2], m[0], s[2], s[0]
	}
	b0, b1, b2 := -m[0]*s[0], -m[1]*s[1], -m[2]*s[2]
	s0, s1, s2 := s[0], s[1], s[2]
	l.border(p0, grey*s0+b0)
	l.border(p1, grey*s1+b1)
	l.border(p2, grey*s2+b2)
	x0, x1, fx := l.x0, l.x1[:len(l.x0)], l.fx[:len(l.x0)]
	for y := range l.inH {
		top := f.Pix[l.y0[y] : l.y0[y]+3*f.W]
		bottom := f.Pix[l.y1[y] : l.y1[y]+3*f.W]
		fy := l.fy[y]
		at := (y+l.padY)*l.size + l.padX
		o0, o1, o2 := p0[at:at+len(x0)], p1[at:at+len(x0)], p2[at:at+len(x0)]
		for x, a := range x0 {
			b, w := x1[x], fx[x]
			ta, tb := top[a:a+3:a+3], top[b:b+3:b+3]
			ba, bb := bottom[a:a+3:a+3], bottom[b:b+3:b+3]
			t0, t1, t2 := float32(ta[0]), float32(ta[1]), float32(ta[2])
			t0 += (float32(tb[0]) - t0) * w
			t1 += (float32(tb[1]) - t1) * w
			t2 += (float32(tb[2]) - t2) * w
			u0, u1, u2 := float32(ba[0]), float32(ba[1]), float32(ba[2])
			u0 += (float32(bb[0]) - u0) * w
			u1 += (float32(bb[1]) - u1) * w
			u2 += (float32(bb[2]) - u2) * w
			o0[x] = (t0+(u0-t0)*fy)*s0 + b0
			o1[x] = (t1+(u1-t1)*fy)*s1 + b1
			o2[x] = (t2+(u2-t2)*fy)*s2 + b2
		}
	}
	return nil
}

// border paints what the scaled frame leaves free.
func (l *Letterbox) border(p []float32, v float32) {
	fill := func(p []float32) {
		for i := range p {
			p[i] = v
		}
	}
	fill(p[:l.padY*l.size])
	fill(p[(l.padY+l.inH)*l.size:])
	if l.inW == l.size {
		return
	}
	for y := l.padY; y < l.padY+l.inH; y++ {
		row := p[y*l.size : (y+1)*l.size]
		fill(row[:l.padX])
		fill(row[l.padX+l.inW:])
	}
}

// Unbox maps a box given by its corners in the square to x, y, width, height in
// the frame last filled, cut to the frame. It reports false if nothing is left.
func (l *Letterbox) Unbox(x1, y1, x2, y2 float32) ([4]float32, bool) {
	sx, sy := float32(float64(l.w)/float64(l.inW)), float32(float64(l.h)/float64(l.inH))
	cut := func(v, pad, s, most float32) float32 { return max(0, min((v-pad)*s, most)) }
	w, h := float32(l.w), float32(l.h)
	x1, x2 = cut(x1, float32(l.padX), sx, w), cut(x2, float32(l.padX), sx, w)
	y1, y2 = cut(y1, float32(l.padY), sy, h), cut(y2, float32(l.padY), sy, h)
	return [4]float32{x1, y1, x2 - x1, y2 - y1}, x2-x1 >= 1 && y2-y1 >= 1
}
