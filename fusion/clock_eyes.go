package fusion

// Two cameras that see the same floor pair as well: whoever walks over it crosses each line across his way once, by both clocks.
const (
	wayStep    = 400 * int64(1e6) // between two remembered points of a track
	wayLeast   = 0.25             // metres between them: who stands about needs none
	maxWay     = 17
	eyesReach  = 3 * second // how far two cameras' clocks may be apart, and pairs be found
	eyesPairs  = 256        // of a minute of event time; what is beyond is left out
	eyesBeside = 0.8        // metres beside the one's way that the other may show him
	eyesWalk   = 0.7        // metres a second: who stands says nothing of when
)

// waypoint is where a track was.
type waypoint struct {
	at    int64
	x, y  float32
	shift int32 // ms that were added to its ts
}

func (p *waypoint) point() Point { return Point{float64(p.x), float64(p.y)} }

// walksOn remembers where a track is, and pairs its camera with those that show the same person where he was a while ago.
func (w *World) walksOn(t *track, e *Event) {
	if w.clocks == nil || len(w.clocks.cameras) < 2 {
		return
	}
	n := len(t.way)
	if n > 0 {
		if last := &t.way[n-1]; e.TS-last.at < wayStep || last.point().distance(e.Floor) < wayLeast {
			return
		}
	}
	if n == maxWay {
		t.way = t.way[1:]
	}
	if len(t.way) == cap(t.way) { // room for as many more
		t.way = append(make([]waypoint, 0, len(t.way)+maxWay), t.way...)
	}
	t.way = append(t.way, waypoint{e.TS, float32(e.Floor.X), float32(e.Floor.Y), e.Shift})
	n = len(t.way)
	if n < 4 || w.eyed.full(w.now) {
		return
	}
	k := n - 2
	for k > 1 && t.way[k].at > e.TS-eyesReach {
		k--
	}
	from, to, there := &t.way[k-1], &t.way[k+1], t.way[k].point()
	d := to.point().minus(from.point())
	walked, took := to.point().distance(from.point()), float64(to.at-from.at)/1e9
	if t.way[k].at > e.TS-eyesReach || walked < eyesWalk*took || took > 2 {
		return
	}
	line := crossing{there, Point{d.X / walked, d.Y / walked}, t.way[k].at}
	visits := w.near(there, eyesBeside+pairWalk*2*float64(eyesReach)/1e9)
	for _, camera := range w.clocks.cameras {
		if camera < e.Source { // whose own tracks look for this one's
			continue
		}
		var met *waypoint
		at, times := int64(0), 0
		for _, v := range visits {
			for i := len(v.keys) - 1; i >= 0; i-- {
				o := w.tracks[v.keys[i]]
				if o == nil || v.keys[i].source != camera || o == t || len(o.way) == 0 || o.way[len(o.way)-1].at < line.at-eyesReach {
					continue
				}
				if p, ts := line.by(o); p != nil {
					met, at = p, ts
					times++
				}
			}
		}
		if camera == e.Source {
			if times > 0 { // two go the same way
				return
			}
			continue
		}
		if times != 1 {
			continue
		}
		w.eyed.n++
		w.pair(pair{made: w.now, at: line.at, gap: line.at - int64(t.way[k].shift)*1e6 - (at - int64(met.shift)*1e6), a: int32(e.Source), b: int32(camera)})
	}
}

// eyed counts the pairs of cameras of a minute.
type eyed struct {
	minute int64
	n      int
}

func (c *eyed) full(now int64) bool {
	if m := now / minuteNS; m != c.minute {
		*c = eyed{minute: m}
	}
	return c.n >= eyesPairs
}

// crossing is a line across somebody's way, which goes along a direction, and when he crossed it.
type crossing struct {
	p, along Point
	at       int64
}

// by is when a track crossed the line the same way, and its point before; nil if it did not, or not then.
func (c *crossing) by(t *track) (before *waypoint, at int64) {
	for i := 1; i < len(t.way); i++ {
		a, b := &t.way[i-1], &t.way[i]
		if b.at < c.at-eyesReach || a.at > c.at+eyesReach || b.at-a.at > second {
			continue
		}
		p, q := a.point().minus(c.p), b.point().minus(c.p)
		x, y := float64(p.X*c.along.X)+float64(p.Y*c.along.Y), float64(q.X*c.along.X)+float64(q.Y*c.along.Y)
		if x >= 0 || y < 0 || (y-x)*1e9 < float64(eyesWalk/2*float64(b.at-a.at)) {
			continue
		}
		share := -x / (y - x)
		beside := float64((1-share)*(float64(p.X*c.along.Y)-float64(p.Y*c.along.X))) + float64(share*(float64(q.X*c.along.Y)-float64(q.Y*c.along.X)))
		ts := a.at + int64(float64(share*float64(b.at-a.at)))
		if beside > eyesBeside || beside < -eyesBeside || abs(ts-c.at) > eyesReach {
			continue
		}
		return a, ts
	}
	return nil, 0
}
