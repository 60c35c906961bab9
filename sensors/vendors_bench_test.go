package sensors

import (
	"encoding/json"
	"testing"
)

// plain are the structs that encoding/json reads a fixture into beside the decoder, by vendor and shape: what anybody
// would write for that payload. A fixture that is not here is not measured.
var plain = map[string]func() any{
	"impinj/object": func() any { return new(impinjPlain) },
	"impinj/array":  func() any { return new([]impinjPlain) },
}

type impinjPlain struct {
	Timestamp, EventType string
	TagInventoryEvent    struct {
		EPC, EPCHex, TID, TIDHex, LastSeenTime            string
		AntennaPort                                       int
		PeakRSSICdbm, Frequency, TransmitPowerCdbm, Phase float64
	}
}

// BenchmarkVendors measures whole decodings, from topic and payload to events, and encoding/json on the same payload.
func BenchmarkVendors(b *testing.B) {
	for _, f := range fixtures(b) {
		fresh := plain[f.vendor+"/"+f.shape]
		if fresh == nil {
			continue
		}
		b.Run(f.vendor+"/"+f.shape+"/magpie", func(b *testing.B) {
			b.SetBytes(int64(len(f.payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.d.Decode(received, f.topic, false, f.payload); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(f.vendor+"/"+f.shape+"/json", func(b *testing.B) {
			b.SetBytes(int64(len(f.payload)))
			b.ReportAllocs()
			for b.Loop() {
				if err := json.Unmarshal(f.payload, fresh()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
