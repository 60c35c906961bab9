package sim

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
)

// measuredText holds how sensors and people are: one number a line, with its unit and where it is from. M is measured on
// real data, S read in a source, R recalled, A assumed. What noise does to it: more of it, a share of which more is worse, one
// of which less is worse, or nothing. Policies were tuned after it was written, never the other way.
//
//go:embed measured.csv
var measuredText []byte

// measured is how sensors and people are, by the names of measured.csv.
type measured struct {
	arrivals, visitShelves, groupShare, speedLow, speedHigh                    float64
	recall, missRun, footSide, footAlong, switches, hands, delayNear, delayFar float64
	ghosts                                                                     float64
	plateLow, plateHigh, drift, crossTalk, touch, plateDelay                   float64
	readRate, readBudget, never, cloth, inBag, foil, still, channel, moving    float64
	readDelay, strays, strayRate, tillDelay, gateDetects, gateAlone            float64
	offset, clockDrift, jumps, repeats, gaps, planogram, mistakes              float64
	tall, tallSD, head, feetHidden, feetRun                                    float64
}

func (m *measured) fields() map[string]*float64 {
	return map[string]*float64{
		"arrivals": &m.arrivals, "visit_shelves": &m.visitShelves, "group_share": &m.groupShare,
		"step_speed_low": &m.speedLow, "step_speed_high": &m.speedHigh,
		"camera_recall": &m.recall, "camera_miss_run": &m.missRun, "camera_foot_side": &m.footSide, "camera_foot_along": &m.footAlong,
		"camera_switches": &m.switches, "camera_hands": &m.hands, "camera_delay_near": &m.delayNear, "camera_delay_far": &m.delayFar,
		"camera_ghosts": &m.ghosts,
		"plate_sd_low":  &m.plateLow, "plate_sd_high": &m.plateHigh, "plate_drift": &m.drift, "plate_cross_talk": &m.crossTalk,
		"plate_touch": &m.touch, "plate_delay": &m.plateDelay,
		"read_rate": &m.readRate, "read_budget": &m.readBudget, "read_never": &m.never, "read_cloth": &m.cloth, "read_bag": &m.inBag,
		"read_foil": &m.foil, "read_sd_static": &m.still, "read_sd_channel": &m.channel, "read_sd_moving": &m.moving,
		"read_delay": &m.readDelay, "strays": &m.strays, "stray_rate": &m.strayRate, "till_delay": &m.tillDelay,
		"gate_detects": &m.gateDetects, "gate_rings_alone": &m.gateAlone,
		"clock_offset": &m.offset, "clock_drift": &m.clockDrift, "clock_jumps": &m.jumps, "repeats": &m.repeats, "gaps": &m.gaps,
		"planogram_errors": &m.planogram, "mistakes": &m.mistakes,
		"person_tall": &m.tall, "person_tall_sd": &m.tallSD, "camera_head": &m.head,
		"camera_feet_hidden": &m.feetHidden, "camera_feet_run": &m.feetRun,
	}
}

// newMeasured reads measured.csv; noise scales what is wrong with the sensors, and with spread each number is drawn anew
// between its half and its double.
func newMeasured(d dice, noise float64, spread bool) (*measured, error) {
	m := &measured{}
	fields := m.fields()
	rows, err := csv.NewReader(bytes.NewReader(measuredText)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("measured.csv: %w", err)
	}
	for i, row := range rows[1:] {
		name := row[0]
		x, err := strconv.ParseFloat(row[1], 64)
		to := fields[name]
		if err != nil || to == nil {
			return nil, fmt.Errorf("measured.csv:%d: %s = %s is no number that the simulator knows", i+2, name, row[1])
		}
		delete(fields, name)
		factor := noise
		if spread {
			factor *= math.Exp2(d.between(-1, 1))
		}
		switch row[4] {
		case "more":
			x *= factor
		case "share":
			x = min(1, x*factor)
		case "less": // of which less is worse: scale what is missing
			x = max(0, 1-float64((1-x)*factor))
		case "none":
		default:
			return nil, fmt.Errorf("measured.csv:%d: noise %q is none of more, share, less, none", i+2, row[4])
		}
		*to = x
	}
	for name := range fields {
		return nil, fmt.Errorf("measured.csv has no %s", name)
	}
	return m, nil
}
