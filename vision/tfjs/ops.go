package tfjs

import "math"

// plain are the operations that differ in nothing but their name.
func plain(op string) string {
	switch op {
	case "Add", "Mul", "Sub", "Identity", "Equal", "Greater", "Less", "Sqrt", "Exp", "Abs", "Sigmoid", "Relu", "Tanh", "Neg", "Log":
		return op
	case "AddV2", "BiasAdd":
		return "Add"
	case "RealDiv":
		return "Div"
	case "Maximum":
		return "Max"
	case "Minimum":
		return "Min"
	}
	return ""
}

func (c *converter) convert() {
	n := c.node
	out := []string{n.Name}
	if op := plain(n.Op); op != "" {
		if op == "Add" && c.foldAdd() {
			return
		}
		c.emit(op, c.inputs(0), out)
		return
	}
	switch n.Op {
	case "Const", "NoOp":
	case "Placeholder":
		c.graph.bytes(11, valueMessage(n.Name, c.kind("dtype"), n.Attr["shape"].Shape.ints()))
		c.made[n.Name] = true
	case "SparseToDense":
		c.sparseToDense()
	case "Pad", "PadV2":
		c.pad()
	case "Transpose":
		c.emit("Transpose", []string{c.in(0)}, out, option{"perm", c.ints(1)})
	case "Conv2D", "_FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2dNative":
		c.conv()
	case "MaxPool", "AvgPool":
		c.pool()
	case "ResizeBilinear", "ResizeNearestNeighbor":
		c.resize()
	case "AddN":
		c.emit("Sum", c.inputs(0), out)
	case "SquaredDifference":
		d := c.emit("Sub", []string{c.in(0), c.in(1)}, nil)
		c.emit("Mul", []string{d, d}, out)
	case "Relu6":
		c.emit("Clip", []string{c.in(0), c.scalar(0), c.scalar(6)}, out)
	case "LeakyRelu":
		alpha := float32(0.2)
		if f := n.Attr["alpha"].F; f != nil {
			alpha = float32(*f)
		}
		c.emit("LeakyRelu", []string{c.in(0)}, out, option{"alpha", alpha})
	case "Cast":
		c.emit("Cast", []string{c.in(0)}, out, option{"to", c.kind("DstT")})
	case "Reshape":
		c.emit("Reshape", []string{c.in(0), c.int64s(c.ints(1)...)}, out)
	case "Squeeze":
		in := []string{c.in(0)}
		if ax := n.Attr["squeeze_dims"].ints(); len(ax) > 0 {
			in = append(in, c.int64s(ax...))
		}
		c.emit("Squeeze", in, out)
	case "ExpandDims":
		c.emit("Unsqueeze", []string{c.in(0), c.int64s(c.int1(1))}, out)
	case "ConcatV2":
		c.emit("Concat", c.inputs(1), out, option{"axis", c.int1(len(n.Input) - 1)})
	case "Pack":
		var in []string
		for _, x := range c.inputs(0) {
			in = append(in, c.emit("Unsqueeze", []string{x, c.int64s(n.Attr["axis"].num())}, nil))
		}
		c.emit("Concat", in, out, option{"axis", n.Attr["axis"].num()})
	case "Split", "SplitV", "Unpack":
		c.split()
	case "Mean":
		keep := 0
		if n.Attr["keep_dims"].flag() {
			keep = 1
		}
		c.emit("ReduceMean", []string{c.in(0)}, out, option{"axes", c.ints(1)}, option{"keepdims", keep})
	case "ArgMax":
		i := c.emit("ArgMax", []string{c.in(0)}, nil, option{"axis", c.int1(1)}, option{"keepdims", 0})
		c.emit("Cast", []string{i}, out, option{"to", onnxInt32})
	case "GatherV2":
		c.emit("Gather", []string{c.in(0), c.in(1)}, out, option{"axis", c.int1(2)})
	case "GatherNd":
		i := c.emit("Cast", []string{c.in(1)}, nil, option{"to", onnxInt64})
		c.emit("GatherND", []string{c.in(0), i}, out)
	case "FloorDiv", "FloorMod":
		// ONNX's Div truncates: floor what floats give, cut what integers give.
		a := c.emit("Cast", []string{c.in(0)}, nil, option{"to", onnxFloat})
		b := c.emit("Cast", []string{c.in(1)}, nil, option{"to", onnxFloat})
		q := c.emit("Floor", []string{c.emit("Div", []string{a, b}, nil)}, nil)
		if n.Op == "FloorMod" {
			q = c.emit("Sub", []string{a, c.emit("Mul", []string{q, b}, nil)}, nil)
		}
		c.emit("Cast", []string{q}, out, option{"to", c.kind("T")})
	case "TopKV2":
		i := c.unique("index")
		c.emit("TopK", []string{c.in(0), c.int64s(c.int1(1))}, []string{n.Name, i}, option{"axis", -1})
		c.emit("Cast", []string{i}, []string{c.output(1)}, option{"to", onnxInt32})
	case "StridedSlice":
		c.slice()
	default:
		c.fail("this operation is not supported")
	}
}

// foldAdd adds two integer constants of the same length or with one scalar:
// shapes are computed so, and ONNX wants them constant.
func (c *converter) foldAdd() bool {
	if len(c.node.Input) != 2 {
		c.fail("needs two inputs, has %d", len(c.node.Input))
		return true
	}
	a, aok := c.consts[c.arg(0)]
	b, bok := c.consts[c.arg(1)]
	if !aok || !bok || a.f != nil || b.f != nil {
		return false
	}
	if len(a.i) > len(b.i) {
		a, b = b, a
	}
	if len(a.i) != len(b.i) && len(a.i) != 1 {
		c.fail("cannot fold constants of %d and %d elements", len(a.i), len(b.i))
		return true
	}
	sum := &tensor{shape: b.shape, i: make([]int64, len(b.i))}
	for k := range sum.i {
		sum.i[k] = b.i[k] + a.i[k%len(a.i)]
	}
	c.consts[c.node.Name] = sum
	return true
}

// sparseToDense folds the one-dimensional case that shape arithmetic uses.
func (c *converter) sparseToDense() {
	index, length, values, fill := c.ints(0), c.int1(1), c.ints(2), c.int1(3)
	if length < 0 || length > 1<<16 || (len(values) != 1 && len(values) != len(index)) {
		c.fail("cannot fold %d values at %d places into %d elements", len(values), len(index), length)
		return
	}
	t := &tensor{shape: []int{length}, i: make([]int64, length)}
	for k := range t.i {
		t.i[k] = int64(fill)
	}
	for k, at := range index {
		if at < 0 || at >= length {
			c.fail("place %d is outside %d elements", at, length)
			return
		}
		t.i[at] = int64(values[min(k, len(values)-1)])
	}
	c.consts[c.node.Name] = t
}

func (c *converter) pad() {
	p := c.ints(1)
	rank := len(p) / 2
	pads, zero := make([]int, 2*rank), len(p)%2 == 0
	if !zero {
		c.fail("paddings must come in pairs, there are %d numbers", len(p))
	}
	for k := range rank {
		pads[k], pads[rank+k] = p[2*k], p[2*k+1]
		zero = zero && p[2*k] == 0 && p[2*k+1] == 0
	}
	out := []string{c.node.Name}
	if zero {
		c.emit("Identity", []string{c.in(0)}, out)
		return
	}
	in := []string{c.in(0), c.int64s(pads...)}
	if c.node.Op == "PadV2" {
		in = append(in, c.in(2))
	}
	c.emit("Pad", in, out, option{"mode", "constant"})
}

func (c *converter) split() {
	n := c.node
	count := n.Attr["num_split"].num()
	if n.Op == "Unpack" {
		count = n.Attr["num"].num()
	}
	if count < 1 || count > 1024 {
		c.fail("cannot split into %d parts", count)
		return
	}
	var out []string
	for k := range count {
		out = append(out, c.output(k))
	}
	switch n.Op {
	case "Split":
		c.emit("Split", []string{c.in(1)}, out, option{"axis", c.int1(0)})
	case "SplitV":
		c.emit("Split", []string{c.in(0), c.int64s(c.ints(1)...)}, out, option{"axis", c.int1(2)})
	case "Unpack":
		x := c.in(0)
		for k, o := range out {
			i := c.initialiser(c.unique("index"), &tensor{i: []int64{int64(k)}}, onnxInt64)
			c.emit("Gather", []string{x, i}, []string{o}, option{"axis", n.Attr["axis"].num()})
		}
	}
}

func (c *converter) slice() {
	n := c.node
	begin, end, step := c.ints(1), c.ints(2), c.ints(3)
	if n.Attr["new_axis_mask"].num() != 0 || n.Attr["ellipsis_mask"].num() != 0 {
		c.fail("new_axis_mask and ellipsis_mask are not supported")
		return
	}
	if len(begin) != len(end) || len(begin) != len(step) {
		c.fail("begin, end and strides have %d, %d and %d numbers", len(begin), len(end), len(step))
		return
	}
	var axes, drop []int
	for k := range begin {
		axes = append(axes, k)
		back := step[k] < 0
		if n.Attr["begin_mask"].num()>>k&1 == 1 {
			begin[k] = 0
			if back {
				begin[k] = math.MaxInt32
			}
		}
		if n.Attr["end_mask"].num()>>k&1 == 1 {
			end[k] = math.MaxInt32
			if back {
				end[k] = math.MinInt32
			}
		}
		if n.Attr["shrink_axis_mask"].num()>>k&1 == 1 {
			if end[k] = begin[k] + 1; end[k] == 0 {
				end[k] = math.MaxInt32
			}
			drop = append(drop, k)
		}
	}
	in := []string{c.in(0), c.int64s(begin...), c.int64s(end...), c.int64s(axes...), c.int64s(step...)}
	if len(drop) == 0 {
		c.emit("Slice", in, []string{n.Name})
		return
	}
	c.emit("Squeeze", []string{c.emit("Slice", in, nil), c.int64s(drop...)}, []string{n.Name})
}
