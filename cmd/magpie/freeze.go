package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"magpie/journal/state"
	"magpie/rules"
)

// policySets names the policy sets and policies that a state refers to: by the hash of the set, and a policy by its place in
// it.
type policySets struct {
	sets     []*rules.Set // met so far
	byHash   map[string]*rules.Set
	policies map[*rules.Policy]string
}

func newPolicySets() *policySets {
	return &policySets{byHash: map[string]*rules.Set{}, policies: map[*rules.Policy]string{}}
}

func (n *policySets) add(s *rules.Set) {
	if n.byHash[s.Hash] == nil {
		n.byHash[s.Hash] = s
		n.sets = append(n.sets, s)
	}
	for i, p := range s.Policies { // those of another set with the same hash say the same
		n.policies[p] = s.Hash + " " + strconv.Itoa(i)
	}
}

func (n *policySets) names() map[reflect.Type]state.Name {
	return map[reflect.Type]state.Name{
		reflect.TypeFor[*rules.Set](): {
			Of: func(x any) (string, error) {
				s := x.(*rules.Set)
				n.add(s)
				return s.Hash, nil
			},
			Find: func(hash string) (any, error) {
				if s := n.byHash[hash]; s != nil {
					return s, nil
				}
				return nil, fmt.Errorf("the policy set %s is not with it", hash)
			},
		},
		reflect.TypeFor[*rules.Policy](): {
			Of: func(x any) (string, error) {
				p := x.(*rules.Policy)
				if name := n.policies[p]; name != "" {
					return name, nil
				}
				return "", fmt.Errorf("the policy %s is of a set that nothing in the state judges by", p.ID)
			},
			Find: func(name string) (any, error) {
				hash, place, _ := strings.Cut(name, " ")
				i, err := strconv.Atoi(place)
				if s := n.byHash[hash]; err == nil && s != nil && i >= 0 && i < len(s.Policies) {
					return s.Policies[i], nil
				}
				return nil, fmt.Errorf("the policy %q is not with it", name)
			},
		},
	}
}

// codec writes and reads what the pipeline knows. What it is about, the store, is the reader's own.
func (p *pipeline) codec(n *policySets) *state.Codec {
	return &state.Codec{Outside: []any{p.site.Store, p.desk}, Named: n.names()}
}

// roots are all that a pipeline knows: which sets judge from when (first, so that those who refer to them find them), what
// was folded and waits to be, and what was said. The decoder depends on nothing but its input.
func (p *pipeline) roots() []any { return []any{p.desk, p.core, p.log} }

// freeze is all that the pipeline needs to go on, between two lines, and the policy sets that it refers to.
func (p *pipeline) freeze() ([]byte, []*rules.Set, error) {
	n := newPolicySets()
	c := p.codec(n)
	c.Guess = p.frozen + p.frozen/8
	b, err := c.Append(nil, p.roots()...)
	p.frozen = len(b)
	return b, n.sets, err
}

// thaw makes a new pipeline, of the same site, go on from what another one froze. After an error it cannot be used.
func (p *pipeline) thaw(b []byte, sets []*rules.Set) error {
	n := newPolicySets()
	for _, s := range sets {
		n.add(s)
	}
	forget := p.log.ForgetScores // is this run's to say
	err := p.codec(n).Read(b, p.roots()...)
	p.log.ForgetScores = forget
	return err
}
