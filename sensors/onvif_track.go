package sensors

import (
	"magpie/fusion"
	"magpie/sensors/message"
)

// onvifTrack reads the metadata of ONVIF cameras in JSON (ONVIF Analytics Service Specification, 5.4 JSON over MQTT), on a topic
// such as MyDevice/onvif-mj/VideoAnalytics/1/MyClassifier:
//
//	{"Frame":[{"@UtcTime":"2021-10-05T15:13:27.321","@Source":"MyClassifier",
//	 "Transformation":{"Translate":{"@x":"-1.0","@y":"-1.0"},"Scale":{"@x":"0.003125","@y":"0.00416667"}},
//	 "Object":[{"@ObjectId":"15","Appearance":{"Shape":{"BoundingBox":{"@left":"20.0","@top":"80.0","@right":"100.0","@bottom":"30.0"}},
//	  "Class":{"Type":[{"@Likelihood":"0.8","#text":"Human"}]},"HumanFace":{"Gender":"Male"}}}],
//	 "ObjectTree":{"Delete":[{"@ObjectId":"12"}],"Rename":{"from":{"@ObjectId":"14"},"to":{"@ObjectId":"15"}}}}]}
//
// What may repeat is an array or a single value, and numbers may stand in quotes. After the frame's and the object's
// transformation the picture is from -1 to 1 both ways, y upwards; its size in pixels is the site's camera's. The class is the
// likeliest Type, unknown without one. Delete, and what Rename and Merge come from, are lost. Faces, bodies, number plates and
// pictures of an Appearance are not read, and an object that is a face or number plate is none.
func (d *Decoder) onvifTrack(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	frames := 0
	r := c.object(func(name []byte) *Rejection {
		if string(name) != "Frame" {
			return nil
		}
		return c.each(func() *Rejection {
			frames++
			return d.onvifFrame(m)
		})
	})
	if r == nil && frames == 0 {
		return c.missing("Frame", "this is no metadata of an ONVIF camera's video analytics")
	}
	return r
}

// each calls read for every element of an array, or for the single value that stands in place of one; for null not at all.
func (c *cursor) each(read func() *Rejection) *Rejection {
	switch c.text[c.at] {
	case 'n':
		c.null()
		return nil
	case '[':
		return c.array(func(int) *Rejection { return read() })
	}
	return read()
}

// onvifTransform is p → p·scale + move.
type onvifTransform struct{ scaleX, scaleY, moveX, moveY number }

func (t *onvifTransform) apply(x, y float64) (float64, float64) {
	return float64(x*t.scaleX.v) + t.moveX.v, float64(y*t.scaleY.v) + t.moveY.v
}

func (t *onvifTransform) read(c *cursor) *Rejection {
	if c.null() {
		return nil
	}
	return c.object(func(name []byte) *Rejection {
		x, y := &t.scaleX, &t.scaleY
		switch string(name) {
		case "Translate":
			x, y = &t.moveX, &t.moveY
		case "Scale":
		default:
			return nil
		}
		return c.object(func(name []byte) *Rejection {
			switch string(name) {
			case "@x":
				return c.quoted(x, -1e6, 1e6, "a number")
			case "@y":
				return c.quoted(y, -1e6, 1e6, "a number")
			}
			return nil
		})
	})
}

func (d *Decoder) onvifFrame(m *draft) *Rejection {
	c := &d.c
	var ts message.Time
	whole := onvifTransform{scaleX: number{v: 1}, scaleY: number{v: 1}}
	objects, from := 0, len(m.Events)
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "@UtcTime":
			return c.utc(&ts)
		case "Transformation":
			return whole.read(c)
		case "Object":
			objects = c.at
		case "ObjectTree":
			return d.onvifTree(m)
		}
		return nil
	})
	if r == nil && objects > 0 {
		r = c.later(objects, "Object", func() *Rejection {
			return c.each(func() *Rejection { return d.onvifObject(m, &whole) })
		})
	}
	switch {
	case r != nil:
		return r
	case ts.IsZero():
		return c.missing("@UtcTime", "give the picture's time")
	}
	if m.ts.IsZero() {
		m.ts = ts
	}
	m.dated(from, ts)
	return nil
}

func (d *Decoder) onvifObject(m *draft, whole *onvifTransform) *Rejection {
	c := &d.c
	var o object
	hidden := false
	own := onvifTransform{scaleX: number{v: 1}, scaleY: number{v: 1}}
	var box onvifBox
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "@ObjectId":
			return c.id(&o.track)
		case "Appearance":
			if c.null() {
				return nil
			}
			return c.object(func(name []byte) *Rejection {
				switch string(name) {
				case "Transformation":
					return own.read(c)
				case "Shape":
					return box.shape(c)
				case "Class":
					return d.onvifClass(&o, &hidden)
				}
				return nil
			})
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case !o.track.set:
		return c.missing("@ObjectId", "give the object's id, which stays the same from picture to picture")
	case hidden:
		return nil
	case !box.left.set || !box.top.set || !box.right.set || !box.bottom.set:
		return nil // an object without a shape is there and nowhere: a sign of life
	}
	if !o.class.set {
		o.class.v, _ = c.class(nil)
	}
	left, top := whole.apply(own.apply(box.left.v, box.top.v))
	right, bottom := whole.apply(own.apply(box.right.v, box.bottom.v))
	if top < bottom { // as in the specification's own example
		top, bottom = bottom, top
	}
	if max(-left, -right, -bottom, left, right, top) > 3 {
		return &Rejection{Code: CodeRange, Path: c.pointer("Appearance"),
			Reason: "the object's box is far outside of the picture, which is from -1 to 1: send the frame's Transformation"}
	}
	o.box = [4]number{{float64((min(left, right) + 1) / 2), true}, {float64((1 - top) / 2), true},
		{float64(max(left, right)-min(left, right)) / 2, true}, {float64((top - bottom) / 2), true}}
	return d.show(m, &o, unitFrame())
}

// onvifBox is a BoundingBox before transformation.
type onvifBox struct{ left, top, right, bottom number }

func (b *onvifBox) shape(c *cursor) *Rejection {
	if c.null() {
		return nil
	}
	return c.object(func(name []byte) *Rejection {
		if string(name) != "BoundingBox" || c.null() {
			return nil
		}
		return c.object(func(name []byte) *Rejection {
			var side *number
			switch string(name) {
			case "@left":
				side = &b.left
			case "@top":
				side = &b.top
			case "@right":
				side = &b.right
			case "@bottom":
				side = &b.bottom
			default:
				return nil
			}
			return c.quoted(side, -1e6, 1e6, "a coordinate")
		})
	})
}

// onvifClass reads {"Type":[{"@Likelihood":0.8,"#text":"Human"}]}, or as the specification's example has it, without Type.
func (d *Decoder) onvifClass(o *object, hidden *bool) *Rejection {
	c := &d.c
	one := func() *Rejection {
		var text []byte
		likelihood := number{v: 1, set: true}
		if c.text[c.at] == '"' {
			b, r := c.bytes(wantText)
			if r != nil {
				return r
			}
			text = b
		} else if r := c.object(func(name []byte) (r *Rejection) {
			switch string(name) {
			case "@Likelihood":
				return c.quoted(&likelihood, 0, 1, wantProb)
			case "#text":
				text, r = c.bytes(wantText)
			}
			return r
		}); r != nil {
			return r
		}
		if len(text) > 0 && (!o.class.set && !*hidden || likelihood.v > o.conf.v) {
			o.class.v, *hidden = c.class(text)
			o.class.set, o.conf = !*hidden, likelihood
		}
		return nil
	}
	if c.text[c.at] != '{' {
		return c.each(one)
	}
	typed, at := false, c.at
	if r := c.object(func(name []byte) *Rejection {
		if string(name) != "Type" {
			return nil
		}
		typed = true
		return c.each(one)
	}); r != nil || typed {
		return r
	}
	behind := c.at
	c.at = at
	r := one()
	c.at = behind
	return r
}

// onvifTree reads which objects ended, or became others.
func (d *Decoder) onvifTree(m *draft) *Rejection {
	c := &d.c
	if c.null() {
		return nil
	}
	id := func() (id string, r *Rejection) {
		r = c.object(func(name []byte) *Rejection {
			if string(name) != "@ObjectId" {
				return nil
			}
			b, r := c.scalar()
			id = c.keep(b)
			return r
		})
		return id, r
	}
	lost := func(but string) *Rejection {
		return c.each(func() *Rejection {
			id, r := id()
			if r != nil || id == "" || id == but {
				return r
			}
			return d.lose(m, id)
		})
	}
	return c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "Delete":
			return lost("")
		case "Rename", "Merge":
			return c.each(func() *Rejection {
				from, to := 0, ""
				if r := c.object(func(name []byte) (r *Rejection) {
					switch string(name) {
					case "from":
						from = c.at
					case "to":
						to, r = id()
					}
					return r
				}); r != nil || from == 0 {
					return r
				}
				return c.later(from, "from", func() *Rejection { return lost(to) })
			})
		}
		return nil
	})
}

// unitFrame is the frame of boxes that are shares of the picture: the site's camera says how large it is.
func unitFrame() [2]number { return [2]number{{1, true}, {1, true}} }

// show adds an object of a picture whose time is not read yet, lose one that ended; dated gives them the time.
func (d *Decoder) show(m *draft, o *object, frame [2]number) *Rejection {
	if r := crowded(m); r != nil {
		return r
	}
	m.Events = append(m.Events, d.seen(m, o, frame))
	return nil
}

func (d *Decoder) lose(m *draft, id string) *Rejection {
	if r := crowded(m); r != nil {
		return r
	}
	m.Events = append(m.Events, fusion.Event{Zone: -1, Action: fusion.Lost, ID: id})
	return nil
}

func (m *draft) dated(from int, ts message.Time) {
	for i := range m.Events[from:] {
		m.Events[from+i].TS = m.Received
		if ts.NS() != 0 {
			m.Events[from+i].TS, m.Clocked = ts.NS(), true
		}
	}
}
