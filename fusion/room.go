package fusion

import (
	"math"
	"slices"
	"sort"
)

// A room is a part of the floor into which no camera looks: a fitting room, an aisle without a camera, the way behind the shelves. Who
// is lost at its edge is in there until he comes out. Limits of that are assumptions.
const (
	roomCell  = 0.5           // metres, the side of a cell of the floor
	maxFloor  = 400           // cells each way; of a larger floor nothing is known
	roomEdge  = 2             // cells from a room at which cameras lose who goes in, and find who comes out
	leastRoom = 4             // cells
	someOf    = 10            // one part of so many of a zone is enough for people to be in there unseen
	roomPace  = 2.0           // metres a second at which somebody may go through it
	roomLook  = 5 * second    // between two looks at whether a tag is still heard in there
	roomStay  = 1800 * second // for which a tag that is heard there keeps a visit open: a tag may have been left
	roomStays = 60 * second   // of those who were in there for so long half as many come out as of those who just went in
	turnsIn   = 3.0           // metres from a fitting room, or from where he comes out, at which the way he went tells most of whether he went in
	inRoom    = 0.5           // likelihood that who is in there is where something happens in it,
	somewhere = 0.1           // and what is left of it in a large one for who was not lost beside that
)

// rooms are those of a store.
type rooms struct {
	low    Point
	across int
	cells  []int16   // by cell of the floor: the room that it is in, -1
	near   [][]int16 // by cell: the rooms at whose edge it is, or in which
	street []bool    // by cell: a way in or out is within roomEdge of it that no camera sees there
	area   []float64 // of a room with its edge, m²
	inside []float64 // of a room, m²
	reach  []float64 // metres between its farthest corners, with its edge
	zone   []int     // by zone: the room in which most of it is, -1
	partly [][]patch // by zone: the rooms in which some of it is
	walled []bool    // by room: it is a stockroom and no more, out of which nobody reaches a shelf outside
	open   []bool    // by zone: a camera says that it sees most of it
}

// patch is what of a zone is in a room.
type patch struct {
	room int
	area float64 // m²
}

// findRooms finds the parts of the floor that cameras do not see. One that does not say what it sees sees every zone but fitting rooms.
func (s *Store) findRooms() {
	s.rooms = rooms{zone: make([]int, len(s.Zones)), open: make([]bool, len(s.Zones)), partly: make([][]patch, len(s.Zones))}
	r := &s.rooms
	for z := range r.zone {
		r.zone[z] = -1
	}
	all, shop := boxOf(nil), boxOf(nil)
	for z, b := range s.boxes {
		all = all.and(b)
		if s.Zones[z].Kind != Stockroom {
			shop = shop.and(b)
		}
	}
	across, down := (all.high.X-all.low.X)/roomCell, (all.high.Y-all.low.Y)/roomCell
	if len(s.Cameras) == 0 || !(across >= 1 && down >= 1 && across <= maxFloor && down <= maxFloor) {
		return
	}
	r.low, r.across = all.low, int(math.Ceil(across))
	r.cells = make([]int16, r.across*int(math.Ceil(down)))
	r.near = make([][]int16, len(r.cells))
	r.street = make([]bool, len(r.cells))
	hidden := make([]bool, len(r.cells))
	for i := range hidden {
		r.cells[i] = -1
		hidden[i] = s.hidden(r.middle(i), shop)
	}
	for i := range hidden {
		if hidden[i] && r.cells[i] < 0 {
			r.add(i, hidden, s)
		}
	}
	r.walled = make([]bool, len(r.area))
	shops := make([]bool, len(r.area)) // rooms that are more than a stockroom
	for z := range s.Zones {
		in, seen, count := 0, 0, make([]int, len(r.area))
		for i := range r.cells {
			if s.in(z, r.middle(i)) {
				if in++; r.cells[i] >= 0 {
					count[r.cells[i]]++
				}
				if s.saysItSees(r.middle(i)) {
					seen++
				}
			}
		}
		r.open[z] = 2*seen > in
		for room, n := range count {
			if 2*n > in {
				r.zone[z] = room
				shops[room] = shops[room] || s.Zones[z].Kind != Stockroom
				r.walled[room] = !shops[room]
			}
			if n > 0 && someOf*n >= in {
				r.partly[z] = append(r.partly[z], patch{room, float64(float64(n) * roomCell * roomCell)})
			}
		}
	}
}

// hidden reports whether no camera sees a point of the floor inside the store. What is in no zone is floor between those of the shop; beside a stockroom that
// juts out there is none.
func (s *Store) hidden(p Point, shop box) bool {
	if s.outside(p) >= 0 || !s.inner(p) {
		return false
	}
	floor, fitting := shop.within(p, 0), false
	for z := range s.Zones {
		in := s.in(z, p)
		floor, fitting = floor || in, fitting || in && s.Zones[z].Kind == Fitting
	}
	if !floor {
		return false
	}
	for c := range s.Cameras {
		if sees := s.Cameras[c].Sees; sees == nil && !fitting || sees != nil && Contains(sees, p) {
			return false
		}
	}
	return true
}

// saysItSees reports whether a camera that says what it sees sees a point.
func (s *Store) saysItSees(p Point) bool {
	return slices.ContainsFunc(s.Cameras, func(c Camera) bool { return Contains(c.Sees, p) })
}

func (r *rooms) middle(cell int) Point {
	return Point{r.low.X + float64((float64(cell%r.across)+0.5)*roomCell), r.low.Y + float64((float64(cell/r.across)+0.5)*roomCell)}
}

// add makes a room of the hidden cells that hang together with one, unless people may come in and go out there unseen.
func (r *rooms) add(cell int, hidden []bool, s *Store) {
	room := int16(len(r.area))
	list := []int{cell}
	r.cells[cell] = room
	for k := 0; k < len(list); k++ {
		r.around(list[k], 1, func(i int) {
			if hidden[i] && r.cells[i] < 0 {
				r.cells[i] = room
				list = append(list, i)
			}
		})
	}
	doorway := func(i int) bool {
		for z := range s.Zones {
			if s.wayOut(z) && s.in(z, r.middle(i)) {
				return true
			}
		}
		return false
	}
	if len(list) < leastRoom || room == math.MaxInt16 || slices.ContainsFunc(list, doorway) {
		for _, i := range list {
			hidden[i], r.cells[i] = false, -1
			if doorway(i) {
				r.around(i, roomEdge, func(i int) { r.street[i] = true })
			}
		}
		return
	}
	n := 0
	low, high := r.middle(cell), r.middle(cell)
	for _, c := range list {
		p := r.middle(c)
		low, high = Point{min(low.X, p.X), min(low.Y, p.Y)}, Point{max(high.X, p.X), max(high.Y, p.Y)}
		r.around(c, roomEdge, func(i int) {
			if k := len(r.near[i]); k == 0 || r.near[i][k-1] != room {
				r.near[i] = append(r.near[i], room)
				n++
			}
		})
	}
	r.reach = append(r.reach, low.distance(high)+2*roomEdge*roomCell)
	r.area = append(r.area, float64(float64(n)*roomCell*roomCell))
	r.inside = append(r.inside, float64(float64(len(list))*roomCell*roomCell))
}

// around calls f with the cells that are so many or fewer away from one, itself too.
func (r *rooms) around(cell, far int, f func(int)) {
	x, y, down := cell%r.across, cell/r.across, len(r.cells)/r.across
	for j := max(0, y-far); j <= min(down-1, y+far); j++ {
		for i := max(0, x-far); i <= min(r.across-1, x+far); i++ {
			f(j*r.across + i)
		}
	}
}

// cell is the cell of the floor in which a point is, -1: none.
func (r *rooms) cell(p Point) int {
	x, y := math.Floor((p.X-r.low.X)/roomCell), math.Floor((p.Y-r.low.Y)/roomCell)
	if !(x >= 0 && y >= 0 && x < float64(r.across) && y < maxFloor) || int(y)*r.across+int(x) >= len(r.cells) {
		return -1
	}
	return int(y)*r.across + int(x)
}

// shelf lists the rooms out of which somebody may reach a shelf at a point.
func (r *rooms) shelf(p Point) (all []int16) {
	c := r.cell(p)
	if c < 0 {
		return nil
	}
	for _, room := range r.near[c] {
		if !r.walled[room] || r.cells[c] == room {
			all = append(all, room)
		}
	}
	return all
}

// at lists the rooms at whose edge a point is, or in which.
func (r *rooms) at(p Point) []int16 {
	if c := r.cell(p); c >= 0 {
		return r.near[c]
	}
	return nil
}

// of is the smallest room at whose edge two points are, -1: none.
func (r *rooms) of(p, q Point) int {
	best := -1
	for _, a := range r.at(p) {
		for _, b := range r.at(q) {
			if a == b && (best < 0 || r.area[a] < r.area[best]) {
				best = int(a)
			}
		}
	}
	return best
}

// through is the room through which somebody who was lost at p may have come to q in a time, ns; -1: none.
func (r *rooms) through(p, q Point, gap int64) int {
	if gap <= parted || p.distance(q) > roomPace*float64(gap)/1e9 {
		return -1
	}
	return r.of(p, q)
}

func (r *rooms) isAt(room int, p Point) bool { return slices.Contains(r.at(p), int16(room)) }

// outOf is the variance of where somebody who went into a room comes out of it, as if that were a random walk: he may come out
// anywhere at its edge, however long he was in there.
func (r *rooms) outOf(room int) variance {
	v := r.area[room] / (2 * math.Pi) // whose density in its middle is 1/area
	return variance{v, v}
}

// wentIn is the cost of somebody who was lost at the edge of a room coming out of it at q, in micro-nats: beside one of whom it is not
// known how he walked. Who goes in goes to where people stay.
func (w *World) wentIn(v *Visit, room int, q Point) (cost int64) {
	r := &w.Store.rooms
	for z, in := range r.zone {
		if in == room && w.Store.Zones[z].Kind == Fitting {
			q = w.Store.boxes[z].middle()
		}
	}
	u, _ := v.pace()
	d := q.minus(v.Pos)
	if speed, far := u.distance(Point{}), d.distance(Point{}); speed > 0 && far > 0 {
		cost -= int64(math.Round(1e6 * float64(float64(u.X*d.X)+float64(u.Y*d.Y)) / float64(speed*far) * min(1, far/turnsIn)))
		cost += anyTurn
	}
	return cost
}

// older adds what it costs each of several who may have come out of a room that another of them went in later; who is alone in there may
// be as long as he likes.
func older(all []likeness) {
	last := int64(math.MaxInt64)
	for i := range all {
		if all[i].room {
			last = min(last, all[i].gap)
		}
	}
	for i := range all {
		if l := &all[i]; l.room {
			l.rare += nats(float64(roomStays+last) / float64(roomStays+l.gap))
		}
	}
}

// anyTurn makes the density of a turn relative to that of any: von Mises' with a concentration of 1 (assumption), ln I₀(1) in micro-nats.
const anyTurn = 235_914

// anywhereIn is the likelihood of reaching a place in a room from anywhere in it, relative to one person in floorHad; at most that of who stands before it.
func (r *rooms) anywhereIn(room int) float64 {
	return min(density(0, sigmaReach), floorHad/r.inside[room])
}

// isAtUnseen is the likelihood that the visit was at a zone at ts, lost at the edge of a room in which some of that is, and not seen then:
// who was lost beside it sooner than who is somewhere in there. At a way out nobody stays for long, and who has gone is there no more.
func (w *World) isAtUnseen(v *Visit, zone int, ts int64) (l float64) {
	r := &w.Store.rooms
	for _, some := range r.partly[zone] {
		p, in := w.wentInAt(v, some.room, ts)
		if !in {
			continue
		}
		d := Distance(w.Store.Zones[zone].Polygon, p.p)
		x := inRoom * max(likelihood(d, gateReach/2), min(1, some.area/r.inside[some.room]), somewhere)
		if w.Store.wayOut(zone) {
			if ts-p.at > passTime && w.gone(v) {
				return 0
			}
			x *= round9(math.Pow(0.5, float64(ts-p.at)/float64(roomStays)))
		}
		l = max(l, x)
	}
	return l
}

// wasIn reports whether the visit was in a room at ts: lost at its edge, and not seen then.
func (w *World) wasIn(v *Visit, room int, ts int64) bool {
	_, in := w.wentInAt(v, room, ts)
	return in
}

// wentInAt is where and when a visit that was in a room at ts was last seen before.
func (w *World) wentInAt(v *Visit, room int, ts int64) (trailPoint, bool) {
	if v.PosAt == 0 {
		return trailPoint{}, false
	}
	i := sort.Search(len(v.trail), func(k int) bool { return v.trail[k].at > ts })
	before := trailPoint{at: v.PosAt, p: v.Pos}
	if before.at > ts {
		if i == 0 {
			return trailPoint{}, false
		}
		before = v.trail[i-1]
		if i < len(v.trail) && !w.Store.rooms.isAt(room, v.trail[i].p) {
			return trailPoint{}, false
		}
	}
	return before, ts-before.at > parted && w.Store.rooms.isAt(room, before.p)
}

// lastHeard is the last observation of a visit, ns: a tag that is heard in the room into which it went is one as long as that lasts.
func (w *World) lastHeard(v *Visit) int64 {
	switch at := w.heardInRoom(v); {
	case at == w.now:
		return max(v.Last, w.now-endAfter+roomLook)
	default:
		return max(v.Last, at)
	}
}

// heardInRoom is when a tag that the visit may carry was last heard in the room into which it went, ns; 0: in none.
func (w *World) heardInRoom(v *Visit) (at int64) {
	if v.PosAt == 0 || v.PosAt+roomStay < w.now || len(v.tags) == 0 {
		return 0
	}
	for _, room := range w.Store.rooms.at(v.Pos) {
		for i := range v.tags {
			switch t := &v.tags[i]; {
			case w.Store.rooms.zone[t.zone] != int(room) || t.near < 0.5:
			case !t.ended:
				return w.now
			default:
				at = max(at, t.at)
			}
		}
	}
	return at
}
