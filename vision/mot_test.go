package vision

import (
	"bufio"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// data is a file of the recordings that are not shipped with Magpie; a test
// that needs one that is not there is skipped.
func data(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("MAGPIE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	p := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("recordings are not there (set MAGPIE_DATA): %v", err)
	}
	return p
}

// motRow is a line of a MOTChallenge file: frame,id,x,y,w,h,conf,…
type motRow struct {
	id   int
	box  [4]float32
	conf float32
}

func readMOT(t testing.TB, path string) map[int][]motRow {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[int][]motRow{}
	for s := bufio.NewScanner(f); s.Scan(); {
		var v [7]float64
		for i, x := range strings.SplitN(s.Text(), ",", 8)[:7] {
			if v[i], err = strconv.ParseFloat(strings.TrimSpace(x), 64); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
		frame := int(v[0])
		out[frame] = append(out[frame], motRow{int(v[1]), [4]float32{float32(v[2]), float32(v[3]), float32(v[4]), float32(v[5])}, float32(v[6])})
	}
	return out
}

// motScore holds the counts behind CLEAR-MOT (Bernardin and Stiefelhagen 2008)
// and IDF1 (Ristani and others 2016), so that sequences add up.
type motScore struct {
	objects, guesses, matches, misses, falses, switches, idtp int
	distance                                                  float64
}

func (s motScore) add(o motScore) motScore {
	return motScore{s.objects + o.objects, s.guesses + o.guesses, s.matches + o.matches, s.misses + o.misses,
		s.falses + o.falses, s.switches + o.switches, s.idtp + o.idtp, s.distance + o.distance}
}
func (s motScore) mota() float64 {
	return 1 - float64(s.misses+s.falses+s.switches)/float64(s.objects)
}
func (s motScore) motp() float64 { return s.distance / float64(s.matches) }
func (s motScore) idf1() float64 { return 2 * float64(s.idtp) / float64(s.objects+s.guesses) }
func (s motScore) String() string {
	return fmt.Sprintf("MOTA %.4f IDF1 %.4f MOTP %.4f FP %d FN %d IDs %d", s.mota(), s.idf1(), s.motp(), s.falses, s.misses, s.switches)
}

// scoreMOT compares guesses with the truth at IoU 0.5, as py-motmetrics does.
func scoreMOT(truth, guess map[int][]motRow) motScore {
	var s motScore
	var a assigner
	last := map[int]int{}    // object → guess it was last matched to
	both := map[[2]int]int{} // frames in which object and guess overlap
	objects := map[int]int{} // frames an object is there
	guesses := map[int]int{} // frames a guess is there
	frames := map[int]struct{}{}
	for f := range truth {
		frames[f] = struct{}{}
	}
	for f := range guess {
		frames[f] = struct{}{}
	}
	for _, f := range slices.Sorted(maps.Keys(frames)) {
		tr, gs := truth[f], guess[f]
		s.objects, s.guesses = s.objects+len(tr), s.guesses+len(gs)
		dist := func(i, j int) float64 {
			d := 1 - float64(IoU(tr[i].box, gs[j].box))
			if d > 0.5 {
				return math.Inf(1)
			}
			return d
		}
		for i := range tr {
			objects[tr[i].id]++
			for j := range gs {
				if !math.IsInf(dist(i, j), 1) {
					both[[2]int{tr[i].id, gs[j].id}]++
				}
			}
		}
		for j := range gs {
			guesses[gs[j].id]++
		}
		// What was matched stays matched while it can.
		doneT, doneG := make([]bool, len(tr)), make([]bool, len(gs))
		match := func(i, j int) {
			doneT[i], doneG[j] = true, true
			s.matches++
			s.distance += dist(i, j)
			last[tr[i].id] = gs[j].id
		}
		for i := range tr {
			for j := range gs {
				if g, ok := last[tr[i].id]; ok && g == gs[j].id && !doneG[j] && !math.IsInf(dist(i, j), 1) {
					match(i, j)
					break
				}
			}
		}
		a.reset(len(tr), len(gs))
		for i := range tr {
			for j := range gs {
				if !doneT[i] && !doneG[j] && !math.IsInf(dist(i, j), 1) {
					a.set(i, j, dist(i, j)-1000) // as many as possible, then as near as possible
				}
			}
		}
		for i, j := range a.solve() {
			if j < 0 {
				continue
			}
			if g, ok := last[tr[i].id]; ok && g != gs[j].id {
				s.switches++
			}
			match(i, j)
		}
		for _, d := range doneT {
			if !d {
				s.misses++
			}
		}
		for _, d := range doneG {
			if !d {
				s.falses++
			}
		}
	}
	os, gs := slices.Sorted(maps.Keys(objects)), slices.Sorted(maps.Keys(guesses))
	a.reset(len(os), len(gs))
	for i, o := range os {
		for j, g := range gs {
			a.set(i, j, -float64(both[[2]int{o, g}]))
		}
	}
	for i, j := range a.solve() {
		if j >= 0 {
			s.idtp += both[[2]int{os[i], gs[j]}]
		}
	}
	return s
}

func real(rows map[int][]motRow) map[int][]motRow {
	out := map[int][]motRow{}
	for f, r := range rows {
		for _, x := range r {
			if x.conf != 0 {
				out[f] = append(out[f], x)
			}
		}
	}
	return out
}

// The evaluator agrees with py-motmetrics' published figures to 1e-3.
func TestEvaluatorAgainstOracle(t *testing.T) {
	dir := data(t, "mot-metrics-oracle")
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-3 {
			t.Errorf("%s = %.6f, want %.6f", what, got, want)
		}
	}
	score := func(seq string) motScore {
		return scoreMOT(real(readMOT(t, filepath.Join(dir, seq, "gt.txt"))), readMOT(t, filepath.Join(dir, seq, "test.txt")))
	}
	c := score("TUD-Campus")
	near("campus MOTA", c.mota(), .526462)
	near("campus IDF1", c.idf1(), .557659)
	near("campus MOTP", c.motp(), .277201)
	if c.falses != 13 || c.misses != 150 || c.switches != 7 {
		t.Errorf("campus: %v", c)
	}
	m := score("TUD-Stadtmitte")
	near("stadtmitte MOTA", m.mota(), .564014)
	near("stadtmitte IDF1", m.idf1(), .644619)
	near("stadtmitte MOTP", m.motp(), .345904)
	if m.falses != 45 || m.misses != 452 || m.switches != 7 {
		t.Errorf("stadtmitte: %v", m)
	}
	both := c.add(m)
	near("both MOTA", both.mota(), .555116)
	near("both IDF1", both.idf1(), .624296)
}

func motFPS(t testing.TB, dir string) float64 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "seqinfo.ini"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "frameRate="); ok {
			fps, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
			return fps
		}
	}
	t.Fatalf("%s: no frameRate in seqinfo.ini", dir)
	return 0
}

// track runs the tracker over the detections of a sequence.
func track(cfg TrackerConfig, dets map[int][]motRow, fps float64) map[int][]motRow {
	tr := NewTracker(cfg)
	out := map[int][]motRow{}
	for f := 1; f <= slices.Max(slices.Collect(maps.Keys(dets))); f++ {
		var ds []Detection
		for _, r := range dets[f] {
			ds = append(ds, Detection{Class: Person, Conf: r.conf, Box: r.box})
		}
		live, _ := tr.Update(int64(float64(f)/fps*1e9), ds)
		for _, l := range live {
			out[f] = append(out[f], motRow{id: int(l.ID), box: l.Box, conf: 1})
		}
	}
	return out
}

// The tracker on five sequences of MOTChallenge 2015 with their public
// detections. SORT reaches MOTA .40 and IDF1 .46 on all eleven.
func TestTrackerOnMOT15(t *testing.T) {
	dir := data(t, "mot15")
	run := func(cfg TrackerConfig) (sum motScore) {
		seqs, err := filepath.Glob(filepath.Join(dir, "*", "seqinfo.ini"))
		if err != nil || len(seqs) == 0 {
			t.Fatalf("no sequences in %s", dir)
		}
		for _, ini := range seqs {
			d := filepath.Dir(ini)
			guess := track(cfg, readMOT(t, filepath.Join(d, "det", "det.txt")), motFPS(t, d))
			s := scoreMOT(real(readMOT(t, filepath.Join(d, "gt", "gt.txt"))), guess)
			t.Logf("%-16s %v", filepath.Base(d), s)
			sum = sum.add(s)
		}
		t.Logf("%-16s %v", "all", sum)
		return sum
	}
	// The thresholds suit these detections, of a Faster R-CNN that is surer of
	// everything than NanoDet is; the rest is the default.
	cfg := DefaultTracker()
	cfg.High, cfg.New = 0.6, 0.95
	if s := run(cfg); s.mota() < .405 || s.idf1() < .535 {
		t.Errorf("tracker got worse: %v", s)
	}
	// What SORT does: nothing weak, nothing unseen for more than a frame.
	cfg.Low, cfg.Keep, cfg.Confirm = cfg.High, 150*time.Millisecond, 3
	t.Logf("in the manner of SORT:")
	run(cfg)
}
