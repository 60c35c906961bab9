package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Why is the reason for which there was no alert, as far as scores tell.
func (c *Case) Why() string {
	switch {
	case !c.Seen:
		return "no visit of theirs"
	case c.Capped != "":
		return "capped by " + c.Capped
	case c.Score >= 0.1:
		return "score too low"
	}
	return "no sign of it"
}

// WhyMissed counts the reasons of one type, the commonest first: "3 capped by person, 1 no sign of it".
func (e *Evaluation) WhyMissed(name string) string {
	n := map[string]int{}
	for i := range e.Missed {
		if c := &e.Missed[i]; c.Type == name {
			n[c.Why()]++
		}
	}
	var all []string
	for _, why := range slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(n[b]-n[a], cmp.Compare(a, b)) }) {
		all = append(all, fmt.Sprint(n[why], " ", why))
	}
	return strings.Join(all, ", ")
}

// Wrong is an alert that was not right: about one who stole nothing, or by mistake, or only lent a hand, or about a thief too soon or too late.
type Wrong struct {
	Run                int
	Kind, Type, Person string // of the visit; "" for nobody
	Another            bool   // somebody else stole such goods
	Raised
}

// Case is a visit and what was said of it.
type Case struct {
	Run, Theft    int // Theft 0: an honest one
	Type, Person  string
	Took, Exit    int64   // ns since 1970; Took 0: nothing was stolen; Exit 0: they left by no way out
	Units, Tagged int     // that were not paid for
	Price         int64   // of them, in hundredths
	Score         float64 // the highest
	Seen          bool    // there was a score
	Told          []string
	Capped        string // what kept the alert from the tier staff
}

func newCase(run int, v *Visit, a *said) Case {
	c := Case{Run: run, Theft: v.Theft, Type: v.Type, Person: v.Person, Took: v.Took, Exit: v.Exit, Units: len(v.Unpaid),
		Score: a.score, Seen: a.seen, Capped: a.capped}
	c.Told = slices.Compact(slices.Sorted(slices.Values(a.told)))
	for _, u := range v.Unpaid {
		c.Price += u.Price
		if u.EPC != "" {
			c.Tagged++
		}
	}
	return c
}

func (e *Evaluation) wrong(run int, v *Visit, a Raised, other bool) {
	w := Wrong{Run: run, Another: other, Raised: a}
	if v != nil {
		w.Kind, w.Type, w.Person = v.Kind, v.Type, v.Person
	}
	e.Wrong = append(e.Wrong, w)
}
