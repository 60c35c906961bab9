package rules

import "magpie/fusion"

// maxBehind bounds what a result tells.
const maxBehind = 8 // facts behind one piece of evidence

// Result is what a policy last said of a subject.
type Result struct {
	Policy      *Policy
	Hash        string     // of the policy that said it, which may have been changed since
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

// judge makes a new result from the values of a policy's operands. What is behind it is only looked up where a tier is
// reached, so that a score that nobody hears of costs little.
func (m *Memory) judge(j *judged, b *bench, policy int, st *state, values []float64) {
	v, shape := &b.view, j.heads[policy].shape
	st.at = v.Now
	if v.Visit.Subject == fusion.SubjectVisit {
		if b.risked != b.call {
			b.risk, b.risked = v.UnpaidValue(), b.call
		}
		st.risk = b.risk
	}
	if shape.score != nil {
		st.score = quality(shape.score.num(values))
	} else if sum := st.weigh(j, policy, values, v); sum != st.sum || !st.judged || st.stands {
		st.score, st.sum = sigmoid(sum), sum
	}
	if !st.judged {
		st.best, st.judged = st.score, true
	}
	st.stands = false
	st.best = max(st.best, st.score)
	st.reached = nil
	if st.score < shape.least {
		return
	}
	p := j.policies[policy]
	required := shape.require == nil || shape.require.is(values)
	x := reached{hash: p.Hash}
	x.tier, x.cappedBy = p.tier(st.score, st.risk, required)
	if x.tier != "" {
		x.evidence, x.missing = p.found(j, st, values, v, st.score), p.missing(j, m, b, v)
	}
	if x.tier != "" || x.cappedBy != "" {
		st.reached = &x
	}
}

// weigh sums the evidence, in micro-nats: logit(prior) + Σ groups.
func (st *state) weigh(j *judged, policy int, values []float64, v *fusion.View) int64 {
	shape := j.heads[policy].shape
	var few [16]int64
	sums := few[:]
	if len(shape.caps) > len(few) {
		sums = make([]int64, len(shape.caps))
	}
	for i := range shape.evidence {
		e := &shape.evidence[i]
		q := quality(e.code.num(values))
		value := int64(0)
		if q > 0 {
			value = nats(e.ln, q)
		}
		if e.half > 0 {
			value = st.keep(j.policies[policy], j, i, value, q, v)
		}
		sums[e.in] += value
	}
	sum := shape.base
	for g, c := range shape.caps {
		sum += min(max(sums[g], -c), c)
	}
	return sum
}

// found lists the evidence that adds something, as it was just weighed, with the facts behind it.
func (p *Policy) found(j *judged, st *state, values []float64, v *fusion.View, score float64) []Evidence {
	if p.score != nil {
		if score == 0 {
			return nil
		}
		e := Evidence{Name: "score", Quality: score, LogOdds: float64(logit(min(max(score, 1e-9), 1-1e-9))) / micro}
		e.Facts, e.At = p.behind(j, p.score, v)
		return []Evidence{e}
	}
	var all []Evidence
	for i := range p.evidence {
		e := &p.evidence[i]
		var x Evidence
		var value int64
		if e.half > 0 {
			kept := &(*st.peaks)[i]
			x, value = kept.was, decayed(kept.value, v.Now-kept.at, e.half)
		} else if q := quality(e.expr.num(values)); q > 0 {
			x, value = Evidence{Name: e.name, Group: e.group, Quality: q}, nats(e.ln, q)
			if value != 0 {
				x.Facts, x.At = p.behind(j, e.expr, v)
			}
		}
		if value != 0 {
			x.LogOdds = float64(value) / micro
			all = append(all, x)
		}
	}
	return all
}

// keep holds evidence with a half-life at its largest value since: the new value and the kept peak, each halved for every
// half-life since the newest fact behind it, and the larger of the two.
func (st *state) keep(p *Policy, j *judged, i int, value int64, q float64, v *fusion.View) int64 {
	if st.peaks == nil {
		st.peaks = ptr(make([]peak, len(p.evidence)))
	}
	e, kept := &p.evidence[i], &(*st.peaks)[i]
	was := decayed(kept.value, v.Now-kept.at, e.half)
	if value == 0 {
		return was
	}
	fresh := Evidence{Name: e.name, Group: e.group, Quality: q}
	fresh.Facts, fresh.At = p.behind(j, e.expr, v)
	if is := decayed(value, v.Now-fresh.At, e.half); abs(is) >= abs(was) {
		*kept = peak{value, fresh.At, fresh}
		return is
	}
	return was
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
	var f fusion.Fact // one for all: its address is told
	for f = range v.Visit.Facts.Backward() {
		rank, full := rankOf(kept, &f, v.World.Store), len(kept) == maxBehind
		switch {
		case rank == again || full && rank <= kept[worst(kept)].rank || !p.stands(j, e, &f, v.Now):
		case full:
			k := worst(kept)
			copy(kept[k:], kept[k+1:])
			kept[maxBehind-1] = told{f, rank}
		default:
			kept = append(kept, told{f, rank})
		}
	}
	if len(kept) == 0 {
		return nil, v.Now
	}
	found := make([]fusion.Fact, len(kept))
	for i, t := range kept { // what happened earlier may have become known later
		k := i
		for ; k > 0 && found[k-1].At < t.fact.At; k-- {
			found[k] = found[k-1]
		}
		found[k] = t.fact
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

// told is a fact that evidence may name, and how much it adds to the newer ones.
type told struct {
	fact fusion.Fact
	rank int
}

const (
	again    = iota // named already
	further         // another of its source
	another         // the first of its source
	modality        // the first of its modality
)

// rankOf says what a fact adds to newer ones.
func rankOf(kept []told, f *fusion.Fact, store *fusion.Store) int {
	rank := modality
	for i := range kept {
		g := &kept[i].fact
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

// missing lists what the policy relies on and could not perceive over the last minute, but for places that the store has not and
// fitting rooms, what kept an absent(…) from being true, and whether facts that a window reaches back to are no longer kept.
func (p *Policy) missing(j *judged, m *Memory, b *bench, v *fusion.View) []string {
	var all []string
	for _, r := range p.relies {
		if r.exists() && !r.closed(v.World.Store) && v.Coverage(r.modality, r.place) < 0.5 {
			all = append(all, r.String())
		}
	}
	partial := false
	for _, n := range p.ops {
		o, t := j.ops[n], m.tapesOf(j, b, n)
		if o.lacking != nil {
			if why := o.lacking(v, t); why != "" {
				all = append(all, why)
			}
		}
		partial = partial || o.reachesBeyond(v, t)
	}
	if partial {
		all = append(all, partialWords)
	}
	return sorted(all)
}

// partialWords are what a result misses that is about more facts than could be had.
const partialWords = "partial: older facts are no longer kept"

// reachesBeyond reports whether the operand is about more than its tapes hold.
func (o *op) reachesBeyond(v *fusion.View, tapes []*tape) bool {
	back := max(o.span, o.window)
	if back == 0 || back > v.Now-v.Began() {
		back = v.Now - v.Began()
	}
	for _, t := range tapes {
		if t != nil && t.reach > v.Now-back {
			return true
		}
	}
	return false
}
