package rules

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"magpie/fusion"
	"magpie/strict"
)

// Mode says what becomes of a policy's results.
type Mode string

// The modes: live policies raise alerts, shadow ones are judged and counted only, those that are off are only checked.
const (
	Live   Mode = "live"
	Shadow Mode = "shadow"
	Off    Mode = "off"
)

// Tiers gives the names of tiers, lowest first.
var Tiers = [...]string{"log", "review", "staff", "gate"}

// TierRank is the place of a tier in Tiers; -1 for none.
func TierRank(name string) int { return slices.Index(Tiers[:], name) }

// Actions are what an alert may ask of staff.
var Actions = names(ActionWords)

// Tier is one threshold of a policy.
type Tier struct {
	Name string
	At   float64 // score from which it is reached
	Cost bool    // At follows from the value at risk instead: false_alarm / (false_alarm + recover × value)
}

// Need is one of a policy's needs: a modality, and the zone kind in which it must be there ("" for anywhere).
type Need struct {
	Modality fusion.Modality
	Place    string
}

func (n Need) String() string {
	if n.Place == "" {
		return n.Modality.String()
	}
	return n.Modality.String() + "@" + n.Place
}

// Policy is one checked and compiled file.
type Policy struct {
	ID    string
	Title string

	// For analysts; nothing that is sent holds them, "" where the file does not say.
	Type        string // of loss, as an analyst calls it
	Rationale   string // why these signs
	FalseAlarms string // what honest people do that looks the same, and what spares them

	File  string // its name in the folder
	Judge fusion.SubjectKind
	Mode  Mode
	Hash  string // sha256:… of its file, of common.yaml and of the site's params for it

	Signer string // Set.Signer

	Needs    []Need
	Shadowed string // why needs put it in shadow, "" if they did not

	Prior    float64
	Tiers    []Tier // lowest first
	To       map[string][]string
	Action   string
	Cooldown int64 // ns
	Message  string

	when, require, score *expression
	evidence             []evidence
	base                 int64 // log-odds of the prior, micro-nats
	groups               []group
	falseAlarm, recover  float64
	ops                  []int // operands, as indexes into those of its subject kind
	relies               []reliance
	refused              []strict.Error
	cost                 atomic.Int64 // ns, since it was last taken
	order                int          // its place among those of its subject kind
}

// evidence is one line of a policy's evidence.
type evidence struct {
	name, group string
	ln          float64 // of the likelihood ratio, rounded to 1e-9
	half        int64   // half-life, ns; 0: none
	expr        *expression
	in          int  // index into Policy.groups
	quality     span // what its quality can be
}

// shape is how a policy scores what its operands say. Policies that ask the same of other goods share one.
type shape struct {
	when, require, score *code
	evidence             []weighed
	caps                 []int64 // by group: what it may add at most, micro-nats
	base                 int64   // log-odds of the prior, micro-nats
	least                float64 // no score below it reaches a tier
}

// weighed is one line of evidence of a shape.
type weighed struct {
	code *code
	ln   float64
	half int64
	in   int
}

func (p *Policy) shape() *shape {
	s := &shape{when: p.when.coded(), require: p.require.coded(), score: p.score.coded(), base: p.base, least: 1}
	for i := range p.evidence {
		e := &p.evidence[i]
		s.evidence = append(s.evidence, weighed{e.expr.coded(), e.ln, e.half, e.in})
	}
	for _, g := range p.groups {
		s.caps = append(s.caps, g.cap)
	}
	for _, t := range p.Tiers {
		s.least = min(s.least, p.Threshold(t, math.MaxFloat64/1e10))
	}
	return s
}

// key is the same for shapes that are the same.
func (s *shape) key() string {
	return fmt.Sprintf("%p %p %p %v %v %v %v", s.when, s.require, s.score, s.evidence, s.caps, s.base, s.least)
}

// group is evidence of one kind: what it may add at most.
type group struct {
	name string
	cap  int64 // micro-nats
}

// EvidenceNames lists the names of the policy's evidence in the order of its file.
func (p *Policy) EvidenceNames() []string {
	all := make([]string, len(p.evidence))
	for i := range p.evidence {
		all[i] = p.evidence[i].name
	}
	return all
}

// Threshold is the score from which a tier is reached with so much value at risk; a tier that follows from the cost is
// never below review.
func (p *Policy) Threshold(t Tier, value float64) float64 {
	if !t.Cost {
		return t.At
	}
	at := round9(divide(p.falseAlarm, p.falseAlarm+float64(p.recover*value)))
	for _, o := range p.Tiers {
		if o.Name == "review" {
			at = max(at, o.At)
		}
	}
	return at
}

// tier is the highest tier that a score reaches, "" below the lowest, and whether require caps it.
func (p *Policy) tier(score, value float64, required bool) (name, cappedBy string) {
	for _, t := range p.Tiers {
		if score < p.Threshold(t, value) {
			continue
		}
		if !required && (t.Name == "staff" || t.Name == "gate") {
			name, cappedBy = "review", "require" // whatever tiers it names
			continue
		}
		name = t.Name
	}
	return name, cappedBy
}

// Scored reports whether it gives its score itself, with score: in place of prior and evidence.
func (p *Policy) Scored() bool { return p.score != nil }

// String names the policy and its mode.
func (p *Policy) String() string { return fmt.Sprintf("%s (%s)", p.ID, p.Mode) }

// anyModality is what needs no sensor.
const anyModality = fusion.Modality(255)

// exists reports whether there is such a place in the store.
func (r reliance) exists() bool { return r.place == nil || slices.Contains(r.place, true) }

// closed reports whether it is about fitting rooms into which no camera looks, as none may: who goes in is lost at the edge, and that tells it.
func (r reliance) closed(s *fusion.Store) bool {
	if r.modality != fusion.ByTrack || !slices.Contains(r.place, true) {
		return false
	}
	for z, in := range r.place {
		if in && (s.Zones[z].Kind != fusion.Fitting ||
			slices.ContainsFunc(s.Sources, func(c fusion.Source) bool { return c.Kind == fusion.Tracks && slices.Contains(c.Zones, z) })) {
			return false
		}
	}
	return true
}

func (r reliance) String() string {
	if r.modality == anyModality {
		return ""
	}
	if r.where == "" {
		return r.modality.String() + " coverage"
	}
	return r.modality.String() + " coverage at " + unquote(r.where)
}
