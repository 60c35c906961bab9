package main

import (
	"strings"
	"testing"

	"magpie/fusion"
	"magpie/sim"
)

// TestSilences: who does not hear cameras hears no sign of life of theirs either, and everything else.
func TestSilences(t *testing.T) {
	s := &fusion.Store{Sources: []fusion.Source{{ID: "cam-1", Kind: fusion.Tracks}, {ID: "r-1", Kind: fusion.RFID}}}
	p := part{silent: modalities[0].kinds}
	for topic, want := range map[string]bool{
		"magpie/v1/s/track/cam-1": true, "magpie/v1/s/status/cam-1": true, "magpie/v1/s/rfid/r-1": false, "magpie/v1/s/status/r-1": false,
		"magpie/v1/s/status/unknown": false, "tele/shelf/SENSOR": false,
	} {
		if got := p.silences(s, topic); got != want {
			t.Errorf("%s: %v", topic, got)
		}
	}
}

// TestCriteria: each of what a release must show is met, or not, or cannot be said, by its number.
func TestCriteria(t *testing.T) {
	judged := func(name string, auc float64) judgedBy {
		at := []sim.Weighted{{At: 0.001, Value: auc}, {At: 0.005, Value: auc}, {At: 0.02, Value: auc}}
		return judgedBy{Judge: name, Evaluation: &sim.Evaluation{Thefts: 200, Honest: 2000, Hours: 50, At: at, PRAUC: sim.Interval{Value: auc},
			RecallAt: []sim.Weighted{{At: 0.5}, {At: 1, Value: 0.9}, {At: 2}}, Permuted: 0.5, Skill: 0.5, LeadTagged: 1, Tagged: 30, Alerts: 30,
			Bands: []sim.Band{{From: 0.1, To: 0.3, Visits: 40, Said: 0.2, Observed: 0.24}}}}
	}
	all := []judgedBy{judged(nameMagpie, 0.8), judged(nameGate, 0.6), judged(nameTills, 0.7), judged(nameOR, 0.74), judged("Magpie, plates off", 0.71),
		judged("Magpie, tags off", 0.5)}
	check := func(name string, all []judgedBy, want map[string]string) {
		t.Helper()
		for what, verdict := range want {
			found := false
			for _, c := range criteria(all) {
				if strings.HasPrefix(c.What, what) {
					if found = true; c.Verdict != verdict {
						t.Errorf("%s: %+v; want %s", name, c, verdict)
					}
				}
			}
			if !found {
				t.Errorf("%s: nothing is said of %s", name, what)
			}
		}
	}
	check("mostly good", all, map[string]string{
		"PR-AUC beside the best single": met, "PR-AUC beside the tuned OR": met, "recall at": met, "wrong person": met, "Brier": met,
		"observed by said": met, "PR-AUC with plates off": met, "PR-AUC with tags off": notMet, "PR-AUC with cameras off": notMeasured,
		"median alert": met, "staff or gate": notMeasured, "check: AUC": met, "check: PR-AUC": met})
	e := all[0].Evaluation
	e.Honest, e.WrongPerson, e.Skill, e.Bands[0].Observed, e.LeadTagged, e.Permuted, e.Blind = 1499, 0.011, 0.29, 0.26, 0, 0.6, 0.9
	all[2].At[1].Value = 0.71
	check("less good", all[:3], map[string]string{
		"PR-AUC beside the best single sensor, at 0.1": met, "PR-AUC beside the best single sensor, at 0.5": notMet, "PR-AUC beside the tuned OR": notMeasured,
		"recall at": tooFew, "wrong person": notMet, "Brier": notMet, "observed by said": notMet, "median alert": notMet,
		"check: AUC": notMet, "check: PR-AUC": notMet})
	e.RecallAt[1].Value, e.Bands[0].Visits, e.Tagged, e.Alerts = 0.84, 29, 0, 29
	check("few", all, map[string]string{"recall at": notMet, "observed by said": tooFew, "median alert": tooFew, "wrong person": notMet})
	e.WrongPerson, e.LeadTagged, e.Tagged = 0, 1, 29
	check("few good ones", all, map[string]string{"median alert": tooFew, "wrong person": tooFew})
	free := &sim.Evaluation{Honest: 4000, Hours: 100, False: []sim.TypeRecall{{Type: "shopping", Count: 4000}}}
	check("theft-free", []judgedBy{{Judge: nameMagpie, Evaluation: free}}, map[string]string{"staff or gate": met})
	free.Hours = 99
	check("too short", []judgedBy{{Judge: nameMagpie, Evaluation: free}}, map[string]string{"staff or gate": tooFew})
	free.ByMistake = []sim.TypeRecall{{Type: "shopping", Found: 1, Count: 30}}
	check("one by mistake", []judgedBy{{Judge: nameMagpie, Evaluation: free}}, map[string]string{"staff or gate": notMet})
}
