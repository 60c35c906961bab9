package fusion

// ringsForNothing is how likely a gate rings for somebody of whom nothing shows that he has a live tag, beside one who surely has: for goods that no sensor
// saw him take, for a tag of his own, or for nothing (assumption).
const ringsForNothing = 0.1

func (w *World) foldGate(e *Event) {
	d := w.Store.device[e.Source]
	if d < 0 || !e.On {
		return
	}
	zone := w.Store.Devices[d].Zone
	p := 0.5
	switch e.Action {
	case Out:
		p = 1
	case In:
		p = 0
	}
	f := Fact{At: e.TS, Kind: FactGate, Source: e.Source, Zone: zone, Product: -1, N: 1, P: p}
	w.note(f)
	if zone >= 0 && w.Store.wayOut(zone) {
		w.anchor(e.Source, -1, zone, e.TS)
	}
	var near []claim
	if zone >= 0 {
		near = w.rings(w.seenBy(e.Source, zone, e.TS, 1))
	}
	if len(near) == 0 && p > 0 {
		v := w.open(e.Source, "", e.TS)
		v.Unowned = true
		w.appears(v, zone, e.TS)
		near = []claim{{v, 1}}
	}
	for _, c := range near {
		w.touch(c.visit)
		w.add(c.visit, f, c.share)
	}
}

// rings weighs those who were near a gate as it rang by whether they have something that it rings for.
func (w *World) rings(near []claim) []claim {
	sum, seen := 0.0, 0.0
	for i := range near {
		c := &near[i]
		seen += c.share
		c.share = float64(c.share * (ringsForNothing + w.liveTag(c.visit)))
		sum += c.share
	}
	sum += float64(ringsForNothing * max(0, 1-seen))
	for i := range near {
		near[i].share = round9(near[i].share / sum)
	}
	return near
}

// liveTag is the probability that a visit holds tagged goods that no till has seen.
func (w *World) liveTag(v *Visit) float64 {
	none := 1.0
	for i := range v.Basket {
		if it := &v.Basket[i]; it.Product >= 0 && w.Store.Products[it.Product].Tagged {
			none = float64(none * (1 - min(1, max(0, it.Unpaid()))))
		}
	}
	return 1 - none
}
