package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

// Bounds of one policy.
const (
	maxEvidence = 64
	maxID       = 64
)

// reader reads one policy file.
type reader struct {
	*file
	l      *language
	opts   *Options
	over   Override
	params map[string]ast.Node
	p      *Policy
	table  *operands
}

// readPolicy reads a file that parsed as YAML; nil when it has no id.
func readPolicy(f *file, root *yaml.Node, l *language, opts *Options) (*Policy, []*op) {
	o := f.Mapping(root, "the policy", keys(PolicyMembers)...)
	r := &reader{file: f, l: l, opts: opts, params: map[string]ast.Node{}, table: &operands{}}
	p := &Policy{File: f.Name, falseAlarm: opts.FalseAlarm, recover: opts.Recover}
	r.p = p
	p.ID = f.Text(o.Need("policy", "give it a unique id, such as policy: unpaid-exit"), "policy")
	if n := o.Get("policy"); p.ID != "" && !isID(p.ID) {
		f.Fail(n, "policy %s must be at most %d letters, digits, - and _", quote(p.ID), maxID)
	}
	r.over = opts.Overrides[p.ID]
	p.Title = f.Text(o.Need("title", "say in one line what it watches for"), "title")
	r.plain(o.Get("title"), p.Title)
	p.Type = f.Text(o.Get("type"), "type")
	p.Rationale, p.FalseAlarms = f.Text(o.Get("rationale"), "rationale"), f.Text(o.Get("false_alarms"), "false_alarms")
	p.Judge = r.judge(o)
	p.Mode = Mode(f.Word(o.Get("mode"), "mode", names(ModeWords)...))
	if p.Mode == "" {
		p.Mode = Live
	}
	r.needs(o)
	r.readParams(o)
	if n := o.Get("when"); n != nil {
		if p.when = r.compile(n, truth); p.when != nil && p.when.span.hi == 0 {
			r.refuse(n, "when can never be true: the policy is never judged")
		}
	}
	if n := o.Get("require"); n != nil {
		if p.require = r.compile(n, truth); p.require != nil && p.require.span.hi == 0 {
			r.refuse(n, "require can never be true: no alert rises above review")
		}
	}
	r.scoring(o)
	r.alert(o)
	r.override()
	r.unreachable(o)
	return p, r.table.ops
}

// refuse keeps what check refuses, though the policy can run.
func (r *reader) refuse(n *yaml.Node, format string, args ...any) {
	line, col := r.place(n, 0)
	e := strict.Error{File: r.Name, Line: line, Col: col, Text: fmt.Sprintf(format, args...)}
	if lines := r.Lines(); line >= 1 && line <= len(lines) {
		e.Code = lines[line-1]
	}
	r.p.refused = append(r.p.refused, e)
}

// unreachable refuses tiers that no evidence can reach.
func (r *reader) unreachable(o *strict.Object) {
	p := r.p
	if len(r.Errors) > 0 || p.score == nil && len(p.evidence) == 0 {
		return
	}
	most := p.most()
	tiers := r.Mapping(r.Mapping(o.Get("alert"), "alert", keys(alertMembers)...).Get("tiers"), "tiers", keys(tierMembers)...)
	for _, t := range p.Tiers {
		if n := tiers.Get(t.Name); n != nil && most < p.Threshold(t, math.MaxFloat64/1e10) {
			r.refuse(n, "nothing reaches the tier %s: the score is at most %s, with all that speaks for it", t.Name, number9(math.Floor(float64(most*1e4))/1e4))
		}
	}
}

func isID(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) <= maxID
}

// accusing are the words that nothing shown or sent may hold (contract §5).
var accusing = []string{"thief", "theft", "steal", "suspect"}

// plain checks words that people will read.
func (r *reader) plain(n *yaml.Node, words string) {
	for _, w := range accusing {
		if strings.Contains(strings.ToLower(words), w) {
			r.Fail(n, "nothing that is shown or sent may say %s; say what was seen instead", w)
		}
	}
}

func (r *reader) judge(o *strict.Object) fusion.SubjectKind {
	n := o.Get("judge")
	word := r.Word(n, "judge", fusion.SubjectKinds[:]...)
	for k, name := range fusion.SubjectKinds {
		if name != word {
			continue
		}
		if fusion.SubjectKind(k) == fusion.SubjectCashier {
			if r.opts.Cashier == "" || r.opts.Cashier == "off" {
				r.Fail(n, "judge: cashier needs privacy.cashier in the site file, which is off")
			}
		}
		return fusion.SubjectKind(k)
	}
	return fusion.SubjectVisit
}

// needs decides from the site whether the policy can work there.
func (r *reader) needs(o *strict.Object) {
	for _, n := range r.List(o.Get("needs"), "needs") {
		word := r.Text(n, "needs")
		if word == "" {
			continue
		}
		name, place, _ := strings.Cut(word, "@")
		need, known := Need{Place: place}, false
		for m, w := range fusion.Modalities {
			if w == name {
				need.Modality, known = fusion.Modality(m), true
			}
		}
		if !known {
			r.Fail(n, "needs: unknown modality %s; %s", quote(name), strict.Suggest(name, fusion.Modalities[:]))
			continue
		}
		if place != "" && !slices.Contains(fusion.ZoneKinds[:], place) {
			r.Fail(n, "needs: unknown zone kind %s; %s", quote(place), strict.Suggest(place, fusion.ZoneKinds[:]))
			continue
		}
		r.p.Needs = append(r.p.Needs, need)
		if r.p.Shadowed == "" && !provides(r.l.store, need) {
			r.p.Shadowed = "it needs " + need.String() + ", which the site has not"
		}
	}
}

var modalityKinds = [...]fusion.Kind{fusion.ByTrack: fusion.Tracks, fusion.ByRFID: fusion.RFID, fusion.ByWeight: fusion.Weight,
	fusion.ByTill: fusion.TillKind, fusion.ByGate: fusion.Gate, fusion.ByRegion: fusion.Region, fusion.ByCount: fusion.Count,
	fusion.BySignal: fusion.Signal}

// provides reports whether a source of the site has the modality in a zone of the kind.
func provides(s *fusion.Store, n Need) bool {
	place := s.Kind(fusion.ZoneKind(slices.Index(fusion.ZoneKinds[:], n.Place))) // of none where the need names none
	return slices.ContainsFunc(s.Sources, func(src fusion.Source) bool {
		return src.Kind == modalityKinds[n.Modality] && (n.Place == "" || slices.ContainsFunc(src.Zones, func(z int) bool { return place[z] }))
	})
}

// compile compiles one expression and gives its operands the policy's slots.
func (r *reader) compile(n *yaml.Node, want typ) *expression {
	s := &source{language: r.l, f: r.file, node: n, params: r.params, judge: r.p.Judge, policy: r.p, table: r.table, unmet: r.p.Shadowed != ""}
	return s.compile(want)
}

func (r *reader) scoring(o *strict.Object) {
	p, list := r.p, o.Get("evidence")
	prior, score := o.Get("prior"), o.Get("score")
	switch {
	case score != nil && (prior != nil || list != nil):
		r.Fail(score, "score: stands instead of prior: and evidence:; keep one of the two")
	case score != nil:
		if p.score = r.compile(score, number); p.score != nil {
			r.wantShare(score, p.score)
		}
	case prior == nil || list == nil:
		if o.Node != nil {
			r.Fail(o.Node, "the policy needs prior: and evidence:, or score:")
		}
	}
	if prior != nil {
		if v, ok := r.Number(prior, "prior", 0, 1); ok {
			p.Prior = min(max(v, 1e-9), 1-1e-9)
			p.base = logit(p.Prior)
			if v == 0 || v == 1 {
				r.Fail(prior, "prior must lie between 0 and 1: at %g no evidence could change it", v)
			}
		}
	}
	nodes := r.List(list, "evidence")
	if len(nodes) > maxEvidence {
		r.Fail(nodes[maxEvidence], "at most %d pieces of evidence are allowed", maxEvidence)
		nodes = nodes[:maxEvidence]
	}
	names := map[string]bool{}
	for _, n := range nodes {
		r.evidence(n, names)
	}
	r.groups(o.Get("groups"))
}

func (r *reader) evidence(n *yaml.Node, names map[string]bool) {
	o := r.Mapping(n, "evidence", keys(evidenceMembers)...)
	e := evidence{in: -1}
	e.name = r.Text(o.Need("name", "say in a few words what it means"), "name")
	r.plain(o.Get("name"), e.name)
	if names[e.name] && e.name != "" {
		r.Fail(o.Get("name"), "the evidence %s is there twice; give each its own name", quote(e.name))
	}
	names[e.name] = true
	e.group = r.Text(o.Get("group"), "group")
	r.plain(o.Get("group"), e.group)
	e.half = int64(r.Duration(o.Get("half_life"), "half_life", shortest, longest))
	lr, given := 1.0, 0
	for _, key := range []string{"weight", "clears", "lr"} {
		m := o.Get(key)
		if m == nil {
			continue
		}
		if given++; given > 1 {
			r.Fail(m, "weight:, clears: and lr: exclude each other; keep one")
		}
		switch key {
		case "lr":
			if v, ok := r.Number(m, "lr", 1e-6, 1e6); ok {
				lr = v
			}
		default:
			if w := r.Word(m, key, strengthNames...); w != "" {
				lr = strengths[w]
			}
			if key == "clears" {
				lr = 1 / lr
			}
		}
	}
	if given == 0 && o.Node != nil {
		r.Fail(o.Node, "evidence: weight is missing; write weight: or clears: with weak, moderate, strong or very strong, or lr: with a number")
	}
	e.ln = round9(math.Log(lr))
	if m := o.Need("if", "write an expression in single quotes"); m != nil {
		if e.expr = r.compile(m, number); e.expr != nil {
			r.wantShare(m, e.expr)
			e.quality = span{quality(e.expr.span.lo), quality(e.expr.span.hi)}
			if e.quality.hi == 0 && len(e.expr.slots) > 0 {
				line, col := r.place(m, 0)
				r.Warn(line, col, "the evidence %s never adds anything: what it asks for cannot be", quote(e.name))
			}
			if e.half > 0 && slices.ContainsFunc(e.expr.slots, func(n int) bool { return r.table.ops[n].due != nil }) {
				h := o.Get("half_life")
				r.Warn(h.Line, h.Column, "half_life counts from the newest fact behind the evidence %s, which is long past when it comes true by waiting: leave it out", quote(e.name))
			}
		}
	}
	r.p.evidence = append(r.p.evidence, e)
}

// wantShare warns of money or seconds where a number from 0 to 1 is wanted: what is more than 1 counts as 1.
func (r *reader) wantShare(n *yaml.Node, e *expression) {
	if (e.unit == money || e.unit == seconds) && e.span.hi > 1 {
		line, col := r.place(n, 0)
		r.Warn(line, col, "a number from 0 to 1 is wanted and this is %s, of which more than 1 counts as 1: compare it, or divide it within clamp(…, 0, 1)", e.unit)
	}
}

// groups gives each piece of evidence its group, and each group its cap: its strongest member, unless the policy says.
func (r *reader) groups(n *yaml.Node) {
	p := r.p
	index := map[string]int{}
	for i := range p.evidence {
		e := &p.evidence[i]
		g, ok := index[e.group]
		if e.group == "" || !ok {
			g = len(p.groups)
			p.groups = append(p.groups, group{name: e.group})
			if e.group != "" {
				index[e.group] = g
			}
		}
		e.in = g
		p.groups[g].cap = max(p.groups[g].cap, nats(math.Abs(e.ln), 1))
	}
	o := r.Mapping(n, "groups")
	for _, k := range o.Keys {
		g, ok := index[k.Value]
		if !ok {
			var names []string
			for name := range index {
				names = append(names, name)
			}
			r.Fail(k, "groups: no evidence is in the group %s; %s", strict.Clip(k.Value), strict.Suggest(k.Value, sorted(names)))
			continue
		}
		c := r.Mapping(o.Get(k.Value), "the group "+strict.Clip(k.Value), keys(groupMembers)...)
		if v, ok := r.Number(c.Need("cap", "give it as a likelihood ratio, such as {cap: 2000}"), "cap", 1, 1e12); ok {
			p.groups[g].cap = nats(round9(math.Log(v)), 1)
		}
	}
}
