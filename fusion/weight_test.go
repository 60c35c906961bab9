package fusion

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// shop is a plate with one product of the given mass.
func shop(grams ...float64) *plate {
	var products []Product
	var sc Scale
	for i, g := range grams {
		products = append(products, Product{Grams: g})
		sc.Products = append(sc.Products, i)
	}
	return newPlate(&sc, products)
}

// feed gives a plate samples at a rate over a time and returns the steps; load tells the load at a time in seconds.
func feed(p *plate, from, to, rate float64, load func(t float64) float64) []step {
	var steps []step
	for i := 0; ; i++ {
		t := from + float64(i)/rate
		if t > to {
			return steps
		}
		if s, ok := p.add(int64(math.Round(t*1e9)), load(t), false); ok {
			steps = append(steps, s)
		}
	}
}

// TestStepOfTheContract: samples at 10 Hz from 2 s before to 2 s after, as weight g1-s5-p11 -621g expands to.
func TestStepOfTheContract(t *testing.T) {
	for _, rate := range []float64{10, 12, 25, 60, 100} {
		got := feed(shop(621.67), 3, 7, rate, func(t float64) float64 {
			if t < 5 {
				return 20 * 621.67
			}
			return 20*621.67 - 621
		})
		if len(got) != 1 || math.Abs(got[0].Grams+621) > 0.01 {
			t.Fatalf("at %v Hz: %+v; want one step of -621 g", rate, got)
		}
		if s := got[0]; s.At < 5e9-60e6 || s.At > 5e9+60e6 || s.TS > 5.6e9 {
			t.Errorf("at %v Hz: began %d, settled %d; want 5 s and at most 5.6 s", rate, s.At, s.TS)
		}
	}
}

func TestStepsThatFollowEachOther(t *testing.T) {
	for _, rate := range []float64{10, 60} {
		got := feed(shop(100, 330), 0, 9, rate, func(t float64) float64 {
			l := 2000.0
			for _, s := range []struct{ at, g float64 }{{2, -100}, {2.7, -330}, {3.5, 100}, {5.9, -100}} {
				if t >= s.at {
					l += s.g
				}
			}
			return l
		})
		var sum, at []float64
		for _, s := range got {
			sum, at = append(sum, math.Round(s.Grams)), append(at, math.Round(float64(s.At)/1e8)/10)
		}
		if !slices.Equal(sum, []float64{-100, -330, 100, -100}) || !slices.Equal(at, []float64{2, 2.7, 3.5, 5.9}) {
			t.Errorf("at %v Hz: %v g at %v s; want -100 -330 100 -100 at 2 2.7 3.5 5.9", rate, sum, at)
		}
	}
}

// TestHandThatPresses: a hand on the shelf that is as heavy as many of its goods, for a second, is neither put there nor taken; what is taken meanwhile is.
func TestHandThatPresses(t *testing.T) {
	for _, c := range []struct {
		taken float64
		want  int
	}{{0, 0}, {-35, 1}} {
		got := feed(shop(35), 0, 8, 20, func(t float64) float64 {
			switch {
			case t >= 3 && t < 4:
				return 2345
			case t >= 4:
				return 2000 + c.taken
			}
			return 2000
		})
		if len(got) != c.want || c.want == 1 && math.Abs(got[0].Grams-c.taken) > 1 {
			t.Errorf("%g g taken: %+v", c.taken, got)
		}
	}
}

// TestNothingFires: noise, drift and touches are no steps, whatever the rate.
func TestNothingFires(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		rate := []float64{10, 20, 60}[seed%3]
		noise := 0.2 + 2.6*r.Float64() // median and worst but one gondola of science §3.2
		drift := (r.Float64()*2 - 1) * 15 / 60
		type touch struct{ from, to, g float64 }
		var touches []touch
		for at := 3.0; at < 110; at += 2 + 8*r.Float64() {
			touches = append(touches, touch{at, at + 0.05 + 1.5*r.Float64(), math.Copysign(30+30*r.Float64(), r.Float64()-0.5)})
		}
		got := feed(shop(30+300*r.Float64()), 0, 120, rate, func(t float64) float64 {
			l := 4000 + drift*t + noise*r.NormFloat64()
			for _, c := range touches {
				if t >= c.from && t < c.to { // a hand is never still
					l += c.g * (0.3 + 1.4*r.Float64())
				}
			}
			return l
		})
		if len(got) > 0 {
			t.Errorf("seed %d, %v Hz, noise %.1f g, drift %.0f g/min: %+v", seed, rate, noise, drift*60, got)
		}
	}
}

// TestStepsAreFound: steps from half the lightest product on, at any time and rate, with touches before them.
func TestStepsAreFound(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		rate := []float64{10, 20, 60}[seed%3]
		light := 30 + 500*r.Float64()*r.Float64()
		noise := min(0.2+2.6*r.Float64(), light/30)
		var at, size []float64
		for c := 2.2; c < 50; c += 3 + 4*r.Float64() {
			at = append(at, c)
			size = append(size, math.Copysign(light*(0.5+float64(r.IntN(8))/2), r.Float64()-0.5))
		}
		got := feed(shop(light, 2*light), 0, 60, rate, func(t float64) float64 {
			l := 9000 + noise*r.NormFloat64()
			for i := range at {
				if t >= at[i] {
					l += size[i]
				} else if t >= at[i]-0.15 { // the hand
					l += 100*r.Float64() - 50
				}
			}
			return l
		})
		if len(got) != len(at) {
			t.Errorf("seed %d, %v Hz, lightest %.0f g, noise %.1f g: %d steps of %d", seed, rate, light, noise, len(got), len(at))
			continue
		}
		for i, s := range got {
			if math.Abs(s.Grams-size[i]) > 4*noise+0.5 {
				t.Errorf("seed %d: a step of %.1f g measured as %.1f ± %.2f (noise %.1f)", seed, size[i], s.Grams, s.SD, noise)
			}
			if d := float64(s.At)/1e9 - at[i]; d < -0.35 || d > 0.2 {
				t.Errorf("seed %d: a step at %.2f s said to begin %.2f s off", seed, at[i], d)
			}
		}
	}
}

// TestHeld: goods held on the plate by hand are one disturbance, closed when the load holds.
func TestHeld(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	got := feed(shop(400), 0, 20, 60, func(t float64) float64 {
		switch {
		case t < 3:
			return 4000 + r.NormFloat64()
		case t < 12:
			return 3900 + 150*r.NormFloat64()
		}
		return 3600 + r.NormFloat64()
	})
	if len(got) != 1 || math.Abs(got[0].Grams+400) > 3 || got[0].At > 3.1e9 || got[0].TS < 12e9 {
		t.Errorf("%+v; want one step of -400 g from 3 s to past 12 s", got)
	}
}

// TestHandBefore: a hand that rests on the shelf for a second is not the level from which goods are counted that it then lifts, and puts back.
func TestHandBefore(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, lifts := range []float64{0, 240} {
		got := feed(shop(240), 0, 20, 10, func(t float64) float64 {
			load := 9468 + 0.9*r.NormFloat64()
			switch {
			case t >= 10 && t < 11:
				return load + 35
			case t >= 11.2 && t < 11.8:
				return load - lifts + 31
			}
			return load
		})
		sum := 0.0
		for _, s := range got {
			sum += s.Grams
			if math.Abs(math.Abs(s.Grams)-(lifts-31)) > 4 {
				t.Errorf("lifts %.0f g: a step of %.1f g", lifts, s.Grams)
			}
		}
		if math.Abs(sum) > 4 {
			t.Errorf("lifts %.0f g and puts it back: steps %+v", lifts, got)
		}
	}
}

// TestSlowPick: what creeps below the CUSUM is found by comparing settled levels.
func TestSlowPick(t *testing.T) {
	for _, rate := range []float64{10, 60} {
		for _, grams := range []float64{24, 90, 600} {
			for _, over := range []float64{1, 3, 5} {
				r := rand.New(rand.NewPCG(uint64(grams), uint64(over)))
				got := feed(shop(grams), 0, 40, rate, func(t float64) float64 {
					return 3000 - grams*min(1, max(0, (t-10)/over)) + 0.5*r.NormFloat64()
				})
				sum := 0.0
				for _, s := range got {
					sum += s.Grams
				}
				if len(got) != 1 || math.Abs(sum+grams) > max(3, grams/20) {
					t.Errorf("%v g over %v s at %v Hz: %+v; want one step", grams, over, rate, got)
				}
			}
		}
	}
}

// TestHoles: what a scale did while it could not be seen is no step, and it sees again afterwards.
func TestHoles(t *testing.T) {
	fault := map[string]func(p *plate){
		"silence":    func(*plate) {},
		"NaN":        func(p *plate) { p.add(5.1e9, math.NaN(), false) },
		"saturation": func(p *plate) { p.add(5.1e9, math.Inf(1), false) },
		"offline":    func(p *plate) { p.hole() },
	}
	for name, f := range fault {
		p := shop(300)
		var got []step
		got = append(got, feed(p, 0, 5, 20, func(float64) float64 { return 3000 })...)
		f(p)
		from := 5.15
		if name == "silence" {
			from = 6.1
		}
		got = append(got, feed(p, from, 9, 20, func(float64) float64 { return 1200 })...)
		if len(got) > 0 {
			t.Errorf("%s: %+v over a hole; want none", name, got)
		}
		got = feed(p, 9.05, 12, 20, func(float64) float64 { return 900 })
		if len(got) != 1 || math.Abs(got[0].Grams+300) > 0.01 {
			t.Errorf("%s: %+v after it; want one step of -300 g", name, got)
		}
	}
	jump := func(t float64) float64 {
		if t > 4 {
			return -38130 // the end of a 24-bit converter's range
		}
		return 3000
	}
	p := shop(300)
	if got := feed(p, 0, 9, 20, jump); len(got) > 0 {
		t.Errorf("a jump of 41 kg: %+v; want a fault, no step", got)
	}
	if p.base != -38130 {
		t.Errorf("baseline %v after the jump", p.base)
	}
	p = shop(300)
	for i := range 30 {
		if s, ok := p.add(int64(i)*1e9, jump(float64(i)), true); ok {
			t.Errorf("a jump of 41 kg of a scale that sends changes: %+v; want a fault, no step", s)
		}
	}
}

// TestNoisierPlate: noise that has grown for good does not blind a plate for ever.
func TestNoisierPlate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	got := feed(shop(200), 0, 600, 10, func(t float64) float64 {
		l := 4000 + 0.5*r.NormFloat64()
		if t > 10 { // a compressor starts
			l += 12 * r.NormFloat64()
		}
		if t > 550 {
			l -= 200
		}
		return l
	})
	if len(got) != 1 || math.Abs(got[0].Grams+200) > 25 {
		t.Errorf("%+v; want one step of about -200 g", got)
	}
}

// TestChanges: a scale that sends only changes; a level counts when it has stood for 0.4 s.
func TestChanges(t *testing.T) {
	p := shop(300)
	var got []step
	add := func(sec, grams float64) {
		ts := int64(math.Round(sec * 1e9))
		for p.due() <= ts {
			if s, ok := p.fire(p.due()); ok {
				got = append(got, s)
			}
		}
		if s, ok := p.add(ts, grams, true); ok {
			got = append(got, s)
		}
	}
	for _, c := range [][2]float64{{0, 3000}, {10, 3001}, {12, 3050}, {12.1, 2960}, {12.2, 3002}, // a touch
		{15, 2940}, {15.1, 2702}, {25, 2701}, // a pick
		{30, 2640}, {31, 2580}, {32, 2520}, {33, 2460}, {34, 2401}, {44, 2401}, // a slow one
		{100, 1000}, {110, 1001}, {120, 1301}} { // a hole, a put-back
		add(c[0], c[1])
	}
	add(130, 1301)
	want := []float64{-299, -301, 300}
	if len(got) != len(want) {
		t.Fatalf("%+v; want steps of %v g", got, want)
	}
	for i, s := range got {
		if math.Abs(s.Grams-want[i]) > 3 {
			t.Errorf("step %d is %.1f g, want %.0f", i, s.Grams, want[i])
		}
	}
	if got[0].At != 15e9 || got[0].TS != 15.7e9 {
		t.Errorf("the pick began at %d and settled at %d; want 15 s and 15.7 s", got[0].At, got[0].TS)
	}
	if p.due() != 130e9+restNS {
		t.Errorf("due %d", p.due())
	}
}

// TestPlateIsOrderFree: samples of one moment may come in any order, and a copy goes its own way.
func TestPlateIsOrderFree(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	a, b := shop(50), shop(50)
	for i := range 2000 {
		ts := int64(i) * 1e9 / 60
		var v [3]float64
		for j := range v {
			v[j] = 1000 - 50*float64(i/300) + r.NormFloat64()
		}
		for j := range v {
			a.add(ts, v[j], false)
			b.add(ts, v[2-j], false)
		}
		if i == 1000 {
			c := *a
			feed(&c, 40, 50, 60, func(float64) float64 { return 0 })
		}
		if *a != *b {
			t.Fatalf("at sample %d the order of equal samples shows:\n%+v\n%+v", i, *a, *b)
		}
	}
}

func BenchmarkPlate(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var noise [1024]float64
	for i := range noise {
		noise[i] = 5000 + r.NormFloat64()
	}
	p := shop(100)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		p.add(int64(i)*1e9/60, noise[i%len(noise)], false)
		i++
	}
}

func BenchmarkPlateClone(b *testing.B) {
	p := shop(100)
	b.ReportAllocs()
	for b.Loop() {
		n := *p
		p = &n
	}
}
