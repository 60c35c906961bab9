//go:build onnx && cgo

package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"magpie/vision"
)

// layout is what a model's inputs and outputs say about it.
type layout struct {
	head    *vision.Head
	batch   int // 0: free
	input   string
	outputs []string  // in the order in which the head wants them
	shapes  [][]int64 // of these, without the batch
}

// layoutOf tells the kind of detector from the shapes of a model.
func layoutOf(ins, outs []ort.InputOutputInfo, cfg Config) (layout, error) {
	var l layout
	if len(ins) != 1 || len(ins[0].Dimensions) != 4 || ins[0].DataType != ort.TensorElementDataTypeFloat {
		return l, errors.New("the model must have one input of floats, [batch, 3, size, size]")
	}
	in := ins[0].Dimensions
	if in[1] != 3 || in[2] != in[3] || in[2] < 32 || in[2] > 4096 {
		return l, fmt.Errorf("the input is %v, must be [batch, 3, size, size]", in)
	}
	l.input, l.batch = ins[0].Name, int(max(0, in[0]))
	if l.batch > 256 {
		return l, fmt.Errorf("the model insists on %d frames at once", l.batch)
	}
	classes, conf, size := cfg.Classes, cfg.Conf, int(in[2])
	if len(classes) == 0 {
		classes = vision.StoreClasses()
	}
	if conf == 0 {
		conf = 0.1
	}
	outs = slices.Clone(outs)
	for _, o := range outs {
		if len(o.Dimensions) != 3 || o.DataType != ort.TensorElementDataTypeFloat {
			return l, fmt.Errorf("output %q is %v: a detector's are floats of three dimensions", o.Name, o.Dimensions)
		}
	}
	var err error
	switch {
	case len(outs) == 6:
		// Scores before distances, fine before coarse, whatever their names.
		slices.SortFunc(outs, func(a, b ort.InputOutputInfo) int {
			if c := cmp.Compare(b.Dimensions[2], a.Dimensions[2]); c != 0 {
				return c
			}
			return cmp.Compare(b.Dimensions[1], a.Dimensions[1])
		})
		l.head, err = vision.NanoDet(size, classes, conf)
	case len(outs) == 1:
		l.head, err = vision.YOLOv8(size, classes, conf)
	default:
		err = fmt.Errorf("%d outputs: neither NanoDet (6) nor YOLOv8 (1)", len(outs))
	}
	if err != nil {
		return l, err
	}
	for i, o := range outs {
		a, b := o.Dimensions[1], o.Dimensions[2]
		if b < 0 && a > 0 { // exporters leave the number of YOLO's anchors free
			b = int64(l.head.Sizes()[i]) / a
		}
		if a < 1 || b < 1 || a*b != int64(l.head.Sizes()[i]) {
			return l, fmt.Errorf("output %q is %v, which does not fit a %s head over %d pixels and 80 classes", o.Name, o.Dimensions, l.head.Name, size)
		}
		l.outputs = append(l.outputs, o.Name)
		l.shapes = append(l.shapes, []int64{a, b})
	}
	return l, nil
}
