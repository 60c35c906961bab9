package main

import (
	"math"
	"testing"
)

// TestRatioOf: the likelihood ratio of counts, by hand: (8.5/11)/(2.5/101).
func TestRatioOf(t *testing.T) {
	lr, low, high := ratioOf(8, 10, 2, 100)
	if math.Abs(lr-31.218) > 0.01 || low > 12 || low < 6 || high < 80 || high > 160 {
		t.Errorf("8 of 10 and 2 of 100: %.3f, %.1f to %.1f", lr, low, high)
	}
	if lr, low, high := ratioOf(0, 0, 0, 0); lr != 1 || low > 0.2 || high < 5 {
		t.Errorf("of nothing: %.3f, %.3f to %.3f; want 1 and wide", lr, low, high)
	}
}
