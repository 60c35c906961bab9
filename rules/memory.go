package rules

import (
	"math"

	"magpie/fusion"
)

// Memory is what judging keeps of one subject: per policy the operands' values when they were last read, the last result
// and the peaks of evidence that decays. The zero value is ready. It belongs to one goroutine.
type Memory struct {
	set   *Set
	kind  fusion.SubjectKind
	state []state // by Policy.order

	// What follows is scratch of one call, which has a number, so that nothing need be cleared.
	call   int
	values []float64 // by operand of the subject kind
	read   []int     // the call in which the value was read
	due    []int     // the call in which it may have changed
	dirty  []int     // policies that read one that may have
	marked []int     // by policy: the call in which it became dirty
}

// state is what is kept of one policy.
type state struct {
	values []float64 // by slot
	peaks  []peak    // by evidence; nil before the first judgement
	result *Result   // never changed once made; nil: never judged
}

// peak is the largest value of a piece of evidence since it began, for those with a half-life.
type peak struct {
	value int64 // micro-nats, undecayed
	at    int64 // newest fact behind it
	was   Evidence
}

// Clone copies the memory; judging the copy leaves the original as it is.
func (m *Memory) Clone() *Memory {
	c := &Memory{set: m.set, kind: m.kind, state: append([]state(nil), m.state...)}
	n := 0
	for i := range c.state {
		n += len(c.state[i].values)
	}
	all := make([]float64, 0, n)
	for i := range c.state {
		s := &c.state[i]
		from := len(all)
		all = append(all, s.values...)
		s.values = all[from:len(all):len(all)]
		s.peaks = append([]peak(nil), s.peaks...)
	}
	return c
}

// bind makes the memory one of this set. What it holds of policies that are still the same (id and hash) is kept; others
// begin anew and are judged from the subject's facts.
func (m *Memory) bind(s *Set, kind fusion.SubjectKind) {
	if m.set == s {
		return
	}
	old := map[string]*state{}
	if m.set != nil {
		for _, p := range m.set.by[m.kind].policies {
			old[p.ID+p.Hash] = &m.state[p.order]
		}
	}
	j := &s.by[kind]
	fresh := make([]state, len(j.policies))
	for i, p := range j.policies {
		if o := old[p.ID+p.Hash]; o != nil && len(o.values) == len(p.ops) {
			fresh[i] = *o
			if o.result != nil {
				r := *o.result
				r.Policy = p
				fresh[i].result = &r
			}
			continue
		}
		fresh[i].values = make([]float64, len(p.ops))
	}
	*m = Memory{set: s, kind: kind, state: fresh}
}

// begin readies the scratch for one call.
func (m *Memory) begin(j *judged) {
	if m.values == nil {
		m.values, m.read, m.due = make([]float64, len(j.ops)), make([]int, len(j.ops)), make([]int, len(j.ops))
		m.marked = make([]int, len(j.policies))
	}
	m.call++
	m.dirty = m.dirty[:0]
}

// touched notes that an operand may have changed.
func (m *Memory) touched(j *judged, op int) {
	if m.due[op] == m.call {
		return
	}
	m.due[op] = m.call
	for _, p := range j.readers[op] {
		if m.marked[p] != m.call {
			m.marked[p] = m.call
			m.dirty = append(m.dirty, p)
		}
	}
}

// value reads an operand once a call.
func (m *Memory) value(j *judged, v *fusion.View, op int) float64 {
	if m.read[op] != m.call {
		x := j.ops[op].eval(v)
		if math.IsNaN(x) {
			x = 0
		}
		m.values[op], m.read[op] = x, m.call
	}
	return m.values[op]
}

// Judge takes the facts that were just added to a subject. Every policy for that kind of subject one of whose operands a
// fact has changed is judged anew if its when is true. It reports whether any was, which is when a result can differ.
func (s *Set) Judge(m *Memory, v fusion.View, facts []fusion.Fact) bool {
	m.bind(s, v.Visit.Subject)
	j := &s.by[m.kind]
	begun := false
	for i := range facts {
		f := &facts[i]
		if len(j.byKind[f.Kind]) == 0 {
			continue
		}
		if !begun {
			m.begin(j)
			begun = true
		}
		for _, n := range j.byKind[f.Kind] {
			if j.ops[n].touches(f) {
				m.touched(j, n)
			}
		}
	}
	return begun && len(m.dirty) > 0 && s.rejudge(m, v)
}

// Fire judges by the timers that are due at v.Now, which is what Due said: absent(…), dwell(…) >= …, silent(…) and
// missing_after(…) may change by time alone. It reports whether any policy was judged anew.
func (s *Set) Fire(m *Memory, v fusion.View) bool {
	m.bind(s, v.Visit.Subject)
	j := &s.by[m.kind]
	if len(j.timers) == 0 {
		return false
	}
	m.begin(j)
	for _, n := range j.timers {
		m.touched(j, n)
	}
	return s.rejudge(m, v)
}

// rejudge judges the policies one of whose due operands has changed.
func (s *Set) rejudge(m *Memory, view fusion.View) bool {
	v := &view
	j := &s.by[m.kind]
	any := false
	for _, i := range m.dirty {
		p, st, changed := j.policies[i], &m.state[i], false
		for slot, n := range p.ops {
			if m.due[n] != m.call {
				continue
			}
			x := m.value(j, v, n)
			changed = changed || x != st.values[slot] || j.ops[n].window > 0
			st.values[slot] = x
		}
		if !changed {
			continue
		}
		for slot, n := range p.ops {
			st.values[slot] = m.value(j, v, n)
		}
		if p.when != nil && !p.when.is(st.values) {
			continue
		}
		p.judge(j, st, v)
		any = true
	}
	return any
}

// Due is the next time after v.Now at which a timer of this subject falls due, math.MaxInt64 if there is none.
func (s *Set) Due(m *Memory, v fusion.View) int64 {
	due := int64(math.MaxInt64)
	j := &s.by[v.Visit.Subject]
	for _, n := range j.timers {
		due = min(due, j.ops[n].due(&v))
	}
	return due
}

// Results lists the last result of every policy that has judged the subject, sorted by policy id.
func (m *Memory) Results() []Result {
	var all []Result
	for i := range m.state {
		if r := m.state[i].result; r != nil {
			all = append(all, *r)
		}
	}
	return all
}
