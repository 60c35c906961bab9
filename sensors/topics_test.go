package sensors

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTopicsAreRemembered reads what comes on a topic twice: the way that is remembered is the way that was found, and however
// many topics a filter has, a bound holds.
func TestTopicsAreRemembered(t *testing.T) {
	fresh, d := decoder(t), decoder(t)
	known := len(d.topics)
	read := func(topic, payload string, remembered bool) {
		t.Helper()
		for range 2 {
			clear(fresh.topics)
			got, err := d.Decode(received, topic, true, []byte(payload))
			want, wantErr := fresh.Decode(received, topic, true, []byte(payload))
			if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("%s: %v, not %v\n%s", topic, err, wantErr, diff)
			}
			if _, ok := d.topics[topic]; ok != remembered {
				t.Fatalf("%s is remembered: %v", topic, ok)
			}
		}
	}
	for _, s := range everyKind {
		read(s.topic, s.payload, true)
	}
	if len(d.topics) != known {
		t.Fatalf("%d topics, and %d once all were used", known, len(d.topics))
	}
	read("esphome/sensor/a", `12.5`, true)
	read("esphome/sensor/a", `"heavy"`, true)
	read("impinj/r-door/events", `{"timestamp":"2026-11-22T10:00:00.223Z","tagInventoryEvent":{"epcHex":"E2","antennaPort":1,"peakRssiCdbm":-5450}}`, true)
	read("impinj/nobody/events", `{}`, false)
	read("impinj/g1/events", `{}`, false) // a scale
	read("magpie/v1/s042/weight/r-door", `{}`, false)
	read("magpie/v1/s042/alert/a/b", `{}`, false)
	read("magpie/v1/other/gate/eas-1", `{}`, false)
	for i := range 2 * maxTopics {
		if _, err := d.Decode(received, fmt.Sprint("esphome/sensor/", i), false, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.topics); n > maxTopics+known {
		t.Errorf("%d topics are remembered", n)
	}
	read("esphome/sensor/z", `12.5`, false)
}
