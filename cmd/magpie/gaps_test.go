package main

import (
	"testing"

	"magpie/fusion"
)

func TestGaps(t *testing.T) {
	g := gaps{}
	steps := []struct {
		why    string
		source int
		kind   fusion.Kind
		seq    int64
		boot   string
		want   int64
	}{
		{"the first says nothing", 0, fusion.RFID, 7, "a", 0},
		{"the next", 0, fusion.RFID, 8, "a", 0},
		{"two are missing", 0, fusion.RFID, 11, "a", 2},
		{"one of them, behind", 0, fusion.RFID, 9, "a", 0},
		{"the next again", 0, fusion.RFID, 12, "a", 0},
		{"a repeat", 0, fusion.RFID, 12, "a", 0},
		{"another kind counts for itself", 0, fusion.Status, 40, "a", 0},
		{"another source too", 1, fusion.RFID, 90, "a", 0},
		{"a restart", 0, fusion.RFID, 100, "b", 0},
		{"and on", 0, fusion.RFID, 500, "b", 399},
		{"a restart without a boot", 0, fusion.RFID, 1, "b", 0},
		{"and on", 0, fusion.RFID, 3, "b", 1},
	}
	for _, s := range steps {
		if got := g.add(s.source, s.kind, s.seq, s.boot); got != s.want {
			t.Errorf("%s: seq %d: %d missing, want %d", s.why, s.seq, got, s.want)
		}
	}
}
