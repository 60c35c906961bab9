package alerts

import (
	"slices"

	"magpie/fusion"
	"magpie/rules"
)

// merge ends what is said of visits that turned out to be other ones' (contract §5): their alerts are retracted, and the one
// in which they go on takes over when they were raised and what they took of the budget.
func (b *Book) merge(set *rules.Set, w *fusion.World, changes []fusion.Change) {
	for i := range changes {
		c := &changes[i]
		if c.Fact.Kind != fusion.FactMerged || c.Visit.Merged == "" {
			continue
		}
		s := b.own(key(fusion.SubjectVisit, c.Visit.ID))
		if s == nil || s.merged != "" {
			continue
		}
		now := w.Now()
		s.merged, s.ended = c.Visit.Merged, now
		b.takeBack(w, s)
		if s.open != nil {
			a := *s.latest
			a.MergedInto = s.merged
			b.write(&a, Retracted, now)
			if to := b.heir(s.merged); to != nil && to.open == nil && (to.since == 0 || s.open.EventTime < to.since) {
				to.since, to.spent = s.open.EventTime, s.open.ID
			}
			s.quiet = now
			s.open = nil
		}
		b.schedule(s, set, fusion.View{World: w, Visit: c.Visit, Now: now})
	}
}

// heir is the subject of the visit in which another goes on, for writing.
func (b *Book) heir(id string) *subject { return b.own(key(fusion.SubjectVisit, id)) }

// inherit lets an alert take over what the one before it took of the budget.
func (b *Book) inherit(s *subject, id string) {
	if s.spent == "" {
		return
	}
	for i := range b.spent {
		if b.spent[i].id == s.spent && !slices.ContainsFunc(b.spent, func(x spent) bool { return x.id == id }) {
			b.spent[i].id = id
		}
	}
	s.since, s.spent = 0, ""
}

// went is an alert with what became of its visit, if that turned out to be another one's.
func (b *Book) went(a *Alert) *Alert {
	kind := slices.Index(fusion.SubjectKinds[:], a.SubjectKind)
	s := b.subjects[key(fusion.SubjectKind(kind), a.SubjectID)]
	if s == nil || s.merged == "" {
		return a
	}
	n := *a
	n.MergedInto = s.merged
	return &n
}
