package sim

import (
	"cmp"
	"slices"
)

// Judged is what was said of one simulated run, beside what was true.
type Judged struct {
	Hours  float64
	Visits []*Visit
	Scores []Scored
	Raised []Raised

	Policies map[string]string // of those that judge visits: mode, live or shadow, by id
}

// Scored is how likely a theft a visit was said to be, 0–1. Tracks are camera/track, times ns since 1970. Where they are of several people
// it is about the one whom they showed when it was highest, or last. One without tracks, whom no camera saw, is taken to be whoever crossed a way out within ten seconds of From, the nearest of them.
type Scored struct {
	Tracks   []string
	From, To int64
	P        float64
	At       int64    // when it was first so high, 0 if it was never judged
	Told     []string // ids of the policies, live or in shadow, that gave it the tier review or a higher one
	Capped   string   // what kept its alert from the tier staff: require, person, budget
}

// Raised is one alert that reached a tier at which somebody is sent: when it first did, and for what goods. It is about whom its tracks
// showed then. Without tracks it is
// about whoever crossed a way out within ten seconds of it, as who is sent would take it.
type Raised struct {
	Tracks []string
	At     int64 // of arrival
	SKUs   []string
	Stands bool   // at the end: it was not retracted
	By     string // the policy that was surest
}

// Evaluation is how well thefts were told from honest visits. Everything in it is of simulated stores.
type Evaluation struct {
	Runs              int
	Hours             float64
	Thefts, Honest    int // visits; those of mistakes and accomplices, which are neither, are left out of all but what is named after them
	Mistakes          int
	Accomplices       int
	Unseen            int // thefts of people of whom no visit was scored
	Precision, Recall float64
	F1                Interval
	PRAUC             Interval   // at the share of thefts that was simulated
	At                []Weighted // PR-AUC re-weighted to a share of thefts
	RecallAt          []Weighted // recall at so many false alerts a day of 1,500 visits
	FalsePerHour      float64    // alerts about people who stole nothing
	Strict            Interval   // F1 where an alert is right only if half of its goods and of those that are unpaid are the same
	Value             float64    // share of the price of what was stolen whose theft led to an alert
	ToAlert           float64    // s from the taking, median of right alerts
	Lead              float64    // s before the way out was crossed, median of right alerts of thefts that crossed it; less than 0: after
	LeadTagged        float64    // the same of thefts that a gate can see: with a tag, in no lined bag, out by a door
	Tagged            int        // how many right alerts that is of
	Retracted         float64    // share of alerts that were taken back
	Again             int        // further alerts about the same theft
	WrongPerson       float64    // share of alerts about somebody else than the one who has the goods
	Alerts            int        // of how many
	Before            float64    // share of right alerts that came before the way out was crossed
	AUC, Permuted     float64    // area under the ROC curve; and where labels are dealt anew, the mean of 200 deals: 0.5, or this is wrong
	Blind             float64    // PR-AUC of a score that knows only how long a visit took: the floor
	UpperPerHour      float64    // FalsePerHour, alerts of those left out too: below that with 95 %, if they come by chance (Poisson)
	Skill, ECE        float64    // Brier skill against the base rate; expected calibration error over 15 bins of equal mass
	Bands             []Band
	Bins              []Band  // the 15 of ECE; From and To are the lowest and highest score in it
	Curve             []Point // precision over recall, from the highest score down
	Types             []TypeRecall
	False             []TypeRecall // wrong alerts (Found) among the honest visits (Count) of each type; type "" is of nobody
	ByMistake         []TypeRecall // the same of those who did not pay by mistake; they count as neither
	ByAccomplice      []TypeRecall // the same of accomplices
	AsHonest          *Evaluation  // where accomplices count as honest; nil if there are none
	Missed            []Missed     // thefts without an alert
	Wrong             []Wrong
	Policies          []PolicyRecall
}

// PolicyRecall is whom one policy, live or in shadow, gave the tier review or a higher one.
type PolicyRecall struct {
	Policy, Mode string
	Right, Wrong int          // visits that were thefts, and honest ones
	Types        []TypeRecall // of those that it found
}

// Interval is a value with its 95 % interval by a bootstrap over runs; of fewer than five runs the value alone, thrice.
type Interval struct{ Value, Low, High float64 }

// Weighted is a value at a share of thefts, or at a number of false alerts a day.
type Weighted struct{ At, Value float64 }

// Point is a point of the curve: at scores from P up.
type Point struct{ P, Recall, Precision float64 }

// Band is what was said and what was so in a band of scores, from 0.1 up.
type Band struct {
	From, To       float64
	Visits         int
	Said, Observed float64
}

// TypeRecall is how many visits of a type led to an alert.
type TypeRecall struct {
	Theft        int
	Type         string
	Found, Count int
}

// Highest is the highest score of each visit that is a theft or honest, 0 for those of which nothing was said.
func (j *Judged) Highest() (all []Outcome) {
	who, score := NewWhose(j.Visits), map[*Visit]float64{}
	for _, s := range j.Scores {
		if v := who.about(s.Tracks, cmp.Or(s.At, s.To), s.From); v != nil {
			score[v] = max(score[v], s.P)
		}
	}
	for _, v := range j.Visits {
		if !v.Aside() {
			all = append(all, Outcome{score[v], v.Kind == Theft})
		}
	}
	return all
}

// Outcome is what was said of a visit, and what was so.
type Outcome struct {
	P     float64
	Theft bool
}

// F1 is that of Evaluate.
func F1(runs []Judged) float64 { return evaluate(runs, 1).F1.Value }

const storeDay = 1500.0 // visits

// person is what was said of one visit that is true.
type judgedVisit struct {
	run    int
	theft  bool
	p      float64
	weight float64
	took   float64 // ns that it took
}

// Evaluate compares what was said with what was so, over all runs. A person's score is the highest of the visits whose tracks
// are mostly theirs. An alert is right when its tracks are mostly a thief's and it came between the taking and a minute after
// the way out; a further one about the same theft counts as none. Intervals come from 1,000 bootstraps over five runs or more.
func Evaluate(runs []Judged) *Evaluation { return evaluate(runs, 1000) }

func evaluate(runs []Judged, draws int) *Evaluation {
	e := &Evaluation{Runs: len(runs)}
	var all []judgedVisit
	type counts struct{ right, wrong, found, thefts, exact int }
	by := make([]counts, len(runs))
	types, honest := map[int]*TypeRecall{}, map[string]*TypeRecall{}
	aside := map[string]map[string]*TypeRecall{Mistake: {}, Accomplice: {}}
	kind := func(of map[string]*TypeRecall, v *Visit) *TypeRecall {
		name := ""
		if v != nil {
			name = v.Type
		}
		if of[name] == nil {
			of[name] = &TypeRecall{Type: name}
		}
		return of[name]
	}
	modes, said := map[string]string{}, map[string][]*Visit{}
	var before, someoneElse, raised, retracted, leftOut int
	var toAlert, lead, leadTagged []float64
	var value, foundValue float64
	for r := range runs {
		run := &runs[r]
		e.Hours += run.Hours
		who := NewWhose(run.Visits)
		for id, mode := range run.Policies {
			modes[id] = min(cmp.Or(modes[id], mode), mode) // live, if it was in any store
		}
		score, told, capped := map[*Visit]float64{}, map[*Visit][]string{}, map[*Visit]string{}
		seen := map[*Visit]bool{}
		for _, s := range run.Scores {
			if v := who.about(s.Tracks, cmp.Or(s.At, s.To), s.From); v != nil {
				score[v], seen[v] = max(score[v], s.P), true
				told[v] = append(told[v], s.Told...)
				capped[v] = cmp.Or(s.Capped, capped[v])
			}
		}
		found := map[*Visit]bool{}
		alerts := slices.Clone(run.Raised)
		slices.SortFunc(alerts, func(a, b Raised) int { return cmp.Compare(a.At, b.At) })
		for _, a := range alerts {
			v := who.about(a.Tracks, a.At, a.At)
			raised++
			if !a.Stands {
				retracted++
			}
			switch {
			case v != nil && v.Aside():
				leftOut++
				kind(aside[v.Kind], v).Found++
				e.wrong(r, v, a, false)
			case v != nil && v.Kind == Theft && found[v]:
				e.Again++
			case v != nil && v.Kind == Theft && a.At >= v.Took && (v.Exit == 0 || a.At <= v.Exit+60e9):
				found[v] = true
				by[r].right++
				if overlap(a.SKUs, v.Unpaid) >= 0.5 {
					by[r].exact++
				}
				toAlert = append(toAlert, float64(a.At-v.Took)/1e9)
				if v.Exit != 0 {
					d := float64(v.Exit-a.At) / 1e9
					lead = append(lead, d)
					if v.gateSees() {
						leadTagged = append(leadTagged, d)
					}
				}
				if v.Exit == 0 || a.At < v.Exit {
					before++
				}
			default:
				by[r].wrong++
				kind(honest, v).Found++
				other := another(run.Visits, v, a)
				if e.wrong(r, v, a, other); other {
					someoneElse++
				}
			}
		}
		for _, v := range run.Visits {
			switch v.Kind {
			case Mistake, Accomplice:
				kind(aside[v.Kind], v).Count++
				continue
			case Theft:
				e.Thefts++
				by[r].thefts++
				t := types[v.Theft]
				if t == nil {
					t = &TypeRecall{Theft: v.Theft, Type: v.Type}
					types[v.Theft] = t
				}
				t.Count++
				m := missed(r, v, score[v], seen[v], told[v])
				m.Capped = capped[v]
				value += float64(m.Price)
				if found[v] {
					by[r].found++
					t.Found++
					foundValue += float64(m.Price)
				} else {
					e.Missed = append(e.Missed, m)
				}
				if !seen[v] {
					e.Unseen++
				}
			default:
				e.Honest++
				kind(honest, v).Count++
			}
			all = append(all, judgedVisit{r, v.Kind == Theft, score[v], 1, float64(v.To - v.From)})
			slices.Sort(told[v])
			for _, id := range slices.Compact(told[v]) {
				said[id] = append(said[id], v)
			}
		}
	}
	for id, mode := range modes {
		e.Policies = append(e.Policies, recallOf(id, mode, said[id], types))
	}
	slices.SortFunc(e.Policies, func(a, b PolicyRecall) int { return cmp.Compare(a.Policy, b.Policy) })
	for _, t := range types {
		e.Types = append(e.Types, *t)
	}
	for _, t := range honest {
		e.False = append(e.False, *t)
	}
	for _, t := range aside[Mistake] {
		e.ByMistake = append(e.ByMistake, *t)
		e.Mistakes += t.Count
	}
	for _, t := range aside[Accomplice] {
		e.ByAccomplice = append(e.ByAccomplice, *t)
		e.Accomplices += t.Count
	}
	for _, list := range [][]TypeRecall{e.False, e.ByMistake, e.ByAccomplice} {
		slices.SortFunc(list, func(a, b TypeRecall) int { return cmp.Or(b.Found-a.Found, cmp.Compare(a.Type, b.Type)) })
	}
	slices.SortStableFunc(e.Missed, func(a, b Missed) int { return a.Theft - b.Theft })
	slices.SortFunc(e.Types, func(a, b TypeRecall) int { return a.Theft - b.Theft })
	strict := false
	f1 := func(times []int) float64 {
		var c counts
		for r, n := range times {
			c.right += n * by[r].right
			c.wrong += n * by[r].wrong
			c.found += n * by[r].found
			c.thefts += n * by[r].thefts
			c.exact += n * by[r].exact
		}
		if strict {
			return harmonic(ratio(c.exact, c.right+c.wrong), ratio(c.exact, c.thefts))
		}
		return harmonic(ratio(c.right, c.right+c.wrong), ratio(c.found, c.thefts))
	}
	auc := func(times []int) float64 {
		list := make([]judgedVisit, 0, len(all))
		for _, v := range all {
			if v.weight = float64(times[v.run]); v.weight > 0 {
				list = append(list, v)
			}
		}
		return averagePrecision(list)
	}
	once := make([]int, len(runs))
	var right, wrong int
	for r := range runs {
		once[r] = 1
		right += by[r].right
		wrong += by[r].wrong
	}
	found := 0
	for r := range by {
		found += by[r].found
	}
	e.Precision, e.Recall = ratio(right, right+wrong), ratio(found, e.Thefts)
	e.F1, e.PRAUC = bootstrap(once, draws, f1), bootstrap(once, draws, auc)
	strict = true
	e.Strict = bootstrap(once, draws, f1)
	e.ToAlert, e.Lead, e.LeadTagged = median(toAlert), median(lead), median(leadTagged)
	e.Tagged = len(leadTagged)
	e.Retracted = ratio(retracted, raised)
	if value > 0 {
		e.Value = foundValue / value
	}
	e.WrongPerson, e.Alerts, e.Before = ratio(someoneElse, right+wrong), right+wrong, ratio(before, right)
	if e.Hours > 0 {
		e.FalsePerHour = float64(wrong) / e.Hours
		e.UpperPerHour = poissonUpper(wrong+leftOut) / e.Hours
	}
	for _, share := range []float64{0.001, 0.005, 0.02} {
		list := slices.Clone(all)
		for i := range list {
			if list[i].weight = share / max(1, float64(e.Thefts)); !list[i].theft {
				list[i].weight = (1 - share) / max(1, float64(e.Honest))
			}
		}
		e.At = append(e.At, Weighted{share, averagePrecision(list)})
	}
	for _, a := range []float64{0.5, 1, 2} {
		e.RecallAt = append(e.RecallAt, Weighted{a, recallAt(all, a/storeDay*float64(e.Honest))})
	}
	e.Skill, e.ECE, e.Bands, e.Bins = calibration(all)
	e.Curve = curve(all)
	e.AUC, e.Permuted = rocAUC(all), permuted(all, min(draws, 200))
	blind := slices.Clone(all)
	for i := range blind {
		blind[i].p, blind[i].weight = blind[i].took, 1
	}
	e.Blind = averagePrecision(blind)
	if e.Accomplices > 0 && draws > 1 {
		e.AsHonest = evaluate(accomplicesHonest(runs), 1)
	}
	return e
}

// accomplicesHonest are the same runs, in which whoever lent a hand is honest.
func accomplicesHonest(runs []Judged) []Judged {
	all := slices.Clone(runs)
	for r := range all {
		all[r].Visits = slices.Clone(all[r].Visits)
		for i, v := range all[r].Visits {
			if v.Kind == Accomplice {
				honest := *v
				honest.Kind = Honest
				all[r].Visits[i] = &honest
			}
		}
	}
	return all
}

// gateSees reports whether readers at a door can tell of a theft: some goods have a tag, in no lined bag (3 of the catalogue), and
// leave by a door and not through the stockroom (17).
func (v *Visit) gateSees() bool {
	return v.Theft != 3 && v.Theft != 17 && slices.ContainsFunc(v.Unpaid, func(u Unpaid) bool { return u.EPC != "" })
}

// recallOf counts the visits of which a policy spoke, none of them left out.
func recallOf(id, mode string, said []*Visit, types map[int]*TypeRecall) PolicyRecall {
	p := PolicyRecall{Policy: id, Mode: mode}
	found := map[int]int{}
	for _, v := range said {
		if v.Kind == Theft {
			p.Right++
			found[v.Theft]++
		} else {
			p.Wrong++
		}
	}
	for no, n := range found {
		p.Types = append(p.Types, TypeRecall{Theft: no, Type: types[no].Type, Found: n, Count: types[no].Count})
	}
	slices.SortFunc(p.Types, func(a, b TypeRecall) int { return a.Theft - b.Theft })
	return p
}

// overlap is the share of goods that two lists have in common of those that either has, each unit by itself (Jaccard).
func overlap(said []string, unpaid []Unpaid) float64 {
	rest := slices.Clone(said)
	both := 0
	for _, u := range unpaid {
		if k := slices.Index(rest, u.SKU); k >= 0 {
			rest = slices.Delete(rest, k, k+1)
			both++
		}
	}
	return ratio(both, len(rest)+len(unpaid))
}

func harmonic(p, q float64) float64 {
	if p+q == 0 {
		return 0
	}
	return 2 * p * q / (p + q)
}

// median of no values is 0.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// another reports whether the goods of an alert are in somebody else's unpaid ones, who was there at that time.
func another(visits []*Visit, v *Visit, a Raised) bool {
	for _, o := range visits {
		if o == v || o.Kind != Theft || a.At < o.Took || o.Exit != 0 && a.At > o.Exit+60e9 {
			continue
		}
		for _, u := range o.Unpaid {
			if slices.Contains(a.SKUs, u.SKU) {
				return true
			}
		}
	}
	return false
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
