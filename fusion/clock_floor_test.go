package fusion

import "testing"

// TestFloorProvesNothing: what was kept back during an outage, a few odd messages and a device that never had the time are
// no clocks to be corrected.
func TestFloorProvesNothing(t *testing.T) {
	for name, ts := range map[string]func(tenth int64) (ts int64, ok bool){ // what a scale sends at a tenth of a second
		"outage": func(i int64) (int64, bool) {
			switch {
			case i < 2000:
				return i, true
			case i < 8000:
				return 0, false
			}
			return min(i, 2000+3*(i-8000)), true // it makes up for ten minutes, three times as fast
		},
		"slow line": func(i int64) (int64, bool) { // by more than lateness now and then, which is no clock's doing
			if i/100%3 == 0 {
				return i - 40, true
			}
			return i - 20, true
		},
		"two odd ones": func(i int64) (int64, bool) {
			if i == 3000 || i == 5000 {
				return i + 40, true
			}
			return i, true
		},
		"no time": func(i int64) (int64, bool) { return i - monday/1e8, true },
	} {
		s := clockShop()
		c := NewCore(s, quiet())
		g1 := s.SourceIndex("g1")
		for i := range int64(15000) {
			received := monday + i*1e8 + 30e6
			c.Arrive(received)
			if ts, ok := ts(i); ok {
				e := Event{TS: monday + ts*1e8, Source: g1, Kind: Weight, Grams: 10000, Zone: -1}
				c.Add(&Message{TS: e.TS, Received: received, Clocked: true, Source: g1, Kind: Weight, Events: []Event{e}})
			}
			c.Advance()
			if k := c.Clock(g1); k.Offset != 0 {
				t.Errorf("%s: after %d s the clock is taken to be %s ahead", name, i/10, ms(k.Offset))
				break
			}
		}
	}
}

// TestFloorProves: messages from the future, and ones that all come later than the source's lateness, prove a clock wrong,
// three minutes after it is first heard at the latest. Then nothing is too late any more.
func TestFloorProves(t *testing.T) {
	for _, ahead := range []int64{4 * second, -2 * second, -90 * second, -3600 * second} {
		s := clockShop()
		c := NewCore(s, quiet())
		g1 := s.SourceIndex("g1")
		for i := range int64(6000) {
			received := monday + i*1e8
			e := Event{TS: received - 30e6 + ahead, Source: g1, Kind: Weight, Grams: 10000, Zone: -1}
			m := Message{TS: e.TS, Received: received, Clocked: true, Source: g1, Kind: Weight, Events: []Event{e}}
			c.Arrive(received)
			v := c.Add(&m)
			c.Advance()
			if i < 1800 {
				continue
			}
			k := c.Clock(g1)
			if off := k.Offset - ahead; off < -50e6 || off > 500e6 || ahead > 0 && off > 50e6 { // within lateness there is no telling
				t.Fatalf("%s ahead: after %d s taken to be %s", ms(ahead), i/10, ms(k.Offset))
			}
			if v != Accepted || m.TS != e.TS-k.Offset && m.TS != received || m.Events[0].TS != m.TS {
				t.Fatalf("%s ahead: after %d s a message of %s is %v", ms(ahead), i/10, ms(m.TS-received), v)
			}
		}
	}
}

// TestArrivalHasNoClock: what a device without a clock sends is never corrected.
func TestArrivalHasNoClock(t *testing.T) {
	s := clockShop()
	c := NewCore(s, quiet())
	g1 := s.SourceIndex("g1")
	for i := range int64(6000) {
		received := monday + i*1e8
		e := Event{TS: received - 5*second, Source: g1, Kind: Weight, Grams: 10000, Zone: -1}
		c.Arrive(received)
		c.Add(&Message{TS: e.TS, Received: received, Source: g1, Kind: Weight, Events: []Event{e}})
		c.Advance()
	}
	if k := c.Clock(g1); k != (Clock{}) {
		t.Errorf("%+v", k)
	}
}
