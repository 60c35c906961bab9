package rules

import (
	"math"
	"slices"
	"strings"
	"sync"

	"magpie/fusion"
)

// Memory is what judging keeps of one subject: what its event functions were told, and of each policy that has anything to do
// with it the operands' values when they were last read, the last result and the peaks of evidence that decays. What has
// nothing to do with the subject costs nothing. The zero value is ready. It belongs to one goroutine.
type Memory struct {
	set   *Set
	kind  fusion.SubjectKind
	state table[state] // by Policy.order
	tapes table[tape]  // by event
	armed []int        // operands with a timer that a fact has touched, ascending
	told  int64        // facts so far
	goods []held       // what the basket held when it was last looked at, by product; for operands of some goods
}

// state is what is kept of one policy.
type state struct {
	values []float64 // by slot
	peaks  []peak    // by evidence; nil before the first judgement
	result Result    // what it refers to is never changed once made
	judged bool

	catching bool // it is new to the subject, and the facts at hand are to be judged
}

// peak is the largest value of a piece of evidence since it began, for those with a half-life.
type peak struct {
	value int64 // micro-nats, undecayed
	at    int64 // newest fact behind it
	was   Evidence
}

// held is how much of a product the basket holds.
type held struct {
	product       int
	units, unpaid float64
}

// Clone copies the memory; judging the copy leaves the original as it is.
func (m *Memory) Clone() *Memory {
	c := &Memory{set: m.set, kind: m.kind, told: m.told, armed: slices.Clip(m.armed), goods: slices.Clip(m.goods)}
	m.state.each(func(i int, s *state) {
		n := *s
		n.values, n.peaks = slices.Clone(s.values), slices.Clone(s.peaks)
		c.state.put(i, &n)
	})
	m.tapes.each(func(i int, t *tape) {
		n := *t
		n.marks = slices.Clip(t.marks)
		c.tapes.put(i, &n)
	})
	return c
}

// bind makes the memory one of this set. What it holds of policies that are still the same (id and hash) is kept, as are
// the tapes of events that the set still has; others begin anew from the subject's facts. It reports whether it did.
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
			k, ok := j.find(old)
			if !ok || len(st.values) != len(j.policies[k].ops) { // the site's lists have other operands
				return
			}
			kept := *st
			kept.result.Policy = j.policies[k]
			n.state.put(k, &kept)
		})
		m.tapes.each(func(i int, t *tape) {
			if k, ok := j.eventIndex[was.events[i].key]; ok {
				n.tapes.put(k, t)
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
				n.tapes.put(i, &tape{first: math.MaxInt64, reach: oldest})
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
	m.tapes.each(func(_ int, t *tape) { t.before(from) })
	m.armed = nil
	var f fusion.Fact
	for f = range v.Visit.Facts.All() {
		m.tell(j, &f)
		for _, n := range j.byKind[f.Kind] {
			m.arm(j, n)
		}
	}
}

// tell gives a fact to the tapes of its events, and calls each for the operands that read them.
func (m *Memory) tell(j *judged, f *fusion.Fact) {
	m.told++
	for _, e := range j.eventsOf(f) {
		if !j.events[e].found(f) {
			continue
		}
		t := m.tapes.get(e)
		if t == nil {
			t = &tape{first: math.MaxInt64, reach: math.MinInt64}
			m.tapes.put(e, t)
		}
		t.add(f, m.told)
		for _, n := range j.eventReaders[e] {
			m.arm(j, n)
		}
	}
}

// arm notes that an operand's timer may be running.
func (m *Memory) arm(j *judged, op int) {
	if j.ops[op].due == nil {
		return
	}
	if i, found := slices.BinarySearch(m.armed, op); !found {
		m.armed = slices.Insert(slices.Clip(m.armed), i, op)
	}
}

// bench is the scratch of one call. Calls have numbers, so that nothing need be cleared.
type bench struct {
	call   int
	values []float64 // by operand of the subject kind
	read   []int     // the call in which the value was read
	due    []int     // the call in which it may have changed
	dirty  []int     // policies that read one that may have
	marked []int     // by policy: the call in which it became dirty
	goods  []held    // of the basket now
	tapes  [8]*tape  // of the operand at hand
	risk   float64   // value at risk
	risked int       // the call in which it was read
	view   fusion.View
}

// bench is scratch for one call; give it back with put.
func (j *judged) bench(v fusion.View) *bench {
	b, _ := j.benches.Get().(*bench)
	if b == nil {
		b = &bench{values: make([]float64, len(j.ops)), read: make([]int, len(j.ops)), due: make([]int, len(j.ops)), marked: make([]int, len(j.policies))}
	}
	b.call++
	b.dirty = b.dirty[:0]
	b.view = v
	return b
}

func (j *judged) put(b *bench) {
	b.view = fusion.View{} // it holds on to no world
	j.benches.Put(b)
}

// touched notes that an operand may have changed.
func (b *bench) touched(j *judged, op int) {
	if b.due[op] == b.call {
		return
	}
	b.due[op] = b.call
	for _, p := range j.readers[op] {
		if b.marked[p] != b.call {
			b.marked[p] = b.call
			b.dirty = append(b.dirty, p)
		}
	}
}

// tapesOf are the tapes of an operand's events, until the next call.
func (m *Memory) tapesOf(j *judged, b *bench, op int) []*tape {
	t := b.tapes[:0]
	for _, e := range j.opEvents[op] {
		t = append(t, m.tapes.get(e))
	}
	return t
}

// value reads an operand once a call.
func (m *Memory) value(j *judged, b *bench, v *fusion.View, op int) float64 {
	if b.read[op] != b.call {
		x := j.ops[op].eval(v, m.tapesOf(j, b, op))
		if math.IsNaN(x) {
			x = 0
		}
		b.values[op], b.read[op] = x, b.call
	}
	return b.values[op]
}

// looked touches the operands of goods of which the basket now holds another number.
func (m *Memory) looked(j *judged, b *bench, v *fusion.View) {
	b.goods = b.goods[:0]
	for i := range v.Visit.Basket {
		it := &v.Visit.Basket[i]
		if it.Product < 0 {
			continue
		}
		k := slices.IndexFunc(b.goods, func(h held) bool { return h.product == it.Product })
		if k < 0 {
			k = len(b.goods)
			b.goods = append(b.goods, held{product: it.Product})
		}
		b.goods[k].units += it.Held()
		b.goods[k].unpaid += it.Unpaid()
	}
	changed := false
	touch := func(product int) {
		changed = true
		for _, n := range j.byProduct[product] {
			b.touched(j, n)
		}
	}
	for _, h := range b.goods {
		if k := slices.IndexFunc(m.goods, func(o held) bool { return o.product == h.product }); k < 0 || m.goods[k] != h {
			touch(h.product)
		}
	}
	for _, h := range m.goods {
		if !slices.ContainsFunc(b.goods, func(o held) bool { return o.product == h.product }) {
			touch(h.product)
		}
	}
	if changed {
		m.goods = slices.Clone(b.goods)
	}
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
		if !fresh {
			m.tell(j, f)
		}
		for _, e := range j.eventsOf(f) {
			if j.events[e].found(f) {
				for _, n := range j.eventReaders[e] {
					b.touched(j, n)
				}
			}
		}
		for _, n := range j.byKind[f.Kind] {
			b.touched(j, n)
			m.arm(j, n)
		}
		look = look || basket.has(f.Kind)
	}
	if look && j.byProduct != nil {
		m.looked(j, b, &b.view)
	}
	any := len(b.dirty) > 0 && s.rejudge(m, b)
	if was != nil && was != s {
		m.state.each(func(_ int, st *state) { st.catching = false })
	}
	return any
}

// find finds the same policy, by id and hash.
func (j *judged) find(p *Policy) (int, bool) {
	i, ok := slices.BinarySearchFunc(j.policies, p.ID, func(p *Policy, id string) int { return strings.Compare(p.ID, id) })
	return i, ok && j.policies[i].Hash == p.Hash
}

// catchUp reads the operands of policies that are new to the subject as they are now, so that what changes them next judges,
// and what does not change them judges nothing. Those that the facts at hand touch may have been changed by them.
func (m *Memory) catchUp(was *Set, j *judged, v *fusion.View, facts []fusion.Fact) {
	b := j.bench(*v)
	defer j.put(b)
	var f fusion.Fact
	for f = range v.Visit.Facts.All() {
		for _, e := range j.eventsOf(&f) {
			if j.events[e].found(&f) {
				for _, n := range j.eventReaders[e] {
					b.touched(j, n)
				}
			}
		}
		for _, n := range j.byKind[f.Kind] {
			b.touched(j, n)
		}
	}
	if j.byProduct != nil {
		kept := m.goods
		if m.looked(j, b, v); len(facts) > 0 {
			m.goods = kept
		}
	}
	for _, i := range b.dirty {
		p := j.policies[i]
		if _, same := was.by[m.kind].find(p); same || m.state.get(i) != nil {
			continue
		}
		st := &state{values: make([]float64, len(p.ops))}
		for slot, n := range p.ops {
			if b.due[n] == b.call {
				st.values[slot] = m.value(j, b, v, n)
			}
			if j.ops[n].drifts {
				st.values[slot] = math.NaN() // what it was when a fact last touched it is not known
			}
		}
		st.catching = len(facts) > 0
		m.state.put(i, st)
	}
}

// revised reports whether facts say something else of what was told before: a merger, or another share in a pick.
func (m *Memory) revised(j *judged, v *fusion.View, facts []fusion.Fact) bool {
	for i := range facts {
		f := &facts[i]
		switch {
		case f.Kind == fusion.FactMerged, f.TS < v.Now && f.Kind == fusion.FactPicked:
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

// Fire judges by the timers that are due at v.Now, which is what Due said: absent(…), dwell(…) >= …, silent(…) and
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
		any = s.consider(m, b, j, i) || any
		if clock != nil {
			j.policies[i].cost.Add(measureEvery * (clock() - began))
		}
	}
	return any
}

// consider judges a policy if one of its due operands has changed and its when is true, and reports whether it did.
func (s *Set) consider(m *Memory, b *bench, j *judged, i int) bool {
	v := &b.view
	p, st, changed := j.policies[i], m.state.get(i), false
	for slot, n := range p.ops {
		if b.due[n] != b.call {
			continue
		}
		was := 0.0
		if st != nil {
			was = st.values[slot]
			changed = changed || st.catching
		}
		x := m.value(j, b, v, n)
		changed = changed || x != was || j.ops[n].window > 0
		if st != nil {
			st.values[slot] = x
		}
	}
	if !changed {
		return false
	}
	if st == nil {
		st = &state{values: make([]float64, len(p.ops))}
		m.state.put(i, st)
	}
	st.catching = false
	for slot, n := range p.ops {
		st.values[slot] = m.value(j, b, v, n)
	}
	if p.when != nil && !p.when.is(st.values) {
		return false
	}
	p.judge(j, m, b, st, v)
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
		for _, e := range j.opEvents[n] {
			t = append(t, m.tapes.get(e))
		}
		due = min(due, j.ops[n].due(&v, t))
	}
	return due
}

// Results lists the last result of every policy that has judged the subject, sorted by policy id.
func (m *Memory) Results() []Result { return m.AppendResults(nil) }

// AppendResults appends Results to a slice.
func (m *Memory) AppendResults(to []Result) []Result {
	m.state.each(func(_ int, st *state) {
		if st.judged {
			to = append(to, st.result)
		}
	})
	return to
}

// benches keeps scratch for whoever judges next.
type benches struct{ sync.Pool }
