package fusion

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ends lists the visits that ended by themselves.
func (s *story) ends() []*Visit {
	var all []*Visit
	for _, c := range s.told {
		if c.Fact.Kind == FactEnded {
			all = append(all, c.Visit)
		}
	}
	return all
}

// TestCamerasAgreeWithGaps: a camera that misses somebody for most of each second shows five frames as well, though not in a row.
func TestCamerasAgreeWithGaps(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "1", 0, 4, Point{1, 3}, Point{2.1, 4})
	for sec := 5.2; sec < 12; sec++ {
		s.walk("cam-1", "1", sec, sec+0.2, Point{2.1, 4})
	}
	s.walk("cam-2", "7", 6.3, 12, Point{2.1, 4})
	s.tell(6.8)
	if n := len(s.w.Visits()); n != 2 {
		t.Fatalf("%d visits after three frames; want two", n)
	}
	s.tell(9)
	if n := len(s.w.Visits()); n != 1 {
		t.Errorf("%d visits after seven frames; want one", n)
	}
}

// TestCamerasAgree: what a second camera sees is a visit of its own until five frames agree; then the older one goes on with
// both tracks, with what both had.
func TestCamerasAgree(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "1", 0, 4, Point{1, 3}, Point{2.1, 4})
	s.walk("cam-1", "1", 4.2, 12, Point{2.1, 4})
	s.walk("cam-2", "7", 5.1, 12.1, Point{2.1, 4})
	s.weigh(12, 5.6, -621) // while they are two
	s.tell(5.8)
	if n := len(s.w.Visits()); n != 2 {
		t.Fatalf("%d visits after four frames; want two", n)
	}
	s.tell(6.4)
	if n := len(s.w.Visits()); n != 1 {
		t.Fatalf("%d visits after seven frames; want one", n)
	}
	s.tell(12)
	v := s.of("cam-1/1")
	if got := fmt.Sprint(v.Tracks); got != "[cam-1/1 cam-2/7]" {
		t.Errorf("tracks %s", got)
	}
	if v.ID != VisitID("s042", "cam-1", "1", at(0)) || v.First != at(0) {
		t.Errorf("visit %s from %d; want that of the earliest observation", v.ID, v.First)
	}
	if n := s.view(v).Carried(nil); !near(n, 0.98, 0.02) {
		t.Errorf("carries %.3f; want what one picked, but for a person whom nobody saw", n)
	}
	merged := 0
	for _, c := range s.told {
		if c.Fact.Kind == FactMerged {
			merged++
			if c.Fact.Name != v.ID || c.Visit.ID != v.ID && c.Visit.Merged != v.ID {
				t.Errorf("%s is told that it goes on as %s, merged %s", c.Visit.ID, c.Fact.Name, c.Visit.Merged)
			}
		}
	}
	if merged != 2 {
		t.Errorf("told %d times; want both once", merged)
	}
	entered := 0
	for f := range v.Facts.All() {
		if f.Kind == FactEntered {
			entered++
		}
	}
	if entered != 1 {
		t.Errorf("it went in %d times: that the other camera's went in is nothing new", entered)
	}
	if got := s.view(v).Dwell(s.place(Aisle)); !near(got, 12, 0.01) {
		t.Errorf("dwell %.2f s; want 12", got)
	}
}

// TestUnsureForLong: a point that is a metre unsure, since feet are hidden, is so in the next frame again: frames that agree make it no surer. One that is
// a decimetre unsure in every frame tells two people apart.
func TestUnsureForLong(t *testing.T) {
	for sd, visits := range map[float64]int{1: 1, 0.1: 2} {
		s := newStory(t)
		s.walk("cam-1", "1", 0, 12, Point{2.1, 4})
		s.walk("cam-2", "7", 5.1, 12.1, Point{3.6, 4})
		for i := range s.events {
			if e := &s.events[i]; e.Source == s.store.SourceIndex("cam-2") {
				e.SD = Point{sd, sd}
			}
		}
		s.tell(12)
		if n := len(s.w.visits); n != visits {
			t.Errorf("%g m unsure: %d visits, want %d", sd, n, visits)
		}
	}
}

// TestMergedPicksCountOnce: a pick that was shared between two visits of one person is one pick of its one.
func TestMergedPicksCountOnce(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "1", 0, 12, Point{2.1, 4})
	s.walk("cam-2", "7", 3.1, 12.1, Point{2.1, 4})
	s.weigh(12, 3.2, -621)
	s.tell(3.85)
	for _, v := range s.w.Visits() {
		if s.facts(v, FactPicked) == "" {
			t.Fatal("the pick is not told while they are two")
		}
	}
	s.tell(12)
	v := s.of("cam-1/1")
	n, picks := 0.0, 0
	for f := range v.Facts.All() {
		if f.Kind == FactPicked {
			n += f.N
			picks++
		}
	}
	if picks != 1 || !near(n, 0.98, 0.02) {
		t.Errorf("%d picks of %.3f units; want one of 0.98", picks, n)
	}
}

// TestPairsAreNotMixed: two people who come in side by side are two for both cameras, whichever track comes first.
func TestPairsAreNotMixed(t *testing.T) {
	for _, swapped := range []bool{false, true} {
		s := newStory(t)
		a, b := "1", "2"
		if swapped {
			a, b = b, a
		}
		s.walk("cam-1", a, 0, 10, Point{1, 1}, Point{6, 4})
		s.walk("cam-1", b, 0, 10, Point{1.5, 1}, Point{6.5, 4})
		s.walk("cam-2", a, 0.1, 10.1, Point{1.1, 1.05}, Point{6.1, 4.05})
		s.walk("cam-2", b, 0.1, 10.1, Point{1.6, 1.05}, Point{6.6, 4.05})
		s.tell(100)
		ends := s.ends()
		if len(ends) != 2 {
			t.Errorf("swapped %v: %d visits; want two", swapped, len(ends))
		}
		for _, v := range ends {
			if len(v.Tracks) != 2 || v.Tracks[0][6:] != v.Tracks[1][6:] {
				t.Errorf("swapped %v: tracks %v are not one person's", swapped, v.Tracks)
			}
		}
	}
}

// TestLooksLike: who may be somebody whom another camera sees beside him at this moment is not yet taken for one who is gone; and nobody is
// taken for one who was gone before he began, which his first frame did not say, unless that is much likelier than it needs to be for a new track.
func TestLooksLike(t *testing.T) {
	for _, c := range []struct {
		seen  float64 // when another camera last saw somebody beside
		noise float64 // m², of where he may have gone
		want  int
	}{{7.8, 0.01, 3}, {6.5, 0.01, 2}, {6.5, 0.1, 3}} {
		s := newStory(t)
		s.walk("cam-1", "gone", 0, 3, Point{0.6, 2.6}, Point{0.6, 3})
		s.walk("cam-1", "beside", 5, c.seen, Point{5, 1})
		s.walk("cam-2", "new", 7, 8, Point{9, 4})
		s.tell(8)
		gone, beside, v := s.of("cam-1/gone"), s.of("cam-1/beside"), s.of("cam-2/new")
		v.like = []likeness{{visit: beside.number}, {visit: gone.number, gone: true, away: sameFrames, until: gone.PosAt, noise: variance{c.noise, c.noise}}}
		s.w.same(v)
		if n := len(s.w.Visits()); n != c.want {
			t.Errorf("%d visits when he beside was last seen at %g s, %g m² from there; want %d", n, c.seen, c.noise, c.want)
		}
	}
}

// TestLastGuess: somebody of whom there were fewer frames than it takes to be sure is, once he is lost, the only one who is missing by then;
// where two are missing he stays somebody else.
func TestLastGuess(t *testing.T) {
	for _, c := range []struct {
		again float64 // when the other of two who are lost is seen again
		want  string
	}{{4.5, "[cam-1/gone cam-2/once]"}, {7, "[cam-1/gone]"}} {
		s := newStory(t)
		s.walk("cam-2", "far", 0, 8, Point{9, 4})
		s.walk("cam-1", "gone", 0, 3, Point{0.6, 3})
		s.walk("cam-1", "other", 0.1, 3.1, Point{2.6, 3})
		s.walk("cam-2", "once", 3.8, 4.2, Point{1.6, 3})
		s.walk("cam-1", "again", c.again, 8, Point{2.6, 3.2})
		s.tell(6.5)
		if got := fmt.Sprint(s.of("cam-1/gone").Tracks); got != c.want {
			t.Errorf("the other seen again at %g s: tracks %s; want %s", c.again, got, c.want)
		}
	}
}

// TestLastGuessIsElsewhere: who turns out to be somebody whom a camera sees at a shelf has not left by the door where another lost him.
func TestLastGuessIsElsewhere(t *testing.T) {
	s := newStory(t)
	s.walk("cam-2", "far", 0, 9, Point{9, 4})
	s.walk("cam-1", "A", 0, 3, Point{4, 0.4})
	s.walk("cam-2", "once", 2.7, 3.1, Point{4, 0.4})
	s.walk("cam-1", "A", 3.2, 9, Point{4, 1}, Point{2, 4.5})
	s.tell(8.5)
	v := s.of("cam-1/A")
	if got := fmt.Sprint(v.Tracks); got != "[cam-1/A cam-2/once]" {
		t.Fatalf("tracks %s: one is to be taken for the other", got)
	}
	if v.Facts.Has(func(f Fact) bool { return f.Kind == FactExited }) {
		t.Error("he has left, and stands at a shelf")
	}
}

// TestSplit: tracks that turn out to be two people's part again, and what was taken while they were one is with either.
func TestSplit(t *testing.T) {
	s := newStory(t)
	s.walk("cam-1", "1", 0, 4, Point{2.1, 4})
	s.walk("cam-2", "7", 1.1, 4.1, Point{2.1, 4})
	s.weigh(20, 3, -621)
	s.walk("cam-1", "1", 4.2, 20, Point{2.1, 4}, Point{7, 4}) // they part
	s.walk("cam-2", "7", 4.3, 20.1, Point{2.1, 4}, Point{0.5, 2.5})
	s.tell(3.9)
	if n := len(s.w.Visits()); n != 1 {
		t.Fatalf("%d visits while they stand together; want one", n)
	}
	s.tell(20)
	v, n := s.of("cam-1/1"), s.of("cam-2/7")
	if v == n {
		t.Fatal("the two are one visit still")
	}
	if n.ID != VisitID("s042", "cam-2", "7", at(1.1)) || fmt.Sprint(v.Tracks, n.Tracks) != "[cam-1/1] [cam-2/7]" {
		t.Errorf("%s has %v, the other %v", n.ID, n.Tracks, v.Tracks)
	}
	a, b := s.view(v).Carried(nil), s.view(n).Carried(nil)
	if !near(a, b, 0.01) || !near(a+b, 0.95, 0.03) {
		t.Errorf("they carry %.3f and %.3f; want half of what was picked each", a, b)
	}
	if len(v.Others) != 1 || v.Others[0].Visit != n.ID {
		t.Errorf("others %v", v.Others)
	}
	if d := n.Pos.distance(Point{0.5, 2.5}); d > 0.1 {
		t.Errorf("the one that split off is %.1f m from where it went", d)
	}
}

// TestTrackThatJumps: an id that is suddenly elsewhere is another person's; one frame far away is noise.
func TestTrackThatJumps(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames int
		want   int
	}{{"noise", 4, 1}, {"another person", 20, 2}} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.walk("cam-1", "1", 0, 4, Point{1, 3})
			s.walk("cam-1", "1", 4.2, 4.2+float64(c.frames-1)*0.2, Point{7.5, 3})
			if c.frames < 10 {
				s.walk("cam-1", "1", 5.2, 8, Point{1, 3})
			}
			s.tell(8.4)
			if n := len(s.w.Visits()); n != c.want {
				t.Fatalf("%d visits; want %d", n, c.want)
			}
			if c.want == 1 {
				if v := s.of("cam-1/1"); v.Pos != (Point{1, 3}) {
					t.Errorf("it is at %v", v.Pos)
				}
			}
		})
	}
}

// TestRegionObjects: an object of a device without positions is the one person whom a camera sees there, and nobody known
// where there are two, or none.
func TestRegionObjects(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func(s *story)
		want int
	}{
		{"one is there", func(s *story) { s.walk("cam-1", "A", 0, 6, Point{4, 3}) }, 1},
		{"two are there", func(s *story) {
			s.walk("cam-1", "A", 0, 6, Point{4, 3})
			s.walk("cam-1", "B", 0, 6, Point{6, 3})
		}, 3},
		{"nobody is there", func(s *story) { s.walk("cam-1", "A", 0, 6, Point{6, 1}) }, 2},
		{"the device has two there", func(s *story) {
			s.walk("cam-1", "A", 0, 6, Point{4, 3})
			s.event("axis-1", 3.2, Event{ID: "y", Name: person, Action: Enter, Zone: aisleZone})
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			c.tell(s)
			s.event("axis-1", 3, Event{ID: "x", Name: person, Action: Enter, Zone: aisleZone})
			s.tell(6)
			if n := len(s.w.Visits()); n != c.want {
				t.Errorf("%d visits; want %d", n, c.want)
			}
		})
	}
}

// TestNobodysSessionIsTheCustomers: what a till said while nobody was seen there is the customer's who turns up.
func TestNobodysSessionIsTheCustomers(t *testing.T) {
	s := newStory(t)
	s.till(2, "1", Open, "")
	s.till(3, "1", Scan, "071142008582")
	s.walk("cam-1", "A", 3.4, 12, Point{6, 1})
	s.till(8, "1", Scan, "17")
	s.till(9, "1", Tender, "")
	s.tell(100)
	ends := s.ends()
	if len(ends) != 1 {
		t.Fatalf("%d visits; want one", len(ends))
	}
	v := ends[0]
	scans := 0
	for f := range v.Facts.All() {
		if f.Kind == FactScanned {
			scans++
		}
	}
	if scans != 2 || !v.Paid || v.Unowned || v.Session != "sco-1/1" || fmt.Sprint(v.Tracks) != "[cam-1/A]" || len(v.Basket) != 2 {
		t.Errorf("%d scans, paid %v, unowned %v, session %q, tracks %v, basket %+v", scans, v.Paid, v.Unowned, v.Session, v.Tracks, v.Basket)
	}
	if v.First != at(2) {
		t.Errorf("it began at %.1f s; want 2", float64(v.First-monday)/1e9)
	}
}

// TestMergesAndSplitsLoseNothing: whatever is picked, paid, carried through a gate and passed on while visits merge and split,
// a merged visit has of each lot what both had, one that splits what it had less what the other has now, and nothing is
// ever with more people than there is.
func TestMergesAndSplitsLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWorld(cornerShop())
		w.now = monday
		born := 0
		begin := func() *Visit {
			key := trackKey{0, fmt.Sprint(born)}
			born++
			v := w.open(key.source, key.id, w.now)
			w.follow(v, key)
			w.tracks[key] = &track{key: key, visit: v, first: w.now, at: w.now, placed: true}
			v.PosAt = w.now
			return v
		}
		for range rapid.IntRange(2, 8).Draw(t, "people") {
			begin()
		}
		picked := map[int]float64{}
		who := func() *Visit { return rapid.SampledFrom(w.visits).Draw(t, "who") }
		held := func(v *Visit) map[int]float64 { // by product
			all := map[int]float64{}
			for _, l := range w.lots {
				all[l.product] += l.held(v.number)
			}
			return all
		}
		owes := func(v *Visit, product int) (n float64) {
			for _, d := range v.owed {
				if d.product == product {
					n += d.n
				}
			}
			return n
		}
		for n := range rapid.IntRange(1, 50).Draw(t, "events") {
			w.now += second
			if len(w.visits) < 2 {
				begin()
			}
			v := who()
			f := Fact{At: w.now, Zone: aisleZone, Source: -1, Product: rapid.IntRange(0, 2).Draw(t, "product"), N: float64(rapid.IntRange(1, 3).Draw(t, "units")), P: 1}
			switch rapid.IntRange(0, 7).Draw(t, "act") {
			case 0, 1:
				f.Kind = FactPicked
				near := []claim{{v, 0.6}}
				if o := who(); o != v {
					near = append(near, claim{o, 0.3})
				}
				w.picked(f, near, n)
				picked[n] = f.N
			case 2:
				f.Kind = FactScanned
				w.scanned(v, f, rapid.SampledFrom([]string{"", sauceTag}).Draw(t, "epc"))
			case 3:
				f.Kind, f.Name, f.P = FactMoved, sauceTag, rapid.Float64Range(0, 1).Draw(t, "moved")
				w.bind(v, f, rapid.Float64Range(0, 1).Draw(t, "share"))
			case 4:
				if o := who(); o != v {
					w.pass(v, o, passSeen)
				}
			case 5:
				f.Kind = FactPutBack
				w.putBack(f, []claim{{v, 0.9}})
			case 6:
				o := who()
				if o == v {
					break
				}
				a, b := held(v), held(o)
				var back [3]float64
				for product := range back {
					back[product] = owes(v, product) + owes(o, product)
				}
				s := w.merge(v, o)
				gone := o
				if s == o {
					gone = v
				}
				for product, n := range held(s) {
					if n < a[product]+b[product]-back[product]-1e-6 {
						t.Fatalf("of product %d they had %.6f and %.6f, and had put %.6f back, together they have %.6f", product, a[product], b[product],
							back[product], n)
					}
				}
				if slices.Contains(w.visits, gone) || gone.Merged != s.ID || s.Ended != 0 {
					t.Fatal("the one that was merged is there still")
				}
				for _, l := range w.lots {
					if l.held(gone.number) > 0 {
						t.Fatalf("lot %+v is with a visit that is over", *l)
					}
				}
				for k, x := range w.tracks {
					if x.visit == gone {
						t.Fatalf("track %v is followed for a visit that is over", k)
					}
				}
			default:
				if len(v.keys) < 2 {
					break
				}
				later, stays := w.tracks[v.keys[1]], w.tracks[v.keys[0]]
				a := held(v)
				x := w.split(v, later, stays)
				b, c := held(v), held(x)
				for id, n := range a {
					if !near(b[id]+c[id], n, 1e-6) {
						t.Fatalf("of lot %d it had %.6f; they have %.6f and %.6f", id, n, b[id], c[id])
					}
				}
			}
			conserved(t, w, picked)
		}
	})
}

// TestMergedDwell: the time in which both were in a zone counts once, whether their stays there are over or last.
func TestMergedDwell(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = at(0)
	v, o := w.open(0, "1", at(0)), w.open(1, "2", at(0))
	for _, c := range []struct {
		sec float64
		v   *Visit
		in  bool
	}{{0, v, true}, {3, o, true}, {4, o, false}, {4.5, o, true}, {5, v, false}} {
		w.now = at(c.sec)
		w.setZone(c.v, aisleZone, c.in, w.now, 0)
	}
	w.now = at(10)
	m := w.merge(v, o)
	p := make(Place, len(w.Store.Zones))
	p[aisleZone] = true
	if got := (View{World: w, Visit: m, Now: w.now}).Dwell(p); got != 10 {
		t.Errorf("dwell %.2f s; want 10", got)
	}
}

// TestMergeAtATill: what a till shows of goods goes on with the person, and is not there twice.
func TestMergeAtATill(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = at(0)
	v, o := w.open(0, "1", at(0)), w.open(1, "2", at(1))
	l := &w.lanes[0]
	l.visit, l.paid = o.number, o.number
	*w.item(v, 0, "") = Item{Product: 0, N: 2, Paid: 1}
	*w.item(o, 0, "") = Item{Product: 0, Shown: 2, Paid: 1, filmed: 1}
	*w.lineOf(o, ware{-1, "", "teddy"}) = Item{Product: -1, Name: "teddy", Shown: 1}
	w.now = at(10)
	m := w.merge(v, o)
	if l.visit != m.number || l.paid != m.number {
		t.Errorf("the lane shows goods of %d and was paid by %d; want %d", l.visit, l.paid, m.number)
	}
	it := m.line(0, "")
	if it.Held() != 2 || it.Unpaid() != 0 || it.filmed != 1 {
		t.Errorf("%+v: two were taken and shown, and paid", it)
	}
	if it := m.lineOf(ware{-1, "", "teddy"}); it == nil || it.Shown != 1 {
		t.Errorf("what the catalogue does not know: %+v", it)
	}
}

// TestMergeKnowsEveryField: a field of what a visit has, or of what refers to one, that merge does not know of would be lost in
// silence, or go on naming a visit that is over. Whoever adds one says in merge what becomes of it, and then here.
func TestMergeKnowsEveryField(t *testing.T) {
	for _, c := range []struct {
		of     any
		fields string
	}{
		{Visit{}, "number First Pos PosAt camera Last Subject Paid Unowned inside served ID Ended Merged Tracks Zone ZoneAt Facts Basket Staff signs Session Others " +
			"posSD trail keys origin from like out shared within past pastOut joinQ joinAt pastAt wayOut heading stays mates tags with paidBy hands lots met touches owed tall as asFor"},
		{Item{}, "Product EPC Name N Shown Paid Doubt Owner At known tag found among any kept bagged absent odd filmed share left named lent twice"},
		{carriedTag{}, "epc product zone moved share near look looked odds first since at ended brought had left"},
		{stay{}, "entered pending dwell in ever gone listed"},
		{part{}, "visit id epc n sure lost"},
		{doer{}, "visit cost share shown hand other took"},
		{mate{}, "visit seen beside"},
		{meeting{}, "visit since at hands"},
		{session{}, "visit share turn scans events lines began at over fits waits known putBy bag since"},
		{lane{}, "session visit at paid ended goods plate"},
		{World{}, "Store now began watchers live plates tags tracks visits heads grid folk nearby found claims sessions rungTags lanes laneOf tills zones counters cashiers store shrink timers born fresh changes evicted heard oneOwner clocks shifts anchors pairs eyed " +
			"lots lotID deeds deedID stirs badges statures strays"},
	} {
		kind := reflect.TypeOf(c.of)
		var got []string
		for i := range kind.NumField() {
			got = append(got, kind.Field(i).Name)
		}
		if strings.Join(got, " ") != c.fields {
			t.Errorf("%s has\n%s\nmerge knows\n%s", kind.Name(), strings.Join(got, " "), c.fields)
		}
	}
}

// TestOneTagOfTwo: of two who are one person, of whom each had the goods of a tag with a probability, one has the tag's one unit, and
// the rest has none.
func TestOneTagOfTwo(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	a, b := w.open(0, "A", monday), w.open(0, "B", monday)
	for _, v := range []*Visit{a, b} {
		l := w.newLot(Fact{At: w.now, Product: sauce, N: 1, P: 1}, 1)
		w.give(l, v, sauceTag, 0.8)
	}
	w.mergeBasket(a, b)
	tag, rest := a.line(sauce, sauceTag), a.line(sauce, "")
	if !near(tag.N, 1, 1e-9) || !near(tag.known, 1, 1e-9) || !near(rest.N, 0.6, 1e-9) {
		t.Errorf("%+v and %+v; want one unit with the tag, and 0.6 without", tag, rest)
	}
}
