package sensors

import (
	"bytes"
	"fmt"
	"strings"

	"magpie/fusion"
	"magpie/sensors/message"
)

// onvif reads events as cameras of ONVIF profile M publish them (ONVIF Core, JSON event payload), on a topic such as
// MyDevice/onvif-ej/RuleEngine/LineDetector/Crossed/&1/2/MyImportantFence1:
//
//	{"UtcTime":"2008-10-10T12:24:57.321Z","Source":{"VideoSource":"1","AnalyticsConfiguration":"2","Rule":"MyImportantFence1"},
//	 "Data":{"ObjectId":"15"}}
//
// and not flattened, as Hanwha's do too; numbers and booleans may stand in quotes or not:
//
//	{"UtcTime":"2026-11-22T10:00:00.123Z","Source":{"SimpleItem":[{"Name":"RelayToken","Value":"Relay-1"}]},
//	 "Data":{"SimpleItem":[{"Name":"LogicalState","Value":"active"}]}}
//
// The signal's name is what the topic says between onvif-ej and &: line for LineDetector, loiter for ObjectIsLoitering, tamper
// for TamperDetector, GlobalSceneChange and ImageToo…, input for DigitalInput, relay, motion, field for FieldDetector, else the
// last level in lower case. Its state is State, LogicalState, Is… (true or false, active or inactive) or else what in Data is
// true or false; without one it happened. The object is ObjectId. An empty payload, such as a heartbeat, is a sign of life.
//
// A signal of the site file with a rule takes the events of that rule only: the rule is Rule of Source, else its InputToken or
// RelayToken, else the topic's last level. The entry of sources names one of the camera's signals, the rule finds the right
// one. Nothing else of Data is read: it can be a face or a number plate.
func (d *Decoder) onvif(m *draft, payload []byte) *Rejection {
	var e onvifEvent
	if alive, r := d.onvifEvent(m, payload, &e); alive || r != nil {
		return r
	}
	if r := d.ruled(m, e.rule); r != nil {
		return r
	}
	d.add(m, m.ts, fusion.Event{Zone: -1, ID: e.object, Name: d.c.keep([]byte(onvifName(e.path))), On: !e.state.set || e.state.v})
	return nil
}

// onvifEvent is an event before it is known what it tells.
type onvifEvent struct {
	path          string // of the topic, from onvif-ej to &
	rule, token   string
	object        string
	state, strong flag // strong: of a member whose name says that it is the state
	count         integer
}

// onvifEvent reads an event; alive says that the payload is empty, a sign of life.
func (d *Decoder) onvifEvent(m *draft, payload []byte, e *onvifEvent) (alive bool, r *Rejection) {
	if len(bytes.TrimSpace(payload)) == 0 {
		return true, nil
	}
	_, path, ok := strings.Cut("/"+m.topic, "/onvif-ej/")
	if !ok {
		return false, &Rejection{Code: CodeMissing, Reason: "the topic has no level onvif-ej, and ONVIF names its events by what is behind it"}
	}
	if r := valid(payload); r != nil {
		return false, r
	}
	c := &d.c
	c.reset(payload)
	r = c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "UtcTime":
			return c.utc(&m.ts)
		case "Source":
			return d.onvifItems(func(name []byte) *Rejection { return e.source(c, name) })
		case "Data":
			return d.onvifItems(func(name []byte) *Rejection { return e.data(c, name) })
		}
		return nil
	})
	switch {
	case r != nil:
		return false, r
	case m.ts.IsZero():
		return false, c.missing("UtcTime", "give the event's time")
	}
	if e.strong.set {
		e.state = e.strong
	}
	e.path, _, _ = strings.Cut(path, "/&")
	if e.rule == "" {
		e.rule = e.token
	}
	if e.rule == "" {
		e.rule = strings.TrimPrefix(path[strings.LastIndexByte(path, '/')+1:], "&")
	}
	return false, nil
}

// onvifItems calls item for every item of a Source or Data, flattened or not.
func (d *Decoder) onvifItems(item func(name []byte) *Rejection) *Rejection {
	c := &d.c
	simple := func() *Rejection {
		var name []byte
		value := 0
		r := c.object(func(member []byte) (r *Rejection) {
			switch string(member) {
			case "Name":
				name, r = c.bytes(wantText)
			case "Value":
				value = c.at
			}
			return r
		})
		if r != nil || value == 0 || name == nil {
			return r
		}
		return c.later(value, "Value", func() *Rejection { return item(name) })
	}
	if c.null() {
		return nil
	}
	return c.object(func(name []byte) *Rejection {
		switch {
		case string(name) != "SimpleItem":
			return item(name)
		case c.text[c.at] == '[':
			return c.array(func(int) *Rejection { return simple() })
		case c.null():
			return nil
		}
		return simple()
	})
}

func (e *onvifEvent) source(c *cursor, name []byte) *Rejection {
	var into *string
	switch string(name) {
	case "Rule", "RuleName":
		into = &e.rule
	case "InputToken", "RelayToken":
		into = &e.token
	default:
		return nil
	}
	b, r := c.scalar()
	*into = c.keep(b)
	return r
}

func (e *onvifEvent) data(c *cursor, name []byte) *Rejection {
	switch string(name) {
	case "ObjectId", "@ObjectId":
		b, r := c.scalar()
		e.object = c.keep(b)
		return r
	case "Object": // Bosch, from firmware 9.80 on: {"Object":{"Object":{"@ObjectId":"15","Appearance":…}}}
		if c.text[c.at] == '{' {
			return c.object(func(name []byte) *Rejection {
				if string(name) == "Object" || string(name) == "@ObjectId" {
					return e.data(c, name)
				}
				return nil
			})
		}
		return nil
	case "Count":
		return c.quotedInteger(&e.count, 0, maxSeq, "a number of people")
	}
	if b := c.text[c.at]; b == '{' || b == '[' {
		return nil
	}
	is, ok := bytes.CutPrefix(name, []byte("Is"))
	strong := string(name) == "State" || string(name) == "LogicalState" || ok && len(is) > 0 && is[0] >= 'A' && is[0] <= 'Z'
	from := c.at
	b := c.text[from:]
	if b[0] == '"' {
		b = c.name()
	} else {
		c.skip()
		b = c.text[from:c.at]
	}
	v := flag{}
	switch strings.ToLower(string(b[:min(len(b), 10)])) {
	case "true", "active":
		v = flag{true, true}
	case "false", "inactive":
		v = flag{false, true}
	case "1", "on":
		v = flag{true, strong}
	case "0", "off":
		v = flag{false, strong}
	}
	switch {
	case strong && !v.set && len(b) > 0 && string(b) != "null":
		return c.reject(CodeType, "says neither true nor false, active nor inactive: leave the event out of what the camera publishes, or map it")
	case strong && v.set:
		e.strong = v
	case v.set && !e.state.set:
		e.state = v
	}
	return nil
}

// scalar reads a string or the text of a number; it is nil for null.
func (c *cursor) scalar() ([]byte, *Rejection) {
	if b := c.text[c.at]; b == '-' || b >= '0' && b <= '9' {
		from := c.at
		c.skip()
		return c.text[from:c.at], nil
	}
	return c.bytes("a string or a number")
}

// id reads an id as it is written, a string or a number.
func (c *cursor) id(into *word) *Rejection {
	b, r := c.scalar()
	if len(b) > 0 {
		*into = word{c.keep(b), true}
	}
	return r
}

// utc reads a time that is UTC where it has no zone.
func (c *cursor) utc(into *message.Time) *Rejection {
	if c.text[c.at] != '"' {
		return c.time(into)
	}
	from := c.at
	b, r := c.bytes("a time in RFC 3339")
	if r != nil {
		return r
	}
	raw := c.text[from:c.at]
	var fixed [64]byte
	const date = len("2008-10-10T")
	if n := len(b); n > date && n < len(fixed)-3 && !bytes.ContainsAny(b[date:], "Zz+-") {
		raw = append(append(append(fixed[:0], '"'), b...), `Z"`...)
	}
	return c.timed(into, raw)
}

// onvifName is what a signal is called whose topic has this path.
func onvifName(path string) string {
	path = strings.ToLower(path)
	for _, known := range [...]struct{ level, name string }{
		{"objectisloitering", "loiter"}, {"loiteringdetector", "loiter"}, {"linedetector", "line"}, {"fielddetector", "field"},
		{"tamper", "tamper"}, {"globalscenechange", "tamper"}, {"imagetoo", "tamper"},
		{"digitalinput", "input"}, {"relay", "relay"}, {"motion", "motion"},
	} {
		if strings.Contains(path, known.level) {
			return known.name
		}
	}
	name := path[strings.LastIndexAny(path, "/:")+1:] // without tns1: and the like
	return strings.ToValidUTF8(name[:min(len(name), maxString)], "")
}

// ruled finds the signal of the site file whose rule a message is about.
func (d *Decoder) ruled(m *draft, rule string) *Rejection {
	id := d.store.Sources[m.Source].ID
	found := -1
	for i := range d.store.Devices {
		switch s := &d.store.Devices[i]; {
		case s.Kind != fusion.Signal:
		case s.ID == id && (s.Rule == "" || s.Rule == rule):
			return nil
		case s.Rule == "" || s.Rule != rule:
		case found >= 0:
			return &Rejection{Code: CodeUnknownSource,
				Reason: fmt.Sprintf("signals %q and %q both have rule %q: give each camera's topics an entry of sources that names its own",
					d.store.Devices[found].ID, s.ID, clip([]byte(rule)))}
		default:
			found = i
		}
	}
	if found < 0 {
		return &Rejection{Code: CodeUnknownSource,
			Reason: fmt.Sprintf("no signal of the site file has rule %q: add one, or switch the rule off in the camera", clip([]byte(rule)))}
	}
	m.Source = d.store.SourceIndex(d.store.Devices[found].ID)
	return nil
}
