package vision

import (
	"fmt"
	"math"
)

// Head decodes what a detector puts out. It is made by [NanoDet] or [YOLOv8];
// it holds scratch space and is for one goroutine.
type Head struct {
	Name  string
	Size  int // side of the square input
	Norm  Normalise
	names []string
	want  []bool
	conf  float32
	raw   func(h *Head, outputs [][]float32, l *Letterbox, dst []Detection) []Detection
	sizes []int // elements each output must have
	exps  [16]float32
}

// Limits of one frame: a detector that says more than this is broken, and what
// follows is quadratic.
const maxCandidates = 1000

// NMSOverlap is the overlap from which the less confident of two boxes is
// taken for the same object, whatever their classes.
const NMSOverlap = 0.6

// NanoDet is the head of NanoDet (RangiLyu): for strides 8, 16, 32 of a square
// input one output of class scores [n·n, 80] (sigmoid applied) and one of box
// distances [n·n, 44], the four sides' distributions over 0…10 strides.
// Outputs are expected as scores, scores, scores, distances, distances,
// distances. Of the classes only keep are reported (all when empty), from
// confidence conf.
func NanoDet(size int, keep []string, conf float32) (*Head, error) {
	if size < 32 || size%32 != 0 {
		return nil, fmt.Errorf("NanoDet input of %d: must be a multiple of 32", size)
	}
	h := newHead("nanodet", size, keep, conf)
	h.Norm = Normalise{
		Mean:  [3]float32{103.53, 116.28, 123.675},
		Scale: [3]float32{1 / 57.375, 1 / 57.12, 1 / 58.395},
	}
	h.raw = decodeNanoDet
	for _, per := range []int{len(h.names), 4 * nanoBins} {
		for _, stride := range nanoStrides {
			h.sizes = append(h.sizes, (size/stride)*(size/stride)*per)
		}
	}
	return h, nil
}

// YOLOv8 is the head of the YOLOv8 family: one output [4+80, anchors] of
// centre, width, height in input pixels and class scores, transposed.
func YOLOv8(size int, keep []string, conf float32) (*Head, error) {
	if size < 32 || size%32 != 0 {
		return nil, fmt.Errorf("YOLOv8 input of %d: must be a multiple of 32", size)
	}
	h := newHead("yolov8", size, keep, conf)
	h.Norm = Normalise{RGB: true, Scale: [3]float32{1 / 255.0, 1 / 255.0, 1 / 255.0}}
	h.raw = decodeYOLOv8
	anchors := (size/8)*(size/8) + (size/16)*(size/16) + (size/32)*(size/32)
	h.sizes = []int{(4 + len(h.names)) * anchors}
	return h, nil
}

func newHead(name string, size int, keep []string, conf float32) *Head {
	names := COCO()
	return &Head{Name: name, Size: size, names: names, want: wantedClasses(names, keep), conf: conf}
}

// Sizes says how many values each output of one frame must have.
func (h *Head) Sizes() []int { return h.sizes }

// Decode appends to dst the objects in outputs, in pixels of the frame that l
// filled last, most confident first and without overlaps ([NMS]).
func (h *Head) Decode(outputs [][]float32, l *Letterbox, dst []Detection) ([]Detection, error) {
	if len(outputs) != len(h.sizes) {
		return dst, fmt.Errorf("%s head: %d outputs, want %d", h.Name, len(outputs), len(h.sizes))
	}
	for i, o := range outputs {
		if len(o) != h.sizes[i] {
			return dst, fmt.Errorf("%s head: output %d has %d values, want %d", h.Name, i, len(o), h.sizes[i])
		}
	}
	from := len(dst)
	dst = h.raw(h, outputs, l, dst)
	return dst[:from+len(NMS(dst[from:], NMSOverlap))], nil
}

// add appends a box given by its corners in the square.
func (h *Head) add(dst []Detection, l *Letterbox, class int, conf, x1, y1, x2, y2 float32) []Detection {
	box, ok := l.Unbox(x1, y1, x2, y2)
	// Anything not finite fails the comparison inside Unbox.
	if !ok || len(dst) >= maxCandidates {
		return dst
	}
	return append(dst, Detection{Class: h.names[class], Conf: min(conf, 1), Box: box})
}

const nanoBins = 11

var nanoStrides = [3]int{8, 16, 32}

func decodeNanoDet(h *Head, outputs [][]float32, l *Letterbox, dst []Detection) []Detection {
	classes := len(h.names)
	for level, stride := range nanoStrides {
		side := h.Size / stride
		scores, dists := outputs[level], outputs[level+3]
		for i := range side * side {
			conf := scores[i*classes : (i+1)*classes]
			best := 0
			for c, v := range conf {
				if v > conf[best] {
					best = c
				}
			}
			if !(conf[best] >= h.conf) || !h.want[best] {
				continue
			}
			var d [4]float32
			for k := range d {
				at := i*4*nanoBins + k*nanoBins
				d[k] = h.expect(dists[at:at+nanoBins]) * float32(stride)
			}
			x, y := (float32(i%side)+0.5)*float32(stride), (float32(i/side)+0.5)*float32(stride)
			dst = h.add(dst, l, best, conf[best], x-d[0], y-d[1], x+d[2], y+d[3])
		}
	}
	return dst
}

// expect is the mean of the distribution whose logits are given.
func (h *Head) expect(logits []float32) float32 {
	top := logits[0]
	for _, v := range logits {
		top = max(top, v)
	}
	var sum, mean float32
	for j, v := range logits {
		h.exps[j] = float32(math.Exp(float64(v - top)))
		sum += h.exps[j]
		mean += h.exps[j] * float32(j)
	}
	return mean / sum
}

func decodeYOLOv8(h *Head, outputs [][]float32, l *Letterbox, dst []Detection) []Detection {
	out := outputs[0]
	n := len(out) / (4 + len(h.names))
	for a := range n {
		best, conf := -1, h.conf
		for c := range h.names {
			if v := out[(4+c)*n+a]; v >= conf && (v > conf || best < 0) {
				best, conf = c, v
			}
		}
		if best < 0 || !h.want[best] {
			continue
		}
		x, y, w, ht := out[a], out[n+a], out[2*n+a]/2, out[3*n+a]/2
		dst = h.add(dst, l, best, conf, x-w, y-ht, x+w, y+ht)
	}
	return dst
}
