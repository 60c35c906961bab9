package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

// RandomOptions shape a random recording.
type RandomOptions struct {
	Start   time.Time // zero: DefaultStart in the site's time zone
	Minutes float64   // of event time; zero: 3
	People  int       // visits begun over that time
	Noise   float64   // 0: sensors without noise, misses or repeats; 1: as measured in stores
	// Switches is how often a minute a track goes on under another id, half of the times without a word that the old one has
	// ended; zero: 0.6 × Noise, each announced.
	Switches float64
}

// Random is a recording of people who come in, handle goods, pay or do not, and leave, as the site's devices could report
// it: positions with jitter and missed frames, tracks that change their id, plates with noise and touches, tags read on
// the way out and strays that lie near the reader, gates, counters, signs of life, and messages that are repeated, not
// numbered, or hold several readings. Each arrives a delay after its oldest reading that is drawn between its span and its
// source's lateness. The last line is a tick later than all (see Settle). It is the same for the same seed.
//
// It serves laws that hold for any recording; it has no ground truth and its proportions are not those of a real store.
func Random(seed uint64, s *site.Site, o RandomOptions) ([]Line, error) {
	if o.Minutes == 0 {
		o.Minutes = 3
	}
	if o.Minutes < 0 || o.Minutes > 24*60 || o.People < 0 || o.Noise < 0 || o.Noise > 10 {
		return nil, fmt.Errorf("a random recording of %g minutes, %d people and noise %g: give 0 to 1440 minutes, people from 0, noise 0 to 10",
			o.Minutes, o.People, o.Noise)
	}
	if o.Switches < 0 || o.Switches > 60 {
		return nil, fmt.Errorf("a random recording of tracks that change their id %g times a minute: give 0 to 60", o.Switches)
	}
	if o.Start.IsZero() {
		start, err := Start("", s.Store.Location)
		if err != nil {
			return nil, err
		}
		o.Start = start
	}
	c := &crowd{
		dice:    newDice(seed, 1),
		builder: builder{site: s, store: s.Store, start: o.Start.UnixNano(), shelf: make([]plate, len(s.Store.Scales))},
		noise:   o.Noise,
		renames: o.Switches,
		stock:   make([]int, len(s.Store.Scales)),
	}
	c.end = time.Duration(o.Minutes * float64(time.Minute))
	for i := range c.stock {
		c.stock[i] = 20
	}
	for i := range o.People {
		c.visit(fmt.Sprint("P", i+1))
	}
	c.film()
	c.weighAll()
	c.readAll()
	c.signsOfLife()
	c.number()
	lines, err := encode(c.store, c.start, c.out)
	if err != nil {
		return nil, err
	}
	of := ReadingsOf(c.store)
	for _, l := range slices.Clone(lines) { // a broker that repeats what it was not told to have arrived
		if c.chance(0.01 * c.noise) {
			lines = append(lines, l)
		}
	}
	return Redraw(lines, of, seed), nil
}

// crowd makes a random recording with the parts of a builder.
type crowd struct {
	dice
	builder
	noise   float64
	renames float64 // a minute of a track; 0: as Switches says
	stock   []int   // units, by Store.Scales
	bags    []bag
}

// bag is what somebody carries out.
type bag struct {
	who  *person
	tags []string // EPCs
}

// visit plans one person's stay: in, to some shelves, perhaps to a till, and out.
func (c *crowd) visit(name string) {
	p := &person{name: name}
	now := time.Duration(c.between(1, max(2, c.end.Seconds()-45)) * float64(time.Second)).Truncate(time.Millisecond)
	speed := c.between(0.8, 1.4)
	here := fusion.Point{X: math.NaN()}
	to := func(q fusion.Point) {
		q = fusion.Point{X: centimetres(q.X), Y: centimetres(q.Y)}
		if math.IsNaN(here.X) {
			here = q
		}
		leg := time.Duration(apart(here, q)/speed*1000) * time.Millisecond
		p.walks = append(p.walks, &statement{from: now, to: now + leg, points: []fusion.Point{here, q}})
		here = q
		now += leg
	}
	wait := func(low, high float64) { now += time.Duration(c.between(low, high)*1000) * time.Millisecond }

	if in := c.zone(fusion.Entrance); in != nil {
		to(beyond(in, 0.7))
		to(middle(in.Polygon))
		c.tally(in, now, 1, 0)
	}
	var held []int // products
	var tags []string
	for range 1 + c.IntN(3) {
		if len(c.store.Scales) == 0 {
			if z := c.zone(fusion.Aisle); z != nil {
				to(middle(z.Polygon))
				wait(2, 6)
			}
			continue
		}
		i := c.IntN(len(c.store.Scales))
		sc := &c.store.Scales[i]
		plate := fusion.Point{X: sc.At[0], Y: sc.At[1]}
		centre := middle(c.store.Zones[sc.Zone].Polygon)
		share := min(1, 0.6/max(0.01, apart(plate, centre)))
		to(fusion.Point{X: plate.X + float64(share*(centre.X-plate.X)), Y: plate.Y + float64(share*(centre.Y-plate.Y))})
		wait(1, 3)
		if len(sc.Products) > 0 && c.chance(0.8) {
			product := sc.Products[c.IntN(len(sc.Products))]
			n := min(1+c.IntN(3), c.stock[i])
			if c.handles(p, i, product, -n, now) {
				for range n {
					held = append(held, product)
					if g := &c.store.Products[product]; g.Tagged {
						if epc, ok := sgtin96(g.SKU, c.Uint64N(1<<38)); ok {
							tags = append(tags, epc)
						}
					}
				}
				if wait(1.5, 4); c.chance(0.25) && c.handles(p, i, product, 1, now) {
					held = held[:len(held)-1]
					tags = tags[:max(0, len(tags)-1)]
				}
			}
		}
		wait(0.5, 2)
	}
	if len(c.store.Tills) > 0 && c.chance(0.6) {
		till := &c.store.Tills[c.IntN(len(c.store.Tills))]
		to(middle(c.store.Zones[till.Zone].Polygon))
		wait(1, 3)
		now = c.pays(till, name, held, now)
		wait(1, 2)
	}
	out := c.zone(fusion.Exit)
	if out == nil || c.chance(0.1) {
		if in := c.zone(fusion.Entrance); in != nil {
			out = in
		}
	}
	if out != nil {
		to(middle(out.Polygon))
		if len(tags) > 0 && c.chance(0.5) {
			c.rings(out, now)
		}
		c.tally(out, now, 0, 1)
		to(beyond(out, 0.7))
	}
	if len(p.walks) == 0 {
		return // a store with neither doors nor aisles has nobody to show
	}
	c.people = append(c.people, p)
	c.bags = append(c.bags, bag{p, tags})
}

// handles moves units on a plate and shows the hand; false when they have no weight or there are none.
func (c *crowd) handles(p *person, scale, product, units int, at time.Duration) bool {
	goods := &c.store.Products[product]
	if units == 0 || goods.Grams <= 0 {
		return false
	}
	c.stock[scale] += units
	sd := c.noise * max(1, goods.GramsSD)
	grams := float64(units) * (goods.Grams + float64(sd*c.normal()))
	c.shelf[scale].steps = append(c.shelf[scale].steps, step{&statement{from: at}, grams})
	if c.chance(0.5) {
		before := 0.0
		if units > 0 {
			before = 1
		}
		p.hands = append(p.hands, gesture{at, c.store.Scales[scale].At, before, 1 - before})
	}
	return true
}

// pays scans most of what is held and says when it was done.
func (c *crowd) pays(till *fusion.Till, who string, held []int, now time.Duration) time.Duration {
	session := "s-" + strings.ToLower(who)
	say := func(m message.Till) {
		m.Session = session
		c.out = append(c.out, emission{ts: now, kind: fusion.TillKind, source: till.ID,
			message: func(h message.Head) any { m.Head = h; return m }})
		now += time.Duration(c.between(0.8, 2.5)*1000) * time.Millisecond
	}
	say(message.Till{Action: "open"})
	total := 0.0
	for i, product := range held {
		if c.chance(0.15) {
			continue
		}
		goods := &c.store.Products[product]
		price := float64(goods.Price) / 100
		line := fmt.Sprint(i + 1)
		say(message.Till{Action: "scan", SKU: goods.Written, Line: line, Price: &price})
		if c.chance(0.1) {
			say(message.Till{Action: "void", SKU: goods.Written, Of: line})
			continue
		}
		total += price
	}
	if total = centimetres(total); total > 0 {
		say(message.Till{Action: "tender", Amount: &total})
	}
	say(message.Till{Action: "close"})
	return now
}

// rings lets a gate of a zone ring.
func (c *crowd) rings(z *fusion.Zone, now time.Duration) {
	for _, d := range c.store.Devices {
		if d.Kind == fusion.Gate && d.Zone >= 0 && &c.store.Zones[d.Zone] == z {
			c.out = append(c.out, emission{ts: now, kind: fusion.Gate, source: d.ID,
				message: func(h message.Head) any { return message.Gate{Head: h, Alarm: true, Direction: "out"} }})
		}
	}
}

// tally lets the counters of a zone count.
func (c *crowd) tally(z *fusion.Zone, now time.Duration, in, out int64) {
	for _, d := range c.store.Devices {
		if d.Kind == fusion.Count && d.Zone >= 0 && &c.store.Zones[d.Zone] == z {
			c.out = append(c.out, emission{ts: now, kind: fusion.Count, source: d.ID,
				message: func(h message.Head) any { return message.Count{Head: h, In: &in, Out: &out} }})
		}
	}
}

// zone draws a zone of a kind, nil when there is none.
func (c *crowd) zone(kind fusion.ZoneKind) *fusion.Zone {
	var all []*fusion.Zone
	for i := range c.store.Zones {
		if c.store.Zones[i].Kind == kind {
			all = append(all, &c.store.Zones[i])
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[c.IntN(len(all))]
}

// number decides which devices number their messages: most do.
func (c *crowd) number() {
	without := map[string]bool{}
	for _, s := range c.store.Sources {
		without[s.ID] = c.chance(0.15)
	}
	for i := range c.out {
		c.out[i].unnumbered = without[c.out[i].source]
	}
}

// middle is the mean of a polygon's corners.
func middle(polygon []fusion.Point) (m fusion.Point) {
	for _, p := range polygon {
		m.X += p.X / float64(len(polygon))
		m.Y += p.Y / float64(len(polygon))
	}
	return m
}

// beyond is a point so many metres outside a zone's out edge, in line with its middle; the middle when it has none.
func beyond(z *fusion.Zone, metres float64) fusion.Point {
	m := middle(z.Polygon)
	if len(z.Out) != 2 {
		return m
	}
	edge := middle(z.Out)
	d := max(0.01, apart(m, edge))
	return fusion.Point{X: edge.X + float64((edge.X-m.X)*(metres/d)), Y: edge.Y + float64((edge.Y-m.Y)*(metres/d))}
}
