package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"magpie/alerts"
	"magpie/sim"
)

// The verdicts, by what they say of an alert.
const (
	trueAlert    = "true"    // loss, recovered
	falseAlert   = "false"   // no_loss, fault
	neitherAlert = "neither" // honest_error, unclear
)

var classes = map[string]string{"loss": trueAlert, "theft": trueAlert, "recovered": trueAlert, "no_loss": falseAlert, "false_alarm": falseAlert,
	"fault": falseAlert, "honest_error": neitherAlert, "unclear": neitherAlert}

// verdictsOf is what a file says of alerts: what people said, by alert id, or what was so in a simulated store.
type verdictsOf struct {
	path  string
	marks map[string]verdictLine
	truth []*sim.Visit
}

// readVerdicts reads the file that magpie run keeps of what people said, or the truth that magpie simulate writes.
func readVerdicts(path string) (*verdictsOf, error) {
	v := &verdictsOf{path: path, marks: map[string]verdictLine{}}
	return v, eachLine(path, v.line)
}

// eachLine gives the lines of a file of verdicts that are not blank, until one is wrong.
func eachLine(path string, take func(text []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("verdicts: %w", err)
	}
	defer f.Close()
	in := bufio.NewReader(f)
	for n := 1; ; n++ {
		text, end := in.ReadBytes('\n')
		if end != nil && !errors.Is(end, io.EOF) {
			return fmt.Errorf("verdicts: %w", end)
		}
		if len(bytes.TrimSpace(text)) > 0 {
			if err := take(text); err != nil {
				return fmt.Errorf("%s:%d: %w; mend or remove the line", path, n, err)
			}
		}
		if end != nil {
			return nil
		}
	}
}

func (v *verdictsOf) line(text []byte) error {
	var what struct{ ID, Person string }
	if err := json.Unmarshal(text, &what); err != nil {
		return err
	}
	if what.Person != "" {
		visit := new(sim.Visit)
		v.truth = append(v.truth, visit)
		return json.Unmarshal(text, visit)
	}
	var l verdictLine
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	if l.ID == "" {
		return errors.New("it names no alert (id), and is no visit of a simulated store (person)")
	}
	if l.Verdict == "" {
		return nil // somebody took the alert on
	}
	if classes[l.Verdict] == "" {
		return fmt.Errorf("verdict %q is not one of loss, recovered, honest_error, no_loss, fault, unclear", l.Verdict)
	}
	v.marks[l.ID] = l
	return nil
}

// besides are the verdicts that lie where a recording does: those of its data directory, or the truth of a simulation.
func besides(recording string) (found []string) {
	dir := filepath.Dir(recording)
	for _, name := range []string{"verdicts.jsonl", "truth.jsonl"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() {
			found = append(found, filepath.Join(dir, name))
		}
	}
	return found
}

// tells reports whether the truth of a simulated store is about a recording: tracks have no name of their own outside it.
func (d *backtested) tells(v *verdictsOf, recordings int) bool {
	return recordings == 1 || slices.Contains(besides(d.path), v.path)
}

// pair is an alert as either set has it; nil: it has none.
type pair struct {
	base, with *raisedAlert
	verdict    string // what was said of it, "" for nothing
	given      time.Time
}

// either is one of the two, of the base where it has it.
func (p *pair) either() *raisedAlert {
	if p.base != nil {
		return p.base
	}
	return p.with
}

// sameAlert is how far apart the times of two alerts of one subject may be that are taken for the same, ns.
const sameAlert = int64(60e9)

// pairs finds the alerts that stand at the end, those of one subject at one time together: ids count a subject's alerts, so
// that a set that raises one more gives the next another id.
func (r *backtested) pairs() (all []*pair) {
	taken := map[*raisedAlert]bool{}
	for _, b := range r.base.raised {
		if !b.stands {
			continue
		}
		var best *raisedAlert
		for _, w := range r.with.raised {
			if !w.stands || taken[w] || w.most.SubjectKind != b.most.SubjectKind || w.most.SubjectID != b.most.SubjectID ||
				b.first-sameAlert > w.until || w.first-sameAlert > b.until {
				continue
			}
			if best == nil || apart(b, w) < apart(b, best) {
				best = w
			}
		}
		if best != nil {
			taken[best] = true
		}
		all = append(all, &pair{base: b, with: best})
	}
	for _, w := range r.with.raised {
		if w.stands && !taken[w] {
			all = append(all, &pair{with: w})
		}
	}
	slices.SortStableFunc(all, func(a, b *pair) int {
		x, y := a.either(), b.either()
		return cmp.Or(cmp.Compare(x.first, y.first), strings.Compare(x.most.SubjectID, y.most.SubjectID))
	})
	return all
}

func apart(a, b *raisedAlert) int64 { return max(a.first-b.first, b.first-a.first) }

// missed counts what was a loss and has no alert that stands, by the set.
type missed struct{ base, with int }

// settle gives the pairs of a recording the verdicts that are about them, and tells which of them it knows. A verdict is about
// the alert of its id. Where the recording was made by other policies, ids may count otherwise: then it is about that subject,
// or by the alert lines that were recorded along about whoever had those tracks at that time.
func (v *verdictsOf) settle(r *backtested, pairs []*pair) (known []string, m missed) {
	subjects := r.subjects(len(v.marks) > 0)
	for _, id := range slices.Sorted(maps.Keys(v.marks)) {
		l := v.marks[id]
		about, ok := subjects[id]
		line, wasSaid := r.said[id]
		if !ok && !wasSaid {
			continue
		}
		known = append(known, id)
		var p *pair
		if wasSaid {
			p = nearest(pairs, about, line)
		} else {
			p = named(pairs, id, about)
		}
		if p != nil && !l.At.Before(p.given) {
			p.verdict, p.given = l.Verdict, l.At
		}
		if classes[l.Verdict] == trueAlert {
			m.count(p != nil && p.base != nil, p != nil && p.with != nil)
		}
	}
	if len(v.truth) > 0 {
		v.settleTruth(r, pairs, &m)
	}
	return known, m
}

// settleTruth gives alerts, and visits without one, the verdict that follows from what was so.
func (v *verdictsOf) settleTruth(r *backtested, pairs []*pair, m *missed) {
	who := sim.NewWhose(v.truth)
	word := func(t *sim.Visit) string {
		switch t.Kind {
		case sim.Theft:
			return "loss"
		case sim.Mistake:
			return "honest_error"
		case sim.Accomplice:
			return "unclear"
		}
		return "no_loss"
	}
	for _, x := range r.base.scores {
		if t := who.At(x.Tracks, cmp.Or(x.At, x.To)); t != nil {
			r.verdicts[x.Visit] = word(t)
		}
	}
	base, with := map[*sim.Visit]bool{}, map[*sim.Visit]bool{}
	for _, p := range pairs {
		a := p.either().most
		if t := who.At(a.Tracks, a.At); t != nil {
			p.verdict = word(t)
			base[t], with[t] = base[t] || p.base != nil, with[t] || p.with != nil
		}
	}
	for _, t := range v.truth {
		if t.Kind == sim.Theft {
			m.count(base[t], with[t])
		}
	}
}

func (m *missed) count(base, with bool) {
	if !base {
		m.base++
	}
	if !with {
		m.with++
	}
}

// subjects tell by the id of an alert whose it would be, of everybody who was in the recording.
func (r *backtested) subjects(wanted bool) map[string]string {
	const most = 16 // alerts of one subject
	all := map[string]string{}
	if !wanted {
		return all
	}
	add := func(subject string) {
		for n := 1; n <= most; n++ {
			all[alerts.AlertID(r.site.Store.ID, subject, n)] = subject
		}
	}
	for _, s := range []*side{r.base, r.with} {
		for _, v := range s.scores {
			add(v.Visit)
		}
		for _, of := range s.judged {
			for subject := range of {
				add(subject)
			}
		}
	}
	return all
}

// named is the alert of that id, else the first of its subject.
func named(pairs []*pair, id, subject string) (of *pair) {
	for _, p := range pairs {
		switch {
		case p.base != nil && p.base.most.ID == id, p.base == nil && p.with.most.ID == id:
			return p
		case of == nil && p.either().most.SubjectID == subject:
			of = p
		}
	}
	return of
}

// nearest is the alert next in time to one that was recorded along, of its subject, or of a track that it has.
func nearest(pairs []*pair, subject string, line said) (best *pair) {
	away := func(p *pair) int64 {
		x := p.either()
		return max(0, x.first-line.event, line.event-x.until)
	}
	for _, p := range pairs {
		a := p.either().most
		mine := a.SubjectID == subject || a.SubjectID == line.subject ||
			slices.ContainsFunc(line.tracks, func(t string) bool { return slices.Contains(a.Tracks, t) })
		if mine && away(p) <= 5*sameAlert && (best == nil || away(p) < away(best)) {
			best = p
		}
	}
	return best
}

// instant is a time of an alert line, ns since 1970.
type instant int64

// UnmarshalJSON reads RFC 3339; null is 0.
func (s *instant) UnmarshalJSON(text []byte) error {
	var t *time.Time
	if err := json.Unmarshal(text, &t); err != nil || t == nil {
		return err
	}
	*s = instant(t.UnixNano())
	return nil
}
