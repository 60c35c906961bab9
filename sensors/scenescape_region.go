package sensors

import (
	"fmt"

	"magpie/fusion"
)

// scenescapeRegion reads region events of Intel SceneScape, on scenescape/event/region/SCENE/REGION/objects (shortened):
//
//	{"timestamp":"2026-03-26T20:53:32.045Z","scene_id":"302cf49a-…","region_id":"ee94126c-…","region_name":"region_2",
//	 "counts":{"person":2},"objects":[{"id":"2d3c96d9-…","category":"person","confidence":0.999,"translation":[2.557,3.678,0.0]}],
//	 "entered":[{"id":"2d3c96d9-…","category":"person","confidence":0.999}],
//	 "exited":[{"object":{"id":"bbd07321-…","category":"person","confidence":0.98},"dwell":5.297}]}
//
// Who entered and exited is told, in either form, of the zone that zones in the entry of sources names for region_name or
// region_id, else whose id that is. Old versions tell of entered the id alone: what it is stands in objects, who is inside. Tripwire events are rejected: they tell
// a direction as 1 or -1, and not whether that is in or out.
func (d *Decoder) scenescapeRegion(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	var name, id word
	var entered, exited, objects int
	tripwire := false
	r := c.object(func(member []byte) *Rejection {
		switch string(member) {
		case "timestamp":
			return c.utc(&m.ts)
		case "region_name":
			return c.word(&name, wantText)
		case "region_id":
			return c.word(&id, wantText)
		case "tripwire_id", "tripwire_name":
			tripwire = true
		case "entered":
			entered = c.at
		case "exited":
			exited = c.at
		case "objects":
			objects = c.at
		}
		return nil
	})
	zone := -1
	if r == nil && name.set {
		zone = d.place(m, name.v)
	}
	if r == nil && zone < 0 && id.set {
		zone = d.place(m, id.v)
	}
	switch {
	case r != nil:
		return r
	case tripwire:
		return &Rejection{Code: CodeType, Reason: "this is a tripwire event, whose direction is not in or out: draw a region in SceneScape; " + wantTopics}
	case !name.set && !id.set:
		return c.missing("region_name", "give the region's name")
	case zone < 0:
		return &Rejection{Code: CodeRange, Path: "/region_name", Reason: fmt.Sprintf("region_name is %q, %s", clip([]byte(name.v)), d.noZone())}
	}
	if entered > 0 {
		r = c.later(entered, "entered", func() *Rejection { return d.scenescapeCrossings(m, zone, fusion.Enter, objects) })
	}
	if r == nil && exited > 0 {
		r = c.later(exited, "exited", func() *Rejection { return d.scenescapeCrossings(m, zone, fusion.Leave, objects) })
	}
	return d.scenescapeFrame(m, r, entered > 0 || exited > 0, "entered")
}

// scenescapeInside is what each object is among those at a place in the payload, by its id.
func (d *Decoder) scenescapeInside(at int) (inside map[string]scenescapeKind, r *Rejection) {
	c := &d.c
	inside = map[string]scenescapeKind{}
	r = c.later(at, "objects", func() *Rejection {
		return c.each(func() *Rejection {
			var one object
			hidden, r := d.scenescapeObject(&one)
			if r == nil && !inside[one.track.v].class.set {
				inside[one.track.v] = scenescapeKind{one.class, one.conf, hidden}
			}
			return r
		})
	})
	return inside, r
}

// scenescapeKind is what an object is; hidden: of a class that is not told.
type scenescapeKind struct {
	class  word
	conf   number
	hidden bool
}

// scenescapeCrossings reads who entered or exited, an object or {"object":…,"dwell":…} each; objects is the place of those inside.
func (d *Decoder) scenescapeCrossings(m *draft, zone int, action fusion.Action, objects int) *Rejection {
	c := &d.c
	var inside map[string]scenescapeKind // read once, where it is needed
	return c.each(func() *Rejection {
		from, inner := c.at, 0
		var o object
		var hidden bool
		r := c.object(func(name []byte) *Rejection {
			if string(name) == "object" && c.text[c.at] == '{' {
				inner = c.at
			}
			return nil
		})
		read := func() (r *Rejection) {
			hidden, r = d.scenescapeObject(&o)
			return r
		}
		switch behind := c.at; {
		case r != nil:
			return r
		case inner > 0:
			r = c.later(inner, "object", read)
		default:
			c.at = from
			r = read()
			c.at = behind
		}
		if r == nil && !o.class.set && objects > 0 {
			if inside == nil {
				inside, r = d.scenescapeInside(objects)
			}
			if k := inside[o.track.v]; k.class.set {
				o.class, o.conf, hidden = k.class, k.conf, k.hidden
			}
		}
		switch {
		case r != nil || hidden:
			return r
		case !o.class.set:
			return c.missing("category", wantCategory+", here or in objects")
		}
		if r := crowded(m); r != nil {
			return r
		}
		m.Events = append(m.Events, fusion.Event{ID: o.track.v, Name: o.class.v, Conf: o.conf.v, Zone: zone, Action: action})
		return nil
	})
}
