package fusion

import (
	"fmt"
	"math"
	"testing"
)

// seenAt is a visit that a camera saw at 1 s, 2 s and 5 s, and last at 6 s, on the way from one corner to the other.
func seenAt(w *World) *Visit {
	v := w.open(0, "A", at(1))
	v.trail = []trailPoint{{at: at(1), p: Point{1, 2}}, {at: at(2), p: Point{2, 4}}, {at: at(5), p: Point{5, 10}}}
	w.moveTo(v, Point{6, 12}, Point{}, 0, at(6))
	return v
}

// TestStood: between two sightings a person was on the line between them, if they are at most two seconds apart, else where he
// was seen next before or after; farther from any sighting nobody knows.
func TestStood(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = at(10)
	v := seenAt(w)
	for _, c := range []struct {
		sec, x, y, gap float64
		ok             bool
	}{
		{-1, 1, 2, 2, true}, {-1.1, 1, 2, 2.1, false}, {0.5, 1, 2, 0.5, true}, {1, 1, 2, 0, true},
		{1.25, 1.25, 2.5, 0, true}, {2, 2, 4, 0, true}, {3, 2, 4, 1, true}, {3.5, 2, 4, 1.5, true}, {3.75, 5, 10, 1.25, true},
		{5.5, 5.5, 11, 0, true}, {6, 6, 12, 0, true}, {7, 6, 12, 1, true}, {8, 6, 12, 2, true}, {8.1, 6, 12, 2.1, false},
	} {
		p, gap, ok := v.stood(at(c.sec))
		if ok != c.ok || !near(float64(gap)/1e9, c.gap, 1e-9) || !near(p.X, c.x, 1e-9) || !near(p.Y, c.y, 1e-9) {
			t.Errorf("at %v s: %v, %.2f s off, %v; want %v, %v, %.2f, %v", c.sec, p, float64(gap)/1e9, ok, c.x, c.y, c.gap, c.ok)
		}
	}
	far := w.open(0, "B", at(0))
	far.trail = []trailPoint{{at: at(0)}}
	w.moveTo(far, Point{9, 9}, Point{}, 0, at(9))
	for sec, ok := range map[float64]bool{2: true, 2.5: false, 6.5: false, 7: true} {
		if _, _, got := far.stood(at(sec)); got != ok {
			t.Errorf("not seen for nine seconds, at %v s: %v; want %v", sec, got, ok)
		}
	}
	if _, _, ok := w.open(0, "C", at(0)).stood(0); ok {
		t.Error("who was never seen stood somewhere")
	}
}

// feetAt is the density of the feet of who takes goods at a distance from them, whom nobody has seen for so many seconds, relative to one person in 6.7 m²: of nine in ten it has
// a standard deviation of 0.4 m each way, and of one in ten of 1 m more.
func feetAt(d, unseen float64) float64 {
	g := func(v float64) float64 { return math.Exp(-d*d/2/v) / (2 * math.Pi * v) }
	return 6.7 * (0.9*g(0.16+unseen*unseen) + 0.1*g(1.16+unseen*unseen))
}

// TestStoodAt: who stands nearer did it sooner; whom the camera has just lost may be there still, and may have walked a metre a second.
func TestStoodAt(t *testing.T) {
	w := NewWorld(cornerShop())
	v := seenAt(w)
	for _, c := range []struct {
		sec, x, want float64
	}{
		{6, 6, feetAt(0, 0)}, {6, 6.8, feetAt(0.8, 0)}, {6, 7.3, feetAt(1.3, 0)}, {6, 7.8, feetAt(1.8, 0)},
		{6.2, 6, math.Exp(-0.125) * feetAt(0, 0)}, {6.2, 7.3, math.Exp(-0.125) * feetAt(1.3, 0)}, // just lost: where he was seen
		{7, 6, math.Exp(-3.125) * feetAt(0, 0)}, {7, 7.8, 0.3 * feetAt(1.8, 1)}, {8, 8.8, 0.3 * feetAt(2.8, 2)}, // lost a while ago: or where he may have walked
		{8.5, 6, 0},
	} {
		if got := v.stoodAt(&Scale{At: [3]float64{c.x, 12, 1}}, at(c.sec), sigmaTime); !near(got, c.want, 1e-6) {
			t.Errorf("at %v s, %.1f m away: %.4f; want %.4f", c.sec, c.x-6, got, c.want)
		}
	}
}

// TestReachOfAWidePlate: goods lie anywhere on a wide plate, half of them from its edge.
func TestReachOfAWidePlate(t *testing.T) {
	sc := &Scale{At: [3]float64{2, 5, 1}, Size: [2]float64{1, 0.25}}
	for _, c := range []struct{ p, want Point }{
		{Point{2.2, 6}, Point{2.2, 5}}, {Point{3, 5.5}, Point{2.35, 5}}, {Point{0, 4}, Point{1.65, 5}},
	} {
		if got := sc.nearest(c.p); got.distance(c.want) > 1e-9 {
			t.Errorf("from %v to %v; want %v", c.p, got, c.want)
		}
	}
}

// TestApart: hands take goods in a box over the plate, from 10 cm below it to 40 cm above.
func TestApart(t *testing.T) {
	sc := &Scale{At: [3]float64{2, 5, 1}, Size: [2]float64{0.5, 0.25}}
	for _, c := range []struct {
		p    [3]float32
		want float64
	}{
		{[3]float32{2, 5, 1}, 0}, {[3]float32{2.25, 5.125, 1.375}, 0}, {[3]float32{1.75, 4.875, 0.9375}, 0},
		{[3]float32{2.75, 5, 1}, 0.5}, {[3]float32{1.25, 5, 1}, 0.5}, {[3]float32{2, 5.625, 1}, 0.5}, {[3]float32{2, 4.375, 1}, 0.5},
		{[3]float32{2, 5, 2}, 0.6}, {[3]float32{2, 5, 0.5}, 0.4},
		{[3]float32{2.75, 5.625, 1}, math.Sqrt(0.5)}, {[3]float32{2.75, 5, 2}, math.Sqrt(0.25 + 0.36)},
	} {
		if got := sc.apart(c.p); !near(got, c.want, 1e-6) {
			t.Errorf("%v: %.4f m; want %.4f", c.p, got, c.want)
		}
	}
}

// TestDidStep: who has a hand over the plate at that moment did it, the more so if it holds goods after a pick or before a put-back;
// and with one in ten, by a hand that the camera does not show, whoever stands there.
func TestDidStep(t *testing.T) {
	plate := [3]float32{2, 5, 1}
	beside := [3]float32{2.25, 5, 1} // a standard deviation
	feet, hand := feetAt(0, 0), 0.9*6.7/0.3
	late := (2*feet + math.Exp(-3.125)*feet + 0.3*feetAt(0, 2)) / 7
	for _, c := range []struct {
		name     string
		hands    []handPoint
		from, to float64
		put      bool
		l, took  float64
		other    float64
		unshown  bool
	}{
		{"no hands", nil, 6, 6, false, feet, 0, 0, true},
		{"hands of long ago", []handPoint{{at(3.9), plate, 1}}, 6, 6, false, feet, 0, 0, true},
		{"hands of long after", []handPoint{{at(8.1), plate, 1}}, 6, 6, false, feet, 0, 0, true},
		{"empty", []handPoint{{at(6), plate, 0}}, 6, 6, false, hand + 0.1*feet, 0, 0.1 * feet, false},
		{"beside the plate", []handPoint{{at(6), beside, 0}}, 6, 6, false, hand*math.Exp(-0.5) + 0.1*feet, 0, 0.1 * feet, false},
		{"a moment before", []handPoint{{at(5.6), plate, 0}}, 6, 6, false, hand*math.Exp(-0.5) + 0.1*feet, 0, 0.1 * feet, false},
		{"a moment after", []handPoint{{at(6.4), plate, 0}}, 6, 6, false, hand*math.Exp(-0.5) + 0.1*feet, 0, 0.1 * feet, false},
		{"the likelier of two", []handPoint{{at(6), beside, 0}, {at(6), plate, 0}, {at(6), beside, 0}}, 6, 6, false, hand + 0.1*feet, 0, 0.1 * feet, false},
		{"empty, then full", []handPoint{{at(6), plate, 0.25}, {at(7), plate, 1}}, 6, 6, false, (hand + 0.1*feet) * 2, 0.75, 0.2 * feet, false},
		{"half full afterwards", []handPoint{{at(6), plate, 0}, {at(7), plate, 0.5}}, 6, 6, false, (hand + 0.1*feet) * 1.5, 0.5, 0.15 * feet, false},
		{"beside the plate, and full afterwards", []handPoint{{at(6), beside, 0}, {at(7), beside, 0.5}}, 6, 6, false,
			(hand*math.Exp(-0.5) + 0.1*feet) * 1.5, 0.5 * math.Exp(-0.5), 0.15 * feet, false},
		{"full long afterwards says nothing", []handPoint{{at(6), plate, 0}, {at(7.6), plate, 1}}, 6, 6, false, hand + 0.1*feet, 0, 0.1 * feet, false},
		{"full, then empty, is no pick", []handPoint{{at(6), plate, 1}, {at(7), plate, 0}}, 6, 6, false, hand + 0.1*feet, 0, 0.1 * feet, false},
		{"full, then empty, is a put-back", []handPoint{{at(6), plate, 1}, {at(7), plate, 0}}, 6, 6, true, (hand + 0.1*feet) * 2, 0, 0.2 * feet, false},
		{"empty, then full, is no put-back", []handPoint{{at(6), plate, 0}, {at(7), plate, 1}}, 6, 6, true, hand + 0.1*feet, 0, 0.1 * feet, false},
		// Two seconds of seven there, and two just lost.
		{"at any moment since", []handPoint{{at(9), plate, 0}}, 6, 12, false, hand + 0.1*late, 0, 0.1 * late, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWorld(cornerShop())
			w.now = at(12)
			sc := &Scale{At: [3]float64{2, 5, 1}}
			v := w.open(0, "A", at(5))
			v.trail = []trailPoint{{at: at(5), p: Point{2, 5}}, {at: at(6), p: Point{2, 5}}, {at: at(7), p: Point{2, 5}}}
			w.moveTo(v, Point{9, 1}, Point{}, 0, at(30))
			v.hands = c.hands
			l, g := w.didStep(v, sc, nil, 0, at(c.from), at(c.to), c.put)
			if g.shown == c.unshown || !near(l, c.l, 1e-5) || !near(g.other, c.other, 1e-5) || !near(g.took, c.took, 1e-5) {
				t.Errorf("%.4f, by another hand %.4f, took %.4f, shown %v; want %.4f, %.4f, %.4f", l, g.other, g.took, g.shown, c.l, c.other, c.took)
			}
			if g.shown && g.hand != plate && g.hand != beside {
				t.Errorf("the hand is at %v", g.hand)
			}
			if c.name == "the likelier of two" && g.hand != plate {
				t.Errorf("the hand is at %v; want it over the plate", g.hand)
			}
		})
	}
}

// TestCandidates: whoever stands near, staff five times as likely, and whoever nobody saw, the likelier where no camera is awake.
func TestCandidates(t *testing.T) {
	alike := func(x float64) string { return fmt.Sprintf("0 %.3f; 1 %.3f; ", x*feetAt(0, 0), x*feetAt(1.3, 0)) }
	tell := func(staff float64, awake bool) (string, float64) {
		w := NewWorld(cornerShop())
		w.now = at(6)
		for i, x := range []float64{2.1, 3.4, 6} { // at the plate, 1.3 m away, elsewhere
			v := w.open(0, fmt.Sprint(i), at(float64(i)))
			v.trail = []trailPoint{{at: at(5), p: Point{x, 4.7}}}
			w.moveTo(v, Point{x, 4.7}, Point{}, 0, at(6))
			v.Staff = staff
		}
		for _, i := range w.watchers[ByTrack][aisleZone] {
			w.live[i].sign(at(5), 0)
			w.live[i].off = !awake
			w.live[i].away = hole{from: at(5)}
		}
		list, none := w.candidates(nil, &w.Store.Scales[0], step{TS: at(6), At: at(6), Grams: -621})
		text := ""
		for _, o := range list {
			text += fmt.Sprintf("%s %.3f; ", o.visit.origin.id, o.l)
		}
		return text, none
	}
	for _, c := range []struct {
		staff float64
		awake bool
		want  string
		none  float64
	}{
		{staffPrior, true, alike(1), 0.05},
		{0, true, alike(1), 0.05},
		{1, true, alike(1 + 4*0.99), 0.05},
		{staffPrior, false, alike(1), 2},
	} {
		if got, none := tell(c.staff, c.awake); got != c.want || none != c.none {
			t.Errorf("staff %v, awake %v: %snobody %.2f; want %s%.2f", c.staff, c.awake, got, none, c.want, c.none)
		}
	}
	w := NewWorld(cornerShop())
	if !w.cameraAwake(-1, at(1)) {
		t.Error("where no camera looks, none can sleep")
	}
}

// TestReachOut: two hands are remembered, five times a second.
func TestReachOut(t *testing.T) {
	v := &Visit{}
	e := Event{TS: at(1), Hands: [][3]float64{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}, Holding: 0.5}
	v.reachOut(&e)
	e.TS = at(1.1)
	v.reachOut(&e)
	e.TS = at(1.2)
	v.reachOut(&e)
	if got := fmt.Sprint(v.hands); got != fmt.Sprint([]handPoint{{at(1), [3]float32{1, 2, 3}, 0.5}, {at(1), [3]float32{4, 5, 6}, 0.5},
		{at(1.2), [3]float32{1, 2, 3}, 0.5}, {at(1.2), [3]float32{4, 5, 6}, 0.5}}) {
		t.Error(got)
	}
}

// TestShares: the largest share first, of equals the older visit's, and none that is too small to count; where one is to own all,
// it is the likeliest, of equals the older visit, or nobody.
func TestShares(t *testing.T) {
	w := NewWorld(cornerShop())
	w.now = monday
	a, b, c, d := w.open(0, "a", monday), w.open(0, "b", monday), w.open(0, "c", monday), w.open(0, "d", monday)
	text := ""
	tell := func(claims []claim) {
		for _, x := range claims {
			text += fmt.Sprintf("%s %.3f; ", x.visit.origin.id, x.share)
		}
	}
	if tell(w.shares([]claim{{a, 1}, {b, 2}, {c, 1}, {d, 0.07}}, 4.07)); text != "b 0.491; a 0.246; c 0.246; " {
		t.Error(text)
	}
	text, w.oneOwner = "", true
	tell(w.shares([]claim{{a, 1}, {b, 2}, {c, 1}}, 4.05))
	tell(w.shares([]claim{{b, 1}, {c, 1}}, 2.05))
	tell(w.shares([]claim{{b, 1}, {c, 0.9}}, 3.1)) // nobody is likelier
	tell(w.shares(nil, 1))
	if text != "b 1.000; b 1.000; " {
		t.Error(text)
	}
}

// TestOneOwner: what one who owns all has is so in every copy of the world, and in one that is begun anew.
func TestOneOwner(t *testing.T) {
	c := NewCore(cornerShop(), quiet())
	if c.state.world.oneOwner {
		t.Error("without being asked for")
	}
	c.OneOwner()
	if w := c.state.world; !w.oneOwner || !w.Clone().oneOwner || !c.empty().world.oneOwner {
		t.Error("not everywhere")
	}
}
