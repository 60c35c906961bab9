package alerts

import (
	"maps"

	"magpie/fusion"
	"magpie/rules"
)

// crossed notes the tiers that policies have crossed first for a subject: patterns of the store count alerts, never people
// (contract §4). A tier to which the alert is held is not crossed.
func (b *Book) crossed(s *subject, a *Alert, results []rules.Result) {
	if s.kind == fusion.SubjectStore {
		return
	}
	for i := range results {
		r := &results[i]
		to := min(rules.TierRank(r.Tier), rules.TierRank(a.Tier)) + 1
		from := s.told[r.Policy.ID]
		if r.Policy.Mode != rules.Live || to <= from {
			continue
		}
		told := maps.Clone(s.told)
		if told == nil {
			told = map[string]int{}
		}
		told[r.Policy.ID] = to
		s.told = told
		x := fusion.Alerted{Policy: r.Policy.ID, Subject: s.id}
		for _, item := range a.Items {
			if p := b.desk.Store.ProductIndex(fusion.GTIN14(item.SKU)); p >= 0 {
				x.Products = append(x.Products, p)
			}
		}
		for tier := from; tier < to; tier++ {
			x.Tier = rules.Tiers[tier]
			b.raised = append(b.raised, fusion.Fact{Kind: fusion.FactAlerted, At: b.crossedAs(s.id, x), Source: -1, Zone: -1, Product: -1,
				N: 1, P: 1, Name: x.String()})
		}
	}
}

// takenBack is a crossing of a visit that turned out to be another one's, in which it goes on.
type takenBack struct {
	fact fusion.Fact
	heir string
}

// takeBack takes back what the store was told of a visit that goes on in another: one person's alerts count once. What the
// other one crosses, with all that both did, it is told of that one.
func (b *Book) takeBack(w *fusion.World, s *subject) {
	if s.told == nil {
		return
	}
	s.told = nil
	_, gone := w.TakeBack(s.id)
	for _, f := range gone {
		b.gone = append(b.gone, takenBack{f, s.merged})
	}
}

// crossedAs is when a subject crossed a tier as a visit that has just turned out to be its own, 0 if it did not.
func (b *Book) crossedAs(id string, x fusion.Alerted) int64 {
	for _, t := range b.gone {
		if was := fusion.ParseAlerted(t.fact.Name); t.heir == id && was.Policy == x.Policy && was.Tier == x.Tier {
			return t.fact.At
		}
	}
	return 0
}

// tellStore lets the store's policies judge what was noted, and before that what was put right. The store keeps it also while none
// does, for one that is loaded later.
func (b *Book) tellStore(w *fusion.World, in *installed) {
	raised, gone := b.raised, b.gone
	b.raised, b.gone = b.raised[:0], nil
	if len(raised)+len(gone) == 0 || in == nil {
		return
	}
	if len(gone) > 0 {
		right := []fusion.Fact{{Kind: fusion.FactMerged, TS: w.Now(), At: w.Now(), Source: -1, Zone: -1, Product: -1}}
		for _, t := range gone {
			right = append(right, t.fact)
		}
		b.nothingNew = true
		b.judgeStore(w, in, right, raised, func(f *fusion.Fact) bool { return f.At != 0 })
		b.nothingNew = false
	}
	b.judgeStore(w, in, nil, raised, func(f *fusion.Fact) bool { return f.At == 0 })
}

// judgeStore tells the store those of the facts that are to be told, and lets it judge them with others.
func (b *Book) judgeStore(w *fusion.World, in *installed, others, facts []fusion.Fact, tell func(*fusion.Fact) bool) {
	v := w.Subject(fusion.SubjectStore, b.desk.Store.ID)
	for i := range facts {
		if !tell(&facts[i]) {
			continue
		}
		_, f := w.Tell(facts[i])
		b.made = append(b.made, fusion.Change{Visit: v, Fact: f})
		others = append(others, f)
	}
	if len(others) > 0 && in.judges[fusion.SubjectStore] {
		b.judge(w, v, in.set, others)
	}
}
