package vision

import (
	"math"
	"math/rand/v2"
	"testing"
)

func outputsFor(h *Head) [][]float32 {
	var out [][]float32
	for _, n := range h.Sizes() {
		out = append(out, make([]float32, n))
	}
	return out
}

// fitted is a letterbox that has seen a frame of the given size.
func fitted(t testing.TB, size, w, h int) *Letterbox {
	l := NewLetterbox(size)
	if err := l.Fill(make([]float32, 3*size*size), filled(w, h, func(x, y, c int) byte { return 0 }), Normalise{}); err != nil {
		t.Fatal(err)
	}
	return l
}

func near(a, b [4]float32, by float64) bool {
	for i := range a {
		if !(math.Abs(float64(a[i]-b[i])) <= by) {
			return false
		}
	}
	return true
}

func TestDecodeNanoDet(t *testing.T) {
	h, err := NanoDet(416, StoreClasses(), 0.1)
	if err != nil {
		t.Fatal(err)
	}
	l := fitted(t, 416, 832, 416) // scale ½, 104 rows of border
	out := outputsFor(h)
	// A person at stride 16, cell 10,12: sides 2, 3, 1, 4 strides; logits so
	// sharp that the mean is the bin.
	at := 12*26 + 10
	out[1][at*80] = 0.75
	for k, bin := range []int{2, 3, 1, 4} {
		out[4][at*44+k*11+bin] = 50
	}
	out[0][5*80+2] = 0.9   // a car: not wanted in a store
	out[2][7*80+39] = 0.05 // a bottle, too unsure
	got, err := h.Decode(out, l, nil)
	if err != nil {
		t.Fatal(err)
	}
	cx, cy := float32(10.5*16), float32(12.5*16)
	want := [4]float32{(cx - 32) * 2, (cy - 48 - 104) * 2, 48 * 2, 112 * 2}
	if len(got) != 1 || got[0].Class != Person || got[0].Conf != 0.75 || !near(got[0].Box, want, 1e-2) {
		t.Errorf("got %v, want a person at %v", got, want)
	}
}

// Even logits mean the middle of the bins; the mean lies between two bins.
func TestNanoDetExpectation(t *testing.T) {
	h, err := NanoDet(416, nil, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.expect(make([]float32, 11)); math.Abs(float64(got-5)) > 1e-5 {
		t.Errorf("even logits: %g, want 5", got)
	}
	logits := []float32{-90, -90, 3, 3, -90, -90, -90, -90, -90, -90, -90}
	if got := h.expect(logits); math.Abs(float64(got-2.5)) > 1e-5 {
		t.Errorf("two equal bins: %g, want 2.5", got)
	}
}

func TestDecodeYOLOv8(t *testing.T) {
	h, err := YOLOv8(640, []string{Person, "bottle"}, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	l := fitted(t, 640, 1280, 1280)
	out := outputsFor(h)
	n := len(out[0]) / 84
	if n != 8400 {
		t.Fatalf("%d anchors, want 8400", n)
	}
	set := func(a, class int, conf, cx, cy, w, ht float32) {
		for k, v := range []float32{cx, cy, w, ht} {
			out[0][k*n+a] = v
		}
		out[0][(4+class)*n+a] = conf
	}
	set(100, 0, 0.9, 100, 200, 40, 80)
	set(101, 0, 0.6, 101, 201, 40, 80)   // the same person
	set(102, 39, 0.7, 102, 200, 40, 80)  // called a bottle at the same place
	set(8399, 39, 0.5, 600, 600, 20, 20) // another bottle
	set(500, 2, 0.95, 300, 300, 100, 50) // a car
	set(501, 0, 0.2, 300, 300, 100, 50)  // too unsure
	got, err := h.Decode(out, l, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Class != Person || got[1].Class != "bottle" {
		t.Fatalf("got %v, want a person and a bottle", got)
	}
	if !near(got[0].Box, [4]float32{160, 320, 80, 160}, 1e-3) || !near(got[1].Box, [4]float32{1180, 1180, 40, 40}, 1e-3) {
		t.Errorf("boxes %v %v", got[0].Box, got[1].Box)
	}
}

func TestDecodeRefusesOtherOutputs(t *testing.T) {
	h, err := NanoDet(416, nil, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	l := fitted(t, 416, 10, 10)
	out := outputsFor(h)
	if _, err := h.Decode(out[:5], l, nil); err == nil {
		t.Error("took five outputs")
	}
	out[3] = out[3][1:]
	if _, err := h.Decode(out, l, nil); err == nil {
		t.Error("took a short output")
	}
	if _, err := NanoDet(415, nil, 0.1); err == nil {
		t.Error("took an odd size")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(uint64(1), float32(0.5), float32(math.Inf(1)))
	f.Add(uint64(2), float32(math.NaN()), float32(-3))
	f.Fuzz(func(t *testing.T, seed uint64, a, b float32) {
		for _, make := range []func(int, []string, float32) (*Head, error){NanoDet, YOLOv8} {
			h, err := make(64, nil, 0.1)
			if err != nil {
				t.Fatal(err)
			}
			l := fitted(t, 64, 100, 50)
			r := rand.New(rand.NewPCG(seed, 1))
			out := outputsFor(h)
			for _, o := range out {
				for i := range o {
					o[i] = []float32{a, b, 0, r.Float32(), 64 * r.Float32()}[r.IntN(5)]
				}
			}
			got, err := h.Decode(out, l, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range got {
				if !(d.Conf >= 0.1 && d.Conf <= 1 && d.Box[0] >= 0 && d.Box[1] >= 0 && d.Box[0]+d.Box[2] <= 100.1 && d.Box[1]+d.Box[3] <= 50.1) {
					t.Fatalf("impossible detection %v", d)
				}
			}
		}
	})
}

func TestNMSIgnoresClassAndOrder(t *testing.T) {
	ds := []Detection{
		{"bottle", 0.5, [4]float32{0, 0, 10, 10}},
		{Person, 0.9, [4]float32{1, 0, 10, 10}}, // overlaps the bottle by 9/11
		{Person, 0.8, [4]float32{5, 0, 10, 10}}, // overlaps the person by 6/14: stays
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 10 {
		r.Shuffle(len(ds), func(i, j int) { ds[i], ds[j] = ds[j], ds[i] })
		got := NMS(append([]Detection(nil), ds...), NMSOverlap)
		if len(got) != 2 || got[0].Conf != 0.9 || got[1].Conf != 0.8 {
			t.Fatalf("kept %v", got)
		}
	}
}

func BenchmarkDecodeNanoDet(b *testing.B) {
	h, err := NanoDet(416, StoreClasses(), 0.1)
	if err != nil {
		b.Fatal(err)
	}
	l := fitted(b, 416, 768, 576)
	out := outputsFor(h)
	r := rand.New(rand.NewPCG(1, 2))
	for _, o := range out {
		for i := range o {
			o[i] = r.Float32() * 0.101 // about what a busy frame has above the threshold
		}
	}
	var dst []Detection
	b.ReportAllocs()
	for b.Loop() {
		if dst, err = h.Decode(out, l, dst[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNMS(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]Detection, 200)
	for i := range all {
		all[i] = Detection{Person, r.Float32(), [4]float32{700 * r.Float32(), 500 * r.Float32(), 60, 150}}
	}
	d := make([]Detection, len(all))
	b.ReportAllocs()
	for b.Loop() {
		copy(d, all)
		NMS(d, NMSOverlap)
	}
}
