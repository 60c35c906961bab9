package fusion

// urgency follows which messages must be judged before the watermark passes them (contract §5, Promise): those of gates and
// tills, reads in exit, entrance and checkout zones, and tracks that enter or leave a zone while somebody may hold unpaid
// goods.
type urgency struct {
	where   map[trackKey]whereabouts
	reads   map[string]int64 // by EPC: the bucket in which it was last urgent
	holding bool             // in the last provisional view somebody may have held unpaid goods
}

type whereabouts struct {
	zones uint64 // a hash of the zones that hold the point, and of being beyond an out edge
	at    int64
	hot   int   // messages still to be judged after a change: what two points in a row decide
	until int64 // and till when, now and then: what the hysteresis of zones decides
	next  int64
}

const (
	urgentBucket = 250 * int64(1e6)
	urgentEvery  = 100 * int64(1e6)
	mayHold      = 0.2 // expected unpaid units from which a visit may hold unpaid goods
)

// Urgent reports whether the message should be judged at once, on Provisional's copy. Call it for each message that Add
// has accepted, once.
func (c *Core[J]) Urgent(m *Message) bool {
	u := &c.urgency
	if u.where == nil {
		u.where, u.reads = map[trackKey]whereabouts{}, map[string]int64{}
	}
	urgent := false
	for i := range m.Events {
		switch e := &m.Events[i]; e.Kind {
		case Gate, TillKind:
			urgent = true
		case RFID:
			urgent = c.urgentRead(e) || urgent
		case Tracks, Region:
			urgent = urgent || e.Kind == Region && e.Name != person && e.Zone >= 0 // goods at a till
			urgent = c.urgentTrack(e) || urgent
		}
	}
	return urgent
}

func (c *Core[J]) urgentRead(e *Event) bool {
	r := c.Store.reader[e.Source]
	if r < 0 {
		return false
	}
	zone, ok := c.Store.Readers[r].Antennas[e.Antenna]
	if !ok {
		return false
	}
	if k := c.Store.Zones[zone].Kind; k != Exit && k != Entrance && k != Checkout {
		return false
	}
	bucket := e.TS / urgentBucket
	if c.urgency.reads[e.ID] >= bucket {
		return false
	}
	if len(c.urgency.reads) > 4096 {
		clear(c.urgency.reads)
	}
	c.urgency.reads[e.ID] = bucket
	return true
}

func (c *Core[J]) urgentTrack(e *Event) bool {
	k := trackKey{e.Source, e.ID}
	was := c.urgency.where[k]
	if e.TS < was.at {
		return false
	}
	now := was
	now.at = e.TS
	switch {
	case e.Action == Lost:
		now.hot = 1
	case e.Kind == Region:
		now.hot = 1
	case e.HasFloor:
		now.zones = 1
		for z := range c.Store.Zones {
			if Contains(c.Store.Zones[z].Polygon, e.Floor) {
				now.zones = now.zones*31 + uint64(2*z+2)
			}
		}
		now.zones = now.zones*31 + uint64(2*c.Store.outside(e.Floor)+3)
		if now.zones != was.zones {
			now.hot, now.until, now.next = 3, e.TS+hysteresisTime+urgentEvery, e.TS
		}
	}
	urgent := now.hot > 0
	if urgent {
		now.hot--
	}
	if e.TS >= now.next && e.TS <= now.until {
		urgent, now.next = true, e.TS+urgentEvery
	}
	if e.Action == Lost {
		delete(c.urgency.where, k)
	} else {
		if len(c.urgency.where) > 4096 {
			clear(c.urgency.where)
		}
		c.urgency.where[k] = now
	}
	return urgent && (c.urgency.holding || holding(c.state.world))
}

// holding reports whether any open visit may hold unpaid goods.
func holding(w *World) bool {
	for _, v := range w.visits {
		for i := range v.Basket {
			if v.Basket[i].Unpaid() >= mayHold {
				return true
			}
		}
	}
	return false
}
