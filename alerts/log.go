package alerts

import (
	"math"
	"slices"

	"magpie/fusion"
	"magpie/rules"
)

// Log remembers what was said of each alert and says what is new: the difference between that and what the core holds,
// for good (final lines) or for now (provisional ones). Emit gets every line, in order; it must not keep the pointer's
// target from changing, and need not copy: a line is never changed once emitted.
type Log struct {
	Emit func(*Alert)
	// Facts and Judged get what was confirmed, once; not what a late message made the core fold again. Either may be nil.
	Facts  func([]fusion.Change)
	Judged func([]Judgement)

	// ForgetScores is for who never asks for Scores, and runs for long.
	ForgetScores bool

	counted int64 // the watermark up to which facts were handed on
	next    int64 // the watermark from which on something of what was said may be settled

	said   map[string]*said
	scores map[string]*VisitScore
	recent []string // visits with a score that a late fact may still take away, one that was scored again once more
}

// said is what the outputs know of an alert.
type said struct {
	rev, final int
	last       *Alert
	decided    *Alert // the last final line, nil: none yet
	ahead      *Alert // the provisional line that final ones have not caught up with; nil: none
}

// tier is the highest tier that the outputs take the alert to have.
func (s *said) tier() int {
	if s.ahead != nil {
		return max(rules.TierRank(s.ahead.Tier), rules.TierRank(s.last.Tier))
	}
	return rules.TierRank(s.last.Tier)
}

// Newer reports whether line a of an alert says more of what is known than line b of the same alert: the one with the higher
// rev, unless it is a final line that has yet to catch up with a provisional one (see behind).
func Newer(a, b *Alert) bool {
	if a.Rev < b.Rev {
		return behind(b, a)
	}
	return a.Rev > b.Rev && !behind(a, b)
}

// behind reports whether final line f repeats an earlier moment than provisional line p has told of: it stands for less, by
// a tier or by the 0.05 that make a line due, or not at all, and a further line will follow.
func behind(f, p *Alert) bool {
	if f.Final == 0 || p.Final != 0 || f.At >= p.At || f.State == Closed || f.MergedInto != "" || p.State == Retracted || p.State == Closed {
		return false
	}
	return f.State == Retracted || rules.TierRank(f.Tier) < rules.TierRank(p.Tier) || p.Score-f.Score >= 0.05
}

// standing reports whether the outputs take the alert to stand.
func (s *said) standing() bool { return s.last.State != Retracted && s.last.State != Closed }

// confirmed reports whether the outputs take the alert to stand for good.
func (s *said) confirmed() bool {
	return s != nil && s.decided != nil && s.decided.State != Retracted && s.decided.State != Closed
}

// NewLog returns a log that has said nothing.
func NewLog(emit func(*Alert)) *Log {
	return &Log{Emit: emit, said: map[string]*said{}, scores: map[string]*VisitScore{}}
}

// say emits a line: a copy with its revision, and with its final number if the watermark decided it.
func (l *Log) say(a *Alert, state State, at, raised int64, final bool) {
	s := l.said[a.ID]
	if s == nil {
		s = &said{}
		l.said[a.ID] = s
	}
	line := *a
	line.State, line.At, line.RaisedAt = state, at, raised
	l.next = 0
	s.rev++
	line.Rev, line.Final = s.rev, 0
	s.last = &line
	if final {
		s.final++
		line.Final = s.final
		s.decided = &line
	}
	switch {
	case !final && state != Retracted:
		s.ahead = &line
	case s.ahead != nil && (line.At >= s.ahead.At || state == Closed || state == Retracted && (!final || line.MergedInto != "")):
		s.ahead = nil
	}
	l.Emit(&line)
}

// Confirm says what the core has confirmed since the last call, up to the watermark; raised is the received time of the
// line that made it so.
// After a refold the lines of the book repeat what was said before, so the difference is said instead.
func (l *Log) Confirm(w *fusion.World, b *Book, refolded bool, watermark, raised int64) {
	if refolded {
		l.revise(w, b, watermark, raised)
	} else {
		for _, a := range b.lines {
			l.say(a, a.State, a.At, raised, true)
		}
	}
	if !l.ForgetScores {
		l.score(b, refolded, watermark)
	}
	l.count(b, refolded)
	l.counted = max(l.counted, watermark)
	b.lines, b.scores, b.made, b.judged = nil, nil, b.made[:0], b.judged[:0]
	l.settle(w, b, watermark, raised)
}

// count hands on what was confirmed. After a refold that is what the watermark has passed since: what lay before it was
// counted when it was first confirmed, and what a late message changes in it is not counted again.
func (l *Log) count(b *Book, refolded bool) {
	made, judged := b.made, b.judged
	if refolded {
		made = slices.DeleteFunc(slices.Clone(made), func(c fusion.Change) bool { return c.Fact.TS < l.counted })
		judged = slices.DeleteFunc(slices.Clone(judged), func(j Judgement) bool { return j.At < l.counted })
	}
	if l.Facts != nil {
		l.Facts(made)
	}
	if l.Judged != nil {
		l.Judged(judged)
	}
}

// score keeps the score lines of visits that have ended.
func (l *Log) score(b *Book, refolded bool, watermark int64) {
	for _, s := range b.scores {
		l.scores[s.Visit] = s
		l.recent = append(l.recent, s.Visit)
	}
	if !refolded {
		return
	}
	l.recent = slices.DeleteFunc(l.recent, func(id string) bool {
		s := l.scores[id]
		if s == nil || watermark-s.To >= 120e9 {
			return true
		}
		x := b.subjects[key(fusion.SubjectVisit, id)]
		if x == nil || x.merged != "" { // a late fact has made it another's
			delete(l.scores, id)
			return true
		}
		return false
	})
}

// revise says how the book differs from what was said for good.
func (l *Log) revise(w *fusion.World, b *Book, watermark, raised int64) {
	now := w.Now()
	stands, closed := b.standing(), b.closed(now)
	for _, id := range sortedKeys(l.said) {
		d := l.said[id].decided
		if d == nil || d.State == Retracted || stands[id] != nil || closed[id] != nil {
			continue
		}
		if d.State == Closed && watermark-d.At > forgetAfter-15e9 {
			continue // out of reach of any late fact
		}
		l.say(b.went(d), Retracted, now, raised, true)
	}
	for _, id := range sortedKeys(stands) {
		a, s := stands[id], l.said[id]
		switch {
		case s == nil || s.decided == nil || s.decided.State == Retracted:
			l.say(a, Confirmed, now, raised, true)
		case s.decided.State == Closed || differs(a, s.decided) || a.EventTime != s.decided.EventTime:
			l.say(a, Updated, now, raised, true)
		}
	}
	for _, id := range sortedKeys(closed) {
		a, s := closed[id], l.said[id]
		if s == nil || s.decided == nil || s.decided.State != Closed || !same(a, s.decided) {
			l.say(a, Closed, now, raised, true)
		}
	}
}

// same reports whether two lines say the same but for what counts lines and moments.
func same(a, b *Alert) bool {
	x, y := *a, *b
	for _, p := range []*Alert{&x, &y} {
		p.Rev, p.Final, p.State, p.At, p.RaisedAt = 0, 0, "", 0, 0
	}
	return string(x.AppendJSON(nil, true)) == string(y.AppendJSON(nil, true))
}

// settle takes back what was supposed and the watermark has passed without confirming it, and forgets what nothing can
// change any more.
func (l *Log) settle(w *fusion.World, b *Book, watermark, raised int64) {
	if watermark < l.next {
		return
	}
	l.next = math.MaxInt64
	var passed []string
	for id, s := range l.said {
		if s.ahead != nil {
			if watermark > s.ahead.At {
				passed = append(passed, id)
			} else {
				l.next = min(l.next, s.ahead.At+1)
			}
		}
		switch {
		case s.standing():
		case watermark-s.last.At <= 2*forgetAfter:
			l.next = min(l.next, s.last.At+2*forgetAfter+1)
		case b.mayReturn(s.last):
			l.next = min(l.next, watermark+1e9) // there is no hurry
		default:
			delete(l.said, id)
		}
	}
	if len(passed) == 0 {
		return
	}
	slices.Sort(passed)
	stands := b.standing()
	for _, id := range passed {
		s, a := l.said[id], stands[id]
		at := max(w.Now(), s.ahead.At)
		switch {
		case a == nil:
			l.say(b.went(s.last), Retracted, at, raised, false)
		case rules.TierRank(a.Tier) < rules.TierRank(s.ahead.Tier): // the rise was supposed in vain
			l.say(a, Updated, at, raised, false)
		}
		s.ahead = nil
	}
}

// Suppose says what a provisional view adds to what is confirmed: alerts that will stand if nothing comes between, ones
// whose tier will rise, and provisional ones that will not stand after all, as when a payment comes between. Each view is
// folded anew from what has arrived by then, be it half an epoch without the frames that belong to it, so that one view may
// well say less than the view before it and the next more again. A tier that rises is told at once, one that falls waits
// for the watermark (see settle).
func (l *Log) Suppose(w *fusion.World, b *Book, raised int64) {
	now := w.Now()
	stands := b.standing()
	for _, id := range sortedKeys(stands) {
		a, s := stands[id], l.said[id]
		switch {
		case s != nil && s.ahead != nil && rules.TierRank(a.Tier) < rules.TierRank(s.ahead.Tier):
		case s == nil || s.last.State == Retracted:
			l.say(a, Provisional, b.since(id, now), raised, false)
		case s.last.State == Provisional && (differs(a, s.last) || a.EventTime != s.last.EventTime):
			l.say(a, Provisional, b.since(id, now), raised, false)
		case s.confirmed() && rules.TierRank(a.Tier) > s.tier():
			l.say(a, Updated, b.since(id, now), raised, false)
		}
	}
	closed := b.closed(now)
	for _, id := range sortedKeys(l.said) {
		if s := l.said[id]; s.last.State == Provisional && stands[id] == nil && closed[id] == nil {
			l.say(b.went(s.last), Retracted, now, raised, false)
		}
	}
}

// Scores lists the score lines of all visits that have ended, ordered by (to, visit).
func (l *Log) Scores() []*VisitScore { return sortScores(l.scores) }
