package alerts

import (
	"math"
	"sort"

	"magpie/fusion"
	"magpie/rules"
)

// Desk is what judging needs and folding never changes: the store, and which policy set judges from when.
type Desk struct {
	Store    *fusion.Store
	SiteHash string
	Budget   Budget

	// Watch, if it is there, is told of a subject whenever facts or timers may have changed what is said of it, in provisional
	// and repeated foldings too.
	Watch func(set *rules.Set, m *rules.Memory, view fusion.View)

	sets []installed
}

type installed struct {
	from   int64
	set    *rules.Set
	judges [len(fusion.SubjectKinds)]bool // what kinds of subject its policies judge
}

// keepSets is how long a set is kept that another has taken the place of: longer than a late fact can reach back, and a
// subject is kept after its end.
const keepSets = int64(600e9)

// Install makes a set judge every fact with ts from on (ns). Earlier facts keep the set that they had, late ones too.
func (d *Desk) Install(from int64, set *rules.Set) {
	if n := len(d.sets); n > 0 && d.sets[n-1].set.Hash == set.Hash {
		return // a reminder, for who begins to read here
	}
	in := installed{from: from, set: set}
	in.judges[fusion.SubjectVisit] = true // even one that nothing judges has a score line
	for _, p := range set.Policies {
		if p.Mode != rules.Off {
			in.judges[p.Judge] = true
		}
	}
	for len(d.sets) > 1 && d.sets[1].from < from-keepSets {
		d.sets = d.sets[1:]
	}
	d.sets = append(d.sets, in)
}

// in is what judges a fact with this ts; nil before the first.
func (d *Desk) in(ts int64) *installed {
	for i := len(d.sets) - 1; i >= 0; i-- {
		if ts >= d.sets[i].from || i == 0 {
			return &d.sets[i]
		}
	}
	return nil
}

// at is the set that judges a fact with this ts; nil before the first.
func (d *Desk) at(ts int64) *rules.Set {
	if in := d.in(ts); in != nil {
		return in.set
	}
	return nil
}

// next is the first moment after one at which another set begins to judge, math.MaxInt64 if none does.
func (d *Desk) next(after int64) int64 {
	for i := range d.sets {
		if d.sets[i].from > after {
			return d.sets[i].from
		}
	}
	return math.MaxInt64
}

// Set is the set that judges facts of that time; nil before the first.
func (d *Desk) Set(ts int64) *rules.Set { return d.at(ts) }

// SetAt is the hash of the set that judges facts of that time; "" before the first.
func (d *Desk) SetAt(ts int64) string {
	if s := d.at(ts); s != nil {
		return s.Hash
	}
	return ""
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
				if t := rules.TierRank(tier); t <= rules.TierRank(a.Tier) {
					for _, n := range names {
						floor[n] = floor[n] || t >= rules.TierRank("staff")
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

// sortedKeys gives the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	k := make([]string, 0, len(m))
	for x := range m {
		k = append(k, x)
	}
	sort.Strings(k)
	return k
}
