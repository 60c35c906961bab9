package fusion

// urgency follows which messages must be judged before the watermark passes them (contract §5, Promise): those of gates and
// tills, reads in exit, entrance and checkout zones, and tracks that enter or leave a zone. Who holds unpaid goods only a view
// can tell.
type urgency struct {
	where map[trackKey]whereabouts
	owed  bool  // something has come that must be judged
	spent int64 // arrival up to which the views that were asked for count, one each urgentEvery
}

type whereabouts struct {
	zones   uint64 // a hash of the zones that hold the point, and of being beyond an out edge
	at      int64
	changed int64 // ts of the first that was there
	hot     int   // messages still to be judged after a change, however slow the camera is: what two points in a row decide
}

const (
	urgentEvery = 100 * int64(1e6)
	urgentBurst = second // so far views may run ahead of that: what comes when little else does need not wait for more
	urgentNear  = second // so long before and after a track changes zones its observations may decide when it did
)

// Urgent reports whether what has come should be judged now, on Provisional's copy. Call it after each line, with the message
// that Add has accepted, nil if there was none. Gates and tills are judged at once; of the rest as much as comes is judged
// together, ten times a second of arrival, so that what must wait does so until the next line.
func (c *Core[J]) Urgent(m *Message) bool {
	u := &c.urgency
	if u.where == nil {
		u.where = map[trackKey]whereabouts{}
	}
	now := false
	if m != nil {
		for i := range m.Events {
			switch e := &m.Events[i]; e.Kind {
			case Gate, TillKind:
				now = true
			case RFID:
				u.owed = c.urgentRead(e) || u.owed
			case Tracks, Region:
				u.owed = u.owed || e.Kind == Region && e.Name != person && e.Zone >= 0 // goods at a till
				u.owed = c.urgentTrack(e) || u.owed
			}
		}
	}
	if !now && (!u.owed || u.spent > c.newest+urgentBurst) {
		return false
	}
	u.owed, u.spent = false, min(max(u.spent, c.newest), c.newest+urgentBurst)+urgentEvery
	return true
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
	k := c.Store.Zones[zone].Kind
	return k == Exit || k == Entrance || k == Checkout
}

// urgentTrack reports whether a track may enter or leave a zone with an observation: for a second about each change of the
// zones that hold its points, for as long as hysteresis may take to follow.
func (c *Core[J]) urgentTrack(e *Event) bool {
	u := &c.urgency
	k := trackKey{e.Source, e.ID}
	if e.Action == Lost {
		delete(u.where, k)
		return true
	}
	if e.Kind == Region {
		return true
	}
	if !e.HasFloor {
		return false
	}
	was := u.where[k]
	zones := c.Store.around(e.Floor)
	near := abs(e.TS-was.changed) <= urgentNear
	if e.TS < was.at { // it comes late, and may be what was missing
		return near || zones != was.zones
	}
	now := whereabouts{zones, e.TS, was.changed, max(0, was.hot-1)}
	if zones != was.zones {
		now.changed, now.hot = e.TS, 3
	}
	if len(u.where) > 4096 {
		clear(u.where)
	}
	u.where[k] = now
	return near || was.hot > 0 || zones != was.zones
}

// around is a hash of the zones that hold a point, and of the out edge that it is beyond.
func (s *Store) around(p Point) uint64 {
	h := uint64(1)
	for z := range s.Zones {
		if Contains(s.Zones[z].Polygon, p) {
			h = h*31 + uint64(2*z+2)
		}
	}
	return h*31 + uint64(2*s.outside(p)+3)
}
