package sensors

import (
	"testing"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// TestWall reads times without a zone by the store's. Where summer time ends an hour comes twice: the arrival tells which.
func TestWall(t *testing.T) {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	d := &Decoder{store: &fusion.Store{Location: london}}
	at := func(text string) int64 {
		when, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return when.UnixNano()
	}
	iso := func(received int64) func([]byte) (int64, bool) {
		return func(b []byte) (int64, bool) { return d.wall(b, received) }
	}
	day := func(b []byte) (int64, bool) { return d.slashed(b, false, received) }
	month := func(b []byte) (int64, bool) { return d.slashed(b, true, received) }
	for _, test := range []struct {
		name string
		read func([]byte) (int64, bool)
		in   string
		want string // RFC 3339; empty: refused, "far": no time near ours
	}{
		{"iso", iso(received), "2026-11-22T10:00:00", "2026-11-22T10:00:00Z"},
		{"iso in summer", iso(received), "2026-07-22 10:00:00.5", "2026-07-22T09:00:00.5Z"},
		{"iso, nanoseconds", iso(received), "2026-11-22T10:00:00.123456789", "2026-11-22T10:00:00.123456789Z"},
		{"iso, comma", iso(received), "2026-11-22T10:00:00,25", "2026-11-22T10:00:00.25Z"},
		{"the hour that comes twice, first", iso(at("2026-10-25T00:30:02Z")), "2026-10-25T01:30:00", "2026-10-25T00:30:00Z"},
		{"the hour that comes twice, second", iso(at("2026-10-25T01:30:02Z")), "2026-10-25T01:30:00", "2026-10-25T01:30:00Z"},
		{"day first, as FX readers write it", day, "22/5/2020 22:4:0:111", "2020-05-22T21:04:00.111Z"},
		{"day first, few milliseconds", day, "22/5/2020 22:4:0:7", "2020-05-22T21:04:00.007Z"},
		{"day first, points", day, "22.11.2026 10:00:00.25", "2026-11-22T10:00:00.25Z"},
		{"month first", month, "11/22/2026 10:00:00", "2026-11-22T10:00:00Z"},
		{"zoned, no colon", zoned, "2026-08-13T09:14:28.651+0000", "2026-08-13T09:14:28.651Z"},
		{"zoned, space", zoned, "2026-11-22 11:00:00+01:00", "2026-11-22T10:00:00Z"},
		{"clock never set", iso(received), "1970-01-01T00:00:12", "far"},
		{"year 9999", iso(received), "9999-12-31T23:59:59", "far"},
		{"zoned, year 9999", zoned, "9999-12-31T23:59:59Z", "far"},
		{"no such day", iso(received), "2026-02-30T10:00:00", ""},
		{"no such month", day, "11/22/2026 10:00:00", ""},
		{"no such hour", iso(received), "2026-11-22T24:00:00", ""},
		{"a date alone", iso(received), "2026-11-22", ""},
		{"a zone", iso(received), "2026-11-22T10:00:00Z", ""},
		{"trailing point", iso(received), "2026-11-22T10:00:00.", ""},
		{"too many digits", iso(received), "2026-11-22T10:00:00.1234567890", ""},
		{"words", iso(received), "now", ""},
		{"nothing", iso(received), "", ""},
	} {
		ns, ok := test.read([]byte(test.in))
		got := ""
		switch {
		case ok && ns == 0:
			got = "far"
		case ok:
			got = message.At(ns).String()
		}
		want := test.want
		if want != "" && want != "far" {
			want = message.At(at(want)).String()
		}
		if got != want {
			t.Errorf("%s: %q is %q, want %q", test.name, test.in, got, want)
		}
	}
}
