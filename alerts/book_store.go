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
		to := min(tierOf(r.Tier), tierOf(a.Tier)) + 1
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
			x.Tier = Tiers[tier]
			b.raised = append(b.raised, fusion.Fact{Kind: fusion.FactAlerted, Source: -1, Zone: -1, Product: -1, N: 1, P: 1, Name: x.String()})
		}
	}
}

// tellStore lets the store's policies judge what was noted. The store keeps it also while none does, for one that is loaded later.
func (b *Book) tellStore(w *fusion.World, in *installed) {
	raised := b.raised
	b.raised = b.raised[:0]
	if len(raised) == 0 || in == nil {
		return
	}
	var v *fusion.Visit
	for i := range raised {
		v, raised[i] = w.Tell(raised[i])
		b.made = append(b.made, fusion.Change{Visit: v, Fact: raised[i]})
	}
	if in.judges[fusion.SubjectStore] {
		b.judge(w, v, in.set, raised)
	}
}
