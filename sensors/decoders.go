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
		{"edgex-llrp", fusion.RFID, (*Decoder).edgexLLRP},
		{"epcis", fusion.Region, (*Decoder).epcis},
		{"impinj", fusion.RFID, (*Decoder).impinj},
		{"smartreader", fusion.RFID, (*Decoder).smartReader},
		{"zebra-fx", fusion.RFID, (*Decoder).zebraFX},
		{"zebra-handheld", fusion.RFID, (*Decoder).zebraHandheld},
		{"zebra-iotc", fusion.RFID, (*Decoder).zebraIoTC},
	}
}
