package sensors

import "magpie/fusion"

// vendor is a decoder of another maker's payloads.
type vendor struct {
	name string // as sources in the site file name it
	kind fusion.Kind
	read reader
}

// tellsWho reports whether the payloads of a decoder can hold a name, a face, an embedding or a number plate. It never reads
// those (but a cashier as the site lets it, and a customer's number to tell sales apart), and what is rejected is not sent back.
func tellsWho(decoder string) bool {
	switch decoder {
	case "axis-scene", "deepstream", "frigate", "frigate-review", "onvif", "onvif-count", "onvif-track", "rtsf-till", "scenescape",
		"scenescape-region", "sco":
		return true
	}
	return false
}

// vendors lists the decoders that a site file may name, one a line.
func vendors() []vendor {
	return []vendor{
		{"asc-weight", fusion.Weight, (*Decoder).ascWeight},
		{"axis-counter", fusion.Count, (*Decoder).axisCounter},
		{"axis-scene", fusion.Tracks, (*Decoder).axisScene},
		{"deepstream", fusion.Tracks, (*Decoder).deepstream},
		{"edge-script", fusion.Signal, (*Decoder).edgeScript},
		{"edgex-llrp", fusion.RFID, (*Decoder).edgexLLRP},
		{"epcis", fusion.Region, (*Decoder).epcis},
		{"esphome", fusion.Weight, (*Decoder).esphome},
		{"frigate", fusion.Region, (*Decoder).frigate},
		{"frigate-review", fusion.Signal, (*Decoder).frigateReview},
		{"impinj", fusion.RFID, (*Decoder).impinj},
		{"onvif", fusion.Signal, (*Decoder).onvif},
		{"onvif-count", fusion.Count, (*Decoder).onvifCount},
		{"onvif-track", fusion.Tracks, (*Decoder).onvifTrack},
		{"rtsf-region", fusion.Region, (*Decoder).rtsfRegion},
		{"rtsf-rfid", fusion.Region, (*Decoder).rtsfRFID},
		{"rtsf-till", fusion.TillKind, (*Decoder).rtsfTill},
		{"rtsf-weight", fusion.Weight, (*Decoder).rtsfWeight},
		{"scenescape", fusion.Tracks, (*Decoder).scenescape},
		{"scenescape-region", fusion.Region, (*Decoder).scenescapeRegion},
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
