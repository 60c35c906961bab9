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
	}
}
