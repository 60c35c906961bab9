package sensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/fusion"
	"magpie/sensors/message"
)

// TestHostileMessages publishes what no sensor should, through a real broker, and reads why it was rejected where its sender
// reads it: every one is, and what is sent afterwards is taken.
func TestHostileMessages(t *testing.T) {
	b := embedded(t, BrokerOptions{Sync: time.Minute})
	d := decoder(t)
	user, password := b.Own()
	taken := make(chan string, 100)
	var own *Subscriber
	ready := make(chan struct{})
	own, _ = subscribe(t, SubscriberOptions{URL: b.URL(), User: user, Password: password, Topics: []string{"#"}, Append: func(topic string, retain bool, payload []byte, done func(error)) {
		<-ready
		done(nil)
		m, err := d.Decode(received, topic, retain, payload)
		var r *Rejection
		switch {
		case err == nil:
			taken <- fmt.Sprintf("%s: %d events", topic, len(m.Events))
		case errors.As(err, &r):
			go func() {
				if err := own.Publish(t.Context(), r.PublishTopic("s042"), false, r.Payload(payload)); err != nil && t.Context().Err() == nil {
					t.Error(err)
				}
			}()
		}
	}})
	close(ready)
	vendor, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan [2]string, 100)
	if err := wait(t.Context(), vendor.Subscribe("magpie/v1/s042/rejected/#", 1, func(_ mqtt.Client, m mqtt.Message) {
		lines <- [2]string{strings.TrimPrefix(m.Topic(), "magpie/v1/s042/rejected/"), string(m.Payload())}
	})); err != nil {
		t.Fatal(err)
	}
	const gate, rfid, weight, count, till, track = "gate/eas-1", "rfid/r-door", "weight/g1", "count/c-1", "till/sco-1", "track/cam-1"
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	long := strings.Repeat("x", 300)
	for _, test := range []struct{ topic, payload, want string }{
		{gate, ``, "gate/eas-1 bad_json  the payload is not JSON: unexpected end of JSON input at byte 0"},
		{gate, "\x00", "gate/eas-1 bad_json  the payload is not JSON: invalid character '\\x00' looking for beginning of value at byte 1"},
		{gate, `null`, "gate/eas-1 bad_json  the payload is null: an object is wanted"},
		{gate, `[]`, "gate/eas-1 bad_json  the payload is an array: an object is wanted"},
		{gate, `"alarm"`, "gate/eas-1 bad_json  the payload is the string \"alarm\": an object is wanted"},
		{gate, `1e999`, "gate/eas-1 bad_json  the payload is a number: an object is wanted"},
		{gate, "\xef\xbb\xbf{\"ts\":1795341600123,\"alarm\":true}", "gate/eas-1 bad_json  the payload begins with a byte order mark: send UTF-8 without one"},
		{gate, "{\"ts\":1795341600123,\"alarm\":\"\xff\xfe\"}", "gate/eas-1 bad_json  the payload is not UTF-8: send JSON in UTF-8"},
		{gate, "{\"ts\":1795341600123,\"alarm\":true,\"a\":\"\xed\xa0\x80\"}", "gate/eas-1 bad_json  the payload is not UTF-8: send JSON in UTF-8"},
		{gate, `{"ts":1795341600123,"alarm":true}{}`, "gate/eas-1 bad_json  the payload is not JSON: invalid character '{' after top-level value at byte 34"},
		{gate, `{"ts":1795341600123,"alarm":true`, "gate/eas-1 bad_json  the payload is not JSON: unexpected end of JSON input at byte 32"},
		{gate, `{"ts":1795341600123,"alarm":true,}`, "gate/eas-1 bad_json  the payload is not JSON: invalid character '}' looking for beginning of object key string at byte 34"},
		{gate, `{'ts':1795341600123,'alarm':true}`, "gate/eas-1 bad_json  the payload is not JSON: invalid character '\\'' looking for beginning of object key string at byte 2"},
		{gate, `{"ts":NaN,"alarm":true}`, "gate/eas-1 bad_json  the payload is not JSON: invalid character 'N' looking for beginning of value at byte 7"},
		{gate, `{"ts":1795341600123,"alarm":TRUE}`, "gate/eas-1 bad_json  the payload is not JSON: invalid character 'T' looking for beginning of value at byte 29"},
		{gate, deep(20_000), "gate/eas-1 bad_json  the payload is not JSON: invalid character '[' exceeded max depth at byte 10001"},
		{gate, `{"alarm":` + deep(9_000) + `,"ts":1795341600123}`, "gate/eas-1 type /alarm alarm is an array: true or false is wanted"},
		{gate, `{"a":` + deep(70_000) + `}`, "gate/eas-1 bad_json  the payload is not JSON: invalid character '[' exceeded max depth at byte 10005"},
		{gate, `{"ts":1795341600123,"alarm":true,"a":"` + strings.Repeat("x", maxPayload) + `"}`, "gate/eas-1 too_big  the payload has 262184 bytes: at most 262144 are allowed, send it in parts"},
		{gate, `{"ts":0,"alarm":true}`, "gate/eas-1 range /ts ts is 0, which is no time near ours: give milliseconds since 1970, not seconds or microseconds, and set the device's clock"},
		{gate, `{"ts":1,"alarm":true}`, "gate/eas-1 range /ts ts is 1, which is no time near ours: give milliseconds since 1970, not seconds or microseconds, and set the device's clock"},
		{gate, `{"ts":-1795341600123,"alarm":true}`, "gate/eas-1 range /ts ts is -1795341600123, which is no time near ours: give milliseconds since 1970, not seconds or microseconds, and set the device's clock"},
		{gate, `{"ts":1795341600,"alarm":true}`, "gate/eas-1 range /ts ts is 1795341600, which is no time near ours: give milliseconds since 1970, not seconds or microseconds, and set the device's clock"},
		{gate, `{"ts":1795341600123456789,"alarm":true}`, "gate/eas-1 range /ts ts is 1795341600123456789, which is no time near ours: give milliseconds since 1970, not seconds or microseconds, and set the device's clock"},
		{gate, `{"ts":99999999999999999999999999,"alarm":true}`, "gate/eas-1 type /ts ts is 99999999999999999999999999: give RFC 3339 with an offset, integer milliseconds since 1970, or \"arrival\""},
		{gate, `{"ts":1795341600123.5,"alarm":true}`, "gate/eas-1 type /ts ts is 1795341600123.5: give RFC 3339 with an offset, integer milliseconds since 1970, or \"arrival\""},
		{gate, `{"ts":1.795341600123e12,"alarm":true}`, "gate/eas-1 type /ts ts is 1.795341600123e12: give RFC 3339 with an offset, integer milliseconds since 1970, or \"arrival\""},
		{gate, `{"ts":"1970-01-01T00:00:00Z","alarm":true}`, "gate/eas-1 range /ts ts is \"1970-01-01T00:00:00Z\", which is no time near ours: set the device's clock"},
		{gate, `{"ts":"2099-01-01T00:00:00Z","alarm":true}`, "gate/eas-1 future /ts ts is 2099-01-01T00:00:00.000Z, 632101h59m59.837s after its arrival: set the device's clock, or send \"arrival\""},
		{gate, `{"ts":"2026-11-22T10:00:06Z","alarm":true}`, "gate/eas-1 future /ts ts is 2026-11-22T10:00:06.000Z, 5.837s after its arrival: set the device's clock, or send \"arrival\""},
		{gate, `{"ts":"9999-12-31T23:59:59Z","alarm":true}`, "gate/eas-1 range /ts ts is \"9999-12-31T23:59:59Z\", which is no time near ours: set the device's clock"},
		{gate, `{"ts":"2026-02-30T10:00:00Z","alarm":true}`, "gate/eas-1 type /ts ts is \"2026-02-30T10:00:00Z\", which is not RFC 3339 with an offset, such as 2026-11-22T10:00:00.123Z"},
		{gate, `{"ts":"2026-11-22T10:00:00","alarm":true}`, "gate/eas-1 type /ts ts is \"2026-11-22T10:00:00\", which is not RFC 3339 with an offset, such as 2026-11-22T10:00:00.123Z"},
		{gate, `{"ts":"` + long + `","alarm":true}`, "gate/eas-1 type /ts ts is \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…, which is not RFC 3339 with an offset, such as 2026-11-22T10:00:00.123Z"},
		{gate, `{"ts":{},"alarm":true}`, "gate/eas-1 type /ts ts is {}: give RFC 3339 with an offset, integer milliseconds since 1970, or \"arrival\""},
		{gate, `{"ts":true,"alarm":true}`, "gate/eas-1 type /ts ts is true: give RFC 3339 with an offset, integer milliseconds since 1970, or \"arrival\""},
		{gate, `{"ts":"arrival","alarm":true,"seq":-1}`, "gate/eas-1 range /seq seq is -1: an integer from 0 to 2^53-1 is wanted"},
		{gate, `{"ts":"arrival","alarm":true,"seq":9007199254740992}`, "gate/eas-1 range /seq seq is 9007199254740992: an integer from 0 to 2^53-1 is wanted"},
		{gate, `{"ts":"arrival","alarm":true,"seq":1e300}`, "gate/eas-1 range /seq seq is 1e300: an integer from 0 to 2^53-1 is wanted"},
		{gate, `{"ts":"arrival","alarm":true,"seq":1e400}`, "gate/eas-1 range /seq seq is 1e400, beyond any number"},
		{gate, `{"ts":"arrival","alarm":true,"seq":1.5}`, "gate/eas-1 type /seq seq is 1.5: an integer from 0 to 2^53-1 is wanted"},
		{gate, `{"ts":"arrival","alarm":true,"seq":"1"}`, "gate/eas-1 type /seq seq is the string \"1\": an integer from 0 to 2^53-1 is wanted"},
		{gate, `{"ts":"arrival","alarm":true,"boot":7}`, "gate/eas-1 type /boot boot is a number: a string is wanted"},
		{gate, `{"ts":"arrival","alarm":true,"boot":"` + long + `"}`, "gate/eas-1 range /boot boot has 300 bytes: 256 are allowed"},
		{gate, `{"ts":"arrival","alarm":"true"}`, "gate/eas-1 type /alarm alarm is the string \"true\": true or false is wanted"},
		{gate, `{"ts":"arrival","alarm":1}`, "gate/eas-1 type /alarm alarm is a number: true or false is wanted"},
		{gate, `{"ts":"arrival","alarm":null}`, "gate/eas-1 missing /alarm alarm is missing: give true or false"},
		{gate, `{"alarm":true}`, "gate/eas-1 missing /ts ts is missing: give RFC 3339, milliseconds since 1970, or \"arrival\" where the device has no clock"},
		{gate, `{"ts":"arrival","alarm":true,"direction":"up"}`, "gate/eas-1 range /direction direction is \"up\": in or out is wanted"},
		{rfid, `{"ts":"arrival","epc":"E2","antenna":1,"rssi":NaN}`, "rfid/r-door bad_json  the payload is not JSON: invalid character 'N' looking for beginning of value at byte 47"},
		{rfid, `{"ts":"arrival","epc":"E2","antenna":1,"rssi":-Infinity}`, "rfid/r-door bad_json  the payload is not JSON: invalid character 'I' in numeric literal at byte 48"},
		{rfid, `{"ts":"arrival","epc":"E2","antenna":1,"rssi":-1e309}`, "rfid/r-door range /rssi rssi is -1e309, beyond any number"},
		{rfid, `{"ts":"arrival","epc":"E2","antenna":1,"rssi":5}{`, "rfid/r-door bad_json  the payload is not JSON: invalid character '{' after top-level value at byte 49"},
		{rfid, `{"ts":"arrival","epc":"E2","antenna":99,"rssi":-50}`, "rfid/r-door unknown_antenna /antenna the site file has no antenna 99 at reader \"r-door\": add it"},
		{rfid, `{"ts":"arrival","epc":"E2","antenna":1e9,"rssi":-50}`, "rfid/r-door range /antenna antenna is 1e9: the number of an antenna is wanted"},
		{rfid, `{"ts":"arrival","epc":"` + strings.Repeat("E", 200) + `","antenna":1,"rssi":-50}`, "rfid/r-door range /epc epc is \"EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE…: an EPC has at most 124 hex digits"},
		{rfid, `{"ts":"arrival","epc":"E2\u0000","antenna":1,"rssi":-50}`, "rfid/r-door type /epc epc is \"E2\\x00\": a string of hex digits is wanted"},
		{rfid, `{"reads":{"epc":"E2"}}`, "rfid/r-door type /reads reads is an object: an array is wanted"},
		{rfid, `{"reads":[{"ts":"arrival","epc":"E2","antenna":1,"rssi":-50},7]}`, "rfid/r-door type /reads/1 reads[1] is a number: an object is wanted"},
		{weight, `{"ts":"arrival","grams":1e7}`, "weight/g1 range /grams grams is 1e+07: grams, a number from -1000000 to 1000000 is wanted"},
		{weight, `{"ts":"arrival","grams":[]}`, "weight/g1 range /grams grams is an empty array: give at least one sample"},
		{weight, `{"ts":"arrival","rate":1,"grams":[1,2]}`, "weight/g1 range /grams grams spans 1000 ms: at most 250 ms are allowed, send shorter arrays"},
		{weight, `{"ts":"arrival","rate":0,"grams":[1,2]}`, "weight/g1 range /rate rate is 0: samples a second, a number from 0.01 to 100000 is wanted"},
		{weight, `{"ts":"arrival","rate":100000,"grams":[` + strings.Repeat("1,", 1000) + `1]}`, "weight/g1 too_big /grams grams has more than 1000 samples: send shorter arrays"},
		{count, `{"ts":"arrival","in":-1,"out":0}`, "count/c-1 range /in in is -1: a number of people from 0 to 1000000 is wanted"},
		{count, `{"ts":"arrival","in":1e12,"out":0}`, "count/c-1 range /in in is 1e12: a number of people from 0 to 1000000 is wanted"},
		{till, `{"ts":"arrival","session":"1","action":"scan","sku":71142008582}`, "till/sco-1 type /sku sku is a number: a string in quotes is wanted"},
		{till, `{"ts":"arrival","session":"1","action":"scan","sku":"1","price":1e308}`, "till/sco-1 range /price price is 1e+308: an amount in the store's currency, at most 10000000 is wanted"},
		{track, `{"ts":"arrival","tracks":[{"track":"1","class":"person","conf":1,"box":[1,2,-3,4]}]}`, "track/cam-1 range /tracks/0/box box has a negative width or height: give [x, y, width, height], not two corners"},
		{track, `{"ts":"arrival","tracks":[],"lost":[` + strings.Repeat(`"1",`, 1000) + `"1"]}`, "track/cam-1 too_big /lost lost has more than 1000 ids: name each once, when it ends"},
		{track, `{"ts":"arrival","tracks":[{"track":"1","class":"person","conf":1,"box":[1,2,3,4],"hands":[` + strings.Repeat(`[1,1,1],`, 64) + `[1,1,1]]}]}`, "track/cam-1 too_big /tracks/0/hands/64 hands[64] is one too many: an object has at most 64 hands"},
		{"gate/" + long, `{}`, "gate/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx unknown_source  the site file has no source \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\": add it, or correct the topic"},
		{"gate/r-door", `{"ts":"arrival","alarm":true}`, "gate/r-door unknown_source  the site file has source \"r-door\" as rfid, not gate"},
		{"gate/eas-1/more", `{}`, "unmapped/927eb812ea95b5dc unknown_kind  a topic is magpie/v1/{store}/{kind}/{source}, and none of these has a / in it"},
		{"bomb/eas-1", `{}`, "bomb/eas-1 unknown_kind  kind \"bomb\" is none of rfid, weight, track, till, region, gate, count, signal, stock, status"},
		{"//", `{}`, "unmapped/207bbcc049b0e058 unknown_kind  a topic is magpie/v1/{store}/{kind}/{source}, and none of these has a / in it"},
	} {
		topic := "magpie/v1/s042/" + test.topic
		if err := wait(t.Context(), vendor.Publish(topic, 1, false, test.payload)); err != nil {
			t.Fatal(err)
		}
		select {
		case line := <-lines:
			var r struct {
				Code, Reason, Path, Topic, Payload string
				Base64                             []byte `json:"payload_base64"`
			}
			if err := json.Unmarshal([]byte(line[1]), &r); err != nil {
				t.Fatal(err)
			}
			sent := r.Payload + string(r.Base64)
			if r.Topic != topic || len(sent) > maxQuoted || !strings.HasPrefix(test.payload, sent) || sent == "" && test.payload != "" || r.Reason == "" {
				t.Errorf("%.60q: %.300s", test.payload, line[1])
			}
			if got := fmt.Sprintf("%s %s %s %s", line[0], r.Code, r.Path, r.Reason); got != test.want {
				t.Errorf("%.60q:\n got %q\nwant %q", test.payload, got, test.want)
			}
		case m := <-taken:
			t.Errorf("%.60q: taken, %s", test.payload, m)
		case <-time.After(10 * time.Second):
			t.Fatalf("%.60q: no rejection came", test.payload)
		}
	}
	if err := wait(t.Context(), vendor.Publish(message.Topic("s042", "gate", "eas-1"), 1, false, `{"ts":1795341600123,"alarm":true,"a":`+deep(60)+`}`)); err != nil {
		t.Fatal(err)
	}
	if got := <-taken; got != "magpie/v1/s042/gate/eas-1: 1 events" {
		t.Error(got)
	}
}

// TestCanonicalSize sends as much as fits of what is short in bytes and long as an event: no message costs more than ten times
// its size, and a little.
func TestCanonicalSize(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates of its own, and pools forget at random")
	}
	d := decoder(t)
	fill := func(before, one, after string) string {
		return before + strings.TrimSuffix(strings.Repeat(one+",", (maxPayload-len(before)-len(after))/(len(one)+1)), ",") + after
	}
	thousand := func(one string) string { return strings.TrimSuffix(strings.Repeat(one+",", maxSamples), ",") }
	for _, test := range []struct{ name, topic, payload, code string }{
		{"reads", "rfid/r-door", fill(`{"reads":[`, `{"ts":"arrival","epc":"E","antenna":1,"rssi":1}`, "]}"), ""},
		{"short reads", "rfid/r-door", fill(`{"reads":[`, `{"ts":"arrival","epc":"E","rssi":1}`, "]}"), CodeMissing},
		{"tracks", "track/cam-1", fill(`{"ts":"arrival","tracks":[`, `{"track":"1","class":"p","conf":1,"box":[1,1,1,1]}`, "]}"), ""},
		{"hands", "track/cam-1", fill(`{"ts":"arrival","tracks":[`, `{"track":"1","class":"p","conf":1,"box":[1,1,1,1],"hands":[`+strings.TrimSuffix(strings.Repeat("[1,1,1],", maxHands), ",")+`]}`, "]}"), ""},
		{"acts", "track/cam-1", fill(`{"ts":"arrival","tracks":[{"track":"1","class":"p","conf":1,"box":[1,1,1,1],"acts":[`, `{"name":"a","p":1}`, `]}]}`), ""},
		{"lost", "track/cam-1", `{"ts":"arrival","tracks":[],"lost":[` + thousand(`"1"`) + `]}`, ""},
		{"samples", "weight/g1", `{"ts":"arrival","rate":100000,"grams":[` + thousand("1") + `]}`, ""},
		{"unknown members", "gate/eas-1", fill(`{"ts":"arrival","alarm":true,"a":[`, `{"b":[]}`, "]}"), ""},
		{"names with escapes", "gate/eas-1", fill(`{"ts":"arrival","alarm":true,`, `"\u0061":1`, "}"), ""},
		{"many strings", "till/sco-1", fill(`{"ts":"arrival","action":"open","session":"1",`, `"of":"\u0062"`, "}"), ""},
		{"no JSON", "gate/eas-1", strings.Repeat(`"`, maxPayload), CodeBadJSON},
		{"deep", "gate/eas-1", strings.Repeat(`[`, maxPayload), CodeBadJSON},
		{"a long name", "gate/eas-1", `{"` + strings.Repeat("n", maxPayload-8) + `":1}`, CodeMissing},
	} {
		payload := []byte(test.payload)
		var err error
		var m fusion.Message
		n := allocated(func() { err = d.DecodeInto(&m, received, "magpie/v1/s042/"+test.topic, false, payload) })
		var r *Rejection
		if errors.As(err, &r); err != nil && (r == nil || r.Code != test.code) || err == nil && test.code != "" {
			t.Errorf("%s: %v; want %q", test.name, err, test.code)
		}
		if most := uint64(10*len(payload) + little); n > most {
			t.Errorf("%s: %d bytes allocated for a payload of %d: at most %d", test.name, n, len(payload), most)
		}
		t.Logf("%-20s %7d bytes, %8d allocated, %.2f times", test.name, len(payload), n, float64(n)/float64(len(payload)))
	}
}

// TestTooLargeForTheBroker sends more than the broker takes in a message: it hangs up, and its log says why.
func TestTooLargeForTheBroker(t *testing.T) {
	logs := newLogged()
	b := embedded(t, BrokerOptions{Sync: time.Minute, Log: logs.logger()})
	vendor, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	vendor.Publish("magpie/v1/s042/gate/eas-1", 1, false, make([]byte, 600<<10))
	logs.await(t, "maximum payload")
}

// TestStringsAreForgotten reads a hundred thousand tags: what the decoder keeps of them is bounded.
func TestStringsAreForgotten(t *testing.T) {
	d := decoder(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 100_000 {
		if _, err := d.Decode(received, "magpie/v1/s042/rfid/r-door", false, fmt.Appendf(nil, `{"ts":"arrival","epc":"%0124X","antenna":1,"rssi":-50}`, i)); err != nil {
			t.Fatal(err)
		}
		if n := len(d.c.intern); n > 1<<16 {
			t.Fatalf("%d strings are kept", n)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d KiB are kept after 100,000 tags", grown>>10)
	if grown > 32<<20 {
		t.Errorf("%d KiB are kept", grown>>10)
	}
	runtime.KeepAlive(d)
}
