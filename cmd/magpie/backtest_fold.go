package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"sync"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/rules"
	"magpie/sensors"
	"magpie/sensors/message"
	"magpie/site"
)

// side is one of the two policy sets and what it said of a recording.
type side struct {
	set    *rules.Set
	raised []*raisedAlert // in the order in which they were first said
	byID   map[string]*raisedAlert
	scores []*alerts.VisitScore
	judged map[string]map[string]*crossing // by policy, then subject
}

// raisedAlert is an alert that the watermark confirmed.
type raisedAlert struct {
	first  int64         // its event time
	until  int64         // of its newest line
	stands bool          // at the end: it was not retracted
	most   *alerts.Alert // the line that said most: the highest tier, then score
}

// crossing is the most that a policy made of a subject, live or in shadow.
type crossing struct {
	score float64
	tier  string // the highest, "" for none
	mode  string
}

func newSide(set *rules.Set) *side {
	return &side{set: set, byID: map[string]*raisedAlert{}, judged: map[string]map[string]*crossing{}}
}

func (s *side) alert(a *alerts.Alert) {
	if a.Final == 0 {
		return
	}
	r := s.byID[a.ID]
	if r == nil {
		r = &raisedAlert{}
		s.byID[a.ID] = r
		s.raised = append(s.raised, r)
	}
	r.first, r.until, r.stands = a.EventTime, a.At, a.State != alerts.Retracted
	if r.most == nil || r.stands && (r.most.State == alerts.Retracted || more(a, r.most)) {
		r.most = a
	}
}

// more reports whether line a of an alert says more than line b.
func more(a, b *alerts.Alert) bool {
	if x, y := rules.TierRank(a.Tier), rules.TierRank(b.Tier); x != y {
		return x > y
	}
	return a.Score > b.Score
}

func (s *side) results(list []alerts.Judgement) {
	for i := range list {
		j := &list[i]
		of := s.judged[j.Policy]
		if of == nil {
			of = map[string]*crossing{}
			s.judged[j.Policy] = of
		}
		c := of[j.Subject]
		if c == nil {
			c = &crossing{mode: j.Mode}
			of[j.Subject] = c
		}
		c.score = max(c.score, j.Score)
		if rules.TierRank(j.Tier) > rules.TierRank(c.tier) {
			c.tier = j.Tier
		}
	}
}

// stage is one fold of a recording, and the sets that judge it.
type stage struct {
	core *fusion.Core[[]*alerts.Book]
	logs []*alerts.Log
	in   chan *batch
	last int64 // arrival
	late int   // messages that came too late
}

// batch is some lines of a recording, read and decoded. Its room is used again once it is folded.
type batch struct {
	lines    []journal.Line
	messages []fusion.Message // of the lines, those that are of use
	took     []decoded
	bytes    int64 // of the files, up to its end
}

// decoded is what one line came to: nothing but its arrival, or a message too.
type decoded struct {
	received int64
	message  *fusion.Message
}

// newStage makes a fold without history for some sides.
func newStage(s *site.Site, sides []*side) *stage {
	st := &stage{in: make(chan *batch, 4)}
	var judges []fusion.Judge[*alerts.Book]
	for _, x := range sides {
		desk := &alerts.Desk{Store: s.Store, SiteHash: s.Hash,
			Budget: alerts.Budget{Day: s.Budget.Day, Hour: s.Budget.Hour, Source: s.Budget.Source}}
		desk.Install(0, x.set)
		judges = append(judges, desk.Judge())
		log := alerts.NewLog(x.alert)
		log.Judged = x.results
		st.logs = append(st.logs, log)
	}
	st.core = fusion.NewCore(s.Store, together(judges))
	return st
}

// together judges one fold by several sets.
func together(judges []fusion.Judge[*alerts.Book]) fusion.Judge[[]*alerts.Book] {
	return fusion.Judge[[]*alerts.Book]{
		New: func() (all []*alerts.Book) {
			for i := range judges {
				all = append(all, judges[i].New())
			}
			return all
		},
		Clone: func(books []*alerts.Book) (all []*alerts.Book) {
			for i, b := range books {
				all = append(all, judges[i].Clone(b))
			}
			return all
		},
		Facts: func(books []*alerts.Book, w *fusion.World, c []fusion.Change) {
			for i, b := range books {
				judges[i].Facts(b, w, c)
			}
		},
		Due: func(books []*alerts.Book) int64 {
			due := int64(math.MaxInt64)
			for i, b := range books {
				due = min(due, judges[i].Due(b))
			}
			return due
		},
		Fire: func(books []*alerts.Book, w *fusion.World, now int64) {
			for i, b := range books {
				if judges[i].Due(b) <= now {
					judges[i].Fire(b, w, now)
				}
			}
		},
	}
}

// fold takes everything that comes, up to the end of the recording.
func (st *stage) fold(done func(*batch)) {
	for b := range st.in {
		for i := range b.took {
			t := &b.took[i]
			st.last = max(st.last, t.received)
			st.core.Arrive(t.received)
			if t.message != nil && st.core.Add(t.message) == fusion.TooLate {
				st.late++
			}
			st.confirm(st.core.Advance(), t.received)
		}
		done(b)
	}
	st.confirm(st.core.Finish(), st.last)
}

func (st *stage) confirm(refolded bool, received int64) {
	w, books := st.core.Confirmed()
	for i, b := range books {
		st.logs[i].Confirm(w, b, refolded, st.core.Watermark(), received)
	}
}

// judgesStore reports whether a policy of a set judges the store. What crosses a tier is told to the store's ledger, which is
// the fold's: two sets of which one looks at it cannot share a fold.
func judgesStore(set *rules.Set) bool {
	return slices.ContainsFunc(set.Policies, func(p *rules.Policy) bool {
		return p.Judge == fusion.SubjectStore && p.Mode != rules.Off
	})
}

// said is what a recording itself tells of an alert that was raised when it was made: its line on the topic alert.
type said struct {
	subject string
	tracks  []string
	event   int64
}

// backtested is one recording, judged by both sets.
type backtested struct {
	path       string
	site       *site.Site
	base, with *side
	said       map[string]said   // by alert id
	verdicts   map[string]string // by subject
	lines      int
	rejected   int
	from, to   int64 // first and last arrival
	headless   bool  // it goes on from a state before it
	in         *segments
}

// play reads a recording once: one goroutine reads, one decodes, and one folds, or two where the sets cannot share a fold.
func (r *backtested) play(ctx context.Context, progress func(bytes int64)) error {
	in, err := openSegments(r.path)
	if err != nil {
		return err
	}
	defer in.Close()
	r.in = in
	decoder, err := newDecoder(r.site)
	if err != nil {
		return err
	}
	stages := []*stage{newStage(r.site, []*side{r.base, r.with})}
	if judgesStore(r.base.set) || judgesStore(r.with.set) {
		stages = []*stage{newStage(r.site, []*side{r.base}), newStage(r.site, []*side{r.with})}
	}
	read := make(chan *batch, 4)
	free := make(chan *batch, 16) // those that are folded
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(read)
		err = r.read(ctx, in, read, free)
	})
	wg.Go(func() {
		for b := range read {
			r.decode(decoder, b, stages)
		}
		for _, st := range stages {
			close(st.in)
		}
	})
	for i, st := range stages {
		wg.Go(func() {
			st.fold(func(b *batch) {
				if i == 0 {
					progress(b.bytes)
					select {
					case free <- b:
					default:
					}
				}
			})
		})
	}
	wg.Wait()
	r.rejected += stages[0].late
	logs := stages[0].logs
	if len(stages) == 2 {
		logs = []*alerts.Log{stages[0].logs[0], stages[1].logs[0]}
	}
	r.base.scores, r.with.scores = logs[0].Scores(), logs[1].Scores()
	return err
}

// read hands on the lines of the recording. What was read before an error is folded, and not looked at.
func (r *backtested) read(ctx context.Context, in *segments, to chan<- *batch, free <-chan *batch) error {
	const lines = 1024
	for {
		var b *batch
		select {
		case b = <-free:
		default:
			b = &batch{lines: make([]journal.Line, lines), messages: make([]fusion.Message, lines), took: make([]decoded, lines)}
		}
		b.lines = b.lines[:lines]
		var err error
		for i := range b.lines {
			l := &b.lines[i]
			if err = in.NextInto(l); err != nil {
				b.lines = b.lines[:i]
				break
			}
			if r.lines == 0 {
				r.from, r.headless = l.Received, begins(l)
			}
			r.lines++
			r.to = max(r.to, l.Received)
		}
		b.bytes = in.bytes()
		to <- b
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// decode makes messages of lines, for every stage its own: a fold sets their times right.
func (r *backtested) decode(d *sensors.Decoder, b *batch, stages []*stage) {
	took := b.took[:len(b.lines)]
	for i := range b.lines {
		l := &b.lines[i]
		took[i] = decoded{received: l.Received}
		if l.Control != nil {
			continue
		}
		m := &b.messages[i] // with events of its own: the decoder reads on while they are folded
		err := d.DecodeInto(m, l.Received, l.Topic, l.Retain, l.Payload)
		switch {
		case err == nil:
			took[i].message = m
		case errors.Is(err, sensors.ErrOwnTopic):
			r.note(l)
		default:
			r.rejected++
		}
	}
	for i, st := range stages {
		next := b
		b.took = took
		if i > 0 {
			next = &batch{took: slices.Clone(took)}
			for k := range took {
				if m := took[k].message; m != nil {
					own := *m
					own.Events = slices.Clone(m.Events)
					next.took[k].message = &own
				}
			}
		}
		defer func() { st.in <- next }() // once all are copied
	}
}

// note keeps what an alert line that was recorded along says of whom it is about.
func (r *backtested) note(l *journal.Line) {
	if !strings.HasPrefix(l.Topic, message.Prefix+r.site.Store.ID+"/alert/") {
		return
	}
	var a struct {
		ID      string `json:"id"`
		Subject struct {
			ID string `json:"id"`
		} `json:"subject"`
		Tracks []string `json:"tracks"`
		Event  instant  `json:"event_time"`
	}
	if json.Unmarshal(l.Payload, &a) != nil || a.ID == "" {
		return // of another version; verdicts are still matched by id
	}
	r.said[a.ID] = said{a.Subject.ID, a.Tracks, int64(a.Event)}
}
