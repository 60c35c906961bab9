package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"magpie/fusion"
)

// TestGroupsAreClipped holds that evidence of one kind adds no more than its strongest member, or than its cap says.
func TestGroupsAreClipped(t *testing.T) {
	f := func(groups string, want float64) {
		t.Helper()
		set := load(t, Options{}, "p.yaml", policy("prior: 0.5", groups, "evidence:",
			`  - {name: a, if: 'picked("any") > 0', weight: moderate, group: g}`,
			`  - {name: b, if: 'picked("any") > 0', weight: strong, group: g}`,
			`  - {name: c, if: 'picked("any") > 0', clears: weak, group: h}`,
			`  - {name: d, if: 'picked("any") > 0', clears: weak, group: h}`,
			`  - {name: e, if: 'picked("any") > 0', lr: 2}`,
			`  - {name: f, if: 'picked("any") > 0', lr: 2}`))
		s := newSubject(t, set, shop())
		s.fact(1, picked(1))
		odds := s.result().Score / (1 - s.result().Score)
		if math.Abs(odds/want-1) > 1e-5 {
			t.Errorf("%s: odds %v, want %v", groups, odds, want)
		}
	}
	f("groups: {}", 100*1.0/3*2*2)
	f("groups: {g: {cap: 20}}", 20*1.0/3*2*2)
	f("groups: {g: {cap: 100000}, h: {cap: 100}}", 1000*1.0/9*2*2)
}

// TestTiers holds how a score and the value at risk choose a tier.
func TestTiers(t *testing.T) {
	set := load(t, Options{FalseAlarm: 25, Recover: 0.6}, "p.yaml", "policy: p\ntitle: t\nscore: '0'\nalert: {tiers: {log: 0.1, review: 0.3, staff: cost, gate: 0.9}}\n")
	p := set.Policies[0]
	f := func(score, value float64, required bool, tier, capped string) {
		t.Helper()
		if got, by := p.tier(score, value, required); got != tier || by != capped {
			t.Errorf("score %v, value %v, required %v: got %s capped by %q, want %s by %q", score, value, required, got, by, tier, capped)
		}
	}
	f(0.09, 60, true, "", "")
	f(0.1, 60, true, "log", "")
	f(0.3, 60, true, "review", "")
	f(0.40, 60, true, "review", "") // 25 / (25 + 0.6 × 60) = 0.4098
	f(0.41, 60, true, "staff", "")
	f(0.41, 15, true, "review", "") // 25 / (25 + 0.6 × 15) = 0.7353
	f(0.74, 15, true, "staff", "")
	f(0.29, 1e6, true, "log", "") // never under review
	f(0.31, 1e6, true, "staff", "")
	f(0.95, 0, true, "gate", "")
	f(0.95, 60, false, "review", "require")
	p = load(t, Options{}, "p.yaml", "policy: p\ntitle: t\nscore: '0.5'\nalert: {tiers: {log: 0.1, staff: 0.6}}\n").Policies[0] // which names no review
	f(0.7, 0, false, "review", "require")
	f(0.7, 0, true, "staff", "")
	f(0.5, 0, false, "log", "")
	f(0.25, 60, false, "log", "")
}

// TestJudgedOnlyByItsOwnFacts holds contract §4: a policy is judged when a fact changes one of its operands, by nothing
// else, and the score holds until then.
func TestJudgedOnlyByItsOwnFacts(t *testing.T) {
	set := load(t, Options{}, "p.yaml", scoring(`scanned("any") > 0 ? 0.1 : picked("any") > 1 ? 0.9 : 0.2`))
	s := newSubject(t, set, shop())
	if s.fact(1, fusion.Fact{Kind: fusion.FactRead, Zone: 3, Product: 0, N: 1}) {
		t.Error("judged by a read, which it does not use")
	}
	if !s.fact(2, picked(1)) || s.result().Score != 0.2 {
		t.Error("not judged by a pick")
	}
	if s.fact(3, picked(0)) {
		t.Error("judged by a pick that changed nothing")
	}
	if !s.fact(4, picked(1)) || s.result().Score != 0.9 || s.result().At != monday+4*second {
		t.Errorf("after the second pick: %+v", s.result())
	}
	if !s.fact(5, scanned(1)) || s.result().Score != 0.1 || s.result().Best != 0.9 {
		t.Errorf("after the scan: %+v", s.result())
	}
}

// TestWindowsExpireButJudgeNothing holds that a window counts up to now, and that a fact in a window always judges, also
// where the old value had only expired.
func TestWindowsExpireButJudgeNothing(t *testing.T) {
	set := load(t, Options{}, "p.yaml", "policy: p\ntitle: t\nscore: 'count(picked(\"any\"), \"10s\") / 10'\nalert: {tiers: {log: 0.05}}\n")
	s := newSubject(t, set, shop())
	s.fact(0, picked(1))
	s.v.Now = monday + 30*second
	if s.set.Fire(&s.m, s.v) || s.set.Due(&s.m, s.v) != math.MaxInt64 {
		t.Error("the end of a window judged")
	}
	if r := s.result(); r.Score != 0.1 || r.At != monday {
		t.Errorf("the score did not hold: %+v", r)
	}
	if !s.fact(40, picked(1)) || s.result().Score != 0.1 || s.result().At != monday+40*second {
		t.Errorf("a pick after the window did not judge: %+v", s.result())
	}
	s.fact(45, picked(1))
	if s.result().Score != 0.2 || len(s.result().Evidence[0].Facts) != 2 {
		t.Errorf("two picks within the window: %+v", s.result())
	}
}

// TestEvidenceNamesEveryModality holds that a source that says much does not hide what others saw: of the eight facts
// behind a piece of evidence, the newest of each modality come first, then the newest of each source, then the newest.
func TestEvidenceNamesEveryModality(t *testing.T) {
	store := shop()
	store.Sources = append(store.Sources, fusion.Source{ID: "g2", Kind: fusion.Weight, Zones: []int{1}})
	for range 8 {
		store.Sources = append(store.Sources, fusion.Source{ID: fmt.Sprintf("r-%d", len(store.Sources)), Kind: fusion.RFID, Zones: []int{3}})
	}
	store.Index()
	set := load(t, Options{Store: store}, "p.yaml", scoring(`picked("any") > 0 and read("exit") > 0 ? 0.5 : 0.1`))
	read := func(source string) fusion.Fact {
		return fusion.Fact{Kind: fusion.FactRead, Zone: 3, Product: 0, N: 1, P: 1, Source: store.SourceIndex(source)}
	}
	pick := func(source string) fusion.Fact {
		f := picked(1)
		f.Source = store.SourceIndex(source)
		return f
	}
	f := func(name, want string, facts ...fusion.Fact) {
		t.Helper()
		s := newSubject(t, set, store)
		for i, x := range facts {
			s.fact(float64(i+1), x)
		}
		var got []string
		for _, x := range s.result().Evidence[0].Facts {
			got = append(got, fmt.Sprintf("%s %d", store.Sources[x.Source].ID, (x.At-monday)/1e9))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s:\n got %s\nwant %s", name, strings.Join(got, ", "), want)
		}
	}
	chatty := []fusion.Fact{pick("g1"), pick("g1"), pick("g2")}
	for range 9 {
		chatty = append(chatty, read("r-door"))
	}
	f("one reader", "r-door 12, r-door 11, r-door 10, r-door 9, r-door 8, r-door 7, g2 3, g1 2", chatty...)
	many := []fusion.Fact{pick("g1"), pick("g2")}
	for i := range 8 {
		many = append(many, read(fmt.Sprintf("r-%d", 5+i)))
	}
	f("many readers", "r-12 10, r-11 9, r-10 8, r-9 7, r-8 6, r-7 5, r-6 4, g2 2", many...)
	s := newSubject(t, set, store)
	s.fact(1, pick("g1"))
	s.fact(2, read("r-door"))
	s.fact(2, read("r-door"))
	if n := len(s.result().Evidence[0].Facts); n != 2 {
		t.Errorf("%d facts, want 2: two come of one reading", n)
	}
}

// TestAbsentFires holds that absent(…) becomes true when the window has passed, by its timer, if a till could have seen.
func TestAbsentFires(t *testing.T) {
	f := func(name string, covered bool, scanAt, want float64, missing bool) {
		t.Helper()
		store := shop()
		set := load(t, Options{Store: store}, "p.yaml", scoring(`absent(scanned("any"), picked("any"), "10s") ? 0.8 : picked("any") * 0.4`))
		s := newSubject(t, set, store)
		if covered {
			for at := int64(-20); at <= 20; at += 10 {
				s.v.World.Fold(&fusion.Event{TS: monday + at*second, Kind: fusion.Status, Source: store.SourceIndex("sco-1"), Every: 10 * second, Zone: -1})
			}
		}
		s.fact(1, picked(1))
		if due := s.set.Due(&s.m, s.v); due != monday+11*second {
			t.Errorf("%s: due %d s after the start, want 11", name, (due-monday)/second)
		}
		if scanAt > 0 {
			s.fact(scanAt, scanned(1))
		}
		if scanAt < 11 {
			s.v.Now = monday + 11*second
			s.set.Fire(&s.m, s.v)
		}
		if r := s.result(); r.Score != want || slices.Contains(r.Missing, "till coverage") != missing {
			t.Errorf("%s: got %v, missing %v, want %v, till missing %v", name, r.Score, r.Missing, want, missing)
		}
		if due := s.set.Due(&s.m, s.v); due != math.MaxInt64 {
			t.Errorf("%s: still due at %d", name, due)
		}
	}
	f("nothing scanned", true, 0, 0.8, false)
	f("scanned in time", true, 5, 0.4, false)
	f("scanned at the end of the window", true, 11, 0.4, false)
	f("no till alive", false, 0, 0.4, true)
}

// TestDwellFires holds that dwell(…) >= … is judged when it is reached, also where it is written as not less.
func TestDwellFires(t *testing.T) {
	for _, expr := range []string{`dwell("aisle") >= 20 ? 1 : 0.5`, `20 <= dwell("aisle") ? 1 : 0.5`, `dwell("aisle") < 20 ? 0.5 : 1`, `not (dwell("aisle") <= 20) ? 1 : 0.5`} {
		store := shop()
		set := load(t, Options{Store: store}, "p.yaml", scoring(expr))
		w := fusion.NewWorld(store)
		var m Memory
		see := func(at int64) (judged bool) {
			tell := func() {
				for _, c := range append([]fusion.Change(nil), w.Changes()...) {
					if c.Visit.Subject == fusion.SubjectVisit {
						judged = set.Judge(&m, fusion.View{World: w, Visit: c.Visit, Now: monday + at}, []fusion.Fact{c.Fact}) || judged
					}
				}
			}
			for w.Due() <= monday+at {
				w.Fire(w.Due())
				tell()
			}
			w.Fold(&fusion.Event{TS: monday + at, Kind: fusion.Tracks, Source: store.SourceIndex("cam-1"), ID: "A", Name: "person",
				Conf: 0.9, HasFloor: true, Floor: fusion.Point{X: 4, Y: 3.5}, Zone: -1, Hash: uint64(at)})
			tell()
			return judged
		}
		due := int64(math.MaxInt64)
		for at := int64(0); at < 19*second; at += second / 5 {
			see(at)
			if v := w.Visits(); len(v) > 0 && at > 5*second {
				due = set.Due(&m, fusion.View{World: w, Visit: v[0], Now: monday + at})
			}
		}
		if due < monday+20*second || due > monday+22*second {
			t.Errorf("%s: due %.1f s after the start, want 20 to 22", expr, float64(due-monday)/1e9)
			continue
		}
		v := fusion.View{World: w, Visit: w.Visits()[0], Now: due}
		early := v
		if early.Now -= 2; strings.Contains(expr, "<= 20)") {
			early.Now++ // exactly 20 s, which is not more
		}
		if set.Fire(m.Clone(), early) {
			t.Errorf("%s: fired before it was due", expr)
		}
		if !set.Fire(&m, v) || len(m.Results()) != 1 || m.Results()[0].Score != 1 {
			t.Errorf("%s: fired to %+v", expr, m.Results())
		}
		if set.Fire(&m, v) || set.Due(&m, v) != math.MaxInt64 {
			t.Errorf("%s: fires twice", expr)
		}
	}
}

// TestCloneIsApart holds that judging a copy leaves the original as it was.
func TestCloneIsApart(t *testing.T) {
	set := load(t, Options{}, "p.yaml", policy("prior: 0.1", "evidence:", `  - {name: a, if: 'picked("any")', weight: strong, half_life: 10s}`))
	s := newSubject(t, set, shop())
	s.fact(1, picked(0.5))
	before := s.result()
	c := s.m.Clone()
	v := s.v
	visit := *v.Visit
	visit.Facts = visit.Facts.Clip()
	visit.Facts.Append(fusion.Fact{Kind: fusion.FactPicked, Product: 0, Zone: 1, N: 1, TS: v.Now, At: v.Now})
	v.Visit = &visit
	if !set.Judge(c, v, visit.Facts.List()[1:]) || c.Results()[0].Score <= before.Score {
		t.Fatalf("the copy was not judged: %+v", c.Results())
	}
	if got := s.result(); got.Score != before.Score || s.m.values[0] != 0.5 || (*s.m.state.get(0).peaks)[0].value != nats(round9(math.Log(100)), 0.5) {
		t.Errorf("the original changed: %+v", s.m.state.get(0))
	}
}

// TestReloadKeepsWhatIsStillTheSame swaps sets: a policy that did not change keeps its result, a changed one begins anew
// and is judged from the visit's facts.
func TestReloadKeepsWhatIsStillTheSame(t *testing.T) {
	same := "policy: same\ntitle: t\nscore: 'picked(\"any\") / 10'\nalert: {tiers: {log: 0.1}}\n"
	old := load(t, Options{}, "same.yaml", same, "p.yaml", scoring(`picked("any") / 5`))
	s := newSubject(t, old, shop())
	s.fact(1, picked(2))
	if len(s.m.Results()) != 2 {
		t.Fatalf("got %+v", s.m.Results())
	}
	s.set = load(t, Options{}, "same.yaml", same, "p.yaml", scoring(`(picked("any") + scanned("any")) / 4`))
	if s.set.Hash == old.Hash || s.set.Policies[1].Hash != old.Policies[1].Hash || s.set.Policies[0].Hash == old.Policies[0].Hash {
		t.Error("the hashes do not follow the files")
	}
	s.fact(2, scanned(1))
	all := s.m.Results()
	if len(all) != 2 || all[0].Policy.ID != "p" || all[0].Score != 0.75 || all[1].Score != 0.2 || all[1].At != monday+second {
		t.Errorf("after the swap: %+v", all)
	}
	if all[1].Policy != s.set.Policies[1] {
		t.Error("a kept result names a policy of the old set")
	}
}

// TestOneSetForEachSubject holds that a till's policies judge tills only, and that off is never judged.
func TestOneSetForEachSubject(t *testing.T) {
	set := load(t, Options{}, "till.yaml", "policy: till\ntitle: t\njudge: till\nscore: 'count(voided(\"any\"), \"10m\") / 10'\nalert: {tiers: {log: 0.1}}\n",
		"visit.yaml", "policy: visit\ntitle: t\nscore: 'voided(\"any\") / 10'\nalert: {tiers: {log: 0.1}}\n",
		"off.yaml", "policy: off\ntitle: t\nmode: off\nscore: 'voided(\"any\") / 10'\nalert: {tiers: {log: 0.1}}\n")
	for kind, want := range map[fusion.SubjectKind]string{fusion.SubjectVisit: "visit", fusion.SubjectTill: "till"} {
		s := newSubject(t, set, shop())
		s.v.Visit.Subject = kind
		s.fact(1, fusion.Fact{Kind: fusion.FactVoided, Zone: 2, Product: 0, N: 1})
		if r := s.result(); r.Policy.ID != want || r.Score != 0.1 {
			t.Errorf("%s: got %+v", kind, r)
		}
	}
}

// TestNeedsPutInShadow holds that a site without what a policy needs runs it in shadow and says so, and that the site
// may set modes and params.
func TestNeedsPutInShadow(t *testing.T) {
	text := "policy: p\ntitle: t\nneeds: [weight@aisle, rfid@fitting]\nparams: {floor: 3}\nscore: 'picked(\"any\") > floor ? 1 : 0.5'\nalert: {tiers: {log: 0.1}}\n"
	set := load(t, Options{}, "p.yaml", text)
	if p := set.Policies[0]; p.Mode != Shadow || p.Shadowed != "it needs rfid@fitting, which the site has not" ||
		len(set.Warnings) != 1 || set.Warnings[0] != "p.yaml: p runs in shadow: it needs rfid@fitting, which the site has not" {
		t.Errorf("got %s, %q, %q", p.Mode, p.Shadowed, set.Warnings)
	}
	set = load(t, Options{Overrides: map[string]Override{"p": {Mode: "off", Params: map[string]any{"floor": 1}}}}, "p.yaml", text)
	if p := set.Policies[0]; p.Mode != Off || p.Shadowed != "" {
		t.Errorf("got %s, %q", p.Mode, p.Shadowed)
	}
	set = load(t, Options{Overrides: map[string]Override{"p": {Params: map[string]any{"floor": 1}}}}, "p.yaml", text)
	s := newSubject(t, set, shop())
	s.fact(1, picked(2))
	if s.result().Score != 1 {
		t.Errorf("the site's floor is not used: %+v", s.result())
	}
}

// TestOneDoor: where a site has no exit, its entrances that lead outside are what policies call the exit, in needs and calls alike;
// where it has one, only that is, unless it is less well watched than they are.
func TestOneDoor(t *testing.T) {
	out := []fusion.Point{{X: 0, Y: 0}, {X: 3, Y: 0}}
	for name, c := range map[string]struct {
		change func(*fusion.Store)
		where  string // the zones that are the exit
		shadow string
	}{
		"an entrance and an exit": {func(s *fusion.Store) { s.Zones[0].Out = out }, "door", ""},
		"one door":                {func(s *fusion.Store) { s.Zones[0].Out = out; s.Zones[3].Kind = fusion.Aisle }, "in-1", ""},
		"two entrances, one of which leads outside": {func(s *fusion.Store) { s.Zones[0].Out = out; s.Zones[3].Kind = fusion.Entrance }, "in-1", ""},
		"an entrance of the name exit":              {func(s *fusion.Store) { s.Zones[0].Out = out; s.Zones[0].ID = "exit"; s.Zones[3].Kind = fusion.Aisle }, "exit", ""},
		"an exit that no camera sees": {func(s *fusion.Store) { s.Zones[0].Out = out; s.Sources[0].Zones = []int{0, 1, 2} }, "door",
			"it needs track@exit, which the site has not"},
		"a fire door that only cameras see, and a reader at the entrance": {func(s *fusion.Store) {
			s.Zones[0].Out = out
			for i := range s.Sources {
				if s.Sources[i].Kind != fusion.Tracks {
					s.Sources[i].Zones = []int{0}
				}
			}
		}, "in-1door", ""},
		"a fire door with a reader, and a gate at the entrance": {func(s *fusion.Store) {
			s.Zones[0].Out = out
			s.Sources = append(s.Sources, fusion.Source{ID: "eas-in", Kind: fusion.Gate, Zones: []int{0}})
		}, "in-1door", ""},
		"a fire door that nothing watches": {func(s *fusion.Store) {
			s.Zones[0].Out = out
			for i := range s.Sources {
				s.Sources[i].Zones = []int{0}
			}
		}, "in-1door", ""},
		"no way out": {func(s *fusion.Store) { s.Zones[3].Kind = fusion.Aisle }, "", "it needs track@exit, which the site has not"},
	} {
		store := shop()
		c.change(store)
		set := load(t, Options{Store: store}, "p.yaml", policy("needs: [track@exit]", "score: 'read(\"exit\")'"))
		if p := set.Policies[0]; p.Shadowed != c.shadow {
			t.Errorf("%s: in shadow %q, want %q", name, p.Shadowed, c.shadow)
		}
		where := ""
		for z := range store.Zones {
			s := newSubject(t, set, store)
			if s.fact(1, fusion.Fact{Kind: fusion.FactRead, Zone: z, Product: 0, N: 1, P: 1}) { // nothing else changes what it reads
				where += store.Zones[z].ID
			}
		}
		if where != c.where {
			t.Errorf("%s: a read at the exit is one at %q, want %q", name, where, c.where)
		}
	}
	none := shop()
	none.Zones[3].Kind = fusion.Aisle
	set := load(t, Options{Store: none}, "p.yaml", policy("score: 'read(\"exit\")'"))
	if want := "the site has no zone of the kind exit, nor an entrance with out"; len(set.Warnings) != 1 || !strings.Contains(set.Warnings[0], want) {
		t.Errorf("%q, want %s", set.Warnings, want)
	}
}

func TestMessage(t *testing.T) {
	set := load(t, Options{}, "p.yaml", "policy: p\ntitle: t\nscore: 'picked(\"any\") / 10'\nalert:\n  tiers: {log: 0.1}\n  action: offer help\n"+
		"  message: '{{ zone }}: {{ count }} × {{item}} of {{ items }} ({{ value }}) near {{ till }}, {{ action }}'\n")
	s := newSubject(t, set, shop())
	s.v.Visit.Basket = []fusion.Item{{Product: 0, N: 2}, {Product: 1, N: 1.1}, {Product: -1, EPC: "ABCD", N: 1}}
	s.fact(1, picked(2))
	r := s.result()
	want := "door: 4 × Razor of 1 × Razor, 2 × Taco sauce, 1 × unknown goods (55.43 GBP) near till, offer help"
	if got := r.Policy.Text(s.v, &r, "door"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestNobodyLooksIntoAFittingRoom: that no camera is there is as it should be, and nothing that could not be seen; a reader there is missed.
func TestNobodyLooksIntoAFittingRoom(t *testing.T) {
	text := scoring(`entered("fitting") or seen("rfid", "fitting") ? 0.8 : 0.4`)
	for want, watched := range map[string]bool{"rfid coverage at fitting": false, "rfid coverage at fitting; track coverage at fitting": true} {
		store := shop()
		store.Zones = append(store.Zones, fusion.Zone{ID: "fit-1", Kind: fusion.Fitting, Polygon: []fusion.Point{{X: 0, Y: 5}, {X: 2, Y: 5}, {X: 2, Y: 7}}})
		if watched {
			store.Sources[0].Zones = append(store.Sources[0].Zones, 4)
		}
		store.Index()
		set := load(t, Options{Store: store}, "p.yaml", text)
		s := newSubject(t, set, store)
		s.fact(1, fusion.Fact{Kind: fusion.FactRead, Zone: 4, Source: 2, Product: 0, N: 1, P: 1, Name: "30"})
		if got := strings.Join(s.result().Missing, "; "); got != want {
			t.Errorf("a camera there: %v; missing %q, want %q", watched, got, want)
		}
		if blind := strings.Join(set.Policies[0].Blind(store), "; "); blind != "rfid at fitting" {
			t.Errorf("a camera there: %v; blind: %q", watched, blind)
		}
	}
}

// TestGoodsOfOneName: two sizes of a shirt, of one name and one price, stand in the same order each time.
func TestGoodsOfOneName(t *testing.T) {
	store := shop()
	store.Products = append(store.Products, store.Products[1], store.Products[1])
	v := fusion.View{World: fusion.NewWorld(store), Visit: &fusion.Visit{Basket: []fusion.Item{{Product: 3, N: 1}, {Product: 1, N: 3}, {Product: 2, N: 2}}}}
	for range 50 {
		var n []int
		for _, g := range unpaidGoods(v) {
			n = append(n, g.n)
		}
		if !slices.Equal(n, []int{3, 2, 1}) {
			t.Fatalf("%v, want those of the products in the catalogue's order", n)
		}
	}
}
