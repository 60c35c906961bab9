package alerts

import (
	"container/heap"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"magpie/fusion"
	"magpie/rules"
)

// Book is the judge's state: for each subject what its policies make of it and the alert that stands. It is copied and
// folded again with the world, and so is a function of the facts alone. A subject is copied when it is first written after
// a clone.
type Book struct {
	desk     *Desk
	mark     *int // whose subjects may be written in place
	subjects map[string]*subject
	due      dueHeap
	spent    []spent // budget, in order of event time
	bound    int64   // since when the set judges that everybody was handed over to
	lines    []*Alert
	scores   []*VisitScore
	made     []fusion.Change
	judged   []Judgement
	few      []fusion.Fact  // scratch
	results  []rules.Result // scratch
	raised   []fusion.Fact  // what the store is to be told of alerts, once the facts at hand are judged
	gone     []takenBack    // and what it was told of visits that have just been merged

	nothingNew bool // the facts at hand only put right what was told before: they may take an alert back, and raise none
}

// Judgement is one policy's result when a subject was judged, live or in shadow.
type Judgement struct {
	At      int64  // event time, ns
	Subject string // its id
	Zone    string // of the subject, "" when it is in none
	Policy  string
	Mode    string
	Score   float64
	Tier    string // "" below the lowest
	Value   float64
}

// subject is what the book knows of one visit, till, zone or store.
type subject struct {
	mark   *int
	kind   fusion.SubjectKind
	id     string
	memory *rules.Memory
	due    int64
	n      int      // alerts so far
	open   *Alert   // as last written; nil: none stands
	latest *Alert   // as last judged, even if too little has changed for a line
	closed []*Alert // those that closed lately, with the moment in At
	quiet  int64    // until when it cools down
	ended  int64
	since  int64  // when the alert was raised that stood for a visit that has just been merged into this one; 0: none
	spent  string // and its id
	merged string // the subject in which it goes on; "": none
	best   *VisitScore
	told   map[string]int // by policy: the highest tier, from 1, of which the store was told; never changed once made
}

// forgetAfter is how long after its end a subject is kept, so that late facts can still change what was said of it.
const forgetAfter = int64(90e9)

// Judge returns the functions by which a core folds a Book along.
func (d *Desk) Judge() fusion.Judge[*Book] {
	return fusion.Judge[*Book]{
		New: func() *Book {
			return &Book{desk: d, mark: new(int), subjects: map[string]*subject{}, bound: math.MinInt64}
		},
		Clone: (*Book).clone,
		Facts: (*Book).facts,
		Due:   (*Book).nextDue,
		Fire:  (*Book).fire,
	}
}

func (b *Book) clone() *Book {
	b.mark = new(int) // from here on neither may write what both hold
	return &Book{desk: b.desk, mark: new(int), subjects: maps.Clone(b.subjects), due: slices.Clone(b.due),
		spent: slices.Clone(b.spent), bound: b.bound}
}

// own returns a known subject for writing, nil if it is unknown. Alerts and scores are never changed once made, and so are
// shared.
func (b *Book) own(key string) *subject {
	s := b.subjects[key]
	if s == nil || s.mark == b.mark {
		return s
	}
	n := *s
	n.mark, n.memory, n.closed = b.mark, s.memory.Clone(), slices.Clip(s.closed)
	b.subjects[key] = &n
	return &n
}

func (b *Book) facts(w *fusion.World, changes []fusion.Change) {
	b.made = append(b.made, changes...)
	in := b.desk.in(w.Now())
	if in == nil {
		return
	}
	b.merge(in.set, w, changes)
	for i := range changes {
		v := changes[i].Visit
		if v.Merged != "" {
			continue // it goes on in another
		}
		if !in.judges[v.Subject] || slices.ContainsFunc(changes[:i], func(c fusion.Change) bool { return c.Visit == v }) {
			continue
		}
		b.few = b.few[:0]
		for _, c := range changes[i:] {
			if c.Visit == v {
				b.few = append(b.few, c.Fact)
			}
		}
		b.judge(w, v, in.set, b.few)
	}
	b.tellStore(w, in)
}

func key(kind fusion.SubjectKind, id string) string { return string(rune('0'+kind)) + id }

func (b *Book) judge(w *fusion.World, v *fusion.Visit, set *rules.Set, facts []fusion.Fact) {
	k := key(v.Subject, v.ID)
	s := b.own(k)
	if s == nil {
		s = &subject{mark: b.mark, kind: v.Subject, id: v.ID, memory: new(rules.Memory), due: math.MaxInt64}
		b.subjects[k] = s
	}
	if s.merged != "" { // it has split off again
		s.ended, s.merged, s.memory = 0, "", new(rules.Memory)
	}
	view := fusion.View{World: w, Visit: v, Now: w.Now()}
	if s.kind == fusion.SubjectVisit && slices.ContainsFunc(facts, func(f fusion.Fact) bool { return f.Kind == fusion.FactMerged || f.Kind == fusion.FactSale }) {
		facts = v.Facts.List() // all that is known of either is new to the one
	}
	if set.Judge(s.memory, view, facts) && (s.open != nil || !b.nothingNew) {
		b.update(s, view)
	}
	if b.desk.Watch != nil {
		b.desk.Watch(set, s.memory, view)
	}
	s.since, s.spent = 0, "" // what was not taken over at once is over
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
			heap.Push(&b.due, dueAt{due, key(s.kind, s.id)})
		}
	}
}

func (b *Book) nextDue() int64 {
	due := b.desk.next(b.bound)
	if len(b.due) > 0 {
		due = min(due, b.due[0].at)
	}
	return due
}

// bind hands everybody over to the set that judges from now on, so that its timers run for those about whom nothing new
// is heard. What stands goes on standing until it is judged anew.
func (b *Book) bind(w *fusion.World, now int64) {
	in := b.desk.in(now)
	if in == nil {
		return
	}
	for _, k := range sortedKeys(b.subjects) {
		s := b.own(k)
		v := w.Subject(s.kind, s.id)
		if s.ended != 0 || v == nil {
			continue
		}
		view := fusion.View{World: w, Visit: v, Now: now - 1} // what is due now is yet to fire
		in.set.Judge(s.memory, view, nil)
		b.schedule(s, in.set, view)
	}
}

func (b *Book) fire(w *fusion.World, now int64) {
	if from := b.desk.next(b.bound); from <= now {
		b.bound = from
		b.bind(w, now)
	}
	for len(b.due) > 0 && b.due[0].at <= now {
		d := heap.Pop(&b.due).(dueAt)
		if s := b.subjects[d.key]; s == nil || s.due != d.at {
			continue // it was moved
		}
		s := b.own(d.key)
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
			b.update(s, view)
		}
		if b.desk.Watch != nil {
			b.desk.Watch(set, s.memory, view)
		}
		if s.kind != fusion.SubjectVisit && s.open != nil && s.quiet <= now {
			b.shut(s, now)
		}
		b.schedule(s, set, view)
		b.tellStore(w, b.desk.in(now))
	}
}

// update takes new results of a subject: an alert begins, changes or no longer stands.
func (b *Book) update(s *subject, view fusion.View) {
	results := s.memory.AppendResults(b.results)
	b.results = results[:0]
	b.note(results, view)
	if !s.heard(results, view.Now) {
		return
	}
	a, cooldown := b.compose(s, results, view)
	defer func() {
		if a != nil {
			b.crossed(s, a, results)
		}
	}()
	if s.kind == fusion.SubjectVisit {
		s.best = b.best(s, results, view)
	}
	now := view.Now
	switch {
	case a == nil && s.open == nil:
		return
	case a == nil:
		b.write(s.latest, Retracted, now)
		s.open = nil
		s.quiet = now + cooldown
		return
	case s.open == nil:
		if s.n == 0 || now >= s.quiet {
			s.n++
			a.EventTime = now
			if s.since != 0 {
				a.EventTime = s.since
			}
		} else {
			a.EventTime = s.latest.EventTime // it comes back before it has cooled down: the same alert
		}
		a.ID = AlertID(b.desk.Store.ID, s.id, s.n)
		b.inherit(s, a.ID)
		b.spend(a, now)
		s.quiet = now + cooldown
		b.write(a, Confirmed, now)
		s.open = a
	default:
		a.ID, a.EventTime = s.open.ID, s.open.EventTime
		b.spend(a, now)
		if differs(a, s.open) {
			b.write(a, Updated, now)
			s.open = a
			s.quiet = now + cooldown
		}
	}
	s.latest = a
}

// heard reports whether any of the policies that were judged at now has a say in what is told: what runs in shadow changes
// nothing, not even when a line is written.
func (s *subject) heard(results []rules.Result, now int64) bool {
	return slices.ContainsFunc(results, func(r rules.Result) bool {
		return r.At == now && (r.Policy.Mode == rules.Live ||
			s.open != nil && s.open.by(r.Policy.ID))
	})
}

// note keeps the results of this judgement for the numbers.
func (b *Book) note(results []rules.Result, view fusion.View) {
	zone := ""
	if view.Visit.Zone >= 0 {
		zone = b.desk.Store.Zones[view.Visit.Zone].ID
	}
	for _, r := range results {
		if r.At == view.Now {
			b.judged = append(b.judged, Judgement{At: view.Now, Subject: view.Visit.ID, Zone: zone, Policy: r.Policy.ID,
				Mode: string(r.Policy.Mode), Score: r.Score, Tier: r.Tier, Value: r.ValueAtRisk})
		}
	}
}

// end closes what stands when a visit ends, and settles its score.
func (b *Book) end(s *subject, set *rules.Set, view fusion.View) {
	s.ended = view.Now
	if s.open != nil {
		b.shut(s, view.Now)
	}
	if s.kind == fusion.SubjectVisit {
		if s.best == nil {
			s.best = b.best(s, s.memory.Results(), view)
		}
		done := *s.best
		done.From, done.To, done.Tracks = view.Visit.First, view.Visit.Last, append([]string(nil), view.Visit.Tracks...)
		done.Staff = view.Visit.Staff >= 0.5
		b.scores = append(b.scores, &done)
	}
	b.schedule(s, set, view)
}

// shut closes the alert that stands.
func (b *Book) shut(s *subject, now int64) {
	for len(s.closed) > 0 && now-s.closed[0].At > forgetAfter {
		s.closed = s.closed[1:]
	}
	s.closed = append(s.closed, b.write(s.latest, Closed, now))
	s.open = nil
}

// write adds a final line. Lines are never changed once written.
func (b *Book) write(a *Alert, state State, at int64) *Alert {
	line := *a
	line.State, line.At = state, at
	b.lines = append(b.lines, &line)
	return &line
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

// since is the event time of the last line of an alert that waits to be said, so that what is supposed bears the moment
// that its confirmation will bear; now if there is none.
func (b *Book) since(id string, now int64) int64 {
	for i := len(b.lines) - 1; i >= 0; i-- {
		if b.lines[i].ID == id {
			return b.lines[i].At
		}
	}
	return now
}

// closed lists the alerts that have closed so lately that a late fact could still change it, by id.
func (b *Book) closed(now int64) map[string]*Alert {
	m := map[string]*Alert{}
	for _, s := range b.subjects {
		for _, a := range s.closed {
			if now-a.At <= forgetAfter {
				m[a.ID] = a
			}
		}
	}
	return m
}

// mayReturn reports whether an alert that does not stand may stand again, or be confirmed after it was supposed and taken
// back: its subject is known, and it is the last one of it or the next.
func (b *Book) mayReturn(a *Alert) bool {
	kind := fusion.SubjectKind(slices.Index(fusion.SubjectKinds[:], a.SubjectKind))
	s := b.subjects[key(kind, a.SubjectID)]
	return s != nil && (a.ID == AlertID(b.desk.Store.ID, s.id, s.n) || a.ID == AlertID(b.desk.Store.ID, s.id, s.n+1))
}

// Score is the highest score that a live policy has given an open visit, and that policy.
func (b *Book) Score(visit string) (float64, string) {
	if s := b.subjects[key(fusion.SubjectVisit, visit)]; s != nil && s.best != nil {
		return s.best.Score, s.best.Policy
	}
	return 0, ""
}
