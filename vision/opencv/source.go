//go:build gocv

package opencv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"gocv.io/x/gocv"

	"magpie/vision"
)

// Source plays a file or follows a camera.
type Source struct {
	cfg      Config
	kind     Kind
	latest   *latest
	cancel   context.CancelFunc
	done     chan struct{}
	file     *film // a file played fast is read by Next itself
	decode   atomic.Int64
	attempts atomic.Uint64
}

const (
	defaultSilent = 3 * time.Second
	defaultRetry  = 500 * time.Millisecond
	longestRetry  = 30 * time.Second
	// FFmpeg's socket timeout, in microseconds, is shorter than defaultSilent:
	// a read of a dead camera that returns late would hold up the next attempt.
	rtspOptions = "rtsp_transport;tcp|timeout;2000000"
	// A read as long as that timeout met it, even if it gives a frame: FFmpeg's
	// decoder then hands out the old ones that its threads still held, one a
	// timeout, and would hide the silence for as many times two seconds.
	stalled = 1900 * time.Millisecond
)

// Open starts to follow the source. A file that cannot be opened is an error
// here; a camera that cannot is an outage of Next, since it may come.
func Open(ctx context.Context, cfg Config) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Silent == 0 {
		cfg.Silent = defaultSilent
	}
	if cfg.Retry == 0 {
		cfg.Retry = defaultRetry
	}
	s := &Source{cfg: cfg, kind: cfg.Kind(), latest: newLatest(), done: make(chan struct{})}
	ctx, s.cancel = context.WithCancel(ctx)
	if s.kind == File {
		f, err := openFilm(cfg)
		if err != nil {
			s.cancel()
			return nil, err
		}
		s.attempts.Add(1)
		if cfg.Fast {
			s.file = f
			close(s.done)
			return s, nil
		}
		go s.play(ctx, f)
		return s, nil
	}
	// OpenCV reads this from the environment when it opens a capture; without it
	// a silent RTSP camera blocks for 30 s.
	if os.Getenv("OPENCV_FFMPEG_CAPTURE_OPTIONS") == "" {
		if err := os.Setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", rtspOptions); err != nil {
			s.cancel()
			return nil, err
		}
	}
	go s.follow(ctx)
	return s, nil
}

// Next implements [vision.Source].
func (s *Source) Next(ctx context.Context) (vision.Frame, error) {
	if s.file != nil {
		if err := ctx.Err(); err != nil {
			return vision.Frame{}, err
		}
		began := time.Now()
		f, err := s.file.next()
		s.decode.Add(int64(time.Since(began)))
		if err == nil {
			s.latest.mu.Lock()
			s.latest.frames++
			s.latest.mu.Unlock()
		}
		return f, err
	}
	silent := s.cfg.Silent
	if s.kind == File {
		silent = 0
	}
	return s.latest.take(ctx, silent)
}

// Stats may be called at any time.
func (s *Source) Stats() Stats {
	n, dropped := s.latest.counts()
	return Stats{Frames: n, Dropped: dropped, Decode: time.Duration(s.decode.Load()), Attempts: s.attempts.Load()}
}

// Close ends the source. A camera that hangs inside OpenCV cannot be
// interrupted: Close then returns an error after a few seconds, and the memory
// is freed when the hanging call returns.
func (s *Source) Close() error {
	s.cancel()
	s.latest.finish(vision.ErrClosed)
	t := time.NewTimer(5 * time.Second)
	defer t.Stop()
	select {
	case <-s.done:
	case <-t.C:
		return fmt.Errorf("camera %s: still waits for the camera; it is closed when that ends", redact(s.cfg.URL))
	}
	if s.file != nil {
		return s.file.close()
	}
	return nil
}

// play paces a file as a camera would.
func (s *Source) play(ctx context.Context, f *film) {
	defer close(s.done)
	defer func() { _ = f.close() }()
	began := time.Now()
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		from := time.Now()
		frame, err := f.next()
		s.decode.Add(int64(time.Since(from)))
		if err != nil {
			s.latest.finish(err)
			return
		}
		t.Reset(time.Duration(frame.Time-f.start) - time.Since(began))
		select {
		case <-ctx.Done():
			s.latest.finish(ctx.Err())
			return
		case <-t.C:
		}
		s.latest.put(frame)
	}
}

// follow opens a live source, again and again.
func (s *Source) follow(ctx context.Context) {
	defer close(s.done)
	wait := backoff{first: s.cfg.Retry, most: longestRetry}
	t := time.NewTimer(0)
	defer t.Stop()
	for ctx.Err() == nil {
		s.attempts.Add(1)
		before, _ := s.latest.counts()
		err := s.watch(ctx)
		if n, _ := s.latest.counts(); n > before {
			wait.reset()
		}
		if ctx.Err() != nil {
			break
		}
		d := wait.wait()
		s.cfg.Log.Warn("camera is away", "component", "vision", "camera", redact(s.cfg.URL), "error", err, "again_in", d.Round(time.Millisecond))
		s.latest.away(err)
		t.Reset(d)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	s.latest.finish(ctx.Err())
}

// watch delivers frames until the camera fails.
func (s *Source) watch(ctx context.Context) *vision.Outage {
	api := gocv.VideoCaptureFFmpeg
	switch {
	case s.kind == Pipeline:
		api = gocv.VideoCaptureGstreamer
	case strings.HasPrefix(s.cfg.URL, "/dev/"):
		api = 0 // OpenCV knows devices best
	}
	v, err := gocv.VideoCaptureFileWithAPI(s.cfg.URL, api)
	if err != nil {
		return &vision.Outage{Reason: "camera cannot be opened", Err: errors.New(strings.ReplaceAll(err.Error(), s.cfg.URL, redact(s.cfg.URL)))}
	}
	defer v.Close()
	m := gocv.NewMat()
	defer m.Close()
	for first := true; ctx.Err() == nil; first = false {
		began := time.Now()
		ok := v.Read(&m)
		took := time.Since(began)
		s.decode.Add(int64(took))
		switch {
		case !ok || m.Empty():
			return &vision.Outage{Reason: "camera gives no more frames"}
		case s.kind == Camera && took > stalled && !first:
			return &vision.Outage{Reason: "camera is silent"}
		}
		f, err := frameOf(&m, s.cfg.Now().UnixNano())
		if err != nil {
			return &vision.Outage{Reason: "camera gives frames of no use", Err: err}
		}
		s.latest.put(f)
	}
	return &vision.Outage{Reason: "stopped"}
}

// frameOf lends a Mat's bytes.
func frameOf(m *gocv.Mat, ns int64) (vision.Frame, error) {
	if m.Type() != gocv.MatTypeCV8UC3 {
		return vision.Frame{}, fmt.Errorf("frames are of type %v, want three channels of 8 bits: end a pipeline with videoconvert ! video/x-raw,format=BGR ! appsink", m.Type())
	}
	pix, err := m.DataPtrUint8()
	if err != nil {
		return vision.Frame{}, err
	}
	f := vision.Frame{Pix: pix, W: m.Cols(), H: m.Rows(), Time: ns}
	return f, f.Check()
}

// redact takes the password out of a URL.
func redact(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.User != nil {
		return u.Redacted()
	}
	return raw
}

// film reads a file frame by frame.
type film struct {
	path  string
	loop  bool
	v     *gocv.VideoCapture
	m     gocv.Mat
	fps   float64
	start int64
	count int64 // frames since the start
	round int64 // frames since the file was opened
}

func openFilm(cfg Config) (*film, error) {
	f := &film{path: strings.TrimPrefix(cfg.URL, "file://"), loop: cfg.Loop, start: cfg.Start.UnixNano()}
	if cfg.Start.IsZero() {
		f.start = cfg.Now().UnixNano()
	}
	if _, err := os.Stat(f.path); err != nil {
		return nil, fmt.Errorf("camera: %w", err)
	}
	if err := f.open(); err != nil {
		return nil, err
	}
	f.m = gocv.NewMat()
	return f, nil
}

func (f *film) open() error {
	v, err := gocv.VideoCaptureFileWithAPI(f.path, gocv.VideoCaptureFFmpeg)
	if err != nil {
		return fmt.Errorf("camera: %s is no film that OpenCV can play: %w", f.path, err)
	}
	f.v, f.round = v, 0
	if f.fps = v.Get(gocv.VideoCaptureFPS); !(f.fps >= 0.1 && f.fps <= 1000) {
		f.fps = 25 // the file does not say
	}
	return nil
}

func (f *film) next() (vision.Frame, error) {
	for !f.v.Read(&f.m) || f.m.Empty() {
		switch {
		case f.round == 0:
			return vision.Frame{}, fmt.Errorf("camera: %s has no frames that OpenCV can decode", f.path)
		case !f.loop:
			return vision.Frame{}, io.EOF
		}
		if err := f.v.Close(); err != nil {
			return vision.Frame{}, err
		}
		if err := f.open(); err != nil {
			return vision.Frame{}, err
		}
	}
	frame, err := frameOf(&f.m, f.start+int64(float64(f.count)/f.fps*1e9))
	f.count, f.round = f.count+1, f.round+1
	return frame, err
}

func (f *film) close() error { return errors.Join(f.v.Close(), f.m.Close()) }
