package sim

import (
	"math"

	"magpie/fusion"
)

// way are the ends of aisles through which somebody goes from one place to another.
func (w *world) way(from, to fusion.Point) (via []task) {
	a, b := w.aisle(from), w.aisle(to)
	if a == b {
		return nil
	}
	here := from
	for i, z := range []int{a, b} {
		if z < 0 {
			continue
		}
		towards := to
		if i == 1 {
			towards = here
		}
		end := closer(w.ends[z], towards)
		via = append(via, task{to: &end, routed: true})
		here = end
	}
	return via
}

func closer(ends [2]fusion.Point, to fusion.Point) fusion.Point {
	if apart(ends[0], to) <= apart(ends[1], to) {
		return ends[0]
	}
	return ends[1]
}

// aisle is the aisle around a place, or −1.
func (w *world) aisle(p fusion.Point) int {
	for i := range w.store.Zones {
		if k := w.store.Zones[i].Kind; (k == fusion.Aisle || k == fusion.HighValue) && fusion.Contains(w.store.Zones[i].Polygon, p) {
			return i
		}
	}
	return -1
}

// ends are the two short sides of an aisle, half a metre beyond.
func ends(polygon []fusion.Point) (out [2]fusion.Point) {
	centre := middle(polygon)
	var length [2]float64
	for i := range polygon {
		a, b := polygon[i], polygon[(i+1)%len(polygon)]
		d, k := apart(a, b), 0
		if length[0] > 0 && (length[1] == 0 || length[1] > length[0]) {
			k = 1
		}
		if length[k] > 0 && d >= length[k] {
			continue
		}
		m := fusion.Point{X: float64((a.X + b.X) / 2), Y: float64((a.Y + b.Y) / 2)}
		r := max(0.01, apart(m, centre))
		length[k], out[k] = d, fusion.Point{X: m.X + float64((m.X-centre.X)*(0.5/r)), Y: m.Y + float64((m.Y-centre.Y)*(0.5/r))}
	}
	return out
}

// before is where somebody stands who reaches for a stand.
func (w *world) before(i int) fusion.Point {
	sc := w.stands[i].scale
	plate := fusion.Point{X: sc.At[0], Y: sc.At[1]}
	e := w.ends[sc.Zone]
	line := fusion.Point{X: e[1].X - e[0].X, Y: e[1].Y - e[0].Y}
	length := max(0.01, math.Hypot(line.X, line.Y))
	along := (float64((plate.X-e[0].X)*line.X) + float64((plate.Y-e[0].Y)*line.Y)) / length
	q := fusion.Point{X: e[0].X + float64(line.X/length*along), Y: e[0].Y + float64(line.Y/length*along)}
	d := max(0.05, apart(plate, q))
	out := min(d, w.dice.between(0.4, 0.7))
	side := w.dice.between(-0.25, 0.25)
	return fusion.Point{X: plate.X + float64((q.X-plate.X)/d*out) + float64(line.X/length*side),
		Y: plate.Y + float64((q.Y-plate.Y)/d*out) + float64(line.Y/length*side)}
}

// spot is somewhere in a zone, not at its edge.
func (w *world) spot(zone int) fusion.Point {
	polygon := w.store.Zones[zone].Polygon
	low, high := bounds(polygon)
	m := middle(polygon)
	for range 20 {
		p := fusion.Point{X: w.dice.between(low.X, high.X), Y: w.dice.between(low.Y, high.Y)}
		if fusion.Contains(polygon, p) {
			return fusion.Point{X: (p.X + m.X) / 2, Y: (p.Y + m.Y) / 2}
		}
	}
	return m
}

func bounds(polygon []fusion.Point) (low, high fusion.Point) {
	low, high = polygon[0], polygon[0]
	for _, p := range polygon {
		low = fusion.Point{X: min(low.X, p.X), Y: min(low.Y, p.Y)}
		high = fusion.Point{X: max(high.X, p.X), Y: max(high.Y, p.Y)}
	}
	return low, high
}

// zone draws a zone of a kind, −1 when there is none.
func (w *world) zone(kind fusion.ZoneKind) int {
	var all []int
	for i := range w.store.Zones {
		if w.store.Zones[i].Kind == kind {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return -1
	}
	return all[w.dice.IntN(len(all))]
}
