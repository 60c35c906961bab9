package vision

import "slices"

// COCO returns the 80 class names of the COCO detection task, in the order in
// which detectors trained on it number them.
func COCO() []string {
	return []string{
		"person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
		"fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
		"elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
		"skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
		"wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
		"broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed",
		"dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven",
		"toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
	}
}

// Person is the class of people.
const Person = "person"

// StoreClasses are the COCO classes that matter in a shop: people, what they
// carry things in, and goods that a detector of COCO can tell.
func StoreClasses() []string {
	return []string{
		Person, "backpack", "umbrella", "handbag", "suitcase", "bottle", "wine glass", "cup", "bowl",
		"banana", "apple", "orange", "sandwich", "cake", "laptop", "cell phone", "book", "scissors", "teddy bear",
	}
}

// wantedClasses marks which of names are among keep; an empty keep keeps all.
func wantedClasses(names, keep []string) []bool {
	want := make([]bool, len(names))
	for i, n := range names {
		want[i] = len(keep) == 0 || slices.Contains(keep, n)
	}
	return want
}
