package sensors

import (
	"strings"
	"testing"
)

// TestEventIDIsTheIdentity: an EPCIS event that comes again is a duplicate by its eventID, whatever else is written otherwise.
func TestEventIDIsTheIdentity(t *testing.T) {
	d := vendorDecoder(t, "testdata/vendors/epcis/site.yaml")
	ident := func(payload string) uint64 {
		t.Helper()
		m, err := d.Decode(received, "epcis/r-exit/events", false, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return m.Ident
	}
	event := func(id, more string) string {
		return `{` + id + `"type":"ObjectEvent","action":"OBSERVE","eventTime":"2026-11-22T10:00:00Z","readPoint":{"id":"door"},"epcList":["urn:epc:id:sgtin:0614141.107346.2017"]` + more + `}`
	}
	one := ident(event(`"eventID":"urn:uuid:1",`, ""))
	if ident(event(`"eventID":"urn:uuid:1",`, `,"recordTime":"2026-11-22T10:00:02Z"`)) != one {
		t.Error("the same eventID in other bytes is no duplicate")
	}
	if ident(event(`"eventID":"urn:uuid:2",`, "")) == one {
		t.Error("another eventID is taken for a duplicate")
	}
	if a := ident(event("", "")); a == one || a != ident(event("", "")) || a == ident(event("", " ")) {
		t.Error("without an eventID the same bytes and no others are a duplicate")
	}
	list := func(events ...string) string { return "[" + strings.Join(events, ",") + "]" }
	two := list(event(`"eventID":"urn:uuid:1",`, ""), event(`"eventID":"urn:uuid:2",`, ""))
	if a := ident(two); a == one || a != ident(strings.ReplaceAll(two, ",", ", ")) {
		t.Error("two events are a duplicate by both their eventIDs")
	}
	if a := list(event(`"eventID":"urn:uuid:1",`, ""), event("", "")); ident(a) == ident(strings.ReplaceAll(a, ",", ", ")) {
		t.Error("an event without an eventID beside one is a duplicate in other bytes")
	}
}
