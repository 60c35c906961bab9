package fusion

import "slices"

// cellSize is the side of a cell of the grid in metres: about how far an arm reaches and people stand from each other.
const cellSize = 2.0

// cellAt names a cell of the floor.
type cellAt struct{ x, y int32 }

// grid finds the visits near a place without a look at all others. It follows from where the visits were last seen, so that a
// copy of the world makes its own when it first needs one.
type grid map[cellAt][]*Visit // in any order

func cellOf(p Point) cellAt { return cellAt{cellNumber(p.X), cellNumber(p.Y)} }

func cellNumber(x float64) int32 {
	x = max(-1e6, min(x, 1e6)) / cellSize
	n := int32(x)
	if float64(n) > x {
		n--
	}
	return n
}

func (g grid) put(v *Visit) {
	c := cellOf(v.Pos)
	g[c] = append(g[c], v)
}

func (g grid) remove(v *Visit) {
	c := cellOf(v.Pos)
	list := g[c]
	i := slices.Index(list, v)
	if i < 0 {
		return
	}
	if len(list) == 1 {
		delete(g, c)
		return
	}
	list[i] = list[len(list)-1]
	list[len(list)-1] = nil
	g[c] = list[:len(list)-1]
}

// moveTo says where a camera has seen a visit.
func (w *World) moveTo(v *Visit, p Point, ts int64) {
	there := w.grid != nil && v.PosAt != 0
	if there && cellOf(v.Pos) != cellOf(p) {
		w.grid.remove(v)
		there = false
	}
	v.Pos, v.PosAt = p, ts
	if w.grid != nil && !there {
		w.grid.put(v)
	}
}

// near lists the visits that a camera has last seen within r metres of p, and maybe some that are farther away, in the order
// in which they began. The list holds until the next call.
func (w *World) near(p Point, r float64) []*Visit {
	return w.nearBut(p, r, func(*Visit) bool { return false })
}

// nearBut is near without those of whom but says so, which are many: they need not be put in order.
func (w *World) nearBut(p Point, r float64, but func(*Visit) bool) []*Visit {
	w.nearby = w.nearby[:0]
	low, high := cellOf(Point{p.X - r, p.Y - r}), cellOf(Point{p.X + r, p.Y + r})
	cells := float64(high.x-low.x+1) * float64(high.y-low.y+1)
	if cells >= float64(len(w.visits)) { // a look at all of them is no more
		for _, v := range w.visits {
			if v.PosAt != 0 && !but(v) {
				w.nearby = append(w.nearby, v)
			}
		}
		return w.nearby
	}
	if w.grid == nil {
		w.grid = make(grid, len(w.visits))
		for _, v := range w.visits {
			if v.PosAt != 0 {
				w.grid.put(v)
			}
		}
	}
	for x := low.x; x <= high.x; x++ {
		for y := low.y; y <= high.y; y++ {
			for _, v := range w.grid[cellAt{x, y}] {
				if !but(v) {
					w.nearby = append(w.nearby, v)
				}
			}
		}
	}
	slices.SortFunc(w.nearby, func(a, b *Visit) int { return a.number - b.number })
	return w.nearby
}
