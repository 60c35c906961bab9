package sensors

import (
	"errors"
	cli "flag" // flag is a value of ours
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

var update = cli.Bool("update", false, "write the golden files of testdata/vendors from what the decoders say")

// fixture is one payload of another maker in testdata/vendors/<vendor>: <shape>.json, .txt or .bin, the topic that it
// comes on in <shape>.topic, and what becomes of it in <shape>.golden. site.yaml beside them has the entry of sources.
type fixture struct {
	vendor, shape string
	topic         string
	payload       []byte
	golden        string // path
	d             *Decoder
}

// fixtures are all of them, by vendor and shape. A final line break belongs to the file and not to the payload, but in .bin.
func fixtures(t testing.TB) (all []fixture) {
	t.Helper()
	sites, err := filepath.Glob(filepath.Join("testdata", "vendors", "*", "site.yaml"))
	if err != nil || len(sites) == 0 {
		t.Fatalf("no testdata/vendors/*/site.yaml: %v", err)
	}
	for _, path := range sites {
		d, dir := vendorDecoder(t, path), filepath.Dir(path)
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			shape, ext := strings.TrimSuffix(file.Name(), filepath.Ext(file.Name())), filepath.Ext(file.Name())
			if !slices.Contains([]string{".json", ".txt", ".bin"}, ext) {
				continue
			}
			f := fixture{vendor: filepath.Base(dir), shape: shape, golden: filepath.Join(dir, shape+".golden"), d: d}
			f.topic = strings.TrimSpace(string(content(t, filepath.Join(dir, shape+".topic"))))
			f.payload = content(t, filepath.Join(dir, file.Name()))
			if ext != ".bin" {
				f.payload = []byte(strings.TrimSuffix(string(f.payload), "\n"))
			}
			all = append(all, f)
		}
	}
	return all
}

// vendorDecoder decodes for the site of a folder of fixtures.
func vendorDecoder(t testing.TB, path string) *Decoder {
	t.Helper()
	s, err := site.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(s.Store, Options{Foreign: s.Sources, Cameras: s.Cameras, Cashier: s.Privacy.Cashier, Key: []byte("k")})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVendors decodes every fixture, which arrives at the time that all tests of this package have, and holds it to its
// golden file. Every decoder has at least one fixture that it takes.
func TestVendors(t *testing.T) {
	taken := map[string]bool{}
	for _, f := range fixtures(t) {
		t.Run(f.vendor+"/"+f.shape, func(t *testing.T) {
			m, err := f.d.Decode(received, f.topic, false, f.payload)
			if err == nil {
				taken[f.vendor] = true
			}
			got := told(t, f.d.store, m, err)
			if *update {
				if err := os.WriteFile(f.golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(content(t, f.golden)), got); diff != "" {
				t.Errorf("%s (written again by go test ./sensors -run TestVendors -update):\n%s", f.golden, diff)
			}
		})
	}
	for _, v := range vendors() {
		if !taken[v.name] {
			t.Errorf("testdata/vendors/%s has no payload that the decoder takes", v.name)
		}
	}
}

// told is what became of a message, in words: its kind, source and time, and an event a line; or the rejection.
func told(t *testing.T, store *fusion.Store, m fusion.Message, err error) string {
	t.Helper()
	var r *Rejection
	if errors.As(err, &r) {
		return fmt.Sprintf("rejected: %s/%s %s %s\n%s\n", r.Kind, r.Source, r.Code, r.Path, r.Reason)
	}
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", m.Kind, store.Sources[m.Source].ID, message.At(m.TS))
	if !m.Clocked {
		b.WriteString(" (arrival)")
	}
	if m.Seq > 0 {
		fmt.Fprintf(&b, " seq %d", m.Seq-1)
	}
	if len(m.Events) == 0 {
		b.WriteString(": a sign of life")
	}
	b.WriteByte('\n')
	for i := range m.Events {
		e := &m.Events[i]
		if e.Source != m.Source || e.Kind != m.Kind {
			t.Errorf("event %d is of source %d and kind %v, the message of %d and %v", i, e.Source, e.Kind, m.Source, m.Kind)
		}
		b.WriteString(eventTold(store, e) + "\n")
	}
	return b.String()
}

// eventTold is an event in words: its time, then what it has.
func eventTold(store *fusion.Store, e *fusion.Event) string {
	b := []byte(message.At(e.TS).String())
	text := func(name, v string) {
		if v != "" {
			b = fmt.Appendf(b, " %s %q", name, v)
		}
	}
	number := func(name string, v float64, unit string, always bool) {
		if v != 0 || always {
			b = fmt.Appendf(b, " %s %v%s", name, v, unit)
		}
	}
	if e.Action != fusion.NoAction {
		b = fmt.Appendf(b, " %s", e.Action)
	}
	text("id", e.ID)
	text("name", e.Name)
	text("sku", e.SKU)
	text("epc", e.EPC)
	text("line", e.Line)
	text("of", e.Of)
	if e.Zone >= 0 {
		text("zone", store.Zones[e.Zone].ID)
	}
	if e.Kind == fusion.Gate || e.Kind == fusion.Signal {
		b = fmt.Appendf(b, " on %v", e.On)
	}
	number("antenna", float64(e.Antenna), "", e.Kind == fusion.RFID)
	number("rssi", e.RSSI, " dBm", e.Kind == fusion.RFID)
	number("phase", e.Phase, " rad", false)
	number("channel", e.Channel, " MHz", false)
	number("conf", e.Conf, "", false)
	if e.HasFloor {
		b = fmt.Appendf(b, " floor %v,%v m", round(e.Floor.X), round(e.Floor.Y))
	}
	if e.SD != (fusion.Point{}) {
		b = fmt.Appendf(b, " sd %v,%v m", round(e.SD.X), round(e.SD.Y))
	}
	if len(e.Hands) > 0 {
		b = fmt.Appendf(b, " hands %v m", e.Hands)
	}
	number("holding", e.Holding, "", false)
	number("grams", round(e.Grams), " g", e.Kind == fusion.Weight)
	number("qty", e.Qty, "", e.Kind == fusion.Count || e.Kind == fusion.Stock)
	number("qty_out", e.QtyOut, "", e.Kind == fusion.Count)
	number("price", float64(e.Price)/100, "", false)
	number("every", float64(e.Every)/1e9, " s", false)
	if e.Change {
		b = append(b, " change"...)
	}
	return string(b)
}

// round keeps what is told of a computed value to what a test can hold.
func round(v float64) float64 { return math.Round(v*1e6) / 1e6 }

// allocated is how many bytes a decoding allocates: the least of three, since others may allocate meanwhile, and what the
// decoder keeps for later messages (the table of strings, room for events) is not the message's.
func allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	var before, after runtime.MemStats
	for range 3 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// TestEveryDecoderIsOnThePage: docs/sensors.md has an entry for each decoder, and every entry there is one that the site file takes.
func TestEveryDecoderIsOnThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/sensors.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|.*\\| `(\\{topic: .*\\})` \\|$").FindAllStringSubmatch(string(page), -1) {
		rows[m[1]] = m[2]
	}
	for _, v := range vendors() {
		entry := rows[v.name]
		if entry == "" {
			t.Errorf("docs/sensors.md has no row for decoder %s", v.name)
			continue
		}
		path := filepath.Join(t.TempDir(), "site.yaml")
		text := `store: s
zones: [{id: door, kind: exit, polygon: [[0,0],[2,0],[2,1],[0,1]]}]
products: products.csv
cameras: [{id: cam-1}, {id: scene}]
counters: [{id: c-in, zone: door}]
signals: [{id: frigate-review, zone: door}, {id: a-line, zone: door, rule: line}]
devices: [{id: frigate, kind: region}, {id: scene-regions, kind: region}]
sources:
  - ` + entry + "\n"
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600),
			os.WriteFile(filepath.Join(filepath.Dir(path), "products.csv"), []byte("sku,name\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := site.Load(path)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		if _, err := newForeign(s.Store, s.Sources); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}
