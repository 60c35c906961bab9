package fusion

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// crowd is what the shop's devices report of people who come, take, pay or do not, and go. Times are whole tenths of a
// second, so that many fall together; no two messages are alike.
func crowd(r *rand.Rand, s *Store, seconds, people int) []Message {
	var all []Message
	n := uint64(0)
	put := func(source string, sec float64, e Event) {
		e.Source, e.TS = s.SourceIndex(source), at(math.Round(sec*10)/10)
		if e.Kind != Status {
			e.Kind = s.Sources[e.Source].Kind
		}
		e.Hash = n*0x9E3779B97F4A7C15 + 1
		n++
		all = append(all, Message{TS: e.TS, Clocked: true, Source: e.Source, Kind: e.Kind, Ident: e.Hash, Events: []Event{e}})
	}
	load := make([]float64, seconds*10+1)
	for i := range load {
		load[i] = 20 * 621
	}
	for p := range people {
		id := fmt.Sprint("p", p)
		from := r.Float64() * float64(max(1, seconds-30))
		way := []Point{{4, -0.8}, {1 + 2*r.Float64(), 4.2}, {6.5, 1}, {4, -0.8}}
		for i := range 125 { // 25 s at 5 Hz
			q := along2(way, float64(i)/124)
			q.X += 0.05 * r.NormFloat64()
			put([]string{"cam-1", "cam-1", "cam-2"}[r.IntN(3)], from+float64(i)/5,
				Event{ID: id, Name: person, Conf: 0.9, HasFloor: true, Floor: q, Zone: -1})
		}
		if r.IntN(3) > 0 {
			for i := int((from + 8) * 10); i < len(load); i++ {
				load[i] -= 621
			}
		}
		if r.IntN(2) > 0 {
			put("sco-1", from+16, Event{ID: id, Action: Open, Zone: -1})
			put("sco-1", from+17, Event{ID: id, Action: Scan, SKU: "00071142008582", Qty: 1, Zone: -1})
			put("sco-1", from+18, Event{ID: id, Action: Tender, Zone: -1})
		}
		for i := range 20 {
			x := float64(i)/10 - 1
			put("r-door", from+22+float64(i)/8, Event{ID: fmt.Sprintf("AABB%020d", p), Antenna: 1, RSSI: -46 - 16*x*x, Zone: -1})
		}
		if r.IntN(3) == 0 {
			put("eas-1", from+24, Event{On: true, Action: Out, Zone: -1})
		}
	}
	for i := range seconds * 10 {
		put("g1", float64(i)/10, Event{Grams: load[i] + 0.2*r.NormFloat64(), Zone: -1})
		if i%5 == 0 {
			put("r-aisle", float64(i)/10, Event{ID: fmt.Sprintf("AABC%020d", r.IntN(30)), Antenna: 1, RSSI: -60 + r.NormFloat64(), Zone: -1})
		}
		if i%100 < 2 { // a plate that sends changes: somebody leans on it now and then
			put("g2", float64(i)/10, Event{Grams: 10000 + 500*float64(r.IntN(3)), Change: true, Zone: -1})
		}
		if i%100 == 0 {
			for _, c := range s.Sources {
				put(c.ID, float64(i)/10, Event{Kind: Status, Action: Online, Zone: -1})
			}
		}
	}
	return all
}
