package rules

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"magpie/fusion"
	"magpie/strict"
)

// Reach is one way to a tier: evidence that reaches it when all of it is at full quality and nothing speaks against it.
type Reach struct {
	Tier     string
	Evidence []string
	Score    float64
	Value    float64 // value at risk from which it does, for a tier that follows from the cost; else 0
}

// maxReach bounds the evidence that is combined: 2^12 combinations are tried.
const maxReach = 12

// Reaches lists the smallest combinations of evidence that reach each tier, lowest tier first; ok is false where the policy
// has a score of its own or too much evidence to combine.
func (p *Policy) Reaches() (all []Reach, ok bool) {
	var for_ []int
	for i := range p.evidence {
		if p.evidence[i].ln > 0 {
			for_ = append(for_, i)
		}
	}
	if p.score != nil || len(for_) > maxReach {
		return nil, false
	}
	scores := make([]float64, 1<<len(for_))
	for set := range scores {
		scores[set] = p.scoreOf(for_, set)
	}
	for _, t := range p.Tiers {
		var least []int
		for size := 0; size <= len(for_); size++ {
			for set := range scores {
				if bits.OnesCount(uint(set)) != size || covers(set, least) {
					continue
				}
				value, reached := p.valueFor(t, scores[set])
				if !reached {
					continue
				}
				least = append(least, set)
				r := Reach{Tier: t.Name, Score: scores[set], Value: value}
				for bit, i := range for_ {
					if set&(1<<bit) != 0 {
						r.Evidence = append(r.Evidence, p.evidence[i].name)
					}
				}
				all = append(all, r)
			}
		}
	}
	return all, true
}

// covers reports whether a set holds one of the smaller ones.
func covers(set int, least []int) bool {
	for _, l := range least {
		if set&l == l {
			return true
		}
	}
	return false
}

// scoreOf is the score of a set of evidence, bits of which name places in for_.
func (p *Policy) scoreOf(for_ []int, set int) float64 {
	sums := make([]int64, len(p.groups))
	for bit, i := range for_ {
		if set&(1<<bit) != 0 {
			sums[p.evidence[i].in] += nats(p.evidence[i].ln, p.evidence[i].quality.hi)
		}
	}
	return p.sum(sums)
}

func (p *Policy) sum(sums []int64) float64 {
	sum := p.base
	for g, c := range p.groups {
		sum += min(max(sums[g], -c.cap), c.cap)
	}
	return sigmoid(sum)
}

// most is the highest score that there can be.
func (p *Policy) most() float64 {
	if p.score != nil {
		return quality(p.score.span.hi)
	}
	sums := make([]int64, len(p.groups))
	for i := range p.evidence {
		e := &p.evidence[i]
		if e.ln > 0 {
			sums[e.in] += nats(e.ln, e.quality.hi)
		} else {
			sums[e.in] += nats(e.ln, e.quality.lo)
		}
	}
	return p.sum(sums)
}

// Blind lists what the policy relies on and no source of the store can perceive: what reads it stays as if nothing happened.
func (p *Policy) Blind(s *fusion.Store) []string {
	var all []string
	for _, r := range p.relies {
		seen := r.closed(s)
		for i := range s.Sources {
			src := &s.Sources[i]
			if src.Kind != modalityKinds[r.modality] {
				continue
			}
			seen = seen || r.place == nil || slices.ContainsFunc(src.Zones, func(z int) bool { return r.place[z] })
		}
		if !seen {
			all = append(all, strings.Replace(r.String(), " coverage", "", 1))
		}
	}
	return all
}

// Lacks lists the policy's needs that no source of the store meets.
func (p *Policy) Lacks(s *fusion.Store) []Need {
	return slices.DeleteFunc(slices.Clone(p.Needs), func(n Need) bool { return provides(s, n) })
}

// devices are what perceive by each modality, as the site file calls them.
var devices = [...]string{fusion.ByTrack: "camera", fusion.ByRFID: "reader", fusion.ByWeight: "scale", fusion.ByTill: "till",
	fusion.ByGate: "gate", fusion.ByRegion: "region device", fusion.ByCount: "counter", fusion.BySignal: "signal"}

// NoneLive says that no policy of the set is live, so that nothing is alerted, and what is lacking; "" where one is.
func (s *Set) NoneLive(store *fusion.Store) string {
	var lacking []string
	by := map[string][]string{} // the policies that would be live but for it
	for _, p := range s.Policies {
		if p.Mode == Live {
			return ""
		}
		if p.Shadowed == "" {
			continue // by its own mode, whatever the site has
		}
		for _, n := range p.Lacks(store) {
			what := n.lack(store)
			if by[what] == nil {
				lacking = append(lacking, what)
			}
			if !slices.Contains(by[what], p.ID) {
				by[what] = append(by[what], p.ID)
			}
		}
	}
	const none = "no policy is live here: nothing will be alerted; "
	if lacking == nil {
		return none + "all are in shadow or off by their files or the site's overrides; write mode: live to one"
	}
	for i, what := range lacking {
		lacking[i] = fmt.Sprintf("%s (for %s)", what, strings.Join(by[what], ", "))
	}
	return none + "the site has " + strings.Join(lacking, ", ") + "; add to it what a policy needs"
}

// lack says what a store has not that does not meet the need.
func (n Need) lack(s *fusion.Store) string {
	kind := slices.Index(fusion.ZoneKinds[:], n.Place)
	switch {
	case kind < 0:
		return "no " + devices[n.Modality]
	case !slices.Contains(s.Kind(fusion.ZoneKind(kind)), true):
		return noZone(n.Place)
	}
	return fmt.Sprintf("no %s for a zone of the kind %s", devices[n.Modality], n.Place)
}

// Warning is how Warnings tell of what is refused.
func Warning(e strict.Error) string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Text)
}

// Refused lists what can run and yet cannot have been meant, such as tiers that nothing reaches: check refuses it.
func (s *Set) Refused() strict.Errors {
	var all strict.Errors
	for _, p := range s.Policies {
		all = append(all, p.refused...)
	}
	return all
}

// valueFor is the value at risk from which a score reaches a tier, 0 where none is needed.
func (p *Policy) valueFor(t Tier, score float64) (float64, bool) {
	if !t.Cost {
		return 0, score >= t.At
	}
	if score < p.Threshold(t, math.MaxFloat64/1e10) || p.recover == 0 {
		return 0, false
	}
	return math.Ceil(100*divide(p.falseAlarm*(1-score), p.recover*score)-1e-4) / 100, true
}
