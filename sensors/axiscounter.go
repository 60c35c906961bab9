package sensors

import (
	"magpie/fusion"
	"magpie/sensors/message"
)

// axisCounter reads AXIS 3D People Counter, the application of Axis's stereo depth cameras (P8815-2), as its interface (VAPIX,
// "Axis Retail Data" 0.4) describes what it pushes every minute:
//
//	{"apiName":"Axis Retail Data","apiVersion":"0.4","utcSent":"2020-12-08T12:20:12Z","localSent":"2020-12-08T13:20:12",
//	 "data":{"utcFrom":"2020-12-08T12:19:00Z","utcTo":"2020-12-08T12:20:00Z","measurements":[{"kind":"people-counts",
//	   "utcFrom":"2020-12-08T12:19:00Z","utcTo":"2020-12-08T12:20:00Z","items":[{"direction":"in","count":1,"adults":0},
//	   {"direction":"out","count":2,"adults":0}]}]},
//	 "sensor":{"application":"AXIS 3D People Counter","serial":"accc8ef3d92e","timezone":"Europe/Stockholm"}}
//
// and its totals, /a3dpc/api/occupancy:
//
//	{"occupancy":15,"serial":"00:40:8c:18:82:27","timestamp":"2020-12-03T16:28:05+01:00","total_in":100,"total_out":85}
//
// The camera posts them; whatever brings them to the broker passes them on as they are. A count is of the end of its interval
// (utcTo): give the counter a lateness of 30 s, since it reports some seconds after the minute. A push without measurements
// is its test, a sign of life.
func (d *Decoder) axisCounter(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	var in, out integer
	var at, sent message.Time
	api, people := false, false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "apiName":
			api = true
		case "utcSent":
			return c.time(&sent)
		case "timestamp":
			return c.time(&at)
		case "total_in":
			return c.integer(&in, 0, maxSeq, "a number of people")
		case "total_out":
			return c.integer(&out, 0, maxSeq, "a number of people")
		case "data":
			return c.object(func(name []byte) *Rejection {
				if string(name) != "measurements" {
					return nil
				}
				return c.array(func(int) *Rejection { return d.axisMeasurement(m, &people) })
			})
		}
		return nil
	})
	switch {
	case r != nil || people:
		return r
	case api:
		m.ts = sent
		return nil
	case !in.set:
		return c.missing("total_in", "this is neither a push of AXIS 3D People Counter (apiName, utcSent, data.measurements) nor its totals (total_in, total_out, timestamp)")
	case !out.set:
		return c.missing("total_out", "give both totals")
	case at.IsZero():
		return c.missing("timestamp", "without the time nobody can tell what came first")
	}
	m.ts = at
	d.add(m, at, fusion.Event{Zone: -1, Action: fusion.Other, Qty: float64(in.v), QtyOut: float64(out.v)})
	return nil
}

// axisMeasurement reads one of measurements; those of other kinds than people are not counts of people.
func (d *Decoder) axisMeasurement(m *draft, people *bool) *Rejection {
	c := &d.c
	var kind word
	var to message.Time
	var in, out integer
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "kind":
			return c.word(&kind, wantText)
		case "utcTo":
			return c.time(&to)
		case "items":
			return c.array(func(int) *Rejection {
				var direction word
				var count integer
				r := c.object(func(name []byte) *Rejection {
					switch string(name) {
					case "direction":
						return c.word(&direction, wantText)
					case "count":
						return c.integer(&count, 0, 1e6, "a number of people")
					}
					return nil
				})
				switch {
				case r != nil:
					return r
				case !count.set:
					return c.missing("count", "give how many")
				case direction.v == "in":
					in = integer{in.v + count.v, true}
				case direction.v == "out":
					out = integer{out.v + count.v, true}
				default:
					return reject(CodeRange, c.pointer("direction"), "direction is %q: in or out is wanted", clip([]byte(direction.v)))
				}
				return nil
			})
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case kind.v != "people-counts":
		return reject(CodeRange, c.pointer("kind"),
			"kind is %q: people-counts is wanted; switch other reports of the camera off", clip([]byte(kind.v)))
	case to.IsZero():
		return c.missing("utcTo", "give the end of the interval")
	case !in.set:
		return c.missing("items", "there is no count of direction in")
	case !out.set:
		return c.missing("items", "there is no count of direction out")
	}
	if r := crowded(m); r != nil {
		return r
	}
	if *people = true; m.ts.IsZero() {
		m.ts = to
	}
	d.add(m, to, fusion.Event{Zone: -1, Qty: float64(in.v), QtyOut: float64(out.v)})
	return nil
}
