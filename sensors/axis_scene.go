package sensors

import (
	"magpie/sensors/message"
)

// axisScene reads what cameras of Axis publish of every picture with AXIS Scene Metadata, from AXIS OS 12.8 on as
// com.axis.scene.frame.v1 (developer.axis.com, Analytics Data Format, Frame; members of an example put together):
//
//	{"channel_id":1,"timestamp":"2026-11-22T10:00:00.123456Z","detections":[{"object_track_id":"ad57dd04-cbe5-44df-8de3-222d1d33c3e9",
//	 "bounding_box":{"left":0.133,"top":0.599,"right":0.8,"bottom":0.893},"class":{"type":"Human","score":0.6}}],
//	 "track_events":[{"type":"TrackEnded","object_track_id":"57fcc8fe-a555-4905-bce1-dbcc7fb400d5"},
//	  {"type":"Rename","from_id":"…","to_id":"…"}]}
//
// and before as com.axis.analytics_scene_description.v0.beta, older devices within {"data":…}:
//
//	{"frame":{"timestamp":"2023-03-08T09:00:19.320111Z","observations":[{"track_id":"1","bounding_box":{"bottom":0.893,
//	 "left":0.133,"right":0.8,"top":0.599},"class":{"type":"Human","score":0.6,"upper_clothing_colors":[{"name":"White","score":0.78}]},
//	 "image":{"data":"/9j/4AAQSkZJRg…"}}],
//	 "operations":[{"type":"DeleteOperation","id":"3"},{"type":"RenameOperation","from":"2","to":"1"}]}}
//
// Boxes are shares of the picture, whose size in pixels is the site's camera's. What is not classified yet is of class unknown.
// What ended, and what was renamed or merged into another, is lost; other operations say nothing of a track's end. Pictures and
// colours are not read, and an object that is a face or number plate is none.
func (d *Decoder) axisScene(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	var f axisFrame
	if r := d.axisFrame(m, &f); r != nil {
		return r
	}
	switch {
	case f.snapshot:
		return &Rejection{Code: CodeType, Reason: "this is a snapshot of an object: publish com.axis.scene.frame.v1"}
	case f.ts.IsZero():
		return c.missing("timestamp", "this is no frame: publish com.axis.scene.frame.v1, not object_track or consolidated_track")
	}
	m.ts = f.ts
	m.dated(0, f.ts)
	return nil
}

type axisFrame struct {
	ts       message.Time
	snapshot bool
}

// axisFrame reads a frame, or what it is wrapped in.
func (d *Decoder) axisFrame(m *draft, f *axisFrame) *Rejection {
	c := &d.c
	return c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "data", "frame":
			if c.text[c.at] == '{' && len(c.path) <= 2 {
				return d.axisFrame(m, f)
			}
		case "crop_box":
			f.snapshot = true
		case "timestamp":
			return c.utc(&f.ts)
		case "observations", "detections":
			return c.each(func() *Rejection { return d.axisObject(m) })
		case "operations", "track_events":
			return c.each(func() *Rejection { return d.axisOperation(m) })
		}
		return nil
	})
}

func (d *Decoder) axisObject(m *draft) *Rejection {
	c := &d.c
	var o object
	var left, top, right, bottom number
	hidden := false
	o.class.v, _ = c.class(nil)
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "track_id", "object_track_id":
			return c.id(&o.track)
		case "class":
			if c.null() {
				return nil
			}
			return c.object(func(name []byte) *Rejection {
				switch string(name) {
				case "type":
					word, r := c.bytes(wantText)
					o.class.v, hidden = c.class(word)
					return r
				case "score":
					return c.within(&o.conf, 0, 1, wantProb)
				}
				return nil
			})
		case "bounding_box":
			if c.null() {
				return nil
			}
			return c.object(func(name []byte) *Rejection {
				var side *number
				switch string(name) {
				case "left":
					side = &left
				case "top":
					side = &top
				case "right":
					side = &right
				case "bottom":
					side = &bottom
				default:
					return nil
				}
				return c.within(side, -1, 2, "a share of the picture, 0 to 1")
			})
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case !o.track.set:
		return c.missing("object_track_id", "give the track's id (track_id in the beta format)")
	case hidden:
		return nil
	case !left.set || !top.set || !right.set || !bottom.set:
		return c.missing("bounding_box", "give left, top, right and bottom as shares of the picture")
	case bottom.v < top.v || right.v < left.v:
		return &Rejection{Code: CodeRange, Path: c.pointer("bounding_box"),
			Reason: "bounding_box has its bottom above its top, or its right before its left: the picture begins at its upper left corner"}
	}
	o.box = [4]number{left, top, {right.v - left.v, true}, {bottom.v - top.v, true}}
	return d.show(m, &o, unitFrame())
}

func (d *Decoder) axisOperation(m *draft) *Rejection {
	c := &d.c
	var kind, ended, from word
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "type":
			return c.word(&kind, wantText)
		case "id", "object_track_id":
			return c.id(&ended)
		case "from", "from_id":
			return c.id(&from)
		}
		return nil
	})
	if r != nil {
		return r
	}
	switch kind.v {
	case "RenameOperation", "Rename", "MergeOperation":
		ended = from
	case "DeleteOperation", "TrackEnded":
	default:
		return nil
	}
	if !ended.set {
		return c.missing("object_track_id", "say which track ended, or was renamed (id or from in the beta format)")
	}
	return d.lose(m, ended.v)
}
