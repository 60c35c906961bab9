package sim

import (
	"cmp"
	"math"
	"slices"
)

// averagePrecision is the area under the curve of precision over recall, in steps; visits of one score are taken together.
func averagePrecision(list []judgedVisit) float64 {
	slices.SortStableFunc(list, func(a, b judgedVisit) int { return cmp.Compare(b.p, a.p) })
	total := 0.0
	for _, v := range list {
		if v.theft {
			total += v.weight
		}
	}
	if total == 0 {
		return 0
	}
	var area, hit, shown float64
	for i := 0; i < len(list); {
		gained, p := 0.0, list[i].p
		for ; i < len(list) && list[i].p == p; i++ {
			shown += list[i].weight
			if list[i].theft {
				gained += list[i].weight
			}
		}
		hit += gained
		area += float64(gained / total * hit / shown)
	}
	return area
}

// curve is precision over recall at each score that was said.
func curve(list []judgedVisit) (points []Point) {
	slices.SortStableFunc(list, func(a, b judgedVisit) int { return cmp.Compare(b.p, a.p) })
	thefts := 0
	for _, v := range list {
		if v.theft {
			thefts++
		}
	}
	hit := 0
	for i := 0; i < len(list); {
		p := list[i].p
		for ; i < len(list) && list[i].p == p; i++ {
			if list[i].theft {
				hit++
			}
		}
		points = append(points, Point{p, ratio(hit, thefts), ratio(hit, i)})
	}
	return points
}

// rocAUC is the probability that a theft has a higher score than an honest visit, equal scores counting half.
func rocAUC(list []judgedVisit) float64 {
	slices.SortStableFunc(list, func(a, b judgedVisit) int { return cmp.Compare(a.p, b.p) })
	var below, honest, thefts, area float64
	for i := 0; i < len(list); {
		var h, t float64
		for p := list[i].p; i < len(list) && list[i].p == p; i++ {
			if list[i].theft {
				t++
			} else {
				h++
			}
		}
		area += float64(t*below) + float64(t*h/2)
		below, honest, thefts = below+h, honest+h, thefts+t
	}
	if honest == 0 || thefts == 0 {
		return 0
	}
	return area / float64(honest*thefts)
}

// permuted is the mean AUC of n deals of the labels among the visits.
func permuted(list []judgedVisit, n int) float64 {
	list = slices.Clone(list)
	d, sum := newDice(1, 32), 0.0
	for range n {
		d.Shuffle(len(list), func(i, j int) { list[i].theft, list[j].theft = list[j].theft, list[i].theft })
		sum += rocAUC(list)
	}
	return sum / float64(n)
}

// poissonUpper is the mean at which n or fewer of what comes by chance would be seen once in twenty times: 3 for none.
func poissonUpper(n int) float64 {
	if n > 500 { // Wilson and Hilferty 1931, here within a thousandth; exp(−mean) would be too small
		m := float64(n + 1)
		return float64(m * math.Pow(1-1/(9*m)+1.6449/(3*math.Sqrt(m)), 3))
	}
	low, high := float64(n), float64(3*n)+10
	for range 60 {
		mean := (low + high) / 2
		term := math.Exp(-mean)
		sum := term
		for k := 1; k <= n; k++ {
			term = float64(term * mean / float64(k))
			sum += term
		}
		if sum > 0.05 {
			low = mean
		} else {
			high = mean
		}
	}
	return high
}

// recallAt is the share of thefts whose score is above that of all but so many honest visits.
func recallAt(list []judgedVisit, wrong float64) float64 {
	slices.SortStableFunc(list, func(a, b judgedVisit) int { return cmp.Compare(b.p, a.p) })
	best, hit, thefts, honest := 0, 0, 0, 0
	for i := 0; i < len(list); {
		p := list[i].p
		for ; i < len(list) && list[i].p == p; i++ {
			if list[i].theft {
				hit++
			} else {
				honest++
			}
		}
		if float64(honest) <= wrong {
			best = hit
		}
	}
	for _, v := range list {
		if v.theft {
			thefts++
		}
	}
	return ratio(best, thefts)
}

// calibration is the Brier skill, the expected calibration error over 15 bins of equal mass, and the bands from 0.1 up.
func calibration(list []judgedVisit) (skill, ece float64, bands, bins []Band) {
	if len(list) == 0 {
		return 0, 0, nil, nil
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b judgedVisit) int { return cmp.Compare(a.p, b.p) })
	truth := func(v judgedVisit) float64 {
		if v.theft {
			return 1
		}
		return 0
	}
	n, base, brier := float64(len(list)), 0.0, 0.0
	for _, v := range list {
		base += truth(v) / n
		brier += (v.p - truth(v)) * (v.p - truth(v)) / n
	}
	if base > 0 && base < 1 {
		skill = 1 - brier/(base*(1-base))
	}
	for k := range 15 {
		bin := list[k*len(list)/15 : (k+1)*len(list)/15]
		if len(bin) == 0 {
			continue
		}
		b := Band{From: bin[0].p, To: bin[len(bin)-1].p, Visits: len(bin)}
		for _, v := range bin {
			b.Said += v.p / float64(len(bin))
			b.Observed += truth(v) / float64(len(bin))
		}
		ece += math.Abs(b.Said-b.Observed) * float64(len(bin)) / n
		bins = append(bins, b)
	}
	edges := []float64{0.1, 0.3, 0.6, 0.9, 1.01}
	for k := range edges[1:] {
		b := Band{From: edges[k], To: min(1, edges[k+1])}
		for _, v := range list {
			if v.p >= edges[k] && v.p < edges[k+1] {
				b.Visits++
				b.Said += v.p
				b.Observed += truth(v)
			}
		}
		if b.Visits > 0 {
			b.Said, b.Observed = b.Said/float64(b.Visits), b.Observed/float64(b.Visits)
		}
		bands = append(bands, b)
	}
	return skill, ece, bands, bins
}

// fewRuns is how few runs are drawn anew in so few ways that no interval is told.
const fewRuns = 5

// bootstrap gives a value over all runs and where it lies when runs are drawn anew; of a few runs the value alone.
func bootstrap(once []int, n int, value func(times []int) float64) Interval {
	if len(once) < fewRuns {
		x := value(once)
		return Interval{x, x, x}
	}
	d := newDice(1, 31)
	draws := make([]float64, n)
	times := make([]int, len(once))
	for k := range draws {
		clear(times)
		for range once {
			times[d.IntN(len(once))]++
		}
		draws[k] = value(times)
	}
	slices.Sort(draws)
	return Interval{value(once), draws[n*25/1000], draws[n*974/1000]}
}
