package vision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// WorkerConfig says how one camera is followed.
type WorkerConfig struct {
	Camera     string             // source id, for the log
	Boot       string             // new at each start; begins every track id
	Frame      [2]int             // pixels that Homography and Masks are in; zero: those of the source
	Homography *fusion.Homography // image to floor, oriented; nil: tracks get no floor point
	Masks      [][]fusion.Point   // blacked out before anything sees the frame
	Tracker    TrackerConfig
	Model      string // hash of the detector's model, told with the status; may be empty
}

// WorkerHooks are called by a worker as it goes on; any may be nil.
type WorkerHooks struct {
	Frame func(FrameStats)
	Now   func() time.Time // measures FrameStats.Infer
}

// FrameStats is what one frame gave and cost.
type FrameStats struct {
	Time       int64 // of the frame
	Detections int
	Tracks     int
	Infer      time.Duration // zero without WorkerHooks.Now
}

// Publish takes a payload of contract section 1 of the given kind
// (message.KindTrack or message.KindStatus) to the broker or the journal. It
// may block, which makes a live camera skip frames. A payload is the callee's.
type Publish func(kind string, payload []byte) error

// Worker follows one camera: it publishes a `track` message for every frame, a
// `status` when the camera comes or goes. It has no clock: times are those of
// the frames, so that a file gives the same messages each time.
type Worker struct {
	cfg     WorkerConfig
	src     Source
	det     Detector
	publish Publish
	hooks   WorkerHooks
	log     *slog.Logger

	tracker *Tracker
	floor   *Floor
	mask    *Mask
	w, h    int
	seq     uint64
	last    int64
	state   string
	failing bool
}

// NewWorker makes a worker; Run starts it. The caller closes src and det.
func NewWorker(cfg WorkerConfig, src Source, det Detector, publish Publish, hooks WorkerHooks, log *slog.Logger) (*Worker, error) {
	if err := cfg.Tracker.Validate(); err != nil {
		return nil, fmt.Errorf("camera %s: %w", cfg.Camera, err)
	}
	if cfg.Boot == "" {
		return nil, fmt.Errorf("camera %s: boot is empty: give a string that is new at each start", cfg.Camera)
	}
	return &Worker{
		cfg: cfg, src: src, det: det, publish: publish, hooks: hooks,
		log:     log.With("component", "vision", "source", cfg.Camera),
		tracker: NewTracker(cfg.Tracker),
	}, nil
}

// Run follows the camera until its source ends (nil), ctx is done (its error)
// or the detector or source fails. A camera that is away or a payload that
// cannot be published ends nothing. The last messages end all tracks and say
// that the camera is offline.
func (w *Worker) Run(ctx context.Context) error {
	err := w.follow(ctx)
	w.endTracks()
	w.status("offline", "")
	return err
}

func (w *Worker) follow(ctx context.Context) error {
	frames := make([]Frame, 1)
	for {
		f, err := w.src.Next(ctx)
		var out *Outage
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &out):
			if w.state != "degraded" {
				w.log.Warn("camera is away", "error", err)
			}
			w.endTracks()
			w.status("degraded", out.Error())
			continue
		case err != nil:
			return fmt.Errorf("camera %s: %w", w.cfg.Camera, err)
		}
		if err := w.fit(f); err != nil {
			return fmt.Errorf("camera %s: %w", w.cfg.Camera, err)
		}
		if w.mask != nil {
			w.mask.Apply(f)
		}
		var began time.Time
		if w.hooks.Now != nil {
			began = w.hooks.Now()
		}
		frames[0] = f
		found, err := w.det.Detect(ctx, frames)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("camera %s: detector: %w", w.cfg.Camera, err)
		}
		stats := FrameStats{Time: f.Time, Detections: len(found[0])}
		if w.hooks.Now != nil {
			stats.Infer = w.hooks.Now().Sub(began)
		}
		live, lost := w.tracker.Update(f.Time, found[0])
		w.status("online", "")
		w.send(f.Time, live, lost)
		if stats.Tracks = len(live); w.hooks.Frame != nil {
			w.hooks.Frame(stats)
		}
	}
}

// fit prepares floor and masks for the frame's size.
func (w *Worker) fit(f Frame) error {
	if err := f.Check(); err != nil {
		return err
	}
	if f.W == w.w && f.H == w.h {
		return nil
	}
	if want := w.cfg.Frame; want[0] > 0 && (f.W != want[0] || f.H != want[1]) {
		w.log.Warn("frames have another size than the site file says; scaling floor and masks",
			"frame", [2]int{f.W, f.H}, "site", want)
	}
	w.w, w.h = f.W, f.H
	if w.cfg.Homography != nil {
		w.floor = NewFloor(*w.cfg.Homography, w.cfg.Frame, f.W, f.H)
	}
	if len(w.cfg.Masks) > 0 {
		w.mask = NewMask(w.cfg.Masks, w.cfg.Frame, f.W, f.H)
	}
	return nil
}

func (w *Worker) trackID(id uint64) string { return w.cfg.Boot + "-" + strconv.FormatUint(id, 10) }

func (w *Worker) send(ns int64, live []Track, lost []uint64) {
	seq := w.seq
	w.seq++
	w.last = ns
	// A microsecond is as fine as any camera's clock is.
	m := message.Track{Head: message.Head{TS: message.At(ns - ns%1000), Seq: &seq, Boot: w.cfg.Boot}, Frame: &[2]int{w.w, w.h}}
	for _, t := range live {
		o := message.Object{Track: w.trackID(t.ID), Class: t.Class, Conf: round(float64(t.Conf), 1e3)}
		for i, v := range t.Box {
			o.Box[i] = round(float64(v), 10)
		}
		if w.floor != nil {
			if at, sd, ok := w.floor.Point(t.Box); ok {
				o.Floor = &[2]float64{round(at[0], 1e3), round(at[1], 1e3)}
				o.SD = &[2]float64{max(0.001, round(sd[0], 1e3)), max(0.001, round(sd[1], 1e3))}
			}
		}
		m.Tracks = append(m.Tracks, o)
	}
	for _, id := range lost {
		m.Lost = append(m.Lost, w.trackID(id))
	}
	w.out(message.KindTrack, m)
}

func round(v, per float64) float64 { return math.Round(v*per) / per }

// endTracks says at the time of the last frame that every track is over.
func (w *Worker) endTracks() {
	if lost := w.tracker.End(); len(lost) > 0 {
		w.send(w.last, nil, lost)
	}
}

// status publishes a change of state.
func (w *Worker) status(state, detail string) {
	if state == w.state {
		return
	}
	if state == "online" && w.state != "" {
		w.log.Info("camera is back")
	}
	w.state = state
	w.out(message.KindStatus, message.Status{Head: message.Head{Boot: w.cfg.Boot}, State: state, Detail: detail, Model: w.cfg.Model})
}

func (w *Worker) out(kind string, m any) {
	b, err := message.Encode(m)
	if err == nil {
		err = w.publish(kind, b)
	}
	if err != nil && !w.failing {
		w.log.Error("cannot publish; going on", "kind", kind, "error", err)
	}
	w.failing = err != nil
}
