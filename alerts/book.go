package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"sort"
	"strconv"
	"strings"

	"magpie/fusion"
	"magpie/rules"
)

// Desk is what judging needs and folding never changes: the store, and which policy set judges from when.
type Desk struct {
	Store     *fusion.Store
	SiteHash  string
	ModelHash string
	Budget    Budget

	sets []installed
}

// Budget bounds the staff and gate alerts of a period of event time; 0 is no bound. Source bounds a day's alerts by the
// source of their strongest evidence.
type Budget struct{ Day, Hour, Source int }

type installed struct {
	from int64
	set  *rules.Set
}

// Install makes a set judge every fact with ts from on (ns). Earlier facts keep the set that they had, late ones too.
func (d *Desk) Install(from int64, set *rules.Set) {
	d.sets = append(d.sets, installed{from, set})
}

// at is the set that judges a fact with this ts; nil before the first.
func (d *Desk) at(ts int64) *rules.Set {
	for i := len(d.sets) - 1; i >= 0; i-- {
		if ts >= d.sets[i].from || i == 0 {
			return d.sets[i].set
		}
	}
	return nil
}

// SetAt is the hash of the set that judges facts of that time; "" before the first.
func (d *Desk) SetAt(ts int64) string {
	if s := d.at(ts); s != nil {
		return s.Hash
	}
	return ""
}

// Book is the judge's state: for each subject what its policies make of it and the alert that stands. It is copied and
// folded again with the world, and so is a function of the facts alone.
type Book struct {
	desk     *Desk
	subjects map[string]*subject
	due      dueHeap
	spent    []spent // budget, in order of event time
	lines    []*Alert
	scores   []*VisitScore
	made     []fusion.Change
	judged   []Judgement
}

// Judgement is one policy's result when a subject was judged, live or in shadow.
type Judgement struct {
	At     int64  // event time, ns
	Zone   string // of the subject, "" when it is in none
	Policy string
	Mode   string
	Score  float64
	Tier   string // "" below the lowest
	Value  float64
}

// subject is what the book knows of one visit, till, zone or store.
type subject struct {
	kind   fusion.SubjectKind
	id     string
	memory *rules.Memory
	due    int64
	n      int    // alerts so far
	open   *Alert // as last written; nil: none stands
	latest *Alert // as last judged, even if too little has changed for a line
	over   int64  // when the last one closed or was retracted
	quiet  int64  // until when it cools down
	ended  int64
	best   *VisitScore
}

// forgetAfter is how long after its end a subject is kept, so that late facts can still change what was said of it.
const forgetAfter = int64(90e9)

// Judge returns the functions by which a core folds a Book along.
func (d *Desk) Judge() fusion.Judge[*Book] {
	return fusion.Judge[*Book]{
		New:   func() *Book { return &Book{desk: d, subjects: map[string]*subject{}} },
		Clone: (*Book).clone,
		Facts: (*Book).facts,
		Due:   (*Book).nextDue,
		Fire:  (*Book).fire,
	}
}

func (b *Book) clone() *Book {
	c := &Book{desk: b.desk, subjects: make(map[string]*subject, len(b.subjects)),
		due: append(dueHeap(nil), b.due...), spent: append([]spent(nil), b.spent...)}
	for k, s := range b.subjects {
		n := *s
		n.memory = s.memory.Clone()
		c.subjects[k] = &n // alerts and scores are never changed once made
	}
	return c
}

func (b *Book) facts(w *fusion.World, changes []fusion.Change) {
	b.made = append(b.made, changes...)
	for len(changes) > 0 {
		v := changes[0].Visit
		var facts []fusion.Fact
		rest := changes[:0:0]
		for _, c := range changes {
			if c.Visit == v {
				facts = append(facts, c.Fact)
			} else {
				rest = append(rest, c)
			}
		}
		changes = rest
		b.judge(w, v, facts)
	}
}

func key(kind fusion.SubjectKind, id string) string { return string(rune('0'+kind)) + id }

func (b *Book) judge(w *fusion.World, v *fusion.Visit, facts []fusion.Fact) {
	set := b.desk.at(w.Now())
	if set == nil {
		return
	}
	k := key(v.Subject, v.ID)
	s := b.subjects[k]
	if s == nil {
		s = &subject{kind: v.Subject, id: v.ID, memory: new(rules.Memory), due: math.MaxInt64}
		b.subjects[k] = s
	}
	view := fusion.View{World: w, Visit: v, Now: w.Now()}
	if set.Judge(s.memory, view, facts) {
		b.update(s, set, view)
	}
	b.schedule(s, set, view)
	if v.Ended != 0 && s.ended == 0 {
		b.end(s, set, view)
	}
}

func (b *Book) schedule(s *subject, set *rules.Set, view fusion.View) {
	due := set.Due(s.memory, view)
	if s.kind != fusion.SubjectVisit && s.open != nil {
		due = min(due, s.quiet) // no end closes it: quiet does
	}
	if s.ended != 0 {
		due = s.ended + forgetAfter
	}
	if due != s.due {
		s.due = due
		if due != math.MaxInt64 {
			b.due.push(dueAt{due, key(s.kind, s.id)})
		}
	}
}

func (b *Book) nextDue() int64 {
	if len(b.due) == 0 {
		return math.MaxInt64
	}
	return b.due[0].at
}

func (b *Book) fire(w *fusion.World, now int64) {
	for len(b.due) > 0 && b.due[0].at <= now {
		d := b.due.pop()
		s := b.subjects[d.key]
		if s == nil || s.due != d.at {
			continue // it was moved
		}
		s.due = math.MaxInt64
		if s.ended != 0 {
			delete(b.subjects, d.key)
			continue
		}
		v := w.Subject(s.kind, s.id)
		set := b.desk.at(now)
		if v == nil || set == nil {
			continue
		}
		view := fusion.View{World: w, Visit: v, Now: now}
		if set.Fire(s.memory, view) {
			b.update(s, set, view)
		}
		if s.kind != fusion.SubjectVisit && s.open != nil && s.quiet <= now {
			b.write(s, s.latest, Closed, now)
			s.open, s.over = nil, now
		}
		b.schedule(s, set, view)
	}
}

// update takes new results of a subject: an alert begins, changes or no longer stands.
func (b *Book) update(s *subject, set *rules.Set, view fusion.View) {
	b.note(s, view)
	a, cooldown := b.compose(s, set, view)
	if s.kind == fusion.SubjectVisit {
		s.best = b.best(s, view)
	}
	now := view.Now
	switch {
	case a == nil && s.open == nil:
		return
	case a == nil:
		b.write(s, s.latest, Retracted, now)
		s.open, s.over = nil, now
		s.quiet = now + cooldown
		return
	case s.open == nil:
		if s.n == 0 || now >= s.quiet {
			s.n++
			a.EventTime = now
		} else {
			a.EventTime = s.latest.EventTime // it comes back before it has cooled down: the same alert
		}
		a.ID = AlertID(b.desk.Store.ID, s.id, s.n)
		b.spend(a, now)
		s.quiet = now + cooldown
		b.write(s, a, Confirmed, now)
		s.open = a
	default:
		a.ID, a.EventTime = s.open.ID, s.open.EventTime
		b.spend(a, now)
		if differs(a, s.open) {
			b.write(s, a, Updated, now)
			s.open = a
			s.quiet = now + cooldown
		}
	}
	s.latest = a
}

// note keeps the results of this judgement for the numbers.
func (b *Book) note(s *subject, view fusion.View) {
	zone := ""
	if view.Visit.Zone >= 0 {
		zone = b.desk.Store.Zones[view.Visit.Zone].ID
	}
	for _, r := range s.memory.Results() {
		if r.At == view.Now {
			b.judged = append(b.judged, Judgement{At: view.Now, Zone: zone, Policy: r.Policy.ID, Mode: string(r.Policy.Mode),
				Score: r.Score, Tier: r.Tier, Value: r.ValueAtRisk})
		}
	}
}

// end closes what stands when a visit ends, and settles its score.
func (b *Book) end(s *subject, set *rules.Set, view fusion.View) {
	s.ended = view.Now
	if s.open != nil {
		b.write(s, s.latest, Closed, view.Now)
		s.open, s.over = nil, view.Now
	}
	if s.kind == fusion.SubjectVisit {
		if s.best == nil {
			s.best = b.best(s, view)
		}
		done := *s.best
		done.From, done.To, done.Tracks = view.Visit.First, view.Visit.Last, append([]string(nil), view.Visit.Tracks...)
		done.Staff = view.Visit.Staff >= 0.5
		b.scores = append(b.scores, &done)
	}
	b.schedule(s, set, view)
}

// write adds a final line. Lines are never changed once written.
func (b *Book) write(s *subject, a *Alert, state State, at int64) {
	line := *a
	line.State, line.At = state, at
	b.lines = append(b.lines, &line)
}

// AlertID names the n-th alert of a subject (contract §5).
func AlertID(store, subject string, n int) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{store, subject, strconv.Itoa(n)}, "\x00")))
	return "alr_" + hex.EncodeToString(sum[:8])
}

// differs reports whether so much has changed that a line is due (contract §5).
func differs(a, b *Alert) bool {
	if a.Tier != b.Tier || a.CappedBy != b.CappedBy || a.Zone != b.Zone || math.Abs(a.Score-b.Score) >= 0.05 ||
		len(a.Items) != len(b.Items) || len(a.Policies) != len(b.Policies) {
		return true
	}
	for i := range a.Items {
		if x, y := a.Items[i], b.Items[i]; x.SKU != y.SKU || x.EPC != y.EPC || x.Count != y.Count {
			return true
		}
	}
	for i := range a.Policies {
		if a.Policies[i].Policy != b.Policies[i].Policy || a.Policies[i].Hash != b.Policies[i].Hash {
			return true
		}
	}
	return false
}

// standing lists the alerts that stand, as last judged, by id.
func (b *Book) standing() map[string]*Alert {
	m := map[string]*Alert{}
	for _, s := range b.subjects {
		if s.open != nil {
			m[s.open.ID] = s.latest
		}
	}
	return m
}

// closed lists the alerts that closed when their visit ended and are still remembered, by id.
func (b *Book) closed() map[string]*Alert {
	m := map[string]*Alert{}
	for _, s := range b.subjects {
		if s.ended != 0 && s.latest != nil && s.over == s.ended {
			m[s.latest.ID] = s.latest
		}
	}
	return m
}

// tierOf is the place of a tier in Tiers, -1 for none.
func tierOf(name string) int {
	for i, t := range Tiers {
		if t == name {
			return i
		}
	}
	return -1
}

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
	if tierOf(a.Tier) < tierOf("staff") || b.desk.Budget == (Budget{}) {
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
	q := b.desk.Budget
	if over(q.Day, func(s *spent) bool { return sameDay(s.at) }) ||
		over(q.Hour, func(s *spent) bool { return now-s.at < int64(3600e9) }) ||
		over(q.Source, func(s *spent) bool { return s.source == source && sameDay(s.at) }) {
		a.Tier, a.CappedBy = "review", "budget"
		return
	}
	b.spent = append(b.spent, spent{a.ID, now, a.Value, source})
	if n := len(b.spent); now-b.spent[0].at > int64(48*3600e9) && n > 1 {
		b.spent = append(b.spent[:0], b.spent[1:]...)
	}
}

// strongest is the source of an alert's strongest evidence.
func strongest(a *Alert) string {
	best, source := 0.0, ""
	for _, e := range a.Evidence {
		if e.LogOdds > best && len(e.Events) > 0 {
			best = e.LogOdds
			source, _, _ = strings.Cut(e.Events[0], "@")
		}
	}
	return source
}

// dueAt is a subject's timer; the heap is ordered by time, then subject.
type dueAt struct {
	at  int64
	key string
}

type dueHeap []dueAt

func (d dueAt) before(o dueAt) bool { return d.at < o.at || d.at == o.at && d.key < o.key }

func (h *dueHeap) push(d dueAt) {
	a := append(*h, d)
	*h = a
	for i := len(a) - 1; i > 0; {
		p := (i - 1) / 2
		if !a[i].before(a[p]) {
			return
		}
		a[i], a[p] = a[p], a[i]
		i = p
	}
}

func (h *dueHeap) pop() dueAt {
	a := *h
	top, n := a[0], len(a)-1
	a[0] = a[n]
	a = a[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && a[c+1].before(a[c]) {
			c++
		}
		if !a[c].before(a[i]) {
			break
		}
		a[i], a[c] = a[c], a[i]
		i = c
	}
	*h = a
	return top
}

// sortedKeys gives the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	k := make([]string, 0, len(m))
	for x := range m {
		k = append(k, x)
	}
	sort.Strings(k)
	return k
}

// Targets lists the outputs that an alert goes to: those of every tier up to its own, of each of its policies.
func (d *Desk) Targets(a *Alert) []Target {
	floor := map[string]bool{}
	set := d.at(a.At)
	if set == nil {
		return nil
	}
	for _, s := range a.Policies {
		for _, p := range set.Policies {
			if p.ID != s.Policy {
				continue
			}
			for tier, names := range p.To {
				if t := tierOf(tier); t <= tierOf(a.Tier) {
					for _, n := range names {
						floor[n] = floor[n] || t >= tierOf("staff")
					}
				}
			}
		}
	}
	var to []Target
	for _, n := range sortedKeys(floor) {
		to = append(to, Target{Output: n, Floor: floor[n]})
	}
	return to
}

// Score is the highest score that a live policy has given an open visit, and that policy.
func (b *Book) Score(visit string) (float64, string) {
	if s := b.subjects[key(fusion.SubjectVisit, visit)]; s != nil && s.best != nil {
		return s.best.Score, s.best.Policy
	}
	return 0, ""
}
