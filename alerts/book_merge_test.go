package alerts

import (
	"fmt"
	"slices"
	"testing"

	"magpie/fusion"
)

// switched is a person whose track changes its id after ten seconds without a word: what a signal says of the second is said
// of a visit of its own, until five frames have shown that the first stays away.
func switched(t *testing.T, suppose bool, budget Budget) *shift {
	s := newShift(t, budget, level)
	s.stay(0, 10, nil)
	for i := 20; i < 40; i++ {
		s.person(float64(i)/2, "B", 2.05)
		if i == 23 {
			s.signal(11.7, 0, "sig-1", "gate", suppose)
		}
	}
	return s
}

// TestMerge: when visits merge, the alert of the younger one is retracted with the visit that it went into, and that one's
// stands from the moment at which it was raised (contract §5).
func TestMerge(t *testing.T) {
	s := switched(t, false, Budget{Day: 1})
	s.finish()
	older := fusion.VisitID("s042", "cam", "A", monday)
	younger := fusion.VisitID("s042", "cam", "B", monday+10*second)
	s.want("1/1 confirmed gate 11.7", "2/2 retracted gate 12.0", "1/1 confirmed gate 12.0", "2/2 closed gate 19.5")
	for i, want := range []string{younger, younger, older, older} {
		a := s.said[i]
		merged := ""
		if i == 1 {
			merged = older
		}
		if a.SubjectID != want || a.MergedInto != merged {
			t.Errorf("line %d: of %s, merged into %q; want %s and %q", i, a.SubjectID, a.MergedInto, want, merged)
		}
		if a.EventTime != monday+11_700*int64(1e6) {
			t.Errorf("line %d: raised after %.1f s; want 11.7", i, float64(a.EventTime-monday)/1e9)
		}
	}
	if got := s.said[2].Tracks; !slices.Equal(got, []string{"cam/A", "cam/B"}) {
		t.Errorf("tracks %v", got)
	}
	if got := s.log.Scores(); len(got) != 1 || got[0].Visit != older || got[0].Score != 0.95 || len(got[0].Tracks) != 2 || got[0].From != monday {
		t.Errorf("scores %+v; want one of the visit that goes on", got)
	}
}

// TestMergeCountsOnce: what the store was told of the younger visit's alert is taken back, and stands as the older one's where that
// one's alert does: patterns count one person's alerts once (contract §4).
func TestMergeCountsOnce(t *testing.T) {
	pattern := func(id string, least int) string {
		return fmt.Sprintf("policy: %s\ntitle: t\njudge: store\nscore: 'count(alerted(\"level\", \"gate\", \"any\"), \"10m\") >= %d ? 0.95 : 0.05'\n"+
			"alert: {tiers: {log: 0.1}}\n", id, least)
	}
	f := func(what string, older func(s *shift, at float64), gate float64, want map[string]string) {
		t.Helper()
		s := newShift(t, Budget{}, level, pattern("once", 1), pattern("twice", 2))
		s.stay(0, 10, map[int]func(float64){5: func(at float64) { older(s, at) }})
		for i := 20; i < 40; i++ {
			s.person(float64(i)/2, "B", 2.05)
			if i == 23 {
				s.signal(11.7, 0, "sig-1", "gate", false)
			}
		}
		s.finish()
		got := map[string]string{}
		for _, a := range s.said {
			if a.SubjectKind == "store" {
				for _, p := range a.Policies {
					got[p.Policy] += fmt.Sprintf("%s %.1f; ", a.State, float64(a.At-monday)/1e9)
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v\n%s", what, got, want, s.lines())
		}
		w, _ := s.core.Confirmed()
		var told []float64 // when the gate was crossed
		for f := range w.Subject(fusion.SubjectStore, "s042").Facts.All() {
			if f.Kind != fusion.FactAlerted || f.Name == "" {
				continue
			}
			x := fusion.ParseAlerted(f.Name)
			if x.Subject != fusion.VisitID("s042", "cam", "A", monday) {
				t.Errorf("%s: the store keeps an alert of %s", what, x.Subject)
			}
			if x.Tier == "gate" {
				told = append(told, float64(f.At-monday)/1e9)
			}
		}
		if gate == 0 && len(told) > 0 || gate != 0 && !slices.Equal(told, []float64{gate}) {
			t.Errorf("%s: the gate was crossed after %v s, want %v", what, told, gate)
		}
	}
	f("the younger one's alert", func(*shift, float64) {}, 11.7, map[string]string{"once": "confirmed 11.7; "})
	f("an alert of each", func(s *shift, at float64) { s.signal(at, 0, "sig-1", "gate", false) }, 5.1,
		map[string]string{"once": "confirmed 5.1; updated 11.7; updated 12.0; ", "twice": "updated 11.7; "})
	f("the older one has paid", func(s *shift, at float64) { s.till(at, 0, fusion.Scan, false) }, 0,
		map[string]string{"once": "confirmed 11.7; retracted 12.0; "})
}

// TestMergeOfSupposed: a provisional alert whose visit is merged is taken back with where it went as well.
func TestMergeOfSupposed(t *testing.T) {
	s := switched(t, true, Budget{})
	s.finish()
	older := fusion.VisitID("s042", "cam", "A", monday)
	var kept []string
	for _, a := range s.said {
		kept = append(kept, fmt.Sprint(a.State, " ", a.SubjectID == older, " ", a.MergedInto == older))
	}
	want := []string{"provisional false false", "confirmed false false", "retracted false true", "confirmed true false", "closed true false"}
	if !slices.Equal(kept, want) {
		t.Errorf("state, of the older visit, merged into it:\n%v\nwant\n%v", kept, want)
	}
}

// TestMergeNotYetKnown: what was supposed of a visit before the frames arrived that make it another one's is taken back with
// where it went.
func TestMergeNotYetKnown(t *testing.T) {
	s := newShift(t, Budget{}, level)
	s.stay(0, 10, nil)
	late := func(i int) {
		s.send(float64(i)/2, 1.5, "cam", false, fusion.Event{ID: "B", Name: "person", Conf: 0.9, HasFloor: true, Floor: fusion.Point{X: 2.05, Y: 3}, Zone: -1})
	}
	for i := 20; i < 40; i++ {
		if i == 24 {
			s.signal(12.2, 0, "sig-1", "gate", true) // the frames of 11 s and later are on their way
		}
		late(i)
	}
	s.finish()
	older := fusion.VisitID("s042", "cam", "A", monday)
	var got []string
	for _, a := range s.said {
		got = append(got, fmt.Sprint(a.State, " ", a.SubjectID == older, " ", a.MergedInto == older))
	}
	want := []string{"provisional false false", "confirmed true false", "retracted false true", "closed true false"}
	if !slices.Equal(got, want) {
		t.Errorf("state, of the older visit, merged into it:\n%v\nwant\n%v", got, want)
	}
}

// TestLateMessageParts: a message that comes late and shows that one camera has seen both at once undoes the merge: what was
// said of either is put right.
func TestLateMessageParts(t *testing.T) {
	s := switched(t, false, Budget{})
	s.send(11.2, 9, "cam", false, fusion.Event{ID: "A", Name: "person", Conf: 0.9, HasFloor: true, Floor: fusion.Point{X: 2, Y: 3}, Zone: -1})
	s.finish()
	older := fusion.VisitID("s042", "cam", "A", monday)
	var last [2]*Alert
	for _, a := range s.said {
		if a.SubjectID == older {
			last[0] = a
		} else {
			last[1] = a
		}
	}
	if last[0].State != Retracted || last[0].MergedInto != "" || last[1].State != Closed || last[1].MergedInto != "" {
		t.Errorf("the older visit's alert ended %s, the younger one's %s, merged into %q; want retracted, closed, nothing\n%s",
			last[0].State, last[1].State, last[1].MergedInto, s.lines())
	}
	if n := len(s.log.Scores()); n != 2 {
		t.Errorf("%d score lines; want two visits", n)
	}
}
