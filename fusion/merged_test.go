package fusion

import (
	"fmt"
	"testing"
)

// TestMerged: whatever two visits that are one person's had, did, or were part of is the one's who goes on, whichever of them it was,
// and whoever knew one of them knows that one.
func TestMerged(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func(w *World, a, b, x *Visit) // a began before b; x is somebody else
		get  func(w *World, m, x *Visit) any
		want any
	}{
		{"seen last by the other", func(w *World, a, b, x *Visit) {
			w.moveTo(a, Point{1, 3}, Point{}, 0, at(5))
			w.moveTo(b, Point{2, 3}, Point{}, 0, at(6))
			b.posSD, b.camera, b.wayOut, b.heading = Point{0.1, 0.2}, 1, 3, 0.5
			b.out, b.shared = 0.2, 0.3
			b.within, b.past, b.pastAt, b.pastOut = 1, 2, at(6), doorZone
		}, func(w *World, m, x *Visit) any {
			return []any{m.Pos, m.PosAt, m.posSD, m.camera, m.wayOut, m.heading, int(m.within), int(m.past), m.pastAt, int(m.pastOut), m.out, m.shared}
		}, []any{Point{2, 3}, at(6), Point{0.1, 0.2}, 1, 3.0, 0.5, 1, 2, at(6), doorZone, 0.2, 0.3}},
		{"seen last by the older one", func(w *World, a, b, x *Visit) {
			w.moveTo(a, Point{1, 3}, Point{}, 0, at(6))
			w.moveTo(b, Point{2, 3}, Point{}, 0, at(5))
			a.camera, b.camera, a.within = 0, 1, 3
			a.from, b.from = Point{1, 1}, Point{2, 1}
		}, func(w *World, m, x *Visit) any { return []any{m.Pos, m.PosAt, m.camera, int(m.within), m.from} }, []any{Point{1, 3}, at(6), 0, 3, Point{1, 1}}},
		{"both in doubt", func(w *World, a, b, x *Visit) {
			a.doubt(at(2), 0.9)
			b.doubt(at(4), 0.5)
		}, func(w *World, m, x *Visit) any {
			return []any{m.joinAt, float64(m.joinQ) > 0.449 && float64(m.joinQ) < 0.451}
		}, []any{at(4), true}},
		{"the younger in doubt", func(w *World, a, b, x *Visit) { b.doubt(at(4), 0.5) },
			func(w *World, m, x *Visit) any { return []any{m.joinAt, m.joinQ} }, []any{at(4), float32(0.5)}},
		{"seen by a camera only later", func(w *World, a, b, x *Visit) {
			w.moveTo(b, Point{2, 3}, Point{}, 0, at(5))
			b.from = Point{2, 1}
		}, func(w *World, m, x *Visit) any { return m.from }, Point{2, 1}},
		{"found where it is, and once", func(w *World, a, b, x *Visit) {
			w.near(Point{1, 3}, 1)
			w.moveTo(a, Point{1, 3}, Point{}, 0, at(5))
			w.moveTo(b, Point{1.5, 3}, Point{}, 0, at(6))
		}, func(w *World, m, x *Visit) any { return len(w.near(Point{1, 3}, 1)) }, 1},
		{"missed when no camera sees it", func(w *World, a, b, x *Visit) {
			w.moveTo(a, Point{4, 0.5}, Point{}, 0, at(1)) // it was missed, and another camera has it
			w.moveTo(b, Point{4, 0.5}, Point{}, 0, at(9))
			b.stays[doorZone].in, b.camera = true, 1
			w.live[1].last = at(20)
		}, func(w *World, m, x *Visit) any {
			for w.Due() < at(12) {
				w.Fire(w.Due())
			}
			return w.gone(m)
		}, true},
		{"the newest zone", func(w *World, a, b, x *Visit) { b.Zone, b.ZoneAt, a.Zone, a.ZoneAt = tillZone, at(6), aisleZone, at(5) },
			func(w *World, m, x *Visit) any { return []any{m.Zone, m.ZoneAt} }, []any{tillZone, at(6)}},
		{"the older one's newest zone", func(w *World, a, b, x *Visit) { b.Zone, b.ZoneAt, a.Zone, a.ZoneAt = tillZone, at(5), aisleZone, at(6) },
			func(w *World, m, x *Visit) any { return []any{m.Zone, m.ZoneAt} }, []any{aisleZone, at(6)}},
		{"when it was last heard of", func(w *World, a, b, x *Visit) { a.Last, b.Last = at(8), at(9) },
			func(w *World, m, x *Visit) any { return m.Last }, at(9)},
		{"one of them was inside", func(w *World, a, b, x *Visit) { b.inside = true }, func(w *World, m, x *Visit) any { return m.inside }, true},
		{"the older one was inside", func(w *World, a, b, x *Visit) { a.inside = true }, func(w *World, m, x *Visit) any { return m.inside }, true},
		{"staff", func(w *World, a, b, x *Visit) { b.Staff = 0.9 }, func(w *World, m, x *Visit) any { return m.Staff }, 0.9},
		{"nobody's, until somebody is seen", func(w *World, a, b, x *Visit) { a.Unowned = true },
			func(w *World, m, x *Visit) any { return m.Unowned }, false},
		{"nobody's what a gate heard", func(w *World, a, b, x *Visit) { b.Unowned = true }, func(w *World, m, x *Visit) any { return m.Unowned }, false},
		{"where it was seen, in order", func(w *World, a, b, x *Visit) {
			a.trail = []trailPoint{{at: at(1)}, {at: at(3)}}
			b.trail = []trailPoint{{at: at(2)}, {at: at(4)}}
			a.hands = []handPoint{{at: at(3)}}
			b.hands = []handPoint{{at: at(2)}}
			a.touches, b.touches = []contact{{at: at(5)}}, []contact{{at: at(4)}}
		}, func(w *World, m, x *Visit) any {
			return []any{len(m.trail), m.trail[1].at, m.trail[2].at, m.hands[0].at, m.hands[1].at, m.touches[0].at, m.touches[1].at}
		}, []any{4, at(2), at(3), at(2), at(3), at(4), at(5)}},

		{"company of the other", func(w *World, a, b, x *Visit) { b.mates = []mate{{x.number, 5, 4}} },
			func(w *World, m, x *Visit) any { return m.mates }, []mate{{3, 5, 4}}},
		{"company of both: the longer account", func(w *World, a, b, x *Visit) {
			a.mates, b.mates = []mate{{x.number, 5, 4}}, []mate{{x.number, 9, 7}}
		}, func(w *World, m, x *Visit) any { return m.mates }, []mate{{3, 9, 7}}},
		{"company of both: the older one's is longer", func(w *World, a, b, x *Visit) {
			a.mates, b.mates = []mate{{x.number, 9, 7}}, []mate{{x.number, 5, 4}}
		}, func(w *World, m, x *Visit) any { return m.mates }, []mate{{3, 9, 7}}},
		{"no company of itself", func(w *World, a, b, x *Visit) {
			a.mates, b.mates = []mate{{b.number, 9, 9}}, []mate{{a.number, 9, 9}}
			a.met, b.met = []meeting{{visit: b.number}}, []meeting{{visit: a.number}}
			a.paidBy, b.paidBy = []int{b.number}, []int{a.number}
		}, func(w *World, m, x *Visit) any { return len(m.mates) + len(m.met) + len(m.paidBy) }, 0},
		{"its company knows it", func(w *World, a, b, x *Visit) { x.mates = []mate{{b.number, 5, 4}} },
			func(w *World, m, x *Visit) any { return x.mates }, []mate{{1, 5, 4}}},
		{"its company knew both", func(w *World, a, b, x *Visit) {
			x.mates = []mate{{a.number, 5, 4}, {b.number, 9, 8}}
		}, func(w *World, m, x *Visit) any { return x.mates }, []mate{{1, 9, 8}}},
		{"no more company than there may be", func(w *World, a, b, x *Visit) {
			for i := range maxMates {
				a.mates = append(a.mates, mate{visit: 100 + i})
				b.mates = append(b.mates, mate{visit: 200 + i})
			}
		}, func(w *World, m, x *Visit) any { return len(m.mates) }, maxMates},
		{"whom the other met", func(w *World, a, b, x *Visit) { b.met = []meeting{{x.number, 5, 6, 7}} },
			func(w *World, m, x *Visit) any { return m.met }, []meeting{{3, 5, 6, 7}}},
		{"whom both met: from the first to the last", func(w *World, a, b, x *Visit) {
			a.met, b.met = []meeting{{x.number, 5, 6, 9}}, []meeting{{x.number, 3, 8, 7}}
		}, func(w *World, m, x *Visit) any { return m.met }, []meeting{{3, 3, 8, 9}}},
		{"who met both", func(w *World, a, b, x *Visit) { x.met = []meeting{{a.number, 5, 6, 7}, {b.number, 3, 8, 9}} },
			func(w *World, m, x *Visit) any { return x.met }, []meeting{{1, 3, 8, 9}}},
		{"no more meetings than there may be", func(w *World, a, b, x *Visit) {
			for i := range maxMeetings {
				a.met = append(a.met, meeting{visit: 100 + i})
				b.met = append(b.met, meeting{visit: 200 + i})
			}
		}, func(w *World, m, x *Visit) any { return len(m.met) }, maxMeetings},
		{"who of its group paid", func(w *World, a, b, x *Visit) { b.paidBy = []int{x.number} },
			func(w *World, m, x *Visit) any { return m.paidBy }, []int{3}},
		{"who of its group paid, told to both", func(w *World, a, b, x *Visit) { a.paidBy, b.paidBy = []int{x.number}, []int{x.number} },
			func(w *World, m, x *Visit) any { return m.paidBy }, []int{3}},
		{"it paid for its group", func(w *World, a, b, x *Visit) { x.paidBy = []int{b.number} },
			func(w *World, m, x *Visit) any { return x.paidBy }, []int{1}},
		{"both paid for their group", func(w *World, a, b, x *Visit) { x.paidBy = []int{a.number, b.number} },
			func(w *World, m, x *Visit) any { return x.paidBy }, []int{1}},
		{"whom the other may be", func(w *World, a, b, x *Visit) { b.like = []likeness{{visit: 7, frames: 2}} },
			func(w *World, m, x *Visit) any { return m.like }, []likeness{{visit: 7, frames: 2}}},
		{"whom both may be", func(w *World, a, b, x *Visit) {
			a.like, b.like = []likeness{{visit: 7, frames: 2}}, []likeness{{visit: 7, frames: 3}}
		}, func(w *World, m, x *Visit) any { return m.like }, []likeness{{visit: 7, frames: 2}}},
		{"not whom it is", func(w *World, a, b, x *Visit) { b.like = []likeness{{visit: a.number, frames: 4}} },
			func(w *World, m, x *Visit) any { return len(m.like) }, 0},
		{"no more whom it may be than there may be", func(w *World, a, b, x *Visit) {
			for i := range maxLike {
				a.like = append(a.like, likeness{visit: 100 + i})
				b.like = append(b.like, likeness{visit: 200 + i})
			}
		}, func(w *World, m, x *Visit) any { return len(m.like) }, maxLike},
		{"who may be it", func(w *World, a, b, x *Visit) { x.like = []likeness{{visit: b.number, frames: 2}} },
			func(w *World, m, x *Visit) any { return x.like }, []likeness{{visit: 1, frames: 2}}},
		{"who may be either", func(w *World, a, b, x *Visit) {
			x.like = []likeness{{visit: a.number, frames: 2}, {visit: b.number, frames: 3}}
		}, func(w *World, m, x *Visit) any { return x.like }, []likeness{{visit: 1, frames: 2}}},

		{"a tag of the other", func(w *World, a, b, x *Visit) { b.tags = []carriedTag{{epc: "1", zone: 1, moved: 0.9}} },
			func(w *World, m, x *Visit) any { return m.tags }, []carriedTag{{epc: "1", zone: 1, moved: 0.9}}},
		{"a tag that each had a share in", func(w *World, a, b, x *Visit) {
			a.tags = []carriedTag{{epc: "1", zone: 1, moved: 0.5, share: 0.5, near: 0.25, first: 3, at: 8, ended: true}}
			b.tags = []carriedTag{{epc: "1", zone: 1, moved: 0.9, share: 0.25, near: 0.5, first: 2, since: 9, at: 9, left: true}}
		}, func(w *World, m, x *Visit) any { return m.tags },
			[]carriedTag{{epc: "1", zone: 1, moved: 0.9, share: 0.75, near: 0.75, first: 2, since: 9, at: 9, left: true}}},
		{"a tag that both had", func(w *World, a, b, x *Visit) {
			a.tags = []carriedTag{{epc: "1", zone: 1, moved: 0.9, share: 0.9, near: 0.9, first: 2, since: 9, at: 9, ended: true, left: true}}
			b.tags = []carriedTag{{epc: "1", zone: 1, moved: 0.5, share: 0.9, near: 0.9, first: 3, at: 8, ended: true}}
		}, func(w *World, m, x *Visit) any { return m.tags },
			[]carriedTag{{epc: "1", zone: 1, moved: 0.9, share: 1, near: 1, first: 2, since: 9, at: 9, ended: true, left: true}}},
		{"a tag that is still read", func(w *World, a, b, x *Visit) {
			a.tags, b.tags = []carriedTag{{epc: "1"}}, []carriedTag{{epc: "1", ended: true}}
		}, func(w *World, m, x *Visit) any { return m.tags }, []carriedTag{{epc: "1"}}},
		{"a tag that came in with one of them was not taken here", func(w *World, a, b, x *Visit) {
			a.tags = []carriedTag{{epc: "1", moved: 0.9, share: 0.5}}
			b.tags = []carriedTag{{epc: "1", brought: true}}
		}, func(w *World, m, x *Visit) any { return m.tags }, []carriedTag{{epc: "1", brought: true}}},
		{"a tag that came in with the older one", func(w *World, a, b, x *Visit) {
			a.tags = []carriedTag{{epc: "1", brought: true}}
			b.tags = []carriedTag{{epc: "1", moved: 0.9, share: 0.5}}
		}, func(w *World, m, x *Visit) any { return m.tags }, []carriedTag{{epc: "1", brought: true}}},
		{"two tags, and one in two zones", func(w *World, a, b, x *Visit) {
			a.tags = []carriedTag{{epc: "1", zone: 1}}
			b.tags = []carriedTag{{epc: "1", zone: 2}, {epc: "2", zone: 1}}
		}, func(w *World, m, x *Visit) any { return m.tags }, []carriedTag{{epc: "1", zone: 1}, {epc: "1", zone: 2}, {epc: "2", zone: 1}}},
		{"no more tags and objects than there may be", func(w *World, a, b, x *Visit) {
			for i := range maxBasket {
				a.tags = append(a.tags, carriedTag{epc: fmt.Sprint("a", i)})
				b.tags = append(b.tags, carriedTag{epc: fmt.Sprint("b", i)})
				a.with = append(a.with, object{class: fmt.Sprint("a", i)})
				b.with = append(b.with, object{class: fmt.Sprint("b", i)})
			}
		}, func(w *World, m, x *Visit) any { return []int{len(m.tags), len(m.with)} }, []int{maxBasket, maxBasket}},
		{"a bag that a camera saw with the other", func(w *World, a, b, x *Visit) { b.with = []object{{"bag", 0.7}} },
			func(w *World, m, x *Visit) any { return m.with }, []object{{"bag", 0.7}}},
		{"a bag that both cameras saw", func(w *World, a, b, x *Visit) {
			a.with, b.with = []object{{"hat", 0.9}, {"bag", 0.7}}, []object{{"bag", 0.8}}
		}, func(w *World, m, x *Visit) any { return m.with }, []object{{"hat", 0.9}, {"bag", 0.8}}},

		{"the other's sale", func(w *World, a, b, x *Visit) { b.Session, b.Paid = "sco-1/1", true },
			func(w *World, m, x *Visit) any { return []any{m.Session, m.Paid} }, []any{"sco-1/1", true}},
		{"the older one's sale", func(w *World, a, b, x *Visit) { a.Session, a.Paid = "sco-1/1", true },
			func(w *World, m, x *Visit) any { return []any{m.Session, m.Paid} }, []any{"sco-1/1", true}},
		{"a sale that was paid, before one that was not", func(w *World, a, b, x *Visit) { a.Session, a.Paid, b.Session = "sco-1/1", true, "sco-1/2" },
			func(w *World, m, x *Visit) any { return []any{m.Session, m.Paid} }, []any{"sco-1/1", true}},
		{"the later of two sales that nobody has paid", func(w *World, a, b, x *Visit) { a.Session, b.Session = "sco-1/1", "sco-1/2" },
			func(w *World, m, x *Visit) any { return []any{m.Session, m.Paid} }, []any{"sco-1/2", false}},
		{"a sale that goes on", func(w *World, a, b, x *Visit) {
			w.sessions[sessionKey{0, "1"}] = &session{visit: b}
			w.sessions[sessionKey{0, "2"}] = &session{visit: x}
		}, func(w *World, m, x *Visit) any {
			return []bool{w.sessions[sessionKey{0, "1"}].visit == m, w.sessions[sessionKey{0, "2"}].visit == x}
		}, []bool{true, true}},
		{"somebody else's lane", func(w *World, a, b, x *Visit) { w.lanes[0].visit, w.lanes[0].paid = x.number, x.number },
			func(w *World, m, x *Visit) any { return []int{w.lanes[0].visit, w.lanes[0].paid} }, []int{3, 3}},

		{"what it may have done", func(w *World, a, b, x *Visit) {
			w.deeds = []deed{{who: []doer{{visit: b.number, cost: 5, share: 0.75}, {visit: x.number, cost: 9, share: 0.25}}}}
		}, func(w *World, m, x *Visit) any { return w.deeds[0].who }, []doer{{visit: 1, cost: 5, share: 0.75}, {visit: 3, cost: 9, share: 0.25}}},
		{"what either may have done: as the likelier of them did it", func(w *World, a, b, x *Visit) {
			w.deeds = []deed{{who: []doer{{visit: a.number, cost: 7, share: 0.25, took: 0.5},
				{visit: b.number, cost: 5, share: 0.5, shown: true, took: 0.25}}}}
		}, func(w *World, m, x *Visit) any { return w.deeds[0].who }, []doer{{visit: 1, cost: 5, share: 0.75, shown: true, took: 0.5}}},
		{"what either may have done: the older one is likelier", func(w *World, a, b, x *Visit) {
			w.deeds = []deed{{who: []doer{{visit: a.number, cost: 5, share: 0.5}, {visit: b.number, cost: 7, share: 0.25, shown: true}}}}
		}, func(w *World, m, x *Visit) any { return w.deeds[0].who }, []doer{{visit: 1, cost: 5, share: 0.75}}},
		{"what either may have done: a camera shows the other's hand", func(w *World, a, b, x *Visit) {
			w.deeds = []deed{{who: []doer{{visit: a.number, cost: 5, share: 0.25}, {visit: b.number, cost: 5, share: 0.25, shown: true, other: 8}}}}
		}, func(w *World, m, x *Visit) any { return w.deeds[0].who }, []doer{{visit: 1, cost: 5, share: 0.5, shown: true, other: 8}}},
		{"as likely, and a camera shows the older one's hand", func(w *World, a, b, x *Visit) {
			w.deeds = []deed{{who: []doer{{visit: a.number, cost: 5, share: 0.25, shown: true, other: 8}, {visit: b.number, cost: 5, share: 0.25}}}}
		}, func(w *World, m, x *Visit) any { return w.deeds[0].who }, []doer{{visit: 1, cost: 5, share: 0.5, shown: true, other: 8}}},
	} {
		for _, swapped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, swapped %v", c.name, swapped), func(t *testing.T) {
				w := NewWorld(cornerShop())
				w.now = at(10)
				a, b, x := w.open(0, "a", at(0)), w.open(1, "b", at(1)), w.open(0, "x", at(2))
				a.ID, b.ID, x.ID = "a", "b", "x"
				c.tell(w, a, b, x)
				one, other := a, b
				if swapped {
					one, other = b, a
				}
				m := w.merge(one, other)
				if m != a || b.Merged != "a" || b.Ended != w.now || a.Ended != 0 {
					t.Fatalf("%s goes on, %s ended at %d in %q", m.ID, b.ID, b.Ended, b.Merged)
				}
				if got := fmt.Sprintf("%+v", c.get(w, m, x)); got != fmt.Sprintf("%+v", c.want) {
					t.Errorf("%s\nwant %+v", got, c.want)
				}
			})
		}
	}
}

// TestMergedTracks: the tracks of both, in the order of their first observation, those that are not followed any more before them, and
// no more than there may be.
func TestMergedTracks(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = at(10)
	a, b := w.open(0, "a", at(0)), w.open(1, "b", at(1))
	follow := func(v *Visit, source string, id string, first float64) {
		k := trackKey{w.Store.SourceIndex(source), id}
		w.follow(v, k)
		w.tracks[k] = &track{key: k, visit: v, first: at(first)}
	}
	a.Tracks, b.Tracks = []string{"cam-1/old"}, []string{"cam-2/old"}
	follow(a, "cam-2", "p", 3)
	follow(a, "cam-1", "r", 5)
	follow(b, "cam-1", "q", 1)
	follow(b, "cam-1", "s", 3) // with p: the source that is named first
	m := w.merge(a, b)
	if got := fmt.Sprint(m.Tracks); got != "[cam-1/old cam-2/old cam-1/q cam-1/s cam-2/p cam-1/r]" {
		t.Error(got)
	}
	more, evicted := w.open(0, "c", at(9)), w.evicted
	for i := range maxTracks - 1 {
		follow(more, "cam-1", fmt.Sprint(i), 9+float64(i)/100)
	}
	m = w.merge(m, more)
	if len(m.keys) != maxTracks || len(m.Tracks) != maxTracks || m.keys[0].id != "r" || len(w.tracks) != maxTracks || w.evicted != evicted+3 {
		t.Errorf("%d tracks from %v on, %d names, %d followed, %d dropped", len(m.keys), m.keys[0], len(m.Tracks), len(w.tracks), w.evicted-evicted)
	}
}
