package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"magpie/alerts"
	"magpie/rules"
	"magpie/site"
)

// backtestReport is how two policy sets differ over recordings. Everything that it counts is final and stands at the end.
type backtestReport struct {
	Base       backtestSet       `json:"base"`
	With       backtestSet       `json:"with"`
	Recordings []backtestRecord  `json:"recordings"`
	Total      backtestRow       `json:"total"`
	Policies   []backtestRow     `json:"policies"`
	Shadow     []backtestShadow  `json:"shadow"`
	Verdicts   backtestVerdicts  `json:"verdicts"`
	Changes    []*backtestChange `json:"changes"`

	times  []alertTime
	visits []scoredVisit
	hist   []histogram
}

// backtestSet is one of the two sets.
type backtestSet struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
}

// backtestRecord is one of the recordings.
type backtestRecord struct {
	File     string  `json:"file"`
	Store    string  `json:"store"`
	SiteHash string  `json:"site_hash"`
	From     string  `json:"from"`
	To       string  `json:"to"`
	Hours    float64 `json:"hours"`
	Lines    int     `json:"lines"`
	Rejected int     `json:"rejected"`
	Visits   int     `json:"visits"`
	Headless bool    `json:"headless"`
}

// backtestRow is what changes in the alerts of one policy, or in all.
type backtestRow struct {
	Policy string         `json:"policy,omitempty"`
	Title  string         `json:"title,omitempty"`
	Mode   *[2]string     `json:"mode,omitempty"` // of base and with: live, shadow, off; absent
	Base   backtestCounts `json:"base"`
	With   backtestCounts `json:"with"`
	Appear int            `json:"appear"`
	Vanish int            `json:"vanish"`
	Change int            `json:"change"`
}

// backtestCounts are the alerts of a set, by verdict.
type backtestCounts struct {
	Alerts    int `json:"alerts"`
	True      int `json:"true"`
	False     int `json:"false"`
	Neither   int `json:"neither"`
	Unjudged  int `json:"unjudged"`
	Retracted int `json:"retracted"` // raised, and not standing at the end
}

func (c *backtestCounts) add(verdict string) {
	c.Alerts++
	switch classes[verdict] {
	case trueAlert:
		c.True++
	case falseAlert:
		c.False++
	case neitherAlert:
		c.Neither++
	default:
		c.Unjudged++
	}
}

// backtestShadow is what a policy that is in shadow in either set would have raised.
type backtestShadow struct {
	Policy string         `json:"policy"`
	Mode   [2]string      `json:"mode"`
	Base   map[string]int `json:"base"` // subjects, by the highest tier
	With   map[string]int `json:"with"`
	Of     shadowVerdicts `json:"with_verdicts"`
}

// shadowVerdicts is what was said of alerts about those whom a shadow policy of the set with would have raised.
type shadowVerdicts struct {
	True  int `json:"true"`
	False int `json:"false"`
}

// backtestVerdicts tells what became of the verdicts.
type backtestVerdicts struct {
	Files      []string `json:"files"`
	Given      int      `json:"given"`   // verdicts, or visits of a simulated store
	Unknown    []string `json:"unknown"` // alerts of none of these recordings
	MissedBase int      `json:"missed_base"`
	MissedWith int      `json:"missed_with"`
}

// backtestChange is one alert that appears, vanishes or changes.
type backtestChange struct {
	Change    string         `json:"change"`
	Recording string         `json:"recording"`
	Subject   string         `json:"subject"`
	Kind      string         `json:"kind"`
	EventTime string         `json:"event_time"`
	Verdict   string         `json:"verdict,omitempty"`
	Base      *backtestAlert `json:"base"`
	With      *backtestAlert `json:"with"`
	What      []string       `json:"what"` // differs

	at    time.Time // in the store's zone
	small bool      // nothing but scores differ, by less than what makes a line of an alert due
}

// backtestAlert is an alert as its set has it, by the line that said most.
type backtestAlert struct {
	ID       string             `json:"id"`
	Tier     string             `json:"tier"`
	CappedBy string             `json:"capped_by,omitempty"`
	Score    float64            `json:"score"`
	Zone     string             `json:"zone,omitempty"`
	Value    float64            `json:"value"`
	Message  string             `json:"message"`
	Policies map[string]float64 `json:"policies"`
	Highest  string             `json:"highest"`  // the policy that says most
	Evidence []backtestEvidence `json:"evidence"` // of that one
}

// backtestEvidence is what a piece of evidence added.
type backtestEvidence struct {
	Name    string  `json:"name"`
	Group   string  `json:"group,omitempty"`
	LogOdds float64 `json:"logodds"`
}

// alertTime is when an alert of either set was raised, in the store's zone, and what becomes of it.
type alertTime struct {
	at     time.Time
	change string // "" for one that does not differ
}

// scoredVisit is the highest score of any live policy over a visit, by set.
type scoredVisit struct {
	id         string
	base, with float64
	class      string // of a verdict on an alert about it
}

// histogram counts the highest scores that a policy gave its subjects, live or in shadow, by twentieths.
type histogram struct {
	policy     string
	base, with [20]int
	tiers      []rules.Tier
}

// compare gathers what two sets made of recordings.
func compare(done []*backtested, verdicts []*verdictsOf) *backtestReport {
	r := &backtestReport{Verdicts: backtestVerdicts{Files: []string{}, Unknown: []string{}}, Changes: []*backtestChange{}}
	rows := map[string]*backtestRow{}
	shadows := map[string]*backtestShadow{}
	hists := map[string]*histogram{}
	known := map[string]bool{}
	for _, v := range verdicts {
		r.Verdicts.Files = append(r.Verdicts.Files, v.path)
		r.Verdicts.Given += len(v.marks) + len(v.truth)
	}
	for _, d := range done {
		pairs := d.pairs()
		for _, v := range verdicts {
			if len(v.truth) > 0 && !d.tells(v, len(done)) {
				continue
			}
			ids, m := v.settle(d, pairs)
			r.Verdicts.MissedBase += m.base
			r.Verdicts.MissedWith += m.with
			for _, id := range ids {
				known[id] = true
			}
		}
		r.policies(d, rows)
		for _, p := range pairs {
			r.pair(d, p, rows)
		}
		for i, s := range []*side{d.base, d.with} {
			for _, a := range s.raised {
				if a.stands {
					continue
				}
				count := func(row *backtestRow) { [...]*backtestCounts{&row.Base, &row.With}[i].Retracted++ }
				count(&r.Total)
				for _, p := range a.most.Policies {
					count(rows[p.Policy])
				}
			}
		}
		for _, p := range pairs {
			if p.verdict != "" {
				d.verdicts[p.either().most.SubjectID] = p.verdict
			}
		}
		r.shadow(d, shadows)
		r.scores(d, hists)
		r.Recordings = append(r.Recordings, d.record())
	}
	for _, v := range verdicts {
		for _, id := range slices.Sorted(maps.Keys(v.marks)) {
			if !known[id] {
				r.Verdicts.Unknown = append(r.Verdicts.Unknown, id)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		r.Policies = append(r.Policies, *rows[id])
	}
	for _, id := range slices.Sorted(maps.Keys(shadows)) {
		r.Shadow = append(r.Shadow, *shadows[id])
	}
	for _, id := range slices.Sorted(maps.Keys(hists)) {
		r.hist = append(r.hist, *hists[id])
	}
	slices.SortStableFunc(r.Changes, func(a, b *backtestChange) int {
		return cmp.Or(weight(a)-weight(b), a.at.Compare(b.at))
	})
	return r
}

// weight orders what changes: what appears, what vanishes, what changes much, and little.
func weight(c *backtestChange) int {
	if c.small {
		return 3
	}
	return slices.Index([]string{"appear", "vanish", "change"}, c.Change)
}

func (d *backtested) record() backtestRecord {
	return backtestRecord{File: d.path, Store: d.site.Store.ID, SiteHash: d.site.Hash, From: utc(d.from), To: utc(d.to),
		Hours: alerts.Round(time.Duration(d.to-d.from).Hours(), 3), Lines: d.lines, Rejected: d.rejected, Visits: len(d.base.scores),
		Headless: d.headless}
}

func utc(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000Z") }

// policies makes a row for each policy of either set.
func (r *backtestReport) policies(d *backtested, rows map[string]*backtestRow) {
	for i, s := range []*side{d.base, d.with} {
		for _, p := range s.set.Policies {
			row := rows[p.ID]
			if row == nil {
				row = &backtestRow{Policy: p.ID, Mode: &[2]string{"absent", "absent"}}
				rows[p.ID] = row
			}
			row.Title = p.Title
			switch mode := string(p.Mode); {
			case row.Mode[i] == "absent":
				row.Mode[i] = mode
			case !strings.Contains(row.Mode[i], mode):
				row.Mode[i] += "/" + mode // another store's
			}
		}
	}
}

// pair counts an alert that either set has, and tells it if the two differ.
func (r *backtestReport) pair(d *backtested, p *pair, rows map[string]*backtestRow) {
	ids := map[string]bool{}
	for _, x := range []*raisedAlert{p.base, p.with} {
		if x != nil {
			for _, s := range x.most.Policies {
				ids[s.Policy] = true
			}
		}
	}
	c := change(d, p)
	when := alertTime{at: local(d.site, p.either().first)}
	if c != nil {
		r.Changes = append(r.Changes, c)
		when.change = c.Change
	}
	r.times = append(r.times, when)
	count := func(row *backtestRow, base, with, differs bool) {
		if base {
			row.Base.add(p.verdict)
		}
		if with {
			row.With.add(p.verdict)
		}
		switch {
		case with && !base:
			row.Appear++
		case base && !with:
			row.Vanish++
		case differs:
			row.Change++
		}
	}
	count(&r.Total, p.base != nil, p.with != nil, c != nil)
	for id := range ids {
		b, inBase := p.base.score(id)
		w, inWith := p.with.score(id)
		count(rows[id], inBase, inWith, inBase && inWith && (b != w || p.base.most.Tier != p.with.most.Tier))
	}
}

// local is a time in the zone of the store.
func local(s *site.Site, ns int64) time.Time {
	if s.Store.Location == nil {
		return time.Unix(0, ns).UTC()
	}
	return time.Unix(0, ns).In(s.Store.Location)
}

// score is what a policy said in an alert, as it is shown.
func (a *raisedAlert) score(policy string) (score float64, ok bool) {
	if a == nil {
		return 0, false
	}
	for _, s := range a.most.Policies {
		if s.Policy == policy {
			return alerts.Round(s.Score, 4), true
		}
	}
	return 0, false
}

// change tells how an alert differs; nil: it does not.
func change(d *backtested, p *pair) *backtestChange {
	a := p.either()
	c := &backtestChange{Recording: d.path, Subject: a.most.SubjectID, Kind: a.most.SubjectKind, EventTime: utc(a.first), Verdict: p.verdict,
		Base: p.base.told(), With: p.with.told(), at: local(d.site, a.first), What: []string{}}
	switch {
	case p.base == nil:
		c.Change = "appear"
		return c
	case p.with == nil:
		c.Change = "vanish"
		return c
	}
	c.Change = "change"
	b, w := c.Base, c.With
	say := func(format string, args ...any) { c.What = append(c.What, fmt.Sprintf(format, args...)) }
	if b.Tier != w.Tier {
		say("tier %s → %s", b.Tier, w.Tier)
	}
	if b.CappedBy != w.CappedBy {
		say("capped by %s → %s", cmp.Or(b.CappedBy, "nothing"), cmp.Or(w.CappedBy, "nothing"))
	}
	for _, id := range slices.Sorted(maps.Keys(b.Policies)) {
		if _, ok := w.Policies[id]; !ok {
			say("no longer by %s", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.Policies)) {
		if _, ok := b.Policies[id]; !ok {
			say("by %s too", id)
		}
	}
	if b.Highest != w.Highest {
		say("%s says most, it was %s", w.Highest, b.Highest)
	}
	c.small = len(c.What) == 0 && math.Abs(b.Score-w.Score) < 0.05
	if b.Score != w.Score {
		say("score %g → %g", b.Score, w.Score)
	}
	for _, e := range contributions(b, w) {
		if e.Base != e.With && b.Highest == w.Highest {
			say("%s %+.3f → %+.3f", e.Name, e.Base, e.With)
		}
	}
	if len(c.What) == 0 {
		return nil
	}
	return c
}

// contribution is what a piece of evidence added in either set.
type contribution struct {
	Name       string
	Base, With float64 // nats; 0: nothing
}

// contributions puts the evidence of two alerts side by side; either may be nil.
func contributions(b, w *backtestAlert) (all []contribution) {
	find := func(name string) *contribution {
		for i := range all {
			if all[i].Name == name {
				return &all[i]
			}
		}
		all = append(all, contribution{Name: name})
		return &all[len(all)-1]
	}
	if b != nil {
		for _, e := range b.Evidence {
			find(e.Name).Base = e.LogOdds
		}
	}
	if w != nil {
		for _, e := range w.Evidence {
			find(e.Name).With = e.LogOdds
		}
	}
	return all
}

// told is an alert for the report; nil for none.
func (a *raisedAlert) told() *backtestAlert {
	if a == nil {
		return nil
	}
	m := a.most
	t := &backtestAlert{ID: m.ID, Tier: m.Tier, CappedBy: m.CappedBy, Score: alerts.Round(m.Score, 4), Zone: m.Zone, Value: alerts.Round(m.Value, 2),
		Message: m.Message, Policies: map[string]float64{}, Evidence: []backtestEvidence{}}
	if len(m.Policies) > 0 {
		t.Highest = m.Policies[0].Policy
	}
	for _, p := range m.Policies {
		t.Policies[p.Policy] = alerts.Round(p.Score, 4)
	}
	for _, e := range m.Evidence {
		t.Evidence = append(t.Evidence, backtestEvidence{e.Name, e.Group, alerts.Round(e.LogOdds, 3)})
	}
	return t
}

// shadow counts what the policies that are in shadow in either set would have raised.
func (r *backtestReport) shadow(d *backtested, shadows map[string]*backtestShadow) {
	for i, s := range []*side{d.base, d.with} {
		for _, p := range s.set.Policies {
			if p.Mode != rules.Shadow && !slices.ContainsFunc([]*side{d.base, d.with}, func(o *side) bool {
				x := o.set.Policy(p.ID)
				return x != nil && x.Mode == rules.Shadow
			}) {
				continue
			}
			x := shadows[p.ID]
			if x == nil {
				x = &backtestShadow{Policy: p.ID, Mode: [2]string{"absent", "absent"}, Base: map[string]int{}, With: map[string]int{}}
				shadows[p.ID] = x
			}
			x.Mode[i] = string(p.Mode)
			for subject, c := range s.judged[p.ID] {
				if c.tier == "" {
					continue
				}
				[...]map[string]int{x.Base, x.With}[i][c.tier]++
				if i == 1 {
					switch classes[d.verdicts[subject]] {
					case trueAlert:
						x.Of.True++
					case falseAlert:
						x.Of.False++
					}
				}
			}
		}
	}
}

// scores gathers what the plots show.
func (r *backtestReport) scores(d *backtested, hists map[string]*histogram) {
	with := map[string]float64{}
	for _, v := range d.with.scores {
		with[v.Visit] = v.Score
	}
	for _, v := range d.base.scores {
		r.visits = append(r.visits, scoredVisit{v.Visit, v.Score, with[v.Visit], classes[d.verdicts[v.Visit]]})
	}
	for i, s := range []*side{d.base, d.with} {
		for _, p := range s.set.Policies {
			if len(s.judged[p.ID]) == 0 {
				continue
			}
			h := hists[p.ID]
			if h == nil {
				h = &histogram{policy: p.ID}
				hists[p.ID] = h
			}
			h.tiers = p.Tiers
			bins := [...]*[20]int{&h.base, &h.with}[i]
			for _, c := range s.judged[p.ID] {
				bins[min(19, int(c.score*20))]++
			}
		}
	}
}
