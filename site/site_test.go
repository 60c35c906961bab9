package site

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"magpie/fusion"
	"magpie/strict"
)

func TestLoadsTheContractsExample(t *testing.T) {
	s, err := Load(filepath.Join("testdata", "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	st := s.Store
	if st.ID != "s042" || st.Currency != "GBP" || st.Location.String() != "Europe/London" {
		t.Errorf("store %q, currency %q, timezone %v", st.ID, st.Currency, st.Location)
	}
	week := [7]fusion.Hours{{From: 600, To: 960}}
	for d := time.Monday; d <= time.Saturday; d++ {
		week[d] = fusion.Hours{From: 420, To: 1380}
	}
	if st.Hours != week {
		t.Errorf("hours %v", st.Hours)
	}
	if len(st.Zones) != 4 || st.Zones[3].Kind != fusion.Exit || st.Zones[3].Out[1] != (fusion.Point{X: 5, Y: 0}) {
		t.Errorf("zones %+v", st.Zones)
	}
	wantProducts := []fusion.Product{
		{SKU: "00071142008582", Written: "071142008582", Name: "Taco sauce; hot", Category: "sauces", Style: "taco-sauce", Price: 199,
			Grams: 621.67, GramsSD: 3, Tagged: true, EPCPrefix: "3034045798"},
		{SKU: "04006381333931", Written: "4006381333931", Name: "Razor blades", Category: "razor-blades", Price: 1450, Grams: 38, GramsSD: 0.5},
	}
	if d := cmp.Diff(wantProducts, st.Products); d != "" {
		t.Errorf("products (-want +got):\n%s", d)
	}
	if sc := st.Scales[0]; sc.Zone != 1 || sc.At != [3]float64{2.1, 4.7, 1.2} || len(sc.Products) != 1 {
		t.Errorf("scale %+v", sc)
	}
	var ids []string
	for _, c := range st.Sources {
		ids = append(ids, c.ID+" "+c.Kind.String()+" "+time.Duration(c.Lateness).String())
	}
	want := "axis-3 region 3s, c-1 count 3s, cam-1 track 3s, cam-1-line signal 3s, eas-1 gate 2s, erp-1 stock 3s, g1-s5-p11 weight 500ms, r-door rfid 2s, sco-1 till 3s"
	if got := strings.Join(ids, ", "); got != want {
		t.Errorf("sources %s, want %s", got, want)
	}
	if zones := st.Sources[st.SourceIndex("cam-1")].Zones; len(zones) != 4 {
		t.Errorf("cam-1 perceives zones %v, want all four", zones)
	}
	if st.MaxLateness() != int64(3*time.Second) {
		t.Errorf("largest lateness %v", time.Duration(st.MaxLateness()))
	}
	london, _ := time.LoadLocation("Europe/London")
	if at := time.Date(2026, 11, 22, 8, 0, 0, 0, london).UnixNano(); st.Staff.Tasks[0].From != at || st.Staff.Tasks[0].Zone != 1 {
		t.Errorf("task %+v, want from %d", st.Staff.Tasks[0], at)
	}
	if at := time.Date(2026, 6, 1, 5, 0, 0, 0, time.UTC).UnixNano(); st.Staff.Tasks[1].From != at {
		t.Errorf("task %+v, want from %d", st.Staff.Tasks[1], at)
	}
	x, y, ok := s.Cameras[0].Homography.Apply(1280, 720)
	if !ok || math.Abs(x-8) > 1e-6 || math.Abs(y) > 1e-6 || len(s.Cameras[0].Masks) != 1 {
		t.Errorf("camera %+v maps its corner to %g, %g", s.Cameras[0], x, y)
	}
	if s.Sources[1].Kind != fusion.Weight || s.Sources[1].Map[1].Member != "grams" || s.Sources[1].Map[1].At.Line != 26 {
		t.Errorf("sources %+v", s.Sources)
	}
	if len(s.Outputs) != 3 || s.Outputs[0].SecretFile != filepath.Join("testdata", "floor.key") || !strings.HasPrefix(s.Outputs[1].SMTP, "smtp://magpie@") {
		t.Errorf("outputs %+v", s.Outputs)
	}
	if s.Budget != (Budget{4, 2, 3}) || s.Cost != (Cost{25, 0.6}) {
		t.Errorf("budget %+v cost %+v", s.Budget, s.Cost)
	}
	if o := s.Policies.Overrides["unpaid-exit"]; o.Mode != "shadow" || o.Params["floor_value"] != 8.0 || s.Policies.Dir != filepath.Join("testdata", "policies") {
		t.Errorf("policies %+v", s.Policies)
	}
	year := 365 * 24 * time.Hour
	if s.Privacy.Cashier != "off" || s.Privacy.Keep != (Keep{0, 72 * time.Hour, 72 * time.Hour, 7 * 24 * time.Hour, year}) || len(s.Privacy.Drop) != 3 || !st.HideForeign {
		t.Errorf("privacy %+v", s.Privacy)
	}
	if !strings.HasPrefix(s.Hash, "sha256:") || len(s.Hash) != 71 {
		t.Errorf("hash %q", s.Hash)
	}
	wantNote := "staff.starts_in names stockroom, and the store has no zone of that kind"
	if len(s.Notes) != 1 || s.Notes[0] != wantNote {
		t.Errorf("notes %q, want %q", s.Notes, wantNote)
	}
}

func TestLoadsTheCornerShop(t *testing.T) {
	s, err := Load(filepath.Join("..", "rules", "testdata", "contract", "testdata", "corner-shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Store.Sources) != 6 || s.Store.Products[0].Name != "Taco sauce" {
		t.Errorf("sources %v products %v", s.Store.Sources, s.Store.Products)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "staff() is inferred") {
		t.Errorf("notes %q, want one that says that staff() is inferred", s.Notes)
	}
}

// TestSharedTills: a bagging scale in a zone of two tills is noted.
func TestSharedTills(t *testing.T) {
	const head = "store: s1\ntimezone: UTC\nzones:\n  - {id: a, kind: checkout, polygon: [[0,0],[1,0],[1,1]]}\n  - {id: b, kind: checkout, polygon: [[2,0],[3,0],[3,1]]}\n" +
		"scales: [{id: bag-1, zone: a, at: [0.5, 0.5, 1], size: [0.3, 0.4], skus: []}]\n"
	const want = "zone a has the tills t1, t2: whose goods lie on bag-1 is not known, and what it weighs is not used; give each till a zone of its own"
	for tills, noted := range map[string]bool{"[{id: t1, zone: a, kind: self}, {id: t2, zone: a, kind: self}]": true, "[{id: t1, zone: a, kind: self}, {id: t2, zone: b, kind: self}]": false,
		"[{id: t1, zone: b, kind: self}, {id: t2, zone: b, kind: self}]": false} {
		s, err := parse(head+"tills: "+tills+"\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(s.Notes, want) != noted {
			t.Errorf("%s: %q", tills, s.Notes)
		}
	}
}

// TestBareAisles: an aisle without sensors is noted where others have some, and where none has any nothing is said.
func TestBareAisles(t *testing.T) {
	const head = "store: s1\ntimezone: UTC\nzones:\n"
	const a, b = "  - {id: a, kind: aisle, polygon: [[0,0],[1,0],[1,1]]}\n", "  - {id: b, kind: aisle, polygon: [[2,0],[3,0],[3,1]]}\n"
	for text, want := range map[string]string{
		head + a + b + "scales: [{id: g, zone: a, at: [0.5, 0.5, 1], size: [0.3, 0.4], skus: []}]\n":         "aisle b has no scale and no reader: goods taken and put back there are not seen; give it one if goods stand there",
		head + a + b + "readers: [{id: r, antennas: {1: {zone: b}}}]\n":                                      "aisle a has no scale and no reader: ",
		head + a + b + "readers: [{id: r, antennas: {1: {zone: a}, 2: {zone: b}}}]\n":                        "",
		head + a + b + `readers: [{"id": "r", "antennas": {"1": {"zone": "a"}, "2": {"zone": "b"}}}]` + "\n": "", // as JSON has it
		head + a + b + "cameras: [{id: c, frame: [640, 480], sees: [[0,0],[3,0],[3,1],[0,1]]}]\n":            "",
		head + a + "tills: []\n": "",
	} {
		s, err := parse(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(s.Notes, "\n")
		if n := strings.Count(notes, "no scale and no reader"); n > 1 || (n == 1) != (want != "") || !strings.Contains(notes, want) {
			t.Errorf("%s\nnotes %q, want %q", text, notes, want)
		}
	}
}

// parse reads a site with its tables from memory.
func parse(text string, files map[string]string) (*Site, error) {
	return Parse("site.yaml", []byte(text), func(path string) ([]byte, error) {
		if f, ok := files[path]; ok {
			return []byte(f), nil
		}
		return nil, fs.ErrNotExist
	})
}

const small = `store: s1
timezone: UTC
zones:
  - {id: in-1, kind: entrance, polygon: [[0,0],[3,0],[3,2],[0,2]]}
  - {id: room, kind: fitting, polygon: [[5,0],[7,0],[7,2],[5,2]]}
`

func TestTheHashFollowsEveryFile(t *testing.T) {
	hash := func(site string, products string) string {
		s, err := parse(site+"products: p.csv\n", map[string]string{"p.csv": products})
		if err != nil {
			t.Fatal(err)
		}
		return s.Hash
	}
	a := hash(small, "sku\n1\n")
	if b := hash(small, "sku\n1\n"); a != b {
		t.Errorf("the same files have hashes %s and %s", a, b)
	}
	if b := hash(small, "sku\n2\n"); a == b {
		t.Error("another product has the same hash")
	}
	if b := hash(small+"# more\n", "sku\n1\n"); a == b {
		t.Error("another site file has the same hash")
	}
}

func TestACameraSeesTheLowerHalfOfItsFrame(t *testing.T) {
	s, err := parse(small+`cameras:
  - {id: c1, frame: [100, 100], points: [[0,0,0,2],[100,0,4,2],[100,100,4,0],[0,100,0,0]]}
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []fusion.Point{{X: 0, Y: 1}, {X: 4, Y: 1}, {X: 4, Y: 0}, {X: 0, Y: 0}}
	for i, p := range s.Cameras[0].Sees {
		if math.Abs(p.X-want[i].X) > 1e-9 || math.Abs(p.Y-want[i].Y) > 1e-9 {
			t.Errorf("sees %v, want %v", s.Cameras[0].Sees, want)
		}
	}
	if z := s.Store.Sources[0].Zones; len(z) != 1 || z[0] != 0 {
		t.Errorf("perceives zones %v, want only in-1", z)
	}
}

func TestErrorsCanBeTakenApart(t *testing.T) {
	_, err := parse(small+"hourz: {}\nbudget: {day: x}\n", nil)
	var all strict.Errors
	if !errors.As(err, &all) || len(all) != 2 {
		t.Fatalf("got %v, want two errors", err)
	}
	var one strict.Error
	if !errors.As(err, &one) || one.Line != 6 || one.Col != 1 || one.File != "site.yaml" {
		t.Errorf("the first error is %+v", one)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small+"scales: [{id: a, zone: in-1, at: [1,2,3], skus: [\"1\"]}]\nproducts: p.csv\nstaff: {tasks: t.csv}\n", "sku;price\n1;2,5\n")
	f.Add(small+"cameras:\n  - {id: c1, frame: [100, 100], points: [[0,0,0,2],[100,0,4,2],[100,100,4,0],[0,100,0,0]]}\n", "")
	f.Add("a: &a [*a]\nzones: *a\n", "from,to,zone\n")
	f.Add("store: s\nzones: [{id: a, kind: aisle, polygon: [[0,0],[1,1],[1,0],[0,1]]}]", "\xef\xbb\xbf")
	f.Fuzz(func(t *testing.T, text, table string) {
		s, err := parse(text, map[string]string{"p.csv": table, "t.csv": table})
		if (s == nil) == (err == nil) {
			t.Fatalf("site %v with error %v", s, err)
		}
		var all strict.Errors
		if err != nil && (!errors.As(err, &all) || len(all) == 0) {
			t.Fatalf("error without a place: %v", err)
		}
		for _, e := range all {
			if e.Line < 1 || e.Col < 1 || e.Text == "" {
				t.Fatalf("error without a place: %+v", e)
			}
		}
	})
}

// TestPseudonymsWithoutAKeyAreNoted: whoever wants pseudonyms hears that they need a key.
func TestPseudonymsWithoutAKeyAreNoted(t *testing.T) {
	for privacy, noted := range map[string]bool{"{cashier: pseudonym}": true, "{cashier: pseudonym, key_file: a.key}": false, "{cashier: off}": false} {
		s, err := Parse("shop/site.yaml", []byte("store: s\nzones: [{id: door, kind: exit, polygon: [[3, 0], [5, 0], [5, 1], [3, 1]]}]\nprivacy: "+privacy+"\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(s.Notes, "\n"), "without a key_file"); got != noted {
			t.Errorf("%s: %q", privacy, s.Notes)
		}
		if key := s.Privacy.KeyFile; key != "" && key != filepath.Join("shop", "a.key") {
			t.Errorf("%s: %s", privacy, key)
		}
	}
}

// TestOwnNumbers: a product with a GTIN goes by the shop's own number too, at a scale and in messages, and neither may be another's.
func TestOwnNumbers(t *testing.T) {
	const scales = head + "products: p.csv\nscales: [{id: g, zone: in-1, at: [1, 1, 1], skus: [\"100535\"]}]\n"
	s, err := parse(scales, map[string]string{"p.csv": "sku,gtin\n7,\n100535,71142008582\n"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Store.Scales[0].Products; len(got) != 1 || got[0] != 1 {
		t.Errorf("on the scale are %v, want the second product", got)
	}
	for _, n := range []string{"100535", "071142008582"} {
		if i := s.Store.ProductIndex(fusion.GTIN14(n)); i != 1 {
			t.Errorf("%s is product %d, want the second", n, i)
		}
	}
	_, err = parse(scales, map[string]string{"p.csv": "sku,gtin\n100535,71142008582\n0100535,\n"})
	if want := `p.csv:3:1: SKU "0100535" is given twice, first in line 2`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestCornersTwice: a corner that is given twice in a row, or again at the end, is one corner, and no side that crosses another.
func TestCornersTwice(t *testing.T) {
	const zone = "store: s1\ntimezone: UTC\nzones:\n  - {id: a, kind: aisle, polygon: %s}\n"
	for _, twice := range []string{"[[0,0],[4,0],[4,0],[4,3],[0,3]]", "[[0,0],[4,0],[4,3],[0,3],[0,0]]", "[[0,0],[0,0],[4,0],[4,3],[0,3],[0,3],[0,0]]"} {
		s, err := parse(fmt.Sprintf(zone, twice), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Store.Zones[0].Polygon; !slices.Equal(got, []fusion.Point{{X: 0, Y: 0}, {X: 4, Y: 0}, {X: 4, Y: 3}, {X: 0, Y: 3}}) {
			t.Errorf("%s is %v", twice, got)
		}
	}
	if _, err := parse(fmt.Sprintf(zone, "[[0,0],[1,1],[1,1],[0,0]]"), nil); err == nil || !strings.Contains(err.Error(), "wants at least 3 points [x, y], there are 2") {
		t.Errorf("two corners are no polygon: %v", err)
	}
}
