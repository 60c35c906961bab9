package sensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"magpie/fusion"
	"magpie/sensors/message"
)

// epcis reads ObjectEvents of GS1's EPCIS 2.0 in JSON: one, an array of them, a document's (epcisBody, eventList), or those of a
// query document, as a subscription to a repository delivers them (epcisBody, queryResults, resultsBody, eventList):
//
//	{"type":"ObjectEvent","eventID":"ni:///sha-256;df7bb3c3…?ver=CBV2.0","action":"OBSERVE","eventTime":"2005-04-03T20:33:31.116-06:00",
//	 "eventTimeZoneOffset":"-06:00","epcList":["urn:epc:id:sgtin:0614141.107346.2017","https://id.gs1.org/01/10614141073464/21/2018"],
//	 "readPoint":{"id":"urn:epc:id:sgln:0614141.07346.1234"},"bizStep":"shipping","disposition":"in_transit"}
//
// It says where goods are, and neither by which antenna nor how loud, so that its events are of kind region: every EPC of
// epcList is an object of class tag, in hex as a tag holds it (fusion.EPCHex; an identifier that no tag holds stays as it is),
// every element of quantityList goods of a GTIN. OBSERVE is cross: it was there at that moment, and at a way out nobody takes it to
// stay. ADD is enter, DELETE is exit. The zone is that of readPoint, else of bizLocation: by zones in the entry of sources, or the
// zone's own id. eventTimeZoneOffset counts where eventTime has no offset. eventID (or several, in order) is the message's identity.
// Events of other types, and those that take an earlier one back (errorDeclaration), are rejected.
func (d *Decoder) epcis(m *draft, payload []byte) *Rejection {
	anonymous := false
	r := d.elements(payload, func() *Rejection { return d.epcisElement(m, &anonymous, false) })
	if anonymous {
		m.id = 0 // the bytes are the identity
	}
	return r
}

// epcisElement reads an event, or with inside not set a document of them. It tells of an event without an id.
func (d *Decoder) epcisElement(m *draft, anonymous *bool, inside bool) *Rejection {
	c := &d.c
	var e epcisEvent
	document, listed := false, false
	var body func(name []byte) *Rejection
	body = func(name []byte) *Rejection {
		switch string(name) {
		case "queryResults", "resultsBody":
			if !c.null() {
				return c.object(body)
			}
		case "eventList":
			if listed = true; !c.null() {
				return c.array(func(int) *Rejection { return d.epcisElement(m, anonymous, true) })
			}
		}
		return nil
	}
	r := c.object(func(name []byte) *Rejection {
		if string(name) == "epcisBody" && !inside && !c.null() {
			document = true
			return c.object(body)
		}
		return e.member(c, name)
	})
	switch {
	case r != nil || listed:
		return r
	case document:
		return c.missing("epcisBody/eventList", "a document has its events there, or in queryResults/resultsBody")
	}
	if r := d.epcisEvent(m, &e); r != nil {
		return r
	}
	*anonymous = *anonymous || !e.id.set
	var room [8 + maxString]byte
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(room[:0], m.id), e.id.v...))
	m.id = binary.BigEndian.Uint64(sum[:])
	return nil
}

// epcisEvent is an event before its lists are read, which need all the rest; those are places in the payload.
type epcisEvent struct {
	what, id, action word
	offset           []byte
	point, location  word
	time             int
	epcs, quantities int
	wrong            bool
}

func (e *epcisEvent) member(c *cursor, name []byte) (r *Rejection) {
	switch string(name) {
	case "type":
		return c.word(&e.what, wantText)
	case "eventID":
		return c.word(&e.id, wantText)
	case "action":
		return c.word(&e.action, wantText)
	case "eventTime":
		e.time = c.at
	case "eventTimeZoneOffset":
		e.offset, r = c.bytes("an offset such as -06:00")
		return r
	case "readPoint":
		return c.named(&e.point)
	case "bizLocation":
		return c.named(&e.location)
	case "epcList":
		if !c.null() {
			e.epcs = c.at
		}
	case "quantityList":
		if !c.null() {
			e.quantities = c.at
		}
	case "errorDeclaration":
		e.wrong = !c.null()
	}
	return nil
}

// named reads {"id":…}, or the id alone.
func (c *cursor) named(into *word) *Rejection {
	if c.text[c.at] != '{' {
		return c.word(into, wantText)
	}
	return c.object(func(name []byte) *Rejection {
		if string(name) == "id" {
			return c.word(into, wantText)
		}
		return nil
	})
}

func (d *Decoder) epcisEvent(m *draft, e *epcisEvent) *Rejection {
	c := &d.c
	refuse := func(member, format string, args ...any) *Rejection {
		return &Rejection{Code: CodeRange, Path: c.pointer(member), Reason: fmt.Sprintf(format, args...)}
	}
	of := fusion.Event{Conf: 1}
	switch e.action.v {
	case "OBSERVE":
		of.Action = fusion.Cross
	case "ADD":
		of.Action = fusion.Enter
	case "DELETE":
		of.Action = fusion.Leave
	}
	place, member := e.point, "readPoint"
	if !place.set {
		place, member = e.location, "bizLocation"
	}
	switch {
	case !e.what.set:
		return c.missing("type", "this is no event of EPCIS 2.0")
	case e.what.v != "ObjectEvent":
		return refuse("type", "type is %q: only an ObjectEvent says where things are, leave others out of the subscription", e.what.v)
	case e.wrong:
		return refuse("errorDeclaration", "the event takes an earlier one back, which cannot be undone here: send a new event that is right")
	case !e.action.set:
		return c.missing("action", "give OBSERVE, ADD or DELETE")
	case of.Action == fusion.NoAction:
		return refuse("action", "action is %q: OBSERVE, ADD or DELETE is wanted", e.action.v)
	case e.time == 0:
		return c.missing("eventTime", "without the time nobody can tell what came first")
	case !place.set:
		return c.missing("readPoint", "give where it happened; the site file's entry says which zone that is (zones)")
	case e.epcs == 0 && e.quantities == 0:
		return c.missing("epcList", "give the EPCs that were seen")
	}
	if of.Zone = d.place(m, place.v); of.Zone < 0 {
		return refuse(member, "the site file says of no zone that it is %q: add it to zones in the entry of sources, with one of %s", place.v, d.zoneIDs())
	}
	var ts message.Time
	if r := c.later(e.time, "eventTime", func() *Rejection { return c.offsetTime(&ts, e.offset) }); r != nil {
		return r
	}
	if e.epcs > 0 {
		if r := c.later(e.epcs, "epcList", func() *Rejection { return d.epcList(m, ts, of) }); r != nil {
			return r
		}
	}
	if e.quantities > 0 {
		return c.later(e.quantities, "quantityList", func() *Rejection { return d.quantityList(m, ts, of) })
	}
	return nil
}

// place is the zone that the site file says a device means by a name; -1 if none.
func (d *Decoder) place(m *draft, name string) int {
	if zone, ok := m.entry.Zones[name]; ok {
		name = zone
	}
	return d.store.ZoneIndex(name)
}

// zoneIDs lists the store's zones for a reason.
func (d *Decoder) zoneIDs() string {
	var ids []string
	for _, z := range d.store.Zones {
		ids = append(ids, z.ID)
	}
	slices.Sort(ids)
	if len(ids) > 20 {
		ids = append(ids[:20], "…")
	}
	return strings.Join(ids, ", ")
}

func (d *Decoder) epcList(m *draft, ts message.Time, of fusion.Event) *Rejection {
	c := &d.c
	of.Name = "tag"
	return c.array(func(int) *Rejection {
		uri, r := c.bytes("a URI such as urn:epc:id:sgtin:0614141.107346.2017")
		if r != nil {
			return r
		}
		if len(uri) == 0 {
			return c.reject(CodeType, "is empty: a URI such as urn:epc:id:sgtin:0614141.107346.2017 is wanted")
		}
		if r := crowded(m); r != nil {
			return r
		}
		of.ID = c.keep(uri)
		if hex, ok := fusion.EPCHex(of.ID); ok {
			of.ID = c.keep([]byte(hex))
		}
		d.add(m, ts, of)
		return nil
	})
}

// quantityList reads elements such as {"epcClass":"urn:epc:idpat:sgtin:4012345.066666.*","quantity":20}.
func (d *Decoder) quantityList(m *draft, ts message.Time, of fusion.Event) *Rejection {
	c := &d.c
	of.Name = "goods"
	return c.array(func(int) *Rejection {
		var class, unit word
		var quantity integer
		r := c.object(func(name []byte) *Rejection {
			switch string(name) {
			case "epcClass":
				return c.word(&class, wantText)
			case "quantity":
				return c.integer(&quantity, 1, 1000, "how many units, 1 to 1000")
			case "uom":
				return c.word(&unit, wantText)
			}
			return nil
		})
		switch {
		case r != nil:
			return r
		case !class.set:
			return c.missing("epcClass", "give the class of goods, such as urn:epc:idpat:sgtin:4012345.066666.*")
		case unit.set:
			return &Rejection{Code: CodeRange, Path: c.pointer("uom"), Reason: fmt.Sprintf("uom is %q: units are counted here, not measured", unit.v)}
		}
		gtin, ok := fusion.EPCClass(class.v)
		if !ok {
			return &Rejection{Code: CodeType, Path: c.pointer("epcClass"),
				Reason: fmt.Sprintf("epcClass is %q: a class with a GTIN is wanted, such as urn:epc:idpat:sgtin:4012345.066666.*", clip([]byte(class.v)))}
		}
		if r := crowded(m); r != nil {
			return r
		}
		of.ID, of.Qty = c.keep([]byte(gtin)), float64(quantity.v)
		d.add(m, ts, of)
		return nil
	})
}

// offsetTime reads RFC 3339, or a local time to which the offset belongs.
func (c *cursor) offsetTime(into *message.Time, offset []byte) *Rejection {
	b := c.text[c.at:]
	end := bytes.IndexByte(b[min(1, len(b)):], '"') + 1
	if end > 12 && len(offset) > 0 && len(offset)+end < 62 && b[0] == '"' {
		text := b[1:end]
		if clock := text[11:]; !bytes.ContainsAny(clock, "Zz+-") {
			c.room = append(append(append(append(c.room[:0], '"'), text...), offset...), '"')
			c.skip()
			return c.timed(into, c.room)
		}
	}
	return c.stamp(into)
}
