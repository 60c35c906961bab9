package sensors

import (
	"testing"

	"magpie/fusion"
)

func TestSequences(t *testing.T) {
	s := Sequences{}
	steps := []struct {
		why    string
		source int
		kind   fusion.Kind
		seq    int64
		boot   string
		ts     int64
		want   Step
	}{
		{"the first says nothing", 0, fusion.RFID, 7, "a", 1, Step{}},
		{"the next", 0, fusion.RFID, 8, "a", 2, Step{}},
		{"two are missing", 0, fusion.RFID, 11, "a", 5, Step{Missing: 2}},
		{"one of them, behind", 0, fusion.RFID, 9, "a", 3, Step{Behind: true}},
		{"the next again", 0, fusion.RFID, 12, "a", 6, Step{}},
		{"a repeat", 0, fusion.RFID, 12, "a", 6, Step{}},
		{"another kind counts for itself", 0, fusion.Status, 40, "a", 6, Step{}},
		{"another source too", 1, fusion.RFID, 90, "a", 6, Step{}},
		{"a restart", 0, fusion.RFID, 100, "b", 7, Step{Restart: true}},
		{"and on", 0, fusion.RFID, 500, "b", 8, Step{Missing: 399}},
		{"far behind, and older: it is late", 0, fusion.RFID, 350, "b", 7, Step{Behind: true}},
		{"a restart without a boot", 0, fusion.RFID, 1, "b", 9, Step{Restart: true}},
		{"and on", 0, fusion.RFID, 3, "b", 10, Step{Missing: 1}},
		{"a restart soon after another", 0, fusion.RFID, 0, "b", 11, Step{Restart: true}},
		{"and on", 0, fusion.RFID, 1, "b", 12, Step{}},
		{"a number that never rises", 0, fusion.RFID, 1, "b", 13, Step{Restart: true}},
	}
	for _, x := range steps {
		if got := s.Add(&fusion.Message{Source: x.source, Kind: x.kind, TS: x.ts}, x.seq, x.boot); got != x.want {
			t.Errorf("%s: seq %d: %+v, want %+v", x.why, x.seq, got, x.want)
		}
	}
}

// TestSequencesOfRejected: what was rejected is not missing.
func TestSequencesOfRejected(t *testing.T) {
	s := Sequences{}
	s.Rejected(0, "rfid") // before the first number
	add := func(seq int64) int64 {
		return s.Add(&fusion.Message{Kind: fusion.RFID, TS: seq}, seq, "").Missing
	}
	add(1)
	s.Rejected(0, "rfid")
	s.Rejected(0, "weight")
	s.Rejected(1, "rfid")
	for _, x := range []struct{ seq, want int64 }{{3, 0}, {5, 1}, {6, 0}} {
		if got := add(x.seq); got != x.want {
			t.Errorf("seq %d: %d missing, want %d", x.seq, got, x.want)
		}
	}
}
