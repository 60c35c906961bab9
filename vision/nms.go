package vision

import (
	"cmp"
	"slices"
)

// IoU is the intersection over union of two boxes (x, y, width, height), 0–1.
func IoU(a, b [4]float32) float32 {
	w := min(a[0]+a[2], b[0]+b[2]) - max(a[0], b[0])
	h := min(a[1]+a[3], b[1]+b[3]) - max(a[1], b[1])
	if w <= 0 || h <= 0 {
		return 0
	}
	inter := w * h
	return inter / (a[2]*a[3] + b[2]*b[3] - inter)
}

// NMS sorts detections by falling confidence and drops, in place, each that
// overlaps a kept one by more than overlap, whatever their classes. It returns
// what is kept.
func NMS(d []Detection, overlap float32) []Detection {
	slices.SortFunc(d, func(a, b Detection) int {
		if c := cmp.Compare(b.Conf, a.Conf); c != 0 {
			return c
		}
		// Ties by place, so that the result never depends on the input's order.
		for i := range a.Box {
			if c := cmp.Compare(a.Box[i], b.Box[i]); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.Class, b.Class)
	})
	kept := d[:0]
next:
	for _, x := range d {
		for i := range kept {
			if IoU(kept[i].Box, x.Box) > overlap {
				continue next
			}
		}
		kept = append(kept, x)
	}
	return kept
}
