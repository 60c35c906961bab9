package sensors

import (
	"encoding/json"
	"testing"
)

// plain are the structs that encoding/json reads a fixture into beside the decoder, by vendor and shape: what anybody
// would write for that payload. A fixture that is not here is not measured.
var plain = map[string]func() any{
	"edgex-llrp/event":        func() any { return new(edgexPlain) },
	"epcis/urn":               func() any { return new(epcisPlain) },
	"impinj/array":            func() any { return new([]impinjPlain) },
	"impinj/object":           func() any { return new(impinjPlain) },
	"smartreader/tags":        func() any { return new(smartPlain) },
	"zebra-fx/several":        func() any { return new(fxPlain) },
	"zebra-handheld/tags":     func() any { return new(handheldPlain) },
	"zebra-iotc/custom":       func() any { return new(zebraPlain) },
	"zebra-iotc/portal-array": func() any { return new([]zebraPlain) },
}

type edgexPlain struct {
	ApiVersion, Id, DeviceName, ProfileName, SourceName string
	Origin                                              int64
	Readings                                            []struct {
		Id, DeviceName, ResourceName, ProfileName, ValueType, Value string
		Origin                                                      int64
		ObjectValue                                                 struct {
			TagReportData []struct {
				EPCData struct {
					EPCNumBits int
					EPC        []byte
				}
				EPC96                     struct{ EPC []byte }
				AntennaID, PeakRSSI       *int
				FirstSeenUTC, LastSeenUTC *uint64
			}
		}
	}
}

type epcisPlain struct {
	EventID, Type, Action, BizStep, Disposition string
	EPCList                                     []string
	EventTime, EventTimeZoneOffset              string
	ReadPoint                                   struct{ ID string }
}

type smartPlain struct {
	ReaderName, MAC, Site string
	TagReads              []struct {
		EPC, AntennaZone, TID      string
		FirstSeenTimestamp         int64
		AntennaPort, Frequency     int
		PeakRSSI, TxPower, RFPhase float64
		Gpi1Status, Gpi2Status     string
		TagDataKeyName, TagDataKey string
		TagDataSerial              string
		TagDataPureIdentity        string
	} `json:"tag_reads"`
}

type fxPlain struct {
	ReaderName string `json:"reader_name"`
	MACAddress string `json:"mac_address"`
	TagReads   []struct {
		EPC, PC, SeenCount, TimeStamp, Phase, ChannelIndex string
		AntennaPort, PeakRSSI                              any
	} `json:"tag_reads"`
}

type handheldPlain struct {
	Type, Timestamp string
	Data            struct {
		TagData []struct {
			EPCid, EPC, TID          string
			Channel, PeakRSSI, Phase float64
			EventNum, SeenCount      int
			AccessResults            []string
		}
	}
}

type zebraPlain struct {
	Type, Timestamp string
	Data            struct {
		IDHex, Format, TID       string
		PeakRSSI, Phase, Channel float64
		Antenna, EventNum, Reads int
	}
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
