package fusion

import (
	"fmt"
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
