package main

import (
	"fmt"
	"slices"
	"strings"
)

// criterion is one thing that an evaluation must show before a release, and whether it does.
type criterion struct{ What, Value, Aim, Verdict string }

// Verdicts on a criterion.
const (
	met         = "met"
	notMet      = "NOT MET"
	tooFew      = "too few to say"
	notMeasured = "not measured"
)

func verdict(ok bool) string {
	if ok {
		return met
	}
	return notMet
}

// storeDay is how many visits a store has in a day, as false alerts a day are counted.
const storeDay = 1500

// criteria holds Magpie, the first of all, against what must be so.
func criteria(all []judgedBy) (list []criterion) {
	say := func(what, aim, verdict, value string, args ...any) {
		list = append(list, criterion{what, fmt.Sprintf(value, args...), aim, verdict})
	}
	e := all[0]
	alerts, among := 0, 0
	for _, t := range slices.Concat(e.False, e.ByMistake) {
		alerts, among = alerts+t.Found, among+t.Count
	}
	if e.Thefts == 0 {
		v := verdict(alerts == 0)
		if alerts == 0 && e.Hours < 100 {
			v = tooFew
		}
		say("staff or gate alerts in theft-free hours", "0 in 100 h", v, "%d in %.1f h, of %d visits", alerts, e.Hours, among)
		return list
	}
	for i, at := range e.At {
		best, or := bestOf(all, i, singles...), bestOf(all, i, nameOR)
		for _, o := range []struct {
			judge judgedBy
			than  string
			by    float64
		}{{best, "the best single sensor", 0.10}, {or, "the tuned OR", 0.05}} {
			what, aim := fmt.Sprintf("PR-AUC beside %s, at %.1f %% thefts", o.than, 100*at.At), fmt.Sprintf("+%.2f", o.by)
			if o.judge.Evaluation == nil {
				say(what, aim, notMeasured, "by --against")
				continue
			}
			other := o.judge.At[i].Value
			say(what, aim, verdict(at.Value >= other+o.by), "%+.3f: %.3f, %s %.3f", at.Value-other, at.Value, o.judge.Judge, other)
		}
	}
	v := verdict(e.RecallAt[1].Value >= 0.85)
	if v == met && e.Honest < storeDay {
		v = tooFew
	}
	say("recall at one false alert in 1,500 visits", "0.85", v, "%.3f, of %d honest visits", e.RecallAt[1].Value, e.Honest)
	v = verdict(e.WrongPerson <= 0.01)
	if v == met && e.Alerts < fewAlerts {
		v = tooFew
	}
	say("wrong person", "at most 1 %", v, "%.1f %% of %d alerts", 100*e.WrongPerson, e.Alerts)
	say("staff or gate alerts in theft-free hours", "0 in 100 h", notMeasured, "by --thefts 0 --runs 200")
	say("Brier skill", "0.3", verdict(e.Skill >= 0.3), "%.3f", e.Skill)
	for _, b := range e.Bands {
		v, r := tooFew, 0.0
		if b.Visits > 0 {
			r = b.Observed / b.Said
		}
		if b.Visits >= fewVisits {
			v = verdict(r >= 0.8 && r <= 1.25)
		}
		say(fmt.Sprintf("observed by said, scores of %.1f to %.1f", b.From, b.To), "0.80 to 1.25", v, "%.2f, of %d visits", r, b.Visits)
	}
	for _, off := range sensorsOff() {
		what := "PR-AUC with " + off.name + " off, beside the best of the rest"
		fused, rest := find(all, off.judge()), bestOf(all, -1, off.rest...)
		if fused.Evaluation == nil || rest.Evaluation == nil {
			say(what, "not below", notMeasured, "by --against")
			continue
		}
		say(what, "not below", verdict(fused.PRAUC.Value >= rest.PRAUC.Value), "%+.3f: %.3f, %s %.3f",
			fused.PRAUC.Value-rest.PRAUC.Value, fused.PRAUC.Value, rest.Judge, rest.PRAUC.Value)
	}
	v = verdict(e.LeadTagged > 0)
	switch {
	case e.Final: // such lines come when the watermark is there, some seconds after the exit
		v = notMeasured
	case e.Tagged < fewAlerts && v == met || e.Tagged == 0:
		v = tooFew
	}
	say("median alert of what gates can see, before the exit", "over 0 s", v, "%.1f s, of %d alerts", e.LeadTagged, e.Tagged)
	say("check: AUC with the labels dealt anew", "0.45 to 0.55", verdict(e.Permuted > 0.45 && e.Permuted < 0.55), "%.3f; as they are %.3f", e.Permuted, e.AUC)
	say("check: PR-AUC over that of the length of visits", "over 0", verdict(e.PRAUC.Value > e.Blind), "%+.3f: %.3f, %.3f",
		e.PRAUC.Value-e.Blind, e.PRAUC.Value, e.Blind)
	return list
}

// How many there must be in a band of scores, or of alerts, for them to say something.
const (
	fewVisits = 30
	fewAlerts = 30
)

// singles are the judges that have one kind of sensor; parts of Magpie have tills beside it.
var singles = []string{nameGate, nameCamera, namePlates, nameTills, alone(modalities[0]), alone(modalities[1]), alone(modalities[2])}

func find(all []judgedBy, name string) judgedBy {
	for _, j := range all {
		if j.Judge == name {
			return j
		}
	}
	return judgedBy{}
}

// bestOf is the one of some judges with the highest PR-AUC, at the i-th share of thefts, or at the simulated one for −1.
func bestOf(all []judgedBy, i int, names ...string) (best judgedBy) {
	value := func(j judgedBy) float64 {
		if i < 0 {
			return j.PRAUC.Value
		}
		return j.At[i].Value
	}
	for _, j := range all {
		if slices.Contains(names, j.Judge) && (best.Evaluation == nil || value(j) > value(best)) {
			best = j
		}
	}
	return best
}

// summary counts verdicts, and says how what was not measured is.
func summary(list []criterion) string {
	n := map[string]int{}
	for _, c := range list {
		n[c.Verdict]++
	}
	var parts []string
	for _, v := range []string{met, notMet, tooFew, notMeasured} {
		if n[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[v], v))
		}
	}
	text := strings.Join(parts, ", ")
	if n[notMeasured] > 0 {
		text += ": what is beside others by --against, theft-free hours by --thefts 0 --runs 200, the lead without --final"
	}
	return text
}
