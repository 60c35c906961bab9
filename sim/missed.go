package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Why is the reason for which there was no alert, as far as scores tell.
func (m *Missed) Why() string {
	switch {
	case !m.Seen:
		return "no visit of theirs"
	case m.Capped != "":
		return "capped by " + m.Capped
	case m.Score >= 0.1:
		return "score too low"
	}
	return "no sign of it"
}

// WhyMissed counts the reasons of one type, the commonest first: "3 capped by person, 1 no sign of it".
func (e *Evaluation) WhyMissed(theft int) string {
	n := map[string]int{}
	for i := range e.Missed {
		if m := &e.Missed[i]; m.Theft == theft {
			n[m.Why()]++
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

// Missed is a theft without an alert.
type Missed struct {
	Run, Theft    int
	Type, Person  string
	Took, Exit    int64   // ns since 1970; Exit 0: they left by no way out
	Units, Tagged int     // that were not paid for
	Price         int64   // of them, in hundredths
	Score         float64 // the highest
	Seen          bool    // there was a score
	Told          []string
	Capped        string // what kept the alert from the tier staff
}

func (e *Evaluation) wrong(run int, v *Visit, a Raised, other bool) {
	w := Wrong{Run: run, Another: other, Raised: a}
	if v != nil {
		w.Kind, w.Type, w.Person = v.Kind, v.Type, v.Person
	}
	e.Wrong = append(e.Wrong, w)
}

// missed describes a theft, of which it is not known yet whether it was found.
func missed(run int, v *Visit, score float64, seen bool, told []string) Missed {
	m := Missed{Run: run, Theft: v.Theft, Type: v.Type, Person: v.Person, Took: v.Took, Exit: v.Exit, Units: len(v.Unpaid), Score: score, Seen: seen}
	m.Told = slices.Compact(slices.Sorted(slices.Values(told)))
	for _, u := range v.Unpaid {
		m.Price += u.Price
		if u.EPC != "" {
			m.Tagged++
		}
	}
	return m
}
