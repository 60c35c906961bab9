package sensors

import "magpie/fusion"

// vendor is a decoder of another maker's payloads.
type vendor struct {
	name string // as sources in the site file name it
	kind fusion.Kind
	read reader
	who  bool // a payload can hold a name, a face, an embedding or a number plate
}

// vendors lists the decoders that a site file may name, one a line. Those whose payloads can tell who somebody is never read
// that (but a cashier as the site lets it, and a customer's number to tell sales apart), and what they reject is not sent back.
func vendors() []vendor {
	return []vendor{
		{"asc-weight", fusion.Weight, (*Decoder).ascWeight, false},
		{"axis-counter", fusion.Count, (*Decoder).axisCounter, false},
		{"axis-scene", fusion.Tracks, (*Decoder).axisScene, true},
		{"deepstream", fusion.Tracks, (*Decoder).deepstream, true},
		{"edge-script", fusion.Signal, (*Decoder).edgeScript, false},
		{"edgex-llrp", fusion.RFID, (*Decoder).edgexLLRP, false},
		{"epcis", fusion.Region, (*Decoder).epcis, false},
		{"esphome", fusion.Weight, (*Decoder).esphome, false},
		{"frigate", fusion.Region, (*Decoder).frigate, true},
		{"frigate-review", fusion.Signal, (*Decoder).frigateReview, true},
		{"impinj", fusion.RFID, (*Decoder).impinj, false},
		{"onvif", fusion.Signal, (*Decoder).onvif, true},
		{"onvif-count", fusion.Count, (*Decoder).onvifCount, true},
		{"onvif-track", fusion.Tracks, (*Decoder).onvifTrack, true},
		{"rtsf-region", fusion.Region, (*Decoder).rtsfRegion, false},
		{"rtsf-rfid", fusion.Region, (*Decoder).rtsfRFID, false},
		{"rtsf-till", fusion.TillKind, (*Decoder).rtsfTill, true},
		{"rtsf-weight", fusion.Weight, (*Decoder).rtsfWeight, false},
		{"scenescape", fusion.Tracks, (*Decoder).scenescape, true},
		{"scenescape-region", fusion.Region, (*Decoder).scenescapeRegion, true},
		{"sco", fusion.TillKind, (*Decoder).sco, true},
		{"sco-camera", fusion.Region, (*Decoder).scoCamera, false},
		{"sco-rfid", fusion.Region, (*Decoder).scoRFID, false},
		{"smartreader", fusion.RFID, (*Decoder).smartReader, false},
		{"sparkplug", fusion.Status, (*Decoder).sparkplug, false}, // the site file says the kind
		{"tasmota", fusion.Weight, (*Decoder).tasmota, false},
		{"zebra-fx", fusion.RFID, (*Decoder).zebraFX, false},
		{"zebra-handheld", fusion.RFID, (*Decoder).zebraHandheld, false},
		{"zebra-iotc", fusion.RFID, (*Decoder).zebraIoTC, false},
	}
}
