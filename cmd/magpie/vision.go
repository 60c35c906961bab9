package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"magpie/sensors/message"
	"magpie/site"
	"magpie/vision"
	"magpie/vision/onnx"
	"magpie/vision/opencv"
)

// visionSettings are what the process, and not the site, says about cameras:
// `magpie vision` and `magpie run` have the same flags for them.
type visionSettings struct {
	model, library, providers, require string
	threads                            int
	loop, fast                         bool
	start                              time.Time
	hash                               string // of the model, once it is open
}

func (v *visionSettings) flags(fs *flag.FlagSet) {
	cache := cmp.Or(os.Getenv("MAGPIE_CACHE"), ".cache")
	fs.StringVar(&v.model, "model", filepath.Join(cache, "models", "nanodet.onnx"), "detector, an ONNX `file` with a NanoDet or YOLOv8 head")
	fs.StringVar(&v.library, "ort", filepath.Join(cache, "onnxruntime", "libonnxruntime.so"), "ONNX Runtime's shared `library`")
	fs.StringVar(&v.providers, "providers", onnx.CPU, "where the detector runs, best first: tensorrt,cuda,cpu")
	fs.StringVar(&v.require, "require", "", "`provider` without which not to start")
	fs.IntVar(&v.threads, "threads", 1, "CPU threads of the detector")
	fs.BoolVar(&v.loop, "loop", false, "play files again and again")
	fs.BoolVar(&v.fast, "fast", false, "play files as fast as they can be followed, dropping no frame")
	fs.Func("start", "`time` (RFC 3339) of a file's first frame; default: now", func(s string) (err error) {
		v.start, err = time.Parse(time.RFC3339Nano, s)
		return err
	})
}

// detector opens the model for any number of cameras; hash names it.
func (v visionSettings) detector(log *slog.Logger) (det *vision.Shared, hash string, err error) {
	d, batch, hash, err := openDetector(onnx.Config{
		Model: v.model, Library: v.library, Providers: strings.Split(v.providers, ","), Require: v.require, Threads: v.threads, Log: log,
	})
	if err != nil {
		return nil, "", err
	}
	return vision.Share(d, batch), hash, nil
}

// cameraWorker follows one camera of a site from its source to its payloads.
type cameraWorker struct {
	id     string
	worker *vision.Worker
	source vision.Source
}

// camera says how to open a camera of a site.
func (v visionSettings) camera(s *site.Site, cam site.Camera, log *slog.Logger) opencv.Config {
	cfg := opencv.Config{URL: cam.URL, Now: time.Now, Log: log}
	if cfg.Kind() == opencv.File {
		cfg.Loop, cfg.Fast, cfg.Start = v.loop, v.fast, v.start
		if !strings.Contains(cam.URL, "://") && !filepath.IsAbs(cam.URL) {
			cfg.URL = filepath.Join(filepath.Dir(s.Path), cam.URL)
		}
	}
	return cfg
}

// newCameraWorker opens the camera. Boot must be new at each start of the
// process; the detector is left open.
func newCameraWorker(ctx context.Context, s *site.Site, cam site.Camera, v visionSettings, boot string,
	det vision.Detector, publish vision.Publish, hooks vision.WorkerHooks, log *slog.Logger) (*cameraWorker, error) {
	src, err := openCamera(ctx, v.camera(s, cam, log))
	if err != nil {
		return nil, fmt.Errorf("camera %s: %w", cam.ID, err)
	}
	w, err := vision.NewWorker(vision.WorkerConfig{
		Camera: cam.ID, Boot: boot, Frame: cam.Frame, Homography: cam.Homography, Masks: cam.Masks, Tracker: vision.DefaultTracker(), Model: v.hash,
	}, src, det, publish, hooks, log)
	if err != nil {
		return nil, errors.Join(err, src.Close())
	}
	return &cameraWorker{id: cam.ID, worker: w, source: src}, nil
}

// run follows the camera until ctx ends (no error) or its file does, and closes it.
func (c *cameraWorker) run(ctx context.Context) error {
	err := c.worker.Run(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	return errors.Join(err, c.source.Close())
}

// stats says what the source did; false when it keeps no count.
func (c *cameraWorker) stats() (opencv.Stats, bool) {
	s, ok := c.source.(interface{ Stats() opencv.Stats })
	if !ok {
		return opencv.Stats{}, false
	}
	return s.Stats(), true
}

// newBoot is a short string that is new at each start.
func newBoot(now time.Time) string { return strconv.FormatInt(now.UnixMilli(), 36) }

// runVision is the command `magpie vision`: cameras alone, published to a broker.
func runVision(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := flag.NewFlagSet("magpie vision", flag.ContinueOnError)
	fs.SetOutput(errw)
	var v visionSettings
	v.flags(fs)
	path := fs.String("site", "site.yaml", "site `file`")
	ids := fs.String("camera", "", "camera `ids`, comma separated; default: all of the site that have a url")
	source := fs.String("source", "", "`file`, URL or pipeline in place of the camera's url")
	broker := fs.String("broker", "", "`URL` of the MQTT broker; default: the site's")
	show := fs.Bool("print", false, "print the payloads of tracks in place of publishing them")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if *broker != "" {
		if err := site.CheckBroker(*broker); err != nil {
			return fmt.Errorf("--broker %w", err)
		}
	}
	s, err := site.Load(*path)
	if err != nil {
		return err
	}
	cams, err := chosenCameras(s, *ids, *source)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(errw, nil))
	det, hash, err := v.detector(log)
	if err != nil {
		return err
	}
	v.hash = hash
	defer func() {
		if err := det.Close(); err != nil {
			log.Error("closing the detector", "error", err)
		}
	}()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	boot := newBoot(time.Now())
	printer := &linePrinter{w: out}
	var wg sync.WaitGroup
	errs := make([]error, len(cams))
	for i, cam := range cams {
		publish, leave := printer.publish, func() error { return nil }
		if !*show {
			p, err := newTrackPublisher(s, cam.ID, *broker, log)
			if err != nil {
				stop()
				errs[i] = err
				break
			}
			publish, leave = func(kind string, b []byte) error { return p.publish(ctx, kind, b) }, p.close
		}
		w, err := newCameraWorker(ctx, s, cam, v, boot, det, publish, vision.WorkerHooks{}, log)
		if err != nil {
			stop()
			errs[i] = errors.Join(err, leave())
			break
		}
		wg.Go(func() {
			err := w.run(ctx)
			if err != nil {
				stop() // one that cannot go on ends all: a supervisor starts us again
			}
			errs[i] = errors.Join(err, leave())
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// chosenCameras are those that the flags name.
func chosenCameras(s *site.Site, ids, source string) ([]site.Camera, error) {
	var cams []site.Camera
	if ids == "" {
		for _, c := range s.Cameras {
			if c.URL != "" || source != "" {
				cams = append(cams, c)
			}
		}
		if len(cams) == 0 {
			return nil, fmt.Errorf("%s has no camera with a url: give it one, or name one with --camera and --source", s.Path)
		}
	}
	for id := range strings.SplitSeq(ids, ",") {
		if id == "" {
			continue
		}
		found := false
		for _, c := range s.Cameras {
			if c.ID == id {
				cams, found = append(cams, c), true
			}
		}
		if !found {
			return nil, fmt.Errorf("%s has no camera %q", s.Path, id)
		}
	}
	if source != "" {
		if len(cams) != 1 {
			return nil, fmt.Errorf("--source is for one camera: name it with --camera")
		}
		// A file named on the command line is relative to where we are, not to the site.
		cfg := opencv.Config{URL: source}
		if cfg.Kind() == opencv.File && !strings.Contains(source, "://") {
			abs, err := filepath.Abs(source)
			if err != nil {
				return nil, err
			}
			source = abs
		}
		cams[0].URL = source
	}
	for _, c := range cams {
		if c.URL == "" {
			return nil, fmt.Errorf("camera %s has no url in %s: give it one, or --source", c.ID, s.Path)
		}
	}
	return cams, nil
}

// linePrinter prints track payloads, one a line, from any goroutine.
type linePrinter struct {
	mu sync.Mutex
	w  io.Writer
}

func (p *linePrinter) publish(kind string, payload []byte) error {
	if kind != message.KindTrack {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.w.Write(append(payload, '\n'))
	return err
}
