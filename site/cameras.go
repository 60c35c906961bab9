package site

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

func (l *loader) cameras(n *yaml.Node) {
	for _, c := range l.List(n, "cameras") {
		o := l.Mapping(c, "camera", "id", "url", "frame", "homography", "points", "sees", "lateness")
		cam := Camera{ID: l.id(o.Need("id", ""), "camera id"), URL: l.Text(o.Get("url"), "url")}
		if f := l.numbers(o.Get("frame"), "frame", 2); f != nil {
			cam.Frame = [2]int{int(f[0]), int(f[1])}
			if f[0] < 1 || f[1] < 1 || f[0] != float64(cam.Frame[0]) || f[1] != float64(cam.Frame[1]) {
				l.Fail(o.Get("frame"), "frame wants width and height in whole pixels, such as [1280, 720]")
				cam.Frame = [2]int{}
			}
		}
		before := len(l.Errors)
		l.homography(o, &cam)
		wrong := len(l.Errors) > before
		if sees := o.Get("sees"); sees != nil {
			before := len(l.Errors)
			cam.Sees = l.polygon(sees, "sees")
			wrong = len(l.Errors) > before
		} else if cam.Homography != nil && !wrong {
			cam.Sees, wrong = l.lowerHalf(c, cam)
		}
		if !wrong {
			l.noFitting(c, o, cam)
		}
		zones := l.perceived(cam.Sees)
		if l.source(c, o, cam.ID, fusion.Tracks, zones...) {
			l.site.Cameras = append(l.site.Cameras, cam)
			l.site.Store.Cameras = append(l.site.Store.Cameras, fusion.Camera{ID: cam.ID, Sees: cam.Sees, Eye: cam.Upright.Eye()})
		}
	}
}

// homography reads the map from pixels to metres: nine numbers, or points to fit it from.
func (l *loader) homography(o *strict.Object, cam *Camera) {
	given, points := o.Get("homography"), o.Get("points")
	if given == nil && points == nil {
		return
	}
	at := given
	if given == nil {
		at = points
	}
	if given != nil && points != nil {
		l.Fail(points, "camera: give either homography or points, not both")
		return
	}
	if cam.Frame[0] == 0 {
		if o.Get("frame") == nil {
			l.Fail(at, "a homography is in pixels of a frame: give the frame's [width, height] too")
		}
		return
	}
	var h fusion.Homography
	if given != nil {
		v := l.numbers(given, "homography", 9)
		if v == nil {
			return
		}
		copy(h[:], v)
	} else {
		var matches []fusion.Match
		before := len(l.Errors)
		for _, p := range l.List(points, "points") {
			if v := l.numbers(p, "point [px, py, x, y]", 4); v != nil {
				matches = append(matches, fusion.Match{PX: v[0], PY: v[1], X: v[2], Y: v[3]})
			}
		}
		if len(l.Errors) > before {
			return
		}
		var err error
		if h, cam.RMS, err = fusion.FitHomography(matches); err != nil {
			l.Fail(points, "points: %v", err)
			return
		}
		if cam.RMS > 0.5 {
			l.site.Notes = append(l.site.Notes, fmt.Sprintf("camera %s: its points fit one plane only to %.2f m; measure them again", cam.ID, cam.RMS))
		}
	}
	// What stands in the middle of the lower edge is the floor nearest to the camera.
	h, err := h.Oriented(float64(cam.Frame[0])/2, float64(cam.Frame[1]))
	if err != nil {
		l.Fail(at, "%v", err)
		return
	}
	cam.Homography = &h
	cam.Upright, _ = h.Upright(cam.Frame)
}

// lowerHalf is the floor that a camera sees when the file does not say: the lower half of its frame.
func (l *loader) lowerHalf(n *yaml.Node, cam Camera) (sees []fusion.Point, wrong bool) {
	w, h := float64(cam.Frame[0]), float64(cam.Frame[1])
	for _, p := range [][2]float64{{0, h / 2}, {w, h / 2}, {w, h}, {0, h}} {
		x, y, ok := cam.Homography.Apply(p[0], p[1])
		if !ok {
			l.Fail(n, "camera %s: the horizon lies in the lower half of its frame, so what it sees is unknown; give sees, the floor polygon in metres", cam.ID)
			return nil, true
		}
		sees = append(sees, fusion.Point{X: x, Y: y})
	}
	if _, _, bad := crossing(sees); bad || area(sees) < 1e-6 {
		l.Fail(n, "camera %s: its homography folds the lower half of the frame; give sees, the floor polygon in metres", cam.ID)
		return nil, true
	}
	return sees, false
}

// noFitting holds privacy.fitting: no camera looks into a fitting room.
func (l *loader) noFitting(c *yaml.Node, o *strict.Object, cam Camera) {
	at := o.Get("sees")
	for _, z := range l.site.Store.Zones {
		if z.Kind != fusion.Fitting || z.Polygon == nil {
			continue
		}
		switch {
		case cam.Sees == nil:
			l.Fail(c, "camera %s says not what it sees, which means every zone, and %s is a fitting zone (privacy.fitting: no-camera); give sees", cam.ID, z.ID)
		case overlap(cam.Sees, z.Polygon) && at != nil:
			l.Fail(at, "camera %s sees into the fitting zone %s (privacy.fitting: no-camera); turn or mask the camera and cut the zone out of sees", cam.ID, z.ID)
		case overlap(cam.Sees, z.Polygon):
			l.Fail(c, "camera %s sees into the fitting zone %s through the lower half of its frame (privacy.fitting: no-camera); give a sees that leaves it out", cam.ID, z.ID)
		}
	}
}

// perceived lists the zones that share floor with a polygon; all for none.
func (l *loader) perceived(sees []fusion.Point) []int {
	var zones []int
	for i, z := range l.site.Store.Zones {
		if sees == nil || z.Polygon != nil && overlap(sees, z.Polygon) {
			zones = append(zones, i)
		}
	}
	return zones
}
