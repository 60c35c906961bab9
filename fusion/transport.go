package fusion

import "math"

// Costs of accounting for a unit by the scan of something else, in millionths of leaving it unmatched. The weights are
// assumptions: who scans something in place of what he takes must fool a scale, and wants to pay less.
const (
	unmatched  = 1_000_000
	swapBase   = 200_000
	swapWeight = 300_000 // for goods of quite another weight
	swapPrice  = 300_000 // for goods that cost as much
)

// flow is n units of a line of the basket accounted for by what was paid on another.
type flow struct {
	held, paid int
	n          float64
}

// substitutions matches what is held and not paid with what is paid and not held, at the least cost in all.
func (v View) substitutions(held, paid []float64) []flow {
	b := v.Visit.Basket
	t := transport{}
	var from, to []int
	for i := range b {
		if held[i] > 0.01 {
			from = append(from, i)
			t.supply = append(t.supply, micro(held[i]))
		}
		if paid[i] >= surplus && b[i].Product >= 0 {
			to = append(to, i)
			t.demand = append(t.demand, micro(paid[i]))
		}
	}
	if len(from) == 0 || len(to) == 0 {
		return nil
	}
	t.cost = make([][]int64, len(from))
	for i, h := range from {
		t.cost[i] = make([]int64, len(to))
		for j, p := range to {
			t.cost[i][j] = v.swap(&b[h], &b[p])
		}
	}
	var all []flow
	for i, row := range t.solve() {
		for j, n := range row {
			if n > 10_000 {
				all = append(all, flow{from[i], to[j], float64(n) / 1e6})
			}
		}
	}
	return all
}

func micro(n float64) int64 { return int64(math.Round(min(n, 1e6) * 1e6)) }

// swap is what it costs to take a held unit for the paid one, impossible when that is not cheaper.
func (v View) swap(held, paid *Item) int64 {
	dear, cheap := v.price(held), v.price(paid)
	if held.Product < 0 && held.Name == "" && held.EPC == "" && paid.odd > 0 {
		return swapBase // the till's scale has said so
	}
	if held.Product < 0 || cheap >= dear {
		return impossible
	}
	cost := swapBase + int64(math.Round(float64(swapPrice*cheap)/dear))
	a, _ := v.World.mass(held.Product, 1)
	b, _ := v.World.mass(paid.Product, 1)
	if a > 0 && b > 0 {
		cost += int64(math.Round(float64(swapWeight*math.Abs(a-b)) / max(a, b)))
	}
	return cost
}

// transport ships supplies to demands at the least cost; what is not shipped costs unmatched.
type transport struct {
	supply, demand []int64
	cost           [][]int64 // by supply and demand
}

// solve ships along the cheapest path that is left, which may take back what was shipped before, as long as that is cheaper
// than not to ship (successive shortest paths). It returns what went from each supply to each demand.
func (t *transport) solve() [][]int64 {
	n, m := len(t.supply), len(t.demand)
	shipped := make([][]int64, n)
	for i := range shipped {
		shipped[i] = make([]int64, m)
	}
	far := make([]int64, n+m) // supplies, then demands
	via := make([]int, n+m)
	for {
		for i := range far {
			far[i], via[i] = impossible, -1
			if i < n && t.supply[i] > 0 {
				far[i] = 0
			}
		}
		for changed := true; changed; { // Bellman and Ford: costs of what is taken back are negative
			changed = false
			for i := range n {
				for j := range m {
					c := t.cost[i][j]
					if c < impossible && far[i] < impossible && far[i]+c < far[n+j] {
						far[n+j], via[n+j], changed = far[i]+c, i, true
					}
					if shipped[i][j] > 0 && far[n+j] < impossible && far[n+j]-c < far[i] {
						far[i], via[i], changed = far[n+j]-c, n+j, true
					}
				}
			}
		}
		end := -1
		for j := range m {
			if t.demand[j] > 0 && far[n+j] < unmatched && (end < 0 || far[n+j] < far[end]) {
				end = n + j
			}
		}
		if end < 0 {
			return shipped
		}
		amount := t.demand[end-n]
		start := end
		for via[start] >= 0 {
			if start < n {
				amount = min(amount, shipped[start][via[start]-n])
			}
			start = via[start]
		}
		amount = min(amount, t.supply[start])
		for at := end; via[at] >= 0; at = via[at] {
			if at >= n {
				shipped[via[at]][at-n] += amount
			} else {
				shipped[at][via[at]-n] -= amount
			}
		}
		t.supply[start] -= amount
		t.demand[end-n] -= amount
	}
}
