package sensors

import (
	"bytes"
	"encoding/json"
	"strings"

	"magpie/fusion"
	"magpie/sensors/message"
)

// The logs of a self-checkout, as the data of the Project Sentinel challenge have them: an object a line with the station, its
// status and the data of one of its sensors; one message holds a line, or several of one station. The streaming server's envelope
// ({"dataset":…,"event":{…}}) is looked into. Times are the store's, without a zone. Status is Active; System Crash is a
// station that is offline, any other one that is degraded, and such a line comes in a message of its own. A line without data
// is a sign of life.

// scoLine is one line, whatever its sensor.
type scoLine struct {
	ts                                    message.Time
	station, status                       word
	customer, sku, barcode, epc, location word
	predicted                             word
	price, grams, accuracy                number
	data                                  bool // there is some
}

// sco reads the sales, pos_transactions. Only customer_id tells which scans are of one sale: it must not be in privacy.drop, and
// the sale has a pseudonym made of it, so that it reaches no output.
//
//	{"timestamp":"2025-08-13T16:08:40","station_id":"SCC1","status":"Active","data":{"customer_id":"C056","sku":"PRD_F_14",
//	 "product_name":"Nestomalt (400g)","barcode":"4792024011348","price":540.0,"weight_g":400.0}}
//
// Such a log tells of scans only: a sale ends with the visit.
func (d *Decoder) sco(m *draft, payload []byte) *Rejection {
	c := &d.c
	return d.scoLines(m, payload, func(l *scoLine) *Rejection {
		if !l.sku.set {
			l.sku = l.barcode
		}
		switch {
		case !l.customer.set:
			return c.missing("data/customer_id",
				"it tells which sale a scan is of: take it out of privacy.drop, or name the topic of the station's sales only")
		case !l.sku.set:
			return c.missing("data/sku", "give what was scanned")
		}
		d.add(m, l.ts, fusion.Event{Zone: -1, Action: fusion.Scan, ID: d.pseudonym(l.customer.v), SKU: c.keep([]byte(fusion.GTIN14(l.sku.v))), Qty: 1,
			Price: hundredths(l.price.v), Grams: l.grams.v})
		return nil
	})
}

// scoRFID reads rfid_readings, of a device of kind region whose zone is the station's scan area. Reads have no antenna and no
// strength.
//
//	{"timestamp":"2025-08-13T16:00:00","station_id":"SCC1","status":"Active","data":{"epc":"E280116060000000000004486",
//	 "location":"IN_SCAN_AREA","sku":"PRD_T_03"}}
func (d *Decoder) scoRFID(m *draft, payload []byte) *Rejection {
	c := &d.c
	return d.scoLines(m, payload, func(l *scoLine) *Rejection {
		e := fusion.Event{ID: l.epc.v, Name: "tag", Conf: 1}
		switch l.location.v {
		case "IN_SCAN_AREA":
			e.Action = fusion.Enter
		case "OUT_SCAN_AREA":
			e.Action = fusion.Leave
		}
		switch {
		case !l.epc.set && !l.location.set:
			return nil // nothing was read: null, null
		case !l.epc.set:
			return c.missing("data/epc", "give the tag's EPC")
		case e.Action == fusion.NoAction:
			return reject(CodeRange, c.pointer("data/location"),
				"location is %q: IN_SCAN_AREA or OUT_SCAN_AREA is wanted", clip([]byte(l.location.v)))
		}
		return d.scoSeen(m, l, e)
	})
}

// scoCamera reads product_recognition, of a device of kind region whose zone is the station's scan area.
//
//	{"timestamp":"2025-08-13T16:00:01","station_id":"SCC1","status":"Active","data":{"predicted_product":"PRD_F_03","accuracy":0.89}}
func (d *Decoder) scoCamera(m *draft, payload []byte) *Rejection {
	c := &d.c
	return d.scoLines(m, payload, func(l *scoLine) *Rejection {
		switch {
		case !l.predicted.set && !l.accuracy.set:
			return nil // it saw nothing
		case !l.predicted.set:
			return c.missing("data/predicted_product", "give the product")
		}
		e := fusion.Event{ID: l.predicted.v, Name: "goods", Action: fusion.Enter, Conf: 1}
		if l.accuracy.set {
			e.Conf = l.accuracy.v
		}
		return d.scoSeen(m, l, e)
	})
}

// scoSeen adds what a device without positions saw in its own zone.
func (d *Decoder) scoSeen(m *draft, l *scoLine, e fusion.Event) *Rejection {
	id := d.store.Sources[m.Source].ID
	for i := range d.store.Devices {
		if dev := &d.store.Devices[i]; dev.ID == id && dev.Zone >= 0 {
			e.Zone = dev.Zone
			d.add(m, l.ts, e)
			return nil
		}
	}
	return reject(CodeMissing, d.c.pointer("station_id"),
		"the payload says no place, and the site file gives device %q no zone: write zone, the station's scan area", id)
}

// scoLines reads the lines of a message, and gives line those that have data.
func (d *Decoder) scoLines(m *draft, payload []byte, line func(l *scoLine) *Rejection) *Rejection {
	c := &d.c
	whole := valid(payload)
	if whole == nil {
		c.reset(payload)
		var l scoLine
		if r := d.scoLine(m, &l); r != nil {
			return r
		}
		return d.scoTake(m, &l, line)
	}
	var station word
	n := 0
	for text := range bytes.Lines(payload) {
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		if n == 0 && !json.Valid(text) {
			return whole // not lines, but one broken document
		}
		if r := valid(text); r != nil {
			return r
		}
		c.reset(text)
		c.path = append(c.path, step{index: n})
		var l scoLine
		if r := d.scoLine(m, &l); r != nil {
			return r
		}
		switch {
		case n == 0:
			station = l.station
		case l.station != station:
			return reject(CodeRange, c.pointer("station_id"),
				"station_id is %q, and %q before: a message is of one station; send them on topics of their own",
				clip([]byte(l.station.v)), clip([]byte(station.v)))
		}
		if n > 0 && (m.state != fusion.NoAction || !l.active()) {
			return reject(CodeRange, c.pointer("status"),
				"status is %q: a line that is not Active comes in a message of its own", clip([]byte(l.status.v)))
		}
		if r := d.scoTake(m, &l, line); r != nil {
			return r
		}
		n++
	}
	return nil
}

func (l *scoLine) active() bool { return strings.EqualFold(l.status.v, "Active") }

// scoTake gives a line what it tells: that the station fails, or the data.
func (d *Decoder) scoTake(m *draft, l *scoLine, line func(l *scoLine) *Rejection) *Rejection {
	if m.ts.IsZero() {
		m.ts = l.ts
	}
	switch {
	case strings.EqualFold(l.status.v, "System Crash"):
		m.liveness(l.ts, fusion.Offline)
	case !l.active():
		m.liveness(l.ts, fusion.Degraded)
	case l.data:
		if r := crowded(m); r != nil {
			return r
		}
		return line(l)
	}
	return nil
}

// scoLine reads one line.
func (d *Decoder) scoLine(m *draft, l *scoLine) *Rejection {
	c := &d.c
	r := d.scoEvent(func(name []byte) *Rejection {
		switch string(name) {
		case "timestamp":
			return d.localTime(&l.ts, m.Received)
		case "station_id":
			return c.id(&l.station)
		case "status":
			return c.word(&l.status, wantText)
		case "data":
			if c.null() {
				return nil
			}
			l.data = true
			return c.object(func(name []byte) *Rejection { return d.scoData(name, l) })
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case l.ts.IsZero():
		return c.missing("timestamp", "without the time nobody can tell what came first")
	case !l.station.set:
		return c.missing("station_id", "give the station")
	case !l.status.set:
		return c.missing("status", "give Active, or what ails the station")
	}
	return nil
}

// scoEvent reads the members of an object, or of the event in the streaming server's envelope.
func (d *Decoder) scoEvent(member func(name []byte) *Rejection) *Rejection {
	inside := false
	return d.c.object(func(name []byte) *Rejection {
		switch {
		case string(name) == "event" && d.c.text[d.c.at] == '{':
			inside = true
			return d.c.object(member)
		case inside:
			return nil // of the envelope
		}
		return member(name)
	})
}

func (d *Decoder) scoData(name []byte, l *scoLine) *Rejection {
	c := &d.c
	switch string(name) {
	case "customer_id":
		return c.id(&l.customer)
	case "sku":
		return c.id(&l.sku)
	case "barcode":
		return c.id(&l.barcode)
	case "price":
		return c.within(&l.price, -1e7, 1e7, wantMoney)
	case "weight_g":
		return c.within(&l.grams, -1e6, 1e6, wantGrams)
	case "epc":
		return c.epc(&l.epc)
	case "location":
		return c.word(&l.location, wantText)
	case "predicted_product":
		return c.word(&l.predicted, wantText)
	case "accuracy":
		return c.within(&l.accuracy, 0, 1, wantProb)
	}
	return nil
}
