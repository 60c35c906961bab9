package sim

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

// drawn loads a store that was drawn.
func drawn(t testing.TB, seed uint64, aisles int) *site.Site {
	t.Helper()
	l, err := DrawLayout(seed, aisles)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"site.yaml": l.Site, "products.csv": l.Products} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := site.Load(filepath.Join(dir, "site.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func simulated(t testing.TB, seed uint64, s *site.Site, o ShopOptions) *Simulated {
	t.Helper()
	r, err := Simulate(seed, s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestDrawnStores: every store that can be drawn is one that the site file's rules allow.
func TestDrawnStores(t *testing.T) {
	for aisles := 2; aisles <= 10; aisles++ {
		s := drawn(t, uint64(aisles), aisles)
		if n := len(s.Store.Scales); n < 8*aisles {
			t.Errorf("%d aisles have %d plates", aisles, n)
		}
	}
	if _, err := DrawLayout(1, 1); err == nil {
		t.Error("a store of one aisle is drawn")
	}
}

// TestSimulateAgain: the same seed gives the same bytes, another one others.
func TestSimulateAgain(t *testing.T) {
	s := drawn(t, 3, 3)
	o := ShopOptions{Hours: 0.2, Thefts: 0.2, Twins: 0.3, Noise: 1, Spread: true}
	a, b, c := simulated(t, 7, s, o), simulated(t, 7, s, o), simulated(t, 8, s, o)
	if !bytes.Equal(Recording(a.Lines), Recording(b.Lines)) {
		t.Error("one seed gives two recordings")
	}
	if bytes.Equal(Recording(a.Lines), Recording(c.Lines)) {
		t.Error("two seeds give one recording")
	}
	x, _ := json.Marshal(a.Visits)
	if y, _ := json.Marshal(b.Visits); !bytes.Equal(x, y) {
		t.Error("one seed gives two truths")
	}
	var read []*Visit
	err := json.Unmarshal(x, &read)
	if y, _ := json.Marshal(read); err != nil || len(read) == 0 || !bytes.Equal(x, y) {
		t.Errorf("a truth that was written reads otherwise: %v", err)
	}
}

// TestTruthStaysApart: no word of the truth is in the recording, but the ids of tracks and tags.
func TestTruthStaysApart(t *testing.T) {
	r := simulated(t, 2, drawn(t, 2, 4), ShopOptions{Hours: 0.3, Thefts: 0.5, Twins: 0.5, Noise: 1})
	text := string(Recording(r.Lines))
	for _, v := range r.Visits {
		for _, word := range []string{`"` + v.Person + `"`, v.Type} {
			if strings.Contains(text, word) {
				t.Fatalf("the recording says %q", word)
			}
		}
	}
	for _, word := range []string{Theft, Honest, Mistake} {
		if strings.Contains(text, word) {
			t.Errorf("the recording says %q", word)
		}
	}
	known := map[string]bool{"ts": true, "seq": true, "boot": true}
	for _, l := range r.Lines {
		var m map[string]json.RawMessage
		if l.Control == "" && json.Unmarshal(l.Payload, &m) != nil {
			t.Fatalf("not an object: %s", l.Payload)
		}
		for k := range m {
			known[k] = true
		}
	}
	for k := range known { // the contract's members, none of our own
		if !slices.Contains(strings.Fields("ts seq boot epc antenna rssi channel reads grams rate mode frame tracks lost session action sku "+
			"line of receipt price amount cashier alarm direction in out state every"), k) {
			t.Errorf("a payload has a member %q", k)
		}
	}
}

// TestEveryTheft: each type of the catalogue happens, and only thefts and mistakes leave something unpaid. Who gave the goods away is an
// accomplice of the one who has them.
func TestEveryTheft(t *testing.T) {
	s := drawn(t, 4, 5)
	done, accomplices := map[int]bool{}, 0
	for seed := range uint64(2) {
		r := simulated(t, seed, s, ShopOptions{Hours: 0.5, Visits: 200, Thefts: 0.8, Twins: 0.5, Noise: 1})
		for _, v := range r.Visits {
			if unpaid := len(v.Unpaid) > 0; unpaid != (v.Kind == Theft || v.Kind == Mistake) {
				t.Errorf("%s, %s, leaves %d unpaid", v.Kind, v.Type, len(v.Unpaid))
			}
			if v.Kind == Accomplice {
				accomplices++
				if v.Theft != 12 || !slices.ContainsFunc(r.Visits, func(o *Visit) bool {
					return o.Kind == Theft && (o.With == v.Person || v.With == o.Person)
				}) {
					t.Errorf("%s, %s, is an accomplice of nobody", v.Person, v.Type)
				}
			}
			if v.Kind == Theft {
				done[v.Theft] = true
				if v.Took == 0 {
					t.Errorf("%s: nobody took anything", v.Type)
				}
			}
			if v.From == 0 || v.To < v.From {
				t.Errorf("a visit from %d to %d", v.From, v.To)
			}
		}
	}
	for _, h := range thefts() {
		if !done[h.theft] {
			t.Errorf("no theft %d (%s) came about", h.theft, h.name)
		}
	}
	if accomplices == 0 {
		t.Error("nobody handed goods over")
	}
}

// TestOnly: of the thefts and of what looks like one only those that were asked for take place; who puts the basket down pays for nothing
// and leaves with nothing.
func TestOnly(t *testing.T) {
	r := simulated(t, 1, drawn(t, 4, 5), ShopOptions{Hours: 0.5, Thefts: 0.2, Twins: 1, Only: []string{"1", "puts the basket down"}})
	count := map[string]int{}
	for _, v := range r.Visits {
		count[v.Type]++
		if v.Kind == Honest && len(v.Unpaid) > 0 {
			t.Errorf("%+v", v)
		}
	}
	down, out := count["puts the basket down"], count["grab and walk out"]
	if n := down + out + count["restocks"]; down == 0 || out == 0 || n != len(r.Visits) {
		t.Errorf("%v", count)
	}
	for _, l := range r.Lines {
		if _, kind, _, _ := message.SplitTopic(l.Topic); kind == "till" {
			t.Fatalf("a till says %s", l.Payload)
		}
	}
}

// TestNames: --only can name every kind of visit.
func TestNames(t *testing.T) {
	for _, h := range habits() {
		if h.theft == 0 && strings.Contains(h.name, ",") { // thefts have numbers
			t.Errorf("%q cannot be named in a list", h.name)
		}
	}
}

// TestSensorsAreAsMeasured: what the simulated sensors say has the figures of measured.csv, taken from the recording alone.
func TestSensorsAreAsMeasured(t *testing.T) {
	s := drawn(t, 5, 4)
	r := simulated(t, 5, s, ShopOptions{Hours: 0.3, Noise: 1})
	delays := map[string][]float64{}
	seen, gone := map[string]int{}, 0
	repeats := map[string]int{}
	for _, l := range r.Lines {
		if l.Control != "" {
			continue
		}
		_, kind, source, _ := message.SplitTopic(l.Topic)
		repeats[l.Topic+string(l.Payload)]++
		var m struct {
			TS     message.Time `json:"ts"`
			Tracks []message.Object
		}
		if err := json.Unmarshal(l.Payload, &m); err != nil {
			t.Fatal(err)
		}
		delays[kind+" "+source] = append(delays[kind+" "+source], float64(l.Received-m.TS.NS())/1e9)
		for _, o := range m.Tracks {
			seen[source+o.Track]++
			if o.Floor == nil {
				gone++
			}
		}
	}
	twice := 0
	for _, n := range repeats {
		if n > 1 {
			twice++
		}
	}
	if share := float64(twice) / float64(len(r.Lines)); math.Abs(share-0.005) > 0.002 {
		t.Errorf("%.4f of the messages come twice, measured.csv says 0.005", share)
	}
	// Within a source the delay spreads by the transport alone; between sources clocks differ by some tenths of a second.
	var middles []float64
	for name, d := range delays {
		if strings.HasPrefix(name, "weight") {
			slices.Sort(d)
			middles = append(middles, d[len(d)/2])
			if spread := d[len(d)*9/10] - d[len(d)/10]; spread > 0.3 {
				t.Errorf("%s: the delay spreads by %.2f s", name, spread)
			}
		}
	}
	if _, sd := meanSD(middles); sd < 0.2 || sd > 0.4 {
		t.Errorf("the clocks of the plates differ by a standard deviation of %.2f s, measured.csv says 0.3", sd)
	}
	if len(seen) < 30 || gone > 0 {
		t.Errorf("%d tracks, %d objects without a place on the floor", len(seen), gone)
	}
}

// TestPerfectSensors: without noise each person is one track for each camera that sees them, where they are.
func TestPerfectSensors(t *testing.T) {
	r := simulated(t, 6, drawn(t, 6, 3), ShopOptions{Hours: 0.5, Noise: 0})
	for _, v := range r.Visits {
		tracks := map[string]bool{}
		for _, s := range v.Tracks {
			tracks[s.Track] = true
		}
		for a := range tracks {
			for _, o := range r.Visits {
				if o != v && slices.ContainsFunc(o.Tracks, func(s Span) bool { return s.Track == a }) {
					t.Errorf("track %s is %s and %s", a, v.Person, o.Person)
				}
			}
		}
	}
}

func TestSimulateRefuses(t *testing.T) {
	s := drawn(t, 1, 2)
	for want, o := range map[string]ShopOptions{
		"-1 hours: give more than 0":    {Hours: -1},
		"0 hours: give more than 0":     {},
		"NaN hours":                     {Hours: math.NaN()},
		"thefts 2, twins 0: shares are": {Hours: 1, Thefts: 2},
		"thefts NaN":                    {Hours: 1, Thefts: math.NaN()},
		`"juggling" is neither`:         {Hours: 1, Only: []string{"juggling"}},
		`off "cam-9" is neither`:        {Hours: 1, Off: []string{"cam-9"}},
		`off "rfid@noon": write rfid@`:  {Hours: 1, Off: []string{"rfid@noon"}},
		`off "rfid@9m..5m": write rfid`: {Hours: 1, Off: []string{"rfid@9m..5m"}},
		"noise 9: it is from 0 to 5":    {Hours: 1, Noise: 9},
		"-5 visits an hour":             {Hours: 1, Visits: -5},
	} {
		if _, err := Simulate(1, s, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
}

// TestOutage: what a source would have said while it is off is missing, all else is the same, and the broker says in its place that it is
// offline.
func TestOutage(t *testing.T) {
	s := drawn(t, 4, 2)
	o := ShopOptions{Hours: 0.1, Thefts: 0.5, Noise: 1}
	whole := simulated(t, 4, s, o).Lines
	o.Off = []string{"track@2m..4m", "till@5m"}
	start := whole[0].Received
	left, wills := map[string]bool{}, 0
	for _, l := range simulated(t, 4, s, o).Lines {
		if strings.Contains(string(l.Payload), `"offline"`) {
			wills++
			continue
		}
		left[string(l.AppendJSON(nil))] = true
	}
	missing := 0
	for _, l := range whole {
		at := time.Duration(l.Received - start)
		off := strings.Contains(l.Topic, "/track/") && at > 125*time.Second && at < 238*time.Second ||
			strings.Contains(l.Topic, "/till/") && at > 305*time.Second
		on := at < 2*time.Minute || at > 245*time.Second && at < 5*time.Minute || strings.Contains(l.Topic, "/weight/") || strings.Contains(l.Topic, "/rfid/")
		switch has := left[string(l.AppendJSON(nil))]; {
		case off && has:
			t.Fatalf("it is said while it is off: %s", l.AppendJSON(nil))
		case on && !has:
			t.Fatalf("it is missing: %s", l.AppendJSON(nil))
		case !has:
			missing++
		}
	}
	sources := 0
	for _, src := range s.Store.Sources {
		if src.Kind == fusion.Tracks || src.Kind == fusion.TillKind {
			sources++
		}
	}
	if missing < 500 || wills != sources {
		t.Errorf("%d lines are missing, of %d sources the broker says that they are offline; want hundreds and %d", missing, wills, sources)
	}
}

// BenchmarkSimulate plays an hour of a store with 60 visits; the metric is how much faster than the store that is.
func BenchmarkSimulate(b *testing.B) {
	s := drawn(b, 1, 5)
	for b.Loop() {
		simulated(b, 1, s, ShopOptions{Hours: 1, Thefts: 0.15, Twins: 0.3, Noise: 1})
	}
	b.ReportMetric(3600/(b.Elapsed().Seconds()/float64(b.N)), "×real-time")
}

// TestTruthIsRead: the truth that was written is the truth that is read, but for parts of a millisecond.
func TestTruthIsRead(t *testing.T) {
	for _, v := range simulated(t, 4, drawn(t, 4, 2), ShopOptions{Hours: 0.1, Thefts: 0.5}).Visits {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back Visit
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(&back)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("written %s\nread    %s (%v)", text, again, err)
		}
	}
	if err := json.Unmarshal([]byte(`{"from":"noon"}`), &Visit{}); err == nil {
		t.Error("noon is a time")
	}
}

// TestPeopleDifferInHeight: what a camera's boxes say through the site's homographies is how tall the simulated people are, on average and each, and as
// uncertain as measured; but for those that do not show the feet.
func TestPeopleDifferInHeight(t *testing.T) {
	s := drawn(t, 5, 4)
	r := simulated(t, 5, s, ShopOptions{Hours: 0.5, Noise: 1})
	up := map[string]*fusion.Upright{}
	for _, c := range s.Cameras {
		if up[c.ID] = c.Upright; c.Upright == nil {
			t.Errorf("%s tells nothing of heights", c.ID)
		}
	}
	tall := map[string][]float64{}
	for _, l := range r.Lines {
		if l.Control != "" || !strings.Contains(l.Topic, "/track/") {
			continue
		}
		_, _, source, _ := message.SplitTopic(l.Topic)
		var m struct{ Tracks []message.Object }
		if err := json.Unmarshal(l.Payload, &m); err != nil {
			t.Fatal(err)
		}
		for _, o := range m.Tracks {
			if x, ok := up[source].Tall(o.Box, fusion.Point{X: o.Floor[0], Y: o.Floor[1]}); ok && o.Class == "person" && o.Conf >= 0.6 {
				tall[source+"/"+o.Track] = append(tall[source+"/"+o.Track], x)
			}
		}
	}
	var means, within []float64
	boxes, cut := 0, 0
	for _, x := range tall {
		if len(x) < 50 {
			continue
		}
		slices.Sort(x)
		boxes += len(x)
		hidden := 0
		for hidden < len(x) && x[hidden] < 0.8*x[len(x)/2] {
			hidden++
		}
		cut += hidden
		m, sd := meanSD(x[hidden:])
		means, within = append(means, m), append(within, sd)
	}
	mean, between := meanSD(means)
	frames, _ := meanSD(within)
	if len(means) < 20 || math.Abs(mean-1.69) > 0.06 || between < 0.07 || between > 0.15 {
		t.Errorf("%d tracks show people of %.2f m ± %.2f; want 1.69 ± 0.1", len(means), mean, between)
	}
	if share := float64(cut) / float64(boxes); share < 0.02 || share > 0.08 {
		t.Errorf("%d of %d boxes hide the feet; want 3.5 %%, and more behind others", cut, boxes)
	}
	if frames < 0.07 || frames > 0.14 {
		t.Errorf("frames differ by %.3f m; want 9 cm for the head, and 5 more for a foot that is taken to be nearer or farther", frames)
	}
}

// meanSD is the mean and the standard deviation of some numbers.
func meanSD(of []float64) (mean, sd float64) {
	for _, x := range of {
		mean += x / float64(len(of))
	}
	for _, x := range of {
		sd += (x - mean) * (x - mean) / float64(len(of))
	}
	return mean, math.Sqrt(sd)
}
