package sensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

const (
	ts       = 1795341600_123_000_000 // 2026-11-22T10:00:00.123Z
	received = ts + 40_000_000
)

// shop is a store with a source of every kind.
func shop() *fusion.Store {
	s := &fusion.Store{ID: "s042", Location: time.FixedZone("CET", 3600),
		Zones:   []fusion.Zone{{ID: "door", Kind: fusion.Exit}},
		Readers: []fusion.Reader{{ID: "r-door", Antennas: map[int]int{1: 0, 3: 0}}},
		Sources: []fusion.Source{{ID: "cam-1", Kind: fusion.Tracks}, {ID: "r-door", Kind: fusion.RFID}, {ID: "g1", Kind: fusion.Weight},
			{ID: "sco-1", Kind: fusion.TillKind}, {ID: "axis-3", Kind: fusion.Region}, {ID: "eas-1", Kind: fusion.Gate},
			{ID: "c-1", Kind: fusion.Count}, {ID: "line-1", Kind: fusion.Signal}, {ID: "erp-1", Kind: fusion.Stock}}}
	s.Index()
	return s
}

// decoder decodes for shop, with foreign topics.
func decoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := NewDecoder(shop(), Options{Foreign: []site.Source{
		{Topic: "impinj/+/events", Decoder: "impinj", ID: "{1}"},
		{Topic: "tele/+/SENSOR", Kind: fusion.Weight, ID: "{1}", Map: []site.Mapping{
			{Member: "ts", Expr: `local(payload.Time)`}, {Member: "grams", Expr: `payload.HX711.WeightRaw / 220.0`}}},
		{Topic: "esphome/sensor/#", Kind: fusion.Weight, ID: "g1", Map: []site.Mapping{
			{Member: "ts", Expr: `"arrival"`}, {Member: "grams", Expr: `float(payload)`}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDecode(t *testing.T) {
	d := decoder(t)
	src := func(id string) int { return d.store.SourceIndex(id) }
	for _, test := range []struct {
		topic, payload string
		want           fusion.Message // Received, Source, Kind and what is zero in events' Hash are filled in below
	}{
		{"magpie/v1/s042/rfid/r-door", `{"ts":"2026-11-22T10:00:00.123Z","seq":881,"epc":"303404579800d6800004CB2F","antenna":1,"rssi":-54.5,"phase":null,"new":{"a":[1,"]"]}}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, ID: "303404579800D6800004CB2F", Antenna: 1, RSSI: -54.5}}}},
		{"magpie/v1/s042/rfid/r-door", `{"reads":[{"ts":1795341600123,"epc":"E2","antenna":3.0,"rssi":-60,"phase":1.5,"channel":866.9},{"ts":1795341600100,"epc":"E2","antenna":1,"rssi":-61}]}`,
			fusion.Message{TS: ts - 23e6, Clocked: true, Events: []fusion.Event{{TS: ts, ID: "E2", Antenna: 3, RSSI: -60, Phase: 1.5, Channel: 866.9}, {TS: ts - 23e6, ID: "E2", Antenna: 1, RSSI: -61}}}},
		{"magpie/v1/s042/weight/g1", `{"ts":1795341600123,"rate":60,"grams":[5021.3,5021.1,4399.8]}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, Grams: 5021.3}, {TS: ts + 16666667, Grams: 5021.1}, {TS: ts + 33333333, Grams: 4399.8}}}},
		{"magpie/v1/s042/weight/g1", `{"ts":1795341600123,"rate":60,"grams":[5021.3,5021.1],"grams":7}`, // of two members of one name the last counts
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, Grams: 7}}}},
		{"magpie/v1/s042/weight/g1", `{"ts":1795341600123,"seq":1,"boot":"7f3a","grams":5021.3}`,
			fusion.Message{TS: ts, Clocked: true, Seq: 2, Events: []fusion.Event{{TS: ts, Grams: 5021.3, Name: "7f3a"}}}},
		{"magpie/v1/s042/weight/g1", `{"ts":"arrival","grams":0,"mode":"change"}`,
			fusion.Message{TS: received, Events: []fusion.Event{{TS: received, Change: true}}}},
		{"magpie/v1/s042/track/cam-1", `{"ts":1795341600123,"frame":[1280,720],"tracks":[{"track":"17","class":"person","conf":0.91,"box":[410,120,90,260],"floor":[3.2,7.9],"sd":[0.1,0.2],"hands":[[1,2,3]],"holding":0.5,"acts":[{"name":"reach","p":0.5}]}],"lost":["12"]}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{
				{TS: ts, ID: "17", Name: "person", Conf: 0.91, Floor: fusion.Point{X: 3.2, Y: 7.9}, SD: fusion.Point{X: 0.1, Y: 0.2}, HasFloor: true, Hands: [][3]float64{{1, 2, 3}}, Holding: 0.5},
				{TS: ts, ID: "12", Action: fusion.Lost}}}},
		{"magpie/v1/s042/track/cam-1", `{"ts":1795341600123,"tracks":[]}`, fusion.Message{TS: ts, Clocked: true}},
		{"magpie/v1/s042/till/sco-1", `{"ts":1795341600123,"session":"t1-0042","action":"scan","sku":"071142008582","price":1.99,"cashier":"c7"}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, Action: fusion.Scan, ID: "t1-0042", SKU: "00071142008582", Qty: 1, Price: 199}}}},
		{"magpie/v1/s042/till/sco-1", `{"ts":1795341600123,"session":"t1","action":"drawer"}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, Action: fusion.Other, ID: "t1", Qty: 1}}}},
		{"magpie/v1/s042/till/sco-1", `{"ts":1795341600123,"session":"t1","action":"tender","amount":12.5}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, Action: fusion.Tender, ID: "t1", Qty: 1, Price: 1250}}}},
		{"magpie/v1/s042/region/axis-3", `{"ts":1795341600123,"object":"7","class":"person","action":"exit","zone":"door"}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, ID: "7", Name: "person", Action: fusion.Leave, Conf: 1}}}},
		{"magpie/v1/s042/gate/eas-1", `{"ts":1795341600123,"alarm":true,"direction":"out"}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, On: true, Action: fusion.Out}}}},
		{"magpie/v1/s042/count/c-1", `{"ts":1795341600123,"in":2,"out":0}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, Qty: 2}}}},
		{"magpie/v1/s042/count/c-1", `{"ts":1795341600123,"total_in":200,"total_out":1}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, Action: fusion.Other, Qty: 200, QtyOut: 1}}}},
		{"magpie/v1/s042/signal/line-1", `{"ts":1795341600123,"name":"line","object":"3"}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, On: true, Name: "line", ID: "3"}}}},
		{"magpie/v1/s042/stock/erp-1", `{"ts":1795341600123,"sku":"71142008582","units":40}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, SKU: "00071142008582", Qty: 40}}}},
		{"magpie/v1/s042/status/r-door", `{"state":"online","every":5,"detail":"warm"}`,
			fusion.Message{TS: received, Events: []fusion.Event{{TS: received, Action: fusion.Online, Every: 5e9}}}},
		{"impinj/r-door/events", `{"timestamp":"2026-11-22T10:00:00.123Z","eventType":"tagInventory","tagInventoryEvent":{"epc":"ikUCJA==","antennaPort":3,"peakRssiCdbm":-7400,"frequency":866900,"transmitPowerCdbm":3150}}`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, ID: "8A450224", Antenna: 3, RSSI: -74, Channel: 866.9}}}},
		{"impinj/r-door/events", `[{"timestamp":"2026-11-22T10:00:00.223Z","eventType":"tagInventory","tagInventoryEvent":{"epc":"ikUCJA==","epcHex":"E28011606000020A6681F23F","antennaPort":1,"peakRssiCdbm":-5450,"lastSeenTime":"2026-11-22T10:00:00.123Z"}}]`,
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, ID: "E28011606000020A6681F23F", Antenna: 1, RSSI: -54.5}}}},
		{"impinj/r-door/events", `{"timestamp":"2026-11-22T10:00:00.123Z","eventType":"tagInventory","tagInventoryEvent":{"epc":"4oARYGAAAgpmgfI_","antennaPort":1,"peakRssiCdbm":-5450}}` + "\n" +
			`{"timestamp":"2026-11-22T10:00:00.123Z","eventType":"inventoryStatus","inventoryStatusEvent":{"inventoryStatus":"running"}}` + "\n",
			fusion.Message{TS: ts, Clocked: true, Events: []fusion.Event{{TS: ts, ID: "E28011606000020A6681F23F", Antenna: 1, RSSI: -54.5}}}},
		{"tele/g1/SENSOR", `{"Time":"2026-11-22T11:00:00","HX711":{"Weight":0,"WeightRaw":4840}}`,
			fusion.Message{TS: ts - 123e6, Clocked: true, Events: []fusion.Event{{TS: ts - 123e6, Grams: 22}}}},
		{"esphome/sensor/load/state", `12.34`, fusion.Message{TS: received, Events: []fusion.Event{{TS: received, Grams: 12.34}}}},
	} {
		got, err := d.Decode(received, test.topic, false, []byte(test.payload))
		if err != nil {
			t.Errorf("%s %s: %v", test.topic, test.payload, err)
			continue
		}
		id, kind := strings.TrimPrefix(test.topic, "magpie/v1/s042/"), ""
		if kind, id, _ = strings.Cut(id, "/"); strings.Contains(id, "/") || kind == "impinj" {
			kind, id = "rfid", "r-door"
			if !strings.HasPrefix(test.topic, "impinj") {
				kind, id = "weight", "g1"
			}
		}
		test.want.Received, test.want.Source, test.want.Ident, test.want.Seq = received, src(id), got.Ident, got.Seq
		for k, name := range fusion.Kinds {
			if name == kind {
				test.want.Kind = fusion.Kind(k)
			}
		}
		for i := range test.want.Events {
			e := &test.want.Events[i]
			e.Source, e.Kind = test.want.Source, test.want.Kind
			if e.Kind != fusion.Region {
				e.Zone = -1
			}
		}
		seen := map[uint64]bool{}
		for i := range got.Events {
			if h := got.Events[i].Hash; h == 0 || seen[h] {
				t.Errorf("%s: hash %d of event %d", test.topic, h, i)
			} else {
				seen[h] = true
			}
			got.Events[i].Hash = 0
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %s:\n%s", test.topic, test.payload, diff)
		}
	}
}

// TestRejections holds the words that vendors read.
func TestRejections(t *testing.T) {
	d := decoder(t)
	var got []string
	var want []string
	for _, test := range []struct{ topic, payload, want string }{
		{"rfid/r-door", `{"ts":1`, `bad_json  the payload is not JSON: unexpected end of JSON input at byte 7`},
		{"rfid/r-door", "{\"epc\":\"\xff\"}", `bad_json  the payload is not UTF-8: send JSON in UTF-8`},
		{"rfid/r-door", ``, `bad_json  the payload is not JSON: unexpected end of JSON input at byte 0`},
		{"rfid/r-door", `[]`, `bad_json  the payload is an array: an object is wanted`},
		{"rfid/r-door", `"` + strings.Repeat("x", 256<<10) + `"`, `too_big  the payload has 262146 bytes: at most 262144 are allowed, send it in parts`},
		{"rfid/r-door", `{"ts":1795341600123,"antenna":1,"rssi":-54}`, `missing /epc epc is missing: give the tag's EPC`},
		{"rfid/r-door", `{"epc":"E2","antenna":1,"rssi":-54}`, `missing /ts ts is missing: give RFC 3339, milliseconds since 1970, or "arrival" where the reader has no clock`},
		{"rfid/r-door", `{"ts":1795341600123,"epc":"E2","antenna":1,"rssi":null}`, `missing /rssi rssi is missing: without the strength nobody can tell where a tag is; switch it on in the reader's settings`},
		{"rfid/r-door", `{"ts":1795341600123,"epc":"E2","antenna":1,"rssi":"-54"}`, `type /rssi rssi is the string "-54": dBm, a number from -150 to 30 is wanted`},
		{"rfid/r-door", `{"ts":1795341600123,"epc":"E2","antenna":1,"rssi":-5450}`, `range /rssi rssi is -5450: dBm, a number from -150 to 30 is wanted`},
		{"rfid/r-door", `{"ts":1795341600123,"epc":"E2","antenna":1,"rssi":1e999}`, `range /rssi rssi is 1e999, beyond any number`},
		{"rfid/r-door", `{"ts":1795341600123,"epc":"urn:x","antenna":1,"rssi":-54}`, `type /epc epc is "urn:x": a string of hex digits is wanted`},
		{"rfid/r-door", `{"ts":1795341600123,"epc":"E2","antenna":1.5,"rssi":-54}`, `type /antenna antenna is 1.5: the number of an antenna is wanted`},
		{"rfid/r-door", `{"ts":1795341600123,"epc":"E2","antenna":7,"rssi":-54}`, `unknown_antenna /antenna the site file has no antenna 7 at reader "r-door": add it`},
		{"rfid/r-door", `{"reads":[{"ts":1795341600123,"epc":"E2","antenna":1,"rssi":-54},{"ts":1795341600123,"epc":7}]}`, `type /reads/1/epc epc is a number: a string of hex digits is wanted`},
		{"rfid/r-door", `{"ts":1795341600123,"reads":[{"epc":"E2","antenna":1,"rssi":-54}]}`, `missing /reads/0/ts ts is missing: give RFC 3339, milliseconds since 1970, or "arrival" where the reader has no clock`},
		{"rfid/r-door", `{"ts":1795341600123,"reads":{}}`, `type /reads reads is an object: an array is wanted`},
		{"rfid/r-door", `{"ts":1795341605164,"epc":"E2","antenna":1,"rssi":-54}`, `future /ts ts is 2026-11-22T10:00:05.164Z, 5.001s after its arrival: set the device's clock, or send "arrival"`},
		{"rfid/r-door", `{"ts":1795341600,"epc":"E2","antenna":1,"rssi":-54}`, `range /ts ts is 1795341600, which is no time near ours: give milliseconds since 1970, not seconds or microseconds, and set the device's clock`},
		{"rfid/r-door", `{"ts":true}`, `type /ts ts is true: give RFC 3339 with an offset, integer milliseconds since 1970, or "arrival"`},
		{"rfid/r-door", `{"ts":1795341600123,"seq":-1}`, `range /seq seq is -1: an integer from 0 to 2^53-1 is wanted`},
		{"rfid/g1", `{}`, `unknown_source  the site file has source "g1" as weight, not rfid`},
		{"rfid/r-9", `{}`, `unknown_source  the site file has no source "r-9": add it, or correct the topic`},
		{"tags/r-door", `{}`, `unknown_kind  kind "tags" is none of rfid, weight, track, till, region, gate, count, signal, stock, status`},
		{"weight/g1", `{"ts":1795341600123}`, `missing /grams grams is missing: give the absolute untared load`},
		{"weight/g1", `{"ts":1795341600123,"grams":[1,2]}`, `missing /rate rate is missing: an array of samples needs the samples a second`},
		{"weight/g1", `{"ts":1795341600123,"grams":[],"rate":10}`, `range /grams grams is an empty array: give at least one sample`},
		{"weight/g1", `{"ts":1795341600123,"grams":[1,null],"rate":10}`, `type /grams/1 grams[1] is null: grams, a number from -1000000 to 1000000 is wanted`},
		{"weight/g1", `{"ts":1795341600123,"grams":[1,2,3,4],"rate":10}`, `range /grams grams spans 300 ms: at most 250 ms are allowed, send shorter arrays`},
		{"weight/g1", `{"ts":1795341600123,"grams":1e7}`, `range /grams grams is 1e+07: grams, a number from -1000000 to 1000000 is wanted`},
		{"weight/g1", `{"ts":1795341600123,"grams":1,"mode":"delta"}`, `range /mode mode is "delta": leave it out, or write "change"`},
		{"track/cam-1", `{"ts":1795341600123}`, `missing /tracks tracks is missing: give an array, empty where the picture shows nothing`},
		{"track/cam-1", `{"ts":1795341600123,"tracks":[{"track":17}]}`, `type /tracks/0/track track is a number: a string in quotes is wanted`},
		{"track/cam-1", `{"ts":1795341600123,"tracks":[{"track":"17","class":"person","conf":0.5}]}`, `missing /tracks/0/box box is missing: give [x, y, width, height] in px`},
		{"track/cam-1", `{"ts":1795341600123,"tracks":[{"track":"17","class":"person","conf":0.5,"box":[1,2,3]}]}`, `type /tracks/0/box box has 3 numbers: 4 are wanted, [x, y, width, height] in px`},
		{"track/cam-1", `{"ts":1795341600123,"tracks":[{"track":"17","class":"person","conf":0.5,"box":[1,2,-3,4]}]}`, `range /tracks/0/box box has a negative width or height: give [x, y, width, height], not two corners`},
		{"track/cam-1", `{"ts":1795341600123,"tracks":[{"track":"17","class":"person","conf":91,"box":[1,2,3,4]}]}`, `range /tracks/0/conf conf is 91: a number from 0 to 1 is wanted`},
		{"track/cam-1", `{"ts":1795341600123,"tracks":[],"lost":[12]}`, `type /lost/0 lost[0] is a number: a string in quotes is wanted`},
		{"till/sco-1", `{"ts":1795341600123,"session":"t1","action":"scan"}`, `missing /sku sku is missing: a scan needs sku or epc`},
		{"till/sco-1", `{"ts":1795341600123,"session":"t1","action":"scan","sku":71142008582}`, `type /sku sku is a number: a string in quotes is wanted`},
		{"till/sco-1", `{"ts":1795341600123,"session":"t1","action":"scan","sku":"1","qty":-1}`, `range /qty qty is -1: a quantity from 0 to 1000000 (a void or refund says so by its action) is wanted`},
		{"till/sco-1", `{"ts":1795341600123,"action":"open"}`, `missing /session session is missing: give the sale's id, the same from open to close`},
		{"till/sco-1", `{"ts":1795341600123,"session":"` + strings.Repeat("x", 257) + `"}`, `range /session session has 257 bytes: 256 are allowed`},
		{"region/axis-3", `{"ts":1795341600123,"object":"7","class":"person","action":"enter","zone":"attic"}`, `range /zone the site file has no zone "attic": add it, or name one of its zones in the device`},
		{"region/axis-3", `{"ts":1795341600123,"object":"7","class":"person","action":"leave","zone":"door"}`, `range /action action is "leave": enter, exit or cross is wanted`},
		{"gate/eas-1", `{"ts":1795341600123}`, `missing /alarm alarm is missing: give true or false`},
		{"gate/eas-1", `{"ts":1795341600123,"alarm":1}`, `type /alarm alarm is a number: true or false is wanted`},
		{"gate/eas-1", `{"ts":1795341600123,"alarm":true,"direction":"left"}`, `range /direction direction is "left": in or out is wanted`},
		{"count/c-1", `{"ts":1795341600123,"in":1}`, `missing /out out is missing: give in and out, or total_in and total_out`},
		{"count/c-1", `{"ts":1795341600123,"in":-1,"out":0}`, `range /in in is -1: a number of people from 0 to 1000000 is wanted`},
		{"signal/line-1", `{"ts":1795341600123}`, `missing /name name is missing: give what happened, such as line, tamper, loiter, panic or input`},
		{"stock/erp-1", `{"ts":1795341600123,"sku":"1","units":-1}`, `range /units units is -1: the units on hand, from 0 to 1000000000 is wanted`},
		{"status/r-door", `{"state":"up"}`, `range /state state is "up": online, offline or degraded is wanted`},
		{"status/r-door", `{}`, `missing /state state is missing: give online, offline or degraded`},
		{"?impinj/r-door/events", `{"a":1}`, `missing /tagInventoryEvent tagInventoryEvent is missing: this is no event of an Impinj reader`},
		{"?impinj/r-door/events", `[{"timestamp":1795341600123,"tagInventoryEvent":{"epcHex":"E2","antennaPort":1}}]`, `missing /0/tagInventoryEvent/peakRssiCdbm peakRssiCdbm is missing: without the strength nobody can tell where a tag is; switch it on in the reader's settings`},
		{"?impinj/r-door/events", `{"timestamp":1795341600123,"tagInventoryEvent":{"epc":"a+b","antennaPort":1}}`, `type /tagInventoryEvent/epc epc is "a+b": base64url is wanted`},
		{"?impinj/r-8/events", `{}`, `unknown_source  the site file has no source "r-8": add it, or correct the topic`},
		{"?tele/g1/SENSOR", `{"Time":"2026-11-22T11:00:00"}`, `type /grams the site file's map for grams does not fit this payload: cannot fetch WeightRaw from <nil> (1:15)`},
		{"?tele/g1/SENSOR", `{"Time":"noon","HX711":{"WeightRaw":1}}`, `type /ts the site file's map for ts does not fit this payload: local("noon"): not a time such as 2026-11-22T10:00:00 (1:1)`},
		{"?frigate/events", `{}`, `unknown_source  no entry of sources in the site file is for this topic: add one with a decoder or a map`},
		{"?magpie/v1/s041/rfid/r-door", `{}`, `unknown_source  the store in the topic is "s041", this is "s042"`},
		{"?magpie/v1/s042/rfid/r-door/1", `{}`, `unknown_kind  a topic is magpie/v1/{store}/{kind}/{source}, and none of these has a / in it`},
		{"?magpie/v2/s042/rfid/r-door", `{}`, `unknown_kind  a topic is magpie/v1/{store}/{kind}/{source}, and none of these has a / in it`},
		{"?magpie/v1/s042/rfid", `{}`, `unknown_kind  a topic is magpie/v1/{store}/{kind}/{source}, and none of these has a / in it`},
	} {
		topic, foreign := strings.CutPrefix(test.topic, "?")
		if !foreign {
			topic = "magpie/v1/s042/" + topic
		}
		_, err := d.Decode(received, topic, false, []byte(test.payload))
		var r *Rejection
		if !errors.As(err, &r) {
			t.Errorf("%s %.80s: %v", topic, test.payload, err)
			continue
		}
		got = append(got, fmt.Sprintf("%s %s %s", r.Code, r.Path, r.Reason))
		want = append(want, test.want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOwnTopics(t *testing.T) {
	for _, topic := range []string{"magpie/v1/s042/alert/alr_1", "magpie/v1/s042/rejected/rfid/r-door"} {
		if _, err := decoder(t).Decode(received, topic, false, []byte(`{}`)); !errors.Is(err, ErrOwnTopic) {
			t.Errorf("%s: %v", topic, err)
		}
	}
}

func TestIdentity(t *testing.T) {
	d := decoder(t)
	ident := func(topic, payload string) uint64 {
		t.Helper()
		m, err := d.Decode(received, "magpie/v1/s042/"+topic, false, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return m.Ident
	}
	base := ident("gate/eas-1", `{"ts":1795341600123,"seq":1,"alarm":true}`)
	if ident("gate/eas-1", `{"seq":1,"ts":"2026-11-22T10:00:00.123Z","alarm":true}`) != base {
		t.Error("the same seq and ts in other bytes is no duplicate")
	}
	for _, other := range []string{`{"ts":1795341600124,"seq":1,"alarm":true}`, `{"ts":1795341600123,"seq":2,"alarm":true}`,
		`{"ts":1795341600123,"seq":1,"boot":"b","alarm":true}`, `{"ts":1795341600123,"alarm":true}`} {
		if ident("gate/eas-1", other) == base {
			t.Errorf("%s is taken for a duplicate", other)
		}
	}
	if a := ident("gate/eas-1", `{"ts":1795341600123,"alarm":true}`); a == ident("gate/eas-1", `{"ts":1795341600123,"alarm":true }`) || a != ident("gate/eas-1", `{"ts":1795341600123,"alarm":true}`) {
		t.Error("without seq, the same bytes and no others are a duplicate")
	}
	if ident("gate/eas-1", `{"ts":"arrival","alarm":true}`) != 0 {
		t.Error("an arrival message without seq may be a duplicate")
	}
	if ident("gate/eas-1", `{"ts":"arrival","seq":1,"alarm":true}`) == 0 {
		t.Error("an arrival message with seq is never a duplicate")
	}
	if ident("gate/eas-1", `{"ts":"arrival","seq":1,"alarm":true}`) == ident("gate/eas-1", `{"ts":"arrival","seq":1,"alarm":false}`) {
		t.Error("an arrival message with the seq of another and other bytes is taken for a duplicate")
	}
}

// TestRetained: what a broker had kept counts from now on where it is a status, and by its time else; of what has none nobody knows when
// it was.
func TestRetained(t *testing.T) {
	d := decoder(t)
	later := int64(received) + int64(2*time.Hour)
	m, err := d.Decode(later, "magpie/v1/s042/status/eas-1", true, []byte(`{"ts":"2026-11-22T10:00:00.000Z","state":"degraded"}`))
	if err != nil || len(m.Events) != 1 || m.TS != later || m.Events[0].TS != later || m.Clocked {
		t.Errorf("a status: %+v, %v", m, err)
	}
	if m, err = d.Decode(later, "magpie/v1/s042/gate/eas-1", true, []byte(`{"ts":"2026-11-22T10:00:00.123Z","alarm":true}`)); err != nil || m.TS != ts {
		t.Errorf("with a time: %+v, %v", m, err)
	}
	var r *Rejection
	_, err = d.Decode(later, "magpie/v1/s042/gate/eas-1", true, []byte(`{"ts":"arrival","alarm":true}`))
	if !errors.As(err, &r) || r.Code != CodeTooLate || r.Path != "/ts" || !strings.Contains(r.Reason, "publish only the status retained, or send ts") {
		t.Errorf("without: %v", err)
	}
}

// TestIdentityOfTopics: what a till tells on two topics in the same bytes is two things.
func TestIdentityOfTopics(t *testing.T) {
	d, err := NewDecoder(shop(), Options{Foreign: []site.Source{{Topic: "incoming/data/pos-1/#", Decoder: "rtsf-till", ID: "sco-1"}}})
	if err != nil {
		t.Fatal(err)
	}
	ident := func(topic string) uint64 {
		t.Helper()
		m, err := d.Decode(received, "incoming/data/pos-1/"+topic, false, []byte(`{"lane_id":"1","basket_id":"b1","event_time":1795341600000}`))
		if err != nil {
			t.Fatal(err)
		}
		return m.Ident
	}
	start, again := ident("payment-start"), ident("payment-start")
	if start != again || start == ident("payment-success") {
		t.Error("what came twice on one topic is a duplicate, what came on another is none")
	}
}

func TestRejectionPayload(t *testing.T) {
	r := &Rejection{Code: CodeRange, Reason: "rssi is <5>", Path: "/rssi", Topic: "magpie/v1/s042/rfid/r-door", Kind: "rfid", Source: "r-door"}
	if got := r.PublishTopic("s042"); got != "magpie/v1/s042/rejected/rfid/r-door" {
		t.Error(got)
	}
	want := `{"code":"range","reason":"rssi is <5>","path":"/rssi","topic":"magpie/v1/s042/rfid/r-door","payload":"{\"rssi\":\"é\"}"}`
	if got := string(r.Payload([]byte(`{"rssi":"é"}`))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var out struct {
		Payload *string
		Base64  []byte `json:"payload_base64"`
	}
	if err := json.Unmarshal(r.Payload([]byte(strings.Repeat("x", 4095)+"é…")), &out); err != nil || len(*out.Payload) != 4095 || !utf8.ValidString(*out.Payload) {
		t.Errorf("%d bytes, %v", len(*out.Payload), err)
	}
	out.Payload = nil
	if err := json.Unmarshal(r.Payload([]byte(strings.Repeat("\xff", 5000))), &out); err != nil || out.Payload != nil || len(out.Base64) != 4096 {
		t.Errorf("%v %d bytes, %v", out.Payload, len(out.Base64), err)
	}
}

func TestBoxOnTheFloor(t *testing.T) {
	h := fusion.Homography{0.01, 0, 0, 0, 0.01, 0, 0, 0, 1}
	d, err := NewDecoder(shop(), Options{Cameras: []site.Camera{{ID: "cam-1", Frame: [2]int{1280, 720}, Homography: &h}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Decode(received, "magpie/v1/s042/track/cam-1", false,
		[]byte(`{"ts":1795341600123,"frame":[640,360],"tracks":[{"track":"1","class":"person","conf":1,"box":[100,50,20,100]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if e := m.Events[0]; !e.HasFloor || math.Abs(e.Floor.X-2.2) > 1e-9 || math.Abs(e.Floor.Y-3) > 1e-9 {
		t.Errorf("stands at %+v", e.Floor)
	} else if math.Abs(e.SD.X-0.04*e.SD.Y/0.07) > 1e-9 || e.SD.Y <= 0 {
		t.Errorf("as vague as %+v; want 4 and 7 %% of the box's height, through the homography", e.SD)
	}
}

// TestTallOfABox: a box tells how tall somebody is where the site knows the camera, also in a picture of another size and beside a floor point that the
// sender gives; one that the frame cuts off tells nothing.
func TestTallOfABox(t *testing.T) {
	// Three metres up, looking 30° down along y: a lens of 800 pixels, the floor point (0, 0) below it.
	frame, sin, cos := [2]int{1280, 720}, 0.5, math.Sqrt(0.75)
	pixel := func(y, z float64) float64 { return 360 + 800*((3-z)*cos-y*sin)/(y*cos+(3-z)*sin) }
	var points []fusion.Match
	for _, p := range []fusion.Point{{X: -2, Y: 3}, {X: 2, Y: 3}, {X: 2, Y: 8}, {X: -2, Y: 8}} {
		points = append(points, fusion.Match{PX: 640 + 800*p.X/(p.Y*cos+3*sin), PY: pixel(p.Y, 0), X: p.X, Y: p.Y})
	}
	h, _, err := fusion.FitHomography(points)
	if err != nil {
		t.Fatal(err)
	}
	up, ok := h.Upright(frame)
	if !ok {
		t.Fatal("the camera tells nothing of what stands upright")
	}
	d, err := NewDecoder(shop(), Options{Cameras: []site.Camera{{ID: "cam-1", Frame: frame, Homography: &h, Upright: up}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		more string
		y, z float64
		low  float64 // what is seen of the person, from here on
		want float64
	}{
		{"", 5, 1.8, 0, 1.8},
		{`,"floor":[0,5]`, 5, 1.8, 0, 1.8},
		{`,"floor":[0,5]`, 5, 1.8, 1.2, 1.8}, // the sender knows where he stands behind the shelf
		{"", 5, 1.8, 1.2, 1},                 // as if he stood at 8.33 m
		{"", 7, 1.55, 0, 1.55},
		{"", 1, 1.8, 0, 0},  // the feet are below the frame
		{"", 5, 0.15, 0, 0}, // a parcel
		{"", 5, 2.9, 0, 0},  // a pillar
	} {
		head, foot := pixel(c.y, c.z)/2, min(pixel(c.y, c.low), 719)/2
		m, err := d.Decode(received, "magpie/v1/s042/track/cam-1", false, fmt.Appendf(nil,
			`{"ts":1795341600123,"frame":[640,360],"tracks":[{"track":"1","class":"person","conf":1,"box":[310,%.2f,20,%.2f]%s}]}`, head, foot-head, c.more))
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(m.Events[0].Tall); math.Abs(got-c.want) > 0.02 {
			t.Errorf("%.2f m tall at %g m%s is %.2f", c.z, c.y, c.more, got)
		}
	}
}

func TestCashier(t *testing.T) {
	for mode, want := range map[string]string{"": "", "off": "", "allowed": "c7", "pseudonym": "3d1"} {
		d, err := NewDecoder(shop(), Options{Cashier: mode, Key: []byte("k")})
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Decode(received, "magpie/v1/s042/till/sco-1", false, []byte(`{"ts":1795341600123,"session":"s","action":"open","cashier":"c7"}`))
		if err != nil {
			t.Fatal(err)
		}
		got := m.Events[0].Name
		if mode == "pseudonym" && len(got) == 16 && got != "c7" {
			continue
		}
		if got != want {
			t.Errorf("%q: cashier %q", mode, got)
		}
	}
}

func TestMappingErrors(t *testing.T) {
	_, err := NewDecoder(shop(), Options{Foreign: []site.Source{
		{At: site.Pos{File: "site.yaml", Line: 3, Col: 5}, Topic: "a", Decoder: "nobody", ID: "r-door"},
		{At: site.Pos{File: "site.yaml", Line: 7, Col: 5}, Topic: "c", Decoder: "onvif-count", ID: "c-1"},
		{At: site.Pos{File: "site.yaml", Line: 8, Col: 5}, Topic: "d", Decoder: "impinj", ID: "r-door", Direction: "in", Zones: map[string]string{"a": "door"}},
		{At: site.Pos{File: "site.yaml", Line: 6, Col: 5}, Topic: "d", Kind: fusion.RFID, ID: "r-door", Map: []site.Mapping{
			{At: site.Pos{File: "site.yaml", Line: 6, Col: 30}, Member: "reads", Expr: "payload.reads"},
			{At: site.Pos{File: "site.yaml", Line: 6, Col: 40}, Member: "epc", Expr: "payload.epc"}}},
		{At: site.Pos{File: "site.yaml", Line: 4, Col: 5}, Topic: "b", Kind: fusion.Weight, ID: "g1", Map: []site.Mapping{
			{At: site.Pos{File: "site.yaml", Line: 4, Col: 30}, Member: "gram", Expr: "1"},
			{At: site.Pos{File: "site.yaml", Line: 4, Col: 40}, Member: "ts", Expr: "payload."},
			{At: site.Pos{File: "site.yaml", Line: 4, Col: 50}, Member: "rate", Expr: `"ten"`},
			{At: site.Pos{File: "site.yaml", Line: 4, Col: 60}, Member: "boot", Expr: `now()`}}},
	}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`site.yaml:3:5: there is no decoder "nobody": take `,
		`site.yaml:7:5: a counter does not say which way people go: write direction: in or out`,
		`site.yaml:8:5: direction says which way a counter's people go, and only decoder onvif-count needs it: leave it out`,
		`site.yaml:8:5: zones says what a device calls the zones, and only decoders epcis, frigate and scenescape-region have names of their own: leave it out`,
		`site.yaml:6:40: map: rfid messages have no "epc" beside reads; they have seq, boot, reads`,
		`site.yaml:4:5: map has no grams, which a weight message needs`,
		`site.yaml:4:30: map: weight messages have no "gram"; they have seq, boot, ts, grams, rate, mode`,
		`site.yaml:4:40: map: ts: unexpected end of expression`,
		`site.yaml:4:50: map: rate: a number is wanted, and this gives a string`,
		`site.yaml:4:60: map: boot: unknown name now`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nlacks %s", err, want)
		}
	}
}

// TestMappingNamesTheSource: who sent a foreign message may stand in its topic, in its payload, or in both.
func TestMappingNamesTheSource(t *testing.T) {
	s := shop()
	d, err := NewDecoder(s, Options{Foreign: []site.Source{{Topic: "lab/+/region/#", Kind: fusion.Region, ID: "{payload.lane.kind}-{payload.lane.n}", Map: []site.Mapping{
		{Member: "ts", Expr: "payload.t"}, {Member: "object", Expr: "topic[1]"}, {Member: "class", Expr: "topic[3]"},
		{Member: "action", Expr: `"enter"`}, {Member: "zone", Expr: `"door"`}, {Member: "count", Expr: "payload.n"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Decode(received, "lab/7/region/goods", false, fmt.Appendf(nil, `{"t":%d,"lane":{"kind":"axis","n":3},"n":2}`, int64(received)/1e6))
	if err != nil {
		t.Fatal(err)
	}
	e := m.Events[0]
	if s.Sources[m.Source].ID != "axis-3" || e.ID != "7" || e.Name != "goods" || e.Qty != 2 || s.Zones[e.Zone].ID != "door" {
		t.Errorf("source %s, event %+v", s.Sources[m.Source].ID, e)
	}
	for _, payload := range []string{`{"t":1}`, `{"t":1,"lane":{"kind":null,"n":[]}}`, `3`, `no`} {
		var r *Rejection
		if _, err := d.Decode(received, "lab/7/region/goods", false, []byte(payload)); !errors.As(err, &r) || r.Code != CodeUnknownSource {
			t.Errorf("%s: %v; want unknown_source", payload, err)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		filter, topic string
		want          []string
		ok            bool
	}{
		{"a/b", "a/b", nil, true}, {"a/b", "a", nil, false}, {"a", "a/b", nil, false},
		{"a/+/c", "a/b/c", []string{"b"}, true}, {"a/+/c", "a//c", []string{""}, true}, {"+/+", "a/b", []string{"a", "b"}, true},
		{"+", "a/b", nil, false}, {"a/#", "a/b/c", []string{"b/c"}, true}, {"a/#", "a", []string{""}, true}, {"#", "a/b", []string{"a/b"}, true},
		{"#", "$SYS/x", nil, false}, {"+/x", "$SYS/x", nil, false}, {"a/", "a/", nil, true}, {"a/", "a", nil, false}, {"a/+", "a", nil, false},
	} {
		got, ok := match(nil, test.filter, test.topic)
		if ok != test.ok || ok && !cmp.Equal(got, test.want) {
			t.Errorf("%s %s: %q, %v", test.filter, test.topic, got, ok)
		}
	}
}

// TestMessagesDecode sends every struct of package message through the decoder: what we write, we read.
func TestMessagesDecode(t *testing.T) {
	d := decoder(t)
	head := message.Head{TS: message.At(ts), Seq: new(uint64(1)), Boot: "b"}
	for topic, m := range map[string]any{
		"rfid/r-door":   message.RFID{Head: head, Read: &message.Read{EPC: "E2", Antenna: 1, RSSI: -50}},
		"weight/g1":     message.Weight{Head: head, Grams: message.Grams{1, 2}, Rate: 10},
		"track/cam-1":   message.Track{Head: head},
		"till/sco-1":    message.Till{Head: head, Session: "s", Action: "open"},
		"region/axis-3": message.Region{Head: head, Object: "1", Class: "person", Action: "enter", Zone: "door"},
		"gate/eas-1":    message.Gate{Head: head},
		"count/c-1":     message.Count{Head: head, In: new(int64(1)), Out: new(int64(1))},
		"signal/line-1": message.Signal{Head: head, Name: "line"},
		"stock/erp-1":   message.Stock{Head: head, SKU: "1"},
		"status/c-1":    message.Status{State: "online"},
	} {
		payload, err := message.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(received, "magpie/v1/s042/"+topic, false, payload); err != nil {
			t.Errorf("%s: %v", payload, err)
		}
	}
}

// TestTasmotaWithinASecond: what a scale sends several times within one second stays in the order in which it arrived, and in that second, also where its clock is ahead.
func TestTasmotaWithinASecond(t *testing.T) {
	d, err := NewDecoder(shop(), Options{Foreign: []site.Source{{Topic: "tele/+/SENSOR", Decoder: "tasmota", ID: "{1}"}}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixNano()
	last := at - 1
	for i, late := range []time.Duration{-4 * time.Second, -300 * time.Millisecond, -200 * time.Millisecond, 0, time.Millisecond, 538 * time.Millisecond, 649 * time.Millisecond,
		1004 * time.Millisecond, 5 * time.Second, 59 * time.Second} {
		m, err := d.Decode(at+int64(late), "tele/g1/SENSOR", false, fmt.Appendf(nil, `{"Time":"2026-11-22T11:00:00","HX711":{"WeightRaw":%d}}`, 4840-i))
		if err != nil {
			t.Fatal(err)
		}
		if m.TS <= last || m.TS >= at+int64(time.Second) || m.Events[0].TS != m.TS {
			t.Errorf("what arrives %v later is at %v, after %v", late, time.Duration(m.TS-at), time.Duration(last-at))
		}
		last = m.TS
	}
}
