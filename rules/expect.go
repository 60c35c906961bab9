package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"magpie/fusion"
)

// Outcome is what was seen of a test up to an expectation's time: with Expect.Provisional from all lines that were known
// on arrival by then, else from the final lines that the watermark has decided by then.
type Outcome struct {
	Alerts []SeenAlert
	// Scores are the visits' scores by policy, for score: where no alert stands; a caller that has none leaves it empty.
	Scores []SeenScore
}

// SeenAlert is one alert: its newest line by then.
type SeenAlert struct {
	ID       string
	State    string             // provisional, confirmed, updated, closed, retracted
	Persons  []string           // persons of the test whose tracks the alert's subject has
	Policies map[string]float64 // score by policy id
	Score    float64
	Tier     string
	CappedBy string // what holds the tier at review, "" if nothing does
	Items    []SeenItem
	To       []string // outputs that it goes to
	Evidence []string // names
}

// SeenItem is one line of an alert's goods.
type SeenItem struct {
	SKU   string // any length; compared as GTIN-14
	Count int
}

// SeenScore is what a policy said of a visit.
type SeenScore struct {
	Persons []string
	Policy  string
	Score   float64
}

func (a *SeenAlert) stands() bool { return a.State != "retracted" }

// about reports whether the alert is one that the expectation speaks of.
func (e *Expect) about(a *SeenAlert) bool {
	if e.Person != "" && !slices.Contains(a.Persons, e.Person) {
		return false
	}
	_, has := a.Policies[e.Policy]
	return e.Policy == "" || has
}

// Check compares what was seen with the expectation; its error says where the expectation stands, what it wanted and what
// there was.
func (e *Expect) Check(o Outcome) error {
	var about []*SeenAlert
	for i := range o.Alerts {
		if e.about(&o.Alerts[i]) {
			about = append(about, &o.Alerts[i])
		}
	}
	var standing, retracted []*SeenAlert
	for _, a := range about {
		if a.stands() {
			standing = append(standing, a)
		} else {
			retracted = append(retracted, a)
		}
	}
	switch e.Alert {
	case "never":
		if len(about) > 0 {
			return e.wrong("no alert ever", o)
		}
	case "false":
		if len(standing) > 0 {
			return e.wrong("no alert", o)
		}
	case "retracted":
		if len(retracted) == 0 || len(standing) > 0 {
			return e.wrong("a retracted alert", o)
		}
		return e.one(retracted, o)
	default:
		return e.one(standing, o)
	}
	return e.scores(o)
}

// one wants an alert that has everything that the expectation says; of several, the nearest miss is reported.
func (e *Expect) one(alerts []*SeenAlert, o Outcome) error {
	if len(alerts) == 0 {
		return e.wrong("an alert", o)
	}
	var first error
	for _, a := range alerts {
		err := e.details(a, o)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (e *Expect) details(a *SeenAlert, o Outcome) error {
	score := a.Score
	if e.Policy != "" {
		score = a.Policies[e.Policy]
	}
	if e.Score != "" && !e.score.holds(score) {
		return e.wrong("score "+e.Score, o)
	}
	if e.Tier != "" && e.Tier != a.Tier {
		return e.wrong("tier "+e.Tier, o)
	}
	if e.hasCapped && e.CappedBy != a.CappedBy {
		return e.wrong("capped_by "+cmp.Or(e.CappedBy, "null"), o)
	}
	if e.hasItems && !sameItems(e.Items, a.Items) {
		return e.wrong("items "+writeItems(e.Items), o)
	}
	if e.hasTo && !slices.Equal(sorted(slices.Clone(e.To)), sorted(slices.Clone(a.To))) {
		return e.wrong("to ["+strings.Join(e.To, ", ")+"]", o)
	}
	for _, name := range e.Evidence {
		if !slices.Contains(a.Evidence, name) {
			return e.wrong("evidence "+strconv.Quote(name), o)
		}
	}
	return nil
}

func sameItems(want []ExpectItem, got []SeenItem) bool {
	if len(want) != len(got) {
		return false
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g SeenItem) bool {
			return fusion.GTIN14(g.SKU) == w.SKU && (w.Count == 0 || w.Count == g.Count)
		}) {
			return false
		}
	}
	return true
}

func writeItems(items []ExpectItem) string {
	var all []string
	for _, i := range items {
		t := i.SKU
		if i.Count > 0 {
			t = strconv.Itoa(i.Count) + " × " + t
		}
		all = append(all, t)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// scores checks score: where no alert is expected: of the visits that the expectation speaks of, none may break it.
func (e *Expect) scores(o Outcome) error {
	if e.Score == "" {
		return nil
	}
	for _, s := range o.Scores {
		if (e.Person == "" || slices.Contains(s.Persons, e.Person)) && (e.Policy == "" || e.Policy == s.Policy) && !e.score.holds(s.Score) {
			return fmt.Errorf("%s:%d:%d: at %s: wanted score %s%s, there was %.4f by %s", e.File, e.Line, e.Col, e.At, e.Score, e.whom(), s.Score, s.Policy)
		}
	}
	return nil
}

func (e *Expect) whom() string {
	var b strings.Builder
	if e.Person != "" {
		b.WriteString(" for " + e.Person)
	}
	if e.Policy != "" {
		b.WriteString(" by " + e.Policy)
	}
	return b.String()
}

// wrong says what was wanted and everything that there was.
func (e *Expect) wrong(want string, o Outcome) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: at %s", e.File, e.Line, e.Col, e.At)
	if e.Provisional {
		b.WriteString(" (provisional)")
	}
	fmt.Fprintf(&b, ": wanted %s%s, there was ", want, e.whom())
	if len(o.Alerts) == 0 {
		b.WriteString("no alert")
	}
	for i := range o.Alerts {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(o.Alerts[i].String())
	}
	return fmt.Errorf("%s", b.String())
}

// String tells an alert in one line.
func (a *SeenAlert) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, score %.4f", a.State, a.ID, a.Score)
	if a.Tier != "" {
		b.WriteString(", tier " + a.Tier)
	}
	if a.CappedBy != "" {
		b.WriteString(", capped by " + a.CappedBy)
	}
	if len(a.Persons) > 0 {
		b.WriteString(", of " + strings.Join(a.Persons, " and "))
	}
	var ids []string
	for id := range a.Policies {
		ids = append(ids, id)
	}
	for _, id := range sorted(ids) {
		fmt.Fprintf(&b, ", %s %.4f", id, a.Policies[id])
	}
	if len(a.Items) > 0 {
		var all []ExpectItem
		for _, i := range a.Items {
			all = append(all, ExpectItem{fusion.GTIN14(i.SKU), i.Count})
		}
		b.WriteString(", items " + writeItems(all))
	}
	if len(a.Evidence) > 0 {
		b.WriteString(", because of " + strings.Join(a.Evidence, ", "))
	}
	return b.String()
}
