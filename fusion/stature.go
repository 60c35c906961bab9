package fusion

import (
	"math"
	"slices"
)

// Nobody is known by face or name, but a box tells how tall somebody is. That tells two people from each other, and is forgotten with the
// visit. Adults differ by 5 to 10 %; the boxes of a Faster R-CNN are off by 6 to 9 % in a frame and by 2 to 3 % in the median of thirty (measured
// on four sequences of MOT15). How steady a camera's boxes are and how tall it has the mean person is learned on the way.
const (
	blockOf    = 5     // frames of which the mean is taken
	meanTall   = 1.7   // metres, of people,
	tallSD     = 0.09  // and their standard deviation
	blockSD    = 0.09  // metres by which the mean of a block is off, until more is known of a camera
	tallLasts  = 0.25  // part of its variance that further blocks do not lessen: how somebody carries himself, and where in the picture
	frameWorth = 0.4   // blocks that one frame is worth; five are one
	plansApart = 0.03  // metres by which two cameras differ about one person, besides (assumption)
	stoops     = 0.05  // share of blocks that show somebody bent or half hidden (assumption)
	assumed    = 20.0  // blocks and people that these numbers are worth, and frames that hides is
	oldNews    = 1000  // of them after which the older count less
	maxBlocks  = 100   // that the stature of somebody rests on
	oneSD      = 0.516 // mean of the square of a standard normal number, none above 1
)

// stature is how tall one camera has somebody: the mean of some blocks of frames, in metres.
type stature struct {
	source       int
	mean, blocks float64
}

// with is the stature with some more blocks.
func (s stature) with(mean, blocks float64) stature {
	n := s.blocks + blocks
	s.mean += float64((mean - s.mean) * (blocks / n))
	s.blocks = min(n, maxBlocks)
	return s
}

// average is a mean that is learned: of so many, each worth the same until there are oldNews.
type average struct{ mean, n float64 }

// add takes a number that is worth so much of one.
func (a *average) add(x, worth float64) {
	if worth == 0 {
		return
	}
	a.n = min(a.n+worth, oldNews)
	a.mean += float64((x - a.mean) * worth / a.n)
}

// with is the mean when something was assumed before.
func (a average) with(prior float64) float64 {
	return (float64(prior*assumed) + float64(a.mean*a.n)) / (assumed + a.n)
}

// eyesight is what is known of how a camera sees how tall people are: by how much blocks are off, m², how tall they are, metres, and the share of
// its boxes that do not end at feet.
type eyesight struct{ noise, people, hidden average }

// statures is the same of all cameras, by source.
type statures []eyesight

// noise is the variance of a stature, m².
func (s statures) noise(of stature) float64 {
	return float64(s[of.source].noise.with(blockSD*blockSD) * (tallLasts + 1/of.blocks))
}

// frame is the variance of how tall one frame of a camera shows somebody, m².
func (s statures) frame(camera int) float64 {
	return s[camera].noise.with(blockSD*blockSD) / frameWorth
}

// differ is by how much one person's statures of two cameras are apart, and the variance of that.
func (s statures) differ(a, b stature) (d, noise float64) {
	d, noise = a.mean-b.mean, s.noise(a)+s.noise(b)
	if a.source == b.source {
		return d, noise
	}
	p, q := &s[a.source].people, &s[b.source].people
	d -= p.with(meanTall) - q.with(meanTall)
	return d, noise + float64(plansApart*plansApart) + float64(tallSD*tallSD*(1/(assumed+p.n)+1/(assumed+q.n)))
}

// same is the cost of two being one by how tall they are, against their being any two people, micro-nats: below 0 where that speaks for
// it. Of cameras that saw both the surest tells.
func (s statures) same(a, b []stature) int64 {
	d, noise := 0.0, math.Inf(1)
	for _, x := range a {
		for _, y := range b {
			if by, n := s.differ(x, y); n < noise {
				d, noise = by, n
			}
		}
	}
	if math.IsInf(noise, 1) {
		return 0
	}
	two := noise + 2*tallSD*tallSD
	one := math.Sqrt(two/noise) * round9(math.Exp(float64(d*d/2)*(1/two-1/noise)))
	return nats(stoops + float64((1-stoops)*one))
}

// measure takes how tall a frame shows the person of a track.
func (w *World) measure(t *track, tall float64) {
	if tall == 0 {
		return
	}
	t.tall += tall
	if t.frames++; t.frames < blockOf {
		return
	}
	mean := t.tall / blockOf
	t.tall, t.frames = 0, 0
	// Of what is learned of a camera half may come from people whose feet are hidden: what does not look whole counts less, and no block is farther
	// off than one standard deviation (Huber's second proposal).
	eye := &w.statures[t.key.source]
	noise := eye.noise.with(blockSD * blockSD)
	if t.own.blocks == 0 {
		eye.people.add(mean, eye.fits(mean-eye.people.with(meanTall), tallSD*tallSD+noise))
	} else {
		d := mean - t.own.mean
		off := float64(d*d*t.own.blocks) / (t.own.blocks + 1)
		eye.noise.add(min(off, noise)/oneSD, 1)
	}
	t.own = t.own.with(mean, 1)
	if t.block != 0 {
		t.visit.grew(t.key.source, t.block, 1)
	}
	t.block = mean
	w.changedIDs(t)
}

// grew adds blocks to what a visit's person is tall by a camera.
func (v *Visit) grew(source int, mean, blocks float64) {
	v.tall = slices.Clone(v.tall) // copies of the visit share them
	i := slices.IndexFunc(v.tall, func(s stature) bool { return s.source == source })
	if i < 0 {
		i, v.tall = len(v.tall), append(v.tall, stature{source: source})
	}
	v.tall[i] = v.tall[i].with(mean, blocks)
}

// recent is how tall the newest frames of a track show its person: they are not its visit's yet. ok: there are any.
func (t *track) recent() (s stature, ok bool) {
	s.source = t.key.source
	if t.block != 0 {
		s = s.with(t.block, 1)
	}
	if t.frames > 0 {
		s = s.with(t.tall/float64(t.frames), frameWorth+float64((1-frameWorth)/(blockOf-1)*float64(t.frames-1)))
	}
	return s, s.blocks > 0
}

// stature is how tall a visit's person is by all that its tracks have shown; nothing of a visit that is over.
func (w *World) stature(v *Visit) []stature {
	if v == nil {
		return nil
	}
	n := Visit{tall: v.tall}
	for _, k := range v.keys {
		if t := w.tracks[k]; t != nil {
			if s, ok := t.recent(); ok {
				n.grew(s.source, s.mean, s.blocks)
			}
		}
	}
	return n.tall
}

// asTall is the cost of a visit's person being the one whom a frame shows, by how tall they are.
func (w *World) asTall(e *Event, visit int) int64 {
	if e.Tall == 0 {
		return 0
	}
	return w.statures.same([]stature{{source: e.Source, mean: float64(e.Tall), blocks: frameWorth}}, w.stature(w.visit(visit)))
}
