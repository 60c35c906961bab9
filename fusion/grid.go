package fusion

import "slices"

// cellSize is the side of a cell of the grid in metres: about how far an arm reaches and people stand from each other.
const cellSize = 2.0

// cellAt names a cell of the floor.
type cellAt struct{ x, y int32 }

// place is where a visit is, and what tells whether it may be meant without a look at the visit itself, which lies elsewhere
// in memory.
type place struct {
	first  int64 // as the visit's First and PosAt
	at     int64
	number int
	visit  *Visit
	pos    Point
	noise  variance // of pos
	walks  Point    // m/s
	camera int      // that saw it there
}

func (v *Visit) place() place {
	return place{v.First, v.PosAt, v.number, v, v.Pos, footNoise(v.posSD), v.walks(), v.camera}
}

// standing is a visit that was found, to be put in order.
type standing struct {
	number int
	visit  *Visit
}

// grid finds the visits near a place without a look at all others. It follows from where the visits were last seen, so that a
// copy of the world makes its own when it first needs one. The cells of the floor that the zones lie on stand in rows, those
// beyond in a table.
type grid struct {
	low    cellAt
	across int32
	cells  [][]place // in any order
	beyond map[cellAt][]place
}

func cellOf(p Point) cellAt { return cellAt{cellNumber(p.X), cellNumber(p.Y)} }

func cellNumber(x float64) int32 {
	x = max(-1e6, min(x, 1e6)) / cellSize
	n := int32(x)
	if float64(n) > x {
		n--
	}
	return n
}

// maxCells bounds the cells of the floor, 400 m each way: what is beyond is only slower to find.
const maxCells = 200 * 200

func newGrid(s *Store) *grid {
	all := boxOf(nil)
	for _, b := range s.boxes {
		all.low = Point{min(all.low.X, b.low.X), min(all.low.Y, b.low.Y)}
		all.high = Point{max(all.high.X, b.high.X), max(all.high.Y, b.high.Y)}
	}
	g := &grid{beyond: map[cellAt][]place{}}
	low, high := cellOf(all.low), cellOf(all.high)
	if across, down := int64(high.x)-int64(low.x)+1, int64(high.y)-int64(low.y)+1; across > 0 && down > 0 && across*down <= maxCells {
		g.low, g.across, g.cells = low, int32(across), make([][]place, across*down)
	}
	return g
}

// row is the place of a cell among those of the floor, −1 beyond it.
func (g *grid) row(c cellAt) int {
	x, y := c.x-g.low.x, c.y-g.low.y
	if x < 0 || x >= g.across || y < 0 {
		return -1
	}
	if i := int(y)*int(g.across) + int(x); i < len(g.cells) {
		return i
	}
	return -1
}

func (g *grid) at(c cellAt) []place {
	if i := g.row(c); i >= 0 {
		return g.cells[i]
	}
	if len(g.beyond) == 0 {
		return nil
	}
	return g.beyond[c]
}

func (g *grid) set(c cellAt, list []place) {
	switch i := g.row(c); {
	case i >= 0:
		g.cells[i] = list
	case len(list) == 0:
		delete(g.beyond, c)
	default:
		g.beyond[c] = list
	}
}

// put says where a visit is. It must stand in no other cell.
func (g *grid) put(v *Visit) {
	c := cellOf(v.Pos)
	list := g.at(c)
	for i := range list {
		if list[i].number == v.number {
			list[i] = v.place()
			return
		}
	}
	if len(list) == cap(list) { // append would double it, and there are many cells
		list = append(slices.Grow([]place(nil), len(list)+2), list...)
	}
	g.set(c, append(list, v.place()))
}

func (g *grid) remove(v *Visit) {
	if g == nil || v.PosAt == 0 {
		return
	}
	c := cellOf(v.Pos)
	list := g.at(c)
	i := slices.IndexFunc(list, func(p place) bool { return p.visit == v })
	if i < 0 {
		return
	}
	n := len(list) - 1
	list[i], list[n] = list[n], place{}
	g.set(c, list[:n])
}

// moveTo says where a camera has seen a visit, and how surely. Its trail, where that is to remember it, holds it already.
func (w *World) moveTo(v *Visit, p, sd Point, camera int, ts int64) {
	if w.grid != nil && cellOf(v.Pos) != cellOf(p) {
		w.grid.remove(v)
	}
	if ts > v.PosAt {
		v.out, v.shared = 0, 0
	}
	v.Pos, v.posSD, v.camera, v.PosAt = p, sd, camera, ts
	if i := w.index(v.number); i >= 0 {
		w.heads[i].at, w.heads[i].pos = ts, p
	}
	if w.grid != nil {
		w.grid.put(v)
	}
	for z := range w.Store.boxes {
		if !v.stays[z].listed && w.Store.boxes[z].within(p, zoneReach) {
			w.list(v, z)
		}
	}
}

// near lists the visits that a camera has last seen within r metres of p, and maybe some that are farther away, in the order
// in which they began. The list holds until the next call.
func (w *World) near(p Point, r float64) []*Visit { return w.nearIf(p, r, nil) }

// nearIf is near of those whose place passes, which are few: they alone are put in order.
func (w *World) nearIf(p Point, r float64, passes func(*place) bool) []*Visit {
	w.nearby = w.nearby[:0]
	low, high := cellOf(Point{p.X - r, p.Y - r}), cellOf(Point{p.X + r, p.Y + r})
	cells := float64(high.x-low.x+1) * float64(high.y-low.y+1)
	if cells >= float64(len(w.visits)) { // a look at all of them is no more
		for _, v := range w.visits {
			if v.PosAt == 0 {
				continue
			}
			if passes != nil {
				if o := v.place(); !passes(&o) {
					continue
				}
			}
			w.nearby = append(w.nearby, v)
		}
		return w.nearby
	}
	if w.grid == nil {
		w.grid = newGrid(w.Store)
		for _, v := range w.visits {
			if v.PosAt != 0 {
				w.grid.put(v)
			}
		}
	}
	found := w.found[:0]
	for y := low.y; y <= high.y; y++ {
		for x := low.x; x <= high.x; x++ {
			list := w.grid.at(cellAt{x, y})
			for i := range list {
				if o := &list[i]; passes == nil || passes(o) {
					found = append(found, standing{o.number, o.visit})
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b standing) int { return a.number - b.number })
	for _, o := range found {
		w.nearby = append(w.nearby, o.visit)
	}
	w.found = found[:0]
	return w.nearby
}
