package sensors

import (
	"errors"
	"strings"
	"testing"
)

// TestManyReadings sends as many readings as fit: whatever they are, no message costs more than ten times its size, and
// what would is rejected.
func TestManyReadings(t *testing.T) {
	fill := func(before, one, after string) string {
		return before + strings.TrimSuffix(strings.Repeat(one+",", (maxPayload-len(before)-len(after))/(len(one)+1)), ",") + after
	}
	decoders := map[string]fixture{}
	for _, f := range fixtures(t) {
		if !strings.HasPrefix(f.shape, "bad") {
			decoders[f.vendor] = f
		}
	}
	for _, test := range []struct{ vendor, topic, payload, code string }{
		{"impinj", "impinj/r-door/events", fill("[", `{"timestamp":1795341600123,"tagInventoryEvent":{"epcHex":"E2","antennaPort":1,"peakRssiCdbm":0}}`, "]"), ""},
		{"impinj", "impinj/r-door/events", strings.Repeat(`{"timestamp":1795341600123,"tagInventoryEvent":{"epcHex":"E2","antennaPort":1,"peakRssiCdbm":0}}`+"\n", 2000), ""},
		{"impinj", "impinj/r-door/events", strings.Repeat(`{"Event":0}`+"\n", 20000), ""},
		{"zebra-iotc", "zebra/r-door/data-event", fill("[", `{"data":{"idHex":"E2","peakRssi":0,"antenna":1},"timestamp":1795341600123}`, "]"), ""},
		{"zebra-handheld", "zebra/DATA/clients/data1event/RFD40-212735201D0053", fill(`{"timestamp":1795341600123,"data":{"tagData":[`, `{"EPC":"E2","peakRssi":0}`, "]}}"), CodeTooBig},
		{"zebra-fx", "fx/r-door", fill(`{"tag_reads":[`, `{"epc":"E2","antennaPort":1,"peakRssi":0,"timeStamp":"1/1/2026 1:1:1"}`, "]}"), ""},
		{"smartreader", "smartreader/r-door/tagEvents", fill(`{"tag_reads":[`, `{"epc":"E2","antennaPort":1,"peakRssi":0,"firstSeenTimestamp":1795341600123456}`, "]}"), ""},
		{"edgex-llrp", "edgex/events/device/device-rfid-llrp/Device.LLRP/r-door/ROAccessReport",
			fill(`{"TagReportData":[`, `{"EPC96":{"EPC":"MA"},"AntennaID":1,"PeakRSSI":0,"LastSeenUTC":1795341600123456}`, "]}"), ""},
		{"epcis", "epcis/r-exit/events", fill(`{"type":"ObjectEvent","action":"ADD","eventTime":1795341600123,"readPoint":"door","epcList":[`, `"a:b"`, "]}"), CodeTooBig},
		{"epcis", "epcis/r-exit/events", fill(`{"type":"ObjectEvent","action":"ADD","eventTime":1795341600123,"readPoint":"door","epcList":[`,
			`"urn:epc:id:sgtin:0614141.107346.2017"`, "]}"), ""},
		{"epcis", "epcis/r-exit/events", fill("[", `{"eventID":"a","type":"ObjectEvent","action":"ADD","eventTime":1795341600123,"readPoint":"door","epcList":[]}`, "]"), ""},
		{"edgex-llrp", "edgex/events/device/device-rfid-llrp/Device.LLRP/r-door/ROAccessReport", strings.Repeat(`{"event":`, 9000) + "{}" + strings.Repeat("}", 9000), CodeMissing},
		{"axis-scene", "axis/a/frame", fill(`{"timestamp":1795341600123,"track_events":[`, `{"type":"TrackEnded","object_track_id":"1"}`, "]}"), ""},
		{"axis-scene", "axis/a/frame", fill(`{"timestamp":1795341600123,"detections":[`, `{"track_id":"1","bounding_box":{"left":0,"top":0,"right":1,"bottom":1}}`, "]}"), ""},
		{"deepstream", "retail/cam-1", fill(`{"timestamp":1795341600123,"objects":[`, `"1|2|3|4|5|x"`, "]}"), CodeTooBig},
		{"deepstream", "retail/cam-1", fill(`{"timestamp":1795341600123,"objects":[`, `"957|410.5|120.25|500|380|Person"`, "]}"), ""},
		{"frigate", "frigate/events", fill(`{"type":"new","after":{"id":"1","label":"person","frame_time":1795341600,"current_zones":[`, `"door"`, "]}}"), ""},
		{"onvif", "cam-b/onvif-ej/a/&1", fill(`{"UtcTime":1795341600123,"Data":{"SimpleItem":[`, `{"Name":"a","Value":1}`, "]}}"), ""},
		{"onvif", "cam-b/onvif-ej/a/&1", `{"UtcTime":1795341600123,"Data":` + strings.Repeat(`{"Object":`, 9000) + "0" + strings.Repeat("}", 9001), ""},
		{"onvif-track", "a/onvif-mj/VideoAnalytics/1", fill(`{"Frame":[`, `{"@UtcTime":1795341600123}`, "]}"), ""},
		{"onvif-track", "a/onvif-mj/VideoAnalytics/1", fill(`{"Frame":{"@UtcTime":1795341600123,"ObjectTree":{"Delete":[`, `{"@ObjectId":1}`, "]}}}"), CodeTooBig},
		{"scenescape", "scenescape/regulated/scene/1", fill(`{"timestamp":1795341600123,"objects":[`, `{"id":"1","type":"bag","translation":[1,2,3]}`, "]}"), ""},
		{"scenescape-region", "scenescape/event/region/1/2/3", fill(`{"timestamp":1795341600123,"region_name":"door","entered":[`, `{"id":"1","type":"bag"}`, "]}"), CodeTooBig},
		{"sco", "sco/SCC1/pos", strings.Repeat(`{"timestamp":"2026-11-22T09:59:59","station_id":"SCC1","status":"Active","data":{"customer_id":"C","sku":"P"}}`+"\n", 2300), ""},
		{"sco-rfid", "sco/SCC1/rfid", strings.Repeat(`{"timestamp":"2026-11-22T09:59:59","station_id":"","status":"Active","data":null}`+"\n", 2300), CodeMissing},
		{"axis-counter", "axis/c-1/counts", fill(`{"data":{"measurements":[`, `{"kind":"people-counts","utcTo":1795341600123,"items":[{"direction":"in","count":1},{"direction":"out","count":1}]}`, "]}}"), ""},
		{"rtsf-till", "incoming/data/pos/scanned-item", `{"lane_id":"1","basket_id":"` + strings.Repeat("x", 200_000) + `"}`, CodeRange},
		{"tasmota", "tele/g1/SENSOR", `{"StatusSNS":` + strings.Repeat(`{"StatusSNS":`, 9000) + "0" + strings.Repeat("}", 9001), CodeMissing},
		{"sparkplug", "spBv1.0/store/NDATA/edge-1", strings.Repeat("\x12\x05\x0a\x01W\x50\x01", 30000), ""},
		{"sparkplug", "spBv1.0/store/NDATA/edge-1", strings.Repeat("\x12\x00", 100000), CodeMissing},
		{"esphome", "g1/sensor/load/state", strings.Repeat("9", 200_000), CodeType},
		{"zebra-iotc", "zebra/r-door/data-event", strings.Repeat("[", 9999) + strings.Repeat("]", 9999), CodeType},
	} {
		f := decoders[test.vendor]
		payload := []byte(test.payload)
		var err error
		n := allocated(func() { _, err = f.d.Decode(received, test.topic, false, payload) })
		if most := uint64(10 * len(payload)); n > most {
			t.Errorf("%s: %d bytes allocated for a payload of %d: at most %d", test.vendor, n, len(payload), most)
		}
		var r *Rejection
		if errors.As(err, &r); err != nil && (r == nil || r.Code != test.code) || err == nil && test.code != "" {
			t.Errorf("%s %.60s…: %v; want %q", test.vendor, payload, err, test.code)
		}
	}
}

// TestEPCsHaveOneLimit: a tag has at most 124 hex digits, whoever names it.
func TestEPCsHaveOneLimit(t *testing.T) {
	vendors := map[string]*Decoder{}
	for _, f := range fixtures(t) {
		vendors[f.vendor] = f.d
	}
	vendors[""] = decoder(t)
	for _, test := range []struct{ vendor, topic, payload string }{
		{"", "magpie/v1/s042/rfid/r-door", `{"ts":"arrival","epc":"%","antenna":1,"rssi":-50}`},
		{"", "magpie/v1/s042/till/sco-1", `{"ts":"arrival","session":"1","action":"scan","epc":"%"}`},
		{"sco-rfid", "sco/SCC1/rfid", `{"timestamp":"2026-11-22T09:59:59","station_id":"SCC1","status":"Active","data":{"epc":"%","location":"IN_SCAN_AREA","sku":"PRD_F_14"}}`},
		{"rtsf-rfid", "incoming/data/rfid-roi-mqtt/rfid-roi-event", `{"lane_id":"1","epc":"%","roi_name":"Bagging","roi_action":"ENTERED","event_time":1795341600123}`},
		{"impinj", "impinj/r-door/events", `{"timestamp":1795341600123,"tagInventoryEvent":{"epcHex":"%","antennaPort":1,"peakRssiCdbm":0}}`},
	} {
		for n, want := range map[int]string{124: "", 126: CodeRange} {
			_, err := vendors[test.vendor].Decode(received, test.topic, false, []byte(strings.Replace(test.payload, "%", strings.Repeat("A", n), 1)))
			var r *Rejection
			if errors.As(err, &r); (want == "") != (err == nil) || r != nil && (r.Code != want || !strings.Contains(r.Reason, "at most 124 hex digits")) {
				t.Errorf("%s with %d digits: %v; want %q", test.topic, n, err, want)
			}
		}
	}
}
