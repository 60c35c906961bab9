package sensors

import "magpie/fusion"

// vendor is a decoder of another maker's payloads.
type vendor struct {
	name string // as sources in the site file name it
	kind fusion.Kind
	read reader
}

// vendors lists the decoders that a site file may name, one a line.
func vendors() []vendor {
	return []vendor{
		{"asc-weight", fusion.Weight, (*Decoder).ascWeight},
		{"axis-counter", fusion.Count, (*Decoder).axisCounter},
		{"edge-script", fusion.Signal, (*Decoder).edgeScript},
		{"edgex-llrp", fusion.RFID, (*Decoder).edgexLLRP},
		{"epcis", fusion.Region, (*Decoder).epcis},
		{"esphome", fusion.Weight, (*Decoder).esphome},
		{"impinj", fusion.RFID, (*Decoder).impinj},
		{"rtsf-region", fusion.Region, (*Decoder).rtsfRegion},
		{"rtsf-rfid", fusion.Region, (*Decoder).rtsfRFID},
		{"rtsf-till", fusion.TillKind, (*Decoder).rtsfTill},
		{"rtsf-weight", fusion.Weight, (*Decoder).rtsfWeight},
		{"sco", fusion.TillKind, (*Decoder).sco},
		{"sco-camera", fusion.Region, (*Decoder).scoCamera},
		{"sco-rfid", fusion.Region, (*Decoder).scoRFID},
		{"smartreader", fusion.RFID, (*Decoder).smartReader},
		{"sparkplug", fusion.Status, (*Decoder).sparkplug}, // the site file says the kind
		{"tasmota", fusion.Weight, (*Decoder).tasmota},
		{"zebra-fx", fusion.RFID, (*Decoder).zebraFX},
		{"zebra-handheld", fusion.RFID, (*Decoder).zebraHandheld},
		{"zebra-iotc", fusion.RFID, (*Decoder).zebraIoTC},
	}
}
