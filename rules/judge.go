package rules

import "magpie/fusion"

// Bounds of what a result tells.
const (
	maxBehind = 8   // facts behind one piece of evidence
	ringFull  = 128 // facts that a subject keeps
)

// Result is what a policy last said of a subject.
type Result struct {
	Policy      *Policy
	Score       float64    // 0–1, rounded to 1e-9, before require
	Tier        string     // "" below the lowest
	CappedBy    string     // "require" when the tier would have been higher, else ""
	Evidence    []Evidence // those that add something, in the order of the file
	Missing     []string   // what could not be perceived, e.g. "till coverage"
	At          int64      // when it was judged, event time in ns
	Best        float64    // highest score so far
	ValueAtRisk float64    // expected value of what is unpaid, in the site's currency
}

// Evidence is what one piece of evidence added.
type Evidence struct {
	Name, Group string
	LogOdds     float64       // nats, after decay, before its group's cap
	Quality     float64       // 0–1
	At          int64         // newest fact behind it; when it was judged, if there is none
	Facts       []fusion.Fact // at most 8, newest first, of every modality that has any
}

// judge makes a new result from the values of the policy's operands.
func (p *Policy) judge(j *judged, st *state, v *fusion.View) {
	r := &Result{Policy: p, At: v.Now}
	if v.Visit.Subject == fusion.SubjectVisit {
		r.ValueAtRisk = v.UnpaidValue()
	}
	if p.score != nil {
		p.rate(j, st, v, r)
	} else {
		p.weigh(j, st, v, r)
	}
	r.Best = r.Score
	if st.result != nil {
		r.Best = max(r.Best, st.result.Best)
	}
	required := p.require == nil || p.require.is(st.values)
	r.Tier, r.CappedBy = p.tier(r.Score, r.ValueAtRisk, required)
	if r.Tier != "" {
		r.Missing = p.missing(j, v)
	}
	st.result = r
}

// rate scores by the policy's one expression.
func (p *Policy) rate(j *judged, st *state, v *fusion.View, r *Result) {
	r.Score = quality(p.score.num(st.values))
	if r.Score == 0 {
		return
	}
	e := Evidence{Name: "score", Quality: r.Score, LogOdds: float64(logit(min(max(r.Score, 1e-9), 1-1e-9))) / micro}
	e.Facts, e.At = p.behind(j, p.score, v)
	r.Evidence = []Evidence{e}
}

// weigh sums the evidence: σ(logit(prior) + Σ groups).
func (p *Policy) weigh(j *judged, st *state, v *fusion.View, r *Result) {
	var few [16]int64
	sums := few[:]
	if len(p.groups) > len(few) {
		sums = make([]int64, len(p.groups))
	}
	for i := range p.evidence {
		e := &p.evidence[i]
		q := quality(e.expr.num(st.values))
		value := nats(e.ln, q)
		var found Evidence
		if value != 0 {
			found = Evidence{Name: e.name, Group: e.group, Quality: q}
			found.Facts, found.At = p.behind(j, e.expr, v)
		}
		if e.half > 0 {
			value, found = st.keep(len(p.evidence), i, e.half, v.Now, peak{value, found.At, found})
		}
		if value == 0 {
			continue
		}
		found.LogOdds = float64(value) / micro
		sums[e.in] += value
		if r.Evidence == nil {
			r.Evidence = make([]Evidence, 0, len(p.evidence)-i)
		}
		r.Evidence = append(r.Evidence, found)
	}
	sum := p.base
	for g, c := range p.groups {
		sum += min(max(sums[g], -c.cap), c.cap)
	}
	r.Score = sigmoid(sum)
}

// keep holds evidence with a half-life at its largest value since: the new value and the kept peak, each halved for every
// half-life since the newest fact behind it, and the larger of the two.
func (st *state) keep(n, i int, half, now int64, fresh peak) (int64, Evidence) {
	if st.peaks == nil {
		st.peaks = make([]peak, n)
	}
	kept := &st.peaks[i]
	is, was := decayed(fresh.value, now-fresh.at, half), decayed(kept.value, now-kept.at, half)
	if abs(is) >= abs(was) {
		*kept, was = fresh, is
	}
	return was, kept.was
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// behind collects the facts behind an expression's operands, newest first, and the time of the newest; v.Now where there
// is none. A chatty source must not hide what others saw: where there are too many, the newest of each modality stay, then
// the newest of each source, then the newest. Facts that have one name, since they come of one reading, are told once.
func (p *Policy) behind(j *judged, e *expression, v *fusion.View) ([]fusion.Fact, int64) {
	var few [maxBehind]told
	kept := few[:0]
	facts := v.Visit.Facts
	for i := len(facts) - 1; i >= 0; i-- {
		f := &facts[i]
		rank, full := rankOf(kept, facts, f, v.World.Store), len(kept) == maxBehind
		switch {
		case rank == again || full && rank <= kept[worst(kept)].rank || !p.stands(j, e, f, v.Now):
		case full:
			k := worst(kept)
			copy(kept[k:], kept[k+1:])
			kept[maxBehind-1] = told{i, rank}
		default:
			kept = append(kept, told{i, rank})
		}
	}
	if len(kept) == 0 {
		return nil, v.Now
	}
	found := make([]fusion.Fact, len(kept))
	for i, t := range kept { // what happened earlier may have become known later
		k := i
		for ; k > 0 && found[k-1].At < facts[t.fact].At; k-- {
			found[k] = found[k-1]
		}
		found[k] = facts[t.fact]
	}
	return found, found[0].At
}

func (p *Policy) stands(j *judged, e *expression, f *fusion.Fact, now int64) bool {
	for _, slot := range e.slots {
		if j.ops[p.ops[slot]].stands(f, now) {
			return true
		}
	}
	return false
}

// told is a fact that evidence may name: its index, and how much it adds to the newer ones.
type told struct{ fact, rank int }

const (
	again    = iota // named already
	further         // another of its source
	another         // the first of its source
	modality        // the first of its modality
)

// rankOf says what a fact adds to newer ones.
func rankOf(kept []told, facts []fusion.Fact, f *fusion.Fact, store *fusion.Store) int {
	rank := modality
	for _, t := range kept {
		g := &facts[t.fact]
		switch {
		case g.Source == f.Source && g.At/1e6 == f.At/1e6:
			return again
		case g.Source == f.Source:
			rank = further
		case rank == modality && kindOf(g, store) == kindOf(f, store):
			rank = another
		}
	}
	return rank
}

// worst is the oldest of those that add least.
func worst(kept []told) int {
	k := len(kept) - 1
	for i := k - 1; i >= 0; i-- {
		if kept[i].rank < kept[k].rank {
			k = i
		}
	}
	return k
}

// kindOf is the modality of a fact, -1 for what was derived from several.
func kindOf(f *fusion.Fact, store *fusion.Store) int {
	if f.Source < 0 {
		return -1
	}
	return int(store.Sources[f.Source].Kind)
}

// missing lists what the policy relies on and could not perceive over the last minute, what kept an absent(…) from being
// true, and whether facts that a window reaches back to are no longer kept.
func (p *Policy) missing(j *judged, v *fusion.View) []string {
	var all []string
	for _, r := range p.relies {
		if v.Coverage(r.modality, r.place) < 0.5 {
			all = append(all, r.String())
		}
	}
	partial := false
	for _, n := range p.ops {
		o := j.ops[n]
		if o.lacking != nil {
			if why := o.lacking(v); why != "" {
				all = append(all, why)
			}
		}
		partial = partial || o.window > 0 && len(v.Visit.Facts) >= ringFull && v.Visit.Facts[0].At > v.Now-o.window
	}
	if partial {
		all = append(all, "partial: older facts are no longer kept")
	}
	return sorted(all)
}
