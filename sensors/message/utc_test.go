package message

import (
	"testing"
	"time"
)

// FuzzUTC holds the quick reading of a time to package time's.
func FuzzUTC(f *testing.F) {
	for _, s := range []string{"2026-11-22T10:00:00.123Z", "2026-11-22T10:00:00Z", "2000-01-01T00:00:00Z", "2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-12-31T23:59:59Z", "2024-03-01T00:00:00Z", "2023-03-01T23:59:59.999999999Z",
		"2099-12-28T00:00:00.1Z", "2026-02-30T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:00:00.Z", "2026-11-22T10:00:00.1234567891Z", "2026-11-22t10:00:00Z", "2026-13-01T00:00:00Z", "2026-00-00T00:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ns, ok := utc([]byte(s))
		if !ok {
			return
		}
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || at.UnixNano() != ns {
			t.Fatalf("%q is read as %d, and is %d (%v)", s, ns, at.UnixNano(), err)
		}
	})
}

// TestUTC reads every day of the century.
func TestUTC(t *testing.T) {
	n := 0
	for at := time.Date(2000, 1, 1, 12, 34, 56, 789e6, time.UTC); at.Year() < 2100; at = at.AddDate(0, 0, 1) {
		ns, ok := utc([]byte(at.Format("2006-01-02T15:04:05.000Z")))
		if !ok || ns != at.UnixNano() {
			t.Fatalf("%v is read as %d, %v", at, ns, ok)
		}
		n++
	}
	if n != 36525 {
		t.Errorf("%d days", n)
	}
}
