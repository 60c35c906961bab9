//go:build onnx && cgo

package onnx

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	ort "github.com/yalue/onnxruntime_go"

	"magpie/vision/tfjs"
)

// The converter is tested here too, where its models can run.

type (
	list   []any
	object map[string]any
)

func ints(v ...int) object {
	var l list
	for _, x := range v {
		l = append(l, fmt.Sprint(x))
	}
	return object{"list": object{"i": l}}
}

func text(s string) object { return object{"s": base64.StdEncoding.EncodeToString([]byte(s))} }

func texts(s ...string) object {
	var l list
	for _, x := range s {
		l = append(l, base64.StdEncoding.EncodeToString([]byte(x)))
	}
	return object{"list": object{"s": l}}
}

// graph collects a TensorFlow.js model.
type graph struct {
	nodes, weights list
	data           []byte
}

func (g *graph) node(name, op string, attr object, in ...string) {
	g.nodes = append(g.nodes, object{"name": name, "op": op, "input": in, "attr": attr})
}

func (g *graph) input(shape ...int) {
	var d list
	for _, n := range shape {
		d = append(d, object{"size": fmt.Sprint(n)})
	}
	g.node("x", "Placeholder", object{"dtype": object{"type": "DT_FLOAT"}, "shape": object{"shape": object{"dim": d}}})
}

func (g *graph) floats(name string, shape []int, v ...float32) {
	g.weights = append(g.weights, object{"name": name, "shape": shape, "dtype": "float32"})
	for _, x := range v {
		g.data = binary.LittleEndian.AppendUint32(g.data, math.Float32bits(x))
	}
}

func (g *graph) ints(name string, shape []int, v ...int) {
	g.weights = append(g.weights, object{"name": name, "shape": shape, "dtype": "int32"})
	for _, x := range v {
		g.data = binary.LittleEndian.AppendUint32(g.data, uint32(int32(x)))
	}
}

// convert writes the model as ONNX and returns its path.
func (g *graph) convert(t testing.TB, output string, shape ...int) string {
	t.Helper()
	var dim list
	for _, n := range shape {
		dim = append(dim, object{"size": fmt.Sprint(n)})
	}
	model, err := json.Marshal(object{
		"signature":       object{"outputs": object{"y": object{"name": output, "tensorShape": object{"dim": dim}}}},
		"modelTopology":   object{"node": g.nodes},
		"weightsManifest": list{object{"paths": list{"w.bin"}, "weights": g.weights}},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, b := range map[string][]byte{"model.json": model, "w.bin": g.data} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := tfjs.Load(filepath.Join(dir, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.ONNX()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// yoloOfPixels is a "detector" whose answer is the picture's own first values.
func yoloOfPixels(t testing.TB) string {
	var g graph
	g.input(-1, 3, 32, 32)
	g.ints("flat", []int{2}, -1, 3072)
	g.ints("from", []int{2}, 0, 0)
	g.ints("to", []int{2}, 0, 1764)
	g.ints("by", []int{2}, 1, 1)
	g.ints("head", []int{3}, -1, 84, 21)
	g.node("row", "Reshape", object{}, "x", "flat")
	g.node("cut", "StridedSlice", object{"begin_mask": object{"i": "1"}, "end_mask": object{"i": "1"}}, "row", "from", "to", "by")
	g.floats("size", []int{}, 32)
	g.node("big", "Mul", object{}, "cut", "size")
	g.node("y", "Reshape", object{}, "big", "head")
	return g.convert(t, "y", -1, 84, 21)
}

// run gives the output of a model with one input x and one output.
func run(t *testing.T, path, output string, in []int64, x []float32, out []int64) []float32 {
	t.Helper()
	if err := loadLibrary(cached(t, "onnxruntime", "libonnxruntime.so")); err != nil {
		t.Fatal(err)
	}
	xt, err := ort.NewTensor(ort.NewShape(in...), x)
	if err != nil {
		t.Fatal(err)
	}
	defer xt.Destroy()
	yt, err := ort.NewEmptyTensor[float32](ort.NewShape(out...))
	if err != nil {
		t.Fatal(err)
	}
	defer yt.Destroy()
	s, err := ort.NewDynamicAdvancedSession(path, []string{"x"}, []string{output}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Destroy()
	if err := s.Run([]ort.Value{xt}, []ort.Value{yt}); err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), yt.GetData()...)
}

// Each operation gives what TensorFlow's definition says.
func TestConvertedOperations(t *testing.T) {
	cached(t, "onnxruntime", "libonnxruntime.so")
	f := func(name string, in, out []int64, x, want []float32, build func(*graph)) {
		t.Run(name, func(t *testing.T) {
			var g graph
			shape := func(s []int64) (o []int) {
				for _, v := range s {
					o = append(o, int(v))
				}
				return o
			}
			g.input(shape(in)...)
			build(&g)
			got := run(t, g.convert(t, "y", shape(out)...), "y", in, x, out)
			if len(got) != len(want) {
				t.Fatalf("got %v, want %v", got, want)
			}
			for i := range got {
				if math.Abs(float64(got[i]-want[i])) > 1e-5 {
					t.Fatalf("got %v, want %v", got, want)
				}
			}
		})
	}
	one := func(op string, attr object, more ...string) func(*graph) {
		return func(g *graph) { g.node("y", op, attr, append([]string{"x"}, more...)...) }
	}
	square := []int64{1, 2, 2, 1}
	f("conv, bias, relu6", square, []int64{1, 2, 2, 2}, []float32{1, 2, 3, 4},
		[]float32{1.5, 0, 2.5, 0, 3.5, 0, 4.5, 0}, func(g *graph) {
			g.floats("w", []int{1, 1, 1, 2}, 1, -1)
			g.floats("b", []int{2}, 0.5, 0.5)
			g.node("y", "_FusedConv2D", object{"padding": text("SAME"), "strides": ints(1, 1, 1, 1), "fused_ops": texts("BiasAdd", "Relu6")}, "x", "w", "b")
		})
	f("conv that looks right and down", square, square, []float32{1, 2, 3, 4},
		[]float32{1 + 20 + 300 + 4000, 2 + 400, 3 + 40, 4}, func(g *graph) {
			g.floats("w", []int{2, 2, 1, 1}, 1, 10, 100, 1000)
			g.node("y", "Conv2D", object{"padding": text("SAME"), "strides": ints(1, 1, 1, 1)}, "x", "w")
		})
	f("depthwise, two of each", []int64{1, 1, 1, 2}, []int64{1, 1, 1, 4}, []float32{3, 5},
		[]float32{3, 6, 15, 20}, func(g *graph) {
			g.floats("w", []int{1, 1, 2, 2}, 1, 2, 3, 4)
			g.node("y", "DepthwiseConv2dNative", object{"padding": text("VALID"), "strides": ints(1, 1, 1, 1)}, "x", "w")
		})
	f("max pool", square, []int64{1, 1, 1, 1}, []float32{1, 9, 3, 4}, []float32{9},
		one("MaxPool", object{"padding": text("VALID"), "strides": ints(1, 2, 2, 1), "ksize": ints(1, 2, 2, 1)}))
	f("average pool", square, []int64{1, 1, 1, 1}, []float32{1, 9, 2, 4}, []float32{4},
		one("AvgPool", object{"padding": text("VALID"), "strides": ints(1, 2, 2, 1), "ksize": ints(1, 2, 2, 1)}))
	f("resize, centres at half", []int64{1, 1, 2, 1}, []int64{1, 1, 4, 1}, []float32{0, 4}, []float32{0, 1, 3, 4}, func(g *graph) {
		g.ints("s", []int{2}, 1, 4)
		g.node("y", "ResizeBilinear", object{"half_pixel_centers": object{"b": true}}, "x", "s")
	})
	f("resize, nearest", []int64{1, 1, 2, 1}, []int64{1, 1, 4, 1}, []float32{0, 4}, []float32{0, 0, 4, 4}, func(g *graph) {
		g.ints("s", []int{2}, 1, 4)
		g.node("y", "ResizeNearestNeighbor", object{}, "x", "s")
	})
	f("pad with a value", []int64{2}, []int64{4}, []float32{1, 2}, []float32{7, 1, 2, 7}, func(g *graph) {
		g.ints("p", []int{1, 2}, 1, 1)
		g.floats("v", []int{}, 7)
		g.node("y", "PadV2", object{}, "x", "p", "v")
	})
	f("shrunk slice from behind", []int64{2, 3}, []int64{2}, []float32{1, 2, 3, 4, 5, 6}, []float32{3, 6}, func(g *graph) {
		g.ints("a", []int{2}, 0, -1)
		g.ints("b", []int{2}, 0, 0)
		g.ints("c", []int{2}, 1, 1)
		g.node("y", "StridedSlice", object{"begin_mask": object{"i": 1}, "end_mask": object{"i": 1}, "shrink_axis_mask": object{"i": 2}}, "x", "a", "b", "c")
	})
	f("backwards", []int64{3}, []int64{3}, []float32{1, 2, 3}, []float32{3, 2, 1}, func(g *graph) {
		g.ints("a", []int{1}, 0)
		g.ints("c", []int{1}, -1)
		g.node("y", "StridedSlice", object{"begin_mask": object{"i": 1}, "end_mask": object{"i": 1}}, "x", "a", "a", "c")
	})
	f("split and join the other way round", []int64{1, 4}, []int64{1, 4}, []float32{1, 2, 3, 4}, []float32{2, 3, 4, 1}, func(g *graph) {
		g.ints("n", []int{2}, 1, 3)
		g.ints("a", []int{}, 1)
		g.node("s", "SplitV", object{"num_split": object{"i": "2"}}, "x", "n", "a")
		g.node("y", "ConcatV2", object{}, "s:1", "s", "a")
	})
	f("unpack and pack", []int64{2, 1}, []int64{1, 2}, []float32{1, 2}, []float32{2, 1}, func(g *graph) {
		g.node("u", "Unpack", object{"num": object{"i": 2}, "axis": object{"i": 0}}, "x")
		g.node("y", "Pack", object{"axis": object{"i": 1}}, "u:1", "u")
	})
	f("mean", []int64{2, 2}, []int64{2}, []float32{1, 3, 5, 9}, []float32{2, 7}, func(g *graph) {
		g.ints("a", []int{1}, 1)
		g.node("y", "Mean", object{}, "x", "a")
	})
	f("floor mod has the sign of the divisor", []int64{2}, []int64{2}, []float32{-1, 5}, []float32{2, 2}, func(g *graph) {
		g.floats("m", []int{}, 3)
		g.node("y", "FloorMod", object{"T": object{"type": "DT_FLOAT"}}, "x", "m")
	})
	f("best two", []int64{1, 3}, []int64{1, 2}, []float32{5, 9, 7}, []float32{9, 7}, func(g *graph) {
		g.ints("k", []int{}, 2)
		g.node("y", "TopKV2", object{}, "x", "k")
	})
	f("gather", []int64{3}, []int64{2}, []float32{5, 9, 7}, []float32{7, 5}, func(g *graph) {
		g.ints("i", []int{2}, 2, 0)
		g.ints("a", []int{}, 0)
		g.node("y", "GatherV2", object{}, "x", "i", "a")
	})
	f("sum of many", []int64{1}, []int64{1}, []float32{5}, []float32{15}, func(g *graph) { g.node("y", "AddN", object{}, "x", "x", "x") })
	f("leaky", []int64{2}, []int64{2}, []float32{-10, 10}, []float32{-1, 10}, one("LeakyRelu", object{"alpha": object{"f": 0.1}}))
	f("squared difference", []int64{1}, []int64{1}, []float32{5}, []float32{9}, func(g *graph) {
		g.floats("m", []int{}, 2)
		g.node("y", "SquaredDifference", object{}, "x", "m")
	})
}
