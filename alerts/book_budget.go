package alerts

import (
	"fmt"
	"math"
	"strings"
	"time"

	"magpie/rules"
)

// Budget bounds the staff and gate alerts of a period of event time; 0 is no bound. Source bounds a day's alerts by the
// source of their strongest evidence.
type Budget struct{ Day, Hour, Source int }

// spent is a staff or gate alert that the budget let through.
type spent struct {
	id     string
	at     int64
	value  float64
	source string
}

// spend caps a staff or gate alert at review when the budget of its day, hour or source is used up and its value does not
// exceed all that were let through in that period.
func (b *Book) spend(a *Alert, now int64) {
	if rules.TierRank(a.Tier) < rules.TierRank("staff") || b.desk.Budget == (Budget{}) {
		return
	}
	source := strongest(a)
	loc := b.desk.Store.Location
	sameDay := func(x int64) bool { return localDay(x, loc) == localDay(now, loc) }
	over := func(limit int, in func(*spent) bool) bool {
		if limit == 0 {
			return false
		}
		n, most := 0, 0.0
		for i := range b.spent {
			if s := &b.spent[i]; s.id != a.ID && in(s) {
				n++
				most = max(most, s.value)
			}
		}
		return n >= limit && a.Value <= most
	}
	for i := range b.spent {
		if b.spent[i].id == a.ID {
			return // it was let through before
		}
	}
	q, which := b.desk.Budget, ""
	switch {
	case over(q.Day, func(s *spent) bool { return sameDay(s.at) }):
		which = fmt.Sprintf("the %d alerts of the day", q.Day)
	case over(q.Hour, func(s *spent) bool { return now-s.at < int64(3600e9) }):
		which = fmt.Sprintf("the %d alerts of an hour", q.Hour)
	case source != "" && over(q.Source, func(s *spent) bool { return s.source == source && sameDay(s.at) }):
		which = fmt.Sprintf("the %d alerts a day by %s", q.Source, source)
	}
	if which != "" {
		a.Tier, a.CappedBy = "review", "budget"
		a.Why += "; held at review: " + which + " that the budget allows were used, none of less value"
		return
	}
	b.spent = append(b.spent, spent{a.ID, now, a.Value, source})
	if n := len(b.spent); now-b.spent[0].at > int64(48*3600e9) && n > 1 {
		b.spent = append(b.spent[:0], b.spent[1:]...)
	}
}

// strongest is the source of an alert's strongest evidence; "": facts of no source are behind it.
func strongest(a *Alert) string {
	best, source := math.Inf(-1), "" // the log-odds of a score that a policy gives itself may be negative
	for _, e := range a.Evidence {
		if e.LogOdds > best && len(e.Events) > 0 {
			best = e.LogOdds
			source, _, _ = strings.Cut(e.Events[0], "@")
		}
	}
	return source
}

func localDay(ns int64, loc *time.Location) [3]int {
	if loc == nil {
		loc = time.UTC
	}
	y, m, d := time.Unix(0, ns).In(loc).Date()
	return [3]int{y, int(m), d}
}
