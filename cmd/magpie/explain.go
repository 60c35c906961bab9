package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/rules"
	"magpie/site"
)

// runExplain is `magpie explain`: why an alert stood, or why nothing was said of a visit, by what its policies saw.
func runExplain(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "explain", "magpie explain --site site.yaml [--policies DIR] [--policy ID] RECORDING.jsonl[.gz|.zst] WHAT\n"+
		"WHAT is an alert (alr_…), a visit (v_…), a track (cam-1/17), or a till, cashier, zone or store")
	sitePath := fs.String("site", "site.yaml", "the site file")
	dir := fs.String("policies", "", "judge by the policies of this directory (default: the site's, else the built-in ones)")
	policy := fs.String("policy", "", "tell of this policy only")
	if err := parse(fs, args); err != nil {
		return err
	}
	if fs.NArg() != 2 {
		fs.Usage()
		return errors.New("name a recording, and an alert, visit or track in it")
	}
	s, err := site.Load(*sitePath)
	if err != nil {
		return err
	}
	if *dir == "" {
		*dir = s.Policies.Dir
	}
	set, err := loadPolicies(*dir, s)
	if err != nil {
		return err
	}
	if *policy != "" && !slices.ContainsFunc(set.Policies, func(p *rules.Policy) bool { return p.ID == *policy }) {
		return fmt.Errorf("--policy: the set has no policy %s", *policy)
	}
	x := &explainer{ctx: ctx, site: s, set: set, path: fs.Arg(0), what: fs.Arg(1), only: *policy}
	if strings.HasPrefix(x.what, "alr_") { // whose alert it is, is known when it is said
		if err := x.find(); err != nil {
			return err
		}
	}
	if err := x.replay(); err != nil {
		return err
	}
	if len(x.best) == 0 {
		return fmt.Errorf("nothing in %s is %s, or no policy has to do with it; it has %s", x.path, x.what, x.seen())
	}
	x.print(out)
	return nil
}

// explainer replays a recording and keeps, of what is asked about, how each policy came to its highest score.
type explainer struct {
	ctx        context.Context
	site       *site.Site
	set        *rules.Set
	path, what string
	only       string
	subject    string // whose alert it is; "" if none was asked for

	best   map[string]account
	visits []string
	alert  *alerts.Alert // the newest line of it
	who    *fusion.Visit
	told   map[string]bool // calls of the policy that is told, with what filled them: once is enough
}

// account is how a policy came to what it says, and when.
type account struct {
	rules.Explained
	at int64
}

// pass plays the recording.
func (x *explainer) pass(emit func(*alerts.Alert), watch func(*rules.Set, *rules.Memory, fusion.View)) error {
	r, err := openSegments(x.path)
	if err != nil {
		return err
	}
	defer r.Close()
	p, err := newPipeline(x.site, x.set, emit, pipelineHooks{})
	if err != nil {
		return err
	}
	p.final, p.desk.Watch = true, watch
	last := int64(0)
	for first := true; ; first = false {
		l, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if x.ctx.Err() != nil {
			return x.ctx.Err()
		}
		last = max(last, l.Received)
		if first && begins(&l) {
			return fmt.Errorf("%s goes on from a state before it; explain wants a recording from its beginning", x.path)
		}
		p.line(&l)
	}
	p.finish(last)
	return nil
}

// find finds whose alert it is.
func (x *explainer) find() error {
	if err := x.pass(func(a *alerts.Alert) {
		if a.ID == x.what {
			x.alert, x.subject = a, a.SubjectID
		}
	}, nil); err != nil {
		return err
	}
	if x.alert == nil {
		return fmt.Errorf("no alert %s arises in %s by these policies; magpie replay lists those that do", x.what, x.path)
	}
	return nil
}

func (x *explainer) is(v *fusion.Visit) bool {
	if x.subject != "" {
		return v.ID == x.subject
	}
	return v.ID == x.what || slices.Contains(v.Tracks, x.what)
}

func (x *explainer) replay() error {
	x.best = map[string]account{}
	return x.pass(func(*alerts.Alert) {}, func(set *rules.Set, m *rules.Memory, view fusion.View) {
		v := view.Visit
		if v.Subject == fusion.SubjectVisit && !slices.Contains(x.visits, v.ID) {
			x.visits = append(x.visits, v.ID)
		}
		if !x.is(v) {
			return
		}
		x.who = v
		for _, e := range set.Explain(m, view) {
			if x.only != "" && e.Policy.ID != x.only {
				continue
			}
			was, ok := x.best[e.Policy.ID]
			switch {
			case !ok, !was.Judged, e.Judged && e.Result.At == view.Now && e.Result.Score >= was.Result.Score:
				x.best[e.Policy.ID] = account{e, view.Now}
			}
		}
	})
}

// seen lists some of the visits that there are.
func (x *explainer) seen() string {
	if len(x.visits) == 0 {
		return "no visits"
	}
	more := ""
	if n := len(x.visits) - 8; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return "the visits " + strings.Join(x.visits[:min(8, len(x.visits))], ", ") + more
}

func (x *explainer) print(out io.Writer) {
	v := x.who
	fmt.Fprintf(out, "%s %s", v.Subject, v.ID)
	if len(v.Tracks) > 0 {
		fmt.Fprintf(out, ", tracks %s", strings.Join(v.Tracks, ", "))
	}
	fmt.Fprintf(out, ", times in %s\n", x.zone()) // those of alerts and recordings are in UTC
	if a := x.alert; a != nil {
		fmt.Fprintf(out, "alert %s: %s, tier %s, score %.4f", a.ID, a.State, a.Tier, a.Score)
		if a.CappedBy != "" {
			fmt.Fprintf(out, ", capped by %s", a.CappedBy)
		}
		fmt.Fprintf(out, "\n  %s\n", a.Why)
	}
	var all []account
	for _, p := range x.set.Policies {
		if t, ok := x.best[p.ID]; ok {
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b account) int { // the highest score first, what was never judged last
		if a.Judged != b.Judged {
			if a.Judged {
				return -1
			}
			return 1
		}
		switch {
		case a.Result.Score > b.Result.Score:
			return -1
		case a.Result.Score < b.Result.Score:
			return 1
		}
		return 0
	})
	for i := range all {
		x.policy(out, &all[i])
	}
}

func (x *explainer) policy(out io.Writer, t *account) {
	r := &t.Result
	x.told = make(map[string]bool)
	fmt.Fprintf(out, "\n%s (%s): %s\n", t.Policy.ID, t.Policy.Mode, t.Policy.Title)
	switch {
	case !t.Judged:
		fmt.Fprintf(out, "├ never judged; as it stood at %s\n", x.time(t.at))
	case r.Tier == "":
		fmt.Fprintf(out, "├ %.4f at %s: below every tier\n", r.Score, x.time(r.At))
	default:
		capped := ""
		if r.CappedBy != "" {
			capped = ", capped by " + r.CappedBy
		}
		fmt.Fprintf(out, "├ %.4f at %s: tier %s%s\n", r.Score, x.time(r.At), r.Tier, capped)
	}
	if t.When != nil {
		x.truth(out, t.When)
	}
	if len(t.Policy.EvidenceNames()) > 0 {
		fmt.Fprintf(out, "├ prior %g: %+.3f\n", t.Prior, math.Log(t.Prior/(1-t.Prior)))
	}
	for i := range t.Parts {
		x.part(out, &t.Parts[i], len(t.Policy.EvidenceNames()) > 0)
	}
	if t.Need != nil {
		x.truth(out, t.Need)
	}
	for _, m := range r.Missing {
		fmt.Fprintf(out, "├ could not see: %s\n", m)
	}
	fmt.Fprintf(out, "└ %s\n", x.next(t))
}

// part tells one piece of evidence: what it came to, and what filled it.
func (x *explainer) part(out io.Writer, p *rules.Part, weighs bool) {
	fmt.Fprintf(out, "├ %s", p.Name)
	if weighs {
		fmt.Fprintf(out, ": %+.3f", p.LogOdds)
		if math.Abs(p.Counts-p.LogOdds) >= 0.0005 {
			fmt.Fprintf(out, ", of which %+.3f counts in the group %s", p.Counts, p.Group)
		}
		fmt.Fprintf(out, " (quality %.4g", p.Quality)
		if p.Decays > 0 {
			fmt.Fprintf(out, ", halved each %s", time.Duration(p.Decays))
		}
		fmt.Fprint(out, ")")
	} else {
		fmt.Fprintf(out, ": %.4f", p.Quality)
	}
	fmt.Fprintf(out, "  %s\n", oneLine(p.Text))
	x.operands(out, p)
}

func (x *explainer) truth(out io.Writer, p *rules.Part) {
	fmt.Fprintf(out, "├ %s is %t  %s\n", p.Name, p.Quality > 0, oneLine(p.Text))
	x.operands(out, p)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (x *explainer) operands(out io.Writer, p *rules.Part) {
	for i := range p.Operands {
		o := &p.Operands[i]
		value := fmt.Sprintf("%.4g", o.Value)
		if o.Value >= 1e9 {
			value = "never"
		}
		if o.Truth {
			value = fmt.Sprint(o.Value != 0)
		}
		fmt.Fprintf(out, "│   %s = %s", o.Call, value)
		if o.Lacking != "" {
			fmt.Fprintf(out, ", for want of %s", o.Lacking)
		}
		if o.Partial {
			fmt.Fprint(out, ", partial: older facts were no longer kept")
		}
		var facts strings.Builder
		for k := range o.Facts {
			fmt.Fprintf(&facts, "│     %s\n", x.fact(&o.Facts[k]))
		}
		switch all := o.Call + facts.String(); {
		case facts.Len() > 0 && x.told[all]:
			fmt.Fprint(out, ", by what is listed above\n")
		default:
			x.told[all] = true
			fmt.Fprintf(out, "\n%s", facts.String())
		}
	}
}

// fact tells a fact in one line, beginning with the event that it came of.
func (x *explainer) fact(f *fusion.Fact) string {
	s := x.site.Store
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", x.time(f.At), f.ID(s), f.Kind)
	if f.Kind == fusion.FactAlerted {
		a := fusion.ParseAlerted(f.Name)
		fmt.Fprintf(&b, " %s by %s about %s", a.Tier, a.Policy, a.Subject)
		return b.String()
	}
	if f.Product >= 0 {
		fmt.Fprintf(&b, " %.3g × %s", f.N, s.Products[f.Product].Name)
	}
	if f.Zone >= 0 {
		fmt.Fprintf(&b, " at %s", s.Zones[f.Zone].ID)
	}
	if f.Name != "" && !(s.HideForeign && f.Product < 0 && (f.Kind == fusion.FactRead || f.Kind == fusion.FactMoved || f.Kind == fusion.FactReadEnd)) {
		fmt.Fprintf(&b, ", %s", f.Name)
	}
	if f.Kind == fusion.FactMoved || f.Kind == fusion.FactStaff || f.Kind == fusion.FactWith {
		fmt.Fprintf(&b, ", %.2f likely", f.P)
	}
	return b.String()
}

func (x *explainer) next(t *account) string {
	n := t.Next
	switch {
	case n == nil:
		return "no tier is higher"
	case n.Held == "when" && n.Short == 0:
		return fmt.Sprintf("when was not true; with it the score would be %.4f", t.Result.Score)
	case n.Held == "when":
		return fmt.Sprintf("when was not true; with it the score would be %.4f, and %+.3f be missing for the tier %s", t.Result.Score, n.Short, n.Tier)
	case n.Held != "":
		return fmt.Sprintf("%s holds it back from the tier %s", n.Held, n.Tier)
	case len(n.By) == 0:
		return fmt.Sprintf("for the tier %s, from %.4f, %+.3f was missing", n.Tier, n.At, n.Short)
	}
	var by []string
	for _, g := range n.By {
		by = append(by, fmt.Sprintf("%s (%+.3f)", g.Name, g.More))
	}
	return fmt.Sprintf("for the tier %s, from %.4f, %+.3f was missing; it could have come of: %s", n.Tier, n.At, n.Short, strings.Join(by, ", "))
}

// time is a moment in the store's time.
func (x *explainer) time(ns int64) string {
	return time.Unix(0, ns).In(x.zone()).Format("15:04:05.000")
}

// zone is the store's time zone.
func (x *explainer) zone() *time.Location {
	return cmp.Or(x.site.Store.Location, time.UTC)
}
