package sensors

import (
	"fmt"
	"strings"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// What Intel's reference for loss detection at checkout (RTSF) publishes on incoming/data/<device>/<resource>. Its times are
// milliseconds since 1970. The 14 digits of its own documents (15736013940000) are rejected: they are neither milliseconds
// nor microseconds, and would have to be guessed to be tenths of milliseconds.

// rtsfTill reads its till: the resources basket-open, scanned-item, remove-item, payment-start, payment-success and
// basket-close.
//
//	{"lane_id":"1","basket_id":"abc-012345-def","product_id":"00000000324588","product_id_type":"UPC","product_name":"Red Apples",
//	 "quantity":3.0,"quantity_unit":"EA","unit_price":0.99,"customer_id":"joe5","employee_id":"mary1","event_time":1573601317000}
//
// A quantity in lbs, oz, kg or g is the goods' weight, of one line. customer_id is not read.
func (d *Decoder) rtsfTill(m *draft, payload []byte) *Rejection {
	c := &d.c
	resource := m.topic[strings.LastIndexByte(m.topic, '/')+1:]
	e := fusion.Event{Zone: -1, Qty: 1}
	switch resource {
	case "basket-open":
		e.Action = fusion.Open
	case "scanned-item":
		e.Action = fusion.Scan
	case "remove-item":
		e.Action = fusion.Void
	case "payment-success":
		e.Action = fusion.Tender
	case "basket-close":
		e.Action = fusion.Close
	case "weight", "cv-roi-event", "rfid-roi-event":
		return reject(CodeUnknownKind, "",
			"the topic's resource is %s, which is no till's: give it an entry of its own before this one in the site file", resource)
	default: // payment-start, and what a till may have beside
		e.Action = fusion.Other
	}
	var basket, product, unit, employee word
	var quantity, price number
	r := d.rtsf(m, payload, func(name []byte) *Rejection {
		switch string(name) {
		case "basket_id":
			return c.id(&basket)
		case "product_id":
			return c.id(&product)
		case "quantity":
			return c.within(&quantity, 0, 1e6, "a quantity from 0 to 1000000")
		case "quantity_unit":
			return c.word(&unit, wantText)
		case "unit_price":
			return c.within(&price, -1e7, 1e7, wantMoney)
		case "employee_id":
			return c.id(&employee)
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case !basket.set:
		return c.missing("basket_id", "give the sale's id, the same from open to close")
	case !product.set && e.Action == fusion.Scan:
		return c.missing("product_id", "give what was scanned")
	}
	if per, weighed := gramsPer(unit.v); weighed {
		e.Grams = float64(quantity.v * per)
	} else if quantity.set {
		e.Qty = quantity.v
	}
	e.ID, e.SKU, e.Price = basket.v, c.keep([]byte(fusion.GTIN14(product.v))), hundredths(price.v)
	if employee.set {
		e.Name = d.cashier(employee.v)
	}
	d.add(m, m.ts, e)
	return nil
}

// rtsfWeight reads its scale, the resource weight, which tells the total at every change.
//
//	{"lane_id":"1","scale_id":"abc123","total":3.25,"units":"lbs","event_time":1573601394000}
func (d *Decoder) rtsfWeight(m *draft, payload []byte) *Rejection {
	c := &d.c
	var total number
	var units word
	r := d.rtsf(m, payload, func(name []byte) *Rejection {
		switch string(name) {
		case "total":
			return c.number(&total, "a number")
		case "units":
			return c.word(&units, wantText)
		}
		return nil
	})
	per, known := gramsPer(units.v)
	switch {
	case r != nil:
		return r
	case !total.set:
		return c.missing("total", "give the load")
	case !units.set:
		return c.missing("units", "give lbs, oz, kg or g")
	case !known:
		return reject(CodeRange, "/units", "units is %q: lbs, oz, kg or g is wanted", clip([]byte(units.v)))
	}
	c.path = append(c.path, step{name: []byte("total")})
	return d.load(m, m.ts, total.v, per)
}

// rtsfRegion reads its cameras, the resource cv-roi-event.
//
//	{"lane_id":"1","product_name":"abcde11","roi_action":"ENTERED","roi_name":"Staging","event_time":1573601456000}
//
// roi_action is ENTERED or EXITED; its scripts write DEPART too, which is EXITED. A region is a zone of the site file, whose id is
// the region's name without spaces and the lane (Bagging-1, GoBack-1), or where the lanes share it the name alone (Departure).
func (d *Decoder) rtsfRegion(m *draft, payload []byte) *Rejection {
	return d.rtsfROI(m, payload, "product_name", "goods")
}

// rtsfRFID reads its readers, which know regions and no antennas: the resource rfid-roi-event, of a source of kind region.
//
//	{"lane_id":"1","epc":"30143639F8419145BEEF0009","roi_name":"Staging","roi_action":"EXITED","event_time":1573601479000}
func (d *Decoder) rtsfRFID(m *draft, payload []byte) *Rejection {
	return d.rtsfROI(m, payload, "epc", "tag")
}

func (d *Decoder) rtsfROI(m *draft, payload []byte, object, class string) *Rejection {
	c := &d.c
	var what, region, action, lane word
	var count integer
	r := d.rtsf(m, payload, func(name []byte) *Rejection {
		switch string(name) {
		case object:
			if class == "tag" {
				return c.epc(&what)
			}
			return c.word(&what, wantText)
		case "roi_name":
			return c.word(&region, wantText)
		case "roi_action":
			return c.word(&action, wantText)
		case "lane_id":
			return c.id(&lane)
		case "object_count":
			return c.integer(&count, 1, 1000, "how many of the object, 1 to 1000")
		}
		return nil
	})
	e := fusion.Event{ID: what.v, Name: class, Conf: 1, Qty: float64(count.v)}
	switch action.v {
	case "ENTERED":
		e.Action = fusion.Enter
	case "EXITED", "DEPART":
		e.Action = fusion.Leave
	}
	switch {
	case r != nil:
		return r
	case !what.set:
		return c.missing(object, "give what was seen")
	case !region.set:
		return c.missing("roi_name", "give the region's name")
	case !action.set:
		return c.missing("roi_action", "give ENTERED or EXITED")
	case e.Action == fusion.NoAction:
		return reject(CodeRange, "/roi_action", "roi_action is %q: ENTERED or EXITED is wanted", clip([]byte(action.v)))
	}
	if e.Zone = d.laneZone(region.v, lane.v); e.Zone < 0 {
		zone := strings.ReplaceAll(region.v, " ", "")
		return reject(CodeRange, "/roi_name", "the site file has neither a zone %q nor %q: add one of them; it has %s",
			clip([]byte(zone+"-"+lane.v)), clip([]byte(zone)), d.zoneNames())
	}
	d.add(m, m.ts, e)
	return nil
}

// laneZone is the zone of a lane's region, or of a region that all lanes share; -1: there is none.
func (d *Decoder) laneZone(region, lane string) int {
	region = strings.ReplaceAll(region, " ", "")
	if z := d.store.ZoneIndex(region + "-" + lane); z >= 0 {
		return z
	}
	return d.store.ZoneIndex(region)
}

// zoneNames lists the store's zones for a rejection, the first of them where there are many.
func (d *Decoder) zoneNames() string {
	var names []string
	for i := range d.store.Zones {
		if i == 20 {
			names = append(names, fmt.Sprintf("and %d more", len(d.store.Zones)-i))
			break
		}
		names = append(names, d.store.Zones[i].ID)
	}
	return strings.Join(names, ", ")
}

// rtsf reads what all of its resources share, and with member the others.
func (d *Decoder) rtsf(m *draft, payload []byte, member func(name []byte) *Rejection) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	r := c.object(func(name []byte) *Rejection {
		if string(name) == "event_time" {
			return d.rtsfTime(&m.ts)
		}
		return member(name)
	})
	if r == nil && m.ts.IsZero() {
		return c.missing("event_time", "give milliseconds since 1970")
	}
	return r
}

func (d *Decoder) rtsfTime(into *message.Time) *Rejection {
	c := &d.c
	var ms integer
	if r := c.integer(&ms, 0, 1<<62, "milliseconds since 1970"); r != nil || !ms.set {
		return r
	}
	if ms.v >= 1e13 && ms.v < 1e14 {
		return c.reject(CodeRange, "is %d, 14 digits as in the documents of RTSF, which are neither milliseconds nor microseconds: "+
			"send milliseconds since 1970", ms.v)
	}
	at, err := message.Since1970(ms.v, time.Millisecond)
	if err != nil {
		return c.reject(CodeRange, "is %d, which is no time near ours: send milliseconds since 1970, and set the device's clock", ms.v)
	}
	*into = at
	return nil
}
