package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"magpie/alerts"
	"magpie/dashboard"
	"magpie/fusion"
	"magpie/journal"
	"magpie/rules"
	"magpie/sensors"
	"magpie/site"
)

// live follows the journal with one pipeline and carries out what it says. Its state is what the journal says: after a
// restart it goes on from a snapshot, or where none can be used reads the journal from its oldest line again, and says the
// same, which outputs that have it pass over.
type live struct {
	site    *site.Site
	log     *slog.Logger
	journal *journal.Journal
	sets    *setStore
	outbox  *alerts.Outbox
	hub     *dashboard.Hub
	recent  *recent
	health  *sourceHealth
	numbers *numbers
	place   *place

	rejections *rejections
	snapshots  *snapshots
	every      time.Duration    // between two snapshots, in time of arrival
	late       time.Duration    // what /healthz says of how far behind the core is
	now        func() time.Time // measures only
	errw       io.Writer        // for people: what a line of the log cannot show
	trouble    *trouble

	pipeline *pipeline
	gaps     sensors.Sequences
	lines    []*alerts.Alert // what the current line made it say
	at       int64           // its offset
	old      bool            // it was received before this process started
	from     int64           // where the journal is read from
	between  bool            // no line is half carried out
	received int64           // of the newest line
	frozen   int64           // the offset of the newest snapshot
	frozenAt int64           // and when its newest line was received

	mu       sync.Mutex
	visits   []dashboard.Visit
	shrink   []fusion.ShrinkRow
	shrinkAt int64
	visitsAt int64
	toldAt   int64
	reload   reloadState
}

// always are the outputs that every alert goes to.
var always = []alerts.Target{{Output: "stdout"}, {Output: "mqtt"}}

// newLive wires a pipeline to its outputs. Without restore it follows the journal from its very first line.
func newLive(l *live) (_ *live, err error) {
	l.gaps = sensors.Sequences{}
	l.pipeline, err = l.wire()
	return l, err
}

// wire makes a pipeline without history.
func (l *live) wire() (*pipeline, error) {
	p, err := newPipeline(l.site, nil, func(a *alerts.Alert) { l.lines = append(l.lines, a) }, pipelineHooks{
		decoded:   l.decoded,
		rejected:  l.rejected,
		policies:  l.policies,
		confirmed: l.confirmed,
	})
	if err != nil {
		return nil, err
	}
	p.log.Facts = l.numbers.facts
	p.log.ForgetScores = true
	p.log.Judged = func(j []alerts.Judgement) {
		if len(j) > 0 {
			l.numbers.judged(j, p.desk.Set(j[0].At))
		}
	}
	return p, nil
}

// follow reads the journal until ctx ends. It returns early only when the journal or the outbox fails for good.
func (l *live) follow(ctx context.Context) error {
	started := l.now().UnixNano()
	tail, err := l.journal.Read(l.from)
	if err != nil {
		return err
	}
	defer tail.Close()
	defer l.startSnapshots(l.from)()
	head, _ := l.journal.Head() // begins as the journal says
	for {
		e, err := tail.Next(ctx)
		if err != nil {
			return err
		}
		if e.First && e.Offset > max(l.from, head) { // for the time when retention has removed what is before it
			l.snapshotNow(ctx, e.Offset, true)
		}
		l.at, l.between = e.Offset, false
		l.lines = l.lines[:0]
		l.old = e.Line.Received < started
		l.numbers.old, l.numbers.stored = l.old, l.place.done(e.Offset)
		began := l.now()
		l.behind(began.Sub(time.Unix(0, e.Line.Received)))
		l.pipeline.line(&e.Line)
		if err := l.deliver(ctx); err != nil {
			return err
		}
		l.numbers.line(&e.Line, l.pipeline.core.Watermark(), l.now().Sub(began))
		l.place.judged(e.Next, l.rejections.oldest())
		l.between, l.received = true, max(l.received, e.Line.Received)
		if !l.old && l.received-l.frozenAt >= int64(l.every) {
			l.snapshotNow(ctx, e.Next, false)
		}
	}
}

// catchingUp is how far behind now the core may be before /healthz says so.
const catchingUp = 10 * time.Second

// behind says that the core is not judging what happens now: after a start it reads what of the journal is
// behind its snapshot.
func (l *live) behind(by time.Duration) {
	switch {
	case by > catchingUp && by.Round(time.Minute) != l.late:
		l.late = by.Round(time.Minute)
		l.trouble.set("core", fmt.Errorf("it reads the journal and is %v behind: nothing is judged as it happens until it is there", l.late))
	case by <= catchingUp && l.late != 0:
		l.late = 0
		l.trouble.set("core", nil)
	}
}

// deliver stores what was said in the outbox, and shows it. While the outbox is full it waits: nothing is lost, the
// journal holds back.
func (l *live) deliver(ctx context.Context) error {
	if len(l.lines) == 0 {
		return nil
	}
	entries := make([]alerts.OutboxEntry, len(l.lines))
	for i, a := range l.lines {
		entries[i] = alerts.NewOutboxEntry(a, append(l.pipeline.desk.Targets(a), always...))
	}
	if l.place.done(l.at) { // it was stored before the restart: the page has to learn of it again, and the spool what it lacks
		for i, a := range l.lines {
			l.known(a, entries[i].Body)
		}
		return nil
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		err := l.outbox.Put(entries...)
		if err == nil || errors.Is(err, alerts.ErrConflict) {
			break // a conflict is counted; what was delivered stands
		}
		l.log.Error("cannot store alerts; trying again", "error", err)
		l.trouble.set("outbox", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.trouble.set("outbox", nil)
	was := map[string]*alerts.Alert{}
	for i, a := range l.lines {
		if _, ok := was[a.ID]; !ok {
			was[a.ID], _ = l.recent.alert(a.ID)
		}
		l.known(a, entries[i].Body)
		if err := l.hub.Publish(entries[i].Body); err != nil {
			l.log.Error("cannot show an alert", "error", err)
		}
	}
	for _, a := range l.lines {
		if last, _ := l.recent.alert(a.ID); last == a { // else the same message has changed it again
			l.tell(a, was[a.ID])
		}
	}
	return nil
}

// known makes a line known to the page and to the numbers, which count it to the set that raised the alert.
func (l *live) known(a *alerts.Alert, line []byte) {
	l.numbers.alert(a, l.recent.add(a, line, l.pipeline.desk.SetAt(a.EventTime)))
}

// tell says in plain words on the terminal what is known of an alert, when it is new or its tier or state is another than it
// was. What a journal that is read again says was told before the restart.
func (l *live) tell(a, was *alerts.Alert) {
	if l.old || was != nil && was.Tier == a.Tier && (was.State == a.State || a.State == alerts.Updated) {
		return
	}
	l.log.Info(a.Message, "alert", a.ID, "state", a.State, "tier", a.Tier, "do", a.Action, "why", a.Why)
}

func (l *live) decoded(line *journal.Line, m *fusion.Message, v fusion.Verdict) {
	l.health.accepted(m, v)
	missing := int64(0)
	if seq, boot, ok := l.pipeline.decoder.Sequence(); ok && v != fusion.Duplicate {
		missing = l.gaps.Add(m, seq, boot).Missing
	}
	l.numbers.message(line, m, v, missing)
}

func (l *live) rejected(line *journal.Line, r *sensors.Rejection) {
	source := l.site.Store.SourceIndex(r.Source)
	l.health.rejected(source, r.Code+": "+r.Reason)
	l.gaps.Rejected(source, r.Kind)
	l.numbers.rejected(line, r)
	if !l.place.done(l.at) {
		l.rejections.add(rejected{l.at, r.PublishTopic(l.site.Store.ID), r.Payload(line.Payload)})
	}
}

func (l *live) policies(line *journal.Line) *rules.Set {
	set, err := l.sets.get(line.Control.Hash)
	if err != nil {
		l.log.Error("the journal names a policy set that cannot be loaded; the one before goes on", "error", err)
		return nil
	}
	return set
}

// visitsEvery is how often, in time of arrival, the open visits are shown anew, shrinkEvery the ledger, which is larger.
const (
	visitsEvery = int64(500e6)
	shrinkEvery = int64(5e9)
)

func (l *live) confirmed(w *fusion.World) {
	now := l.pipeline.core.Watermark()
	if now-l.visitsAt < visitsEvery {
		return
	}
	l.visitsAt = now
	_, book := l.pipeline.core.Confirmed()
	visits := l.openVisits(w, book)
	l.health.states(func(i int) string { return w.SourceState(i, now) })
	l.numbers.world(w, l.pipeline.core.Clock, l.pipeline.core.Checkpoints, now)
	l.mu.Lock()
	l.visits = visits
	if now-l.shrinkAt >= shrinkEvery {
		l.shrink, l.shrinkAt = w.Shrink(), now
	}
	l.mu.Unlock()
	if now-l.toldAt >= tellEvery && !l.old {
		l.toldAt = now
		l.tellVisits(visits)
	}
}

// tellEvery is how often, in time of arrival, the terminal hears of the open visits.
const tellEvery = int64(10e9)

func (l *live) tellVisits(visits []dashboard.Visit) {
	if len(visits) == 0 {
		return
	}
	top := visits[0]
	for _, v := range visits {
		if v.Score > top.Score {
			top = v
		}
	}
	who := strings.Join(top.Tracks, " ")
	if who == "" {
		who = top.ID // nobody was seen: a gate, a till or a tag alone
	}
	l.log.Info("visits", "open", len(visits), "highest", fmt.Sprintf("%.2f", top.Score), "of", who)
}

func (l *live) openVisits(w *fusion.World, book *alerts.Book) []dashboard.Visit {
	store := l.site.Store
	list := []dashboard.Visit{}
	for _, v := range w.Visits() {
		view := fusion.View{World: w, Visit: v, Now: w.Now()}
		d := dashboard.Visit{ID: v.ID, Tracks: append([]string(nil), v.Tracks...), First: time.Unix(0, v.First).UTC(),
			Last: time.Unix(0, v.Last).UTC(), Unpaid: view.UnpaidValue(), Staff: v.Staff}
		if z := view.Zone(); z >= 0 {
			d.Zone = store.Zones[z].ID
		}
		for _, z := range zonesOf(v, len(store.Zones)) {
			place := make(fusion.Place, len(store.Zones))
			place[z] = true
			if s := view.Dwell(place); s > 0 {
				d.Zones = append(d.Zones, dashboard.VisitZone{Zone: store.Zones[z].ID, Dwell: s})
			}
		}
		for i := range v.Basket {
			it := &v.Basket[i]
			if it.Product < 0 || it.Held() < 0.05 {
				continue
			}
			p := &store.Products[it.Product]
			d.Items = append(d.Items, dashboard.VisitItem{SKU: p.Written, Name: p.Name, Count: it.Held(), Unpaid: it.Unpaid()})
		}
		d.Till = tillRows(view)
		d.Score, d.Policy = book.Score(v.ID)
		list = append(list, d)
	}
	return list
}

// zonesOf are a store's n zones in the order in which a visit first entered them, as far as its facts are still kept.
func zonesOf(v *fusion.Visit, n int) []int {
	zones, entered := make([]int, n), make([]int64, n)
	for f := range v.Facts.Backward() {
		if f.Kind == fusion.FactEntered && f.Zone >= 0 {
			entered[f.Zone] = f.At
		}
	}
	for z := range zones {
		zones[z] = z
	}
	slices.SortStableFunc(zones, func(a, b int) int { return cmp.Compare(entered[a], entered[b]) })
	return zones
}

// tillRows are the rows of a visit's reconciliation; nil for who was at no till.
func tillRows(view fusion.View) []dashboard.VisitRow {
	if view.Visit.Session == "" {
		return nil
	}
	products := view.World.Store.Products
	var all []dashboard.VisitRow
	for _, r := range view.Reconcile() {
		x := dashboard.VisitRow{Class: r.Class.String(), Name: cmp.Or(r.Name, r.EPC), Units: r.Units, P: r.P, Value: r.Value}
		if r.Product >= 0 {
			x.SKU, x.Name = products[r.Product].Written, products[r.Product].Name
		}
		if r.Scanned >= 0 {
			x.As = products[r.Scanned].Written
		}
		all = append(all, x)
	}
	return all
}

func (l *live) shownVisits() []dashboard.Visit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.visits
}

// shownShrink is the ledger as the page's API gives it, to hundredths of a unit.
func (l *live) shownShrink() []dashboard.Shrink {
	l.mu.Lock()
	rows := l.shrink
	l.mu.Unlock()
	store := l.site.Store
	all := make([]dashboard.Shrink, len(rows))
	cents := func(x float64) float64 { return math.Round(100*x)/100 + 0 } // no −0
	for i := range rows {
		r := &rows[i]
		d := dashboard.Shrink{Day: fmt.Sprintf("%04d-%02d-%02d", r.Day/10000, r.Day/100%100, r.Day%100), Picked: cents(r.Picked),
			PutBack: cents(r.PutBack), Sold: cents(r.Sold), Open: cents(r.Open()), Delivered: cents(r.Delivered), Unpaid: cents(r.Unpaid),
			Unknown: cents(r.Unknown), Damaged: cents(r.Damaged), Admin: cents(r.Admin)}
		if r.Product >= 0 {
			d.SKU = store.Products[r.Product].Written
		}
		if r.Zone >= 0 {
			d.Zone = store.Zones[r.Zone].ID
		}
		all[i] = d
	}
	return all
}

// adopt makes a set judge from now on: its control line goes into the journal, and where that line stands decides.
func (l *live) adopt(ctx context.Context, set *rules.Set, now time.Time) error {
	if err := l.note(ctx, set); err != nil {
		return err
	}
	l.mu.Lock()
	l.reload = reloadState{set: set, loaded: now}
	l.mu.Unlock()
	l.numbers.reloaded(set.Hash, now, true)
	if n := len(set.Warnings); n > 0 {
		l.log.Warn("the policies have warnings: `magpie check --site "+l.site.Path+"` says them in full", "warnings", n, "in_shadow", strings.Join(shadowed(set), ","))
	}
	if asleep := set.NoneLive(l.site.Store); asleep != "" {
		l.log.Warn(asleep)
	}
	said := []any{"hash", set.Hash, "policies", len(set.Policies)}
	if set.Signer != "" {
		said = append(said, "signer", set.Signer, "signed_with", set.SignedWith)
	}
	l.log.Info("policies judge from now on", said...)
	return nil
}

// shadowed are the policies that judge in shadow because the site lacks what they need.
func shadowed(set *rules.Set) (ids []string) {
	for _, p := range set.Policies {
		if p.Shadowed != "" {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// note writes the control line of a set into the journal.
func (l *live) note(ctx context.Context, set *rules.Set) error {
	line := journal.Line{Control: &journal.Control{Kind: journal.ControlPolicies, Hash: set.Hash}}
	_, err := l.journal.Write(ctx, line)
	return err
}

// refuse keeps the old set and says why. The journal says that it goes on.
func (l *live) refuse(ctx context.Context, err error, now time.Time) {
	l.mu.Lock()
	l.reload.err, l.reload.errAt = err, now
	l.mu.Unlock()
	l.numbers.reloaded("", now, false)
	l.log.Error("policies are not taken over, the old set goes on; what is wrong follows")
	fmt.Fprintln(l.errw, err) // as it is: its carets point into lines
	if err := l.note(ctx, l.judging()); err != nil && ctx.Err() == nil {
		l.log.Error("cannot note the policies in the journal", "error", err)
	}
}

// judging is the set that judges what happens now.
func (l *live) judging() *rules.Set {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reload.set
}

func (l *live) policySet() dashboard.PolicySet {
	l.mu.Lock()
	r := l.reload
	l.mu.Unlock()
	var p dashboard.PolicySet
	if r.set != nil {
		at := r.loaded.UTC()
		p.Hash, p.Signer, p.Loaded = r.set.Hash, r.set.Signer, &at
		for _, x := range r.set.Policies {
			p.Policies = append(p.Policies, dashboard.Policy{Policy: x.ID, Title: x.Title, Mode: string(x.Mode), Why: x.Shadowed})
		}
	}
	if r.err != nil {
		at := r.errAt.UTC()
		p.Error, p.ErrorAt = strings.TrimSpace(r.err.Error()), &at
	}
	return p
}
