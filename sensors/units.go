package sensors

import (
	"magpie/fusion"
	"magpie/sensors/message"
)

// gramsPer is how many grams one of a unit of weight is; ok is false for an unknown one.
func gramsPer(unit string) (grams float64, ok bool) {
	switch unit {
	case "lb", "lbs", "LB", "LBS":
		return 453.59237, true
	case "oz", "OZ":
		return 28.349523125, true
	case "kg", "KG":
		return 1000, true
	case "g", "G":
		return 1, true
	}
	return 0, false
}

// metresPer is how many metres one of a unit of length is.
func metresPer(unit string) float64 {
	switch unit {
	case "cm":
		return 0.01
	case "in":
		return 0.0254
	}
	return 1
}

// takesUnit reports whether a decoder's entry in the site file may say the unit of a weight, and whether it must, since the
// payload does not.
func takesUnit(decoder string) (may, must bool) {
	switch decoder {
	case "esphome", "asc-weight":
		return true, true
	case "tasmota":
		return true, false
	}
	return false, false
}

// load adds what lies on a scale that sends changes, or so seldom that it is taken so: value is in units of grams each. The
// cursor is at the value, for errors.
func (d *Decoder) load(m *draft, ts message.Time, value, per float64) *Rejection {
	grams := float64(value * per)
	if grams < -1e6 || grams > 1e6 {
		hint := ""
		if may, _ := takesUnit(m.entry.Decoder); may {
			hint = "; see to unit in the site file"
		}
		return d.c.reject(CodeRange, "is %g, which is %g g: a load from -1000 to 1000 kg is wanted%s", value, grams, hint)
	}
	d.add(m, ts, fusion.Event{Zone: -1, Grams: grams, Change: true})
	return nil
}

// liveness makes a message one of status: a device that says no more than that it lives or died.
func (m *draft) liveness(ts message.Time, state fusion.Action) { m.ts, m.state = ts, state }
