package fusion

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"
)

// chaos draws messages from bytes: every kind, from every device, with values that no device should send. A message is a
// function of the bytes that it was drawn from.
type chaos struct {
	data  []byte
	store *Store
	now   int64 // of arrival
	sent  []Message
}

func (c *chaos) done() bool { return len(c.data) == 0 }

func (c *chaos) byte() byte {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return b
}

// number is a quantity of about a size, or one that is no good.
func (c *chaos) number(size float64) float64 {
	b := c.byte()
	bad := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, -size, 0, math.SmallestNonzeroFloat64}
	if int(b) < len(bad) {
		return bad[b]
	}
	return size * (float64(b) - 64) / 128
}

// id is one of a few names, or one of thousands, or an absurd one.
func (c *chaos) id(few ...string) string {
	switch b := c.byte(); {
	case b < 160:
		return few[int(b)%len(few)]
	case b < 250:
		return fmt.Sprintf("x%d.%d", b, c.byte())
	default:
		return []string{"", "\x00", "\xff\xfe", strings.Repeat("long", 500), "🛒/#+", few[0] + " "}[b-250]
	}
}

func (c *chaos) epc() string {
	switch b := c.byte(); {
	case b < 128:
		return []string{sauceTag, otherTag, jacketTag, foreign, staffBadge}[int(b)%5]
	case b < 250:
		return fmt.Sprintf("AABB%018d%02X", c.byte(), b)
	}
	return c.id("", "00", "no hex")
}

func (c *chaos) sku() string { return c.id("00071142008582", "00000000000017", "00000000000024", "") }

// next draws the next message.
func (c *chaos) next() Message {
	whole := c.data
	op := c.byte()
	if op >= 240 && len(c.sent) > 0 { // the same again
		m := c.sent[int(c.byte())%len(c.sent)]
		if m.Ident != 0 || c.now-m.Received < 5*second { // else it may come too late in one order and not in another
			m.Received = c.now
			return m
		}
	}
	steps := []int64{0, 1, 100e6, 100e6, 250e6, second, 3 * second, 20 * second, 700 * second}
	if op < 200 {
		c.now += steps[int(op)%4]
	} else {
		c.now += steps[int(op)%len(steps)]
	}
	late := []int64{0, 0, 0, 100e6, second, 2 * second, 40 * second, 300 * second, -4 * second, 1}
	source := int(c.byte()) % len(c.store.Sources)
	m := Message{TS: c.now - late[int(c.byte())%len(late)], Received: c.now, Clocked: true, Source: source, Kind: c.store.Sources[source].Kind}
	if c.byte()%16 == 0 {
		m.Kind = Status
	}
	m.Retained = c.byte()%32 == 0
	for range 1 + c.byte()%3 {
		m.Events = append(m.Events, c.event(m.Kind, source, m.TS))
	}
	sum := fnv.New64a()
	_, _ = sum.Write(whole[:len(whole)-len(c.data)])
	_, _ = fmt.Fprint(sum, m.TS)
	for i := range m.Events {
		m.Events[i].Hash = sum.Sum64() + uint64(i)
	}
	if m.Ident = sum.Sum64(); op%8 == 0 {
		m.Ident = 0
	}
	if op%2 == 0 && m.Ident != 0 {
		m.Seq = 1 + uint64(op)
	}
	c.sent = append(c.sent, m)
	return m
}

func (c *chaos) event(kind Kind, source int, ts int64) Event {
	e := Event{TS: ts + int64(c.byte()%4)*1e7, Kind: kind, Source: source, Zone: -1}
	switch kind {
	case RFID:
		e.ID, e.Antenna, e.RSSI = c.epc(), int(c.byte()%4), c.number(-120)
		e.Channel, e.Phase = c.number(1800), c.number(12)
	case Weight:
		e.Grams, e.Change = c.number(12000), c.byte()%8 == 0
	case Tracks:
		e.ID, e.Name, e.Conf = c.id("A", "B", "C", "D"), c.id(person, person, person, "bottle"), c.number(2)
		e.HasFloor, e.Floor = c.byte()%16 > 0, Point{c.number(12), c.number(6)}
		if c.byte()%8 == 0 {
			e.Action = Lost
		}
		for range c.byte() % 3 {
			e.Hands = append(e.Hands, [3]float64{c.number(12), c.number(6), c.number(2)})
		}
		e.SD, e.Holding = Point{c.number(1), c.number(1)}, c.number(2)
	case TillKind:
		e.ID, e.Action = c.id("t1", "t2", "t3"), Action(c.byte()%byte(Other+1))
		e.SKU, e.Qty, e.Price = c.sku(), c.number(20), int64(c.byte())
		e.Line, e.Of, e.Name, e.Grams = c.id("1", "2", "3"), c.id("1", "2", ""), c.id("ann", "bob"), c.number(2000)
		if c.byte()%4 == 0 {
			e.EPC = c.epc()
		}
	case Region:
		e.ID, e.Name, e.Zone = c.id("A", "B", sauceTag, "salt", "jam"), c.id(person, "car", classGoods, classTag, "jacket"), int(c.byte()%6)-1
		e.Conf, e.Qty = c.number(1), c.number(4)
		e.Action = []Action{Enter, Leave, Cross, NoAction}[c.byte()%4]
	case Gate:
		e.On, e.Action = c.byte()%4 > 0, []Action{Out, In, NoAction}[c.byte()%3]
	case Signal:
		e.Name, e.On, e.ID = c.id("line", "panic", "tamper"), c.byte()%2 == 0, c.id("", "o")
	case Status:
		e.Action, e.Every, e.Name = []Action{Online, Offline, Degraded}[c.byte()%3], []int64{0, second, 10 * second, -second, math.MaxInt64 / 8}[c.byte()%5], c.id("", "m")
	}
	return e
}

// bounded fails when anything is larger than it may be.
func bounded(t *testing.T, c *Core[*diary]) {
	t.Helper()
	w := c.state.world
	limit := func(what string, n, most int) {
		t.Helper()
		if n > most {
			t.Fatalf("%d %s; at most %d", n, what, most)
		}
	}
	limit("open visits", len(w.visits), maxVisits)
	limit("till sessions", len(w.sessions), maxSessions)
	limit("tracks", len(w.tracks), maxVisits*maxTracks)
	limit("tags", w.tags.known, maxTags)
	limit("timers", len(w.timers), 3*w.born)
	limit("lots", len(w.lots), maxAllLots)
	limit("deeds", len(w.deeds), maxDeeds)
	limit("goods out of place", len(w.strays), maxStrays)
	limit("moments that wait for cameras", len(w.anchors), maxAnchors)
	limit("pairs", len(w.pairs), minutePairs*int((c.clocks.lag+pairKeep)/minuteNS+2))
	limit("tracks whose messages may be urgent", len(c.urgency.where), 4097)
	limit("epochs", len(c.epochs.list), int((keepFacts+2*checkpointEvery+20*second)/epochNS))
	limit("checkpoints", len(c.checkpoints), int(keepFacts/checkpointEvery)+2)
	for i := range w.live {
		limit("silences of a source", len(w.live[i].holes), maxHoles)
	}
	for i := range w.lanes {
		l := &w.lanes[i]
		limit("goods in a lane", len(l.goods), maxGoods)
		limit("loads lifted off", len(l.plate.hands), maxLifted)
		limit("explanations of a load", len(l.plate.causes), len(c.Store.Products)*4*maxBasket)
		limit("goods on a scale", len(l.plate.present)+len(l.plate.rung), 2*len(c.Store.Products)+2)
	}
	for _, s := range w.sessions {
		limit("lines of a session", len(s.lines), maxLines)
	}
	for _, l := range w.lots {
		limit("parts of a lot", len(l.parts), maxParts)
	}
	w.tags.each(func(_ int32, g *tag) {
		limit("zones that heard a tag", len(g.told.spots), len(c.Store.Zones))
	})
	limit("cashiers", len(w.cashiers), maxCashiers)
	for _, list := range [][]*Visit{w.visits, w.tills, w.cashiers, w.zones, {w.store}} {
		for _, v := range list {
			if v.Subject == SubjectVisit {
				limit("facts of a visit", v.Facts.Len(), v.most())
			}
			limit("facts of a ledger", v.Facts.Len(), maxLedger)
			limit("lines of a basket", len(v.Basket), maxBasket)
			limit("tracks of a visit", len(v.Tracks), maxTracks)
			limit("keys of a visit", len(v.keys), maxTracks)
			limit("others of a visit", len(v.Others), maxOthers)
			limit("points of a trail", len(v.trail), maxTrail)
			limit("tags of a visit", len(v.tags), maxBasket)
			limit("objects of a visit", len(v.with), maxBasket)
			limit("mates of a visit", len(v.mates), maxMates)
			limit("mates of a visit that paid", len(v.paidBy), maxMates)
			limit("lots of a visit", len(v.lots), maxLots)
			limit("meetings of a visit", len(v.met), maxMeetings)
			limit("visits that one may be", len(v.like), maxLike)
			limit("hands of a visit", len(v.hands), maxHands)
			limit("hands of a visit at plates", len(v.touches), maxTouches)
			limit("bytes of facts", cap(v.Facts.log), mostBytes*v.most())
			limit("names in facts", cap(v.Facts.names), 2*v.most())
		}
	}
}

// stream folds messages as they come; supposing says that provisional views are made in between.
func stream(t *testing.T, store *Store, all []Message, supposing bool) *Core[*diary] {
	c := NewCore(store, newDiary())
	for i := range all {
		m := all[i]
		m.Events = slices.Clone(m.Events)
		c.Arrive(m.Received)
		v := c.Add(&m)
		if i%3 == 0 {
			c.Advance()
		}
		told := &m
		if v > Late {
			told = nil
		}
		if supposing && c.Urgent(told) {
			c.Provisional()
		}
		if i%64 == 0 {
			bounded(t, c)
		}
	}
	return c
}

// finished lets everything that waits be folded.
func finished(c *Core[*diary], at int64) []string {
	c.Arrive(at)
	c.Advance()
	w, d := c.Confirmed()
	lines := strings.Split(deep(w), "\n")
	for _, l := range d.lines {
		lines = append(lines, fmt.Sprintf("%+v", l))
	}
	return lines
}

// FuzzCore folds streams of messages that no store would send: nothing panics, nothing outgrows its bound, two runs give
// the same to the last bit, provisional views leave no trace, and the order in which messages of five seconds are read
// does not matter.
func FuzzCore(f *testing.F) {
	f.Add([]byte("a shop in which nothing is as it should be, and everybody talks at once"))
	for seed := range byte(8) {
		b := make([]byte, 3000)
		x := uint32(seed) + 1
		for i := range b {
			x = x*1664525 + 1013904223
			b[i] = byte(x >> 24)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		store := bagShop()
		draw := chaos{data: data[:min(len(data), 1<<14)], store: store, now: monday}
		var all []Message
		for !draw.done() {
			all = append(all, draw.next())
		}
		end := draw.now + MaxBehind + 20*second
		a := stream(t, store, all, false)
		b := stream(t, store, all, true)
		if x, y := fmt.Sprint(a.Counters), fmt.Sprint(b.Counters); x != y {
			t.Fatalf("one run counts %s, another %s", x, y)
		}
		want := finished(a, end)
		alike(t, "a second run, with provisional views", want, finished(b, end))
		// The others are read in another order: none so much later that it comes too late.
		key := make([]int64, len(all))
		order := make([]int, len(all))
		for i := range all {
			order[i] = i
			key[i] = all[i].Received + int64((all[i].Ident+uint64(i))%5)*second // copies too
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp(key[i], key[j]) })
		other := make([]Message, len(all))
		for i, k := range order {
			other[i] = all[k]
		}
		alike(t, "another order", want, finished(stream(t, store, other, false), end))
		a.Finish()
		bounded(t, a)
		if w, _ := a.Confirmed(); len(w.visits) > 0 || len(w.tracks) > 0 || len(w.sessions) > 0 {
			t.Fatalf("at the end %d visits, %d tracks and %d sessions are open", len(w.visits), len(w.tracks), len(w.sessions))
		}
	})
}

func alike(t *testing.T, what string, want, got []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		x, y := "", ""
		if i < len(want) {
			x = want[i]
		}
		if i < len(got) {
			y = got[i]
		}
		if x != y {
			k := 0
			for k < min(len(x), len(y)) && x[k] == y[k] {
				k++
			}
			from := max(0, k-300)
			t.Fatalf("%s: line %d of %d and %d, from character %d\nwant %s\ngot  %s", what, i, len(want), len(got), from,
				x[min(from, len(x)):min(k+300, len(x))], y[min(from, len(y)):min(k+300, len(y))])
		}
	}
}

// TestFlood: thousands of distinct tracks, sessions and tags within a minute stay within the bounds, what goes is
// counted, and who was there last is still known.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: left out by -short")
	}
	store := bagShop()
	c := NewCore(store, newDiary())
	put := func(source string, ts int64, e Event) {
		e.Source, e.TS = store.SourceIndex(source), ts
		e.Kind, e.Hash = store.Sources[e.Source].Kind, uint64(ts)
		c.Arrive(ts)
		c.Add(&Message{TS: ts, Received: ts, Clocked: true, Source: e.Source, Kind: e.Kind, Events: []Event{e}})
		c.Advance()
	}
	const step = int64(1e6)
	ts := monday
	for i := range maxTags + 2000 {
		ts += step / 2
		put("r-aisle", ts, Event{ID: fmt.Sprintf("AABB%020X", i), Antenna: 1, RSSI: -60})
	}
	for i := range maxSessions + 200 {
		ts += step
		put("sco-1", ts, Event{ID: fmt.Sprint("s", i), Action: Open})
	}
	for i := range maxVisits + 200 {
		ts += step
		put("axis-1", ts, Event{ID: fmt.Sprint("o", i), Name: person, Zone: aisleZone, Action: Enter})
	}
	c.Arrive(ts + 4*second)
	c.Advance()
	ts += 4 * second
	w, _ := c.Confirmed()
	if w.born <= maxVisits || len(w.visits) != maxVisits {
		t.Fatalf("%d visits were opened, %d are open", w.born, len(w.visits))
	}
	c.Arrive(ts + 4*second)
	c.Advance()
	bounded(t, c)
	w, _ = c.Confirmed()
	last := fmt.Sprintf("AABB%020X", maxTags+1999)
	known := false
	w.tags.each(func(n int32, _ *tag) { known = known || w.tags.names.all[n].epc == last })
	if w.evicted < 200 || w.tags.evicted < 1000 || !known {
		t.Errorf("%d visits, sessions and facts and %d tags went; the last tag is known: %v", w.evicted, w.tags.evicted, known)
	}
}
