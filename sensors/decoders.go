package sensors

import "magpie/fusion"

// vendor is a decoder of another maker's payloads.
type vendor struct {
	name string // as sources in the site file name it
	kind fusion.Kind
	read func(d *Decoder, m *draft, payload []byte) *Rejection
}

// vendors lists the decoders that a site file may name, one a line.
func vendors() []vendor {
	return []vendor{
		{"impinj", fusion.RFID, (*Decoder).impinj},
		{"tasmota", fusion.Weight, (*Decoder).tasmota},
		{"esphome", fusion.Weight, (*Decoder).esphome},
		{"asc-weight", fusion.Weight, (*Decoder).ascWeight},
		{"sparkplug", fusion.Status, (*Decoder).sparkplug}, // the site file says the kind
		{"rtsf-till", fusion.TillKind, (*Decoder).rtsfTill},
		{"rtsf-weight", fusion.Weight, (*Decoder).rtsfWeight},
		{"rtsf-region", fusion.Region, (*Decoder).rtsfRegion},
		{"rtsf-rfid", fusion.Region, (*Decoder).rtsfRFID},
		{"sco", fusion.TillKind, (*Decoder).sco},
		{"sco-rfid", fusion.Region, (*Decoder).scoRFID},
		{"sco-camera", fusion.Region, (*Decoder).scoCamera},
		{"axis-counter", fusion.Count, (*Decoder).axisCounter},
		{"edge-script", fusion.Signal, (*Decoder).edgeScript},
	}
}
