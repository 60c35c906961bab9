package fusion

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// dataDir is where the recordings lie that are not shipped; a test that needs one skips without it.
func dataDir(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("MAGPIE_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	} else if !filepath.IsAbs(root) {
		root = filepath.Join("..", root)
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the recording %s is not here (%v); point MAGPIE_DATA at the folder that holds it", name, err)
	}
	return dir
}

// documents decodes a file of JSON objects one after the other.
func documents[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []T
	for dec := json.NewDecoder(f); ; {
		var v T
		if err := dec.Decode(&v); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, v)
	}
}

type plateID struct{ gondola, shelf, plate int }

// nanoScales reads the planogram of the NanoStore: the products of each of its plates.
func nanoScales(t *testing.T, dir string) (products []Product, on map[plateID][]int) {
	type product struct {
		ProductID struct{ ID string } `json:"product_id"`
		Metadata  struct {
			Name   string
			Weight float64
		}
	}
	type shelf struct {
		Gondola struct{ ID int } `json:"gondola_id"`
		Index   int              `json:"shelf_index"`
	}
	type facing struct {
		Plates []struct {
			Shelf shelf `json:"shelf_id"`
			Index int   `json:"plate_index"`
		} `json:"plate_ids"`
		Product struct{ ID string } `json:"planogram_product_id"`
	}
	bySKU := map[string]int{}
	for _, p := range documents[product](t, filepath.Join(dir, "products.json")) {
		bySKU[p.ProductID.ID] = len(products)
		products = append(products, Product{SKU: GTIN14(p.ProductID.ID), Name: p.Metadata.Name, Grams: p.Metadata.Weight})
	}
	on = map[plateID][]int{}
	for _, f := range documents[facing](t, filepath.Join(dir, "planogram.json")) {
		for _, p := range f.Plates {
			id := plateID{p.Shelf.Gondola.ID, p.Shelf.Index, p.Index}
			if i, ok := bySKU[f.Product.ID]; ok && !slices.Contains(on[id], i) {
				on[id] = append(on[id], i)
			}
		}
	}
	return products, on
}

// TestNanoStore runs the conditioner over a real shop: one bottle was taken, and nothing else was.
func TestNanoStore(t *testing.T) {
	dir := dataDir(t, "nanostore")
	products, on := nanoScales(t, dir)
	type message struct {
		Document struct {
			Header struct {
				Origin time.Time `json:"t_origin"`
			}
			Data struct {
				ID struct {
					Shelf struct {
						Gondola struct{ ID int } `json:"gondola_id"`
					} `json:"shelf_id"`
				} `json:"plate_id"`
				Rate   float64 `json:"freq_samp"`
				Values struct {
					Data  []byte
					Shape []int
				}
			} `json:"plate_data"`
		}
	}
	var start time.Time
	plates := map[plateID]*plate{}
	type found struct {
		id plateID
		s  step
	}
	var steps []found
	samples := 0
	for _, m := range documents[message](t, filepath.Join(dir, "plate_data.json")) {
		d := m.Document.Data
		if start.IsZero() {
			start = m.Document.Header.Origin
		}
		shape := d.Values.Shape
		at := func(i, shelf, plate int) float64 {
			b := d.Values.Data[4*((i*shape[1]+shelf)*shape[2]+plate):]
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		for shelf := 1; shelf < shape[1]; shelf++ {
			for n := 1; n < shape[2]; n++ {
				id := plateID{d.ID.Shelf.Gondola.ID, shelf, n}
				p := plates[id]
				if p == nil {
					p = newPlate(&Scale{Products: on[id]}, products)
					plates[id] = p
				}
				for i := range shape[0] {
					ts := m.Document.Header.Origin.UnixNano() + int64(i)*1e9/int64(d.Rate)
					samples++
					if s, ok := p.add(ts, at(i, shelf, n), false); ok {
						steps = append(steps, found{id, s})
					}
				}
			}
		}
	}
	for _, f := range steps {
		t.Logf("%v: %.1f g ± %.2f at %.2f s, settled at %.2f s", f.id, f.s.Grams, f.s.SD,
			float64(f.s.At-start.UnixNano())/1e9, float64(f.s.TS-start.UnixNano())/1e9)
	}
	if len(plates) != 288 || samples != 297_216 {
		t.Fatalf("%d plates and %d samples decoded; the recording has more", len(plates), samples)
	}
	if len(steps) != 1 || steps[0].id != (plateID{1, 5, 11}) || math.Abs(steps[0].s.Grams+623) > 3 {
		t.Fatalf("steps %+v; want one of -623 g on gondola 1, shelf 5, plate 11", steps)
	}
	g := infer(&Scale{Products: on[steps[0].id]}, products, steps[0].s.Grams, steps[0].s.SD, nil, nil)
	if len(g) == 0 || g[0].N != -1 || g[0].P < 0.95 || products[g[0].Product].SKU != "00071142008582" {
		t.Errorf("explained as %s; want one of the taco sauce, SKU 071142008582", show(g))
	}
	if at := float64(steps[0].s.At-start.UnixNano()) / 1e9; at < 11 || at > 13 {
		t.Errorf("it began %.2f s after the first message; want about 12.5 s", at)
	}
}
