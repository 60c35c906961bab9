package vision

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"magpie/fusion"
	"magpie/sensors/message"
)

// script is a source that answers what it is given, and a detector that sees
// what the script says is in the frame.
type script struct {
	steps []step
	at    int
	saw   [][]byte
}

type step struct {
	ns    int64
	found []Detection
	err   error
}

func (s *script) Next(ctx context.Context) (Frame, error) {
	if err := ctx.Err(); err != nil {
		return Frame{}, err
	}
	if s.at == len(s.steps) {
		return Frame{}, io.EOF
	}
	s.at++
	if err := s.steps[s.at-1].err; err != nil {
		return Frame{}, err
	}
	f := filled(200, 200, func(x, y, c int) byte { return 255 })
	f.Time = s.steps[s.at-1].ns
	return f, nil
}

func (s *script) Detect(_ context.Context, frames []Frame) ([][]Detection, error) {
	s.saw = append(s.saw, append([]byte(nil), frames[0].Pix...))
	return [][]Detection{s.steps[s.at-1].found}, nil
}

func (s *script) Close() error { return nil }

type sent struct {
	kind    string
	payload string
}

func runWorker(t *testing.T, cfg WorkerConfig, s *script) ([]sent, error) {
	t.Helper()
	cfg.Camera, cfg.Boot = "cam-1", "b1"
	if cfg.Tracker == (TrackerConfig{}) {
		cfg.Tracker = DefaultTracker()
	}
	var got []sent
	w, err := NewWorker(cfg, s, s, func(kind string, b []byte) error {
		got = append(got, sent{kind, string(b)})
		return nil
	}, WorkerHooks{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(t.Context())
	return got, err
}

const noon = int64(1795348800_000_000_000)

// The messages are the contract's, byte for byte.
func TestWorkerPublishesTheContractsPayloads(t *testing.T) {
	// A centimetre a pixel.
	hom := fusion.Homography{0.01, 0, 0, 0, 0.01, 0, 0, 0, 1}
	got, err := runWorker(t, WorkerConfig{Homography: &hom, Frame: [2]int{200, 200}}, &script{steps: []step{
		{ns: noon, found: []Detection{person(10, 20, .9)}},
		{ns: noon + 100*ms, found: []Detection{person(10, 20, .8)}},
		{ns: noon + 3000*ms},
		{ns: noon + 3100*ms, found: []Detection{person(50, 50, .9)}},
		{ns: noon + 3200*ms, found: []Detection{person(50, 50, .9)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []sent{
		{"status", `{"boot":"b1","state":"online"}`},
		{"track", `{"ts":"2026-11-22T12:00:00.000Z","seq":0,"boot":"b1","frame":[200,200],"tracks":[]}`},
		{"track", `{"ts":"2026-11-22T12:00:00.100Z","seq":1,"boot":"b1","frame":[200,200],"tracks":[{"track":"b1-1","class":"person","conf":0.8,"box":[10,20,40,100],"floor":[0.3,1.2],"sd":[0.04,0.07]}]}`},
		{"track", `{"ts":"2026-11-22T12:00:03.000Z","seq":2,"boot":"b1","frame":[200,200],"tracks":[],"lost":["b1-1"]}`},
		{"track", `{"ts":"2026-11-22T12:00:03.100Z","seq":3,"boot":"b1","frame":[200,200],"tracks":[]}`},
		{"track", `{"ts":"2026-11-22T12:00:03.200Z","seq":4,"boot":"b1","frame":[200,200],"tracks":[{"track":"b1-2","class":"person","conf":0.9,"box":[50,50,40,100],"floor":[0.7,1.5],"sd":[0.04,0.07]}]}`},
		{"track", `{"ts":"2026-11-22T12:00:03.200Z","seq":5,"boot":"b1","frame":[200,200],"tracks":[],"lost":["b1-2"]}`},
		{"status", `{"boot":"b1","state":"offline"}`},
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("message %d:\ngot  %v\nwant %v", i, at(got, i), at(want, i))
		}
	}
}

func at(s []sent, i int) sent {
	if i < len(s) {
		return s[i]
	}
	return sent{}
}

// A camera that goes away ends its tracks, says so once, and comes back.
func TestWorkerLivesThroughOutages(t *testing.T) {
	out := &Outage{Reason: "camera is silent", Err: errors.New("read: timeout")}
	got, err := runWorker(t, WorkerConfig{}, &script{steps: []step{
		{ns: noon, found: []Detection{person(10, 20, .9)}},
		{ns: noon + 100*ms, found: []Detection{person(10, 20, .9)}},
		{err: out}, {err: out},
		{ns: noon + 9000*ms},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, m := range got {
		var s message.Status
		var k message.Track
		switch m.kind {
		case message.KindStatus:
			if err := json.Unmarshal([]byte(m.payload), &s); err != nil {
				t.Fatal(err)
			}
			told = append(told, s.State+" "+s.Detail)
		default:
			if err := json.Unmarshal([]byte(m.payload), &k); err != nil {
				t.Fatal(err)
			}
			if len(k.Lost) > 0 {
				told = append(told, "lost "+k.Lost[0])
			}
		}
	}
	want := "online |lost b1-1|degraded camera is silent: read: timeout|online |offline "
	if s := strings.Join(told, "|"); s != want {
		t.Errorf("told %s\nwant %s", s, want)
	}
}

func TestWorkerEndsWithItsReason(t *testing.T) {
	broken := errors.New("the film tore")
	got, err := runWorker(t, WorkerConfig{}, &script{steps: []step{{ns: noon}, {err: broken}}})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "cam-1") {
		t.Errorf("ended with %v", err)
	}
	if last := at(got, len(got)-1); last.kind != message.KindStatus || !strings.Contains(last.payload, "offline") {
		t.Errorf("last words: %v", last)
	}
}

// What a mask covers is black before the detector sees it, whatever size the
// camera sends.
func TestMasksBlackOutBeforeInference(t *testing.T) {
	s := &script{steps: []step{{ns: noon}}}
	// In a frame of 400×400: the camera sends half of it.
	mask := []fusion.Point{{X: 100, Y: 100}, {X: 200, Y: 100}, {X: 200, Y: 200}, {X: 100, Y: 200}}
	thin := []fusion.Point{{X: 301, Y: 20}, {X: 301.5, Y: 20}, {X: 301.5, Y: 380}}
	if _, err := runWorker(t, WorkerConfig{Masks: [][]fusion.Point{mask, thin}, Frame: [2]int{400, 400}}, s); err != nil {
		t.Fatal(err)
	}
	dark := func(x, y int) bool { return s.saw[0][(y*200+x)*3] == 0 }
	for y := range 200 {
		for x := range 200 {
			in := x >= 50 && x < 100 && y >= 50 && y < 100
			near := x >= 49 && x <= 100 && y >= 49 && y <= 100
			if (in && !dark(x, y)) || (!near && x != 150 && dark(x, y)) {
				t.Fatalf("pixel %d,%d: dark %v", x, y, dark(x, y))
			}
		}
	}
	for y := 10; y < 190; y++ {
		if !dark(150, y) {
			t.Fatalf("the thin mask leaves row %d", y)
		}
	}
}

// TestFloorOfAnotherSize: a picture in half the pixels shows the same place, as vaguely; a box that its lower edge cuts off is vaguer.
func TestFloorOfAnotherSize(t *testing.T) {
	hom, err := fusion.Homography{0.01, 0, 0, 0, 0.02, 0, 0, 0.0001, 1}.Oriented(384, 576)
	if err != nil {
		t.Fatal(err)
	}
	full, half := NewFloor(hom, [2]int{768, 576}, 768, 576), NewFloor(hom, [2]int{768, 576}, 384, 288)
	at, sd, ok := full.Point([4]float32{350, 380, 60, 120})
	at2, sd2, ok2 := half.Point([4]float32{175, 190, 30, 60})
	if !ok || !ok2 || math.Hypot(at[0]-at2[0], at[1]-at2[1]) > 1e-3 || math.Hypot(sd[0]-sd2[0], sd[1]-sd2[1]) > 1e-3 {
		t.Errorf("half size: %v ± %v, want %v ± %v", at2, sd2, at, sd)
	}
	_, free, _ := half.Point([4]float32{150, 235, 25, 50})
	_, cut, _ := half.Point([4]float32{150, 238, 25, 50})
	if cut[1] < 2*free[1] {
		t.Errorf("a hidden foot is as sure as a seen one: %v, %v", cut, free)
	}
}

// doubler finds as many things as the frame is wide and notes its batches.
type doubler struct {
	mu      sync.Mutex
	batches []int
	gate    chan struct{}
	closed  bool
	memory  [64]Detection // used again each time, as a real detector's is
}

func (d *doubler) Detect(_ context.Context, frames []Frame) ([][]Detection, error) {
	<-d.gate
	d.mu.Lock()
	defer d.mu.Unlock()
	d.batches = append(d.batches, len(frames))
	out, free := make([][]Detection, len(frames)), d.memory[:]
	for i, f := range frames {
		if f.W == 0 {
			return nil, errors.New("bad frame")
		}
		out[i], free = free[:f.W], free[f.W:]
		for k := range out[i] {
			out[i][k].Conf = float32(f.W)
		}
	}
	return out, nil
}

func (d *doubler) Close() error { d.closed = true; return nil }

func TestSharedDetectorBatchesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &doubler{gate: make(chan struct{})}
		s := Share(d, 4)
		var wg sync.WaitGroup
		var answers [8][][]Detection
		ask := func(w int) {
			wg.Go(func() {
				var err error
				if answers[w], err = s.Detect(t.Context(), []Frame{{W: w}}); err != nil {
					t.Error(err)
				}
			})
		}
		ask(1)
		synctest.Wait() // the first alone is in work
		for w := 2; w <= 7; w++ {
			ask(w)
		}
		synctest.Wait() // six wait
		for range 3 {
			d.gate <- struct{}{}
			synctest.Wait()
		}
		wg.Wait()
		for w := 1; w <= 7; w++ { // each has its own, also after later batches
			if a := answers[w]; len(a) != 1 || len(a[0]) != w || a[0][w-1].Conf != float32(w) {
				t.Errorf("asked for %d, got %v", w, a)
			}
		}
		if len(d.batches) != 3 || d.batches[0] != 1 || d.batches[1] != 4 || d.batches[2] != 2 {
			t.Errorf("batches %v, want 1 4 2", d.batches)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		close(d.gate)
		if _, err := s.Detect(t.Context(), []Frame{{}}); err == nil {
			t.Error("the detector's error was lost")
		}
		if err := s.Close(); err != nil || !d.closed {
			t.Errorf("close: %v %v", err, d.closed)
		}
		if _, err := s.Detect(ctx, []Frame{{W: 1}}); err == nil {
			t.Error("detected after Close")
		}
	})
}
