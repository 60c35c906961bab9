package sensors

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"magpie/fusion"
)

func FuzzDecode(f *testing.F) {
	for _, seed := range []struct{ topic, payload string }{
		{"magpie/v1/s042/rfid/r-door", `{"ts":"2026-11-22T10:00:00.123Z","seq":881,"boot":"b","reads":[{"ts":1795341600123,"epc":"E2","antenna":1,"rssi":-5e1}]}`},
		{"magpie/v1/s042/weight/g1", `{"ts":1795341600123,"rate":60,"grams":[5021.3,5021.1,4399.8]}`},
		{"magpie/v1/s042/track/cam-1", `{"ts":1795341600123,"frame":[1,2],"tracks":[{"track":"17","class":"p","conf":0.91,"box":[410,120,90,260],"hands":[[1,2,3]],"acts":[{"name":"\u0061","p":1}]}],"lost":["12"]}`},
		{"magpie/v1/s042/till/sco-1", `{"ts":1795341600123,"session":"t1-0042","action":"scan","sku":"071142008582","price":1.99}`},
		{"magpie/v1/s042/count/c-1", `{"ts":1795341600123,"in":2,"out":0}`},
		{"impinj/r-door/events", `[{"timestamp":"2026-11-22T10:00:00.223Z","tagInventoryEvent":{"epc":"4oARYGAAAgpmgfI_","antennaPort":1,"peakRssiCdbm":-5450}}]`},
		{"tele/g1/SENSOR", `{"Time":"2026-11-22T11:00:00","HX711":{"WeightRaw":4840}}`},
		{"magpie/v1/s042/status/r-door", `{"state":"online"}`},
		{"magpie/v1/s042/gate/eas-1", `{"ts":"2026-11-22T12:00:00.123+02:00","alarm":true,"a":"\u00e9é","b":[{},[null,true,-1.5e3]]} `},
		{"magpie/v1/s042/gate/eas-1", `{"ts":1795341600123,"alarm":true} {}`},
		{"magpie/v1/s042/gate/eas-1", `{"ts":1795341600123,"alarm":"no"]`},
		{"magpie/v1/s042/signal/line-1", `{"ts":"arrival","name":"line","a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`},
	} {
		f.Add(seed.topic, []byte(seed.payload))
	}
	d := decoder(f)
	f.Fuzz(func(t *testing.T, topic string, payload []byte) { decodes(t, d, topic, payload) })
}

// FuzzVendors begins with the fixtures of every vendor. A decoder of another maker's payloads allocates at most ten times
// what it reads, and a little for the reason of a rejection.
func FuzzVendors(f *testing.F) {
	all := fixtures(f)
	for i := range all {
		f.Add(uint16(i), all[i].payload)
	}
	f.Fuzz(func(t *testing.T, i uint16, payload []byte) {
		v := &all[int(i)%len(all)]
		var m fusion.Message
		decodes(t, v.d, v.topic, payload)
		if n := allocated(func() { v.d.DecodeInto(&m, received, v.topic, false, payload) }); n > uint64(10*len(payload)+little) {
			t.Fatalf("%s: %d bytes allocated for a payload of %d", v.vendor, n, len(payload))
		}
	})
}

// FuzzValues: expressions see of a payload what encoding/json makes of it, or nothing where that would cost too much; and
// what is written of it is the same value.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{`{"a":{"b":[1,-0.5e3,true,null,"\u00e9\ud800\n",{}]},"a":"again","":[[],[[]]]}`, `"text"`, `[1e400]`, `-0`, `{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":"<&>\u2028"}`} {
		f.Add([]byte(seed))
	}
	var v values
	f.Fuzz(func(t *testing.T, payload []byte) {
		if valid(payload) != nil {
			return
		}
		var want any
		err := json.Unmarshal(payload, &want)
		v.begin(len(payload))
		got, r := v.read(payload, nil)
		switch {
		case r != nil && r.Code == CodeTooBig:
		case (r == nil) != (err == nil):
			t.Fatalf("%v; encoding/json: %v", r, err)
		case r == nil:
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			written, err := appendJSON(nil, got, math.MaxInt)
			var back any
			if err == nil {
				err = json.Unmarshal(written, &back)
			}
			if diff := cmp.Diff(want, back); err != nil || diff != "" {
				t.Fatalf("%s: %v\n%s", written, err, diff)
			}
		}
	})
}

// decodes decodes a message, whatever it is: a rejection says why and can be published, an event has numbers and times
// that may be, the same message again is the same, and so it is for who first looks whether it is JSON at all.
func decodes(t *testing.T, d *Decoder, topic string, payload []byte) {
	t.Helper()
	m, err := d.Decode(received, topic, false, payload)
	var r *Rejection
	switch {
	case errors.As(err, &r):
		if r.Code == "" || r.Reason == "" || !json.Valid(r.Payload(payload)) || strings.ContainsAny(r.Kind+r.Source, "/#+ ") {
			t.Fatalf("%+v", r)
		}
	case err == nil:
		for _, e := range m.Events {
			if e.TS < m.TS || e.TS > received+maxFuture || math.IsNaN(e.Grams+e.RSSI+e.Floor.X+e.Qty+e.Conf) || math.IsInf(e.Grams+e.RSSI+e.Floor.X+e.Qty, 0) {
				t.Fatalf("%+v", e)
			}
		}
		m.Events = slices.Clone(m.Events)
		again, err := d.Decode(received, topic, false, payload)
		if err != nil || !cmp.Equal(m, again) {
			t.Fatalf("decoded twice: %v\n%s", err, cmp.Diff(m, again))
		}
	}
	to, ok := d.topics[topic]
	if !ok || to.foreign > 0 {
		return
	}
	d.m = draft{Message: fusion.Message{Received: received, Kind: to.kind, Source: to.source}, topic: topic, size: len(payload)}
	switch slow := d.read(&d.m, d.store.Sources[to.source].ID, payload, (*Decoder).careful); {
	case (slow == nil) != (err == nil) || slow != nil && (slow.Code != r.Code || slow.Path != r.Path || slow.Reason != r.Reason):
		t.Fatalf("%v in one pass, %v in several", err, slow)
	case slow == nil && !cmp.Equal(d.m.Message, m, cmpopts.EquateEmpty()):
		t.Fatalf("in one pass and in several:\n%s", cmp.Diff(m, d.m.Message))
	}
}
