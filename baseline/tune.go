package baseline

import (
	"cmp"
	"slices"
)

// Seen is a score that was said of somebody, the highest, and whether they stole.
type Seen struct {
	Score float64
	Theft bool
}

// Step is a probability from a score on.
type Step struct{ From, P float64 }

// Calibrate gives for each score how many of those of whom it was said stole: steps that never fall (pool adjacent violators;
// Ayer et al. 1955), each counted with one more person who stole half.
func Calibrate(seen []Seen) (steps []Step) {
	seen = slices.Clone(seen)
	slices.SortFunc(seen, func(a, b Seen) int { return cmp.Compare(a.Score, b.Score) })
	type block struct{ from, thefts, n float64 }
	var blocks []block
	for i := 0; i < len(seen); {
		b := block{from: seen[i].Score}
		for ; i < len(seen) && seen[i].Score == b.from; i++ {
			b.n++
			if seen[i].Theft {
				b.thefts++
			}
		}
		blocks = append(blocks, b)
		for k := len(blocks) - 1; k > 0 && blocks[k-1].thefts*blocks[k].n >= blocks[k].thefts*blocks[k-1].n; k-- {
			blocks[k-1].thefts += blocks[k].thefts
			blocks[k-1].n += blocks[k].n
			blocks = blocks[:k]
		}
	}
	for _, b := range blocks {
		steps = append(steps, Step{b.from, (b.thefts + 0.5) / (b.n + 1)})
	}
	for i := 1; i < len(steps); i++ {
		steps[i].P = max(steps[i].P, steps[i-1].P) // the extra person may have tipped it
	}
	return steps
}

// P is the probability at a score; below the first step 0.
func P(steps []Step, score float64) (p float64) {
	for _, s := range steps {
		if score >= s.From {
			p = s.P
		}
	}
	return p
}
