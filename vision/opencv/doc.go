// Package opencv is a [vision.Source] over OpenCV: a file, a camera's RTSP (or
// other) URL, a device, or a GStreamer pipeline. It is built with the tag
// `gocv`. Of a live camera the newest frame wins: what a slow reader had no time
// for is dropped and counted. A camera that dies is opened again, with
// exponential back-off and jitter, for as long as it takes.
package opencv

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Config says what to open and how to play it.
type Config struct {
	URL    string           // file, rtsp://…, /dev/video…, or a GStreamer pipeline (with " ! ")
	Fast   bool             // a file: as fast as it is read, no frame dropped; else at its own rate, as a camera
	Loop   bool             // a file: begin again at its end
	Start  time.Time        // a file: time of its first frame; zero is the time of opening
	Silent time.Duration    // a camera without a frame for so long is reported as away; 0 is 3 s
	Retry  time.Duration    // wait before the first new attempt; 0 is 500 ms; doubles up to 30 s
	Now    func() time.Time // the clock that stamps live frames
	Log    *slog.Logger
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	switch {
	case c.URL == "":
		return errors.New("camera: no file, URL or pipeline given")
	case c.Now == nil || c.Log == nil:
		return errors.New("camera: clock and logger must be given")
	case c.Silent < 0 || c.Retry < 0:
		return errors.New("camera: a duration is negative")
	case c.Kind() != File && (c.Fast || c.Loop):
		return fmt.Errorf("camera: %s is live: fast and loop are for files", c.URL)
	}
	return nil
}

// Kind is what a URL leads to.
type Kind int

// Kinds of source.
const (
	File     Kind = iota // ends, has its own rate
	Camera               // a URL or a device
	Pipeline             // GStreamer
)

// Kind tells files, cameras and pipelines apart.
func (c Config) Kind() Kind {
	switch {
	case strings.Contains(c.URL, " ! "):
		return Pipeline
	case strings.HasPrefix(c.URL, "file://"):
		return File
	case strings.Contains(c.URL, "://"), strings.HasPrefix(c.URL, "/dev/video"):
		return Camera
	}
	return File
}

// Stats counts what a source did since it was opened.
type Stats struct {
	Frames   uint64        // decoded
	Dropped  uint64        // of these, never taken
	Decode   time.Duration // spent decoding, waiting for the camera included
	Attempts uint64        // to open it
}
