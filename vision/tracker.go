package vision

import (
	"fmt"
	"slices"
	"time"
)

// TrackerConfig holds the thresholds of the tracker; see [DefaultTracker].
type TrackerConfig struct {
	High, Low float32       // detections from High are matched first, those from Low may keep a track alive
	New       float32       // a detection from here on that matches nothing begins a track
	Match     float32       // least overlap (IoU) for a first-stage match
	MatchLow  float32       // … for a match with a weak detection
	MatchNew  float32       // … for the second sight of a new track
	Keep      time.Duration // how long a track lives unseen
	Confirm   int           // sights before a track is reported
}

// DefaultTracker returns thresholds for NanoDet, which sees real people at
// 0.4–0.8: New and High are below ByteTrack's 0.7 and 0.6 (Zhang and others,
// ECCV 2022). Keep is in time, not in frames; the overlaps are those that did
// best on MOTChallenge 2015.
func DefaultTracker() TrackerConfig {
	return TrackerConfig{
		High: 0.5, Low: 0.1, New: 0.55,
		Match: 0.2, MatchLow: 0.3, MatchNew: 0.1,
		Keep: 2 * time.Second, Confirm: 2,
	}
}

// Validate says which threshold makes no sense.
func (c TrackerConfig) Validate() error {
	for _, v := range []struct {
		name string
		v    float32
	}{{"high", c.High}, {"low", c.Low}, {"new", c.New}, {"match", c.Match}, {"match_low", c.MatchLow}, {"match_new", c.MatchNew}} {
		if !(v.v > 0 && v.v <= 1) {
			return fmt.Errorf("tracker: %s is %g, must be above 0 and at most 1", v.name, v.v)
		}
	}
	switch {
	case c.Low > c.High:
		return fmt.Errorf("tracker: low (%g) is above high (%g)", c.Low, c.High)
	case c.New < c.High:
		return fmt.Errorf("tracker: new (%g) is below high (%g)", c.New, c.High)
	case c.Keep <= 0 || c.Keep > time.Minute:
		return fmt.Errorf("tracker: keep is %v, must be above 0 and at most 1m", c.Keep)
	case c.Confirm < 1:
		return fmt.Errorf("tracker: confirm is %d, must be at least 1", c.Confirm)
	}
	return nil
}

// Track is an object that is followed, under a number that one tracker gives
// only once. Its box is the filter's, steadier than the detector's; class and
// confidence are those of its newest detection.
type Track struct {
	ID uint64
	Detection
}

// Tracker follows objects from frame to frame in the manner of ByteTrack:
// confident detections are matched to tracks by overlap with where a Kalman
// filter expects them, then weak ones to the tracks that are left, then
// confident ones to tracks seen only once. Matching is optimal, and only within
// a class. It takes the time from the frames and is for one goroutine.
type Tracker struct {
	cfg    TrackerConfig
	tracks []*followed
	last   int64
	next   uint64
	assign assigner

	high, low []Detection
	rest      []*followed
	free      []bool
	live      []Track
	lost      []uint64
}

type followed struct {
	id     uint64
	det    Detection
	motion motion
	box    [4]float32 // expected now
	seen   int64      // frame time of the newest match
	hits   int
	fresh  bool // matched in the frame before
	told   bool // has been reported
}

// NewTracker makes a tracker; the configuration must be valid.
func NewTracker(cfg TrackerConfig) *Tracker { return &Tracker{cfg: cfg} }

// Update takes the detections of a frame at ns and returns the tracks seen in
// it, by rising id, and the ids of reported tracks that ended since the last
// frame. A frame older than the last counts as if it were at the same time.
// Both slices are valid until the next Update.
func (t *Tracker) Update(ns int64, dets []Detection) (live []Track, lost []uint64) {
	if t.last != 0 {
		ns = max(ns, t.last)
	}
	dt := float64(ns-t.last) / 1e9
	t.live, t.lost = t.live[:0], t.lost[:0]
	t.drop(ns)
	for _, f := range t.tracks {
		if t.last != 0 && dt > 0 {
			f.motion.predict(dt)
		}
		f.box = f.motion.box()
	}
	t.last = ns
	t.high, t.low = t.high[:0], t.low[:0]
	for _, d := range dets {
		switch {
		case d.Conf >= t.cfg.High:
			t.high = append(t.high, d)
		case d.Conf >= t.cfg.Low:
			t.low = append(t.low, d)
		}
	}

	// First: confident detections with every track that was confirmed.
	t.pick(func(f *followed) bool { return f.hits >= t.cfg.Confirm })
	t.free = zeroed(t.free, len(t.high))
	for i := range t.free {
		t.free[i] = true
	}
	t.matchAll(ns, t.high, t.cfg.Match, true)
	// Second: weak detections with what was seen in the frame before.
	t.pick(func(f *followed) bool { return f.hits >= t.cfg.Confirm && f.seen != ns && f.fresh })
	left := t.free
	t.free = nil
	t.matchAll(ns, t.low, t.cfg.MatchLow, false)
	// Third: what is left of the confident with tracks not confirmed yet.
	t.free = left
	t.pick(func(f *followed) bool { return f.hits < t.cfg.Confirm })
	t.matchAll(ns, t.high, t.cfg.MatchNew, true)
	for i, d := range t.high {
		if t.free[i] && d.Conf >= t.cfg.New {
			t.next++
			t.tracks = append(t.tracks, &followed{id: t.next, det: d, motion: newMotion(d.Box), seen: ns, hits: 1})
		}
	}
	t.tracks = slices.DeleteFunc(t.tracks, func(f *followed) bool { return f.hits < t.cfg.Confirm && f.seen != ns })
	for _, f := range t.tracks {
		f.fresh = f.seen == ns
		if f.fresh && f.hits >= t.cfg.Confirm {
			f.told = true
			d := f.det
			d.Box = f.motion.box()
			t.live = append(t.live, Track{ID: f.id, Detection: d})
		}
	}
	return t.live, t.lost
}

// drop ends the tracks that were not seen for too long.
func (t *Tracker) drop(ns int64) {
	t.tracks = slices.DeleteFunc(t.tracks, func(f *followed) bool {
		gone := ns-f.seen > int64(t.cfg.Keep)
		if gone && f.told {
			t.lost = append(t.lost, f.id)
		}
		return gone
	})
}

// End ends all tracks and returns the ids of those that were reported: for a
// source that ends, or a camera that was away.
func (t *Tracker) End() []uint64 {
	t.lost = t.lost[:0]
	for _, f := range t.tracks {
		if f.told {
			t.lost = append(t.lost, f.id)
		}
	}
	t.tracks = t.tracks[:0]
	return t.lost
}

// pick sets the tracks of the next stage.
func (t *Tracker) pick(in func(*followed) bool) {
	t.rest = t.rest[:0]
	for _, f := range t.tracks {
		if in(f) {
			t.rest = append(t.rest, f)
		}
	}
}

// matchAll assigns detections to the picked tracks, from the given overlap on.
// With score the overlap counts as much as the detection is sure (ByteTrack's
// score fusion), so that of two boxes at one place the better wins.
func (t *Tracker) matchAll(ns int64, dets []Detection, least float32, score bool) {
	if len(dets) == 0 || len(t.rest) == 0 {
		return
	}
	t.assign.reset(len(t.rest), len(dets))
	for i, f := range t.rest {
		for j, d := range dets {
			if d.Class != f.det.Class || (t.free != nil && !t.free[j]) {
				continue
			}
			o := IoU(f.box, d.Box)
			if score {
				o *= d.Conf
			}
			t.assign.set(i, j, float64(least-o))
		}
	}
	for i, j := range t.assign.solve() {
		if j < 0 {
			continue
		}
		f := t.rest[i]
		f.det, f.seen = dets[j], ns
		f.motion.update(dets[j].Box)
		f.hits++
		if t.free != nil {
			t.free[j] = false
		}
	}
}
