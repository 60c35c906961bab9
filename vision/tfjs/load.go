// Package tfjs turns a TensorFlow.js graph model (model.json and its weight
// shards) into ONNX (opset 13). It folds the constants that ONNX wants as
// attributes, moves convolutions from NHWC to NCHW and widens half floats.
// The same input gives the same bytes.
package tfjs

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Graph is a TensorFlow.js graph model held in memory with its weights.
type Graph struct {
	file    string
	nodes   []node
	consts  map[string]*tensor
	outputs []string
	shapes  map[string][]int // of signature outputs
}

// tensor is a constant: either floats or integers, row major.
type tensor struct {
	shape []int
	f     []float32 // nil for an integer tensor
	i     []int64
}

type node struct {
	Name  string          `json:"name"`
	Op    string          `json:"op"`
	Input []string        `json:"input"`
	Attr  map[string]attr `json:"attr"`
}

type attr struct {
	S     *string  `json:"s"` // base64
	I     *number  `json:"i"`
	F     *float64 `json:"f"`
	B     *bool    `json:"b"`
	Type  any      `json:"type"`
	Shape *dims    `json:"shape"`
	List  *struct {
		I []number `json:"i"`
		S []string `json:"s"`
	} `json:"list"`
}

type dims struct {
	Dim []struct {
		Size number `json:"size"`
	} `json:"dim"`
}

func (d *dims) ints() []int {
	if d == nil {
		return nil
	}
	out := make([]int, len(d.Dim))
	for i, x := range d.Dim {
		out[i] = int(x.Size)
	}
	return out
}

// number is an integer that protobuf's JSON may quote.
type number int64

// UnmarshalJSON accepts 3 and "3".
func (n *number) UnmarshalJSON(b []byte) error {
	s := string(b)
	if len(s) >= 2 && s[0] == '"' {
		s = s[1 : len(s)-1]
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return fmt.Errorf("%s is not an integer", b)
	}
	*n = number(v)
	return nil
}

type modelFile struct {
	Format    string `json:"format"`
	Signature struct {
		Outputs map[string]struct {
			Name        string `json:"name"`
			TensorShape *dims  `json:"tensorShape"`
		} `json:"outputs"`
	} `json:"signature"`
	ModelTopology struct {
		Node []node `json:"node"`
	} `json:"modelTopology"`
	WeightsManifest []struct {
		Paths   []string `json:"paths"`
		Weights []weight `json:"weights"`
	} `json:"weightsManifest"`
}

type weight struct {
	Name         string `json:"name"`
	Shape        []int  `json:"shape"`
	Dtype        string `json:"dtype"`
	Quantization *struct {
		Dtype string  `json:"dtype"`
		Scale float64 `json:"scale"`
		Min   float64 `json:"min"`
	} `json:"quantization"`
}

// Load reads the model.json at path and the weight shards that it names,
// which must lie in or below the same folder.
func Load(path string) (*Graph, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, raw, func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(filepath.Dir(path), name))
	})
}

func parse(file string, raw []byte, read func(name string) ([]byte, error)) (*Graph, error) {
	var m modelFile
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%s: %s: is this a TensorFlow.js model.json?", place(file, raw, err), err)
	}
	if len(m.ModelTopology.Node) == 0 {
		return nil, fmt.Errorf("%s: no modelTopology.node: only graph models can be converted, not layers models", file)
	}
	g := &Graph{file: file, nodes: m.ModelTopology.Node, consts: map[string]*tensor{}, shapes: map[string][]int{}}
	for k, group := range m.WeightsManifest {
		var data []byte
		for _, p := range group.Paths {
			if !filepath.IsLocal(p) {
				return nil, fmt.Errorf("%s: weightsManifest[%d]: path %q leaves the model's folder", file, k, p)
			}
			b, err := read(p)
			if err != nil {
				return nil, fmt.Errorf("%s: weightsManifest[%d]: %w", file, k, err)
			}
			data = append(data, b...)
		}
		for _, w := range group.Weights {
			t, n, err := w.decode(data)
			if err != nil {
				return nil, fmt.Errorf("%s: weight %q: %w", file, w.Name, err)
			}
			g.consts[w.Name], data = t, data[n:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("%s: weightsManifest[%d]: %d bytes are left over: the shards do not belong to this model", file, k, len(data))
		}
	}
	for _, o := range m.Signature.Outputs {
		name := clean(o.Name)
		g.outputs = append(g.outputs, name)
		if o.TensorShape != nil {
			g.shapes[name] = o.TensorShape.ints()
		}
	}
	// Shorter first, so that Identity_2 comes before Identity_10.
	slices.SortFunc(g.outputs, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		if a < b {
			return -1
		}
		return 1
	})
	return g, nil
}

// place names line and column of a JSON error where it has an offset.
func place(file string, raw []byte, err error) string {
	var off int64 = -1
	var syn *json.SyntaxError
	var typ *json.UnmarshalTypeError
	if errors.As(err, &syn) {
		off = syn.Offset
	} else if errors.As(err, &typ) {
		off = typ.Offset
	}
	if off < 0 || off > int64(len(raw)) {
		return file
	}
	line, col := 1, 1
	for _, b := range raw[:off] {
		if col++; b == '\n' {
			line, col = line+1, 1
		}
	}
	return fmt.Sprintf("%s:%d:%d", file, line, col)
}

// decode reads the tensor at the head of data and says how many bytes it took.
func (w weight) decode(data []byte) (*tensor, int, error) {
	n, err := size(w.Shape, len(data))
	if err != nil {
		return nil, 0, err
	}
	stored := w.Dtype
	if w.Quantization != nil {
		stored = w.Quantization.Dtype
	}
	width := map[string]int{"float32": 4, "float16": 2, "int32": 4, "uint16": 2, "uint8": 1, "bool": 1}[stored]
	if width == 0 || w.Dtype == "string" {
		return nil, 0, fmt.Errorf("type %q stored as %q is not supported", w.Dtype, stored)
	}
	if n*width > len(data) {
		return nil, 0, fmt.Errorf("needs %d bytes, %d are left: a shard is missing or cut", n*width, len(data))
	}
	t := &tensor{shape: slices.Clone(w.Shape)}
	isFloat := w.Dtype == "float32"
	if isFloat {
		t.f = make([]float32, n)
	} else {
		t.i = make([]int64, n)
	}
	for k := range n {
		b := data[k*width:]
		var v float64
		switch stored {
		case "float32":
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		case "float16":
			v = float64(half(binary.LittleEndian.Uint16(b)))
		case "int32":
			v = float64(int32(binary.LittleEndian.Uint32(b)))
		case "uint16":
			v = float64(binary.LittleEndian.Uint16(b))
		case "uint8", "bool":
			v = float64(b[0])
		}
		if q := w.Quantization; q != nil && stored != "float16" {
			v = float64(v*q.Scale) + q.Min
		}
		if isFloat {
			t.f[k] = float32(v)
		} else {
			t.i[k] = int64(v)
		}
	}
	return t, n * width, nil
}

// size multiplies a shape, refusing what cannot fit in limit elements.
func size(shape []int, limit int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 || (d > 0 && n > limit/d) {
			return 0, fmt.Errorf("shape %v needs more than the %d bytes there are: a shard is missing or cut", shape, limit)
		}
		n *= d
	}
	return n, nil
}

// half widens an IEEE 754 binary16.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exp {
	case 0:
		v := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

func (a attr) text() string {
	if a.S == nil {
		return ""
	}
	b, err := base64.StdEncoding.DecodeString(*a.S)
	if err != nil {
		return *a.S
	}
	return string(b)
}

func (a attr) ints() []int {
	if a.List == nil {
		return nil
	}
	out := make([]int, len(a.List.I))
	for i, v := range a.List.I {
		out[i] = int(v)
	}
	return out
}

func (a attr) texts() []string {
	if a.List == nil {
		return nil
	}
	out := make([]string, len(a.List.S))
	for i := range a.List.S {
		out[i] = attr{S: &a.List.S[i]}.text()
	}
	return out
}

func (a attr) num() int {
	if a.I == nil {
		return 0
	}
	return int(*a.I)
}

func (a attr) flag() bool { return a.B != nil && *a.B }
