package sensors

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"magpie/fusion"
	"magpie/journal"
	"magpie/site"
)

// TestWords says an event of every kind in a line, and as JSON.
func TestWords(t *testing.T) {
	s, err := site.Load("../site/testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(s.Store, Options{Cameras: s.Cameras, Cashier: "allowed"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ topic, payload, want, json string }{
		{"rfid/r-door", `"epc":"303404579800D6800004CB2F","antenna":1,"rssi":-54.5,"phase":2.31,"channel":865.7`,
			`epc 303404579800D6800004CB2F gtin 00071142008582 (Taco sauce; hot) antenna 1 (door) rssi -54.5 dBm phase 2.31 rad channel 865.7 MHz`,
			`"epc":"303404579800D6800004CB2F","gtin":"00071142008582","antenna":1,"rssi":-54.5,"phase":2.31,"channel":865.7`},
		{"rfid/r-door", `"epc":"E28011606000020A6681F23F","antenna":2,"rssi":-60`,
			`epc E28011606000020A6681F23F (no GS1 EPC, and not in products) antenna 2 (door) rssi -60 dBm`, `"epc":"E28011606000020A6681F23F","antenna":2,"rssi":-60`},
		{"weight/g1-s5-p11", `"boot":"b","grams":4399.8,"mode":"change"`, `4399.8 g mode change boot b`, `"grams":4399.8,"mode":"change","boot":"b"`},
		{"track/cam-1", `"tracks":[{"track":"17","class":"person","conf":0.91,"box":[410,120,90,260],"floor":[3.2,4.9],"sd":[0.1,0.2],"holding":0.4,"hands":[[1,2,3]]}],"lost":["12"]`,
			"track 17 person conf 0.91 floor [3.2 4.9] m sd [0.1 0.2] m hands [[1 2 3]] m holding 0.4\nlost track 12",
			`"track":"17","class":"person","conf":0.91,"floor":[3.2,4.9],"sd":[0.1,0.2],"hands":[[1,2,3]],"holding":0.4`},
		{"till/sco-1", `"session":"t1-0042","action":"scan","line":"3","sku":"071142008582","qty":2,"price":1.99,"cashier":"c7","grams":620`,
			`scan session t1-0042 sku 00071142008582 (Taco sauce; hot) line 3 qty 2 price 1.99 GBP 620 g cashier c7`,
			`"action":"scan","session":"t1-0042","sku":"00071142008582","line":"3","qty":2,"price":1.99,"grams":620,"cashier":"c7"`},
		{"region/axis-3", `"object":"4711","class":"person","action":"exit","zone":"aisle-1","conf":0.8,"count":2`,
			`exit person object 4711 zone aisle-1 conf 0.8 count 2`, `"action":"exit","class":"person","object":"4711","zone":"aisle-1","conf":0.8,"count":2`},
		{"gate/eas-1", `"alarm":true,"direction":"out"`, `out alarm true`, `"direction":"out","alarm":true`},
		{"count/c-1", `"total_in":1204,"total_out":1187`, `total_in 1204 total_out 1187`, `"total_in":1204,"total_out":1187`},
		{"signal/cam-1-line", `"name":"line","object":"\u001b[2J4711"`, "name line state true object \ufffd[2J4711", `"name":"line","state":true,"object":"\u001b[2J4711"`},
		{"stock/erp-1", `"sku":"071142008582","units":20,"reason":"delivery"`, `sku 00071142008582 (Taco sauce; hot) units 20 reason delivery`,
			`"sku":"00071142008582","units":20,"reason":"delivery"`},
		{"status/cam-1", `"state":"online","every":5`, `online every 5 s`, `"state":"online","every":5`},
	} {
		m, err := d.Decode(received, "magpie/v1/s042/"+test.topic, false, []byte(`{"ts":1795341600123,`+test.payload+`}`))
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for i := range m.Events {
			words = append(words, Words(s.Store, &m.Events[i]))
		}
		if got := strings.Join(words, "\n"); got != test.want {
			t.Errorf("%s\ngot  %s\nwant %s", test.topic, got, test.want)
		}
		kind, source, _ := strings.Cut(test.topic, "/")
		want := `{"ts":"2026-11-22T10:00:00.123Z","kind":"` + kind + `","source":"` + source + `",` + test.json + `}`
		if got := string(EventJSON(s.Store, &m.Events[0])); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestHidden(t *testing.T) {
	s, err := site.Load("../site/testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := func(epcs ...string) (all []bool) {
		for _, epc := range epcs {
			all = append(all, Hidden(s.Store, &fusion.Event{Kind: fusion.RFID, ID: epc}))
		}
		return all
	}
	known, foreign := "303404579800D6800004CB2F", "E28011606000020A6681F23F"
	if h := got(known, foreign); !slices.Equal(h, []bool{false, true}) {
		t.Error(h)
	}
	if Hidden(s.Store, &fusion.Event{Kind: fusion.Region, Name: "person", ID: foreign}) || !Hidden(s.Store, &fusion.Event{Kind: fusion.Region, Name: "tag", ID: foreign}) {
		t.Error("a region that tells of a tag hides it, one that tells of a person does not")
	}
	s.Store.Products[0].EPCPrefix = "E280"
	if h := got(known, foreign); !slices.Equal(h, []bool{false, false}) {
		t.Error(h)
	}
}

// TestWordsOfVendors says every event of every maker's payload, and lets a check hear it.
func TestWordsOfVendors(t *testing.T) {
	n := 0
	for _, f := range fixtures(t) {
		m, err := f.d.Decode(received, f.topic, false, f.payload)
		NewCheck(f.d).Line(&journal.Line{Received: received, Topic: f.topic, Payload: f.payload})
		if err != nil {
			continue
		}
		for i := range m.Events {
			e := &m.Events[i]
			if words := Words(f.d.store, e); words == "" || strings.ContainsAny(words, "\n\x1b") {
				t.Errorf("%s/%s: %q", f.vendor, f.shape, words)
			}
			if b := EventJSON(f.d.store, e); !json.Valid(b) || string(b) == "{}" {
				t.Errorf("%s/%s: %s", f.vendor, f.shape, b)
			}
			n++
		}
	}
	if n < 50 {
		t.Errorf("%d events", n)
	}
}
