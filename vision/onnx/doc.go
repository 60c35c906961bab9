// Package onnx is a [vision.Detector] over ONNX Runtime, for models with a
// NanoDet or YOLOv8 head. It is built with the tag `onnx` and needs cgo; ONNX
// Runtime itself is a shared library that is loaded when a detector is opened.
package onnx

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// Config says which model runs where.
type Config struct {
	Model     string   // path of the .onnx file
	Library   string   // path of libonnxruntime
	Providers []string // tensorrt, cuda, cpu: the first that works wins; empty: cpu
	Require   string   // a provider without which Open fails; empty: any
	Threads   int      // of the CPU within one operation; 0 is 1, which serves several cameras best
	Conf      float32  // least confidence reported; 0 is 0.1, from which the tracker has use for it
	Classes   []string // reported; empty: vision.StoreClasses
	MaxBatch  int      // frames in one run of a model whose batch is free; 0 is 8
	Log       *slog.Logger
}

// Names of the execution providers, best first.
const (
	TensorRT = "tensorrt"
	CUDA     = "cuda"
	CPU      = "cpu"
)

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	known := []string{TensorRT, CUDA, CPU}
	for _, p := range append(slices.Clone(c.Providers), c.Require) {
		if p != "" && !slices.Contains(known, p) {
			return fmt.Errorf("detector: unknown provider %q: choose from %s", p, strings.Join(known, ", "))
		}
	}
	switch {
	case c.Model == "":
		return fmt.Errorf("detector: no model file given")
	case c.Library == "":
		return fmt.Errorf("detector: no ONNX Runtime library given")
	case c.Require != "" && !slices.Contains(c.Providers, c.Require):
		return fmt.Errorf("detector: provider %q is required but not among those to try (%s)", c.Require, strings.Join(c.Providers, ", "))
	case c.Conf < 0 || c.Conf >= 1:
		return fmt.Errorf("detector: conf is %g, must be from 0 to below 1", c.Conf)
	case c.Threads < 0 || c.Threads > 256:
		return fmt.Errorf("detector: %d threads", c.Threads)
	case c.MaxBatch < 0 || c.MaxBatch > 256:
		return fmt.Errorf("detector: batch of %d", c.MaxBatch)
	case c.Log == nil:
		return fmt.Errorf("detector: no logger given")
	}
	return nil
}
