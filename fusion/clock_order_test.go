package fusion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
)

// TestClockOrder: corrections, and what they make of the world, depend on the set of lines and not on their order while all
// are on time, or late by up to 60 s (contract §3, law 2). Before it is known that they are wrong, the two clocks of the test
// are off by what lateness allows, so that in an order on time nothing is late.
func TestClockOrder(t *testing.T) {
	s := clockShop()
	for _, late := range []bool{false, true} {
		for seed := range 4 * seeds() {
			r := rand.New(rand.NewPCG(seed, 4))
			minutes := 4 + r.IntN(2)
			all, _ := rush(r, s, minutes, wrongClock{source: "g1", ahead: 2, ppm: 50, jump: -1.5, jumpAt: 150 + 30*r.Float64()},
				wrongClock{source: "g2", ahead: -1.5}, wrongClock{source: "r-door", ahead: 1.5, ppm: -50})
			if r.IntN(2) == 0 { // then the cuts of a silence are made up for
				cut := at(float64(minutes*60)) - 100*second
				for i := range all {
					if all[i].Received > cut {
						shift := 300 * second
						all[i].Received += shift
						all[i].TS += shift
						all[i].Events[0].TS += shift
					}
				}
			}
			quickest := map[[2]int64]int{} // the lines that matter most to floors: by source and slot
			for i := range all {
				k := [2]int64{int64(all[i].Source), all[i].Received / slotNS}
				if j, ok := quickest[k]; !ok || all[i].Received-all[i].TS < all[j].Received-all[j].TS {
					quickest[k] = i
				}
			}
			orders := make([]*Core[*diary], 2)
			cuts, knew := make([][]cut, 2), make([][]string, 2)
			for k := range orders {
				key := make([]int64, len(all))
				for i := range all {
					key[i] = all[i].Received
					switch {
					case k == 1 && late && (r.IntN(1000) == 0 || r.IntN(3) == 0 && quickest[[2]int64{int64(all[i].Source), all[i].Received / slotNS}] == i):
						key[i] += r.Int64N(57 * second)
					case k == 1:
						key[i] += r.Int64N(second / 5)
					}
				}
				order := make([]int, len(all))
				for i := range order {
					order[i] = i
				}
				sort.SliceStable(order, func(a, b int) bool { return key[order[a]] < key[order[b]] })
				c := NewCore(s, newDiary())
				minute := int64(0)
				for _, i := range order {
					m := all[i]
					m.Events = slices.Clone(m.Events)
					c.Arrive(m.Received)
					if c.clocks.minute != minute {
						minute = c.clocks.minute
						knew[k] = append(knew[k], fmt.Sprintf("%d: %+v %+v", minute, c.clocks.known, c.clocks.pairs))
					}
					if n := len(c.clocks.cuts) - 1; len(cuts[k]) == 0 || cuts[k][len(cuts[k])-1].from != c.clocks.cuts[n].from {
						cuts[k] = append(cuts[k], c.clocks.cuts[n])
					}
					if v := c.Add(&m); v == TooLate || v == Late && !(late && k == 1) {
						t.Fatalf("seed %d, order %d: a message of %s is %v", seed, k, s.Sources[m.Source].ID, v)
					}
					c.Advance()
				}
				c.Arrive(all[len(all)-1].Received + 5*minuteNS)
				c.Advance()
				orders[k] = c
			}
			a, b := orders[0], orders[1]
			if len(cuts[0]) < 3 {
				t.Fatalf("seed %d: %d cuts changed anything", seed, len(cuts[0]))
			}
			if !reflect.DeepEqual(cuts[0], cuts[1]) || !slices.Equal(knew[0], knew[1]) {
				t.Fatalf("seed %d, late %v: corrections differ:\n%+v\n%+v", seed, late, cuts[0], cuts[1])
			}
			wa, da := a.Confirmed()
			wb, db := b.Confirmed()
			differ(t, da.lines, db.lines)
			differ(t, strings.Split(deep(wa), "\n"), strings.Split(deep(wb), "\n"))
		}
	}
}

// TestCopies: which copy of a message counts does not follow from which is read first, though each has its own arrival and
// may fall under another correction of the clock, or be told of as retained (contract §3, law 2).
func TestCopies(t *testing.T) {
	s := clockShop()
	for i := range s.Sources {
		s.Sources[i].Lateness = 4 * second
	}
	s.Index()
	for _, late := range []bool{false, true} {
		exchanged := 0
		for seed := range 4 * seeds() {
			r := rand.New(rand.NewPCG(seed, 7))
			all, _ := rush(r, s, 4, wrongClock{source: "g1", ahead: 2, jump: -1.5, jumpAt: 150}, wrongClock{source: "g2", ahead: -1.5},
				wrongClock{source: "r-door", ahead: 1.5}, wrongClock{source: "cam-1", ahead: -0.7})
			last := map[int]int{}
			for i := range all {
				last[all[i].Source] = i
			}
			for i := range all {
				if k := all[i].Kind; k == RFID || k == Weight {
					all[i].Seq = all[i].Ident
				}
				m := all[i]
				wait := 400 * second / 1000 // what lateness leaves
				if late && r.IntN(4) == 0 {
					wait = 30 * second
				}
				ends := last[m.Source] == i // then nothing but the delivery says when it was last heard
				if s.Sources[m.Source].ID == "cam-3" || !ends && m.Received%minuteNS < minuteNS-wait && r.IntN(4) > 0 {
					continue
				}
				m.Received += r.Int64N(wait)
				m.Retained = ends
				all = append(all, m)
			}
			sort.SliceStable(all, func(i, j int) bool { return all[i].Received < all[j].Received })
			cores := make([]*Core[*diary], 2)
			for k := range cores {
				key, twin := make([]int64, len(all)), map[uint64]int{}
				for i := range all {
					key[i] = all[i].Received
					if k == 1 {
						key[i] += r.Int64N(second / 10)
						if j, ok := twin[all[i].Ident]; ok && r.IntN(2) == 0 {
							key[i], key[j] = key[j], key[i]
						}
						twin[all[i].Ident] = i
					}
				}
				order := make([]int, len(all))
				for i := range order {
					order[i] = i
				}
				sort.SliceStable(order, func(a, b int) bool { return key[order[a]] < key[order[b]] })
				c := NewCore(s, newDiary())
				first := map[uint64]int64{}
				for _, i := range order {
					m := all[i]
					m.Events = slices.Clone(m.Events)
					c.Arrive(m.Received)
					if v := c.Add(&m); v == TooLate || !late && c.Watermark() > m.TS {
						t.Fatalf("seed %d, order %d: a message of %s is %v, %d ms behind", seed, k, s.Sources[m.Source].ID, v, (c.Watermark()-m.TS)/1e6)
					}
					if arrival, ok := first[m.Ident]; ok && m.Received < arrival {
						exchanged++
					}
					first[m.Ident] = m.Received
					c.Advance()
				}
				c.Arrive(all[len(all)-1].Received + 5*minuteNS)
				c.Advance()
				cores[k] = c
			}
			wa, da := cores[0].Confirmed()
			wb, db := cores[1].Confirmed()
			differ(t, da.lines, db.lines)
			differ(t, strings.Split(deep(wa), "\n"), strings.Split(deep(wb), "\n"))
		}
		if exchanged == 0 {
			t.Error("no copy took the place of another")
		}
	}
}

// TestCopiesAcrossCut: a copy that arrived before the correction of its source's clock changed counts, and one that arrived
// after does not, though that one was read and even folded first.
func TestCopiesAcrossCut(t *testing.T) {
	refolds := 0
	for seed := range 15 * seeds() {
		r := rand.New(rand.NewPCG(seed, 8))
		s := cornerShop()
		all := crowd(r, s, 30, 3)
		cut := cut{from: (all[0].TS/checkpointEvery+1)*checkpointEvery + second, by: make([]applied, len(s.Sources))}
		for i := range cut.by {
			cut.by[i].shift = []int64{0, -300e6, 700e6, -3 * second, 2 * second}[r.IntN(5)]
		}
		for i := range all {
			all[i].Received = all[i].TS + second/10
			if m := all[i]; r.IntN(3) == 0 {
				m.Received += r.Int64N([]int64{second, 10 * second}[r.IntN(2)])
				m.Retained = r.IntN(2) == 0
				all = append(all, m)
			}
		}
		only := seed%2 == 0 // copies swap, and all else is on time
		twin := map[uint64]bool{}
		for i := range all {
			twin[all[i].Ident] = twin[all[i].Ident] || i > 0 && all[i].Received-all[i].TS > second/10
		}
		inOrder, shuffled := make([]int64, len(all)), make([]int64, len(all))
		for i := range all {
			inOrder[i] = all[i].Received
			shuffled[i] = all[i].Received + r.Int64N(second)
			switch {
			case only && twin[all[i].Ident] && all[i].Received < cut.from:
				shuffled[i] += r.Int64N(2 * second)
			case !only && r.IntN(8) == 0:
				shuffled[i] += r.Int64N([]int64{4 * second, 20 * second}[r.IntN(2)])
			}
		}
		a, b := NewCore(s, newDiary()), NewCore(s, newDiary())
		for _, c := range []*Core[*diary]{a, b} {
			c.clocks.begun, c.clocks.minute = true, math.MaxInt64/minuteNS-1
			c.clocks.cuts = append(c.clocks.cuts, cut)
		}
		deliver(a, all, inOrder)
		deliver(b, all, shuffled)
		refolds += b.Refolds
		wa, da := a.Confirmed()
		wb, db := b.Confirmed()
		differ(t, da.lines, db.lines)
		differ(t, strings.Split(deep(wa), "\n"), strings.Split(deep(wb), "\n"))
	}
	if refolds == 0 {
		t.Error("nothing was folded again")
	}
}

// TestCopyFolded: a copy that a correction dates earlier and that is folded already, even into a checkpoint, makes room for the one
// that arrived before it and is still on time.
func TestCopyFolded(t *testing.T) {
	s := cornerShop()
	c := NewCore(s, newDiary())
	till, other := s.SourceIndex("sco-1"), s.SourceIndex("eas-1")
	corner := (monday/checkpointEvery + 2) * checkpointEvery
	c.clocks.begun, c.clocks.minute = true, math.MaxInt64/minuteNS-1
	c.clocks.cuts = append(c.clocks.cuts, cut{corner + 1500*1e6, make([]applied, len(s.Sources))})
	c.clocks.cuts[1].by[till].shift = -2 * second
	put := func(source int, ident uint64, ts, received int64, e Event) {
		t.Helper()
		e.TS, e.Source, e.Kind, e.Zone, e.Hash = ts, source, s.Sources[source].Kind, -1, ident
		c.Arrive(max(received, c.newest))
		if v := c.Add(&Message{TS: ts, Received: received, Clocked: true, Source: source, Kind: e.Kind, Ident: ident, Events: []Event{e}}); v == TooLate {
			t.Fatalf("%d is too late", ident)
		}
		c.Advance()
	}
	scan := Event{ID: "s1", Action: Scan, SKU: s.Products[0].SKU, Qty: 1}
	put(other, 1, corner-20*second, corner-20*second, Event{})
	put(till, 2, corner+second, corner+1600*1e6, scan)
	put(other, 3, corner+1e8, corner+1700*1e6, Event{})
	put(other, 4, corner+3800*1e6, corner+3800*1e6, Event{})
	put(till, 2, corner+second, corner+1200*1e6, scan)
	put(other, 5, corner+20*second, corner+20*second, Event{})
	_, d := c.Confirmed()
	at := []int64{}
	for _, l := range d.lines {
		if l.fact.Kind == FactScanned && l.who == s.ID {
			at = append(at, (l.fact.At-corner)/1e6)
		}
	}
	if c.Refolds != 1 || !slices.Equal(at, []int64{1000}) {
		t.Errorf("scanned at %v ms and folded again %d times; want at 1000, once", at, c.Refolds)
	}
}
