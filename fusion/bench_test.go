package fusion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// bigShop is a store with fifty sources: 4 cameras, 38 scales, 4 readers, 3 tills and a gate.
func bigShop() *Store {
	s := cornerShop()
	s.Sources = s.Sources[:0]
	all := []int{inZone, aisleZone, tillZone, doorZone, stockZone}
	add := func(id string, k Kind, zones ...int) {
		s.Sources = append(s.Sources, Source{ID: id, Kind: k, Lateness: 3 * second, Zones: zones})
	}
	s.Cameras, s.Scales, s.Readers, s.Tills, s.Devices = nil, nil, nil, nil, nil
	for i := range 4 {
		add(fmt.Sprint("cam-", i+1), Tracks, all...)
	}
	for i := range 38 {
		id := fmt.Sprint("g", i+1)
		add(id, Weight, aisleZone)
		s.Scales = append(s.Scales, Scale{ID: id, Zone: aisleZone, At: [3]float64{0.2 * float64(i), 4.7, 1}, Products: []int{i % 2}})
	}
	for i, id := range []string{"r-aisle", "r-door", "r-in", "r-till"} {
		zone := []int{aisleZone, doorZone, inZone, tillZone}[i]
		add(id, RFID, zone)
		s.Readers = append(s.Readers, Reader{ID: id, Antennas: map[int]int{1: zone}})
	}
	for i := range 3 {
		id := fmt.Sprint("sco-", i+1)
		add(id, TillKind, tillZone)
		s.Tills = append(s.Tills, Till{ID: id, Zone: tillZone, Self: true})
	}
	add("eas-1", Gate, doorZone)
	s.Devices = []Device{{ID: "eas-1", Kind: Gate, Zone: doorZone}}
	s.Index()
	return s
}

// mixedMinute is a minute of the big shop: eight people on four cameras at 10 Hz, forty tags that lie about, plates that
// sample at 10 Hz, purchases.
func mixedMinute(s *Store) []Message {
	r := rand.New(rand.NewPCG(1, 1))
	var all []Message
	n := uint64(0)
	put := func(source string, ms int, e Event) {
		e.Source, e.TS = s.SourceIndex(source), monday+int64(ms)*1e6
		e.Kind = s.Sources[e.Source].Kind
		n++
		e.Hash = n * 0x9E3779B97F4A7C15
		all = append(all, Message{TS: e.TS, Clocked: true, Source: e.Source, Kind: e.Kind, Ident: e.Hash, Events: []Event{e}})
	}
	for p := range 8 {
		id := fmt.Sprint("p", p)
		way := []Point{{4, -0.8}, {float64(p), 4.2}, {6.5, 1}, {4, -0.8}}
		for i := range 500 {
			put(fmt.Sprint("cam-", p%4+1), p*1000+i*100+r.IntN(50), Event{ID: id, Name: person, Conf: 0.9, HasFloor: true, Zone: -1,
				Floor: along2(way, float64(i)/499)})
		}
		till := fmt.Sprint("sco-", p%3+1)
		put(till, 30000+p*1000, Event{ID: id, Action: Open, Zone: -1})
		put(till, 31000+p*1000, Event{ID: id, Action: Scan, SKU: "00071142008582", Qty: 1, Zone: -1})
		put(till, 33000+p*1000, Event{ID: id, Action: Tender, Zone: -1})
		for i := range 20 {
			x := float64(i)/10 - 1
			put("r-door", 48000+p*1000+i*120, Event{ID: fmt.Sprintf("AABB%020d", p), Antenna: 1, RSSI: -46 - 16*x*x, Zone: -1})
		}
	}
	for i := range 600 {
		for k := range 38 {
			load := 12420.0
			if k < 8 && i > 150+10*k {
				load -= 621
			}
			put(fmt.Sprint("g", k+1), i*100+k, Event{Grams: load + 0.2*r.NormFloat64(), Zone: -1})
		}
		for k := range 4 {
			put("r-aisle", i*100+k*20, Event{ID: fmt.Sprintf("AABC%020d", (i*4+k)%40), Antenna: 1, RSSI: -60 + r.NormFloat64(), Zone: -1})
		}
	}
	slices.SortStableFunc(all, func(a, b Message) int { return cmp(a.TS, b.TS) })
	return all
}

func quiet() Judge[int] {
	return Judge[int]{New: func() int { return 0 }, Clone: func(n int) int { return n }, Facts: func(int, *World, []Change) {},
		Due: func(int) int64 { return math.MaxInt64 }, Fire: func(int, *World, int64) {}}
}

// lap gives a core the i-th message of an endless repetition of the minute.
func lap(c *Core[int], minute []Message, i int, event *[1]Event) {
	m := minute[i%len(minute)]
	shift := int64(i/len(minute)) * 60 * second
	event[0] = m.Events[0]
	event[0].TS += shift
	m.TS += shift
	m.Received, m.Ident, m.Events = m.TS+second/10, m.Ident+uint64(i/len(minute)), event[:]
	c.Arrive(m.Received)
	c.Add(&m)
	c.Advance()
}

// BenchmarkAdd is one message of a busy store with fifty sources, from arrival to being folded.
func BenchmarkAdd(b *testing.B) {
	s := bigShop()
	minute := mixedMinute(s)
	c := NewCore(s, quiet())
	var event [1]Event
	i := 0
	for ; i < len(minute); i++ {
		lap(c, minute, i, &event)
	}
	b.ReportAllocs()
	for b.Loop() {
		lap(c, minute, i, &event)
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// warm is a core in the middle of the minute, people in the shop and three seconds of events waiting.
func warm(b *testing.B) (*Core[int], []Message, int) {
	s := bigShop()
	minute := mixedMinute(s)
	c := NewCore(s, quiet())
	var event [1]Event
	i := 0
	for ; i < len(minute)*8/3; i++ {
		lap(c, minute, i, &event)
	}
	b.ReportAllocs()
	return c, minute, i
}

// BenchmarkProvisional is one provisional view of the busy store: a copy, and its newest three seconds folded.
func BenchmarkProvisional(b *testing.B) {
	c, _, _ := warm(b)
	b.ReportMetric(float64(c.Pending()), "waiting")
	for b.Loop() {
		c.Provisional()
	}
}

// BenchmarkCopy is the copy alone.
func BenchmarkCopy(b *testing.B) {
	c, _, _ := warm(b)
	for b.Loop() {
		c.clone(c.state)
	}
}

// BenchmarkRefold is one message that is a minute late: up to 75 s of the busy store are folded again.
func BenchmarkRefold(b *testing.B) {
	c, minute, i := warm(b)
	late := minute[0]
	n := uint64(0)
	for b.Loop() {
		n++
		m := late
		m.Received, m.Ident = c.newest+refoldEvery, n<<32
		c.Arrive(m.Received)
		m.TS = c.Watermark() - 59*second
		e := m.Events[0]
		e.TS, e.Hash = m.TS, n
		m.Events = []Event{e}
		if c.Add(&m) != Late || !c.Advance() {
			b.Fatal("not folded again")
		}
	}
	_ = i
}

// shelves is a store with forty readers on shelves, ten cameras, and as many known tags as asked for that lie still.
func shelves(tags int) *Store {
	s := &Store{Zones: []Zone{{ID: "floor", Kind: Aisle, Polygon: []Point{{0, 0}, {100, 0}, {100, 100}, {0, 100}}},
		{ID: "door", Kind: Exit, Polygon: []Point{{0, -2}, {4, -2}, {4, 0}, {0, 0}}, Out: []Point{{0, -2}, {4, -2}}}},
		Products: []Product{{SKU: "00071142008582", EPCPrefix: "AABC", Price: 199, Grams: 621}}}
	for i := range 40 {
		id := fmt.Sprintf("r-%02d", i)
		s.Sources = append(s.Sources, Source{ID: id, Kind: RFID, Lateness: 2 * second, Zones: []int{0}})
		s.Readers = append(s.Readers, Reader{ID: id, Antennas: map[int]int{1: 0, 2: 0, 3: 0, 4: 0}})
	}
	for i := range 10 {
		s.Sources = append(s.Sources, Source{ID: fmt.Sprintf("cam-%d", i), Kind: Tracks, Lateness: 3 * second, Zones: []int{0, 1}})
	}
	s.Index()
	return s
}

// stocktake is a loop of the reads of still tags, each heard twice a second on hopping channels by one of the forty
// readers, up to 300 ms out of order, and of people who stand about, each seen once a second. The reads come in the first three
// quarters of a second and the people in the last, which is an epoch, so that what either takes can be told apart.
func stocktake(s *Store, tags, visits, n int) (loop []Message, count []uint64) {
	r := rand.New(rand.NewPCG(1, 1))
	all := make([]Message, 0, n)
	events := make([]Event, n)
	seq := make([]uint64, len(s.Sources))
	each := 2*tags + visits
	for i := range n {
		from := monday + int64(i/each)*second
		at := from + int64(i%each)*750e6/int64(2*tags)
		if v := i%each - 2*tags; v >= 0 {
			from += 750e6
			at = from + int64(v)*250e6/int64(visits)
		}
		ts := max(from, at-r.Int64N(300e6))
		e := &events[i]
		*e = Event{TS: ts, Zone: -1, Hash: uint64(i) * 0x9E3779B97F4A7C15}
		if k := i % (2*tags + visits); k < 2*tags {
			tag := k % tags
			channel := r.IntN(50)
			e.Kind, e.Source, e.Antenna = RFID, s.SourceIndex(fmt.Sprintf("r-%02d", tag%40)), 1+tag/40%4
			e.ID, e.Channel = fmt.Sprintf("AABC%020X", tag), 902.75+float64(channel)/2
			e.RSSI = -60 + 2.4*math.Sin(float64(channel*7+tag)) + 1.07*r.NormFloat64()
		} else {
			v := k - 2*tags
			e.Kind, e.Source, e.ID, e.Name = Tracks, s.SourceIndex(fmt.Sprint("cam-", v%10)), fmt.Sprint("p", v), person
			e.Conf, e.HasFloor = 0.9, true
			e.Floor = Point{1 + float64(v%100)*0.97 + 0.05*r.NormFloat64(), 1 + float64(v/100)*0.97 + 0.05*r.NormFloat64()}
		}
		seq[e.Source]++
		all = append(all, Message{TS: ts, Received: at, Clocked: true, Source: e.Source, Kind: e.Kind,
			Ident: uint64(i) * 0xBF58476D1CE4E5B9, Seq: seq[e.Source], Events: events[i : i+1]})
	}
	return all, seq
}

// BenchmarkStill is one message of a store in which next to nothing happens: twenty thousand tags lie on shelves and are
// read, and some people stand about.
func BenchmarkStill(b *testing.B) {
	for _, visits := range []int{1, 100, 10000} {
		b.Run(fmt.Sprint("visits=", visits), func(b *testing.B) {
			const tags = 20000
			s := shelves(tags)
			n := 20 * (2*tags + visits) // twenty seconds
			loop, count := stocktake(s, tags, visits, n)
			c := NewCore(s, quiet())
			var event [1]Event
			i := 0
			next := func() {
				lap := int64(i / n)
				m := loop[i%n]
				event[0] = m.Events[0]
				event[0].TS += lap * 20 * second
				m.TS, m.Received, m.Events = m.TS+lap*20*second, m.Received+lap*20*second, event[:]
				m.Seq, m.Ident = m.Seq+uint64(lap)*count[m.Source], m.Ident+uint64(lap)
				c.Arrive(m.Received)
				c.Add(&m)
				c.Advance()
				i++
			}
			for i < 8*n {
				next()
			}
			b.ReportAllocs()
			// The first message of the people closes the last epoch of the reads, and is counted as theirs; the first read that of the people.
			var took [2]time.Duration
			var events [2]int
			of, since := 0, time.Now()
			for b.Loop() {
				people := 0
				if k := i % (2*tags + visits); k > 2*tags || k == 0 {
					people = 1
				}
				if people != of {
					now := time.Now()
					took[of] += now.Sub(since)
					of, since = people, now
				}
				next()
				events[people]++
			}
			took[of] += time.Since(since)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(events[0])/took[0].Seconds(), "reads/s")
			if visits > 1000 && events[1] > 1 { // of few it would be what happens beside them, such as a checkpoint
				b.ReportMetric(float64(events[1])/took[1].Seconds(), "people/s")
			}
			w, _ := c.Confirmed()
			b.ReportMetric(float64(len(w.visits)), "visits")
		})
	}
}
