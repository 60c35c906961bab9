package alerts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"magpie/fusion"
	"magpie/rules"
)

const (
	second = int64(1e9)
	monday = int64(1767607200) * second // 2026-01-05T10:00:00Z
)

// level is a policy whose score is what the signals say: 0.05 once a till has scanned something, 0.4 after two voids.
const level = `policy: level
title: What the signals say
judge: visit
score: 'voided("any") >= 2 ? 0.4 : scanned("any") - voided("any") >= 1 ? 0.05 : signal("gate") + opened() >= 0.5 ? 0.95 : signal("staff") >= 0.5 ? 0.7 : signal("review") >= 0.5 ? 0.4 : 0.05'
alert: {tiers: {log: 0.1, review: 0.3, staff: 0.6, gate: 0.9}, to: {review: [desk], staff: [floor]}, cooldown: 2m}
`

// calls is one that judges the zone.
const calls = `policy: calls
title: Calls in a zone
judge: zone
score: 'count(signal("call"), "30s") >= 1 ? 0.5 : 0.01'
alert: {tiers: {review: 0.3}, cooldown: 20s}
`

// shift is a core, a book and a log over a small shop; times are seconds, lines what was said.
type shift struct {
	*testing.T
	store *fusion.Store
	desk  *Desk
	core  *fusion.Core[*Book]
	log   *Log
	said  []*Alert
	n     uint64
}

func newShift(t *testing.T, budget Budget, policies ...string) *shift {
	t.Helper()
	square := func(x, y, w, h float64) []fusion.Point {
		return []fusion.Point{{X: x, Y: y}, {X: x + w, Y: y}, {X: x + w, Y: y + h}, {X: x, Y: y + h}}
	}
	s := &fusion.Store{ID: "s042", Currency: "GBP",
		Zones: []fusion.Zone{{ID: "aisle-1", Kind: fusion.Aisle, Polygon: square(0, 0, 4, 4)}, {ID: "aisle-2", Kind: fusion.Aisle, Polygon: square(30, 0, 4, 4)},
			{ID: "till-1", Kind: fusion.Checkout, Polygon: square(0, 4, 4, 4)}},
		Tills:    []fusion.Till{{ID: "till", Zone: 2}},
		Devices:  []fusion.Device{{ID: "sig-1", Kind: fusion.Signal, Zone: 0}, {ID: "sig-2", Kind: fusion.Signal, Zone: 1}},
		Products: []fusion.Product{{SKU: "00000000000017", Written: "17", Price: 500}}}
	for id, kind := range map[string]fusion.Kind{"cam": fusion.Tracks, "till": fusion.TillKind, "sig-1": fusion.Signal, "sig-2": fusion.Signal} {
		s.Sources = append(s.Sources, fusion.Source{ID: id, Kind: kind, Lateness: 3 * second, Every: 10 * second, Zones: []int{0, 1, 2}})
	}
	s.Index()
	files := fstest.MapFS{}
	for i, p := range policies {
		files[fmt.Sprint("p", i, ".yaml")] = &fstest.MapFile{Data: []byte(p)}
	}
	set, err := rules.Load(files, rules.Options{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	d := &Desk{Store: s, Budget: budget}
	d.Install(0, set)
	sh := &shift{T: t, store: s, desk: d, core: fusion.NewCore(s, d.Judge())}
	sh.log = NewLog(func(a *Alert) { sh.said = append(sh.said, a) })
	return sh
}

// send gives the core one event of second ts that arrives delay seconds later; suppose asks for a provisional view.
func (s *shift) send(ts, delay float64, source string, suppose bool, e fusion.Event) {
	s.Helper()
	s.n++
	e.TS, e.Source, e.Hash = monday+int64(ts*1e3)*1e6, s.store.SourceIndex(source), s.n
	e.Kind = s.store.Sources[e.Source].Kind
	received := e.TS + int64(delay*1e3)*1e6
	s.core.Arrive(received)
	s.core.Add(&fusion.Message{Received: received, TS: e.TS, Clocked: true, Source: e.Source, Kind: e.Kind, Ident: s.n, Events: []fusion.Event{e}})
	refolded := s.core.Advance()
	s.confirm(refolded, received)
	if suppose {
		w, b := s.core.Provisional()
		s.log.Suppose(w, b, received)
	}
}

func (s *shift) confirm(refolded bool, received int64) {
	w, b := s.core.Confirmed()
	s.log.Confirm(w, b, refolded, s.core.Watermark(), received)
}

func (s *shift) person(ts float64, track string, x float64) {
	s.send(ts, 0, "cam", false, fusion.Event{ID: track, Name: "person", Conf: 0.9, HasFloor: true, Floor: fusion.Point{X: x, Y: 3}, Zone: -1})
}

func (s *shift) signal(ts, delay float64, source, name string, suppose bool) {
	s.send(ts, delay, source, suppose, fusion.Event{ID: "x", Name: name, On: true, Zone: -1})
}

func (s *shift) till(ts, delay float64, a fusion.Action, suppose bool) {
	s.send(ts, delay, "till", suppose, fusion.Event{ID: "1", Action: a, SKU: "00000000000017", Qty: 1, Zone: -1})
}

// stay is a person in the first aisle, seen every half second, while do does things at whole seconds.
func (s *shift) stay(from, to int, do map[int]func(ts float64)) {
	for i := from; i < to; i++ {
		s.person(float64(i), "A", 2)
		if f := do[i]; f != nil {
			f(float64(i) + 0.1)
		}
		s.person(float64(i)+0.5, "A", 2)
	}
}

func (s *shift) finish() {
	s.confirm(s.core.Finish(), s.core.Watermark())
}

// lines are what was said: rev/final state tier (capped by) and the second it is about.
func (s *shift) lines() string {
	var b strings.Builder
	for _, a := range s.said {
		final := "-"
		if a.Final > 0 {
			final = fmt.Sprint(a.Final)
		}
		capped := ""
		if a.CappedBy != "" {
			capped = " (" + a.CappedBy + ")"
		}
		fmt.Fprintf(&b, "%d/%s %s %s%s %.1f\n", a.Rev, final, a.State, a.Tier, capped, float64(a.At-monday)/1e9)
	}
	return b.String()
}

func (s *shift) want(lines ...string) {
	s.Helper()
	if got, want := strings.TrimSpace(s.lines()), strings.Join(lines, "\n"); got != want {
		s.Errorf("said\n%s\nwant\n%s", got, want)
	}
	seen := map[string]bool{}
	for _, a := range s.said {
		if k := fmt.Sprint(a.ID, a.Rev); seen[k] {
			s.Errorf("%s is said twice", k)
		} else {
			seen[k] = true
		}
	}
}

func TestLife(t *testing.T) {
	s := newShift(t, Budget{}, level)
	s.stay(0, 40, map[int]func(float64){
		5:  func(ts float64) { s.signal(ts, 0, "sig-1", "review", false) },
		8:  func(ts float64) { s.signal(ts, 0, "sig-1", "review", false) }, // nothing changes: no line
		10: func(ts float64) { s.signal(ts, 0, "sig-1", "staff", false) },
		20: func(ts float64) { s.signal(ts, 0, "sig-1", "gate", false) },
		30: func(ts float64) { s.till(ts, 0, fusion.Scan, false) },
	})
	s.finish()
	s.want("1/1 confirmed review 5.1", "2/2 updated staff 10.1", "3/3 updated gate 20.1", "4/4 retracted gate 30.1")
	a := s.said[0]
	if a.SubjectID != fusion.VisitID("s042", "cam", "A", monday) || a.ID != AlertID("s042", a.SubjectID, 1) || a.Tracks[0] != "cam/A" ||
		a.Zone != "aisle-1" || a.EventTime != monday+5100*1e6 || a.Score != 0.4 || s.said[2].EventTime != a.EventTime {
		t.Errorf("%+v", a)
	}
	if to := s.desk.Targets(s.said[0]); len(to) != 1 || to[0] != (Target{Output: "desk"}) {
		t.Errorf("a review goes to %+v", to)
	}
	if to := s.desk.Targets(s.said[2]); len(to) != 2 || !slices.Contains(to, Target{Output: "floor", Floor: true}) {
		t.Errorf("a gate alert goes to %+v", to)
	}
	if got := s.log.Scores(); len(got) != 1 || got[0].Score != 0.95 || got[0].Policy != "level" || got[0].Visit != a.SubjectID {
		t.Errorf("scores %+v", got[0])
	}
}

func TestCooldown(t *testing.T) {
	for _, c := range []struct {
		back int // the second in which the payment is voided
		n    int
	}{{40, 1}, {170, 2}} {
		s := newShift(t, Budget{}, level)
		s.stay(0, c.back+5, map[int]func(float64){
			5:      func(ts float64) { s.signal(ts, 0, "sig-1", "staff", false) },
			20:     func(ts float64) { s.till(ts, 0, fusion.Scan, false) },
			c.back: func(ts float64) { s.till(ts, 0, fusion.Void, false) },
		})
		s.finish()
		if len(s.said) != 4 || s.said[0].ID != AlertID("s042", s.said[0].SubjectID, 1) || s.said[2].State != Confirmed {
			t.Fatalf("said\n%s", s.lines())
		}
		again := s.said[2]
		if again.ID != AlertID("s042", again.SubjectID, c.n) || again.Final != 4-c.n*1 && c.n == 1 || c.n == 2 && again.Rev != 1 {
			t.Errorf("back at %d s: %s", c.back, s.lines())
		}
		if same := again.EventTime == s.said[0].EventTime; same != (c.n == 1) {
			t.Errorf("back at %d s: event time %d", c.back, again.EventTime)
		}
	}
}

func TestClosesWithTheVisit(t *testing.T) {
	s := newShift(t, Budget{}, level)
	s.stay(0, 10, map[int]func(float64){5: func(ts float64) { s.signal(ts, 0, "sig-1", "staff", false) }})
	for i := 10; i < 80; i++ {
		s.send(float64(i), 0, "cam", false, fusion.Event{Zone: -1})
	}
	s.want("1/1 confirmed staff 5.1", "2/2 closed staff 54.5")
	s.finish()
	s.want("1/1 confirmed staff 5.1", "2/2 closed staff 54.5")
}

func TestNobodyIsSure(t *testing.T) {
	s := newShift(t, Budget{}, level)
	s.till(5, 0, fusion.Open, false) // nobody is there
	s.finish()
	s.want("1/1 confirmed review (person) 5.0", "2/2 closed review (person) 5.0")
}

func TestBudget(t *testing.T) {
	s := newShift(t, Budget{Day: 1}, level)
	for i := range 20 {
		s.person(float64(i), "A", 2)
		s.person(float64(i)+0.1, "B", 32)
		switch i {
		case 5:
			s.signal(5.2, 0, "sig-1", "staff", false)
		case 8:
			s.signal(8.2, 0, "sig-2", "staff", false)
		case 12:
			s.signal(12.2, 0, "sig-1", "gate", false) // the alert that was let through may rise
		}
	}
	s.finish()
	s.want("1/1 confirmed staff 5.2", "1/1 confirmed review (budget) 8.2", "2/2 updated gate 12.2",
		"3/3 closed gate 19.1", "2/2 closed review (budget) 19.1")
}

// TestBudgetCountsAlerts: an alert that changes takes of the budget once.
func TestBudgetCountsAlerts(t *testing.T) {
	s := newShift(t, Budget{Day: 2}, level)
	for i := range 20 {
		s.person(float64(i), "A", 2)
		s.person(float64(i)+0.1, "B", 32)
		switch i {
		case 5:
			s.signal(5.2, 0, "sig-1", "staff", false)
		case 8:
			s.signal(8.2, 0, "sig-1", "gate", false)
		case 12:
			s.signal(12.2, 0, "sig-2", "staff", false)
		}
	}
	s.finish()
	s.want("1/1 confirmed staff 5.2", "2/2 updated gate 8.2", "1/1 confirmed staff 12.2", "3/3 closed gate 19.1", "2/2 closed staff 19.1")
}

func TestProvisional(t *testing.T) {
	t.Run("confirmed", func(t *testing.T) {
		s := newShift(t, Budget{}, level)
		s.stay(0, 20, map[int]func(float64){
			5:  func(ts float64) { s.signal(ts, 0, "sig-1", "review", true) },
			6:  func(ts float64) { s.signal(ts, 0, "sig-1", "review", true) },
			15: func(ts float64) { s.signal(ts, 0, "sig-1", "staff", true) }, // of a confirmed one only a rise is said
		})
		s.finish()
		s.want("1/- provisional review 5.1", "2/1 confirmed review 5.1", "3/- updated staff 15.1", "4/2 updated staff 15.1", "5/3 closed staff 19.5")
	})
	t.Run("a payment comes between, which arrives later", func(t *testing.T) {
		s := newShift(t, Budget{}, level)
		s.stay(0, 20, map[int]func(float64){
			5: func(ts float64) { s.signal(ts, 0, "sig-1", "staff", true) },
			6: func(float64) { s.till(4, 2, fusion.Scan, true) },
		})
		s.finish()
		s.want("1/- provisional staff 5.1", "2/- retracted staff 6.0")
	})
	t.Run("and nothing asks for a view any more", func(t *testing.T) {
		s := newShift(t, Budget{}, level)
		s.stay(0, 20, map[int]func(float64){
			5: func(ts float64) { s.signal(ts, 0, "sig-1", "staff", true) },
			6: func(float64) { s.till(4, 2, fusion.Scan, false) },
		})
		s.want("1/- provisional staff 5.1", "2/- retracted staff 5.1")
	})
	t.Run("not confirmed takes no number", func(t *testing.T) {
		s := newShift(t, Budget{}, level)
		s.stay(0, 30, map[int]func(float64){
			5:  func(ts float64) { s.signal(ts, 0, "sig-1", "staff", true) },
			6:  func(float64) { s.till(4, 2, fusion.Scan, true) },
			15: func(ts float64) { s.till(ts, 0, fusion.Void, false) },
		})
		s.finish()
		s.want("1/- provisional staff 5.1", "2/- retracted staff 6.0", "3/1 confirmed staff 15.1", "4/2 closed staff 29.5")
	})
	t.Run("a fall waits for the watermark", func(t *testing.T) {
		s := newShift(t, Budget{}, level)
		s.stay(0, 20, map[int]func(float64){
			5: func(ts float64) { s.signal(ts, 0, "sig-1", "staff", true) },
			6: func(float64) { s.till(4.5, 1.5, fusion.Void, false); s.till(4.6, 1.4, fusion.Void, true) },
		})
		s.finish()
		s.want("1/- provisional staff 5.1", "2/1 confirmed review 4.6", "3/- updated review 5.1", "4/2 closed review 19.5")
	})
	t.Run("taken back before it rose", func(t *testing.T) {
		s := newShift(t, Budget{}, level)
		s.stay(0, 20, map[int]func(float64){
			5:  func(ts float64) { s.signal(ts, 0, "sig-1", "staff", false) },
			10: func(ts float64) { s.till(ts, 0, fusion.Scan, false) },
			12: func(ts float64) { s.till(ts, 0, fusion.Void, false); s.signal(ts+0.1, 0, "sig-1", "gate", true) },
		})
		s.finish()
		s.want("1/1 confirmed staff 5.1", "2/- updated gate 12.2", "3/2 retracted staff 10.1", "4/3 confirmed staff 12.1", "5/4 updated gate 12.2", "6/5 closed gate 19.5")
		known := s.said[0]
		var tiers []string
		for _, a := range s.said[1:] {
			if Newer(a, known) {
				known = a
				tiers = append(tiers, string(a.State)+" "+a.Tier)
			}
		}
		if got := strings.Join(tiers, ", "); got != "updated gate, updated gate, closed gate" {
			t.Errorf("what is known goes %s", got)
		}
	})
	t.Run("taken back before it rose in vain", func(t *testing.T) {
		s := newShift(t, Budget{}, level)
		s.stay(0, 20, map[int]func(float64){
			5:  func(ts float64) { s.signal(ts, 0, "sig-1", "staff", false) },
			10: func(ts float64) { s.till(ts, 0, fusion.Scan, false) },
			12: func(ts float64) { s.till(ts, 0, fusion.Void, false); s.signal(ts+0.1, 0, "sig-1", "gate", true) },
			13: func(float64) { s.till(11, 2, fusion.Scan, false) },
		})
		s.finish()
		s.want("1/1 confirmed staff 5.1", "2/- updated gate 12.2", "3/2 retracted staff 10.1", "4/- retracted staff 12.2")
	})
	t.Run("a rise that does not come", func(t *testing.T) {
		s := newShift(t, Budget{}, level)
		s.stay(0, 20, map[int]func(float64){
			2:  func(ts float64) { s.signal(ts, 0, "sig-1", "review", false) },
			10: func(ts float64) { s.signal(ts, 0, "sig-1", "gate", true) },
			11: func(float64) { s.till(9.5, 1.5, fusion.Void, false) },
			12: func(float64) { s.till(9.8, 2.2, fusion.Void, false) },
		})
		s.finish()
		s.want("1/1 confirmed review 2.1", "2/- updated gate 10.1", "3/- updated review 10.1", "4/2 closed review 19.5")
	})
}

// TestLateTakesBack: what arrives behind the watermark changes what was said for good.
func TestLateTakesBack(t *testing.T) {
	s := newShift(t, Budget{}, level)
	s.stay(0, 40, map[int]func(float64){
		5:  func(ts float64) { s.signal(ts, 0, "sig-1", "staff", false) },
		30: func(float64) { s.till(4, 26.2, fusion.Scan, false) }, // paid before, but the till was off line
		35: func(float64) { s.till(4.5, 30.7, fusion.Void, false) },
	})
	s.finish()
	if got := s.lines(); !strings.HasPrefix(got, "1/1 confirmed staff 5.1\n2/2 retracted staff 27") ||
		!strings.Contains(got, "\n3/3 confirmed staff 32") || !strings.HasSuffix(got, "4/4 closed staff 39.5\n") {
		t.Errorf("said\n%s", got)
	}
	if s.core.Refolds != 2 {
		t.Errorf("%d refolds", s.core.Refolds)
	}
}

// TestZonesAlertCloses: the alert of a zone closes when it has been quiet for its cool-down, and a late message about
// something else does not take that back.
func TestZonesAlertCloses(t *testing.T) {
	s := newShift(t, Budget{}, calls)
	s.stay(0, 60, map[int]func(float64){
		5:  func(ts float64) { s.signal(ts, 0, "sig-1", "call", false) },
		45: func(float64) { s.signal(15, 30.2, "sig-2", "other", false) },
	})
	if s.core.Refolds != 1 {
		t.Errorf("%d refolds", s.core.Refolds)
	}
	s.want("1/1 confirmed review 5.1", "2/2 closed review 25.1")
}

// TestBookClone: judging a copy leaves the original as it was, and judging on leaves a copy as it was.
func TestBookClone(t *testing.T) {
	s := newShift(t, Budget{Day: 4}, level, calls)
	s.stay(0, 10, map[int]func(float64){5: func(ts float64) { s.signal(ts, 0, "sig-1", "staff", false) }})
	_, b := s.core.Confirmed()
	show := func(b *Book) string {
		var all []string
		for _, k := range sortedKeys(b.subjects) {
			x := b.subjects[k]
			all = append(all, fmt.Sprintf("%s %d %d %d %v %v %d %+v", k, x.n, x.quiet, x.due, x.open, x.latest, x.ended, x.memory.Results()))
		}
		return fmt.Sprint(all, b.due, b.spent)
	}
	before := show(b)
	s.till(10, 0, fusion.Scan, true)
	s.signal(10.5, 0, "sig-1", "gate", true)
	s.signal(10.6, 0, "sig-1", "call", true)
	s.core.Provisional()
	if after := show(b); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	c := b.clone()
	s.stay(11, 20, nil)
	if after := show(c); after != before || show(b) == before {
		t.Errorf("before\n%s\nthe copy after\n%s", before, after)
	}
}

// TestSupposedAgain: an alert that was supposed and taken back keeps counting its lines, however much later it is
// confirmed.
func TestSupposedAgain(t *testing.T) {
	s := newShift(t, Budget{}, level)
	s.stay(0, 300, map[int]func(float64){
		5:   func(ts float64) { s.signal(ts, 0, "sig-1", "staff", true) },
		6:   func(float64) { s.till(4, 2, fusion.Scan, true) },
		270: func(ts float64) { s.till(ts, 0, fusion.Void, false) },
		280: func(ts float64) { s.signal(ts, 0, "sig-1", "staff", false) },
	})
	s.finish()
	revs := map[int]bool{}
	for _, a := range s.said {
		if revs[a.Rev] {
			t.Fatalf("rev %d was said twice\n%s", a.Rev, s.lines())
		}
		revs[a.Rev] = true
	}
	if len(revs) < 4 {
		t.Errorf("the alert was not supposed, taken back and confirmed:\n%s", s.lines())
	}
}

// TestCountedOnce: late messages of one source do not keep the facts of others from being counted, nor count any twice.
func TestCountedOnce(t *testing.T) {
	count := func(late float64) (n int) {
		s := newShift(t, Budget{}, level)
		s.log.Facts = func(c []fusion.Change) {
			for i := range c {
				if c[i].Visit.Subject == fusion.SubjectStore && c[i].Fact.Kind == fusion.FactSignal {
					n++
				}
			}
		}
		steps := map[int]func(float64){}
		for i := 5; i < 60; i++ {
			steps[i] = func(ts float64) {
				if late > 0 { // the same line moves the watermark over the signal of three seconds ago
					s.till(ts-late-3, late+3, fusion.Open, false)
				}
				s.signal(ts-0.05, 0.05, "sig-1", "call", false)
			}
		}
		s.stay(0, 60, steps)
		s.finish()
		if late > 0 && s.core.Refolds == 0 {
			t.Error("nothing was late")
		}
		return n
	}
	if want, got := count(0), count(0.6); got != want || want == 0 {
		t.Errorf("%d signals counted beside a late till, %d without it", got, want)
	}
}

// TestNewSetOfOneWhoStands: a set that comes while somebody stands still judges by its timers, though nothing new is heard.
func TestNewSetOfOneWhoStands(t *testing.T) {
	s := newShift(t, Budget{}, level)
	const waits = "policy: waits\ntitle: Waits\njudge: visit\nscore: 'dwell(\"id:aisle-1\") >= 30 ? 0.7 : 0.05'\nalert: {tiers: {staff: 0.6}}\n"
	set, err := rules.Load(fstest.MapFS{"waits.yaml": &fstest.MapFile{Data: []byte(waits)}}, rules.Options{Store: s.store})
	if err != nil {
		t.Fatal(err)
	}
	s.stay(0, 60, map[int]func(float64){10: func(ts float64) { s.desk.Install(monday+int64(ts*1e9), set) }})
	s.finish()
	if got := s.lines(); !strings.Contains(got, "confirmed staff 30") {
		t.Errorf("said\n%s", got)
	}
}

// TestCooldownOfOthers: how long an alert keeps the next one back is its own policies' to say, not that of one that has reached nothing.
func TestCooldownOfOthers(t *testing.T) {
	const other = `policy: other
title: Never reaches a tier
score: 'signal("staff") > 5 ? 0.95 : 0.01'
alert: {tiers: {review: 0.9}, cooldown: 24h}
`
	s := newShift(t, Budget{}, level, other)
	s.stay(0, 175, map[int]func(float64){
		5:   func(ts float64) { s.signal(ts, 0, "sig-1", "staff", false) },
		20:  func(ts float64) { s.till(ts, 0, fusion.Scan, false) },
		170: func(ts float64) { s.till(ts, 0, fusion.Void, false) },
	})
	s.finish()
	if len(s.said) != 4 || s.said[2].ID != AlertID("s042", s.said[2].SubjectID, 2) {
		t.Errorf("said\n%s", s.lines())
	}
}

// TestBudgetOfASource: a score below one half has a source too, and its reason does not speak against it.
func TestBudgetOfASource(t *testing.T) {
	const low = `policy: low
title: Low
score: 'signal("staff") >= 0.5 ? 0.45 : 0.05'
alert: {tiers: {review: 0.2, staff: 0.4}}
`
	s := newShift(t, Budget{Source: 1}, low)
	for i := range 20 {
		s.person(float64(i), "A", 2)
		s.person(float64(i)+0.1, "B", 32)
		switch i {
		case 5:
			s.signal(5.2, 0, "sig-1", "staff", false)
		case 8:
			s.signal(8.2, 0, "sig-2", "staff", false)
		}
	}
	s.finish()
	for _, a := range s.said {
		if a.CappedBy == "budget" || strings.Contains(a.Why, "against") || !strings.HasPrefix(a.Why, "Low: 45 % likely") {
			t.Errorf("%s: %s, %s", a.Tier, a.CappedBy, a.Why)
		}
	}
	if len(s.said) == 0 {
		t.Error("nothing was said")
	}
}
