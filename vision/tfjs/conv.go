package tfjs

import "strings"

// conv converts the four convolutions of TensorFlow, with fused bias and
// activations, from NHWC to ONNX's NCHW.
func (c *converter) conv() {
	n := c.node
	w := c.constant(1)
	if len(w.shape) != 4 || w.f == nil {
		c.fail("the kernel must be a constant of four dimensions")
		return
	}
	depthwise := strings.Contains(n.Op, "epthwise")
	kh, kw, ci := w.shape[0], w.shape[1], w.shape[2]
	group := 1
	if depthwise {
		group = ci
	}
	kernel := c.initialiser(c.unique(n.Name+"_kernel"), nchwKernel(w, depthwise), onnxFloat)
	opts := []option{
		{"strides", c.window("strides")},
		{"dilations", c.window("dilations")},
		{"group", group},
		{"kernel_shape", []int{kh, kw}},
	}
	switch p := n.Attr["padding"].text(); p {
	case "SAME":
		opts = append(opts, option{"auto_pad", "SAME_UPPER"})
	case "EXPLICIT":
		e := n.Attr["explicit_paddings"].ints()
		if len(e) != 8 {
			c.fail("explicit_paddings must have eight numbers, has %d", len(e))
			return
		}
		opts = append(opts, option{"pads", []int{e[2], e[4], e[3], e[5]}})
	case "VALID":
	default:
		c.fail("padding %q is not supported", p)
	}
	if f := n.Attr["data_format"].text(); f != "" && f != "NHWC" {
		c.fail("data_format %q is not supported", f)
	}
	in := []string{c.toNCHW(c.in(0)), kernel}
	next := 2
	var after []string
	for _, f := range n.Attr["fused_ops"].texts() {
		if f == "BiasAdd" {
			in = append(in, c.in(next))
			next++
			continue
		}
		after = append(after, f)
	}
	x := c.emit("Conv", in, nil, opts...)
	for _, f := range after {
		switch f {
		case "Relu", "Sigmoid", "Elu":
			x = c.emit(f, []string{x}, nil)
		case "Relu6":
			x = c.emit("Clip", []string{x, c.scalar(0), c.scalar(6)}, nil)
		case "LeakyRelu":
			alpha := float32(0.2)
			if a := n.Attr["leakyrelu_alpha"].F; a != nil {
				alpha = float32(*a)
			}
			x = c.emit("LeakyRelu", []string{x}, nil, option{"alpha", alpha})
		case "Prelu":
			s := c.constant(next)
			slope := &tensor{f: s.f, shape: []int{len(s.f), 1, 1}}
			x = c.emit("PRelu", []string{x, c.initialiser(c.unique("slope"), slope, onnxFloat)}, nil)
			next++
		default:
			c.fail("fused operation %q is not supported", f)
		}
	}
	c.fromNCHW(x)
}

// nchwKernel reorders a TensorFlow kernel [h,w,in,out] to ONNX's [out,in,h,w],
// or a depthwise one [h,w,in,multiplier] to [in·multiplier,1,h,w].
func nchwKernel(w *tensor, depthwise bool) *tensor {
	kh, kw, ci, co := w.shape[0], w.shape[1], w.shape[2], w.shape[3]
	t := &tensor{f: make([]float32, len(w.f)), shape: []int{co, ci, kh, kw}}
	if depthwise {
		t.shape = []int{ci * co, 1, kh, kw}
	}
	for y := range kh {
		for x := range kw {
			for i := range ci {
				for o := range co {
					to := ((o*ci+i)*kh+y)*kw + x
					if depthwise {
						to = ((i*co+o)*kh+y)*kw + x
					}
					t.f[to] = w.f[((y*kw+x)*ci+i)*co+o]
				}
			}
		}
	}
	return t
}

func (c *converter) pool() {
	opts := []option{{"kernel_shape", c.window("ksize")}, {"strides", c.window("strides")}}
	switch p := c.node.Attr["padding"].text(); p {
	case "SAME":
		opts = append(opts, option{"auto_pad", "SAME_UPPER"})
	case "VALID":
	default:
		c.fail("padding %q is not supported", p)
	}
	op := "MaxPool"
	if c.node.Op == "AvgPool" {
		op = "AveragePool"
	}
	c.fromNCHW(c.emit(op, []string{c.toNCHW(c.in(0))}, nil, opts...))
}

func (c *converter) resize() {
	n := c.node
	to := c.ints(1)
	if len(to) != 2 {
		c.fail("the size must be two numbers, has %d", len(to))
		return
	}
	place := "asymmetric"
	switch {
	case n.Attr["align_corners"].flag():
		place = "align_corners"
	case n.Attr["half_pixel_centers"].flag():
		place = "half_pixel"
	}
	mode := "linear"
	if n.Op == "ResizeNearestNeighbor" {
		mode = "nearest"
	}
	x := c.toNCHW(c.in(0))
	// Resize wants all four sizes; batch and channels come from the value itself.
	shape := c.emit("Shape", []string{x}, nil)
	head := c.emit("Slice", []string{shape, c.int64s(0), c.int64s(2)}, nil)
	full := c.emit("Concat", []string{head, c.int64s(to...)}, nil, option{"axis", 0})
	c.fromNCHW(c.emit("Resize", []string{x, "", "", full}, nil,
		option{"mode", mode}, option{"coordinate_transformation_mode", place}, option{"nearest_mode", "floor"}))
}
