package main

import (
	"bytes"
	"log/slog"
	"math"
	"slices"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/metrics"
	"magpie/rules"
	"magpie/sensors"
	"magpie/site"
	"magpie/vision"
)

// numbers keeps what the database and Prometheus get. The database's points are functions of the journal (contract §7): a
// restart or a replay writes the same ones again. Prometheus counts what this process does.
type numbers struct {
	store *fusion.Store
	agg   *metrics.Aggregator
	prom  *metrics.Prometheus
	spool *metrics.Spool // nil: no database
	log   *slog.Logger
	now   func() time.Time

	stored      bool // the line at hand was carried out before this process: its points are in the spool, or written
	old         bool // the line at hand was received before this process: it is no news for Prometheus
	flushed     int64
	evicted     int
	checkpoints int
}

// tenSeconds is the interval of the points.
const tenSeconds = int64(10e9)

func newNumbers(s *site.Site, prom *metrics.Prometheus, spool *metrics.Spool, now func() time.Time, log *slog.Logger) *numbers {
	store := s.Store
	kinds := map[string]string{"": "none"}
	var zones, sources []string
	for _, z := range store.Zones {
		kinds[z.ID] = z.Kind.String()
		zones = append(zones, z.ID)
	}
	for _, x := range store.Sources {
		sources = append(sources, x.ID)
	}
	agg := metrics.NewAggregator(metrics.AggregatorOptions{Store: store.ID, ZoneKinds: kinds,
		Closed: map[string][]string{"zone": append(zones, ""), "source": append(sources, "unmapped", "unknown"),
			"kind": append(fusion.Kinds[:], "unmapped", "unknown")}})
	return &numbers{store: store, agg: agg, prom: prom, spool: spool, now: now, log: log}
}

// check reports a number that could not be written: a mistake of ours, seen in the log.
func (n *numbers) check(err error) {
	if err != nil {
		n.log.Error("a number was not written", "error", err)
	}
}

// message counts a message that was taken, and the numbers missing before it.
func (n *numbers) message(l *journal.Line, m *fusion.Message, v fusion.Verdict, missing int64) {
	kind, source := m.Kind.String(), n.store.Sources[m.Source].ID
	what := []string{"received"}
	switch v {
	case fusion.Late:
		what = append(what, "late")
	case fusion.Duplicate:
		what = append(what, "duplicate")
	}
	add := func(what string, count int64) {
		n.check(n.agg.Add("events", []string{kind, source}, what, count, l.Received))
		if !n.old {
			n.prom.Event(kind, source, what, int(count))
		}
	}
	for _, w := range what {
		add(w, 1)
	}
	if m.Clocked {
		n.check(n.agg.Observe("pipeline", []string{"arrival"}, float64(l.Received-m.TS)/1e6, l.Received))
	}
	if missing > 0 {
		add("gap", missing)
	}
}

func (n *numbers) rejected(l *journal.Line, r *sensors.Rejection) {
	source := r.Source
	if n.store.SourceIndex(source) < 0 {
		source = "unknown"
	}
	kind := r.Kind
	if kind != "unmapped" && !slices.Contains(fusion.Kinds[:], kind) {
		kind = "unknown" // whatever a sender wrote into its topic
	}
	n.check(n.agg.Add("events", []string{kind, source}, "rejected", 1, l.Received))
	if !n.old {
		n.prom.Rejected(source, r.Code)
	}
}

// facts counts what the watermark has confirmed.
func (n *numbers) facts(changes []fusion.Change) {
	for i := range changes {
		f, v := &changes[i].Fact, changes[i].Visit
		zone := n.zone(f.Zone)
		switch v.Subject {
		case fusion.SubjectVisit:
			n.visitFact(v, f, zone)
		case fusion.SubjectStore: // each fact once
			n.storeFact(f, zone)
		}
	}
}

func (n *numbers) zone(i int) string {
	if i < 0 {
		return ""
	}
	return n.store.Zones[i].ID
}

func (n *numbers) visitFact(v *fusion.Visit, f *fusion.Fact, zone string) {
	add := func(field string, count int64) { n.check(n.agg.Add("visits", []string{zone}, field, count, f.TS)) }
	switch f.Kind {
	case fusion.FactEntered:
		add("entered", 1)
	case fusion.FactLeft:
		if !n.way(f.Zone) {
			add("exited", 1)
		}
		for e := range v.Facts.Backward() {
			if e.Kind == fusion.FactEntered && e.Zone == f.Zone {
				add("dwell_s_sum", (f.At-e.At)/1e6)
				break
			}
		}
	case fusion.FactExited:
		add("exited", 1)
	case fusion.FactPaid:
		add("paid", 1)
	case fusion.FactEnded:
		n.unpaid(v, f.TS)
	}
}

// unpaid counts what a visit that has gone out is thought to hold that no till has seen: whole units, at their price.
func (n *numbers) unpaid(v *fusion.Visit, at int64) {
	if !v.Facts.Has(func(f fusion.Fact) bool { return f.Kind == fusion.FactExited }) {
		return
	}
	for i := range v.Basket {
		it := &v.Basket[i]
		units := int64(math.Round(it.Unpaid()))
		if units == 0 || v.Staff >= 0.5 {
			continue
		}
		category, value := "unknown", int64(0)
		if it.Product >= 0 {
			p := &n.store.Products[it.Product]
			category, value = p.Category, units*p.Price
		}
		n.check(n.agg.Add("shrink", []string{category, "unpaid"}, "units", units, at))
		n.check(n.agg.Add("shrink", []string{category, "unpaid"}, "value", value, at))
	}
}

// way reports whether a zone is a way in or out: one is left by going out, not by stepping back inside.
func (n *numbers) way(zone int) bool {
	k := n.store.Zones[zone].Kind
	return k == fusion.Exit || k == fusion.Entrance
}

func (n *numbers) storeFact(f *fusion.Fact, zone string) {
	till := func(field string) {
		kind := "staffed"
		for i := range n.store.Tills {
			if f.Source >= 0 && n.store.Tills[i].ID == n.store.Sources[f.Source].ID && n.store.Tills[i].Self {
				kind = "self"
			}
		}
		n.check(n.agg.Add("tills", []string{kind}, field, 1, f.TS))
	}
	switch f.Kind {
	case fusion.FactPicked, fusion.FactPutBack:
		category := "unknown"
		if f.Product >= 0 {
			category = n.store.Products[f.Product].Category
		}
		field, units := "picks", int64(f.N+0.5)
		if f.Kind == fusion.FactPutBack {
			field, units = "putbacks", -units
		}
		n.check(n.agg.Add("shelves", []string{zone, category}, field, 1, f.TS))
		n.check(n.agg.Add("shelves", []string{zone, category}, "units", units, f.TS))
	case fusion.FactShrunk:
		category, units, value := "unknown", int64(math.Round(f.N)), int64(0)
		if f.Product >= 0 {
			category, value = n.store.Products[f.Product].Category, units*n.store.Products[f.Product].Price
		}
		n.check(n.agg.Add("shrink", []string{category, f.Name}, "units", units, f.TS))
		n.check(n.agg.Add("shrink", []string{category, f.Name}, "value", value, f.TS))
	case fusion.FactOpened:
		till("sessions")
	case fusion.FactScanned:
		till("scans")
	case fusion.FactVoided:
		till("voids")
	case fusion.FactRefunded:
		till("refunds")
	}
}

// judged counts what policies made of it.
func (n *numbers) judged(list []alerts.Judgement, set *rules.Set) {
	began := n.now()
	set.Measure(func() int64 { return int64(n.now().Sub(began)) })
	for i := range list {
		j := &list[i]
		n.check(n.agg.Observe("scores", []string{j.Zone, j.Policy, j.Mode}, 100*j.Score, j.At))
		n.check(n.agg.Add("scores", []string{j.Zone, j.Policy, j.Mode}, "value", int64(float64(100*j.Value)+0.5), j.At))
		tags := []string{j.Policy, j.Mode, set.Hash}
		n.check(n.agg.Add("policy", tags, "evaluations", 1, j.At))
		if j.Tier != "" {
			n.check(n.agg.Add("policy", tags, "crossed", 1, j.At))
		}
		if p := set.Policy(j.Policy); p != nil {
			if ns := p.TakeCost(); ns > 0 {
				n.check(n.agg.Add("policy", tags, "cost_ns", ns, j.At))
			}
		}
	}
}

func (n *numbers) alert(a *alerts.Alert, set string) {
	var policies []string
	for _, p := range a.Policies {
		policies = append(policies, p.Policy)
	}
	n.agg.Alert(metrics.AlertPoint{ID: a.ID, Rev: a.Rev, EventTime: a.EventTime, Received: a.RaisedAt, Policies: policies,
		Zone: a.Zone, Tier: a.Tier, Set: set, State: string(a.State), Value: a.Value})
	if n.old {
		return
	}
	n.prom.Alert(a.Tier, string(a.State), policies)
	if a.State == alerts.Provisional && a.Rev == 1 {
		n.prom.Provisional(n.now().Sub(time.Unix(0, a.RaisedAt)))
	}
}

// world takes what is the case now: who is where, what is up, what could be seen, and what is known of each source's clock.
func (n *numbers) world(w *fusion.World, clock func(source int) fusion.Clock, checkpoints int, now int64) {
	people, staff := make([]int, len(n.store.Zones)), make([]float64, len(n.store.Zones))
	for _, v := range w.Visits() {
		if v.Zone >= 0 && v.PosAt != 0 {
			people[v.Zone]++
			staff[v.Zone] += v.Staff
		}
	}
	for i := range n.store.Zones {
		z := n.store.Zones[i].ID
		n.check(n.agg.Set("visits", []string{z}, "occupancy", float64(people[i]), now))
		n.check(n.agg.Set("staffing", []string{z}, "people", float64(people[i]), now))
		n.check(n.agg.Set("staffing", []string{z}, "staff", staff[i], now))
		place := make(fusion.Place, len(n.store.Zones))
		place[i] = true
		view := fusion.View{World: w, Now: now}
		for m, word := range fusion.Modalities {
			if w.HasSource(fusion.Modality(m), i) {
				n.check(n.agg.Set("coverage", []string{z, word}, "ratio", view.Coverage(fusion.Modality(m), place), now))
			}
		}
	}
	for i := range n.store.Sources {
		id, up := n.store.Sources[i].ID, w.SourceState(i, now) == "up"
		value := 0.0
		if up {
			value = 1
		}
		n.check(n.agg.Set("sources", []string{id}, "up", value, now))
		n.prom.SourceUp(id, up)
		c := clock(i)
		n.check(n.agg.Set("sources", []string{id}, "offset_ms", float64(c.Offset)/1e6, now))
		n.check(n.agg.Set("sources", []string{id}, "drift_ppm", c.Drift, now))
		n.prom.SourceClock(id, time.Duration(c.Offset), time.Duration(c.SD), c.Drift)
	}
	n.prom.VisitsOpen(len(w.Visits()))
	for ; n.checkpoints < checkpoints; n.checkpoints++ {
		n.prom.Checkpoint()
	}
	if e := w.Evictions(); e > n.evicted {
		n.prom.Evicted("facts", e-n.evicted)
		n.evicted = e
	}
}

// line ends the work on one line: complete intervals go to the spool.
func (n *numbers) line(l *journal.Line, watermark int64, took time.Duration) {
	if !n.old {
		n.prom.Folded(took)
	}
	n.prom.WatermarkLag(time.Duration(n.now().UnixNano() - watermark))
	if watermark/tenSeconds <= n.flushed {
		return
	}
	n.flushed = watermark / tenSeconds
	points := n.agg.Flush(watermark)
	if !n.stored {
		n.keep(points)
	}
}

// keep puts lines into the spool.
func (n *numbers) keep(points []byte) {
	if n.spool == nil {
		return
	}
	if err := n.spool.Append(points); err != nil {
		n.prom.InfluxLost(bytes.Count(points, []byte{'\n'}))
		n.log.Error("points for the database are lost: the spool cannot be written", "error", err)
	}
}

func (n *numbers) reloaded(hash string, now time.Time, ok bool) { n.prom.PolicyReload(ok, hash, now) }

// verdict counts what a person said of an alert that a set raised, and no more what was said before. It is in no journal, and kept at
// once.
func (n *numbers) verdict(a *alerts.Alert, l verdictLine, was, set string) {
	var policies []string
	for _, p := range a.Policies {
		policies = append(policies, p.Policy)
	}
	n.keep(n.agg.Verdict(metrics.VerdictPoint{ID: a.ID, EventTime: a.EventTime, Policies: policies, Zone: a.Zone, Tier: a.Tier, Set: set,
		Verdict: l.Verdict, Was: was, Recovered: l.Recovered, Minutes: l.Minutes}))
}

// frame counts a frame of a camera in this process.
func (n *numbers) frame(camera string, f vision.FrameStats, decode time.Duration, dropped int) {
	tags := []string{camera}
	n.check(n.agg.Add("vision", tags, "frames", 1, f.Time))
	n.check(n.agg.Add("vision", tags, "dropped", int64(dropped), f.Time))
	n.check(n.agg.Add("vision", tags, "decode_ms_sum", decode.Microseconds(), f.Time))
	n.check(n.agg.Add("vision", tags, "infer_ms_sum", f.Infer.Microseconds(), f.Time))
	n.check(n.agg.Set("vision", tags, "tracks", float64(f.Tracks), f.Time))
	n.prom.Frame(camera, decode, f.Infer, dropped)
}
