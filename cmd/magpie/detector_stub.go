//go:build !onnx || !cgo

package main

import (
	"errors"

	"magpie/vision"
	"magpie/vision/onnx"
)

// openDetector says that this build has no ONNX Runtime.
func openDetector(onnx.Config) (det vision.Detector, batch int, hash string, err error) {
	return nil, 0, "", errors.New("built without ONNX Runtime: the detector needs cgo and a build with -tags gocv,onnx (make build)")
}
