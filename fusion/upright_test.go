package fusion

import (
	"math"
	"math/rand/v2"
	"testing"
)

// pinhole is a camera at a height that looks down by some angle, with its plan turned and perhaps mirrored: the map of its pixels to the
// floor, and where a point above the floor is in its picture.
func pinhole(f, high, down, turn float64, mirror bool, frame [2]int) (Homography, func(p Point, z float64) (px, py float64)) {
	s, c := math.Sincos(down)
	ts, tc := math.Sincos(turn)
	project := func(p Point, z float64) (float64, float64) {
		if mirror {
			p.X = -p.X
		}
		x, y := tc*p.X-ts*p.Y, ts*p.X+tc*p.Y+8 // the camera stands eight metres behind the plan's origin
		depth := y*c + (high-z)*s
		return float64(frame[0])/2 + f*x/depth, float64(frame[1])/2 + f*((high-z)*c-y*s)/depth
	}
	var m []Match
	for _, p := range []Point{{-1.5, 1}, {2, 1.5}, {1.2, 5}, {-2, 6}, {0.3, 3}} {
		px, py := project(p, 0)
		m = append(m, Match{px, py, p.X, p.Y})
	}
	h, _, err := FitHomography(m)
	if err != nil {
		panic(err)
	}
	return h, project
}

// TestTall: whoever a camera of any lens, height and slope shows is as tall as they are, near and far, beside the middle too; and one that
// looks straight down says nothing.
func TestTall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	frame := [2]int{1280, 720}
	said := 0
	for range 300 {
		h, project := pinhole(400+1500*r.Float64(), 2.3+2*r.Float64(), 0.15+0.5*r.Float64(), 6*r.Float64(), r.IntN(2) == 0, frame)
		u, ok := h.Upright(frame)
		if !ok {
			t.Fatalf("%v: nothing is known of what stands upright", h)
		}
		for range 20 {
			p, tall := Point{8*r.Float64() - 4, 8*r.Float64() - 4}, 1+r.Float64()
			px, foot := project(p, 0)
			_, head := project(p, tall)
			got, ok := u.Tall([4]float64{px - 20, head, 40, foot - head}, p)
			if ok && math.Abs(got-tall) > 0.02 {
				t.Fatalf("somebody of %.2f m at %v is %.2f m tall", tall, p, got)
			}
			if ok {
				said++
			}
		}
	}
	if said < 1000 {
		t.Errorf("only %d of 6000 were told of", said)
	}
	down, _ := pinhole(700, 3, math.Pi/2, 0, false, frame)
	if u, ok := down.Upright(frame); ok {
		t.Errorf("one that looks straight down knows heights: %+v", u)
	}
}
