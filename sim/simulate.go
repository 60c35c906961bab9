package sim

import (
	"fmt"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

// ShopOptions shape a simulated recording.
type ShopOptions struct {
	Start  time.Time // zero: DefaultStart in the site's time zone
	Hours  float64   // of store time; zero: 1
	Visits float64   // an hour; zero: as measured
	Thefts float64   // share of visits, 0 to 1
	Twins  float64   // share of the honest visits that look like a theft, 0 to 1
	Only   []string  // of what kinds of visit there are beside plain ones, by name or number of the catalogue; nil: all
	Noise  float64   // factor on all that is wrong with sensors; 0: perfect ones
	Spread bool      // each of these numbers is drawn anew between its half and its double
	Off    []string  // sources, or kinds, that never say anything; or do not for a time: NAME@10m, NAME@10m..20m
}

// Simulated is a recording and, apart from it, what truly happened.
type Simulated struct {
	Lines  []Line
	Visits []*Visit // by their beginning
}

// Simulate plays a store: people come in, walk around each other, take goods, put them back, pay or do not, and leave; the
// site's cameras, plates, readers, tills, gates and counters report it as well as such devices do (measured.csv), by their
// own clocks and with their own delays. It is the same for the same seed, site and options, and what is in the recording
// does not depend on the truth being written.
//
// A site needs an entrance, and scales with products; what else it has is used.
func Simulate(seed uint64, s *site.Site, o ShopOptions) (*Simulated, error) {
	w, err := newWorld(seed, s, o)
	if err != nil {
		return nil, err
	}
	w.fill()
	w.arrive()
	for ; w.now < w.end; w.now += tick {
		for len(w.due) > 0 && w.due[0].at <= w.now {
			w.inside = append(w.inside, w.due[0].who)
			w.due[0].who.truth.From = w.clock()
			w.due = w.due[1:]
		}
		for i := 0; i < len(w.inside); i++ {
			w.step(w.inside[i])
		}
		if w.now%time.Minute == 0 {
			w.calls()
		}
		w.film()
		w.listen()
		w.inside = slices.DeleteFunc(w.inside, func(s *shopper) bool {
			if s.gone {
				s.truth.To = w.clock()
			}
			return s.gone
		})
		slices.SortStableFunc(w.due, func(a, b arrival) int { return int(a.at - b.at) })
	}
	for _, s := range w.inside { // still there when the recording ends
		s.truth.To = w.clock()
	}
	w.weighAll()
	w.ringAlone()
	w.signsOfLife()
	lines, err := w.send()
	if err != nil {
		return nil, err
	}
	return &Simulated{lines, w.told()}, nil
}

// world is a store while it is played.
type world struct {
	dice   dice // what people do
	noise  dice // what sensors make of it
	bodies dice // how tall they are, and what cameras make of that
	site   *site.Site
	store  *fusion.Store
	m      *measured
	o      ShopOptions
	start  int64
	now    time.Duration // since start
	end    time.Duration

	habits   []habit
	stands   []stand
	ends     map[int][2]fusion.Point // of aisles, by zone
	inside   []*shopper
	due      []arrival
	visits   []*Visit
	busy     []bool // by Store.Tills
	cashiers []string
	loose    []loose // tags that lie about
	eyes     []*eye
	ears     []*ear
	spans    spans
	out      []emission
	outages  map[string][]outage // by source
}

type arrival struct {
	at  time.Duration
	who *shopper
}

// clock is now, ns since 1970.
func (w *world) clock() int64 { return w.start + int64(w.now) }

// Check tells of numbers that no store can be played with.
func (o ShopOptions) Check() error {
	within := func(x, most float64) bool { return x >= 0 && x <= most } // and a number at all
	switch {
	case !within(o.Hours, 24*14) || o.Hours == 0:
		return fmt.Errorf("%g hours: give more than 0 and up to 336", o.Hours)
	case !within(o.Visits, 2000):
		return fmt.Errorf("%g visits an hour: give up to 2000, or 0 for as many as measured", o.Visits)
	case !within(o.Thefts, 1) || !within(o.Twins, 1):
		return fmt.Errorf("thefts %g, twins %g: shares are from 0 to 1", o.Thefts, o.Twins)
	case !within(o.Noise, 5):
		return fmt.Errorf("noise %g: it is from 0 to 5", o.Noise)
	}
	return nil
}

func newWorld(seed uint64, s *site.Site, o ShopOptions) (*world, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Start.IsZero() {
		start, err := Start("", s.Store.Location)
		if err != nil {
			return nil, err
		}
		o.Start = start
	}
	w := &world{dice: newDice(seed, 11), noise: newDice(seed, 12), bodies: newDice(seed, 14), site: s, store: s.Store, o: o, start: o.Start.UnixNano(),
		ends: map[int][2]fusion.Point{}, spans: spans{}, outages: map[string][]outage{}}
	w.end = time.Duration(o.Hours * float64(time.Hour)).Truncate(tick)
	var err error
	if w.m, err = newMeasured(newDice(seed, 13), o.Noise, o.Spread); err != nil {
		return nil, err
	}
	if o.Visits > 0 {
		w.m.arrivals = o.Visits
	}
	if w.zone(fusion.Entrance) < 0 {
		return nil, fmt.Errorf("%s has no zone of kind entrance, so that nobody can come in", s.Path)
	}
	for i := range w.store.Scales {
		if len(w.store.Scales[i].Products) == 0 {
			continue
		}
		w.stands = append(w.stands, w.newStand(&w.store.Scales[i]))
	}
	if len(w.stands) == 0 {
		return nil, fmt.Errorf("%s has no scale with skus, so that there is nothing to take", s.Path)
	}
	for i := range w.store.Zones {
		w.ends[i] = ends(w.store.Zones[i].Polygon)
	}
	w.busy = make([]bool, len(w.store.Tills))
	for range w.store.Tills {
		w.cashiers = append(w.cashiers, fmt.Sprintf("c%02d", w.dice.IntN(100)))
	}
	for _, text := range o.Off {
		if err := w.turnOff(text); err != nil {
			return nil, err
		}
	}
	if w.habits, err = w.chosen(); err != nil {
		return nil, err
	}
	w.openEyes()
	w.openEars()
	return w, nil
}

// chosen are the habits that fit the site and the options.
func (w *world) chosen() (list []habit, err error) {
	known := map[string]bool{}
	for _, h := range habits() {
		asked := false
		for _, name := range w.o.Only {
			if name == h.name || h.theft > 0 && name == fmt.Sprint(h.theft) {
				known[name], asked = true, true
			}
		}
		if w.o.Only != nil && (h.theft > 0 || h.twin) && !asked && h.name != "restocks" {
			continue
		}
		fits := !h.tagged || slices.ContainsFunc(w.store.Products, func(p fusion.Product) bool { return p.Tagged })
		for _, kind := range h.zones {
			fits = fits && w.zone(kind) >= 0
		}
		if fits {
			list = append(list, h)
		}
	}
	for _, name := range w.o.Only {
		if !known[name] {
			return nil, fmt.Errorf("%q is neither the name of a kind of visit nor the number of a theft of the catalogue", name)
		}
	}
	return list, nil
}

// arrive draws when who comes, and what they will do: at random moments, evenly over the time.
func (w *world) arrive() {
	n := w.m.arrivals * w.o.Hours
	count := int(n)
	if w.dice.chance(n - float64(count)) {
		count++
	}
	last := max(0, w.end.Seconds()-60)
	for range count {
		kind := func(h *habit) bool { return h.theft == 0 && !h.twin }
		switch {
		case w.dice.chance(w.o.Thefts):
			kind = func(h *habit) bool { return h.theft > 0 }
		case w.dice.chance(w.o.Twins):
			kind = func(h *habit) bool { return h.twin }
		}
		h := w.draw(kind)
		if h == nil {
			continue
		}
		at := w.seconds(0, last).Truncate(tick)
		s := w.newShopper(h.name)
		s.truth.Theft = h.theft
		switch {
		case h.theft > 0:
			s.truth.Kind = Theft
		case h.staff:
			s.truth.Kind = Work
		}
		w.due = append(w.due, arrival{at, s})
		s.act(func() { h.live(w, s) })
	}
	slices.SortStableFunc(w.due, func(a, b arrival) int { return int(a.at - b.at) })
}

// calls sends for staff where a shelf is running out.
func (w *world) calls() {
	if i := w.emptiest(1)[0]; len(w.stands[i].units) > full/3 || w.busyStaff() {
		return
	}
	for i := range w.habits {
		if h := &w.habits[i]; h.name == "restocks" {
			s := w.newShopper(h.name)
			s.truth.Kind = Work
			s.staff = true
			s.act(func() { h.live(w, s) })
			w.due = append(w.due, arrival{w.now + tick, s})
			return
		}
	}
}

func (w *world) busyStaff() bool {
	for _, s := range w.inside {
		if s.staff {
			return true
		}
	}
	return false
}

// draw draws a habit among those of a kind, nil when there is none.
func (w *world) draw(of func(*habit) bool) *habit {
	sum := 0.0
	for i := range w.habits {
		if of(&w.habits[i]) {
			sum += w.habits[i].weight
		}
	}
	at := w.dice.between(0, sum)
	for i := range w.habits {
		if h := &w.habits[i]; of(h) {
			if at -= h.weight; at < 0 {
				return h
			}
		}
	}
	return nil
}

func (w *world) newShopper(habit string) *shopper {
	s := &shopper{name: fmt.Sprintf("p%d", len(w.visits)+1), speed: w.dice.between(w.m.speedLow, w.m.speedHigh), sight: map[int]*sighting{}}
	s.truth = &Visit{Person: s.name, Kind: Honest, Type: habit}
	s.tall = min(2.0, max(1.3, w.m.tall+float64(w.m.tallSD*w.bodies.normal())))
	s.here = beyond(&w.store.Zones[w.zone(fusion.Entrance)], 1.5)
	w.visits = append(w.visits, s.truth)
	return s
}

// says is a message of a source about a moment; it is sent by the source's clock.
func (w *world) says(at time.Duration, kind fusion.Kind, source string, m func(message.Head) any) {
	w.out = append(w.out, emission{ts: at, kind: kind, source: source, message: m})
}
