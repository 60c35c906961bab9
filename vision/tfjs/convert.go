package tfjs

import (
	"errors"
	"fmt"
	"strings"
)

// ONNX writes the graph as an ONNX model (IR 8, opset 13) whose outputs are the
// named nodes, or the model's own outputs where none is named. An operation
// or an argument that cannot be converted is an error naming node and
// operation; all of them are reported at once.
func (g *Graph) ONNX(outputs ...string) ([]byte, error) {
	if len(outputs) == 0 {
		outputs = g.outputs
	}
	if len(outputs) == 0 {
		return nil, fmt.Errorf("%s: the model names no outputs: give the names of the nodes to read", g.file)
	}
	c := &converter{consts: map[string]*tensor{}, written: map[string]bool{}, made: map[string]bool{}}
	for k, v := range g.consts {
		c.consts[k] = v
	}
	for _, n := range g.nodes {
		c.node = n
		c.convert()
	}
	for _, o := range outputs {
		if !c.made[o] {
			c.errs = append(c.errs, fmt.Errorf("output %q: no node makes it", o))
		}
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, fmt.Errorf("%s: %w", g.file, err)
	}
	for _, o := range outputs {
		c.graph.bytes(12, valueMessage(o, onnxFloat, g.shapes[o]))
	}
	c.graph.text(2, "graph")
	var m, opset message
	m.varint(1, 8)
	m.text(2, "magpie")
	m.bytes(7, c.graph)
	opset.text(1, "")
	opset.varint(2, 13)
	m.bytes(8, opset)
	return m, nil
}

// converter walks the nodes in their order, which is topological in a graph
// model. Errors are gathered; after one, names and numbers may be nonsense but
// every accessor stays in bounds.
type converter struct {
	graph   message
	consts  map[string]*tensor
	written map[string]bool // initialisers
	made    map[string]bool // values that a node or an input makes
	count   int
	node    node
	errs    []error
}

func (c *converter) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("node %q (%s): %s", c.node.Name, c.node.Op, fmt.Sprintf(format, args...)))
}

func (c *converter) unique(prefix string) string {
	c.count++
	return fmt.Sprintf("%s__%d", prefix, c.count)
}

// clean strips the control mark and the number of a first output.
func clean(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(s, "^"), ":0")
}

// emit adds an ONNX node and returns its first output, made up where out is empty.
func (c *converter) emit(op string, in []string, out []string, opts ...option) string {
	if len(out) == 0 {
		out = []string{c.unique(strings.ToLower(op))}
	}
	c.graph.bytes(1, nodeMessage(c.unique(op), op, in, out, opts))
	for _, o := range out {
		c.made[o] = true
	}
	return out[0]
}

func (c *converter) initialiser(name string, t *tensor, kind int) string {
	if !c.written[name] {
		c.written[name] = true
		c.graph.bytes(5, tensorMessage(name, t, kind))
	}
	return name
}

func (c *converter) int64s(v ...int) string {
	t := &tensor{shape: []int{len(v)}}
	for _, x := range v {
		t.i = append(t.i, int64(x))
	}
	return c.initialiser(c.unique("ints"), t, onnxInt64)
}

func (c *converter) scalar(v float32) string {
	return c.initialiser(c.unique("scalar"), &tensor{f: []float32{v}}, onnxFloat)
}

func (c *converter) arg(k int) string {
	if k < 0 || k >= len(c.node.Input) {
		c.fail("input %d is missing", k)
		return ""
	}
	return clean(c.node.Input[k])
}

// in names the value of input k, writing it first if it is a constant.
func (c *converter) in(k int) string {
	s := c.arg(k)
	if t, ok := c.consts[s]; ok {
		if t.f != nil {
			return c.initialiser(s, t, onnxFloat)
		}
		return c.initialiser(s, t, onnxInt32)
	}
	if s != "" && !c.made[s] {
		c.fail("input %q is made by no node before it", s)
	}
	return s
}

// constant is input k as a constant; it is an error for it to be anything else.
func (c *converter) constant(k int) *tensor {
	if t, ok := c.consts[c.arg(k)]; ok {
		return t
	}
	c.fail("input %d must be a constant", k)
	return &tensor{}
}

func (c *converter) ints(k int) []int {
	t := c.constant(k)
	if t.f != nil {
		c.fail("input %d must be integers", k)
	}
	out := make([]int, len(t.i))
	for i, v := range t.i {
		out[i] = int(v)
	}
	return out
}

// int1 is the single integer of constant input k.
func (c *converter) int1(k int) int {
	v := c.ints(k)
	if len(v) != 1 {
		c.fail("input %d must be one integer, has %d", k, len(v))
		return 0
	}
	return v[0]
}

// inputs names all inputs from the first up to but without the last `skip`.
func (c *converter) inputs(skip int) []string {
	var out []string
	for k := range len(c.node.Input) - skip {
		out = append(out, c.in(k))
	}
	if len(out) == 0 {
		c.fail("has no inputs")
	}
	return out
}

// output names the k-th output the way later nodes refer to it.
func (c *converter) output(k int) string {
	if k == 0 {
		return c.node.Name
	}
	return fmt.Sprintf("%s:%d", c.node.Name, k)
}

func (c *converter) kind(name string) int {
	switch fmt.Sprint(c.node.Attr[name].Type) {
	case "DT_FLOAT", "1":
		return onnxFloat
	case "DT_INT32", "3":
		return onnxInt32
	case "DT_INT64", "9":
		return onnxInt64
	case "DT_BOOL", "10":
		return onnxBool
	case "DT_UINT8", "4":
		return onnxUint8
	}
	c.fail("element type %v of %q is not supported", c.node.Attr[name].Type, name)
	return onnxFloat
}

func (c *converter) toNCHW(x string) string {
	return c.emit("Transpose", []string{x}, nil, option{"perm", []int{0, 3, 1, 2}})
}

func (c *converter) fromNCHW(x string) {
	c.emit("Transpose", []string{x}, []string{c.node.Name}, option{"perm", []int{0, 2, 3, 1}})
}

// window is the middle two of a four-element NHWC attribute.
func (c *converter) window(name string) []int {
	v := c.node.Attr[name].ints()
	if len(v) == 0 && name == "dilations" {
		return []int{1, 1}
	}
	if len(v) != 4 {
		c.fail("attribute %q must have four numbers, has %d", name, len(v))
		return []int{1, 1}
	}
	return v[1:3]
}
