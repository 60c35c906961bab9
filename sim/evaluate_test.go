package sim

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

// judgedRuns are runs of n visits each, one in five a theft, with a score that score gives.
func judgedRuns(runs, n int, score func(d dice, theft bool) float64) (all []Judged) {
	d := newDice(5, 5)
	for r := range runs {
		j := Judged{Hours: 1}
		for k := range n {
			v := &Visit{Person: fmt.Sprint(k), Kind: Honest, Type: "shopping", From: int64(k) * 1e9, To: int64(k)*1e9 + 60e9}
			v.Tracks = []Span{{fmt.Sprintf("cam/%d-%d", r, k), v.From, v.To}}
			if k%5 == 0 {
				v.Kind, v.Theft, v.Type, v.Took, v.Exit = Theft, 1, "grab and walk out", v.From+10e9, v.To
				v.Unpaid = []Unpaid{{SKU: fmt.Sprint("sku", k)}}
			}
			j.Visits = append(j.Visits, v)
			j.Scores = append(j.Scores, Scored{Tracks: []string{v.Tracks[0].Track}, From: v.From, To: v.To, P: score(d, v.Kind == Theft)})
		}
		all = append(all, j)
	}
	return all
}

// TestEvaluateKnowsPerfectAndBlind: scores that are the truth are perfect, ones that chance drew are worth the base rate.
func TestEvaluateKnowsPerfectAndBlind(t *testing.T) {
	perfect := Evaluate(judgedRuns(5, 100, func(_ dice, theft bool) float64 {
		if theft {
			return 1
		}
		return 0
	}))
	if perfect.PRAUC.Value != 1 || perfect.Skill != 1 || perfect.ECE != 0 || perfect.RecallAt[0].Value != 1 || math.Abs(perfect.At[0].Value-1) > 1e-9 {
		t.Errorf("perfect scores: %+v", perfect)
	}
	blind := Evaluate(judgedRuns(10, 200, func(d dice, _ bool) float64 { return d.Float64() }))
	if a := blind.PRAUC; math.Abs(a.Value-0.2) > 0.04 || a.Low > 0.2 || a.High < 0.18 || a.High-a.Low > 0.1 {
		t.Errorf("scores drawn by chance: PR-AUC %+v, want about the base rate 0.2", a)
	}
	if blind.Skill > 0 {
		t.Errorf("scores drawn by chance have a Brier skill of %.3f", blind.Skill)
	}
	constant := Evaluate(judgedRuns(5, 100, func(dice, bool) float64 { return 0.2 }))
	if math.Abs(constant.PRAUC.Value-0.2) > 1e-9 || math.Abs(constant.Skill) > 1e-9 || constant.RecallAt[2].Value != 0 {
		t.Errorf("the base rate for everybody: PR-AUC %.3f, skill %.3f, recall %.3f; want 0.2, 0, 0",
			constant.PRAUC.Value, constant.Skill, constant.RecallAt[2].Value)
	}
}

// TestEvaluateAlerts: who and when decide whether an alert is right, a second one about the same theft is told apart, and one
// that names another's goods is the worst.
func TestEvaluateAlerts(t *testing.T) {
	at := func(k int) []string { return []string{fmt.Sprintf("cam/0-%d", k)} }
	for _, c := range []struct {
		name   string
		raised []Raised
		check  func(e *Evaluation) bool
	}{
		{"right, before the exit", []Raised{{Tracks: at(0), At: 20e9}}, func(e *Evaluation) bool {
			return e.Precision == 1 && e.Recall == 0.5 && e.Before == 1
		}},
		{"right, after the exit", []Raised{{Tracks: at(0), At: 65e9}}, func(e *Evaluation) bool { return e.Precision == 1 && e.Before == 0 }},
		{"before anything was taken", []Raised{{Tracks: at(0), At: 5e9}}, func(e *Evaluation) bool { return e.Precision == 0 && e.Recall == 0 }},
		{"too late", []Raised{{Tracks: at(0), At: 125e9}}, func(e *Evaluation) bool { return e.Precision == 0 }},
		{"twice", []Raised{{Tracks: at(0), At: 20e9}, {Tracks: at(0), At: 30e9}}, func(e *Evaluation) bool { return e.Precision == 1 && e.Again == 1 }},
		{"honest", []Raised{{Tracks: at(1), At: 20e9}}, func(e *Evaluation) bool {
			return e.Precision == 0 && e.FalsePerHour == 1 && e.WrongPerson == 0 && e.False[0].Found == 1
		}},
		{"another's goods", []Raised{{Tracks: at(1), At: 20e9, SKUs: []string{"sku0"}}}, func(e *Evaluation) bool { return e.WrongPerson == 1 }},
		{"nobody", []Raised{{Tracks: []string{"cam/ghost"}, At: 20e9}}, func(e *Evaluation) bool { return e.FalsePerHour == 1 }},
	} {
		runs := judgedRuns(1, 10, func(dice, bool) float64 { return 0 })
		runs[0].Raised = c.raised
		if e := Evaluate(runs); !c.check(e) {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

// TestWhomATrackShows: of tracks that are of two people, taken for one, an alert is about whom they show at that moment, and not about who was
// seen for longer; so is the score of a visit, which is about whom they showed when it was highest.
func TestWhomATrackShows(t *testing.T) {
	honest := &Visit{Person: "a", Kind: Honest, Type: "looking around", To: 100e9, Tracks: []Span{{"cam/1", 0, 40e9}, {"cam/9", 60e9, 100e9}}}
	thief := &Visit{Person: "b", Kind: Theft, Theft: 1, Type: "grab and walk out", From: 20e9, To: 52e9, Took: 30e9, Exit: 51e9,
		Tracks: []Span{{"cam/8", 20e9, 40e9}, {"cam/2", 42e9, 52e9}}}
	both, who := []string{"cam/1", "cam/2"}, NewWhose([]*Visit{honest, thief})
	for at, want := range map[int64]*Visit{-5e9: honest, 30e9: honest, 41e9: honest, 43e9: honest, 50e9: thief, 90e9: thief} {
		if got := who.At(both, at); got != want {
			t.Errorf("at %d s: %s", at/1e9, got.Person)
		}
	}
	if got := who.At([]string{"cam/0"}, 50e9); got != nil {
		t.Errorf("a track of nobody is %s's", got.Person)
	}
	e := Evaluate([]Judged{{Hours: 1, Visits: []*Visit{honest, thief}, Scores: []Scored{{Tracks: append(both, "cam/9"), At: 50e9, To: 100e9, P: 0.9}}, Raised: []Raised{{Tracks: both, At: 50e9}}}})
	if e.Precision != 1 || e.Recall != 1 || e.PRAUC.Value != 1 {
		t.Errorf("precision %g, recall %g, PR-AUC %g of the alert and score of the thief", e.Precision, e.Recall, e.PRAUC.Value)
	}
}

// TestEvaluatePolicies: each policy is told whom it spoke of, once a person, mistakes left out; one that said nothing too.
func TestEvaluatePolicies(t *testing.T) {
	runs := judgedRuns(2, 10, func(dice, bool) float64 { return 0 })
	runs[0].Visits[6].Kind = Mistake
	for r := range runs {
		runs[r].Policies = map[string]string{"exit": "live", "bag": "shadow", "quiet": "shadow"}
		for k := range runs[r].Scores {
			if k == 0 || k == 1 || k == 6 {
				runs[r].Scores[k].Told = []string{"exit"}
			}
		}
		again := runs[r].Scores[0]
		again.Told = []string{"exit", "bag"}
		runs[r].Scores = append(runs[r].Scores, again)
	}
	runs[1].Policies["bag"] = "live"
	grab := []TypeRecall{{Theft: 1, Type: "grab and walk out", Found: 2, Count: 4}}
	want := []PolicyRecall{{"bag", "live", 2, 0, grab}, {"exit", "live", 2, 3, grab}, {"quiet", "shadow", 0, 0, nil}}
	if got := Evaluate(runs).Policies; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestFamilies: each family can be played, all steal what it says, and no theft or twin is in two splits but by a crowd or bad
// day in which all there is happens.
func TestFamilies(t *testing.T) {
	in := map[string]string{}
	for _, f := range Families() {
		if len(FamiliesOf(f.Split)) == 0 || !slices.Contains(Splits[:], f.Split) {
			t.Errorf("%s: split %q", f.Name, f.Split)
		}
		for _, kind := range f.Only {
			if kind[0] < '0' || kind[0] > '9' {
				continue // honest
			}
			if was, ok := in[kind]; ok && was != f.Split {
				t.Errorf("theft %s is in %s and %s", kind, was, f.Split)
			}
			in[kind] = f.Split
		}
		o, aisles := ShopOptions{Hours: 0.1, Thefts: 0.5, Twins: 0.5, Noise: 1, Only: f.Only}, 3
		if f.Set != nil {
			f.Set(&o, &aisles)
		}
		played, err := Simulate(3, drawn(t, 3, aisles), o)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		for _, v := range played.Visits {
			if v.Theft != 0 && f.Only != nil && !slices.Contains(f.Only, fmt.Sprint(v.Theft)) {
				t.Errorf("%s: somebody does theft %d", f.Name, v.Theft)
			}
		}
	}
	if len(in) != 17 {
		t.Errorf("%d of 17 thefts are in a family", len(in))
	}
}

// TestEvaluateGoods: an alert about the right person that names other goods counts in F1, and not in the strict one.
func TestEvaluateGoods(t *testing.T) {
	for _, c := range []struct {
		skus   []string
		strict float64
	}{{[]string{"sku0"}, 1}, {[]string{"sku0", "x"}, 1}, {[]string{"sku0", "x", "y"}, 0}, {nil, 0}} {
		runs := judgedRuns(1, 5, func(dice, bool) float64 { return 0 })
		runs[0].Visits[0].Unpaid[0].Price = 300
		runs[0].Raised = []Raised{{Tracks: []string{"cam/0-0"}, At: 20e9, SKUs: c.skus}}
		if e := Evaluate(runs); e.F1.Value != 1 || e.Strict.Value != c.strict || e.Value != 1 || e.ToAlert != 10 || e.Lead != 40 || e.Retracted != 1 {
			t.Errorf("%v: F1 %v, strict %v, value %v, %v s after, %v s before the exit, retracted %v",
				c.skus, e.F1.Value, e.Strict.Value, e.Value, e.ToAlert, e.Lead, e.Retracted)
		}
	}
}

// TestEvaluateChecks: the numbers that must come out so whatever is judged: labels dealt anew leave an AUC of one half, scores that
// are the truth have one of 1, and what knows only how long visits take is worth the base rate.
func TestEvaluateChecks(t *testing.T) {
	e := Evaluate(judgedRuns(4, 100, func(d dice, theft bool) float64 {
		if theft {
			return 1
		}
		return d.Float64() / 2
	}))
	if e.AUC != 1 || math.Abs(e.Permuted-0.5) > 0.01 || math.Abs(e.Blind-0.2) > 1e-9 {
		t.Errorf("AUC %.3f, of labels dealt anew %.3f, blind %.3f; want 1, 0.5, 0.2", e.AUC, e.Permuted, e.Blind)
	}
	for n, want := range map[int]float64{0: 2.996, 1: 4.744, 10: 16.962, 600: 642.0} { // half the 95 % quantile of χ² with 2n+2
		if got := poissonUpper(n); math.Abs(got-want) > 0.002*want {
			t.Errorf("%d seen: fewer than %.3f; want %.3f", n, got, want)
		}
	}
}

// TestEvaluateWithoutCameras: what no camera saw is about who crossed the way out nearest to it, within ten seconds.
func TestEvaluateWithoutCameras(t *testing.T) {
	runs := judgedRuns(1, 10, func(dice, bool) float64 { return 0 })
	runs[0].Visits[1].Exit = 61e9
	runs[0].Raised = []Raised{{At: 60.4e9}, {At: 79e9}}
	runs[0].Scores = []Scored{{From: 69e9, To: 200e9, P: 0.9}}
	e := Evaluate(runs) // visits 0 and 5 are thefts, which leave at 60 and 65 s
	if e.Recall != 0.5 || e.FalsePerHour != 1 || e.False[0].Type != "" || e.Skill < 0.3 || len(e.Missed) != 1 || e.Missed[0].Person != "5" || e.WhyMissed("grab and walk out") != "1 score too low" {
		t.Errorf("%+v", e)
	}
}

// TestWhyMissed: what nobody was scored of, what was capped, and what had a score or none to speak of.
func TestWhyMissed(t *testing.T) {
	runs := judgedRuns(1, 25, func(dice, bool) float64 { return 0.05 }) // 0, 5, 10, 15 and 20 are thefts
	runs[0].Scores = runs[0].Scores[1:]
	runs[0].Scores[4].P, runs[0].Scores[4].Capped = 0.95, "person"
	runs[0].Scores[9].P = 0.4
	if why := Evaluate(runs).WhyMissed("grab and walk out"); why != "2 no sign of it, 1 capped by person, 1 no visit of theirs, 1 score too low" {
		t.Error(why)
	}
}

// TestEvaluateSurest: the honest visits with the highest scores, on which recall at so many false alerts rests; no thief's, and not all of them.
func TestEvaluateSurest(t *testing.T) {
	runs := judgedRuns(1, 30, func(dice, bool) float64 { return 0.05 }) // each fifth is a theft
	runs[0].Scores[7].P, runs[0].Scores[7].Capped, runs[0].Scores[7].Told = 0.9, "require", []string{"b", "a"}
	runs[0].Scores[5].P, runs[0].Scores[21].P = 0.95, 0.3
	e := Evaluate(runs)
	if got := e.Surest[0]; len(e.Surest) != maxSurest || got.Theft != 0 || got.Person != "7" || got.Score != 0.9 || got.Capped != "require" ||
		!slices.Equal(got.Told, []string{"a", "b"}) {
		t.Errorf("%d, first %+v", len(e.Surest), got)
	}
	if !slices.IsSortedFunc(e.Surest, func(a, b Case) int { return cmp.Compare(b.Score, a.Score) }) {
		t.Errorf("not by score: %+v", e.Surest)
	}
}

// TestEvaluateAside: an alert about one who forgot to pay, or who lent a hand in a theft, counts as neither, and is told apart and in the
// bound. What the numbers would be if who lent a hand had not is told too.
func TestEvaluateAside(t *testing.T) {
	for _, kind := range []string{Mistake, Accomplice} {
		runs := judgedRuns(1, 10, func(dice, bool) float64 { return 0 })
		runs[0].Visits[1].Kind = kind
		runs[0].Raised = []Raised{{Tracks: []string{"cam/0-1"}, At: 20e9}}
		e := Evaluate(runs)
		apart, want := map[string][]TypeRecall{Mistake: e.ByMistake, Accomplice: e.ByAccomplice}, []TypeRecall{{Type: "shopping", Found: 1, Count: 1}}
		if e.FalsePerHour != 0 || e.UpperPerHour < 4.7 || !reflect.DeepEqual(apart[kind], want) {
			t.Errorf("%s: %+v", kind, e)
		}
		if e.Mistakes+e.Accomplices != 1 || (e.AsHonest != nil) != (kind == Accomplice) {
			t.Errorf("%s: %d mistakes, %d accomplices, as honest %+v", kind, e.Mistakes, e.Accomplices, e.AsHonest)
		}
		if h := e.AsHonest; h != nil && (h.FalsePerHour == 0 || h.Honest != e.Honest+1 || h.Accomplices != 0 || h.Thefts != e.Thefts) {
			t.Errorf("as honest: %+v", h)
		}
		if runs[0].Visits[1].Kind != kind {
			t.Error("the runs themselves were changed")
		}
	}
}
