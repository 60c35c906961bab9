package fusion_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"magpie/fusion"
	"magpie/sensors"
	"magpie/sim"
	"magpie/site"
)

// scene is what happens in the shop of testdata/gondola.yaml, in the test notation of contract §4, and what the core has to
// make of it, a line each:
//
//	TIME WHO WHAT LOW..HIGH
//
// TIME is since the start, as in the script. WHO is a person of the script, or nobody: those whom no camera saw. WHAT is a
// product (the units expected with them), unpaid (units of all products that no till has seen), p_unpaid, owner_conf, staff,
// group_paid, stranded (a tag of theirs lies in the aisle or among the dear goods), silent and missing (for 10 s no tag of
// theirs was heard, or none since they left the dear goods), moved (units whose tags were carried through the door), rang (the gate, and for
// them), or unknown (units of goods that no product explains).
type scene struct {
	name, script, want string
}

// gondola is the shop of the scenes.
func gondola(t testing.TB) *site.Site {
	t.Helper()
	s, err := site.Load("testdata/gondola.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// play plays scenes: each expectation must hold both in what the watermark has confirmed and in the provisional view, and
// whatever delays, within the lateness of their sources, the messages take.
func play(t *testing.T, scenes []scene) {
	t.Helper()
	for _, sc := range scenes {
		t.Run(sc.name, func(t *testing.T) {
			s := gondola(t)
			script, err := sim.Parse(sc.script)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := script.Lines(s, sim.Options{Until: script.End() + 10*time.Second})
			if err != nil {
				t.Fatal(err)
			}
			start, err := sim.Start("", s.Store.Location)
			if err != nil {
				t.Fatal(err)
			}
			const eps = 1e-6
			for _, want := range expectations(t, sc.want) {
				at := start.UnixNano() + int64(want.at)
				got := [3]float64{}
				for i, w := range [...]*fusion.World{
					happened(t, s, lines, at, true, nil),
					happened(t, s, lines, at, false, nil),
					happened(t, s, lines, at, false, rand.New(rand.NewPCG(uint64(want.line), 1))),
				} {
					got[i] = measure(t, s.Store, w, at, want)
				}
				switch {
				case got[1] != got[2]:
					t.Errorf("line %d, %s: %.4f, and %.4f when the messages take longer", want.line, want.text, got[1], got[2])
				case got[0] < want.low-eps || got[0] > want.high+eps:
					t.Errorf("line %d, %s: %.4f", want.line, want.text, got[0])
				case got[1] < want.low-eps || got[1] > want.high+eps:
					t.Errorf("line %d, %s: %.4f when confirmed", want.line, want.text, got[1])
				case os.Getenv("SHOW") != "":
					t.Logf("line %d, %s: %.4f", want.line, want.text, got[0])
				}
			}
		})
	}
}

// happened folds what was read by a moment: with provisional what is known at once, else what the watermark confirms.
// delays, if any, draws how long each message takes.
func happened(t *testing.T, s *site.Site, lines []sim.Line, at int64, provisional bool, delays *rand.Rand) *fusion.World {
	t.Helper()
	d, err := sensors.NewDecoder(s.Store, sensors.Options{Cameras: s.Cameras})
	if err != nil {
		t.Fatal(err)
	}
	c := fusion.NewCore(s.Store, fusion.Judge[struct{}]{
		New:   func() struct{} { return struct{}{} },
		Clone: func(j struct{}) struct{} { return j },
		Facts: func(struct{}, *fusion.World, []fusion.Change) {},
		Due:   func(struct{}) int64 { return math.MaxInt64 },
		Fire:  func(struct{}, *fusion.World, int64) {},
	})
	var all []fusion.Message
	for _, l := range lines {
		m, err := d.Decode(l.Received, l.Topic, l.Retain, l.Payload)
		var r *sensors.Rejection
		if errors.As(err, &r) {
			t.Fatalf("%s: %s", l.Payload, r.Reason)
		}
		if err != nil || m.TS > at {
			continue
		}
		if delays != nil {
			m.Received = m.TS + int64(delays.Float64()*float64(s.Store.Sources[m.Source].Lateness))
		}
		m.Events = slices.Clone(m.Events)
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b fusion.Message) int { return int(a.Received - b.Received) })
	for i := range all {
		c.Arrive(all[i].Received)
		c.Add(&all[i])
		c.Advance()
	}
	if provisional {
		w, _ := c.Provisional()
		return w
	}
	c.Arrive(at + s.Store.MaxLateness())
	c.Advance()
	w, _ := c.Confirmed()
	return w
}

type expectation struct {
	line      int
	text      string
	at        time.Duration
	who, what string
	low, high float64
}

func expectations(t *testing.T, text string) (all []expectation) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		e := expectation{line: i, text: strings.Join(w, " ")}
		ok := len(w) == 4
		var err [3]error
		if ok {
			e.who, e.what = w[1], w[2]
			e.at, err[0] = time.ParseDuration(w[0])
			low, high, isRange := strings.Cut(w[3], "..")
			if !isRange {
				high = low
			}
			e.low, err[1] = strconv.ParseFloat(low, 64)
			e.high, err[2] = strconv.ParseFloat(high, 64)
		}
		if !ok || errors.Join(err[:]...) != nil {
			t.Fatalf("line %d, %q: want TIME WHO WHAT LOW..HIGH", i, line)
		}
		all = append(all, e)
	}
	return all
}

// measure is what the core says of what an expectation asks; who is not there any more, or never was, has nothing.
func measure(t *testing.T, s *fusion.Store, w *fusion.World, at int64, e expectation) float64 {
	t.Helper()
	x := 0.0
	for _, v := range w.Visits() {
		if e.who == "nobody" && !v.Unowned || e.who != "nobody" && !slices.Contains(v.Tracks, "cam-1/"+e.who) {
			continue
		}
		view := fusion.View{World: w, Visit: v, Now: max(at, w.Now())}
		switch e.what {
		case "unpaid":
			x += view.Unpaid(nil)
		case "p_unpaid":
			x += view.PUnpaid()
		case "person":
			x += view.Person()
		case "owner_conf":
			x += view.OwnerConf()
		case "staff":
			x += view.IsStaff()
		case "group_paid":
			x += view.GroupPaid()
		case "stranded":
			place := make(fusion.Place, len(s.Zones))
			for i := range place {
				place[i] = s.Zones[i].Kind == fusion.Aisle || s.Zones[i].Kind == fusion.HighValue
			}
			x += view.Stranded(place)
		case "moved":
			place := make(fusion.Place, len(s.Zones))
			for i := range place {
				place[i] = s.Zones[i].Kind == fusion.Exit
			}
			x += view.MovedCount(place)
		case "rang":
			place := make(fusion.Place, len(s.Zones))
			for i := range place {
				place[i] = s.Zones[i].Kind == fusion.Exit
			}
			x += view.Rang(place)
		case "silent":
			if view.Silent(10e9) {
				x++
			}
		case "missing": // a tag that went into the aisle, or among the dear goods, with them
			place := make(fusion.Place, len(s.Zones))
			for i := range place {
				place[i] = s.Zones[i].Kind == fusion.HighValue
			}
			if view.MissingAfter(place, 10e9) {
				x++
			}
		case "unknown":
			for _, it := range v.Basket {
				if it.Product < 0 {
					x += it.N
				}
			}
		default:
			goods := make(fusion.Goods, len(s.Products))
			known := false
			for i := range goods {
				goods[i] = s.Products[i].Name == e.what
				known = known || goods[i]
			}
			if !known {
				t.Fatalf("line %d, %s: %s is neither a product nor a measure", e.line, e.text, e.what)
			}
			x += view.Carried(goods)
		}
	}
	return x
}

// hand shows a hand of somebody who stands at x, y at a place, in the frames around a moment, as the notation's pick and put
// do: for what goes where it does not belong. holding is before and after.
func hand(at float64, who string, x, y float64, place [3]float64, before, after float64) string {
	var b strings.Builder
	for i := -2; i <= 2; i++ {
		holding := before
		if i >= 0 {
			holding = after
		}
		fmt.Fprintf(&b, "%.2fs send track cam-1 {\"frame\":[1280,720],\"tracks\":[{\"track\":%q,\"class\":\"person\",\"conf\":0.9,\"box\":[600,300,80,240],\"floor\":[%g,%g],\"sd\":[0.1,0.1],\"hands\":[[%g,%g,%g]],\"holding\":%g}]}\n",
			at+0.2*float64(i)+0.05, who, x, y, place[0], place[1], place[2], holding)
	}
	return b.String()
}
