//go:build onnx && cgo

package main

import (
	"magpie/vision"
	"magpie/vision/onnx"
)

// openDetector opens a model in ONNX Runtime; hash names the model file.
func openDetector(cfg onnx.Config) (det vision.Detector, batch int, hash string, err error) {
	d, err := onnx.Open(cfg)
	if err != nil {
		return nil, 0, "", err
	}
	return d, d.Batch(), d.ModelHash(), nil
}
