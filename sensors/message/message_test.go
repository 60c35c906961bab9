package message

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const at = 1795341600_123_000_000 // 2026-11-22T10:00:00.123Z

// TestBytes holds the bytes of every kind, the contract's own examples first, and that they read back as they were.
func TestBytes(t *testing.T) {
	head := Head{TS: At(at)}
	for _, test := range []struct {
		in   any
		want string
	}{
		{&RFID{Head: Head{TS: At(at), Seq: new(uint64(881))}, Read: &Read{EPC: "303404579800D6800004CB2F", Antenna: 1, RSSI: -54.5}},
			`{"ts":"2026-11-22T10:00:00.123Z","seq":881,"epc":"303404579800D6800004CB2F","antenna":1,"rssi":-54.5}`},
		{&Weight{Head: head, Rate: 60, Grams: Grams{5021.3, 5021.1, 4399.8}},
			`{"ts":"2026-11-22T10:00:00.123Z","rate":60,"grams":[5021.3,5021.1,4399.8]}`},
		{&Track{Head: head, Frame: &[2]int{1280, 720}, Tracks: Objects{{Track: "17", Class: "person", Conf: 0.91,
			Box: [4]float64{410, 120, 90, 260}, Floor: &[2]float64{3.2, 7.9}}}, Lost: []string{"12"}},
			`{"ts":"2026-11-22T10:00:00.123Z","frame":[1280,720],"tracks":[{"track":"17","class":"person","conf":0.91,"box":[410,120,90,260],"floor":[3.2,7.9]}],"lost":["12"]}`},
		{&Till{Head: head, Session: "t1-0042", Action: "scan", SKU: "071142008582", Price: new(1.99)},
			`{"ts":"2026-11-22T10:00:00.123Z","session":"t1-0042","action":"scan","sku":"071142008582","price":1.99}`},
		{&RFID{Reads: []TimedRead{{TS: At(at), Read: Read{EPC: "E2", Antenna: 2, RSSI: -60, Phase: new(1.5), Channel: new(866.9), TID: "E28"}}}},
			`{"reads":[{"ts":"2026-11-22T10:00:00.123Z","epc":"E2","antenna":2,"rssi":-60,"phase":1.5,"channel":866.9,"tid":"E28"}]}`},
		{&Weight{Head: Head{TS: Arrival()}, Grams: Grams{0}, Mode: "change"}, `{"ts":"arrival","grams":0,"mode":"change"}`},
		{&Track{Head: head, Tracks: Objects{}}, `{"ts":"2026-11-22T10:00:00.123Z","tracks":[]}`},
		{&Region{Head: head, Object: "7", Class: "person", Action: "enter", Zone: "door", Conf: new(0.5)},
			`{"ts":"2026-11-22T10:00:00.123Z","object":"7","class":"person","action":"enter","zone":"door","conf":0.5}`},
		{&Gate{Head: head, Direction: "out"}, `{"ts":"2026-11-22T10:00:00.123Z","alarm":false,"direction":"out"}`},
		{&Count{Head: head, In: new(int64(2)), Out: new(int64(0))}, `{"ts":"2026-11-22T10:00:00.123Z","in":2,"out":0}`},
		{&Signal{Head: head, Name: "A<B", State: new(true)}, `{"ts":"2026-11-22T10:00:00.123Z","name":"A<B","state":true}`},
		{&Stock{Head: head, SKU: "071142008582", Units: 40}, `{"ts":"2026-11-22T10:00:00.123Z","sku":"071142008582","units":40}`},
		{&Status{State: "online", Every: 5}, `{"state":"online","every":5}`},
	} {
		got, err := Encode(test.in)
		if err != nil || string(got) != test.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
			continue
		}
		back := reflect.New(reflect.TypeOf(test.in).Elem()).Interface()
		if err := json.Unmarshal(got, back); err != nil {
			t.Errorf("%s does not read back: %v", got, err)
		} else if diff := cmp.Diff(test.in, back, cmp.AllowUnexported(Time{})); diff != "" {
			t.Errorf("%s reads back differently:\n%s", got, diff)
		}
	}
	if got, _ := Encode(Track{Head: head}); string(got) != `{"ts":"2026-11-22T10:00:00.123Z","tracks":[]}` {
		t.Errorf("a frame without tracks: %s", got)
	}
}

func TestParseTime(t *testing.T) {
	for in, want := range map[string]Time{
		`1795341600123`:                      At(at),
		`"2026-11-22T10:00:00.123Z"`:         At(at),
		`"2026-11-22T12:00:00.123000+02:00"`: At(at),
		`"2026-11-22T10:00:00.123000001Z"`:   At(at + 1),
		`"2026-11-22T10:00:00Z"`:             At(at - 123_000_000),
		`"2026-11-22\u005410:00:00.123Z"`:    At(at),
		`"arrival"`:                          Arrival(),
	} {
		if got, err := ParseTime([]byte(in)); err != nil || got != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for in, reason := range map[string]string{
		`null`:                      `ts is null: give RFC 3339 with an offset, integer milliseconds since 1970, or "arrival"`,
		`1795341600.5`:              `ts is 1795341600.5: give RFC 3339 with an offset, integer milliseconds since 1970, or "arrival"`,
		`1795341600`:                `ts is 1795341600, which is no time near ours: give milliseconds since 1970, not seconds or microseconds, and set the device's clock`,
		`"2026-11-22T10:00:00.123"`: `ts is "2026-11-22T10:00:00.123", which is not RFC 3339 with an offset, such as 2026-11-22T10:00:00.123Z`,
		`"2026-11-22 10:00:00Z"`:    `ts is "2026-11-22 10:00:00Z", which is not RFC 3339 with an offset, such as 2026-11-22T10:00:00.123Z`,
		`"0001-01-01T00:00:00Z"`:    `ts is "0001-01-01T00:00:00Z", which is no time near ours: set the device's clock`,
		``:                          `ts is empty`,
	} {
		if _, err := ParseTime([]byte(in)); err == nil || err.Error() != reason {
			t.Errorf("%s: %v\nwant %s", in, err, reason)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{`1795341600123`, `"2026-11-22T10:00:00.123Z"`, `"arrival"`, `"`, `"\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		at, err := ParseTime([]byte(in))
		if err != nil {
			return
		}
		out, err := at.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseTime(out); err != nil || back != at {
			t.Fatalf("%q reads as %v, written %s, read again as %v, %v", in, at, out, back, err)
		}
	})
}

func TestSplitTopic(t *testing.T) {
	store, kind, source, ok := SplitTopic(Topic("s042", KindRFID, "r-door"))
	if store != "s042" || kind != "rfid" || source != "r-door" || !ok {
		t.Error(store, kind, source, ok)
	}
	for _, bad := range []string{"", "magpie/v1/", "magpie/v1/s/rfid", "magpie/v1//rfid/r", "magpie/v2/s/rfid/r", "tele/x/SENSOR"} {
		if _, _, _, ok := SplitTopic(bad); ok {
			t.Errorf("%q taken apart", bad)
		}
	}
}
