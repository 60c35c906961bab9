package tfjs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tiny is a 1×1 convolution with a half-float kernel, a leaky ReLU and a
// reshape whose target is computed, as NanoDet's is.
const tiny = `{"format":"graph-model",
"signature":{"outputs":{"b":{"name":"out:0","tensorShape":{"dim":[{"size":"1"},{"size":"8"}]}}}},
"modelTopology":{"node":[
 {"name":"x","op":"Placeholder","attr":{"dtype":{"type":"DT_FLOAT"},"shape":{"shape":{"dim":[{"size":"1"},{"size":"2"},{"size":"2"},{"size":"1"}]}}}},
 {"name":"w","op":"Const"},{"name":"zero","op":"Const"},{"name":"want","op":"Const"},
 {"name":"conv","op":"Conv2D","input":["x","w"],"attr":{"padding":{"s":"VkFMSUQ="},"strides":{"list":{"i":["1","1","1","1"]}}}},
 {"name":"leaky","op":"LeakyRelu","input":["conv"],"attr":{"alpha":{"f":0.5}}},
 {"name":"shape","op":"AddV2","input":["zero","want"]},
 {"name":"out","op":"Reshape","input":["leaky","shape"]}]},
"weightsManifest":[{"paths":["w.bin"],"weights":[
 {"name":"w","shape":[1,1,1,2],"dtype":"float32","quantization":{"dtype":"float16"}},
 {"name":"zero","shape":[],"dtype":"int32"},
 {"name":"want","shape":[2],"dtype":"int32"}]}]}`

func tinyWeights() []byte {
	b := []byte{0x00, 0x3c, 0x00, 0xc0} // 1, −2
	for _, v := range []int32{0, 1, 8} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}

func parseTiny(model string, weights []byte) (*Graph, error) {
	return parse("model.json", []byte(model), func(name string) ([]byte, error) {
		if name != "w.bin" {
			return nil, errors.New(name + " is missing")
		}
		return weights, nil
	})
}

func TestConvertIsDescribedAndDeterministic(t *testing.T) {
	var first []byte
	for range 5 {
		g, err := parseTiny(tiny, tinyWeights())
		if err != nil {
			t.Fatal(err)
		}
		b, err := g.ONNX()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if !bytes.Equal(first, b) {
			t.Fatal("the same model gave different bytes")
		}
	}
	info, err := Describe(first)
	if err != nil {
		t.Fatal(err)
	}
	if info.Opset != 13 || info.Nodes != 5 { // two transposes, Conv, LeakyRelu, Reshape
		t.Errorf("opset %d, nodes %d", info.Opset, info.Nodes)
	}
	want := []Value{{"x", onnxFloat, []int{1, 2, 2, 1}}}
	if d := cmp.Diff(want, info.Inputs); d != "" {
		t.Error(d)
	}
	want = []Value{{"out", onnxFloat, []int{1, 8}}}
	if d := cmp.Diff(want, info.Outputs); d != "" {
		t.Error(d)
	}
}

func TestKernelLayout(t *testing.T) {
	w := &tensor{shape: []int{1, 2, 2, 3}, f: make([]float32, 12)}
	for i := range w.f {
		w.f[i] = float32(i)
	}
	// [y,x,in,out] = 6x+3in+out
	got := nchwKernel(w, false)
	if d := cmp.Diff([]float32{0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11}, got.f); d != "" {
		t.Error("full:", d)
	}
	got = nchwKernel(w, true)
	if d := cmp.Diff([]float32{0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11}, got.f); d != "" {
		t.Error("depthwise:", d)
	}
	if d := cmp.Diff([]int{6, 1, 1, 2}, got.shape); d != "" {
		t.Error(d)
	}
}

func TestErrorsSayWhatAndWhere(t *testing.T) {
	f := func(old, new string, weights []byte, want string) {
		t.Helper()
		if !strings.Contains(tiny, old) {
			t.Fatalf("%q is not in the model", old)
		}
		g, err := parseTiny(strings.Replace(tiny, old, new, 1), weights)
		if err == nil {
			_, err = g.ONNX()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s → %s: got %v, want %q", old, new, err, want)
		}
	}
	w := tinyWeights()
	f(`"LeakyRelu"`, `"Einsum"`, w, `model.json: node "leaky" (Einsum): this operation is not supported`)
	f(`"zero","want"`, `"zero"`, w, `node "shape" (AddV2): needs two inputs`)
	f(`["leaky","shape"]`, `["leaky","conv"]`, w, `node "out" (Reshape): input 1 must be a constant`)
	f(`"out:0"`, `"nothing"`, w, `output "nothing": no node makes it`)
	f(`VkFMSUQ=`, `V0VJUkQ=`, w, `padding "WEIRD" is not supported`)
	f(`"w.bin"`, `"../w.bin"`, w, `leaves the model's folder`)
	f(`"w.bin"`, `"v.bin"`, w, `weightsManifest[0]: v.bin is missing`)
	f(`[1,1,1,2]`, `[1,1,1,2000000]`, w, `weight "w": shape`)
	f(`[1,1,1,2]`, `[9223372036854775807,3]`, w, `weight "w": shape`)
	f(`"want","shape":[2]`, `"want","shape":[1]`, w, `4 bytes are left over`)
	f(`"float16"`, `"int4"`, w, `stored as "int4" is not supported`)
	f(`"node":[`, `"node":[[`, w, `model.json:9:59: invalid character`)
	f(`"node"`, `"nodes"`, w, `only graph models`)
	f(`"i":["1",`, `"i":["x",`, w, `"x" is not an integer`)
}

// Outputs come in the order of their numbers, as a signature's names do not.
func TestOutputOrder(t *testing.T) {
	model := `{"signature":{"outputs":{"a":{"name":"y_10:0"},"b":{"name":"y:0"},"c":{"name":"y_2:0"}}},
"modelTopology":{"node":[{"name":"x","op":"Placeholder","attr":{"dtype":{"type":1}}},
 {"name":"y","op":"Relu","input":["x"]},{"name":"y_2","op":"Exp","input":["x"]},{"name":"y_10","op":"Abs","input":["x"]}]}}`
	g, err := parseTiny(model, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := g.ONNX()
	if err != nil {
		t.Fatal(err)
	}
	info, err := Describe(b)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range info.Outputs {
		names = append(names, o.Name)
	}
	if d := cmp.Diff([]string{"y", "y_2", "y_10"}, names); d != "" {
		t.Error(d)
	}
}

func TestHalf(t *testing.T) {
	f := func(h uint16, want float64) {
		t.Helper()
		if got := float64(half(h)); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%#04x: %g, want %g", h, got, want)
		}
	}
	f(0x3c00, 1)
	f(0xc000, -2)
	f(0x3555, 0.333251953125)
	f(0x0001, math.Ldexp(1, -24))
	f(0x83ff, -math.Ldexp(1023, -24))
	f(0x7c00, math.Inf(1))
	f(0x7e00, math.NaN())
	f(0x8000, 0)
}

func TestLoadFromDisk(t *testing.T) {
	dir := t.TempDir()
	for name, b := range map[string][]byte{"model.json": []byte(tiny), "w.bin": tinyWeights()} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g, err := Load(filepath.Join(dir, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.ONNX("leaky", "conv"); err != nil {
		t.Fatal(err)
	}
}

func FuzzConvert(f *testing.F) {
	f.Add([]byte(tiny), tinyWeights())
	f.Add([]byte(strings.Replace(tiny, "Conv2D", "StridedSlice", 1)), tinyWeights())
	f.Add([]byte(strings.Replace(tiny, "Conv2D", "PadV2", 1)), tinyWeights())
	f.Fuzz(func(t *testing.T, model, weights []byte) {
		g, err := parseTiny(string(model), weights)
		if err != nil {
			return
		}
		b, err := g.ONNX()
		if err != nil {
			return
		}
		if _, err := Describe(b); err != nil && len(g.nodes) > len(g.consts) {
			t.Log(err) // a model of constants alone has no nodes
		}
	})
}

func FuzzDescribe(f *testing.F) {
	g, err := parseTiny(tiny, tinyWeights())
	if err != nil {
		f.Fatal(err)
	}
	b, err := g.ONNX()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = Describe(b) })
}
