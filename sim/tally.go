package sim

import (
	"cmp"
	"slices"
)

// tally is what is counted, run by run, before it is an evaluation.
type tally struct {
	*Evaluation
	all    []judgedVisit
	by     []counts // run by run
	types  map[string]*TypeRecall
	honest map[string]*TypeRecall            // wrong alerts by type of visit
	aside  map[string]map[string]*TypeRecall // the same of visits that are neither, by kind
	modes  map[string]string                 // of policies
	told   map[string][]*Visit               // by a policy, at review or higher

	early, someoneElse, raised, takenBack, leftOut int       // alerts; early: right ones before the way out was crossed
	toAlert, leads, leadsTagged                    []float64 // s, of right alerts
	stolen, recovered                              float64   // price of what was stolen, and of that of which an alert told, in hundredths
}

// counts are those of one run: alerts that were right and wrong, those with half of the goods right, and thefts.
type counts struct{ right, wrong, exact, thefts int }

// judgedVisit is what was said of one visit that is true.
type judgedVisit struct {
	run    int
	theft  bool
	p      float64
	weight float64
	took   float64 // ns that it took
}

// said is what all scores of a visit say of it.
type said struct {
	score  float64
	seen   bool
	told   []string
	capped string
	found  bool // a right alert tells of it
}

func newTally(runs int) *tally {
	return &tally{Evaluation: &Evaluation{Runs: runs}, by: make([]counts, runs), types: map[string]*TypeRecall{}, honest: map[string]*TypeRecall{},
		aside: map[string]map[string]*TypeRecall{Mistake: {}, Accomplice: {}}, modes: map[string]string{}, told: map[string][]*Visit{}}
}

// run counts one.
func (t *tally) run(r int, run *Judged) {
	t.Hours += run.Hours
	for id, mode := range run.Policies {
		t.modes[id] = min(cmp.Or(t.modes[id], mode), mode) // live, if it was in any store
	}
	who, of := NewWhose(run.Visits), map[*Visit]*said{}
	for _, v := range run.Visits {
		of[v] = &said{}
	}
	for _, s := range run.Scores {
		if v := who.about(s.Tracks, cmp.Or(s.At, s.To), s.From); v != nil {
			a := of[v]
			a.score, a.seen = max(a.score, s.P), true
			a.told = append(a.told, s.Told...)
			a.capped = cmp.Or(s.Capped, a.capped)
		}
	}
	alerts := slices.Clone(run.Raised)
	slices.SortFunc(alerts, func(a, b Raised) int { return cmp.Compare(a.At, b.At) })
	for _, a := range alerts {
		t.alert(r, run, of, who.about(a.Tracks, a.At, a.At), a)
	}
	for _, v := range run.Visits {
		t.visit(r, v, of[v])
	}
}

// alert counts one, which is about a visit, or about nobody.
func (t *tally) alert(r int, run *Judged, of map[*Visit]*said, v *Visit, a Raised) {
	t.raised++
	if !a.Stands {
		t.takenBack++
	}
	switch {
	case v != nil && v.Aside():
		t.leftOut++
		ofType(t.aside[v.Kind], v).Found++
		t.wrong(r, v, a, false)
	case v != nil && v.Kind == Theft && of[v].found:
		t.Again++
	case v != nil && v.Kind == Theft && a.At >= v.Took && (v.Exit == 0 || a.At <= v.Exit+60e9):
		of[v].found = true
		t.right(r, v, a)
	default:
		t.by[r].wrong++
		ofType(t.honest, v).Found++
		other := another(run.Visits, v, a)
		if other {
			t.someoneElse++
		}
		t.wrong(r, v, a, other)
	}
}

// right counts an alert about a theft that was not yet told of.
func (t *tally) right(r int, v *Visit, a Raised) {
	t.by[r].right++
	if overlap(a.SKUs, v.Unpaid) >= 0.5 {
		t.by[r].exact++
	}
	t.toAlert = append(t.toAlert, float64(a.At-v.Took)/1e9)
	if v.Exit == 0 || a.At < v.Exit {
		t.early++
	}
	if v.Exit == 0 {
		return
	}
	lead := float64(v.Exit-a.At) / 1e9
	t.leads = append(t.leads, lead)
	if v.gateSees() {
		t.leadsTagged = append(t.leadsTagged, lead)
	}
}

// visit counts one that is true.
func (t *tally) visit(r int, v *Visit, a *said) {
	switch v.Kind {
	case Mistake, Accomplice:
		ofType(t.aside[v.Kind], v).Count++
		return
	case Theft:
		t.theft(r, v, a)
	default:
		t.Honest++
		ofType(t.honest, v).Count++
		t.Surest = append(t.Surest, newCase(r, v, a))
	}
	t.all = append(t.all, judgedVisit{r, v.Kind == Theft, a.score, 1, float64(v.To - v.From)})
	slices.Sort(a.told)
	for _, id := range slices.Compact(a.told) {
		t.told[id] = append(t.told[id], v)
	}
}

func (t *tally) theft(r int, v *Visit, a *said) {
	t.Thefts++
	t.by[r].thefts++
	of := ofType(t.types, v)
	of.Count++
	c := newCase(r, v, a)
	t.stolen += float64(c.Price)
	if a.found {
		of.Found++
		t.recovered += float64(c.Price)
	} else {
		t.Missed = append(t.Missed, c)
	}
	if !a.seen {
		t.Unseen++
	}
}

// sum makes the evaluation of what was counted.
func (t *tally) sum(draws int) {
	t.lists()
	t.numbers()
	t.bootstraps(draws)
	t.byScore(draws)
}

// lists orders what is listed.
func (t *tally) lists() {
	for id, mode := range t.modes {
		t.Policies = append(t.Policies, recallOf(id, mode, t.told[id], t.types))
	}
	slices.SortFunc(t.Policies, func(a, b PolicyRecall) int { return cmp.Compare(a.Policy, b.Policy) })
	for _, x := range t.types {
		t.Types = append(t.Types, *x)
	}
	slices.SortFunc(t.Types, byNumber)
	t.False, t.ByMistake, t.ByAccomplice = worstFirst(t.honest), worstFirst(t.aside[Mistake]), worstFirst(t.aside[Accomplice])
	for _, x := range t.ByMistake {
		t.Mistakes += x.Count
	}
	for _, x := range t.ByAccomplice {
		t.Accomplices += x.Count
	}
	slices.SortStableFunc(t.Missed, func(a, b Case) int { return cmp.Or(a.Theft-b.Theft, cmp.Compare(a.Type, b.Type)) })
	slices.SortStableFunc(t.Surest, func(a, b Case) int { return cmp.Compare(b.Score, a.Score) })
	t.Surest = t.Surest[:min(len(t.Surest), maxSurest)]
}

// numbers are those that need no intervals.
func (t *tally) numbers() {
	var right, wrong, found int
	for _, c := range t.by {
		right += c.right
		wrong += c.wrong
	}
	for _, x := range t.types {
		found += x.Found
	}
	t.Precision, t.Recall = ratio(right, right+wrong), ratio(found, t.Thefts)
	t.ToAlert, t.Lead, t.LeadTagged, t.Tagged = median(t.toAlert), median(t.leads), median(t.leadsTagged), len(t.leadsTagged)
	t.Retracted = ratio(t.takenBack, t.raised)
	if t.stolen > 0 {
		t.Value = t.recovered / t.stolen
	}
	t.WrongPerson, t.Alerts, t.Before = ratio(t.someoneElse, right+wrong), right+wrong, ratio(t.early, right)
	if t.Hours > 0 {
		t.FalsePerHour = float64(wrong) / t.Hours
		t.UpperPerHour = poissonUpper(wrong+t.leftOut) / t.Hours
	}
}

// byScore is what hangs on the scores alone.
func (t *tally) byScore(draws int) {
	for _, share := range []float64{0.001, 0.005, 0.02} {
		list := slices.Clone(t.all)
		for i := range list {
			if list[i].weight = share / max(1, float64(t.Thefts)); !list[i].theft {
				list[i].weight = (1 - share) / max(1, float64(t.Honest))
			}
		}
		t.At = append(t.At, Weighted{share, averagePrecision(list)})
	}
	for _, a := range []float64{0.5, 1, 2} {
		t.RecallAt = append(t.RecallAt, Weighted{a, recallAt(t.all, a/storeDay*float64(t.Honest))})
	}
	t.Skill, t.ECE, t.Bands, t.Bins = calibration(t.all)
	t.Curve = curve(t.all)
	t.AUC, t.Permuted = rocAUC(t.all), permuted(t.all, min(draws, 200))
	blind := slices.Clone(t.all)
	for i := range blind {
		blind[i].p, blind[i].weight = blind[i].took, 1
	}
	t.Blind = averagePrecision(blind)
}

// bootstraps are the numbers with intervals, by so many draws of runs.
func (t *tally) bootstraps(draws int) {
	f1 := func(hit func(c *counts) int) func(times []int) float64 {
		return func(times []int) float64 {
			var hits, said, thefts int
			for r, n := range times {
				c := &t.by[r]
				hits += n * hit(c)
				said += n * (c.right + c.wrong)
				thefts += n * c.thefts
			}
			return harmonic(ratio(hits, said), ratio(hits, thefts))
		}
	}
	once := make([]int, len(t.by))
	for r := range once {
		once[r] = 1
	}
	t.F1 = bootstrap(once, draws, f1(func(c *counts) int { return c.right }))
	t.Strict = bootstrap(once, draws, f1(func(c *counts) int { return c.exact }))
	t.PRAUC = bootstrap(once, draws, func(times []int) float64 {
		list := make([]judgedVisit, 0, len(t.all))
		for _, v := range t.all {
			if v.weight = float64(times[v.run]); v.weight > 0 {
				list = append(list, v)
			}
		}
		return averagePrecision(list)
	})
}

// ofType is the count of a visit's type, "" of nobody's.
func ofType(of map[string]*TypeRecall, v *Visit) *TypeRecall {
	name, theft := "", 0
	if v != nil {
		name, theft = v.Type, v.Theft
	}
	if of[name] == nil {
		of[name] = &TypeRecall{Theft: theft, Type: name}
	}
	return of[name]
}

// byNumber orders types of theft by their number in the catalogue, those without one first, by name.
func byNumber(a, b TypeRecall) int { return cmp.Or(a.Theft-b.Theft, cmp.Compare(a.Type, b.Type)) }

// worstFirst lists types, those with the most alerts first.
func worstFirst(of map[string]*TypeRecall) (all []TypeRecall) {
	for _, t := range of {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b TypeRecall) int { return cmp.Or(b.Found-a.Found, cmp.Compare(a.Type, b.Type)) })
	return all
}
