package sensors

import (
	"strings"

	"magpie/fusion"
)

// onvifCount reads counters of ONVIF cameras, such as Bosch's, on BoschCam1/onvif-ej/RuleEngine/CountAggregation/Counter/&1/Entry:
//
//	{"UtcTime":"2026-11-22T10:00:00.123Z","Source":{"VideoSource":"1","Rule":"Entry"},"Data":{"Count":"57"}}
//
// A counter is a running total of one direction, which only the camera's owner knows: direction (in or out) in the entry of
// sources says it, and each is a source of its own. The count of an occupancy counter is no people who passed.
func (d *Decoder) onvifCount(m *draft, payload []byte) *Rejection {
	var e onvifEvent
	alive, r := d.onvifEvent(m, payload, &e)
	switch {
	case alive || r != nil:
		return r
	case strings.Contains(e.path, "Occupancy"):
		return &Rejection{Code: CodeRange, Reason: "this is an occupancy counter, how many are inside: " + wantTopics}
	case !e.count.set:
		return &Rejection{Code: CodeMissing, Path: "/Data/Count", Reason: "Count is missing: give the counter's total"}
	}
	total := fusion.Event{Zone: -1, Action: fusion.Other, Qty: float64(e.count.v)}
	if m.entry.Direction == "out" {
		total.Qty, total.QtyOut = 0, total.Qty
	}
	d.add(m, m.ts, total)
	return nil
}
