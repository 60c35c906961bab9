package fusion

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFitHomographyFindsTheMapBehindThePoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := func(name string, from, to float64) float64 { return rapid.Float64Range(from, to).Draw(t, name) }
		// A camera above the floor that looks down on it: the lower the pixel, the nearer the floor.
		truth := Homography{f("sx", 0.002, 0.01), f("skew", -0.001, 0.001), f("x0", -5, 5),
			f("turn", -0.001, 0.001), f("sy", -0.01, -0.002), f("y0", 3, 12), f("px", -1e-4, 1e-4), f("py", 1e-5, 5e-4), 1}
		var points []Match
		for i := range rapid.IntRange(4, 12).Draw(t, "n") {
			px, py := float64(100+400*(i%3))+f("jx", 0, 60), float64(300+180*(i/3%3))+f("jy", 0, 60)
			if i == 3 {
				py = 700 // the fourth off the first three's row, or four points need not be in general position
			}
			if i == 1 {
				py = 620
			}
			x, y, ok := truth.Apply(px, py)
			if !ok {
				t.Fatalf("pixel %g, %g has no floor", px, py)
			}
			points = append(points, Match{px, py, x, y})
		}
		h, rms, err := FitHomography(points)
		if err != nil {
			t.Fatal(err)
		}
		if rms > 1e-6 {
			t.Errorf("rms %g m of exact points", rms)
		}
		for range 5 {
			px, py := f("qx", 0, 1280), f("qy", 400, 720)
			x, y, ok := h.Apply(px, py)
			wx, wy, _ := truth.Apply(px, py)
			if !ok || math.Hypot(x-wx, y-wy) > 1e-5*(1+math.Hypot(wx, wy)) {
				t.Errorf("pixel %g, %g maps to %g, %g, want %g, %g", px, py, x, y, wx, wy)
			}
		}
	})
}

func TestFitHomographySpreadsTheErrorOfManyPoints(t *testing.T) {
	var points []Match
	for i := range 5 {
		for j := range 4 {
			e := 0.02 * float64((i*7+j*3)%3-1) // metres
			points = append(points, Match{float64(100 * i), float64(100 * j), float64(i) + e, float64(j) - e})
		}
	}
	h, rms, err := FitHomography(points)
	if err != nil || rms > 0.03 || rms < 0.005 {
		t.Fatalf("rms %g, %v", rms, err)
	}
	if x, y, ok := h.Apply(200, 150); !ok || math.Hypot(x-2, y-1.5) > 0.02 {
		t.Errorf("the middle maps to %g, %g, want 2, 1.5", x, y)
	}
}

func TestHomographiesThatCannotBe(t *testing.T) {
	f := func(want string, points ...Match) {
		t.Helper()
		if _, _, err := FitHomography(points); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	a, b, c := Match{0, 0, 0, 0}, Match{100, 0, 1, 0}, Match{100, 100, 1, 1}
	f("at least 4 points", a, b, c)
	f("in a line or repeat", a, b, c, c)
	f("in a line or repeat", a, b, Match{200, 0, 2, 0}, Match{300, 0, 3, 0}, c)
	f("at one place", a, a, a, a)
	if _, err := (Homography{}).Oriented(1, 1); err == nil {
		t.Error("the zero map is taken")
	}
	if _, err := (Homography{1, 0, 0, 0, 1, 0, 0, 0.01, -1}).Oriented(50, 100); err == nil || !strings.Contains(err.Error(), "horizon") {
		t.Errorf("got %v, want an error that names the horizon", err)
	}
}

func TestBeyondTheHorizonIsNoFloor(t *testing.T) {
	h, err := Homography{-1, 0, 0, 0, -1, 0, 0, -0.01, 1}.Oriented(50, 200) // horizon at row 100, sign turned
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := h.Apply(50, 99); ok {
		t.Error("a pixel above the horizon has a floor point")
	}
	if _, _, ok := h.Apply(50, 101); !ok {
		t.Error("a pixel below the horizon has none")
	}
}

// TestFootCarriesThePixelNoise: the standard deviation of a foot point is what one of a pixel's noise, aside and along, moves it by.
func TestFootCarriesThePixelNoise(t *testing.T) {
	hom, _, err := FitHomography([]Match{{PX: 100, PY: 500, X: 2, Y: 0}, {PX: 660, PY: 420, X: 8, Y: 1}, {PX: 260, PY: 150, X: 3, Y: 12}, {PX: 560, PY: 170, X: 9, Y: 14}})
	if err != nil {
		t.Fatal(err)
	}
	for _, box := range [][4]float64{{350, 380, 60, 120}, {300, 200, 20, 50}} {
		at, sd, ok := hom.Foot(box, false)
		if !ok {
			t.Fatal("beyond the horizon")
		}
		var spread Point
		for _, d := range [][2]float64{{footAcross * box[3], 0}, {0, footAlong * box[3]}} {
			const small = 0.001
			p, _, _ := hom.Foot([4]float64{box[0] + small*d[0], box[1] + small*d[1], box[2], box[3]}, false)
			spread.X, spread.Y = spread.X+math.Pow((p.X-at.X)/small, 2), spread.Y+math.Pow((p.Y-at.Y)/small, 2)
		}
		if math.Abs(sd.X/math.Sqrt(spread.X)-1) > 0.01 || math.Abs(sd.Y/math.Sqrt(spread.Y)-1) > 0.01 {
			t.Errorf("box %v: %v, want the roots of %v", box, sd, spread)
		}
		if _, cut, _ := hom.Foot(box, true); cut.Y < 2*sd.Y {
			t.Errorf("a hidden foot is as sure as a seen one: %v, %v", cut, sd)
		}
	}
	if _, _, ok := hom.Foot([4]float64{300, -3000, 10, 10}, false); ok {
		t.Error("the sky has a floor point")
	}
}
