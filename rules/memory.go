package rules

import (
	"math"
	"slices"
	"strings"

	"magpie/fusion"
)

// Memory is what judging keeps of one subject: what its event functions were told, and of each policy that has anything to do
// with it the operands' values when they were last read, the last result and the peaks of evidence that decays. What has
// nothing to do with the subject costs nothing. The zero value is ready. It belongs to one goroutine.
type Memory struct {
	set    *Set
	kind   fusion.SubjectKind
	state  table[state] // by Policy.order
	values []float64    // of the operands of all of them
	tapes  table[tape]  // by event
	armed  []int        // operands with a timer that a fact has touched, ascending
	told   int64        // facts so far
	goods  []held       // what the basket held when it was last looked at, by line; for operands of some goods
}

// state is what is kept of one policy: what it last said, the log-odds of its score (micro-nats), and where the values of its
// operands begin, by slot. It is one line of the processor's cache.
type state struct {
	score, best, risk float64 // Result.Score, Best and ValueAtRisk
	at, sum           int64
	reached           *reached // nil below the lowest tier
	peaks             *[]peak  // by evidence; nil before the first judgement
	values            int32
	judged            bool
	catching          bool // it is new to the subject, and the facts at hand are to be judged
	stands            bool // what it says is what the same policy said before it was changed
}

// reached is what a result tells where a tier is reached; it is never changed once made.
type reached struct {
	hash           string // of the policy that said it
	tier, cappedBy string
	evidence       []Evidence
	missing        []string
}

// result is what the policy last said.
func (st *state) result(p *Policy) Result {
	r := Result{Policy: p, Hash: p.Hash, Score: st.score, At: st.at, Best: st.best, ValueAtRisk: st.risk}
	if x := st.reached; x != nil {
		r.Hash, r.Tier, r.CappedBy, r.Evidence, r.Missing = x.hash, x.tier, x.cappedBy, x.evidence, x.missing
	}
	return r
}

// peak is the largest value of a piece of evidence since it began, for those with a half-life.
type peak struct {
	value int64 // micro-nats, undecayed
	at    int64 // newest fact behind it
	was   Evidence
}

// held is how much of a product a line of the basket holds.
type held struct {
	product       int
	units, unpaid float64
}

// begin makes room for a policy that is new to the subject.
func (m *Memory) begin(i, slots int) *state {
	from := len(m.values)
	m.values = append(m.values, make([]float64, slots)...)
	return m.state.put(i, state{values: int32(from)})
}

// valuesOf are the values of a policy's operands, until the next begins.
func (m *Memory) valuesOf(st *state, p *Policy) []float64 {
	return m.values[st.values : int(st.values)+len(p.ops)]
}

// Clone copies the memory; judging the copy leaves the original as it is.
func (m *Memory) Clone() *Memory {
	c := &Memory{set: m.set, kind: m.kind, told: m.told, state: m.state.clone(), values: slices.Clone(m.values), tapes: m.tapes.clone(),
		armed: slices.Clip(m.armed), goods: slices.Clip(m.goods)}
	for i := range c.state.all {
		if st := &c.state.all[i]; st.peaks != nil {
			st.peaks = ptr(slices.Clone(*st.peaks))
		}
	}
	for i := range c.tapes.all {
		c.tapes.all[i].share()
	}
	return c
}

// bind makes the memory one of this set. What it holds of policies that are still the same (id and hash) is kept, as are
// the tapes of events that the set still has; others begin anew from the subject's facts. What a policy said stands until it, as
// it is now, judges the subject. It reports whether it did.
func (m *Memory) bind(s *Set, v *fusion.View) bool {
	if m.set == s {
		return false
	}
	j := &s.by[v.Visit.Subject]
	n := Memory{set: s, kind: v.Visit.Subject, told: m.told, goods: m.goods}
	if m.set != nil {
		was := &m.set.by[m.kind]
		m.state.each(func(i int, st *state) {
			old := was.policies[i]
			k, named, same := j.find(old)
			if !named {
				return
			}
			kept := n.begin(k, len(j.policies[k].ops))
			if !same || len(old.ops) != len(j.policies[k].ops) { // the site's lists may have other operands
				kept.score, kept.best, kept.risk, kept.at, kept.reached, kept.judged = st.score, st.best, st.risk, st.at, st.reached, st.judged
				kept.stands = true
				return
			}
			from := kept.values
			*kept = *st
			kept.values = from
			copy(n.valuesOf(kept, old), m.valuesOf(st, old))
		})
		m.tapes.each(func(i int, t *tape) {
			if k, ok := j.eventIndex[was.events[i].key]; ok {
				n.tapes.put(k, *t)
			}
		})
	}
	if v.Visit.Full() { // of what is new, older facts are not to be had
		oldest := v.Visit.Facts.Oldest().At
		for i, e := range j.events {
			known := false
			if m.set != nil {
				_, known = m.set.by[m.kind].eventIndex[e.key]
			}
			if !known {
				n.tapes.put(i, tape{first: math.MaxInt64, reach: oldest})
			}
		}
	}
	*m = n
	m.retell(j, v)
	return true
}

// retell fills the tapes anew from the facts that the subject keeps; what they hold of older ones stays.
func (m *Memory) retell(j *judged, v *fusion.View) {
	from := int64(math.MinInt64)
	if v.Visit.Full() {
		from = v.Visit.Facts.Oldest().TS
	}
	m.tapes.each(func(_ int, t *tape) {
		if from == math.MinInt64 { // all is told again, also what was cut off since
			*t = tape{first: math.MaxInt64, reach: math.MinInt64}
		} else {
			t.before(from)
		}
	})
	m.armed = nil
	var events []int32
	var f fusion.Fact
	for f = range v.Visit.Facts.All() {
		events = j.eventsOf(&f, events[:0])
		m.tell(j, &f, events)
	}
}

// tell gives a fact to the tapes of the events that it is, and arms the operands that it may have changed.
func (m *Memory) tell(j *judged, f *fusion.Fact, events []int32) {
	m.told++
	for _, e := range events {
		t := m.tapes.get(int(e))
		if t == nil {
			t = m.tapes.put(int(e), tape{first: math.MaxInt64, reach: math.MinInt64})
		}
		t.add(f, m.told)
		for _, n := range j.eventOps.at(int(e)) {
			m.arm(j, int(n))
		}
	}
	for _, n := range j.byKind[f.Kind] {
		m.arm(j, n)
	}
}

// arm notes that an operand's timer may be running.
func (m *Memory) arm(j *judged, op int) {
	if !j.reads[op].timed {
		return
	}
	if i, found := slices.BinarySearch(m.armed, op); !found {
		m.armed = slices.Insert(slices.Clip(m.armed), i, op)
	}
}

// tapesOf are the tapes of an operand's events, until the next call.
func (m *Memory) tapesOf(j *judged, b *bench, op int) []*tape {
	r := &j.reads[op]
	t := b.tapes[:r.events]
	switch r.events {
	case 0:
	case 1:
		t[0] = m.tapes.get(int(r.event))
	default:
		for i, e := range j.opEvents.at(op) {
			t[i] = m.tapes.get(int(e))
		}
	}
	return t
}

// value reads an operand, once a call however many policies do.
func (m *Memory) value(j *judged, b *bench, v *fusion.View, op int) float64 {
	r := &j.reads[op]
	if r.cache >= 0 && b.read[r.cache].call == b.call {
		return b.read[r.cache].x
	}
	x := r.eval(v, m.tapesOf(j, b, op))
	if math.IsNaN(x) {
		x = 0
	}
	if r.cache >= 0 {
		b.read[r.cache] = value{x, b.call}
	}
	return x
}

// looked touches the operands of goods of which the basket now holds another number.
func (m *Memory) looked(j *judged, b *bench, v *fusion.View) {
	same, lines := true, 0
	for i := range v.Visit.Basket {
		it := &v.Visit.Basket[i]
		if it.Product < 0 {
			continue
		}
		same = same && lines < len(m.goods) && m.goods[lines] == held{it.Product, it.Held(), it.Unpaid()}
		lines++
	}
	if same && lines == len(m.goods) {
		return
	}
	now := make([]held, 0, lines)
	for i := range v.Visit.Basket {
		if it := &v.Visit.Basket[i]; it.Product >= 0 {
			now = append(now, held{it.Product, it.Held(), it.Unpaid()})
		}
	}
	was := m.goods
	m.goods = now
	b.goods[0], b.goods[1] = summed(b.goods[0][:0], was), summed(b.goods[1][:0], now)
	for i := range b.goods {
		for _, h := range b.goods[i] {
			if !slices.Contains(b.goods[1-i], h) {
				for _, n := range j.byProduct.at(h.product) {
					b.touched(j, int(n))
				}
			}
		}
	}
}

// summed appends what lines hold by product.
func summed(to, lines []held) []held {
	for _, h := range lines {
		if k := slices.IndexFunc(to, func(o held) bool { return o.product == h.product }); k >= 0 {
			to[k].units += h.units
			to[k].unpaid += h.unpaid
		} else {
			to = append(to, h)
		}
	}
	return to
}

// Judge takes the facts that were just added to a subject. Every policy for that kind of subject one of whose operands a
// fact has changed is judged anew if its when is true. It reports whether any was, which is when a result can differ.
func (s *Set) Judge(m *Memory, v fusion.View, facts []fusion.Fact) bool {
	j := &s.by[v.Visit.Subject]
	b := j.bench(v)
	defer j.put(b)
	was := m.set
	fresh := m.bind(s, &b.view)
	if len(j.policies) == 0 {
		return false
	}
	if was != nil && fresh {
		m.catchUp(was, j, &b.view, facts)
	}
	if len(facts) == 0 {
		return false
	}
	if !fresh && m.revised(j, &b.view, facts) {
		m.retell(j, &b.view)
		fresh = true
	}
	look := false
	for i := range facts {
		f := &facts[i]
		b.events = j.eventsOf(f, b.events[:0])
		if !fresh {
			m.tell(j, f, b.events)
		}
		b.occurred(j, f, b.events)
		look = look || basket.has(f.Kind)
	}
	if look && j.byProduct.all != nil {
		m.looked(j, b, &b.view)
	}
	any := len(b.dirty) > 0 && s.rejudge(m, b)
	if was != nil && was != s {
		m.state.each(func(_ int, st *state) { st.catching = false })
	}
	return any
}

// find finds the policy of the same id, and says whether it is the same, by its hash.
func (j *judged) find(p *Policy) (i int, named, same bool) {
	i, named = slices.BinarySearchFunc(j.policies, p.ID, func(p *Policy, id string) int { return strings.Compare(p.ID, id) })
	return i, named, named && j.policies[i].Hash == p.Hash
}

// catchUp reads the operands of policies that are new to the subject as they are now, so that what changes them next judges,
// and what does not change them judges nothing. Those that the facts at hand touch may have been changed by them.
func (m *Memory) catchUp(was *Set, j *judged, v *fusion.View, facts []fusion.Fact) {
	b := j.bench(*v)
	defer j.put(b)
	var f fusion.Fact
	for f = range v.Visit.Facts.All() {
		b.events = j.eventsOf(&f, b.events[:0])
		b.occurred(j, &f, b.events)
	}
	if j.byProduct.all != nil {
		kept := m.goods
		if m.looked(j, b, v); len(facts) > 0 {
			m.goods = kept
		}
	}
	for _, i := range b.dirty {
		p := j.policies[i]
		st := m.state.get(int(i))
		if _, _, same := was.by[m.kind].find(p); same || st != nil && !st.stands {
			continue
		}
		if st == nil {
			st = m.begin(int(i), len(p.ops))
		}
		values := m.valuesOf(st, p)
		for slot, n := range p.ops {
			if b.due[n] == b.call {
				values[slot] = m.value(j, b, v, n)
			}
			if j.ops[n].drifts {
				values[slot] = math.NaN() // what it was when a fact last touched it is not known
			}
		}
		st.catching = len(facts) > 0
	}
}

// revised reports whether facts say something else of what was told before: a merger, a sale that is another's, or another share in a pick.
func (m *Memory) revised(j *judged, v *fusion.View, facts []fusion.Fact) bool {
	for i := range facts {
		f := &facts[i]
		switch {
		case f.Kind == fusion.FactMerged, f.Kind == fusion.FactSale, f.TS < v.Now && f.Kind == fusion.FactPicked:
			return true
		case f.Kind == fusion.FactPicked && f.Source >= 0:
			for k := range facts[:i] {
				if g := &facts[k]; g.Kind == f.Kind && g.At == f.At && g.Source == f.Source && g.Product == f.Product {
					return true
				}
			}
		}
	}
	return false
}

// Fire judges by the timers that are due at v.Now, which is what Due said: absent(…), dwell(…) >= …, silent(…), fresh(…) and
// missing_after(…) may change by time alone. It reports whether any policy was judged anew.
func (s *Set) Fire(m *Memory, v fusion.View) bool {
	j := &s.by[v.Visit.Subject]
	b := j.bench(v)
	defer j.put(b)
	m.bind(s, &b.view)
	for _, n := range m.armed {
		b.touched(j, n)
	}
	return len(b.dirty) > 0 && s.rejudge(m, b)
}

// rejudge judges the policies one of whose due operands has changed.
func (s *Set) rejudge(m *Memory, b *bench) bool {
	j := &s.by[m.kind]
	any := false
	clock := s.timer()
	for _, i := range b.dirty {
		began := int64(0)
		if clock != nil {
			began = clock()
		}
		any = s.consider(m, b, j, int(i)) || any
		if clock != nil {
			j.policies[i].cost.Add(measureEvery * (clock() - began))
		}
	}
	return any
}

// consider judges a policy if one of its due operands has changed and its when is true, and reports whether it did.
func (s *Set) consider(m *Memory, b *bench, j *judged, i int) bool {
	v, h := &b.view, &j.heads[i]
	var few [maxOperands]float64
	now := few[:0]
	if len(h.ops) > len(few) {
		now = make([]float64, 0, len(h.ops))
	}
	st := m.state.get(i)
	changed := st != nil && st.catching
	for slot, n := range h.ops {
		x, was := 0.0, 0.0
		if st != nil {
			was = m.values[int(st.values)+slot]
			x = was
		}
		if b.due[n] == b.call {
			x = m.value(j, b, v, int(n))
			changed = changed || x != was || j.reads[n].windowed
		}
		now = append(now, x)
	}
	if st == nil {
		if !changed {
			return false
		}
		st = m.begin(i, len(h.ops))
	}
	values := m.values[st.values : int(st.values)+len(h.ops)]
	copy(values, now)
	if !changed {
		return false
	}
	st.catching = false
	for slot, n := range h.ops {
		if b.due[n] != b.call {
			values[slot] = m.value(j, b, v, int(n))
		}
	}
	if h.shape.when != nil && !h.shape.when.is(values) {
		return false
	}
	m.judge(j, b, i, st, values)
	return true
}

// Due is the next time after v.Now at which a timer of this subject falls due, math.MaxInt64 if there is none.
func (s *Set) Due(m *Memory, v fusion.View) int64 {
	due := int64(math.MaxInt64)
	if m.set != s || len(m.armed) == 0 {
		return due
	}
	j := &s.by[m.kind]
	var few [8]*tape
	for _, n := range m.armed {
		t := few[:0]
		for _, e := range j.opEvents.at(n) {
			t = append(t, m.tapes.get(int(e)))
		}
		due = min(due, j.ops[n].due(&v, t))
	}
	return due
}

// Results lists the last result of every policy that has judged the subject, sorted by policy id.
func (m *Memory) Results() []Result { return m.AppendResults(nil) }

// AppendResults appends Results to a slice.
func (m *Memory) AppendResults(to []Result) []Result {
	m.state.each(func(i int, st *state) {
		if st.judged {
			to = append(to, st.result(m.set.by[m.kind].policies[i]))
		}
	})
	return to
}
