package fusion

import "slices"

// likeness is what speaks for a visit being the same person's as another one that began before it. While both are seen, by
// two cameras, it is the mean of where the one is less where the other is, whose noise shrinks with the frames; of one who
// was not seen any more when the visit began it is what that moment said, and the frames in which he stayed away since.
type likeness struct {
	visit  int
	gone   bool
	until  int64    // gone: when he was last seen, ns
	away   int      // frames in a row in which he was gone
	frames int      // that agree, in a row
	far    int      // frames in a row in which they were too far apart
	apart  Point    // sum over the frames, metres; without any, of the first
	noise  variance // sum of the variances of the foot points, but for blur; without any frame, with how far he may have walked
	blur   variance // sum of what more frames do not lessen: what two clocks that differ may make of his walking, and feet that are hidden
	gap    int64    // gone: for how long he was, ns
	went   Point    // and how far, metres
	pace   Point    // with which he was last seen to walk, m/s; none: he stood, or it is not known
	stood  bool     // gone: he stood when he was last seen
	room   bool     // gone: through a room in which nobody is seen
	rare   int64    // gone: cost of his being where he may come from at all, micro-nats
	share  float64  // with which it was he when that was last decided, 0–1
	seen   variance // of the two foot points, and of where the cameras' plans and clocks have them
}

// cost is minus the log-likelihood of the two being one, micro-nats. One who is gone may have walked straight on, and who stood may still stand.
func (l *likeness) cost() int64 {
	s, d := l.mean()
	c := s.cost(d)
	switch {
	case !l.gone || l.frames > 0:
	case l.pace != (Point{}):
		c = min(c, l.straight(l.pace)) + oneOfTwo
	case l.stood:
		c = min(c, l.straight(Point{})+l.gap*1_000_000/standFor) + oneOfTwo
	}
	if l.gone && l.frames == 0 {
		c += l.rare
	}
	return c
}

// costTo is cost when it is known how the other walks: one way at both ends of the gap tells more.
func (l *likeness) costTo(walks Point) int64 {
	c := l.cost()
	if l.gone && l.frames == 0 && l.pace != (Point{}) && walks != (Point{}) {
		c = min(c, l.straight(Point{(l.pace.X + walks.X) / 2, (l.pace.Y + walks.Y) / 2})+oneOfTwo+l.rare)
	}
	return c
}

// glimpsed is the cost of there being somebody, who then is elsewhere than in another visit, micro-nats: cameras see for a moment what is
// nobody, and show one person twice.
func (v *Visit) glimpsed() int64 {
	seen := float64(v.PosAt-v.First) / 1e9
	return nats((seen + 0.1) / (seen + 0.1 + glimpse))
}

// straight is the cost of having walked straight on with a velocity, or of having stood, without one.
func (l *likeness) straight(pace Point) int64 {
	t := float64(l.gap) / 1e9
	turned := float64(paceSD * t)
	if pace == (Point{}) {
		turned = standSD
	}
	v := float64(turned * turned)
	return l.seen.plus(variance{v, v}).cost(Point{l.went.X - float64(pace.X*t), l.went.Y - float64(pace.Y*t)})
}

// pace is walks of one who walks, and is seen to; stands says that he was seen not to.
func (v *Visit) pace() (p Point, stands bool) {
	switch p = v.walks(); {
	case p == Point{walkSD, walkSD}:
		return Point{}, false
	case float64(p.X*p.X)+float64(p.Y*p.Y) < float64(leastPace*leastPace):
		return Point{}, true
	}
	return p, false
}

// told is how many frames in a row say what the likeness says now.
func (l *likeness) told() int {
	if l.gone {
		return l.away
	}
	return l.frames
}

// enough reports whether so many frames agree that the two may be taken for one.
func (l *likeness) enough() bool { return l.told() >= sameFrames }

// mean is by how much the one is away from the other, and the variance of that: the more frames the less, but for what is
// left of the errors of neighbouring frames.
func (l *likeness) mean() (variance, Point) {
	if l.frames == 0 {
		return l.noise, l.apart
	}
	n := float64(l.frames)
	bias := float64(surveySD*surveySD) + float64(walkSD*walkSD*frameLag*frameLag)
	return variance{bias + l.blur.x/n + l.noise.x/float64(n*min(n, sameFrames)), bias + l.blur.y/n + l.noise.y/float64(n*min(n, sameFrames))},
		Point{l.apart.X / n, l.apart.Y / n}
}

// begunBefore orders visits as the contract says which of two survives: by their first observation.
func (v *Visit) begunBefore(o *Visit) bool {
	if v.First != o.First {
		return v.First < o.First
	}
	if v.origin.source != o.origin.source {
		return v.origin.source < o.origin.source
	}
	return v.origin.id < o.origin.id
}

// compare follows who of the visits that began before it the visit may be, and merges it with one whom enough frames agree
// to be the same.
func (w *World) compare(v *Visit, e *Event) {
	n := len(v.trail)
	if n > 1 && v.trail[n-1].at == e.TS && v.trail[n-1].at/second != v.trail[n-2].at/second { // once a second
		w.lookAround(v, e)
		w.mistaken(v, e)
	}
	due := false
	kept := v.like[:0]
	for _, l := range v.like {
		o := w.visit(l.visit)
		if o == nil || !w.agrees(&l, v, o, e) {
			continue
		}
		kept = append(kept, l)
		due = due || l.enough() && l.told()%sameFrames == 0
	}
	v.like = kept
	if due {
		w.same(v)
	}
}

// lookAround finds visits that another camera sees where a frame shows this one.
func (w *World) lookAround(v *Visit, e *Event) {
	if len(v.like) == maxLike {
		return
	}
	passes := func(o *place) bool {
		if o.first > v.First || e.TS-o.at > together || o.camera == e.Source {
			return false
		}
		_, _, near := w.seenAt(o, e)
		return near
	}
	for _, o := range w.nearIf(e.Floor, seenReach, passes) {
		if len(v.like) == maxLike {
			return
		}
		if !o.begunBefore(v) ||
			slices.ContainsFunc(v.like, func(l likeness) bool { return l.visit == o.number }) {
			continue
		}
		if !w.bothSeen(v, o) {
			v.like = append(v.like, likeness{visit: o.number})
		}
	}
}

// seenAt compares where a camera sees somebody with where another saw a visit a moment ago.
func (w *World) seenAt(o *place, e *Event) (d Point, noise variance, near bool) {
	noise = footNoise(e.SD).plus(o.noise)
	d = e.Floor.minus(o.pos)
	return d, noise, noise.plus(w.walkedOn(o.walks, wandered(e.TS-o.at, walkSD), o.camera, e.Source)).of(d) <= gate99
}

// agrees takes what a frame of the visit says of its likeness to another; false: they are two.
func (w *World) agrees(l *likeness, v, o *Visit, e *Event) bool {
	if w.bothSeen(v, o) {
		return false
	}
	now := e.TS-o.PosAt <= together && o.camera != e.Source
	if !l.gone && l.frames > 0 && e.TS-o.PosAt > together {
		// He left the other's sight, perhaps before enough frames showed both: those must do, and that he stays away.
		l.gone, l.until, l.away = true, o.PosAt, 0
	}
	if l.gone && o.PosAt <= l.until {
		l.away++
		return true
	}
	if l.gone { // he is seen again: what the two were like while both were seen still holds
		if l.gone = false; l.frames == 0 {
			*l = likeness{visit: l.visit}
			return now
		}
	}
	if !now {
		return true // nothing new
	}
	there := o.place()
	d, noise, near := w.seenAt(&there, e)
	if !near {
		if l.far++; l.far == sameFrames {
			return false
		}
		l.frames, l.apart, l.noise, l.blur = 0, Point{}, variance{}, variance{}
		return true
	}
	l.far = 0
	l.frames++
	l.apart = Point{l.apart.X + d.X, l.apart.Y + d.Y}
	brief := variance{min(noise.x, bothFeet), min(noise.y, bothFeet)}
	l.noise = l.noise.plus(brief)
	l.blur = l.blur.plus(w.clockBlur(there.walks, o.camera, e.Source)).plus(variance{noise.x - brief.x, noise.y - brief.y})
	if l.frames < sameFrames {
		return true
	}
	s, mean := l.mean()
	return s.of(mean) <= gate99
}

// mayBe reports whether the visit may be the same person's as one that began before it.
func (v *Visit) mayBe(o *Visit) bool {
	return slices.ContainsFunc(v.like, func(l likeness) bool { return l.visit == o.number })
}

// bothSeen reports whether one camera has seen the two at once: then they are two.
func (w *World) bothSeen(v, o *Visit) bool {
	for _, a := range v.keys {
		for _, b := range o.keys {
			if a.source != b.source {
				continue
			}
			s, t := w.tracks[a], w.tracks[b]
			if s != nil && t != nil && s.first <= t.at && t.first <= s.at {
				return true
			}
		}
	}
	return false
}

// lastGuess decides who somebody was of whom there were fewer frames than it takes to be sure of it, once he is lost: nothing more will
// tell. It is the visit as which he goes on.
func (w *World) lastGuess(v *Visit) *Visit {
	v.like = slices.DeleteFunc(v.like, func(l likeness) bool { return w.visit(l.visit) == nil || w.bothSeen(v, w.visit(l.visit)) })
	if slices.ContainsFunc(v.like, func(l likeness) bool { return l.enough() }) {
		return v
	}
	for k := range v.like {
		if l := &v.like[k]; l.gone && w.visit(l.visit).PosAt > l.until {
			l.away = 0 // he was seen since
		}
	}
	return w.decideAs(v, 1)
}

// same decides, jointly for all visits that may be the same ones as this may, who they are.
func (w *World) same(v *Visit) { w.decideAs(v, sameFrames) }

// decideAs is same with so many frames at least that must agree; it is the visit as which it goes on.
func (w *World) decideAs(v *Visit, least int) *Visit {
	of, others := []*Visit{v}, []*Visit(nil)
	for _, o := range w.visits {
		switch {
		case o == v:
		case len(of) < maxEvents && w.compete(v, o):
			of = append(of, o)
		case slices.ContainsFunc(o.like, func(l likeness) bool { return l.gone && l.share > 0 }):
			others = append(others, o)
		}
	}
	list := make([]pairing, len(of))
	for i, o := range of {
		list[i].nobody = w.newcomer(o.from)
		walks, _ := o.pace()
		tall := w.stature(o)
		for k := range o.like {
			if l := &o.like[k]; l.told() > 0 {
				cost := l.costTo(walks) + w.elsewhere(l, o, others) + w.statures.same(tall, w.stature(w.visit(l.visit)))
				if !l.gone && l.frames > 1 {
					cost -= eachOne
				}
				list[i].who = append(list[i].who, doer{visit: l.visit, cost: cost})
			}
		}
	}
	decide(list, 0, make([]bool, len(list)))
	if list[0].is == 0 {
		w.oneOfSome(&list[0])
	}
	for k := range v.like {
		if l := &v.like[k]; l.visit == list[0].is && l.told() >= least && w.settles(v, l, list[0].sure) {
			gone := w.visit(l.visit)
			w.doubtGoods(gone, v.First, list[0].sure)
			return w.merge(gone, v)
		}
	}
	w.undecided(v, list[0].who)
	return v
}

// settles reports whether a share is enough for a visit to be the one whom a likeness is to. Of somebody who is lost it was not enough at its
// first frame, and it is asked again until it is: by chance it will be.
func (w *World) settles(v *Visit, l *likeness, share float64) bool {
	switch {
	case !l.gone:
		return true
	case w.looksLike(v):
		return false
	}
	return l.room || share >= sureLate
}

// compete reports whether two visits cannot both be somebody who either may be: one camera has seen the two at once, or they came out
// of one room. Tracks of several cameras are sooner all of them he.
func (w *World) compete(v, o *Visit) bool {
	if len(o.like) == 0 {
		return false
	}
	two := w.bothSeen(v, o)
	return slices.ContainsFunc(o.like, func(l likeness) bool {
		return slices.ContainsFunc(v.like, func(m likeness) bool { return m.visit == l.visit && (two || l.room && m.room) })
	})
}

// oneOfSome takes somebody who is surely one of several for the likeliest of them, where those may be one themselves: pieces of one
// person's way that nothing has joined yet would else keep each other from it for ever.
func (w *World) oneOfSome(p *pairing) {
	best := -1
	for k := range p.who {
		if best < 0 || p.who[k].share > p.who[best].share {
			best = k
		}
	}
	if best < 0 {
		return
	}
	o, sure := w.visit(p.who[best].visit), p.who[best].share
	for k := range p.who {
		if x := w.visit(p.who[k].visit); k != best && w.alike(o, x) {
			sure += p.who[k].share
		}
	}
	if sure >= sureSame {
		p.is, p.sure = o.number, sure
	}
}

// alike reports whether frames say that two visits may be one.
func (w *World) alike(a, b *Visit) bool {
	if b.begunBefore(a) {
		a, b = b, a
	}
	return slices.ContainsFunc(b.like, func(l likeness) bool { return l.visit == a.number && l.frames >= 2 })
}

// looksLike reports whether a visit is beside somebody whom another camera sees at this moment, and no frame has yet said that the two
// are not one: who is not seen any more waits for that.
func (w *World) looksLike(v *Visit) bool {
	return slices.ContainsFunc(v.like, func(l likeness) bool {
		return !l.gone && l.frames == 0 && w.now-w.visit(l.visit).PosAt <= parted
	})
}
