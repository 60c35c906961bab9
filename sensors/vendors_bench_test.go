package sensors

import (
	"encoding/json"
	"testing"

	"magpie/fusion"
)

// plain are the structs that encoding/json reads a fixture into beside the decoder, by vendor and shape: what anybody
// would write for that payload. A fixture that is not here is not measured.
// One that is not JSON has nothing beside it.
var plain = map[string]func() any{
	"asc-weight/weight":           func() any { return new(ascPlain) },
	"axis-counter/push":           func() any { return new(axisCounterPlain) },
	"axis-scene/beta":             func() any { return new(axisPlain) },
	"axis-scene/frame-v1":         func() any { return new(axisPlain) },
	"deepstream/full":             func() any { return new(deepstreamPlain) },
	"deepstream/minimal":          func() any { return new(deepstreamPlain) },
	"edge-script/seconds":         func() any { return new(edgeScriptPlain) },
	"edgex-llrp/event":            func() any { return new(edgexPlain) },
	"epcis/urn":                   func() any { return new(epcisPlain) },
	"esphome/state":               func() any { return new(float64) },
	"frigate-review/new":          func() any { return new(reviewPlain) },
	"frigate/update":              func() any { return new(frigatePlain) },
	"impinj/array":                func() any { return new([]impinjPlain) },
	"impinj/object":               func() any { return new(impinjPlain) },
	"onvif-count/in":              func() any { return new(onvifPlain) },
	"onvif-track/specification":   func() any { return new(onvifTrackPlain) },
	"onvif/items":                 func() any { return new(onvifItemsPlain) },
	"onvif/line":                  func() any { return new(onvifPlain) },
	"rtsf-region/entered":         func() any { return new(rtsfPlain) },
	"rtsf-rfid/exited":            func() any { return new(rtsfPlain) },
	"rtsf-till/scanned-item":      func() any { return new(rtsfPlain) },
	"rtsf-weight/total":           func() any { return new(rtsfPlain) },
	"scenescape-region/crossings": func() any { return new(scenescapeRegionPlain) },
	"scenescape/data":             func() any { return new(scenescapePlain) },
	"sco-camera/seen":             func() any { return new(scoPlain) },
	"sco-rfid/in":                 func() any { return new(scoPlain) },
	"sco/scan":                    func() any { return new(scoPlain) },
	"smartreader/tags":            func() any { return new(smartPlain) },
	"sparkplug/ndata":             nil,
	"tasmota/sensor":              func() any { return new(tasmotaPlain) },
	"zebra-fx/several":            func() any { return new(fxPlain) },
	"zebra-handheld/tags":         func() any { return new(handheldPlain) },
	"zebra-iotc/custom":           func() any { return new(zebraPlain) },
	"zebra-iotc/portal-array":     func() any { return new([]zebraPlain) },
}

type axisBox struct{ Left, Top, Right, Bottom float64 }

type axisPlain struct {
	Frame struct {
		Timestamp    string
		Observations []struct {
			TrackID     string  `json:"track_id"`
			BoundingBox axisBox `json:"bounding_box"`
			Class       struct {
				Type  string
				Score float64
			}
		}
		Operations []struct{ Type, ID, From, To string }
	}
	Timestamp  string
	Detections []struct {
		ObjectTrackID string  `json:"object_track_id"`
		BoundingBox   axisBox `json:"bounding_box"`
		Class         struct {
			Type  string
			Score float64
		}
	}
	TrackEvents []struct {
		Type          string
		ObjectTrackID string `json:"object_track_id"`
		FromID        string `json:"from_id"`
	} `json:"track_events"`
}

type deepstreamPlain struct {
	Timestamp string `json:"@timestamp"`
	Sensor    struct{ ID string }
	SensorID  string
	Objects   []string
	Object    struct {
		ID     string
		Person struct{ Confidence float64 }
		BBox   struct{ TopLeftX, TopLeftY, BottomRightX, BottomRightY float64 }
	}
	Event struct{ Type string }
}

type frigateObjectPlain struct {
	ID, Camera, Label string
	FrameTime         float64  `json:"frame_time"`
	EndTime           *float64 `json:"end_time"`
	TopScore          float64  `json:"top_score"`
	Score             float64
	FalsePositive     bool     `json:"false_positive"`
	CurrentZones      []string `json:"current_zones"`
}

type frigatePlain struct {
	Type          string
	Before, After frigateObjectPlain
}

type reviewPlain struct {
	Type          string
	Before, After struct {
		ID, Camera, Severity string
		StartTime            float64  `json:"start_time"`
		EndTime              *float64 `json:"end_time"`
	}
}

type onvifPlain struct {
	UtcTime      string
	Source, Data map[string]any
}

type onvifItemsPlain struct {
	UtcTime      string
	Source, Data struct {
		SimpleItem []struct{ Name, Value string }
	}
}

type xyPlain struct {
	X string `json:"@x"`
	Y string `json:"@y"`
}

type onvifTrackPlain struct {
	Frame []struct {
		UtcTime        string `json:"@UtcTime"`
		Transformation struct{ Translate, Scale xyPlain }
		Object         []struct {
			ObjectID   string `json:"@ObjectId"`
			Appearance struct {
				Shape struct {
					BoundingBox struct {
						Left   string `json:"@left"`
						Top    string `json:"@top"`
						Right  string `json:"@right"`
						Bottom string `json:"@bottom"`
					}
				}
				Class struct {
					Likelihood string `json:"@Likelihood"`
					Text       string `json:"#text"`
				}
			}
		}
	}
}

type scenescapeObjectPlain struct {
	ID, Category string
	Confidence   float64
	Translation  [3]float64
}

type scenescapePlain struct {
	Timestamp string
	Objects   []scenescapeObjectPlain
}

type scenescapeRegionPlain struct {
	Timestamp  string
	RegionName string `json:"region_name"`
	Entered    []scenescapeObjectPlain
	Exited     []struct{ Object scenescapeObjectPlain }
}

type ascPlain struct {
	SensorID     string  `json:"sensor_id"`
	WeightOfItem float64 `json:"weight_of_item"`
	ItemID       string  `json:"item_id"`
}

type axisCounterPlain struct {
	APIName, APIVersion, UTCSent, LocalSent string
	Data                                    struct {
		UTCFrom, UTCTo, LocalFrom, LocalTo string
		Measurements                       []struct {
			Kind, UTCFrom, UTCTo, LocalFrom, LocalTo string
			Items                                    []struct {
				Direction     string
				Count, Adults int
			}
		}
	}
	Sensor struct{ Application, ApplicationVersion, Timezone, Name, Serial, IPAddress string }
}

type edgeScriptPlain struct {
	Type      string
	Timestamp float64
	Position  [2]float64
	Objects   []string
}

type rtsfPlain struct {
	LaneID        string `json:"lane_id"`
	BasketID      string `json:"basket_id"`
	ProductID     string `json:"product_id"`
	ProductIDType string `json:"product_id_type"`
	ProductName   string `json:"product_name"`
	Quantity      float64
	QuantityUnit  string  `json:"quantity_unit"`
	UnitPrice     float64 `json:"unit_price"`
	CustomerID    string  `json:"customer_id"`
	EmployeeID    string  `json:"employee_id"`
	ScaleID       string  `json:"scale_id"`
	Total         float64
	Units, EPC    string
	ROIName       string `json:"roi_name"`
	ROIAction     string `json:"roi_action"`
	EventTime     int64  `json:"event_time"`
}

type scoPlain struct {
	Timestamp, Status string
	StationID         string `json:"station_id"`
	Data              struct {
		CustomerID                  string `json:"customer_id"`
		SKU, Barcode, EPC, Location string
		ProductName                 string `json:"product_name"`
		PredictedProduct            string `json:"predicted_product"`
		Price, Accuracy             float64
		WeightG                     float64 `json:"weight_g"`
	}
}

type tasmotaPlain struct {
	Time  string
	HX711 struct{ Weight, WeightRaw, AbsRaw float64 }
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
		fresh, measured := plain[f.vendor+"/"+f.shape]
		if !measured {
			continue
		}
		beside := 0.0
		if fresh != nil {
			b.Run(f.vendor+"/"+f.shape+"/json", func(b *testing.B) {
				b.SetBytes(int64(len(f.payload)))
				b.ReportAllocs()
				for b.Loop() {
					if err := json.Unmarshal(f.payload, fresh()); err != nil {
						b.Fatal(err)
					}
				}
				beside = perSecond(b, 0)
			})
		}
		b.Run(f.vendor+"/"+f.shape+"/magpie", func(b *testing.B) {
			var m fusion.Message
			b.SetBytes(int64(len(f.payload)))
			b.ReportAllocs()
			for b.Loop() {
				if err := f.d.DecodeInto(&m, received, f.topic, false, f.payload); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, beside)
		})
	}
}
