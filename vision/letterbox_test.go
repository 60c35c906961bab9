package vision

import (
	"math"
	"math/rand/v2"
	"testing"
)

func filled(w, h int, at func(x, y, c int) byte) Frame {
	f := Frame{Pix: make([]byte, w*h*3), W: w, H: h}
	for y := range h {
		for x := range w {
			for c := range 3 {
				f.Pix[(y*w+x)*3+c] = at(x, y, c)
			}
		}
	}
	return f
}

func TestLetterboxKeepsShapeColourAndPlace(t *testing.T) {
	l := NewLetterbox(64)
	f := filled(128, 64, func(x, y, c int) byte { return byte(10*c + 2) })
	dst := make([]float32, 3*64*64)
	if err := l.Fill(dst, f, Normalise{RGB: true, Mean: [3]float32{22, 12, 2}, Scale: [3]float32{1, 2, 4}}); err != nil {
		t.Fatal(err)
	}
	// 64×32 in the middle, planes red green blue: all at their mean.
	for c := range 3 {
		for y := range 64 {
			for x := range 64 {
				want := float32(0)
				if y < 16 || y >= 48 {
					want = (114 - []float32{22, 12, 2}[c]) * []float32{1, 2, 4}[c]
				}
				if got := dst[c*64*64+y*64+x]; math.Abs(float64(got-want)) > 1e-3 {
					t.Fatalf("plane %d at %d,%d: %g, want %g", c, x, y, got, want)
				}
			}
		}
	}
	box, ok := l.Unbox(16, 24, 32, 40)
	if want := [4]float32{32, 16, 32, 32}; !ok || box != want {
		t.Errorf("box %v, want %v", box, want)
	}
	if box, ok := l.Unbox(-5, -5, 10, 12); ok {
		t.Errorf("a box in the border came back as %v", box)
	}
	nan := float32(math.NaN())
	if _, ok := l.Unbox(nan, 20, 30, 40); ok {
		t.Error("a box that is no number came back")
	}
}

// A plane of slope stays a plane of slope: bilinear, centres at half.
func TestLetterboxIsBilinear(t *testing.T) {
	f := filled(100, 80, func(x, y, c int) byte { return byte(x + y) })
	l := NewLetterbox(50)
	dst := make([]float32, 3*50*50)
	if err := l.Fill(dst, f, Normalise{Scale: [3]float32{1, 1, 1}}); err != nil {
		t.Fatal(err)
	}
	for y := range 40 {
		for x := range 50 {
			want := (float64(x)+0.5)*2 - 0.5 + (float64(y)+0.5)*2 - 0.5
			if got := float64(dst[(y+5)*50+x]); math.Abs(got-want) > 1e-3 {
				t.Fatalf("%d,%d: %g, want %g", x, y, got, want)
			}
		}
	}
}

func TestLetterboxRefusesBadFrames(t *testing.T) {
	l := NewLetterbox(32)
	dst := make([]float32, 3*32*32)
	for _, f := range []Frame{{}, {Pix: make([]byte, 5), W: 1, H: 2}, {W: -1, H: 3}} {
		if l.Fill(dst, f, Normalise{}) == nil {
			t.Errorf("took %d×%d with %d bytes", f.W, f.H, len(f.Pix))
		}
	}
	if l.Fill(dst[:5], filled(2, 2, func(x, y, c int) byte { return 0 }), Normalise{}) == nil {
		t.Error("took a short destination")
	}
}

func TestLetterboxAllocatesNothingPerFrame(t *testing.T) {
	f := filled(64, 48, func(x, y, c int) byte { return byte(x) })
	l, dst := NewLetterbox(32), make([]float32, 3*32*32)
	if n := testing.AllocsPerRun(10, func() { _ = l.Fill(dst, f, Normalise{}) }); n != 0 {
		t.Errorf("%g allocations a frame", n)
	}
}

func BenchmarkLetterbox(b *testing.B) {
	bench := func(name string, w, h int) {
		b.Run(name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			f := filled(w, h, func(x, y, c int) byte { return byte(r.Uint32()) })
			l, dst := NewLetterbox(416), make([]float32, 3*416*416)
			b.ReportAllocs()
			for b.Loop() {
				if err := l.Fill(dst, f, Normalise{Scale: [3]float32{1, 1, 1}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	bench("768x576", 768, 576)
	bench("1920x1080", 1920, 1080)
}
