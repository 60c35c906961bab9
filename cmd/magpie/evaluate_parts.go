package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/policies"
	"magpie/rules"
	"magpie/sensors/message"
	"magpie/sim"
	"magpie/site"
)

// part is Magpie, or less than all of it.
type part struct {
	silent  []string // kinds of message that it does not hear
	without string   // one of withouts
	final   bool     // final lines only, which takes a quarter of the time
}

// What Magpie can be judged without, to see what each is worth.
const (
	withoutCoverage    = "coverage"         // what a policy requires to have been seen
	withoutExoneration = "exoneration"      // evidence that clears
	withoutGroups      = "groups"           // who of a group paid
	withoutDecay       = "decay"            // half-lives
	withoutClocks      = "clock correction" // every source's clock is taken as right
	withoutSharing     = "soft ownership"   // what somebody did is wholly the likeliest one's
)

var withouts = [...]string{withoutCoverage, withoutExoneration, withoutGroups, withoutDecay, withoutClocks, withoutSharing}

// modality is a kind of sensor as a store buys it, and the kinds of message that it sends.
type modality struct {
	name  string
	kinds []string
}

var modalities = [...]modality{
	{"cameras", []string{message.KindTrack}},
	{"plates", []string{message.KindWeight}},
	{"tags", []string{message.KindRFID, message.KindGate}},
}

// sensorOff is one kind of sensor that says nothing, and the judges of single sensors that are left.
type sensorOff struct {
	modality
	what string
	rest []string
}

func (o *sensorOff) judge() string { return "Magpie, " + o.name + " off" }

// sensorsOff are those that are played. Of baselines those are left that hear nothing of what is off: each needs cameras to say
// who it was, and the gate needs tills to know what was sold.
func sensorsOff() []sensorOff {
	cameras, plates, tags := modalities[0], modalities[1], modalities[2]
	return []sensorOff{
		{cameras, "plates, tags, tills and counters", []string{alone(plates), alone(tags)}},
		{plates, "cameras, tags, tills and counters", []string{nameGate, nameCamera, nameTills, alone(cameras), alone(tags)}},
		{tags, "cameras, plates, tills and counters", []string{nameCamera, namePlates, nameTills, alone(cameras), alone(plates)}},
		{modality{"tills", []string{message.KindTill}}, "all other sensors", []string{nameCamera, namePlates}},
		{modality{"gate alarms", []string{message.KindGate}}, "all other sensors", singles},
	}
}

// alone names the judge that is Magpie with one kind of sensor, tills and counters.
func alone(m modality) string { return "Magpie, " + m.name + " alone" }

// partsOfMagpie are judges that are Magpie with less: each sensor alone, each sensor off, and without what is in withouts.
func partsOfMagpie() (all []*judge) {
	for i := range modalities {
		var silent []string
		for k, m := range modalities {
			if k != i {
				silent = append(silent, m.kinds...)
			}
		}
		all = append(all, &judge{name: alone(modalities[i]), what: "no other sensors beside tills and counters",
			part: &part{silent: silent, final: true}})
	}
	for _, off := range sensorsOff() {
		all = append(all, &judge{name: off.judge(), what: off.what, part: &part{silent: off.kinds, final: true}})
	}
	for _, w := range withouts {
		all = append(all, &judge{name: "Magpie without " + w, what: "all sensors", part: &part{without: w, final: true}})
	}
	return all
}

// judge replays a recording, as magpie replay does, and gathers the scores of all visits and the alerts that reached the tier
// staff; seen gathers the evidence, and rejected what was wrong with messages, each if not nil.
func (p *part) judge(s *site.Site, policies string, lines []journal.Line, seen *evidenceLog, rejected *replayStats) (j sim.Judged, err error) {
	set, err := p.load(policies, s)
	if err != nil {
		return j, err
	}
	raised, capped := map[string]int{}, map[string]string{}
	hooks := pipelineHooks{}
	if rejected != nil {
		rejected.lines, hooks.rejected = len(lines), rejected.reject
	}
	pipe, err := newPipeline(s, set, func(a *alerts.Alert) {
		capped[a.SubjectID] = cmp.Or(a.CappedBy, capped[a.SubjectID])
		k, known := raised[a.ID]
		if rules.TierRank(a.Tier) >= rules.TierRank("staff") && a.State != alerts.Retracted && !known {
			k, known = len(j.Raised), true
			raised[a.ID] = k
			j.Raised = append(j.Raised, sim.Raised{At: a.RaisedAt, By: a.Policies[0].Policy})
		}
		if !known {
			return
		}
		r := &j.Raised[k]
		r.Stands = a.State != alerts.Retracted
		r.Tracks = a.Tracks
		r.SKUs = r.SKUs[:0]
		for _, item := range a.Items {
			for range max(1, item.Count) {
				r.SKUs = append(r.SKUs, item.SKU)
			}
		}
	}, hooks)
	if err != nil {
		return j, err
	}
	pipe.final = p.final
	pipe.core.NoClock = p.without == withoutClocks
	if p.without == withoutSharing {
		pipe.core.OneOwner()
	}
	told, modes := spoken(pipe.desk, set)
	j.Policies = modes
	if seen != nil {
		say := pipe.desk.Watch
		pipe.desk.Watch = func(set *rules.Set, m *rules.Memory, v fusion.View) {
			say(set, m, v)
			seen.watch(set, m, v)
		}
	}
	last := int64(0)
	for i := range lines {
		l := &lines[i]
		if p.silences(s.Store, l.Topic) {
			continue
		}
		last = max(last, l.Received)
		pipe.line(l)
	}
	pipe.finish(last)
	for _, v := range pipe.log.Scores() {
		j.Scores = append(j.Scores, sim.Scored{Tracks: v.Tracks, From: v.From, To: v.To, P: v.Score, At: v.At, Told: told[v.Visit], Capped: capped[v.Visit]})
	}
	return j, nil
}

// silences reports whether a part does not hear a topic: what silent sensors send, and their signs of life.
func (p *part) silences(s *fusion.Store, topic string) bool {
	_, kind, source, _ := message.SplitTopic(topic)
	if kind == message.KindStatus {
		i := slices.IndexFunc(s.Sources, func(x fusion.Source) bool { return x.ID == source })
		return i >= 0 && slices.Contains(p.silent, s.Sources[i].Kind.String())
	}
	return slices.Contains(p.silent, kind)
}

// spoken gathers, while lines are replayed, which policies give a visit the tier review or a higher one, live and in shadow
// alike, by visit; modes are those of the policies that may.
func spoken(desk *alerts.Desk, set *rules.Set) (told map[string][]string, modes map[string]string) {
	told, modes = map[string][]string{}, map[string]string{}
	for _, p := range set.Policies {
		if p.Judge == fusion.SubjectVisit && p.Mode != rules.Off {
			modes[p.ID] = string(p.Mode)
		}
	}
	var results []rules.Result
	desk.Watch = func(_ *rules.Set, m *rules.Memory, v fusion.View) {
		if v.Visit.Subject != fusion.SubjectVisit {
			return
		}
		results = m.AppendResults(results[:0])
		for i := range results {
			r := &results[i]
			if r.Tier != "" && r.Tier != rules.Tiers[0] && !slices.Contains(told[v.Visit.ID], r.Policy.ID) {
				told[v.Visit.ID] = append(told[v.Visit.ID], r.Policy.ID)
			}
		}
	}
	return told, modes
}

// load gives the policies, less what the part is without.
func (p *part) load(dir string, s *site.Site) (*rules.Set, error) {
	switch p.without {
	case withoutCoverage, withoutExoneration, withoutGroups, withoutDecay:
	default:
		return loadPolicies(dir, s)
	}
	var files fs.FS = policies.Files
	if dir != "" {
		files = os.DirFS(dir)
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	var less []rules.File
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !rules.IsSetFile(name) {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(doc.Content) == 1 {
			takeOut(doc.Content[0], p.without)
		}
		if text, err = yaml.Marshal(&doc); err != nil {
			return nil, err
		}
		less = append(less, rules.File{Name: name, Data: text})
	}
	return rules.Build(less, ruleOptions(s))
}

// takeOut removes from a policy what it is to be without.
func takeOut(policy *yaml.Node, what string) {
	if policy.Kind != yaml.MappingNode {
		return
	}
	if what == withoutCoverage {
		removeMember(policy, "require")
	}
	evidence := member(policy, "evidence")
	if evidence == nil || evidence.Kind != yaml.SequenceNode {
		return
	}
	evidence.Content = slices.DeleteFunc(evidence.Content, func(e *yaml.Node) bool {
		switch what {
		case withoutExoneration:
			return member(e, "clears") != nil
		case withoutGroups:
			condition := member(e, "if")
			return condition != nil && strings.Contains(condition.Value, "group_paid")
		case withoutDecay:
			removeMember(e, "half_life")
		}
		return false
	})
}

func member(m *yaml.Node, key string) *yaml.Node {
	for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func removeMember(m *yaml.Node, key string) {
	for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}
