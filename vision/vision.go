// Package vision turns camera frames into tracks: frames from a [Source] go
// through a [Detector], its detections through a [Tracker], the feet of what is
// tracked through a [Floor] to metres, and a [Worker] publishes one `track`
// payload a frame. All of it is plain Go; what needs OpenCV, ONNX Runtime or
// another server sits in the packages below.
package vision

import (
	"context"
	"fmt"
)

// Frame is one picture: rows of W×3 bytes without padding, blue green red. Pix
// is only valid until the source's next Next; who keeps it longer copies it.
type Frame struct {
	Pix  []byte
	W, H int
	Time int64 // of capture, nanoseconds since 1970 UTC
}

// Check says what is wrong with the frame's geometry.
func (f Frame) Check() error {
	if f.W < 1 || f.H < 1 || f.W > 1<<15 || f.H > 1<<15 || len(f.Pix) != f.W*f.H*3 {
		return fmt.Errorf("frame of %d×%d has %d bytes, want packed BGR", f.W, f.H, len(f.Pix))
	}
	return nil
}

// Source is where frames come from.
type Source interface {
	// Next waits for the newest frame that was not delivered yet. It returns
	// io.EOF after the last frame of a source that ends, and an [*Outage] when
	// a live camera cannot be reached or went silent: the source goes on
	// trying, and so may the caller.
	Next(ctx context.Context) (Frame, error)
	Close() error
}

// Outage is a live camera that gives no frames for now.
type Outage struct {
	Reason string
	Err    error
}

// Error implements error.
func (o *Outage) Error() string {
	if o.Err != nil {
		return o.Reason + ": " + o.Err.Error()
	}
	return o.Reason
}

// Unwrap returns the cause.
func (o *Outage) Unwrap() error { return o.Err }

// Detector finds objects in a batch of frames, which may differ in size: one
// slice of detections a frame, in pixels of that frame, most confident first.
// The slices are valid until the next Detect. It is called by one goroutine at
// a time; [Share] lets several cameras use one.
type Detector interface {
	Detect(ctx context.Context, frames []Frame) ([][]Detection, error)
	Close() error
}

// Detection is one object in one frame.
type Detection struct {
	Class string
	Conf  float32    // 0–1
	Box   [4]float32 // x, y, width, height in pixels
}
