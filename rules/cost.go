package rules

import (
	"slices"
	"strings"
)

// measureEvery is how many calls go by for each that is measured.
const measureEvery = 16

// Measure lets the set measure what its policies cost, by a clock in ns. It is told and never acted on: no result depends on it.
func (s *Set) Measure(clock func() int64) { s.clock.Store(&clock) }

// TakeCost is about how many ns judging by the policy has taken since it was last asked.
func (p *Policy) TakeCost() int64 { return p.cost.Swap(0) }

// Policy finds a policy by its id; nil if there is none.
func (s *Set) Policy(id string) *Policy {
	i, ok := slices.BinarySearchFunc(s.Policies, id, func(p *Policy, id string) int { return strings.Compare(p.ID, id) })
	if !ok {
		return nil
	}
	return s.Policies[i]
}

// timer gives the clock for a call that is to be measured, else nil.
func (s *Set) timer() func() int64 {
	clock := s.clock.Load()
	if clock == nil || s.calls.Add(1)%measureEvery != 0 {
		return nil
	}
	return *clock
}
