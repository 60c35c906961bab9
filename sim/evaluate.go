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
	Missed            []Case       // thefts without an alert
	Surest            []Case       // honest visits with the highest scores, at most 20: on them recall at so many false alerts rests
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

const (
	storeDay  = 1500.0 // visits
	maxSurest = 20     // of Evaluation
)

// Evaluate compares what was said with what was so, over all runs. A person's score is the highest of the visits whose tracks
// are mostly theirs. An alert is right when its tracks are mostly a thief's and it came between the taking and a minute after
// the way out; a further one about the same theft counts as none. Intervals come from 1,000 bootstraps over five runs or more.
func Evaluate(runs []Judged) *Evaluation { return evaluate(runs, 1000) }

func evaluate(runs []Judged, draws int) *Evaluation {
	t := newTally(len(runs))
	for r := range runs {
		t.run(r, &runs[r])
	}
	t.sum(draws)
	if t.Accomplices > 0 && draws > 1 {
		t.AsHonest = evaluate(accomplicesHonest(runs), 1)
	}
	return t.Evaluation
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
func recallOf(id, mode string, said []*Visit, types map[string]*TypeRecall) PolicyRecall {
	p := PolicyRecall{Policy: id, Mode: mode}
	found := map[string]int{}
	for _, v := range said {
		if v.Kind == Theft {
			p.Right++
			found[v.Type]++
		} else {
			p.Wrong++
		}
	}
	for name, n := range found {
		of := *types[name]
		of.Found = n
		p.Types = append(p.Types, of)
	}
	slices.SortFunc(p.Types, byNumber)
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
