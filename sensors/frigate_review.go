package sensors

import (
	"fmt"

	"magpie/fusion"
	"magpie/sensors/message"
)

// frigateReview reads frigate/reviews, where Frigate says from when to when something that it thinks worth a look went on at a
// camera (docs.frigate.video/integrations/mqtt, shortened):
//
//	{"type":"update","before":{"id":"1718987129.308396-fqk5ka","camera":"front_cam","start_time":1718987129.308396,"end_time":null,
//	 "severity":"detection","data":{"detections":["1718987128.947436-g92ztx"],"objects":["person"],"sub_labels":[],"zones":[]}},
//	 "after":{"id":"1718987129.308396-fqk5ka","camera":"front_cam","start_time":1718987129.308396,"end_time":null,
//	 "severity":"alert","data":{"detections":["1718987128.947436-g92ztx"],"objects":["person"],"sub_labels":["Bob"],"zones":["yard"]}}}
//
// It is a signal by its severity, alert or detection: on from the start, off at the end, and of the review's id. A detection
// that becomes an alert ends as the one and begins as the other, on arrival, as the message has no time of that. Any other
// update is a sign of life. What severity means is set in Frigate, by labels and zones: it is no sign of theft by itself.
// data is not read: its sub_labels are names of people.
func (d *Decoder) frigateReview(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	var kind word
	var before, after frigateReview
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "type":
			return c.word(&kind, wantText)
		case "before":
			return before.read(c)
		case "after":
			return after.read(c)
		}
		return nil
	})
	if r != nil {
		return r
	}
	if r := frigateType(c, kind, after.given); r != nil {
		return r
	}
	absent := func(member, why string) *Rejection {
		return &Rejection{Code: CodeMissing, Path: "/after/" + member, Reason: member + " is missing: " + why}
	}
	switch {
	case !after.id.set:
		return absent("id", "give the review's id")
	case after.severity != "alert" && after.severity != "detection":
		return &Rejection{Code: CodeRange, Path: "/after/severity",
			Reason: fmt.Sprintf("severity is %q: alert or detection is wanted", clip([]byte(after.severity)))}
	case kind.v == "new" && after.start.IsZero():
		return absent("start_time", "give when it began, seconds since 1970")
	case kind.v == "end" && after.end.IsZero():
		return absent("end_time", "give when it ended, seconds since 1970")
	}
	say := func(name string, on bool) {
		d.add(m, m.ts, fusion.Event{Zone: -1, ID: after.id.v, Name: name, On: on})
	}
	switch {
	case kind.v == "new":
		m.ts = after.start
		say(after.severity, true)
	case kind.v == "end":
		m.ts = after.end
		say(after.severity, false)
	case before.severity != "" && before.severity != after.severity:
		say(before.severity, false)
		say(after.severity, true)
	}
	return nil
}

// frigateReview is a review before or after a change.
type frigateReview struct {
	given      bool
	id         word
	severity   string
	start, end message.Time
}

func (v *frigateReview) read(c *cursor) *Rejection {
	if c.null() {
		return nil
	}
	v.given = true
	return c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "id":
			return c.word(&v.id, wantText)
		case "severity":
			var severity word
			r := c.word(&severity, wantText)
			v.severity = severity.v
			return r
		case "start_time":
			return c.epoch(&v.start)
		case "end_time":
			return c.epoch(&v.end)
		}
		return nil
	})
}
