package sensors

import (
	"bytes"
	"slices"
	"strconv"
)

// deepstream reads what Gst-nvmsgconv of NVIDIA's DeepStream makes, by its source deepstream_schema/eventmsg_payload.cpp and
// dsmeta_payload.cpp. The full schema has one object a message; a retail sample of NVIDIA has detection and obj_prop in it, and
// event_des for event:
//
//	{"messageid":"…","mdsversion":"1.0","@timestamp":"2026-11-22T10:00:00.123Z","sensor":{"id":"CAM-1"},"object":{"id":"7","speed":0,
//	 "person":{"age":45,"gender":"male","hair":"black","cap":"none","apparel":"formal","confidence":0.97},
//	 "bbox":{"topleftx":410,"toplefty":120,"bottomrightx":500,"bottomrighty":380},"location":{},"coordinate":{}},
//	 "event":{"id":"…","type":"entry"},"videoPath":""}
//
// The minimal schema has all of a picture, each id|left|top|right|bottom|class, then attributes behind |#| :
//
//	{"version":"4.0","id":"218","@timestamp":"2026-11-22T10:00:00.123Z","sensorId":"CAM-1",
//	 "objects":["957|1834|150|1918|215|Vehicle|#|sedan|Bugatti|M|blue|CA 444|California|0.8"]}
//
// Boxes are in pixels of the frame that the site's camera has. An object that exits is lost; entry, moving, stopped and the like
// show it. The class is detection, else the member of object that says what it is (person, or the detector's label). The
// confidence is that member's or obj_prop's, in the minimal schema the last of the first attributes; 1 where none is told, 0
// for a box that the tracker made up (-0.1). Ages, names, number plates, poses and embeddings are not read, and an object that
// is a face or number plate is none.
func (d *Decoder) deepstream(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	var event word
	one, many := 0, false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "@timestamp", "timestamp":
			return c.utc(&m.ts)
		case "event", "event_des":
			if c.text[c.at] != '{' {
				return nil
			}
			return c.object(func(name []byte) *Rejection {
				if string(name) == "type" {
					return c.word(&event, wantText)
				}
				return nil
			})
		case "object":
			one = c.at
		case "objects":
			if c.null() {
				return nil
			}
			many = true
			return c.array(func(int) *Rejection { return d.deepstreamText(m) })
		}
		return nil
	})
	if r == nil && one > 0 {
		r = c.later(one, "object", func() *Rejection { return d.deepstreamObject(m, event.v == "exit") })
	}
	switch {
	case r != nil:
		return r
	case one == 0 && !many:
		return c.missing("objects", "this is no message of Gst-nvmsgconv, which has object or objects: set its payload-type to 0 or 1")
	case m.ts.IsZero():
		return c.missing("@timestamp", "give the picture's time")
	}
	m.dated(0, m.ts)
	return nil
}

// deepstreamObject reads the object of the full schema.
func (d *Decoder) deepstreamObject(m *draft, exits bool) *Rejection {
	c := &d.c
	var o object
	var detection, label []byte
	var corner [4]number
	o.conf = number{v: 1}
	conf := func(name []byte) *Rejection {
		if string(name) == "confidence" {
			return c.quoted(&o.conf, -1, 1, wantProb)
		}
		return nil
	}
	r := c.object(func(name []byte) (r *Rejection) {
		switch string(name) {
		case "id":
			return c.id(&o.track)
		case "detection":
			detection, r = c.bytes(wantText)
			return r
		case "confidence":
			return conf(name)
		case "bbox":
			return d.deepstreamBox(&corner)
		case "obj_prop":
			if c.text[c.at] == '{' {
				return c.object(conf)
			}
		case "location", "coordinate", "pose", "embedding", "bbox3d", "signature", "singleView3DTracking", "info":
		default:
			if c.text[c.at] == '{' && label == nil {
				label = name
				return c.object(conf)
			}
		}
		return nil
	})
	if len(detection) == 0 {
		detection = label
	}
	switch {
	case r != nil:
		return r
	case len(detection) == 0:
		return c.missing("detection", "nothing says what the object is: person, vehicle, or the detector's label")
	case !corner[0].set || !corner[1].set || !corner[2].set || !corner[3].set:
		return c.missing("bbox", "give topleftx, toplefty, bottomrightx and bottomrighty")
	}
	return d.deepstreamShow(m, &o, detection, corner, exits)
}

func (d *Decoder) deepstreamBox(corner *[4]number) *Rejection {
	c := &d.c
	if c.null() {
		return nil
	}
	return c.object(func(name []byte) *Rejection {
		i := slices.Index([]string{"topleftx", "toplefty", "bottomrightx", "bottomrighty"}, string(name))
		if i < 0 {
			return nil
		}
		return c.within(&corner[i], -1e6, 1e6, "px")
	})
}

// deepstreamShow adds an object whose box is given by its corners.
func (d *Decoder) deepstreamShow(m *draft, o *object, class []byte, corner [4]number, exits bool) *Rejection {
	c := &d.c
	name, hidden := c.class(class)
	switch {
	case !o.track.set:
		return c.missing("id", "give the object's id")
	case o.track.v == "18446744073709551615" || o.track.v == "-1":
		return c.reject(CodeRange, "has id %s, which says that nothing follows it: add nvtracker to the pipeline", o.track.v)
	case corner[2].v < corner[0].v || corner[3].v < corner[1].v:
		return c.reject(CodeRange, "has the lower right corner of its box before the upper left one")
	case hidden:
		return nil
	case exits:
		return d.lose(m, o.track.v)
	}
	o.class.v, o.conf.v = name, max(0, o.conf.v)
	o.box = [4]number{corner[0], corner[1], {corner[2].v - corner[0].v, true}, {corner[3].v - corner[1].v, true}}
	return d.show(m, o, [2]number{})
}

// deepstreamText reads an object of the minimal schema. It can hold a name, so that no reason quotes it.
func (d *Decoder) deepstreamText(m *draft) *Rejection {
	c := &d.c
	const want = "a string id|left|top|right|bottom|class"
	if c.text[c.at] != '"' {
		return c.wrong(want)
	}
	rest := c.name()
	var o object
	var corner [4]number
	id, rest, _ := bytes.Cut(rest, []byte("|"))
	if len(id) > 0 && len(id) <= maxString {
		o.track = word{c.keep(id), true}
	}
	for i := range corner {
		var field []byte
		field, rest, _ = bytes.Cut(rest, []byte("|"))
		v, err := strconv.ParseFloat(string(field), 64)
		if err != nil || !(v >= -1e6 && v <= 1e6) {
			return c.reject(CodeType, "is not %s, with the box in px", want)
		}
		corner[i] = number{v, true}
	}
	class, rest, _ := bytes.Cut(rest, []byte("|"))
	if len(class) == 0 || len(class) > maxString {
		return c.reject(CodeType, "is not %s", want)
	}
	o.conf = deepstreamConf(rest)
	return d.deepstreamShow(m, &o, class, corner, false)
}

// deepstreamConf is the confidence behind the first attributes.
func deepstreamConf(rest []byte) number {
	rest, ok := bytes.CutPrefix(rest, []byte("#|"))
	if !ok {
		return number{v: 1}
	}
	rest, _, _ = bytes.Cut(rest, []byte("|#"))
	v, err := strconv.ParseFloat(string(rest[bytes.LastIndexByte(rest, '|')+1:]), 64)
	if err != nil || !(v >= -1 && v <= 1) {
		return number{v: 1}
	}
	return number{v, true}
}
