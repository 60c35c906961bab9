package fusion

import (
	"math"
	"slices"
	"strings"
)

// occasion is in how many epochs one passing of an antenna over a tag falls, 2.5 s: the reads within it are one piece of
// evidence, since who is heard once is heard again at once. With shorter ones most tags seem well known and those that
// are hard to hear are not reckoned with.
const occasion = 10

// TagRead is one read of a tag, at ns.
type TagRead struct {
	Tag string
	TS  int64
}

// Population is how many tags were in a field: those that were read, and an estimate with a 90 % interval in whole tags.
type Population struct {
	Seen      int
	N         float64
	Low, High int
}

// CountTags estimates how many tags were in the field of antennas that move through it, or that tags move through, from
// the reads in any order. The unread ones follow from the tags heard on one occasion only and on two: the bias-corrected
// lower bound of Chao (Scand. J. Statist. 1984; variance and log-normal interval: Biometrics 1987, and Colwell's
// EstimateS, eq. 6), which lets tags differ in how well they are heard. It is the mean over where the first occasion
// begins. Tags that no pass can reach are not in the estimate; the upper bound says nothing of them.
func CountTags(reads []TagRead) Population {
	sorted := slices.Clone(reads)
	slices.SortFunc(sorted, func(a, b TagRead) int {
		if c := strings.Compare(a.Tag, b.Tag); c != 0 {
			return c
		}
		return cmp(a.TS, b.TS)
	})
	var unread, variance float64
	seen := 0
	for shift := range int64(occasion) {
		var once, twice int
		seen, once, twice = rare(sorted, shift)
		f, v := chao(float64(once), float64(twice))
		unread += f / occasion
		variance += v / occasion
	}
	if seen == 0 {
		return Population{}
	}
	// What is not known to a tag is not said to be.
	f, v := max(unread, 1), max(variance, 1)
	wide := round9(math.Exp(float64(1.645 * math.Sqrt(round9(math.Log(1+v/float64(f*f)))))))
	return Population{Seen: seen, N: float64(seen) + unread,
		Low: int(math.Floor(float64(seen) + unread/wide)), High: int(math.Ceil(float64(seen) + float64(f*wide)))}
}

// rare counts the tags of reads sorted by tag and time: all, and those heard on one occasion and on two, the first of
// which begins shift epochs early.
func rare(reads []TagRead, shift int64) (seen, once, twice int) {
	for i := 0; i < len(reads); {
		tag, n, last := reads[i].Tag, 0, int64(math.MinInt64)
		for ; i < len(reads) && reads[i].Tag == tag; i++ {
			if o := floorDiv(epochOf(reads[i].TS)+shift, occasion); o != last {
				n, last = n+1, o
			}
		}
		seen++
		switch n {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	return seen, once, twice
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// chao estimates how many tags were not heard from those heard once and twice, and the variance of that.
func chao(f1, f2 float64) (unread, variance float64) {
	pairs, d := float64(f1*(f1-1)), f2+1
	unread = pairs / float64(2*d)
	odd := float64(f1) * float64(float64(2*f1-1)*float64(2*f1-1))
	variance = unread + odd/float64(4*float64(d*d)) + float64(f2*float64(pairs*pairs))/float64(4*float64(float64(d*d)*float64(d*d)))
	return unread, max(0, variance)
}
