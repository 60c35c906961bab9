package sensors

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// frigate reads what the network video recorder Frigate publishes on frigate/events, of an object before and after a change
// (docs.frigate.video/integrations/mqtt, shortened):
//
//	{"type":"update","before":{"id":"1607123955.475377-mxklsc","camera":"front_door","frame_time":1607123961.837752,"label":"person",
//	 "sub_label":null,"top_score":0.95,"false_positive":false,"end_time":null,"current_zones":["driveway"]},
//	 "after":{"id":"1607123955.475377-mxklsc","camera":"front_door","frame_time":1607123962.082975,"label":"person",
//	 "sub_label":["John Smith",0.79],"top_score":0.95,"false_positive":false,"end_time":null,"current_zones":["yard","driveway"]}}
//
// A zone of after that before has not is entered, one of before that after has not is left, at frame_time; what ends leaves all,
// at end_time. What was a false positive before was nowhere, what is one now is nothing. current_zones are the site's zones,
// by zones in the entry of sources or by their own ids. sub_label, attributes and recognized_license_plate tell who somebody
// is: they are not read, and a face or number plate is no object.
//
// frigate/available (online, offline, in plain text) is a status, and so is frigate/stats, which comes every minute by default:
// without it a quiet Frigate is taken to be dead. Where each camera is a source of its own, "{payload.after.camera}", it has
// frigate/CAMERA/status/detect.
func (d *Decoder) frigate(m *draft, payload []byte) *Rejection {
	switch string(bytes.TrimSpace(payload)) {
	case "online":
		return d.frigateState(m, fusion.Online)
	case "offline", "stopped", "disabled":
		return d.frigateState(m, fusion.Offline)
	}
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	var kind word
	var before, after frigateObject
	stats := false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "type":
			return c.word(&kind, wantText)
		case "before":
			return d.frigateObject(m, &before)
		case "after":
			return d.frigateObject(m, &after)
		case "cameras", "detectors", "service":
			stats = true
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case stats && !kind.set:
		return d.frigateState(m, fusion.Online)
	}
	if r := frigateType(c, kind, after.given); r != nil {
		return r
	}
	return d.frigateChange(m, kind.v, &before, &after)
}

// wantTopics is what to do where another message of the same maker came.
const wantTopics = "give the entry of sources the topics that the decoder reads"

// frigateType rejects what is no change of an object or a review.
func frigateType(c *cursor, kind word, after bool) *Rejection {
	switch {
	case !kind.set:
		return c.missing("type", "this is no message of frigate/events, frigate/reviews or frigate/stats: "+wantTopics)
	case kind.v != "new" && kind.v != "update" && kind.v != "end":
		return &Rejection{Code: CodeRange, Path: "/type", Reason: fmt.Sprintf("type is %q: new, update or end is wanted", clip([]byte(kind.v)))}
	case !after:
		return c.missing("after", "give the object as it is now")
	}
	return nil
}

// frigateState is a status of Frigate, which gives signs of life with its stats.
func (d *Decoder) frigateState(m *draft, state fusion.Action) *Rejection {
	m.Kind = fusion.Status
	d.add(m, message.Time{}, fusion.Event{Zone: -1, Action: state, Every: int64(time.Minute)})
	return nil
}

// frigateObject is an object before or after a change.
type frigateObject struct {
	given         bool
	id            word
	class         string // empty: no label
	hidden        bool
	at, end       message.Time
	score, top    number
	falsePositive flag
	zones         []int
}

func (d *Decoder) frigateObject(m *draft, o *frigateObject) *Rejection {
	c := &d.c
	if c.null() {
		return nil
	}
	o.given = true
	return c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "id":
			return c.word(&o.id, wantText)
		case "label":
			label, r := c.bytes(wantText)
			if r == nil && len(label) > 0 {
				o.class, o.hidden = c.class(label)
			}
			return r
		case "frame_time":
			return c.epoch(&o.at)
		case "end_time":
			return c.epoch(&o.end)
		case "score":
			return c.within(&o.score, 0, 1, wantProb)
		case "top_score":
			return c.within(&o.top, 0, 1, wantProb)
		case "false_positive":
			return c.flag(&o.falsePositive)
		case "current_zones":
			if c.null() {
				return nil
			}
			return c.array(func(int) *Rejection { return d.zone(m, &o.zones) })
		}
		return nil
	})
}

// zone adds the zone that is named at the cursor.
func (d *Decoder) zone(m *draft, zones *[]int) *Rejection {
	c := &d.c
	name, r := c.bytes("a zone's id")
	if r != nil {
		return r
	}
	zone := d.place(m, c.keep(name))
	if zone < 0 {
		return c.reject(CodeRange, "is %q, %s", clip(name), d.noZone())
	}
	if !slices.Contains(*zones, zone) {
		*zones = append(*zones, zone)
	}
	return nil
}

// noZone says what to do about a zone that the site file does not have.
func (d *Decoder) noZone() string {
	return "and the site file has no such zone: name one of " + d.zoneIDs() + " in the device, or say by zones in the entry of sources which it is"
}

// frigateChange makes the events of what changed.
func (d *Decoder) frigateChange(m *draft, kind string, before, after *frigateObject) *Rejection {
	absent := func(member, why string) *Rejection {
		return &Rejection{Code: CodeMissing, Path: "/after/" + member, Reason: member + " is missing: " + why}
	}
	switch {
	case !after.id.set:
		return absent("id", "give the object's id")
	case after.class == "" && !after.hidden:
		return absent("label", "give what it is, such as person")
	case after.at.IsZero():
		return absent("frame_time", "give the picture's time, seconds since 1970")
	}
	m.ts = after.at
	if kind == "end" && !after.end.IsZero() {
		m.ts = after.end
	}
	if after.hidden || after.falsePositive.v {
		return nil // a sign of life
	}
	was, is := before.zones, after.zones
	if kind == "new" || before.falsePositive.v {
		was = nil // nobody was told of it yet
	}
	e := fusion.Event{ID: after.id.v, Name: after.class, Conf: 1}
	switch {
	case after.top.v > 0:
		e.Conf = after.top.v
	case after.score.v > 0:
		e.Conf = after.score.v
	}
	if kind == "end" {
		was, is = union(was, is), nil
	}
	for _, e.Zone = range is {
		if !slices.Contains(was, e.Zone) {
			e.Action = fusion.Enter
			d.add(m, m.ts, e)
		}
	}
	for _, e.Zone = range was {
		if !slices.Contains(is, e.Zone) {
			e.Action = fusion.Leave
			d.add(m, m.ts, e)
		}
	}
	return nil
}

func union(a, b []int) []int {
	all := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// epoch reads seconds since 1970 with a fraction, to the microsecond: that is how fine a float64 has them.
func (c *cursor) epoch(into *message.Time) *Rejection {
	var n number
	if r := c.within(&n, 0, 1e11, "seconds since 1970"); r != nil || !n.set {
		return r
	}
	t, err := message.Since1970(int64(math.Round(float64(n.v*1e6))), time.Microsecond)
	if err != nil {
		return c.reject(CodeRange, "is %g, which is no time near ours: send seconds since 1970, and set the device's clock", n.v)
	}
	*into = t
	return nil
}
