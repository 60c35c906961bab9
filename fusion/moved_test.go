package fusion

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestMovedOfTheContract: the reads of the contract's example test.
func TestMovedOfTheContract(t *testing.T) {
	r := newRun()
	r.pass(17.5, 20, silent)
	r.end()
	for _, f := range r.facts {
		t.Logf("%s %.3f at %.2f known %.2f", f.Kind, f.P, float64(f.At)/1e9, float64(f.TS)/1e9)
	}
	if p := r.moved(17.5 + 2.3); p < 0.7 {
		t.Errorf("P %.3f after 2.3 s; want 0.7 or more", p)
	}
	if p := r.moved(100); p < 0.8 || p > 0.9 {
		t.Errorf("P %.3f at the end; want 0.80 to 0.90", p)
	}
	first, last := r.facts[0], r.facts[len(r.facts)-1]
	want := Fact{TS: 17.75e9, At: 17.5e9, Kind: FactRead, Source: 1, Zone: 1, Product: 1, N: 1, P: 1, Name: taco}
	if first != want {
		t.Errorf("first fact %+v, want %+v", first, want)
	}
	if last.Kind != FactReadEnd || last.At != 20e9 || last.TS != 21.5e9 || last.P != r.moved(100) {
		t.Errorf("last fact %+v, want the end of the run at 20 s, known at 21.5 s", last)
	}
}

// TestMovedStatic: a tag that lies within reach of the gate is not moved, whatever its noise and pace.
func TestMovedStatic(t *testing.T) {
	high, over := 0.0, 0
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		sigma := 1.1 + 1.6*rnd.Float64()
		rate := []float64{0.5, 2, 8, 23}[seed%4]
		r := newRun()
		for i := range 40 {
			r.read(10+(float64(i)+0.3*rnd.Float64())/rate, taco, 1, 1, -58+sigma*rnd.NormFloat64(), 0)
		}
		r.end()
		p := r.moved(1000)
		high = max(high, p)
		if p > 0.1 && rate > 8 {
			over++
		}
		if p > 0.25 {
			t.Errorf("seed %d: P %.3f of a tag with σ %.1f dB, %v reads a second", seed, p, sigma, rate)
		}
	}
	t.Logf("at most %.3f", high)
	if over > 3 {
		t.Errorf("%d of 75 tags with 40 reads in 1.7 s have P over 0.1", over)
	}
}

func TestMovedOneRead(t *testing.T) {
	r := newRun()
	r.read(1, taco, 1, 1, -40, 0)
	r.end()
	if p := r.moved(10); p > 0.3 || p < 0.1 {
		t.Errorf("P %.3f of a single read; want 0.1 to 0.3", p)
	}
}

// TestMovedNoisyPass: passes with the noise that was measured keep their likelihood; more antennas and known channels
// raise it.
func TestMovedNoisyPass(t *testing.T) {
	sum := map[string]float64{}
	const n = 100
	for seed := range uint64(n) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		r := newRun()
		r.pass(10, 35, func() float64 { return 2.7 * rnd.NormFloat64() })
		r.end()
		sum["one antenna"] += r.moved(1000) / n

		r = newRun()
		offset := map[int]float64{}
		for c := range 4 {
			offset[c] = 2.5 * rnd.NormFloat64()
		}
		for i := range 40 {
			at, a := 2.5*float64(i)/39, 1+i%2
			peak := []float64{0.8, 1.7}[a-1]
			c := rnd.IntN(4)
			r.read(10+at, taco, a, 1, -46-8*(at-peak)*(at-peak)+offset[c]+1.1*rnd.NormFloat64(), 865.7+0.6*float64(c))
		}
		r.end()
		sum["two antennas, channels"] += r.moved(1000) / n

		r = newRun()
		for i := range 40 {
			c := rnd.IntN(4)
			r.read(10+float64(i)/20, taco, 1+i%2, 1, -52+offset[c]+1.1*rnd.NormFloat64(), 865.7+0.6*float64(c))
		}
		r.end()
		sum["static, channels"] += r.moved(1000) / n
	}
	t.Log(sum)
	if sum["one antenna"] < 0.75 || sum["two antennas, channels"] < 0.9 || sum["static, channels"] > 0.1 {
		t.Errorf("mean P %v", sum)
	}
}

// TestMovedInOrder: antennas that the tag passes one after the other say more than two that hear the same.
func TestMovedInOrder(t *testing.T) {
	pass := func(apart float64) float64 {
		r := newRun()
		for i := range 40 {
			at, a := 2.5*float64(i)/39, i%2
			d := at - 1.25 + apart*(float64(a)-0.5)
			r.read(10+at, taco, 1+a, 1, -50-5*d*d, 0)
		}
		r.end()
		return r.moved(100)
	}
	if one, two := pass(0), pass(1.2); two < one+0.05 {
		t.Errorf("P %.3f for antennas passed one after the other, %.3f at once", two, one)
	}
}

// TestMovedChatter: what has lain at the gate for minutes is not taken for moved when a passer-by disturbs its reads.
func TestMovedChatter(t *testing.T) {
	after := func(minutes float64) float64 {
		rnd := rand.New(rand.NewPCG(1, 6))
		r := newRun()
		at := 10.0
		for ; at < 10+60*minutes; at += 0.2 {
			r.read(at, taco, 1, 1, -60+1.5*rnd.NormFloat64(), 0)
		}
		r.facts = nil
		for x := 0.0; x < 2; x += 0.1 { // six dB up and down again
			r.read(at+x, taco, 1, 1, -60+6*math.Sin(x*math.Pi/2)+1.5*rnd.NormFloat64(), 0)
		}
		high := 0.0
		for _, f := range r.facts {
			high = max(high, f.P)
		}
		return high
	}
	if fresh, old := after(0), after(5); old > 0.1 || fresh < 3*old {
		t.Errorf("P %.3f with a history of five minutes, %.3f without; want at most 0.1 and much more", old, fresh)
	}
}

// TestMovedNearer: a tag that lay within earshot of the gate, and is 15 dB louder now, has come nearer, however slowly; one that stays as loud
// was put down there, and one of which the level wavers lies.
func TestMovedNearer(t *testing.T) {
	level := func(sec float64) float64 { return -64 }
	tell := func(level func(sec float64) float64) *tagRun {
		rnd := rand.New(rand.NewPCG(1, 1))
		r := newRun()
		for sec := 0.0; sec < 150; sec += 0.1 {
			r.read(10+sec, taco, 1, 1, level(sec)+0.8*rnd.NormFloat64(), 0)
		}
		r.end()
		return r
	}
	if p := tell(level).moved(1000); p > 0.1 {
		t.Errorf("P %.2f of one that lies there", p)
	}
	r := tell(func(sec float64) float64 { return -64 + min(15, max(0, (sec-60)*2)) })
	if p := r.moved(10 + 69); p < 0.6 {
		t.Errorf("P %.2f once it is 15 dB louder", p)
	}
	if p := r.moved(10 + 140); p > 0.3 {
		t.Errorf("P %.2f of one that has been as loud for a minute", p)
	}
	if p := tell(func(sec float64) float64 { return -64 + 4*math.Sin(sec/3) }).moved(1000); p > 0.3 {
		t.Errorf("P %.2f of one whose level wavers by 4 dB", p)
	}
}
