package rules

import (
	"cmp"
	"math"
	"slices"

	"magpie/fusion"
)

// Explained is how a policy came to what it says of a subject, or why it says nothing.
type Explained struct {
	Policy *Policy
	Judged bool   // ever; if not, Score is 0 and what follows is as it stands now
	Result Result // what it says
	When   *Part  // nil: none
	Need   *Part  // its require; nil: none
	Prior  float64
	Parts  []Part // its evidence, or its one score
	Next   *Next  // nil: no tier is higher
}

// Part is one expression and what it came to.
type Part struct {
	Name, Group string
	Text        string  // as the policy wrote it
	Quality     float64 // of evidence and scores 0–1; of when and require 0 or 1
	LogOdds     float64 // nats, after decay, before its group's cap
	Counts      float64 // nats, its share in what its group adds after the cap
	Decays      int64   // half-life, ns; 0: none
	Operands    []Operand
}

// Operand is one call, what it gave and why.
type Operand struct {
	Call    string
	Truth   bool
	Value   float64
	Facts   []fusion.Fact // behind it, newest first, at most 8
	Partial bool          // it is about more facts than could be had
	Lacking string        // what kept it from being true, "" if nothing did
}

// Next is what was missing for the next tier.
type Next struct {
	Tier  string
	At    float64 // score from which it is reached
	Short float64 // nats that are missing; 0: something holds the tier back
	Held  string  // what does: require; or when, which was not true
	By    []Gain  // evidence that could have filled it, what adds most first
}

// Gain is what evidence could have added.
type Gain struct {
	Name string
	More float64 // nats, within the cap of its group
}

// Explain tells of every policy for that kind of subject that has had anything to do with it, sorted by id, as it stands
// after the last call of Judge or Fire with the same view.
func (s *Set) Explain(m *Memory, v fusion.View) []Explained {
	if m.set != s {
		return nil
	}
	j := &s.by[m.kind]
	b := j.bench(v)
	defer j.put(b)
	var all []Explained
	m.state.each(func(i int, st *state) {
		p := j.policies[i]
		x := Explained{Policy: p, Judged: st.judged, Result: st.result(p), Prior: p.Prior}
		if p.when != nil {
			x.When = p.part(j, m, b, st, p.when, &evidence{name: "when"})
		}
		if p.require != nil {
			x.Need = p.part(j, m, b, st, p.require, &evidence{name: "require"})
		}
		if p.score != nil {
			x.Parts = []Part{*p.part(j, m, b, st, p.score, &evidence{name: "score"})}
		} else {
			p.weighed(j, m, b, st, &x)
		}
		p.next(&x)
		all = append(all, x)
	})
	return all
}

func (p *Policy) part(j *judged, m *Memory, b *bench, st *state, e *expression, of *evidence) *Part {
	v := &b.view
	values := m.valuesOf(st, p)
	part := &Part{Name: of.name, Group: of.group, Text: e.text, Decays: of.half, Quality: quality(e.num(values))}
	for _, slot := range e.slots {
		n := p.ops[slot]
		o, t := j.ops[n], m.tapesOf(j, b, n)
		x := Operand{Call: o.key, Truth: o.truth, Value: values[slot], Partial: o.reachesBeyond(v, t)}
		if math.IsNaN(x.Value) {
			x.Value = m.value(j, b, v, n)
		}
		if o.lacking != nil && x.Value == 0 {
			x.Lacking = o.lacking(v, m.tapesOf(j, b, n))
		}
		if x.Value != 0 {
			x.Facts, _ = p.behind(j, &expression{slots: []int{slot}}, v)
		}
		part.Operands = append(part.Operands, x)
	}
	return part
}

// weighed tells the evidence, and what of it counts within the caps of the groups.
func (p *Policy) weighed(j *judged, m *Memory, b *bench, st *state, x *Explained) {
	sums := make([]int64, len(p.groups))
	values := make([]int64, len(p.evidence))
	for i := range p.evidence {
		e := &p.evidence[i]
		part := p.part(j, m, b, st, e.expr, e)
		values[i] = nats(e.ln, part.Quality)
		if e.half > 0 && st.peaks != nil {
			values[i] = decayed((*st.peaks)[i].value, b.view.Now-(*st.peaks)[i].at, e.half)
		}
		part.LogOdds = float64(values[i]) / micro
		sums[e.in] += values[i]
		x.Parts = append(x.Parts, *part)
	}
	for i := range p.evidence {
		g := p.evidence[i].in
		capped := min(max(sums[g], -p.groups[g].cap), p.groups[g].cap)
		x.Parts[i].Counts = x.Parts[i].LogOdds
		if sums[g] != capped {
			x.Parts[i].Counts = round9(float64(x.Parts[i].LogOdds*float64(capped)) / float64(sums[g]))
		}
	}
	if x.Judged {
		return
	}
	sum := p.base
	for g, c := range p.groups {
		sum += min(max(sums[g], -c.cap), c.cap)
	}
	x.Result.Score = sigmoid(sum) // what it would be if it were judged
}

// next finds what was missing for the tier above.
func (p *Policy) next(x *Explained) {
	i := slices.IndexFunc(p.Tiers, func(t Tier) bool { return t.Name == x.Result.Tier }) + 1
	if i == len(p.Tiers) {
		return
	}
	t := p.Tiers[i]
	at := p.Threshold(t, x.Result.ValueAtRisk)
	n := &Next{Tier: t.Name, At: at}
	x.Next = n
	if x.Judged && x.Result.Score >= at {
		n.Held = x.Result.CappedBy
		return
	}
	if !x.Judged && x.When != nil && x.When.Quality == 0 {
		n.Held = "when"
	}
	score := min(max(x.Result.Score, 1e-9), 1-1e-9)
	if n.Short = max(0, float64(logit(min(max(at, 1e-9), 1-1e-9))-logit(score))/micro); n.Short == 0 {
		return
	}
	room := make([]float64, len(p.groups))
	for g, c := range p.groups {
		room[g] = float64(c.cap) / micro
	}
	for k := range x.Parts {
		if p.score == nil {
			room[p.evidence[k].in] -= x.Parts[k].Counts
		}
	}
	for k := range p.evidence {
		e := &p.evidence[k]
		best := e.quality.hi
		if e.ln < 0 {
			best = e.quality.lo
		}
		if more := min(float64(nats(e.ln, best))/micro-x.Parts[k].LogOdds, room[e.in]); more > 0.0005 {
			n.By = append(n.By, Gain{e.name, more})
		}
	}
	slices.SortStableFunc(n.By, func(a, b Gain) int { return cmp.Compare(b.More, a.More) })
}
