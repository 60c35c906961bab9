package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/sensors"
	"magpie/site"
)

const scaleSite = `
store: s042
timezone: Europe/London
currency: GBP
zones: [{id: aisle-1, kind: aisle, polygon: [[0, 0], [8, 0], [8, 5], [0, 5]]}]
cameras: [{id: cam-1, sees: [[0, 0], [8, 0], [8, 5], [0, 5]]}]
scales: [{id: g1, zone: aisle-1, at: [2.1, 4.7, 1.2], size: [0.3, 0.4], skus: ["071142008582"], lateness: 2s}]
products: products.csv
privacy: {fitting: no-camera}
sources:
  - {topic: "tele/+/+", decoder: tasmota, id: "{1}"}
  - {topic: "spBv1.0/store/+/+", decoder: sparkplug, kind: weight, id: "{2}", map: {grams: 'payload.W', mode: '"change"'}}
`

// scaleRun feeds a store with one plate and counts what is made of its goods.
type scaleRun struct {
	t      *testing.T
	p      *pipeline
	picked float64
	at     time.Time
}

func newScaleRun(t *testing.T) *scaleRun {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "site.yaml"), []byte(scaleSite), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "products.csv"), []byte("sku,name,price,grams,grams_sd\n071142008582,Taco sauce,1.99,621,3\n"), 0o600))
	s, err := site.Load(filepath.Join(dir, "site.yaml"))
	must(t, err)
	set, err := loadPolicies("../../policies", s)
	must(t, err)
	x := &scaleRun{t: t, at: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	told := map[string]int{}
	x.p, err = newPipeline(s, set, func(*alerts.Alert) {}, pipelineHooks{
		rejected: func(l *journal.Line, r *sensors.Rejection) { t.Errorf("%s rejected: %v", l.Topic, r) },
		confirmed: func(w *fusion.World) {
			for _, v := range w.Visits() {
				for _, f := range v.Facts.List()[told[v.ID]:] {
					if f.Kind == fusion.FactPicked {
						x.picked += f.N
					}
				}
				told[v.ID] = v.Facts.Len()
			}
		}})
	must(t, err)
	return x
}

func (x *scaleRun) send(topic, payload string) {
	x.p.line(&journal.Line{Received: x.at.UnixNano(), Topic: topic, Payload: []byte(payload)})
}

// run lets somebody stand at the shelf for so many seconds, with what happens in each.
func (x *scaleRun) run(seconds int, each func(second int)) float64 {
	for i := range seconds {
		for range 5 {
			x.at = x.at.Add(200 * time.Millisecond)
			x.send("magpie/v1/s042/track/cam-1", fmt.Sprintf(
				`{"ts":%d,"tracks":[{"track":"1","class":"person","conf":0.9,"box":[0,0,1,1],"floor":[2.1,4.2]}]}`, x.at.UnixMilli()))
		}
		each(i)
	}
	return x.picked
}

// TestTasmotaLosesItsZero: a scale that begins from another zero after a power loss says what it weighs, and it is no pick,
// since its will said that it was away. The same load without that is one.
func TestTasmotaLosesItsZero(t *testing.T) {
	for _, c := range []struct {
		name   string
		away   bool
		picked float64
	}{{"away and back", true, 0}, {"there all the time", false, 1}} {
		x := newScaleRun(t)
		weigh := func(grams int) {
			x.send("tele/g1/SENSOR", fmt.Sprintf(`{"Time":"%s","HX711":{"Weight":0,"WeightRaw":%d,"AbsRaw":1}}`, x.at.Format("2006-01-02T15:04:05"), grams))
		}
		got := x.run(60, func(second int) {
			switch {
			case second == 30 && c.away:
				x.send("tele/g1/LWT", "Offline")
			case second == 33 && c.away:
				x.send("tele/g1/LWT", "Online")
			case second < 30 && second%5 == 0:
				weigh(6210)
			case second >= 35 && second%5 == 0:
				weigh(6210 - 621)
			}
		})
		if got < c.picked-0.1 || got > c.picked+0.1 {
			t.Errorf("%s: %.2f picked, want %v", c.name, got, c.picked)
		}
	}
}

// TestSparkplugRoundTheClock: a node's numbers go round every 25.6 s, and all of its messages count.
func TestSparkplugRoundTheClock(t *testing.T) {
	x := newScaleRun(t)
	const messages = 700
	for i := range messages {
		x.at = x.at.Add(100 * time.Millisecond)
		var b []byte
		field := func(number, n uint64) {
			for b = append(b, byte(number<<3)); n > 127; n >>= 7 {
				b = append(b, byte(n)|128)
			}
			b = append(b, byte(n))
		}
		field(1, uint64(x.at.UnixMilli()))
		b = append(b, 2<<3|2, 7, 1<<3|2, 1, 'W', 10<<3, 100, 4<<3, 7) // a metric W, 100, of type UInt32
		field(3, uint64(i%256))
		x.send("spBv1.0/store/NDATA/g1", string(b))
		if i == 300 {
			x.send("spBv1.0/store/NDATA/g1", string(b))
		}
	}
	n := x.p.core.Counters[x.p.site.Store.SourceIndex("g1")]
	if n.Received != messages+1 || n.Duplicates != 1 {
		t.Errorf("%+v: want %d received and 1 duplicate", n, messages+1)
	}
}
