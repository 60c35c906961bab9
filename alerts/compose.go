package alerts

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"magpie/fusion"
	"magpie/rules"
)

// personEnough is the probability of being the one below which an alert is at most for review (contract §5).
const personEnough = 0.9

// maxEvents bounds the fact ids of one piece of evidence; which facts they are, rules chose.
const maxEvents = 8

// VisitScore is one line of replay --scores.
type VisitScore struct {
	Visit    string
	Tracks   []string
	From, To int64
	Score    float64
	Policy   string // "" is null
	At       int64  // when it was first so high, 0 if it was never judged
	Staff    bool
	Items    []Item
}

// AppendJSON appends the line, without a line break.
func (s *VisitScore) AppendJSON(b []byte) []byte {
	w := writer{b: append(b, '{')}
	w.str("visit", s.Visit)
	w.strs("tracks", s.Tracks)
	w.time("from", s.From)
	w.time("to", s.To)
	w.num("score", s.Score, 4)
	w.orNull("policy", s.Policy)
	w.key("staff")
	w.b = fmt.Appendf(w.b, "%t", s.Staff)
	w.items(s.Items)
	if s.At != 0 {
		w.time("at", s.At)
	}
	return append(w.b, '}')
}

// compose makes the alert that a subject's results amount to; nil when none reaches a tier. The second result is the
// longest cool-down of the policies that reach one or are of the alert that stands, in ns.
func (b *Book) compose(s *subject, results []rules.Result, view fusion.View) (*Alert, int64) {
	var live []rules.Result
	cooldown := int64(0)
	for _, r := range results {
		if r.Policy.Mode != rules.Live || r.Policy.Judge != s.kind {
			continue
		}
		if r.Tier != "" {
			live = append(live, r)
		}
		if r.Tier != "" || s.open != nil && s.open.by(r.Policy.ID) {
			cooldown = max(cooldown, r.Policy.Cooldown)
		}
	}
	if len(live) == 0 {
		return nil, cooldown
	}
	sort.SliceStable(live, func(i, j int) bool {
		if live[i].Score != live[j].Score {
			return live[i].Score > live[j].Score
		}
		return live[i].Policy.ID < live[j].Policy.ID
	})
	store := b.desk.Store
	a := &Alert{Store: store.ID, SubjectKind: s.kind.String(), SubjectID: s.id, Score: live[0].Score,
		Signer: live[0].Policy.Signer, SiteHash: b.desk.SiteHash, Missing: live[0].Missing}
	main := &live[0] // the policy whose tier the alert has
	for i := range live {
		r := &live[i]
		a.Policies = append(a.Policies, PolicyScore{r.Policy.ID, r.Hash, r.Score})
		if rules.TierRank(r.Tier) > rules.TierRank(main.Tier) {
			main = r
		}
	}
	a.Tier, a.CappedBy, a.Action = main.Tier, main.CappedBy, main.Policy.Action
	if z := view.Zone(); z >= 0 {
		a.Zone = store.Zones[z].ID
	}
	if s.kind == fusion.SubjectVisit {
		b.describe(a, view)
	}
	if s.kind == fusion.SubjectVisit && a.Person.P < personEnough && rules.TierRank(a.Tier) > rules.TierRank("review") {
		a.Tier, a.CappedBy = "review", "person"
	}
	for i := range live[0].Evidence {
		a.Evidence = append(a.Evidence, b.evidence(&live[0].Evidence[i]))
	}
	a.Message = main.Policy.Text(view, main, a.Zone)
	a.Why = why(&live[0])
	return a, cooldown
}

// describe fills in who and what: tracks, position, goods, session.
func (b *Book) describe(a *Alert, view fusion.View) {
	v := view.Visit
	a.Tracks = append([]string(nil), v.Tracks...)
	a.ModelHash = view.Model()
	a.Objects = v.Objects()
	a.Person.IsStaff = v.Staff
	if !v.Unowned {
		a.Person.P = view.Person()
	}
	a.Person.Others = view.Others()
	if v.PosAt != 0 {
		a.Position = &[2]float64{v.Pos.X, v.Pos.Y}
		a.SeenLast = &Place{Zone: a.Zone, At: v.PosAt}
	}
	if _, session, ok := strings.Cut(v.Session, "/"); ok {
		a.Transaction = session
	}
	a.Items = b.items(v)
	a.Value = view.UnpaidValue()
}

// items lists the goods that the visit may hold unpaid, the likeliest first.
func (b *Book) items(v *fusion.Visit) []Item {
	var items []Item
	for i := range v.Basket {
		it := &v.Basket[i]
		if it.Unpaid() < 0.05 {
			continue
		}
		x := Item{EPC: it.EPC, Count: max(1, int(math.Round(it.Unpaid()))), PUnpaid: it.PUnpaid()}
		if it.Product >= 0 {
			p := &b.desk.Store.Products[it.Product]
			x.SKU = p.Written
			x.Value = float64(p.Price) / 100 * float64(x.Count)
		}
		items = append(items, x)
	}
	sort.SliceStable(items, func(i, j int) bool {
		if items[i].PUnpaid != items[j].PUnpaid {
			return items[i].PUnpaid > items[j].PUnpaid
		}
		return items[i].SKU+items[i].EPC < items[j].SKU+items[j].EPC
	})
	return items
}

func (b *Book) evidence(e *rules.Evidence) Evidence {
	x := Evidence{Name: e.Name, Group: e.Group, LogOdds: e.LogOdds, Quality: e.Quality, At: e.At}
	for i := range e.Facts {
		id := e.Facts[i].ID(b.desk.Store)
		if len(x.Events) < maxEvents && !slices.Contains(x.Events, id) { // several facts may come of one reading
			x.Events = append(x.Events, id)
		}
	}
	return x
}

// why says in one line what speaks for an alert and what against it.
func why(r *rules.Result) string {
	var pro, con []string
	for _, e := range r.Evidence {
		switch {
		case e.LogOdds >= 0.1:
			pro = append(pro, fmt.Sprintf("%s (%s)", e.Name, strength(e.LogOdds)))
		case e.LogOdds <= -0.1:
			con = append(con, fmt.Sprintf("%s (%s)", e.Name, strength(-e.LogOdds)))
		}
	}
	s := fmt.Sprintf("%s: %.0f %% likely", r.Policy.Title, 100*r.Score)
	if r.Policy.Scored() { // its one piece is the score
		pro, con = nil, nil
	}
	if len(pro) > 0 {
		s += ", because of " + strings.Join(pro, ", ")
	}
	if len(con) > 0 {
		s += "; against it: " + strings.Join(con, ", ")
	}
	if len(r.Missing) > 0 {
		s += "; could not see: " + strings.Join(r.Missing, ", ")
	}
	return s
}

// strength puts log-odds in the words in which policies give weights: likelihood ratios 3, 10, 100 and more.
func strength(logodds float64) string {
	switch {
	case logodds >= math.Log(100):
		return "very strong"
	case logodds >= math.Log(10):
		return "strong"
	case logodds >= math.Log(3):
		return "moderate"
	}
	return "weak"
}

// best is the visit's score line so far: the highest score of a live policy before require and cool-down; before any
// judgement the highest prior.
func (b *Book) best(s *subject, results []rules.Result, view fusion.View) *VisitScore {
	best := s.best
	if best == nil {
		best = &VisitScore{Visit: s.id}
		for _, p := range b.desk.at(view.Now).Policies {
			if p.Mode == rules.Live && p.Judge == fusion.SubjectVisit && p.Prior > best.Score {
				best.Score, best.Policy = p.Prior, p.ID
			}
		}
	}
	next := *best
	first := best.At == 0
	for _, r := range results {
		if r.Policy.Mode != rules.Live || r.Policy.Judge != fusion.SubjectVisit {
			continue
		}
		if first || r.Score > next.Score {
			next.Score, next.Policy, next.At, first = r.Score, r.Policy.ID, view.Now, false
			next.Items = b.items(view.Visit)
		}
	}
	return &next
}

func sortScores(m map[string]*VisitScore) []*VisitScore {
	list := make([]*VisitScore, 0, len(m))
	for _, k := range sortedKeys(m) {
		list = append(list, m[k])
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].To < list[j].To })
	return list
}
