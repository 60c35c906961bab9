package fusion

import "math"

// leftBehind takes out of the basket of a visit that goes out what it put down where no plate is: goods whose tag came along
// with it from one zone into another, and still lies there now that it has gone. A tag that readers hear where it always lay
// shows nothing: it need not be that of the goods taken. In a fitting room the tag alone may have been left, so it clears nobody
// there; elsewhere that is rare against goods put down, and stranded() still tells of it.
func (w *World) leftBehind(v *Visit) {
	for i := range v.tags {
		t := &v.tags[i]
		if t.ended || w.Store.wayOut(t.zone) || w.Store.Zones[t.zone].Kind == Fitting || v.stays[t.zone].in {
			continue
		}
		came := 0.0
		for k := range v.tags {
			if u := &v.tags[k]; u.epc == t.epc && u.zone != t.zone && u.ended && u.first < t.first && t.first-u.at <= passTime {
				came = max(came, u.near)
			}
		}
		q := float64(came * t.near * (1 - t.moved))
		if q < 0.5 {
			continue
		}
		t.left = true
		if n := w.putDown(v, t.product, q, math.MaxInt64); n >= worthTelling {
			w.add(v, Fact{At: w.now, Kind: FactSettled, Source: -1, Zone: t.zone, Product: t.product, N: -n, P: 1, Name: t.epc}, 1)
		}
		w.reckon(v)
	}
}
