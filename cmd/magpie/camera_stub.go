//go:build !gocv

package main

import (
	"context"
	"errors"

	"magpie/vision"
	"magpie/vision/opencv"
)

// openCamera says that this build has no OpenCV.
func openCamera(context.Context, opencv.Config) (vision.Source, error) {
	return nil, errors.New("built without OpenCV: cameras need a build with -tags gocv,onnx (make build)")
}
