package sensors

import (
	"encoding/json"
	"testing"

	"magpie/fusion"
)

// everyKind is a payload of every kind of the contract, and the struct that anybody would write for it.
var everyKind = []struct {
	name, topic, payload string
	plain                func() any
}{
	{"rfid", "magpie/v1/s042/rfid/r-door", `{"ts":"2026-11-22T10:00:00.123Z","seq":881,"epc":"303404579800D6800004CB2F","antenna":1,"rssi":-54.5}`,
		func() any {
			return new(struct {
				TS      string  `json:"ts"`
				Seq     int64   `json:"seq"`
				EPC     string  `json:"epc"`
				Antenna int     `json:"antenna"`
				RSSI    float64 `json:"rssi"`
			})
		}},
	{"weight", "magpie/v1/s042/weight/g1", `{"ts":1795341600123,"rate":60,"grams":[5021.3,5021.1,4399.8]}`,
		func() any {
			return new(struct {
				TS    int64     `json:"ts"`
				Rate  float64   `json:"rate"`
				Grams []float64 `json:"grams"`
			})
		}},
	{"track", "magpie/v1/s042/track/cam-1", `{"ts":"2026-11-22T10:00:00.123Z","frame":[1280,720],"tracks":[{"track":"17","class":"person","conf":0.91,"box":[410,120,90,260],"floor":[3.2,7.9]}],"lost":["12"]}`,
		func() any {
			return new(struct {
				TS     string `json:"ts"`
				Frame  [2]int `json:"frame"`
				Tracks []struct {
					Track string      `json:"track"`
					Class string      `json:"class"`
					Conf  float64     `json:"conf"`
					Box   [4]float64  `json:"box"`
					Floor *[2]float64 `json:"floor"`
				} `json:"tracks"`
				Lost []string `json:"lost"`
			})
		}},
	{"till", "magpie/v1/s042/till/sco-1", `{"ts":"2026-11-22T10:00:00.123Z","session":"t1-0042","action":"scan","sku":"071142008582","price":1.99}`,
		func() any {
			return new(struct {
				TS      string  `json:"ts"`
				Session string  `json:"session"`
				Action  string  `json:"action"`
				SKU     string  `json:"sku"`
				Price   float64 `json:"price"`
			})
		}},
	{"region", "magpie/v1/s042/region/axis-3", `{"ts":1795341600123,"object":"7","class":"person","action":"exit","zone":"door"}`,
		func() any {
			return new(struct {
				TS     int64  `json:"ts"`
				Object string `json:"object"`
				Class  string `json:"class"`
				Action string `json:"action"`
				Zone   string `json:"zone"`
			})
		}},
	{"gate", "magpie/v1/s042/gate/eas-1", `{"ts":1795341600123,"alarm":true,"direction":"out"}`,
		func() any {
			return new(struct {
				TS        int64  `json:"ts"`
				Alarm     bool   `json:"alarm"`
				Direction string `json:"direction"`
			})
		}},
	{"count", "magpie/v1/s042/count/c-1", `{"ts":1795341600123,"in":2,"out":0}`,
		func() any {
			return new(struct {
				TS  int64 `json:"ts"`
				In  int   `json:"in"`
				Out int   `json:"out"`
			})
		}},
	{"signal", "magpie/v1/s042/signal/line-1", `{"ts":1795341600123,"name":"line","object":"3"}`,
		func() any {
			return new(struct {
				TS     int64  `json:"ts"`
				Name   string `json:"name"`
				Object string `json:"object"`
			})
		}},
	{"stock", "magpie/v1/s042/stock/erp-1", `{"ts":1795341600123,"sku":"71142008582","units":40}`,
		func() any {
			return new(struct {
				TS    int64   `json:"ts"`
				SKU   string  `json:"sku"`
				Units float64 `json:"units"`
			})
		}},
	{"status", "magpie/v1/s042/status/r-door", `{"state":"online","every":5}`,
		func() any {
			return new(struct {
				State string  `json:"state"`
				Every float64 `json:"every"`
			})
		}},
}

// BenchmarkDecode decodes a message of every kind of the contract, as a run does, and kept for later, beside encoding/json,
// which only reads the same bytes into a struct: no time is parsed there, and nothing checked. x-json is how many times as fast
// as that it is.
func BenchmarkDecode(b *testing.B) {
	d := decoder(b)
	for _, s := range everyKind {
		payload := []byte(s.payload)
		beside := 0.0
		b.Run(s.name+"/encoding-json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := json.Unmarshal(payload, s.plain()); err != nil {
					b.Fatal(err)
				}
			}
			beside = perSecond(b, 0)
		})
		b.Run(s.name, func(b *testing.B) {
			var m fusion.Message
			b.ReportAllocs()
			for b.Loop() {
				if err := d.DecodeInto(&m, received, s.topic, false, payload); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, beside)
		})
		b.Run(s.name+"/kept", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(received, s.topic, false, payload); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, beside)
		})
	}
}

// perSecond reports the messages a second of a benchmark that has run, and how many times those beside it they are.
func perSecond(b *testing.B, beside float64) float64 {
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "messages/s")
	if beside > 0 {
		b.ReportMetric(rate/beside, "x-json")
	}
	return rate
}

// TestAllocations holds decoding to its allocations: none for strings that came before, and one for the events of who keeps them.
func TestAllocations(t *testing.T) {
	d := decoder(t)
	for _, s := range everyKind {
		payload := []byte(s.payload)
		var m fusion.Message
		into := testing.AllocsPerRun(100, func() {
			if err := d.DecodeInto(&m, received, s.topic, false, payload); err != nil {
				t.Fatal(err)
			}
		})
		kept := testing.AllocsPerRun(100, func() {
			if _, err := d.Decode(received, s.topic, false, payload); err != nil {
				t.Fatal(err)
			}
		})
		if into > 0 || kept > 1 {
			t.Errorf("%s: %v allocations a message, and %v where it is kept: at most 0 and 1", s.name, into, kept)
		}
	}
}
