package sensors

import "magpie/fusion"

// vendor is a decoder of another maker's payloads.
type vendor struct {
	name string // as sources in the site file name it
	kind fusion.Kind
	read reader
}

// tellsWho reports whether the payloads of a decoder can hold a name, a face, an embedding or a number plate. It never reads
// those, and what is rejected is not sent back.
func tellsWho(decoder string) bool {
	switch decoder {
	case "axis-scene", "deepstream", "frigate", "frigate-review", "onvif", "onvif-count", "onvif-track", "scenescape", "scenescape-region":
		return true
	}
	return false
}

// vendors lists the decoders that a site file may name, one a line.
func vendors() []vendor {
	return []vendor{
		{"axis-scene", fusion.Tracks, (*Decoder).axisScene},
		{"deepstream", fusion.Tracks, (*Decoder).deepstream},
		{"edgex-llrp", fusion.RFID, (*Decoder).edgexLLRP},
		{"epcis", fusion.Region, (*Decoder).epcis},
		{"frigate", fusion.Region, (*Decoder).frigate},
		{"frigate-review", fusion.Signal, (*Decoder).frigateReview},
		{"impinj", fusion.RFID, (*Decoder).impinj},
		{"onvif", fusion.Signal, (*Decoder).onvif},
		{"onvif-count", fusion.Count, (*Decoder).onvifCount},
		{"onvif-track", fusion.Tracks, (*Decoder).onvifTrack},
		{"scenescape", fusion.Tracks, (*Decoder).scenescape},
		{"scenescape-region", fusion.Region, (*Decoder).scenescapeRegion},
		{"smartreader", fusion.RFID, (*Decoder).smartReader},
		{"zebra-fx", fusion.RFID, (*Decoder).zebraFX},
		{"zebra-handheld", fusion.RFID, (*Decoder).zebraHandheld},
		{"zebra-iotc", fusion.RFID, (*Decoder).zebraIoTC},
	}
}
