//go:build gocv

package main

import (
	"context"

	"magpie/vision"
	"magpie/vision/opencv"
)

// openCamera opens a file, camera or pipeline through OpenCV.
func openCamera(ctx context.Context, cfg opencv.Config) (vision.Source, error) {
	return opencv.Open(ctx, cfg)
}
